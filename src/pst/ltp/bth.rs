//! A B-tree on a heap (MS-PST 2.3.2), built from sorted records.

use std::io;

use super::heap::{HEAP_ALLOCATION_MAX, Heap, Hid};

pub const HEADER_BYTES: usize = 8;

/// Writes the records of `key + data` bytes and fills in `header`, which must
/// be an allocation of the heap's first block.
pub fn write(
    heap: &mut Heap,
    header: Hid,
    (key, data): (usize, usize),
    records: &[u8],
) -> io::Result<()> {
    let mut nodes = write_level(heap, key, key + data, records)?;
    let mut level = 0_u8;
    while nodes.len() > key + 4 {
        nodes = write_level(heap, key, key + 4, &nodes)?;
        level += 1;
    }
    let mut bytes = [0; HEADER_BYTES];
    bytes[0..4].copy_from_slice(&[0xB5, key as u8, data as u8, level]);
    if !nodes.is_empty() {
        bytes[4..8].copy_from_slice(&nodes[key..key + 4]);
    }
    heap.patch(header, 0, &bytes);
    Ok(())
}

/// Allocates the records in pieces; the records of the level above.
fn write_level(heap: &mut Heap, key: usize, each: usize, records: &[u8]) -> io::Result<Vec<u8>> {
    let mut above = Vec::new();
    for piece in records.chunks(HEAP_ALLOCATION_MAX / each * each) {
        let hid = heap.allocate(piece)?;
        above.extend_from_slice(&piece[..key]);
        above.extend(hid.0.to_le_bytes());
    }
    Ok(above)
}

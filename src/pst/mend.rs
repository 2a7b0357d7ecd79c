//! A count that the crate `outlook-pst` insists on and some programs leave zero,
//! put right before it reads a store.
//!
//! The page map of a heap counts the allocations that are free (MS-PST 2.3.1.5,
//! `cFree`). Outlook counts those of no bytes; the crate refuses a whole message
//! over any other number, and reads the number for nothing else.

use std::collections::{BTreeMap, HashSet};

use super::ndb::{BLOCK_PAYLOAD, codec};

const PAGE_BYTES: usize = 512;
/// The third byte of a heap (MS-PST 2.3.1.2).
const HEAP_SIGNATURE: u8 = 0xEC;

/// Corrects the counts in the heaps of a Unicode store; how many were wrong.
/// What is no such store, or is damaged, is left as it is.
pub fn free_counts(store: &mut [u8]) -> usize {
    let is_unicode = store.starts_with(b"!BDN") && number(store, 10, 2) == Some(23);
    let is_encoded = match store.get(513) {
        Some(0) => false,
        Some(1) => true,
        _ => return 0,
    };
    if !is_unicode {
        return 0;
    }
    let blocks = blocks(store);
    let mut mended = HashSet::new();
    for id in blocks.keys() {
        for heap_page in heap(store, &blocks, *id, is_encoded) {
            if mend(store, heap_page, is_encoded) {
                mended.insert(heap_page.0);
            }
        }
    }
    mended.len()
}

/// Where each block is, and how long, by its id.
fn blocks(store: &[u8]) -> BTreeMap<u64, (usize, usize)> {
    let mut blocks = BTreeMap::new();
    let (mut waiting, mut seen) = (vec![place(store, 240)], HashSet::new());
    while let Some(at) = waiting.pop() {
        let Some(page) = at.and_then(|at| bytes(store, at, PAGE_BYTES)) else { continue };
        let (count, size, level) = (page[488], page[490], page[491]);
        let is_tree = page[496] == 0x80 && size == 24 && count <= 20;
        if !is_tree || !seen.insert(at) {
            continue;
        }
        for entry in page[..usize::from(count) * 24].chunks_exact(24) {
            if level > 0 {
                waiting.push(place(entry, 16));
            } else if let (Some(id), Some(at)) = (number(entry, 0, 8), place(entry, 8)) {
                let length = usize::from(entry[16]) | usize::from(entry[17]) << 8;
                blocks.insert(id & !1, (at, length));
            }
        }
    }
    blocks
}

/// The blocks of the heap that is at `id`; none where it is something else.
fn heap(
    store: &[u8],
    blocks: &BTreeMap<u64, (usize, usize)>,
    id: u64,
    is_encoded: bool,
) -> Vec<(usize, usize)> {
    let Some(&(at, length)) = blocks.get(&id) else { return Vec::new() };
    let pages = if id & 2 == 0 {
        vec![(at, length)]
    } else {
        let Some(tree) = bytes(store, at, length).filter(|tree| tree.starts_with(&[1, 1])) else {
            return Vec::new();
        };
        let children = tree[8.min(tree.len())..].chunks_exact(8);
        let children = children.filter_map(|child| number(child, 0, 8));
        children.filter_map(|child| blocks.get(&(child & !1)).copied()).collect()
    };
    let is_heap = pages.first().and_then(|(at, _)| bytes(store, *at, 12)).is_some_and(|header| {
        let header = decoded(header, is_encoded);
        header[2] == HEAP_SIGNATURE && matches!(header[3], 0x7C | 0xBC)
    });
    if is_heap { pages } else { Vec::new() }
}

/// Whether the count of this page was wrong; it is right now.
fn mend(store: &mut [u8], (at, length): (usize, usize), is_encoded: bool) -> bool {
    let size = (length + 16).next_multiple_of(64);
    let block = at.checked_add(size).and_then(|end| store.get_mut(at..end));
    let Some(block) = block.filter(|_| length <= BLOCK_PAYLOAD) else { return false };
    let mut data = decoded(&block[..length], is_encoded);
    let word = |at: usize| number(&data, at, 2).map(|word| word as usize);
    let Some((map, count)) = word(0).and_then(|map| Some((map, word(map)?))) else {
        return false;
    };
    let starts: Option<Vec<usize>> = (0..=count).map(|item| word(map + 4 + 2 * item)).collect();
    let Some(starts) = starts.filter(|starts| starts.is_sorted() && starts[count] <= map) else {
        return false;
    };
    let free = starts.windows(2).filter(|pair| pair[0] == pair[1]).count();
    if word(map + 2) == Some(free) {
        return false;
    }
    data[map + 2..map + 4].copy_from_slice(&(free as u16).to_le_bytes());
    if is_encoded {
        codec::permute(&mut data);
    }
    block[..data.len()].copy_from_slice(&data);
    let sum = codec::crc(&data);
    block[size - 12..size - 8].copy_from_slice(&sum.to_le_bytes());
    true
}

fn decoded(data: &[u8], is_encoded: bool) -> Vec<u8> {
    let mut data = data.to_vec();
    if is_encoded {
        codec::restore(&mut data);
    }
    data
}

fn bytes(store: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    store.get(at..at.checked_add(length)?)
}

fn place(from: &[u8], at: usize) -> Option<usize> {
    number(from, at, 8).and_then(|place| usize::try_from(place).ok())
}

fn number(from: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes(from, at, width)?;
    Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::pst::check::{self, samples};

    #[test]
    fn what_is_right_or_no_store_is_left_alone() {
        let sound = samples::sound();
        let mut store = sound.clone();
        assert_eq!(free_counts(&mut store), 0);
        assert_eq!(store, sound);
        for length in [0, 4, 600, 0x4400, sound.len() / 2] {
            let mut part = sound[..length].to_vec();
            free_counts(&mut part);
            assert_eq!(part, sound[..length]);
        }
    }

    #[test]
    fn wrong_counts_are_right_afterwards_and_the_file_is_sound() {
        let sound = samples::sound();
        let mut store = sound.clone();
        let heaps: Vec<_> =
            blocks(&store).keys().flat_map(|id| heap(&store, &blocks(&store), *id, true)).collect();
        let spoilt: HashSet<usize> = heaps.iter().map(|(at, _)| *at).collect();
        for (at, length) in heaps {
            let block = &mut store[at..at + (length + 16).next_multiple_of(64)];
            let mut data = decoded(&block[..length], true);
            let map = usize::from(data[0]) | usize::from(data[1]) << 8;
            data[map + 2] = 7;
            codec::permute(&mut data);
            block[..length].copy_from_slice(&data);
        }
        assert_eq!(free_counts(&mut store), spoilt.len());
        assert!(spoilt.len() > 100, "{}", spoilt.len());
        assert!(store == sound);
        assert!(check::check(Cursor::new(store)).unwrap().findings.is_empty());
    }

    /// Bytes that are something else, or lead astray, end.
    #[test]
    fn loops_and_nonsense_end() {
        let mut store = samples::sound();
        let root = place(&store, 240).unwrap();
        // The root's children are the root.
        for entry in 0..2 {
            store[root + 24 * entry + 16..][..8].copy_from_slice(&(root as u64).to_le_bytes());
        }
        free_counts(&mut store);
        for at in (0..store.len()).step_by(97) {
            store[at] ^= 0x5A;
        }
        store[0..4].copy_from_slice(b"!BDN");
        store[10] = 23;
        free_counts(&mut store);
    }
}

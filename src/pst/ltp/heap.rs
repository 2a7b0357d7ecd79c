//! A heap on a node (MS-PST 2.3.1): small allocations gathered into blocks.

use std::io::{self, Seek, Write};

use crate::pst::ndb::{BLOCK_PAYLOAD, Bid, DataTree, Ndb, Stored};

/// The largest allocation; more goes into a subnode (2.3.3.3).
pub const HEAP_ALLOCATION_MAX: usize = 3580;

/// Eleven bits of index in a heap id.
const ALLOCATIONS_PER_BLOCK_MAX: usize = 2047;
const BLOCKS_MAX: usize = 65_536;

/// A heap id (2.3.1.1); zero for an empty value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hid(pub u32);

#[derive(Clone)]
pub struct Heap {
    client: u8,
    blocks: Vec<Block>,
}

/// What the heap of a table takes, of which only the lengths of cells are known yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure {
    full_blocks: u64,
    /// Of the block that is not full.
    bytes: usize,
}

impl Measure {
    pub fn add(&mut self, cell_bytes: usize) {
        // The longest header that a block has, and the ends of its map.
        const AROUND: usize = 66 + 8;
        // What tables say of their columns, before their first cell.
        const COLUMNS: usize = 512;
        if cell_bytes == 0 {
            return;
        }
        if self.bytes == 0 {
            self.bytes = AROUND + COLUMNS;
        }
        // With its place in the map.
        let bytes = cell_bytes + 2;
        if self.bytes + bytes > BLOCK_PAYLOAD {
            self.full_blocks += 1;
            self.bytes = AROUND;
        }
        self.bytes += bytes;
    }

    pub fn full_blocks(self) -> u64 {
        self.full_blocks
    }

    /// With so many more for each block that is full.
    pub fn bytes(self, more: u64) -> u64 {
        self.full_blocks * (BLOCK_PAYLOAD as u64 + more) + self.bytes as u64
    }
}

#[derive(Clone)]
enum Block {
    Held {
        /// Header and allocations so far.
        bytes: Vec<u8>,
        starts: Vec<u16>,
    },
    Written {
        bid: Bid,
        fill: u8,
    },
}

impl Heap {
    pub fn new(client: u8) -> Self {
        Self { client, blocks: vec![Block::held(0)] }
    }

    /// Takes a copy of `value`.
    pub fn allocate(&mut self, value: &[u8]) -> io::Result<Hid> {
        if value.is_empty() {
            return Ok(Hid(0));
        }
        debug_assert!(value.len() <= HEAP_ALLOCATION_MAX);
        if !self.blocks.last().is_some_and(|block| block.has_room(value.len())) {
            if self.blocks.len() == BLOCKS_MAX {
                return Err(io::Error::other("a heap has room for 65,536 blocks"));
            }
            self.blocks.push(Block::held(self.blocks.len()));
        }
        let index = self.blocks.len() - 1;
        let Some(Block::Held { bytes, starts }) = self.blocks.last_mut() else {
            return Err(io::Error::other("the last block of a heap is always held"));
        };
        starts.push(bytes.len() as u16);
        bytes.extend_from_slice(value);
        Ok(Hid((index as u32) << 16 | (starts.len() as u32) << 5))
    }

    /// Overwrites an allocation of the first block.
    pub fn patch(&mut self, hid: Hid, at: usize, value: &[u8]) {
        if let Some(Block::Held { bytes, starts }) = self.blocks.first_mut() {
            let start = usize::from(starts[(hid.0 >> 5) as usize - 1]) + at;
            bytes[start..start + value.len()].copy_from_slice(value);
        }
    }

    /// Writes the blocks that are full, so that memory stays flat. Those that
    /// hold fill levels stay until all levels are known.
    pub fn spill<W: Write + Seek>(&mut self, ndb: &mut Ndb<W>) -> io::Result<()> {
        let full = self.blocks.len() - 1;
        // Earlier blocks were spilled by earlier calls.
        for index in (0..full).rev() {
            if header_bytes(index) > 2 {
                continue;
            }
            let Block::Held { bytes, starts } = &self.blocks[index] else { break };
            let (payload, fill) = close(bytes, starts, true);
            let bid = ndb.write_data(&payload)?;
            self.blocks[index] = Block::Written { bid, fill };
        }
        Ok(())
    }

    /// Bytes of the node when it is written now.
    pub fn size(&self) -> u64 {
        let last = match self.blocks.last() {
            Some(Block::Held { bytes, starts }) => close(bytes, starts, false).0.len(),
            _ => 0,
        };
        ((self.blocks.len() - 1) * BLOCK_PAYLOAD + last) as u64
    }

    pub fn finish<W: Write + Seek>(mut self, ndb: &mut Ndb<W>, root: Hid) -> io::Result<Stored> {
        let fills: Vec<u8> = self.blocks.iter().map(Block::fill).collect();
        let count = self.blocks.len();
        let client = self.client;
        let mut tree = DataTree::new();
        for (index, block) in self.blocks.iter_mut().enumerate() {
            match block {
                Block::Written { bid, .. } => tree.push(ndb, *bid, BLOCK_PAYLOAD)?,
                Block::Held { bytes, starts } => {
                    if index == 0 {
                        bytes[2] = 0xEC;
                        bytes[3] = client;
                        bytes[4..8].copy_from_slice(&root.0.to_le_bytes());
                        put_fills(&mut bytes[8..12], &fills[..count.min(8)]);
                    } else if header_bytes(index) > 2 {
                        let end = count.min(index + 128);
                        put_fills(&mut bytes[2..66], &fills[index..end]);
                    }
                    let (payload, _) = close(bytes, starts, index + 1 < count);
                    tree.write(ndb, &payload)?;
                }
            }
        }
        tree.finish(ndb)
    }
}

impl Block {
    fn held(index: usize) -> Self {
        Self::Held { bytes: vec![0; header_bytes(index)], starts: Vec::new() }
    }

    fn has_room(&self, size: usize) -> bool {
        match self {
            Self::Held { bytes, starts } => {
                let map = 4 + 2 * (starts.len() + 2);
                (bytes.len() + size).next_multiple_of(2) + map <= BLOCK_PAYLOAD
                    && starts.len() < ALLOCATIONS_PER_BLOCK_MAX
            }
            Self::Written { .. } => false,
        }
    }

    fn fill(&self) -> u8 {
        match self {
            Self::Held { bytes, starts } => close(bytes, starts, false).1,
            Self::Written { fill, .. } => *fill,
        }
    }
}

/// HNHDR in the first block, HNBITMAPHDR in the eighth and each 128th after it,
/// HNPAGEHDR in the others (2.3.1.2 to .4).
fn header_bytes(index: usize) -> usize {
    match index {
        0 => 12,
        _ if index % 128 == 8 => 66,
        _ => 2,
    }
}

/// The block with its page map (2.3.1.5), and its fill level.
fn close(bytes: &[u8], starts: &[u16], pad: bool) -> (Vec<u8>, u8) {
    let mut out = bytes.to_vec();
    let end = out.len() as u16;
    if out.len() % 2 == 1 {
        out.push(0);
    }
    let map = out.len() as u16;
    out[0..2].copy_from_slice(&map.to_le_bytes());
    out.extend((starts.len() as u16).to_le_bytes());
    // cFree: nothing is ever freed.
    out.extend(0_u16.to_le_bytes());
    out.extend(starts.iter().flat_map(|start| start.to_le_bytes()));
    out.extend(end.to_le_bytes());
    let fill = fill_level(BLOCK_PAYLOAD - out.len());
    if pad {
        out.resize(BLOCK_PAYLOAD, 0);
    }
    (out, fill)
}

/// The fill level for so many free bytes (2.3.1.2).
fn fill_level(free: usize) -> u8 {
    const AT_LEAST: [usize; 15] =
        [3584, 2560, 2048, 1792, 1536, 1280, 1024, 768, 512, 256, 128, 64, 32, 16, 8];
    AT_LEAST.iter().position(|bound| free >= *bound).unwrap_or(15) as u8
}

fn put_fills(out: &mut [u8], fills: &[u8]) {
    for (index, fill) in fills.iter().enumerate() {
        out[index / 2] |= fill << (4 * (index % 2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fill_levels_are_those_of_the_format() {
        let at = [(8176, 0), (3583, 1), (300, 9), (36, 12), (8, 14), (7, 15)];
        for (free, level) in at {
            assert_eq!(fill_level(free), level, "{free}");
        }
    }

    #[test]
    fn an_empty_value_takes_no_room() {
        let mut heap = Heap::new(0xBC);
        assert_eq!(heap.allocate(b"").unwrap(), Hid(0));
        assert_eq!(heap.allocate(b"a").unwrap(), Hid(0x20));
        assert_eq!(heap.allocate(&[0; 3580]).unwrap(), Hid(0x40));
        assert_eq!(heap.allocate(&[0; 3580]).unwrap(), Hid(0x60));
        assert_eq!(heap.allocate(&[0; 3580]).unwrap(), Hid(0x1_0020));
    }
}

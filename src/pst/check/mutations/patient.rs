//! A sound file, to be wounded in one place and closed again around it.

use std::sync::LazyLock;

use super::super::image::{self, u16_at, u32_at, u64_at};
use super::super::samples;
use super::{ATTACHMENT, MESSAGE};

/// Where the header has the roots of both trees.
pub const NODES: usize = 216;
pub const BLOCKS: usize = 232;

/// Which file is wounded.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// Two folders with something of every kind.
    Sound,
    /// One message whose lists go down to further levels.
    Deep,
    /// One whose attachment takes an XXBLOCK.
    Long,
}

impl Which {
    pub fn patient(self) -> Patient {
        static SOUND: LazyLock<Vec<u8>> = LazyLock::new(samples::sound);
        static DEEP: LazyLock<Vec<u8>> = LazyLock::new(samples::deep);
        static LONG: LazyLock<Vec<u8>> = LazyLock::new(samples::long);
        let bytes = match self {
            Self::Sound => SOUND.clone(),
            Self::Deep => DEEP.clone(),
            Self::Long => LONG.clone(),
        };
        Patient { bytes }
    }
}

/// A file that can be wounded and closed again.
pub struct Patient {
    pub bytes: Vec<u8>,
}

impl Patient {
    pub fn header(&mut self, at: usize, value: &[u8]) {
        self.put(at, value);
        let partial = image::checksum(&self.bytes[8..479]);
        self.put(4, &partial.to_le_bytes());
        let full = image::checksum(&self.bytes[8..524]);
        self.put(524, &full.to_le_bytes());
    }

    pub fn put(&mut self, at: usize, value: &[u8]) {
        self.bytes[at..at + value.len()].copy_from_slice(value);
    }

    pub fn page(&mut self, at: usize, change: impl FnOnce(&mut [u8])) {
        change(&mut self.bytes[at..at + 496]);
        let sum = image::checksum(&self.bytes[at..at + 496]);
        self.put(at + 500, &sum.to_le_bytes());
    }

    pub fn root(&self, tree: usize) -> usize {
        u64_at(&self.bytes, tree + 8) as usize
    }

    /// The page and the place in it of the leaf entry with this key.
    pub fn entry(&self, tree: usize, key: u64) -> (usize, usize) {
        let mut at = self.root(tree);
        loop {
            let page = &self.bytes[at..at + 512];
            let (count, each, level) = (page[488] as usize, page[490] as usize, page[491]);
            let key_at = |index: usize| u64_at(page, index * each);
            let index = (0..count).rev().find(|index| key_at(*index) <= key).unwrap();
            if level == 0 {
                assert_eq!(key_at(index), key);
                return (at, index * each);
            }
            at = u64_at(page, index * each + 16) as usize;
        }
    }

    pub fn node(&mut self, nid: u32, at: usize, value: &[u8]) {
        let (page, entry) = self.entry(NODES, u64::from(nid));
        self.page(page, |page| page[entry + at..][..value.len()].copy_from_slice(value));
    }

    pub fn block_entry(&mut self, id: u64, at: usize, value: &[u8]) {
        let (page, entry) = self.entry(BLOCKS, id);
        self.page(page, |page| page[entry + at..][..value.len()].copy_from_slice(value));
    }

    pub fn data(&self, nid: u32) -> u64 {
        let (page, entry) = self.entry(NODES, u64::from(nid));
        u64_at(&self.bytes, page + entry + 8)
    }

    pub fn subnodes(&self, nid: u32) -> u64 {
        let (page, entry) = self.entry(NODES, u64::from(nid));
        u64_at(&self.bytes, page + entry + 16)
    }

    pub fn place(&self, id: u64) -> (usize, usize) {
        let (page, entry) = self.entry(BLOCKS, id);
        let at = page + entry;
        (u64_at(&self.bytes, at + 8) as usize, u16_at(&self.bytes, at + 16) as usize)
    }

    pub fn trailer(&self, id: u64) -> usize {
        let (at, length) = self.place(id);
        at + (length + 16).div_ceil(64) * 64 - 16
    }

    pub fn payload(&self, id: u64) -> Vec<u8> {
        let (at, length) = self.place(id);
        let mut bytes = self.bytes[at..at + length].to_vec();
        if id & 2 == 0 {
            image::decode(&mut bytes);
        }
        bytes
    }

    /// Changes what a block holds and closes it again.
    pub fn block(&mut self, id: u64, change: impl FnOnce(&mut [u8])) {
        let (at, length) = self.place(id);
        let mut bytes = self.payload(id);
        change(&mut bytes);
        if id & 2 == 0 {
            // The inverse of the decoding, found by trying.
            let mut table = [0; 256];
            for plain in 0..=255 {
                let mut byte = [plain];
                image::decode(&mut byte);
                table[usize::from(byte[0])] = plain;
            }
            bytes.iter_mut().for_each(|byte| *byte = table[usize::from(*byte)]);
        }
        self.put(at, &bytes);
        let sum = image::checksum(&self.bytes[at..at + length]);
        let trailer = self.trailer(id);
        self.put(trailer + 4, &sum.to_le_bytes());
    }

    /// The first leaf of a data tree.
    pub fn leaf(&self, id: u64) -> u64 {
        if id & 2 == 0 { id } else { self.leaf(u64_at(&self.payload(id), 8)) }
    }

    /// All of them.
    pub fn leaves(&self, id: u64) -> Vec<u64> {
        if id & 2 == 0 {
            return vec![id];
        }
        let children: Vec<u64> =
            self.payload(id)[8..].chunks(8).map(|child| u64_at(child, 0)).collect();
        children.into_iter().flat_map(|child| self.leaves(child)).collect()
    }

    /// The data of the large attachment, and its first leaf.
    pub fn large(&self) -> (u64, u64) {
        let inside = self.below(self.subnodes(MESSAGE), ATTACHMENT).1;
        let large = self.below(inside, 0x803F).0;
        (large, self.leaf(large))
    }

    /// Data and subnodes of a node inside a node.
    pub fn below(&self, subnodes: u64, nid: u32) -> (u64, u64) {
        let bytes = self.payload(subnodes);
        if bytes[1] == 1 {
            let mut children = bytes[8..].chunks(16).rev();
            let child = children.find(|entry| u32_at(entry, 0) <= nid).unwrap();
            return self.below(u64_at(child, 8), nid);
        }
        let entry = bytes[8..].chunks(24).find(|entry| u32_at(entry, 0) == nid).unwrap();
        (u64_at(entry, 8), u64_at(entry, 16))
    }

    /// Leaves a block with its first bytes, closed behind them.
    pub fn shorten(&mut self, id: u64, length: usize) {
        let at = self.place(id).0;
        let mut trailer = self.bytes[self.trailer(id)..][..16].to_vec();
        trailer[..2].copy_from_slice(&(length as u16).to_le_bytes());
        let sum = image::checksum(&self.bytes[at..at + length]);
        trailer[4..8].copy_from_slice(&sum.to_le_bytes());
        self.block_entry(id, 16, &(length as u16).to_le_bytes());
        let place = self.trailer(id);
        self.put(place, &trailer);
    }

    pub fn in_trailer(&mut self, id: u64, at: usize) -> &mut u8 {
        let trailer = self.trailer(id);
        &mut self.bytes[trailer + at]
    }

    /// The record of a property in the context whose data is `id`.
    pub fn record(&self, id: u64, tag: u32) -> Vec<u8> {
        let bytes = self.payload(self.leaf(id));
        let at = record(&bytes, tag);
        bytes[at..at + 8].to_vec()
    }

    pub fn property(&mut self, id: u64, tag: u32, change: impl FnOnce(&mut [u8])) {
        self.heap(id, |bytes| {
            let at = record(bytes, tag);
            change(&mut bytes[at..at + 8]);
        });
    }

    /// Changes the value of a property that is in the heap.
    pub fn value(&mut self, id: u64, tag: u32, change: impl FnOnce(&mut [u8])) {
        let hid = u32_at(&self.record(id, tag), 4);
        self.allocated(id, hid, change);
    }

    /// Lets the value of a property end two bytes early, and the next begin there.
    pub fn curtail(&mut self, id: u64, tag: u32) {
        let index = (u32_at(&self.record(id, tag), 4) >> 5) as usize;
        self.heap(id, |bytes| {
            let end = usize::from(u16_at(bytes, 0)) + 4 + 2 * index;
            let earlier = u16_at(bytes, end) - 2;
            bytes[end..end + 2].copy_from_slice(&earlier.to_le_bytes());
        });
    }

    /// What a heap has at an id.
    pub fn allocation(&self, id: u64, hid: u32) -> Vec<u8> {
        let bytes = self.payload(self.leaves(id)[(hid >> 16) as usize]);
        bytes[range(&bytes, hid)].to_vec()
    }

    pub fn allocated(&mut self, id: u64, hid: u32, change: impl FnOnce(&mut [u8])) {
        self.heap_block(id, (hid >> 16) as usize, |bytes| {
            let range = range(bytes, hid);
            change(&mut bytes[range]);
        });
    }

    /// The first block of a heap.
    pub fn heap(&mut self, id: u64, change: impl FnOnce(&mut [u8])) {
        self.heap_block(id, 0, change);
    }

    pub fn heap_block(&mut self, id: u64, number: usize, change: impl FnOnce(&mut [u8])) {
        let leaf = self.leaves(id)[number];
        self.block(leaf, change);
    }
}

/// Where the record of a property is in the block of its context.
fn record(bytes: &[u8], tag: u32) -> usize {
    let pattern = [(tag >> 16) as u8, (tag >> 24) as u8, tag as u8, (tag >> 8) as u8];
    bytes.windows(4).rposition(|window| window == pattern).unwrap()
}

fn range(bytes: &[u8], hid: u32) -> std::ops::Range<usize> {
    let map = usize::from(u16_at(bytes, 0));
    let index = (hid >> 5 & 0x7FF) as usize;
    let start = |index: usize| usize::from(u16_at(bytes, map + 2 + 2 * index));
    start(index)..start(index + 1)
}

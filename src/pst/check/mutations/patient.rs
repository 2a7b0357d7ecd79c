//! A sound file, to be wounded in one place and closed again around it.

use super::super::image::{self, u16_at, u32_at, u64_at};
use super::{BLOCKS, NODES};

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

    /// Data and subnodes of a node inside a node.
    pub fn below(&self, subnodes: u64, nid: u32) -> (u64, u64) {
        let bytes = self.payload(subnodes);
        let entry = bytes[8..].chunks(24).find(|entry| u32_at(entry, 0) == nid).unwrap();
        (u64_at(entry, 8), u64_at(entry, 16))
    }

    /// Changes the record of a property in the context whose data is `id`.
    pub fn property(&mut self, id: u64, tag: u32, change: impl FnOnce(&mut [u8])) {
        let pattern = [(tag >> 16) as u8, (tag >> 24) as u8, tag as u8, (tag >> 8) as u8];
        let leaf = self.leaf(id);
        self.block(leaf, |bytes| {
            let at = bytes.windows(4).rposition(|window| window == pattern).unwrap();
            change(&mut bytes[at..at + 8]);
        });
    }

    /// The first block of a heap.
    pub fn heap(&mut self, id: u64, change: impl FnOnce(&mut [u8])) {
        let leaf = self.leaf(id);
        self.block(leaf, change);
    }
}

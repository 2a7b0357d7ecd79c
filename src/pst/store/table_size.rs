//! How large the contents table of a folder becomes while its rows still wait.

use crate::pst::ltp::{HEAP_ALLOCATION_MAX, Measure, Property, Value};

/// A row without what it refers to; the columns are `template::CONTENTS`.
const ROW_BYTES: u64 = 136;
/// Its place in the index of rows, and what is left over in blocks of it.
const INDEX_BYTES: u64 = 12;
/// A trailer, and the places of a block in the tree of its node and of the file.
const AROUND_BLOCK: u64 = 16 + 8 + 27;
/// A cell in a node of its own: the node's place, and what fills up its last block.
const NODE_BYTES: u64 = 256;

#[derive(Clone, Copy, Debug, Default)]
pub struct TableSize {
    heap: Measure,
    rows: u64,
    large_cells: usize,
    large_bytes: u64,
}

impl TableSize {
    pub fn add(&mut self, row: &[Property]) {
        self.rows += 1;
        for cell in row {
            let bytes = match &cell.value {
                Value::Text(text) => 2 * text.encode_utf16().count(),
                Value::Binary(bytes) => bytes.len(),
                _ => continue,
            };
            if bytes <= HEAP_ALLOCATION_MAX {
                self.heap.add(bytes);
            } else {
                self.large_cells += 1;
                self.large_bytes += bytes as u64 + bytes as u64 / 128 + NODE_BYTES;
            }
        }
    }

    /// What it takes in the file beyond an empty table, at most.
    pub fn bytes(&self) -> u64 {
        let rows = self.rows * (ROW_BYTES + INDEX_BYTES);
        self.heap.bytes(AROUND_BLOCK) + rows + self.large_bytes
    }

    pub fn heap_blocks(&self) -> u64 {
        self.heap.full_blocks()
    }

    pub fn large_cells(&self) -> usize {
        self.large_cells
    }
}

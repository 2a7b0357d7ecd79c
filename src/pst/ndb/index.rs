//! A B-tree built from its leaves in key order (MS-PST 2.2.2.7.7): one open
//! page a level, so that the memory is that of the tree's height.

use std::io::{self, Seek, Write};

use super::file::Ndb;

const ENTRIES_BYTES: usize = 488;
const BRANCH_BYTES: usize = 24;

pub struct Index {
    kind: u8,
    leaf_bytes: usize,
    levels: Vec<Level>,
}

#[derive(Default)]
struct Level {
    entries: Vec<u8>,
    pages: u64,
}

impl Index {
    pub fn new(kind: u8, leaf_bytes: usize) -> Self {
        Self { kind, leaf_bytes, levels: vec![Level::default()] }
    }

    pub fn push<W: Write + Seek>(&mut self, ndb: &mut Ndb<W>, entry: &[u8]) -> io::Result<()> {
        self.push_at(ndb, 0, entry)
    }

    /// The root's name and place.
    pub fn finish<W: Write + Seek>(mut self, ndb: &mut Ndb<W>) -> io::Result<(u64, u64)> {
        let mut level = 0;
        loop {
            if level + 1 == self.levels.len() && self.levels[level].pages == 0 {
                return self.write(ndb, level);
            }
            self.flush(ndb, level)?;
            level += 1;
        }
    }

    fn push_at<W: Write + Seek>(
        &mut self,
        ndb: &mut Ndb<W>,
        level: usize,
        entry: &[u8],
    ) -> io::Result<()> {
        if level == self.levels.len() {
            self.levels.push(Level::default());
        }
        // A full page is written only when more comes, so none is ever empty.
        if self.levels[level].entries.len() + entry.len() > ENTRIES_BYTES {
            self.flush(ndb, level)?;
        }
        self.levels[level].entries.extend_from_slice(entry);
        Ok(())
    }

    fn flush<W: Write + Seek>(&mut self, ndb: &mut Ndb<W>, level: usize) -> io::Result<()> {
        let (bid, offset) = self.write(ndb, level)?;
        let mut branch = [0; BRANCH_BYTES];
        branch[0..8].copy_from_slice(&self.levels[level].entries[0..8]);
        branch[8..16].copy_from_slice(&bid.to_le_bytes());
        branch[16..24].copy_from_slice(&offset.to_le_bytes());
        self.levels[level].entries.clear();
        self.levels[level].pages += 1;
        self.push_at(ndb, level + 1, &branch)
    }

    fn write<W: Write + Seek>(&self, ndb: &mut Ndb<W>, level: usize) -> io::Result<(u64, u64)> {
        let entries = &self.levels[level].entries;
        let entry_bytes = if level == 0 { self.leaf_bytes } else { BRANCH_BYTES };
        let mut body = [0; 496];
        body[..entries.len()].copy_from_slice(entries);
        body[488] = (entries.len() / entry_bytes) as u8;
        body[489] = (ENTRIES_BYTES / entry_bytes) as u8;
        body[490] = entry_bytes as u8;
        body[491] = level as u8;
        ndb.write_page(&body, self.kind)
    }
}

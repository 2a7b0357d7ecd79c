//! Small files that ask for work without end: blocks that name the same blocks again,
//! as often as there is room.

use std::io::{Cursor, Read, Seek, SeekFrom};

use super::super::check;
use super::super::rule::Rule;
use crate::pst::ndb::{BLOCK_PAYLOAD, Ndb, Nid, Stored, kind};

/// The block ids that an XBLOCK has room for, and the subnodes of an SLBLOCK.
const IDS: u64 = 1021;
const SUBNODES: u32 = 340;

/// What a file of a thousand blocks may take, however it is made.
const READS_MAX: u64 = 100_000;

/// Ends a check that reads on and on.
struct Counted<R> {
    inner: R,
    reads: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.reads += 1;
        assert!(self.reads < READS_MAX, "reads {READS_MAX} times");
        self.inner.read(out)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}

fn file(fill: impl FnOnce(&mut Ndb<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut ndb = Ndb::create(Cursor::new(Vec::new()), &std::env::temp_dir()).unwrap();
    fill(&mut ndb);
    ndb.finish(&mut |_| Ok(())).unwrap().0.into_inner()
}

/// An internal block whose entries are the same but for their ids.
fn block(kind: u8, level: u8, total: u64, entries: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let entries: Vec<Vec<u8>> = entries.collect();
    let mut block = vec![kind, level];
    block.extend((entries.len() as u16).to_le_bytes());
    block.extend((total as u32).to_le_bytes());
    block.extend(entries.concat());
    block
}

fn ids(level: u8, child: u64, total: u64) -> Vec<u8> {
    block(1, level, total, (0..IDS).map(|_| child.to_le_bytes().to_vec()))
}

fn subnodes(data: u64, below: u64) -> Vec<u8> {
    let entry = |index| {
        let nid = u64::from(Nid::new(kind::VALUE, index).0);
        [nid, data, below].iter().flat_map(|field| field.to_le_bytes()).collect()
    };
    block(2, 0, 0, (1..=SUBNODES).map(entry))
}

#[track_caller]
fn check_ends(bytes: Vec<u8>) {
    let report = check(Counted { inner: Cursor::new(bytes), reads: 0 }).unwrap();
    assert!(report.findings.iter().any(|it| it.rule == Rule::ReferenceCount));
}

#[test]
fn data_that_is_named_again_and_again_is_gone_through_once() {
    check_ends(file(|ndb| {
        let leaf = ndb.write_data(&[b'x'; BLOCK_PAYLOAD]).unwrap().0;
        let bytes = IDS * BLOCK_PAYLOAD as u64;
        let branch = ndb.write_internal(&ids(1, leaf, bytes)).unwrap().0;
        let root = ndb.write_internal(&ids(2, branch, IDS * bytes)).unwrap().0;
        let inside = ndb.write_internal(&subnodes(root, 0)).unwrap();
        for index in 0..1_500 {
            let stored = Stored { subnodes: inside, ..Stored::EMPTY };
            ndb.add_node(Nid::new(1, 0x2000 + index), stored, Nid(0));
        }
    }));
}

#[test]
fn subnodes_that_are_each_others_are_gone_through_once() {
    check_ends(file(|ndb| {
        let leaf = ndb.write_data(b"y").unwrap().0;
        let mut below = 0;
        for _ in 0..60 {
            below = ndb.write_internal(&subnodes(leaf, below)).unwrap().0;
        }
        let stored = Stored { subnodes: crate::pst::ndb::Bid(below), ..Stored::EMPTY };
        ndb.add_node(Nid::new(1, 0x2000), stored, Nid(0));
    }));
}

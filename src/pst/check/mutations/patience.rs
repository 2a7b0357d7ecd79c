//! Small files that ask for work without end: blocks that name the same blocks again,
//! as often as there is room.

use std::io::{Cursor, Read, Seek, SeekFrom};

use super::super::heap::{Heap, Held, Properties};
use super::super::image::Image;
use super::super::ndb::{Database, TooMuch};
use super::super::rule::{Report, Rule};
use super::super::{check, names};
use super::MESSAGE;
use super::patient::{Patient, Which};
use crate::pst::ndb::{BLOCK_PAYLOAD, Bid, Ndb, Nid, Stored, kind};

/// The block ids that an XBLOCK has room for, and the subnodes of an SLBLOCK.
const IDS: u64 = 1021;
const SUBNODES: u32 = 340;

/// What is said of files that ask for more than a check gives.
pub const RULE: Rule = Rule::NamedAgain;

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

fn subnodes(kind: u32, data: u64, below: u64) -> Vec<u8> {
    let entry = |index| {
        let nid = u64::from(Nid::new(kind, index).0);
        [nid, data, below].iter().flat_map(|field| field.to_le_bytes()).collect()
    };
    block(2, 0, 0, (1..=SUBNODES).map(entry))
}

#[track_caller]
fn check_ends(bytes: Vec<u8>, rule: Rule) {
    let report = check(Counted { inner: Cursor::new(bytes), reads: 0 }).unwrap();
    assert!(report.findings.iter().any(|it| it.rule == rule), "{report}");
}

#[test]
fn data_that_is_named_again_and_again_is_gone_through_once() {
    check_ends(
        file(|ndb| {
            let leaf = ndb.write_data(&[b'x'; BLOCK_PAYLOAD]).unwrap().0;
            let bytes = IDS * BLOCK_PAYLOAD as u64;
            let branch = ndb.write_internal(&ids(1, leaf, bytes)).unwrap().0;
            let root = ndb.write_internal(&ids(2, branch, IDS * bytes)).unwrap().0;
            let inside = ndb.write_internal(&subnodes(kind::VALUE, root, 0)).unwrap();
            for index in 0..1_500 {
                let stored = Stored { subnodes: inside, ..Stored::EMPTY };
                ndb.add_node(Nid::new(1, 0x2000 + index), stored, Nid(0));
            }
        }),
        Rule::ReferenceCount,
    );
}

#[test]
fn subnodes_that_are_each_others_are_gone_through_once() {
    check_ends(
        file(|ndb| {
            let leaf = ndb.write_data(b"y").unwrap().0;
            let mut below = 0;
            for _ in 0..60 {
                below = ndb.write_internal(&subnodes(kind::VALUE, leaf, below)).unwrap().0;
            }
            let stored = Stored { subnodes: Bid(below), ..Stored::EMPTY };
            ndb.add_node(Nid::new(1, 0x2000), stored, Nid(0));
        }),
        Rule::ReferenceCount,
    );
}

/// A folder of messages that all have these subnodes.
fn folder(ndb: &mut Ndb<Cursor<Vec<u8>>>, messages: u32, subnodes: Bid) {
    let folder = Nid(0x8022);
    ndb.add_node(folder, Stored::EMPTY, Nid(0x122));
    for index in 0..messages {
        let stored = Stored { subnodes, ..Stored::EMPTY };
        ndb.add_message(Nid::new(kind::MESSAGE, 0x1_0000 + index), stored, folder).unwrap();
    }
}

#[test]
fn attachments_that_messages_share_are_not_gone_through_without_end() {
    check_ends(
        file(|ndb| {
            let heap = ndb.write_data(&[b'x'; BLOCK_PAYLOAD]).unwrap().0;
            let shared = ndb.write_internal(&subnodes(kind::ATTACHMENT, heap, 0)).unwrap();
            folder(ndb, 2_000, shared);
        }),
        RULE,
    );
}

#[test]
fn messages_within_each_other_are_not_gone_through_without_end() {
    check_ends(
        file(|ndb| {
            let leaf = ndb.write_data(b"y").unwrap().0;
            let mut below = 0;
            for level in 0..60 {
                let kind = if level % 2 == 0 { kind::MESSAGE } else { kind::ATTACHMENT };
                below = ndb.write_internal(&subnodes(kind, leaf, below)).unwrap().0;
            }
            folder(ndb, 1, Bid(below));
        }),
        RULE,
    );
}

#[test]
fn names_that_lie_within_each_other_are_not_read_without_end() {
    let blob = |bytes: Vec<u8>| (0x0102, Held::Bytes(bytes));
    // Each name goes from its place to the end of the strings.
    let count = 1_000_u32;
    let strings: Vec<u8> = (0..count).flat_map(|at| (4 * (count - 1 - at)).to_le_bytes()).collect();
    let entries = (0..count).flat_map(|at| [(4 * at).to_le_bytes(), [1, 0, 0, 0]].concat());
    let properties = Properties::from([
        (0x0001, (3, Held::Fixed(251))),
        (0x0002, blob(Vec::new())),
        (0x0003, blob(entries.collect())),
        (0x0004, blob(strings)),
    ]);
    let error = names::check(&properties, &mut Report::default()).unwrap_err();
    assert!(error.get_ref().is_some_and(|inner| inner.is::<TooMuch>()), "{error}");
}

#[test]
fn a_value_that_a_heap_names_again_and_again_is_not_kept_as_often() {
    let patient = Which::Sound.patient();
    let data = patient.data(MESSAGE);
    let mut report = Report::default();
    let mut database =
        Database::open(Image::new(Cursor::new(&patient.bytes)).unwrap(), &mut report)
            .unwrap()
            .unwrap();
    let heap = Heap::read(&mut database, data, Vec::new(), "", &mut report).unwrap().unwrap();
    let largest =
        (1..60).map(|index| index << 5).max_by_key(|hid| heap.get(*hid).map_or(0, <[u8]>::len));
    let largest = largest.unwrap();
    let mut kept = 0;
    for _ in 0..100_000 {
        kept += heap.copy(largest, &mut report).unwrap().len();
    }
    assert!(kept < 2 << 20, "{kept} bytes");
    assert_eq!(report.findings.iter().filter(|it| it.rule == RULE).count(), 1);
}

/// What a block of subnodes names is named once, however many nodes name the block
/// (2.2.2.7.7.3.1).
#[test]
fn a_block_of_subnodes_that_two_nodes_name_is_sound() {
    let mut patient = Which::Sound.patient();
    let shared = patient.subnodes(MESSAGE);
    patient.node(0x1E1, 16, &shared.to_le_bytes());
    let findings = |patient: &Patient| check(Cursor::new(&patient.bytes)).unwrap().findings;
    let found: Vec<Rule> = findings(&patient).iter().map(|it| it.rule).collect();
    assert_eq!(found, [Rule::ReferenceCount]);
    patient.block_entry(shared, 18, &3_u16.to_le_bytes());
    assert_eq!(findings(&patient), []);
}

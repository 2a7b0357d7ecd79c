//! Each rule is proved to fire: a sound file, one wound a rule here, and one for
//! each condition of a rule that has several in the modules below.

mod conditions;
mod lists;
mod objects;
mod patient;

use std::collections::BTreeSet;
use std::io::Cursor;

use self::patient::Patient;
use super::image::{self, u16_at, u32_at, u64_at};
use super::rule::Rule;
use super::{check, samples};

const NODES: usize = 216;
const BLOCKS: usize = 232;
const FOLDER: u32 = 0x80A2;
/// A message with attachments, the second of which is a message.
const MESSAGE: u32 = 0x20_0024;
const ATTACHMENT: u32 = 0x8025;
const NESTED: u32 = 0x8045;

fn bump(record: &mut [u8]) {
    record[4] = record[4].wrapping_add(1);
}

/// One wound for each rule.
fn wound(rule: Rule, p: &mut Patient) {
    let contents = FOLDER & !0x1F | 0x0E;
    let hierarchy = 0x802D;
    let message = p.data(MESSAGE);
    let inside = p.subnodes(MESSAGE);
    let large = p.below(p.below(inside, ATTACHMENT).1, 0x803F).0;
    let leaf = p.leaf(large);
    let leaf_page = p.entry(BLOCKS, leaf).0;
    match rule {
        Rule::HeaderMagic => p.put(0, b"?"),
        Rule::HeaderPartialChecksum => p.bytes[4] ^= 1,
        Rule::HeaderFullChecksum => p.bytes[524] ^= 1,
        Rule::HeaderSentinel => p.header(512, &[0]),
        Rule::HeaderConstants => p.header(12, &[18]),
        Rule::HeaderEncoding => p.header(513, &[2]),
        Rule::FileEnd => p.header(184, &[1]),
        Rule::LastMap => p.header(192, &[1]),
        Rule::MapsValid => p.header(248, &[0]),
        Rule::FreeBytes => p.header(200, &[1]),
        Rule::AllocationMap => p.bytes[0x4400 + 504] ^= 1,
        Rule::PageMap => p.bytes[0x4600] ^= 1,
        Rule::FreeMap | Rule::FreePageMap => unreachable!("have a test of their own"),
        Rule::DensityList => p.bytes[0x4200 + 500] ^= 1,
        Rule::UsedMarkedFree => p.page(0x4400, |map| map[20] = 0),
        Rule::FreeMarkedUsed => {
            let last = u64_at(&p.bytes, 192) as usize;
            p.page(last, |map| map[495] |= 1);
        }
        Rule::Overlap => {
            let other = p.place(message).0 as u64;
            p.block_entry(leaf, 8, &other.to_le_bytes());
        }
        Rule::CrossesMap => p.block_entry(leaf, 8, &(0x4400_u64 + 0x3E000 - 64).to_le_bytes()),
        Rule::PageType => p.bytes[leaf_page + 497] = 0x81,
        Rule::PageChecksum => p.bytes[leaf_page + 500] ^= 1,
        Rule::PageSignature => p.bytes[leaf_page + 498] ^= 1,
        Rule::PageId => {
            let id = u64_at(&p.bytes, leaf_page + 504) + 1;
            p.put(leaf_page + 504, &id.to_le_bytes());
            let signature = image::signature(leaf_page as u64, id);
            p.put(leaf_page + 498, &signature.to_le_bytes());
        }
        Rule::TreeEntries => p.page(leaf_page, |page| page[489] -= 1),
        Rule::TreeLevel => p.page(leaf_page, |page| page[491] = 1),
        Rule::TreeOrder => p.page(leaf_page, |page| page[24..72].rotate_left(24)),
        Rule::TreeFirstKey => {
            let root = p.root(BLOCKS);
            p.page(root, |page| page[24] += 4);
        }
        Rule::BlockPlace => p.block_entry(leaf, 8, &[8]),
        Rule::BlockLength => {
            let at = p.trailer(leaf);
            p.bytes[at] ^= 1;
        }
        Rule::BlockSignature => {
            let at = p.trailer(leaf);
            p.bytes[at + 2] ^= 1;
        }
        Rule::BlockChecksum => {
            let at = p.trailer(leaf);
            p.bytes[at + 4] ^= 1;
        }
        Rule::BlockId => {
            let (at, own) = (p.trailer(leaf), leaf + 4);
            let signature = image::signature(p.place(leaf).0 as u64, own);
            p.put(at + 8, &own.to_le_bytes());
            p.put(at + 2, &signature.to_le_bytes());
        }
        Rule::ReferenceCount => p.block_entry(leaf, 18, &[3]),
        Rule::DanglingBlock => p.node(0x201, 8, &0xFFFF_FF00_u64.to_le_bytes()),
        Rule::DataTree => p.block(large, |bytes| bytes[0] = 3),
        Rule::DataTreeTotal => p.block(large, |bytes| bytes[4] ^= 1),
        Rule::ShortLeaf => {
            let trailer = p.trailer(leaf);
            p.block_entry(leaf, 16, &8175_u16.to_le_bytes());
            p.put(trailer, &8175_u16.to_le_bytes());
        }
        Rule::SubnodeTree => p.block(inside, |bytes| bytes[8..56].rotate_left(24)),
        Rule::NodeIndex => p.header(44 + 4 * 4, &[0, 0, 0]),
        Rule::NodeParent => p.node(FOLDER, 24, &0x9_9999_u32.to_le_bytes()),
        Rule::MandatoryNode => p.node(0x201, 0, &[0x21, 2]),
        Rule::FolderTables => p.node(FOLDER & !0x1F | 0x0F, 0, &[0xB1]),
        Rule::HeapHeader => p.heap(message, |bytes| bytes[2] = 0),
        Rule::HeapMap => p.heap(message, |bytes| {
            let map = usize::from(u16_at(bytes, 0));
            bytes[map + 6] = 0xFF;
        }),
        Rule::HeapFill => {
            let id = p.data(contents);
            p.heap(id, |bytes| bytes[8] &= 0xF0);
        }
        Rule::HeapId => p.heap(message, |bytes| bytes[16..20].copy_from_slice(&[0xE0, 0xFF, 0, 0])),
        Rule::HeapTreeHeader => p.heap(message, |bytes| bytes[12] = 0xB6),
        Rule::HeapTreeOrder => p.property(message, 0x0E07_0003, |record| record[1] = 0x7F),
        Rule::PropertyValue => {
            p.property(message, 0x001A_001F, |record| record[4..6].copy_from_slice(&[0xE0, 0xFF]));
        }
        Rule::TableColumns => {
            let id = p.data(hierarchy);
            p.heap(id, |bytes| bytes[20 + 22 + 4] ^= 4);
        }
        Rule::TableIndex | Rule::TableCell | Rule::RowDiffers => {
            let rows = p.below(p.subnodes(contents), 0x3F).0;
            let leaf = p.leaf(rows);
            // Row id, message class and flags are among the first columns.
            let (at, value) = match rule {
                Rule::TableIndex => (0, 1),
                Rule::TableCell => (13, 0xFF),
                _ => (16, 0x71),
            };
            p.block(leaf, |bytes| bytes[at] = value);
        }
        Rule::TableRows => {
            let id = p.data(hierarchy);
            p.heap(id, |bytes| bytes[20 + 14..20 + 18].fill(0));
        }
        Rule::StoreProperties => {
            let id = p.data(0x21);
            p.property(id, 0x35E0_0102, |record| record[4..].fill(0));
        }
        Rule::FolderProperties => {
            let id = p.data(FOLDER);
            p.property(id, 0x3602_0003, |record| record[0] = 1);
        }
        Rule::RequiredColumns => {
            let id = p.data(hierarchy);
            p.heap(id, |bytes| {
                let tag = 0x6636_0003_u32.to_le_bytes();
                let at = bytes.windows(4).position(|window| window == tag).unwrap();
                bytes[at + 2] = 0x37;
            });
        }
        Rule::HierarchyRows => p.node(FOLDER, 24, &0x122_u32.to_le_bytes()),
        Rule::ContentsRows => p.node(MESSAGE, 24, &0x8062_u32.to_le_bytes()),
        Rule::FolderCounts => {
            let id = p.data(FOLDER);
            p.property(id, 0x3602_0003, bump);
        }
        Rule::MessageProperties => p.property(message, 0x3007_0040, |record| record[0] = 6),
        Rule::RecipientTable => p.block(inside, |bytes| {
            let entry = bytes[8..].chunks_mut(24).find(|entry| u32_at(entry, 0) == 0x692).unwrap();
            entry[0] = 0x93;
        }),
        Rule::AttachmentRows => p.block(inside, |bytes| {
            let entry = bytes[8..].chunks_mut(24).find(|entry| u32_at(entry, 0) == 0x671).unwrap();
            entry[0] = 0x73;
        }),
        Rule::AttachmentProperties => {
            let id = p.below(inside, NESTED).0;
            p.property(id, 0x3705_0003, |record| record[4] = 1);
        }
        Rule::MessageSize => p.property(message, 0x0E08_0003, bump),
        Rule::AttachmentSize => {
            let id = p.below(inside, ATTACHMENT).0;
            p.property(id, 0x0E20_0003, bump);
        }
        Rule::SubjectPrefix => p.heap(message, |bytes| {
            let mark = [1, 0, 5, 0, b'R', 0];
            let at = bytes.windows(6).position(|window| window == mark).unwrap();
            bytes[at + 2] = 0x7F;
        }),
        Rule::NameMap => {
            let id = p.data(0x61);
            p.property(id, 0x0001_0003, bump);
        }
    }
}

#[test]
fn every_rule_fires_and_none_without_cause() {
    let sound = samples::sound();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, &sound).unwrap();
    samples::assert_others_agree(file.path());
    let report = check(Cursor::new(&sound)).unwrap();
    assert!(report.findings.is_empty(), "{:?}", &report.findings[..report.findings.len().min(5)]);
    let mut silent = BTreeSet::new();
    let far = [Rule::FreeMap, Rule::FreePageMap];
    for rule in Rule::ALL.iter().filter(|rule| !far.contains(rule)) {
        let mut patient = Patient { bytes: sound.clone() };
        wound(*rule, &mut patient);
        let report = check(Cursor::new(&patient.bytes)).unwrap();
        if !report.findings.iter().any(|finding| finding.rule == *rule) {
            silent.insert(*rule);
        }
    }
    assert!(silent.is_empty(), "did not fire: {silent:?}");
}

#[test]
fn sparse_file_crosses_the_first_free_maps() {
    let mut sparse = samples::sparse(8200);
    let found = |sparse: &mut samples::Sparse| -> Vec<Rule> {
        check(sparse).unwrap().findings.iter().map(|finding| finding.rule).collect()
    };
    assert!(sparse.size() > 0x7C00_4800);
    assert_eq!(found(&mut sparse), []);
    for (at, rule) in [
        (0x01F0_4800, Some(Rule::FreeMap)),
        (0x7C00_4800, Some(Rule::FreePageMap)),
        // Half a kilobyte on, where some writers put it, there is none.
        (0x7C00_4A00, None),
    ] {
        sparse.flip(at);
        assert_eq!(found(&mut sparse), rule.into_iter().collect::<Vec<_>>(), "{at:#x}");
        sparse.flip(at);
    }
}

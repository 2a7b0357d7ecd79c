//! A rule may ask for several things: each of them is wounded alone.

use std::io::Cursor;
use std::sync::LazyLock;

use super::super::rule::{Finding, Rule};
use super::super::{check, layer, samples};
use super::patient::Patient;
use super::{ATTACHMENT, BLOCKS, FOLDER, MESSAGE};

/// What is expected to be found, and a part of where.
pub type Expected<'e> = (Rule, &'e str);

/// Fails unless the wound leads to the finding.
pub fn expect((rule, place): Expected<'_>, wound: impl FnOnce(&mut Patient)) {
    static SOUND: LazyLock<Vec<u8>> = LazyLock::new(samples::sound);
    let mut patient = Patient { bytes: SOUND.clone() };
    wound(&mut patient);
    let report = check(Cursor::new(&patient.bytes)).unwrap();
    let is_it = |found: &Finding| found.rule == rule && found.place.contains(place);
    let all = &report.findings[..report.findings.len().min(5)];
    assert!(report.findings.iter().any(is_it), "{rule:?} {place}: {all:?}");
}

/// The block of a large attachment's data, its first leaf, and that one's page.
fn large(p: &Patient) -> (u64, u64, usize) {
    let inside = p.subnodes(MESSAGE);
    let large = p.below(p.below(inside, ATTACHMENT).1, 0x803F).0;
    let leaf = p.leaf(large);
    (large, leaf, p.entry(BLOCKS, leaf).0)
}

#[test]
fn header_and_maps() {
    expect((Rule::HeaderMagic, ""), |p| p.put(8, b"?"));
    expect((Rule::HeaderMagic, ""), |p| p.put(10, &[14]));
    expect((Rule::HeaderMagic, "shorter"), |p| p.bytes.truncate(500));
    expect((Rule::FileEnd, ""), |p| p.bytes.truncate(p.bytes.len() - 64));
    expect((Rule::FileEnd, ""), |p| {
        // The size that is stated, and no whole number of sections.
        let size = p.bytes.len() + 64;
        p.bytes.resize(size, 0);
        p.header(184, &(size as u64).to_le_bytes());
    });
    for at in [14, 15, 256, 383, 384, 511] {
        expect((Rule::HeaderConstants, ""), |p| p.header(at, &[7]));
    }
    for (at, rule) in [(0x4400, Rule::AllocationMap), (0x4600, Rule::PageMap)] {
        // Both types, signature, checksum and id.
        for field in [496, 497, 498, 500, 504] {
            expect((rule, "page at"), |p| p.bytes[at + field] ^= 1);
        }
    }
    for field in [496, 497, 498, 500] {
        expect((Rule::DensityList, ""), |p| p.bytes[0x4200 + field] ^= 1);
    }
    // Bytes that are counted as free in pages, and are not marked.
    expect((Rule::FreeMarkedUsed, ""), |p| p.header(208, &[64]));
    expect((Rule::Overlap, "is in the header"), |p| {
        let (_, leaf, _) = large(p);
        p.block_entry(leaf, 8, &0x200_u64.to_le_bytes());
    });
}

#[test]
fn pages_and_blocks() {
    let page = |rule, wound: fn(&mut Patient, usize)| {
        expect((rule, "page"), |p| {
            let at = large(p).2;
            wound(p, at);
        });
    };
    page(Rule::PageType, |p, at| p.bytes[at + 496] ^= 1);
    page(Rule::PageType, |p, at| p.bytes[at + 497] ^= 1);
    page(Rule::PageId, |p, _| p.header(32, &[1, 0, 0, 0]));
    page(Rule::TreeEntries, |p, at| p.page(at, |page| page[488] = 0));
    page(Rule::TreeEntries, |p, at| p.page(at, |page| page[488] = 0xFF));
    page(Rule::TreeEntries, |p, at| p.page(at, |page| page[490] = 25));
    let block = |rule, wound: fn(&mut Patient, u64)| {
        expect((rule, "block"), |p| {
            let leaf = large(p).1;
            wound(p, leaf);
        });
    };
    block(Rule::BlockPlace, |p, id| p.block_entry(id, 16, &8177_u16.to_le_bytes()));
    block(Rule::BlockPlace, |p, id| p.block_entry(id, 16, &[0, 0]));
    block(Rule::BlockPlace, |p, id| p.block_entry(id, 8, &(1_u64 << 40).to_le_bytes()));
    block(Rule::BlockId, |p, _| p.header(516, &8_u64.to_le_bytes()));
    block(Rule::ReferenceCount, |p, id| p.block_entry(id, 18, &[1]));
    let tree = |place, wound: fn(&mut [u8])| {
        expect((Rule::DataTree, place), |p| {
            let id = large(p).0;
            p.block(id, wound);
        });
    };
    tree("block", |bytes| bytes[1] = 3);
    tree("block", |bytes| bytes[2] += 1);
    tree("child", |bytes| bytes[1] = 2);
    let subnodes = |place, wound: fn(&mut [u8])| {
        expect((Rule::SubnodeTree, place), |p| {
            let id = p.subnodes(MESSAGE);
            p.block(id, wound);
        });
    };
    subnodes("block", |bytes| bytes[0] = 1);
    subnodes("block", |bytes| bytes[1] = 2);
    subnodes("block", |bytes| bytes[2] += 1);
    subnodes("order", |bytes| bytes.copy_within(8..32, 32));
    expect((Rule::SubnodeTree, "block"), |p| {
        let data = p.data(MESSAGE);
        p.node(MESSAGE, 16, &data.to_le_bytes());
    });
    for at in [8, 16] {
        // Data, then subnodes.
        expect((Rule::DanglingBlock, ""), |p| p.node(MESSAGE, at, &0xFFFF_FF00_u64.to_le_bytes()));
    }
}

#[test]
fn nodes_that_must_be_there() {
    for nid in layer::MANDATORY {
        let place = format!("node {nid:#x}");
        let other = nid | 0x4000_0000;
        expect((Rule::MandatoryNode, &place), |p| p.node(nid, 0, &other.to_le_bytes()));
    }
    // Itself for the root, none for a table, a node for any.
    for (nid, parent) in [(0x122, 0_u32), (0x122, 0x8022), (0x802D, 0x8022), (FOLDER, 0x9_9999)] {
        let place = format!("node {nid:#x}");
        expect((Rule::NodeParent, &place), |p| p.node(nid, 24, &parent.to_le_bytes()));
    }
    for kind in [0x0D, 0x0E, 0x0F] {
        let nid = FOLDER & !0x1F | kind;
        let place = format!("node {nid:#x}");
        expect((Rule::FolderTables, &place), |p| {
            p.node(nid, 0, &(nid | 0x4000_0000).to_le_bytes())
        });
        expect((Rule::FolderTables, &place), |p| p.node(nid, 8, &[0; 8]));
    }
}

//! Wounds of heaps, of the trees on them, and of property contexts.

use super::super::image::{u16_at, u32_at, u64_at};
use super::super::rule::Rule;
use super::patient::{Patient, Which};
use super::{FULL, MESSAGE, TYPE, VALUE, Wounds};

const RECIPIENTS: u32 = 0x692;
/// Text of half a character: bytes of an odd number.
const ODD: u32 = 0x0C1D_0102;
const CLASS: u32 = 0x001A_001F;

pub fn wounds(w: &mut Wounds) {
    headers(w);
    page_maps(w);
    trees(w);
    properties(w);
}

/// Adds a wound of the heap of the message.
fn of_message(w: &mut Wounds, rule: Rule, cut: impl Fn(&mut [u8]) + 'static) {
    w.add(rule, "message", move |p| p.heap(p.data(MESSAGE), &cut));
}

fn headers(w: &mut Wounds) {
    w.add(Rule::HeapLength, "message", |p| p.node(MESSAGE, 8, &p.data(0x201).to_le_bytes()));
    w.add(Rule::HeapLength, "message", |p| p.node(MESSAGE, 8, &[0; 8]));
    of_message(w, Rule::HeapSignature, |bytes| bytes[2] = 0);
    of_message(w, Rule::HeapClient, |bytes| bytes[3] = 0x6C);
    w.on(Which::Long);
    w.add(Rule::HeapBlocks, "message", |p| {
        // The second XBLOCK has the first, of 1,021 leaves, eighty times.
        let tree = p.payload(p.large().0);
        let (first, second) = (u64_at(&tree, 8), u64_at(&tree, 16));
        p.block(second, |bytes| {
            bytes[1] = 2;
            bytes[8..].chunks_mut(8).for_each(|child| child.copy_from_slice(&first.to_le_bytes()));
        });
        p.node(MESSAGE, 8, &second.to_le_bytes());
    });
    w.on(Which::Sound);
}

fn map(bytes: &[u8]) -> usize {
    usize::from(u16_at(bytes, 0))
}

/// Where the map has the end of the last allocation.
fn last(bytes: &[u8]) -> usize {
    map(bytes) + 4 + 2 * usize::from(u16_at(bytes, map(bytes)))
}

fn page_maps(w: &mut Wounds) {
    of_message(w, Rule::HeapMapPlace, |bytes| bytes[0] ^= 1);
    of_message(w, Rule::HeapMapEnd, |bytes| bytes[1] = 0xFF);
    of_message(w, Rule::HeapMapEnd, |bytes| bytes[map(bytes) + 1] = 0xFF);
    of_message(w, Rule::HeapMapStart, |bytes| bytes[map(bytes) + 4] = 11);
    of_message(w, Rule::HeapMapOrder, |bytes| {
        let second = map(bytes) + 8;
        bytes[second..second + 2].fill(0);
    });
    of_message(w, Rule::HeapMapGap, |bytes| bytes[last(bytes)] ^= 4);
    of_message(w, Rule::HeapMapGap, |bytes| bytes[last(bytes) + 1] ^= 0x80);
    of_message(w, Rule::HeapMapFree, |bytes| bytes[map(bytes) + 2] ^= 1);
    w.add(Rule::HeapFill, "block 0: level 0", |p| p.heap(p.data(FULL), |bytes| bytes[8] = 0));
    for at in 9..12 {
        of_message(w, Rule::HeapFillAlone, move |bytes| bytes[at] = 0x10);
    }
    of_message(w, Rule::HeapFillAlone, |bytes| bytes[8] |= 0x10);
    w.on(Which::Deep);
    // The first block, one behind it, and one that has levels of its own.
    for (number, start) in [(0, 2), (1, 12), (8, 2)] {
        let place = format!("block {number}");
        w.add(Rule::HeapMapStart, &place, move |p| {
            p.heap_block(recipients(p), number, |bytes| bytes[map(bytes) + 4] = start);
        });
    }
    w.add(Rule::HeapAllocation, "0x692 block 1", |p| {
        p.heap_block(recipients(p), 1, |bytes| {
            let (from, to) = (map(bytes) + 6, last(bytes));
            let end = [bytes[to], bytes[to + 1]];
            bytes[from..to].chunks_mut(2).for_each(|start| start.copy_from_slice(&end));
        });
    });
    for block in [0, 1] {
        let place = format!("0x692 block {block}: level 0");
        w.add(Rule::HeapFill, &place, move |p| {
            p.heap_block(recipients(p), 0, |bytes| bytes[8] = 0);
        });
    }
    w.add(Rule::HeapBitmapFill, "0x692 block 8: level 0", |p| {
        p.heap_block(recipients(p), 8, |bytes| bytes[2] = 0);
    });
    w.add(Rule::HeapFillAlone, "0x692 block 8", |p| {
        p.heap_block(recipients(p), 8, |bytes| bytes[65] = 0x10);
    });
    w.on(Which::Sound);
}

fn recipients(p: &Patient) -> u64 {
    p.below(p.subnodes(MESSAGE), RECIPIENTS).0
}

fn trees(w: &mut Wounds) {
    // The header is the first allocation.
    of_message(w, Rule::HeapTreeType, |bytes| bytes[12] ^= 1);
    of_message(w, Rule::HeapTreeKeySize, |bytes| bytes[13] ^= 1);
    of_message(w, Rule::HeapTreeDataSize, |bytes| bytes[14] ^= 1);
    of_message(w, Rule::HeapTreeDepth, |bytes| bytes[15] = 9);
    // A tree of nothing: its header follows that of the heap.
    w.add(Rule::HeapTreeDepth, "node 0x692", |p| p.heap(p.data(RECIPIENTS), |bytes| bytes[15] = 1));
    // The root of the tree: another block, an allocation that is not there.
    of_message(w, Rule::HeapId, |bytes| bytes[18] = 9);
    of_message(w, Rule::HeapId, |bytes| bytes[16..18].copy_from_slice(&[0xE0, 0xFF]));
    for (rule, at) in [(Rule::HeapTreeLength, 4), (Rule::HeapTreeRecords, 16)] {
        w.add(rule, "message", move |p| {
            let data = p.data(MESSAGE);
            let other = p.record(data, ODD)[VALUE..].to_vec();
            p.heap(data, |bytes| bytes[at..at + 4].copy_from_slice(&other));
        });
    }
    w.add(Rule::HeapTreeOrder, "message", |p| {
        p.property(p.data(MESSAGE), 0x0E07_0003, |record| record[1] = 0x7F);
    });
    w.on(Which::Deep);
    w.add(Rule::HeapTreeFirstKey, "0x692", |p| {
        let data = recipients(p);
        // From the table's description to the header of its index, to the root.
        let info = p.allocation(data, u32_at(&p.payload(p.leaf(data)), 4));
        let header = p.allocation(data, u32_at(&info, 10));
        p.allocated(data, u32_at(&header, 4), |root| root[0] ^= 0x40);
    });
    w.add(Rule::HeapTreeLoop, "0x692", |p| {
        let data = recipients(p);
        let info = p.allocation(data, u32_at(&p.payload(p.leaf(data)), 4));
        let header = p.allocation(data, u32_at(&info, 10));
        let root = u32_at(&header, 4);
        p.allocated(data, root, |records| records[4..8].copy_from_slice(&root.to_le_bytes()));
    });
    w.on(Which::Sound);
}

fn properties(w: &mut Wounds) {
    of_message(w, Rule::PropertyClient, |bytes| bytes[3] = 0x7C);
    let mut value = |rule, tag, at, to: &'static [u8]| {
        w.add(rule, "message", move |p| {
            p.property(p.data(MESSAGE), tag, |record| {
                record[at..at + to.len()].copy_from_slice(to)
            });
        });
    };
    value(Rule::PropertyType, 0x0E07_0003, TYPE, &[0x99]);
    value(Rule::PropertyHeapValue, CLASS, VALUE, &[0xE0, 0xFF]);
    value(Rule::PropertyHeapValue, CLASS, VALUE + 2, &[9]);
    value(Rule::PropertyHeapValue, 0x3007_0040, VALUE, &[0xE0, 0xFF]);
    value(Rule::PropertyNodeValue, CLASS, VALUE, &[0xFF, 0x7F]);
    value(Rule::PropertyBoolean, 0x0E1B_000B, VALUE, &[2]);
    // Text as a value of another type, which its bytes are not.
    value(Rule::PropertyGuid, 0x0037_001F, TYPE, &[0x48, 0]);
    for kind in [&[0x14, 0x10], &[0x1F, 0x10], &[0x48, 0x10], &[0x02, 0x11]] {
        value(Rule::PropertyMultiple, 0x0037_001F, TYPE, kind);
    }
    // A time is eight bytes, and the message class is not; half a character.
    for (rule, tag, of) in
        [(Rule::PropertyWidth, 0x3007_0040, CLASS), (Rule::PropertyText, CLASS, ODD)]
    {
        w.add(rule, "message", move |p| {
            let data = p.data(MESSAGE);
            let other = p.record(data, of)[VALUE..].to_vec();
            p.property(data, tag, |record| record[VALUE..].copy_from_slice(&other));
        });
    }
}

//! Wounds of heaps, the trees and tables on them, and the map of names.

use super::super::image;
use super::super::{columns, rule::Rule};
use super::conditions::expect;
use super::patient::Patient;
use super::{FOLDER, MESSAGE};

/// Type and value in a property's record.
const TYPE: usize = 2;
const VALUE: usize = 4;

/// Changes one byte of the heap block of this data.
fn flip(p: &mut Patient, data: u64, at: usize, mask: u8) {
    p.heap(data, |bytes| bytes[at] ^= mask);
}

#[test]
fn heaps() {
    let heap = |rule, wound: fn(&mut [u8])| {
        expect((rule, "message"), |p| {
            let data = p.data(MESSAGE);
            p.heap(data, wound);
        });
    };
    let map = |bytes: &[u8]| usize::from(image::u16_at(bytes, 0));
    heap(Rule::HeapHeader, |bytes| bytes[2] = 0);
    heap(Rule::HeapHeader, |bytes| bytes[3] = 0x7C);
    heap(Rule::HeapHeader, |bytes| bytes[3] = 0);
    heap(Rule::HeapMap, |bytes| bytes[0] ^= 1);
    heap(Rule::HeapMap, |bytes| bytes[1] = 0xFF);
    // The first start, and one before its predecessor.
    for entry in [4, 8] {
        expect((Rule::HeapMap, "message"), |p| {
            let data = p.data(MESSAGE);
            p.heap(data, |bytes| bytes[map(bytes) + entry] = 1);
        });
    }
    // Signature of the tree, sizes of its keys and of its data.
    for at in [12, 13, 14] {
        expect((Rule::HeapTreeHeader, "message"), |p| {
            let data = p.data(MESSAGE);
            flip(p, data, at, 1);
        });
    }
    // The root of the tree: another block, an allocation that is not there.
    heap(Rule::HeapId, |bytes| bytes[18] = 9);
    heap(Rule::HeapId, |bytes| bytes[16..18].copy_from_slice(&[0xE0, 0xFF]));
    let value = |tag, at, to: u8| {
        expect((Rule::PropertyValue, "message"), |p| {
            let data = p.data(MESSAGE);
            p.property(data, tag, |record| record[at] = to);
        });
    };
    value(0x0E07_0003, TYPE, 0x99);
    value(0x001A_001F, VALUE + 2, 9);
    // A time is eight bytes, and the message class is not.
    expect((Rule::PropertyValue, "message"), |p| {
        let data = p.data(MESSAGE);
        let mut class = [0; 4];
        p.property(data, 0x001A_001F, |record| class.copy_from_slice(&record[VALUE..]));
        p.property(data, 0x3007_0040, |record| record[VALUE..].copy_from_slice(&class));
    });
    // Half a character.
    expect((Rule::PropertyValue, "message"), |p| {
        let data = p.data(MESSAGE);
        let mut key = [0; 4];
        p.property(data, 0x0C1D_0102, |record| key.copy_from_slice(&record[VALUE..]));
        p.property(data, 0x001A_001F, |record| record[VALUE..].copy_from_slice(&key));
    });
}

#[test]
fn tables() {
    let hierarchy = |rule, wound: fn(&mut [u8], usize)| {
        expect((rule, "table 0x802d"), |p| {
            let data = p.data(0x802D);
            // Behind the headers of heap and index.
            p.heap(data, |bytes| wound(bytes, 20));
        });
    };
    for at in [0, 1] {
        expect((Rule::TableColumns, "table 0x802d"), |p| {
            let data = p.data(0x802D);
            flip(p, data, 20 + at, 1);
        });
    }
    // A column's place, width and bit; the order of columns; the end of the rows.
    hierarchy(Rule::TableColumns, |bytes, info| bytes[info + 22 + 4] ^= 4);
    hierarchy(Rule::TableColumns, |bytes, info| bytes[info + 22 + 6] ^= 2);
    hierarchy(Rule::TableColumns, |bytes, info| bytes[info + 22 + 7] ^= 1);
    hierarchy(Rule::TableColumns, |bytes, info| bytes[info + 22..info + 38].rotate_left(8));
    hierarchy(Rule::TableColumns, |bytes, info| bytes[info + 8] ^= 1);
    hierarchy(Rule::TableRows, |bytes, info| bytes[info + 14..info + 18].fill(0xFF));
    for (nid, wanted) in [
        (0x802D, columns::HIERARCHY),
        (FOLDER & !0x1F | 0x0E, columns::CONTENTS),
        (0x802F, columns::ASSOCIATED),
        (0x60D, columns::HIERARCHY),
        (0x60E, columns::CONTENTS),
        (0x60F, columns::ASSOCIATED),
        (0x610, columns::SEARCH),
        (0x671, columns::ATTACHMENTS),
        (0x692, columns::RECIPIENTS),
    ] {
        for tag in wanted {
            let place = format!("{nid:#x}: {tag:08x}");
            expect((Rule::RequiredColumns, &place), |p| {
                let data = p.data(nid);
                p.heap(data, |bytes| {
                    let tag = tag.to_le_bytes();
                    let at = bytes.windows(4).position(|window| window == tag).unwrap();
                    bytes[at + 3] ^= 0x80;
                });
            });
        }
    }
    for nid in [0x692, 0x671] {
        expect((Rule::RequiredColumns, "message"), |p| {
            let data = p.below(p.subnodes(MESSAGE), nid).0;
            p.heap(data, |bytes| bytes[20 + 22 + 3] ^= 0x80);
        });
    }
}

#[test]
fn names() {
    expect((Rule::NameMap, "no bucket count"), |p| {
        let data = p.data(0x61);
        p.property(data, 0x0001_0003, |record| record[VALUE..].fill(0));
    });
    // GUID index, number and offset of an entry; a name; a record in its bucket.
    let name: Vec<u8> = "x-muniment-sha256".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for at in [4, 5, 6] {
        expect((Rule::NameMap, "entry 0"), |p| {
            let data = p.data(0x61);
            p.heap(data, |bytes| {
                let first = [0, 0, 0, 0, 7, 0, 0, 0];
                let entry = bytes.windows(8).position(|window| window == first).unwrap();
                bytes[entry + at] ^= 0x40;
            });
        });
    }
    expect((Rule::NameMap, "entry 1"), |p| {
        let data = p.data(0x61);
        p.heap(data, |bytes| {
            let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
            bytes[at] = b'y';
        });
    });
    expect((Rule::NameMap, "buckets hold"), |p| {
        let data = p.data(0x61);
        // The last property is a bucket: its type makes it none.
        let hash = image::checksum(&name);
        let bucket = 0x1000 + (hash ^ 7) % 251;
        p.property(data, bucket << 16 | 0x0102, |record| record[TYPE..].fill(0));
    });
}

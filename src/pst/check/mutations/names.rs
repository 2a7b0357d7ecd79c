//! Wounds of the map of named properties.

use super::super::image;
use super::super::rule::Rule;
use super::{TYPE, VALUE, Wounds};

const GUIDS: u32 = 0x0002_0102;
const ENTRIES: u32 = 0x0003_0102;
const STRINGS: u32 = 0x0004_0102;

pub fn wounds(w: &mut Wounds) {
    for count in [0, 250] {
        w.add(Rule::NameBuckets, "", move |p| {
            p.property(p.data(0x61), 0x0001_0003, |record| record[VALUE] = count);
        });
    }
    // A number of four bytes that is none.
    w.add(Rule::NameBuckets, "", |p| {
        p.property(p.data(0x61), 0x0001_0003, |record| record[TYPE] = 4);
    });
    for tag in [GUIDS, ENTRIES, STRINGS, bucket() << 16 | 0x0102] {
        w.add(Rule::NameType, &format!("{:04x}", tag >> 16), move |p| {
            // Text lies in the heap as well.
            p.property(p.data(0x61), tag, |record| record[TYPE..VALUE].copy_from_slice(&[0x1F, 0]));
        });
    }
    w.add(Rule::NameGuids, "", |p| p.curtail(p.data(0x61), GUIDS));
    w.add(Rule::NameEntries, "", |p| p.curtail(p.data(0x61), ENTRIES));
    // The last name is one that is used.
    w.add(Rule::NameKnown, "", |p| p.curtail(p.data(0x61), ENTRIES));
    for (rule, at) in [(Rule::NameGuid, 4), (Rule::NameNumber, 6), (Rule::NameString, 3)] {
        w.add(rule, "entry 0", move |p| {
            p.value(p.data(0x61), ENTRIES, |entries| entries[at] ^= 0x40);
        });
    }
    // A length that ends beyond all strings, and one of half a character.
    w.add(Rule::NameString, "entry 0", |p| p.value(p.data(0x61), STRINGS, |names| names[2] = 1));
    w.add(Rule::NameText, "entry 0", |p| p.value(p.data(0x61), STRINGS, |names| names[0] ^= 1));
    w.add(Rule::NameBucket, "entry 0", |p| p.value(p.data(0x61), STRINGS, |names| names[4] ^= 1));
    w.add(Rule::NameHashed, "", |p| {
        // The property is a bucket: its type makes it none.
        p.property(p.data(0x61), bucket() << 16 | 0x0102, |record| record[TYPE..].fill(0));
    });
}

/// The property that is the bucket of one of our names.
fn bucket() -> u32 {
    let name: Vec<u8> = "x-muniment-sha256".encode_utf16().flat_map(u16::to_le_bytes).collect();
    0x1000 + (image::checksum(&name) ^ 7) % 251
}

//! Wounds of the store, folders, messages and attachments.

use super::super::image::{self, u32_at, u64_at};
use super::super::rule::Rule;
use super::conditions::expect;
use super::patient::Patient;
use super::{ATTACHMENT, FOLDER, MESSAGE, NESTED};

/// Type and value in a property's record.
const TYPE: usize = 2;
const VALUE: usize = 4;

#[test]
fn properties_of_store_and_folders() {
    // Types of those that are numbers or texts, ids of those that name others.
    for tag in [0x3001_001F, 0x67FF_0003, 0x0FF9_0102] {
        expect((Rule::StoreProperties, "store"), |p| {
            let data = p.data(0x21);
            // Another id; the order of ids holds.
            p.property(data, tag, |record| record[0] ^= 0x01);
        });
    }
    for tag in [0x35E0_0102_u32, 0x35E3_0102, 0x35E7_0102] {
        let place = format!("{:#x}", tag >> 16);
        expect((Rule::StoreProperties, &place), |p| {
            let data = p.data(0x21);
            p.property(data, tag, |record| record[VALUE..].fill(0));
        });
    }
    for tag in [0x3001_001F, 0x3602_0003, 0x3603_0003, 0x360A_000B] {
        expect((Rule::FolderProperties, "folder"), |p| {
            let data = p.data(FOLDER);
            p.property(data, tag, |record| record[TYPE] = if tag & 0xFF == 3 { 4 } else { 3 });
        });
    }
    for (tag, place) in [
        (0x3602_0003, "folder 0x80a2: ("),
        (0x3603_0003, "folder 0x80a2: ("),
        (0x360A_000B, "subfolders"),
    ] {
        expect((Rule::FolderCounts, place), |p| {
            let data = p.data(FOLDER);
            p.property(data, tag, |record| record[VALUE] ^= 1);
        });
    }
    // The folder is not where its row is, and its row not where it is.
    for place in ["folder 0x8022: row", "folder 0x122: no row"] {
        expect((Rule::HierarchyRows, place), |p| p.node(FOLDER, 24, &0x122_u32.to_le_bytes()));
    }
    for place in ["folder 0x80a2: row", "folder 0x8062: no row"] {
        expect((Rule::ContentsRows, place), |p| p.node(MESSAGE, 24, &0x8062_u32.to_le_bytes()));
    }
    expect((Rule::ContentsRows, "in no folder"), |p| p.node(MESSAGE, 24, &[0; 4]));
}

#[test]
fn messages_and_attachments() {
    for tag in [0x001A_001F, 0x0E07_0003, 0x0E08_0003, 0x3007_0040, 0x3008_0040, 0x300B_0102] {
        expect((Rule::MessageProperties, "message"), |p| {
            let data = p.data(MESSAGE);
            // Another id, between its neighbours.
            p.property(data, tag, |record| record[0] ^= 1);
        });
    }
    // The flag that there are attachments.
    expect((Rule::AttachmentRows, "flag"), |p| {
        let data = p.data(MESSAGE);
        p.property(data, 0x0E07_0003, |record| record[VALUE] ^= 0x10);
    });
    // The name of a recipient and the kind, by their bits; the kind is in range.
    for tag in [0x3001_001F_u32, 0x0C15_0003] {
        expect((Rule::RecipientTable, "row 0x1"), |p| {
            let table = p.below(p.subnodes(MESSAGE), 0x692).0;
            row(p, table, tag, |row, place| row[place.bitmap] &= !place.bit);
        });
    }
    expect((Rule::RecipientTable, "row 0x1"), |p| {
        let table = p.below(p.subnodes(MESSAGE), 0x692).0;
        row(p, table, 0x0C15_0003, |row, place| row[place.offset] = 9);
    });
    for tag in [0x0E20_0003, 0x3705_0003, 0x370B_0003] {
        expect((Rule::AttachmentProperties, "message"), |p| {
            let data = p.below(p.subnodes(MESSAGE), ATTACHMENT).0;
            p.property(data, tag, |record| record[TYPE] = 4);
        });
    }
    // An object of method 1, a value of method 5, and a size that is another's.
    expect((Rule::AttachmentProperties, "0x8025"), |p| {
        let data = p.below(p.subnodes(MESSAGE), ATTACHMENT).0;
        p.property(data, 0x3701_0102, |record| record[TYPE..VALUE].copy_from_slice(&[0x0D, 0]));
    });
    expect((Rule::AttachmentProperties, "0x8045"), |p| {
        let data = p.below(p.subnodes(MESSAGE), NESTED).0;
        p.property(data, 0x3701_000D, |record| record[TYPE..VALUE].copy_from_slice(&[2, 1]));
    });
    expect((Rule::AttachmentProperties, "0x8045"), |p| {
        let (data, inside) = p.below(p.subnodes(MESSAGE), NESTED);
        let message = u32_at(&p.payload(inside), 8);
        p.heap(data, |bytes| {
            let nid = message.to_le_bytes();
            let at = bytes.windows(4).position(|window| window == nid).unwrap();
            bytes[at + 4] ^= 1;
        });
    });
    // A nested message is measured as any other.
    expect((Rule::MessageSize, "0x8045"), |p| {
        let inside = p.below(p.subnodes(MESSAGE), NESTED).1;
        let data = u64_at(&p.payload(inside), 16);
        p.property(data, 0x0E08_0003, |record| record[VALUE] ^= 1);
    });
    // A prefix of no length.
    expect((Rule::SubjectPrefix, "message"), |p| {
        let data = p.data(MESSAGE);
        p.heap(data, |bytes| {
            let mark = [1, 0, 5, 0, b'R', 0];
            let at = bytes.windows(6).position(|window| window == mark).unwrap();
            bytes[at + 2] = 0;
        });
    });
}

/// Where a column is in a row.
struct Place {
    offset: usize,
    bitmap: usize,
    bit: u8,
}

/// Changes the first row of a small table, whose rows are in its heap.
fn row(p: &mut Patient, table: u64, tag: u32, change: impl FnOnce(&mut [u8], Place)) {
    p.heap(table, |bytes| {
        let tag = tag.to_le_bytes();
        let at = bytes.windows(4).position(|window| window == tag).unwrap();
        let bit = usize::from(bytes[at + 7]);
        let ends = 20 + 2;
        let bitmap = usize::from(image::u16_at(bytes, ends + 4)) + bit / 8;
        let place = Place {
            offset: usize::from(image::u16_at(bytes, at + 4)),
            bitmap,
            bit: 0x80 >> (bit % 8),
        };
        let rows = u32_at(bytes, 20 + 14);
        let map = usize::from(image::u16_at(bytes, 0));
        let index = (rows >> 5) as usize;
        let start = usize::from(image::u16_at(bytes, map + 4 + 2 * (index - 1)));
        change(&mut bytes[start..], place);
    });
}

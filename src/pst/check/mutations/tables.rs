//! Wounds of tables: their columns, rows and cells.

use super::super::columns;
use super::super::image::{u16_at, u32_at, u64_at};
use super::super::rule::Rule;
use super::patient::{Patient, Which};
use super::{CONTENTS, FOLDER, MESSAGE, TYPE, VALUE, Wounds};

/// A small table, whose rows are in its heap.
const HIERARCHY: u32 = 0x802D;
/// Where its description is: behind the headers of heap and index.
const INFO: usize = 20;
/// In a description: the ends of the groups, the index, the rows, the columns.
const ENDS: usize = INFO + 2;
const ROWS: usize = INFO + 14;
const COLUMNS: usize = INFO + 22;

pub fn wounds(w: &mut Wounds) {
    description(w);
    fixed_columns(w);
    rows(w);
    values(w);
    required(w);
}

fn description(w: &mut Wounds) {
    let mut table = |rule, cut: fn(&mut [u8])| {
        w.add(rule, "table 0x802d", move |p| p.heap(p.data(HIERARCHY), cut));
    };
    table(Rule::TableClient, |bytes| bytes[3] = 0xBC);
    table(Rule::TableType, |bytes| bytes[INFO] ^= 1);
    table(Rule::TableLength, |bytes| bytes[INFO + 1] ^= 1);
    table(Rule::TableIndex, |bytes| bytes[INFO + 18] = 1);
    table(Rule::TableEnds, |bytes| bytes[ENDS + 2..ENDS + 4].fill(0));
    table(Rule::TableBitmapSize, |bytes| bytes[ENDS + 6] ^= 1);
    table(Rule::TableRowSize, |bytes| bytes[ENDS + 7] = 0x20);
    table(Rule::TableColumnOrder, |bytes| bytes[COLUMNS..COLUMNS + 16].rotate_left(8));
    table(Rule::TableColumnWidth, |bytes| bytes[COLUMNS + 6] ^= 2);
    table(Rule::TableColumnPlace, |bytes| bytes[COLUMNS + 5] = 0x0F);
    table(Rule::TableColumnOverlap, |bytes| bytes[COLUMNS + 4] ^= 4);
    table(Rule::TableColumnGap, |bytes| {
        for end in (ENDS..ENDS + 8).step_by(2) {
            bytes[end] += 4;
        }
    });
    // The bit of another, and one that is not there.
    table(Rule::TableColumnBit, |bytes| bytes[COLUMNS + 7] ^= 1);
    table(Rule::TableColumnBit, |bytes| bytes[COLUMNS + 7] = 0xFF);
    table(Rule::TableRowsHeap, |bytes| {
        bytes[ROWS..ROWS + 4].copy_from_slice(&[0xE0, 0xFF, 0xFF, 0xFF]);
    });
    table(Rule::TableRowsNode, |bytes| bytes[ROWS..ROWS + 4].fill(0xFF));
    table(Rule::TableRowCount, |bytes| bytes[ROWS..ROWS + 4].fill(0));
    // The header of the index, which is shorter than a row.
    table(Rule::TableRowWhole, |bytes| bytes[ROWS..ROWS + 4].copy_from_slice(&[0x20, 0, 0, 0]));
}

fn fixed_columns(w: &mut Wounds) {
    for (rule, tag) in
        [(Rule::TableRowIdColumn, 0x67F2_0003), (Rule::TableRowVersionColumn, 0x67F3_0003)]
    {
        // Tag, place, width and bit.
        for field in [3, 4, 6, 7] {
            w.add(rule, "table 0x802d", move |p| {
                p.heap(p.data(HIERARCHY), |bytes| bytes[column(bytes, tag) + field] ^= 8);
            });
        }
    }
}

/// Where the column of this tag is described.
fn column(bytes: &[u8], tag: u32) -> usize {
    bytes.windows(4).position(|window| window == tag.to_le_bytes()).unwrap()
}

fn matrix(p: &Patient) -> u64 {
    p.below(p.subnodes(CONTENTS), 0x3F).0
}

fn rows(w: &mut Wounds) {
    let mut first_row = |rule, cut: fn(&mut [u8])| {
        w.add(rule, "", move |p| p.block(p.leaf(matrix(p)), cut));
    };
    // Row id, and the message class among the first columns.
    first_row(Rule::TableRowId, |row| row[0] = 1);
    first_row(Rule::TableCellHeap, |row| row[13] = 0xFF);
    first_row(Rule::TableCellNode, |row| row[12] |= 0x1F);
    w.add(Rule::TableRowBlocks, "table 0x80ae", |p| p.shorten(p.leaf(matrix(p)), 8175));
    // The place of another row, which comes later, and one beyond all.
    for (place, row) in [(1_u32, "row 0x200064"), (9_999, "row 0x200024")] {
        w.add(Rule::TableRowIndex, &format!("table 0x80ae: {row}"), move |p| {
            let data = p.data(CONTENTS);
            let info = p.allocation(data, u32_at(&p.payload(p.leaf(data)), 4));
            let header = p.allocation(data, u32_at(&info, 10));
            p.allocated(data, u32_at(&header, 4), |records| {
                records[4..8].copy_from_slice(&place.to_le_bytes());
            });
        });
    }
}

/// Rows that say something else than their objects, or nothing.
fn values(w: &mut Wounds) {
    w.add(Rule::RowDiffers, "message 0x200024: 0e070003", |p| {
        p.block(p.leaf(matrix(p)), |row| row[16] = 0x71);
    });
    type Of = fn(&Patient) -> u64;
    let hierarchy: Of = |p| p.data(HIERARCHY);
    let attachments: Of = |p| p.below(p.subnodes(MESSAGE), 0x671).0;
    for (table, tag, place) in [
        (hierarchy, 0x360A_000B, "row of folder 0x8062: 360a000b"),
        (attachments, 0x3705_0003, "row 0x8025: 37050003"),
    ] {
        w.add(Rule::RowDiffers, place, move |p| {
            row(p, table(p), tag, |row, place| row[place.offset] ^= 1);
        });
        w.add(Rule::RowLacks, place, move |p| {
            row(p, table(p), tag, |row, place| row[place.bitmap] &= !place.bit);
        });
    }
    contents(w);
    w.add(Rule::ReceiveFolder, "node 0x62b row 0x1", |p| {
        row(p, p.data(0x62B), 0x6605_0003, |row, place| row[place.offset + 2] = 1);
    });
    w.on(Which::Deep);
    // A subject that is a node of the table, and no longer as long as the message's.
    w.add(Rule::RowDiffers, "message 0x200024: 0037001f", |p| {
        let cells = p.payload(p.subnodes(CONTENTS));
        let cells = cells[8..].chunks(24).filter(|entry| u32_at(entry, 0) != 0x3F);
        let sizes: Vec<u64> = cells.map(|entry| u64_at(entry, 8)).collect();
        for id in sizes {
            let length = p.place(p.leaf(id)).1 - 2;
            p.shorten(p.leaf(id), length);
        }
    });
    // As long, and another.
    w.add(Rule::RowDiffers, "message 0x200024: 0037001f", |p| {
        let cells = p.payload(p.subnodes(CONTENTS));
        let cells = cells[8..].chunks(24).filter(|entry| u32_at(entry, 0) != 0x3F);
        let ids: Vec<u64> = cells.map(|entry| u64_at(entry, 8)).collect();
        for id in ids {
            p.block(p.leaf(id), |text| text[2] ^= 1);
        }
    });
    w.on(Which::Sound);
    // The name of a recipient and the kind, by their bits; the kind is in range.
    let people: Of = |p| p.below(p.subnodes(MESSAGE), 0x692).0;
    for (rule, tag) in [(Rule::RecipientName, 0x3001_001F_u32), (Rule::RecipientKind, 0x0C15_0003)]
    {
        w.add(rule, "row 0x1", move |p| {
            row(p, people(p), tag, |row, place| row[place.bitmap] &= !place.bit);
        });
    }
    w.add(Rule::RecipientKind, "row 0x1", move |p| {
        row(p, people(p), 0x0C15_0003, |row, place| row[place.offset] = 9);
    });
}

/// The row of a message that says what the message does not, or no longer.
fn contents(w: &mut Wounds) {
    for tag in [0x0070_001F_u32, 0x0042_001F, 0x0017_0003, 0x0036_0003, 0x0039_0040] {
        let place = format!("message 0x200024: {tag:08x}");
        w.add(Rule::RowAlone, &place, move |p| {
            p.property(p.data(MESSAGE), tag, |record| record[1] |= 0x20);
        });
    }
    for (tag, kind) in [(0x0037_001F_u32, 0x1E_u8), (0x0037_001F, 0x02), (0x0039_0040, 0x14)] {
        let place = format!("message 0x200024: {tag:08x}");
        w.add(Rule::RowType, &place, move |p| {
            p.property(p.data(MESSAGE), tag, |record| {
                record[TYPE..VALUE].copy_from_slice(&[kind, u8::from(kind == 2)]);
            });
        });
    }
    for tag in [0x1097_0003_u32, 0x0E34_0102] {
        w.add(Rule::RowAlone, &format!("message 0x200024: {tag:08x}"), move |p| {
            contents_row(p, tag, |row, place| row[place.bitmap] |= place.bit);
        });
    }
    for (rule, tag) in
        [(Rule::TableRowIdCell, 0x67F2_0003), (Rule::TableRowVersionCell, 0x67F3_0003)]
    {
        w.add(rule, "table 0x80ae: row 0x200024", move |p| {
            contents_row(p, tag, |row, place| row[place.bitmap] &= !place.bit);
        });
        w.add(rule, "table 0x802d: row", move |p| {
            row(p, p.data(HIERARCHY), tag, |row, place| row[place.bitmap] &= !place.bit);
        });
    }
    // The last bit of the last byte, beyond the columns.
    w.add(Rule::TableRowBits, "table 0x80ae: row 0x200024", |p| {
        contents_row(p, 0x67F2_0003, |row, place| {
            row[place.bitmap + (columns::CONTENTS.len() + 1) / 8] |= 1;
        });
    });
}

/// Changes the first row of the contents.
fn contents_row(p: &mut Patient, tag: u32, change: impl FnOnce(&mut [u8], Place)) {
    let info = p.payload(p.leaf(p.data(CONTENTS)));
    let at = column(&info, tag);
    let bit = usize::from(info[at + 7]);
    let place = Place {
        offset: usize::from(u16_at(&info, at + 4)),
        bitmap: usize::from(u16_at(&info, ENDS + 4)) + bit / 8,
        bit: 0x80 >> (bit % 8),
    };
    p.block(p.leaf(matrix(p)), |row| change(row, place));
}

fn required(w: &mut Wounds) {
    for (nid, wanted) in [
        (0x802D, columns::HIERARCHY),
        (CONTENTS, columns::CONTENTS),
        (FOLDER & !0x1F | 0x0F, columns::ASSOCIATED),
        (0x60D, columns::HIERARCHY),
        (0x60E, columns::CONTENTS),
        (0x60F, columns::ASSOCIATED),
        (0x610, columns::SEARCH),
        (0x671, columns::ATTACHMENTS),
        (0x692, columns::RECIPIENTS),
    ] {
        for tag in wanted {
            let place = format!("{nid:#x}: {tag:08x}");
            w.add(Rule::RequiredColumns, &place, move |p| {
                p.heap(p.data(nid), |bytes| bytes[column(bytes, *tag) + 3] ^= 0x80);
            });
        }
    }
    for (nid, wanted) in [(0x692, columns::RECIPIENTS), (0x671, columns::ATTACHMENTS)] {
        for tag in wanted {
            let place = format!("{nid:#x}: {tag:08x}");
            w.add(Rule::RequiredColumns, &place, move |p| {
                let data = p.below(p.subnodes(MESSAGE), nid).0;
                p.heap(data, |bytes| bytes[column(bytes, *tag) + 3] ^= 0x80);
            });
        }
    }
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
        let at = column(bytes, tag);
        let bit = usize::from(bytes[at + 7]);
        let bitmap = usize::from(u16_at(bytes, ENDS + 4)) + bit / 8;
        let offset = usize::from(u16_at(bytes, at + 4));
        let rows = u32_at(bytes, ROWS);
        let map = usize::from(u16_at(bytes, 0));
        let index = (rows >> 5) as usize;
        let start = usize::from(u16_at(bytes, map + 4 + 2 * (index - 1)));
        change(&mut bytes[start..], Place { offset, bitmap, bit: 0x80 >> (bit % 8) });
    });
}

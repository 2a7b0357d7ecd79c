//! Table contexts (2.3.4).

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use super::form;
use super::heap::{Heap, Held, fixed_width};
use super::image::{u16_at, u32_at, u64_at};
use super::ndb::Database;
use super::rule::{Report, Rule, hold};

const PAYLOAD: usize = 8176;

pub struct Table {
    pub columns: Vec<u32>,
    /// Cells by tag, of each row by its id.
    pub rows: BTreeMap<u32, BTreeMap<u32, Held>>,
}

struct Column {
    tag: u32,
    offset: usize,
    width: usize,
    bit: usize,
}

pub fn read<R: Read + Seek>(
    database: &mut Database<R>,
    heap: &Heap,
    sizes: &BTreeMap<u32, u64>,
    place: &str,
    report: &mut Report,
) -> io::Result<Table> {
    let mut table = Table { columns: Vec::new(), rows: BTreeMap::new() };
    let info = heap.get(heap.root).unwrap_or_default();
    let count = usize::from(info.get(1).copied().unwrap_or_default());
    let rules = [
        (heap.client == 0x7C, Rule::TableClient),
        (info.first() == Some(&0x7C), Rule::TableType),
        (info.len() == 22 + 8 * count, Rule::TableLength),
    ];
    report.expect(u32_at(info, 18) == 0, Rule::TableIndex, place);
    if !hold(&rules, place, report) {
        return Ok(table);
    }
    let ends: Vec<usize> = (0..4).map(|at| usize::from(u16_at(info, 2 + 2 * at))).collect();
    let columns: Vec<Column> = (0..count)
        .map(|at| Column {
            tag: u32_at(info, 22 + 8 * at),
            offset: usize::from(u16_at(info, 26 + 8 * at)),
            width: usize::from(info[28 + 8 * at]),
            bit: usize::from(info[29 + 8 * at]),
        })
        .collect();
    if !hold(&check_columns(&columns, &ends), place, report) {
        return Ok(table);
    }
    table.columns = columns.iter().map(|column| column.tag).collect();
    for tag in &table.columns {
        let is_known = heap.knows((tag >> 16) as u16);
        report.expect(is_known, Rule::NameKnown, format_args!("{place}: column {tag:08x}"));
    }
    let (index, matrix) = (u32_at(info, 10), u32_at(info, 14));
    let ids = heap.tree(index, (4, 4), report);
    let per_block = PAYLOAD / ends[3];
    let blocks = matrix_blocks(database, heap, matrix, place, report)?;
    let is_padded = blocks.iter().rev().skip(1).all(|block| block.len() == PAYLOAD);
    let held =
        blocks.last().map_or(0, |last| (blocks.len() - 1) * per_block + last.len() / ends[3]);
    let is_fitting = blocks.last().is_none_or(|last| last.len() % ends[3] == 0);
    let rules = [
        (is_padded, Rule::TableRowBlocks),
        (is_fitting, Rule::TableRowWhole),
        (held == ids.len(), Rule::TableRowCount),
    ];
    hold(&rules, format_args!("{place}: {held} rows for {} ids", ids.len()), report);
    let mut seen = vec![false; ids.len()];
    for record in ids {
        let (id, at) = (u32_at(&record, 0), u32_at(&record, 4) as usize);
        let row = blocks
            .get(at / per_block)
            .and_then(|block| block.get(at % per_block * ends[3]..)?.get(..ends[3]));
        let is_new = seen.get_mut(at).is_some_and(|seen| !std::mem::replace(seen, true));
        let is_own = row.is_some_and(|row| u32_at(row, 0) == id);
        let rules = [(is_new, Rule::TableRowIndex), (is_own, Rule::TableRowId)];
        hold(&rules, format_args!("{place}: row {id:#x}"), report);
        if let Some(row) = row {
            let cells = cells(row, &columns, ends[2], heap, sizes, place, report);
            table.rows.insert(id, cells);
        }
    }
    Ok(table)
}

fn cells(
    row: &[u8],
    columns: &[Column],
    bitmap: usize,
    heap: &Heap,
    sizes: &BTreeMap<u32, u64>,
    place: &str,
    report: &mut Report,
) -> BTreeMap<u32, Held> {
    let mut cells = BTreeMap::new();
    let is_set = |bit: usize| row[bitmap + bit / 8] & 0x80 >> (bit % 8) != 0;
    let bits = 8 * (row.len() - bitmap);
    let rules = [
        (is_set(0), Rule::TableRowIdCell),
        (is_set(1), Rule::TableRowVersionCell),
        (!(columns.len()..bits).any(is_set), Rule::TableRowBits),
    ];
    hold(&rules, format_args!("{place}: row {:#x}", u32_at(row, 0)), report);
    for column in columns {
        let cell = &row[column.offset..column.offset + column.width];
        if !is_set(column.bit) {
            continue;
        }
        let (held, rule) = if fixed_width(column.tag as u16).is_some() {
            let number = cell.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            (Some(Held::Fixed(number)), Rule::TableCellHeap)
        } else {
            let value = u32_at(cell, 0);
            match value & 0x1F {
                0 => (heap.copy(value, report).map(Held::Bytes), Rule::TableCellHeap),
                _ => (heap.node(value, sizes), Rule::TableCellNode),
            }
        };
        match held {
            Some(held) => {
                let cell = format_args!("{place}: column {:08x}", column.tag).to_string();
                hold(&form::rules(column.tag as u16, &held), cell, report);
                cells.insert(column.tag, held);
            }
            None => report.broke(rule, format_args!("{place}: column {:08x}", column.tag)),
        }
    }
    cells
}

/// What is asked of the columns, and whether it holds.
fn check_columns(columns: &[Column], ends: &[usize]) -> [(bool, Rule); 11] {
    let has = |tag, offset, bit| {
        columns.iter().any(|c| c.tag == tag && c.offset == offset && c.bit == bit && c.width == 4)
    };
    let is_inside = |column: &Column| {
        let group = match column.width {
            4 | 8 => 0..ends[0],
            2 => ends[0]..ends[1],
            _ => ends[1]..ends[2],
        };
        group.start <= column.offset && column.offset + column.width <= group.end
    };
    let is_wide = |column: &Column| column.width == fixed_width(column.tag as u16).unwrap_or(4);
    let (mut taken, mut is_apart) = (vec![false; ends[2]], true);
    for at in columns.iter().flat_map(|column| column.offset..column.offset + column.width) {
        let before = taken.get_mut(at).map(|taken| std::mem::replace(taken, true));
        is_apart &= before != Some(true);
    }
    let mut bits = vec![false; columns.len()];
    let mut is_own_bit =
        |column: &Column| bits.get_mut(column.bit).is_some_and(|bit| !std::mem::replace(bit, true));
    [
        (ends.is_sorted(), Rule::TableEnds),
        (ends[3] == ends[2] + columns.len().div_ceil(8), Rule::TableBitmapSize),
        (ends[3] <= PAYLOAD, Rule::TableRowSize),
        (columns.windows(2).all(|pair| pair[0].tag < pair[1].tag), Rule::TableColumnOrder),
        (columns.iter().all(is_wide), Rule::TableColumnWidth),
        (columns.iter().all(is_inside), Rule::TableColumnPlace),
        (is_apart, Rule::TableColumnOverlap),
        (taken.iter().all(|taken| *taken), Rule::TableColumnGap),
        (columns.iter().all(&mut is_own_bit), Rule::TableColumnBit),
        (has(0x67F2_0003, 0, 0), Rule::TableRowIdColumn),
        (has(0x67F3_0003, 4, 1), Rule::TableRowVersionColumn),
    ]
}

fn matrix_blocks<R: Read + Seek>(
    database: &mut Database<R>,
    heap: &Heap,
    hnid: u32,
    place: &str,
    report: &mut Report,
) -> io::Result<Vec<Vec<u8>>> {
    if hnid == 0 {
        return Ok(Vec::new());
    }
    if hnid & 0x1F == 0 {
        let rows = heap.get(hnid).map(<[u8]>::to_vec);
        report.expect(rows.is_some(), Rule::TableRowsHeap, place);
        return Ok(rows.into_iter().collect());
    }
    match heap.subnode(hnid) {
        Some(node) => database.leaves(node.data),
        None => {
            report.broke(Rule::TableRowsNode, format_args!("{place}: node {hnid:#x}"));
            Ok(Vec::new())
        }
    }
}

/// A cell's number, where it has one.
pub fn number(cells: &BTreeMap<u32, Held>, tag: u32) -> Option<u64> {
    cells.get(&tag).and_then(Held::number)
}

/// The eight bytes of an object value: node and size (2.3.3.5).
pub fn object(bytes: &[u8]) -> Option<(u32, u32)> {
    let whole = (bytes.len() == 8).then(|| u64_at(bytes, 0))?;
    Some((whole as u32, (whole >> 32) as u32))
}

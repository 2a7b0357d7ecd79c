//! Messages, their recipients and attachments, to any depth (2.4.5, 2.4.6).

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use super::columns;
use super::heap::{self, Heap, Held, Properties, fixed_width};
use super::image::u16_at;
use super::layer::{self, OF_MESSAGE_ROWS};
use super::ndb::{Database, Node};
use super::object::{self, bytes, number};
use super::rule::{Report, Rule, hold};
use super::table::{self, Table};

const RECIPIENTS: u32 = 0x692;
const ATTACHMENTS: u32 = 0x671;
const EMBEDDED: u64 = 5;
const DEPTH_MAX: usize = 200;

/// 2.4.5.1.1, without the status, which Outlook keeps in the row alone.
pub const MESSAGE_PROPERTIES: [(u16, u16); 5] =
    [(0x001A, 0x1F), (0x0E07, 3), (0x0E08, 3), (0x3007, 0x40), (0x3008, 0x40)];
pub const ATTACHMENT_PROPERTIES: [u16; 3] = [0x0E20, 0x3705, 0x370B];
/// Each with the kind of recipients that it names.
pub const DISPLAY_LINES: [(u16, u64); 3] = [(0x0E04, 1), (0x0E03, 2), (0x0E02, 3)];

type Row<'r> = (&'r BTreeMap<u32, Held>, &'r [u32]);

/// Checks a message with its row, if it has one; its flags.
pub fn check<R: Read + Seek>(
    database: &mut Database<R>,
    node: Node,
    row: Option<Row<'_>>,
    report: &mut Report,
) -> io::Result<u64> {
    let place = format!("message {:#x}", node.nid);
    let (properties, _) = message(database, node, &place, 0, report)?;
    if let Some((row, columns)) = row {
        let columns = (columns, OF_MESSAGE_ROWS);
        layer::same_values(database, (row, &properties), columns, &place, report)?;
    }
    Ok(number(&properties, 0x0E07).unwrap_or_default())
}

fn message<R: Read + Seek>(
    database: &mut Database<R>,
    node: Node,
    place: &str,
    depth: usize,
    report: &mut Report,
) -> io::Result<(Properties, u64)> {
    let mut size = database.refer_data(&node, report)?;
    let subnodes = database.refer_subnodes(&node, report)?;
    let (mut sizes, mut rows) = (BTreeMap::new(), None);
    let (mut attachments, mut people) = (Vec::new(), None);
    for below in &subnodes {
        let below_place = format!("{place} > {:#x}", below.nid);
        let of_node = match below.nid {
            RECIPIENTS => {
                let (table, size) = object::read_table(database, *below, &below_place, report)?;
                recipients(&table, &below_place, report);
                people = Some(table);
                size
            }
            ATTACHMENTS => {
                let (table, size) = object::read_table(database, *below, &below_place, report)?;
                let columns = columns::ATTACHMENTS;
                layer::require_columns(&table, columns, &below_place, report);
                rows = Some(table);
                size
            }
            nid if nid & 0x1F == 5 && depth < DEPTH_MAX => {
                let read = attachment(database, *below, &below_place, depth, report)?;
                attachments.push((*below, read.0));
                read.1
            }
            _ => object::measure(database, *below, report)?,
        };
        sizes.insert(below.nid, of_node);
        size += of_node;
    }
    match_rows(database, &attachments, rows, place, report)?;
    let heap = Heap::read(database, node.data, subnodes, place, report)?;
    let properties = heap.map(|heap| heap::properties(&heap, &sizes, place, report));
    let properties = properties.unwrap_or_default();
    check_properties(&properties, size, !attachments.is_empty(), place, report);
    let class = bytes(&properties, 0x001A);
    report.expect(people.is_some() || !is_note(class), Rule::RecipientTable, place);
    if let Some(table) = people {
        check_lines(database, &table, &properties, place, report)?;
    }
    Ok((properties, size))
}

fn check_properties(
    properties: &Properties,
    size: u64,
    has_attachments: bool,
    place: &str,
    report: &mut Report,
) {
    for (id, kind) in MESSAGE_PROPERTIES {
        let is_there = properties.get(&id).is_some_and(|(found, _)| *found == kind);
        report.expect(is_there, Rule::MessageProperties, format_args!("{place}: {id:04x}"));
    }
    report.expect(bytes(properties, 0x300B).len() == 16, Rule::MessageSearchKey, place);
    let says = number(properties, 0x0E07).unwrap_or_default() & 0x10 != 0;
    let also = number(properties, 0x0E1B).is_none_or(|says| (says & 0xFF != 0) == has_attachments);
    report.expect(says == has_attachments && also, Rule::AttachmentFlag, place);
    if is_note(bytes(properties, 0x001A)) {
        let says = number(properties, 0x0E08);
        let place = format_args!("{place}: {says:?} for {size}").to_string();
        report.expect(says == Some(size), Rule::MessageSize, &place);
        report.expect(says.is_none_or(is_signed), Rule::MessageSizeSign, &place);
    }
    check_subject(properties, place, report);
}

fn check_subject(properties: &Properties, place: &str, report: &mut Report) {
    let subject = bytes(properties, 0x0037);
    let mut behind = Some(subject);
    if u16_at(subject, 0) == 1 && !subject.is_empty() {
        let prefix = usize::from(u16_at(subject, 2));
        report.expect(prefix >= 1, Rule::SubjectPrefixNone, place);
        behind = subject.get(2 * (prefix.saturating_sub(1) + 2)..);
        report.expect(behind.is_some(), Rule::SubjectPrefixLong, place);
    }
    // Of subjects in nodes it is not known.
    let is_held = !matches!(properties.get(&0x0037), Some((_, Held::Node(..))));
    if let (true, Some((_, Held::Bytes(normal)))) = (is_held, properties.get(&0x0E1D)) {
        report.expect(behind.is_none_or(|it| it == normal), Rule::SubjectNormal, place);
    }
}

/// Whether 31 bits hold it.
fn is_signed(size: u64) -> bool {
    size <= i32::MAX as u64
}

/// A display line is the names of its kind; of names in nodes it is not known.
fn check_lines<R: Read + Seek>(
    database: &mut Database<R>,
    table: &Table,
    properties: &Properties,
    place: &str,
    report: &mut Report,
) -> io::Result<()> {
    for (id, kind) in DISPLAY_LINES {
        let is_text = properties.get(&id).is_none_or(|(found, _)| *found == 0x1F);
        report.expect(is_text, Rule::RecipientLineType, format_args!("{place}: {id:04x}"));
        let names = table.rows.values().filter(|row| table::number(row, 0x0C15_0003) == Some(kind));
        let names: Option<Vec<&[u8]>> = names
            .map(|row| match row.get(&0x3001_001F) {
                Some(Held::Bytes(name)) => Some(name.as_slice()),
                _ => None,
            })
            .collect();
        let Some(names) = names else { continue };
        let line = names.join(&[b';', 0, b' ', 0][..]);
        let is_same = match properties.get(&id) {
            Some((_, Held::Node(data, size))) => {
                *size == line.len() as u64 && database.leaves(*data)?.concat() == line
            }
            _ => bytes(properties, id) == line,
        };
        report.expect(is_same, Rule::RecipientLine, format_args!("{place}: {id:04x}"));
    }
    Ok(())
}

fn is_note(class: &[u8]) -> bool {
    let note: Vec<u8> = "IPM.Note".encode_utf16().flat_map(u16::to_le_bytes).collect();
    class.starts_with(&note)
}

fn recipients(table: &Table, place: &str, report: &mut Report) {
    layer::require_columns(table, columns::RECIPIENTS, place, report);
    for (id, row) in &table.rows {
        let kind = table::number(row, 0x0C15_0003);
        let rules = [
            (row.contains_key(&0x3001_001F), Rule::RecipientName),
            (matches!(kind, Some(0..=3)), Rule::RecipientKind),
        ];
        hold(&rules, format_args!("{place} row {id:#x}"), report);
    }
}

fn match_rows<R: Read + Seek>(
    database: &mut Database<R>,
    attachments: &[(Node, Properties)],
    rows: Option<Table>,
    place: &str,
    report: &mut Report,
) -> io::Result<()> {
    let Some(table) = rows else {
        report.expect(attachments.is_empty(), Rule::AttachmentTable, place);
        return Ok(());
    };
    let nodes: Vec<Node> = attachments.iter().map(|(node, _)| *node).collect();
    let rules = (Rule::AttachmentRowMissing, Rule::AttachmentRowUnknown);
    layer::same_rows(&table, &nodes, rules, place, report);
    for (node, properties) in attachments {
        if let Some(row) = table.rows.get(&node.nid) {
            let place = format!("{place} > row {:#x}", node.nid);
            layer::same_values(database, (row, properties), (&table.columns, &[]), &place, report)?;
        }
    }
    Ok(())
}

fn attachment<R: Read + Seek>(
    database: &mut Database<R>,
    node: Node,
    place: &str,
    depth: usize,
    report: &mut Report,
) -> io::Result<(Properties, u64)> {
    let mut size = database.refer_data(&node, report)?;
    let subnodes = database.refer_subnodes(&node, report)?;
    let (mut sizes, mut embedded) = (BTreeMap::new(), None);
    for below in &subnodes {
        let of_node = if below.nid & 0x1F == 4 {
            let below_place = format!("{place} > {:#x}", below.nid);
            let (inner, of_node) = message(database, *below, &below_place, depth + 1, report)?;
            embedded = Some((below.nid, number(&inner, 0x0E08)));
            of_node
        } else {
            object::measure(database, *below, report)?
        };
        sizes.insert(below.nid, of_node);
        size += of_node;
    }
    let heap = Heap::read(database, node.data, subnodes, place, report)?;
    let properties = heap.map(|heap| heap::properties(&heap, &sizes, place, report));
    let properties = properties.unwrap_or_default();
    check_attachment(&properties, embedded, place, report);
    Ok((properties, size))
}

fn check_attachment(
    properties: &Properties,
    embedded: Option<(u32, Option<u64>)>,
    place: &str,
    report: &mut Report,
) {
    for id in ATTACHMENT_PROPERTIES {
        let is_there = properties.get(&id).is_some_and(|(kind, _)| *kind == 3);
        report.expect(is_there, Rule::AttachmentProperties, format_args!("{place}: {id:04x}"));
    }
    let object = table::object(bytes(properties, 0x3701));
    let data = properties.get(&0x3701).map(|(kind, _)| *kind);
    match number(properties, 0x3705) {
        Some(EMBEDDED) => {
            // The object names the message and repeats the size that it states.
            let (nid, size) = object.unzip();
            let rules = [
                (data == Some(0x0D), Rule::AttachmentObject),
                (nid == embedded.map(|(nid, _)| nid), Rule::AttachmentObjectNode),
                (
                    size.map(u64::from) == embedded.and_then(|(_, size)| size),
                    Rule::AttachmentObjectSize,
                ),
            ];
            hold(&rules, place, report);
        }
        Some(1) => {
            report.expect(data.is_none_or(|kind| kind == 0x0102), Rule::AttachmentData, place);
        }
        _ => {}
    }
    let total: u64 = properties
        .values()
        .map(|(kind, held)| match (kind, held) {
            (0x0D, _) => object.map_or(0, |(_, size)| u64::from(size)),
            _ => fixed_width(*kind).map_or(held.size(), |width| width as u64),
        })
        .sum();
    let says = number(properties, 0x0E20);
    let place = format_args!("{place}: {says:?} for {total}").to_string();
    report.expect(says == Some(total), Rule::AttachmentSize, &place);
    report.expect(says.is_none_or(is_signed), Rule::AttachmentSizeSign, &place);
}

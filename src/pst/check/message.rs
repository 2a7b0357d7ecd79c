//! Messages, their recipients and attachments, to any depth (2.4.5, 2.4.6).

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use super::heap::{self, Heap, Held, Properties, fixed_width};
use super::image::u16_at;
use super::ndb::{Database, Node};
use super::object::{self, bytes, number};
use super::rule::{Report, Rule};
use super::table::{self, Table};
use super::{columns, layer};

const RECIPIENTS: u32 = 0x692;
const ATTACHMENTS: u32 = 0x671;
const EMBEDDED: u64 = 5;
const DEPTH_MAX: usize = 200;

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
        layer::same_values(row, &properties, columns, &place, report);
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
    let mut size = database.refer_data(node.data, report)?;
    let subnodes = database.refer_subnodes(node.subnodes, report)?;
    let (mut sizes, mut rows) = (BTreeMap::new(), None);
    let (mut attachments, mut has_recipients) = (Vec::new(), false);
    for below in &subnodes {
        let below_place = format!("{place} > {:#x}", below.nid);
        let of_node = match below.nid {
            RECIPIENTS => {
                has_recipients = true;
                let (table, size) = object::read_table(database, *below, &below_place, report)?;
                recipients(&table, &below_place, report);
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
    match_rows(&attachments, rows, place, report);
    let heap = Heap::read(database, node.data, subnodes, place, report)?;
    let properties = heap.map(|heap| heap::properties(&heap, &sizes, place, report));
    let properties = properties.unwrap_or_default();
    check_properties(&properties, size, !attachments.is_empty(), place, report);
    let class = bytes(&properties, 0x001A);
    report.expect(has_recipients || !is_note(class), Rule::RecipientTable, place);
    Ok((properties, size))
}

fn check_properties(
    properties: &Properties,
    size: u64,
    has_attachments: bool,
    place: &str,
    report: &mut Report,
) {
    // 2.4.5.1.1, without the status, which Outlook keeps in the row alone.
    let required = [(0x001A, 0x1F), (0x0E07, 3), (0x0E08, 3), (0x3007, 0x40), (0x3008, 0x40)];
    let is_whole = required
        .iter()
        .all(|(id, kind)| properties.get(id).is_some_and(|(found, _)| found == kind))
        && bytes(properties, 0x300B).len() == 16;
    report.expect(is_whole, Rule::MessageProperties, place);
    let says = number(properties, 0x0E07).unwrap_or_default() & 0x10 != 0;
    report.expect(says == has_attachments, Rule::AttachmentRows, format_args!("{place} flag"));
    if is_note(bytes(properties, 0x001A)) {
        report.expect(
            number(properties, 0x0E08) == Some(size),
            Rule::MessageSize,
            format_args!("{place}: {:?} for {size}", number(properties, 0x0E08)),
        );
    }
    let subject = bytes(properties, 0x0037);
    if u16_at(subject, 0) == 1 && !subject.is_empty() {
        let prefix = usize::from(u16_at(subject, 2));
        let is_inside = prefix >= 1 && prefix - 1 <= subject.len() / 2 - 2;
        report.expect(is_inside, Rule::SubjectPrefix, place);
    }
}

fn is_note(class: &[u8]) -> bool {
    let note: Vec<u8> = "IPM.Note".encode_utf16().flat_map(u16::to_le_bytes).collect();
    class.starts_with(&note)
}

fn recipients(table: &Table, place: &str, report: &mut Report) {
    layer::require_columns(table, columns::RECIPIENTS, place, report);
    for (id, row) in &table.rows {
        let kind = table::number(row, 0x0C15_0003);
        let is_named = row.contains_key(&0x3001_001F) && matches!(kind, Some(0..=3));
        report.expect(is_named, Rule::RecipientTable, format_args!("{place} row {id:#x}"));
    }
}

fn match_rows(
    attachments: &[(Node, Properties)],
    rows: Option<Table>,
    place: &str,
    report: &mut Report,
) {
    let Some(table) = rows else {
        report.expect(attachments.is_empty(), Rule::AttachmentRows, place);
        return;
    };
    let nodes: Vec<Node> = attachments.iter().map(|(node, _)| *node).collect();
    layer::same_rows(&table, &nodes, Rule::AttachmentRows, place, report);
    for (node, properties) in attachments {
        if let Some(row) = table.rows.get(&node.nid) {
            let place = format!("{place} > row {:#x}", node.nid);
            layer::same_values(row, properties, &table.columns, &place, report);
        }
    }
}

fn attachment<R: Read + Seek>(
    database: &mut Database<R>,
    node: Node,
    place: &str,
    depth: usize,
    report: &mut Report,
) -> io::Result<(Properties, u64)> {
    let mut size = database.refer_data(node.data, report)?;
    let subnodes = database.refer_subnodes(node.subnodes, report)?;
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
    let method = number(&properties, 0x3705);
    let object = table::object(bytes(&properties, 0x3701));
    let has_numbers = [0x0E20, 0x3705, 0x370B]
        .iter()
        .all(|id| properties.get(id).is_some_and(|(kind, _)| *kind == 3));
    let has_data = match method {
        // The object names the message and repeats the size that it states.
        Some(EMBEDDED) => {
            properties.get(&0x3701).is_some_and(|(kind, _)| *kind == 0x0D)
                && object.map(|(nid, size)| (nid, Some(u64::from(size)))) == embedded
        }
        Some(1) => properties.get(&0x3701).is_none_or(|(kind, _)| *kind == 0x0102),
        _ => true,
    };
    report.expect(has_numbers && has_data, Rule::AttachmentProperties, place);
    let total: u64 = properties
        .values()
        .map(|(kind, held)| match (kind, held) {
            (0x0D, _) => object.map_or(0, |(_, size)| u64::from(size)),
            _ => fixed_width(*kind).map_or(held.size(), |width| width as u64),
        })
        .sum();
    report.expect(
        number(&properties, 0x0E20) == Some(total),
        Rule::AttachmentSize,
        format_args!("{place}: {:?} for {total}", number(&properties, 0x0E20)),
    );
    Ok((properties, size))
}

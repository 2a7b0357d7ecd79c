//! The messaging layer from the top (2.4): store, folders and their tables.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Seek};

use super::heap::{Held, Properties};
use super::image::u32_at;
use super::ndb::{Database, Node};
use super::object::{bytes, context, fetch, look, measure, number, read_table};
use super::rule::{Report, Rule, hold};
use super::table::{self, Table};
use super::{columns, message, names};

const ROOT: u32 = 0x122;
const NAMES: u32 = 0x61;
const SEARCH_LIST: u32 = 0x201;
const SEARCH_QUEUE: u32 = 0x1E1;
const SPAM_SEARCH: u32 = 0x2223;
const FOLDER: u32 = 0x02;
const SEARCH_FOLDER: u32 = 0x03;
const MESSAGE: u32 = 0x04;
const ASSOCIATED: u32 = 0x08;

/// Tables that belong to no folder (2.7.1, and what Outlook adds).
const TABLES: [u32; 11] =
    [0x60D, 0x60E, 0x60F, 0x610, 0x62B, 0x64C, 0x671, 0x692, 0x6B6, 0x6D7, 0x6F8];

/// Nodes that every store has (2.7.1).
pub const MANDATORY: [u32; 27] = [
    0x21, 0x61, 0x122, 0x12D, 0x12E, 0x12F, 0x1E1, 0x201, 0x60D, 0x60E, 0x60F, 0x610, 0x671, 0x692,
    0x2223, 0x8022, 0x802D, 0x802E, 0x802F, 0x8042, 0x804D, 0x804E, 0x804F, 0x8062, 0x806D, 0x806E,
    0x806F,
];

pub const FOLDER_PROPERTIES: [(u16, u16); 4] =
    [(0x3001, 0x1F), (0x3602, 3), (0x3603, 3), (0x360A, 0xB)];

/// Entry ids of the store, and the folders that they are of (2.7.1): of the top, of what
/// was deleted, of searches.
pub const STORE_ENTRIES: [(u16, u32); 3] = [(0x35E0, 0x8022), (0x35E3, 0x8062), (0x35E7, 0x8042)];
/// That of views, which not every store has.
pub const VIEWS_ENTRY: u16 = 0x35E6;

/// Who receives what, with the folder in a column.
const RECEIVE_FOLDERS: u32 = 0x62B;
const RECEIVE_FOLDER: u32 = 0x6605_0003;

/// What every row has of its own: its id and version.
const OF_ROWS: [u32; 2] = [0x67F2_0003, 0x67F3_0003];
/// And those of folders: how the folder was replicated.
const OF_FOLDER_ROWS: &[u32] = &[0x0E30_0102, 0x0E33_0014, 0x0E34_0102];
/// And those of messages: the status (2.4.5.1.1) and the conversation, which Outlook keeps
/// in the row alone.
pub const OF_MESSAGE_ROWS: &[u32] = &[0x0E17_0003, 0x3013_0102];

pub fn check<R: Read + Seek>(database: &mut Database<R>, report: &mut Report) -> io::Result<()> {
    let nodes = database.nodes.clone();
    let mut children: HashMap<u32, Vec<Node>> = HashMap::new();
    for node in &nodes {
        let (kind, index) = (node.nid & 0x1F, node.nid >> 5);
        let place = format!("node {:#x}", node.nid);
        // Type 0 has no counter of its own.
        let is_counted = kind == 0 || index <= database.header.highest[kind as usize];
        report.expect(is_counted, Rule::NodeIndex, &place);
        let (has_parent, rule) = match node.nid {
            ROOT => (node.parent == ROOT, Rule::RootParent),
            nid if matches!(nid & 0x1F, 0x0D..=0x12) => (node.parent == 0, Rule::TableParent),
            _ => {
                let is_there = node.parent == 0 || database.node(node.parent).is_some();
                (is_there, Rule::NodeParent)
            }
        };
        report.expect(has_parent, rule, &place);
        if node.parent != node.nid {
            children.entry(node.parent).or_default().push(*node);
        }
    }
    for (kind, highest) in database.header.highest.iter().enumerate() {
        let floor = match kind as u32 {
            SEARCH_FOLDER => 0x4000,
            MESSAGE => 0x1_0000,
            ASSOCIATED => 0x8000,
            _ => 0x400,
        };
        report.expect(*highest >= floor, Rule::NodeIndexFloor, format_args!("type {kind:#x}"));
    }
    unreachable(&nodes, report);
    search_list(database, report)?;
    search_queue(database, report)?;
    if let Some(node) = database.node(NAMES) {
        let mut names = look(database, node, &mut Report::default())?;
        fetch(database, &mut names)?;
        database.names = bytes(&names, 0x0003).len() / 8;
    }
    for nid in MANDATORY {
        let is_there = database.node(nid).is_some();
        report.expect(is_there, Rule::MandatoryNode, format_args!("node {nid:#x}"));
    }
    for node in &nodes {
        let place = format!("node {:#x}", node.nid);
        let owner = node.nid & !0x1F | FOLDER;
        match node.nid & 0x1F {
            FOLDER => folder(database, *node, &children, report)?,
            MESSAGE | ASSOCIATED => {
                let parent = database.node(node.parent);
                if parent.is_none_or(|parent| parent.nid & 0x1F != FOLDER) {
                    report.broke(Rule::MessageOutside, &place);
                    measure(database, *node, report)?;
                }
            }
            SEARCH_FOLDER | 0x07 => {
                context(database, *node, &place, report)?;
            }
            // Visited with their folders.
            0x0D..=0x0F if database.node(owner).is_some() => {}
            _ if TABLES.contains(&node.nid) || is_search_contents(database, node) => {
                let table = read_table(database, *node, &place, report)?.0;
                let columns = match node.nid & 0x1F {
                    0x0D => columns::HIERARCHY,
                    0x0E => columns::CONTENTS,
                    0x0F => columns::ASSOCIATED,
                    0x10 => columns::SEARCH,
                    0x11 => columns::ATTACHMENTS,
                    0x12 => columns::RECIPIENTS,
                    _ => &[],
                };
                require_columns(&table, columns, &place, report);
                if node.nid == RECEIVE_FOLDERS {
                    receive_folders(database, &table, &place, report);
                }
            }
            _ if node.nid == 0x21 => store(database, *node, report)?,
            _ if node.nid == NAMES => {
                let mut properties = context(database, *node, &place, report)?.0;
                fetch(database, &mut properties)?;
                names::check(&properties, report)?;
            }
            _ => {
                measure(database, *node, report)?;
            }
        }
    }
    Ok(())
}

/// Folders from which no way leads up to the root.
fn unreachable(nodes: &[Node], report: &mut Report) {
    let folders: HashMap<u32, u32> = nodes
        .iter()
        .filter(|node| node.nid & 0x1F == FOLDER)
        .map(|node| (node.nid, node.parent))
        .collect();
    let mut known = HashMap::from([(ROOT, true)]);
    for folder in folders.keys() {
        let (mut way, mut at) = (Vec::new(), *folder);
        let is_below = loop {
            if let Some(is_below) = known.get(&at) {
                break *is_below;
            }
            // Whoever comes by here again goes in a circle.
            known.insert(at, false);
            way.push(at);
            match folders.get(&at) {
                Some(parent) => at = *parent,
                None => break false,
            }
        };
        known.extend(way.into_iter().map(|nid| (nid, is_below)));
    }
    let mut lost: Vec<u32> = folders.into_keys().filter(|nid| !known[nid]).collect();
    lost.sort_unstable();
    for nid in lost {
        report.broke(Rule::FolderUnreachable, format_args!("folder {nid:#x}"));
    }
}

/// The list of searches that are kept up to date: the one that every store has,
/// and such as are there.
fn search_list<R: Read + Seek>(database: &mut Database<R>, report: &mut Report) -> io::Result<()> {
    let Some(list) = database.node(SEARCH_LIST) else { return Ok(()) };
    let list = database.leaves(list.data)?.concat();
    let list: Vec<u32> = list.chunks_exact(4).map(|nid| u32_at(nid, 0)).collect();
    for nid in &list {
        let is_search = nid & 0x1F == SEARCH_FOLDER && database.node(*nid).is_some();
        report.expect(is_search, Rule::SearchList, format_args!("node {nid:#x}"));
    }
    let is_listed = list.contains(&SPAM_SEARCH);
    report.expect(is_listed, Rule::SearchListed, format_args!("node {SPAM_SEARCH:#x}"));
    Ok(())
}

/// Updates of searches that wait, each of 20 bytes.
fn search_queue<R: Read + Seek>(database: &mut Database<R>, report: &mut Report) -> io::Result<()> {
    let Some(queue) = database.node(SEARCH_QUEUE) else { return Ok(()) };
    let length: usize = database.leaves(queue.data)?.iter().map(Vec::len).sum();
    let place = format_args!("node {SEARCH_QUEUE:#x}: {length} bytes").to_string();
    report.expect(length.is_multiple_of(20), Rule::SearchQueue, place);
    Ok(())
}

/// Each kind of message is received by a folder that there is.
fn receive_folders<R: Read + Seek>(
    database: &Database<R>,
    table: &Table,
    place: &str,
    report: &mut Report,
) {
    for (id, row) in &table.rows {
        let nid = table::number(row, RECEIVE_FOLDER).and_then(|nid| u32::try_from(nid).ok());
        let folder = nid.and_then(|nid| database.node(nid));
        let is_folder = folder.is_some_and(|node| node.nid & 0x1F == FOLDER);
        report.expect(is_folder, Rule::ReceiveFolder, format_args!("{place} row {id:#x}"));
    }
}

fn is_search_contents<R: Read + Seek>(database: &Database<R>, node: &Node) -> bool {
    node.nid & 0x1F == 0x10 && database.node(node.nid & !0x1F | SEARCH_FOLDER).is_some()
}

fn folder<R: Read + Seek>(
    database: &mut Database<R>,
    node: Node,
    children: &HashMap<u32, Vec<Node>>,
    report: &mut Report,
) -> io::Result<()> {
    report.folders += 1;
    let place = format!("folder {:#x}", node.nid);
    let properties = context(database, node, &place, report)?.0;
    for (id, kind) in FOLDER_PROPERTIES {
        let is_there = properties.get(&id).is_some_and(|(found, _)| *found == kind);
        report.expect(is_there, Rule::FolderProperties, format_args!("{place}: {id:04x}"));
    }
    let below = children.get(&node.nid).map_or(&[][..], Vec::as_slice);
    let of = |kinds: &[u32]| -> Vec<Node> {
        below.iter().filter(|node| kinds.contains(&(node.nid & 0x1F))).copied().collect()
    };
    let folders = of(&[FOLDER, SEARCH_FOLDER]);
    if let Some(table) = folder_table(database, node, 0x0D, columns::HIERARCHY, report)? {
        let rules = (Rule::HierarchyRowMissing, Rule::HierarchyRowUnknown);
        same_rows(&table, &folders, rules, &place, report);
        for child in &folders {
            let child_place = format!("row of folder {:#x}", child.nid);
            // Each context is counted where it is visited itself; here it is
            // only looked at.
            let own = look(database, *child, report)?;
            if let Some(row) = table.rows.get(&child.nid) {
                let columns = (table.columns.as_slice(), OF_FOLDER_ROWS);
                same_values(database, (row, &own), columns, &child_place, report)?;
            }
        }
        let says = number(&properties, 0x360A);
        report.expect(says == Some(u64::from(!folders.is_empty())), Rule::FolderSubfolders, &place);
    }
    let associated = of(&[ASSOCIATED]);
    if let Some(table) = folder_table(database, node, 0x0F, columns::ASSOCIATED, report)? {
        let rules = (Rule::AssociatedRowMissing, Rule::AssociatedRowUnknown);
        same_rows(&table, &associated, rules, &place, report);
    }
    for one in associated {
        message::check(database, one, None, report)?;
    }
    let messages = of(&[MESSAGE]);
    let table = folder_table(database, node, 0x0E, columns::CONTENTS, report)?;
    let mut unread = 0;
    for one in &messages {
        let row = table.as_ref().and_then(|table| table.rows.get(&one.nid));
        let columns = table.as_ref().map_or(&[][..], |table| &table.columns);
        let flags = message::check(database, *one, row.map(|row| (row, columns)), report)?;
        unread += u64::from(flags & 1 == 0);
        report.messages += 1;
    }
    if let Some(table) = table {
        let rules = (Rule::ContentsRowMissing, Rule::ContentsRowUnknown);
        same_rows(&table, &messages, rules, &place, report);
        for (id, count, rule) in [
            (0x3602, messages.len() as u64, Rule::FolderCount),
            (0x3603, unread, Rule::FolderUnreadCount),
        ] {
            let says = number(&properties, id);
            report.expect(says == Some(count), rule, format_args!("{place}: {says:?} for {count}"));
        }
    }
    Ok(())
}

fn folder_table<R: Read + Seek>(
    database: &mut Database<R>,
    folder: Node,
    kind: u32,
    columns: &[u32],
    report: &mut Report,
) -> io::Result<Option<Table>> {
    let nid = folder.nid & !0x1F | kind;
    let place = format!("table {nid:#x}");
    let Some(node) = database.node(nid) else {
        report.broke(Rule::FolderTables, &place);
        return Ok(None);
    };
    if node.data == 0 {
        report.broke(Rule::FolderTableEmpty, &place);
        return Ok(None);
    }
    let table = read_table(database, node, &place, report)?.0;
    require_columns(&table, columns, &place, report);
    Ok(Some(table))
}

fn store<R: Read + Seek>(
    database: &mut Database<R>,
    node: Node,
    report: &mut Report,
) -> io::Result<()> {
    let properties = context(database, node, "store", report)?.0;
    let key = bytes(&properties, 0x0FF9);
    let has = |id, kind| properties.get(&id).is_some_and(|(found, _)| *found == kind);
    report.expect(has(0x0FF9, 0x102) && key.len() == 16, Rule::StoreKey, "store");
    report.expect(has(0x3001, 0x1F), Rule::StoreName, "store");
    report.expect(has(0x35DF, 3), Rule::StoreFolderMask, "store");
    let has_none = has(0x67FF, 3) && number(&properties, 0x67FF) == Some(0);
    report.expect(has_none, Rule::StorePassword, "store");
    let views = properties.contains_key(&VIEWS_ENTRY).then_some((VIEWS_ENTRY, None));
    let entries = STORE_ENTRIES.map(|(id, nid)| (id, Some(nid)));
    for (id, nid) in entries.into_iter().chain(views) {
        let entry = bytes(&properties, id);
        let folder = database.node(u32_at(entry, 20)).filter(|node| node.nid & 0x1F == FOLDER);
        let rules = [
            (has(id, 0x102), Rule::StoreEntryType),
            (entry.len() == 24, Rule::StoreEntryLength),
            (entry.starts_with(&[0; 4]), Rule::StoreEntryFlags),
            (entry.get(4..20) == Some(key), Rule::StoreEntryKey),
            (folder.is_some(), Rule::StoreEntryFolder),
            (nid.is_none_or(|nid| nid == u32_at(entry, 20)), Rule::StoreEntryRole),
        ];
        hold(&rules, format_args!("entry id {id:04x}"), report);
    }
    Ok(())
}

/// Rows and nodes that name each other, and nothing besides.
pub fn same_rows(
    table: &Table,
    nodes: &[Node],
    (missing, unknown): (Rule, Rule),
    place: &str,
    report: &mut Report,
) {
    for node in nodes {
        let has_row = table.rows.contains_key(&node.nid);
        report.expect(has_row, missing, format_args!("{place}: {:#x}", node.nid));
    }
    let mut known: Vec<u32> = nodes.iter().map(|node| node.nid).collect();
    known.sort_unstable();
    for nid in table.rows.keys() {
        let is_known = known.binary_search(nid).is_ok();
        report.expect(is_known, unknown, format_args!("{place}: {nid:#x}"));
    }
}

/// A row repeats what its object has, wherever there is a column for it, and has no more
/// than what rows of its kind have alone.
pub fn same_values<R: Read + Seek>(
    database: &mut Database<R>,
    (row, properties): (&BTreeMap<u32, Held>, &Properties),
    (columns, of_row_alone): (&[u32], &[u32]),
    place: &str,
    report: &mut Report,
) -> io::Result<()> {
    for tag in columns {
        let place = format_args!("{place}: {tag:08x}").to_string();
        let of_row = row.get(tag);
        let Some((kind, held)) = properties.get(&((tag >> 16) as u16)) else {
            let is_own = OF_ROWS.contains(tag) || of_row_alone.contains(tag);
            report.expect(is_own || of_row.is_none(), Rule::RowAlone, place);
            continue;
        };
        if u32::from(*kind) != tag & 0xFFFF {
            report.expect(of_row.is_none(), Rule::RowType, place);
            continue;
        }
        let Some(of_row) = of_row else {
            report.broke(Rule::RowLacks, place);
            continue;
        };
        let is_same = match (of_row, held) {
            // Each is a node of its own table.
            (Held::Node(of_row, size), Held::Node(of_object, other)) => {
                size == other
                    && (of_row == of_object
                        || database.leaves(*of_row)?.concat()
                            == database.leaves(*of_object)?.concat())
            }
            _ => of_row == held,
        };
        report.expect(is_same, Rule::RowDiffers, place);
    }
    Ok(())
}

pub fn require_columns(table: &Table, columns: &[u32], place: &str, report: &mut Report) {
    for column in columns {
        let is_there = table.columns.contains(column);
        report.expect(is_there, Rule::RequiredColumns, format_args!("{place}: {column:08x}"));
    }
}

//! Nodes as the objects that they are: property and table contexts with what is
//! below them.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use super::heap::{self, Heap, Held, Properties};
use super::ndb::{Database, Node, TooMuch};
use super::rule::{Report, Rule};
use super::table::{self, Table};

/// Deeper than any file needs: stops loops.
const DEPTH_MAX: usize = 100;

/// Bytes of a node and all below it; all its references are counted.
pub fn measure<R: Read + Seek>(
    database: &mut Database<R>,
    node: Node,
    report: &mut Report,
) -> io::Result<u64> {
    measure_below(database, node, &mut Vec::new(), report)
}

/// `above` are the blocks of subnodes that the node is in.
fn measure_below<R: Read + Seek>(
    database: &mut Database<R>,
    node: Node,
    above: &mut Vec<u64>,
    report: &mut Report,
) -> io::Result<u64> {
    let size = database.refer_data(&node, report)?;
    let is_within = above.contains(&node.subnodes) || above.len() >= DEPTH_MAX;
    if node.subnodes != 0 && is_within {
        report.broke(Rule::SubnodeLoop, format_args!("block {:#x}", node.subnodes));
        return Ok(size);
    }
    // A file may name it any number of times.
    if let Some(&known) = database.below.get(&node.subnodes) {
        database.refer_again(&node, report);
        return Ok(size.saturating_add(known));
    }
    above.push(node.subnodes);
    let mut below = 0_u64;
    for node in database.refer_subnodes(&node, report)? {
        below = below.saturating_add(measure_below(database, node, above, report)?);
    }
    above.pop();
    if node.subnodes != 0 {
        database.below.insert(node.subnodes, below);
    }
    Ok(size.saturating_add(below))
}

/// A property context whose subnodes are values; its size.
pub fn context<R: Read + Seek>(
    database: &mut Database<R>,
    node: Node,
    place: &str,
    report: &mut Report,
) -> io::Result<(Properties, u64)> {
    let (heap, sizes, size) = enter(database, node, place, report)?;
    let properties = heap.map(|heap| heap::properties(&heap, &sizes, place, report));
    Ok((properties.unwrap_or_default(), size))
}

/// A table context; its size.
pub fn read_table<R: Read + Seek>(
    database: &mut Database<R>,
    node: Node,
    place: &str,
    report: &mut Report,
) -> io::Result<(Table, u64)> {
    let (heap, sizes, size) = enter(database, node, place, report)?;
    match heap {
        Some(heap) => Ok((table::read(database, &heap, &sizes, place, report)?, size)),
        None => Ok((Table { columns: Vec::new(), rows: BTreeMap::new() }, size)),
    }
}

type Entered = (Option<Heap>, BTreeMap<u32, u64>, u64);

fn enter<R: Read + Seek>(
    database: &mut Database<R>,
    node: Node,
    place: &str,
    report: &mut Report,
) -> io::Result<Entered> {
    let mut size = database.refer_data(&node, report)?;
    let subnodes = database.refer_subnodes(&node, report)?;
    let mut sizes = BTreeMap::new();
    for below in &subnodes {
        let of_node = measure(database, *below, report)?;
        sizes.insert(below.nid, of_node);
        size = size.saturating_add(of_node);
    }
    let heap = Heap::read(database, node.data, subnodes, place, report)?;
    Ok((heap, sizes, size))
}

/// Properties of a node without counting its references or noting findings.
pub fn look<R: Read + Seek>(
    database: &mut Database<R>,
    node: Node,
    report: &mut Report,
) -> io::Result<Properties> {
    let mut silent = Report::default();
    let below = database.refer_subnodes_again(node.subnodes)?;
    let mut sizes = BTreeMap::new();
    for value in &below {
        let size: usize = database.leaves(value.data)?.iter().map(Vec::len).sum();
        sizes.insert(value.nid, size as u64);
    }
    let heap = Heap::read(database, node.data, below, "", &mut silent)?;
    if heap.is_none() {
        report.broke(Rule::HeapLength, format_args!("folder {:#x}", node.nid));
    }
    let read = heap.map(|heap| heap::properties(&heap, &sizes, "", &mut silent));
    Ok(read.unwrap_or_default())
}

pub fn number(properties: &Properties, id: u16) -> Option<u64> {
    properties.get(&id).and_then(|(_, held)| held.number())
}

pub fn bytes(properties: &Properties, id: u16) -> &[u8] {
    match properties.get(&id) {
        Some((_, Held::Bytes(bytes))) => bytes,
        _ => &[],
    }
}

/// Puts the bytes of values that are nodes in the place of their names.
pub fn fetch<R: Read + Seek>(
    database: &mut Database<R>,
    properties: &mut Properties,
) -> io::Result<()> {
    // Several may name one node.
    let mut left = 4 * database.image.size;
    for (_, held) in properties.values_mut() {
        if let Held::Node(data, size) = held {
            left = left.checked_sub(*size).ok_or_else(|| io::Error::other(TooMuch))?;
            *held = Held::Bytes(database.leaves(*data)?.concat());
        }
    }
    Ok(())
}

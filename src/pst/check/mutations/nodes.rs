//! Wounds of the nodes that there must be, and of what they say of each other.

use super::super::layer;
use super::super::rule::Rule;
use super::{FOLDER, MESSAGE, Wounds};

/// Where the header has the highest index of each type.
const HIGHEST: usize = 44;

pub fn wounds(w: &mut Wounds) {
    w.add(Rule::NodeIndex, "node 0x80a2", |p| p.header(HIGHEST + 4 * 2, &[0, 4]));
    for kind in 0..32 {
        let place = format!("type {kind:#x}");
        w.add(Rule::NodeIndexFloor, &place, move |p| p.header(HIGHEST + 4 * kind, &[0xFF, 3, 0]));
    }
    // Those of kinds that begin higher, at what suffices for others.
    for kind in [3, 4, 8] {
        let place = format!("type {kind:#x}");
        w.add(Rule::NodeIndexFloor, &place, move |p| p.header(HIGHEST + 4 * kind, &[0, 4, 0]));
    }
    for nid in layer::MANDATORY {
        let other = nid | 0x4000_0000;
        w.add(Rule::MandatoryNode, &format!("node {nid:#x}"), move |p| {
            p.node(nid, 0, &other.to_le_bytes());
        });
    }
    for (rule, nid, parent) in [
        (Rule::RootParent, 0x122, 0_u32),
        (Rule::RootParent, 0x122, 0x8022),
        (Rule::TableParent, 0x802D, 0x8022),
        (Rule::NodeParent, FOLDER, 0x9_9999),
        (Rule::FolderUnreachable, FOLDER, FOLDER),
        (Rule::FolderUnreachable, 0x8022, FOLDER),
    ] {
        let place = format!("{nid:#x}");
        w.add(rule, &place, move |p| p.node(nid, 24, &parent.to_le_bytes()));
    }
    for kind in [0x0D, 0x0E, 0x0F] {
        let nid = FOLDER & !0x1F | kind;
        let place = format!("table {nid:#x}");
        w.add(Rule::FolderTables, &place, move |p| {
            p.node(nid, 0, &(nid | 0x4000_0000).to_le_bytes());
        });
        w.add(Rule::FolderTableEmpty, &place, move |p| p.node(nid, 8, &[0; 8]));
    }
    // A search folder that is not there, and a folder that is no search folder.
    for nid in [0x2243_u32, 0x8022] {
        let place = format!("node {nid:#x}");
        w.add(Rule::SearchList, &place, move |p| {
            p.block(p.data(0x201), |list| list.copy_from_slice(&nid.to_le_bytes()));
        });
    }
    // A list of searches of four bytes is no queue.
    w.add(Rule::SearchQueue, "node 0x1e1", |p| p.node(0x1E1, 8, &p.data(0x201).to_le_bytes()));
    w.add(Rule::SearchListed, "node 0x2223", |p| p.node(0x201, 8, &[0; 8]));

    for (rule, place) in
        [(Rule::HierarchyRowMissing, "folder 0x122"), (Rule::HierarchyRowUnknown, "folder 0x8022")]
    {
        w.add(rule, &format!("{place}: 0x80a2"), |p| p.node(FOLDER, 24, &[0x22, 1]));
    }
    for (rule, place) in
        [(Rule::ContentsRowMissing, "folder 0x8062"), (Rule::ContentsRowUnknown, "folder 0x80a2")]
    {
        w.add(rule, &format!("{place}: 0x200024"), |p| p.node(MESSAGE, 24, &[0x62, 0x80]));
    }
    // In nothing, and in the store.
    for parent in [0, 0x21_u32] {
        w.add(Rule::MessageOutside, "node 0x200024", move |p| {
            p.node(MESSAGE, 24, &parent.to_le_bytes());
        });
    }
    w.add(Rule::AssociatedRowMissing, "folder 0x80a2: 0x200028", |p| {
        p.node(MESSAGE, 0, &[0x28]);
    });
    w.add(Rule::AssociatedRowUnknown, "folder 0x80a2: 0x200024", |p| {
        let contents = FOLDER & !0x1F | 0x0E;
        let (data, inside) = (p.data(contents), p.subnodes(contents));
        p.node(FOLDER & !0x1F | 0x0F, 8, &data.to_le_bytes());
        p.node(FOLDER & !0x1F | 0x0F, 16, &inside.to_le_bytes());
    });
}

//! What every store has besides its own folders and messages (MS-PST 2.7.1),
//! with the nodes that Outlook adds to a new file.

use std::io::{self, Seek, Write};

use super::folder::{COMMON_VIEWS, DELETED_ITEMS, Folder, Folders, ROOT, SEARCH_ROOT, SUBTREE};
use super::rows::Rows;
use super::{named, property as id, template};
use crate::pst::ltp::{Column, Property, Table, write_properties};
use crate::pst::ndb::{DataTree, Ndb, Nid, Stored, kind};

const NO_PARENT: Nid = Nid(0);
/// The search folder that 2.7.1 asks for, and what belongs to it.
const SPAM_SEARCH: Nid = Nid(0x2223);
const SPAM_SEARCH_NAME: &str = "SPAM Search Folder 2";
/// Subtree, wastebasket, common views and finder are there (2.4.3.1).
const VALID_FOLDERS: i32 = 0xC9;

/// Writes all nodes but those of messages.
pub fn write<W: Write + Seek>(
    ndb: &mut Ndb<W>,
    folders: &Folders,
    rows: &mut Rows,
    key: [u8; 16],
    name: &str,
) -> io::Result<()> {
    write_templates(ndb)?;
    write_search_folder(ndb)?;
    let children = children(folders);
    for (number, folder) in folders.all().iter().enumerate() {
        write_folder(ndb, folders, number, folder, &children, rows)?;
    }
    let map = named::write_map(ndb)?;
    ndb.add_node(Nid(0x61), map, NO_PARENT);
    write_store(ndb, folders, key, name)
}

fn write_templates<W: Write + Seek>(ndb: &mut Ndb<W>) -> io::Result<()> {
    let templates = [
        (0x60D, template::HIERARCHY),
        (0x60E, template::CONTENTS),
        (0x60F, template::ASSOCIATED),
        (0x610, template::SEARCH_CONTENTS),
        (0x671, template::ATTACHMENTS),
        (0x692, template::RECIPIENTS),
        (0x6B6, template::CHANGES),
        (0x6D7, template::REPLICATION),
        (0x6F8, template::CHANGE_TIMES),
        (0x64C, template::OUTGOING),
    ];
    for (nid, columns) in templates {
        let table = empty(ndb, columns)?;
        ndb.add_node(Nid(nid), table, NO_PARENT);
    }
    let mut receive = Table::new(template::RECEIVE_FOLDERS)?;
    let root = Property::integer(id::RECEIVE_FOLDER, 0x122);
    receive.row(ndb, 1, &[root, Property::text(id::MESSAGE_CLASS, "")])?;
    let receive = receive.finish(ndb)?;
    ndb.add_node(Nid(0x62B), receive, NO_PARENT);
    Ok(())
}

fn write_search_folder<W: Write + Seek>(ndb: &mut Ndb<W>) -> io::Result<()> {
    let properties = vec![
        Property::text(id::DISPLAY_NAME, SPAM_SEARCH_NAME),
        Property::integer(id::CONTENT_COUNT, 0),
        Property::integer(id::UNREAD_COUNT, 0),
        Property::boolean(id::HAS_SUBFOLDERS, false),
    ];
    let folder = write_properties(ndb, properties)?;
    ndb.add_node(SPAM_SEARCH, folder, Nid(0x122));
    ndb.add_node(Nid(0x2226), Stored::EMPTY, NO_PARENT);
    let criteria = vec![Property::integer(id::SEARCH_CRITERIA_FLAGS, 0)];
    let criteria = write_properties(ndb, criteria)?;
    ndb.add_node(Nid(0x2227), criteria, NO_PARENT);
    let contents = empty(ndb, template::SEARCH_CONTENTS)?;
    ndb.add_node(Nid(0x2230), contents, NO_PARENT);
    let active = bytes(ndb, &SPAM_SEARCH.0.to_le_bytes())?;
    ndb.add_node(Nid(0x201), active, NO_PARENT);
    // Queues without entries have no data (2.4.8.4).
    for queue in [0x1E1, 0xEC1] {
        ndb.add_node(Nid(queue), Stored::EMPTY, NO_PARENT);
    }
    // An empty B-tree of 16-byte keys in a heap of its own, as Outlook makes it.
    let tree = [
        0x18, 0, 0xEC, 0x9C, 0x20, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0xB5, 0x10, 4, 0, 0, 0, 0,
        0, 2, 0, 0, 0, 0x0C, 0, 0x10, 0, 0x18, 0,
    ];
    let tree = bytes(ndb, &tree)?;
    ndb.add_node(Nid(0xC01), tree, NO_PARENT);
    Ok(())
}

fn write_folder<W: Write + Seek>(
    ndb: &mut Ndb<W>,
    folders: &Folders,
    number: usize,
    folder: &Folder,
    children: &[Vec<usize>],
    rows: &mut Rows,
) -> io::Result<()> {
    let mut properties = shown(folder, !children[number].is_empty());
    properties.extend(folder.comment.map(|text| Property::text(id::COMMENT, text)));
    let context = write_properties(ndb, properties)?;
    // The root is its own parent.
    ndb.add_node(folder.nid, context, folders.all()[folder.parent].nid);

    let mut hierarchy = Table::new(template::HIERARCHY)?;
    if number == ROOT {
        let cells = [
            Property::text(id::DISPLAY_NAME, SPAM_SEARCH_NAME),
            Property::integer(id::CONTENT_COUNT, 0),
            Property::integer(id::UNREAD_COUNT, 0),
            Property::boolean(id::HAS_SUBFOLDERS, false),
        ];
        hierarchy.row(ndb, SPAM_SEARCH.0, &cells)?;
    }
    for child in &children[number] {
        let folder = &folders.all()[*child];
        hierarchy.row(ndb, folder.nid.0, &shown(folder, !children[*child].is_empty()))?;
    }
    let hierarchy = hierarchy.finish(ndb)?;
    ndb.add_node(folder.nid.sibling(kind::HIERARCHY), hierarchy, NO_PARENT);

    let mut contents = Table::new(template::CONTENTS)?;
    rows.take(number, &mut |id, cells| contents.row(ndb, id, cells))?;
    let contents = contents.finish(ndb)?;
    ndb.add_node(folder.nid.sibling(kind::CONTENTS), contents, NO_PARENT);
    let associated = empty(ndb, template::ASSOCIATED)?;
    ndb.add_node(folder.nid.sibling(kind::ASSOCIATED), associated, NO_PARENT);
    Ok(())
}

/// What a folder and its row in the parent's table both say.
fn shown(folder: &Folder, has_children: bool) -> Vec<Property> {
    let mut properties = vec![
        Property::text(id::DISPLAY_NAME, folder.name.as_str()),
        Property::integer(id::CONTENT_COUNT, folder.items as i32),
        // What an archive hands out is read.
        Property::integer(id::UNREAD_COUNT, 0),
        Property::boolean(id::HAS_SUBFOLDERS, has_children),
    ];
    properties.extend(folder.class.map(|class| Property::text(id::CONTAINER_CLASS, class)));
    properties
}

fn write_store<W: Write + Seek>(
    ndb: &mut Ndb<W>,
    folders: &Folders,
    key: [u8; 16],
    name: &str,
) -> io::Result<()> {
    let entry = |folder: usize| {
        let nid = folders.all()[folder].nid.0.to_le_bytes();
        [&[0; 4], key.as_slice(), &nid].concat()
    };
    let history = [&[1, 0, 0, 0], key.as_slice(), &[1, 0, 0, 0]].concat();
    let properties = vec![
        Property::binary(id::VERSION_HISTORY, history),
        Property::integer(id::REPLICATION_FLAGS, 0),
        Property::binary(id::RECORD_KEY, key),
        Property::text(id::DISPLAY_NAME, name),
        Property::integer(id::VALID_FOLDER_MASK, VALID_FOLDERS),
        Property::binary(id::SUBTREE_ENTRY_ID, entry(SUBTREE)),
        Property::binary(id::WASTEBASKET_ENTRY_ID, entry(DELETED_ITEMS)),
        Property::binary(id::COMMON_VIEWS_ENTRY_ID, entry(COMMON_VIEWS)),
        Property::binary(id::FINDER_ENTRY_ID, entry(SEARCH_ROOT)),
        Property::boolean(id::NO_RESTRICTIONS, true),
        // No password.
        Property::integer(id::PASSWORD, 0),
    ];
    let store = write_properties(ndb, properties)?;
    ndb.add_node(Nid(0x21), store, NO_PARENT);
    Ok(())
}

/// For each folder, the folders right below it, in order of their ids.
fn children(folders: &Folders) -> Vec<Vec<usize>> {
    let mut children = vec![Vec::new(); folders.all().len()];
    for (number, folder) in folders.all().iter().enumerate().skip(1) {
        children[folder.parent].push(number);
    }
    children
}

fn empty<W: Write + Seek>(ndb: &mut Ndb<W>, columns: &[Column]) -> io::Result<Stored> {
    Table::new(columns)?.finish(ndb)
}

fn bytes<W: Write + Seek>(ndb: &mut Ndb<W>, bytes: &[u8]) -> io::Result<Stored> {
    DataTree::copy(ndb, &mut &bytes[..], bytes.len() as u64)
}

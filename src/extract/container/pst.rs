//! Outlook's stores, by `outlook-pst`: every message of every folder below the
//! one that people see.

use std::collections::HashSet;
use std::io::Cursor;
use std::rc::Rc;

use outlook_pst::ltp::prop_context::PropertyValue;
use outlook_pst::ltp::table_context::TableContext;
use outlook_pst::messaging::attachment::{
    AnsiAttachment, Attachment, AttachmentData, AttachmentProperties, UnicodeAttachment,
};
use outlook_pst::messaging::folder::{AnsiFolder, Folder, UnicodeFolder};
use outlook_pst::messaging::message::{AnsiMessage, Message, MessageProperties, UnicodeMessage};
use outlook_pst::messaging::store::{AnsiStore, EntryId, Store, UnicodeStore};
use outlook_pst::ndb::node_id::NodeId;
use outlook_pst::{AnsiPstFile, UnicodePstFile};

use super::super::Reason;
use super::super::family::{Named, Place, Walk};
use super::super::ole::mapi::{self, Properties, Value};
use super::super::sink::Sink;
use crate::base::hash::Digest;
use crate::pst::mend;

const FOLDERS_MAX: usize = 100_000;

pub(in crate::extract) fn unpack(
    walk: &mut Walk<'_>,
    bytes: &[u8],
    inside: Place,
    sink: &mut Sink,
) {
    sink.is_container = true;
    let mut mended = bytes.to_vec();
    mend::free_counts(&mut mended);
    let unicode = UnicodePstFile::read_from(Box::new(Cursor::new(mended))).ok();
    if let Some(store) = unicode.and_then(|file| UnicodeStore::read(Rc::new(file)).ok()) {
        return unicode_store(walk, &store, inside, sink);
    }
    let ansi = AnsiPstFile::read_from(Box::new(Cursor::new(bytes.to_vec()))).ok();
    match ansi.and_then(|file| AnsiStore::read(Rc::new(file)).ok()) {
        Some(store) => ansi_store(walk, &store, inside, sink),
        None => sink.gap(Reason::Damaged, "its header or its root is damaged"),
    }
}

/// The two kinds of store have types of their own that share no trait to read by.
macro_rules! reader {
    ($store:ident, $Store:ty, $Folder:ty, $Message:ty, $Attachment:ty) => {
        fn $store(walk: &mut Walk<'_>, store: &Rc<$Store>, inside: Place, sink: &mut Sink) {
            let Ok(top) = store.properties().ipm_sub_tree_entry_id() else {
                return sink.gap(Reason::Damaged, "it names no folder to begin with");
            };
            let id = |row: u32| store.properties().make_entry_id(NodeId::from(row)).ok();
            let mut seen = HashSet::new();
            let mut waiting: Vec<(EntryId, String)> = vec![(top, String::new())];
            while let Some((entry, path)) = waiting.pop() {
                let Ok(folder) = <$Folder>::read(store.clone(), &entry) else {
                    sink.gap(Reason::Damaged, "a folder in it cannot be read");
                    continue;
                };
                let name = folder.properties().display_name().unwrap_or_default();
                let path = if path.is_empty() { name } else { format!("{path}/{name}") };
                for row in rows(folder.hierarchy_table()) {
                    if seen.len() < FOLDERS_MAX && seen.insert(row) {
                        waiting.extend(id(row).map(|entry| (entry, path.clone())));
                    }
                }
                for row in rows(folder.contents_table()) {
                    if walk.is_late() {
                        let detail = "not all its messages were read in the time there is";
                        return sink.gap(walk.late(), detail);
                    }
                    if !walk.has_room() {
                        return sink.gap(Reason::TooLarge, "it has more messages than are read");
                    }
                    let message =
                        id(row).and_then(|id| <$Message>::read(store.clone(), &id, None).ok());
                    let Some(message) = message else {
                        sink.gap(Reason::Damaged, "a message in it cannot be read");
                        continue;
                    };
                    let own = of_message(message.properties());
                    let people = recipients(message.recipient_table());
                    let files: Vec<_> = rows(message.attachment_table())
                        .into_iter()
                        .map(|row| <$Attachment>::read(message.clone(), NodeId::from(row), None))
                        .map(|file| file.ok().map(|file| attached(&*file)))
                        .collect();
                    give(walk, (&path, own, people), files, inside);
                }
            }
        }
    };
}

reader!(unicode_store, UnicodeStore, UnicodeFolder, UnicodeMessage, UnicodeAttachment);
reader!(ansi_store, AnsiStore, AnsiFolder, AnsiMessage, AnsiAttachment);

/// An attachment's properties and bytes, or the message that it is.
type Attached = (Properties, Option<Vec<u8>>, Option<(Properties, Vec<Properties>)>);

fn give(
    walk: &mut Walk<'_>,
    (path, own, people): (&str, Properties, Vec<Properties>),
    files: Vec<Option<Attached>>,
    inside: Place,
) {
    let name = format!("{path}/{}", own.subject());
    let mut said = Sink::default();
    own.say(&people, &mut said);
    let named = Named { name: &name, declared: "application/vnd.ms-outlook", ..Named::default() };
    // A message in a store has no bytes of its own; its text stands for it.
    let sha256 = Digest::of(said.text.as_bytes());
    let size = said.text.len() as u64;
    walk.composed(named, size, sha256, inside, |walk, inside, sink| {
        sink.push(&said.text);
        for file in files {
            let Some((properties, bytes, message)) = file else {
                let named = Named { name: "attachment", ..Named::default() };
                let why = "an attachment, perhaps a message, that the reader cannot open";
                walk.closed(&[], named, 0, inside, (Reason::Damaged, why));
                continue;
            };
            if let Some((own, people)) = message {
                give(walk, (properties.attached_name(), own, people), Vec::new(), inside);
                continue;
            }
            let declared = properties.text(0x370e).unwrap_or_default();
            let named = Named { name: properties.attached_name(), declared, charset: None };
            let bytes = bytes.unwrap_or_default();
            walk.expanded(bytes.len());
            walk.document(&bytes, named, inside);
        }
    });
}

fn rows(table: Option<&Rc<dyn TableContext>>) -> Vec<u32> {
    let mut rows: Vec<u32> = table
        .map(|table| table.rows_matrix().map(|row| u32::from(row.id())).collect())
        .unwrap_or_default();
    rows.sort_unstable();
    rows
}

fn of_message(properties: &MessageProperties) -> Properties {
    collected(properties.iter())
}

fn attached(file: &dyn Attachment) -> Attached {
    let properties: &AttachmentProperties = file.properties();
    let own = collected(properties.iter().filter(|(id, _)| **id != 0x3701));
    match file.data() {
        Some(AttachmentData::Binary(bytes)) => (own, Some(bytes.buffer().to_vec()), None),
        Some(AttachmentData::Message(message)) => {
            let people = recipients(message.recipient_table());
            (own, None, Some((of_message(message.properties()), people)))
        }
        None => (own, None, None),
    }
}

fn recipients(table: Option<&Rc<dyn TableContext>>) -> Vec<Properties> {
    let Some(table) = table else { return Vec::new() };
    let columns = table.context().columns();
    let of_row = |cells: Vec<Option<_>>| {
        let mut found = Properties::default();
        for (column, cell) in columns.iter().zip(&cells) {
            let value =
                cell.as_ref().and_then(|cell| table.read_column(cell, column.prop_type()).ok());
            if let Some(value) = value.as_ref().and_then(converted) {
                found.0.insert(column.prop_id(), value);
            }
        }
        found
    };
    table.rows_matrix().filter_map(|row| row.columns(table.context()).ok()).map(of_row).collect()
}

fn collected<'a>(all: impl Iterator<Item = (&'a u16, &'a PropertyValue)>) -> Properties {
    Properties(all.filter_map(|(id, value)| Some((*id, converted(value)?))).collect())
}

fn converted(value: &PropertyValue) -> Option<Value> {
    Some(match value {
        PropertyValue::Unicode(text) => Value::Text(String::from_utf16_lossy(text.buffer())),
        PropertyValue::String8(text) => mapi::value(0x1e, text.buffer(), 1252)?,
        PropertyValue::Binary(bytes) => Value::Bytes(bytes.buffer().to_vec()),
        PropertyValue::Integer32(number) => Value::Number(i64::from(*number)),
        PropertyValue::Time(ticks) => Value::Time((*ticks).max(0).cast_unsigned()),
        _ => return None,
    })
}

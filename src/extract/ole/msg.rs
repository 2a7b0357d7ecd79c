//! Outlook's message files (MS-OXMSG).

use super::super::Reason;
use super::super::bytes::{slice_at, u16_at};
use super::super::family::{Named, Place, Walk};
use super::super::kind::Kind;
use super::super::sink::Sink;
use super::mapi::{self, Properties, Value};
use super::{Compound, object};

pub(super) fn read(
    walk: &mut Walk<'_>,
    file: &Compound<'_>,
    prefix: &str,
    inside: Place,
    sink: &mut Sink,
) {
    let head = if prefix.is_empty() { 32 } else { 24 };
    let page = code_page(file, prefix, head);
    let own = properties(file, prefix, head, page);
    let recipients: Vec<Properties> = storages(file, prefix, "__recip_version1.0_")
        .map(|path| properties(file, path, 8, page))
        .collect();
    own.say(&recipients, sink);
    for path in storages(file, prefix, "__attach_version1.0_") {
        if !walk.has_room() {
            return sink.gap(Reason::TooLarge, "it has more documents than are read");
        }
        attachment(walk, file, path, page, inside);
    }
}

fn attachment(walk: &mut Walk<'_>, file: &Compound<'_>, path: &str, page: i64, inside: Place) {
    let own = properties(file, path, 8, page);
    let declared = own.text(0x370e).unwrap_or_default();
    let named = Named { name: own.attached_name(), declared, charset: None };
    let embedded = format!("{path}/__substg1.0_3701000D");
    if let Some(content) = own.bytes(0x3701) {
        walk.document(content, named, inside);
    } else if file.has(&embedded) {
        if !object::object(walk, file, &embedded, inside, named.name) {
            let kind = Kind::Compound;
            object::storage(walk, file, &embedded, (kind, named.name), inside);
        }
    } else {
        let why = match own.text(0x370d).or(own.text(0x3708)) {
            Some(place) => format!("it is not in the message, but at {place}"),
            None => "its content is not in the message".to_owned(),
        };
        walk.closed(&[], named, 0, inside, (Reason::Damaged, &why));
    }
}

fn storages<'a>(
    file: &'a Compound<'_>,
    prefix: &'a str,
    name: &'a str,
) -> impl Iterator<Item = &'a str> {
    let nodes = file.within(prefix).filter(|node| node.is_storage);
    nodes.filter(move |node| node.name().starts_with(name)).map(|node| node.path.as_str())
}

/// Numbers and times lie in the property stream; the rest in a stream each.
fn properties(file: &Compound<'_>, prefix: &str, head: usize, page: i64) -> Properties {
    let mut found = Properties::default();
    let stream = file.stream(&format!("{prefix}/__properties_version1.0")).unwrap_or_default();
    for entry in stream.get(head..).unwrap_or_default().chunks_exact(16) {
        let (Some(kind), Some(id)) = (u16_at(entry, 0), u16_at(entry, 2)) else { continue };
        if matches!(kind, 0x02 | 0x03 | 0x0b | 0x40)
            && let Some(value) = slice_at(entry, 8, 8).and_then(|it| mapi::value(kind, it, page))
        {
            found.0.insert(id, value);
        }
    }
    for node in file.within(prefix).filter(|node| !node.is_storage) {
        let Some(tag) = node.name().strip_prefix("__substg1.0_").filter(|tag| tag.len() == 8)
        else {
            continue;
        };
        let Ok(tag) = u32::from_str_radix(tag, 16) else { continue };
        let (id, kind) = ((tag >> 16) as u16, tag as u16);
        if let Some(value) = mapi::value(kind, &file.content(node), page) {
            found.0.insert(id, value);
        }
    }
    found
}

/// What texts that are not Unicode are in.
fn code_page(file: &Compound<'_>, prefix: &str, head: usize) -> i64 {
    let stream = file.stream(&format!("{prefix}/__properties_version1.0")).unwrap_or_default();
    let number = |wanted: u16| {
        let mut entries = stream.get(head..).unwrap_or_default().chunks_exact(16);
        let entry = entries.find(|entry| u16_at(entry, 2) == Some(wanted))?;
        match mapi::value(3, entry.get(8..)?, 0)? {
            Value::Number(number) => Some(number),
            _ => None,
        }
    };
    number(0x3ffd).or_else(|| number(0x3fde)).unwrap_or(0)
}

//! Objects that documents embed (MS-OLEDS), by what lies in their storage.

use super::super::bytes::{slice_at, u16_at, u32_at};
use super::super::charset;
use super::super::family::{Named, Place, Walk};
use super::super::kind::Kind;
use super::super::sink::Sink;
use super::{Compound, Node, Reason, read_storage};
use crate::base::hash::Hasher;

/// Gives every object in a document's storage to the walk.
pub(super) fn embedded(
    walk: &mut Walk<'_>,
    file: &Compound<'_>,
    prefix: &str,
    kind: Kind,
    inside: Place,
    sink: &mut Sink,
) {
    let pool = match kind {
        Kind::Doc => format!("{prefix}/ObjectPool"),
        _ => prefix.to_owned(),
    };
    let is_object = |node: &&Node| match kind {
        Kind::Xls => node.name().starts_with("MBD") || node.name().starts_with("LNK"),
        Kind::Doc | Kind::Compound => true,
        _ => false,
    };
    // A wrapping around one object: the file is that object's storage.
    if kind == Kind::Compound && object(walk, file, prefix, inside, "") {
        sink.is_container = true;
        return;
    }
    let storages: Vec<&Node> =
        file.within(&pool).filter(|node| node.is_storage).filter(is_object).collect();
    for node in storages {
        if !walk.has_room() {
            sink.gap(Reason::TooLarge, "it has more documents than are read");
            return;
        }
        if object(walk, file, &node.path, inside, node.name()) && kind == Kind::Compound {
            sink.is_container = true;
        }
    }
}

/// The object in the storage at `path`; whether there was one that we know.
pub(super) fn object(
    walk: &mut Walk<'_>,
    file: &Compound<'_>,
    path: &str,
    inside: Place,
    name: &str,
) -> bool {
    for stream in ["Package", "CONTENTS", "\u{1}Ole10Native"] {
        let Some(content) = file.stream(&format!("{path}/{stream}")) else { continue };
        let (own, content) = match stream {
            "\u{1}Ole10Native" => native(&content),
            _ => (String::new(), content.as_slice()),
        };
        let name = if own.is_empty() { name } else { own.as_str() };
        walk.document(content, Named { name, ..Named::default() }, inside);
        return true;
    }
    let kind = file.kind_of(path);
    if kind == Kind::Compound {
        return false;
    }
    storage(walk, file, path, (kind, name), inside);
    true
}

/// A storage that is a document: its hash is over its streams, each with path and
/// length, since it has no bytes of its own.
pub(super) fn storage(
    walk: &mut Walk<'_>,
    file: &Compound<'_>,
    path: &str,
    (kind, name): (Kind, &str),
    inside: Place,
) {
    let (mut hasher, mut size) = (Hasher::new(), 0);
    for node in file.nodes.iter().filter(|node| node.path.starts_with(path) && !node.is_storage) {
        let content = file.content(node);
        let own = &node.path[path.len()..];
        hasher.update(&(own.len() as u64).to_be_bytes());
        hasher.update(own.as_bytes());
        hasher.update(&(content.len() as u64).to_be_bytes());
        hasher.update(&content);
        size += content.len() as u64;
    }
    let media_type = kind.media_type().unwrap_or("application/x-ole-storage");
    let named = Named { name, declared: media_type, charset: None };
    walk.composed(named, size, hasher.finish(), inside, |walk, inside, sink| {
        read_storage(walk, file, path, kind, inside, sink);
    });
}

/// Name and content of an `Ole10Native` stream: a file that was packaged, or the
/// data alone.
pub(in crate::extract) fn native(stream: &[u8]) -> (String, &[u8]) {
    let data = stream.get(4..).unwrap_or_default();
    packaged(data).unwrap_or((String::new(), data))
}

/// An OLE 1.0 object as RTF has it (MS-OLEDS 2.2.5): its content, unwrapped.
pub(in crate::extract) fn unwrapped(object: &[u8]) -> (String, &[u8]) {
    fn counted(object: &[u8], at: &mut usize) -> Option<()> {
        let len = u32_at(object, *at)? as usize;
        *at = at.checked_add(4)?.checked_add(len)?;
        Some(())
    }
    let mut at = 8;
    let names = [(); 3].iter().try_for_each(|()| counted(object, &mut at));
    let data = names.and_then(|()| slice_at(object, at + 4, u32_at(object, at)? as usize));
    let data = data.unwrap_or(object);
    packaged(data).unwrap_or((String::new(), data))
}

/// What the packager keeps: 2 0, label, path, and the file.
fn packaged(data: &[u8]) -> Option<(String, &[u8])> {
    let text = |at: usize| -> Option<(&[u8], usize)> {
        let rest = data.get(at..)?;
        let end = memchr::memchr(0, &rest[..rest.len().min(1024)])?;
        Some((&rest[..end], at + end + 1))
    };
    u16_at(data, 0).filter(|kind| *kind == 2)?;
    let (label, at) = text(2)?;
    let (_, at) = text(at)?;
    let path_len = u32_at(data, at + 4)? as usize;
    let at = at.checked_add(8)?.checked_add(path_len)?;
    let content = slice_at(data, at + 4, u32_at(data, at)? as usize)?;
    Some((charset::decode(label, None).into_owned(), content))
}

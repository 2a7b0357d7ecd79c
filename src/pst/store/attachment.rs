//! An attachment object (MS-PST 2.4.6): bytes, or a message within the message.

use std::io::{self, Read, Seek, Write};

use super::message::{self, Family, without_nul};
use super::{property as id, template};
use crate::pst::ltp::{HEAP_ALLOCATION_MAX, Property, PropertyContext, Value};
use crate::pst::model::{Attachment, Content, Exception};
use crate::pst::ndb::{DataTree, Ndb, Nid, Stored, Subnode, kind};

/// What an attachment takes beside its bytes, about.
const OVERHEAD: u64 = 16 << 10;
const BY_VALUE: i32 = 1;
const EMBEDDED_MESSAGE: i32 = 5;
/// ATT_MHTML_REF: the HTML body refers to it.
const IN_BODY: i32 = 4;
const NOT_RENDERED: i32 = -1;
const ATTACHMENT_OBJECT: i32 = 7;

pub struct Written {
    pub stored: Stored,
    /// What the attachment table repeats.
    pub row: Vec<Property>,
}

/// Writes one attachment; none if it cannot be carried, which is then named.
pub fn write<W: Write + Seek>(
    ndb: &mut Ndb<W>,
    attachment: Attachment<'_>,
    number: u32,
    family: &mut Family<'_>,
) -> io::Result<Option<Written>> {
    let Attachment { name, media_type, content_id, location, base, is_inline, content } =
        attachment;
    let size = match &content {
        Content::Bytes(bytes) => bytes.len() as u64,
        Content::Stream { size, .. } => *size,
        Content::Message(_) => 0,
    };
    let texts = [Some(&media_type), content_id.as_ref(), location.as_ref(), base.as_ref()];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    let named = 2 * (3 * name.len() + texts) as u64;
    if size + named + OVERHEAD > family.room {
        family.exceptions.push(Exception::AttachmentTooLarge { name, size });
        return Ok(None);
    }
    let name = without_nul(name, "an attachment's name", family.exceptions);
    let method = if matches!(content, Content::Message(_)) { EMBEDDED_MESSAGE } else { BY_VALUE };
    let mut subnodes = Vec::new();
    let data = write_content(ndb, content, &mut subnodes, family)?;
    let mut properties = vec![
        data,
        Property::integer(id::ATTACH_SIZE, 0),
        Property::integer(id::ATTACH_NUMBER, number as i32),
        Property::binary(id::RECORD_KEY, number.to_le_bytes()),
        Property::integer(id::OBJECT_TYPE, ATTACHMENT_OBJECT),
        Property::binary(id::ATTACH_ENCODING, []),
        Property::integer(id::ATTACH_METHOD, method),
        Property::integer(id::RENDERING_POSITION, NOT_RENDERED),
        Property::integer(id::ATTACH_FLAGS, if is_inline { IN_BODY } else { 0 }),
        Property::integer(id::ATTACHMENT_LINK_ID, 0),
        Property::integer(id::ATTACHMENT_FLAGS, 0),
        Property::boolean(id::ATTACHMENT_HIDDEN, is_inline),
        Property::boolean(id::CONTACT_PHOTO, false),
        Property::text(id::DISPLAY_NAME, name.as_str()),
    ];
    let is_message = method == EMBEDDED_MESSAGE;
    // The whole is in what is shown.
    let file = if is_message { &name } else { last_component(&name) };
    if !file.is_empty() {
        properties.push(Property::text(id::ATTACH_FILE_NAME, short_name(file)));
        properties.push(Property::text(id::ATTACH_LONG_FILE_NAME, file));
        let extension = file.rsplit(['/', '\\']).next().unwrap_or_default();
        let extension = extension.rfind('.').map(|dot| &extension[dot..]);
        let extension = extension.filter(|text| text.len() > 1);
        properties.extend(extension.map(|text| Property::text(id::ATTACH_EXTENSION, text)));
    } else if is_message {
        properties.push(Property::text(id::ATTACH_FILE_NAME, short_name("message")));
    }
    let texts = [
        (id::ATTACH_MEDIA_TYPE, "an attachment's Content-Type", Some(media_type)),
        (id::ATTACH_CONTENT_ID, "an attachment's Content-ID", content_id),
        (id::ATTACH_LOCATION, "an attachment's Content-Location", location),
        (id::ATTACH_BASE, "an attachment's Content-Base", base),
    ];
    for (id, field, text) in texts {
        let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
        properties.push(Property::text(id, without_nul(text, field, family.exceptions)));
    }
    let total: u64 = properties.iter().map(|property| property.value.size()).sum();
    let total = i32::try_from(total).unwrap_or(i32::MAX);
    for property in &mut properties {
        if property.id() == id::ATTACH_SIZE {
            property.value = Value::Integer(total);
        }
    }
    let row = properties
        .iter()
        .filter(|property| template::ATTACHMENTS.contains(&property.tag))
        .cloned()
        .collect();
    let context = PropertyContext { properties, subnodes, size_id: None };
    let stored = context.write(ndb)?;
    family.room = family.room.saturating_sub(stored.size);
    Ok(Some(Written { stored, row }))
}

/// PidTagAttachDataBinary or PidTagAttachDataObject.
fn write_content<W: Write + Seek>(
    ndb: &mut Ndb<W>,
    content: Content<'_>,
    subnodes: &mut Vec<Subnode>,
    family: &mut Family<'_>,
) -> io::Result<Property> {
    let (mut source, size): (Box<dyn Read + '_>, u64) = match content {
        Content::Message(nested) => {
            let nid = Nid::new(kind::MESSAGE, *family.next_message);
            *family.next_message += 1;
            family.depth += 1;
            let room = family.room;
            let written = message::write(ndb, *nested, family)?;
            // What it took is subtracted with the attachment that holds it.
            family.room = room;
            family.depth -= 1;
            subnodes.push(Subnode { nid, stored: written.stored });
            return Ok(Property::object(id::ATTACH_DATA, nid, written.stored.size));
        }
        Content::Bytes(bytes) => {
            if bytes.len() <= HEAP_ALLOCATION_MAX {
                return Ok(Property::binary(id::ATTACH_DATA, bytes.into_owned()));
            }
            let size = bytes.len() as u64;
            (Box::new(io::Cursor::new(bytes)), size)
        }
        Content::Stream { size, source } => (source, size),
    };
    if size == 0 {
        return Ok(Property::binary(id::ATTACH_DATA, []));
    }
    let nid = Nid::new(kind::VALUE, 0x401);
    let stored = DataTree::copy(ndb, &mut *source, size)?;
    subnodes.push(Subnode { nid, stored });
    Ok(Property::stored(id::ATTACH_DATA, nid, size))
}

/// Of a path the name of the file, which alone may be one. What has a slash within it
/// may be a name all the same.
fn last_component(name: &str) -> &str {
    let is_path = name.starts_with(['/', '\\'])
        || ["./", "../", ".\\", "..\\"].iter().any(|start| name.starts_with(start))
        || matches!(name.as_bytes(), [b'A'..=b'Z' | b'a'..=b'z', b':', b'/' | b'\\', ..]);
    let last = name.rsplit(['/', '\\']).next().filter(|last| is_path && !last.is_empty());
    last.unwrap_or(name)
}

/// An 8.3 name, as PidTagAttachFilename is one; the whole name is beside it.
fn short_name(name: &str) -> String {
    let (base, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 => (&name[..dot], &name[dot + 1..]),
        _ => (name, ""),
    };
    let plain = |text: &str, count| -> String {
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-_~!#$%&@".contains(*c);
        text.chars().filter(is_plain).take(count).collect()
    };
    let (base, extension) = (plain(base, 8), plain(extension, 3));
    let base = if base.is_empty() { "FILE".to_owned() } else { base };
    if extension.is_empty() { base } else { format!("{base}.{extension}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_without_their_path() {
        for (name, file) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\new.txt", "new.txt"),
            ("a.txt", "a.txt"),
            ("/a/", "/a/"),
            ("1/2.txt", "1/2.txt"),
            ("a\\b", "a\\b"),
            ("", ""),
        ] {
            assert_eq!(last_component(name), file);
        }
    }

    #[test]
    fn short_names_are_short() {
        let at = [
            ("OBA_27602_Citizens.doc", "OBA_2760.doc"),
            ("a.b.html", "ab.htm"),
            (".profile", "profile"),
            ("文書.pdf", "FILE.pdf"),
        ];
        for (long, short) in at {
            assert_eq!(short_name(long), short);
        }
    }
}

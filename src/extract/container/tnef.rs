//! TNEF (MS-OXTNEF), the `winmail.dat` of Outlook: the message in it, and its
//! attachments.

use super::super::Reason;
use super::super::bytes::{slice_at, u16_at, u32_at};
use super::super::family::{Named, Place, Walk};
use super::super::ole::mapi::{self, Properties, Value};
use super::super::rtf::code_page;
use super::super::sink::Sink;
use super::super::{charset, text};
use crate::base::limits;

#[derive(Default)]
struct Attached {
    title: String,
    data: Vec<u8>,
    properties: Properties,
}

pub(in crate::extract) fn unpack(
    walk: &mut Walk<'_>,
    bytes: &[u8],
    inside: Place,
    sink: &mut Sink,
) {
    sink.is_container = true;
    let mut at = 6;
    let mut page = 1252;
    let mut message = Properties::default();
    let (mut subject, mut body) = (String::new(), String::new());
    let mut attached: Vec<Attached> = Vec::new();
    let mut recipients = Vec::new();
    while let Some(head) = slice_at(bytes, at, 9) {
        let (Some(id), Some(len)) = (u16_at(head, 1), u32_at(head, 5)) else { break };
        let Some(data) = slice_at(bytes, at + 9, len as usize) else {
            sink.gap(Reason::Damaged, "it is cut off");
            break;
        };
        at = at + 11 + data.len();
        match id {
            0x9007 => page = u32_at(data, 0).map_or(page, i64::from),
            0x8004 => subject = decoded(data, page),
            0x800c => body = decoded(data, page),
            0x9003 => message = properties(data, page).unwrap_or_default(),
            0x9004 => recipients = rows(data, page),
            0x9002 if attached.len() < limits::DOCUMENTS_MAX => attached.push(Attached::default()),
            0x8010 => if_last(&mut attached, |it| it.title = decoded(data, page)),
            0x800f => if_last(&mut attached, |it| it.data = data.to_vec()),
            0x9005 => if_last(&mut attached, |it| {
                it.properties = properties(data, page).unwrap_or_default();
            }),
            _ => {}
        }
    }
    if !message.0.contains_key(&0x0037) && !subject.is_empty() {
        message.0.insert(0x0037, Value::Text(subject));
    }
    if !message.0.contains_key(&0x1000) && !body.is_empty() {
        message.0.insert(0x1000, Value::Text(body));
    }
    message.say(&recipients, sink);
    for one in attached {
        if !walk.has_room() {
            return sink.gap(Reason::TooLarge, "it has more documents than are read");
        }
        give(walk, &one, inside);
    }
}

fn give(walk: &mut Walk<'_>, one: &Attached, inside: Place) {
    let long = one.properties.attached_name();
    let name = if long.is_empty() { one.title.as_str() } else { long };
    let declared = one.properties.text(0x370e).unwrap_or_default();
    let named = Named { name, declared, charset: None };
    // An object begins with the number of its interface; a message is TNEF again.
    let object = one.properties.bytes(0x3701).map(|object| match object.get(16..) {
        Some(inner) if inner.starts_with(b"\x78\x9f\x3e\x22") => inner,
        Some(inner) if inner.starts_with(b"\xd0\xcf\x11\xe0") => inner,
        _ => object,
    });
    let content = object.filter(|_| one.data.is_empty()).unwrap_or(&one.data);
    walk.expanded(content.len());
    walk.document(content, named, inside);
}

fn if_last(attached: &mut [Attached], change: impl FnOnce(&mut Attached)) {
    if let Some(last) = attached.last_mut() {
        change(last);
    }
}

fn decoded(data: &[u8], page: i64) -> String {
    let data = data.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = match code_page(page) {
        Some(encoding) => encoding.decode_without_bom_handling(data).0,
        None => charset::decode(data, None),
    };
    text::prefix(&text, limits::TEXT_BYTES_MAX).to_owned()
}

/// A table of recipients: rows of properties.
fn rows(data: &[u8], page: i64) -> Vec<Properties> {
    let mut at = 4;
    let mut found = Vec::new();
    let count = u32_at(data, 0).unwrap_or(0).min(limits::MAILBOXES_MAX as u32);
    for _ in 0..count {
        let Some(row) = properties_at(data, &mut at, page) else { break };
        found.push(row);
    }
    found
}

fn properties(data: &[u8], page: i64) -> Option<Properties> {
    properties_at(data, &mut 0, page)
}

fn properties_at(data: &[u8], at: &mut usize, page: i64) -> Option<Properties> {
    let mut found = Properties::default();
    let count = u32_at(data, *at)?;
    *at += 4;
    for _ in 0..count {
        if property(data, at, page, &mut found).is_none() {
            break;
        }
    }
    Some(found)
}

fn property(data: &[u8], at: &mut usize, page: i64, found: &mut Properties) -> Option<()> {
    let (kind, id) = (u16_at(data, *at)?, u16_at(data, *at + 2)?);
    *at += 4;
    if id >= 0x8000 {
        // Named: by a number or by a text of its own.
        let by = u32_at(data, *at + 16)?;
        *at += 24;
        if by == 1 {
            let len = u32_at(data, *at - 4)? as usize;
            *at = at.checked_add(len.checked_next_multiple_of(4)?)?;
        }
    }
    let is_many = kind & 0x1000 != 0;
    let kind = kind & 0x0fff;
    let is_sized = matches!(kind, 0x1e | 0x1f | 0x0102 | 0x0d);
    let count = if is_many || is_sized {
        *at += 4;
        u32_at(data, *at - 4)?
    } else {
        1
    };
    for _ in 0..count {
        let len = match kind {
            0x02..=0x04 | 0x0a | 0x0b => 4,
            0x05..=0x07 | 0x14 | 0x40 => 8,
            0x48 => 16,
            _ if is_sized => {
                *at += 4;
                u32_at(data, *at - 4)? as usize
            }
            _ => return None,
        };
        let bytes = slice_at(data, *at, len)?;
        *at = at.checked_add(len.checked_next_multiple_of(4)?)?;
        match (mapi::value(kind, bytes, page), found.0.get_mut(&id)) {
            (Some(Value::Text(more)), Some(Value::Text(text))) => {
                text.push('\n');
                text.push_str(&more);
            }
            (Some(value), _) => {
                found.0.insert(id, value);
            }
            (None, _) => {}
        }
    }
    Some(())
}

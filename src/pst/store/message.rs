//! A message as its property context, recipient table and attachments
//! (MS-PST 2.4.5), to any depth that the caller allows.

use std::io::{self, Seek, Write};

use super::{attachment, fit, named, property as id, template};
use crate::base::clock::Timestamp;
use crate::base::hash::Hasher;
use crate::pst::ltp::{Property, PropertyContext, Table};
use crate::pst::model::{
    Address, Exception, Importance, Message, Recipient, RecipientKind, Source,
};
use crate::pst::ndb::{Ndb, Nid, Stored, Subnode, kind};

const RECIPIENT_TABLE: Nid = Nid(0x692);
const ATTACHMENT_TABLE: Nid = Nid(0x671);
/// Attachments of one message; each is a subnode.
const ATTACHMENTS_MAX: usize = 10_000;
/// PidTagMessageSize is signed.
const SIZE_MAX: u64 = i32::MAX as u64;
/// What is kept free for properties that are not weighed.
const SIZE_RESERVE: u64 = 8 << 20;

/// Exceptions that the message itself bears, a line each.
const EXCEPTIONS_MAX: usize = 1000;

const READ: i32 = 0x01;
const HAS_ATTACHMENT: i32 = 0x10;
const UTF_8: i32 = 65_001;
/// 100 ns from 1601-01-01 to 1970-01-01, and to the end of 9999.
const UNIX_EPOCH: i128 = 116_444_736_000_000_000;
const YEAR_10000: i128 = 2_650_467_744_000_000_000;

/// A written message: its node and what the contents table repeats of it.
pub struct Written {
    pub stored: Stored,
    pub row: Vec<Property>,
}

/// What the messages of one family share while they are written.
pub struct Family<'e> {
    pub next_message: &'e mut u32,
    pub depth: usize,
    /// Bytes that the outermost message may still grow by.
    pub room: u64,
    pub exceptions: &'e mut Vec<Exception>,
    /// Stands in where a message bears no date.
    written_at: Timestamp,
}

impl<'e> Family<'e> {
    pub fn new(
        next_message: &'e mut u32,
        exceptions: &'e mut Vec<Exception>,
        written_at: Timestamp,
    ) -> Self {
        Self { next_message, depth: 0, room: SIZE_MAX, exceptions, written_at }
    }
}

pub fn write<W: Write + Seek>(
    ndb: &mut Ndb<W>,
    mut message: Message<'_>,
    family: &mut Family<'_>,
) -> io::Result<Written> {
    family.exceptions.append(&mut message.exceptions);
    clean_people(&mut message, family.exceptions);
    family.room = family.room.saturating_sub(SIZE_RESERVE);
    family.room = fit::fit(&mut message, family.room, family.exceptions);
    let mut subnodes =
        vec![Subnode { nid: RECIPIENT_TABLE, stored: write_recipients(ndb, &message.recipients)? }];
    let attachments = std::mem::take(&mut message.attachments);
    if attachments.len() > ATTACHMENTS_MAX {
        let dropped = attachments.len() - ATTACHMENTS_MAX;
        family.exceptions.push(Exception::TooManyAttachments { kept: ATTACHMENTS_MAX, dropped });
    }
    let mut table = Table::new(template::ATTACHMENTS)?;
    let mut number = 0;
    for attachment in attachments.into_iter().take(ATTACHMENTS_MAX) {
        let nid = Nid::new(kind::ATTACHMENT, 0x401 + number);
        if let Some(written) = attachment::write(ndb, attachment, number, family)? {
            table.row(ndb, nid.0, &written.row)?;
            subnodes.push(Subnode { nid, stored: written.stored });
            number += 1;
        }
    }
    if number > 0 {
        subnodes.push(Subnode { nid: ATTACHMENT_TABLE, stored: table.finish(ndb)? });
    }
    let properties = properties(message, number > 0, family);
    let mut row: Vec<Property> = properties
        .iter()
        .filter(|property| template::CONTENTS.contains(&property.tag))
        .cloned()
        .collect();
    let context = PropertyContext { properties, subnodes, size_id: Some(id::MESSAGE_SIZE) };
    let stored = context.write(ndb)?;
    let size = i32::try_from(stored.size).map_err(io::Error::other)?;
    row.retain(|cell| cell.id() != id::MESSAGE_SIZE);
    row.push(Property::integer(id::MESSAGE_SIZE, size));
    Ok(Written { stored, row })
}

fn properties(message: Message<'_>, attached: bool, family: &mut Family<'_>) -> Vec<Property> {
    let mut out = vec![
        Property::integer(id::SENSITIVITY, message.sensitivity as i32),
        Property::integer(id::MESSAGE_STATUS, 0),
        Property::integer(id::MESSAGE_SIZE, 0),
        Property::integer(id::INTERNET_CODE_PAGE, UTF_8),
        Property::boolean(id::HAS_ATTACHMENTS, attached),
        Property::integer(id::MESSAGE_FLAGS, READ | if attached { HAS_ATTACHMENT } else { 0 }),
        Property::binary(id::SEARCH_KEY, search_key(&message)),
    ];
    let class = if message.class.is_empty() { "IPM.Note" } else { &message.class };
    out.push(Property::text(id::MESSAGE_CLASS, class));
    let (importance, priority) = match message.importance {
        Importance::Low => (0, -1),
        Importance::Normal => (1, 0),
        Importance::High => (2, 1),
    };
    out.push(Property::integer(id::IMPORTANCE, importance));
    out.push(Property::integer(id::PRIORITY, priority));
    put_subject(&mut out, &message.subject, message.topic.as_deref(), family.exceptions);
    put_times(&mut out, &message, family);
    put_people(&mut out, &message);
    put_reply_to(&mut out, &message.reply_to);
    let native = match (&message.html, &message.text) {
        (Some(_), _) => Some(3),
        (None, Some(_)) => Some(1),
        (None, None) => None,
    };
    out.extend(native.map(|native| Property::integer(id::NATIVE_BODY, native)));
    let texts = [
        (id::BODY, "the text", message.text),
        (id::MESSAGE_ID, "Message-ID", message.message_id),
        (id::REFERENCES, "References", message.references),
        (id::IN_REPLY_TO, "In-Reply-To", message.in_reply_to),
        (id::BODY_LOCATION, "the base of the HTML", message.base),
        (named::CONTENT_TYPE, "Content-Type", message.content_type),
        (id::TRANSPORT_HEADERS, "the headers", Some(message.headers).filter(|h| !h.is_empty())),
    ];
    for (id, field, text) in texts {
        let text = text.map(|text| without_nul(text, field, family.exceptions));
        out.extend(text.map(|text| Property::text(id, text)));
    }
    // Readers take it for text, which a NUL ends.
    let html = message.html.map(|html| without_nul(html, "the HTML", family.exceptions));
    out.extend(html.map(|html| Property::binary(id::HTML, html)));
    out.extend(message.thread_index.map(|at| Property::binary(id::CONVERSATION_INDEX, at)));
    if !message.structure.is_empty() {
        out.push(Property::binary(named::STRUCTURE, message.structure));
    }
    out.extend(message.record.map(|record| Property::text(named::RECORD_ID, record.to_string())));
    out.extend(message.sha256.map(|hash| Property::text(named::SHA256, hash.to_string())));
    if family.depth == 0 && !family.exceptions.is_empty() {
        let lines = family.exceptions.iter().take(EXCEPTIONS_MAX).map(Exception::to_string);
        let mut lines: Vec<String> = lines.collect();
        if let Some(more) = family.exceptions.len().checked_sub(EXCEPTIONS_MAX + 1) {
            lines.push(format!("and {} more", more + 1));
        }
        out.push(Property::text(named::EXCEPTIONS, lines.join("\r\n")));
    }
    out
}

/// The subject with the length of its prefix before it (MS-PST 2.5.3.1.1.1).
fn put_subject(
    out: &mut Vec<Property>,
    subject: &str,
    topic: Option<&str>,
    exceptions: &mut Vec<Exception>,
) {
    let subject = without_nul(subject.to_owned(), "the subject", exceptions);
    let prefix = prefix(&subject);
    let normalized = subject[prefix.len()..].to_owned();
    let topic = topic.map(|topic| without_nul(topic.to_owned(), "Thread-Topic", exceptions));
    // In units, as whoever reads it counts.
    let units = prefix.encode_utf16().count() as u32;
    let marked = match (subject.is_empty(), char::from_u32(units + 1)) {
        (false, Some(length)) => format!("\u{1}{length}{subject}"),
        _ => subject,
    };
    out.push(Property::text(id::SUBJECT, marked));
    out.push(Property::text(id::NORMALIZED_SUBJECT, normalized.as_str()));
    out.push(Property::text(id::CONVERSATION_TOPIC, topic.unwrap_or(normalized)));
}

/// A prefix such as `RE: `: one to three letters, a colon, a space (MS-OXCMSG
/// 3.2.1.1.2 has the rule, digits excluded).
fn prefix(subject: &str) -> &str {
    let Some(at) = subject.find(": ") else { return "" };
    let head = subject[..at].chars().count();
    let is_prefix = (1..=3).contains(&head)
        && subject[..at].chars().all(char::is_alphabetic)
        && subject.len() > at + 2;
    if is_prefix { &subject[..at + 2] } else { "" }
}

fn put_times(out: &mut Vec<Property>, message: &Message<'_>, family: &mut Family<'_>) {
    let exceptions = &mut *family.exceptions;
    let sent = message.sent.and_then(|at| file_time(at, "the date sent", exceptions));
    let received = message.received.and_then(|at| file_time(at, "the date received", exceptions));
    out.extend(sent.map(|at| Property::time(id::CLIENT_SUBMIT_TIME, at)));
    let known = received.or(sent);
    out.extend(known.map(|at| Property::time(id::DELIVERY_TIME, at)));
    // A message must have these two (2.4.5.1.1).
    let at = known.or_else(|| file_time(family.written_at, "now", exceptions)).unwrap_or_default();
    out.push(Property::time(id::CREATION_TIME, at));
    out.push(Property::time(id::MODIFICATION_TIME, at));
}

/// A FILETIME, in UTC like everything here.
fn file_time(at: Timestamp, field: &'static str, exceptions: &mut Vec<Exception>) -> Option<u64> {
    let ticks = i128::from(at.0) * 10 + UNIX_EPOCH;
    if !(0..YEAR_10000).contains(&ticks) {
        exceptions.push(Exception::DateOutOfRange { field });
        return None;
    }
    u64::try_from(ticks).ok()
}

/// An encoded word in a name can stand for any character.
fn clean_people(message: &mut Message<'_>, exceptions: &mut Vec<Exception>) {
    let recipients = message.recipients.iter_mut().map(|one| ("a recipient", &mut one.address));
    let author = message.author.iter_mut().map(|one| ("the author", one));
    let sender = message.sender.iter_mut().map(|one| ("the sender", one));
    let reply_to = message.reply_to.iter_mut().map(|one| ("Reply-To", one));
    for (field, address) in recipients.chain(author).chain(sender).chain(reply_to) {
        for text in [&mut address.name, &mut address.address] {
            *text = without_nul(std::mem::take(text), field, exceptions);
        }
    }
}

fn put_people(out: &mut Vec<Property>, message: &Message<'_>) {
    let sender = message.sender.as_ref().or(message.author.as_ref());
    let author = message.author.as_ref().or(sender);
    if let Some(author) = author {
        let kind = address_type(author);
        out.push(Property::text(id::REPRESENTING_NAME, author.display()));
        out.push(Property::text(id::REPRESENTING_ADDRESS_TYPE, kind));
        out.push(Property::text(id::REPRESENTING_ADDRESS, author.address.as_str()));
        out.push(Property::binary(id::REPRESENTING_ENTRY_ID, one_off(author)));
        out.push(Property::binary(id::REPRESENTING_SEARCH_KEY, address_key(author)));
        if kind == "SMTP" {
            out.push(Property::text(id::REPRESENTING_SMTP_ADDRESS, author.address.as_str()));
        }
    }
    if let Some(sender) = sender {
        let kind = address_type(sender);
        out.push(Property::text(id::SENDER_NAME, sender.display()));
        out.push(Property::text(id::SENDER_ADDRESS_TYPE, kind));
        out.push(Property::text(id::SENDER_ADDRESS, sender.address.as_str()));
        out.push(Property::binary(id::SENDER_ENTRY_ID, one_off(sender)));
        out.push(Property::binary(id::SENDER_SEARCH_KEY, address_key(sender)));
        if kind == "SMTP" {
            out.push(Property::text(id::SENDER_SMTP_ADDRESS, sender.address.as_str()));
        }
    }
    let lines = [
        (id::DISPLAY_TO, RecipientKind::To),
        (id::DISPLAY_CC, RecipientKind::Cc),
        (id::DISPLAY_BCC, RecipientKind::Bcc),
    ];
    for (id, kind) in lines {
        let names: Vec<&str> = message
            .recipients
            .iter()
            .filter(|one| one.kind == kind)
            .map(|one| one.address.display())
            .collect();
        out.push(Property::text(id, names.join("; ")));
    }
}

fn write_recipients<W: Write + Seek>(
    ndb: &mut Ndb<W>,
    recipients: &[Recipient],
) -> io::Result<Stored> {
    let mut columns = template::RECIPIENTS.to_vec();
    let source = u32::from(named::RECIPIENT_SOURCE) << 16 | 0x001F;
    if recipients.iter().any(|one| one.source == Source::Envelope) {
        columns.push(source);
    }
    let mut table = Table::new(&columns)?;
    for (index, one) in recipients.iter().enumerate() {
        let address = &one.address;
        let entry = one_off(address);
        let mut cells = vec![
            Property::integer(
                id::RECIPIENT_TYPE,
                match one.kind {
                    RecipientKind::To => 1,
                    RecipientKind::Cc => 2,
                    RecipientKind::Bcc => 3,
                },
            ),
            Property::boolean(id::RESPONSIBILITY, true),
            // A mail user, shown as one.
            Property::integer(id::OBJECT_TYPE, 6),
            Property::integer(id::DISPLAY_TYPE, 0),
            Property::binary(id::RECORD_KEY, entry.clone()),
            Property::binary(id::ENTRY_ID, entry),
            Property::text(id::DISPLAY_NAME, address.display()),
            Property::text(id::ADDRESS_TYPE, address_type(address)),
            Property::text(id::EMAIL_ADDRESS, address.address.as_str()),
            Property::binary(id::SEARCH_KEY, address_key(address)),
            Property::text(id::DISPLAY_NAME_7BIT, seven_bit(address.display())),
            Property::boolean(id::SEND_RICH_INFO, false),
        ];
        if one.source == Source::Envelope {
            cells.push(Property::text(named::RECIPIENT_SOURCE, "envelope"));
        }
        table.row(ndb, index as u32 + 1, &cells)?;
    }
    table.finish(ndb)
}

/// Whom an answer goes to: a FLATENTRYLIST (MS-OXCDATA 2.3.3), and names.
fn put_reply_to(out: &mut Vec<Property>, reply_to: &[Address]) {
    if reply_to.is_empty() {
        return;
    }
    let mut entries = Vec::new();
    for address in reply_to {
        // Each but the last is filled up to four bytes.
        entries.resize(entries.len().next_multiple_of(4), 0);
        let entry = one_off(address);
        entries.extend_from_slice(&(entry.len() as u32).to_le_bytes());
        entries.extend_from_slice(&entry);
    }
    let mut list = (reply_to.len() as u32).to_le_bytes().to_vec();
    list.extend_from_slice(&(entries.len() as u32).to_le_bytes());
    list.extend_from_slice(&entries);
    out.push(Property::binary(id::REPLY_RECIPIENT_ENTRIES, list));
    let names: Vec<String> = reply_to.iter().map(|one| one.display().replace(';', ",")).collect();
    out.push(Property::text(id::REPLY_RECIPIENT_NAMES, names.join(";")));
}

/// A one-off entry id (MS-OXCDATA 2.2.5.1), in Unicode and without rich text.
fn one_off(address: &Address) -> Vec<u8> {
    const PROVIDER: [u8; 16] = [
        0x81, 0x2B, 0x1F, 0xA4, 0xBE, 0xA3, 0x10, 0x19, 0x9D, 0x6E, 0x00, 0xDD, 0x01, 0x0F, 0x54,
        0x02,
    ];
    let mut out = vec![0; 4];
    out.extend(PROVIDER);
    out.extend([0, 0, 0x01, 0x80]);
    for text in [address.display(), address_type(address), &address.address] {
        out.extend(text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    }
    out
}

/// `SMTP:USER@HOST` and a NUL (MS-OXCMSG 2.2.1, PidTagSenderSearchKey).
fn address_key(address: &Address) -> Vec<u8> {
    let key = format!("{}:{}\0", address_type(address), address.address);
    key.to_uppercase().into_bytes()
}

fn address_type(address: &Address) -> &'static str {
    let is_exchange = address.address.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("/o="));
    if is_exchange { "EX" } else { "SMTP" }
}

fn seven_bit(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
}

/// Sixteen bytes that name this message and no other.
fn search_key(message: &Message<'_>) -> Vec<u8> {
    let mut hasher = Hasher::new();
    hasher.update(message.headers.as_bytes());
    hasher.update(message.record.map(|record| record.0).unwrap_or_default().as_slice());
    for text in [Some(&message.subject), message.text.as_ref(), message.html.as_ref()] {
        hasher.update(text.map_or("", String::as_str).as_bytes());
    }
    hasher.finish().0[..16].to_vec()
}

/// MAPI strings end at a NUL, so none can be inside one.
pub fn without_nul(text: String, field: &'static str, exceptions: &mut Vec<Exception>) -> String {
    let count = text.bytes().filter(|byte| *byte == 0).count();
    if count == 0 {
        return text;
    }
    exceptions.push(Exception::NulReplaced { field, count });
    text.replace('\0', "\u{FFFD}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subject_prefixes_are_those_of_outlook() {
        let at = [("RE: a", 4), ("Fw: a", 4), ("a", 0), ("RE:", 0), ("Note: a", 0), ("R2: a", 0)];
        for (subject, length) in at {
            assert_eq!(prefix(subject).len(), length, "{subject}");
        }
    }

    /// A letter may be of two units, in which the length of the prefix is counted.
    #[test]
    fn prefix_is_counted_in_units() {
        let mut out = Vec::new();
        put_subject(&mut out, "\u{1D411}\u{1D404}: a", None, &mut Vec::new());
        let text = |id| match out.iter().find(|one| one.id() == id).map(|one| &one.value) {
            Some(crate::pst::ltp::Value::Text(text)) => text.as_str(),
            _ => "",
        };
        assert_eq!(text(id::SUBJECT), "\u{1}\u{7}\u{1D411}\u{1D404}: a");
        assert_eq!((text(id::NORMALIZED_SUBJECT), text(id::CONVERSATION_TOPIC)), ("a", "a"));
        let mut out = Vec::new();
        put_subject(&mut out, "RE: a", Some("b"), &mut Vec::new());
        let topic = out.iter().find(|one| one.id() == id::CONVERSATION_TOPIC);
        assert_eq!(topic.map(|one| one.value.size()), Some(2));
    }

    #[test]
    fn dates_out_of_range_are_named() {
        let mut exceptions = Vec::new();
        let before = Timestamp::from_seconds(-11_644_473_601);
        assert_eq!(file_time(before, "x", &mut exceptions), None);
        assert_eq!(exceptions, [Exception::DateOutOfRange { field: "x" }]);
        let first = Timestamp::from_seconds(-11_644_473_600);
        assert_eq!(file_time(first, "x", &mut exceptions), Some(0));
    }
}

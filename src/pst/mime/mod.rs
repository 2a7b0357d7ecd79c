//! From an RFC 5322 message to the fields that a PST has (MS-OXCMAIL,
//! MS-OXOSMIME): bodies, attachments, nested messages, S/MIME kept whole.
//!
//! Parsing never fails: what is damaged is carried as far as it goes and named.

mod body;
mod decode;
mod header;
mod meta;
mod part;
mod plain;
mod shown;
mod word;

use std::borrow::Cow;
use std::collections::HashSet;

use self::body::{Bodies, Collector};
use self::header::Headers;
use super::model::{Address, Exception, Message, Recipient, RecipientKind, Source};
use crate::base::clock::Timestamp;
use crate::mail::address;
use crate::mail::header::{from_first_field, has_lines_of_cr};

/// Messages within messages that are taken apart; a deeper one is a file.
const NESTING_MAX: usize = 80;
/// Multiparts within each other, those of the messages around counted: each of
/// these levels takes room on the stack of whoever reads the message.
const MULTIPARTS_MAX: usize = 160;

/// What all messages within one message share while they are read.
struct Family {
    /// Messages around this one.
    nesting: usize,
    /// Multiparts around this place.
    multiparts: usize,
    /// Parts so far.
    parts: usize,
    /// References in HTML that may still be looked at.
    references_left: usize,
}

impl Default for Family {
    fn default() -> Self {
        Self { nesting: 0, multiparts: 0, parts: 0, references_left: shown::REFERENCES_MAX }
    }
}

/// The message in `raw`, exactly as far as its own bytes tell.
pub fn message(raw: &[u8]) -> Message<'_> {
    nested(raw, &mut Family::default())
}

/// Adds as Bcc, marked, those whom only the envelope names.
pub fn add_envelope(message: &mut Message<'_>, addresses: &[impl AsRef<str>]) {
    let known = message.recipients.iter().map(|known| address::key(&known.address.address));
    let mut known: HashSet<String> = known.collect();
    for address in addresses {
        let address = address.as_ref();
        if known.insert(address::key(address)) {
            message.recipients.push(Recipient {
                kind: RecipientKind::Bcc,
                address: Address {
                    name: String::new(),
                    address: address::bare(address).to_owned(),
                },
                source: Source::Envelope,
            });
        }
    }
}

fn nested<'a>(raw: &'a [u8], family: &mut Family) -> Message<'a> {
    // Some old stores end lines with a bare CR; nothing else would be a line.
    if has_lines_of_cr(raw) {
        let lines: Vec<u8> = raw.iter().map(|b| if *b == b'\r' { b'\n' } else { *b }).collect();
        let mut message = owned(read(&lines, family));
        message.exceptions.insert(0, Exception::LinesOfReturns);
        return message;
    }
    read(raw, family)
}

fn read<'a>(raw: &'a [u8], family: &mut Family) -> Message<'a> {
    let (block, body) = part::split(from_first_field(raw));
    let headers = Headers::parse(block);
    let mut collector = Collector::new(family);
    collector.structure.extend_from_slice(header::separator(block));
    collector.note_header(&headers);
    let mut time = |read: Result<Option<(Timestamp, Option<Exception>)>, Exception>| match read {
        Ok(read) => {
            let (at, exception) = read?;
            collector.exceptions.extend(exception);
            Some(at)
        }
        Err(exception) => {
            collector.exceptions.push(exception);
            None
        }
    };
    let (sent, received) = (time(headers.date()), time(headers.received()));
    collector.exceptions.extend(headers.in_no_property());
    let thread_index = headers.raw("Thread-Index").and_then(|text| {
        let (bytes, is_whole) = decode::word_base64(text.as_bytes());
        // A header of 22 bytes and blocks of five (MS-OXOMSG 2.2.1.3).
        if bytes.len().checked_sub(22).is_none_or(|more| more % 5 != 0) {
            let exception = Exception::OnlyInHeaders { field: "Thread-Index", value: text };
            collector.exceptions.push(exception);
            return None;
        }
        let part = "Thread-Index".to_owned();
        collector.exceptions.extend((!is_whole).then_some(Exception::DamagedEncoding { part }));
        Some(bytes)
    });
    let class = collector.root(block, &headers, body);
    let Bodies { text, html, base } = collector.bodies();
    Message {
        content_type: headers.raw("Content-Type").filter(|_| !class.is_empty()),
        class,
        subject: headers.subject(),
        topic: headers.topic(),
        author: headers.mailbox("From"),
        sender: headers.mailbox("Sender"),
        reply_to: headers.mailboxes("Reply-To"),
        recipients: recipients(&headers),
        sent,
        received,
        text,
        html,
        base,
        message_id: headers.raw("Message-ID"),
        in_reply_to: headers.raw("In-Reply-To"),
        references: headers.raw("References"),
        importance: headers.importance(),
        sensitivity: headers.sensitivity(),
        thread_index,
        headers: headers.text,
        attachments: collector.attachments,
        structure: collector.structure,
        exceptions: collector.exceptions,
        record: None,
        sha256: None,
    }
}

fn recipients(headers: &Headers) -> Vec<Recipient> {
    let kinds = [("To", RecipientKind::To), ("Cc", RecipientKind::Cc), ("Bcc", RecipientKind::Bcc)];
    let mut recipients = Vec::new();
    for (name, kind) in kinds {
        for address in headers.mailboxes(name) {
            recipients.push(Recipient { kind, address, source: Source::Header });
        }
    }
    recipients
}

/// The same message with bytes of its own.
fn owned(message: Message<'_>) -> Message<'static> {
    use super::model::{Attachment, Content};
    let attachments = message.attachments.into_iter().map(|one| Attachment {
        content: match one.content {
            Content::Bytes(bytes) => Content::Bytes(Cow::Owned(bytes.into_owned())),
            Content::Message(nested) => Content::Message(Box::new(owned(*nested))),
            Content::Stream { mut source, .. } => {
                let mut bytes = Vec::new();
                // Out of memory, where reading does not fail.
                let _ = source.read_to_end(&mut bytes);
                Content::Bytes(Cow::Owned(bytes))
            }
        },
        name: one.name,
        media_type: one.media_type,
        content_id: one.content_id,
        location: one.location,
        base: one.base,
        is_inline: one.is_inline,
    });
    Message {
        attachments: attachments.collect(),
        class: message.class,
        content_type: message.content_type,
        subject: message.subject,
        topic: message.topic,
        author: message.author,
        sender: message.sender,
        reply_to: message.reply_to,
        recipients: message.recipients,
        sent: message.sent,
        received: message.received,
        text: message.text,
        html: message.html,
        base: message.base,
        headers: message.headers,
        message_id: message.message_id,
        in_reply_to: message.in_reply_to,
        references: message.references,
        importance: message.importance,
        sensitivity: message.sensitivity,
        thread_index: message.thread_index,
        structure: message.structure,
        record: message.record,
        sha256: message.sha256,
        exceptions: message.exceptions,
    }
}

#[cfg(test)]
mod tests;

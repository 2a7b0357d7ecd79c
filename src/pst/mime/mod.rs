//! From an RFC 5322 message to the fields that a PST has (MS-OXCMAIL,
//! MS-OXOSMIME): bodies, attachments, nested messages, S/MIME kept whole.
//!
//! Parsing never fails: what is damaged is carried as far as it goes and named.

mod body;
mod decode;
mod header;
mod part;
mod shown;
mod utf7;
mod word;

use std::borrow::Cow;
use std::collections::HashSet;

use self::body::{Bodies, Collector};
use self::header::Headers;
use super::model::{Address, Exception, Message, Recipient, RecipientKind, Source};
use crate::base::clock::Timestamp;
use crate::mail::address;

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
                address: Address { name: String::new(), address: address.to_owned() },
                source: Source::Envelope,
            });
        }
    }
}

fn nested<'a>(raw: &'a [u8], family: &mut Family) -> Message<'a> {
    // Some old stores end lines with a bare CR; nothing else would be a line.
    if !raw.contains(&b'\n') && raw.contains(&b'\r') {
        let lines: Vec<u8> = raw.iter().map(|b| if *b == b'\r' { b'\n' } else { *b }).collect();
        return owned(read(&lines, family));
    }
    read(raw, family)
}

fn read<'a>(raw: &'a [u8], family: &mut Family) -> Message<'a> {
    let (block, body) = part::split(raw);
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
    let thread_index = headers.raw("Thread-Index").map(|text| {
        let (bytes, is_whole) = decode::base64(text.as_bytes());
        let part = "Thread-Index".to_owned();
        collector.exceptions.extend((!is_whole).then_some(Exception::DamagedEncoding { part }));
        bytes
    });
    let class = collector.root(block, &headers, body);
    let Bodies { text, html, base } = collector.bodies();
    Message {
        class,
        subject: headers.subject(),
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
            // The mapping makes none of these.
            Content::Stream { .. } => Content::Bytes(Cow::Owned(Vec::new())),
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
        subject: message.subject,
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
mod tests {
    use super::*;
    use crate::pst::model::{Importance, Sensitivity};

    #[test]
    fn only_whom_no_header_names_is_added() {
        let mut message = message(b"To: Alice <alice@a.example>, <BOB@b.example>\r\n\r\n");
        let envelope = ["Alice@A.example", "bob@b.example", "EX:/o=Corp/cn=Eve", "/O=Corp/CN=Eve"];
        add_envelope(&mut message, &envelope);
        let added: Vec<_> =
            message.recipients.iter().filter(|one| one.source == Source::Envelope).collect();
        assert_eq!(added.len(), 1, "{added:?}");
        assert_eq!(added[0].kind, RecipientKind::Bcc);
        assert_eq!(added[0].address.address, "EX:/o=Corp/cn=Eve");
    }

    #[test]
    fn what_no_property_has_is_named() {
        let raw = b"From: Bob <b@x.example>, Eve <e@x.example>\r\nReply-To: r@x.example, \
            Ann <a@x.example>\r\nSubject: one\r\nSubject: two\r\nDate: Tue, 1 Jul 2025 \
            10:00:00 +0200\r\nDate: never\r\nKeywords: a, b\r\nReturn-Receipt-To: b@x.example\r\n\
            Message-ID: <1@x>\r\nMessage-ID: <2@x>\r\nReferences: <3@x>\r\nReferences: <4@x>\r\n\
            Sender: s@x.example\r\nSender: t@x.example\r\nIn-Reply-To: <5@x>\r\n\
            In-Reply-To: <6@x>\r\nThread-Index: !!\r\n\r\n";
        let message = message(raw);
        let reply_to: Vec<_> = message.reply_to.iter().map(Address::display).collect();
        assert_eq!(reply_to, ["r@x.example", "Ann"]);
        let named =
            |field, value: &str| Exception::OnlyInHeaders { field, value: value.to_owned() };
        let expected = [
            named("another author", "e@x.example"),
            named("another Sender", "t@x.example"),
            named("another Subject", "two"),
            named("another Date", "never"),
            named("another Message-ID", "<2@x>"),
            named("another In-Reply-To", "<6@x>"),
            named("another References", "<4@x>"),
            named("Keywords", "a, b"),
            named("Return-Receipt-To", "b@x.example"),
            Exception::DamagedEncoding { part: "Thread-Index".to_owned() },
        ];
        assert_eq!(message.exceptions, expected);
    }

    #[test]
    fn sensitivity_and_importance_are_of_the_header() {
        for (header, sensitivity, importance) in [
            ("Sensitivity: Personal", Sensitivity::Personal, Importance::Normal),
            ("Sensitivity: private", Sensitivity::Private, Importance::Normal),
            ("Sensitivity: Company-Confidential", Sensitivity::Confidential, Importance::Normal),
            ("Sensitivity: other", Sensitivity::Normal, Importance::Normal),
            ("Importance: high", Sensitivity::Normal, Importance::High),
            ("Priority: non-urgent", Sensitivity::Normal, Importance::Low),
            ("X-Priority: 1 (Highest)", Sensitivity::Normal, Importance::High),
        ] {
            let raw = format!("{header}\r\n\r\n");
            let message = message(raw.as_bytes());
            assert_eq!((message.sensitivity, message.importance), (sensitivity, importance));
        }
    }
}

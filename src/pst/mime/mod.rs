//! From an RFC 5322 message to the fields that a PST has (MS-OXCMAIL,
//! MS-OXOSMIME): bodies, attachments, nested messages, S/MIME kept whole.
//!
//! Parsing never fails: what is damaged is carried as far as it goes and named.

mod body;
mod decode;
mod header;
mod part;
mod utf7;
mod word;

use std::borrow::Cow;
use std::collections::HashSet;

use self::body::Collector;
use self::header::Headers;
use super::model::{Address, Exception, Message, Recipient, RecipientKind, Source};
use crate::base::clock::Timestamp;
use crate::mail::address;

/// Messages within messages that are taken apart; a deeper one is a file.
const NESTING_MAX: usize = 80;

/// The message in `raw`, exactly as far as its own bytes tell.
pub fn message(raw: &[u8]) -> Message<'_> {
    nested(raw, 0)
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

fn nested(raw: &[u8], depth: usize) -> Message<'_> {
    // Some old stores end lines with a bare CR; nothing else would be a line.
    if !raw.contains(&b'\n') && raw.contains(&b'\r') {
        let lines: Vec<u8> = raw.iter().map(|b| if *b == b'\r' { b'\n' } else { *b }).collect();
        return owned(read(&lines, depth));
    }
    read(raw, depth)
}

fn read(raw: &[u8], depth: usize) -> Message<'_> {
    let (block, body) = part::split(raw);
    let headers = Headers::parse(block);
    let mut collector = Collector::new(depth);
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
    let class = collector.root(block, &headers, body);
    let (text, html) = collector.bodies();
    collector.mark_inline(html.as_deref());
    Message {
        class,
        subject: headers.subject(),
        author: headers.mailbox("From"),
        sender: headers.mailbox("Sender"),
        recipients: recipients(&headers),
        sent,
        received,
        text,
        html,
        message_id: headers.raw("Message-ID"),
        in_reply_to: headers.raw("In-Reply-To"),
        references: headers.raw("References"),
        importance: headers.importance(),
        thread_index: headers.raw("Thread-Index").map(|text| decode::base64(text.as_bytes()).0),
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
        is_inline: one.is_inline,
    });
    Message {
        attachments: attachments.collect(),
        class: message.class,
        subject: message.subject,
        author: message.author,
        sender: message.sender,
        recipients: message.recipients,
        sent: message.sent,
        received: message.received,
        text: message.text,
        html: message.html,
        headers: message.headers,
        message_id: message.message_id,
        in_reply_to: message.in_reply_to,
        references: message.references,
        importance: message.importance,
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
}

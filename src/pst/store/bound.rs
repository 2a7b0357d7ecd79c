//! What a message takes at most, before it is written: in its node, of which the
//! format bounds the size, and in the file, of which whoever asked for it does.
//!
//! Text is counted as two bytes for each that it has in UTF-8, which is never less
//! than it takes in UTF-16.

use crate::pst::ltp::HEAP_ALLOCATION_MAX;
use crate::pst::model::{Address, Attachment, Content, Message, Recipient, RecipientKind};

/// What a folder takes in the file: its nodes, its name and its row in another.
pub const FOLDER: u64 = 4096;

/// Properties that are always there, empty lists, and what fills up last blocks.
const MESSAGE: u64 = 4096;
const ATTACHMENT: u64 = 3072;
/// A row of a table without what it refers to, and its place in the index.
const ROW: u64 = 192;
/// What refers to a value in the heap.
const IN_HEAP: u64 = 16;
/// What refers to a value in a node of its own, and fills up its last blocks.
const IN_NODE: u64 = 512;

/// Bytes that the file grows by, without what is the folder's.
pub fn file_bytes(message: &Message<'_>) -> u64 {
    with_maps(all_bytes(message) + row_bytes(message))
}

/// The same with what lies between and around blocks: maps, and room before these
/// that no block fits into (4%), block trees and what ends each block (1.5%).
pub fn with_maps(bytes: u64) -> u64 {
    bytes + bytes / 16
}

/// What the message takes without its attachments and its row in the folder.
pub fn own_bytes(message: &Message<'_>) -> u64 {
    let recipients: u64 = message.recipients.iter().map(recipient_bytes).sum();
    let kinds = [RecipientKind::To, RecipientKind::Cc, RecipientKind::Bcc];
    let lines: u64 = kinds.iter().map(|kind| line_bytes(message, *kind)).sum();
    // Either stands for the other where only one is there.
    let one = person_bytes;
    let people = match (&message.author, &message.sender) {
        (Some(author), Some(sender)) => one(author) + one(sender),
        (Some(both), None) | (None, Some(both)) => 2 * one(both),
        (None, None) => 0,
    };
    let texts = [
        &message.text,
        &message.message_id,
        &message.in_reply_to,
        &message.references,
        &message.base,
        &message.content_type,
    ];
    let texts: u64 = texts.into_iter().flatten().map(|field| text(field)).sum();
    // Whole with its prefix marked, and without it.
    let subject = 2 * text(&message.subject) + 8 + topic_bytes(message);
    let html = message.html.as_ref().map_or(0, |html| value(html.len()));
    let index = message.thread_index.as_ref().map_or(0, |index| value(index.len()));
    let bytes = text(&message.headers) + html + index + value(message.structure.len());
    MESSAGE + recipients + lines + people + reply_to_bytes(message) + texts + subject + bytes
}

pub fn recipient_bytes(recipient: &Recipient) -> u64 {
    let address = &recipient.address;
    // As record key and as entry id; in Unicode and in seven bits.
    ROW + 2 * value(one_off(address))
        + 2 * text(address.display())
        + text(&address.address)
        + key_bytes(address)
}

/// What is told of the author or the sender.
pub fn person_bytes(address: &Address) -> u64 {
    value(one_off(address))
        + text(address.display())
        + 2 * text(&address.address)
        + key_bytes(address)
        + 4 * IN_HEAP
}

pub fn reply_to_bytes(message: &Message<'_>) -> u64 {
    let entries: usize = message.reply_to.iter().map(|one| one_off(one) + 8).sum();
    let names: usize = message.reply_to.iter().map(|one| one.display().len() + 1).sum();
    value(entries + 8) + value(2 * names)
}

fn all_bytes(message: &Message<'_>) -> u64 {
    let attachments = message.attachments.iter().map(|one| attachment_bytes(one));
    own_bytes(message) + attachments.sum::<u64>()
}

fn attachment_bytes(attachment: &Attachment<'_>) -> u64 {
    let content = match &attachment.content {
        Content::Bytes(bytes) => value(bytes.len()),
        Content::Stream { size, .. } => long_value(*size),
        Content::Message(nested) => all_bytes(nested),
    };
    let texts = [&attachment.content_id, &attachment.location, &attachment.base];
    let texts: u64 = texts.into_iter().flatten().map(|field| text(field)).sum();
    // To show, as a file, and what of it may be the extension.
    ATTACHMENT + content + 3 * text(&attachment.name) + text(&attachment.media_type) + texts
}

/// The row in the contents table of the folder.
fn row_bytes(message: &Message<'_>) -> u64 {
    let author = message.author.as_ref().or(message.sender.as_ref());
    ROW + text(&message.class)
        + text(&message.subject)
        + 8
        + topic_bytes(message)
        + author.map_or(0, |author| text(author.display()))
        + line_bytes(message, RecipientKind::To)
        + line_bytes(message, RecipientKind::Cc)
        + message.thread_index.as_ref().map_or(0, |index| value(index.len()))
}

/// What the sender says, or else the subject.
fn topic_bytes(message: &Message<'_>) -> u64 {
    text(message.topic.as_ref().unwrap_or(&message.subject))
}

fn line_bytes(message: &Message<'_>, kind: RecipientKind) -> u64 {
    let of_kind = message.recipients.iter().filter(|one| one.kind == kind);
    let names: usize = of_kind.map(|one| one.address.display().len() + 2).sum();
    value(2 * names)
}

/// An entry id that is address and name itself.
fn one_off(address: &Address) -> usize {
    48 + 2 * (address.display().len() + address.address.len())
}

/// Of upper case a letter may have three.
fn key_bytes(address: &Address) -> u64 {
    value(8 + 3 * address.address.len())
}

fn text(text: &str) -> u64 {
    value(2 * text.len())
}

fn value(bytes: usize) -> u64 {
    match bytes {
        // Where it does not fit into a block, less than it takes is left over there.
        0..=HEAP_ALLOCATION_MAX => 2 * bytes as u64 + IN_HEAP,
        _ => long_value(bytes as u64),
    }
}

/// In blocks of its own, and the blocks that name these.
fn long_value(bytes: u64) -> u64 {
    bytes + bytes / 512 + IN_NODE
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::io::Cursor;

    use super::*;
    use crate::base::clock::Timestamp;
    use crate::pst::model::{Exception, Source};
    use crate::pst::ndb::Ndb;
    use crate::pst::store::message::{self, Family};
    use crate::pst::{Options, Writer};

    /// A number that is the same at every run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, end: u64) -> u64 {
            // xorshift64.
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % end
        }

        /// Of lengths around those at which values are kept in another way.
        fn text(&mut self) -> String {
            const AROUND: [u64; 10] = [0, 20, 200, 895, 1365, 1790, 2730, 3580, 8176, 20_000];
            let length = AROUND[self.below(10) as usize] + self.below(40);
            let letter =
                ["x", "\u{df}", "\u{390}", "\u{4e2d}", "\u{1d411}"][self.below(5) as usize];
            letter.repeat(length as usize / letter.len())
        }

        fn person(&mut self) -> Address {
            let name = if self.below(2) == 0 { String::new() } else { self.text() };
            Address { name, address: self.text() }
        }

        fn message(&mut self, depth: usize) -> Message<'static> {
            const KINDS: [RecipientKind; 3] =
                [RecipientKind::To, RecipientKind::Cc, RecipientKind::Bcc];
            const SOURCES: [Source; 2] = [Source::Header, Source::Envelope];
            let recipients = 0..[0, 1, 4, 12][self.below(4) as usize];
            let recipients = recipients.map(|_| Recipient {
                kind: KINDS[self.below(3) as usize],
                address: self.person(),
                source: SOURCES[self.below(2) as usize],
            });
            let recipients = recipients.collect();
            let attachments = 0..[0, 1, 4][self.below(3) as usize];
            let attachments = attachments.map(|_| self.attachment(depth)).collect();
            let some = |it: Address, number: u64| (number > 0).then_some(it);
            let (author, sender) = (self.person(), self.person());
            let some_text = (self.below(2) == 0).then(|| self.text());
            Message {
                subject: format!("RE: {}", self.text()),
                author: some(author, self.below(2)),
                sender: some(sender, self.below(2)),
                reply_to: (0..self.below(3)).map(|_| self.person()).collect(),
                recipients,
                sent: Some(Timestamp::from_seconds(1_600_000_000)),
                text: Some(self.text()),
                html: Some(self.text()),
                base: Some(self.text()),
                headers: self.text(),
                message_id: Some(self.text()),
                in_reply_to: Some(self.text()),
                references: Some(self.text()),
                thread_index: Some(self.text().into_bytes()),
                structure: self.text().into_bytes(),
                topic: some_text,
                attachments,
                exceptions: vec![Exception::HeaderBytes],
                ..Message::default()
            }
        }

        fn attachment(&mut self, depth: usize) -> Attachment<'static> {
            let content = match self.below(3) {
                0 if depth < 3 => Content::Message(Box::new(self.message(depth + 1))),
                _ => Content::Bytes(Cow::Owned(self.text().into_bytes())),
            };
            Attachment {
                name: format!("{0}.{0}", self.text()),
                media_type: self.text(),
                content_id: Some(self.text()),
                location: Some(self.text()),
                base: Some(self.text()),
                is_inline: false,
                content,
            }
        }
    }

    /// Each alone in its file, and the rows of all together.
    #[test]
    fn no_message_takes_more() {
        let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
        let create = || {
            let options = Options::new("Bound", std::env::temp_dir());
            Writer::create(Cursor::new(Vec::new()), options).unwrap()
        };
        let mut all = create();
        let mut closest = f64::MAX;
        for _ in 0..60 {
            let message = numbers.message(0);
            let bound = file_bytes(&message);
            let folder = all.folder(&["F"]);
            let before = all.projected_bytes();
            all.add(folder, message).unwrap();
            let grown = all.projected_bytes() - before;
            assert!(grown <= bound, "{grown} of {bound}");
            closest = closest.min(bound as f64 / grown as f64);
        }
        let projected = all.projected_bytes();
        let (_, summary) = all.finish(|_| Ok(())).unwrap();
        assert!(summary.bytes <= projected + (1 << 20), "{} of {projected}", summary.bytes);
        assert!(summary.bytes > projected / 10 * 9, "{} of {projected}", summary.bytes);
        // And not so much more that files would end early.
        assert!(closest < 1.5, "{closest}");
    }

    /// Of the node alone, as the format counts it.
    #[test]
    fn no_node_is_larger() {
        let mut numbers = Numbers(0x2545_F491_4F6C_DD1D);
        let mut ndb = Ndb::create(Cursor::new(Vec::new()), &std::env::temp_dir()).unwrap();
        for _ in 0..60 {
            let mut message = numbers.message(3);
            message.attachments.clear();
            let bound = own_bytes(&message);
            let (mut next, mut exceptions) = (0x1_0001, Vec::new());
            let mut family = Family::new(&mut next, &mut exceptions, Timestamp(0));
            let written = message::write(&mut ndb, message, &mut family).unwrap();
            assert!(written.stored.size <= bound, "{} of {bound}", written.stored.size);
        }
    }
}

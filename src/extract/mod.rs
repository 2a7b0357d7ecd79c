//! One message's bytes to what can be searched and shown: headers, people, text
//! and the documents of its family, at any depth; and its HTML made safe to show.
//!
//! Runs inside a `worker` child, since libraries that read hostile mail can hang
//! or run out of memory. Nothing here recurses without a bound, and nothing
//! fails: what could not be read in full is a [`Gap`] with its reason.
//! [`family`] is the walk; `kind` says by content what a document is; `container`
//! and the readers beside it take it apart.
//!
//! mail-parser is used for header fields only (`parse_headers`): its own walk
//! through nested messages can overflow the stack, so [`walk`] has ours.

mod attributes;
mod bytes;
mod calendar;
pub mod charset;
mod cms;
mod container;
mod decode;
mod entity;
mod family;
pub mod header;
pub mod html;
mod kind;
mod locked;
pub mod message;
mod office;
mod ole;
mod pdf;
pub mod picture;
pub mod readers;
pub mod render;
mod rtf;
mod sink;
mod text;
mod walk;
mod words;
mod xml;

use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::hash::Digest;

pub use family::{Care, Patience};
pub use locked::Passwords;
pub use message::{Reading, parse_message, read_message, read_whole, take_document};
pub use picture::Scan;
pub use render::{Rendered, render_html};
pub use text::{has_new_words, languages, shortened};

/// A name and an address as a header has them; either may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    pub name: String,
    pub address: String,
}

impl Mailbox {
    /// As people write it: `Alice Ito <alice@example.com>`.
    pub fn display(&self) -> String {
        match (self.name.is_empty(), self.address.is_empty()) {
            (true, _) => self.address.clone(),
            (false, true) => self.name.clone(),
            (false, false) => format!("{} <{}>", self.name, self.address),
        }
    }
}

/// One header field, unfolded and decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    pub value: String,
}

/// What a message holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parsed {
    pub subject: String,
    pub from: Vec<Mailbox>,
    pub sender: Vec<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub bcc: Vec<Mailbox>,
    /// None where there is no Date field or none that is a date.
    pub date: Option<Timestamp>,
    /// Without angle brackets; empty if there is none.
    pub message_id: String,
    pub in_reply_to: Vec<String>,
    pub references: Vec<String>,
    /// The text/plain body, else the text of the HTML one. Lines end with LF.
    pub text: String,
    /// What else is to be found: the text of an alternative body that has words
    /// that `text` has not, and where its HTML links to.
    pub other_text: String,
    pub has_html: bool,
    /// Of the text, as ISO 639-3 has it; none where that cannot be told.
    pub language: Option<String>,
    /// Every document of the family at any depth, each before those in it.
    pub attachments: Vec<Attachment>,
    pub gaps: Vec<Gap>,
    /// All fields of its header, bounded.
    pub headers: Vec<Field>,
    /// Those of its parts and of the messages in it, to be searched.
    pub inner_headers: Vec<Field>,
}

impl Parsed {
    /// The Message ID Hash of EDRM, by which programs of any maker tell that they hold
    /// the same message: the MD5 of the Message-ID as it is, in its angle brackets.
    /// None where a message has no id.
    pub fn edrm_mih(&self) -> Option<String> {
        let id = Some(&self.message_id).filter(|id| !id.is_empty())?;
        Some(hex::encode(Md5::digest(format!("<{id}>"))))
    }
}

/// One document of the family: an attachment, a forwarded message, or what is in
/// an archive or an office file that is attached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    pub ordinal: u32,
    /// The document that holds this one; none where the message itself does.
    pub parent: Option<u32>,
    /// As it was sent; within an archive, with its folders.
    pub name: String,
    /// By content; as declared only where the content does not say.
    pub media_type: String,
    /// Of the decoded bytes, as is the hash; of an encrypted document, of what is
    /// stored of it.
    pub size: u64,
    pub sha256: Digest,
    /// Of the same bytes: what other programs tell documents by.
    pub md5: Vec<u8>,
    /// What it says of itself is in it; none where there are no words to be had.
    pub text: Option<String>,
    /// Of its text, as ISO 639-3 has it; none where that cannot be told.
    pub language: Option<String>,
    /// Some of its text was read by its looks.
    pub is_ocred: bool,
    /// Title, authors, dates and the like, as the document says.
    pub about: Vec<Field>,
    /// A part of the mail, not of an archive or office file in it.
    pub is_part: bool,
}

/// Where `file` is among `all`, for people: `invoice.xlsx in Q3.zip`.
pub fn path(all: &[Attachment], file: &Attachment) -> String {
    let mut shown = String::new();
    let mut next = Some(file);
    while let Some(file) = next {
        if !shown.is_empty() {
            shown.push_str(" in ");
        }
        let name = if file.name.is_empty() { file.media_type.as_str() } else { &file.name };
        // Names can turn the direction of what follows, or hold lines of their own.
        let is_plain = |c: &char| !c.is_control() && !is_direction(*c);
        shown.extend(name.chars().map(|c| if is_plain(&c) { c } else { '\u{fffd}' }));
        // A document comes after the one that holds it: this ends.
        let parent = file.parent.filter(|parent| *parent < file.ordinal);
        next = parent.and_then(|parent| all.get(parent as usize));
    }
    shown
}

/// Unicode's marks that change the direction of text.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What could not be read in full, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The attachment; none for the message itself.
    pub ordinal: Option<u32>,
    pub reason: Reason,
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It holds no words: empty, or sound.
    NoText,
    /// A picture, or pages that are pictures.
    NotOcred,
    /// It opens with a password or a key.
    Encrypted,
    /// Of a kind that we cannot read.
    UnknownType,
    /// Cut where our limits are.
    TooLarge,
    /// Nested deeper, or in more parts, than we follow.
    TooDeep,
    /// Not what it says it is.
    Damaged,
    /// Reading it took too long, twice.
    TimedOut,
    /// Reading it ended the child process, twice.
    Crashed,
    /// It is still being read.
    Pending,
    /// The envelope around it cannot be read in full, so that it may have gone to more
    /// than are known.
    UnknownRecipients,
}

impl Reason {
    pub const ALL: [Self; 11] = [
        Self::NoText,
        Self::NotOcred,
        Self::Encrypted,
        Self::UnknownType,
        Self::TooLarge,
        Self::TooDeep,
        Self::Damaged,
        Self::TimedOut,
        Self::Crashed,
        Self::Pending,
        Self::UnknownRecipients,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoText => "no-text",
            Self::NotOcred => "not-ocred",
            Self::Encrypted => "encrypted",
            Self::UnknownType => "unknown-type",
            Self::TooLarge => "too-large",
            Self::TooDeep => "too-deep",
            Self::Damaged => "damaged",
            Self::TimedOut => "timed-out",
            Self::Crashed => "crashed",
            Self::Pending => "pending",
            Self::UnknownRecipients => "unknown-recipients",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_id_hash_is_that_of_edrm() {
        let of = |head: &str| parse_message(format!("{head}\r\n\r\n").as_bytes()).edrm_mih();
        let id = "Message-ID: <CALckR-a8UDkRjO4xJyjd_s0GPxQWw@mail.gmail.com>";
        let hash = Some("1de319c276884bd0c9e2f1621ada26cc".to_owned());
        assert_eq!(of(id), hash);
        assert_eq!(of(&id.replace(": <", ":\r\n  <")), hash, "it may be folded");
        assert_ne!(of(&id.to_lowercase()), hash, "letters are as they are");
        assert_eq!(of("Subject: none"), None);
    }
}

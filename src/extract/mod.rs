//! One message's bytes to what can be searched and shown: headers, people, text
//! and attachments; and its HTML made safe to show.
//!
//! Runs inside a `worker` child, since libraries that read hostile mail can hang
//! or run out of memory. Nothing here recurses without a bound, and nothing
//! fails: what could not be read in full is a [`Gap`] with its reason. Office
//! files, archives and pictures have no text here yet; they are gaps too.
//!
//! mail-parser is used for header fields only (`parse_headers`): its own walk
//! through nested messages can overflow the stack, so [`walk`] has ours.

mod attributes;
pub mod charset;
mod decode;
mod entity;
pub mod header;
pub mod html;
pub mod message;
pub mod render;
mod text;
mod walk;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::hash::Digest;

pub use message::parse_message;
pub use render::{Rendered, render_html};

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
    /// Every attachment at any depth, in the order in which they come.
    pub attachments: Vec<Attachment>,
    pub gaps: Vec<Gap>,
    /// All fields of its header, bounded.
    pub headers: Vec<Field>,
    /// Those of its parts and of the messages in it, to be searched.
    pub inner_headers: Vec<Field>,
}

/// One attachment; a forwarded message is one, and so are its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    pub ordinal: u32,
    /// The attachment (a forwarded message) that holds this one.
    pub parent: Option<u32>,
    pub name: String,
    pub media_type: String,
    /// Of the decoded bytes, as is the hash.
    pub size: u64,
    pub sha256: Digest,
    pub text: Option<String>,
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
    /// Of a kind that has no text of its own: a picture, a sound.
    NoText,
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
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoText => "no-text",
            Self::UnknownType => "unknown-type",
            Self::TooLarge => "too-large",
            Self::TooDeep => "too-deep",
            Self::Damaged => "damaged",
            Self::TimedOut => "timed-out",
            Self::Crashed => "crashed",
        }
    }
}

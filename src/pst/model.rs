//! What the writer is given: a message as plain fields, whoever parsed it, and
//! the exceptions that it gives back.

use std::borrow::Cow;
use std::io::Read;

use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::ids::RecordId;

/// One message to be written.
#[derive(Default)]
pub struct Message<'a> {
    /// PidTagMessageClass; empty means `IPM.Note`.
    pub class: Cow<'static, str>,
    /// Of what is signed or encrypted the `Content-Type:` as it was (MS-OXOSMIME 2.1.3.2).
    pub content_type: Option<String>,
    pub subject: String,
    /// What the conversation is about (`Thread-Topic:`); without it the subject says.
    pub topic: Option<String>,
    /// Who the message is from (`From:`).
    pub author: Option<Address>,
    /// Who sent it for the author (`Sender:`), where that is someone else.
    pub sender: Option<Address>,
    /// Whom an answer goes to (`Reply-To:`).
    pub reply_to: Vec<Address>,
    pub recipients: Vec<Recipient>,
    pub sent: Option<Timestamp>,
    pub received: Option<Timestamp>,
    pub text: Option<String>,
    pub html: Option<String>,
    /// What relative URLs in the HTML are relative to, where the message says so.
    pub base: Option<String>,
    /// The header block as it was, line by line.
    pub headers: String,
    pub message_id: Option<String>,
    pub in_reply_to: Option<String>,
    pub references: Option<String>,
    pub importance: Importance,
    pub sensitivity: Sensitivity,
    /// PidTagConversationIndex, from `Thread-Index:`.
    pub thread_index: Option<Vec<u8>>,
    pub attachments: Vec<Attachment<'a>>,
    /// The raw message without its header fields and the contents of its parts:
    /// preambles, delimiters, the parts' own header fields, epilogues.
    pub structure: Vec<u8>,
    pub record: Option<RecordId>,
    pub sha256: Option<Digest>,
    /// What was found wanting while the message was read.
    pub exceptions: Vec<Exception>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    pub name: String,
    pub address: String,
}

impl Address {
    /// The name to show: the address where there is none.
    pub fn display(&self) -> &str {
        if self.name.is_empty() { &self.address } else { &self.name }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    pub kind: RecipientKind,
    pub address: Address,
    pub source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecipientKind {
    To,
    Cc,
    Bcc,
}

/// Where a recipient is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Header,
    /// Only the envelope names this one: written as Bcc and marked.
    Envelope,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Importance {
    Low,
    #[default]
    Normal,
    High,
}

/// As PidTagSensitivity counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitivity {
    #[default]
    Normal,
    Personal,
    Private,
    Confidential,
}

pub struct Attachment<'a> {
    pub name: String,
    pub media_type: String,
    pub content_id: Option<String>,
    pub location: Option<String>,
    /// What the location is relative to, where the message says so.
    pub base: Option<String>,
    /// Shown inside the HTML body, not in the list of attachments.
    pub is_inline: bool,
    pub content: Content<'a>,
}

pub enum Content<'a> {
    Bytes(Cow<'a, [u8]>),
    /// Exactly `size` bytes; another length fails the whole file, as the
    /// archive's own storage is then at fault.
    Stream {
        size: u64,
        source: Box<dyn Read + 'a>,
    },
    Message(Box<Message<'a>>),
}

/// What the format or the mapping could not carry of a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Exception {
    #[error(
        "attachment {:?} of {size} bytes was left out: a PST carries 2 GiB a message",
        clip(name)
    )]
    AttachmentTooLarge { name: String, size: u64 },
    #[error("{dropped} attachments were left out: a PST message is written with at most {kept}")]
    TooManyAttachments { kept: usize, dropped: usize },
    #[error("{dropped} recipients were left out: a PST message is written with {kept} of these")]
    TooManyRecipients { kept: usize, dropped: usize },
    #[error("{field} of {bytes} bytes was left out: a PST carries 2 GiB a message")]
    FieldTooLarge { field: &'static str, bytes: usize },
    #[error("message {:?}, nested {depth} deep, is attached as a file", clip(name))]
    NestedTooDeep { name: String, depth: usize },
    #[error("{field} is outside the years 1601 to 9999 and was left out")]
    DateOutOfRange { field: &'static str },
    #[error("{field} has no zone that is known, and is taken as UTC: {:?}", clip(value))]
    UnknownZone { field: &'static str, value: String },
    #[error("{field} was left out: no time can be read from it: {:?}", clip(value))]
    UnreadableDate { field: &'static str, value: String },
    #[error("{field}: NUL became U+FFFD ({count})")]
    NulReplaced { field: &'static str, count: usize },
    #[error(
        "{}: the charset {:?} is unknown; its bytes are read as UTF-8",
        line(part),
        clip(charset)
    )]
    UnknownCharset { part: String, charset: String },
    #[error("{}: bytes that are not of its charset {:?} became U+FFFD", line(part), clip(charset))]
    BrokenCharset { part: String, charset: String },
    #[error(
        "{}: its bytes are not of its charset {:?} and are read as {read_as}",
        line(part),
        clip(charset)
    )]
    OtherCharset { part: String, charset: String, read_as: &'static str },
    #[error("{}: no charset is named, and its bytes are read as {read_as}", line(part))]
    NoCharset { part: String, read_as: &'static str },
    #[error("header bytes that are not UTF-8 are shown as ISO-8859-1")]
    HeaderBytes,
    #[error("carriage returns within lines of the header are shown as blanks")]
    HeaderReturns,
    #[error("{}: its encoding is damaged; what could be decoded is written", line(part))]
    DamagedEncoding { part: String },
    #[error(
        "{}: its transfer encoding {:?} is unknown; its bytes are written as they are",
        line(part),
        clip(encoding)
    )]
    UnknownEncoding { part: String, encoding: String },
    #[error(
        "a signed part is attached whole as {:?}, which its signature covers, and its contents \
         beside it",
        clip(name)
    )]
    SignedPart { name: String },
    #[error("{field} is in the headers alone, as no property has it: {:?}", clip(value))]
    OnlyInHeaders { field: &'static str, value: String },
    #[error(
        "a multipart is not divided, as no line of it is its boundary {:?}: its source is carried",
        clip(boundary)
    )]
    Undivided { boundary: String },
    #[error(
        "a multipart has no parts, as all that there is of its boundary {:?} is its end: its \
         source is carried",
        clip(boundary)
    )]
    NoParts { boundary: String },
    #[error(
        "what stands beside the parts of a multipart is shown nowhere, and kept in the property \
         x-muniment-mime-structure: {:?}",
        clip(text)
    )]
    BesideParts { text: String },
    #[error(
        "its lines end in carriage returns alone: each is a line feed here, in what is attached \
         or signed as well"
    )]
    LinesOfReturns,
    #[error("part nested {depth} deep is attached as a file, undivided")]
    PartTooDeep { depth: usize },
    #[error("{kept} parts are divided; those that follow are attached as one file")]
    TooManyParts { kept: usize },
    #[error("folder {folder:?} is full: the message is in {written:?}")]
    FolderRolled { folder: String, written: String },
    #[error("folder {folder:?} is written as {written:?}")]
    FolderRenamed { folder: String, written: String },
}

/// What is told of a name or value that may be of any length.
fn clip(text: &str) -> &str {
    const CHARS_MAX: usize = 300;
    text.char_indices().nth(CHARS_MAX).map_or(text, |(at, _)| &text[..at])
}

/// The same of the name of a part: on one line, and without what ends a string.
fn line(part: &str) -> String {
    let shown = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    clip(part).chars().map(shown).collect()
}

//! What the reader found wrong or doubtful in a delivery. A defect never stops
//! a delivery from being kept: it is stored beside the bytes and shown.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Defects kept from one delivery; the rest are only counted by [`Defect::More`].
pub const DEFECTS_MAX: usize = 64;

/// One doubt. `entry` is an index into the delivery's entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Defect {
    /// A header block did not end with an empty line.
    HeaderUnended,
    /// A header block was longer than is read.
    HeaderTooLong { bytes_max: u64 },
    /// Content is nested deeper than is followed.
    TooDeep { depth_max: u32 },
    /// There are more parts than are listed.
    TooManyParts { parts_max: u32 },
    /// A multipart names no boundary, so its parts cannot be told apart.
    BoundaryMissing,
    /// A multipart did not end with its closing boundary.
    Unterminated { boundary: String },
    /// A transfer encoding that nobody defined; the bytes are taken as they are.
    EncodingUnknown { name: String },
    /// A multipart claims to be encoded, which RFC 2045 section 6.4 forbids.
    EncodingOnMultipart { name: String },
    /// Base64 content held foreign characters or stopped in mid-group.
    Base64Damaged { entry: u32 },
    /// Quoted-printable content held escapes that are none.
    QuotedPrintableDamaged { entry: u32 },
    /// The headers claim a journal report but no envelope was found.
    NotAReport,
    /// The envelope part was longer than is read.
    EnvelopeTooLong { bytes_max: u64 },
    /// The envelope lists more recipients than are kept.
    TooManyRecipients { recipients_max: u32 },
    /// A line of the envelope that is none of its fields.
    EnvelopeLine { text: String },
    /// A line of the envelope's list of recipients that holds no address.
    UnknownRecipient { text: String },
    /// The base64 of the envelope holds foreign characters or stops in mid-group.
    EnvelopeDamaged,
    /// The delivery ends inside the envelope.
    EnvelopeCut,
    /// The headers claim a journal report, and the source sends none.
    ReportFromCopies,
    /// A report that holds more than its envelope and the originals; it is kept
    /// as a message too.
    MoreThanReport,
    /// A failure notice returns a second report; its envelope is read as text alone.
    SecondReport,
    /// The header names its organisation (`X-OriginatorOrg`) in two ways.
    OriginatorUnclear,
    /// A report that carries no message; it is taken for the message.
    OriginalMissing,
    /// The delivery ends inside the journaled message.
    OriginalTruncated,
    /// The journaled message is itself a journal report.
    OriginalIsReport { entry: u32 },
    /// A TNEF body (winmail.dat) is kept whole; its content is not decoded.
    Tnef { entry: u32 },
    /// More defects were found than are listed.
    More { count: u64 },
}

impl Defect {
    /// Whether a report's envelope says something that is nowhere in its fields.
    pub(super) fn hides_words(&self) -> bool {
        matches!(
            self,
            Self::EnvelopeLine { .. }
                | Self::UnknownRecipient { .. }
                | Self::EnvelopeDamaged
                | Self::EnvelopeTooLong { .. }
                | Self::TooManyRecipients { .. }
        )
    }

    /// Whether people may have taken part whom no envelope names.
    pub fn hides_people(&self) -> bool {
        match self {
            Self::NotAReport
            | Self::SecondReport
            // Whom its envelope names took part too.
            | Self::OriginalIsReport { .. }
            | Self::UnknownRecipient { .. }
            | Self::EnvelopeDamaged
            | Self::EnvelopeCut
            | Self::EnvelopeTooLong { .. }
            | Self::TooManyRecipients { .. }
            | Self::More { .. } => true,
            Self::EnvelopeLine { text } => text.contains('@'),
            _ => false,
        }
    }

    /// The entry that the defect is about.
    pub(super) fn entry_mut(&mut self) -> Option<&mut u32> {
        match self {
            Self::Base64Damaged { entry }
            | Self::QuotedPrintableDamaged { entry }
            | Self::OriginalIsReport { entry }
            | Self::Tnef { entry } => Some(entry),
            _ => None,
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderUnended => f.write_str("a header block does not end with an empty line"),
            Self::HeaderTooLong { bytes_max } => {
                write!(f, "a header block is longer than the {bytes_max} bytes that are read")
            }
            Self::TooDeep { depth_max } => {
                write!(f, "content is nested deeper than the {depth_max} levels that are followed")
            }
            Self::TooManyParts { parts_max } => {
                write!(f, "there are more than {parts_max} parts; the rest are not listed")
            }
            Self::BoundaryMissing => f.write_str("a multipart names no boundary"),
            Self::Unterminated { boundary } => {
                write!(f, "the multipart with boundary \"{boundary}\" has no end")
            }
            Self::EncodingUnknown { name } => {
                write!(f, "unknown transfer encoding \"{name}\"; the bytes are taken as they are")
            }
            Self::EncodingOnMultipart { name } => {
                write!(f, "a multipart claims the transfer encoding \"{name}\"; it is ignored")
            }
            Self::Base64Damaged { .. } => f.write_str("damaged base64 content"),
            Self::QuotedPrintableDamaged { .. } => f.write_str("damaged quoted-printable content"),
            Self::NotAReport => {
                f.write_str("the headers claim a journal report, but it has no envelope")
            }
            Self::EnvelopeTooLong { bytes_max } => {
                write!(f, "the report's envelope is longer than the {bytes_max} bytes read")
            }
            Self::TooManyRecipients { recipients_max } => {
                write!(f, "the envelope lists more than {recipients_max} recipients")
            }
            Self::EnvelopeLine { text } => {
                write!(f, "the envelope holds a line that is no field of it: \"{text}\"")
            }
            Self::UnknownRecipient { text } => {
                write!(f, "the envelope lists a recipient without an address: \"{text}\"")
            }
            Self::EnvelopeDamaged => f.write_str("damaged base64 in the report's envelope"),
            Self::EnvelopeCut => f.write_str("the delivery ends inside the report's envelope"),
            Self::ReportFromCopies => f.write_str(
                "the headers claim a journal report, but the source sends copies: it is a message",
            ),
            Self::MoreThanReport => f.write_str(
                "the report holds more than its envelope and the message; it is kept as a message too",
            ),
            Self::SecondReport => {
                f.write_str("the notice returns a second report, whose envelope is not read")
            }
            Self::OriginatorUnclear => {
                f.write_str("the header names its organisation (X-OriginatorOrg) in two ways")
            }
            Self::OriginalMissing => f.write_str("the report carries no message"),
            Self::OriginalTruncated => {
                f.write_str("the delivery ends inside the journaled message")
            }
            Self::OriginalIsReport { .. } => {
                f.write_str("the journaled message is itself a journal report")
            }
            Self::Tnef { .. } => f.write_str("a TNEF body is kept whole and not decoded"),
            Self::More { count } => write!(f, "{count} more defects are not listed"),
        }
    }
}

/// Defects gathered in order, bounded; each different one is kept once.
#[derive(Default)]
pub(super) struct Defects {
    list: Vec<Defect>,
    left_out: u64,
}

impl Defects {
    pub(super) fn add(&mut self, defect: Defect) {
        if self.list.contains(&defect) {
            return;
        }
        if self.list.len() < DEFECTS_MAX {
            self.list.push(defect);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn any(&self, test: impl Fn(&Defect) -> bool) -> bool {
        self.list.iter().any(test) || self.left_out > 0
    }

    pub(super) fn finish(mut self) -> Vec<Defect> {
        if self.left_out > 0 {
            self.list.push(Defect::More { count: self.left_out });
        }
        self.list
    }
}

/// At most `chars_max` characters of `bytes`, for showing.
pub(super) fn shown(bytes: &[u8], chars_max: usize) -> String {
    let window = &bytes[..bytes.len().min(chars_max * 4)];
    String::from_utf8_lossy(window).chars().take(chars_max).collect()
}

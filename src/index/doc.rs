//! What is indexed of one message set: a family (the message and everything
//! attached to it) as one value that knows no engine. The follower makes it
//! from the parse and the envelopes of every delivery; the index stores it
//! whole, so that a later delivery can be merged into it.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::ids::SetId;
use crate::mail::delivery::Kind;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FamilyDoc {
    pub set: SetId,
    /// Of the first delivery.
    pub received_at: Timestamp,
    /// The `Date:` header; none where it is missing or unusable.
    pub sent_at: Option<Timestamp>,
    pub size_bytes: u64,
    /// Without angle brackets.
    pub message_id: String,
    pub subject: String,
    /// The message's own text, from its text part or its HTML, and where its
    /// links lead.
    pub body: String,
    /// Every header field as `Name: value`, of the message in all its versions, of
    /// its parts and of messages in it; each once.
    pub headers: Vec<String>,
    /// Who took part, from headers and envelopes of every delivery.
    pub participants: Vec<Participant>,
    /// In order, nested ones included.
    pub attachments: Vec<AttachmentDoc>,
    /// The sources that delivered it.
    pub sources: Vec<String>,
    /// The retention classes of its deliveries.
    pub classes: Vec<String>,
    /// SHA-256 in hex of its messages: more than one where the same content came
    /// in other bytes.
    pub messages: Vec<String>,
    /// SHA-256 in hex of its attachments.
    pub hashes: Vec<String>,
    /// Something of it could not be indexed: it has a gap.
    pub is_partial: bool,
    /// Not all header fields of its versions are in `headers`.
    #[serde(default)]
    pub are_headers_cut: bool,
    /// At least one delivery showed what its source must show.
    pub is_proven: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Participant {
    pub role: Role,
    /// As written; the index compares it in lower case.
    pub address: String,
    /// The display name, or empty.
    pub name: String,
}

/// How someone took part. The names are those of the catalog's `participant.role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    From,
    Sender,
    OnBehalfOf,
    To,
    Cc,
    Bcc,
    /// Named by an envelope without saying how.
    Recipient,
    /// A distribution list whose members received it.
    Expanded,
    /// An address whose mail is forwarded to a recipient.
    Forwarded,
}

impl Role {
    /// The word the catalog keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::Sender => "sender",
            Self::OnBehalfOf => "on-behalf-of",
            Self::To => "to",
            Self::Cc => "cc",
            Self::Bcc => "bcc",
            Self::Recipient => "recipient",
            Self::Expanded => "expanded",
            Self::Forwarded => "forwarded",
        }
    }
}

impl From<Kind> for Role {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::To => Self::To,
            Kind::Cc => Self::Cc,
            Kind::Bcc => Self::Bcc,
            Kind::Recipient => Self::Recipient,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttachmentDoc {
    pub name: String,
    pub media_type: String,
    /// None where no text could be had of it; that is a gap.
    pub text: Option<String>,
}

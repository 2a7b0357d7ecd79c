//! What is indexed of one message set: a family (the message and everything
//! attached to it) as one value that knows no engine. The follower makes it
//! from the parse and the envelopes of every delivery; the index stores it
//! whole, so that a later delivery can be merged into it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::ids::SetId;
use crate::base::limits::DELIVERY_DATES_MAX;
use crate::mail::delivery::Kind;
use crate::similar::Links;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FamilyDoc {
    pub set: SetId,
    /// Of the first delivery.
    pub received_at: Timestamp,
    /// When its other deliveries were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub received_again: Vec<Timestamp>,
    /// The `Date:` header; none where it is missing or unusable.
    pub sent_at: Option<Timestamp>,
    pub size_bytes: u64,
    /// Of the first of its messages, without angle brackets.
    pub message_id: String,
    pub subject: String,
    /// The message's own text, from its text part or its HTML, and where its
    /// links lead.
    pub body: String,
    /// Every header field as `Name: value`, of the message in all its versions, of
    /// its parts and of messages in it; each once.
    pub headers: Vec<String>,
    /// For each of `messages`, the places in `headers` of its fields; nothing where
    /// there is one message alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<Vec<u32>>,
    /// What its versions say of other messages, each once, with the places in `messages`
    /// of those that say it.
    #[serde(default)]
    pub links: Vec<(Links, Vec<u32>)>,
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
    /// The reasons of its gaps, as the catalog has them.
    #[serde(default)]
    pub gaps: Vec<String>,
    /// ISO 639-3, of its message and attachments, where they are known.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Not all header fields of its versions are in `headers`, or not all in `links`, or
    /// not all dates of its deliveries in `received_again`.
    #[serde(default)]
    pub are_headers_cut: bool,
    /// At least one delivery showed what its source must show.
    pub is_proven: bool,
    /// At least one did not: some of what the archive knows of it may be a stranger's.
    #[serde(default)]
    pub has_unproven: bool,
}

impl FamilyDoc {
    /// Those of all its messages, as they are compared.
    pub(super) fn message_ids(&self) -> BTreeSet<String> {
        let ids = self.links.iter().map(|(links, _)| &links.id).chain([&self.message_id]);
        ids.map(|id| id.to_lowercase()).collect()
    }

    /// Takes note of when another delivery was received; says whether that was news.
    pub fn add_received(&mut self, at: Timestamp) -> bool {
        if at == self.received_at || self.received_again.contains(&at) {
            return false;
        }
        if self.received_again.len() == DELIVERY_DATES_MAX && at > self.received_at {
            self.are_headers_cut = true;
            return !std::mem::replace(&mut self.is_partial, true);
        }
        let later = at.max(self.received_at);
        self.received_at = at.min(self.received_at);
        self.received_again.push(later);
        true
    }

    /// Of its texts: nearly all that it holds of memory.
    pub fn text_bytes(&self) -> usize {
        let of_headers: usize = self.headers.iter().map(String::len).sum();
        let texts = self.attachments.iter().filter_map(|file| file.text.as_deref());
        self.body.len() + of_headers + texts.map(str::len).sum::<usize>()
    }
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

/// What a document can be to a reader. `docs` is all that an office writes;
/// `docs`, `meetings` and `contacts` are Purview's words.
pub const DOCUMENT_KINDS: &[&str] = &[
    "email",
    "docs",
    "document",
    "spreadsheet",
    "presentation",
    "picture",
    "sound",
    "video",
    "calendar",
    "meetings",
    "contact",
    "contacts",
    "archive",
    "other",
];

impl AttachmentDoc {
    /// Its media type, and the ending of its name.
    pub fn types(&self) -> Vec<String> {
        let mut types = vec![self.media_type.to_lowercase()];
        types.extend(self.ending());
        types
    }

    /// Of [`DOCUMENT_KINDS`].
    pub fn kinds(&self) -> Vec<&'static str> {
        let media_type = self.media_type.to_lowercase();
        let ending = self.ending().unwrap_or_default();
        let has = |parts: &[&str]| parts.iter().any(|part| media_type.contains(part));
        let ends = |endings: &[&str]| endings.contains(&ending.as_str());
        if has(&["message/rfc822", "vnd.ms-outlook-pst", "application/mbox"])
            || media_type == "application/vnd.ms-outlook"
        {
            vec!["email"]
        } else if has(&["calendar"]) || ends(&["ics"]) {
            vec!["calendar", "meetings"]
        } else if has(&["vcard"]) || ends(&["vcf"]) {
            vec!["contact", "contacts"]
        } else if has(&["spreadsheet", "ms-excel", "text/csv"]) || ends(&["csv", "ods"]) {
            vec!["docs", "spreadsheet"]
        } else if has(&["presentation", "powerpoint"]) || ends(&["odp"]) {
            vec!["docs", "presentation"]
        } else if has(&["image/"]) {
            vec!["picture"]
        } else if has(&["audio/"]) {
            vec!["sound"]
        } else if has(&["video/"]) {
            vec!["video"]
        } else if has(&["zip", "x-tar", "x-7z", "x-xz", "zstd", "x-rar"]) {
            vec!["archive"]
        } else if has(&["text/", "word", "rtf", "pdf", "opendocument.text", "xml"]) {
            vec!["docs", "document"]
        } else {
            vec!["other"]
        }
    }

    fn ending(&self) -> Option<String> {
        let (_, ending) = self.name.rsplit_once('.')?;
        let is_plain =
            (1..=10).contains(&ending.len()) && ending.chars().all(char::is_alphanumeric);
        is_plain.then(|| ending.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_by_type_and_ending() {
        for (media_type, name, kinds) in [
            ("application/pdf", "a.PDF", &["docs", "document"][..]),
            ("application/vnd.ms-excel", "", &["docs", "spreadsheet"]),
            (
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "",
                &["docs", "document"],
            ),
            (
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
                "",
                &["docs", "presentation"],
            ),
            ("message/rfc822", "", &["email"]),
            ("application/vnd.ms-outlook", "a.msg", &["email"]),
            ("image/png", "", &["picture"]),
            ("application/octet-stream", "invite.ics", &["calendar", "meetings"]),
            ("application/zip", "", &["archive"]),
            ("application/octet-stream", "x", &["other"]),
        ] {
            let doc =
                AttachmentDoc { name: name.into(), media_type: media_type.into(), text: None };
            assert_eq!(doc.kinds(), kinds, "{media_type} {name}");
            assert!(doc.kinds().iter().all(|kind| DOCUMENT_KINDS.contains(kind)));
        }
        let doc = AttachmentDoc { name: "a.b.PDF".into(), media_type: "X/Y".into(), text: None };
        assert_eq!(doc.types(), ["x/y", "pdf"]);
    }
}

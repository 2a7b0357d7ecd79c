//! What one forward pass over a delivery's exact bytes finds.
//!
//! The reader runs before the 250, on hostile bytes. It keeps none of the
//! content: only hashes, places, names and the envelope of a journal report. It
//! never fails; how the input is cut into pieces changes nothing.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::base::config::Sends;
use crate::base::hash::{Digest, Hasher};
use crate::base::limits;
pub use crate::mail::decode::Encoding;
use crate::mail::decode::decode;
pub use crate::mail::defect::Defect;
pub use crate::mail::journal::{Envelope, Kind, Recipient, Via};
use crate::mail::part::{Findings, ReportFound};
use crate::mail::scan::Scanner;

/// What a delivery turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A message as it is; the delivery is the message.
    Bare,
    /// A journal report around the message.
    Report,
    /// A journal report as Exchange 2003 wrote it.
    Report2003,
    /// A delivery failure notice around a journal report.
    WrappedReport,
}

/// Everything that is recorded of a delivery's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub sha256: Digest,
    pub size: u64,
    pub form: Form,
    /// Of the report; none for a bare message.
    pub envelope: Option<Envelope>,
    /// The outermost `X-OriginatorOrg`.
    pub originator_org: Option<String>,
    /// Every message and attachment that is committed to, each before what it
    /// holds. The first is the whole of a bare delivery, of a report in which no
    /// original message is found, and of one that holds words beside envelope
    /// and originals: they could not be found otherwise. What claims to be a report
    /// and has no envelope is bare, and the messages in it are messages too.
    pub entries: Vec<Entry>,
    pub defects: Vec<Defect>,
}

/// A journaled message, or an attachment at any depth of it. A report without
/// one is the message.
///
/// An attachment is every leaf part and every contained message, except
/// `text/plain` and `text/html` parts without a file name that are not marked
/// `attachment`: those are the message's own text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub role: Role,
    /// The message that holds it. None for a journaled message, and for what a
    /// report or a failure notice carries beside it.
    pub parent: Option<u32>,
    /// The file name that a header gives, decoded; may be empty.
    pub name: String,
    pub media_type: String,
    pub place: Place,
    /// Of the decoded bytes.
    pub sha256: Digest,
    /// Of the decoded bytes.
    pub size: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Message,
    Attachment,
}

/// Where an entry's encoded bytes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The entry whose decoded bytes hold it; none for the delivery itself.
    pub within: Option<u32>,
    pub offset: u64,
    pub len: u64,
    pub encoding: Encoding,
}

/// Pieces are hashed and scanned in turns this long, while they are in cache.
const TURN_BYTES: usize = 32 << 10;

/// Reads a delivery that arrives in pieces.
pub struct Reader {
    hasher: Hasher,
    size: u64,
    findings: Findings,
    scanner: Scanner,
}

impl Reader {
    /// Of a delivery whose source sends this.
    pub fn new(sends: Sends) -> Self {
        Self {
            hasher: Hasher::new(),
            size: 0,
            findings: Findings::new(sends),
            scanner: Scanner::of_delivery(),
        }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        for turn in bytes.chunks(TURN_BYTES) {
            self.hasher.update(turn);
            self.scanner.push(&mut self.findings, turn);
        }
        self.size += bytes.len() as u64;
    }

    pub fn finish(mut self) -> Delivery {
        self.scanner.finish(&mut self.findings);
        let sha256 = self.hasher.finish();
        self.findings.whole(sha256, self.size);
        self.findings.into_delivery(sha256, self.size)
    }
}

/// A delivery that is at hand as a whole, of a source that sends reports.
pub fn read(bytes: &[u8]) -> Delivery {
    let mut reader = Reader::new(Sends::Reports);
    reader.push(bytes);
    reader.finish()
}

/// The decoded bytes of `entries[index]`, borrowed where nothing is encoded; none if
/// the delivery does not hold them where the entries say.
pub fn entry_bytes<'a>(
    delivery: &'a [u8],
    entries: &[Entry],
    index: usize,
) -> Option<Cow<'a, [u8]>> {
    // Innermost first. An entry lies only within one before it, so this ends.
    let mut path = vec![entries.get(index)?];
    let mut at = index;
    while let Some(within) = path[path.len() - 1].place.within {
        let outer = within as usize;
        if outer >= at || path.len() > limits::MIME_DEPTH_MAX {
            return None;
        }
        path.push(entries.get(outer)?);
        at = outer;
    }
    let mut content = Cow::Borrowed(delivery);
    while let Some(entry) = path.pop() {
        let start = usize::try_from(entry.place.offset).ok()?;
        let end = start.checked_add(usize::try_from(entry.place.len).ok()?)?;
        content = match (&content, entry.place.encoding) {
            (Cow::Borrowed(held), Encoding::Identity) => Cow::Borrowed(held.get(start..end)?),
            (held, encoding) => Cow::Owned(decode(encoding, held.get(start..end)?)),
        };
    }
    Some(content)
}

/// As [`entry_bytes`], with a share in the delivery where nothing is encoded.
pub fn entry_shared(delivery: &Bytes, entries: &[Entry], index: usize) -> Option<Bytes> {
    Some(match entry_bytes(delivery, entries, index)? {
        Cow::Borrowed(bytes) => delivery.slice_ref(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    })
}

impl Findings {
    fn into_delivery(self, sha256: Digest, size: u64) -> Delivery {
        let Findings { mut entries, mut defects, report, originator_org, mut has_more, .. } = self;
        let (form, envelope) = match report {
            Some(ReportFound { form, envelope: Some(envelope) }) => (form, Some(envelope)),
            Some(ReportFound { envelope: None, .. }) => {
                defects.add(Defect::NotAReport);
                (Form::Bare, None)
            }
            None => (Form::Bare, None),
        };
        let is_report = form != Form::Bare;
        // Also in what only claims to be a report: who took part in it is found by its own
        // header, which the whole does not have.
        let has_original = entries.iter().skip(1).any(|entry| entry.role == Role::Message);
        if is_report && !has_original {
            defects.add(Defect::OriginalMissing);
        }
        if is_report && has_original {
            has_more |= defects.any(Defect::hides_words);
            if has_more && form != Form::WrappedReport {
                defects.add(Defect::MoreThanReport);
            }
        }
        let mut defects = defects.finish();
        if has_original {
            keep_originals(&mut entries);
            if is_report && !has_more {
                drop_whole(&mut entries, &mut defects);
            }
        } else {
            // A report around nothing is itself the message: nothing that was
            // received is without one, or it could not be found.
            for entry in entries.iter_mut().skip(1) {
                entry.role = Role::Attachment;
            }
        }
        Delivery { sha256, size, form, envelope, originator_org, entries, defects }
    }
}

/// What a report carries is a message by itself, and no attachment of it.
fn keep_originals(entries: &mut [Entry]) {
    for entry in entries.iter_mut().filter(|entry| entry.role == Role::Message) {
        entry.parent = None;
    }
}

/// A report around messages and nothing else is no entry: the first goes, the
/// rest move up.
fn drop_whole(entries: &mut Vec<Entry>, defects: &mut [Defect]) {
    entries.remove(0);
    for entry in entries {
        entry.parent = entry.parent.and_then(|parent| parent.checked_sub(1));
        entry.place.within = entry.place.within.and_then(|within| within.checked_sub(1));
    }
    for entry in defects.iter_mut().filter_map(Defect::entry_mut) {
        *entry = entry.saturating_sub(1);
    }
}

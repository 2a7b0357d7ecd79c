//! What the scanner gathers, and the leaf parts whose content it follows.

use crate::base::config::Sends;
use crate::base::hash::{Digest, Hasher};
use crate::base::limits;
use crate::mail::decode::{Decoder, Encoding};
use crate::mail::defect::{Defect, Defects, shown};
use crate::mail::delivery::{Entry, Form, Place, Role};
use crate::mail::encoded_word;
use crate::mail::header::{self, Field, unfold};
use crate::mail::journal::{self, Claim, Envelope};
use crate::mail::notice;
use crate::mail::parameters::Parameters;
use crate::mail::scan::Scanner;

const MEDIA_TYPE_CHARS_MAX: usize = 127;
const ORIGINATOR_CHARS_MAX: usize = 255;

/// What was found so far, over all scanners of one delivery.
pub(super) struct Findings {
    /// The first stands for the whole delivery, whatever it turns out to be.
    pub entries: Vec<Entry>,
    pub defects: Defects,
    pub parts: usize,
    /// A message that claims to be a report, once its envelope can be expected.
    pub report: Option<ReportFound>,
    /// A report, or a notice around one, holds words beside its envelope and the
    /// originals.
    pub has_more: bool,
    pub originator_org: Option<String>,
    pub sends: Sends,
}

pub(super) struct ReportFound {
    pub form: Form,
    pub envelope: Option<Envelope>,
}

impl Findings {
    pub(super) fn new(sends: Sends) -> Self {
        let whole = Entry {
            role: Role::Message,
            parent: None,
            name: String::new(),
            media_type: "message/rfc822".to_owned(),
            place: Place { within: None, offset: 0, len: 0, encoding: Encoding::Identity },
            sha256: Digest([0; 32]),
            size: 0,
        };
        Self {
            entries: vec![whole],
            defects: Defects::default(),
            parts: 0,
            report: None,
            has_more: false,
            originator_org: None,
            sends,
        }
    }

    pub(super) fn whole(&mut self, sha256: Digest, size: u64) {
        self.close(0, size, sha256, size);
    }

    pub(super) fn open(&mut self, entry: Entry) -> u32 {
        self.entries.push(entry);
        (self.entries.len() - 1) as u32
    }

    pub(super) fn close(&mut self, entry: u32, len: u64, sha256: Digest, size: u64) {
        if let Some(entry) = self.entries.get_mut(entry as usize) {
            entry.place.len = len;
            entry.sha256 = sha256;
            entry.size = size;
        }
    }

    /// Counts a part; false once there are too many.
    pub(super) fn count_part(&mut self) -> bool {
        self.parts += 1;
        if self.parts > limits::MIME_PARTS_MAX {
            let parts_max = limits::MIME_PARTS_MAX as u32;
            self.defects.add(Defect::TooManyParts { parts_max });
        }
        self.parts <= limits::MIME_PARTS_MAX
    }
}

/// What a part's or message's header says about its body.
pub(super) struct Described {
    pub content_type: Parameters,
    pub encoding: Encoding,
    /// The transfer encoding as it was written, where it is not the identity.
    pub encoding_name: String,
    pub name: String,
    pub is_attachment: bool,
    pub claim: Option<Claim>,
    /// It says of itself that a program wrote it, as failure notices do.
    pub is_automatic: bool,
    pub originator_org: Option<String>,
}

impl Described {
    pub(super) fn parse(block: &[u8], default_type: &str, defects: &mut Defects) -> Self {
        let (mut content_type, mut disposition, mut encoding) = (None, None, None);
        let (mut claim, mut originator_org) = (None, None);
        let mut is_automatic = false;
        let mut is_originator_clear = true;
        for field in header::fields(block) {
            // The first of several counts, everywhere.
            let keep = |slot: &mut Option<Vec<u8>>, field: &Field<'_>| {
                slot.get_or_insert_with(|| unfold(field.value));
            };
            match field.name.len() {
                12 if field.is("Content-Type") => keep(&mut content_type, &field),
                19 if field.is("Content-Disposition") => keep(&mut disposition, &field),
                25 if field.is("Content-Transfer-Encoding") => keep(&mut encoding, &field),
                15 if field.is("X-OriginatorOrg") => {
                    let value = unfold(field.value);
                    let first = originator_org.get_or_insert_with(|| value.clone());
                    is_originator_clear &= value.eq_ignore_ascii_case(first);
                }
                _ => {
                    claim = claim.or_else(|| Claim::of(&field));
                    is_automatic |= notice::tells(&field);
                }
            }
        }
        if !is_originator_clear {
            // One of them was written by somebody else than the server.
            defects.add(Defect::OriginatorUnclear);
            originator_org = None;
        }
        let mut content_type = Parameters::parse(content_type.as_deref().unwrap_or_default());
        if content_type.token.is_empty() {
            content_type.token = default_type.to_owned();
        } else if !content_type.token.contains('/') {
            // RFC 2045 section 5.2: what cannot be read is plain text.
            content_type.token = "text/plain".to_owned();
        }
        content_type.token = shown(content_type.token.as_bytes(), MEDIA_TYPE_CHARS_MAX);
        let disposition = Parameters::parse(disposition.as_deref().unwrap_or_default());
        let name = disposition.text("filename").or_else(|| content_type.text("name"));
        let (encoding, encoding_name) = self::encoding(encoding.as_deref(), defects);
        Self {
            encoding,
            encoding_name,
            name: name.unwrap_or_default(),
            is_attachment: disposition.token == "attachment",
            claim,
            is_automatic,
            originator_org: originator_org.map(|org| shown(&org, ORIGINATOR_CHARS_MAX)),
            content_type,
        }
    }

    pub(super) fn media_type(&self) -> &str {
        &self.content_type.token
    }

    /// What may be a report's envelope. Some gateways make an attachment of the part.
    pub(super) fn may_be_envelope(&self) -> bool {
        self.media_type() == "text/plain"
    }

    /// The message's own text, see [`Entry`].
    pub(super) fn is_inline_text(&self) -> bool {
        matches!(self.media_type(), "text/plain" | "text/html")
            && self.name.is_empty()
            && !self.is_attachment
    }

    pub(super) fn is_message(&self) -> bool {
        matches!(self.media_type(), "message/rfc822" | "message/global" | "message/news")
    }

    pub(super) fn is_tnef(&self) -> bool {
        matches!(self.media_type(), "application/ms-tnef" | "application/vnd.ms-tnef")
            || self.name.eq_ignore_ascii_case("winmail.dat")
    }
}

fn encoding(value: Option<&[u8]>, defects: &mut Defects) -> (Encoding, String) {
    let token = Parameters::parse(value.unwrap_or_default()).token;
    let encoding = match token.as_str() {
        "" | "7bit" | "8bit" | "binary" => return (Encoding::Identity, String::new()),
        "base64" => Encoding::Base64,
        "quoted-printable" => Encoding::QuotedPrintable,
        _ => {
            defects.add(Defect::EncodingUnknown { name: shown(token.as_bytes(), 40) });
            Encoding::Identity
        }
    };
    (encoding, token)
}

/// A leaf whose content is followed: an attachment, an encoded message, or the
/// text of a report.
pub(super) struct Leaf {
    start: u64,
    decoder: Decoder,
    decoded: Vec<u8>,
    content: Content,
}

enum Content {
    Entry {
        entry: u32,
        hasher: Hasher,
        size: u64,
        inner: Option<Box<Scanner>>,
    },
    Envelope {
        text: Vec<u8>,
        charset: &'static encoding_rs::Encoding,
        is_cut: bool,
        named: Option<Named>,
    },
}

/// A part with a name, which is an attachment where it turns out to be no envelope.
struct Named {
    entry: u32,
    hasher: Hasher,
    size: u64,
}

impl Leaf {
    pub(super) fn entry(
        start: u64,
        encoding: Encoding,
        entry: u32,
        inner: Option<Box<Scanner>>,
    ) -> Self {
        let content = Content::Entry { entry, hasher: Hasher::new(), size: 0, inner };
        Self { start, decoder: Decoder::new(encoding), decoded: Vec::new(), content }
    }

    /// Of a part that has a name, `named` is the entry last opened.
    pub(super) fn envelope(start: u64, described: &Described, named: Option<u32>) -> Self {
        let label = described.content_type.bytes("charset").unwrap_or_default();
        let charset = encoded_word::charset(label);
        let named = named.map(|entry| Named { entry, hasher: Hasher::new(), size: 0 });
        let content = Content::Envelope { text: Vec::new(), charset, is_cut: false, named };
        let decoder = Decoder::new(described.encoding);
        Self { start, decoder, decoded: Vec::new(), content }
    }

    /// Takes the bytes that lie at `at`; those before the leaf's start are not its.
    pub(super) fn take(&mut self, findings: &mut Findings, at: u64, bytes: &[u8]) {
        let bytes = from(self.start, at, bytes);
        if let Decoder::Identity = self.decoder {
            return self.content.take(findings, bytes);
        }
        self.decoded.clear();
        self.decoder.push(bytes, &mut self.decoded);
        self.content.take(findings, &self.decoded);
    }

    /// Whether it may be a report's envelope.
    pub(super) fn is_envelope(&self) -> bool {
        matches!(self.content, Content::Envelope { .. })
    }

    /// The content ended at `end`.
    pub(super) fn close(mut self, findings: &mut Findings, end: u64) {
        self.decoded.clear();
        let is_damaged = self.decoder.finish(&mut self.decoded);
        self.content.take(findings, &self.decoded);
        match self.content {
            Content::Entry { entry, hasher, size, inner } => {
                match self.decoder {
                    Decoder::Base64(_) if is_damaged => {
                        findings.defects.add(Defect::Base64Damaged { entry });
                        // Text may stand beside it.
                        let found = findings.entries.get(entry as usize);
                        let is_original = found.is_some_and(|entry| entry.role == Role::Message);
                        findings.has_more |= is_original;
                    }
                    Decoder::QuotedPrintable(_) if is_damaged => {
                        findings.defects.add(Defect::QuotedPrintableDamaged { entry });
                    }
                    _ => {}
                }
                if let Some(mut inner) = inner {
                    inner.finish(findings);
                }
                let len = end.saturating_sub(self.start);
                findings.close(entry, len, hasher.finish(), size);
            }
            Content::Envelope { text, charset, is_cut, named } => {
                let is_envelope = envelope_read(findings, &text, charset, is_cut);
                if is_envelope && is_damaged && matches!(self.decoder, Decoder::Base64(_)) {
                    findings.defects.add(Defect::EnvelopeDamaged);
                }
                match named {
                    // Nothing was opened after it, for a leaf holds none.
                    Some(_) if is_envelope => {
                        findings.entries.pop();
                    }
                    Some(Named { entry, hasher, size }) => {
                        findings.has_more = true;
                        let len = end.saturating_sub(self.start);
                        findings.close(entry, len, hasher.finish(), size);
                    }
                    None => findings.has_more |= !is_envelope && !text.trim_ascii().is_empty(),
                }
            }
        }
    }
}

impl Content {
    fn take(&mut self, findings: &mut Findings, bytes: &[u8]) {
        match self {
            Self::Entry { hasher, size, inner, .. } => {
                hasher.update(bytes);
                *size += bytes.len() as u64;
                if let Some(inner) = inner {
                    inner.push(findings, bytes);
                }
            }
            Self::Envelope { text, is_cut, named, .. } => {
                if let Some(Named { hasher, size, .. }) = named {
                    hasher.update(bytes);
                    *size += bytes.len() as u64;
                }
                let room = limits::ENVELOPE_BYTES_MAX - text.len();
                *is_cut |= bytes.len() > room;
                text.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
        }
    }
}

/// Whether the text is an envelope, which is kept.
fn envelope_read(
    findings: &mut Findings,
    text: &[u8],
    charset: &'static encoding_rs::Encoding,
    is_cut: bool,
) -> bool {
    let Some(report) = &mut findings.report else { return false };
    if report.envelope.is_some() {
        return false;
    }
    report.envelope = journal::parse(text, charset, &mut findings.defects);
    if is_cut {
        let bytes_max = limits::ENVELOPE_BYTES_MAX as u64;
        findings.defects.add(Defect::EnvelopeTooLong { bytes_max });
    }
    findings.report.as_ref().is_some_and(|report| report.envelope.is_some())
}

/// What of `bytes`, which lie at `at`, is not before `start`.
pub(super) fn from(start: u64, at: u64, bytes: &[u8]) -> &[u8] {
    let before = usize::try_from(start.saturating_sub(at)).unwrap_or(usize::MAX);
    bytes.get(before..).unwrap_or_default()
}

//! A family: the documents of one message, taken apart to any depth within
//! bounds. Every container gives its documents to [`Walk::document`], which
//! lists each, has it read, and declares what could not be.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use super::cms::{self, Cms};
use super::container::{mbox, packed, pst, sevenz, tar, tnef, zip};
use super::kind::{self, Kind};
use super::locked::Passwords;
use super::office::{self, opendocument};
use super::picture::Scan;
use super::sink::Sink;
use super::{
    Attachment, Gap, Parsed, Reason, calendar, charset, html, message, ole, pdf, rtf, text, xml,
};
use crate::base::hash::Digest;
use crate::base::limits;

/// What a reader was told to leave alone, documents that ended or stalled a
/// child before, and how long it may take with the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Care {
    /// By ordinal.
    pub failed: Vec<(u32, Reason)>,
    /// From this ordinal on nothing is read, but still listed.
    pub unread_from: Option<u32>,
    pub patience: Patience,
    /// Whether somebody reads what is given by its looks.
    #[serde(default)]
    pub has_ocr: bool,
    /// What closed documents may open with.
    #[serde(default)]
    pub passwords: Passwords,
}

/// How long the documents of a family may take, and what is said of those for
/// which no time is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Patience {
    /// Others wait for the answer; what takes longer is read again.
    Short,
    #[default]
    Full,
}

impl Care {
    /// Lists the documents without reading what is in them.
    pub fn outside() -> Self {
        Self { unread_from: Some(0), ..Self::default() }
    }

    pub fn short() -> Self {
        Self { patience: Patience::Short, ..Self::default() }
    }

    /// Leaves a document for later; after a second one, all of them.
    pub fn postpone(&mut self, ordinal: u32) {
        match self.failed.is_empty() {
            true => self.failed.push((ordinal, Reason::Pending)),
            false => self.unread_from = Some(0),
        }
    }
}

impl Patience {
    fn time(self) -> Duration {
        Duration::from_secs(match self {
            Self::Short => limits::FAMILY_FIRST_SECONDS_MAX,
            Self::Full => limits::FAMILY_SECONDS_MAX,
        })
    }
}

/// Where a part or document stands.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    pub depth: usize,
    /// The document whose content it is.
    pub parent: Option<u32>,
    /// RFC 2046 section 5.1.5: parts of a digest are messages unless they say.
    pub in_digest: bool,
    /// Within an archive or an office file: no part of the mail itself.
    pub is_within: bool,
}

/// What a document was sent as.
#[derive(Clone, Copy, Default)]
pub(super) struct Named<'a> {
    pub name: &'a str,
    /// A media type, or empty.
    pub declared: &'a str,
    pub charset: Option<&'a str>,
}

pub(super) struct Walk<'a> {
    pub parsed: Parsed,
    pub parts: usize,
    pub text_bytes_left: usize,
    pub header_bytes_left: usize,
    pub is_too_deep: bool,
    expanded_bytes: usize,
    expanded_bytes_max: usize,
    care: &'a Care,
    /// Told of each document before it is read.
    watch: &'a mut dyn FnMut(u32),
    ends_at: Instant,
    /// The document whose bytes are wanted, and what was found.
    wanted: Option<u32>,
    pub taken: Option<Vec<u8>>,
    /// What is to be read by its looks, and how much more of it is kept.
    pub scans: Vec<Scan>,
    scan_bytes_left: usize,
}

impl<'a> Walk<'a> {
    pub fn new(size: usize, care: &'a Care, watch: &'a mut dyn FnMut(u32)) -> Self {
        let by_ratio = size.saturating_mul(limits::EXPANDED_RATIO_MAX);
        Self {
            parsed: Parsed::default(),
            parts: 0,
            text_bytes_left: limits::TEXT_TOTAL_BYTES_MAX,
            header_bytes_left: limits::INNER_HEADER_BYTES_MAX,
            is_too_deep: false,
            expanded_bytes: 0,
            expanded_bytes_max: by_ratio
                .clamp(limits::EXPANDED_FREE_BYTES, limits::EXPANDED_BYTES_MAX),
            care,
            watch,
            ends_at: Instant::now() + care.patience.time(),
            wanted: None,
            taken: None,
            scans: Vec::new(),
            scan_bytes_left: limits::OCR_BYTES_MAX,
        }
    }

    pub fn wanting(mut self, ordinal: u32) -> Self {
        self.wanted = Some(ordinal);
        self
    }

    /// How many bytes the next document may become when unpacked.
    pub fn room(&self) -> usize {
        let left = self.expanded_bytes_max.saturating_sub(self.expanded_bytes);
        left.min(limits::EXPANDED_DOCUMENT_BYTES_MAX)
    }

    /// Counts unpacked bytes.
    pub fn expanded(&mut self, bytes: usize) {
        self.expanded_bytes = self.expanded_bytes.saturating_add(bytes);
    }

    pub fn passwords(&self) -> &'a Passwords {
        &self.care.passwords
    }

    pub fn is_late(&self) -> bool {
        Instant::now() >= self.ends_at
    }

    /// What is to be said of something for which no time is left.
    pub fn late(&self) -> Reason {
        match self.care.patience {
            Patience::Short => Reason::Pending,
            Patience::Full => Reason::TimedOut,
        }
    }

    /// Whether there is room for one more document.
    pub fn has_room(&self) -> bool {
        self.parsed.attachments.len() < limits::DOCUMENTS_MAX
    }

    /// Lists a document and reads it with all that is in it.
    pub fn document(&mut self, content: &[u8], named: Named<'_>, place: Place) -> u32 {
        let kind = kind::of(content, named.declared, named.name);
        let media_type = kind.media_type().unwrap_or(match (kind, named.declared) {
            (Kind::OpenDocument, _) => opendocument::media_type(content),
            (Kind::Package, _) => "application/vnd.openxmlformats-package",
            (Kind::Plain, "" | "application/octet-stream") => "text/plain",
            (Kind::Xml, "" | "application/octet-stream") => "application/xml",
            (Kind::Calendar, "" | "application/octet-stream") => "text/calendar",
            (_, "") => "application/octet-stream",
            (_, declared) => declared,
        });
        let size = content.len() as u64;
        let hashes = (Digest::of(content), md5(content));
        let ordinal = self.list(named.name, media_type, size, hashes, place);
        if self.wanted == Some(ordinal) {
            self.taken = Some(content.to_vec());
        }
        let mut sink = self.sink();
        if !self.is_refused(ordinal, place, &mut sink) {
            (self.watch)(ordinal);
            let is_part = matches!(kind, Kind::Message)
                && matches!(named.declared, "message/rfc822" | "message/global" | "message/news")
                && !place.is_within;
            let inside = Place {
                depth: place.depth + 1,
                parent: Some(ordinal),
                in_digest: false,
                is_within: !is_part,
            };
            // A library's panic costs its document.
            let read = catch_unwind(AssertUnwindSafe(|| {
                self.read(kind, content, named, inside, &mut sink);
            }));
            if read.is_err() {
                sink.gap(Reason::Crashed, "its reader failed");
            }
        }
        self.close(ordinal, sink);
        ordinal
    }

    /// Lists a document as one without a name, and has it read as what it may not be.
    pub fn taken_for(&mut self, kind: Kind, content: &[u8]) {
        let media_type = kind.media_type().unwrap_or("application/octet-stream");
        let hashes = (Digest::of(content), md5(content));
        let ordinal = self.list("", media_type, content.len() as u64, hashes, Place::default());
        let inside = Place { depth: 1, parent: Some(ordinal), in_digest: false, is_within: true };
        let mut sink = self.sink();
        self.read(kind, content, Named::default(), inside, &mut sink);
        self.close(ordinal, sink);
    }

    /// Lists a document that has no bytes of its own, and has it read by `read`.
    pub fn composed(
        &mut self,
        named: Named<'_>,
        size: u64,
        sha256: Digest,
        place: Place,
        read: impl FnOnce(&mut Self, Place, &mut Sink),
    ) {
        // Of streams and not of bytes: no other program has the like.
        let ordinal = self.list(named.name, named.declared, size, (sha256, Vec::new()), place);
        let mut sink = self.sink();
        if self.is_refused(ordinal, place, &mut sink) {
            return self.close(ordinal, sink);
        }
        let inside = Place {
            depth: place.depth + 1,
            parent: Some(ordinal),
            in_digest: false,
            is_within: true,
        };
        (self.watch)(ordinal);
        read(self, inside, &mut sink);
        self.close(ordinal, sink);
    }

    fn sink(&self) -> Sink {
        let is_now = self.care.has_ocr && self.care.patience == Patience::Full;
        Sink::new(is_now)
    }

    /// Whether a document is only listed, and why.
    fn is_refused(&self, ordinal: u32, place: Place, sink: &mut Sink) -> bool {
        let failed = self.care.failed.iter().find(|(at, _)| *at == ordinal);
        if let Some((_, reason)) = failed {
            let detail = match reason {
                Reason::Pending => "it takes longer than others, and is read again",
                _ => "its reader failed, and again in a fresh process",
            };
            sink.gap(*reason, detail);
        } else if self.care.unread_from.is_some_and(|from| ordinal >= from) || self.is_late() {
            sink.gap(self.late(), "the documents before it took all the time there is");
        } else if place.depth > limits::MIME_DEPTH_MAX {
            sink.gap(Reason::TooDeep, "it is nested deeper than is followed");
        }
        !sink.gaps.is_empty()
    }

    /// Lists a document that cannot be opened; `stored` is what lies there.
    pub fn closed(
        &mut self,
        stored: &[u8],
        named: Named<'_>,
        size: u64,
        place: Place,
        (reason, detail): (Reason, &str),
    ) {
        let declared = match named.declared {
            "" => "application/octet-stream",
            declared => declared,
        };
        let hashes = (Digest::of(stored), md5(stored));
        let ordinal = self.list(named.name, declared, size, hashes, place);
        self.parsed.gaps.push(gap(Some(ordinal), reason, detail));
    }

    fn list(
        &mut self,
        name: &str,
        media_type: &str,
        size: u64,
        (sha256, md5): (Digest, Vec<u8>),
        place: Place,
    ) -> u32 {
        let ordinal = self.parsed.attachments.len() as u32;
        self.parsed.attachments.push(Attachment {
            ordinal,
            parent: place.parent,
            name: text::prefix(name, limits::FILE_NAME_BYTES_MAX).to_owned(),
            media_type: text::prefix(media_type, limits::FILE_NAME_BYTES_MAX).to_owned(),
            size,
            sha256,
            md5,
            text: None,
            language: None,
            is_ocred: false,
            about: Vec::new(),
            is_part: !place.is_within,
        });
        ordinal
    }

    fn close(&mut self, ordinal: u32, mut sink: Sink) {
        let at = Some(ordinal);
        let is_blank = sink.text.trim().is_empty();
        // What is in a document is listed right after it.
        let has_inner = self.parsed.attachments.len() > ordinal as usize + 1;
        let is_scanned = !sink.scans.is_empty();
        self.keep_scans(ordinal, &mut sink);
        if sink.pictures > 0 {
            let detail = format!("pictures in it that are not read: {}", sink.pictures);
            sink.gap(Reason::NotOcred, detail);
        } else if is_blank
            && !is_scanned
            && !sink.is_container
            && !has_inner
            && sink.gaps.is_empty()
        {
            sink.gap(Reason::NoText, "there are no words in it");
        }
        let mut said: String =
            sink.about.iter().map(|field| format!("{}: {}\n", field.name, field.value)).collect();
        let has_text = sink.is_container || !is_blank || !said.is_empty();
        said.push_str(&sink.text);
        let text = (has_text || sink.gaps.is_empty()).then(|| self.keep_text(&said, at));
        if let Some(attachment) = self.parsed.attachments.get_mut(ordinal as usize) {
            attachment.language = text.as_deref().and_then(text::language);
            attachment.text = text;
            attachment.about = sink.about;
        }
        let gaps = sink.gaps.into_iter().map(|(reason, detail)| gap(at, reason, &detail));
        self.parsed.gaps.extend(gaps);
    }

    /// Keeps what is to be read by its looks, or says why it is not.
    fn keep_scans(&mut self, ordinal: u32, sink: &mut Sink) {
        let scans = std::mem::take(&mut sink.scans);
        if !self.care.has_ocr {
            // Nobody has looked, whatever they are.
            sink.pictures += sink.small_pictures;
        }
        if !sink.keeps_scans {
            let pages: usize = scans.iter().map(|(pages, _)| pages.len()).sum();
            match (self.care.has_ocr, pages) {
                _ if scans.is_empty() => {}
                (true, _) => sink.gap(Reason::Pending, "its pictures are still to be read"),
                (false, 0) => sink.pictures += scans.len(),
                (false, pages) => {
                    let detail = format!("pages without text, pictures perhaps: {pages}");
                    sink.gap(Reason::NotOcred, detail);
                }
            }
            return;
        }
        for (pages, bytes) in scans {
            if bytes.len() > self.scan_bytes_left {
                sink.gap(Reason::NotOcred, "the pictures of its message are more than are read");
            } else {
                self.scan_bytes_left -= bytes.len();
                let size = bytes.len() as u64;
                self.scans.push(Scan { ordinal, pages, bytes, size });
            }
        }
    }

    fn read(
        &mut self,
        kind: Kind,
        content: &[u8],
        named: Named<'_>,
        inside: Place,
        sink: &mut Sink,
    ) {
        match kind {
            Kind::Empty => sink.gap(Reason::NoText, "it is empty"),
            Kind::Plain => {
                sink.note_guess(content, named.charset);
                sink.push(&charset::decode(content, named.charset));
            }
            Kind::Html => {
                sink.note_guess(content, named.charset);
                let found = html::to_text(&message::decode_html(content, named.charset));
                if found.is_cut {
                    sink.gap(Reason::TooLarge, "HTML nested too deep to read whole");
                }
                sink.push(&found.text);
                sink.line();
                sink.push(&found.attributes);
            }
            Kind::Xml => xml::read(content, sink),
            Kind::Calendar => calendar::read(content, named.charset, sink),
            Kind::Message => sink.push(&self.nested(content, inside)),
            Kind::Cms => match cms::open(content) {
                Cms::Signed(inner) => {
                    self.expanded(inner.len());
                    sink.push(&self.nested(&inner, inside));
                }
                // Of a signature alone there is nothing to read.
                Cms::Signature => sink.is_container = true,
                Cms::Encrypted => sink.gap(Reason::Encrypted, "it opens with its reader's key"),
                Cms::Damaged => sink.gap(Reason::Damaged, "its structure cannot be read"),
            },
            Kind::Mbox => mbox::unpack(self, content, inside, sink),
            Kind::Zip => zip::unpack(self, content, inside, sink),
            Kind::Tar => tar::unpack(self, content, inside, sink),
            Kind::Gzip | Kind::Bzip2 | Kind::Xz | Kind::Zstd => {
                packed::unpack(self, content, (kind, named.name), inside, sink);
            }
            Kind::SevenZip => sevenz::unpack(self, content, inside, sink),
            Kind::Docx | Kind::Xlsx | Kind::Xlsb | Kind::Pptx | Kind::Package => {
                office::read(self, content, kind, inside, sink);
            }
            Kind::OpenDocument => opendocument::read(self, content, inside, sink),
            Kind::Rtf => rtf::read(self, content, inside, sink),
            Kind::Pdf => pdf::read(self, content, inside, sink),
            Kind::Doc
            | Kind::Xls
            | Kind::Ppt
            | Kind::Msg
            | Kind::Compound
            | Kind::EncryptedOffice => {
                ole::read(self, content, kind, inside, sink);
            }
            Kind::Tnef => tnef::unpack(self, content, inside, sink),
            Kind::Pst => pst::unpack(self, content, inside, sink),
            Kind::Picture => sink.picture(content),
            Kind::Sound => sink.gap(Reason::NoText, "sound or film"),
            Kind::Font => sink.gap(Reason::NoText, "a font"),
            Kind::Unknown => {
                let sent_as = match named.declared {
                    "" => named.name,
                    declared => declared,
                };
                sink.gap(Reason::UnknownType, sent_as);
            }
        }
    }

    /// Normal form, within the bounds of one text and of the whole family.
    pub fn keep_text(&mut self, source: &str, at: Option<u32>) -> String {
        let (mut text, mut is_cut) = text::normalise(source);
        if text.len() > self.text_bytes_left {
            text.truncate(text::prefix(&text, self.text_bytes_left).len());
            is_cut = true;
        }
        self.text_bytes_left -= text.len();
        if is_cut {
            self.parsed.gaps.push(gap(at, Reason::TooLarge, &text::cut(text.len())));
        }
        text
    }
}

fn md5(bytes: &[u8]) -> Vec<u8> {
    Md5::digest(bytes).to_vec()
}

pub(super) fn gap(ordinal: Option<u32>, reason: Reason, detail: &str) -> Gap {
    Gap { ordinal, reason, detail: text::prefix(detail, limits::FILE_NAME_BYTES_MAX).to_owned() }
}

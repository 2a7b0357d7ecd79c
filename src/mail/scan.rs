//! The line scanner: header blocks, boundaries, and which bytes belong to what.
//!
//! A delimiter is a line of exactly `--`, the boundary, optionally `--`, and
//! optional white space (RFC 2046 section 5.1.1), matched against every open
//! multipart, innermost first: an outer boundary ends what is open inside it
//! (section 5.1.2). The line ending before a delimiter belongs to the delimiter, so
//! the last line ending is always held back until the line after it is known.

use memchr::memmem;

use crate::base::config::Sends;
use crate::base::hash::{Digest, Hasher};
use crate::base::limits;
use crate::mail::decode::Encoding;
use crate::mail::defect::{Defect, shown};
use crate::mail::delivery::{Entry, Form, Place, Role};
use crate::mail::header::{begins_field, from_first_field};
use crate::mail::journal::Claim;
use crate::mail::outside::Outside;
use crate::mail::part::{Described, Findings, Leaf, ReportFound, from};

/// A line longer than this is no delimiter.
const DELIMITER_BYTES_MAX: usize = 4096;

/// Scans one stream: a delivery, or the decoded content of an encoded message.
pub(super) struct Scanner {
    frames: Vec<Frame>,
    leaf: Option<Leaf>,
    /// In a report or a notice, before its parts or after them.
    outside: Option<Outside>,
    is_in_header: bool,
    header: Vec<u8>,
    is_header_cut: bool,
    /// Bytes not handed on yet: a line ending of `eol` bytes, then the beginning
    /// of a line. In mid-line only a CR that may begin a line ending.
    held: Vec<u8>,
    eol: usize,
    is_mid_line: bool,
    /// Position of the first byte not handed on.
    position: u64,
    /// The entry whose decoded content this stream is.
    within: Option<u32>,
    depth: usize,
    multiparts: usize,
}

enum Frame {
    Message {
        /// None once too many parts were seen.
        entry: Option<u32>,
        /// None where the bytes are hashed elsewhere: the whole, decoded content.
        hash: Option<(u64, Hasher)>,
        stand: Stand,
        /// Set by its own header: it claims to be a report, or a failure notice.
        holds: Holds,
    },
    Multipart {
        boundary: Vec<u8>,
        is_digest: bool,
    },
}

/// Where a message stands in the delivery.
#[derive(Clone, Copy, PartialEq)]
enum Stand {
    /// It is the delivery.
    Whole,
    /// In a failure notice: may be the report.
    Returned,
    /// In a report: the original.
    Journaled,
    Attached,
}

#[derive(Clone, Copy, PartialEq)]
enum Holds {
    Mail,
    Report,
    Returned,
}

impl Scanner {
    pub(super) fn of_delivery() -> Self {
        Self::new(Some(0), None, Stand::Whole, 0)
    }

    fn new(entry: Option<u32>, within: Option<u32>, stand: Stand, depth: usize) -> Self {
        Self {
            frames: vec![Frame::Message { entry, hash: None, stand, holds: Holds::Mail }],
            leaf: None,
            outside: None,
            is_in_header: true,
            header: Vec::new(),
            is_header_cut: false,
            held: Vec::new(),
            eol: 0,
            is_mid_line: false,
            position: 0,
            within,
            depth,
            multiparts: 0,
        }
    }

    pub(super) fn push(&mut self, findings: &mut Findings, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = if !self.is_in_header && self.multiparts == 0 {
                self.hand_on_all(findings, bytes)
            } else if self.is_mid_line {
                self.mid_line(findings, bytes)
            } else {
                self.line(findings, bytes)
            };
            bytes = &bytes[used..];
        }
    }

    pub(super) fn finish(&mut self, findings: &mut Findings) {
        let held = std::mem::take(&mut self.held);
        let eol = std::mem::take(&mut self.eol);
        let line = &held[eol..];
        let found = if self.is_mid_line { None } else { self.delimiter(line) };
        match found {
            Some((frame, is_end)) => {
                self.at_delimiter(findings, frame, is_end, &held[..eol], line, b"");
            }
            None => {
                if self.is_in_header {
                    self.keep_header(line);
                }
                self.hand_on(findings, &held);
            }
        }
        if self.is_in_header {
            if !self.header.trim_ascii().is_empty() {
                findings.defects.add(Defect::HeaderUnended);
            }
            let at = self.position;
            self.header_end(findings, at);
        }
        let is_open_original = |frame: &Frame| {
            matches!(frame, Frame::Message { stand: Stand::Journaled, hash: Some(_), .. })
        };
        if self.frames.iter().any(is_open_original) {
            findings.defects.add(Defect::OriginalTruncated);
        }
        if self.multiparts > 0 && self.leaf.as_ref().is_some_and(Leaf::is_envelope) {
            findings.defects.add(Defect::EnvelopeCut);
        }
        self.close_above(findings, 0);
        self.end_outside(findings);
    }

    /// No boundary can follow: everything is content.
    fn hand_on_all(&mut self, findings: &mut Findings, bytes: &[u8]) -> usize {
        let held = std::mem::take(&mut self.held);
        self.eol = 0;
        self.is_mid_line = true;
        self.hand_on(findings, &held);
        self.hand_on(findings, bytes);
        bytes.len()
    }

    /// In the middle of a line that is no delimiter: looks for the next line that
    /// may be one. Returns how many bytes were used.
    fn mid_line(&mut self, findings: &mut Findings, bytes: &[u8]) -> usize {
        if !self.held.is_empty() {
            // A CR was held.
            if bytes[0] == b'\n' {
                self.hold_line_end(b"\r\n");
                return 1;
            }
            self.held.clear();
            self.keep_header(b"\r");
            self.hand_on(findings, b"\r");
        }
        let next =
            if self.is_in_header { memchr::memchr(b'\n', bytes) } else { next_dashes(bytes) };
        let end = next.unwrap_or(bytes.len());
        let has_cr = end > 0 && bytes[end - 1] == b'\r';
        let content = &bytes[..end - usize::from(has_cr)];
        self.keep_header(content);
        self.hand_on(findings, content);
        match next {
            Some(end) => {
                self.hold_line_end(if has_cr { b"\r\n" } else { b"\n" });
                end + 1
            }
            None => {
                if has_cr {
                    self.held.push(b'\r');
                }
                bytes.len()
            }
        }
    }

    fn hold_line_end(&mut self, line_end: &[u8]) {
        self.keep_header(line_end);
        self.held.clear();
        self.held.extend_from_slice(line_end);
        self.eol = line_end.len();
        self.is_mid_line = false;
    }

    /// At the start of a line: gathers it while it may be a delimiter or belongs
    /// to a header.
    fn line(&mut self, findings: &mut Findings, bytes: &[u8]) -> usize {
        let mut started = self.held[self.eol..].iter().chain(bytes).take(2);
        let may_delimit = started.all(|c| *c == b'-');
        if !may_delimit && !self.is_in_header {
            self.enter_line(findings);
            return 0;
        }
        let Some(line_feed) = memchr::memchr(b'\n', bytes) else {
            self.held.extend_from_slice(bytes);
            if self.held.len() - self.eol > DELIMITER_BYTES_MAX {
                self.enter_line(findings);
            }
            return bytes.len();
        };
        let used = line_feed + 1;
        let mut held = std::mem::take(&mut self.held);
        let eol = std::mem::take(&mut self.eol);
        if held.len() == eol {
            self.whole_line(findings, &held, &bytes[..used]);
        } else {
            held.extend_from_slice(&bytes[..used]);
            let (line_end, line) = held.split_at(eol);
            self.whole_line(findings, line_end, line);
        }
        used
    }

    /// The line that is held turned out to be no delimiter, before its end.
    fn enter_line(&mut self, findings: &mut Findings) {
        let mut held = std::mem::take(&mut self.held);
        let eol = std::mem::take(&mut self.eol);
        if held.len() > eol && held.last() == Some(&b'\r') {
            held.pop();
            self.held.push(b'\r');
        }
        self.keep_header(&held[eol..]);
        self.hand_on(findings, &held);
        self.is_mid_line = true;
    }

    /// One line with its ending; `before` is the line ending before it.
    fn whole_line(&mut self, findings: &mut Findings, before: &[u8], line: &[u8]) {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let line_end = &line[text.len()..];
        if let Some((frame, is_end)) = self.delimiter(text) {
            return self.at_delimiter(findings, frame, is_end, before, text, line_end);
        }
        self.hand_on(findings, before);
        if self.is_in_header && self.is_before_fields() {
            if text.is_empty() {
                return self.hold_line_end(line_end);
            }
            if !self.header.is_empty() && !begins_field(text) {
                // The empty line ended a header without fields.
                let at = self.position;
                self.header_end(findings, at);
            }
        }
        self.hand_on(findings, text);
        if self.is_in_header && text.is_empty() {
            let body = self.position + line_end.len() as u64;
            self.held.extend_from_slice(line_end);
            self.eol = line_end.len();
            self.header_end(findings, body);
        } else {
            self.keep_header(text);
            self.hold_line_end(line_end);
        }
    }

    /// The open multipart whose delimiter `line` is, and whether it ends it.
    fn delimiter(&self, line: &[u8]) -> Option<(usize, bool)> {
        let line = line.strip_prefix(b"--").filter(|_| line.len() <= DELIMITER_BYTES_MAX)?;
        let line = match line.iter().rposition(|c| !matches!(c, b' ' | b'\t')) {
            Some(last) => &line[..=last],
            None => return None,
        };
        for (at, frame) in self.frames.iter().enumerate().rev() {
            let Frame::Multipart { boundary, .. } = frame else { continue };
            match line.strip_prefix(boundary.as_slice()) {
                Some(b"") => return Some((at, false)),
                Some(b"--") => return Some((at, true)),
                _ => {}
            }
        }
        None
    }

    fn at_delimiter(
        &mut self,
        findings: &mut Findings,
        frame: usize,
        is_end: bool,
        before: &[u8],
        line: &[u8],
        line_end: &[u8],
    ) {
        if self.is_in_header {
            // A part without a body.
            let at = self.position;
            self.header_end(findings, at);
        }
        self.close_above(findings, frame + 1);
        self.end_outside(findings);
        self.hand_on(findings, before);
        self.hand_on(findings, line);
        if is_end {
            self.frames.truncate(frame);
            self.multiparts -= 1;
            self.begin_outside();
        }
        self.is_in_header = !is_end;
        self.header.clear();
        self.is_header_cut = false;
        self.held.clear();
        self.held.extend_from_slice(line_end);
        self.eol = line_end.len();
        self.is_mid_line = false;
    }

    /// Ends the leaf and every frame from `first` up, where the position stands.
    fn close_above(&mut self, findings: &mut Findings, first: usize) {
        if let Some(leaf) = self.leaf.take() {
            leaf.close(findings, self.position);
        }
        while self.frames.len() > first {
            match self.frames.pop() {
                Some(Frame::Message {
                    entry: Some(entry), hash: Some((start, hasher)), ..
                }) => {
                    let len = self.position.saturating_sub(start);
                    findings.close(entry, len, hasher.finish(), len);
                }
                Some(Frame::Multipart { boundary, .. }) => {
                    self.multiparts -= 1;
                    findings.defects.add(Defect::Unterminated { boundary: shown(&boundary, 70) });
                }
                Some(Frame::Message { .. }) | None => {}
            }
        }
    }

    /// Hands bytes on to every open message and to the leaf.
    fn hand_on(&mut self, findings: &mut Findings, bytes: &[u8]) {
        let at = self.position;
        self.position += bytes.len() as u64;
        for frame in &mut self.frames {
            if let Frame::Message { hash: Some((start, hasher)), .. } = frame {
                hasher.update(from(*start, at, bytes));
            }
        }
        if let Some(leaf) = &mut self.leaf {
            leaf.take(findings, at, bytes);
        }
        if let Some(outside) = &mut self.outside {
            outside.push(bytes);
        }
    }

    fn begin_outside(&mut self) {
        let (_, holds) = self.holder();
        self.outside = (holds != Holds::Mail).then(Outside::default);
    }

    fn end_outside(&mut self, findings: &mut Findings) {
        let outside = self.outside.take();
        findings.has_more |= outside.is_some_and(|outside| outside.has_words());
    }

    /// Of a message; some gateways put empty lines there.
    fn is_before_fields(&self) -> bool {
        let is_message = matches!(self.frames.last(), Some(Frame::Message { .. }));
        is_message && self.header.trim_ascii().is_empty()
    }

    fn keep_header(&mut self, bytes: &[u8]) {
        if self.is_in_header {
            let room = limits::HEADER_BYTES_MAX - self.header.len();
            self.is_header_cut |= bytes.len() > room;
            self.header.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// The header block ended; the body begins at `body`.
    fn header_end(&mut self, findings: &mut Findings, body: u64) {
        self.is_in_header = false;
        self.is_mid_line = false;
        if self.is_header_cut {
            let bytes_max = limits::HEADER_BYTES_MAX as u64;
            findings.defects.add(Defect::HeaderTooLong { bytes_max });
        }
        let is_digest =
            matches!(self.frames.last(), Some(Frame::Multipart { is_digest: true, .. }));
        let default_type = if is_digest { "message/rfc822" } else { "text/plain" };
        let described =
            Described::parse(from_first_field(&self.header), default_type, &mut findings.defects);
        self.header.clear();
        self.is_header_cut = false;
        self.read_claims(findings, &described);
        self.body_starts(findings, described, body);
    }

    /// If this header was a message's: what it says about journaling.
    fn read_claims(&mut self, findings: &mut Findings, described: &Described) {
        let Some(Frame::Message { entry, stand, holds, .. }) = self.frames.last_mut() else {
            return;
        };
        let is_heard = findings.sends == Sends::Reports;
        match (*stand, described.claim) {
            (Stand::Whole, Some(_)) if !is_heard => {
                findings.defects.add(Defect::ReportFromCopies);
            }
            (Stand::Whole, Some(claim)) => {
                let form = match claim {
                    Claim::Report => Form::Report,
                    Claim::Report2003 => Form::Report2003,
                };
                findings.report = Some(ReportFound { form, envelope: None });
                *holds = Holds::Report;
            }
            // A notice may itself have been returned.
            (Stand::Whole | Stand::Returned, None) if is_heard && is_notice(described) => {
                *holds = Holds::Returned;
            }
            (Stand::Returned, Some(_)) if findings.report.is_none() => {
                let form = Form::WrappedReport;
                findings.report = Some(ReportFound { form, envelope: None });
                *holds = Holds::Report;
            }
            (Stand::Returned, Some(_)) => findings.defects.add(Defect::SecondReport),
            (Stand::Journaled, Some(_)) => {
                if let Some(entry) = *entry {
                    findings.defects.add(Defect::OriginalIsReport { entry });
                }
            }
            _ => {}
        }
        if *stand == Stand::Whole {
            findings.originator_org.clone_from(&described.originator_org);
        }
    }

    fn body_starts(&mut self, findings: &mut Findings, described: Described, body: u64) {
        if !findings.count_part() {
            return;
        }
        let is_multipart = described.media_type().starts_with("multipart/");
        let is_message = described.is_message();
        let is_too_deep = self.depth + self.frames.len() >= limits::MIME_DEPTH_MAX;
        if (is_multipart || is_message) && is_too_deep {
            let depth_max = limits::MIME_DEPTH_MAX as u32;
            findings.defects.add(Defect::TooDeep { depth_max });
        } else if is_multipart {
            if self.multipart(findings, &described) {
                return;
            }
        } else if is_message {
            return self.message(findings, described, body);
        }
        let (_, holds) = self.holder();
        let expects = findings.report.as_ref().is_some_and(|r| r.envelope.is_none());
        let is_text = described.is_inline_text();
        if holds == Holds::Report && expects && described.may_be_envelope() {
            let named = (!is_text).then(|| self.open(findings, &described, body, Role::Attachment));
            self.leaf = Some(Leaf::envelope(body, &described, named));
            return;
        }
        // Exchange 2003 writes its envelope a second time, for people.
        let is_2003 = findings.report.as_ref().is_some_and(|r| r.form == Form::Report2003);
        let is_twin = is_2003 && is_text && described.media_type() == "text/html";
        findings.has_more |= holds != Holds::Mail && !is_twin;
        if is_text {
            return;
        }
        let (is_tnef, encoding) = (described.is_tnef(), described.encoding);
        let entry = self.open(findings, &described, body, Role::Attachment);
        if is_tnef {
            findings.defects.add(Defect::Tnef { entry });
        }
        self.leaf = Some(Leaf::entry(body, encoding, entry, None));
    }

    /// Follows a multipart; false if it names no boundary.
    fn multipart(&mut self, findings: &mut Findings, described: &Described) -> bool {
        if described.encoding != Encoding::Identity {
            let name = described.encoding_name.clone();
            findings.defects.add(Defect::EncodingOnMultipart { name });
        }
        let boundary = described.content_type.boundary().unwrap_or_default();
        if boundary.is_empty() || boundary.len() > DELIMITER_BYTES_MAX {
            findings.defects.add(Defect::BoundaryMissing);
            return false;
        }
        let is_digest = described.media_type() == "multipart/digest";
        self.frames.push(Frame::Multipart { boundary: boundary.to_vec(), is_digest });
        self.multiparts += 1;
        self.begin_outside();
        true
    }

    fn message(&mut self, findings: &mut Findings, described: Described, body: u64) {
        let (_, holds) = self.holder();
        let (stand, role) = match holds {
            Holds::Report => (Stand::Journaled, Role::Message),
            Holds::Returned => (Stand::Returned, Role::Attachment),
            Holds::Mail => (Stand::Attached, Role::Attachment),
        };
        let encoding = described.encoding;
        let entry = self.open(findings, &described, body, role);
        if encoding == Encoding::Identity {
            let hash = Some((body, Hasher::new()));
            self.frames.push(Frame::Message {
                entry: Some(entry),
                hash,
                stand,
                holds: Holds::Mail,
            });
            self.is_in_header = true;
        } else {
            let depth = self.depth + self.frames.len();
            let inner = Self::new(Some(entry), Some(entry), stand, depth);
            self.leaf = Some(Leaf::entry(body, encoding, entry, Some(Box::new(inner))));
        }
    }

    /// The innermost open message and what it holds.
    fn holder(&self) -> (Option<u32>, Holds) {
        let mut frames = self.frames.iter().rev();
        frames
            .find_map(|frame| match frame {
                Frame::Message { entry, holds, .. } => Some((*entry, *holds)),
                Frame::Multipart { .. } => None,
            })
            .unwrap_or((None, Holds::Mail))
    }

    fn open(&self, findings: &mut Findings, described: &Described, body: u64, role: Role) -> u32 {
        let place =
            Place { within: self.within, offset: body, len: 0, encoding: described.encoding };
        findings.open(Entry {
            role,
            parent: self.holder().0,
            name: described.name.clone(),
            media_type: described.content_type.token.clone(),
            place,
            sha256: Digest([0; 32]),
            size: 0,
        })
    }
}

/// Whether it may be a failure notice with what it returns: of the form that RFC 3462
/// gives it, or of none, as old servers write theirs.
fn is_notice(described: &Described) -> bool {
    let media_type = described.media_type();
    media_type == "multipart/report"
        || described.is_automatic && media_type.starts_with("multipart/")
}

/// The next LF that two dashes may follow: found whole, or cut by the end of
/// `bytes`.
fn next_dashes(bytes: &[u8]) -> Option<usize> {
    if let Some(at) = memmem::find(bytes, b"\n--") {
        return Some(at);
    }
    let from = bytes.len().saturating_sub(2);
    memchr::memrchr(b'\n', &bytes[from..])
        .map(|at| from + at)
        .filter(|at| bytes[at + 1..].iter().all(|c| *c == b'-'))
}

//! A message taken apart: its body's text, and its parts given to the family.

use std::borrow::Cow;

use super::family::{Care, Named, Place, Walk, gap};
use super::header::{self, Header};
use super::picture::Scan;
use super::{Mailbox, Parsed, Reason, charset, decode, html, text, walk};
use crate::base::limits;
use crate::mail::around::{self, Apart};
use crate::mail::enriched;
use crate::mail::header::{from_first_field, has_lines_of_cr};
use crate::mail::uuencode::{self, Coded, Split};

/// Reads one message (RFC 5322) or as much of one as there is.
pub fn parse_message(bytes: &[u8]) -> Parsed {
    read_message(bytes, &Care::default(), &mut |_| {})
}

/// Reads one message but for what `care` says; `watch` is told the ordinal of
/// each document before a reader takes it on.
pub fn read_message(bytes: &[u8], care: &Care, watch: &mut dyn FnMut(u32)) -> Parsed {
    read(bytes, Walk::new(bytes.len(), care, watch)).parsed
}

/// What was read of a message, and what is to be read by its looks.
pub struct Reading {
    pub message: Parsed,
    pub scans: Vec<Scan>,
}

/// As [`read_message`], with the pictures where `care` says that they are read.
pub fn read_whole(bytes: &[u8], care: &Care, watch: &mut dyn FnMut(u32)) -> Reading {
    let walk = read(bytes, Walk::new(bytes.len(), care, watch));
    Reading { message: walk.parsed, scans: walk.scans }
}

/// The bytes of one document of the message, at any depth.
/// What was opened by a password is there only with it.
pub fn take_document(
    bytes: &[u8],
    ordinal: u32,
    care: &Care,
    watch: &mut dyn FnMut(u32),
) -> Option<Vec<u8>> {
    read(bytes, Walk::new(bytes.len(), care, watch).wanting(ordinal)).taken
}

fn read<'a>(bytes: &[u8], mut walk: Walk<'a>) -> Walk<'a> {
    let lines;
    let mut place = Place::default();
    let mut bytes = bytes;
    // Where CR alone ends lines nothing else would be found; no other reader of
    // mail sees parts in it, so they are none.
    if has_lines_of_cr(bytes) {
        let line = |&byte: &u8| if byte == b'\r' { b'\n' } else { byte };
        lines = bytes.iter().map(line).collect::<Vec<_>>();
        bytes = &lines;
        place.is_within = true;
    }
    bytes = from_first_field(bytes);
    let (block, body) = bytes.split_at(header::block_len_of_message(bytes));
    let header = header::parse(block);
    walk.note_lossy(&header, None);
    let found = walk.entity(&header, body, place);
    let parsed = &mut walk.parsed;
    if block.len() > limits::HEADER_BYTES_MAX {
        parsed.gaps.push(gap(None, Reason::TooLarge, "the header"));
    }
    parsed.subject = header.subject;
    parsed.from = header.from;
    parsed.sender = header.sender;
    parsed.to = header.to;
    parsed.cc = header.cc;
    parsed.bcc = header.bcc;
    parsed.date = header.date;
    parsed.message_id = header.message_id;
    parsed.in_reply_to = header.in_reply_to;
    parsed.references = header.references;
    parsed.text = found.text;
    parsed.other_text = found.other;
    header.other_subjects.iter().for_each(|subject| append(&mut parsed.other_text, subject));
    parsed.has_html = found.has_html;
    parsed.language = text::language(&parsed.text);
    let (fields, is_cut) = header::fields(block);
    if is_cut {
        parsed.gaps.push(gap(None, Reason::TooLarge, "more header fields than are read"));
    }
    parsed.headers = fields;
    walk
}

/// The text that a part, with all that it holds, gives to its message.
#[derive(Default)]
struct Body {
    text: String,
    /// Of alternatives, where they differ.
    other: String,
    has_html: bool,
    has_plain: bool,
}

impl Walk<'_> {
    fn part(&mut self, bytes: &[u8], place: Place) -> Body {
        let (block, body) = bytes.split_at(header::block_len(bytes));
        self.keep_headers(block, place.parent);
        let header = header::parse(block);
        self.note_lossy(&header, place.parent);
        self.entity(&header, body, place)
    }

    /// A word of a header that cannot be found, since it is no text; and one of two ways
    /// to read the rest.
    fn note_lossy(&mut self, header: &Header, at: Option<u32>) {
        if header.is_lossy {
            let detail = "bytes in a header that are no characters of its charset";
            self.parsed.gaps.push(gap(at, Reason::Damaged, detail));
        }
        if header.is_ambiguous {
            let detail = "its header names two types, encodings or dates; it is read by the first";
            self.parsed.gaps.push(gap(at, Reason::Damaged, detail));
        }
    }

    /// The header of a part or of a message within, whole or not at all.
    fn keep_headers(&mut self, block: &[u8], at: Option<u32>) {
        let is_full = self.header_bytes_left == 0;
        let (fields, is_cut) = header::fields(block);
        if block.len() > self.header_bytes_left || is_cut {
            self.header_bytes_left = 0;
            if !is_full {
                let detail = "not all headers of its parts are indexed";
                self.parsed.gaps.push(gap(at, Reason::TooLarge, detail));
            }
            return;
        }
        self.header_bytes_left -= block.len();
        self.parsed.inner_headers.extend(fields);
    }

    fn entity(&mut self, header: &Header, body: &[u8], place: Place) -> Body {
        self.parts += 1;
        if place.depth > limits::MIME_DEPTH_MAX || self.parts > limits::MIME_PARTS_MAX {
            return self.too_deep(body, place);
        }
        let default = if place.in_digest { "message/rfc822" } else { "text/plain" };
        let media_type = header.media_type.as_deref().unwrap_or(default);
        let is_multipart = media_type.starts_with("multipart/");
        if is_multipart
            && let Some(boundary) = &header.boundary
            && let Some(found) = self.multipart(media_type, boundary, body, place)
        {
            return found;
        }
        let is_text = matches!(media_type, "text/plain" | "text/html");
        if is_text && header.file_name.is_none() && !header.is_attachment {
            return self.inline_text(header, media_type == "text/html", body, place);
        }
        // As the scanner does: without a boundary it is a leaf like others.
        let mut beside = Body::default();
        if !is_multipart || header.boundary.is_none() {
            beside = self.attachment(header, media_type, body, place);
        }
        if !is_multipart {
            return beside;
        }
        // A multipart without parts is shown as what it is, text.
        let mut shown = self.inline_text(header, false, body, place);
        if let Some(boundary) = walk::guess(body)
            && let Some(found) =
                self.multipart(media_type, &boundary, body, Place { is_within: true, ..place })
        {
            let detail = "its header does not say what separates its parts; that was guessed";
            self.parsed.gaps.push(gap(place.parent, Reason::Damaged, detail));
            shown.and(found);
        }
        shown
    }

    fn too_deep(&mut self, body: &[u8], place: Place) -> Body {
        if !self.is_too_deep {
            self.is_too_deep = true;
            let detail = "parts beyond what is followed are read as one text";
            self.parsed.gaps.push(gap(place.parent, Reason::TooDeep, detail));
        }
        let text = self.keep_text(&charset::decode(body, None), place.parent);
        Body { text, has_plain: true, ..Body::default() }
    }

    fn multipart(
        &mut self,
        media_type: &str,
        boundary: &str,
        body: &[u8],
        place: Place,
    ) -> Option<Body> {
        // RFC 2045 section 6.4: a multipart has no encoding, whatever it says.
        let parts_max = limits::MIME_PARTS_MAX.saturating_sub(self.parts).max(1);
        let walk::Split { parts, around, is_cut } = walk::split(body, boundary, parts_max);
        if parts.is_empty() {
            return None;
        }
        let inner =
            Place { depth: place.depth + 1, in_digest: media_type == "multipart/digest", ..place };
        let mut found = Body::default();
        for part in parts {
            let next = self.part(part, inner);
            if media_type == "multipart/alternative" {
                found.or(next);
            } else {
                found.and(next);
            }
        }
        if is_cut {
            let detail = "more parts than are followed";
            self.parsed.gaps.push(gap(place.parent, Reason::TooDeep, detail));
        }
        // Not shown by mail programs, so words can be put there out of sight.
        for outside in around.into_iter().filter(|bytes| !bytes.trim_ascii().is_empty()) {
            let text = self.keep_text(&charset::decode(outside, None), place.parent);
            append(&mut found.other, text.trim_end());
        }
        Some(found)
    }

    fn inline_text(&mut self, header: &Header, is_html: bool, body: &[u8], place: Place) -> Body {
        let apart = apart(header, body);
        let mut bytes = match &apart {
            Some(apart) => decode::transfer(&apart.coded, &header.encoding),
            None => decode::transfer(body, &header.encoding),
        };
        let mut beside = String::new();
        if uuencode::is_named(&header.encoding) {
            let Split { files, outside } = uuencode::split(&charset::decode(body, None));
            let mut files = files.into_iter();
            if let Some(first) = files.next() {
                self.note_damage(&first, place.parent);
                bytes = Cow::Owned(first.content);
                beside = self.keep_text(outside.trim(), place.parent);
            }
            self.coded(files, place);
        }
        let label = header.charset.as_deref();
        let (text, mut other) = if is_html {
            self.html_text(&bytes, label, place.parent)
        } else {
            self.note_guess(&bytes, label, place.parent);
            let mut text = charset::decode(&bytes, label);
            self.coded(uuencode::files(&text).into_iter(), place);
            if header.is_del_sp {
                text = text.replace(" \r\n", "").replace(" \n", "").into();
            }
            (self.keep_text(&text, place.parent), String::new())
        };
        append(&mut other, &beside);
        if let Some(apart) = &apart {
            append(&mut other, &self.keep_text(&words(apart), place.parent));
        }
        if apart.is_some_and(|apart| apart.is_damaged) {
            let detail = "its base64 is damaged";
            self.parsed.gaps.push(gap(place.parent, Reason::Damaged, detail));
            // What a decoder reads that passes over the damage.
            let whole =
                charset::decode(&decode::transfer(body, &header.encoding), label).into_owned();
            if text::has_new_words(&text, &whole) {
                append(&mut other, &self.keep_text(&whole, place.parent));
            }
        }
        Body { text, other, has_html: is_html, has_plain: !is_html }
    }

    /// A file in the text is a document within the message, and no part of it.
    fn coded(&mut self, files: impl Iterator<Item = Coded>, place: Place) {
        let inside = Place { depth: place.depth + 1, is_within: true, ..place };
        for coded in files {
            if !self.has_room() {
                let detail = "more files in the text than are followed";
                self.parsed.gaps.push(gap(place.parent, Reason::TooDeep, detail));
                break;
            }
            let named = Named { name: &coded.name, ..Named::default() };
            let at = self.document(&coded.content, named, inside);
            self.note_damage(&coded, Some(at));
        }
    }

    fn note_damage(&mut self, coded: &Coded, at: Option<u32>) {
        if coded.is_damaged {
            let detail = "a line of its uuencode does not hold what it says";
            self.parsed.gaps.push(gap(at, Reason::Damaged, detail));
        }
    }

    fn note_guess(&mut self, bytes: &[u8], label: Option<&str>, at: Option<u32>) {
        if let Some(detail) = charset::guess_told(bytes, label) {
            self.parsed.gaps.push(gap(at, Reason::Damaged, &detail));
        }
    }

    /// The text of HTML, and what its attributes say.
    fn html_text(
        &mut self,
        bytes: &[u8],
        label: Option<&str>,
        at: Option<u32>,
    ) -> (String, String) {
        self.note_guess(bytes, label, at);
        let found = html::to_text(&decode_html(bytes, label));
        if found.is_cut {
            self.parsed.gaps.push(gap(at, Reason::TooLarge, "HTML nested too deep to read whole"));
        }
        (self.keep_text(&found.text, at), self.keep_text(&found.attributes, at))
    }

    /// Gives what is around its base64: that is decoded with it, as whoever keeps the
    /// attachment does, and says nothing so.
    fn attachment(&mut self, header: &Header, media_type: &str, body: &[u8], place: Place) -> Body {
        let content = decode::transfer(body, &header.encoding);
        let name = header.file_name.as_deref().unwrap_or_default();
        let charset = header.charset.as_deref();
        let at = self.document(&content, Named { name, declared: media_type, charset }, place);
        if uuencode::is_named(&header.encoding) {
            let inside = Place { parent: Some(at), ..place };
            let files = uuencode::files(&charset::decode(&content, None));
            self.coded(files.into_iter(), inside);
        }
        let mut shown = Body::default();
        if media_type == "text/enriched" {
            let text = enriched::text(&charset::decode(&content, charset));
            shown = Body { text: self.keep_text(&text, place.parent), ..shown };
        }
        if let Some(apart) = apart(header, body) {
            append(&mut shown.other, &self.keep_text(&words(&apart), place.parent));
            // What a reader sees that knows it for text.
            let alone = decode::transfer(&apart.coded, &header.encoding);
            if !alone.is_empty() && alone != content && self.has_room() {
                let inside =
                    Place { depth: place.depth + 1, is_within: true, parent: Some(at), ..place };
                self.document(&alone, Named { name, declared: media_type, charset }, inside);
            }
        }
        shown
    }

    /// A message inside this one: its people, subject and text are the text of
    /// the attachment that it is; its attachments follow as ones of their own.
    pub(super) fn nested(&mut self, content: &[u8], inside: Place) -> String {
        let content = from_first_field(content);
        let (block, body) = content.split_at(header::block_len_of_message(content));
        let header = header::parse(block);
        self.keep_headers(block, inside.parent);
        self.note_lossy(&header, inside.parent);
        let found = self.entity(&header, body, inside);
        let mut text = String::new();
        let lists = [
            ("From", &header.from),
            ("Sender", &header.sender),
            ("To", &header.to),
            ("Cc", &header.cc),
            ("Bcc", &header.bcc),
        ];
        for (name, list) in lists {
            if !list.is_empty() {
                let shown: Vec<String> = list.iter().map(Mailbox::display).collect();
                text.push_str(&format!("{name}: {}\n", shown.join(", ")));
            }
        }
        if let Some(date) = header.date {
            text.push_str(&format!("Date: {date}\n"));
        }
        text.push_str(&format!("Subject: {}\n\n{}", header.subject, found.text));
        append(&mut text, &found.other);
        text
    }
}

impl Body {
    /// Adds what comes beside it.
    fn and(&mut self, next: Self) {
        append(&mut self.text, &next.text);
        append(&mut self.other, &next.other);
        self.has_html |= next.has_html;
        self.has_plain |= next.has_plain;
    }

    /// Adds an alternative: plain text is preferred, and what only another
    /// alternative says is kept beside it, so that no word hides there.
    fn or(&mut self, mut next: Self) {
        let is_better = self.text.trim().is_empty()
            || (next.has_plain && !self.has_plain && !next.text.trim().is_empty());
        if is_better {
            std::mem::swap(&mut self.text, &mut next.text);
        }
        if text::has_new_words(&self.text, &next.text) {
            append(&mut self.other, &next.text);
        }
        append(&mut self.other, &next.other);
        self.has_html |= next.has_html;
        self.has_plain |= next.has_plain;
    }
}

/// The text in a body that should be base64, and the base64 without it.
fn apart(header: &Header, body: &[u8]) -> Option<Apart> {
    header.encoding.eq_ignore_ascii_case("base64").then(|| around::apart(body)).flatten()
}

fn words(apart: &Apart) -> String {
    charset::decode(&apart.words, None).trim().to_owned()
}

fn append(text: &mut String, more: &str) {
    if text.is_empty() {
        text.push_str(more);
    } else if !more.is_empty() {
        text.push('\n');
        text.push_str(more);
    }
}

/// HTML says its charset in the part's header, else in itself.
pub(super) fn decode_html<'a>(bytes: &'a [u8], label: Option<&str>) -> Cow<'a, str> {
    charset::decode(bytes, label.or_else(|| html::declared_charset(bytes)))
}

#[cfg(test)]
mod tests;

//! What becomes the text, what the HTML, and what is attached.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use super::decode::{self, Fidelity};
use super::header::Headers;
use super::meta;
use super::part;
use super::plain;
use super::shown::{self, Html};
use super::{Family, MULTIPARTS_MAX, NESTING_MAX, nested, owned};
use crate::base::limits::MIME_PARTS_MAX;
use crate::mail::{around, enriched};
use crate::pst::model::{Attachment, Content, Exception};

/// Attachments of so many bytes are not copied.
const STREAMED_BYTES_MIN: usize = 32 << 20;

/// How far the root of a multipart/related is looked for.
const ROOT_PARTS_MAX: usize = 1000;

pub struct Collector<'a, 'f> {
    pub attachments: Vec<Attachment<'a>>,
    pub exceptions: Vec<Exception>,
    /// What is neither header of the message nor content of a part.
    pub structure: Vec<u8>,
    /// Which of the attachments are called so by their disposition.
    sent_as_attachments: Vec<usize>,
    blocks: Vec<Block>,
    /// What was noted of headers: mail can be made of nothing else.
    noted: HashSet<Exception>,
    family: &'f mut Family,
}

/// What becomes of the parts that are no attachments.
pub struct Bodies {
    pub text: Option<String>,
    pub html: Option<String>,
    pub base: Option<String>,
}

struct Block {
    text: String,
    is_html: bool,
    /// Another form of the same content is beside it.
    is_alternative: bool,
    /// What relative URLs in it are relative to; empty for text.
    base: String,
}

/// Where an entity stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    depth: usize,
    is_alternative: bool,
    in_digest: bool,
    /// Bodies only: what is attached is inside something that is kept whole.
    is_shadow: bool,
    /// Inside a signed part that is attached whole beside what is in it.
    is_signed: bool,
    /// Not beside the root of a multipart/related, which alone is shown for itself (RFC
    /// 2387 section 3.4).
    may_be_text: bool,
    /// Within the first text that there is, of which it may be another form.
    is_of_first: bool,
    /// What relative URLs are relative to, as the multiparts around it say.
    base: &'p str,
}

impl<'a, 'f> Collector<'a, 'f> {
    pub fn new(family: &'f mut Family) -> Self {
        Self {
            attachments: Vec::new(),
            exceptions: Vec::new(),
            structure: Vec::new(),
            sent_as_attachments: Vec::new(),
            blocks: Vec::new(),
            noted: HashSet::new(),
            family,
        }
    }

    /// Takes the whole message apart; its class.
    pub fn root(
        &mut self,
        block: &'a [u8],
        headers: &Headers,
        body: &'a [u8],
    ) -> Cow<'static, str> {
        let mut place = Place {
            depth: 0,
            is_alternative: false,
            in_digest: false,
            is_shadow: false,
            is_signed: false,
            may_be_text: true,
            is_of_first: false,
            base: shown::NOWHERE,
        };
        let (main, sub) = media_type(headers, place);
        // MS-OXOSMIME 2.1: what is signed or encrypted stays one attachment.
        let class = match (main.as_str(), sub.as_str()) {
            ("application", "pkcs7-mime" | "x-pkcs7-mime") => {
                let bytes = self.decoded(headers, body, "smime.p7m");
                self.attach("smime.p7m".to_owned(), headers, Content::Bytes(bytes), place);
                return Cow::Borrowed("IPM.Note.SMIME");
            }
            ("multipart", "signed") => {
                place.is_shadow = true;
                let entity = signed_entity(block, body);
                self.attachments.push(Attachment {
                    name: "smime.p7m".to_owned(),
                    media_type: "multipart/signed".to_owned(),
                    content_id: None,
                    location: None,
                    base: None,
                    is_inline: false,
                    content: Content::Bytes(Cow::Owned(entity)),
                });
                Cow::Borrowed("IPM.Note.SMIME.MultipartSigned")
            }
            // MS-OXOSMIME 2.1.3: gateways know these by their names alone.
            ("application", "octet-stream") if is_smime_name(headers.file_name.as_deref()) => {
                Cow::Borrowed("IPM.Note.SMIME")
            }
            _ => Cow::Borrowed(""),
        };
        self.entity(headers, body, place);
        class
    }

    /// The text and the HTML of the message, and what the HTML's URLs are relative to.
    /// What the HTML shows of the attachments is marked.
    pub fn bodies(&mut self) -> Bodies {
        let blocks = std::mem::take(&mut self.blocks);
        let html = blocks.iter().filter(|block| block.is_html);
        let html: Vec<_> =
            html.map(|block| Html { text: &block.text, base: &block.base }).collect();
        shown::mark(&mut self.attachments, &html, &mut self.family.references_left);
        // What was sent as an attachment is listed as one, shown or not.
        for at in &self.sent_as_attachments {
            self.attachments[*at].is_inline = false;
        }
        let base =
            html.first().map(|html| html.base).filter(|base| !base.starts_with(shown::NOWHERE));
        let base = base.map(str::to_owned);
        let has_html = blocks.iter().any(|block| block.is_html);
        let has_text = blocks.iter().any(|block| !block.is_html);
        let has_other_form = blocks.iter().any(|block| !block.is_html && block.is_alternative);
        let (mut text, mut html) = (None::<String>, None::<String>);
        for mut block in blocks {
            if block.is_html {
                html.get_or_insert_default().push_str(&block.text);
                // Text beside it, such as a footer, is not all that there is to read.
                if !has_text || block.is_alternative && has_other_form {
                    continue;
                }
                block.text = plain::of_html(&block.text);
                block.is_alternative = true;
            }
            if has_html && !block.is_alternative {
                let shown = escape(&block.text);
                html.get_or_insert_default().push_str(&format!("<pre>{shown}</pre>"));
            }
            let text = text.get_or_insert_default();
            if !text.is_empty() && !text.ends_with("\r\n") {
                text.push_str("\r\n");
            }
            text.push_str(&decode::crlf(&block.text));
        }
        Bodies { text, html, base }
    }

    fn entity(&mut self, headers: &Headers, body: &'a [u8], place: Place<'_>) {
        self.family.parts += 1;
        let (main, sub) = media_type(headers, place);
        if main == "multipart" && self.multipart(headers, body, &sub, place) {
            return;
        }
        if main == "message" && matches!(sub.as_str(), "rfc822" | "global") && !place.is_shadow {
            return self.message(headers, body, place);
        }
        let is_attached = headers.disposition().is_some_and(|d| d.is_attachment());
        if !is_attached && self.body(headers, body, (&main, &sub), place) || place.is_shadow {
            return;
        }
        let name = headers.file_name.clone().unwrap_or_else(|| self.made_up_name(&main, &sub));
        let content = self.content(headers, body, &name);
        self.attach(name, headers, content, place);
    }

    /// What is attached of an entity; what is large is decoded when it is written, as a
    /// copy of it would be in memory beside the message.
    fn content(&mut self, headers: &Headers, body: &'a [u8], name: &str) -> Content<'a> {
        let encoding = headers.raw("Content-Transfer-Encoding").unwrap_or_default();
        if body.len() < STREAMED_BYTES_MIN || !decode::is_base64(&encoding) {
            return Content::Bytes(self.decoded(headers, body, name));
        }
        let (size, is_whole) = decode::base64_size(body);
        if !is_whole || around::apart(body).is_some() {
            self.exceptions.push(Exception::DamagedEncoding { part: name.to_owned() });
        }
        Content::Stream { size, source: Box::new(decode::Base64::new(body)) }
    }

    /// Whether the entity is the text of the message and nothing besides.
    fn body(
        &mut self,
        headers: &Headers,
        body: &'a [u8],
        (main, sub): (&str, &str),
        place: Place<'_>,
    ) -> bool {
        let is_enriched = main == "text" && sub == "enriched";
        let is_text = main == "text" && matches!(sub, "plain" | "html") || main == "multipart";
        // MS-OXCMAIL 2.2.3.3.2: the first that qualifies, whatever it is called; what
        // follows is a file if it has a name.
        let is_first = place.is_of_first || self.blocks.is_empty();
        let is_named = headers.file_name.is_some();
        let qualifies =
            is_text && (is_first || !is_named) || is_enriched && is_first && self.blocks.is_empty();
        if !(qualifies && place.may_be_text) {
            return false;
        }
        let before = self.exceptions.len();
        let is_html = sub == "html";
        let bytes = self.decoded(headers, body, "the text");
        let charset = headers.content_type().and_then(|ct| ct.attribute("charset"));
        let charset = charset.filter(|charset| !charset.trim().is_empty()).map(str::to_owned);
        let own = || is_html.then(|| meta::charset(&bytes)).flatten();
        let charset = charset.or_else(own).unwrap_or_default();
        let (mut text, fidelity) = decode::text(&bytes, &charset);
        // A file of whatever kind that is called text keeps its bytes.
        let is_lossy = fidelity == Fidelity::Broken || text.contains(['\0', '\u{FFFD}']);
        let is_file = is_named && is_lossy;
        // Where it is the whole message, and text for the most part, it is shown as well.
        let broken = text.matches('\u{FFFD}').count();
        let is_text = !text.contains('\0') && broken * 10 < text.chars().count();
        if is_file && (place.depth > 0 || !is_text) {
            self.exceptions.truncate(before);
            return false;
        }
        self.exceptions.extend(fidelity.of_text("the text", &charset));
        if is_html {
            text = meta::in_utf8(text);
        }
        if is_enriched {
            text = enriched::text(&text);
        }
        let base = if is_html { base_of(headers, place) } else { String::new() };
        self.blocks.push(Block { text, is_html, is_alternative: place.is_alternative, base });
        // How enriched text is set is in no property: it is attached as well.
        !(is_enriched || is_file)
    }

    /// Whether the parts were found and taken.
    fn multipart(
        &mut self,
        headers: &Headers,
        body: &'a [u8],
        sub: &str,
        place: Place<'_>,
    ) -> bool {
        let boundary = boundary(headers);
        let parts = part::parts(body, boundary.as_bytes());
        if parts.is_empty() {
            if part::is_ended(body, boundary.as_bytes()) {
                self.exceptions.push(Exception::NoParts { boundary });
            } else if !body.trim_ascii().is_empty() {
                self.exceptions.push(Exception::Undivided { boundary });
            }
            return false;
        }
        if self.family.multiparts >= MULTIPARTS_MAX {
            self.exceptions.push(Exception::PartTooDeep { depth: place.depth });
            let name = self.made_up_name("multipart", sub);
            self.attach(name, headers, Content::Bytes(Cow::Borrowed(body)), place);
            return true;
        }
        let base = base_of(headers, place);
        let inner = Place {
            depth: place.depth + 1,
            is_alternative: place.is_alternative || sub == "alternative",
            in_digest: sub == "digest",
            is_shadow: place.is_shadow,
            is_signed: place.is_signed,
            may_be_text: place.may_be_text,
            is_of_first: place.is_of_first || sub == "alternative" && self.blocks.is_empty(),
            base: &base,
        };
        let root = if sub == "related" { root(headers, body, &parts) } else { 0 };
        if !(place.is_shadow || place.is_signed) {
            let beside = part::beside(body, &parts);
            self.exceptions.extend(beside.map(|text| Exception::BesideParts { text }));
        }
        let mut kept = 0;
        self.family.multiparts += 1;
        for (number, range) in parts.iter().enumerate() {
            if self.family.parts >= MIME_PARTS_MAX {
                self.attach_rest(&body[kept..], sub, place);
                kept = body.len();
                break;
            }
            let whole = &body[range.clone()];
            let (block, content) = part::split(whole);
            self.keep(&body[kept..range.end - content.len()], place);
            kept = range.end;
            let headers = Headers::parse(block);
            self.note_header(&headers);
            let mut inner = inner;
            inner.may_be_text &= number == root || sub != "related";
            inner.is_of_first &= number == root || sub == "alternative";
            if !(place.is_shadow || place.is_signed) && is_signed(&headers, content, inner) {
                self.attach_signed(whole);
                inner.is_signed = true;
            }
            self.entity(&headers, content, inner);
        }
        self.family.multiparts -= 1;
        self.keep(&body[kept..], place);
        true
    }

    /// Parts beyond those that are taken, as they came.
    fn attach_rest(&mut self, rest: &'a [u8], sub: &str, place: Place<'_>) {
        // What is kept whole elsewhere is there with them.
        if place.is_shadow {
            return;
        }
        self.exceptions.push(Exception::TooManyParts { kept: MIME_PARTS_MAX });
        let name = self.made_up_name("multipart", sub);
        let headers = Headers::parse(b"Content-Type: application/octet-stream\r\n");
        self.attach(name, &headers, Content::Bytes(Cow::Borrowed(rest)), place);
    }

    /// Of a part that is signed within a message, no more than its own bytes prove
    /// the signature.
    fn attach_signed(&mut self, whole: &'a [u8]) {
        let is_signed = |one: &&Exception| matches!(one, Exception::SignedPart { .. });
        let count = self.exceptions.iter().filter(is_signed).count();
        let name = match count {
            0 => "signed.eml".to_owned(),
            more => format!("signed-{}.eml", more + 1),
        };
        self.exceptions.push(Exception::SignedPart { name: name.clone() });
        self.attachments.push(Attachment {
            name,
            // Readers that make mail of it again encode what is attached, which no
            // multipart may be (RFC 2045 section 6.4).
            media_type: "application/octet-stream".to_owned(),
            content_id: None,
            location: None,
            base: None,
            is_inline: false,
            content: Content::Bytes(Cow::Borrowed(whole)),
        });
    }

    fn message(&mut self, headers: &Headers, body: &'a [u8], place: Place<'_>) {
        let bytes = self.decoded(headers, body, "a nested message");
        let given = headers.file_name.clone();
        if self.family.nesting + 1 >= NESTING_MAX {
            let name = given.unwrap_or_else(|| self.made_up_name("message", "rfc822"));
            let depth = self.family.nesting + 1;
            self.exceptions.push(Exception::NestedTooDeep { name: name.clone(), depth });
            return self.attach(name, headers, Content::Bytes(bytes), place);
        }
        self.family.nesting += 1;
        let message = match bytes {
            Cow::Borrowed(bytes) => nested(bytes, self.family),
            Cow::Owned(bytes) => owned(nested(&bytes, self.family)),
        };
        self.family.nesting -= 1;
        let name = given.unwrap_or_else(|| message.subject.clone());
        self.attach(name, headers, Content::Message(Box::new(message)), place);
    }

    fn attach(&mut self, name: String, headers: &Headers, content: Content<'a>, place: Place<'_>) {
        let said = headers.content_type().and_then(|ct| Some((ct.ctype(), ct.subtype()?)));
        let media_type = said.map_or_else(
            || {
                let (main, sub) = media_type(headers, place);
                format!("{main}/{}", if sub.is_empty() { "mixed" } else { &sub })
            },
            |(main, sub)| format!("{main}/{sub}"),
        );
        if headers.disposition().is_some_and(|said| said.is_attachment()) {
            self.sent_as_attachments.push(self.attachments.len());
        }
        let location = headers.url("Content-Location");
        let base = location.as_ref().and_then(|location| {
            let base = shown::base_within(headers.url("Content-Base").as_deref(), place.base);
            // MS-OXCMSG 2.2.2.29: what is relative must have one.
            (base != shown::NOWHERE || shown::is_relative(location)).then_some(base)
        });
        self.attachments.push(Attachment {
            name,
            media_type,
            content_id: headers.id("Content-ID"),
            location,
            base,
            is_inline: false,
            content,
        });
    }

    /// What is kept whole elsewhere is not kept again.
    fn keep(&mut self, bytes: &[u8], place: Place<'_>) {
        if !(place.is_shadow || place.is_signed) {
            self.structure.extend_from_slice(bytes);
        }
    }

    /// What is the same of several headers is said once.
    pub fn note_header(&mut self, headers: &Headers) {
        for exception in &headers.exceptions {
            if self.noted.insert(exception.clone()) {
                self.exceptions.push(exception.clone());
            }
        }
    }

    fn decoded(&mut self, headers: &Headers, body: &'a [u8], part: &str) -> Cow<'a, [u8]> {
        let encoding = headers.raw("Content-Transfer-Encoding").unwrap_or_default();
        let (bytes, fidelity) = decode::transfer(body, &encoding);
        let part = part.to_owned();
        match fidelity {
            Fidelity::Broken => self.exceptions.push(Exception::DamagedEncoding { part }),
            Fidelity::Unknown => {
                self.exceptions.push(Exception::UnknownEncoding { part, encoding })
            }
            Fidelity::Exact | Fidelity::ReadAs(_) => {}
        }
        bytes
    }

    /// A name for what came without one.
    fn made_up_name(&self, main: &str, sub: &str) -> String {
        let extension = match (main, sub) {
            ("text", "html") => "html",
            ("text", "calendar") => "ics",
            ("text" | "multipart", _) | ("message", "delivery-status") => "txt",
            ("message", _) => "eml",
            ("image" | "audio" | "video", sub) if sub.len() <= 4 => sub,
            ("application", "pdf") => "pdf",
            ("application", "pgp-signature" | "pgp-encrypted") => "asc",
            ("application", "pkcs7-signature" | "x-pkcs7-signature") => "p7s",
            ("application", "pkcs7-mime" | "x-pkcs7-mime") => "p7m",
            _ => "bin",
        };
        format!("attachment-{}.{extension}", self.attachments.len() + 1)
    }
}

/// The part of a multipart/related that the others are there for (RFC 2387 section 3.2).
fn root(headers: &Headers, body: &[u8], parts: &[Range<usize>]) -> usize {
    let named = headers.content_type().and_then(|ct| ct.attribute("start"));
    let Some(id) = named.map(|id| id.trim().trim_matches(['<', '>'])) else { return 0 };
    let is_root = |part: &Range<usize>| {
        let (block, _) = part::split(&body[part.clone()]);
        Headers::parse(block).id("Content-ID").is_some_and(|own| own == id)
    };
    parts.iter().take(ROOT_PARTS_MAX).position(is_root).unwrap_or(0)
}

/// What relative URLs in the entity are relative to (RFC 2110 section 5, RFC 2557
/// section 5).
fn base_of(headers: &Headers, place: Place<'_>) -> String {
    let said = headers.url("Content-Base").or_else(|| headers.url("Content-Location"));
    shown::base_within(said.as_deref(), place.base)
}

fn media_type(headers: &Headers, place: Place<'_>) -> (String, String) {
    match headers.content_type() {
        // RFC 2045 section 5.2; a multipart without a subtype has its parts all the same.
        Some(ct) if ct.subtype().is_none() && !ct.ctype().eq_ignore_ascii_case("multipart") => {
            ("text".to_owned(), "plain".to_owned())
        }
        Some(ct) => {
            (ct.ctype().to_ascii_lowercase(), ct.subtype().unwrap_or_default().to_ascii_lowercase())
        }
        // RFC 2046 section 5.1.5.
        None if place.in_digest => ("message".to_owned(), "rfc822".to_owned()),
        None => ("text".to_owned(), "plain".to_owned()),
    }
}

/// And has parts, of which one is the signature.
fn is_signed(headers: &Headers, body: &[u8], place: Place<'_>) -> bool {
    let (main, sub) = media_type(headers, place);
    main == "multipart"
        && sub == "signed"
        && !part::parts(body, boundary(headers).as_bytes()).is_empty()
}

/// What divides a multipart, without the blanks at its end, which mailers add on their
/// way (RFC 2046 section 5.1.1); empty where nothing is named.
fn boundary(headers: &Headers) -> String {
    let named = headers.content_type().and_then(|ct| ct.attribute("boundary"));
    named.unwrap_or_default().trim_end().to_owned()
}

fn is_smime_name(name: Option<&str>) -> bool {
    let extension = name.and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
    extension.is_some_and(|it| it.eq_ignore_ascii_case("p7m"))
}

/// A signed entity as its signature covers it: its own content fields and its
/// body, byte for byte.
fn signed_entity(block: &[u8], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 256);
    let mut is_kept = false;
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            is_kept = line.get(..8).is_some_and(|head| head.eq_ignore_ascii_case(b"Content-"));
        }
        if is_kept {
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(if out.ends_with(b"\r\n") { b"\r\n" } else { b"\n" });
    out.extend_from_slice(body);
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

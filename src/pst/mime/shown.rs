//! What of the attachments the HTML shows: by Content-ID (RFC 2392) or by
//! Content-Location (RFC 2557), for which relative URLs are resolved (RFC 3986
//! section 5.2).
//!
//! What is marked is no longer listed among the attachments, so a link to one does
//! not count, and what is beyond the bounds stays listed.

use std::collections::HashSet;

use super::{decode, plain::after_element};
use crate::pst::model::{Attachment, Content};

/// The base where nothing says another (RFC 2557 section 5).
pub const NOWHERE: &str = "thismessage:/";
/// No longer URL is resolved.
const URL_BYTES_MAX: usize = 2048;
/// References by URL that are looked at, of a message and all that is within it.
pub const REFERENCES_MAX: usize = 20_000;

/// HTML, and what relative URLs in it are relative to.
pub struct Html<'h> {
    pub text: &'h str,
    pub base: &'h str,
}

/// Marks the attachments that the HTML shows; `left` counts the references that may
/// still be looked at.
pub fn mark(attachments: &mut [Attachment<'_>], html: &[Html<'_>], left: &mut usize) {
    let names: Vec<Vec<String>> = attachments.iter().map(spellings).collect();
    let wanted: HashSet<&String> = names.iter().flatten().collect();
    if wanted.is_empty() {
        return;
    }
    let mut shown = HashSet::new();
    for html in html {
        locate(html, &wanted, left, &mut shown);
    }
    for (attachment, names) in attachments.iter_mut().zip(&names) {
        attachment.is_inline =
            is_picture(attachment) && names.iter().any(|name| shown.contains(name));
    }
}

/// No more than a picture is seen in a text: anything else that a sender has the HTML
/// refer to would be hidden from whoever reads it.
fn is_picture(attachment: &Attachment<'_>) -> bool {
    let Content::Bytes(bytes) = &attachment.content else { return false };
    let begins = |marks: &[&[u8]]| marks.iter().any(|mark| bytes.starts_with(mark));
    let media_type = attachment.media_type.to_ascii_lowercase();
    if media_type.starts_with("image/") {
        // Documents that are said to be pictures.
        return !begins(&[b"%PDF", b"PK\x03\x04", b"\xD0\xCF\x11\xE0", b"{\\rtf"]);
    }
    media_type == "application/octet-stream"
        && begins(&[b"\x89PNG", b"GIF8", b"\xFF\xD8\xFF", b"BM", b"II*\0", b"MM\0*"])
}

/// Whether a URL is one only with a base: it has no scheme (RFC 3986 section 4.2).
pub fn is_relative(url: &str) -> bool {
    Url::split(url).scheme.is_none()
}

/// The base within an entity, of what its header says and where the entity stands.
pub fn base_within(said: Option<&str>, outer: &str) -> String {
    let said = said.filter(|url| url.len() <= URL_BYTES_MAX);
    let inner = said.map(|url| resolve(outer, &plain(url)));
    inner.filter(|url| url.len() <= URL_BYTES_MAX).unwrap_or_else(|| outer.to_owned())
}

/// How an attachment may be referred to: by its id, wholly, and as its header has it.
/// Some mailers write location and reference relative, to bases that differ.
fn spellings(attachment: &Attachment<'_>) -> Vec<String> {
    let short = |text: &&str| !text.is_empty() && text.len() <= URL_BYTES_MAX;
    let id = attachment.content_id.as_deref().filter(short);
    let mut names: Vec<String> = id.map(|id| spelling(&format!("cid:{id}"))).into_iter().collect();
    if let Some(location) = attachment.location.as_deref().filter(short) {
        let base = attachment.base.as_deref().unwrap_or(NOWHERE);
        names.push(spelling(&resolve(base, &plain(location))));
        names.push(spelling(&plain(location)));
    }
    names
}

/// Adds those of the wanted URLs that the HTML embeds.
fn locate(
    html: &Html<'_>,
    wanted: &HashSet<&String>,
    left: &mut usize,
    shown: &mut HashSet<String>,
) {
    let mut base = None;
    let mut note = |reference: Reference<'_>| {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let here = base.as_deref().unwrap_or(html.base);
        match reference {
            Reference::Base(url) => {
                base = base.take().or_else(|| Some(base_within(Some(url), html.base)));
            }
            Reference::Embedded(url) if url.len() <= URL_BYTES_MAX => {
                let url = plain(url);
                for one in [spelling(&resolve(here, &url)), spelling(&url)] {
                    if wanted.contains(&one) {
                        shown.insert(one);
                    }
                }
            }
            Reference::Embedded(_) => {}
        }
    };
    in_tags(html.text, &mut note);
}

enum Reference<'h> {
    /// Of the element `base`.
    Base(&'h str),
    Embedded(&'h str),
}

/// Attributes of all tags, and style sheets. What mailers of one kind show is a comment
/// to others, but any other comment is one to all.
fn in_tags<'h>(html: &'h str, each: &mut dyn FnMut(Reference<'h>)) {
    let bytes = html.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'<', &bytes[at..]) {
        at += found + 1;
        if let Some(comment) = html[at..].strip_prefix("!--")
            && !comment.trim_ascii_start().starts_with("[if")
        {
            let Some(end) = memchr::memmem::find(comment.as_bytes(), b"-->") else { return };
            at += 3 + end;
            continue;
        }
        if !bytes.get(at).is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        let name_end = end_of(bytes, at, b"/>");
        let tag = &html[at..name_end];
        at = name_end;
        let of = |known: &str| tag.eq_ignore_ascii_case(known);
        while let Some((name, value, next)) = attribute(html, at) {
            at = next;
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if is("href") && of("base") {
                each(Reference::Base(value));
            } else if is("style") {
                in_style(value, each);
            } else if is("srcset") && (of("img") || of("source")) {
                let sources = value.split(',').filter_map(|one| one.split_whitespace().next());
                sources.for_each(|url| each(Reference::Embedded(url)));
            } else if embeds(tag, name) {
                each(Reference::Embedded(value));
            }
        }
        if HIDING.iter().any(|known| of(known)) {
            at = html.len() - after_element(&html[at..], tag).len();
        } else if of("style") {
            let end = memchr::memmem::find(&bytes[at..], b"</").map_or(bytes.len(), |end| at + end);
            in_style(&html[at..end], each);
            at = end;
        }
    }
}

/// Elements whose contents are text that is no HTML, or is shown by no reader of mail.
const HIDING: [&str; 4] = ["script", "template", "textarea", "title"];

/// Whether what the attribute names is shown where the tag stands.
fn embeds(tag: &str, name: &str) -> bool {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let of = |known: &[&str]| known.iter().any(|known| tag.eq_ignore_ascii_case(known));
    // Of VML, as in `v:imagedata`.
    let is_drawing = tag.contains(':');
    is("background")
        || is("src") && (is_drawing || of(&SHOWING))
        || (is("lowsrc") || is("dynsrc")) && of(&["img"])
        || is("data") && of(&["object"])
        || is("poster") && of(&["video"])
        || is("href") && of(&["link", "image"])
}

const SHOWING: [&str; 8] = ["img", "image", "input", "embed", "iframe", "frame", "source", "video"];

/// The next attribute of a tag, its value, and where to go on; none at the tag's end.
fn attribute(html: &str, from: usize) -> Option<(&str, &str, usize)> {
    let bytes = html.as_bytes();
    let skip = |at: usize, also: &[u8]| {
        let is_skipped = |byte: &u8| byte.is_ascii_whitespace() || also.contains(byte);
        bytes[at..].iter().position(|byte| !is_skipped(byte)).map(|found| at + found)
    };
    let start = skip(from, b"/")?;
    if bytes[start] == b'>' {
        return None;
    }
    // A name may begin with what would end it.
    let end = end_of(bytes, start + 1, b"/>=");
    // Not within a character: what ends a name is ASCII, and so is `=`.
    let name = html.get(start..end)?;
    let Some(equals) = skip(end, b"").filter(|at| bytes[*at] == b'=') else {
        return Some((name, "", end));
    };
    let value = skip(equals + 1, b"")?;
    if matches!(bytes[value], b'"' | b'\'') {
        let end = value + 1 + memchr::memchr(bytes[value], &bytes[value + 1..])?;
        return Some((name, &html[value + 1..end], end + 1));
    }
    let end = end_of(bytes, value, b">");
    Some((name, &html[value..end], end))
}

/// Where white space or one of these comes next.
fn end_of(bytes: &[u8], from: usize, ends: &[u8]) -> usize {
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || ends.contains(byte);
    bytes[from..].iter().position(is_end).map_or(bytes.len(), |found| from + found)
}

/// `url(…)` of a style sheet or a style attribute.
fn in_style<'h>(html: &'h str, each: &mut dyn FnMut(Reference<'h>)) {
    let bytes = html.as_bytes();
    for open in memchr::memchr_iter(b'(', bytes) {
        let name = open.checked_sub(3).and_then(|from| bytes.get(from..open));
        if !name.is_some_and(|name| name.eq_ignore_ascii_case(b"url")) {
            continue;
        }
        // What has no end is no URL, and is not looked for to the end of the text.
        let window = &bytes[open + 1..bytes.len().min(open + 2 + URL_BYTES_MAX)];
        let Some(length) = memchr::memchr(b')', window) else { continue };
        let url = html[open + 1..open + 1 + length].trim();
        let url =
            url.strip_prefix("&quot;").and_then(|url| url.strip_suffix("&quot;")).unwrap_or(url);
        each(Reference::Embedded(url.trim_matches(['"', '\''])));
    }
}

/// A URL without what HTML and Windows do to it.
fn plain(url: &str) -> String {
    let url = url.trim();
    if url.contains('&') { without_entities(url) } else { url.to_owned() }.replace('\\', "/")
}

/// Text with characters in place of references to them; of names the few that are in
/// use in URLs and between words.
pub fn without_entities(text: &str) -> String {
    const NAMES: [(&str, char); 9] = [
        ("amp", '&'),
        ("quot", '"'),
        ("apos", '\''),
        ("lt", '<'),
        ("gt", '>'),
        ("nbsp", '\u{A0}'),
        ("commat", '@'),
        ("period", '.'),
        ("sol", '/'),
    ];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        let name = rest.get(..rest.find(';').unwrap_or_default()).filter(|name| name.len() <= 8);
        let c = name.and_then(|name| match name.strip_prefix('#') {
            Some(number) => {
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(digits) => u32::from_str_radix(digits, 16),
                    None => number.parse(),
                };
                code.ok().and_then(char::from_u32)
            }
            None => NAMES.iter().find(|(known, _)| *known == name).map(|(_, c)| *c),
        });
        match (c, name) {
            (Some(c), Some(name)) => {
                out.push(c);
                rest = &rest[name.len() + 1..];
            }
            _ => out.push('&'),
        }
    }
    out.push_str(rest);
    out
}

/// What a reference means at `base`.
fn resolve(base: &str, reference: &str) -> String {
    let (own, base) = (Url::split(reference), Url::split(base));
    if own.scheme.is_some() {
        return own.join();
    }
    let (authority, path, query) = match (own.authority, own.path) {
        (Some(authority), path) => (Some(authority), path.to_owned(), own.query),
        (None, "") => (base.authority, base.path.to_owned(), own.query.or(base.query)),
        (None, path) if path.starts_with('/') => (base.authority, path.to_owned(), own.query),
        (None, path) => {
            let directory = base.path.rfind('/').map_or("/", |end| &base.path[..=end]);
            (base.authority, format!("{directory}{path}"), own.query)
        }
    };
    Url { scheme: base.scheme, authority, path: &without_dots(&path), query }.join()
}

/// A URL in its parts (RFC 3986 appendix B), without the fragment.
struct Url<'u> {
    scheme: Option<&'u str>,
    authority: Option<&'u str>,
    path: &'u str,
    query: Option<&'u str>,
}

impl<'u> Url<'u> {
    fn split(url: &'u str) -> Self {
        let url = url.split('#').next().unwrap_or_default();
        let is_scheme = |name: &str| {
            let is_of_one = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
            name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_of_one)
        };
        let (scheme, rest) = match url.split_once(':') {
            Some((name, rest)) if is_scheme(name) => (Some(name), rest),
            _ => (None, url),
        };
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self { scheme, authority, path, query }
    }

    fn join(&self) -> String {
        let mut out = String::new();
        if let Some(scheme) = self.scheme {
            out.extend([&scheme.to_ascii_lowercase(), ":"]);
        }
        if let Some(authority) = self.authority {
            out.extend(["//", &authority.to_ascii_lowercase()]);
        }
        out.push_str(self.path);
        if let Some(query) = self.query {
            out.extend(["?", query]);
        }
        out
    }
}

/// RFC 3986 section 5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." if kept.len() > 1 => drop(kept.pop()),
            ".." => {}
            other => kept.push(other),
        }
    }
    kept.join("/")
}

/// One spelling of a URL, to compare it by: decoded, and without white space, which
/// is none of it but where it was folded or written as it must not be.
fn spelling(url: &str) -> String {
    let mut bytes = percent_decoded(Url::split(url).join().as_bytes());
    bytes.retain(|byte| !byte.is_ascii_whitespace());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let pair = text.get(at + 1..at + 3).filter(|_| text[at] == b'%');
        let decoded = pair.and_then(decode::hex);
        out.push(decoded.unwrap_or(text[at]));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    out
}

#[cfg(test)]
mod tests;

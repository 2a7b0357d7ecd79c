//! What of the attachments the HTML shows: by Content-ID (RFC 2392) or by
//! Content-Location (RFC 2557), for which relative URLs are resolved (RFC 3986
//! section 5.2).
//!
//! What is marked is no longer listed among the attachments, so a link to one does
//! not count, and what is beyond the bounds stays listed.

use std::borrow::Cow;
use std::collections::HashSet;

use super::decode;
use crate::pst::model::Attachment;

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
    let ids = attachments.iter().filter_map(|one| one.content_id.as_ref());
    let longest = ids.map(String::len).max().unwrap_or_default();
    let mut ids = HashSet::new();
    let urls: Vec<Vec<String>> = attachments.iter().map(spellings).collect();
    let wanted: HashSet<&String> = urls.iter().flatten().collect();
    let mut shown = HashSet::new();
    for html in html {
        if longest > 0 {
            ids.extend(content_ids(html.text, longest));
        }
        if !wanted.is_empty() {
            locate(html, &wanted, left, &mut shown);
        }
    }
    for (attachment, urls) in attachments.iter_mut().zip(&urls) {
        let id = attachment.content_id.as_ref();
        attachment.is_inline = id.is_some_and(|id| ids.contains(id.as_bytes()))
            || urls.iter().any(|url| shown.contains(url));
    }
}

/// The base within an entity, of what its header says and where the entity stands.
pub fn base_within(said: Option<&str>, outer: &str) -> String {
    let said = said.filter(|url| url.len() <= URL_BYTES_MAX);
    let inner = said.map(|url| resolve(outer, &plain(url)));
    inner.filter(|url| url.len() <= URL_BYTES_MAX).unwrap_or_else(|| outer.to_owned())
}

/// How an attachment may be referred to: wholly, and as its header has it. Some
/// mailers write both relative, to bases that differ.
fn spellings(attachment: &Attachment<'_>) -> Vec<String> {
    let location = attachment.location.as_deref().filter(|url| url.len() <= URL_BYTES_MAX);
    let Some(location) = location.filter(|url| !url.is_empty()) else { return Vec::new() };
    let base = attachment.base.as_deref().unwrap_or(NOWHERE);
    vec![spelling(&resolve(base, &plain(location))), spelling(&plain(location))]
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
    in_styles(html.text, &mut note);
}

enum Reference<'h> {
    /// Of the element `base`.
    Base(&'h str),
    Embedded(&'h str),
}

/// Attributes of all tags, wherever these stand: what mailers of one kind show is a
/// comment to others.
fn in_tags<'h>(html: &'h str, each: &mut dyn FnMut(Reference<'h>)) {
    let bytes = html.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'<', &bytes[at..]) {
        at += found + 1;
        if !bytes.get(at).is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        let name_end = end_of(bytes, at, b"/>");
        let tag = &html[at..name_end];
        at = name_end;
        while let Some((name, value, next)) = attribute(html, at) {
            at = next;
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            let of = |known: &str| tag.eq_ignore_ascii_case(known);
            if is("href") && of("base") {
                each(Reference::Base(value));
            } else if is("srcset") {
                let sources = value.split(',').filter_map(|one| one.split_whitespace().next());
                sources.for_each(|url| each(Reference::Embedded(url)));
            } else if EMBEDDING.iter().any(|known| is(known))
                || is("href") && (of("link") || of("image"))
            {
                each(Reference::Embedded(value));
            }
        }
    }
}

const EMBEDDING: [&str; 6] = ["src", "background", "data", "poster", "lowsrc", "dynsrc"];

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

/// `url(…)` of style sheets and style attributes.
fn in_styles<'h>(html: &'h str, each: &mut dyn FnMut(Reference<'h>)) {
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

/// The ids of at most so many bytes in the `cid:` URLs of the HTML, as written and
/// decoded.
fn content_ids(html: &str, longest: usize) -> HashSet<Cow<'_, [u8]>> {
    let html = html.as_bytes();
    let mut ids = HashSet::new();
    for at in memchr::memchr_iter(b':', html) {
        let scheme = at.checked_sub(3).and_then(|from| html.get(from..at));
        if !scheme.is_some_and(|name| name.eq_ignore_ascii_case(b"cid")) {
            continue;
        }
        let ends = |c: &u8| c.is_ascii_whitespace() || b"\"'<>()&".contains(c);
        // Of a byte that is encoded there are three; a URL without end is none.
        let rest = &html[at + 1..];
        let rest = &rest[..rest.len().min(longest.saturating_mul(3) + 1)];
        let id = &rest[..rest.iter().position(ends).unwrap_or(rest.len())];
        ids.extend((id.len() <= longest).then_some(Cow::Borrowed(id)));
        let decoded = percent_decoded(id);
        ids.extend((decoded.len() <= longest).then_some(Cow::Owned(decoded)));
    }
    ids
}

/// A URL without what HTML and Windows do to it.
fn plain(url: &str) -> String {
    url.trim().replace("&amp;", "&").replace('\\', "/")
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
mod tests {
    use super::*;
    use crate::pst::model::Content;

    #[test]
    fn only_what_the_html_shows_is_inline() {
        let html = "<img src=\"cid:image10@x\"><IMG src=CID:a%2bb@x><p style='url(cid:c@x)'>cid:";
        let ids = content_ids(html, 9);
        for (id, is_shown) in
            [("image10@x", true), ("image1", false), ("a+b@x", true), ("c@x", true), ("d@x", false)]
        {
            assert_eq!(ids.contains(id.as_bytes()), is_shown, "{id}");
        }
    }

    /// The examples of RFC 3986 section 5.4 that name something.
    #[test]
    fn references_are_resolved() {
        for (reference, url) in [
            ("g:h", "g:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y#s", "http://a/b/c/g?y"),
            ("", "http://a/b/c/d;p?q"),
            ("../g", "http://a/b/g"),
            ("../../../../g", "http://a/g"),
            ("g/./h/../i", "http://a/b/c/g/i"),
            ("HTTP://A/g", "http://a/g"),
        ] {
            assert_eq!(resolve("http://a/b/c/d;p?q", reference), url, "{reference}");
        }
        assert_eq!(resolve(NOWHERE, "a/b.gif"), "thismessage:/a/b.gif");
        assert_eq!(resolve("http://a", "b.gif"), "http://a/b.gif");
        assert_eq!(base_within(Some(&"x/".repeat(1024)), "http://a/"), "http://a/");
    }

    fn located(location: &str, base: Option<&str>) -> Attachment<'static> {
        Attachment {
            name: String::new(),
            media_type: "image/gif".to_owned(),
            content_id: None,
            location: Some(location.to_owned()),
            base: base.map(str::to_owned),
            is_inline: false,
            content: Content::Bytes(Cow::Borrowed(b"")),
        }
    }

    #[test]
    fn what_is_embedded_is_shown_and_what_is_linked_is_not() {
        let is_shown = |html: &str| {
            let mut attachments = [located("images/a%20b.gif", Some("http://X.example/mail/"))];
            let html = [Html { text: html, base: "http://x.example/mail/index.html" }];
            mark(&mut attachments, &html, &mut 10);
            attachments[0].is_inline
        };
        for html in [
            "<img src=\"images/a%20b.gif\">",
            "<IMG alt='>' SRC='http://X.EXAMPLE/mail/images/a%20b.gif'/>",
            "<img src=../mail/./images/a%20b.gif>",
            "<td background = \"images\\a b.gif\">",
            "<p style=\"background: URL( 'images/a%20b.gif' )\">",
            "<p style=\"background: url(&quot;images/a%20b.gif&quot;)\">",
            "<source srcset='big.gif 2x, images/a%20b.gif 1x'>",
            "<base href='http://x.example/mail/images/'><base href='/'><img src='a%20b.gif'>",
            "<base href='http://elsewhere.example/'><img src='images/a%20b.gif'>",
            "<!--[if gte vml 1]><v:imagedata src=\"images/a%20b.gif\"/><![endif]-->",
            "a < b <img\nsrc\n=\nimages/a%20b.gif\n>",
            "<image xlink:href='x' href='images/a%20b.gif'>",
        ] {
            assert!(is_shown(html), "{html}");
        }
        for html in [
            "images/a%20b.gif",
            "<a href=\"images/a%20b.gif\">",
            "<img alt=\"images/a%20b.gif\">",
            "<img src=\"images/a%20b.gif",
            "<img src=\"other.gif\"> src=\"images/a%20b.gif\"",
            "<img src=\"a%20b.gif\">",
            "<img src=\"http://y.example/mail/images/a%20b.gif\">",
            "<img src=",
            "<img src",
            "<img",
            "<",
            "<img =\u{e9}",
            "<i\u{e9} \u{e9}=\u{e9}>",
            "url(",
        ] {
            assert!(!is_shown(html), "{html}");
        }
    }

    #[test]
    fn what_is_beyond_the_bounds_stays_listed() {
        let mut left = 2;
        let html = [Html { text: "<img src=x><img src=x><img src=a.gif>", base: NOWHERE }];
        let mut attachments = [located("a.gif", None)];
        mark(&mut attachments, &html, &mut left);
        assert!(!attachments[0].is_inline && left == 0);
        mark(&mut attachments, &html, &mut 3);
        assert!(attachments[0].is_inline);
        let long = "x".repeat(URL_BYTES_MAX + 1);
        let text = format!("<img src={long}>");
        let mut attachments = [located(&long, None)];
        mark(&mut attachments, &[Html { text: &text, base: NOWHERE }], &mut 3);
        assert!(!attachments[0].is_inline);
    }
}

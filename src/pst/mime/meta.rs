//! The charset that HTML names in itself, in a `meta` element or as XHTML in its first line, which is that of its bytes in mail, while in
//! a PST these are in UTF-8 (PidTagInternetCodepage).

use std::ops::Range;

/// As far as browsers look for it, and more.
const SCANNED_BYTES_MAX: usize = 4096;

/// What the first element with a charset says.
pub fn charset(html: &[u8]) -> Option<String> {
    let found = find(html, 0)?;
    let label = String::from_utf8_lossy(&html[found]).into_owned();
    // Who can read the element has read no UTF-16.
    let is_wide = label.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("utf-16"));
    Some(if is_wide { "utf-8".to_owned() } else { label })
}

/// HTML that says of itself that it is in UTF-8, wherever it says a charset.
pub fn in_utf8(html: String) -> String {
    let mut out = String::new();
    let mut kept = 0;
    while let Some(found) = find(html.as_bytes(), kept) {
        let is_same = html[found.clone()].eq_ignore_ascii_case("utf-8");
        out.push_str(&html[kept..if is_same { found.end } else { found.start }]);
        out.push_str(if is_same { "" } else { "utf-8" });
        kept = found.end;
    }
    if kept == 0 {
        return html;
    }
    out.push_str(&html[kept..]);
    out
}

/// Where the next charset is named, from `from` on.
fn find(html: &[u8], from: usize) -> Option<Range<usize>> {
    let html = &html[..html.len().min(SCANNED_BYTES_MAX)];
    let mut at = from;
    while let Some(found) = html.get(at..).and_then(|rest| memchr::memchr(b'<', rest)) {
        at += found + 1;
        if html[at..].starts_with(b"!--") {
            at = memchr::memmem::find(&html[at..], b"-->").map_or(html.len(), |end| at + end);
            continue;
        }
        let is = |name: &[u8]| {
            let (tag, behind) = (html.get(at..at + name.len()), html.get(at + name.len()));
            tag.is_some_and(|tag| tag.eq_ignore_ascii_case(name))
                && behind.is_some_and(|c| c.is_ascii_whitespace() || *c == b'/')
        };
        let attribute: &[u8] = match (is(b"meta"), is(b"?xml")) {
            (true, _) => b"charset",
            (_, true) => b"encoding",
            _ => continue,
        };
        let end = memchr::memchr(b'>', &html[at..]).map_or(html.len(), |length| at + length);
        if let Some(label) = label(&html[at..end], attribute) {
            return Some(at + label.start..at + label.end);
        }
        at = end;
    }
    None
}

/// Where the attribute names one within the tag.
fn label(tag: &[u8], attribute: &[u8]) -> Option<Range<usize>> {
    let (mut is_quoted, is_header) = (false, says_header(tag));
    let is_name = |at: &usize| {
        let is_it =
            tag[*at..].get(..attribute.len()).is_some_and(|it| it.eq_ignore_ascii_case(attribute));
        is_quoted ^= matches!(tag[*at], b'"' | b'\'');
        // Within quotes it is one only where these are what a header says.
        is_it && (!is_quoted || is_header)
    };
    let name = (0..tag.len()).find(is_name)?;
    let skip =
        |at: usize| at + tag[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let equals = skip(name + attribute.len());
    if tag.get(equals) != Some(&b'=') {
        return None;
    }
    let mut start = skip(equals + 1);
    if matches!(tag.get(start), Some(b'"' | b'\'')) {
        start = skip(start + 1);
    }
    let is_label = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_:.".contains(byte);
    let length = tag[start..].iter().take_while(is_label).count();
    (length > 0).then_some(start..start + length)
}

fn says_header(tag: &[u8]) -> bool {
    const NAME: &[u8] = b"http-equiv";
    tag.windows(NAME.len()).any(|window| window.eq_ignore_ascii_case(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets_of_html_are_found_and_made_utf_8() {
        for (html, label, rewritten) in [
            ("<meta charset=\"koi8-r\">x", Some("koi8-r"), "<meta charset=\"utf-8\">x"),
            (
                "<META http-equiv=Content-Type content='text/html; charset = big5'><p>",
                Some("big5"),
                "<META http-equiv=Content-Type content='text/html; charset = utf-8'><p>",
            ),
            (
                "<meta name=a><meta charset=UTF-8><meta charset=l1><p charset=x>",
                Some("UTF-8"),
                "<meta name=a><meta charset=UTF-8><meta charset=utf-8><p charset=x>",
            ),
            (
                "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><html>",
                Some("iso-8859-1"),
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><html>",
            ),
            ("<?xmlx encoding=a?>", None, "<?xmlx encoding=a?>"),
            (
                "<!-- <meta charset=big5> --><meta charset=l1>",
                Some("l1"),
                "<!-- <meta charset=big5> --><meta charset=utf-8>",
            ),
            ("<!-- <meta charset=big5>", None, "<!-- <meta charset=big5>"),
            (
                "<meta name=d content=\"my charset = nice\">",
                None,
                "<meta name=d content=\"my charset = nice\">",
            ),
            ("<meta charset=utf-16le>", Some("utf-8"), "<meta charset=utf-8>"),
            ("<p>charset=big5 <metal charset=a>", None, "<p>charset=big5 <metal charset=a>"),
            ("<meta charset=>", None, "<meta charset=>"),
            ("<meta", None, "<meta"),
        ] {
            assert_eq!(charset(html.as_bytes()).as_deref(), label, "{html}");
            assert_eq!(in_utf8(html.to_owned()), rewritten);
        }
    }
}

//! Text before and behind a base64 body, where gateways and list servers put it without
//! a part of its own.

use std::ops::Range;

use crate::mail::decode::is_base64;

/// What of `body` is base64, if perhaps a damaged one.
pub fn coded(body: &[u8]) -> Range<usize> {
    let start = banner_end(body).unwrap_or(0);
    let end = footer_start(&body[start..]).map_or(body.len(), |at| start + at);
    start..end
}

/// How much of a body is looked at for where its base64 begins.
const BANNER_BYTES_MAX: usize = 16 << 10;

/// Where the base64 begins behind words and an empty line; none where no words stand
/// first.
fn banner_end(body: &[u8]) -> Option<usize> {
    let (mut at, mut has_begun) = (0, false);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii();
        at += line.len();
        if at > BANNER_BYTES_MAX || !has_begun && is_coded(text) {
            return None;
        }
        let behind = body[at..].trim_ascii_start();
        let next = behind.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if text.is_empty() && has_begun && is_coded(next.trim_ascii()) {
            return Some(at);
        }
        has_begun |= !text.is_empty();
    }
    None
}

/// Whether a line can be nothing but base64.
fn is_coded(line: &[u8]) -> bool {
    const CHARACTERS_MIN: usize = 16;
    line.iter().all(|byte| is_base64(*byte))
        && line.len().is_multiple_of(4)
        && (line.len() >= CHARACTERS_MIN || line.ends_with(b"="))
}

/// Where text begins behind the base64; none where all of `body` is that. It begins a
/// line, after base64 that has ended: by its padding, by an empty line or by a line
/// that is shorter than the first.
fn footer_start(body: &[u8]) -> Option<usize> {
    let (mut at, mut full) = (0, None);
    let mut end = End::None;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii();
        if text.is_empty() {
            end = if full.is_some() && end != End::Padding { End::Natural } else { end };
        } else {
            let is_words = match end {
                End::None => false,
                End::Natural => has_words(text),
                End::Padding => text.iter().any(|byte| !is_base64(*byte)) || text.len() % 4 != 0,
            };
            if is_words {
                return Some(at);
            }
            let full = *full.get_or_insert(text.len());
            end = match text.last() {
                Some(b'=') => End::Padding,
                _ if text.len() < full => End::Natural,
                _ => End::None,
            };
        }
        at += line.len();
    }
    None
}

/// How the base64 before a line has ended, if it has.
#[derive(Clone, Copy, PartialEq)]
enum End {
    None,
    Natural,
    Padding,
}

/// Several words, or a line drawn between the two.
fn has_words(text: &[u8]) -> bool {
    text.contains(&b' ') || !text.iter().any(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::coded;

    #[track_caller]
    fn check(body: &str, banner: &str, footer: &str) {
        let found = coded(body.as_bytes());
        assert_eq!((&body[..found.start], &body[found.end..]), (banner, footer), "{body:?}");
    }

    #[test]
    fn text_behind_base64_is_found() {
        check("QUJDREVGR0g=\r\n____\r\nlist heron\r\n", "", "____\r\nlist heron\r\n");
        check("QUJDREVGR0hJ\r\nQUJD\r\nthe heron list\r\n", "", "the heron list\r\n");
        check("QUJDREVGR0hJ\r\n\r\n-- \r\nheron\r\n", "", "-- \r\nheron\r\n");
        check("QUI=\nheron\n", "", "heron\n");
        check("QUI=\n\nheron!\n", "", "heron!\n");
    }

    #[test]
    fn text_before_base64_is_found() {
        let banner = "[EXTERNAL] heron\r\nbeware\r\n\r\n";
        check(&format!("{banner}QUJDREVGR0g=\r\n"), banner, "");
        check(&format!("{banner}QUJDREVGR0hJQUJDREVGR0hJ\r\nQUJD\r\n"), banner, "");
        check(
            &format!("\r\n{banner}QUI=\r\n-- \r\nend\r\n"),
            &format!("\r\n{banner}"),
            "-- \r\nend\r\n",
        );
        check("heron\n\nbeware!\n\n\nQUI=\n", "heron\n\nbeware!\n\n", "");
    }

    #[test]
    fn base64_is_base64() {
        for body in [
            "",
            "\r\n\r\n",
            "QUJDREVGR0hJ\r\nQUJD\r\n\r\n",
            "QUI=\r\nQUJD\r\n",
            "QUJDREVGR0hJ\r\n!!damaged!!==\r\nQUJDREVGR0hJ\r\n",
            "heron is no base64 at all\r\nnor this",
            "heron is no base64\r\n\r\nword\r\n",
        ] {
            check(body, "", "");
        }
    }
}

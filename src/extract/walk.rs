//! Where the parts of a multipart body are (RFC 2046 section 5.1.1).

use crate::mail::header::begins_field;

/// A multipart body taken apart.
pub struct Split<'a> {
    /// The bodies between the delimiter lines, each with its header.
    pub parts: Vec<&'a [u8]>,
    /// The preamble and the epilogue, which are no parts.
    pub around: [&'a [u8]; 2],
    /// There are more parts.
    pub is_cut: bool,
}

/// Takes `body` apart at the delimiter lines of `boundary`, into at most `parts_max`
/// parts. A missing close delimiter is forgiven.
pub fn split<'a>(body: &'a [u8], boundary: &str, parts_max: usize) -> Split<'a> {
    let mut split = Split { parts: Vec::new(), around: [b""; 2], is_cut: false };
    let mut start = None;
    let mut at = 0;
    for line in body.split_inclusive(|&b| b == b'\n') {
        let line_at = at;
        at += line.len();
        let Some(is_close) = delimiter(line, boundary.as_bytes()) else { continue };
        match start {
            Some(_) if split.parts.len() == parts_max => {
                split.is_cut = true;
                return split;
            }
            Some(start) => {
                // The line break before a delimiter belongs to it.
                let part: &[u8] = &body[start..line_at];
                let part = part.strip_suffix(b"\n").unwrap_or(part);
                split.parts.push(part.strip_suffix(b"\r").unwrap_or(part));
            }
            None => split.around[0] = &body[..line_at],
        }
        if is_close {
            split.around[1] = &body[at..];
            return split;
        }
        start = Some(at);
    }
    match start {
        Some(_) if split.parts.len() == parts_max => split.is_cut = true,
        Some(start) => split.parts.push(&body[start..]),
        None => {}
    }
    split
}

/// What may separate the parts of a body whose header does not say it: a line of two
/// dashes and a word, with a field's line behind it.
pub fn guess(body: &[u8]) -> Option<String> {
    let mut lines = body.split(|&byte| byte == b'\n').map(|line| line.trim_ascii_end()).peekable();
    while let Some(line) = lines.next() {
        let word = line.strip_prefix(b"--").filter(|word| !word.is_empty());
        let is_one = |word: &[u8]| word.len() <= 70 && word.iter().all(u8::is_ascii_graphic);
        let is_field = lines.peek().is_some_and(|next| begins_field(next));
        if let Some(word) = word.filter(|word| is_field && is_one(word)) {
            return Some(String::from_utf8_lossy(word).into_owned());
        }
    }
    None
}

/// Whether `line` is a delimiter, and if so, whether it is the closing one.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let (rest, is_close) = match rest.strip_prefix(b"--") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    rest.trim_ascii().is_empty().then_some(is_close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &[&str]) {
        let Split { parts, is_cut, .. } = split(body.as_bytes(), "x", 10);
        let parts: Vec<_> = parts.into_iter().map(|p| std::str::from_utf8(p).unwrap()).collect();
        assert_eq!((parts.as_slice(), is_cut), (expected, false));
    }

    #[test]
    fn parts_are_between_delimiters() {
        check(
            "pre\r\n--x\r\n\r\na\r\n--x  \r\n\r\nb\r\n--x--\r\npost\r\n--x\r\n",
            &["\r\na", "\r\nb"],
        );
        check("--x\n\na\n--xy\n--x--", &["\na\n--xy"]);
        check("--x\n\na\n", &["\na\n"]);
        check("no parts", &[]);
        check("--x\n--x\n", &["", ""]);
    }

    #[test]
    fn what_stands_around_the_parts_is_kept() {
        let split = split(b"pre\r\n--x\r\n\r\na\r\n--x--\r\npost\r\n", "x", 10);
        assert_eq!(split.around, [&b"pre\r\n"[..], b"post\r\n"]);
    }

    #[test]
    fn the_number_of_parts_is_bounded() {
        let body = "--x\n\n".repeat(20);
        let Split { parts, is_cut, .. } = split(body.as_bytes(), "x", 10);
        assert_eq!((parts.len(), is_cut), (10, true));
    }
}

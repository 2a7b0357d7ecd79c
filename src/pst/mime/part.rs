//! The structure of an entity (RFC 2046): header block and body, and the parts
//! of a multipart.

use std::ops::Range;

/// The header block and the body. Without an empty line all is header, unless
/// the first line cannot be one.
pub fn split(raw: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        let content = line.trim_ascii_end();
        // A line of blanks goes on with the field before it (RFC 5322 section 4.2),
        // and some relays put one before the first.
        if content.is_empty() && matches!(line[0], b'\r' | b'\n') {
            return (&raw[..at], &raw[at + line.len()..]);
        }
        let is_separator = at == 0 && content.starts_with(b"From ");
        if !(line[0].is_ascii_whitespace() || is_field(content) || is_separator) {
            // The body begins without the empty line that should be before it.
            return (&raw[..at], &raw[at..]);
        }
        at += line.len();
    }
    (raw, &[])
}

/// A name of printable characters and a colon (RFC 5322 section 3.6.8).
fn is_field(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
    let name = line[..colon].trim_ascii_end();
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic() || *byte >= 0x80)
}

/// Where the parts between the lines of `boundary` are; none if it never comes, or is
/// empty, as every line of two hyphens would be one.
pub fn parts(body: &[u8], boundary: &[u8]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    if boundary.is_empty() {
        return parts;
    }
    let mut start = None;
    let mut at = 0;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let next = at + line.len();
        match delimiter(line, boundary) {
            None => {}
            Some(is_last) => {
                if let Some(start) = start {
                    parts.push(start..start + without_last_break(&body[start..at]).len());
                }
                start = Some(next);
                if is_last {
                    return parts;
                }
            }
        }
        at = next;
    }
    // A truncated message: its last part has no end.
    if let Some(start) = start.filter(|start| *start < body.len()) {
        parts.push(start..body.len());
    }
    parts
}

/// What stands before the first of the parts, between two or behind the last, and says
/// more than that the message is in MIME (RFC 2046 section 5.1.1).
pub fn beside(body: &[u8], parts: &[Range<usize>]) -> Option<String> {
    const NOTE_BYTES_MAX: usize = 400;
    const TOLD_BYTES_MAX: usize = 4096;
    const NOTES: [&[u8]; 5] =
        [b"mime", b"multipart", b"multi-part", b"mime-format", b"mime-encapsulated"];
    let starts = parts.iter().map(|part| part.start).chain([body.len()]);
    let ends = [0].into_iter().chain(parts.iter().map(|part| part.end));
    let mut told = Vec::new();
    for (number, (from, to)) in ends.zip(starts).enumerate() {
        let lines = body[from..to].split_inclusive(|byte| *byte == b'\n');
        // Delimiters: the last line before a part, and the first behind one.
        let lines: Vec<&[u8]> = lines.filter(|line| !line.trim_ascii().is_empty()).collect();
        let is_last = number == parts.len();
        let text = match is_last {
            true => lines.get(1..).unwrap_or_default().concat(),
            false => lines[..lines.len().saturating_sub(1)].concat(),
        };
        let is_note = number == 0
            && text.len() <= NOTE_BYTES_MAX
            && text
                .split(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'-'))
                .any(|word| NOTES.iter().any(|note| word.eq_ignore_ascii_case(note)));
        if !is_note {
            told.extend(text.into_iter().take(TOLD_BYTES_MAX.saturating_sub(told.len())));
        }
    }
    let told = String::from_utf8_lossy(told.trim_ascii()).into_owned();
    Some(told).filter(|text| !text.is_empty())
}

/// Whether the boundary is there with its end, as it may be where no part is.
pub fn is_ended(body: &[u8], boundary: &[u8]) -> bool {
    let mut lines = body.split_inclusive(|byte| *byte == b'\n');
    !boundary.is_empty() && lines.any(|line| delimiter(line, boundary) == Some(true))
}

/// Whether the line is a delimiter, and then whether the closing one.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?.trim_ascii_end();
    match rest {
        b"" => Some(false),
        b"--" => Some(true),
        _ => None,
    }
}

/// The line break before a delimiter belongs to it (RFC 2046 section 5.1.1).
fn without_last_break(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_ends_at_the_empty_line() {
        assert_eq!(split(b"A: b\r\n c\r\n\r\nx"), (&b"A: b\r\n c\r\n"[..], &b"x"[..]));
        assert_eq!(split(b"no header\nx"), (&b""[..], &b"no header\nx"[..]));
        assert_eq!(split(b"\nx"), (&b""[..], &b"x"[..]));
        assert_eq!(split(b"A: b\n \t\n c\nD: e\n\nx"), (&b"A: b\n \t\n c\nD: e\n"[..], &b"x"[..]));
        assert_eq!(split(b" \nA: b\n\nx"), (&b" \nA: b\n"[..], &b"x"[..]));
        assert_eq!(split(b"A: b\n \nno field"), (&b"A: b\n \n"[..], &b"no field"[..]));
    }

    #[test]
    fn what_is_beside_the_parts_is_told() {
        let told = |body: &str| beside(body.as_bytes(), &parts(body.as_bytes(), b"x"));
        for body in [
            "--x\r\none\r\n--x\r\ntwo\r\n--x--\r\n",
            "\r\n--x\none\n--x--",
            "--x\none\n",
            "This is a multi-part message in MIME format.\n--x\none\n--x--\n\n",
        ] {
            assert_eq!(told(body), None, "{body}");
        }
        for (body, text) in [
            ("--x\none\n--x--\n--x\nafter\n--x--\n", "--x\nafter\n--x--"),
            ("--x\none\n--x--\n\n_____\nlist\n", "_____\nlist"),
            ("read this\n--x\none\n--x--\n", "read this"),
            ("the pantomime\n--x\none\n--x--\n", "the pantomime"),
            ("in MIME format\n--x\none\n--x--\nof MIME", "of MIME"),
        ] {
            assert_eq!(told(body).as_deref(), Some(text), "{body}");
        }
    }

    #[test]
    fn parts_are_between_delimiters() {
        let body = b"pre\r\n--x\r\none\r\n--xy\r\n--x \r\n\r\n--x--\r\npost";
        let seen: Vec<&[u8]> = parts(body, b"x").into_iter().map(|part| &body[part]).collect();
        assert_eq!(seen, [&b"one\r\n--xy"[..], b""]);
        assert_eq!(parts(b"--x\nend", b"x").first(), Some(&(4..7)));
        assert!(parts(b"none", b"x").is_empty());
        assert!(parts(b"--\na signature\n", b"").is_empty());
        assert!(parts(b"pre\n--x--\n", b"x").is_empty() && is_ended(b"pre\n--x--\n", b"x"));
        assert!(!is_ended(b"pre\n--x\n", b"x") && !is_ended(b"----\n", b""));
    }
}

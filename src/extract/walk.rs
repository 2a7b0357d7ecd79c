//! Where the parts of a multipart body are (RFC 2046 section 5.1.1).

/// The bodies between the delimiter lines of `boundary`, each with its header.
/// A missing close delimiter is forgiven; text before the first and after the
/// close delimiter is no part. At most `parts_max`; the flag says there are more.
pub fn split<'a>(body: &'a [u8], boundary: &str, parts_max: usize) -> (Vec<&'a [u8]>, bool) {
    let mut parts = Vec::new();
    let mut start = None;
    let mut at = 0;
    for line in body.split_inclusive(|&b| b == b'\n') {
        let line_at = at;
        at += line.len();
        let Some(is_close) = delimiter(line, boundary.as_bytes()) else { continue };
        if let Some(start) = start.take() {
            if parts.len() == parts_max {
                return (parts, true);
            }
            // The line break before a delimiter belongs to it.
            let part = &body[start..line_at];
            let part = part.strip_suffix(b"\n").unwrap_or(part);
            parts.push(part.strip_suffix(b"\r").unwrap_or(part));
        }
        if is_close {
            return (parts, false);
        }
        start = Some(at);
    }
    match start {
        Some(_) if parts.len() == parts_max => (parts, true),
        Some(start) => {
            parts.push(&body[start..]);
            (parts, false)
        }
        None => (parts, false),
    }
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
        let (parts, is_cut) = split(body.as_bytes(), "x", 10);
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
    fn the_number_of_parts_is_bounded() {
        let body = "--x\n\n".repeat(20);
        let (parts, is_cut) = split(body.as_bytes(), "x", 10);
        assert_eq!((parts.len(), is_cut), (10, true));
    }
}

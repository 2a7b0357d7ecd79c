//! Transfer encodings and charsets, decoded as far as they go.

use std::borrow::Cow;

use super::utf7;

/// The bytes that base64 stands for, and whether it was whole.
pub fn base64(text: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count, mut is_whole) = (0_u32, 0, true);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                // Padding ends a group; some writers begin another after it.
                flush(&mut out, bits, count);
                (bits, count) = (0, 0);
                continue;
            }
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            _ => {
                is_whole = false;
                continue;
            }
        };
        bits = bits << 6 | u32::from(value);
        count += 1;
        if count == 4 {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
            (bits, count) = (0, 0);
        }
    }
    is_whole &= count != 1;
    flush(&mut out, bits, count);
    (out, is_whole)
}

fn flush(out: &mut Vec<u8>, bits: u32, count: u32) {
    match count {
        2 => out.push((bits >> 4) as u8),
        3 => out.extend_from_slice(&(bits >> 2).to_be_bytes()[2..]),
        _ => {}
    }
}

/// The bytes that quoted-printable stands for, and whether it was whole.
pub fn quoted_printable(text: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(text.len());
    let mut is_whole = true;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let end = line.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
        let (content, tail) = line.split_at(end);
        let soft = content.last() == Some(&b'=');
        let content = if soft { &content[..end - 1] } else { content };
        let mut at = 0;
        while at < content.len() {
            let pair = content.get(at + 1..at + 3).filter(|_| content[at] == b'=');
            match pair.and_then(hex) {
                Some(byte) => {
                    out.push(byte);
                    at += 3;
                }
                None => {
                    is_whole &= content[at] != b'=';
                    out.push(content[at]);
                    at += 1;
                }
            }
        }
        if !soft {
            // RFC 2045 section 6.7: white space before a line's end was added.
            let ends = tail.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            out.extend_from_slice(ends.map_or(&[], |at| &tail[at..]));
        }
    }
    (out, is_whole)
}

/// The byte of two hexadecimal digits.
pub fn hex(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8)
}

/// How bytes came out of their encoding, or text out of its charset.
#[derive(Debug, PartialEq, Eq)]
pub enum Fidelity {
    Exact,
    Broken,
    Unknown,
}

/// Text in `label`, the empty label meaning that none was given.
pub fn text(bytes: &[u8], label: &str) -> (String, Fidelity) {
    let label = label.trim();
    if label.is_empty() {
        return match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), Fidelity::Exact),
            Err(_) => (encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(), Fidelity::Broken),
        };
    }
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes())
        .filter(|encoding| *encoding != encoding_rs::REPLACEMENT);
    if let Some(encoding) = encoding {
        let (text, _, is_broken) = encoding.decode(bytes);
        let fidelity = if is_broken { Fidelity::Broken } else { Fidelity::Exact };
        return (text.into_owned(), fidelity);
    }
    if ["utf-7", "unicode-1-1-utf-7"].contains(&label.to_ascii_lowercase().as_str()) {
        let (text, is_whole) = utf7::decode(bytes);
        return (text, if is_whole { Fidelity::Exact } else { Fidelity::Broken });
    }
    // A few others that browsers do without.
    match mail_parser::decoders::charsets::map::charset_decoder(label.as_bytes()) {
        Some(decode) => {
            let text = decode(bytes);
            let is_broken = text.contains(char::REPLACEMENT_CHARACTER);
            (text, if is_broken { Fidelity::Broken } else { Fidelity::Exact })
        }
        None => (String::from_utf8_lossy(bytes).into_owned(), Fidelity::Unknown),
    }
}

/// Lines that end in CRLF, as MAPI text does.
pub fn crlf(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push_str("\r\n");
            }
            '\n' => out.push_str("\r\n"),
            _ => out.push(c),
        }
    }
    out
}

/// `bytes` decoded from the transfer encoding `name`.
pub fn transfer<'a>(bytes: &'a [u8], name: &str) -> (Cow<'a, [u8]>, Fidelity) {
    let name = name.trim();
    let (decoded, is_whole) = if name.eq_ignore_ascii_case("base64") {
        base64(bytes)
    } else if name.eq_ignore_ascii_case("quoted-printable") {
        quoted_printable(bytes)
    } else {
        let identities = ["", "7bit", "8bit", "binary"];
        let is_known = identities.iter().any(|one| name.eq_ignore_ascii_case(one));
        let fidelity = if is_known { Fidelity::Exact } else { Fidelity::Unknown };
        return (Cow::Borrowed(bytes), fidelity);
    };
    (Cow::Owned(decoded), if is_whole { Fidelity::Exact } else { Fidelity::Broken })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_takes_what_is_there() {
        assert_eq!(base64(b"aGVs\r\nbG8="), (b"hello".to_vec(), true));
        assert_eq!(base64(b"aGVsbG8"), (b"hello".to_vec(), true));
        assert_eq!(base64(b"aGVs*bG8h"), (b"hello!".to_vec(), false));
        assert_eq!(base64(b"aGVsb"), (b"hel".to_vec(), false));
        assert_eq!(base64(b"YQ==YQ=="), (b"aa".to_vec(), true));
    }

    #[test]
    fn quoted_printable_takes_what_is_there() {
        assert_eq!(quoted_printable(b"a=3Db  \r\nc=\r\nd"), (b"a=b\r\ncd".to_vec(), true));
        assert_eq!(quoted_printable(b"a=zz="), (b"a=zz".to_vec(), false));
    }

    #[test]
    fn charsets_say_how_they_went() {
        assert_eq!(text(b"caf\xE9", "iso-8859-1"), ("café".to_owned(), Fidelity::Exact));
        assert_eq!(text(b"caf\xE9", "utf-8").1, Fidelity::Broken);
        assert_eq!(text(b"x", "no-such"), ("x".to_owned(), Fidelity::Unknown));
        assert_eq!(text(b"+AGE-", "utf-7").0, "a");
    }
}

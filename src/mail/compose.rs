//! The writing side of mail: encoded words and transfer encodings, for the
//! reports and the demonstration mail that the program makes itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of text in one encoded word; 45 make 60 of base64, within the 75
/// characters of RFC 2047 section 2.
const WORD_BYTES_MAX: usize = 45;
/// RFC 2045 section 6.7 rule 5 and section 6.8.
const LINE_CHARS_MAX: usize = 76;

/// A header value: as it is where it is printable ASCII, else in encoded words,
/// folded between them.
pub fn unstructured(text: &str) -> String {
    let is_plain = text.bytes().all(|c| c == b' ' || c.is_ascii_graphic());
    if is_plain && !text.contains("=?") && !text.starts_with(' ') && !text.ends_with(' ') {
        return text.to_owned();
    }
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        if word.len() + c.len_utf8() > WORD_BYTES_MAX {
            words.push(std::mem::take(&mut word));
        }
        word.push(c);
    }
    words.push(word);
    let encoded = words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
    encoded.collect::<Vec<_>>().join("\r\n ")
}

/// A mailbox for an address header.
pub fn mailbox(name: &str, address: &str) -> String {
    if name.is_empty() {
        return address.to_owned();
    }
    let is_atoms = name.bytes().all(|c| c == b' ' || c.is_ascii_alphanumeric());
    if is_atoms {
        format!("{name} <{address}>")
    } else if name.is_ascii() {
        format!("\"{}\" <{address}>", name.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        format!("{} <{address}>", unstructured(name))
    }
}

/// The whole of `text` as one encoded word, however long.
pub fn one_word(text: &str) -> Vec<u8> {
    format!("=?utf-8?B?{}?=", STANDARD.encode(text)).into_bytes()
}

/// Base64 in lines of 76 characters with CRLF between them, none at the end.
pub fn base64(bytes: &[u8]) -> Vec<u8> {
    let encoded = STANDARD.encode(bytes);
    encoded.as_bytes().chunks(LINE_CHARS_MAX).collect::<Vec<_>>().join(&b"\r\n"[..])
}

/// Quoted-printable of text; CRLF stays a line ending, every other control
/// character and every byte beyond ASCII is escaped.
pub fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 5 / 4);
    for (at, line) in split_crlf(text).enumerate() {
        if at > 0 {
            out.extend_from_slice(b"\r\n");
        }
        let mut column = 0;
        for (at, &c) in line.iter().enumerate() {
            let is_last = at + 1 == line.len();
            let is_plain = c == b' ' && !is_last || c.is_ascii_graphic() && c != b'=';
            let width = if is_plain { 1 } else { 3 };
            // One place is kept for the `=` of a soft break.
            if column + width > LINE_CHARS_MAX - 1 {
                out.extend_from_slice(b"=\r\n");
                column = 0;
            }
            if is_plain {
                out.push(c);
            } else {
                out.extend_from_slice(format!("={c:02X}").as_bytes());
            }
            column += width;
        }
    }
    out
}

fn split_crlf(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        match memchr::memmem::find(text, b"\r\n") {
            Some(at) => {
                rest = Some(&text[at + 2..]);
                Some(&text[..at])
            }
            None => rest.take(),
        }
    })
}

/// LF, and CRLF where there is one already, as CRLF; a bare CR stays.
pub fn crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 32);
    for line in text.split_inclusive(|c| *c == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::decode::{Encoding, decode};
    use crate::mail::{address, encoded_word};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in "\\PC{0,200}", lines in "([ -~äß€\t]{0,90}\r\n){0,5}") {
            let header = unstructured(&text).replace("\r\n", "");
            prop_assert_eq!(encoded_word::decode(header.as_bytes()), text.clone());
            let qp = quoted_printable(lines.as_bytes());
            prop_assert!(qp.split(|c| *c == b'\n').all(|line| line.len() <= 77));
            prop_assert_eq!(decode(Encoding::QuotedPrintable, &qp), lines.as_bytes());
            prop_assert_eq!(decode(Encoding::Base64, &base64(lines.as_bytes())), lines.as_bytes());
        }
    }

    #[test]
    fn mailboxes_are_read_back() {
        for name in ["Jane Doe", "Doe, Jane (\"JD\")", "Jörg Müller", ""] {
            let written = mailbox(name, "j@x.example").replace("\r\n", "");
            let read = address::parse(written.as_bytes());
            assert_eq!((read[0].name.as_str(), read[0].address.as_str()), (name, "j@x.example"));
        }
    }
}

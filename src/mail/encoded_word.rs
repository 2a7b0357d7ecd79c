//! Text of header fields: RFC 2047 encoded words, and what to make of raw bytes.

use std::borrow::Cow;

use encoding_rs::Encoding as Charset;

use crate::mail::decode::{self, Encoding};

/// The text of an unfolded field value. White space between two encoded words
/// is dropped, and words that split a character are joined before the charset
/// is applied (RFC 2047 section 6.2 and, for the split, what mailers do).
pub fn decode(value: &[u8]) -> String {
    let mut text = String::new();
    let mut open: Option<(&[u8], Vec<u8>)> = None;
    let mut rest = value;
    while let Some(at) = memchr::memmem::find(rest, b"=?") {
        let Some(word) = Word::parse(&rest[at..]) else {
            close(&mut open, &mut text);
            text.push_str(&raw(&rest[..at + 2]));
            rest = &rest[at + 2..];
            continue;
        };
        let between = &rest[..at];
        if open.is_none() || !between.iter().all(u8::is_ascii_whitespace) {
            close(&mut open, &mut text);
            text.push_str(&raw(between));
        }
        match &mut open {
            Some((label, bytes)) if word.is_of(label) => {
                append(bytes, charset(label), word.bytes());
            }
            _ => {
                close(&mut open, &mut text);
                open = Some((word.label, word.bytes()));
            }
        }
        rest = &rest[at + word.len..];
    }
    close(&mut open, &mut text);
    text.push_str(&raw(rest));
    text
}

/// Puts the bytes of the next word of the same charset behind `bytes`. Words of
/// ISO-2022-JP shift back at their end, and a shift without text after it is an error
/// to encoding_rs.
pub fn append(bytes: &mut Vec<u8>, charset: &'static Charset, more: Vec<u8>) {
    let is_shift = charset == encoding_rs::ISO_2022_JP && more.first() == Some(&0x1b);
    if is_shift && (bytes.ends_with(b"\x1b(B") || bytes.ends_with(b"\x1b(J")) {
        bytes.truncate(bytes.len() - 3);
    }
    bytes.extend(more);
}

/// Raw bytes as text: UTF-8 where they are (RFC 6532), else windows-1252, in
/// which every byte means something.
pub fn raw(bytes: &[u8]) -> String {
    in_charset(bytes, encoding_rs::WINDOWS_1252)
}

/// Bytes as text in a charset that was named by a mailer: what is valid UTF-8 is
/// taken as that where the name says Latin-1 or ASCII or is unknown, since
/// mailers that mislabel do so this way.
pub fn in_charset(bytes: &[u8], charset: &'static Charset) -> String {
    if charset == encoding_rs::WINDOWS_1252
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return text.to_owned();
    }
    charset.decode_without_bom_handling(bytes).0.into_owned()
}

/// The charset called `label`; windows-1252 where nobody knows it.
pub fn charset(label: &[u8]) -> &'static Charset {
    super::charset::for_label(bare_label(label)).unwrap_or(encoding_rs::WINDOWS_1252)
}

/// The label without the language that RFC 2231 section 5 lets follow it.
pub fn bare_label(label: &[u8]) -> &[u8] {
    label.split(|c| *c == b'*').next().unwrap_or_default()
}

fn close(open: &mut Option<(&[u8], Vec<u8>)>, text: &mut String) {
    if let Some((label, bytes)) = open.take() {
        text.push_str(&named(&bytes, label));
    }
}

/// Bytes as text in the charset called `label`, as [`in_charset`] has it.
pub fn named(bytes: &[u8], label: &[u8]) -> String {
    let bare = bare_label(label);
    let other = match super::charset::for_label(bare) {
        Some(_) => None,
        None => std::str::from_utf8(bare).ok(),
    };
    let other = other.and_then(|label| super::charset::decode_other(bytes, label));
    other.map_or_else(|| in_charset(bytes, charset(bare)), |(text, _)| text)
}

/// One encoded word as it stands.
pub struct Word<'a> {
    pub label: &'a [u8],
    pub is_base64: bool,
    /// Base64, or quoted-printable in which `=20` stands for `_`.
    pub text: Cow<'a, [u8]>,
    /// Bytes of the whole word.
    pub len: usize,
}

impl<'a> Word<'a> {
    /// `=?charset?B or Q?text?=` at the start of `rest`. Some mailers leave a `?` of
    /// the text as it is; what begins another word ends it, so that each failed attempt
    /// looks no further than the next one.
    pub fn parse(rest: &'a [u8]) -> Option<Self> {
        let after = rest.strip_prefix(b"=?")?;
        let charset_end = after.iter().take(64).position(|c| *c == b'?')?;
        let label = &after[..charset_end];
        if label.is_empty() || !label.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let after = &after[charset_end + 1..];
        let is_base64 = match after.get(..2)? {
            b"B?" | b"b?" => true,
            b"Q?" | b"q?" => false,
            _ => return None,
        };
        let text = &after[2..];
        let text_end = text_end(text, is_base64)?;
        let text = &text[..text_end];
        // One that is never closed is none, and takes nothing of the next field.
        let is_field_end = |at: usize| !matches!(text.get(at + 1), Some(b' ' | b'\t'));
        if memchr::memchr_iter(b'\n', text).any(is_field_end) {
            return None;
        }
        let mut spaced = Vec::new();
        if !is_base64 {
            // RFC 2047 section 4.2: `_` is a space, which is content even at the end.
            for c in text {
                match c {
                    b'_' | b' ' => spaced.extend_from_slice(b"=20"),
                    c => spaced.push(*c),
                }
            }
        }
        let text = if is_base64 { Cow::Borrowed(text) } else { Cow::Owned(spaced) };
        let len = 2 + charset_end + 1 + 2 + text_end + 2;
        Some(Self { label, is_base64, text, len })
    }

    /// Whether it is in the charset that `label` names.
    pub fn is_of(&self, label: &[u8]) -> bool {
        bare_label(self.label).eq_ignore_ascii_case(bare_label(label))
    }

    pub fn bytes(&self) -> Vec<u8> {
        let encoding = if self.is_base64 { Encoding::Base64 } else { Encoding::QuotedPrintable };
        decode::decode(encoding, &self.text)
    }
}

/// Where `?=` is behind a word's text.
fn text_end(text: &[u8], is_base64: bool) -> Option<usize> {
    let mut marks = memchr::memchr_iter(b'?', text);
    let first = marks.next()?;
    if text.get(first + 1) == Some(&b'=') {
        return Some(first);
    }
    let is_text = |at: usize| !is_base64 && text[..at].last() != Some(&b'=');
    if !is_text(first) {
        return None;
    }
    for at in marks {
        if !is_text(at) {
            return None;
        }
        if text.get(at + 1) == Some(&b'=') && text.get(at + 2) != Some(&b'?') {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    fn check(value: &str, expected: &str) {
        assert_eq!(super::decode(value.as_bytes()), expected);
    }

    #[test]
    fn words_are_decoded_and_joined() {
        check("plain", "plain");
        check("=?utf-8?Q?Gr=C3=BC=C3=9Fe_aus?= =?utf-8?Q?_Wien?=", "Grüße aus Wien");
        check("Re: =?ISO-8859-1?q?caf=E9?= today", "Re: café today");
        check("=?iso-2022-jp?B?GyRCMnE1RBsoQg==?=", "会議");
        check("=?utf-8?B?4pw=?= =?utf-8?B?kw==?=", "✓");
        check("=?iso-2022-jp?B?GyRCMnEbKEI=?= =?iso-2022-jp?B?GyRCNUQbKEI=?=", "会議");
        check("=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c");
        check("=?koi8-r*ru?B?8NLJ18XU?=", "Привет");
        check("=?iso-2022-cn?Q?hello?=", "hello");
        check("=?cp850?Q?caf=82?= =?CP850?Q?=82?=", "caféé");
        check("=?hz-gb-2312?Q?mail_~{2;~}?=", "mail 不");
        check("=?utf-7?Q?Fu+AN8_ende?=", "Fuß ende");
        check("=?bogus", "=?bogus");
        check("=?utf-8?Q?a_=C3=BC??=.pdf", "a ü?.pdf");
        check("=?utf-8?Q?who?_me??= =?utf-8?Q?_b?=", "who? me? b");
        check("=?utf-8?B?YQ??=", "=?utf-8?B?YQ??=");
        check("=?utf-8?Q?a\r\nTo: b?=", "=?utf-8?Q?a\r\nTo: b?=");
        check("=?x?q?a?q?=?utf-8?q?b?=", "=?x?q?a?q?b");
    }

    #[test]
    fn raw_bytes_are_utf_8_or_windows_1252() {
        assert_eq!(super::decode("Überweisung".as_bytes()), "Überweisung");
        assert_eq!(super::decode(b"\xDCberweisung"), "Überweisung");
    }
}

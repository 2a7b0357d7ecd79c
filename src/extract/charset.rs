//! Bytes to text, believing the declared charset only as far as it fits.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};
use mail_parser::decoders::charsets::map::charset_decoder;

use super::text;
use crate::mail::charset as known;

/// How much of a text the guess looks at.
const GUESS_BYTES_MAX: usize = 64 << 10;

/// Decodes `bytes`, declared to be in charset `label` (or nothing declared).
///
/// A label that is unknown, or that the bytes contradict, gives way to UTF-8 if
/// they are valid UTF-8, and else to a guess from the bytes themselves.
pub fn decode<'a>(bytes: &'a [u8], label: Option<&str>) -> Cow<'a, str> {
    let label = label.map(|label| label.trim_matches([' ', '"', '\'']));
    let declared = label.and_then(|label| known::for_label(label.as_bytes()));
    // Its mark begins as that of UTF-16 does.
    if let Some((text, _)) = label.and_then(|label| known::utf_32(bytes, label)) {
        return Cow::Owned(text);
    }
    if let Some(text) = marked(bytes, declared) {
        return text;
    }
    let order = label.and_then(|label| known::utf_16_order(bytes, label.as_bytes()));
    let declared = order.or(declared);
    let is_escaped = bytes.contains(&0x1b);
    match declared {
        // Windows-1252, which stands for US-ASCII and Latin-1 too, takes any bytes.
        Some(encoding) if encoding == UTF_8 || encoding == WINDOWS_1252 => {
            if let Some(text) = utf8(bytes)
                && !is_escaped
            {
                return text;
            }
            let is_ascii = label.is_some_and(|label| label.to_ascii_lowercase().contains("ascii"));
            if encoding == WINDOWS_1252 && !is_escaped && !is_ascii {
                return encoding.decode_without_bom_handling(bytes).0;
            }
            guess(bytes)
        }
        Some(encoding) => match encoding.decode_without_bom_handling(bytes) {
            (text, false) => text,
            // GB2312 labels are often put on GBK or GB18030 text, which
            // encoding_rs reads by that label; what still fails is a lie.
            (text, true) => utf8(bytes).unwrap_or_else(|| {
                let guessed = guess(bytes);
                if errors(&guessed) < errors(&text) { guessed } else { text }
            }),
        },
        None => {
            let label = label.filter(|label| !label.is_empty());
            if let Some((text, _)) = label.and_then(|label| known::decode_other(bytes, label)) {
                return Cow::Owned(text);
            }
            match label.and_then(decoder) {
                Some(decoder) => Cow::Owned(decoder(bytes)),
                None if is_escaped => guess(bytes),
                None => utf8(bytes).unwrap_or_else(|| guess(bytes)),
            }
        }
    }
}

/// Of UTF-7 and the code pages that browsers do not know.
fn decoder(label: &str) -> Option<fn(&[u8]) -> String> {
    let is_left = Encoding::for_label(label.as_bytes()).is_none();
    is_left.then(|| charset_decoder(label.as_bytes())).flatten()
}

/// What is to be said where `bytes` are read by a guess, since nobody knows the charset
/// called `label`.
pub fn guess_told(bytes: &[u8], label: Option<&str>) -> Option<String> {
    let label = label.unwrap_or_default().trim_matches([' ', '"', '\'']);
    let is_defined = |encoding: &'static Encoding| encoding != X_USER_DEFINED;
    let is_known = label.is_empty()
        || Encoding::for_label(label.as_bytes()).is_some_and(is_defined)
        || known::for_label(label.as_bytes()).is_some()
        || known::decode_other(&[], label).is_some()
        || decoder(label).is_some();
    let is_guessed = !is_known && utf8(bytes).is_none();
    is_guessed.then(|| {
        let label = text::prefix(label, 40);
        format!("the charset {label:?} is unknown, and was guessed")
    })
}

/// Text that begins with a byte order mark, which in a charset that is not Unicode is
/// letters: only a mark of UTF-8 says more than the label, if all the rest agrees.
fn marked<'a>(bytes: &'a [u8], declared: Option<&'static Encoding>) -> Option<Cow<'a, str>> {
    let (encoding, mark) = Encoding::for_bom(bytes)?;
    let is_unicode = declared.is_none_or(|it| it == UTF_8 || it == UTF_16LE || it == UTF_16BE);
    if is_unicode {
        return Some(encoding.decode_without_bom_handling(&bytes[mark..]).0);
    }
    (encoding == UTF_8).then(|| utf8(&bytes[mark..])).flatten()
}

fn utf8(bytes: &[u8]) -> Option<Cow<'_, str>> {
    std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
}

fn errors(text: &str) -> usize {
    text.matches(char::REPLACEMENT_CHARACTER).count()
}

fn guess(bytes: &[u8]) -> Cow<'_, str> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes[..bytes.len().min(GUESS_BYTES_MAX)], true);
    let encoding = detector.guess(None, Utf8Detection::Allow);
    encoding.decode_without_bom_handling(bytes).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], label: Option<&str>, expected: &str) {
        assert_eq!(decode(bytes, label), expected);
    }

    #[test]
    fn declared_charsets_are_read() {
        check(b"caf\xe9", Some("iso-8859-1"), "café");
        check(b"\x93\xfa\x96\x7b", Some("Shift_JIS"), "日本");
        check(b"\x1b$BF|K\\\x1b(B", Some("iso-2022-jp"), "日本");
        check(b"\xd0\xc2\xce\xc5", Some("gb2312"), "新闻");
        check(b"Hi Mom -+Jjo--!", Some("utf-7"), "Hi Mom -☺-!");
        check(b"\x82", Some("cp850"), "é");
        check(b"\x82", Some("cp437"), "é");
        check(b"\x93\xfa\x96\x7b", Some("cp932"), "日本");
        check(b"caf\x8e", Some("mac-roman"), "café");
        check(b"\x80", Some("cp862"), "א");
        check(b"caf\xe9", Some("latin-1"), "café");
        check(b"\xff\xfe\0\0a\0\0\0", Some("utf-32"), "a");
    }

    /// Of these the crates make one U+FFFD in place of all that there is.
    #[test]
    fn charsets_of_no_browser_lose_nothing() {
        check(b"\x1b$)Cmail \x0e>H3g\x0f", Some("iso-2022-kr"), "mail 안녕");
        check(b"mail ~{2;~}", Some("HZ-GB-2312"), "mail 不");
        check(b"hello \x0e=;;;\x0f", Some("iso-2022-cn"), "hello 交换");
        check(b"hello", Some("replacement"), "hello");
        check(b"hello", Some("csiso2022kr"), "hello");
    }

    #[test]
    fn what_is_guessed_is_known() {
        assert!(guess_told(b"caf\xe9", Some("johab")).is_some());
        assert!(guess_told(b"caf\xe9", Some("x-user-defined")).is_some());
        for (bytes, label) in [
            (&b"caf\xe9"[..], Some("iso-8859-1")),
            (b"caf\xe9", None),
            (b"cafe", Some("johab")),
            ("café".as_bytes(), Some("johab")),
            (b"\x82", Some("cp850")),
            (b"\x82", Some("IBM437")),
            (b"\x1b$)C\x0e>H\x0f\xff", Some("iso-2022-kr")),
        ] {
            assert_eq!(guess_told(bytes, label), None, "{label:?}");
        }
    }

    #[test]
    fn letters_are_no_byte_order_mark() {
        check(b"\xff\xfe\xea\xe8", Some("windows-1251"), "яюки");
        check(b"\xfe\xff\xe1", Some("iso-8859-1"), "þÿá");
        check(b"\xef\xbb\xbfcaf\xc3\xa9", Some("iso-8859-1"), "café");
        check(b"\xfe\xff\0a", None, "a");
        check(b"\0a\0b", Some("utf-16"), "ab");
        check(b"a\0b\0", Some("utf-16"), "ab");
    }

    #[test]
    fn lying_and_lacking_charsets_are_guessed() {
        check("naïve café".as_bytes(), Some("us-ascii"), "naïve café");
        check("naïve café".as_bytes(), Some("iso-8859-1"), "naïve café");
        check("naïve".as_bytes(), Some("no-such-charset"), "naïve");
        check(b"\x1b$BF|K\\8l$N%F%9%H\x1b(B", None, "日本語のテスト");
        check(b"\xff\xfea\0", Some("utf-8"), "a");
        let (russian, ..) = encoding_rs::KOI8_R.encode("Привет, как дела? Всё хорошо.");
        check(&russian, Some("utf-8"), "Привет, как дела? Всё хорошо.");
    }
}

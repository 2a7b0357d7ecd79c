//! Bytes to text, believing the declared charset only as far as it fits.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;

/// How much of a text the guess looks at.
const GUESS_BYTES_MAX: usize = 64 << 10;

/// Decodes `bytes`, declared to be in charset `label` (or nothing declared).
///
/// A label that is unknown, or that the bytes contradict, gives way to UTF-8 if
/// they are valid UTF-8, and else to a guess from the bytes themselves.
pub fn decode<'a>(bytes: &'a [u8], label: Option<&str>) -> Cow<'a, str> {
    let label = label.map(|label| label.trim_matches([' ', '"', '\'']));
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    let is_escaped = bytes.contains(&0x1b);
    let declared = label.and_then(|label| Encoding::for_label_no_replacement(label.as_bytes()));
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
            let decoder = label.filter(|label| !label.is_empty()).and_then(|label| {
                let is_known = !label.eq_ignore_ascii_case("iso-2022-kr")
                    && !label.eq_ignore_ascii_case("hz-gb-2312");
                is_known.then(|| charset_decoder(label.as_bytes())).flatten()
            });
            match decoder {
                // UTF-7 and the code pages that browsers do not know.
                Some(decoder) => Cow::Owned(decoder(bytes)),
                None if is_escaped => guess(bytes),
                None => utf8(bytes).unwrap_or_else(|| guess(bytes)),
            }
        }
    }
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

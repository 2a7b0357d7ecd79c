//! UTF-7 (RFC 2152), which mail of Exchange still bears and browsers refuse.

/// Whether `label` names it.
pub fn is_named(label: &str) -> bool {
    let names = ["utf-7", "utf7", "unicode-1-1-utf-7", "csunicode11utf7", "cp65000"];
    names.iter().any(|name| label.eq_ignore_ascii_case(name))
}

/// The text, and whether all bytes were of the charset.
pub fn decode(bytes: &[u8]) -> (String, bool) {
    let mut text = String::with_capacity(bytes.len());
    let mut is_whole = true;
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'+' => {
                let end = rest.iter().position(|byte| value(*byte).is_none());
                let (run, tail) = rest.split_at(end.unwrap_or(rest.len()));
                is_whole &= shifted(run, &mut text);
                let hyphen = tail.strip_prefix(b"-");
                if run.is_empty() {
                    text.push('+');
                    is_whole &= hyphen.is_some();
                }
                // It ends a run, and is no text.
                rest = hyphen.unwrap_or(tail);
            }
            0..0x80 => text.push(char::from(*first)),
            _ => {
                is_whole = false;
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }
    (text, is_whole)
}

/// A run of base64: UTF-16, the high byte first, filled up with zero bits.
fn shifted(run: &[u8], text: &mut String) -> bool {
    let (mut bits, mut count) = (0_u32, 0);
    let mut units = Vec::with_capacity(run.len() * 6 / 16);
    for byte in run {
        bits = bits << 6 | u32::from(value(*byte).unwrap_or_default());
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push((bits >> count) as u16);
            bits &= (1 << count) - 1;
        }
    }
    let mut is_whole = count < 6 && bits == 0;
    for unit in char::decode_utf16(units) {
        is_whole &= unit.is_ok();
        text.push(unit.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    is_whole
}

fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn runs_begin_and_end_as_rfc_2152_has_them() {
        for (bytes, text) in [
            ("03:43 +-0000", "03:43 +0000"),
            ("+AD4 quoted", "> quoted"),
            ("+AD4 +AD4 +-/+ACo", "> > +/*"),
            ("compat+AF8-blk", "compat_blk"),
            ("A+ImIDkQ.", "A\u{2262}\u{391}."),
            ("Hi Mom -+Jjo--!", "Hi Mom -\u{263A}-!"),
            ("+2D3eAA-", "\u{1F600}"),
            ("Fu+AN8 ende", "Fuß ende"),
        ] {
            assert_eq!(decode(bytes.as_bytes()), (text.to_owned(), true), "{bytes}");
        }
        for (bytes, text) in [("a+ b", "a+ b"), ("+2D0-", "\u{FFFD}"), ("+AD4A", ">")] {
            assert_eq!(decode(bytes.as_bytes()), (text.to_owned(), false), "{bytes}");
        }
        assert_eq!(decode(b"\xE9"), ("\u{FFFD}".to_owned(), false));
    }
}

//! Charsets of mail in seven bits that no browser knows, so that `encoding_rs` reads
//! none of it: ISO-2022-KR (RFC 1557), HZ-GB-2312 (RFC 1843) and of ISO-2022-CN (RFC
//! 1922) what is of GB 2312.
//!
//! Each is one of eight bits whose upper half is reached by shifting.

use encoding_rs::{EUC_KR, Encoding, GBK};

const SHIFT_OUT: u8 = 0x0E;
const SHIFT_IN: u8 = 0x0F;
const ESCAPE: u8 = 0x1B;

/// The text, and whether all of it could be read; none if `label` is no such charset.
pub fn decode(bytes: &[u8], label: &str) -> Option<(String, bool)> {
    let is = |names: &[&str]| names.iter().any(|name| label.eq_ignore_ascii_case(name));
    if is(&["iso-2022-kr", "csiso2022kr"]) {
        return Some(read(bytes, EUC_KR, by_control));
    }
    if is(&["iso-2022-cn", "iso-2022-cn-ext"]) {
        return Some(read(bytes, GBK, by_control));
    }
    is(&["hz-gb-2312", "hz"]).then(|| read(bytes, GBK, by_tilde))
}

/// What a step finds at the start of the bytes.
enum Step {
    /// Shifted from here on, or no more; the bytes that say so.
    Shift(bool, usize),
    /// So many bytes that stand for nothing; whether they were understood.
    Skip(usize, bool),
    /// A byte that may be escaped.
    Byte(u8, usize),
}

fn read(bytes: &[u8], encoding: &'static Encoding, step: fn(&[u8]) -> Step) -> (String, bool) {
    let mut wide = Vec::with_capacity(bytes.len());
    let (mut at, mut is_shifted, mut is_whole) = (0, false, true);
    while at < bytes.len() {
        // Two bytes are one character, whose second may be what shifts elsewhere.
        if is_shifted && let [first @ 0x21..=0x7D, second @ 0x21..=0x7E, ..] = &bytes[at..] {
            wide.extend([first | 0x80, second | 0x80]);
            at += 2;
            continue;
        }
        match step(&bytes[at..]) {
            Step::Shift(to, length) => {
                is_shifted = to;
                at += length;
            }
            Step::Skip(length, is_known) => {
                is_whole &= is_known;
                at += length;
            }
            Step::Byte(byte, length) => {
                // Each line begins anew.
                is_shifted &= byte != b'\n';
                let is_upper = is_shifted && matches!(byte, 0x21..=0x7E);
                wide.push(if is_upper { byte | 0x80 } else { byte });
                at += length;
            }
        }
    }
    let (text, is_broken) = encoding.decode_without_bom_handling(&wide);
    (text.into_owned(), is_whole && !is_broken)
}

fn by_control(rest: &[u8]) -> Step {
    match rest {
        [SHIFT_OUT, ..] => Step::Shift(true, 1),
        [SHIFT_IN, ..] => Step::Shift(false, 1),
        // What the shifts shift to: Korean, Chinese, and all that is not read here.
        [ESCAPE, b'$', b')', b'C' | b'A', ..] => Step::Skip(4, true),
        [ESCAPE, b'$', b')' | b'*' | b'+', _, ..] => Step::Skip(4, false),
        [byte, ..] => Step::Byte(*byte, 1),
        [] => Step::Skip(1, true),
    }
}

fn by_tilde(rest: &[u8]) -> Step {
    match rest {
        [b'~', b'{', ..] => Step::Shift(true, 2),
        [b'~', b'}', ..] => Step::Shift(false, 2),
        [b'~', b'~', ..] => Step::Byte(b'~', 2),
        [b'~', b'\n', ..] => Step::Skip(2, true),
        [b'~', b'\r', b'\n', ..] => Step::Skip(3, true),
        [byte, ..] => Step::Byte(*byte, 1),
        [] => Step::Skip(1, true),
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[track_caller]
    fn check(bytes: &[u8], label: &str, expected: &str, is_whole: bool) {
        assert_eq!(decode(bytes, label), Some((expected.to_owned(), is_whole)));
    }

    #[test]
    fn shifts_are_followed() {
        let korean = b"\x1b$)Cmail \x0e>H3g\x0f end\r\n\x0e>H3g\r\nplain";
        check(korean, "ISO-2022-KR", "mail 안녕 end\r\n안녕\r\nplain", true);
        check(b"in ~{<:Ky2;S{~} out ~~ ~\nend", "hz-gb-2312", "in 己所不欲 out ~ end", true);
        check(b"\x1b$)A\x0e=;;;\x0f!", "iso-2022-cn", "交换!", true);
        check(b"a \x1b$)G\x0f b", "iso-2022-cn-ext", "a  b", false);
        check(b"\x0e!", "iso-2022-kr", "\u{FFFD}", false);
        assert_eq!(decode(b"a", "iso-2022-jp"), None);
    }
}

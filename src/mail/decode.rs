//! Decoding of transfer encodings by one deterministic rule.
//!
//! Hashes of attachments and of encoded messages are taken over what these
//! rules yield, and commitments are made over those hashes, so **the rules never
//! change**; another reader of the archive can follow them from this page:
//!
//! * **Identity** (`7bit`, `8bit`, `binary`, none, or a name nobody defined):
//!   the bytes as they are. Line endings are not touched.
//! * **Base64** (RFC 2045 section 6.8): characters of the alphabet
//!   `A-Z a-z 0-9 + /` are gathered in groups of four, every other byte but `=`
//!   is skipped. `=` ends the group in progress, and so does the end of the
//!   content: of two gathered characters one byte is made, of three two bytes,
//!   one is dropped; unused low bits are dropped. `=` without a group in progress is
//!   skipped. Decoding goes on after `=`, so that nothing can hide behind it.
//! * **Quoted-printable** (RFC 2045 section 6.7): `=` and two hex digits of
//!   either case make one byte. `=`, then any spaces and tabs, then LF, CRLF or
//!   the end of the content make nothing (a soft break). Spaces and tabs before
//!   LF, CRLF or the end of the content are dropped. A run of more than
//!   [`SPACE_RUN_MAX`] spaces and tabs is content in both cases. Every other byte
//!   stays, an `=` that begins neither of the above included. Line endings are
//!   kept as they are.

use serde::{Deserialize, Serialize};

/// The longest run of white space that quoted-printable drops at a line's end;
/// bounds what the decoder holds.
pub const SPACE_RUN_MAX: usize = 1024;

/// How an entry's bytes are encoded where they lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
}

/// A decoder that is fed in pieces; how the content is cut does not matter.
pub enum Decoder {
    Identity,
    Base64(Base64),
    QuotedPrintable(QuotedPrintable),
}

impl Decoder {
    pub fn new(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Identity => Self::Identity,
            Encoding::Base64 => Self::Base64(Base64::default()),
            Encoding::QuotedPrintable => Self::QuotedPrintable(QuotedPrintable::default()),
        }
    }

    /// Appends what `bytes` decode to.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Identity => out.extend_from_slice(bytes),
            Self::Base64(decoder) => decoder.push(bytes, out),
            Self::QuotedPrintable(decoder) => decoder.push(bytes, out),
        }
    }

    /// Appends what is left at the end of the content; true if it was damaged.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Identity => false,
            Self::Base64(decoder) => decoder.finish(out),
            Self::QuotedPrintable(decoder) => decoder.finish(out),
        }
    }
}

/// `bytes` decoded at once.
pub fn decode(encoding: Encoding, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut decoder = Decoder::new(encoding);
    decoder.push(bytes, &mut out);
    decoder.finish(&mut out);
    out
}

const PAD: u8 = 0xFD;
const SPACE: u8 = 0xFE;
const FOREIGN: u8 = 0xFF;

/// The value of each alphabet character, or one of the marks above.
const VALUES: [u8; 256] = values();

/// Whether it is a character of base64, its padding included.
pub fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

const fn values() -> [u8; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [FOREIGN; 256];
    let mut i = 0;
    while i < 64 {
        table[alphabet[i] as usize] = i as u8;
        i += 1;
    }
    table[b'=' as usize] = PAD;
    table[b'\r' as usize] = SPACE;
    table[b'\n' as usize] = SPACE;
    table[b' ' as usize] = SPACE;
    table[b'\t' as usize] = SPACE;
    table
}

/// Bit that no group of valid characters sets.
const BAD: u32 = 1 << 31;

/// `SHIFTED[p][c]`: character `c` at place `p` of a group, shifted to its bits.
static SHIFTED: [[u32; 256]; 4] = shifted();

const fn shifted() -> [[u32; 256]; 4] {
    let values = values();
    let mut tables = [[BAD; 256]; 4];
    let mut place = 0;
    while place < 4 {
        let mut c = 0;
        while c < 256 {
            if values[c] < 64 {
                tables[place][c] = (values[c] as u32) << (18 - 6 * place);
            }
            c += 1;
        }
        place += 1;
    }
    tables
}

/// See the module's rule.
#[derive(Default)]
pub struct Base64 {
    group: u32,
    count: u8,
    is_damaged: bool,
}

impl Base64 {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + bytes.len() / 4 * 3 + 6, 0);
        let mut at = start;
        let mut i = 0;
        while i < bytes.len() {
            if self.count == 0 {
                (i, at) = whole_groups(bytes, i, out, at);
                if i == bytes.len() {
                    break;
                }
            }
            at = self.character(bytes[i], out, at);
            i += 1;
        }
        out.truncate(at);
    }

    /// One character; returns where the next output byte goes.
    fn character(&mut self, c: u8, out: &mut [u8], at: usize) -> usize {
        match VALUES[c as usize] {
            SPACE => at,
            FOREIGN => {
                self.is_damaged = true;
                at
            }
            PAD => self.end_group(out, at),
            value => {
                self.group = self.group << 6 | u32::from(value);
                self.count += 1;
                if self.count < 4 {
                    return at;
                }
                let group = self.group;
                (self.group, self.count) = (0, 0);
                out[at..at + 3].copy_from_slice(&group.to_be_bytes()[1..]);
                at + 3
            }
        }
    }

    fn end_group(&mut self, out: &mut [u8], at: usize) -> usize {
        let (group, count) = (self.group, self.count);
        (self.group, self.count) = (0, 0);
        match count {
            2 => {
                out[at] = (group >> 4) as u8;
                at + 1
            }
            3 => {
                out[at..at + 2].copy_from_slice(&((group >> 2) as u16).to_be_bytes());
                at + 2
            }
            count => {
                self.is_damaged |= count == 1;
                at
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> bool {
        self.is_damaged |= self.count != 0;
        let mut last = [0; 3];
        let len = self.end_group(&mut last, 0);
        out.extend_from_slice(&last[..len]);
        self.is_damaged
    }
}

/// Decodes groups of four alphabet characters until one is not; returns where
/// input and output stand.
fn whole_groups(bytes: &[u8], mut i: usize, out: &mut [u8], mut at: usize) -> (usize, usize) {
    for (four, three) in bytes[i..].chunks_exact(4).zip(out[at..].chunks_exact_mut(3)) {
        let group = SHIFTED[0][four[0] as usize]
            | SHIFTED[1][four[1] as usize]
            | SHIFTED[2][four[2] as usize]
            | SHIFTED[3][four[3] as usize];
        if group & BAD != 0 {
            break;
        }
        three.copy_from_slice(&group.to_be_bytes()[1..]);
        i += 4;
        at += 3;
    }
    (i, at)
}

/// See the module's rule. `held` is what cannot be decided yet: a run of white
/// space, or `=` and what follows it.
#[derive(Default)]
pub struct QuotedPrintable {
    held: Vec<u8>,
    is_in_long_run: bool,
    is_damaged: bool,
}

impl QuotedPrintable {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        while let Some(&c) = rest.first() {
            if self.is_in_long_run {
                self.is_in_long_run = matches!(c, b' ' | b'\t');
                if self.is_in_long_run {
                    out.push(c);
                    rest = &rest[1..];
                }
            } else if self.held.is_empty() {
                let plain = memchr::memchr3(b'=', b' ', b'\t', rest).unwrap_or(rest.len());
                // A CR may begin the CRLF before which white space is dropped, but
                // with none held it is content either way.
                out.extend_from_slice(&rest[..plain]);
                rest = &rest[plain..];
                if let Some(&c) = rest.first() {
                    self.held.push(c);
                    rest = &rest[1..];
                }
            } else if self.takes(c, out) {
                rest = &rest[1..];
            }
        }
    }

    /// Feeds one byte to what is held; false if the byte is to be looked at anew.
    fn takes(&mut self, c: u8, out: &mut Vec<u8>) -> bool {
        let is_escape = self.held[0] == b'=';
        let last = self.held[self.held.len() - 1];
        if last == b'\r' {
            return self.after_cr(c, is_escape, out);
        }
        match c {
            b' ' | b'\t' if !(is_escape && hex(last).is_some()) => {
                if self.held.len() == SPACE_RUN_MAX + usize::from(is_escape) {
                    self.keep(is_escape, out);
                    self.is_in_long_run = !is_escape;
                    return false;
                }
                self.held.push(c);
                true
            }
            b'\r' if !(is_escape && hex(last).is_some()) => {
                self.held.push(c);
                true
            }
            b'\n' if !(is_escape && hex(last).is_some()) => {
                if !is_escape {
                    out.push(b'\n');
                }
                self.held.clear();
                true
            }
            _ if is_escape && self.held.len() == 1 && hex(c).is_some() => {
                self.held.push(c);
                true
            }
            _ if is_escape && self.held.len() == 2 => match (hex(last), hex(c)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    self.held.clear();
                    true
                }
                _ => {
                    self.keep(is_escape, out);
                    false
                }
            },
            _ => {
                self.keep(is_escape, out);
                false
            }
        }
    }

    /// White space or `=`, then CR: a line ends only if LF follows.
    fn after_cr(&mut self, c: u8, is_escape: bool, out: &mut Vec<u8>) -> bool {
        if c == b'\n' {
            if !is_escape {
                out.extend_from_slice(b"\r\n");
            }
            self.held.clear();
            return true;
        }
        self.keep(is_escape, out);
        false
    }

    /// What was held turned out to be content.
    fn keep(&mut self, is_escape: bool, out: &mut Vec<u8>) {
        self.is_damaged |= is_escape;
        if is_escape {
            // Only the `=` is settled; what follows it is looked at anew, so that
            // white space behind a stray `=` still obeys its own rule.
            out.push(b'=');
            let behind = self.held.split_off(1);
            self.held.clear();
            self.push(&behind, out);
        } else {
            out.append(&mut self.held);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> bool {
        let held = std::mem::take(&mut self.held);
        let is_escape = held.first() == Some(&b'=');
        let end = held.iter().rposition(|c| !matches!(c, b' ' | b'\t')).map_or(0, |at| at + 1);
        if !(is_escape && end == 1) {
            self.is_damaged |= is_escape;
            out.extend_from_slice(&held[..end]);
        }
        self.is_damaged
    }
}

fn hex(c: u8) -> Option<u8> {
    (c as char).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(encoding: Encoding, encoded: &[u8], expected: &[u8], is_damaged: bool) {
        for step in [1, 2, 3, 7, encoded.len().max(1)] {
            let (mut decoder, mut out) = (Decoder::new(encoding), Vec::new());
            for piece in encoded.chunks(step) {
                decoder.push(piece, &mut out);
            }
            let damaged = decoder.finish(&mut out);
            let shown = String::from_utf8_lossy(encoded);
            assert_eq!(out, expected, "{shown:?} in steps of {step}");
            assert_eq!(damaged, is_damaged, "{shown:?} in steps of {step}");
        }
    }

    #[test]
    fn base64_follows_its_rule() {
        use Encoding::Base64;
        check(Base64, b"", b"", false);
        check(Base64, b"TWFu", b"Man", false);
        check(Base64, b"TWE=", b"Ma", false);
        check(Base64, b"TQ==\r\n", b"M", false);
        check(Base64, b"TW\r\nFu\nTWFu", b"ManMan", false);
        check(Base64, b"TWE", b"Ma", true);
        check(Base64, b"TWFuT", b"Man", true);
        check(Base64, b"TQ==TWFu", b"MMan", false);
        check(Base64, b"T-W!Fu", b"Man", true);
        check(Base64, b"T=WFu", &[0x58, 0x5b], true);
        check(Base64, b"====", b"", false);
    }

    #[test]
    fn quoted_printable_follows_its_rule() {
        use Encoding::QuotedPrintable as Q;
        check(Q, b"", b"", false);
        check(Q, b"a=3Db=c3=A9", "a=b\u{e9}".as_bytes(), false);
        check(Q, b"soft=\r\nbreak=\nhere= \t\r\n!", b"softbreakhere!", false);
        check(Q, b"space  \r\nand\t\nend ", b"space\r\nand\nend", false);
        check(Q, b"a b\rc \rd", b"a b\rc \rd", false);
        check(Q, b"1=2=ZZ=4", b"1=2=ZZ=4", true);
        check(Q, b"== x", b"== x", true);
        check(Q, b"=  x", b"=  x", true);
        check(Q, b"=  x=", b"=  x", true);
        check(Q, b"=a b=\rx", b"=a b=\rx", true);
        let long = [b' '; SPACE_RUN_MAX + 1];
        check(Q, &long, &long, false);
        check(Q, &long[1..], b"", false);
        let soft = [b"=", &long[..], b"\n"].concat();
        check(Q, &soft, &soft, true);
    }
}

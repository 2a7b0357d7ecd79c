//! Transfer encodings and charsets, decoded as far as they go.

use std::borrow::Cow;
use std::io::{self, Read};
use std::slice::Chunks;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;

use crate::mail::parameters::Parameters;
use crate::mail::{around, charset, uuencode};
use crate::pst::model::Exception;

/// The bytes that base64 stands for, and whether it was whole.
pub fn base64(text: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut group = Group::default();
    group.push(text, &mut out);
    let is_whole = group.end(&mut out);
    (out, is_whole)
}

/// The bytes of base64 in a header, which has an end of its own: many writers leave
/// the padding out.
pub fn word_base64(text: &[u8]) -> (Vec<u8>, bool) {
    let text = text.trim_ascii();
    let lacking =
        if text.contains(&b'=') { 0 } else { text.len().next_multiple_of(4) - text.len() };
    base64(&[text, &b"=="[..lacking.min(2)]].concat())
}

/// How many bytes that base64 stands for, and whether it is whole.
pub fn base64_size(text: &[u8]) -> (u64, bool) {
    let (mut group, mut out, mut size) = (Group::default(), Vec::new(), 0);
    for piece in text.chunks(PIECE_BYTES) {
        group.push(piece, &mut out);
        size += out.len() as u64;
        out.clear();
    }
    let is_whole = group.end(&mut out);
    (size + out.len() as u64, is_whole)
}

/// Text in base64, decoded as it is read.
pub struct Base64<'a> {
    pieces: Chunks<'a, u8>,
    group: Group,
    decoded: Vec<u8>,
    taken: usize,
}

/// What is decoded at a time.
const PIECE_BYTES: usize = 64 << 10;

impl<'a> Base64<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        let pieces = text.chunks(PIECE_BYTES);
        Self { pieces, group: Group::default(), decoded: Vec::new(), taken: 0 }
    }
}

impl Read for Base64<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.decoded.len() {
            self.decoded.clear();
            self.taken = 0;
            let Some(piece) = self.pieces.next() else {
                self.group.end(&mut self.decoded);
                break;
            };
            self.group.push(piece, &mut self.decoded);
        }
        let count = (&self.decoded[self.taken..]).read(out)?;
        self.taken += count;
        Ok(count)
    }
}

/// A group of four characters as far as it has come, and what was before it.
#[derive(Default)]
struct Group {
    bits: u32,
    count: u32,
    /// Padding has come, and so much of it is still to come.
    is_padded: bool,
    lacking: u32,
    is_damaged: bool,
}

impl Group {
    fn push(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for byte in text {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' => {
                    self.pad(out);
                    continue;
                }
                b' ' | b'\t' | b'\r' | b'\n' => continue,
                _ => {
                    self.is_damaged = true;
                    continue;
                }
            };
            // Padding ends the data (RFC 2045 section 6.8), and as many as the last group
            // lacks; some writers begin another group after it.
            self.is_damaged |= self.is_padded || self.lacking > 0;
            (self.is_padded, self.lacking) = (false, 0);
            self.bits = self.bits << 6 | u32::from(value);
            self.count += 1;
            if self.count == 4 {
                out.extend_from_slice(&self.bits.to_be_bytes()[1..]);
                (self.bits, self.count) = (0, 0);
            }
        }
    }

    fn pad(&mut self, out: &mut Vec<u8>) {
        match (self.count, self.lacking) {
            (2, _) => (self.lacking, self.is_padded) = (1, true),
            (3, _) => self.is_padded = true,
            (0, 1) => self.lacking = 0,
            _ => self.is_damaged = true,
        }
        self.flush(out);
    }

    /// Whether all of it was whole: what ends without its padding may lack more.
    fn end(&mut self, out: &mut Vec<u8>) -> bool {
        self.is_damaged |= self.count > 0 || self.lacking > 0;
        self.flush(out);
        !self.is_damaged
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        match self.count {
            2 => out.push((self.bits >> 4) as u8),
            3 => out.extend_from_slice(&(self.bits >> 2).to_be_bytes()[2..]),
            _ => {}
        }
        (self.bits, self.count) = (0, 0);
    }
}

/// The bytes that the Q encoding stands for, and whether it was whole: no line of it is
/// broken softly (RFC 2047 section 4.2).
pub fn word_quoted(text: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(text.len());
    let is_whole = octets(text, &mut out);
    (out, is_whole)
}

/// The bytes that quoted-printable stands for, and whether it was whole.
pub fn quoted_printable(text: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(text.len());
    let mut is_whole = true;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let end = line.iter().rposition(|byte| !is_blank(byte)).map_or(0, |at| at + 1);
        let (content, tail) = line.split_at(end);
        let soft = content.last() == Some(&b'=');
        let content = if soft { &content[..end - 1] } else { content };
        is_whole &= octets(content, &mut out);
        if !soft {
            // RFC 2045 section 6.7: white space before a line's end was added.
            let ends = tail.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            out.extend_from_slice(ends.map_or(&[], |at| &tail[at..]));
        }
    }
    (out, is_whole)
}

/// Adds what a line stands for, and tells whether each `=` begins a byte.
fn octets(content: &[u8], out: &mut Vec<u8>) -> bool {
    let (mut at, mut is_whole) = (0, true);
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
    is_whole
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
    /// In another charset than is said, which the bytes are not of.
    ReadAs(&'static str),
}

impl Fidelity {
    /// What has to be said of text that is said to be in `charset`.
    pub fn of_text(self, part: &str, charset: &str) -> Option<Exception> {
        let (part, charset) = (part.to_owned(), charset.to_owned());
        match self {
            Self::Exact => None,
            Self::Broken => Some(Exception::BrokenCharset { part, charset }),
            Self::Unknown => Some(Exception::UnknownCharset { part, charset }),
            Self::ReadAs(read_as) if charset.is_empty() => {
                Some(Exception::NoCharset { part, read_as })
            }
            Self::ReadAs(read_as) => Some(Exception::OtherCharset { part, charset, read_as }),
        }
    }
}

/// Text in `label`, the empty label meaning that none was given.
pub fn text(bytes: &[u8], label: &str) -> (String, Fidelity) {
    let label = label.trim();
    if label.is_empty() || is_ascii(label) {
        return match std::str::from_utf8(bytes) {
            Ok(text) if label.is_empty() || text.is_ascii() => (text.to_owned(), Fidelity::Exact),
            Ok(text) => (text.to_owned(), Fidelity::ReadAs("UTF-8")),
            Err(_) => {
                let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
                (text.into_owned(), Fidelity::ReadAs("windows-1252"))
            }
        };
    }
    let of = |is_whole| if is_whole { Fidelity::Exact } else { Fidelity::Broken };
    if let Some(encoding) = charset::for_label(label.as_bytes()) {
        // In a charset that is not Unicode a byte order mark is letters.
        let is_marked = Encoding::for_bom(bytes).is_some();
        let order = charset::utf_16_order(bytes, label.as_bytes()).filter(|_| !is_marked);
        let encoding = order.unwrap_or(encoding);
        let (text, is_broken) = if [UTF_8, UTF_16LE, UTF_16BE].contains(&encoding) {
            let (text, _, is_broken) = encoding.decode(bytes);
            (text, is_broken)
        } else {
            encoding.decode_without_bom_handling(bytes)
        };
        return (text.into_owned(), of(!is_broken));
    }
    if let Some((text, is_whole)) = charset::decode_other(bytes, label) {
        return (text, of(is_whole));
    }
    // A few others that browsers do without, but for those of which nothing is read.
    let is_read = Encoding::for_label(label.as_bytes()).is_none();
    match is_read.then(|| charset_decoder(label.as_bytes())).flatten() {
        Some(decode) => {
            let text = decode(bytes);
            let is_whole = !text.contains(char::REPLACEMENT_CHARACTER);
            (text, of(is_whole))
        }
        None => (String::from_utf8_lossy(bytes).into_owned(), Fidelity::Unknown),
    }
}

/// The names of US-ASCII at IANA that are in use.
fn is_ascii(label: &str) -> bool {
    const NAMES: [&str; 7] =
        ["us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us", "iso_646.irv:1991", "us", "csascii"];
    NAMES.iter().any(|name| label.eq_ignore_ascii_case(name))
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

pub fn is_base64(value: &str) -> bool {
    Parameters::parse(value.as_bytes()).token.eq_ignore_ascii_case("base64")
}

/// `bytes` decoded from the transfer encoding that `value` names, which may have a
/// comment or be quoted.
pub fn transfer<'a>(bytes: &'a [u8], value: &str) -> (Cow<'a, [u8]>, Fidelity) {
    let name = Parameters::parse(value.as_bytes()).token;
    let (decoded, is_whole) = if is_base64(value) {
        // Text that a gateway put beside it is none of it.
        match around::apart(bytes) {
            Some(apart) if !apart.is_damaged && !apart.coded.trim_ascii().is_empty() => {
                (base64(&apart.coded).0, false)
            }
            Some(_) => (base64(bytes).0, false),
            None => base64(bytes),
        }
    } else if name.eq_ignore_ascii_case("quoted-printable") {
        quoted_printable(bytes)
    } else if uuencode::is_named(&name) {
        let Some(coded) = uuencode::body(bytes) else {
            return (Cow::Borrowed(bytes), Fidelity::Broken);
        };
        (coded.content, !coded.is_damaged)
    } else {
        let identities = ["", "7bit", "8bit", "binary", "7-bit", "8-bit"];
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
        assert_eq!(base64(b"YQ=\r\n="), (b"a".to_vec(), true));
        assert_eq!(base64(b"aGVs"), (b"hel".to_vec(), true));
    }

    #[test]
    fn base64_in_headers_may_be_without_padding() {
        for (text, bytes, is_whole) in [
            ("aGVsbG8", "hello", true),
            ("YQ", "a", true),
            ("YQ==", "a", true),
            ("aGVsb", "hel", false),
        ] {
            assert_eq!(word_base64(text.as_bytes()), (bytes.into(), is_whole), "{text}");
        }
    }

    #[test]
    fn base64_that_cannot_be_as_it_was_written_is_told() {
        for (text, bytes) in [
            (&b"aGVsbG8"[..], &b"hello"[..]),
            (b"aGVs*bG8h", b"hello!"),
            (b"aGVsb", b"hel"),
            (b"YQ==YQ==", b"aa"),
            (b"YQ=YQ==", b"aa"),
            (b"YQ=", b"a"),
            (b"YQ===", b"a"),
            (b"aGVsbG8==", b"hello"),
            (b"aGVs=", b"hel"),
            (b"aGVsb===", b"hel"),
            (b"YQ==CAUTION", b"a\x08\x05\x13 \xE3"),
        ] {
            assert_eq!(base64(text), (bytes.to_vec(), false), "{text:?}");
        }
    }

    #[test]
    fn base64_is_the_same_as_it_is_read() {
        let long = [b"x".repeat(PIECE_BYTES - 2), b"YWJj".repeat(PIECE_BYTES)].concat();
        for text in [&b"aGVs\r\nbG8="[..], b"aGVs*bG8h", b"aGVsb", b"YQ==YQ==", b"", &long] {
            let (whole, is_whole) = base64(text);
            assert_eq!(base64_size(text), (whole.len() as u64, is_whole));
            let (mut read, mut reader) = (Vec::new(), Base64::new(text));
            let mut some = [0; 1000];
            loop {
                match reader.read(&mut some).unwrap() {
                    0 => break,
                    count => read.extend_from_slice(&some[..count]),
                }
            }
            assert_eq!(read, whole);
        }
    }

    #[test]
    fn quoted_printable_takes_what_is_there() {
        assert_eq!(quoted_printable(b"a=3Db  \r\nc=\r\nd"), (b"a=b\r\ncd".to_vec(), true));
        assert_eq!(quoted_printable(b"a\x0c\r\nb"), (b"a\x0c\r\nb".to_vec(), true));
        assert_eq!(quoted_printable(b"a=zz="), (b"a=zz".to_vec(), false));
    }

    #[test]
    fn charsets_say_how_they_went() {
        assert_eq!(text(b"caf\xE9", "iso-8859-1"), ("café".to_owned(), Fidelity::Exact));
        assert_eq!(text(b"caf\xE9", "utf-8").1, Fidelity::Broken);
        assert_eq!(text(b"x", "no-such"), ("x".to_owned(), Fidelity::Unknown));
        assert_eq!(text(b"+AGE-", "utf-7").0, "a");
    }

    #[test]
    fn what_is_not_as_it_is_said_is_told() {
        use Fidelity::{Broken, Exact, ReadAs, Unknown};
        for (bytes, label, seen, fidelity) in [
            (&b"caf\xC3\xA9"[..], "us-ascii", "café", ReadAs("UTF-8")),
            (b"caf\xE9", "ANSI_X3.4-1968", "café", ReadAs("windows-1252")),
            (b"cafe", "us-ascii", "cafe", Exact),
            (b"caf\xE9", "", "café", ReadAs("windows-1252")),
            (b"caf\xC3\xA9", "", "café", Exact),
            // Two letters, and no byte order mark.
            (b"\xFF\xFE\xEA\xE8", "windows-1251", "яюки", Exact),
            (b"\xFE\xFF\xE1", "iso-8859-1", "þÿá", Exact),
            (b"\xEF\xBB\xBFa", "utf-8", "a", Exact),
            (b"\xFE\xFF\0a", "utf-16", "a", Exact),
            // Charsets of which encoding_rs reads nothing.
            (b"\x1b$)Cmail \x0e>H3g\x0f", "iso-2022-kr", "mail 안녕", Exact),
            (b"mail ~{2;~}", "hz-gb-2312", "mail 不", Exact),
            (b"mail \x1b$)G", "iso-2022-cn-ext", "mail ", Broken),
            (b"mail", "replacement", "mail", Unknown),
            (b"\x1b$B%F\x1b(B", "iso-2022-jp-2", "テ", Exact),
            (b"\x80", "ibm862", "א", Exact),
            (b"caf\xE9", "latin-1", "café", Exact),
            (b"\xFF\xFE\0\0a\0\0\0", "utf-32", "a", Exact),
            (b"caf\xE9", "x-user-defined", "caf\u{FFFD}", Unknown),
        ] {
            assert_eq!(text(bytes, label), (seen.to_owned(), fidelity), "{label}");
        }
        let said = |charset: &str, read_as| {
            Fidelity::ReadAs(read_as).of_text("the text", charset).unwrap().to_string()
        };
        assert!(!said("", "windows-1252").contains("\"\""));
        assert!(said("us-ascii", "UTF-8").contains("\"us-ascii\""));
    }

    #[test]
    fn text_beside_base64_is_none_of_it() {
        for bytes in [&b"aGk=\r\n____\r\nlist"[..], b"aGk=\r\nfooter\r\n", b"[EXT] a\r\n\r\naGk="] {
            assert_eq!(transfer(bytes, "base64"), (Cow::Owned(b"hi".to_vec()), Fidelity::Broken));
        }
    }

    #[test]
    fn transfer_encodings_may_have_comments_and_quotes() {
        for value in ["base64", "BASE64 (rfc)", "\"base64\"", " base64; x"] {
            assert_eq!(transfer(b"aGk=", value), (Cow::Owned(b"hi".to_vec()), Fidelity::Exact));
        }
        assert_eq!(transfer(b"hi", "x-other (c)").1, Fidelity::Unknown);
    }

    #[test]
    fn transfer_encodings_may_be_none_of_mime() {
        for value in ["7-bit", "8-Bit"] {
            assert_eq!(transfer(b"hi", value), (Cow::Borrowed(&b"hi"[..]), Fidelity::Exact));
        }
        let coded = b"begin 644 a.txt\r\n$=V]R9\r\n`\r\nend\r\n";
        for value in ["uuencode", "x-uuencode", "X-UUE"] {
            let word = Cow::Owned(b"word".to_vec());
            assert_eq!(transfer(coded, value), (word, Fidelity::Exact), "{value}");
        }
        assert_eq!(transfer(&coded[..24], "x-uue").1, Fidelity::Broken);
        assert_eq!(transfer(b"word", "x-uue"), (Cow::Borrowed(&b"word"[..]), Fidelity::Broken));
    }
}

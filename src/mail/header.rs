//! Header blocks: fields as they are written, unfolded, or decoded to text.
//! What a field means (addresses, parameters) lives in files of its own.

use crate::base::limits;
use crate::mail::encoded_word;

/// Fields listed from one block.
pub const FIELDS_MAX: usize = 10_000;

/// One field: its name, and its value with the folds still in it and without
/// the final line ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    pub name: &'a [u8],
    pub value: &'a [u8],
}

impl Field<'_> {
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value unfolded and as text, encoded words decoded.
    pub fn text(&self) -> String {
        encoded_word::decode(&unfold(self.value))
    }
}

/// The fields of a header block in order. Lines end with LF or CRLF; a line
/// that begins with white space continues the field before it (RFC 5322
/// section 2.2.3); the block ends at the first empty line or with the bytes. A
/// line that is no field is passed over with what continues it.
pub fn fields(block: &[u8]) -> Fields<'_> {
    all_fields(&block[..block.len().min(limits::HEADER_BYTES_MAX)])
}

/// The same of a block of any length.
pub fn all_fields(block: &[u8]) -> Fields<'_> {
    // Some programs write a byte order mark before the first field.
    Fields { rest: block.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(block) }
}

/// Whether CR alone ends the lines of a message, as in some old stores, whatever ended
/// the last one on its way.
pub fn has_lines_of_cr(message: &[u8]) -> bool {
    let lines = message.trim_ascii_end();
    lines.contains(&b'\r') && !lines.contains(&b'\n')
}

/// A message without the empty lines that some gateways put before its first field.
/// What no field follows is a body without a header.
pub fn from_first_field(message: &[u8]) -> &[u8] {
    let mut rest = message;
    while let Some(next) = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")) {
        rest = next;
    }
    if begins_field(rest) { rest } else { message }
}

/// Whether a field of a usual name begins here.
pub fn begins_field(line: &[u8]) -> bool {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let len = line.iter().take_while(|byte| is_of_name(byte)).count();
    len > 0 && line.get(len) == Some(&b':')
}

pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            let end = field_end(self.rest)?;
            let (raw, rest) = self.rest.split_at(end);
            self.rest = rest;
            let raw = trim_line_end(raw);
            let Some(colon) = memchr::memchr(b':', raw) else { continue };
            // RFC 5322 section 4.5.3 lets old writers put white space before the colon.
            let name = raw[..colon].trim_ascii_end();
            let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
            if is_name {
                return Some(Field { name, value: &raw[colon + 1..] });
            }
        }
    }
}

/// Where the first field of `block` ends, behind its last line; none at an
/// empty line or the end.
fn field_end(block: &[u8]) -> Option<usize> {
    if block.is_empty() || block.starts_with(b"\n") || block.starts_with(b"\r\n") {
        return None;
    }
    let mut end = 0;
    loop {
        end += memchr::memchr(b'\n', &block[end..]).map_or(block.len() - end, |at| at + 1);
        if !matches!(block.get(end), Some(b' ' | b'\t')) {
            return Some(end);
        }
    }
}

fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The value without its line endings and without white space at either end.
pub fn unfold(value: &[u8]) -> Vec<u8> {
    let mut flat = value.to_vec();
    flat.retain(|c| !matches!(c, b'\r' | b'\n'));
    flat.trim_ascii().to_vec()
}

/// The first field called `name`, unfolded.
pub fn first(block: &[u8], name: &str) -> Option<Vec<u8>> {
    fields(block).find(|field| field.is(name)).map(|field| unfold(field.value))
}

/// The header block at the start of a message, its closing empty line excluded.
pub fn block(message: &[u8]) -> &[u8] {
    let mut end = 0;
    while let Some(len) = field_end(&message[end..]) {
        end += len;
    }
    &message[..end]
}

/// A bounded list of a message's fields as text, in order, for showing.
pub struct Headers {
    pub list: Vec<(String, String)>,
    /// There were more fields or bytes than are listed.
    pub is_cut: bool,
}

impl Headers {
    pub fn parse(message: &[u8]) -> Self {
        let mut fields = fields(message);
        let list = fields
            .by_ref()
            .take(FIELDS_MAX)
            .map(|field| (String::from_utf8_lossy(field.name).into_owned(), field.text()))
            .collect();
        let is_cut = fields.next().is_some() || block(message).len() > limits::HEADER_BYTES_MAX;
        Self { list, is_cut }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.list.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lines_before_the_first_field_are_none_of_it() {
        assert_eq!(from_first_field(b"\r\n\nTo: b\n\nc"), b"To: b\n\nc");
        for message in [&b"To: b\n\nc"[..], b"\r\nto b: c\r\n", b"\r\n", b"\n:", b""] {
            assert_eq!(from_first_field(message), message);
        }
    }

    #[test]
    fn fields_are_unfolded_and_junk_is_passed_over() {
        let block =
            b"From someone Mon\r\nSubject: a\r\n folded\r\n\t one\r\njunk\r\n  more junk: x\r\n\
            To : b\nX-Empty:\r\n\r\nBody: no\r\n";
        let found: Vec<_> = fields(block)
            .map(|f| (String::from_utf8_lossy(f.name).into_owned(), f.text()))
            .collect();
        let expected = [("Subject", "a folded\t one"), ("To", "b"), ("X-Empty", "")];
        assert_eq!(found, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
        assert!(super::block(block).ends_with(b"X-Empty:\r\n"));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_name() {
        let found = fields(b"\xEF\xBB\xBFFrom : a\r\n").next();
        assert!(found.is_some_and(|field| field.is("From") && field.text() == "a"));
    }
}

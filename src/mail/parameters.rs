//! `Content-Type` and `Content-Disposition`: a token and its parameters, with
//! the continuations and charsets of RFC 2231.

use std::borrow::Cow;
use std::ops::Range;

use crate::mail::encoded_word;

/// Parameters kept from one field.
const PARAMETERS_MAX: usize = 64;
/// Characters kept of a file name.
const NAME_CHARS_MAX: usize = 512;

/// A field value such as `text/plain; charset=utf-8`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// What stands before the first `;`, lower-cased, without white space.
    pub token: String,
    list: Vec<(String, Vec<u8>)>,
}

impl Parameters {
    /// Parses an unfolded value; what cannot be a parameter is passed over.
    pub fn parse(value: &[u8]) -> Self {
        let value = &*separated(value);
        let mut cursor = Cursor { rest: value };
        // Some leave the token out, and begin with a parameter.
        let mut is_at_parameter = begins_with_parameter(value);
        let token = if is_at_parameter { Vec::new() } else { cursor.until(b";") };
        let token = String::from_utf8_lossy(&token).to_ascii_lowercase();
        let token = token.trim_end_matches([' ', '\t', ',']);
        let token = token.split_whitespace().collect::<String>();
        let mut list = Vec::new();
        while (std::mem::take(&mut is_at_parameter) || cursor.skip(b';'))
            && list.len() < PARAMETERS_MAX
        {
            let name = cursor.until(b"=;");
            if !cursor.skip(b'=') {
                continue;
            }
            let value = cursor.value();
            let name = String::from_utf8_lossy(&name).trim().to_ascii_lowercase();
            list.push((name, value));
        }
        Self { token, list }
    }

    /// The first parameter called `name`, as bytes, without RFC 2231 forms.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.list.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_slice())
    }

    /// What separates the parts of a multipart; none if that is empty or not there.
    pub fn boundary(&self) -> Option<Cow<'_, [u8]>> {
        let said = match self.bytes("boundary") {
            Some(said) => Cow::Borrowed(said),
            None => self.value("boundary")?.bytes,
        };
        let said = match said {
            Cow::Borrowed(said) => Cow::Borrowed(said.trim_ascii_end()),
            Cow::Owned(said) => Cow::Owned(said.trim_ascii_end().to_vec()),
        };
        Some(said).filter(|said| !said.is_empty())
    }

    /// The parameter called `name` as text: RFC 2231 forms first, since they were
    /// meant to replace the plain one; encoded words, which are not allowed here
    /// but common, are decoded.
    pub fn text(&self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        let text = match value.charset {
            Some(label) => encoded_word::named(&value.bytes, label),
            None => encoded_word::decode(&value.bytes),
        };
        let clean = text.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX);
        Some(clean.collect())
    }

    /// The same before it is read in its charset.
    pub fn value(&self, name: &str) -> Option<Value<'_>> {
        self.extended(name).or_else(|| self.continued(name)).or_else(|| {
            let bytes = Cow::Borrowed(self.bytes(name)?);
            Some(Value { bytes, charset: None, is_damaged: false })
        })
    }

    /// `name*=charset'language'text`.
    fn extended(&self, name: &str) -> Option<Value<'_>> {
        let (charset, text) = charset_of(self.bytes(&format!("{name}*"))?);
        let (bytes, is_whole) = percent_decoded(text);
        Some(Value { bytes: Cow::Owned(bytes), charset, is_damaged: !is_whole })
    }

    /// `name*0=`, `name*1*=` and so on (RFC 2231 section 3). A character may be split
    /// between two of them.
    fn continued(&self, name: &str) -> Option<Value<'_>> {
        let mut joined = Vec::new();
        let (mut charset, mut is_damaged, mut has_gap) = (None, false, false);
        for section in 0..PARAMETERS_MAX {
            if let Some(value) = self.bytes(&format!("{name}*{section}*")) {
                is_damaged |= has_gap;
                let mut text = value;
                if section == 0 {
                    (charset, text) = charset_of(value);
                }
                let (bytes, is_whole) = percent_decoded(text);
                is_damaged |= !is_whole;
                joined.extend(bytes);
            } else if let Some(value) = self.bytes(&format!("{name}*{section}")) {
                is_damaged |= has_gap;
                joined.extend_from_slice(value);
            } else if section == 0 {
                return None;
            } else {
                has_gap = true;
            }
        }
        Some(Value { bytes: Cow::Owned(joined), charset, is_damaged })
    }
}

/// A parameter's bytes.
pub struct Value<'p> {
    pub bytes: Cow<'p, [u8]>,
    /// What the parameter itself names, without which encoded words may be in it.
    pub charset: Option<&'p [u8]>,
    /// Not all that should stand for a byte does.
    pub is_damaged: bool,
}

/// A value with the `;` behind its token, which some leave out.
pub fn separated(value: &[u8]) -> Cow<'_, [u8]> {
    if begins_with_parameter(value) {
        return Cow::Borrowed(value);
    }
    let token = Cursor { rest: value }.until(b";");
    let name = token.iter().position(|c| *c == b'=').and_then(|eq| last_word(&token[..eq]));
    let at = name.and_then(|name| named(value, &token[name]));
    let Some(at) = at else { return Cow::Borrowed(value) };
    let head = value[..at].trim_ascii_end();
    let head = head.strip_suffix(b",").unwrap_or(head);
    Cow::Owned([head, b"; ", &value[at..]].concat())
}

/// The word at the end of a text, where blanks or a comma separate it from others.
fn last_word(text: &[u8]) -> Option<Range<usize>> {
    let end = text.trim_ascii_end().len();
    let at = text[..end].iter().rposition(|c| c.is_ascii_whitespace() || *c == b',')?;
    let is_behind = !text[..at].trim_ascii().is_empty() && at + 1 < end;
    is_behind.then_some(at + 1..end)
}

/// Where a parameter of this name begins.
fn named(value: &[u8], name: &[u8]) -> Option<usize> {
    let is_one = |at: &usize| value[at + name.len()..].trim_ascii_start().starts_with(b"=");
    memchr::memmem::find_iter(value, name).find(is_one)
}

fn begins_with_parameter(value: &[u8]) -> bool {
    let name = value.split(|c| *c == b'=').next().unwrap_or_default().trim_ascii();
    let is_name = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'*');
    name.len() < value.len() && !name.is_empty() && name.iter().all(is_name)
}

fn charset_of(value: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let mut parts = value.splitn(3, |c| *c == b'\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(label), Some(_), Some(text)) => (Some(label).filter(|it| !it.is_empty()), text),
        _ => (None, value),
    }
}

/// The bytes, and whether each `%` stood for one.
fn percent_decoded(text: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut i, mut is_whole) = (0, true);
    while i < text.len() {
        let digits = text.get(i + 1..i + 3).filter(|_| text[i] == b'%');
        let digits = digits.filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        let byte = digits.and_then(|d| std::str::from_utf8(d).ok());
        match byte.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                i += 3;
            }
            None => {
                is_whole &= text[i] != b'%';
                bytes.push(text[i]);
                i += 1;
            }
        }
    }
    (bytes, is_whole)
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    /// What stands before any of `stops`, comments left out, quotes taken off.
    fn until(&mut self, stops: &[u8]) -> Vec<u8> {
        let mut taken = Vec::new();
        while let Some(&c) = self.rest.first() {
            if stops.contains(&c) {
                break;
            }
            match c {
                b'(' => self.comment(),
                b'"' => taken.extend(self.quoted()),
                c => {
                    taken.push(c);
                    self.rest = &self.rest[1..];
                }
            }
        }
        taken
    }

    fn skip(&mut self, c: u8) -> bool {
        match self.rest.strip_prefix(&[c]) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A parameter's value: a quoted string, or what stands before `;`.
    fn value(&mut self) -> Vec<u8> {
        self.rest = self.rest.trim_ascii_start();
        if self.rest.first() == Some(&b'"') {
            let value = self.quoted();
            self.until(b";");
            return value;
        }
        let (mut taken, mut is_comment) = (Vec::new(), true);
        while let Some(&c) = self.rest.first().filter(|c| **c != b';') {
            let start = self.rest;
            match c {
                b'"' => taken.extend(self.quoted()),
                // Brackets that more follows are of a name that should be quoted.
                b'(' if is_comment => {
                    self.comment();
                    let comment = &start[..start.len() - self.rest.len()];
                    is_comment = comment.ends_with(b")");
                    if !is_comment {
                        self.rest = start;
                    } else if !matches!(self.rest.trim_ascii_start().first(), None | Some(b';')) {
                        taken.extend_from_slice(comment);
                    }
                }
                c => {
                    taken.push(c);
                    self.rest = &start[1..];
                }
            }
        }
        taken.trim_ascii().to_vec()
    }

    /// A quoted string at the cursor; one that does not end goes to the end.
    fn quoted(&mut self) -> Vec<u8> {
        let mut taken = Vec::new();
        let mut bytes = self.rest.iter().enumerate().skip(1);
        while let Some((at, c)) = bytes.next() {
            match c {
                b'"' => {
                    self.rest = &self.rest[at + 1..];
                    return taken;
                }
                // Some programs write the path of a file, and no escapes.
                b'\\' => match bytes.next() {
                    Some((_, c @ (b'"' | b'\\'))) => taken.push(*c),
                    Some((_, c)) => taken.extend([b'\\', *c]),
                    None => {}
                },
                c => taken.push(*c),
            }
        }
        self.rest = &[];
        taken
    }

    /// Passes over a comment; one that does not end goes to the end.
    fn comment(&mut self) {
        let mut depth = 0_usize;
        let mut bytes = self.rest.iter().enumerate();
        while let Some((at, c)) = bytes.next() {
            match c {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => drop(bytes.next()),
                _ => {}
            }
            if depth == 0 {
                self.rest = &self.rest[at + 1..];
                return;
            }
        }
        self.rest = &[];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, token: &str, name: &str, expected: Option<&str>) {
        let parameters = Parameters::parse(value.as_bytes());
        assert_eq!(parameters.token, token, "{value}");
        assert_eq!(parameters.text(name).as_deref(), expected, "{value}");
    }

    #[test]
    fn parameters_in_every_form() {
        check("Text/Plain", "text/plain", "charset", None);
        check("text/plain; Charset=UTF-8", "text/plain", "charset", Some("UTF-8"));
        check("text/plain (a; (b)) ; charset = utf-8 (c)", "text/plain", "charset", Some("utf-8"));
        check(
            r#"multipart/mixed; boundary="a;b \"c""#,
            "multipart/mixed",
            "boundary",
            Some(r#"a;b "c"#),
        );
        check("multipart/mixed; boundary=a=b", "multipart/mixed", "boundary", Some("a=b"));
        check(
            "attachment; filename*=utf-8'en'%e2%82%ac.txt",
            "attachment",
            "filename",
            Some("€.txt"),
        );
        check(
            "attachment; filename*0*=iso-8859-1''caf%e9; filename*1=\" au lait\"",
            "attachment",
            "filename",
            Some("café au lait"),
        );
        check("attachment; filename=\"=?utf-8?Q?=C3=A9?=\"", "attachment", "filename", Some("é"));
        check("attachment; filename=\"open", "attachment", "filename", Some("open"));
        check(
            "attachment; filename*0*=utf-8''%E6%97; filename*1*=%A5.pdf",
            "attachment",
            "filename",
            Some("日.pdf"),
        );
        check(
            "attachment; filename=a.pdf; filename*=utf-8''%C3%A9.pdf",
            "attachment",
            "filename",
            Some("é.pdf"),
        );
        check("a; name=b (1).pdf; x=y", "a", "name", Some("b (1).pdf"));
        check("a; name*=utf-8''b%20(1)%20c (d) ; x=y", "a", "name", Some("b (1) c"));
        check("a; name=b((c; x=(d", "a", "name", Some("b((c"));
        check("a; filename=x; filename*0=ab; filename*1=c", "a", "filename", Some("abc"));
        check("a; filename*0=ab; filename*2=c.pdf", "a", "filename", Some("abc.pdf"));
        check(r#"a; name="C:\temp\new.txt""#, "a", "name", Some(r"C:\temp\new.txt"));
        check("filename=\"a b.xls\"; x=y", "", "filename", Some("a b.xls"));
        check("filename*=utf-8''%C3%A9.pdf", "", "filename", Some("é.pdf"));
        check("a/b name=c", "a/b", "name", Some("c"));
        check("a/b, name=\"c d\"; x=y", "a/b", "name", Some("c d"));
        check("a/b, name=\"c d\"; x=y", "a/b", "x", Some("y"));
        check("a / b (d) name = c", "a/b", "name", Some("c"));
        check("a/b;name=\r\n \"c\"", "a/b", "name", Some("c"));
        check(";;;=;x", "", "x", None);
        check("", "", "x", None);
    }

    #[test]
    fn damage_is_told() {
        let damaged = |value: &str| {
            Parameters::parse(value.as_bytes()).value("name").is_some_and(|it| it.is_damaged)
        };
        assert!(damaged("a; name*=utf-8''%ZZ") && damaged("a; name*0*=utf-8''%e; name*1=9"));
        assert!(damaged("a; name*0=a; name*2=c.pdf") && !damaged("a; name*0=a; name*1=c.pdf"));
        assert!(!damaged("a; name*=utf-8''%e9") && !damaged("a; name=100%"));
    }
}

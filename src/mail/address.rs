//! Address lists of header fields (RFC 5322 section 3.4), read leniently, and
//! what an address is compared as.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use crate::base::hash::Digest;
use crate::base::limits;
use crate::mail::{encoded_word, idn};

/// What is told of an address in the place of its middle.
const DIGEST_CHARS: usize = 32;

/// A person or list as a header names it; either part may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Mailbox {
    pub name: String,
    pub address: String,
}

/// The mailboxes of an unfolded field value. Groups are opened up, comments
/// serve as names where there is no other (RFC 5322 section 3.4, appendix A.5).
pub fn parse(value: &[u8]) -> Vec<Mailbox> {
    let mut list = List::default();
    let mut bytes = value.iter().copied();
    while let Some(c) = bytes.next() {
        if list.found.len() >= limits::ENVELOPE_RECIPIENTS_MAX {
            break;
        }
        match c {
            b'"' => list.quoted(&mut bytes),
            b'(' => list.comment(&mut bytes),
            b'<' if list.angle.is_none() => list.angle = Some(Vec::new()),
            b'>' => list.is_angle_open = false,
            b',' | b';' if !list.is_in_angle() => list.flush(),
            b',' => list.route(),
            b':' if !(list.is_in_angle() || list.is_in_literal) => list.end_group_name(),
            c => list.push(c),
        }
        if c == b'<' {
            list.is_angle_open = true;
        }
    }
    list.flush();
    list.found
}

/// What an address is compared as, wherever it was written: bare, in lower case, its
/// local part composed (RFC 6530 section 10.1), its domain in ASCII (RFC 5891), without
/// a route before it (RFC 5322 section 4.4), quotes that its local part does not need (RFC
/// 5321 section 4.1.2) or the dot of the root after its domain (RFC 1034 section 3.1). One
/// of more than [`limits::ADDRESS_BYTES_MAX`] is its start, `…`, the beginning of the
/// SHA-256 of all of it, `…` and its end, where a domain is.
pub fn key(address: &str) -> String {
    let key = without_quotes(without_root(bare(without_route(address)))).to_lowercase();
    let key = idn::in_ascii(if key.is_ascii() { key } else { key.nfc().collect() });
    if key.len() <= limits::ADDRESS_BYTES_MAX {
        return key;
    }
    let half = (limits::ADDRESS_BYTES_MAX - DIGEST_CHARS) / 2 - "…".len();
    let start = &key[..key.floor_char_boundary(half)];
    let end = &key[key.ceil_char_boundary(key.len() - half)..];
    let digest = Digest::of(key.as_bytes()).to_string();
    format!("{start}…{}…{end}", &digest[..DIGEST_CHARS])
}

/// An address without the route before it (RFC 5322 section 4.4), if there is one.
pub fn without_route(address: &str) -> &str {
    let inner = address.trim().trim_matches(['<', '>']);
    let route = inner.strip_prefix('@').and_then(|route| route.split_once(':'));
    let behind = route.map(|(_, behind)| behind).filter(|behind| behind.contains('@'));
    behind.unwrap_or(address)
}

/// An address without the blanks around its dots and its at sign that RFC 5322 section
/// 4.4 has there no more.
pub fn without_blanks(address: &str) -> String {
    if address.contains('"') || !address.contains(char::is_whitespace) {
        return address.to_owned();
    }
    let mut out = String::with_capacity(address.len());
    for word in address.split_whitespace() {
        if !(out.is_empty() || out.ends_with(['.', '@']) || word.starts_with(['.', '@'])) {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

fn without_quotes(address: &str) -> Cow<'_, str> {
    let halves = address.rsplit_once('@');
    let plain = halves.and_then(|(local_part, domain)| {
        let inner = local_part.strip_prefix('"')?.strip_suffix('"')?;
        let is_atom = |atom: &str| !atom.is_empty() && atom.chars().all(is_atom_character);
        inner.split('.').all(is_atom).then(|| format!("{inner}@{domain}"))
    });
    plain.map_or(Cow::Borrowed(address), Cow::Owned)
}

/// RFC 5322 section 3.2.3, with RFC 6532 section 3.2.
fn is_atom_character(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

fn without_root(address: &str) -> &str {
    let shorter = address.strip_suffix('.');
    let has_domain = |shorter: &&str| {
        let domain = shorter.rsplit_once('@').map(|(_, domain)| domain);
        domain.is_some_and(|domain| !domain.is_empty() && !domain.ends_with('.'))
    };
    shorter.filter(has_domain).unwrap_or(address)
}

/// An address without the marks that Exchange and Outlook put around the X.500 names
/// of their own people and around other addresses (`EX:/o=…`, `[EX:/o=…]`,
/// `[SMTP:a@b]`).
pub fn bare(address: &str) -> &str {
    let mut text = address.trim();
    for (open, close) in [('<', '>'), ('[', ']')] {
        let inner = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        // Of a domain literal, `a@[192.0.2.1]`, they are the address's own.
        let inner = inner.filter(|inner| !inner.contains([open, close]));
        text = inner.unwrap_or(text).trim();
    }
    let bare = text.split_once(':').and_then(|(kind, rest)| {
        let (kind, rest) = (kind.trim_end(), rest.trim_start());
        let is = |known: &str| kind.eq_ignore_ascii_case(known);
        let is_exchange = (is("ex") || is("x500")) && rest.starts_with('/');
        let is_mail = (is("smtp") || is("mailto")) && rest.contains('@');
        (is_exchange || is_mail).then_some(rest)
    });
    bare.unwrap_or(text)
}

#[derive(Default)]
struct List {
    found: Vec<Mailbox>,
    phrase: Vec<u8>,
    /// Of the phrase, what a quoted string at its start was.
    quoted: Option<Range<usize>>,
    comment: Vec<u8>,
    angle: Option<Vec<u8>>,
    is_angle_open: bool,
    /// Of the domain of the phrase: `@[IPv6:…`.
    is_in_literal: bool,
}

impl List {
    fn is_in_angle(&self) -> bool {
        self.is_angle_open && self.angle.is_some()
    }

    fn push(&mut self, c: u8) {
        match &mut self.angle {
            Some(angle) if self.is_angle_open => angle.push(c),
            _ => {
                if c == b'@' {
                    self.quote_local_part();
                }
                self.is_in_literal = match c {
                    b'[' => self.phrase.ends_with(b"@"),
                    _ => self.is_in_literal && c != b']',
                };
                self.phrase.push(c);
            }
        }
    }

    /// A quoted string right before `@` is the local part of an address (RFC 5322
    /// section 3.4.1), and keeps its quotes.
    fn quote_local_part(&mut self) {
        let Some(quoted) = self.quoted.take() else { return };
        if quoted.is_empty() || !self.phrase[quoted.end..].trim_ascii().is_empty() {
            return;
        }
        let mut local_part = vec![b'"'];
        for c in &self.phrase[quoted] {
            if matches!(c, b'"' | b'\\') {
                local_part.push(b'\\');
            }
            local_part.push(*c);
        }
        local_part.push(b'"');
        self.phrase = local_part;
    }

    /// An obsolete route, `<@a,@b:c@d>`: only what follows it counts, and it
    /// holds no address before its colon.
    fn route(&mut self) {
        match &self.angle {
            Some(angle) if angle.first() == Some(&b'@') => self.push(b','),
            _ => {
                // An angle that was never closed ends here.
                self.is_angle_open = false;
                self.flush();
            }
        }
    }

    fn end_group_name(&mut self) {
        self.phrase.clear();
        self.quoted = None;
    }

    fn quoted(&mut self, bytes: &mut impl Iterator<Item = u8>) {
        let is_local_part = self.is_in_angle();
        let is_first = !is_local_part && self.phrase.trim_ascii().is_empty();
        if is_local_part {
            self.push(b'"');
        }
        let start = self.phrase.len();
        self.quoted = None;
        while let Some(c) = bytes.next() {
            match c {
                b'"' => break,
                b'\\' => {
                    let next = bytes.next();
                    if is_local_part && next.is_some() {
                        self.push(b'\\');
                    }
                    next.into_iter().for_each(|c| self.push(c));
                }
                c => self.push(c),
            }
        }
        if is_local_part {
            self.push(b'"');
        } else if is_first {
            self.quoted = Some(start..self.phrase.len());
        }
    }

    fn comment(&mut self, bytes: &mut impl Iterator<Item = u8>) {
        let mut depth = 1_usize;
        while let Some(c) = bytes.next() {
            match c {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => {
                    self.comment.extend(bytes.next());
                    continue;
                }
                _ => {}
            }
            if depth == 0 {
                return;
            }
            self.comment.push(c);
        }
    }

    fn flush(&mut self) {
        let phrase = std::mem::take(&mut self.phrase);
        self.quoted = None;
        let comment = std::mem::take(&mut self.comment);
        let angle = self.angle.take();
        self.is_angle_open = false;
        self.is_in_literal = false;
        let text = |bytes: &[u8]| encoded_word::decode(bytes.trim_ascii()).trim().to_owned();
        let whole = |bytes: &[u8]| without_blanks(&text(bytes));
        let mailbox = match angle {
            Some(angle) => {
                let angle = match memchr::memrchr(b':', &angle) {
                    Some(colon) if angle.first() == Some(&b'@') => &angle[colon + 1..],
                    _ => &angle,
                };
                let name = if phrase.trim_ascii().is_empty() { &comment } else { &phrase };
                Mailbox { name: text(name), address: whole(angle) }
            }
            None if phrase.contains(&b'@') => {
                Mailbox { name: text(&comment), address: whole(&phrase) }
            }
            None => Mailbox { name: text(&phrase), address: String::new() },
        };
        if !(mailbox.name.is_empty() && mailbox.address.is_empty()) {
            self.found.push(mailbox);
        }
    }
}

#[cfg(test)]
mod tests {
    fn check(value: &str, expected: &[(&str, &str)]) {
        let found = super::parse(value.as_bytes());
        let found: Vec<_> = found.iter().map(|m| (m.name.as_str(), m.address.as_str())).collect();
        assert_eq!(found, expected, "{value}");
    }

    #[test]
    fn one_address_has_one_key() {
        let alice = "/o=corp/ou=first/cn=alice";
        for (written, key) in [
            ("/O=Corp/OU=First/CN=Alice", alice),
            ("EX:/o=Corp/ou=First/cn=Alice", alice),
            ("[EX:/O=CORP/OU=FIRST/CN=ALICE]", alice),
            ("</o=Corp/ou=First/cn=Alice>", alice),
            ("X500: /o=Corp/ou=First/cn=Alice", alice),
            (" A@B.Example ", "a@b.example"),
            ("[SMTP:A@b.example]", "a@b.example"),
            ("a@[192.0.2.1]", "a@[192.0.2.1]"),
            ("[ip]@[192.0.2.1]", "[ip]@[192.0.2.1]"),
            ("ex:a@b.example", "ex:a@b.example"),
            ("A@B.example.", "a@b.example"),
            ("<@r1.example,@r2.example:a@b.example>", "a@b.example"),
            ("\"A.b\"@c.example", "a.b@c.example"),
            ("\"a b\"@c.example", "\"a b\"@c.example"),
            ("\"a.\"@c.example", "\"a.\"@c.example"),
            ("\"\"@c.example", "\"\"@c.example"),
            ("@b.example", "@b.example"),
            ("Ä@Bücher.example", "ä@xn--bcher-kva.example"),
            ("ä@bu\u{308}cher。example", "ä@xn--bcher-kva.example"),
            ("jo\u{308}rg@c.example", "jörg@c.example"),
            ("a@xn--bcher-kva.münchen.example", "a@xn--bcher-kva.xn--mnchen-3ya.example"),
            ("a@.", "a@."),
            ("a@b..", "a@b.."),
            ("etc.", "etc."),
            ("", ""),
        ] {
            assert_eq!(super::key(written), key, "{written}");
        }
    }

    #[test]
    fn an_address_of_any_length_has_a_short_key_of_its_own() {
        let long =
            |middle: &str| format!("{}{middle}{}@b.example", "Ä".repeat(900), "é".repeat(701));
        let keys = ["x", "y"].map(|middle| super::key(&long(middle)));
        assert_ne!(keys[0], keys[1]);
        for key in &keys {
            assert!(key.len() <= super::limits::ADDRESS_BYTES_MAX);
            assert!(key.starts_with("ää") && key.ends_with("é@b.example"), "{key}");
            assert_eq!(&super::key(key), key, "a key is its own key");
        }
        assert_eq!(super::key(&long("X")), keys[0]);
        let whole = "a".repeat(super::limits::ADDRESS_BYTES_MAX);
        assert_eq!(super::key(&whole), whole);
    }

    #[test]
    fn lists_in_every_form() {
        check("a@b.example", &[("", "a@b.example")]);
        check("\"Doe, Jane\" <j@x>, k@x (Kay)", &[("Doe, Jane", "j@x"), ("Kay", "k@x")]);
        check("=?utf-8?Q?J=C3=B6rg?= <j@x>", &[("Jörg", "j@x")]);
        check("Team: a@x, B <b@x>; c@x", &[("", "a@x"), ("B", "b@x"), ("", "c@x")]);
        check("undisclosed-recipients:;", &[]);
        check("<@r1,@r2:a@x>", &[("", "a@x")]);
        check("<\"a,b\"@x>", &[("", "\"a,b\"@x")]);
        check("\"joe smith\"@x, <\"a\\\"b\"@x>", &[("", "\"joe smith\"@x"), ("", "\"a\\\"b\"@x")]);
        check("\"a\\\"b\" @x, \"c@d\" <e@f>", &[("", "\"a\\\"b\"@x"), ("c@d", "e@f")]);
        check("Open <a@x, b@x", &[("Open", "a@x"), ("", "b@x")]);
        check("Only Name", &[("Only Name", "")]);
        check("a@[IPv6:::1], g: b@x", &[("", "a@[IPv6:::1]"), ("", "b@x")]);
        check("bob(c)@x, d@(e)x", &[("c", "bob@x"), ("e", "d@x")]);
        check(" , ,", &[]);
        check("(c (d)) a@x", &[("c (d)", "a@x")]);
    }
}

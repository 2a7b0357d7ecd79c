//! Header fields: the block as text, and what it says.

use mail_parser::parsers::MessageStream;
use mail_parser::{Address as Addresses, ContentType, HeaderValue};

use super::{decode, word};
use crate::base::clock::Timestamp;
use crate::mail::parameters::Parameters;
use crate::mail::{address, date, encoded_word, header, mbox};
use crate::pst::model::{Address, Exception, Importance, Sensitivity};

pub struct Headers {
    /// The block with CRLF line ends, without the empty line.
    pub text: String,
    /// What could not be read of it as it was meant.
    pub exceptions: Vec<Exception>,
    /// What the entity is called as a file.
    pub file_name: Option<String>,
    content_type: Option<ContentType<'static>>,
    disposition: Option<ContentType<'static>>,
    fields: Vec<Field>,
}

/// One field, its value with folds and with encoded words in UTF-8 alone.
struct Field {
    name: String,
    value: String,
}

impl Field {
    /// What mail-parser is given, and no byte of another field, which it would take
    /// for one of this.
    fn line(&self) -> Vec<u8> {
        [self.value.as_bytes(), b"\r\n"].concat()
    }

    fn unfolded(&self) -> String {
        unfold(&self.value, " ")
    }

    fn parameters(&self) -> Parameters {
        Parameters::parse(&header::unfold(self.value.as_bytes()))
    }

    fn content_type(&self) -> Option<ContentType<'static>> {
        match MessageStream::new(&self.line()).parse_content_type().into_owned() {
            HeaderValue::ContentType(value) => Some(value),
            _ => None,
        }
    }
}

impl Headers {
    pub fn parse(block: &[u8]) -> Self {
        let block = &block[separator(block).len()..];
        let mut is_mapped = false;
        // Relays add lines of their own: one in another charset spoils no other.
        let lines = block.split_inclusive(|byte| *byte == b'\n').map(|line| {
            std::str::from_utf8(line).map_or_else(
                |_| {
                    is_mapped = true;
                    line.iter().map(|byte| char::from(*byte)).collect()
                },
                str::to_owned,
            )
        });
        let text: String = lines.collect();
        let text = decode::crlf(&text);
        // A bare CR may have made an empty line of what was none.
        let lines = text.split_inclusive('\n').filter(|line| !line.trim().is_empty());
        let input: String = lines.collect();
        let mut exceptions = Vec::new();
        if is_mapped {
            exceptions.push(Exception::HeaderBytes);
        }
        let input = word::in_utf8(&input, &mut exceptions);
        let utf_8 = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let fields = header::all_fields(input.as_bytes())
            .map(|field| Field { name: utf_8(field.name), value: utf_8(field.value) });
        let fields = fields.collect();
        let mut headers = Self {
            text,
            exceptions,
            file_name: None,
            content_type: None,
            disposition: None,
            fields,
        };
        let content_type = headers.values("Content-Type").find_map(Field::content_type);
        let disposition = headers.values("Content-Disposition").find_map(Field::content_type);
        (headers.content_type, headers.disposition) = (content_type, disposition);
        headers.take_file_name();
        headers
    }

    /// As Content-Disposition has it, or else Content-Type.
    fn take_file_name(&mut self) {
        for (field, parameter) in [("Content-Disposition", "filename"), ("Content-Type", "name")] {
            let Some(parameters) = self.values(field).next().map(Field::parameters) else {
                continue;
            };
            let Some(value) = parameters.value(parameter) else { continue };
            let part = format!("the name of an attachment ({field})");
            let text = match value.charset {
                Some(label) => {
                    let label = String::from_utf8_lossy(label);
                    let (text, fidelity) = decode::text(&value.bytes, &label);
                    self.exceptions.extend(fidelity.of_text(&part, &label));
                    text
                }
                // Its encoded words are in UTF-8, as all of the block is.
                None => encoded_word::decode(&value.bytes),
            };
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            if value.is_damaged {
                self.exceptions.push(Exception::DamagedEncoding { part });
            }
            self.file_name = Some(text.to_owned());
            return;
        }
    }

    /// The first field of this name as written, unfolded.
    pub fn raw(&self, name: &str) -> Option<String> {
        let field = self.values(name).next()?;
        Some(field.unfolded()).filter(|text| !text.is_empty())
    }

    /// The first field of this name, which holds a URL.
    pub fn url(&self, name: &str) -> Option<String> {
        let field = self.values(name).next()?;
        // What folds a long URL is no part of it (RFC 2557 section 4.4), and encoded
        // words are there for characters that no URL has.
        let text = match field.value.contains("=?") {
            true => encoded_word::decode(&header::unfold(field.value.as_bytes())),
            false => unfold(&field.value, ""),
        };
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    pub fn subject(&self) -> String {
        let mut texts = self.values("Subject").map(|field| {
            let line = field.line();
            let value = MessageStream::new(&line).parse_unstructured();
            value.as_text().unwrap_or_default().to_owned()
        });
        texts.find(|text| !text.is_empty()).unwrap_or_default()
    }

    pub fn mailbox(&self, name: &str) -> Option<Address> {
        self.mailboxes(name).into_iter().next()
    }

    pub fn mailboxes(&self, name: &str) -> Vec<Address> {
        let all = self.values(name).flat_map(|field| mailboxes(&field.value));
        all.filter(|one| !(one.name.is_empty() && one.address.is_empty())).collect()
    }

    /// What the mapping leaves to the header block. A receipt that was asked for is
    /// there too: a property would have Outlook send one to whoever is being read.
    pub fn in_no_property(&self) -> Vec<Exception> {
        let named = |field, value| Exception::OnlyInHeaders { field, value };
        let authors = self.mailboxes("From").into_iter().skip(1);
        let mut found: Vec<_> = authors.map(|one| named("another author", one.address)).collect();
        let senders = self.mailboxes("Sender").into_iter().skip(1);
        found.extend(senders.map(|one| named("another Sender", one.address)));
        for (field, shown, known) in [
            ("Subject", "another Subject", 1),
            ("Date", "another Date", 1),
            ("Message-ID", "another Message-ID", 1),
            ("In-Reply-To", "another In-Reply-To", 1),
            ("References", "another References", 1),
            ("Thread-Topic", "another Thread-Topic", 1),
        ] {
            let others = self.values(field).skip(known);
            found.extend(others.map(|other| named(shown, other.unfolded())));
        }
        for field in UNMAPPED {
            found.extend(self.values(field).map(|one| named(field, one.unfolded())));
        }
        for field in ["From", "Sender", "Reply-To", "To", "Cc", "Bcc"] {
            let groups = self.values(field).flat_map(|field| groups(&field.value));
            found.extend(groups.map(|name| named("the name of a group", name)));
        }
        found
    }

    /// When it was sent, as `Date:` says.
    pub fn date(&self) -> Result<Option<Time>, Exception> {
        let Some(field) = self.values("Date").next() else { return Ok(None) };
        let raw = field.unfolded();
        time("Date", &raw, &raw)
    }

    /// When the last hop took it.
    pub fn received(&self) -> Result<Option<Time>, Exception> {
        let Some(field) = self.values("Received").next() else { return Ok(None) };
        let raw = field.unfolded();
        time("Received", &raw, raw.rsplit_once(';').map_or("", |(_, text)| text))
    }

    pub fn importance(&self) -> Importance {
        let first = |name| self.raw(name).unwrap_or_default().to_ascii_lowercase();
        let (importance, priority) = (first("Importance"), first("Priority"));
        let number = first("X-Priority").bytes().next();
        match (importance.as_str(), priority.as_str(), number) {
            ("high", ..) | ("", "urgent", _) | ("", "", Some(b'1' | b'2')) => Importance::High,
            ("low", ..) | ("", "non-urgent", _) | ("", "", Some(b'4' | b'5')) => Importance::Low,
            _ => Importance::Normal,
        }
    }

    /// RFC 2156 section 5.3.4.
    pub fn sensitivity(&self) -> Sensitivity {
        match self.raw("Sensitivity").unwrap_or_default().to_ascii_lowercase().as_str() {
            "personal" => Sensitivity::Personal,
            "private" => Sensitivity::Private,
            "company-confidential" => Sensitivity::Confidential,
            _ => Sensitivity::Normal,
        }
    }

    pub fn content_type(&self) -> Option<&ContentType<'static>> {
        self.content_type.as_ref()
    }

    pub fn disposition(&self) -> Option<&ContentType<'static>> {
        self.disposition.as_ref()
    }

    /// PidTagConversationTopic, where the sender says what it is.
    pub fn topic(&self) -> Option<String> {
        let field = self.values("Thread-Topic").next()?;
        let text = encoded_word::decode(field.unfolded().as_bytes());
        Some(text).filter(|text| !text.is_empty())
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name))
    }
}

/// What no property is written of; some would have Outlook act, or warn whoever reads
/// the message of what is past.
const UNMAPPED: [&str; 17] = [
    "Keywords",
    "Categories",
    "Disposition-Notification-To",
    "Return-Receipt-To",
    "Apparently-To",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Resent-Cc",
    "Resent-Bcc",
    "Resent-Date",
    "Resent-Message-ID",
    "Expires",
    "Expiry-Date",
    "Reply-By",
    "Deferred-Delivery",
    "X-Message-Flag",
];

/// The line of an mbox before the fields; empty where there is none.
pub fn separator(block: &[u8]) -> &[u8] {
    let first = block.split_inclusive(|byte| *byte == b'\n').next();
    first.filter(|line| mbox::may_separate(line)).unwrap_or_default()
}

/// The mailboxes that a field names, with those in its groups.
fn mailboxes(value: &str) -> Vec<Address> {
    let value = unmarked(value);
    // A local part in quotes, of which mail-parser makes a name.
    let is_quoted = value.split('"').skip(1).any(|rest| rest.trim_start().starts_with('@'));
    if is_quoted {
        let list = address::parse(&header::unfold(value.as_bytes()));
        return list.into_iter().map(|one| mailbox(&one.name, &one.address)).collect();
    }
    let line = format!("{value}\r\n");
    let parsed = MessageStream::new(line.as_bytes()).parse_address();
    let Some(list) = parsed.as_address() else { return Vec::new() };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    list.iter().map(|one| mailbox(&text(one.name()), &text(one.address()))).collect()
}

fn mailbox(name: &str, address: &str) -> Address {
    let (name, address) = (name.trim(), plain(address));
    // Of somebody on the same host, or at the end of a route of UUCP.
    let is_local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_{|}~.".contains(c);
    if address.is_empty() && name.chars().all(is_local) {
        return Address { name: String::new(), address: name.to_owned() };
    }
    Address { name: name.to_owned(), address }
}

/// The names of the groups in a field.
fn groups(value: &str) -> Vec<String> {
    let line = format!("{}\r\n", unmarked(value));
    let parsed = MessageStream::new(line.as_bytes()).parse_address();
    let Some(Addresses::Group(groups)) = parsed.as_address() else { return Vec::new() };
    groups.iter().filter_map(|group| group.name.as_deref().map(str::to_owned)).collect()
}

/// `[SMTP:a@b]` and `[EX:/o=…]`, as Exchange and Outlook write addresses, in the form
/// of RFC 5322.
fn unmarked(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(open) = rest.find('[') {
        let (before, marked) = rest.split_at(open);
        let marked = &marked[1..];
        // No further than to another one, of which there may be many.
        let end = marked.find(['[', ']']).filter(|end| marked[*end..].starts_with(']'));
        let inner = end.map(|end| (&marked[..end], &marked[end + 1..])).filter(|(inner, _)| {
            let (kind, address) = inner.split_once(':').unwrap_or_default();
            let known = ["smtp", "ex", "x500"];
            !address.is_empty() && known.iter().any(|one| kind.trim().eq_ignore_ascii_case(one))
        });
        out.push_str(before);
        match inner {
            Some((inner, behind)) => {
                let is_in_angle = before.trim_end().ends_with('<');
                let inner = address::bare(inner);
                out.push_str(&if is_in_angle { inner.to_owned() } else { format!("<{inner}>") });
                rest = behind;
            }
            None => {
                out.push('[');
                rest = marked;
            }
        }
    }
    out.push_str(rest);
    out
}

/// An address without what RFC 5322 section 4.4 has in it no more: a route before
/// it, and blanks around its dots.
fn plain(address: &str) -> String {
    let address = address::bare(address);
    let routed = address.strip_prefix('@').and_then(|rest| rest.rsplit_once(':'));
    let address = routed.map_or(address, |(_, address)| address.trim());
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

type Time = (Timestamp, Option<Exception>);

/// What `text` says, and what has to be said of it.
fn time(field: &'static str, raw: &str, text: &str) -> Result<Option<Time>, Exception> {
    let value = || raw.to_owned();
    let (at, is_zone_known) =
        date::parse(text).ok_or_else(|| Exception::UnreadableDate { field, value: value() })?;
    let exception = (!is_zone_known).then(|| Exception::UnknownZone { field, value: value() });
    Ok(Some((at, exception)))
}

fn unfold(raw: &str, between: &str) -> String {
    raw.split(['\r', '\n'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_without_routes_and_blanks() {
        for (written, seen) in [
            ("a@b.example", "a@b.example"),
            ("@machine.tld:mary@example.net", "mary@example.net"),
            ("@a.tld, @b.tld:test@c.tld", "test@c.tld"),
            ("jdoe@test   . example", "jdoe@test.example"),
            ("one@a.tld two@b.tld", "one@a.tld two@b.tld"),
            ("\"a b\"@c.tld", "\"a b\"@c.tld"),
            ("SMTP:ann@a.example", "ann@a.example"),
        ] {
            assert_eq!(plain(written), seen);
        }
    }

    #[test]
    fn nobody_is_without_an_address_who_has_one() {
        for (written, name, address) in [
            ("\"joe smith\"@x.example", "", "\"joe smith\"@x.example"),
            ("Joe <\"a\\\"b\"@x>", "Joe", "\"a\\\"b\"@x"),
            ("[SMTP:joe@x.example]", "", "joe@x.example"),
            ("Joe [smtp:joe@x.example]", "Joe", "joe@x.example"),
            ("Joe <SMTP:joe@x.example>", "Joe", "joe@x.example"),
            ("Eve [EX:/o=Corp/cn=Eve]", "Eve", "/o=Corp/cn=Eve"),
            ("joe@[192.0.2.1]", "", "joe@[192.0.2.1]"),
            ("<x@[IPv6:2001:db8::1]>", "", "x@[IPv6:2001:db8::1]"),
            ("root", "", "root"),
            ("MAILER-DAEMON", "", "MAILER-DAEMON"),
            ("foo!bar!ann", "", "foo!bar!ann"),
            ("John Smith", "John Smith", ""),
        ] {
            let one = Address { name: name.to_owned(), address: address.to_owned() };
            assert_eq!(mailboxes(written).first(), Some(&one), "{written}");
        }
    }

    /// A parser that reads on beyond a field's end loses the next one.
    #[test]
    fn no_field_takes_what_is_of_the_next() {
        for first in [
            "Date: Tue, 1 Jul 2025 10:00:00 Z",
            "Date: Tue, 1 Jul 2025 10:00:00 A",
            "Resent-Date: Tue, 1 Jul 2025 10:00:00 J",
            "Received: from a by b; Tue, 1 Jul 2025 10:00:00 Y",
            "Cc: \"Joe <joe@x>, amy@x",
            "Cc: joe@x (unclosed",
            "Content-Type: text/plain; charset=\"utf-8",
            "Content-Type: text/plain; x=(a",
            "References: <a",
            "Comments: =?utf-8?Q?abc",
        ] {
            for end in ["\r\n", "\n"] {
                let parse =
                    |next: &str| Headers::parse(format!("{first}{end}{next}{end}").as_bytes());
                assert_eq!(parse("Subject: next").subject(), "next", "{first}");
                let from = parse("From: <n@x.example>").mailbox("From").map(|one| one.address);
                assert_eq!(from.as_deref(), Some("n@x.example"), "{first}");
                let id = parse("Message-ID: <n>").raw("Message-ID");
                assert_eq!(id.as_deref(), Some("<n>"), "{first}");
                if !first.starts_with("Content-Type") {
                    let headers = parse("Content-Type: text/html");
                    assert_eq!(headers.content_type().and_then(|it| it.subtype()), Some("html"));
                }
            }
        }
    }

    #[test]
    fn the_first_field_may_have_a_mark_or_a_blank() {
        for block in ["From : Ann <ann@x>\r\n", "\u{FEFF}From: Ann <ann@x>\r\n"] {
            let headers = Headers::parse(block.as_bytes());
            assert_eq!(headers.text, block);
            assert_eq!(headers.mailbox("From").map(|one| one.address).as_deref(), Some("ann@x"));
        }
        assert_eq!(separator(b"From ann@x Tue Jul  1 10:00:00 2025\nA: b\n").len(), 36);
    }

    #[test]
    fn names_of_files_are_whole_and_their_damage_is_named() {
        for (parameters, name, exceptions) in [
            ("filename*0*=utf-8''%E6%97; filename*1*=%A5.pdf", "日.pdf", 0),
            ("filename*0*=utf-8''%C3; filename*1*=%9Cb.pdf", "Üb.pdf", 0),
            ("filename=\"a.pdf\"; filename*=utf-8''st%C3%A4r.pdf", "stär.pdf", 0),
            ("filename*=klingon''abc%E9.pdf", "abc\u{FFFD}.pdf", 1),
            ("filename*=utf-8''abc%E9%ZZ.pdf", "abc\u{FFFD}%ZZ.pdf", 2),
            ("filename*=utf-16le''%00%D8a%00", "\u{FFFD}a", 1),
            ("filename=\"C:\\temp\\new.txt\"", "C:\\temp\\new.txt", 0),
            ("filename=\"=?iso-8859-1?Q?=DCb?=\r\n =?iso-8859-1?Q?ung?=\"", "Übung", 0),
        ] {
            let block = format!("Content-Disposition: attachment;\r\n {parameters}\r\n");
            let headers = Headers::parse(block.as_bytes());
            assert_eq!(headers.file_name.as_deref(), Some(name));
            assert_eq!(headers.exceptions.len(), exceptions, "{:?}", headers.exceptions);
        }
    }
}

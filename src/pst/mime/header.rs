//! Header fields: the block as text, and what it says.

use mail_parser::parsers::MessageStream;
use mail_parser::{ContentType, HeaderValue};

use super::{decode, word};
use crate::base::clock::Timestamp;
use crate::mail::parameters::{Parameters, separated};
use crate::mail::{date, encoded_word, header, mailbox, mbox};
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
    /// The same with its encoded words as they came.
    written: String,
}

impl Field {
    /// What mail-parser is given, and no byte of another field, which it would take
    /// for one of this.
    fn line(&self) -> Vec<u8> {
        [self.value.as_bytes(), b"\r\n"].concat()
    }

    /// As written.
    fn unfolded(&self) -> String {
        unfold(&self.written, " ")
    }

    fn parameters(&self) -> Parameters {
        Parameters::parse(&header::unfold(self.value.as_bytes()))
    }

    fn content_type(&self) -> Option<ContentType<'static>> {
        let line = self.line();
        let line = separated(&line);
        match MessageStream::new(&line).parse_content_type().into_owned() {
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
        // None ends a line (RFC 5322 section 2.2), and nobody is named by what follows it.
        let whole = text.replace("\r\n", "\n");
        let has_returns = whole.contains('\r');
        let text = decode::crlf(&whole.replace('\r', " "));
        let lines = text.split_inclusive('\n').filter(|line| !line.trim().is_empty());
        let input: String = lines.collect();
        let mut exceptions = Vec::new();
        if is_mapped {
            exceptions.push(Exception::HeaderBytes);
        }
        if has_returns {
            exceptions.push(Exception::HeaderReturns);
        }
        let in_utf_8 = word::in_utf8(&input, &mut exceptions);
        let utf_8 = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // No word ends a field, so that there are as many.
        let written = header::all_fields(input.as_bytes()).map(|field| utf_8(field.value));
        let fields =
            header::all_fields(in_utf_8.as_bytes()).zip(written).map(|(field, written)| Field {
                name: utf_8(field.name),
                value: utf_8(field.value),
                written,
            });
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
        for (name, field) in [
            ("Content-Type", "another Content-Type"),
            ("Content-Transfer-Encoding", "another Content-Transfer-Encoding"),
            ("Content-Disposition", "another Content-Disposition"),
        ] {
            let others = headers.others(name, field);
            headers.exceptions.extend(others);
        }
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
                None => {
                    if std::str::from_utf8(&value.bytes).is_err() {
                        let (part, read_as) = (part.clone(), "windows-1252");
                        self.exceptions.push(Exception::NoCharset { part, read_as });
                    }
                    encoded_word::decode(&value.bytes)
                }
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

    /// The id that the first field of this name holds (RFC 2045 section 7): what is in
    /// angle brackets, or all of it but a comment.
    pub fn id(&self, name: &str) -> Option<String> {
        let text = self.raw(name)?;
        let inner = text.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        let id = inner.map_or_else(|| mailbox::without_comments(&text), |(id, _)| id.to_owned());
        Some(id.trim_matches(|c: char| c.is_whitespace() || matches!(c, '<' | '>')).to_owned())
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
        // Only line ends are no part of the text (RFC 5322 section 2.2.3), and blanks
        // between words (RFC 2047 section 6.2).
        let mut texts = self
            .values("Subject")
            .map(|field| encoded_word::decode(&header::unfold(field.value.as_bytes())));
        let text = texts.find(|text| !text.is_empty()).unwrap_or_default();
        // Out of encoded words comes what ends a line, which a subject is.
        if text.contains(['\r', '\n']) { unfold(&text, " ") } else { text }
    }

    pub fn mailbox(&self, name: &str) -> Option<Address> {
        self.mailboxes(name).into_iter().next()
    }

    pub fn mailboxes(&self, name: &str) -> Vec<Address> {
        let all = self.values(name).flat_map(|field| mailbox::all(&field.value));
        // Out of encoded words comes what ends a line, which no name does.
        let line =
            |text: String| if text.contains(['\r', '\n']) { unfold(&text, " ") } else { text };
        all.map(|one| Address { name: line(one.name), address: one.address }).collect()
    }

    /// What the mapping leaves to the header block. A receipt that was asked for is
    /// there too: a property would have Outlook send one to whoever is being read.
    pub fn in_no_property(&self) -> Vec<Exception> {
        let named = |field, value| Exception::OnlyInHeaders { field, value };
        let authors = self.mailboxes("From").into_iter().skip(1);
        let mut found: Vec<_> = authors.map(|one| named("another author", whole(&one))).collect();
        let senders = self.mailboxes("Sender").into_iter().skip(1);
        found.extend(senders.map(|one| named("another Sender", whole(&one))));
        for (name, field) in [
            ("Subject", "another Subject"),
            ("Date", "another Date"),
            ("Message-ID", "another Message-ID"),
            ("In-Reply-To", "another In-Reply-To"),
            ("References", "another References"),
            ("Thread-Topic", "another Thread-Topic"),
            ("Thread-Index", "another Thread-Index"),
            ("Importance", "another Importance"),
            ("Priority", "another Priority"),
            ("X-Priority", "another X-Priority"),
            ("X-MSMail-Priority", "another X-MSMail-Priority"),
            ("Sensitivity", "another Sensitivity"),
        ] {
            found.extend(self.others(name, field));
        }
        for field in UNMAPPED {
            found.extend(self.values(field).map(|one| named(field, one.unfolded())));
        }
        for field in ["From", "Sender", "Reply-To", "To", "Cc", "Bcc"] {
            let groups = self.values(field).flat_map(|field| mailbox::groups(&field.value));
            found.extend(groups.map(|name| named("the name of a group", name)));
        }
        found
    }

    /// Those behind the first of this name, which alone is read.
    fn others(&self, name: &str, field: &'static str) -> Vec<Exception> {
        let others = self.values(name).skip(1).map(Field::unfolded);
        others.map(|value| Exception::OnlyInHeaders { field, value }).collect()
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

    /// MS-OXCMAIL 2.2.3.2.5: as the first of these fields says that is there.
    pub fn importance(&self) -> Importance {
        let fields: [(&str, &[&str], &[&str]); 4] = [
            ("Importance", &["high"], &["low"]),
            ("Priority", &["urgent"], &["non-urgent"]),
            ("X-Priority", &["1", "2"], &["4", "5"]),
            ("X-MSMail-Priority", &["high"], &["low"]),
        ];
        for (name, high, low) in fields {
            let Some(text) = self.raw(name) else { continue };
            // Many write a word behind the number.
            let end = if name == "X-Priority" { text.ceil_char_boundary(1) } else { text.len() };
            let is = |values: &[&str]| values.iter().any(|it| text[..end].eq_ignore_ascii_case(it));
            return match (is(high), is(low)) {
                (true, _) => Importance::High,
                (_, true) => Importance::Low,
                _ => Importance::Normal,
            };
        }
        Importance::Normal
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
        let text = encoded_word::decode(unfold(&field.value, " ").as_bytes());
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

/// A mailbox as it would stand in a field.
fn whole(one: &Address) -> String {
    match (one.name.as_str(), one.address.as_str()) {
        ("", address) => address.to_owned(),
        (name, "") => name.to_owned(),
        (name, address) => format!("{name} <{address}>"),
    }
}

/// The line of an mbox before the fields; empty where there is none.
pub fn separator(block: &[u8]) -> &[u8] {
    let first = block.split_inclusive(|byte| *byte == b'\n').next();
    first.filter(|line| mbox::may_separate(line)).unwrap_or_default()
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
    fn a_subject_is_a_line() {
        let subject = |field: &str| Headers::parse(field.as_bytes()).subject();
        assert_eq!(subject("Subject: =?utf-8?Q?a=0D=0A_b=0A?=\r\n"), "a b");
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
            ("filename*=''a%FC.pdf", "aü.pdf", 1),
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

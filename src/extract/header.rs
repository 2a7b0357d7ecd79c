//! One header block: the fields that the archive uses, and all of them for
//! display. Field values are parsed by mail-parser, each by itself: of a whole block
//! it takes for one field what is of the next.

use std::borrow::Cow;

use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;

use super::{Field, Mailbox, charset, words};
use crate::base::clock::Timestamp;
use crate::base::limits;
use crate::mail::header::{self, unfold};
use crate::mail::parameters::Parameters;
use crate::mail::{date, encoded_word, mailbox};

/// The fields of one part or message.
#[derive(Clone, Debug, Default)]
pub struct Header {
    pub subject: String,
    /// Of further fields of that name.
    pub other_subjects: Vec<String>,
    pub from: Vec<Mailbox>,
    pub sender: Vec<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub bcc: Vec<Mailbox>,
    pub date: Option<Timestamp>,
    pub message_id: String,
    pub in_reply_to: Vec<String>,
    pub references: Vec<String>,
    /// Lower case, as `text/plain`; none if no type is declared.
    pub media_type: Option<String>,
    pub charset: Option<String>,
    pub boundary: Option<String>,
    /// Blanks that end a line are of the line's end (RFC 3676 section 4.1, `DelSp`).
    pub is_del_sp: bool,
    /// From Content-Disposition, else from Content-Type.
    pub file_name: Option<String>,
    pub is_attachment: bool,
    pub encoding: String,
    /// Without angle brackets.
    pub content_id: String,
    /// Type, transfer encoding or date are said twice, and not alike; the first counts.
    pub is_ambiguous: bool,
    /// Some encoded word holds bytes that are no characters.
    pub is_lossy: bool,
}

/// Where the header block of `bytes` ends: the length with its empty line.
pub fn block_len(bytes: &[u8]) -> usize {
    let mut at = 0;
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        at += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            break;
        }
        if at > limits::HEADER_BYTES_MAX {
            break;
        }
    }
    at
}

/// The same of a message; nothing where no line is a field, since it is text then.
pub fn block_len_of_message(bytes: &[u8]) -> usize {
    let len = block_len(bytes);
    let block = &bytes[..len];
    let is_header = block.trim_ascii().is_empty()
        || block.split_inclusive(|&b| b == b'\n').any(header::begins_field);
    if is_header { len } else { 0 }
}

/// Reads a header block; `block` is what [`block_len`] found.
pub fn parse(block: &[u8]) -> Header {
    let readable = readable(block);
    let (readable, is_lossy) = words::joined(&readable);
    let mut found = Header { is_lossy, ..Header::default() };
    let mut seen = Seen::default();
    for field in header::all_fields(&readable) {
        take(&mut found, &mut seen, &field);
    }
    found
}

/// All fields of `block`, in order; a line that is none stands among them without
/// a name. The flag says that there are more.
pub fn fields(block: &[u8]) -> (Vec<Field>, bool) {
    let readable = readable(block);
    let (readable, _) = words::joined(&readable);
    let mut fields: Vec<(&[u8], Vec<u8>)> = Vec::new();
    for line in readable.split_inclusive(|&b| b == b'\n') {
        if matches!(line.first(), Some(b' ' | b'\t'))
            && let Some((_, value)) = fields.last_mut()
        {
            value.extend_from_slice(line);
            continue;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        if fields.len() == limits::HEADER_FIELDS_MAX {
            return (shown(fields), true);
        }
        let colon = line.iter().position(|&b| b == b':');
        let (name, value) = match colon {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (&b""[..], line),
        };
        fields.push((name, value.to_vec()));
    }
    (shown(fields), false)
}

fn shown(fields: Vec<(&[u8], Vec<u8>)>) -> Vec<Field> {
    let shown = fields.into_iter().map(|(name, mut value)| {
        value.push(b'\n');
        let decoded = match MessageStream::new(&value).parse_unstructured() {
            HeaderValue::Text(text) => text.into_owned(),
            _ => String::new(),
        };
        let name = String::from_utf8_lossy(name).trim().to_owned();
        Field { name, value: decoded.trim().to_owned() }
    });
    shown.collect()
}

/// Header fields should be ASCII (RFC 5322) or UTF-8 (RFC 6532); others are read by a
/// guess over all of them together.
fn readable(block: &[u8]) -> Cow<'_, [u8]> {
    // Escape sequences here are ISO-2022-JP without RFC 2047.
    let is_clean = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok() && !bytes.contains(&0x1b);
    if is_clean(block) {
        return Cow::Borrowed(block.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(block));
    }
    let lines = || block.split_inclusive(|&b| b == b'\n');
    let unclean: Vec<u8> = lines().filter(|line| !is_clean(line)).flatten().copied().collect();
    let guessed = charset::decode(&unclean, None);
    let mut read = guessed.split_inclusive('\n');
    if read.clone().count() != lines().filter(|line| !is_clean(line)).count() {
        return Cow::Owned(charset::decode(block, None).into_owned().into_bytes());
    }
    let mut out = Vec::with_capacity(block.len() + guessed.len());
    for line in lines() {
        match is_clean(line) {
            true => out.extend_from_slice(line),
            false => out.extend_from_slice(read.next().unwrap_or_default().as_bytes()),
        }
    }
    Cow::Owned(out)
}

/// Of these fields the first counts, as it does for the scanner.
#[derive(Default)]
struct Seen {
    content_type: Option<Parameters>,
    disposition: bool,
    encoding: bool,
}

/// Only the fields that are used are parsed; the rest cost nothing.
fn take(header: &mut Header, seen: &mut Seen, field: &header::Field<'_>) {
    let is = |name: &str| field.is(name);
    match field.name.len() {
        2 if is("To") => mailboxes(&mut header.to, field),
        2 if is("Cc") => mailboxes(&mut header.cc, field),
        3 if is("Bcc") => mailboxes(&mut header.bcc, field),
        4 if is("From") => mailboxes(&mut header.from, field),
        // mail-parser knows no leap second, and no zone with words behind it.
        4 if is("Date") => {
            let raw = encoded_word::decode(field.value).replace(['\r', '\n'], " ");
            let said = date::parse(&raw).map(|(at, _)| at);
            header.is_ambiguous |= header.date.is_some() && said.is_some() && said != header.date;
            header.date = header.date.or(said);
        }
        6 if is("Sender") => mailboxes(&mut header.sender, field),
        7 if is("Subject") => {
            let line = line(field);
            let value = MessageStream::new(&line).parse_unstructured();
            let subject = value.as_text().unwrap_or_default().to_owned();
            match header.subject.is_empty() {
                true => header.subject = subject,
                false => header.other_subjects.push(subject),
            }
        }
        10 if is("Message-ID") && header.message_id.is_empty() => {
            header.message_id = ids(field).into_iter().next().unwrap_or_default();
        }
        10 if is("References") => header.references.extend(ids(field)),
        10 if is("Content-ID") => {
            header.content_id = ids(field).into_iter().next().unwrap_or_default();
        }
        11 if is("In-Reply-To") => header.in_reply_to.extend(ids(field)),
        12 if is("Content-Type") => {
            let said = Parameters::parse(&unfold(field.value));
            match &seen.content_type {
                Some(first) => header.is_ambiguous |= said != *first,
                None => {
                    take_type(header, &said);
                    seen.content_type = Some(said);
                }
            }
        }
        19 if is("Content-Disposition") && !std::mem::replace(&mut seen.disposition, true) => {
            let disposition = Parameters::parse(&unfold(field.value));
            header.is_attachment = disposition.token == "attachment";
            if let Some(name) = disposition.text("filename").filter(|name| !name.is_empty()) {
                header.file_name = Some(name);
            }
        }
        25 if is("Content-Transfer-Encoding") => {
            let said = Parameters::parse(&unfold(field.value)).token;
            match std::mem::replace(&mut seen.encoding, true) {
                true => header.is_ambiguous |= said != header.encoding,
                false => header.encoding = said,
            }
        }
        _ => {}
    }
}

/// What mail-parser is given of a field, and no byte of another one.
fn line(field: &header::Field<'_>) -> Vec<u8> {
    [field.value, b"\r\n"].concat()
}

fn take_type(header: &mut Header, said: &Parameters) {
    let text = |name| said.text(name).map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
    header.media_type = Some(said.token.clone()).filter(|token| token.contains('/'));
    header.charset = text("charset");
    header.boundary = said.boundary().map(|it| String::from_utf8_lossy(&it).into_owned());
    let is = |name, value| text(name).is_some_and(|it| it.eq_ignore_ascii_case(value));
    header.is_del_sp = is("format", "flowed") && is("delsp", "yes");
    header.file_name = header.file_name.take().or(text("name"));
}

fn mailboxes(out: &mut Vec<Mailbox>, field: &header::Field<'_>) {
    let room = limits::MAILBOXES_MAX.saturating_sub(out.len());
    let all = mailbox::all(&String::from_utf8_lossy(field.value)).into_iter().take(room);
    out.extend(all.map(|one| Mailbox { name: one.name, address: one.address }));
}

fn ids(field: &header::Field<'_>) -> Vec<String> {
    let line = line(field);
    let value = MessageStream::new(&line).parse_id();
    let list: Vec<&str> = match &value {
        HeaderValue::Text(id) => vec![id],
        HeaderValue::TextList(ids) => ids.iter().map(AsRef::as_ref).collect(),
        _ => Vec::new(),
    };
    list.into_iter()
        .take(limits::HEADER_FIELDS_MAX)
        .map(|id| id.trim_matches(['<', '>', ' ']).to_owned())
        .filter(|id| !id.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read() {
        let header = parse(
            b"From: =?utf-8?q?Zo=C3=AB?= <Zoe@Example.com>\r\nTo: a@b.c, \"D, E\" <d@e.f>\r\n\
              Cc: Team: g@h.i, j@k.l;\r\nSubject: =?iso-8859-1?q?caf=E9?=\r\n au lait\r\n\
              Date: Tue, 1 Jul 2025 10:00:00 +0200\r\nMessage-ID: <x@y>\r\n\
              Content-Type: Text/Plain; charset=\"utf-8\"\r\n\r\n",
        );
        assert_eq!(header.from[0].display(), "Zoë <Zoe@Example.com>");
        assert_eq!(header.to[1], Mailbox { name: "D, E".into(), address: "d@e.f".into() });
        assert_eq!(header.cc.len(), 2);
        assert_eq!(header.subject, "café au lait");
        assert_eq!(header.date, Some(Timestamp::from_seconds(1_751_356_800)));
        assert_eq!(header.message_id, "x@y");
        assert_eq!(header.media_type.as_deref(), Some("text/plain"));
    }

    #[test]
    fn addresses_are_whole() {
        for (written, address) in [
            ("bob(c)@b.example", "bob@b.example"),
            ("bob@(c)b.example", "bob@b.example"),
            ("bob\r\n @b.example", "bob@b.example"),
            ("bob @ b.example", "bob@b.example"),
            ("\"John Q. Local\"@c.example", "\"John Q. Local\"@c.example"),
            ("bob@[IPv6:2001:db8::1]", "bob@[IPv6:2001:db8::1]"),
            ("<<bob@b.example>>", "bob@b.example"),
            ("'bob@b.example'", "bob@b.example"),
            ("bob@b.example>", "bob@b.example"),
            ("Bob [SMTP:bob@b.example]", "bob@b.example"),
            ("\"Bob <bob@b.example>", "bob@b.example"),
            ("root", "root"),
        ] {
            let header = parse(format!("To: {written}, d@e.f\r\n\r\n").as_bytes());
            let found: Vec<_> = header.to.iter().map(|one| one.address.as_str()).collect();
            assert_eq!(found, [address, "d@e.f"], "{written:?}");
        }
    }

    #[test]
    fn dates_are_those_of_the_rfc() {
        for (written, seconds) in [
            ("Sat, 31 Dec 2016 23:59:60 +0000", Some(1_483_228_800)),
            ("Sat, 29 Apr 1995 23:34:45 -0800 From: Mail", Some(799_227_285)),
            ("Tue, 1 Jul 2025\r\n 10:00:00\r\n\t+0200", Some(1_751_356_800)),
            ("yesterday", None),
            ("", None),
        ] {
            let header = parse(format!("Date: {written}\r\nSubject: a\r\n\r\n").as_bytes());
            assert_eq!(header.date, seconds.map(Timestamp::from_seconds), "{written}");
            assert_eq!(header.subject, "a");
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
            "Content-Disposition: inline; filename=\"a",
            "References: <a",
            "Comments: =?utf-8?Q?abc",
            "X-Any: \\",
        ] {
            for next in ["Subject: next", "From: <next@x.example>", "Message-ID: <next>"] {
                for end in ["\r\n", "\n"] {
                    let header = parse(format!("{first}{end}{next}{end}{end}").as_bytes());
                    let from = header.from.first().map(|one| one.address.as_str());
                    let is_read = header.subject == "next"
                        || from == Some("next@x.example")
                        || header.message_id == "next";
                    assert!(is_read, "{first:?} takes {next:?}");
                }
            }
        }
        let block =
            b"Date: Tue, 1 Jul 2025 08:00:00 Z\r\nContent-Type: multipart/mixed; boundary=x\r\n";
        let header = parse(block);
        assert_eq!(header.date, Some(Timestamp::from_seconds(1_751_356_800)));
        assert_eq!(header.boundary.as_deref(), Some("x"));
    }

    #[test]
    fn the_first_field_may_have_a_mark_or_a_blank() {
        for first in ["From : a@b.example", "\u{FEFF}From: a@b.example"] {
            let block = format!("{first}\r\nSubject : s\r\n\r\n");
            let header = parse(block.as_bytes());
            assert_eq!(header.from[0].address, "a@b.example");
            assert_eq!(header.subject, "s");
            assert_eq!(fields(block.as_bytes()).0[0].name, "From");
        }
    }

    #[test]
    fn transfer_encodings_may_have_comments_and_quotes() {
        for written in ["Base64", "base64 (rfc)", "\"base64\""] {
            let block = format!("Content-Transfer-Encoding: {written}\r\n\r\n");
            assert_eq!(parse(block.as_bytes()).encoding, "base64");
        }
    }

    #[test]
    fn a_fold_of_nothing_ends_no_header() {
        assert_eq!(parse(b"   \r\n\t\r\nSubject: a\r\n\r\n").subject, "a");
    }

    #[test]
    fn names_of_files_are_decoded() {
        let header = parse(
            b"Content-Type: application/pdf; name=\"=?utf-8?b?w6kucGRm?=\"\r\n\
              Content-Disposition: attachment; filename*=utf-8''%C3%A9t%C3%A9.pdf\r\n\r\n",
        );
        assert_eq!(header.file_name.as_deref(), Some("été.pdf"));
        assert!(header.is_attachment);
    }

    #[test]
    fn a_field_may_lack_its_charset() {
        let (subject, ..) = encoding_rs::GBK.encode("Subject: 关于合同的通知 请查收\r\n\r\n");
        assert_eq!(parse(&subject).subject, "关于合同的通知 请查收");
    }

    #[test]
    fn a_field_in_utf_8_stays_so_beside_one_that_is_not() {
        let block = b"Subject: caf\xC3\xA9 f\xC3\xBCr alle\r\nFrom: J\xF6rg <j@x>\r\nTo: =?utf-8?q?Zo=C3=AB?= <z@x>\r\n\r\n";
        let header = parse(block);
        assert_eq!(header.subject, "café für alle");
        assert_eq!((&*header.from[0].name, &*header.to[0].name), ("Jörg", "Zoë"));
    }

    #[test]
    fn all_fields_are_shown() {
        let block = b"Received: from a\r\n\tby b\r\nX-T: =?utf-8?q?=C3=A9?=\r\nno field\r\n\r\n";
        let (fields, is_cut) = fields(block);
        assert_eq!(fields[0], Field { name: "Received".into(), value: "from a by b".into() });
        assert_eq!(fields[1].value, "é");
        assert_eq!(fields[2], Field { name: String::new(), value: "no field".into() });
        assert!(!is_cut && fields.len() == 3);
        assert!(super::fields("a: b\n".repeat(20_000).as_bytes()).1);
    }

    #[test]
    fn the_block_ends_at_an_empty_line() {
        assert_eq!(block_len(b"a: b\r\n\r\nc"), 8);
        assert_eq!(block_len(b"a: b\n\nc"), 6);
        assert_eq!(block_len(b"\nc"), 1);
        assert_eq!(block_len(b"a: b"), 4);
    }
}

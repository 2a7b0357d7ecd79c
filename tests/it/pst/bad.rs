//! Bad input: carried, or named as an exception, and the file is sound.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use base64::Engine as _;

use muniment::base::clock::Timestamp;
use muniment::pst::model::{
    Address, Attachment, Content, Exception, Message, Recipient, RecipientKind, Source,
};
use muniment::pst::{Options, Writer, mime};

use super::fields::{Attached, Mail};
use super::{assert_sound, is_long, outlook_pst, round_trip, samples};

fn writer(directory: &Path) -> Writer<File> {
    let file = File::create(directory.join("bad.pst")).unwrap();
    Writer::create(file, Options::new("Bad", directory)).unwrap()
}

/// Writes one message; its exceptions and how it comes back.
fn through(message: Message<'_>) -> (Vec<Exception>, Mail) {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(directory.path());
    let folder = writer.folder(&["F"]);
    let exceptions = writer.add(folder, message).unwrap();
    writer.finish(|_| Ok(())).unwrap();
    let file = directory.path().join("bad.pst");
    assert_sound(&file);
    let mut seen = outlook_pst::read(&file);
    (exceptions, seen.remove("F").unwrap().remove(0))
}

fn attachment(name: &str, content: Content<'static>) -> Attachment<'static> {
    Attachment {
        name: name.to_owned(),
        media_type: String::new(),
        content_id: None,
        location: None,
        base: None,
        is_inline: false,
        content,
    }
}

#[test]
fn names_of_any_kind_are_carried() {
    let illegal: String = (0..0x20_u8).map(char::from).chain("<>:\"/\\|?*😀".chars()).collect();
    let names = [illegal.replace('\0', ""), "x".repeat(300), "same.txt".into(), "same.txt".into()];
    let mut message = Message::default();
    for name in &names {
        message.attachments.push(attachment(name, Content::Bytes(Cow::Borrowed(b"x"))));
    }
    let (exceptions, mail) = through(message);
    assert_eq!(exceptions, []);
    let seen: Vec<&String> = mail.attachments.iter().map(|one| &one.name).collect();
    assert_eq!(seen, names.iter().collect::<Vec<_>>());

    let directory = tempfile::tempdir().unwrap();
    let mut writer = self::writer(directory.path());
    for name in [&illegal, &"y".repeat(300), "Inbox", "INBOX"] {
        let folder = writer.folder(&[name]);
        let exceptions = writer.add(folder, Message::default()).unwrap();
        assert_eq!(exceptions.len(), usize::from(name != "Inbox"), "{name}");
    }
    writer.finish(|_| Ok(())).unwrap();
    let file = directory.path().join("bad.pst");
    assert_sound(&file);
    assert_eq!(outlook_pst::read(&file).len(), 4);
}

#[test]
fn folders_are_as_deep_and_full_as_asked() {
    let directory = tempfile::tempdir().unwrap();
    let count = if is_long() { 100_000 } else { 3_000 };
    let options = Options { items_per_folder: 100_000, ..Options::new("Bad", directory.path()) };
    let sink = File::create(directory.path().join("bad.pst")).unwrap();
    let mut writer = Writer::create(sink, options).unwrap();
    let path: Vec<String> = (0..60).map(|depth| format!("level {depth}")).collect();
    let deep = writer.folder(&path);
    writer.add(deep, Message::default()).unwrap();
    let full = writer.folder(&["Full"]);
    for number in 0..count {
        let subject = format!("number {number}");
        let text = Some("text".to_owned());
        let message = Message { subject, text, ..Message::default() };
        assert_eq!(writer.add(full, message).unwrap(), []);
    }
    writer.finish(|_| Ok(())).unwrap();
    let file = directory.path().join("bad.pst");
    assert_sound(&file);
    let seen = outlook_pst::read(&file);
    assert_eq!(seen[&path.join("/")].len(), 1);
    assert_eq!(seen["Full"].len(), count);
    let last = count - 1;
    assert_eq!(seen["Full"][last].subject, format!("number {last}"));
}

/// As it is unless one asks for more.
#[test]
fn folder_that_is_full_goes_on_beside_itself() {
    if !is_long() {
        eprintln!("SKIPPED: 100,000 messages are written with MUNIMENT_TEST_LONG=1");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut writer = self::writer(directory.path());
    let full = writer.folder(&["Full"]);
    for number in 0..100_000 {
        let exceptions = writer.add(full, Message::default()).unwrap();
        assert_eq!(exceptions.is_empty(), number < 50_000);
    }
    writer.finish(|_| Ok(())).unwrap();
    let file = directory.path().join("bad.pst");
    assert_eq!(assert_sound(&file).messages, 100_000);
    let seen = outlook_pst::read(&file);
    assert_eq!((seen["Full"].len(), seen["Full (2)"].len()), (50_000, 50_000));
}

/// As many bytes of cells as no heap of a table holds.
#[test]
fn folder_of_long_rows_goes_on_beside_itself() {
    if !is_long() {
        eprintln!("SKIPPED: 600 MB of rows are written with MUNIMENT_TEST_LONG=1");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut writer = self::writer(directory.path());
    let folder = writer.folder(&["F"]);
    let long = "x".repeat(1_780);
    let address = Address { name: long.clone(), address: "a@a.example".to_owned() };
    let recipient = |kind| Recipient { kind, address: address.clone(), source: Source::Header };
    let mut rolled = 0;
    for _ in 0..35_000 {
        let message = Message {
            subject: long.clone(),
            author: Some(address.clone()),
            recipients: vec![recipient(RecipientKind::To), recipient(RecipientKind::Cc)],
            ..Message::default()
        };
        rolled += writer.add(folder, message).unwrap().len();
    }
    assert!(rolled > 0);
    writer.finish(|_| Ok(())).unwrap();
    assert_eq!(assert_sound(&directory.path().join("bad.pst")).messages, 35_000);
}

#[test]
fn thousands_of_recipients_are_carried() {
    let recipients: Vec<Recipient> = (0..5_000)
        .map(|number| Recipient {
            kind: [RecipientKind::To, RecipientKind::Cc, RecipientKind::Bcc][number / 1_700],
            address: Address {
                name: format!("Person {number}"),
                address: format!("person{number}@example.org"),
            },
            source: if number > 4_900 { Source::Envelope } else { Source::Header },
        })
        .collect();
    let message = Message { recipients: recipients.clone(), ..Message::default() };
    let expected = Mail::of(&message).recipients;
    let (exceptions, mail) = through(message);
    assert_eq!(exceptions, []);
    assert_eq!(mail.recipients, expected);
}

#[test]
fn attachment_beyond_the_format_is_named() {
    let size = 3 << 30;
    let source = Box::new(io::repeat(7).take(size));
    let mut message = Message { subject: "kept".to_owned(), ..Message::default() };
    message.attachments = vec![
        attachment("three.gib", Content::Stream { size, source }),
        attachment("small.bin", Content::Bytes(Cow::Borrowed(b"kept"))),
    ];
    let (exceptions, mail) = through(message);
    let named = Exception::AttachmentTooLarge { name: "three.gib".to_owned(), size };
    assert_eq!(exceptions, [named]);
    assert_eq!(mail.subject, "kept");
    assert_eq!(mail.attachments.len(), 1);
}

/// A copy of what is so large would be in memory beside the message.
#[test]
fn what_is_large_is_decoded_as_it_is_written() {
    let piece = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5\r\n";
    let part = format!(
        "Content-Type: application/octet-stream; name=a.bin\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}*QQ==",
        piece.repeat((33 << 20) / piece.len())
    );
    let message = mime::message(part.as_bytes());
    let Content::Stream { size, .. } = message.attachments[0].content else { panic!() };
    let damaged = Exception::DamagedEncoding { part: "a.bin".to_owned() };
    let (exceptions, mail) = through(message);
    assert_eq!(exceptions, [damaged]);
    let line = &b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy"[..];
    let bytes = [line.repeat((33 << 20) / piece.len()), b"A".to_vec()].concat();
    assert_eq!(size, bytes.len() as u64);
    let expected = Attached::bytes("a.bin", &bytes);
    assert_eq!((mail.attachments[0].size, &mail.attachments[0].sha256), (size, &expected.sha256));
    // Within a message that is itself encoded, whose bytes do not outlast the reading.
    let inner = base64::prelude::BASE64_STANDARD.encode(&part);
    let head = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let outer = format!("{head}{inner}");
    let outer = mime::message(outer.as_bytes());
    let Content::Message(nested) = &outer.attachments[0].content else { panic!() };
    let Content::Bytes(kept) = &nested.attachments[0].content else { panic!() };
    assert!(**kept == bytes);
}

/// More leaves than one block of ids holds, and then nearly what the format has.
#[test]
fn large_attachments_are_carried() {
    let lines = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5\r\n";
    let raw = format!(
        "Subject: large\r\nContent-Type: application/octet-stream; name=a.bin\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}",
        lines.repeat(400_000)
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("large.pst");
    let written = samples::write(&[(vec!["F".to_owned()], raw.into_bytes())], &file);
    assert!(written["F"][0].attachments[0].size > 20_000_000);
    assert_sound(&file);
    round_trip::compare_all(&file, &written);
    if is_long() {
        let mut writer = writer(directory.path());
        let folder = writer.folder(&["F"]);
        let size = 2_100_000_000;
        let source = Box::new(io::repeat(7).take(size));
        let attachments = vec![attachment("two.gb", Content::Stream { size, source })];
        let message = Message { attachments, ..Message::default() };
        assert_eq!(writer.add(folder, message).unwrap(), []);
        writer.finish(|_| Ok(())).unwrap();
        assert_sound(&directory.path().join("bad.pst"));
    }
}

#[test]
fn dates_of_1601_and_2200_are_carried() {
    let midnight = [("1601", -11_644_473_600), ("2200", 7_258_118_400)];
    for (year, seconds) in midnight {
        let raw = format!("Date: 1 Jan {year} 00:00:00 +0000\r\n\r\ntext\r\n");
        let (exceptions, mail) = through(mime::message(raw.as_bytes()));
        assert_eq!(exceptions, [], "{year}");
        assert_eq!((mail.sent, mail.received), (Some(seconds), Some(seconds)), "{year}");
    }
}

#[test]
fn dates_that_no_calendar_has_are_named() {
    for date in ["31 Feb 2020 00:00:00 +0000", "1 Jan 2020 25:00:00 +0000", "yesterday", ""] {
        let (exceptions, mail) = through(mime::message(format!("Date: {date}\n\n").as_bytes()));
        let named = Exception::UnreadableDate { field: "Date", value: date.to_owned() };
        assert_eq!((exceptions.as_slice(), mail.sent), (&[named][..], None), "{date}");
    }
}

#[test]
fn message_without_message_id_is_carried() {
    let raw = b"From: a@a.example\r\nSubject: no name\r\n\r\ntext\r\n";
    let (exceptions, mail) = through(mime::message(raw));
    assert_eq!(exceptions, []);
    assert_eq!((mail.subject.as_str(), mail.message_id.as_str()), ("no name", ""));
    assert_eq!(mail.text, "text\r\n");
}

#[test]
fn dates_that_the_format_lacks_are_named() {
    let at = |seconds| Some(Timestamp::from_seconds(seconds));
    let year_1600 = at(-11_676_096_000);
    let (exceptions, mail) = through(Message { sent: year_1600, ..Message::default() });
    assert_eq!(exceptions, [Exception::DateOutOfRange { field: "the date sent" }]);
    assert_eq!(mail.sent, None);
    for seconds in [-11_644_473_600, 7_258_118_400] {
        let (exceptions, mail) = through(Message { sent: at(seconds), ..Message::default() });
        assert_eq!((exceptions.as_slice(), mail.sent), (&[][..], Some(seconds)));
    }
}

#[test]
fn damaged_text_is_carried_and_named() {
    let raw =
        b"Subject: caf\xE9\r\nContent-Type: text/plain; charset=utf-8\r\n\r\na\0b \xED\xA0\x80\r\n";
    let (exceptions, mail) = through(mime::message(raw));
    assert!(exceptions.contains(&Exception::HeaderBytes));
    assert!(exceptions.contains(&Exception::NulReplaced { field: "the text", count: 1 }));
    assert!(exceptions.iter().any(|one| matches!(one, Exception::BrokenCharset { .. })));
    assert_eq!(mail.subject, "café");
    let mixed = b"X-Report: \xE9t\xE9\r\nSubject: \xE8\xBF\x9B\r\n\r\n";
    let (exceptions, other) = through(mime::message(mixed));
    assert_eq!(
        (exceptions.as_slice(), other.subject.as_str()),
        (&[Exception::HeaderBytes][..], "进")
    );
    assert!(mail.text.starts_with("a\u{FFFD}b \u{FFFD}"));

    let wide = b"Content-Type: text/plain; charset=utf-16le\r\n\r\n\x00\xD8a\x00";
    let (exceptions, mail) = through(mime::message(wide));
    assert!(exceptions.iter().any(|one| matches!(one, Exception::BrokenCharset { .. })));
    assert_eq!(mail.text, "\u{FFFD}a");

    let unknown = b"Content-Type: text/plain; charset=klingon\r\n\r\nqapla'";
    let (exceptions, mail) = through(mime::message(unknown));
    assert!(exceptions.iter().any(|one| matches!(one, Exception::UnknownCharset { .. })));
    assert_eq!(mail.text, "qapla'");
}

#[test]
fn what_is_in_no_part_is_carried() {
    let raw =
        b"From ann Mon Jan  1 00:00:00 2024\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
        preamble\r\n--x\r\nContent-Description: first\r\n\r\ntext\r\n--x\r\n\
        Content-Type: multipart/alternative; boundary=y\r\n\r\n--y\r\n\r\ninner\r\n--y--\r\n\
        behind y \0\xFF\r\n--x--\r\na footer of a list\r\n";
    let (exceptions, mail) = through(mime::message(raw));
    let beside = |text: &str| Exception::BesideParts { text: text.to_owned() };
    let named = [beside("preamble\r\na footer of a list"), beside("behind y \0\u{FFFD}")];
    assert_eq!(exceptions, named);
    assert_eq!(mail.text, "text\r\ninner");
    let expected = b"From ann Mon Jan  1 00:00:00 2024\r\npreamble\r\n--x\r\n\
        Content-Description: first\r\n\r\n\r\n--x\r\n\
        Content-Type: multipart/alternative; boundary=y\r\n\r\n--y\r\n\r\n\r\n--y--\r\n\
        behind y \0\xFF\r\n--x--\r\na footer of a list\r\n";
    assert_eq!(mail.structure.escape_ascii().to_string(), expected.escape_ascii().to_string());

    // A property of its own node, where it is too large for the heap.
    let long = format!(
        "Content-Type: multipart/mixed; boundary=x\n\n{}\n--x\n\ntext\n--x--\n",
        "preamble ".repeat(5_000)
    );
    let (_, mail) = through(mime::message(long.as_bytes()));
    assert_eq!(mail.structure.len(), 9 * 5_000 + "\n--x\n\n\n--x--\n".len());
    // What is signed is kept whole as an attachment, and nothing of it twice.
    let signed = b"Content-Type: multipart/signed; boundary=x\n\npre\n--x\n\ntext\n--x--\npost";
    let message = mime::message(signed);
    assert_eq!(message.structure, b"");
    let Content::Bytes(kept) = &message.attachments[0].content else { panic!() };
    assert!(kept.ends_with(b"--x--\npost"));
}

#[test]
fn text_without_a_subtype_is_text() {
    for kind in ["text", "text; charset=us-ascii", "text plain", "TEXT"] {
        let raw = format!("Content-Type: {kind}\r\n\r\ntext\r\n");
        let (exceptions, mail) = through(mime::message(raw.as_bytes()));
        assert_eq!((exceptions, mail.text.as_str()), (vec![], "text\r\n"), "{kind}");
        assert_eq!(mail.attachments, []);
    }
}

#[test]
fn transfer_encodings_that_none_knows_are_named() {
    let raw = b"Content-Transfer-Encoding: x-yencode\n\n=ybegin size=1 name=a\nx\n=yend\n";
    let (exceptions, mail) = through(mime::message(raw));
    let (part, encoding) = ("the text".to_owned(), "x-yencode".to_owned());
    assert_eq!(exceptions, [Exception::UnknownEncoding { part, encoding }]);
    assert_eq!(mail.text, "=ybegin size=1 name=a\r\nx\r\n=yend\r\n");
}

#[test]
fn nul_and_raw_bytes_of_names_are_named() {
    let raw = b"From: =?utf-8?q?a=00b?= <a@a.example>\r\nTo: =?utf-8?q?c=00d?= <c@a.example>\r\n\
        Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\
        Content-Disposition: attachment; filename=\"caf\xE9\"\r\nContent-ID: <i\0d>\r\n\r\nbytes\r\n--x--\r\n";
    let (exceptions, mail) = through(mime::message(raw));
    for named in [
        Exception::NulReplaced { field: "the author", count: 1 },
        Exception::NulReplaced { field: "a recipient", count: 1 },
        Exception::NulReplaced { field: "an attachment's Content-ID", count: 1 },
        Exception::HeaderBytes,
    ] {
        assert_eq!(exceptions.iter().filter(|one| **one == named).count(), 1, "{exceptions:?}");
    }
    assert_eq!(mail.from_name, "a\u{FFFD}b");
    assert_eq!(mail.recipients, ["to c\u{FFFD}d <c@a.example>"]);
    assert_eq!(mail.attachments[0].name, "caf\u{e9}");
}

#[test]
fn fields_behind_a_line_of_blanks_are_fields() {
    let raw = b"X-Report: one\r\n \r\n two\r\nSubject: behind\r\nTo: a@a.example\r\n\r\ntext";
    let (exceptions, mail) = through(mime::message(raw));
    assert_eq!(exceptions, []);
    assert_eq!((mail.subject.as_str(), mail.text.as_str()), ("behind", "text"));
    assert_eq!(mail.recipients, ["to a@a.example <a@a.example>"]);
    let (exceptions, mail) = through(mime::message(b"    \r\nSubject: first\r\n\r\ntext"));
    assert_eq!(exceptions, []);
    assert_eq!((mail.subject.as_str(), mail.text.as_str()), ("first", "text"));
}

#[test]
fn messages_of_nothing_are_messages() {
    for raw in [&b""[..], b"\r\n", b"no header at all", b"Subject:\r\n\r\n", b"\0\0\0"] {
        let (_, mail) = through(mime::message(raw));
        assert_eq!((mail.message_id.as_str(), mail.sent), ("", None));
    }
}

#[test]
fn nesting_is_followed_and_then_named() {
    let nest = |levels: usize| {
        let mut raw = b"Subject: innermost\r\n\r\ntext\r\n".to_vec();
        for level in 0..levels {
            let head = format!("Subject: level {level}\r\nContent-Type: message/rfc822\r\n\r\n");
            raw.splice(0..0, head.into_bytes());
        }
        raw
    };
    let raw = nest(64);
    let (exceptions, mail) = through(mime::message(&raw));
    assert_eq!(exceptions, []);
    assert_eq!(mail.subject, "level 63");
    let mut depth = 0;
    let message = mime::message(&raw);
    let mut at = &message;
    while let Some(Content::Message(inner)) = at.attachments.first().map(|one| &one.content) {
        depth += 1;
        at = inner;
    }
    assert_eq!((depth, at.subject.as_str()), (64, "innermost"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("nested.pst");
    let written = samples::write(&[(vec!["F".to_owned()], raw.clone())], &file);
    round_trip::compare_all(&file, &written);
    let raw = nest(3_000);
    let (exceptions, _) = through(mime::message(&raw));
    assert!(matches!(exceptions[..], [Exception::NestedTooDeep { .. }]));
}

/// Multiparts in messages in multiparts: what reads them does not run out of stack.
#[test]
fn multiparts_of_all_messages_are_counted_together() {
    let mut raw = b"Subject: innermost\r\n\r\ntext\r\n".to_vec();
    for level in 0..79 {
        raw.splice(0..0, *b"Content-Type: message/rfc822\r\n\r\n");
        for part in 0..31 {
            let head = format!(
                "Content-Type: multipart/mixed; boundary=b{level}x{part}\r\n\r\n--b{level}x{part}\r\n"
            );
            raw.splice(0..0, head.into_bytes());
        }
    }
    let (exceptions, mail) = through(mime::message(&raw));
    assert_eq!(exceptions, [Exception::PartTooDeep { depth: 5 }]);
    assert_eq!(mail.attachments.len(), 1);
}

/// Beside each message as many multiparts as mailers make.
#[test]
fn forwarded_mail_is_followed_as_deep_as_nested_mail() {
    let mut raw = b"Subject: innermost\r\n\r\ntext\r\n".to_vec();
    for level in 0..79 {
        let head = format!(
            "Subject: level {level}\r\nContent-Type: multipart/mixed; boundary=b{level}\r\n\r\n\
             --b{level}\r\nContent-Type: multipart/alternative; boundary=a{level}\r\n\r\n\
             --a{level}\r\n\r\nsee below\r\n--a{level}--\r\n--b{level}\r\n\
             Content-Type: message/rfc822\r\n\r\n"
        );
        raw.splice(0..0, head.into_bytes());
        raw.extend_from_slice(format!("\r\n--b{level}--\r\n").as_bytes());
    }
    let message = mime::message(&raw);
    let (mut at, mut depth) = (&message, 0);
    while let Some(Content::Message(inner)) = at.attachments.first().map(|one| &one.content) {
        assert_eq!(at.text.as_deref(), Some("see below"));
        (at, depth) = (inner, depth + 1);
    }
    assert_eq!((depth, at.subject.as_str()), (79, "innermost"));
    assert_eq!(through(message).0, []);
}

#[test]
fn parts_beyond_the_bound_are_one_file() {
    let mut raw = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n".to_vec();
    for number in 0..10_005 {
        let part = format!("--x\r\nContent-Type: a/b\r\n\r\npart {number}\r\n");
        raw.extend_from_slice(part.as_bytes());
    }
    raw.extend_from_slice(b"--x--\r\nfooter\r\n");
    let message = mime::message(&raw);
    let footer = Exception::BesideParts { text: "footer".to_owned() };
    assert_eq!(message.exceptions, [footer, Exception::TooManyParts { kept: 10_000 }]);
    assert_eq!(message.attachments.len(), 10_000);
    let Content::Bytes(rest) = &message.attachments[9_999].content else { panic!() };
    let rest = String::from_utf8_lossy(rest);
    assert!(
        rest.contains("part 9999\r\n--x\r\n") && rest.ends_with("--x--\r\nfooter\r\n"),
        "{rest}"
    );
    assert!(!rest.contains("part 9998"), "{rest}");
}

/// Each of these took time, or memory, that grew with the square of its size.
#[test]
fn large_mail_of_nothing_but_trouble_is_read_in_time() {
    const COUNT: usize = 300_000;
    let words: String = (0..COUNT).map(|_| "=?utf-8?q?a?=\r\n =?us-ascii?q?b?=\r\n ").collect();
    let long = mime::message(format!("X-Long: {words}\r\n\r\n").as_bytes()).exceptions;
    assert_eq!(long, []);
    let unknown: String = (0..COUNT).map(|number| format!("=?x{number}?q?a?= ")).collect();
    // A line that goes on with the field before it, of which the name is told.
    let raw = format!("X-Long: a\r\n\x0c{unknown}\r\n\r\n");
    let exceptions = mime::message(raw.as_bytes()).exceptions;
    assert_eq!(exceptions.len(), COUNT);
    let named =
        |one: &Exception| matches!(one, Exception::UnknownCharset { part, .. } if part == "X-Long");
    assert!(exceptions.iter().all(named), "{:?}", exceptions[0]);
    let html = format!(
        "Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n\
         {}<img src='cid:a%40b'>\r\n--x\r\nContent-Type: image/png\r\nContent-ID: <a@b>\r\n\r\n\r\n--x--\r\n",
        "cid:%41".repeat(COUNT)
    );
    assert!(mime::message(html.as_bytes()).attachments[0].is_inline);
}

/// Likewise: URLs are resolved one by one, and what has no end is looked for.
#[test]
fn html_of_nothing_but_references_is_read_in_time() {
    const COUNT: usize = 100_000;
    let base = format!("http://x.example/{}", "long/".repeat(400));
    let page = format!(
        "Content-Type: multipart/related; boundary=y\r\nContent-Base: {base}\r\n\r\n\
         --y\r\nContent-Type: text/html\r\n\r\n{}\r\n--y\r\nContent-Type: image/png\r\n\
         Content-Location: a.png\r\n\r\n\r\n--y--\r\n",
        "<img src=b>".repeat(COUNT)
    );
    let part = format!("--x\r\nContent-Type: message/rfc822\r\n\r\n{page}\r\n");
    let raw = format!("Content-Type: multipart/mixed; boundary=x\r\n\r\n{}", part.repeat(8));
    assert_eq!(mime::message(raw.as_bytes()).attachments.len(), 8);
    // Neither tags nor URLs that never end are looked for more than once.
    for piece in
        ["<a b=\"", "<a b='", "<a b", "url(", "<", "<a b =", "<base href=", "<!--", "<style>"]
    {
        let raw = format!(
            "Content-Type: multipart/related; boundary=y\r\n\r\n--y\r\nContent-Type: text/html\
             \r\n\r\n{}\r\n--y\r\nContent-Type: image/png\r\nContent-Location: a\r\n\r\n\r\n",
            piece.repeat(COUNT)
        );
        assert!(!mime::message(raw.as_bytes()).attachments[0].is_inline);
    }
}

/// Fields and envelopes may name as many as a message has room for.
#[test]
fn work_grows_with_the_recipients_and_no_faster() {
    /// Of the processor, in hundredths of a second: others may have it meanwhile.
    fn spent() -> u64 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        // User and system time (proc(5)), counted behind the name in brackets.
        let fields = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
        fields.map(|field| field.parse::<u64>().unwrap()).sum()
    }
    let cost = |count: usize| {
        let field = |number| format!("To: Person {number} <person{number}@a.example>\r\n");
        let raw: String = (0..count).map(field).collect();
        let envelope: Vec<String> =
            (0..count).map(|number| format!("blind{number}@b.example")).collect();
        let directory = tempfile::tempdir().unwrap();
        let mut writer = writer(directory.path());
        let folder = writer.folder(&["F"]);
        let before = spent();
        let mut message = mime::message(raw.as_bytes());
        mime::add_envelope(&mut message, &envelope);
        assert_eq!(message.recipients.len(), 2 * count);
        assert_eq!(writer.add(folder, message).unwrap(), []);
        writer.finish(|_| Ok(())).unwrap();
        spent() - before
    };
    let (few, many) = (cost(5_000), cost(20_000));
    // Four times as many take four times as long; of what grows with the square, 16.
    assert!(many < 9 * few.max(10), "{few} and {many}");
}

/// What is told of a part may stand in a string of the file, on a line.
#[test]
fn exceptions_are_told_on_a_line_each() {
    let raw = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\
        Content-Disposition: attachment; filename*=utf-8''a%00b%0Ac\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n*QUJD\r\n--x--\r\n";
    let (exceptions, mail) = through(mime::message(raw));
    assert_eq!(exceptions.len(), 2, "{exceptions:?}");
    let told = exceptions[0].to_string();
    assert!(told.starts_with("a\u{FFFD}b\u{FFFD}c: its encoding"), "{told}");
    assert_eq!(mail.attachments[0].name, "a\u{FFFD}b\nc");
}

/// A disk that fills up.
struct Full {
    file: File,
    left: usize,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.left {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.left -= bytes.len();
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Full {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[test]
fn full_disk_is_an_error_and_leaves_no_magic() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("full.pst");
    for left in [10_000, 300_000, 2_000_000, 4_000_000] {
        let sink = Full { file: File::create(&path).unwrap(), left };
        let options = Options::new("Full", directory.path());
        let result = Writer::create(sink, options).and_then(|mut writer| {
            let folder = writer.folder(&["F"]);
            for _ in 0..100 {
                let text = Some("x".repeat(50_000));
                writer.add(folder, Message { text, ..Message::default() })?;
            }
            writer.finish(|_| Ok(()))
        });
        assert_eq!(result.err().unwrap().kind(), io::ErrorKind::StorageFull, "{left}");
        let bytes = std::fs::read(&path).unwrap();
        assert_ne!(bytes.get(..4), Some(&b"!BDN"[..]));
    }
}

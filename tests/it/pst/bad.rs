//! Bad input: carried, or named as an exception, and the file is sound.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use muniment::base::clock::Timestamp;
use muniment::pst::model::{
    Address, Attachment, Content, Exception, Message, Recipient, RecipientKind, Source,
};
use muniment::pst::{Options, Writer, mime};

use super::fields::Mail;
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
    assert_eq!(exceptions, []);
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
    let raw = b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n#86%A\n`\nend\n";
    let (exceptions, mail) = through(mime::message(raw));
    let (part, encoding) = ("the text".to_owned(), "x-uuencode".to_owned());
    assert_eq!(exceptions, [Exception::UnknownEncoding { part, encoding }]);
    assert_eq!(mail.text, "begin 644 a\r\n#86%A\r\n`\r\nend\r\n");
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

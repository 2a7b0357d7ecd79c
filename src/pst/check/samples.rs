//! Files for the tests of the checker, made by the writer.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;

use crate::base::clock::Timestamp;
use crate::pst::model::{Address, Attachment, Content, Message, Recipient, RecipientKind, Source};
use crate::pst::{Options, Writer};

fn options() -> Options {
    Options {
        key: [7; 16],
        written_at: Timestamp::from_seconds(1_700_000_000),
        ..Options::new("Sample", std::env::temp_dir())
    }
}

pub fn message(number: i64) -> Message<'static> {
    let person = |name: &str| Address {
        name: name.to_owned(),
        address: format!("{}@example.org", name.to_lowercase()),
    };
    Message {
        subject: format!("RE: Subject {number}"),
        author: Some(person("Ann")),
        recipients: vec![
            Recipient { kind: RecipientKind::To, address: person("Bob"), source: Source::Header },
            Recipient {
                kind: RecipientKind::Bcc,
                address: person("Eve"),
                source: Source::Envelope,
            },
        ],
        sent: Some(Timestamp::from_seconds(1_600_000_000 + number)),
        text: Some("Text\r\n".repeat(number as usize % 700)),
        headers: format!("Subject: RE: Subject {number}\r\n"),
        ..Message::default()
    }
}

fn attachment(name: &str, content: Content<'static>) -> Attachment<'static> {
    Attachment {
        name: name.to_owned(),
        media_type: "application/octet-stream".to_owned(),
        content_id: None,
        location: None,
        base: None,
        is_inline: false,
        content,
    }
}

/// A file of two folders with something of every kind.
pub fn sound() -> Vec<u8> {
    let mut writer = Writer::create(Cursor::new(Vec::new()), options()).unwrap();
    let folder = writer.folder(&["A"]);
    let mut first = message(1);
    first.attachments = vec![
        attachment("large.bin", Content::Bytes(Cow::Owned(vec![3; 100_000]))),
        attachment("inner", Content::Message(Box::new(message(2)))),
        attachment("small.txt", Content::Bytes(Cow::Borrowed(b"small"))),
    ];
    // By a name, the last of the map.
    first.content_type = Some("multipart/signed".to_owned());
    writer.add(folder, first).unwrap();
    for number in 3..100 {
        writer.add(folder, message(number)).unwrap();
    }
    let other = writer.folder(&["B", "C"]);
    writer.add(other, message(1000)).unwrap();
    // Whose heap is one block that is nearly full.
    let mut full = message(990);
    full.headers = format!("Subject: RE: Subject 990\r\nX-Long: {}\r\n", "long ".repeat(300));
    writer.add(other, full).unwrap();
    writer.finish(|_| Ok(())).unwrap().0.into_inner()
}

/// One message with so many recipients and attachments that their lists are of
/// several levels, and a subject that no heap holds.
pub fn deep() -> Vec<u8> {
    let mut deep = message(1);
    deep.subject = "long ".repeat(1_000);
    let recipients = (0..500).map(|number| Recipient {
        kind: RecipientKind::To,
        address: Address {
            name: format!("Person {number}"),
            address: format!("person{number}@example.org"),
        },
        source: Source::Header,
    });
    deep.recipients = recipients.collect();
    let small = |_| attachment("small.txt", Content::Bytes(Cow::Borrowed(b"small")));
    deep.attachments = (0..350).map(small).collect();
    alone(deep)
}

/// One message with an attachment of more leaves than an XBLOCK has entries.
pub fn long() -> Vec<u8> {
    let mut long = message(1);
    let bytes = Content::Bytes(Cow::Owned(vec![3; 9_000_000]));
    long.attachments = vec![attachment("large.bin", bytes)];
    alone(long)
}

fn alone(message: Message<'static>) -> Vec<u8> {
    let mut writer = Writer::create(Cursor::new(Vec::new()), options()).unwrap();
    let folder = writer.folder(&["A"]);
    writer.add(folder, message).unwrap();
    writer.finish(|_| Ok(())).unwrap().0.into_inner()
}

/// A file whose first sections are left empty, so that later ones are reached.
pub fn sparse(sections: u64) -> Sparse {
    let mut writer = Writer::create(Sparse::default(), options()).unwrap();
    let folder = writer.folder(&["A"]);
    writer.add(folder, message(1)).unwrap();
    writer.leave_empty(sections).unwrap();
    writer.add(folder, message(2)).unwrap();
    writer.finish(|_| Ok(())).unwrap().0
}

/// The checkers that are no part of this crate have nothing to say either.
pub fn assert_others_agree(file: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tool = root.join("../shared/tools/pstcheck.py");
    if !tool.exists() {
        eprintln!("SKIPPED: {} is not here", tool.display());
        return;
    }
    let output = Command::new("python3").arg(tool).arg(file).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("ERRORS 0 WARN 0"), "{text}{output:?}");
}

/// A file in memory that keeps only the pieces that are not zero.
#[derive(Default)]
pub struct Sparse {
    pieces: HashMap<u64, Vec<u8>>,
    at: u64,
    size: u64,
}

const PIECE: u64 = 512;

impl Sparse {
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn flip(&mut self, at: u64) {
        let piece = self.pieces.entry(at / PIECE).or_insert_with(|| vec![0; PIECE as usize]);
        piece[(at % PIECE) as usize] ^= 1;
    }
}

impl Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let within = (self.at % PIECE) as usize;
        let count = bytes.len().min(PIECE as usize - within);
        let number = self.at / PIECE;
        if bytes[..count].iter().any(|byte| *byte != 0) || self.pieces.contains_key(&number) {
            let piece = self.pieces.entry(number).or_insert_with(|| vec![0; PIECE as usize]);
            piece[within..within + count].copy_from_slice(&bytes[..count]);
        }
        self.at += count as u64;
        self.size = self.size.max(self.at);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Sparse {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let within = (self.at % PIECE) as usize;
        let count = (PIECE as usize - within).min(out.len());
        let count = count.min((self.size - self.at) as usize);
        match self.pieces.get(&(self.at / PIECE)) {
            Some(piece) => out[..count].copy_from_slice(&piece[within..within + count]),
            None => out[..count].fill(0),
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(back) => {
                self.size.checked_add_signed(back).ok_or(io::ErrorKind::InvalidInput)?
            }
            SeekFrom::Current(by) => {
                self.at.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?
            }
        };
        Ok(self.at)
    }
}

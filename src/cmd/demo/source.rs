//! Mail that a person has at hand, as journal reports: mbox files (also packed
//! with zstd), Maildirs, and folders of EML files.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::base::limits;
use crate::mail::journal::{Envelope, Kind, Recipient};
use crate::mail::wrap::{self, Original, Style};
use crate::mail::{address, compose, header, maildir, mbox};

use super::client::Outgoing;

/// How deep folders are looked through.
const FOLDERS_MAX: usize = 16;

/// Every message below `paths`, wrapped as Exchange would. What cannot be read
/// is told to `trouble` and passed over.
pub struct Mail<'a> {
    files: VecDeque<PathBuf>,
    open: Option<mbox::Reader<Box<dyn BufRead>>>,
    path: PathBuf,
    style: Style,
    trouble: &'a dyn Fn(String),
}

impl<'a> Mail<'a> {
    pub fn new(
        paths: &[PathBuf],
        style: Style,
        trouble: &'a dyn Fn(String),
    ) -> anyhow::Result<Self> {
        let mut files = VecDeque::new();
        for path in paths {
            gather(path, &mut files).with_context(|| {
                format!(
                    "cannot read {}; give an mbox file, a Maildir or a folder of EML",
                    path.display()
                )
            })?;
            if path.is_file() {
                check(path).with_context(|| {
                    let path = path.display();
                    format!("{path} is not mail; give an mbox file, a Maildir or a folder of EML")
                })?;
            }
        }
        if files.is_empty() {
            anyhow::bail!(
                "no mail is in {}; give mbox files, Maildirs or folders of EML",
                paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
            );
        }
        Ok(Self { files, open: None, path: PathBuf::new(), style, trouble })
    }

    /// The next message as it lies there.
    fn next_message(&mut self) -> Option<anyhow::Result<Vec<u8>>> {
        loop {
            if let Some(mailbox) = &mut self.open {
                match mailbox.next() {
                    Some(Ok(message)) => return Some(Ok(message.bytes)),
                    Some(Err(error)) => {
                        self.open = None;
                        return Some(Err(error.into()));
                    }
                    None => self.open = None,
                }
            }
            self.path = self.files.pop_front()?;
            match open(&self.path) {
                Ok(Opened::Mailbox(source)) => self.open = Some(mbox::Reader::new(source)),
                Ok(Opened::Message(bytes)) => return Some(Ok(bytes)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Iterator for Mail<'_> {
    type Item = Outgoing;

    fn next(&mut self) -> Option<Outgoing> {
        loop {
            match self.next_message()? {
                Ok(message) => return Some(wrapped(&compose::crlf(&message), &self.style)),
                Err(error) => (self.trouble)(format!("{}: {error:#}", self.path.display())),
            }
        }
    }
}

/// A report of `message` with the recipients that its header names. A `Bcc:`
/// header is not believed: some archives' are copies of `Cc:`.
pub fn wrapped(message: &[u8], style: &Style) -> Outgoing {
    let text = |name| header::fields(message).find(|f| f.is(name)).map(|field| field.text());
    let addresses = |name: &str| -> Vec<String> {
        let fields = header::fields(message).filter(|field| field.is(name));
        let values = fields.map(|field| header::unfold(field.value));
        let found = values.flat_map(|value| address::parse(&value));
        found.map(|mailbox| mailbox.address).filter(|address| address.contains('@')).collect()
    };
    let sender = addresses("From").into_iter().next().unwrap_or_default();
    let typed = [("To", Kind::To), ("Cc", Kind::Cc)];
    let recipients = typed.into_iter().flat_map(|(name, kind)| {
        addresses(name).into_iter().map(move |address| Recipient { kind, address, via: None })
    });
    let recipients = recipients.collect();
    let envelope = Envelope {
        sender,
        subject: text("Subject"),
        message_id: text("Message-ID"),
        recipients,
        ..Envelope::default()
    };
    let bytes = wrap::report(&envelope, &[Original::message(message)], style);
    Outgoing { reverse_path: reverse_path(style), bytes }
}

/// The address that Exchange sends reports from.
pub fn reverse_path(style: &Style) -> String {
    format!("MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@{}", style.tenant)
}

enum Opened {
    Mailbox(Box<dyn BufRead>),
    Message(Vec<u8>),
}

/// A file that begins with `From ` is a mailbox, unless it is named as a message
/// and the line is no separator: some mailers leave such lines.
fn open(path: &Path) -> anyhow::Result<Opened> {
    let file = File::open(path)?;
    let is_packed = has_extension(path, &["zst"]);
    let mut source: Box<dyn BufRead> = match is_packed {
        true => Box::new(BufReader::new(zstd::Decoder::new(file)?)),
        false => Box::new(BufReader::new(file)),
    };
    let start = source.fill_buf()?;
    let first = start.split_inclusive(|&byte| byte == b'\n').next().unwrap_or_default();
    let is_message = has_extension(path, &["eml", "rfc822"]) && !mbox::is_separator(first);
    if mbox::may_separate(first) && !is_message {
        return Ok(Opened::Mailbox(source));
    }
    let mut bytes = Vec::new();
    source.take(limits::DELIVERY_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    anyhow::ensure!(
        bytes.len() as u64 <= limits::DELIVERY_BYTES_MAX,
        "it is too large for a message"
    );
    Ok(Opened::Message(bytes))
}

/// A file that was named is meant, so it must be mail; what lies in a folder may
/// be anything.
fn check(path: &Path) -> anyhow::Result<()> {
    if let Opened::Message(bytes) = open(path)? {
        let rest = bytes.splitn(2, |&byte| byte == b'\n').nth(1).unwrap_or_default();
        let is_mail =
            begins_with_field(&bytes) || bytes.starts_with(b"From ") && begins_with_field(rest);
        anyhow::ensure!(is_mail, "it begins neither as an mbox nor with a header");
    }
    Ok(())
}

/// Whether the first line is a header field (RFC 5322 section 2.2), which some
/// programs put a byte order mark before.
fn begins_with_field(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start);
    let Some(colon) = start.iter().position(|&byte| byte == b':') else { return false };
    let name = start[..colon].trim_ascii_end();
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

/// The files of a path in a stable order: itself, a Maildir's messages, or what
/// is below a folder and looks like mail.
fn gather(path: &Path, files: &mut VecDeque<PathBuf>) -> anyhow::Result<()> {
    if !std::fs::metadata(path)?.is_dir() {
        files.push_back(path.to_owned());
        return Ok(());
    }
    if maildir::is_maildir(path) {
        files.extend(maildir::files(path)?);
        return Ok(());
    }
    let mut found = Vec::new();
    below(path, FOLDERS_MAX, &mut found)?;
    found.sort();
    files.extend(found);
    Ok(())
}

fn below(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // Links are not followed: a folder may hold a link to what holds it.
        let kind = std::fs::symlink_metadata(&path)?.file_type();
        if kind.is_dir() && maildir::is_maildir(&path) {
            found.extend(maildir::files(&path)?);
        } else if kind.is_dir() && depth > 0 {
            below(&path, depth - 1, found)?;
        } else if kind.is_file() && has_extension(&path, &["eml", "mbox", "zst", "rfc822"]) {
            found.push(path);
        }
    }
    Ok(())
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().unwrap_or_default();
    extensions.iter().any(|wanted| extension.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::delivery;

    #[test]
    fn a_message_that_begins_as_a_mailbox_almost_does_is_a_message() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("odd.eml");
        let message = "From a@x\nSubject: s\n\nbody\n";
        std::fs::write(&path, message).unwrap();
        let trouble = |text| panic!("{text}");
        let mail: Vec<_> = Mail::new(&[path], Style::default(), &trouble).unwrap().collect();
        let whole = message.replace('\n', "\r\n");
        assert_eq!(delivery::read(&mail[0].bytes).entries[0].size, whole.len() as u64);
    }

    #[test]
    fn what_is_no_mail_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let refused = |path: PathBuf| {
            let said =
                Mail::new(std::slice::from_ref(&path), Style::default(), &|_| {}).err().unwrap();
            let said = format!("{said:#}");
            assert!(said.contains(&path.display().to_string()) && said.contains("mbox"), "{said}");
            said
        };
        assert!(refused(path("missing")).contains("cannot read"));
        std::fs::write(path("picture"), b"\x89PNG\r\n\x1a\n: no").unwrap();
        std::fs::write(path("text"), "not a mail at all: 1\n").unwrap();
        std::fs::write(path("word"), "hostname\n").unwrap();
        std::fs::write(path("empty.mbox"), "").unwrap();
        std::fs::write(path("false.mbox.zst"), "From a\n").unwrap();
        for name in ["picture", "text", "word", "empty.mbox", "false.mbox.zst"] {
            assert!(refused(path(name)).contains("is not mail"));
        }
        std::fs::create_dir(path("folder")).unwrap();
        std::fs::write(path("folder/notes.txt"), "Subject: no\n").unwrap();
        assert!(refused(path("folder")).contains("no mail is in"));
    }

    #[test]
    fn every_kind_of_folder_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let message = "From: a@x\nTo: b@x\nCc: C <c@x>\nBcc: c@x\nSubject: s\n\nbody\n";
        let mailbox = format!("From a Thu Oct 26 08:13:00 2000\n{message}\n").repeat(2);
        std::fs::create_dir_all(dir.path().join("m/cur")).unwrap();
        std::fs::create_dir_all(dir.path().join("m/new")).unwrap();
        std::fs::write(dir.path().join("m/cur/1"), message).unwrap();
        std::fs::write(dir.path().join("one.eml"), message).unwrap();
        std::fs::write(dir.path().join("two.mbox"), &mailbox).unwrap();
        let packed = zstd::encode_all(mailbox.as_bytes(), 1).unwrap();
        std::fs::write(dir.path().join("two.mbox.zst"), packed).unwrap();
        std::fs::write(dir.path().join("notes.txt"), "no mail").unwrap();
        let trouble = |text| panic!("{text}");
        let paths = [dir.path().to_owned()];
        let mail: Vec<_> = Mail::new(&paths, Style::default(), &trouble).unwrap().collect();
        assert_eq!(mail.len(), 6);
        for outgoing in mail {
            let read = delivery::read(&outgoing.bytes);
            let envelope = read.envelope.unwrap();
            assert_eq!(envelope.sender, "a@x");
            let kinds: Vec<_> = envelope.recipients.iter().map(|r| r.kind).collect();
            assert_eq!(kinds, [Kind::To, Kind::Cc]);
            assert_eq!(read.entries[0].size, message.replace('\n', "\r\n").len() as u64);
        }
    }
}

//! An export as one file or several, each within the size that Outlook takes:
//! written under another name, renamed when it is whole.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::model::{Exception, Message};
use super::store::{Options, Writer, bound};
use crate::base::durable;

/// The default size of one file.
pub const FILE_BYTES: u64 = 20_000_000_000;
/// The most that may be asked for: Outlook warns at 47.5 GB and stops at 50.
pub const FILE_BYTES_MAX: u64 = 45_000_000_000;

/// Kept free for what is written when a file is closed, and for the account of what
/// could not be carried of the last message.
const CLOSING_BYTES: u64 = 8 << 20;

#[derive(Debug, thiserror::Error)]
pub enum PstError {
    #[error("write {path}: is there room, and may we write there?")]
    Write { path: PathBuf, source: io::Error },
    #[error("a PST of {bytes} bytes is more than Outlook opens: ask for at most {FILE_BYTES_MAX}")]
    FileBytes { bytes: u64 },
}

/// Where the files go and how large they get.
#[derive(Clone, Debug)]
pub struct Plan {
    pub directory: PathBuf,
    /// `stem.pst`, then `stem-2.pst` and on.
    pub stem: String,
    pub file_bytes: u64,
    pub items_per_folder: u32,
}

/// A file that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub path: PathBuf,
    pub messages: u64,
    pub bytes: u64,
}

/// Where a message went, and what of it could not be carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    pub file: PathBuf,
    pub exceptions: Vec<Exception>,
}

/// Asked before each piece of a file is written, so that a large message can be
/// given up in its middle: an error ends the writing.
pub type Check = Arc<dyn Fn() -> io::Result<()> + Send + Sync>;

pub struct Files {
    plan: Plan,
    check: Check,
    open: Option<Open>,
    begun: usize,
    written: Vec<Written>,
}

struct Open {
    writer: Writer<Checked>,
    staged: PathBuf,
    path: PathBuf,
}

impl Files {
    pub fn create(plan: Plan, check: Check) -> Result<Self, PstError> {
        if plan.file_bytes > FILE_BYTES_MAX {
            return Err(PstError::FileBytes { bytes: plan.file_bytes });
        }
        Ok(Self { plan, check, open: None, begun: 0, written: Vec::new() })
    }

    /// Writes a message into the folder at `path`; begins another file first if
    /// this one would grow too large. A message that is too large for any is alone
    /// in its file.
    pub fn add(
        &mut self,
        path: &[impl AsRef<str>],
        message: Message<'_>,
    ) -> Result<Added, PstError> {
        // One more folder, should this one be full.
        let folders = bound::FOLDER * (path.len() as u64 + 1);
        let needed = bound::file_bytes(&message) + folders + CLOSING_BYTES;
        let is_over = |open: &Open| {
            open.writer.messages() > 0
                && open.writer.projected_bytes() + needed > self.plan.file_bytes
        };
        if self.open.as_ref().is_some_and(is_over) {
            self.close()?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                self.begun += 1;
                none.insert(begin(&self.plan, self.begun, &self.check)?)
            }
        };
        let folder = open.writer.folder(path);
        let exceptions = open.writer.add(folder, message);
        let exceptions = exceptions.map_err(|source| failed(&open.staged, source))?;
        Ok(Added { file: open.path.clone(), exceptions })
    }

    /// The files that have become whole since it was last asked.
    pub fn take_written(&mut self) -> Vec<Written> {
        std::mem::take(&mut self.written)
    }

    /// Closes the last file; an export of nothing is an empty file. Returns what
    /// was not taken yet.
    pub fn finish(mut self) -> Result<Vec<Written>, PstError> {
        if self.begun == 0 {
            self.open = Some(begin(&self.plan, 1, &self.check)?);
        }
        self.close()?;
        Ok(self.take_written())
    }

    /// A crash before the rename leaves a file that is not called `.pst` and, but
    /// for its last moment, has no magic.
    fn close(&mut self) -> Result<(), PstError> {
        let Some(Open { writer, staged, path }) = self.open.take() else { return Ok(()) };
        let finished = writer.finish(|sink| sink.file.sync_all());
        let renamed = finished.and_then(|(_, summary)| {
            fs::rename(&staged, &path)?;
            durable::sync_directory(&self.plan.directory)?;
            Ok(summary)
        });
        let summary = renamed.map_err(|source| {
            let _ = fs::remove_file(&staged);
            failed(&path, source)
        })?;
        let (messages, bytes) = (summary.messages, summary.bytes);
        self.written.push(Written { path, messages, bytes });
        Ok(())
    }
}

/// What was not finished is removed: half a file is no file.
impl Drop for Files {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            let _ = fs::remove_file(&open.staged);
        }
    }
}

fn begin(plan: &Plan, number: usize, check: &Check) -> Result<Open, PstError> {
    let name = match number {
        1 => plan.stem.clone(),
        _ => format!("{}-{number}", plan.stem),
    };
    let path = plan.directory.join(format!("{name}.pst"));
    let staged = plan.directory.join(format!("{name}.pst.partial"));
    let options =
        Options { items_per_folder: plan.items_per_folder, ..Options::new(name, &plan.directory) };
    let writer = File::create(&staged)
        .and_then(|file| Writer::create(Checked { file, check: check.clone() }, options));
    let writer = writer.map_err(|source| failed(&staged, source))?;
    Ok(Open { writer, staged, path })
}

/// A file that is written as long as it is wanted.
struct Checked {
    file: File,
    check: Check,
}

impl Write for Checked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.check)()?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Checked {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn failed(path: &Path, source: io::Error) -> PstError {
    PstError::Write { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::pst::check::{self, samples::assert_others_agree};
    use crate::pst::model::{Address, Attachment, Content, Recipient, RecipientKind, Source};

    fn message(bytes: usize) -> Message<'static> {
        Message { text: Some("x".repeat(bytes)), ..Message::default() }
    }

    fn plan(directory: &Path, file_bytes: u64) -> Plan {
        let stem = "export".to_owned();
        Plan { directory: directory.to_owned(), stem, file_bytes, items_per_folder: 3 }
    }

    fn wanted() -> Check {
        Arc::new(|| Ok(()))
    }

    #[test]
    fn export_is_split_by_size_and_rolled_by_count() {
        let directory = tempfile::tempdir().unwrap();
        let mut files = Files::create(plan(directory.path(), 12 << 20), wanted()).unwrap();
        for _ in 0..10 {
            files.add(&["A"], message(500_000)).unwrap();
        }
        let written = files.finish().unwrap();
        assert!(written.len() > 1);
        assert_eq!(written.iter().map(|file| file.messages).sum::<u64>(), 10);
        for file in &written {
            assert!(file.bytes <= 12 << 20);
            let report = check::check(File::open(&file.path).unwrap()).unwrap();
            assert!(report.findings.is_empty(), "{:?}", report.findings);
            assert_others_agree(&file.path);
        }
        assert_eq!(written[1].path, directory.path().join("export-2.pst"));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), written.len());
    }

    #[test]
    fn full_folder_goes_on_beside_itself() {
        let directory = tempfile::tempdir().unwrap();
        let mut files = Files::create(plan(directory.path(), FILE_BYTES), wanted()).unwrap();
        let added: Vec<Added> = (0..7).map(|_| files.add(&["A"], message(1)).unwrap()).collect();
        let rolled = |name: &str| {
            vec![Exception::FolderRolled { folder: "A".to_owned(), written: name.to_owned() }]
        };
        assert_eq!(added[2].exceptions, []);
        assert_eq!(added[3].exceptions, rolled("A (2)"));
        assert_eq!(added[6].exceptions, rolled("A (3)"));
    }

    #[test]
    fn interrupted_export_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let mut files = Files::create(plan(directory.path(), FILE_BYTES), wanted()).unwrap();
        files.add(&["A"], message(600_000)).unwrap();
        let staged = fs::read(directory.path().join("export.pst.partial")).unwrap();
        assert!(staged.len() > 500_000 && staged[..4] == [0; 4]);
        drop(files);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        let too_large = plan(directory.path(), FILE_BYTES_MAX + 1);
        assert!(matches!(Files::create(too_large, wanted()), Err(PstError::FileBytes { .. })));
    }

    /// Whatever the messages are made of, no file passes what was asked for, and none
    /// ends long before it.
    #[test]
    fn no_file_passes_its_ceiling() {
        const CEILING: u64 = 11 << 20;
        let long = "\u{390}".repeat(1_400);
        let person = |name: &str, address: &str| Address {
            name: name.to_owned(),
            address: address.to_owned(),
        };
        let to = |address: Address| Recipient {
            kind: RecipientKind::To,
            address,
            source: Source::Envelope,
        };
        // Long recipients, which are in the file ten times; rows that wait until the
        // end; folders; small ones.
        for (kind, count) in [("people", 60), ("rows", 300), ("folders", 900), ("mail", 4_000)] {
            let directory = tempfile::tempdir().unwrap();
            let whole = Plan { items_per_folder: 50_000, ..plan(directory.path(), CEILING) };
            let mut files = Files::create(whole, wanted()).unwrap();
            for number in 0..count {
                let mut message = Message::default();
                let mut folder = "F".to_owned();
                match kind {
                    "people" => {
                        let people = (0..20).map(|_| to(person("", &long)));
                        message.recipients = people.collect();
                    }
                    "rows" => {
                        message.subject = "x".repeat(1_370);
                        message.author = Some(person(&"y".repeat(1_370), "a@a.example"));
                    }
                    "folders" => folder = format!("{}{number}", "z".repeat(240)),
                    _ => message.recipients = vec![to(person("Ann", "ann@a.example"))],
                }
                files.add(&[&folder], message).unwrap();
            }
            let written = files.finish().unwrap();
            assert!(written.len() > 1, "{kind}");
            for file in &written {
                assert!(file.bytes <= CEILING, "{kind}: {}", file.bytes);
                assert_eq!(fs::metadata(&file.path).unwrap().len(), file.bytes);
            }
            for file in &written[..written.len() - 1] {
                assert!(file.bytes > (CEILING - CLOSING_BYTES) / 2, "{kind}: {}", file.bytes);
            }
            let report = check::check(File::open(&written[0].path).unwrap()).unwrap();
            assert!(report.findings.is_empty(), "{:?}", report.findings);
        }
    }

    #[test]
    fn message_beyond_the_ceiling_is_alone() {
        let directory = tempfile::tempdir().unwrap();
        let mut files = Files::create(plan(directory.path(), 12 << 20), wanted()).unwrap();
        for bytes in [1, 20 << 20, 1, 1] {
            files.add(&["A"], message(bytes)).unwrap();
        }
        let written = files.finish().unwrap();
        assert_eq!(written.iter().map(|file| file.messages).collect::<Vec<_>>(), [1, 1, 2]);
    }

    /// A message of minutes is given up within a piece, and nothing is left of it.
    #[test]
    fn stop_is_heard_in_the_middle_of_a_message() {
        const PIECES: u64 = 3;
        let size = 2_000_000_000;
        let read = Arc::new(AtomicU64::new(0));
        let source = Counting(read.clone());
        let asked = AtomicU64::new(0);
        let stop = move || match asked.fetch_add(1, Ordering::Relaxed) {
            PIECES => Err(io::Error::other("it was stopped")),
            _ => Ok(()),
        };
        let directory = tempfile::tempdir().unwrap();
        let mut files = Files::create(plan(directory.path(), FILE_BYTES), Arc::new(stop)).unwrap();
        let content = Content::Stream { size, source: Box::new(source) };
        let attachments = vec![Attachment {
            name: "large".to_owned(),
            media_type: String::new(),
            content_id: None,
            location: None,
            base: None,
            is_inline: false,
            content,
        }];
        let large = Message { attachments, ..Message::default() };
        assert!(matches!(files.add(&["A"], large), Err(PstError::Write { .. })));
        let read = read.load(Ordering::Relaxed);
        assert!((1..(PIECES + 1) << 18).contains(&read), "{read}");
        drop(files);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    struct Counting(Arc<AtomicU64>);

    impl io::Read for Counting {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer.fill(7);
            self.0.fetch_add(buffer.len() as u64, Ordering::Relaxed);
            Ok(buffer.len())
        }
    }
}

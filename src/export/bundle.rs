//! Writing a bundle: a zip that streams to a file, with the manifest and an
//! mbox beside it in temporary files until they are whole. One message is in
//! memory at a time. Knows nothing of catalogs; what goes in is `run`'s choice.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::manifest::{self, Head, Item, Listed, Proof, Role, Seal, Span};
use crate::base::durable;
use crate::base::hash::{Digest, Hasher};
use crate::ledger::note::{self, NoteError, Signer};
use crate::mail::mbox;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Eml,
    Mbox,
}

#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("write the bundle {path}; check the space and the rights there")]
    Write { path: PathBuf, source: io::Error },
    #[error("write the bundle {path}")]
    Zip { path: PathBuf, source: zip::result::ZipError },
    #[error("sign the manifest")]
    Sign(#[from] NoteError),
}

/// What is known of an item beside its bytes.
pub struct About {
    pub set: i64,
    pub proofs: Vec<Proof>,
}

/// A bundle in the making. Dropped unfinished, it leaves a file named as
/// [`staged`] says, which the next try replaces.
pub struct BundleWriter {
    format: Format,
    out: Out,
    items: Spool,
    mbox: Option<Spool>,
    messages: u64,
}

/// What a finished bundle is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    pub size: u64,
    pub sha256: Digest,
}

/// The parts that close a bundle.
pub struct Closing<'a> {
    pub head: Head,
    /// JSON.
    pub account: &'a [u8],
    pub exceptions: &'a [u8],
    /// The signed note; absent when nothing was published.
    pub checkpoint: Option<&'a str>,
    pub readme: &'a str,
}

/// The name under which a bundle is written before it is whole.
pub fn staged(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

impl BundleWriter {
    pub fn create(path: &Path, format: Format) -> Result<Self, BundleError> {
        let failed = |source| BundleError::Write { path: path.to_owned(), source };
        let file = File::create(staged(path)).map_err(failed)?;
        let directory = path.parent().unwrap_or(Path::new("."));
        let spool = || Spool::new(directory).map_err(failed);
        let zip = ZipWriter::new(BufWriter::new(file)).set_auto_large_file();
        Ok(Self {
            format,
            out: Out { path: path.to_owned(), zip },
            items: spool()?,
            mbox: (format == Format::Mbox).then(spool).transpose()?,
            messages: 0,
        })
    }

    /// Adds a message; returns its number, by which attachments refer to it.
    /// `separator` is its line in an mbox.
    pub fn message(
        &mut self,
        bytes: &[u8],
        separator: &[u8],
        about: About,
    ) -> Result<u64, BundleError> {
        self.messages += 1;
        let number = self.messages;
        let (path, span) = match &mut self.mbox {
            Some(mbox) => {
                let span =
                    append(mbox, bytes, separator).map_err(|error| self.out.failed(error))?;
                (manifest::MBOX.to_owned(), Some(span))
            }
            None => {
                let path = format!("messages/{number:06}.eml");
                self.out.file(&path, bytes)?;
                (path, None)
            }
        };
        self.item(bytes, path, span, None, about)?;
        Ok(number)
    }

    /// Adds an attachment of message `number`, the `ordinal`-th of it.
    pub fn attachment(
        &mut self,
        bytes: &[u8],
        (number, ordinal): (u64, usize),
        (name, media_type): (&str, &str),
        about: About,
    ) -> Result<(), BundleError> {
        let path = format!("attachments/{number:06}/{ordinal:02}-{}", safe_name(name));
        self.out.file(&path, bytes)?;
        self.item(bytes, path, None, Some((name, media_type)), about)
    }

    fn item(
        &mut self,
        bytes: &[u8],
        path: String,
        span: Option<Span>,
        attachment: Option<(&str, &str)>,
        about: About,
    ) -> Result<(), BundleError> {
        let (name, media_type) = attachment.map(|(n, m)| (n.to_owned(), m.to_owned())).unzip();
        let item = Item {
            path,
            span,
            role: if attachment.is_some() { Role::Attachment } else { Role::Message },
            set: about.set,
            name,
            media_type,
            size: bytes.len() as u64,
            sha256: Digest::of(bytes),
            proofs: about.proofs,
        };
        let separator: &[u8] = if self.items.size == 0 { b"\n" } else { b",\n" };
        let line = [separator, &to_json(&item)].concat();
        self.items.write(&line).map_err(|error| self.out.failed(error))
    }

    /// Closes the bundle, signs its manifest, makes it durable and gives it its
    /// name. A crash before the rename leaves only the staged file.
    pub fn finish(self, closing: &Closing<'_>, signer: &Signer) -> Result<Finished, BundleError> {
        let Self { format, mut out, mut items, mbox, .. } = self;
        let mut listed = Vec::new();
        if let Some(mut mbox) = mbox {
            debug_assert_eq!(format, Format::Mbox);
            listed.push(out.copy(manifest::MBOX, &[], &mut mbox, &[])?);
        }
        let key = format!("{}\n", signer.verifier());
        let mut small = vec![
            (manifest::README, closing.readme.as_bytes()),
            (manifest::ACCOUNT, closing.account),
            (manifest::EXCEPTIONS, closing.exceptions),
            (manifest::KEY, key.as_bytes()),
        ];
        small.extend(closing.checkpoint.map(|note| (manifest::CHECKPOINT, note.as_bytes())));
        for (path, bytes) in small {
            out.file(path, bytes)?;
            let (size, sha256) = (bytes.len() as u64, Digest::of(bytes));
            listed.push(Listed { path: path.to_owned(), size, sha256 });
        }
        // One document, one item a line.
        let listed: Vec<_> = listed.iter().map(to_json).collect();
        let start = [b"{\"head\":\n", &to_json(&closing.head)[..], b",\n\"items\":["].concat();
        let end = [b"\n],\n\"files\":[\n", &listed.join(&b",\n"[..])[..], b"\n]}\n"].concat();
        let Listed { size, sha256, .. } = out.copy(manifest::MANIFEST, &start, &mut items, &end)?;
        let note = note::sign(&Seal { size, sha256 }.text(), &[signer])?;
        out.file(manifest::MANIFEST_NOTE, note.as_bytes())?;
        out.finish()
    }
}

/// Appends a message to an mbox; where its quoted bytes lie.
fn append(mbox: &mut Spool, bytes: &[u8], separator: &[u8]) -> io::Result<Span> {
    mbox.write(separator)?;
    mbox.write(b"\n")?;
    let offset = mbox.size;
    let length = mbox::write_quoted(&mut mbox.file, bytes)?;
    mbox.size += length;
    mbox.write(mbox::end_of(bytes))?;
    Ok(Span { offset, length })
}

/// The zip on its way to the disk.
struct Out {
    path: PathBuf,
    zip: ZipWriter<BufWriter<File>>,
}

impl Out {
    fn start(&mut self, name: &str) -> Result<(), BundleError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(0o644);
        self.zip
            .start_file(name, options)
            .map_err(|source| BundleError::Zip { path: self.path.clone(), source })
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        self.start(name)?;
        self.zip.write_all(bytes).map_err(|error| self.failed(error))
    }

    /// A file of `start`, what was spooled, and `end`.
    fn copy(
        &mut self,
        name: &str,
        start: &[u8],
        spool: &mut Spool,
        end: &[u8],
    ) -> Result<Listed, BundleError> {
        self.start(name)?;
        let (mut size, mut hasher) = (0, Hasher::new());
        let copied = spool.rewound().and_then(|spooled| {
            copy(&mut start.chain(spooled).chain(end), &mut self.zip, |piece| {
                size += piece.len() as u64;
                hasher.update(piece);
            })
        });
        copied.map_err(|error| self.failed(error))?;
        Ok(Listed { path: name.to_owned(), size, sha256: hasher.finish() })
    }

    fn finish(self) -> Result<Finished, BundleError> {
        let Self { path, zip } = self;
        let buffered =
            zip.finish().map_err(|source| BundleError::Zip { path: path.clone(), source })?;
        give_name(&path, buffered).map_err(|source| BundleError::Write { path, source })
    }

    fn failed(&self, source: io::Error) -> BundleError {
        BundleError::Write { path: self.path.clone(), source }
    }
}

/// A temporary file without a name: gone with the process.
struct Spool {
    file: BufWriter<File>,
    size: u64,
}

impl Spool {
    fn new(directory: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile_in(directory)?), size: 0 })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.size += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn rewound(&mut self) -> io::Result<BufReader<&mut File>> {
        self.file.flush()?;
        let file = self.file.get_mut();
        file.seek(SeekFrom::Start(0))?;
        Ok(BufReader::new(file))
    }
}

/// fsync, rename, fsync the directory.
fn give_name(path: &Path, mut buffered: BufWriter<File>) -> io::Result<Finished> {
    buffered.flush()?;
    let mut file = File::open(staged(path))?;
    let (mut size, mut hasher) = (0, Hasher::new());
    copy(&mut file, &mut io::sink(), |piece| {
        size += piece.len() as u64;
        hasher.update(piece);
    })?;
    buffered.get_ref().sync_all()?;
    std::fs::rename(staged(path), path)?;
    durable::sync_directory(path.parent().unwrap_or(Path::new(".")))?;
    Ok(Finished { size, sha256: hasher.finish() })
}

const PIECE_BYTES: usize = 64 << 10;

fn copy(from: &mut impl Read, to: &mut impl Write, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(()),
            read => {
                each(&piece[..read]);
                to.write_all(&piece[..read])?;
            }
        }
    }
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain structures with string keys serialise")
}

/// A name that is safe on every system; the given one is in the manifest.
fn safe_name(name: &str) -> String {
    const CHARS_MAX: usize = 60;
    let kept: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' })
        .collect();
    let kept = kept.trim_matches(['.', ' ']);
    // The end is kept whole: it holds the extension.
    let skip = kept.chars().count().saturating_sub(CHARS_MAX);
    let kept: String = kept.chars().skip(skip).collect();
    if kept.is_empty() { "unnamed".to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachment_names_are_safe_everywhere() {
        for (name, safe) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("C:\\x\0y.txt", "C__x_y.txt"),
            ("..", "unnamed"),
            ("", "unnamed"),
            ("Übersicht 2.xlsx", "Übersicht 2.xlsx"),
            ("\u{202e}fdp.exe", "_fdp.exe"),
        ] {
            assert_eq!(safe_name(name), safe);
        }
        assert!(safe_name(&format!("{}.pdf", "x".repeat(500))).ends_with(".pdf"));
        assert_eq!(safe_name(&"ü".repeat(500)).chars().count(), 60);
    }
}

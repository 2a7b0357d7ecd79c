//! Writing a bundle: a zip that streams to a file, with the manifest, an mbox
//! and PST files beside it until they are whole. One message is in memory at a
//! time. Knows nothing of catalogs; what goes in is `run`'s choice.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::Serialize;

use super::convert::{Converter, Pst, directory_of, name_of};
use super::manifest::{
    self, Converted, Head, Item, Listed, Proof, Role, Seal, Span, VERSION, VERSION_CONVERTED,
};
use super::out::{Out, Spool, Stopper, staged};
use crate::base::hash::Digest;
use crate::base::ids::{RecordId, SetId};
use crate::ledger::note::{self, NoteError, Signer};
use crate::mail::mbox;
use crate::pst::split::{PstError, Written};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Eml,
    Mbox,
    Pst(Pst),
}

impl Format {
    /// Of the manifest: the first that describes it, for who checks it with an
    /// older program.
    pub fn version(&self) -> u32 {
        match self {
            Self::Eml | Self::Mbox => VERSION,
            Self::Pst(_) => VERSION_CONVERTED,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("write the bundle {path}; check the space and the rights there")]
    Write { path: PathBuf, source: io::Error },
    #[error("write the bundle {path}")]
    Zip { path: PathBuf, source: zip::result::ZipError },
    #[error("sign the manifest")]
    Sign(#[from] NoteError),
    #[error(transparent)]
    Pst(#[from] PstError),
}

/// A message as it goes in.
pub struct Outgoing<'a> {
    pub bytes: &'a [u8],
    /// Its line in an mbox.
    pub separator: &'a [u8],
    /// Recipients whom the envelopes of its deliveries name.
    pub recipients: &'a [String],
}

/// What is known of an item beside its bytes.
pub struct About {
    pub set: i64,
    pub proofs: Vec<Proof>,
}

/// Why something that should be in the bundle is not, or not as it was.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Exception {
    /// Absent where no message was found in the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<SetId>,
    pub record_id: Option<RecordId>,
    /// Of one message among those of the set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub reason: String,
    /// Nothing of the message is in the bundle.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_missing: bool,
}

/// A bundle in the making. Dropped unfinished, it leaves what [`discard`] removes
/// and the next try replaces.
pub struct BundleWriter {
    out: Out,
    items: Spool,
    exceptions: Spool,
    exception_count: u64,
    missing_count: u64,
    form: Form,
    /// PST files that are in the zip already.
    converted: Vec<Listed>,
    messages: u64,
}

/// How messages go in.
enum Form {
    Eml,
    Mbox(Spool),
    Pst { converter: Box<Converter>, with_eml: bool },
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
    /// The signed note; absent when nothing was published.
    pub checkpoint: Option<&'a str>,
    pub stamped: Option<&'a StampedCheckpoint>,
    pub readme: &'a str,
}

/// A checkpoint that was stamped, as it goes into a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampedCheckpoint {
    pub note: Bytes,
    pub stamp: Bytes,
    /// That the bundle's checkpoint extends it: hashes, each in hex on a line.
    pub proof: String,
}

/// Removes what an unfinished bundle leaves.
pub fn discard(path: &Path) {
    let _ = fs::remove_file(staged(path));
    let _ = fs::remove_dir_all(directory_of(path));
}

impl BundleWriter {
    /// `name` is that of the export, which PST files and their folder bear.
    pub fn create(path: &Path, format: Format, name: &str) -> Result<Self, BundleError> {
        let failed = |source| BundleError::Write { path: path.to_owned(), source };
        let out = Out::create(path).map_err(failed)?;
        let directory = path.parent().unwrap_or(Path::new("."));
        let spool = || Spool::new(directory).map_err(failed);
        let form = match format {
            Format::Eml => Form::Eml,
            Format::Mbox => Form::Mbox(spool()?),
            Format::Pst(options) => Form::Pst {
                converter: Box::new(Converter::create(path, name, &options, out.stopper.clone())?),
                with_eml: options.with_eml,
            },
        };
        Ok(Self {
            out,
            items: spool()?,
            exceptions: spool()?,
            exception_count: 0,
            missing_count: 0,
            form,
            converted: Vec::new(),
            messages: 0,
        })
    }

    pub fn stopper(&self) -> Stopper {
        self.out.stopper.clone()
    }

    /// Adds a message; returns its number, by which attachments refer to it.
    pub fn message(&mut self, outgoing: &Outgoing<'_>, about: About) -> Result<u64, BundleError> {
        self.messages += 1;
        let number = self.messages;
        let bytes = outgoing.bytes;
        let sha256 = Digest::of(bytes);
        let mut held = Held::default();
        if let Form::Mbox(mbox) = &mut self.form {
            let span = append(mbox, outgoing).map_err(|error| self.out.failed(error))?;
            held =
                Held { path: Some(manifest::MBOX.to_owned()), span: Some(span), converted: None };
        }
        if matches!(self.form, Form::Eml | Form::Pst { with_eml: true, .. }) {
            let path = format!("messages/{number:06}.eml");
            self.out.file(&path, bytes)?;
            held.path = Some(path);
        }
        if let Form::Pst { converter, .. } = &mut self.form {
            let record_id = about.proofs.first().map(|proof| proof.record_id);
            let (converted, lost) = converter.add(outgoing, record_id, sha256)?;
            let whole = converter.take_written();
            held.converted = Some(converted);
            self.include(whole)?;
            for reason in lost.reasons {
                let (set, subject) = (Some(SetId(about.set)), Some(lost.subject.clone()));
                let sha256 = Some(sha256);
                self.except(&Exception {
                    set,
                    record_id,
                    sha256,
                    subject,
                    reason,
                    is_missing: false,
                })?;
            }
        }
        self.item((bytes, sha256), held, None, about)?;
        Ok(number)
    }

    /// Adds an attachment of message `number`, the `ordinal`-th of it.
    pub fn attachment(
        &mut self,
        bytes: &[u8],
        (number, ordinal): (u64, usize),
        named: (&str, &str),
        about: About,
    ) -> Result<(), BundleError> {
        let path = format!("attachments/{number:06}/{ordinal:02}-{}", safe_name(named.0));
        self.out.file(&path, bytes)?;
        let held = Held { path: Some(path), ..Held::default() };
        self.item((bytes, Digest::of(bytes)), held, Some(named), about)
    }

    /// Lists what is not in the bundle as it should be.
    pub fn except(&mut self, exception: &Exception) -> Result<(), BundleError> {
        self.exception_count += 1;
        self.missing_count += u64::from(exception.is_missing);
        self.exceptions.element(&to_json(exception)).map_err(|error| self.out.failed(error))
    }

    /// Messages that should be in the bundle and are not.
    pub fn missing(&self) -> u64 {
        self.missing_count
    }

    pub fn exceptions(&self) -> u64 {
        self.exception_count
    }

    fn item(
        &mut self,
        (bytes, sha256): (&[u8], Digest),
        held: Held,
        attachment: Option<(&str, &str)>,
        about: About,
    ) -> Result<(), BundleError> {
        let (name, media_type) = attachment.map(|(n, m)| (n.to_owned(), m.to_owned())).unzip();
        let item = Item {
            path: held.path,
            converted: held.converted,
            span: held.span,
            role: if attachment.is_some() { Role::Attachment } else { Role::Message },
            set: about.set,
            name,
            media_type,
            size: bytes.len() as u64,
            sha256,
            proofs: about.proofs,
        };
        self.items.element(&to_json(&item)).map_err(|error| self.out.failed(error))
    }

    /// Takes PST files that are whole into the zip, and off the disk.
    fn include(&mut self, whole: Vec<Written>) -> Result<(), BundleError> {
        for Written { path, .. } in whole {
            let failed = |source| BundleError::Write { path: path.clone(), source };
            let mut file = File::open(&path).map_err(failed)?;
            self.converted.push(self.out.copy(&name_of(&path), &mut file)?);
            fs::remove_file(&path).map_err(failed)?;
        }
        Ok(())
    }

    /// Closes the bundle, signs its manifest, makes it durable and gives it its
    /// name. A crash before the rename leaves only what [`discard`] removes.
    pub fn finish(
        mut self,
        closing: &Closing<'_>,
        signer: &Signer,
    ) -> Result<Finished, BundleError> {
        let mut listed = Vec::new();
        match std::mem::replace(&mut self.form, Form::Eml) {
            Form::Eml => {}
            Form::Mbox(mut mbox) => {
                let mut mbox = mbox.rewound().map_err(|error| self.out.failed(error))?;
                listed.push(self.out.copy(manifest::MBOX, &mut mbox)?);
            }
            Form::Pst { converter, .. } => {
                let (directory, whole) = converter.finish()?;
                self.include(whole)?;
                listed.append(&mut self.converted);
                fs::remove_dir(&directory)
                    .map_err(|source| BundleError::Write { path: directory, source })?;
            }
        }
        let Self { mut out, mut items, mut exceptions, .. } = self;
        let key = format!("{}\n", signer.verifier());
        let mut small = vec![
            (manifest::README, closing.readme.as_bytes()),
            (manifest::ACCOUNT, closing.account),
            (manifest::KEY, key.as_bytes()),
        ];
        small.extend(closing.checkpoint.map(|note| (manifest::CHECKPOINT, note.as_bytes())));
        if let Some(stamped) = closing.stamped {
            small.push((manifest::STAMPED, &stamped.note[..]));
            small.push((manifest::STAMP, &stamped.stamp[..]));
            small.push((manifest::STAMP_PROOF, stamped.proof.as_bytes()));
        }
        for (path, bytes) in small {
            out.file(path, bytes)?;
            let (size, sha256) = (bytes.len() as u64, Digest::of(bytes));
            listed.push(Listed { path: path.to_owned(), size, sha256 });
        }
        listed.push(spooled(&mut out, manifest::EXCEPTIONS, b"[", &mut exceptions, b"\n]\n")?);
        // One document, one item a line.
        let listed: Vec<_> = listed.iter().map(to_json).collect();
        let start = [b"{\"head\":\n", &to_json(&closing.head)[..], b",\n\"items\":["].concat();
        let end = [b"\n],\n\"files\":[\n", &listed.join(&b",\n"[..])[..], b"\n]}\n"].concat();
        let Listed { size, sha256, .. } =
            spooled(&mut out, manifest::MANIFEST, &start, &mut items, &end)?;
        let note = note::sign(&Seal { size, sha256 }.text(), &[signer])?;
        out.file(manifest::MANIFEST_NOTE, note.as_bytes())?;
        out.finish()
    }
}

/// Where an item is.
#[derive(Default)]
struct Held {
    path: Option<String>,
    span: Option<Span>,
    converted: Option<Converted>,
}

/// A file of `start`, what was spooled, and `end`.
fn spooled(
    out: &mut Out,
    name: &str,
    start: &[u8],
    spool: &mut Spool,
    end: &[u8],
) -> Result<Listed, BundleError> {
    let spooled = spool.rewound().map_err(|error| out.failed(error))?;
    out.copy(name, &mut start.chain(spooled).chain(end))
}

/// Appends a message to an mbox; where its quoted bytes lie.
fn append(mbox: &mut Spool, outgoing: &Outgoing<'_>) -> io::Result<Span> {
    mbox.write(outgoing.separator)?;
    mbox.write(b"\n")?;
    let offset = mbox.size;
    let length = mbox::write_quoted(&mut mbox.file, outgoing.bytes)?;
    mbox.size += length;
    mbox.write(mbox::end_of(outgoing.bytes))?;
    Ok(Span { offset, length })
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain structures with string keys serialise")
}

/// A name that is safe on every system; the given one is in the manifest.
pub(super) fn safe_name(name: &str) -> String {
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

    /// Whatever it is written as: the message is longer than what is written at once.
    #[test]
    fn a_stop_ends_the_writing_of_a_message() {
        let base64 = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5\r\n";
        let head = "Content-Type: a/b; name=large\r\nContent-Transfer-Encoding: base64\r\n\r\n";
        let raw = format!("{head}{}", base64.repeat(20_000));
        for format in [Format::Eml, Format::Pst(Pst::default())] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("bundle.zip");
            let mut writer = BundleWriter::create(&path, format, "A").unwrap();
            let about = || About { set: 1, proofs: Vec::new() };
            let outgoing = Outgoing { bytes: raw.as_bytes(), separator: b"", recipients: &[] };
            writer.message(&outgoing, about()).unwrap();
            writer.stopper().stop();
            assert!(writer.message(&outgoing, about()).is_err(), "{format:?}");
            drop(writer);
            discard(&path);
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        }
    }

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

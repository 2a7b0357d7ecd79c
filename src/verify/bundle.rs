//! Checking an export bundle with nothing but the bundle and the log's public
//! key. The order matters: the key opens the manifest's note, the note's hash
//! the manifest, and only what the manifest says is then read, no further than
//! it says; so a hostile bundle without the key gets no further than its note.
//!
//! The format is described in `BUNDLE.md` beside this file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::exceptions;
use super::proof::{self, Outcome};
use super::report::{Kind, Match, Report};
use super::source::{Source, SourceError};
use super::stamped;
use super::unquote::Unquoter;
use crate::base::hash::{Digest, Hasher};
use crate::base::limits::NOTE_BYTES_MAX;
use crate::export::manifest::{
    self, CHECKPOINT, EXCEPTIONS, Head, Item, KEY, Listed, MANIFEST, MANIFEST_NOTE, Part, Role,
    Seal, Span,
};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::note::{self, NoteError, Verifier};
use crate::ledger::stamp::Authorities;

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("write a temporary file for the manifest")]
    Spool(#[source] io::Error),
}

/// Checks all of a bundle.
pub fn verify(bundle: &Path, key: &Verifier) -> Result<Report, VerifyError> {
    verify_with(bundle, key, None)
}

/// The same, and that its time stamp is by one of these authorities.
pub fn verify_with(
    bundle: &Path,
    key: &Verifier,
    authorities: Option<&Authorities>,
) -> Result<Report, VerifyError> {
    let mut report = Report { key: key.to_string(), ..Report::default() };
    let Some(mut opened) = Opened::open(bundle, key, &mut report)? else { return Ok(report) };
    let mut expected = BTreeSet::from([MANIFEST.to_owned(), MANIFEST_NOTE.to_owned()]);
    let (mut containers, mut conversions) = (BTreeSet::new(), BTreeSet::new());
    let Opened { source, manifest, checkpoint } = &mut opened;
    let parsed = manifest::read(rewound(manifest)?, &mut |part| match part {
        Part::Head(head) => check_head(&head, key, &mut report),
        Part::Item(item) => {
            conversions.extend(item.converted.as_ref().map(|converted| converted.path.clone()));
            match &item.path {
                None => report.converted += 1,
                Some(path) if item.span.is_some() => _ = containers.insert(path.clone()),
                Some(path) if expected.insert(path.clone()) => {
                    check_whole(source, path, item.size, &item.sha256, &mut report);
                }
                Some(path) => report.find(path, Kind::Format, "the manifest lists it twice"),
            }
            check_proofs(&item, checkpoint.as_ref(), &mut report);
        }
        Part::File(Listed { path, size, sha256 }) => {
            if expected.insert(path.clone()) {
                check_whole(source, &path, size, &sha256, &mut report);
            } else {
                report.find(&path, Kind::Format, "the manifest lists it twice");
            }
        }
    });
    if let Err(error) = parsed {
        report.find(MANIFEST, Kind::Format, format!("it cannot be read: {error}"));
        return Ok(report);
    }
    for path in containers.union(&conversions) {
        if !expected.contains(path) {
            report.find(path, Kind::Format, "messages are said to be in it, but it is not listed");
        }
    }
    for added in opened.source.names().difference(&expected) {
        report.find(added, Kind::Added, "it is not in the manifest");
    }
    for container in containers {
        opened.check_spans(&container, &mut report)?;
    }
    let checkpoint = opened.checkpoint.as_ref();
    stamped::check(&mut opened.source, key, checkpoint, authorities, &mut report);
    Ok(report)
}

/// Checks a loose copy of one message or attachment by the bundle's proofs,
/// without reading anything else of the bundle.
pub fn verify_file(bundle: &Path, key: &Verifier, file: &Path) -> Result<Report, VerifyError> {
    let mut report = Report { key: key.to_string(), ..Report::default() };
    let (size, sha256) = File::open(file)
        .and_then(|mut file| hash(&mut file, u64::MAX))
        .map_err(|source| VerifyError::Read { path: file.to_owned(), source })?;
    let Some(mut opened) = Opened::open(bundle, key, &mut report)? else { return Ok(report) };
    let checkpoint = opened.checkpoint.as_ref();
    let parsed = manifest::read(rewound(&mut opened.manifest)?, &mut |part| match part {
        Part::Head(head) => check_head(&head, key, &mut report),
        Part::Item(item) if item.sha256 == sha256 && item.size == size => {
            let before = report.proofs;
            check_proofs(&item, checkpoint, &mut report);
            report.matches.push(Match {
                role: item.role.word(),
                records: item.proofs.iter().map(|proof| proof.record_id).collect(),
                is_proven: report.proofs > before,
                path: item.place().to_owned(),
            });
        }
        _ => {}
    });
    if let Err(error) = parsed {
        report.find(MANIFEST, Kind::Format, format!("it cannot be read: {error}"));
    } else if report.matches.is_empty() {
        let name = file.display().to_string();
        let problem = format!("no message or attachment of the bundle has its bytes ({sha256})");
        report.find(&name, Kind::Changed, problem);
    }
    Ok(report)
}

/// A bundle whose manifest is signed by the key.
struct Opened {
    source: Source,
    /// A copy of exactly the bytes that were signed.
    manifest: File,
    checkpoint: Option<Checkpoint>,
}

impl Opened {
    fn open(
        bundle: &Path,
        key: &Verifier,
        report: &mut Report,
    ) -> Result<Option<Self>, VerifyError> {
        let Some(mut source) = Source::open(bundle, report)? else { return Ok(None) };
        let Some(seal) = open_seal(&mut source, key, report) else { return Ok(None) };
        let mut copy = tempfile::tempfile().map_err(VerifyError::Spool)?;
        let hashed = source.read(MANIFEST, |reader| {
            copy_hashing(reader, seal.size.saturating_add(1), &mut |piece| copy.write_all(piece))
        });
        match hashed {
            None => report.find(MANIFEST, Kind::Missing, "it is missing"),
            Some(Err(error)) => report.find(MANIFEST, Kind::Changed, unreadable(&error)),
            Some(Ok(found)) if found != (seal.size, seal.sha256) => {
                report.find(MANIFEST, Kind::Changed, "it is not the manifest that was signed");
            }
            Some(Ok(_)) => {
                let checkpoint = open_checkpoint(&mut source, key, report);
                return Ok(Some(Self { source, manifest: copy, checkpoint }));
            }
        }
        Ok(None)
    }

    /// Checks the messages within one container, in its order.
    fn check_spans(&mut self, container: &str, report: &mut Report) -> Result<(), VerifyError> {
        let manifest = rewound(&mut self.manifest)?;
        let read = self.source.read(container, |reader| {
            let mut spans = Spans { reader, at: 0 };
            let mut number = 0_u64;
            // Read whole before: it parses.
            let _ = manifest::read(manifest, &mut |part| {
                let Part::Item(item) = part else { return };
                let is_within = item.path.as_deref() == Some(container);
                let (Some(span), true) = (item.span, is_within) else { return };
                number += 1;
                match spans.hash(span) {
                    Ok(found) if found == (item.size, item.sha256) => {}
                    Ok(_) => report.find(
                        container,
                        Kind::Changed,
                        format!("message {number} in it, at byte {}, was changed", span.offset),
                    ),
                    Err(error) => report.find(
                        container,
                        Kind::Changed,
                        format!("message {number} in it: {}", unreadable(&error)),
                    ),
                }
            });
            Ok(())
        });
        if let Some(Err(error)) = read {
            report.find(container, Kind::Changed, unreadable(&error));
        }
        Ok(())
    }
}

fn open_seal(source: &mut Source, key: &Verifier, report: &mut Report) -> Option<Seal> {
    let note = read_note(source, MANIFEST_NOTE, report)?;
    match note::open(&note, std::slice::from_ref(key)) {
        Ok(note) => {
            let seal = Seal::parse(&note.text);
            if seal.is_none() {
                report.find(MANIFEST_NOTE, Kind::Format, "it is not the seal of a manifest");
            }
            seal
        }
        Err(error) => {
            report.find(MANIFEST_NOTE, kind_of(&error), error.to_string());
            None
        }
    }
}

fn open_checkpoint(source: &mut Source, key: &Verifier, report: &mut Report) -> Option<Checkpoint> {
    if !source.names().contains(CHECKPOINT) {
        // Where the manifest lists it, it is reported as missing.
        return None;
    }
    let note = read_note(source, CHECKPOINT, report)?;
    match Checkpoint::open(&note, key) {
        Ok(checkpoint) => {
            report.log_size = Some(checkpoint.size);
            report.log_root = Some(checkpoint.root);
            Some(checkpoint)
        }
        Err(error) => {
            report.find(CHECKPOINT, Kind::Key, error.to_string());
            None
        }
    }
}

fn read_note(source: &mut Source, name: &str, report: &mut Report) -> Option<Vec<u8>> {
    match source.read_small(name, NOTE_BYTES_MAX) {
        Some(Ok(note)) => return Some(note),
        Some(Err(error)) => report.find(name, Kind::Changed, unreadable(&error)),
        None => report.find(name, Kind::Missing, "it is missing"),
    }
    None
}

fn kind_of(error: &NoteError) -> Kind {
    match error {
        NoteError::UnknownKey { .. } | NoteError::Key(_) => Kind::Key,
        NoteError::BadSignature(_) | NoteError::Malformed(_) => Kind::Changed,
    }
}

fn check_head(head: &Head, key: &Verifier, report: &mut Report) {
    report.made_at = Some(head.made_at.clone());
    if head.origin != key.name() {
        let problem = format!("it speaks of the log {}, not of {}", head.origin, key.name());
        report.find(MANIFEST, Kind::Key, problem);
    }
}

fn check_whole(source: &mut Source, path: &str, size: u64, sha256: &Digest, report: &mut Report) {
    match source.read(path, |reader| hash(reader, size.saturating_add(1))) {
        None => report.find(path, Kind::Missing, "it is missing"),
        Some(Err(error)) => report.find(path, Kind::Changed, unreadable(&error)),
        Some(Ok((found, _))) if found != size => {
            let than = if found > size { "longer" } else { "shorter" };
            report.find(path, Kind::Changed, format!("it is {than} than the {size} bytes listed"));
        }
        Some(Ok((_, found))) if found != *sha256 => {
            let problem = format!("it was changed: its SHA-256 is {found}, not {sha256}");
            report.find(path, Kind::Changed, problem);
        }
        Some(Ok(_)) if path == KEY => check_key_file(source, report),
        Some(Ok(_)) if path == EXCEPTIONS => count_exceptions(source, report),
        Some(Ok(_)) => {}
    }
}

/// The bundle's own copy of the key is a courtesy; it must not mislead.
fn check_key_file(source: &mut Source, report: &mut Report) {
    let is_same = match source.read_small(KEY, NOTE_BYTES_MAX) {
        Some(Ok(text)) => String::from_utf8_lossy(&text).trim_end() == report.key,
        _ => false,
    };
    if !is_same {
        report.find(KEY, Kind::Key, "it is not the key that the bundle was checked against");
    }
}

/// The list is as it was signed; it is read one exception at a time.
fn count_exceptions(source: &mut Source, report: &mut Report) {
    let counted = source.read(EXCEPTIONS, |reader| Ok(exceptions::count(reader)?));
    match counted {
        Some(Ok((exceptions, missing))) => {
            report.exceptions = exceptions;
            report.missing = missing;
        }
        _ => report.find(EXCEPTIONS, Kind::Format, "it is no list of exceptions"),
    }
}

fn check_proofs(item: &Item, checkpoint: Option<&Checkpoint>, report: &mut Report) {
    match item.role {
        Role::Attachment => report.attachments += 1,
        Role::Message | Role::Delivery => report.messages += 1,
    }
    let mut is_proven = false;
    for proof in &item.proofs {
        match proof::check(item, proof, checkpoint) {
            Ok(Outcome::Proven) => {
                report.proofs += 1;
                is_proven = true;
            }
            Ok(Outcome::Unpublished) => {}
            Err(problem) => {
                report.find(item.place(), Kind::Proof, problem);
                // Already worse than unproven.
                is_proven = true;
            }
        }
    }
    if item.proofs.is_empty() {
        report.find(item.place(), Kind::Proof, "it carries no proof of any delivery");
    } else if !is_proven {
        report.unproven += 1;
    }
}

/// Reads spans of a stream that only goes forward.
struct Spans<'a> {
    reader: &'a mut dyn Read,
    at: u64,
}

impl Spans<'_> {
    /// Size and hash of the unquoted bytes.
    fn hash(&mut self, span: Span) -> io::Result<(u64, Digest)> {
        let Some(skip) = span.offset.checked_sub(self.at) else {
            return Err(io::Error::other("it overlaps the one before"));
        };
        let (mut size, mut hasher) = (0, Hasher::new());
        let mut unquoter = Unquoter::default();
        let mut each = |piece: &[u8]| {
            size += piece.len() as u64;
            hasher.update(piece);
        };
        let (skipped, _) = copy_hashing(self.reader, skip, &mut |_| Ok(()))?;
        let (read, _) = copy_hashing(self.reader, span.length, &mut |piece| {
            unquoter.push(piece, &mut each);
            Ok(())
        })?;
        unquoter.finish(&mut each);
        self.at += skipped + read;
        if skipped < skip || read < span.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok((size, hasher.finish()))
    }
}

fn rewound(file: &mut File) -> Result<BufReader<&mut File>, VerifyError> {
    file.seek(SeekFrom::Start(0)).map_err(VerifyError::Spool)?;
    Ok(BufReader::new(file))
}

fn hash(reader: &mut dyn Read, bytes_max: u64) -> io::Result<(u64, Digest)> {
    copy_hashing(reader, bytes_max, &mut |_| Ok(()))
}

fn copy_hashing(
    reader: &mut dyn Read,
    bytes_max: u64,
    each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<(u64, Digest)> {
    let mut piece = vec![0; 64 << 10];
    let (mut size, mut hasher) = (0, Hasher::new());
    let mut reader = reader.take(bytes_max);
    loop {
        let read = match reader.read(&mut piece) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if read == 0 {
            return Ok((size, hasher.finish()));
        }
        size += read as u64;
        hasher.update(&piece[..read]);
        each(&piece[..read])?;
    }
}

fn unreadable(error: &io::Error) -> String {
    format!("it cannot be read: {error}")
}

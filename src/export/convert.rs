//! Messages of a bundle as PST files. They are written in a directory beside
//! the bundle, and each enters it as soon as it is whole.
//!
//! All messages are in one folder that bears the export's name, each of them
//! once. Folders by custodian would put what two of them took part in either
//! twice into the file, to be reviewed and counted twice, or into the folder of
//! one and not of the other, as if the other had not had it; a journal knows
//! no mailboxes that would decide.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::bundle::{BundleError, Outgoing, safe_name};
use super::manifest::Converted;
use super::out::Stopper;
use crate::base::hash::Digest;
use crate::base::ids::RecordId;
use crate::pst::model::Exception;
use crate::pst::split::{FILE_BYTES, FILE_BYTES_MAX, Files, Plan, Written};
use crate::pst::{ITEMS_PER_FOLDER, mime};

/// How PST files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pst {
    /// Whether each message is in the bundle byte for byte as well.
    pub with_eml: bool,
    /// A file that would grow beyond it is followed by another.
    pub file_bytes_max: u64,
    /// A folder that has so many is followed by another beside it.
    pub folder_items_max: u32,
}

impl Default for Pst {
    fn default() -> Self {
        Self { with_eml: false, file_bytes_max: FILE_BYTES, folder_items_max: ITEMS_PER_FOLDER }
    }
}

/// Smaller files would be mostly what every file has.
const FILE_BYTES_MIN: u64 = 100_000_000;
const FOLDER_ITEMS_MIN: u32 = 1000;

impl Pst {
    /// What is not said is as by default.
    pub fn new(with_eml: bool, file_bytes_max: Option<u64>, folder_items_max: Option<u32>) -> Self {
        let own = Self::default();
        Self {
            with_eml,
            file_bytes_max: file_bytes_max.unwrap_or(own.file_bytes_max),
            folder_items_max: folder_items_max.unwrap_or(own.folder_items_max),
        }
    }

    /// What is wrong with it, in words for who asked.
    pub fn check(&self) -> Result<(), String> {
        if !(FILE_BYTES_MIN..=FILE_BYTES_MAX).contains(&self.file_bytes_max) {
            let why = match self.file_bytes_max < FILE_BYTES_MIN {
                true => "smaller ones would be mostly what every file has",
                false => "Outlook warns of larger ones, and takes none over 50 GB",
            };
            return Err(format!(
                "a PST file is to have {FILE_BYTES_MIN} to {FILE_BYTES_MAX} bytes: {why}"
            ));
        }
        if !(FOLDER_ITEMS_MIN..=ITEMS_PER_FOLDER).contains(&self.folder_items_max) {
            return Err(format!(
                "a folder of a PST is to have {FOLDER_ITEMS_MIN} to {ITEMS_PER_FOLDER} messages"
            ));
        }
        Ok(())
    }
}

/// Where PST files are while the bundle at `path` is written.
pub(super) fn directory_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pst");
    PathBuf::from(name)
}

/// The name in the bundle of a PST file.
pub(super) fn name_of(file: &Path) -> String {
    format!("pst/{}", file.file_name().unwrap_or_default().to_string_lossy())
}

/// What is told of one message: mail can be made of nothing but faults.
const REASONS_MAX: usize = 1000;
const SUBJECT_CHARS_MAX: usize = 300;

pub(super) struct Converter {
    files: Files,
    directory: PathBuf,
    folder: String,
}

impl Converter {
    /// For an export called `name`; what an earlier try left is removed. A stop is
    /// heard in the middle of a message too.
    pub fn create(
        bundle: &Path,
        name: &str,
        options: &Pst,
        stopper: Stopper,
    ) -> Result<Self, BundleError> {
        let directory = directory_of(bundle);
        let failed = |source| BundleError::Write { path: directory.clone(), source };
        if directory.exists() {
            fs::remove_dir_all(&directory).map_err(failed)?;
        }
        fs::create_dir_all(&directory).map_err(failed)?;
        let plan = Plan {
            directory: directory.clone(),
            stem: stem(name),
            file_bytes: options.file_bytes_max,
            items_per_folder: options.folder_items_max,
        };
        let files = Files::create(plan, Arc::new(move || stopper.check()))?;
        Ok(Self { files, directory, folder: name.to_owned() })
    }

    /// Writes a message; where it went, and what of it could not be carried.
    pub fn add(
        &mut self,
        outgoing: &Outgoing<'_>,
        record: Option<RecordId>,
        sha256: Digest,
    ) -> Result<(Converted, Lost), BundleError> {
        let mut message = mime::message(outgoing.bytes);
        mime::add_envelope(&mut message, outgoing.recipients);
        message.record = record;
        message.sha256 = Some(sha256);
        // It is told with each reason, and may be all of a large message.
        let subject = message.subject.chars().take(SUBJECT_CHARS_MAX).collect();
        let added = self.files.add(std::slice::from_ref(&self.folder), message)?;
        let mut folder = self.folder.clone();
        let mut reasons = Vec::new();
        let mut more = 0_usize;
        for exception in added.exceptions {
            match exception {
                // Nothing is lost by it: the manifest names the folder.
                Exception::FolderRolled { written, .. }
                | Exception::FolderRenamed { written, .. } => folder = written,
                _ if reasons.len() == REASONS_MAX => more += 1,
                other => reasons.push(format!("in the PST: {other}")),
            }
        }
        if more > 0 {
            reasons.push(format!("in the PST: {more} more of this message"));
        }
        let converted = Converted { path: name_of(&added.file), folder };
        Ok((converted, Lost { subject, reasons }))
    }

    /// Files that have become whole; who takes them removes them.
    pub fn take_written(&mut self) -> Vec<Written> {
        self.files.take_written()
    }

    /// Closes the last file.
    pub fn finish(self) -> Result<(PathBuf, Vec<Written>), BundleError> {
        Ok((self.directory, self.files.finish()?))
    }
}

/// What a PST could not carry of a message.
pub(super) struct Lost {
    pub subject: String,
    pub reasons: Vec<String>,
}

/// The export's name as that of a file, on every system.
fn stem(name: &str) -> String {
    const CHARS_MAX: usize = 40;
    let stem = safe_name(&name.chars().take(CHARS_MAX).collect::<String>());
    // Windows takes these for devices, whatever the extension.
    let lower = stem.to_lowercase();
    let is_port = |prefix: &str| {
        let number = lower.strip_prefix(prefix).and_then(|rest| rest.parse::<u8>().ok());
        number.is_some_and(|number| (1..=9).contains(&number))
    };
    let is_device =
        ["con", "prn", "aux", "nul"].contains(&lower.as_str()) || is_port("com") || is_port("lpt");
    if is_device { format!("{stem}_") } else { stem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_called_as_the_export() {
        for (name, file) in [
            ("Hold of 31 March", "Hold of 31 March"),
            ("a/b: c?", "a_b_ c_"),
            ("../..", "_"),
            ("con", "con_"),
            ("LPT1", "LPT1_"),
            ("companion", "companion"),
            ("coma", "coma"),
        ] {
            assert_eq!(stem(name), file);
        }
        assert_eq!(stem(&"ü".repeat(200)), "ü".repeat(40));
    }

    /// A mail can be nothing but faults, and each of them is told with its subject.
    #[test]
    fn reasons_of_one_message_are_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let bundle = directory.path().join("a.zip");
        let mut converter =
            Converter::create(&bundle, "A", &Pst::default(), Stopper::default()).unwrap();
        let words: String = (0..3000).map(|number| format!("=?x{number}?q?a?= ")).collect();
        let raw = format!("Subject: {}\r\nX-A: {words}\r\n\r\n", "long ".repeat(1000));
        let outgoing = Outgoing { bytes: raw.as_bytes(), separator: b"", recipients: &[] };
        let (_, lost) = converter.add(&outgoing, None, Digest::of(raw.as_bytes())).unwrap();
        assert_eq!(lost.reasons.len(), REASONS_MAX + 1);
        assert_eq!(lost.reasons[REASONS_MAX], "in the PST: 2000 more of this message");
        assert_eq!(lost.subject.chars().count(), SUBJECT_CHARS_MAX);
    }

    #[test]
    fn sizes_that_outlook_refuses_are_refused() {
        assert_eq!(Pst::default().check(), Ok(()));
        for (file_bytes_max, why) in [(0, "smaller ones"), (FILE_BYTES_MAX + 1, "larger ones")] {
            let said = Pst { file_bytes_max, ..Pst::default() }.check().unwrap_err();
            assert!(said.contains("45000000000") && said.contains(why), "{said}");
        }
        for folder_items_max in [0, ITEMS_PER_FOLDER + 1] {
            assert!(Pst { folder_items_max, ..Pst::default() }.check().is_err());
        }
    }
}

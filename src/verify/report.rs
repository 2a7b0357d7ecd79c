//! What a check found, for people and for programs.

use std::fmt;

use serde::Serialize;

use crate::base::hash::Digest;
use crate::base::ids::RecordId;
use crate::base::limits::VERIFY_FINDINGS_MAX;
use crate::base::number::counted;
use crate::export::manifest::{
    ACCOUNT, CHECKPOINT, EXCEPTIONS, KEY, MANIFEST, MANIFEST_NOTE, README, STAMP, STAMP_PROOF,
    STAMPED,
};

/// Exit codes of the commands that check.
pub const EXIT_GOOD: u8 = 0;
/// Something does not hold; the findings name it.
pub const EXIT_BAD: u8 = 1;
/// Nothing could be checked: no such file, an unreadable key.
pub const EXIT_UNCHECKED: u8 = 2;
/// All that can be checked holds, but for some items there is no proof: the
/// log had not been published that far when the export was made.
pub const EXIT_UNPROVEN: u8 = 3;
/// All that is here holds, but messages that were asked for are not here: the
/// archive could not read them when the export was made.
pub const EXIT_INCOMPLETE: u8 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Other bytes than the manifest says.
    Changed,
    Missing,
    /// A file that the manifest does not list.
    Added,
    /// Not signed by the given key, or not by any.
    Key,
    /// The item is what the manifest says, but that does not prove.
    Proof,
    /// The bundle is not built as this format says.
    Format,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file of the bundle that it is about.
    pub file: String,
    pub kind: Kind,
    pub problem: String,
}

/// An item that was checked alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Match {
    pub path: String,
    pub role: &'static str,
    pub records: Vec<RecordId>,
    pub is_proven: bool,
}

/// That the first entries of the log were there at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StampedAt {
    pub size: u64,
    /// As the authority says.
    pub at: String,
    /// Whether it is one of the authorities that were given; none were, if not.
    pub is_trusted: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The key that it was checked against.
    pub key: String,
    pub log_size: Option<u64>,
    pub log_root: Option<Digest>,
    pub made_at: Option<String>,
    pub messages: u64,
    pub attachments: u64,
    /// Deliveries whose leaf proved.
    pub proofs: u64,
    /// Items without any proof, since the log was not published that far.
    pub unproven: u64,
    /// Messages that are here as conversions only: their bytes are not.
    pub converted: u64,
    /// What the archive says could not be exported, or not as it was.
    pub exceptions: u64,
    /// Of those, messages that are not here at all.
    pub missing: u64,
    /// The time stamp that it brings along.
    pub stamped: Option<StampedAt>,
    /// With `--file`: the items that have the file's exact bytes.
    pub matches: Vec<Match>,
    pub findings: Vec<Finding>,
    /// Findings beyond those that are listed.
    pub findings_more: u64,
}

/// Files that a bundle has once, whatever was exported.
fn is_of_bundle(file: &str) -> bool {
    [
        ACCOUNT,
        CHECKPOINT,
        EXCEPTIONS,
        KEY,
        MANIFEST,
        MANIFEST_NOTE,
        README,
        STAMP,
        STAMP_PROOF,
        STAMPED,
    ]
    .contains(&file)
}

impl Report {
    pub(super) fn find(&mut self, file: &str, kind: Kind, problem: impl Into<String>) {
        // The files that all of it hangs on come first, and are named whatever else is wrong.
        let of_bundle = self.findings.partition_point(|known| is_of_bundle(&known.file));
        let is_of_bundle = is_of_bundle(file) && of_bundle < VERIFY_FINDINGS_MAX;
        if is_of_bundle || self.findings.len() < VERIFY_FINDINGS_MAX {
            let finding = Finding { file: file.to_owned(), kind, problem: problem.into() };
            let at = if is_of_bundle { of_bundle } else { self.findings.len() };
            self.findings.insert(at, finding);
        } else {
            self.findings_more += 1;
        }
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            _ if !self.findings.is_empty() => EXIT_BAD,
            Self { missing: 1.., .. } => EXIT_INCOMPLETE,
            Self { unproven: 1.., .. } => EXIT_UNPROVEN,
            _ => EXIT_GOOD,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { file, problem, .. } in &self.findings {
            // Names come from the bundle: nothing in them may drive a terminal.
            writeln!(f, "{}: {}", printable(file), printable(problem))?;
        }
        if self.findings_more > 0 {
            writeln!(f, "and {} more", self.findings_more)?;
        }
        for found in &self.matches {
            let records: Vec<_> = found.records.iter().map(RecordId::to_string).collect();
            writeln!(
                f,
                "it is the {} {}, byte for byte, of record {}",
                found.role,
                printable(&found.path),
                records.join(", ")
            )?;
        }
        if let (Some(size), Some(root)) = (self.log_size, self.log_root) {
            writeln!(f, "log: {size} entries, root {root}")?;
        }
        if let Some(stamped) = &self.stamped {
            let whether = match stamped.is_trusted {
                true => "by an authority that you trust",
                false => "it says; whose it is, --timestamp-ca FILE checks",
            };
            writeln!(
                f,
                "time stamp: the first {} entries were there at {}, {whether}",
                stamped.size, stamped.at
            )?;
        }
        writeln!(f, "key: {}", printable(&self.key))?;
        writeln!(
            f,
            "{}, {}, {} of delivery",
            counted(self.messages, "message"),
            counted(self.attachments, "attachment"),
            counted(self.proofs, "proof")
        )?;
        if self.converted > 0 {
            writeln!(
                f,
                "{} messages are here as conversions in a PST, without their exact bytes: the PST \
                 is as the archive signed it, and the log has each message's SHA-256; that the \
                 one agrees with the other cannot be checked here",
                self.converted
            )?;
        }
        if self.exceptions > 0 {
            writeln!(f, "{} exceptions, listed in {EXCEPTIONS}", self.exceptions)?;
        }
        match self.exit_code() {
            EXIT_INCOMPLETE => writeln!(
                f,
                "INCOMPLETE: {} messages that were asked for are not here; what is here holds{}",
                self.missing,
                match self.unproven {
                    0 => String::new(),
                    some => format!(", except that {some} items carry no proof"),
                }
            ),
            EXIT_GOOD if self.converted > 0 => writeln!(f, "everything that is here holds"),
            EXIT_GOOD => writeln!(f, "everything holds"),
            EXIT_UNPROVEN => writeln!(
                f,
                "everything holds, except that {} items carry no proof: the log had not been \
                 published that far",
                self.unproven
            ),
            _ => writeln!(f, "IT DOES NOT HOLD: see above"),
        }
    }
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

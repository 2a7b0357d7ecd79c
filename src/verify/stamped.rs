//! The time stamp in a bundle: it is of a checkpoint that the log's key signed, and
//! which the bundle's own extends; and whether its authority is trusted.

use super::report::{Kind, Report, StampedAt};
use super::source::Source;
use crate::base::hash::Digest;
use crate::base::limits::{NOTE_BYTES_MAX, STAMP_BYTES_MAX};
use crate::export::manifest::{STAMP, STAMP_PROOF, STAMPED};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::note::Verifier;
use crate::ledger::stamp::{Authorities, Stamp};
use crate::ledger::tree::{PROOF_HASHES_MAX, verify_consistency};

/// A line of a proof.
const LINE_BYTES: usize = 65;

pub(super) fn check(
    source: &mut Source,
    key: &Verifier,
    checkpoint: Option<&Checkpoint>,
    authorities: Option<&Authorities>,
    report: &mut Report,
) {
    let has_any = [STAMPED, STAMP, STAMP_PROOF].iter().any(|it| source.names().contains(*it));
    if !has_any {
        return;
    }
    match found(source, key, checkpoint, authorities) {
        Ok(stamped) => report.stamped = Some(stamped),
        Err((file, kind, problem)) => report.find(file, kind, problem),
    }
}

type Wrong = (&'static str, Kind, String);

fn found(
    source: &mut Source,
    key: &Verifier,
    checkpoint: Option<&Checkpoint>,
    authorities: Option<&Authorities>,
) -> Result<StampedAt, Wrong> {
    let mut read = |name, bytes_max| match source.read_small(name, bytes_max) {
        Some(Ok(bytes)) => Ok(bytes),
        Some(Err(error)) => Err((name, Kind::Changed, format!("it cannot be read: {error}"))),
        None => Err((name, Kind::Missing, "it is missing".to_owned())),
    };
    let note = read(STAMPED, NOTE_BYTES_MAX)?;
    let answer = read(STAMP, STAMP_BYTES_MAX)?;
    let proof = read(STAMP_PROOF, LINE_BYTES * PROOF_HASHES_MAX)?;
    let changed = |name, error: &dyn std::fmt::Display| (name, Kind::Changed, error.to_string());
    let kept =
        Checkpoint::open(&note, key).map_err(|error| (STAMPED, Kind::Key, error.to_string()))?;
    let stamp = Stamp::read(&answer).map_err(|error| changed(STAMP, &error))?;
    stamp.is_of(&note).map_err(|error| changed(STAMP, &error))?;
    let verified = match authorities {
        Some(authorities) => stamp.verify(authorities),
        None => stamp.verify_alone(),
    };
    verified.map_err(|error| (STAMP, Kind::Key, error.to_string()))?;
    let unproved = || {
        let what = "it does not show that the bundle's checkpoint extends the stamped one";
        (STAMP_PROOF, Kind::Proof, what.to_owned())
    };
    let proof = hashes(&proof).ok_or_else(unproved)?;
    let newer = checkpoint.ok_or_else(unproved)?;
    match verify_consistency(kept.size, &kept.root, newer.size, &newer.root, &proof) {
        true => Ok(StampedAt {
            size: kept.size,
            at: stamp.at.to_string(),
            is_trusted: authorities.is_some(),
        }),
        false => Err(unproved()),
    }
}

fn hashes(text: &[u8]) -> Option<Vec<Digest>> {
    let lines = std::str::from_utf8(text).ok()?.lines();
    lines.map(|line| Some(Digest(hex::decode(line).ok()?.try_into().ok()?))).collect()
}

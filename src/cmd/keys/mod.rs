//! `muniment keys`: copies of the master key, proofs that they open, and its
//! rotation. Each is in the audit as the operator's.

mod check;
pub(super) mod copies;
pub(super) mod make;
mod restore;
mod rotate;

use std::process::ExitCode;

use serde_json::Value;

use crate::access::audit::{self, Act, Outcome};
use crate::access::{Actor, Role};
use crate::app::Archive;

/// Exit code of a check that could not be made.
const UNCHECKED: u8 = 2;

/// Said as long as a rotation lies there.
pub(super) const UNFINISHED: &str =
    "A rotation of the master key was cut off; finish it: muniment keys rotate\n";

#[derive(clap::Subcommand)]
pub enum Command {
    /// Make a recovery copy of the master key, under a passphrase.
    Recovery(make::Recovery),
    /// Make a copy of the master key that each of two or more holders can open.
    Escrow(make::Escrow),
    /// Prove that a copy opens and is the master key of the archive; without a copy,
    /// that the key file opens every key in the bucket.
    Check(check::Arguments),
    /// Write the key file anew from a copy.
    Restore(restore::Arguments),
    /// Replace the master key, beside a running server; again, to finish what was cut off.
    Rotate(rotate::Arguments),
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Recovery(arguments) => make::recovery(arguments).await?,
        Command::Escrow(arguments) => make::escrow(arguments).await?,
        Command::Check(arguments) => return Ok(check::run(arguments).await),
        Command::Restore(arguments) => restore::run(arguments).await?,
        Command::Rotate(arguments) => return rotate::run(arguments).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a row of the audit; it is durable when this returns.
pub(super) async fn record(
    archive: &Archive,
    action: &'static str,
    subject: &str,
    detail: Value,
    outcome: Outcome,
) -> anyhow::Result<()> {
    let act = Act::new(action, None, subject).with(detail);
    let operator = Actor::operator(Role::Administrator);
    audit::record(&archive.catalog, &archive.clock, &operator, &act, outcome).await?;
    Ok(())
}

//! `muniment status`: how the archive is, for whoever is at its machine. What the
//! bucket enforces is tried anew.

use serde_json::json;

use crate::app::Archive;
use crate::catalog::{delivery, statement, status};
use crate::ingest::clocks::Clocks;
use crate::ingest::log::Log;
use crate::policy::UNEXPLAINED;
use crate::retention::locks::{self, Rolling};
use crate::vault::VaultError;
use crate::vault::master::MasterKey;
use crate::worker::Pool;

use super::keys::copies::Copies;
use super::{ConfigArgument, keys, print};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let archive = Archive::open(arguments.config.load()?).await?;
    let enforcement = archive.vault.bucket().check_enforcement().await.map_err(VaultError::from)?;
    let workers = Pool::new(std::env::current_exe()?, archive.config.worker.clone());
    let trial = workers.trial().await?;
    let totals = delivery::totals(&archive.catalog).await?;
    let status::Counts { leaves, damaged, .. } = status::counts(&archive.catalog).await?;
    let unexplained = statement::count_of(&archive.catalog, UNEXPLAINED).await?;
    let bucket = archive.vault.bucket();
    let clocks = Clocks::look(bucket, &archive.catalog, &archive.clock).await?;
    let disagreement = clocks.disagreement();
    let rolling = locks::standing(&archive.catalog).await?;
    let verifier = archive.vault.log_signer().verifier().clone();
    let strangers = Log::open(bucket.clone(), verifier).await?.strangers();
    let id = archive.vault.archive();
    let (master, copies) = (archive.vault.master().await.id(), Copies::of(&archive).await?);
    let is_rotating = MasterKey::load_next(&archive.config.archive.master_key)?.is_some();
    let text = match arguments.json {
        true => {
            let status = json!({
                "archive_id": id.to_string(),
                "worm": { "enforced": enforcement.is_enforced, "text": enforcement.words },
                "deliveries": totals.deliveries,
                "bytes_received": totals.bytes_received,
                "bytes_stored": totals.bytes_stored,
                "log_size": leaves,
                "damaged_records": damaged,
                "unexplained_changes": unexplained,
                "not_checkpoints": strangers,
                "confinement": {
                    "complete": trial.open.is_empty(),
                    "text": trial.words(),
                    "user_id": trial.confinement.user_id,
                    "landlock": trial.confinement.landlock,
                    "seccomp": trial.confinement.is_filtered,
                    "open": trial.open,
                },
                "locks": {
                    "done": rolling.done,
                    "total": rolling.total,
                    "parts": rolling.parts,
                    "text": rolling.error.unwrap_or_default(),
                },
                "clocks": {
                    "agree": disagreement.is_none(),
                    "text": disagreement.unwrap_or_default(),
                    "bucket_ahead_seconds": clocks.bucket_ahead_seconds,
                    "log_ahead_seconds": clocks.log_ahead_seconds,
                },
                "keys": {
                    "master_key": master.to_string(),
                    "recovery": copies.recovery.json(),
                    "escrow": copies.escrow.json(),
                    "rotation_unfinished": is_rotating,
                },
            });
            format!("{status}\n")
        }
        false => format!(
            "archive: {id}\nwrite-once: {}\n{}\ndeliveries: {}\nbytes received: {}\n\
             bytes stored: {}\nlog: {leaves} leaves\n{}damaged records: {damaged}\n{}\
             readers of mail: {}\nclocks: {}\n{}master key: {master}\n{}{}",
            if enforcement.is_enforced { "enforced" } else { "not enforced" },
            enforcement.words,
            totals.deliveries,
            totals.bytes_received,
            totals.bytes_stored,
            unsigned(&strangers),
            changed(unexplained),
            trial.words(),
            disagreement.as_deref().unwrap_or("they agree"),
            longer(&rolling),
            copies.words(),
            if is_rotating { keys::UNFINISHED } else { "" },
        ),
    };
    print(&text)?;
    archive.catalog.close().await;
    Ok(())
}

/// What is in the place of checkpoints; nothing where that is checkpoints alone.
fn unsigned(strangers: &[String]) -> String {
    match strangers {
        [] => String::new(),
        [first, ..] => format!(
            "log: {} objects are called checkpoints and are none, as {first}; they are left out, \
             and a check names them\n",
            strangers.len()
        ),
    }
}

/// That rows were changed past the program; nothing where none was.
fn changed(times: u64) -> &'static str {
    match times {
        0 => "",
        _ => {
            "people, matters and holds: rows were changed by nobody's act; the audit names them \
             (`archive.unexplained`), and so does a check\n"
        }
    }
}

/// Locks that are to be longer; nothing where all are as they should be.
fn longer(rolling: &Rolling) -> String {
    if rolling.parts == 0 {
        return String::new();
    }
    let why = rolling.error.as_ref().map(|error| format!("; it stopped: {error}"));
    let Rolling { done, total, .. } = rolling;
    format!("longer locks: {done} of {total} objects{}\n", why.unwrap_or_default())
}

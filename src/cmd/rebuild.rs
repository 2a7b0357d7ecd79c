//! `muniment rebuild`: a lost catalog again, from the bucket and the master key.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::access::audit::{self, Act, Outcome};
use crate::access::{Actor, Role};
use crate::app::Archive;
use crate::base::crash;
use crate::base::number::counted;
use crate::catalog::{delivery, roll};
use crate::ingest::rebuild::{Rebuilt, missing, rebuild};
use crate::policy::restore::{Restored, restore};
use crate::retention::erasure;

use super::master::MasterArguments;
use super::{ConfigArgument, print};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    master: MasterArguments,
    /// With a master key that is stale, because the one that replaced it is lost with
    /// all its copies: what only that one opens is told of and left closed.
    #[arg(long)]
    newer_is_lost: bool,
    /// Print one JSON object at the end, and no progress.
    #[arg(long)]
    json: bool,
}

/// Exit code 1 where something of the log is missing or damaged: all else is there.
pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = arguments.config.load()?;
    let master = arguments.master.load(&config)?;
    let archive = Archive::open_rebuilding(config, master).await?;
    if !arguments.newer_is_lost {
        archive.vault.check_newest().await?;
    }
    let _lock = archive.lock()?;
    // The server will want it.
    if !archive.config.archive.master_key.exists() {
        archive.store_master().await?;
    }
    let mut shown = Shown::new(arguments.json);
    let (vault, catalog) = (&archive.vault, &archive.catalog);
    let mut say = |step, done, total| shown.say(step, done, total);
    let rebuilt = rebuild(vault, catalog, &mut say).await?;
    crash::point("rebuild.before_policy");
    let now = archive.clock.now();
    let restored =
        restore(vault, catalog, now, &mut |done, total| shown.say("policy", done, total)).await?;
    let erased = erasure::after_rebuild(catalog, now).await?;
    let faults = [&rebuilt.faults[..], &restored.faults, &missing(catalog).await?].concat();
    let act = Act::new("archive.rebuild", None, "the catalog, from the bucket").with(json!({
        "leaves": rebuilt.leaves,
        "segments": rebuilt.segments,
        "statements": restored.statements,
        "adopted": rebuilt.adopted,
        "erased_again": erased,
        "faults": faults.len(),
    }));
    audit::record(
        catalog,
        &archive.clock,
        &Actor::operator(Role::Administrator),
        &act,
        Outcome::Done,
    )
    .await?;
    roll::want_every_epoch(catalog, archive.clock.now()).await?;
    let deliveries = delivery::totals(catalog).await?.deliveries;
    archive.finish_rebuilding().await?;
    let text = match arguments.json {
        true => told_as_json(&rebuilt, &restored, deliveries, &faults),
        false => told(&rebuilt, &restored, deliveries, &faults),
    };
    print(&text)?;
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told_as_json(
    rebuilt: &Rebuilt,
    restored: &Restored,
    deliveries: u64,
    faults: &[String],
) -> String {
    let value = json!({
        "deliveries": deliveries,
        "log_size": rebuilt.leaves,
        "segments": rebuilt.segments,
        "adopted": rebuilt.adopted,
        "statements": restored.statements,
        "holds_applied": restored.holds_applied,
        "asked_again": restored.left_out,
        "audit_until": restored.sealed_until.map(|at| at.to_string()),
        "faults": faults,
    });
    format!("{value}\n")
}

fn told(rebuilt: &Rebuilt, restored: &Restored, deliveries: u64, faults: &[String]) -> String {
    let mut text = format!(
        "The catalog has {}, by a log of size {}, and {} of what was decided.\n",
        counted(deliveries, "record"),
        rebuilt.leaves,
        counted(restored.statements, "statement"),
    );
    match restored.sealed_until {
        Some(at) => {
            text += &format!(
                "The audit, and changes of people and matters, are whole up to {at}; what came in the \
             minute after it is not in the bucket.\n"
            )
        }
        None => text += "No seal of people, matters and audit is in the bucket: add people anew.\n",
    }
    if rebuilt.adopted > 0 {
        let count = counted(rebuilt.adopted, "record");
        text += &format!("{count} had no entry in the published log yet, and have one now.\n");
    }
    if restored.holds_applied > 0 {
        let count = counted(restored.holds_applied, "hold");
        text += &format!("{count} had been placed and not published yet; applied.\n");
    }
    if restored.left_out > 0 {
        let count = counted(restored.left_out, "act");
        text += &format!("{count} had not been published and must be asked for again.\n");
    }
    for fault in faults {
        text += &format!("fault: {fault}\n");
    }
    text + "Start the archive now; it indexes the mail again by itself.\n"
}

/// Progress on standard error, about once a second.
pub(super) struct Shown {
    is_quiet: bool,
    step: &'static str,
    begun: Instant,
    last: Option<Instant>,
}

impl Shown {
    pub(super) fn new(is_quiet: bool) -> Self {
        Self { is_quiet, step: "", begun: Instant::now(), last: None }
    }

    pub(super) fn say(&mut self, step: &'static str, done: u64, total: u64) {
        let now = Instant::now();
        if self.step != step {
            (self.step, self.begun, self.last) = (step, now, None);
        }
        let is_due = self.last.is_none_or(|last| now - last >= Duration::from_secs(1));
        if self.is_quiet || !(is_due || done == total) {
            return;
        }
        self.last = Some(now);
        let spent = now - self.begun;
        let left = match done {
            0 => String::new(),
            _ if done == total => String::new(),
            _ if total < done => String::new(),
            _ => {
                let left = spent.as_secs_f64() / done as f64 * (total - done) as f64;
                format!(", about {} left", time(left as u64))
            }
        };
        match total {
            0 => eprintln!("{step}: {done}"),
            _ => eprintln!("{step}: {done} of {total}{left}"),
        }
    }
}

fn time(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

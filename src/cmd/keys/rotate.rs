//! `muniment keys rotate`: a new master key, beside a running server. The steps and
//! what a crash leaves are in `vault/rotation.rs`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::access::audit::{self, Act, Outcome};
use crate::access::{Actor, Role};
use crate::app::Archive;
use crate::base::crash;
use crate::vault::master::{MasterId, MasterKey};
use crate::vault::rotation::Epoch;

use super::copies::{Copies, is_of, rows};
use super::record;
use crate::cmd::{ConfigArgument, print};

const ACTION: &str = "keys.rotate";
const SUBJECT: &str = "the master key";

/// Exit code 1 where a key in the bucket opened with no master that is here; all
/// others are under the new one.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Replace a master key that is stale, because the one that replaced it is lost
    /// with all its copies. What only that one opens stays closed.
    #[arg(long)]
    newer_is_lost: bool,
    /// Print one JSON object at the end.
    #[arg(long)]
    json: bool,
}

struct Rotated {
    from: Option<MasterId>,
    to: MasterId,
    /// Where the old key is.
    kept: Option<PathBuf>,
    epochs: usize,
    closed: Vec<Epoch>,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = arguments.config.load()?;
    let path = config.archive.master_key.clone();
    let _lock = lock(&path)?;
    let master = MasterKey::load(&path)?;
    let current = master.id();
    let archive = Archive::open_with(config, master).await?;
    if !arguments.newer_is_lost {
        archive.vault.check_newest().await?;
    }
    let waiting = MasterKey::load_next(&path)?;
    let rotated = match waiting.is_none() && is_unrecorded(&archive, current).await? {
        // Killed between the switch and its record.
        true => Rotated {
            from: None,
            to: current,
            kept: None,
            epochs: archive.vault.epochs().await?.len(),
            closed: Vec::new(),
        },
        false => rotate(&archive, &path, current, waiting).await?,
    };
    let outcome = if rotated.closed.is_empty() { Outcome::Done } else { Outcome::Failed };
    record(&archive, ACTION, SUBJECT, detail(&rotated), outcome).await?;
    tell(&arguments, &archive, &rotated).await?;
    archive.catalog.close().await;
    Ok(if rotated.closed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Keeps a second rotation on this machine away.
fn lock(path: &Path) -> anyhow::Result<File> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let file = File::open(directory)
        .with_context(|| format!("cannot open the directory of keys {}", directory.display()))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .context("another process is rotating the master key; let it end")?;
    Ok(file)
}

/// Whether the last rotation was to the key in use, and its end is not recorded.
async fn is_unrecorded(archive: &Archive, current: MasterId) -> anyhow::Result<bool> {
    let last = rows(archive, ACTION, 1).await?.into_iter().next();
    Ok(last.is_some_and(|row| {
        row.outcome == Outcome::Begun.as_str() && is_of(&row, "to", &current.to_string())
    }))
}

async fn rotate(
    archive: &Archive,
    path: &Path,
    current: MasterId,
    waiting: Option<MasterKey>,
) -> anyhow::Result<Rotated> {
    let is_resumed = waiting.is_some();
    let next = match waiting {
        Some(next) => next,
        None => {
            let next = MasterKey::generate();
            next.store_next(path)?;
            next
        }
    };
    crash::point("rotate.after_file");
    let to = next.id();
    eprintln!(
        "{} from master key {current} to {to}",
        if is_resumed { "going on" } else { "begun" }
    );
    let act = Act::new(ACTION, None, SUBJECT).with(json!({
        "from": current.to_string(), "to": to.to_string(), "resumed": is_resumed,
    }));
    let operator = Actor::operator(Role::Administrator);
    audit::record(&archive.catalog, &archive.clock, &operator, &act, Outcome::Begun).await?;
    archive.vault.announce(&next).await?;
    crash::point("rotate.after_announced");
    let epochs = archive.vault.epochs().await?;
    let mut closed = Vec::new();
    for (done, epoch) in epochs.iter().enumerate() {
        if !archive.vault.rewrap(epoch).await? {
            closed.push(epoch.clone());
        }
        eprintln!("epoch {} of {}: {} {}", done + 1, epochs.len(), epoch.class, epoch.month);
        crash::point("rotate.after_epoch");
    }
    // What opens with the old key is under the new one, so the old can go.
    let kept = MasterKey::load(path)?.give_way(path)?;
    crash::point("rotate.after_switch");
    Ok(Rotated { from: Some(current), to, kept: Some(kept), epochs: epochs.len(), closed })
}

fn detail(rotated: &Rotated) -> Value {
    let closed: Vec<String> =
        rotated.closed.iter().map(|epoch| format!("{} {}", epoch.class, epoch.month)).collect();
    json!({
        "from": rotated.from.map(|id| id.to_string()),
        "to": rotated.to.to_string(),
        "epochs": rotated.epochs,
        "closed": closed,
    })
}

async fn tell(arguments: &Arguments, archive: &Archive, rotated: &Rotated) -> anyhow::Result<()> {
    let copies = Copies::of(archive).await?;
    if arguments.json {
        let mut told = detail(rotated);
        told["kept"] = json!(rotated.kept.as_ref().map(|path| path.display().to_string()));
        told["recovery"] = copies.recovery.json();
        told["escrow"] = copies.escrow.json();
        print(&format!("{told}\n"))?;
        return Ok(());
    }
    let mut text = format!("master key: {}\nepochs: {}\n", rotated.to, rotated.epochs);
    match &rotated.kept {
        Some(kept) => {
            text += &format!(
                "old key: {}\n\nWith the old key and the bucket everything from before still opens. \
                 Move it off this machine,\nor destroy it. On other machines of this archive, put \
                 the new key file in place.\n",
                kept.display()
            )
        }
        None => text += "\nThe rotation had been done; its record was missing, and is written.\n",
    }
    for epoch in &rotated.closed {
        text += &format!(
            "fault: the key of {} {} opens with no key that is here, nor did it before\n",
            epoch.class, epoch.month
        );
    }
    print(&(text + &copies.mend().unwrap_or_default()))?;
    Ok(())
}

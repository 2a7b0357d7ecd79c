//! `muniment keys check`: that a copy of the master key opens and is the archive's,
//! or that the key file opens every key in the bucket.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::json;

use crate::access::audit::Outcome;
use crate::app::{AppError, Archive};
use crate::base::number::counted;
use crate::vault::VaultError;
use crate::vault::keyring::KeyringError;
use crate::vault::master::{MasterId, MasterKey};

use super::copies::Copies;
use super::{UNCHECKED, UNFINISHED, record};
use crate::cmd::master::MasterArguments;
use crate::cmd::{ConfigArgument, print};

/// Exit codes: 0 it opens and is the master key in use; 1 it is not, or a key in the
/// bucket does not open with it; 2 it could not be tried.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    master: MasterArguments,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was found wrong, in a sentence each.
struct Checked {
    key: MasterId,
    epochs: usize,
    faults: Vec<String>,
    advice: String,
}

pub async fn run(arguments: Arguments) -> ExitCode {
    match check(&arguments).await {
        Ok(checked) if tell(&arguments, &checked).is_ok() => match checked.faults.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        },
        Ok(_) => ExitCode::from(UNCHECKED),
        Err(error) => {
            eprintln!("muniment: {error:#}");
            let is_other = error.downcast_ref().is_some_and(is_other_master);
            if is_other { ExitCode::FAILURE } else { ExitCode::from(UNCHECKED) }
        }
    }
}

fn is_other_master(error: &AppError) -> bool {
    matches!(error, AppError::Vault(VaultError::Keyring(KeyringError::WrongMaster { .. })))
}

async fn check(arguments: &Arguments) -> anyhow::Result<Checked> {
    let config = arguments.config.load()?;
    let master = arguments.master.load(&config)?;
    let (key, path) = (master.id(), config.archive.master_key.clone());
    let archive = Archive::open_with(config, master).await?;
    let mut faults = Vec::new();
    if let Err(error) = archive.vault.check_newest().await {
        faults.push(error.to_string());
    }
    let epochs = archive.vault.epochs().await?;
    for epoch in &epochs {
        if let Err(error) = archive.vault.check_epoch(epoch).await {
            faults.push(format!("the key of {} {}: {error}", epoch.class, epoch.month));
        }
    }
    let copy = arguments.master.copy().map_or("key file", |(kind, _)| kind);
    let outcome = if faults.is_empty() { Outcome::Done } else { Outcome::Failed };
    let detail = json!({ "key": key.to_string(), "copy": copy, "faults": faults.len() });
    record(&archive, "keys.check", "a copy of the master key", detail, outcome).await?;
    let mut advice = String::new();
    // A copy that is no more in use cannot say what there is of the newer one.
    if faults.is_empty() {
        advice = Copies::of(&archive).await?.words();
        if MasterKey::load_next(&path)?.is_some() {
            advice += UNFINISHED;
        }
    }
    archive.catalog.close().await;
    Ok(Checked { key, epochs: epochs.len(), faults, advice })
}

fn tell(arguments: &Arguments, checked: &Checked) -> anyhow::Result<()> {
    let Checked { key, epochs, faults, advice } = checked;
    if arguments.json {
        let told = json!({
            "master_key": key.to_string(),
            "good": faults.is_empty(),
            "epochs": epochs,
            "faults": faults,
        });
        print(&format!("{told}\n"))?;
        return Ok(());
    }
    let mut text = format!("master key: {key}\n");
    match faults.is_empty() {
        true => {
            let epochs = counted(*epochs as u64, "epoch");
            writeln!(text, "It opens, is the one in use, and opens the keys of {epochs}.")?;
        }
        false => {
            for fault in faults {
                writeln!(text, "fault: {fault}")?;
            }
        }
    }
    print(&(text + advice))?;
    Ok(())
}

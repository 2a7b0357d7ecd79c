//! `muniment verify`: checks the whole archive, each part against the others, and
//! the log against a checkpoint that was kept outside.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;

use crate::app::Archive;
use crate::base::number::{counted, grouped};
use crate::ingest::log::Log;
use crate::verify::report::{EXIT_BAD, EXIT_GOOD, EXIT_UNCHECKED};
use crate::verify::scrub::finding::Finding;
use crate::verify::scrub::since::{Since, since};
use crate::verify::scrub::{Report, last};
use crate::worker::Pool;

use super::rebuild::Shown;
use super::serve::{Signals, check_confinement};
use super::{ConfigArgument, print};

/// Exit codes: 0 all is whole; 1 something is not, and is named; 2 nothing could be
/// checked.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// A checkpoint that was kept outside: proves that the log extends it.
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// Compare the log with the kept checkpoint, and check nothing else.
    #[arg(long, requires = "since")]
    since_only: bool,
    /// Write the newest checkpoint here, to be kept outside.
    #[arg(long, value_name = "FILE")]
    checkpoint_out: Option<PathBuf>,
    /// Print what the last check found, and check nothing.
    #[arg(long, conflicts_with_all = ["since", "rate"])]
    last: bool,
    /// Read at most so many bytes of the bucket in a second.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
    /// Print the report as JSON, and no progress.
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> ExitCode {
    match check(&arguments).await {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("muniment: {error:#}");
            EXIT_UNCHECKED.into()
        }
    }
}

async fn check(arguments: &Arguments) -> anyhow::Result<u8> {
    let archive = Archive::open(arguments.config.load()?).await?;
    let verifier = archive.vault.log_signer().verifier().clone();
    let bucket = archive.vault.bucket().clone();
    let log = match Log::open(bucket, verifier).await {
        Ok(log) => Some(log),
        // What is wrong with it, the check names.
        Err(error) if error.is_corruption() && arguments.since.is_none() => None,
        Err(error) => return Err(error.into()),
    };
    let kept = match (&arguments.since, &log) {
        (Some(file), Some(log)) => Some(compare(log, file).await?),
        _ => None,
    };
    let checkpoint = log.and_then(|log| log.published()).map(|published| published.note);
    if let Some(file) = &arguments.checkpoint_out {
        let note = checkpoint.as_ref().context("nothing was published yet: no checkpoint")?;
        std::fs::write(file, note)
            .with_context(|| format!("cannot write the checkpoint to {}", file.display()))?;
    }
    let report = match (arguments.since_only, arguments.last) {
        (true, _) => None,
        (_, true) => {
            let last = last(&archive.catalog).await?;
            Some(last.context("no check has come to its end yet; run one without --last")?)
        }
        _ => Some(scrub(arguments, &archive).await?),
    };
    let is_bad = kept.as_ref().is_some_and(|kept| kept.fault.is_some())
        || report.as_ref().is_some_and(|report| report.fault_count > 0);
    print(&match arguments.json {
        true => told_as_json(report.as_ref(), kept.as_ref(), checkpoint.as_deref(), is_bad)?,
        false => told(report.as_ref(), kept.as_ref(), checkpoint.as_deref()),
    })?;
    archive.catalog.close().await;
    Ok(if is_bad { EXIT_BAD } else { EXIT_GOOD })
}

async fn compare(log: &Log, file: &Path) -> anyhow::Result<Since> {
    let note = std::fs::read(file)
        .with_context(|| format!("cannot read the checkpoint in {}", file.display()))?;
    let refused = || format!("{} is no checkpoint of this archive's log", file.display());
    since(log, &note).await?.with_context(refused)
}

async fn scrub(arguments: &Arguments, archive: &Archive) -> anyhow::Result<Report> {
    let workers = Arc::new(Pool::new(std::env::current_exe()?, archive.config.worker.clone()));
    check_confinement(&workers, archive.config.worker.confinement).await?;
    let owner = format!("verify {}", std::process::id());
    let scrubber = archive.scrubber(&owner, workers, arguments.rate);
    let mut shown = Shown::new(arguments.json);
    let mut signals = Signals::listen()?;
    let mut say = |step, done, total| shown.say(step, done, total);
    let ended = tokio::select! {
        ended = scrubber.run("operator", &mut say) => Some(ended),
        () = signals.stop() => None,
    };
    match ended {
        Some(Ok(report)) => Ok(report),
        Some(Err(error)) => {
            scrubber.release().await?;
            Err(error.into())
        }
        None => {
            scrubber.release().await?;
            anyhow::bail!("stopped; the next `muniment verify` goes on where this one was")
        }
    }
}

fn told_as_json(
    report: Option<&Report>,
    kept: Option<&Since>,
    checkpoint: Option<&str>,
    is_bad: bool,
) -> anyhow::Result<String> {
    let mut value = match report {
        Some(report) => serde_json::to_value(report)?,
        None => json!({ "faults": [], "fault_count": 0, "notes": [] }),
    };
    if let Some(Finding { .. }) = kept.and_then(|kept| kept.fault.as_ref()) {
        let fault = kept.and_then(|kept| kept.fault.as_ref());
        value["fault_count"] = json!(value["fault_count"].as_u64().unwrap_or(0) + 1);
        value["faults"].as_array_mut().context("a list of faults")?.insert(0, json!(fault));
    }
    value["result"] = json!(if is_bad { "faults" } else { "whole" });
    value["since"] = json!(kept.map(|kept| kept.size));
    value["checkpoint"] = json!(checkpoint);
    Ok(format!("{}\n", serde_json::to_string_pretty(&value)?))
}

fn told(report: Option<&Report>, kept: Option<&Since>, checkpoint: Option<&str>) -> String {
    let mut text = String::new();
    match kept {
        Some(Since { size, fault: None }) => {
            text += &format!(
                "The log extends the kept checkpoint: nothing among its first {} entries was \
                 changed, inserted or removed since.\n",
                grouped(*size)
            );
        }
        Some(Since { fault: Some(fault), .. }) => text += &line("fault", fault),
        None => {}
    }
    if let Some(report) = report {
        let counts = &report.counts;
        if let Some(ended_at) = &report.ended_at {
            text += &format!("Checked from {} to {ended_at}.\n", report.begun_at);
        }
        text += &format!(
            "Looked at: {}, {}, {}, {} of the log, {}, {}.\n{}\n",
            counted(counts.objects, "object"),
            counted(counts.segments, "segment"),
            counted(counts.deliveries, "record"),
            counted(counts.leaves, "leaf").replace("leafs", "leaves"),
            counted(counts.checkpoints, "checkpoint"),
            counted(counts.statements, "statement"),
            report.enforcement,
        );
        for fault in &report.faults {
            text += &line("fault", fault);
        }
        let more = report.fault_count - report.faults.len() as u64;
        if more > 0 {
            text += &format!("and {}\n", counted(more, "more fault"));
        }
        for note in &report.notes {
            text += &line("note", note);
        }
        text += &match report.fault_count {
            0 => "The archive is whole.\n".to_owned(),
            count => format!("The archive is not whole: {}.\n", counted(count, "fault")),
        };
    }
    if let Some(checkpoint) = checkpoint {
        text += &format!("The newest checkpoint, to be kept outside:\n\n{checkpoint}");
    }
    text
}

fn line(what: &str, finding: &Finding) -> String {
    let Finding { kind, object, detail, records, touched } = finding;
    let mut text = format!("{what}: {kind}: {object}: {detail}");
    if *touched > 0 {
        text += &format!(" (touches {}", counted(*touched, "record"));
        if !records.is_empty() && !object.contains(&records[0]) {
            text += &format!(": {}", records.join(", "));
        }
        text.push(')');
    }
    text + "\n"
}

//! `muniment classes`: the retention classes with what is in them, and the trial of
//! rules on recent deliveries. Beside a running server, or without one.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::access::{Actor, Role};
use crate::app::Archive;
use crate::base::limits::{CLASSES_TESTED, CLASSES_TESTED_MAX};
use crate::base::number::{counted, grouped};
use crate::policy::rules::Because;
use crate::retention::classes::{self, Classes, Tested, Trial};
use crate::vault::VaultError;

use super::{ConfigArgument, print};

/// What a file of rules may be.
const RULES_BYTES_MAX: u64 = 16 << 20;

#[derive(clap::Subcommand)]
pub enum Command {
    /// The classes, their periods and months, and how much mail is in them.
    List {
        #[command(flatten)]
        config: ConfigArgument,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Which class recent deliveries would have got; changes nothing.
    Test {
        #[command(flatten)]
        config: ConfigArgument,
        /// [organisation], [[class]] and [[rule]] as the configuration would have them;
        /// what the file lacks, and without one all, is as the configuration has it.
        #[arg(long, value_name = "FILE")]
        rules: Option<PathBuf>,
        /// How many of the newest deliveries are tried.
        #[arg(long, value_name = "COUNT", default_value_t = CLASSES_TESTED,
            value_parser = clap::value_parser!(u32).range(1..=i64::from(CLASSES_TESTED_MAX)))]
        last: u32,
        /// Print one JSON object, with every delivery.
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    let operator = Actor::operator(Role::Administrator);
    match command {
        Command::List { config, json } => {
            let archive = Archive::open(config.load()?).await?;
            let on = (&archive.catalog, &archive.clock);
            // As it is now, and not as a server found it.
            let bucket = archive.vault.bucket();
            let enforcement = bucket.check_enforcement().await.map_err(VaultError::from)?;
            let found = classes::list(&operator, on, &archive.config, &enforcement).await?;
            print(&match json {
                true => serde_json::to_string(&found)? + "\n",
                false => listed(&found),
            })?;
            archive.catalog.close().await;
        }
        Command::Test { config, rules, last, json } => {
            let text = rules.map(|path| read(&path)).transpose()?;
            let archive = Archive::open(config.load()?).await?;
            let on = (&archive.catalog, &archive.clock);
            let trial = Trial { rules: text.as_deref(), last };
            let tested = classes::test(&operator, on, &archive.config, &trial).await?;
            print(&match json {
                true => serde_json::to_string(&tested)? + "\n",
                false => told(&tested),
            })?;
            archive.catalog.close().await;
        }
    }
    Ok(())
}

fn read(path: &std::path::Path) -> anyhow::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(RULES_BYTES_MAX).read_to_string(&mut text))
        .with_context(|| format!("cannot read the rules in {}", path.display()))?;
    Ok(text)
}

fn listed(found: &Classes) -> String {
    let mut text = String::new();
    for class in &found.classes {
        let mut notes = Vec::new();
        notes.extend(class.is_default.then_some("for what no rule speaks of"));
        notes.extend(class.is_longest.then_some("for what is in doubt"));
        let _ = writeln!(
            text,
            "{}: {}, {}{}; {}, {} bytes received, {} stored{}{}",
            class.name,
            counted(class.years.into(), "year"),
            class.mode.word(),
            if class.is_enforced { "" } else { ", not enforced by the bucket" },
            counted(class.deliveries, "delivery"),
            grouped(class.bytes_received),
            grouped(class.bytes_stored),
            if notes.is_empty() { "" } else { "; " },
            notes.join(" and "),
        );
        for epoch in &class.epochs {
            let due = match &epoch.due_at {
                Some(at) if epoch.is_due => format!("may be destroyed since {at}"),
                Some(at) => format!("kept until {at}"),
                None => "kept".to_owned(),
            };
            let _ = writeln!(text, "  {}: {} deliveries, {due}", epoch.epoch, epoch.deliveries);
        }
    }
    if let Some(class) = found.classes.iter().find(|class| !class.is_enforced) {
        let _ = writeln!(text, "{}", class.enforcement);
    }
    let _ = writeln!(text, "{}", counted(found.rules.len() as u64, "rule"));
    text
}

fn told(tested: &Tested) -> String {
    let mut text = format!(
        "Of the newest {} deliveries {} would have got another class; what is archived stays as it \
         is.\n",
        tested.deliveries, tested.changed
    );
    for class in &tested.classes {
        let _ = writeln!(text, "{}: {} now, {} then", class.class, class.now, class.would_be);
    }
    for rule in &tested.rules {
        let _ = writeln!(text, "rule {:?} ({}): decides {}", rule.rule, rule.class, rule.decided);
    }
    for it in tested.tested.iter().filter(|it| it.class != it.would_be) {
        let rule = it.rule.as_ref().map(|rule| format!(" {rule:?}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "{} {} {}: {} -> {} ({}{rule})",
            it.record,
            it.received_at,
            it.source,
            it.class,
            it.would_be,
            because(it.because)
        );
    }
    if let Some(refusal) = &tested.refusal {
        let _ = writeln!(text, "The archive would not start with these classes: {refusal}");
    }
    text
}

fn because(because: Because) -> &'static str {
    match because {
        Because::Default => "no rule",
        Because::Source => "its source",
        Because::Rule => "rule",
        Because::Unsure => "it may be of rule",
        Because::Doubt => "something was found wrong in it",
        Because::Size => "over 8 MiB",
    }
}

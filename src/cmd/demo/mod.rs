//! `muniment demo`: an archive with mail in it, from one command.
//!
//! The first run creates the archive, sends the mail to it over SMTP and waits
//! until it is searchable; later runs reuse what is there. A first run that was
//! cut off sends the same mail again, byte for byte: the archive then holds
//! more deliveries of the same messages.

pub mod client;
pub mod company;
pub mod source;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::access::Role;
use crate::access::person::New;
use crate::app::Archive;
use crate::base::clock::{Clock, Timestamp};
use crate::base::config::Config;
use crate::base::durable;
use crate::mail::wrap::Style;

use super::{init, serve, user};

#[derive(clap::Args)]
pub struct Arguments {
    /// The archive's directory; created at the first run.
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    data: PathBuf,
    /// Mail to journal instead of a made-up company's: mbox files (also .zst),
    /// Maildirs, folders of EML.
    #[arg(value_name = "MAIL")]
    mail: Vec<PathBuf>,
    /// Messages that the made-up company writes.
    #[arg(long, value_name = "N", default_value_t = 4000)]
    messages: usize,
    /// What the made-up company is made from; the same number, the same mail.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[arg(long, value_name = "N", default_value_t = 16)]
    connections: usize,
    /// Serve HTTP here instead of where the configuration says.
    #[arg(long, value_name = "ADDRESS")]
    http: Option<SocketAddr>,
    /// Receive mail here instead of where the configuration says.
    #[arg(long, value_name = "ADDRESS")]
    smtp: Option<SocketAddr>,
}

/// What a run leaves for the next one, in `demo.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Notes {
    administrator: Login,
    legal: Login,
    /// When the made-up company's two years end.
    now: Timestamp,
    seed: u64,
    messages: usize,
    mail: Vec<PathBuf>,
    /// Deliveries acknowledged; none until all of them are.
    journaled: Option<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Login {
    name: String,
    password: String,
}

const NOTES: &str = "demo.json";

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let notes_path = arguments.data.join(NOTES);
    let (archive, mut notes) = match notes_path.exists() {
        true => reuse(&arguments, &notes_path).await?,
        false => create(&arguments, &notes_path).await?,
    };
    serve::start_log(&archive.config.log)?;
    say(&format!("start: archive in {}", arguments.data.display()));
    let (stop, stopping) = watch::channel(false);
    let running = serve::Running::start(&archive, stopping).await?;
    let outcome = tokio::select! {
        outcome = fill(&archive, &running, &arguments, &mut notes, &notes_path) => outcome,
        stopped = serve::stopped() => stopped.map(|()| false),
    };
    let outcome = match outcome {
        Ok(true) => {
            present(&running, &notes);
            serve::stopped().await
        }
        other => other.map(|_| ()),
    };
    say("stopping");
    stop.send_replace(true);
    running.finish().await;
    outcome
}

async fn create(arguments: &Arguments, path: &Path) -> anyhow::Result<(Archive, Notes)> {
    // Found before anything is made.
    if !arguments.mail.is_empty() {
        source::Mail::new(&arguments.mail, Style::default(), &|_| {})?;
    }
    let recovery = arguments.data.join("RECOVERY-KEY.txt");
    let (made, archive) = init::create(&arguments.data, &recovery).await?;
    let new = New {
        name: "legal".into(),
        display_name: "Legal".into(),
        role: Role::Legal,
        is_archive_wide: true,
    };
    let (name, password) = user::add(&archive, new).await?;
    let notes = Notes {
        administrator: Login { name: made.login, password: made.password },
        legal: Login { name, password },
        now: Clock::System.now(),
        seed: arguments.seed,
        messages: arguments.messages,
        mail: arguments.mail.clone(),
        journaled: None,
    };
    write_notes(path, &notes)?;
    Ok((adjusted(arguments, archive), notes))
}

async fn reuse(arguments: &Arguments, path: &Path) -> anyhow::Result<(Archive, Notes)> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let notes: Notes = serde_json::from_slice(&text).with_context(|| {
        format!("{} is damaged; remove {} to begin anew", path.display(), arguments.data.display())
    })?;
    if !arguments.mail.is_empty() && arguments.mail != notes.mail {
        anyhow::bail!(
            "{} holds a demonstration of other mail; give another --data (make demo DEMO_DATA=…) or remove it",
            arguments.data.display()
        );
    }
    let config = Config::load(&arguments.data.join("muniment.toml"))?;
    Ok((adjusted(arguments, Archive::open(config).await?), notes))
}

/// Applies the addresses of the command line, and keeps the log quiet: progress
/// is what this command says.
fn adjusted(arguments: &Arguments, mut archive: Archive) -> Archive {
    let mut config = Config::clone(&archive.config);
    if let Some(http) = arguments.http {
        config.http.listen = http;
    }
    if let Some(smtp) = arguments.smtp {
        config.smtp.listen = vec![smtp];
    }
    config.log.level = "warn".into();
    archive.config = config.into();
    archive
}

/// Journals the mail unless that was done, and waits until it is searchable.
async fn fill(
    archive: &Archive,
    running: &serve::Running,
    arguments: &Arguments,
    notes: &mut Notes,
    path: &Path,
) -> anyhow::Result<bool> {
    if notes.journaled.is_none() {
        journal(archive, running, arguments, notes).await?;
        write_notes(path, notes)?;
    }
    loop {
        let lag = running.progress.lag().await?;
        progress("indexed", running.progress.searchable().0 as u64, lag.behind);
        if lag.behind == 0 {
            break;
        }
        let step = running.progress.searchable().0 + (lag.behind as i64).min(500);
        let reached = running.progress.reached(crate::base::ids::DeliverySeq(step));
        anyhow::ensure!(reached.await, "indexing ended early; see the log above");
    }
    say("");
    Ok(true)
}

async fn journal(
    archive: &Archive,
    running: &serve::Running,
    arguments: &Arguments,
    notes: &mut Notes,
) -> anyhow::Result<()> {
    let to = *running.smtp.first().context("no SMTP address is configured")?;
    let source = archive.config.source.first().context("no source is configured")?;
    let style = Style {
        journal_address: source.address.clone(),
        tenant: company::TENANT.into(),
        date: company::rfc5322(notes.now),
        ..Style::default()
    };
    let trouble = |text: String| eprintln!("passed over {text}");
    let mail: Box<dyn Iterator<Item = client::Outgoing>> = if notes.mail.is_empty() {
        Box::new(company::Company::new(notes.seed, notes.now, notes.messages, style))
    } else {
        Box::new(source::Mail::new(&notes.mail, style, &trouble)?)
    };
    let shown = AtomicU64::new(0);
    let tell = |acknowledged: u64| {
        if acknowledged >= shown.load(Ordering::Relaxed) + 100 {
            shown.store(acknowledged, Ordering::Relaxed);
            progress("journaled", acknowledged, 0);
        }
    };
    let sent = client::send(mail, to, &source.address, arguments.connections, &tell).await?;
    progress("journaled", sent.acknowledged, 0);
    say("");
    if let Some(refusal) = sent.first_refusal {
        anyhow::bail!("{} deliveries were refused; the first: {refusal}", sent.refused);
    }
    notes.journaled = Some(sent.acknowledged);
    Ok(())
}

fn present(running: &serve::Running, notes: &Notes) {
    say(&format!("open:     http://{}", running.http));
    for (role, login) in [("legal", &notes.legal), ("administrator", &notes.administrator)] {
        say(&format!("login:    {}", login.name));
        say(&format!("password: {}   ({role}, for the first sign-in)", login.password));
    }
    say("Ctrl-C stops it; the next run reuses what is there.");
}

fn write_notes(path: &Path, notes: &Notes) -> anyhow::Result<()> {
    let text = serde_json::to_vec_pretty(notes)?;
    let new = path.with_extension("new");
    let written = (|| {
        // Left by a run that was cut off here.
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        durable::create(&new, &text, 0o600)?;
        std::fs::rename(&new, path)?;
        durable::sync_directory(path.parent().unwrap_or(Path::new(".")))
    })();
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// One line that is written over where a person watches.
fn progress(what: &str, done: u64, behind: u64) {
    let behind = if behind > 0 { format!(", {behind} to go") } else { String::new() };
    if std::io::stdout().is_terminal() {
        print!("\r{what}: {done}{behind}          ");
        let _ = std::io::Write::flush(&mut std::io::stdout());
    } else if done.is_multiple_of(1000) || behind.is_empty() {
        println!("{what}: {done}{behind}");
    }
}

fn say(text: &str) {
    if !text.is_empty() || std::io::stdout().is_terminal() {
        println!("{text}");
    }
}

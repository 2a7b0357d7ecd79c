//! `muniment demo`: an archive with mail in it, from one command.
//!
//! The first run creates the archive, sends the mail to it over SMTP and waits
//! until it is searchable; later runs reuse what is there. A run that was cut
//! off is gone on with: what the archive has is not sent again.

pub mod client;
pub mod company;
mod notes;
mod resume;
pub mod source;

use std::cell::Cell;
use std::io::IsTerminal as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::Context as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use crate::access::person::{self, New};
use crate::access::{Actor, Role};
use crate::app::Archive;
use crate::base::clock::Clock;
use crate::base::config::{Config, TEMPLATE};
use crate::base::ids::DeliverySeq;
use crate::catalog::delivery;
use crate::mail::wrap::Style;
use crate::vault::copy::Passphrase;

use self::notes::{Content, Login, Notes};
use self::resume::Kept;
use super::{init, print, serve, user};

const SEED: u64 = 1;
const MESSAGES: usize = 4000;

#[derive(clap::Args)]
pub struct Arguments {
    /// The archive's directory; created at the first run.
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    data: PathBuf,
    /// Mail to journal instead of a made-up company's: mbox files (also .zst),
    /// Maildirs, folders of EML.
    #[arg(value_name = "MAIL", conflicts_with_all = ["messages", "seed", "until"])]
    mail: Vec<PathBuf>,
    /// Messages that the made-up company writes [default: 4000].
    #[arg(long, value_name = "N")]
    messages: Option<usize>,
    /// What the made-up company is made from [default: 1]. The same seed, number
    /// and date give the same mail, byte for byte.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The day (UTC) before which its two years of mail end [default: today].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    until: Option<Date>,
    #[arg(long, value_name = "N", default_value_t = 16)]
    connections: usize,
    /// Serve HTTP here instead of where the configuration says.
    #[arg(long, value_name = "PORT|ADDRESS", value_parser = address)]
    http: Option<SocketAddr>,
    /// Receive mail here instead of where the configuration says.
    #[arg(long, value_name = "PORT|ADDRESS", value_parser = address)]
    smtp: Option<SocketAddr>,
}

fn day(text: &str) -> Result<Date, String> {
    let date: Option<Date> = text.parse().ok();
    date.filter(|date| (1972..9000).contains(&date.year()))
        .ok_or_else(|| "give a day as 2026-11-24".to_owned())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse().map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    port.or_else(|_| text.parse()).map_err(|_| "give a port, or as 127.0.0.1:8080".to_owned())
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    // Before anything is made, which a signal would leave half made.
    let mut signals = serve::Signals::listen()?;
    serve::own_files();
    let (archive, mut notes) = match Notes::read(&arguments.data)? {
        Some(notes) => reuse(&arguments, notes).await?,
        None => create(&arguments).await?,
    };
    serve::start_log(&archive.config.log)?;
    say(&format!("archive:  {}, of {}", arguments.data.display(), notes.content));
    let (stop, stopping) = watch::channel(false);
    let mut running = serve::Running::start(&archive, stopping).await?;
    let outcome = tokio::select! {
        outcome = fill(&archive, &running, &arguments, &mut notes) => outcome.map(|()| true),
        () = signals.stop() => Ok(false),
    };
    let outcome = match outcome {
        Ok(true) => match present(&archive, &running, &arguments, &notes).await {
            Ok(()) => running.until(&mut signals).await,
            Err(error) => Err(error),
        },
        Ok(false) => {
            say("\nstopped before all of it was searchable; the next run goes on from here");
            Ok(())
        }
        Err(error) => Err(error),
    };
    say("stopping");
    stop.send_replace(true);
    running.finish().await;
    serve::close(&archive).await;
    outcome
}

async fn create(arguments: &Arguments) -> anyhow::Result<(Archive, Notes)> {
    let data = &arguments.data;
    if data.join("muniment.toml").exists() {
        anyhow::bail!(
            "{} holds an archive and no demo.json: it is no demonstration, or the making of one \
             was cut off; remove it if nothing of yours is in it, or name another directory (make \
             demo DEMO_DATA=DIR, or --data DIR)",
            data.display()
        );
    }
    let is_used = |mut entries: std::fs::ReadDir| entries.next().is_some();
    if std::fs::read_dir(data).is_ok_and(is_used) {
        anyhow::bail!(
            "{} is not empty and holds no demonstration: name an empty directory or one that is \
             not there yet (make demo DEMO_DATA=DIR, or --data DIR)",
            data.display()
        );
    }
    // Found before anything is made.
    if !arguments.mail.is_empty() {
        source::Mail::new(&arguments.mail, Style::default(), &|_| {})?;
    }
    check_ports(&adjusted(arguments, &Config::default()))?;
    let template = TEMPLATE.replace(
        "# originator_org = \"example.com\"",
        &format!("originator_org = \"{}\"", company::TENANT),
    );
    let (passphrase, text) = Passphrase::generate();
    let recovery = data.join(init::RECOVERY);
    let (made, archive) = init::create(data, &recovery, &passphrase, &template).await?;
    say(&format!("recovery: {}, which opens with {text}", recovery.display()));
    let new = New {
        name: "legal".into(),
        display_name: "Legal".into(),
        role: Role::Legal,
        is_archive_wide: true,
    };
    let (legal, password) = user::add(&archive, new).await?;
    let logins = [(Role::Legal, legal, password), (Role::Administrator, made.login, made.password)];
    let logins =
        logins.map(|(role, name, password)| Login { role: role.to_string(), name, password });
    for login in &logins {
        // Good for every run, and not only for the first sign-in.
        let operator = Actor::operator(Role::Administrator);
        person::set_password(&operator, &archive.access(), &login.name, &login.password).await?;
    }
    let today = Clock::System.now().to_jiff().to_zoned_datetime(TimeZone::UTC).date();
    let content = match &arguments.mail[..] {
        [] => Content::Company {
            seed: arguments.seed.unwrap_or(SEED),
            messages: arguments.messages.unwrap_or(MESSAGES),
            until: arguments.until.unwrap_or(today),
        },
        paths => Content::Mail { paths: paths.to_vec(), on: today },
    };
    let notes = Notes { logins: logins.to_vec(), content, journaled: None };
    notes.write(data)?;
    let config = adjusted(arguments, &archive.config);
    Ok((Archive { config: config.into(), ..archive }, notes))
}

/// Whether they name the same files, however each is written.
fn are_same(some: &[PathBuf], others: &[PathBuf]) -> bool {
    let named = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    some.iter().map(named).eq(others.iter().map(named))
}

async fn reuse(arguments: &Arguments, notes: Notes) -> anyhow::Result<(Archive, Notes)> {
    let is_other = match &notes.content {
        Content::Company { seed, messages, until } => {
            !arguments.mail.is_empty()
                || arguments.seed.is_some_and(|wanted| wanted != *seed)
                || arguments.messages.is_some_and(|wanted| wanted != *messages)
                || arguments.until.is_some_and(|wanted| wanted != *until)
        }
        Content::Mail { paths, .. } => {
            let wants_company = arguments.seed.is_some()
                || arguments.messages.is_some()
                || arguments.until.is_some();
            wants_company || !arguments.mail.is_empty() && !are_same(&arguments.mail, paths)
        }
    };
    let data = &arguments.data;
    if is_other {
        anyhow::bail!(
            "{} holds a demonstration of {}; for another one name another directory (make demo \
             DEMO_DATA=DIR, or --data DIR), or remove {0} first",
            data.display(),
            notes.content
        );
    }
    let config = Config::load(&data.join("muniment.toml"))?;
    let archive = Archive::open(adjusted(arguments, &config)).await?;
    // A demonstration that runs has the ports too, and is what to name.
    drop(archive.lock()?);
    check_ports(&archive.config)?;
    Ok((archive, notes))
}

/// Applies the addresses of the command line, and keeps the log quiet: progress
/// is what this command says.
fn adjusted(arguments: &Arguments, config: &Config) -> Config {
    let mut config = config.clone();
    if let Some(http) = arguments.http {
        config.http.listen = http;
    }
    if let Some(smtp) = arguments.smtp {
        config.smtp.listen = vec![smtp];
    }
    config.log.level = "warn".into();
    config
}

/// Refuses a busy port in the words of this command.
fn check_ports(config: &Config) -> anyhow::Result<()> {
    let smtp = config.smtp.listen.iter().map(|address| ("SMTP", address));
    for (protocol, address) in [("HTTP", &config.http.listen)].into_iter().chain(smtp) {
        TcpListener::bind(address).with_context(|| {
            format!(
                "cannot listen for {protocol} on {address}; stop what uses that port, or give \
                 another (make demo {protocol}=PORT, or --{} PORT)",
                protocol.to_lowercase()
            )
        })?;
    }
    Ok(())
}

/// Journals the mail unless that was done, and waits until it is searchable.
async fn fill(
    archive: &Archive,
    running: &serve::Running,
    arguments: &Arguments,
    notes: &mut Notes,
) -> anyhow::Result<()> {
    if notes.journaled.is_none() {
        notes.journaled = Some(journal(archive, running, arguments, &notes.content).await?);
        notes.write(&arguments.data)?;
    }
    let last = delivery::last_seq(&archive.catalog).await?;
    loop {
        let searchable = running.progress.searchable();
        let behind = last.0.saturating_sub(searchable.0);
        progress("indexed", searchable.0 as u64, behind.max(0) as u64);
        let reached = running.progress.reached(DeliverySeq(last.0.min(searchable.0 + 500)));
        anyhow::ensure!(reached.await, "indexing ended early; see the log above");
        if behind <= 0 {
            break;
        }
    }
    let settled = running.progress.settled(last).await?;
    anyhow::ensure!(settled, "indexing ended early; see the log above");
    say("");
    Ok(())
}

/// Sends what the archive does not have; gives how many deliveries it then has.
async fn journal(
    archive: &Archive,
    running: &serve::Running,
    arguments: &Arguments,
    content: &Content,
) -> anyhow::Result<u64> {
    let to = *running.smtp.first().context("no SMTP address is configured")?;
    let source = archive.config.source.first().context("no source is configured")?;
    let trouble = |text: String| eprintln!("passed over {text}");
    let mail: Box<dyn Iterator<Item = client::Outgoing>> = match content {
        Content::Company { seed, messages, until } => {
            Box::new(company::Company::new(*seed, *until, *messages))
        }
        Content::Mail { paths, on } => {
            let style = Style {
                journal_address: source.address.clone(),
                tenant: company::TENANT.into(),
                date: company::rfc5322(company::midnight(*on)),
                ..Style::default()
            };
            Box::new(source::Mail::new(paths, style, &trouble)?)
        }
    };
    let kept = Kept::of(&archive.catalog).await?;
    if !kept.is_empty() {
        say(&format!("going on: {} deliveries are in the archive already", kept.len()));
    }
    let (shown, there) = (Cell::new(0), Cell::new(0));
    let missing = kept.missing(mail, &there);
    let tell = |acknowledged: u64| {
        let done = there.get() + acknowledged;
        if done >= shown.get() + 100 {
            shown.set(done);
            progress("journaled", done, 0);
        }
    };
    let sent = client::send(missing, to, &source.address, arguments.connections, &tell).await?;
    let done = there.get() + sent.acknowledged;
    if done != shown.get() {
        progress("journaled", done, 0);
    }
    say("");
    if let Some(refusal) = sent.first_refusal {
        eprintln!("{} deliveries were refused; the first: {refusal}", sent.refused);
    }
    anyhow::ensure!(done > 0, "no mail came into the archive; see what was passed over above");
    Ok(done)
}

/// Says how to go on: truthfully, also after somebody chose another password.
async fn present(
    archive: &Archive,
    running: &serve::Running,
    arguments: &Arguments,
    notes: &Notes,
) -> anyhow::Result<()> {
    say(&format!("open:     http://{}", running.http));
    let program = std::env::args().next().unwrap_or_else(|| "muniment".into());
    let config = arguments.data.join("muniment.toml");
    for Login { role, name, password } in &notes.logins {
        let operator = Actor::operator(Role::Administrator);
        say(&format!("login:    {name} ({role})"));
        match person::has_password(&operator, &archive.access(), name, password).await? {
            true => say(&format!("password: {password}")),
            false => say(&format!(
                "password: the one that was chosen since; for a new one: \
                 {program} user reset --config {} {name}",
                config.display()
            )),
        }
    }
    say("Ctrl-C stops it; the next run reuses what is there.");
    Ok(())
}

/// One line that is written over where a person watches.
fn progress(what: &str, done: u64, behind: u64) {
    let behind = if behind > 0 { format!(", {behind} to go") } else { String::new() };
    if std::io::stdout().is_terminal() {
        tell(&format!("\r{what}: {done}{behind}          "));
    } else if done.is_multiple_of(1000) || behind.is_empty() {
        tell(&format!("{what}: {done}{behind}\n"));
    }
}

fn say(text: &str) {
    if !text.is_empty() || std::io::stdout().is_terminal() {
        tell(&format!("{text}\n"));
    }
}

/// A demonstration goes on where nobody can read what it says.
fn tell(text: &str) {
    let _ = print(text);
}

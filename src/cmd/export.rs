//! `muniment export`: the same verbs, rights and audit as the web app, beside a
//! running server, which then does the work, or without one.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::access::Actor;
use crate::app::{AppError, Archive};
use crate::base::durable;
use crate::base::ids::{JobId, MatterId, RecordId};
use crate::base::number::counted;
use crate::catalog::job::{Lease, State};
use crate::export::bundle::Format;
use crate::export::convert::Pst;
use crate::export::request::{self, Request, Scope, Summary};
use crate::export::{Exporter, Queue, bundle_of, directory, run as exporting};
use crate::index::IndexError;
use crate::ingest::log::Log;
use crate::query::Dialect;
use crate::search::{Ask, Search};

use super::{ConfigArgument, ask, print};

/// The variable that holds the password.
const PASSWORD: &str = "MUNIMENT_PASSWORD";

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// What to export.
    #[arg(long)]
    query: String,
    #[arg(long, value_enum)]
    dialect: DialectArgument,
    #[arg(long, value_enum)]
    format: FormatArgument,
    /// The bundle to write; must not exist.
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Who exports; the password is read from MUNIMENT_PASSWORD or asked for.
    #[arg(long, value_name = "NAME")]
    user: String,
    /// The number of the matter; without it the archive-wide right is needed.
    #[arg(long, value_name = "ID")]
    matter: Option<i64>,
    /// Write each attachment as a file of its own as well.
    #[arg(long)]
    with_attachments: bool,
    /// With PST: put each message into the bundle byte for byte as well; a PST is
    /// a conversion, and cannot be compared with what was proved.
    #[arg(long)]
    with_eml: bool,
    /// With PST: the most bytes of one file, at most 45000000000 [default:
    /// 20000000000].
    #[arg(long, value_name = "BYTES")]
    pst_bytes_max: Option<u64>,
    /// With PST: the most messages of one folder [default: 50000, the most].
    #[arg(long, value_name = "COUNT")]
    pst_folder_max: Option<u32>,
    /// What the export is called.
    #[arg(long, default_value = "Export")]
    name: String,
    /// Print what was exported as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum DialectArgument {
    /// As Microsoft Purview documents it.
    Kql,
    /// As Relativity documents it.
    #[value(name = "dtsearch")]
    DtSearch,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum FormatArgument {
    Eml,
    Mbox,
    Pst,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let out = &arguments.out;
    if out.exists() {
        bail!("{} exists already; name another file with --out", out.display());
    }
    let request = request_of(&arguments)?;
    let archive = Archive::open(arguments.config.load()?).await?;
    let actor = sign_in(&archive, &arguments.user).await?;
    let queue = Queue::new(archive.catalog.clone(), archive.clock.clone());
    let job = match archive.open_index() {
        Ok(index) => {
            let search = Search::new(archive.catalog.clone(), index, archive.clock.clone());
            do_here(&archive, &actor, search, request).await?
        }
        // The server has the index open: it does the work.
        Err(AppError::Index(IndexError::Busy)) => {
            let job = request::ask(&actor, &queue, request, None).await?.row.job_id;
            wait(&archive, &actor, &queue, job).await?;
            job
        }
        Err(error) => return Err(error.into()),
    };
    let (_, summary) = request::download(&actor, &queue, job)
        .await
        .with_context(|| format!("export {job} was not made"))?;
    let made = bundle_of(&directory(&archive.config.archive.work), job);
    copy(&made, out).with_context(|| format!("cannot write {}", out.display()))?;
    tell(&arguments, &summary)
}

async fn sign_in(archive: &Archive, name: &str) -> anyhow::Result<Actor> {
    let password = match std::env::var(PASSWORD) {
        Ok(password) => password,
        Err(_) => ask::hidden(&format!("password of {name}"))?,
    };
    let access = archive.access();
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let session = access.sign_in(name, &password, here).await?.session;
    access.sign_out(&session).await?;
    if session.must_change {
        bail!("sign in to the web app as {name} and choose a password first");
    }
    Ok(session.actor)
}

fn request_of(arguments: &Arguments) -> anyhow::Result<Request> {
    let matter_id = arguments.matter.map(MatterId);
    let dialect = match arguments.dialect {
        DialectArgument::Kql => Dialect::Kql,
        DialectArgument::DtSearch => Dialect::DtSearch,
    };
    Ok(Request {
        matter_id,
        name: arguments.name.clone(),
        scope: Scope::Search(Ask::new(matter_id, arguments.query.clone(), dialect)),
        format: format_of(arguments)?,
        with_attachments: arguments.with_attachments,
    })
}

fn format_of(arguments: &Arguments) -> anyhow::Result<Format> {
    let Arguments { format, with_eml, pst_bytes_max, pst_folder_max, .. } = arguments;
    let is_pst = matches!(format, FormatArgument::Pst);
    let options = [
        ("--with-eml", *with_eml),
        ("--pst-bytes-max", pst_bytes_max.is_some()),
        ("--pst-folder-max", pst_folder_max.is_some()),
    ];
    if let Some((option, _)) = options.iter().find(|(_, is_given)| *is_given && !is_pst) {
        bail!("{option} is for --format pst; leave it out, or ask for a PST");
    }
    Ok(match format {
        FormatArgument::Eml => Format::Eml,
        FormatArgument::Mbox => Format::Mbox,
        FormatArgument::Pst => Format::Pst(Pst::new(*with_eml, *pst_bytes_max, *pst_folder_max)),
    })
}

/// Does the job in this process, under a name that no other has.
async fn do_here(
    archive: &Archive,
    actor: &Actor,
    search: Search,
    request: Request,
) -> anyhow::Result<JobId> {
    let vault = archive.vault.clone();
    let verifier = vault.log_signer().verifier().clone();
    let log = Log::open(vault.bucket().clone(), verifier).await?;
    let exporter = Exporter::new(vault, log, search, &archive.config.archive.work);
    let exporter = exporter.without_follower();
    let owner = format!("command {}", RecordId::generate());
    let lease = Lease::from(&owner, archive.catalog.now(&archive.clock).await?);
    let row = request::ask(actor, &exporter.queue, request, Some(&lease)).await?.row;
    let job = row.job_id;
    exporting::run(&exporter, row, &owner).await?;
    finished(&request::get(actor, &exporter.queue, job).await?)?;
    Ok(job)
}

/// Waits for the server to do the job, as long as it takes and there is one, and says
/// how far it is.
async fn wait(archive: &Archive, actor: &Actor, queue: &Queue, job: JobId) -> anyhow::Result<()> {
    const SAID_EVERY: Duration = Duration::from_secs(2);
    const DOUBTED_AFTER: Duration = Duration::from_secs(10);
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    let (mut seen, mut seen_at) = (None, Instant::now());
    let mut said_at = Instant::now();
    loop {
        ticks.tick().await;
        let export = request::get(actor, queue, job).await?;
        if finished(&export)? {
            return Ok(());
        }
        let now = Some((export.row.state, export.row.done, export.row.total));
        if now != seen {
            (seen, seen_at) = (now, Instant::now());
            if said_at.elapsed() >= SAID_EVERY && export.row.total > 0 {
                eprintln!("export {job}: {} of {}", export.row.done, export.row.total);
                said_at = Instant::now();
            }
        } else if seen_at.elapsed() >= DOUBTED_AFTER {
            // Only a server keeps the index open.
            if archive.open_index().is_ok() {
                bail!(
                    "the server ended before export {job} was made; the export goes on when it \
                     is started again, and is then on the page of exports"
                );
            }
            seen_at = Instant::now();
        }
    }
}

fn finished(export: &request::Export) -> anyhow::Result<bool> {
    match export.row.state {
        State::Queued | State::Running => Ok(false),
        State::Done => Ok(true),
        State::Cancelled => bail!("export {} was cancelled", export.row.job_id),
        State::Failed => bail!("export {} failed: {}", export.row.job_id, export.row.result),
    }
}

/// Copies the bundle; a crash leaves `out` whole or not at all, and a failure
/// nothing.
fn copy(made: &Path, out: &Path) -> std::io::Result<()> {
    let mut staged = out.as_os_str().to_owned();
    staged.push(".part");
    let staged = PathBuf::from(staged);
    let copied = std::fs::copy(made, &staged)
        .and_then(|_| std::fs::File::open(&staged)?.sync_all())
        // A link, unlike a rename, refuses to replace a file that has come since.
        .and_then(|()| std::fs::hard_link(&staged, out));
    let removed = std::fs::remove_file(&staged);
    copied?;
    removed?;
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    durable::sync_directory(parent.unwrap_or(Path::new(".")))
}

fn tell(arguments: &Arguments, summary: &Summary) -> anyhow::Result<()> {
    if arguments.json {
        print(&(serde_json::to_string_pretty(summary)? + "\n"))?;
        return Ok(());
    }
    let Summary { size, sha256, messages, attachments, exceptions, missing, unproven } = summary;
    let mut text = format!(
        "{}: {}, {}\nsize: {size}\nsha256: {sha256}\n",
        arguments.out.display(),
        counted(*messages, "message"),
        counted(*attachments, "attachment")
    );
    if *missing > 0 {
        writeln!(text, "MISSING: {missing} messages could not be read and are not in it")?;
    }
    if *exceptions > 0 {
        writeln!(text, "exceptions: {exceptions}, listed in exceptions.json of the bundle")?;
    }
    if *unproven > 0 {
        writeln!(text, "not yet published, so without proof: {unproven}")?;
    }
    print(&text)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_that_fails_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let (made, out) = (directory.path().join("made"), directory.path().join("o.zip"));
        std::fs::write(&made, b"bundle").unwrap();
        std::fs::write(&out, b"come since").unwrap();
        assert!(copy(&made, &out).is_err());
        // It opens, and no byte of it can be read: the copy was begun.
        assert!(copy(Path::new("/proc/self/mem"), &directory.path().join("p.zip")).is_err());
        let mut left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().flatten().collect();
        left.sort_by_key(|one| one.file_name());
        let left: Vec<_> = left.iter().map(|one| one.file_name()).collect();
        assert_eq!(left, ["made", "o.zip"]);
        assert_eq!(std::fs::read(&out).unwrap(), b"come since");
    }
}

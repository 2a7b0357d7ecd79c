//! `muniment serve`: every part of the archive in one process, until stopped.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use rustix::fs::Mode;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tracing_subscriber::EnvFilter;

use crate::app::{AppError, Archive, Parts, ServeLock};
use crate::base::chain::chain;
use crate::base::config::{self, Confinement};
use crate::base::port::Unbound;
use crate::hold::flags::Flags;
use crate::http;
use crate::ingest::Cause;
use crate::ingest::follow::{Follower, Progress};
use crate::ingest::publish::check_published;
use crate::jobs::Runner;
use crate::jobs::check::Checks;
use crate::jobs::clocks::Watch;
use crate::jobs::compact::Compacting;
use crate::jobs::flags::Flagging;
use crate::jobs::locks;
use crate::jobs::nodes::{self, Nodes};
use crate::jobs::outside::Outside;
use crate::jobs::retry::Retries;
use crate::policy::{Recorder, Teller};
use crate::retention::locks::Roller;
use crate::smtp::listener::Server;
use crate::vault::master::MasterKey;
use crate::vault::retention::Schedule;
use crate::worker::Pool;

use super::{ConfigArgument, keys, print};

/// What the last readers of the catalog may take to end.
const CLOSING: Duration = Duration::from_secs(5);
const NOT_PUBLISHED: &str = "the log is not published any more";

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    own_files();
    let config = arguments.config.load()?;
    start_log(&config.log)?;
    let mut signals = Signals::listen()?;
    let archive = Archive::open(config).await?;
    let (stop, stopping) = watch::channel(false);
    let mut running = Running::start(&archive, stopping).await?;
    tracing::info!(archive = %archive.vault.archive(), "serving");
    // For those who chose port 0 and wait for these lines.
    for address in &running.smtp {
        print(&format!("smtp: {address}\n"))?;
    }
    print(&format!("http: http://{}\n", running.http))?;
    let ended = running.until(&mut signals).await;
    tracing::info!("stopping");
    stop.send_replace(true);
    running.finish().await;
    close(&archive).await;
    ended
}

/// What this process writes is mail, and what tells of mail: nobody else on the machine
/// reads it, whoever made the directory.
pub(crate) fn own_files() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// So that the catalog is one file, whole, when it is copied while nothing serves.
pub(crate) async fn close(archive: &Archive) {
    if tokio::time::timeout(CLOSING, archive.catalog.close()).await.is_err() {
        tracing::warn!("the catalog is still in use; the next start finds all of it");
    }
}

/// Everything that `serve` runs, with its ports taken.
pub struct Running {
    pub smtp: Vec<SocketAddr>,
    pub http: SocketAddr,
    /// How far the index is.
    pub progress: Progress,
    tasks: JoinSet<()>,
    /// Given back last, when nothing writes any more.
    _lock: ServeLock,
}

impl Running {
    /// Takes the ports, then starts what runs behind them. Ends when
    /// `stopping` turns true.
    pub async fn start(archive: &Archive, stopping: watch::Receiver<bool>) -> anyhow::Result<Self> {
        let config = &archive.config;
        anyhow::ensure!(
            !config.source.is_empty(),
            "the configuration {}: [[source]] there is none, so no mail could be accepted; add one \
             with name, address and peers",
            config.file.display()
        );
        // First, since a second server finds the ports taken too.
        let lock = archive.lock()?;
        if MasterKey::load_next(&config.archive.master_key)?.is_some() {
            tracing::warn!("{}", keys::UNFINISHED.trim_end());
        }
        let address = config.http.listen;
        let (protocol, setting) = ("HTTP", "http.listen");
        let listener = TcpListener::bind(address).await.map_err(|error| Unbound {
            protocol,
            address,
            setting,
            error,
        })?;
        let http = listener.local_addr()?;
        let (catalog, is_known) = nodes::join(&archive.catalog, config).await?;
        let archive = &Archive { catalog: catalog.clone(), ..archive.clone() };
        let vault = &archive.vault;
        // Before anything is committed: a catalog older than the log must not grow.
        let publisher =
            check_published(catalog, vault.bucket().clone(), vault.log_signer()).await?;
        let log = publisher.log();
        let ingest = archive.start_ingest(&lock).await?;
        let server = Server::bind(config, ingest.clone(), archive.clock.clone()).await?;
        let smtp = server.addresses().to_vec();
        let workers = Arc::new(Pool::new(std::env::current_exe()?, config.worker.clone()));
        check_confinement(&workers, config.worker.confinement).await?;
        workers.check_ocr().await?;
        let index = archive.open_index()?;
        if !is_known && index.cursor() > 0 {
            index.reset("the catalog does not know this node")?;
        }
        let follower = Follower::new(
            vault.clone(),
            archive.catalog.clone(),
            archive.clock.clone(),
            index.clone(),
            workers.clone(),
            ingest.committed(),
        );
        let progress = follower.progress();
        let metrics = PrometheusBuilder::new().install_recorder()?;
        let recorder = Recorder::new(archive.catalog.clone());
        let teller = Teller::new(vault.clone(), recorder.clone(), archive.clock.clone());
        let (publishing_log, closing) = (log.clone(), ingest.clone());
        let context = archive.web(Parts {
            ingest,
            log,
            index,
            progress: progress.clone(),
            recorder,
            workers: workers.clone(),
            metrics,
        });
        let mut tasks = JoinSet::new();
        let until = stopped_by(stopping.clone());
        tasks.spawn(async move {
            // What is cut off here is done again at the next start.
            tokio::select! {
                () = follower.run() => {}
                () = until => {}
            }
        });
        tasks.spawn(server.run(stopping.clone()));
        let (all_told, told) = oneshot::channel::<()>();
        let telling = teller.run(stopped_by(stopping.clone()));
        tasks.spawn(async move {
            telling.await;
            // Dropped where it panics: an end all the same.
            let _ = all_told.send(());
        });
        // Its last leaves are published too.
        let publishing = publisher.run(async move {
            let _ = told.await;
        });
        tasks.spawn(async move {
            if let Err(error) = publishing.await {
                // Nothing more is signed until it is looked into. Deliveries go on, but
                // where they would be in no log: another catalog goes on with it.
                let why = chain(&error);
                if error.is_of_another_catalog() {
                    closing.close(Cause::Log, format!("{NOT_PUBLISHED}: {why}"));
                }
                tracing::error!(error = why, "{NOT_PUBLISHED}");
                publishing_log.stop(format!("{NOT_PUBLISHED}: {why}"));
            }
        });
        let rate = Some(config.vault.check_bytes_per_second);
        // Apart from those that read for people and the index: they wait for no check.
        let checker = Arc::new(workers.beside(1));
        let checks = Checks::new(
            archive.scrubber(archive.catalog.owner(), checker, rate),
            config.vault.check_days,
        );
        tasks.spawn(checks.run(stopped_by(stopping.clone())));
        let schedule = Arc::new(Schedule::new(&config.class));
        let (catalog, clock) = (archive.catalog.clone(), archive.clock.clone());
        if let Some(flags) = Flags::of(catalog, clock, vault.bucket(), schedule).await? {
            tasks.spawn(Flagging::new(flags).run(stopped_by(stopping.clone())));
        }
        let compacting = Compacting::new(context.retention.clone());
        tasks.spawn(compacting.run(stopped_by(stopping.clone())));
        let (bucket, catalog) = (vault.bucket().clone(), archive.catalog.clone());
        let watch = Watch::new(bucket, catalog, archive.clock.clone());
        tasks.spawn(watch.run(stopped_by(stopping.clone())));
        let (bucket, catalog) = (vault.bucket().clone(), archive.catalog.clone());
        let roller = Roller::new(bucket, catalog, archive.clock.clone());
        tasks.spawn(locks::run(roller, stopped_by(stopping.clone())));
        let outside = Outside::new(
            archive.catalog.clone(),
            archive.clock.clone(),
            (vault.bucket().clone(), context.review.log.clone()),
            config,
        );
        tasks.spawn(outside.run(stopped_by(stopping.clone())));
        let on = (vault.clone(), archive.catalog.clone(), context.ingest.clone());
        let nodes = Nodes::new(on, context.retention.clone());
        tasks.spawn(nodes.run(stopped_by(stopping.clone())));
        let jobs = Runner::of_server(context.exports.clone(), context.retention.clone());
        tasks.spawn(jobs.run(stopped_by(stopping.clone())));
        let retries = Retries::new(context.review.clone(), progress.clone());
        tasks.spawn(retries.run(stopped_by(stopping.clone())));
        let until = stopped_by(stopping);
        tasks.spawn(async move {
            if let Err(error) = http::serve(listener, context, until).await {
                tracing::error!(%error, "the web server ended");
            }
        });
        Ok(Self { smtp, http, progress, tasks, _lock: lock })
    }

    /// Waits for a signal to stop, or for a part that ended by a fault in this
    /// program: better no server, which is seen and started again, than one that
    /// seems to be well.
    pub(crate) async fn until(&mut self, signals: &mut Signals) -> anyhow::Result<()> {
        tokio::select! {
            () = signals.stop() => Ok(()),
            ended = self.broken() => Err(ended),
        }
    }

    async fn broken(&mut self) -> anyhow::Error {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                return anyhow::Error::from(error)
                    .context("a part of the server ended by a fault; start it again");
            }
        }
        std::future::pending().await
    }

    /// Waits until every part has ended.
    pub async fn finish(mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a part of the server ended badly");
            }
        }
    }
}

async fn stopped_by(mut stopping: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop too.
    let _ = stopping.wait_for(|stop| *stop).await;
}

pub(crate) fn start_log(log: &config::Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.level)?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        // What nobody can read (a full disk, a reader that is gone) is dropped;
        // told of on the same stream, it would be a panic of whoever logged.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    match log.json {
        true => subscriber.json().init(),
        false => subscriber.init(),
    }
    Ok(())
}

/// What asks the process to stop. Nothing that comes after [`Signals::listen`] is
/// missed, whenever it is asked for.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn listen() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Returns when one has come; cancelled, it loses none.
    pub(crate) async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Whether the processes that read mail can do nothing else.
pub(super) async fn check_confinement(workers: &Pool, wanted: Confinement) -> anyhow::Result<()> {
    let trial = workers.trial().await?;
    match wanted {
        _ if trial.open.is_empty() => tracing::info!("mail is read by {}", trial.words()),
        Confinement::Required => return Err(AppError::NotConfined(trial.words()).into()),
        Confinement::Optional => tracing::warn!("mail is read by {}", trial.words()),
    }
    Ok(())
}

//! Exports: what was asked, the frozen list of it, and the bundle with its
//! manifest and proofs. `request` is what people ask for, `run` does it as a
//! job, `collect` opens records, `bundle` writes (`out` the zip, `convert` the
//! PST files); `verify` checks the outcome.

mod account;
pub mod bundle;
mod collect;
pub mod convert;
mod frozen;
pub mod manifest;
mod out;
pub mod purge;
pub mod request;
pub mod run;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::access::{AccessError, Refused};
use crate::base::clock::Clock;
use crate::base::ids::JobId;
use crate::catalog::{Catalog, CatalogError};
use crate::hold::HoldError;
use crate::ingest::log::{Log, LogError};
use crate::matter::MatterError;
use crate::search::{Search, SearchError};
use crate::vault::{Vault, VaultError};

/// The kind of job that this room does.
pub const KIND: &str = "export";

/// Long enough for a publisher that looks once a second, on a slow bucket.
const PUBLISH_PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Bundle(#[from] bundle::BundleError),
    #[error("{operation} {path}; check the space and the rights there")]
    File { operation: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the export cannot be read: {0}")]
    Request(#[from] serde_json::Error),
    #[error("the person who asked for the export may not sign in any more")]
    Person(#[source] AccessError),
    #[error(
        "{0} deliveries cannot be searched yet, so the export would not be complete; start \
         `muniment serve`, and export beside it"
    )]
    Behind(u64),
    /// Someone asked for it to stop.
    #[error(
        "the server ended {starts} times while it made this export, which is not begun again; its \
         log says how it ended"
    )]
    Ending { starts: u64 },
    #[error("the export was cancelled")]
    Cancelled,
    /// The lease ran out and another took the job.
    #[error("the export is another's job by now")]
    Lost,
    #[error("the export stopped before its end")]
    Stopped,
}

impl From<MatterError> for ExportError {
    fn from(error: MatterError) -> Self {
        match error {
            MatterError::Refused(refused) => Self::Refused(refused),
            MatterError::Catalog(error) => Self::Catalog(error),
        }
    }
}

impl From<HoldError> for ExportError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Refused(refused) => Self::Refused(refused),
            HoldError::Catalog(error) => Self::Catalog(error),
        }
    }
}

/// Where exports are asked for; another process may do them. Cloning shares it.
#[derive(Clone)]
pub struct Queue {
    pub catalog: Catalog,
    pub clock: Clock,
    /// Rung when a job was queued.
    rung: Arc<Notify>,
}

impl Queue {
    pub fn new(catalog: Catalog, clock: Clock) -> Self {
        Self { catalog, clock, rung: Arc::default() }
    }

    /// Waits until a job was queued in this process.
    pub async fn rung(&self) {
        self.rung.notified().await;
    }
}

/// What doing an export works with. Cloning shares it.
#[derive(Clone)]
pub struct Exporter {
    pub queue: Queue,
    pub catalog: Catalog,
    pub clock: Clock,
    pub vault: Vault,
    pub log: Log,
    pub search: Search,
    /// Whether this process also indexes what comes.
    is_followed: bool,
    /// How long an export waits for the log to be published up to its start.
    pub patience: Duration,
    /// Bundles lie here by their job's number.
    directory: PathBuf,
}

impl Exporter {
    /// `work` is the configured directory for what can be made again.
    pub fn new(vault: Vault, log: Log, search: Search, work: &Path) -> Self {
        let is_followed = true;
        let (catalog, clock) = (search.catalog.clone(), search.clock.clone());
        let queue = Queue::new(catalog.clone(), clock.clone());
        let (patience, directory) = (PUBLISH_PATIENCE, directory(work));
        Self { queue, catalog, clock, vault, log, search, is_followed, patience, directory }
    }

    /// For a process that does not index: what is not indexed stays so.
    pub fn without_follower(self) -> Self {
        Self { is_followed: false, ..self }
    }

    /// Where the bundle of a job is when it is done.
    pub fn path(&self, job: JobId) -> PathBuf {
        bundle_of(&self.directory, job)
    }
}

/// Where bundles are, below the configured directory for work.
pub fn directory(work: &Path) -> PathBuf {
    work.join("exports")
}

/// The list of the sets that a job exports, in that directory.
fn list_of(directory: &Path, job: JobId) -> PathBuf {
    directory.join(format!("{job}.list"))
}

/// The bundle of a job in that directory.
pub fn bundle_of(directory: &Path, job: JobId) -> PathBuf {
    directory.join(format!("{job}.zip"))
}

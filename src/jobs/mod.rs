//! Durable work: takes jobs from the catalog one by one and maps each kind to
//! the verb that does it. What a job does is the verb's business.

pub mod check;
pub mod clocks;
pub mod compact;
pub mod flags;
pub mod locks;
pub mod nodes;
pub mod outside;
pub mod retry;
mod rounds;

use std::future::Future;
use std::time::Duration;

use self::rounds::Rounds;
use crate::base::chain::chain;
use crate::catalog::CatalogError;
use crate::catalog::job::{self, Kinds};
use crate::export::{self, ExportError, Exporter, run};
use crate::retention::{self, Retention, RetentionError, erase, erasure};
use crate::review::retry as retry_kind;

/// How often the catalog is asked for jobs that others queued.
const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Retention(#[from] RetentionError),
}

/// Works through the jobs of the archive.
pub struct Runner {
    exporter: Exporter,
    retention: Retention,
    /// # Invariant
    /// No other living process works under this name.
    owner: String,
}

impl Runner {
    /// The one of a process that serves an archive. Where there is one of those, it
    /// takes back at once what it was at when it last ended.
    pub fn of_server(exporter: Exporter, retention: Retention) -> Self {
        let owner = exporter.catalog.owner().to_owned();
        Self { exporter, retention, owner }
    }

    /// Works until `stop` is ready. A job under way is dropped then, and done
    /// again by whoever takes it next.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut rounds = Rounds::new(INTERVAL, stop);
        loop {
            let rung = async {
                tokio::select! {
                    () = self.exporter.queue.rung() => {}
                    () = self.retention.rung() => {}
                }
            };
            if !rounds.next_or(rung).await {
                break;
            }
            let Some(worked) = rounds.finish(self.work()).await else { break };
            if let Err(error) = worked {
                tracing::error!(error = chain(&error), "do a job: it will be tried again");
            }
        }
        if let Err(error) = job::release(&self.exporter.catalog, &self.owner).await {
            tracing::warn!(%error, "others go on with the jobs of this process in a minute");
        }
    }

    /// Does every job that waits.
    pub async fn work(&self) -> Result<(), JobError> {
        let Exporter { catalog, clock, .. } = &self.exporter;
        loop {
            let now = catalog.now(clock).await?;
            let lease = job::Lease::from(&self.owner, now);
            let Some(row) =
                job::lease_of(catalog, Kinds::But(retry_kind::KIND), &lease, now).await?
            else {
                return Ok(());
            };
            match row.kind.as_str() {
                export::KIND => run::run(&self.exporter, row, &self.owner).await?,
                retention::KIND => retention::run::run(&self.retention, row, &self.owner).await?,
                erasure::KIND => erase::run(&self.retention, row, &self.owner).await?,
                unknown => {
                    let text = format!("this version knows no job of the kind {unknown:?}");
                    let mut tx = catalog.write().await?;
                    let end = (job::State::Failed, text.as_str());
                    job::end(&mut tx, row.job_id, &self.owner, end, clock.now()).await?;
                    catalog.commit(tx, "end a job").await?;
                }
            }
        }
    }
}

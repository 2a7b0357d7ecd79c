//! Durable work: takes jobs from the catalog one by one and maps each kind to
//! the verb that does it. What a job does is the verb's business.

pub mod check;

use std::future::Future;
use std::time::Duration;

use crate::catalog::{CatalogError, job};
use crate::export::{self, ExportError, Exporter, run};
use crate::retention::{self, Retention, RetentionError};

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
    /// The one of the process that serves an archive, of which there is one: it
    /// takes back at once what it was at when it last ended.
    pub fn of_server(exporter: Exporter, retention: Retention) -> Self {
        Self { exporter, retention, owner: "serve".to_owned() }
    }

    /// Works until `stop` is ready. A job under way is dropped then, and done
    /// again by whoever takes it next.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.exporter.queue.rung() => {}
                () = self.retention.rung() => {}
                () = &mut stop => return,
            }
            tokio::select! {
                worked = self.work() => if let Err(error) = worked {
                    tracing::error!(error = %error, "do a job: it will be tried again");
                },
                () = &mut stop => return,
            }
        }
    }

    /// Does every job that waits.
    pub async fn work(&self) -> Result<(), JobError> {
        let Exporter { catalog, clock, .. } = &self.exporter;
        loop {
            let lease = run::lease(&self.exporter, &self.owner);
            let Some(row) = job::lease(catalog, &lease, clock.now()).await? else {
                return Ok(());
            };
            match row.kind.as_str() {
                export::KIND => run::run(&self.exporter, row, &self.owner).await?,
                retention::KIND => retention::run::run(&self.retention, row, &self.owner).await?,
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

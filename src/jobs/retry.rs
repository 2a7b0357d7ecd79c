//! Jobs that read again what could not be read. They wait long for the follower, so
//! they have a runner of their own and keep no export from being made.

use std::future::Future;
use std::time::Duration;

use super::rounds::Rounds;
use crate::base::chain::chain;
use crate::catalog::job::{self, Kinds};
use crate::ingest::follow::Progress;
use crate::review::{Desk, ReviewError, retry};

const INTERVAL: Duration = Duration::from_secs(1);

pub struct Retries {
    desk: Desk,
    progress: Progress,
    /// # Invariant
    /// No other living process works under this name.
    owner: String,
}

impl Retries {
    pub fn new(desk: Desk, progress: Progress) -> Self {
        let owner = format!("{}/{}", desk.catalog.owner(), retry::KIND);
        Self { desk, progress, owner }
    }

    /// Works until `stop` is ready. A job under way is done again by whoever takes it.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut rounds = Rounds::new(INTERVAL, stop);
        while rounds.next().await {
            let Some(worked) = rounds.finish(self.work()).await else { break };
            if let Err(error) = worked {
                tracing::error!(error = chain(&error), "read again: it will be tried again");
            }
        }
        if let Err(error) = job::release(&self.desk.catalog, &self.owner).await {
            tracing::warn!(%error, "others go on with the readings of this process in a minute");
        }
    }

    async fn work(&self) -> Result<(), ReviewError> {
        let Desk { catalog, clock, .. } = &self.desk;
        loop {
            let now = catalog.now(clock).await?;
            let lease = job::Lease::from(&self.owner, now);
            let Some(row) = job::lease_of(catalog, Kinds::Only(retry::KIND), &lease, now).await?
            else {
                return Ok(());
            };
            self.desk.run_retry(&self.progress, row, &self.owner).await?;
        }
    }
}

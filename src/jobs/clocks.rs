//! Watching the clocks: what time the bucket has is asked once a minute, and who reads
//! the log is told when the clocks stop to agree, and when they do again.

use std::future::Future;
use std::time::Duration;

use super::rounds::Rounds;
use crate::base::clock::Clock;
use crate::catalog::Catalog;
use crate::ingest::clocks::Clocks;
use crate::vault::bucket::Bucket;

const INTERVAL: Duration = Duration::from_secs(60);

pub struct Watch {
    bucket: Bucket,
    catalog: Catalog,
    clock: Clock,
    has_told: bool,
}

impl Watch {
    pub fn new(bucket: Bucket, catalog: Catalog, clock: Clock) -> Self {
        Self { bucket, catalog, clock, has_told: false }
    }

    /// Runs until `stop` is ready.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut rounds = Rounds::new(INTERVAL, stop);
        while rounds.next().await {
            if rounds.finish(self.look()).await.is_none() {
                break;
            }
        }
    }

    async fn look(&mut self) {
        // One that is away is told of elsewhere.
        let _ = self.bucket.ask_time().await;
        let Ok(clocks) = Clocks::look(&self.bucket, &self.catalog, &self.clock).await else {
            return;
        };
        match clocks.disagreement() {
            Some(words) => {
                let Clocks { bucket_ahead_seconds, log_ahead_seconds } = clocks;
                tracing::error!(bucket_ahead_seconds, log_ahead_seconds, "{words}");
                self.has_told = true;
            }
            None if self.has_told => {
                tracing::info!("the clocks of this machine, the log and the bucket agree again");
                self.has_told = false;
            }
            None => {}
        }
    }
}

//! Key pages put together once an hour, beside everything else; what is of today waits
//! for tomorrow.

use std::future::Future;
use std::time::Duration;

use super::rounds::Rounds;
use crate::base::chain::chain;
use crate::catalog::lease::Turn;
use crate::retention::compact::{self, Compacted};
use crate::retention::{Retention, RetentionError};

const INTERVAL: Duration = Duration::from_secs(3600);

pub struct Compacting {
    retention: Retention,
    turn: Turn,
}

impl Compacting {
    pub fn new(retention: Retention) -> Self {
        let turn = Turn::new(retention.catalog.clone(), "compact");
        Self { retention, turn }
    }

    /// Works until `stop` is ready. What is cut off there is done by the next run.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut rounds = Rounds::new(INTERVAL, stop);
        while rounds.next().await {
            match rounds.finish(self.work()).await {
                None => break,
                Some(Ok(Compacted { pages: 0, deleted: 0, .. })) => {}
                Some(Ok(Compacted { pages, objects, deleted })) => {
                    tracing::info!(pages, objects, deleted, "key pages were put together");
                }
                Some(Err(error)) => {
                    let error = chain(&error);
                    tracing::warn!(error, "put key pages together: tried again in an hour");
                }
            }
        }
        let _ = self.turn.give_up().await;
    }

    async fn work(&mut self) -> Result<Compacted, RetentionError> {
        compact::run(&self.retention, &mut self.turn).await
    }
}

//! The flags of holds in the bucket, beside everything else: an export does not wait
//! for a million of them.

use std::future::Future;
use std::time::Duration;

use super::rounds::Rounds;
use crate::base::chain::chain;
use crate::catalog::CatalogError;
use crate::catalog::lease::{Standing, Turn};
use crate::hold::flags::{Flags, Step};

/// How often it is asked what holds were placed or released.
const INTERVAL: Duration = Duration::from_secs(2);

pub struct Flagging {
    flags: Flags,
    turn: Turn,
}

impl Flagging {
    pub fn new(flags: Flags) -> Self {
        let turn = Turn::new(flags.catalog.clone(), "flags");
        Self { flags, turn }
    }

    /// Works until `stop` is ready. What is cut off there is gone on with, by this or
    /// another node.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut rounds = Rounds::new(INTERVAL, stop);
        while rounds.next().await {
            let Some(worked) = rounds.finish(self.work()).await else { break };
            if let Err(error) = worked {
                let error = chain(&error);
                tracing::warn!(error, "flag what is held: it is tried again");
            }
        }
        let _ = self.turn.give_up().await;
    }

    async fn work(&mut self) -> Result<(), CatalogError> {
        while self.turn.take().await? != Standing::Others {
            if self.flags.step().await? == Step::Nothing {
                break;
            }
        }
        Ok(())
    }
}

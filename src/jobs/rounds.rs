//! Doing something again and again, beside everything else.

use std::future::{Future, pending};
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

/// One round at once, and then one every so often, until `stop` is ready.
pub(super) struct Rounds<S> {
    ticks: Interval,
    stop: Pin<Box<S>>,
}

impl<S: Future<Output = ()>> Rounds<S> {
    pub fn new(every: Duration, stop: S) -> Self {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, stop: Box::pin(stop) }
    }

    /// Waits for the next round; false where there is none any more.
    pub async fn next(&mut self) -> bool {
        self.next_or(pending()).await
    }

    /// The next round comes early where it is rung for.
    pub async fn next_or(&mut self, rung: impl Future<Output = ()>) -> bool {
        tokio::select! {
            _ = self.ticks.tick() => true,
            () = rung => true,
            () = &mut self.stop => false,
        }
    }

    /// What a round comes to; none where it was cut off by the stop.
    #[must_use]
    pub async fn finish<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = &mut self.stop => None,
        }
    }
}

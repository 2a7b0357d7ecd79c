//! Locks that roll on, beside everything else: looked at once an hour, and at once after
//! a start, at which a class may have been lengthened.

use std::future::Future;
use std::time::Duration;

use crate::base::chain::chain;
use crate::retention::locks::Roller;

const INTERVAL: Duration = Duration::from_secs(3600);
/// After a failure, as of a bucket that is away.
const RETRY: Duration = Duration::from_secs(60);

/// Runs until `stop` is ready. What is cut off there goes on at the next start.
pub async fn run(mut roller: Roller, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    loop {
        let worked = tokio::select! {
            worked = roller.work() => worked,
            () = &mut stop => break,
        };
        let pause = match worked {
            Ok(()) => INTERVAL,
            Err(error) => {
                tracing::warn!(error = chain(&error), "locks roll on: tried again in a minute");
                RETRY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = &mut stop => break,
        }
    }
    roller.give_up().await;
}

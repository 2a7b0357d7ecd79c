//! The second lane: what did not end in the short time of the first is read again
//! in full time, by a child of its own, one message after the other. What comes of
//! it is given to the follower, which alone writes to catalog and index.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use super::derive::Item;
use super::read::Reader;
use super::{FollowError, RETRY_AFTER, chain};
use crate::catalog::pending::{self, Waiting};
use crate::catalog::set::NewGap;

const LOOK_EVERY: Duration = Duration::from_secs(30);

/// A message that was read again.
pub struct Late {
    pub waiting: Waiting,
    /// Or why there is nothing to read.
    pub found: Result<Item, NewGap>,
}

/// Reads what waits, and gives it to `done`. Returns when nobody takes it any more.
pub async fn run(mut reader: Reader, more: Arc<Notify>, done: mpsc::Sender<Box<Late>>) {
    // A row stays until the follower has settled it: these tell what was taken.
    let mut taken = (0, 0);
    loop {
        let late = match read_next(&mut reader, taken).await {
            Ok(Some(late)) => late,
            Ok(None) => {
                // Another node may have put something in line.
                let _ = tokio::time::timeout(LOOK_EVERY, more.notified()).await;
                continue;
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "reading again waits: {}", chain(&error));
                tokio::time::sleep(RETRY_AFTER).await;
                continue;
            }
        };
        match late.waiting.set {
            None => taken.0 = late.waiting.id,
            Some(_) => taken.1 = late.waiting.id,
        }
        if done.send(late).await.is_err() {
            return;
        }
    }
}

async fn read_next(
    reader: &mut Reader,
    taken: (i64, i64),
) -> Result<Option<Box<Late>>, FollowError> {
    let Some(waiting) = pending::next(&reader.catalog, taken).await? else { return Ok(None) };
    let found = reader.again(&waiting).await?;
    Ok(Some(Box::new(Late { waiting, found })))
}

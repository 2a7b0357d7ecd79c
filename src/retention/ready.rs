//! What must be so before anything is destroyed, asked again by each job.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use tokio::time::Instant;

use super::{Retention, RetentionError, check_due, erasure};
use crate::base::clock::Timestamp;
use crate::base::ids::DeliverySeq;
use crate::base::limits::LOCKS_ASKED_AT_ONCE;
use crate::catalog::disposition::{self as rows, DispositionRow};
use crate::catalog::erasure::{self as rows_of, Carrier};
use crate::catalog::{cursor, epoch, leaf};
use crate::ingest::clocks::Clocks;
use crate::vault::bucket::{Bucket, BucketError, Place};
use crate::vault::retention::{Lock, Mode};

/// Long enough for a publisher that looks once a second, on a slow bucket.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the bucket is asked what another process published.
const ASK_AGAIN: Duration = Duration::from_secs(1);

pub(super) async fn check(
    retention: &Retention,
    row: &DispositionRow,
) -> Result<(), RetentionError> {
    let now = retention.clock.now();
    check_due(retention, &row.class, &row.epoch, now)?;
    let bucket = retention.vault.bucket();
    bucket.ask_time().await?;
    let clocks = Clocks::look(bucket, &retention.catalog, &retention.clock).await?;
    if let Some(words) = clocks.disagreement() {
        return Err(RetentionError::NotYet(words));
    }
    published(retention).await?;
    read(retention, row).await?;
    let ahead = clocks.bucket_ahead_seconds.unwrap_or_default();
    unlocked(retention, row, now.plus_seconds(ahead)).await
}

/// What must be so before a message is erased: its mail has been read, by this node's
/// index too, nothing else destroys its months, and its keys can be deleted.
pub(super) async fn check_erasure(
    retention: &Retention,
    found: &[Carrier],
) -> Result<(), RetentionError> {
    erasure::check(retention, found).await?;
    check_epochs(retention, found).await?;
    let catalog = &retention.catalog;
    let last = found.iter().map(|carrier| carrier.seq).max().map_or(0, |seq| seq.0);
    let seqs: Vec<DeliverySeq> = found.iter().map(|carrier| carrier.seq).collect();
    let read = cursor::get(catalog, cursor::DERIVE).await?;
    let is_behind = last > read || (last as u64) > retention.index.cursor();
    if is_behind || rows_of::are_being_read(catalog, &seqs).await? {
        return Err(RetentionError::NotYet(
            "the message is still being read, so what holds cover is not known; go on when it is \
             searchable"
                .into(),
        ));
    }
    let bucket = retention.vault.bucket();
    let now = retention.clock.now();
    let pages: BTreeMap<&str, &Place> =
        found.iter().map(|carrier| (carrier.page.name.as_str(), &carrier.page)).collect();
    for page in pages.into_values() {
        let lock = bucket.retention(page).await?;
        if let Some(lock) = lock.filter(|it| it.mode == Mode::Compliance && it.until > now) {
            let name = page.name.clone();
            return Err(BucketError::LockedForAll { name, lock }.into());
        }
    }
    Ok(())
}

/// A month that a disposition destroys is left to it.
pub(super) async fn check_epochs(
    retention: &Retention,
    found: &[Carrier],
) -> Result<(), RetentionError> {
    let epochs: BTreeSet<(&str, &str)> =
        found.iter().map(|it| (it.class.as_str(), it.epoch.as_str())).collect();
    for (class, epoch) in epochs {
        if rows::is_destroying(&retention.catalog, class, epoch).await? {
            return Err(RetentionError::NotYet(format!(
                "a disposition destroys {class}, {epoch}; go on when that is done"
            )));
        }
    }
    Ok(())
}

/// Everybody who looks at the log must find the approval in it first.
pub(super) async fn published(retention: &Retention) -> Result<(), RetentionError> {
    let Retention { catalog, log, .. } = retention;
    let leaves = leaf::count(catalog).await?;
    let end = Instant::now() + PATIENCE;
    while !log.wait_for(leaves, ASK_AGAIN).await {
        if Instant::now() >= end {
            return Err(RetentionError::NotYet(
                "the approval is not in the published log yet; see why the log is not published, \
                 and go on then"
                    .into(),
            ));
        }
        // Where another process publishes, it is the bucket that tells.
        log.refresh().await?;
    }
    Ok(())
}

/// Holds go by what was read of the mail.
async fn read(retention: &Retention, row: &DispositionRow) -> Result<(), RetentionError> {
    let (catalog, DispositionRow { class, epoch, .. }) = (&retention.catalog, row);
    let derived = cursor::get(catalog, cursor::DERIVE).await?;
    let last = epoch::last_delivery(catalog, class, epoch).await?;
    let is_behind = last.is_some_and(|last| last.0 > derived);
    if is_behind || epoch::is_being_read(catalog, class, epoch).await? {
        return Err(RetentionError::NotYet(
            "mail of this month is still being read, so what holds keep is not known; go on when \
             it is searchable"
                .into(),
        ));
    }
    Ok(())
}

/// The bucket may lock an object for longer than its class asks. Then all of the epoch
/// waits, rather than that half of it is gone.
async fn unlocked(
    retention: &Retention,
    row: &DispositionRow,
    now: Timestamp,
) -> Result<(), RetentionError> {
    let (catalog, DispositionRow { class, epoch, .. }) = (&retention.catalog, row);
    let bucket = retention.vault.bucket();
    let mut names = bucket.list(&format!("keyring/epoch/{class}/{epoch}")).await?;
    names.extend(epoch::condemned(catalog, class, epoch, u32::MAX).await?);
    let mut last = Locked { count: 0, last: None };
    let places = futures::stream::iter(names)
        .map(|name| async move {
            match bucket.find(&name).await {
                // Deleted, and about to be forgotten.
                Err(BucketError::Missing(_)) => Ok(None),
                found => found.map(Some),
            }
        })
        .buffered(LOCKS_ASKED_AT_ONCE);
    let places: Vec<Option<Place>> = places.try_collect().await?;
    last.add(bucket, places.into_iter().flatten().collect(), now).await?;
    let (mut after, mut places) = (None, Vec::new());
    while let Some(segment) = epoch::next_segment(catalog, class, epoch, after).await? {
        after = Some(segment.segment);
        places.extend([segment.object, segment.page]);
        if places.len() >= LOCKS_ASKED_AT_ONCE {
            last.add(bucket, std::mem::take(&mut places), now).await?;
        }
    }
    last.add(bucket, places, now).await?;
    let Some((name, lock)) = last.last else { return Ok(()) };
    let others = match last.count - 1 {
        0 => String::new(),
        1 => ", and one other object until then or before".to_owned(),
        others => format!(", and {others} other objects until then or before"),
    };
    let more = if row.result.is_some() { "nothing more" } else { "nothing" };
    Err(RetentionError::NotYet(format!(
        "the bucket locks {name} until {}{others}; {more} of {class}, {epoch}, is destroyed while \
         it does: go on then",
        lock.until
    )))
}

/// Objects that are locked, and the one that is longest.
struct Locked {
    count: u64,
    last: Option<(String, Lock)>,
}

impl Locked {
    async fn add(
        &mut self,
        bucket: &Bucket,
        places: Vec<Place>,
        now: Timestamp,
    ) -> Result<(), BucketError> {
        let asked = futures::stream::iter(places).map(|place| async move {
            bucket.retention(&place).await.map(|lock| (place.name, lock))
        });
        let found: Vec<(String, Option<Lock>)> =
            asked.buffered(LOCKS_ASKED_AT_ONCE).try_collect().await?;
        for (name, lock) in found {
            let Some(lock) = lock.filter(|lock| lock.until > now) else { continue };
            self.count += 1;
            if self.last.as_ref().is_none_or(|(_, last)| lock.until > last.until) {
                self.last = Some((name, lock));
            }
        }
        Ok(())
    }
}

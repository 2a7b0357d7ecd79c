//! The server's check of the whole archive, every so many days, beside everything
//! else: an export does not wait for it.

use std::future::Future;
use std::time::Duration;

use super::rounds::Rounds;
use crate::base::chain::chain;
use crate::base::clock::Timestamp;
use crate::catalog::{CatalogError, scrub, status};
use crate::verify::scrub::{ScrubError, Scrubber};

/// How often it is asked whether one is due.
const INTERVAL: Duration = Duration::from_secs(60);

pub struct Checks {
    scrubber: Scrubber,
    /// 0: never.
    every_days: u64,
}

impl Checks {
    pub fn new(scrubber: Scrubber, every_days: u64) -> Self {
        Self { scrubber, every_days }
    }

    /// Checks when it is due, until `stop` is ready. One that is cut off there goes
    /// on at the next start.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut rounds = Rounds::new(INTERVAL, stop);
        while rounds.next().await {
            match rounds.finish(self.check()).await {
                None => break,
                // A `muniment verify` is at it.
                Some(Ok(()) | Err(ScrubError::Busy)) => {}
                Some(Err(error)) => {
                    let error = chain(&error);
                    tracing::warn!(error, "check the archive: it goes on in a minute");
                }
            }
        }
        // Another may go on with it at once.
        let _ = self.scrubber.release().await;
    }

    async fn check(&self) -> Result<(), ScrubError> {
        if !self.is_due().await? {
            return Ok(());
        }
        let report = self.scrubber.run("system", &mut |_, _, _| ()).await?;
        match report.fault_count {
            0 => tracing::info!(objects = report.counts.objects, "the archive was checked: whole"),
            faults => tracing::error!(
                faults,
                "the check of the archive found faults; `muniment verify --last` names them"
            ),
        }
        Ok(())
    }

    /// One that was begun is; else so long after the last, or after the first mail.
    async fn is_due(&self) -> Result<bool, CatalogError> {
        let catalog = &self.scrubber.catalog;
        if self.every_days == 0 {
            return Ok(false);
        }
        if scrub::under_way(catalog).await?.is_some() {
            return Ok(true);
        }
        let last = scrub::last_ended(catalog).await?.and_then(|row| row.ended_at);
        let since = match last {
            Some(last) => Some(last),
            None => status::first_segment(catalog).await?,
        };
        let days = i64::try_from(self.every_days).unwrap_or(i64::MAX / 86_400);
        let is_over = |since: Timestamp| {
            since.plus_seconds(days.saturating_mul(86_400)) <= self.scrubber.clock.now()
        };
        Ok(since.is_some_and(is_over))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::base::clock::Clock;
    use crate::base::config;
    use crate::base::ids::SegmentId;
    use crate::catalog::Catalog;
    use crate::catalog::delivery::{self, NewSegment};
    use crate::vault::Vault;
    use crate::vault::bucket::{Bucket, Place};
    use crate::vault::master::MasterKey;
    use crate::worker::Pool;

    const DAY: i64 = 86_400;

    async fn checks(directory: &std::path::Path) -> Checks {
        std::fs::create_dir(directory.join("bucket")).unwrap();
        let bucket = Bucket::local(&directory.join("bucket")).unwrap();
        let vault = Vault::create(bucket, MasterKey::generate(), Timestamp(5)).await.unwrap();
        let catalog = Catalog::create(&directory.join("catalog.db")).await.unwrap();
        let scrubber = Scrubber {
            vault,
            catalog,
            clock: Clock::fixed(Timestamp::from_seconds(0)),
            workers: Arc::new(Pool::new("none".into(), config::Worker::default())),
            bytes_per_second: None,
            is_worm_required: false,
            stamp_authorities: None,
            owner: "serve".into(),
        };
        Checks::new(scrubber, 7)
    }

    async fn at(checks: &mut Checks, day: i64) -> bool {
        checks.scrubber.clock = Clock::fixed(Timestamp::from_seconds(day * DAY));
        checks.is_due().await.unwrap()
    }

    #[tokio::test]
    async fn it_is_due_so_long_after_the_first_mail_and_after_the_last_check() {
        let directory = tempfile::tempdir().unwrap();
        let mut checks = checks(directory.path()).await;
        assert!(!at(&mut checks, 100).await, "there is nothing to check");
        let place = |name: &str| Place { name: name.into(), version: None };
        let segment = NewSegment {
            segment: SegmentId::generate(),
            class: "standard".into(),
            epoch: "1970-01".into(),
            object: place("o"),
            page: place("p"),
            size_bytes: 1,
            sha256: crate::base::hash::Digest::of(b""),
            created_at: Timestamp::from_seconds(100 * DAY),
            deliveries: Vec::new(),
            parts: Vec::new(),
        };
        delivery::commit(&checks.scrubber.catalog, &[segment]).await.unwrap();
        assert!(!at(&mut checks, 106).await && at(&mut checks, 107).await);
        // The segment is not in the bucket, which is found.
        checks.check().await.unwrap();
        let last = scrub::last_ended(&checks.scrubber.catalog).await.unwrap().unwrap();
        assert!(last.faults > 0 && last.ended_at == Some(Timestamp::from_seconds(107 * DAY)));
        assert!(!at(&mut checks, 113).await && at(&mut checks, 114).await);
        checks.every_days = 0;
        assert!(!at(&mut checks, 1000).await, "it was switched off");
    }
}

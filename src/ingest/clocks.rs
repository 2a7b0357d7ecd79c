//! Whether this machine's clock, the log and the bucket agree on what time it is.
//!
//! Where they do not, mail is taken all the same, its receipt and its lock are by the
//! bucket's clock, and nothing is destroyed; whoever runs the archive is told.

use crate::base::clock::Clock;
use crate::base::limits::CLOCK_SKEW_SECONDS_MAX;
use crate::base::number::grouped;
use crate::catalog::{Catalog, CatalogError, status};
use crate::vault::bucket::Bucket;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// By how many seconds the bucket's clock is ahead of this machine's; none where
    /// the bucket is a directory, or has not answered yet.
    pub bucket_ahead_seconds: Option<i64>,
    /// By how many seconds the log's newest entry is later than this machine's clock.
    pub log_ahead_seconds: i64,
}

impl Clocks {
    /// By what the bucket said last.
    pub async fn look(
        bucket: &Bucket,
        catalog: &Catalog,
        clock: &Clock,
    ) -> Result<Self, CatalogError> {
        let newest = status::newest_entry(catalog).await?;
        let now = clock.now().seconds();
        let log_ahead_seconds = newest.map_or(0, |newest| newest.seconds().saturating_sub(now));
        let bucket_ahead_seconds = bucket.ahead_seconds();
        Ok(Self { bucket_ahead_seconds, log_ahead_seconds: log_ahead_seconds.max(0) })
    }

    /// What disagrees, and the mend, in one sentence; none where nothing does.
    pub fn disagreement(&self) -> Option<String> {
        let bucket = self
            .bucket_ahead_seconds
            .filter(|ahead| ahead.saturating_abs() > CLOCK_SKEW_SECONDS_MAX);
        let what = match bucket {
            Some(ahead) => {
                let way = if ahead > 0 { "behind" } else { "ahead of" };
                format!("is {} s {way} the bucket's", grouped(ahead.unsigned_abs()))
            }
            None if self.log_ahead_seconds > CLOCK_SKEW_SECONDS_MAX => format!(
                "is {} s behind the newest entry of the log",
                grouped(self.log_ahead_seconds.unsigned_abs())
            ),
            None => return None,
        };
        Some(format!(
            "this machine's clock {what}; set it right (mail is taken all the same, locks follow \
             the bucket's clock, and nothing is destroyed until they agree)"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_agreement_and_more_is_not() {
        let said = |bucket_ahead_seconds, log_ahead_seconds| {
            Clocks { bucket_ahead_seconds, log_ahead_seconds }.disagreement()
        };
        assert_eq!((said(None, 0), said(Some(-300), 300), said(Some(300), 0)), (None, None, None));
        for (bucket, log, words) in [
            (Some(86_400), 0, "is 86,400 s behind the bucket's; set it right"),
            (Some(-86_400), 0, "is 86,400 s ahead of the bucket's; set it right"),
            (Some(i64::MIN + 1), 0, "ahead of the bucket's"),
            (None, 301, "is 301 s behind the newest entry of the log; set it right"),
            (Some(10), 301, "is 301 s behind the newest entry of the log; set it right"),
        ] {
            let found = said(bucket, log).unwrap();
            assert!(found.contains(words), "{words:?} is not in: {found}");
        }
    }
}

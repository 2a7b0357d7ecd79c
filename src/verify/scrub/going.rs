//! What the catalog says of objects that are to go or to stay: no row has a live object
//! deleted, and the flags of holds that it says are set are on.

use futures::{StreamExt as _, TryStreamExt as _};

use super::finding::{CONDEMNED_LIVE, HOLD_FLAG_OFF, SPARE_PAGE_LIVE};
use super::{ScrubError, Work};
use crate::base::limits::{LOCKS_ASKED_AT_ONCE, SCRUB_FINDINGS_SHOWN};
use crate::catalog::doubt;
use crate::catalog::flag::{self, Due};
use crate::ingest::rebuild::Progress;
use crate::vault::bucket::{Bucket, BucketError, Place};

const FLAGS_AT_ONCE: usize = 500;

impl<P: Progress> Work<'_, P> {
    pub(super) async fn going(&mut self) -> Result<(), ScrubError> {
        let limit = SCRUB_FINDINGS_SHOWN as u32;
        let catalog = self.on.catalog.clone();
        for page in doubt::live_spare_pages(&catalog, limit).await? {
            let what = "it is the key page of a segment, and the catalog says that it goes; take \
                        its row out of spare_page";
            self.fault(SPARE_PAGE_LIVE, page, what, &[]);
        }
        for object in doubt::live_condemned(&catalog, limit).await? {
            let what = "a segment has it, and the catalog says that it goes; take its row out of \
                        condemned";
            self.fault(CONDEMNED_LIVE, object, what, &[]);
        }
        Ok(())
    }

    pub(super) async fn flags(&mut self) -> Result<(), ScrubError> {
        let bucket = self.on.vault.bucket().clone();
        if !bucket.keeps_flags() {
            return Ok(());
        }
        let mut after = None;
        loop {
            let found = flag::set_after(&self.on.catalog, after, FLAGS_AT_ONCE).await?;
            let Some(last) = found.last() else { return Ok(()) };
            after = Some(last.segment);
            let asked = found.into_iter().map(|due| off(bucket.clone(), due));
            let asked: Vec<(Due, Vec<String>)> =
                futures::stream::iter(asked).buffered(LOCKS_ASKED_AT_ONCE).try_collect().await?;
            for (due, off) in asked {
                // The server may have lifted it, or given it another page, meanwhile.
                if off.is_empty() || !flag::want_again(&self.on.catalog, &due).await? {
                    continue;
                }
                for object in off {
                    let what = "the flag of a hold was set on it and is off: somebody lifted it; \
                                the server sets it again";
                    self.fault(HOLD_FLAG_OFF, object, what, &[]);
                }
            }
        }
    }
}

/// Which of a segment's objects have no flag.
async fn off(bucket: Bucket, due: Due) -> Result<(Due, Vec<String>), BucketError> {
    let mut off = Vec::new();
    for place in [&due.object, &due.page] {
        if is_off(&bucket, place).await? {
            off.push(place.name.clone());
        }
    }
    Ok((due, off))
}

/// What is not there is named elsewhere.
async fn is_off(bucket: &Bucket, place: &Place) -> Result<bool, BucketError> {
    match bucket.is_held(place).await {
        Ok(is_held) => Ok(!is_held),
        Err(BucketError::Missing(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

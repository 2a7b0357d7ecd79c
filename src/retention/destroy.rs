//! The steps of destruction, each of which can be done again.
//!
//! A record is destroyed by the commit that takes its rows away, under the lock that
//! holds are placed under: what a hold covers at that moment stays, and a hold that
//! comes later finds it gone. Keys and objects go after the commit. What is held of a
//! segment keeps its key in a page of its own; then the epoch's key can go, and with
//! it everything that a copy of an old page could open.

use std::collections::BTreeSet;

use super::{Outcomes, Retention, RetentionError};
use crate::base::crash;
use crate::base::ids::{DeliverySeq, JobId, RecordId};
use crate::catalog::disposition::{self as rows, DispositionRow, SegmentOf};
use crate::catalog::job::{self, Renewed};
use crate::catalog::{purge, set};
use crate::hold;
use crate::vault::segment::HELD;

pub(super) struct Destroyer<'a> {
    pub retention: &'a Retention,
    pub row: &'a DispositionRow,
    pub job: JobId,
    pub owner: &'a str,
}

pub(super) enum Stopped {
    /// The job is another's now.
    Lost,
    Error(RetentionError),
}

impl<E: Into<RetentionError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Objects deleted, and sets told to the index, at once.
const AT_ONCE: u32 = 200;

impl Destroyer<'_> {
    pub async fn run(&self) -> Result<Outcomes, Stopped> {
        let catalog = &self.retention.catalog;
        let DispositionRow { class, epoch, .. } = self.row;
        let total = rows::count_segments(catalog, class, epoch).await?;
        let mut outcomes = Outcomes::default();
        let (mut after, mut done) = (None, 0);
        while let Some(segment) = rows::next_segment(catalog, class, epoch, after).await? {
            after = Some(segment.segment);
            self.segment(segment, &mut outcomes).await?;
            done += 1;
            let lease = super::run::lease(self.retention, self.owner);
            match job::renew(catalog, self.job, &lease, (done, total)).await? {
                // Half of a destruction is not taken back.
                Renewed::GoOn | Renewed::Cancel => {}
                Renewed::Lost => return Err(Stopped::Lost),
            }
            self.clear().await?;
        }
        self.clear().await?;
        let index = self.retention.index.clone();
        let expunged = tokio::task::spawn_blocking(move || index.expunge()).await;
        expunged.map_err(|error| RetentionError::NotYet(error.to_string()))??;
        self.retention.vault.destroy_epoch_key(class, epoch).await?;
        crash::point("retention.after_key");
        self.sweep().await?;
        Ok(outcomes)
    }

    async fn segment(&self, segment: SegmentOf, outcomes: &mut Outcomes) -> Result<(), Stopped> {
        let Retention { catalog, vault, .. } = self.retention;
        let seqs: Vec<DeliverySeq> = segment.deliveries.iter().map(|(seq, _)| *seq).collect();
        loop {
            let held = hold::held_among(catalog, &seqs).await?;
            let kept: Vec<RecordId> = segment
                .deliveries
                .iter()
                .filter(|(seq, _)| held.contains(seq))
                .map(|(_, record)| *record)
                .collect();
            let is_reduced = segment.page.name.ends_with(HELD) && kept.len() == seqs.len();
            let page = match kept.is_empty() || is_reduced {
                true => None,
                false => Some(vault.put_held_page(&segment.object, &segment.page, &kept).await?),
            };
            crash::point("retention.after_page");
            let mut tx = catalog.write().await?;
            // Under the lock nobody places a hold, so this is what counts.
            if hold::held_among(catalog, &seqs).await? != held {
                continue;
            }
            let id = self.row.disposition_id;
            let gone: Vec<DeliverySeq> =
                seqs.iter().filter(|seq| !held.contains(seq)).copied().collect();
            purge::remove(&mut tx, &gone).await?;
            if let Some(page) = &page {
                rows::set_page(&mut tx, segment.segment, page).await?;
                rows::condemn(&mut tx, id, &segment.page.name).await?;
            }
            if kept.is_empty() {
                rows::remove_segment(&mut tx, segment.segment).await?;
                rows::condemn(&mut tx, id, &segment.object.name).await?;
                rows::condemn(&mut tx, id, &segment.page.name).await?;
                outcomes.segments_destroyed += 1;
                outcomes.bytes_destroyed += segment.size_bytes;
            }
            catalog.commit(tx, "destroy records").await?;
            crash::point("retention.after_commit");
            outcomes.destroyed += gone.len() as u64;
            outcomes.kept.extend(kept);
            return Ok(());
        }
    }

    /// Deletes what belongs to nobody any more, here and in the index.
    async fn clear(&self) -> Result<(), Stopped> {
        let Retention { catalog, vault, index, .. } = self.retention;
        loop {
            let objects = rows::condemned(catalog, AT_ONCE).await?;
            if objects.is_empty() {
                break;
            }
            for object in &objects {
                vault.destroy_object(object).await?;
            }
            crash::point("retention.after_objects");
            rows::forget_condemned(catalog, &objects).await?;
        }
        loop {
            let sets = rows::diminished(catalog, AT_ONCE).await?;
            if sets.is_empty() {
                return Ok(());
            }
            for (set, is_there) in &sets {
                let left = match is_there {
                    true => set::who_took_part(catalog, *set).await?,
                    false => BTreeSet::new(),
                };
                index.diminish(*set, &left)?;
            }
            index.commit_removed()?;
            let sets: Vec<_> = sets.into_iter().map(|(set, _)| set).collect();
            rows::forget_diminished(catalog, &sets).await?;
        }
    }

    /// Deletes what no row speaks of: segments that a crash left without a commit,
    /// and pages that were put for nothing. The epoch takes no mail any more.
    async fn sweep(&self) -> Result<(), Stopped> {
        let Retention { catalog, vault, .. } = self.retention;
        let DispositionRow { class, epoch, .. } = self.row;
        let known: BTreeSet<String> =
            rows::objects_of(catalog, class, epoch).await?.into_iter().collect();
        for room in ["seg", "key"] {
            for name in vault.bucket().list(&format!("{room}/{class}/{epoch}/")).await? {
                if !known.contains(&name) {
                    vault.destroy_object(&name).await?;
                }
            }
        }
        Ok(())
    }
}

//! The steps of destruction, each of which can be done again.
//!
//! A record is destroyed by the commit that takes its rows away, under the lock that
//! holds are placed under: what a hold covers at that moment stays, and a hold that
//! comes later finds it gone. Keys and objects go after the commit. What is held of a
//! segment keeps its key in a page of its own; then the epoch's key can go, and with
//! it everything that a copy of an old page could open.
//!
//! A held record keeps its parts: a segment that has one stays, with a page that opens
//! none of its own records. Segments are gone through from the last to the first, since
//! a record needs parts of its own segment and of earlier ones only: when one is come
//! to, whoever is left that needs it is held.

use std::collections::BTreeSet;

use super::doubted::{self, Doubted};
use super::{Outcomes, Retention, RetentionError};
use crate::base::crash;
use crate::base::ids::{DeliverySeq, JobId, RecordId, SegmentId};
use crate::base::limits::REWRITE_TRIES;
use crate::catalog::disposition::{self as rows, DispositionRow};
use crate::catalog::epoch::{self, SegmentOf};
use crate::catalog::job::{self, Lease, Renewed};
use crate::catalog::{erasure, part, purge, spare};
use crate::export::purge::Bundles;
use crate::hold;
use crate::vault::segment::HELD;

pub(super) struct Destroyer<'a> {
    retention: &'a Retention,
    row: &'a DispositionRow,
    job: JobId,
    owner: &'a str,
    exports: Bundles,
    doubted: Doubted<'a>,
    /// Segments that have parts of what is left, as its records say.
    needed: BTreeSet<SegmentId>,
    /// Of this job and those before it; each commit of destruction has its part.
    pub outcomes: Outcomes,
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

/// Takes what was destroyed out of this node's index and exports, as far as the index
/// has come; whether there was anything.
pub(super) async fn clear_index(
    retention: &Retention,
    exports: &mut Bundles,
) -> Result<bool, RetentionError> {
    let Retention { catalog, index, .. } = retention;
    let mut is_any = false;
    loop {
        let sets = epoch::diminished(catalog, index.cursor(), AT_ONCE).await?;
        if sets.is_empty() {
            return Ok(is_any);
        }
        is_any = true;
        for set in &sets {
            let left = purge::left(catalog, *set).await?;
            index.diminish(*set, left.as_ref())?;
        }
        index.commit_removed()?;
        for export in exports.purge(&sets)? {
            tracing::info!(job = %export, "an export left with what a disposition destroyed");
        }
        epoch::forget_diminished(catalog, &sets).await?;
    }
}

/// Forces it out of the index's files too, once the index has let go of all of it.
pub(super) async fn expunge_index(retention: &Retention) -> Result<(), RetentionError> {
    if epoch::is_diminished(&retention.catalog).await? {
        return Err(RetentionError::NotYet(
            "the index is behind, and could still take up what was destroyed; go on when mail is \
             searchable"
                .into(),
        ));
    }
    let index = retention.index.clone();
    tokio::task::spawn_blocking(move || index.expunge()).await??;
    Ok(())
}

impl<'a> Destroyer<'a> {
    pub fn new(
        retention: &'a Retention,
        row: &'a DispositionRow,
        job: JobId,
        owner: &'a str,
        outcomes: Outcomes,
    ) -> Self {
        let exports = Bundles::new(&retention.work);
        let doubted = Doubted::new(retention, job, owner);
        Self { retention, row, job, owner, exports, doubted, needed: BTreeSet::new(), outcomes }
    }

    pub async fn run(&mut self) -> Result<(), Stopped> {
        let catalog = &self.retention.catalog;
        let DispositionRow { class, epoch, .. } = self.row;
        let segments = epoch::segments_backwards(catalog, class, epoch).await?;
        let total = segments.len() as u64;
        for (done, id) in (1..).zip(segments) {
            if let Some(segment) = epoch::segment(catalog, id).await? {
                self.segment(segment).await?;
            }
            let now = catalog.now(&self.retention.clock).await?;
            let lease = Lease::from(self.owner, now);
            match job::renew(catalog, self.job, &lease, (done, total)).await? {
                // Half of a destruction is not taken back.
                Renewed::GoOn | Renewed::Cancel => {}
                Renewed::Lost => return Err(Stopped::Lost),
            }
            self.clear().await?;
        }
        self.clear().await?;
        expunge_index(self.retention).await?;
        self.retention.vault.destroy_epoch_key(class, epoch).await?;
        crash::point("retention.after_key");
        self.sweep().await
    }

    async fn segment(&mut self, mut segment: SegmentOf) -> Result<(), Stopped> {
        let Retention { catalog, vault, .. } = self.retention;
        let seqs: Vec<DeliverySeq> = segment.deliveries.iter().map(|(seq, _)| *seq).collect();
        doubted::check_rows(self.retention, &segment).await?;
        for _ in 0..REWRITE_TRIES {
            let read = self.doubted.read(&seqs).await?;
            if !doubted::is_so(self.retention, &read).await? {
                continue;
            }
            let held = hold::held_among(catalog, &seqs).await?;
            let kept: Vec<RecordId> = segment
                .deliveries
                .iter()
                .filter(|(seq, _)| held.contains(seq))
                .map(|(_, record)| *record)
                .collect();
            let is_needed = part::is_needed(catalog, segment.segment).await?
                || self.needed.contains(&segment.segment);
            let stays = is_needed || !kept.is_empty();
            let is_reduced = segment.page.name.ends_with(HELD) && kept.len() == seqs.len();
            let page = match stays && !is_reduced {
                true => Some(vault.put_held_page(&segment.object, &segment.page, &kept).await?),
                false => None,
            };
            crash::point("retention.after_page");
            let mut tx = catalog.write().await?;
            // Under the lock nobody places a hold, so this is what counts.
            if !doubted::is_so(self.retention, &read).await?
                || hold::held_among(catalog, &seqs).await? != held
                || part::is_needed(catalog, segment.segment).await? && !is_needed
            {
                continue;
            }
            // An erasure may have rewritten it meanwhile.
            match erasure::page_of(catalog, segment.segment).await? {
                Some(page) if page == segment.page => {}
                Some(page) => {
                    segment.page = page;
                    continue;
                }
                None => return Ok(()),
            }
            let id = self.row.disposition_id;
            let gone: Vec<DeliverySeq> =
                seqs.iter().filter(|seq| !held.contains(seq)).copied().collect();
            purge::remove(&mut tx, &gone).await?;
            part::forget(&mut tx, segment.segment).await?;
            if let Some(page) = &page {
                epoch::set_page(&mut tx, segment.segment, page).await?;
            }
            let mut outcomes = self.outcomes.clone();
            outcomes.destroyed += gone.len() as u64;
            if !stays {
                epoch::remove_segment(&mut tx, segment.segment).await?;
                epoch::condemn(&mut tx, id, &segment.object.name).await?;
                outcomes.segments_destroyed += 1;
                outcomes.bytes_destroyed += segment.size_bytes;
            }
            // Others of the month may have their pages in it, until it is their turn.
            if !spare::is_used(&mut tx, &segment.page.name).await? {
                epoch::condemn(&mut tx, id, &segment.page.name).await?;
            }
            let text = serde_json::to_string(&outcomes).map_err(RetentionError::Row)?;
            rows::count(&mut tx, id, &text).await?;
            catalog.commit(tx, "destroy records").await?;
            self.outcomes = outcomes;
            self.needed.extend(read.needs(&held));
            crash::point("retention.after_commit");
            return Ok(());
        }
        Err(RetentionError::NotYet(
            "mail of this month, or what holds cover of it, kept changing; go on in a while".into(),
        )
        .into())
    }

    /// Deletes what belongs to nobody any more: in the bucket, the index and exports.
    async fn clear(&mut self) -> Result<(), Stopped> {
        let Retention { catalog, vault, .. } = self.retention;
        let DispositionRow { class, epoch, .. } = self.row;
        loop {
            let objects = epoch::condemned(catalog, class, epoch, AT_ONCE).await?;
            if objects.is_empty() {
                break;
            }
            for object in &objects {
                vault.destroy_object(object).await?;
            }
            crash::point("retention.after_objects");
            epoch::forget_condemned(catalog, &objects).await?;
        }
        clear_index(self.retention, &mut self.exports).await?;
        Ok(())
    }

    /// Deletes what no row speaks of: segments that a crash left without a commit,
    /// and pages that were put for nothing. The epoch takes no mail any more.
    async fn sweep(&self) -> Result<(), Stopped> {
        let Retention { catalog, vault, .. } = self.retention;
        let DispositionRow { class, epoch, .. } = self.row;
        let known: BTreeSet<String> =
            epoch::objects_of(catalog, class, epoch).await?.into_iter().collect();
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

//! The committer: segments that are in the bucket become part of the archive,
//! as many as wait in one transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::parts::Known;
use super::{IngestError, Receipt};
use crate::base::crash;
use crate::base::ids::{DeliverySeq, SegmentId};
use crate::base::limits;
use crate::catalog::delivery::{self, NewDelivery, NewSegment};
use crate::catalog::{Catalog, CatalogError};
use crate::vault::seal::StoredPart;

/// [`Committer::patience`] of a server.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is asked what other nodes committed.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LONGEST: Duration = Duration::from_secs(5);

pub(super) type Reply = oneshot::Sender<Result<Receipt, IngestError>>;

/// A segment in the bucket, and who waits for each of its deliveries.
pub(super) struct Put {
    pub segment: NewSegment,
    /// What it brings for later records.
    pub parts: Vec<StoredPart>,
    pub replies: Vec<Reply>,
    /// Its deliveries' share of the memory bound, given back after the commit.
    pub _memory: Vec<OwnedSemaphorePermit>,
}

pub(super) struct Committer {
    pub catalog: Catalog,
    /// The last committed delivery.
    pub committed: watch::Sender<DeliverySeq>,
    /// Set while a commit has failed and is being retried.
    pub is_stalled: Arc<AtomicBool>,
    pub known: Known,
    /// How long senders wait for a commit that fails before they hear 451.
    pub patience: Duration,
}

/// What goes into one transaction.
#[derive(Default)]
struct Group {
    segments: Vec<NewSegment>,
    /// What each of the segments brings.
    parts: Vec<Vec<StoredPart>>,
    /// For the deliveries of all segments, in their order; none once refused.
    replies: Vec<Reply>,
    refused: Option<IngestError>,
    memory: Vec<OwnedSemaphorePermit>,
}

impl Committer {
    /// Commits what comes, until no more can.
    pub async fn run(self, mut puts: mpsc::Receiver<Put>) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                first = puts.recv() => {
                    let Some(first) = first else { return };
                    let mut group = Group::default();
                    group.add(first);
                    self.commit(group, &mut puts).await;
                }
                _ = looks.tick(), if self.catalog.is_shared() => self.look().await,
            }
        }
    }

    /// Tells those who follow of what other nodes committed.
    async fn look(&self) {
        match delivery::last_seq(&self.catalog).await {
            Ok(last) => self.tell(last),
            Err(error) => tracing::warn!(%error, "what other nodes committed is not known"),
        }
    }

    fn tell(&self, last: DeliverySeq) {
        self.committed.send_if_modified(|committed| {
            let is_news = last > *committed;
            *committed = last.max(*committed);
            is_news
        });
    }

    /// The commit point. A failed commit is retried until it succeeds, since its
    /// segments are in the bucket; meanwhile nothing new is sealed.
    async fn commit(&self, mut group: Group, puts: &mut mpsc::Receiver<Put>) {
        let patience = Instant::now() + self.patience;
        let mut pause = RETRY_FIRST;
        loop {
            while group.deliveries().count() < limits::SEGMENT_RECORDS_MAX
                && let Ok(put) = puts.try_recv()
            {
                group.add(put);
            }
            crash::point("commit.before");
            match delivery::commit(&self.catalog, &group.segments).await {
                Ok(last) => {
                    crash::point("commit.after");
                    self.is_stalled.store(false, Ordering::Release);
                    self.known.add(std::mem::take(&mut group.parts).into_iter().flatten());
                    self.tell(last);
                    return group.answer();
                }
                // What it needs was destroyed meanwhile: sent again, it brings that.
                Err(error @ CatalogError::Lacking(segment)) => {
                    tracing::error!(%error, "a segment is not committed");
                    self.known.clear();
                    group.leave_out(segment, &IngestError::unavailable(error));
                }
                Err(error) => {
                    self.is_stalled.store(true, Ordering::Release);
                    let error = IngestError::unavailable(error);
                    tracing::error!(%error, "a commit failed and is retried; deliveries are deferred");
                    if Instant::now() >= patience {
                        group.refuse(error);
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RETRY_LONGEST);
                }
            }
        }
    }
}

impl Group {
    fn add(&mut self, Put { segment, parts, replies, _memory }: Put) {
        self.segments.push(segment);
        self.parts.push(parts);
        self.memory.extend(_memory);
        match &self.refused {
            Some(error) => refuse(replies, error),
            None => self.replies.extend(replies),
        }
    }

    /// The senders of one segment keep their copies; it is an orphan.
    fn leave_out(&mut self, segment: SegmentId, error: &IngestError) {
        let Some(at) = self.segments.iter().position(|new| new.segment == segment) else { return };
        let before: usize =
            self.segments[..at].iter().map(|segment| segment.deliveries.len()).sum();
        let count = self.segments.remove(at).deliveries.len();
        self.parts.remove(at);
        if self.refused.is_none() {
            refuse(self.replies.drain(before..before + count).collect(), error);
        }
    }

    fn deliveries(&self) -> impl Iterator<Item = &NewDelivery> {
        self.segments.iter().flat_map(|segment| &segment.deliveries)
    }

    /// The senders keep their copies and send again: another delivery.
    fn refuse(&mut self, error: IngestError) {
        refuse(std::mem::take(&mut self.replies), &error);
        self.refused = Some(error);
    }

    fn answer(mut self) {
        let replies = std::mem::take(&mut self.replies);
        metrics::counter!("muniment_deliveries_committed_total")
            .increment(self.deliveries().count() as u64);
        for (reply, delivery) in replies.into_iter().zip(self.deliveries()) {
            let receipt = Receipt { record: delivery.record, leaf: delivery.leaf_hash };
            // A sender that has gone will send again: another delivery.
            let _ = reply.send(Ok(receipt));
        }
    }
}

pub(super) fn refuse(replies: Vec<Reply>, error: &IngestError) {
    metrics::counter!("muniment_deliveries_deferred_total").increment(replies.len() as u64);
    for reply in replies {
        let _ = reply.send(Err(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::publish_tests::{delivery, segment};

    fn put(number: u64) -> (Put, oneshot::Receiver<Result<Receipt, IngestError>>) {
        let (reply, receipt) = oneshot::channel();
        let segment = segment(vec![delivery(number)]);
        let parts = Vec::new();
        (Put { segment, parts, replies: vec![reply], _memory: Vec::new() }, receipt)
    }

    async fn rename(catalog: &Catalog, statement: &'static str) {
        let mut tx = catalog.write().await.unwrap();
        crate::catalog::db::raw_sql(statement, &mut tx).await.unwrap();
        catalog.commit(tx, "rename").await.unwrap();
    }

    #[tokio::test]
    async fn who_waits_for_a_commit_that_fails_is_refused_and_nothing_is_lost() {
        let (catalog, _directory) = crate::catalog::tests::scratch().await;
        let (committed, mut watched) = watch::channel(DeliverySeq(0));
        let is_stalled = Arc::new(AtomicBool::new(false));
        let committer = Committer {
            catalog: catalog.clone(),
            committed,
            is_stalled: is_stalled.clone(),
            known: Known::default(),
            patience: Duration::ZERO,
        };
        let (puts, committing) = mpsc::channel(8);
        let running = tokio::spawn(committer.run(committing));

        rename(&catalog, "ALTER TABLE leaf RENAME TO elsewhere").await;
        let (first, refused) = put(0);
        puts.send(first).await.ok().unwrap();
        refused.await.unwrap().unwrap_err();
        assert!(is_stalled.load(Ordering::Acquire));
        // In the bucket already when the first commit failed.
        let (second, refused) = put(1);
        puts.send(second).await.ok().unwrap();
        refused.await.unwrap().unwrap_err();

        rename(&catalog, "ALTER TABLE elsewhere RENAME TO leaf").await;
        watched.wait_for(|seq| *seq == DeliverySeq(2)).await.unwrap();
        let (third, receipt) = put(2);
        let leaf = third.segment.deliveries[0].leaf_hash;
        puts.send(third).await.ok().unwrap();
        assert_eq!(receipt.await.unwrap().unwrap().leaf, leaf);
        assert!(!is_stalled.load(Ordering::Acquire));
        drop(puts);
        running.await.unwrap();
    }

    #[tokio::test]
    async fn what_waits_together_is_committed_together_and_answered_each() {
        let (catalog, _directory) = crate::catalog::tests::scratch().await;
        let (committed, watched) = watch::channel(DeliverySeq(0));
        let is_stalled = Arc::default();
        let known = Known::default();
        let committer = Committer { catalog, committed, is_stalled, known, patience: PATIENCE };
        let (puts, committing) = mpsc::channel(8);
        let mut expected = Vec::new();
        for number in 0..8 {
            let (put, receipt) = put(number);
            expected.push((put.segment.deliveries[0].leaf_hash, receipt));
            puts.send(put).await.ok().unwrap();
        }
        drop(puts);
        committer.run(committing).await;
        for (leaf, receipt) in expected {
            assert_eq!(receipt.await.unwrap().unwrap().leaf, leaf);
        }
        assert_eq!(*watched.borrow(), DeliverySeq(8));
    }

    #[tokio::test]
    async fn what_needs_a_segment_that_is_gone_is_refused_and_nothing_else() {
        let (catalog, _directory) = crate::catalog::tests::scratch().await;
        // Parts are named of what is committed.
        let there = segment(vec![delivery(9)]);
        delivery::commit(&catalog, std::slice::from_ref(&there)).await.unwrap();
        let (committed, _watched) = watch::channel(DeliverySeq(1));
        let (is_stalled, known) = (Arc::default(), Known::default());
        let catalog_after = catalog.clone();
        let committer = Committer { catalog, committed, is_stalled, known, patience: PATIENCE };
        let (puts, committing) = mpsc::channel(8);
        let mut expected = Vec::new();
        for number in 0..6 {
            let (mut put, receipt) = put(number);
            let is_whole = ![1, 4].contains(&number);
            put.segment.deliveries[0].needs = match is_whole {
                true => vec![there.segment],
                false => vec![there.segment, SegmentId::generate()],
            };
            expected.push((put.segment.deliveries[0].leaf_hash, receipt, is_whole));
            puts.send(put).await.ok().unwrap();
        }
        drop(puts);
        committer.run(committing).await;
        for (leaf, receipt, is_whole) in expected {
            let heard = receipt.await.unwrap();
            assert_eq!(heard.ok().map(|receipt| receipt.leaf), is_whole.then_some(leaf));
        }
        let last = delivery::last_seq(&catalog_after).await.unwrap();
        assert_eq!(last, DeliverySeq(5), "the others are in order, without a hole");
    }
}

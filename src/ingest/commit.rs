//! The committer: segments that are in the bucket become part of the archive,
//! as many as wait in one transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::{IngestError, Receipt};
use crate::base::crash;
use crate::base::ids::DeliverySeq;
use crate::base::limits;
use crate::catalog::Catalog;
use crate::catalog::delivery::{self, NewDelivery, NewSegment};

/// [`Committer::patience`] of a server.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LONGEST: Duration = Duration::from_secs(5);

pub(super) type Reply = oneshot::Sender<Result<Receipt, IngestError>>;

/// A segment in the bucket, and who waits for each of its deliveries.
pub(super) struct Put {
    pub segment: NewSegment,
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
    /// How long senders wait for a commit that fails before they hear 451.
    pub patience: Duration,
}

/// What goes into one transaction.
#[derive(Default)]
struct Group {
    segments: Vec<NewSegment>,
    /// For the deliveries of all segments, in their order; none once refused.
    replies: Vec<Reply>,
    refused: Option<IngestError>,
    memory: Vec<OwnedSemaphorePermit>,
}

impl Committer {
    /// Commits what comes, until no more can.
    pub async fn run(self, mut puts: mpsc::Receiver<Put>) {
        while let Some(first) = puts.recv().await {
            let mut group = Group::default();
            group.add(first);
            self.commit(group, &mut puts).await;
        }
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
                    self.committed.send_replace(last);
                    return group.answer();
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
    fn add(&mut self, Put { segment, replies, _memory }: Put) {
        self.segments.push(segment);
        self.memory.extend(_memory);
        match &self.refused {
            Some(error) => refuse(replies, error),
            None => self.replies.extend(replies),
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
        (Put { segment, replies: vec![reply], _memory: Vec::new() }, receipt)
    }

    async fn rename(catalog: &Catalog, statement: &'static str) {
        let mut tx = catalog.write().await.unwrap();
        sqlx::raw_sql(statement).execute(&mut *tx).await.unwrap();
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
        let committer = Committer { catalog, committed, is_stalled, patience: PATIENCE };
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
}

//! The sealers: what waits while the last write is in flight becomes the next
//! segment, so that the number of writes follows time and not messages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::Instant;

use super::adopt::new_segment;
use super::{IngestError, Receipt, Shared};
use crate::base::crash;
use crate::base::ids::SegmentId;
use crate::base::limits;
use crate::catalog::delivery::{self, NewSegment};
use crate::vault::record::SealedRecord;
use crate::vault::seal::{LargeSegment, SealedSegment};
use crate::vault::segment::Header;

/// Segments of small records that are written at the same time: while one
/// commits, the other gathers.
const SMALL_LANES: usize = 2;
const LARGE_LANES: usize = 2;
/// How long senders wait for a commit that fails before they hear 451. The
/// commit itself is retried until it succeeds.
const PATIENCE: Duration = Duration::from_secs(10);
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LONGEST: Duration = Duration::from_secs(5);

/// A sealed delivery that waits to be written, and who waits for it.
pub(super) struct Pending {
    pub item: Item,
    pub reply: oneshot::Sender<Result<Receipt, IngestError>>,
    /// Its share of the memory bound, given back when it is written.
    pub _memory: OwnedSemaphorePermit,
}

#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are small, and a box for each costs more"
)]
pub(super) enum Item {
    Small { class: String, epoch: String, record: SealedRecord, sealed: Vec<u8> },
    Large(Box<LargeSegment>),
}

type Reply = oneshot::Sender<Result<Receipt, IngestError>>;
type Queue = Arc<Mutex<mpsc::Receiver<Pending>>>;

/// Starts the lanes. They end when every [`super::Ingest`] is gone.
pub(super) fn spawn(
    shared: &Arc<Shared>,
    small: mpsc::Receiver<Pending>,
    large: mpsc::Receiver<Pending>,
) {
    let small: Queue = Arc::new(Mutex::new(small));
    let large: Queue = Arc::new(Mutex::new(large));
    for _ in 0..SMALL_LANES {
        // Weak: the queue's senders live in `shared`, and their end is ours.
        tokio::spawn(lane(Arc::downgrade(shared), small.clone()));
    }
    for _ in 0..LARGE_LANES {
        tokio::spawn(lane(Arc::downgrade(shared), large.clone()));
    }
}

async fn lane(shared: std::sync::Weak<Shared>, queue: Queue) {
    loop {
        let batch = gather(&queue).await;
        let Some(shared) = shared.upgrade() else { return };
        if batch.is_empty() {
            return;
        }
        write(&shared, batch).await;
    }
}

/// Waits for one, then takes what is there, up to a segment's bounds.
async fn gather(queue: &Queue) -> Vec<Pending> {
    let mut queue = queue.lock().await;
    let Some(first) = queue.recv().await else { return Vec::new() };
    let mut bytes = first.item.bytes();
    let mut batch = vec![first];
    while bytes < limits::SEGMENT_BYTES_MAX && batch.len() < limits::SEGMENT_RECORDS_MAX {
        let Ok(next) = queue.try_recv() else { break };
        bytes += next.item.bytes();
        batch.push(next);
    }
    batch
}

impl Item {
    fn bytes(&self) -> usize {
        match self {
            Self::Small { sealed, .. } => sealed.len(),
            // Alone in its segment.
            Self::Large(_) => limits::SEGMENT_BYTES_MAX,
        }
    }
}

/// Writes a batch: one segment for each epoch in it.
async fn write(shared: &Shared, batch: Vec<Pending>) {
    let mut epochs: BTreeMap<(String, String), (Vec<_>, Vec<Reply>, Vec<_>)> = BTreeMap::new();
    for Pending { item, reply, _memory } in batch {
        match item {
            Item::Small { class, epoch, record, sealed } => {
                let (records, replies, memory) = epochs.entry((class, epoch)).or_default();
                records.push((record, sealed));
                replies.push(reply);
                memory.push(_memory);
            }
            Item::Large(segment) => {
                let sealed = segment.into_sealed(&shared.vault).await;
                store(shared, sealed.map_err(IngestError::unavailable), vec![reply]).await;
            }
        }
    }
    for ((class, epoch), (records, replies, _memory)) in epochs {
        let header = Header {
            archive: shared.vault.archive(),
            segment: SegmentId::generate(),
            class,
            epoch,
        };
        let sealed = shared.vault.seal(header, records).await;
        store(shared, sealed.map_err(IngestError::unavailable), replies).await;
    }
}

/// Puts a segment, commits it, and answers.
async fn store(shared: &Shared, sealed: Result<SealedSegment, IngestError>, replies: Vec<Reply>) {
    if shared.is_stalled.load(Ordering::Acquire) {
        let error = IngestError::Unavailable("the catalog does not commit".into());
        return refuse(replies, &error);
    }
    let put = async {
        let sealed = sealed?;
        shared.vault.put(&sealed).await.map_err(IngestError::unavailable)?;
        Ok::<_, IngestError>(sealed)
    };
    match put.await {
        Ok(sealed) => {
            let new = new_segment(&sealed, shared.clock.now());
            commit(shared, &new, replies).await;
        }
        Err(error) => {
            // What was put of it is an orphan; the senders keep their copies.
            tracing::error!(%error, "cannot write a segment");
            refuse(replies, &error);
        }
    }
}

/// The commit point. A failed commit is retried until it succeeds, since its
/// segment is in the bucket; meanwhile nothing new is sealed.
async fn commit(shared: &Shared, new: &NewSegment, replies: Vec<Reply>) {
    let mut replies = Some(replies);
    let patience = Instant::now() + PATIENCE;
    let mut pause = RETRY_FIRST;
    loop {
        crash::point("commit.before");
        match delivery::commit(&shared.catalog, new).await {
            Ok(last) => {
                crash::point("commit.after");
                shared.is_stalled.store(false, Ordering::Release);
                shared.committed.send_if_modified(|seq| {
                    let is_later = last > *seq;
                    *seq = last.max(*seq);
                    is_later
                });
                metrics::counter!("muniment_deliveries_committed_total")
                    .increment(new.deliveries.len() as u64);
                for (reply, delivery) in replies.into_iter().flatten().zip(&new.deliveries) {
                    let receipt = Receipt { record: delivery.record, leaf: delivery.leaf_hash };
                    // A sender that has gone will send again: another delivery.
                    let _ = reply.send(Ok(receipt));
                }
                return;
            }
            Err(error) => {
                shared.is_stalled.store(true, Ordering::Release);
                let error = IngestError::unavailable(error);
                tracing::error!(%error, "a commit failed and is retried; deliveries are deferred");
                if Instant::now() >= patience
                    && let Some(replies) = replies.take()
                {
                    refuse(replies, &error);
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY_LONGEST);
            }
        }
    }
}

fn refuse(replies: Vec<Reply>, error: &IngestError) {
    metrics::counter!("muniment_deliveries_deferred_total").increment(replies.len() as u64);
    for reply in replies {
        let _ = reply.send(Err(error.clone()));
    }
}

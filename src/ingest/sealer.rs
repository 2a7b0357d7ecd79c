//! The sealers: what waits while the last write is in flight becomes the next
//! segment, so that the number of writes follows time and not messages.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use tokio::sync::{Mutex, OwnedSemaphorePermit, mpsc};

use super::adopt::new_segment;
use super::commit::{Committer, Put, Reply, refuse};
use super::gather::{Gatherer, Weigh};
use super::{IngestError, Shared};
use crate::base::ids::SegmentId;
use crate::base::limits;
use crate::vault::VaultError;
use crate::vault::record::Draft;
use crate::vault::seal::{LargeSegment, SealedSegment};
use crate::vault::segment::Header;

/// Segments of small records that are written at the same time.
const SMALL_LANES: usize = 2;
const LARGE_LANES: usize = 2;
/// Segments in the bucket that may wait for their commit.
const PUTS_MAX: usize = 8;

/// A sealed delivery that waits to be written, and who waits for it.
pub(super) struct Pending {
    pub item: Item,
    pub reply: Reply,
    /// Its share of the memory bound, given back when it is committed.
    pub _memory: OwnedSemaphorePermit,
}

#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are small, and a box for each costs more"
)]
pub(super) enum Item {
    Small { class: String, epoch: String, draft: Draft },
    Large(Box<LargeSegment>),
}

type Queue = Arc<Mutex<Gatherer<Pending>>>;

/// Starts the lanes and the committer behind them. They end when every
/// [`super::Ingest`] is gone.
pub(super) fn spawn(
    shared: &Arc<Shared>,
    committer: Committer,
    small: mpsc::Receiver<Pending>,
    large: mpsc::Receiver<Pending>,
) {
    let (puts, committing) = mpsc::channel(PUTS_MAX);
    tokio::spawn(committer.run(committing));
    for (queue, lanes) in [(small, SMALL_LANES), (large, LARGE_LANES)] {
        let queue: Queue = Arc::new(Mutex::new(Gatherer::new(queue)));
        for _ in 0..lanes {
            // Weak: the queue's senders live in `shared`, and their end is ours.
            tokio::spawn(lane(Arc::downgrade(shared), queue.clone(), puts.clone()));
        }
    }
}

async fn lane(shared: Weak<Shared>, queue: Queue, puts: mpsc::Sender<Put>) {
    loop {
        let batch = queue.lock().await.next().await;
        let Some(shared) = shared.upgrade() else { return };
        if batch.is_empty() {
            return;
        }
        write(&shared, &puts, batch).await;
    }
}

impl Weigh for Pending {
    fn bytes(&self) -> usize {
        match &self.item {
            Item::Small { draft, .. } => draft.sealed_bytes(),
            // Alone in its segment.
            Item::Large(_) => limits::SEGMENT_BYTES_MAX,
        }
    }
}

/// Writes a batch: one segment for each epoch in it.
async fn write(shared: &Shared, puts: &mpsc::Sender<Put>, batch: Vec<Pending>) {
    let mut epochs: BTreeMap<(String, String), (Vec<_>, Waiting)> = BTreeMap::new();
    for Pending { item, reply, _memory } in batch {
        match item {
            Item::Small { class, epoch, draft } => {
                let (drafts, waiting) = epochs.entry((class, epoch)).or_default();
                drafts.push(draft);
                waiting.replies.push(reply);
                waiting.memory.push(_memory);
            }
            Item::Large(segment) => {
                let sealed = segment.into_sealed(&shared.vault).await;
                let waiting = Waiting { replies: vec![reply], memory: vec![_memory] };
                store(shared, puts, sealed, waiting).await;
            }
        }
    }
    for ((class, epoch), (mut drafts, waiting)) in epochs {
        if let Err(error) = share(shared, &class, &epoch, &mut drafts).await {
            tracing::warn!(%error, "which parts there are is not asked");
        }
        let header = Header {
            archive: shared.vault.archive(),
            segment: SegmentId::generate(),
            class,
            epoch,
        };
        let sealed = shared.vault.seal(header, drafts).await;
        store(shared, puts, sealed, waiting).await;
    }
}

/// What was committed since a draft was made is not stored again.
async fn share(
    shared: &Shared,
    class: &str,
    epoch: &str,
    drafts: &mut [Draft],
) -> Result<(), VaultError> {
    if !drafts.iter().any(Draft::brings_any) {
        return Ok(());
    }
    let namer = shared.vault.namer(class, epoch).await?;
    for draft in drafts {
        draft.share(|sha256| shared.known.get(&namer.name(sha256)));
    }
    Ok(())
}

#[derive(Default)]
struct Waiting {
    replies: Vec<Reply>,
    memory: Vec<OwnedSemaphorePermit>,
}

/// Puts a segment, and hands it to the committer.
async fn store(
    shared: &Shared,
    puts: &mpsc::Sender<Put>,
    sealed: Result<SealedSegment, VaultError>,
    Waiting { replies, memory }: Waiting,
) {
    if let Err(error) = shared.check_open() {
        return refuse(replies, &error);
    }
    let put = async {
        let sealed = sealed?;
        let placed = shared.vault.put(&sealed).await?;
        Ok::<_, VaultError>((new_segment(&sealed, placed), sealed.parts))
    };
    match put.await {
        // The committer outlives the lanes. Were it gone, the replies would go
        // with it, and the senders hear of a fault.
        Ok((segment, parts)) => {
            let put = Put { segment, parts, replies, _memory: memory };
            drop(puts.send(put).await);
        }
        Err(error) => {
            // What was put of it is an orphan; the senders keep their copies.
            let error = IngestError::unavailable(error);
            tracing::error!(%error, "cannot write a segment");
            refuse(replies, &error);
        }
    }
}

//! One delivery while it arrives: in memory up to a bound, then as an
//! encrypted file that becomes its segment.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::sealer::{Item, Pending};
use super::{IngestError, MEMORY_UNIT_BYTES, Receipt, Shared};
use crate::base::config::{Class, ClassMode, Sends};
use crate::base::ids::{RecordId, SegmentId};
use crate::base::limits::DELIVERY_MEMORY_BYTES_MAX;
use crate::mail::delivery::Reader;
use crate::mail::transaction::Transaction;
use crate::vault::cut;
use crate::vault::record::{self, RecordContext, RecordMeta};
use crate::vault::seal::{LargeSealer, LargeSegment};
use crate::vault::segment::Header;

/// Sealing this much on the connection's own thread would delay others.
const INLINE_BYTES_MAX: usize = 256 << 10;
/// Memory that a large delivery keeps for the pieces under way.
const LARGE_BYTES: usize = 4 << 20;
const LARGE_PIECES: usize = 8;

/// A delivery in progress. Dropped unfinished, it was never there.
pub struct Incoming {
    shared: Arc<Shared>,
    transaction: Transaction,
    size: u64,
    body: Body,
    memory: OwnedSemaphorePermit,
}

enum Body {
    Memory { bytes: Vec<u8>, reader: Box<Reader> },
    Large(Large),
}

struct Large {
    /// `None` ends the body.
    pieces: mpsc::Sender<Bytes>,
    finish: oneshot::Sender<()>,
    sealing: JoinHandle<Result<LargeSegment, IngestError>>,
    _place: OwnedSemaphorePermit,
}

impl Incoming {
    pub(super) fn new(shared: Arc<Shared>, transaction: Transaction) -> Result<Self, IngestError> {
        let memory = take(&shared.memory, MEMORY_UNIT_BYTES)?;
        let reader = Box::new(Reader::new(shared.sources.sends(&transaction.source)));
        let body = Body::Memory { bytes: Vec::new(), reader };
        Ok(Self { shared, transaction, size: 0, body, memory })
    }

    /// Takes the next bytes. After an error the delivery cannot be finished.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), IngestError> {
        self.size += bytes.len() as u64;
        if self.size > self.shared.size_bytes_max {
            return Err(IngestError::TooLarge(self.shared.size_bytes_max));
        }
        if let Body::Memory { bytes: held, reader } = &mut self.body {
            if held.len() + bytes.len() <= DELIVERY_MEMORY_BYTES_MAX {
                let wanted = held.len() + bytes.len();
                let have = self.memory.num_permits() * MEMORY_UNIT_BYTES;
                if wanted > have {
                    // Doubling, so that a growing delivery asks seldom.
                    let more = (wanted - have).max(have).min(DELIVERY_MEMORY_BYTES_MAX);
                    self.memory.merge(take(&self.shared.memory, more)?);
                }
                held.extend_from_slice(bytes);
                reader.push(bytes);
                return Ok(());
            }
            self.enlarge().await?;
        }
        let Body::Large(large) = &mut self.body else { unreachable!("enlarged above") };
        for piece in bytes.chunks(LARGE_BYTES / LARGE_PIECES) {
            if large.pieces.send(Bytes::copy_from_slice(piece)).await.is_err() {
                return Err(large.failure().await);
            }
        }
        Ok(())
    }

    /// Moves the body from memory into a segment file of its own.
    async fn enlarge(&mut self) -> Result<(), IngestError> {
        let place = self.shared.large.clone().try_acquire_owned().map_err(|_| IngestError::Full)?;
        let reader = Box::new(Reader::new(Sends::default()));
        let empty = Body::Memory { bytes: Vec::new(), reader };
        let Body::Memory { bytes, mut reader } = std::mem::replace(&mut self.body, empty) else {
            unreachable!("enlarged once")
        };
        // Its class is fixed before its content is known: the longest.
        let class = self.shared.sources.class_of_large().name.clone();
        let header = Header {
            archive: self.shared.vault.archive(),
            segment: SegmentId::generate(),
            class: class.clone(),
            epoch: self.transaction.received_at.month(),
        };
        let context = RecordContext {
            archive: self.shared.vault.archive(),
            record: RecordId::generate(),
            class,
        };
        let (pieces, mut received) = mpsc::channel::<Bytes>(LARGE_PIECES);
        let (finish, finished) = oneshot::channel();
        let shared = self.shared.clone();
        let transaction = self.transaction.clone();
        let sealing = tokio::task::spawn_blocking(move || {
            let failed = |error: std::io::Error| IngestError::unavailable(error);
            let mut sealer = LargeSealer::new(&shared.spool, header, context).map_err(failed)?;
            sealer.write(&bytes).map_err(failed)?;
            drop(bytes);
            while let Some(piece) = received.blocking_recv() {
                reader.push(&piece);
                sealer.write(&piece).map_err(failed)?;
            }
            // Without the word, the connection was lost: nothing is kept.
            finished.blocking_recv().map_err(|_| IngestError::Unavailable("abandoned".into()))?;
            let delivery = reader.finish();
            let is_proven = shared.sources.is_proven(&transaction.source, &delivery);
            sealer.finish(RecordMeta { transaction, delivery, is_proven }).map_err(failed)
        });
        let keep = LARGE_BYTES / MEMORY_UNIT_BYTES;
        if let Some(surplus) = self.memory.num_permits().checked_sub(keep) {
            drop(self.memory.split(surplus));
        }
        self.body = Body::Large(Large { pieces, finish, sealing, _place: place });
        Ok(())
    }

    /// Seals the delivery and waits until it is committed.
    pub async fn finish(self) -> Result<Receipt, IngestError> {
        let Self { shared, transaction, body, memory, .. } = self;
        let (reply, receipt) = oneshot::channel();
        let (queue, item) = match body {
            Body::Memory { bytes, reader } => {
                let delivery = reader.finish();
                let is_proven = shared.sources.is_proven(&transaction.source, &delivery);
                let class = shared.sources.class(&transaction, &delivery, is_proven);
                let meta = RecordMeta { transaction, delivery, is_proven };
                (&shared.small_queue, small(&shared, class, bytes, meta).await?)
            }
            Body::Large(large) => {
                drop(large.pieces);
                let _ = large.finish.send(());
                let segment = large.sealing.await.map_err(IngestError::unavailable)??;
                (&shared.large_queue, Item::Large(Box::new(segment)))
            }
        };
        queue.try_send(Pending { item, reply, _memory: memory }).map_err(|_| IngestError::Full)?;
        receipt.await.unwrap_or_else(|_| Err(IngestError::Unavailable("shutting down".into())))
    }
}

/// Seals a delivery that is in memory, but for where its parts lie.
async fn small(
    shared: &Shared,
    class: &Class,
    bytes: Vec<u8>,
    meta: RecordMeta,
) -> Result<Item, IngestError> {
    let epoch = meta.transaction.received_at.month();
    let context = RecordContext {
        archive: shared.vault.archive(),
        record: RecordId::generate(),
        class: class.name.clone(),
    };
    // Of what can be erased alone, nothing is shared.
    let may_share = class.mode == ClassMode::Strict;
    let size = bytes.len();
    let look = move || {
        let cuts = cut::cuts(&bytes, &meta.delivery, may_share);
        (bytes, meta, cuts)
    };
    let (bytes, meta, cuts) = beside(size, look).await?;
    let known = match cuts.iter().any(|cut| cut.part.is_some()) {
        false => HashMap::new(),
        true => {
            let namer = shared.vault.namer(&class.name, &epoch).await;
            let namer = namer.map_err(IngestError::unavailable)?;
            shared.known.find(&shared.vault, &shared.catalog, &namer, &cuts).await
        }
    };
    let work = move || record::draft(context, &bytes, meta, &cuts, &known);
    let draft = beside(size, work).await?.map_err(IngestError::unavailable)?;
    Ok(Item::Small { class: class.name.clone(), epoch, draft })
}

/// Does work on so many bytes; much of it not on the connection's own thread.
async fn beside<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, IngestError> {
    match bytes <= INLINE_BYTES_MAX {
        true => Ok(work()),
        false => tokio::task::spawn_blocking(work).await.map_err(IngestError::unavailable),
    }
}

impl Large {
    /// Why the sealing ended before the body did.
    async fn failure(&mut self) -> IngestError {
        match (&mut self.sealing).await {
            Ok(Err(error)) => error,
            Ok(Ok(_)) => IngestError::Unavailable("sealing ended early".into()),
            Err(error) => IngestError::unavailable(error),
        }
    }
}

fn take(memory: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, IngestError> {
    let units = u32::try_from(bytes.div_ceil(MEMORY_UNIT_BYTES)).map_err(|_| IngestError::Full)?;
    memory.clone().try_acquire_many_owned(units).map_err(|_| IngestError::Full)
}

//! Deliveries in: sources, sealing, commit, and the followers behind it.
//!
//! A delivery's bytes are read by the scanner as they arrive, sealed, gathered
//! with what waits at the same time into a segment, put into the bucket, and
//! committed; only then is there a receipt. Whatever fails before that leaves
//! the sender with its copy.

pub mod adopt;
mod commit;
pub mod follow;
mod gather;
pub mod incoming;
pub mod log;
pub mod publish;
#[cfg(test)]
mod publish_tests;
pub mod rebuild;
mod sealer;
pub mod sources;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Semaphore, mpsc, watch};

use crate::base::clock::Clock;
use crate::base::config::Config;
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, RecordId};
use crate::base::limits;
use crate::catalog::{Catalog, CatalogError, delivery};
use crate::mail::transaction::Transaction;
use crate::vault::{Vault, VaultError};
use commit::Committer;
use incoming::Incoming;
use sealer::Pending;
use sources::Sources;

/// What the sender is given for a delivery that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub record: RecordId,
    /// The leaf by which the log will show that the record exists.
    pub leaf: Digest,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum IngestError {
    /// The sender should try again a little later.
    #[error("too much is waiting to be written")]
    Full,
    #[error("the delivery is larger than {0} bytes")]
    TooLarge(u64),
    /// The bucket or the catalog does not take writes.
    #[error("the archive cannot be written: {0}")]
    Unavailable(Arc<str>),
}

impl IngestError {
    fn unavailable(error: impl std::error::Error) -> Self {
        use std::fmt::Write as _;
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            let _ = write!(text, ": {inner}");
            source = inner.source();
        }
        Self::Unavailable(text.into())
    }
}

/// The way in. Cloning shares it.
#[derive(Clone)]
pub struct Ingest {
    shared: Arc<Shared>,
}

struct Shared {
    vault: Vault,
    clock: Clock,
    sources: Sources,
    size_bytes_max: u64,
    spool: PathBuf,
    /// Permits of [`MEMORY_UNIT_BYTES`]; held by deliveries in memory.
    memory: Arc<Semaphore>,
    /// One permit for each large delivery under way.
    large: Arc<Semaphore>,
    small_queue: mpsc::Sender<Pending>,
    large_queue: mpsc::Sender<Pending>,
    /// Set while a catalog commit has failed and is being retried.
    is_stalled: Arc<AtomicBool>,
    /// The last committed delivery, as the committer says.
    committed: watch::Receiver<DeliverySeq>,
}

const MEMORY_UNIT_BYTES: usize = 16 << 10;
const LARGE_AT_ONCE: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Ingest {
    /// Adopts what a crash left behind, then starts the sealers.
    pub async fn start(
        config: &Config,
        vault: Vault,
        catalog: Catalog,
        clock: Clock,
    ) -> Result<Self, StartError> {
        adopt::adopt(&vault, &catalog).await?;
        let last = delivery::last_seq(&catalog).await?;
        let (small_queue, small) = mpsc::channel(limits::INGEST_QUEUE_MAX);
        let (large_queue, large) = mpsc::channel(LARGE_AT_ONCE);
        let (committed, committing) = watch::channel(last);
        let is_stalled = Arc::new(AtomicBool::new(false));
        let patience = commit::PATIENCE;
        let committer = Committer { catalog, committed, is_stalled: is_stalled.clone(), patience };
        let shared = Arc::new(Shared {
            vault,
            clock,
            sources: Sources::new(config),
            size_bytes_max: config.smtp.size_bytes_max,
            spool: config.archive.spool.clone(),
            memory: Arc::new(Semaphore::new(config.smtp.memory_bytes_max / MEMORY_UNIT_BYTES)),
            large: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
            small_queue,
            large_queue,
            is_stalled,
            committed: committing,
        });
        sealer::spawn(&shared, committer, small, large);
        Ok(Self { shared })
    }

    pub fn sources(&self) -> &Sources {
        &self.shared.sources
    }

    pub fn size_bytes_max(&self) -> u64 {
        self.shared.size_bytes_max
    }

    /// Opens a place for one delivery; refuses at once when there is none.
    pub fn begin(&self, transaction: Transaction) -> Result<Incoming, IngestError> {
        if self.shared.is_stalled.load(Ordering::Acquire) {
            return Err(IngestError::Unavailable("the catalog does not commit".into()));
        }
        Incoming::new(self.shared.clone(), transaction)
    }

    /// The last committed delivery, and word of every later one.
    pub fn committed(&self) -> watch::Receiver<DeliverySeq> {
        self.shared.committed.clone()
    }

    /// Whether deliveries are being taken; for readiness.
    pub fn is_stalled(&self) -> bool {
        self.shared.is_stalled.load(Ordering::Acquire)
    }

    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }
}

//! Deliveries in: sources, sealing, commit, and the followers behind it.
//!
//! A delivery's bytes are read by the scanner as they arrive, sealed, gathered
//! with what waits at the same time into a segment, put into the bucket, and
//! committed; only then is there a receipt. Whatever fails before that leaves
//! the sender with its copy.

pub mod adopt;
pub mod clocks;
mod commit;
pub mod follow;
mod gather;
pub mod incoming;
pub mod log;
mod parts;
pub mod publish;
#[cfg(test)]
mod publish_tests;
pub mod rebuild;
mod sealer;
pub mod sources;
pub mod stamps;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, mpsc, watch};

use crate::base::chain::chain;
use crate::base::clock::Clock;
use crate::base::config::Config;
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, RecordId};
use crate::base::limits;
use crate::catalog::{Catalog, CatalogError, delivery};
use crate::mail::transaction::Transaction;
use crate::vault::{Vault, VaultError, pack};
use commit::Committer;
use incoming::Incoming;
use parts::Known;
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
        Self::Unavailable(chain(&error).into())
    }
}

/// Why no delivery is taken though it could be put and committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// It would be in no log.
    Log,
    /// A power cut would take it back.
    Catalog,
}

/// The way in. Cloning shares it.
#[derive(Clone)]
pub struct Ingest {
    shared: Arc<Shared>,
}

struct Shared {
    vault: Vault,
    catalog: Catalog,
    /// Parts of the archive.
    known: Known,
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
    /// Why nothing is taken.
    closed: Mutex<BTreeMap<Cause, String>>,
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
        pack::publish(vault.bucket()).await.map_err(VaultError::from)?;
        adopt::adopt(&vault, &catalog).await?;
        let last = delivery::last_seq(&catalog).await?;
        let (small_queue, small) = mpsc::channel(limits::INGEST_QUEUE_MAX);
        let (large_queue, large) = mpsc::channel(LARGE_AT_ONCE);
        let (committed, committing) = watch::channel(last);
        let is_stalled = Arc::new(AtomicBool::new(false));
        let patience = commit::PATIENCE;
        let known = Known::default();
        let committer = Committer {
            catalog: catalog.clone(),
            committed,
            is_stalled: is_stalled.clone(),
            known: known.clone(),
            patience,
        };
        let shared = Arc::new(Shared {
            vault,
            catalog,
            known,
            clock,
            sources: Sources::new(config),
            size_bytes_max: config.smtp.size_bytes_max,
            spool: config.archive.spool.clone(),
            memory: Arc::new(Semaphore::new(config.smtp.memory_bytes_max / MEMORY_UNIT_BYTES)),
            large: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
            small_queue,
            large_queue,
            is_stalled,
            closed: Mutex::default(),
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
        self.shared.check_open()?;
        // Its month decides until when it is locked, and so does the bucket's clock.
        let received_at = self.shared.vault.bucket().by_its_clock(transaction.received_at);
        Incoming::new(self.shared.clone(), Transaction { received_at, ..transaction })
    }

    /// The last committed delivery, and word of every later one.
    pub fn committed(&self) -> watch::Receiver<DeliverySeq> {
        self.shared.committed.clone()
    }

    /// Whether deliveries are being taken; for readiness.
    pub fn is_stalled(&self) -> bool {
        self.shared.is_stalled.load(Ordering::Acquire)
    }

    /// Takes nothing, until it is opened for the same cause; whether it did until now.
    pub fn close(&self, cause: Cause, why: String) -> bool {
        self.shared.closed().insert(cause, why).is_none()
    }

    /// Whether it was closed for this.
    pub fn open(&self, cause: Cause) -> bool {
        self.shared.closed().remove(&cause).is_some()
    }

    /// Why nothing is taken.
    pub fn closed(&self) -> Option<String> {
        self.shared.closed().values().next().cloned()
    }

    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }
}

impl Shared {
    fn check_open(&self) -> Result<(), IngestError> {
        if self.is_stalled.load(Ordering::Acquire) {
            return Err(IngestError::Unavailable("the catalog does not commit".into()));
        }
        match self.closed().values().next() {
            Some(why) => Err(IngestError::Unavailable(why.as_str().into())),
            None => Ok(()),
        }
    }

    fn closed(&self) -> MutexGuard<'_, BTreeMap<Cause, String>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

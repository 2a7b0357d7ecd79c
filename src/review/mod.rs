//! Reading one message: opened from its sealed record, read in a worker, shown
//! with where everything known of it comes from. Every look is in the audit
//! before it is answered.

pub mod bytes;
pub mod gaps;
pub mod message;
pub mod proof;
pub mod retry;

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::access::audit::{self, Act, Outcome};
use crate::access::{Actor, Refused};
use crate::base::clock::Clock;
use crate::base::hash::Digest;
use crate::base::ids::{MatterId, SetId};
use crate::base::limits;
use crate::catalog::{Catalog, CatalogError};
use crate::ingest::log::{Log, LogError};
use crate::matter::{self, MatterError};
use crate::vault::{Vault, VaultError};
use crate::worker::{Pool, WorkerError};

#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// What the record says of itself does not fit what is in it.
    #[error("record {record} is damaged: {what}")]
    Damaged { record: crate::base::ids::RecordId, what: &'static str },
}

impl ReviewError {
    /// The record is not there as it was sealed, however often it is read.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Vault(error) => error.is_damage(),
            _ => false,
        }
    }
}

impl From<MatterError> for ReviewError {
    fn from(error: MatterError) -> Self {
        match error {
            MatterError::Refused(refused) => Self::Refused(refused),
            MatterError::Catalog(error) => Self::Catalog(error),
        }
    }
}

/// The message that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The reader's matter; none for the archive-wide right.
    pub matter: Option<MatterId>,
    pub set: SetId,
    /// The SHA-256 of one of the set's messages; its first if not said.
    pub version: Option<Digest>,
}

impl Wanted {
    /// An act upon it, for the audit.
    fn act(&self, action: &'static str) -> Act {
        Act::new(action, self.matter, format!("message {}", self.set))
    }
}

/// What reading works with. Cloning shares it.
#[derive(Clone)]
pub struct Desk {
    pub catalog: Catalog,
    pub clock: Clock,
    pub vault: Vault,
    pub log: Log,
    pub workers: Arc<Pool>,
    /// Mebibytes of mail that may be in memory at once.
    memory: Arc<Semaphore>,
}

impl Desk {
    pub fn new(catalog: Catalog, clock: Clock, vault: Vault, log: Log, workers: Arc<Pool>) -> Self {
        let memory = Arc::new(Semaphore::new(limits::REVIEW_MEMORY_MEBIBYTES_MAX as usize));
        Self { catalog, clock, vault, log, workers, memory }
    }

    /// The gate of every look at a message: legal staff, within reach of the
    /// matter or with the archive-wide right. Else the message does not exist.
    async fn admit(&self, actor: &Actor, wanted: Wanted) -> Result<(), ReviewError> {
        let reach = matter::reach(actor, &self.catalog, wanted.matter).await?;
        if matter::sees(&self.catalog, &reach, wanted.set).await? {
            Ok(())
        } else {
            Err(Refused::Hidden("message").into())
        }
    }

    async fn record(&self, actor: &Actor, act: &Act) -> Result<(), ReviewError> {
        audit::record(&self.catalog, &self.clock, actor, act, Outcome::Done).await?;
        Ok(())
    }
}

//! The bucket and the keys: segments, key pages, keyring, log objects.
//!
//! `FORMAT.md` is the public layout. Nothing here knows of the catalog.

pub mod bucket;
mod chunk;
pub mod destroy;
pub mod enforcement;
mod entry;
pub mod keyring;
pub mod keys;
mod local;
pub mod open;
mod page;
pub mod record;
pub mod retention;
pub mod s3;
pub mod seal;
pub mod segment;
mod staging;
pub mod statement;
mod wire;

use std::sync::Arc;

use bucket::{Bucket, BucketError};
use keyring::{Keyring, KeyringError};
use keys::{KeyError, MasterKey};

use crate::base::clock::Timestamp;
use crate::base::ids::{ArchiveId, RecordId};
use crate::ledger::note::Signer;

#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Never retried: the bytes are not what was written.
    #[error("the vault object {object} is damaged: {what}")]
    Damaged { object: String, what: &'static str },
    #[error("record {0} has no key in its page: it was erased")]
    NoKey(RecordId),
    #[error("seal a segment")]
    Seal(#[from] std::io::Error),
}

impl VaultError {
    /// What was sealed is not there as it was, however often it is read.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Bucket(BucketError::Missing(_)))
    }

    /// As another room's stream took it along.
    pub fn from_stream(error: std::io::Error) -> Self {
        error.downcast().unwrap_or_else(Self::Seal)
    }
}

/// An archive's bucket, opened with its master key. Cloning shares it.
#[derive(Clone)]
pub struct Vault {
    bucket: Bucket,
    keyring: Arc<Keyring>,
}

impl Vault {
    /// Makes a new archive in an empty bucket.
    pub async fn create(
        bucket: Bucket,
        master: MasterKey,
        now: Timestamp,
    ) -> Result<Self, VaultError> {
        let keyring = Keyring::create(bucket.clone(), master, now).await?;
        Ok(Self { bucket, keyring: Arc::new(keyring) })
    }

    /// Refuses a bucket that holds an archive.
    pub async fn check_vacant(bucket: &Bucket) -> Result<(), VaultError> {
        Ok(Keyring::check_vacant(bucket).await?)
    }

    /// Whose bucket it is; that takes no key.
    pub async fn archive_of(bucket: &Bucket) -> Result<ArchiveId, VaultError> {
        Ok(Keyring::archive_of(bucket).await?)
    }

    pub async fn open(bucket: Bucket, master: MasterKey) -> Result<Self, VaultError> {
        let keyring = Keyring::open(bucket.clone(), master).await?;
        Ok(Self { bucket, keyring: Arc::new(keyring) })
    }

    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    pub fn archive(&self) -> ArchiveId {
        self.keyring.archive
    }

    /// The log's signing key; its name is the origin of every checkpoint.
    pub fn log_signer(&self) -> Signer {
        let name = format!("muniment/{}", self.archive());
        Signer::from_seed(&name, self.keyring.log_seed()).expect("the name has no space or plus")
    }

    /// Whether an object below `keyring/` opens with the master key.
    pub async fn check_key(&self, place: &bucket::Place) -> Result<(), VaultError> {
        Ok(self.keyring.check_object(place).await?)
    }

    fn keyring(&self) -> &Keyring {
        &self.keyring
    }
}

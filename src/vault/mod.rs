//! The bucket and the keys: segments, key pages, keyring, log objects.
//!
//! `FORMAT.md` is the public layout. Nothing here knows of the catalog.

mod assemble;
pub mod bucket;
mod chunk;
pub mod copy;
pub mod cut;
pub mod destroy;
pub mod enforcement;
mod entry;
pub mod keyring;
pub mod keys;
mod local;
pub mod master;
pub mod open;
pub mod pack;
mod page;
pub mod pages;
pub mod part;
pub mod recipe;
mod recode;
pub mod record;
pub mod retention;
pub mod rotation;
pub mod s3;
pub mod seal;
mod secret;
pub mod segment;
mod staging;
pub mod statement;
mod wire;
mod wrapped;

use std::sync::Arc;

use bucket::{Bucket, BucketError};
use keyring::{Keyring, KeyringError};
use keys::KeyError;
use master::MasterKey;

use crate::base::clock::Timestamp;
use crate::base::ids::{ArchiveId, RecordId};
use crate::ledger::note::Signer;

/// What every name of an archive begins with.
pub const DIRECTORIES: [&str; 6] = [pack::PREFIX, "key", "keyring", "log", "policy", "seg"];

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

    /// Whether an object is closed for good: it, or its key, is damaged or is not
    /// the one that it should be. Another try is of no use.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Key(_) | Self::NoKey(_) => true,
            Self::Keyring(error) => !matches!(error, KeyringError::Bucket(_)),
            Self::Bucket(_) | Self::Seal(_) => false,
        }
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
    last_pages: Arc<pages::LastRead>,
}

impl Vault {
    /// Makes a new archive in an empty bucket.
    pub async fn create(
        bucket: Bucket,
        master: MasterKey,
        now: Timestamp,
    ) -> Result<Self, VaultError> {
        let keyring = Keyring::create(bucket.clone(), master, now).await?;
        pack::publish(&bucket).await?;
        Ok(Self { bucket, keyring: Arc::new(keyring), last_pages: Arc::default() })
    }

    /// Refuses a bucket that holds an archive.
    pub async fn check_vacant(bucket: &Bucket) -> Result<(), VaultError> {
        Ok(Keyring::check_vacant(bucket).await?)
    }

    /// Whose bucket it is; that takes no key.
    pub async fn archive_of(bucket: &Bucket) -> Result<ArchiveId, VaultError> {
        Ok(Keyring::archive_of(bucket).await?)
    }

    /// With a master key that a rotation replaced it opens what was there in its time.
    pub async fn open(bucket: Bucket, master: MasterKey) -> Result<Self, VaultError> {
        let keyring = Keyring::open(bucket.clone(), master).await?;
        Ok(Self { bucket, keyring: Arc::new(keyring), last_pages: Arc::default() })
    }

    /// The master key that new keys are wrapped under.
    pub async fn master(&self) -> Arc<MasterKey> {
        self.keyring.newest().await
    }

    /// Refuses to go on with a master key that a rotation has replaced.
    pub async fn check_newest(&self) -> Result<(), VaultError> {
        Ok(self.keyring.check_newest().await?)
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

    /// Refuses classes and months that mail cannot be sealed for, since their key is lost.
    pub async fn check_sealing(&self, class: &str, epoch: &str) -> Result<(), VaultError> {
        Ok(self.keyring.check_sealing(class, epoch).await?)
    }

    fn keyring(&self) -> &Keyring {
        &self.keyring
    }
}

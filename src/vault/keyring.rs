//! The keyring: what the master key wraps, kept in the bucket.
//!
//! One object for the archive (its id and the log's signing key), and one for
//! each epoch (its key). Objects carry a version in their name; rotation adds
//! versions and rewrites none.

use std::collections::HashMap;

use bytes::Bytes;
use tokio::sync::Mutex;

use super::bucket::{Bucket, BucketError, Place};
use super::keys::{Key, KeyError, MasterKey, WRAPPED_BYTES};
use super::wire::{Reader, Short, put_text};
use crate::base::clock::Timestamp;
use crate::base::ids::ArchiveId;

const ARCHIVE_MAGIC: &[u8; 8] = b"MUNARC\x00\x01";
const EPOCH_MAGIC: &[u8; 8] = b"MUNEPO\x00\x01";
pub const ARCHIVE_OBJECT: &str = "keyring/archive/00000001";

/// In the place of an epoch: the key of a class for pages of held records, whose
/// epoch's key is destroyed.
pub const HOLD: &str = "held";

/// The version that this program writes; rotation will add others.
pub const VERSION: u32 = 1;

#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    #[error(
        "the bucket holds no archive; create one with `muniment init`, or correct [vault] path or \
         [bucket] name and prefix"
    )]
    NoArchive,
    #[error(
        "the bucket holds an archive already ({0}); choose an empty directory or another [bucket] \
         prefix for a new one"
    )]
    Occupied(ArchiveId),
    #[error(
        "the master key is not the one of this archive: the keyring names key {expected}, the key \
         file holds {found}; put the right key file in place"
    )]
    WrongMaster { expected: String, found: String },
    #[error("the keyring object {0} is damaged")]
    Damaged(String),
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// What the key of an epoch is called.
pub fn epoch_object(class: &str, epoch: &str) -> String {
    format!("keyring/epoch/{class}/{epoch}/{VERSION:08}")
}

/// The keys of one archive, opened as they are needed.
pub struct Keyring {
    bucket: Bucket,
    master: MasterKey,
    pub archive: ArchiveId,
    /// Seed of the log's Ed25519 key (RFC 8032).
    log_seed: Key,
    /// Epoch keys by class and epoch. Only this struct touches it.
    epochs: Mutex<HashMap<(String, String), Key>>,
}

impl Keyring {
    /// Writes the archive's object into an empty bucket.
    pub async fn create(
        bucket: Bucket,
        master: MasterKey,
        now: Timestamp,
    ) -> Result<Self, KeyringError> {
        Self::check_vacant(&bucket).await?;
        let archive = ArchiveId::generate();
        let log_seed = Key::generate();
        let context = ArchiveObject::context(archive, now);
        let object = ArchiveObject {
            archive,
            created_at: now,
            master_id: master.id,
            wrapped: master.key.wrap(&context, log_seed.as_bytes()),
        };
        match bucket.put_new(ARCHIVE_OBJECT, Bytes::from(object.encode())).await {
            Ok(_) => {}
            // Someone made an archive in it at the same time.
            Err(BucketError::Differs(_)) => {
                let other = Self::archive_of(&bucket).await?;
                return Err(KeyringError::Occupied(other));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Self { bucket, master, archive, log_seed, epochs: Mutex::default() })
    }

    /// Refuses a bucket that holds an archive.
    pub async fn check_vacant(bucket: &Bucket) -> Result<(), KeyringError> {
        match Self::archive_of(bucket).await {
            Ok(archive) => Err(KeyringError::Occupied(archive)),
            Err(KeyringError::NoArchive) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whose bucket it is; that takes no key.
    pub async fn archive_of(bucket: &Bucket) -> Result<ArchiveId, KeyringError> {
        Ok(ArchiveObject::read(bucket).await?.archive)
    }

    /// Opens the archive of a bucket with its master key.
    pub async fn open(bucket: Bucket, master: MasterKey) -> Result<Self, KeyringError> {
        let object = ArchiveObject::read(&bucket).await?;
        if object.master_id != master.id {
            return Err(KeyringError::WrongMaster {
                expected: hex::encode(object.master_id),
                found: hex::encode(master.id),
            });
        }
        let context = ArchiveObject::context(object.archive, object.created_at);
        let seed = master.key.unwrap(&context, &object.wrapped, "the log's signing key")?;
        let log_seed = Key::from_bytes(
            seed.try_into().map_err(|_| KeyringError::Damaged(ARCHIVE_OBJECT.into()))?,
        );
        let archive = object.archive;
        Ok(Self { bucket, master, archive, log_seed, epochs: Mutex::default() })
    }

    pub fn log_seed(&self) -> &[u8; 32] {
        self.log_seed.as_bytes()
    }

    /// The key of an epoch, made on first use. Of two nodes that make it at the
    /// same time, the bucket lets one win and the other reads it.
    pub async fn epoch_key(&self, class: &str, epoch: &str) -> Result<Key, KeyringError> {
        let missing = match self.known_epoch_key(class, epoch).await {
            Err(KeyringError::Bucket(BucketError::Missing(name))) => name,
            known => return known,
        };
        let key = Key::generate();
        let object = self.seal_epoch(class, epoch, &key);
        match self.bucket.put_new(&missing, Bytes::from(object)).await {
            Ok(_) => {}
            Err(BucketError::Differs(_)) => return self.known_epoch_key(class, epoch).await,
            Err(error) => return Err(error.into()),
        }
        let mut epochs = self.epochs.lock().await;
        Ok(epochs.entry((class.to_owned(), epoch.to_owned())).or_insert(key).clone())
    }

    /// The key of an epoch that something was sealed in. One that is missing is
    /// not made: a new one would open nothing, and keep the right one from being
    /// put back.
    pub async fn known_epoch_key(&self, class: &str, epoch: &str) -> Result<Key, KeyringError> {
        let mut epochs = self.epochs.lock().await;
        let place = (class.to_owned(), epoch.to_owned());
        if let Some(key) = epochs.get(&place) {
            return Ok(key.clone());
        }
        let name = epoch_object(class, epoch);
        let key = self.open_epoch(&name, class, epoch, &self.bucket.get(&name).await?)?;
        epochs.insert(place, key.clone());
        Ok(key)
    }

    /// Forgets an epoch's key, which is about to be destroyed.
    pub async fn forget(&self, class: &str, epoch: &str) {
        self.epochs.lock().await.remove(&(class.to_owned(), epoch.to_owned()));
    }

    /// Whether an object of the keyring is what its name says and opens with the
    /// master key.
    pub async fn check_object(&self, place: &Place) -> Result<(), KeyringError> {
        let bytes = self.bucket.get_at(place).await?;
        let damaged = || KeyringError::Damaged(place.name.clone());
        if place.name == ARCHIVE_OBJECT {
            let object = ArchiveObject::decode(&bytes).map_err(|_| damaged())?;
            let context = ArchiveObject::context(object.archive, object.created_at);
            let seed = self.master.key.unwrap(&context, &object.wrapped, "the log's signing key");
            let is_ours = object.archive == self.archive && object.master_id == self.master.id;
            let is_same = seed.is_ok_and(|seed| seed[..] == self.log_seed.as_bytes()[..]);
            return if is_ours && is_same { Ok(()) } else { Err(damaged()) };
        }
        let mut parts = place.name.strip_prefix("keyring/epoch/").ok_or_else(damaged)?.split('/');
        let (class, epoch) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if place.name != epoch_object(class, epoch) {
            return Err(damaged());
        }
        self.open_epoch(&place.name, class, epoch, &bytes)?;
        Ok(())
    }

    fn epoch_context(&self, class: &str, epoch: &str) -> Vec<u8> {
        let mut context = EPOCH_MAGIC.to_vec();
        context.extend_from_slice(&self.archive.0);
        put_text(&mut context, class);
        put_text(&mut context, epoch);
        context
    }

    fn seal_epoch(&self, class: &str, epoch: &str, key: &Key) -> Vec<u8> {
        let mut object = self.epoch_context(class, epoch);
        let wrapped = self.master.key.wrap(&object, key.as_bytes());
        object.extend_from_slice(&self.master.id);
        object.extend_from_slice(&wrapped);
        object
    }

    fn open_epoch(
        &self,
        name: &str,
        class: &str,
        epoch: &str,
        object: &[u8],
    ) -> Result<Key, KeyringError> {
        let damaged = || KeyringError::Damaged(name.to_owned());
        let context = self.epoch_context(class, epoch);
        let rest = object.strip_prefix(&context[..]).ok_or_else(damaged)?;
        let (master_id, wrapped) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        if *master_id != self.master.id {
            return Err(KeyringError::WrongMaster {
                expected: hex::encode(master_id),
                found: hex::encode(self.master.id),
            });
        }
        let key = self.master.key.unwrap(&context, wrapped, "an epoch's key")?;
        Ok(Key::from_bytes(key.try_into().map_err(|_| damaged())?))
    }
}

struct ArchiveObject {
    archive: ArchiveId,
    created_at: Timestamp,
    master_id: [u8; 8],
    wrapped: Vec<u8>,
}

impl ArchiveObject {
    async fn read(bucket: &Bucket) -> Result<Self, KeyringError> {
        let bytes = match bucket.get(ARCHIVE_OBJECT).await {
            Err(BucketError::Missing(_)) => return Err(KeyringError::NoArchive),
            other => other?,
        };
        Self::decode(&bytes).map_err(|_| KeyringError::Damaged(ARCHIVE_OBJECT.into()))
    }

    fn context(archive: ArchiveId, created_at: Timestamp) -> Vec<u8> {
        [&ARCHIVE_MAGIC[..], &archive.0, &created_at.0.to_be_bytes()].concat()
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Self::context(self.archive, self.created_at);
        out.extend_from_slice(&self.master_id);
        out.extend_from_slice(&self.wrapped);
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, Short> {
        let mut reader = Reader(bytes);
        if reader.array()? != *ARCHIVE_MAGIC {
            return Err(Short);
        }
        let object = Self {
            archive: ArchiveId(reader.array()?),
            created_at: Timestamp(reader.i64()?),
            master_id: reader.array()?,
            wrapped: reader.bytes(WRAPPED_BYTES)?.to_vec(),
        };
        if reader.0.is_empty() { Ok(object) } else { Err(Short) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn keyring() -> (Keyring, String, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let bucket = Bucket::local(directory.path()).unwrap();
        let master = MasterKey::generate();
        let text = master.to_text();
        (Keyring::create(bucket, master, Timestamp(5)).await.unwrap(), text, directory)
    }

    fn reload(text: &str) -> MasterKey {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        crate::base::durable::create(&path, text.as_bytes(), 0o600).unwrap();
        MasterKey::load(&path).unwrap()
    }

    #[tokio::test]
    async fn keys_come_back_from_bucket_and_master() {
        let (first, text, _directory) = keyring().await;
        let made = first.epoch_key("standard", "2026-01").await.unwrap();
        let second = Keyring::open(first.bucket.clone(), reload(&text)).await.unwrap();
        let read = second.epoch_key("standard", "2026-01").await.unwrap();
        assert_eq!(made.as_bytes(), read.as_bytes());
        assert_eq!(first.log_seed(), second.log_seed());
        let other = second.epoch_key("standard", "2026-02").await.unwrap();
        assert_ne!(made.as_bytes(), other.as_bytes());
    }

    #[tokio::test]
    async fn a_wrong_master_key_is_named() {
        let (first, _text, _directory) = keyring().await;
        let opened = Keyring::open(first.bucket.clone(), MasterKey::generate()).await;
        assert!(matches!(opened.err(), Some(KeyringError::WrongMaster { .. })));
    }

    #[tokio::test]
    async fn a_bucket_holds_one_archive() {
        let (first, _text, _directory) = keyring().await;
        let again =
            Keyring::create(first.bucket.clone(), MasterKey::generate(), Timestamp(6)).await;
        assert!(matches!(again.err(), Some(KeyringError::Occupied(id)) if id == first.archive));
    }
}

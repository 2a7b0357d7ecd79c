//! The keyring's objects in the bucket: what they are called and how they read.
//! Layout in `FORMAT.md`.

use super::bucket::{Bucket, BucketError};
use super::keyring::KeyringError;
use super::keys::{Key, KeyError, WRAPPED_BYTES};
use super::master::{MasterId, MasterKey};
use super::wire::{Reader, Short, put_text};
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::ids::ArchiveId;

const ARCHIVE_MAGIC: &[u8; 8] = b"MUNARC\x00\x01";
const EPOCH_MAGIC: &[u8; 8] = b"MUNEPO\x00\x01";
pub(super) const ARCHIVE_PREFIX: &str = "keyring/archive";
pub(super) const EPOCHS_PREFIX: &str = "keyring/epoch";
/// The number of what is wrapped for the first time.
pub(super) const FIRST: u32 = 1;

pub(super) fn object_name(prefix: &str, number: u32) -> String {
    format!("{prefix}/{number:08}")
}

/// Where the objects of an epoch are.
pub(super) fn epoch_prefix(class: &str, epoch: &str) -> String {
    format!("{EPOCHS_PREFIX}/{class}/{epoch}")
}

/// The number at the end of a name; what is called otherwise is no keyring object.
pub(super) fn number_in<'a>(prefix: &str, name: &'a str) -> Option<(u32, &'a str)> {
    let digits = name.strip_prefix(prefix)?.strip_prefix('/')?;
    let is_number = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((digits.parse().ok().filter(|_| is_number)?, name))
}

/// The objects below `prefix` by their numbers, from the first on.
pub(super) async fn numbers(bucket: &Bucket, prefix: &str) -> Result<Vec<u32>, BucketError> {
    let names = bucket.list(prefix).await?;
    Ok(names.iter().filter_map(|name| Some(number_in(prefix, name)?.0)).collect())
}

/// The archive's id and the log's seed, under one master.
pub(super) struct ArchiveObject {
    pub archive: ArchiveId,
    created_at: Timestamp,
    pub master_id: MasterId,
    wrapped: Vec<u8>,
    /// The seed once more, under the master before: so its holder knows a successor
    /// from what a stranger put there. The first object has none.
    handover: Vec<u8>,
}

impl ArchiveObject {
    pub fn first(
        archive: ArchiveId,
        created_at: Timestamp,
        master: &MasterKey,
        seed: &Key,
    ) -> Self {
        let wrapped = master.wrap(&Self::context(archive, created_at), seed);
        Self { archive, created_at, master_id: master.id(), wrapped, handover: Vec::new() }
    }

    /// The object `number`, with which `previous` hands over to `next`.
    pub fn successor(
        &self,
        number: u32,
        previous: &MasterKey,
        next: &MasterKey,
        seed: &Key,
    ) -> Self {
        let mut object = Self::first(self.archive, self.created_at, next, seed);
        object.handover = previous.wrap(&object.handover_context(number), seed);
        object
    }

    /// The log's seed, if it is under this master.
    pub fn seed(&self, master: &MasterKey) -> Result<Key, KeyError> {
        let context = Self::context(self.archive, self.created_at);
        master.unwrap(&context, &self.wrapped, "the log's signing key")
    }

    /// Whether `previous` handed over with it, as object `number`.
    pub fn is_handed_over_by(&self, number: u32, previous: &MasterKey, seed: &Key) -> bool {
        let context = self.handover_context(number);
        previous
            .unwrap(&context, &self.handover, "a handover")
            .is_ok_and(|found| found.as_bytes() == seed.as_bytes())
    }

    /// All that can be read of a bucket, with their numbers, from the first on.
    pub async fn all(bucket: &Bucket) -> Result<Vec<(u32, Self)>, KeyringError> {
        let first = Self::read(bucket, FIRST).await?;
        let archive = first.archive;
        let mut found = vec![(FIRST, first)];
        for number in numbers(bucket, ARCHIVE_PREFIX).await? {
            if number <= FIRST {
                continue;
            }
            match Self::read(bucket, number).await {
                Ok(object) if object.archive == archive => found.push((number, object)),
                // What a stranger put there is nobody's trouble.
                Ok(_) | Err(KeyringError::Damaged(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    pub async fn read(bucket: &Bucket, number: u32) -> Result<Self, KeyringError> {
        let name = object_name(ARCHIVE_PREFIX, number);
        let bytes = match bucket.get(&name).await {
            Err(BucketError::Missing(_)) => return Err(KeyringError::NoArchive),
            other => other?,
        };
        Self::decode(&bytes).map_err(|_| KeyringError::Damaged(name))
    }

    fn context(archive: ArchiveId, created_at: Timestamp) -> Vec<u8> {
        [&ARCHIVE_MAGIC[..], &archive.0, &created_at.0.to_be_bytes()].concat()
    }

    fn body(&self) -> Vec<u8> {
        let mut out = Self::context(self.archive, self.created_at);
        out.extend_from_slice(&self.master_id.0);
        out.extend_from_slice(&self.wrapped);
        out
    }

    fn handover_context(&self, number: u32) -> Vec<u8> {
        [&number.to_be_bytes()[..], &self.body()].concat()
    }

    pub fn encode(&self) -> Vec<u8> {
        [self.body(), self.handover.clone()].concat()
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Short> {
        let mut reader = Reader(bytes);
        if reader.array()? != *ARCHIVE_MAGIC {
            return Err(Short);
        }
        let object = Self {
            archive: ArchiveId(reader.array()?),
            created_at: Timestamp(reader.i64()?),
            master_id: MasterId(reader.array()?),
            wrapped: reader.bytes(WRAPPED_BYTES)?.to_vec(),
            handover: reader.0.to_vec(),
        };
        match object.handover.len() {
            0 | WRAPPED_BYTES => Ok(object),
            _ => Err(Short),
        }
    }
}

fn epoch_context(archive: ArchiveId, class: &str, epoch: &str) -> Vec<u8> {
    let mut context = EPOCH_MAGIC.to_vec();
    context.extend_from_slice(&archive.0);
    put_text(&mut context, class);
    put_text(&mut context, epoch);
    context
}

/// An epoch's key under a master. An object after the first is closed once more,
/// under the first one's bytes: when that is destroyed, so is the key in all of them,
/// in those too that a rotation puts a moment later.
pub(super) fn wrap_epoch(
    archive: ArchiveId,
    class: &str,
    epoch: &str,
    master: &MasterKey,
    key: &Key,
    first: Option<&[u8]>,
) -> Vec<u8> {
    let mut object = epoch_context(archive, class, epoch);
    let wrapped = master.wrap(&object, key);
    let wrapped = match first {
        Some(first) => key_of(first).wrap(&object, &wrapped),
        None => wrapped,
    };
    object.extend_from_slice(&master.id().0);
    object.extend_from_slice(&wrapped);
    object
}

/// What the first object of an epoch closes the later ones with. The key that it
/// wraps has the randomness of one.
fn key_of(first: &[u8]) -> Key {
    let digest = Key::from_bytes(Digest::of(first).0);
    Key::from_bytes(digest.derive(b"muniment epoch key again v1"))
}

/// Under which master an epoch's object is, and how to open it; none if it is no
/// such object.
pub(super) struct WrappedEpoch<'a> {
    pub master_id: MasterId,
    context: Vec<u8>,
    wrapped: &'a [u8],
}

impl<'a> WrappedEpoch<'a> {
    pub fn read(archive: ArchiveId, class: &str, epoch: &str, object: &'a [u8]) -> Option<Self> {
        let context = epoch_context(archive, class, epoch);
        let rest = object.strip_prefix(&context[..])?;
        let (id, wrapped) = rest.split_first_chunk::<8>()?;
        Some(Self { master_id: MasterId(*id), context, wrapped })
    }

    /// `first` is what the epoch's first object holds, where this is a later one.
    pub fn open(&self, master: &MasterKey, first: Option<&[u8]>) -> Result<Key, KeyError> {
        const WHAT: &str = "an epoch's key";
        match first {
            Some(first) => {
                let wrapped = key_of(first).unwrap(&self.context, self.wrapped, WHAT)?;
                master.unwrap(&self.context, &wrapped, WHAT)
            }
            None => master.unwrap(&self.context, self.wrapped, WHAT),
        }
    }
}

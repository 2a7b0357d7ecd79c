//! The keyring: what the master key wraps, kept in the bucket.
//!
//! Objects for the archive (its id and the log's signing key) and for each epoch
//! (its key). They are numbered: a rotation writes the next number under the new
//! master and rewrites none, so that each master opens what was there in its time.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Mutex;

use super::bucket::{Bucket, BucketError, Place};
use super::keys::{Key, KeyError};
use super::master::{MasterId, MasterKey, Successor};
use super::segment::HELD;
use super::wrapped::{
    ARCHIVE_PREFIX, ArchiveObject, EPOCHS_PREFIX, FIRST, WrappedEpoch, epoch_prefix, number_in,
    numbers, object_name, wrap_epoch,
};
use crate::base::clock::Timestamp;
use crate::base::config::POLICY;
use crate::base::ids::ArchiveId;

/// What pages and statements say of their epoch's key. A rotation wraps the same
/// key again, so it is always 1; other numbers are for a key in its place.
pub const VERSION: u32 = 1;
/// How often another writer may come first with the same name.
const ATTEMPTS_MAX: u32 = 8;

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
         that was given is {found}; put the right key file in place"
    )]
    WrongMaster { expected: String, found: MasterId },
    #[error(
        "the master key {found} is stale: a rotation replaced it by {newer}; put the key file with \
         {newer} in place, or write it with `muniment keys restore` from a copy made since"
    )]
    Superseded { found: MasterId, newer: MasterId },
    #[error("the keyring object {0} is of no master key of the archive")]
    Stranger(String),
    #[error("the keyring object {0} is damaged")]
    Damaged(String),
    /// Another in its place would close for ever what is under it.
    #[error(
        "the keyring object {name} is not in the bucket, or is not the one that was there, and \
         {sealed} is under it; no mail of its class and month is taken: put the object back"
    )]
    Lost { name: String, sealed: String },
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// In the place of an epoch: the key of a class for pages of held records, whose
/// epoch's key is destroyed.
pub const HOLD: &str = "held";

/// What the archive's object is called that `init` put.
pub const ARCHIVE_OBJECT: &str = "keyring/archive/00000001";

/// What the first object with the key of an epoch is called.
pub fn epoch_object(class: &str, epoch: &str) -> String {
    object_name(&epoch_prefix(class, epoch), FIRST)
}

/// The class and the month of an object with an epoch's key, and its number.
pub fn epoch_in(name: &str) -> Option<(&str, &str, u32)> {
    let mut parts = name.strip_prefix(EPOCHS_PREFIX)?.strip_prefix('/')?.split('/');
    let (class, epoch) = (parts.next()?, parts.next()?);
    let (number, _) = number_in(&epoch_prefix(class, epoch), name)?;
    Some((class, epoch, number))
}

/// The number of an object of the archive.
pub fn archive_number(name: &str) -> Option<u32> {
    Some(number_in(ARCHIVE_PREFIX, name)?.0)
}

/// The keys of one archive, opened as they are needed.
pub struct Keyring {
    pub(super) bucket: Bucket,
    pub archive: ArchiveId,
    /// Seed of the log's Ed25519 key (RFC 8032).
    pub(super) log_seed: Key,
    /// Only this struct touches them; the first is locked before the second.
    epochs: Mutex<HashMap<(String, String), Opened>>,
    masters: Mutex<Masters>,
}

struct Opened {
    key: Key,
    /// Whether it is known to be under the newest master, so that what is sealed
    /// with it can be opened for ever.
    is_for_sealing: bool,
}

/// The masters that this process has.
struct Masters {
    /// While a rotation goes on the one before, too; the newest comes last.
    known: Vec<Arc<MasterKey>>,
    /// The number of the archive's object under the newest.
    number: u32,
    /// The last number that was looked at.
    seen: u32,
    /// One that took over and that this process does not have.
    superseded_by: Option<MasterId>,
}

/// What the objects of an epoch give; nothing, where the first is gone.
struct Found {
    /// What the first holds.
    first: Option<Bytes>,
    /// The key, and the master that opened it.
    key: Option<(Key, MasterId)>,
    /// The number of the object that it is from.
    number: u32,
    /// The number that is free.
    next: u32,
    /// Of masters that this process does not have.
    strangers: Vec<MasterId>,
    damaged: Option<String>,
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
        let object = ArchiveObject::first(archive, now, &master, &log_seed).encode();
        match bucket.put_new(&object_name(ARCHIVE_PREFIX, FIRST), Bytes::from(object)).await {
            Ok(_) => {}
            // Someone made an archive in it at the same time.
            Err(BucketError::Differs(_)) => {
                let other = Self::archive_of(&bucket).await?;
                return Err(KeyringError::Occupied(other));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Self::with(bucket, archive, log_seed, master, FIRST))
    }

    fn with(
        bucket: Bucket,
        archive: ArchiveId,
        log_seed: Key,
        master: MasterKey,
        number: u32,
    ) -> Self {
        let known = vec![Arc::new(master)];
        let masters = Masters { known, number, seen: number, superseded_by: None };
        let masters = Mutex::new(masters);
        Self { bucket, archive, log_seed, epochs: Mutex::default(), masters }
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
        Ok(ArchiveObject::read(bucket, FIRST).await?.archive)
    }

    /// Opens the archive of a bucket with one of its master keys. One that is not
    /// the newest opens what was there in its time.
    pub async fn open(bucket: Bucket, master: MasterKey) -> Result<Self, KeyringError> {
        let objects = ArchiveObject::all(&bucket).await?;
        let own: Vec<_> =
            objects.iter().filter(|(_, object)| object.master_id == master.id()).collect();
        let opened = own.iter().rev().find_map(|(number, object)| {
            object.seed(&master).ok().map(|seed| (*number, object.archive, seed))
        });
        let Some((number, archive, seed)) = opened else {
            return Err(match own.first() {
                Some((number, _)) => KeyringError::Damaged(object_name(ARCHIVE_PREFIX, *number)),
                None => KeyringError::WrongMaster {
                    expected: words(objects.iter().map(|(_, object)| object.master_id)),
                    found: master.id(),
                },
            });
        };
        let keyring = Self::with(bucket, archive, seed, master, number);
        match keyring.renew().await {
            Ok(_) | Err(KeyringError::Superseded { .. }) => Ok(keyring),
            Err(error) => Err(error),
        }
    }

    pub fn log_seed(&self) -> &[u8; 32] {
        self.log_seed.as_bytes()
    }

    /// The newest master that this process has.
    pub async fn newest(&self) -> Arc<MasterKey> {
        self.masters.lock().await.known.last().expect("there is always one").clone()
    }

    /// Refuses a master that another has replaced.
    pub async fn check_newest(&self) -> Result<(), KeyringError> {
        let newer = self.masters.lock().await.superseded_by;
        match newer {
            Some(newer) => Err(KeyringError::Superseded { found: self.newest().await.id(), newer }),
            None => Ok(()),
        }
    }

    /// Looks whether another master has taken over, and takes it from the key file
    /// or from beside it; whether anything changed.
    pub(super) async fn renew(&self) -> Result<bool, KeyringError> {
        let mut masters = self.masters.lock().await;
        let newest = numbers(&self.bucket, ARCHIVE_PREFIX).await?.last().copied();
        let is_settled = masters.known.len() == 1 && masters.superseded_by.is_none();
        if is_settled && newest.is_none_or(|newest| newest <= masters.seen) {
            return Ok(false);
        }
        let objects = ArchiveObject::all(&self.bucket).await?;
        let mut is_changed = masters.settle();
        loop {
            let current = masters.known.last().expect("there is always one").clone();
            let heirs: Vec<_> = objects
                .iter()
                .filter(|(number, object)| {
                    *number > masters.number
                        && object.is_handed_over_by(*number, &current, &self.log_seed)
                })
                .collect();
            let mut found = heirs
                .iter()
                .rev()
                .find_map(|(number, object)| Some((*number, current.successor(object.master_id)?)));
            if found.is_none() && !heirs.is_empty() {
                found = objects.iter().rev().find_map(|(number, object)| {
                    self.inherited(*number, object, &masters, &current)
                });
            }
            match (found, heirs.last()) {
                (Some((number, successor)), _) => {
                    masters.known = match successor {
                        // All epochs are under it, so the old one has done its work.
                        Successor::InPlace(master) => vec![Arc::new(master)],
                        Successor::Waiting(master) => vec![current, Arc::new(master)],
                    };
                    (masters.number, masters.superseded_by) = (number, None);
                    is_changed = true;
                }
                (None, Some((_, heir))) => {
                    masters.superseded_by = Some(heir.master_id);
                    let (found, newer) = (current.id(), heir.master_id);
                    return Err(KeyringError::Superseded { found, newer });
                }
                (None, None) => {
                    masters.seen = newest.unwrap_or_default();
                    return Ok(is_changed);
                }
            }
        }
    }

    /// The master in the key file, where it came after this one's heir: of several
    /// rotations in a row only the last one's is kept there. Who put its object had the
    /// log's seed, which no stranger has.
    fn inherited(
        &self,
        number: u32,
        object: &ArchiveObject,
        masters: &Masters,
        current: &MasterKey,
    ) -> Option<(u32, Successor)> {
        if number <= masters.number {
            return None;
        }
        let Successor::InPlace(master) = current.successor(object.master_id)? else { return None };
        let seed = object.seed(&master).ok()?;
        (seed.as_bytes() == self.log_seed.as_bytes())
            .then_some((number, Successor::InPlace(master)))
    }

    /// The key of an epoch for sealing, made on first use. Of two nodes that make
    /// it at the same time, the bucket lets one win and the other reads it.
    ///
    /// It is put first, and then it is seen that no other master has taken over
    /// meanwhile: a rotation announces itself before it lists the epochs, so either
    /// it finds this one or this finds the rotation.
    pub async fn sealing_key(&self, class: &str, epoch: &str) -> Result<Key, KeyringError> {
        let mut epochs = self.epochs.lock().await;
        let place = (class.to_owned(), epoch.to_owned());
        if let Some(opened) = epochs.get(&place).filter(|opened| opened.is_for_sealing) {
            return Ok(opened.key.clone());
        }
        for _ in 0..ATTEMPTS_MAX {
            self.renew().await?;
            let Some(key) = self.wrap_for_newest(class, epoch, true).await? else { continue };
            if !self.renew().await? {
                epochs.insert(place, Opened { key: key.clone(), is_for_sealing: true });
                return Ok(key);
            }
        }
        Err(BucketError::Differs(epoch_prefix(class, epoch)).into())
    }

    /// Refuses an epoch whose key is lost. One that has none yet will get one, and one
    /// that is in memory is at hand.
    pub async fn check_sealing(&self, class: &str, epoch: &str) -> Result<(), KeyringError> {
        let place = (class.to_owned(), epoch.to_owned());
        if self.epochs.lock().await.contains_key(&place) {
            return Ok(());
        }
        let found = self.find(class, epoch).await?;
        match (found.key, found.damaged) {
            (Some(_), _) => Ok(()),
            (None, Some(name)) => Err(KeyringError::Damaged(name)),
            (None, None) => self.check_unused(class, epoch).await,
        }
    }

    /// Refuses a new key for an epoch that has had one: a key is put before anything
    /// is sealed with it.
    async fn check_unused(&self, class: &str, epoch: &str) -> Result<(), KeyringError> {
        let Some(sealed) = self.sealed_in(class, epoch).await? else { return Ok(()) };
        // Another node may have made it, and sealed with it, since the look.
        if self.find(class, epoch).await?.key.is_some() {
            return Ok(());
        }
        Err(KeyringError::Lost { name: epoch_object(class, epoch), sealed })
    }

    /// Something that the key of an epoch seals, or sealed.
    async fn sealed_in(&self, class: &str, epoch: &str) -> Result<Option<String>, BucketError> {
        let pages = match epoch {
            _ if class == POLICY => {
                let statements = self.bucket.list(&format!("{POLICY}/{epoch}")).await?;
                return Ok(statements.into_iter().next());
            }
            HOLD => self.bucket.list(&format!("key/{class}")).await?,
            _ => self.bucket.list(&format!("key/{class}/{epoch}")).await?,
        };
        let is_any = !pages.is_empty();
        let mut under = pages.into_iter().filter(|page| page.ends_with(HELD) == (epoch == HOLD));
        match under.next() {
            // A month of which a disposition left what is held has no key of its own.
            None if epoch != HOLD && !is_any => {
                let segments = self.bucket.list(&format!("seg/{class}/{epoch}")).await?;
                Ok(segments.into_iter().next())
            }
            page => Ok(page),
        }
    }

    /// The key of an epoch for reading. Nothing is written.
    pub async fn opening_key(&self, class: &str, epoch: &str) -> Result<Key, KeyringError> {
        let mut epochs = self.epochs.lock().await;
        let place = (class.to_owned(), epoch.to_owned());
        if let Some(opened) = epochs.get(&place) {
            return Ok(opened.key.clone());
        }
        let mut found = self.find(class, epoch).await?;
        if found.key.is_none() && self.renew().await? {
            found = self.find(class, epoch).await?;
        }
        let prefix = epoch_prefix(class, epoch);
        let Some((key, _)) = found.key else {
            return Err(match (found.damaged, found.strangers.is_empty()) {
                (Some(name), _) => KeyringError::Damaged(name),
                (None, true) => BucketError::Missing(object_name(&prefix, FIRST)).into(),
                (None, false) => KeyringError::WrongMaster {
                    expected: words(found.strangers.into_iter()),
                    found: self.newest().await.id(),
                },
            });
        };
        epochs.insert(place, Opened { key: key.clone(), is_for_sealing: false });
        Ok(key)
    }

    /// The key of an epoch, seen to be under the newest master, and made if it is
    /// not there and that `is_wanted`. None if another writer came first, or if it
    /// is not there.
    ///
    /// An epoch that only a master before opens, and no master that this process
    /// has, was never used: a rotation wraps all that were before the old master
    /// goes. Its key may have been put by who has that master, so it is not taken.
    pub(super) async fn wrap_for_newest(
        &self,
        class: &str,
        epoch: &str,
        is_wanted: bool,
    ) -> Result<Option<Key>, KeyringError> {
        let found = self.find(class, epoch).await?;
        self.wrap_found(class, epoch, found, is_wanted).await
    }

    /// A disposition may destroy the key between the look and this.
    async fn wrap_found(
        &self,
        class: &str,
        epoch: &str,
        found: Found,
        is_wanted: bool,
    ) -> Result<Option<Key>, KeyringError> {
        let master = self.newest().await;
        let key = match found.key {
            Some((key, id)) if id == master.id() => return Ok(Some(key)),
            Some((key, _)) => key,
            None if !is_wanted => return Ok(None),
            None => match found.damaged {
                Some(name) => return Err(KeyringError::Damaged(name)),
                None => {
                    self.check_unused(class, epoch).await?;
                    Key::generate()
                }
            },
        };
        let name = object_name(&epoch_prefix(class, epoch), found.next);
        let first = found.first.as_deref();
        let object = wrap_epoch(self.archive, class, epoch, &master, &key, first);
        match self.bucket.put_new(&name, Bytes::from(object)).await {
            Ok(_) => Ok(Some(key)),
            Err(BucketError::Differs(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Forgets an epoch's key, which is about to be destroyed.
    pub(super) async fn forget(&self, class: &str, epoch: &str) {
        self.epochs.lock().await.remove(&(class.to_owned(), epoch.to_owned()));
    }

    /// Whether an object of the keyring is what its name says and opens with the
    /// master key. One of a master before cannot be opened, and is seen to be
    /// followed by one that can.
    pub async fn check_object(&self, place: &Place) -> Result<(), KeyringError> {
        let bytes = self.bucket.get_at(place).await?;
        let damaged = || KeyringError::Damaged(place.name.clone());
        let stranger = || KeyringError::Stranger(place.name.clone());
        if let Some(number) = archive_number(&place.name) {
            let (known, own) = {
                let masters = self.masters.lock().await;
                (masters.known.clone(), masters.number)
            };
            let object = ArchiveObject::decode(&bytes);
            let object = match object.ok().filter(|object| object.archive == self.archive) {
                Some(object) => object,
                None if number > own => return Err(stranger()),
                None => return Err(damaged()),
            };
            return match known.iter().find(|master| master.id() == object.master_id) {
                Some(master) => match object.seed(master) {
                    Ok(seed) if seed.as_bytes() == self.log_seed.as_bytes() => Ok(()),
                    _ => Err(damaged()),
                },
                None if number < own => Ok(()),
                None if number == own => Err(damaged()),
                None => Err(stranger()),
            };
        }
        let (class, epoch, number) = epoch_in(&place.name).ok_or_else(damaged)?;
        let object = WrappedEpoch::read(self.archive, class, epoch, &bytes).ok_or_else(damaged)?;
        let known = self.masters.lock().await.known.clone();
        let found = self.find(class, epoch).await?;
        // Left from a rotation beside the destruction of the epoch, and opens nothing.
        let Some(first) = &found.first else { return Ok(()) };
        if let Some(master) = known.iter().find(|master| master.id() == object.master_id) {
            object.open(master, (number > FIRST).then_some(&first[..]))?;
            return Ok(());
        }
        match found.key {
            Some(_) if number < found.number => Ok(()),
            Some(_) => Err(stranger()),
            None => Err(KeyringError::WrongMaster {
                expected: object.master_id.to_string(),
                found: self.newest().await.id(),
            }),
        }
    }

    /// Opens the newest of an epoch's objects that the newest master opens.
    async fn find(&self, class: &str, epoch: &str) -> Result<Found, KeyringError> {
        let known = self.masters.lock().await.known.clone();
        let prefix = epoch_prefix(class, epoch);
        let numbers = numbers(&self.bucket, &prefix).await?;
        let (first, next) = match numbers.first() {
            Some(&FIRST) => (self.read(&object_name(&prefix, FIRST)).await?, numbers.last()),
            _ => (None, None),
        };
        let next = next.map_or(FIRST, |last| last + 1);
        let (strangers, damaged) = (Vec::new(), None);
        let mut found = Found { first, key: None, number: 0, next, strangers, damaged };
        let Some(first) = found.first.clone() else { return Ok(found) };
        for number in numbers.into_iter().rev() {
            let name = object_name(&prefix, number);
            let (bytes, first) = match number {
                FIRST => (Some(first.clone()), None),
                _ => (self.read(&name).await?, Some(&first[..])),
            };
            let Some(bytes) = bytes else { continue };
            let Some(object) = WrappedEpoch::read(self.archive, class, epoch, &bytes) else {
                found.damaged = Some(name);
                continue;
            };
            let rank = |id| known.iter().position(|master| master.id() == id);
            let Some(own) = rank(object.master_id) else {
                found.strangers.push(object.master_id);
                continue;
            };
            match object.open(&known[own], first) {
                Ok(_) if found.key.as_ref().is_some_and(|(_, id)| rank(*id) >= Some(own)) => {}
                Ok(key) => {
                    (found.key, found.number) = (Some((key, object.master_id)), number);
                }
                Err(_) => found.damaged = Some(name),
            }
            if own + 1 == known.len() && found.key.is_some() {
                break;
            }
        }
        Ok(found)
    }

    /// None where it is gone by now.
    async fn read(&self, name: &str) -> Result<Option<Bytes>, BucketError> {
        match self.bucket.get(name).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(BucketError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Masters {
    /// Lets the one before go when the key file holds the newest.
    fn settle(&mut self) -> bool {
        let newest = self.known.last().expect("there is always one").clone();
        let is_over = self.known.len() > 1
            && matches!(newest.successor(newest.id()), Some(Successor::InPlace(_)));
        if is_over {
            self.known = vec![newest];
        }
        is_over
    }
}

fn words(ids: impl Iterator<Item = MasterId>) -> String {
    let mut ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    ids.dedup();
    ids.join(" or ")
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;

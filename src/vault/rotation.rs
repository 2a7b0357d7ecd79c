//! A rotation of the master key: the new one gets an object of the archive and the
//! next object of every epoch. The same keys are wrapped again; nothing that is
//! locked is rewritten, and what they seal is not touched.
//!
//! The order, each step durable before the next and all of it to be done again
//! after a crash: the new key waits beside the key file; the archive's object tells
//! the bucket; then each epoch; then the key file is switched. Whoever makes an epoch
//! meanwhile looks at the archive's objects afterwards (`Keyring::sealing_key`).

use bytes::Bytes;

use super::bucket::BucketError;
use super::keyring::{Keyring, KeyringError};
use super::master::MasterKey;
use super::wrapped::{ARCHIVE_PREFIX, ArchiveObject, EPOCHS_PREFIX, FIRST, number_in, object_name};
use super::{Vault, VaultError};

/// A class and a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    pub class: String,
    pub month: String,
}

impl Vault {
    /// Tells the bucket that `next`, which waits beside the key file, takes over
    /// from the master of this vault.
    pub async fn announce(&self, next: &MasterKey) -> Result<(), VaultError> {
        self.keyring().announce(next).await?;
        self.keyring().renew().await?;
        Ok(())
    }

    /// The epochs that have keys.
    pub async fn epochs(&self) -> Result<Vec<Epoch>, VaultError> {
        let mut found: Vec<Epoch> = Vec::new();
        for name in self.bucket().list(EPOCHS_PREFIX).await? {
            let Some((prefix, _)) = name.rsplit_once('/') else { continue };
            let place = prefix.strip_prefix(EPOCHS_PREFIX).and_then(|rest| rest.strip_prefix('/'));
            let Some((class, month)) = place.and_then(|place| place.split_once('/')) else {
                continue;
            };
            let epoch = Epoch { class: class.to_owned(), month: month.to_owned() };
            // What is left of others opens nothing.
            if number_in(prefix, &name).is_some_and(|(number, _)| number == FIRST) {
                found.push(epoch);
            }
        }
        Ok(found)
    }

    /// Whether the keys of an epoch open.
    pub async fn check_epoch(&self, epoch: &Epoch) -> Result<(), VaultError> {
        self.keyring().opening_key(&epoch.class, &epoch.month).await?;
        Ok(())
    }

    /// Wraps the key of an epoch under the newest master, if it is not and if it was
    /// not destroyed meanwhile. False where no master that is here opens it: then none
    /// did before the rotation either.
    pub async fn rewrap(&self, epoch: &Epoch) -> Result<bool, VaultError> {
        let Epoch { class, month } = epoch;
        // Of two that wrap it the bucket lets one win; the second look finds that.
        for _ in 0..2 {
            if self.keyring().wrap_for_newest(class, month, false).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(!self.epochs().await?.contains(epoch))
    }
}

impl Keyring {
    async fn announce(&self, next: &MasterKey) -> Result<(), KeyringError> {
        let from = self.newest().await;
        if from.id() == next.id() {
            return Ok(());
        }
        loop {
            let objects = ArchiveObject::all(&self.bucket).await?;
            let is_told = objects.iter().any(|(number, object)| {
                object.master_id == next.id()
                    && object.is_handed_over_by(*number, &from, &self.log_seed)
            });
            if is_told {
                return Ok(());
            }
            let names = self.bucket.list(ARCHIVE_PREFIX).await?;
            let taken = names.iter().filter_map(|name| Some(number_in(ARCHIVE_PREFIX, name)?.0));
            let number = taken.max().unwrap_or_default() + 1;
            let (_, first) = &objects[0];
            let object = first.successor(number, &from, next, &self.log_seed);
            let name = object_name(ARCHIVE_PREFIX, number);
            match self.bucket.put_new(&name, Bytes::from(object.encode())).await {
                Ok(_) => return Ok(()),
                // Another came first: look again what it is.
                Err(BucketError::Differs(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

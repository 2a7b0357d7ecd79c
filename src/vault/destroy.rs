//! The one door through which anything leaves the vault. Only `retention` comes
//! through it, with what a disposition or an erasure decided
//! (`tests/it/architecture.rs`).

use bytes::Bytes;

use super::bucket::Place;
use super::keyring::{HOLD, VERSION};
use super::page::{self, Under};
use super::{Vault, VaultError};
use crate::base::hash::Digest;
use crate::base::ids::RecordId;

impl Vault {
    /// Deletes an object for good, in all its versions. One that is gone already
    /// is deleted.
    ///
    /// # Errors
    /// Where the bucket still locks it, or the credentials may not.
    pub async fn destroy_object(&self, name: &str) -> Result<(), VaultError> {
        Ok(self.bucket().delete_all(name).await?)
    }

    /// Deletes a key page that no segment has any more, in all its versions, also before
    /// the date of its class where that is erasable: by bypassing governance.
    ///
    /// # Errors
    /// Where it is locked so that nobody can, or the credentials may not.
    pub async fn destroy_page(&self, name: &str) -> Result<(), VaultError> {
        if !name.starts_with("key/") {
            let what = "it is no key page, so no erasure deletes it";
            return Err(VaultError::Damaged { object: name.to_owned(), what });
        }
        self.bucket().delete_governed(name).await?;
        self.forget_pages(name);
        Ok(())
    }

    /// Puts a page of a segment that has the keys of `kept` alone, under the class's
    /// key for held records, and flags segment and page as held. The old page is not
    /// touched.
    pub async fn put_held_page(
        &self,
        object: &Place,
        page: &Place,
        kept: &[RecordId],
    ) -> Result<Place, VaultError> {
        let open = self.open_segment(object, page).await?;
        let header = open.header();
        let mut keys = self.page_keys(header, page).await?;
        let kept: Vec<_> = kept
            .iter()
            .map(|record| Ok((*record, keys.remove(record).ok_or(VaultError::NoKey(*record))?)))
            .collect::<Result<_, VaultError>>()?;
        let above = self.keyring().sealing_key(&header.class, HOLD).await?;
        let bytes = page::seal(Under::Hold, header, VERSION, &above, &kept);
        let name = header.held_page_name(&Digest::of(&bytes));
        let held = self.bucket().put_new(&name, Bytes::from(bytes)).await?;
        self.bucket().set_held(&held, true).await?;
        self.bucket().set_held(object, true).await?;
        Ok(held)
    }

    /// Destroys the key of an epoch: no page under it opens any more.
    pub async fn destroy_epoch_key(&self, class: &str, epoch: &str) -> Result<(), VaultError> {
        self.keyring().forget(class, epoch).await;
        for name in self.bucket().list(&format!("keyring/epoch/{class}/{epoch}/")).await? {
            self.bucket().delete_all(&name).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::vault::bucket::{Bucket, BucketError};
    use crate::vault::keyring::KeyringError;
    use crate::vault::master::MasterKey;

    #[tokio::test]
    async fn a_destroyed_key_is_not_made_again_by_reading() {
        let directory = tempfile::tempdir().unwrap();
        let bucket = Bucket::local(directory.path()).unwrap();
        let vault = Vault::create(bucket, MasterKey::generate(), Timestamp(5)).await.unwrap();
        vault.keyring().sealing_key("standard", "2026-01").await.unwrap();
        vault.destroy_epoch_key("standard", "2026-01").await.unwrap();
        let gone = vault.keyring().opening_key("standard", "2026-01").await;
        assert!(matches!(gone.err(), Some(KeyringError::Bucket(BucketError::Missing(_)))));
        assert_eq!(vault.bucket().list("keyring/epoch").await.unwrap(), Vec::<String>::new());
        // Gone already is gone.
        vault.destroy_epoch_key("standard", "2026-01").await.unwrap();
        vault.destroy_object("seg/none").await.unwrap();
        // What is no page has its date.
        assert!(vault.destroy_page("seg/standard/2026-01/a.seg").await.is_err());
    }
}

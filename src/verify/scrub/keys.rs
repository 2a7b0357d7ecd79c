//! The keyring: every object opens with the master key.

use std::collections::HashMap;

use super::finding::{KEY_DAMAGED, KEY_MISSING, STRAY_OBJECT};
use super::{ScrubError, Work};
use crate::base::config::POLICY;
use crate::base::hash::Digest;
use crate::catalog::{Catalog, CatalogError, doubt};
use crate::ingest::rebuild::Progress;
use crate::vault::VaultError;
use crate::vault::bucket::BucketError;
use crate::vault::keyring::{ARCHIVE_OBJECT, KeyringError, archive_number, epoch_in};

impl<P: Progress> Work<'_, P> {
    pub(super) async fn keys(&mut self) -> Result<(), ScrubError> {
        self.enforcement().await?;
        let vault = self.on.vault.clone();
        let seen = vault.bucket().look("keyring").await?;
        let total = seen.len() as u64;
        let mut of_archive: HashMap<Digest, &str> = HashMap::new();
        for (done, seen) in (1..).zip(&seen) {
            let is_known = archive_number(&seen.name).is_some() || epoch_of(&seen.name).is_some();
            match vault.check_key(&seen.first()).await {
                _ if !is_known => self.stray(&seen.name, "it is no object of a keyring"),
                Ok(()) if archive_number(&seen.name).is_some() => {
                    let sha256 = vault.sha256(&seen.first()).await?;
                    let first = *of_archive.entry(sha256).or_insert(&seen.name);
                    if first != seen.name {
                        self.stray(&seen.name, &format!("it is a copy of {first}"));
                    }
                }
                Ok(()) => {}
                Err(VaultError::Keyring(KeyringError::Stranger(_))) => {
                    self.stray(&seen.name, "it is under no master key of the archive")
                }
                Err(error) => match what_is_wrong(&error) {
                    Some(what) => self.key_fault(KEY_DAMAGED, &seen.name, what).await?,
                    None => return Err(error.into()),
                },
            }
            self.at(done, total).await?;
        }
        if !seen.iter().any(|seen| seen.name == ARCHIVE_OBJECT) {
            self.key_fault(KEY_MISSING, ARCHIVE_OBJECT, "it is not in the bucket").await?;
        }
        Ok(())
    }

    pub(super) fn stray(&mut self, name: &str, why: &str) {
        self.fault(STRAY_OBJECT, name, format!("the archive did not put it there: {why}"), &[]);
    }

    /// A keyring object that does not open: it touches all that lies under it.
    pub(super) async fn key_fault(
        &mut self,
        kind: &str,
        name: &str,
        what: &str,
    ) -> Result<(), ScrubError> {
        let touched = match epoch_of(name) {
            Some((class, epoch)) => of_epoch(&self.on.catalog, class, epoch).await?,
            None => 0,
        };
        let detail = format!("{what}; what lies under it cannot be opened without");
        self.fault(kind, name, detail, &[]);
        if let Some(finding) = self.found.last_mut() {
            finding.touched = touched;
        }
        Ok(())
    }

    /// Takes an error of opening something by its epoch's key as that key's fault;
    /// gives back any other.
    pub(super) async fn as_key_fault(
        &mut self,
        error: VaultError,
        name: &str,
    ) -> Result<Option<VaultError>, ScrubError> {
        let VaultError::Keyring(inner) = &error else { return Ok(Some(error)) };
        if let KeyringError::Bucket(BucketError::Missing(name)) = inner {
            self.key_fault(KEY_MISSING, name, "it is not in the bucket").await?;
            return Ok(None);
        }
        match what_is_wrong(&error) {
            Some(what) => {
                self.key_fault(KEY_DAMAGED, name, what).await?;
                Ok(None)
            }
            None => Ok(Some(error)),
        }
    }
}

async fn of_epoch(catalog: &Catalog, class: &str, epoch: &str) -> Result<u64, CatalogError> {
    match class {
        POLICY => Ok(0),
        _ => doubt::count_of_epoch(catalog, class, epoch).await,
    }
}

fn epoch_of(name: &str) -> Option<(&str, &str)> {
    let (class, epoch, _) = epoch_in(name)?;
    Some((class, epoch))
}

/// None where the bucket could not be asked.
fn what_is_wrong(error: &VaultError) -> Option<&'static str> {
    match error {
        VaultError::Keyring(KeyringError::Damaged(_)) => Some("it is damaged"),
        VaultError::Keyring(KeyringError::WrongMaster { .. }) => {
            Some("it names another master key")
        }
        VaultError::Keyring(KeyringError::Key(_)) => Some("it does not open with the master key"),
        _ => None,
    }
}

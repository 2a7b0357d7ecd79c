//! Which parts of a delivery the archive has already, so that they are not stored
//! again.
//!
//! What a record names must be there: a part is known here when its segment is part
//! of the archive, and the commit of who names it asks once more. One that this
//! process has not put itself is read and compared before it is relied on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::hash::Digest;
use crate::base::limits::{PARTS_KNOWN_MAX, PARTS_READ_MAX};
use crate::catalog::Catalog;
use crate::catalog::part::{self, PartRow};
use crate::vault::cut::Cut;
use crate::vault::part::Namer;
use crate::vault::recipe::{Elsewhere, PartAt};
use crate::vault::seal::StoredPart;
use crate::vault::{Vault, VaultError};

/// Parts of the archive, by their names. Cloning shares it.
#[derive(Clone, Default)]
pub(super) struct Known {
    generations: Arc<Mutex<Generations>>,
}

/// Those that were asked for last, and those before them, which are forgotten when
/// the first are many.
#[derive(Default)]
struct Generations {
    young: HashMap<Digest, PartAt>,
    old: HashMap<Digest, PartAt>,
}

impl Known {
    pub fn get(&self, name: &Digest) -> Option<PartAt> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = generations.young.get(name) {
            return Some(part.clone());
        }
        let part = generations.old.remove(name)?;
        generations.keep(*name, part.clone());
        Some(part)
    }

    /// Their segment is part of the archive.
    pub fn add(&self, parts: impl IntoIterator<Item = StoredPart>) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        for part in parts {
            generations.keep(part.name, part.at);
        }
    }

    /// Something of it is there no more.
    pub fn clear(&self) {
        *self.generations.lock().unwrap_or_else(PoisonError::into_inner) = Generations::default();
    }

    /// Where the parts lie that `cuts` need and the archive has, by the hash of what
    /// they say. Whatever is doubtful is not among them, and is stored again.
    pub async fn find(
        &self,
        vault: &Vault,
        catalog: &Catalog,
        namer: &Namer,
        cuts: &[Cut],
    ) -> HashMap<Digest, PartAt> {
        let (mut found, mut asked) = (HashMap::new(), HashMap::new());
        for sha256 in cuts.iter().filter_map(|cut| cut.part) {
            let name = namer.name(&sha256);
            match self.get(&name) {
                Some(part) => drop(found.insert(sha256, part)),
                None => drop(asked.insert(name, sha256)),
            }
        }
        let names: Vec<Digest> = asked.keys().copied().collect();
        let rows = part::find(catalog, &names).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "it is not known which parts there are");
            HashMap::new()
        });
        for (name, row) in rows.into_iter().take(PARTS_READ_MAX) {
            let sha256 = asked[&name];
            match read(vault, &row, &sha256).await {
                Ok(Some(at)) => {
                    self.add([StoredPart { name, entry: row.entry, at: at.clone() }]);
                    found.insert(sha256, at);
                }
                Ok(None) => tracing::warn!(segment = %row.segment, "a part is another than it was"),
                Err(error) => {
                    tracing::warn!(segment = %row.segment, %error, "a part cannot be shared");
                }
            }
        }
        found
    }
}

impl Generations {
    fn keep(&mut self, name: Digest, part: PartAt) {
        if self.young.len() >= PARTS_KNOWN_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(name, part);
    }
}

/// Finds a part by the record that brought it, and sees that it is there.
async fn read(vault: &Vault, row: &PartRow, sha256: &Digest) -> Result<Option<PartAt>, VaultError> {
    let segment = vault.open_segment(&row.object, &row.page).await?;
    let record = segment.record(row.entry).await?;
    let own = record.parts().find(|part| part.elsewhere.is_none() && part.sha256 == *sha256);
    let Some(own) = own else { return Ok(None) };
    record.check_part(own).await?;
    let elsewhere = Elsewhere { segment: segment.header().segment, sha256: row.sha256 };
    Ok(Some(PartAt { elsewhere: Some(elsewhere), ..own.clone() }))
}

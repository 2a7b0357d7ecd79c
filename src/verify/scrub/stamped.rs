//! Time stamps beside the log: each is of the checkpoint of its size, and by an
//! authority that is trusted.

use super::finding::{STAMP_DAMAGED, STAMP_MISSING, note};
use super::log::Listed;
use super::{ScrubError, Work};
use crate::catalog::outside::{self, STAMP};
use crate::ingest::log::object_of;
use crate::ingest::rebuild::Progress;
use crate::ingest::stamps;
use crate::ledger::stamp::{Authorities, Stamp, StampError};

impl<P: Progress> Work<'_, P> {
    pub(super) async fn stamps(&mut self, listed: &Listed) -> Result<(), ScrubError> {
        let authorities = self.authorities(listed).await;
        for (size, place) in &listed.stamps {
            let answer = self.on.vault.bucket().get_at(place).await?;
            self.read(answer.len() as u64).await;
            let Some(checkpoint) = listed.checkpoints.get(size) else {
                let what = format!("{} is not in the bucket", object_of(*size));
                self.fault(STAMP_DAMAGED, &place.name, what, &[]);
                continue;
            };
            // One that is damaged is named itself.
            let is_sound = listed.roots.contains_key(size);
            let note = self.on.vault.bucket().get_at(checkpoint).await?;
            if let Err(error) = check(&answer, is_sound.then_some(&note), authorities.as_ref()) {
                self.fault(STAMP_DAMAGED, &place.name, error.to_string(), &[]);
            }
        }
        let last = outside::get(&self.on.catalog, STAMP).await?;
        if last.size > 0 && !listed.stamps.contains_key(&last.size) {
            let what = "the catalog says that it was put";
            self.fault(STAMP_MISSING, stamps::object_of(last.size), what, &[]);
        }
        Ok(())
    }

    /// None, and a note, where nobody is trusted or the file cannot be read.
    async fn authorities(&mut self, listed: &Listed) -> Option<Authorities> {
        if listed.stamps.is_empty() {
            return None;
        }
        let what = match &self.on.stamp_authorities {
            None => "[checkpoint] timestamp_ca_file names none".to_owned(),
            Some(path) => match std::fs::read(path) {
                Ok(pem) => match Authorities::from_pem(&pem) {
                    Ok(authorities) => return Some(authorities),
                    Err(error) => error.to_string(),
                },
                Err(error) => format!("cannot read {}: {error}", path.display()),
            },
        };
        self.note(note::STAMPS_NOT_TRUSTED, "log/stamp", what);
        None
    }
}

fn check(
    answer: &[u8],
    note: Option<&bytes::Bytes>,
    authorities: Option<&Authorities>,
) -> Result<(), StampError> {
    let stamp = Stamp::read(answer)?;
    if let Some(note) = note {
        stamp.is_of(note)?;
    }
    match authorities {
        Some(authorities) => stamp.verify(authorities),
        None => stamp.verify_alone(),
    }
}

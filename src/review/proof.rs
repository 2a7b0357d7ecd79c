//! What the log proves of a message, checked now, each step in plain words.

use serde_json::json;

use super::bytes::{Opened, place_of};
use super::{Desk, ReviewError, Wanted};
use crate::access::Actor;
use crate::access::audit::{Outcome, record_in};
use crate::base::hash::Digest;
use crate::base::ids::DeliverySeq;
use crate::base::number::grouped;
use crate::catalog::{CatalogError, damage, leaf};
use crate::ingest::log::Inclusion;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::commitment::{self, Opening, ROLE_DELIVERY, ROLE_MESSAGE};
use crate::ledger::leaf::Leaf;
use crate::vault::VaultError;

pub struct Proof {
    pub record: crate::base::ids::RecordId,
    pub message_sha256: Digest,
    pub delivery_sha256: Digest,
    pub leaf_hash: Digest,
    pub leaf_position: u64,
    /// The checkpoint that covers the leaf; none while it is pending.
    pub inclusion: Option<Inclusion>,
    /// The log's public key, as c2sp.org/signed-note writes it.
    pub key: String,
    pub checks: Vec<Check>,
    pub summary: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub is_ok: bool,
    pub text: String,
}

fn check(name: &'static str, is_ok: bool, good: impl Into<String>, bad: &str) -> Check {
    Check { name, is_ok, text: if is_ok { good.into() } else { bad.to_owned() } }
}

impl Desk {
    pub async fn proof(
        &self,
        actor: &Actor,
        wanted: Wanted,
        delivery: Option<DeliverySeq>,
    ) -> Result<Proof, ReviewError> {
        self.admit(actor, wanted).await?;
        let (carried, delivery) = self.find(wanted, delivery).await?;
        let record = delivery.record;
        let row = leaf::of_record(&self.catalog, record).await?.ok_or_else(|| {
            CatalogError::Corrupt(format!("the log has no leaf for record {record}"))
        })?;
        let mut checks = Vec::new();
        match self.vault.open_record(&place_of(&delivery)).await {
            Ok(sealed) => {
                let opened = Opened { carried, delivery: delivery.clone(), record: sealed.into() };
                let leaf = self.check_leaf(&opened, &row, &mut checks);
                if let Some(leaf) = &leaf {
                    self.check_record(&opened, leaf, &mut checks).await?;
                }
            }
            Err(error) if error.is_damage() => {
                let what = match error {
                    VaultError::Damaged { what, .. } => what,
                    _ => "it is not there",
                };
                checks.push(Check {
                    name: "record",
                    is_ok: false,
                    text: format!("The sealed record in the bucket cannot be opened: {what}."),
                });
            }
            Err(error) => return Err(error.into()),
        }
        let inclusion = self.log.prove(row.position).await?;
        match &inclusion {
            Some(inclusion) => self.check_inclusion(inclusion, &row.hash, &mut checks),
            None => checks.push(Check {
                name: "log",
                is_ok: true,
                text: "The leaf is committed and waits for the next checkpoint.".to_owned(),
            }),
        }
        let summary = summary(&checks, inclusion.as_ref());
        let failed = checks.iter().find(|check| !check.is_ok);
        let is_good = failed.is_none();
        let act = wanted
            .act("message.proof")
            .with(json!({ "set": wanted.set, "sha256": carried.sha256, "record": record,
                    "is_good": is_good }));
        let now = self.clock.now();
        let mut tx = self.catalog.write().await?;
        record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
        match failed {
            Some(check) => damage::note(&mut tx, record, now, &check.text).await?,
            // All of the record was read.
            None => damage::clear(&mut tx, record).await?,
        }
        self.catalog.commit(tx, "record a proof").await?;
        Ok(Proof {
            record,
            message_sha256: carried.sha256,
            delivery_sha256: delivery.sha256,
            leaf_hash: row.hash,
            leaf_position: row.position,
            inclusion,
            key: self.log.verifier().to_string(),
            checks,
            summary,
        })
    }

    /// What was damaged and has just been read is whole again, if all of it is.
    pub(super) async fn mend(
        &self,
        wanted: Wanted,
        seq: Option<DeliverySeq>,
    ) -> Result<(), ReviewError> {
        let damaged = damage::all(&self.catalog).await?;
        if damaged.is_empty() {
            return Ok(());
        }
        let (carried, delivery) = self.find(wanted, seq).await?;
        let record = delivery.record;
        let row = leaf::of_record(&self.catalog, record).await?;
        let Some(row) = row.filter(|_| damaged.contains(&record)) else { return Ok(()) };
        let sealed = match self.vault.open_record(&place_of(&delivery)).await {
            Err(error) if error.is_damage() => return Ok(()),
            sealed => sealed?,
        };
        let opened = Opened { carried, delivery, record: sealed.into() };
        let mut checks = Vec::new();
        if let Some(leaf) = self.check_leaf(&opened, &row, &mut checks) {
            self.check_record(&opened, &leaf, &mut checks).await?;
            if checks.iter().all(|check| check.is_ok) {
                damage::clear_now(&self.catalog, &[record]).await?;
            }
        }
        Ok(())
    }

    /// The catalog's leaf is the one sealed with the record.
    fn check_leaf(
        &self,
        opened: &Opened,
        row: &leaf::LeafRow,
        checks: &mut Vec<Check>,
    ) -> Option<Leaf> {
        let decoded = Leaf::decode(opened.record.leaf()).ok();
        let is_same = decoded.as_ref().is_some_and(|leaf| leaf.hash() == row.hash);
        let is_dated = decoded.as_ref().is_some_and(|leaf| {
            let at = opened.delivery.received_at;
            matches!(leaf, Leaf::Delivery { received_at, .. } if *received_at == at)
        });
        checks.push(check(
            "leaf",
            is_same,
            format!("The record's leaf is number {} of the log.", grouped(row.position)),
            "The leaf beside the record is not the one in the log.",
        ));
        checks.push(check(
            "received",
            is_dated,
            format!("The leaf says that it was received at {}.", opened.delivery.received_at),
            "The leaf says another time of receipt than the one shown here.",
        ));
        decoded
    }

    /// The record in the bucket is the one the leaf names, and holds this message.
    async fn check_record(
        &self,
        opened: &Opened,
        leaf: &Leaf,
        checks: &mut Vec<Check>,
    ) -> Result<(), ReviewError> {
        let Leaf::Delivery { ciphertext, commitments, commitment_root, .. } = leaf else {
            checks.push(check("record", false, "", "The leaf is not that of a delivery."));
            return Ok(());
        };
        let found = opened.record.ciphertext_sha256().await?;
        checks.push(check(
            "record",
            found == *ciphertext && self.has_parts(opened).await?,
            "The sealed record in the bucket is, bit for bit, the one that the leaf names.",
            "The sealed record in the bucket is not the one that the leaf names.",
        ));
        let open = |index: u32, role| {
            let path = commitment::path(&opened.record.commitments(), index as usize)?;
            let salt = opened.record.salt(index);
            Some(Opening { index, count: *commitments, role, salt, path })
        };
        // Of both hashes that are shown with it: the delivery's is in the catalog alone.
        let size = opened.record.meta().delivery.size;
        let is_delivery = open(0, ROLE_DELIVERY)
            .is_some_and(|opening| opening.verify(&opened.delivery.sha256, size, commitment_root));
        let is_whole = match self.message_bytes(opened).await {
            Ok(_) => true,
            Err(error) if error.is_damage() => false,
            Err(error) => return Err(error),
        };
        checks.push(check(
            "content",
            is_whole && is_delivery,
            "Unsealed just now, delivery and message have the hashes shown here.",
            "Unsealed just now, the contents do not have the hashes that were recorded.",
        ));
        let size = opened.carried.size_bytes;
        let is_committed = open(opened.carried.entry + 1, ROLE_MESSAGE)
            .is_some_and(|opening| opening.verify(&opened.carried.sha256, size, commitment_root));
        checks.push(check(
            "commitment",
            is_committed,
            "The leaf commits to this message alone: it can be proved without the rest of the \
             delivery.",
            "The leaf's commitment does not open to this message.",
        ));
        Ok(())
    }

    /// Whether all parts of the record are there, as the record says that they are.
    async fn has_parts(&self, opened: &Opened) -> Result<bool, ReviewError> {
        for part in opened.record.parts() {
            match opened.record.check_part(part).await {
                Ok(()) => {}
                Err(error) if error.is_damage() => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// The log that the checkpoint signs has the leaf.
    fn check_inclusion(&self, inclusion: &Inclusion, leaf: &Digest, checks: &mut Vec<Check>) {
        let checkpoint = &inclusion.checkpoint;
        let signed = Checkpoint::open(checkpoint.note.as_bytes(), self.log.verifier());
        let is_signed = signed
            .is_ok_and(|signed| signed.size == checkpoint.size && signed.root == checkpoint.root);
        checks.push(check(
            "signature",
            is_signed,
            "The checkpoint is signed with the archive's log key.",
            "The checkpoint's signature is not that of the archive's log key.",
        ));
        checks.push(check(
            "inclusion",
            inclusion.verify(leaf),
            format!(
                "The leaf is in the log of {} entries that it signs.",
                grouped(checkpoint.size)
            ),
            "The leaf is not in the log that the checkpoint signs.",
        ));
    }
}

/// What it proves, and what it does not.
fn summary(checks: &[Check], inclusion: Option<&Inclusion>) -> String {
    let failed: Vec<&str> =
        checks.iter().filter(|check| !check.is_ok).map(|check| check.name).collect();
    if !failed.is_empty() {
        return format!(
            "This message is not proved: {} failed. Keep the bucket as it is and tell the \
             administrator.",
            failed.join(", ")
        );
    }
    match inclusion {
        None => "This message is sealed as it came. The checkpoint that commits to it is about to \
                 be published; look again in a moment."
            .to_owned(),
        Some(inclusion) => format!(
            "This message is, byte for byte, what the archive received and sealed, and cannot \
             have changed since checkpoint {} was signed, as one who kept that checkpoint \
             elsewhere can check. It does not prove who wrote it.",
            grouped(inclusion.checkpoint.size)
        ),
    }
}

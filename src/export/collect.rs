//! The content of a message set: its distinct messages, byte for byte, each
//! with proofs from every delivery that carried it, and its attachments.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use super::bundle::Exception;
use super::manifest::{Inclusion, Proof};
use super::{ExportError, Exporter};
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::ids::{RecordId, SetId};
use crate::base::limits::EXPORT_PROOFS_MAX;
use crate::catalog::damage;
use crate::catalog::delivery::{self, Delivery};
use crate::catalog::review::{self, Carried};
use crate::catalog::{CatalogError, leaf};
use crate::ingest::log::Published;
use crate::ledger::commitment::{self, Opening};
use crate::ledger::leaf::Leaf;
use crate::ledger::tree;
use crate::mail::address;
use crate::mail::delivery::{Entry, Role, entry_shared};
use crate::mail::mbox;
use crate::vault::VaultError;
use crate::vault::open::{OpenRecord, OpenSegment};
use crate::vault::record::role;

/// Segments kept open: deliveries that came together lie together.
const SEGMENTS_OPEN: usize = 4;

/// One distinct message of a set.
pub(super) struct Message {
    pub bytes: Bytes,
    pub proofs: Vec<Proof>,
    /// Its line in an mbox.
    pub separator: Vec<u8>,
    /// Recipients whom the envelopes of its deliveries name, each once.
    pub recipients: Vec<String>,
    source: Source,
}

/// The delivery that the bytes were taken from.
struct Source {
    whole: Bytes,
    record: Arc<OpenRecord>,
    /// The message's place among the entries.
    entry: usize,
    proof: ProofBase,
}

/// What one delivery gives of a message.
struct Opened {
    proof: Proof,
    /// Whom its envelope names.
    recipients: Vec<String>,
    message: Option<Message>,
}

/// What the proofs of one record share.
struct ProofBase {
    record: RecordId,
    leaf: Vec<u8>,
    root: Digest,
    commitments: Vec<Digest>,
    inclusion: Option<Inclusion>,
    recorded: serde_json::Value,
}

pub(super) struct Attachment {
    pub name: String,
    pub media_type: String,
    pub bytes: Bytes,
    pub proof: Proof,
}

pub(super) struct Collector<'a> {
    exporter: &'a Exporter,
    checkpoint: Option<Published>,
    segments: VecDeque<(String, OpenSegment)>,
    /// Those of which the bundle has not been told.
    pub exceptions: Vec<Exception>,
}

impl<'a> Collector<'a> {
    pub fn new(exporter: &'a Exporter, checkpoint: Option<Published>) -> Self {
        Self { exporter, checkpoint, segments: VecDeque::new(), exceptions: Vec::new() }
    }

    /// The distinct messages of a set with the deliveries that carry each,
    /// oldest first.
    pub async fn groups(&mut self, set: SetId) -> Result<Vec<Vec<Carried>>, ExportError> {
        let mut groups: Vec<Vec<Carried>> = Vec::new();
        for carried in review::carried(&self.exporter.catalog, set).await? {
            match groups.iter_mut().find(|group| group[0].sha256 == carried.sha256) {
                Some(group) => group.push(carried),
                None => groups.push(vec![carried]),
            }
        }
        if groups.is_empty() {
            self.miss(Some(set), None, "no delivery of it is on record");
        }
        Ok(groups)
    }

    /// Opens a message and proves it from each delivery. `None` where no
    /// delivery gives it; why is among the exceptions.
    pub async fn message(
        &mut self,
        set: SetId,
        group: &[Carried],
    ) -> Result<Option<Message>, ExportError> {
        let mut message: Option<Message> = None;
        let (mut recipients, mut known) = (Vec::new(), HashSet::new());
        let seqs: Vec<_> = group.iter().take(EXPORT_PROOFS_MAX).map(|it| it.seq).collect();
        if group.len() > EXPORT_PROOFS_MAX {
            let reason = format!(
                "it is proved from the first {EXPORT_PROOFS_MAX} of {} deliveries",
                group.len()
            );
            self.except(set, None, &reason);
        }
        for delivery in delivery::with_seqs(&self.exporter.catalog, &seqs).await? {
            for carried in group.iter().filter(|carried| carried.seq == delivery.seq) {
                match self.carried(&delivery, carried, message.is_none()).await {
                    Ok(opened) => {
                        let named = opened.recipients.into_iter();
                        recipients
                            .extend(named.filter(|address| known.insert(address::key(address))));
                        match &mut message {
                            Some(message) => message.proofs.push(opened.proof),
                            None => message = opened.message,
                        }
                    }
                    Err(ExportError::Vault(error)) if is_lasting(&error) => {
                        tracing::error!(record = %delivery.record, error = %error, "export a message");
                        if error.is_damage() {
                            let Exporter { catalog, clock, .. } = self.exporter;
                            let what = error.to_string();
                            damage::note_now(catalog, delivery.record, clock.now(), &what).await?;
                        }
                        self.except(set, Some(delivery.record), &error.to_string());
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        if message.is_none() {
            self.miss(Some(set), None, "it is not here: none of its deliveries could be read");
        }
        Ok(message.map(|message| Message { recipients, ..message }))
    }

    /// What one delivery gives of a message: its bytes only where wanted.
    async fn carried(
        &mut self,
        delivery: &Delivery,
        carried: &Carried,
        is_wanted: bool,
    ) -> Result<Opened, ExportError> {
        let record = Arc::new(self.open(delivery).await?);
        let base = self.base(delivery, &record).await?;
        let entry = carried.entry as usize;
        let proof = base.proof(&record, entry).ok_or_else(|| damaged(delivery))?;
        let envelope = record.meta().delivery.envelope.iter();
        let recipients = envelope.flat_map(|envelope| &envelope.recipients);
        let recipients = recipients.map(|one| one.address.clone()).collect();
        if !is_wanted {
            return Ok(Opened { proof, recipients, message: None });
        }
        let whole = record.bytes().await?;
        let source = Source { whole, record, entry, proof: base };
        let bytes = source.bytes(entry).await.ok_or_else(|| damaged(delivery))?;
        let meta = source.record.meta();
        let sender = match &meta.delivery.envelope {
            Some(envelope) => &envelope.sender,
            None => &meta.transaction.reverse_path,
        };
        let separator = mbox::separator(sender, meta.transaction.received_at);
        let proofs = vec![proof.clone()];
        let message = Message { bytes, proofs, separator, recipients: Vec::new(), source };
        Ok(Opened { proof, recipients, message: Some(message) })
    }

    async fn open(&mut self, delivery: &Delivery) -> Result<OpenRecord, ExportError> {
        let known = self.segments.iter().find(|(object, _)| *object == delivery.object.name);
        let segment = match known {
            Some((_, segment)) => segment.clone(),
            None => {
                let vault = &self.exporter.vault;
                let segment = vault.open_segment(&delivery.object, &delivery.page).await?;
                self.segments.truncate(SEGMENTS_OPEN - 1);
                self.segments.push_front((delivery.object.name.clone(), segment.clone()));
                segment
            }
        };
        let record = segment.record(delivery.entry).await?;
        if record.id() != delivery.record {
            return Err(damaged(delivery));
        }
        Ok(record)
    }

    /// Reads what all proofs from this record share, and checks it.
    async fn base(
        &self,
        delivery: &Delivery,
        record: &OpenRecord,
    ) -> Result<ProofBase, ExportError> {
        let id = delivery.record;
        let row = leaf::of_record(&self.exporter.catalog, id)
            .await?
            .ok_or_else(|| CatalogError::Corrupt(format!("the log has no leaf of record {id}")))?;
        let leaf = record.leaf().to_vec();
        let Ok(Leaf::Delivery { commitment_root: root, received_at, .. }) = Leaf::decode(&leaf)
        else {
            return Err(damaged(delivery));
        };
        if tree::hash_leaf(&leaf) != row.hash {
            return Err(damaged(delivery));
        }
        let inclusion = match &self.checkpoint {
            Some(checkpoint) => self.exporter.log.prove_under(checkpoint, row.position).await?,
            None => None,
        };
        if inclusion.as_ref().is_some_and(|inclusion| !inclusion.verify(&row.hash)) {
            return Err(damaged(delivery));
        }
        Ok(ProofBase {
            record: id,
            leaf,
            root,
            commitments: record.commitments(),
            inclusion: inclusion
                .map(|inclusion| Inclusion { position: inclusion.position, path: inclusion.path }),
            recorded: recorded(received_at, record),
        })
    }

    pub fn except(&mut self, set: SetId, record_id: Option<RecordId>, reason: &str) {
        let (set, reason) = (Some(set), reason.to_owned());
        self.exceptions.push(Exception { set, record_id, reason, ..Exception::default() });
    }

    /// Says of a message, or of a record without one, that it is not in the bundle.
    pub fn miss(&mut self, set: Option<SetId>, record_id: Option<RecordId>, reason: &str) {
        let reason = reason.to_owned();
        let is_missing = true;
        self.exceptions.push(Exception {
            set,
            record_id,
            reason,
            is_missing,
            ..Exception::default()
        });
    }
}

impl Message {
    /// How many attachments it has, at any depth.
    pub fn attachments(&self) -> Vec<usize> {
        let entries = &self.source.record.meta().delivery.entries;
        (0..entries.len())
            .filter(|index| entries[*index].role == Role::Attachment)
            .filter(|index| is_within(entries, *index, self.source.entry))
            .collect()
    }

    pub fn sha256_of(&self, attachment: usize) -> Option<Digest> {
        Some(self.source.record.meta().delivery.entries.get(attachment)?.sha256)
    }

    /// The bytes of the attachment at this place of the entries, with its proof.
    pub async fn attachment(&self, index: usize) -> Option<Attachment> {
        let entry = self.source.record.meta().delivery.entries.get(index)?;
        let bytes = self.source.bytes(index).await?;
        let proof = self.source.proof.proof(&self.source.record, index)?;
        let (name, media_type) = (entry.name.clone(), entry.media_type.clone());
        Some(Attachment { name, media_type, bytes, proof })
    }

    pub fn record(&self) -> RecordId {
        self.source.proof.record
    }
}

impl Source {
    /// An entry's decoded bytes, if they are the ones that were committed to.
    async fn bytes(&self, index: usize) -> Option<Bytes> {
        let delivery = &self.record.meta().delivery;
        let entry = delivery.entries.get(index)?;
        if entry.sha256 == delivery.sha256 && entry.size == delivery.size {
            return (Digest::of(&self.whole) == entry.sha256).then(|| self.whole.clone());
        }
        let (whole, record) = (self.whole.clone(), self.record.clone());
        let decoded = tokio::task::spawn_blocking(move || {
            let entries = &record.meta().delivery.entries;
            entry_shared(&whole, entries, index)
                .filter(|bytes| Digest::of(bytes) == entries[index].sha256)
        });
        decoded.await.ok().flatten()
    }
}

impl ProofBase {
    /// The proof of the entry at `index`; `None` where it does not hold, which
    /// only damage explains.
    fn proof(&self, record: &OpenRecord, index: usize) -> Option<Proof> {
        let entry = record.meta().delivery.entries.get(index)?;
        // Commitment 0 is to the delivery itself.
        let number = index + 1;
        let opening = Opening {
            index: number as u32,
            count: self.commitments.len() as u32,
            role: role(entry.role),
            salt: record.salt(number as u32),
            path: commitment::path(&self.commitments, number)?,
        };
        opening.verify(&entry.sha256, entry.size, &self.root).then(|| Proof {
            record_id: self.record,
            leaf: hex::encode(&self.leaf),
            opening,
            inclusion: self.inclusion.clone(),
            recorded: self.recorded.clone(),
        })
    }
}

/// What goes with a proof for people to read.
/// As leaf and record have it: rows of the catalog can be changed.
fn recorded(received_at: Timestamp, record: &OpenRecord) -> serde_json::Value {
    let meta = record.meta();
    json!({
        "source": meta.transaction.source,
        "received_at": received_at.to_string(),
        "is_proven_source": meta.is_proven,
        "reverse_path": meta.transaction.reverse_path,
        "envelope": meta.delivery.envelope,
    })
}

/// Parents come before their children, so this ends.
fn is_within(entries: &[Entry], mut index: usize, message: usize) -> bool {
    while let Some(parent) = entries.get(index).and_then(|entry| entry.parent) {
        if parent as usize == message {
            return true;
        }
        index = parent as usize;
    }
    false
}

/// Whether trying again later would find the same.
fn is_lasting(error: &VaultError) -> bool {
    error.is_damage() || matches!(error, VaultError::NoKey(_))
}

fn damaged(delivery: &Delivery) -> ExportError {
    let what = "a record in it does not hold what its leaf commits to";
    VaultError::Damaged { object: delivery.object.name.clone(), what }.into()
}

//! Segments to catalog rows: for a segment just put, and for one that a crash
//! left without its commit.

use crate::base::hash::Digest;
use crate::base::ids::SegmentId;
use crate::catalog::delivery::{self, NewDelivery, NewMessage, NewSegment};
use crate::catalog::part::NewPart;
use crate::catalog::{Catalog, CatalogError, doubt};
use crate::ledger::tree;
use crate::mail::delivery::Role;
use crate::vault::bucket::BucketError;
use crate::vault::keyring::KeyringError;
use crate::vault::open::OpenSegment;
use crate::vault::record::RecordMeta;
use crate::vault::seal::{Placed, SealedSegment};
use crate::vault::{Vault, VaultError};

use super::StartError;

/// The rows of a segment that has just been put.
pub(super) fn new_segment(sealed: &SealedSegment, Placed { object, page }: Placed) -> NewSegment {
    let deliveries = (0..).zip(&sealed.records).map(|(entry, record)| {
        let needs = record.needs.clone();
        new_delivery(record.record, entry, &record.meta, needs, record.leaf.clone())
    });
    let parts = sealed.parts.iter().map(|part| NewPart { name: part.name, entry: part.entry });
    NewSegment {
        segment: sealed.header.segment,
        class: sealed.header.class.clone(),
        epoch: sealed.header.epoch.clone(),
        object,
        page,
        size_bytes: sealed.size_bytes,
        sha256: sealed.sha256,
        created_at: sealed.header.segment.created_at(),
        deliveries: deliveries.collect(),
        parts: parts.collect(),
    }
}

/// The row of a record that was read.
pub fn new_delivery(
    record: crate::base::ids::RecordId,
    entry: u32,
    meta: &RecordMeta,
    needs: Vec<SegmentId>,
    leaf: Vec<u8>,
) -> NewDelivery {
    let json = |value: serde_json::Result<String>| value.expect("our own types are valid JSON");
    let delivery = &meta.delivery;
    let messages = (0..).zip(&delivery.entries).filter(|(_, entry)| entry.role == Role::Message);
    NewDelivery {
        record,
        entry,
        source: meta.transaction.source.clone(),
        received_at: meta.transaction.received_at,
        size_bytes: delivery.size,
        sha256: delivery.sha256,
        form: serde_json::to_value(delivery.form)
            .ok()
            .and_then(|form| form.as_str().map(str::to_owned))
            .expect("a form is a word"),
        is_proven: meta.is_proven,
        transaction: json(serde_json::to_string(&meta.transaction)),
        envelope: delivery.envelope.as_ref().map(|envelope| json(serde_json::to_string(envelope))),
        defects: json(serde_json::to_string(&delivery.defects)),
        messages: messages
            .map(|(entry, message)| NewMessage {
                entry,
                sha256: message.sha256,
                size_bytes: message.size,
            })
            .collect(),
        needs,
        leaf_hash: tree::hash_leaf(&leaf),
        leaf,
    }
}

/// Commits the segments that are in the bucket and not in the catalog.
///
/// Runs before anything is received, and where nodes share the catalog when one of
/// them died. Such a segment is what a crash left, and its senders heard no 250 and
/// will send again, which adds a delivery; or it is another node's that is just
/// committing it, and finds it committed. Returns how many deliveries were adopted.
pub async fn adopt(vault: &Vault, catalog: &Catalog) -> Result<u64, StartError> {
    let since = delivery::last_epoch(catalog).await?.unwrap_or_default();
    let mut adopted = 0;
    for object in vault.bucket().list("seg").await.map_err(VaultError::from)? {
        let Some(Named { epoch, segment, page }) = read_name(&object) else { continue };
        // Earlier starts have seen to earlier months.
        if epoch < since.as_str() || delivery::has_segment(catalog, segment).await? {
            continue;
        }
        match open(vault, &object, &page).await {
            Ok((open, placed)) => {
                // Its records are in the log: it was committed once, and a disposition
                // that was cut off has yet to delete it.
                if has_leaf(catalog, &open).await? {
                    tracing::info!(
                        object,
                        "a segment that was destroyed is left to its disposition"
                    );
                    continue;
                }
                // The crash may have come before the lock of what came in parts.
                match vault.bucket().ensure_lock(&placed.object).await {
                    // Its sender heard 451 for that, and has kept its copy.
                    Err(error @ BucketError::WeakRule(_)) => {
                        tracing::error!(object, %error, "a segment that was refused is left alone");
                        continue;
                    }
                    done => done.map_err(VaultError::from)?,
                }
                let new = rows(&open, placed, segment).await?;
                match delivery::commit(catalog, std::slice::from_ref(&new)).await {
                    // Nobody was told of it, and what it needs was destroyed.
                    Err(error @ CatalogError::Lacking(_)) => {
                        tracing::error!(object, %error, "an interrupted commit is left alone");
                        continue;
                    }
                    done => done?,
                };
                adopted += new.deliveries.len() as u64;
            }
            // The crash came before its page: its keys never existed anywhere
            // durable, and its senders have kept their copies.
            Err(
                VaultError::Bucket(BucketError::Missing(_))
                | VaultError::Keyring(KeyringError::Bucket(BucketError::Missing(_))),
            ) => {
                tracing::warn!(object, "a segment has no key; it was never acknowledged");
            }
            // Whoever can write to the bucket can leave such a thing; mail goes on.
            Err(error) if error.is_closed() => {
                tracing::error!(object, %error, "a segment that no delivery is of is left alone");
            }
            Err(error) => return Err(error.into()),
        }
    }
    if adopted > 0 {
        tracing::info!(adopted, "deliveries of an interrupted commit were adopted");
    }
    Ok(adopted)
}

async fn has_leaf(catalog: &Catalog, open: &OpenSegment) -> Result<bool, CatalogError> {
    for entry in open.entries() {
        if doubt::leaf_of(catalog, entry.record).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the name of a segment says.
pub struct Named<'a> {
    pub epoch: &'a str,
    pub segment: SegmentId,
    /// The name of its key page.
    pub page: String,
}

pub fn read_name(object: &str) -> Option<Named<'_>> {
    let mut parts = object.strip_prefix("seg/")?.split('/');
    let (class, epoch, file) = (parts.next()?, parts.next()?, parts.next()?);
    let segment: SegmentId = file.split_once('-')?.0.parse().ok()?;
    let page = format!("key/{class}/{epoch}/{segment}.page");
    let is_segment = file.ends_with(".seg") && parts.next().is_none();
    is_segment.then_some(Named { epoch, segment, page })
}

pub(super) async fn open(
    vault: &Vault,
    object: &str,
    page: &str,
) -> Result<(OpenSegment, Placed), VaultError> {
    let object = vault.bucket().find(object).await?;
    let page = vault.bucket().find(page).await?;
    let open = vault.open_segment(&object, &page).await?;
    Ok((open, Placed { object, page }))
}

pub(super) async fn rows(
    open: &OpenSegment,
    Placed { object, page }: Placed,
    segment: SegmentId,
) -> Result<NewSegment, StartError> {
    let damaged = || CatalogError::Corrupt(format!("the segment name {object}"));
    let sha256: Digest = object
        .name
        .rsplit_once('-')
        .and_then(|(_, tail)| tail.strip_suffix(".seg")?.parse().ok())
        .ok_or_else(damaged)?;
    let (mut deliveries, mut parts) = (Vec::new(), Vec::new());
    for (entry, row) in (0..).zip(open.entries()) {
        let record = match open.record(entry).await {
            Ok(record) => record,
            // Destroyed: the segment is there for others in it.
            Err(VaultError::NoKey(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        for name in record.part_names() {
            // Of those who share it in the segment, the first knows its key.
            if !parts.iter().any(|part: &NewPart| part.name == name) {
                parts.push(NewPart { name, entry });
            }
        }
        let (meta, needs) = (record.meta(), record.needs());
        deliveries.push(new_delivery(row.record, entry, meta, needs, row.leaf.clone()));
    }
    Ok(NewSegment {
        segment,
        class: open.header().class.clone(),
        epoch: open.header().epoch.clone(),
        object,
        page,
        size_bytes: open.size_bytes(),
        sha256,
        created_at: segment.created_at(),
        deliveries,
        parts,
    })
}

//! Writing a batch to the catalog: rows for what is new, sets looked up for what
//! only the index lacks.

use super::FollowError;
use super::derive::Item;
use super::read::Batch;
use crate::base::crash;
use crate::base::ids::DeliverySeq;
use crate::base::limits;
use crate::catalog::set::{self, AddressCache, Assigned, NewGap};
use crate::catalog::{Catalog, CatalogError};

/// A batch whose rows are in the catalog, with the sets of its items.
#[derive(Default)]
pub struct Written {
    pub items: Vec<Item>,
    pub sets: Vec<Assigned>,
    pub up_to: Option<DeliverySeq>,
}

/// Writes the deliveries of `batch` that come after `derived`.
pub async fn write(
    catalog: &Catalog,
    cache: &mut AddressCache,
    batch: Batch,
    derived: DeliverySeq,
) -> Result<Written, FollowError> {
    let Batch { items, mut lost, up_to } = batch;
    let Some(last) = up_to else { return Ok(Written::default()) };
    let replayed = items.partition_point(|item| item.seq <= derived);
    let (old, new) = items.split_at(replayed);
    lost.retain(|(seq, _)| *seq > derived);
    let mut sets = lookup(catalog, old).await?;
    if last > derived {
        sets.extend(write_new(catalog, cache, new, lost, last).await?);
        crash::point("follow.after_catalog");
    }
    Ok(Written { items, sets, up_to })
}

async fn lookup(catalog: &Catalog, items: &[Item]) -> Result<Vec<Assigned>, FollowError> {
    let messages: Vec<_> = items.iter().map(|item| item.sha256).collect();
    let sets = set::lookup(catalog, &messages).await?;
    let mut found = Vec::with_capacity(items.len());
    for message in &messages {
        let set = sets.get(message).copied();
        let set = set.ok_or_else(|| CatalogError::Corrupt("a message has no set".into()))?;
        found.push(Assigned { set, is_new: false });
    }
    Ok(found)
}

/// In transactions of few deliveries each, whole deliveries always.
async fn write_new(
    catalog: &Catalog,
    cache: &mut AddressCache,
    items: &[Item],
    mut lost: Vec<(DeliverySeq, NewGap)>,
    up_to: DeliverySeq,
) -> Result<Vec<Assigned>, FollowError> {
    let mut assigned = Vec::with_capacity(items.len());
    let mut rest = items;
    loop {
        let mut end = rest.len().min(limits::FOLLOW_WRITE_DELIVERIES_MAX);
        while end > 0 && end < rest.len() && rest[end].seq == rest[end - 1].seq {
            end += 1;
        }
        let (now, later) = rest.split_at(end);
        let until = match later {
            [] => up_to,
            [..] => now[end - 1].seq,
        };
        let waiting = lost.split_off(lost.partition_point(|(seq, _)| *seq <= until));
        let rows: Vec<_> = now.iter().map(Item::rows).collect();
        assigned.extend(set::write(catalog, cache, &rows, &lost, until).await?);
        if later.is_empty() {
            return Ok(assigned);
        }
        (rest, lost) = (later, waiting);
    }
}

//! Writing a batch to the catalog: rows for what is new, sets looked up for what
//! only the index lacks.

use super::FollowError;
use super::derive::Item;
use super::read::Batch;
use crate::base::crash;
use crate::base::ids::DeliverySeq;
use crate::base::limits;
use crate::catalog::set::{self, AddressCache, Assigned, Unread};
use crate::catalog::{Catalog, CatalogError, pending};

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
    let Batch { mut items, mut unread, up_to } = batch;
    let Some(last) = up_to else { return Ok(Written::default()) };
    let new = items.split_off(items.partition_point(|item| item.seq <= derived));
    let new_unread = unread.split_off(unread.partition_point(|it| it.seq <= derived));
    let mut written = replay(catalog, items, &unread).await?;
    if last > derived {
        written.sets.extend(write_new(catalog, cache, &new, new_unread, last).await?);
        crash::point("follow.after_catalog");
    }
    written.items.extend(new);
    Ok(Written { up_to, ..written })
}

/// What was derived before and is missing in the index. What takes too long this
/// time is postponed again, whatever came of it then: the index needs its text.
async fn replay(
    catalog: &Catalog,
    items: Vec<Item>,
    unread: &[Unread],
) -> Result<Written, FollowError> {
    let mut written = Written::default();
    let messages: Vec<_> = items.iter().map(|item| item.sha256).collect();
    let sets = set::lookup(catalog, &messages).await?;
    let mut postponed: Vec<_> = unread.iter().filter_map(Unread::postponed).collect();
    let unknown = match items.as_slice() {
        [first, .., last] => pending::unknown(catalog, first.seq, last.seq).await?,
        [only] => pending::unknown(catalog, only.seq, only.seq).await?,
        [] => Default::default(),
    };
    for item in items {
        match sets.get(&item.sha256) {
            Some(&set) => {
                postponed.extend(item.rows().postponed(set));
                written.sets.push(Assigned { set, is_new: false });
                written.items.push(item);
            }
            // It took too long when it was derived; it gets its set when it is read
            // in full.
            None if unknown.contains(&(item.seq, item.entry)) => {}
            None => return Err(CatalogError::Corrupt("a message has no set".into()).into()),
        }
    }
    pending::postpone(catalog, &postponed).await?;
    Ok(written)
}

/// In transactions of few deliveries each, whole deliveries always.
async fn write_new(
    catalog: &Catalog,
    cache: &mut AddressCache,
    items: &[Item],
    mut unread: Vec<Unread>,
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
        let waiting = unread.split_off(unread.partition_point(|it| it.seq <= until));
        let rows: Vec<_> = now.iter().map(Item::rows).collect();
        assigned.extend(set::write(catalog, cache, &rows, &unread, until).await?);
        if later.is_empty() {
            return Ok(assigned);
        }
        (rest, unread) = (later, waiting);
    }
}

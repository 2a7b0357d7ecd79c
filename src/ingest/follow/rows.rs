//! Writing a batch to the catalog: rows for what is new, sets looked up for what
//! only the index lacks.

use super::FollowError;
use super::derive::Item;
use super::read::Batch;
use crate::base::crash;
use crate::base::ids::DeliverySeq;
use crate::base::limits;
use crate::catalog::participant::AddressCache;
use crate::catalog::set::{self, Assigned, Unread};
use crate::catalog::{Catalog, CatalogError, cursor, pending};

/// A batch whose rows are in the catalog, with the sets of its items.
#[derive(Default)]
pub struct Written {
    pub items: Vec<Item>,
    pub sets: Vec<Assigned>,
    pub up_to: Option<DeliverySeq>,
}

/// Writes the deliveries of `batch` that come after `derived`. Where another node
/// writes the same ones first, theirs are its rows, and this index fills from them.
pub async fn write(
    catalog: &Catalog,
    cache: &mut AddressCache,
    batch: Batch,
    mut derived: DeliverySeq,
) -> Result<Written, FollowError> {
    let Batch { mut items, mut unread, up_to } = batch;
    let Some(last) = up_to else { return Ok(Written::default()) };
    let mut written = Written { up_to, ..Written::default() };
    loop {
        let new = items.split_off(items.partition_point(|item| item.seq <= derived));
        let new_unread = unread.split_off(unread.partition_point(|it| it.seq <= derived));
        replay(catalog, cache, items, &unread, &mut written).await?;
        (items, unread) = (new, new_unread);
        if derived >= last {
            return Ok(written);
        }
        let end = first_deliveries(&items);
        let until = if end == items.len() { last } else { items[end - 1].seq };
        let waiting = unread.partition_point(|it| it.seq <= until);
        let rows: Vec<_> = items[..end].iter().map(Item::rows).collect();
        let span = (derived, until);
        match set::write(catalog, cache, &rows, &unread[..waiting], span).await? {
            Some(sets) => {
                crash::point("follow.after_catalog");
                written.sets.extend(sets);
                written.items.extend(items.drain(..end));
                unread.drain(..waiting);
                derived = until;
            }
            None => {
                let at = DeliverySeq(cursor::get(catalog, set::FOLLOWER).await?);
                if at < derived {
                    return Err(FollowError::TakenBack);
                }
                derived = at;
            }
        }
    }
}

/// How many items go into one transaction: of few deliveries, whole ones always.
fn first_deliveries(items: &[Item]) -> usize {
    let mut end = items.len().min(limits::FOLLOW_WRITE_DELIVERIES_MAX);
    while end > 0 && end < items.len() && items[end].seq == items[end - 1].seq {
        end += 1;
    }
    end
}

/// What was derived before and is missing in the index. What takes too long this
/// time is postponed again, whatever came of it then: the index needs its text.
async fn replay(
    catalog: &Catalog,
    cache: &mut AddressCache,
    items: Vec<Item>,
    unread: &[Unread],
    written: &mut Written,
) -> Result<(), FollowError> {
    if items.is_empty() && unread.is_empty() {
        return Ok(());
    }
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
            // Another node could not read it, and this one could.
            None if catalog.is_shared() => {
                let set = set::write_late(catalog, cache, &item.rows()).await?;
                written.sets.push(Assigned { set, is_new: false });
                written.items.push(item);
            }
            None => return Err(CatalogError::Corrupt("a message has no set".into()).into()),
        }
    }
    pending::postpone(catalog, &postponed).await?;
    Ok(())
}

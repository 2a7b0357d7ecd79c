//! Who took part in what was derived, and the ids of their addresses.

use std::collections::{HashMap, HashSet};

use super::set::{Assigned, DURING, Derived, ROWS_PER_STATEMENT};
use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::hash::Digest;
use crate::base::ids::SetId;
use crate::base::limits;

/// Ids of addresses that were used lately. Owned by the one follower.
#[derive(Default)]
pub struct AddressCache(HashMap<String, i64>);

pub(super) type Addresses = HashMap<String, i64>;

impl AddressCache {
    pub(super) fn keep(&mut self, catalog: &Catalog, more: Addresses) {
        // A server can crash without this process, and take ids back that it gave.
        if catalog.is_shared() {
            return;
        }
        if self.0.len() + more.len() > limits::ADDRESS_CACHE_MAX {
            self.0.clear();
        }
        if more.len() <= limits::ADDRESS_CACHE_MAX {
            self.0.extend(more);
        }
    }
}

/// Ids of the batch's addresses that the cache has not; new ones are inserted.
pub(super) async fn addresses(
    tx: &mut WriteTransaction,
    cache: &AddressCache,
    derived: &[Derived],
) -> Result<Addresses, CatalogError> {
    let people = derived.iter().flat_map(|item| item.header.iter().chain(&item.envelope));
    let wanted: HashSet<&str> = people
        .map(|person| person.address.as_str())
        .filter(|address| !cache.0.contains_key(*address))
        .collect();
    let wanted: Vec<&str> = wanted.into_iter().collect();
    let mut found = HashMap::with_capacity(wanted.len());
    for addresses in wanted.chunks(ROWS_PER_STATEMENT) {
        let mut insert: db::QueryBuilder = db::QueryBuilder::new("INSERT INTO address (address) ");
        insert.push_values(addresses, |mut row, address| {
            row.push_bind(*address);
        });
        insert.push(" ON CONFLICT (address) DO NOTHING");
        insert.build().execute(&mut *tx).await.during(DURING)?;
        let mut query: db::QueryBuilder =
            db::QueryBuilder::new("SELECT address, address_id FROM address WHERE address IN (");
        let mut list = query.separated(", ");
        for address in addresses {
            list.push_bind(*address);
        }
        query.push(")");
        let rows: Vec<(String, i64)> =
            query.build_query_as().fetch_all(&mut *tx).await.during(DURING)?;
        found.extend(rows);
    }
    Ok(found)
}

pub(super) async fn write(
    tx: &mut WriteTransaction,
    cache: &AddressCache,
    fresh: &Addresses,
    derived: &[Derived],
    assigned: &[Assigned],
    known: &HashMap<Digest, SetId>,
) -> Result<(), CatalogError> {
    let mut seen: HashSet<Digest> = HashSet::new();
    let mut rows = Vec::new();
    for (item, to) in derived.iter().zip(assigned) {
        // A message's header says the same each time it comes.
        let is_first =
            !known.contains_key(&item.message_sha256) && seen.insert(item.message_sha256);
        let header = item.header.iter().filter(|_| is_first).map(|person| (person, "header"));
        for (person, source) in header.chain(item.envelope.iter().map(|p| (p, "envelope"))) {
            let id = fresh.get(&person.address).or_else(|| cache.0.get(&person.address));
            let id = *id.ok_or_else(|| CatalogError::Corrupt("an address vanished".into()))?;
            rows.push((to.set, id, person, source, item.seq));
        }
    }
    for rows in rows.chunks(ROWS_PER_STATEMENT) {
        let mut insert: db::QueryBuilder = db::QueryBuilder::new(
            "INSERT INTO participant (set_id, address_id, role, source, seq, name) ",
        );
        insert.push_values(rows, |mut row, (set, address, person, source, seq)| {
            row.push_bind(set.0)
                .push_bind(*address)
                .push_bind(person.role)
                .push_bind(*source)
                .push_bind(seq.0)
                .push_bind(&person.name);
        });
        insert.push(" ON CONFLICT (set_id, address_id, role, source, seq) DO NOTHING");
        insert.build().execute(&mut *tx).await.during(DURING)?;
    }
    Ok(())
}

//! What the catalog says of who took part in deliveries and when: the rows by which
//! holds are decided, for who doubts them.

use std::collections::{BTreeMap, BTreeSet};

use super::delivery::ROWS_PER_STATEMENT;
use super::hold::HELD_ANYHOW;
use super::{Catalog, CatalogError, During, db};
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, SegmentId, SetId};

/// Of one set of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetRows {
    pub key: Vec<u8>,
    pub first_seq: i64,
    pub sent_at: Option<Timestamp>,
    pub received_at: Timestamp,
    /// Address and role, as headers say.
    pub header: BTreeSet<(String, String)>,
    /// Delivery, address and role, as envelopes say.
    pub envelope: BTreeSet<(i64, String, String)>,
    /// Something of its message itself could not be read.
    pub has_gap: bool,
    /// It is open who took part: holds take it by its dates alone.
    pub is_held_anyhow: bool,
}

/// Of some deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DerivedRows {
    pub received_at: BTreeMap<DeliverySeq, Timestamp>,
    /// The sets that each message of a delivery is in.
    pub sets_of: BTreeMap<(DeliverySeq, u32), BTreeSet<SetId>>,
    pub sets: BTreeMap<SetId, SetRows>,
    /// Deliveries of which it is not known who took part: holds take them so.
    pub unread: BTreeSet<DeliverySeq>,
    /// The other segments that a delivery needs for its parts.
    pub needs: BTreeMap<DeliverySeq, Vec<SegmentId>>,
    /// All deliveries of these sets.
    pub of_sets: BTreeSet<DeliverySeq>,
}

const DURING: &str = "read rows to doubt them";

/// What is said of deliveries, and of the sets that they are in.
pub async fn of(catalog: &Catalog, seqs: &[DeliverySeq]) -> Result<DerivedRows, CatalogError> {
    let mut found = DerivedRows::default();
    let seqs: Vec<i64> = seqs.iter().map(|seq| seq.0).collect();
    for seqs in seqs.chunks(ROWS_PER_STATEMENT) {
        let query = list("SELECT seq, received_at FROM delivery WHERE seq IN (", seqs);
        for (seq, at) in rows::<(i64, i64)>(catalog, query).await? {
            found.received_at.insert(DeliverySeq(seq), Timestamp(at));
        }
        let query = list("SELECT seq, segment_id FROM part_need WHERE seq IN (", seqs);
        for (seq, segment) in rows::<(i64, Vec<u8>)>(catalog, query).await? {
            // What is no id is needed by nobody, which is seen.
            let segment = SegmentId::try_from(&segment[..]).unwrap_or(SegmentId([0; 16]));
            found.needs.entry(DeliverySeq(seq)).or_default().push(segment);
        }
        found.needs.values_mut().for_each(|needs| needs.sort());
        let query = list("SELECT set_id, seq, entry FROM set_delivery WHERE seq IN (", seqs);
        for (set, seq, entry) in rows::<(i64, i64, i64)>(catalog, query).await? {
            let entry = u32::try_from(entry).unwrap_or(u32::MAX);
            found.sets_of.entry((DeliverySeq(seq), entry)).or_default().insert(SetId(set));
            found.sets.entry(SetId(set)).or_default();
        }
        let query =
            list("SELECT seq FROM gap WHERE set_id IS NULL AND ordinal IS NULL AND seq IN (", seqs);
        for (seq,) in rows::<(i64,)>(catalog, query).await? {
            found.unread.insert(DeliverySeq(seq));
        }
    }
    let sets: Vec<i64> = found.sets.keys().map(|set| set.0).collect();
    for sets in sets.chunks(ROWS_PER_STATEMENT) {
        of_sets(catalog, sets, &mut found).await?;
    }
    Ok(found)
}

async fn of_sets(
    catalog: &Catalog,
    sets: &[i64],
    found: &mut DerivedRows,
) -> Result<(), CatalogError> {
    let query = list(
        "SELECT sd.set_id, sd.seq FROM set_delivery sd JOIN delivery d ON d.seq = sd.seq
         WHERE sd.set_id IN (",
        sets,
    );
    for (_, seq) in rows::<(i64, i64)>(catalog, query).await? {
        found.of_sets.insert(DeliverySeq(seq));
    }
    let query = list(
        "SELECT set_id, set_key, first_seq, sent_at, received_at FROM message_set
         WHERE set_id IN (",
        sets,
    );
    type Found = (i64, Vec<u8>, i64, Option<i64>, i64);
    for (set, key, first_seq, sent_at, received_at) in rows::<Found>(catalog, query).await? {
        let of_set = found.sets.entry(SetId(set)).or_default();
        (of_set.key, of_set.first_seq) = (key, first_seq);
        of_set.sent_at = sent_at.map(Timestamp);
        of_set.received_at = Timestamp(received_at);
    }
    let query = list(
        "SELECT p.set_id, p.source, p.seq, a.address, p.role FROM participant p
         JOIN address a ON a.address_id = p.address_id WHERE p.set_id IN (",
        sets,
    );
    type Person = (i64, String, i64, String, String);
    for (set, source, seq, address, role) in rows::<Person>(catalog, query).await? {
        let of_set = found.sets.entry(SetId(set)).or_default();
        match source.as_str() {
            "header" => of_set.header.insert((address, role)),
            _ => of_set.envelope.insert((seq, address, role)),
        };
    }
    let query = list("SELECT set_id, reason FROM gap WHERE ordinal IS NULL AND set_id IN (", sets);
    for (set, reason) in rows::<(i64, String)>(catalog, query).await? {
        let of_set = found.sets.entry(SetId(set)).or_default();
        of_set.has_gap = true;
        of_set.is_held_anyhow |= HELD_ANYHOW.contains(&reason.as_str());
    }
    Ok(())
}

/// The deliveries that carry a message of these bytes.
pub async fn with_messages(
    catalog: &Catalog,
    messages: &[Digest],
) -> Result<BTreeSet<DeliverySeq>, CatalogError> {
    let mut found = BTreeSet::new();
    let messages: Vec<Vec<u8>> = messages.iter().map(|sha256| sha256.0.to_vec()).collect();
    for messages in messages.chunks(ROWS_PER_STATEMENT) {
        let query = list(
            "SELECT m.seq FROM delivery_message m JOIN delivery d ON d.seq = m.seq
             WHERE m.sha256 IN (",
            messages,
        );
        let rows = rows::<(i64,)>(catalog, query).await?;
        found.extend(rows.into_iter().map(|(seq,)| DeliverySeq(seq)));
    }
    Ok(found)
}

pub(super) fn list<T: Clone + Into<db::Value>>(text: &str, values: &[T]) -> db::QueryBuilder {
    let mut query = db::QueryBuilder::new(text.to_owned());
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value.clone());
    }
    query.push(")");
    query
}

async fn rows<T: db::FromRow>(
    catalog: &Catalog,
    mut query: db::QueryBuilder,
) -> Result<Vec<T>, CatalogError> {
    query.build_query_as().fetch_all(catalog.read()).await.during(DURING)
}

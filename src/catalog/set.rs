//! Message sets and what was derived of them: written by the follower only.
//!
//! A batch is one transaction with the follower's cursor, so that what it writes
//! is written once. Deliveries at or before the cursor are not written again;
//! their sets are looked up when only the index has to be filled.

use std::collections::{HashMap, HashSet};

use super::participant::{self, AddressCache, Addresses};
use super::pending::{self, Postponed};
use super::{Catalog, CatalogError, During, WriteTransaction, cursor, db, schema};
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, SetId};

/// The follower that derives; its cursor is the last delivery that was derived.
pub const FOLLOWER: &str = cursor::DERIVE;

/// A message that a delivery carries, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    pub seq: DeliverySeq,
    /// Its place in the delivery's entries.
    pub entry: u32,
    pub message_sha256: Digest,
    pub set: NewSet,
    pub is_proven: bool,
    /// From the message's own header; the same for every delivery of it.
    pub header: Vec<NewParticipant>,
    /// From the envelope of this delivery's report.
    pub envelope: Vec<NewParticipant>,
    pub attachments: Vec<NewAttachment>,
    pub gaps: Vec<NewGap>,
}

/// What a list shows, if the set is new.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSet {
    pub key: Digest,
    pub subject: String,
    pub from_text: String,
    pub message_id: String,
    pub sent_at: Option<Timestamp>,
    pub received_at: Timestamp,
    pub size_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NewParticipant {
    /// Lower case.
    pub address: String,
    pub role: &'static str,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NewAttachment {
    pub ordinal: u32,
    /// The one that holds it; none where the message does.
    pub parent: Option<u32>,
    pub name: String,
    /// As `invoice.xlsx in Q3.zip`.
    pub path: String,
    pub media_type: String,
    pub size_bytes: u64,
    pub sha256: Digest,
    pub has_text: bool,
    /// Of the mail itself, not of an archive or office file in it.
    pub is_part: bool,
    /// ISO 639-3; none where it is not known.
    pub language: Option<String>,
    /// Some of its text was read by its looks.
    pub is_ocred: bool,
    /// Title, author and the like, as JSON.
    pub about: String,
    pub md5: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NewGap {
    /// The document; none for the message itself.
    pub ordinal: Option<u32>,
    pub path: String,
    pub media_type: String,
    pub reason: &'static str,
    pub detail: String,
}

impl NewGap {
    /// Of the message itself, or of the delivery that should have one.
    pub fn of_message(reason: &'static str, detail: String) -> Self {
        let media_type = "message/rfc822".to_owned();
        Self { ordinal: None, path: String::new(), media_type, reason, detail }
    }
}

/// The set that a message went into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigned {
    pub set: SetId,
    pub is_new: bool,
}

/// SQLite allows 32,766 bound values in one statement.
pub(super) const ROWS_PER_STATEMENT: usize = 500;

pub(super) const DURING: &str = "write derived rows";

/// A message that a delivery should have and that could not be read, or not yet.
#[derive(Clone, Debug)]
pub struct Unread {
    pub seq: DeliverySeq,
    pub gap: NewGap,
    /// Its place in the delivery's entries, if it is to be read again.
    pub again: Option<u32>,
}

/// Writes what was derived of deliveries after `after` and up to `up_to`, with the
/// cursor. Returns the sets, in the order of `derived`; none, and writes nothing,
/// where the cursor is not at `after`: another node was first.
pub async fn write(
    catalog: &Catalog,
    cache: &mut AddressCache,
    derived: &[Derived],
    unread: &[Unread],
    (after, up_to): (DeliverySeq, DeliverySeq),
) -> Result<Option<Vec<Assigned>>, CatalogError> {
    let mut tx = catalog.write_derived().await?;
    if catalog.is_shared() && cursor::get_in(&mut tx, FOLLOWER).await? != after.0 {
        return Ok(None);
    }
    let (assigned, addresses) = rows(&mut tx, catalog.node(), cache, derived).await?;
    let lost = unread.iter().filter(|it| it.again.is_none());
    let lost: Vec<_> = lost.map(|it| (it.seq, None, &it.gap)).collect();
    insert_gaps(&mut tx, &lost).await?;
    let postponed: Vec<Postponed> = unread.iter().filter_map(Unread::postponed).collect();
    pending::insert(&mut tx, catalog.node(), &postponed).await?;
    cursor::set(&mut tx, FOLLOWER, up_to.0).await?;
    catalog.commit(tx, DURING).await?;
    // Only now: ids of a transaction that failed are no one's.
    cache.keep(catalog, addresses);
    Ok(Some(assigned))
}

/// Writes what was derived of a message whose delivery is long behind the cursor.
/// Its set looks as if it had been derived in its turn. Doing it twice changes
/// nothing.
pub async fn write_late(
    catalog: &Catalog,
    cache: &mut AddressCache,
    derived: &Derived,
) -> Result<SetId, CatalogError> {
    let mut tx = catalog.write_derived().await?;
    let (assigned, addresses) =
        rows(&mut tx, catalog.node(), cache, std::slice::from_ref(derived)).await?;
    let set = assigned.first().ok_or_else(|| CatalogError::Corrupt("no set".into()))?.set;
    db::query(
        "UPDATE message_set SET first_seq = $1, message_sha256 = $2, message_id = $3,
             received_at = $4, size_bytes = $5
         WHERE set_id = $6 AND first_seq > $1",
    )
    .bind(derived.seq.0)
    .bind(derived.message_sha256.0.to_vec())
    .bind(&derived.set.message_id)
    .bind(derived.set.received_at.0)
    .bind(derived.set.size_bytes as i64)
    .bind(set.0)
    .execute(&mut tx)
    .await
    .during(DURING)?;
    catalog.commit(tx, DURING).await?;
    cache.keep(catalog, addresses);
    Ok(set)
}

async fn rows(
    tx: &mut WriteTransaction,
    node: &str,
    cache: &AddressCache,
    derived: &[Derived],
) -> Result<(Vec<Assigned>, Addresses), CatalogError> {
    let known = known_messages(tx, derived).await?;
    let assigned = assign(tx, derived, &known).await?;
    messages_and_deliveries(tx, derived, &assigned).await?;
    let addresses = participant::addresses(tx, cache, derived).await?;
    participant::write(tx, cache, &addresses, derived, &assigned, &known).await?;
    attachments(tx, derived, &assigned).await?;
    gaps(tx, node, derived, &assigned).await?;
    mark_proven(tx, derived, &assigned).await?;
    Ok((assigned, addresses))
}

impl Unread {
    /// As what waits of its delivery, if it does.
    pub fn postponed(&self) -> Option<Postponed> {
        let (seq, gaps) = (self.seq, vec![self.gap.clone()]);
        self.again.map(|entry| Postponed { seq, entry, set: None, gaps })
    }
}

impl Derived {
    /// The gaps of documents that are to be read again.
    pub fn postponed(&self, set: SetId) -> Option<Postponed> {
        let waits = |gap: &&NewGap| gap.reason == pending::REASON;
        let gaps: Vec<NewGap> = self.gaps.iter().filter(waits).cloned().collect();
        let (seq, entry) = (self.seq, self.entry);
        (!gaps.is_empty()).then_some(Postponed { seq, entry, set: Some(set), gaps })
    }
}

/// Makes durable what was derived, before an index that has it is: after a
/// power cut the index is never ahead. Any fsynced commit does it.
pub async fn make_durable(catalog: &Catalog, index: DeliverySeq) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    cursor::set(&mut tx, "index", index.0).await?;
    catalog.commit(tx, "make derived rows durable").await
}

/// Ids of message sets up to `last` are not given again: an id means one set for
/// ever, and the audit speaks of sets that are made again under others.
pub async fn reserve_ids(tx: &mut WriteTransaction, last: i64) -> Result<(), CatalogError> {
    const DURING: &str = "reserve ids of message sets";
    db::query(
        "INSERT INTO message_set (set_id, set_key, message_sha256, first_seq, subject, from_text,
             message_id, received_at, size_bytes, attachment_count, is_proven)
         VALUES ($1, $2, $2, 0, '', '', '', 0, 0, 0, 0)",
    )
    .bind(last)
    .bind(Vec::new())
    .execute(&mut *tx)
    .await
    .during(DURING)?;
    db::query("DELETE FROM message_set WHERE set_id = $1")
        .bind(last)
        .execute(&mut *tx)
        .await
        .during(DURING)?;
    schema::keep_ids(tx, "message_set", "set_id", last).await.during(DURING)
}

/// The sets of messages that were derived before, in the order asked for.
pub async fn lookup(
    catalog: &Catalog,
    messages: &[Digest],
) -> Result<HashMap<Digest, SetId>, CatalogError> {
    let mut found = HashMap::new();
    for messages in messages.chunks(ROWS_PER_STATEMENT) {
        let rows = select_messages(messages)
            .build_query_as::<(Vec<u8>, i64)>()
            .fetch_all(catalog.read())
            .await
            .during("look up message sets")?;
        for (sha256, set) in rows {
            found.insert(digest(&sha256)?, SetId(set));
        }
    }
    Ok(found)
}

fn select_messages(messages: &[Digest]) -> db::QueryBuilder {
    let mut query = db::QueryBuilder::new(
        "SELECT message_sha256, set_id FROM set_message WHERE message_sha256 IN (",
    );
    push_digests(&mut query, messages.iter());
    query
}

fn push_digests<'a>(query: &mut db::QueryBuilder, digests: impl Iterator<Item = &'a Digest>) {
    let mut list = query.separated(", ");
    for digest in digests {
        list.push_bind(digest.0.to_vec());
    }
    query.push(")");
}

fn digest(bytes: &[u8]) -> Result<Digest, CatalogError> {
    Digest::try_from(bytes).map_err(|_| CatalogError::Corrupt("a hash of a message set".into()))
}

/// Messages whose exact bytes were seen before, with their sets.
async fn known_messages(
    tx: &mut WriteTransaction,
    derived: &[Derived],
) -> Result<HashMap<Digest, SetId>, CatalogError> {
    let mut known = HashMap::new();
    let messages: Vec<Digest> = derived.iter().map(|item| item.message_sha256).collect();
    for messages in messages.chunks(ROWS_PER_STATEMENT) {
        let mut query = select_messages(messages);
        let rows: Vec<(Vec<u8>, i64)> =
            query.build_query_as().fetch_all(&mut *tx).await.during(DURING)?;
        for (sha256, set) in rows {
            known.insert(digest(&sha256)?, SetId(set));
        }
    }
    Ok(known)
}

/// Finds the set of each message by its exact bytes, else by its key, and makes
/// the sets that are not there.
async fn assign(
    tx: &mut WriteTransaction,
    derived: &[Derived],
    known: &HashMap<Digest, SetId>,
) -> Result<Vec<Assigned>, CatalogError> {
    let mut by_key: HashMap<Digest, SetId> = HashMap::new();
    let unknown: Vec<&Derived> =
        derived.iter().filter(|item| !known.contains_key(&item.message_sha256)).collect();
    for items in unknown.chunks(ROWS_PER_STATEMENT) {
        let mut query: db::QueryBuilder =
            db::QueryBuilder::new("SELECT set_key, set_id FROM message_set WHERE set_key IN (");
        push_digests(&mut query, items.iter().map(|item| &item.set.key));
        let rows: Vec<(Vec<u8>, i64)> =
            query.build_query_as().fetch_all(&mut *tx).await.during(DURING)?;
        for (key, set) in rows {
            by_key.insert(digest(&key)?, SetId(set));
        }
    }
    let mut is_first: HashSet<Digest> = HashSet::new();
    let new: Vec<&Derived> = unknown
        .into_iter()
        .filter(|item| !by_key.contains_key(&item.set.key) && is_first.insert(item.set.key))
        .collect();
    for items in new.chunks(ROWS_PER_STATEMENT) {
        insert_sets(tx, items, &mut by_key).await?;
    }
    let mut assigned = Vec::with_capacity(derived.len());
    for item in derived {
        let set = known.get(&item.message_sha256).or_else(|| by_key.get(&item.set.key));
        let set = *set.ok_or_else(|| CatalogError::Corrupt("a message set vanished".into()))?;
        // The first of a new set in this batch takes the mark; later ones join it.
        let is_new = !known.contains_key(&item.message_sha256) && is_first.remove(&item.set.key);
        assigned.push(Assigned { set, is_new });
    }
    Ok(assigned)
}

async fn insert_sets(
    tx: &mut WriteTransaction,
    items: &[&Derived],
    by_key: &mut HashMap<Digest, SetId>,
) -> Result<(), CatalogError> {
    let mut insert: db::QueryBuilder = db::QueryBuilder::new(
        "INSERT INTO message_set (set_key, message_sha256, first_seq, subject, from_text,
             message_id, sent_at, received_at, size_bytes, attachment_count, is_proven) ",
    );
    insert.push_values(items, |mut row, item| {
        row.push_bind(item.set.key.0.to_vec())
            .push_bind(item.message_sha256.0.to_vec())
            .push_bind(item.seq.0)
            .push_bind(&item.set.subject)
            .push_bind(&item.set.from_text)
            .push_bind(&item.set.message_id)
            .push_bind(item.set.sent_at.map(|at| at.0))
            .push_bind(item.set.received_at.0)
            .push_bind(item.set.size_bytes as i64)
            .push_bind(item.attachments.iter().filter(|it| it.is_part).count() as i64)
            .push_bind(i64::from(item.is_proven));
    });
    insert.push(" RETURNING set_key, set_id");
    let rows: Vec<(Vec<u8>, i64)> =
        insert.build_query_as().fetch_all(&mut *tx).await.during(DURING)?;
    for (key, set) in rows {
        by_key.insert(digest(&key)?, SetId(set));
    }
    Ok(())
}

async fn messages_and_deliveries(
    tx: &mut WriteTransaction,
    derived: &[Derived],
    assigned: &[Assigned],
) -> Result<(), CatalogError> {
    let rows: Vec<_> = derived.iter().zip(assigned).collect();
    for rows in rows.chunks(ROWS_PER_STATEMENT) {
        let mut insert: db::QueryBuilder =
            db::QueryBuilder::new("INSERT INTO set_message (message_sha256, set_id) ");
        insert.push_values(rows, |mut row, (item, to)| {
            row.push_bind(item.message_sha256.0.to_vec()).push_bind(to.set.0);
        });
        insert.push(" ON CONFLICT (message_sha256) DO NOTHING");
        insert.build().execute(&mut *tx).await.during(DURING)?;

        let mut insert: db::QueryBuilder =
            db::QueryBuilder::new("INSERT INTO set_delivery (set_id, seq, entry) ");
        insert.push_values(rows, |mut row, (item, to)| {
            row.push_bind(to.set.0).push_bind(item.seq.0).push_bind(i64::from(item.entry));
        });
        insert.push(" ON CONFLICT (set_id, seq, entry) DO NOTHING");
        insert.build().execute(&mut *tx).await.during(DURING)?;
    }
    Ok(())
}

/// What a message's header says, where its set was made when nothing could be read
/// of it; where all was known, it changes nothing.
pub(super) async fn people(
    tx: &mut WriteTransaction,
    derived: &[Derived],
    assigned: &[Assigned],
) -> Result<(), CatalogError> {
    let cache = AddressCache::default();
    let found = participant::addresses(tx, &cache, derived).await?;
    participant::write(tx, &cache, &found, derived, assigned, &HashMap::new()).await?;
    for (item, to) in derived.iter().zip(assigned) {
        db::query(
            "UPDATE message_set SET subject = $1, from_text = $2, message_id = $3, sent_at = $4
             WHERE set_id = $5 AND message_sha256 = $6",
        )
        .bind(&item.set.subject)
        .bind(&item.set.from_text)
        .bind(&item.set.message_id)
        .bind(item.set.sent_at.map(|at| at.0))
        .bind(to.set.0)
        .bind(item.message_sha256.0.to_vec())
        .execute(&mut *tx)
        .await
        .during(DURING)?;
    }
    Ok(())
}

pub(super) async fn attachments(
    tx: &mut WriteTransaction,
    derived: &[Derived],
    assigned: &[Assigned],
) -> Result<(), CatalogError> {
    let rows: Vec<_> = derived
        .iter()
        .zip(assigned)
        .filter(|(_, to)| to.is_new)
        .flat_map(|(item, to)| item.attachments.iter().map(move |file| (to.set, file)))
        .collect();
    for rows in rows.chunks(ROWS_PER_STATEMENT) {
        let mut insert: db::QueryBuilder = db::QueryBuilder::new(
            "INSERT INTO attachment
                 (set_id, ordinal, parent, name, path, media_type, size_bytes, sha256, has_text,
                  is_part, language, is_ocred, about, md5) ",
        );
        insert.push_values(rows, |mut row, (set, file)| {
            row.push_bind(set.0)
                .push_bind(i64::from(file.ordinal))
                .push_bind(file.parent.map(i64::from))
                .push_bind(&file.name)
                .push_bind(&file.path)
                .push_bind(&file.media_type)
                .push_bind(file.size_bytes as i64)
                .push_bind(file.sha256.0.to_vec())
                .push_bind(i64::from(file.has_text))
                .push_bind(i64::from(file.is_part))
                .push_bind(file.language.clone())
                .push_bind(i64::from(file.is_ocred))
                .push_bind(&file.about)
                .push_bind(file.md5.clone());
        });
        insert.build().execute(&mut *tx).await.during(DURING)?;
    }
    Ok(())
}

/// The gaps of new sets, and what of them is to be read again.
pub(super) async fn gaps(
    tx: &mut WriteTransaction,
    node: &str,
    derived: &[Derived],
    assigned: &[Assigned],
) -> Result<(), CatalogError> {
    let mut lasting = Vec::new();
    let mut postponed = Vec::new();
    for (item, to) in derived.iter().zip(assigned).filter(|(_, to)| to.is_new) {
        let gaps = item.gaps.iter().filter(|gap| gap.reason != pending::REASON);
        lasting.extend(gaps.map(|gap| (item.seq, Some(to.set), gap)));
        postponed.extend(item.postponed(to.set));
    }
    insert_gaps(tx, &lasting).await?;
    pending::insert(tx, node, &postponed).await
}

pub(super) async fn insert_gaps(
    tx: &mut WriteTransaction,
    gaps: &[(DeliverySeq, Option<SetId>, &NewGap)],
) -> Result<(), CatalogError> {
    for rows in gaps.chunks(ROWS_PER_STATEMENT) {
        let mut insert: db::QueryBuilder = db::QueryBuilder::new(
            "INSERT INTO gap (seq, set_id, ordinal, path, media_type, reason, detail) ",
        );
        insert.push_values(rows, |mut row, (seq, set, gap)| {
            row.push_bind(seq.0)
                .push_bind(set.map(|set| set.0))
                .push_bind(gap.ordinal.map(i64::from))
                .push_bind(&gap.path)
                .push_bind(&gap.media_type)
                .push_bind(gap.reason)
                .push_bind(&gap.detail);
        });
        insert.build().execute(&mut *tx).await.during(DURING)?;
    }
    Ok(())
}

/// One proven delivery proves the set.
async fn mark_proven(
    tx: &mut WriteTransaction,
    derived: &[Derived],
    assigned: &[Assigned],
) -> Result<(), CatalogError> {
    let sets: Vec<SetId> = derived
        .iter()
        .zip(assigned)
        .filter(|(item, to)| item.is_proven && !to.is_new)
        .map(|(_, to)| to.set)
        .collect();
    for sets in sets.chunks(ROWS_PER_STATEMENT) {
        let mut update: db::QueryBuilder = db::QueryBuilder::new(
            "UPDATE message_set SET is_proven = 1 WHERE is_proven = 0 AND set_id IN (",
        );
        let mut list = update.separated(", ");
        for set in sets {
            list.push_bind(set.0);
        }
        update.push(")");
        update.build().execute(&mut *tx).await.during(DURING)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! Erasures: proposals to erase one message, what was decided on them, which records
//! carry a message, and which are erased.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::delivery::ROWS_PER_STATEMENT;
use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, ErasureId, RecordId, SegmentId, UserId};
use crate::vault::bucket::Place;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Proposed,
    Refused,
    Approved,
    /// Its records are out of the catalog; their keys may be there still.
    Erasing,
    Done,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Refused => "refused",
            Self::Approved => "approved",
            Self::Erasing => "erasing",
            Self::Done => "done",
        }
    }

    fn from_row(text: &str) -> Result<Self, CatalogError> {
        [Self::Proposed, Self::Refused, Self::Approved, Self::Erasing, Self::Done]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| CatalogError::Corrupt(format!("an erasure is {text:?}")))
    }
}

#[derive(Clone, Debug)]
pub struct ErasureRow {
    pub erasure_id: ErasureId,
    pub state: State,
    pub ground: String,
    /// JSON, as `retention` has it.
    pub figures: String,
    pub proposed_at: Timestamp,
    pub proposed_by: UserId,
    pub proposer: String,
    pub decided_at: Option<Timestamp>,
    pub decider: Option<String>,
    pub reason: Option<String>,
    pub ended_at: Option<Timestamp>,
    /// JSON, as `retention` has it.
    pub result: Option<String>,
    /// The statement of its end.
    pub told: Option<i64>,
}

pub struct New<'a> {
    pub ground: &'a str,
    pub figures: &'a str,
    pub at: Timestamp,
    pub by: UserId,
}

pub async fn insert(tx: &mut WriteTransaction, new: &New<'_>) -> Result<ErasureId, CatalogError> {
    let id: i64 = db::query_scalar(
        "INSERT INTO erasure (state, ground, figures, proposed_at, proposed_by)
         VALUES ('proposed', $1, $2, $3, $4) RETURNING erasure_id",
    )
    .bind(new.ground)
    .bind(new.figures)
    .bind(new.at.0)
    .bind(new.by.0)
    .fetch_one(&mut *tx)
    .await
    .during("propose an erasure")?;
    Ok(ErasureId(id))
}

const COLUMNS: &str = "SELECT e.erasure_id, e.state, e.ground, e.figures, e.proposed_at,
        e.proposed_by, p.name AS proposer, e.decided_at, q.name AS decider, e.reason,
        e.ended_at, e.result,
        (SELECT MAX(t.statement_id) FROM statement t
         WHERE t.action = 'erasure.done' AND t.at = e.ended_at) AS told
    FROM erasure e JOIN person p ON p.user_id = e.proposed_by
    LEFT JOIN person q ON q.user_id = e.decided_by ";

/// Newest first.
pub async fn list(catalog: &Catalog) -> Result<Vec<ErasureRow>, CatalogError> {
    let mut query = db::QueryBuilder::new(COLUMNS);
    query.push("ORDER BY e.erasure_id DESC");
    let rows = query.build().fetch_all(catalog.read()).await.during("list erasures")?;
    rows.iter().map(from_row).collect()
}

pub async fn by_id(catalog: &Catalog, id: ErasureId) -> Result<Option<ErasureRow>, CatalogError> {
    let mut query = db::QueryBuilder::new(COLUMNS);
    query.push("WHERE e.erasure_id = ").push_bind(id.0);
    let row = query.build().fetch_optional(catalog.read()).await.during("find an erasure")?;
    row.as_ref().map(from_row).transpose()
}

fn from_row(row: &db::Row) -> Result<ErasureRow, CatalogError> {
    Ok(ErasureRow {
        erasure_id: ErasureId(row.get(0)),
        state: State::from_row(&row.get::<String>(1))?,
        ground: row.get(2),
        figures: row.get(3),
        proposed_at: Timestamp(row.get(4)),
        proposed_by: UserId(row.get(5)),
        proposer: row.get(6),
        decided_at: row.get::<Option<i64>>(7).map(Timestamp),
        decider: row.get(8),
        reason: row.get(9),
        ended_at: row.get::<Option<i64>>(10).map(Timestamp),
        result: row.get(11),
        told: row.get(12),
    })
}

/// Approves a proposal, or refuses one or what was approved and has not begun; false
/// where it is neither any more.
pub async fn decide(
    tx: &mut WriteTransaction,
    id: ErasureId,
    state: State,
    (by, at): (UserId, Timestamp),
    reason: &str,
) -> Result<bool, CatalogError> {
    let done = db::query(
        "UPDATE erasure SET state = $1, decided_by = $2, decided_at = $3, reason = $4
         WHERE erasure_id = $5
           AND (state = 'proposed' OR (state = 'approved' AND $1 = 'refused'))",
    )
    .bind(state.as_str())
    .bind(by.0)
    .bind(at.0)
    .bind(reason)
    .bind(id.0)
    .execute(&mut *tx)
    .await
    .during("decide on an erasure")?;
    Ok(done.rows_affected() == 1)
}

/// Says that these records are erased: with the commit of it they are. False where it
/// is not approved any more.
pub async fn begin(
    tx: &mut WriteTransaction,
    id: ErasureId,
    records: &[RecordId],
    result: &str,
) -> Result<bool, CatalogError> {
    let done = db::query(
        "UPDATE erasure SET state = 'erasing', result = $1
         WHERE erasure_id = $2 AND state = 'approved'",
    )
    .bind(result)
    .bind(id.0)
    .execute(&mut *tx)
    .await
    .during(DURING)?;
    mark(tx, id, records).await?;
    Ok(done.rows_affected() == 1)
}

/// Notes which records an erasure erased.
pub async fn mark(
    tx: &mut WriteTransaction,
    id: ErasureId,
    records: &[RecordId],
) -> Result<(), CatalogError> {
    for records in records.chunks(ROWS_PER_STATEMENT) {
        let mut insert = db::QueryBuilder::new("INSERT INTO erased (record_id, erasure_id) ");
        insert.push_values(records, |mut row, record| {
            row.push_bind(record.0.to_vec()).push_bind(id.0);
        });
        insert.push(" ON CONFLICT DO NOTHING");
        insert.build().execute(&mut *tx).await.during(DURING)?;
    }
    Ok(())
}

pub async fn end(
    tx: &mut WriteTransaction,
    id: ErasureId,
    at: Timestamp,
) -> Result<(), CatalogError> {
    db::query("UPDATE erasure SET state = 'done', ended_at = $1 WHERE erasure_id = $2")
        .bind(at.0)
        .bind(id.0)
        .execute(&mut *tx)
        .await
        .during("end an erasure")?;
    Ok(())
}

const DURING: &str = "erase records";

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erased {
    No,
    /// Its key may be there still.
    Begun,
    Done,
}

pub async fn is_erased(catalog: &Catalog, record: RecordId) -> Result<Erased, CatalogError> {
    let state: Option<String> = db::query_scalar(
        "SELECT e.state FROM erased r JOIN erasure e ON e.erasure_id = r.erasure_id
         WHERE r.record_id = $1",
    )
    .bind(&record.0[..])
    .fetch_optional(catalog.read())
    .await
    .during("ask whether a record is erased")?;
    Ok(match state.as_deref() {
        None => Erased::No,
        Some("done") => Erased::Done,
        Some(_) => Erased::Begun,
    })
}

/// A message in a record: its place among what the record carries; none of a record
/// without messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Carried {
    pub record: RecordId,
    pub entry: Option<i64>,
}

/// The messages that a record carries.
pub async fn in_record(catalog: &Catalog, record: RecordId) -> Result<Vec<Carried>, CatalogError> {
    let entries: Vec<Option<i64>> = db::query_scalar(
        "SELECT m.entry FROM delivery d LEFT JOIN delivery_message m ON m.seq = d.seq
         WHERE d.record_id = $1 ORDER BY m.entry",
    )
    .bind(&record.0[..])
    .fetch_all(catalog.read())
    .await
    .during("read what a record carries")?;
    Ok(entries.into_iter().map(|entry| Carried { record, entry }).collect())
}

/// The records that carry a message of these bytes.
pub async fn with_message(catalog: &Catalog, sha256: Digest) -> Result<Vec<Carried>, CatalogError> {
    let rows: Vec<(Vec<u8>, i64)> = db::query_as(
        "SELECT d.record_id, m.entry FROM delivery_message m JOIN delivery d ON d.seq = m.seq
         WHERE m.sha256 = $1 ORDER BY d.seq, m.entry",
    )
    .bind(&sha256.0[..])
    .fetch_all(catalog.read())
    .await
    .during("find who carries a message")?;
    let carried = |(record, entry): (Vec<u8>, i64)| {
        Ok(Carried { record: record_id(&record)?, entry: Some(entry) })
    };
    rows.into_iter().map(carried).collect()
}

/// A delivery of the message, with where its key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carrier {
    pub seq: DeliverySeq,
    pub carried: Vec<Carried>,
    pub record: RecordId,
    pub segment: SegmentId,
    pub page: Place,
    pub class: String,
    pub epoch: String,
    pub received_at: Timestamp,
    pub size_bytes: u64,
}

/// Every delivery of the messages that `seeds` name: of the same bytes, and of those
/// that are the same to a reader (a message set). At most `limit`; one more says that
/// there are more.
pub async fn carriers(
    catalog: &Catalog,
    seeds: &[Carried],
    limit: usize,
) -> Result<Vec<Carrier>, CatalogError> {
    let wanted: BTreeSet<Carried> = seeds.iter().copied().collect();
    let records: BTreeSet<RecordId> = seeds.iter().map(|seed| seed.record).collect();
    let records: Vec<Vec<u8>> = records.into_iter().map(|record| record.0.to_vec()).collect();
    let mut seqs: BTreeMap<i64, BTreeSet<Option<i64>>> = BTreeMap::new();
    let (mut messages, mut sets) = (BTreeSet::new(), BTreeSet::new());
    for records in records.chunks(ROWS_PER_STATEMENT) {
        type Found = (Vec<u8>, i64, Option<i64>, Option<Vec<u8>>, Option<i64>);
        let mut query = db::QueryBuilder::new(
            "SELECT d.record_id, d.seq, m.entry, m.sha256, s.set_id FROM delivery d
             LEFT JOIN delivery_message m ON m.seq = d.seq
             LEFT JOIN set_delivery s ON s.seq = m.seq AND s.entry = m.entry
             WHERE d.record_id IN (",
        );
        push_list(&mut query, records);
        query.push(")");
        let rows: Vec<Found> =
            query.build_query_as().fetch_all(catalog.read()).await.during(DURING_FIND)?;
        for (record, seq, entry, message, set) in rows {
            if wanted.contains(&Carried { record: record_id(&record)?, entry }) {
                seqs.entry(seq).or_default().insert(entry);
                messages.extend(message);
                sets.extend(set);
            }
        }
    }
    let messages: Vec<Vec<u8>> = messages.into_iter().collect();
    for messages in messages.chunks(ROWS_PER_STATEMENT) {
        let mut query =
            db::QueryBuilder::new("SELECT seq, entry FROM delivery_message WHERE sha256 IN (");
        push_list(&mut query, messages);
        add(catalog, query, &mut seqs).await?;
    }
    let sets: Vec<i64> = sets.into_iter().collect();
    for sets in sets.chunks(ROWS_PER_STATEMENT) {
        let mut query =
            db::QueryBuilder::new("SELECT seq, entry FROM set_delivery WHERE set_id IN (");
        push_list(&mut query, sets);
        add(catalog, query, &mut seqs).await?;
    }
    let list: Vec<i64> = seqs.keys().copied().take(limit.saturating_add(1)).collect();
    let mut found = Vec::with_capacity(list.len());
    for list in list.chunks(ROWS_PER_STATEMENT) {
        let mut query = db::QueryBuilder::new(
            "SELECT d.seq, d.record_id, d.segment_id, s.page, s.page_version, d.class, d.epoch,
                 d.received_at, d.size_bytes
             FROM delivery d JOIN segment s ON s.segment_id = d.segment_id WHERE d.seq IN (",
        );
        push_list(&mut query, list);
        query.push(") ORDER BY d.seq");
        let rows = query.build().fetch_all(catalog.read()).await.during(DURING_FIND)?;
        for row in &rows {
            found.push(carrier(row, &seqs)?);
        }
    }
    Ok(found)
}

const DURING_FIND: &str = "find the deliveries of a message";

async fn add(
    catalog: &Catalog,
    mut query: db::QueryBuilder,
    seqs: &mut BTreeMap<i64, BTreeSet<Option<i64>>>,
) -> Result<(), CatalogError> {
    query.push(")");
    let rows: Vec<(i64, i64)> =
        query.build_query_as().fetch_all(catalog.read()).await.during(DURING_FIND)?;
    for (seq, entry) in rows {
        seqs.entry(seq).or_default().insert(Some(entry));
    }
    Ok(())
}

fn carrier(
    row: &db::Row,
    seqs: &BTreeMap<i64, BTreeSet<Option<i64>>>,
) -> Result<Carrier, CatalogError> {
    let (seq, record) = (row.get::<i64>(0), record_id(row.get::<&[u8]>(1))?);
    let entries = seqs.get(&seq).into_iter().flatten();
    let segment = SegmentId::try_from(row.get::<&[u8]>(2));
    Ok(Carrier {
        seq: DeliverySeq(seq),
        carried: entries.map(|entry| Carried { record, entry: *entry }).collect(),
        record,
        segment: segment.map_err(|_| CatalogError::Corrupt("a delivery's segment id".into()))?,
        page: Place { name: row.get(3), version: row.get(4) },
        class: row.get(5),
        epoch: row.get(6),
        received_at: Timestamp(row.get(7)),
        size_bytes: row.get::<i64>(8).max(0) as u64,
    })
}

/// Whether some of these deliveries are still being read, by any node.
pub async fn are_being_read(catalog: &Catalog, seqs: &[DeliverySeq]) -> Result<bool, CatalogError> {
    for seqs in seqs.chunks(ROWS_PER_STATEMENT) {
        let mut query =
            db::QueryBuilder::new("SELECT COUNT(*) FROM pending_reading WHERE seq IN (");
        let seqs: Vec<i64> = seqs.iter().map(|seq| seq.0).collect();
        push_list(&mut query, &seqs);
        query.push(")");
        let count: i64 = query
            .build_query_scalar()
            .fetch_one(catalog.read())
            .await
            .during("ask whether mail is being read")?;
        if count > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where the page of a segment is; none where the segment was destroyed.
pub async fn page_of(catalog: &Catalog, segment: SegmentId) -> Result<Option<Place>, CatalogError> {
    let row: Option<(String, Option<String>)> =
        db::query_as("SELECT page, page_version FROM segment WHERE segment_id = $1")
            .bind(&segment.0[..])
            .fetch_optional(catalog.read())
            .await
            .during("find a segment's page")?;
    Ok(row.map(|(name, version)| Place { name, version }))
}

fn push_list<T: Clone + Into<db::Value>>(query: &mut db::QueryBuilder, values: &[T]) {
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value.clone());
    }
}

fn record_id(bytes: &[u8]) -> Result<RecordId, CatalogError> {
    RecordId::try_from(bytes).map_err(|_| CatalogError::Corrupt("a delivery's record id".into()))
}

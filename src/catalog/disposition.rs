//! Dispositions: proposals to destroy an epoch, what was decided on them, and which
//! objects and sets still have to go because of one.

use std::collections::{BTreeSet, HashMap};

use super::{Catalog, CatalogError, During, WriteTransaction, db, flag};
use crate::base::clock::Timestamp;
use crate::base::ids::{DeliverySeq, DispositionId, RecordId, SegmentId, SetId, UserId};
use crate::vault::bucket::Place;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Proposed,
    Refused,
    Approved,
    /// Something of it may be gone already.
    Destroying,
    Done,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Refused => "refused",
            Self::Approved => "approved",
            Self::Destroying => "destroying",
            Self::Done => "done",
        }
    }

    fn from_row(text: &str) -> Result<Self, CatalogError> {
        [Self::Proposed, Self::Refused, Self::Approved, Self::Destroying, Self::Done]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| CatalogError::Corrupt(format!("a disposition is {text:?}")))
    }
}

#[derive(Clone, Debug)]
pub struct DispositionRow {
    pub disposition_id: DispositionId,
    pub class: String,
    pub epoch: String,
    pub due_at: Timestamp,
    pub state: State,
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

/// What an epoch holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochRow {
    pub class: String,
    pub epoch: String,
    pub segments: u64,
    pub deliveries: u64,
    pub bytes_received: u64,
    pub bytes_stored: u64,
}

pub async fn epochs(catalog: &Catalog) -> Result<Vec<EpochRow>, CatalogError> {
    let rows: Vec<(String, String, i64, i64, i64, i64)> = db::query_as(
        "SELECT s.class, s.epoch, COUNT(*), CAST(SUM(s.size_bytes) AS BIGINT),
             (SELECT COUNT(*) FROM delivery d WHERE d.class = s.class AND d.epoch = s.epoch),
             (SELECT CAST(COALESCE(SUM(d.size_bytes), 0) AS BIGINT) FROM delivery d
              WHERE d.class = s.class AND d.epoch = s.epoch)
         FROM segment s GROUP BY s.class, s.epoch ORDER BY s.class, s.epoch",
    )
    .fetch_all(catalog.read())
    .await
    .during("count epochs")?;
    let row = |(class, epoch, segments, stored, deliveries, received)| EpochRow {
        class,
        epoch,
        segments: i64::max(segments, 0) as u64,
        deliveries: i64::max(deliveries, 0) as u64,
        bytes_received: i64::max(received, 0) as u64,
        bytes_stored: i64::max(stored, 0) as u64,
    };
    Ok(rows.into_iter().map(row).collect())
}

pub struct New<'a> {
    pub class: &'a str,
    pub epoch: &'a str,
    pub due_at: Timestamp,
    pub figures: &'a str,
    pub at: Timestamp,
    pub by: UserId,
}

/// None where another proposal for the epoch is open.
pub async fn insert(
    tx: &mut WriteTransaction,
    new: &New<'_>,
) -> Result<Option<DispositionId>, CatalogError> {
    let id: Option<i64> = db::query_scalar(
        "INSERT INTO disposition (class, epoch, due_at, state, figures, proposed_at, proposed_by)
         VALUES ($1, $2, $3, 'proposed', $4, $5, $6) ON CONFLICT DO NOTHING
         RETURNING disposition_id",
    )
    .bind(new.class)
    .bind(new.epoch)
    .bind(new.due_at.0)
    .bind(new.figures)
    .bind(new.at.0)
    .bind(new.by.0)
    .fetch_optional(&mut *tx)
    .await
    .during("propose a disposition")?;
    Ok(id.map(DispositionId))
}

const COLUMNS: &str = "SELECT d.disposition_id, d.class, d.epoch, d.due_at, d.state, d.figures,
        d.proposed_at, d.proposed_by, p.name AS proposer, d.decided_at, q.name AS decider,
        d.reason, d.ended_at, d.result,
        (SELECT MAX(t.statement_id) FROM statement t
         WHERE t.action = 'disposition.done' AND t.at = d.ended_at) AS told
    FROM disposition d JOIN person p ON p.user_id = d.proposed_by
    LEFT JOIN person q ON q.user_id = d.decided_by ";

/// Newest first.
pub async fn list(catalog: &Catalog) -> Result<Vec<DispositionRow>, CatalogError> {
    let mut query = db::QueryBuilder::new(COLUMNS);
    query.push("ORDER BY d.disposition_id DESC");
    let rows = query.build().fetch_all(catalog.read()).await.during("list dispositions")?;
    rows.iter().map(from_row).collect()
}

pub async fn by_id(
    catalog: &Catalog,
    id: DispositionId,
) -> Result<Option<DispositionRow>, CatalogError> {
    let mut query = db::QueryBuilder::new(COLUMNS);
    query.push("WHERE d.disposition_id = ").push_bind(id.0);
    let row = query.build().fetch_optional(catalog.read()).await.during("find a disposition")?;
    row.as_ref().map(from_row).transpose()
}

fn from_row(row: &db::Row) -> Result<DispositionRow, CatalogError> {
    Ok(DispositionRow {
        disposition_id: DispositionId(row.get(0)),
        class: row.get(1),
        epoch: row.get(2),
        due_at: Timestamp(row.get(3)),
        state: State::from_row(&row.get::<String>(4))?,
        figures: row.get(5),
        proposed_at: Timestamp(row.get(6)),
        proposed_by: UserId(row.get(7)),
        proposer: row.get(8),
        decided_at: row.get::<Option<i64>>(9).map(Timestamp),
        decider: row.get(10),
        reason: row.get(11),
        ended_at: row.get::<Option<i64>>(12).map(Timestamp),
        result: row.get(13),
        told: row.get(14),
    })
}

/// Approves or refuses a proposal; false where it is none any more.
pub async fn decide(
    tx: &mut WriteTransaction,
    id: DispositionId,
    state: State,
    (by, at): (UserId, Timestamp),
    reason: &str,
) -> Result<bool, CatalogError> {
    let done = db::query(
        "UPDATE disposition SET state = $1, decided_by = $2, decided_at = $3, reason = $4
         WHERE disposition_id = $5 AND state = 'proposed'",
    )
    .bind(state.as_str())
    .bind(by.0)
    .bind(at.0)
    .bind(reason)
    .bind(id.0)
    .execute(&mut *tx)
    .await
    .during("decide on a disposition")?;
    Ok(done.rows_affected() == 1)
}

/// Says that destruction begins, or goes on.
pub async fn begin(tx: &mut WriteTransaction, id: DispositionId) -> Result<(), CatalogError> {
    db::query("UPDATE disposition SET state = 'destroying' WHERE disposition_id = $1")
        .bind(id.0)
        .execute(&mut *tx)
        .await
        .during("begin a disposition")?;
    Ok(())
}

/// Says what it has destroyed so far.
pub async fn count(
    tx: &mut WriteTransaction,
    id: DispositionId,
    result: &str,
) -> Result<(), CatalogError> {
    db::query("UPDATE disposition SET result = $1 WHERE disposition_id = $2")
        .bind(result)
        .bind(id.0)
        .execute(&mut *tx)
        .await
        .during(DURING_STEP)?;
    Ok(())
}

pub async fn end(
    tx: &mut WriteTransaction,
    id: DispositionId,
    at: Timestamp,
    result: &str,
) -> Result<(), CatalogError> {
    db::query(
        "UPDATE disposition SET state = 'done', ended_at = $1, result = $2
         WHERE disposition_id = $3",
    )
    .bind(at.0)
    .bind(result)
    .bind(id.0)
    .execute(&mut *tx)
    .await
    .during("end a disposition")?;
    Ok(())
}

/// By class and epoch, what dispositions left of those that they have begun to
/// destroy: the records that holds kept.
pub async fn disposed(
    catalog: &Catalog,
) -> Result<HashMap<(String, String), BTreeSet<RecordId>>, CatalogError> {
    #[derive(serde::Deserialize)]
    struct Kept {
        kept: Vec<RecordId>,
    }
    let mut disposed = HashMap::new();
    // The newest counts: what an older one kept, it may have destroyed.
    for row in list(catalog).await?.into_iter().rev() {
        if !matches!(row.state, State::Destroying | State::Done) {
            continue;
        }
        let damaged = |_| CatalogError::Corrupt("what a disposition kept".into());
        let kept = match &row.result {
            Some(result) => serde_json::from_str::<Kept>(result).map_err(damaged)?.kept,
            None => Vec::new(),
        };
        disposed.insert((row.class, row.epoch), kept.into_iter().collect());
    }
    Ok(disposed)
}

/// A segment with its deliveries.
#[derive(Clone, Debug)]
pub struct SegmentOf {
    pub segment: SegmentId,
    pub object: Place,
    pub page: Place,
    pub size_bytes: u64,
    pub deliveries: Vec<(DeliverySeq, RecordId)>,
}

const DURING_SEGMENTS: &str = "read an epoch's segments";

/// The segments of an epoch, those that were committed last first: each comes before
/// those that its records need for their parts.
pub async fn segments_backwards(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<Vec<SegmentId>, CatalogError> {
    let ids: Vec<(Vec<u8>, i64)> = db::query_as(
        "SELECT s.segment_id, COALESCE(MAX(d.seq), 0) AS last FROM segment s
         LEFT JOIN delivery d ON d.segment_id = s.segment_id
         WHERE s.class = $1 AND s.epoch = $2 GROUP BY s.segment_id ORDER BY last DESC, s.segment_id",
    )
    .bind(class)
    .bind(epoch)
    .fetch_all(catalog.read())
    .await
    .during(DURING_SEGMENTS)?;
    let damaged = |_| CatalogError::Corrupt("a segment's id".into());
    ids.iter().map(|(id, _)| SegmentId::try_from(&id[..]).map_err(damaged)).collect()
}

pub async fn count_segments(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<u64, CatalogError> {
    let count: i64 =
        db::query_scalar("SELECT COUNT(*) FROM segment WHERE class = $1 AND epoch = $2")
            .bind(class)
            .bind(epoch)
            .fetch_one(catalog.read())
            .await
            .during("count an epoch's segments")?;
    Ok(count.max(0) as u64)
}

/// The first segment of an epoch after `after`, in the order of their ids.
pub async fn next_segment(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
    after: Option<SegmentId>,
) -> Result<Option<SegmentOf>, CatalogError> {
    let id: Option<Vec<u8>> = db::query_scalar(
        "SELECT segment_id FROM segment
         WHERE class = $1 AND epoch = $2 AND segment_id > $3 ORDER BY segment_id LIMIT 1",
    )
    .bind(class)
    .bind(epoch)
    .bind(after.map(|id| id.0.to_vec()).unwrap_or_default())
    .fetch_optional(catalog.read())
    .await
    .during(DURING_SEGMENTS)?;
    let Some(id) = id else { return Ok(None) };
    let damaged = |_| CatalogError::Corrupt("a segment's id".into());
    segment(catalog, SegmentId::try_from(&id[..]).map_err(damaged)?).await
}

/// A segment with its deliveries; none where it is gone.
pub async fn segment(catalog: &Catalog, id: SegmentId) -> Result<Option<SegmentOf>, CatalogError> {
    const DURING: &str = DURING_SEGMENTS;
    type Found = (String, Option<String>, String, Option<String>, i64);
    let row: Option<Found> = db::query_as(
        "SELECT object, object_version, page, page_version, size_bytes FROM segment
         WHERE segment_id = $1",
    )
    .bind(&id.0[..])
    .fetch_optional(catalog.read())
    .await
    .during(DURING)?;
    let Some((object, object_version, page, page_version, size)) = row else {
        return Ok(None);
    };
    let damaged = |what: &str| CatalogError::Corrupt(format!("a segment's {what}"));
    let rows: Vec<(i64, Vec<u8>)> =
        db::query_as("SELECT seq, record_id FROM delivery WHERE segment_id = $1 ORDER BY seq")
            .bind(&id.0[..])
            .fetch_all(catalog.read())
            .await
            .during(DURING)?;
    let deliveries = rows.into_iter().map(|(seq, record)| {
        let record = RecordId::try_from(&record[..]).map_err(|_| damaged("record id"))?;
        Ok((DeliverySeq(seq), record))
    });
    Ok(Some(SegmentOf {
        segment: id,
        object: Place { name: object, version: object_version },
        page: Place { name: page, version: page_version },
        size_bytes: size.max(0) as u64,
        deliveries: deliveries.collect::<Result<_, CatalogError>>()?,
    }))
}

/// The last delivery of an epoch in commit order.
pub async fn last_delivery(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<Option<DeliverySeq>, CatalogError> {
    let last: Option<i64> =
        db::query_scalar("SELECT MAX(seq) FROM delivery WHERE class = $1 AND epoch = $2")
            .bind(class)
            .bind(epoch)
            .fetch_one(catalog.read())
            .await
            .during("find an epoch's last delivery")?;
    Ok(last.map(DeliverySeq))
}

/// Whether mail of an epoch is still being read.
pub async fn is_being_read(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<bool, CatalogError> {
    let count: i64 = db::query_scalar(
        "SELECT COUNT(*) FROM pending_reading p JOIN delivery d ON d.seq = p.seq
         WHERE d.class = $1 AND d.epoch = $2",
    )
    .bind(class)
    .bind(epoch)
    .fetch_one(catalog.read())
    .await
    .during("ask whether mail is being read")?;
    Ok(count > 0)
}

/// The records that an epoch has.
pub async fn records_of(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<Vec<RecordId>, CatalogError> {
    let ids: Vec<Vec<u8>> = db::query_scalar(
        "SELECT record_id FROM delivery WHERE class = $1 AND epoch = $2 ORDER BY seq",
    )
    .bind(class)
    .bind(epoch)
    .fetch_all(catalog.read())
    .await
    .during("read an epoch's records")?;
    let damaged = |_| CatalogError::Corrupt("a delivery's record id".into());
    ids.iter().map(|id| RecordId::try_from(&id[..]).map_err(damaged)).collect()
}

/// The names that the catalog knows below an epoch.
pub async fn objects_of(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<Vec<String>, CatalogError> {
    db::query_scalar(
        "SELECT object FROM segment WHERE class = $1 AND epoch = $2
         UNION ALL SELECT page FROM segment WHERE class = $1 AND epoch = $2",
    )
    .bind(class)
    .bind(epoch)
    .fetch_all(catalog.read())
    .await
    .during("read an epoch's objects")
}

const DURING_STEP: &str = "destroy records";

/// A segment with another page.
pub async fn set_page(
    tx: &mut WriteTransaction,
    segment: SegmentId,
    page: &Place,
) -> Result<(), CatalogError> {
    db::query("UPDATE segment SET page = $1, page_version = $2 WHERE segment_id = $3")
        .bind(&page.name)
        .bind(&page.version)
        .bind(&segment.0[..])
        .execute(&mut *tx)
        .await
        .during(DURING_STEP)?;
    Ok(())
}

pub async fn remove_segment(
    tx: &mut WriteTransaction,
    segment: SegmentId,
) -> Result<(), CatalogError> {
    flag::forget(tx, segment).await?;
    db::query("DELETE FROM segment WHERE segment_id = $1")
        .bind(&segment.0[..])
        .execute(&mut *tx)
        .await
        .during(DURING_STEP)?;
    Ok(())
}

/// The object belongs to nobody from this transaction on.
pub async fn condemn(
    tx: &mut WriteTransaction,
    id: DispositionId,
    object: &str,
) -> Result<(), CatalogError> {
    db::query(
        "INSERT INTO condemned (object, disposition_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    )
    .bind(object)
    .bind(id.0)
    .execute(&mut *tx)
    .await
    .during(DURING_STEP)?;
    Ok(())
}

/// What is to leave the bucket of an epoch. What some segment has does not go, whatever
/// a row says.
pub async fn condemned(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
    limit: u32,
) -> Result<Vec<String>, CatalogError> {
    // The character after the slash ends the range.
    let range = |room: &str, end: char| format!("{room}/{class}/{epoch}{end}");
    db::query_scalar(
        "SELECT c.object FROM condemned c
         WHERE (c.object > $1 AND c.object < $2 OR c.object > $3 AND c.object < $4)
           AND NOT EXISTS (SELECT 1 FROM segment s WHERE s.page = c.object)
           AND NOT EXISTS (SELECT 1 FROM segment s
                           WHERE s.class = $5 AND s.epoch = $6 AND s.object = c.object)
         ORDER BY c.object LIMIT $7",
    )
    .bind(range("seg", '/'))
    .bind(range("seg", '0'))
    .bind(range("key", '/'))
    .bind(range("key", '0'))
    .bind(class)
    .bind(epoch)
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during("read what is to leave the bucket")
}

/// The objects have left the bucket.
pub async fn forget_condemned(catalog: &Catalog, objects: &[String]) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    for object in objects {
        db::query("DELETE FROM condemned WHERE object = $1")
            .bind(object)
            .execute(&mut tx)
            .await
            .during(DURING_STEP)?;
    }
    catalog.commit(tx, DURING_STEP).await
}

/// Sets that this node's index has to hear of: it has what came up to `cursor`, and
/// what it is just reading it could put after it heard.
pub async fn diminished(
    catalog: &Catalog,
    cursor: u64,
    limit: u32,
) -> Result<Vec<SetId>, CatalogError> {
    let sets: Vec<i64> = db::query_scalar(
        "SELECT set_id FROM diminished WHERE node = $2 AND until_seq <= $3
         ORDER BY set_id LIMIT $1",
    )
    .bind(i64::from(limit))
    .bind(catalog.node())
    .bind(i64::try_from(cursor).unwrap_or(i64::MAX))
    .fetch_all(catalog.read())
    .await
    .during("read what is to leave the index")?;
    Ok(sets.into_iter().map(SetId).collect())
}

/// Whether this node's index has yet to hear of some.
pub async fn is_diminished(catalog: &Catalog) -> Result<bool, CatalogError> {
    let count: i64 = db::query_scalar("SELECT COUNT(*) FROM diminished WHERE node = $1")
        .bind(catalog.node())
        .fetch_one(catalog.read())
        .await
        .during("read what is to leave the index")?;
    Ok(count > 0)
}

/// Whether a disposition destroys something of an epoch, or is about to.
pub async fn is_destroying(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<bool, CatalogError> {
    let count: i64 = db::query_scalar(
        "SELECT COUNT(*) FROM disposition
         WHERE class = $1 AND epoch = $2 AND state IN ('approved', 'destroying')",
    )
    .bind(class)
    .bind(epoch)
    .fetch_one(catalog.read())
    .await
    .during("ask whether a month is being destroyed")?;
    Ok(count > 0)
}

pub async fn forget_diminished(catalog: &Catalog, sets: &[SetId]) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    for set in sets {
        db::query("DELETE FROM diminished WHERE set_id = $1 AND node = $2")
            .bind(set.0)
            .bind(catalog.node())
            .execute(&mut tx)
            .await
            .during(DURING_STEP)?;
    }
    catalog.commit(tx, DURING_STEP).await
}

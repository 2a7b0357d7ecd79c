//! Dispositions: proposals to destroy an epoch, what was decided on them, and which
//! objects and sets still have to go because of one.

use std::collections::{BTreeSet, HashMap};

use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::{Catalog, CatalogError, During, WriteTransaction};
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
    pub fn as_str(self) -> &'static str {
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
    let rows: Vec<(String, String, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT s.class, s.epoch, COUNT(*), SUM(s.size_bytes),
             (SELECT COUNT(*) FROM delivery d WHERE d.class = s.class AND d.epoch = s.epoch),
             (SELECT COALESCE(SUM(d.size_bytes), 0) FROM delivery d
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
    let id: Option<i64> = sqlx::query_scalar(
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
    .fetch_optional(&mut **tx)
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
    let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
    query.push("ORDER BY d.disposition_id DESC");
    let rows = query.build().fetch_all(catalog.read()).await.during("list dispositions")?;
    rows.iter().map(from_row).collect()
}

pub async fn by_id(
    catalog: &Catalog,
    id: DispositionId,
) -> Result<Option<DispositionRow>, CatalogError> {
    let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
    query.push("WHERE d.disposition_id = ").push_bind(id.0);
    let row = query.build().fetch_optional(catalog.read()).await.during("find a disposition")?;
    row.as_ref().map(from_row).transpose()
}

fn from_row(row: &sqlx::sqlite::SqliteRow) -> Result<DispositionRow, CatalogError> {
    Ok(DispositionRow {
        disposition_id: DispositionId(row.get(0)),
        class: row.get(1),
        epoch: row.get(2),
        due_at: Timestamp(row.get(3)),
        state: State::from_row(row.get(4))?,
        figures: row.get(5),
        proposed_at: Timestamp(row.get(6)),
        proposed_by: UserId(row.get(7)),
        proposer: row.get(8),
        decided_at: row.get::<Option<i64>, _>(9).map(Timestamp),
        decider: row.get(10),
        reason: row.get(11),
        ended_at: row.get::<Option<i64>, _>(12).map(Timestamp),
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
    let done = sqlx::query(
        "UPDATE disposition SET state = $1, decided_by = $2, decided_at = $3, reason = $4
         WHERE disposition_id = $5 AND state = 'proposed'",
    )
    .bind(state.as_str())
    .bind(by.0)
    .bind(at.0)
    .bind(reason)
    .bind(id.0)
    .execute(&mut **tx)
    .await
    .during("decide on a disposition")?;
    Ok(done.rows_affected() == 1)
}

/// Says that destruction begins, or goes on.
pub async fn begin(tx: &mut WriteTransaction, id: DispositionId) -> Result<(), CatalogError> {
    sqlx::query("UPDATE disposition SET state = 'destroying' WHERE disposition_id = $1")
        .bind(id.0)
        .execute(&mut **tx)
        .await
        .during("begin a disposition")?;
    Ok(())
}

pub async fn end(
    tx: &mut WriteTransaction,
    id: DispositionId,
    at: Timestamp,
    result: &str,
) -> Result<(), CatalogError> {
    sqlx::query(
        "UPDATE disposition SET state = 'done', ended_at = $1, result = $2
         WHERE disposition_id = $3",
    )
    .bind(at.0)
    .bind(result)
    .bind(id.0)
    .execute(&mut **tx)
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

/// The first segment of an epoch after `after`, in the order of their ids.
pub async fn next_segment(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
    after: Option<SegmentId>,
) -> Result<Option<SegmentOf>, CatalogError> {
    const DURING: &str = "read an epoch's segments";
    type Found = (Vec<u8>, String, Option<String>, String, Option<String>, i64);
    let row: Option<Found> = sqlx::query_as(
        "SELECT segment_id, object, object_version, page, page_version, size_bytes FROM segment
         WHERE class = $1 AND epoch = $2 AND segment_id > $3 ORDER BY segment_id LIMIT 1",
    )
    .bind(class)
    .bind(epoch)
    .bind(after.map(|id| id.0.to_vec()).unwrap_or_default())
    .fetch_optional(catalog.read())
    .await
    .during(DURING)?;
    let Some((id, object, object_version, page, page_version, size)) = row else {
        return Ok(None);
    };
    let damaged = |what: &str| CatalogError::Corrupt(format!("a segment's {what}"));
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT seq, record_id FROM delivery WHERE segment_id = $1 ORDER BY seq")
            .bind(&id)
            .fetch_all(catalog.read())
            .await
            .during(DURING)?;
    let deliveries = rows.into_iter().map(|(seq, record)| {
        let record = RecordId::try_from(&record[..]).map_err(|_| damaged("record id"))?;
        Ok((DeliverySeq(seq), record))
    });
    Ok(Some(SegmentOf {
        segment: SegmentId::try_from(&id[..]).map_err(|_| damaged("id"))?,
        object: Place { name: object, version: object_version },
        page: Place { name: page, version: page_version },
        size_bytes: size.max(0) as u64,
        deliveries: deliveries.collect::<Result<_, CatalogError>>()?,
    }))
}

pub async fn count_segments(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<u64, CatalogError> {
    let count: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM segment WHERE class = $1 AND epoch = $2")
            .bind(class)
            .bind(epoch)
            .fetch_one(catalog.read())
            .await
            .during("count an epoch's segments")?;
    Ok(count.max(0) as u64)
}

/// The last delivery of an epoch in commit order.
pub async fn last_delivery(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<Option<DeliverySeq>, CatalogError> {
    let last: Option<i64> =
        sqlx::query_scalar("SELECT MAX(seq) FROM delivery WHERE class = $1 AND epoch = $2")
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
    let count: i64 = sqlx::query_scalar(
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

/// The names that the catalog knows below an epoch.
pub async fn objects_of(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<Vec<String>, CatalogError> {
    sqlx::query_scalar(
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
    sqlx::query("UPDATE segment SET page = $1, page_version = $2 WHERE segment_id = $3")
        .bind(&page.name)
        .bind(&page.version)
        .bind(&segment.0[..])
        .execute(&mut **tx)
        .await
        .during(DURING_STEP)?;
    Ok(())
}

pub async fn remove_segment(
    tx: &mut WriteTransaction,
    segment: SegmentId,
) -> Result<(), CatalogError> {
    sqlx::query("DELETE FROM segment WHERE segment_id = $1")
        .bind(&segment.0[..])
        .execute(&mut **tx)
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
    sqlx::query(
        "INSERT INTO condemned (object, disposition_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    )
    .bind(object)
    .bind(id.0)
    .execute(&mut **tx)
    .await
    .during(DURING_STEP)?;
    Ok(())
}

pub async fn condemned(catalog: &Catalog, limit: u32) -> Result<Vec<String>, CatalogError> {
    sqlx::query_scalar("SELECT object FROM condemned ORDER BY object LIMIT $1")
        .bind(i64::from(limit))
        .fetch_all(catalog.read())
        .await
        .during("read what is to leave the bucket")
}

/// The objects have left the bucket.
pub async fn forget_condemned(catalog: &Catalog, objects: &[String]) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    for object in objects {
        sqlx::query("DELETE FROM condemned WHERE object = $1")
            .bind(object)
            .execute(&mut *tx)
            .await
            .during(DURING_STEP)?;
    }
    catalog.commit(tx, DURING_STEP).await
}

/// Sets that the index has to hear of, and whether they are still there.
pub async fn diminished(catalog: &Catalog, limit: u32) -> Result<Vec<(SetId, bool)>, CatalogError> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT d.set_id, COUNT(s.set_id) FROM diminished d
         LEFT JOIN message_set s ON s.set_id = d.set_id
         GROUP BY d.set_id ORDER BY d.set_id LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during("read what is to leave the index")?;
    Ok(rows.into_iter().map(|(set, count)| (SetId(set), count > 0)).collect())
}

pub async fn forget_diminished(catalog: &Catalog, sets: &[SetId]) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    for set in sets {
        sqlx::query("DELETE FROM diminished WHERE set_id = $1")
            .bind(set.0)
            .execute(&mut *tx)
            .await
            .during(DURING_STEP)?;
    }
    catalog.commit(tx, DURING_STEP).await
}

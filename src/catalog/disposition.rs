//! Dispositions: proposals to destroy an epoch, and what was decided on them.

use std::collections::{BTreeSet, HashMap};

use super::{Catalog, CatalogError, During, WriteTransaction, db, epoch};
use crate::base::clock::Timestamp;
use crate::base::ids::{DispositionId, RecordId, UserId};

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
        .during(epoch::DURING_STEP)?;
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

//! Durable work: rows that are queued, leased, and ended once.
//!
//! A lease says who works on a job and until when; who holds it renews it. A
//! job whose lease has run out is anyone's, and is done again from its start.

use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::ids::{JobId, MatterId};
use crate::base::limits::JOB_LEASE_SECONDS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn from_row(text: &str) -> Result<Self, CatalogError> {
        [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| CatalogError::Corrupt(format!("a job is in the state {text:?}")))
    }
}

#[derive(Clone, Debug)]
pub struct JobRow {
    pub job_id: JobId,
    pub kind: String,
    pub matter_id: Option<MatterId>,
    pub asked_by: String,
    /// JSON, as the kind has it.
    pub request: String,
    pub state: State,
    pub is_cancel_asked: bool,
    pub done: u64,
    pub total: u64,
    /// JSON, as the kind has it; the reason in words when it failed.
    pub result: String,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

pub struct NewJob<'a> {
    pub kind: &'a str,
    pub matter_id: Option<MatterId>,
    pub asked_by: &'a str,
    pub request: &'a str,
}

/// Who works on a job, and until when unless renewed.
#[derive(Clone, Debug)]
pub struct Lease {
    pub owner: String,
    pub until: Timestamp,
}

impl Lease {
    /// One that begins now.
    pub fn from(owner: &str, now: Timestamp) -> Self {
        Self { owner: owner.to_owned(), until: now.plus_seconds(JOB_LEASE_SECONDS) }
    }
}

const COLUMNS: &str = "job_id, kind, matter_id, asked_by, request, state, is_cancel_asked, done, \
                       total, result, created_at, started_at, ended_at";

/// Queues a job, or starts it at once where `lease` says who does it.
pub async fn insert(
    tx: &mut WriteTransaction,
    new: &NewJob<'_>,
    now: Timestamp,
    lease: Option<&Lease>,
) -> Result<JobId, CatalogError> {
    let state = if lease.is_some() { State::Running } else { State::Queued };
    let id = db::query_scalar(
        "INSERT INTO job (kind, matter_id, asked_by, request, state, is_cancel_asked, done, total,
             result, created_at, started_at, lease_owner, lease_until)
         VALUES ($1, $2, $3, $4, $5, 0, 0, 0, '', $6, $7, $8, $9) RETURNING job_id",
    )
    .bind(new.kind)
    .bind(new.matter_id.map(|id| id.0))
    .bind(new.asked_by)
    .bind(new.request)
    .bind(state.as_str())
    .bind(now.0)
    .bind(lease.map(|_| now.0))
    .bind(lease.map(|lease| lease.owner.as_str()))
    .bind(lease.map(|lease| lease.until.0))
    .fetch_one(&mut *tx)
    .await
    .during("queue a job")?;
    Ok(JobId(id))
}

pub async fn by_id(catalog: &Catalog, id: JobId) -> Result<Option<JobRow>, CatalogError> {
    let mut query = db::QueryBuilder::new(format!("SELECT {COLUMNS} FROM job"));
    query.push(" WHERE job_id = ").push_bind(id.0);
    let row = query.build().fetch_optional(catalog.read()).await.during("find a job")?;
    row.as_ref().map(from_row).transpose()
}

/// Jobs of a kind, newest first: of one matter, or of all and none.
pub async fn list(
    catalog: &Catalog,
    kind: &str,
    matter: Option<MatterId>,
    limit: usize,
) -> Result<Vec<JobRow>, CatalogError> {
    let mut query = db::QueryBuilder::new(format!("SELECT {COLUMNS} FROM job"));
    query.push(" WHERE kind = ").push_bind(kind.to_owned());
    if let Some(matter) = matter {
        query.push(" AND matter_id = ").push_bind(matter.0);
    }
    query.push(" ORDER BY job_id DESC LIMIT ").push_bind(limit as i64);
    let rows = query.build().fetch_all(catalog.read()).await.during("list jobs")?;
    rows.iter().map(from_row).collect()
}

/// Which kinds of jobs somebody does.
#[derive(Clone, Copy, Debug)]
pub enum Kinds {
    Only(&'static str),
    But(&'static str),
}

/// Takes the oldest job that waits, of any kind.
pub async fn lease(
    catalog: &Catalog,
    lease: &Lease,
    now: Timestamp,
) -> Result<Option<JobRow>, CatalogError> {
    lease_of(catalog, Kinds::But(""), lease, now).await
}

/// Takes the oldest job of these that waits: a queued one, one whose lease has run
/// out, or one that this owner held when it last ended.
pub async fn lease_of(
    catalog: &Catalog,
    kinds: Kinds,
    lease: &Lease,
    now: Timestamp,
) -> Result<Option<JobRow>, CatalogError> {
    const DURING: &str = "lease a job";
    let mut query = db::QueryBuilder::new("UPDATE job SET state = 'running', done = 0");
    query.push(", lease_owner = ").push_bind(lease.owner.clone());
    query.push(", lease_until = ").push_bind(lease.until.0);
    query.push(", started_at = COALESCE(started_at, ").push_bind(now.0);
    query.push(
        ") WHERE job_id = (SELECT job_id FROM job
             WHERE (state = 'queued' OR (state = 'running' AND (lease_until < ",
    );
    query.push_bind(now.0).push(" OR lease_owner = ").push_bind(lease.owner.clone());
    query.push("))) AND kind ");
    match kinds {
        Kinds::Only(kind) => query.push("= ").push_bind(kind),
        Kinds::But(kind) => query.push("<> ").push_bind(kind),
    };
    query.push(format!(" ORDER BY job_id LIMIT 1) RETURNING {COLUMNS}"));
    let mut tx = catalog.write().await?;
    let row = query.build().fetch_optional(&mut tx).await.during(DURING)?;
    let row = row.as_ref().map(from_row).transpose()?;
    if let Some(row) = &row {
        db::query(
            "INSERT INTO job_start (job_id, starts) VALUES ($1, 1)
             ON CONFLICT (job_id) DO UPDATE SET starts = job_start.starts + 1",
        )
        .bind(row.job_id.0)
        .execute(&mut tx)
        .await
        .during(DURING)?;
    }
    catalog.commit(tx, DURING).await?;
    Ok(row)
}

/// How often a job was begun, without the times that a stop of the server cut off.
pub async fn starts(catalog: &Catalog, id: JobId) -> Result<u64, CatalogError> {
    let starts: Option<i64> = db::query_scalar("SELECT starts FROM job_start WHERE job_id = $1")
        .bind(id.0)
        .fetch_optional(catalog.read())
        .await
        .during("count the starts of a job")?;
    Ok(starts.unwrap_or(0).max(0) as u64)
}

/// What one who works on a job learns when renewing the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    GoOn,
    /// Someone asked for it to be cancelled.
    Cancel,
    /// It is another's job now.
    Lost,
}

impl Renewed {
    /// Of what became of the row: whether somebody asked to cancel; none where it is
    /// another's.
    fn from_row(row: Option<(i64,)>) -> Self {
        match row {
            None => Self::Lost,
            Some((0,)) => Self::GoOn,
            Some(_) => Self::Cancel,
        }
    }
}

/// Says how far the job is, and keeps it.
pub async fn renew(
    catalog: &Catalog,
    id: JobId,
    lease: &Lease,
    (done, total): (u64, u64),
) -> Result<Renewed, CatalogError> {
    const DURING: &str = "renew the lease of a job";
    let mut tx = catalog.write().await?;
    let row: Option<(i64,)> = db::query_as(
        "UPDATE job SET done = $1, total = $2, lease_until = $3
         WHERE job_id = $4 AND lease_owner = $5 AND state = 'running' RETURNING is_cancel_asked",
    )
    .bind(done as i64)
    .bind(total as i64)
    .bind(lease.until.0)
    .bind(id.0)
    .bind(&lease.owner)
    .fetch_optional(&mut tx)
    .await
    .during(DURING)?;
    catalog.commit(tx, DURING).await?;
    Ok(Renewed::from_row(row))
}

/// Keeps a job, and says nothing of how far it is.
pub async fn touch(catalog: &Catalog, id: JobId, lease: &Lease) -> Result<Renewed, CatalogError> {
    const DURING: &str = "renew the lease of a job";
    let mut tx = catalog.write().await?;
    let row: Option<(i64,)> = db::query_as(
        "UPDATE job SET lease_until = $1
         WHERE job_id = $2 AND lease_owner = $3 AND state = 'running' RETURNING is_cancel_asked",
    )
    .bind(lease.until.0)
    .bind(id.0)
    .bind(&lease.owner)
    .fetch_optional(&mut tx)
    .await
    .during(DURING)?;
    catalog.commit(tx, DURING).await?;
    Ok(Renewed::from_row(row))
}

/// Ends a job; false where it is not the owner's any more.
pub async fn end(
    tx: &mut WriteTransaction,
    id: JobId,
    owner: &str,
    (state, result): (State, &str),
    now: Timestamp,
) -> Result<bool, CatalogError> {
    let ended = db::query(
        "UPDATE job SET state = $1, result = $2, ended_at = $3, lease_owner = NULL,
             lease_until = NULL,
             done = CASE WHEN $1 = 'done' THEN total ELSE done END
         WHERE job_id = $4 AND lease_owner = $5 AND state = 'running'",
    )
    .bind(state.as_str())
    .bind(result)
    .bind(now.0)
    .bind(id.0)
    .bind(owner)
    .execute(&mut *tx)
    .await
    .during("end a job")?;
    Ok(ended.rows_affected() == 1)
}

/// Lets others go on with what `owner` was at.
pub async fn release(catalog: &Catalog, owner: &str) -> Result<(), CatalogError> {
    const DURING: &str = "release jobs";
    let mut tx = catalog.write().await?;
    db::query(
        "UPDATE job_start SET starts = starts - 1 WHERE job_id IN
             (SELECT job_id FROM job
              WHERE lease_owner = $1 AND state = 'running' AND lease_until > 0)",
    )
    .bind(owner)
    .execute(&mut tx)
    .await
    .during(DURING)?;
    db::query("UPDATE job SET lease_until = 0 WHERE lease_owner = $1 AND state = 'running'")
        .bind(owner)
        .execute(&mut tx)
        .await
        .during(DURING)?;
    catalog.commit(tx, DURING).await
}

/// Cancels a queued job now; asks who works on a running one to stop.
pub async fn cancel(
    tx: &mut WriteTransaction,
    id: JobId,
    now: Timestamp,
) -> Result<(), CatalogError> {
    db::query(
        "UPDATE job SET is_cancel_asked = 1,
             ended_at = CASE WHEN state = 'queued' THEN $1 ELSE ended_at END,
             state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END
         WHERE job_id = $2 AND state IN ('queued', 'running')",
    )
    .bind(now.0)
    .bind(id.0)
    .execute(&mut *tx)
    .await
    .during("cancel a job")?;
    Ok(())
}

/// Ends every job that is not ended, with a reason in words.
pub async fn fail_unended(
    tx: &mut WriteTransaction,
    now: Timestamp,
    reason: &str,
) -> Result<(), CatalogError> {
    db::query(
        "UPDATE job SET state = 'failed', result = $1, ended_at = $2, lease_owner = NULL,
             lease_until = NULL
         WHERE state IN ('queued', 'running')",
    )
    .bind(reason)
    .bind(now.0)
    .execute(&mut *tx)
    .await
    .during("end jobs")?;
    Ok(())
}

fn from_row(row: &db::Row) -> Result<JobRow, CatalogError> {
    Ok(JobRow {
        job_id: JobId(row.get(0)),
        kind: row.get(1),
        matter_id: row.get::<Option<i64>>(2).map(MatterId),
        asked_by: row.get(3),
        request: row.get(4),
        state: State::from_row(&row.get::<String>(5))?,
        is_cancel_asked: row.get::<i64>(6) != 0,
        done: row.get::<i64>(7).max(0) as u64,
        total: row.get::<i64>(8).max(0) as u64,
        result: row.get(9),
        created_at: Timestamp(row.get(10)),
        started_at: row.get::<Option<i64>>(11).map(Timestamp),
        ended_at: row.get::<Option<i64>>(12).map(Timestamp),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::scratch;

    fn lease_of(owner: &str, until: i64) -> Lease {
        Lease { owner: owner.into(), until: Timestamp(until) }
    }

    async fn queue(catalog: &Catalog, lease: Option<&Lease>) -> JobId {
        let mut tx = catalog.write().await.unwrap();
        let new = NewJob { kind: "export", matter_id: None, asked_by: "alice", request: "{}" };
        let id = insert(&mut tx, &new, Timestamp(1), lease).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn ended(catalog: &Catalog, id: JobId, owner: &str) -> bool {
        let mut tx = catalog.write().await.unwrap();
        let is = end(&mut tx, id, owner, (State::Done, "{}"), Timestamp(9)).await.unwrap();
        tx.commit().await.unwrap();
        is
    }

    #[tokio::test]
    async fn a_job_is_done_once_and_again_only_when_its_lease_ran_out() {
        let (catalog, _directory) = scratch().await;
        let id = queue(&catalog, None).await;
        let (a, b) = (lease_of("a", 100), lease_of("b", 300));
        let taken = lease(&catalog, &a, Timestamp(2)).await.unwrap().unwrap();
        assert_eq!((taken.job_id, taken.state), (id, State::Running));
        assert!(lease(&catalog, &b, Timestamp(50)).await.unwrap().is_none());
        assert_eq!(renew(&catalog, id, &a, (1, 5)).await.unwrap(), Renewed::GoOn);
        // `a` is gone; its lease runs out.
        let taken = lease(&catalog, &b, Timestamp(101)).await.unwrap().unwrap();
        assert_eq!((taken.done, taken.total, taken.started_at), (0, 5, Some(Timestamp(2))));
        assert_eq!(renew(&catalog, id, &a, (2, 5)).await.unwrap(), Renewed::Lost);
        assert!(!ended(&catalog, id, "a").await);
        assert!(ended(&catalog, id, "b").await);
        assert!(!ended(&catalog, id, "b").await);
        let row = by_id(&catalog, id).await.unwrap().unwrap();
        assert_eq!((row.state, row.done), (State::Done, 5));
        assert!(lease(&catalog, &b, Timestamp(999)).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn an_owner_that_starts_anew_takes_its_job_back_at_once() {
        let (catalog, _directory) = scratch().await;
        let other = lease_of("command", 1000);
        queue(&catalog, Some(&other)).await;
        let id = queue(&catalog, None).await;
        let mine = lease_of("serve", 1000);
        assert_eq!(lease(&catalog, &mine, Timestamp(2)).await.unwrap().unwrap().job_id, id);
        assert_eq!(lease(&catalog, &mine, Timestamp(3)).await.unwrap().unwrap().job_id, id);
        assert_eq!(starts(&catalog, id).await.unwrap(), 2);
        // A stop is no fault of the job, however often it is said.
        release(&catalog, "serve").await.unwrap();
        release(&catalog, "serve").await.unwrap();
        assert_eq!(starts(&catalog, id).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn cancelling_ends_what_waits_and_asks_what_runs() {
        let (catalog, _directory) = scratch().await;
        let (first, second) = (queue(&catalog, None).await, queue(&catalog, None).await);
        let mine = lease_of("serve", 1000);
        lease(&catalog, &mine, Timestamp(2)).await.unwrap();
        let mut tx = catalog.write().await.unwrap();
        for id in [first, second] {
            cancel(&mut tx, id, Timestamp(3)).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(renew(&catalog, first, &mine, (0, 0)).await.unwrap(), Renewed::Cancel);
        let listed = list(&catalog, "export", None, 10).await.unwrap();
        assert_eq!(
            listed.iter().map(|row| row.state).collect::<Vec<_>>(),
            [State::Cancelled, State::Running]
        );
        assert_eq!(list(&catalog, "export", Some(MatterId(7)), 10).await.unwrap().len(), 0);
    }
}

//! Doing a disposition as a job: its steps, and what came of it.

use serde_json::json;

use super::destroy::{Destroyer, Stopped};
use super::{Outcomes, Request, Retention, RetentionError, act, decided, doubted, ready};
use crate::access::Refused;
use crate::access::audit::{Act, Outcome, record_in};
use crate::base::chain::chain;
use crate::catalog::disposition::{self as rows, DispositionRow, State};
use crate::catalog::job::{self, JobRow};
use crate::catalog::{CatalogError, epoch};
use crate::ingest::follow::FollowError;
use crate::policy;
use crate::vault::VaultError;
use crate::vault::bucket::BucketError;

/// Does a leased job to its end and says so in catalog and audit. An error means
/// that it is left to be tried again.
pub async fn run(retention: &Retention, job: JobRow, owner: &str) -> Result<(), RetentionError> {
    let found = find(retention, &job).await;
    let named = found.as_ref().ok();
    let named = named.map(|row| (row.disposition_id, row.class.clone(), row.epoch.clone()));
    let worked = match found {
        Ok(row) => work(retention, &row, &job, owner).await,
        Err(error) => Err(error),
    };
    let failed = |why: &str| match named {
        Some((id, class, epoch)) => {
            act("disposition.run", &class, &epoch).with(json!({ "disposition": id, "error": why }))
        }
        None => act_of_job("disposition.run", &job).with(json!({ "error": why })),
    };
    settle(retention, &job, owner, worked, failed).await
}

/// An act of a job of which is known no more.
pub(super) fn act_of_job(action: &'static str, job: &JobRow) -> Act {
    Act::new(action, None, format!("job {}", job.job_id))
}

/// Ends a job by what came of it; what may pass by itself is left to be tried again.
pub(super) async fn settle(
    retention: &Retention,
    job: &JobRow,
    owner: &str,
    worked: Result<Worked, RetentionError>,
    failed: impl FnOnce(&str) -> Act,
) -> Result<(), RetentionError> {
    let (state, result) = match worked {
        Ok(Worked::All(text)) => (job::State::Done, text),
        Ok(Worked::Nothing) => (job::State::Done, "{}".to_owned()),
        // Its new owner says what came of it.
        Ok(Worked::Lost) => return Ok(()),
        Err(error) if is_transient(&error) => return Err(error),
        Err(error) => {
            let text = chain(&error);
            tracing::error!(job = %job.job_id, kind = job.kind, error = %text, "a job stopped");
            (job::State::Failed, text)
        }
    };
    let now = retention.clock.now();
    let mut tx = retention.catalog.write().await?;
    if job::end(&mut tx, job.job_id, owner, (state, &result), now).await? {
        if state == job::State::Failed {
            record_in(&mut tx, now, &job.asked_by, &failed(&result), Outcome::Failed).await?;
        }
        retention.catalog.commit(tx, "end a job").await?;
    }
    Ok(())
}

async fn find(retention: &Retention, job: &JobRow) -> Result<DispositionRow, RetentionError> {
    let Request { disposition } =
        serde_json::from_str(&job.request).map_err(RetentionError::Request)?;
    let row = rows::by_id(&retention.catalog, disposition).await?;
    Ok(row.ok_or(Refused::Hidden("disposition"))?)
}

pub(super) enum Worked {
    /// To its end; what came of it, as its row has it.
    All(String),
    /// It was done before.
    Nothing,
    Lost,
}

async fn work(
    retention: &Retention,
    row: &DispositionRow,
    job: &JobRow,
    owner: &str,
) -> Result<Worked, RetentionError> {
    if !matches!(row.state, State::Approved | State::Destroying) {
        return Ok(Worked::Nothing);
    }
    decided::check(retention, decided::DISPOSITION, row.disposition_id.0).await?;
    ready::check(retention, row).await?;
    let (catalog, id) = (&retention.catalog, row.disposition_id);
    if row.state == State::Approved {
        doubted::check_segments(retention, &row.class, &row.epoch).await?;
        begin(retention, row, job).await?;
    }
    let so_far = match &row.result {
        Some(result) => serde_json::from_str(result)?,
        None => Outcomes::default(),
    };
    let mut destroyer = Destroyer::new(retention, row, job.job_id, owner, so_far);
    let mut outcomes = match destroyer.run().await {
        Ok(()) => destroyer.outcomes,
        Err(Stopped::Lost) => return Ok(Worked::Lost),
        Err(Stopped::Error(error)) => return Err(error),
    };
    outcomes.kept = epoch::records_of(catalog, &row.class, &row.epoch).await?;
    let mut tx = catalog.write().await?;
    let (now, text) = (retention.clock.now(), serde_json::to_string(&outcomes)?);
    rows::end(&mut tx, id, now, &text).await?;
    let act = act("disposition.run", &row.class, &row.epoch).with(json!({
        "disposition": id,
        "destroyed": outcomes.destroyed,
        "kept": outcomes.kept.len(),
    }));
    record_in(&mut tx, now, &job.asked_by, &act, Outcome::Done).await?;
    policy::tell_disposition(&mut tx, now, "disposition.done", id).await?;
    catalog.commit(tx, "end a disposition").await?;
    retention.recorder.ring();
    Ok(Worked::All(text))
}

/// From here on, what is missing may be destroyed: a rebuild has to know.
async fn begin(
    retention: &Retention,
    row: &DispositionRow,
    job: &JobRow,
) -> Result<(), RetentionError> {
    let Retention { catalog, clock, .. } = retention;
    let (id, now) = (row.disposition_id, clock.now());
    let act = act("disposition.begin", &row.class, &row.epoch).with(json!({ "disposition": id }));
    let mut tx = catalog.write().await?;
    rows::begin(&mut tx, id).await?;
    record_in(&mut tx, now, &job.asked_by, &act, Outcome::Begun).await?;
    policy::tell_disposition(&mut tx, now, act.action, id).await?;
    catalog.commit(tx, "begin a disposition").await?;
    retention.recorder.ring();
    Ok(())
}

/// Whether trying again by itself could help: a bucket or a catalog that is away.
fn is_transient(error: &RetentionError) -> bool {
    matches!(
        error,
        RetentionError::Read(FollowError::Worker(_))
            | RetentionError::Read(FollowError::Vault(VaultError::Bucket(
                BucketError::Store { .. }
            )))
            | RetentionError::Bucket(BucketError::Store { .. })
            | RetentionError::Vault(VaultError::Bucket(BucketError::Store { .. }))
            | RetentionError::Catalog(CatalogError::Query { .. })
    )
}

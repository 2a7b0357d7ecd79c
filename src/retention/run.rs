//! Doing a disposition as a job: what must be so before anything is destroyed, the
//! steps, and what came of it.

use std::time::Duration;

use serde_json::json;

use super::destroy::{Destroyer, Stopped};
use super::{Outcomes, Request, Retention, RetentionError, act, check_due};
use crate::access::Refused;
use crate::access::audit::{Outcome, record_in};
use crate::base::limits::{CLOCK_SKEW_SECONDS_MAX, EXPORT_LEASE_SECONDS};
use crate::catalog::disposition::{self as rows, DispositionRow, State};
use crate::catalog::job::{self, JobRow, Lease};
use crate::catalog::{cursor, leaf};
use crate::policy;

/// Long enough for a publisher that looks once a second, on a slow bucket.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);

/// A lease from now on.
pub fn lease(retention: &Retention, owner: &str) -> Lease {
    let until = retention.clock.now().plus_seconds(EXPORT_LEASE_SECONDS);
    Lease { owner: owner.to_owned(), until }
}

/// Does a leased job to its end and says so in catalog and audit. An error means
/// that it is left to be tried again.
pub async fn run(retention: &Retention, job: JobRow, owner: &str) -> Result<(), RetentionError> {
    let Request { disposition } = serde_json::from_str(&job.request)?;
    let row = rows::by_id(&retention.catalog, disposition).await?;
    let row = row.ok_or(Refused::Hidden("disposition"))?;
    let done = work(retention, &row, &job, owner).await;
    let (state, outcome, result, detail) = match done {
        Ok(Done::All(outcomes)) => {
            let text = serde_json::to_string(&outcomes)?;
            let detail = json!({
                "disposition": disposition,
                "destroyed": outcomes.destroyed,
                "kept": outcomes.kept.len(),
            });
            (job::State::Done, Outcome::Done, text, detail)
        }
        Ok(Done::Nothing) => (job::State::Done, Outcome::Done, "{}".to_owned(), json!({})),
        // Its new owner says what came of it.
        Ok(Done::Lost) => return Ok(()),
        Err(error) if is_transient(&error) => return Err(error),
        Err(error) => {
            let text = chain(&error);
            tracing::error!(disposition = %disposition, error = %text, "a disposition stopped");
            let detail = json!({ "disposition": disposition, "error": text });
            (job::State::Failed, Outcome::Failed, text, detail)
        }
    };
    let now = retention.clock.now();
    let mut tx = retention.catalog.write().await?;
    if job::end(&mut tx, job.job_id, owner, (state, &result), now).await? {
        let act = act("disposition.run", &row.class, &row.epoch).with(detail);
        record_in(&mut tx, now, &job.asked_by, &act, outcome).await?;
        retention.catalog.commit(tx, "end a disposition's job").await?;
    }
    Ok(())
}

enum Done {
    All(Outcomes),
    /// It was done before.
    Nothing,
    Lost,
}

async fn work(
    retention: &Retention,
    row: &DispositionRow,
    job: &JobRow,
    owner: &str,
) -> Result<Done, RetentionError> {
    if !matches!(row.state, State::Approved | State::Destroying) {
        return Ok(Done::Nothing);
    }
    ready(retention, row).await?;
    let catalog = &retention.catalog;
    let mut tx = catalog.write().await?;
    rows::begin(&mut tx, row.disposition_id).await?;
    catalog.commit(tx, "begin a disposition").await?;
    let destroyer = Destroyer { retention, row, job: job.job_id, owner };
    let outcomes = match destroyer.run().await {
        Ok(outcomes) => outcomes,
        Err(Stopped::Lost) => return Ok(Done::Lost),
        Err(Stopped::Error(error)) => return Err(error),
    };
    let mut tx = catalog.write().await?;
    let (now, text) = (retention.clock.now(), serde_json::to_string(&outcomes)?);
    rows::end(&mut tx, row.disposition_id, now, &text).await?;
    policy::tell_disposition(&mut tx, now, "disposition.done", row.disposition_id).await?;
    catalog.commit(tx, "end a disposition").await?;
    Ok(Done::All(outcomes))
}

/// What must be so before anything is destroyed.
async fn ready(retention: &Retention, row: &DispositionRow) -> Result<(), RetentionError> {
    let Retention { catalog, clock, vault, .. } = retention;
    let now = clock.now();
    check_due(retention, &row.class, &row.epoch, now)?;
    if let Some(skew) = vault.bucket().skew_seconds(now).await?
        && skew.abs() > CLOCK_SKEW_SECONDS_MAX
    {
        return Err(RetentionError::NotYet(format!(
            "this machine's clock and the bucket's differ by {} s; nothing is destroyed until they \
             agree",
            skew.abs()
        )));
    }
    // Everybody who looks at the log must find the approval in it first.
    let leaves = leaf::count(catalog).await?;
    let end = tokio::time::Instant::now() + PATIENCE;
    while (retention.published)() < leaves {
        if tokio::time::Instant::now() >= end {
            return Err(RetentionError::NotYet(
                "the approval is not in the published log yet; see why the log is not published, \
                 and go on then"
                    .into(),
            ));
        }
        tokio::time::sleep(POLL).await;
    }
    // Holds go by what was read of the mail.
    let derived = cursor::get(catalog, cursor::DERIVE).await?;
    let last = rows::last_delivery(catalog, &row.class, &row.epoch).await?;
    let is_behind = last.is_some_and(|last| last.0 > derived);
    if is_behind || rows::is_being_read(catalog, &row.class, &row.epoch).await? {
        return Err(RetentionError::NotYet(
            "mail of this month is still being read, so what holds keep is not known; go on when \
             it is searchable"
                .into(),
        ));
    }
    Ok(())
}

/// Whether trying again by itself could help: a bucket or a catalog that is away.
fn is_transient(error: &RetentionError) -> bool {
    use crate::vault::VaultError;
    use crate::vault::bucket::BucketError;
    matches!(
        error,
        RetentionError::Bucket(BucketError::Store { .. })
            | RetentionError::Vault(VaultError::Bucket(BucketError::Store { .. }))
            | RetentionError::Catalog(crate::catalog::CatalogError::Query { .. })
    )
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

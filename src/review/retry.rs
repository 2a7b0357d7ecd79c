//! Reading again what could not be read: after an upgrade, with OCR that was turned
//! on, or with a password that became known. A durable job puts the messages in the
//! follower's second line and waits until they are through.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Desk, ReviewError};
use crate::access::audit::{Act, Outcome, record_in};
use crate::access::{Actor, Refused};
use crate::base::ids::{JobId, MatterId};
use crate::base::limits;
use crate::catalog::gap::{self, Filter};
use crate::catalog::job::{self, JobRow, Lease, NewJob, Renewed, State};
use crate::catalog::retry;
use crate::ingest::follow::Progress;
use crate::matter;

pub const KIND: &str = "gap.retry";

/// How often progress is written while the line moves.
const PROGRESS: Duration = Duration::from_secs(1);

/// Which gaps, as it was asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Request {
    matter: Option<i64>,
    reason: Option<String>,
    media_type: Option<String>,
    source: Option<String>,
    custodian: Option<i64>,
}

impl From<&Filter> for Request {
    fn from(filter: &Filter) -> Self {
        Self {
            matter: filter.matter.map(|id| id.0),
            reason: filter.reason.clone(),
            media_type: filter.media_type.clone(),
            source: filter.source.clone(),
            custodian: filter.custodian.map(|id| id.0),
        }
    }
}

impl From<Request> for Filter {
    fn from(request: Request) -> Self {
        Self {
            matter: request.matter.map(MatterId),
            reason: request.reason,
            media_type: request.media_type,
            source: request.source,
            custodian: request.custodian.map(crate::base::ids::CustodianId),
        }
    }
}

/// Which gaps a reading is of.
pub fn asked(row: &JobRow) -> Filter {
    let request: Request = serde_json::from_str(&row.request).unwrap_or_default();
    request.into()
}

impl Desk {
    /// Queues the reading of all that `filter` finds.
    pub async fn retry(&self, actor: &Actor, filter: &Filter) -> Result<JobRow, ReviewError> {
        actor.require_legal()?;
        matter::reach(actor, &self.catalog, filter.matter).await?;
        let request = serde_json::to_string(&Request::from(filter)).unwrap_or_default();
        let now = self.clock.now();
        let mut tx = self.catalog.write().await?;
        let new = NewJob {
            kind: KIND,
            matter_id: filter.matter,
            asked_by: &actor.name,
            request: &request,
        };
        let id = job::insert(&mut tx, &new, now, None).await?;
        let act = Act::new("gap.retry", filter.matter, "what could not be indexed")
            .with(json!({ "job": id, "gaps": Request::from(filter) }));
        record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
        self.catalog.commit(tx, "queue a reading").await?;
        self.found(id).await
    }

    /// Those of a matter, or of the whole archive; newest first.
    pub async fn retries(
        &self,
        actor: &Actor,
        matter: Option<MatterId>,
    ) -> Result<Vec<JobRow>, ReviewError> {
        matter::reach(actor, &self.catalog, matter).await?;
        Ok(job::list(&self.catalog, KIND, matter, limits::PAGE_ROWS_MAX).await?)
    }

    /// What is in line is read all the same.
    pub async fn cancel_retry(&self, actor: &Actor, id: JobId) -> Result<JobRow, ReviewError> {
        actor.require_legal()?;
        let row = self.found(id).await?;
        if matter::reach(actor, &self.catalog, row.matter_id).await.is_err() {
            return Err(Refused::Hidden("job").into());
        }
        let now = self.clock.now();
        let mut tx = self.catalog.write().await?;
        job::cancel(&mut tx, id, now).await?;
        let act = Act::new("gap.retry.cancel", row.matter_id, "what could not be indexed")
            .with(json!({ "job": id }));
        record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
        self.catalog.commit(tx, "cancel a reading").await?;
        self.found(id).await
    }

    async fn found(&self, id: JobId) -> Result<JobRow, ReviewError> {
        let row = job::by_id(&self.catalog, id).await?.filter(|row| row.kind == KIND);
        Ok(row.ok_or(Refused::Hidden("job"))?)
    }

    /// Does a leased job to its end. A crash leaves what is in line there; the job
    /// begins again with the gaps that are left.
    pub async fn run_retry(
        &self,
        progress: &Progress,
        row: JobRow,
        owner: &str,
    ) -> Result<(), ReviewError> {
        let filter = asked(&row);
        let Some((state, result)) = self.work(progress, &row, owner, &filter).await? else {
            return Ok(());
        };
        let now = self.clock.now();
        let mut tx = self.catalog.write().await?;
        if job::end(&mut tx, row.job_id, owner, (state, &result.to_string()), now).await? {
            let act = Act::new("gap.retry.end", row.matter_id, "what could not be indexed")
                .with(json!({ "job": row.job_id, "result": result }));
            record_in(&mut tx, now, &row.asked_by, &act, Outcome::Done).await?;
            self.catalog.commit(tx, "end a reading").await?;
        }
        Ok(())
    }

    /// None where the job is another's now.
    async fn work(
        &self,
        progress: &Progress,
        row: &JobRow,
        owner: &str,
        filter: &Filter,
    ) -> Result<Option<(State, serde_json::Value)>, ReviewError> {
        let catalog = &self.catalog;
        let before = gap::total(catalog, filter).await?;
        let (mut after, mut total) = (0, 0);
        loop {
            let line = retry::put(catalog, filter, after, limits::RETRY_GAPS_AT_ONCE).await?;
            total += line.put;
            progress.wake();
            match self.renew(row.job_id, owner, (0, total)).await? {
                Renewed::GoOn => {}
                Renewed::Cancel => return Ok(Some((State::Cancelled, json!({})))),
                Renewed::Lost => return Ok(None),
            }
            let Some(next) = line.after else { break };
            after = next;
        }
        let (last, _) = retry::waiting(catalog, None).await?;
        loop {
            let (_, left) = retry::waiting(catalog, Some(last)).await?;
            let done = total.saturating_sub(left);
            match self.renew(row.job_id, owner, (done, total)).await? {
                Renewed::GoOn if left == 0 => break,
                Renewed::GoOn => progress.moved(PROGRESS).await,
                Renewed::Cancel => return Ok(Some((State::Cancelled, json!({})))),
                Renewed::Lost => return Ok(None),
            }
        }
        let gaps = gap::total(catalog, filter).await?;
        let result = json!({ "messages": total, "gaps_before": before, "gaps": gaps });
        Ok(Some((State::Done, result)))
    }

    async fn renew(&self, id: JobId, owner: &str, at: (u64, u64)) -> Result<Renewed, ReviewError> {
        let lease = Lease::from(owner, self.catalog.now(&self.clock).await?);
        Ok(job::renew(&self.catalog, id, &lease, at).await?)
    }
}

//! A check of the whole archive: every object of the bucket by its version, every
//! row of the catalog, each against the other and both against the log.
//!
//! It goes beside a running server, step by step. How far it is, and what it found,
//! is in the catalog, so that it goes on after a stop. Its end is a statement, and
//! so a leaf. What a kill leaves by itself is a note; all else that is not as it
//! was put is a fault.

mod derived;
pub mod finding;
mod going;
mod keys;
mod log;
mod objects;
mod pace;
mod records;
mod rows;
mod segment;
mod sets;
pub mod since;
mod stamped;
mod state;
mod statements;
mod structure;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use crate::access::audit::{Act, Outcome, record_in};
use crate::base::clock::{Clock, Timestamp};
use crate::base::crash;
use crate::base::ids::RecordId;
use crate::base::limits::{SCRUB_FINDINGS_HELD, SCRUB_FINDINGS_SHOWN, SCRUB_LEASE_SECONDS};
use crate::catalog::scrub::{self, FindingRow, Lease, ScrubRow};
use crate::catalog::{Catalog, CatalogError, damage, delivery};
use crate::ingest::follow::FollowError;
use crate::ingest::log::LogError;
use crate::ingest::rebuild::Progress;
use crate::policy::{self, PolicyError};
use crate::vault::bucket::BucketError;
use crate::vault::enforcement::Enforcement;
use crate::vault::{Vault, VaultError};
use crate::worker::Pool;
use finding::Finding;
use pace::Pace;

#[derive(Debug, thiserror::Error)]
pub enum ScrubError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(
        "the archive is being checked already, by the server or another `muniment verify`; wait \
         until that has ended"
    )]
    Busy,
    #[error("read records again, to compare what was derived of them")]
    Follow(#[from] FollowError),
}

impl From<BucketError> for ScrubError {
    fn from(error: BucketError) -> Self {
        Self::Vault(error.into())
    }
}

/// What a check works on, and how.
#[derive(Clone)]
pub struct Scrubber {
    pub vault: Vault,
    pub catalog: Catalog,
    pub clock: Clock,
    /// What reads messages again.
    pub workers: Arc<Pool>,
    /// At most so much is read of the bucket in a second.
    pub bytes_per_second: Option<u64>,
    /// Whether a bucket that does not enforce write-once is a fault.
    pub is_worm_required: bool,
    /// Whose time stamps are good (PEM); none: that they are anybody's is not checked.
    pub stamp_authorities: Option<PathBuf>,
    /// Who works: no other living process has this name.
    pub owner: String,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub objects: u64,
    pub segments: u64,
    pub deliveries: u64,
    pub statements: u64,
    pub leaves: u64,
    pub checkpoints: u64,
    pub bytes_read: u64,
}

/// What a check remembers from step to step, and for the next check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    counts: Counts,
    /// Deliveries that were there when it began.
    until_seq: i64,
    /// The place in the log of the last delivery that was looked at.
    last_position: i64,
    last_statement: i64,
    is_enforced: bool,
    enforcement: String,
    heads: log::Heads,
    /// Faults beyond those that a step can hold.
    unlisted: u64,
    /// How far the step under way is.
    done: u64,
    total: u64,
}

/// What a check found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub result: &'static str,
    pub begun_at: String,
    pub ended_at: Option<String>,
    pub log_size: u64,
    pub is_enforced: bool,
    pub enforcement: String,
    #[serde(flatten)]
    pub counts: Counts,
    /// Of all, also of those that are not listed.
    pub fault_count: u64,
    pub faults: Vec<Finding>,
    pub notes: Vec<Finding>,
}

const STEPS: [&str; 8] =
    ["structure", "keys", "log", "records", "sets", "objects", "statements", "decisions"];
/// How often the lease is renewed.
const RENEW: Duration = Duration::from_secs(20);

impl Scrubber {
    /// Checks everything, from where an earlier check was stopped; `actor` is who
    /// the audit names.
    pub async fn run(
        &self,
        actor: &str,
        progress: &mut impl Progress,
    ) -> Result<Report, ScrubError> {
        let now = self.catalog.now(&self.clock).await?;
        let until_seq = delivery::last_seq(&self.catalog).await?.0;
        let state = State { until_seq, last_position: -1, ..State::default() };
        let state = serde_json::to_string(&state).expect("our own types are valid JSON");
        let taken =
            scrub::take(&self.catalog, self.lease().await?, now, (STEPS[0], &state)).await?;
        let row = taken.ok_or(ScrubError::Busy)?;
        let state = serde_json::from_str(&row.state)
            .map_err(|_| CatalogError::Corrupt("how far the check is".into()))?;
        let mut work = Work {
            on: self,
            row,
            state,
            found: Vec::new(),
            pace: Pace::new(self.bytes_per_second),
            saved: Instant::now(),
            faults: 0,
            damaged: damage::all(&self.catalog).await?,
            progress,
        };
        work.all().await?;
        work.end(actor).await
    }

    async fn lease(&self) -> Result<Lease<'_>, CatalogError> {
        let now = self.catalog.now(&self.clock).await?;
        Ok(Lease { owner: &self.owner, until: now.plus_seconds(SCRUB_LEASE_SECONDS) })
    }

    /// Lets another go on with what this one was stopped at.
    pub async fn release(&self) -> Result<(), ScrubError> {
        Ok(scrub::release(&self.catalog, &self.owner).await?)
    }
}

/// How a check that is under way or has ended stands, for who looks on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub begun_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub faults: u64,
    pub step: String,
    pub done: u64,
    pub total: u64,
}

impl From<ScrubRow> for Standing {
    fn from(row: ScrubRow) -> Self {
        let state: State = serde_json::from_str(&row.state).unwrap_or_default();
        Self {
            begun_at: row.begun_at,
            ended_at: row.ended_at,
            faults: row.faults,
            step: row.step,
            done: state.done,
            total: state.total,
        }
    }
}

struct Work<'a, P> {
    on: &'a Scrubber,
    row: ScrubRow,
    state: State,
    /// Not in the catalog yet.
    found: Vec<FindingRow>,
    pace: Pace,
    saved: Instant,
    /// Faults of this process, listed or not.
    faults: u64,
    /// Records in which a read found damage before.
    damaged: HashSet<RecordId>,
    progress: &'a mut P,
}

impl<P: Progress> Work<'_, P> {
    async fn all(&mut self) -> Result<(), ScrubError> {
        loop {
            match STEPS.iter().position(|step| *step == self.row.step) {
                Some(0) => self.structure().await?,
                Some(1) => self.keys().await?,
                Some(2) => self.log().await?,
                Some(3) => self.records().await?,
                Some(4) => self.sets().await?,
                Some(5) => self.objects().await?,
                Some(6) => self.statements().await?,
                Some(7) => self.decisions().await?,
                _ => return Ok(()),
            }
            let at = STEPS.iter().position(|step| *step == self.row.step).unwrap_or(STEPS.len());
            self.row.step = STEPS.get(at + 1).copied().unwrap_or("end").to_owned();
            self.row.position.clear();
            (self.state.done, self.state.total) = (0, 0);
            self.save().await?;
            crash::point("scrub.after_step");
        }
    }

    fn fault(
        &mut self,
        kind: &str,
        object: impl Into<String>,
        detail: impl Into<String>,
        records: &[RecordId],
    ) {
        self.faults += 1;
        if self.found.len() < SCRUB_FINDINGS_HELD {
            self.found.push(finding::row(true, kind, object, detail, records));
        } else {
            self.state.unlisted += 1;
        }
    }

    fn note(&mut self, kind: &str, object: impl Into<String>, detail: impl Into<String>) {
        self.found.push(finding::row(false, kind, object, detail, &[]));
    }

    /// So much was read.
    async fn read(&mut self, bytes: u64) {
        self.state.counts.bytes_read += bytes;
        self.pace.take(bytes).await;
    }

    /// The step is at `done` of `total`.
    async fn at(&mut self, done: u64, total: u64) -> Result<(), ScrubError> {
        (self.state.done, self.state.total) = (done, total);
        let at = STEPS.iter().find(|step| **step == self.row.step).copied().unwrap_or_default();
        (self.progress)(at, done, total);
        // A step that cannot be gone on with is noted as a whole; its lease is kept.
        if self.saved.elapsed() >= RENEW {
            let found = std::mem::take(&mut self.found);
            let saved = self.save().await;
            self.found = found;
            saved?;
        }
        Ok(())
    }

    /// All up to `position` is done, and what was found there is noted.
    async fn done(&mut self, position: impl Into<String>) -> Result<(), ScrubError> {
        self.row.position = position.into();
        self.save().await?;
        crash::point("scrub.after_part");
        Ok(())
    }

    async fn save(&mut self) -> Result<(), ScrubError> {
        self.row.state = serde_json::to_string(&self.state).expect("our own types are valid JSON");
        let found = std::mem::take(&mut self.found);
        let lease = self.on.lease().await?;
        self.saved = Instant::now();
        match scrub::save(&self.on.catalog, &self.row, &found, lease).await? {
            true => Ok(()),
            false => Err(ScrubError::Busy),
        }
    }

    async fn enforcement(&mut self) -> Result<(), ScrubError> {
        let Enforcement { is_enforced, words } = self.on.vault.bucket().check_enforcement().await?;
        if !is_enforced && self.on.is_worm_required {
            self.fault(finding::NOT_ENFORCED, "the bucket", words.clone(), &[]);
        }
        (self.state.is_enforced, self.state.enforcement) = (is_enforced, words);
        Ok(())
    }

    /// Tells the bucket and the audit what was found.
    async fn end(&mut self, actor: &str) -> Result<Report, ScrubError> {
        let Scrubber { catalog, clock, .. } = self.on;
        let now = clock.now();
        let ended = ScrubRow { ended_at: Some(now), ..self.row.clone() };
        let report = report(catalog, &ended, &self.state).await?;
        let told = serde_json::to_value(&report).expect("our own types are valid JSON");
        let act = Act::new(policy::VERIFY, None, "the archive").with(json!({
            "result": report.result,
            "faults": report.fault_count,
            "log_size": report.log_size,
            "objects": report.counts.objects,
        }));
        let mut tx = catalog.write().await?;
        scrub::end(&mut tx, self.row.scrub_id, now).await?;
        policy::tell_verified(&mut tx, now, told).await?;
        record_in(&mut tx, now, actor, &act, Outcome::Done).await?;
        catalog.commit(tx, "end a check").await?;
        Ok(report)
    }
}

async fn report(catalog: &Catalog, row: &ScrubRow, state: &State) -> Result<Report, CatalogError> {
    let found = scrub::findings(catalog, row.scrub_id, SCRUB_FINDINGS_SHOWN).await?;
    let fault_count = scrub::count_faults(catalog, row.scrub_id).await? + state.unlisted;
    let (faults, notes): (Vec<_>, Vec<_>) = found.into_iter().partition(|row| row.is_fault);
    Ok(Report {
        result: if fault_count == 0 { "whole" } else { "faults" },
        begun_at: row.begun_at.to_string(),
        ended_at: row.ended_at.map(|at| at.to_string()),
        log_size: state.heads.newest,
        is_enforced: state.is_enforced,
        enforcement: state.enforcement.clone(),
        counts: state.counts,
        fault_count,
        faults: faults.into_iter().map(Finding::from).collect(),
        notes: notes.into_iter().map(Finding::from).collect(),
    })
}

/// What the last check that came to its end found.
pub async fn last(catalog: &Catalog) -> Result<Option<Report>, CatalogError> {
    let Some(row) = scrub::last_ended(catalog).await? else { return Ok(None) };
    let state = serde_json::from_str(&row.state)
        .map_err(|_| CatalogError::Corrupt("what the last check found".into()))?;
    Ok(Some(report(catalog, &row, &state).await?))
}

/// The last check that came to its end, and the one under way.
pub async fn standing(
    catalog: &Catalog,
) -> Result<(Option<Standing>, Option<Standing>), CatalogError> {
    let last = scrub::last_ended(catalog).await?.map(Standing::from);
    Ok((last, scrub::under_way(catalog).await?.map(Standing::from)))
}

//! `/status`: how the archive is. Nothing of any mail is in it, so that everyone
//! who is signed in may see it.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use crate::access::Role;
use crate::base::limits;
use crate::catalog::{damage, delivery, outside, statement, status};
use crate::ingest::clocks::Clocks;
use crate::policy;
use crate::retention::locks::{self, Rolling};
use crate::verify::scrub;
use crate::worker::Pool;

#[derive(Serialize, ToSchema)]
pub struct Status {
    archive_id: String,
    version: String,
    worm: WormStatus,
    confinement: ConfinementStatus,
    sources: Vec<SourceStatus>,
    deliveries: u64,
    /// Message sets, as a search counts them.
    families: u64,
    bytes_received: u64,
    bytes_stored: u64,
    index: IndexStatus,
    log: LogStatus,
    gaps: u64,
    damage: DamageStatus,
    jobs: JobsStatus,
    check: CheckStatus,
    clocks: ClocksStatus,
    locks: LocksStatus,
}

/// Locks that are to be longer than they were put with: of a class that was lengthened,
/// or since the archive outlives them.
#[derive(Serialize, ToSchema)]
pub struct LocksStatus {
    /// Objects, of `total` that are to be done; both are 0 where nothing is.
    done: u64,
    total: u64,
    /// Months of classes, and other parts of the bucket, that are to be done.
    parts: u64,
    /// Why the last try stopped; empty where it did not.
    text: String,
}

impl From<Rolling> for LocksStatus {
    fn from(rolling: Rolling) -> Self {
        let Rolling { done, total, parts, error } = rolling;
        Self { done, total, parts, text: error.unwrap_or_default() }
    }
}

/// Whether this machine's clock, the log and the bucket agree on what time it is.
#[derive(Serialize, ToSchema)]
pub struct ClocksStatus {
    agree: bool,
    /// What disagrees, and the mend; empty where nothing does.
    text: String,
    /// None where the bucket is a directory.
    bucket_ahead_seconds: Option<i64>,
    /// By how much the log's newest entry is later than this machine's clock.
    log_ahead_seconds: i64,
}

impl From<Clocks> for ClocksStatus {
    fn from(clocks: Clocks) -> Self {
        let disagreement = clocks.disagreement();
        Self {
            agree: disagreement.is_none(),
            text: disagreement.unwrap_or_default(),
            bucket_ahead_seconds: clocks.bucket_ahead_seconds,
            log_ahead_seconds: clocks.log_ahead_seconds,
        }
    }
}

/// Whether the bucket itself refuses to change what was written.
#[derive(Serialize, ToSchema)]
pub struct WormStatus {
    enforced: bool,
    text: String,
}

/// What the processes that read mail are kept from, as one of them tried it.
#[derive(Serialize, ToSchema)]
pub struct ConfinementStatus {
    /// All that was tried was refused.
    complete: bool,
    text: String,
}

#[derive(Serialize, ToSchema)]
pub struct SourceStatus {
    name: String,
    /// The journal address. It is a secret that only an administrator is told;
    /// none too of a source that is no longer configured.
    address: Option<String>,
    last_seen: Option<String>,
    deliveries: u64,
    /// Deliveries that did not show what the source must show.
    unproven: u64,
}

/// Records in which a read found damage. A proof of a message of one that holds
/// again takes it off.
#[derive(Serialize, ToSchema)]
pub struct DamageStatus {
    records: u64,
    /// Those that were found last.
    newest: Vec<DamagedRecord>,
}

#[derive(Serialize, ToSchema)]
pub struct DamagedRecord {
    record_id: String,
    found_at: String,
    what: String,
}

#[derive(Serialize, ToSchema)]
pub struct IndexStatus {
    /// Deliveries that are not searchable yet.
    behind: u64,
    oldest_waiting: Option<String>,
    /// Documents that are still being read, of mail that is searchable otherwise.
    pending: u64,
}

#[derive(Serialize, ToSchema)]
pub struct LogStatus {
    size: u64,
    /// Leaves that the last checkpoint covers.
    published: u64,
    /// The last checkpoint; empty before the first.
    checkpoint: String,
    key: String,
    /// Time stamps of checkpoints; none where the configuration asks for none.
    stamps: Option<OutsideStatus>,
    /// Checkpoints by mail; none where the configuration names nobody.
    mail: Option<OutsideStatus>,
}

/// What goes outside every so many hours.
#[derive(Serialize, ToSchema)]
pub struct OutsideStatus {
    /// Of the checkpoint that went last; 0 before the first.
    size: u64,
    done_at: Option<String>,
    /// Why the last try failed; none where it did not.
    error: Option<String>,
}

impl From<outside::Row> for OutsideStatus {
    fn from(row: outside::Row) -> Self {
        Self {
            size: row.size,
            done_at: (row.size > 0).then(|| row.done_at.to_string()),
            error: (!row.error.is_empty()).then_some(row.error),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct JobsStatus {
    running: u64,
    queued: u64,
}

impl From<damage::Row> for DamagedRecord {
    fn from(row: damage::Row) -> Self {
        let (record_id, found_at) = (row.record.to_string(), row.found_at.to_string());
        Self { record_id, found_at, what: row.what }
    }
}

/// The check of the whole archive.
#[derive(Serialize, ToSchema)]
pub struct CheckStatus {
    /// When the last one ended; none before the first.
    last: Option<String>,
    /// What it found; `muniment verify --last` names it.
    faults: u64,
    /// How often seals showed rows of people, matters or holds that nobody's act changed;
    /// the audit names them under `archive.unexplained`.
    unexplained: u64,
    running: Option<CheckRunning>,
}

/// A check that is under way, or was cut off and goes on.
#[derive(Serialize, ToSchema)]
pub struct CheckRunning {
    begun_at: String,
    /// `structure`, `keys`, `log`, `records`, `sets`, `objects`, `statements` or
    /// `decisions`.
    step: String,
    /// Of `total` in this step; that is 0 where it is not known.
    done: u64,
    total: u64,
    faults: u64,
}

/// How the archive is.
#[utoipa::path(get, path = "/status", tag = "status", responses((status = 200, body = Status)))]
pub async fn show(
    State(context): State<Context>,
    Signed(actor): Signed,
) -> Result<Json<Status>, ApiError> {
    let totals = delivery::totals(&context.catalog).await?;
    let counts = status::counts(&context.catalog).await?;
    let lag = context.progress.lag().await?;
    let review = &context.review;
    let enforcement = review.vault.bucket().enforcement();
    let published = review.log.published();
    let confinement = confinement(&review.workers).await;
    let bucket = review.vault.bucket();
    let clocks = Clocks::look(bucket, &context.catalog, &context.clock).await?;
    let (last, running) = scrub::standing(&context.catalog).await?;
    Ok(Json(Status {
        archive_id: review.vault.archive().to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        worm: WormStatus { enforced: enforcement.is_enforced, text: enforcement.words },
        confinement,
        sources: sources(&context, actor.role == Role::Administrator).await?,
        deliveries: totals.deliveries,
        families: counts.families,
        bytes_received: totals.bytes_received,
        bytes_stored: totals.bytes_stored,
        index: IndexStatus {
            behind: lag.behind,
            oldest_waiting: lag.oldest_waiting.map(|at| at.to_string()),
            pending: lag.pending,
        },
        log: LogStatus {
            size: counts.leaves,
            published: published.as_ref().map_or(0, |published| published.size),
            checkpoint: published.map(|published| published.note).unwrap_or_default(),
            key: review.log.verifier().to_string(),
            stamps: outside(&context, outside::STAMP).await?,
            mail: outside(&context, outside::MAIL).await?,
        },
        gaps: counts.gaps,
        damage: DamageStatus {
            records: counts.damaged,
            newest: damage::newest(&context.catalog, limits::DAMAGE_SHOWN_MAX)
                .await?
                .into_iter()
                .map(DamagedRecord::from)
                .collect(),
        },
        jobs: JobsStatus { running: counts.jobs_running, queued: counts.jobs_queued },
        check: CheckStatus {
            last: last.as_ref().and_then(|it| it.ended_at).map(|at| at.to_string()),
            faults: last.map_or(0, |it| it.faults),
            unexplained: statement::count_of(&context.catalog, policy::UNEXPLAINED).await?,
            running: running.map(|it| CheckRunning {
                begun_at: it.begun_at.to_string(),
                step: it.step,
                done: it.done,
                total: it.total,
                faults: it.faults,
            }),
        },
        clocks: clocks.into(),
        locks: locks::standing(&context.catalog).await?.into(),
    }))
}

async fn confinement(workers: &Pool) -> ConfinementStatus {
    match workers.trial().await {
        Ok(trial) => ConfinementStatus { complete: trial.open.is_empty(), text: trial.words() },
        Err(error) => ConfinementStatus { complete: false, text: error.to_string() },
    }
}

async fn outside(context: &Context, name: &str) -> Result<Option<OutsideStatus>, ApiError> {
    let checkpoint = &context.config.checkpoint;
    let is_asked_for = match name {
        outside::STAMP => !checkpoint.timestamp_url.is_empty(),
        _ => !checkpoint.mail_to.is_empty(),
    };
    match is_asked_for {
        true => Ok(Some(outside::get(&context.catalog, name).await?.into())),
        false => Ok(None),
    }
}

/// The configured ones, and those of which there are deliveries all the same.
async fn sources(context: &Context, with_addresses: bool) -> Result<Vec<SourceStatus>, ApiError> {
    let mut seen = delivery::by_source(&context.catalog).await?;
    let mut sources = Vec::new();
    for source in &context.config.source {
        let place = seen.iter().position(|it| it.source == source.name);
        let found = place.map(|place| seen.swap_remove(place));
        sources.push(SourceStatus {
            name: source.name.clone(),
            address: with_addresses.then(|| source.address.clone()),
            last_seen: found.as_ref().map(|it| it.last_at.to_string()),
            deliveries: found.as_ref().map_or(0, |it| it.deliveries),
            unproven: found.as_ref().map_or(0, |it| it.unproven),
        });
    }
    sources.extend(seen.into_iter().map(|it| SourceStatus {
        name: it.source,
        address: None,
        last_seen: Some(it.last_at.to_string()),
        deliveries: it.deliveries,
        unproven: it.unproven,
    }));
    Ok(sources)
}

//! Retention: which epochs there are and how long they are kept; disposition, the
//! destruction of one whose date has passed, and the erasure of one message before it,
//! both by two people.
//!
//! Whoever does this reads no mail: a proposal shows numbers, and of holds only how
//! many records they keep.

pub mod certificate;
pub mod classes;
pub mod compact;
mod decided;
mod decision;
mod destroy;
mod doubted;
pub mod erase;
pub mod erasure;
pub mod locks;
mod ready;
mod replaced;
pub mod run;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Notify;

use self::decision::{check_second_person, in_words, leaf_of_end};

use crate::access::audit::{Act, Outcome, record_in};
use crate::access::{Actor, Refused};
use crate::base::clock::{Clock, Timestamp};
use crate::base::config::Config;
use crate::base::ids::{DeliverySeq, DispositionId, RecordId};
use crate::base::limits;
use crate::catalog::disposition::{self as rows, DispositionRow, EpochRow, New, State};
use crate::catalog::leaf::LeafRow;
use crate::catalog::{Catalog, CatalogError, delivery, epoch};
use crate::export::ExportError;
use crate::export::purge::Bundles;
use crate::hold;
use crate::index::{Index, IndexError};
use crate::ingest::follow::FollowError;
use crate::ingest::log::{Log, LogError};
use crate::policy::{self, PolicyError, Recorder};
use crate::vault::bucket::BucketError;
use crate::vault::retention::Schedule;
use crate::vault::{Vault, VaultError};
use crate::worker::Pool;

/// The kind of job that this room does.
pub const KIND: &str = "disposition";

#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Records could not be read again.
    #[error(transparent)]
    Read(#[from] FollowError),
    #[error(transparent)]
    Export(Box<ExportError>),
    /// What must be so before anything is destroyed, and the mend.
    #[error("{0}")]
    NotYet(String),
    #[error("a disposition's row cannot be read")]
    Row(#[from] serde_json::Error),
    #[error("the job does not say which disposition it is of")]
    Request(#[source] serde_json::Error),
    #[error("the index's files cannot be cleared")]
    Thread(#[from] tokio::task::JoinError),
}

impl From<ExportError> for RetentionError {
    fn from(error: ExportError) -> Self {
        Self::Export(Box::new(error))
    }
}

/// What the verbs of this room work with. Cloning shares it.
#[derive(Clone)]
pub struct Retention {
    pub catalog: Catalog,
    pub clock: Clock,
    vault: Vault,
    index: Index,
    schedule: Arc<Schedule>,
    log: Log,
    recorder: Recorder,
    /// What reads records again before they are destroyed.
    workers: Arc<Pool>,
    /// Where work files are, exports among them.
    work: PathBuf,
    /// Rung when a job was queued.
    queued: Arc<Notify>,
}

impl Retention {
    pub fn new(
        (vault, catalog, clock): (Vault, Catalog, Clock),
        index: Index,
        (log, recorder): (Log, Recorder),
        workers: Arc<Pool>,
        config: &Config,
    ) -> Self {
        let schedule = Arc::new(Schedule::new(&config.class));
        let work = config.archive.work.clone();
        let queued = Arc::default();
        Self { catalog, clock, vault, index, schedule, log, recorder, workers, work, queued }
    }

    /// Takes what another node destroyed out of this node's index, and out of its files.
    pub async fn clear_index(&self) -> Result<(), RetentionError> {
        if destroy::clear_index(self, &mut Bundles::new(&self.work)).await? {
            let index = self.index.clone();
            let expunged = tokio::task::spawn_blocking(move || index.expunge()).await;
            expunged.map_err(|error| RetentionError::NotYet(error.to_string()))??;
        }
        Ok(())
    }

    /// Waits until a job was queued in this process.
    pub async fn rung(&self) {
        self.queued.notified().await;
    }
}

/// An epoch as the records manager sees it.
#[derive(Clone, Debug)]
pub struct Epoch {
    pub row: EpochRow,
    /// Since when, or from when on, it may be destroyed.
    pub due_at: Option<Timestamp>,
    pub is_due: bool,
    /// The proposal that is open on it.
    pub open: Option<DispositionId>,
}

/// What a proposal showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    pub segments: u64,
    pub deliveries: u64,
    pub bytes_received: u64,
    pub bytes_stored: u64,
    /// Deliveries that holds keep. Whose, is not said.
    pub held: u64,
    /// Some of what no hold keeps, from all over the epoch.
    #[serde(default)]
    pub sample: Vec<Sampled>,
}

/// A record that would be destroyed, and nothing of what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampled {
    pub record: RecordId,
    pub received_at: Timestamp,
    pub source: String,
    pub size_bytes: u64,
}

/// What came of a disposition, or has so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    pub destroyed: u64,
    pub bytes_destroyed: u64,
    pub segments_destroyed: u64,
    /// Records that holds kept.
    pub kept: Vec<RecordId>,
}

pub async fn epochs(actor: &Actor, retention: &Retention) -> Result<Vec<Epoch>, RetentionError> {
    actor.require_destruction_seen()?;
    let now = retention.clock.now();
    let open = rows::list(&retention.catalog).await?;
    let open_on = |row: &EpochRow| {
        let is_open =
            |state| matches!(state, State::Proposed | State::Approved | State::Destroying);
        let of = open
            .iter()
            .find(|d| is_open(d.state) && (&d.class, &d.epoch) == (&row.class, &row.epoch));
        of.map(|found| found.disposition_id)
    };
    let found = rows::epochs(&retention.catalog).await?;
    Ok(found
        .into_iter()
        .map(|row| {
            let due_at = retention.schedule.due(&row.class, &row.epoch);
            let is_due = due_at.is_some_and(|due| due <= now);
            Epoch { open: open_on(&row), due_at, is_due, row }
        })
        .collect())
}

pub async fn list(
    actor: &Actor,
    retention: &Retention,
) -> Result<Vec<DispositionRow>, RetentionError> {
    actor.require_destruction_seen()?;
    Ok(rows::list(&retention.catalog).await?)
}

pub async fn get(
    actor: &Actor,
    retention: &Retention,
    id: DispositionId,
) -> Result<DispositionRow, RetentionError> {
    actor.require_destruction_seen()?;
    let row = rows::by_id(&retention.catalog, id).await?;
    Ok(row.ok_or(Refused::Hidden("disposition"))?)
}

/// Proposes to destroy an epoch; nothing happens until somebody else approves.
pub async fn propose(
    actor: &Actor,
    retention: &Retention,
    class: &str,
    epoch: &str,
) -> Result<DispositionRow, RetentionError> {
    actor.require_records()?;
    let Retention { catalog, clock, .. } = retention;
    let found = rows::epochs(catalog).await?;
    let row = found
        .into_iter()
        .find(|row| row.class == class && row.epoch == epoch)
        .ok_or(Refused::Hidden("epoch"))?;
    let now = clock.now();
    let due_at = check_due(retention, class, epoch, now)?;
    let (held, sample) = look_through(retention, &row).await?;
    let figures = Figures {
        segments: row.segments,
        deliveries: row.deliveries,
        bytes_received: row.bytes_received,
        bytes_stored: row.bytes_stored,
        held,
        sample,
    };
    let text = serde_json::to_string(&figures)?;
    let mut tx = catalog.write().await?;
    let new = New { class, epoch, due_at, figures: &text, at: now, by: actor.user_id };
    let id = rows::insert(&mut tx, &new).await?.ok_or_else(|| {
        Refused::Conflict(format!("another proposal on {class}, {epoch}, is open; decide it first"))
    })?;
    let act = act("disposition.propose", class, epoch)
        .with(json!({ "disposition": id, "figures": figures }));
    record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
    policy::tell_disposition(&mut tx, now, act.action, id).await?;
    catalog.commit(tx, "propose a disposition").await?;
    get(actor, retention, id).await
}

/// Approves a proposal: a second person does, and it begins.
pub async fn approve(
    actor: &Actor,
    retention: &Retention,
    id: DispositionId,
    reason: &str,
) -> Result<DispositionRow, RetentionError> {
    actor.require_records()?;
    let row = get(actor, retention, id).await?;
    check_second_person(actor, row.proposed_by)?;
    decision::check_proposer(retention, decided::DISPOSITION, id.0, row.proposed_at).await?;
    check_due(retention, &row.class, &row.epoch, retention.clock.now())?;
    decide(actor, retention, &row, State::Approved, reason).await
}

/// Refuses a proposal; so may who made it.
pub async fn refuse(
    actor: &Actor,
    retention: &Retention,
    id: DispositionId,
    reason: &str,
) -> Result<DispositionRow, RetentionError> {
    actor.require_records()?;
    let row = get(actor, retention, id).await?;
    decide(actor, retention, &row, State::Refused, reason).await
}

async fn decide(
    actor: &Actor,
    retention: &Retention,
    row: &DispositionRow,
    state: State,
    reason: &str,
) -> Result<DispositionRow, RetentionError> {
    let reason = in_words(reason, "why")?;
    let Retention { catalog, clock, .. } = retention;
    let (id, now) = (row.disposition_id, clock.now());
    let mut tx = catalog.write().await?;
    if !rows::decide(&mut tx, id, state, (actor.user_id, now), &reason).await? {
        return Err(Refused::Conflict("it was decided already".into()).into());
    }
    let action = match state {
        State::Approved => "disposition.approve",
        _ => "disposition.refuse",
    };
    let act =
        act(action, &row.class, &row.epoch).with(json!({ "disposition": id, "reason": reason }));
    record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
    policy::tell_disposition(&mut tx, now, action, id).await?;
    if state == State::Approved {
        queue(&mut tx, id, &actor.name, now).await?;
    }
    catalog.commit(tx, "decide on a disposition").await?;
    retention.queued.notify_one();
    get(actor, retention, id).await
}

/// A disposition that is done, and the leaf that states it; none while its statement
/// is on its way.
pub async fn done(
    actor: &Actor,
    retention: &Retention,
    id: DispositionId,
) -> Result<(DispositionRow, Option<LeafRow>), RetentionError> {
    let row = get(actor, retention, id).await?;
    let leaf = leaf_of_end(&retention.catalog, row.state == State::Done, row.told).await?;
    decision::check_certified(retention, decided::DISPOSITION, id.0).await?;
    Ok((row, leaf))
}

/// Why dispositions stopped before their end, in words; none of one that goes on.
pub async fn stops(
    actor: &Actor,
    retention: &Retention,
) -> Result<HashMap<DispositionId, String>, RetentionError> {
    actor.require_destruction_seen()?;
    decision::stops(retention, KIND, |request: Request| request.disposition).await
}

/// Goes on with an approved disposition that stopped before its end.
pub async fn resume(
    actor: &Actor,
    retention: &Retention,
    id: DispositionId,
) -> Result<DispositionRow, RetentionError> {
    actor.require_records()?;
    let row = get(actor, retention, id).await?;
    if !matches!(row.state, State::Approved | State::Destroying) {
        return Err(Refused::Conflict("there is nothing to go on with".into()).into());
    }
    let Retention { catalog, clock, .. } = retention;
    let mut tx = catalog.write().await?;
    let now = clock.now();
    let act = act("disposition.resume", &row.class, &row.epoch).with(json!({ "disposition": id }));
    record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
    queue(&mut tx, id, &actor.name, now).await?;
    catalog.commit(tx, "go on with a disposition").await?;
    retention.queued.notify_one();
    get(actor, retention, id).await
}

#[derive(Serialize, Deserialize)]
struct Request {
    disposition: DispositionId,
}

async fn queue(
    tx: &mut crate::catalog::WriteTransaction,
    disposition: DispositionId,
    asked_by: &str,
    now: Timestamp,
) -> Result<(), RetentionError> {
    decision::queue(tx, KIND, &Request { disposition }, asked_by, now).await
}

fn act(action: &'static str, class: &str, epoch: &str) -> Act {
    Act::new(action, None, format!("{class}, {epoch}"))
}

/// Since when the epoch is due.
fn check_due(
    retention: &Retention,
    class: &str,
    epoch: &str,
    now: Timestamp,
) -> Result<Timestamp, Refused> {
    let due = retention.schedule.due(class, epoch).ok_or(Refused::Hidden("epoch"))?;
    if due > now {
        return Err(Refused::Conflict(format!(
            "{class}, {epoch}, is kept until {due}; nothing of it can be destroyed before"
        )));
    }
    Ok(due)
}

/// How many deliveries of an epoch holds keep, and a sample of the others.
async fn look_through(
    retention: &Retention,
    epoch: &EpochRow,
) -> Result<(u64, Vec<Sampled>), CatalogError> {
    let catalog = &retention.catalog;
    let every = epoch.deliveries.div_ceil(limits::DISPOSITION_SAMPLE).max(1);
    let (mut held, mut free, mut chosen) = (0, 0_u64, Vec::new());
    let mut after = None;
    while let Some(segment) =
        epoch::next_segment(catalog, &epoch.class, &epoch.epoch, after).await?
    {
        let seqs: Vec<_> = segment.deliveries.iter().map(|(seq, _)| *seq).collect();
        let kept = hold::held_among(catalog, &seqs).await?;
        held += kept.len() as u64;
        for seq in seqs.into_iter().filter(|seq| !kept.contains(seq)) {
            if free.is_multiple_of(every) {
                chosen.push(seq);
            }
            free += 1;
        }
        after = Some(segment.segment);
    }
    let mut sample = Vec::new();
    for seq in chosen {
        let found = delivery::after(catalog, DeliverySeq(seq.0 - 1), 1).await?;
        sample.extend(found.into_iter().filter(|row| row.seq == seq).map(|row| Sampled {
            record: row.record,
            received_at: row.received_at,
            source: row.source,
            size_bytes: row.size_bytes,
        }));
    }
    Ok((held, sample))
}

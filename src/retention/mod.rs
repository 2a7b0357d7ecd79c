//! Retention: which epochs there are and how long they are kept, and disposition,
//! the destruction of one whose date has passed, by two people.
//!
//! Whoever does this reads no mail: a proposal shows numbers, and of holds only how
//! many records they keep.

pub mod certificate;
mod destroy;
pub mod run;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Notify;

use crate::access::audit::{Act, Outcome, record_in};
use crate::access::{Actor, Refused};
use crate::base::clock::{Clock, Timestamp};
use crate::base::config;
use crate::base::ids::{DispositionId, RecordId};
use crate::base::limits;
use crate::catalog::disposition::{self as rows, DispositionRow, EpochRow, New, State};
use crate::catalog::job::{self, NewJob};
use crate::catalog::leaf::{self, LeafRow};
use crate::catalog::statement;
use crate::catalog::{Catalog, CatalogError};
use crate::hold;
use crate::index::{Index, IndexError};
use crate::policy;
use crate::vault::bucket::BucketError;
use crate::vault::retention::Schedule;
use crate::vault::{Vault, VaultError};

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
    /// What must be so before anything is destroyed, and the mend.
    #[error("{0}")]
    NotYet(String),
    #[error("a disposition's row cannot be read")]
    Row(#[from] serde_json::Error),
}

/// What the verbs of this room work with. Cloning shares it.
#[derive(Clone)]
pub struct Retention {
    pub catalog: Catalog,
    pub clock: Clock,
    vault: Vault,
    index: Index,
    schedule: Arc<Schedule>,
    /// How many leaves the published log has.
    published: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Rung when a job was queued.
    queued: Arc<Notify>,
}

impl Retention {
    pub fn new(
        (vault, catalog, clock): (Vault, Catalog, Clock),
        index: Index,
        classes: &[config::Class],
        published: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        let schedule = Arc::new(Schedule::new(classes));
        let published = Arc::new(published);
        Self { catalog, clock, vault, index, schedule, published, queued: Arc::default() }
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
}

/// What came of a disposition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    pub destroyed: u64,
    pub bytes_destroyed: u64,
    pub segments_destroyed: u64,
    /// Records that holds kept.
    pub kept: Vec<RecordId>,
}

pub async fn epochs(actor: &Actor, retention: &Retention) -> Result<Vec<Epoch>, RetentionError> {
    actor.require_records()?;
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
    actor.require_records()?;
    Ok(rows::list(&retention.catalog).await?)
}

pub async fn get(
    actor: &Actor,
    retention: &Retention,
    id: DispositionId,
) -> Result<DispositionRow, RetentionError> {
    actor.require_records()?;
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
    let figures = Figures {
        segments: row.segments,
        deliveries: row.deliveries,
        bytes_received: row.bytes_received,
        bytes_stored: row.bytes_stored,
        held: count_held(retention, class, epoch).await?,
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
    let row = get(actor, retention, id).await?;
    if row.proposed_by == actor.user_id {
        return Err(Refused::Forbidden(
            "who proposed a disposition cannot approve it; a second person does",
        )
        .into());
    }
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
    let reason = reason.trim();
    if reason.is_empty() || reason.len() > limits::REASON_BYTES_MAX {
        return Err(Refused::Invalid(format!(
            "say why, in at most {} characters",
            limits::REASON_BYTES_MAX
        ))
        .into());
    }
    let Retention { catalog, clock, .. } = retention;
    let (id, now) = (row.disposition_id, clock.now());
    let mut tx = catalog.write().await?;
    if !rows::decide(&mut tx, id, state, (actor.user_id, now), reason).await? {
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
    if row.state != State::Done {
        return Err(
            Refused::Conflict("it is not done, so there is no certificate yet".into()).into()
        );
    }
    let catalog = &retention.catalog;
    let position = match row.told {
        Some(statement) => statement::position(catalog, statement).await?,
        None => None,
    };
    let leaf = match position {
        Some(position) => leaf::from(catalog, position, 1).await?.into_iter().next(),
        None => None,
    };
    Ok((row, leaf))
}

/// Goes on with an approved disposition that stopped before its end.
pub async fn resume(
    actor: &Actor,
    retention: &Retention,
    id: DispositionId,
) -> Result<DispositionRow, RetentionError> {
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
    let request = serde_json::to_string(&Request { disposition })?;
    let new = NewJob { kind: KIND, matter_id: None, asked_by, request: &request };
    job::insert(tx, &new, now, None).await?;
    Ok(())
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

async fn count_held(retention: &Retention, class: &str, epoch: &str) -> Result<u64, CatalogError> {
    let catalog = &retention.catalog;
    let (mut held, mut after) = (0, None);
    while let Some(segment) = rows::next_segment(catalog, class, epoch, after).await? {
        let seqs: Vec<_> = segment.deliveries.iter().map(|(seq, _)| *seq).collect();
        held += hold::held_among(catalog, &seqs).await?.len() as u64;
        after = Some(segment.segment);
    }
    Ok(held)
}

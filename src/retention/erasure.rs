//! Erasure of one message in a class that allows it, on a ground and by two people:
//! what is asked for, shown and decided. `erase` does it.
//!
//! Whoever does this reads no mail. A message is named by a record that carries it, or
//! by its hash, and what is kept of that are ids of records: a hash would confirm to
//! who guesses what was erased.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::decision::{self, check_second_person, in_words, leaf_of_end};
use super::{Retention, RetentionError, decided};
use crate::access::audit::{self, Act, Outcome, record_in};
use crate::access::{Actor, Refused};
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, ErasureId, RecordId, SegmentId};
use crate::base::limits;
use crate::base::number::counted;
use crate::catalog::erasure::{self as rows, Carried, Carrier, ErasureRow, New, State};
use crate::catalog::leaf::LeafRow;
use crate::catalog::{Catalog, WriteTransaction, purge};
use crate::hold;
use crate::policy;

/// The kind of job that erases.
pub const KIND: &str = "erasure";

/// How a message is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// By a record that carries it, as its sender's receipt names one.
    Record(RecordId),
    /// By the SHA-256 of its bytes, as an export's manifest has it.
    Message(Digest),
}

/// What a proposal showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// The message, where it was found.
    pub carriers: Vec<Carried>,
    pub records: u64,
    pub bytes: u64,
    pub first_received_at: Timestamp,
    pub last_received_at: Timestamp,
    pub classes: Vec<String>,
}

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    pub records: Vec<RecordId>,
    pub bytes: u64,
    /// Where their keys were.
    pub segments: Vec<SegmentOf>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SegmentOf {
    pub class: String,
    pub epoch: String,
    pub segment: SegmentId,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    pub erasure: ErasureId,
}

pub async fn list(actor: &Actor, retention: &Retention) -> Result<Vec<ErasureRow>, RetentionError> {
    actor.require_destruction_seen()?;
    Ok(rows::list(&retention.catalog).await?)
}

pub async fn get(
    actor: &Actor,
    retention: &Retention,
    id: ErasureId,
) -> Result<ErasureRow, RetentionError> {
    actor.require_destruction_seen()?;
    let row = rows::by_id(&retention.catalog, id).await?;
    Ok(row.ok_or(Refused::Hidden("erasure"))?)
}

/// Proposes to erase a message in all its deliveries; nothing happens until somebody
/// else approves. What is refused is on record too, since it was asked for.
pub async fn propose(
    actor: &Actor,
    retention: &Retention,
    target: Target,
    ground: &str,
) -> Result<ErasureRow, RetentionError> {
    actor.require_records()?;
    let ground = in_words(ground, "on which ground it is to be erased")?;
    let Retention { catalog, clock, .. } = retention;
    let seeds = match target {
        Target::Record(record) => rows::in_record(catalog, record).await?,
        Target::Message(sha256) => rows::with_message(catalog, sha256).await?,
    };
    let found = carriers(retention, &seeds).await?;
    let (Some(first), Some(last)) = (
        found.iter().map(|carrier| carrier.received_at).min(),
        found.iter().map(|carrier| carrier.received_at).max(),
    ) else {
        return Err(Refused::Hidden("message").into());
    };
    let subject = subject_of(&found);
    if let Err(error) = check(retention, &found).await {
        let act = Act::new("erasure.propose", None, &subject)
            .with(json!({ "ground": ground, "error": error.to_string() }));
        audit::record(catalog, clock, actor, &act, Outcome::Refused).await?;
        return Err(error);
    }
    let classes: BTreeSet<&String> = found.iter().map(|carrier| &carrier.class).collect();
    let figures = Figures {
        carriers: found.iter().flat_map(|carrier| carrier.carried.clone()).collect(),
        records: found.len() as u64,
        bytes: found.iter().map(|carrier| carrier.size_bytes).sum(),
        first_received_at: first,
        last_received_at: last,
        classes: classes.into_iter().cloned().collect(),
    };
    let now = clock.now();
    let text = serde_json::to_string(&figures)?;
    let mut tx = catalog.write().await?;
    refuse_second(catalog, &found).await?;
    let new = New { ground: &ground, figures: &text, at: now, by: actor.user_id };
    let id = rows::insert(&mut tx, &new).await?;
    let act = Act::new("erasure.propose", None, &subject).with(json!({
        "erasure": id, "ground": ground, "records": figures.records, "bytes": figures.bytes,
    }));
    record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
    policy::tell_erasure(&mut tx, now, act.action, id).await?;
    catalog.commit(tx, "propose an erasure").await?;
    get(actor, retention, id).await
}

/// Approves a proposal: a second person does, and it begins.
pub async fn approve(
    actor: &Actor,
    retention: &Retention,
    id: ErasureId,
    reason: &str,
) -> Result<ErasureRow, RetentionError> {
    actor.require_records()?;
    let row = get(actor, retention, id).await?;
    check_second_person(actor, row.proposed_by)?;
    decision::check_proposer(retention, decided::ERASURE, id.0, row.proposed_at).await?;
    let figures: Figures = serde_json::from_str(&row.figures)?;
    check(retention, &carriers(retention, &figures.carriers).await?).await?;
    decide(actor, retention, &row, State::Approved, reason).await
}

/// Refuses a proposal, or one that was approved and has erased nothing; so may who
/// made it.
pub async fn refuse(
    actor: &Actor,
    retention: &Retention,
    id: ErasureId,
    reason: &str,
) -> Result<ErasureRow, RetentionError> {
    actor.require_records()?;
    let row = get(actor, retention, id).await?;
    decide(actor, retention, &row, State::Refused, reason).await
}

async fn decide(
    actor: &Actor,
    retention: &Retention,
    row: &ErasureRow,
    state: State,
    reason: &str,
) -> Result<ErasureRow, RetentionError> {
    let reason = in_words(reason, "why")?;
    let Retention { catalog, clock, .. } = retention;
    let (id, now) = (row.erasure_id, clock.now());
    let mut tx = catalog.write().await?;
    if !rows::decide(&mut tx, id, state, (actor.user_id, now), &reason).await? {
        return Err(Refused::Conflict("it was decided already".into()).into());
    }
    let action = match state {
        State::Approved => "erasure.approve",
        _ => "erasure.refuse",
    };
    let act = act(action, id).with(json!({ "erasure": id, "reason": reason }));
    record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
    policy::tell_erasure(&mut tx, now, action, id).await?;
    if state == State::Approved {
        queue(&mut tx, id, &actor.name, now).await?;
    }
    catalog.commit(tx, "decide on an erasure").await?;
    retention.queued.notify_one();
    get(actor, retention, id).await
}

/// Goes on with an erasure that stopped before its end, or does the last of it again.
pub async fn resume(
    actor: &Actor,
    retention: &Retention,
    id: ErasureId,
) -> Result<ErasureRow, RetentionError> {
    actor.require_records()?;
    let row = get(actor, retention, id).await?;
    if !matches!(row.state, State::Approved | State::Erasing | State::Done) {
        return Err(Refused::Conflict("there is nothing to go on with".into()).into());
    }
    let Retention { catalog, clock, .. } = retention;
    let mut tx = catalog.write().await?;
    let now = clock.now();
    let act = act("erasure.resume", id).with(json!({ "erasure": id }));
    record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
    queue(&mut tx, id, &actor.name, now).await?;
    catalog.commit(tx, "go on with an erasure").await?;
    retention.queued.notify_one();
    get(actor, retention, id).await
}

/// An erasure that is done, and the leaf that states it; none while its statement is
/// on its way.
pub async fn done(
    actor: &Actor,
    retention: &Retention,
    id: ErasureId,
) -> Result<(ErasureRow, Option<LeafRow>), RetentionError> {
    let row = get(actor, retention, id).await?;
    let leaf = leaf_of_end(&retention.catalog, row.state == State::Done, row.told).await?;
    decision::check_certified(retention, decided::ERASURE, id.0).await?;
    Ok((row, leaf))
}

/// Why erasures stopped before their end, in words; none of one that goes on.
pub async fn stops(
    actor: &Actor,
    retention: &Retention,
) -> Result<HashMap<ErasureId, String>, RetentionError> {
    actor.require_destruction_seen()?;
    decision::stops(retention, KIND, |request: Request| request.erasure).await
}

/// What statements say of erasures, in a catalog that was made again: logged erasures
/// beat pages that survived them. Takes out what came back, and has the keys of it
/// erased again. How many records that were.
pub async fn after_rebuild(catalog: &Catalog, now: Timestamp) -> Result<u64, RetentionError> {
    let mut count = 0;
    for row in rows::list(catalog).await? {
        let Some(result) = row.result.as_deref() else { continue };
        let gone: Gone = serde_json::from_str(result)?;
        let back = purge::seqs_of(catalog, &gone.records).await?;
        let mut tx = catalog.write().await?;
        rows::mark(&mut tx, row.erasure_id, &gone.records).await?;
        purge::remove(&mut tx, &back).await?;
        if row.state == State::Erasing || !back.is_empty() {
            queue(&mut tx, row.erasure_id, "operator", now).await?;
        }
        catalog.commit(tx, "erase again what came back").await?;
        count += back.len() as u64;
    }
    Ok(count)
}

async fn queue(
    tx: &mut WriteTransaction,
    erasure: ErasureId,
    asked_by: &str,
    now: Timestamp,
) -> Result<(), RetentionError> {
    decision::queue(tx, KIND, &Request { erasure }, asked_by, now).await
}

pub(super) fn act(action: &'static str, id: ErasureId) -> Act {
    Act::new(action, None, format!("erasure {id}"))
}

fn subject_of(found: &[Carrier]) -> String {
    match found {
        [] => "no record".to_owned(),
        [only] => format!("record {}", only.record),
        [first, ..] => format!("record {} and {} others", first.record, found.len() - 1),
    }
}

/// Every delivery of the message.
pub(super) async fn carriers(
    retention: &Retention,
    seeds: &[Carried],
) -> Result<Vec<Carrier>, RetentionError> {
    let found = rows::carriers(&retention.catalog, seeds, limits::ERASURE_RECORDS_MAX).await?;
    if found.len() > limits::ERASURE_RECORDS_MAX {
        return Err(Refused::Conflict(format!(
            "more than {} records carry the message; so many are not erased at once",
            limits::ERASURE_RECORDS_MAX
        ))
        .into());
    }
    Ok(found)
}

/// What the rules say: the class of each delivery, and holds.
pub(super) async fn check(retention: &Retention, found: &[Carrier]) -> Result<(), RetentionError> {
    let is_strict = |carrier: &&Carrier| !retention.schedule.is_erasable(&carrier.class);
    if let Some(strict) = found.iter().find(is_strict) {
        let until = retention.schedule.due(&strict.class, &strict.epoch);
        let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
        return Err(Refused::Conflict(format!(
            "record {} is in the class {:?}, which is strict: nobody can erase anything of it{until}; \
             only what is in classes with mode = \"erasable\" can be erased before its date",
            strict.record, strict.class
        ))
        .into());
    }
    check_held(&retention.catalog, found).await
}

/// A hold wins.
pub(super) async fn check_held(catalog: &Catalog, found: &[Carrier]) -> Result<(), RetentionError> {
    let seqs: Vec<DeliverySeq> = found.iter().map(|carrier| carrier.seq).collect();
    let held = hold::held_among(catalog, &seqs).await?;
    if held.is_empty() {
        return Ok(());
    }
    Err(Refused::Conflict(format!(
        "a hold covers {} of it: nothing that is held is erased; go on when it is released, or \
         refuse the erasure",
        counted(held.len() as u64, "record")
    ))
    .into())
}

/// Of one message there is one erasure at a time.
async fn refuse_second(catalog: &Catalog, found: &[Carrier]) -> Result<(), RetentionError> {
    let records: BTreeSet<RecordId> = found.iter().map(|carrier| carrier.record).collect();
    for row in rows::list(catalog).await? {
        if !matches!(row.state, State::Proposed | State::Approved) {
            continue;
        }
        let figures: Figures = serde_json::from_str(&row.figures)?;
        if figures.carriers.iter().any(|carried| records.contains(&carried.record)) {
            return Err(Refused::Conflict(format!(
                "another proposal to erase it is open, number {}; decide it first",
                row.erasure_id
            ))
            .into());
        }
    }
    Ok(())
}

//! Holds: what must not be destroyed, whatever its date. A hold is in force
//! from the commit of its row, and is released with a reason, never deleted.
//!
//! What one covers is decided in `catalog::hold`, exactly. What is not known in
//! full yet and fits the rest is held too, and counted apart.

pub mod flags;

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::access::audit::{self, Act, Outcome, record_in};
use crate::access::{Actor, Refused};
use crate::base::clock::{Clock, Timestamp};
use crate::base::ids::{CustodianId, DeliverySeq, HoldId, MatterId, RecordId, SetId};
use crate::base::limits;
use crate::catalog::flag::{self, Counted};
use crate::catalog::hit::{self, HitRow};
use crate::catalog::hold::{self as rows, Extent, HoldRow, Place, Sum};
use crate::catalog::matter::custodians;
use crate::catalog::{Catalog, CatalogError};
use crate::matter::{self, MatterError};
use crate::policy;

#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl From<MatterError> for HoldError {
    fn from(error: MatterError) -> Self {
        match error {
            MatterError::Refused(refused) => Self::Refused(refused),
            MatterError::Catalog(error) => Self::Catalog(error),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateKind {
    Sent,
    Received,
}

impl DateKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
        }
    }
}

/// A hold as it is asked for. Days are of the matter's zone, both included.
#[derive(Clone, Debug)]
pub struct New {
    pub name: String,
    pub custodians: Vec<CustodianId>,
    pub date_kind: DateKind,
    pub from: Option<Date>,
    pub until: Option<Date>,
    pub is_ongoing: bool,
}

/// A hold with what it covers now.
#[derive(Clone, Debug)]
pub struct Hold {
    pub row: HoldRow,
    pub sum: Sum,
    /// Its first and its last day, in the matter's zone.
    pub from: Option<Date>,
    pub until: Option<Date>,
    /// It begins and ends with these days. Not where the matter's zone was another when
    /// it was placed: what it covers did not change with the zone.
    pub is_of_whole_days: bool,
    /// How far the bucket's flags have followed.
    pub flags: Option<Counted>,
}

#[derive(Clone, Debug)]
pub struct Preview {
    pub sum: Sum,
    pub sample: Vec<HitRow>,
}

/// What a hold would cover if it were placed now.
pub async fn preview(
    actor: &Actor,
    catalog: &Catalog,
    clock: &Clock,
    matter: MatterId,
    new: &New,
) -> Result<Preview, HoldError> {
    let row = matter::open_to_change(actor, catalog, matter).await?;
    let extent = extent(catalog, matter, &row.zone, new).await?;
    let sum = rows::sum_considered(catalog, &extent).await?;
    let places = rows::items_considered(catalog, &extent, limits::HOLD_SAMPLE_ROWS).await?;
    let sample = hit::load(catalog, &sets_of(&places)).await?;
    let act = Act::new("hold.preview", Some(matter), &new.name)
        .with(json!({ "extent": told(&extent), "families": sum.families }));
    audit::record(catalog, clock, actor, &act, Outcome::Done).await?;
    Ok(Preview { sum, sample })
}

/// Places a hold: in force when the transaction has committed.
pub async fn place(
    actor: &Actor,
    catalog: &Catalog,
    clock: &Clock,
    matter: MatterId,
    new: &New,
) -> Result<Hold, HoldError> {
    let row = matter::open_to_change(actor, catalog, matter).await?;
    let name = matter::check_name(&new.name, "hold")?;
    let extent = extent(catalog, matter, &row.zone, new).await?;
    let now = clock.now();
    let mut tx = catalog.write().await?;
    let id = rows::insert(&mut tx, matter, &name, &extent, now, actor.user_id).await?;
    let act = Act::new("hold.place", Some(matter), &name)
        .with(json!({ "hold": id, "extent": told(&extent) }));
    record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
    policy::tell(&mut tx, now, act.action, matter).await?;
    catalog.commit(tx, "place a hold").await?;
    get(actor, catalog, matter, id).await
}

pub async fn list(
    actor: &Actor,
    catalog: &Catalog,
    matter: MatterId,
) -> Result<Vec<Hold>, HoldError> {
    let zone = matter::zone(&matter::open(actor, catalog, matter).await?.zone)?;
    let mut holds = Vec::new();
    for row in rows::list(catalog, matter).await? {
        holds.push(hold(catalog, row, &zone).await?);
    }
    Ok(holds)
}

pub async fn get(
    actor: &Actor,
    catalog: &Catalog,
    matter: MatterId,
    id: HoldId,
) -> Result<Hold, HoldError> {
    let zone = matter::zone(&matter::open(actor, catalog, matter).await?.zone)?;
    let row = find(catalog, matter, id).await?;
    hold(catalog, row, &zone).await
}

/// A page of what a hold covers.
#[derive(Clone, Debug)]
pub struct Items {
    pub sum: Sum,
    pub hits: Vec<HitRow>,
    pub next: Option<Place>,
}

pub async fn items(
    actor: &Actor,
    catalog: &Catalog,
    clock: &Clock,
    (matter, id): (MatterId, HoldId),
    after: Option<Place>,
    limit: usize,
) -> Result<Items, HoldError> {
    matter::open(actor, catalog, matter).await?;
    let row = find(catalog, matter, id).await?;
    let limit = limit.clamp(1, limits::PAGE_ROWS_MAX);
    let mut places = rows::items_of(catalog, id, after, limit + 1).await?;
    let is_more = places.len() > limit;
    places.truncate(limit);
    let sum = rows::sum_of(catalog, id).await?;
    let hits = hit::load(catalog, &sets_of(&places)).await?;
    let act = Act::new("hold.items", Some(matter), &row.name)
        .with(json!({ "hold": id, "shown": hits.len() }));
    audit::record(catalog, clock, actor, &act, Outcome::Done).await?;
    Ok(Items { sum, hits, next: places.last().copied().filter(|_| is_more) })
}

/// Every message set that a hold covers, newest first, for an export of it.
pub async fn all_sets(catalog: &Catalog, id: HoldId) -> Result<Vec<SetId>, CatalogError> {
    Ok(sets_of(&rows::items_of(catalog, id, None, i64::MAX as usize).await?))
}

/// Deliveries that a hold covers although nobody could read who took part.
pub async fn unread(catalog: &Catalog, id: HoldId) -> Result<Vec<RecordId>, CatalogError> {
    rows::underived_of(catalog, id).await
}

/// Ends a hold. It stays on record, with the reason.
pub async fn release(
    actor: &Actor,
    catalog: &Catalog,
    clock: &Clock,
    (matter, id): (MatterId, HoldId),
    reason: &str,
) -> Result<Hold, HoldError> {
    matter::open_to_lead(actor, catalog, matter).await?;
    let row = find(catalog, matter, id).await?;
    let reason = reason.trim();
    if reason.is_empty() || reason.len() > limits::REASON_BYTES_MAX {
        return Err(Refused::Invalid(format!(
            "say why the hold is released, in at most {} characters",
            limits::REASON_BYTES_MAX
        ))
        .into());
    }
    let now = clock.now();
    let mut tx = catalog.write().await?;
    if !rows::release(&mut tx, id, now, actor.user_id, reason).await? {
        return Err(Refused::Conflict("the hold is released already".into()).into());
    }
    let act = Act::new("hold.release", Some(matter), &row.name)
        .with(json!({ "hold": id, "reason": reason }));
    record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
    policy::tell(&mut tx, now, act.action, matter).await?;
    catalog.commit(tx, "release a hold").await?;
    get(actor, catalog, matter, id).await
}

/// Whether a hold in force covers the message set.
pub async fn is_held(catalog: &Catalog, set: SetId) -> Result<bool, CatalogError> {
    Ok(!rows::in_force_on(catalog, &[set]).await?.is_empty())
}

/// Those of `deliveries` that a hold in force covers: what destroys asks this, under
/// the lock under which holds are placed.
pub async fn held_among(
    catalog: &Catalog,
    deliveries: &[DeliverySeq],
) -> Result<BTreeSet<DeliverySeq>, CatalogError> {
    let mut held = BTreeSet::new();
    for deliveries in deliveries.chunks(limits::HELD_ASKED_AT_ONCE) {
        held.extend(rows::held_among(catalog, deliveries).await?);
    }
    Ok(held)
}

async fn find(catalog: &Catalog, matter: MatterId, id: HoldId) -> Result<HoldRow, HoldError> {
    let found = rows::list(catalog, matter).await?.into_iter().find(|row| row.hold_id == id);
    Ok(found.ok_or(Refused::Hidden("hold"))?)
}

async fn hold(catalog: &Catalog, row: HoldRow, zone: &TimeZone) -> Result<Hold, HoldError> {
    let day = |at: Timestamp| at.to_jiff().to_zoned_datetime(zone.clone()).date();
    let from = row.extent.from_at.map(day);
    // The end is exclusive: the last day is the one just before it.
    let until = row.extent.until_at.map(|at| day(Timestamp(at.0 - 1)));
    let is_of_whole_days = [row.extent.from_at, row.extent.until_at]
        .into_iter()
        .flatten()
        .all(|at| start_of(day(at), zone).is_ok_and(|start| start == at));
    let sum = match row.released_at {
        None => rows::sum_of(catalog, row.hold_id).await?,
        Some(_) => Sum::default(),
    };
    let flags = match row.released_at {
        None => flag::counted(catalog, row.hold_id).await?,
        Some(_) => None,
    };
    Ok(Hold { row, sum, from, until, is_of_whole_days, flags })
}

async fn extent(
    catalog: &Catalog,
    matter: MatterId,
    zone: &str,
    new: &New,
) -> Result<Extent, HoldError> {
    let zone = matter::zone(zone)?;
    let mut wanted = new.custodians.clone();
    wanted.sort();
    wanted.dedup();
    if wanted.is_empty() || wanted.len() > limits::HOLD_CUSTODIANS_MAX {
        return Err(Refused::Invalid(format!(
            "name 1 to {} custodians of the matter",
            limits::HOLD_CUSTODIANS_MAX
        ))
        .into());
    }
    let known = custodians(catalog, matter).await?;
    if wanted.iter().any(|id| !known.iter().any(|custodian| custodian.custodian_id == *id)) {
        return Err(Refused::Invalid("a custodian is not of this matter".into()).into());
    }
    if new.from.zip(new.until).is_some_and(|(from, until)| from > until) {
        return Err(Refused::Invalid("the first day is after the last".into()).into());
    }
    let from_at = new.from.map(|day| start_of(day, &zone)).transpose()?;
    let until_at = match new.until {
        None => None,
        Some(day) => Some(start_of(day.tomorrow().map_err(|_| beyond(day))?, &zone)?),
    };
    Ok(Extent {
        custodians: wanted,
        date_kind: new.date_kind.as_str().to_owned(),
        from_at,
        until_at,
        is_ongoing: new.is_ongoing,
        // Replaced by the last delivery when the hold is placed.
        placed_seq: DeliverySeq(i64::MAX),
    })
}

/// The first instant of a day: midnight, or later where clocks skip it.
fn start_of(day: Date, zone: &TimeZone) -> Result<Timestamp, Refused> {
    let start = day.to_zoned_datetime(zone.clone()).map_err(|_| beyond(day))?;
    let start = start.start_of_day().map_err(|_| beyond(day))?;
    Ok(Timestamp(start.timestamp().as_microsecond()))
}

fn beyond(day: Date) -> Refused {
    Refused::Invalid(format!("{day} is beyond the calendar"))
}

fn told(extent: &Extent) -> serde_json::Value {
    json!({
        "custodians": extent.custodians,
        "date_kind": extent.date_kind,
        "from": extent.from_at.map(|at| at.to_string()),
        "until_before": extent.until_at.map(|at| at.to_string()),
        "is_ongoing": extent.is_ongoing,
    })
}

fn sets_of(places: &[Place]) -> Vec<SetId> {
    places.iter().map(|place| place.set).collect()
}

#[cfg(test)]
mod tests;

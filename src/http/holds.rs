//! `/matters/{id}/holds`.

use axum::Json;
use axum::extract::State;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::hit::{self, Hit};
use super::input::{At, Body, Params, rows};
use super::matters::Named;
use crate::base::ids::{CustodianId, HoldId, MatterId};
use crate::hold::{self, New};

#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DateKind {
    Sent,
    Received,
}

impl From<DateKind> for hold::DateKind {
    fn from(kind: DateKind) -> Self {
        match kind {
            DateKind::Sent => Self::Sent,
            DateKind::Received => Self::Received,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Hold {
    id: i64,
    matter_id: i64,
    name: String,
    custodians: Vec<Named>,
    date_kind: DateKind,
    /// First day, in the matter's zone.
    from: Option<String>,
    /// Last day, in the matter's zone.
    until: Option<String>,
    /// The first instant that it covers.
    from_at: Option<String>,
    /// The first instant that it does not cover any more.
    until_before: Option<String>,
    /// False where the matter's zone was another when the hold was placed, so that it
    /// begins or ends within `from` or `until`: a change of the zone changes no hold.
    is_of_whole_days: bool,
    /// Takes in what arrives later.
    is_ongoing: bool,
    placed_at: String,
    placed_by: String,
    released_at: Option<String>,
    released_by: Option<String>,
    release_reason: Option<String>,
    /// Message sets that it covers now; 0 when released.
    families: u64,
    /// Deliveries held because it is not known yet who took part.
    not_indexed: u64,
    /// Segments with something that it covers: how many have the bucket's flag, of how
    /// many. None where the bucket keeps no flags, before they were counted, and of a
    /// released hold. The hold is in force without them.
    flags: Option<HoldFlags>,
}

#[derive(Serialize, ToSchema)]
pub struct HoldFlags {
    flagged: u64,
    segments: u64,
}

#[derive(Serialize, ToSchema)]
pub struct Holds {
    holds: Vec<Hold>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    name: String,
    custodian_ids: Vec<i64>,
    date_kind: DateKind,
    /// First day, as `2026-01-31`, in the matter's zone.
    from: Option<String>,
    /// Last day.
    until: Option<String>,
    #[serde(default)]
    is_ongoing: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Preview {
    families: u64,
    messages: u64,
    bytes: u64,
    /// Deliveries that would be held because it is not known yet who took part.
    not_indexed: u64,
    sample: Vec<Hit>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageParams {
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

#[derive(Serialize, ToSchema)]
pub struct Items {
    total: u64,
    hits: Vec<Hit>,
    next: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    reason: String,
}

pub fn day(text: Option<&str>) -> Result<Option<Date>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse()
        .map(Some)
        .map_err(|_| ApiError::invalid(format!("{text:?} is no day; write it as 2026-01-31")))
}

fn new(body: HoldRequest) -> Result<New, ApiError> {
    Ok(New {
        from: day(body.from.as_deref())?,
        until: day(body.until.as_deref())?,
        name: body.name,
        custodians: body.custodian_ids.into_iter().map(CustodianId).collect(),
        date_kind: body.date_kind.into(),
        is_ongoing: body.is_ongoing,
    })
}

fn count(value: i64) -> u64 {
    value.max(0) as u64
}

fn shown(hold: hold::Hold) -> Hold {
    let (row, extent) = (hold.row.clone(), hold.row.extent);
    let custodians = extent.custodians.iter().zip(row.custodian_names);
    Hold {
        id: row.hold_id.0,
        matter_id: row.matter_id.0,
        name: row.name,
        custodians: custodians.map(|(id, name)| Named { id: id.0, name }).collect(),
        date_kind: if extent.date_kind == "sent" { DateKind::Sent } else { DateKind::Received },
        from: hold.from.map(|day| day.to_string()),
        until: hold.until.map(|day| day.to_string()),
        from_at: extent.from_at.map(|at| at.to_string()),
        until_before: extent.until_at.map(|at| at.to_string()),
        is_of_whole_days: hold.is_of_whole_days,
        is_ongoing: extent.is_ongoing,
        placed_at: row.placed_at.to_string(),
        placed_by: row.placed_by,
        released_at: row.released_at.map(|at| at.to_string()),
        released_by: row.released_by,
        release_reason: row.release_reason,
        families: count(hold.sum.families),
        not_indexed: count(hold.sum.not_indexed),
        flags: hold.flags.map(|it| HoldFlags { flagged: it.flagged, segments: it.segments }),
    }
}

/// The matter's holds, those in force first.
#[utoipa::path(get, path = "/matters/{id}/holds", tag = "holds", params(("id" = i64, Path)),
    responses((status = 200, body = Holds)))]
pub async fn list(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<Holds>, ApiError> {
    let holds = hold::list(&actor, &context.catalog, MatterId(id)).await?;
    Ok(Json(Holds { holds: holds.into_iter().map(shown).collect() }))
}

/// Place a hold: in force when this answers.
#[utoipa::path(post, path = "/matters/{id}/holds", tag = "holds", params(("id" = i64, Path)),
    request_body = HoldRequest, responses((status = 200, body = Hold)))]
pub async fn place(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Body(body): Body<HoldRequest>,
) -> Result<Json<Hold>, ApiError> {
    let Context { catalog, clock, .. } = &context;
    let hold = hold::place(&actor, catalog, clock, MatterId(id), &new(body)?).await?;
    context.recorder.told().await?;
    Ok(Json(shown(hold)))
}

/// What a hold would cover if it were placed now.
#[utoipa::path(post, path = "/matters/{id}/holds/preview", tag = "holds",
    params(("id" = i64, Path)), request_body = HoldRequest,
    responses((status = 200, body = Preview)))]
pub async fn preview(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Body(body): Body<HoldRequest>,
) -> Result<Json<Preview>, ApiError> {
    let Context { catalog, clock, .. } = &context;
    let seen = hold::preview(&actor, catalog, clock, MatterId(id), &new(body)?).await?;
    Ok(Json(Preview {
        families: count(seen.sum.families),
        messages: count(seen.sum.messages),
        bytes: count(seen.sum.bytes),
        not_indexed: count(seen.sum.not_indexed),
        sample: seen.sample.into_iter().map(Hit::from).collect(),
    }))
}

/// One hold.
#[utoipa::path(get, path = "/matters/{id}/holds/{hid}", tag = "holds",
    params(("id" = i64, Path), ("hid" = i64, Path)), responses((status = 200, body = Hold)))]
pub async fn show(
    State(context): State<Context>,
    Signed(actor): Signed,
    At((id, hid)): At<(i64, i64)>,
) -> Result<Json<Hold>, ApiError> {
    Ok(Json(shown(hold::get(&actor, &context.catalog, MatterId(id), HoldId(hid)).await?)))
}

/// What a hold covers, newest first.
#[utoipa::path(get, path = "/matters/{id}/holds/{hid}/items", tag = "holds",
    params(("id" = i64, Path), ("hid" = i64, Path), PageParams),
    responses((status = 200, body = Items)))]
pub async fn items(
    State(context): State<Context>,
    Signed(actor): Signed,
    At((id, hid)): At<(i64, i64)>,
    Params(page): Params<PageParams>,
) -> Result<Json<Items>, ApiError> {
    let Context { catalog, clock, .. } = &context;
    let after = hit::cursor(page.cursor.as_deref())?;
    let which = (MatterId(id), HoldId(hid));
    let limit = rows(page.limit, 50)?;
    let items = hold::items(&actor, catalog, clock, which, after, limit).await?;
    Ok(Json(Items {
        total: count(items.sum.families),
        hits: items.hits.into_iter().map(Hit::from).collect(),
        next: items.next.map(hit::cursor_text),
    }))
}

/// Release a hold, saying why. It stays on record.
#[utoipa::path(post, path = "/matters/{id}/holds/{hid}/release", tag = "holds",
    params(("id" = i64, Path), ("hid" = i64, Path)), request_body = ReleaseRequest,
    responses((status = 200, body = Hold)))]
pub async fn release(
    State(context): State<Context>,
    Signed(actor): Signed,
    At((id, hid)): At<(i64, i64)>,
    Body(body): Body<ReleaseRequest>,
) -> Result<Json<Hold>, ApiError> {
    let Context { catalog, clock, .. } = &context;
    let which = (MatterId(id), HoldId(hid));
    let hold = hold::release(&actor, catalog, clock, which, &body.reason).await?;
    context.recorder.told().await?;
    Ok(Json(shown(hold)))
}

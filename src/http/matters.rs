//! `/matters`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::input::{At, Body};
use crate::base::ids::{MatterId, UserId};
use crate::matter::{self, Change, New};

#[derive(Serialize, ToSchema)]
pub struct Matter {
    id: i64,
    name: String,
    /// The court's or the firm's number; may be empty.
    reference: String,
    /// IANA name of the time zone in which its dates are read.
    zone: String,
    is_closed: bool,
    created_at: String,
    created_by: String,
    custodians: u64,
    /// In force.
    holds: u64,
    members: Vec<Named>,
}

#[derive(Serialize, ToSchema)]
pub struct Named {
    pub id: i64,
    pub name: String,
}

#[derive(Serialize, ToSchema)]
pub struct Matters {
    matters: Vec<Matter>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMatterRequest {
    name: String,
    #[serde(default)]
    reference: String,
    #[serde(default = "utc")]
    zone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MatterRequest {
    name: Option<String>,
    reference: Option<String>,
    zone: Option<String>,
    is_closed: Option<bool>,
    /// Ids of all members from now on.
    members: Option<Vec<i64>>,
}

fn shown(matter: matter::Matter) -> Matter {
    let row = matter.row;
    Matter {
        id: row.matter_id.0,
        name: row.name,
        reference: row.reference,
        zone: row.zone,
        is_closed: row.is_closed,
        created_at: row.created_at.to_string(),
        created_by: row.created_by,
        custodians: row.custodians.max(0) as u64,
        holds: row.holds.max(0) as u64,
        members: matter.members.into_iter().map(|(id, name)| Named { id: id.0, name }).collect(),
    }
}

/// The matters that the reader may open.
#[utoipa::path(get, path = "/matters", tag = "matters", responses((status = 200, body = Matters)))]
pub async fn list(
    State(context): State<Context>,
    Signed(actor): Signed,
) -> Result<Json<Matters>, ApiError> {
    let matters = matter::list(&actor, &context.catalog).await?;
    Ok(Json(Matters { matters: matters.into_iter().map(shown).collect() }))
}

/// Open a matter; who opens it is its first member.
#[utoipa::path(post, path = "/matters", tag = "matters", request_body = NewMatterRequest,
    responses((status = 200, body = Matter)))]
pub async fn create(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<NewMatterRequest>,
) -> Result<Json<Matter>, ApiError> {
    let new = New { name: body.name, reference: body.reference, zone: body.zone };
    let matter = matter::create(&actor, &context.catalog, &context.clock, new).await?;
    Ok(Json(shown(matter)))
}

/// One matter.
#[utoipa::path(get, path = "/matters/{id}", tag = "matters", params(("id" = i64, Path)),
    responses((status = 200, body = Matter)))]
pub async fn show(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<Matter>, ApiError> {
    Ok(Json(shown(matter::get(&actor, &context.catalog, MatterId(id)).await?)))
}

/// Change a matter, close it, or open it again.
#[utoipa::path(patch, path = "/matters/{id}", tag = "matters", params(("id" = i64, Path)),
    request_body = MatterRequest, responses((status = 200, body = Matter)))]
pub async fn change(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Body(body): Body<MatterRequest>,
) -> Result<Json<Matter>, ApiError> {
    let change = Change {
        name: body.name,
        reference: body.reference,
        zone: body.zone,
        is_closed: body.is_closed,
        members: body.members.map(|ids| ids.into_iter().map(UserId).collect()),
    };
    let matter =
        matter::change(&actor, &context.catalog, &context.clock, MatterId(id), change).await?;
    Ok(Json(shown(matter)))
}

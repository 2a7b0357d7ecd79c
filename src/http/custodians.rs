//! `/matters/{id}/custodians`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::input::{At, Body};
use crate::base::ids::{CustodianId, MatterId};
use crate::catalog::matter::CustodianRow;
use crate::matter::custodian;

#[derive(Serialize, ToSchema)]
pub struct Custodian {
    id: i64,
    name: String,
    addresses: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Custodians {
    custodians: Vec<Custodian>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCustodianRequest {
    name: String,
    addresses: Vec<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustodianRequest {
    name: Option<String>,
    /// All of them from now on.
    addresses: Option<Vec<String>>,
}

fn shown(row: CustodianRow) -> Custodian {
    Custodian { id: row.custodian_id.0, name: row.name, addresses: row.addresses }
}

/// The matter's custodians.
#[utoipa::path(get, path = "/matters/{id}/custodians", tag = "custodians",
    params(("id" = i64, Path)), responses((status = 200, body = Custodians)))]
pub async fn list(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<Custodians>, ApiError> {
    let rows = custodian::list(&actor, &context.catalog, MatterId(id)).await?;
    Ok(Json(Custodians { custodians: rows.into_iter().map(shown).collect() }))
}

/// Name a custodian.
#[utoipa::path(post, path = "/matters/{id}/custodians", tag = "custodians",
    params(("id" = i64, Path)), request_body = NewCustodianRequest,
    responses((status = 200, body = Custodian)))]
pub async fn add(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Body(body): Body<NewCustodianRequest>,
) -> Result<Json<Custodian>, ApiError> {
    let Context { catalog, clock, .. } = &context;
    let row =
        custodian::add(&actor, catalog, clock, MatterId(id), &body.name, &body.addresses).await?;
    Ok(Json(shown(row)))
}

/// Change a custodian.
#[utoipa::path(patch, path = "/matters/{id}/custodians/{cid}", tag = "custodians",
    params(("id" = i64, Path), ("cid" = i64, Path)), request_body = CustodianRequest,
    responses((status = 200, body = Custodian)))]
pub async fn change(
    State(context): State<Context>,
    Signed(actor): Signed,
    At((id, cid)): At<(i64, i64)>,
    Body(body): Body<CustodianRequest>,
) -> Result<Json<Custodian>, ApiError> {
    let Context { catalog, clock, .. } = &context;
    let which = (MatterId(id), CustodianId(cid));
    let (name, addresses) = (body.name.as_deref(), body.addresses.as_deref());
    let row = custodian::change(&actor, catalog, clock, which, name, addresses).await?;
    Ok(Json(shown(row)))
}

/// Take a custodian out of the matter; not one that a hold names.
#[utoipa::path(delete, path = "/matters/{id}/custodians/{cid}", tag = "custodians",
    params(("id" = i64, Path), ("cid" = i64, Path)), responses((status = 204)))]
pub async fn remove(
    State(context): State<Context>,
    Signed(actor): Signed,
    At((id, cid)): At<(i64, i64)>,
) -> Result<StatusCode, ApiError> {
    let Context { catalog, clock, .. } = &context;
    custodian::remove(&actor, catalog, clock, MatterId(id), CustodianId(cid)).await?;
    Ok(StatusCode::NO_CONTENT)
}

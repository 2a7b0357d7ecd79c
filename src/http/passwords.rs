//! `/matters/{id}/passwords`: what closed documents are tried with.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::input::{At, Body};
use crate::base::ids::MatterId;
use crate::catalog::document_password::Row;
use crate::matter::password;

/// One that is known; what it is is not shown again.
#[derive(Serialize, ToSchema)]
pub struct DocumentPassword {
    id: i64,
    added_at: String,
    added_by: String,
}

#[derive(Serialize, ToSchema)]
pub struct DocumentPasswords {
    passwords: Vec<DocumentPassword>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasswordRequest {
    password: String,
}

impl From<Row> for DocumentPassword {
    fn from(row: Row) -> Self {
        let added_at = row.added_at.to_string();
        Self { id: row.password_id, added_at, added_by: row.added_by }
    }
}

/// The passwords that closed documents are tried with, without what they are.
#[utoipa::path(get, path = "/matters/{id}/passwords", tag = "passwords", params(("id" = i64, Path)),
    responses((status = 200, body = DocumentPasswords)))]
pub async fn list(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<DocumentPasswords>, ApiError> {
    let rows = password::list(&actor, &context.catalog, MatterId(id)).await?;
    let passwords = rows.into_iter().map(DocumentPassword::from).collect();
    Ok(Json(DocumentPasswords { passwords }))
}

/// Name one more. What is archived already is tried with it when it is read again.
#[utoipa::path(post, path = "/matters/{id}/passwords", tag = "passwords", params(("id" = i64, Path)),
    request_body = NewPasswordRequest, responses((status = 200, body = DocumentPassword)))]
pub async fn add(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Body(body): Body<NewPasswordRequest>,
) -> Result<Json<DocumentPassword>, ApiError> {
    let Context { catalog, clock, review, .. } = &context;
    let room = (catalog, clock, &review.vault);
    Ok(Json(password::add(&actor, room, MatterId(id), &body.password).await?.into()))
}

/// Forget one.
#[utoipa::path(delete, path = "/matters/{id}/passwords/{pid}", tag = "passwords",
    params(("id" = i64, Path), ("pid" = i64, Path)), responses((status = 204)))]
pub async fn remove(
    State(context): State<Context>,
    Signed(actor): Signed,
    At((id, pid)): At<(i64, i64)>,
) -> Result<StatusCode, ApiError> {
    let Context { catalog, clock, .. } = &context;
    password::remove(&actor, catalog, clock, (MatterId(id), pid)).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! `/gaps/retries`: reading again what could not be read; and the gaps as a file.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::csv::Table;
use super::error::ApiError;
use super::guard::Signed;
use super::input::{At, Body, Params};
use crate::base::ids::{CustodianId, JobId, MatterId};
use crate::catalog::gap::{Filter, Row};
use crate::catalog::job::JobRow;
use crate::review::retry;

/// Which gaps; all of the matter, or of the archive, where nothing is said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    /// Without one, the whole archive: that needs the archive-wide right.
    matter_id: Option<i64>,
    reason: Option<String>,
    media_type: Option<String>,
    source: Option<String>,
    custodian_id: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct Retry {
    id: i64,
    matter_id: Option<i64>,
    /// Which gaps were asked for, as in the request.
    reason: Option<String>,
    media_type: Option<String>,
    source: Option<String>,
    custodian_id: Option<i64>,
    asked_by: String,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    state: String,
    /// Messages that were read again, of how many.
    done: u64,
    total: u64,
    created_at: String,
    ended_at: Option<String>,
    /// Gaps that the request found before and after; none until it is done.
    gaps_before: Option<u64>,
    gaps_after: Option<u64>,
}

#[derive(Serialize, ToSchema)]
pub struct Retries {
    retries: Vec<Retry>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RetryParams {
    matter: Option<i64>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GapListParams {
    matter: Option<i64>,
    reason: Option<String>,
    media_type: Option<String>,
    source: Option<String>,
    custodian: Option<i64>,
}

impl From<JobRow> for Retry {
    fn from(row: JobRow) -> Self {
        let result: serde_json::Value = serde_json::from_str(&row.result).unwrap_or_default();
        let number = |name: &str| result.get(name).and_then(serde_json::Value::as_u64);
        let asked = retry::asked(&row);
        Self {
            id: row.job_id.0,
            matter_id: row.matter_id.map(|id| id.0),
            reason: asked.reason,
            media_type: asked.media_type,
            source: asked.source,
            custodian_id: asked.custodian.map(|id| id.0),
            gaps_before: number("gaps_before"),
            gaps_after: number("gaps"),
            asked_by: row.asked_by,
            state: row.state.as_str().to_owned(),
            done: row.done,
            total: row.total,
            created_at: row.created_at.to_string(),
            ended_at: row.ended_at.map(|at| at.to_string()),
        }
    }
}

/// Read documents with gaps again: after an upgrade, or with passwords that became
/// known since.
#[utoipa::path(post, path = "/gaps/retries", tag = "retries", request_body = RetryRequest,
    responses((status = 200, body = Retry)))]
pub async fn ask(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<RetryRequest>,
) -> Result<Json<Retry>, ApiError> {
    let filter = Filter {
        matter: body.matter_id.map(MatterId),
        reason: body.reason,
        media_type: body.media_type,
        source: body.source,
        custodian: body.custodian_id.map(CustodianId),
    };
    Ok(Json(context.review.retry(&actor, &filter).await?.into()))
}

/// Readings that were asked for, newest first.
#[utoipa::path(get, path = "/gaps/retries", tag = "retries", params(RetryParams),
    responses((status = 200, body = Retries)))]
pub async fn list(
    State(context): State<Context>,
    Signed(actor): Signed,
    Params(params): Params<RetryParams>,
) -> Result<Json<Retries>, ApiError> {
    let rows = context.review.retries(&actor, params.matter.map(MatterId)).await?;
    Ok(Json(Retries { retries: rows.into_iter().map(Retry::from).collect() }))
}

/// Stop one; what is in line already is read all the same.
#[utoipa::path(post, path = "/gaps/retries/{id}/cancel", tag = "retries",
    params(("id" = i64, Path)), responses((status = 200, body = Retry)))]
pub async fn cancel(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<Retry>, ApiError> {
    Ok(Json(context.review.cancel_retry(&actor, JobId(id)).await?.into()))
}

/// The gaps as a table (CSV, RFC 4180).
#[utoipa::path(get, path = "/gaps/list", tag = "retries", params(GapListParams),
    responses((status = 200, content_type = "text/csv", body = String)))]
pub async fn download(
    State(context): State<Context>,
    Signed(actor): Signed,
    Params(params): Params<GapListParams>,
) -> Result<impl IntoResponse, ApiError> {
    let filter = Filter {
        matter: params.matter.map(MatterId),
        reason: params.reason,
        media_type: params.media_type,
        source: params.source,
        custodian: params.custodian.map(CustodianId),
    };
    let rows = context.review.gap_list(&actor, filter).await?;
    Ok(table(&rows).into_file("gaps.csv"))
}

fn table(rows: &[Row]) -> Table {
    let titles = ["record_id", "message_id", "document", "path", "media_type", "reason", "detail"];
    let mut table = Table::new(&titles.map(str::to_owned));
    for row in rows {
        let number = |number: Option<i64>| number.map(|it| it.to_string()).unwrap_or_default();
        table.row(&[
            row.record.to_string(),
            number(row.set.map(|set| set.0)),
            number(row.ordinal.map(i64::from)),
            row.path.clone(),
            row.media_type.clone(),
            row.reason.clone(),
            row.detail.clone(),
        ]);
    }
    table
}

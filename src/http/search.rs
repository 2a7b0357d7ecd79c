//! `/search`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::hit::{self, Hit};
use super::holds::{DateKind, day};
use super::input::{Body, rows};
use crate::base::ids::{CustodianId, MatterId};
use crate::query;
use crate::search::{self, Ask};

#[derive(Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    #[default]
    Kql,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    /// Without one, the whole archive: that needs the archive-wide right.
    #[serde(default)]
    pub matter_id: Option<i64>,
    pub query: String,
    #[serde(default)]
    pub dialect: Dialect,
    /// First day, as `2026-01-31`, in the matter's zone.
    #[serde(default)]
    pub from: Option<String>,
    /// Last day.
    #[serde(default)]
    pub until: Option<String>,
    /// Which date the days are of, and by which the hits are ordered: received
    /// unless said.
    #[serde(default)]
    pub date_kind: Option<DateKind>,
    #[serde(default)]
    pub sender: Option<String>,
    #[serde(default)]
    pub recipient: Option<String>,
    #[serde(default)]
    pub custodian_id: Option<i64>,
    #[serde(default)]
    pub cursor: Option<String>,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
}

#[derive(Serialize, ToSchema)]
pub struct Results {
    total_families: u64,
    total_messages: u64,
    elapsed_ms: f64,
    /// The query as it was understood.
    parsed: String,
    warnings: Vec<String>,
    /// Of the hits, how many could not be indexed in full.
    gaps: u64,
    /// Deliveries that are not indexed yet.
    behind: u64,
    hits: Vec<Hit>,
    next: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteRequest {
    #[serde(default)]
    matter_id: Option<i64>,
    field: CompleteField,
    prefix: String,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CompleteField {
    Address,
}

#[derive(Serialize, ToSchema)]
pub struct Completions {
    values: Vec<String>,
}

/// Search in a matter, or archive-wide.
#[utoipa::path(post, path = "/search", tag = "search", request_body = SearchRequest,
    responses((status = 200, body = Results)))]
pub async fn run(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<SearchRequest>,
) -> Result<Json<Results>, ApiError> {
    let after = hit::cursor(body.cursor.as_deref())?;
    let limit = rows(body.limit, 50)?;
    let ask = ask(body)?;
    let page = search::run(&actor, &context.search, &ask, after, limit)
        .await
        .map_err(|error| ApiError::of_search(error, &ask.query))?;
    Ok(Json(Results {
        total_families: page.families,
        total_messages: page.messages,
        elapsed_ms: page.elapsed.as_secs_f64() * 1000.0,
        parsed: page.parsed,
        warnings: page.warnings,
        gaps: page.gaps,
        behind: page.behind,
        hits: page.hits.into_iter().map(|(row, snippet)| Hit::new(row, snippet.into())).collect(),
        next: page.next.map(hit::cursor_text),
    }))
}

/// The search as the verb takes it.
pub fn ask(body: SearchRequest) -> Result<Ask, ApiError> {
    Ok(Ask {
        matter_id: body.matter_id.map(MatterId),
        query: body.query,
        dialect: match body.dialect {
            Dialect::Kql => query::Dialect::Kql,
        },
        from: day(body.from.as_deref())?,
        until: day(body.until.as_deref())?,
        date_kind: match body.date_kind {
            Some(DateKind::Sent) => search::DateKind::Sent,
            Some(DateKind::Received) | None => search::DateKind::Received,
        },
        sender: body.sender,
        recipient: body.recipient,
        custodian_id: body.custodian_id.map(CustodianId),
    })
}

/// Addresses that begin with what was typed, of those that the reader sees.
#[utoipa::path(post, path = "/search/complete", tag = "search", request_body = CompleteRequest,
    responses((status = 200, body = Completions)))]
pub async fn complete(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<CompleteRequest>,
) -> Result<Json<Completions>, ApiError> {
    let CompleteField::Address = body.field;
    let matter = body.matter_id.map(MatterId);
    let values = search::complete(&actor, &context.search, matter, &body.prefix)
        .await
        .map_err(|error| ApiError::of_search(error, ""))?;
    Ok(Json(Completions { values }))
}

//! `/search`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::hit::Hit;
use super::holds::DateKind;
use super::input::Body;

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
    State(_context): State<Context>,
    Signed(_actor): Signed,
    Body(_body): Body<SearchRequest>,
) -> Result<Json<Results>, ApiError> {
    Err(ApiError::unavailable("search is not served yet"))
}

/// Addresses that begin with what was typed, of those that the reader sees.
#[utoipa::path(post, path = "/search/complete", tag = "search", request_body = CompleteRequest,
    responses((status = 200, body = Completions)))]
pub async fn complete(
    State(_context): State<Context>,
    Signed(_actor): Signed,
    Body(_body): Body<CompleteRequest>,
) -> Result<Json<Completions>, ApiError> {
    Err(ApiError::unavailable("completion is not served yet"))
}

//! `/exports`: jobs that write the hits of a search or a hold into a bundle.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::input::{At, Body, Params};
use super::search::SearchRequest;

#[derive(Serialize, ToSchema)]
pub struct Job {
    id: i64,
    kind: String,
    matter_id: Option<i64>,
    asked_by: String,
    state: JobState,
    done: u64,
    total: u64,
    created_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    name: String,
    format: ExportFormat,
    /// Of the bundle, when it is done.
    size: Option<u64>,
    sha256: Option<String>,
    error: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    Eml,
    Mbox,
}

#[derive(Serialize, ToSchema)]
pub struct Exports {
    exports: Vec<Job>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    /// Without one, the whole archive: that needs the archive-wide right.
    #[serde(default)]
    matter_id: Option<i64>,
    scope: ExportScopeRequest,
    format: ExportFormat,
    /// Whether each attachment is a file of its own as well.
    #[serde(default)]
    with_attachments: bool,
    #[serde(default)]
    name: Option<String>,
}

/// Exactly one of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportScopeRequest {
    #[serde(default)]
    search: Option<SearchRequest>,
    #[serde(default)]
    hold_id: Option<i64>,
    #[serde(default)]
    message_ids: Option<Vec<i64>>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExportParams {
    matter: Option<i64>,
}

fn unwired<T>() -> Result<T, ApiError> {
    Err(ApiError::unavailable("exports are not served yet"))
}

/// Ask for an export.
#[utoipa::path(post, path = "/exports", tag = "exports", request_body = ExportRequest,
    responses((status = 200, body = Job)))]
pub async fn ask(
    State(_context): State<Context>,
    Signed(_actor): Signed,
    Body(_body): Body<ExportRequest>,
) -> Result<Json<Job>, ApiError> {
    unwired()
}

/// The exports that the reader may see, newest first.
#[utoipa::path(get, path = "/exports", tag = "exports", params(ExportParams),
    responses((status = 200, body = Exports)))]
pub async fn list(
    State(_context): State<Context>,
    Signed(_actor): Signed,
    Params(_params): Params<ExportParams>,
) -> Result<Json<Exports>, ApiError> {
    unwired()
}

/// One export, with how far it is.
#[utoipa::path(get, path = "/exports/{id}", tag = "exports", params(("id" = i64, Path)),
    responses((status = 200, body = Job)))]
pub async fn show(
    State(_context): State<Context>,
    Signed(_actor): Signed,
    At(_id): At<i64>,
) -> Result<Json<Job>, ApiError> {
    unwired()
}

/// Stop an export.
#[utoipa::path(post, path = "/exports/{id}/cancel", tag = "exports", params(("id" = i64, Path)),
    responses((status = 200, body = Job)))]
pub async fn cancel(
    State(_context): State<Context>,
    Signed(_actor): Signed,
    At(_id): At<i64>,
) -> Result<Json<Job>, ApiError> {
    unwired()
}

/// The bundle.
#[utoipa::path(get, path = "/exports/{id}/download", tag = "exports", params(("id" = i64, Path)),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>)))]
pub async fn download(
    State(_context): State<Context>,
    Signed(_actor): Signed,
    At(_id): At<i64>,
) -> Result<Response, ApiError> {
    unwired()
}

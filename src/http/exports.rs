//! `/exports`: jobs that write the hits of a search or a hold into a bundle.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::error::ApiError;
use super::file;
use super::guard::Signed;
use super::input::{At, Body, Params};
use super::search::SearchRequest;
use crate::base::ids::{HoldId, JobId, MatterId, SetId};
use crate::catalog::job;
use crate::export::ExportError;
use crate::export::bundle::Format;
use crate::export::convert::Pst;
use crate::export::request::{self, Export, Request, Scope};

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
    /// What exceptions.json of the bundle lists, when it is done.
    exceptions: Option<u64>,
    /// Of those, messages that should be in the bundle and are not.
    missing: Option<u64>,
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
    Pst,
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
    /// With the format `pst` only.
    #[serde(default)]
    pst: Option<PstRequest>,
    /// Whether each attachment is a file of its own as well.
    #[serde(default)]
    with_attachments: bool,
    #[serde(default)]
    name: Option<String>,
}

/// How PST files are written; each field has its default.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PstRequest {
    /// Whether each message is in the bundle byte for byte as well (false).
    #[serde(default)]
    with_eml: bool,
    /// A file that would grow beyond it is followed by another (20 GB; at most 45).
    #[serde(default)]
    #[schema(minimum = 100_000_000, maximum = 45_000_000_000_u64)]
    file_bytes_max: Option<u64>,
    /// A folder that has so many is followed by another (50,000, the most).
    #[serde(default)]
    #[schema(minimum = 1_000, maximum = 50_000)]
    folder_items_max: Option<u32>,
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

/// Ask for an export.
#[utoipa::path(post, path = "/exports", tag = "exports", request_body = ExportRequest,
    responses((status = 200, body = Job)))]
pub async fn ask(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<ExportRequest>,
) -> Result<Json<Job>, ApiError> {
    let text = body.scope.search.as_ref().map(|search| search.query.clone());
    let within = body.scope.search.as_ref().and_then(|search| search.matter_id);
    if within.is_some() && within != body.matter_id {
        return Err(ApiError::invalid(
            "scope.search.matter_id is not the export's matter_id: give both the same, or it alone",
        ));
    }
    let scope = scope(body.scope)?;
    let format = format(body.format, body.pst)?;
    let request = Request {
        matter_id: body.matter_id.map(MatterId),
        name: body.name.unwrap_or_else(|| "Export".to_owned()),
        scope,
        format,
        with_attachments: body.with_attachments,
    };
    match request::ask(&actor, &context.exports.queue, request, None).await {
        Ok(export) => Ok(Json(export.into())),
        Err(ExportError::Search(error)) => {
            Err(ApiError::of_search(error, text.as_deref().unwrap_or_default()))
        }
        Err(error) => Err(error.into()),
    }
}

fn format(asked: ExportFormat, pst: Option<PstRequest>) -> Result<Format, ApiError> {
    match (asked, pst) {
        (ExportFormat::Eml, None) => Ok(Format::Eml),
        (ExportFormat::Mbox, None) => Ok(Format::Mbox),
        (ExportFormat::Pst, pst) => {
            let PstRequest { with_eml, file_bytes_max, folder_items_max } = pst.unwrap_or_default();
            Ok(Format::Pst(Pst::new(with_eml, file_bytes_max, folder_items_max)))
        }
        (_, Some(_)) => Err(ApiError::invalid("\"pst\" is for exports of the format \"pst\"")),
    }
}

fn scope(asked: ExportScopeRequest) -> Result<Scope, ApiError> {
    let ExportScopeRequest { search, hold_id, message_ids } = asked;
    match (search, hold_id, message_ids) {
        (Some(body), None, None) => Ok(Scope::Search(super::search::ask(body)?)),
        (None, Some(id), None) => Ok(Scope::Hold(HoldId(id))),
        (None, None, Some(ids)) => Ok(Scope::Messages(ids.into_iter().map(SetId).collect())),
        _ => Err(ApiError::invalid("name exactly one of search, hold_id and message_ids")),
    }
}

/// The exports that the reader may see, newest first.
#[utoipa::path(get, path = "/exports", tag = "exports", params(ExportParams),
    responses((status = 200, body = Exports)))]
pub async fn list(
    State(context): State<Context>,
    Signed(actor): Signed,
    Params(params): Params<ExportParams>,
) -> Result<Json<Exports>, ApiError> {
    let matter = params.matter.map(MatterId);
    let exports = request::list(&actor, &context.exports.queue, matter).await?;
    Ok(Json(Exports { exports: exports.into_iter().map(Job::from).collect() }))
}

/// One export, with how far it is.
#[utoipa::path(get, path = "/exports/{id}", tag = "exports", params(("id" = i64, Path)),
    responses((status = 200, body = Job)))]
pub async fn show(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<Job>, ApiError> {
    let export = request::get(&actor, &context.exports.queue, JobId(id)).await?;
    Ok(Json(export.into()))
}

/// Stop an export.
#[utoipa::path(post, path = "/exports/{id}/cancel", tag = "exports", params(("id" = i64, Path)),
    responses((status = 200, body = Job)))]
pub async fn cancel(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<Job>, ApiError> {
    let export = request::cancel(&actor, &context.exports.queue, JobId(id)).await?;
    Ok(Json(export.into()))
}

/// The bundle.
#[utoipa::path(get, path = "/exports/{id}/download", tag = "exports", params(("id" = i64, Path)),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>)))]
pub async fn download(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Response, ApiError> {
    let id = JobId(id);
    let (export, summary) = request::download(&actor, &context.exports.queue, id).await?;
    // Exports can be made again: their directory may have been emptied.
    let opened = tokio::fs::File::open(context.exports.path(id)).await;
    let opened = opened.map_err(|_| ApiError::not_found("bundle any more; ask for it again"))?;
    let name = format!("{}.zip", export.request.name);
    Ok(file::streamed(opened, summary.size, &name, "application/zip"))
}

impl From<Export> for Job {
    fn from(export: Export) -> Self {
        let Export { row, request, summary } = export;
        Self {
            id: row.job_id.0,
            kind: row.kind,
            matter_id: row.matter_id.map(|id| id.0),
            asked_by: row.asked_by,
            state: match row.state {
                job::State::Queued => JobState::Queued,
                job::State::Running => JobState::Running,
                job::State::Done => JobState::Done,
                job::State::Failed => JobState::Failed,
                job::State::Cancelled => JobState::Cancelled,
            },
            done: row.done,
            total: row.total,
            created_at: row.created_at.to_string(),
            started_at: row.started_at.map(|at| at.to_string()),
            ended_at: row.ended_at.map(|at| at.to_string()),
            name: request.name,
            format: match request.format {
                Format::Eml => ExportFormat::Eml,
                Format::Mbox => ExportFormat::Mbox,
                Format::Pst(_) => ExportFormat::Pst,
            },
            size: summary.as_ref().map(|summary| summary.size),
            exceptions: summary.as_ref().map(|summary| summary.exceptions),
            missing: summary.as_ref().map(|summary| summary.missing),
            sha256: summary.map(|summary| summary.sha256.to_string()),
            error: (row.state == job::State::Failed).then_some(row.result),
        }
    }
}

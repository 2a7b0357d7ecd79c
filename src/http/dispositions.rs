//! `/epochs` and `/dispositions`: what is kept until when, and its destruction by
//! two people.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::headers::PAGE;
use super::input::{At, Body};
use crate::access::Actor;
use crate::base::ids::DispositionId;
use crate::catalog::disposition::{DispositionRow, State as Standing};
use crate::catalog::leaf::LeafRow;
use crate::retention::{self, Epoch, Figures, Outcomes, Sampled, certificate};

#[derive(Serialize, ToSchema)]
#[schema(as = Epoch)]
pub struct EpochOf {
    class: String,
    /// The calendar month of receipt, as `2026-01`.
    epoch: String,
    segments: u64,
    deliveries: u64,
    bytes_received: u64,
    bytes_stored: u64,
    /// From when on it may be destroyed.
    due_at: Option<String>,
    is_due: bool,
    /// The proposal that is open on it.
    disposition_id: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct Epochs {
    epochs: Vec<EpochOf>,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DispositionState {
    Proposed,
    Refused,
    Approved,
    Destroying,
    Done,
}

/// A record that would be destroyed, and nothing of what it says.
#[derive(Serialize, ToSchema)]
pub struct SampledRecord {
    record: String,
    received_at: String,
    source: String,
    size_bytes: u64,
}

#[derive(Serialize, ToSchema)]
pub struct Disposition {
    id: i64,
    class: String,
    epoch: String,
    due_at: String,
    state: DispositionState,
    proposed_at: String,
    proposed_by: String,
    /// Who approved or refused it.
    decided_at: Option<String>,
    decided_by: Option<String>,
    reason: Option<String>,
    /// What the proposal showed.
    deliveries: u64,
    segments: u64,
    bytes_received: u64,
    bytes_stored: u64,
    /// Deliveries that holds keep, when it was proposed. Whose, is not said.
    held: u64,
    /// Some of what no hold kept then, from all over the month.
    sample: Vec<SampledRecord>,
    /// Why it stopped before its end; it can be gone on with.
    stopped: Option<String>,
    ended_at: Option<String>,
    /// Records that it destroyed, so far or in all.
    destroyed: Option<u64>,
    /// Records that holds kept, when it is done.
    kept: Option<u64>,
}

#[derive(Serialize, ToSchema)]
pub struct Dispositions {
    dispositions: Vec<Disposition>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DispositionRequest {
    class: String,
    epoch: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionRequest {
    reason: String,
}

impl DecisionRequest {
    pub(super) fn reason(&self) -> &str {
        &self.reason
    }
}

fn epoch(epoch: Epoch) -> EpochOf {
    let row = epoch.row;
    EpochOf {
        class: row.class,
        epoch: row.epoch,
        segments: row.segments,
        deliveries: row.deliveries,
        bytes_received: row.bytes_received,
        bytes_stored: row.bytes_stored,
        due_at: epoch.due_at.map(|at| at.to_string()),
        is_due: epoch.is_due,
        disposition_id: epoch.open.map(|id| id.0),
    }
}

fn shown(row: DispositionRow, stopped: Option<String>) -> Result<Disposition, ApiError> {
    let damaged = |error: serde_json::Error| ApiError::internal(&error);
    let figures: Figures = serde_json::from_str(&row.figures).map_err(damaged)?;
    let result: Option<Outcomes> =
        row.result.as_deref().map(serde_json::from_str).transpose().map_err(damaged)?;
    Ok(Disposition {
        id: row.disposition_id.0,
        class: row.class,
        epoch: row.epoch,
        due_at: row.due_at.to_string(),
        state: match row.state {
            Standing::Proposed => DispositionState::Proposed,
            Standing::Refused => DispositionState::Refused,
            Standing::Approved => DispositionState::Approved,
            Standing::Destroying => DispositionState::Destroying,
            Standing::Done => DispositionState::Done,
        },
        proposed_at: row.proposed_at.to_string(),
        proposed_by: row.proposer,
        decided_at: row.decided_at.map(|at| at.to_string()),
        decided_by: row.decider,
        reason: row.reason,
        deliveries: figures.deliveries,
        segments: figures.segments,
        bytes_received: figures.bytes_received,
        bytes_stored: figures.bytes_stored,
        held: figures.held,
        sample: figures.sample.into_iter().map(sampled).collect(),
        stopped: match row.state {
            Standing::Approved | Standing::Destroying => stopped,
            Standing::Proposed | Standing::Refused | Standing::Done => None,
        },
        ended_at: row.ended_at.map(|at| at.to_string()),
        destroyed: result.as_ref().map(|result| result.destroyed),
        kept: result.filter(|_| row.state == Standing::Done).map(|result| result.kept.len() as u64),
    })
}

fn sampled(record: Sampled) -> SampledRecord {
    SampledRecord {
        record: record.record.to_string(),
        received_at: record.received_at.to_string(),
        source: record.source,
        size_bytes: record.size_bytes,
    }
}

/// One with why it stopped.
async fn told(
    actor: &Actor,
    context: &Context,
    row: DispositionRow,
) -> Result<Json<Disposition>, ApiError> {
    let stopped = retention::stops(actor, &context.retention).await?.remove(&row.disposition_id);
    Ok(Json(shown(row, stopped)?))
}

/// Every epoch with mail in it, and since when it may be destroyed.
#[utoipa::path(get, path = "/epochs", tag = "dispositions",
    responses((status = 200, body = Epochs)))]
pub async fn epochs(
    State(context): State<Context>,
    Signed(actor): Signed,
) -> Result<Json<Epochs>, ApiError> {
    let found = retention::epochs(&actor, &context.retention).await?;
    Ok(Json(Epochs { epochs: found.into_iter().map(epoch).collect() }))
}

/// All dispositions, newest first.
#[utoipa::path(get, path = "/dispositions", tag = "dispositions",
    responses((status = 200, body = Dispositions)))]
pub async fn list(
    State(context): State<Context>,
    Signed(actor): Signed,
) -> Result<Json<Dispositions>, ApiError> {
    let found = retention::list(&actor, &context.retention).await?;
    let mut stops = retention::stops(&actor, &context.retention).await?;
    let shown = |row: DispositionRow| {
        let stopped = stops.remove(&row.disposition_id);
        shown(row, stopped)
    };
    let dispositions = found.into_iter().map(shown).collect::<Result<_, _>>()?;
    Ok(Json(Dispositions { dispositions }))
}

/// Propose to destroy an epoch whose date has passed.
#[utoipa::path(post, path = "/dispositions", tag = "dispositions",
    request_body = DispositionRequest, responses((status = 200, body = Disposition)))]
pub async fn propose(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<DispositionRequest>,
) -> Result<Json<Disposition>, ApiError> {
    let row = retention::propose(&actor, &context.retention, &body.class, &body.epoch).await?;
    context.recorder.told().await?;
    told(&actor, &context, row).await
}

/// One disposition.
#[utoipa::path(get, path = "/dispositions/{id}", tag = "dispositions", params(("id" = i64, Path)),
    responses((status = 200, body = Disposition)))]
pub async fn show(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<Disposition>, ApiError> {
    let row = retention::get(&actor, &context.retention, DispositionId(id)).await?;
    told(&actor, &context, row).await
}

/// Approve a proposal: somebody else than who made it does, and destruction begins.
#[utoipa::path(post, path = "/dispositions/{id}/approve", tag = "dispositions",
    params(("id" = i64, Path)), request_body = DecisionRequest,
    responses((status = 200, body = Disposition)))]
pub async fn approve(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Body(body): Body<DecisionRequest>,
) -> Result<Json<Disposition>, ApiError> {
    let id = DispositionId(id);
    let row = retention::approve(&actor, &context.retention, id, &body.reason).await?;
    context.recorder.told().await?;
    told(&actor, &context, row).await
}

/// Refuse a proposal.
#[utoipa::path(post, path = "/dispositions/{id}/refuse", tag = "dispositions",
    params(("id" = i64, Path)), request_body = DecisionRequest,
    responses((status = 200, body = Disposition)))]
pub async fn refuse(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Body(body): Body<DecisionRequest>,
) -> Result<Json<Disposition>, ApiError> {
    let id = DispositionId(id);
    let row = retention::refuse(&actor, &context.retention, id, &body.reason).await?;
    context.recorder.told().await?;
    told(&actor, &context, row).await
}

/// Go on with an approved disposition that stopped before its end.
#[utoipa::path(post, path = "/dispositions/{id}/resume", tag = "dispositions",
    params(("id" = i64, Path)), responses((status = 200, body = Disposition)))]
pub async fn resume(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<Disposition>, ApiError> {
    let row = retention::resume(&actor, &context.retention, DispositionId(id)).await?;
    told(&actor, &context, row).await
}

/// The certificate of a disposition that is done, as one page of HTML.
#[utoipa::path(get, path = "/dispositions/{id}/certificate", tag = "dispositions",
    params(("id" = i64, Path)), responses((status = 200, content_type = "text/html", body = String)))]
pub async fn certificate(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<impl IntoResponse, ApiError> {
    let id = DispositionId(id);
    let (row, told) = retention::done(&actor, &context.retention, id).await?;
    let logged = logged(&context, told).await?;
    let archive = context.review.vault.archive().to_string();
    let key = context.review.log.verifier().to_string();
    let page = certificate::html(&archive, &key, &row, logged.as_ref())?;
    Ok((PAGE, page))
}

/// Where the published log has a statement.
pub(super) async fn logged(
    context: &Context,
    told: Option<LeafRow>,
) -> Result<Option<certificate::Logged>, ApiError> {
    let log = &context.review.log;
    let proof = match &told {
        Some(leaf) => log.prove(leaf.position).await.map_err(|error| ApiError::internal(&error))?,
        None => None,
    };
    Ok(told.zip(proof).map(|(leaf, proof)| certificate::Logged {
        position: leaf.position,
        leaf: hex::encode(leaf.body),
        path: proof.path.iter().map(ToString::to_string).collect(),
        checkpoint: proof.checkpoint.note,
    }))
}

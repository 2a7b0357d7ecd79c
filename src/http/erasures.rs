//! `/erasures`: one message erased before its date, in a class that allows it, by two
//! people.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::dispositions::DecisionRequest;
use super::error::ApiError;
use super::guard::Signed;
use super::headers::PAGE;
use super::input::{At, Body};
use crate::access::Actor;
use crate::base::ids::ErasureId;
use crate::catalog::erasure::{ErasureRow, State as Standing};
use crate::retention::certificate;
use crate::retention::erasure::{self, Figures, Gone, Target};

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ErasureState {
    Proposed,
    Refused,
    Approved,
    /// Nobody can find or open its records any more; their keys are going.
    Erasing,
    Done,
}

#[derive(Serialize, ToSchema)]
pub struct Erasure {
    id: i64,
    state: ErasureState,
    /// Why it is asked for.
    ground: String,
    proposed_at: String,
    proposed_by: String,
    /// Who approved or refused it.
    decided_at: Option<String>,
    decided_by: Option<String>,
    reason: Option<String>,
    /// What the proposal showed: the deliveries of the message, and nothing of what it
    /// says.
    records: u64,
    bytes: u64,
    first_received_at: String,
    last_received_at: String,
    classes: Vec<String>,
    /// Why it stopped before its end; it can be gone on with.
    stopped: Option<String>,
    ended_at: Option<String>,
    /// The records that were erased.
    erased: Option<Vec<String>>,
}

#[derive(Serialize, ToSchema)]
pub struct Erasures {
    erasures: Vec<Erasure>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureRequest {
    /// A record that carries the message, as a receipt names one.
    record: Option<String>,
    /// Or the SHA-256 of the message, as an export's manifest has it.
    message: Option<String>,
    /// On which ground: the request, and the law that it goes by.
    ground: String,
}

fn target(body: &ErasureRequest) -> Result<Target, ApiError> {
    let wrong = |what: &str| ApiError::invalid(format!("{what} is not hex of its length"));
    match (&body.record, &body.message) {
        (Some(record), None) => {
            Ok(Target::Record(record.parse().map_err(|_| wrong("the record"))?))
        }
        (None, Some(message)) => {
            Ok(Target::Message(message.parse().map_err(|_| wrong("the message"))?))
        }
        _ => Err(ApiError::invalid("name either a record or a message")),
    }
}

fn shown(row: ErasureRow, stopped: Option<String>) -> Result<Erasure, ApiError> {
    let damaged = |error: serde_json::Error| ApiError::internal(&error);
    let figures: Figures = serde_json::from_str(&row.figures).map_err(damaged)?;
    let gone: Option<Gone> =
        row.result.as_deref().map(serde_json::from_str).transpose().map_err(damaged)?;
    Ok(Erasure {
        id: row.erasure_id.0,
        state: match row.state {
            Standing::Proposed => ErasureState::Proposed,
            Standing::Refused => ErasureState::Refused,
            Standing::Approved => ErasureState::Approved,
            Standing::Erasing => ErasureState::Erasing,
            Standing::Done => ErasureState::Done,
        },
        ground: row.ground,
        proposed_at: row.proposed_at.to_string(),
        proposed_by: row.proposer,
        decided_at: row.decided_at.map(|at| at.to_string()),
        decided_by: row.decider,
        reason: row.reason,
        records: figures.records,
        bytes: figures.bytes,
        first_received_at: figures.first_received_at.to_string(),
        last_received_at: figures.last_received_at.to_string(),
        classes: figures.classes,
        stopped: match row.state {
            Standing::Approved | Standing::Erasing | Standing::Done => stopped,
            Standing::Proposed | Standing::Refused => None,
        },
        ended_at: row.ended_at.map(|at| at.to_string()),
        erased: gone.map(|gone| gone.records.iter().map(ToString::to_string).collect()),
    })
}

/// One with why it stopped.
async fn told(
    actor: &Actor,
    context: &Context,
    row: ErasureRow,
) -> Result<Json<Erasure>, ApiError> {
    let stopped = erasure::stops(actor, &context.retention).await?.remove(&row.erasure_id);
    Ok(Json(shown(row, stopped)?))
}

/// All erasures, newest first.
#[utoipa::path(get, path = "/erasures", tag = "erasures",
    responses((status = 200, body = Erasures)))]
pub async fn list(
    State(context): State<Context>,
    Signed(actor): Signed,
) -> Result<Json<Erasures>, ApiError> {
    let found = erasure::list(&actor, &context.retention).await?;
    let mut stops = erasure::stops(&actor, &context.retention).await?;
    let shown = |row: ErasureRow| {
        let stopped = stops.remove(&row.erasure_id);
        shown(row, stopped)
    };
    let erasures = found.into_iter().map(shown).collect::<Result<_, _>>()?;
    Ok(Json(Erasures { erasures }))
}

/// Propose to erase a message, in all its deliveries.
#[utoipa::path(post, path = "/erasures", tag = "erasures",
    request_body = ErasureRequest, responses((status = 200, body = Erasure)))]
pub async fn propose(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<ErasureRequest>,
) -> Result<Json<Erasure>, ApiError> {
    let row = erasure::propose(&actor, &context.retention, target(&body)?, &body.ground).await?;
    context.recorder.told().await?;
    told(&actor, &context, row).await
}

/// One erasure.
#[utoipa::path(get, path = "/erasures/{id}", tag = "erasures", params(("id" = i64, Path)),
    responses((status = 200, body = Erasure)))]
pub async fn show(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<Erasure>, ApiError> {
    let row = erasure::get(&actor, &context.retention, ErasureId(id)).await?;
    told(&actor, &context, row).await
}

/// Approve a proposal: somebody else than who made it does, and it is erased.
#[utoipa::path(post, path = "/erasures/{id}/approve", tag = "erasures",
    params(("id" = i64, Path)), request_body = DecisionRequest,
    responses((status = 200, body = Erasure)))]
pub async fn approve(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Body(body): Body<DecisionRequest>,
) -> Result<Json<Erasure>, ApiError> {
    let id = ErasureId(id);
    let row = erasure::approve(&actor, &context.retention, id, body.reason()).await?;
    context.recorder.told().await?;
    told(&actor, &context, row).await
}

/// Refuse a proposal, or what was approved and has not begun.
#[utoipa::path(post, path = "/erasures/{id}/refuse", tag = "erasures",
    params(("id" = i64, Path)), request_body = DecisionRequest,
    responses((status = 200, body = Erasure)))]
pub async fn refuse(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Body(body): Body<DecisionRequest>,
) -> Result<Json<Erasure>, ApiError> {
    let id = ErasureId(id);
    let row = erasure::refuse(&actor, &context.retention, id, body.reason()).await?;
    context.recorder.told().await?;
    told(&actor, &context, row).await
}

/// Go on with an erasure that stopped before its end.
#[utoipa::path(post, path = "/erasures/{id}/resume", tag = "erasures",
    params(("id" = i64, Path)), responses((status = 200, body = Erasure)))]
pub async fn resume(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<Json<Erasure>, ApiError> {
    let row = erasure::resume(&actor, &context.retention, ErasureId(id)).await?;
    told(&actor, &context, row).await
}

/// The certificate of an erasure that is done, as one page of HTML.
#[utoipa::path(get, path = "/erasures/{id}/certificate", tag = "erasures",
    params(("id" = i64, Path)), responses((status = 200, content_type = "text/html", body = String)))]
pub async fn certificate(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
) -> Result<impl IntoResponse, ApiError> {
    let id = ErasureId(id);
    let (row, told) = erasure::done(&actor, &context.retention, id).await?;
    let logged = super::dispositions::logged(&context, told).await?;
    let archive = context.review.vault.archive().to_string();
    let key = context.review.log.verifier().to_string();
    let page = certificate::of_erasure(&archive, &key, &row, logged.as_ref())?;
    Ok((PAGE, page))
}

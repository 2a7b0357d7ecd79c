//! `/messages/{id}/thread`: the messages that it answers and that answer it.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::hit::Hit;
use super::input::{At, Params};
use crate::base::ids::{MatterId, SetId};
use crate::search::thread;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ThreadParams {
    /// The reader's matter; without it the archive-wide right is needed.
    matter: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct Thread {
    /// Each below the one that it answers, as far as the reader sees.
    messages: Vec<ThreadMessage>,
    /// There are more than are shown.
    is_cut: bool,
}

#[derive(Serialize, ToSchema)]
pub struct ThreadMessage {
    hit: Hit,
    /// How many stand above it, up to one that answers none of them.
    depth: u32,
    /// Why it is here; null for the message that was asked for.
    evidence: Option<Evidence>,
}

/// What says that a message is of the thread, the strongest that does.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// It or others of the thread name each other's message ids (References,
    /// In-Reply-To).
    MessageIds,
    /// The sender's program counts it to the same conversation (Thread-Index).
    ThreadIndex,
    /// Weak: an answer that names no message id has the subject of another that came
    /// less than 30 days before and shares people with it.
    Subject,
}

impl From<thread::Evidence> for Evidence {
    fn from(evidence: thread::Evidence) -> Self {
        match evidence {
            thread::Evidence::Ids => Self::MessageIds,
            thread::Evidence::Conversation => Self::ThreadIndex,
            thread::Evidence::Subject => Self::Subject,
        }
    }
}

/// The thread of a message, by what headers say, and for answers that say nothing of it
/// by their subject.
#[utoipa::path(get, path = "/messages/{id}/thread", tag = "messages",
    operation_id = "thread", params(("id" = i64, Path), ThreadParams),
    responses((status = 200, body = Thread)))]
pub async fn show(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Params(params): Params<ThreadParams>,
) -> Result<Json<Thread>, ApiError> {
    let matter = params.matter.map(MatterId);
    let found = thread::thread(&actor, &context.search, matter, SetId(id))
        .await
        .map_err(|error| ApiError::of_search(error, ""))?;
    let message = |it: thread::Placed| ThreadMessage {
        hit: Hit::from(it.row),
        depth: it.depth,
        evidence: it.evidence.map(Evidence::from),
    };
    Ok(Json(Thread {
        messages: found.rows.into_iter().map(message).collect(),
        is_cut: found.is_cut,
    }))
}

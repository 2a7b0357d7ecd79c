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
}

/// The thread of a message, by the message ids that headers name.
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
    let message = |(row, depth)| ThreadMessage { hit: Hit::from(row), depth };
    Ok(Json(Thread {
        messages: found.rows.into_iter().map(message).collect(),
        is_cut: found.is_cut,
    }))
}

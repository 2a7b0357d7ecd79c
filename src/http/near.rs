//! `/messages/{id}/near`: messages whose text is nearly the same.

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
use crate::search::near;

const PERCENT: u8 = 80;
/// Below it too many would be no candidates.
const PERCENT_MIN: u8 = 70;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct NearParams {
    /// The reader's matter; without it the archive-wide right is needed.
    matter: Option<i64>,
    /// How much of the text of both must be in both (80). What is compared is found by
    /// a sketch of the texts, which misses one of 20 million at 80 and one of 6500 at 70.
    #[param(minimum = 70, maximum = 100)]
    percent: Option<u8>,
}

#[derive(Serialize, ToSchema)]
pub struct NearMessages {
    /// The nearest first; the message itself is not among them.
    messages: Vec<NearMessage>,
    /// More may be near than were compared: those that are most alike by their sketch
    /// were, 1000 of them.
    is_cut: bool,
    /// Why nothing was compared with it: there is no text, or there is more than 1 MiB of
    /// it. Messages with more are not among those that are compared either.
    not_compared: Option<NotCompared>,
}

#[derive(Serialize, ToSchema)]
pub struct NearMessage {
    hit: Hit,
    /// How much of the text of both is in both, by stretches of five words: exactly that,
    /// rounded down to a tenth.
    percent: f64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NotCompared {
    NoText,
    TooLong,
}

/// Messages whose text is nearly that of this one, without what is attached.
#[utoipa::path(get, path = "/messages/{id}/near", tag = "messages",
    operation_id = "near", params(("id" = i64, Path), NearParams),
    responses((status = 200, body = NearMessages)))]
pub async fn show(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Params(params): Params<NearParams>,
) -> Result<Json<NearMessages>, ApiError> {
    let percent = params.percent.unwrap_or(PERCENT);
    if !(PERCENT_MIN..=100).contains(&percent) {
        return Err(ApiError::invalid("percent: give 70 to 100"));
    }
    let matter = params.matter.map(MatterId);
    let found = near::near(&actor, &context.search, matter, SetId(id), percent)
        .await
        .map_err(|error| ApiError::of_search(error, ""))?;
    let message = |(row, share): (_, near::Share)| NearMessage {
        hit: Hit::from(row),
        percent: share.permille() as f64 / 10.0,
    };
    let why = |why| match why {
        near::NotCompared::NoText => NotCompared::NoText,
        near::NotCompared::TooLong => NotCompared::TooLong,
    };
    Ok(Json(NearMessages {
        messages: found.rows.into_iter().map(message).collect(),
        is_cut: found.is_cut,
        not_compared: found.why_not.map(why),
    }))
}

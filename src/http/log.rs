//! `/log`: checkpoints of the log and their time stamps, to be kept outside. Nothing of
//! any mail is in them, so that everyone who is signed in may have them.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Context;
use super::error::ApiError;
use super::file;
use super::guard::Signed;
use super::input::Params;
use crate::ingest::stamps;
use crate::post::timestamp::REPLY;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Of how many leaves; without it, the newest.
    size: Option<u64>,
}

/// A checkpoint: the signed note, byte for byte as it is in the bucket.
#[utoipa::path(get, path = "/log/checkpoint", tag = "log", params(Which),
    responses((status = 200, content_type = "text/plain", body = Vec<u8>)))]
pub async fn checkpoint(
    State(context): State<Context>,
    Signed(_actor): Signed,
    Params(which): Params<Which>,
) -> Result<Response, ApiError> {
    let log = &context.review.log;
    let newest = log.published().ok_or_else(|| ApiError::not_found("checkpoint yet"))?;
    let size = which.size.unwrap_or(newest.size);
    let note = match size == newest.size {
        true => Bytes::from(newest.note),
        false => log.note_of(size).await?.ok_or_else(|| ApiError::not_found("checkpoint"))?,
    };
    Ok(file::small(note, &format!("checkpoint-{size}.txt"), "text/plain"))
}

/// A time stamp (RFC 3161) of the checkpoint of the size that its name says.
#[utoipa::path(get, path = "/log/stamp", tag = "log", params(Which),
    responses((status = 200, content_type = "application/timestamp-reply", body = Vec<u8>)))]
pub async fn stamp(
    State(context): State<Context>,
    Signed(_actor): Signed,
    Params(which): Params<Which>,
) -> Result<Response, ApiError> {
    let bucket = context.review.vault.bucket();
    let found = match which.size {
        Some(size) => stamps::of_size(bucket, size).await?,
        None => stamps::newest(bucket).await?,
    };
    let found = found.ok_or_else(|| ApiError::not_found("time stamp"))?;
    Ok(file::small(found.stamp, &format!("stamp-{}.tsr", found.size), REPLY))
}

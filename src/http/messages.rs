//! `/messages/{id}`: one message set as its reader sees it.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::hit::Hit;
use super::input::{At, Params};

#[derive(Serialize, ToSchema)]
pub struct Message {
    hit: Hit,
    headers: Vec<HeaderField>,
    text: String,
    has_html: bool,
    attachments: Vec<Attachment>,
    participants: Vec<Participant>,
    deliveries: Vec<Delivery>,
    /// In force, in matters that the reader sees.
    holds: Vec<HeldBy>,
    gaps: Vec<Gap>,
    /// Messages of the set: equal in content, not byte for byte.
    versions: Vec<Version>,
}

#[derive(Serialize, ToSchema)]
pub struct HeaderField {
    name: String,
    value: String,
}

#[derive(Serialize, ToSchema)]
pub struct Attachment {
    ordinal: u32,
    name: String,
    media_type: String,
    size: u64,
    sha256: String,
    has_text: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Participant {
    address: String,
    name: String,
    /// from sender to cc bcc recipient on-behalf-of expanded forwarded
    role: String,
    source: ParticipantSource,
    /// The delivery whose envelope says so.
    delivery: Option<i64>,
    /// The list that was expanded, or the address that was forwarded.
    via: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ParticipantSource {
    Header,
    Envelope,
}

#[derive(Serialize, ToSchema)]
pub struct Delivery {
    seq: i64,
    record_id: String,
    received_at: String,
    source: String,
    form: String,
    peer: String,
    tls: Option<String>,
    reverse_path: String,
    recipients: Vec<String>,
    is_proven: bool,
    /// In plain words.
    defects: Vec<String>,
    /// Retention class.
    class: String,
    sha256: String,
    size: u64,
}

#[derive(Serialize, ToSchema)]
pub struct HeldBy {
    id: i64,
    name: String,
    matter_id: i64,
}

#[derive(Serialize, ToSchema)]
pub struct Gap {
    reason: String,
    detail: String,
    /// The attachment; none for the message itself.
    ordinal: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct Version {
    sha256: String,
    size: u64,
}

#[derive(Serialize, ToSchema)]
pub struct Proof {
    record_id: String,
    message_sha256: String,
    delivery_sha256: String,
    leaf_hash: String,
    leaf_position: u64,
    log_size: u64,
    root: String,
    /// The signed checkpoint, as it was published.
    checkpoint: String,
    /// The log's public key, to be compared with the one kept outside.
    key: String,
    checks: Vec<Check>,
    summary: String,
    /// No checkpoint covers it yet.
    pending: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Check {
    name: String,
    ok: bool,
    text: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MessageParams {
    /// The reader's matter; without it the archive-wide right is needed.
    matter: Option<i64>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HtmlParams {
    matter: Option<i64>,
    theme: Option<Theme>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    Light,
    Dark,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ProofParams {
    matter: Option<i64>,
    /// The delivery; the first one if not said.
    delivery: Option<i64>,
}

fn unwired<T>() -> Result<T, ApiError> {
    Err(ApiError::unavailable("messages are not served yet"))
}

/// A message, with where everything known of it comes from.
#[utoipa::path(get, path = "/messages/{id}", tag = "messages",
    params(("id" = i64, Path), MessageParams), responses((status = 200, body = Message)))]
pub async fn show(
    State(_context): State<Context>,
    Signed(_actor): Signed,
    At(_id): At<i64>,
    Params(_params): Params<MessageParams>,
) -> Result<Json<Message>, ApiError> {
    unwired()
}

/// The message's HTML, made harmless; `x-blocked-remote` counts what it would
/// have loaded from elsewhere.
#[utoipa::path(get, path = "/messages/{id}/html", tag = "messages",
    params(("id" = i64, Path), HtmlParams),
    responses((status = 200, content_type = "text/html", body = String)))]
pub async fn html(
    State(_context): State<Context>,
    Signed(_actor): Signed,
    At(_id): At<i64>,
    Params(_params): Params<HtmlParams>,
) -> Result<Response, ApiError> {
    unwired()
}

/// The message's exact bytes, to be read.
#[utoipa::path(get, path = "/messages/{id}/source", tag = "messages",
    params(("id" = i64, Path), MessageParams),
    responses((status = 200, content_type = "text/plain", body = String)))]
pub async fn source(
    State(_context): State<Context>,
    Signed(_actor): Signed,
    At(_id): At<i64>,
    Params(_params): Params<MessageParams>,
) -> Result<Response, ApiError> {
    unwired()
}

/// The message's exact bytes, as a file.
#[utoipa::path(get, path = "/messages/{id}/download", tag = "messages",
    params(("id" = i64, Path), MessageParams),
    responses((status = 200, content_type = "message/rfc822", body = Vec<u8>)))]
pub async fn download(
    State(_context): State<Context>,
    Signed(_actor): Signed,
    At(_id): At<i64>,
    Params(_params): Params<MessageParams>,
) -> Result<Response, ApiError> {
    unwired()
}

/// One attachment's exact bytes, as a file.
#[utoipa::path(get, path = "/messages/{id}/attachments/{ordinal}", tag = "messages",
    params(("id" = i64, Path), ("ordinal" = u32, Path), MessageParams),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
pub async fn attachment(
    State(_context): State<Context>,
    Signed(_actor): Signed,
    At((_id, _ordinal)): At<(i64, u32)>,
    Params(_params): Params<MessageParams>,
) -> Result<Response, ApiError> {
    unwired()
}

/// What the log proves of the message, checked now.
#[utoipa::path(get, path = "/messages/{id}/proof", tag = "messages",
    params(("id" = i64, Path), ProofParams), responses((status = 200, body = Proof)))]
pub async fn proof(
    State(_context): State<Context>,
    Signed(_actor): Signed,
    At(_id): At<i64>,
    Params(_params): Params<ProofParams>,
) -> Result<Json<Proof>, ApiError> {
    unwired()
}

//! `/status`: how the archive is. Nothing of any mail is in it.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;
use super::error::ApiError;
use super::guard::Signed;

#[derive(Serialize, ToSchema)]
pub struct Status {
    archive_id: String,
    version: String,
    worm: WormStatus,
    sources: Vec<SourceStatus>,
    deliveries: u64,
    /// Message sets.
    messages: u64,
    bytes_received: u64,
    bytes_stored: u64,
    index: IndexStatus,
    log: LogStatus,
    gaps: u64,
    jobs: JobsStatus,
}

/// Whether the bucket itself refuses to change what was written.
#[derive(Serialize, ToSchema)]
pub struct WormStatus {
    enforced: bool,
    text: String,
}

#[derive(Serialize, ToSchema)]
pub struct SourceStatus {
    name: String,
    address: String,
    last_seen: Option<String>,
    deliveries: u64,
}

#[derive(Serialize, ToSchema)]
pub struct IndexStatus {
    /// Deliveries that are not searchable yet.
    behind: u64,
    oldest_waiting: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct LogStatus {
    size: u64,
    /// Leaves that the last checkpoint covers.
    published: u64,
    /// The last checkpoint; empty before the first.
    checkpoint: String,
    key: String,
}

#[derive(Serialize, ToSchema)]
pub struct JobsStatus {
    running: u64,
    queued: u64,
}

/// How the archive is.
#[utoipa::path(get, path = "/status", tag = "status", responses((status = 200, body = Status)))]
pub async fn show(
    State(_context): State<Context>,
    Signed(_actor): Signed,
) -> Result<Json<Status>, ApiError> {
    Err(ApiError::unavailable("the status is not served yet"))
}

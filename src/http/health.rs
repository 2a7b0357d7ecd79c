//! `/healthz`, `/readyz` and `/metrics`: for load balancers and monitoring,
//! outside of the API and without a session. Nothing of any mail is in them.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::error::ApiError;
use super::{Context, observe};
use crate::base::writable;
use crate::catalog::leaf;

const PATIENCE: Duration = Duration::from_secs(5);

pub fn router() -> Router<Context> {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// Ready means that a delivery could be kept now.
async fn ready(State(context): State<Context>) -> Response {
    let problem = match tokio::time::timeout(PATIENCE, problem(&context)).await {
        Ok(problem) => problem,
        Err(_) => Some("the catalog or the bucket is too slow".to_owned()),
    };
    match problem {
        None => (StatusCode::OK, "ready\n").into_response(),
        Some(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response()
        }
    }
}

async fn problem(context: &Context) -> Option<String> {
    if context.ingest.is_stalled() {
        return Some("the catalog does not commit deliveries".to_owned());
    }
    // Takes the write lock, and gives it back.
    if let Err(error) = context.catalog.write().await {
        return Some(format!("the catalog cannot be written: {error}"));
    }
    if let Err(error) = context.review.vault.bucket().probe().await {
        return Some(format!("the bucket cannot be written: {error}"));
    }
    // Large deliveries pass through it.
    let spool = context.config.archive.spool.clone();
    let tried = tokio::task::spawn_blocking(move || writable::try_directory(&spool)).await;
    if let Err(error) = tried.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
        return Some(format!("the spool cannot be written: {}", error.kind()));
    }
    let published = context.review.log.size();
    match leaf::count(&context.catalog).await {
        Ok(count) if count < published => Some(format!(
            "the catalog has {count} entries of the log and {published} are published"
        )),
        Ok(_) => None,
        Err(error) => Some(format!("the catalog cannot be read: {error}")),
    }
}

async fn metrics(State(context): State<Context>) -> Response {
    if let Err(error) = observe::refresh(&context).await {
        return ApiError::from(error).into_response();
    }
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], context.metrics.render()).into_response()
}

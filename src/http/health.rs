//! `/healthz`, `/readyz` and `/metrics`: for load balancers and monitoring,
//! outside of the API and without a session. Nothing of any mail is in them.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::Context;
use crate::catalog::CatalogError;

const PATIENCE: Duration = Duration::from_secs(5);

pub fn router() -> Router<Context> {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// Ready means that a delivery could be kept now.
async fn ready(State(context): State<Context>) -> Response {
    let catalog = match tokio::time::timeout(PATIENCE, can_write(&context)).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("the catalog cannot be written: {error}")),
        Err(_) => Some("the catalog is busy".to_owned()),
    };
    match catalog {
        None => (StatusCode::OK, "ready\n").into_response(),
        Some(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response()
        }
    }
}

/// Takes the write lock, and gives it back.
async fn can_write(context: &Context) -> Result<(), CatalogError> {
    drop(context.catalog.write().await?);
    Ok(())
}

async fn metrics(State(context): State<Context>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], context.metrics.render()).into_response()
}

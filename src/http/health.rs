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
use crate::base::clock::Timestamp;
use crate::base::config::POLICY;
use crate::base::limits;
use crate::base::number::counted;
use crate::base::writable;
use crate::catalog::{damage, leaf, statement};
use crate::ingest::clocks::Clocks;
use crate::ingest::follow::Lag;
use crate::policy::UNEXPLAINED;

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
        None => (StatusCode::OK, remarks(&context).await).into_response(),
        Some(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response()
        }
    }
}

/// Mail is taken all the same, and somebody is to look.
async fn remarks(context: &Context) -> String {
    let mut said = "ready\n".to_owned();
    if let Some(words) = clocks(context).await {
        said.push_str(&format!("clocks: {words}\n"));
    }
    if let Some(why) = unsealed(context, POLICY).await {
        said.push_str(&format!("keys: what is decided cannot be sealed: {why}\n"));
    }
    // Of a catalog that cannot be read another line tells.
    let damaged = damage::count(&context.catalog).await.unwrap_or_default();
    if damaged > 0 {
        let records = counted(damaged, "record");
        said.push_str(&format!("damage: {records} could not be read; see the status\n"));
    }
    let changed = statement::count_of(&context.catalog, UNEXPLAINED).await.unwrap_or_default();
    if changed > 0 {
        said.push_str(
            "state: rows were changed by nobody's act; the audit and a check name them\n",
        );
    }
    let lag = context.progress.lag().await.unwrap_or_default();
    said.extend(behind(&lag, context.clock.now()));
    if let Some(why) = context.review.log.stopped() {
        said.push_str(&format!("log: {why}\n"));
    }
    said
}

/// That mail has waited for long to be searchable, if it has.
fn behind(lag: &Lag, now: Timestamp) -> Option<String> {
    let waits = now.seconds() - lag.oldest_waiting?.seconds();
    (waits > limits::LAG_SECONDS_MAX).then(|| {
        let deliveries = counted(lag.behind, "delivery");
        format!("index: {deliveries} not searchable yet, the oldest for {} minutes\n", waits / 60)
    })
}

async fn clocks(context: &Context) -> Option<String> {
    let bucket = context.review.vault.bucket();
    let clocks = Clocks::look(bucket, &context.catalog, &context.clock).await;
    clocks.ok()?.disagreement()
}

/// Why nothing can be sealed for this month, if that is so.
async fn unsealed(context: &Context, class: &str) -> Option<String> {
    let vault = &context.review.vault;
    let month = vault.bucket().by_its_clock(context.clock.now()).month();
    vault.check_sealing(class, &month).await.err().map(|error| error.to_string())
}

async fn problem(context: &Context) -> Option<String> {
    if context.ingest.is_stalled() {
        return Some("the catalog does not commit deliveries".to_owned());
    }
    if let Some(why) = context.ingest.closed() {
        return Some(why);
    }
    // Takes the write lock, and gives it back.
    if let Err(error) = context.catalog.write().await {
        return Some(format!("the catalog cannot be written: {error}"));
    }
    let bucket = context.review.vault.bucket();
    if let Err(error) = bucket.probe().await {
        // What is wrong with a service, and the mend, is better known by asking it.
        let error = bucket.check_reach().await.err().unwrap_or(error);
        return Some(format!("the bucket cannot be written: {error}"));
    }
    for class in &context.config.class {
        if let Some(why) = unsealed(context, &class.name).await {
            return Some(format!("mail of class {} cannot be sealed: {why}", class.name));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_waits_are_told() {
        let now = Timestamp::from_seconds(1_000_000);
        let lag = |seconds: i64| Lag {
            behind: 2,
            oldest_waiting: Some(now.plus_seconds(-seconds)),
            ..Lag::default()
        };
        assert_eq!(behind(&Lag::default(), now), None);
        assert_eq!(behind(&lag(120), now), None);
        let told = "index: 2 deliveries not searchable yet, the oldest for 10 minutes\n";
        assert_eq!(behind(&lag(600), now).as_deref(), Some(told));
    }
}

//! What monitoring is told of requests: counts and times by route, never paths
//! or queries, which name mail.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use metrics::{counter, gauge, histogram};

use super::Context;
use crate::catalog::{CatalogError, delivery, status};
use crate::ingest::clocks::Clocks;
use crate::retention::locks;

pub async fn requests(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = method_name(&request);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.map_or_else(|| "page".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    let seconds = begun.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    tracing::debug!(method, route, status, seconds, "{method} {route}: {status} in {seconds} s");
    counter!(
        "muniment_http_requests_total",
        "method" => method, "route" => route.clone(), "status" => status.to_string()
    )
    .increment(1);
    histogram!("muniment_http_request_seconds", "method" => method, "route" => route)
        .record(seconds);
    response
}

/// As a label: a client may send any word as its method.
fn method_name(request: &Request) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

/// Sets what is counted when it is asked for.
pub async fn refresh(context: &Context) -> Result<(), CatalogError> {
    let totals = delivery::totals(&context.catalog).await?;
    let counts = status::counts(&context.catalog).await?;
    let lag = context.progress.lag().await?;
    for (name, value) in [
        ("muniment_deliveries", totals.deliveries),
        ("muniment_bytes_received", totals.bytes_received),
        ("muniment_bytes_stored", totals.bytes_stored),
        ("muniment_message_sets", counts.families),
        ("muniment_gaps", counts.gaps),
        ("muniment_damaged_records", counts.damaged),
        ("muniment_index_behind", lag.behind),
        ("muniment_index_pending", lag.pending),
        ("muniment_log_entries", counts.leaves),
        ("muniment_log_published", context.review.log.size()),
        ("muniment_jobs_running", counts.jobs_running),
        ("muniment_jobs_queued", counts.jobs_queued),
    ] {
        gauge!(name).set(value as f64);
    }
    let bucket = context.review.vault.bucket();
    let clocks = Clocks::look(bucket, &context.catalog, &context.clock).await?;
    let rolling = locks::standing(&context.catalog).await?;
    gauge!("muniment_locks_to_lengthen").set(rolling.total.saturating_sub(rolling.done) as f64);
    if let Some(ahead) = clocks.bucket_ahead_seconds {
        gauge!("muniment_clock_bucket_ahead_seconds").set(ahead as f64);
    }
    gauge!("muniment_clock_log_ahead_seconds").set(clocks.log_ahead_seconds as f64);
    let disagree = if clocks.disagreement().is_some() { 1.0 } else { 0.0 };
    gauge!("muniment_clocks_disagree").set(disagree);
    Ok(())
}

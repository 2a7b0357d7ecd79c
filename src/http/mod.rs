//! The API and the web app over HTTP: one file per resource. Handlers turn
//! requests into verbs and answers into JSON; rights are at the verbs, and
//! `error` alone picks a status.

mod assets;
mod audit;
mod classes;
mod csv;
mod custodians;
mod dispositions;
mod erasures;
pub mod error;
mod exports;
mod facets;
mod file;
mod gaps;
mod guard;
mod headers;
mod health;
mod hit;
mod holds;
mod input;
mod log;
mod matters;
mod message;
mod messages;
mod misread;
mod near;
mod observe;
pub mod openapi;
mod passwords;
mod people;
mod report;
mod retries;
mod search;
mod session;
mod status;
mod thread;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

use crate::access::Access;
use crate::base::clock::Clock;
use crate::base::config::Config;
use crate::base::limits;
use crate::catalog::Catalog;
use crate::export::Exporter;
use crate::ingest::Ingest;
use crate::ingest::follow::Progress;
use crate::policy::Recorder;
use crate::retention::Retention;
use crate::review::Desk;
use crate::search::Search;

/// What handlers work with. Cloning shares it.
#[derive(Clone)]
pub struct Context {
    pub access: Access,
    pub catalog: Catalog,
    pub clock: Clock,
    pub config: Arc<Config>,
    pub metrics: PrometheusHandle,
    pub ingest: Ingest,
    pub progress: Progress,
    pub recorder: Recorder,
    pub search: Search,
    pub review: Desk,
    pub exports: Exporter,
    pub retention: Retention,
}

/// Everything that is served.
pub fn router(context: Context) -> Router {
    let (api, _) = openapi::router().split_for_parts();
    let api = api
        .fallback(|| async { error::ApiError::not_found("route") })
        .method_not_allowed_fallback(|| async { error::ApiError::method_not_allowed() })
        .layer(axum::middleware::from_fn(headers::never_stored));
    // Mail and archives are sent as they are: they compress badly, and their
    // length is worth knowing.
    let compressed = SizeAbove::new(1024)
        .and(NotForContentType::const_new("application/zip"))
        .and(NotForContentType::const_new("application/octet-stream"))
        .and(NotForContentType::const_new("message/rfc822"))
        .and(NotForContentType::IMAGES);
    Router::new()
        .nest("/api/v1", api)
        .merge(health::router())
        .fallback(assets::serve)
        .layer(CompressionLayer::new().gzip(true).compress_when(compressed))
        .layer(DefaultBodyLimit::max(limits::HTTP_BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn_with_state(context.clone(), headers::secure))
        .layer(axum::middleware::from_fn(observe::requests))
        .with_state(context)
}

/// Serves until `stopped` is; requests in flight are finished.
pub async fn serve(
    listener: TcpListener,
    context: Context,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = router(context).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stopped).await
}

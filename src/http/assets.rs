//! The web app, embedded in the binary from `web/dist`.

use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::error::ApiError;

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Dist;

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Muniment</title>\
    <h1>The web app is not in this binary</h1><p>It was built without <code>web/dist</code>. \
    Build it (<code>npm ci &amp;&amp; npm run build</code> in <code>web/</code>), then build the \
    binary again. The API is here all the same: <a href=/api/v1/openapi.json>openapi.json</a>.";

/// A file of the app, or the app itself for a path of its own.
pub async fn serve(method: Method, uri: Uri) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return ApiError::method_not_allowed().into_response();
    }
    let path = uri.path().trim_start_matches('/');
    if let Some(file) = Dist::get(path) {
        return asset(path, file);
    }
    // A file that is missing is no page: an old tab asks for old assets.
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    if is_file {
        return ApiError::not_found("file").into_response();
    }
    match Dist::get("index.html") {
        Some(file) => asset("index.html", file),
        None => {
            let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (StatusCode::OK, kind, NOT_BUILT).into_response()
        }
    }
}

fn asset(path: &str, file: rust_embed::EmbeddedFile) -> Response {
    let kind = HeaderValue::from_str(file.metadata.mimetype())
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    // Vite names these by their content.
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers =
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, HeaderValue::from_static(cache))];
    (headers, file.data.into_owned()).into_response()
}

//! `/messages/{id}`: one message set as its reader sees it.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Context;
use super::error::ApiError;
use super::file;
use super::guard::Signed;
use super::headers::MAIL_POLICY;
use super::input::{At, Params};
use super::message::{Message, Proof};
use crate::base::ids::{DeliverySeq, MatterId, SetId};
use crate::review::Wanted;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MessageParams {
    /// The reader's matter; without it the archive-wide right is needed.
    matter: Option<i64>,
    /// SHA-256 of one of the message's versions; its first if not said.
    version: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ProofParams {
    matter: Option<i64>,
    /// SHA-256 of one of the message's versions; its first if not said.
    version: Option<String>,
    /// The delivery; the first one if not said.
    delivery: Option<i64>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeliveryParams {
    /// The reader's matter; without it the archive-wide right is needed.
    matter: Option<i64>,
    /// A delivery that carried the message.
    delivery: i64,
}

fn wanted(id: i64, matter: Option<i64>, version: Option<&str>) -> Result<Wanted, ApiError> {
    let version = version.map(str::parse).transpose();
    let version =
        version.map_err(|_| ApiError::invalid("version is the 64 hex digits of a SHA-256"))?;
    Ok(Wanted { matter: matter.map(MatterId), set: SetId(id), version })
}

impl MessageParams {
    fn wanted(&self, id: i64) -> Result<Wanted, ApiError> {
        wanted(id, self.matter, self.version.as_deref())
    }
}

/// A message, with where everything known of it comes from.
#[utoipa::path(get, path = "/messages/{id}", tag = "messages",
    params(("id" = i64, Path), MessageParams), responses((status = 200, body = Message)))]
pub async fn show(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Params(params): Params<MessageParams>,
) -> Result<Json<Message>, ApiError> {
    Ok(Json(context.review.message(&actor, params.wanted(id)?).await?.into()))
}

/// The message's HTML, made harmless, below a line that says so and counts what
/// it would have loaded from elsewhere.
#[utoipa::path(get, path = "/messages/{id}/html", tag = "messages",
    params(("id" = i64, Path), MessageParams),
    responses((status = 200, content_type = "text/html", body = String)))]
pub async fn html(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Params(params): Params<MessageParams>,
) -> Result<Response, ApiError> {
    let rendered = context.review.html(&actor, params.wanted(id)?).await?.unwrap_or_default();
    let body = match rendered.html {
        Some(html) if rendered.is_cut => html + CUT,
        Some(html) => html,
        None => NO_HTML.to_owned(),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(MAIL_POLICY)),
    ];
    Ok((headers, page(&body, rendered.blocked_remote)).into_response())
}

const CUT: &str = "<hr><p><em>Cut here: the rest is in the source.</em></p>";
const NO_HTML: &str = "<p><em>This message has no HTML that can be shown.</em></p>";

/// A page around the fragment. Mail that sets colours of its own chose them for a
/// light ground, and has one whatever theme its reader likes.
fn page(body: &str, blocked: u32) -> String {
    let blocked = match blocked {
        0 => "asks for nothing from the network".to_owned(),
        1 => "1 remote load blocked".to_owned(),
        many => format!("{many} remote loads blocked"),
    };
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><style>\
         html{{color-scheme:light;background:#fff;color:#1b1b19}}\
         body{{margin:12px 16px;font:14px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}}\
         img{{max-width:100%;height:auto}}</style></head><body>\
         <p style=\"margin:0 0 12px;padding-bottom:8px;border-bottom:1px solid #cbcac5;\
         font-size:13px\">Shown without scripts; {blocked}.</p>{body}</body></html>"
    )
}

/// The message's exact bytes, to be read.
#[utoipa::path(get, path = "/messages/{id}/source", tag = "messages",
    params(("id" = i64, Path), MessageParams),
    responses((status = 200, content_type = "text/plain", body = String)))]
pub async fn source(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Params(params): Params<MessageParams>,
) -> Result<Response, ApiError> {
    let file = context.review.source(&actor, params.wanted(id)?, "message.source").await?;
    Ok(file::inline(file, "text/plain; charset=utf-8"))
}

/// The message's exact bytes, as a file.
#[utoipa::path(get, path = "/messages/{id}/download", tag = "messages",
    params(("id" = i64, Path), MessageParams),
    responses((status = 200, content_type = "message/rfc822", body = Vec<u8>)))]
pub async fn download(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Params(params): Params<MessageParams>,
) -> Result<Response, ApiError> {
    let file = context.review.source(&actor, params.wanted(id)?, "message.download").await?;
    Ok(file::saved(file, "message/rfc822"))
}

/// A delivery that carried the message, exactly as it was received, as a file.
#[utoipa::path(get, path = "/messages/{id}/delivery", tag = "messages",
    params(("id" = i64, Path), DeliveryParams),
    responses((status = 200, content_type = "message/rfc822", body = Vec<u8>)))]
pub async fn delivery(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Params(params): Params<DeliveryParams>,
) -> Result<Response, ApiError> {
    let wanted = wanted(id, params.matter, None)?;
    let file = context.review.delivery(&actor, wanted, DeliverySeq(params.delivery)).await?;
    Ok(file::saved(file, "message/rfc822"))
}

/// One attachment's exact bytes, as a file.
#[utoipa::path(get, path = "/messages/{id}/attachments/{ordinal}", tag = "messages",
    params(("id" = i64, Path), ("ordinal" = u32, Path), MessageParams),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
pub async fn attachment(
    State(context): State<Context>,
    Signed(actor): Signed,
    At((id, ordinal)): At<(i64, u32)>,
    Params(params): Params<MessageParams>,
) -> Result<Response, ApiError> {
    let file = context.review.attachment(&actor, params.wanted(id)?, ordinal).await?;
    // Whatever it says it is: a browser is not to run it.
    Ok(file::saved(file, "application/octet-stream"))
}

/// What the log proves of the message, checked now.
#[utoipa::path(get, path = "/messages/{id}/proof", tag = "messages",
    params(("id" = i64, Path), ProofParams), responses((status = 200, body = Proof)))]
pub async fn proof(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Params(params): Params<ProofParams>,
) -> Result<Json<Proof>, ApiError> {
    let wanted = wanted(id, params.matter, params.version.as_deref())?;
    let delivery = params.delivery.map(DeliverySeq);
    Ok(Json(context.review.proof(&actor, wanted, delivery).await?.into()))
}

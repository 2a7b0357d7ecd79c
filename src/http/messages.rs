//! `/messages/{id}`: one message set as its reader sees it.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::error::ApiError;
use super::file;
use super::guard::Signed;
use super::headers::MAIL_POLICY;
use super::hit::Hit;
use super::input::{At, Params};
use crate::base::ids::{DeliverySeq, MatterId, SetId};
use crate::catalog::review::{AttachmentRow, GapRow};
use crate::extract::Field;
use crate::mail::delivery::Via;
use crate::review::{Wanted, message, proof};

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
    /// SHA-256 of the version that is shown: whose headers, text and
    /// attachments these are.
    version: String,
    /// Copies of the message that travelled differently; each can be asked for.
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
    /// How an envelope's recipient was reached, if not named itself.
    via: Option<Through>,
}

#[derive(Serialize, ToSchema)]
pub struct Through {
    how: Way,
    /// The list that was expanded, or the address that forwards.
    address: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    Expanded,
    Forwarded,
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
    /// The deliveries that carry it.
    deliveries: Vec<i64>,
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
    /// SHA-256 of one of the message's versions; its first if not said.
    version: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HtmlParams {
    matter: Option<i64>,
    /// SHA-256 of one of the message's versions; its first if not said.
    version: Option<String>,
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
    /// SHA-256 of one of the message's versions; its first if not said.
    version: Option<String>,
    /// The delivery; the first one if not said.
    delivery: Option<i64>,
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
    params(("id" = i64, Path), HtmlParams),
    responses((status = 200, content_type = "text/html", body = String)))]
pub async fn html(
    State(context): State<Context>,
    Signed(actor): Signed,
    At(id): At<i64>,
    Params(params): Params<HtmlParams>,
) -> Result<Response, ApiError> {
    let wanted = wanted(id, params.matter, params.version.as_deref())?;
    let rendered = context.review.html(&actor, wanted).await?;
    let rendered = rendered.unwrap_or_default();
    let body = match rendered.html {
        Some(html) if rendered.is_cut => html + CUT,
        Some(html) => html,
        None => NO_HTML.to_owned(),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(MAIL_POLICY)),
    ];
    Ok((headers, page(&body, rendered.blocked_remote, params.theme)).into_response())
}

const CUT: &str = "<hr><p><em>Cut here: the rest is in the source.</em></p>";
const NO_HTML: &str = "<p><em>This message has no HTML that can be shown.</em></p>";

/// The fragment as a page of the reader's theme. Mail that sets colours of its
/// own expects a light ground.
fn page(body: &str, blocked: u32, theme: Option<Theme>) -> String {
    let (style, line) = match theme {
        Some(Theme::Dark) => ("color-scheme:dark;background:#191a1d;color:#e9e9eb", "#41444a"),
        Some(Theme::Light) | None => {
            ("color-scheme:light;background:#fff;color:#1b1b19", "#cbcac5")
        }
    };
    let blocked = match blocked {
        0 => "asks for nothing from the network".to_owned(),
        1 => "1 remote load blocked".to_owned(),
        many => format!("{many} remote loads blocked"),
    };
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><style>html{{{style}}}\
         body{{margin:12px 16px;font:14px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}}\
         img{{max-width:100%;height:auto}}</style></head><body>\
         <p style=\"margin:0 0 12px;padding-bottom:8px;border-bottom:1px solid {line};\
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

impl From<message::Message> for Message {
    fn from(message: message::Message) -> Self {
        let holds = message.holds.into_iter();
        Self {
            hit: message.hit.into(),
            headers: message.headers.into_iter().map(HeaderField::from).collect(),
            text: message.text,
            has_html: message.has_html,
            attachments: message.attachments.into_iter().map(Attachment::from).collect(),
            participants: message.participants.into_iter().map(Participant::from).collect(),
            deliveries: message.deliveries.into_iter().map(Delivery::from).collect(),
            holds: holds
                .map(|(id, name, matter)| HeldBy { id: id.0, name, matter_id: matter.0 })
                .collect(),
            gaps: message.gaps.into_iter().map(Gap::from).collect(),
            version: message.version.to_string(),
            versions: message.versions.into_iter().map(Version::from).collect(),
        }
    }
}

impl From<message::Version> for Version {
    fn from(version: message::Version) -> Self {
        Self {
            sha256: version.sha256.to_string(),
            size: version.size_bytes,
            deliveries: version.deliveries.iter().map(|seq| seq.0).collect(),
        }
    }
}

impl From<Field> for HeaderField {
    fn from(field: Field) -> Self {
        Self { name: field.name, value: field.value }
    }
}

impl From<AttachmentRow> for Attachment {
    fn from(row: AttachmentRow) -> Self {
        Self {
            ordinal: row.ordinal,
            name: row.name,
            media_type: row.media_type,
            size: row.size_bytes,
            sha256: row.sha256.to_string(),
            has_text: row.has_text,
        }
    }
}

impl From<GapRow> for Gap {
    fn from(row: GapRow) -> Self {
        Self { reason: row.reason, detail: row.detail, ordinal: row.ordinal }
    }
}

impl From<message::Participant> for Participant {
    fn from(participant: message::Participant) -> Self {
        let row = participant.row;
        let is_header = row.source == "header";
        Self {
            address: row.address,
            name: row.name,
            role: row.role,
            source: match is_header {
                true => ParticipantSource::Header,
                false => ParticipantSource::Envelope,
            },
            delivery: (!is_header).then_some(row.seq.0),
            via: participant.via.map(Through::from),
        }
    }
}

impl From<(Via, String)> for Through {
    fn from((via, address): (Via, String)) -> Self {
        let how = match via {
            Via::Expanded => Way::Expanded,
            Via::Forwarded => Way::Forwarded,
        };
        Self { how, address }
    }
}

impl From<message::Delivery> for Delivery {
    fn from(delivery: message::Delivery) -> Self {
        let (row, transaction) = (delivery.row, delivery.transaction);
        Self {
            seq: row.seq.0,
            record_id: row.record.to_string(),
            received_at: row.received_at.to_string(),
            source: row.source,
            form: row.form,
            peer: transaction.peer.to_string(),
            tls: transaction.tls,
            reverse_path: transaction.reverse_path,
            recipients: transaction.recipients,
            is_proven: row.is_proven,
            defects: delivery.defects,
            class: row.class,
            sha256: row.sha256.to_string(),
            size: row.size_bytes,
        }
    }
}

impl From<proof::Proof> for Proof {
    fn from(proof: proof::Proof) -> Self {
        let checkpoint = proof.inclusion.map(|inclusion| inclusion.checkpoint);
        let root = checkpoint.as_ref().map(|checkpoint| checkpoint.root.to_string());
        Self {
            record_id: proof.record.to_string(),
            message_sha256: proof.message_sha256.to_string(),
            delivery_sha256: proof.delivery_sha256.to_string(),
            leaf_hash: proof.leaf_hash.to_string(),
            leaf_position: proof.leaf_position,
            log_size: checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size),
            root: root.unwrap_or_default(),
            pending: checkpoint.is_none(),
            checkpoint: checkpoint.map(|checkpoint| checkpoint.note).unwrap_or_default(),
            key: proof.key,
            checks: proof.checks.into_iter().map(Check::from).collect(),
            summary: proof.summary,
        }
    }
}

impl From<proof::Check> for Check {
    fn from(check: proof::Check) -> Self {
        Self { name: check.name.to_owned(), ok: check.is_ok, text: check.text }
    }
}

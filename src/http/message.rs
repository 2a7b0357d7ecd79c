//! A message and its proof as the API writes them.

use serde::Serialize;
use utoipa::ToSchema;

use super::hit::Hit;
use crate::catalog::review::{AttachmentRow, GapRow};
use crate::extract::Field;
use crate::mail::delivery::Via;
use crate::review::{message, proof};

#[derive(Serialize, ToSchema)]
pub struct Message {
    hit: Hit,
    /// EDRM's Message ID Hash, by which other programs tell messages; none where it has
    /// no Message-ID.
    edrm_mih: Option<String>,
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
    /// The document that holds it; none where the message does.
    parent: Option<u32>,
    /// As `invoice.xlsx in Q3.zip`.
    path: String,
    name: String,
    media_type: String,
    size: u64,
    sha256: String,
    has_text: bool,
    /// ISO 639-3; none where it is not known.
    language: Option<String>,
    /// Some of its text was read off pictures, by OCR.
    ocr: bool,
    /// Title, author, dates and the like, as the document says of itself.
    about: Vec<HeaderField>,
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
    /// Whether that delivery showed what its source must show.
    is_proven: Option<bool>,
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

impl From<message::Message> for Message {
    fn from(message: message::Message) -> Self {
        let holds = message.holds.into_iter();
        Self {
            hit: message.hit.into(),
            edrm_mih: message.edrm_mih,
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
        let about: Vec<Field> = serde_json::from_str(&row.about).unwrap_or_default();
        Self {
            ordinal: row.ordinal,
            parent: row.parent,
            path: row.path,
            name: row.name,
            media_type: row.media_type,
            size: row.size_bytes,
            sha256: row.sha256.to_string(),
            has_text: row.has_text,
            language: row.language,
            ocr: row.is_ocred,
            about: about.into_iter().map(HeaderField::from).collect(),
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
            is_proven: (!is_header).then_some(row.is_proven),
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

//! What people ask for: an export, how far it is, its cancelling, its file.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::bundle::Format;
use super::{ExportError, KIND, Queue};
use crate::access::audit::{self, Act, Outcome, record_in};
use crate::access::{Actor, Refused};
use crate::base::hash::Digest;
use crate::base::ids::{HoldId, JobId, MatterId, SetId};
use crate::base::limits::{EXPORT_MESSAGES_MAX, NAME_BYTES_MAX, PAGE_ROWS_MAX};
use crate::catalog::job::{self, JobRow, Lease, NewJob, State};
use crate::catalog::review;
use crate::hold;
use crate::matter::{self, Reach};
use crate::query;
use crate::search::{Ask, SearchError};

/// An export as it is asked for, and as the job keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Without one, the whole archive: that needs the archive-wide right.
    pub matter_id: Option<MatterId>,
    pub name: String,
    pub scope: Scope,
    pub format: Format,
    /// Whether each attachment is a file of its own as well.
    pub with_attachments: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// All hits, as they are when the job starts.
    Search(Ask),
    /// All that a hold covers when the job starts.
    Hold(HoldId),
    Messages(Vec<SetId>),
    /// One attachment alone, with its own proof.
    Attachment {
        set: SetId,
        sha256: Digest,
    },
}

/// What came of a job that is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub size: u64,
    pub sha256: Digest,
    pub messages: u64,
    pub attachments: u64,
    pub exceptions: u64,
    /// Messages that should be in the bundle and are not: exceptions too.
    #[serde(default)]
    pub missing: u64,
    /// Items whose leaf was not published in time.
    pub unproven: u64,
}

/// A job with its request read.
#[derive(Clone, Debug)]
pub struct Export {
    pub row: JobRow,
    pub request: Request,
    /// When it is done.
    pub summary: Option<Summary>,
}

/// Queues an export, or gives it to `lease` at once. Its row in the audit is
/// written with it.
pub async fn ask(
    actor: &Actor,
    queue: &Queue,
    mut request: Request,
    lease: Option<&Lease>,
) -> Result<Export, ExportError> {
    admit(actor, queue, &mut request).await?;
    let now = queue.clock.now();
    let text = serde_json::to_string(&request)?;
    let new =
        NewJob { kind: KIND, matter_id: request.matter_id, asked_by: &actor.name, request: &text };
    let mut tx = queue.catalog.write().await?;
    let id = job::insert(&mut tx, &new, now, lease).await?;
    let act = Act::new("export.ask", request.matter_id, &request.name)
        .with(json!({ "job": id, "request": request }));
    record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
    queue.catalog.commit(tx, "queue an export").await?;
    queue.rung.notify_one();
    find(queue, id).await
}

/// Whether the actor may export this: decided before it is queued, and again
/// when the job starts.
pub(super) async fn admit(
    actor: &Actor,
    queue: &Queue,
    request: &mut Request,
) -> Result<(), ExportError> {
    actor.require_legal()?;
    let catalog = &queue.catalog;
    let reach = matter::reach(actor, catalog, request.matter_id).await?;
    request.name = request.name.trim().to_owned();
    if request.name.is_empty() || request.name.len() > NAME_BYTES_MAX {
        let text = format!("give the export a name of at most {NAME_BYTES_MAX} bytes");
        return Err(Refused::Invalid(text).into());
    }
    if let Format::Pst(options) = &request.format {
        options.check().map_err(Refused::Invalid)?;
    }
    match &mut request.scope {
        Scope::Search(ask) => {
            ask.matter_id = request.matter_id;
            // So that a query that is not understood is refused at once.
            let zone = match &reach {
                Reach::Archive(_) => jiff::tz::TimeZone::UTC,
                Reach::Matter(scope) => scope.zone.clone(),
            };
            query::parse(&ask.query, ask.dialect, &zone).map_err(SearchError::from)?;
        }
        Scope::Hold(id) => {
            let matter = request.matter_id.ok_or_else(|| {
                Refused::Invalid("a hold is of a matter: name the matter".to_owned())
            })?;
            hold::get(actor, catalog, matter, *id).await?;
        }
        Scope::Messages(sets) => {
            if sets.is_empty() || sets.len() > EXPORT_MESSAGES_MAX {
                let text = format!("name 1 to {EXPORT_MESSAGES_MAX} messages");
                return Err(Refused::Invalid(text).into());
            }
            for set in sets {
                require_seen(queue, &reach, *set).await?;
            }
        }
        Scope::Attachment { set, .. } => {
            require_seen(queue, &reach, *set).await?;
        }
    }
    Ok(())
}

/// The message is there and within reach; else, to the actor, it is not there.
async fn require_seen(queue: &Queue, reach: &Reach, set: SetId) -> Result<(), ExportError> {
    let is_seen = matter::sees(&queue.catalog, reach, set).await?
        && !review::carried(&queue.catalog, set).await?.is_empty();
    if is_seen { Ok(()) } else { Err(Refused::Hidden("message").into()) }
}

/// The exports of a matter, or all that the actor may see; newest first.
pub async fn list(
    actor: &Actor,
    queue: &Queue,
    matter: Option<MatterId>,
) -> Result<Vec<Export>, ExportError> {
    actor.require_legal()?;
    if let Some(matter) = matter {
        matter::open(actor, &queue.catalog, matter).await?;
    }
    let mut exports = Vec::new();
    for row in job::list(&queue.catalog, KIND, matter, PAGE_ROWS_MAX).await? {
        if matter.is_some() || is_visible(actor, queue, &row).await? {
            exports.push(read(row)?);
        }
    }
    Ok(exports)
}

pub async fn get(actor: &Actor, queue: &Queue, id: JobId) -> Result<Export, ExportError> {
    actor.require_legal()?;
    let row = job::by_id(&queue.catalog, id).await?.filter(|row| row.kind == KIND);
    match row {
        Some(row) if is_visible(actor, queue, &row).await? => read(row),
        _ => Err(Refused::Hidden("export").into()),
    }
}

pub async fn cancel(actor: &Actor, queue: &Queue, id: JobId) -> Result<Export, ExportError> {
    let export = get(actor, queue, id).await?;
    let now = queue.clock.now();
    let mut tx = queue.catalog.write().await?;
    job::cancel(&mut tx, id, now).await?;
    let act = Act::new("export.cancel", export.row.matter_id, &export.request.name)
        .with(json!({ "job": id }));
    record_in(&mut tx, now, &actor.name, &act, Outcome::Done).await?;
    queue.catalog.commit(tx, "cancel an export").await?;
    find(queue, id).await
}

/// An export whose bundle is to be sent or copied. The audit's row is durable
/// first.
pub async fn download(
    actor: &Actor,
    queue: &Queue,
    id: JobId,
) -> Result<(Export, Summary), ExportError> {
    let export = get(actor, queue, id).await?;
    let Some(summary) = export.summary.clone() else {
        return Err(Refused::Conflict("the export is not done".to_owned()).into());
    };
    let act = Act::new("export.download", export.row.matter_id, &export.request.name)
        .with(json!({ "job": id, "sha256": summary.sha256, "size": summary.size }));
    audit::record(&queue.catalog, &queue.clock, actor, &act, Outcome::Done).await?;
    Ok((export, summary))
}

/// Exports of a matter are seen by who sees the matter; others by those with
/// the archive-wide right.
async fn is_visible(actor: &Actor, queue: &Queue, row: &JobRow) -> Result<bool, ExportError> {
    let Some(matter) = row.matter_id else {
        return Ok(actor.is_archive_wide);
    };
    match matter::open(actor, &queue.catalog, matter).await {
        Ok(_) => Ok(true),
        Err(matter::MatterError::Refused(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn find(queue: &Queue, id: JobId) -> Result<Export, ExportError> {
    match job::by_id(&queue.catalog, id).await? {
        Some(row) => read(row),
        None => Err(Refused::Hidden("export").into()),
    }
}

pub(super) fn read(row: JobRow) -> Result<Export, ExportError> {
    let request = serde_json::from_str(&row.request)?;
    let summary = match row.state {
        State::Done => Some(serde_json::from_str(&row.result)?),
        _ => None,
    };
    Ok(Export { row, request, summary })
}

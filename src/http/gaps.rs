//! `/gaps`: what could not be indexed in full, and why.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::input::{Params, rows};
use crate::base::ids::{CustodianId, MatterId};
use crate::catalog::gap::{Filter, Row};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GapParams {
    /// Without one, the whole archive: that needs the archive-wide right.
    matter: Option<i64>,
    /// One reason, as `encrypted`.
    reason: Option<String>,
    /// One media type.
    media_type: Option<String>,
    /// What one source delivered.
    source: Option<String>,
    /// What one custodian of the matter took part in.
    custodian: Option<i64>,
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

#[derive(Serialize, ToSchema)]
pub struct GapCount {
    reason: String,
    media_type: String,
    gaps: u64,
}

#[derive(Serialize, ToSchema)]
pub struct GapsOfSource {
    source: String,
    gaps: u64,
}

#[derive(Serialize, ToSchema)]
pub struct GapsOfCustodian {
    id: i64,
    name: String,
    gaps: u64,
}

#[derive(Serialize, ToSchema)]
pub struct UnindexedDocument {
    record_id: String,
    /// The message; none where the delivery gave none.
    message_id: Option<i64>,
    /// The document in it; none for the message itself.
    ordinal: Option<u32>,
    /// As `invoice.xlsx in Q3.zip`; empty for the message itself.
    path: String,
    /// By content.
    media_type: String,
    reason: String,
    detail: String,
}

#[derive(Serialize, ToSchema)]
pub struct Gaps {
    /// Of the matter, or of the archive: of the source and the custodian that were
    /// asked for, whatever reason and type were.
    counts: Vec<GapCount>,
    /// By the source that delivered, whichever was asked for; of the reason, the type
    /// and the custodian that were.
    sources: Vec<GapsOfSource>,
    /// And so by custodian of the matter; each gap counts for all who took part.
    custodians: Vec<GapsOfCustodian>,
    /// Of those that were asked for, on all pages.
    total: u64,
    gaps: Vec<UnindexedDocument>,
    next: Option<String>,
}

impl From<Row> for UnindexedDocument {
    fn from(row: Row) -> Self {
        Self {
            record_id: row.record.to_string(),
            message_id: row.set.map(|set| set.0),
            ordinal: row.ordinal,
            path: row.path,
            media_type: row.media_type,
            reason: row.reason,
            detail: row.detail,
        }
    }
}

/// Counts by reason and type, and the documents one by one.
#[utoipa::path(get, path = "/gaps", tag = "gaps", params(GapParams),
    responses((status = 200, body = Gaps)))]
pub async fn list(
    State(context): State<Context>,
    Signed(actor): Signed,
    Params(params): Params<GapParams>,
) -> Result<Json<Gaps>, ApiError> {
    let after = match params.cursor.as_deref().map(str::parse) {
        None => 0,
        Some(Ok(id)) => id,
        Some(Err(_)) => return Err(ApiError::invalid("cursor: use the `next` of the page before")),
    };
    let limit = rows(params.limit, 100)?;
    let filter = Filter {
        matter: params.matter.map(MatterId),
        reason: params.reason,
        media_type: params.media_type,
        source: params.source,
        custodian: params.custodian.map(CustodianId),
    };
    let found = context.review.gaps(&actor, filter, after, limit).await?;
    let count = |it: crate::catalog::gap::Count| GapCount {
        reason: it.reason,
        media_type: it.media_type,
        gaps: it.gaps,
    };
    Ok(Json(Gaps {
        counts: found.counts.into_iter().map(count).collect(),
        sources: found
            .sources
            .into_iter()
            .map(|of| GapsOfSource { source: of.name, gaps: of.gaps })
            .collect(),
        custodians: found
            .custodians
            .into_iter()
            .filter_map(|of| {
                let id = of.custodian?.0;
                Some(GapsOfCustodian { id, name: of.name, gaps: of.gaps })
            })
            .collect(),
        total: found.total,
        gaps: found.rows.into_iter().map(UnindexedDocument::from).collect(),
        next: found.next.map(|id| id.to_string()),
    }))
}

//! `/search`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::error::ApiError;
use super::guard::Signed;
use super::hit::{self, Hit};
use super::holds::{DateKind, day};
use super::input::{Body, rows};
use crate::base::ids::{CustodianId, MatterId};
use crate::index;
use crate::query;
use crate::search::{self, Ask};

#[derive(Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// As Microsoft Purview documents it; joins words of a message and its attachments.
    #[default]
    Kql,
    /// As Relativity documents it; joins words of one document.
    DtSearch,
}

/// In what a query joins words.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Family,
    Document,
}

/// A part of the query as it was understood; those below it are deeper.
#[derive(Serialize, ToSchema)]
pub struct TreeRow {
    depth: u32,
    text: String,
}

/// A word of the query that stands for many.
#[derive(Serialize, ToSchema)]
pub struct Expansion {
    /// As it was written, with its field.
    word: String,
    stands_for: Vec<ExpandedWord>,
    /// There are more words than are listed.
    is_cut: bool,
}

#[derive(Serialize, ToSchema)]
pub struct ExpandedWord {
    word: String,
    /// Documents in the reader's sight that have it.
    documents: u64,
}

/// By what the answer can be found again; the audit has the same.
#[derive(Serialize, ToSchema)]
pub struct Snapshot {
    /// The last delivery that the index has.
    cursor: u64,
    index_version: u32,
    tokenizer_version: u32,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    /// Without one, the whole archive: that needs the archive-wide right.
    #[serde(default)]
    pub matter_id: Option<i64>,
    pub query: String,
    #[serde(default)]
    pub dialect: Dialect,
    /// First day, as `2026-01-31`, in the matter's zone.
    #[serde(default)]
    pub from: Option<String>,
    /// Last day.
    #[serde(default)]
    pub until: Option<String>,
    /// Which date the days are of, and by which the hits are ordered: received
    /// unless said.
    #[serde(default)]
    pub date_kind: Option<DateKind>,
    #[serde(default)]
    pub sender: Option<String>,
    #[serde(default)]
    pub recipient: Option<String>,
    #[serde(default)]
    pub custodian_id: Option<i64>,
    #[serde(default)]
    pub cursor: Option<String>,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
}

#[derive(Serialize, ToSchema)]
pub struct Results {
    /// Message sets, each with what is attached; what the list shows.
    total_families: u64,
    /// Distinct messages, byte for byte, in those.
    total_messages: u64,
    /// Documents of those that match; all of them where `unit` is a family.
    total_documents: u64,
    unit: Unit,
    elapsed_ms: f64,
    /// The query as it was understood.
    parsed: String,
    /// The same, part by part.
    tree: Vec<TreeRow>,
    /// On the first page.
    expansions: Vec<Expansion>,
    /// Whose days the dates of the query are.
    zone: Option<String>,
    warnings: Vec<String>,
    snapshot: Snapshot,
    /// Of the hits, how many could not be indexed in full.
    gaps: u64,
    /// Deliveries that are not indexed yet.
    behind: u64,
    hits: Vec<Hit>,
    next: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteRequest {
    #[serde(default)]
    matter_id: Option<i64>,
    field: CompleteField,
    prefix: String,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CompleteField {
    Address,
}

#[derive(Serialize, ToSchema)]
pub struct Completions {
    values: Vec<String>,
}

impl From<index::Expansion> for Expansion {
    fn from(expansion: index::Expansion) -> Self {
        let words = expansion.words.into_iter();
        let stands_for = words.map(|(word, documents)| ExpandedWord { word, documents }).collect();
        Self { word: expansion.written, stands_for, is_cut: expansion.is_cut }
    }
}

impl From<search::Snapshot> for Snapshot {
    fn from(snapshot: search::Snapshot) -> Self {
        let search::Snapshot { cursor, index_version, tokenizer_version } = snapshot;
        Self { cursor, index_version, tokenizer_version }
    }
}

/// Search in a matter, or archive-wide.
#[utoipa::path(post, path = "/search", tag = "search", request_body = SearchRequest,
    responses((status = 200, body = Results)))]
pub async fn run(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<SearchRequest>,
) -> Result<Json<Results>, ApiError> {
    let after = hit::cursor(body.cursor.as_deref())?;
    let limit = rows(body.limit, 50)?;
    let ask = ask(body)?;
    let page = search::run(&actor, &context.search, &ask, after, limit)
        .await
        .map_err(|error| ApiError::of_search(error, &ask.query))?;
    Ok(Json(Results {
        total_families: page.families,
        total_messages: page.messages,
        total_documents: page.documents,
        unit: match page.unit {
            query::ast::Unit::Family => Unit::Family,
            query::ast::Unit::Document => Unit::Document,
        },
        elapsed_ms: page.elapsed.as_secs_f64() * 1000.0,
        parsed: page.parsed,
        tree: page
            .tree
            .into_iter()
            .map(|row| TreeRow { depth: row.depth, text: row.text })
            .collect(),
        expansions: page.expansions.into_iter().map(Expansion::from).collect(),
        zone: page.zone,
        warnings: page.warnings,
        snapshot: page.snapshot.into(),
        gaps: page.gaps,
        behind: page.behind,
        hits: page.hits.into_iter().map(|(row, snippet)| Hit::new(row, snippet)).collect(),
        next: page.next.map(hit::cursor_text),
    }))
}

/// The search as the verb takes it.
pub fn ask(body: SearchRequest) -> Result<Ask, ApiError> {
    Ok(Ask {
        matter_id: body.matter_id.map(MatterId),
        query: body.query,
        dialect: match body.dialect {
            Dialect::Kql => query::Dialect::Kql,
            Dialect::DtSearch => query::Dialect::DtSearch,
        },
        from: day(body.from.as_deref())?,
        until: day(body.until.as_deref())?,
        date_kind: match body.date_kind {
            Some(DateKind::Sent) => search::DateKind::Sent,
            Some(DateKind::Received) | None => search::DateKind::Received,
        },
        sender: body.sender,
        recipient: body.recipient,
        custodian_id: body.custodian_id.map(CustodianId),
    })
}

/// Addresses that begin with what was typed, of those that the reader sees.
#[utoipa::path(post, path = "/search/complete", tag = "search", request_body = CompleteRequest,
    responses((status = 200, body = Completions)))]
pub async fn complete(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<CompleteRequest>,
) -> Result<Json<Completions>, ApiError> {
    let CompleteField::Address = body.field;
    let matter = body.matter_id.map(MatterId);
    let values = search::complete(&actor, &context.search, matter, &body.prefix)
        .await
        .map_err(|error| ApiError::of_search(error, ""))?;
    Ok(Json(Completions { values }))
}

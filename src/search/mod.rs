//! The search verb: rights, audit, counts, pages.
//!
//! What is searched is the index; what is shown of a hit is the catalog's. A
//! reader in a matter reaches only families in which one of its custodians took
//! part: that is part of what the index is asked, so that counts, pages and
//! completions tell of nothing else.

mod around;
mod ask;
mod bind;
pub mod facets;
pub mod near;
pub mod report;
#[cfg(test)]
mod tests;
pub mod thread;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Semaphore;

use crate::access::audit::{self, Act, Outcome};
use crate::access::{Actor, Refused};
use crate::base::clock::Clock;
use crate::base::ids::{DeliverySeq, MatterId, SetId};
use crate::base::limits;
use crate::catalog::hit::{self, HitRow};
use crate::catalog::hold::Place;
use crate::catalog::{Catalog, CatalogError, delivery, pending, review};
use crate::index::{self, Expansion, Index, IndexError, Snippet};
use crate::mail::address;
use crate::matter::{self, MatterError, Reach};
use crate::query::QueryError;
use crate::query::ast::Unit;
use crate::query::tree::{self, Row};

use ask::Resolved;
pub use ask::{Ask, DateKind};

/// What the verbs of this room work with. Cloning shares it.
#[derive(Clone)]
pub struct Search {
    pub catalog: Catalog,
    pub index: Index,
    pub clock: Clock,
    at_once: Arc<Semaphore>,
    remembered: Arc<facets::Remembered>,
}

impl Search {
    pub fn new(catalog: Catalog, index: Index, clock: Clock) -> Self {
        let at_once = Arc::new(Semaphore::new(limits::SEARCHES_AT_ONCE_MAX));
        Self { catalog, index, clock, at_once, remembered: Arc::default() }
    }
}

/// A part of the hits, newest received first.
#[derive(Debug)]
pub struct Page {
    /// Message sets, each with what is attached.
    pub families: u64,
    /// Those that match by themselves, in these families; all of theirs where the
    /// query joins words of a family.
    pub documents: u64,
    /// Distinct messages, byte for byte, in those families.
    pub messages: u64,
    pub elapsed: Duration,
    /// The query as it was read, filters included.
    pub parsed: String,
    /// The same, part by part.
    pub tree: Vec<Row>,
    /// In what the query joins words.
    pub unit: Unit,
    /// What its words that stand for many stand for; of the first page only.
    pub expansions: Vec<Expansion>,
    /// Whose days the dates of the query are; none without dates.
    pub zone: Option<String>,
    pub warnings: Vec<String>,
    pub snapshot: Snapshot,
    /// Of the families, those of which something could not be indexed.
    pub gaps: u64,
    /// Deliveries that are not searchable yet.
    pub behind: u64,
    pub hits: Vec<(HitRow, Snippet)>,
    pub next: Option<Place>,
}

/// By what an answer can be found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last delivery that the index has.
    pub cursor: u64,
    pub index_version: u32,
    /// Of the rule by which texts and queries are cut into words.
    pub tokenizer_version: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The query was not understood; the place is in its text.
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Matter(#[from] MatterError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("the search stopped before its end")]
    Stopped,
}

impl From<Refused> for SearchError {
    fn from(refused: Refused) -> Self {
        Self::Matter(refused.into())
    }
}

/// Searches, and shows `limit` hits after `after`. The audit's row is durable
/// before the page is returned.
pub async fn run(
    actor: &Actor,
    search: &Search,
    ask: &Ask,
    after: Option<Place>,
    limit: usize,
) -> Result<Page, SearchError> {
    let begun = Instant::now();
    let resolved = resolve(actor, search, ask).await?;
    // Before it is asked: what is committed meanwhile is found, and not counted on.
    let cursor = search.index.cursor();
    let hits = all(search, &resolved).await?;
    let order = resolved.scope.order;
    let limit = limit.clamp(1, limits::PAGE_ROWS_MAX);
    let start = after.map_or(0, |place| {
        hits.partition_point(|hit| (hit.at(order), hit.set) >= (place.at, place.set))
    });
    let shown = &hits[start..hits.len().min(start + limit)];
    let sets: Vec<SetId> = shown.iter().map(|hit| hit.set).collect();
    let next = shown
        .last()
        .filter(|_| start + limit < hits.len())
        .map(|hit| Place { at: hit.at(order), set: hit.set });

    let rows = hit::load(&search.catalog, &sets).await?;
    let shown = rows.iter().map(|row| (row.set, row.subject.clone())).collect();
    let snippets = snippets(search, &resolved, shown).await?;
    let behind = behind(search).await?;
    let expansions = match after {
        None => expansions(search, &resolved).await?,
        Some(_) => Vec::new(),
    };
    let page = Page {
        families: hits.len() as u64,
        documents: hits.iter().map(|hit| u64::from(hit.documents)).sum(),
        messages: hits.iter().map(|hit| u64::from(hit.messages)).sum(),
        elapsed: begun.elapsed(),
        parsed: resolved.query.to_string(),
        tree: tree::rows(&resolved.query),
        unit: resolved.query.dialect.unit(),
        expansions,
        zone: resolved.zone,
        warnings: resolved.warnings,
        snapshot: Snapshot {
            cursor,
            index_version: index::VERSION,
            tokenizer_version: index::TOKENIZER_VERSION,
        },
        gaps: hits.iter().filter(|hit| hit.is_partial).count() as u64,
        behind,
        hits: rows.into_iter().zip(snippets).collect(),
        next,
    };
    record(actor, search, ask, after, &page).await?;
    Ok(page)
}

/// Deliveries after the index's cursor, and those that are read later than others.
async fn behind(search: &Search) -> Result<u64, CatalogError> {
    let cursor = search.index.cursor();
    let last = delivery::last_seq(&search.catalog).await?.0;
    let waiting = pending::counts(&search.catalog, DeliverySeq(cursor as i64)).await?;
    Ok(u64::try_from(last).unwrap_or(0).saturating_sub(cursor) + waiting.deliveries)
}

/// Every family that matches, newest first, for what is done to all of
/// them. The verb that asks has its own row in the audit.
pub async fn ids(actor: &Actor, search: &Search, ask: &Ask) -> Result<Vec<SetId>, SearchError> {
    let resolved = resolve(actor, search, ask).await?;
    Ok(all(search, &resolved).await?.iter().map(|hit| hit.set).collect())
}

/// Addresses that begin with `prefix`, of those in the reader's reach. No
/// message is shown by it, and it is asked with every letter typed: the audit
/// has no row for it.
pub async fn complete(
    actor: &Actor,
    search: &Search,
    matter: Option<MatterId>,
    prefix: &str,
) -> Result<Vec<String>, SearchError> {
    let within = match matter::reach(actor, &search.catalog, matter).await? {
        Reach::Archive(_) => None,
        Reach::Matter(scope) => Some(scope.matter),
    };
    if prefix.len() > limits::ADDRESS_BYTES_MAX {
        return Ok(Vec::new());
    }
    let prefix = address::key(prefix);
    if prefix.is_empty() {
        return Ok(Vec::new());
    }
    let found = review::addresses_from(&search.catalog, within, &prefix, limits::COMPLETIONS_MAX);
    Ok(found.await?)
}

async fn resolve(actor: &Actor, search: &Search, ask: &Ask) -> Result<Resolved, SearchError> {
    let reach = matter::reach(actor, &search.catalog, ask.matter_id).await?;
    ask::resolve(&search.catalog, &reach, ask).await
}

/// Away from the threads that serve sockets: it may compute for a second.
async fn all(search: &Search, resolved: &Resolved) -> Result<Arc<Vec<index::Hit>>, SearchError> {
    let turn = search.at_once.clone().acquire_owned().await.map_err(|_| SearchError::Stopped)?;
    let (index, query) = (search.index.clone(), resolved.query.clone());
    let scope = resolved.scope.clone();
    let found = tokio::task::spawn_blocking(move || {
        // Kept until the computing ends, even if nobody waits for it any more.
        let _turn = turn;
        index.all(&query, &scope)
    });
    Ok(found.await.map_err(|_| SearchError::Stopped)??)
}

async fn expansions(search: &Search, resolved: &Resolved) -> Result<Vec<Expansion>, SearchError> {
    let turn = search.at_once.clone().acquire_owned().await.map_err(|_| SearchError::Stopped)?;
    let (index, query) = (search.index.clone(), resolved.query.clone());
    let scope = resolved.scope.clone();
    let found = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        index.expansions(&query, &scope)
    });
    Ok(found.await.map_err(|_| SearchError::Stopped)??)
}

async fn snippets(
    search: &Search,
    resolved: &Resolved,
    shown: Vec<(SetId, String)>,
) -> Result<Vec<Snippet>, SearchError> {
    let (index, query) = (search.index.clone(), resolved.query.clone());
    let made = tokio::task::spawn_blocking(move || index.snippets(&query, &shown));
    Ok(made.await.map_err(|_| SearchError::Stopped)??)
}

async fn record(
    actor: &Actor,
    search: &Search,
    ask: &Ask,
    after: Option<Place>,
    page: &Page,
) -> Result<(), CatalogError> {
    let detail = json!({
        "ask": ask,
        "parsed": page.parsed,
        "zone": page.zone,
        "warnings": page.warnings,
        "expansions": page.expansions.iter().map(told).collect::<Vec<_>>(),
        "documents": page.documents,
        "after": after.map(|place| (place.at, place.set)),
        "families": page.families,
        "messages": page.messages,
        "gaps": page.gaps,
        "behind": page.behind,
        "shown": page.hits.iter().map(|(row, _)| row.set).collect::<Vec<_>>(),
        "index": {
            "cursor": page.snapshot.cursor,
            "version": page.snapshot.index_version,
            "tokenizer": page.snapshot.tokenizer_version,
        },
    });
    let act = Act::new("search.run", ask.matter_id, &page.parsed).with(detail);
    audit::record(&search.catalog, &search.clock, actor, &act, Outcome::Done).await?;
    search.remembered.add(search.clock.now(), actor.user_id, ask);
    Ok(())
}

fn told(expansion: &Expansion) -> serde_json::Value {
    json!({
        "word": expansion.written,
        "stands_for": expansion.words,
        "is_cut": expansion.is_cut,
    })
}

//! The report of terms: what each term of a list finds, for those who negotiate which
//! terms to search by.
//!
//! It counts what searches for the terms would find, with the same checks, and shows a
//! few families of each. A term that cannot be read is told beside those that can.

use std::time::{Duration, Instant};

use serde_json::json;

use super::ask::{self, Resolved};
use super::{Ask, DateKind, Search, SearchError, Snapshot, behind};
use crate::access::audit::{self, Act, Outcome};
use crate::access::{Actor, Refused};
use crate::base::ids::SetId;
use crate::base::limits::{REPORT_SAMPLE_MAX, REPORT_TERMS_MAX};
use crate::catalog::hit::{self, HitRow};
use crate::catalog::matter as matters;
use crate::index::report::{Asked, Counts, Report, Sizes, Spread};
use crate::index::{self, IndexError};
use crate::matter::{self, Reach};

/// What is to be counted: within what, and which terms.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Matter, dialect and filters; its query is empty.
    pub within: Ask,
    pub first: Vec<String>,
    /// A second list to compare with; empty without one.
    pub second: Vec<String>,
    /// Families to show of each term.
    pub sample: usize,
    /// What they are drawn by: the same draws the same.
    pub seed: u32,
}

/// A term and what it finds.
#[derive(Debug)]
pub struct Line {
    pub term: String,
    pub found: Result<Found, SearchError>,
}

#[derive(Debug)]
pub struct Found {
    /// As it was understood.
    pub parsed: String,
    pub warnings: Vec<String>,
    pub counts: Counts,
    pub sample: Vec<HitRow>,
}

#[derive(Debug)]
pub struct Counted {
    pub first: Vec<Line>,
    pub second: Vec<Line>,
    /// Of the matter, as the counts have them.
    pub custodians: Vec<String>,
    /// Of each list, each document once.
    pub totals: [Spread; 2],
    /// What the first list finds alone, the second alone, and both.
    pub compared: [Sizes; 3],
    pub date_kind: DateKind,
    pub zone: String,
    pub snapshot: Snapshot,
    /// Deliveries that are not searchable yet.
    pub behind: u64,
    pub elapsed: Duration,
}

/// Counts what the terms find. Its row in the audit is durable before it is returned.
pub async fn report(actor: &Actor, search: &Search, terms: &Terms) -> Result<Counted, SearchError> {
    let begun = Instant::now();
    check(terms)?;
    let reach = matter::reach(actor, &search.catalog, terms.within.matter_id).await?;
    let base = ask::resolve(&search.catalog, &reach, &terms.within).await?;
    let custodians = match &reach {
        Reach::Archive(_) => Vec::new(),
        Reach::Matter(scope) => matters::custodians(&search.catalog, scope.matter).await?,
    };
    let mut read = Vec::new();
    for term in terms.first.iter().chain(&terms.second) {
        read.push(understood(search, &reach, &terms.within, term).await?);
    }
    let queries = read.iter().filter_map(|read| read.as_ref().ok());
    let asked = Asked {
        base: (base.query.clone(), base.scope.clone()),
        terms: queries.map(|it| (it.query.clone(), it.scope.clone())).collect(),
        first: read[..terms.first.len()].iter().filter(|read| read.is_ok()).count(),
        custodians: custodians.iter().map(|it| it.addresses.clone()).collect(),
        sample: terms.sample.min(REPORT_SAMPLE_MAX),
        seed: u64::from(terms.seed),
    };
    let cursor = search.index.cursor();
    let report = counted(search, asked).await?;
    let mut counts = report.terms.into_iter();
    let mut lines = Vec::new();
    for (term, read) in terms.first.iter().chain(&terms.second).zip(read) {
        let found = match read {
            Err(error) => Err(error),
            Ok(read) => line(search, read, counts.next()).await?,
        };
        lines.push(Line { term: term.clone(), found });
    }
    let second = lines.split_off(terms.first.len());
    let zone = base.query.zone.iana_name().unwrap_or("UTC").to_owned();
    let counted = Counted {
        first: lines,
        second,
        custodians: custodians.into_iter().map(|it| it.name).collect(),
        totals: report.totals,
        compared: report.compared,
        date_kind: terms.within.date_kind,
        zone,
        snapshot: Snapshot {
            cursor,
            index_version: index::VERSION,
            tokenizer_version: index::TOKENIZER_VERSION,
        },
        behind: behind(search).await?,
        elapsed: begun.elapsed(),
    };
    record(actor, search, terms, &counted).await?;
    Ok(counted)
}

fn check(terms: &Terms) -> Result<(), Refused> {
    let count = terms.first.len() + terms.second.len();
    if terms.first.is_empty() {
        return Err(Refused::Invalid("give a term; each line is one".into()));
    }
    if count > REPORT_TERMS_MAX {
        return Err(Refused::Invalid(format!(
            "{count} terms are too many for one report; at most {REPORT_TERMS_MAX} go into it"
        )));
    }
    Ok(())
}

/// A term as a query without filters, or why it is none.
async fn understood(
    search: &Search,
    reach: &Reach,
    within: &Ask,
    term: &str,
) -> Result<Result<Resolved, SearchError>, SearchError> {
    let ask =
        Ask { date_kind: within.date_kind, ..Ask::new(within.matter_id, term, within.dialect) };
    Ok(match ask::resolve(&search.catalog, reach, &ask).await {
        Ok(read) if read.query.root.is_none() => {
            Err(Refused::Invalid("there is nothing in it to search for".into()).into())
        }
        Ok(read) => Ok(read),
        Err(error) if is_of_term(&error) => Err(error),
        Err(error) => return Err(error),
    })
}

/// Whether another term may be well all the same.
fn is_of_term(error: &SearchError) -> bool {
    use crate::matter::MatterError;
    matches!(
        error,
        SearchError::Query(_)
            | SearchError::Index(IndexError::Refused { .. })
            | SearchError::Matter(MatterError::Refused(Refused::Invalid(_)))
    )
}

async fn counted(search: &Search, asked: Asked) -> Result<Report, SearchError> {
    let turn = search.at_once.clone().acquire_owned().await.map_err(|_| SearchError::Stopped)?;
    let index = search.index.clone();
    let counted = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        index.report(&asked)
    });
    Ok(counted.await.map_err(|_| SearchError::Stopped)??)
}

async fn line(
    search: &Search,
    read: Resolved,
    counts: Option<Result<Counts, IndexError>>,
) -> Result<Result<Found, SearchError>, SearchError> {
    let counts = match counts {
        Some(Ok(counts)) => counts,
        Some(Err(error)) => return Ok(Err(error.into())),
        None => return Err(SearchError::Stopped),
    };
    let sample = hit::load(&search.catalog, &counts.sample).await?;
    let parsed = read.query.to_string();
    Ok(Ok(Found { parsed, warnings: read.warnings, counts, sample }))
}

async fn record(
    actor: &Actor,
    search: &Search,
    terms: &Terms,
    counted: &Counted,
) -> Result<(), SearchError> {
    let told = |line: &Line| match &line.found {
        Err(error) => json!({ "term": line.term, "refused": error.to_string() }),
        Ok(found) => json!({
            "term": line.term,
            "parsed": found.parsed,
            "documents": found.counts.spread.hits.documents,
            "families": found.counts.spread.hits.families,
            "shown": found.sample.iter().map(|row| row.set).collect::<Vec<SetId>>(),
        }),
    };
    let detail = json!({
        "within": terms.within,
        "terms": counted.first.iter().map(told).collect::<Vec<_>>(),
        "compared_with": counted.second.iter().map(told).collect::<Vec<_>>(),
        "documents": counted.totals.each_ref().map(|total| total.hits.documents),
        "families": counted.totals.each_ref().map(|total| total.hits.families),
        "seed": terms.seed,
        "behind": counted.behind,
        "index": {
            "cursor": counted.snapshot.cursor,
            "version": counted.snapshot.index_version,
            "tokenizer": counted.snapshot.tokenizer_version,
        },
    });
    let of = terms.first.len() + terms.second.len();
    let act = Act::new("search.report", terms.within.matter_id, format!("{of} terms"));
    let act = act.with(detail);
    audit::record(&search.catalog, &search.clock, actor, &act, Outcome::Done).await?;
    Ok(())
}

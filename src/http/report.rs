//! `/search/report`: what each term of a list finds, as JSON and as a table.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::csv::Table;
use super::error::{ApiError, ErrorInfo};
use super::guard::Signed;
use super::hit::Hit;
use super::holds::DateKind;
use super::input::Body;
use super::search::{Dialect, SearchRequest, Snapshot, ask};
use crate::index::report as index;
use crate::search;
use crate::search::report::{self, Counted, Line, Terms};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportRequest {
    /// Without one, the whole archive: that needs the archive-wide right.
    #[serde(default)]
    matter_id: Option<i64>,
    /// Each is a query of the dialect.
    terms: Vec<String>,
    /// A second list, to compare the first with.
    #[serde(default)]
    compared_with: Vec<String>,
    #[serde(default)]
    dialect: Dialect,
    /// First day, as `2026-01-31`, in the matter's zone.
    #[serde(default)]
    from: Option<String>,
    /// Last day.
    #[serde(default)]
    until: Option<String>,
    /// Which date the days and years are of: received unless said.
    #[serde(default)]
    date_kind: Option<DateKind>,
    #[serde(default)]
    custodian_id: Option<i64>,
    /// Families to show of each term, drawn at random.
    #[serde(default)]
    #[schema(maximum = 50)]
    sample: usize,
    /// What they are drawn by: the same draws the same.
    #[serde(default)]
    seed: u32,
}

#[derive(Serialize, ToSchema)]
pub struct Sizes {
    /// Messages and attachments, one each.
    documents: u64,
    /// Message sets, each with what is attached.
    families: u64,
}

/// A number of hits for each year that has any.
#[derive(Serialize, ToSchema)]
pub struct YearCount {
    year: i16,
    documents: u64,
}

/// How hits are spread.
#[derive(Serialize, ToSchema)]
pub struct Spread {
    hits: Sizes,
    /// All documents of those families.
    with_family: u64,
    years: Vec<YearCount>,
    /// Hits of families without that date.
    undated: u64,
    /// Hits of families in which each of `custodians` took part, in their order.
    by_custodian: Vec<u64>,
}

#[derive(Serialize, ToSchema)]
pub struct TermCounts {
    /// The term as it was understood.
    parsed: String,
    warnings: Vec<String>,
    spread: Spread,
    /// Hits that no other term of its list finds.
    unique: u64,
    /// How often its words and phrases stand in the hits; null where there are too many
    /// places to tell.
    occurrences: Option<u64>,
    sample: Vec<Hit>,
}

/// A term with what it finds, or why it cannot be read.
#[derive(Serialize, ToSchema)]
pub struct TermLine {
    term: String,
    counts: Option<TermCounts>,
    error: Option<ErrorInfo>,
}

/// A list of terms.
#[derive(Serialize, ToSchema)]
pub struct TermList {
    terms: Vec<TermLine>,
    /// What any of them finds, each document once. Terms with an error find nothing.
    total: Spread,
}

/// What two lists find.
#[derive(Serialize, ToSchema)]
pub struct Compared {
    only_first: Sizes,
    only_second: Sizes,
    both: Sizes,
}

#[derive(Serialize, ToSchema)]
pub struct Report {
    list: TermList,
    compared_with: Option<TermList>,
    compared: Option<Compared>,
    /// Of the matter.
    custodians: Vec<String>,
    date_kind: DateKind,
    /// In which the years begin and end.
    zone: String,
    snapshot: Snapshot,
    /// Deliveries that are not indexed yet.
    behind: u64,
    elapsed_ms: f64,
}

impl From<index::Sizes> for Sizes {
    fn from(index::Sizes { documents, families }: index::Sizes) -> Self {
        Self { documents, families }
    }
}

impl From<index::Spread> for Spread {
    fn from(spread: index::Spread) -> Self {
        let years = spread.years.into_iter();
        Self {
            hits: spread.hits.into(),
            with_family: spread.with_family,
            years: years.map(|(year, documents)| YearCount { year, documents }).collect(),
            undated: spread.undated,
            by_custodian: spread.custodians,
        }
    }
}

impl From<Line> for TermLine {
    fn from(Line { term, found }: Line) -> Self {
        match found {
            Ok(found) => Self {
                term,
                error: None,
                counts: Some(TermCounts {
                    parsed: found.parsed,
                    warnings: found.warnings,
                    spread: found.counts.spread.into(),
                    unique: found.counts.unique,
                    occurrences: found.counts.occurrences,
                    sample: found.sample.into_iter().map(Hit::from).collect(),
                }),
            },
            Err(error) => {
                let error = Some(ApiError::of_search(error, &term).into_info());
                Self { term, counts: None, error }
            }
        }
    }
}

impl From<Counted> for Report {
    fn from(counted: Counted) -> Self {
        let [first, second] = counted.totals;
        let list = |lines: Vec<Line>, total: index::Spread| TermList {
            terms: lines.into_iter().map(TermLine::from).collect(),
            total: total.into(),
        };
        let is_compared = !counted.second.is_empty();
        let [only_first, only_second, both] = counted.compared.map(Sizes::from);
        let compared = Compared { only_first, only_second, both };
        Self {
            list: list(counted.first, first),
            compared_with: is_compared.then(|| list(counted.second, second)),
            compared: is_compared.then_some(compared),
            custodians: counted.custodians,
            date_kind: match counted.date_kind {
                search::DateKind::Sent => DateKind::Sent,
                search::DateKind::Received => DateKind::Received,
            },
            zone: counted.zone,
            snapshot: counted.snapshot.into(),
            behind: counted.behind,
            elapsed_ms: counted.elapsed.as_secs_f64() * 1000.0,
        }
    }
}

fn terms(body: ReportRequest) -> Result<Terms, ApiError> {
    let within = SearchRequest {
        matter_id: body.matter_id,
        query: String::new(),
        dialect: body.dialect,
        from: body.from,
        until: body.until,
        date_kind: body.date_kind,
        sender: None,
        recipient: None,
        custodian_id: body.custodian_id,
        cursor: None,
        limit: None,
    };
    Ok(Terms {
        within: ask(within)?,
        first: body.terms,
        second: body.compared_with,
        sample: body.sample,
        seed: body.seed,
    })
}

/// What each term of a list finds, and what no other of them does.
#[utoipa::path(post, path = "/search/report", tag = "search", request_body = ReportRequest,
    responses((status = 200, body = Report)))]
pub async fn count_terms(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<ReportRequest>,
) -> Result<Json<Report>, ApiError> {
    let counted = report::report(&actor, &context.search, &terms(body)?)
        .await
        .map_err(|error| ApiError::of_search(error, ""))?;
    Ok(Json(counted.into()))
}

/// The same as a table (CSV, RFC 4180), a line a term, without samples.
#[utoipa::path(post, path = "/search/report/csv", tag = "search", request_body = ReportRequest,
    responses((status = 200, content_type = "text/csv", body = String)))]
pub async fn download_terms(
    State(context): State<Context>,
    Signed(actor): Signed,
    Body(body): Body<ReportRequest>,
) -> Result<impl IntoResponse, ApiError> {
    let terms = Terms { sample: 0, ..terms(body)? };
    let counted = report::report(&actor, &context.search, &terms)
        .await
        .map_err(|error| ApiError::of_search(error, ""))?;
    Ok(table(&counted.into()).into_file("terms.csv"))
}

fn table(report: &Report) -> Table {
    let lists = [Some(&report.list), report.compared_with.as_ref()];
    let lists: Vec<&TermList> = lists.into_iter().flatten().collect();
    let years: BTreeSet<i16> =
        lists.iter().flat_map(|list| &list.total.years).map(|it| it.year).collect();
    let mut titles: Vec<String> =
        ["list", "term", "hits", "hits with family", "families", "unique hits", "occurrences"]
            .map(str::to_owned)
            .to_vec();
    titles.extend(report.custodians.iter().cloned());
    titles.extend(years.iter().map(ToString::to_string));
    titles.extend(["without a date".to_owned(), "problem".to_owned()]);
    let mut table = Table::new(&titles);
    let number = |number: u64| number.to_string();
    let spread = |cells: &mut Vec<String>, spread: &Spread| {
        cells.extend(spread.by_custodian.iter().copied().map(number));
        cells.extend(years.iter().map(|year| {
            let found = spread.years.iter().find(|it| it.year == *year);
            number(found.map_or(0, |it| it.documents))
        }));
        cells.push(number(spread.undated));
    };
    for (list, name) in lists.iter().zip(["first", "second"]) {
        for line in &list.terms {
            let mut cells = vec![name.to_owned(), line.term.clone()];
            match &line.counts {
                Some(counts) => {
                    let TermCounts { spread: of, unique, occurrences, .. } = counts;
                    cells.extend([of.hits.documents, of.with_family, of.hits.families].map(number));
                    cells.push(number(*unique));
                    cells.push(occurrences.map_or(String::new(), number));
                    spread(&mut cells, of);
                    cells.push(String::new());
                }
                None => {
                    cells.resize(titles.len() - 1, String::new());
                    let problem = line.error.as_ref().map(|error| error.message.clone());
                    cells.push(problem.unwrap_or_default());
                }
            }
            table.row(&cells);
        }
        let total = &list.total;
        let mut cells = vec![name.to_owned(), "any of them".to_owned()];
        cells.extend([total.hits.documents, total.with_family, total.hits.families].map(number));
        cells.extend([String::new(), String::new()]);
        spread(&mut cells, total);
        cells.push(String::new());
        table.row(&cells);
    }
    table
}

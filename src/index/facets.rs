//! How the hits of a query are spread: over months, and over the values of columns.
//!
//! Values are counted by their ordinals in each segment, and only those that were met
//! are read from its dictionary: counts are exact over any number of hits. What is
//! counted for a value is what the query would find with that value joined by AND. So
//! types are counted over the documents that match, and all else over their families.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use tantivy::columnar::Column;
use tantivy::{Searcher, SegmentReader};

use super::bits::Bits;
use super::eval::{self, Deadline};
use super::plan::{self, Plan};
use super::schema::{self, Fields};
use super::{IndexError, Order, Scope};
use crate::base::limits::{FACET_VALUES_MAX, QUERY_PARTS_COUNTED_MAX, QUERY_PARTS_SECONDS_MAX};
use crate::query::ast::{Node, Query};
use crate::query::date::{Precision, When};
use crate::query::tree;

/// By what hits are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facet {
    Sender,
    /// Named by a header or an envelope, in any way.
    Recipient,
    /// Of everyone who took part.
    Domain,
    /// Media types and endings of attachments. That of messages is not counted: every
    /// family has one.
    Type,
    Language,
    Gap,
    Source,
    Class,
}

impl Facet {
    pub const ALL: [Self; 8] = [
        Self::Sender,
        Self::Recipient,
        Self::Domain,
        Self::Type,
        Self::Language,
        Self::Gap,
        Self::Source,
        Self::Class,
    ];

    fn column(self) -> &'static str {
        match self {
            Self::Sender => schema::SENDER,
            Self::Recipient => schema::RECIPIENT,
            Self::Domain => schema::DOMAIN,
            Self::Type => schema::ATTACHMENT_TYPE,
            Self::Language => schema::LANGUAGE,
            Self::Gap => schema::GAP,
            Self::Source => schema::SOURCE,
            Self::Class => schema::CLASS,
        }
    }
}

/// The values with the most families, and how many further ones there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    pub shown: Vec<(String, u64)>,
    pub more: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facets {
    pub families: u64,
    /// Those that have families, in order, as a query writes them: `2026-01`.
    pub months: Vec<(String, u64)>,
    /// Families without the date by which the months are.
    pub undated: u64,
    /// Of each facet in turn.
    pub values: Vec<(Facet, Values)>,
    /// Of each part of the query, as `query::tree` lists them, how many families it finds
    /// by itself; none where that would take long.
    pub parts: Vec<Option<u64>>,
}

/// Months are of the scope's date, in the query's zone.
pub(super) fn of(
    fields: &Fields,
    searcher: &Searcher,
    blocks: &[Arc<Bits>],
    query: &Query,
    scope: &Scope,
) -> Result<Facets, IndexError> {
    let plan = plan::plan(fields, query, scope)?;
    let mut months = Months { zone: &query.zone, counts: BTreeMap::new(), undated: 0, last: None };
    let mut counts: [HashMap<String, u64>; Facet::ALL.len()] = Default::default();
    let families = spread(searcher, blocks, &plan, scope.order, &mut months, &mut counts)?;
    let of_month = |((year, month), count)| (format!("{year:04}-{month:02}"), count);
    Ok(Facets {
        families,
        undated: months.undated,
        months: months.counts.into_iter().map(of_month).collect(),
        values: Facet::ALL.into_iter().zip(counts.map(most)).collect(),
        parts: parts(fields, searcher, blocks, query, scope)?,
    })
}

/// Counts all that the plan finds; gives how many families there are.
fn spread(
    searcher: &Searcher,
    blocks: &[Arc<Bits>],
    plan: &Plan,
    order: Order,
    months: &mut Months<'_>,
    counts: &mut [HashMap<String, u64>; Facet::ALL.len()],
) -> Result<u64, IndexError> {
    let deadline = Deadline::new();
    let mut families = 0;
    for (reader, starts) in searcher.segment_readers().iter().zip(blocks) {
        let found = eval::matching(reader, Arc::clone(starts), plan, deadline)?;
        families += found.families.count() as u64;
        let name = match order {
            Order::Received => schema::RECEIVED,
            Order::Sent => schema::SENT,
        };
        let dates: Column<i64> = reader.fast_fields().i64(name)?;
        found.families.iter().for_each(|doc| months.add(dates.first(doc)));
        for (facet, counts) in Facet::ALL.iter().zip(counts.iter_mut()) {
            deadline.check()?;
            let documents = match facet {
                Facet::Type => &found.documents,
                _ => &found.families,
            };
            count(reader, facet.column(), documents, &found.starts, counts)?;
        }
    }
    Ok(families)
}

/// How many families each part of the query finds.
fn parts(
    fields: &Fields,
    searcher: &Searcher,
    blocks: &[Arc<Bits>],
    query: &Query,
    scope: &Scope,
) -> Result<Vec<Option<u64>>, IndexError> {
    let deadline = Deadline::after(QUERY_PARTS_SECONDS_MAX);
    let count = |part: &Node| -> Result<u64, IndexError> {
        let query = Query { root: Some(part.clone()), ..query.clone() };
        let plan = plan::plan(fields, &query, scope)?;
        let mut families = 0;
        for (reader, starts) in searcher.segment_readers().iter().zip(blocks) {
            let found = eval::matching(reader, Arc::clone(starts), &plan, deadline)?;
            families += found.families.count() as u64;
        }
        Ok(families)
    };
    let mut counts = Vec::new();
    for part in tree::parts(query) {
        let is_counted = counts.len() < QUERY_PARTS_COUNTED_MAX;
        counts.push(match is_counted.then(|| count(part)) {
            None | Some(Err(IndexError::Refused { .. })) => None,
            Some(count) => Some(count?),
        });
    }
    Ok(counts)
}

/// Adds to `counts` in how many families the documents have each value.
fn count(
    reader: &SegmentReader,
    name: &str,
    documents: &Bits,
    starts: &Bits,
    counts: &mut HashMap<String, u64>,
) -> Result<(), IndexError> {
    // A segment in which nothing has a value has no column.
    let Some(column) = reader.fast_fields().str(name)? else { return Ok(()) };
    let mut of_ords = vec![0u64; column.num_terms()];
    let mut add = |family: &mut Vec<u64>| {
        family.sort_unstable();
        family.dedup();
        family.drain(..).for_each(|ord| of_ords[ord as usize] += 1);
    };
    let mut starts = starts.iter().peekable();
    let mut family = Vec::new();
    for doc in documents.iter() {
        let mut is_another = false;
        while starts.next_if(|start| *start <= doc).is_some() {
            is_another = true;
        }
        if is_another {
            add(&mut family);
        }
        family.extend(column.term_ords(doc));
    }
    add(&mut family);
    let met = || of_ords.iter().zip(0u64..).filter(|(count, _)| **count > 0);
    let ords: Vec<u64> = met().map(|(_, ord)| ord).collect();
    let mut families = met().map(|(count, _)| *count);
    let are_all = column.dictionary().sorted_ords_to_term_cb(&ords, |value| {
        let value = String::from_utf8_lossy(value).into_owned();
        *counts.entry(value).or_default() += families.next().unwrap_or(0);
    })?;
    match are_all {
        true => Ok(()),
        false => Err(IndexError::Corrupt(format!("the column {name} lacks values"))),
    }
}

/// The most first; of as many, by their letters.
fn most(counts: HashMap<String, u64>) -> Values {
    let by = |(a, many): &(String, u64), (b, others): &(String, u64)| {
        others.cmp(many).then_with(|| a.cmp(b))
    };
    let mut shown: Vec<(String, u64)> = counts.into_iter().collect();
    let more = shown.len().saturating_sub(FACET_VALUES_MAX);
    if more > 0 {
        shown.select_nth_unstable_by(FACET_VALUES_MAX, by);
        shown.truncate(FACET_VALUES_MAX);
    }
    shown.sort_unstable_by(by);
    Values { shown, more: more as u64 }
}

type Month = (i16, i8);

struct Months<'a> {
    zone: &'a TimeZone,
    counts: BTreeMap<Month, u64>,
    undated: u64,
    /// The month that was met last, and its instants: the next family is often of it.
    last: Option<(Range<i64>, Month)>,
}

impl Months<'_> {
    fn add(&mut self, at: Option<i64>) {
        match at.and_then(|at| self.month(at)) {
            Some(month) => *self.counts.entry(month).or_default() += 1,
            None => self.undated += 1,
        }
    }

    /// None beyond the years that a query can name.
    fn month(&mut self, at: i64) -> Option<Month> {
        if let Some((instants, month)) = &self.last
            && instants.contains(&at)
        {
            return Some(*month);
        }
        let date = self.zone.to_datetime(jiff::Timestamp::from_microsecond(at).ok()?).date();
        let first = Date::new(date.year(), date.month(), 1).ok()?;
        When::day(first)?;
        let start = first.to_datetime(Time::midnight());
        let month = When { start, precision: Precision::Month, offset: None };
        let (from, until) = month.instants(self.zone);
        let named = (date.year(), date.month());
        self.last = Some((from.0..until.0, named));
        Some(named)
    }
}

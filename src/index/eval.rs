//! A plan evaluated over one segment: every document that matches, exactly.
//!
//! Not tantivy's queries and collectors: what is asked for is always the whole
//! set, so each step yields a set of documents and passes it on as the only
//! ones that the next need look at. Dear steps (positions, wildcards) come last
//! and see few.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tantivy::columnar::Column;
use tantivy::postings::TermInfo;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, InvertedIndexReader, SegmentReader, TERMINATED};

use super::IndexError;
use super::bits::Bits;
use super::plan::{Expr, Slot, Spans, refused};
use super::schema;
use super::spans::Prepared;
use crate::base::limits::{QUERY_EXPANSIONS_MAX, SEARCH_SECONDS_MAX};

/// When a search gives up.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub fn new() -> Self {
        Self(Instant::now() + Duration::from_secs(SEARCH_SECONDS_MAX))
    }

    pub fn check(self) -> Result<(), IndexError> {
        if Instant::now() <= self.0 {
            return Ok(());
        }
        let message = format!("the search takes more than {SEARCH_SECONDS_MAX} seconds");
        Err(refused(&message, "use fewer words with * at their start, or narrow the dates"))
    }
}

pub(super) fn matching(
    reader: &SegmentReader,
    expr: &Expr,
    deadline: Deadline,
) -> Result<Bits, IndexError> {
    let mut alive = Bits::all(reader.max_doc());
    if reader.has_deletes() {
        alive = Bits::none(reader.max_doc());
        reader.doc_ids_alive().for_each(|doc| alive.insert(doc));
    }
    Segment { reader, deadline }.within(expr, &alive)
}

struct Segment<'a> {
    reader: &'a SegmentReader,
    deadline: Deadline,
}

impl Segment<'_> {
    /// The documents among `those` that match.
    fn within(&self, expr: &Expr, those: &Bits) -> Result<Bits, IndexError> {
        self.deadline.check()?;
        let deadline = self.deadline;
        match expr {
            Expr::All => Ok(those.clone()),
            Expr::And(all) => {
                let mut all: Vec<&Expr> = all.iter().collect();
                all.sort_by_key(|expr| dearness(expr));
                let mut left = those.clone();
                for expr in all {
                    if left.is_empty() {
                        break;
                    }
                    left = self.within(expr, &left)?;
                }
                Ok(left)
            }
            Expr::Or(any) => {
                let mut found = Bits::none(those.len());
                for expr in any {
                    found.or(&self.within(expr, those)?);
                }
                Ok(found)
            }
            Expr::Not(expr) => {
                let mut left = those.clone();
                left.and_not(&self.within(expr, those)?);
                Ok(left)
            }
            Expr::Words(fields, spans) => self.any_field(fields, those, |inverted| {
                Prepared::new(inverted, spans, deadline)?.matching(inverted, those, deadline)
            }),
            Expr::Whole(fields, slot) => self.any_field(fields, those, |inverted| {
                let mut found = Bits::none(those.len());
                add_terms(inverted, &expand(inverted, slot, deadline)?, those, &mut found)?;
                Ok(found)
            }),
            Expr::AnyOf(field, terms) => self.any_field(&[*field], those, |inverted| {
                let mut found = Bits::none(those.len());
                for term in terms {
                    let info = inverted.terms().get(term.as_bytes())?;
                    add_terms(inverted, info.as_slice(), those, &mut found)?;
                }
                Ok(found)
            }),
            Expr::Column { name, from, until } => self.column(name, *from, *until, those),
        }
    }

    fn any_field(
        &self,
        fields: &[Field],
        those: &Bits,
        matching: impl Fn(&Arc<InvertedIndexReader>) -> Result<Bits, IndexError>,
    ) -> Result<Bits, IndexError> {
        let mut found = Bits::none(those.len());
        for field in fields {
            found.or(&matching(&self.reader.inverted_index(*field)?)?);
        }
        Ok(found)
    }

    fn column(
        &self,
        name: &str,
        from: Option<i64>,
        until: Option<i64>,
        those: &Bits,
    ) -> Result<Bits, IndexError> {
        let columns = self.reader.fast_fields();
        let passes = |value: i64| {
            from.is_none_or(|from| value >= from) && until.is_none_or(|until| value < until)
        };
        let mut found = Bits::none(those.len());
        let mut add = |doc, value: Option<i64>| {
            if value.is_some_and(passes) {
                found.insert(doc);
            }
        };
        if matches!(name, schema::SIZE | schema::ATTACHMENTS | schema::UNPROVEN) {
            let column: Column<u64> = columns.u64(name)?;
            let value = |value| i64::try_from(value).unwrap_or(i64::MAX);
            those.iter().for_each(|doc| add(doc, column.first(doc).map(value)));
        } else {
            let column: Column<i64> = columns.i64(name)?;
            those.iter().for_each(|doc| add(doc, column.first(doc)));
        }
        Ok(found)
    }
}

/// The order in which the parts of an AND are evaluated.
fn dearness(expr: &Expr) -> u8 {
    let is_glob = |slot: &Slot| matches!(slot, Slot::Glob(_));
    match expr {
        Expr::AnyOf(..) | Expr::Whole(_, Slot::Exact(_)) => 0,
        Expr::Words(_, Spans::Slots(slots)) if !slots.iter().any(is_glob) => {
            if slots.len() == 1 {
                0
            } else {
                2
            }
        }
        Expr::All | Expr::Column { .. } => 1,
        Expr::Words(_, Spans::Near { .. }) => 3,
        Expr::And(parts) => parts.iter().map(dearness).min().unwrap_or(0),
        Expr::Or(parts) => parts.iter().map(dearness).max().unwrap_or(0),
        Expr::Words(..) | Expr::Whole(..) => 4,
        Expr::Not(_) => 5,
    }
}

/// The terms of this segment that a slot stands for. Too many are an error and
/// never a part of them.
pub(super) fn expand(
    inverted: &InvertedIndexReader,
    slot: &Slot,
    deadline: Deadline,
) -> Result<Vec<TermInfo>, IndexError> {
    let glob = match slot {
        Slot::Exact(term) => {
            return Ok(inverted.terms().get(term.as_bytes())?.into_iter().collect());
        }
        Slot::Glob(glob) => glob,
    };
    let prefix = glob.prefix().as_bytes();
    let mut terms = inverted.terms().range().ge(prefix).into_stream()?;
    let mut found = Vec::new();
    let mut seen = 0u32;
    while terms.advance() {
        seen = seen.wrapping_add(1);
        if seen.is_multiple_of(4096) {
            deadline.check()?;
        }
        if !terms.key().starts_with(prefix) {
            break;
        }
        let is_match = glob.is_prefix()
            || std::str::from_utf8(terms.key()).is_ok_and(|term| glob.matches(term));
        if is_match {
            if found.len() == QUERY_EXPANSIONS_MAX {
                let message =
                    format!("a wildcard stands for more than {QUERY_EXPANSIONS_MAX} words");
                return Err(refused(&message, "write more of the word's letters"));
            }
            found.push(terms.value().clone());
        }
    }
    Ok(found)
}

/// Adds the documents among `those` that hold any of the terms.
pub(super) fn add_terms(
    inverted: &InvertedIndexReader,
    terms: &[TermInfo],
    those: &Bits,
    found: &mut Bits,
) -> Result<(), IndexError> {
    // Blocks of 128 are skipped whole when few documents are left.
    let few = those.count().saturating_mul(64);
    for info in terms {
        if info.doc_freq as usize > few {
            let mut postings =
                inverted.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
            for doc in those.iter() {
                if postings.doc() < doc && postings.seek(doc) == TERMINATED {
                    break;
                }
                if postings.doc() == doc {
                    found.insert(doc);
                }
            }
            continue;
        }
        let mut postings =
            inverted.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?;
        while !postings.docs().is_empty() {
            for doc in postings.docs() {
                if those.contains(*doc) {
                    found.insert(*doc);
                }
            }
            postings.advance();
        }
    }
    Ok(())
}

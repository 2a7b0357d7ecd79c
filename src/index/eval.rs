//! A plan evaluated over one segment: every document that matches, exactly.
//!
//! Not tantivy's queries and collectors: what is asked for is always the whole
//! set, so each step yields a set of documents and passes it on as the only
//! ones that the next need look at. Dear steps (positions, wildcards) come last
//! and see few.
//!
//! A family is a block of documents, its message first. Where a query joins words of
//! a family, sets are of messages, and each leaf that looks into documents is lifted
//! to theirs; where it joins words of a document, sets are of documents, and what
//! the message carries is spread over its block.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tantivy::columnar::Column;
use tantivy::postings::TermInfo;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, InvertedIndexReader, SegmentReader, TERMINATED};

use super::IndexError;
use super::bits::Bits;
use super::near::Tree;
use super::plan::{Expr, Plan, Spans, refused};
use super::schema;
use super::slot::{Many, Slot};
use super::spans::Prepared;
use crate::base::ids::SetId;
use crate::base::limits::{QUERY_EXPANSIONS_MAX, SEARCH_SECONDS_MAX};
use crate::query::ast::Unit;

/// When a search gives up.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub fn new() -> Self {
        Self::after(SEARCH_SECONDS_MAX)
    }

    pub fn after(seconds: u64) -> Self {
        Self(Instant::now() + Duration::from_secs(seconds))
    }

    pub fn check(self) -> Result<(), IndexError> {
        if Instant::now() <= self.0 {
            return Ok(());
        }
        let message = format!("the search takes more than {SEARCH_SECONDS_MAX} seconds");
        Err(refused(&message, "use fewer words with * at their start, or narrow the dates"))
    }
}

/// What matches in one segment.
pub(super) struct Found {
    /// The messages of the families.
    pub families: Bits,
    /// The documents: of a query over families, all of them.
    pub documents: Bits,
    /// Where families begin.
    pub starts: Arc<Bits>,
}

impl Found {
    /// Of each family in turn, how many of its documents were found.
    pub fn documents_in_families(&self) -> impl Iterator<Item = u32> + '_ {
        let mut documents = self.documents.iter().peekable();
        let mut starts = self.starts.iter().peekable();
        self.families.iter().map(move |family| {
            while starts.next_if(|start| *start <= family).is_some() {}
            let end = starts.peek().copied().unwrap_or(u32::MAX);
            let mut count = 0;
            while documents.next_if(|doc| *doc < end).is_some() {
                count += 1;
            }
            count
        })
    }
}

pub(super) fn matching(
    reader: &SegmentReader,
    starts: Arc<Bits>,
    plan: &Plan,
    deadline: Deadline,
) -> Result<Found, IndexError> {
    let segment = Segment::new(reader, starts, deadline);
    let (families, documents) = match plan.unit {
        Unit::Family => {
            let families = segment.within(&plan.expr, &segment.messages, plan.unit)?;
            let documents = segment.documents_of(&families).into_owned();
            (families, documents)
        }
        Unit::Document => {
            let documents = segment.within(&plan.expr, &segment.alive, plan.unit)?;
            (documents.lifted(&segment.starts), documents)
        }
    };
    Ok(Found { families, documents, starts: segment.starts })
}

/// How many families a segment holds.
pub(super) fn families(reader: &SegmentReader, starts: &Bits) -> u64 {
    starts.iter().filter(|doc| !reader.is_deleted(*doc)).count() as u64
}

pub(super) struct Segment<'a> {
    reader: &'a SegmentReader,
    deadline: Deadline,
    /// All documents that were not taken out.
    alive: Bits,
    /// The messages among them.
    messages: Bits,
    /// Where families begin, those that were taken out too.
    starts: Arc<Bits>,
}

impl<'a> Segment<'a> {
    pub fn new(reader: &'a SegmentReader, starts: Arc<Bits>, deadline: Deadline) -> Self {
        let mut alive = Bits::all(reader.max_doc());
        if reader.has_deletes() {
            alive = Bits::none(reader.max_doc());
            reader.doc_ids_alive().for_each(|doc| alive.insert(doc));
        }
        let mut messages = Bits::clone(&starts);
        messages.and(&alive);
        Self { reader, deadline, alive, messages, starts }
    }

    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// At how many places of these documents the spans are found, in all of the fields.
    pub fn occurrences(
        &self,
        fields: &[Field],
        spans: &Spans,
        those: &Bits,
    ) -> Result<u64, IndexError> {
        let mut count = 0;
        for field in fields {
            let inverted = self.reader.inverted_index(*field)?;
            let prepared = Prepared::new(&inverted, spans, self.deadline)?;
            count += prepared.occurrences(&inverted, those, self.deadline)?;
        }
        Ok(count)
    }

    /// All documents of the families that match.
    pub fn all_within(&self, expr: &Expr) -> Result<Bits, IndexError> {
        Ok(self.documents_of(&self.within(expr, &self.messages, Unit::Family)?).into_owned())
    }

    /// A family is put and taken out as a whole: all of its documents are there.
    fn documents_of(&self, families: &Bits) -> Cow<'_, Bits> {
        match *families == self.messages {
            true => Cow::Borrowed(&self.alive),
            false => Cow::Owned(families.spread(&self.starts)),
        }
    }

    /// What looks into documents, whether `those` are documents or families.
    fn leaf(
        &self,
        those: &Bits,
        unit: Unit,
        matching: impl Fn(&Bits) -> Result<Bits, IndexError>,
    ) -> Result<Bits, IndexError> {
        match unit {
            Unit::Document => matching(those),
            Unit::Family => Ok(matching(&self.documents_of(those))?.lifted(&self.starts)),
        }
    }

    /// The members of `those`, which are of the unit, that match.
    pub fn within(&self, expr: &Expr, those: &Bits, unit: Unit) -> Result<Bits, IndexError> {
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
                    left = self.within(expr, &left, unit)?;
                }
                Ok(left)
            }
            Expr::Or(any) => {
                let mut found = Bits::none(those.len());
                for expr in any {
                    found.or(&self.within(expr, those, unit)?);
                }
                Ok(found)
            }
            Expr::Not(expr) => {
                let mut left = those.clone();
                left.and_not(&self.within(expr, those, unit)?);
                Ok(left)
            }
            Expr::Family(expr) => match unit {
                Unit::Family => self.within(expr, those, unit),
                Unit::Document => {
                    let families = those.lifted(&self.starts);
                    let found = self.within(expr, &families, Unit::Family)?;
                    let mut found = self.documents_of(&found).into_owned();
                    found.and(those);
                    Ok(found)
                }
            },
            Expr::Words(fields, spans) => self.leaf(those, unit, |documents| {
                self.any_field(fields, documents, |inverted| {
                    let prepared = Prepared::new(inverted, spans, deadline)?;
                    prepared.matching(inverted, documents, deadline)
                })
            }),
            Expr::Whole(fields, slot) => self.leaf(those, unit, |documents| {
                self.any_field(fields, documents, |inverted| {
                    let mut found = Bits::none(documents.len());
                    let terms = expand(inverted, slot, deadline)?;
                    add_terms(inverted, &terms, documents, &mut found)?;
                    Ok(found)
                })
            }),
            Expr::AnyOf(field, terms) => self.any_field(&[*field], those, |inverted| {
                let mut found = Bits::none(those.len());
                for term in terms {
                    let info = inverted.terms().get(term.as_bytes())?;
                    add_terms(inverted, info.as_slice(), those, &mut found)?;
                }
                Ok(found)
            }),
            Expr::Sets(sets) => {
                let column = self.reader.fast_fields().u64(schema::SET)?;
                let mut found = Bits::none(those.len());
                for doc in those.iter() {
                    let set = column.first(doc).map(|set| SetId(set.cast_signed()));
                    if set.is_some_and(|set| sets.binary_search(&set).is_ok()) {
                        found.insert(doc);
                    }
                }
                Ok(found)
            }
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
            for doc in those.iter() {
                column.values_for_doc(doc).for_each(|value| add(doc, Some(value)));
            }
        }
        Ok(found)
    }
}

/// The order in which the parts of an AND are evaluated.
fn dearness(expr: &Expr) -> u8 {
    let is_many = |slot: &Slot| matches!(slot, Slot::Many(..));
    match expr {
        Expr::Family(expr) => dearness(expr),
        Expr::AnyOf(..) | Expr::Whole(_, Slot::Exact(_)) => 0,
        Expr::Words(_, Tree::Row(slots)) if !slots.iter().any(is_many) => {
            if slots.len() == 1 {
                0
            } else {
                2
            }
        }
        Expr::All | Expr::Sets(_) | Expr::Column { .. } => 1,
        Expr::Words(_, Tree::Near { .. }) => 3,
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
    let (many, written) = match slot {
        Slot::Exact(term) => {
            return Ok(inverted.terms().get(term.as_bytes())?.into_iter().collect());
        }
        Slot::Many(many, written) => (many, written),
    };
    let mut found = Vec::new();
    each_term(inverted, many, deadline, |_, info| {
        if found.len() == QUERY_EXPANSIONS_MAX {
            let shown: String = written.chars().take(40).collect();
            let message = format!("`{shown}` stands for more than {QUERY_EXPANSIONS_MAX} words");
            return Err(refused(&message, "write more of the word's letters"));
        }
        found.push(info.clone());
        Ok(true)
    })?;
    Ok(found)
}

/// Calls `found` with each term of this segment that fits, in their order, until it
/// says that this is enough.
pub(super) fn each_term(
    inverted: &InvertedIndexReader,
    many: &Many,
    deadline: Deadline,
    mut found: impl FnMut(&str, &TermInfo) -> Result<bool, IndexError>,
) -> Result<(), IndexError> {
    let prefix = many.prefix().as_bytes();
    let (first, last) = many.first_bytes();
    let begin = if prefix.is_empty() { vec![first] } else { prefix.to_vec() };
    let mut terms = inverted.terms().range().ge(begin).into_stream()?;
    let mut seen = 0u32;
    while terms.advance() {
        seen = seen.wrapping_add(1);
        if seen.is_multiple_of(4096) {
            deadline.check()?;
        }
        let key = terms.key();
        if !key.starts_with(prefix) || key.first().is_some_and(|byte| *byte > last) {
            break;
        }
        let Ok(term) = std::str::from_utf8(key) else { continue };
        if (many.is_prefix() || many.matches(term)) && !found(term, terms.value())? {
            break;
        }
    }
    Ok(())
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

//! What each of several terms finds, and what no other of them does: the counts by
//! which two sides negotiate terms.
//!
//! Counted are documents, a message and each of its attachments being one. A document is
//! a hit of a term if the term finds its family and a part of the term that is not
//! negated holds for the document itself. What the message carries for its family, like
//! its sender, holds for all of its documents.

mod spread;

use std::sync::Arc;

use tantivy::{Searcher, SegmentReader};

use super::bits::Bits;
use super::eval::{self, Deadline, Found, Segment};
use super::plan::{self, Expr, Plan};
use super::schema::Fields;
use super::{IndexError, Scope};
use crate::base::ids::SetId;
use crate::base::limits::REPORT_SECONDS_MAX;
use crate::query::ast::{Query, Unit};

use spread::{Sample, Spreader, View};
pub use spread::{Sizes, Spread};

/// What is to be counted.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Within what: filters, as a query.
    pub base: (Query, Scope),
    pub terms: Vec<(Query, Scope)>,
    /// So many of them are the first list; those after it are another, to be compared.
    pub first: usize,
    /// The addresses of each.
    pub custodians: Vec<Vec<String>>,
    /// Families to draw for each term; the same seed draws the same.
    pub sample: usize,
    pub seed: u64,
}

/// Of one term.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub spread: Spread,
    /// Documents that no other term of its list finds.
    pub unique: u64,
    /// Places in those documents at which its words and phrases stand; none where there
    /// are too many to tell.
    pub occurrences: Option<u64>,
    pub sample: Vec<SetId>,
}

#[derive(Debug, Default)]
pub struct Report {
    /// In the order asked; a term that the engine refuses finds nothing here.
    pub terms: Vec<Result<Counts, IndexError>>,
    /// Of each list, what any of its terms finds, each document once.
    pub totals: [Spread; 2],
    /// What the first list finds alone, the second alone, and both.
    pub compared: [Sizes; 3],
}

struct Term {
    plan: Plan,
    counts: Counts,
    sample: Sample,
}

pub(super) fn of(
    fields: &Fields,
    searcher: &Searcher,
    blocks: &[Arc<Bits>],
    asked: &Asked,
) -> Result<Report, IndexError> {
    let deadline = Deadline::after(REPORT_SECONDS_MAX);
    let base = plan::plan(fields, &asked.base.0, &asked.base.1)?;
    let spreader = Spreader::new(fields, &asked.base, &asked.custodians);
    let mut terms: Vec<_> =
        asked.terms.iter().map(|(query, scope)| Term::new(fields, query, scope, asked)).collect();
    let (mut totals, mut compared) = (<[Spread; 2]>::default(), <[Sizes; 3]>::default());
    for (reader, starts) in searcher.segment_readers().iter().zip(blocks) {
        let segment = Segment::new(reader, Arc::clone(starts), deadline);
        let within = eval::matching(reader, Arc::clone(starts), &base, deadline)?.families;
        let view = spreader.view(reader, &segment, starts)?;
        let mut lists = [List::new(&within), List::new(&within)];
        let mut hits = Vec::with_capacity(terms.len());
        for (at, term) in terms.iter_mut().enumerate() {
            let found = match term {
                Ok(one) => one.count((reader, &segment), &within, &view),
                Err(_) => Ok(Bits::none(within.len())),
            };
            let found = match found {
                Ok(found) => found,
                Err(error @ IndexError::Refused { .. }) => {
                    *term = Err(error);
                    Bits::none(within.len())
                }
                Err(error) => return Err(error),
            };
            lists[usize::from(at >= asked.first)].add(&found);
            hits.push(found);
        }
        for (at, (term, mut alone)) in terms.iter_mut().zip(hits).enumerate() {
            let list = &lists[usize::from(at >= asked.first)];
            alone.and_not(&list.repeated);
            if let Ok(term) = term {
                term.counts.unique += alone.count() as u64;
            }
        }
        let [first, second] = lists.map(|list| list.any);
        totals[0].add(&view, &first);
        totals[1].add(&view, &second);
        for (sizes, documents) in compared.iter_mut().zip(compare(&first, &second)) {
            sizes.add(&documents, &documents.lifted(starts));
        }
    }
    let terms = terms.into_iter().map(|term| term.map(Term::counted)).collect();
    Ok(Report { terms, totals, compared })
}

/// The documents that a list's terms find in a segment.
struct List {
    any: Bits,
    /// By more than one of them.
    repeated: Bits,
}

impl List {
    fn new(like: &Bits) -> Self {
        Self { any: Bits::none(like.len()), repeated: Bits::none(like.len()) }
    }

    fn add(&mut self, found: &Bits) {
        let mut again = found.clone();
        again.and(&self.any);
        self.repeated.or(&again);
        self.any.or(found);
    }
}

/// What the one has alone, the other alone, and both.
fn compare(first: &Bits, second: &Bits) -> [Bits; 3] {
    let (mut alone, mut other, mut both) = (first.clone(), second.clone(), first.clone());
    alone.and_not(second);
    other.and_not(first);
    both.and(second);
    [alone, other, both]
}

impl Term {
    fn new(
        fields: &Fields,
        query: &Query,
        scope: &Scope,
        asked: &Asked,
    ) -> Result<Self, IndexError> {
        let plan = plan::plan(fields, query, scope)?;
        let counts = Counts { occurrences: Some(0), ..Counts::default() };
        Ok(Self { plan, counts, sample: Sample::new(asked.seed, asked.sample) })
    }

    /// Adds what it finds in a segment; gives the documents.
    fn count(
        &mut self,
        (reader, segment): (&SegmentReader, &Segment<'_>),
        within: &Bits,
        view: &View<'_>,
    ) -> Result<Bits, IndexError> {
        let starts = Arc::clone(view.starts);
        let mut found = eval::matching(reader, starts, &self.plan, segment.deadline())?;
        found.families.and(within);
        let hits = self.hits(segment, found)?;
        self.counts.spread.add(view, &hits);
        self.sample.draw(view, &hits.lifted(view.starts));
        self.counts.occurrences = match self.counts.occurrences {
            None => None,
            Some(before) => match occurrences(segment, self.plan.asked(), &hits) {
                Ok(more) => Some(before + more),
                // Where they stand is dear to tell of this one; that it is found is not.
                Err(IndexError::Refused { .. }) => None,
                Err(error) => return Err(error),
            },
        };
        Ok(hits)
    }

    /// The documents that are hits, of those in the families.
    fn hits(&self, segment: &Segment<'_>, found: Found) -> Result<Bits, IndexError> {
        let documents = found.families.spread(&found.starts);
        let mut leaves = Vec::new();
        positive(self.plan.asked(), &mut leaves);
        Ok(match self.plan.unit {
            Unit::Document => {
                let mut hits = found.documents;
                hits.and(&documents);
                hits
            }
            // Found by what is absent.
            Unit::Family if leaves.is_empty() => documents,
            Unit::Family => {
                let any = Expr::Or(leaves.into_iter().cloned().collect());
                segment.within(&any, &documents, Unit::Document)?
            }
        })
    }

    fn counted(self) -> Counts {
        Counts { sample: self.sample.drawn(), ..self.counts }
    }
}

/// The parts that are not negated.
fn positive<'a>(expr: &'a Expr, leaves: &mut Vec<&'a Expr>) {
    match expr {
        Expr::And(all) | Expr::Or(all) => all.iter().for_each(|expr| positive(expr, leaves)),
        Expr::Not(_) | Expr::All => {}
        leaf => leaves.push(leaf),
    }
}

fn occurrences(segment: &Segment<'_>, expr: &Expr, those: &Bits) -> Result<u64, IndexError> {
    let mut leaves = Vec::new();
    positive(expr, &mut leaves);
    let mut count = 0;
    for mut leaf in leaves {
        if let Expr::Family(of_message) = leaf {
            leaf = of_message;
        }
        if let Expr::Words(fields, spans) = leaf {
            count += segment.occurrences(fields, spans, those)?;
        }
    }
    Ok(count)
}

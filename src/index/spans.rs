//! [`super::near`] over a segment's postings: the documents of which a field has
//! such a place, exactly.

use std::collections::HashSet;

use tantivy::postings::{Postings, SegmentPostings, TermInfo};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, InvertedIndexReader};

use super::IndexError;
use super::bits::Bits;
use super::eval::{Deadline, add_terms, expand};
use super::near::{Exact, Place, Plain, Tree};
use super::plan::{Spans, refused};
use super::slot::Slot;
use crate::base::limits::QUERY_POSITIONS_MAX;
use crate::query::ast::Relation;

/// [`Spans`] with the terms of one segment's field.
pub(super) struct Prepared {
    tree: Tree<Vec<Vec<TermInfo>>>,
    /// Two sides of a proximity ask for the same term.
    is_shared: bool,
}

/// Asked for documents in ascending order.
type Cursor = Tree<Vec<Places>>;

impl Prepared {
    pub fn new(
        inverted: &InvertedIndexReader,
        spans: &Spans,
        deadline: Deadline,
    ) -> Result<Self, IndexError> {
        let tree = spans.try_map(&mut |slots| expand_all(inverted, slots, deadline))?;
        let is_shared = terms_of(&tree).is_none();
        Ok(Self { tree, is_shared })
    }

    /// The documents among `those` that have such a place.
    pub fn matching(
        &self,
        inverted: &InvertedIndexReader,
        those: &Bits,
        deadline: Deadline,
    ) -> Result<Bits, IndexError> {
        let mut found = candidates(&self.tree, inverted, those)?;
        if !needs_positions(&self.tree) || found.is_empty() {
            return Ok(found);
        }
        let mut missed = Bits::none(found.len());
        self.each(inverted, &found, deadline, true, |doc, places| {
            if places == 0 {
                missed.insert(doc);
            }
        })?;
        found.and_not(&missed);
        Ok(found)
    }

    /// At how many places of these documents it is.
    pub fn occurrences(
        &self,
        inverted: &InvertedIndexReader,
        those: &Bits,
        deadline: Deadline,
    ) -> Result<u64, IndexError> {
        // Of one word alone the index has the counts, however many it stands for.
        if let Tree::Row(row) = &self.tree
            && let [terms] = &row[..]
        {
            return frequencies(inverted, terms, those);
        }
        let found = candidates(&self.tree, inverted, those)?;
        let mut count = 0;
        self.each(inverted, &found, deadline, false, |_, places| count += places as u64)?;
        Ok(count)
    }

    /// Tells of each document at how many places it is, or that it is at any.
    fn each(
        &self,
        inverted: &InvertedIndexReader,
        those: &Bits,
        deadline: Deadline,
        is_any_enough: bool,
        mut tell: impl FnMut(u32, usize),
    ) -> Result<(), IndexError> {
        let open = &mut |terms: &Vec<Vec<TermInfo>>| -> Result<Vec<Places>, IndexError> {
            terms.iter().map(|terms| Places::new(inverted, terms, those)).collect()
        };
        let mut cursor = self.tree.try_map(open)?;
        for (doc, seen) in those.iter().zip(0u32..) {
            if seen.is_multiple_of(256) {
                deadline.check()?;
            }
            let places = match self.is_shared {
                true => places::<Exact>(&mut cursor, doc, is_any_enough)?,
                false => places::<Plain>(&mut cursor, doc, is_any_enough)?,
            };
            tell(doc, places);
        }
        Ok(())
    }
}

fn places<P: Place>(
    cursor: &mut Cursor,
    doc: u32,
    is_any_enough: bool,
) -> Result<usize, IndexError> {
    let places: Vec<P> = cursor.places(&mut |slots| phrase(slots, doc), is_any_enough)?;
    Ok(places.len())
}

/// How often the terms stand in these documents.
fn frequencies(
    inverted: &InvertedIndexReader,
    terms: &[TermInfo],
    those: &Bits,
) -> Result<u64, IndexError> {
    let mut count = 0;
    for info in terms {
        let option = IndexRecordOption::WithFreqs;
        let mut postings = inverted.read_postings_from_terminfo(info, option)?;
        let mut doc = postings.doc();
        while doc != tantivy::TERMINATED {
            if those.contains(doc) {
                count += u64::from(postings.term_freq());
            }
            doc = postings.advance();
        }
    }
    Ok(count)
}

/// The terms of a tree, by where their postings are; none where two sides of a
/// proximity in it share one.
fn terms_of(tree: &Tree<Vec<Vec<TermInfo>>>) -> Option<HashSet<usize>> {
    match tree {
        Tree::Row(row) => Some(row.iter().flatten().map(|it| it.postings_range.start).collect()),
        Tree::Or(any) => {
            let mut all = HashSet::new();
            for it in any {
                all.extend(terms_of(it)?);
            }
            Some(all)
        }
        Tree::Near { sides, .. } => {
            let mut left = terms_of(&sides.0)?;
            let right = terms_of(&sides.1)?;
            if right.iter().any(|term| !left.insert(*term)) {
                return None;
            }
            Some(left)
        }
    }
}

fn needs_positions(tree: &Tree<Vec<Vec<TermInfo>>>) -> bool {
    match tree {
        Tree::Row(row) => row.len() > 1,
        Tree::Or(any) => any.iter().any(needs_positions),
        Tree::Near { .. } => true,
    }
}

/// The documents that have all the terms, wherever.
fn candidates(
    tree: &Tree<Vec<Vec<TermInfo>>>,
    inverted: &InvertedIndexReader,
    those: &Bits,
) -> Result<Bits, IndexError> {
    match tree {
        Tree::Row(row) => {
            let mut slots: Vec<_> = row.iter().collect();
            // The rarest first.
            slots.sort_by_key(|terms| terms.iter().map(|it| u64::from(it.doc_freq)).sum::<u64>());
            let mut left: Option<Bits> = None;
            for terms in slots {
                let mut found = Bits::none(those.len());
                add_terms(inverted, terms, left.as_ref().unwrap_or(those), &mut found)?;
                left = Some(found);
            }
            Ok(left.unwrap_or_else(|| Bits::none(those.len())))
        }
        Tree::Or(any) => {
            let mut found = Bits::none(those.len());
            for it in any {
                found.or(&candidates(it, inverted, those)?);
            }
            Ok(found)
        }
        Tree::Near { relation, sides, .. } => {
            let left = candidates(&sides.0, inverted, those)?;
            match relation {
                // The right side need not be there.
                Relation::NotWithin => Ok(left),
                Relation::Within | Relation::Before => candidates(&sides.1, inverted, &left),
            }
        }
    }
}

/// Equal slots, as in `a a`, are expanded once each: phrases are short.
fn expand_all(
    inverted: &InvertedIndexReader,
    slots: &[Slot],
    deadline: Deadline,
) -> Result<Vec<Vec<TermInfo>>, IndexError> {
    let mut expanded = Vec::with_capacity(slots.len());
    for slot in slots {
        let terms = expand(inverted, slot, deadline)?;
        let is_missing = terms.is_empty();
        expanded.push(terms);
        if is_missing {
            // The phrase is nowhere; the rest need not be looked up.
            return Ok(vec![Vec::new()]);
        }
    }
    Ok(expanded)
}

/// Where the slots' terms stand in a row.
fn phrase(slots: &mut [Places], doc: u32) -> Vec<(u32, u32)> {
    let Some((first, rest)) = slots.split_first_mut() else { return Vec::new() };
    let mut starts = first.of(doc).to_vec();
    for (places, offset) in rest.iter_mut().zip(1u32..) {
        if starts.is_empty() {
            return Vec::new();
        }
        let positions = places.of(doc);
        starts.retain(|start| {
            start.checked_add(offset).is_some_and(|at| positions.binary_search(&at).is_ok())
        });
    }
    let length = u32::try_from(rest.len()).unwrap_or(u32::MAX);
    starts.into_iter().map(|start| (start, start.saturating_add(length))).collect()
}

/// The positions of what one slot stands for.
enum Places {
    /// Read as asked for.
    Term { postings: Box<SegmentPostings>, positions: Vec<u32> },
    /// Of several terms: read beforehand, in the candidates alone.
    Many { places: Vec<(u32, u32)>, at: usize, positions: Vec<u32> },
}

impl Places {
    fn new(
        inverted: &InvertedIndexReader,
        terms: &[TermInfo],
        those: &Bits,
    ) -> Result<Self, IndexError> {
        let open = |info| {
            inverted.read_postings_from_terminfo(info, IndexRecordOption::WithFreqsAndPositions)
        };
        if let [term] = terms {
            return Ok(Self::Term { postings: Box::new(open(term)?), positions: Vec::new() });
        }
        let mut places = Vec::new();
        let mut positions = Vec::new();
        for info in terms {
            let mut postings = open(info)?;
            let mut doc = postings.doc();
            while doc != tantivy::TERMINATED {
                if those.contains(doc) {
                    if places.len() > QUERY_POSITIONS_MAX {
                        return Err(refused(
                            "a wildcard in a phrase or beside NEAR is at too many places",
                            "write more of the word's letters",
                        ));
                    }
                    postings.positions(&mut positions);
                    places.extend(positions.iter().map(|position| (doc, *position)));
                }
                doc = postings.advance();
            }
        }
        places.sort_unstable();
        Ok(Self::Many { places, at: 0, positions })
    }

    /// In `doc`, ascending. Documents are asked for in ascending order, some
    /// more than once.
    fn of(&mut self, doc: u32) -> &[u32] {
        match self {
            Self::Term { postings, positions } => {
                if postings.doc() < doc {
                    postings.seek(doc);
                }
                positions.clear();
                if postings.doc() == doc {
                    postings.positions(positions);
                }
                positions
            }
            Self::Many { places, at, positions } => {
                *at += places[*at..].partition_point(|place| place.0 < doc);
                let own = places[*at..].iter().take_while(|place| place.0 == doc);
                positions.clear();
                positions.extend(own.map(|place| place.1));
                positions
            }
        }
    }
}

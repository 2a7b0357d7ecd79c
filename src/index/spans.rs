//! Phrases and proximity over positions, exactly, nested to any depth.
//!
//! A span is the first and the last position of a place. Two spans are as far
//! apart as the end of one is from the start of the other; spans that overlap
//! are not near each other, so `a NEAR(5) a` asks for two places. tantivy's
//! phrase slop is not this: it is a budget of moves, and misses.

use tantivy::postings::{Postings, SegmentPostings, TermInfo};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, InvertedIndexReader};

use super::IndexError;
use super::bits::Bits;
use super::eval::{Deadline, add_terms, expand};
use super::plan::{Slot, Spans, refused};
use crate::base::limits::QUERY_POSITIONS_MAX;

type Span = (u32, u32);

/// Places that one nested proximity may have in one field of one family.
const SPANS_MAX: usize = 1 << 20;

/// [`Spans`] with the terms of one segment's field.
pub(super) enum Prepared {
    /// Each slot with what it stands for.
    Slots(Vec<Vec<TermInfo>>),
    Or(Vec<Prepared>),
    Near {
        distance: u32,
        is_ordered: bool,
        sides: Box<(Prepared, Prepared)>,
    },
}

impl Prepared {
    pub fn new(
        inverted: &InvertedIndexReader,
        spans: &Spans,
        deadline: Deadline,
    ) -> Result<Self, IndexError> {
        Ok(match spans {
            Spans::Slots(slots) => Self::Slots(expand_all(inverted, slots, deadline)?),
            Spans::Or(any) => {
                let any: Result<_, _> =
                    any.iter().map(|it| Self::new(inverted, it, deadline)).collect();
                Self::Or(any?)
            }
            Spans::Near { distance, is_ordered, sides } => {
                let (left, right) = &**sides;
                let sides =
                    (Self::new(inverted, left, deadline)?, Self::new(inverted, right, deadline)?);
                let (distance, is_ordered) = (*distance, *is_ordered);
                Self::Near { distance, is_ordered, sides: Box::new(sides) }
            }
        })
    }

    /// The documents among `those` that have such a place.
    pub fn matching(
        &self,
        inverted: &InvertedIndexReader,
        those: &Bits,
        deadline: Deadline,
    ) -> Result<Bits, IndexError> {
        let mut found = self.candidates(inverted, those)?;
        if !self.needs_positions() || found.is_empty() {
            return Ok(found);
        }
        let mut cursor = self.cursor(inverted, &found)?;
        let mut missed = Bits::none(found.len());
        for (doc, seen) in found.iter().zip(0u32..) {
            if seen.is_multiple_of(256) {
                deadline.check()?;
            }
            if !cursor.is_in(doc)? {
                missed.insert(doc);
            }
        }
        found.and_not(&missed);
        Ok(found)
    }

    fn needs_positions(&self) -> bool {
        match self {
            Self::Slots(slots) => slots.len() > 1,
            Self::Or(any) => any.iter().any(Self::needs_positions),
            Self::Near { .. } => true,
        }
    }

    /// The documents that have all the terms, wherever.
    fn candidates(&self, inverted: &InvertedIndexReader, those: &Bits) -> Result<Bits, IndexError> {
        match self {
            Self::Slots(slots) => {
                let mut slots: Vec<_> = slots.iter().collect();
                // The rarest first.
                slots.sort_by_key(|terms| {
                    terms.iter().map(|it| u64::from(it.doc_freq)).sum::<u64>()
                });
                let mut left: Option<Bits> = None;
                for terms in slots {
                    let mut found = Bits::none(those.len());
                    add_terms(inverted, terms, left.as_ref().unwrap_or(those), &mut found)?;
                    left = Some(found);
                }
                Ok(left.unwrap_or_else(|| Bits::none(those.len())))
            }
            Self::Or(any) => {
                let mut found = Bits::none(those.len());
                for it in any {
                    found.or(&it.candidates(inverted, those)?);
                }
                Ok(found)
            }
            Self::Near { sides, .. } => {
                let left = sides.0.candidates(inverted, those)?;
                sides.1.candidates(inverted, &left)
            }
        }
    }

    fn cursor(&self, inverted: &InvertedIndexReader, those: &Bits) -> Result<Cursor, IndexError> {
        Ok(match self {
            Self::Slots(slots) => {
                let slots: Result<Vec<_>, _> =
                    slots.iter().map(|terms| Places::new(inverted, terms, those)).collect();
                Cursor::Slots(slots?)
            }
            Self::Or(any) => {
                let any: Result<_, _> = any.iter().map(|it| it.cursor(inverted, those)).collect();
                Cursor::Or(any?)
            }
            Self::Near { distance, is_ordered, sides } => {
                let (left, right) = &**sides;
                let sides = (left.cursor(inverted, those)?, right.cursor(inverted, those)?);
                let (distance, is_ordered) = (*distance, *is_ordered);
                Cursor::Near { distance, is_ordered, sides: Box::new(sides) }
            }
        })
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

/// Asked for documents in ascending order.
enum Cursor {
    Slots(Vec<Places>),
    Or(Vec<Cursor>),
    Near { distance: u32, is_ordered: bool, sides: Box<(Cursor, Cursor)> },
}

impl Cursor {
    fn is_in(&mut self, doc: u32) -> Result<bool, IndexError> {
        match self {
            Self::Or(any) => {
                for it in any {
                    if it.is_in(doc)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Ok(!self.spans(doc, true)?.is_empty()),
        }
    }

    /// The spans in `doc`, sorted, each once; `is_any_enough` allows to stop at
    /// the first.
    fn spans(&mut self, doc: u32, is_any_enough: bool) -> Result<Vec<Span>, IndexError> {
        match self {
            Self::Slots(slots) => Ok(phrase(slots, doc)),
            Self::Or(any) => {
                let mut spans = Vec::new();
                for it in any {
                    spans.extend(it.spans(doc, false)?);
                }
                spans.sort_unstable();
                spans.dedup();
                Ok(spans)
            }
            Self::Near { distance, is_ordered, sides } => {
                let left = sides.0.spans(doc, false)?;
                if left.is_empty() {
                    return Ok(left);
                }
                let right = sides.1.spans(doc, false)?;
                let mut joined = Joined { spans: Vec::new(), is_any_enough };
                joined.follow(&left, &right, *distance)?;
                if !*is_ordered {
                    joined.follow(&right, &left, *distance)?;
                }
                joined.spans.sort_unstable();
                joined.spans.dedup();
                Ok(joined.spans)
            }
        }
    }
}

struct Joined {
    spans: Vec<Span>,
    is_any_enough: bool,
}

impl Joined {
    /// Every pair where the second begins at most `distance` after the first ends.
    fn follow(&mut self, first: &[Span], second: &[Span], distance: u32) -> Result<(), IndexError> {
        for (start, end) in first {
            let from = second.partition_point(|span| span.0 <= *end);
            for (next_start, next_end) in &second[from..] {
                if next_start - end > distance {
                    break;
                }
                if self.is_any_enough && !self.spans.is_empty() {
                    return Ok(());
                }
                if self.spans.len() == SPANS_MAX {
                    return Err(refused(
                        "a nested NEAR is at too many places of one message",
                        "use rarer words or smaller distances",
                    ));
                }
                self.spans.push((*start, *next_end));
            }
        }
        Ok(())
    }
}

/// Where the slots' terms stand in a row.
fn phrase(slots: &mut [Places], doc: u32) -> Vec<Span> {
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

//! Phrases and proximity as an algebra of places, over whatever knows the positions
//! of words: the index's postings, or a text that is to be marked.
//!
//! A place is the first and the last position of what stands there. Two places are
//! as far apart as the end of one is from the start of the other, and not at all
//! where one is inside the other or they overlap. No word stands for two words of a
//! proximity, so `a w/5 a` asks for two. tantivy's phrase slop is not this: it is a
//! budget of moves, and misses.

use super::IndexError;
use super::plan::refused;
use crate::query::ast::Relation;

/// Places that one nested proximity may have in one field of one document.
const PLACES_MAX: usize = 1 << 20;

/// What is looked for, with leaves that are words in a row.
#[derive(Clone, Debug)]
pub(super) enum Tree<L> {
    Row(L),
    Or(Vec<Tree<L>>),
    Near { distance: u32, relation: Relation, sides: Box<(Tree<L>, Tree<L>)> },
}

pub(super) trait Place: Clone + Ord {
    fn row(start: u32, end: u32) -> Self;
    fn start(&self) -> u32;
    fn end(&self) -> u32;
    /// Both together; none where one word would stand for two.
    fn join(&self, other: &Self) -> Option<Self>;
}

/// Enough where no two sides ask for the same words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Plain(u32, u32);

impl Place for Plain {
    fn row(start: u32, end: u32) -> Self {
        Self(start, end)
    }

    fn start(&self) -> u32 {
        self.0
    }

    fn end(&self) -> u32 {
        self.1
    }

    fn join(&self, other: &Self) -> Option<Self> {
        Some(Self(self.0.min(other.0), self.1.max(other.1)))
    }
}

/// A place that knows which words are used in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Exact {
    /// Ascending; never empty.
    pub words: Vec<u32>,
}

impl Place for Exact {
    fn row(start: u32, end: u32) -> Self {
        Self { words: (start..=end).collect() }
    }

    fn start(&self) -> u32 {
        self.words.first().copied().unwrap_or_default()
    }

    fn end(&self) -> u32 {
        self.words.last().copied().unwrap_or_default()
    }

    fn join(&self, other: &Self) -> Option<Self> {
        if self.words.iter().any(|word| other.words.binary_search(word).is_ok()) {
            return None;
        }
        let mut words = self.words.clone();
        words.extend(&other.words);
        words.sort_unstable();
        Some(Self { words })
    }
}

impl<L> Tree<L> {
    pub fn try_map<M, E>(&self, of: &mut dyn FnMut(&L) -> Result<M, E>) -> Result<Tree<M>, E> {
        Ok(match self {
            Self::Row(leaf) => Tree::Row(of(leaf)?),
            Self::Or(any) => {
                Tree::Or(any.iter().map(|it| it.try_map(of)).collect::<Result<_, _>>()?)
            }
            Self::Near { distance, relation, sides } => {
                let sides = (sides.0.try_map(of)?, sides.1.try_map(of)?);
                Tree::Near { distance: *distance, relation: *relation, sides: Box::new(sides) }
            }
        })
    }

    /// The places, sorted, each once. `rows` gives those of a leaf, as first and last
    /// positions; `is_any_enough` allows to stop at the first.
    pub fn places<P: Place>(
        &mut self,
        rows: &mut dyn FnMut(&mut L) -> Vec<(u32, u32)>,
        is_any_enough: bool,
    ) -> Result<Vec<P>, IndexError> {
        let mut places = match self {
            Self::Row(leaf) => {
                return Ok(rows(leaf).into_iter().map(|(start, end)| P::row(start, end)).collect());
            }
            Self::Or(any) => {
                let mut places = Vec::new();
                for it in any {
                    places.extend(it.places(rows, is_any_enough)?);
                    if is_any_enough && !places.is_empty() {
                        return Ok(places);
                    }
                }
                places
            }
            Self::Near { distance, relation, sides } => {
                let (left, right) = &mut **sides;
                let left: Vec<P> = left.places(rows, false)?;
                if left.is_empty() {
                    return Ok(left);
                }
                let right = right.places(rows, false)?;
                Sides { left: &left, right: &right, distance: *distance }
                    .joined(*relation, is_any_enough)?
            }
        };
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }
}

struct Sides<'a, P> {
    left: &'a [P],
    /// Sorted by their starts.
    right: &'a [P],
    distance: u32,
}

impl<P: Place> Sides<'_, P> {
    fn joined(&self, relation: Relation, is_any_enough: bool) -> Result<Vec<P>, IndexError> {
        let longest = self.right.iter().map(|it| it.end() - it.start()).max().unwrap_or(0);
        let mut places = Vec::new();
        for left in self.left {
            let from = match relation {
                Relation::Before => left.end().saturating_add(1),
                _ => left.start().saturating_sub(self.distance.saturating_add(longest)),
            };
            let until = left.end().saturating_add(self.distance);
            let first = self.right.partition_point(|it| it.start() < from);
            let mut near = self.right[first..]
                .iter()
                .take_while(|it| it.start() <= until)
                .filter(|it| it.end().saturating_add(self.distance) >= left.start())
                .filter_map(|it| left.join(it));
            if relation == Relation::NotWithin {
                if near.next().is_none() {
                    places.push(left.clone());
                }
                continue;
            }
            for place in near {
                if places.len() == PLACES_MAX {
                    return Err(refused(
                        "a nested proximity is at too many places of one document",
                        "use rarer words or smaller distances",
                    ));
                }
                places.push(place);
                if is_any_enough {
                    return Ok(places);
                }
            }
        }
        Ok(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(relation: Relation, left: &[(u32, u32)], right: &[(u32, u32)]) -> Vec<(u32, u32)> {
        let tree = |side: &[(u32, u32)]| Tree::Row(side.to_vec());
        let sides = Box::new((tree(left), tree(right)));
        let mut near = Tree::Near { distance: 2, relation, sides };
        let mut rows = |row: &mut Vec<(u32, u32)>| row.clone();
        let exact: Vec<Exact> = near.places(&mut rows, false).expect("few places");
        exact.iter().map(|it| (it.start(), it.end())).collect()
    }

    #[test]
    fn distances_are_between_ends_and_starts() {
        use Relation::{Before, NotWithin, Within};
        assert_eq!(near(Within, &[(4, 5)], &[(7, 9)]), [(4, 9)]);
        assert_eq!(near(Within, &[(4, 5)], &[(8, 9)]), []);
        assert_eq!(near(Within, &[(4, 5)], &[(1, 2)]), [(1, 5)]);
        assert_eq!(near(Within, &[(4, 5)], &[(0, 1)]), []);
        assert_eq!(near(Before, &[(4, 5)], &[(1, 2), (7, 7), (8, 8)]), [(4, 7)]);
        assert_eq!(near(NotWithin, &[(4, 5), (40, 40)], &[(1, 2)]), [(40, 40)]);
    }

    #[test]
    fn no_word_stands_for_two() {
        use Relation::{NotWithin, Within};
        assert_eq!(near(Within, &[(4, 4)], &[(4, 4)]), []);
        assert_eq!(near(Within, &[(4, 4), (6, 6)], &[(4, 4), (6, 6)]), [(4, 6)]);
        assert_eq!(near(NotWithin, &[(4, 4), (60, 60)], &[(4, 4), (6, 6)]), [(60, 60)]);
        // Inside of the other, and no word of it.
        let wide = Exact { words: vec![1, 9] };
        assert_eq!(wide.join(&Exact::row(5, 5)).map(|it| it.words), Some(vec![1, 5, 9]));
        assert_eq!(wide.join(&Exact::row(8, 9)), None);
    }
}

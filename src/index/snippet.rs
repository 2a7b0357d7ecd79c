//! A few lines of a family, with what was found marked: exactly the words that the
//! query's phrases and proximities found, by the algebra that found them.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::IndexError;
use super::doc::FamilyDoc;
use super::near::{Exact, Tree};
use super::plan::{near_field, spans};
use super::slot::{Many, Slot};
use super::token::{Cutter, FIRST, LAST, cleaned};
use crate::query::ast::{Node, Query};
use crate::query::field::Field;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    pub text: String,
    /// Bytes of `text`; ascending and apart.
    pub marks: Vec<Range<usize>>,
    /// Bytes of the subject that it is shown beside; ascending and apart.
    pub in_subject: Vec<Range<usize>>,
}

/// Characters of a snippet, and of those how many stand before the first mark.
const CHARS: usize = 240;
const CHARS_BEFORE: usize = 60;
/// Patterns that are marked; each is tried on every term.
const PATTERNS_MAX: usize = 100;
/// Bytes of a text that are looked through for a mark.
const SCAN_BYTES_MAX: usize = 1 << 20;

/// What of a query a text can show.
#[derive(Default)]
pub(super) struct Marker {
    subject: Sought,
    body: Sought,
    headers: Sought,
    attachments: Sought,
}

impl Marker {
    pub fn new(query: &Query) -> Result<Self, IndexError> {
        let mut marker = Self::default();
        if let Some(root) = &query.root {
            marker.collect(root)?;
        }
        Ok(marker)
    }

    fn collect(&mut self, node: &Node) -> Result<(), IndexError> {
        match node {
            Node::And(nodes) | Node::Or(nodes) => {
                nodes.iter().try_for_each(|node| self.collect(node))
            }
            Node::Near(_) | Node::Text(_) => {
                let field = near_field(node);
                if matches!(field, Field::Anywhere | Field::Subject) {
                    self.subject.add(node)?;
                }
                if matches!(field, Field::Anywhere | Field::Body) {
                    self.body.add(node)?;
                }
                if field == Field::Header {
                    self.headers.add(node)?;
                }
                if matches!(field, Field::Anywhere | Field::Attachment | Field::AttachmentText) {
                    self.attachments.add(node)?;
                }
                Ok(())
            }
            Node::Not(_) | Node::Date(..) | Node::Size(_) | Node::Has(_) => Ok(()),
        }
    }

    /// What to show of the family beside its subject, as far as that is shown.
    pub fn snippet(&self, doc: &FamilyDoc, subject: &str) -> Snippet {
        let texts = doc.attachments.iter().filter_map(|it| it.text.as_deref());
        let headers = doc.headers.iter().map(|header| (header.as_str(), &self.headers));
        let marked = std::iter::once((doc.body.as_str(), &self.body))
            .chain(texts.map(|text| (text, &self.attachments)))
            .chain(headers)
            .map(|(text, sought)| (text, sought.places(text)))
            .find(|(_, places)| !places.is_empty());
        let mut snippet = match marked {
            Some((text, places)) => excerpt(text, &places),
            None => excerpt(&doc.body, &[]),
        };
        for place in self.subject.places(subject) {
            push_mark(&mut snippet.in_subject, place);
        }
        snippet
    }
}

/// Parts of a query, with their slots by number.
#[derive(Default)]
struct Sought {
    trees: Vec<Tree<Vec<usize>>>,
    exact: HashMap<String, usize>,
    many: Vec<(usize, Many)>,
    slots: usize,
}

impl Sought {
    fn add(&mut self, node: &Node) -> Result<(), IndexError> {
        let tree = spans(node)?.try_map(&mut |row| Ok::<_, IndexError>(self.numbered(row)))?;
        self.trees.push(tree);
        Ok(())
    }

    fn numbered(&mut self, row: &[Slot]) -> Vec<usize> {
        let number = |slot: &Slot| match slot {
            Slot::Exact(term) => *self.exact.entry(term.clone()).or_insert_with(|| {
                self.slots += 1;
                self.slots - 1
            }),
            Slot::Many(many, _) => {
                self.slots += 1;
                // Beyond that it is at no place, and is not marked.
                if self.many.len() < PATTERNS_MAX {
                    self.many.push((self.slots - 1, many.clone()));
                }
                self.slots - 1
            }
        };
        row.iter().map(number).collect()
    }

    /// The words that were found, in the order of the text.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        if self.trees.is_empty() {
            return Vec::new();
        }
        let seen = self.seen(text);
        let mut rows = |row: &mut Vec<usize>| seen.row(row);
        let mut words: Vec<u32> = Vec::new();
        for tree in &self.trees {
            let found: Result<Vec<Exact>, _> = tree.clone().places(&mut rows, false);
            // At too many places to tell them apart: none is marked for it.
            words.extend(found.unwrap_or_default().into_iter().flat_map(|place| place.words));
        }
        words.sort_unstable();
        words.dedup();
        let mut places: Vec<_> =
            words.iter().filter_map(|word| seen.places.get(word).cloned()).collect();
        places.sort_by_key(|place| (place.start, place.end));
        places.dedup();
        places
    }

    /// Where the slots are in a text. Positions are those of the index.
    fn seen(&self, text: &str) -> Seen {
        let mut seen = Seen { positions: vec![Vec::new(); self.slots], places: BTreeMap::new() };
        let mut end = text.len().min(SCAN_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &cleaned(&text[..end]);
        // The first position is that of the text's beginning.
        let mut position = 0;
        let mut at_edge = |edge: char, position: u32| {
            if let Some(slot) = self.exact.get(edge.encode_utf8(&mut [0; 4]) as &str) {
                seen.positions[*slot].push(position);
            }
        };
        at_edge(FIRST, 0);
        let is_whole = end < SCAN_BYTES_MAX;
        let mut cutter = Cutter::new(text);
        let mut found = Vec::new();
        while cutter.next() {
            position = cutter.token.position + 1;
            let term = &cutter.token.text;
            let exact = self.exact.get(term).copied();
            let many = self.many.iter().filter(|(_, many)| many.matches(term));
            let slots: Vec<usize> = exact.into_iter().chain(many.map(|(slot, _)| *slot)).collect();
            if !slots.is_empty() {
                found.push((position, slots, cutter.token.place.clone()));
            }
        }
        if is_whole {
            at_edge(LAST, position + 1);
        }
        for (position, slots, place) in found {
            slots.into_iter().for_each(|slot| seen.positions[slot].push(position));
            seen.places.insert(position, place);
        }
        seen
    }
}

struct Seen {
    /// Of each slot.
    positions: Vec<Vec<u32>>,
    places: BTreeMap<u32, Range<usize>>,
}

impl Seen {
    /// Where slots stand in a row.
    fn row(&self, slots: &[usize]) -> Vec<(u32, u32)> {
        let Some((first, rest)) = slots.split_first() else { return Vec::new() };
        let is_next = |start: u32| {
            let mut at = start;
            rest.iter().all(|slot| {
                at += 1;
                self.positions[*slot].binary_search(&at).is_ok()
            })
        };
        let starts = self.positions[*first].iter().copied().filter(|start| is_next(*start));
        let length = u32::try_from(rest.len()).unwrap_or(u32::MAX);
        starts.map(|start| (start, start.saturating_add(length))).collect()
    }
}

/// The stretch of `text` around the first place, on one line.
fn excerpt(text: &str, places: &[Range<usize>]) -> Snippet {
    let first = places.first().map_or(0, |place| place.start);
    let before = &text[..first];
    let mut start =
        before.char_indices().rev().take(CHARS_BEFORE).last().map_or(first, |(at, _)| at);
    if start > 0
        && let Some(blank) = text[start..first].find(char::is_whitespace)
    {
        start += blank;
    }
    let mut snippet = Snippet::default();
    if start > 0 {
        snippet.text.push('…');
    }
    let mut chars = 0;
    let mut is_blank = true;
    let mut places = places.iter().peekable();
    let mut mark = None;
    for (at, c) in text[start..].char_indices().map(|(at, c)| (start + at, c)) {
        if let Some(begun) = mark
            && places.peek().is_none_or(|place| at >= place.end)
        {
            push_mark(&mut snippet.marks, begun..snippet.text.len());
            mark = None;
            places.next();
        }
        while places.peek().is_some_and(|place| place.end <= at) {
            places.next();
        }
        if chars >= CHARS && (mark.is_none() || chars >= 2 * CHARS) {
            let end = snippet.text.len();
            snippet.marks.extend(mark.map(|begun| begun..end));
            snippet.text.push('…');
            return snippet;
        }
        if c.is_whitespace() || c.is_control() {
            if !is_blank {
                snippet.text.push(' ');
                chars += 1;
            }
            is_blank = true;
            continue;
        }
        is_blank = false;
        if mark.is_none() && places.peek().is_some_and(|place| place.start <= at) {
            mark = Some(snippet.text.len());
        }
        snippet.text.push(c);
        chars += 1;
    }
    if let Some(begun) = mark {
        push_mark(&mut snippet.marks, begun..snippet.text.len());
    }
    snippet.text.truncate(snippet.text.trim_end().len());
    snippet
}

/// Adds a mark; neighbours that touch become one.
fn push_mark(marks: &mut Vec<Range<usize>>, mark: Range<usize>) {
    match marks.last_mut() {
        Some(last) if last.end >= mark.start => last.end = last.end.max(mark.end),
        _ => marks.push(mark),
    }
}

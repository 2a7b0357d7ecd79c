//! A few lines of a family, with the words that were asked for marked.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use super::IndexError;
use super::doc::FamilyDoc;
use super::plan::{Slot, slots};
use super::token::Cutter;
use crate::query::ast::{Node, Query, Text};
use crate::query::field::Field;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    pub text: String,
    /// Bytes of `text`; ascending and apart.
    pub marks: Vec<Range<usize>>,
}

/// Characters of a snippet, and of those how many stand before the first mark.
const CHARS: usize = 240;
const CHARS_BEFORE: usize = 60;
/// Patterns that are marked; each is tried on every term.
const PATTERNS_MAX: usize = 100;
/// Bytes of a text that are looked through for a mark.
const SCAN_BYTES_MAX: usize = 1 << 20;

/// The phrases of a query that a text can show.
#[derive(Default)]
pub(super) struct Marker {
    body: Phrases,
    headers: Phrases,
    attachments: Phrases,
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
            Node::Near(near) => {
                self.collect(&near.left)?;
                self.collect(&near.right)
            }
            Node::Text(text) => {
                if matches!(text.field, Field::Anywhere | Field::Body) {
                    self.body.add(text)?;
                }
                if text.field == Field::Header {
                    self.headers.add(text)?;
                }
                if matches!(text.field, Field::Anywhere | Field::Attachment | Field::AttachmentText)
                {
                    self.attachments.add(text)?;
                }
                Ok(())
            }
            Node::Not(_) | Node::Date(..) | Node::Size(_) | Node::Has(_) => Ok(()),
        }
    }

    pub fn snippet(&self, doc: &FamilyDoc) -> Snippet {
        let texts = doc.attachments.iter().filter_map(|it| it.text.as_deref());
        let headers = doc.headers.iter().map(|header| (header.as_str(), &self.headers));
        let marked = std::iter::once((doc.body.as_str(), &self.body))
            .chain(texts.map(|text| (text, &self.attachments)))
            .chain(headers)
            .map(|(text, phrases)| (text, phrases.places(text)))
            .find(|(_, places)| !places.is_empty());
        match marked {
            Some((text, places)) => excerpt(text, &places),
            None => excerpt(&doc.body, &[]),
        }
    }
}

#[derive(Default)]
struct Phrases {
    phrases: Vec<Vec<Slot>>,
    /// Phrases by their last term.
    by_last: HashMap<String, Vec<usize>>,
    /// Those that end in a pattern.
    patterned: Vec<usize>,
    longest: usize,
}

impl Phrases {
    fn add(&mut self, text: &Text) -> Result<(), IndexError> {
        let slots = slots(text)?;
        let at = self.phrases.len();
        match slots.last() {
            Some(Slot::Exact(last)) => self.by_last.entry(last.clone()).or_default().push(at),
            _ if self.patterned.len() < PATTERNS_MAX => self.patterned.push(at),
            _ => return Ok(()),
        }
        self.longest = self.longest.max(slots.len());
        self.phrases.push(slots);
        Ok(())
    }

    /// Marked places, from the first to as far as a snippet reaches from there.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut places: Vec<Range<usize>> = Vec::new();
        let mut last: VecDeque<(String, Range<usize>)> = VecDeque::new();
        let mut cutter = Cutter::new(text);
        while !self.phrases.is_empty() && cutter.next() {
            let token = &cutter.token;
            let reach = places.first().map_or(SCAN_BYTES_MAX, |first| first.end + CHARS * 4);
            if token.place.start > reach {
                break;
            }
            if last.len() == self.longest {
                last.pop_front();
            }
            let ending = self.by_last.get(&token.text).map_or(&[][..], Vec::as_slice);
            last.push_back((token.text.clone(), token.place.clone()));
            for phrase in ending.iter().chain(&self.patterned) {
                let slots = &self.phrases[*phrase];
                let Some(skipped) = last.len().checked_sub(slots.len()) else { continue };
                let terms = last.iter().skip(skipped);
                if slots.iter().zip(terms.clone()).all(|(slot, (term, _))| slot.matches(term)) {
                    places.extend(terms.map(|(_, place)| place.clone()));
                }
            }
        }
        places.sort_by_key(|place| (place.start, place.end));
        places.dedup();
        places
    }
}

impl Slot {
    fn matches(&self, term: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == term,
            Self::Glob(glob) => glob.matches(term),
        }
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

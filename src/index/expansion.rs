//! What a word of a query that stands for many stands for: shown with the result, so
//! that its writer can judge it. Only what is in the reader's sight is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, InvertedIndexReader, Searcher, TERMINATED};

use super::bits::Bits;
use super::eval::{Deadline, Segment, each_term};
use super::plan::{self, word_slots};
use super::schema::Fields;
use super::slot::{Many, Slot};
use super::{IndexError, Scope};
use crate::base::limits::{EXPANSION_WORDS_SHOWN_MAX, EXPANSIONS_SHOWN_MAX};
use crate::query::ast::{Node, Query, Text, Word};
use crate::query::field::{Field, Kind};

/// A word as it was written, and the words of texts that it finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// With its field, if one was named.
    pub written: String,
    /// Each with the number of documents that have it, in the order of the alphabet.
    pub words: Vec<(String, u64)>,
    /// There are more words than are listed.
    pub is_cut: bool,
}

/// Of the first few such words of a query.
pub(super) fn of(
    fields: &Fields,
    searcher: &Searcher,
    blocks: &[Arc<Bits>],
    query: &Query,
    scope: &Scope,
) -> Result<Vec<Expansion>, IndexError> {
    let mut asked = Vec::new();
    if let Some(root) = &query.root {
        collect(root, &mut asked);
    }
    let deadline = Deadline::new();
    let within = plan::within(fields, scope);
    let mut expansions = Vec::new();
    for (field, word) in asked {
        let columns = plan::words_fields(fields, field);
        let name = if field == Field::Anywhere { "" } else { field.name() };
        let colon = if name.is_empty() { "" } else { ":" };
        let mut found = Words::default();
        for slot in word_slots(&word)? {
            let Slot::Many(many, _) = slot else { continue };
            for (reader, starts) in searcher.segment_readers().iter().zip(blocks) {
                let segment = Segment::new(reader, Arc::clone(starts), deadline);
                let seen = segment.all_within(&within)?;
                let mut here = Words::default();
                for column in &columns {
                    here.add(&*reader.inverted_index(*column)?, &many, &seen, deadline)?;
                }
                found.join(here);
            }
        }
        expansions.push(found.told(format!("{name}{colon}{word}")));
    }
    Ok(expansions)
}

fn collect(node: &Node, asked: &mut Vec<(Field, Word)>) {
    match node {
        Node::And(nodes) | Node::Or(nodes) => nodes.iter().for_each(|node| collect(node, asked)),
        Node::Not(node) => collect(node, asked),
        Node::Near(near) => {
            collect(&near.left, asked);
            collect(&near.right, asked);
        }
        Node::Text(Text { field, words }) => {
            for word in words.iter().filter(|word| word.is_expanded()) {
                let is_address = field.kind() == Kind::People && word.to_string().contains('@');
                let asked_for = (*field, word.clone());
                let is_listed = field.kind() != Kind::Whole
                    && !is_address
                    && asked.len() < EXPANSIONS_SHOWN_MAX
                    && !asked.contains(&asked_for);
                if is_listed {
                    asked.push(asked_for);
                }
            }
        }
        Node::Date(..) | Node::Size(_) | Node::Has(_) => {}
    }
}

/// Words with the documents of one segment that have them, or with their number.
#[derive(Default)]
struct Words {
    documents: BTreeMap<String, Vec<u32>>,
    counts: BTreeMap<String, u64>,
    is_cut: bool,
}

impl Words {
    /// Adds a field's.
    fn add(
        &mut self,
        inverted: &InvertedIndexReader,
        many: &Many,
        seen: &Bits,
        deadline: Deadline,
    ) -> Result<(), IndexError> {
        let mut listed = 0;
        let documents = &mut self.documents;
        let mut is_cut = false;
        each_term(inverted, many, deadline, |term, info| {
            let found = documents_of(inverted, info, seen)?;
            if found.is_empty() {
                return Ok(true);
            }
            // One more than is shown is enough to know of more.
            is_cut = listed > EXPANSION_WORDS_SHOWN_MAX;
            listed += 1;
            documents.entry(term.to_owned()).or_default().extend(found);
            Ok(!is_cut)
        })?;
        self.is_cut |= is_cut;
        Ok(())
    }

    fn join(&mut self, segment: Self) {
        self.is_cut |= segment.is_cut;
        for (word, mut documents) in segment.documents {
            documents.sort_unstable();
            documents.dedup();
            *self.counts.entry(word).or_default() += documents.len() as u64;
        }
    }

    fn told(self, written: String) -> Expansion {
        let is_cut = self.is_cut || self.counts.len() > EXPANSION_WORDS_SHOWN_MAX;
        let words = self.counts.into_iter().take(EXPANSION_WORDS_SHOWN_MAX).collect();
        Expansion { written, words, is_cut }
    }
}

fn documents_of(
    inverted: &InvertedIndexReader,
    term: &TermInfo,
    seen: &Bits,
) -> Result<Vec<u32>, IndexError> {
    let mut postings = inverted.read_postings_from_terminfo(term, IndexRecordOption::Basic)?;
    let mut documents = Vec::new();
    let mut doc = postings.doc();
    while doc != TERMINATED {
        if seen.contains(doc) {
            documents.push(doc);
        }
        doc = postings.advance();
    }
    Ok(documents)
}

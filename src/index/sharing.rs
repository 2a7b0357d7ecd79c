//! Families that have a key in common with something: keys are whole terms of one
//! field, and stand for more than a word, as for a message id. How many of them each
//! family has is counted; memory is that of the families of one segment.

use std::collections::HashMap;
use std::sync::Arc;

use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, Searcher, TERMINATED, Term};

use super::bits::Bits;
use super::eval::{Deadline, Segment};
use super::schema::{self, Fields};
use super::{IndexError, Scope, plan};
use crate::base::clock::Timestamp;
use crate::base::ids::SetId;

/// What families are looked up by.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Of `similar::links`: ids, conversations and subjects.
    Thread(Vec<String>),
    /// Of `similar::near`: bands of a text.
    Near(Vec<u64>),
}

/// A family that has some of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharing {
    pub set: SetId,
    /// When it was sent, or else received.
    pub at: Timestamp,
    /// How many of the keys it has.
    pub keys: u32,
}

pub(super) fn of<K: Ord>(
    fields: &Fields,
    (searcher, blocks): (&Searcher, &[Arc<Bits>]),
    keys: &Keys,
    scope: &Scope,
    (most, rank): (usize, impl Fn(&Sharing) -> K),
) -> Result<(Vec<Sharing>, u64), IndexError> {
    let bands;
    let (field, keys) = match keys {
        Keys::Thread(keys) => (fields.thread, keys),
        Keys::Near(all) => {
            bands = all.iter().map(|band| schema::band_key(*band)).collect();
            (fields.near, &bands)
        }
    };
    let deadline = Deadline::new();
    let within = plan::within(fields, scope);
    let (mut all, mut total) = (Vec::new(), 0);
    for (reader, starts) in searcher.segment_readers().iter().zip(blocks) {
        let visible = Segment::new(reader, Arc::clone(starts), deadline).all_within(&within)?;
        let inverted = reader.inverted_index(field)?;
        let mut counts: HashMap<u32, u32> = HashMap::new();
        for key in keys {
            deadline.check()?;
            let term = Term::from_field_text(field, key);
            let Some(mut postings) = inverted.read_postings(&term, IndexRecordOption::Basic)?
            else {
                continue;
            };
            let mut doc = postings.doc();
            while doc != TERMINATED {
                if visible.contains(doc) {
                    *counts.entry(doc).or_default() += 1;
                }
                doc = postings.advance();
            }
        }
        total += counts.len() as u64;
        let columns = reader.fast_fields();
        let (set, received) = (columns.u64(schema::SET)?, columns.i64(schema::RECEIVED)?);
        let sent = columns.i64(schema::SENT)?;
        all.extend(counts.into_iter().map(|(doc, keys)| Sharing {
            set: SetId(set.first(doc).unwrap_or_default().cast_signed()),
            at: Timestamp(sent.first(doc).or_else(|| received.first(doc)).unwrap_or_default()),
            keys,
        }));
        all.sort_unstable_by_key(&rank);
        all.truncate(most);
    }
    Ok((all, total))
}

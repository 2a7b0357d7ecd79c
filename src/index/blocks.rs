//! Where families begin in each segment: read once, since a segment never changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::index::SegmentId;
use tantivy::schema::Field;
use tantivy::{Searcher, SegmentReader, Term};

use super::IndexError;
use super::bits::Bits;
use super::eval::add_terms;

#[derive(Default)]
pub(super) struct Blocks(Mutex<HashMap<SegmentId, Arc<Bits>>>);

impl Blocks {
    /// Of each segment of a searcher in turn. Those of segments that it has not are
    /// forgotten.
    pub fn of(&self, searcher: &Searcher, message: Field) -> Result<Vec<Arc<Bits>>, IndexError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = Vec::new();
        let mut kept = HashMap::new();
        for reader in searcher.segment_readers() {
            let starts = match known.get(&reader.segment_id()) {
                Some(starts) => Arc::clone(starts),
                None => Arc::new(starts_of(reader, message)?),
            };
            kept.insert(reader.segment_id(), Arc::clone(&starts));
            all.push(starts);
        }
        *known = kept;
        Ok(all)
    }
}

/// Of families that were taken out too: their blocks end those before them.
fn starts_of(reader: &SegmentReader, message: Field) -> Result<Bits, IndexError> {
    let mut starts = Bits::none(reader.max_doc());
    let inverted = reader.inverted_index(message)?;
    if let Some(info) = inverted.get_term_info(&Term::from_field_u64(message, 1))? {
        add_terms(&inverted, &[info], &Bits::all(reader.max_doc()), &mut starts)?;
    }
    Ok(starts)
}

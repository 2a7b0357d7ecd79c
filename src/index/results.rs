//! The last few answers, so that a page of any depth is a slice of one list.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::Scope;
use crate::base::limits::{SEARCH_HITS_KEPT, SEARCH_LISTS_KEPT};
use crate::query::ast::Query;

/// An answer is to one query, in one scope, of one snapshot.
#[derive(PartialEq)]
struct Key {
    snapshot: u64,
    query: Query,
    scope: Scope,
}

/// The newest is at the front.
pub(super) struct Results<T>(Mutex<VecDeque<(Key, Arc<T>)>>);

impl<T> Default for Results<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Results<T> {
    pub fn get(&self, snapshot: u64, query: &Query, scope: &Scope) -> Option<Arc<T>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(key, _)| key.snapshot == snapshot);
        let at = kept.iter().position(|(key, _)| key.query == *query && key.scope == *scope)?;
        let entry = kept.remove(at)?;
        let answer = Arc::clone(&entry.1);
        kept.push_front(entry);
        Some(answer)
    }

    /// Snapshots of an index that is made anew count from the start.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// `hits` says how many an answer holds.
    pub fn keep(
        &self,
        snapshot: u64,
        query: &Query,
        scope: &Scope,
        answer: &Arc<T>,
        hits: impl Fn(&T) -> usize,
    ) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Key { snapshot, query: query.clone(), scope: scope.clone() };
        kept.push_front((key, Arc::clone(answer)));
        while kept.len() > SEARCH_LISTS_KEPT
            || kept.iter().map(|(_, answer)| hits(answer)).sum::<usize>() > SEARCH_HITS_KEPT
        {
            kept.pop_back();
        }
    }
}

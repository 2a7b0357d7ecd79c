//! The last few result lists, so that a page of any depth is a slice of one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Hit, Scope};
use crate::base::limits::{SEARCH_HITS_KEPT, SEARCH_LISTS_KEPT};
use crate::query::ast::Query;

/// A list is of one query, one scope and one snapshot.
#[derive(PartialEq)]
struct Key {
    snapshot: u64,
    query: Query,
    scope: Scope,
}

/// The newest list is at the front.
#[derive(Default)]
pub(super) struct Results(Mutex<VecDeque<(Key, Arc<Vec<Hit>>)>>);

impl Results {
    pub fn get(&self, snapshot: u64, query: &Query, scope: &Scope) -> Option<Arc<Vec<Hit>>> {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|(key, _)| key.snapshot == snapshot);
        let at = lists.iter().position(|(key, _)| key.query == *query && key.scope == *scope)?;
        let list = lists.remove(at)?;
        let hits = Arc::clone(&list.1);
        lists.push_front(list);
        Some(hits)
    }

    /// Snapshots of an index that is made anew count from the start.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub fn keep(&self, snapshot: u64, query: &Query, scope: &Scope, hits: &Arc<Vec<Hit>>) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Key { snapshot, query: query.clone(), scope: scope.clone() };
        lists.push_front((key, Arc::clone(hits)));
        while lists.len() > SEARCH_LISTS_KEPT
            || lists.iter().map(|(_, hits)| hits.len()).sum::<usize>() > SEARCH_HITS_KEPT
        {
            lists.pop_back();
        }
    }
}

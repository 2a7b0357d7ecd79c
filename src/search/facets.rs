//! Counting verb: how the hits of a search are spread over months, people and kinds.
//!
//! It counts the hits of that search and nothing else, with the same checks. Counts show
//! a person more of the hits than the page that they saw; who asked for them without
//! having searched has a row of its own in the audit. Counts that are asked for right
//! after the search, by who searched, are a part of it, and its row stands for both.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::{Ask, DateKind, Search, SearchError, resolve};
use crate::access::Actor;
use crate::access::audit::{self, Act, Outcome};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::base::limits;
use crate::index::Facets;

/// Searches that have their row in the audit, the newest at the front.
#[derive(Default)]
pub(super) struct Remembered(Mutex<VecDeque<(Timestamp, UserId, Ask)>>);

impl Remembered {
    pub fn add(&self, now: Timestamp, by: UserId, ask: &Ask) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, who, what)| (*who, what) != (by, ask));
        all.push_front((now, by, ask.clone()));
        all.truncate(limits::SEARCHES_REMEMBERED_MAX);
    }

    fn has(&self, now: Timestamp, by: UserId, ask: &Ask) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: Timestamp| now < at.plus_seconds(limits::SEARCH_REMEMBERED_SECONDS);
        all.iter().any(|(at, who, what)| *who == by && what == ask && is_recent(*at))
    }
}

/// The spread of the hits, and the date and zone of its months.
#[derive(Debug)]
pub struct Spread {
    pub facets: Arc<Facets>,
    pub date_kind: DateKind,
    pub zone: String,
}

/// Counts the hits of a search. Its row in the audit is durable before it is returned.
pub async fn facets(actor: &Actor, search: &Search, ask: &Ask) -> Result<Spread, SearchError> {
    let resolved = resolve(actor, search, ask).await?;
    let (parsed, zone) = (resolved.query.to_string(), resolved.query.zone.clone());
    let cursor = search.index.cursor();
    let turn = search.at_once.clone().acquire_owned().await.map_err(|_| SearchError::Stopped)?;
    let index = search.index.clone();
    let counted = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        index.facets(&resolved.query, &resolved.scope)
    });
    let facets = counted.await.map_err(|_| SearchError::Stopped)??;
    if !search.remembered.has(search.clock.now(), actor.user_id, ask) {
        let detail = json!({
            "ask": ask,
            "families": facets.families,
            "index": { "cursor": cursor, "version": crate::index::VERSION },
        });
        let act = Act::new("search.facets", ask.matter_id, parsed).with(detail);
        audit::record(&search.catalog, &search.clock, actor, &act, Outcome::Done).await?;
    }
    let zone = zone.iana_name().unwrap_or("UTC").to_owned();
    Ok(Spread { facets, date_kind: ask.date_kind, zone })
}

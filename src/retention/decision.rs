//! What dispositions and erasures have in common: a second person decides, in words,
//! a job does it, and a leaf of the log states its end.

use std::collections::HashMap;
use std::hash::Hash;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::decided::{self, Decided};
use super::{Retention, RetentionError};
use crate::access::{Actor, Refused};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;
use crate::base::limits;
use crate::catalog::job::{self, NewJob};
use crate::catalog::leaf::{self, LeafRow};
use crate::catalog::{Catalog, WriteTransaction, statement};

/// Whoever made a proposal does not approve it.
pub(super) fn check_second_person(actor: &Actor, proposed_by: UserId) -> Result<(), Refused> {
    if proposed_by == actor.user_id {
        return Err(Refused::Forbidden("who proposed it cannot approve it; a second person does"));
    }
    Ok(())
}

/// Whoever made it by the log does not approve it either.
pub(super) async fn check_proposer(
    retention: &Retention,
    decided: Decided,
    id: i64,
    proposed_at: Timestamp,
) -> Result<(), RetentionError> {
    match decided::is_proposer_other(retention, decided, id, proposed_at).await? {
        false => Ok(()),
        true => Err(Refused::Conflict(
            "by the log another proposed it than the catalog says; run `muniment verify`, refuse \
             it, and propose anew"
                .into(),
        )
        .into()),
    }
}

/// Nothing certifies what the log does not show that two people decided.
pub(super) async fn check_certified(
    retention: &Retention,
    decided: Decided,
    id: i64,
) -> Result<(), RetentionError> {
    match decided::why_not(retention, decided, id).await? {
        None => Ok(()),
        Some(why) => Err(Refused::Conflict(format!(
            "{why}; so there is no certificate: run `muniment verify`"
        ))
        .into()),
    }
}

/// A reason or a ground, as it is kept; `what` is missing where it says nothing.
pub(super) fn in_words(text: &str, what: &str) -> Result<String, Refused> {
    let text = text.trim();
    if text.is_empty() || text.len() > limits::REASON_BYTES_MAX {
        return Err(Refused::Invalid(format!(
            "say {what}, in at most {} characters",
            limits::REASON_BYTES_MAX
        )));
    }
    Ok(text.to_owned())
}

/// Queues the job that does what was decided.
pub(super) async fn queue(
    tx: &mut WriteTransaction,
    kind: &str,
    request: &impl Serialize,
    asked_by: &str,
    now: Timestamp,
) -> Result<(), RetentionError> {
    let request = serde_json::to_string(request)?;
    job::insert(tx, &NewJob { kind, matter_id: None, asked_by, request: &request }, now, None)
        .await?;
    Ok(())
}

/// Why jobs of a kind stopped before their end, in words, by what they are of; none of
/// one that goes on.
pub(super) async fn stops<R: DeserializeOwned, I: Hash + Eq>(
    retention: &Retention,
    kind: &str,
    of: impl Fn(R) -> I,
) -> Result<HashMap<I, String>, RetentionError> {
    let mut last = HashMap::new();
    for row in job::list(&retention.catalog, kind, None, limits::PAGE_ROWS_MAX).await? {
        let Ok(request) = serde_json::from_str(&row.request) else { continue };
        let why = (row.state == job::State::Failed).then_some(row.result);
        last.entry(of(request)).or_insert(why);
    }
    Ok(last.into_iter().filter_map(|(id, why)| Some((id, why?))).collect())
}

/// The leaf that states the end; none while its statement is on its way.
pub(super) async fn leaf_of_end(
    catalog: &Catalog,
    is_done: bool,
    told: Option<i64>,
) -> Result<Option<LeafRow>, RetentionError> {
    if !is_done {
        return Err(
            Refused::Conflict("it is not done, so there is no certificate yet".into()).into()
        );
    }
    let Some(statement) = told else { return Ok(None) };
    let Some(position) = statement::position(catalog, statement).await? else { return Ok(None) };
    Ok(leaf::from(catalog, position, 1).await?.into_iter().next())
}

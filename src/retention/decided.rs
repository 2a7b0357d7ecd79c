//! Whether two people decided: asked of the bucket, not of the catalog's row.
//!
//! A proposal and what was decided on it are statements, sealed with a key that the
//! catalog does not have. Before a job destroys anything, both must be in the log: the
//! proposal as the row has it, and as the last word on it the approval, by somebody
//! else. A row that was changed in the catalog alone decides nothing.

use super::{Retention, RetentionError, ready};
use crate::base::clock::Timestamp;
use crate::catalog::state::{self, Value};
use crate::policy::evidence::{self, Fields, Told};

/// What two people decide on.
#[derive(Clone, Copy)]
pub(super) struct Decided {
    /// The table; acts are called as it is.
    table: &'static str,
    acts: [&'static str; 3],
    /// What a proposal says and nothing changes.
    proposed: &'static [&'static str],
}

pub(super) const DISPOSITION: Decided = Decided {
    table: "disposition",
    acts: ["disposition.propose", "disposition.approve", "disposition.refuse"],
    proposed: &["class", "epoch", "due_at", "figures", "proposed_at", "proposed_by"],
};

pub(super) const ERASURE: Decided = Decided {
    table: "erasure",
    acts: ["erasure.propose", "erasure.approve", "erasure.refuse"],
    proposed: &["ground", "figures", "proposed_at", "proposed_by"],
};

const DECISION: [&str; 3] = ["decided_at", "decided_by", "reason"];

/// Refuses to go on where the log does not show that somebody proposed it as it is now,
/// and somebody else approved it.
pub(super) async fn check(
    retention: &Retention,
    decided: Decided,
    id: i64,
) -> Result<(), RetentionError> {
    let mut why = why_not(retention, decided, id).await?;
    if why.is_some() {
        // It may be on its way.
        if !retention.recorder.told().await? {
            return Err(RetentionError::NotYet(
                "what was decided is not in the bucket yet; see why, and go on then".into(),
            ));
        }
        why = why_not(retention, decided, id).await?;
    }
    match why {
        None => ready::published(retention).await,
        Some(why) => Err(RetentionError::NotYet(format!(
            "{why}; nothing is destroyed on it: its row was changed in the catalog, or a statement \
             is lost. Run `muniment verify`, and propose anew"
        ))),
    }
}

/// Why the log does not show that two people decided so; none where it does.
pub(super) async fn why_not(
    retention: &Retention,
    Decided { table, acts: [propose, approve, refuse], proposed }: Decided,
    id: i64,
) -> Result<Option<String>, RetentionError> {
    let Retention { catalog, vault, .. } = retention;
    let row = state::row(catalog, table, id).await?;
    let Some(row) = Fields::of(&row) else {
        return Ok(Some(format!("the catalog has no {table} {id}")));
    };
    let at = |column| match row.get(column) {
        Some(Value::Integer(at)) => Timestamp(*at),
        _ => Timestamp(0),
    };
    let proposed_at = at("proposed_at");
    let told = evidence::told(vault, catalog, &[propose], (proposed_at, proposed_at)).await?;
    let Some(proposal) = told.iter().find_map(|told| told.row(table, id)) else {
        return Ok(Some(format!("the log has no proposal of the {table} {id} from {proposed_at}")));
    };
    if let Some(column) = differs(proposed, proposal, row) {
        return Ok(Some(format!("the {table} {id} was proposed with another {column}")));
    }
    let since = (at("decided_at"), Timestamp(i64::MAX));
    let told = evidence::told(vault, catalog, &[approve, refuse], since).await?;
    let of_it = |told: &&Told| told.row(table, id).is_some();
    let last = told.iter().rfind(of_it);
    let approval = last.filter(|told| told.action == approve).and_then(|it| it.row(table, id));
    let Some(approval) = approval else {
        return Ok(Some(format!("the log has no approval of the {table} {id} as its last word")));
    };
    if let Some(column) =
        differs(proposed, approval, row).or_else(|| differs(&DECISION, approval, row))
    {
        return Ok(Some(format!("the {table} {id} was approved with another {column}")));
    }
    if approval.get("decided_by") == proposal.get("proposed_by") {
        return Ok(Some(format!("who proposed the {table} {id} approved it too")));
    }
    Ok(None)
}

/// Whether the log says that another proposed it than the row does. Where its statement
/// is not in the bucket yet, the job asks again.
pub(super) async fn is_proposer_other(
    retention: &Retention,
    Decided { table, acts: [propose, ..], .. }: Decided,
    id: i64,
    proposed_at: Timestamp,
) -> Result<bool, RetentionError> {
    let Retention { catalog, vault, .. } = retention;
    let row = state::row(catalog, table, id).await?;
    let told = evidence::told(vault, catalog, &[propose], (proposed_at, proposed_at)).await?;
    let proposal = told.iter().find_map(|told| told.row(table, id));
    Ok(match (Fields::of(&row), proposal) {
        (Some(row), Some(proposal)) => differs(&["proposed_by"], proposal, row).is_some(),
        _ => false,
    })
}

fn differs<'a>(columns: &[&'a str], told: Fields<'_>, row: Fields<'_>) -> Option<&'a str> {
    columns.iter().find(|column| told.get(column) != row.get(column)).copied()
}

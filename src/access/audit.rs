//! The audit: every look and every act, durable before its result is shown.
//!
//! Rows are appended only. An act that changes the catalog writes its row in
//! the same transaction; a look writes its row before it answers; what goes on
//! for a while writes one row when it begins and another when it ends.

use serde_json::{Value, json};

use super::{Actor, Role};
use crate::base::clock::{Clock, Timestamp};
use crate::base::ids::MatterId;
use crate::base::limits;
use crate::catalog::audit::{self as rows, AuditRow, Filter, Visible};
use crate::catalog::{Catalog, CatalogError, WriteTransaction};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Begun,
    Done,
    Refused,
    Failed,
    /// Ended before it was done, because somebody asked for that.
    Cancelled,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What was done, and to what.
#[derive(Clone, Debug)]
pub struct Act {
    /// A noun and a verb: `hold.place`, `message.view`.
    pub action: &'static str,
    pub matter: Option<MatterId>,
    /// What it was done to, in words.
    pub subject: String,
    pub detail: Value,
}

impl Act {
    pub fn new(action: &'static str, matter: Option<MatterId>, subject: impl Into<String>) -> Self {
        Self { action, matter, subject: subject.into(), detail: json!({}) }
    }

    pub fn with(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

/// Writes a row of its own; it is durable when this returns.
pub async fn record(
    catalog: &Catalog,
    clock: &Clock,
    actor: &Actor,
    act: &Act,
    outcome: Outcome,
) -> Result<i64, CatalogError> {
    let mut tx = catalog.write().await?;
    let id = record_in(&mut tx, clock.now(), &actor.name, act, outcome).await?;
    catalog.commit(tx, "write the audit").await?;
    Ok(id)
}

/// Writes a row in the transaction of the act that it tells of.
pub async fn record_in(
    tx: &mut WriteTransaction,
    at: Timestamp,
    actor: &str,
    act: &Act,
    outcome: Outcome,
) -> Result<i64, CatalogError> {
    let row = AuditRow {
        audit_id: 0,
        at,
        actor: actor.to_owned(),
        action: act.action.to_owned(),
        matter_id: act.matter,
        subject: act.subject.clone(),
        detail: act.detail.to_string(),
        outcome: outcome.as_str().to_owned(),
    };
    rows::insert(tx, &row).await
}

/// Something that goes on: its first row is durable.
#[must_use = "end it, so that the audit says what came of it"]
pub struct Begun {
    catalog: Catalog,
    clock: Clock,
    actor: Actor,
    act: Act,
    id: i64,
}

pub async fn begin(
    catalog: &Catalog,
    clock: &Clock,
    actor: &Actor,
    act: Act,
) -> Result<Begun, CatalogError> {
    let id = record(catalog, clock, actor, &act, Outcome::Begun).await?;
    Ok(Begun { catalog: catalog.clone(), clock: clock.clone(), actor: actor.clone(), act, id })
}

impl Begun {
    /// Writes the second row, with what came of it.
    pub async fn end(mut self, outcome: Outcome, detail: Value) -> Result<(), CatalogError> {
        self.act.detail = json!({ "begun": self.id, "result": detail });
        record(&self.catalog, &self.clock, &self.actor, &self.act, outcome).await?;
        Ok(())
    }
}

/// A page of the audit.
pub struct Page {
    pub rows: Vec<AuditRow>,
    pub next: Option<i64>,
}

/// Acts of running the archive: an administrator sees these and no others,
/// since the rest speaks of mail.
const ADMINISTRATIVE: &[&str] = &[
    "session.", "person.", "archive.", "keys.", "source.", "import.", "audit.", "status.", "class.",
];

/// Acts of keeping and destroying: a records manager sees these.
const OF_RECORDS: &[&str] = &["disposition.", "archive.", "class."];

/// The rows that the actor may see: an auditor all of them, whoever else reads mail their
/// own and those of their matters.
pub async fn list(
    actor: &Actor,
    catalog: &Catalog,
    mut filter: Filter,
) -> Result<Page, CatalogError> {
    let visible = match actor.role {
        Role::Administrator => Visible::Actions(ADMINISTRATIVE),
        Role::Records => Visible::Actions(OF_RECORDS),
        Role::Auditor => Visible::Everything,
        Role::Legal | Role::Reviewer => {
            Visible::MattersOf { user_id: actor.user_id, name: actor.name.clone() }
        }
    };
    let limit = filter.limit.clamp(1, limits::PAGE_ROWS_MAX);
    filter.limit = limit + 1;
    let mut rows = rows::list(catalog, &visible, &filter).await?;
    let is_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| is_more).map(|row| row.audit_id);
    Ok(Page { rows, next })
}

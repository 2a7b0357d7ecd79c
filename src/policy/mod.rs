//! Statements: what was decided and looked at, told to the bucket, so that it can
//! be proved by the log and comes back without the catalog.
//!
//! An act that records depend on (a hold placed or released) adds its statement in
//! its own catalog transaction, with all rows that it needs to be understood. It is
//! in force with that commit; [`Recorder::told`] waits until it is in the bucket
//! too. Once a minute [`seal`] tells all other changes and the audit.
//!
//! What a crash leaves: before the put, a row that waits, put at the next start;
//! between the put and the leaf, an object that no leaf speaks of, beside the one
//! that is then made of the same row.

pub mod account;
pub mod classes;
mod effect;
pub mod evidence;
pub mod restore;
pub mod rules;
pub mod seal;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::access::audit::{Act, Outcome, record_in};
use crate::base::chain::chain;
use crate::base::clock::{Clock, Timestamp};
use crate::base::crash;
use crate::base::ids::{DispositionId, ErasureId, MatterId};
use crate::base::limits::SEAL_EVERY_SECONDS;
use crate::catalog::lease::{Standing, Turn};
use crate::catalog::state::{self, Rows};
use crate::catalog::statement::{self, SEAL};
use crate::catalog::{Catalog, CatalogError, WriteTransaction};
use crate::vault::statement::Head;
use crate::vault::{Vault, VaultError};
use account::Unexplained;
use seal::{Sealed, Sealer};

#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("the statement {object} cannot be read")]
    Content { object: String, source: serde_json::Error },
}

/// What a statement tells, as JSON.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Ids of message sets up to this one were given.
    #[serde(default)]
    last_set: i64,
    tables: Vec<Rows>,
    /// What a check of the whole archive found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verified: Option<serde_json::Value>,
    /// Changes of rows that no act made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unexplained: Option<serde_json::Value>,
}

impl Content {
    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("our own types are valid JSON")
    }

    fn row_count(&self) -> u32 {
        let count = self.tables.iter().map(|rows| rows.rows.len() + rows.gone.len()).sum::<usize>();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

/// Tells of an act in a matter, in the act's own transaction.
pub async fn tell(
    tx: &mut WriteTransaction,
    at: Timestamp,
    action: &str,
    matter: MatterId,
) -> Result<(), CatalogError> {
    let tables = state::of_matter(tx, matter).await?;
    let content = Content { tables, ..Content::default() };
    statement::add(tx, at, action, None, content.row_count(), &content.encode()).await?;
    Ok(())
}

/// The action of a statement that tells what a check of the archive found.
pub const VERIFY: &str = "archive.verify";

/// Tells what a check of the whole archive found.
pub async fn tell_verified(
    tx: &mut WriteTransaction,
    at: Timestamp,
    found: serde_json::Value,
) -> Result<(), CatalogError> {
    let content = Content { verified: Some(found), ..Content::default() };
    statement::add(tx, at, VERIFY, None, content.row_count(), &content.encode()).await?;
    Ok(())
}

/// The action of a statement that names changes of rows that no act made.
pub const UNEXPLAINED: &str = "archive.unexplained";

/// Tells which rows a seal shows otherwise than before, by nobody's act: with it in the
/// log, whoever changed them cannot take that back.
async fn tell_unexplained(
    tx: &mut WriteTransaction,
    at: Timestamp,
    found: &[Unexplained],
) -> Result<(), CatalogError> {
    let told: Vec<_> = found.iter().map(Unexplained::told).collect();
    let mut tables: Vec<_> = found.iter().map(|it| it.table).collect();
    tables.dedup();
    let (count, tables) = (found.len(), tables.join(", "));
    tracing::error!(count, tables, "{count} rows of {tables} were changed by nobody's act");
    let act = Act::new(UNEXPLAINED, None, "what people decided").with(json!({ "rows": told }));
    record_in(tx, at, "system", &act, Outcome::Done).await?;
    let content = Content { unexplained: Some(json!(told)), ..Content::default() };
    statement::add(tx, at, UNEXPLAINED, None, content.row_count(), &content.encode()).await?;
    Ok(())
}

/// Tells of an act of a disposition, in the act's own transaction.
pub async fn tell_disposition(
    tx: &mut WriteTransaction,
    at: Timestamp,
    action: &str,
    id: DispositionId,
) -> Result<i64, CatalogError> {
    let content = Content { tables: state::of_disposition(tx, id).await?, ..Content::default() };
    statement::add(tx, at, action, None, content.row_count(), &content.encode()).await
}

/// Tells of an act of an erasure, in the act's own transaction.
pub async fn tell_erasure(
    tx: &mut WriteTransaction,
    at: Timestamp,
    action: &str,
    id: ErasureId,
) -> Result<i64, CatalogError> {
    let content = Content { tables: state::of_erasure(tx, id).await?, ..Content::default() };
    statement::add(tx, at, action, None, content.row_count(), &content.encode()).await
}

/// How far the bucket knows of what was decided.
#[derive(Clone, Debug)]
pub struct Recorder {
    catalog: Catalog,
    wake: Arc<Notify>,
    /// The last statement before which all are in the bucket.
    told: Arc<watch::Sender<i64>>,
}

/// Puts what waits into the bucket. One per node runs, and takes turns with the others.
pub struct Teller {
    turn: Turn,
    vault: Vault,
    recorder: Recorder,
    clock: Clock,
    sealer: Sealer,
}

/// How long an act waits for its statement.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often nodes look for what another has decided, or told.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Recorder {
    pub fn new(catalog: Catalog) -> Self {
        Self { catalog, wake: Arc::default(), told: Arc::new(watch::Sender::new(0)) }
    }

    /// Waits until all that was decided so far is in the bucket; whether it is.
    /// What is not after a while is in force all the same, and is told later.
    pub async fn told(&self) -> Result<bool, CatalogError> {
        let mut told = self.told.subscribe();
        let (waiting, last) = statement::count_waiting(&self.catalog).await?;
        if waiting == 0 {
            return Ok(true);
        }
        self.ring();
        let reached = async {
            match self.catalog.is_shared() {
                // Another node may be the one that tells.
                true => self.told_by_any(last).await,
                false => told.wait_for(|at| *at >= last).await.is_ok(),
            }
        };
        let is_told = tokio::time::timeout(PATIENCE, reached).await.unwrap_or(false);
        if !is_told {
            tracing::warn!(waiting, "what was decided is not in the bucket yet");
        }
        Ok(is_told)
    }

    /// Has what was decided told at once, for who does not wait for it.
    pub fn ring(&self) {
        self.wake.notify_one();
    }

    async fn told_by_any(&self, last: i64) -> bool {
        loop {
            match statement::are_told(&self.catalog, last).await {
                Ok(true) => return true,
                Ok(false) => tokio::time::sleep(LOOK_EVERY).await,
                Err(_) => return false,
            }
        }
    }

    /// How many statements are not in the bucket yet.
    pub async fn waiting(&self) -> Result<u64, CatalogError> {
        Ok(statement::count_waiting(&self.catalog).await?.0)
    }
}

impl Teller {
    pub fn new(vault: Vault, recorder: Recorder, clock: Clock) -> Self {
        let turn = Turn::new(recorder.catalog.clone(), "tell");
        Self { turn, vault, recorder, clock, sealer: Sealer::default() }
    }

    /// Runs until `stop` is ready, and seals once more then.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut seal_at = Instant::now();
        loop {
            let mut is_due = Instant::now() >= seal_at;
            let done = match self.turn.take().await {
                Ok(Standing::Others) => Ok(()),
                Ok(standing) => {
                    if standing == Standing::Begun {
                        // What others told meanwhile, this one does not know.
                        (self.sealer, is_due) = (Sealer::default(), true);
                    }
                    self.tell(is_due).await
                }
                Err(error) => Err(error.into()),
            };
            if is_due && done.is_ok() {
                seal_at = Instant::now() + Duration::from_secs(SEAL_EVERY_SECONDS);
            }
            let next = match done {
                Ok(()) if self.recorder.catalog.is_shared() => {
                    seal_at.min(Instant::now() + LOOK_EVERY)
                }
                Ok(()) => seal_at,
                Err(error) => {
                    let error = chain(&error);
                    tracing::warn!(error, "tell the bucket what was decided: will try again");
                    Instant::now() + RETRY_AFTER
                }
            };
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.recorder.wake.notified() => {}
                () = &mut stop => break,
            }
        }
        if let Err(error) = self.finish().await {
            let error = chain(&error);
            tracing::warn!(error, "what was decided last is told at the next start");
        }
    }

    async fn finish(&mut self) -> Result<(), PolicyError> {
        if self.turn.take().await? == Standing::Mine {
            self.tell(true).await?;
        }
        Ok(self.turn.give_up().await?)
    }

    async fn tell(&mut self, is_due: bool) -> Result<(), PolicyError> {
        self.put_waiting().await?;
        if is_due {
            let catalog = self.recorder.catalog.clone();
            let mut is_more = true;
            while is_more {
                is_more = self.sealer.seal(&catalog, self.clock.now()).await? == Sealed::Part;
                self.put_waiting().await?;
                self.sealer.confirm(&catalog).await?;
            }
        }
        Ok(())
    }

    async fn put_waiting(&self) -> Result<(), PolicyError> {
        let catalog = &self.recorder.catalog;
        while let Some(waiting) = statement::first_waiting(catalog).await? {
            let row = waiting.row;
            let head = Head {
                number: row.statement_id as u64,
                follows: row.follows as u64,
                at: row.at,
                action: row.action.clone(),
            };
            crash::point("policy.before_put");
            let stated = self.vault.put_statement(&head, &waiting.content).await?;
            crash::point("policy.after_put");
            let leaf = stated.leaf(&head, row.action == SEAL, row.row_count);
            let mut tx = catalog.write().await?;
            let (body, hash) = (leaf.encode(), leaf.hash());
            if statement::settle(&mut tx, row.statement_id, &stated.place, &body, &hash).await? {
                catalog.commit(tx, "settle a statement").await?;
            }
            self.recorder.told.send_replace(row.statement_id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Statements back into a catalog that is made again from the bucket.
//!
//! The log has them in the order in which they were put. A seal shows the tables as
//! they were before acts that were put before it: those are applied once more after
//! it. What no leaf speaks of was never answered to anyone; of that, a hold that was
//! placed is applied all the same, and a release is asked for again.

use std::collections::VecDeque;

use super::{Content, PolicyError};
use crate::base::clock::Timestamp;
use crate::catalog::statement::{self, SEAL, StatementRow};
use crate::catalog::{Catalog, CatalogError, WriteTransaction, cursor, job, leaf, set, state};
use crate::ledger::leaf::Leaf;
use crate::vault::bucket::BucketError;
use crate::vault::statement::{Opened, PREFIX, object_name};
use crate::vault::{Vault, VaultError};

/// What came back.
#[derive(Debug, Default)]
pub struct Restored {
    pub statements: u64,
    /// Holds that were placed and had no leaf yet.
    pub holds_applied: u64,
    /// Acts without a leaf that are asked for again.
    pub left_out: u64,
    /// The audit is whole up to here.
    pub sealed_until: Option<Timestamp>,
    /// What is missing or damaged, each a sentence.
    pub faults: Vec<String>,
}

const LEAVES_AT_ONCE: u32 = 1000;
/// Message sets that may have been made after the last seal: their ids are not
/// given again.
const SETS_AFTER_SEAL: i64 = 1_000_000;

/// Applies every statement of the log, then what is beside it in the bucket.
/// Doing it again changes nothing. `progress` hears of leaves looked at, of all.
pub async fn restore(
    vault: &Vault,
    catalog: &Catalog,
    now: Timestamp,
    progress: &mut (impl FnMut(u64, u64) + Send),
) -> Result<Restored, PolicyError> {
    let mut restored = Restored::default();
    let mut recent = Recent::new();
    let (count, mut last_set) = (leaf::count(catalog).await?, 0);
    let mut position = 0;
    let mut last_month = String::new();
    while position < count {
        let leaves = leaf::from(catalog, position, LEAVES_AT_ONCE).await?;
        for row in &leaves {
            let told = Leaf::decode(&row.body)
                .map_err(|error| CatalogError::Corrupt(format!("{}: {error}", row.position)))?;
            let (at, object) = match told {
                Leaf::Delivery { received_at, .. } => {
                    last_month = last_month.max(received_at.month());
                    continue;
                }
                Leaf::Event { at, object, .. } | Leaf::Seal { at, object, .. } => (at, object),
            };
            last_month = last_month.max(at.month());
            let name = object_name(at, &object);
            let Some((opened, content)) = open(vault, &name, &mut restored.faults).await? else {
                continue;
            };
            let row_told = row_of(&opened, &content);
            let mut tx = catalog.write().await?;
            if row_told.action == SEAL {
                restored.sealed_until = Some(at);
                last_set = last_set.max(content.last_set);
            }
            apply(&mut tx, &mut recent, &row_told, content).await?;
            let place = &opened.stated.place;
            statement::restore(&mut tx, &row_told, place, Some(row.position)).await?;
            catalog.commit(tx, "write a statement back").await?;
            restored.statements += 1;
        }
        position += leaves.len() as u64;
        progress(position, count);
    }
    apply_unpublished(vault, catalog, &last_month, &mut restored).await?;
    let mut tx = catalog.write().await?;
    settle(&mut tx, last_set, now).await?;
    catalog.commit(tx, "write the archive's state back").await?;
    Ok(restored)
}

/// Acts that a later seal may not show yet.
type Recent = VecDeque<(i64, Content)>;

async fn apply(
    tx: &mut WriteTransaction,
    recent: &mut Recent,
    row: &StatementRow,
    content: Content,
) -> Result<(), CatalogError> {
    state::apply(tx, &content.tables).await?;
    if row.action == SEAL {
        recent.retain(|(id, _)| *id > row.follows);
        for (_, content) in recent.iter() {
            state::apply(tx, &content.tables).await?;
        }
    } else {
        recent.push_back((row.statement_id, content));
    }
    Ok(())
}

/// The row that a statement should have.
pub fn row_told(opened: &Opened) -> Result<StatementRow, PolicyError> {
    Ok(row_of(opened, &content_of(opened)?))
}

pub(super) fn content_of(opened: &Opened) -> Result<Content, PolicyError> {
    let object = || opened.stated.place.name.clone();
    serde_json::from_slice(&opened.content)
        .map_err(|source| PolicyError::Content { object: object(), source })
}

/// What follows from the catalog's being another one now.
async fn settle(
    tx: &mut WriteTransaction,
    last_set: i64,
    now: Timestamp,
) -> Result<(), CatalogError> {
    set::reserve_ids(tx, last_set + SETS_AFTER_SEAL).await?;
    job::fail_unended(tx, now, "the catalog was made again meanwhile; ask for it again").await?;
    let audited = crate::catalog::audit::last_id(tx).await?;
    cursor::set(tx, super::seal::CURSOR, audited).await
}

async fn apply_unpublished(
    vault: &Vault,
    catalog: &Catalog,
    since_month: &str,
    restored: &mut Restored,
) -> Result<(), PolicyError> {
    let mut found = Vec::new();
    for name in vault.bucket().list(PREFIX).await.map_err(VaultError::from)? {
        let month = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/'));
        // One from before was put again under a leaf that was published since.
        if month.is_none_or(|(month, _)| month < since_month) {
            continue;
        }
        if let Some(read) = open(vault, &name, &mut restored.faults).await? {
            found.push(read);
        }
    }
    found.sort_by_key(|(opened, _)| opened.head.number);
    for (opened, content) in found {
        let row = row_of(&opened, &content);
        if statement::is_known(catalog, row.statement_id).await? {
            continue;
        }
        match row.action.as_str() {
            "hold.place" => {
                let stated = &opened.stated;
                let leaf = stated.leaf(&opened.head, false, row.row_count);
                let mut tx = catalog.write().await?;
                state::apply(&mut tx, &content.tables).await?;
                statement::restore(&mut tx, &row, &stated.place, None).await?;
                let (body, hash) = (leaf.encode(), leaf.hash());
                statement::settle(&mut tx, row.statement_id, &stated.place, &body, &hash).await?;
                catalog.commit(tx, "apply a hold").await?;
                restored.holds_applied += 1;
            }
            SEAL | super::VERIFY | super::UNEXPLAINED => {}
            _ => restored.left_out += 1,
        }
    }
    Ok(())
}

pub(super) fn row_of(opened: &Opened, content: &Content) -> StatementRow {
    StatementRow {
        statement_id: opened.head.number as i64,
        follows: opened.head.follows as i64,
        at: opened.head.at,
        action: opened.head.action.clone(),
        row_count: content.row_count(),
    }
}

/// None where it is missing or damaged, which is noted.
async fn open(
    vault: &Vault,
    name: &str,
    faults: &mut Vec<String>,
) -> Result<Option<(Opened, Content)>, PolicyError> {
    let opened = match vault.open_statement(name).await {
        Ok(opened) => opened,
        Err(VaultError::Bucket(BucketError::Missing(name))) => {
            faults.push(format!("the statement {name} is in the log and not in the bucket"));
            return Ok(None);
        }
        Err(error) if error.is_closed() => {
            faults.push(format!("{name}: {error}"));
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let content = content_of(&opened)?;
    Ok(Some((opened, content)))
}

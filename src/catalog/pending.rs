//! Messages that are read again, with more time than when they came.
//!
//! # Invariant
//! A row and its gaps of the reason [`REASON`] come in one transaction and go in
//! one: of the delivery while nothing of the message is known, of its set else.

use std::collections::HashSet;

use super::set::{self, Assigned, Derived, NewGap};
use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::ids::{DeliverySeq, SetId};

/// The reason of the gaps of what waits: `extract::Reason::Pending`.
pub const REASON: &str = "pending";

/// A message that is to be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub id: i64,
    pub seq: DeliverySeq,
    pub entry: u32,
    /// None while nothing of it is known.
    pub set: Option<SetId>,
}

/// A message that did not end in the time that it had.
#[derive(Clone, Debug)]
pub struct Postponed {
    pub seq: DeliverySeq,
    pub entry: u32,
    pub set: Option<SetId>,
    pub gaps: Vec<NewGap>,
}

/// What came of reading it again.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Its rows are written; only what waited for them goes.
    Derived,
    /// What its set's documents are now known to be.
    Documents(Box<Derived>),
    /// It cannot be read, for this reason.
    Failed(NewGap),
}

const DURING: &str = "postpone a reading";
const SETTLING: &str = "settle a reading";

/// Writes rows and gaps of messages that are postponed; none for those that wait
/// already.
pub(super) async fn insert(
    tx: &mut WriteTransaction,
    node: &str,
    postponed: &[Postponed],
) -> Result<(), CatalogError> {
    for it in postponed {
        let done = db::query(
            "INSERT INTO pending_reading (seq, entry, set_id, node) VALUES ($1, $2, $3, $4)
             ON CONFLICT (seq, entry, node) DO NOTHING",
        )
        .bind(it.seq.0)
        .bind(i64::from(it.entry))
        .bind(it.set.map(|set| set.0))
        .bind(node)
        .execute(&mut *tx)
        .await
        .during(DURING)?;
        if done.rows_affected() == 1 && !is_read_elsewhere(tx, node, it).await? {
            let gaps: Vec<_> = it.gaps.iter().map(|gap| (it.seq, it.set, gap)).collect();
            set::insert_gaps(tx, &gaps).await?;
        }
    }
    Ok(())
}

/// Whether another node waits for the same message, and has said so by its gaps.
async fn is_read_elsewhere(
    tx: &mut WriteTransaction,
    node: &str,
    it: &Postponed,
) -> Result<bool, CatalogError> {
    if node.is_empty() {
        return Ok(false);
    }
    let others: i64 = db::query_scalar(
        "SELECT COUNT(*) FROM pending_reading WHERE seq = $1 AND entry = $2 AND node <> $3",
    )
    .bind(it.seq.0)
    .bind(i64::from(it.entry))
    .bind(node)
    .fetch_one(tx)
    .await
    .during(DURING)?;
    Ok(others > 0)
}

/// The same for messages that were derived before and are missing in the index.
pub async fn postpone(catalog: &Catalog, postponed: &[Postponed]) -> Result<(), CatalogError> {
    if postponed.is_empty() {
        return Ok(());
    }
    let mut tx = catalog.write_derived().await?;
    insert(&mut tx, catalog.node(), postponed).await?;
    catalog.commit(tx, DURING).await
}

/// The next message to read: those first of which nothing is known, each kind in
/// its order. `after` are the last ones that were taken, of the one kind and the
/// other.
pub async fn next(catalog: &Catalog, after: (i64, i64)) -> Result<Option<Waiting>, CatalogError> {
    let row: Option<(i64, i64, i64, Option<i64>)> = db::query_as(
        "SELECT pending_id, seq, entry, set_id FROM pending_reading
         WHERE node = $3 AND ((set_id IS NULL AND pending_id > $1)
                              OR (set_id IS NOT NULL AND pending_id > $2))
         ORDER BY CASE WHEN set_id IS NULL THEN 0 ELSE 1 END, pending_id LIMIT 1",
    )
    .bind(after.0)
    .bind(after.1)
    .bind(catalog.node())
    .fetch_optional(catalog.read())
    .await
    .during("find what is to be read again")?;
    row.map(|(id, seq, entry, set)| {
        let entry = u32::try_from(entry);
        let entry = entry.map_err(|_| CatalogError::Corrupt("a pending reading".into()))?;
        Ok(Waiting { id, seq: DeliverySeq(seq), entry, set: set.map(SetId) })
    })
    .transpose()
}

/// Of the messages of these deliveries, those of which nothing is known yet.
pub async fn unknown(
    catalog: &Catalog,
    from: DeliverySeq,
    to: DeliverySeq,
) -> Result<HashSet<(DeliverySeq, u32)>, CatalogError> {
    let rows: Vec<(i64, i64)> = db::query_as(
        "SELECT seq, entry FROM pending_reading
         WHERE set_id IS NULL AND seq >= $1 AND seq <= $2 AND node = $3",
    )
    .bind(from.0)
    .bind(to.0)
    .bind(catalog.node())
    .fetch_all(catalog.read())
    .await
    .during("look for pending readings")?;
    Ok(rows.into_iter().map(|(seq, entry)| (DeliverySeq(seq), entry as u32)).collect())
}

/// What waits to be read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Deliveries with a message of which nothing can be found yet.
    pub deliveries: u64,
    pub oldest: Option<Timestamp>,
    /// Documents of messages of which the rest can be found.
    pub documents: u64,
}

/// Of deliveries up to `up_to`: later ones are not searchable anyway.
pub async fn counts(catalog: &Catalog, up_to: DeliverySeq) -> Result<Counts, CatalogError> {
    let (deliveries, oldest, gaps, own): (i64, Option<i64>, i64, i64) = db::query_as(
        "SELECT COUNT(DISTINCT p.seq), MIN(d.received_at),
             (SELECT COUNT(*) FROM gap WHERE reason = $2 AND set_id IS NOT NULL),
             (SELECT COUNT(*) FROM pending_reading WHERE set_id IS NOT NULL AND node = $3)
         FROM pending_reading p JOIN delivery d ON d.seq = p.seq
         WHERE p.set_id IS NULL AND p.seq <= $1 AND p.node = $3",
    )
    .bind(up_to.0)
    .bind(REASON)
    .bind(catalog.node())
    .fetch_one(catalog.read())
    .await
    .during("count pending readings")?;
    Ok(Counts {
        deliveries: deliveries.max(0) as u64,
        oldest: oldest.map(Timestamp),
        // Another node may have read them before this one.
        documents: gaps.max(own).max(0) as u64,
    })
}

/// Deliveries up to `up_to` with a message or a document that is still being read.
pub async fn unsettled(catalog: &Catalog, up_to: DeliverySeq) -> Result<u64, CatalogError> {
    let count: i64 = db::query_scalar(
        "SELECT COUNT(DISTINCT seq) FROM pending_reading WHERE seq <= $1 AND node = $2",
    )
    .bind(up_to.0)
    .bind(catalog.node())
    .fetch_one(catalog.read())
    .await
    .during("count pending readings")?;
    Ok(count.max(0) as u64)
}

/// What was read is searchable, or never will be. A crash before leaves the row,
/// and the message is read once more, to the same end.
pub async fn settle(
    catalog: &Catalog,
    waiting: Waiting,
    outcome: Outcome,
) -> Result<(), CatalogError> {
    let mut tx = catalog.write_derived().await?;
    match (outcome, waiting.set) {
        (Outcome::Documents(derived), Some(set)) => {
            documents(&mut tx, catalog.node(), set, *derived).await?;
        }
        (Outcome::Failed(gap), Some(set)) => {
            db::query("UPDATE gap SET reason = $1, detail = $2 WHERE set_id = $3 AND reason = $4")
                .bind(gap.reason)
                .bind(gap.detail)
                .bind(set.0)
                .bind(REASON)
                .execute(&mut tx)
                .await
                .during(SETTLING)?;
        }
        (outcome, None) => {
            let gone = db::query(
                "DELETE FROM gap WHERE gap_id = (SELECT MIN(gap_id) FROM gap
                     WHERE seq = $1 AND set_id IS NULL AND reason = $2)",
            )
            .bind(waiting.seq.0)
            .bind(REASON)
            .execute(&mut tx)
            .await
            .during(SETTLING)?;
            // Where there was none, another node has said what came of it.
            if let Outcome::Failed(gap) = outcome
                && gone.rows_affected() == 1
            {
                set::insert_gaps(&mut tx, &[(waiting.seq, None, &gap)]).await?;
            }
        }
        (Outcome::Derived, Some(_)) => {}
    }
    db::query("DELETE FROM pending_reading WHERE pending_id = $1")
        .bind(waiting.id)
        .execute(&mut tx)
        .await
        .during(SETTLING)?;
    catalog.commit(tx, SETTLING).await
}

/// All documents and gaps anew: what is in a document that was not read is listed
/// between the others.
async fn documents(
    tx: &mut WriteTransaction,
    node: &str,
    set: SetId,
    mut derived: Derived,
) -> Result<(), CatalogError> {
    let parts = derived.attachments.iter().filter(|file| file.is_part).count();
    let first: i64 = db::query_scalar(
        "UPDATE message_set SET attachment_count = $1 WHERE set_id = $2 RETURNING first_seq",
    )
    .bind(parts as i64)
    .bind(set.0)
    .fetch_one(&mut *tx)
    .await
    .during(SETTLING)?;
    for table in ["DELETE FROM attachment WHERE set_id = $1", "DELETE FROM gap WHERE set_id = $1"] {
        db::query(table).bind(set.0).execute(&mut *tx).await.during(SETTLING)?;
    }
    let to = [Assigned { set, is_new: true }];
    // Who took part, this delivery says.
    set::people(tx, std::slice::from_ref(&derived), &to).await?;
    derived.seq = DeliverySeq(first);
    let derived = std::slice::from_ref(&derived);
    set::attachments(tx, derived, &to).await?;
    set::gaps(tx, node, derived, &to).await
}

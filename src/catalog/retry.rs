//! Reading again what has a gap: which messages, put in line behind what waits.
//! Their gaps stay as they are until something else is known.

use super::gap::{self, Filter};
use super::pending::{self, Postponed};
use super::set::NewGap;
use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::ids::{DeliverySeq, SetId};

const DURING: &str = "put gaps in line to be read again";

/// Where the line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Messages that were put in line.
    pub put: u64,
    /// The last gap that was looked at; none when all were.
    pub after: Option<i64>,
}

/// Puts the messages of the gaps after `after` in line, `limit` gaps at a time. One
/// that is in line already is not put there again.
pub async fn put(
    catalog: &Catalog,
    filter: &Filter,
    after: i64,
    limit: usize,
) -> Result<Line, CatalogError> {
    let found = gap::places(catalog, filter, after, limit).await?;
    let last = found.last().map(|place| place.gap_id).filter(|_| found.len() == limit);
    let mut sets: Vec<SetId> = found.iter().filter_map(|place| place.set).collect();
    sets.sort_unstable();
    sets.dedup();
    let mut tx = catalog.write_derived().await?;
    let mut put = 0;
    for set in sets {
        put += put_set(&mut tx, set).await?;
    }
    for place in found.iter().filter(|place| place.set.is_none()) {
        put += put_delivery(&mut tx, catalog.node(), place.gap_id, place.seq).await?;
    }
    catalog.commit(tx, DURING).await?;
    Ok(Line { put, after: last })
}

/// Every node reads for its own index.
async fn put_set(tx: &mut WriteTransaction, set: SetId) -> Result<u64, CatalogError> {
    let sql = match tx.engine() {
        db::Engine::Sqlite => {
            "INSERT INTO pending_reading (seq, entry, set_id, node)
             SELECT m.first_seq, MIN(s.entry), m.set_id, '' FROM message_set m
             JOIN set_delivery s ON s.set_id = m.set_id AND s.seq = m.first_seq
             WHERE m.set_id = $1 GROUP BY m.first_seq, m.set_id
             ON CONFLICT (seq, entry, node) DO NOTHING"
        }
        db::Engine::Postgres => {
            "INSERT INTO pending_reading (seq, entry, set_id, node)
             SELECT m.first_seq, MIN(s.entry), m.set_id, n.node_id FROM message_set m
             JOIN set_delivery s ON s.set_id = m.set_id AND s.seq = m.first_seq
             CROSS JOIN node n
             WHERE m.set_id = $1 GROUP BY m.first_seq, m.set_id, n.node_id
             ON CONFLICT (seq, entry, node) DO NOTHING"
        }
    };
    let done = db::query(sql).bind(set.0).execute(&mut *tx).await.during(DURING)?;
    Ok(u64::from(done.rows_affected() > 0))
}

/// Messages of a delivery of which nothing is known; its gap says that they wait.
async fn put_delivery(
    tx: &mut WriteTransaction,
    node: &str,
    gap_id: i64,
    seq: DeliverySeq,
) -> Result<u64, CatalogError> {
    let entries: Vec<i64> = db::query_scalar(
        "SELECT m.entry FROM delivery_message m WHERE m.seq = $1
         AND NOT EXISTS (SELECT 1 FROM set_delivery s WHERE s.seq = m.seq AND s.entry = m.entry)
         AND NOT EXISTS (SELECT 1 FROM pending_reading p
                         WHERE p.seq = m.seq AND p.entry = m.entry)
         ORDER BY m.entry LIMIT 1",
    )
    .bind(seq.0)
    .fetch_all(&mut *tx)
    .await
    .during(DURING)?;
    let Some(entry) = entries.first().and_then(|entry| u32::try_from(*entry).ok()) else {
        return Ok(0);
    };
    db::query("DELETE FROM gap WHERE gap_id = $1")
        .bind(gap_id)
        .execute(&mut *tx)
        .await
        .during(DURING)?;
    let gap = NewGap::of_message(pending::REASON, "it is read again, as was asked".into());
    let again = Postponed { seq, entry, set: None, gaps: vec![gap] };
    pending::insert(tx, node, &[again]).await?;
    Ok(1)
}

/// The last place in the line, and how many of those up to `last` still wait.
pub async fn waiting(catalog: &Catalog, last: Option<i64>) -> Result<(i64, u64), CatalogError> {
    let (end, count): (i64, i64) = db::query_as(
        "SELECT COALESCE(MAX(pending_id), 0), COUNT(CASE WHEN pending_id <= $2 THEN 1 END)
         FROM pending_reading WHERE node = $1",
    )
    .bind(catalog.node())
    .bind(last.unwrap_or(i64::MAX))
    .fetch_one(catalog.read())
    .await
    .during("count what is read again")?;
    Ok((end, count.max(0) as u64))
}

//! The nodes that share the catalog, and when each was heard of last.

use super::{Catalog, CatalogError, During, db};
use crate::base::clock::Timestamp;

const DURING: &str = "say that this node is there";
/// Silent for so long, a node is taken for dead.
pub const SILENT_SECONDS: i64 = 60;
/// A node that was silent for so long is forgotten, with what waits for its index.
const FORGOTTEN_SECONDS: i64 = 30 * 86_400;

/// Says that this node is there; whether it was known.
pub async fn join(catalog: &Catalog, now: Timestamp) -> Result<bool, CatalogError> {
    let mut tx = catalog.write().await?;
    let known: Option<i64> = db::query_scalar("SELECT seen_at FROM node WHERE node_id = $1")
        .bind(catalog.node())
        .fetch_optional(&mut tx)
        .await
        .during(DURING)?;
    db::query(
        "INSERT INTO node (node_id, seen_at, is_gone) VALUES ($1, $2, 0)
         ON CONFLICT (node_id) DO UPDATE SET seen_at = excluded.seen_at, is_gone = 0",
    )
    .bind(catalog.node())
    .bind(now.0)
    .execute(&mut tx)
    .await
    .during(DURING)?;
    catalog.commit(tx, DURING).await?;
    Ok(known.is_some())
}

/// Says so again; whether it is still known.
pub async fn beat(catalog: &Catalog, now: Timestamp) -> Result<bool, CatalogError> {
    let mut tx = catalog.write_derived().await?;
    let done = db::query("UPDATE node SET seen_at = $2, is_gone = 0 WHERE node_id = $1")
        .bind(catalog.node())
        .bind(now.0)
        .execute(&mut tx)
        .await
        .during(DURING)?;
    catalog.commit(tx, DURING).await?;
    Ok(done.rows_affected() == 1)
}

/// Nodes that fell silent, and whose last deliveries nobody looked for yet.
pub async fn silent(catalog: &Catalog, now: Timestamp) -> Result<Vec<String>, CatalogError> {
    db::query_scalar("SELECT node_id FROM node WHERE is_gone = 0 AND seen_at < $1 ORDER BY node_id")
        .bind(now.plus_seconds(-SILENT_SECONDS).0)
        .fetch_all(catalog.read())
        .await
        .during("look for silent nodes")
}

/// What it left in the bucket was adopted.
pub async fn mark_gone(catalog: &Catalog, node: &str) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    db::query("UPDATE node SET is_gone = 1 WHERE node_id = $1")
        .bind(node)
        .execute(&mut tx)
        .await
        .during(DURING)?;
    catalog.commit(tx, DURING).await
}

/// Forgets nodes that were silent for very long. One that comes back is new, and
/// fills its index from the first delivery.
pub async fn forget(catalog: &Catalog, now: Timestamp) -> Result<(), CatalogError> {
    const DURING: &str = "forget a node";
    let mut tx = catalog.write().await?;
    let gone: Vec<String> = db::query_scalar("SELECT node_id FROM node WHERE seen_at < $1")
        .bind(now.plus_seconds(-FORGOTTEN_SECONDS).0)
        .fetch_all(&mut tx)
        .await
        .during(DURING)?;
    for node in gone {
        for sql in [
            "DELETE FROM pending_reading WHERE node = $1",
            "DELETE FROM diminished WHERE node = $1",
            "DELETE FROM node WHERE node_id = $1",
        ] {
            db::query(sql).bind(&node).execute(&mut tx).await.during(DURING)?;
        }
    }
    catalog.commit(tx, DURING).await
}

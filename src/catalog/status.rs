//! Counts for the status page.

use super::{Catalog, CatalogError, During, db};
use crate::base::clock::Timestamp;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Message sets.
    pub families: u64,
    pub gaps: u64,
    /// Records in which a read found damage.
    pub damaged: u64,
    pub jobs_running: u64,
    pub jobs_queued: u64,
    /// Entries of the log, published or not.
    pub leaves: u64,
}

type Columns = (i64, i64, i64, i64, i64, i64);

pub async fn counts(catalog: &Catalog) -> Result<Counts, CatalogError> {
    let row = db::query_as::<Columns>(
        "SELECT (SELECT COUNT(*) FROM message_set),
                (SELECT COUNT(*) FROM gap),
                (SELECT COUNT(*) FROM job WHERE state = 'running'),
                (SELECT COUNT(*) FROM job WHERE state = 'queued'),
                (SELECT COALESCE(MAX(position) + 1, 0) FROM leaf),
                (SELECT COUNT(*) FROM damage g JOIN delivery d ON d.record_id = g.record_id)",
    )
    .fetch_one(catalog.read())
    .await
    .during("count for the status")?;
    let count = |value: i64| value.max(0) as u64;
    Ok(Counts {
        families: count(row.0),
        gaps: count(row.1),
        jobs_running: count(row.2),
        jobs_queued: count(row.3),
        leaves: count(row.4),
        damaged: count(row.5),
    })
}

/// Of how many deliveries the newest time is looked for: those of several nodes are
/// committed in another order than they came in.
const NEWEST: i64 = 1000;

/// The latest time that the newest entries of the log give.
pub async fn newest_entry(catalog: &Catalog) -> Result<Option<Timestamp>, CatalogError> {
    let (delivered, stated): (Option<i64>, Option<i64>) = db::query_as(
        "SELECT (SELECT MAX(received_at) FROM
                    (SELECT received_at FROM delivery ORDER BY seq DESC LIMIT $1) AS newest),
                (SELECT at FROM statement ORDER BY statement_id DESC LIMIT 1)",
    )
    .bind(NEWEST)
    .fetch_one(catalog.read())
    .await
    .during("find the log's newest entry")?;
    Ok(delivered.max(stated).map(Timestamp))
}

/// When the first segment was made.
pub async fn first_segment(catalog: &Catalog) -> Result<Option<Timestamp>, CatalogError> {
    let at: Option<i64> = db::query_scalar("SELECT MIN(created_at) FROM segment")
        .fetch_one(catalog.read())
        .await
        .during("find the first segment")?;
    Ok(at.map(Timestamp))
}

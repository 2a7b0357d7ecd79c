//! Counts for the status page.

use super::{Catalog, CatalogError, During};
use crate::base::clock::Timestamp;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Message sets.
    pub messages: u64,
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
    let row = sqlx::query_as::<_, Columns>(
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
        messages: count(row.0),
        gaps: count(row.1),
        jobs_running: count(row.2),
        jobs_queued: count(row.3),
        leaves: count(row.4),
        damaged: count(row.5),
    })
}

/// When the first segment was made.
pub async fn first_segment(catalog: &Catalog) -> Result<Option<Timestamp>, CatalogError> {
    let at: Option<i64> = sqlx::query_scalar("SELECT MIN(created_at) FROM segment")
        .fetch_one(catalog.read())
        .await
        .during("find the first segment")?;
    Ok(at.map(Timestamp))
}

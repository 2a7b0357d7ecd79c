//! Counts for the status page.

use super::{Catalog, CatalogError, During, cursor};
use crate::base::clock::Timestamp;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Message sets.
    pub messages: u64,
    pub gaps: u64,
    /// Deliveries that the deriving follower has not reached.
    pub behind: u64,
    /// When the first of those was received.
    pub oldest_waiting: Option<Timestamp>,
    pub jobs_running: u64,
    pub jobs_queued: u64,
    /// Entries of the log, published or not.
    pub leaves: u64,
}

type Columns = (i64, i64, i64, Option<i64>, i64, i64, i64);

pub async fn counts(catalog: &Catalog) -> Result<Counts, CatalogError> {
    let derived = cursor::get(catalog, cursor::DERIVE).await?;
    let row = sqlx::query_as::<_, Columns>(
        "SELECT (SELECT COUNT(*) FROM message_set),
                (SELECT COUNT(*) FROM gap),
                (SELECT COUNT(*) FROM delivery WHERE seq > $1),
                (SELECT received_at FROM delivery WHERE seq > $1 ORDER BY seq LIMIT 1),
                (SELECT COUNT(*) FROM job WHERE state = 'running'),
                (SELECT COUNT(*) FROM job WHERE state = 'queued'),
                (SELECT COALESCE(MAX(position) + 1, 0) FROM leaf)",
    )
    .bind(derived)
    .fetch_one(catalog.read())
    .await
    .during("count for the status")?;
    let count = |value: i64| value.max(0) as u64;
    Ok(Counts {
        messages: count(row.0),
        gaps: count(row.1),
        behind: count(row.2),
        oldest_waiting: row.3.map(Timestamp),
        jobs_running: count(row.4),
        jobs_queued: count(row.5),
        leaves: count(row.6),
    })
}

//! Records in which a read found damage, until a check of all of one finds none.
//! Those that are no longer in the archive are not counted.

use std::collections::HashSet;

use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::ids::RecordId;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub record: RecordId,
    /// When it was met first.
    pub found_at: Timestamp,
    pub what: String,
}

/// Notes the damage; what is noted of the record already stays. What was destroyed
/// while it was read is no damage.
pub async fn note(
    tx: &mut WriteTransaction,
    record: RecordId,
    at: Timestamp,
    what: &str,
) -> Result<(), CatalogError> {
    db::query(
        "INSERT INTO damage (record_id, found_at, what)
         SELECT record_id, $2, $3 FROM delivery WHERE record_id = $1
         ON CONFLICT (record_id) DO NOTHING",
    )
    .bind(&record.0[..])
    .bind(at.0)
    .bind(what)
    .execute(&mut *tx)
    .await
    .during("note a damaged record")?;
    Ok(())
}

/// As [`note`], by itself.
pub async fn note_now(
    catalog: &Catalog,
    record: RecordId,
    at: Timestamp,
    what: &str,
) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    note(&mut tx, record, at, what).await?;
    catalog.commit(tx, "note a damaged record").await
}

/// The record was found whole.
pub async fn clear(tx: &mut WriteTransaction, record: RecordId) -> Result<(), CatalogError> {
    db::query("DELETE FROM damage WHERE record_id = $1")
        .bind(&record.0[..])
        .execute(&mut *tx)
        .await
        .during("clear a damaged record")?;
    Ok(())
}

/// How many there are.
pub async fn count(catalog: &Catalog) -> Result<u64, CatalogError> {
    let count: i64 = db::query_scalar(
        "SELECT COUNT(*) FROM damage g JOIN delivery d ON d.record_id = g.record_id",
    )
    .fetch_one(catalog.read())
    .await
    .during("count damaged records")?;
    Ok(count.max(0) as u64)
}

/// All of them, also of records that are no longer there.
pub async fn all(catalog: &Catalog) -> Result<HashSet<RecordId>, CatalogError> {
    let rows: Vec<Vec<u8>> = db::query_scalar("SELECT record_id FROM damage")
        .fetch_all(catalog.read())
        .await
        .during("list damaged records")?;
    Ok(rows.iter().filter_map(|record| RecordId::try_from(&record[..]).ok()).collect())
}

/// Records that were found whole.
pub async fn clear_now(catalog: &Catalog, records: &[RecordId]) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    for record in records {
        clear(&mut tx, *record).await?;
    }
    catalog.commit(tx, "clear damaged records").await
}

/// Those that were found last come first.
pub async fn newest(catalog: &Catalog, limit: usize) -> Result<Vec<Row>, CatalogError> {
    let rows: Vec<(Vec<u8>, i64, String)> = db::query_as(
        "SELECT g.record_id, g.found_at, g.what FROM damage g
         JOIN delivery d ON d.record_id = g.record_id
         ORDER BY g.found_at DESC, g.record_id LIMIT $1",
    )
    .bind(limit as i64)
    .fetch_all(catalog.read())
    .await
    .during("list damaged records")?;
    rows.into_iter()
        .map(|(record, found_at, what)| {
            let record = RecordId::try_from(&record[..])
                .map_err(|_| CatalogError::Corrupt("the id of a damaged record".into()))?;
            Ok(Row { record, found_at: Timestamp(found_at), what })
        })
        .collect()
}

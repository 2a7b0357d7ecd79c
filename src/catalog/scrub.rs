//! Checks of the whole archive: how far each is, and what it found.

use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;

/// A check that is under way or has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrubRow {
    pub scrub_id: i64,
    pub begun_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub step: String,
    pub position: String,
    /// JSON, as the checker has it.
    pub state: String,
    pub faults: u64,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingRow {
    pub kind: String,
    /// An object of the bucket, or a row of the catalog.
    pub object: String,
    pub is_fault: bool,
    pub detail: String,
    /// JSON list of the first records that it touches.
    pub records: String,
    pub touched: u64,
}

/// Who works on a check, and until when unless renewed.
#[derive(Clone, Copy, Debug)]
pub struct Lease<'a> {
    pub owner: &'a str,
    pub until: Timestamp,
}

const COLUMNS: &str = "scrub_id, begun_at, ended_at, step, position, state, faults";
const DURING: &str = "note how far the check is";

/// Takes up the check that has not ended, or begins one; none where another works
/// on it.
pub async fn take(
    catalog: &Catalog,
    lease: Lease<'_>,
    now: Timestamp,
    (step, state): (&str, &str),
) -> Result<Option<ScrubRow>, CatalogError> {
    let mut tx = catalog.write().await?;
    let found: Option<(i64, Option<String>, Option<i64>)> = db::query_as(
        "SELECT scrub_id, lease_owner, lease_until FROM scrub WHERE ended_at IS NULL
         ORDER BY scrub_id LIMIT 1",
    )
    .fetch_optional(&mut tx)
    .await
    .during(DURING)?;
    let id = match found {
        Some((_, Some(owner), Some(until))) if owner != lease.owner && until > now.0 => {
            return Ok(None);
        }
        Some((id, _, _)) => id,
        None => db::query_scalar(
            "INSERT INTO scrub (begun_at, step, position, state, faults)
             VALUES ($1, $2, '', $3, 0) RETURNING scrub_id",
        )
        .bind(now.0)
        .bind(step)
        .bind(state)
        .fetch_one(&mut tx)
        .await
        .during(DURING)?,
    };
    db::query("UPDATE scrub SET lease_owner = $1, lease_until = $2 WHERE scrub_id = $3")
        .bind(lease.owner)
        .bind(lease.until.0)
        .bind(id)
        .execute(&mut tx)
        .await
        .during(DURING)?;
    catalog.commit(tx, DURING).await?;
    one(catalog, "WHERE scrub_id = $1", id).await
}

/// Says how far it is, with what it found on the way, and keeps it. Whether it is
/// still this worker's.
pub async fn save(
    catalog: &Catalog,
    row: &ScrubRow,
    found: &[FindingRow],
    lease: Lease<'_>,
) -> Result<bool, CatalogError> {
    let mut tx = catalog.write().await?;
    for finding in found {
        add(&mut tx, row.scrub_id, finding).await?;
    }
    let saved = db::query(
        "UPDATE scrub SET step = $1, position = $2, state = $3, lease_until = $4,
             faults = (SELECT COUNT(*) FROM scrub_finding f
                       WHERE f.scrub_id = scrub.scrub_id AND f.is_fault = 1)
         WHERE scrub_id = $5 AND lease_owner = $6 AND ended_at IS NULL",
    )
    .bind(&row.step)
    .bind(&row.position)
    .bind(&row.state)
    .bind(lease.until.0)
    .bind(row.scrub_id)
    .bind(lease.owner)
    .execute(&mut tx)
    .await
    .during(DURING)?;
    if saved.rows_affected() == 0 {
        return Ok(false);
    }
    catalog.commit(tx, DURING).await?;
    Ok(true)
}

/// The same fault is one, however often it is met.
async fn add(
    tx: &mut WriteTransaction,
    scrub_id: i64,
    finding: &FindingRow,
) -> Result<(), CatalogError> {
    db::query(
        "INSERT INTO scrub_finding (scrub_id, kind, object, is_fault, detail, records, touched)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (scrub_id, kind, object) DO NOTHING",
    )
    .bind(scrub_id)
    .bind(&finding.kind)
    .bind(&finding.object)
    .bind(i64::from(finding.is_fault))
    .bind(&finding.detail)
    .bind(&finding.records)
    .bind(finding.touched as i64)
    .execute(&mut *tx)
    .await
    .during(DURING)?;
    Ok(())
}

/// Nobody works on it for now.
pub async fn release(catalog: &Catalog, owner: &str) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    db::query("UPDATE scrub SET lease_owner = NULL, lease_until = NULL WHERE lease_owner = $1")
        .bind(owner)
        .execute(&mut tx)
        .await
        .during(DURING)?;
    catalog.commit(tx, DURING).await
}

/// The check has come to its end; those before it are forgotten, but for the last.
pub async fn end(tx: &mut WriteTransaction, id: i64, now: Timestamp) -> Result<(), CatalogError> {
    let previous = "(SELECT COALESCE(MAX(scrub_id), 0) FROM scrub WHERE scrub_id < $1)";
    for sql in [
        format!("DELETE FROM scrub_finding WHERE scrub_id < {previous}"),
        format!("DELETE FROM scrub WHERE scrub_id < {previous}"),
    ] {
        db::query(db::AssertSqlSafe(sql)).bind(id).execute(&mut *tx).await.during(DURING)?;
    }
    db::query(
        "UPDATE scrub SET ended_at = $1, lease_owner = NULL, lease_until = NULL
         WHERE scrub_id = $2",
    )
    .bind(now.0)
    .bind(id)
    .execute(&mut *tx)
    .await
    .during(DURING)?;
    Ok(())
}

/// The last that came to its end.
pub async fn last_ended(catalog: &Catalog) -> Result<Option<ScrubRow>, CatalogError> {
    one(catalog, "WHERE ended_at IS NOT NULL AND scrub_id > $1", 0).await
}

/// The one that has not ended.
pub async fn under_way(catalog: &Catalog) -> Result<Option<ScrubRow>, CatalogError> {
    one(catalog, "WHERE ended_at IS NULL AND scrub_id > $1", 0).await
}

/// What a check found: faults first.
pub async fn findings(
    catalog: &Catalog,
    scrub_id: i64,
    limit: usize,
) -> Result<Vec<FindingRow>, CatalogError> {
    let rows = db::query(
        "SELECT kind, object, is_fault, detail, records, touched FROM scrub_finding
         WHERE scrub_id = $1 ORDER BY is_fault DESC, kind, object LIMIT $2",
    )
    .bind(scrub_id)
    .bind(limit as i64)
    .fetch_all(catalog.read())
    .await
    .during("read what a check found")?;
    let finding = |row: &db::Row| FindingRow {
        kind: row.get(0),
        object: row.get(1),
        is_fault: row.get::<i64>(2) != 0,
        detail: row.get(3),
        records: row.get(4),
        touched: row.get::<i64>(5) as u64,
    };
    Ok(rows.iter().map(finding).collect())
}

pub async fn count_faults(catalog: &Catalog, scrub_id: i64) -> Result<u64, CatalogError> {
    let count: i64 =
        db::query_scalar("SELECT COUNT(*) FROM scrub_finding WHERE scrub_id = $1 AND is_fault = 1")
            .bind(scrub_id)
            .fetch_one(catalog.read())
            .await
            .during("count what a check found")?;
    Ok(count as u64)
}

/// Whether a check has found a fault whose kind begins so.
pub async fn has_fault_of(
    catalog: &Catalog,
    scrub_id: i64,
    kind: &str,
) -> Result<bool, CatalogError> {
    let row: Option<(i64,)> = db::query_as(
        "SELECT 1 FROM scrub_finding WHERE scrub_id = $1 AND is_fault = 1 AND kind LIKE $2 LIMIT 1",
    )
    .bind(scrub_id)
    .bind(format!("{kind}%"))
    .fetch_optional(catalog.read())
    .await
    .during("read what a check found")?;
    Ok(row.is_some())
}

/// Whether a check has named this object or row.
pub async fn is_named(
    catalog: &Catalog,
    scrub_id: i64,
    object: &str,
) -> Result<bool, CatalogError> {
    let row: Option<(i64,)> = db::query_as(
        "SELECT 1 FROM scrub_finding WHERE scrub_id = $1 AND object = $2 AND is_fault = 1 LIMIT 1",
    )
    .bind(scrub_id)
    .bind(object)
    .fetch_optional(catalog.read())
    .await
    .during("read what a check found")?;
    Ok(row.is_some())
}

async fn one(
    catalog: &Catalog,
    condition: &'static str,
    value: i64,
) -> Result<Option<ScrubRow>, CatalogError> {
    let sql = format!("SELECT {COLUMNS} FROM scrub {condition} ORDER BY scrub_id DESC LIMIT 1");
    let row = db::query(db::AssertSqlSafe(sql))
        .bind(value)
        .fetch_optional(catalog.read())
        .await
        .during("read how far the check is")?;
    Ok(row.map(|row| ScrubRow {
        scrub_id: row.get(0),
        begun_at: Timestamp(row.get(1)),
        ended_at: row.get::<Option<i64>>(2).map(Timestamp),
        step: row.get(3),
        position: row.get(4),
        state: row.get(5),
        faults: row.get::<i64>(6) as u64,
    }))
}

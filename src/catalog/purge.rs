//! Deliveries out of the catalog, with all that was derived of them. Their leaves
//! stay: the log shows that they existed.

use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite};

use super::{CatalogError, During, WriteTransaction};
use crate::base::ids::DeliverySeq;

const DURING: &str = "destroy records";

/// Removes deliveries. Sets that they brought lose them, and go when they were the
/// last; the index hears of both by `diminished`.
pub async fn remove(
    tx: &mut WriteTransaction,
    deliveries: &[DeliverySeq],
) -> Result<(), CatalogError> {
    for seqs in deliveries.chunks(super::delivery::ROWS_PER_STATEMENT) {
        let sets = sets_of(tx, seqs).await?;
        for table in [
            "pending_reading",
            "gap",
            "set_delivery",
            "participant",
            "delivery_message",
            "delivery",
        ] {
            let mut query: QueryBuilder<Sqlite> =
                QueryBuilder::new(format!("DELETE FROM {table} WHERE seq IN ("));
            let mut list = query.separated(", ");
            for seq in seqs {
                list.push_bind(seq.0);
            }
            query.push(")");
            query.build().execute(&mut **tx).await.during(DURING)?;
        }
        for set in sets {
            diminish(tx, set).await?;
        }
    }
    Ok(())
}

async fn sets_of(
    tx: &mut WriteTransaction,
    seqs: &[DeliverySeq],
) -> Result<Vec<i64>, CatalogError> {
    let mut query: QueryBuilder<Sqlite> =
        QueryBuilder::new("SELECT DISTINCT set_id FROM set_delivery WHERE seq IN (");
    let mut list = query.separated(", ");
    for seq in seqs {
        list.push_bind(seq.0);
    }
    query.push(")");
    query.build_query_scalar().fetch_all(&mut **tx).await.during(DURING)
}

async fn diminish(tx: &mut WriteTransaction, set: i64) -> Result<(), CatalogError> {
    run(tx, "INSERT INTO diminished (set_id) VALUES ($1) ON CONFLICT DO NOTHING", set).await?;
    let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM set_delivery WHERE set_id = $1")
        .bind(set)
        .fetch_one(&mut **tx)
        .await
        .during(DURING)?;
    if left == 0 {
        for table in ["gap", "attachment", "participant", "set_message", "message_set"] {
            let sql = format!("DELETE FROM {table} WHERE set_id = $1");
            sqlx::query(AssertSqlSafe(sql)).bind(set).execute(&mut **tx).await.during(DURING)?;
        }
        return Ok(());
    }
    // Versions of the message that only the destroyed deliveries carried.
    run(
        tx,
        "DELETE FROM set_message WHERE set_id = $1 AND message_sha256 NOT IN (
             SELECT m.sha256 FROM set_delivery sd
             JOIN delivery_message m ON m.seq = sd.seq AND m.entry = sd.entry
             WHERE sd.set_id = $1)",
        set,
    )
    .await?;
    run(
        tx,
        "UPDATE message_set SET
             first_seq = (SELECT MIN(seq) FROM set_delivery WHERE set_id = $1),
             received_at = (SELECT MIN(d.received_at) FROM set_delivery sd
                            JOIN delivery d ON d.seq = sd.seq WHERE sd.set_id = $1),
             is_proven = (SELECT MAX(d.is_proven) FROM set_delivery sd
                          JOIN delivery d ON d.seq = sd.seq WHERE sd.set_id = $1)
         WHERE set_id = $1",
        set,
    )
    .await?;
    run(
        tx,
        "UPDATE message_set SET message_sha256 = (
             SELECT m.sha256 FROM set_delivery sd
             JOIN delivery_message m ON m.seq = sd.seq AND m.entry = sd.entry
             WHERE sd.set_id = $1 ORDER BY sd.seq LIMIT 1)
         WHERE set_id = $1 AND message_sha256 NOT IN (
             SELECT message_sha256 FROM set_message WHERE set_id = $1)",
        set,
    )
    .await
}

async fn run(tx: &mut WriteTransaction, sql: &'static str, set: i64) -> Result<(), CatalogError> {
    sqlx::query(sql).bind(set).execute(&mut **tx).await.during(DURING)?;
    Ok(())
}

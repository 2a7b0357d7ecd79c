//! Deliveries out of the catalog, with all that was derived of them. Their leaves
//! stay: the log shows that they existed.

use std::collections::BTreeSet;

use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, RecordId, SetId};

const DURING: &str = "destroy records";

/// Removes deliveries. Sets that they brought lose them, and go when they were the
/// last; the index hears of both by `diminished`, when it has come past them.
pub async fn remove(
    tx: &mut WriteTransaction,
    deliveries: &[DeliverySeq],
) -> Result<(), CatalogError> {
    for seqs in deliveries.chunks(super::delivery::ROWS_PER_STATEMENT) {
        let sets = sets_of(tx, seqs).await?;
        keep_headers(tx, seqs).await?;
        keep_gaps(tx, seqs).await?;
        for table in [
            "pending_reading",
            "part_need",
            "gap",
            "set_delivery",
            "participant",
            "delivery_message",
            "delivery",
        ] {
            let mut query: db::QueryBuilder =
                db::QueryBuilder::new(format!("DELETE FROM {table} WHERE seq IN ("));
            let mut list = query.separated(", ");
            for seq in seqs {
                list.push_bind(seq.0);
            }
            query.push(")");
            query.build().execute(&mut *tx).await.during(DURING)?;
        }
        let last = seqs.iter().max().map_or(0, |seq| seq.0);
        for set in sets {
            diminish(tx, set, last).await?;
        }
    }
    Ok(())
}

/// What a message's header says stands with the delivery that brought it first: where
/// another brought the same bytes, it stands with that from now on.
async fn keep_headers(tx: &mut WriteTransaction, seqs: &[DeliverySeq]) -> Result<(), CatalogError> {
    let push = |query: &mut db::QueryBuilder| {
        let mut list = query.separated(", ");
        for seq in seqs {
            list.push_bind(seq.0);
        }
        query.push(")");
    };
    let mut query: db::QueryBuilder = db::QueryBuilder::new(
        "INSERT INTO participant (set_id, address_id, role, source, seq, name)
         SELECT p.set_id, p.address_id, p.role, p.source, MIN(other.seq), MIN(p.name)
         FROM participant p
         JOIN set_delivery own ON own.set_id = p.set_id AND own.seq = p.seq
         JOIN delivery_message m ON m.seq = own.seq AND m.entry = own.entry
         JOIN delivery_message n ON n.sha256 = m.sha256
         JOIN set_delivery other ON other.set_id = p.set_id AND other.seq = n.seq
             AND other.entry = n.entry
         WHERE p.source = 'header' AND p.seq IN (",
    );
    push(&mut query);
    query.push(" AND other.seq NOT IN (");
    push(&mut query);
    query.push(
        " GROUP BY p.set_id, p.address_id, p.role, p.source
         ON CONFLICT (set_id, address_id, role, source, seq) DO NOTHING",
    );
    query.build().execute(&mut *tx).await.during(DURING)?;
    Ok(())
}

/// What of a set could not be read stands with the delivery that brought it first, too.
async fn keep_gaps(tx: &mut WriteTransaction, seqs: &[DeliverySeq]) -> Result<(), CatalogError> {
    let push = |query: &mut db::QueryBuilder| {
        let mut list = query.separated(", ");
        for seq in seqs {
            list.push_bind(seq.0);
        }
        query.push(")");
    };
    const OTHER: &str = "FROM set_delivery other WHERE other.set_id = gap.set_id
                             AND other.seq NOT IN (";
    let mut query =
        db::QueryBuilder::new(format!("UPDATE gap SET seq = (SELECT MIN(other.seq) {OTHER}"));
    push(&mut query);
    query.push(") WHERE seq IN (");
    push(&mut query);
    query.push(format!(" AND EXISTS (SELECT 1 {OTHER}"));
    push(&mut query);
    query.push(")");
    query.build().execute(&mut *tx).await.during(DURING)?;
    Ok(())
}

/// The deliveries of these records that the catalog has.
pub async fn seqs_of(
    catalog: &Catalog,
    records: &[RecordId],
) -> Result<Vec<DeliverySeq>, CatalogError> {
    let mut seqs = Vec::new();
    for records in records.chunks(super::delivery::ROWS_PER_STATEMENT) {
        let mut query = db::QueryBuilder::new("SELECT seq FROM delivery WHERE record_id IN (");
        let mut list = query.separated(", ");
        for record in records {
            list.push_bind(record.0.to_vec());
        }
        query.push(") ORDER BY seq");
        let found: Vec<i64> =
            query.build_query_scalar().fetch_all(catalog.read()).await.during(DURING)?;
        seqs.extend(found.into_iter().map(DeliverySeq));
    }
    Ok(seqs)
}

/// What the deliveries that are left say of a set.
#[derive(Clone, Debug)]
pub struct Left {
    /// The addresses of who took part, as they are compared.
    pub participants: BTreeSet<String>,
    /// Its messages, byte for byte.
    pub messages: BTreeSet<Digest>,
    pub sources: BTreeSet<String>,
    pub classes: BTreeSet<String>,
    /// The first of `received`.
    pub received_at: Timestamp,
    pub received: BTreeSet<Timestamp>,
    pub is_proven: bool,
    pub has_unproven: bool,
}

/// None where nothing is left.
pub async fn left(catalog: &Catalog, set: SetId) -> Result<Option<Left>, CatalogError> {
    const DURING: &str = "read what is left of a set";
    let row: Option<(i64, i64)> =
        db::query_as("SELECT received_at, is_proven FROM message_set WHERE set_id = $1")
            .bind(set.0)
            .fetch_optional(catalog.read())
            .await
            .during(DURING)?;
    let Some((received_at, is_proven)) = row else { return Ok(None) };
    let unproven: i64 = db::query_scalar(
        "SELECT COUNT(*) FROM set_delivery sd JOIN delivery d ON d.seq = sd.seq
         WHERE sd.set_id = $1 AND d.is_proven = 0",
    )
    .bind(set.0)
    .fetch_one(catalog.read())
    .await
    .during(DURING)?;
    let participants: Vec<String> = db::query_scalar(
        "SELECT DISTINCT a.address FROM participant p JOIN address a ON a.address_id = p.address_id
         WHERE p.set_id = $1",
    )
    .bind(set.0)
    .fetch_all(catalog.read())
    .await
    .during(DURING)?;
    let messages: Vec<Vec<u8>> =
        db::query_scalar("SELECT message_sha256 FROM set_message WHERE set_id = $1")
            .bind(set.0)
            .fetch_all(catalog.read())
            .await
            .during(DURING)?;
    let ways: Vec<(String, String, i64)> = db::query_as(
        "SELECT DISTINCT d.source, d.class, d.received_at FROM set_delivery sd JOIN delivery d ON d.seq = sd.seq
         WHERE sd.set_id = $1",
    )
    .bind(set.0)
    .fetch_all(catalog.read())
    .await
    .during(DURING)?;
    let received = ways.iter().map(|(.., at)| Timestamp(*at)).collect();
    let (sources, classes) = ways.into_iter().map(|(source, class, _)| (source, class)).unzip();
    let damaged = |_| CatalogError::Corrupt("a message's hash".into());
    let digest = |bytes: &Vec<u8>| Digest::try_from(&bytes[..]).map_err(damaged);
    Ok(Some(Left {
        participants: participants.into_iter().collect(),
        messages: messages.iter().map(digest).collect::<Result<_, _>>()?,
        sources,
        classes,
        received_at: Timestamp(received_at),
        received,
        is_proven: is_proven != 0,
        has_unproven: unproven > 0,
    }))
}

async fn sets_of(
    tx: &mut WriteTransaction,
    seqs: &[DeliverySeq],
) -> Result<Vec<i64>, CatalogError> {
    let mut query: db::QueryBuilder =
        db::QueryBuilder::new("SELECT DISTINCT set_id FROM set_delivery WHERE seq IN (");
    let mut list = query.separated(", ");
    for seq in seqs {
        list.push_bind(seq.0);
    }
    query.push(")");
    query.build_query_scalar().fetch_all(&mut *tx).await.during(DURING)
}

async fn diminish(tx: &mut WriteTransaction, set: i64, until_seq: i64) -> Result<(), CatalogError> {
    let each_node = match tx.engine() {
        db::Engine::Sqlite => {
            "INSERT INTO diminished (set_id, node, until_seq) VALUES ($1, '', $2)
             ON CONFLICT (set_id, node) DO UPDATE SET until_seq = excluded.until_seq"
        }
        db::Engine::Postgres => {
            "INSERT INTO diminished (set_id, node, until_seq) SELECT $1, node_id, $2 FROM node
             ON CONFLICT (set_id, node) DO UPDATE SET until_seq = excluded.until_seq"
        }
    };
    db::query(each_node).bind(set).bind(until_seq).execute(&mut *tx).await.during(DURING)?;
    let left: i64 = db::query_scalar("SELECT COUNT(*) FROM set_delivery WHERE set_id = $1")
        .bind(set)
        .fetch_one(&mut *tx)
        .await
        .during(DURING)?;
    if left == 0 {
        for table in ["gap", "attachment", "participant", "set_message", "message_set"] {
            let sql = format!("DELETE FROM {table} WHERE set_id = $1");
            db::query(db::AssertSqlSafe(sql)).bind(set).execute(&mut *tx).await.during(DURING)?;
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
    // Of another version, what its header says of itself is in its record alone.
    run(
        tx,
        "UPDATE message_set SET message_id = '', message_sha256 = (
             SELECT m.sha256 FROM set_delivery sd
             JOIN delivery_message m ON m.seq = sd.seq AND m.entry = sd.entry
             WHERE sd.set_id = $1 ORDER BY sd.seq, sd.entry LIMIT 1), size_bytes = (
             SELECT m.size_bytes FROM set_delivery sd
             JOIN delivery_message m ON m.seq = sd.seq AND m.entry = sd.entry
             WHERE sd.set_id = $1 ORDER BY sd.seq, sd.entry LIMIT 1)
         WHERE set_id = $1 AND message_sha256 NOT IN (
             SELECT message_sha256 FROM set_message WHERE set_id = $1)",
        set,
    )
    .await
}

async fn run(tx: &mut WriteTransaction, sql: &'static str, set: i64) -> Result<(), CatalogError> {
    db::query(sql).bind(set).execute(&mut *tx).await.during(DURING)?;
    Ok(())
}

//! Rows that are made again from the bucket: the log's leaves first, then the
//! deliveries, each at the place in commit order that its leaf has in the log.

use super::delivery::{self, Inserted, NewDelivery, NewSegment, NumberedDelivery};
use super::{Catalog, CatalogError, During, WriteTransaction, db, disposition, part, schema};
use crate::base::hash::Digest;
use crate::base::ids::{RecordId, SegmentId};
use crate::ledger::leaf::Leaf;

/// A leaf of the published log.
#[derive(Clone, Debug)]
pub struct PublishedLeaf {
    pub hash: Digest,
    pub body: Vec<u8>,
    /// Of which record; none for other leaves.
    pub record: Option<RecordId>,
}

const DURING: &str = "make the catalog again";

/// Makes room for what [`add_leaves`] notes; again, where it was begun before.
pub async fn begin(catalog: &Catalog) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    let table = "CREATE TABLE IF NOT EXISTS logged (record_id BLOB PRIMARY KEY NOT NULL, seq BIGINT NOT NULL)";
    db::query(db::AssertSqlSafe(schema::translate(tx.engine(), table)))
        .execute(&mut tx)
        .await
        .during(DURING)?;
    catalog.commit(tx, DURING).await
}

/// Nothing more comes from the log.
pub async fn end(catalog: &Catalog) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    db::query("DROP TABLE IF EXISTS logged").execute(&mut tx).await.during(DURING)?;
    // A disposition left them where it was cut off, and would delete them. Those of which
    // all was erased, whose pages are called otherwise, are there until their date.
    db::query(
        "DELETE FROM segment WHERE page LIKE '%.held'
             AND segment_id NOT IN (SELECT segment_id FROM delivery)
             AND segment_id NOT IN (SELECT segment_id FROM part_need)
             AND segment_id NOT IN (SELECT segment_id FROM part)",
    )
    .execute(&mut tx)
    .await
    .during(DURING)?;
    catalog.commit(tx, DURING).await
}

/// Segments that deliveries need for their parts and that are not there, with the
/// first record that does.
pub async fn lacking(
    catalog: &Catalog,
    limit: u32,
) -> Result<Vec<(RecordId, SegmentId)>, CatalogError> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = db::query_as(
        "SELECT n.segment_id, d.record_id FROM part_need n JOIN delivery d ON d.seq = n.seq
         WHERE n.segment_id NOT IN (SELECT segment_id FROM segment)
         ORDER BY n.segment_id, n.seq LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during(DURING)?;
    let damaged = |_| CatalogError::Corrupt("what a delivery needs".into());
    let read = |(segment, record): (Vec<u8>, Vec<u8>)| {
        let segment = SegmentId::try_from(&segment[..]).map_err(damaged)?;
        Ok((RecordId::try_from(&record[..]).map_err(damaged)?, segment))
    };
    rows.into_iter().map(read).collect()
}

/// Appends leaves from position `first` on, and notes which delivery each is of.
pub async fn add_leaves(
    catalog: &Catalog,
    first: u64,
    leaves: &[PublishedLeaf],
) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    let last: i64 = db::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM logged")
        .fetch_one(&mut tx)
        .await
        .during(DURING)?;
    let positioned: Vec<_> = (first as i64..).zip(leaves).collect();
    for rows in positioned.chunks(delivery::ROWS_PER_STATEMENT) {
        let mut insert: db::QueryBuilder =
            db::QueryBuilder::new("INSERT INTO leaf (position, hash, body, record_id) ");
        insert.push_values(rows, |mut row, (position, leaf)| {
            row.push_bind(*position)
                .push_bind(&leaf.hash.0[..])
                .push_bind(&leaf.body)
                .push_bind(leaf.record.map(|record| record.0.to_vec()));
        });
        insert.build().execute(&mut tx).await.during(DURING)?;
    }
    let numbered: Vec<_> = (last + 1..).zip(leaves.iter().filter_map(|leaf| leaf.record)).collect();
    for rows in numbered.chunks(delivery::ROWS_PER_STATEMENT) {
        let mut insert: db::QueryBuilder =
            db::QueryBuilder::new("INSERT INTO logged (record_id, seq) ");
        insert.push_values(rows, |mut row, (seq, record)| {
            row.push_bind(record.0.to_vec()).push_bind(*seq);
        });
        insert.build().execute(&mut tx).await.during(DURING)?;
    }
    // Those that were destroyed keep theirs.
    delivery::given(&mut tx, last + numbered.len() as i64).await?;
    catalog.commit(tx, DURING).await
}

/// Inserts segments with those of their deliveries that are in the log; gives back
/// what is not, to be committed anew.
pub async fn add_segments(
    catalog: &Catalog,
    segments: &[NewSegment],
) -> Result<Vec<NewSegment>, CatalogError> {
    let mut tx = catalog.write().await?;
    let mut unlogged = Vec::new();
    for segment in segments {
        let mut rows = Vec::new();
        let mut rest: Vec<NewDelivery> = Vec::new();
        for delivery in &segment.deliveries {
            match logged_seq(&mut tx, delivery.record).await? {
                Some(seq) => rows.push(NumberedDelivery { seq, segment, delivery }),
                None => rest.push(delivery.clone()),
            }
        }
        // One without deliveries may have parts that others need ([`end`]), or had
        // records that were all erased: it is in the bucket until its date.
        if !rows.is_empty() || segment.deliveries.is_empty() {
            delivery::insert_segments(&mut tx, std::slice::from_ref(segment)).await?;
            delivery::insert_deliveries(&mut tx, &rows).await?;
            part::insert_parts(&mut tx, &[segment]).await?;
        }
        if !rest.is_empty() {
            unlogged.push(NewSegment { deliveries: rest, ..segment.clone() });
        }
    }
    catalog.commit(tx, DURING).await?;
    Ok(unlogged)
}

async fn logged_seq(
    tx: &mut WriteTransaction,
    record: RecordId,
) -> Result<Option<i64>, CatalogError> {
    db::query_scalar("SELECT seq FROM logged WHERE record_id = $1")
        .bind(&record.0[..])
        .fetch_optional(&mut *tx)
        .await
        .during(DURING)
}

/// Commits deliveries that no published leaf speaks of, after all others. Of their
/// segment there may be some already.
pub async fn append(catalog: &Catalog, segment: &NewSegment) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    let asked = std::slice::from_ref(segment);
    if let Some(segment) = part::lacking(&mut tx, asked).await? {
        return Err(CatalogError::Lacking(segment));
    }
    let Inserted { last_seq, leaves, .. } = delivery::insert_segments(&mut tx, asked).await?;
    let rows: Vec<_> = (last_seq + 1..)
        .zip(&segment.deliveries)
        .map(|(seq, delivery)| NumberedDelivery { seq, segment, delivery })
        .collect();
    delivery::insert_deliveries(&mut tx, &rows).await?;
    delivery::insert_leaves(&mut tx, leaves, &rows).await?;
    part::insert_parts(&mut tx, &[segment]).await?;
    catalog.commit(tx, DURING).await
}

/// Records that the log has, the catalog has not, and no disposition or erasure
/// destroyed: how many, and the first of them.
pub async fn missing(catalog: &Catalog, limit: u32) -> Result<(u64, Vec<RecordId>), CatalogError> {
    let disposed = disposition::disposed(catalog).await?;
    let (mut count, mut first, mut after) = (0, Vec::new(), -1_i64);
    loop {
        let rows: Vec<(i64, Vec<u8>)> = db::query_as(
            "SELECT l.position, l.body FROM leaf l
             LEFT JOIN delivery d ON d.record_id = l.record_id
             LEFT JOIN erased e ON e.record_id = l.record_id
             WHERE l.position > $1 AND l.record_id IS NOT NULL AND d.record_id IS NULL
               AND e.record_id IS NULL
             ORDER BY l.position LIMIT 1000",
        )
        .bind(after)
        .fetch_all(catalog.read())
        .await
        .during(DURING)?;
        let Some((last, _)) = rows.last() else { return Ok((count, first)) };
        after = *last;
        for (position, body) in &rows {
            let damaged = |error| CatalogError::Corrupt(format!("the leaf {position}: {error}"));
            let Leaf::Delivery { record, received_at, class, .. } =
                Leaf::decode(body).map_err(damaged)?
            else {
                continue;
            };
            let kept = disposed.get(&(class, received_at.month()));
            if kept.is_some_and(|kept| !kept.contains(&record)) {
                continue;
            }
            count += 1;
            if first.len() < limit as usize {
                first.push(record);
            }
        }
    }
}

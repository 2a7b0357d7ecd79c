//! Deliveries, their segments and leaves: the commit, and finding them again.

use std::collections::HashSet;

use super::part::{self, NewPart};
use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, RecordId, SegmentId};
use crate::vault::bucket::Place;
use crate::vault::open::RecordAt;

/// A sealed segment and its records, about to become part of the archive.
#[derive(Clone, Debug)]
pub struct NewSegment {
    pub segment: SegmentId,
    pub class: String,
    pub epoch: String,
    pub object: Place,
    pub page: Place,
    pub size_bytes: u64,
    pub sha256: Digest,
    pub created_at: Timestamp,
    pub deliveries: Vec<NewDelivery>,
    pub parts: Vec<NewPart>,
}

#[derive(Clone, Debug)]
pub struct NewDelivery {
    pub record: RecordId,
    /// Its row in the segment's table.
    pub entry: u32,
    pub source: String,
    pub received_at: Timestamp,
    pub size_bytes: u64,
    pub sha256: Digest,
    pub form: String,
    pub is_proven: bool,
    /// JSON, as the columns of the same names.
    pub transaction: String,
    pub envelope: Option<String>,
    pub defects: String,
    pub messages: Vec<NewMessage>,
    /// Other segments that have parts of its record.
    pub needs: Vec<SegmentId>,
    pub leaf: Vec<u8>,
    pub leaf_hash: Digest,
}

#[derive(Clone, Copy, Debug)]
pub struct NewMessage {
    /// Its place in the delivery's entries.
    pub entry: u32,
    pub sha256: Digest,
    pub size_bytes: u64,
}

/// SQLite allows 32,766 bound values in one statement.
pub(super) const ROWS_PER_STATEMENT: usize = 500;

const DURING_COMMIT: &str = "commit deliveries";

/// Records segments: the commit point of their deliveries. Returns the sequence
/// number of the last delivery in the archive.
///
/// A segment that is recorded already changes nothing, so that a commit whose
/// answer was lost can be repeated.
///
/// # Errors
/// [`CatalogError::Lacking`] where a segment needs parts of one that the archive has
/// not: nothing is recorded then, and the others can be without it.
pub async fn commit(catalog: &Catalog, new: &[NewSegment]) -> Result<DeliverySeq, CatalogError> {
    let mut tx = catalog.write().await?;
    if let Some(segment) = part::lacking(&mut tx, new).await? {
        return Err(CatalogError::Lacking(segment));
    }
    let Inserted { new, last_seq, leaves } = insert_segments(&mut tx, new).await?;
    let deliveries =
        new.iter().flat_map(|segment| segment.deliveries.iter().map(|d| (*segment, d)));
    let rows: Vec<_> = (1..)
        .zip(deliveries)
        .map(|(number, (segment, delivery))| NumberedDelivery {
            seq: last_seq + number,
            segment,
            delivery,
        })
        .collect();
    insert_deliveries(&mut tx, &rows).await?;
    insert_leaves(&mut tx, leaves, &rows).await?;
    part::insert_parts(&mut tx, &new).await?;
    tx.commit().await.during(DURING_COMMIT)?;
    Ok(DeliverySeq(last_seq + rows.len() as i64))
}

/// A delivery with its place in commit order.
#[derive(Clone, Copy, Debug)]
pub(super) struct NumberedDelivery<'a> {
    pub seq: i64,
    pub segment: &'a NewSegment,
    pub delivery: &'a NewDelivery,
}

/// Inserts deliveries, the messages that they carry and what they need, not their
/// leaves.
pub(super) async fn insert_deliveries(
    tx: &mut WriteTransaction,
    rows: &[NumberedDelivery<'_>],
) -> Result<(), CatalogError> {
    for rows in rows.chunks(ROWS_PER_STATEMENT) {
        let mut insert: db::QueryBuilder = db::QueryBuilder::new(
            "INSERT INTO delivery (seq, record_id, segment_id, entry, source, received_at, class,
                 epoch, size_bytes, sha256, form, is_proven, transaction_, envelope, defects) ",
        );
        insert.push_values(rows, |mut row, NumberedDelivery { seq, segment, delivery }| {
            row.push_bind(*seq)
                .push_bind(&delivery.record.0[..])
                .push_bind(&segment.segment.0[..])
                .push_bind(i64::from(delivery.entry))
                .push_bind(&delivery.source)
                .push_bind(delivery.received_at.0)
                .push_bind(&segment.class)
                .push_bind(&segment.epoch)
                .push_bind(delivery.size_bytes as i64)
                .push_bind(&delivery.sha256.0[..])
                .push_bind(&delivery.form)
                .push_bind(i64::from(delivery.is_proven))
                .push_bind(&delivery.transaction)
                .push_bind(&delivery.envelope)
                .push_bind(&delivery.defects);
        });
        insert.build().execute(&mut *tx).await.during(DURING_COMMIT)?;

        let messages: Vec<_> = rows
            .iter()
            .flat_map(|row| row.delivery.messages.iter().map(move |message| (row.seq, message)))
            .collect();
        for messages in messages.chunks(ROWS_PER_STATEMENT) {
            let mut insert: db::QueryBuilder = db::QueryBuilder::new(
                "INSERT INTO delivery_message (seq, entry, sha256, size_bytes) ",
            );
            insert.push_values(messages, |mut row, (seq, message)| {
                row.push_bind(*seq)
                    .push_bind(i64::from(message.entry))
                    .push_bind(&message.sha256.0[..])
                    .push_bind(message.size_bytes as i64);
            });
            insert.build().execute(&mut *tx).await.during(DURING_COMMIT)?;
        }
        part::insert_needs(tx, rows).await?;
    }
    match rows.iter().map(|row| row.seq).max() {
        Some(last) => given(tx, last).await,
        None => Ok(()),
    }
}

/// Notes that no delivery is given a number up to `last` any more.
pub(super) async fn given(tx: &mut WriteTransaction, last: i64) -> Result<(), CatalogError> {
    db::query("UPDATE last_delivery SET seq = $1 WHERE seq < $1")
        .bind(last)
        .execute(&mut *tx)
        .await
        .during(DURING_COMMIT)?;
    Ok(())
}

/// Appends the deliveries' leaves to a log that has `leaves` so far.
pub(super) async fn insert_leaves(
    tx: &mut WriteTransaction,
    leaves: i64,
    rows: &[NumberedDelivery<'_>],
) -> Result<(), CatalogError> {
    let positioned: Vec<_> = (leaves..).zip(rows).collect();
    for rows in positioned.chunks(ROWS_PER_STATEMENT) {
        let mut insert: db::QueryBuilder =
            db::QueryBuilder::new("INSERT INTO leaf (position, hash, body, record_id) ");
        insert.push_values(rows, |mut row, (position, NumberedDelivery { delivery, .. })| {
            row.push_bind(*position)
                .push_bind(&delivery.leaf_hash.0[..])
                .push_bind(&delivery.leaf)
                .push_bind(&delivery.record.0[..]);
        });
        insert.build().execute(&mut *tx).await.during(DURING_COMMIT)?;
    }
    Ok(())
}

/// What was not there, and what is there so far.
pub(super) struct Inserted<'a> {
    pub new: Vec<&'a NewSegment>,
    pub last_seq: i64,
    pub leaves: i64,
}

/// Of a delivery that may be destroyed by now.
const LAST_SEQ: &str = "(SELECT MAX(known.seq) FROM (SELECT seq FROM last_delivery
    UNION ALL SELECT COALESCE(MAX(seq), 0) FROM delivery) AS known)";
const LEAVES: &str = "(SELECT COALESCE(MAX(position) + 1, 0) FROM leaf)";

/// Inserts the segments that are not there; gives those, in their order. Asks
/// what else the commit must know in the same statement: each costs two switches
/// between threads.
pub(super) async fn insert_segments<'a>(
    tx: &mut WriteTransaction,
    segments: &'a [NewSegment],
) -> Result<Inserted<'a>, CatalogError> {
    let mut inserted: HashSet<Vec<u8>> = HashSet::new();
    let mut so_far = None;
    for segments in segments.chunks(ROWS_PER_STATEMENT) {
        let mut insert: db::QueryBuilder = db::QueryBuilder::new(
            "INSERT INTO segment
                 (segment_id, class, epoch, object, object_version, page, page_version, size_bytes,
                  sha256, created_at) ",
        );
        insert.push_values(segments, |mut row, segment| {
            row.push_bind(&segment.segment.0[..])
                .push_bind(&segment.class)
                .push_bind(&segment.epoch)
                .push_bind(&segment.object.name)
                .push_bind(&segment.object.version)
                .push_bind(&segment.page.name)
                .push_bind(&segment.page.version)
                .push_bind(segment.size_bytes as i64)
                .push_bind(&segment.sha256.0[..])
                .push_bind(segment.created_at.0);
        });
        insert.push(format!(
            " ON CONFLICT (segment_id) DO NOTHING RETURNING segment_id, {LAST_SEQ}, {LEAVES}"
        ));
        let rows: Vec<(Vec<u8>, i64, i64)> =
            insert.build_query_as().fetch_all(&mut *tx).await.during(DURING_COMMIT)?;
        for (segment, last_seq, leaves) in rows {
            inserted.insert(segment);
            so_far = Some((last_seq, leaves));
        }
    }
    let (last_seq, leaves) = match so_far {
        Some(so_far) => so_far,
        None => db::query_as(db::AssertSqlSafe(format!("SELECT {LAST_SEQ}, {LEAVES}")))
            .fetch_one(&mut *tx)
            .await
            .during(DURING_COMMIT)?,
    };
    let new = segments.iter().filter(|new| inserted.contains(&new.segment.0[..])).collect();
    Ok(Inserted { new, last_seq, leaves })
}

/// A delivery as the catalog knows it, with the place of its record.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub seq: DeliverySeq,
    pub record: RecordId,
    pub segment: SegmentId,
    pub entry: u32,
    /// The segment in the bucket, and its key page.
    pub object: Place,
    pub page: Place,
    pub source: String,
    pub received_at: Timestamp,
    pub class: String,
    pub epoch: String,
    pub size_bytes: u64,
    pub sha256: Digest,
    pub form: String,
    pub is_proven: bool,
    /// JSON: `mail::transaction::Transaction`.
    pub transaction: String,
    /// JSON: `mail::delivery::Envelope`.
    pub envelope: Option<String>,
    /// JSON: a list of `mail::delivery::Defect`.
    pub defects: String,
}

impl Delivery {
    /// Where its record lies.
    pub fn at(&self) -> RecordAt {
        RecordAt {
            record: self.record,
            object: self.object.clone(),
            page: self.page.clone(),
            entry: self.entry,
        }
    }
}

const COLUMNS: &str =
    "SELECT d.seq, d.record_id, d.segment_id, d.entry, s.object, s.page, d.source,
        d.received_at, d.class, d.epoch, d.size_bytes, d.sha256, d.form, d.is_proven,
        d.transaction_, d.envelope, d.defects, s.object_version, s.page_version
     FROM delivery d JOIN segment s ON s.segment_id = d.segment_id ";

/// Deliveries after `seq` in commit order, at most `limit`.
pub async fn after(
    catalog: &Catalog,
    seq: DeliverySeq,
    limit: u32,
) -> Result<Vec<Delivery>, CatalogError> {
    let mut query: db::QueryBuilder = db::QueryBuilder::new(COLUMNS);
    query.push("WHERE d.seq > ").push_bind(seq.0);
    query.push(" ORDER BY d.seq LIMIT ").push_bind(i64::from(limit));
    fetch(catalog, query).await
}

/// The deliveries with these numbers, in commit order; unknown ones are absent.
pub async fn with_seqs(
    catalog: &Catalog,
    seqs: &[DeliverySeq],
) -> Result<Vec<Delivery>, CatalogError> {
    let mut found = Vec::with_capacity(seqs.len());
    for seqs in seqs.chunks(ROWS_PER_STATEMENT) {
        let mut query: db::QueryBuilder = db::QueryBuilder::new(COLUMNS);
        query.push("WHERE d.seq IN (");
        let mut list = query.separated(", ");
        for seq in seqs {
            list.push_bind(seq.0);
        }
        query.push(") ORDER BY d.seq");
        found.extend(fetch(catalog, query).await?);
    }
    Ok(found)
}

pub async fn with_record(
    catalog: &Catalog,
    record: RecordId,
) -> Result<Option<Delivery>, CatalogError> {
    let mut query: db::QueryBuilder = db::QueryBuilder::new(COLUMNS);
    query.push("WHERE d.record_id = ").push_bind(record.0.to_vec());
    Ok(fetch(catalog, query).await?.pop())
}

/// The number of the last delivery; 0 when there is none.
pub async fn last_seq(catalog: &Catalog) -> Result<DeliverySeq, CatalogError> {
    let (last,): (i64,) = db::query_as("SELECT COALESCE(MAX(seq), 0) FROM delivery")
        .fetch_one(catalog.read())
        .await
        .during("find the last delivery")?;
    Ok(DeliverySeq(last))
}

/// Whether a segment has been committed.
pub async fn has_segment(catalog: &Catalog, segment: SegmentId) -> Result<bool, CatalogError> {
    let row: Option<(i64,)> = db::query_as("SELECT 1 FROM segment WHERE segment_id = $1")
        .bind(&segment.0[..])
        .fetch_optional(catalog.read())
        .await
        .during("look for a segment")?;
    Ok(row.is_some())
}

/// The latest month that has a segment.
pub async fn last_epoch(catalog: &Catalog) -> Result<Option<String>, CatalogError> {
    let (epoch,): (Option<String>,) = db::query_as("SELECT MAX(epoch) FROM segment")
        .fetch_one(catalog.read())
        .await
        .during("find the latest epoch")?;
    Ok(epoch)
}

/// What a status page says of all deliveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub deliveries: u64,
    pub bytes_received: u64,
    pub bytes_stored: u64,
}

pub async fn totals(catalog: &Catalog) -> Result<Totals, CatalogError> {
    let (deliveries, received, stored): (i64, i64, i64) = db::query_as(
        "SELECT (SELECT COUNT(*) FROM delivery),
                (SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM delivery),
                (SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM segment)",
    )
    .fetch_one(catalog.read())
    .await
    .during("count deliveries")?;
    Ok(Totals {
        deliveries: deliveries as u64,
        bytes_received: received as u64,
        bytes_stored: stored as u64,
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfSource {
    pub source: String,
    pub deliveries: u64,
    /// Of those, how many did not show what the source must show.
    pub unproven: u64,
    pub last_at: Timestamp,
}

pub async fn by_source(catalog: &Catalog) -> Result<Vec<OfSource>, CatalogError> {
    let rows: Vec<(String, i64, i64, i64)> = db::query_as(
        "SELECT source, COUNT(*), COUNT(CASE WHEN is_proven = 0 THEN 1 END), MAX(received_at)
         FROM delivery GROUP BY source ORDER BY source",
    )
    .fetch_all(catalog.read())
    .await
    .during("count deliveries by source")?;
    let of_source = |(source, deliveries, unproven, at): (String, i64, i64, i64)| OfSource {
        source,
        deliveries: deliveries.max(0) as u64,
        unproven: unproven.max(0) as u64,
        last_at: Timestamp(at),
    };
    Ok(rows.into_iter().map(of_source).collect())
}

async fn fetch(
    catalog: &Catalog,
    mut query: db::QueryBuilder,
) -> Result<Vec<Delivery>, CatalogError> {
    let rows = query.build().fetch_all(catalog.read()).await.during("read deliveries")?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &db::Row) -> Result<Delivery, CatalogError> {
    let damaged = |what: &str| CatalogError::Corrupt(format!("a delivery's {what}"));
    Ok(Delivery {
        seq: DeliverySeq(row.get(0)),
        record: RecordId::try_from(row.get::<&[u8]>(1)).map_err(|_| damaged("record id"))?,
        segment: SegmentId::try_from(row.get::<&[u8]>(2)).map_err(|_| damaged("segment id"))?,
        entry: u32::try_from(row.get::<i64>(3)).map_err(|_| damaged("entry"))?,
        object: Place { name: row.get(4), version: row.get(17) },
        page: Place { name: row.get(5), version: row.get(18) },
        source: row.get(6),
        received_at: Timestamp(row.get(7)),
        class: row.get(8),
        epoch: row.get(9),
        size_bytes: row.get::<i64>(10) as u64,
        sha256: Digest::try_from(row.get::<&[u8]>(11)).map_err(|_| damaged("hash"))?,
        form: row.get(12),
        is_proven: row.get::<i64>(13) != 0,
        transaction: row.get(14),
        envelope: row.get(15),
        defects: row.get(16),
    })
}

//! Rows as they are, for who doubts them: nothing is joined, and a value that no
//! code of ours would have written is read as an empty one.

use std::collections::HashMap;

use super::statement::StatementRow;
use super::{Catalog, CatalogError, During, db};
use crate::base::clock::Timestamp;
use crate::base::ids::{RecordId, SegmentId};
use crate::vault::bucket::Place;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawDelivery {
    pub seq: i64,
    pub record: Vec<u8>,
    pub segment: Vec<u8>,
    pub entry: i64,
    pub source: String,
    pub received_at: i64,
    pub class: String,
    pub epoch: String,
    pub size_bytes: i64,
    pub sha256: Vec<u8>,
    pub form: String,
    pub is_proven: i64,
    pub transaction: String,
    pub envelope: Option<String>,
    pub defects: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawSegment {
    pub class: String,
    pub epoch: String,
    pub object: Place,
    pub page: Place,
    pub size_bytes: i64,
    pub sha256: Vec<u8>,
    pub created_at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawLeaf {
    pub position: u64,
    pub hash: Vec<u8>,
    pub body: Vec<u8>,
    pub record: Option<Vec<u8>>,
}

/// A statement that is in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawStatement {
    pub row: StatementRow,
    pub object: String,
    pub position: Option<i64>,
}

const DURING: &str = "read rows to check them";

/// The value, or an empty one where it is of another type.
pub(super) fn value<'r, T: Default + db::Column<'r>>(row: &'r db::Row, at: usize) -> T {
    row.try_get(at).unwrap_or_default()
}

/// Deliveries after `seq` and up to `until`, in commit order.
pub async fn deliveries(
    catalog: &Catalog,
    seq: i64,
    until: i64,
    limit: u32,
) -> Result<Vec<RawDelivery>, CatalogError> {
    let rows = db::query(
        "SELECT seq, record_id, segment_id, entry, source, received_at, class, epoch, size_bytes,
             sha256, form, is_proven, transaction_, envelope, defects
         FROM delivery WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
    )
    .bind(seq)
    .bind(until)
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during(DURING)?;
    let read = |row: &db::Row| RawDelivery {
        seq: value(row, 0),
        record: value(row, 1),
        segment: value(row, 2),
        entry: value(row, 3),
        source: value(row, 4),
        received_at: value(row, 5),
        class: value(row, 6),
        epoch: value(row, 7),
        size_bytes: value(row, 8),
        sha256: value(row, 9),
        form: value(row, 10),
        is_proven: value(row, 11),
        transaction: value(row, 12),
        envelope: value(row, 13),
        defects: value(row, 14),
    };
    Ok(rows.iter().map(read).collect())
}

/// Entry, hash and size of each message of a delivery.
pub type Messages = Vec<(i64, Vec<u8>, i64)>;

/// The messages of the deliveries from `first` to `last`.
pub async fn messages(
    catalog: &Catalog,
    first: i64,
    last: i64,
) -> Result<HashMap<i64, Messages>, CatalogError> {
    let rows = db::query(
        "SELECT seq, entry, sha256, size_bytes FROM delivery_message
         WHERE seq >= $1 AND seq <= $2 ORDER BY seq, entry",
    )
    .bind(first)
    .bind(last)
    .fetch_all(catalog.read())
    .await
    .during(DURING)?;
    let mut found: HashMap<i64, Messages> = HashMap::new();
    for row in &rows {
        let message = (value(row, 1), value(row, 2), value(row, 3));
        found.entry(value(row, 0)).or_default().push(message);
    }
    Ok(found)
}

pub async fn segment(catalog: &Catalog, id: SegmentId) -> Result<Option<RawSegment>, CatalogError> {
    let row = db::query(
        "SELECT class, epoch, object, object_version, page, page_version, size_bytes, sha256,
             created_at FROM segment WHERE segment_id = $1",
    )
    .bind(&id.0[..])
    .fetch_optional(catalog.read())
    .await
    .during(DURING)?;
    Ok(row.map(|row| RawSegment {
        class: value(&row, 0),
        epoch: value(&row, 1),
        object: Place { name: value(&row, 2), version: value(&row, 3) },
        page: Place { name: value(&row, 4), version: value(&row, 5) },
        size_bytes: value(&row, 6),
        sha256: value(&row, 7),
        created_at: value(&row, 8),
    }))
}

/// Segments that no delivery is of.
pub async fn empty_segments(catalog: &Catalog, limit: u32) -> Result<Vec<Vec<u8>>, CatalogError> {
    db::query_scalar(
        "SELECT segment_id FROM segment EXCEPT SELECT segment_id FROM delivery LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during(DURING)
}

/// Messages of deliveries that are not there: their numbers.
pub async fn lone_messages(catalog: &Catalog, limit: u32) -> Result<Vec<i64>, CatalogError> {
    db::query_scalar("SELECT seq FROM delivery_message EXCEPT SELECT seq FROM delivery LIMIT $1")
        .bind(i64::from(limit))
        .fetch_all(catalog.read())
        .await
        .during(DURING)
}

/// The number of a record's delivery.
pub async fn seq_of(catalog: &Catalog, record: RecordId) -> Result<Option<i64>, CatalogError> {
    db::query_scalar("SELECT seq FROM delivery WHERE record_id = $1")
        .bind(&record.0[..])
        .fetch_optional(catalog.read())
        .await
        .during(DURING)
}

/// How many deliveries are of a class and a month.
pub async fn count_of_epoch(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<u64, CatalogError> {
    let count: i64 =
        db::query_scalar("SELECT COUNT(*) FROM delivery WHERE class = $1 AND epoch = $2")
            .bind(class)
            .bind(epoch)
            .fetch_one(catalog.read())
            .await
            .during(DURING)?;
    Ok(count as u64)
}

/// Leaves from position `first` on and before `end`.
pub async fn leaves(catalog: &Catalog, first: u64, end: u64) -> Result<Vec<RawLeaf>, CatalogError> {
    let rows = db::query(
        "SELECT position, hash, body, record_id FROM leaf
         WHERE position >= $1 AND position < $2 ORDER BY position",
    )
    .bind(first as i64)
    .bind(end as i64)
    .fetch_all(catalog.read())
    .await
    .during(DURING)?;
    Ok(rows.iter().map(raw_leaf).collect())
}

pub async fn leaf_of(catalog: &Catalog, record: RecordId) -> Result<Option<RawLeaf>, CatalogError> {
    let row = db::query("SELECT position, hash, body, record_id FROM leaf WHERE record_id = $1")
        .bind(&record.0[..])
        .fetch_optional(catalog.read())
        .await
        .during(DURING)?;
    Ok(row.as_ref().map(raw_leaf))
}

/// Leaves of statements from position `first` on.
pub async fn leaves_of_statements(
    catalog: &Catalog,
    first: u64,
    limit: u32,
) -> Result<Vec<RawLeaf>, CatalogError> {
    let rows = db::query(
        "SELECT position, hash, body, record_id FROM leaf
         WHERE record_id IS NULL AND position >= $1 ORDER BY position LIMIT $2",
    )
    .bind(first as i64)
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during(DURING)?;
    Ok(rows.iter().map(raw_leaf).collect())
}

fn raw_leaf(row: &db::Row) -> RawLeaf {
    RawLeaf {
        position: value::<i64>(row, 0) as u64,
        hash: value(row, 1),
        body: value(row, 2),
        record: value(row, 3),
    }
}

/// Statements after `id` that are in the bucket.
pub async fn statements(
    catalog: &Catalog,
    id: i64,
    limit: u32,
) -> Result<Vec<RawStatement>, CatalogError> {
    let rows = db::query(
        "SELECT statement_id, follows, at, action, row_count, object, position FROM statement
         WHERE statement_id > $1 AND object IS NOT NULL ORDER BY statement_id LIMIT $2",
    )
    .bind(id)
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during(DURING)?;
    let read = |row: &db::Row| RawStatement {
        row: StatementRow {
            statement_id: value(row, 0),
            follows: value(row, 1),
            at: Timestamp(value(row, 2)),
            action: value(row, 3),
            row_count: u32::try_from(value::<i64>(row, 4)).unwrap_or(u32::MAX),
        },
        object: value(row, 5),
        position: value(row, 6),
    };
    Ok(rows.iter().map(read).collect())
}

/// Positions of leaves that are of no record and of no statement.
pub async fn lone_leaves(catalog: &Catalog, limit: u32) -> Result<Vec<i64>, CatalogError> {
    db::query_scalar(
        "SELECT position FROM leaf WHERE record_id IS NULL
         EXCEPT SELECT position FROM statement WHERE position IS NOT NULL LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during(DURING)
}

/// Whether an object is that of a statement.
pub async fn is_statement(catalog: &Catalog, object: &str) -> Result<bool, CatalogError> {
    let row: Option<(i64,)> = db::query_as("SELECT 1 FROM statement WHERE object = $1 LIMIT 1")
        .bind(object)
        .fetch_optional(catalog.read())
        .await
        .during(DURING)?;
    Ok(row.is_some())
}

/// Key pages of segments that are said to go.
pub async fn live_spare_pages(catalog: &Catalog, limit: u32) -> Result<Vec<String>, CatalogError> {
    db::query_scalar(
        "SELECT object FROM spare_page
         WHERE EXISTS (SELECT 1 FROM segment s WHERE s.page = spare_page.object)
         ORDER BY object LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during(DURING)
}

/// Objects of segments that are said to go.
pub async fn live_condemned(catalog: &Catalog, limit: u32) -> Result<Vec<String>, CatalogError> {
    db::query_scalar(
        "SELECT object FROM condemned
         WHERE EXISTS (SELECT 1 FROM segment s
                       WHERE s.page = condemned.object OR s.object = condemned.object)
         ORDER BY object LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during(DURING)
}

/// Whether an object is said to go.
pub async fn is_spare(catalog: &Catalog, object: &str) -> Result<bool, CatalogError> {
    let row: Option<(i64,)> = db::query_as("SELECT 1 FROM spare_page WHERE object = $1")
        .bind(object)
        .fetch_optional(catalog.read())
        .await
        .during(DURING)?;
    Ok(row.is_some())
}

/// The parts that a segment is said to bring, by name, and in which of its records.
pub async fn parts_of(
    catalog: &Catalog,
    segment: SegmentId,
) -> Result<Vec<(Vec<u8>, i64)>, CatalogError> {
    let rows = db::query("SELECT name, entry FROM part WHERE segment_id = $1 ORDER BY name")
        .bind(&segment.0[..])
        .fetch_all(catalog.read())
        .await
        .during(DURING)?;
    Ok(rows.iter().map(|row| (value(row, 0), value(row, 1))).collect())
}

/// Parts of segments that are not there: the segments.
pub async fn lone_parts(catalog: &Catalog, limit: u32) -> Result<Vec<Vec<u8>>, CatalogError> {
    db::query_scalar("SELECT segment_id FROM part EXCEPT SELECT segment_id FROM segment LIMIT $1")
        .bind(i64::from(limit))
        .fetch_all(catalog.read())
        .await
        .during(DURING)
}

/// What erasures are said to have erased, and the records that are erased by each.
#[derive(Clone, Debug, Default)]
pub struct RawErased {
    /// The result of each erasure that has one.
    pub results: Vec<(i64, String)>,
    pub records: Vec<(Vec<u8>, i64)>,
}

/// As of one instant.
pub async fn erased(catalog: &Catalog) -> Result<RawErased, CatalogError> {
    let mut tx = catalog.read().snapshot().await.during(DURING)?;
    let results = db::query("SELECT erasure_id, result FROM erasure WHERE result IS NOT NULL")
        .fetch_all(&mut tx)
        .await
        .during(DURING)?;
    let records = db::query("SELECT record_id, erasure_id FROM erased")
        .fetch_all(&mut tx)
        .await
        .during(DURING)?;
    Ok(RawErased {
        results: results.iter().map(|row| (value(row, 0), value(row, 1))).collect(),
        records: records.iter().map(|row| (value(row, 0), value(row, 1))).collect(),
    })
}

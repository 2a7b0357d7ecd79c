//! What an epoch consists of, and what of it still has to go because of a disposition:
//! segments and pages, objects in the bucket, sets in the indexes.

use super::{Catalog, CatalogError, During, WriteTransaction, db, flag};
use crate::base::ids::{DeliverySeq, DispositionId, RecordId, SegmentId, SetId};
use crate::vault::bucket::Place;

/// A segment with its deliveries.
#[derive(Clone, Debug)]
pub struct SegmentOf {
    pub segment: SegmentId,
    pub object: Place,
    pub page: Place,
    pub size_bytes: u64,
    pub deliveries: Vec<(DeliverySeq, RecordId)>,
}

const DURING_SEGMENTS: &str = "read an epoch's segments";

/// The segments of an epoch, those that were committed last first: each comes before
/// those that its records need for their parts.
pub async fn segments_backwards(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<Vec<SegmentId>, CatalogError> {
    let ids: Vec<(Vec<u8>, i64)> = db::query_as(
        "SELECT s.segment_id, COALESCE(MAX(d.seq), 0) AS last FROM segment s
         LEFT JOIN delivery d ON d.segment_id = s.segment_id
         WHERE s.class = $1 AND s.epoch = $2 GROUP BY s.segment_id ORDER BY last DESC, s.segment_id",
    )
    .bind(class)
    .bind(epoch)
    .fetch_all(catalog.read())
    .await
    .during(DURING_SEGMENTS)?;
    let damaged = |_| CatalogError::Corrupt("a segment's id".into());
    ids.iter().map(|(id, _)| SegmentId::try_from(&id[..]).map_err(damaged)).collect()
}

pub async fn count_segments(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<u64, CatalogError> {
    let count: i64 =
        db::query_scalar("SELECT COUNT(*) FROM segment WHERE class = $1 AND epoch = $2")
            .bind(class)
            .bind(epoch)
            .fetch_one(catalog.read())
            .await
            .during("count an epoch's segments")?;
    Ok(count.max(0) as u64)
}

/// The first segment of an epoch after `after`, in the order of their ids.
pub async fn next_segment(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
    after: Option<SegmentId>,
) -> Result<Option<SegmentOf>, CatalogError> {
    let id: Option<Vec<u8>> = db::query_scalar(
        "SELECT segment_id FROM segment
         WHERE class = $1 AND epoch = $2 AND segment_id > $3 ORDER BY segment_id LIMIT 1",
    )
    .bind(class)
    .bind(epoch)
    .bind(after.map(|id| id.0.to_vec()).unwrap_or_default())
    .fetch_optional(catalog.read())
    .await
    .during(DURING_SEGMENTS)?;
    let Some(id) = id else { return Ok(None) };
    let damaged = |_| CatalogError::Corrupt("a segment's id".into());
    segment(catalog, SegmentId::try_from(&id[..]).map_err(damaged)?).await
}

/// A segment with its deliveries; none where it is gone.
pub async fn segment(catalog: &Catalog, id: SegmentId) -> Result<Option<SegmentOf>, CatalogError> {
    const DURING: &str = DURING_SEGMENTS;
    type Found = (String, Option<String>, String, Option<String>, i64);
    let row: Option<Found> = db::query_as(
        "SELECT object, object_version, page, page_version, size_bytes FROM segment
         WHERE segment_id = $1",
    )
    .bind(&id.0[..])
    .fetch_optional(catalog.read())
    .await
    .during(DURING)?;
    let Some((object, object_version, page, page_version, size)) = row else {
        return Ok(None);
    };
    let damaged = |what: &str| CatalogError::Corrupt(format!("a segment's {what}"));
    let rows: Vec<(i64, Vec<u8>)> =
        db::query_as("SELECT seq, record_id FROM delivery WHERE segment_id = $1 ORDER BY seq")
            .bind(&id.0[..])
            .fetch_all(catalog.read())
            .await
            .during(DURING)?;
    let deliveries = rows.into_iter().map(|(seq, record)| {
        let record = RecordId::try_from(&record[..]).map_err(|_| damaged("record id"))?;
        Ok((DeliverySeq(seq), record))
    });
    Ok(Some(SegmentOf {
        segment: id,
        object: Place { name: object, version: object_version },
        page: Place { name: page, version: page_version },
        size_bytes: size.max(0) as u64,
        deliveries: deliveries.collect::<Result<_, CatalogError>>()?,
    }))
}

/// The last delivery of an epoch in commit order.
pub async fn last_delivery(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<Option<DeliverySeq>, CatalogError> {
    let last: Option<i64> =
        db::query_scalar("SELECT MAX(seq) FROM delivery WHERE class = $1 AND epoch = $2")
            .bind(class)
            .bind(epoch)
            .fetch_one(catalog.read())
            .await
            .during("find an epoch's last delivery")?;
    Ok(last.map(DeliverySeq))
}

/// Whether mail of an epoch is still being read.
pub async fn is_being_read(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<bool, CatalogError> {
    let count: i64 = db::query_scalar(
        "SELECT COUNT(*) FROM pending_reading p JOIN delivery d ON d.seq = p.seq
         WHERE d.class = $1 AND d.epoch = $2",
    )
    .bind(class)
    .bind(epoch)
    .fetch_one(catalog.read())
    .await
    .during("ask whether mail is being read")?;
    Ok(count > 0)
}

/// The records that an epoch has.
pub async fn records_of(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<Vec<RecordId>, CatalogError> {
    let ids: Vec<Vec<u8>> = db::query_scalar(
        "SELECT record_id FROM delivery WHERE class = $1 AND epoch = $2 ORDER BY seq",
    )
    .bind(class)
    .bind(epoch)
    .fetch_all(catalog.read())
    .await
    .during("read an epoch's records")?;
    let damaged = |_| CatalogError::Corrupt("a delivery's record id".into());
    ids.iter().map(|id| RecordId::try_from(&id[..]).map_err(damaged)).collect()
}

/// The names that the catalog knows below an epoch.
pub async fn objects_of(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
) -> Result<Vec<String>, CatalogError> {
    db::query_scalar(
        "SELECT object FROM segment WHERE class = $1 AND epoch = $2
         UNION ALL SELECT page FROM segment WHERE class = $1 AND epoch = $2",
    )
    .bind(class)
    .bind(epoch)
    .fetch_all(catalog.read())
    .await
    .during("read an epoch's objects")
}

pub(super) const DURING_STEP: &str = "destroy records";

/// A segment with another page.
pub async fn set_page(
    tx: &mut WriteTransaction,
    segment: SegmentId,
    page: &Place,
) -> Result<(), CatalogError> {
    db::query("UPDATE segment SET page = $1, page_version = $2 WHERE segment_id = $3")
        .bind(&page.name)
        .bind(&page.version)
        .bind(&segment.0[..])
        .execute(&mut *tx)
        .await
        .during(DURING_STEP)?;
    Ok(())
}

pub async fn remove_segment(
    tx: &mut WriteTransaction,
    segment: SegmentId,
) -> Result<(), CatalogError> {
    flag::forget(tx, segment).await?;
    db::query("DELETE FROM segment WHERE segment_id = $1")
        .bind(&segment.0[..])
        .execute(&mut *tx)
        .await
        .during(DURING_STEP)?;
    Ok(())
}

/// The object belongs to nobody from this transaction on.
pub async fn condemn(
    tx: &mut WriteTransaction,
    id: DispositionId,
    object: &str,
) -> Result<(), CatalogError> {
    db::query(
        "INSERT INTO condemned (object, disposition_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    )
    .bind(object)
    .bind(id.0)
    .execute(&mut *tx)
    .await
    .during(DURING_STEP)?;
    Ok(())
}

/// What is to leave the bucket of an epoch. What some segment has does not go, whatever
/// a row says.
pub async fn condemned(
    catalog: &Catalog,
    class: &str,
    epoch: &str,
    limit: u32,
) -> Result<Vec<String>, CatalogError> {
    // The character after the slash ends the range.
    let range = |room: &str, end: char| format!("{room}/{class}/{epoch}{end}");
    db::query_scalar(
        "SELECT c.object FROM condemned c
         WHERE (c.object > $1 AND c.object < $2 OR c.object > $3 AND c.object < $4)
           AND NOT EXISTS (SELECT 1 FROM segment s WHERE s.page = c.object)
           AND NOT EXISTS (SELECT 1 FROM segment s
                           WHERE s.class = $5 AND s.epoch = $6 AND s.object = c.object)
         ORDER BY c.object LIMIT $7",
    )
    .bind(range("seg", '/'))
    .bind(range("seg", '0'))
    .bind(range("key", '/'))
    .bind(range("key", '0'))
    .bind(class)
    .bind(epoch)
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during("read what is to leave the bucket")
}

/// The objects have left the bucket.
pub async fn forget_condemned(catalog: &Catalog, objects: &[String]) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    for object in objects {
        db::query("DELETE FROM condemned WHERE object = $1")
            .bind(object)
            .execute(&mut tx)
            .await
            .during(DURING_STEP)?;
    }
    catalog.commit(tx, DURING_STEP).await
}

/// Sets that this node's index has to hear of: it has what came up to `cursor`, and
/// what it is just reading it could put after it heard.
pub async fn diminished(
    catalog: &Catalog,
    cursor: u64,
    limit: u32,
) -> Result<Vec<SetId>, CatalogError> {
    let sets: Vec<i64> = db::query_scalar(
        "SELECT set_id FROM diminished WHERE node = $2 AND until_seq <= $3
         ORDER BY set_id LIMIT $1",
    )
    .bind(i64::from(limit))
    .bind(catalog.node())
    .bind(i64::try_from(cursor).unwrap_or(i64::MAX))
    .fetch_all(catalog.read())
    .await
    .during("read what is to leave the index")?;
    Ok(sets.into_iter().map(SetId).collect())
}

/// Whether this node's index has yet to hear of some.
pub async fn is_diminished(catalog: &Catalog) -> Result<bool, CatalogError> {
    let count: i64 = db::query_scalar("SELECT COUNT(*) FROM diminished WHERE node = $1")
        .bind(catalog.node())
        .fetch_one(catalog.read())
        .await
        .during("read what is to leave the index")?;
    Ok(count > 0)
}

pub async fn forget_diminished(catalog: &Catalog, sets: &[SetId]) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    for set in sets {
        db::query("DELETE FROM diminished WHERE set_id = $1 AND node = $2")
            .bind(set.0)
            .bind(catalog.node())
            .execute(&mut tx)
            .await
            .during(DURING_STEP)?;
    }
    catalog.commit(tx, DURING_STEP).await
}

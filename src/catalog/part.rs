//! Parts that records share: which there are, and which segments a delivery needs
//! beside its own.

use std::collections::{HashMap, HashSet};

use super::delivery::{NewSegment, NumberedDelivery, ROWS_PER_STATEMENT};
use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, SegmentId};
use crate::vault::bucket::Place;

/// A part that a segment brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewPart {
    pub name: Digest,
    /// Of the record in the segment that brought it, and knows its key.
    pub entry: u32,
}

/// Where a part is that the archive has, and the record that knows its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRow {
    pub segment: SegmentId,
    pub object: Place,
    pub page: Place,
    /// Of the object.
    pub sha256: Digest,
    pub entry: u32,
}

const DURING: &str = "look for parts";

/// Those of the parts that the archive has, by name: of each the first.
pub async fn find(
    catalog: &Catalog,
    names: &[Digest],
) -> Result<HashMap<Digest, PartRow>, CatalogError> {
    let damaged = |what: &str| CatalogError::Corrupt(format!("a part's {what}"));
    let mut found = HashMap::new();
    for names in names.chunks(ROWS_PER_STATEMENT) {
        let mut query: db::QueryBuilder = db::QueryBuilder::new(
            "SELECT p.name, p.segment_id, s.object, s.object_version, s.page, s.page_version,
                 s.sha256, p.entry
             FROM part p JOIN segment s ON s.segment_id = p.segment_id WHERE p.name IN (",
        );
        let mut list = query.separated(", ");
        for name in names {
            list.push_bind(name.0.to_vec());
        }
        query.push(") ORDER BY p.segment_id");
        for row in query.build().fetch_all(catalog.read()).await.during(DURING)? {
            let digest =
                |at, what| Digest::try_from(row.get::<&[u8]>(at)).map_err(|_| damaged(what));
            let segment = SegmentId::try_from(row.get::<&[u8]>(1)).map_err(|_| damaged("segment"));
            let part = PartRow {
                segment: segment?,
                object: Place { name: row.get(2), version: row.get(3) },
                page: Place { name: row.get(4), version: row.get(5) },
                sha256: digest(6, "segment")?,
                entry: u32::try_from(row.get::<i64>(7)).map_err(|_| damaged("entry"))?,
            };
            found.entry(digest(0, "name")?).or_insert(part);
        }
    }
    Ok(found)
}

/// The first of the segments that needs another which the archive has not, or has no
/// more: asked under the lock, so that none goes meanwhile.
pub(super) async fn lacking(
    tx: &mut WriteTransaction,
    segments: &[NewSegment],
) -> Result<Option<SegmentId>, CatalogError> {
    let of = |segment: &NewSegment| -> HashSet<SegmentId> {
        segment.deliveries.iter().flat_map(|delivery| &delivery.needs).copied().collect()
    };
    let needed: Vec<SegmentId> =
        segments.iter().flat_map(of).collect::<HashSet<_>>().into_iter().collect();
    let mut missing: HashSet<SegmentId> = needed.iter().copied().collect();
    if needed.is_empty() {
        return Ok(None);
    }
    for needed in needed.chunks(ROWS_PER_STATEMENT) {
        let mut query: db::QueryBuilder =
            db::QueryBuilder::new("SELECT segment_id FROM segment WHERE segment_id IN (");
        let mut list = query.separated(", ");
        for segment in needed {
            list.push_bind(segment.0.to_vec());
        }
        query.push(")");
        let there: Vec<Vec<u8>> =
            query.build_query_scalar().fetch_all(&mut *tx).await.during(DURING)?;
        for id in there {
            if let Ok(id) = SegmentId::try_from(&id[..]) {
                missing.remove(&id);
            }
        }
    }
    let lacks = |segment: &&NewSegment| of(segment).iter().any(|needed| missing.contains(needed));
    Ok(segments.iter().find(lacks).map(|segment| segment.segment))
}

const DURING_COMMIT: &str = "commit parts";

/// Inserts what segments bring.
pub(super) async fn insert_parts(
    tx: &mut WriteTransaction,
    segments: &[&NewSegment],
) -> Result<(), CatalogError> {
    let parts: Vec<_> = segments
        .iter()
        .flat_map(|segment| segment.parts.iter().map(|part| (segment.segment, part)))
        .collect();
    for parts in parts.chunks(ROWS_PER_STATEMENT) {
        let mut insert: db::QueryBuilder =
            db::QueryBuilder::new("INSERT INTO part (name, segment_id, entry) ");
        insert.push_values(parts, |mut row, (segment, part)| {
            row.push_bind(part.name.0.to_vec())
                .push_bind(segment.0.to_vec())
                .push_bind(i64::from(part.entry));
        });
        insert.push(" ON CONFLICT DO NOTHING");
        insert.build().execute(&mut *tx).await.during(DURING_COMMIT)?;
    }
    Ok(())
}

/// Inserts what deliveries need.
pub(super) async fn insert_needs(
    tx: &mut WriteTransaction,
    rows: &[NumberedDelivery<'_>],
) -> Result<(), CatalogError> {
    let needs: Vec<_> = rows
        .iter()
        .flat_map(|row| row.delivery.needs.iter().map(move |segment| (row.seq, segment)))
        .collect();
    for needs in needs.chunks(ROWS_PER_STATEMENT) {
        let mut insert: db::QueryBuilder =
            db::QueryBuilder::new("INSERT INTO part_need (seq, segment_id) ");
        insert.push_values(needs, |mut row, (seq, segment)| {
            row.push_bind(*seq).push_bind(segment.0.to_vec());
        });
        insert.build().execute(&mut *tx).await.during(DURING_COMMIT)?;
    }
    Ok(())
}

/// Whether a delivery that is left needs the segment for its parts.
pub async fn is_needed(catalog: &Catalog, segment: SegmentId) -> Result<bool, CatalogError> {
    let row: Option<(i64,)> = db::query_as("SELECT 1 FROM part_need WHERE segment_id = $1 LIMIT 1")
        .bind(&segment.0[..])
        .fetch_optional(catalog.read())
        .await
        .during(DURING)?;
    Ok(row.is_some())
}

/// No later record shares the parts of the segment.
pub async fn forget(tx: &mut WriteTransaction, segment: SegmentId) -> Result<(), CatalogError> {
    db::query("DELETE FROM part WHERE segment_id = $1")
        .bind(&segment.0[..])
        .execute(&mut *tx)
        .await
        .during("destroy records")?;
    Ok(())
}

/// The segments that deliveries from `first` to `last` need, as the rows have it.
pub async fn needs(
    catalog: &Catalog,
    first: DeliverySeq,
    last: DeliverySeq,
) -> Result<HashMap<i64, Vec<SegmentId>>, CatalogError> {
    let rows: Vec<(i64, Vec<u8>)> = db::query_as(
        "SELECT seq, segment_id FROM part_need WHERE seq >= $1 AND seq <= $2
         ORDER BY seq, segment_id",
    )
    .bind(first.0)
    .bind(last.0)
    .fetch_all(catalog.read())
    .await
    .during(DURING)?;
    let mut found: HashMap<i64, Vec<SegmentId>> = HashMap::new();
    for (seq, segment) in rows {
        // One that is no id is needed by nobody, which is seen.
        let id = SegmentId::try_from(&segment[..]).unwrap_or(SegmentId([0; 16]));
        found.entry(seq).or_default().push(id);
    }
    Ok(found)
}

//! Page objects that no segment has: those that were put for a rewrite which has yet
//! to commit, and those that one replaced.
//!
//! # Invariant
//! A page that goes is taken by no segment any more, and a page is put only when it is
//! noted here. So whatever of several nodes does, none deletes what another commits,
//! and no crash leaves a page that nobody knows of.

use super::delivery::ROWS_PER_STATEMENT;
use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::ids::SegmentId;
use crate::vault::bucket::Place;
use crate::vault::segment::MANY;

const DURING: &str = "rewrite key pages";

/// Replaced by another: nobody puts it again.
const REPLACED: i64 = 1;
/// Given up before a segment took it: whoever puts it may be just about to.
const GIVEN_UP: i64 = 2;

/// Notes a page that is about to be put; false where one of the name goes.
pub async fn expect(catalog: &Catalog, object: &str, at: Timestamp) -> Result<bool, CatalogError> {
    let mut tx = catalog.write().await?;
    let done = db::query(
        "INSERT INTO spare_page (object, at, is_going) VALUES ($1, $2, 0)
         ON CONFLICT (object) DO UPDATE SET at = excluded.at WHERE spare_page.is_going = 0",
    )
    .bind(object)
    .bind(at.0)
    .execute(&mut tx)
    .await
    .during(DURING)?;
    catalog.commit(tx, DURING).await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a page that was put: it is some segment's with this commit. False where it
/// goes already.
pub async fn take(tx: &mut WriteTransaction, object: &str) -> Result<bool, CatalogError> {
    let done = db::query("DELETE FROM spare_page WHERE object = $1 AND is_going = 0")
        .bind(object)
        .execute(&mut *tx)
        .await
        .during(DURING)?;
    Ok(done.rows_affected() == 1)
}

/// All segments with the page `old` have `new` with this commit, and `old` goes.
/// How many they are.
pub async fn replace(
    tx: &mut WriteTransaction,
    old: &str,
    new: &Place,
    at: Timestamp,
) -> Result<u64, CatalogError> {
    let done = db::query("UPDATE segment SET page = $1, page_version = $2 WHERE page = $3")
        .bind(&new.name)
        .bind(&new.version)
        .bind(old)
        .execute(&mut *tx)
        .await
        .during(DURING)?;
    give_up(tx, old, at).await?;
    Ok(done.rows_affected())
}

/// No segment has the page any more, and none will.
pub async fn give_up(
    tx: &mut WriteTransaction,
    object: &str,
    at: Timestamp,
) -> Result<(), CatalogError> {
    db::query(
        "INSERT INTO spare_page (object, at, is_going) VALUES ($1, $2, $3)
         ON CONFLICT (object) DO UPDATE SET is_going = excluded.is_going",
    )
    .bind(object)
    .bind(at.0)
    .bind(REPLACED)
    .execute(&mut *tx)
    .await
    .during(DURING)?;
    Ok(())
}

/// As [`give_up`], by itself, of a page that was given up long ago.
pub async fn give_up_now(catalog: &Catalog, object: &str) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    give_up(&mut tx, object, Timestamp(0)).await?;
    catalog.commit(tx, DURING).await
}

/// Has every page below `prefix` go that nobody has taken by now: whoever put it
/// begins again.
pub async fn give_up_below(tx: &mut WriteTransaction, prefix: &str) -> Result<(), CatalogError> {
    db::query(
        "UPDATE spare_page SET is_going = $3 WHERE object >= $1 AND object < $2 AND is_going = 0",
    )
    .bind(format!("{prefix}/"))
    // The character after the slash.
    .bind(format!("{prefix}0"))
    .bind(GIVEN_UP)
    .execute(&mut *tx)
    .await
    .during(DURING)?;
    Ok(())
}

/// A page that goes.
#[derive(Clone, Debug)]
pub struct Going {
    pub object: String,
    /// Nobody puts it any more: when it has left the bucket, it can be forgotten.
    pub is_settled: bool,
}

/// Pages below `prefix` after `after`, by name, that go and were put or replaced before
/// `until`.
pub async fn going(
    catalog: &Catalog,
    prefix: &str,
    (after, until): (&str, Timestamp),
    limit: u32,
) -> Result<Vec<Going>, CatalogError> {
    let first = format!("{prefix}/");
    let rows: Vec<(String, i64)> = db::query_as(
        "SELECT object, is_going FROM spare_page
         WHERE object > $1 AND object < $2 AND is_going <> 0 AND at <= $3
         ORDER BY object LIMIT $4",
    )
    .bind(first.as_str().max(after))
    .bind(format!("{prefix}0"))
    .bind(until.0)
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during("read which pages go")?;
    let going = |(object, going)| Going { object, is_settled: going == REPLACED };
    Ok(rows.into_iter().map(going).collect())
}

/// Has pages go that were put for a rewrite long ago, which was cut off.
pub async fn give_up_before(catalog: &Catalog, at: Timestamp) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    db::query("UPDATE spare_page SET is_going = $2 WHERE is_going = 0 AND at <= $1")
        .bind(at.0)
        .bind(GIVEN_UP)
        .execute(&mut tx)
        .await
        .during(DURING)?;
    catalog.commit(tx, DURING).await
}

/// The months of a class that have segments.
pub async fn epochs(catalog: &Catalog, class: &str) -> Result<Vec<String>, CatalogError> {
    db::query_scalar("SELECT DISTINCT epoch FROM segment WHERE class = $1 ORDER BY epoch")
        .bind(class)
        .fetch_all(catalog.read())
        .await
        .during("list the months of a class")
}

/// A segment that has its page alone.
#[derive(Clone, Debug)]
pub struct Alone {
    pub segment: SegmentId,
    pub page: Place,
    pub created_at: Timestamp,
    /// Whether it has the bucket's flag of a hold, or is to have it.
    pub is_flagged: bool,
}

/// Segments of an epoch with pages of their own after `after`, by the pages' names;
/// none whose page is under the key for held records.
pub async fn alone(
    catalog: &Catalog,
    (class, epoch): (&str, &str),
    after: &str,
    limit: usize,
) -> Result<Vec<Alone>, CatalogError> {
    type Found = (Vec<u8>, String, Option<String>, i64, Option<String>);
    let first = format!("key/{class}/{epoch}/");
    let rows: Vec<Found> = db::query_as(
        "SELECT s.segment_id, s.page, s.page_version, s.created_at, f.state
         FROM segment s LEFT JOIN flag f ON f.segment_id = s.segment_id
         WHERE s.page > $1 AND s.page < $2 AND s.page NOT LIKE '%.held'
         ORDER BY s.page LIMIT $3",
    )
    .bind(first.as_str().max(after))
    // Ids are hex digits, which come before this.
    .bind(format!("{first}{MANY}"))
    .bind(limit as i64)
    .fetch_all(catalog.read())
    .await
    .during("read which pages are alone")?;
    let alone = |(segment, page, version, created_at, flag): Found| {
        let segment = SegmentId::try_from(&segment[..]);
        Ok(Alone {
            segment: segment.map_err(|_| CatalogError::Corrupt("a segment's id".into()))?,
            page: Place { name: page, version },
            created_at: Timestamp(created_at),
            is_flagged: flag.is_some(),
        })
    };
    rows.into_iter().map(alone).collect()
}

/// Gives all these segments one page, and has their old ones go; false where one of
/// them has another by now.
pub async fn put_together(
    tx: &mut WriteTransaction,
    pages: &[Alone],
    new: &Place,
    at: Timestamp,
) -> Result<bool, CatalogError> {
    for pages in pages.chunks(ROWS_PER_STATEMENT / 2) {
        let mut query = db::QueryBuilder::new("UPDATE segment SET page = ");
        query.push_bind(new.name.clone()).push(", page_version = ");
        query.push_bind(new.version.clone()).push(" WHERE segment_id IN (");
        let mut list = query.separated(", ");
        for page in pages {
            list.push_bind(page.segment.0.to_vec());
        }
        query.push(") AND page IN (");
        let mut list = query.separated(", ");
        for page in pages {
            list.push_bind(page.page.name.clone());
        }
        query.push(")");
        let done = query.build().execute(&mut *tx).await.during(DURING)?;
        if done.rows_affected() != pages.len() as u64 {
            return Ok(false);
        }
        let mut insert = db::QueryBuilder::new("INSERT INTO spare_page (object, at, is_going) ");
        insert.push_values(pages, |mut row, page| {
            row.push_bind(page.page.name.clone()).push_bind(at.0).push_bind(REPLACED);
        });
        insert.push(" ON CONFLICT (object) DO UPDATE SET is_going = excluded.is_going");
        insert.build().execute(&mut *tx).await.during(DURING)?;
    }
    Ok(true)
}

/// They have left the bucket.
pub async fn forget(catalog: &Catalog, objects: &[String]) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    for object in objects {
        db::query("DELETE FROM spare_page WHERE object = $1")
            .bind(object)
            .execute(&mut tx)
            .await
            .during(DURING)?;
    }
    catalog.commit(tx, DURING).await
}

/// As [`is_used`], beside whoever writes.
pub async fn is_live(catalog: &Catalog, object: &str) -> Result<bool, CatalogError> {
    let row: Option<(i64,)> = db::query_as("SELECT 1 FROM segment WHERE page = $1 LIMIT 1")
        .bind(object)
        .fetch_optional(catalog.read())
        .await
        .during("ask who has a page")?;
    Ok(row.is_some())
}

/// Whether some segment has its page in this object.
pub async fn is_used(tx: &mut WriteTransaction, object: &str) -> Result<bool, CatalogError> {
    let row: Option<(i64,)> = db::query_as("SELECT 1 FROM segment WHERE page = $1 LIMIT 1")
        .bind(object)
        .fetch_optional(&mut *tx)
        .await
        .during("ask who has a page")?;
    Ok(row.is_some())
}

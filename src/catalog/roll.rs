//! Which parts of the bucket are to be locked for longer, and how far that is. What is
//! done to their objects is `retention::locks`.

use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::ids::SegmentId;
use crate::vault::bucket::Place;

/// A part of the bucket: what begins with a word, or a month of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollRow {
    pub unit: String,
    /// What was there is locked until then, at least.
    pub ends_at: Timestamp,
    /// Until when it is to be locked; none where nothing is to be done.
    pub target: Option<Timestamp>,
    /// Done up to this name, or to this segment.
    pub position: String,
    pub done: u64,
    pub total: u64,
    /// Objects that the bucket would not lock for longer.
    pub refused: u64,
    /// Why it refused, or why the last try stopped.
    pub error: Option<String>,
}

/// What a month of a class is called.
pub fn unit_of(class: &str, epoch: &str) -> String {
    format!("{OF_EPOCH}{class}/{epoch}")
}

/// The class and the month of a unit that is one.
pub fn epoch_in(unit: &str) -> Option<(&str, &str)> {
    unit.strip_prefix(OF_EPOCH)?.split_once('/')
}

const OF_EPOCH: &str = "seg/";
const DURING: &str = "see to longer locks";
const COLUMNS: &str = "unit, ends_at, target, position, done, total, refused, error";

type Columns = (String, i64, Option<i64>, String, i64, i64, i64, Option<String>);

fn from_row(row: Columns) -> RollRow {
    let (unit, ends_at, target, position, done, total, refused, error) = row;
    RollRow {
        unit,
        ends_at: Timestamp(ends_at),
        target: target.map(Timestamp),
        position,
        done: done.max(0) as u64,
        total: total.max(0) as u64,
        refused: refused.max(0) as u64,
        error,
    }
}

pub async fn find(catalog: &Catalog, unit: &str) -> Result<Option<RollRow>, CatalogError> {
    let sql = db::AssertSqlSafe(format!("SELECT {COLUMNS} FROM roll WHERE unit = $1"));
    let row: Option<Columns> =
        db::query_as(sql).bind(unit).fetch_optional(catalog.read()).await.during(DURING)?;
    Ok(row.map(from_row))
}

/// What is to be done, what ends soonest first.
pub async fn wanted(catalog: &Catalog) -> Result<Vec<RollRow>, CatalogError> {
    let sql = db::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM roll WHERE target IS NOT NULL ORDER BY ends_at, unit"
    ));
    let rows: Vec<Columns> = db::query_as(sql).fetch_all(catalog.read()).await.during(DURING)?;
    Ok(rows.into_iter().map(from_row).collect())
}

/// Asks for a part to be locked until `target`, from its beginning on.
pub async fn want(
    tx: &mut WriteTransaction,
    unit: &str,
    ends_at: Timestamp,
    target: Timestamp,
) -> Result<(), CatalogError> {
    db::query(
        "INSERT INTO roll (unit, ends_at, target, position, done, total, refused, error)
         VALUES ($1, $2, $3, '', 0, 0, 0, NULL)
         ON CONFLICT (unit) DO UPDATE SET target = excluded.target, position = '', done = 0,
             total = 0, refused = 0, error = NULL,
             ends_at = CASE WHEN roll.ends_at < excluded.ends_at THEN roll.ends_at
                            ELSE excluded.ends_at END",
    )
    .bind(unit)
    .bind(ends_at.0)
    .bind(target.0)
    .execute(&mut *tx)
    .await
    .during(DURING)?;
    Ok(())
}

/// Says how far it is; false where something else is wanted of it meanwhile.
pub async fn step(catalog: &Catalog, row: &RollRow) -> Result<bool, CatalogError> {
    let mut tx = catalog.write_derived().await?;
    let done = db::query(
        "UPDATE roll SET position = $1, done = $2, total = $3, refused = $4, error = $5
         WHERE unit = $6 AND target = $7",
    )
    .bind(&row.position)
    .bind(row.done as i64)
    .bind(row.total as i64)
    .bind(row.refused as i64)
    .bind(&row.error)
    .bind(&row.unit)
    .bind(row.target.map(|at| at.0))
    .execute(&mut tx)
    .await
    .during(DURING)?;
    catalog.commit(tx, DURING).await?;
    Ok(done.rows_affected() == 1)
}

/// All of a part is locked until its target; false as in [`step`].
pub async fn end(tx: &mut WriteTransaction, row: &RollRow) -> Result<bool, CatalogError> {
    let done = db::query(
        "UPDATE roll SET ends_at = target, target = NULL, position = '', done = $1, total = $1,
             error = NULL
         WHERE unit = $2 AND target = $3",
    )
    .bind(row.done as i64)
    .bind(&row.unit)
    .bind(row.target.map(|at| at.0))
    .execute(&mut *tx)
    .await
    .during(DURING)?;
    Ok(done.rows_affected() == 1)
}

/// Asks again for the months that were asked for while they were under way: a node that
/// starts now put mail into them as it was configured before.
pub async fn want_again(catalog: &Catalog, epoch: &str) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    db::query(
        "UPDATE roll SET target = ends_at, position = '', done = 0, total = 0
         WHERE target IS NULL AND unit LIKE $1",
    )
    .bind(unit_of("%", epoch))
    .execute(&mut tx)
    .await
    .during(DURING)?;
    catalog.commit(tx, DURING).await
}

/// Nothing is to be done: the bucket has no locks.
pub async fn forget(catalog: &Catalog) -> Result<(), CatalogError> {
    let mut tx = catalog.write_derived().await?;
    db::query("DELETE FROM roll").execute(&mut tx).await.during(DURING)?;
    catalog.commit(tx, DURING).await
}

/// Asks for every month of every class to be looked at, since it is not known how far
/// this was.
pub async fn want_every_epoch(catalog: &Catalog, now: Timestamp) -> Result<(), CatalogError> {
    let all: Vec<(String, String)> = db::query_as("SELECT DISTINCT class, epoch FROM segment")
        .fetch_all(catalog.read())
        .await
        .during(DURING)?;
    let mut tx = catalog.write().await?;
    for (class, epoch) in all {
        want(&mut tx, &unit_of(&class, &epoch), Timestamp(0), now).await?;
    }
    catalog.commit(tx, DURING).await
}

/// The months of a class.
pub async fn epochs(catalog: &Catalog, class: &str) -> Result<Vec<String>, CatalogError> {
    db::query_scalar("SELECT DISTINCT epoch FROM segment WHERE class = $1 ORDER BY epoch")
        .bind(class)
        .fetch_all(catalog.read())
        .await
        .during(DURING)
}

/// Segments of a month after one, with their pages, in the order of their ids.
pub async fn segments(
    catalog: &Catalog,
    (class, epoch): (&str, &str),
    after: &[u8],
    limit: u32,
) -> Result<Vec<(SegmentId, [Place; 2])>, CatalogError> {
    type Found = (Vec<u8>, String, Option<String>, String, Option<String>);
    let rows: Vec<Found> = db::query_as(
        "SELECT segment_id, object, object_version, page, page_version FROM segment
         WHERE class = $1 AND epoch = $2 AND segment_id > $3 ORDER BY segment_id LIMIT $4",
    )
    .bind(class)
    .bind(epoch)
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during(DURING)?;
    let read = |(id, object, object_version, page, page_version): Found| {
        let damaged = |_| CatalogError::Corrupt("a segment's id".into());
        let segment = SegmentId::try_from(&id[..]).map_err(damaged)?;
        let object = Place { name: object, version: object_version };
        let page = Place { name: page, version: page_version };
        Ok((segment, [object, page]))
    };
    rows.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::scratch;

    async fn ask(catalog: &Catalog, unit: &str, ends_at: i64, target: i64) {
        let mut tx = catalog.write().await.unwrap();
        want(&mut tx, unit, Timestamp(ends_at), Timestamp(target)).await.unwrap();
        catalog.commit(tx, "test").await.unwrap();
    }

    async fn ended(catalog: &Catalog, row: &RollRow) -> bool {
        let mut tx = catalog.write().await.unwrap();
        let is = end(&mut tx, row).await.unwrap();
        catalog.commit(tx, "test").await.unwrap();
        is
    }

    #[tokio::test]
    async fn what_ends_soonest_comes_first_and_what_is_asked_again_begins_anew() {
        let (catalog, _directory) = scratch().await;
        ask(&catalog, "log", 30, 90).await;
        ask(&catalog, &unit_of("standard", "2026-01"), 10, 80).await;
        let units = |rows: &[RollRow]| rows.iter().map(|it| it.unit.clone()).collect::<Vec<_>>();
        let found = wanted(&catalog).await.unwrap();
        assert_eq!(units(&found), ["seg/standard/2026-01", "log"]);
        assert_eq!(epoch_in(&found[0].unit), Some(("standard", "2026-01")));
        assert_eq!(epoch_in("log"), None);

        let half = RollRow { position: "x".into(), done: 1, total: 2, ..found[0].clone() };
        assert!(step(&catalog, &half).await.unwrap());
        assert_eq!(wanted(&catalog).await.unwrap()[0], half);
        // Longer still: who works on the shorter one learns of it.
        ask(&catalog, &half.unit, 80, 99).await;
        assert!(!step(&catalog, &half).await.unwrap() && !ended(&catalog, &half).await);
        let again = wanted(&catalog).await.unwrap().remove(0);
        assert_eq!((again.ends_at, again.target), (Timestamp(10), Some(Timestamp(99))));
        assert_eq!((again.position.as_str(), again.done), ("", 0));
        assert!(ended(&catalog, &again).await);
        assert_eq!(units(&wanted(&catalog).await.unwrap()), ["log"]);
        let row = find(&catalog, &again.unit).await.unwrap().unwrap();
        assert_eq!((row.ends_at, row.target), (Timestamp(99), None));
        want_again(&catalog, "2026-02").await.unwrap();
        assert_eq!(units(&wanted(&catalog).await.unwrap()), ["log"]);
        want_again(&catalog, "2026-01").await.unwrap();
        assert_eq!(units(&wanted(&catalog).await.unwrap()), ["log", "seg/standard/2026-01"]);
    }
}

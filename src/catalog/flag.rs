//! Which segments should have the bucket's flag of a hold, and which have it.
//!
//! # Invariant
//! A row says `set` only if both objects of the segment were flagged since it was last
//! `wanted`; a flag that is on has a row. So a crash between the bucket and the catalog
//! leaves work that is done again, and nothing unknown.

use std::collections::BTreeMap;

use super::delivery::ROWS_PER_STATEMENT;
use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::hash::Hasher;
use crate::base::ids::{DeliverySeq, HoldId, SegmentId};
use crate::vault::bucket::Place;

const DURING: &str = "note flags of holds";

/// What is to be done with a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Set,
    Lifted,
}

impl Wanted {
    fn state(self) -> &'static str {
        match self {
            Self::Set => "wanted",
            Self::Lifted => "lifting",
        }
    }
}

/// A delivery, with what says how soon its segment could go.
#[derive(Clone, Debug)]
pub struct Walked {
    pub seq: DeliverySeq,
    pub segment: SegmentId,
    pub class: String,
    pub epoch: String,
}

/// Deliveries after `seq` up to `until`, in commit order.
pub async fn walk(
    catalog: &Catalog,
    seq: i64,
    until: i64,
    limit: usize,
) -> Result<Vec<Walked>, CatalogError> {
    let rows: Vec<(i64, Vec<u8>, String, String)> = db::query_as(
        "SELECT seq, segment_id, class, epoch FROM delivery WHERE seq > $1 AND seq <= $2
         ORDER BY seq LIMIT $3",
    )
    .bind(seq)
    .bind(until)
    .bind(limit as i64)
    .fetch_all(catalog.read())
    .await
    .during("walk the deliveries")?;
    let walked = |(seq, segment, class, epoch): (i64, Vec<u8>, String, String)| {
        Ok(Walked { seq: DeliverySeq(seq), segment: segment_id(&segment)?, class, epoch })
    };
    rows.into_iter().map(walked).collect()
}

/// Says that something of these segments is held, each with its rank.
pub async fn mark(
    tx: &mut WriteTransaction,
    pass: i64,
    segments: &[(SegmentId, i64)],
) -> Result<(), CatalogError> {
    for segments in segments.chunks(ROWS_PER_STATEMENT) {
        let mut insert = db::QueryBuilder::new("INSERT INTO flag (segment_id, rank, pass, state) ");
        insert.push_values(segments, |mut row, (segment, rank)| {
            row.push_bind(segment.0.to_vec())
                .push_bind(*rank)
                .push_bind(pass)
                .push_bind("wanted".to_owned());
        });
        // One that was being lifted may be off by now: it is set again.
        insert.push(
            " ON CONFLICT (segment_id) DO UPDATE SET rank = excluded.rank, pass = excluded.pass,
                 state = CASE WHEN flag.state = 'lifting' THEN 'wanted' ELSE flag.state END",
        );
        insert.build().execute(&mut *tx).await.during(DURING)?;
    }
    Ok(())
}

/// Has flags lifted of what no pass since `pass` found held, at most so many; how many.
pub async fn unmark(catalog: &Catalog, pass: i64, limit: usize) -> Result<u64, CatalogError> {
    let mut tx = catalog.write_derived().await?;
    let done = db::query(
        "UPDATE flag SET state = 'lifting', pass = $1 WHERE segment_id IN
             (SELECT segment_id FROM flag WHERE pass < $1 LIMIT $2)",
    )
    .bind(pass)
    .bind(limit as i64)
    .execute(&mut tx)
    .await
    .during(DURING)?;
    catalog.commit(tx, DURING).await?;
    Ok(done.rows_affected())
}

/// A segment whose flag is to change.
#[derive(Clone, Debug)]
pub struct Due {
    pub segment: SegmentId,
    pub object: Place,
    pub page: Place,
}

/// What is due: what could go soonest comes first.
pub async fn due(
    catalog: &Catalog,
    wanted: Wanted,
    limit: usize,
) -> Result<Vec<Due>, CatalogError> {
    let rows: Vec<Found> = db::query_as(
        "SELECT f.segment_id, s.object, s.object_version, s.page, s.page_version
         FROM flag f JOIN segment s ON s.segment_id = f.segment_id
         WHERE f.state = $1 ORDER BY f.rank, f.segment_id LIMIT $2",
    )
    .bind(wanted.state())
    .bind(limit as i64)
    .fetch_all(catalog.read())
    .await
    .during("read which flags are due")?;
    rows.into_iter().map(due_from).collect()
}

/// A segment's id, then its object and its page with their versions.
type Found = (Vec<u8>, String, Option<String>, String, Option<String>);

fn due_from(
    (segment, object, object_version, page, page_version): Found,
) -> Result<Due, CatalogError> {
    Ok(Due {
        segment: segment_id(&segment)?,
        object: Place { name: object, version: object_version },
        page: Place { name: page, version: page_version },
    })
}

/// Segments after `after`, by id, whose flag is said to be set.
pub async fn set_after(
    catalog: &Catalog,
    after: Option<SegmentId>,
    limit: usize,
) -> Result<Vec<Due>, CatalogError> {
    let rows: Vec<Found> = db::query_as(
        "SELECT f.segment_id, s.object, s.object_version, s.page, s.page_version
         FROM flag f JOIN segment s ON s.segment_id = f.segment_id
         WHERE f.state = 'set' AND f.segment_id > $1 ORDER BY f.segment_id LIMIT $2",
    )
    .bind(after.map(|id| id.0.to_vec()).unwrap_or_default())
    .bind(limit as i64)
    .fetch_all(catalog.read())
    .await
    .during("read which flags are set")?;
    rows.into_iter().map(due_from).collect()
}

/// Has a flag set again that is said to be set with this page and is not; false where
/// the row says otherwise by now.
pub async fn want_again(catalog: &Catalog, due: &Due) -> Result<bool, CatalogError> {
    let mut tx = catalog.write_derived().await?;
    let done = db::query(
        "UPDATE flag SET state = 'wanted' WHERE segment_id = $1 AND state = 'set'
           AND EXISTS (SELECT 1 FROM segment s WHERE s.segment_id = $1 AND s.page = $2)",
    )
    .bind(&due.segment.0[..])
    .bind(&due.page.name)
    .execute(&mut tx)
    .await
    .during(DURING)?;
    catalog.commit(tx, DURING).await?;
    Ok(done.rows_affected() == 1)
}

/// Whether another segment has its page in the same object, and is held.
pub async fn is_page_wanted(
    catalog: &Catalog,
    page: &str,
    but: SegmentId,
) -> Result<bool, CatalogError> {
    let row: Option<(i64,)> = db::query_as(
        "SELECT 1 FROM segment s JOIN flag f ON f.segment_id = s.segment_id
         WHERE s.page = $1 AND s.segment_id <> $2 AND f.state <> 'lifting' LIMIT 1",
    )
    .bind(page)
    .bind(&but.0[..])
    .fetch_optional(catalog.read())
    .await
    .during("ask who has a page")?;
    Ok(row.is_some())
}

/// Says what was done; what was wanted otherwise meanwhile, or has another page now,
/// stays due.
pub async fn done(catalog: &Catalog, wanted: Wanted, done: &[Due]) -> Result<(), CatalogError> {
    let mut tx = catalog.write_derived().await?;
    for due in done.chunks(ROWS_PER_STATEMENT / 2) {
        let mut query = db::QueryBuilder::new(match wanted {
            Wanted::Set => {
                "UPDATE flag SET state = 'set' WHERE state = 'wanted' AND segment_id IN "
            }
            Wanted::Lifted => "DELETE FROM flag WHERE state = 'lifting' AND segment_id IN ",
        });
        query.push("(SELECT segment_id FROM segment WHERE segment_id IN (");
        let mut list = query.separated(", ");
        for due in due {
            list.push_bind(due.segment.0.to_vec());
        }
        query.push(") AND page IN (");
        let mut list = query.separated(", ");
        for due in due {
            list.push_bind(due.page.name.clone());
        }
        query.push("))");
        query.build().execute(&mut tx).await.during(DURING)?;
    }
    catalog.commit(tx, DURING).await
}

/// A segment that is gone has no flag.
pub async fn forget(tx: &mut WriteTransaction, segment: SegmentId) -> Result<(), CatalogError> {
    db::query("DELETE FROM flag WHERE segment_id = $1")
        .bind(&segment.0[..])
        .execute(&mut *tx)
        .await
        .during(DURING)?;
    Ok(())
}

/// Says of holds in force what a pass goes by: another number means that it must be
/// begun again.
pub async fn holds_in_force(catalog: &Catalog) -> Result<i64, CatalogError> {
    const DURING: &str = "read which holds are in force";
    let holds: Vec<i64> =
        db::query_scalar("SELECT hold_id FROM hold WHERE released_at IS NULL ORDER BY hold_id")
            .fetch_all(catalog.read())
            .await
            .during(DURING)?;
    let addresses: Vec<(i64, String)> = db::query_as(
        "SELECT k.hold_id, a.address FROM hold_custodian k
         JOIN hold h ON h.hold_id = k.hold_id
         JOIN custodian_address a ON a.custodian_id = k.custodian_id
         WHERE h.released_at IS NULL ORDER BY k.hold_id, a.custodian_id, a.address",
    )
    .fetch_all(catalog.read())
    .await
    .during(DURING)?;
    let mut hasher = Hasher::new();
    for hold in holds {
        hasher.update(&hold.to_be_bytes());
    }
    for (hold, address) in addresses {
        hasher.update(&hold.to_be_bytes());
        hasher.update(address.as_bytes());
        hasher.update(b"\n");
    }
    let digest = hasher.finish();
    let start: [u8; 8] = digest.0[..8].try_into().expect("a digest is longer");
    Ok(i64::from_be_bytes(start))
}

/// How far the flags of a hold are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub flagged: u64,
    pub segments: u64,
}

/// What was counted last; none before the first time, and of a released hold.
pub async fn counted(catalog: &Catalog, hold: HoldId) -> Result<Option<Counted>, CatalogError> {
    let row: Option<(i64, i64)> =
        db::query_as("SELECT flagged, segments FROM hold_flag WHERE hold_id = $1")
            .bind(hold.0)
            .fetch_optional(catalog.read())
            .await
            .during("read how far flags are")?;
    let count = |number: i64| number.max(0) as u64;
    Ok(row
        .map(|(flagged, segments)| Counted { flagged: count(flagged), segments: count(segments) }))
}

/// What was counted last of each hold.
pub async fn counts(catalog: &Catalog) -> Result<BTreeMap<HoldId, Counted>, CatalogError> {
    let rows: Vec<(i64, i64, i64)> =
        db::query_as("SELECT hold_id, flagged, segments FROM hold_flag")
            .fetch_all(catalog.read())
            .await
            .during("read how far flags are")?;
    let count = |number: i64| number.max(0) as u64;
    let counted = |(hold, flagged, segments): (i64, i64, i64)| {
        (HoldId(hold), Counted { flagged: count(flagged), segments: count(segments) })
    };
    Ok(rows.into_iter().map(counted).collect())
}

/// Notes what was counted of every hold in force, and forgets the others.
pub async fn note_counts(
    catalog: &Catalog,
    counts: &BTreeMap<HoldId, Counted>,
) -> Result<(), CatalogError> {
    let mut tx = catalog.write_derived().await?;
    db::query("DELETE FROM hold_flag").execute(&mut tx).await.during(DURING)?;
    for (hold, counted) in counts {
        db::query("INSERT INTO hold_flag (hold_id, flagged, segments) VALUES ($1, $2, $3)")
            .bind(hold.0)
            .bind(counted.flagged as i64)
            .bind(counted.segments as i64)
            .execute(&mut tx)
            .await
            .during(DURING)?;
    }
    catalog.commit(tx, DURING).await
}

fn segment_id(bytes: &[u8]) -> Result<SegmentId, CatalogError> {
    SegmentId::try_from(bytes).map_err(|_| CatalogError::Corrupt("a segment's id".into()))
}

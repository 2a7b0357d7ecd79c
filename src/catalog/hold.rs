//! Rows of holds, and what they cover: decided here, exactly, by sets.
//!
//! # Invariant
//! [`push_covered`] is the only statement of what a hold covers. A preview, a hold's
//! items and the question whether a message is held all read it.

use std::collections::BTreeSet;

use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::ids::{CustodianId, DeliverySeq, HoldId, MatterId, RecordId, SetId, UserId};

/// What a hold reaches for: a placed one's, or one that is being considered.
#[derive(Clone, Debug)]
pub struct Extent {
    pub custodians: Vec<CustodianId>,
    /// `sent` or `received`.
    pub date_kind: String,
    /// Inclusive.
    pub from_at: Option<Timestamp>,
    /// Exclusive.
    pub until_at: Option<Timestamp>,
    /// Takes in what arrives later than `placed_seq`.
    pub is_ongoing: bool,
    pub placed_seq: DeliverySeq,
}

#[derive(Clone, Debug)]
pub struct HoldRow {
    pub hold_id: HoldId,
    pub matter_id: MatterId,
    pub name: String,
    /// With the custodians' names, in the order of `extent.custodians`.
    pub custodian_names: Vec<String>,
    pub extent: Extent,
    pub placed_at: Timestamp,
    pub placed_by: String,
    pub released_at: Option<Timestamp>,
    pub released_by: Option<String>,
    pub release_reason: Option<String>,
}

/// Which holds are asked about, as the tables `h` and `hc` that [`push_covered`] reads.
#[derive(Clone, Debug)]
enum Asked<'a> {
    InForce,
    One(HoldId),
    Considered(&'a Extent),
}

/// The reasons of gaps of whole messages that leave open who took part: holds take those
/// by their dates alone.
pub(super) const HELD_ANYHOW: [&str; 4] =
    ["timed-out", "crashed", "too-large", "unknown-recipients"];

/// Pushes the table `covered`: the pairs of hold and message set, of `only`
/// those sets unless it is empty.
///
/// A set whose participants are not fully known, or whose date is not, is
/// covered if what is known of it fits: a message is sent no later than it is
/// received.
fn push_covered(query: &mut db::QueryBuilder, only: &[SetId]) {
    query.push(
        "candidate AS (
            SELECT hc.hold_id AS hold_id, p.set_id AS set_id
            FROM hc
            JOIN custodian_address ca ON ca.custodian_id = hc.custodian_id
            JOIN address a ON a.address = ca.address
            JOIN participant p ON p.address_id = a.address_id
            WHERE 1 = 1",
    );
    push_only(query, "p.set_id", only);
    query.push(
        " UNION
            SELECT h.hold_id, g.set_id
            FROM h CROSS JOIN gap g
            WHERE g.set_id IS NOT NULL AND g.ordinal IS NULL
              AND (g.reason IN (",
    );
    query.push(HELD_ANYHOW.map(|reason| format!("'{reason}'")).join(", "));
    query.push(
        ") OR NOT EXISTS (SELECT 1 FROM participant q
                          WHERE q.set_id = g.set_id AND q.source = 'header'))",
    );
    push_only(query, "g.set_id", only);
    query.push(
        "),
        covered AS (
            SELECT c.hold_id AS hold_id, c.set_id AS set_id
            FROM candidate c
            JOIN h ON h.hold_id = c.hold_id
            JOIN message_set s ON s.set_id = c.set_id
            WHERE (h.is_ongoing = 1 OR s.first_seq <= h.placed_seq)
              AND CASE
                WHEN h.from_at IS NULL AND h.until_at IS NULL THEN 1 = 1
                WHEN h.date_kind = 'received' THEN EXISTS (
                    SELECT 1 FROM set_delivery sd JOIN delivery d ON d.seq = sd.seq
                    WHERE sd.set_id = s.set_id
                      AND (h.from_at IS NULL OR d.received_at >= h.from_at)
                      AND (h.until_at IS NULL OR d.received_at < h.until_at))
                WHEN s.sent_at IS NULL THEN h.from_at IS NULL OR s.received_at >= h.from_at
                ELSE (h.from_at IS NULL OR s.sent_at >= h.from_at)
                     AND (h.until_at IS NULL OR s.sent_at < h.until_at)
              END
        )",
    );
}

fn push_only(query: &mut db::QueryBuilder, column: &str, only: &[SetId]) {
    if only.is_empty() {
        return;
    }
    query.push(" AND ").push(column).push(" IN (");
    let mut list = query.separated(", ");
    for set in only {
        list.push_bind(set.0);
    }
    query.push(")");
}

/// Deliveries of which it is not known yet, or never will be, who took part:
/// those after the follower's cursor, those that are still being read, and those
/// that could not be. Covered
/// if their time of receipt fits.
const UNDERIVED: &str = "
underived AS (
    SELECT h.hold_id AS hold_id, d.seq AS seq
    FROM h CROSS JOIN delivery d
    WHERE (d.seq > COALESCE((SELECT position FROM cursor WHERE follower = 'derive'), 0)
           OR d.seq IN (SELECT g.seq FROM gap g WHERE g.set_id IS NULL AND g.ordinal IS NULL))
      AND (h.is_ongoing = 1 OR d.seq <= h.placed_seq)
      AND (h.from_at IS NULL OR d.received_at >= h.from_at)
      AND (h.date_kind = 'sent' OR h.until_at IS NULL OR d.received_at < h.until_at)
)";

/// Begins `WITH h AS (…), hc AS (…),`.
fn with(asked: &Asked<'_>) -> db::QueryBuilder {
    let mut query = db::QueryBuilder::new("WITH h AS (");
    let extent = match asked {
        Asked::InForce => {
            query.push(
                "SELECT hold_id, date_kind, from_at, until_at, is_ongoing, placed_seq
                 FROM hold WHERE released_at IS NULL), hc AS (
                 SELECT k.hold_id, k.custodian_id FROM hold_custodian k
                 JOIN hold o ON o.hold_id = k.hold_id WHERE o.released_at IS NULL),",
            );
            return query;
        }
        Asked::One(id) => {
            query.push(
                "SELECT hold_id, date_kind, from_at, until_at, is_ongoing, placed_seq
                 FROM hold WHERE hold_id = ",
            );
            query.push_bind(id.0);
            query.push(
                "), hc AS (SELECT hold_id, custodian_id FROM hold_custodian WHERE hold_id = ",
            );
            query.push_bind(id.0).push("),");
            return query;
        }
        Asked::Considered(extent) => extent,
    };
    query.push("SELECT 0 AS hold_id, ").push_bind(extent.date_kind.clone());
    query.push(" AS date_kind, ").push_bind(extent.from_at.map(|at| at.0));
    query.push(" AS from_at, ").push_bind(extent.until_at.map(|at| at.0));
    query.push(" AS until_at, ").push_bind(i64::from(extent.is_ongoing));
    query.push(" AS is_ongoing, ").push_bind(extent.placed_seq.0);
    query.push(
        " AS placed_seq), hc AS (SELECT 0 AS hold_id, custodian_id FROM custodian
          WHERE custodian_id IN (",
    );
    let mut list = query.separated(", ");
    // A list must not be empty; nobody has this id.
    list.push_bind(0_i64);
    for custodian in &extent.custodians {
        list.push_bind(custodian.0);
    }
    query.push(")),");
    query
}

/// What a hold comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub families: i64,
    pub messages: i64,
    pub bytes: i64,
    /// Deliveries held because it is not known yet who took part in them.
    pub not_indexed: i64,
}

pub async fn sum_of(catalog: &Catalog, hold: HoldId) -> Result<Sum, CatalogError> {
    sum(catalog, &Asked::One(hold)).await
}

pub async fn sum_considered(catalog: &Catalog, extent: &Extent) -> Result<Sum, CatalogError> {
    sum(catalog, &Asked::Considered(extent)).await
}

async fn sum(catalog: &Catalog, asked: &Asked<'_>) -> Result<Sum, CatalogError> {
    let mut query = with(asked);
    push_covered(&mut query, &[]);
    query.push(
        " SELECT COUNT(*), CAST(COALESCE(SUM(s.size_bytes), 0) AS BIGINT),
              (SELECT COUNT(*) FROM set_message m WHERE m.set_id IN (SELECT set_id FROM covered))
          FROM covered c JOIN message_set s ON s.set_id = c.set_id",
    );
    let (families, bytes, messages) = query
        .build_query_as::<(i64, i64, i64)>()
        .fetch_one(catalog.read())
        .await
        .during("count what a hold covers")?;
    let mut query = with(asked);
    query.push(UNDERIVED).push(" SELECT COUNT(*) FROM underived");
    let not_indexed = query
        .build_query_scalar::<i64>()
        .fetch_one(catalog.read())
        .await
        .during("count what a hold covers unread")?;
    Ok(Sum { families, messages, bytes, not_indexed })
}

pub async fn in_force(catalog: &Catalog) -> Result<Vec<HoldId>, CatalogError> {
    let holds: Vec<i64> =
        db::query_scalar("SELECT hold_id FROM hold WHERE released_at IS NULL ORDER BY hold_id")
            .fetch_all(catalog.read())
            .await
            .during("list holds in force")?;
    Ok(holds.into_iter().map(HoldId).collect())
}

/// How many segments with something that a hold covers have the bucket's flag, and how
/// many there are.
pub async fn flags_of(catalog: &Catalog, hold: HoldId) -> Result<(u64, u64), CatalogError> {
    let mut query = with(&Asked::One(hold));
    push_covered(&mut query, &[]);
    query.push(", ").push(UNDERIVED).push(
        ", held AS (
            SELECT d.segment_id FROM covered c
            JOIN set_delivery sd ON sd.set_id = c.set_id JOIN delivery d ON d.seq = sd.seq
            UNION
            SELECT d.segment_id FROM underived u JOIN delivery d ON d.seq = u.seq)
          SELECT COUNT(f.segment_id), COUNT(*) FROM held
          LEFT JOIN flag f ON f.segment_id = held.segment_id AND f.state = 'set'",
    );
    let (flagged, segments) = query
        .build_query_as::<(i64, i64)>()
        .fetch_one(catalog.read())
        .await
        .during("count the flags of a hold")?;
    Ok((flagged.max(0) as u64, segments.max(0) as u64))
}

/// Deliveries that a hold covers because it is not known who took part in them.
pub async fn underived_of(catalog: &Catalog, hold: HoldId) -> Result<Vec<RecordId>, CatalogError> {
    let mut query = with(&Asked::One(hold));
    query.push(UNDERIVED).push(
        " SELECT d.record_id FROM underived u JOIN delivery d ON d.seq = u.seq ORDER BY d.seq",
    );
    let rows = query
        .build_query_scalar::<Vec<u8>>()
        .fetch_all(catalog.read())
        .await
        .during("list what a hold covers unread")?;
    let damaged = |_| CatalogError::Corrupt("a delivery's record id".into());
    rows.iter().map(|id| RecordId::try_from(&id[..]).map_err(damaged)).collect()
}

/// A place in a list that is ordered newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// By what the list is ordered.
    pub at: Timestamp,
    pub set: SetId,
}

/// What the hold covers after `after`, newest first.
pub async fn items_of(
    catalog: &Catalog,
    hold: HoldId,
    after: Option<Place>,
    limit: usize,
) -> Result<Vec<Place>, CatalogError> {
    items(catalog, &Asked::One(hold), after, limit).await
}

pub async fn items_considered(
    catalog: &Catalog,
    extent: &Extent,
    limit: usize,
) -> Result<Vec<Place>, CatalogError> {
    items(catalog, &Asked::Considered(extent), None, limit).await
}

async fn items(
    catalog: &Catalog,
    asked: &Asked<'_>,
    after: Option<Place>,
    limit: usize,
) -> Result<Vec<Place>, CatalogError> {
    let mut query = with(asked);
    push_covered(&mut query, &[]);
    query.push(
        " SELECT s.received_at, s.set_id FROM covered c
          JOIN message_set s ON s.set_id = c.set_id WHERE 1 = 1",
    );
    if let Some(after) = after {
        query.push(" AND (s.received_at < ").push_bind(after.at.0);
        query.push(" OR (s.received_at = ").push_bind(after.at.0);
        query.push(" AND s.set_id < ").push_bind(after.set.0).push("))");
    }
    query.push(" ORDER BY s.received_at DESC, s.set_id DESC LIMIT ").push_bind(limit as i64);
    let rows = query
        .build_query_as::<(i64, i64)>()
        .fetch_all(catalog.read())
        .await
        .during("list what a hold covers")?;
    Ok(rows.into_iter().map(|(at, set)| Place { at: Timestamp(at), set: SetId(set) }).collect())
}

/// The holds in force on each of `sets`, as pairs; at most 500 sets at once.
pub async fn in_force_on(
    catalog: &Catalog,
    sets: &[SetId],
) -> Result<Vec<(HoldId, SetId)>, CatalogError> {
    if sets.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = with(&Asked::InForce);
    push_covered(&mut query, sets);
    query.push(" SELECT hold_id, set_id FROM covered");
    let rows = query
        .build_query_as::<(i64, i64)>()
        .fetch_all(catalog.read())
        .await
        .during("look for holds")?;
    Ok(rows.into_iter().map(|(hold, set)| (HoldId(hold), SetId(set))).collect())
}

/// Those of `deliveries`, at most 500, that a hold in force covers.
pub async fn held_among(
    catalog: &Catalog,
    deliveries: &[DeliverySeq],
) -> Result<BTreeSet<DeliverySeq>, CatalogError> {
    let mut held = BTreeSet::new();
    if deliveries.is_empty() {
        return Ok(held);
    }
    let push_seqs = |query: &mut db::QueryBuilder| {
        let mut list = query.separated(", ");
        for seq in deliveries {
            list.push_bind(seq.0);
        }
        query.push(")");
    };
    let mut query = db::QueryBuilder::new("SELECT set_id, seq FROM set_delivery WHERE seq IN (");
    push_seqs(&mut query);
    let rows: Vec<(i64, i64)> =
        query.build_query_as().fetch_all(catalog.read()).await.during("list deliveries' sets")?;
    let mut sets: Vec<SetId> = rows.iter().map(|(set, _)| SetId(*set)).collect();
    sets.sort();
    sets.dedup();
    for sets in sets.chunks(500) {
        let covered: BTreeSet<SetId> =
            in_force_on(catalog, sets).await?.into_iter().map(|(_, set)| set).collect();
        let is_covered = |(set, _): &&(i64, i64)| covered.contains(&SetId(*set));
        held.extend(rows.iter().filter(is_covered).map(|(_, seq)| DeliverySeq(*seq)));
    }
    let mut query = with(&Asked::InForce);
    query.push(UNDERIVED).push(" SELECT DISTINCT seq FROM underived WHERE seq IN (");
    push_seqs(&mut query);
    let unread: Vec<i64> = query
        .build_query_scalar()
        .fetch_all(catalog.read())
        .await
        .during("look for holds on deliveries")?;
    held.extend(unread.into_iter().map(DeliverySeq));
    Ok(held)
}

pub async fn insert(
    tx: &mut WriteTransaction,
    matter: MatterId,
    name: &str,
    extent: &Extent,
    placed_at: Timestamp,
    placed_by: UserId,
) -> Result<HoldId, CatalogError> {
    // The last delivery is read under the lock that deliveries commit under.
    let id: i64 = db::query_scalar(
        "INSERT INTO hold (matter_id, name, date_kind, from_at, until_at, is_ongoing,
             placed_at, placed_by, placed_seq)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8,
             (SELECT COALESCE(MAX(seq), 0) FROM delivery))
         RETURNING hold_id",
    )
    .bind(matter.0)
    .bind(name)
    .bind(&extent.date_kind)
    .bind(extent.from_at.map(|at| at.0))
    .bind(extent.until_at.map(|at| at.0))
    .bind(i64::from(extent.is_ongoing))
    .bind(placed_at.0)
    .bind(placed_by.0)
    .fetch_one(&mut *tx)
    .await
    .during("place a hold")?;
    for custodian in &extent.custodians {
        db::query("INSERT INTO hold_custodian (hold_id, custodian_id) VALUES ($1, $2)")
            .bind(id)
            .bind(custodian.0)
            .execute(&mut *tx)
            .await
            .during("name a hold's custodian")?;
    }
    Ok(HoldId(id))
}

/// False if the hold is released already.
pub async fn release(
    tx: &mut WriteTransaction,
    hold: HoldId,
    at: Timestamp,
    by: UserId,
    reason: &str,
) -> Result<bool, CatalogError> {
    let done = db::query(
        "UPDATE hold SET released_at = $2, released_by = $3, release_reason = $4
         WHERE hold_id = $1 AND released_at IS NULL",
    )
    .bind(hold.0)
    .bind(at.0)
    .bind(by.0)
    .bind(reason)
    .execute(&mut *tx)
    .await
    .during("release a hold")?;
    Ok(done.rows_affected() == 1)
}

type Columns = (
    (i64, i64, String),
    (String, Option<i64>, Option<i64>, i64, i64),
    (i64, String),
    (Option<i64>, Option<String>, Option<String>),
);

/// The matter's holds, those in force first, newest first.
pub async fn list(catalog: &Catalog, matter: MatterId) -> Result<Vec<HoldRow>, CatalogError> {
    let rows = db::query(db::AssertSqlSafe(
        "SELECT h.hold_id, h.matter_id, h.name, h.date_kind, h.from_at, h.until_at,
             h.is_ongoing, h.placed_seq, h.placed_at, p.name, h.released_at, r.name,
             h.release_reason
         FROM hold h JOIN person p ON p.user_id = h.placed_by
         LEFT JOIN person r ON r.user_id = h.released_by
         WHERE h.matter_id = $1
         ORDER BY CASE WHEN h.released_at IS NULL THEN 0 ELSE 1 END, h.hold_id DESC"
            .to_owned(),
    ))
    .bind(matter.0)
    .fetch_all(catalog.read())
    .await
    .during("list holds")?;
    let named = db::query_as::<(i64, i64, String)>(
        "SELECT k.hold_id, c.custodian_id, c.name FROM hold_custodian k
         JOIN custodian c ON c.custodian_id = k.custodian_id
         WHERE c.matter_id = $1 ORDER BY c.name, c.custodian_id",
    )
    .bind(matter.0)
    .fetch_all(catalog.read())
    .await
    .during("list holds' custodians")?;
    rows.iter()
        .map(|row| {
            let columns: Columns = (
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?),
                (
                    row.try_get(3)?,
                    row.try_get(4)?,
                    row.try_get(5)?,
                    row.try_get(6)?,
                    row.try_get(7)?,
                ),
                (row.try_get(8)?, row.try_get(9)?),
                (row.try_get(10)?, row.try_get(11)?, row.try_get(12)?),
            );
            Ok(hold(columns, &named))
        })
        .collect::<Result<_, db::Error>>()
        .during("read holds")
}

fn hold(columns: Columns, named: &[(i64, i64, String)]) -> HoldRow {
    let ((hold_id, matter_id, name), extent, (placed_at, placed_by), released) = columns;
    let mine = || named.iter().filter(|(id, ..)| *id == hold_id);
    HoldRow {
        hold_id: HoldId(hold_id),
        matter_id: MatterId(matter_id),
        name,
        custodian_names: mine().map(|(.., name)| name.clone()).collect(),
        extent: Extent {
            custodians: mine().map(|(_, id, _)| CustodianId(*id)).collect(),
            date_kind: extent.0,
            from_at: extent.1.map(Timestamp),
            until_at: extent.2.map(Timestamp),
            is_ongoing: extent.3 != 0,
            placed_seq: DeliverySeq(extent.4),
        },
        placed_at: Timestamp(placed_at),
        placed_by,
        released_at: released.0.map(Timestamp),
        released_by: released.1,
        release_reason: released.2,
    }
}

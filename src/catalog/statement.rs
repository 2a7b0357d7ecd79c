//! Statements: sealed objects of the bucket that tell what was decided and looked
//! at, each with a leaf. A row waits with its content until it is in the bucket.

use super::{Catalog, CatalogError, During, WriteTransaction, db, schema};
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::vault::bucket::Place;

/// The action of a statement that tells all changes since the last.
pub const SEAL: &str = "seal";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementRow {
    pub statement_id: i64,
    /// The last statement before what its rows show; of an act its own id.
    pub follows: i64,
    pub at: Timestamp,
    pub action: String,
    pub row_count: u32,
}

/// A statement that is not in the bucket yet.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub row: StatementRow,
    pub content: Vec<u8>,
}

/// Adds a statement in the transaction of the act that it tells of, or of nothing
/// else where it is a seal. `follows` is none for an act.
pub async fn add(
    tx: &mut WriteTransaction,
    at: Timestamp,
    action: &str,
    follows: Option<i64>,
    row_count: u32,
    content: &[u8],
) -> Result<i64, CatalogError> {
    const DURING: &str = "write a statement";
    let id: i64 = db::query_scalar(
        "INSERT INTO statement (follows, at, action, row_count, content)
         VALUES (0, $1, $2, $3, $4) RETURNING statement_id",
    )
    .bind(at.0)
    .bind(action)
    .bind(i64::from(row_count))
    .bind(content)
    .fetch_one(&mut *tx)
    .await
    .during(DURING)?;
    db::query("UPDATE statement SET follows = $1 WHERE statement_id = $2")
        .bind(follows.unwrap_or(id))
        .bind(id)
        .execute(&mut *tx)
        .await
        .during(DURING)?;
    Ok(id)
}

/// The first that waits, in the order in which they were written.
pub async fn first_waiting(catalog: &Catalog) -> Result<Option<Waiting>, CatalogError> {
    let row: Option<(i64, i64, i64, String, i64, Vec<u8>)> = db::query_as(
        "SELECT statement_id, follows, at, action, row_count, content FROM statement
         WHERE object IS NULL ORDER BY statement_id LIMIT 1",
    )
    .fetch_optional(catalog.read())
    .await
    .during("read waiting statements")?;
    Ok(row.map(|(statement_id, follows, at, action, row_count, content)| {
        let at = Timestamp(at);
        let row_count = u32::try_from(row_count).unwrap_or(u32::MAX);
        Waiting { row: StatementRow { statement_id, follows, at, action, row_count }, content }
    }))
}

/// How many wait, and the id of the last of all.
pub async fn count_waiting(catalog: &Catalog) -> Result<(u64, i64), CatalogError> {
    let (waiting, last): (i64, i64) = db::query_as(
        "SELECT (SELECT COUNT(*) FROM statement WHERE object IS NULL),
                (SELECT COALESCE(MAX(statement_id), 0) FROM statement)",
    )
    .fetch_one(catalog.read())
    .await
    .during("count waiting statements")?;
    Ok((waiting as u64, last))
}

/// The statement is in the bucket: its leaf is appended, its content let go. False,
/// and nothing is done, where another node was first.
pub async fn settle(
    tx: &mut WriteTransaction,
    statement_id: i64,
    place: &Place,
    leaf: &[u8],
    leaf_hash: &Digest,
) -> Result<bool, CatalogError> {
    const DURING: &str = "settle a statement";
    let waits: i64 = db::query_scalar(
        "SELECT COUNT(*) FROM statement WHERE statement_id = $1 AND object IS NULL",
    )
    .bind(statement_id)
    .fetch_one(&mut *tx)
    .await
    .during(DURING)?;
    if waits == 0 {
        return Ok(false);
    }
    let position: i64 = db::query_scalar(
        "INSERT INTO leaf (position, hash, body)
         VALUES ((SELECT COALESCE(MAX(position) + 1, 0) FROM leaf), $1, $2) RETURNING position",
    )
    .bind(&leaf_hash.0[..])
    .bind(leaf)
    .fetch_one(&mut *tx)
    .await
    .during(DURING)?;
    db::query(
        "UPDATE statement SET content = NULL, object = $1, object_version = $2, position = $3
         WHERE statement_id = $4",
    )
    .bind(&place.name)
    .bind(&place.version)
    .bind(position)
    .bind(statement_id)
    .execute(&mut *tx)
    .await
    .during(DURING)?;
    Ok(true)
}

/// How many tell of this act.
pub async fn count_of(catalog: &Catalog, action: &str) -> Result<u64, CatalogError> {
    let count: i64 = db::query_scalar("SELECT COUNT(*) FROM statement WHERE action = $1")
        .bind(action)
        .fetch_one(catalog.read())
        .await
        .during("count statements")?;
    Ok(count as u64)
}

/// Whether all statements up to this one are in the bucket.
pub async fn are_told(catalog: &Catalog, last: i64) -> Result<bool, CatalogError> {
    let waiting: i64 = db::query_scalar(
        "SELECT COUNT(*) FROM statement WHERE object IS NULL AND statement_id <= $1",
    )
    .bind(last)
    .fetch_one(catalog.read())
    .await
    .during("count waiting statements")?;
    Ok(waiting == 0)
}

/// Writes the row of a statement that is in the bucket and, unless `position` is
/// none, in the log.
pub async fn restore(
    tx: &mut WriteTransaction,
    row: &StatementRow,
    place: &Place,
    position: Option<u64>,
) -> Result<(), CatalogError> {
    db::query(
        "INSERT INTO statement (statement_id, follows, at, action, row_count, object,
             object_version, position)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (statement_id) DO NOTHING",
    )
    .bind(row.statement_id)
    .bind(row.follows)
    .bind(row.at.0)
    .bind(&row.action)
    .bind(i64::from(row.row_count))
    .bind(&place.name)
    .bind(&place.version)
    .bind(position.map(|position| position as i64))
    .execute(&mut *tx)
    .await
    .during("write a statement back")?;
    schema::keep_ids(tx, "statement", "statement_id", row.statement_id)
        .await
        .during("write a statement back")
}

/// Where a statement's leaf is in the log, once it has one.
pub async fn position(catalog: &Catalog, statement_id: i64) -> Result<Option<u64>, CatalogError> {
    let position: Option<Option<i64>> =
        db::query_scalar("SELECT position FROM statement WHERE statement_id = $1")
            .bind(statement_id)
            .fetch_optional(catalog.read())
            .await
            .during("find a statement's leaf")?;
    Ok(position.flatten().map(|position| position as u64))
}

/// Whether a statement of this id is known.
pub async fn is_known(catalog: &Catalog, statement_id: i64) -> Result<bool, CatalogError> {
    let row: Option<(i64,)> = db::query_as("SELECT 1 FROM statement WHERE statement_id = $1")
        .bind(statement_id)
        .fetch_optional(catalog.read())
        .await
        .during("look for a statement")?;
    Ok(row.is_some())
}

/// Objects and places in the log of statements of these acts that were made from `from`
/// to `until`, in their order.
pub async fn of_actions(
    catalog: &Catalog,
    actions: &[&str],
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<(String, u64)>, CatalogError> {
    let mut query = db::QueryBuilder::new(
        "SELECT object, position FROM statement
         WHERE object IS NOT NULL AND position IS NOT NULL AND at >= ",
    );
    query.push_bind(from.0).push(" AND at <= ").push_bind(until.0).push(" AND action IN (");
    let mut list = query.separated(", ");
    for action in actions {
        list.push_bind((*action).to_owned());
    }
    query.push(") ORDER BY statement_id");
    let rows: Vec<(String, i64)> =
        query.build_query_as().fetch_all(catalog.read()).await.during("find statements")?;
    Ok(rows.into_iter().map(|(object, position)| (object, position as u64)).collect())
}

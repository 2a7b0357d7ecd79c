//! Passwords of documents, as people of a matter know them: sealed, so that a copy
//! of the catalog tells none.

use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::ids::{MatterId, UserId};

/// One of them, without what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub password_id: i64,
    pub added_at: Timestamp,
    pub added_by: String,
}

pub async fn insert(
    tx: &mut WriteTransaction,
    matter: MatterId,
    sealed: &str,
    (at, by): (Timestamp, UserId),
) -> Result<i64, CatalogError> {
    db::query_scalar(
        "INSERT INTO document_password (matter_id, sealed, added_at, added_by)
         VALUES ($1, $2, $3, $4) RETURNING password_id",
    )
    .bind(matter.0)
    .bind(sealed)
    .bind(at.0)
    .bind(by.0)
    .fetch_one(&mut *tx)
    .await
    .during("keep a document's password")
}

/// Those of a matter, in the order in which they were added.
pub async fn list(catalog: &Catalog, matter: MatterId) -> Result<Vec<Row>, CatalogError> {
    let rows = db::query_as::<(i64, i64, String)>(
        "SELECT d.password_id, d.added_at, COALESCE(p.name, '')
         FROM document_password d LEFT JOIN person p ON p.user_id = d.added_by
         WHERE d.matter_id = $1 ORDER BY d.password_id",
    )
    .bind(matter.0)
    .fetch_all(catalog.read())
    .await
    .during("list passwords of documents")?;
    let row = |(password_id, at, added_by)| Row { password_id, added_at: Timestamp(at), added_by };
    Ok(rows.into_iter().map(row).collect())
}

/// Every one as it was sealed, of any matter that is open; the newest first.
pub async fn sealed(catalog: &Catalog, limit: usize) -> Result<Vec<String>, CatalogError> {
    db::query_scalar(
        "SELECT d.sealed FROM document_password d JOIN matter m ON m.matter_id = d.matter_id
         WHERE m.is_closed = 0 ORDER BY d.password_id DESC LIMIT $1",
    )
    .bind(limit as i64)
    .fetch_all(catalog.read())
    .await
    .during("read passwords of documents")
}

/// Takes one away; whether it was there.
pub async fn remove(
    tx: &mut WriteTransaction,
    matter: MatterId,
    password: i64,
) -> Result<bool, CatalogError> {
    let done = db::query("DELETE FROM document_password WHERE matter_id = $1 AND password_id = $2")
        .bind(matter.0)
        .bind(password)
        .execute(&mut *tx)
        .await
        .during("forget a document's password")?;
    Ok(done.rows_affected() == 1)
}

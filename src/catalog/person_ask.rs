//! What is asked for people and not agreed to yet. Who may ask and agree is decided in
//! `access`.

use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskRow {
    pub user_id: UserId,
    pub what: String,
    pub asked_by: UserId,
    /// The sign-in name of who asked.
    pub asked_by_name: String,
    pub asked_at: Timestamp,
}

pub async fn list(catalog: &Catalog) -> Result<Vec<AskRow>, CatalogError> {
    let rows = db::query_as::<(i64, String, i64, String, i64)>(
        "SELECT a.user_id, a.what, a.asked_by, COALESCE(p.name, ''), a.asked_at
         FROM person_ask a LEFT JOIN person p ON p.user_id = a.asked_by ORDER BY a.asked_at",
    )
    .fetch_all(catalog.read())
    .await
    .during("list what is asked for people")?;
    let row = |(user, what, by, name, at)| AskRow {
        user_id: UserId(user),
        what,
        asked_by: UserId(by),
        asked_by_name: name,
        asked_at: Timestamp(at),
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Whether it was put down; not where something is asked for the person already.
pub async fn insert(
    tx: &mut WriteTransaction,
    person: UserId,
    what: &str,
    (at, by): (Timestamp, UserId),
) -> Result<bool, CatalogError> {
    let done = db::query(
        "INSERT INTO person_ask (user_id, what, asked_by, asked_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(person.0)
    .bind(what)
    .bind(by.0)
    .bind(at.0)
    .execute(&mut *tx)
    .await
    .during("ask for a person")?;
    Ok(done.rows_affected() == 1)
}

/// Whether it was there to be taken away.
pub async fn remove(
    tx: &mut WriteTransaction,
    person: UserId,
    what: &str,
) -> Result<bool, CatalogError> {
    let done = db::query("DELETE FROM person_ask WHERE user_id = $1 AND what = $2")
        .bind(person.0)
        .bind(what)
        .execute(&mut *tx)
        .await
        .during("decide what is asked for a person")?;
    Ok(done.rows_affected() == 1)
}

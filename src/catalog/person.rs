//! Rows of people. Passwords are here only as argon2id hashes; who may change
//! what is decided in `access`.

use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Timestamp;
use crate::base::ids::UserId;

#[derive(Clone)]
pub struct PersonRow {
    pub user_id: UserId,
    pub name: String,
    pub display_name: String,
    /// argon2id, as a PHC string.
    pub password_hash: String,
    pub role: String,
    pub is_archive_wide: bool,
    pub must_change: bool,
    pub is_disabled: bool,
    pub created_at: Timestamp,
}

pub struct NewPerson<'a> {
    pub name: &'a str,
    pub display_name: &'a str,
    pub password_hash: &'a str,
    pub role: &'a str,
    pub is_archive_wide: bool,
    pub created_at: Timestamp,
}

type Columns = (i64, String, String, String, String, i64, i64, i64, i64);

const SELECT: &str = "SELECT user_id, name, display_name, password_hash, role, is_archive_wide, \
                      must_change, is_disabled, created_at FROM person";

fn row(columns: Columns) -> PersonRow {
    PersonRow {
        user_id: UserId(columns.0),
        name: columns.1,
        display_name: columns.2,
        password_hash: columns.3,
        role: columns.4,
        is_archive_wide: columns.5 != 0,
        must_change: columns.6 != 0,
        is_disabled: columns.7 != 0,
        created_at: Timestamp(columns.8),
    }
}

pub async fn list(catalog: &Catalog) -> Result<Vec<PersonRow>, CatalogError> {
    let rows = db::query_as::<Columns>(db::AssertSqlSafe(format!("{SELECT} ORDER BY name")))
        .fetch_all(catalog.read())
        .await
        .during("list people")?;
    Ok(rows.into_iter().map(row).collect())
}

pub async fn by_name(catalog: &Catalog, name: &str) -> Result<Option<PersonRow>, CatalogError> {
    let found = db::query_as::<Columns>(db::AssertSqlSafe(format!("{SELECT} WHERE name = $1")))
        .bind(name)
        .fetch_optional(catalog.read())
        .await
        .during("find a person")?;
    Ok(found.map(row))
}

pub async fn by_id(catalog: &Catalog, id: UserId) -> Result<Option<PersonRow>, CatalogError> {
    let found = db::query_as::<Columns>(db::AssertSqlSafe(format!("{SELECT} WHERE user_id = $1")))
        .bind(id.0)
        .fetch_optional(catalog.read())
        .await
        .during("find a person")?;
    Ok(found.map(row))
}

/// None if the name is taken.
pub async fn insert(
    tx: &mut WriteTransaction,
    person: &NewPerson<'_>,
) -> Result<Option<UserId>, CatalogError> {
    let id = db::query_scalar::<i64>(
        "INSERT INTO person (name, display_name, password_hash, role, is_archive_wide, \
         must_change, is_disabled, created_at) VALUES ($1, $2, $3, $4, $5, 1, 0, $6) \
         ON CONFLICT (name) DO NOTHING RETURNING user_id",
    )
    .bind(person.name)
    .bind(person.display_name)
    .bind(person.password_hash)
    .bind(person.role)
    .bind(i64::from(person.is_archive_wide))
    .bind(person.created_at.0)
    .fetch_optional(&mut *tx)
    .await
    .during("add a person")?;
    Ok(id.map(UserId))
}

pub async fn set_password(
    tx: &mut WriteTransaction,
    id: UserId,
    password_hash: &str,
    must_change: bool,
) -> Result<(), CatalogError> {
    db::query("UPDATE person SET password_hash = $2, must_change = $3 WHERE user_id = $1")
        .bind(id.0)
        .bind(password_hash)
        .bind(i64::from(must_change))
        .execute(&mut *tx)
        .await
        .during("set a password")?;
    Ok(())
}

pub async fn set_rights(
    tx: &mut WriteTransaction,
    id: UserId,
    is_disabled: bool,
    is_archive_wide: bool,
) -> Result<(), CatalogError> {
    db::query("UPDATE person SET is_disabled = $2, is_archive_wide = $3 WHERE user_id = $1")
        .bind(id.0)
        .bind(i64::from(is_disabled))
        .bind(i64::from(is_archive_wide))
        .execute(&mut *tx)
        .await
        .during("change a person")?;
    Ok(())
}

/// How many of `role` can still sign in, besides `id`.
pub async fn others_enabled(
    tx: &mut WriteTransaction,
    id: UserId,
    role: &str,
) -> Result<i64, CatalogError> {
    db::query_scalar(
        "SELECT COUNT(*) FROM person WHERE role = $1 AND is_disabled = 0 AND user_id <> $2",
    )
    .bind(role)
    .bind(id.0)
    .fetch_one(&mut *tx)
    .await
    .during("count people")
}

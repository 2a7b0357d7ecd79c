//! What goes outside every so many hours: when it last did, and why not since.

use super::{Catalog, CatalogError, During, db};
use crate::base::clock::Timestamp;

/// The time stamp of a checkpoint.
pub const STAMP: &str = "stamp";
/// A checkpoint to those who keep one.
pub const MAIL: &str = "mail";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Of the checkpoint that went last; 0 before the first.
    pub size: u64,
    pub done_at: Timestamp,
    pub tried_at: Timestamp,
    /// Why the last try failed; empty where it did not.
    pub error: String,
}

pub async fn get(catalog: &Catalog, name: &str) -> Result<Row, CatalogError> {
    let row: Option<(i64, i64, i64, String)> =
        db::query_as("SELECT size, done_at, tried_at, error FROM outside WHERE name = $1")
            .bind(name)
            .fetch_optional(catalog.read())
            .await
            .during("read what went outside")?;
    Ok(row.map_or_else(Row::default, |(size, done_at, tried_at, error)| Row {
        size: size as u64,
        done_at: Timestamp(done_at),
        tried_at: Timestamp(tried_at),
        error,
    }))
}

pub async fn set(catalog: &Catalog, name: &str, row: &Row) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    db::query(
        "INSERT INTO outside (name, size, done_at, tried_at, error) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name) DO UPDATE SET size = excluded.size, done_at = excluded.done_at,
             tried_at = excluded.tried_at, error = excluded.error",
    )
    .bind(name)
    .bind(row.size as i64)
    .bind(row.done_at.0)
    .bind(row.tried_at.0)
    .bind(&*row.error)
    .execute(&mut tx)
    .await
    .during("note what went outside")?;
    catalog.commit(tx, "note what went outside").await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::scratch;

    #[tokio::test]
    async fn the_last_one_is_known() {
        let (catalog, _directory) = scratch().await;
        assert_eq!(get(&catalog, STAMP).await.unwrap(), Row::default());
        for size in [5, 7] {
            let row =
                Row { size, done_at: Timestamp(1), tried_at: Timestamp(2), error: "e".into() };
            set(&catalog, STAMP, &row).await.unwrap();
            assert_eq!(get(&catalog, STAMP).await.unwrap(), row);
        }
        assert_eq!(get(&catalog, MAIL).await.unwrap(), Row::default());
    }
}

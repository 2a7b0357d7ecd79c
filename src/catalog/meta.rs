//! Named facts of the archive itself.

use super::{Catalog, CatalogError, During};

/// The archive that this catalog belongs to; hex.
pub const ARCHIVE_ID: &str = "archive-id";

pub async fn get(catalog: &Catalog, name: &str) -> Result<Option<String>, CatalogError> {
    let row: Option<(String,)> = sqlx::query_as("SELECT value FROM meta WHERE name = $1")
        .bind(name)
        .fetch_optional(catalog.read())
        .await
        .during("read a fact of the archive")?;
    Ok(row.map(|(value,)| value))
}

pub async fn set(catalog: &Catalog, name: &str, value: &str) -> Result<(), CatalogError> {
    let mut transaction = catalog.write().await?;
    sqlx::query(
        "INSERT INTO meta (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(&mut *transaction)
    .await
    .during("write a fact of the archive")?;
    transaction.commit().await.during("write a fact of the archive")
}

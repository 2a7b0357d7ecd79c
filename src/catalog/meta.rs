//! Named facts of the archive itself.

use super::{Catalog, CatalogError, During, WriteTransaction, db};

/// The archive that this catalog belongs to; hex.
pub const ARCHIVE_ID: &str = "archive-id";
/// The rules of retention as they were last configured; JSON.
pub const RULES: &str = "rules";

pub async fn get(catalog: &Catalog, name: &str) -> Result<Option<String>, CatalogError> {
    let row: Option<(String,)> = db::query_as("SELECT value FROM meta WHERE name = $1")
        .bind(name)
        .fetch_optional(catalog.read())
        .await
        .during("read a fact of the archive")?;
    Ok(row.map(|(value,)| value))
}

pub async fn set(catalog: &Catalog, name: &str, value: &str) -> Result<(), CatalogError> {
    let mut tx = catalog.write().await?;
    set_in(&mut tx, name, value).await?;
    catalog.commit(tx, "write a fact of the archive").await
}

pub async fn set_in(
    tx: &mut WriteTransaction,
    name: &str,
    value: &str,
) -> Result<(), CatalogError> {
    db::query(
        "INSERT INTO meta (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(&mut *tx)
    .await
    .during("write a fact of the archive")?;
    Ok(())
}

//! How far each follower has come.

use super::{Catalog, CatalogError, During, WriteTransaction, db};

/// The follower that derives message sets, participants and text: what holds
/// cover is known up to its position.
pub const DERIVE: &str = "derive";

/// The follower's position; 0 before its first.
pub async fn get(catalog: &Catalog, follower: &str) -> Result<i64, CatalogError> {
    let row: Option<(i64,)> = db::query_as("SELECT position FROM cursor WHERE follower = $1")
        .bind(follower)
        .fetch_optional(catalog.read())
        .await
        .during("read a cursor")?;
    Ok(row.map_or(0, |(position,)| position))
}

/// The same, as the transaction sees it.
pub async fn get_in(tx: &mut WriteTransaction, follower: &str) -> Result<i64, CatalogError> {
    let row: Option<i64> = db::query_scalar("SELECT position FROM cursor WHERE follower = $1")
        .bind(follower)
        .fetch_optional(tx)
        .await
        .during("read a cursor")?;
    Ok(row.unwrap_or(0))
}

/// Moves the cursor in the transaction of the work that it stands for.
pub async fn set(
    transaction: &mut WriteTransaction,
    follower: &str,
    position: i64,
) -> Result<(), CatalogError> {
    db::query(
        "INSERT INTO cursor (follower, position) VALUES ($1, $2)
         ON CONFLICT (follower) DO UPDATE SET position = excluded.position",
    )
    .bind(follower)
    .bind(position)
    .execute(&mut *transaction)
    .await
    .during("move a cursor")?;
    Ok(())
}

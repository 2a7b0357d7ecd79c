//! The log's entries in the order of their commit.

use super::{Catalog, CatalogError, During, db};
use crate::base::hash::Digest;
use crate::base::ids::RecordId;

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafRow {
    pub position: u64,
    pub hash: Digest,
    /// The encoded leaf.
    pub body: Vec<u8>,
}

/// How many leaves have been committed: positions are gapless from 0.
pub async fn count(catalog: &Catalog) -> Result<u64, CatalogError> {
    let (count,): (i64,) = db::query_as("SELECT COALESCE(MAX(position) + 1, 0) FROM leaf")
        .fetch_one(catalog.read())
        .await
        .during("count the log's leaves")?;
    Ok(count as u64)
}

/// Leaves from `first` on, at most `limit`.
///
/// # Errors
/// Corruption where a position is missing.
pub async fn from(catalog: &Catalog, first: u64, limit: u32) -> Result<Vec<LeafRow>, CatalogError> {
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = db::query_as(
        "SELECT position, hash, body FROM leaf WHERE position >= $1 ORDER BY position LIMIT $2",
    )
    .bind(first as i64)
    .bind(i64::from(limit))
    .fetch_all(catalog.read())
    .await
    .during("read leaves of the log")?;
    let mut leaves = Vec::with_capacity(rows.len());
    for (expected, (position, hash, body)) in (first..).zip(rows) {
        if position as u64 != expected {
            return Err(CatalogError::Corrupt(format!("the log has no leaf {expected}")));
        }
        leaves.push(LeafRow { position: expected, hash: digest(&hash, expected)?, body });
    }
    Ok(leaves)
}

/// The leaf of a record.
pub async fn of_record(
    catalog: &Catalog,
    record: RecordId,
) -> Result<Option<LeafRow>, CatalogError> {
    let row: Option<(i64, Vec<u8>, Vec<u8>)> =
        db::query_as("SELECT position, hash, body FROM leaf WHERE record_id = $1")
            .bind(&record.0[..])
            .fetch_optional(catalog.read())
            .await
            .during("find the leaf of a record")?;
    row.map(|(position, hash, body)| {
        let position = position as u64;
        Ok(LeafRow { position, hash: digest(&hash, position)?, body })
    })
    .transpose()
}

fn digest(bytes: &[u8], position: u64) -> Result<Digest, CatalogError> {
    Digest::try_from(bytes)
        .map_err(|_| CatalogError::Corrupt(format!("the hash of the log's leaf {position}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::scratch;

    async fn insert(catalog: &Catalog, position: i64) {
        let mut transaction = catalog.write().await.unwrap();
        db::query("INSERT INTO leaf (position, hash, body, record_id) VALUES ($1, $2, $3, $4)")
            .bind(position)
            .bind(&Digest::of(&position.to_be_bytes()).0[..])
            .bind(&b"leaf"[..])
            .bind(&[position as u8; 16][..])
            .execute(&mut transaction)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
    }

    #[tokio::test]
    async fn leaves_are_read_in_order_and_a_gap_is_corruption() {
        let (catalog, _directory) = scratch().await;
        assert_eq!(count(&catalog).await.unwrap(), 0);
        for position in [0, 1, 2, 4] {
            insert(&catalog, position).await;
        }
        assert_eq!(count(&catalog).await.unwrap(), 5);
        let read = from(&catalog, 1, 2).await.unwrap();
        assert_eq!(read.iter().map(|leaf| leaf.position).collect::<Vec<_>>(), [1, 2]);
        let gap = from(&catalog, 1, 10).await.unwrap_err();
        assert!(gap.to_string().contains("no leaf 3"), "{gap}");
        let found = of_record(&catalog, RecordId([2; 16])).await.unwrap().unwrap();
        assert_eq!(found.position, 2);
        assert_eq!(of_record(&catalog, RecordId([9; 16])).await.unwrap(), None);
    }
}

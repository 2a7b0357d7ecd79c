//! Turns: what one node at a time does for all that share the catalog. Where there
//! is one node, it is always its turn.
//!
//! A turn keeps work from being done twice; that nothing comes of it where it is
//! done twice all the same, since its holder stood still, each work sees to itself.

use std::time::{Duration, Instant};

use super::{Catalog, CatalogError, During, WriteTransaction, db};
use crate::base::clock::Clock;

/// How long a turn lasts that is not renewed.
const SECONDS: i64 = 10;
const RENEW: Duration = Duration::from_secs(3);
const DURING: &str = "take a turn";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Mine,
    /// It was another's before, or nobody's.
    Begun,
    Others,
}

#[derive(Debug)]
pub struct Turn {
    catalog: Catalog,
    name: &'static str,
    renewed: Option<Instant>,
}

impl Turn {
    pub fn new(catalog: Catalog, name: &'static str) -> Self {
        Self { catalog, name, renewed: None }
    }

    /// Whose turn it is; takes it where it is nobody's.
    pub async fn take(&mut self) -> Result<Standing, CatalogError> {
        if !self.catalog.is_shared() || self.renewed.is_some_and(|at| at.elapsed() < RENEW) {
            return Ok(Standing::Mine);
        }
        let asked = Instant::now();
        let was_mine = self.renewed.take().is_some();
        let now = self.catalog.now(&Clock::System).await?;
        let mut tx = self.catalog.write_derived().await?;
        let is_same = holder(&mut tx, self.name).await?.as_deref() == Some(self.catalog.owner());
        let taken = db::query(
            "INSERT INTO lease (name, owner, until_at) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_at = excluded.until_at
             WHERE lease.owner = excluded.owner OR lease.until_at < $4",
        )
        .bind(self.name)
        .bind(self.catalog.owner())
        .bind(now.plus_seconds(SECONDS).0)
        .bind(now.0)
        .execute(&mut tx)
        .await
        .during(DURING)?;
        self.catalog.commit(tx, DURING).await?;
        if taken.rows_affected() == 0 {
            return Ok(Standing::Others);
        }
        self.renewed = Some(asked);
        Ok(if was_mine && is_same { Standing::Mine } else { Standing::Begun })
    }

    /// Lets another take it at once.
    pub async fn give_up(&mut self) -> Result<(), CatalogError> {
        if self.renewed.take().is_none() {
            return Ok(());
        }
        let mut tx = self.catalog.write_derived().await?;
        db::query("DELETE FROM lease WHERE name = $1 AND owner = $2")
            .bind(self.name)
            .bind(self.catalog.owner())
            .execute(&mut tx)
            .await
            .during(DURING)?;
        self.catalog.commit(tx, DURING).await
    }
}

async fn holder(tx: &mut WriteTransaction, name: &str) -> Result<Option<String>, CatalogError> {
    db::query_scalar("SELECT owner FROM lease WHERE name = $1")
        .bind(name)
        .fetch_optional(tx)
        .await
        .during(DURING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::{scratch_file, scratch_server};

    #[tokio::test]
    async fn one_node_has_the_turn_until_it_gives_it_up() {
        let Some(server) = scratch_server().await else { return };
        let first = Catalog::create(&server).await.unwrap();
        let second = Catalog::open(&server).await.unwrap();
        let mut first = Turn::new(first, "work");
        let mut second = Turn::new(second, "work");
        assert_eq!(first.take().await.unwrap(), Standing::Begun);
        assert_eq!(first.take().await.unwrap(), Standing::Mine);
        assert_eq!(second.take().await.unwrap(), Standing::Others);
        first.give_up().await.unwrap();
        assert_eq!(second.take().await.unwrap(), Standing::Begun);
        assert_eq!(first.take().await.unwrap(), Standing::Others);
    }

    #[tokio::test]
    async fn a_turn_that_is_not_renewed_ends() {
        let Some(server) = scratch_server().await else { return };
        let catalog = Catalog::create(&server).await.unwrap();
        let mut first = Turn::new(catalog.clone(), "work");
        let mut second = Turn::new(Catalog::open(&server).await.unwrap(), "work");
        first.take().await.unwrap();
        let mut tx = catalog.write().await.unwrap();
        db::query("UPDATE lease SET until_at = 1").execute(&mut tx).await.unwrap();
        catalog.commit(tx, "let time pass").await.unwrap();
        assert_eq!(second.take().await.unwrap(), Standing::Begun);
        // The first one had stood still: it learns of it when it renews.
        first.renewed = first.renewed.map(|at| at - RENEW);
        assert_eq!(first.take().await.unwrap(), Standing::Others);
    }

    #[tokio::test]
    async fn where_there_is_one_node_it_is_always_its_turn() {
        let (catalog, _directory) = scratch_file().await;
        assert_eq!(Turn::new(catalog, "work").take().await.unwrap(), Standing::Mine);
    }
}

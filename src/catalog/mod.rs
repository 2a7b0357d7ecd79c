//! All SQL: one file per resource over SQLite.
//!
//! One connection writes, under `BEGIN IMMEDIATE`; background work keeps its
//! transactions short, so that the commit of deliveries never waits long. The
//! statements keep to the subset that PostgreSQL shares.

pub mod audit;
pub mod cursor;
pub mod delivery;
pub mod hit;
pub mod hold;
pub mod job;
pub mod leaf;
pub mod matter;
pub mod meta;
pub mod person;
pub mod review;
pub mod session;
pub mod set;
pub mod status;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{SqlSafeStr, SqlStr};

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error(
        "there is no catalog at {0}; create an archive with `muniment init`, or put the newest copy of its catalog in place"
    )]
    Missing(PathBuf),
    #[error("a catalog exists already at {0}")]
    Exists(PathBuf),
    #[error("open the catalog {path}")]
    Open { path: PathBuf, source: sqlx::Error },
    #[error("bring the catalog {path} to this version's schema")]
    Migrate { path: PathBuf, source: sqlx::migrate::MigrateError },
    #[error("catalog: {operation}")]
    Query { operation: &'static str, source: sqlx::Error },
    /// A row says what no code of ours would have written.
    #[error("the catalog is damaged: {0}")]
    Corrupt(String),
}

/// Names the operation that a database error belongs to.
pub(crate) trait During<T> {
    fn during(self, operation: &'static str) -> Result<T, CatalogError>;
}

impl<T> During<T> for Result<T, sqlx::Error> {
    fn during(self, operation: &'static str) -> Result<T, CatalogError> {
        self.map_err(|source| CatalogError::Query { operation, source })
    }
}

/// A transaction that holds the write lock until it is committed or dropped.
pub type WriteTransaction = sqlx::Transaction<'static, Sqlite>;

/// The catalog's connections. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Catalog {
    readers: SqlitePool,
    writer: SqlitePool,
}

const READERS: u32 = 8;

impl Catalog {
    /// Creates the catalog file and its schema; refuses an existing one.
    pub async fn create(path: &Path) -> Result<Self, CatalogError> {
        if path.exists() {
            return Err(CatalogError::Exists(path.to_owned()));
        }
        Self::connect(path, true).await
    }

    /// Opens an existing catalog and applies migrations that it lacks.
    pub async fn open(path: &Path) -> Result<Self, CatalogError> {
        if !path.exists() {
            return Err(CatalogError::Missing(path.to_owned()));
        }
        Self::connect(path, false).await
    }

    async fn connect(path: &Path, create: bool) -> Result<Self, CatalogError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: a commit has been fsynced when it returns.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(30))
            .statement_cache_capacity(256);
        let opened = |source| CatalogError::Open { path: path.to_owned(), source };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(60))
            .connect_with(options.clone())
            .await
            .map_err(opened)?;
        migrator()
            .run(&writer)
            .await
            .map_err(|source| CatalogError::Migrate { path: path.to_owned(), source })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(opened)?;
        Ok(Self { readers, writer })
    }

    /// Connections that cannot write.
    pub fn read(&self) -> &SqlitePool {
        &self.readers
    }

    /// Begins a transaction with the write lock taken.
    pub async fn write(&self) -> Result<WriteTransaction, CatalogError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.during("begin to write")
    }

    /// What the transaction did is durable when this returns.
    pub async fn commit(
        &self,
        transaction: WriteTransaction,
        operation: &'static str,
    ) -> Result<(), CatalogError> {
        transaction.commit().await.during(operation)
    }

    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn migrator() -> Migrator {
    let steps: [(i64, &'static str, &'static str); 5] = [
        (1, "core", include_str!("../../migrations/0001_core.sql")),
        (2, "derived", include_str!("../../migrations/0002_derived.sql")),
        (3, "people", include_str!("../../migrations/0003_people.sql")),
        (4, "matters", include_str!("../../migrations/0004_matters.sql")),
        (5, "jobs", include_str!("../../migrations/0005_jobs.sql")),
    ];
    let migrations = steps.map(|(version, name, sql)| {
        let sql: SqlStr = sql.into_sql_str();
        Migration::new(version, name.into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.into())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A catalog in a directory of its own, for unit tests of this room.
    pub(crate) async fn scratch() -> (Catalog, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::create(&directory.path().join("catalog.db")).await.unwrap();
        (catalog, directory)
    }

    #[tokio::test]
    async fn commits_are_synchronous_and_readers_cannot_write() {
        let (catalog, _directory) = scratch().await;
        let (level,): (i64,) =
            sqlx::query_as("PRAGMA synchronous").fetch_one(&catalog.writer).await.unwrap();
        assert_eq!(level, 2, "FULL");
        let (mode,): (String,) =
            sqlx::query_as("PRAGMA journal_mode").fetch_one(&catalog.writer).await.unwrap();
        assert_eq!(mode, "wal");
        let refused = sqlx::query("DELETE FROM meta").execute(catalog.read()).await;
        assert!(refused.unwrap_err().to_string().contains("readonly"));
    }

    #[tokio::test]
    async fn open_never_creates_and_create_never_opens() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.db");
        assert!(matches!(Catalog::open(&path).await, Err(CatalogError::Missing(_))));
        Catalog::create(&path).await.unwrap().close().await;
        assert!(matches!(Catalog::create(&path).await, Err(CatalogError::Exists(_))));
        Catalog::open(&path).await.unwrap();
    }
}

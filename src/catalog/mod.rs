//! All SQL: one file per resource over SQLite.
//!
//! One connection writes, under `BEGIN IMMEDIATE`; background work keeps its
//! transactions short, so that the commit of deliveries never waits long. The
//! statements keep to the subset that PostgreSQL shares.

pub mod audit;
pub mod class;
pub mod cursor;
pub mod damage;
pub mod delivery;
pub mod disposition;
pub mod doubt;
pub mod gap;
pub mod hit;
pub mod hold;
pub mod job;
pub mod leaf;
pub mod matter;
pub mod meta;
pub mod pending;
pub mod person;
pub mod purge;
pub mod rebuild;
pub mod review;
pub mod scrub;
pub mod session;
pub mod set;
pub mod state;
pub mod statement;
pub mod status;

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{SqlSafeStr, SqlStr};

use crate::base::writable::root_cause;

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error(
        "there is no catalog at {0}; create an archive with `muniment init`, put the newest copy of its \
         catalog in place, or make it again from the bucket with `muniment rebuild`"
    )]
    Missing(PathBuf),
    #[error("a catalog exists already at {0}")]
    Exists(PathBuf),
    #[error("{path} is not a catalog: {what}; put the newest copy of the catalog in its place")]
    NotCatalog { path: PathBuf, what: &'static str },
    #[error(
        "cannot open the catalog {path}: {why}; check its permissions, or put its newest copy in \
         place"
    )]
    Open { path: PathBuf, why: String },
    #[error("the catalog {0} was written by a newer muniment; start that version or a later one")]
    Newer(PathBuf),
    #[error(
        "cannot bring the catalog {path} to this version's schema: {why}; put its newest copy in \
         place"
    )]
    Migrate { path: PathBuf, why: String },
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
        // Only for this user, as SQLite then makes the files beside it.
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        made.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => CatalogError::Exists(path.to_owned()),
            _ => CatalogError::Open { path: path.to_owned(), why: error.to_string() },
        })?;
        Self::connect(path, true).await
    }

    /// Opens an existing catalog and applies migrations that it lacks.
    pub async fn open(path: &Path) -> Result<Self, CatalogError> {
        if !path.exists() {
            return Err(CatalogError::Missing(path.to_owned()));
        }
        if let Some(what) = not_a_database(path) {
            return Err(CatalogError::NotCatalog { path: path.to_owned(), what });
        }
        Self::connect(path, false).await
    }

    async fn connect(path: &Path, is_new: bool) -> Result<Self, CatalogError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: a commit has been fsynced when it returns.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(30))
            .statement_cache_capacity(256);
        let opened = |error: sqlx::Error| {
            let why = root_cause(&error);
            CatalogError::Open { path: path.to_owned(), why }
        };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(60))
            // A file does not hang up; what a failure leaves is mended in `begin`.
            .test_before_acquire(false)
            .connect_with(options.clone())
            .await
            .map_err(opened)?;
        if !is_new {
            let sql = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'meta'";
            let found: i64 = sqlx::query_scalar(sql).fetch_one(&writer).await.map_err(opened)?;
            if found == 0 {
                let what = "it is the database of another program";
                return Err(CatalogError::NotCatalog { path: path.to_owned(), what });
            }
        }
        migrator().run(&writer).await.map_err(|source| match source {
            MigrateError::VersionMissing(_) => CatalogError::Newer(path.to_owned()),
            error => CatalogError::Migrate { path: path.to_owned(), why: root_cause(&error) },
        })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(opened)?;
        Ok(Self { readers, writer })
    }

    /// Connections that cannot write.
    pub fn read(&self) -> &SqlitePool {
        &self.readers
    }

    /// Begins a transaction with the write lock taken; its commit is fsynced.
    pub async fn write(&self) -> Result<WriteTransaction, CatalogError> {
        self.begin("PRAGMA synchronous = FULL; BEGIN IMMEDIATE").await
    }

    /// Begins a transaction for rows that can be derived again. Its commit is
    /// not fsynced: a power cut may take it back, never without what came after
    /// it, and never what a durable commit wrote before or after.
    pub async fn write_derived(&self) -> Result<WriteTransaction, CatalogError> {
        self.begin("PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE").await
    }

    async fn begin(&self, statement: &'static str) -> Result<WriteTransaction, CatalogError> {
        const DURING: &str = "begin to write";
        match self.writer.begin_with(statement).await {
            Ok(transaction) => return Ok(transaction),
            Err(error @ (sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed)) => {
                return Err(error).during(DURING);
            }
            // Where a statement failed for want of space, SQLite has ended the
            // transaction by itself, and the connection still counts it. A new
            // connection counts from the start.
            Err(error) => {
                tracing::warn!(%error, "the catalog's writing connection is opened again");
                self.writer.acquire().await.during(DURING)?.close().await.during(DURING)?;
            }
        }
        self.writer.begin_with(statement).await.during(DURING)
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

/// Why a file is no SQLite database, told before SQLite makes an empty file one.
/// What cannot be read at all is left to SQLite to name.
fn not_a_database(path: &Path) -> Option<&'static str> {
    let mut start = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    std::io::Read::read_to_end(&mut std::io::Read::take(file, 16), &mut start).ok()?;
    match &start[..] {
        [] => Some("it is empty"),
        b"SQLite format 3\0" => None,
        _ => Some("it is no SQLite database"),
    }
}

fn migrator() -> Migrator {
    let steps: [(i64, &'static str, &'static str); 13] = [
        (1, "core", include_str!("../../migrations/0001_core.sql")),
        (2, "derived", include_str!("../../migrations/0002_derived.sql")),
        (3, "people", include_str!("../../migrations/0003_people.sql")),
        (4, "matters", include_str!("../../migrations/0004_matters.sql")),
        (5, "jobs", include_str!("../../migrations/0005_jobs.sql")),
        (6, "set key", include_str!("../../migrations/0006_set_key.sql")),
        (7, "documents", include_str!("../../migrations/0007_documents.sql")),
        (8, "versions", include_str!("../../migrations/0008_versions.sql")),
        (9, "statements", include_str!("../../migrations/0009_statements.sql")),
        (10, "pending", include_str!("../../migrations/0010_pending.sql")),
        (11, "damage", include_str!("../../migrations/0011_damage.sql")),
        (12, "scrub", include_str!("../../migrations/0012_scrub.sql")),
        (13, "disposition", include_str!("../../migrations/0013_disposition.sql")),
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
    async fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let (catalog, directory) = scratch().await;
        meta::set(&catalog, "a", "b").await.unwrap();
        for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
            let found = std::fs::metadata(directory.path().join(name)).unwrap();
            assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[tokio::test]
    async fn only_a_catalog_of_this_version_is_opened() {
        let (catalog, directory) = scratch().await;
        let path = directory.path().join("other.db");
        let refused = async |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let error = Catalog::open(&path).await.unwrap_err();
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "it was changed");
            error.to_string()
        };
        assert!(refused(b"").await.contains("it is empty; put the newest copy"));
        assert!(refused(b"a text file, and no database").await.contains("no SQLite database"));

        let options = SqliteConnectOptions::new().filename(&path);
        std::fs::remove_file(&path).unwrap();
        let other = SqlitePool::connect_with(options.create_if_missing(true)).await.unwrap();
        sqlx::query("CREATE TABLE bookmarks (a)").execute(&other).await.unwrap();
        other.close().await;
        let error = Catalog::open(&path).await.unwrap_err().to_string();
        assert!(error.contains("the database of another program"), "{error}");

        sqlx::query(
            "INSERT INTO _sqlx_migrations VALUES (1000, 'later', '2099-01-01', 1, x'00', 0)",
        )
        .execute(&catalog.writer)
        .await
        .unwrap();
        catalog.close().await;
        let error = Catalog::open(&directory.path().join("catalog.db")).await.unwrap_err();
        assert!(matches!(error, CatalogError::Newer(_)), "{error}");
    }

    #[tokio::test]
    async fn writing_goes_on_after_the_disk_was_full() {
        let (catalog, _directory) = scratch().await;
        let fill = async |catalog: &Catalog| {
            let mut tx = catalog.write().await?;
            for number in 0..200 {
                sqlx::query("INSERT INTO meta (name, value) VALUES ($1, $2)")
                    .bind(format!("{number}"))
                    .bind("x".repeat(4000))
                    .execute(&mut *tx)
                    .await
                    .during("fill")?;
            }
            catalog.commit(tx, "fill").await
        };
        // A bound on this connection's file stands in for the disk's.
        sqlx::query("PRAGMA max_page_count = 100").execute(&catalog.writer).await.unwrap();
        let full = fill(&catalog).await.unwrap_err();
        assert!(format!("{full:?}").contains("full"), "{full:?}");
        meta::set(&catalog, "after", "1").await.unwrap();
        fill(&catalog).await.unwrap();
        assert_eq!(meta::get(&catalog, "after").await.unwrap().as_deref(), Some("1"));
    }

    #[tokio::test]
    async fn a_commit_is_fsynced_unless_its_rows_can_be_derived_again() {
        let (catalog, _directory) = scratch().await;
        let level = async |mut tx: WriteTransaction| {
            let (level,): (i64,) =
                sqlx::query_as("PRAGMA synchronous").fetch_one(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
            level
        };
        const FULL: i64 = 2;
        const NORMAL: i64 = 1;
        assert_eq!(level(catalog.write_derived().await.unwrap()).await, NORMAL);
        assert_eq!(level(catalog.write().await.unwrap()).await, FULL);
    }

    #[tokio::test]
    async fn what_the_old_set_key_derived_is_made_again_under_new_ids() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.db");
        let old = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let old = SqlitePool::connect_with(old.foreign_keys(true)).await.unwrap();
        let before = migrator().iter().filter(|step| step.version < 6).cloned().collect::<Vec<_>>();
        Migrator::with_migrations(before).run(&old).await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO segment VALUES (x'00', 'c', 'e', 'o', 'p', 1, x'00', 0);
             INSERT INTO delivery VALUES
                 (1, x'01', x'00', 0, 's', 0, 'c', 'e', 1, x'00', 'bare', 1, '{}', NULL, '[]');
             INSERT INTO message_set VALUES (7, x'02', x'03', 1, '', '', '', NULL, 0, 1, 1, 1);
             INSERT INTO set_message VALUES (x'03', 7);
             INSERT INTO set_delivery VALUES (7, 1, 0);
             INSERT INTO address VALUES (1, 'a@b.c');
             INSERT INTO participant VALUES (7, 1, 'to', 'header', 1, '');
             INSERT INTO attachment VALUES (7, 0, '', '', 1, x'04', 1);
             INSERT INTO gap (seq, set_id, reason, detail) VALUES (1, 7, 'damaged', '');
             INSERT INTO cursor VALUES ('derive', 1), ('publish', 1);",
        )
        .execute(&old)
        .await
        .unwrap();
        old.close().await;

        let catalog = Catalog::open(&path).await.unwrap();
        for table in ["set_message", "set_delivery", "participant", "attachment", "gap"] {
            let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
            let count: i64 = sqlx::query_scalar(count).fetch_one(catalog.read()).await.unwrap();
            assert_eq!(count, 0, "{table}");
        }
        assert_eq!(cursor::get(&catalog, cursor::DERIVE).await.unwrap(), 0);
        assert_eq!(cursor::get(&catalog, "publish").await.unwrap(), 1);
        let mut tx = catalog.write().await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO message_set (set_key, message_sha256, first_seq, subject, from_text,
                 message_id, received_at, size_bytes, attachment_count, is_proven)
             VALUES (x'05', x'03', 1, '', '', '', 0, 1, 0, 1);
             INSERT INTO set_delivery SELECT set_id, 1, 0 FROM message_set;",
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        catalog.commit(tx, "derive again").await.unwrap();
        let set: i64 = sqlx::query_scalar("SELECT set_id FROM set_delivery")
            .fetch_one(catalog.read())
            .await
            .unwrap();
        assert_eq!(set, 8, "an id means one set for ever");
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

//! All SQL: one file per resource, over SQLite or PostgreSQL (`db`).
//!
//! One transaction writes at a time; background work keeps its own short, so that
//! the commit of deliveries never waits long.

pub mod audit;
pub mod class;
pub mod cursor;
pub mod damage;
pub mod db;
pub mod delivery;
pub mod derived;
pub mod disposition;
pub mod document_password;
pub mod doubt;
pub mod epoch;
pub mod erasure;
pub mod flag;
pub mod gap;
pub mod hit;
pub mod hold;
pub mod job;
pub mod leaf;
pub mod lease;
pub mod matter;
pub mod meta;
pub mod node;
pub mod outline;
pub mod outside;
pub mod part;
pub mod participant;
pub mod pending;
pub mod person;
pub mod person_ask;
mod postgres;
pub mod purge;
pub mod rebuild;
pub mod retry;
pub mod review;
pub mod roll;
mod schema;
pub mod scrub;
pub mod session;
pub mod set;
pub mod spare;
mod sqlite;
pub mod state;
pub mod statement;
pub mod status;
pub mod structure;

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::clock::{Clock, Timestamp};
use crate::base::config::CatalogAt;
use crate::base::durable;
use crate::base::ids::SegmentId;
use crate::base::writable::Unwritable;

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
        "cannot open the catalog {path}: {why}; where it is damaged, put its newest copy in place or \
         make it again from the bucket with `muniment rebuild`; else check its permissions"
    )]
    Open { path: PathBuf, why: String },
    #[error(transparent)]
    Unwritable(Unwritable),
    #[error("the catalog {0} was written by a newer muniment; start that version or a later one")]
    Newer(PathBuf),
    #[error(
        "cannot bring the catalog {path} to this version's schema: {why}; put its newest copy in \
         place"
    )]
    Migrate { path: PathBuf, why: String },
    /// What is wrong with a catalog on a server, and the mend, in one sentence.
    #[error("{0}")]
    Server(String),
    #[error("catalog: {operation}")]
    Query { operation: &'static str, source: db::Error },
    /// What the segment needs is not part of the archive, or no more.
    #[error("parts that the segment {0} needs are not in the archive; they have to be sent again")]
    Lacking(SegmentId),
    /// A row says what no code of ours would have written.
    #[error("the catalog is damaged: {0}")]
    Corrupt(String),
}

impl CatalogError {
    /// Whether the disk of the database has no room left.
    pub fn is_disk_full(&self) -> bool {
        let Self::Query { source: db::Error::Database(error), .. } = self else { return false };
        // SQLITE_FULL, SQLITE_IOERR_SHMSIZE, and PostgreSQL's disk_full.
        error.code().is_some_and(|code| ["13", "4874", "53100"].contains(&&*code))
    }
}

/// Names the operation that a database error belongs to.
pub(crate) trait During<T> {
    fn during(self, operation: &'static str) -> Result<T, CatalogError>;
}

impl<T> During<T> for Result<T, db::Error> {
    fn during(self, operation: &'static str) -> Result<T, CatalogError> {
        self.map_err(|source| CatalogError::Query { operation, source })
    }
}

/// A transaction that holds the write lock until it is committed or dropped.
pub type WriteTransaction = db::Transaction;

/// The catalog's connections. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Catalog {
    readers: db::Pool,
    writer: db::Pool,
    /// Whose index rows are for; empty where there is one node.
    node: Arc<str>,
    /// Who leases what: this process, and no other that lives.
    owner: Arc<str>,
}

/// What there is at the place of a catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub catalog: bool,
    /// One that is being made again.
    pub rebuilding: bool,
}

const READERS: u32 = 8;

impl Catalog {
    /// Creates the catalog and its schema; refuses an existing one.
    pub async fn create(at: impl Into<CatalogAt>) -> Result<Self, CatalogError> {
        match at.into() {
            CatalogAt::File(path) => sqlite::create(&path).await,
            at => postgres::Server::new(&at)?.create().await,
        }
    }

    /// Opens an existing catalog and applies migrations that it lacks.
    pub async fn open(at: impl Into<CatalogAt>) -> Result<Self, CatalogError> {
        match at.into() {
            CatalogAt::File(path) => sqlite::open(&path).await,
            at => postgres::Server::new(&at)?.open().await,
        }
    }

    /// Opens the catalog that is being made again, or begins one, beside the place
    /// of the archive's: half of one is never served.
    pub async fn rebuilding(at: &CatalogAt) -> Result<Self, CatalogError> {
        let is_begun = Self::found(at).await?.rebuilding;
        match at {
            CatalogAt::File(path) => match is_begun {
                true => sqlite::open(&sqlite::rebuilding(path)).await,
                false => sqlite::create(&sqlite::rebuilding(path)).await,
            },
            at => {
                let server = postgres::Server::new(at)?.rebuilding();
                if is_begun { server.open().await } else { server.create().await }
            }
        }
    }

    /// The catalog that was made again becomes the archive's.
    pub async fn finish_rebuilding(self, at: &CatalogAt) -> Result<(), CatalogError> {
        // Closing writes what the log of a file holds into the file itself.
        self.close().await;
        match at {
            CatalogAt::File(path) => {
                durable::rename(&sqlite::rebuilding(path), path).map_err(|error| {
                    let why = error.to_string();
                    CatalogError::Open { path: path.clone(), why }
                })
            }
            at => postgres::Server::new(at)?.finish_rebuilding().await,
        }
    }

    /// What there is at a place, without changing anything.
    pub async fn found(at: &CatalogAt) -> Result<Found, CatalogError> {
        match at {
            CatalogAt::File(path) => {
                let rebuilding = sqlite::rebuilding(path).exists();
                Ok(Found { catalog: path.exists(), rebuilding })
            }
            at => postgres::Server::new(at)?.found().await,
        }
    }

    /// What a server must be to hold a catalog is asked before anything is made.
    pub async fn check_vacant(at: &CatalogAt) -> Result<(), CatalogError> {
        match at {
            CatalogAt::File(_) => Ok(()),
            at => postgres::Server::new(at)?.check_vacant().await,
        }
    }

    /// Whether other nodes may work with it at the same time.
    /// Why the server would lose what it says is committed, as it is set now; a file of
    /// this machine keeps it.
    pub async fn check_durable(&self) -> Result<Option<String>, CatalogError> {
        if !self.is_shared() {
            return Ok(None);
        }
        // By the connection that commits: a setting can be of a connection.
        let found = db::query_as(postgres::SETTINGS).fetch_one(&self.writer).await;
        let found = found.during("ask for the server's settings")?;
        Ok(postgres::risk(&found).map(|what| format!("the PostgreSQL server {what}")))
    }

    pub fn is_shared(&self) -> bool {
        self.engine() == db::Engine::Postgres
    }

    fn engine(&self) -> db::Engine {
        self.readers.engine()
    }

    fn of_file(readers: db::Pool, writer: db::Pool) -> Self {
        // One process serves such a catalog: it takes back at once what it had.
        Self { readers, writer, node: "".into(), owner: "serve".into() }
    }

    fn of_server(readers: db::Pool, writer: db::Pool) -> Self {
        let owner = format!("serve {}", uuid::Uuid::now_v7().simple());
        Self { readers, writer, node: "".into(), owner: owner.into() }
    }

    /// The same, as the node of this name.
    pub fn as_node(&self, node: &str) -> Self {
        Self { node: node.into(), ..self.clone() }
    }

    pub fn node(&self) -> &str {
        &self.node
    }

    /// The name under which this process leases what others must not do meanwhile.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The time that leases go by: of the server, where nodes share one.
    pub async fn now(&self, clock: &Clock) -> Result<Timestamp, CatalogError> {
        if !self.is_shared() || !matches!(clock, Clock::System) {
            return Ok(clock.now());
        }
        let sql = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";
        let at = db::query_scalar(sql).fetch_one(self.read()).await.during("ask for the time")?;
        Ok(Timestamp(at))
    }

    /// Connections that cannot write.
    pub fn read(&self) -> &db::Pool {
        &self.readers
    }

    /// Begins a transaction with the write lock taken; its commit is fsynced.
    pub async fn write(&self) -> Result<WriteTransaction, CatalogError> {
        self.begin(match self.engine() {
            db::Engine::Sqlite => sqlite::BEGIN,
            db::Engine::Postgres => postgres::BEGIN,
        })
        .await
    }

    /// Begins a transaction for rows that can be derived again. Its commit is
    /// not fsynced: a power cut may take it back, never without what came after
    /// it, and never what a durable commit wrote before or after.
    pub async fn write_derived(&self) -> Result<WriteTransaction, CatalogError> {
        self.begin(match self.engine() {
            db::Engine::Sqlite => sqlite::BEGIN_DERIVED,
            db::Engine::Postgres => postgres::BEGIN_DERIVED,
        })
        .await
    }

    async fn begin(&self, statement: &'static str) -> Result<WriteTransaction, CatalogError> {
        const DURING: &str = "begin to write";
        match self.writer.begin_with(statement).await {
            Ok(transaction) => return Ok(transaction),
            Err(error @ (db::Error::PoolTimedOut | db::Error::PoolClosed)) => {
                return Err(error).during(DURING);
            }
            // Where a statement failed for want of space, SQLite has ended the
            // transaction by itself, and the connection still counts it; a server may
            // have hung up. A new connection counts from the start.
            Err(error) => {
                tracing::warn!(%error, "the catalog's writing connection is opened again");
                if let Err(error) = self.writer.renew().await {
                    tracing::debug!(%error, "the old one was gone");
                }
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

    /// Leaves nothing of deleted rows in a catalog that is a file: their places were
    /// overwritten when they were deleted, and here the log beside the file is emptied.
    /// False where a long read kept it from that. A server clears them in its own time.
    pub async fn forget_deleted(&self) -> Result<bool, CatalogError> {
        const DURING: &str = "clear the catalog's log";
        if self.is_shared() {
            return Ok(true);
        }
        // Whoever writes meanwhile waits for this.
        let wait = |ms: u64| db::query(db::AssertSqlSafe(format!("PRAGMA busy_timeout = {ms}")));
        wait(1000).fetch_all(&self.writer).await.during(DURING)?;
        let done = db::query_as::<(i64, i64, i64)>("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&self.writer)
            .await;
        wait(sqlite::BUSY_MS).fetch_all(&self.writer).await.during(DURING)?;
        let (is_busy, _, _) = done.during(DURING)?;
        Ok(is_busy == 0)
    }

    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use sqlx::ConnectOptions as _;
    use sqlx::migrate::Migrator;
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

    use super::*;

    /// An empty catalog, for unit tests: a file in a directory of its own, or a
    /// database of its own on the server of `tests/tools/postgres`, if that is asked for.
    pub(crate) async fn scratch() -> (Catalog, tempfile::TempDir) {
        match std::env::var("MUNIMENT_TEST_CATALOG").as_deref() {
            Ok("postgres") => {
                let server = scratch_server().await.expect("tests/tools/postgres runs the tests");
                (Catalog::create(&server).await.unwrap(), tempfile::tempdir().unwrap())
            }
            _ => scratch_file().await,
        }
    }

    /// In a file, for what is SQLite's own.
    pub(super) async fn scratch_file() -> (Catalog, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let catalog = Catalog::create(&directory.path().join("catalog.db")).await.unwrap();
        (catalog, directory)
    }

    /// An empty database; none, said loudly, where no server runs.
    pub(super) async fn scratch_server() -> Option<CatalogAt> {
        let Ok(server) = std::env::var("MUNIMENT_TEST_POSTGRES") else {
            eprintln!("SKIPPED: there is no PostgreSQL; run the tests by tests/tools/postgres");
            return None;
        };
        let [url, user, password, _authority] =
            server.split_whitespace().collect::<Vec<_>>()[..].try_into().unwrap();
        let url = url.replace("://", &format!("://{user}@"));
        let secret = std::fs::read_to_string(password).unwrap();
        let name = format!("unit_{}", uuid::Uuid::now_v7().simple());
        let options: sqlx::postgres::PgConnectOptions = format!("{url}/postgres").parse().unwrap();
        let mut admin = options.password(secret.trim_end()).connect().await.unwrap();
        let create = db::AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"));
        sqlx::query(create).execute(&mut admin).await.unwrap();
        Some(CatalogAt::Server { url: format!("{url}/{name}"), password: Some(password.into()) })
    }

    #[tokio::test]
    async fn commits_are_synchronous_and_readers_cannot_write() {
        let (catalog, _directory) = scratch_file().await;
        let level: i64 =
            db::query_scalar("PRAGMA synchronous").fetch_one(&catalog.writer).await.unwrap();
        assert_eq!(level, 2, "FULL");
        let (mode,): (String,) =
            db::query_as("PRAGMA journal_mode").fetch_one(&catalog.writer).await.unwrap();
        assert_eq!(mode, "wal");
        let refused = db::query("DELETE FROM meta").execute(catalog.read()).await;
        assert!(refused.unwrap_err().to_string().contains("readonly"));
    }

    #[tokio::test]
    async fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let (catalog, directory) = scratch_file().await;
        meta::set(&catalog, "a", "b").await.unwrap();
        for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
            let found = std::fs::metadata(directory.path().join(name)).unwrap();
            assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[tokio::test]
    async fn only_a_catalog_of_this_version_is_opened() {
        let (catalog, directory) = scratch_file().await;
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

        db::query("INSERT INTO _sqlx_migrations VALUES (1000, 'later', '2099-01-01', 1, x'00', 0)")
            .execute(&catalog.writer)
            .await
            .unwrap();
        catalog.close().await;
        let error = Catalog::open(&directory.path().join("catalog.db")).await.unwrap_err();
        assert!(matches!(error, CatalogError::Newer(_)), "{error}");
    }

    #[tokio::test]
    async fn writing_goes_on_after_the_disk_was_full() {
        let (catalog, _directory) = scratch_file().await;
        let fill = async |catalog: &Catalog| {
            let mut tx = catalog.write().await?;
            for number in 0..200 {
                db::query("INSERT INTO meta (name, value) VALUES ($1, $2)")
                    .bind(format!("{number}"))
                    .bind("x".repeat(4000))
                    .execute(&mut tx)
                    .await
                    .during("fill")?;
            }
            catalog.commit(tx, "fill").await
        };
        // A bound on this connection's file stands in for the disk's.
        db::query("PRAGMA max_page_count = 100").execute(&catalog.writer).await.unwrap();
        let full = fill(&catalog).await.unwrap_err();
        assert!(full.is_disk_full(), "{full:?}");
        meta::set(&catalog, "after", "1").await.unwrap();
        fill(&catalog).await.unwrap();
        assert_eq!(meta::get(&catalog, "after").await.unwrap().as_deref(), Some("1"));
    }

    #[tokio::test]
    async fn a_commit_is_fsynced_unless_its_rows_can_be_derived_again() {
        let (catalog, _directory) = scratch_file().await;
        let level = async |mut tx: WriteTransaction| {
            let (level,): (i64,) =
                db::query_as("PRAGMA synchronous").fetch_one(&mut tx).await.unwrap();
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
        let before = schema::migrator(db::Engine::Sqlite)
            .iter()
            .filter(|step| step.version < 6)
            .cloned()
            .collect::<Vec<_>>();
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
            let count = db::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
            let count: i64 = db::query_scalar(count).fetch_one(catalog.read()).await.unwrap();
            assert_eq!(count, 0, "{table}");
        }
        assert_eq!(cursor::get(&catalog, cursor::DERIVE).await.unwrap(), 0);
        assert_eq!(cursor::get(&catalog, "publish").await.unwrap(), 1);
        let mut tx = catalog.write().await.unwrap();
        db::raw_sql(
            "INSERT INTO message_set (set_key, message_sha256, first_seq, subject, from_text,
                 message_id, received_at, size_bytes, attachment_count, is_proven)
             VALUES (x'05', x'03', 1, '', '', '', 0, 1, 0, 1);
             INSERT INTO set_delivery SELECT set_id, 1, 0 FROM message_set;",
            &mut tx,
        )
        .await
        .unwrap();
        catalog.commit(tx, "derive again").await.unwrap();
        let set: i64 = db::query_scalar("SELECT set_id FROM set_delivery")
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

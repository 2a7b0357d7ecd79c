//! A catalog in a SQLite file: one connection writes, under `BEGIN IMMEDIATE`.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, access};
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{Catalog, CatalogError, READERS, db, schema};
use crate::base::writable::{Unwritable, root_cause};

pub(super) const BEGIN: &str = "PRAGMA synchronous = FULL; BEGIN IMMEDIATE";
pub(super) const BEGIN_DERIVED: &str = "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE";

/// How long a connection waits for another's lock.
pub(super) const BUSY_MS: u64 = 10_000;

/// Pages of the log, 32 MiB, after which a commit writes them into the file and waits
/// for an fsync of it, mail with it. After the usual 1,000 it would write the same
/// pages eight times as often.
const WAL_PAGES: &str = "8192";

pub(super) async fn create(path: &Path) -> Result<Catalog, CatalogError> {
    // Only for this user, as SQLite then makes the files beside it.
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => CatalogError::Exists(path.to_owned()),
        _ => CatalogError::Open { path: path.to_owned(), why: error.to_string() },
    })?;
    connect(path, true).await
}

pub(super) async fn open(path: &Path) -> Result<Catalog, CatalogError> {
    if !path.exists() {
        return Err(CatalogError::Missing(path.to_owned()));
    }
    if let Some(what) = not_a_database(path) {
        return Err(CatalogError::NotCatalog { path: path.to_owned(), what });
    }
    writable(path)?;
    connect(path, false).await
}

/// SQLite opens what it cannot write, and says of the first write that the database
/// is read-only.
fn writable(path: &Path) -> Result<(), CatalogError> {
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    for (what, path) in [
        ("the directory of the catalog", directory.unwrap_or(Path::new("."))),
        ("the catalog", path),
    ] {
        access(path, Access::READ_OK | Access::WRITE_OK).map_err(|error| {
            let setting = "[archive] catalog";
            CatalogError::Unwritable(Unwritable {
                what,
                path: path.to_owned(),
                setting,
                error: error.into(),
            })
        })?;
    }
    Ok(())
}

/// Where a catalog is while it is made again.
pub(super) fn rebuilding(path: &Path) -> PathBuf {
    path.with_added_extension("rebuilding")
}

async fn connect(path: &Path, is_new: bool) -> Result<Catalog, CatalogError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a commit has been fsynced when it returns.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // What was destroyed is not left in the file's free places.
        .pragma("secure_delete", "ON")
        .pragma("wal_autocheckpoint", WAL_PAGES)
        .busy_timeout(Duration::from_millis(BUSY_MS))
        .statement_cache_capacity(256);
    let opened = |error: db::Error| {
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
    schema::migrator(db::Engine::Sqlite).run(&writer).await.map_err(|source| match source {
        MigrateError::VersionMissing(_) => CatalogError::Newer(path.to_owned()),
        error => CatalogError::Migrate { path: path.to_owned(), why: root_cause(&error) },
    })?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .test_before_acquire(false)
        .connect_with(options.pragma("query_only", "ON"))
        .await
        .map_err(opened)?;
    Ok(Catalog::of_file(db::Pool::Sqlite(readers), db::Pool::Sqlite(writer)))
}

/// An empty catalog in memory, by one connection.
pub(super) async fn empty() -> Result<db::Pool, CatalogError> {
    let failed = |why: String| CatalogError::Open { path: ":memory:".into(), why };
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(SqliteConnectOptions::new().in_memory(true))
        .await
        .map_err(|error| failed(root_cause(&error)))?;
    let migrated = schema::migrator(db::Engine::Sqlite).run(&pool).await;
    migrated.map_err(|error| failed(root_cause(&error)))?;
    Ok(db::Pool::Sqlite(pool))
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

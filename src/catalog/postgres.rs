//! A catalog in a PostgreSQL database: a schema of its own, and one writing
//! transaction at a time among all nodes, by a lock that the server keeps.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::db::Engine;
use super::{Catalog, CatalogError, Found, READERS, db, schema};
use crate::base::config::CatalogAt;
use crate::base::writable::root_cause;

/// The lock is the first that the transaction does: each statement after it sees
/// all that was committed before.
pub(super) const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock(1836412521, 1)";
pub(super) const BEGIN_DERIVED: &str =
    "BEGIN; SET LOCAL synchronous_commit = off; SELECT pg_advisory_xact_lock(1836412521, 1)";

const SCHEMA: &str = "muniment";
/// While it is made again from the bucket.
const REBUILDING: &str = "muniment_rebuilding";
/// PostgreSQL 14: the oldest that its makers mend.
const OLDEST: i32 = 140_000;

/// By which the server keeps what it commits.
pub(super) const SETTINGS: &str = "SELECT current_setting('fsync'), \
     current_setting('full_page_writes'), current_setting('synchronous_commit')";

/// What is lost with settings that are off, and the mend.
pub(super) fn risk((fsync, pages, commit): &(String, String, String)) -> Option<String> {
    let (setting, risk) = match "off" {
        off if fsync == off => ("fsync", "a power cut would destroy the catalog"),
        off if pages == off => ("full_page_writes", "a power cut could destroy the catalog"),
        off if commit == off => {
            ("synchronous_commit", "mail would be acknowledged before it is durable")
        }
        _ => return None,
    };
    Some(format!("has {setting} = off, with which {risk}; set it to on"))
}

/// A database, and who asks it.
#[derive(Clone, Debug)]
pub(super) struct Server {
    options: PgConnectOptions,
    /// As it is shown.
    name: String,
    schema: &'static str,
}

impl Server {
    pub(super) fn new(at: &CatalogAt) -> Result<Self, CatalogError> {
        let name = at.to_string();
        let CatalogAt::Server { url, password } = at else {
            return Err(CatalogError::Server(format!("the catalog {name} is on no server")));
        };
        let wrong = |why: String| {
            CatalogError::Server(format!(
                "[archive] catalog: {name} is no address of a database: {why}"
            ))
        };
        let mut options =
            PgConnectOptions::from_str(url).map_err(|error| wrong(root_cause(&error)))?;
        if options.get_database().is_none() {
            return Err(wrong("name the database, as in postgres://host/database".into()));
        }
        if let Some(file) = password {
            options = options.password(&read_password(file)?);
        }
        let options = options
            .application_name("muniment")
            // Of a node that lost its power, and of one that stands still.
            .options([
                ("tcp_keepalives_idle", "10"),
                ("tcp_keepalives_interval", "5"),
                ("tcp_keepalives_count", "3"),
                ("idle_in_transaction_session_timeout", "60s"),
                ("lock_timeout", "60s"),
            ]);
        Ok(Self { options, name, schema: SCHEMA })
    }

    pub(super) fn rebuilding(self) -> Self {
        Self { schema: REBUILDING, ..self }
    }

    /// Refuses a server that cannot hold a catalog, and a database that has one.
    pub(super) async fn check_vacant(&self) -> Result<(), CatalogError> {
        let mut connection = self.connect().await?;
        self.vacant(&mut connection).await?;
        let _ = connection.close().await;
        Ok(())
    }

    async fn vacant(&self, connection: &mut PgConnection) -> Result<(), CatalogError> {
        self.check(connection).await?;
        match self.has_schema(connection, self.schema).await? {
            true => Err(CatalogError::Server(format!(
                "a catalog exists already in {}; name another database",
                self.name
            ))),
            false => Ok(()),
        }
    }

    /// Makes the schema; refuses an existing one.
    pub(super) async fn create(&self) -> Result<Catalog, CatalogError> {
        let mut connection = self.connect().await?;
        self.vacant(&mut connection).await?;
        let sql = AssertSqlSafe(format!("CREATE SCHEMA {}", self.schema));
        sqlx::query(sql).execute(&mut connection).await.map_err(|error| {
            CatalogError::Server(format!(
                "cannot create a catalog in {}: {}; give this user the right to create schemas in \
                 the database",
                self.name,
                root_cause(&error)
            ))
        })?;
        let _ = connection.close().await;
        self.pools().await
    }

    pub(super) async fn open(&self) -> Result<Catalog, CatalogError> {
        let mut connection = self.connect().await?;
        self.check(&mut connection).await?;
        if !self.has_schema(&mut connection, self.schema).await? {
            return Err(CatalogError::Server(format!(
                "there is no catalog in {}; create an archive with `muniment init`, restore the \
                 newest copy of the database, or make its catalog again from the bucket with \
                 `muniment rebuild`",
                self.name
            )));
        }
        let _ = connection.close().await;
        self.pools().await
    }

    pub(super) async fn found(&self) -> Result<Found, CatalogError> {
        let mut connection = self.connect().await?;
        let catalog = self.has_schema(&mut connection, SCHEMA).await?;
        let rebuilding = self.has_schema(&mut connection, REBUILDING).await?;
        let _ = connection.close().await;
        Ok(Found { catalog, rebuilding })
    }

    /// The catalog that was made again becomes the archive's.
    pub(super) async fn finish_rebuilding(&self) -> Result<(), CatalogError> {
        let mut connection = self.connect().await?;
        let sql = AssertSqlSafe(format!("ALTER SCHEMA {REBUILDING} RENAME TO {SCHEMA}"));
        sqlx::query(sql).execute(&mut connection).await.map_err(|error| self.failed(&error))?;
        let _ = connection.close().await;
        Ok(())
    }

    async fn connect(&self) -> Result<PgConnection, CatalogError> {
        self.options.connect().await.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &sqlx::Error) -> CatalogError {
        CatalogError::Server(format!(
            "cannot use the catalog {}: {}; check that the server runs and takes this user and \
             password",
            self.name,
            root_cause(error)
        ))
    }

    async fn has_schema(
        &self,
        connection: &mut PgConnection,
        schema: &str,
    ) -> Result<bool, CatalogError> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)")
            .bind(schema)
            .fetch_one(connection)
            .await
            .map_err(|error| self.failed(&error))
    }

    /// Refuses a server that would lose what it says is committed.
    async fn check(&self, connection: &mut PgConnection) -> Result<(), CatalogError> {
        let found: (String, String, String) = sqlx::query_as(SETTINGS)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.failed(&error))?;
        if let Some(what) = risk(&found) {
            let server = format!("the PostgreSQL server of {}", self.name);
            return Err(CatalogError::Server(format!("{server} {what}")));
        }
        let (version, encoding, is_standby): (i32, String, bool) = sqlx::query_as(
            "SELECT current_setting('server_version_num')::int, \
                 current_setting('server_encoding'), pg_is_in_recovery()",
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| self.failed(&error))?;
        let why = if version < OLDEST {
            "is older than version 14; upgrade it"
        } else if encoding != "UTF8" {
            "holds no Unicode; create the database with ENCODING 'UTF8'"
        } else if is_standby {
            "is a standby, which cannot be written; name the primary"
        } else {
            return Ok(());
        };
        Err(CatalogError::Server(format!("the PostgreSQL database {} {why}", self.name)))
    }

    async fn pools(&self) -> Result<Catalog, CatalogError> {
        let options = self.options.clone().options([("search_path", self.schema)]);
        let writer = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(60))
            // What a server that went away leaves is mended in `begin`.
            .test_before_acquire(false)
            .connect_with(options.clone())
            .await
            .map_err(|error| self.failed(&error))?;
        schema::migrator(Engine::Postgres).run(&writer).await.map_err(|source| match source {
            MigrateError::VersionMissing(_) => CatalogError::Server(format!(
                "the catalog {} was written by a newer muniment; start that version or a later one",
                self.name
            )),
            error => CatalogError::Server(format!(
                "cannot bring the catalog {} to this version's schema: {}; restore the newest copy \
                 of the database",
                self.name,
                root_cause(&error)
            )),
        })?;
        let readers = PgPoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.options([("default_transaction_read_only", "on")]))
            .await
            .map_err(|error| self.failed(&error))?;
        Ok(Catalog::of_server(db::Pool::Postgres(readers), db::Pool::Postgres(writer)))
    }
}

fn read_password(path: &Path) -> Result<String, CatalogError> {
    use std::os::unix::fs::PermissionsExt as _;
    let shown = path.display();
    let unread = |error: std::io::Error| {
        CatalogError::Server(format!(
            "cannot read the password of the catalog, {shown}: {error}; check [archive] \
             catalog_password"
        ))
    };
    let mode = std::fs::metadata(path).map_err(unread)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(CatalogError::Server(format!(
            "others can read the password of the catalog, {shown}; take that right from them with \
             `chmod 600 {shown}`"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(unread)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

//! A PostgreSQL for the tests that need one: that of `tests/tools/postgres`.

use std::path::PathBuf;
use std::process::Command;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use super::binary;
use super::served::Made;

pub struct Server {
    /// With the user, and without a database.
    url: String,
    pub password: PathBuf,
    /// Who says that the server is who it is.
    pub authority: PathBuf,
}

impl Server {
    /// None, said loudly, where there is no server.
    pub fn find() -> Option<Self> {
        let Ok(said) = std::env::var("MUNIMENT_TEST_POSTGRES") else {
            eprintln!("SKIPPED: there is no PostgreSQL; run the tests by tests/tools/postgres");
            return None;
        };
        Some(Self::said(&said))
    }

    /// As `tests/tools/postgres` tells of it.
    pub fn said(said: &str) -> Self {
        let [url, user, password, authority] =
            said.split_whitespace().collect::<Vec<_>>()[..].try_into().unwrap();
        Self {
            url: url.replace("://", &format!("://{user}@")),
            password: password.into(),
            authority: authority.into(),
        }
    }

    /// The address of a database, there or not.
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.url)
    }

    /// Where it listens, as `127.0.0.1:1`.
    pub fn address(&self) -> String {
        self.url.rsplit_once('@').unwrap().1.to_owned()
    }

    /// The address of a database by way of something before the server.
    pub fn url_at(&self, relay: std::net::SocketAddr, database: &str) -> String {
        let (before, _) = self.url.rsplit_once('@').unwrap();
        format!("{before}@{relay}/{database}")
    }

    pub async fn connect(&self, database: &str) -> PgConnection {
        let options: PgConnectOptions = self.url(database).parse().unwrap();
        let secret = std::fs::read_to_string(&self.password).unwrap();
        options.password(secret.trim_end()).connect().await.unwrap()
    }

    /// Makes a database that no other test uses.
    pub async fn database(&self) -> String {
        let name = format!("it_{}", uuid::Uuid::now_v7().simple());
        self.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0")).await;
        name
    }

    pub async fn run(&self, database: &str, sql: &str) {
        let mut connection = self.connect(database).await;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    }

    /// The arguments of `init` that put the catalog into a database.
    pub fn arguments(&self, url: &str) -> [String; 4] {
        let password = self.password.display().to_string();
        ["--catalog".into(), url.to_owned(), "--catalog-password".into(), password]
    }

    /// An archive with its catalog in a database.
    pub fn init(&self, database: &str) -> Made {
        self.init_at(&self.url(database))
    }

    pub fn init_at(&self, url: &str) -> Made {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("archive");
        let mut command = Command::new(binary());
        command.args(["init", "--data"]).arg(&data).args(self.arguments(url));
        let said = super::served::said_by(&mut command);
        Made { config: data.join("muniment.toml"), said, _directory: directory }
    }
}

//! An archive that was used, and copies of it to be hurt.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use muniment::app::Archive;
use muniment::base::clock::Clock;
use muniment::base::config::{Config, Worker};
use muniment::verify::scrub::Report;
use muniment::worker::Pool;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

use crate::rebuild::{send, used};
use crate::support::served::{Made, Served, init};
use crate::support::{binary, until};

/// Mail, people, matters and holds; more leaves than one tile has; and a check that
/// found nothing.
pub async fn fixture() -> Made {
    let made = init();
    used(&made).await;
    let served = Served::start(&made.config, &[]).unwrap();
    send(&made, &served, 200..290);
    until("all is derived", || served.is_settled());
    served.stop();
    let report = check(&made.config).await;
    assert_eq!((report.result, found(&report)), ("whole", Vec::new()), "{report:#?}");
    // What the check found is told and published too.
    Served::start(&made.config, &[]).unwrap().stop();
    made
}

/// Checks an archive, as of a day later: nothing is on its way any more.
pub async fn check(config: &Path) -> Report {
    let mut archive = Archive::open(Config::load(config).unwrap()).await.unwrap();
    archive.clock = Clock::fixed(archive.clock.now().plus_seconds(24 * 3600));
    let settings = Worker { processes: 1, ..archive.config.worker.clone() };
    let workers = Arc::new(Pool::new(binary().into(), settings));
    let scrubber = archive.scrubber("test", workers, None);
    let report = scrubber.run("operator", &mut |_, _, _| ()).await.unwrap();
    archive.catalog.close().await;
    report
}

/// Kind and object of each fault.
pub fn found(report: &Report) -> Vec<(String, String)> {
    let mut found: Vec<_> =
        report.faults.iter().map(|it| (it.kind.clone(), it.object.clone())).collect();
    found.sort();
    found
}

pub struct Copy {
    _directory: tempfile::TempDir,
    pub config: PathBuf,
}

impl Copy {
    pub fn of(made: &Made) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("archive");
        copy_tree(made.config.parent().unwrap(), &root);
        Self { config: root.join("muniment.toml"), _directory: directory }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.config.with_file_name("bucket").join(name)
    }

    /// The objects below a prefix, sorted.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        let root = self.config.with_file_name("bucket");
        let mut found = Vec::new();
        let mut directories = vec![root.join(prefix)];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    found.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found.sort();
        found
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    pub fn flip(&self, name: &str, at: usize) {
        let mut bytes = self.read(name);
        bytes[at] ^= 1;
        self.write(name, bytes);
    }

    pub fn flip_middle(&self, name: &str) {
        self.flip(name, self.read(name).len() / 2);
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    pub fn swap(&self, a: &str, b: &str) {
        let (of_a, of_b) = (self.read(a), self.read(b));
        self.write(a, of_b);
        self.write(b, of_a);
    }

    async fn pool(&self) -> SqlitePool {
        let path = self.config.with_file_name("catalog.db");
        let options = SqliteConnectOptions::new().filename(path).foreign_keys(false);
        SqlitePool::connect_with(options).await.unwrap()
    }

    /// Changes rows as someone would who has the file: at least one of them.
    pub async fn sql(&self, text: &str) {
        let pool = self.pool().await;
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&pool).await.unwrap();
        assert!(done.rows_affected() > 0, "{text}");
        pool.close().await;
    }

    /// Makes or drops something in it.
    pub async fn define(&self, text: &str) {
        let pool = self.pool().await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&pool).await.unwrap();
        pool.close().await;
    }

    pub async fn ask(&self, text: &str) -> String {
        let pool = self.pool().await;
        let text = sqlx::AssertSqlSafe(text);
        let found = sqlx::query_scalar(text).fetch_one(&pool).await.unwrap();
        pool.close().await;
        found
    }
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().unwrap().is_dir() {
            true => copy_tree(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}

//! Choosing implementations and starting the process: the composition root.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;

use crate::access::Access;
use crate::base::clock::Clock;
use crate::base::config::{BucketKind, Config, Worm};
use crate::base::durable;
use crate::base::writable::{self, Unwritable};
use crate::catalog::{Catalog, CatalogError, meta};
use crate::export::Exporter;
use crate::http::Context;
use crate::index::{Index, IndexError};
use crate::ingest::follow::Progress;
use crate::ingest::log::Log;
use crate::ingest::{Ingest, StartError};
use crate::policy::Recorder;
use crate::policy::classes::{self, ClassError};
use crate::retention::Retention;
use crate::review::Desk;
use crate::search::Search;
use crate::vault::bucket::{Bucket, BucketError};
use crate::vault::keys::{KeyError, MasterKey};
use crate::vault::{Vault, VaultError};
use crate::verify::scrub::Scrubber;
use crate::worker::Pool;

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Class(#[from] ClassError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    #[error(
        "cannot use the search index {path}: {why}; remove that directory, and it is made again \
         from the archive, or correct [index] path"
    )]
    IndexUnusable { path: String, why: String },
    #[error(
        "there is a catalog at {0}; a rebuild is for a lost one: start the archive with it, or move \
         it away, with the files beside it that begin with its name"
    )]
    HasCatalog(String),
    #[error("the catalog is being made again, in {0}; run `muniment rebuild` to its end first")]
    Rebuilding(String),
    #[error("another muniment process is serving {0}; stop it first")]
    Busy(String),
    #[error(
        "[vault] worm = \"required\", but {0}; use a bucket with Object Lock, or set worm = \
         \"optional\""
    )]
    NotWorm(String),
    #[error(
        "the catalog {catalog} belongs to archive {found}, the bucket {bucket} to {expected}; point \
         [archive] catalog and [vault] path, or [bucket] name and prefix, at the same archive"
    )]
    OtherArchive { catalog: String, found: String, bucket: String, expected: String },
}

/// An opened archive: what every command works on. Cloning shares it.
#[derive(Clone)]
pub struct Archive {
    pub config: std::sync::Arc<Config>,
    pub clock: Clock,
    pub vault: Vault,
    pub catalog: Catalog,
}

impl Archive {
    /// Opens vault and catalog and checks that they belong together.
    pub async fn open(config: Config) -> Result<Self, AppError> {
        let master = MasterKey::load(&config.archive.master_key)?;
        let bucket = reach(&config).await?;
        // Before the key is tried: another archive's bucket is not a wrong key.
        let expected = Vault::archive_of(&bucket).await?.to_string();
        let (path, rebuilding) = (&config.archive.catalog, rebuilding_path(&config));
        if !path.exists() && rebuilding.exists() {
            return Err(AppError::Rebuilding(rebuilding.display().to_string()));
        }
        let catalog = Catalog::open(&config.archive.catalog).await?;
        let found = meta::get(&catalog, meta::ARCHIVE_ID).await.map_err(|error| {
            let (path, why) = (config.archive.catalog.clone(), writable::root_cause(&error));
            CatalogError::Open { path, why }
        })?;
        let found = found.unwrap_or_default();
        if found != expected {
            return Err(AppError::OtherArchive {
                catalog: config.archive.catalog.display().to_string(),
                found,
                bucket: bucket_name(&config),
                expected,
            });
        }
        let vault = Vault::open(bucket, master).await?;
        Ok(Self { config: config.into(), clock: Clock::System, vault, catalog })
    }

    /// Opens the vault of an archive whose catalog is lost, with a catalog that is
    /// being made again: new, or as far as an earlier rebuild had come.
    pub async fn open_rebuilding(config: Config) -> Result<Self, AppError> {
        let path = &config.archive.catalog;
        if path.exists() {
            return Err(AppError::HasCatalog(path.display().to_string()));
        }
        let master = MasterKey::load(&config.archive.master_key)?;
        let vault = Vault::open(reach(&config).await?, master).await?;
        let rebuilding = rebuilding_path(&config);
        let catalog = match rebuilding.exists() {
            true => Catalog::open(&rebuilding).await?,
            false => Catalog::create(&rebuilding).await?,
        };
        let archive = vault.archive().to_string();
        match meta::get(&catalog, meta::ARCHIVE_ID).await? {
            Some(found) if found != archive => {
                return Err(AppError::OtherArchive {
                    catalog: rebuilding.display().to_string(),
                    found,
                    bucket: bucket_name(&config),
                    expected: archive,
                });
            }
            Some(_) => {}
            None => meta::set(&catalog, meta::ARCHIVE_ID, &archive).await?,
        }
        Ok(Self { config: config.into(), clock: Clock::System, vault, catalog })
    }

    /// The catalog that was made again becomes the archive's.
    pub async fn finish_rebuilding(self) -> Result<(), AppError> {
        // Closing writes what its log holds into the file itself.
        self.catalog.close().await;
        let (from, to) = (rebuilding_path(&self.config), &self.config.archive.catalog);
        durable::rename(&from, to)
            .map_err(|error| unwritable("the catalog", to, "[archive] catalog", error))
    }

    /// Whether an archive can be created in the S3 bucket of a configuration; to
    /// be asked before anything is written.
    pub async fn check_bucket(config: &Config) -> Result<(), AppError> {
        if config.bucket.kind == BucketKind::Local {
            return Ok(());
        }
        let bucket = reach(config).await?;
        Vault::check_vacant(&bucket).await?;
        require_worm(config, &bucket).await
    }

    /// Creates vault and catalog for a configuration that `init` has written.
    pub async fn create(config: Config) -> Result<Self, AppError> {
        if config.bucket.kind == BucketKind::Local {
            try_directory("the bucket", &config.vault.path, "[vault] path")?;
        }
        let bucket = reach(&config).await?;
        try_local(&config)?;
        if let Some(keys) = config.archive.master_key.parent() {
            try_directory("the directory of keys", keys, "[archive] master_key")?;
        }
        let clock = Clock::System;
        let master = MasterKey::generate();
        master.store(&config.archive.master_key)?;
        let vault = Vault::create(bucket, master, clock.now()).await?;
        let catalog = Catalog::create(&config.archive.catalog).await?;
        meta::set(&catalog, meta::ARCHIVE_ID, &vault.archive().to_string()).await?;
        classes::keep(&catalog, &clock, &config).await?;
        Ok(Self { config: config.into(), clock, vault, catalog })
    }

    /// What decides about people and their rights.
    pub fn access(&self) -> Access {
        let idle_minutes = self.config.http.session_idle_minutes;
        Access::new(self.catalog.clone(), self.clock.clone(), idle_minutes)
    }

    /// Keeps a second process away for as long as the lock is held.
    pub fn lock(&self) -> Result<ServeLock, AppError> {
        ServeLock::take(&self.config.archive.data)
    }

    /// Starts taking deliveries; whoever calls it holds the lock.
    pub async fn start_ingest(&self, _lock: &ServeLock) -> Result<Ingest, AppError> {
        self.try_bucket().await?;
        try_local(&self.config)?;
        classes::keep(&self.catalog, &self.clock, &self.config).await?;
        let (vault, catalog) = (self.vault.clone(), self.catalog.clone());
        Ok(Ingest::start(&self.config, vault, catalog, self.clock.clone()).await?)
    }
}

impl Archive {
    /// Removes from the bucket what a kill left half-written, and sees that it
    /// can be written and what it enforces.
    async fn try_bucket(&self) -> Result<(), AppError> {
        let bucket = self.vault.bucket();
        require_worm(&self.config, bucket).await?;
        let unusable = |error| bucket_error(&self.config, error);
        let removed = bucket.sweep().await.map_err(unusable)?;
        if removed > 0 {
            tracing::info!(removed, "half-written files were removed from the bucket");
        }
        bucket.probe().await.map_err(unusable)
    }
}

/// Where a catalog is while it is made again; `serve` does not look there.
fn rebuilding_path(config: &Config) -> PathBuf {
    config.archive.catalog.with_added_extension("rebuilding")
}

/// The configured bucket, which answers.
async fn reach(config: &Config) -> Result<Bucket, AppError> {
    let opened = Bucket::open(config, Clock::System);
    let bucket = opened.map_err(|error| bucket_error(config, error))?;
    bucket.check_reach().await.map_err(VaultError::from)?;
    Ok(bucket)
}

/// Finds out what the bucket enforces; refuses one that enforces too little.
async fn require_worm(config: &Config, bucket: &Bucket) -> Result<(), AppError> {
    let enforcement = bucket.check_enforcement().await.map_err(VaultError::from)?;
    match config.vault.worm {
        Worm::Required if !enforcement.is_enforced => Err(AppError::NotWorm(enforcement.words)),
        _ => Ok(()),
    }
}

fn bucket_name(config: &Config) -> String {
    let bucket = &config.bucket;
    match (bucket.kind, bucket.prefix.as_str()) {
        (BucketKind::Local, _) => config.vault.path.display().to_string(),
        (BucketKind::S3, "") => bucket.name.clone(),
        (BucketKind::S3, prefix) => format!("{}/{prefix}", bucket.name),
    }
}

/// What is wrong with the bucket's directory, told as of any other.
fn bucket_error(config: &Config, error: BucketError) -> AppError {
    let path = match &error {
        BucketError::Unwritable { path, .. } => path,
        _ => &config.vault.path,
    };
    match writable::io_error(&error).filter(|_| config.bucket.kind == BucketKind::Local) {
        Some(io) => unwritable("the bucket", path, "[vault] path", io),
        None => VaultError::from(error).into(),
    }
}

/// Tries every directory of this machine that the archive writes to.
fn try_local(config: &Config) -> Result<(), AppError> {
    try_directory("the spool", &config.archive.spool, "[archive] spool")?;
    try_directory("the work directory", &config.archive.work, "[archive] work")?;
    try_directory("the search index", &config.index.path, "[index] path")
}

/// The running parts that the API and the web app look into.
pub struct Parts {
    pub ingest: Ingest,
    pub log: Log,
    pub index: Index,
    pub progress: Progress,
    pub recorder: Recorder,
    pub workers: Arc<Pool>,
    pub metrics: PrometheusHandle,
}

impl Archive {
    /// What the API and the web app work with.
    pub fn web(&self, parts: Parts) -> Context {
        let (catalog, clock) = (self.catalog.clone(), self.clock.clone());
        let (vault, log, workers) = (self.vault.clone(), parts.log, parts.workers);
        let index = parts.index.clone();
        let search = Search::new(catalog.clone(), parts.index, clock.clone());
        let work = &self.config.archive.work;
        let exports = Exporter::new(vault.clone(), log.clone(), search.clone(), work);
        let published = log.clone();
        let retention = Retention::new(
            (vault.clone(), catalog.clone(), clock.clone()),
            index,
            &self.config.class,
            move || published.size(),
        );
        Context {
            access: self.access(),
            catalog: catalog.clone(),
            clock: clock.clone(),
            config: self.config.clone(),
            metrics: parts.metrics,
            ingest: parts.ingest,
            progress: parts.progress,
            recorder: parts.recorder,
            search,
            review: Desk::new(catalog, clock, vault, log, workers),
            exports,
            retention,
        }
    }

    /// What checks the whole archive, under a name of its own.
    pub fn scrubber(&self, owner: &str, bytes_per_second: Option<u64>) -> Scrubber {
        Scrubber {
            vault: self.vault.clone(),
            catalog: self.catalog.clone(),
            clock: self.clock.clone(),
            work: self.config.archive.work.clone(),
            bytes_per_second,
            is_worm_required: self.config.vault.worm == Worm::Required,
            owner: owner.to_owned(),
        }
    }

    /// Opens the index, or makes an empty one that the follower fills.
    pub fn open_index(&self) -> Result<Index, AppError> {
        let path = &self.config.index.path;
        Index::open(path, self.config.index.memory_bytes).map_err(|error| match error {
            error @ (IndexError::Busy(_) | IndexError::NotAnIndex { .. }) => error.into(),
            error => {
                let why = writable::root_cause(&error);
                AppError::IndexUnusable { path: path.display().to_string(), why }
            }
        })
    }
}

/// Held while a process serves an archive; the kernel frees it with the process.
pub struct ServeLock(#[expect(dead_code, reason = "holding it open is its use")] File);

impl ServeLock {
    fn take(data: &Path) -> Result<Self, AppError> {
        let path = data.join("serve.lock");
        let file = File::create(&path).map_err(|error| {
            let path = if path.exists() { &path } else { data };
            unwritable("the archive's directory", path, "[archive] data", error)
        })?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| AppError::Busy(data.display().to_string()))?;
        Ok(Self(file))
    }
}

fn try_directory(what: &'static str, path: &Path, setting: &'static str) -> Result<(), AppError> {
    writable::try_directory(path).map_err(|error| unwritable(what, path, setting, error))
}

fn unwritable(
    what: &'static str,
    path: &Path,
    setting: &'static str,
    error: std::io::Error,
) -> AppError {
    Unwritable { what, path: path.to_owned(), setting, error }.into()
}

//! Choosing implementations and starting the process: the composition root.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;

use crate::access::Access;
use crate::base::clock::Clock;
use crate::base::config::{BucketKind, CatalogAt, Config, Worm};
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
use crate::vault::enforcement::Enforcement;
use crate::vault::keys::KeyError;
use crate::vault::master::MasterKey;
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
        "[worker] confinement = \"required\", but of the processes that read mail: {0}; use a kernel \
         with Landlock and seccomp, or set confinement = \"optional\""
    )]
    NotConfined(String),
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
        let archive = Self::open_with(config, master).await?;
        archive.vault.check_newest().await?;
        Ok(archive)
    }

    /// With a master key from elsewhere, which may be one that a rotation replaced.
    pub async fn open_with(config: Config, master: MasterKey) -> Result<Self, AppError> {
        Self::open_by(config, master, Clock::System).await
    }

    /// By a clock, which the bucket's is compared with.
    pub async fn open_by(
        config: Config,
        master: MasterKey,
        clock: Clock,
    ) -> Result<Self, AppError> {
        let bucket = reach(&config, clock.clone()).await?;
        // Before the key is tried: another archive's bucket is not a wrong key.
        let expected = Vault::archive_of(&bucket).await?.to_string();
        let at = &config.archive.catalog;
        let found = Catalog::found(at).await?;
        if !found.catalog && found.rebuilding {
            return Err(AppError::Rebuilding(at.to_string()));
        }
        let catalog = Catalog::open(at).await?;
        let found = meta::get(&catalog, meta::ARCHIVE_ID).await.map_err(|error| match at {
            CatalogAt::File(path) => {
                let why = writable::root_cause(&error);
                CatalogError::Open { path: path.clone(), why }
            }
            CatalogAt::Server { .. } => error,
        })?;
        let found = found.unwrap_or_default();
        if found != expected {
            return Err(AppError::OtherArchive {
                catalog: at.to_string(),
                found,
                bucket: bucket_name(&config),
                expected,
            });
        }
        let vault = Vault::open(bucket, master).await?;
        Ok(Self { config: config.into(), clock, vault, catalog })
    }

    /// Opens the vault of an archive whose catalog is lost, with a catalog that is
    /// being made again: new, or as far as an earlier rebuild had come.
    pub async fn open_rebuilding(config: Config, master: MasterKey) -> Result<Self, AppError> {
        let at = &config.archive.catalog;
        if Catalog::found(at).await?.catalog {
            return Err(AppError::HasCatalog(at.to_string()));
        }
        let vault = Vault::open(reach(&config, Clock::System).await?, master).await?;
        let catalog = Catalog::rebuilding(at).await?;
        let archive = vault.archive().to_string();
        match meta::get(&catalog, meta::ARCHIVE_ID).await? {
            Some(found) if found != archive => {
                return Err(AppError::OtherArchive {
                    catalog: at.to_string(),
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
        Ok(self.catalog.finish_rebuilding(&self.config.archive.catalog).await?)
    }

    /// Whether an archive can be created on the servers of a configuration; to
    /// be asked before anything is written.
    pub async fn check_bucket(config: &Config) -> Result<(), AppError> {
        Catalog::check_vacant(&config.archive.catalog).await?;
        if config.bucket.kind == BucketKind::Local {
            return match config.vault.worm {
                Worm::Required => Err(AppError::NotWorm(Enforcement::of_directory().words)),
                Worm::Optional => Ok(()),
            };
        }
        let bucket = reach(config, Clock::System).await?;
        Vault::check_vacant(&bucket).await?;
        bucket.check_dates().await.map_err(VaultError::from)?;
        require_worm(config, &bucket).await
    }

    /// Creates vault and catalog for a configuration that `init` has written.
    pub async fn create(config: Config) -> Result<Self, AppError> {
        if config.bucket.kind == BucketKind::Local {
            try_directory("the bucket", &config.vault.path, "[vault] path")?;
        }
        let bucket = reach(&config, Clock::System).await?;
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

    /// What a copy of the master key says to who finds it.
    pub fn notes(&self, master: &MasterKey) -> Vec<String> {
        vec![
            format!("Master key {} of the Muniment archive {}.", master.id(), self.vault.archive()),
            format!("Bucket: {}. Copied {}.", bucket_name(&self.config), self.clock.now()),
            "With the bucket it is the archive: put this text into the file [archive] master_key"
                .into(),
            "(mode 0600), or run: muniment rebuild --help".into(),
        ]
    }

    /// Writes the key file of an archive that has lost it.
    pub async fn store_master(&self) -> Result<(), AppError> {
        let path = &self.config.archive.master_key;
        if let Some(keys) = path.parent() {
            try_directory("the directory of keys", keys, "[archive] master_key")?;
        }
        Ok(self.vault.master().await.store(path)?)
    }

    /// What decides about people and their rights.
    pub fn access(&self) -> Access {
        let idle_minutes = self.config.http.session_idle_minutes;
        let key = self.vault.session_key();
        Access::new(self.catalog.clone(), self.clock.clone(), idle_minutes, key)
    }

    /// Keeps a second process away for as long as the lock is held.
    pub fn lock(&self) -> Result<ServeLock, AppError> {
        ServeLock::take(&self.config)
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
        bucket.check_dates().await.map_err(unusable)?;
        // Beside another node, what is half-written may be on its way.
        if !self.catalog.is_shared() {
            let removed = bucket.sweep().await.map_err(unusable)?;
            if removed > 0 {
                tracing::info!(removed, "half-written files were removed from the bucket");
            }
        }
        bucket.probe().await.map_err(unusable)
    }
}

/// The configured bucket, which answers.
async fn reach(config: &Config, clock: Clock) -> Result<Bucket, AppError> {
    let opened = Bucket::open(config, clock);
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
        let room = (vault.clone(), catalog.clone(), clock.clone());
        let outward = (log.clone(), parts.recorder.clone());
        let retention = Retention::new(room, index, outward, workers.clone(), &self.config);
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
    pub fn scrubber(
        &self,
        owner: &str,
        workers: Arc<Pool>,
        bytes_per_second: Option<u64>,
    ) -> Scrubber {
        Scrubber {
            vault: self.vault.clone(),
            catalog: self.catalog.clone(),
            clock: self.clock.clone(),
            workers,
            bytes_per_second,
            is_worm_required: self.config.vault.worm == Worm::Required,
            stamp_authorities: self.config.checkpoint.timestamp_ca_file.clone(),
            owner: owner.to_owned(),
        }
    }

    /// Opens the index, or makes an empty one that the follower fills.
    pub fn open_index(&self) -> Result<Index, AppError> {
        let path = &self.config.index.path;
        Index::open(path, self.config.index.memory_bytes).map_err(|error| match error {
            error @ (IndexError::Busy | IndexError::NotAnIndex { .. }) => error.into(),
            error => {
                let why = writable::root_cause(&error);
                AppError::IndexUnusable { path: path.display().to_string(), why }
            }
        })
    }
}

/// Held while a process serves an archive; the kernel frees it with the process. A
/// catalog in a file has a lock of its own, since two directories may name one.
pub struct ServeLock(#[expect(dead_code, reason = "holding them open is their use")] Vec<File>);

impl ServeLock {
    fn take(config: &Config) -> Result<Self, AppError> {
        let data = &config.archive.data;
        let mut paths = vec![data.join("serve.lock")];
        if let CatalogAt::File(catalog) = &config.archive.catalog {
            let mut path = catalog.clone().into_os_string();
            path.push(".lock");
            paths.push(path.into());
        }
        let lock = |path: &PathBuf| {
            let file = File::create(path).map_err(|error| {
                let path = if path.exists() { path } else { data };
                unwritable("the archive's directory", path, "[archive] data", error)
            })?;
            rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
                .map_err(|_| AppError::Busy(data.display().to_string()))?;
            Ok(file)
        };
        Ok(Self(paths.iter().map(lock).collect::<Result<_, AppError>>()?))
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

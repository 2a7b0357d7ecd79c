//! A bucket of an S3 service with Object Lock.
//!
//! `object_store` moves the bytes; `sign` puts the lock into each of its puts;
//! `client` sends what it has no words for. Objects are read by version.
//!
//! A put may have happened though it seemed to fail, and a service may ignore
//! `If-None-Match` where versions are kept. So after every doubt the first
//! version is looked for, and it alone counts.

mod address;
pub mod client;
pub mod credentials;
mod dated;
mod kept;
mod locks;
mod reach;
mod sign;
pub(super) mod skew;
mod versions;

use std::collections::HashSet;
use std::fs::File;
use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use http::Method;
use object_store::aws::{AmazonS3, AmazonS3Builder, Checksum};
use object_store::path::Path as ObjectPath;
use object_store::{
    BackoffConfig, GetOptions, GetResult, MultipartUpload, ObjectStore, ObjectStoreExt as _,
    PutMode, PutMultipartOptions, PutOptions, RetryConfig,
};
use serde::Deserialize;
use tokio::sync::OnceCell;

use client::{Call, CallError, Client, client_options};
use credentials::{Credentials, Use};
use sign::LockingConnector;
use skew::Skew;

use super::bucket::{BucketError, PIECE_BYTES, Place, Seen, failed, next_piece};
use super::enforcement;
use super::retention::{Lock, Schedule};
use crate::base::clock::{Clock, Timestamp};
use crate::base::config;
use crate::base::hash::{Digest, Hasher};
use crate::base::limits;

#[derive(Debug)]
pub struct S3 {
    store: AmazonS3,
    /// Tries each create once: a second try may be a second version.
    creator: AmazonS3,
    /// With the credentials that ingest.
    client: Client,
    disposition: Option<Client>,
    schedule: Schedule,
    /// The time by which locks are counted: the service's.
    skew: Skew,
    /// Locks that the bucket was seen to keep to: a few for each month.
    proven: Mutex<HashSet<Lock>>,
    /// Whether puts carry locks; known once the bucket was asked.
    has_locks: OnceCell<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LockConfiguration {
    object_lock_enabled: Option<String>,
}

impl S3 {
    pub fn open(
        config: &config::Bucket,
        schedule: Schedule,
        clock: Clock,
        is_required: bool,
    ) -> Result<Self, BucketError> {
        let ingest = Credentials::required(config.credentials.as_deref())?;
        let skew = Skew::new(clock);
        let mut client = Client::new(config, ingest)?;
        client.skew = Some(skew.clone());
        let file = config.disposition_credentials.as_deref();
        let mut disposition = Credentials::find(Use::Disposition, file)?
            .map(|credentials| Client::new(config, credentials))
            .transpose()?;
        if let Some(client) = &mut disposition {
            client.skew = Some(skew.clone());
        }
        let (address, signatory) = (&client.address, client.signatory.clone());
        let store = |retries| {
            AmazonS3Builder::new()
                .with_endpoint(match config.path_style {
                    true => address.endpoint(),
                    false => address.base(),
                })
                .with_virtual_hosted_style_request(!config.path_style)
                .with_allow_http(true)
                .with_region(&config.region)
                .with_bucket_name(&config.name)
                .with_credentials(signatory.credentials.clone())
                // AWS asks for one where a put sets a lock.
                .with_checksum_algorithm(Checksum::SHA256)
                .with_client_options(client_options(config)?)
                .with_retry(retry(retries))
                .with_http_connector(LockingConnector(signatory.clone(), skew.clone()))
                .build()
                .map_err(|source| BucketError::Open { path: address.base().to_owned(), source })
        };
        let (store, creator) = (store(limits::S3_ATTEMPTS - 1)?, store(0)?);
        Ok(Self {
            store,
            creator,
            client,
            disposition,
            schedule,
            skew,
            proven: Mutex::default(),
            // Where locks are required, a put without one must fail.
            has_locks: OnceCell::new_with(is_required.then_some(true)),
        })
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn disposition(&self) -> Option<&Client> {
        self.disposition.as_ref()
    }

    /// Whether the bucket can lock objects.
    pub(super) async fn is_lock_configured(&self) -> Result<bool, CallError> {
        let call = Call { method: Method::GET, query: &[("object-lock", "")], ..Call::default() };
        let answer = self.client.call(&call).await?;
        if answer.code() == "ObjectLockConfigurationNotFoundError" {
            return Ok(false);
        }
        let configuration: LockConfiguration = answer.done()?.xml()?;
        Ok(configuration.object_lock_enabled.as_deref() == Some("Enabled"))
    }

    /// The lock that an object is created with.
    async fn lock_now(&self, name: &str) -> Result<Option<Lock>, BucketError> {
        self.lock_of(name, self.skew.now()).await
    }

    /// The lock of an object that was put at `at`.
    pub(super) async fn lock_of(
        &self,
        name: &str,
        at: Timestamp,
    ) -> Result<Option<Lock>, BucketError> {
        let asked = self.has_locks.get_or_try_init(|| self.is_lock_configured());
        match asked.await {
            Ok(true) => Ok(self.schedule.lock_of(name, at)),
            Ok(false) => Ok(None),
            Err(error) => Err(call_failed("ask for the lock of", name, error)),
        }
    }

    fn path(&self, name: &str) -> ObjectPath {
        ObjectPath::from(self.client.address.key(name))
    }

    /// Creates an object; its version.
    pub(super) async fn put_new(
        &self,
        name: &str,
        bytes: Bytes,
    ) -> Result<Option<String>, BucketError> {
        let lock = self.lock_now(name).await?;
        if let Some(lock) = &lock {
            self.check_far(lock).await?;
        }
        let (version, is_ours) = self.create(name, bytes, lock).await?;
        // Another's may be older, and its lock roll on.
        if let Some(lock) = lock.filter(|_| is_ours) {
            self.prove(Place { name: name.to_owned(), version: version.clone() }, lock).await?;
        }
        Ok(version)
    }

    /// Looks whether the bucket keeps to a lock that it was not given before.
    async fn prove(&self, place: Place, lock: Lock) -> Result<(), BucketError> {
        if self.proven.lock().expect(HELD_BRIEFLY).contains(&lock) {
            return Ok(());
        }
        match self.check_lock(&place, &lock).await {
            Err(error @ BucketError::OtherLock { .. }) => return Err(error),
            // What credentials may not ask is told by the trial of the bucket.
            Err(error) => tracing::debug!(%error, "the lock of a new object was not looked at"),
            Ok(()) => {}
        }
        self.proven.lock().expect(HELD_BRIEFLY).insert(lock);
        Ok(())
    }

    pub(super) async fn put_locked(
        &self,
        name: &str,
        bytes: Bytes,
        lock: Option<Lock>,
    ) -> Result<Option<String>, BucketError> {
        Ok(self.create(name, bytes, lock).await?.0)
    }

    /// The version of an object that is new, or was there with the same bytes; and
    /// whether it was made here.
    async fn create(
        &self,
        name: &str,
        bytes: Bytes,
        lock: Option<Lock>,
    ) -> Result<(Option<String>, bool), BucketError> {
        let mut pause = Duration::from_millis(limits::S3_RETRY_FIRST_MS);
        let mut attempt = 1;
        loop {
            let options =
                PutOptions { mode: PutMode::Create, extensions: with(lock), ..Default::default() };
            let put = self.creator.put_opts(&self.path(name), bytes.clone().into(), options).await;
            let (own, error) = match put {
                Ok(put) if is_of_one_writer(name) => return Ok((put.version, true)),
                Ok(put) => (put.version, None),
                Err(error) if is_refusal(&error) => return Err(failed("create", name, error)),
                Err(error) => (None, Some(error)),
            };
            // Ours may have happened though the answer was lost, or another's before it.
            let first = self.versions_of(name).await?.into_iter().next();
            match (first, error) {
                (Some(first), _) => {
                    let is_ours = own.as_ref() == Some(&first);
                    let place = Place { name: name.to_owned(), version: Some(first) };
                    return match is_ours || self.get(&place).await? == bytes {
                        true => Ok((place.version, is_ours)),
                        false => Err(BucketError::Differs(name.to_owned())),
                    };
                }
                (None, Some(_)) if attempt < limits::S3_ATTEMPTS => {
                    attempt += 1;
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                (None, Some(error)) => return Err(failed("create", name, error)),
                (None, None) => return Err(BucketError::Missing(name.to_owned())),
            }
        }
    }

    /// Creates an object from a file, in parts; its version.
    pub(super) async fn put_file(
        &self,
        name: &str,
        file: File,
    ) -> Result<Option<String>, BucketError> {
        let version = self.upload(name, file).await?;
        let place = Place { name: name.to_owned(), version };
        // RGW 16 does not lock what was uploaded in parts.
        self.ensure_lock(&place).await?;
        Ok(place.version)
    }

    async fn upload(&self, name: &str, file: File) -> Result<Option<String>, BucketError> {
        let lock = self.lock_now(name).await?;
        if let Some(lock) = &lock {
            self.check_far(lock).await?;
        }
        let options = PutMultipartOptions { extensions: with(lock), ..Default::default() };
        let mut upload = self
            .store
            .put_multipart_opts(&self.path(name), options)
            .await
            .map_err(|source| failed("create", name, source))?;
        let sha256 = match self.put_parts(&mut upload, name, file).await {
            Ok(sha256) => sha256,
            Err(error) => {
                // The parts of an abandoned upload are no object; the failure
                // that counts is the first.
                let _ = upload.abort().await;
                return Err(error);
            }
        };
        let error = match upload.complete().await {
            Ok(put) if put.version.is_some() => return Ok(put.version),
            Ok(_) => None,
            Err(error) => Some(error),
        };
        // It may be complete though the answer was lost.
        for version in self.versions_of(name).await? {
            if self.sha256(name, &version).await? == sha256 {
                return Ok(Some(version));
            }
        }
        Err(match error {
            Some(source) => failed("complete", name, source),
            None => BucketError::Missing(name.to_owned()),
        })
    }

    async fn put_parts(
        &self,
        upload: &mut Box<dyn MultipartUpload>,
        name: &str,
        mut file: File,
    ) -> Result<Digest, BucketError> {
        let mut hasher = Hasher::new();
        loop {
            let (back, piece) = next_piece(file, PIECE_BYTES).await?;
            file = back;
            if piece.is_empty() {
                return Ok(hasher.finish());
            }
            hasher.update(&piece);
            let put = upload.put_part(piece.into()).await;
            put.map_err(|source| failed("write", name, source))?;
        }
    }

    /// The version that is the archive's: the first, or, where a name holds the
    /// hash of its contents, the first that has it.
    pub(super) async fn first_version(&self, name: &str) -> Result<String, BucketError> {
        let missing = || BucketError::Missing(name.to_owned());
        let mut versions = self.versions_of(name).await?.into_iter();
        let first = versions.next().ok_or_else(missing)?;
        let Some(sha256) = hash_in(name).filter(|_| versions.len() > 0) else { return Ok(first) };
        for version in std::iter::once(first.clone()).chain(versions) {
            if self.sha256(name, &version).await? == sha256 {
                return Ok(version);
            }
        }
        Ok(first)
    }

    async fn versions_of(&self, name: &str) -> Result<Vec<String>, BucketError> {
        let found = self.client.versions_of(name).await;
        let found = found.map_err(|error| call_failed("find", name, error))?;
        Ok(found.into_iter().map(|version| version.id).collect())
    }

    async fn sha256(&self, name: &str, version: &str) -> Result<Digest, BucketError> {
        let mut hasher = Hasher::new();
        let mut pieces =
            self.read_version(name, version, GetOptions::default()).await?.into_stream();
        let failed = |source| failed("read", name, source);
        while let Some(piece) = pieces.try_next().await.map_err(failed)? {
            hasher.update(&piece);
        }
        Ok(hasher.finish())
    }

    pub(super) async fn get(&self, place: &Place) -> Result<Bytes, BucketError> {
        let got = self.read(place, GetOptions::default()).await?;
        got.bytes().await.map_err(|source| failed("read", &place.name, source))
    }

    pub(super) async fn get_range(
        &self,
        place: &Place,
        range: Range<u64>,
    ) -> Result<Bytes, BucketError> {
        let got = self.read(place, GetOptions::new().with_range(Some(range))).await?;
        got.bytes().await.map_err(|source| failed("read", &place.name, source))
    }

    pub(super) async fn size(&self, place: &Place) -> Result<u64, BucketError> {
        Ok(self.read(place, GetOptions::new().with_head(true)).await?.meta.size)
    }

    async fn read(&self, place: &Place, options: GetOptions) -> Result<GetResult, BucketError> {
        match &place.version {
            Some(version) => self.read_version(&place.name, version, options).await,
            // Segments from before versions were recorded have none.
            None => {
                let version = self.first_version(&place.name).await?;
                self.read_version(&place.name, &version, options).await
            }
        }
    }

    async fn read_version(
        &self,
        name: &str,
        version: &str,
        options: GetOptions,
    ) -> Result<GetResult, BucketError> {
        let options = options.with_version(Some(version));
        match self.store.get_opts(&self.path(name), options).await {
            Ok(got) => Ok(got),
            Err(object_store::Error::NotFound { .. }) => Err(BucketError::Missing(name.to_owned())),
            Err(source) => Err(failed("read", name, source)),
        }
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<String>, BucketError> {
        let below = format!("{}/", prefix.trim_end_matches('/'));
        let found = self.client.versions_below(&below).await;
        let found = found.map_err(|error| call_failed("list", prefix, error))?;
        let mut names: Vec<String> = found.into_iter().map(|version| version.name).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    pub(super) async fn look(&self, prefix: &str) -> Result<Vec<Seen>, BucketError> {
        let below = format!("{}/", prefix.trim_end_matches('/'));
        let found = self.client.seen_below(&below).await;
        found.map_err(|error| call_failed("list", prefix, error))
    }

    pub(super) async fn look_after(
        &self,
        prefix: &str,
        after: &str,
    ) -> Result<Vec<Seen>, BucketError> {
        let below = format!("{}/", prefix.trim_end_matches('/'));
        let found = self.client.seen_after(&below, after).await;
        found.map_err(|error| call_failed("list", prefix, error))
    }

    pub(super) fn skew(&self) -> &Skew {
        &self.skew
    }

    /// The service's own time.
    pub(super) async fn now(&self) -> Result<Timestamp, BucketError> {
        let call = Call { method: Method::GET, query: &[("versioning", "")], ..Call::default() };
        let failed =
            |error| call_failed("ask for the time of", self.client.address.bucket(), error);
        let answer = self.client.call(&call).await.map_err(failed)?.done().map_err(failed)?;
        enforcement::time_of(&answer).ok_or_else(|| failed(CallError::Unreadable))
    }

    /// An upload that is begun and given up: it takes the right to write, and
    /// leaves no version that would stay for years.
    pub(super) async fn probe(&self, name: &str) -> Result<(), BucketError> {
        let tried = async { self.store.put_multipart(&self.path(name)).await?.abort().await };
        tried.await.map_err(|source| failed("create", name, source))
    }
}

const HELD_BRIEFLY: &str = "nothing panics while it is held";

/// The extensions by which a lock reaches `sign`.
fn with(lock: Option<Lock>) -> http::Extensions {
    let mut extensions = http::Extensions::new();
    if let Some(lock) = lock {
        extensions.insert(lock);
    }
    extensions
}

/// Whether the name holds an id that only one writer knows. Of the others two
/// nodes may make the same at the same time.
fn is_of_one_writer(name: &str) -> bool {
    ["seg/", "key/", "canary/"].iter().any(|prefix| name.starts_with(prefix))
}

/// The hash of the contents that a segment's name ends with.
fn hash_in(name: &str) -> Option<Digest> {
    name.strip_suffix(".seg")?.rsplit_once('-')?.1.parse().ok()
}

/// Whether the service said that it did not do it, and will not.
fn is_refusal(error: &object_store::Error) -> bool {
    use object_store::Error as E;
    matches!(error, E::PermissionDenied { .. } | E::Unauthenticated { .. } | E::NotFound { .. })
}

fn call_failed(operation: &'static str, name: &str, error: CallError) -> BucketError {
    let status = match &error {
        CallError::Refused { status, .. } => Some(*status),
        _ => None,
    };
    let (path, source) = (name.to_owned(), Box::new(error));
    let source = match status {
        Some(http::StatusCode::FORBIDDEN) => object_store::Error::PermissionDenied { path, source },
        _ => object_store::Error::Generic { store: "S3", source },
    };
    failed(operation, name, source)
}

fn retry(max_retries: usize) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(limits::S3_RETRY_FIRST_MS),
            ..BackoffConfig::default()
        },
        max_retries,
        retry_timeout: Duration::from_secs(limits::S3_REQUEST_SECONDS),
    }
}

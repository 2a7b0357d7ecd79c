//! A real S3 service with Object Lock, where `tests/tools/rgw` has started one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use http::Method;
use muniment::base::clock::Clock;
use muniment::base::config::{self, BucketKind, Config};
use muniment::base::durable;
use muniment::vault::bucket::Bucket;
use muniment::vault::s3::client::{Answer, Call, Client};
use muniment::vault::s3::credentials::Credentials;
use object_store::aws::AwsCredential;

use super::binary;
use super::served::{Made, said_by};

/// How a bucket is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    WithLock,
    WithVersions,
    Plain,
}

/// A bucket of its own for one test, and the files by which it is configured.
pub struct Service {
    pub config: config::Bucket,
    /// The same service by TLS, and the certificate (PEM) that vouches for it.
    pub tls_endpoint: String,
    pub authority: PathBuf,
    /// Of who made the bucket and may do anything with it.
    pub owner: Client,
    _directory: tempfile::TempDir,
}

impl Service {
    /// `None`, and said aloud, where there is no service.
    pub async fn with_bucket(kind: Kind) -> Option<Self> {
        let Ok(found) = std::env::var("MUNIMENT_TEST_S3") else {
            eprintln!("SKIPPED: no S3 service; run the tests by tests/tools/rgw");
            return None;
        };
        let words: Vec<&str> = found.split(' ').collect();
        let [endpoint, tls_endpoint, authority, owner, owner_secret, ingest, ingest_secret] =
            words[..]
        else {
            panic!("MUNIMENT_TEST_S3 is {found:?}");
        };
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, id: &str, secret: &str| {
            let path = directory.path().join(name);
            write_credentials(&path, id, secret);
            Some(path)
        };
        let config = config::Bucket {
            kind: BucketKind::S3,
            endpoint: endpoint.into(),
            name: format!("t-{}", uuid::Uuid::now_v7()),
            credentials: file("ingest", ingest, ingest_secret),
            disposition_credentials: file("disposition", owner, owner_secret),
            ..config::Bucket::default()
        };
        let credential =
            AwsCredential { key_id: owner.into(), secret_key: owner_secret.into(), token: None };
        let owner = Client::new(&config, Credentials::Environment(Arc::new(credential))).unwrap();
        let (tls_endpoint, authority) = (tls_endpoint.to_owned(), authority.into());
        let service = Self { config, tls_endpoint, authority, owner, _directory: directory };
        service.make(kind).await;
        service.allow(RIGHTS).await;
        Some(service)
    }

    /// A bucket of MiniStack, where `tests/tools/ministack` has started it. It knows no
    /// rights.
    pub async fn emulated(kind: Kind) -> Option<Self> {
        let Ok(endpoint) = std::env::var("MUNIMENT_TEST_MINISTACK") else {
            eprintln!("SKIPPED: no MiniStack; run the tests by tests/tools/ministack");
            return None;
        };
        let (id, secret) = ("owner-key", "owner-secret");
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("credentials");
        write_credentials(&file, id, secret);
        let config = config::Bucket {
            kind: BucketKind::S3,
            endpoint: endpoint.clone(),
            name: format!("t-{}", uuid::Uuid::now_v7()),
            credentials: Some(file),
            ..config::Bucket::default()
        };
        let credential =
            AwsCredential { key_id: id.into(), secret_key: secret.into(), token: None };
        let owner = Client::new(&config, Credentials::Environment(Arc::new(credential))).unwrap();
        let (tls_endpoint, authority) = (endpoint, PathBuf::new());
        let service = Self { config, tls_endpoint, authority, owner, _directory: directory };
        service.make(kind).await;
        Some(service)
    }

    async fn make(&self, kind: Kind) {
        let headers: &[_] = match kind {
            Kind::WithLock => &[("x-amz-bucket-object-lock-enabled", "true")],
            _ => &[],
        };
        self.done(Call { method: Method::PUT, headers, ..Call::default() }).await;
        if kind == Kind::WithVersions {
            let body = "<VersioningConfiguration><Status>Enabled</Status>\
                        </VersioningConfiguration>";
            self.done(Call {
                method: Method::PUT,
                query: &[("versioning", "")],
                body: body.into(),
                ..Call::default()
            })
            .await;
        }
    }

    /// Gives the ingesting user these rights in the bucket, and no others.
    pub async fn allow(&self, rights: &[&str]) {
        let name = &self.config.name;
        let actions: Vec<_> = rights.iter().map(|right| format!("s3:{right}")).collect();
        let denied = DENIED.iter().filter(|right| !rights.contains(right));
        let denied: Vec<_> = denied.map(|right| format!("s3:{right}")).collect();
        let statement = |effect: &str, user: &str, actions: &[String]| {
            serde_json::json!({
                "Effect": effect,
                "Principal": { "AWS": [format!("arn:aws:iam:::user/{user}")] },
                "Action": actions,
                "Resource": [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")],
            })
        };
        // What another wrote is not the owner's without being told.
        let mut statements = vec![
            statement("Allow", "ingest", &actions),
            statement("Allow", "owner", &["s3:*".into()]),
        ];
        if !denied.is_empty() {
            statements.push(statement("Deny", "ingest", &denied));
        }
        let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": statements });
        let body = policy.to_string();
        let query = [("policy", "")];
        self.done(Call { method: Method::PUT, query: &query, body, ..Call::default() }).await;
    }

    /// Gives the bucket a rule of its own, longer than the classes and weaker.
    pub async fn govern_by_default(&self) {
        let body = "<ObjectLockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                    <ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
                    <Mode>GOVERNANCE</Mode><Years>20</Years></DefaultRetention></Rule>\
                    </ObjectLockConfiguration>";
        let (method, query, body) = (Method::PUT, [("object-lock", "")], body.to_owned());
        self.done(Call { method, query: &query, body, ..Call::default() }).await;
    }

    /// Has the owner do it.
    pub async fn done(&self, call: Call<'_>) -> Answer {
        let answer = self.owner.call(&call).await.unwrap();
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        answer.done().unwrap_or_else(|error| panic!("{error:?}: {said}"))
    }

    /// Puts a version under a name, as anyone may who can write to the bucket.
    pub async fn put_on_top(&self, key: &str, body: &str) {
        let body = body.to_owned();
        self.done(Call { method: Method::PUT, key, body, ..Call::default() }).await;
    }

    /// Deletes by name: that leaves a marker on top.
    pub async fn put_marker(&self, key: &str) {
        self.done(Call { method: Method::DELETE, key, ..Call::default() }).await;
    }

    pub fn open(&self) -> Bucket {
        self.open_with(|_| ())
    }

    pub fn open_with(&self, change: impl FnOnce(&mut Config)) -> Bucket {
        let mut config = Config { bucket: self.config.clone(), ..Config::default() };
        change(&mut config);
        Bucket::open(&config, Clock::System).unwrap()
    }

    /// `init` with an archive in this bucket, reached at `endpoint`.
    pub fn init_command(&self, data: &Path, endpoint: &str) -> Command {
        let mut command = Command::new(binary());
        command.args(["init", "--data"]).arg(data).args(["--endpoint", endpoint]);
        command.args(["--bucket", &self.config.name]);
        for (name, file) in [
            ("--credentials", &self.config.credentials),
            ("--disposition-credentials", &self.config.disposition_credentials),
        ] {
            if let Some(file) = file {
                command.arg(name).arg(file);
            }
        }
        command
    }

    /// An archive in this bucket, reached at `endpoint`.
    pub fn init(&self, endpoint: &str) -> Made {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("archive");
        let said = said_by(self.init_command(&data, endpoint).arg("--worm-required"));
        Made { config: data.join("muniment.toml"), said, _directory: directory }
    }
}

/// What the credentials that ingest need. They cannot delete versions, bypass
/// governance or lift legal holds.
pub const RIGHTS: &[&str] = &[
    "GetObject",
    "GetObjectVersion",
    "PutObject",
    "AbortMultipartUpload",
    "ListBucket",
    "ListBucketVersions",
    "GetBucketVersioning",
    "GetBucketObjectLockConfiguration",
    "GetObjectRetention",
    "PutObjectRetention",
    "GetObjectLegalHold",
];

/// What they are denied. To who put an object RGW allows the last by that alone.
const DENIED: &[&str] = &["DeleteObjectVersion", "BypassGovernanceRetention", "PutObjectLegalHold"];

pub fn write_credentials(path: &Path, id: &str, secret: &str) {
    let _ = std::fs::remove_file(path);
    let text = format!("access_key_id = \"{id}\"\nsecret_access_key = \"{secret}\"\n");
    durable::create(path, text.as_bytes(), 0o600).unwrap();
}

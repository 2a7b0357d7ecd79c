//! The configuration: one TOML file, every key documented with its default,
//! unknown keys refused, and `MUNIMENT__SECTION__KEY` overrides. What decides where
//! mail is taken and how long it is kept has no default: the file must say it.

mod bucket;
mod catalog;
mod check;
mod outside;
mod read;
mod rule;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use bucket::{Bucket, BucketKind};
pub use catalog::CatalogAt;
pub use outside::{Checkpoint, Post, PostTls};
pub use read::ConfigError;
pub use rule::{Direction, Flag, Organisation, Rule};

use super::limits;

/// The file that `init` writes: complete, commented, ready to serve.
/// `{…}` marks are filled by `init`.
pub const TEMPLATE: &str = include_str!("../muniment.toml");

/// What the archive itself states lies beside the classes, under this name.
pub const POLICY: &str = "policy";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it was read from, for who must mend it.
    #[serde(skip)]
    pub file: PathBuf,
    pub archive: Archive,
    pub smtp: Smtp,
    pub http: Http,
    pub vault: Vault,
    pub bucket: Bucket,
    pub index: Index,
    pub worker: Worker,
    pub log: Log,
    pub organisation: Organisation,
    pub checkpoint: Checkpoint,
    pub post: Post,
    pub source: Vec<Source>,
    pub class: Vec<Class>,
    pub rule: Vec<Rule>,
}

/// Where this node keeps what is not in the bucket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Archive {
    /// Relative paths in the file are taken from this directory; a relative
    /// directory is taken from the configuration file's own.
    pub data: PathBuf,
    pub catalog: CatalogAt,
    /// A file with the password of the catalog's server.
    pub catalog_password: Option<PathBuf>,
    pub master_key: PathBuf,
    /// Encrypted temporary files of large deliveries; emptied at start.
    pub spool: PathBuf,
    /// Exports and other files that can be made again.
    pub work: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartTls {
    Off,
    Optional,
    Required,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Smtp {
    pub listen: Vec<SocketAddr>,
    /// The name in the greeting; empty means the host's.
    pub hostname: String,
    pub size_bytes_max: u64,
    /// Of deliveries that are arriving or waiting to be written; beyond it, 451.
    pub memory_bytes_max: usize,
    pub tls: StartTls,
    pub tls_certificate: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    /// Certificate authorities whose client certificates are asked for.
    pub tls_client_ca: Option<PathBuf>,
    pub connections_max: usize,
    pub connections_per_peer_max: usize,
    pub commands_max: usize,
    pub idle_seconds: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    pub listen: SocketAddr,
    /// Set when the app is reached over https: cookies become `Secure`.
    pub secure_cookies: bool,
    /// Proxies in front, whose X-Forwarded-For is believed.
    pub proxies: Vec<ipnet::IpNet>,
    pub session_idle_minutes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Worm {
    Optional,
    Required,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vault {
    /// A directory on this machine; not used where `[bucket]` is another kind.
    pub path: PathBuf,
    pub worm: Worm,
    /// How often the whole archive is checked; 0: never.
    pub check_days: u64,
    pub check_bytes_per_second: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Index {
    pub path: PathBuf,
    pub memory_bytes: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Worker {
    pub processes: usize,
    pub memory_bytes_max: u64,
    pub seconds_max: u64,
    /// Whom children become where the server is root's; 0: nobody else.
    pub user_id: u32,
    pub confinement: Confinement,
    /// Whether pictures, and pages without text, are read by their looks.
    pub ocr: bool,
    /// As tesseract calls them.
    pub ocr_languages: Vec<String>,
    /// For one picture or page.
    pub ocr_seconds_max: u64,
}

/// Whether a kernel that cannot confine children is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confinement {
    Optional,
    Required,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// A tracing filter, as `info` or `muniment=debug`.
    pub level: String,
    pub json: bool,
}

/// A configured sender of journal mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub name: String,
    /// The journal address: unguessable, one per source.
    pub address: String,
    /// Networks whose connections are accepted.
    #[serde(default)]
    pub peers: Vec<ipnet::IpNet>,
    /// SHA-256 of client certificates that are accepted (hex of the DER form).
    #[serde(default)]
    pub client_certificates: Vec<crate::base::hash::Digest>,
    #[serde(default)]
    pub sends: Sends,
    /// For Microsoft 365, whose servers every tenant shares: the expected outer
    /// `X-OriginatorOrg`. A delivery without it is kept and flagged unproven.
    #[serde(default)]
    pub originator_org: Option<String>,
    /// A retention class of its deliveries, as a rule would give it.
    #[serde(default)]
    pub class: Option<String>,
}

/// What a source's deliveries are. The headers of a report can be written by
/// anyone who can send mail, so the source says whether they mean anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sends {
    /// Journal reports, as of Exchange and Microsoft 365. What claims to be none
    /// is a message.
    #[default]
    Reports,
    /// Copies of messages, as of Google Workspace and Postfix. What claims to be
    /// a report is a message that says so.
    Copies,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassMode {
    Strict,
    Erasable,
}

impl ClassMode {
    /// As the configuration has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Erasable => "erasable",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Strict, Self::Erasable].into_iter().find(|mode| mode.word() == word)
    }
}

/// A retention class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Lower-case letters, digits and hyphens, at most 32.
    pub name: String,
    pub years: u16,
    pub mode: ClassMode,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            file: PathBuf::new(),
            archive: Archive::default(),
            smtp: Smtp::default(),
            http: Http::default(),
            vault: Vault::default(),
            bucket: Bucket::default(),
            index: Index::default(),
            worker: Worker::default(),
            log: Log::default(),
            organisation: Organisation::default(),
            checkpoint: Checkpoint::default(),
            post: Post::default(),
            source: Vec::new(),
            class: vec![Class { name: "standard".into(), years: 7, mode: ClassMode::Strict }],
            rule: Vec::new(),
        }
    }
}

impl Default for Archive {
    fn default() -> Self {
        Self {
            data: ".".into(),
            catalog: "catalog.db".into(),
            catalog_password: None,
            master_key: "keys/master.key".into(),
            spool: "spool".into(),
            work: "work".into(),
        }
    }
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 2525))],
            hostname: String::new(),
            size_bytes_max: limits::DELIVERY_BYTES_MAX,
            memory_bytes_max: limits::INGEST_MEMORY_BYTES_MAX,
            tls: StartTls::Off,
            tls_certificate: None,
            tls_key: None,
            tls_client_ca: None,
            connections_max: limits::SMTP_CONNECTIONS_MAX,
            connections_per_peer_max: limits::SMTP_CONNECTIONS_PER_PEER_MAX,
            commands_max: limits::SMTP_COMMANDS_MAX,
            idle_seconds: limits::SMTP_IDLE_SECONDS,
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            secure_cookies: false,
            proxies: Vec::new(),
            session_idle_minutes: 480,
        }
    }
}

impl Default for Vault {
    fn default() -> Self {
        Self {
            path: "bucket".into(),
            worm: Worm::Optional,
            check_days: 7,
            check_bytes_per_second: 32 << 20,
        }
    }
}

impl Default for Index {
    fn default() -> Self {
        Self { path: "index".into(), memory_bytes: 128 << 20 }
    }
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            processes: 2,
            memory_bytes_max: 2 << 30,
            seconds_max: 60,
            user_id: limits::NOBODY,
            confinement: Confinement::Optional,
            ocr: false,
            ocr_languages: vec!["eng".into()],
            ocr_seconds_max: 60,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), json: false }
    }
}

#[cfg(test)]
mod tests;

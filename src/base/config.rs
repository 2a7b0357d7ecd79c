//! The configuration: one TOML file, every key documented with its default,
//! unknown keys refused, and `MUNIMENT__SECTION__KEY` overrides.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::limits;

/// The file that `init` writes: complete, commented, ready to serve.
/// `{…}` marks are filled by `init`.
pub const TEMPLATE: &str = include_str!("muniment.toml");

const ENVIRONMENT_PREFIX: &str = "MUNIMENT__";

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "cannot read the configuration {path}; create an archive with `muniment init --data DIR`, \
         or name its file with --config"
    )]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the configuration {path} is not valid: {message}")]
    Invalid { path: PathBuf, message: String },
    #[error("the environment variable {name} is not valid: {message}")]
    Environment { name: String, message: String },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub archive: Archive,
    pub smtp: Smtp,
    pub http: Http,
    pub vault: Vault,
    pub index: Index,
    pub worker: Worker,
    pub log: Log,
    pub source: Vec<Source>,
    pub class: Vec<Class>,
}

/// Where this node keeps what is not in the bucket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Archive {
    /// Relative paths in the file are taken from this directory; a relative
    /// directory is taken from the configuration file's own.
    pub data: PathBuf,
    pub catalog: PathBuf,
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
    /// A directory on this machine.
    pub path: PathBuf,
    pub worm: Worm,
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
    /// For Microsoft 365, whose servers every tenant shares: the expected outer
    /// `X-OriginatorOrg`. A delivery without it is kept and flagged unproven.
    #[serde(default)]
    pub originator_org: Option<String>,
    /// The retention class of its deliveries; by default the first one.
    #[serde(default)]
    pub class: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassMode {
    Strict,
    Erasable,
}

/// A retention class.
#[derive(Clone, Debug, Deserialize)]
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
            archive: Archive::default(),
            smtp: Smtp::default(),
            http: Http::default(),
            vault: Vault::default(),
            index: Index::default(),
            worker: Worker::default(),
            log: Log::default(),
            source: Vec::new(),
            class: vec![Class { name: "standard".into(), years: 7, mode: ClassMode::Strict }],
        }
    }
}

impl Default for Archive {
    fn default() -> Self {
        Self {
            data: ".".into(),
            catalog: "catalog.db".into(),
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
        Self { path: "bucket".into(), worm: Worm::Optional }
    }
}

impl Default for Index {
    fn default() -> Self {
        Self { path: "index".into(), memory_bytes: 128 << 20 }
    }
}

impl Default for Worker {
    fn default() -> Self {
        Self { processes: 2, memory_bytes_max: 2 << 30, seconds_max: 60 }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), json: false }
    }
}

impl Config {
    /// Reads `path`, applies the environment's overrides, resolves paths and
    /// checks what can be checked without touching anything else.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let variables = std::env::vars().filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX));
        let mut config = Self::parse(path, &text, variables)?;
        let base = path.parent().unwrap_or(Path::new("."));
        config.resolve(base);
        Ok(config)
    }

    fn parse(
        path: &Path,
        text: &str,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let invalid = |message: String| ConfigError::Invalid { path: path.to_owned(), message };
        let mut table: toml::Table =
            toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
        for (name, value) in variables {
            override_key(&mut table, &name, &value)?;
        }
        // Deserialised from the text when nothing was overridden, for errors
        // that show the line.
        let config: Self = match toml::from_str::<toml::Table>(text) {
            Ok(unchanged) if unchanged == table => {
                toml::from_str(text).map_err(|error| invalid(error.to_string()))?
            }
            _ => table.try_into().map_err(|error: toml::de::Error| invalid(error.to_string()))?,
        };
        config.check().map_err(invalid)?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if self.class.is_empty() || self.class.len() > 12 {
            return Err("[[class]]: between 1 and 12 classes are needed".into());
        }
        for class in &self.class {
            let named = !class.name.is_empty()
                && class.name.len() <= 32
                && class
                    .name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if !named {
                return Err(format!(
                    "[[class]] name {:?}: use 1 to 32 lower-case letters, digits and hyphens",
                    class.name
                ));
            }
            if class.years == 0 || class.years > 100 {
                return Err(format!("[[class]] {}: years must be 1 to 100", class.name));
            }
        }
        for (index, source) in self.source.iter().enumerate() {
            if !source.address.contains('@') {
                return Err(format!(
                    "[[source]] {}: address {:?} is not a mail address",
                    source.name, source.address
                ));
            }
            if source.peers.is_empty() && source.client_certificates.is_empty() {
                return Err(format!(
                    "[[source]] {}: name its peers or client_certificates; without either \
                     nothing could be accepted from it",
                    source.name
                ));
            }
            if let Some(class) = &source.class
                && !self.class.iter().any(|known| known.name == *class)
            {
                return Err(format!("[[source]] {}: there is no class {class:?}", source.name));
            }
            let twice = self.source[..index].iter().any(|other| {
                other.name == source.name || other.address.eq_ignore_ascii_case(&source.address)
            });
            if twice {
                return Err(format!(
                    "[[source]] {}: another source has this name or address",
                    source.name
                ));
            }
        }
        if self.smtp.tls != StartTls::Off
            && (self.smtp.tls_certificate.is_none() || self.smtp.tls_key.is_none())
        {
            return Err("[smtp] tls: set tls_certificate and tls_key, or tls = \"off\"".into());
        }
        Ok(())
    }

    fn resolve(&mut self, base: &Path) {
        let data = base.join(&self.archive.data);
        for path in [
            &mut self.archive.catalog,
            &mut self.archive.master_key,
            &mut self.archive.spool,
            &mut self.archive.work,
            &mut self.vault.path,
            &mut self.index.path,
        ] {
            *path = data.join(&*path);
        }
        for path in
            [&mut self.smtp.tls_certificate, &mut self.smtp.tls_key, &mut self.smtp.tls_client_ca]
                .into_iter()
                .flatten()
        {
            *path = base.join(&*path);
        }
        self.archive.data = data;
    }
}

/// Puts the value of `MUNIMENT__SECTION__KEY` in its place. It is read as TOML
/// where it is TOML (numbers, booleans, arrays), else as a string.
fn override_key(table: &mut toml::Table, name: &str, value: &str) -> Result<(), ConfigError> {
    let wrong = |message: &str| ConfigError::Environment {
        name: name.to_owned(),
        message: message.to_owned(),
    };
    let path = name.trim_start_matches(ENVIRONMENT_PREFIX).to_ascii_lowercase();
    let Some((section, key)) = path.split_once("__") else {
        return Err(wrong("name it MUNIMENT__SECTION__KEY"));
    };
    let parsed = toml::from_str::<toml::Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    table
        .entry(section)
        .or_insert_with(|| toml::Value::Table(toml::Table::new()))
        .as_table_mut()
        .ok_or_else(|| wrong("lists of sources and classes are set in the file only"))?
        .insert(key.to_owned(), parsed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables.iter().map(|(k, v)| (k.to_string(), v.to_string()));
        Config::parse(Path::new("muniment.toml"), text, variables).map_err(|e| e.to_string())
    }

    #[test]
    fn the_template_says_the_defaults() {
        let text = TEMPLATE.replace("{address}", "journal-1@archive.example");
        let written = parse(&text, &[]).unwrap();
        let defaults = Config { source: written.source.clone(), ..Config::default() };
        assert_eq!(format!("{written:#?}"), format!("{defaults:#?}"));
    }

    #[test]
    fn every_key_is_in_the_template() {
        let shown = format!("{:#?}", Config::default());
        let keys = shown.lines().filter_map(|line| {
            let (key, _) = line.trim().split_once(": ")?;
            key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_').then_some(key)
        });
        for key in keys {
            assert!(TEMPLATE.contains(key), "{key} is not in the template");
        }
    }

    #[test]
    fn unknown_keys_are_refused_with_their_line() {
        let error = parse("[smtp]\nlisten_on = 3\n", &[]).unwrap_err();
        assert!(error.contains("listen_on") && error.contains("line 2"), "{error}");
    }

    #[test]
    fn environment_overrides() {
        let config = parse("", &[("MUNIMENT__HTTP__LISTEN", "127.0.0.1:9090")]).unwrap();
        assert_eq!(config.http.listen.port(), 9090);
        let config = parse("", &[("MUNIMENT__SMTP__SIZE_BYTES_MAX", "1000")]).unwrap();
        assert_eq!(config.smtp.size_bytes_max, 1000);
        assert!(parse("", &[("MUNIMENT__SMTP__SIZES", "1")]).unwrap_err().contains("sizes"));
        assert!(parse("", &[("MUNIMENT__SMTP", "1")]).is_err());
    }

    #[test]
    fn a_source_that_accepts_nobody_is_refused() {
        let error = parse("[[source]]\nname='a'\naddress='a@b'\n", &[]).unwrap_err();
        assert!(error.contains("peers"), "{error}");
    }
}

//! What no type can say: bounds, and keys that need one another.

use tracing_subscriber::EnvFilter;

use super::{CatalogAt, Config, Source, StartTls};
use crate::base::limits;

/// What is wrong with the key `section.key`, and the mend.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) key: String,
    pub(super) message: String,
}

impl Fault {
    /// The key as the file has it.
    pub(super) fn place(&self) -> String {
        match self.key.split_once('.') {
            Some((section, key)) => format!("[{section}] {key}:"),
            None => format!("[[{}]]", self.key),
        }
    }
}

pub(super) fn fault<T>(key: &str, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { key: key.to_owned(), message: message.into() })
}

/// What no default may decide, since mail would be taken, or kept, otherwise than
/// whoever wrote the file believes.
pub(super) fn check_needed(table: &toml::Table) -> Result<(), Fault> {
    const NEEDED: [(&str, &str, &str); 2] = [
        ("smtp", "where mail is taken", "[\"127.0.0.1:2525\"]"),
        ("http", "where the archive is reached", "\"127.0.0.1:8080\""),
    ];
    for (section, what, example) in NEEDED {
        if table.get(section).and_then(|section| section.get("listen")).is_none() {
            let message = format!("it is missing, and says {what}; add it, as listen = {example}");
            return fault(&format!("{section}.listen"), message);
        }
    }
    match table.get("class") {
        Some(_) => Ok(()),
        None => fault(
            "class",
            "there is none, and it says how long mail is kept; add one with name, years and mode",
        ),
    }
}

impl Config {
    pub(super) fn check(&self) -> Result<(), Fault> {
        self.check_numbers()?;
        self.check_classes()?;
        self.check_sources()?;
        self.check_rules()?;
        self.check_languages()?;
        self.bucket.check()?;
        self.check_catalog()?;
        if self.smtp.listen.is_empty() {
            return fault("smtp.listen", "name at least one address, as [\"127.0.0.1:2525\"]");
        }
        if self.smtp.tls != StartTls::Off
            && (self.smtp.tls_certificate.is_none() || self.smtp.tls_key.is_none())
        {
            return fault("smtp.tls", "set tls_certificate and tls_key, or tls = \"off\"");
        }
        self.checkpoint.check(&self.post)?;
        self.post.check()?;
        self.check_log()
    }

    fn check_catalog(&self) -> Result<(), Fault> {
        match &self.archive.catalog {
            CatalogAt::File(_) if self.archive.catalog_password.is_some() => fault(
                "archive.catalog_password",
                "a catalog in a file has no password; take it out",
            ),
            at @ CatalogAt::Server { .. } if at.has_password() => fault(
                "archive.catalog",
                "there is a password in it, where many can read it; put it into a file of its own, \
                 and name that as catalog_password",
            ),
            _ => Ok(()),
        }
    }

    fn check_numbers(&self) -> Result<(), Fault> {
        let Self { smtp, http, vault, bucket, index, worker, .. } = self;
        let size_max = limits::DELIVERY_BYTES_LIMIT;
        let ranges = [
            ("smtp.size_bytes_max", smtp.size_bytes_max, limits::DELIVERY_BYTES_MIN, size_max),
            (
                "smtp.memory_bytes_max",
                smtp.memory_bytes_max as u64,
                limits::INGEST_MEMORY_BYTES_MIN as u64,
                1 << 40,
            ),
            ("smtp.connections_max", smtp.connections_max as u64, 1, 100_000),
            ("smtp.connections_per_peer_max", smtp.connections_per_peer_max as u64, 1, 100_000),
            ("smtp.commands_max", smtp.commands_max as u64, 10, 1_000_000_000),
            ("smtp.idle_seconds", smtp.idle_seconds, 1, 24 * 3600),
            ("vault.check_days", vault.check_days, 0, 3650),
            ("vault.check_bytes_per_second", vault.check_bytes_per_second, 1 << 10, 1 << 40),
            ("bucket.request_seconds", bucket.request_seconds, 1, 3600),
            ("http.session_idle_minutes", http.session_idle_minutes, 1, 7 * 24 * 60),
            (
                "index.memory_bytes",
                index.memory_bytes as u64,
                limits::INDEX_MEMORY_BYTES_MIN as u64,
                limits::INDEX_MEMORY_BYTES_LIMIT as u64,
            ),
            ("worker.processes", worker.processes as u64, 1, 256),
            (
                "worker.memory_bytes_max",
                worker.memory_bytes_max,
                limits::WORKER_MEMORY_BYTES_MIN,
                1 << 40,
            ),
            ("worker.seconds_max", worker.seconds_max, 1, 3600),
            ("worker.ocr_seconds_max", worker.ocr_seconds_max, 1, 3600),
            ("worker.user_id", u64::from(worker.user_id), 0, u64::from(u32::MAX - 1)),
            ("checkpoint.every_hours", self.checkpoint.every_hours, 1, 366 * 24),
        ];
        for (key, value, min, max) in ranges {
            if value < min || value > max {
                return fault(key, format!("{value} is out of bounds; give {min} to {max}"));
            }
        }
        Ok(())
    }

    /// They are given to another program.
    fn check_languages(&self) -> Result<(), Fault> {
        let languages = &self.worker.ocr_languages;
        let is_name = |name: &String| {
            let is_part = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            (2..=32).contains(&name.len()) && name.bytes().all(is_part)
        };
        match languages.is_empty() || !languages.iter().all(is_name) {
            true => fault(
                "worker.ocr_languages",
                "name languages as tesseract does, as [\"eng\", \"deu\"]",
            ),
            false => Ok(()),
        }
    }

    fn check_classes(&self) -> Result<(), Fault> {
        if self.class.is_empty() || self.class.len() > 12 {
            return fault("class", "between 1 and 12 classes are needed");
        }
        for (index, class) in self.class.iter().enumerate() {
            let is_named = !class.name.is_empty()
                && class.name.len() <= 32
                && class
                    .name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if !is_named {
                return fault(
                    "class",
                    format!(
                        "name {:?}: use 1 to 32 lower-case letters, digits and hyphens",
                        class.name
                    ),
                );
            }
            if class.name == super::POLICY {
                return fault("class", "the name \"policy\" is the archive's own; choose another");
            }
            if class.years == 0 || class.years > 100 {
                return fault("class", format!("{}: years must be 1 to 100", class.name));
            }
            if self.class[..index].iter().any(|other| other.name == class.name) {
                return fault("class", format!("{}: another class has this name", class.name));
            }
        }
        Ok(())
    }

    fn check_sources(&self) -> Result<(), Fault> {
        for (index, source) in self.source.iter().enumerate() {
            if let Some(wrong) = self.wrong_with(source, &self.source[..index]) {
                return fault("source", format!("{:?}: {wrong}", source.name));
            }
        }
        Ok(())
    }

    fn wrong_with(&self, source: &Source, before: &[Source]) -> Option<String> {
        if source.name.is_empty() {
            return Some("give it a name".into());
        }
        let is_address = source.address.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !source.address.contains([' ', '<', '>'])
        });
        if !is_address {
            return Some(format!(
                "address {:?} is not a mail address; give it as journal@archive.example",
                source.address
            ));
        }
        if source.peers.is_empty() && source.client_certificates.is_empty() {
            return Some(
                "name its peers or client_certificates; without either nothing could be accepted \
                 from it"
                    .into(),
            );
        }
        if let Some(class) = &source.class
            && !self.class.iter().any(|known| known.name == *class)
        {
            return Some(format!("there is no class {class:?}; name one that a [[class]] has"));
        }
        let is_twice = before.iter().any(|other| {
            other.name == source.name || other.address.eq_ignore_ascii_case(&source.address)
        });
        is_twice.then(|| "another source has this name or address; change one of them".into())
    }

    /// A bare word is a level; as a filter it would be the name of a part, and
    /// a slip of the pen would silence the rest.
    fn check_log(&self) -> Result<(), Fault> {
        const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
        let level = &self.log.level;
        let is_known = level.split(',').all(|part| {
            part.contains('=') || LEVELS.iter().any(|level| part.eq_ignore_ascii_case(level))
        });
        if !is_known || EnvFilter::try_new(level).is_err() {
            return fault(
                "log.level",
                format!(
                    "{level:?} is no filter; give a level ({}), or part=level, with commas between",
                    LEVELS.join(", ")
                ),
            );
        }
        Ok(())
    }
}

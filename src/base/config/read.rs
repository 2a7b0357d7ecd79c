//! From the file and the environment to a configuration. What is wrong is
//! blamed on the line or on the variable that says it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::check::check_needed;
use super::{CatalogAt, Class, Config, Organisation, Rule};

const ENVIRONMENT_PREFIX: &str = "MUNIMENT__";
/// What is shown of a line that is wrong.
const LINE_CHARS_MAX: usize = 80;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "cannot read the configuration {path}; create an archive with `muniment init --data DIR`, \
         or name its file with --config"
    )]
    Missing { path: PathBuf, source: std::io::Error },
    #[error("cannot read the configuration {path}; give this user the right to read it")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot read the configuration {path}; name a file of UTF-8 text with --config")]
    NoText { path: PathBuf, source: std::io::Error },
    #[error("the configuration {path} is not valid: {message}")]
    Invalid { path: PathBuf, message: String },
    #[error("the environment variable {name} is not valid: {message}")]
    Environment { name: String, message: String },
    #[error("the rules are not valid: {message}")]
    Draft { message: String },
}

/// Classes and rules that are to be tried.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    organisation: Option<Organisation>,
    class: Option<Vec<Class>>,
    rule: Option<Vec<Rule>>,
}

fn unread(path: PathBuf, source: std::io::Error) -> ConfigError {
    match source.kind() {
        std::io::ErrorKind::PermissionDenied => ConfigError::Read { path, source },
        std::io::ErrorKind::InvalidData | std::io::ErrorKind::IsADirectory => {
            ConfigError::NoText { path, source }
        }
        _ => ConfigError::Missing { path, source },
    }
}

impl Config {
    /// Reads `path`, applies the environment's overrides, resolves paths and
    /// checks what can be checked without touching anything else.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| unread(path.to_owned(), source))?;
        Self::read(path, &text)
    }

    /// As [`Self::load`], of a file that is not written yet.
    pub fn read(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut config = Self::parse(path, text, std::env::vars_os())?;
        config.file = path.to_owned();
        config.resolve(path.parent().unwrap_or(Path::new(".")));
        Ok(config)
    }

    pub(super) fn parse(
        path: &Path,
        text: &str,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let invalid = |message| ConfigError::Invalid { path: path.to_owned(), message };
        let located = |error| invalid(located(text, &error));
        let mut config: Self = toml::from_str(text).map_err(located)?;
        let mut table: toml::Table = toml::from_str(text).map_err(located)?;
        let mut overridden = Vec::new();
        for (name, value) in environment {
            let name = name.to_string_lossy().into_owned();
            let Some(key) = name.strip_prefix(ENVIRONMENT_PREFIX) else { continue };
            let key = key.to_ascii_lowercase().replacen("__", ".", 1);
            config = override_key(&mut table, &key, value)
                .map_err(|message| ConfigError::Environment { name: name.clone(), message })?;
            overridden.push((key, name));
        }
        config.check().map_err(|fault| {
            match overridden.into_iter().find(|(key, _)| *key == fault.key) {
                Some((_, name)) => ConfigError::Environment { name, message: fault.message },
                None => invalid(format!("{} {}", fault.place(), fault.message)),
            }
        })?;
        check_needed(&table)
            .map_err(|fault| invalid(format!("{} {}", fault.place(), fault.message)))?;
        Ok(config)
    }

    /// Itself with the classes and rules of a text that is written as the file is, and
    /// has `[organisation]`, `[[class]]` and `[[rule]]` alone. What it lacks stays.
    pub fn drafted(&self, text: &str) -> Result<Self, ConfigError> {
        let invalid = |message| ConfigError::Draft { message };
        let draft: Draft = toml::from_str(text).map_err(|error| invalid(located(text, &error)))?;
        let mut drafted = self.clone();
        drafted.organisation = draft.organisation.unwrap_or(drafted.organisation);
        drafted.class = draft.class.unwrap_or(drafted.class);
        drafted.rule = draft.rule.unwrap_or(drafted.rule);
        drafted.check().map_err(|fault| invalid(format!("{} {}", fault.place(), fault.message)))?;
        Ok(drafted)
    }

    fn resolve(&mut self, base: &Path) {
        // Without the dot that `data` is by default: these are shown to people.
        let data: PathBuf = base.join(&self.archive.data).components().collect();
        for path in [
            &mut self.archive.master_key,
            &mut self.archive.spool,
            &mut self.archive.work,
            &mut self.vault.path,
            &mut self.index.path,
        ] {
            *path = data.join(&*path);
        }
        if let CatalogAt::File(path) = &mut self.archive.catalog {
            *path = data.join(&*path);
        }
        for path in
            [&mut self.smtp.tls_certificate, &mut self.smtp.tls_key, &mut self.smtp.tls_client_ca]
                .into_iter()
                .flatten()
                .chain(self.bucket.files())
                .chain(self.checkpoint.files())
                .chain(self.post.files())
        {
            *path = base.join(&*path);
        }
        if let CatalogAt::Server { password, .. } = &mut self.archive.catalog {
            *password = self.archive.catalog_password.as_ref().map(|path| base.join(path));
        }
        self.archive.data = data;
    }
}

/// Puts a variable's value in the place of `section.key` and reads the whole
/// again. The value is TOML where that fits (numbers, booleans, lists), else a
/// string.
fn override_key(table: &mut toml::Table, key: &str, value: OsString) -> Result<Config, String> {
    let Some((section, key)) = key.split_once('.') else {
        return Err("name it MUNIMENT__SECTION__KEY".into());
    };
    let value = value.into_string().map_err(|_| "its value is not UTF-8")?;
    let mut wrong = None;
    for reading in [as_toml(&value), Some(toml::Value::String(value))].into_iter().flatten() {
        let mut changed = table.clone();
        changed
            .entry(section)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()))
            .as_table_mut()
            .ok_or("lists of sources and classes are set in the file only")?
            .insert(key.to_owned(), reading);
        match changed.clone().try_into() {
            Ok(config) => {
                *table = changed;
                return Ok(config);
            }
            Err(error) => wrong = wrong.or(Some(plain(&error))),
        }
    }
    Err(wrong.unwrap_or_default())
}

fn as_toml(value: &str) -> Option<toml::Value> {
    let mut table: toml::Table = toml::from_str(&format!("value = {value}")).ok()?;
    table.remove("value").filter(|_| table.is_empty())
}

/// The error with its line, on one line.
fn located(text: &str, error: &toml::de::Error) -> String {
    let Some(span) = error.span() else { return plain(error) };
    let before = &text.as_bytes()[..span.start.min(text.len())];
    let number = before.iter().filter(|&&byte| byte == b'\n').count();
    let line = text.lines().nth(number).unwrap_or_default().trim();
    let line: String = line.chars().take(LINE_CHARS_MAX).collect();
    format!("line {}, `{line}`: {}", number + 1, plain(error))
}

/// What the parser says, in the words of who writes configurations.
fn plain(error: &toml::de::Error) -> String {
    const WORDS: &[(&str, &str)] = &[
        ("\n", ", "),
        ("unknown field", "unknown key"),
        ("missing field", "missing key"),
        ("unknown variant", "unknown value"),
        ("expected u64", "expected a whole number from 0"),
        ("expected usize", "expected a whole number from 0"),
        ("expected u16", "expected a whole number from 0 to 65535"),
        ("expected a boolean", "expected true or false"),
        ("expected a sequence", "expected a list, as [\"a\", \"b\"]"),
        ("expected path string", "expected a path in quotes"),
        (
            "invalid IP address syntax",
            "this is no network; give one as 192.0.2.0/24 or 2001:db8::/32",
        ),
        (
            "invalid socket address syntax",
            "this is no address with a port; give one as 127.0.0.1:2525",
        ),
    ];
    let mut text = error.message().trim().to_owned();
    for (from, to) in WORDS {
        text = text.replace(from, to);
    }
    if text.starts_with("missing key") {
        text.push_str("; add it, as in the file that `muniment init` writes");
    }
    text
}

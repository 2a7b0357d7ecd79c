//! Where the catalog is: a file of this node, or a PostgreSQL server.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum CatalogAt {
    File(PathBuf),
    /// `postgres://…`.
    Server {
        url: String,
        /// A file with the password; none: what libpq would take.
        password: Option<PathBuf>,
    },
}

impl CatalogAt {
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server { .. } => None,
        }
    }

    /// Whether the address itself has a password in it.
    pub(super) fn has_password(&self) -> bool {
        let Self::Server { url, .. } = self else { return false };
        let (address, asked) = url.split_once('?').unwrap_or((url, ""));
        let user = address.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
        user.is_some_and(|(user, _)| user.contains(':')) || asked.contains("password=")
    }
}

impl From<String> for CatalogAt {
    fn from(text: String) -> Self {
        match text.starts_with("postgres://") || text.starts_with("postgresql://") {
            true => Self::Server { url: text, password: None },
            false => Self::File(text.into()),
        }
    }
}

impl From<&str> for CatalogAt {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&Path> for CatalogAt {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<&PathBuf> for CatalogAt {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<&CatalogAt> for CatalogAt {
    fn from(at: &CatalogAt) -> Self {
        at.clone()
    }
}

/// Without what may be a secret in it.
impl fmt::Display for CatalogAt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(out),
            Self::Server { url, .. } => {
                let url = url.split('?').next().unwrap_or_default();
                match (url.split_once("://"), url.rsplit_once('@')) {
                    (Some((scheme, _)), Some((_, host))) => write!(out, "{scheme}://{host}"),
                    _ => out.write_str(url),
                }
            }
        }
    }
}

impl fmt::Debug for CatalogAt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_server_and_shows_no_secret() {
        let at = CatalogAt::from("postgres://ann:secret@db.example/archive?password=secret");
        assert!(matches!(at, CatalogAt::Server { .. }));
        assert_eq!(format!("{at} {at:?}").matches("secret").count(), 0);
        assert_eq!(at.to_string(), "postgres://db.example/archive");
        assert_eq!(CatalogAt::from("a/catalog.db").to_string(), "a/catalog.db");
    }
}

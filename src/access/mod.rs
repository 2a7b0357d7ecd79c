//! Who acts, what they may do, and that it is on record: people, roles,
//! passwords, sessions and the audit.
//!
//! Rights are decided here and at the verbs, never in `http`. What a matter
//! lets its members see is decided in `matter`.

pub mod audit;
pub mod password;
pub mod person;
pub mod session;
#[cfg(test)]
mod tests;
mod throttle;

use std::fmt;

use crate::base::clock::Clock;
use crate::base::ids::UserId;
use crate::catalog::{Catalog, CatalogError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs the archive; never reads mail.
    Administrator,
    /// Reads mail, in matters or, where granted, archive-wide.
    Legal,
    /// Decides what is kept and what is destroyed; never reads mail.
    Records,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Legal => "legal",
            Self::Records => "records",
        }
    }

    pub fn from_row(text: &str) -> Result<Self, CatalogError> {
        match text {
            "administrator" => Ok(Self::Administrator),
            "legal" => Ok(Self::Legal),
            "records" => Ok(Self::Records),
            other => Err(CatalogError::Corrupt(format!("a person has the role {other:?}"))),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The one in whose name a verb runs: every verb takes it first.
#[derive(Clone, Debug)]
pub struct Actor {
    pub user_id: UserId,
    pub name: String,
    pub role: Role,
    /// May search and read outside a matter.
    pub is_archive_wide: bool,
}

impl Actor {
    /// Whoever holds the configuration and the keys and runs a command beside
    /// the server. The command says in which role it acts.
    pub fn operator(role: Role) -> Self {
        Self { user_id: UserId(0), name: "operator".to_owned(), role, is_archive_wide: true }
    }

    pub fn require_administrator(&self) -> Result<(), Refused> {
        match self.role {
            Role::Administrator => Ok(()),
            Role::Legal | Role::Records => {
                Err(Refused::Forbidden("only an administrator may do this"))
            }
        }
    }

    pub fn require_records(&self) -> Result<(), Refused> {
        match self.role {
            Role::Records => Ok(()),
            Role::Administrator | Role::Legal => {
                Err(Refused::Forbidden("only a records manager may do this"))
            }
        }
    }

    /// For what shows how mail is kept, and nothing of what it says.
    pub fn require_keeping(&self) -> Result<(), Refused> {
        match self.role {
            Role::Records | Role::Administrator => Ok(()),
            Role::Legal => {
                Err(Refused::Forbidden("only a records manager or an administrator may do this"))
            }
        }
    }

    pub fn require_legal(&self) -> Result<(), Refused> {
        match self.role {
            Role::Legal => Ok(()),
            Role::Administrator => {
                Err(Refused::Forbidden("an administrator has no access to mail or matters"))
            }
            Role::Records => {
                Err(Refused::Forbidden("a records manager has no access to mail or matters"))
            }
        }
    }
}

/// Why a verb will not do what was asked. What is hidden from the actor is
/// refused as if it did not exist.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("there is no such {0}")]
    Hidden(&'static str),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Invalid(String),
}

#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("sign in first")]
    SignedOut,
    #[error("name or password is wrong")]
    WrongCredentials,
    #[error("too many failed sign-ins; try again in {seconds} s")]
    Throttled { seconds: u64 },
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("hash a password: {0}")]
    Password(String),
}

/// What the verbs of this room work with. Cloning shares it.
#[derive(Clone)]
pub struct Access {
    catalog: Catalog,
    clock: Clock,
    passwords: password::Passwords,
    idle_seconds: i64,
}

impl Access {
    pub fn new(catalog: Catalog, clock: Clock, session_idle_minutes: u64) -> Self {
        let idle_seconds = i64::try_from(session_idle_minutes.saturating_mul(60));
        Self {
            catalog,
            clock,
            passwords: password::Passwords::default(),
            idle_seconds: idle_seconds.unwrap_or(i64::MAX),
        }
    }
}

/// 256 bits from the operating system, as URL-safe text.
fn secret() -> Result<String, AccessError> {
    use base64::Engine as _;
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| AccessError::Password(format!("no random bytes: {error}")))?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

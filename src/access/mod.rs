//! Who acts, what they may do, and that it is on record: people, roles,
//! passwords, sessions and the audit.
//!
//! Rights are decided here and at the verbs, never in `http`. What a matter
//! lets its members see is decided in `matter`.

pub mod audit;
pub mod password;
pub mod person;
pub mod second;
pub mod session;
#[cfg(test)]
mod tests;
mod throttle;

use std::fmt;

use crate::base::clock::Clock;
use crate::base::ids::UserId;
use crate::catalog::{Catalog, CatalogError};
use crate::vault::keys::Key;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs the archive; never reads mail.
    Administrator,
    /// Leads matters: opens them, places holds, exports, and reads mail in them or, where
    /// granted, archive-wide.
    Legal,
    /// Reads mail in the matters whose member they are, and changes nothing there.
    Reviewer,
    /// Decides what is kept and what is destroyed; never reads mail.
    Records,
    /// Sees the whole audit and how the archive keeps mail; reads mail as granted, in
    /// matters or archive-wide, and changes nothing. A regulator may be one.
    Auditor,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Legal => "legal",
            Self::Reviewer => "reviewer",
            Self::Records => "records",
            Self::Auditor => "auditor",
        }
    }

    pub fn from_row(text: &str) -> Result<Self, CatalogError> {
        match text {
            "administrator" => Ok(Self::Administrator),
            "legal" => Ok(Self::Legal),
            "reviewer" => Ok(Self::Reviewer),
            "records" => Ok(Self::Records),
            "auditor" => Ok(Self::Auditor),
            other => Err(CatalogError::Corrupt(format!("a person has the role {other:?}"))),
        }
    }

    /// Whether whoever has it can be a member of matters, and read there.
    pub fn reads_mail(self) -> bool {
        matches!(self, Self::Legal | Self::Reviewer | Self::Auditor)
    }

    /// Whether it can come with the right to search and read outside matters.
    pub fn may_be_archive_wide(self) -> bool {
        matches!(self, Self::Legal | Self::Auditor)
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

    /// Whoever has the keys, and not a person of the archive.
    pub fn is_operator(&self) -> bool {
        self.user_id == UserId(0)
    }

    pub fn require_administrator(&self) -> Result<(), Refused> {
        self.require(&[Role::Administrator], "only an administrator may do this")
    }

    pub fn require_records(&self) -> Result<(), Refused> {
        self.require(&[Role::Records], "only a records manager may do this")
    }

    /// For what was destroyed and what is proposed, to look at.
    pub fn require_destruction_seen(&self) -> Result<(), Refused> {
        const SEEN_BY: &[Role] = &[Role::Records, Role::Auditor];
        self.require(SEEN_BY, "only a records manager or an auditor may see this")
    }

    /// For what shows how mail is kept, and nothing of what it says.
    pub fn require_keeping(&self) -> Result<(), Refused> {
        self.require(
            &[Role::Records, Role::Administrator, Role::Auditor],
            "only a records manager, an administrator or an auditor may do this",
        )
    }

    /// For what is done in a matter.
    pub fn require_legal(&self) -> Result<(), Refused> {
        self.require_reader()?;
        self.require(
            &[Role::Legal],
            "a reviewer or an auditor reads and changes nothing: ask legal",
        )
    }

    /// For what is read in a matter, or outside one.
    pub fn require_reader(&self) -> Result<(), Refused> {
        match self.role {
            Role::Legal | Role::Reviewer | Role::Auditor => Ok(()),
            Role::Administrator => {
                Err(Refused::Forbidden("an administrator has no access to mail or matters"))
            }
            Role::Records => {
                Err(Refused::Forbidden("a records manager has no access to mail or matters"))
            }
        }
    }

    fn require(&self, roles: &[Role], refusal: &'static str) -> Result<(), Refused> {
        if roles.contains(&self.role) { Ok(()) } else { Err(Refused::Forbidden(refusal)) }
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
    sessions: Key,
}

impl Access {
    pub fn new(catalog: Catalog, clock: Clock, session_idle_minutes: u64, sessions: Key) -> Self {
        let idle_seconds = i64::try_from(session_idle_minutes.saturating_mul(60));
        Self {
            catalog,
            clock,
            passwords: password::Passwords::default(),
            idle_seconds: idle_seconds.unwrap_or(i64::MAX),
            sessions,
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

//! Documents that open with a password: what opens them, by format. Passwords are
//! given with the request and are nowhere else; none of them is ever part of what
//! is answered.

pub(super) mod derive;
pub(super) mod package;
pub(super) mod zip;

use std::fmt;

use serde::{Deserialize, Serialize};

/// Passwords to try, in their order.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Passwords(Vec<String>);

impl Passwords {
    pub fn new(passwords: Vec<String>) -> Self {
        Self(passwords)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Says how many there are and no more, wherever a request is printed.
impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passwords", self.0.len())
    }
}

/// What is said of a document that stays closed.
pub(super) fn closed(passwords: &Passwords) -> &'static str {
    match passwords.is_empty() {
        true => "it opens with a password",
        false => "it opens with a password, and not with one of those that are known",
    }
}

//! Small secrets that the catalog keeps for people: sealed under a key that only
//! this archive's keyring gives, which no rotation of the master key changes.

use super::Vault;
use super::keys::{Key, KeyError};

const KEY: &[u8] = b"muniment secrets of people v1";
const SESSIONS: &[u8] = b"muniment sessions of people v1";

impl Vault {
    /// In hex; it opens under the same `context` only.
    pub fn seal_secret(&self, context: &str, secret: &str) -> String {
        hex::encode(self.secrets().wrap(context.as_bytes(), secret.as_bytes()))
    }

    pub fn open_secret(&self, context: &str, sealed: &str) -> Result<String, KeyError> {
        const WHAT: &str = "a secret in the catalog";
        let damaged = || KeyError::Unwrap { what: WHAT };
        let sealed = hex::decode(sealed).map_err(|_| damaged())?;
        let secret = self.secrets().unwrap(context.as_bytes(), &sealed, WHAT)?;
        String::from_utf8(secret).map_err(|_| damaged())
    }

    /// What codes of sessions' tokens are made with.
    pub fn session_key(&self) -> Key {
        Key::from_bytes(Key::from_bytes(*self.keyring().log_seed()).derive(SESSIONS))
    }

    fn secrets(&self) -> Key {
        Key::from_bytes(Key::from_bytes(*self.keyring().log_seed()).derive(KEY))
    }
}

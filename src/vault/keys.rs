//! Keys: wrapping and derivation. All randomness of the vault comes from here,
//! and all of it from the operating system.

use std::io;
use std::path::{Path, PathBuf};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Length of a GCM nonce and of its tag (NIST SP 800-38D).
pub const NONCE_BYTES: usize = 12;
pub const TAG_BYTES: usize = 16;
/// Length of a wrapped 256-bit key: nonce, ciphertext, tag.
pub const WRAPPED_BYTES: usize = NONCE_BYTES + 32 + TAG_BYTES;

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot read the master key {path}{}", unread(path, source))]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write the master key {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("the master key {path} can be read by others (mode {mode:o}); run: chmod 600 {path}")]
    Exposed { path: PathBuf, mode: u32 },
    #[error(
        "the master key {path} belongs to user {owner}, and this is user {user}; run as its owner, \
         or run: chown {user} {path}"
    )]
    Foreign { path: PathBuf, owner: u32, user: u32 },
    #[error(
        "the master key {path} is damaged: {what}; move it away, and write it anew from the \
         recovery copy with `muniment keys restore`"
    )]
    Damaged { path: PathBuf, what: &'static str },
    /// The tag did not verify: another key, or changed bytes.
    #[error("{what} does not open with its key")]
    Unwrap { what: &'static str },
}

/// What follows from why the key file could not be read.
fn unread(path: &Path, error: &io::Error) -> String {
    let user = rustix::process::geteuid().as_raw();
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!(
            ", as user {user}; run as its owner, or give it and the way to it to that user: chown \
             {user} {}",
            path.display()
        ),
        _ => "; without it the bucket cannot be read: write the file anew from the recovery copy \
              or from escrow, with `muniment keys restore`"
            .to_owned(),
    }
}

/// A 256-bit secret, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; 32]);

impl Key {
    /// A new key from the operating system's generator.
    pub fn generate() -> Self {
        Self(random())
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// HKDF-SHA256 (RFC 5869) with this key as input, no salt, and `info`.
    pub fn derive(&self, info: &[u8]) -> [u8; 32] {
        self.derive_salted(&[], info)
    }

    pub fn derive_salted(&self, salt: &[u8], info: &[u8]) -> [u8; 32] {
        let mut output = [0; 32];
        Hkdf::<Sha256>::new(Some(salt), &self.0)
            .expand(info, &mut output)
            .expect("32 bytes are within HKDF's limit");
        output
    }

    pub(super) fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(&self.0.into())
    }

    /// Encrypts `secret` under this key with a random nonce, bound to `context`.
    pub fn wrap(&self, context: &[u8], secret: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = random();
        let sealed = self
            .cipher()
            .encrypt(&Nonce::from(nonce), Payload { msg: secret, aad: context })
            .expect("a key is far below GCM's length limit");
        [&nonce[..], &sealed].concat()
    }

    pub fn unwrap(
        &self,
        context: &[u8],
        wrapped: &[u8],
        what: &'static str,
    ) -> Result<Vec<u8>, KeyError> {
        let (nonce, sealed) =
            wrapped.split_first_chunk::<NONCE_BYTES>().ok_or(KeyError::Unwrap { what })?;
        self.cipher()
            .decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: context })
            .map_err(|_| KeyError::Unwrap { what })
    }
}

/// Fills an array from the operating system's generator.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_key_opens_only_in_its_context() {
        let key = Key::generate();
        let wrapped = key.wrap(b"here", &[7; 32]);
        assert_eq!(wrapped.len(), WRAPPED_BYTES);
        assert_eq!(key.unwrap(b"here", &wrapped, "it").unwrap(), [7; 32]);
        assert!(key.unwrap(b"there", &wrapped, "it").is_err());
        assert!(Key::generate().unwrap(b"here", &wrapped, "it").is_err());
    }
}

//! Keys: the master key's file, wrapping, derivation. All randomness of the
//! vault comes from here, and all of it from the operating system.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::base::durable;

/// Length of a GCM nonce and of its tag (NIST SP 800-38D).
pub const NONCE_BYTES: usize = 12;
pub const TAG_BYTES: usize = 16;
/// Length of a wrapped 256-bit key: nonce, ciphertext, tag.
pub const WRAPPED_BYTES: usize = NONCE_BYTES + 32 + TAG_BYTES;

const FILE_PREFIX: &str = "muniment-master-key-v1";

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(
        "cannot read the master key {path}; without it the bucket cannot be read: put the recovery copy in its place"
    )]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write the master key {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("the master key {path} can be read by others (mode {mode:o}); run: chmod 600 {path}")]
    Exposed { path: PathBuf, mode: u32 },
    #[error("the master key {path} is damaged: {what}; restore it from the recovery copy")]
    Damaged { path: PathBuf, what: &'static str },
    /// The tag did not verify: another key, or changed bytes.
    #[error("{what} does not open with its key")]
    Unwrap { what: &'static str },
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

/// The key that wraps all others of an archive.
pub struct MasterKey {
    pub(super) key: Key,
    /// Names the key in what it wraps, without telling anything of it.
    pub(super) id: [u8; 8],
}

impl MasterKey {
    pub fn generate() -> Self {
        Self::new(Key::generate())
    }

    fn new(key: Key) -> Self {
        let id = key.derive(b"muniment master key id v1");
        Self { id: id[..8].try_into().expect("8 of 32 bytes"), key }
    }

    /// The key as a line of text: a prefix, 64 hex digits, and a checksum that
    /// catches a slip of the pen in a recovery copy.
    pub fn to_text(&self) -> String {
        format!("{FILE_PREFIX} {} {}", hex::encode(self.key.0), checksum(&self.key))
    }

    /// Writes the key to a new file that only its owner can read.
    pub fn store(&self, path: &Path) -> Result<(), KeyError> {
        let text = format!("{}\n", self.to_text());
        durable::create(path, text.as_bytes(), 0o600)
            .map_err(|source| KeyError::Write { path: path.to_owned(), source })
    }

    /// Reads a key file; refuses one that others can read.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let read = |source| KeyError::Read { path: path.to_owned(), source };
        let mode = std::fs::metadata(path).map_err(read)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.to_owned(), mode });
        }
        let text = std::fs::read_to_string(path).map_err(read)?;
        Self::from_text(&text).map_err(|what| KeyError::Damaged { path: path.to_owned(), what })
    }

    fn from_text(text: &str) -> Result<Self, &'static str> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [prefix, digits, check] = fields[..] else {
            return Err("it is not one line of three fields");
        };
        if prefix != FILE_PREFIX {
            return Err("it does not begin with muniment-master-key-v1");
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| "the key is not 64 hex digits")?;
        let key = Key(bytes);
        if checksum(&key) != check {
            return Err("its checksum does not agree");
        }
        Ok(Self::new(key))
    }
}

fn checksum(key: &Key) -> String {
    let digest =
        Sha256::new().chain_update(b"muniment master key check v1").chain_update(key.0).finalize();
    hex::encode(&digest[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_comes_back_and_a_slip_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let master = MasterKey::generate();
        master.store(&path).unwrap();
        assert_eq!(MasterKey::load(&path).unwrap().id, master.id);
        let mut text = master.to_text().into_bytes();
        let at = FILE_PREFIX.len() + 5;
        text[at] = if text[at] == b'0' { b'1' } else { b'0' };
        let slip = MasterKey::from_text(std::str::from_utf8(&text).unwrap());
        assert_eq!(slip.err(), Some("its checksum does not agree"));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        MasterKey::generate().store(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(MasterKey::load(&path), Err(KeyError::Exposed { mode: 0o640, .. })));
    }

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

//! The master key, and the file that it is in.
//!
//! The keyring asks a master who it is, to wrap and to unwrap a key, and for nothing
//! else: a master in an HSM has to answer no more than that. Text, file and copies
//! are of this kind only.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::keys::{Key, KeyError};
use crate::base::{crash, durable};

const PREFIX: &str = "muniment-master-key-v1";

/// Names a master key in what it wraps, without telling anything of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MasterId(pub [u8; 8]);

impl fmt::Display for MasterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for MasterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The key that wraps all others of an archive.
pub struct MasterKey {
    key: Key,
    id: MasterId,
    /// The file it came from, where its successor will be.
    file: Option<PathBuf>,
}

impl MasterKey {
    pub fn generate() -> Self {
        Self::new(Key::generate())
    }

    fn new(key: Key) -> Self {
        let id = key.derive(b"muniment master key id v1");
        let id = MasterId(id[..8].try_into().expect("8 of 32 bytes"));
        Self { id, key, file: None }
    }

    pub fn id(&self) -> MasterId {
        self.id
    }

    pub(super) fn wrap(&self, context: &[u8], key: &Key) -> Vec<u8> {
        self.key.wrap(context, key.as_bytes())
    }

    pub(super) fn unwrap(
        &self,
        context: &[u8],
        wrapped: &[u8],
        what: &'static str,
    ) -> Result<Key, KeyError> {
        let bytes = Zeroizing::new(self.key.unwrap(context, wrapped, what)?);
        let bytes: [u8; 32] = bytes[..].try_into().map_err(|_| KeyError::Unwrap { what })?;
        Ok(Key::from_bytes(bytes))
    }
}

/// What the files beside this one say of a key's successor.
pub(super) enum Successor {
    /// The key file holds it.
    InPlace(MasterKey),
    /// It waits beside the key file: the rotation is under way.
    Waiting(MasterKey),
}

impl MasterKey {
    /// The key as a line of text: a prefix, 64 hex digits, and a checksum that
    /// catches a slip of the pen in a copy by hand.
    pub fn to_text(&self) -> Zeroizing<String> {
        let digits = Zeroizing::new(hex::encode(self.key.as_bytes()));
        Zeroizing::new(format!("{PREFIX} {} {}", *digits, checksum(&self.key)))
    }

    /// Reads the text of a key file; lines that begin with `#` are notes.
    pub fn from_text(text: &str) -> Result<Self, &'static str> {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let fields: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
        let [prefix, digits, check] = fields[..] else {
            return Err("it is not one line of three fields");
        };
        if prefix != PREFIX {
            return Err("it does not begin with muniment-master-key-v1");
        }
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(digits, &mut *bytes).map_err(|_| "the key is not 64 hex digits")?;
        let key = Key::from_bytes(*bytes);
        if checksum(&key) != check {
            return Err("its checksum does not agree");
        }
        Ok(Self::new(key))
    }

    /// Writes the key to a new file that only its owner can read.
    pub fn store(&self, path: &Path) -> Result<(), KeyError> {
        let text = Zeroizing::new(format!("{}\n", *self.to_text()));
        durable::create(path, text.as_bytes(), 0o600)
            .map_err(|source| KeyError::Write { path: path.to_owned(), source })
    }

    /// Reads a key file; refuses one that is another's, or that others can read.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let read = |source| KeyError::Read { path: path.to_owned(), source };
        let found = fs::metadata(path).map_err(read)?;
        let (owner, user) = (found.uid(), rustix::process::geteuid().as_raw());
        if owner != user {
            return Err(KeyError::Foreign { path: path.to_owned(), owner, user });
        }
        let mode = found.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.to_owned(), mode });
        }
        let text = Zeroizing::new(fs::read_to_string(path).map_err(read)?);
        let master = Self::from_text(&text)
            .map_err(|what| KeyError::Damaged { path: path.to_owned(), what })?;
        Ok(Self { file: Some(path.to_owned()), ..master })
    }

    /// The key `id`, where the file of this one or the one beside it holds it now.
    pub(super) fn successor(&self, id: MasterId) -> Option<Successor> {
        let path = self.file.as_deref()?;
        let is_it = |master: &Self| master.id == id;
        if let Some(master) = Self::load(path).ok().filter(is_it) {
            return Some(Successor::InPlace(master));
        }
        let waiting = Self::load_next(path).ok().flatten().filter(is_it)?;
        Some(Successor::Waiting(waiting))
    }

    /// Writes the key beside the key file, where it waits to become it.
    pub fn store_next(&self, path: &Path) -> Result<(), KeyError> {
        self.store(&next(path))
    }

    /// The key that waits beside the key file, if a rotation was begun.
    pub fn load_next(path: &Path) -> Result<Option<Self>, KeyError> {
        match Self::load(&next(path)) {
            Ok(master) => Ok(Some(Self { file: Some(path.to_owned()), ..master })),
            Err(KeyError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes the key that waits the key file, and keeps this one beside it, where
    /// the answer says. A crash leaves the old key file or the new one, and can be
    /// followed by another call.
    pub fn give_way(&self, path: &Path) -> Result<PathBuf, KeyError> {
        let write = |source| KeyError::Write { path: path.to_owned(), source };
        let kept = path.with_added_extension(self.id.to_string());
        match fs::hard_link(path, &kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if Self::load(&kept)?.id != self.id {
                    return Err(KeyError::Damaged { path: kept, what: "it is another key" });
                }
            }
            linked => linked.map_err(write)?,
        }
        durable::sync_directory(path.parent().unwrap_or(Path::new("."))).map_err(write)?;
        crash::point("rotate.after_kept");
        durable::rename(&next(path), path).map_err(write)?;
        Ok(kept)
    }
}

/// Where the next key waits while a rotation goes on.
pub fn next(path: &Path) -> PathBuf {
    path.with_added_extension("next")
}

fn checksum(key: &Key) -> String {
    let digest = Sha256::new()
        .chain_update(b"muniment master key check v1")
        .chain_update(key.as_bytes())
        .finalize();
    hex::encode(&digest[..4])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_file_comes_back_and_a_slip_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let master = MasterKey::generate();
        master.store(&path).unwrap();
        assert_eq!(MasterKey::load(&path).unwrap().id, master.id);
        let noted = format!("# of an archive\n{}\n# and more\n", *master.to_text());
        assert_eq!(MasterKey::from_text(&noted).unwrap().id, master.id);
        let mut text = master.to_text().as_bytes().to_vec();
        let at = PREFIX.len() + 5;
        text[at] = if text[at] == b'0' { b'1' } else { b'0' };
        let slip = MasterKey::from_text(std::str::from_utf8(&text).unwrap());
        assert_eq!(slip.err(), Some("its checksum does not agree"));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_mend() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        MasterKey::generate().store(&path).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = MasterKey::load(&path).err().unwrap();
            assert!(matches!(error, KeyError::Exposed { mode: found, .. } if found == mode));
            let mend = format!("chmod 600 {}", path.display());
            assert!(error.to_string().contains(&mend), "{error}");
        }
        for mode in [0o600, 0o400] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(MasterKey::load(&path).is_ok());
        }
    }

    #[test]
    fn a_key_gives_way_again_after_each_crash() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let (old, new) = (MasterKey::generate(), MasterKey::generate());
        old.store(&path).unwrap();
        assert!(MasterKey::load_next(&path).unwrap().is_none());
        new.store_next(&path).unwrap();
        let loaded = MasterKey::load(&path).unwrap();
        assert!(matches!(loaded.successor(new.id), Some(Successor::Waiting(_))));
        assert!(loaded.successor(MasterKey::generate().id).is_none());
        // As a crash after the link left it.
        let kept = path.with_added_extension(old.id.to_string());
        fs::hard_link(&path, &kept).unwrap();
        assert_eq!(old.give_way(&path).unwrap(), kept);
        assert_eq!(MasterKey::load(&path).unwrap().id, new.id);
        assert_eq!(MasterKey::load(&kept).unwrap().id, old.id);
        assert!(MasterKey::load_next(&path).unwrap().is_none());
        assert!(matches!(loaded.successor(new.id), Some(Successor::InPlace(_))));
    }
}

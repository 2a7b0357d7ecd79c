//! Statements: what was decided and looked at, each sealed as an object of its own
//! under the key of its month. Layout in `FORMAT.md`.

use aes_gcm::Nonce;
use aes_gcm::aead::{Aead, Payload};
use bytes::Bytes;

use super::bucket::Place;
use super::keyring::VERSION;
use super::keys::{Key, NONCE_BYTES, random};
use super::record;
use super::wire::{Reader, Short, put_text};
use super::{Vault, VaultError};
use crate::base::clock::Timestamp;
use crate::base::config::POLICY;
use crate::base::hash::Digest;
use crate::base::ids::ArchiveId;
use crate::base::limits::STATEMENT_BYTES_MAX;
use crate::ledger::commitment::{self, ROLE_STATEMENT};
use crate::ledger::leaf::Leaf;

const MAGIC: &[u8; 8] = b"MUNPOL\x00\x01";
/// Where they are in the bucket.
pub const PREFIX: &str = "policy/";

/// What a statement says of itself in the clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Statements of an archive are numbered as they are made.
    pub number: u64,
    /// The last one before what this one shows; of an act its own number.
    pub follows: u64,
    pub at: Timestamp,
    /// `seal`, or the act that it tells of.
    pub action: String,
}

/// A statement that is in the bucket.
#[derive(Clone, Debug)]
pub struct Stated {
    pub place: Place,
    pub sha256: Digest,
    /// To the content; salted, so that it says nothing to who lacks the keys.
    pub commitment: Digest,
}

/// A statement read back.
#[derive(Clone, Debug)]
pub struct Opened {
    pub head: Head,
    pub content: Vec<u8>,
    pub stated: Stated,
}

/// What a statement of this hash and time is called.
pub fn object_name(at: Timestamp, sha256: &Digest) -> String {
    format!("{PREFIX}{}/{sha256}.policy", at.month())
}

impl Vault {
    /// Seals a statement and puts it into the bucket.
    pub async fn put_statement(&self, head: &Head, content: &[u8]) -> Result<Stated, VaultError> {
        let epoch_key = self.keyring().sealing_key(POLICY, &head.at.month()).await?;
        let salt: [u8; 32] = random();
        let mut object = context(self.archive(), head);
        object.extend_from_slice(&VERSION.to_be_bytes());
        object.extend_from_slice(&salt);
        let key = object_key(&epoch_key, &salt);
        let packed = zstd::encode_all(content, 3)?;
        // The key is this object's alone, so a constant nonce never repeats.
        let sealed = key
            .cipher()
            .encrypt(&Nonce::from([0; NONCE_BYTES]), Payload { msg: &packed, aad: &object })
            .expect("a statement is far below GCM's length limit");
        object.extend_from_slice(&sealed);
        let sha256 = Digest::of(&object);
        let name = object_name(head.at, &sha256);
        let place = self.bucket().put_new(&name, Bytes::from(object)).await?;
        Ok(Stated { place, sha256, commitment: commit(&key, content) })
    }

    /// Reads a statement; its name must be that of its contents.
    pub async fn open_statement(&self, name: &str) -> Result<Opened, VaultError> {
        let damaged = |what| VaultError::Damaged { object: name.to_owned(), what };
        let place = self.bucket().find(name).await?;
        let object = self.bucket().get_at(&place).await?;
        let sha256 = Digest::of(&object);
        let (archive, head, rest) = read(&object).ok_or_else(|| damaged("it is no statement"))?;
        if archive != self.archive() {
            return Err(damaged("it belongs to another archive"));
        }
        if name != object_name(head.at, &sha256) {
            return Err(damaged("its contents are not what its name says"));
        }
        let mut reader = Reader(rest);
        let (version, salt) = (|| Ok::<_, Short>((reader.u32()?, reader.array()?)))()
            .map_err(|_| damaged("it is too short"))?;
        if version != VERSION {
            return Err(damaged("its keyring version is not known to this program"));
        }
        let epoch_key = self.keyring().opening_key(POLICY, &head.at.month()).await?;
        let key = object_key(&epoch_key, &salt);
        let aad = &object[..object.len() - reader.0.len()];
        let packed = key
            .cipher()
            .decrypt(&Nonce::from([0; NONCE_BYTES]), Payload { msg: reader.0, aad })
            .map_err(|_| damaged("it does not open with its key"))?;
        let mut content = Vec::new();
        let unpack = zstd::Decoder::new(&packed[..]).and_then(|decoder| {
            let mut bounded = std::io::Read::take(decoder, STATEMENT_BYTES_MAX as u64 + 1);
            std::io::Read::read_to_end(&mut bounded, &mut content)
        });
        if unpack.is_err() || content.len() > STATEMENT_BYTES_MAX {
            return Err(damaged("it does not unpack"));
        }
        let commitment = commit(&key, &content);
        Ok(Opened { head, content, stated: Stated { place, sha256, commitment } })
    }
}

impl Stated {
    /// The statement's leaf.
    pub fn leaf(&self, head: &Head, is_seal: bool, rows: u32) -> Leaf {
        let (object, commitment) = (self.sha256, self.commitment);
        match is_seal {
            true => Leaf::Seal { at: head.at, rows, object, commitment },
            false => Leaf::Event { at: head.at, action: head.action.clone(), object, commitment },
        }
    }
}

fn object_key(epoch_key: &Key, salt: &[u8; 32]) -> Key {
    Key::from_bytes(epoch_key.derive_salted(salt, b"muniment policy v1"))
}

fn commit(key: &Key, content: &[u8]) -> Digest {
    let salt = record::salt(key, 0);
    commitment::commit(&salt, ROLE_STATEMENT, &Digest::of(content), content.len() as u64)
}

fn context(archive: ArchiveId, head: &Head) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&archive.0);
    out.extend_from_slice(&head.number.to_be_bytes());
    out.extend_from_slice(&head.follows.to_be_bytes());
    out.extend_from_slice(&head.at.0.to_be_bytes());
    put_text(&mut out, &head.action);
    out
}

fn read(object: &[u8]) -> Option<(ArchiveId, Head, &[u8])> {
    let mut reader = Reader(object);
    let fields = (|| {
        if reader.array()? != *MAGIC {
            return Err(Short);
        }
        let archive = ArchiveId(reader.array()?);
        let (number, follows) = (reader.u64()?, reader.u64()?);
        let at = Timestamp(reader.i64()?);
        Ok((archive, Head { number, follows, at, action: reader.text()? }))
    })();
    let (archive, head) = fields.ok()?;
    Some((archive, head, reader.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::bucket::Bucket;
    use crate::vault::master::MasterKey;

    async fn vault() -> (Vault, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let bucket = Bucket::local(directory.path()).unwrap();
        let vault = Vault::create(bucket, MasterKey::generate(), Timestamp(5)).await.unwrap();
        (vault, directory)
    }

    fn head() -> Head {
        let at = Timestamp::from_seconds(1_767_225_600);
        Head { number: 7, follows: 7, at, action: "hold.place".into() }
    }

    #[tokio::test]
    async fn a_statement_comes_back_and_no_word_of_it_is_in_the_bucket() {
        let (vault, directory) = vault().await;
        let content = b"the secret subject".repeat(100);
        let put = vault.put_statement(&head(), &content).await.unwrap();
        assert!(put.place.name.starts_with("policy/2026-01/"), "{}", put.place.name);
        let stored = std::fs::read(directory.path().join(&put.place.name)).unwrap();
        assert!(!stored.windows(6).any(|window| window == b"secret"));
        let opened = vault.open_statement(&put.place.name).await.unwrap();
        assert_eq!((&opened.head, &opened.content), (&head(), &content));
        assert_eq!(opened.stated.commitment, put.commitment);
        // Sealed again it is another object with another commitment.
        let again = vault.put_statement(&head(), &content).await.unwrap();
        assert!(again.sha256 != put.sha256 && again.commitment != put.commitment);
    }

    #[tokio::test]
    async fn a_changed_or_renamed_statement_is_damaged() {
        let (vault, directory) = vault().await;
        let put = vault.put_statement(&head(), b"content").await.unwrap();
        let stored = std::fs::read(directory.path().join(&put.place.name)).unwrap();
        for at in 0..stored.len() {
            let mut changed = stored.clone();
            changed[at] ^= 1;
            // Under its old name, and under the name of the changed bytes.
            std::fs::write(directory.path().join(&put.place.name), &changed).unwrap();
            let opened = vault.open_statement(&put.place.name).await;
            assert!(matches!(opened, Err(VaultError::Damaged { .. })), "at {at}: {opened:?}");
            let name = object_name(head().at, &Digest::of(&changed));
            std::fs::write(directory.path().join(&name), &changed).unwrap();
            let opened = vault.open_statement(&name).await;
            assert!(matches!(opened, Err(VaultError::Damaged { .. })), "at {at}: {opened:?}");
        }
    }
}

//! The key page: the record keys of one segment, sealed under its epoch's key.
//!
//! Keys live apart from the ciphertext, so that a record can be erased by a
//! page without its key. Layout in `FORMAT.md`.

use aes_gcm::Nonce;
use aes_gcm::aead::{Aead, Payload};
use zeroize::Zeroizing;

use super::keys::{Key, KeyError, NONCE_BYTES, random};
use super::segment::Header;
use super::wire::{Reader, Short};
use crate::base::ids::RecordId;

/// Which key of the keyring a page is sealed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Under {
    /// Its epoch's, as every page is at first.
    Epoch,
    /// The class's key for what is held, when the epoch's is to be destroyed.
    Hold,
}

impl Under {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Epoch => b"MUNPAG\x00\x01",
            Self::Hold => b"MUNHPG\x00\x01",
        }
    }
}

fn page_key(above: &Key, salt: &[u8; 32]) -> Key {
    Key::from_bytes(above.derive_salted(salt, b"muniment key page v1"))
}

/// Seals the keys of a segment's records, in the order of its table, under `above`.
pub fn seal(
    under: Under,
    header: &Header,
    keyring_version: u32,
    above: &Key,
    keys: &[(RecordId, Key)],
) -> Vec<u8> {
    let salt: [u8; 32] = random();
    let mut out = Vec::with_capacity(128 + keys.len() * 48);
    out.extend_from_slice(under.magic());
    out.extend_from_slice(&header.encode());
    out.extend_from_slice(&keyring_version.to_be_bytes());
    out.extend_from_slice(&salt);
    let mut plain = Zeroizing::new(Vec::with_capacity(keys.len() * 48));
    for (record, key) in keys {
        plain.extend_from_slice(&record.0);
        plain.extend_from_slice(key.as_bytes());
    }
    // The key is used for this page only, so a constant nonce never repeats.
    let sealed = page_key(above, &salt)
        .cipher()
        .encrypt(&Nonce::from([0; NONCE_BYTES]), Payload { msg: &plain, aad: &out })
        .expect("a page is far below GCM's length limit");
    out.extend_from_slice(&sealed);
    out
}

/// A page whose keys have not been opened yet.
pub struct Sealed<'a> {
    pub under: Under,
    pub header: Header,
    pub keyring_version: u32,
    /// All of it, as it was sealed.
    pub whole: &'a [u8],
    salt: [u8; 32],
    context: &'a [u8],
    sealed: &'a [u8],
}

/// Reads what a page says of itself in the clear.
pub fn read(page: &[u8]) -> Option<Sealed<'_>> {
    let mut reader = Reader(page);
    let magic: [u8; 8] = reader.array().ok()?;
    let under = [Under::Epoch, Under::Hold].into_iter().find(|under| *under.magic() == magic)?;
    let header = Header::from_start(reader.0)?;
    reader.bytes(header.encode().len()).ok()?;
    let keyring_version = reader.u32().ok()?;
    let salt = reader.array().ok()?;
    let context = &page[..page.len() - reader.0.len()];
    let sealed = reader.0;
    Some(Sealed { under, header, keyring_version, whole: page, salt, context, sealed })
}

impl Sealed<'_> {
    pub fn open(&self, above: &Key) -> Result<Vec<(RecordId, Key)>, KeyError> {
        const WHAT: &str = "a key page";
        let plain = page_key(above, &self.salt)
            .cipher()
            .decrypt(
                &Nonce::from([0; NONCE_BYTES]),
                Payload { msg: self.sealed, aad: self.context },
            )
            .map_err(|_| KeyError::Unwrap { what: WHAT })?;
        let plain = Zeroizing::new(plain);
        let mut reader = Reader(&plain);
        let mut keys = Vec::with_capacity(plain.len() / 48);
        while !reader.0.is_empty() {
            let row =
                (|| Ok::<_, Short>((RecordId(reader.array()?), Key::from_bytes(reader.array()?))))(
                );
            keys.push(row.map_err(|_| KeyError::Unwrap { what: WHAT })?);
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::{ArchiveId, SegmentId};

    fn header() -> Header {
        Header {
            archive: ArchiveId([1; 16]),
            segment: SegmentId([2; 16]),
            class: "standard".into(),
            epoch: "2026-01".into(),
        }
    }

    #[test]
    fn keys_come_back_and_only_with_their_epoch_key() {
        let epoch = Key::generate();
        let keys = [(RecordId([3; 16]), Key::generate()), (RecordId([4; 16]), Key::generate())];
        let page = seal(Under::Epoch, &header(), 1, &epoch, &keys);
        let sealed = read(&page).unwrap();
        assert_eq!((&sealed.header, sealed.keyring_version), (&header(), 1));
        let opened = sealed.open(&epoch).unwrap();
        let bytes = |keys: &[(RecordId, Key)]| {
            keys.iter().map(|(id, key)| (*id, *key.as_bytes())).collect::<Vec<_>>()
        };
        assert_eq!(bytes(&opened), bytes(&keys));
        assert!(sealed.open(&Key::generate()).is_err());
    }

    #[test]
    fn a_page_does_not_open_for_another_segment() {
        let epoch = Key::generate();
        let page =
            seal(Under::Epoch, &header(), 1, &epoch, &[(RecordId([3; 16]), Key::generate())]);
        for at in 0..page.len() {
            let mut changed = page.clone();
            changed[at] ^= 1;
            let opened = read(&changed).map(|sealed| sealed.open(&epoch).is_ok());
            assert_ne!(opened, Some(true), "at {at}");
        }
    }
}

//! Parts: what of deliveries lies for itself, sealed under a key of its own.
//!
//! A part's key is in the records that need it, and nowhere else: not in a key page,
//! not in the catalog. So a part can be read as long as one of them can, a hold on a
//! record holds its parts, and with the last record's key they are gone.

use std::io::{self, Write as _};

use super::bucket::Place;
use super::chunk::{ChunkSealer, Stream};
use super::keys::Key;
use super::pack::{Dictionary, LEVEL, pack};
use super::recipe::{Elsewhere, PartAt};
use super::segment::Header;
use super::{Vault, VaultError};
use crate::base::hash::Digest;
use crate::base::ids::ArchiveId;

/// What a part's ciphertext is bound to; its key is used for nothing else.
pub(super) fn context(archive: ArchiveId, class: &str) -> Vec<u8> {
    let mut out = b"muniment part v1\n".to_vec();
    out.extend_from_slice(&archive.0);
    out.extend_from_slice(class.as_bytes());
    out
}

/// A part that lies in no segment yet.
#[derive(Clone)]
pub struct SealedPart {
    pub key: Key,
    pub ciphertext: Digest,
    pub sha256: Digest,
    pub sealed: Vec<u8>,
}

impl SealedPart {
    /// Seals the bytes that have this hash, which are text of mail or anything.
    pub fn seal(
        (archive, class): (ArchiveId, &str),
        sha256: Digest,
        bytes: &[u8],
        dictionary: Option<Dictionary>,
    ) -> io::Result<Self> {
        let key = Key::generate();
        let packed = match dictionary {
            Some(dictionary) => pack(dictionary, bytes)?,
            None => zstd::bulk::compress(bytes, LEVEL)?,
        };
        let out = Vec::with_capacity(packed.len() + 64);
        let mut chunks = ChunkSealer::new(&key, context(archive, class), Stream::Body, out);
        chunks.write_all(&packed)?;
        let sealed = chunks.finish()?;
        Ok(Self { key, ciphertext: Digest::of(&sealed), sha256, sealed })
    }

    /// As records of the segment name it in which it begins at `offset`.
    pub fn at(&self, offset: u64) -> PartAt {
        PartAt {
            elsewhere: None,
            offset,
            sealed_bytes: self.sealed.len() as u64,
            key: self.key.clone(),
            ciphertext: self.ciphertext,
            sha256: self.sha256,
        }
    }
}

/// Calls parts by names of which only who has the epoch's key can say what they
/// are of: a guess cannot be confirmed with the catalog alone.
#[derive(Clone)]
pub struct Namer(Key);

impl Namer {
    pub(super) fn new(epoch_key: &Key) -> Self {
        Self(Key::from_bytes(epoch_key.derive(b"muniment part names v1")))
    }

    pub fn name(&self, sha256: &Digest) -> Digest {
        Digest(self.0.derive(&sha256.0))
    }
}

impl Vault {
    /// The names of parts in an epoch that takes mail.
    pub async fn namer(&self, class: &str, epoch: &str) -> Result<Namer, VaultError> {
        Ok(Namer::new(&self.keyring().sealing_key(class, epoch).await?))
    }

    /// Where in the bucket a part lies that a record of `own` names.
    pub(super) async fn place_of_part(
        &self,
        own: &Header,
        Elsewhere { segment, sha256 }: &Elsewhere,
    ) -> Result<Place, VaultError> {
        // By the bucket's rule: a part is shared within a class and a month only.
        let header = Header { segment: *segment, ..own.clone() };
        Ok(self.bucket().find(&header.object_name(sha256)).await?)
    }
}

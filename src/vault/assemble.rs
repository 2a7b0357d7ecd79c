//! A delivery put together again, piece by piece: the one way by which its bytes
//! leave the vault.

use std::sync::Arc;
use std::vec;

use bytes::Bytes;
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use super::bucket::{BucketError, Place};
use super::chunk::{ChunkOpener, SEALED_CHUNK_BYTES, Stream};
use super::pack::unpacker;
use super::part;
use super::recipe::{PartAt, Piece, Source, Writer};
use super::segment::Header;
use super::{Vault, VaultError};
use crate::base::hash::{Digest, Hasher};
use crate::base::limits::CHUNK_BYTES;

/// Bytes of an object, some of which may be at hand.
#[derive(Clone)]
pub(super) struct Object {
    pub vault: Vault,
    pub place: Place,
    /// Those from `held_at` on.
    pub held: Option<Bytes>,
    pub held_at: u64,
}

impl Object {
    pub fn damaged(&self, what: &'static str) -> VaultError {
        VaultError::Damaged { object: self.place.name.clone(), what }
    }

    pub async fn read(&self, range: std::ops::Range<u64>) -> Result<Bytes, VaultError> {
        let held = self.held.as_ref().and_then(|held| {
            let start = usize::try_from(range.start.checked_sub(self.held_at)?).ok()?;
            let end = usize::try_from(range.end.checked_sub(self.held_at)?).ok()?;
            (start <= end && end <= held.len()).then(|| held.slice(start..end))
        });
        match held {
            Some(held) => Ok(held),
            None => Ok(self.vault.bucket().get_range(&self.place, range).await?),
        }
    }
}

/// What is sealed as one stream, unpacked.
pub(super) struct Unsealed {
    object: Arc<Object>,
    opener: ChunkOpener,
    next: u64,
    end: u64,
    decoder: Option<Decoder<'static>>,
    compressed: Bytes,
    taken: usize,
}

impl Unsealed {
    pub fn new(object: Arc<Object>, opener: ChunkOpener, next: u64, end: u64) -> Self {
        let compressed = Bytes::new();
        Self { object, opener, next, end, decoder: None, compressed, taken: 0 }
    }

    /// The next bytes; none at the end.
    async fn piece(&mut self) -> Result<Option<Bytes>, VaultError> {
        const NO_FRAME: &str = "a record does not unpack";
        loop {
            let Some(decoder) = &mut self.decoder else {
                self.next_chunk().await?;
                let decoder = unpacker(&self.compressed);
                self.decoder = Some(decoder.map_err(|_| self.object.damaged(NO_FRAME))?);
                continue;
            };
            let mut out = vec![0; CHUNK_BYTES];
            let mut input = InBuffer::around(&self.compressed[self.taken..]);
            let mut output = OutBuffer::around(&mut out[..]);
            let ran = decoder.run(&mut input, &mut output);
            ran.map_err(|_| self.object.damaged(NO_FRAME))?;
            self.taken += input.pos();
            let produced = output.pos();
            if produced > 0 {
                out.truncate(produced);
                return Ok(Some(Bytes::from(out)));
            }
            if self.next == self.end {
                return Ok(None);
            }
            self.next_chunk().await?;
        }
    }

    async fn next_chunk(&mut self) -> Result<(), VaultError> {
        let until = self.end.min(self.next + SEALED_CHUNK_BYTES as u64);
        let sealed = self.object.read(self.next..until).await?;
        let opened = self
            .opener
            .open(sealed.to_vec(), until == self.end)
            .map_err(|_| self.object.damaged("a record does not open"))?;
        self.next = until;
        self.compressed = Bytes::from(opened);
        self.taken = 0;
        Ok(())
    }
}

/// What comes next of a delivery.
enum Now {
    /// So much of the body, then a piece.
    Before(u64, Piece),
    /// So much of the body, encoded.
    Inline(u64, Writer),
    /// So much of a part, encoded.
    Part(Box<Unsealed>, u64, Writer),
    /// What is left of the body.
    Rest,
}

/// The exact bytes of a record's delivery, in pieces of about a chunk. The last step
/// fails if they are not those that were sealed.
pub(super) struct Assembler {
    home: Home,
    body: Unsealed,
    /// Of the body, unpacked and not used yet.
    held: Bytes,
    pieces: vec::IntoIter<Piece>,
    now: Now,
    hasher: Hasher,
    expected: Digest,
}

impl Assembler {
    /// Of the delivery that has this hash.
    pub fn new(home: Home, body: Unsealed, pieces: Vec<Piece>, expected: Digest) -> Self {
        let mut pieces = pieces.into_iter();
        let now = Now::next(&mut pieces);
        Self { home, body, held: Bytes::new(), pieces, now, hasher: Hasher::new(), expected }
    }

    pub async fn piece(&mut self) -> Result<Option<Bytes>, VaultError> {
        loop {
            let Some(piece) = self.step().await? else {
                let found = std::mem::take(&mut self.hasher).finish();
                return match found == self.expected {
                    true => Ok(None),
                    false => {
                        Err(self.home.object.damaged("a record's contents are not what was sealed"))
                    }
                };
            };
            if !piece.is_empty() {
                self.hasher.update(&piece);
                return Ok(Some(piece));
            }
            // What gives nothing is work all the same; let others have a turn.
            tokio::task::yield_now().await;
        }
    }

    /// Some of the delivery's bytes, which may be none; `None` at its end.
    async fn step(&mut self) -> Result<Option<Bytes>, VaultError> {
        const ENDS_EARLY: &str = "a part in it ends early";
        match &mut self.now {
            Now::Rest => {
                if !self.held.is_empty() {
                    return Ok(Some(std::mem::take(&mut self.held)));
                }
                self.body.piece().await
            }
            Now::Before(0, piece) => {
                let writer = Writer::new(piece.coding);
                self.now = match &piece.source {
                    Source::Inline => Now::Inline(piece.size_bytes, writer),
                    Source::Part(part) => {
                        let part = Box::new(self.home.part(part).await?);
                        Now::Part(part, piece.size_bytes, writer)
                    }
                };
                Ok(Some(Bytes::new()))
            }
            Now::Before(left, _) => {
                let bytes = take(&self.home, &mut self.body, &mut self.held, *left).await?;
                *left -= bytes.len() as u64;
                Ok(Some(bytes))
            }
            Now::Inline(left, writer) => {
                let bytes = match *left {
                    0 => Bytes::new(),
                    most => take(&self.home, &mut self.body, &mut self.held, most).await?,
                };
                *left -= bytes.len() as u64;
                let mut out = Vec::with_capacity(bytes.len() / 2 * 3);
                writer.push(&bytes, &mut out);
                if *left == 0 {
                    writer.finish(&mut out);
                    self.now = Now::next(&mut self.pieces);
                }
                Ok(Some(out.into()))
            }
            Now::Part(part, left, writer) => {
                let bytes = part.piece().await?;
                let length = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
                let is_last = bytes.is_none();
                let fits = left.checked_sub(length).filter(|left| !is_last || *left == 0);
                *left = fits.ok_or_else(|| part.object.damaged(ENDS_EARLY))?;
                let mut out = Vec::with_capacity(length as usize / 2 * 3);
                match bytes {
                    Some(bytes) => writer.push(&bytes, &mut out),
                    None => {
                        writer.finish(&mut out);
                        self.now = Now::next(&mut self.pieces);
                    }
                }
                Ok(Some(out.into()))
            }
        }
    }
}

impl Now {
    fn next(pieces: &mut vec::IntoIter<Piece>) -> Self {
        pieces.next().map_or(Self::Rest, |piece| Self::Before(piece.skip, piece))
    }
}

/// At most `most` bytes of the body, and one at least.
async fn take(
    home: &Home,
    body: &mut Unsealed,
    held: &mut Bytes,
    most: u64,
) -> Result<Bytes, VaultError> {
    if held.is_empty() {
        let ends_early = || home.object.damaged("a record's body ends early");
        *held = body.piece().await?.ok_or_else(ends_early)?;
    }
    let length = usize::try_from(most).unwrap_or(usize::MAX).min(held.len());
    Ok(held.split_to(length))
}

/// The segment of a record: where it looks for its parts.
#[derive(Clone)]
pub(super) struct Home {
    pub object: Arc<Object>,
    pub header: Arc<Header>,
}

impl Home {
    /// Opens a part, wherever it lies.
    async fn part(&self, at: &PartAt) -> Result<Unsealed, VaultError> {
        let object = self.object_of_part(at).await?;
        let context = part::context(self.header.archive, &self.header.class);
        let opener = ChunkOpener::new(&at.key, context, Stream::Body);
        Ok(Unsealed::new(object, opener, at.offset, at.offset + at.sealed_bytes))
    }

    /// Where a part lies; of another segment its bytes are fetched at once, since none
    /// is larger than a delivery in memory.
    async fn object_of_part(&self, at: &PartAt) -> Result<Arc<Object>, VaultError> {
        let Some(elsewhere) = &at.elsewhere else { return Ok(self.object.clone()) };
        let vault = self.object.vault.clone();
        let place = vault.place_of_part(&self.header, elsewhere).await?;
        let range = at.offset..at.offset + at.sealed_bytes;
        let read = vault.bucket().get_range(&place, range.clone()).await;
        let is_short = match &read {
            Ok(held) => held.len() as u64 != at.sealed_bytes,
            Err(BucketError::Missing(_)) => false,
            // A service says no more of a range that is not there.
            Err(_) => vault.bucket().size(&place).await? < range.end,
        };
        if is_short {
            return Err(VaultError::Damaged { object: place.name, what: "it is too short" });
        }
        Ok(Arc::new(Object { vault, place, held: Some(read?), held_at: at.offset }))
    }

    /// Whether a part lies where a record says, as it was sealed. An error names the
    /// object that has it, or should.
    pub async fn check_part(&self, at: &PartAt) -> Result<(), VaultError> {
        let object = self.object_of_part(at).await?;
        let sealed = object.read(at.offset..at.offset + at.sealed_bytes).await?;
        match Digest::of(&sealed) == at.ciphertext {
            true => Ok(()),
            false => Err(object.damaged("a part in it is not what a record says that it is")),
        }
    }
}

//! Sealing one record: compress, encrypt, commit.
//!
//! A record is two streams under one fresh key: the delivery's exact bytes, and
//! what was known of them (the metadata, as JSON). Where not all of the bytes are in
//! the first as they came, a third says how they are put together again
//! ([`super::recipe`]).

use std::collections::HashMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::chunk::{ChunkSealer, Stream};
use super::cut::Cut;
use super::keys::Key;
use super::pack::{self, Dictionary, pack};
use super::part::SealedPart;
use super::recipe::{self, Coding, PartAt, Piece, Source};
use super::recode;
use crate::base::hash::{Digest, Hasher};
use crate::base::ids::{ArchiveId, RecordId, SegmentId};
use crate::base::limits::{CHUNK_BYTES, DECODED_BYTES_MIN, PIECES_MAX};
use crate::ledger::commitment::{self, ROLE_ATTACHMENT, ROLE_DELIVERY, ROLE_MESSAGE};
use crate::ledger::leaf::Leaf;
use crate::mail::delivery::{Delivery, Role};
use crate::mail::transaction::Transaction;

/// What is sealed beside a delivery's bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordMeta {
    pub transaction: Transaction,
    pub delivery: Delivery,
    /// Whether the delivery passed its source's checks.
    pub is_proven: bool,
}

/// What a record's ciphertext is bound to.
#[derive(Clone, Debug)]
pub struct RecordContext {
    pub archive: ArchiveId,
    pub record: RecordId,
    pub class: String,
}

impl RecordContext {
    /// The associated data of each chunk.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = b"muniment record v1\n".to_vec();
        out.extend_from_slice(&self.archive.0);
        out.extend_from_slice(&self.record.0);
        out.extend_from_slice(self.class.as_bytes());
        out
    }
}

/// A record whose ciphertext has been written.
#[derive(Clone)]
pub struct SealedRecord {
    pub record: RecordId,
    pub key: Key,
    pub meta: RecordMeta,
    pub body_sealed_bytes: u64,
    pub meta_sealed_bytes: u64,
    /// None where the body stream is the delivery.
    pub recipe_sealed_bytes: u64,
    pub meta_bytes: u64,
    pub leaf: Vec<u8>,
    pub leaf_hash: Digest,
    /// Other segments that have parts of it.
    pub needs: Vec<SegmentId>,
}

/// The salt of commitment `index` of a record: with its key gone, so is it.
pub fn salt(key: &Key, index: u32) -> [u8; 32] {
    let mut info = b"muniment salt v1\n".to_vec();
    info.extend_from_slice(&index.to_be_bytes());
    key.derive(&info)
}

/// The commitments of a record: the delivery, then its entries in order.
pub fn commitments(key: &Key, delivery: &Delivery) -> Vec<Digest> {
    let whole = (ROLE_DELIVERY, delivery.sha256, delivery.size);
    let entries = delivery.entries.iter().map(|entry| (role(entry.role), entry.sha256, entry.size));
    (0..)
        .zip(std::iter::once(whole).chain(entries))
        .map(|(index, (role, sha256, size))| {
            commitment::commit(&salt(key, index), role, &sha256, size)
        })
        .collect()
}

pub fn role(role: Role) -> u8 {
    match role {
        Role::Message => ROLE_MESSAGE,
        Role::Attachment => ROLE_ATTACHMENT,
    }
}

/// Counts and hashes what passes through.
struct Tally<W> {
    hasher: Hasher,
    written: u64,
    out: W,
}

impl<W> Tally<W> {
    fn new(out: W) -> Self {
        Self { hasher: Hasher::new(), written: 0, out }
    }
}

impl<W: Write> Write for Tally<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A body that arrives in pieces. It is large, and needs no dictionary; what of it is
/// base64 is decoded as it passes.
pub struct BodySealer<W: Write> {
    context: RecordContext,
    key: Key,
    encoder: zstd::stream::write::Encoder<'static, ChunkSealer<Tally<W>>>,
    /// What has not been looked at yet.
    window: Vec<u8>,
    /// Bytes of the body stream since the last piece.
    skip: u64,
    pieces: Vec<Piece>,
}

impl<W: Write> BodySealer<W> {
    pub fn new(context: RecordContext, out: W) -> io::Result<Self> {
        let key = Key::generate();
        let chunks = ChunkSealer::new(&key, context.encode(), Stream::Body, Tally::new(out));
        let encoder = zstd::stream::write::Encoder::new(chunks, pack::LEVEL)?;
        Ok(Self { context, key, encoder, window: Vec::new(), skip: 0, pieces: Vec::new() })
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.window.extend_from_slice(bytes);
        if self.window.len() < CHUNK_BYTES {
            return Ok(());
        }
        // Base64 goes on in the next window, as another piece.
        let end = memchr::memrchr(b'\n', &self.window).map_or(self.window.len(), |at| at + 1);
        self.take(end)
    }

    /// Packs the window up to `end`.
    fn take(&mut self, end: usize) -> io::Result<()> {
        let window = std::mem::take(&mut self.window);
        let most = PIECES_MAX - self.pieces.len();
        let mut at = 0;
        for run in recode::runs(&window[..end], DECODED_BYTES_MIN, most) {
            self.encoder.write_all(&window[at..run.start])?;
            self.encoder.write_all(&run.decoded)?;
            self.pieces.push(Piece {
                skip: self.skip + (run.start - at) as u64,
                coding: Coding::Base64(run.shape),
                size_bytes: run.decoded.len() as u64,
                source: Source::Inline,
            });
            (self.skip, at) = (0, run.end);
        }
        self.encoder.write_all(&window[at..end])?;
        self.skip += (end - at) as u64;
        self.window = window[end..].to_vec();
        Ok(())
    }

    /// Writes the rest of the body, the metadata and the recipe.
    pub fn finish(mut self, meta: RecordMeta) -> io::Result<(SealedRecord, W)> {
        self.take(self.window.len())?;
        let tally = self.encoder.finish()?.finish()?;
        Sealing::of_body(self.context, self.key, meta, tally)?.finish(self.pieces)
    }
}

/// A record whose body and metadata are sealed, and not yet where its parts lie.
pub struct Draft {
    sealing: Sealing<Vec<u8>>,
    pieces: Vec<DraftPiece>,
}

struct DraftPiece {
    skip: u64,
    coding: Coding,
    size_bytes: u64,
    source: DraftSource,
}

enum DraftSource {
    Inline,
    /// In a segment that is part of the archive.
    Known(PartAt),
    New(SealedPart),
}

/// Seals a body that is in memory, without its `cuts`; of those that are parts,
/// `known` has where they lie already, by the hash of what they say.
pub fn draft(
    context: RecordContext,
    body: &[u8],
    meta: RecordMeta,
    cuts: &[Cut],
    known: &HashMap<Digest, PartAt>,
) -> io::Result<Draft> {
    let key = Key::generate();
    let (mut plain, mut pieces) = (Vec::new(), Vec::with_capacity(cuts.len()));
    let (mut at, mut skipped) = (0, 0);
    for cut in cuts {
        plain.extend_from_slice(&body[at..cut.start]);
        let skip = (plain.len() - skipped) as u64;
        let bytes = cut.bytes(body);
        let source = match &cut.part {
            None => {
                plain.extend_from_slice(bytes);
                DraftSource::Inline
            }
            Some(sha256) => match known.get(sha256) {
                Some(part) => DraftSource::Known(part.clone()),
                None => {
                    let within = (context.archive, &*context.class);
                    let dictionary = (cut.coding == Coding::AsIs).then_some(Dictionary::Mail);
                    DraftSource::New(SealedPart::seal(within, *sha256, bytes, dictionary)?)
                }
            },
        };
        pieces.push(DraftPiece {
            skip,
            coding: cut.coding,
            size_bytes: bytes.len() as u64,
            source,
        });
        (at, skipped) = (cut.end, plain.len());
    }
    let plain = match pieces.is_empty() {
        true => body,
        false => {
            plain.extend_from_slice(&body[at..]);
            &plain
        }
    };
    let compressed = pack(Dictionary::Mail, plain)?;
    let tally = Tally::new(Vec::with_capacity(compressed.len() + 1024));
    let mut chunks = ChunkSealer::new(&key, context.encode(), Stream::Body, tally);
    chunks.write_all(&compressed)?;
    let tally = chunks.finish()?;
    Ok(Draft { sealing: Sealing::of_body(context, key, meta, tally)?, pieces })
}

impl Draft {
    /// What it takes up in a segment.
    pub fn sealed_bytes(&self) -> usize {
        let parts = self.pieces.iter().map(|piece| match &piece.source {
            DraftSource::New(part) => part.sealed.len(),
            DraftSource::Inline | DraftSource::Known(_) => 0,
        });
        self.sealing.tally.out.len() + self.pieces.len() * 200 + parts.sum::<usize>()
    }

    /// Whether it brings parts.
    pub fn brings_any(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece.source, DraftSource::New(_)))
    }

    /// Lets go of the parts that it brings which lie in the archive by now.
    pub fn share(&mut self, known: impl Fn(&Digest) -> Option<PartAt>) {
        for piece in &mut self.pieces {
            if let DraftSource::New(part) = &piece.source
                && let Some(at) = known(&part.sha256)
            {
                piece.source = DraftSource::Known(at);
            }
        }
    }

    /// Seals the rest, once `place` has told where each part lies that it brings.
    pub fn finish(
        self,
        mut place: impl FnMut(SealedPart) -> io::Result<PartAt>,
    ) -> io::Result<(SealedRecord, Vec<u8>)> {
        let mut pieces = Vec::with_capacity(self.pieces.len());
        for DraftPiece { skip, coding, size_bytes, source } in self.pieces {
            let source = match source {
                DraftSource::Inline => Source::Inline,
                DraftSource::Known(part) => Source::Part(part),
                DraftSource::New(part) => Source::Part(place(part)?),
            };
            pieces.push(Piece { skip, coding, size_bytes, source });
        }
        self.sealing.finish(pieces)
    }
}

/// A record on its way: all but the recipe and the leaf.
struct Sealing<W> {
    context: RecordContext,
    key: Key,
    meta: RecordMeta,
    body_sealed_bytes: u64,
    meta_sealed_bytes: u64,
    meta_bytes: u64,
    commitments: u32,
    commitment_root: Digest,
    tally: Tally<W>,
}

impl<W: Write> Sealing<W> {
    /// Writes the metadata behind the body.
    fn of_body(
        context: RecordContext,
        key: Key,
        meta: RecordMeta,
        tally: Tally<W>,
    ) -> io::Result<Self> {
        let body_sealed_bytes = tally.written;
        let json = serde_json::to_vec(&meta)?;
        let mut chunks = ChunkSealer::new(&key, context.encode(), Stream::Meta, tally);
        chunks.write_all(&pack(Dictionary::Metadata, &json)?)?;
        let tally = chunks.finish()?;
        let commitments = commitments(&key, &meta.delivery);
        Ok(Self {
            body_sealed_bytes,
            meta_sealed_bytes: tally.written - body_sealed_bytes,
            meta_bytes: json.len() as u64,
            commitments: u32::try_from(commitments.len()).expect("parts are bounded"),
            commitment_root: commitment::root(&commitments),
            context,
            key,
            meta,
            tally,
        })
    }

    /// Writes the recipe, where there is one.
    fn finish(mut self, pieces: Vec<Piece>) -> io::Result<(SealedRecord, W)> {
        let before = self.tally.written;
        if !pieces.is_empty() {
            let context = self.context.encode();
            let mut chunks = ChunkSealer::new(&self.key, context, Stream::Recipe, self.tally);
            chunks.write_all(&recipe::encode(&pieces))?;
            self.tally = chunks.finish()?;
        }
        let leaf = Leaf::Delivery {
            record: self.context.record,
            received_at: self.meta.transaction.received_at,
            class: self.context.class.clone(),
            ciphertext: self.tally.hasher.finish(),
            commitments: self.commitments,
            commitment_root: self.commitment_root,
        };
        let record = SealedRecord {
            record: self.context.record,
            key: self.key,
            body_sealed_bytes: self.body_sealed_bytes,
            meta_sealed_bytes: self.meta_sealed_bytes,
            recipe_sealed_bytes: self.tally.written - before,
            meta_bytes: self.meta_bytes,
            leaf: leaf.encode(),
            leaf_hash: leaf.hash(),
            meta: self.meta,
            needs: recipe::needs(&pieces),
        };
        Ok((record, self.tally.out))
    }
}

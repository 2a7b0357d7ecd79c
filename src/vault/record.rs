//! Sealing one record: compress, encrypt, commit.
//!
//! A record is two streams under one fresh key: the delivery's exact bytes, and
//! what was known of them (the metadata, as JSON).

use std::cell::RefCell;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::chunk::{ChunkSealer, Stream};
use super::keys::Key;
use crate::base::hash::{Digest, Hasher};
use crate::base::ids::{ArchiveId, RecordId};
use crate::ledger::commitment::{self, ROLE_ATTACHMENT, ROLE_DELIVERY, ROLE_MESSAGE};
use crate::ledger::leaf::Leaf;
use crate::mail::delivery::{Delivery, Role};
use crate::mail::transaction::Transaction;

/// Of zstd: the fastest level whose ratio on mail is near the best.
const COMPRESSION_LEVEL: i32 = 3;

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
    pub meta_bytes: u64,
    pub leaf: Vec<u8>,
    pub leaf_hash: Digest,
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

/// A body that arrives in pieces.
pub struct BodySealer<W: Write> {
    context: RecordContext,
    key: Key,
    encoder: zstd::stream::write::Encoder<'static, ChunkSealer<Tally<W>>>,
}

impl<W: Write> BodySealer<W> {
    pub fn new(context: RecordContext, out: W) -> io::Result<Self> {
        let key = Key::generate();
        let tally = Tally { hasher: Hasher::new(), written: 0, out };
        let chunks = ChunkSealer::new(&key, context.encode(), Stream::Body, tally);
        let encoder = zstd::stream::write::Encoder::new(chunks, COMPRESSION_LEVEL)?;
        Ok(Self { context, key, encoder })
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.encoder.write_all(bytes)
    }

    /// Writes the rest of the body and the metadata.
    pub fn finish(self, meta: RecordMeta) -> io::Result<(SealedRecord, W)> {
        let tally = self.encoder.finish()?.finish()?;
        seal_meta(&self.context, self.key, meta, tally)
    }
}

thread_local! {
    /// Making a compressor costs more than compressing a small message.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> =
        const { RefCell::new(None) };
}

fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|compressor| {
        let compressor = match compressor {
            Some(compressor) => compressor,
            None => compressor.insert(zstd::bulk::Compressor::new(COMPRESSION_LEVEL)?),
        };
        compressor.compress(bytes)
    })
}

/// Seals a body that is in memory; returns the record and its ciphertext.
pub fn seal(
    context: &RecordContext,
    body: &[u8],
    meta: RecordMeta,
) -> io::Result<(SealedRecord, Vec<u8>)> {
    let key = Key::generate();
    let compressed = compress(body)?;
    let out = Vec::with_capacity(compressed.len() + 1024);
    let tally = Tally { hasher: Hasher::new(), written: 0, out };
    let mut chunks = ChunkSealer::new(&key, context.encode(), Stream::Body, tally);
    chunks.write_all(&compressed)?;
    let tally = chunks.finish()?;
    seal_meta(context, key, meta, tally)
}

fn seal_meta<W: Write>(
    context: &RecordContext,
    key: Key,
    meta: RecordMeta,
    tally: Tally<W>,
) -> io::Result<(SealedRecord, W)> {
    let body_sealed_bytes = tally.written;
    let json = serde_json::to_vec(&meta)?;
    let mut chunks = ChunkSealer::new(&key, context.encode(), Stream::Meta, tally);
    chunks.write_all(&compress(&json)?)?;
    let tally = chunks.finish()?;
    let commitments = commitments(&key, &meta.delivery);
    let leaf = Leaf::Delivery {
        record: context.record,
        received_at: meta.transaction.received_at,
        class: context.class.clone(),
        ciphertext: tally.hasher.finish(),
        commitments: u32::try_from(commitments.len()).expect("parts are bounded"),
        commitment_root: commitment::root(&commitments),
    };
    let record = SealedRecord {
        record: context.record,
        key,
        body_sealed_bytes,
        meta_sealed_bytes: tally.written - body_sealed_bytes,
        meta_bytes: json.len() as u64,
        leaf: leaf.encode(),
        leaf_hash: leaf.hash(),
        meta,
    };
    Ok((record, tally.out))
}

//! Encryption of a stream in chunks, each with its own tag, so that a record
//! of any size is written and read in little memory.
//!
//! The nonce says stream, whether this chunk is the last, and the chunk's
//! number; the key is fresh for every record, so no nonce repeats. Cutting the
//! stream at a chunk's edge, or swapping chunks, fails to open (the STREAM
//! construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015).

use std::io::{self, Write};

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, Nonce};

use super::keys::{Key, NONCE_BYTES, TAG_BYTES};
use crate::base::limits::CHUNK_BYTES;

/// The streams of a record. A part has a body alone, and a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stream {
    Body = 1,
    Meta = 2,
    Recipe = 3,
}

/// The length of a chunk of a stream in the segment, unless it is the last.
pub const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

fn nonce(
    stream: Stream,
    is_last: bool,
    number: u64,
) -> Nonce<<Aes256Gcm as aes_gcm::aead::AeadCore>::NonceSize> {
    let mut nonce = [0; NONCE_BYTES];
    nonce[0] = stream as u8;
    nonce[1] = u8::from(is_last);
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce.into()
}

/// Encrypts what is written to it and passes it on in chunks.
pub struct ChunkSealer<W: Write> {
    cipher: Aes256Gcm,
    context: Vec<u8>,
    stream: Stream,
    number: u64,
    chunk: Vec<u8>,
    out: W,
}

impl<W: Write> ChunkSealer<W> {
    pub fn new(key: &Key, context: Vec<u8>, stream: Stream, out: W) -> Self {
        Self { cipher: key.cipher(), context, stream, number: 0, chunk: Vec::new(), out }
    }

    fn emit(&mut self, is_last: bool) -> io::Result<()> {
        let nonce = nonce(self.stream, is_last, self.number);
        self.cipher
            .encrypt_in_place(&nonce, &self.context, &mut self.chunk)
            .expect("a chunk is far below GCM's length limit");
        self.out.write_all(&self.chunk)?;
        self.chunk.clear();
        self.number += 1;
        Ok(())
    }

    /// Writes the last chunk, which may be empty, and returns the inner writer.
    pub fn finish(mut self) -> io::Result<W> {
        self.emit(true)?;
        Ok(self.out)
    }
}

impl<W: Write> Write for ChunkSealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK_BYTES {
            self.emit(false)?;
        }
        let taken = bytes.len().min(CHUNK_BYTES - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        // A chunk is complete only when it is full or the stream ends.
        Ok(())
    }
}

/// The tag of a chunk did not verify.
#[derive(Debug, PartialEq, Eq)]
pub struct Tampered;

/// Decrypts the chunks of a stream, one after the other.
pub struct ChunkOpener {
    cipher: Aes256Gcm,
    context: Vec<u8>,
    stream: Stream,
    number: u64,
}

impl ChunkOpener {
    pub fn new(key: &Key, context: Vec<u8>, stream: Stream) -> Self {
        Self { cipher: key.cipher(), context, stream, number: 0 }
    }

    pub fn open(&mut self, mut sealed: Vec<u8>, is_last: bool) -> Result<Vec<u8>, Tampered> {
        let nonce = nonce(self.stream, is_last, self.number);
        self.cipher.decrypt_in_place(&nonce, &self.context, &mut sealed).map_err(|_| Tampered)?;
        self.number += 1;
        Ok(sealed)
    }

    /// Opens a whole stream at once.
    pub fn open_all(mut self, sealed: &[u8]) -> Result<Vec<u8>, Tampered> {
        let mut plain = Vec::with_capacity(sealed.len());
        let mut rest = sealed;
        loop {
            let is_last = rest.len() <= SEALED_CHUNK_BYTES;
            let (chunk, after) = rest.split_at(rest.len().min(SEALED_CHUNK_BYTES));
            plain.extend(self.open(chunk.to_vec(), is_last)?);
            if is_last {
                return Ok(plain);
            }
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(key: &Key, plain: &[u8]) -> Vec<u8> {
        let mut sealer = ChunkSealer::new(key, b"context".to_vec(), Stream::Body, Vec::new());
        sealer.write_all(plain).unwrap();
        sealer.finish().unwrap()
    }

    fn opened(key: &Key, sealed: &[u8]) -> Result<Vec<u8>, Tampered> {
        ChunkOpener::new(key, b"context".to_vec(), Stream::Body).open_all(sealed)
    }

    #[test]
    fn every_length_around_a_chunk_comes_back() {
        let key = Key::generate();
        let edges = [
            0,
            1,
            CHUNK_BYTES - 1,
            CHUNK_BYTES,
            CHUNK_BYTES + 1,
            2 * CHUNK_BYTES,
            2 * CHUNK_BYTES + 7,
        ];
        for length in edges {
            let plain: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            assert_eq!(opened(&key, &sealed(&key, &plain)).unwrap(), plain, "{length}");
        }
    }

    #[test]
    fn cut_swapped_or_changed_chunks_do_not_open() {
        let key = Key::generate();
        let whole = sealed(&key, &vec![9; 3 * CHUNK_BYTES]);
        assert!(opened(&key, &whole[..SEALED_CHUNK_BYTES]).is_err(), "cut at an edge");
        assert!(opened(&key, &whole[..whole.len() - 1]).is_err(), "cut inside");
        let mut swapped = whole.clone();
        let (first, second) = swapped[..2 * SEALED_CHUNK_BYTES].split_at_mut(SEALED_CHUNK_BYTES);
        first.swap_with_slice(second);
        assert!(opened(&key, &swapped).is_err(), "swapped");
        for at in [0, SEALED_CHUNK_BYTES, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(opened(&key, &changed).is_err(), "changed at {at}");
        }
        assert!(opened(&Key::generate(), &whole).is_err(), "another key");
    }
}

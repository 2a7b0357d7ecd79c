//! How a delivery is put together again: a record's third stream.
//!
//! What is not literal is listed in order: base64 that the body stream has decoded,
//! and parts, which lie for themselves and may be needed by several records. The
//! record binds where each lies, its key and its ciphertext; so its leaf does.

use super::keys::Key;
use super::recode::{Encoder, Shape};
use super::wire::{Reader, Short};
use crate::base::hash::Digest;
use crate::base::ids::SegmentId;

/// What stands between two literal stretches.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Bytes of the body stream that come before it, as they are.
    pub skip: u64,
    pub coding: Coding,
    /// Of what it says, before it is encoded.
    pub size_bytes: u64,
    pub source: Source,
}

/// How the bytes stand in the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    AsIs,
    Base64(Shape),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The body stream goes on with it.
    Inline,
    Part(PartAt),
}

/// Where a part lies and what opens it. Whoever has this can read it, so a part is
/// there as long as a record that needs it.
#[derive(Clone)]
pub struct PartAt {
    /// None in the record's own segment.
    pub elsewhere: Option<Elsewhere>,
    /// Of its ciphertext in the segment.
    pub offset: u64,
    pub sealed_bytes: u64,
    pub key: Key,
    pub ciphertext: Digest,
    /// Of what it says.
    pub sha256: Digest,
}

/// Another segment of the same class and month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    pub segment: SegmentId,
    /// Of the whole object; its name has it.
    pub sha256: Digest,
}

impl PartialEq for PartAt {
    fn eq(&self, other: &Self) -> bool {
        let fields =
            |it: &Self| (it.elsewhere, it.offset, it.sealed_bytes, it.ciphertext, it.sha256);
        fields(self) == fields(other) && self.key.as_bytes() == other.key.as_bytes()
    }
}

impl std::fmt::Debug for PartAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PartAt({:?}, {}+{})", self.elsewhere, self.offset, self.sealed_bytes)
    }
}

/// The other segments that have parts of it, each once.
pub fn needs(pieces: &[Piece]) -> Vec<SegmentId> {
    let mut segments: Vec<_> =
        parts(pieces).filter_map(|part| Some(part.elsewhere?.segment)).collect();
    segments.sort_unstable();
    segments.dedup();
    segments
}

pub fn parts(pieces: &[Piece]) -> impl Iterator<Item = &PartAt> {
    pieces.iter().filter_map(|piece| match &piece.source {
        Source::Part(part) => Some(part),
        Source::Inline => None,
    })
}

const AS_IS: u8 = 0;
const INLINE: u8 = 0;
const HERE: u8 = 1;
const ELSEWHERE: u8 = 2;

pub fn encode(pieces: &[Piece]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + pieces.len() * 192);
    let count = u32::try_from(pieces.len()).expect("pieces are bounded");
    out.extend_from_slice(&count.to_be_bytes());
    for piece in pieces {
        out.extend_from_slice(&piece.skip.to_be_bytes());
        match piece.coding {
            Coding::AsIs => out.push(AS_IS),
            Coding::Base64(shape) => {
                out.push(shape.ending as u8);
                out.extend_from_slice(&shape.line_chars.to_be_bytes());
            }
        }
        out.extend_from_slice(&piece.size_bytes.to_be_bytes());
        match &piece.source {
            Source::Inline => out.push(INLINE),
            Source::Part(part) => part.encode(&mut out),
        }
    }
    out
}

pub fn decode(bytes: &[u8]) -> Option<Vec<Piece>> {
    let mut reader = Reader(bytes);
    let count = reader.u32().ok()?;
    let mut pieces = Vec::new();
    for _ in 0..count {
        pieces.push(Piece::decode(&mut reader).ok()?);
    }
    reader.0.is_empty().then_some(pieces)
}

impl Piece {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Short> {
        let skip = reader.u64()?;
        let coding = match reader.u8()? {
            AS_IS => Coding::AsIs,
            ending => Coding::Base64(Shape::new(reader.u16()?, ending).ok_or(Short)?),
        };
        let size_bytes = reader.u64()?;
        let source = match reader.u8()? {
            INLINE => Source::Inline,
            place @ (HERE | ELSEWHERE) => Source::Part(PartAt::decode(place, reader)?),
            _ => return Err(Short),
        };
        Ok(Self { skip, coding, size_bytes, source })
    }
}

impl PartAt {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(if self.elsewhere.is_some() { ELSEWHERE } else { HERE });
        if let Some(Elsewhere { segment, sha256 }) = self.elsewhere {
            out.extend_from_slice(&segment.0);
            out.extend_from_slice(&sha256.0);
        }
        out.extend_from_slice(&self.offset.to_be_bytes());
        out.extend_from_slice(&self.sealed_bytes.to_be_bytes());
        out.extend_from_slice(self.key.as_bytes());
        out.extend_from_slice(&self.ciphertext.0);
        out.extend_from_slice(&self.sha256.0);
    }

    fn decode(place: u8, reader: &mut Reader<'_>) -> Result<Self, Short> {
        let elsewhere = match place {
            ELSEWHERE => Some(Elsewhere {
                segment: SegmentId(reader.array()?),
                sha256: Digest(reader.array()?),
            }),
            _ => None,
        };
        let (offset, sealed_bytes) = (reader.u64()?, reader.u64()?);
        // Checked here so that no later sum can overflow.
        offset.checked_add(sealed_bytes).ok_or(Short)?;
        let key = Key::from_bytes(reader.array()?);
        let (ciphertext, sha256) = (Digest(reader.array()?), Digest(reader.array()?));
        Ok(Self { elsewhere, offset, sealed_bytes, key, ciphertext, sha256 })
    }
}

/// Gives a piece's bytes as they stand in the delivery.
pub enum Writer {
    AsIs,
    Base64(Encoder),
}

impl Writer {
    pub fn new(coding: Coding) -> Self {
        match coding {
            Coding::AsIs => Self::AsIs,
            Coding::Base64(shape) => Self::Base64(Encoder::new(shape)),
        }
    }

    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::AsIs => out.extend_from_slice(bytes),
            Self::Base64(encoder) => encoder.push(bytes, out),
        }
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if let Self::Base64(encoder) = self {
            encoder.finish(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces() -> Vec<Piece> {
        let part = |elsewhere| {
            Source::Part(PartAt {
                elsewhere,
                offset: 77,
                sealed_bytes: 4000,
                key: Key::from_bytes([3; 32]),
                ciphertext: Digest::of(b"c"),
                sha256: Digest::of(b"s"),
            })
        };
        let elsewhere = Elsewhere { segment: SegmentId([9; 16]), sha256: Digest::of(b"o") };
        let lines = Coding::Base64(Shape::new(76, 2).unwrap());
        vec![
            Piece { skip: 5, coding: lines, size_bytes: 600, source: Source::Inline },
            Piece { skip: 0, coding: Coding::AsIs, size_bytes: 9, source: part(None) },
            Piece { skip: 1 << 40, coding: lines, size_bytes: 1, source: part(Some(elsewhere)) },
        ]
    }

    #[test]
    fn a_recipe_comes_back_and_half_of_one_does_not() {
        let encoded = encode(&pieces());
        assert_eq!(decode(&encoded), Some(pieces()));
        assert_eq!(decode(&encode(&[])), Some(Vec::new()));
        for end in 0..encoded.len() {
            assert_eq!(decode(&encoded[..end]), None, "cut at {end}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode(&bytes);
        }
    }
}

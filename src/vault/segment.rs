//! The segment: the vault object that holds records and parts. Layout in `FORMAT.md`.

use std::io::{self, Write};

use super::wire::{Reader, Short, put_text};
use crate::base::hash::{Digest, Hasher};
use crate::base::ids::{ArchiveId, RecordId, SegmentId};

const MAGIC: &[u8; 8] = b"MUNSEG\x00\x01";
const END_MAGIC: &[u8; 8] = b"MUNSEGEN";
/// Footer length, SHA-256 of header and footer, end magic.
pub const TRAILER_BYTES: u64 = 4 + 32 + 8;
const KIND_RECORD: u8 = 1;
/// A record with a recipe.
const KIND_ASSEMBLED: u8 = 2;
const KIND_PART: u8 = 3;
/// How the names of pages end that a disposition rewrote.
pub const HELD: &str = ".held";
/// Of pages that an erasure rewrote.
pub const LEFT: &str = ".left";
/// Of objects with the pages of many segments, and how they begin.
pub const PAGES: &str = ".pages";
pub const MANY: &str = "many-";

/// What a segment belongs to. Written in the clear at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub archive: ArchiveId,
    pub segment: SegmentId,
    pub class: String,
    /// The calendar month, as `2026-01`.
    pub epoch: String,
}

impl Header {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.archive.0);
        out.extend_from_slice(&self.segment.0);
        put_text(&mut out, &self.class);
        put_text(&mut out, &self.epoch);
        out
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, Short> {
        if reader.array()? != *MAGIC {
            return Err(Short);
        }
        Ok(Self {
            archive: ArchiveId(reader.array()?),
            segment: SegmentId(reader.array()?),
            class: reader.text()?,
            epoch: reader.text()?,
        })
    }

    /// The longest that an encoded header can be.
    pub const BYTES_MAX: u64 = 8 + 16 + 16 + 256 + 256;

    pub fn from_start(bytes: &[u8]) -> Option<Self> {
        Self::decode(&mut Reader(bytes)).ok()
    }

    /// Where the segment goes in the bucket.
    pub fn object_name(&self, sha256: &Digest) -> String {
        format!("seg/{}/{}/{}-{sha256}.seg", self.class, self.epoch, self.segment)
    }

    pub fn page_name(&self) -> String {
        format!("key/{}/{}/{}.page", self.class, self.epoch, self.segment)
    }

    /// Whether a page of this name is one of the segment's, or can be with others.
    pub fn is_page_name(&self, name: &str) -> bool {
        let epoch = format!("key/{}/{}/", self.class, self.epoch);
        let Some(file) = name.strip_prefix(&epoch).filter(|file| !file.contains('/')) else {
            return false;
        };
        if file.starts_with(MANY) {
            return file.ends_with(PAGES);
        }
        let rest = file.strip_prefix(&self.segment.to_string());
        rest.is_some_and(|rest| {
            let is_rewritten = [HELD, LEFT].iter().any(|end| rest.ends_with(end));
            rest == ".page" || rest.starts_with('-') && is_rewritten
        })
    }

    /// A page that was rewritten, for what an erasure left of the segment.
    pub fn left_page_name(&self, sha256: &Digest) -> String {
        format!("key/{}/{}/{}-{sha256}{LEFT}", self.class, self.epoch, self.segment)
    }

    /// A page that was rewritten, for what is held of the segment.
    pub fn held_page_name(&self, sha256: &Digest) -> String {
        format!("key/{}/{}/{}-{sha256}{HELD}", self.class, self.epoch, self.segment)
    }
}

/// One record's row in the footer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub record: RecordId,
    /// Where its ciphertext begins: the body's stream, the metadata's, the recipe's.
    pub offset: u64,
    pub body_sealed_bytes: u64,
    pub meta_sealed_bytes: u64,
    /// None where the body is the delivery as it came.
    pub recipe_sealed_bytes: u64,
    /// The delivery's exact length.
    pub body_bytes: u64,
    pub meta_bytes: u64,
    /// The encoded leaf; it holds the hash of the ciphertext.
    pub leaf: Vec<u8>,
}

/// Where a part lies. What it is of, only the records know that need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartEntry {
    pub offset: u64,
    pub sealed_bytes: u64,
}

/// What the footer lists, in the order in which it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    Record(Entry),
    Part(PartEntry),
}

impl Entry {
    fn encode(&self, out: &mut Vec<u8>) {
        let has_recipe = self.recipe_sealed_bytes > 0;
        out.push(if has_recipe { KIND_ASSEMBLED } else { KIND_RECORD });
        out.extend_from_slice(&self.record.0);
        for number in [
            self.offset,
            self.body_sealed_bytes,
            self.meta_sealed_bytes,
            self.body_bytes,
            self.meta_bytes,
        ] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        if has_recipe {
            out.extend_from_slice(&self.recipe_sealed_bytes.to_be_bytes());
        }
        let length = u16::try_from(self.leaf.len()).expect("a leaf is at most 65,535 bytes");
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&self.leaf);
    }

    fn decode(reader: &mut Reader<'_>, has_recipe: bool) -> Result<Self, Short> {
        let record = RecordId(reader.array()?);
        let [offset, body_sealed_bytes, meta_sealed_bytes, body_bytes, meta_bytes] =
            [reader.u64()?, reader.u64()?, reader.u64()?, reader.u64()?, reader.u64()?];
        let recipe_sealed_bytes = if has_recipe { reader.u64()? } else { 0 };
        let length = reader.u16()?;
        let leaf = reader.bytes(usize::from(length))?.to_vec();
        Ok(Self {
            record,
            offset,
            body_sealed_bytes,
            meta_sealed_bytes,
            recipe_sealed_bytes,
            body_bytes,
            meta_bytes,
            leaf,
        })
    }

    /// Of all its streams.
    pub fn sealed_bytes(&self) -> Option<u64> {
        let both = self.body_sealed_bytes.checked_add(self.meta_sealed_bytes)?;
        both.checked_add(self.recipe_sealed_bytes)
    }
}

impl Row {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Record(entry) => entry.encode(out),
            Self::Part(part) => {
                out.push(KIND_PART);
                out.extend_from_slice(&part.offset.to_be_bytes());
                out.extend_from_slice(&part.sealed_bytes.to_be_bytes());
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, Short> {
        let row = match reader.u8()? {
            KIND_RECORD => Self::Record(Entry::decode(reader, false)?),
            KIND_ASSEMBLED => Self::Record(Entry::decode(reader, true)?),
            KIND_PART => {
                Self::Part(PartEntry { offset: reader.u64()?, sealed_bytes: reader.u64()? })
            }
            _ => return Err(Short),
        };
        // Checked here so that no later sum can overflow.
        row.end().map(|_| row).ok_or(Short)
    }

    fn offset(&self) -> u64 {
        match self {
            Self::Record(entry) => entry.offset,
            Self::Part(part) => part.offset,
        }
    }

    /// Where its ciphertext ends.
    fn end(&self) -> Option<u64> {
        match self {
            Self::Record(entry) => entry.offset.checked_add(entry.sealed_bytes()?),
            Self::Part(part) => part.offset.checked_add(part.sealed_bytes),
        }
    }
}

/// Writes a segment from front to back.
///
/// # Invariant
/// What has been hashed is what has been written, in order.
pub struct SegmentWriter<W: Write> {
    header: Header,
    rows: Vec<Row>,
    written: u64,
    hasher: Hasher,
    out: W,
}

/// A finished segment.
pub struct Written<W> {
    pub header: Header,
    pub rows: Vec<Row>,
    pub size_bytes: u64,
    /// Of the whole object; part of its name.
    pub sha256: Digest,
    pub out: W,
}

impl<W: Write> SegmentWriter<W> {
    pub fn new(header: Header, out: W) -> io::Result<Self> {
        let mut writer = Self { rows: Vec::new(), written: 0, hasher: Hasher::new(), out, header };
        let start = writer.header.encode();
        writer.write_all(&start)?;
        Ok(writer)
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    pub fn written_bytes(&self) -> u64 {
        self.written
    }

    /// Lists a record whose ciphertext has just been written.
    pub fn list(&mut self, entry: Entry) {
        self.push(Row::Record(entry));
    }

    /// Writes a part; gives where it begins.
    pub fn write_part(&mut self, sealed: &[u8]) -> io::Result<u64> {
        let offset = self.written;
        self.write_all(sealed)?;
        self.push(Row::Part(PartEntry { offset, sealed_bytes: sealed.len() as u64 }));
        Ok(offset)
    }

    fn push(&mut self, row: Row) {
        debug_assert_eq!(row.end(), Some(self.written), "rows are written in order");
        self.rows.push(row);
    }

    pub fn finish(mut self) -> io::Result<Written<W>> {
        let mut footer = Vec::new();
        let count = u32::try_from(self.rows.len()).expect("segments hold few records");
        footer.extend_from_slice(&count.to_be_bytes());
        for row in &self.rows {
            row.encode(&mut footer);
        }
        let mut hasher = Hasher::new();
        hasher.update(&self.header.encode());
        hasher.update(&footer);
        let check = hasher.finish();
        let length = u32::try_from(footer.len()).expect("a footer is far below 4 GiB");
        self.write_all(&footer)?;
        self.write_all(&length.to_be_bytes())?;
        self.write_all(&check.0)?;
        self.write_all(END_MAGIC)?;
        self.flush()?;
        Ok(Written {
            header: self.header,
            rows: self.rows,
            size_bytes: self.written,
            sha256: self.hasher.finish(),
            out: self.out,
        })
    }
}

impl<W: Write> Write for SegmentWriter<W> {
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

/// How long the footer before this trailer is; `None` if it is no trailer.
pub fn footer_bytes(trailer: &[u8]) -> Option<u64> {
    let mut reader = Reader(trailer);
    let length = reader.u32().ok()?;
    reader.bytes(32).ok()?;
    (reader.0 == END_MAGIC).then_some(u64::from(length))
}

/// Reads the table of a segment of `size` bytes from its header, and from its
/// footer with trailer; checks that every row lies within.
pub fn read_table(header: &Header, tail: &[u8], size: u64) -> Option<Vec<Row>> {
    let (footer, trailer) =
        tail.split_at_checked(tail.len().checked_sub(TRAILER_BYTES as usize)?)?;
    let mut hasher = Hasher::new();
    let start = header.encode();
    hasher.update(&start);
    hasher.update(footer);
    if trailer.get(4..36)? != hasher.finish().0 || footer_bytes(trailer)? != footer.len() as u64 {
        return None;
    }
    let mut reader = Reader(footer);
    let count = reader.u32().ok()?;
    let mut rows = Vec::new();
    let mut at = start.len() as u64;
    for _ in 0..count {
        let row = Row::decode(&mut reader).ok()?;
        if row.offset() != at {
            return None;
        }
        at = row.end()?;
        rows.push(row);
    }
    (reader.0.is_empty() && at + tail.len() as u64 == size).then_some(rows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> Header {
        Header {
            archive: ArchiveId([1; 16]),
            segment: SegmentId([2; 16]),
            class: "standard".into(),
            epoch: "2026-01".into(),
        }
    }

    fn written(records: &[&[u8]]) -> Written<Vec<u8>> {
        let mut writer = SegmentWriter::new(header(), Vec::new()).unwrap();
        for (index, sealed) in records.iter().enumerate() {
            assert_eq!(writer.write_part(b"part").unwrap() + 4, writer.written_bytes());
            let offset = writer.written_bytes();
            writer.write_all(sealed).unwrap();
            writer.list(Entry {
                record: RecordId([index as u8; 16]),
                offset,
                body_sealed_bytes: sealed.len() as u64 - 1 - index as u64,
                meta_sealed_bytes: 1,
                recipe_sealed_bytes: index as u64,
                body_bytes: 5,
                meta_bytes: 6,
                leaf: vec![index as u8; 80],
            });
        }
        writer.finish().unwrap()
    }

    fn table(object: &[u8]) -> Option<Vec<Row>> {
        let header = Header::from_start(object)?;
        let trailer = object.get(object.len().checked_sub(TRAILER_BYTES as usize)?..)?;
        let tail = footer_bytes(trailer)?.checked_add(TRAILER_BYTES)? as usize;
        read_table(&header, object.get(object.len().checked_sub(tail)?..)?, object.len() as u64)
    }

    #[test]
    fn the_table_comes_back_and_the_hash_is_of_the_object() {
        let segment = written(&[b"first", b"second record"]);
        assert_eq!(segment.sha256, Digest::of(&segment.out));
        assert_eq!(segment.rows.len(), 4);
        assert_eq!(table(&segment.out), Some(segment.rows));
        assert_eq!(Header::from_start(&segment.out), Some(header()));
    }

    #[test]
    fn any_changed_byte_of_header_or_table_is_noticed() {
        let segment = written(&[b"first"]);
        let start = header().encode().len();
        for at in (0..segment.out.len()).filter(|at| !(start..start + 9).contains(at)) {
            let mut changed = segment.out.clone();
            changed[at] ^= 1;
            assert_eq!(table(&changed), None, "at {at}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = table(&bytes);
            let _ = Header::from_start(&bytes);
            let _ = read_table(&header(), &bytes, 300);
        }
    }
}

//! Reading: a segment, its page, and the records within.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;

use super::assemble::{Assembler, Home, Object, Unsealed};
use super::bucket::Place;
use super::chunk::{self, ChunkOpener};
use super::entry::gather;
use super::keys::Key;
use super::pack::unpack;
use super::part::Namer;
use super::recipe::{self, PartAt, Piece};
use super::record::{self, RecordContext, RecordMeta};
use super::segment::{Entry, Header, Row, TRAILER_BYTES, footer_bytes, read_table};
use super::{Vault, VaultError};
use crate::base::hash::{Digest, Hasher};
use crate::base::ids::{RecordId, SegmentId};
use crate::base::limits;

/// Segments up to this size are read whole.
const WHOLE_BYTES_MAX: u64 = 3 * limits::SEGMENT_BYTES_MAX as u64;

/// Where a record lies; the catalog knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordAt {
    pub record: RecordId,
    pub object: Place,
    pub page: Place,
    pub entry: u32,
}

/// A segment with its keys. Cloning shares it.
#[derive(Clone)]
pub struct OpenSegment {
    inner: Arc<Inner>,
}

/// A segment whose keys have not been opened.
pub struct LockedSegment {
    object: Place,
    pub header: Header,
    /// Its records; parts are found by who needs them.
    pub entries: Vec<Entry>,
    pub size_bytes: u64,
    whole: Option<Bytes>,
}

impl LockedSegment {
    /// Of the whole object, where it was read whole.
    pub fn sha256(&self) -> Option<Digest> {
        self.whole.as_deref().map(Digest::of)
    }
}

struct Inner {
    home: Home,
    entries: Vec<Entry>,
    keys: HashMap<RecordId, Key>,
    /// Where the epoch's key is there.
    namer: Option<Namer>,
    size_bytes: u64,
}

impl Vault {
    /// Opens a segment: checks its name's hash (where it is read whole), its
    /// table, and that its page belongs to it.
    pub async fn open_segment(
        &self,
        object: &Place,
        page: &Place,
    ) -> Result<OpenSegment, VaultError> {
        let read = self.read_segment(object).await?;
        if let Some(whole) = &read.whole
            && !object.name.ends_with(&format!("-{}.seg", Digest::of(whole)))
        {
            let what = "its contents are not what its name says";
            return Err(VaultError::Damaged { object: object.name.clone(), what });
        }
        self.unlock(read, page).await
    }

    /// Reads what a segment says of itself in the clear. Whether it has the hash in
    /// its name is not looked at.
    pub async fn read_segment(&self, object: &Place) -> Result<LockedSegment, VaultError> {
        let damaged =
            |what: &'static str| VaultError::Damaged { object: object.name.clone(), what };
        let size = self.bucket().size(object).await?;
        let whole = match size <= WHOLE_BYTES_MAX {
            true => Some(self.bucket().get_at(object).await?),
            false => None,
        };
        let read = async |range: std::ops::Range<u64>| match &whole {
            Some(whole) => Ok(whole.slice(range.start as usize..range.end as usize)),
            None => self.bucket().get_range(object, range).await,
        };
        let start = read(0..size.min(Header::BYTES_MAX)).await?;
        let header = Header::from_start(&start).ok_or_else(|| damaged("it has no header"))?;
        if header.archive != self.archive() {
            return Err(damaged("it belongs to another archive"));
        }
        let short = || damaged("it is too short");
        let trailer_at = size.checked_sub(TRAILER_BYTES).ok_or_else(short)?;
        let footer = footer_bytes(&read(trailer_at..size).await?)
            .ok_or_else(|| damaged("it has no trailer"))?;
        let footer_at = trailer_at.checked_sub(footer).ok_or_else(short)?;
        let rows = read_table(&header, &read(footer_at..size).await?, size)
            .ok_or_else(|| damaged("its table does not verify"))?;
        let records = rows.into_iter().filter_map(|row| match row {
            Row::Record(entry) => Some(entry),
            Row::Part(_) => None,
        });
        let entries = records.collect();
        Ok(LockedSegment { object: object.clone(), header, entries, size_bytes: size, whole })
    }

    /// Opens a segment with its keys.
    pub async fn unlock(
        &self,
        LockedSegment { object, header, entries, size_bytes, whole }: LockedSegment,
        page: &Place,
    ) -> Result<OpenSegment, VaultError> {
        let (keys, namer) = self.page_keys_and_names(&header, page).await?;
        let object = Object { vault: self.clone(), place: object, held: whole, held_at: 0 };
        let home = Home { object: Arc::new(object), header: Arc::new(header) };
        let inner = Inner { home, entries, keys, namer, size_bytes };
        Ok(OpenSegment { inner: Arc::new(inner) })
    }

    /// SHA-256 of an object's bytes, in pieces where it is large.
    pub async fn sha256(&self, object: &Place) -> Result<Digest, VaultError> {
        let (size, mut at) = (self.bucket().size(object).await?, 0);
        let mut hasher = Hasher::new();
        while at < size {
            let next = size.min(at + limits::SEGMENT_BYTES_MAX as u64);
            hasher.update(&self.bucket().get_range(object, at..next).await?);
            at = next;
        }
        Ok(hasher.finish())
    }

    pub async fn open_record(&self, at: &RecordAt) -> Result<OpenRecord, VaultError> {
        let record = self.open_segment(&at.object, &at.page).await?.record(at.entry).await?;
        if record.entry.record != at.record {
            return Err(VaultError::Damaged {
                object: at.object.name.clone(),
                what: "it holds another record at this place",
            });
        }
        Ok(record)
    }
}

impl OpenSegment {
    pub fn header(&self) -> &Header {
        &self.inner.home.header
    }

    pub fn entries(&self) -> &[Entry] {
        &self.inner.entries
    }

    pub fn size_bytes(&self) -> u64 {
        self.inner.size_bytes
    }

    /// SHA-256 of a record's ciphertext; that takes no key.
    pub async fn ciphertext_sha256(&self, entry: &Entry) -> Result<Digest, VaultError> {
        self.inner.ciphertext_sha256(entry).await
    }

    /// Whether the page has the record's key.
    pub fn has_key(&self, record: RecordId) -> bool {
        self.inner.keys.contains_key(&record)
    }

    /// Opens a record's metadata; its body is read when asked for.
    pub async fn record(&self, entry: u32) -> Result<OpenRecord, VaultError> {
        let entry = self
            .inner
            .entries
            .get(entry as usize)
            .ok_or_else(|| self.inner.damaged("it has no such entry"))?
            .clone();
        let key =
            self.inner.keys.get(&entry.record).ok_or(VaultError::NoKey(entry.record))?.clone();
        let begin = entry.offset + entry.body_sealed_bytes;
        let end = begin + entry.meta_sealed_bytes;
        let both = self.inner.read(begin..end + entry.recipe_sealed_bytes).await?;
        let (sealed, recipe) = both.split_at((end - begin) as usize);
        let context = self.inner.context(entry.record);
        let pieces = match recipe.is_empty() {
            true => Vec::new(),
            false => ChunkOpener::new(&key, context.clone(), chunk::Stream::Recipe)
                .open_all(recipe)
                .ok()
                .and_then(|recipe| recipe::decode(&recipe))
                .ok_or_else(|| self.inner.damaged("a record's recipe does not open"))?,
        };
        let compressed = ChunkOpener::new(&key, context, chunk::Stream::Meta)
            .open_all(sealed)
            .map_err(|_| self.inner.damaged("a record's metadata does not open"))?;
        let json = unpack(&compressed, entry.meta_bytes)
            .ok_or_else(|| self.inner.damaged("a record's metadata does not unpack"))?;
        let meta = serde_json::from_slice(&json)
            .map_err(|_| self.inner.damaged("a record's metadata cannot be read"))?;
        Ok(OpenRecord { inner: self.inner.clone(), entry, key, meta, pieces })
    }
}

impl Inner {
    async fn ciphertext_sha256(&self, entry: &Entry) -> Result<Digest, VaultError> {
        let mut hasher = Hasher::new();
        let end = entry.offset + entry.sealed_bytes().unwrap_or_default();
        let mut at = entry.offset;
        while at < end {
            let next = end.min(at + limits::SEGMENT_BYTES_MAX as u64);
            hasher.update(&self.read(at..next).await?);
            at = next;
        }
        Ok(hasher.finish())
    }

    fn damaged(&self, what: &'static str) -> VaultError {
        self.home.object.damaged(what)
    }

    fn context(&self, record: RecordId) -> Vec<u8> {
        let Header { archive, class, .. } = &*self.home.header;
        RecordContext { archive: *archive, record, class: class.clone() }.encode()
    }

    /// Within bounds: the table was checked against the object's size.
    async fn read(&self, range: std::ops::Range<u64>) -> Result<Bytes, VaultError> {
        self.home.object.read(range).await
    }
}

/// A record that is being read.
pub struct OpenRecord {
    inner: Arc<Inner>,
    entry: Entry,
    key: Key,
    meta: RecordMeta,
    pieces: Vec<Piece>,
}

impl OpenRecord {
    pub fn id(&self) -> RecordId {
        self.entry.record
    }

    pub fn meta(&self) -> &RecordMeta {
        &self.meta
    }

    pub(super) fn object(&self) -> &str {
        &self.inner.home.object.place.name
    }

    /// The other segments that have parts of it.
    pub fn needs(&self) -> Vec<SegmentId> {
        recipe::needs(&self.pieces)
    }

    /// The parts that it is put together with, wherever they lie.
    pub fn parts(&self) -> impl Iterator<Item = &PartAt> {
        recipe::parts(&self.pieces)
    }

    /// Whether a part lies where this record says, as it was sealed. An error names the
    /// object that has it, or should.
    pub async fn check_part(&self, at: &PartAt) -> Result<(), VaultError> {
        self.inner.home.check_part(at).await
    }

    /// How the catalog calls those parts that lie in its own segment; nothing where
    /// the epoch's key is gone, since then no later record shares them.
    pub fn part_names(&self) -> Vec<Digest> {
        let Some(namer) = &self.inner.namer else { return Vec::new() };
        let own = self.parts().filter(|part| part.elsewhere.is_none());
        own.map(|part| namer.name(&part.sha256)).collect()
    }

    /// The encoded leaf, as the segment keeps it.
    pub fn leaf(&self) -> &[u8] {
        &self.entry.leaf
    }

    /// The salt of commitment `index`: 0 the delivery, then its entries.
    pub fn salt(&self, index: u32) -> [u8; 32] {
        record::salt(&self.key, index)
    }

    /// All commitments of the record, made again from its key and metadata.
    pub fn commitments(&self) -> Vec<Digest> {
        record::commitments(&self.key, &self.meta.delivery)
    }

    /// The delivery's exact bytes, at once. Their hash has been checked.
    pub async fn bytes(&self) -> Result<Bytes, VaultError> {
        // Large ones are not held encrypted and compressed as well.
        let is_large = self.entry.body_bytes > limits::DELIVERY_MEMORY_BYTES_MAX as u64;
        if is_large || !self.pieces.is_empty() {
            return gather(self.chunks(), self.entry.body_bytes).await;
        }
        let begin = self.entry.offset;
        let sealed = self.inner.read(begin..begin + self.entry.body_sealed_bytes).await?;
        let compressed = self
            .body_opener()
            .open_all(&sealed)
            .map_err(|_| self.inner.damaged("a record does not open"))?;
        let body = unpack(&compressed, self.entry.body_bytes)
            .filter(|body| Digest::of(body) == self.meta.delivery.sha256)
            .ok_or_else(|| self.inner.damaged("a record's contents are not what was sealed"))?;
        Ok(Bytes::from(body))
    }

    /// The delivery's exact bytes in pieces of about a chunk. The last step
    /// fails if the hash of all of them is not what was sealed.
    pub fn chunks(&self) -> impl Stream<Item = Result<Bytes, VaultError>> + Send + 'static {
        let opener = self.body_opener();
        let (begin, object) = (self.entry.offset, self.inner.home.object.clone());
        let body = Unsealed::new(object, opener, begin, begin + self.entry.body_sealed_bytes);
        let (home, expected) = (self.inner.home.clone(), self.meta.delivery.sha256);
        let reader = Assembler::new(home, body, self.pieces.clone(), expected);
        futures::stream::try_unfold(Some(reader), |reader| async move {
            let Some(mut reader) = reader else { return Ok(None) };
            match reader.piece().await? {
                Some(piece) => Ok(Some((piece, Some(reader)))),
                None => Ok(None),
            }
        })
    }

    /// SHA-256 of the record's ciphertext as it lies in the bucket now; the
    /// leaf holds what it was when sealed.
    pub async fn ciphertext_sha256(&self) -> Result<Digest, VaultError> {
        self.inner.ciphertext_sha256(&self.entry).await
    }

    fn body_opener(&self) -> ChunkOpener {
        let context = self.inner.context(self.entry.record);
        ChunkOpener::new(&self.key, context, chunk::Stream::Body)
    }
}

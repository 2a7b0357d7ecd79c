//! Reading: a segment, its page, and the records within.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use super::bucket::Place;
use super::chunk::{self, ChunkOpener, SEALED_CHUNK_BYTES};
use super::entry::gather;
use super::keyring::{HOLD, VERSION};
use super::keys::Key;
use super::page::{self, Under};
use super::record::{self, RecordContext, RecordMeta};
use super::segment::{Entry, Header, TRAILER_BYTES, footer_bytes, read_table};
use super::{Vault, VaultError};
use crate::base::hash::{Digest, Hasher};
use crate::base::ids::RecordId;
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
    vault: Vault,
    object: Place,
    header: Header,
    entries: Vec<Entry>,
    keys: HashMap<RecordId, Key>,
    size_bytes: u64,
    /// The object's bytes, if it is small enough to have been read whole.
    whole: Option<Bytes>,
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
        let entries = read_table(&header, &read(footer_at..size).await?, size)
            .ok_or_else(|| damaged("its table does not verify"))?;
        Ok(LockedSegment { object: object.clone(), header, entries, size_bytes: size, whole })
    }

    /// Opens a segment with its keys.
    pub async fn unlock(
        &self,
        LockedSegment { object, header, entries, size_bytes, whole }: LockedSegment,
        page: &Place,
    ) -> Result<OpenSegment, VaultError> {
        let keys = self.page_keys(&header, page).await?;
        let vault = self.clone();
        let inner = Inner { vault, object, header, entries, keys, size_bytes, whole };
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

    /// Of which segment a key page is, as it says in the clear.
    pub async fn page_header(&self, page: &Place) -> Result<Header, VaultError> {
        let damaged = |what| VaultError::Damaged { object: page.name.clone(), what };
        let bytes = self.bucket().get_at(page).await?;
        let header = page::read(&bytes).ok_or_else(|| damaged("it is no key page"))?.header;
        match header.archive == self.archive() {
            true => Ok(header),
            false => Err(damaged("it belongs to another archive")),
        }
    }

    pub(super) async fn page_keys(
        &self,
        header: &Header,
        page: &Place,
    ) -> Result<HashMap<RecordId, Key>, VaultError> {
        let damaged = |what| VaultError::Damaged { object: page.name.clone(), what };
        let bytes = self.bucket().get_at(page).await?;
        let sealed = page::read(&bytes).ok_or_else(|| damaged("it is no key page"))?;
        if sealed.header != *header {
            return Err(damaged("it belongs to another segment"));
        }
        if sealed.keyring_version != VERSION {
            return Err(damaged("its keyring version is not known to this program"));
        }
        let epoch = match sealed.under {
            Under::Epoch => &header.epoch,
            Under::Hold => HOLD,
        };
        let above = self.keyring().known_epoch_key(&header.class, epoch).await?;
        let keys = sealed.open(&above)?;
        Ok(keys.into_iter().collect())
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
        &self.inner.header
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
        let sealed = self.inner.read(begin..begin + entry.meta_sealed_bytes).await?;
        let context = self.inner.context(entry.record);
        let compressed = ChunkOpener::new(&key, context, chunk::Stream::Meta)
            .open_all(&sealed)
            .map_err(|_| self.inner.damaged("a record's metadata does not open"))?;
        let json = decompress(&compressed, entry.meta_bytes)
            .ok_or_else(|| self.inner.damaged("a record's metadata does not unpack"))?;
        let meta = serde_json::from_slice(&json)
            .map_err(|_| self.inner.damaged("a record's metadata cannot be read"))?;
        Ok(OpenRecord { inner: self.inner.clone(), entry, key, meta })
    }
}

impl Inner {
    async fn ciphertext_sha256(&self, entry: &Entry) -> Result<Digest, VaultError> {
        let mut hasher = Hasher::new();
        let end = entry.offset + entry.body_sealed_bytes + entry.meta_sealed_bytes;
        let mut at = entry.offset;
        while at < end {
            let next = end.min(at + limits::SEGMENT_BYTES_MAX as u64);
            hasher.update(&self.read(at..next).await?);
            at = next;
        }
        Ok(hasher.finish())
    }

    fn damaged(&self, what: &'static str) -> VaultError {
        VaultError::Damaged { object: self.object.name.clone(), what }
    }

    fn context(&self, record: RecordId) -> Vec<u8> {
        let class = self.header.class.clone();
        RecordContext { archive: self.header.archive, record, class }.encode()
    }

    async fn read(&self, range: std::ops::Range<u64>) -> Result<Bytes, VaultError> {
        match &self.whole {
            // Within bounds: the table was checked against the object's size.
            Some(whole) => Ok(whole.slice(range.start as usize..range.end as usize)),
            None => Ok(self.vault.bucket().get_range(&self.object, range).await?),
        }
    }
}

/// A record that is being read.
pub struct OpenRecord {
    inner: Arc<Inner>,
    entry: Entry,
    key: Key,
    meta: RecordMeta,
}

impl OpenRecord {
    pub fn id(&self) -> RecordId {
        self.entry.record
    }

    pub fn meta(&self) -> &RecordMeta {
        &self.meta
    }

    pub(super) fn object(&self) -> &str {
        &self.inner.object.name
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
        if self.entry.body_bytes > limits::DELIVERY_MEMORY_BYTES_MAX as u64 {
            return gather(self.chunks(), self.entry.body_bytes).await;
        }
        let begin = self.entry.offset;
        let sealed = self.inner.read(begin..begin + self.entry.body_sealed_bytes).await?;
        let compressed = self
            .body_opener()
            .open_all(&sealed)
            .map_err(|_| self.inner.damaged("a record does not open"))?;
        let body = decompress(&compressed, self.entry.body_bytes)
            .filter(|body| Digest::of(body) == self.meta.delivery.sha256)
            .ok_or_else(|| self.inner.damaged("a record's contents are not what was sealed"))?;
        Ok(Bytes::from(body))
    }

    /// The delivery's exact bytes in pieces of about a chunk. The last step
    /// fails if the hash of all of them is not what was sealed.
    pub fn chunks(&self) -> impl Stream<Item = Result<Bytes, VaultError>> + Send + 'static {
        let reader = BodyReader {
            inner: self.inner.clone(),
            opener: self.body_opener(),
            next: self.entry.offset,
            end: self.entry.offset + self.entry.body_sealed_bytes,
            decoder: None,
            compressed: Bytes::new(),
            taken: 0,
            hasher: Hasher::new(),
            expected: self.meta.delivery.sha256,
        };
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

struct BodyReader {
    inner: Arc<Inner>,
    opener: ChunkOpener,
    next: u64,
    end: u64,
    decoder: Option<Decoder<'static>>,
    compressed: Bytes,
    taken: usize,
    hasher: Hasher,
    expected: Digest,
}

impl BodyReader {
    async fn piece(&mut self) -> Result<Option<Bytes>, VaultError> {
        let unpack = |inner: &Inner| inner.damaged("a record does not unpack");
        loop {
            let mut out = vec![0; limits::CHUNK_BYTES];
            let decoder = match &mut self.decoder {
                Some(decoder) => decoder,
                None => self.decoder.insert(Decoder::new()?),
            };
            let mut input = InBuffer::around(&self.compressed[self.taken..]);
            let mut output = OutBuffer::around(&mut out[..]);
            decoder.run(&mut input, &mut output).map_err(|_| unpack(&self.inner))?;
            self.taken += input.pos();
            let produced = output.pos();
            if produced > 0 {
                out.truncate(produced);
                self.hasher.update(&out);
                return Ok(Some(Bytes::from(out)));
            }
            if self.next == self.end {
                let found = std::mem::take(&mut self.hasher).finish();
                return if found == self.expected { Ok(None) } else { Err(unpack(&self.inner)) };
            }
            let until = self.end.min(self.next + SEALED_CHUNK_BYTES as u64);
            let sealed = self.inner.read(self.next..until).await?;
            let opened = self
                .opener
                .open(sealed.to_vec(), until == self.end)
                .map_err(|_| self.inner.damaged("a record does not open"))?;
            self.next = until;
            self.compressed = Bytes::from(opened);
            self.taken = 0;
        }
    }
}

/// Unpacks one zstd frame to exactly `size` bytes.
fn decompress(compressed: &[u8], size: u64) -> Option<Vec<u8>> {
    let size = usize::try_from(size).ok()?;
    let plain = zstd::bulk::decompress(compressed, size).ok()?;
    (plain.len() == size).then_some(plain)
}

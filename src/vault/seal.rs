//! Making segments: many small records in memory, or one large record in an
//! encrypted temporary file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use bytes::Bytes;

use super::bucket::Place;
use super::keyring::{Keyring, VERSION};
use super::page::{self, Under};
use super::part::{Namer, SealedPart};
use super::recipe::{Elsewhere, PartAt};
use super::record::{BodySealer, Draft, RecordContext, RecordMeta, SealedRecord};
use super::segment::{Entry, Header, SegmentWriter, Written};
use super::{Vault, VaultError};
use crate::base::crash;
use crate::base::hash::Digest;

/// A segment and its key page, ready for the bucket.
pub struct SealedSegment {
    pub header: Header,
    pub object: String,
    pub page: String,
    pub size_bytes: u64,
    pub sha256: Digest,
    pub records: Vec<SealedRecord>,
    pub parts: Vec<StoredPart>,
    page_bytes: Bytes,
    body: Body,
}

/// A part of a segment, for records of later ones.
#[derive(Clone)]
pub struct StoredPart {
    /// As [`Namer`] calls it.
    pub name: Digest,
    /// The place in the table of the record that brought it, and knows its key.
    pub entry: u32,
    /// As records of other segments name it.
    pub at: PartAt,
}

/// Where a segment and its page were put.
pub struct Placed {
    pub object: Place,
    pub page: Place,
}

enum Body {
    Memory(Bytes),
    File(File),
}

impl Vault {
    /// Gathers records into one segment, with the parts that they bring: of each,
    /// one, however many of them bring it.
    pub async fn seal(
        &self,
        header: Header,
        drafts: Vec<Draft>,
    ) -> Result<SealedSegment, VaultError> {
        let size: usize = drafts.iter().map(|draft| draft.sealed_bytes() + 256).sum();
        let mut writer = SegmentWriter::new(header, Vec::with_capacity(size + 1024))?;
        let mut listed = Vec::with_capacity(drafts.len());
        let (mut known, mut parts) = (HashMap::<Digest, PartAt>::new(), Vec::new());
        for (index, draft) in (0_u32..).zip(drafts) {
            let (record, sealed) = draft.finish(|part: SealedPart| {
                if let Some(at) = known.get(&part.sha256) {
                    return Ok(at.clone());
                }
                let at = part.at(writer.write_part(&part.sealed)?);
                known.insert(part.sha256, at.clone());
                parts.push((index, at.clone()));
                Ok(at)
            })?;
            let offset = writer.written_bytes();
            writer.write_all(&sealed)?;
            writer.list(entry(&record, offset));
            listed.push(record);
        }
        let written = writer.finish()?;
        let body = |out| Ok(Body::Memory(Bytes::from(out)));
        finish(self.keyring(), written, (listed, parts), body).await
    }

    /// Puts a segment and its page. Both are durable when this returns; until
    /// the catalog knows them they are an orphan that will be adopted.
    pub async fn put(&self, segment: &SealedSegment) -> Result<Placed, VaultError> {
        crash::point("seal.before_put");
        let object = async {
            let place = match &segment.body {
                Body::Memory(bytes) => self.bucket().put_new(&segment.object, bytes.clone()).await,
                Body::File(file) => {
                    let mut file = file.try_clone().map_err(super::bucket::BucketError::Spool)?;
                    file.rewind().map_err(super::bucket::BucketError::Spool)?;
                    self.bucket().put_file(&segment.object, file).await
                }
            }?;
            crash::point("seal.after_segment");
            Ok(place)
        };
        let page = async {
            let place = self.bucket().put_new(&segment.page, segment.page_bytes.clone()).await?;
            crash::point("seal.after_page");
            Ok::<_, VaultError>(place)
        };
        let object = async { object.await.map_err(VaultError::Bucket) };
        let (object, page) = tokio::try_join!(object, page)?;
        Ok(Placed { object, page })
    }
}

/// A delivery too large for memory, on its way into a segment of its own.
///
/// All that reaches the disk is ciphertext, and the file has no name, so that
/// a crash leaves nothing.
pub struct LargeSealer {
    sealer: BodySealer<SegmentWriter<BufWriter<File>>>,
    offset: u64,
}

impl LargeSealer {
    pub fn new(spool: &Path, header: Header, context: RecordContext) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(spool)?);
        let writer = SegmentWriter::new(header, file)?;
        let offset = writer.written_bytes();
        Ok(Self { sealer: BodySealer::new(context, writer)?, offset })
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sealer.write(bytes)
    }

    /// Seals the record; the segment awaits its page.
    pub fn finish(self, meta: RecordMeta) -> io::Result<LargeSegment> {
        let (record, mut writer) = self.sealer.finish(meta)?;
        writer.list(entry(&record, self.offset));
        Ok(LargeSegment { written: writer.finish()?, record })
    }
}

/// A large record's segment, complete but for its page.
pub struct LargeSegment {
    written: Written<BufWriter<File>>,
    record: SealedRecord,
}

impl LargeSegment {
    pub async fn into_sealed(self, vault: &Vault) -> Result<SealedSegment, VaultError> {
        let records = (vec![self.record], Vec::new());
        finish(vault.keyring(), self.written, records, |out| {
            Ok(Body::File(out.into_inner().map_err(|error| error.into_error())?))
        })
        .await
    }
}

async fn finish<W>(
    keyring: &Keyring,
    written: Written<W>,
    (records, parts): (Vec<SealedRecord>, Vec<(u32, PartAt)>),
    body: impl FnOnce(W) -> io::Result<Body>,
) -> Result<SealedSegment, VaultError> {
    let header = written.header;
    let epoch_key = keyring.sealing_key(&header.class, &header.epoch).await?;
    let namer = Namer::new(&epoch_key);
    let elsewhere = Elsewhere { segment: header.segment, sha256: written.sha256 };
    let stored = |(entry, at): (u32, PartAt)| StoredPart {
        name: namer.name(&at.sha256),
        entry,
        at: PartAt { elsewhere: Some(elsewhere), ..at },
    };
    let keys: Vec<_> = records.iter().map(|record| (record.record, record.key.clone())).collect();
    Ok(SealedSegment {
        object: header.object_name(&written.sha256),
        page: header.page_name(),
        size_bytes: written.size_bytes,
        sha256: written.sha256,
        page_bytes: Bytes::from(page::seal(Under::Epoch, &header, VERSION, &epoch_key, &keys)),
        body: body(written.out)?,
        records,
        parts: parts.into_iter().map(stored).collect(),
        header,
    })
}

fn entry(record: &SealedRecord, offset: u64) -> Entry {
    Entry {
        record: record.record,
        offset,
        body_sealed_bytes: record.body_sealed_bytes,
        meta_sealed_bytes: record.meta_sealed_bytes,
        recipe_sealed_bytes: record.recipe_sealed_bytes,
        body_bytes: record.meta.delivery.size,
        meta_bytes: record.meta_bytes,
        leaf: record.leaf.clone(),
    }
}

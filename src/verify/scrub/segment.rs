//! One segment, by the version that the catalog names: its bytes, its page, and
//! every record in it, to the hash of the mail.

use std::collections::{BTreeSet, HashMap};

use futures::TryStreamExt as _;

use super::derived::Sealed;
use super::finding::{
    DERIVED_ROW_EXTRA, DERIVED_ROW_MISSING, KEY_NOT_ERASED, PAGE_DAMAGED, PAGE_MISSING,
    PART_DAMAGED, PART_MISSING, RECORD_DAMAGED, RECORD_WITHOUT_KEY, SEGMENT_DAMAGED,
    SEGMENT_MISSING, SEGMENT_ROW_CHANGED, SEGMENT_ROW_MISSING,
};
use super::{ScrubError, Work};
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, RecordId, SegmentId};
use crate::base::limits::DELIVERY_MEMORY_BYTES_MAX;
use crate::catalog::doubt::{self, RawDelivery, RawSegment};
use crate::catalog::erasure::{self, Erased};
use crate::catalog::{damage, part};
use crate::ingest::adopt::read_name;
use crate::ingest::rebuild::Progress;
use crate::ledger::commitment;
use crate::ledger::leaf::Leaf;
use crate::vault::VaultError;
use crate::vault::bucket::{BucketError, Place};
use crate::vault::keyring::epoch_object;
use crate::vault::open::{LockedSegment, OpenRecord, OpenSegment};
use crate::vault::segment::{Entry, HELD};

/// How a segment's row is called in what is found.
pub(super) fn segment_object(id: SegmentId) -> String {
    format!("segment {id}")
}

impl<P: Progress> Work<'_, P> {
    pub(super) async fn segment(
        &mut self,
        id: SegmentId,
        rows: &[RawDelivery],
    ) -> Result<(), ScrubError> {
        let records = records_of(rows);
        let faults = self.faults;
        let Some(row) = doubt::segment(&self.on.catalog, id).await? else {
            let what = "the catalog has deliveries of a segment that it has no row of";
            self.fault(SEGMENT_ROW_MISSING, segment_object(id), what, &records);
            return Ok(());
        };
        self.state.counts.segments += 1;
        let Some((object, sha256)) = self.object_of(id, &row).await? else {
            let what = "the catalog has it and the bucket does not";
            self.fault(SEGMENT_MISSING, &row.object.name, what, &records);
            return Ok(());
        };
        let read = match self.on.vault.read_segment(&object).await {
            Ok(read) => read,
            Err(VaultError::Bucket(BucketError::Missing(name))) => {
                let what = "the catalog has it and the bucket does not";
                self.fault(SEGMENT_MISSING, name, what, &records);
                return Ok(());
            }
            Err(VaultError::Damaged { what, .. }) => {
                self.fault(SEGMENT_DAMAGED, &object.name, what, &records);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.read(read.size_bytes).await;
        if read.header.segment != id {
            let what = format!("it is the segment {}", read.header.segment);
            self.fault(SEGMENT_DAMAGED, &object.name, what, &records);
            return Ok(());
        }
        let found = match read.sha256() {
            Some(found) => found,
            None => self.on.vault.sha256(&object).await?,
        };
        let is_whole = found == sha256;
        self.segment_row(id, &row, &object, &read, &sha256, &records).await?;
        let page = Place { name: read.header.page_name(), version: None };
        let page = match read.header.is_page_name(&row.page.name) {
            true => row.page.clone(),
            false => page,
        };
        let is_reduced = page.name.ends_with(HELD);
        let what = "its contents are not what its name says";
        let mut sealed = Vec::new();
        match self.unlock(read, &page, &records).await? {
            Some(open) => {
                let hurt = self.table(&open, rows, is_reduced, &mut sealed).await?;
                if !is_whole {
                    let hurt: Vec<_> = hurt.into_iter().map(|(record, _)| record).collect();
                    self.fault(SEGMENT_DAMAGED, &object.name, what, &hurt);
                } else {
                    for (record, what) in hurt {
                        self.fault(RECORD_DAMAGED, format!("record {record}"), what, &[record]);
                    }
                }
            }
            None if !is_whole => self.fault(SEGMENT_DAMAGED, &object.name, what, &records),
            None => {}
        }
        if self.faults == faults {
            self.mend(records).await?;
        }
        self.derived(sealed).await
    }

    /// All of these were read, and are whole again where they were damaged.
    async fn mend(&self, mut records: Vec<RecordId>) -> Result<(), ScrubError> {
        records.retain(|record| self.damaged.contains(record));
        match records.is_empty() {
            true => Ok(()),
            false => Ok(damage::clear_now(&self.on.catalog, &records).await?),
        }
    }

    /// Where the segment is: by its row, or by its id where the row is at odds with
    /// itself; and the hash that its name ends with.
    async fn object_of(
        &mut self,
        id: SegmentId,
        row: &RawSegment,
    ) -> Result<Option<(Place, Digest)>, ScrubError> {
        let ours = |name: &str| {
            let is_ours = read_name(name).is_some_and(|named| named.segment == id);
            let tail = name.rsplit_once('-')?.1.strip_suffix(".seg")?;
            tail.parse::<Digest>().ok().filter(|_| is_ours)
        };
        let bucket = self.on.vault.bucket();
        if let Some(sha256) = ours(&row.object.name)
            && (sha256.0[..] == row.sha256 || bucket.find(&row.object.name).await.is_ok())
        {
            return Ok(Some((row.object.clone(), sha256)));
        }
        for name in bucket.list("seg").await? {
            if let Some(sha256) = ours(&name) {
                return Ok(Some((bucket.find(&name).await?, sha256)));
            }
        }
        Ok(None)
    }

    async fn segment_row(
        &mut self,
        id: SegmentId,
        row: &RawSegment,
        object: &Place,
        read: &LockedSegment,
        sha256: &Digest,
        records: &[RecordId],
    ) -> Result<(), ScrubError> {
        let header = &read.header;
        let mut changed = Vec::new();
        let mut differs = |is_other: bool, name| {
            if is_other {
                changed.push(name);
            }
        };
        let is_at_home = row.object.name == header.object_name(sha256);
        differs(row.object.name != object.name || !is_at_home, "object");
        differs(!header.is_page_name(&row.page.name), "page");
        differs(row.class != header.class, "class");
        differs(row.epoch != header.epoch, "epoch");
        differs(row.sha256 != sha256.0, "sha256");
        differs(row.size_bytes != read.size_bytes as i64, "size_bytes");
        differs(row.created_at != id.created_at().0, "created_at");
        if row.object.name == object.name && row.object.version.is_some() {
            let first = self.on.vault.bucket().find(&object.name).await?;
            differs(first.version != row.object.version, "object_version");
        }
        if !changed.is_empty() {
            let what = format!("not as in the bucket: {}", changed.join(", "));
            self.fault(SEGMENT_ROW_CHANGED, segment_object(id), what, records);
        }
        Ok(())
    }

    async fn unlock(
        &mut self,
        read: LockedSegment,
        page: &Place,
        records: &[RecordId],
    ) -> Result<Option<OpenSegment>, ScrubError> {
        let key = epoch_object(&read.header.class, &read.header.epoch);
        let error = match self.on.vault.unlock(read, page).await {
            Ok(open) => return Ok(Some(open)),
            Err(error) => error,
        };
        match self.as_key_fault(error, &key).await? {
            None => {}
            Some(VaultError::Bucket(BucketError::Missing(name))) => {
                let what = "without it nothing in its segment can be read";
                self.fault(PAGE_MISSING, name, what, records);
            }
            Some(VaultError::Damaged { what, .. }) => {
                self.fault(PAGE_DAMAGED, &page.name, what, records);
            }
            Some(VaultError::Key(_)) => {
                let what = "it does not open with its epoch's key";
                self.fault(PAGE_DAMAGED, &page.name, what, records);
            }
            Some(error) => return Err(error.into()),
        }
        Ok(None)
    }

    /// Checks every record of the table, and the rows with them; gives the records
    /// that are not what their leaves say, and adds the others.
    async fn table(
        &mut self,
        open: &OpenSegment,
        rows: &[RawDelivery],
        is_reduced: bool,
        sealed: &mut Vec<Sealed>,
    ) -> Result<Vec<(RecordId, String)>, ScrubError> {
        let mut by_record: HashMap<&[u8], &RawDelivery> =
            rows.iter().map(|row| (&row.record[..], row)).collect();
        let (first, last) = match (rows.first(), rows.last()) {
            (Some(first), Some(last)) => (first.seq, last.seq),
            _ => (0, 0),
        };
        let messages = doubt::messages(&self.on.catalog, first, last).await?;
        let needs = part::needs(&self.on.catalog, DeliverySeq(first), DeliverySeq(last)).await?;
        let mut hurt = Vec::new();
        let mut brought = Brought::default();
        for (index, entry) in (0..).zip(open.entries()) {
            let row = by_record.remove(&entry.record.0[..]);
            if !open.has_key(entry.record) {
                brought.is_partial = true;
                // A disposition destroyed it, and kept others of its segment.
                if is_reduced && row.is_none() || self.is_erased(entry.record).await? {
                    continue;
                }
                let what = "its page has no key of it, and it was not erased";
                let object = format!("record {}", entry.record);
                self.fault(RECORD_WITHOUT_KEY, object, what, &[entry.record]);
                continue;
            }
            match erasure::is_erased(&self.on.catalog, entry.record).await? {
                Erased::No => {}
                // It is just going, or has to be gone on with.
                Erased::Begun => {
                    brought.is_partial = true;
                    continue;
                }
                Erased::Done => {
                    let what = "it was erased, and its key is still in its page; go on with its \
                                erasure";
                    let object = format!("record {}", entry.record);
                    self.fault(KEY_NOT_ERASED, object, what, &[entry.record]);
                    continue;
                }
            }
            let record = match examine(open, index, entry).await? {
                Ok(record) => record,
                // Its row is there, and cannot be compared.
                Err(Hurt::Record(what)) => {
                    brought.is_partial = true;
                    hurt.push((entry.record, what));
                    continue;
                }
                Err(Hurt::Part(kind, what)) => {
                    brought.is_partial = true;
                    let object = format!("record {}", entry.record);
                    self.fault(kind, object, what, &[entry.record]);
                    continue;
                }
            };
            brought.parts.extend(record.part_names().into_iter().map(|name| (name, index)));
            let of_row =
                |row: &RawDelivery| needs.get(&row.seq).map_or(&[][..], |segments| &segments[..]);
            let of_row = row.map(|row| (row, messages.get(&row.seq), of_row(row)));
            let is_so = self.row_of_record(open, index, entry, &record, of_row).await?;
            if let Some(row) = row.filter(|_| is_so) {
                sealed.push(Sealed { row: row.clone(), record });
            }
        }
        for row in rows.iter().filter(|row| by_record.contains_key(&row.record[..])) {
            self.of_no_segment(row).await?;
        }
        self.order(rows).await?;
        // Of a segment that is kept for others nobody shares parts any more.
        if !is_reduced && !brought.is_partial {
            self.parts(open.header().segment, &brought).await?;
        }
        Ok(hurt)
    }

    /// The rows of the parts that later records may share.
    async fn parts(&mut self, segment: SegmentId, brought: &Brought) -> Result<(), ScrubError> {
        let rows = doubt::parts_of(&self.on.catalog, segment).await?;
        let names: BTreeSet<Digest> = brought.parts.iter().map(|(name, _)| *name).collect();
        let object = format!("part of segment {segment}");
        let is_its = |(name, entry): &(Vec<u8>, i64)| {
            brought
                .parts
                .iter()
                .any(|(its, index)| its.0[..] == name[..] && i64::from(*index) == *entry)
        };
        if !rows.iter().all(is_its) {
            let what = "no record of the segment brings it so";
            self.fault(DERIVED_ROW_EXTRA, object.clone(), what, &[]);
        }
        let is_known = |name: &&Digest| rows.iter().any(|(row, _)| row[..] == name.0[..]);
        if !names.iter().all(|name| is_known(&name)) {
            let what = "records of the segment bring more than the catalog has";
            self.fault(DERIVED_ROW_MISSING, object, what, &[]);
        }
        Ok(())
    }
}

/// The parts that a segment brings, with the place of a record that does.
#[derive(Default)]
struct Brought {
    parts: Vec<(Digest, u32)>,
    /// Records could not be asked.
    is_partial: bool,
}

impl<P: Progress> Work<'_, P> {
    /// Whether an erasure took it, and its row with it.
    async fn is_erased(&self, record: RecordId) -> Result<bool, ScrubError> {
        let catalog = &self.on.catalog;
        let erased = erasure::is_erased(catalog, record).await?;
        Ok(erased != Erased::No && doubt::seq_of(catalog, record).await?.is_none())
    }
}

fn records_of(rows: &[RawDelivery]) -> Vec<RecordId> {
    rows.iter().filter_map(|row| RecordId::try_from(&row.record[..]).ok()).collect()
}

/// What is wrong with a record.
enum Hurt {
    /// Its own bytes.
    Record(String),
    /// A part of it in another segment: the kind of fault, and what.
    Part(&'static str, String),
}

impl From<&str> for Hurt {
    fn from(what: &str) -> Self {
        Self::Record(what.to_owned())
    }
}

/// Opens a record and checks all that its leaf binds. What is wrong with it is the inner
/// error.
async fn examine(
    open: &OpenSegment,
    index: u32,
    entry: &Entry,
) -> Result<Result<OpenRecord, Hurt>, ScrubError> {
    let Ok(Leaf::Delivery {
        record: id,
        received_at,
        class,
        ciphertext,
        commitments,
        commitment_root,
    }) = Leaf::decode(&entry.leaf)
    else {
        return Ok(Err("its leaf cannot be read".into()));
    };
    if open.ciphertext_sha256(entry).await? != ciphertext {
        return Ok(Err("its bytes are not those that its leaf binds".into()));
    }
    let record = match open.record(index).await {
        Ok(record) => record,
        Err(VaultError::Damaged { what, .. }) => return Ok(Err(what.into())),
        Err(error) => return Err(error.into()),
    };
    if let Some(hurt) = parts_of(&record).await? {
        return Ok(Err(hurt));
    }
    let read = async {
        let size = match entry.body_bytes > DELIVERY_MEMORY_BYTES_MAX as u64 {
            false => record.bytes().await?.len() as u64,
            true => {
                let count =
                    |size: u64, piece: bytes::Bytes| async move { Ok(size + piece.len() as u64) };
                record.chunks().try_fold(0, count).await?
            }
        };
        Ok::<_, VaultError>(size)
    };
    let size = match read.await {
        Ok(read) => read,
        Err(VaultError::Damaged { what, .. }) => return Ok(Err(what.into())),
        Err(error) => return Err(error.into()),
    };
    let meta = record.meta();
    let found = record.commitments();
    let wrong = [
        (size != meta.delivery.size, "its size is not what was sealed"),
        (id != entry.record, "its leaf is of another record"),
        (class != open.header().class, "its leaf names another class"),
        (received_at != meta.transaction.received_at, "its leaf names another time"),
        (
            found.len() as u64 != u64::from(commitments)
                || commitment::root(&found) != commitment_root,
            "what it commits to is not what its leaf says",
        ),
    ];
    Ok(match wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
        Some((_, what)) => Err(what.into()),
        None => Ok(record),
    })
}

/// What is wrong with the parts of a record: the first of it.
async fn parts_of(record: &OpenRecord) -> Result<Option<Hurt>, ScrubError> {
    for part in record.parts() {
        let hurt = match record.check_part(part).await {
            Ok(()) => continue,
            // As all that is wrong with the segment that is being looked at.
            Err(VaultError::Damaged { what, .. }) if part.elsewhere.is_none() => what.into(),
            Err(VaultError::Damaged { object, what }) => {
                Hurt::Part(PART_DAMAGED, format!("it has a part in {object}: {what}"))
            }
            Err(VaultError::Bucket(BucketError::Missing(object))) => {
                let what = format!("it has a part in {object}, which is not in the bucket");
                Hurt::Part(PART_MISSING, what)
            }
            Err(error) => return Err(error.into()),
        };
        return Ok(Some(hurt));
    }
    Ok(None)
}

//! Reading deliveries for the follower: records from the vault, a segment at a
//! time, and their messages in the worker. A large delivery is left to the second
//! lane; only the chunks of it that are under way are in this process.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::FollowError;
use super::derive::Item;
use crate::base::clock::{Clock, Timestamp};
use crate::base::hash::Digest;
use crate::base::ids::{DeliverySeq, SegmentId};
use crate::base::limits;
use crate::catalog::delivery::{self, Delivery};
use crate::catalog::pending::Waiting;
use crate::catalog::set::{NewGap, Unread};
use crate::catalog::{Catalog, CatalogError, damage};
use crate::extract::{Gap, Reason};
use crate::mail::delivery::{Defect, Envelope, Role, entry_shared};
use crate::matter::password;
use crate::vault::open::{OpenRecord, OpenSegment};
use crate::vault::{Vault, VaultError};
use crate::worker::{Failure, Found, Input, Pool};

/// Deliveries in commit order, read.
#[derive(Default)]
pub struct Batch {
    pub items: Vec<Item>,
    /// Messages that were not read, and why, in the same order.
    pub unread: Vec<Unread>,
    /// The last delivery in it; none if nothing waits.
    pub up_to: Option<DeliverySeq>,
}

impl Batch {
    /// Whether something in it is to be read again.
    pub fn has_postponed(&self) -> bool {
        self.unread.iter().any(|it| it.again.is_some()) || self.items.iter().any(Item::is_pending)
    }
}

/// What a message has of the delivery that brought it.
#[derive(Clone, Debug)]
pub struct About {
    pub seq: DeliverySeq,
    pub source: String,
    pub class: String,
    pub received_at: Timestamp,
    pub is_proven: bool,
}

impl From<&Delivery> for About {
    fn from(row: &Delivery) -> Self {
        Self {
            seq: row.seq,
            source: row.source.clone(),
            class: row.class.clone(),
            received_at: row.received_at,
            is_proven: row.is_proven,
        }
    }
}

/// A delivery by what its record says.
pub(super) struct AsSealed {
    pub received_at: Timestamp,
    /// Other segments that have parts of it.
    pub needs: Vec<SegmentId>,
    pub items: Vec<Item>,
}

pub struct Reader {
    pub vault: Vault,
    pub catalog: Catalog,
    pub clock: Clock,
    pub pool: Arc<Pool>,
    /// The segment that was read last; the next delivery is likely in it.
    pub segment: Option<(String, OpenSegment)>,
}

/// What was read of one segment.
struct Group<'r> {
    segment: Option<(String, OpenSegment)>,
    messages: Vec<(&'r Delivery, Result<Vec<Sealed>, VaultError>)>,
}

/// Segments that are read at once: each takes several answers of the bucket.
const SEGMENTS_AHEAD: usize = 8;

/// A message before it is parsed.
struct Sealed {
    delivery: usize,
    entry: u32,
    sha256: Digest,
    content: Content,
}

enum Content {
    Whole(Bytes),
    Streamed(Input),
}

impl Reader {
    /// Reads what follows `cursor`, as much as fits a batch.
    pub async fn after(&mut self, cursor: DeliverySeq) -> Result<Batch, FollowError> {
        let mut rows =
            delivery::after(&self.catalog, cursor, limits::FOLLOW_DELIVERIES_MAX).await?;
        let mut size_bytes = 0;
        let fits = rows.iter().position(|row| {
            size_bytes += if is_large(row.size_bytes) { 0 } else { row.size_bytes };
            size_bytes > limits::FOLLOW_BYTES_MAX
        });
        rows.truncate(fits.unwrap_or(rows.len()).max(1));

        let mut batch = Batch { up_to: rows.last().map(|row| row.seq), ..Batch::default() };
        let (mut sealed, mut last) = (Vec::new(), None);
        // What is large is large in memory too, while its segment is open.
        let ahead = match rows.iter().any(|row| is_large(row.size_bytes)) {
            true => 1,
            false => SEGMENTS_AHEAD,
        };
        let mut groups =
            stream::iter(by_segment(&rows)).map(|group| self.group(&rows, group)).buffered(ahead);
        while let Some(Group { segment, messages }) = groups.next().await {
            for (row, found) in messages {
                match found {
                    Ok(found) if found.is_empty() => {
                        let detail = "the report carries no message".into();
                        let gap = NewGap::of_message(Reason::Damaged.as_str(), detail);
                        batch.unread.push(Unread { seq: row.seq, gap, again: None });
                    }
                    Ok(found) => sealed.extend(found),
                    Err(error) => {
                        let gap = self.lasting(row, error).await?;
                        tracing::error!(
                            delivery = row.seq.0,
                            reason = gap.detail,
                            "a record cannot be read: {}",
                            gap.detail
                        );
                        batch.unread.push(Unread { seq: row.seq, gap, again: None });
                    }
                }
            }
            last = segment;
        }
        drop(groups);
        self.segment = last.or(self.segment.take());
        self.parse(&rows, sealed, &mut batch).await?;
        batch.unread.sort_by_key(|it| it.seq);
        Ok(batch)
    }

    /// Reads one message in the time that it needs.
    pub async fn again(&mut self, waiting: &Waiting) -> Result<Result<Item, NewGap>, FollowError> {
        let before = DeliverySeq(waiting.seq.0 - 1);
        let rows = delivery::after(&self.catalog, before, 1).await?;
        let row = rows.first().filter(|row| row.seq == waiting.seq);
        let row = row.ok_or_else(|| CatalogError::Corrupt("a delivery is gone".into()))?;
        let messages = match self.messages(row, 0).await {
            Ok(messages) => messages,
            Err(error) => return Ok(Err(self.lasting(row, error).await?)),
        };
        let Some(sealed) = messages.into_iter().find(|it| it.entry == waiting.entry) else {
            let detail = "the delivery has no such message".into();
            return Ok(Err(NewGap::of_message(Reason::Damaged.as_str(), detail)));
        };
        let input = match &sealed.content {
            Content::Whole(bytes) => Input::from(bytes.clone()),
            Content::Streamed(input) => input.clone(),
        };
        let passwords = password::known(&self.catalog, &self.vault).await?;
        let answer = self.pool.parse_in_full(&input, passwords).await?;
        match answer.as_ref().err().and_then(|_| input.trouble()) {
            Some(error) => Ok(Err(self.lasting(row, VaultError::from_stream(error)).await?)),
            None => Ok(Ok(item_of_row(row, &sealed, answer))),
        }
    }

    /// Reads a delivery by what its record says, whatever its row does: its messages
    /// without their documents. What is wrong with the record is the inner error.
    pub(super) async fn as_sealed(
        &mut self,
        row: &Delivery,
    ) -> Result<Result<AsSealed, String>, FollowError> {
        match self.record(row).await {
            Ok(record) => as_sealed(&self.pool, row.into(), record).await,
            Err(error) => lasts(error),
        }
    }

    /// What stays wrong becomes a gap, and damage is noted; what may pass is an
    /// error, to be tried again.
    async fn lasting(&self, row: &Delivery, error: VaultError) -> Result<NewGap, FollowError> {
        let what = error.to_string();
        match error {
            error if error.is_damage() => {
                damage::note_now(&self.catalog, row.record, self.clock.now(), &what).await?;
            }
            VaultError::NoKey(_) | VaultError::Key(_) => {}
            error => return Err(error.into()),
        }
        Ok(NewGap::of_message(Reason::Damaged.as_str(), what))
    }

    async fn messages(&mut self, row: &Delivery, at: usize) -> Result<Vec<Sealed>, VaultError> {
        sealed_in(self.record(row).await?, at).await
    }

    async fn record(&mut self, row: &Delivery) -> Result<OpenRecord, VaultError> {
        let segment = self.open(row).await?;
        self.segment = Some((row.object.name.clone(), segment.clone()));
        record_in(&segment, row).await
    }

    async fn open(&self, row: &Delivery) -> Result<OpenSegment, VaultError> {
        match &self.segment {
            Some((object, segment)) if *object == row.object.name => Ok(segment.clone()),
            _ => self.vault.open_segment(&row.object, &row.page).await,
        }
    }

    /// The messages of those rows that are in one segment.
    async fn group<'r>(&self, rows: &'r [Delivery], group: Range<usize>) -> Group<'r> {
        let opened = self.open(&rows[group.start]).await.ok();
        let mut messages = Vec::with_capacity(group.len());
        for at in group {
            let row = &rows[at];
            let found = async {
                let segment = match &opened {
                    Some(segment) => segment.clone(),
                    // Each says what is wrong with it.
                    None => self.open(row).await?,
                };
                sealed_in(record_in(&segment, row).await?, at).await
            };
            messages.push((row, found.await));
        }
        let name = messages.last().map(|(row, _)| row.object.name.clone());
        Group { segment: name.zip(opened), messages }
    }

    async fn parse(
        &self,
        rows: &[Delivery],
        sealed: Vec<Sealed>,
        batch: &mut Batch,
    ) -> Result<(), FollowError> {
        let whole: Vec<Bytes> =
            sealed.iter().filter_map(|message| message.content.whole().cloned()).collect();
        let mut answers = self.pool.parse(&whole).await?;
        // What is closed is tried with the passwords that are known, in the second lane.
        if !whole.is_empty() && !password::known(&self.catalog, &self.vault).await?.is_empty() {
            answers.iter_mut().flatten().for_each(Found::postpone_closed);
        }
        let mut answers = answers.into_iter();
        for message in sealed {
            let row = &rows[message.delivery];
            let answer = match &message.content {
                Content::Whole(_) => answers.next().expect("an answer for each"),
                Content::Streamed(_) => Err(too_large()),
            };
            match answer {
                Ok(found) => batch.items.push(item_of_row(row, &message, Ok(found))),
                Err(failure) => {
                    let gap = NewGap::of_message(failure.reason.as_str(), failure.detail);
                    batch.unread.push(Unread { seq: row.seq, gap, again: Some(message.entry) });
                }
            }
        }
        Ok(())
    }
}

/// Which rows after each other are in one segment.
fn by_segment(rows: &[Delivery]) -> Vec<Range<usize>> {
    let mut start = 0;
    let groups = rows.chunk_by(|a, b| a.object.name == b.object.name).map(|group| {
        let range = start..start + group.len();
        start = range.end;
        range
    });
    groups.collect()
}

async fn record_in(segment: &OpenSegment, row: &Delivery) -> Result<OpenRecord, VaultError> {
    let record = segment.record(row.entry).await?;
    if record.id() != row.record {
        return Err(VaultError::Damaged {
            object: row.object.name.clone(),
            what: "it holds another record at this place",
        });
    }
    Ok(record)
}

/// The messages of a record, without their documents, by what it says itself. What is
/// wrong with the record is the inner error.
pub(super) async fn as_sealed(
    pool: &Pool,
    about: About,
    record: OpenRecord,
) -> Result<Result<AsSealed, String>, FollowError> {
    let (meta, needs) = (record.meta().clone(), record.needs());
    let received_at = meta.transaction.received_at;
    let about = About { received_at, ..about };
    let sealed = match sealed_in(record, 0).await {
        Ok(sealed) => sealed,
        Err(error) => return lasts(error),
    };
    let envelope = &meta.delivery.envelope;
    let mut items = Vec::with_capacity(sealed.len());
    for message in &sealed {
        let input = match &message.content {
            Content::Whole(bytes) => Input::from(bytes.clone()),
            Content::Streamed(input) => input.clone(),
        };
        let found = pool.outline(&input).await?;
        if let Some(error) = found.as_ref().err().and_then(|_| input.trouble()) {
            return Ok(Err(error.to_string()));
        }
        items.push(item(&about, &meta.delivery.defects, envelope.clone(), message, found));
    }
    Ok(Ok(AsSealed { received_at, needs, items }))
}

/// What stays wrong with a record is said of it; what may pass is tried again.
fn lasts<T>(error: VaultError) -> Result<Result<T, String>, FollowError> {
    match error.is_damage() || error.is_closed() || is_keyless(&error) {
        true => Ok(Err(error.to_string())),
        false => Err(error.into()),
    }
}

async fn sealed_in(record: OpenRecord, at: usize) -> Result<Vec<Sealed>, VaultError> {
    let entries = record.meta().delivery.entries.clone();
    let messages = (0u32..).zip(&entries).filter(|(_, entry)| entry.role == Role::Message);
    if is_large(record.meta().delivery.size) {
        let record = Arc::new(record);
        let sealed = messages.map(|(index, entry)| Sealed {
            delivery: at,
            entry: index,
            sha256: entry.sha256,
            content: Content::Streamed(streamed(&record, index, entry.size)),
        });
        return Ok(sealed.collect());
    }
    let bytes = record.bytes().await?;
    // Opening a record is work for the processor; let others have a turn.
    tokio::task::yield_now().await;
    let sealed = messages.filter_map(|(index, entry)| {
        let content = Content::Whole(entry_shared(&bytes, &entries, index as usize)?);
        Some(Sealed { delivery: at, entry: index, sha256: entry.sha256, content })
    });
    Ok(sealed.collect())
}

fn item(
    about: &About,
    defects: &[Defect],
    envelope: Option<Envelope>,
    message: &Sealed,
    mut found: Result<Found, Failure>,
) -> Item {
    if let (Some(defect), Ok(found)) = (defects.iter().find(|it| it.hides_people()), &mut found) {
        let detail = defect.to_string();
        found.message.gaps.push(Gap { ordinal: None, reason: Reason::UnknownRecipients, detail });
    }
    let About { seq, source, class, received_at, is_proven } = about.clone();
    Item {
        seq,
        entry: message.entry,
        sha256: message.sha256,
        size_bytes: match &message.content {
            Content::Whole(bytes) => bytes.len() as u64,
            Content::Streamed(input) => input.size_bytes(),
        },
        source,
        class,
        received_at,
        is_proven,
        envelope,
        found,
    }
}

/// By the delivery's row alone.
fn item_of_row(row: &Delivery, message: &Sealed, found: Result<Found, Failure>) -> Item {
    let envelope = row.envelope.as_deref().and_then(|json| serde_json::from_str(json).ok());
    let defects: Vec<Defect> = serde_json::from_str(&row.defects).unwrap_or_default();
    item(&row.into(), &defects, envelope, message, found)
}

fn too_large() -> Failure {
    let detail = "it is larger than others, and read after them".into();
    Failure { reason: Reason::Pending, detail }
}

impl Content {
    fn whole(&self) -> Option<&Bytes> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            Self::Streamed(_) => None,
        }
    }
}

fn is_large(size_bytes: u64) -> bool {
    size_bytes > limits::DELIVERY_MEMORY_BYTES_MAX as u64
}

fn streamed(record: &Arc<OpenRecord>, entry: u32, size_bytes: u64) -> Input {
    let record = record.clone();
    Input::streamed(size_bytes, move || {
        record.entry(entry as usize).map_err(io::Error::other).boxed()
    })
}

/// Whether the key of its month is not there.
fn is_keyless(error: &VaultError) -> bool {
    use crate::vault::bucket::BucketError;
    use crate::vault::keyring::KeyringError;
    matches!(error, VaultError::Keyring(KeyringError::Bucket(BucketError::Missing(_))))
}

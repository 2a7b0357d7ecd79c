//! Reading deliveries for the follower: records from the vault, a segment at a
//! time, and their messages in the worker. Of a large delivery only the chunks
//! under way are in this process.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};

use super::FollowError;
use super::derive::Item;
use crate::base::hash::Digest;
use crate::base::ids::DeliverySeq;
use crate::base::limits;
use crate::catalog::Catalog;
use crate::catalog::delivery::{self, Delivery};
use crate::catalog::set::NewGap;
use crate::extract::Reason;
use crate::mail::delivery::{Encoding, Entry, Role, entry_bytes};
use crate::vault::bucket::BucketError;
use crate::vault::open::{OpenRecord, OpenSegment};
use crate::vault::{Vault, VaultError};
use crate::worker::{Failure, Found, Input, Pool};

/// Deliveries in commit order, read.
#[derive(Default)]
pub struct Batch {
    pub items: Vec<Item>,
    /// Deliveries that gave no message, and why.
    pub lost: Vec<(DeliverySeq, NewGap)>,
    /// The last delivery in it; none if nothing waits.
    pub up_to: Option<DeliverySeq>,
}

pub struct Reader {
    pub vault: Vault,
    pub catalog: Catalog,
    pub pool: Arc<Pool>,
    /// The segment that was read last; the next delivery is likely in it.
    pub segment: Option<(String, OpenSegment)>,
}

/// A message before it is parsed.
struct Unread {
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
    /// Whether a large delivery follows `cursor`, which is read alone.
    pub async fn is_large_next(&self, cursor: DeliverySeq) -> Result<bool, FollowError> {
        let next = delivery::after(&self.catalog, cursor, 1).await?;
        Ok(next.first().is_some_and(|row| is_large(row.size_bytes)))
    }

    /// Reads what follows `cursor`, as much as fits a batch.
    pub async fn after(&mut self, cursor: DeliverySeq) -> Result<Batch, FollowError> {
        let mut rows =
            delivery::after(&self.catalog, cursor, limits::FOLLOW_DELIVERIES_MAX).await?;
        let mut size_bytes = 0;
        let fits = rows.iter().position(|row| {
            size_bytes += row.size_bytes;
            size_bytes > limits::FOLLOW_BYTES_MAX || is_large(row.size_bytes)
        });
        rows.truncate(fits.unwrap_or(rows.len()).max(1));

        let mut batch = Batch { up_to: rows.last().map(|row| row.seq), ..Batch::default() };
        let mut unread = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            match self.messages(row, at).await {
                Ok(found) if found.is_empty() => {
                    let detail = "the report carries no message".into();
                    let gap = NewGap::of_message(Reason::Damaged.as_str(), detail);
                    batch.lost.push((row.seq, gap));
                }
                Ok(found) => unread.extend(found),
                Err(error) => {
                    let gap = lasting(error)?;
                    tracing::error!(
                        delivery = row.seq.0,
                        reason = gap.detail,
                        "a record cannot be read: {}",
                        gap.detail
                    );
                    batch.lost.push((row.seq, gap));
                }
            }
        }
        self.parse(&rows, unread, &mut batch).await?;
        Ok(batch)
    }

    async fn messages(&mut self, row: &Delivery, at: usize) -> Result<Vec<Unread>, VaultError> {
        let segment = match &self.segment {
            Some((object, segment)) if *object == row.object.name => segment.clone(),
            _ => {
                let segment = self.vault.open_segment(&row.object, &row.page).await?;
                self.segment = Some((row.object.name.clone(), segment.clone()));
                segment
            }
        };
        let record = segment.record(row.entry).await?;
        if record.id() != row.record {
            return Err(VaultError::Damaged {
                object: row.object.name.clone(),
                what: "it holds another record at this place",
            });
        }
        let entries = record.meta().delivery.entries.clone();
        let messages = (0u32..).zip(&entries).filter(|(_, entry)| entry.role == Role::Message);
        if is_large(record.meta().delivery.size) {
            let record = Arc::new(record);
            let unread = messages.map(|(index, entry)| Unread {
                delivery: at,
                entry: index,
                sha256: entry.sha256,
                content: Content::Streamed(streamed(&record, index, entry.size)),
            });
            return Ok(unread.collect());
        }
        let bytes = record.bytes().await?;
        // Opening a record is work for the processor; let others have a turn.
        tokio::task::yield_now().await;
        let unread = messages.filter_map(|(index, entry)| {
            let content = Content::Whole(content(&bytes, &entries, index as usize)?);
            Some(Unread { delivery: at, entry: index, sha256: entry.sha256, content })
        });
        Ok(unread.collect())
    }

    async fn parse(
        &self,
        rows: &[Delivery],
        unread: Vec<Unread>,
        batch: &mut Batch,
    ) -> Result<(), FollowError> {
        let whole: Vec<Bytes> =
            unread.iter().filter_map(|message| message.content.whole().cloned()).collect();
        let mut answers = self.pool.parse(&whole).await?.into_iter();
        for message in unread {
            let row = &rows[message.delivery];
            let (size_bytes, found) = match &message.content {
                Content::Whole(bytes) => {
                    (bytes.len() as u64, answers.next().expect("an answer for each"))
                }
                Content::Streamed(input) => match self.parse_streamed(input).await {
                    Ok(found) => (input.size_bytes(), found),
                    Err(FollowError::Vault(error)) => {
                        batch.lost.push((row.seq, lasting(error)?));
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            };
            batch.items.push(Item {
                seq: row.seq,
                entry: message.entry,
                sha256: message.sha256,
                size_bytes,
                source: row.source.clone(),
                class: row.class.clone(),
                received_at: row.received_at,
                is_proven: row.is_proven,
                envelope: row.envelope.as_deref().and_then(|json| serde_json::from_str(json).ok()),
                found,
            });
        }
        Ok(())
    }

    async fn parse_streamed(&self, input: &Input) -> Result<Result<Found, Failure>, FollowError> {
        let answer = self.pool.parse_one(input).await?;
        match answer.as_ref().err().and_then(|_| input.trouble()) {
            Some(error) => Err(VaultError::from_stream(error).into()),
            None => Ok(answer),
        }
    }
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

/// An entry's bytes; those that lie in the delivery as they are, are not copied.
fn content(delivery: &Bytes, entries: &[Entry], index: usize) -> Option<Bytes> {
    let place = &entries[index].place;
    if place.within.is_none() && place.encoding == Encoding::Identity {
        let start = usize::try_from(place.offset).ok()?;
        let end = start.checked_add(usize::try_from(place.len).ok()?)?;
        return (end <= delivery.len()).then(|| delivery.slice(start..end));
    }
    entry_bytes(delivery, entries, index).map(Bytes::from)
}

/// What stays wrong becomes a gap; what may pass is an error, to be tried again.
fn lasting(error: VaultError) -> Result<NewGap, FollowError> {
    match &error {
        VaultError::Damaged { .. }
        | VaultError::NoKey(_)
        | VaultError::Key(_)
        | VaultError::Bucket(BucketError::Missing(_)) => {
            Ok(NewGap::of_message(Reason::Damaged.as_str(), error.to_string()))
        }
        _ => Err(error.into()),
    }
}

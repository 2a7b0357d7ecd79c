//! The follower that derives and indexes: it reads each delivery after its
//! commit, has its messages parsed in the worker, and writes what they say to
//! the catalog and the index.
//!
//! Two cursors: the catalog's moves in the transaction that writes the rows, the
//! index's in the index's own commit, always later. After a crash the index is
//! behind or level; deliveries between the two are read again for the index
//! alone. An index ahead of the catalog belongs to another catalog and is made
//! anew. Nothing that a delivery holds stops the follower: what cannot be read is
//! a gap. What may pass (a full disk, a bucket that is away) is tried again.

mod derive;
mod read;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::base::clock::Timestamp;
use crate::base::crash;
use crate::base::ids::{DeliverySeq, SetId};
use crate::base::limits;
use crate::catalog::set::{self, AddressCache, Assigned};
use crate::catalog::{Catalog, CatalogError, cursor, delivery};
use crate::index::{Index, IndexError};
use crate::vault::{Vault, VaultError};
use crate::worker::{Pool, WorkerError};
use derive::Item;
use read::{Batch, Reader};

#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Worker(#[from] WorkerError),
    #[error("the indexing thread ended early")]
    Thread,
}

/// While mail keeps coming, what was put is made searchable this often; each
/// commit of the index costs several fsyncs.
const COMMIT_EVERY: Duration = Duration::from_millis(700);
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How far behind the archive its index is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Deliveries that are not searchable yet.
    pub behind: u64,
    /// When the oldest of them was received.
    pub oldest_waiting: Option<Timestamp>,
}

/// What others may ask of the follower. Cloning shares it.
#[derive(Clone)]
pub struct Progress {
    catalog: Catalog,
    /// The last delivery that is searchable.
    searchable: watch::Receiver<DeliverySeq>,
}

impl Progress {
    pub fn searchable(&self) -> DeliverySeq {
        *self.searchable.borrow()
    }

    /// Returns when `seq` is searchable; false if the follower ends before.
    pub async fn reached(&self, seq: DeliverySeq) -> bool {
        self.searchable.clone().wait_for(|searchable| *searchable >= seq).await.is_ok()
    }

    pub async fn lag(&self) -> Result<Lag, CatalogError> {
        let searchable = self.searchable();
        let last = delivery::last_seq(&self.catalog).await?;
        if last <= searchable {
            return Ok(Lag::default());
        }
        let oldest = delivery::after(&self.catalog, searchable, 1).await?;
        Ok(Lag {
            behind: (last.0 - searchable.0) as u64,
            oldest_waiting: oldest.first().map(|row| row.received_at),
        })
    }
}

pub struct Follower {
    reader: Reader,
    index: Index,
    committed: watch::Receiver<DeliverySeq>,
    cache: AddressCache,
    catalog: Catalog,
    searchable: watch::Sender<DeliverySeq>,
    /// Deliveries up to here have their rows.
    derived: DeliverySeq,
    /// Deliveries up to here are put to the index, committed or not.
    put: DeliverySeq,
    index_committed_at: Instant,
}

impl Follower {
    /// `committed` tells of new deliveries: `Ingest::committed`.
    pub fn new(
        vault: Vault,
        catalog: Catalog,
        index: Index,
        pool: Arc<Pool>,
        committed: watch::Receiver<DeliverySeq>,
    ) -> Self {
        let searchable = watch::Sender::new(DeliverySeq(index.cursor() as i64));
        Self {
            reader: Reader { vault, catalog: catalog.clone(), pool, segment: None },
            index,
            committed,
            cache: AddressCache::default(),
            catalog,
            searchable,
            derived: DeliverySeq(0),
            put: DeliverySeq(0),
            index_committed_at: Instant::now(),
        }
    }

    pub fn progress(&self) -> Progress {
        Progress { catalog: self.catalog.clone(), searchable: self.searchable.subscribe() }
    }

    /// Follows until `Ingest` is gone. Dropping the future stops it at any
    /// point; what was not committed is done again.
    pub async fn run(mut self) {
        while let Err(error) = self.follow().await {
            match error {
                FollowError::Index(IndexError::Corrupt(why)) => self.reset_index(why).await,
                error => {
                    tracing::warn!(error = chain(&error), "indexing waits: {}", chain(&error));
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    async fn follow(&mut self) -> Result<(), FollowError> {
        self.resume().await?;
        let mut batch = self.reader.after(self.put).await?;
        loop {
            let Some(up_to) = batch.up_to else {
                self.commit_index().await?;
                if self.committed.wait_for(|last| *last > self.put).await.is_err() {
                    return Ok(());
                }
                batch = self.reader.after(self.put).await?;
                continue;
            };
            // The next batch is read and parsed while this one is written.
            let writer = Writer { catalog: self.catalog.clone(), index: self.index.clone() };
            let (next, written) = tokio::join!(
                self.reader.after(up_to),
                writer.write(&mut self.cache, batch, self.derived)
            );
            written?;
            self.put = up_to;
            self.derived = self.derived.max(up_to);
            if self.index_committed_at.elapsed() >= COMMIT_EVERY {
                self.commit_index().await?;
            }
            batch = next?;
        }
    }

    /// Takes up the cursors, at the start and after an error.
    async fn resume(&mut self) -> Result<(), FollowError> {
        self.derived = DeliverySeq(cursor::get(&self.catalog, set::FOLLOWER).await?);
        if let Some(why) = self.index.emptied() {
            tracing::info!(why, "the search index begins empty: {why}");
        }
        // What was put and not committed may be in part; it is put again.
        self.put = DeliverySeq(self.index.cursor() as i64);
        if self.put > self.derived {
            self.reset_index("it is ahead of the catalog".into()).await;
        }
        self.searchable.send_replace(self.put);
        Ok(())
    }

    async fn reset_index(&mut self, why: String) {
        tracing::error!(why, "the search index is made anew: {why}");
        let index = self.index.clone();
        let reset = blocking(move || index.reset(&why)).await;
        if let Err(error) = reset {
            tracing::error!(error = chain(&error), "reset the index: {}", chain(&error));
            tokio::time::sleep(RETRY_AFTER).await;
        }
        self.put = DeliverySeq(self.index.cursor() as i64);
        self.searchable.send_replace(self.put);
    }

    /// A crash before the end leaves the index at its last cursor; the
    /// deliveries since then are read again.
    async fn commit_index(&mut self) -> Result<(), FollowError> {
        if *self.searchable.borrow() < self.put {
            let (index, put) = (self.index.clone(), self.put);
            blocking(move || index.commit(put.0 as u64)).await?;
            crash::point("follow.after_index");
            self.searchable.send_replace(put);
        }
        self.index_committed_at = Instant::now();
        Ok(())
    }
}

/// Where a batch goes.
struct Writer {
    catalog: Catalog,
    index: Index,
}

impl Writer {
    /// Writes a batch: rows for deliveries after `derived`, families for all.
    async fn write(
        self,
        cache: &mut AddressCache,
        batch: Batch,
        derived: DeliverySeq,
    ) -> Result<(), FollowError> {
        let Batch { items, lost, up_to } = batch;
        let Some(up_to) = up_to else { return Ok(()) };
        let replayed = items.partition_point(|item| item.seq <= derived);
        let (old, new) = items.split_at(replayed);
        let mut sets = self.lookup(old).await?;
        sets.extend(self.write_rows(cache, new, lost, derived, up_to).await?);
        crash::point("follow.after_catalog");
        let index = self.index.clone();
        blocking(move || put(&index, &items, &sets)).await
    }

    async fn lookup(&self, items: &[Item]) -> Result<Vec<Assigned>, FollowError> {
        let messages: Vec<_> = items.iter().map(|item| item.sha256).collect();
        let sets = set::lookup(&self.catalog, &messages).await?;
        let found = messages.iter().map(|message| {
            let set = sets.get(message).copied();
            let set = set.ok_or_else(|| CatalogError::Corrupt("a message has no set".into()))?;
            Ok(Assigned { set, is_new: false })
        });
        found.collect()
    }

    /// In transactions of few deliveries each, whole deliveries always.
    async fn write_rows(
        &self,
        cache: &mut AddressCache,
        items: &[Item],
        mut lost: Vec<(DeliverySeq, set::NewGap)>,
        derived: DeliverySeq,
        up_to: DeliverySeq,
    ) -> Result<Vec<Assigned>, FollowError> {
        lost.retain(|(seq, _)| *seq > derived);
        let mut assigned = Vec::with_capacity(items.len());
        let mut rest = items;
        while !rest.is_empty() || !lost.is_empty() {
            let mut end = rest.len().min(limits::FOLLOW_WRITE_DELIVERIES_MAX);
            while end > 0 && end < rest.len() && rest[end].seq == rest[end - 1].seq {
                end += 1;
            }
            let (now, later) = rest.split_at(end);
            let until = match later {
                [] => up_to,
                [_, ..] => now[end - 1].seq,
            };
            let waiting = lost.split_off(lost.partition_point(|(seq, _)| *seq <= until));
            let rows: Vec<_> = now.iter().map(Item::rows).collect();
            assigned.extend(set::write(&self.catalog, cache, &rows, &lost, until).await?);
            (rest, lost) = (later, waiting);
        }
        Ok(assigned)
    }
}

/// Puts the families of `items`, merged with what their sets had before.
fn put(index: &Index, items: &[Item], sets: &[Assigned]) -> Result<(), FollowError> {
    for (item, to) in items.iter().zip(sets) {
        let stored = stored(index, to.set, to.is_new)?;
        if let Some(family) = item.family(to.set, stored) {
            index.put(family)?;
        }
    }
    Ok(())
}

fn stored(
    index: &Index,
    set: SetId,
    is_new: bool,
) -> Result<Option<crate::index::doc::FamilyDoc>, IndexError> {
    if is_new { Ok(None) } else { index.stored(set) }
}

/// Runs work that blocks beside the runtime.
async fn blocking<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, FollowError>
where
    T: Send + 'static,
    E: Into<FollowError> + Send + 'static,
{
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| FollowError::Thread)?;
    done.map_err(Into::into)
}

/// An error with its causes. None of them quotes mail.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    text
}

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
mod rows;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::base::clock::Timestamp;
use crate::base::crash;
use crate::base::ids::DeliverySeq;
use crate::base::limits;
use crate::catalog::set::{self, AddressCache, Assigned};
use crate::catalog::{Catalog, CatalogError, cursor, delivery};
use crate::index::{Index, IndexError};
use crate::vault::{Vault, VaultError};
use crate::worker::{Pool, WorkerError};
use derive::Item;
use read::{Batch, Reader};
use rows::Written;

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

/// Deliveries are read in batches: what comes within this time of the last
/// reading is read together, unless a full batch waits. Each reading costs a
/// transaction, for which the commit of deliveries would wait.
const GATHER: Duration = Duration::from_millis(100);
/// While mail keeps coming, what was put is made searchable this often; each
/// commit of the index costs several fsyncs and a merge now and then.
const COMMIT_EVERY: Duration = Duration::from_millis(1500);
/// When nothing more waits, not more often than this.
const COMMIT_PAUSE: Duration = Duration::from_millis(300);
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
    read_at: Instant,
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
            read_at: Instant::now(),
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

    /// Three batches are under way at once: one is read and parsed, the one
    /// before is written to the catalog, the one before that to the index.
    async fn follow(&mut self) -> Result<(), FollowError> {
        self.resume().await?;
        let mut read_to = self.put;
        let mut read = Batch::default();
        let mut written = Written::default();
        loop {
            let is_idle = read.up_to.is_none() && written.up_to.is_none();
            // Reading a large delivery takes long: what came before it is not kept
            // waiting for it.
            let is_large_next = self.reader.is_large_next(read_to).await?;
            if is_large_next && is_idle && *self.searchable.borrow() < self.put {
                self.commit_index().await?;
            }
            let is_commit_due = self.index_committed_at.elapsed() >= COMMIT_EVERY;
            let is_reading_due = match is_large_next {
                true => is_idle,
                false => {
                    self.read_at.elapsed() >= GATHER
                        || is_full_batch(*self.committed.borrow(), read_to)
                }
            };
            let (catalog, cache, derived) = (&self.catalog, &mut self.cache, self.derived);
            let reader = &mut self.reader;
            let reading = async {
                if is_reading_due { reader.after(read_to).await } else { Ok(Batch::default()) }
            };
            let (next, rows, put) = tokio::join!(
                reading,
                rows::write(catalog, cache, read, derived),
                put(catalog, self.index.clone(), written, is_commit_due)
            );
            if let Some(up_to) = put? {
                self.put = up_to;
                if is_commit_due {
                    self.index_committed();
                }
            }
            written = rows?;
            self.derived = self.derived.max(written.up_to.unwrap_or(self.derived));
            read = next?;
            if read.up_to.is_some() {
                self.read_at = Instant::now();
            }
            read_to = read.up_to.unwrap_or(read_to);
            if is_idle && read.up_to.is_none() && !self.wait(read_to).await? {
                return Ok(());
            }
        }
    }

    /// Everything is put. Makes it searchable, not too often, and waits for more
    /// than `seen`; false when no more will come.
    async fn wait(&mut self, seen: DeliverySeq) -> Result<bool, FollowError> {
        if *self.searchable.borrow() < self.put {
            let due = self.index_committed_at + COMMIT_PAUSE;
            let more = self.committed.wait_for(|last| *last > seen);
            let is_more = matches!(tokio::time::timeout_at(due, more).await, Ok(Ok(_)));
            if is_more {
                self.gather(seen).await;
                return Ok(true);
            }
            self.commit_index().await?;
        }
        let is_more = self.committed.wait_for(|last| *last > seen).await.is_ok();
        if is_more {
            self.gather(seen).await;
        }
        Ok(is_more)
    }

    /// Something waits. Lets more join it until the next reading is due.
    async fn gather(&mut self, seen: DeliverySeq) {
        let full = self.committed.wait_for(|last| is_full_batch(*last, seen));
        // The time being over and the end of ingest both mean: read what is there.
        let _ = tokio::time::timeout_at(self.read_at + GATHER, full).await;
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

    async fn commit_index(&mut self) -> Result<(), FollowError> {
        let (index, put) = (self.index.clone(), self.put);
        set::make_durable(&self.catalog, put).await?;
        blocking(move || index.commit(put.0 as u64)).await?;
        self.index_committed();
        Ok(())
    }

    fn index_committed(&mut self) {
        crash::point("follow.after_index");
        self.searchable.send_replace(self.put);
        self.index_committed_at = Instant::now();
    }
}

fn is_full_batch(last: DeliverySeq, seen: DeliverySeq) -> bool {
    last.0 - seen.0 >= i64::from(limits::FOLLOW_DELIVERIES_MAX)
}

/// Puts the families of a batch, merged with what their sets had before, and
/// commits if that is due. A crash before the end of a commit leaves the index
/// at its last cursor; the deliveries since then are read again.
async fn put(
    catalog: &Catalog,
    index: Index,
    batch: Written,
    is_commit_due: bool,
) -> Result<Option<DeliverySeq>, FollowError> {
    let Written { items, sets, up_to } = batch;
    let Some(last) = up_to else { return Ok(None) };
    let filled = index.clone();
    blocking(move || put_families(&filled, &items, &sets)).await?;
    if is_commit_due {
        set::make_durable(catalog, last).await?;
        blocking(move || index.commit(last.0 as u64)).await?;
    }
    Ok(up_to)
}

fn put_families(index: &Index, items: &[Item], sets: &[Assigned]) -> Result<(), IndexError> {
    for (item, to) in items.iter().zip(sets) {
        let stored = if to.is_new { None } else { index.stored(to.set)? };
        if let Some(family) = item.family(to.set, stored) {
            index.put(family)?;
        }
    }
    Ok(())
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

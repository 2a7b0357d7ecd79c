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
//!
//! There are two lanes. In the first, mail is read in its order and each document
//! has a second; what takes longer, or is large, is a gap that says it is pending,
//! and a row of what is to be read again. In the second ([`late`]) it is. What it
//! found is put to the index, and when the index is committed the row goes, and
//! with it the gap, for the text or for the reason why there is none.

mod derive;
pub mod doubt;
mod late;
mod read;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use crate::base::chain::chain;
use crate::base::clock::{Clock, Timestamp};
use crate::base::crash;
use crate::base::ids::DeliverySeq;
use crate::base::limits;
use crate::catalog::participant::AddressCache;
use crate::catalog::pending::{self, Outcome, Waiting};
use crate::catalog::set::{self, Assigned};
use crate::catalog::{Catalog, CatalogError, cursor, delivery};
use crate::index::{Index, IndexError};
use crate::vault::{Vault, VaultError};
use crate::worker::{Pool, WorkerError};
use derive::Item;
use late::Late;
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
    /// Commits that were not waited for went with a crash of the database.
    #[error("the database lost what was derived last; it is derived again")]
    TakenBack,
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
/// Children of the second lane: what hangs takes no more of the processors.
const LATE_PROCESSES: usize = 1;

/// How far behind the archive its index is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Deliveries that are not searchable yet.
    pub behind: u64,
    /// When the oldest of them was received.
    pub oldest_waiting: Option<Timestamp>,
    /// Documents that are still being read, of mail that is searchable otherwise.
    pub pending: u64,
}

/// What others may ask of the follower. Cloning shares it.
#[derive(Clone)]
pub struct Progress {
    catalog: Catalog,
    /// The last delivery that is searchable.
    searchable: watch::Receiver<DeliverySeq>,
    /// How much was settled of what was to be read again.
    settled: watch::Receiver<u64>,
    /// Tells the second lane that more waits for it.
    postponed: Arc<Notify>,
}

impl Progress {
    /// Something was put in line to be read again.
    pub fn wake(&self) {
        self.postponed.notify_one();
    }

    /// Returns when something was settled, or after `time`.
    pub async fn moved(&self, time: Duration) {
        // The time being over means: look again.
        let _ = tokio::time::timeout(time, self.settled.clone().changed()).await;
    }

    pub fn searchable(&self) -> DeliverySeq {
        *self.searchable.borrow()
    }

    /// Returns when `seq` is searchable; false if the follower ends before.
    pub async fn reached(&self, seq: DeliverySeq) -> bool {
        self.searchable.clone().wait_for(|searchable| *searchable >= seq).await.is_ok()
    }

    /// Returns when `seq` is searchable and nothing up to it is still being read;
    /// false if the follower ends before.
    pub async fn settled(&self, seq: DeliverySeq) -> Result<bool, CatalogError> {
        let mut settled = self.settled.clone();
        if !self.reached(seq).await {
            return Ok(false);
        }
        loop {
            settled.mark_unchanged();
            if pending::unsettled(&self.catalog, seq).await? == 0 {
                return Ok(true);
            }
            if settled.changed().await.is_err() {
                return Ok(false);
            }
        }
    }

    pub async fn lag(&self) -> Result<Lag, CatalogError> {
        let searchable = self.searchable();
        let last = delivery::last_seq(&self.catalog).await?;
        let waiting = pending::counts(&self.catalog, searchable).await?;
        let behind = last.0.saturating_sub(searchable.0).max(0) as u64;
        let oldest = match (waiting.oldest, behind) {
            (None, 1..) => {
                let next = delivery::after(&self.catalog, searchable, 1).await?;
                next.first().map(|row| row.received_at)
            }
            (oldest, _) => oldest,
        };
        Ok(Lag {
            behind: behind + waiting.deliveries,
            oldest_waiting: oldest,
            pending: waiting.documents,
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
    settled: watch::Sender<u64>,
    /// What the second lane reads with.
    late_pool: Arc<Pool>,
    /// Tells the second lane that more waits for it.
    postponed: Arc<Notify>,
    /// Put to the index, to be settled when that is committed.
    unsettled: Vec<(Waiting, Outcome)>,
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
        clock: Clock,
        index: Index,
        pool: Arc<Pool>,
        committed: watch::Receiver<DeliverySeq>,
    ) -> Self {
        let searchable = watch::Sender::new(DeliverySeq(index.cursor() as i64));
        let late_pool = Arc::new(pool.beside(LATE_PROCESSES));
        Self {
            reader: Reader { vault, catalog: catalog.clone(), clock, pool, segment: None },
            index,
            committed,
            cache: AddressCache::default(),
            catalog,
            searchable,
            settled: watch::Sender::new(0),
            late_pool,
            postponed: Arc::default(),
            unsettled: Vec::new(),
            derived: DeliverySeq(0),
            put: DeliverySeq(0),
            read_at: Instant::now(),
            index_committed_at: Instant::now(),
        }
    }

    pub fn progress(&self) -> Progress {
        Progress {
            catalog: self.catalog.clone(),
            searchable: self.searchable.subscribe(),
            settled: self.settled.subscribe(),
            postponed: self.postponed.clone(),
        }
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

    /// Both lanes. After an error both begin again at what is durable.
    async fn follow(&mut self) -> Result<(), FollowError> {
        self.resume().await?;
        let vault = self.reader.vault.clone();
        let (catalog, pool) = (self.catalog.clone(), self.late_pool.clone());
        let clock = self.reader.clock.clone();
        let reader = Reader { vault, catalog, clock, pool, segment: None };
        // One is read while another waits to be put: their texts are in memory.
        let (done, late) = mpsc::channel(1);
        let second = late::run(reader, self.postponed.clone(), done);
        tokio::select! {
            ended = self.first_lane(late) => ended,
            () = second => Ok(()),
        }
    }

    /// Three batches are under way at once: one is read and parsed, the one
    /// before is written to the catalog, the one before that to the index.
    async fn first_lane(&mut self, mut late: mpsc::Receiver<Box<Late>>) -> Result<(), FollowError> {
        let mut read_to = self.put;
        let mut read = Batch::default();
        let mut written = Written::default();
        let mut arrived = None;
        loop {
            if let Some(late) = arrived.take().or_else(|| late.try_recv().ok()) {
                self.take_late(late, std::mem::take(&mut written)).await?;
            }
            let is_idle = read.up_to.is_none() && written.up_to.is_none();
            let is_commit_due = self.is_commit_due();
            let is_reading_due = self.read_at.elapsed() >= GATHER
                || is_full_batch(*self.committed.borrow(), read_to);
            let has_postponed = read.has_postponed();
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
                    self.index_committed().await?;
                }
            }
            written = rows?;
            if has_postponed {
                self.postponed.notify_one();
            }
            self.derived = self.derived.max(written.up_to.unwrap_or(self.derived));
            read = next?;
            if read.up_to.is_some() {
                self.read_at = Instant::now();
            }
            read_to = read.up_to.unwrap_or(read_to);
            if is_idle && read.up_to.is_none() {
                match self.wait(read_to, &mut late).await? {
                    Next::Over => return Ok(()),
                    Next::Mail => {}
                    Next::Late(late) => arrived = Some(late),
                }
            }
        }
    }

    /// Puts what the second lane found, after what is in the catalog `before` it: what
    /// is put of a set is joined with what it had. The second lane may bring one after
    /// the other: mail is not kept from being found, nor is memory filled, until it ends.
    async fn take_late(&mut self, late: Box<Late>, before: Written) -> Result<(), FollowError> {
        let put = put(&self.catalog, self.index.clone(), before, false).await?;
        self.put = put.unwrap_or(self.put);
        self.put_late(late).await?;
        if self.is_commit_due() {
            self.commit_index().await?;
        }
        Ok(())
    }

    fn is_commit_due(&self) -> bool {
        self.index_committed_at.elapsed() >= COMMIT_EVERY || self.index.is_full()
    }

    /// Everything is put. Makes it searchable, not too often, and waits for more
    /// than `seen`, or for what the second lane found.
    async fn wait(
        &mut self,
        seen: DeliverySeq,
        late: &mut mpsc::Receiver<Box<Late>>,
    ) -> Result<Next, FollowError> {
        if *self.searchable.borrow() < self.put || !self.unsettled.is_empty() {
            let due = self.index_committed_at + COMMIT_PAUSE;
            let more = next(&mut self.committed, seen, late);
            match tokio::time::timeout_at(due, more).await {
                Ok(Next::Over) | Err(_) => self.commit_index().await?,
                Ok(Next::Mail) => {
                    self.gather(seen).await;
                    return Ok(Next::Mail);
                }
                Ok(late) => return Ok(late),
            }
        }
        let next = next(&mut self.committed, seen, late).await;
        if matches!(next, Next::Mail) {
            self.gather(seen).await;
        }
        Ok(next)
    }

    /// Something waits. Lets more join it until the next reading is due.
    async fn gather(&mut self, seen: DeliverySeq) {
        let full = self.committed.wait_for(|last| is_full_batch(*last, seen));
        // The time being over and the end of ingest both mean: read what is there.
        let _ = tokio::time::timeout_at(self.read_at + GATHER, full).await;
    }

    /// Takes up the cursors, at the start and after an error.
    async fn resume(&mut self) -> Result<(), FollowError> {
        self.unsettled.clear();
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
        self.index_committed().await
    }

    async fn index_committed(&mut self) -> Result<(), FollowError> {
        crash::point("follow.after_index");
        self.searchable.send_replace(self.put);
        self.index_committed_at = Instant::now();
        for (waiting, outcome) in self.unsettled.drain(..) {
            crash::point("follow.before_settling");
            pending::settle(&self.catalog, waiting, outcome).await?;
            self.settled.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    /// Writes the rows of a message that has none yet, and puts its family. A
    /// crash before it is settled has it read again, to the same end.
    async fn put_late(&mut self, late: Box<Late>) -> Result<(), FollowError> {
        let Late { waiting, found } = *late;
        let item = match found {
            Ok(item) => item,
            Err(gap) => {
                self.unsettled.push((waiting, Outcome::Failed(gap)));
                return Ok(());
            }
        };
        let rows = item.rows();
        let (set, outcome) = match (waiting.set, &item.found) {
            (None, _) => {
                let set = set::write_late(&self.catalog, &mut self.cache, &rows).await?;
                (set, Outcome::Derived)
            }
            (Some(set), Ok(_)) => (set, Outcome::Documents(Box::new(rows))),
            (Some(set), Err(failure)) => (set, Outcome::Failed(failure.into())),
        };
        crash::point("follow.after_late");
        let index = self.index.clone();
        blocking(move || index.put(item.late_family(set, index.stored(set)?))).await?;
        self.unsettled.push((waiting, outcome));
        Ok(())
    }
}

/// What the first lane goes on with.
enum Next {
    Mail,
    Late(Box<Late>),
    /// No more mail will come.
    Over,
}

async fn next(
    committed: &mut watch::Receiver<DeliverySeq>,
    seen: DeliverySeq,
    late: &mut mpsc::Receiver<Box<Late>>,
) -> Next {
    tokio::select! {
        more = committed.wait_for(|last| *last > seen) => match more {
            Ok(_) => Next::Mail,
            Err(_) => Next::Over,
        },
        Some(late) = late.recv() => Next::Late(late),
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

//! Locks that roll on. What proves and opens an archive (its log, keys, statements and
//! dictionaries) is locked until the longest class from when it was put, and once it is
//! a year behind that, for longer again; the mail of a class that was lengthened, or made
//! strict, as it now asks. What ends soonest comes first.
//!
//! Each object is locked for longer by its version, which can be done again: a stop
//! costs a page of objects. Where clocks disagree nothing is done, since no lock can be
//! taken back.

use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json;

use super::RetentionError;
use crate::access::audit::{Act, Outcome, record_in};
use crate::base::chain::chain;
use crate::base::clock::{Clock, Timestamp};
use crate::base::crash;
use crate::base::ids::SegmentId;
use crate::base::limits::LOCKS_ASKED_AT_ONCE;
use crate::catalog::lease::{Standing, Turn};
use crate::catalog::roll::{self, RollRow};
use crate::catalog::{Catalog, CatalogError, epoch};
use crate::ingest::clocks::Clocks;
use crate::vault::bucket::{Bucket, BucketError, Place};
use crate::vault::retention::{Lock, rolls};

/// What rolls on, by what its names begin with.
const ROOTS: [&str; 4] = ["format", "keyring", "log", "policy"];
/// How far behind the longest class a lock may be.
const BEHIND_SECONDS: i64 = 366 * 24 * 3600;
/// Segments of one step.
const SEGMENTS_AT_ONCE: u32 = 100;

/// Sees to it, one node at a time.
pub struct Roller {
    bucket: Bucket,
    catalog: Catalog,
    clock: Clock,
    turn: Turn,
}

/// How far it is, over everything that is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rolling {
    pub done: u64,
    pub total: u64,
    /// Months and other parts that are to be done.
    pub parts: u64,
    /// Why the last try stopped.
    pub error: Option<String>,
}

pub async fn standing(catalog: &Catalog) -> Result<Rolling, CatalogError> {
    let mut rolling = Rolling::default();
    for row in roll::wanted(catalog).await? {
        rolling.done += row.done;
        rolling.total += row.total;
        rolling.parts += 1;
        rolling.error = rolling.error.or(row.error);
    }
    Ok(rolling)
}

/// What came of a part.
enum Worked {
    /// To its end.
    All,
    /// Another node goes on with it, or it begins anew.
    Elsewhere,
}

impl Roller {
    pub fn new(bucket: Bucket, catalog: Catalog, clock: Clock) -> Self {
        let turn = Turn::new(catalog.clone(), "locks");
        Self { bucket, catalog, clock, turn }
    }

    /// Another node goes on at once.
    pub async fn give_up(&mut self) {
        let _ = self.turn.give_up().await;
    }

    /// Does all that is to be done. What cannot be done keeps the rest from nothing, and
    /// is told.
    pub async fn work(&mut self) -> Result<(), RetentionError> {
        if self.turn.take().await? == Standing::Others {
            return Ok(());
        }
        self.bucket.ask_time().await?;
        let now = self.bucket.by_its_clock(self.clock.now());
        let Some(longest) = self.bucket.lock_of(ROOTS[2], now).await? else {
            return match roll::wanted(&self.catalog).await?.is_empty() {
                true => Ok(()),
                false => Ok(roll::forget(&self.catalog).await?),
            };
        };
        let clocks = Clocks::look(&self.bucket, &self.catalog, &self.clock).await?;
        if clocks.disagreement().is_some() {
            return Ok(());
        }
        self.plan(now, longest).await?;
        let mut failed = None;
        for row in roll::wanted(&self.catalog).await? {
            let unit = row.unit.clone();
            match self.part(row).await {
                Ok(Worked::All) => {}
                Ok(Worked::Elsewhere) => return Ok(()),
                Err(error) => {
                    tracing::error!(unit, error = chain(&error), "locks that are to be longer");
                    failed = failed.or(Some(error));
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Asks for what is a year behind.
    async fn plan(&self, now: Timestamp, longest: Lock) -> Result<(), RetentionError> {
        let behind = self.bucket.lock_of(ROOTS[2], now.plus_seconds(-BEHIND_SECONDS)).await?;
        let Some(behind) = behind else { return Ok(()) };
        for root in ROOTS {
            let row = roll::find(&self.catalog, root).await?;
            let is_under_way = row.as_ref().is_some_and(|row| row.target.is_some());
            // Without a row every lock is looked at once.
            let ends_at = row.map_or(Timestamp(0), |row| row.ends_at);
            if !is_under_way && ends_at < behind.until {
                let mut tx = self.catalog.write().await?;
                roll::want(&mut tx, root, ends_at, longest.until).await?;
                self.catalog.commit(tx, "ask for longer locks").await?;
            }
        }
        Ok(())
    }

    async fn part(&mut self, mut row: RollRow) -> Result<Worked, RetentionError> {
        if row.refused == 0 {
            // It stopped for a while only.
            row.error = None;
        }
        let worked = match roll::epoch_in(&row.unit) {
            Some((class, epoch)) => {
                let (class, epoch) = (class.to_owned(), epoch.to_owned());
                self.epoch(&mut row, &class, &epoch).await
            }
            None => self.root(&mut row).await,
        };
        match worked {
            // It is tried again from its beginning, later.
            Ok(Worked::All) if row.refused > 0 => {
                row.position = String::new();
                roll::step(&self.catalog, &row).await?;
                Ok(Worked::All)
            }
            Ok(Worked::All) => self.end(&row).await,
            Ok(Worked::Elsewhere) => Ok(Worked::Elsewhere),
            Err(error) => {
                row.error = row.error.or_else(|| Some(chain(&error)));
                roll::step(&self.catalog, &row).await?;
                Err(error)
            }
        }
    }

    /// What lies below a word and is of no month of a class.
    async fn root(&mut self, row: &mut RollRow) -> Result<Worked, RetentionError> {
        let root = row.unit.clone();
        if row.position.is_empty() {
            (row.done, row.refused, row.error) = (0, 0, None);
            let mut after = String::new();
            row.total = 0;
            loop {
                let page = self.bucket.look_after(&root, &after).await?;
                let Some(last) = page.last() else { break };
                after = last.name.clone();
                row.total += page.iter().filter(|seen| rolls(&seen.name)).count() as u64;
                self.turn.take().await?;
            }
        }
        loop {
            let page = self.bucket.look_after(&root, &row.position).await?;
            let Some(last) = page.last() else { return Ok(Worked::All) };
            let position = last.name.clone();
            let places = page.iter().filter(|seen| rolls(&seen.name)).map(|seen| seen.first());
            let (places, until) = (places.collect(), row.target);
            self.lengthen(row, places, until).await?;
            if !self.step(row, position).await? {
                return Ok(Worked::Elsewhere);
            }
        }
    }

    /// The mail of a class and month, with its keys.
    async fn epoch(
        &mut self,
        row: &mut RollRow,
        class: &str,
        epoch: &str,
    ) -> Result<Worked, RetentionError> {
        let keys = self.bucket.list(&format!("keyring/epoch/{class}/{epoch}")).await?;
        if row.position.is_empty() {
            (row.done, row.refused, row.error) = (0, 0, None);
            let mut places = Vec::new();
            for name in &keys {
                match self.bucket.find(name).await {
                    Err(BucketError::Missing(_)) => {}
                    found => places.push(found?),
                }
            }
            self.lengthen(row, places, None).await?;
        }
        let segments = epoch::count_segments(&self.catalog, class, epoch).await?;
        row.total = keys.len() as u64 + 2 * segments;
        loop {
            let after: Option<SegmentId> = row.position.parse().ok();
            let after = after.map(|id| id.0.to_vec()).unwrap_or_default();
            let found =
                roll::segments(&self.catalog, (class, epoch), &after, SEGMENTS_AT_ONCE).await?;
            let Some((last, _)) = found.last() else { return Ok(Worked::All) };
            let position = last.to_string();
            let places = found.into_iter().flat_map(|(_, places)| places).collect();
            self.lengthen(row, places, None).await?;
            if !self.step(row, position).await? {
                return Ok(Worked::Elsewhere);
            }
        }
    }

    /// Locks objects until then, or as their names ask. What is gone is a check's to
    /// find; what the bucket refuses keeps nothing else from being locked.
    async fn lengthen(
        &self,
        row: &mut RollRow,
        places: Vec<Place>,
        until: Option<Timestamp>,
    ) -> Result<(), RetentionError> {
        row.done += places.len() as u64;
        let now = self.bucket.by_its_clock(self.clock.now());
        let bucket = &self.bucket;
        let each = futures::stream::iter(places).map(|place| async move {
            let Some(lock) = bucket.lock_of(&place.name, now).await? else { return Ok(None) };
            let lock = Lock { until: until.map_or(lock.until, |at| at.max(lock.until)), ..lock };
            match bucket.lengthen(&place, &lock).await {
                Ok(_) | Err(BucketError::Missing(_)) => Ok(None),
                Err(error) if error.is_refusal() => Ok(Some(chain(&error))),
                Err(error) => Err(error),
            }
        });
        let each = each.buffered(LOCKS_ASKED_AT_ONCE);
        let refused: Vec<Option<String>> = each.try_collect().await?;
        for error in refused.into_iter().flatten() {
            row.refused += 1;
            row.error.get_or_insert(error);
        }
        Ok(())
    }

    /// Whether this node goes on.
    async fn step(&mut self, row: &mut RollRow, position: String) -> Result<bool, RetentionError> {
        // A crash here locks the same objects again, which changes nothing.
        crash::point("locks.after_page");
        row.position = position;
        let is_wanted = roll::step(&self.catalog, row).await?;
        Ok(is_wanted && self.turn.take().await? != Standing::Others)
    }

    async fn end(&self, row: &RollRow) -> Result<Worked, RetentionError> {
        let until = match roll::epoch_in(&row.unit) {
            None => row.target,
            Some(_) => {
                let now = self.bucket.by_its_clock(self.clock.now());
                let lock = self.bucket.lock_of(&format!("{}/segment", row.unit), now).await?;
                lock.map(|lock| lock.until)
            }
        };
        let mut tx = self.catalog.write().await?;
        if !roll::end(&mut tx, row).await? {
            return Ok(Worked::Elsewhere);
        }
        let act = Act::new("archive.locks", None, &row.unit)
            .with(json!({ "objects": row.done, "until": until.map(|at| at.to_string()) }));
        record_in(&mut tx, self.clock.now(), "system", &act, Outcome::Done).await?;
        self.catalog.commit(tx, "end longer locks").await?;
        Ok(Worked::All)
    }
}

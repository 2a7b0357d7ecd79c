//! The bucket's flags of holds, on every segment that has something held in it, and on
//! its key page. A hold is in force without them; they keep who has the rights to
//! delete in the bucket from doing so, and they follow, in steps that a crash or
//! another node can go on from.
//!
//! A pass goes through all deliveries, some hundred at once, and notes which segments
//! have something held; then it goes on with what comes in. It begins again when holds
//! or their custodians change, and once a day, since what is read late can be held no
//! more. At its end flags are due to be lifted that it did not find. Flags are set
//! first on what could go soonest: pages that can be erased, and what is locked for
//! less than 180 days.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};

use super::held_among;
use crate::base::chain::chain;
use crate::base::clock::{Clock, Timestamp};
use crate::base::ids::{DeliverySeq, SegmentId};
use crate::base::limits::{FLAGS_AT_ONCE, FLAGS_FAILED_MAX, FLAGS_PER_STEP, HELD_ASKED_AT_ONCE};
use crate::catalog::flag::{self as rows, Counted, Due, Wanted};
use crate::catalog::{Catalog, CatalogError, cursor, hold};
use crate::vault::bucket::{Bucket, BucketError, Place};
use crate::vault::retention::Schedule;

/// What can go within so long is flagged first.
const SOON_SECONDS: i64 = 180 * 24 * 3600;
/// How often a pass is begun though nothing changed.
const PASS_SECONDS: i64 = 24 * 3600;
/// So many steps without anything held are noted at once.
const STEPS_UNNOTED: u32 = 16;
/// How long what did not follow is left alone.
const RETRY_SECONDS: i64 = 60;
/// Counting takes at most a part of the time.
const COUNT_PART: i64 = 20;
const COUNT_SECONDS_MIN: i64 = 5;

const PASS: &str = "flags.pass";
const SEQ: &str = "flags.seq";
const HOLDS: &str = "flags.holds";
const BEGUN: &str = "flags.begun";
/// The last pass that came to its end.
const ENDED: &str = "flags.ended";

/// Sets or lifts the flag of an object.
pub type SetHeld =
    Arc<dyn Fn(Place, bool) -> BoxFuture<'static, Result<(), BucketError>> + Send + Sync>;

pub struct Flags {
    pub catalog: Catalog,
    pub clock: Clock,
    schedule: Arc<Schedule>,
    set_held: SetHeld,
    unnoted: u32,
    count_at: Timestamp,
    /// Whether nothing has changed since all was counted.
    is_counted: bool,
    /// What did not follow, left alone until a time so that it keeps nothing else back.
    failed: HashSet<SegmentId>,
    retry_at: Timestamp,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do at once.
    More,
    Nothing,
}

/// How far the pass is.
#[derive(Clone, Copy, Debug)]
struct Pass {
    number: i64,
    seq: i64,
    is_ended: bool,
}

impl Flags {
    /// None where the bucket keeps no flags.
    pub async fn of(
        catalog: Catalog,
        clock: Clock,
        bucket: &Bucket,
        schedule: Arc<Schedule>,
    ) -> Result<Option<Self>, BucketError> {
        let now = clock.now();
        let name = format!("seg/any/{}/any", now.month());
        if bucket.lock_of(&name, now).await?.is_none() {
            return Ok(None);
        }
        let bucket = bucket.clone();
        let set_held: SetHeld = Arc::new(move |place, is_held| {
            let bucket = bucket.clone();
            async move { bucket.set_held(&place, is_held).await }.boxed()
        });
        Ok(Some(Self::with(catalog, clock, schedule, set_held)))
    }

    pub fn with(
        catalog: Catalog,
        clock: Clock,
        schedule: Arc<Schedule>,
        set_held: SetHeld,
    ) -> Self {
        let never = Timestamp(0);
        Self {
            catalog,
            clock,
            schedule,
            set_held,
            unnoted: 0,
            count_at: never,
            is_counted: false,
            failed: HashSet::new(),
            retry_at: never,
        }
    }

    /// Does the next that is due: notes what is held, sets flags, lifts flags.
    pub async fn step(&mut self) -> Result<Step, CatalogError> {
        let pass = self.pass().await?;
        let derived = cursor::get(&self.catalog, cursor::DERIVE).await?;
        if pass.seq < derived {
            self.walk(pass, derived).await?;
            return Ok(Step::More);
        }
        if !pass.is_ended {
            self.end(pass).await?;
            return Ok(Step::More);
        }
        let done = match self.change(Wanted::Set).await? {
            0 => self.change(Wanted::Lifted).await?,
            set => set,
        };
        self.count(done == 0).await?;
        Ok(if done > 0 { Step::More } else { Step::Nothing })
    }

    /// The pass under way; a new one where what it goes by is not so any more.
    async fn pass(&mut self) -> Result<Pass, CatalogError> {
        let catalog = &self.catalog;
        let now = self.clock.now().seconds();
        let holds = rows::holds_in_force(catalog).await?;
        let number = cursor::get(catalog, PASS).await?;
        let begun = cursor::get(catalog, BEGUN).await?;
        let is_same = number > 0 && cursor::get(catalog, HOLDS).await? == holds;
        let is_ended = cursor::get(catalog, ENDED).await? == number;
        if is_same && !(is_ended && begun + PASS_SECONDS <= now) {
            return Ok(Pass { number, seq: cursor::get(catalog, SEQ).await?, is_ended });
        }
        self.is_counted = false;
        let mut tx = catalog.write().await?;
        for (name, value) in [(PASS, number + 1), (SEQ, 0), (HOLDS, holds), (BEGUN, now)] {
            cursor::set(&mut tx, name, value).await?;
        }
        catalog.commit(tx, "begin to flag what is held").await?;
        Ok(Pass { number: number + 1, seq: 0, is_ended: false })
    }

    /// Notes which segments of some deliveries have something held.
    async fn walk(&mut self, pass: Pass, derived: i64) -> Result<(), CatalogError> {
        let catalog = &self.catalog;
        let mut seq = pass.seq;
        loop {
            let walked = rows::walk(catalog, seq, derived, HELD_ASKED_AT_ONCE).await?;
            let is_last = walked.len() < HELD_ASKED_AT_ONCE;
            seq = if is_last { derived } else { walked.last().map_or(derived, |it| it.seq.0) };
            let seqs: Vec<DeliverySeq> = walked.iter().map(|it| it.seq).collect();
            let held = held_among(catalog, &seqs).await?;
            let mut segments: Vec<(SegmentId, i64)> = walked
                .iter()
                .filter(|it| held.contains(&it.seq))
                .map(|it| (it.segment, self.rank(&it.class, &it.epoch)))
                .collect();
            segments.sort();
            segments.dedup();
            self.unnoted += 1;
            if segments.is_empty() && !is_last && self.unnoted < STEPS_UNNOTED {
                continue;
            }
            self.unnoted = 0;
            self.is_counted &= segments.is_empty();
            // A flag that is set has a row, whatever is cut off; how far this came can be
            // found out again.
            let mut tx = match segments.is_empty() {
                true => catalog.write_derived().await?,
                false => catalog.write().await?,
            };
            rows::mark(&mut tx, pass.number, &segments).await?;
            cursor::set(&mut tx, SEQ, seq).await?;
            return catalog.commit(tx, "note what is held").await;
        }
    }

    /// 0 for what could go soon.
    fn rank(&self, class: &str, epoch: &str) -> i64 {
        let soon = self.clock.now().plus_seconds(SOON_SECONDS);
        let is_soon = self.schedule.due(class, epoch).is_none_or(|due| due <= soon);
        i64::from(!is_soon && !self.schedule.is_erasable(class))
    }

    /// What the pass did not find is held no more.
    async fn end(&mut self, pass: Pass) -> Result<(), CatalogError> {
        let catalog = &self.catalog;
        while rows::unmark(catalog, pass.number, FLAGS_PER_STEP).await? > 0 {}
        let mut tx = catalog.write().await?;
        cursor::set(&mut tx, ENDED, pass.number).await?;
        catalog.commit(tx, "end a pass for flags").await
    }

    /// Sets or lifts some flags; how many.
    async fn change(&mut self, wanted: Wanted) -> Result<usize, CatalogError> {
        if self.retry_at <= self.clock.now() || self.failed.len() > FLAGS_FAILED_MAX {
            self.failed.clear();
            self.retry_at = self.clock.now().plus_seconds(RETRY_SECONDS);
        }
        let limit = FLAGS_PER_STEP + self.failed.len();
        let mut due = rows::due(&self.catalog, wanted, limit).await?;
        due.retain(|due| !self.failed.contains(&due.segment));
        let changes = futures::stream::iter(due).map(|due| {
            let (catalog, set_held) = (self.catalog.clone(), self.set_held.clone());
            async move { (changed(&catalog, &set_held, wanted, &due).await, due) }
        });
        let changed: Vec<_> = changes.buffer_unordered(FLAGS_AT_ONCE).collect().await;
        let mut done = Vec::new();
        for (result, due) in changed {
            match result {
                Ok(()) => done.push(due),
                Err(ChangeError::Catalog(error)) => return Err(error),
                Err(ChangeError::Bucket(error)) => {
                    let segment = due.segment.to_string();
                    if self.failed.is_empty() {
                        let error = chain(&error);
                        tracing::warn!(segment, error, "a flag of a hold did not follow yet");
                    }
                    self.failed.insert(due.segment);
                }
            }
        }
        if !done.is_empty() {
            self.is_counted = false;
            rows::done(&self.catalog, wanted, &done).await?;
        }
        Ok(done.len())
    }

    /// Counts how far each hold's flags are, now and then, and when nothing is left.
    async fn count(&mut self, is_over: bool) -> Result<(), CatalogError> {
        let begun = self.clock.now();
        let is_known = match is_over {
            true => self.is_counted,
            false => begun < self.count_at,
        };
        if is_known {
            return Ok(());
        }
        let known = rows::counts(&self.catalog).await?;
        let mut counts = BTreeMap::new();
        for hold in hold::in_force(&self.catalog).await? {
            let (flagged, segments) = hold::flags_of(&self.catalog, hold).await?;
            counts.insert(hold, Counted { flagged, segments });
        }
        if counts != known {
            rows::note_counts(&self.catalog, &counts).await?;
        }
        self.is_counted = is_over;
        let took = self.clock.now().seconds() - begun.seconds();
        let pause = (took * COUNT_PART).max(COUNT_SECONDS_MIN);
        self.count_at = self.clock.now().plus_seconds(pause);
        Ok(())
    }
}

enum ChangeError {
    Catalog(CatalogError),
    Bucket(BucketError),
}

/// Both objects; the page only where no other segment that is held has it too.
async fn changed(
    catalog: &Catalog,
    set_held: &SetHeld,
    wanted: Wanted,
    due: &Due,
) -> Result<(), ChangeError> {
    let is_held = wanted == Wanted::Set;
    set_held(due.object.clone(), is_held).await.map_err(ChangeError::Bucket)?;
    let is_shared = !is_held
        && rows::is_page_wanted(catalog, &due.page.name, due.segment)
            .await
            .map_err(ChangeError::Catalog)?;
    if !is_shared {
        set_held(due.page.clone(), is_held).await.map_err(ChangeError::Bucket)?;
    }
    Ok(())
}

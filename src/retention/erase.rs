//! Doing an erasure as a job: its steps, each of which can be done again.
//!
//! The message's records are erased by the commit that takes their rows away and says
//! so, under the lock that holds are placed under: all of them, or none. By then their
//! pages have been put again without their keys. The keys themselves go when the log
//! that is published says that they were erased, so that a catalog that is lost
//! meanwhile does not find records without keys that nobody knows of. Then the index
//! and exports let go of what they had, and its files too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::destroy::{self, Stopped};
use super::doubted::{self, Doubted};
use super::erasure::{self, Figures, Gone, Request, SegmentOf, act};
use super::replaced::Replaced;
use super::run::{self, Worked};
use super::{Retention, RetentionError, decided, ready};
use crate::access::Refused;
use crate::access::audit::{Outcome, record_in};
use crate::base::clock::Timestamp;
use crate::base::crash;
use crate::base::ids::{DeliverySeq, JobId, RecordId};
use crate::base::limits;
use crate::base::number::counted;
use crate::catalog::erasure::{self as rows, Carrier, ErasureRow, State};
use crate::catalog::job::{self, JobRow, Lease, Renewed};
use crate::catalog::{WriteTransaction, purge, spare};
use crate::export::purge::Bundles;
use crate::policy;
use crate::vault::bucket::Place;

/// Pages deleted at once.
const AT_ONCE: u32 = 200;

/// Does a leased job to its end and says so in catalog and audit. An error means
/// that it is left to be tried again.
pub async fn run(retention: &Retention, job: JobRow, owner: &str) -> Result<(), RetentionError> {
    let found = find(retention, &job).await;
    let id = found.as_ref().ok().map(|row| row.erasure_id);
    let worked = match found {
        Ok(row) => Eraser { retention, row, job: &job, owner }.work().await,
        Err(error) => Err(error),
    };
    let failed = |why: &str| match id {
        Some(id) => act("erasure.run", id).with(json!({ "erasure": id, "error": why })),
        None => run::act_of_job("erasure.run", &job).with(json!({ "error": why })),
    };
    run::settle(retention, &job, owner, worked, failed).await
}

async fn find(retention: &Retention, job: &JobRow) -> Result<ErasureRow, RetentionError> {
    let Request { erasure } =
        serde_json::from_str(&job.request).map_err(RetentionError::Request)?;
    let row = rows::by_id(&retention.catalog, erasure).await?;
    Ok(row.ok_or(Refused::Hidden("erasure"))?)
}

struct Eraser<'a> {
    retention: &'a Retention,
    row: ErasureRow,
    job: &'a JobRow,
    owner: &'a str,
}

/// A page object, and the records whose keys it loses.
type Pages = BTreeMap<String, (Place, BTreeSet<RecordId>)>;

impl Eraser<'_> {
    async fn work(mut self) -> Result<Worked, RetentionError> {
        let worked = match self.all().await {
            Ok(worked) => worked,
            Err(Stopped::Lost) => Worked::Lost,
            Err(Stopped::Error(error)) => return Err(error),
        };
        Ok(worked)
    }

    async fn all(&mut self) -> Result<Worked, Stopped> {
        if matches!(self.row.state, State::Approved | State::Erasing | State::Done) {
            decided::check(self.retention, decided::ERASURE, self.row.erasure_id.0).await?;
        }
        if self.row.state == State::Approved {
            self.erase().await?;
            let row = rows::by_id(&self.retention.catalog, self.row.erasure_id).await?;
            self.row = row.ok_or(Refused::Hidden("erasure")).map_err(RetentionError::from)?;
        }
        if !matches!(self.row.state, State::Erasing | State::Done) {
            return Ok(Worked::Nothing);
        }
        let gone: Gone = serde_json::from_str(self.row.result.as_deref().unwrap_or("{}"))
            .map_err(RetentionError::Row)?;
        self.tell().await?;
        self.keys(&gone).await?;
        self.copies().await?;
        match self.row.state {
            State::Erasing => self.end(&gone).await?,
            _ => return Ok(Worked::Nothing),
        }
        Ok(Worked::All(json!({ "erased": gone.records.len() }).to_string()))
    }

    /// Erases in the catalog: the pages without the keys are put first.
    async fn erase(&self) -> Result<(), Stopped> {
        let mut doubted = Doubted::new(self.retention, self.job.job_id, self.owner);
        let Retention { catalog, clock, .. } = self.retention;
        let figures: Figures =
            serde_json::from_str(&self.row.figures).map_err(RetentionError::Row)?;
        for _ in 0..limits::REWRITE_TRIES {
            let found = erasure::carriers(self.retention, &figures.carriers).await?;
            ready::check_erasure(self.retention, &found).await?;
            let seqs: Vec<DeliverySeq> = found.iter().map(|carrier| carrier.seq).collect();
            let read = doubted.read(&seqs).await?;
            if !doubted::is_so(self.retention, &read).await? {
                continue;
            }
            let put = self.put_without(&pages_of(&found)).await?;
            crash::point("erasure.after_pages");
            let mut tx = catalog.write().await?;
            // Under the lock nobody places a hold, and nobody rewrites a page: what is
            // so now counts.
            if erasure::carriers(self.retention, &figures.carriers).await? != found
                || !doubted::is_so(self.retention, &read).await?
            {
                continue;
            }
            erasure::check(self.retention, &found).await?;
            ready::check_epochs(self.retention, &found).await?;
            let now = clock.now();
            if !switch(&mut tx, &put, now).await? {
                continue;
            }
            let gone = gone(&found);
            for (class, epoch) in epochs(&gone) {
                spare::give_up_below(&mut tx, &prefix(class, epoch)).await?;
            }
            purge::remove(&mut tx, &seqs).await?;
            let id = self.row.erasure_id;
            let text = serde_json::to_string(&gone).map_err(RetentionError::Row)?;
            if !rows::begin(&mut tx, id, &gone.records, &text).await? {
                return Ok(());
            }
            let act = act("erasure.erase", id)
                .with(json!({ "erasure": id, "records": gone.records.len() }));
            record_in(&mut tx, now, &self.job.asked_by, &act, Outcome::Begun).await?;
            policy::tell_erasure(&mut tx, now, act.action, id).await?;
            catalog.commit(tx, "erase records").await?;
            crash::point("erasure.after_commit");
            return Ok(());
        }
        Err(RetentionError::NotYet(
            "the message's deliveries or their key pages kept changing; go on in a while".into(),
        )
        .into())
    }

    /// What is erased has to be in the log that everybody sees before its keys go.
    async fn tell(&self) -> Result<(), Stopped> {
        if !self.retention.recorder.told().await? {
            return Err(RetentionError::NotYet(
                "what was decided is not in the bucket yet; see why, and go on then".into(),
            )
            .into());
        }
        Ok(ready::published(self.retention).await?)
    }

    /// Deletes every page that has, or could have, one of the keys.
    async fn keys(&self, gone: &Gone) -> Result<(), Stopped> {
        let catalog = &self.retention.catalog;
        let mut replaced = Replaced::new(self.retention);
        let mut kept = Vec::new();
        let records: BTreeSet<RecordId> = gone.records.iter().copied().collect();
        for segment in &gone.segments {
            self.renew().await?;
            self.again(segment, &records).await?;
        }
        for (class, epoch) in epochs(gone) {
            let mut after = String::new();
            loop {
                // All of them, whenever another node's clock says that they were put.
                let range = (after.as_str(), Timestamp(i64::MAX));
                let pages = spare::going(catalog, &prefix(class, epoch), range, AT_ONCE).await?;
                let Some(last) = pages.last() else { break };
                let next = last.object.clone();
                let mut settled = Vec::new();
                for page in pages {
                    match replaced.destroy(&page.object).await? {
                        // What another may be just putting is looked for again in an hour.
                        None => settled.extend(page.is_settled.then_some(page.object)),
                        Some(why) => kept.push((page.object, why)),
                    }
                }
                crash::point("erasure.after_keys");
                spare::forget(catalog, &settled).await?;
                after = next;
                self.renew().await?;
            }
        }
        match kept.first() {
            None => Ok(()),
            Some((page, why)) => Err(RetentionError::NotYet(format!(
                "{} that the catalog says go stay, {page} among them, because {why}; run \
                 `muniment verify`, and go on when what it names is mended",
                counted(kept.len() as u64, "key page")
            ))
            .into()),
        }
    }

    /// Where a rebuild found the page from before, it is rewritten once more.
    async fn again(
        &self,
        segment: &SegmentOf,
        records: &BTreeSet<RecordId>,
    ) -> Result<(), Stopped> {
        let Retention { catalog, vault, clock, .. } = self.retention;
        for _ in 0..limits::REWRITE_TRIES {
            let Some(page) = rows::page_of(catalog, segment.segment).await? else {
                return Ok(());
            };
            let left = vault.keys_among(&page, records).await?;
            if left.is_empty() {
                return Ok(());
            }
            let put = self.put_without(&Pages::from([(page.name.clone(), (page, left))])).await?;
            let mut tx = catalog.write().await?;
            if switch(&mut tx, &put, clock.now()).await? {
                catalog.commit(tx, "erase keys that came back").await?;
            }
        }
        Err(RetentionError::NotYet("its key page kept changing; go on in a while".into()).into())
    }

    /// Puts each page without some keys; the old one is not touched.
    async fn put_without(&self, pages: &Pages) -> Result<Vec<(Place, Place)>, Stopped> {
        let Retention { catalog, vault, clock, .. } = self.retention;
        let mut put = Vec::with_capacity(pages.len());
        for (old, gone) in pages.values() {
            self.renew().await?;
            let new = vault.page_without(old, gone).await?;
            if !spare::expect(catalog, &new.name, clock.now()).await? {
                return Err(RetentionError::NotYet(
                    "another puts the same key pages; go on in a while".into(),
                )
                .into());
            }
            put.push((old.clone(), vault.put_page(&new).await?));
        }
        Ok(put)
    }

    /// Index, exports and what the catalog's file has of what was deleted in it.
    async fn copies(&self) -> Result<(), Stopped> {
        let mut exports = Bundles::new(&self.retention.work);
        destroy::clear_index(self.retention, &mut exports).await?;
        destroy::expunge_index(self.retention).await?;
        if !self.retention.catalog.forget_deleted().await? {
            return Err(RetentionError::NotYet(
                "the catalog's file could not be cleared of what was deleted, because it is being \
                 read; go on in a while"
                    .into(),
            )
            .into());
        }
        Ok(())
    }

    async fn end(&self, gone: &Gone) -> Result<(), Stopped> {
        let Retention { catalog, clock, recorder, .. } = self.retention;
        let (id, now) = (self.row.erasure_id, clock.now());
        let mut tx = catalog.write().await?;
        rows::end(&mut tx, id, now).await?;
        let act =
            act("erasure.run", id).with(json!({ "erasure": id, "erased": gone.records.len() }));
        record_in(&mut tx, now, &self.job.asked_by, &act, Outcome::Done).await?;
        policy::tell_erasure(&mut tx, now, "erasure.done", id).await?;
        catalog.commit(tx, "end an erasure").await?;
        recorder.ring();
        Ok(())
    }

    async fn renew(&self) -> Result<(), Stopped> {
        renew(self.retention, self.job.job_id, self.owner).await
    }
}

async fn renew(retention: &Retention, job: JobId, owner: &str) -> Result<(), Stopped> {
    let now = retention.catalog.now(&retention.clock).await?;
    match job::renew(&retention.catalog, job, &Lease::from(owner, now), (0, 0)).await? {
        // Half of an erasure is not taken back.
        Renewed::GoOn | Renewed::Cancel => Ok(()),
        Renewed::Lost => Err(Stopped::Lost),
    }
}

/// Gives segments their new pages, if they still have the old ones and the new ones
/// were not given up.
async fn switch(
    tx: &mut WriteTransaction,
    put: &[(Place, Place)],
    now: Timestamp,
) -> Result<bool, Stopped> {
    for (old, new) in put {
        let is_taken = spare::take(tx, &new.name).await?;
        if !is_taken || spare::replace(tx, &old.name, new, now).await? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn pages_of(found: &[Carrier]) -> Pages {
    let mut pages = Pages::new();
    for carrier in found {
        let page = pages.entry(carrier.page.name.clone());
        page.or_insert_with(|| (carrier.page.clone(), BTreeSet::new())).1.insert(carrier.record);
    }
    pages
}

fn gone(found: &[Carrier]) -> Gone {
    let segments: BTreeSet<SegmentOf> = found
        .iter()
        .map(|carrier| SegmentOf {
            class: carrier.class.clone(),
            epoch: carrier.epoch.clone(),
            segment: carrier.segment,
        })
        .collect();
    Gone {
        records: found.iter().map(|carrier| carrier.record).collect(),
        bytes: found.iter().map(|carrier| carrier.size_bytes).sum(),
        segments: segments.into_iter().collect(),
    }
}

fn epochs(gone: &Gone) -> BTreeSet<(&str, &str)> {
    gone.segments.iter().map(|it| (it.class.as_str(), it.epoch.as_str())).collect()
}

fn prefix(class: &str, epoch: &str) -> String {
    format!("key/{class}/{epoch}")
}

//! Before records are destroyed, what holds are decided by is read from the records
//! again, and compared with the catalog under the lock of the commit that destroys them.
//! Where a row was taken away, a hold would not see what it covers.

use std::sync::Arc;

use super::destroy::Stopped;
use super::{Retention, RetentionError};
use crate::base::ids::{DeliverySeq, JobId};
use crate::catalog::epoch::{self, SegmentOf};
use crate::catalog::erasure::{self, Erased};
use crate::catalog::job::{self, Lease, Renewed};
use crate::catalog::leaf;
use crate::ingest::adopt::read_name;
use crate::ingest::follow::doubt::{self, Compared, Doubter, Read};
use crate::vault::VaultError;
use crate::vault::bucket::BucketError;

/// Deliveries read between two renewals of the lease.
const AT_ONCE: usize = 50;

pub(super) struct Doubted<'a> {
    retention: &'a Retention,
    doubter: Doubter,
    job: JobId,
    owner: &'a str,
}

impl<'a> Doubted<'a> {
    pub fn new(retention: &'a Retention, job: JobId, owner: &'a str) -> Self {
        let Retention { vault, catalog, clock, workers, .. } = retention;
        let pool = Arc::clone(workers);
        let doubter = Doubter::new(vault.clone(), catalog.clone(), clock.clone(), pool);
        Self { retention, doubter, job, owner }
    }

    /// Reads these deliveries, and all others of the same messages.
    pub async fn read(&mut self, seqs: &[DeliverySeq]) -> Result<Read, Stopped> {
        let mut read = Read::default();
        let mut seqs = seqs.to_vec();
        while !seqs.is_empty() {
            for seqs in seqs.chunks(AT_ONCE) {
                self.doubter.read(seqs, &mut read).await?;
                self.renew().await?;
            }
            let before = seqs;
            seqs = self.doubter.others(&read).await?;
            // One that is not there any more is not asked for again.
            seqs.retain(|seq| !before.contains(seq));
        }
        Ok(read)
    }

    async fn renew(&self) -> Result<(), Stopped> {
        let Retention { catalog, clock, .. } = self.retention;
        let now = catalog.now(clock).await?;
        match job::touch(catalog, self.job, &Lease::from(self.owner, now)).await? {
            // Half of a destruction is not taken back.
            Renewed::GoOn | Renewed::Cancel => Ok(()),
            Renewed::Lost => Err(Stopped::Lost),
        }
    }
}

/// Whether the rows are still what was read; false where another delivery of the same
/// messages came meanwhile.
///
/// # Errors
/// Where they are not what the records say: nothing is destroyed by them.
pub(super) async fn is_so(retention: &Retention, read: &Read) -> Result<bool, RetentionError> {
    match doubt::compare(&retention.catalog, read).await? {
        Compared::Same => Ok(true),
        Compared::More => Ok(false),
        Compared::Differs(record, what) => Err(RetentionError::NotYet(format!(
            "the catalog does not say of record {record} what the record itself says ({what}), so \
             what holds cover is not known, and nothing more is destroyed; run `muniment verify`, \
             put the catalog right or make it again with `muniment rebuild`, and go on then"
        ))),
    }
}

/// A record with a key in its page has its row, or is erased.
pub(super) async fn check_rows(
    retention: &Retention,
    segment: &SegmentOf,
) -> Result<(), RetentionError> {
    let Retention { catalog, vault, .. } = retention;
    let open = vault.open_segment(&segment.object, &segment.page).await?;
    for entry in open.entries() {
        let is_known = segment.deliveries.iter().any(|(_, record)| *record == entry.record);
        if !is_known
            && open.has_key(entry.record)
            && erasure::is_erased(catalog, entry.record).await? == Erased::No
        {
            return Err(lost(&format!("record {}", entry.record)));
        }
    }
    Ok(())
}

/// What the bucket has of the epoch and the log speaks of is in the catalog: asked
/// before anything of it is destroyed, and after earlier dispositions swept it.
pub(super) async fn check_segments(
    retention: &Retention,
    class: &str,
    epoch: &str,
) -> Result<(), RetentionError> {
    let Retention { catalog, vault, .. } = retention;
    for name in vault.bucket().list(&format!("seg/{class}/{epoch}/")).await? {
        let Some(named) = read_name(&name) else { continue };
        if epoch::segment(catalog, named.segment).await?.is_some() {
            continue;
        }
        let read = match vault.read_segment(&vault.bucket().find(&name).await?).await {
            Ok(read) => read,
            Err(VaultError::Damaged { .. }) => continue,
            Err(VaultError::Bucket(BucketError::Missing(_))) => continue,
            Err(error) => return Err(error.into()),
        };
        for entry in &read.entries {
            if leaf::of_record(catalog, entry.record).await?.is_some() {
                return Err(lost(&format!("{name} and record {} in it", entry.record)));
            }
        }
    }
    Ok(())
}

fn lost(what: &str) -> RetentionError {
    RetentionError::NotYet(format!(
        "the bucket has {what}, and the catalog has no row of it, so what holds cover is not known, \
         and nothing more is destroyed; run `muniment verify`, make the catalog again with \
         `muniment rebuild`, and go on then"
    ))
}

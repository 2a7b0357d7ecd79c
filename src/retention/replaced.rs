//! Key pages that rewrites replaced: what must be so before one is deleted.
//!
//! That a row of the catalog says that a page goes is not enough, since who changes the
//! catalog could have any page deleted so. The pages themselves are read: no segment has
//! it, and each key in it is in the page that its segment has, or is of a record that a
//! statement in the log says was erased. So no page goes that has a record's only key,
//! whether a hold covers the record or not.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::erasure::Gone;
use super::{Retention, RetentionError};
use crate::base::clock::Timestamp;
use crate::base::ids::{RecordId, SegmentId};
use crate::catalog::{erasure, spare};
use crate::ingest::adopt::read_name;
use crate::policy::evidence;
use crate::vault::VaultError;
use crate::vault::bucket::{BucketError, Place};
use crate::vault::keyring::KeyringError;
use crate::vault::segment::Header;

/// From here to the end of time.
const EVER: (Timestamp, Timestamp) = (Timestamp(i64::MIN), Timestamp(i64::MAX));

/// Deletes replaced pages; remembers what it has read of the bucket.
pub(super) struct Replaced<'a> {
    retention: &'a Retention,
    /// What statements say was erased; none before it was asked for.
    erased: Option<BTreeSet<RecordId>>,
    /// Segments that the bucket has, by class and month.
    segments: HashMap<(String, String), HashSet<SegmentId>>,
    /// Pages that were seen to be in the bucket.
    there: HashSet<String>,
}

impl<'a> Replaced<'a> {
    pub fn new(retention: &'a Retention) -> Self {
        let (segments, there) = (HashMap::new(), HashSet::new());
        Self { retention, erased: None, segments, there }
    }

    /// Deletes the page, or says why it stays.
    pub async fn destroy(&mut self, name: &str) -> Result<Option<String>, RetentionError> {
        let why = self.why_kept(name).await?;
        if why.is_none() {
            self.retention.vault.destroy_page(name).await?;
        }
        Ok(why)
    }

    async fn why_kept(&mut self, name: &str) -> Result<Option<String>, RetentionError> {
        let Retention { catalog, vault, .. } = self.retention;
        if spare::is_live(catalog, name).await? {
            return Ok(Some("a segment has it as its key page".into()));
        }
        let place = match vault.bucket().find(name).await {
            Ok(place) => place,
            Err(BucketError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let headers = match vault.page_headers(&place).await {
            Ok(headers) => headers,
            Err(VaultError::Bucket(BucketError::Missing(_))) => return Ok(None),
            Err(VaultError::Damaged { what, .. }) => return Ok(Some(what.to_owned())),
            Err(error) => return Err(error.into()),
        };
        let mut current = HashMap::new();
        for header in headers {
            match erasure::page_of(catalog, header.segment).await? {
                Some(page) => drop(current.insert(header.segment, page)),
                // A disposition destroyed it.
                None if !self.is_in_bucket(&header).await? => {}
                None => {
                    let segment = header.segment;
                    return Ok(Some(format!(
                        "the bucket has its segment {segment}, and the catalog has no row of it"
                    )));
                }
            }
        }
        if current.is_empty() {
            return Ok(None);
        }
        let pages = match vault.records_by_segment(&place).await {
            Ok(pages) => pages,
            Err(VaultError::Bucket(BucketError::Missing(_))) => return Ok(None),
            Err(error) if is_closed(&error) => return Ok(Some(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        for (header, records) in pages {
            let Some(page) = current.get(&header.segment) else { continue };
            if let Some(why) = self.why_needed(&header, &records, page).await? {
                return Ok(Some(why));
            }
        }
        Ok(None)
    }

    /// Why the keys of these records must stay, where `page` is the segment's.
    async fn why_needed(
        &mut self,
        header: &Header,
        records: &BTreeSet<RecordId>,
        page: &Place,
    ) -> Result<Option<String>, RetentionError> {
        let vault = &self.retention.vault;
        if !self.there.contains(&page.name) {
            match vault.bucket().size(page).await {
                Ok(_) => drop(self.there.insert(page.name.clone())),
                Err(BucketError::Missing(_)) => {
                    return Ok(Some(format!("{page}, which replaced it, is not in the bucket")));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let mut left: BTreeSet<RecordId> = match vault.records_in_page(header, page).await {
            Ok(there) => records.difference(&there).copied().collect(),
            Err(error) if is_closed(&error) => {
                return Ok(Some(format!("{page}, which replaced it, cannot be read: {error}")));
            }
            Err(error) => return Err(error.into()),
        };
        if !left.is_empty() {
            let erased = self.erased().await?;
            left.retain(|record| !erased.contains(record));
        }
        Ok(left.first().map(|record| {
            format!(
                "it has the key of record {record}, which {page} has not, and no statement in \
                     the log says that it was erased"
            )
        }))
    }

    /// What the log says was erased.
    async fn erased(&mut self) -> Result<&BTreeSet<RecordId>, RetentionError> {
        if self.erased.is_none() {
            let Retention { catalog, vault, .. } = self.retention;
            let mut erased = BTreeSet::new();
            for told in evidence::told(vault, catalog, &["erasure.erase"], EVER).await? {
                for row in told.rows("erasure") {
                    if let Some(result) = row.text("result") {
                        erased.extend(serde_json::from_str::<Gone>(result)?.records);
                    }
                }
            }
            self.erased = Some(erased);
        }
        Ok(self.erased.get_or_insert_default())
    }

    async fn is_in_bucket(&mut self, header: &Header) -> Result<bool, RetentionError> {
        let epoch = (header.class.clone(), header.epoch.clone());
        if !self.segments.contains_key(&epoch) {
            let prefix = format!("seg/{}/{}/", header.class, header.epoch);
            let names = self.retention.vault.bucket().list(&prefix).await?;
            let found = names.iter().filter_map(|name| Some(read_name(name)?.segment)).collect();
            self.segments.insert(epoch.clone(), found);
        }
        Ok(self.segments.get(&epoch).is_some_and(|found| found.contains(&header.segment)))
    }
}

/// Whether it cannot be opened, rather than that the bucket is away.
fn is_closed(error: &VaultError) -> bool {
    let is_missing = match error {
        VaultError::Bucket(error) | VaultError::Keyring(KeyringError::Bucket(error)) => {
            matches!(error, BucketError::Missing(_))
        }
        _ => false,
    };
    is_missing || error.is_closed()
}

//! What is in the bucket: every object hidden, shadowed and locked as it should be,
//! and known to the catalog, or what a crash leaves.

use std::collections::HashSet;

use super::finding::{
    DELETE_MARKER, KEY_MISSING, LOCK_MISSING, LOCK_SHORT, LOCK_WEAK, SEGMENT_ROW_MISSING,
    SHADOW_VERSION, note,
};
use super::segment::segment_object;
use super::{ScrubError, Work};
use crate::base::clock::Timestamp;
use crate::base::config::POLICY;
use crate::base::ids::{RecordId, SegmentId};
use crate::base::limits::SCRUB_GRACE_SECONDS;
use crate::catalog::doubt;
use crate::ingest::adopt::{Named, read_name};
use crate::ingest::rebuild::Progress;
use crate::vault::VaultError;
use crate::vault::bucket::{BucketError, Place, Seen};
use crate::vault::keyring::epoch_object;
use crate::vault::retention::Mode;
use crate::vault::segment::HELD;

const PREFIXES: [&str; 5] = ["key", "keyring", "log", "policy", "seg"];
/// A clock that was behind at the turn of a month made a lock shorter by a month.
const CLOCKS_APART_SECONDS: i64 = 24 * 3600;

impl<P: Progress> Work<'_, P> {
    pub(super) async fn objects(&mut self) -> Result<(), ScrubError> {
        let bucket = self.on.vault.bucket().clone();
        let keys: HashSet<String> = bucket.list("keyring").await?.into_iter().collect();
        let segments: HashSet<SegmentId> = bucket
            .list("seg")
            .await?
            .iter()
            .filter_map(|it| Some(read_name(it)?.segment))
            .collect();
        let mut missing = HashSet::new();
        for prefix in PREFIXES {
            if self.row.position.split('/').next().is_some_and(|done| done > prefix) {
                continue;
            }
            let listed = bucket.look(prefix).await?;
            let total = listed.len() as u64;
            for (done, seen) in (1..).zip(&listed) {
                let mut parts = seen.name.split('/');
                let (_, class, epoch) = (parts.next(), parts.next(), parts.next());
                let key = match (prefix, class, epoch) {
                    ("seg", Some(class), Some(epoch)) => Some(epoch_object(class, epoch)),
                    ("policy", Some(month), Some(_)) => Some(epoch_object(POLICY, month)),
                    _ => None,
                };
                if seen.name <= self.row.position {
                    continue;
                }
                self.state.counts.objects += 1;
                self.versions(seen).await?;
                let is_known = match prefix {
                    "seg" => self.segment_object(seen).await?,
                    "policy" => self.statement_object(seen).await?,
                    "key" => {
                        self.page_object(seen, &segments).await?;
                        false
                    }
                    _ => false,
                };
                // What lies under no key of ours says nothing of which there should be.
                let key = key.filter(|key| is_known && !keys.contains(key));
                if let Some(key) = key
                    && !self.has_held_page(&seen.name).await?
                {
                    missing.insert(key);
                }
                self.at(done, total).await?;
                if done % 100 == 0 {
                    self.done(&seen.name).await?;
                }
            }
        }
        for key in missing {
            self.key_fault(KEY_MISSING, &key, "it is not in the bucket").await?;
        }
        Ok(())
    }

    /// Whether the object is a segment of which a disposition kept a part: its page is
    /// under another key.
    async fn has_held_page(&self, name: &str) -> Result<bool, ScrubError> {
        let Some(named) = read_name(name) else { return Ok(false) };
        let row = doubt::segment(&self.on.catalog, named.segment).await?;
        Ok(row.is_some_and(|row| row.page.name.ends_with(HELD)))
    }

    fn is_young(&self, at: Timestamp) -> bool {
        at.plus_seconds(SCRUB_GRACE_SECONDS) > self.on.clock.now()
    }

    /// Markers, other versions, and the lock of the one that counts.
    async fn versions(&mut self, seen: &Seen) -> Result<(), ScrubError> {
        if seen.is_hidden {
            let what = "a marker of deletion lies on it; remove the marker's version";
            self.fault(DELETE_MARKER, &seen.name, what, &[]);
        }
        let bucket = self.on.vault.bucket().clone();
        let Some(first) = seen.versions.first() else { return Ok(()) };
        let mut place = seen.first();
        let mut put_at = first.put_at;
        if seen.versions.len() > 1 {
            place = bucket.find(&seen.name).await?;
            let sha256 = self.on.vault.sha256(&place).await?;
            for version in &seen.versions {
                if Some(&version.id) == place.version.as_ref() {
                    put_at = version.put_at;
                    continue;
                }
                let version = Some(version.id.clone());
                let other = Place { name: seen.name.clone(), version };
                match self.on.vault.sha256(&other).await? == sha256 {
                    true => {
                        let what = "there is another version with the same bytes";
                        self.note(note::DUPLICATE_VERSION, &seen.name, what);
                    }
                    false => {
                        let what =
                            "other bytes were put under its name; the first are the archive's";
                        self.fault(SHADOW_VERSION, &seen.name, what, &[]);
                    }
                }
            }
        }
        // What comes in parts is locked when it is complete.
        if self.is_young(put_at) {
            return Ok(());
        }
        let asked = put_at.plus_seconds(-CLOCKS_APART_SECONDS);
        let wanted = bucket.lock_of(&seen.name, asked).await?;
        let Some(wanted) = wanted.filter(|lock| lock.until > self.on.clock.now()) else {
            return Ok(());
        };
        let (kind, what) = match bucket.retention(&place).await? {
            None => (LOCK_MISSING, "nothing keeps it from being deleted".to_owned()),
            Some(found) if found.until < wanted.until => (
                LOCK_SHORT,
                format!(
                    "it is locked until {}, and should be until {}",
                    found.date(),
                    wanted.date()
                ),
            ),
            Some(found) if wanted.mode == Mode::Compliance && found.mode != wanted.mode => {
                (LOCK_WEAK, "who may bypass governance can delete it".to_owned())
            }
            Some(_) => return Ok(()),
        };
        self.fault(kind, &seen.name, what, &[]);
        Ok(())
    }

    /// Whether the catalog knows it.
    async fn segment_object(&mut self, seen: &Seen) -> Result<bool, ScrubError> {
        let Some(Named { segment, page, .. }) = read_name(&seen.name) else {
            self.stray(&seen.name, "no segment is called so");
            return Ok(false);
        };
        if let Some(row) = doubt::segment(&self.on.catalog, segment).await? {
            let hash = seen.name.rsplit_once('-').map(|(_, tail)| tail.trim_end_matches(".seg"));
            // Where the row is at odds with itself, it is named for that.
            if row.object.name != seen.name && hash != Some(&*hex(&row.sha256)) {
                let own = format!("-{}.seg", hex(&row.sha256));
                if row.object.name.ends_with(&own) {
                    self.stray(&seen.name, "the catalog has another object of this segment");
                }
            }
            return Ok(true);
        }
        if self.is_young(segment.created_at()) {
            return Ok(false);
        }
        let place = self.on.vault.bucket().find(&seen.name).await?;
        let read = match self.on.vault.read_segment(&place).await {
            Ok(read) => read,
            Err(VaultError::Damaged { what, .. }) => {
                self.stray(&seen.name, what);
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        self.read(read.size_bytes).await;
        let sha256 = match read.sha256() {
            Some(sha256) => sha256,
            None => self.on.vault.sha256(&place).await?,
        };
        if read.header.segment != segment || read.header.object_name(&sha256) != seen.name {
            self.stray(&seen.name, "its contents are not what its name says");
            return Ok(false);
        }
        let mut logged: Vec<RecordId> = Vec::new();
        for entry in &read.entries {
            if doubt::leaf_of(&self.on.catalog, entry.record).await?.is_some() {
                logged.push(entry.record);
            }
        }
        if !logged.is_empty() {
            let what = "the log has its records, and the catalog has no row of it";
            self.fault(SEGMENT_ROW_MISSING, segment_object(segment), what, &logged);
            return Ok(false);
        }
        match self.on.vault.bucket().find(&page).await {
            Err(BucketError::Missing(_)) => {
                let what = "it has no key page: nobody was told that it was kept";
                self.note(note::SEGMENT_UNACKNOWLEDGED, &seen.name, what);
            }
            _ if self
                .on
                .vault
                .bucket()
                .size(&Place { name: page, version: None })
                .await
                .is_err() =>
            {
                let what = "it has no key page: nobody was told that it was kept";
                self.note(note::SEGMENT_UNACKNOWLEDGED, &seen.name, what);
            }
            _ => {
                let what = "a stop came before its commit; the next start takes it over";
                self.note(note::SEGMENT_ORPHAN, &seen.name, what);
            }
        }
        Ok(false)
    }

    async fn page_object(
        &mut self,
        seen: &Seen,
        segments: &HashSet<SegmentId>,
    ) -> Result<(), ScrubError> {
        let file = seen.name.rsplit('/').next().unwrap_or_default();
        let held = file.strip_suffix(HELD).and_then(|file| file.split_once('-'));
        let file = file.strip_suffix(".page").or(held.map(|(segment, _)| segment));
        let Some(id) = file.and_then(|file| file.parse::<SegmentId>().ok()) else {
            self.stray(&seen.name, "no key page is called so");
            return Ok(());
        };
        if self.is_young(id.created_at()) {
            return Ok(());
        }
        // With its segment it is checked there.
        let is_of_row = match doubt::segment(&self.on.catalog, id).await? {
            Some(row) => row.page.name == seen.name,
            None => false,
        };
        if is_of_row {
            return Ok(());
        }
        match self.on.vault.page_header(&seen.first()).await {
            Ok(header) if header.is_page_name(&seen.name) => {
                if !segments.contains(&id) {
                    let what = "a stop came before its segment was put; it opens nothing";
                    self.note(note::PAGE_ALONE, &seen.name, what);
                }
            }
            Ok(_) => self.stray(&seen.name, "it belongs to another segment"),
            Err(VaultError::Damaged { what, .. }) => self.stray(&seen.name, what),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Whether the catalog knows it.
    async fn statement_object(&mut self, seen: &Seen) -> Result<bool, ScrubError> {
        if doubt::is_statement(&self.on.catalog, &seen.name).await? {
            return Ok(true);
        }
        let error = match self.on.vault.open_statement(&seen.name).await {
            Ok(opened) if self.is_young(opened.head.at) => return Ok(false),
            Ok(_) => {
                let what = "no leaf speaks of it: it was sealed again after a stop";
                self.note(note::STATEMENT_ALONE, &seen.name, what);
                return Ok(false);
            }
            Err(error) => error,
        };
        match error {
            VaultError::Damaged { what, .. } => self.stray(&seen.name, what),
            // The key's own fault.
            VaultError::Keyring(_) => {}
            error => return Err(error.into()),
        }
        Ok(false)
    }
}

fn hex(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

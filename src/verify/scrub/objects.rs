//! What is in the bucket: every object hidden, shadowed and locked as it should be,
//! and known to the catalog, or what a crash leaves.

use std::collections::HashSet;

use super::finding::{
    DELETE_MARKER, DICTIONARY_DAMAGED, DICTIONARY_MISSING, KEY_MISSING, KEY_NOT_ERASED,
    LOCK_MISSING, LOCK_SHORT, LOCK_WEAK, SEGMENT_ROW_MISSING, SHADOW_VERSION, note,
};
use super::segment::segment_object;
use super::{ScrubError, Work};
use crate::base::clock::Timestamp;
use crate::base::config::POLICY;
use crate::base::ids::{RecordId, SegmentId};
use crate::base::limits::SCRUB_GRACE_SECONDS;
use crate::catalog::doubt;
use crate::catalog::erasure::{self, Erased};
use crate::catalog::roll::{self, RollRow};
use crate::catalog::spare;
use crate::ingest::adopt::{Named, read_name};
use crate::ingest::rebuild::Progress;
use crate::vault::bucket::{BucketError, Place, Seen};
use crate::vault::keyring::epoch_object;
use crate::vault::pack::{self, Dictionary};
use crate::vault::retention::{Lock, Mode, rolls};
use crate::vault::segment::{HELD, LEFT, MANY, PAGES};
use crate::vault::{DIRECTORIES, VaultError};

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
        for prefix in DIRECTORIES {
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
                    pack::PREFIX => {
                        if !Dictionary::ALL.iter().any(|it| it.object_name() == seen.name) {
                            self.stray(&seen.name, "no dictionary is called so");
                        }
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
        self.dictionaries().await?;
        self.going().await?;
        self.flags().await?;
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

    /// This program has its own; whoever reads the bucket without it needs these.
    async fn dictionaries(&mut self) -> Result<(), ScrubError> {
        let bucket = self.on.vault.bucket().clone();
        for dictionary in Dictionary::ALL {
            let name = dictionary.object_name();
            match bucket.get(&name).await {
                Ok(bytes) if bytes == dictionary.bytes() => {}
                Ok(_) => {
                    let what =
                        "it is not the published one; the program reads records with its own";
                    self.fault(DICTIONARY_DAMAGED, &name, what, &[]);
                }
                Err(BucketError::Missing(_)) => {
                    let what = "it is not in the bucket; the next start puts it there again";
                    self.fault(DICTIONARY_MISSING, &name, what, &[]);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
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
        let lock = bucket.retention(&place).await?;
        let (kind, what) = match lock {
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
        if let Some(lock) = lock
            && self.is_to_be_longer(&seen.name, &lock).await?
        {
            self.note(note::LOCK_TO_BE_LONGER, &seen.name, &what);
            return Ok(());
        }
        self.fault(kind, &seen.name, what, &[]);
        Ok(())
    }

    /// Whether the lock of an object is known to be too short, and being seen to.
    async fn is_to_be_longer(&self, name: &str, lock: &Lock) -> Result<bool, ScrubError> {
        let mut parts = name.split('/');
        let root = parts.next().unwrap_or_default();
        let unit = match rolls(name) {
            true => root.to_owned(),
            false => {
                let mut parts = parts.skip(usize::from(root == "keyring"));
                roll::unit_of(parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
        };
        let row = roll::find(&self.on.catalog, &unit).await?;
        // Of what was never looked at, nothing is known.
        let is_known = |row: RollRow| row.ends_at > Timestamp(0) && lock.until >= row.ends_at;
        Ok(row.filter(|row| row.target.is_some()).is_some_and(is_known))
    }

    /// Whether the catalog knows it.
    async fn segment_object(&mut self, seen: &Seen) -> Result<bool, ScrubError> {
        let Some(Named { segment, page, .. }) = read_name(&seen.name) else {
            self.stray(&seen.name, "no segment is called so");
            return Ok(false);
        };
        if let Some(row) = doubt::segment(&self.on.catalog, segment).await? {
            // Where the row names an object of another segment, it is named for that.
            let is_own = read_name(&row.object.name).is_some_and(|it| it.segment == segment);
            if is_own && row.object.name != seen.name {
                self.stray(&seen.name, "the catalog has another object of this segment");
                return Ok(false);
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
        if file.starts_with(MANY) && file.ends_with(PAGES) {
            return self.pages_object(seen).await;
        }
        let rewritten = file.strip_suffix(HELD).or(file.strip_suffix(LEFT));
        let rewritten = rewritten.and_then(|file| file.split_once('-'));
        let file = file.strip_suffix(".page").or(rewritten.map(|(segment, _)| segment));
        let Some(id) = file.and_then(|file| file.parse::<SegmentId>().ok()) else {
            self.stray(&seen.name, "no key page is called so");
            return Ok(());
        };
        // With its segment it is checked there.
        let is_of_row = match doubt::segment(&self.on.catalog, id).await? {
            Some(row) => row.page.name == seen.name,
            None => false,
        };
        if is_of_row || self.has_erased_keys(seen).await? || self.is_young(id.created_at()) {
            return Ok(());
        }
        match self.on.vault.page_headers(&seen.first()).await {
            Ok(headers) if headers.iter().all(|header| header.is_page_name(&seen.name)) => {
                if !segments.contains(&id) {
                    let what = "a stop came before its segment was put; it opens nothing";
                    self.note(note::PAGE_ALONE, &seen.name, what);
                }
            }
            Ok(_) => self.stray(&seen.name, "it belongs to another segment"),
            Err(VaultError::Damaged { what, .. }) => self.stray(&seen.name, what),
            // An erasure rewrote it since it was listed.
            Err(VaultError::Bucket(BucketError::Missing(_))) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Whether a page that no segment has, and that does not go either, has keys of what
    /// was erased: somebody put it back.
    async fn has_erased_keys(&mut self, seen: &Seen) -> Result<bool, ScrubError> {
        if doubt::is_spare(&self.on.catalog, &seen.name).await? {
            return Ok(false);
        }
        // What does not open has no keys to give.
        let Ok(pages) = self.on.vault.records_by_segment(&seen.first()).await else {
            return Ok(false);
        };
        let mut erased = Vec::new();
        for record in pages.into_iter().flat_map(|(_, records)| records) {
            if erasure::is_erased(&self.on.catalog, record).await? == Erased::Done {
                erased.push(record);
            }
        }
        if !erased.is_empty() {
            let what = "it has keys of what was erased, and no segment has it: somebody put it \
                        back; go on with the erasure after a `muniment rebuild`, or delete it";
            self.fault(KEY_NOT_ERASED, &seen.name, what, &erased);
        }
        Ok(!erased.is_empty())
    }

    /// An object with many pages: each is checked with its segment.
    async fn pages_object(&mut self, seen: &Seen) -> Result<(), ScrubError> {
        if spare::is_live(&self.on.catalog, &seen.name).await? {
            return Ok(());
        }
        if self.has_erased_keys(seen).await? {
            return Ok(());
        }
        match self.on.vault.page_headers(&seen.first()).await {
            Ok(headers) if headers.iter().all(|header| header.is_page_name(&seen.name)) => {}
            Ok(_) => self.stray(&seen.name, "it has pages of another month"),
            Err(VaultError::Damaged { what, .. }) => self.stray(&seen.name, what),
            // Rewritten meanwhile.
            Err(VaultError::Bucket(BucketError::Missing(_))) => {}
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

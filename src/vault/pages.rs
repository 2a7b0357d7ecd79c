//! Page objects: the key page of one segment, or those of many in one object; and
//! their rewriting, which is how keys of single records go. Layout in `FORMAT.md`.
//!
//! # Invariant
//! A page that is rewritten keeps the key that it is sealed under, and holds no key
//! that the one before it did not hold.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};

use super::bucket::Place;
use super::keyring::{HOLD, VERSION};
use super::keys::Key;
use super::page::{self, Sealed, Under};
use super::part::Namer;
use super::segment::{Header, MANY, PAGES};
use super::wire::Reader;
use super::{Vault, VaultError};
use crate::base::hash::Digest;
use crate::base::ids::RecordId;
use crate::base::limits::PAGES_READ_AT_ONCE;

const MAGIC: &[u8; 8] = b"MUNPGS\x00\x01";

/// The last object with many pages that was read: its segments are read one after
/// the other.
#[derive(Default)]
pub(super) struct LastRead(Mutex<Option<(Place, Bytes)>>);

/// A page object that is about to be put.
pub struct NewPage {
    pub name: String,
    bytes: Bytes,
    is_held: bool,
}

impl Vault {
    /// The keys of a segment's records that its page holds.
    pub(super) async fn page_keys(
        &self,
        header: &Header,
        place: &Place,
    ) -> Result<HashMap<RecordId, Key>, VaultError> {
        Ok(self.page_keys_and_names(header, place).await?.0)
    }

    /// With what calls parts, where the page is under the epoch's key.
    pub(super) async fn page_keys_and_names(
        &self,
        header: &Header,
        place: &Place,
    ) -> Result<(HashMap<RecordId, Key>, Option<Namer>), VaultError> {
        let damaged = |what| VaultError::Damaged { object: place.name.clone(), what };
        let bytes = self.page_object(place).await?;
        let pages = split(&bytes).ok_or_else(|| damaged("it is no key page"))?;
        let is_alone = pages.len() == 1;
        let own = pages.into_iter().find(|page| page.header == *header);
        let sealed = own.ok_or_else(|| {
            damaged(match is_alone {
                true => "it belongs to another segment",
                false => "it has no page of the segment",
            })
        })?;
        let keys = self.open_page(&sealed, place).await?;
        let namer = match sealed.under {
            Under::Epoch => Some(Namer::new(&self.key_above(&sealed).await?)),
            Under::Hold => None,
        };
        Ok((keys.into_iter().collect(), namer))
    }

    /// Of which segments an object has the pages, as they say in the clear.
    pub async fn page_headers(&self, place: &Place) -> Result<Vec<Header>, VaultError> {
        let damaged = |what| VaultError::Damaged { object: place.name.clone(), what };
        let bytes = self.page_object(place).await?;
        let pages = split(&bytes).ok_or_else(|| damaged("it is no key page"))?;
        let headers: Vec<Header> = pages.into_iter().map(|page| page.header).collect();
        match headers.iter().all(|header| header.archive == self.archive()) {
            true => Ok(headers),
            false => Err(damaged("it belongs to another archive")),
        }
    }

    /// Of which segments an object has the pages, each with the records whose keys it
    /// holds.
    pub async fn records_by_segment(
        &self,
        place: &Place,
    ) -> Result<Vec<(Header, BTreeSet<RecordId>)>, VaultError> {
        let damaged = |what| VaultError::Damaged { object: place.name.clone(), what };
        let bytes = self.page_object(place).await?;
        let mut found = Vec::new();
        for sealed in split(&bytes).ok_or_else(|| damaged("it is no key page"))? {
            let keys = self.open_page(&sealed, place).await?;
            let records = keys.into_iter().map(|(record, _)| record).collect();
            found.push((sealed.header, records));
        }
        Ok(found)
    }

    /// The records whose keys the page of a segment holds.
    pub async fn records_in_page(
        &self,
        header: &Header,
        place: &Place,
    ) -> Result<BTreeSet<RecordId>, VaultError> {
        Ok(self.page_keys(header, place).await?.into_keys().collect())
    }

    /// Which of `records` have their keys in an object.
    pub async fn keys_among(
        &self,
        place: &Place,
        records: &BTreeSet<RecordId>,
    ) -> Result<BTreeSet<RecordId>, VaultError> {
        let damaged = |what| VaultError::Damaged { object: place.name.clone(), what };
        let bytes = self.page_object(place).await?;
        let mut found = BTreeSet::new();
        for sealed in split(&bytes).ok_or_else(|| damaged("it is no key page"))? {
            let keys = self.open_page(&sealed, place).await?;
            found.extend(keys.into_iter().map(|(record, _)| record));
        }
        found.retain(|record| records.contains(record));
        Ok(found)
    }

    /// The object again without the keys of `gone`; [`Self::put_page`] puts it.
    pub async fn page_without(
        &self,
        place: &Place,
        gone: &BTreeSet<RecordId>,
    ) -> Result<NewPage, VaultError> {
        let damaged = |what| VaultError::Damaged { object: place.name.clone(), what };
        let bytes = self.page_object(place).await?;
        let pages = split(&bytes).ok_or_else(|| damaged("it is no key page"))?;
        let mut again: Vec<Vec<u8>> = Vec::with_capacity(pages.len());
        for sealed in &pages {
            let mut keys = self.open_page(sealed, place).await?;
            let before = keys.len();
            keys.retain(|(record, _)| !gone.contains(record));
            again.push(match keys.len() == before {
                true => sealed.whole.to_vec(),
                false => {
                    let above = self.key_above(sealed).await?;
                    page::seal(sealed.under, &sealed.header, VERSION, &above, &keys)
                }
            });
        }
        let is_held = self.bucket().is_held(place).await?;
        let first = pages.first().ok_or_else(|| damaged("it holds no page"))?;
        let header = &first.header;
        let is_many = place.name.ends_with(PAGES);
        Ok(match is_many {
            true => many(header, &again, is_held),
            false => {
                let bytes = again.swap_remove(0);
                let sha256 = Digest::of(&bytes);
                let name = match first.under {
                    Under::Epoch => header.left_page_name(&sha256),
                    Under::Hold => header.held_page_name(&sha256),
                };
                NewPage { name, bytes: bytes.into(), is_held }
            }
        })
    }

    /// The pages of several objects of one epoch in one object, as they are; `is_held`
    /// says whether one of them has the flag of a hold.
    pub async fn pages_together(
        &self,
        places: &[Place],
        is_held: bool,
    ) -> Result<NewPage, VaultError> {
        let read = futures::stream::iter(places.to_vec()).map(|place| {
            let vault = self.clone();
            async move { vault.page_object(&place).await.map(|bytes| (place, bytes)) }
        });
        let objects: Vec<(Place, Bytes)> = read.buffered(PAGES_READ_AT_ONCE).try_collect().await?;
        let (mut pages, mut first) = (Vec::new(), None);
        for (place, bytes) in &objects {
            let damaged = |what| VaultError::Damaged { object: place.name.clone(), what };
            for sealed in split(bytes).ok_or_else(|| damaged("it is no key page"))? {
                let header = first.get_or_insert_with(|| sealed.header.clone());
                if (&header.class, &header.epoch) != (&sealed.header.class, &sealed.header.epoch) {
                    return Err(damaged("it is of another epoch than its neighbours"));
                }
                pages.push(sealed.whole.to_vec());
            }
        }
        let nothing = || VaultError::Damaged { object: "no key page".into(), what: "nothing" };
        Ok(many(&first.ok_or_else(nothing)?, &pages, is_held))
    }

    /// Puts a page, with the flag of a hold where one that it comes from has it.
    pub async fn put_page(&self, new: &NewPage) -> Result<Place, VaultError> {
        let place = self.bucket().put_new(&new.name, new.bytes.clone()).await?;
        if new.is_held {
            self.bucket().set_held(&place, true).await?;
        }
        Ok(place)
    }

    async fn open_page(
        &self,
        sealed: &Sealed<'_>,
        place: &Place,
    ) -> Result<Vec<(RecordId, Key)>, VaultError> {
        if sealed.keyring_version != VERSION {
            let what = "its keyring version is not known to this program";
            return Err(VaultError::Damaged { object: place.name.clone(), what });
        }
        let above = self.key_above(sealed).await?;
        sealed.open(&above).map_err(|_| VaultError::Damaged {
            object: place.name.clone(),
            what: "its keys do not open",
        })
    }

    async fn key_above(&self, sealed: &Sealed<'_>) -> Result<Key, VaultError> {
        let epoch = match sealed.under {
            Under::Epoch => &sealed.header.epoch,
            Under::Hold => HOLD,
        };
        Ok(self.keyring().opening_key(&sealed.header.class, epoch).await?)
    }

    async fn page_object(&self, place: &Place) -> Result<Bytes, VaultError> {
        if !place.name.ends_with(PAGES) {
            return Ok(self.bucket().get_at(place).await?);
        }
        let last = || self.last_pages.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, bytes)) = &*last()
            && known == place
        {
            return Ok(bytes.clone());
        }
        let bytes = self.bucket().get_at(place).await?;
        *last() = Some((place.clone(), bytes.clone()));
        Ok(bytes)
    }

    /// Forgets what was read of an object that is deleted.
    pub(super) fn forget_pages(&self, name: &str) {
        let mut last = self.last_pages.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_some_and(|(known, _)| known.name == name) {
            *last = None;
        }
    }
}

fn many(header: &Header, pages: &[Vec<u8>], is_held: bool) -> NewPage {
    let mut bytes = MAGIC.to_vec();
    let count = u32::try_from(pages.len()).expect("an object holds few pages");
    bytes.extend_from_slice(&count.to_be_bytes());
    for page in pages {
        let length = u32::try_from(page.len()).expect("a page is far below 4 GiB");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(page);
    }
    let sha256 = Digest::of(&bytes);
    let name = format!("key/{}/{}/{MANY}{sha256}{PAGES}", header.class, header.epoch);
    NewPage { name, bytes: bytes.into(), is_held }
}

/// The pages of an object, one or many, not opened yet.
fn split(bytes: &[u8]) -> Option<Vec<Sealed<'_>>> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else { return Some(vec![page::read(bytes)?]) };
    let mut reader = Reader(rest);
    let mut pages = Vec::new();
    for _ in 0..reader.u32().ok()? {
        let length = reader.u32().ok()?;
        pages.push(page::read(reader.bytes(usize::try_from(length).ok()?).ok()?)?);
    }
    reader.0.is_empty().then_some(pages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::base::ids::SegmentId;
    use crate::vault::bucket::Bucket;
    use crate::vault::master::MasterKey;

    struct Laid {
        vault: Vault,
        headers: Vec<Header>,
        pages: Vec<Place>,
        _directory: tempfile::TempDir,
    }

    fn record(segment: u8, number: u8) -> RecordId {
        RecordId([segment * 16 + number; 16])
    }

    /// Three segments of three records each.
    async fn laid() -> Laid {
        let directory = tempfile::tempdir().unwrap();
        let bucket = Bucket::local(directory.path()).unwrap();
        let vault = Vault::create(bucket, MasterKey::generate(), Timestamp(5)).await.unwrap();
        let above = vault.keyring().sealing_key("hr", "2026-01").await.unwrap();
        let (mut headers, mut pages) = (Vec::new(), Vec::new());
        for segment in 1..=3 {
            let header = Header {
                archive: vault.archive(),
                segment: SegmentId([segment; 16]),
                class: "hr".into(),
                epoch: "2026-01".into(),
            };
            let keys: Vec<_> = (0..3).map(|n| (record(segment, n), Key::generate())).collect();
            let bytes = page::seal(Under::Epoch, &header, VERSION, &above, &keys);
            let put = vault.bucket().put_new(&header.page_name(), Bytes::from(bytes)).await;
            pages.push(put.unwrap());
            headers.push(header);
        }
        Laid { vault, headers, pages, _directory: directory }
    }

    async fn keys(laid: &Laid, at: usize, place: &Place) -> Vec<(RecordId, [u8; 32])> {
        let keys = laid.vault.page_keys(&laid.headers[at], place).await.unwrap();
        let mut keys: Vec<_> = keys.into_iter().map(|(id, key)| (id, *key.as_bytes())).collect();
        keys.sort();
        keys
    }

    #[tokio::test]
    async fn pages_together_have_the_same_keys_and_lose_them_one_by_one() {
        let laid = laid().await;
        let vault = &laid.vault;
        let mut before = Vec::new();
        for at in 0..3 {
            before.push(keys(&laid, at, &laid.pages[at]).await);
        }
        let new = vault.pages_together(&laid.pages, false).await.unwrap();
        let together = vault.put_page(&new).await.unwrap();
        assert_eq!(vault.page_headers(&together).await.unwrap(), laid.headers);
        for (at, expected) in before.iter().enumerate() {
            assert!(laid.headers[at].is_page_name(&together.name), "{together}");
            assert_eq!(keys(&laid, at, &together).await, *expected);
        }
        let gone = BTreeSet::from([record(2, 1), record(3, 0), record(3, 1), record(3, 2)]);
        assert_eq!(vault.keys_among(&together, &gone).await.unwrap(), gone);
        let new = vault.page_without(&together, &gone).await.unwrap();
        let left = vault.put_page(&new).await.unwrap();
        assert_eq!(vault.keys_among(&left, &gone).await.unwrap(), BTreeSet::new());
        for (at, mut expected) in before.into_iter().enumerate() {
            expected.retain(|(record, _)| !gone.contains(record));
            assert_eq!(keys(&laid, at, &left).await, expected);
        }
        // What was not touched is the same, byte for byte.
        let bytes = vault.bucket().get_at(&laid.pages[0]).await.unwrap();
        let again = vault.bucket().get_at(&left).await.unwrap();
        assert!(again.windows(bytes.len()).any(|part| part == bytes));
    }

    #[tokio::test]
    async fn a_page_alone_is_rewritten_under_a_name_of_its_own() {
        let laid = laid().await;
        let gone = BTreeSet::from([record(1, 0)]);
        let new = laid.vault.page_without(&laid.pages[0], &gone).await.unwrap();
        assert!(laid.headers[0].is_page_name(&new.name), "{}", new.name);
        assert!(!laid.headers[1].is_page_name(&new.name), "{}", new.name);
        let left = laid.vault.put_page(&new).await.unwrap();
        let before = keys(&laid, 0, &laid.pages[0]).await;
        assert_eq!(keys(&laid, 0, &left).await, before[1..]);
        assert!(laid.vault.page_keys(&laid.headers[1], &left).await.is_err());
    }

    #[test]
    fn what_is_cut_or_longer_is_no_object_with_pages() {
        let header = Header {
            archive: crate::base::ids::ArchiveId([1; 16]),
            segment: SegmentId([2; 16]),
            class: "hr".into(),
            epoch: "2026-01".into(),
        };
        let page = page::seal(Under::Epoch, &header, VERSION, &Key::generate(), &[]);
        let bytes = many(&header, &[page.clone(), page], false).bytes;
        assert_eq!(split(&bytes).unwrap().len(), 2);
        // Shorter pages are pages too; they do not open.
        for end in 0..bytes.len() {
            assert!(split(&bytes[..end]).is_none(), "cut at {end}");
        }
        let longer = [&bytes[..], b"x"].concat();
        assert!(split(&longer).is_none());
    }
}

//! The catalog's deliveries again, from the bucket alone: the published log says
//! which there are and in which order, the segments what they are.
//!
//! Every step commits what it did, so that a rebuild that was stopped goes on where
//! it was.

use std::collections::HashMap;

use futures::StreamExt as _;

use super::StartError;
use super::adopt::{self, Named};
use super::log::{self, Log, LogError};
use crate::base::crash;
use crate::base::ids::SegmentId;
use crate::base::limits::REBUILD_FAULTS_SHOWN;
use crate::catalog::delivery::{self, NewSegment};
use crate::catalog::rebuild::{self, PublishedLeaf};
use crate::catalog::{Catalog, CatalogError, erasure, leaf, spare};
use crate::ledger::leaf::Leaf;
use crate::ledger::tile::{self, Edge, Tile, TileError};
use crate::ledger::tree;
use crate::vault::bucket::BucketError;
use crate::vault::keyring::KeyringError;
use crate::vault::segment::{HELD, LEFT, MANY, PAGES};
use crate::vault::{Vault, VaultError};

#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(
        "the published log is damaged: its entries up to {size} do not give the root that its \
         checkpoint signs; bring the objects below log/ back from a copy of the bucket"
    )]
    Root { size: u64 },
    #[error("the entry {position} of the published log is damaged")]
    Leaf { position: u64, source: crate::ledger::leaf::LeafError },
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Start(#[from] StartError),
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Rebuilt {
    pub leaves: u64,
    pub segments: u64,
    /// Deliveries that no published leaf spoke of.
    pub adopted: u64,
    /// What is missing or damaged, each a sentence.
    pub faults: Vec<String>,
}

/// Bundles of 256 leaves in one transaction.
const BUNDLES_AT_ONCE: usize = 16;
/// Segments read at the same time, and written in one transaction.
const SEGMENTS_AT_ONCE: usize = 8;
const SEGMENTS_PER_COMMIT: usize = 64;

/// Something that goes on: a step's name, and how much of how much is done.
pub trait Progress: FnMut(&'static str, u64, u64) + Send {}
impl<F: FnMut(&'static str, u64, u64) + Send> Progress for F {}

/// Makes log and deliveries again in a catalog that has nothing else.
pub async fn rebuild(
    vault: &Vault,
    catalog: &Catalog,
    progress: &mut impl Progress,
) -> Result<Rebuilt, RebuildError> {
    let verifier = vault.log_signer().verifier().clone();
    let log = Log::open(vault.bucket().clone(), verifier).await?;
    let mut rebuilt = Rebuilt::default();
    rebuild::begin(catalog).await?;
    if let Some(published) = log.published() {
        leaves(vault, catalog, published.size, progress).await?;
        let root = root_of(catalog, published.size).await?;
        if root != published.root {
            return Err(RebuildError::Root { size: published.size });
        }
    }
    rebuilt.leaves = beyond(vault, catalog).await?;
    segments(vault, catalog, &mut rebuilt, progress).await?;
    rebuild::end(catalog).await?;
    Ok(rebuilt)
}

/// Records that the log has, no segment has, and no disposition destroyed, each a
/// sentence. Asked when what was decided has come back.
pub async fn missing(catalog: &Catalog) -> Result<Vec<String>, RebuildError> {
    let (count, first) = rebuild::missing(catalog, REBUILD_FAULTS_SHOWN).await?;
    let said = |record| format!("record {record} is in the log and in no segment");
    let mut faults: Vec<String> = first.iter().map(said).collect();
    if let Some(more) = count.checked_sub(first.len() as u64).filter(|more| *more > 0) {
        faults.push(format!("and {more} more records that are in no segment"));
    }
    Ok(faults)
}

async fn leaves(
    vault: &Vault,
    catalog: &Catalog,
    size: u64,
    progress: &mut impl Progress,
) -> Result<(), RebuildError> {
    let mut have = leaf::count(catalog).await?;
    while have < size {
        let first = have;
        let mut new = Vec::new();
        for _ in 0..BUNDLES_AT_ONCE {
            let position = first + new.len() as u64;
            let index = position / tile::WIDTH;
            let Some(tile) = Tile::in_tree(size, 0, index) else { break };
            new.extend(bundle(vault, &tile, position).await?);
        }
        rebuild::add_leaves(catalog, first, &new).await?;
        have += new.len() as u64;
        crash::point("rebuild.after_leaves");
        progress("log", have, size);
    }
    Ok(())
}

/// Takes over entries that were put and that no checkpoint speaks of yet: what was
/// not published is published in this order, since their names are taken. Gives the
/// length of the log with them.
async fn beyond(vault: &Vault, catalog: &Catalog) -> Result<u64, RebuildError> {
    loop {
        let have = leaf::count(catalog).await?;
        let index = have / tile::WIDTH;
        let full = Tile { level: 0, index, width: tile::WIDTH as u16 };
        let name = log::object_of_entries(&full);
        let found = vault.bucket().list(&format!("{name}.p/")).await.map_err(LogError::from)?;
        let widths = found.iter().filter_map(|name| name.rsplit_once('/')?.1.parse().ok());
        let is_full = match vault.bucket().get(&name).await {
            Ok(_) => true,
            Err(BucketError::Missing(_)) => false,
            Err(error) => return Err(LogError::from(error).into()),
        };
        let width = if is_full { full.width } else { widths.max().unwrap_or(0) };
        if u64::from(width) <= have % tile::WIDTH {
            return Ok(have);
        }
        let new = bundle(vault, &Tile { width, ..full }, have).await?;
        rebuild::add_leaves(catalog, have, &new).await?;
    }
}

/// The entries of a bundle from `position` on.
async fn bundle(
    vault: &Vault,
    tile: &Tile,
    position: u64,
) -> Result<Vec<PublishedLeaf>, RebuildError> {
    let bundle = vault.bucket().get(&log::object_of_entries(tile)).await.map_err(LogError::from)?;
    let entries = tile::decode_bundle(&bundle).map_err(LogError::from)?;
    if entries.len() != usize::from(tile.width) {
        let error = TileError::Bundle("it has not as many entries as its name says");
        return Err(LogError::from(error).into());
    }
    let skip = (position % tile::WIDTH) as usize;
    let entries = entries[skip..].iter().zip(position..);
    entries.map(|(entry, position)| published_leaf(entry, position)).collect()
}

fn published_leaf(entry: &[u8], position: u64) -> Result<PublishedLeaf, RebuildError> {
    let leaf = Leaf::decode(entry).map_err(|source| RebuildError::Leaf { position, source })?;
    let record = match leaf {
        Leaf::Delivery { record, .. } => Some(record),
        Leaf::Event { .. } | Leaf::Seal { .. } => None,
    };
    Ok(PublishedLeaf { hash: tree::hash_leaf(entry), body: entry.to_vec(), record })
}

/// The root of the first `size` leaves that the catalog has.
async fn root_of(catalog: &Catalog, size: u64) -> Result<crate::base::hash::Digest, RebuildError> {
    const AT_ONCE: u32 = 10_000;
    let mut edge = Edge::new();
    while edge.size() < size {
        let rows = leaf::from(catalog, edge.size(), AT_ONCE).await?;
        // Filled tiles are of no use here.
        let mut full = Vec::new();
        for row in rows.iter().take((size - edge.size()) as usize) {
            edge.push(row.hash, &mut full);
            full.clear();
        }
        if rows.is_empty() {
            return Err(RebuildError::Root { size });
        }
    }
    Ok(edge.root())
}

async fn segments(
    vault: &Vault,
    catalog: &Catalog,
    rebuilt: &mut Rebuilt,
    progress: &mut impl Progress,
) -> Result<(), RebuildError> {
    let names = vault.bucket().list("seg").await.map_err(VaultError::from)?;
    let pages = Pages::list(vault).await?;
    let total = names.len() as u64;
    let mut done = 0;
    let mut unlogged = Vec::new();
    for names in names.chunks(SEGMENTS_PER_COMMIT) {
        let read = futures::stream::iter(names)
            .map(|object| read(vault, catalog, object, &pages))
            .buffered(SEGMENTS_AT_ONCE);
        let mut found = Vec::new();
        for read in read.collect::<Vec<_>>().await {
            match read? {
                Read::Segment(segment) => found.push(*segment),
                Read::Fault(fault) => rebuilt.faults.push(fault),
                Read::Nothing => {}
            }
        }
        unlogged.extend(rebuild::add_segments(catalog, &found).await?);
        rebuilt.segments += found.len() as u64;
        done += names.len() as u64;
        crash::point("rebuild.after_segments");
        progress("segments", done, total);
    }
    // What a crash left before its leaves were published. One may need another of
    // them, which comes first then.
    let mut is_any = true;
    while std::mem::take(&mut is_any) {
        for segment in std::mem::take(&mut unlogged) {
            vault.bucket().ensure_lock(&segment.object).await.map_err(VaultError::from)?;
            match rebuild::append(catalog, &segment).await {
                Err(CatalogError::Lacking(_)) => unlogged.push(segment),
                done => {
                    done?;
                    rebuilt.adopted += segment.deliveries.len() as u64;
                    is_any = true;
                }
            }
        }
    }
    pages.give_up_others(catalog).await?;
    let left = unlogged.iter().map(|segment| (segment, "needs parts that are in no segment"));
    rebuilt.faults.extend(left.map(|(segment, what)| format!("{}: {what}", segment.object)));
    let said = |(record, segment)| {
        format!("record {record} needs parts of the segment {segment}, which is not there")
    };
    let lacking = rebuild::lacking(catalog, REBUILD_FAULTS_SHOWN).await?;
    rebuilt.faults.extend(lacking.into_iter().map(said));
    Ok(())
}

enum Read {
    Segment(Box<NewSegment>),
    Fault(String),
    /// It is there already, or was never acknowledged.
    Nothing,
}

async fn read_with(
    vault: &Vault,
    object: &str,
    page: &str,
    segment: SegmentId,
) -> Result<NewSegment, StartError> {
    let (open, placed) = adopt::open(vault, object, page).await?;
    adopt::rows(&open, placed, segment).await
}

/// Whether reading it again would give the same.
fn is_settled(found: &Result<NewSegment, StartError>) -> bool {
    match found {
        Ok(_) => true,
        Err(StartError::Vault(error)) => error.is_closed() || is_missing(error),
        Err(_) => false,
    }
}

fn is_missing(error: &VaultError) -> bool {
    matches!(
        error,
        VaultError::Bucket(BucketError::Missing(_))
            | VaultError::Keyring(KeyringError::Bucket(BucketError::Missing(_)))
    )
}

/// Pages that were rewritten, or put together with others, by segment: the places of
/// their names.
struct Pages {
    names: Vec<String>,
    of: HashMap<SegmentId, Vec<u32>>,
}

impl Pages {
    async fn list(vault: &Vault) -> Result<Self, RebuildError> {
        let mut pages = Self { names: Vec::new(), of: HashMap::new() };
        for name in vault.bucket().list("key").await.map_err(VaultError::from)? {
            let file = name.rsplit('/').next().unwrap_or_default();
            let segments = match file.starts_with(MANY) && file.ends_with(PAGES) {
                true => many(vault, &name).await?,
                false => {
                    let file = file.strip_suffix(HELD).or(file.strip_suffix(LEFT));
                    file.and_then(|file| file.split_once('-')?.0.parse().ok()).into_iter().collect()
                }
            };
            if segments.is_empty() {
                continue;
            }
            let at = u32::try_from(pages.names.len()).unwrap_or(u32::MAX);
            for segment in segments {
                pages.of.entry(segment).or_default().push(at);
            }
            pages.names.push(name);
        }
        Ok(pages)
    }

    /// Has those go that no segment took, so that no key is left where nobody knows of
    /// it: what a crash left beside the page that has the most keys.
    async fn give_up_others(&self, catalog: &Catalog) -> Result<(), RebuildError> {
        let mut is_taken: Vec<Option<bool>> = vec![None; self.names.len()];
        for (segment, places) in &self.of {
            let page = erasure::page_of(catalog, *segment).await?;
            for at in places {
                let taken = &mut is_taken[*at as usize];
                // Of a segment that could not be read, nothing goes.
                *taken = match &page {
                    None => Some(true),
                    Some(page) if page.name == self.names[*at as usize] => Some(true),
                    Some(_) => taken.or(Some(false)),
                };
            }
            let is_rewritten = places.iter().any(|at| !self.names[*at as usize].ends_with(HELD));
            if let Some(page) = page.filter(|_| is_rewritten) {
                let (epoch, _) = page.name.rsplit_once('/').unwrap_or_default();
                let first = format!("{epoch}/{segment}.page");
                if first != page.name {
                    spare::give_up_now(catalog, &first).await?;
                }
            }
        }
        for (name, taken) in self.names.iter().zip(is_taken) {
            if taken == Some(false) && !name.ends_with(HELD) {
                spare::give_up_now(catalog, name).await?;
            }
        }
        Ok(())
    }

    fn of(&self, segment: SegmentId) -> impl Iterator<Item = &String> {
        let places = self.of.get(&segment).into_iter().flatten();
        places.filter_map(|at| self.names.get(*at as usize))
    }
}

/// Of which segments an object has the pages; none of one that is damaged, whose
/// segments may have others.
async fn many(vault: &Vault, name: &str) -> Result<Vec<SegmentId>, RebuildError> {
    let place = vault.bucket().find(name).await.map_err(VaultError::from)?;
    match vault.page_headers(&place).await {
        Ok(headers) => Ok(headers.into_iter().map(|header| header.segment).collect()),
        Err(error) if error.is_closed() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

async fn read(
    vault: &Vault,
    catalog: &Catalog,
    object: &str,
    pages: &Pages,
) -> Result<Read, RebuildError> {
    let Some(Named { segment, page, .. }) = adopt::read_name(object) else {
        return Ok(Read::Nothing);
    };
    if delivery::has_segment(catalog, segment).await? {
        return Ok(Read::Nothing);
    }
    // The page with the most keys: the one that it was put with, unless that is gone or
    // the month's key is. What was cut off may have left smaller ones.
    let read = async {
        let mut found = read_with(vault, object, &page, segment).await;
        for page in pages.of(segment) {
            if !is_settled(&found) {
                return found;
            }
            let other = read_with(vault, object, page, segment).await;
            if !is_settled(&other) {
                return other;
            }
            let count = |found: &Result<NewSegment, StartError>| {
                found.as_ref().map_or(-1, |segment| segment.deliveries.len() as i64)
            };
            // One that opens no record is there for the parts in its segment.
            let is_only = found.as_ref().is_err_and(is_gone) && other.is_ok();
            if is_only || count(&other) > count(&found) {
                found = other;
            }
        }
        found
    };
    match read.await {
        Ok(segment) => Ok(Read::Segment(Box::new(segment))),
        // Without a page nobody was told of it. If somebody was, its records are in
        // the log, and are counted as missing.
        Err(error) if is_gone(&error) => Ok(Read::Nothing),
        Err(StartError::Vault(error)) if error.is_closed() => {
            Ok(Read::Fault(format!("{object}: {error}")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a page, or the key that it is under, is not there.
fn is_gone(error: &StartError) -> bool {
    matches!(error, StartError::Vault(error) if is_missing(error))
}

//! The published log: checkpoints, entries and tiles, also those that larger ones
//! have superseded, against each other and against the catalog's leaves.
//!
//! An entry has three witnesses: the bundle, the tile above it, and the catalog.
//! Where two of them agree, the third is named. The roots of the checkpoints judge
//! what is left.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::finding::{
    CHECKPOINT_DAMAGED, CHECKPOINT_DIFFERS, CHECKPOINT_MISSING, ENTRIES_DAMAGED, ENTRIES_MISSING,
    LEAF_ROW_CHANGED, LEAF_ROW_MISSING, TILE_DAMAGED, TILE_MISSING, note,
};
use super::{ScrubError, Work};
use crate::base::hash::Digest;
use crate::base::ids::RecordId;
use crate::catalog::doubt::{self, RawLeaf};
use crate::catalog::{leaf, scrub};
use crate::ingest::log::{CHECKPOINTS, PREFIX, object_of, object_of_entries, object_of_tile};
use crate::ingest::rebuild::Progress;
use crate::ingest::stamps;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::leaf::Leaf;
use crate::ledger::tile::{self, Edge, Named, Tile, WIDTH};
use crate::ledger::tree;
use crate::vault::bucket::Place;

/// What the next check must find again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Heads {
    /// The size of the newest checkpoint.
    pub newest: u64,
    pub count: u64,
    /// Sizes that there are tiles and no checkpoint of.
    pub alone: Vec<u64>,
}

/// Level and index of a tile.
type At = (u8, u64);

/// What the bucket has of the log, by name.
#[derive(Default)]
pub(super) struct Listed {
    pub checkpoints: BTreeMap<u64, Place>,
    pub stamps: BTreeMap<u64, Place>,
    entries: BTreeMap<u64, BTreeMap<u16, Place>>,
    tiles: BTreeMap<At, BTreeMap<u16, Place>>,
    /// Widths that checkpoints were signed over.
    wanted: BTreeMap<At, BTreeSet<u16>>,
    pub roots: BTreeMap<u64, Digest>,
    published: u64,
}

impl<P: Progress> Work<'_, P> {
    pub(super) async fn log(&mut self) -> Result<(), ScrubError> {
        let mut listed = self.listed().await?;
        self.open_checkpoints(&mut listed).await?;
        self.stamps(&listed).await?;
        self.remember(&listed).await?;
        let ends = listed.entries.iter().filter_map(|(index, widths)| {
            Some(index * WIDTH + u64::from(*widths.last_key_value()?.0))
        });
        let count = leaf::count(&self.on.catalog).await?;
        let total = ends.max().unwrap_or(0).max(count).max(listed.published);
        let mut edge = Edge::new();
        let mut full = Vec::new();
        for index in 0..total.div_ceil(WIDTH) {
            let Some(hashes) = self.bundle(&mut listed, index, total).await? else { break };
            for hash in hashes {
                edge.push(hash, &mut full);
                if let Some(root) = listed.roots.get(&edge.size())
                    && *root != edge.root()
                {
                    let what = "the log's entries do not give the root that it signs";
                    self.fault(CHECKPOINT_DIFFERS, object_of(edge.size()), what, &[]);
                }
            }
            for (tile, bytes) in std::mem::take(&mut full) {
                self.tile(&mut listed, tile, &bytes).await?;
            }
            self.at(edge.size(), total).await?;
        }
        if edge.size() == total {
            for (tile, bytes) in edge.partial() {
                self.tile(&mut listed, tile, &bytes).await?;
            }
            let left: Vec<_> = listed.tiles.values().flat_map(BTreeMap::values).cloned().collect();
            for place in left {
                self.stray(&place.name, "the log is not so long");
            }
        }
        self.state.counts.leaves = total;
        self.state.counts.checkpoints = listed.checkpoints.len() as u64;
        Ok(())
    }

    async fn listed(&mut self) -> Result<Listed, ScrubError> {
        let mut listed = Listed::default();
        for seen in self.on.vault.bucket().look(PREFIX).await? {
            let place = seen.first();
            let name = place.name.strip_prefix(PREFIX).unwrap_or_default();
            if let Some(named) = Tile::read_path(name) {
                match named {
                    Named::Entries(tile) => {
                        listed.entries.entry(tile.index).or_default().insert(tile.width, place);
                    }
                    Named::Hashes(tile) => {
                        let widths = listed.tiles.entry((tile.level, tile.index)).or_default();
                        widths.insert(tile.width, place);
                    }
                }
                continue;
            }
            if let Some(size) = stamps::size_in(&place.name) {
                listed.stamps.insert(size, place);
                continue;
            }
            let size = place.name.strip_prefix(CHECKPOINTS).and_then(|rest| rest.get(1..));
            match size.and_then(|size| size.parse().ok()) {
                Some(size) if object_of(size) == place.name => {
                    listed.checkpoints.insert(size, place);
                }
                _ => self.stray(&place.name, "no part of a log is called so"),
            }
        }
        Ok(listed)
    }

    async fn open_checkpoints(&mut self, listed: &mut Listed) -> Result<(), ScrubError> {
        let verifier = self.on.vault.log_signer().verifier().clone();
        for (size, place) in &listed.checkpoints {
            let bytes = self.on.vault.bucket().get_at(place).await?;
            self.read(bytes.len() as u64).await;
            match Checkpoint::open(&bytes, &verifier) {
                Ok(checkpoint) if checkpoint.size == *size => {
                    listed.roots.insert(*size, checkpoint.root);
                    for tile in Edge::tiles(*size) {
                        let widths = listed.wanted.entry((tile.level, tile.index)).or_default();
                        widths.insert(tile.width);
                    }
                }
                Ok(other) => {
                    let what = format!("it is the checkpoint of size {}", other.size);
                    self.fault(CHECKPOINT_DAMAGED, &place.name, what, &[]);
                }
                Err(error) => {
                    self.fault(CHECKPOINT_DAMAGED, &place.name, error.to_string(), &[]);
                }
            }
        }
        listed.published = listed.roots.last_key_value().map_or(0, |(size, _)| *size);
        Ok(())
    }

    /// Compares with what the last check saw, since a checkpoint that is gone leaves
    /// what a kill before it would have left.
    async fn remember(&mut self, listed: &Listed) -> Result<(), ScrubError> {
        let sizes = &listed.checkpoints;
        // Nothing that the archive did not sign is to be found again.
        let newest = listed.published;
        let partial = listed.entries.iter().flat_map(|(index, widths)| {
            let narrow = widths.keys().filter(|width| u64::from(**width) < WIDTH);
            narrow.map(move |width| index * WIDTH + u64::from(*width))
        });
        let alone: Vec<u64> = partial.filter(|size| !sizes.contains_key(size)).collect();
        let last = scrub::last_ended(&self.on.catalog).await?;
        let old = last.and_then(|row| serde_json::from_str::<super::State>(&row.state).ok());
        let old = old.map(|state| state.heads).unwrap_or_default();
        let what = "the last check found it in the bucket";
        let mut gone: Vec<u64> = Vec::new();
        if (sizes.range(..=old.newest).count() as u64) < old.count {
            let is_new = |size: &&u64| **size <= old.newest && !old.alone.contains(size);
            gone.extend(alone.iter().filter(is_new));
            if !sizes.contains_key(&old.newest) && !gone.contains(&old.newest) {
                gone.push(old.newest);
            }
            if gone.is_empty() {
                self.fault(CHECKPOINT_MISSING, CHECKPOINTS, "fewer than at the last check", &[]);
            }
        }
        for size in &gone {
            self.fault(CHECKPOINT_MISSING, object_of(*size), what, &[]);
        }
        for size in alone.iter().filter(|size| !gone.contains(size)) {
            let what = "tiles of this size were put and no checkpoint, as a stop between leaves it";
            self.note(note::TILES_ALONE, format!("size {size}"), what);
        }
        let count = sizes.range(..=newest).count() as u64;
        self.state.heads = Heads { newest, count, alone };
        Ok(())
    }

    /// Checks 256 entries with their tile and rows, and gives their hashes; none where
    /// nobody has one of them.
    async fn bundle(
        &mut self,
        listed: &mut Listed,
        index: u64,
        total: u64,
    ) -> Result<Option<Vec<Digest>>, ScrubError> {
        let first = index * WIDTH;
        let end = total.min(first + WIDTH);
        let (catalog, bucket) = (&self.on.catalog, self.on.vault.bucket());
        let rows = doubt::leaves(catalog, first, end).await?;
        let mut rows: BTreeMap<u64, RawLeaf> =
            rows.into_iter().map(|row| (row.position, row)).collect();
        let places = listed.entries.remove(&index).unwrap_or_default();
        let mut bundles: BTreeMap<u16, Vec<Vec<u8>>> = BTreeMap::new();
        for (width, place) in &places {
            let bytes = bucket.get_at(place).await?;
            self.read(bytes.len() as u64).await;
            let entries = tile::decode_bundle(&bytes).unwrap_or_default();
            bundles.insert(*width, entries.into_iter().map(<[u8]>::to_vec).collect());
        }
        let mut above = Vec::new();
        if let Some((width, place)) =
            listed.tiles.get(&(0, index)).and_then(BTreeMap::last_key_value)
        {
            let bytes = bucket.get_at(place).await?;
            if bytes.len() == usize::from(*width) * 32 {
                above = bytes.as_chunks().0.iter().copied().map(Digest).collect();
            }
        }
        let mut widest = bundles.iter().filter(|(width, it)| it.len() == usize::from(**width));
        let entries = widest.next_back().map(|(_, entries)| &entries[..]).unwrap_or_default();
        let mut hashes = Vec::new();
        for position in first..end {
            let at = (position - first) as usize;
            let row = rows.remove(&position);
            let by_entry = entries.get(at).map(|entry| tree::hash_leaf(entry));
            let by_row = row.as_ref().map(|row| tree::hash_leaf(&row.body));
            let Some(hash) = agreed([above.get(at).copied(), by_entry, by_row]) else {
                let what = "neither the bucket nor the catalog has it; what follows in the log \
                            cannot be checked";
                self.fault(LEAF_ROW_MISSING, format!("leaf {position}"), what, &[]);
                return Ok(None);
            };
            let body = match by_entry == Some(hash) {
                true => entries.get(at).cloned(),
                false => row.as_ref().filter(|_| by_row == Some(hash)).map(|row| row.body.clone()),
            };
            self.leaf_row(position, &hash, body.as_deref(), row);
            hashes.push(hash);
        }
        self.bundles(listed, index, &places, &bundles, &hashes);
        Ok(Some(hashes))
    }

    fn leaf_row(
        &mut self,
        position: u64,
        hash: &Digest,
        body: Option<&[u8]>,
        row: Option<RawLeaf>,
    ) {
        let decoded = body.and_then(|body| Leaf::decode(body).ok());
        let record = match decoded {
            Some(Leaf::Delivery { record, .. }) => Some(record),
            _ => None,
        };
        let object = leaf_object(position, record);
        let records: Vec<RecordId> = record.into_iter().collect();
        let Some(row) = row else {
            let what = "the log has this entry and the catalog does not";
            return self.fault(LEAF_ROW_MISSING, object, what, &records);
        };
        let is_same = row.hash == hash.0
            && tree::hash_leaf(&row.body) == *hash
            && (body.is_none() || row.record.as_deref() == record.as_ref().map(|id| &id.0[..]));
        if !is_same {
            let what = "the catalog's row is not the entry that the log has at this place";
            self.fault(LEAF_ROW_CHANGED, object, what, &records);
        }
    }

    fn bundles(
        &mut self,
        listed: &Listed,
        index: u64,
        places: &BTreeMap<u16, Place>,
        bundles: &BTreeMap<u16, Vec<Vec<u8>>>,
        hashes: &[Digest],
    ) {
        for (width, entries) in bundles {
            let found: Vec<Digest> = entries.iter().map(|entry| tree::hash_leaf(entry)).collect();
            let is_whole = found.len() == usize::from(*width);
            if !is_whole || !hashes.starts_with(&found) {
                let what = "its entries are not those of the log";
                self.fault(ENTRIES_DAMAGED, &places[width].name, what, &[]);
            }
        }
        for width in wanted(listed, (0, index)) {
            if !places.contains_key(&width) {
                let tile = Tile { level: 0, index, width };
                let what = "a checkpoint was signed over it, and it is not in the bucket";
                self.fault(ENTRIES_MISSING, object_of_entries(&tile), what, &[]);
            }
        }
    }

    /// Checks all that the bucket has of a tile against its hashes.
    async fn tile(
        &mut self,
        listed: &mut Listed,
        tile: Tile,
        bytes: &[u8],
    ) -> Result<(), ScrubError> {
        let at = (tile.level, tile.index);
        let places = listed.tiles.remove(&at).unwrap_or_default();
        for (width, place) in &places {
            let found = self.on.vault.bucket().get_at(place).await?;
            self.read(found.len() as u64).await;
            if found.len() != usize::from(*width) * 32 || !bytes.starts_with(&found) {
                let what = "its hashes are not those of the log";
                self.fault(TILE_DAMAGED, &place.name, what, &[]);
            }
        }
        for width in wanted(listed, at) {
            if !places.contains_key(&width) {
                let what = "a checkpoint was signed over it, and it is not in the bucket";
                self.fault(TILE_MISSING, object_of_tile(&Tile { width, ..tile }), what, &[]);
            }
        }
        Ok(())
    }
}

/// The widths of a tile that must be there.
fn wanted(listed: &Listed, at: At) -> Vec<u16> {
    let mut widths: Vec<u16> = listed.wanted.get(&at).into_iter().flatten().copied().collect();
    let full = Tile::in_tree(listed.published, at.0, at.1);
    widths.extend(full.map(|tile| tile.width).filter(|width| u64::from(*width) == WIDTH));
    widths
}

/// What two witnesses say, or the first of those that there are.
fn agreed(witnesses: [Option<Digest>; 3]) -> Option<Digest> {
    let mut said = witnesses.into_iter().flatten();
    let (first, second, third) = (said.next()?, said.next(), said.next());
    match (second, third) {
        (Some(second), Some(third)) if second == third => Some(second),
        _ => Some(first),
    }
}

/// How a leaf is called in what is found.
pub(super) fn leaf_object(position: u64, record: Option<RecordId>) -> String {
    match record {
        Some(record) => format!("leaf of record {record}"),
        None => format!("leaf {position}"),
    }
}

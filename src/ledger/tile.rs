//! The log as files, as in c2sp.org/tlog-tiles: tiles of up to 256 hashes and
//! bundles of up to 256 entries, their names, their bytes, making them as the
//! log grows and reading proofs from them.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{self, Node};
use crate::base::hash::Digest;
use crate::base::limits::LEAF_BYTES_MAX;

/// Hashes in a full tile, entries in a full bundle.
pub const WIDTH: u64 = 256;
const HASH_BYTES: usize = 32;
/// Levels of the tree between two levels of tiles.
const HEIGHT: u8 = 8;

/// One tile: `width` hashes of full subtrees of 256^level leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    pub level: u8,
    pub index: u64,
    /// 1 to 256.
    pub width: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    #[error("read tile {}: it is {found} bytes long, not {}", .tile.path(), .tile.bytes())]
    Length { tile: Tile, found: usize },
    #[error("read the log: the tile {} was not fetched", .0.path())]
    Missing(Tile),
    #[error("read entry bundle: {0}")]
    Bundle(&'static str),
}

/// What a name below `tile/` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    Hashes(Tile),
    /// The entries of a tile of level 0.
    Entries(Tile),
}

impl Tile {
    /// The tile at this place in a tree of `size` leaves, as wide as it is
    /// there; `None` where it would be empty.
    pub fn in_tree(size: u64, level: u8, index: u64) -> Option<Self> {
        let hashes = size.checked_shr(u32::from(level) * u32::from(HEIGHT)).unwrap_or(0);
        let width = hashes.checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
        (width > 0).then_some(Self { level, index, width: width as u16 })
    }

    /// `tile/<L>/<N>[.p/<W>]`.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, place(self.index, self.width))
    }

    /// The name of the bundle with the entries of this tile of level 0.
    pub fn entries_path(&self) -> String {
        format!("tile/entries/{}", place(self.index, self.width))
    }

    /// The tile or bundle that a name means, as [`Self::path`] or
    /// [`Self::entries_path`] make it.
    pub fn read_path(path: &str) -> Option<Named> {
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok()?),
            None => (rest, WIDTH as u16),
        };
        let mut index: u64 = 0;
        for digits in number.split('/') {
            let digits = digits.strip_prefix('x').unwrap_or(digits);
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let level = if kind == "entries" { 0 } else { kind.parse().ok()? };
        let tile = Self { level, index, width };
        let named = if kind == "entries" { Named::Entries(tile) } else { Named::Hashes(tile) };
        // One tile, one name.
        let is_exact = match named {
            Named::Entries(tile) => tile.entries_path() == path,
            Named::Hashes(tile) => tile.path() == path,
        };
        (is_exact && (1..=WIDTH as u16).contains(&width) && level < HEIGHT).then_some(named)
    }

    fn bytes(&self) -> usize {
        usize::from(self.width) * HASH_BYTES
    }

    /// The tile of a tree of `size` leaves that holds, or gives by hashing,
    /// this node; and which of its hashes lie under the node.
    fn holding(size: u64, node: Node) -> Option<(Self, std::ops::Range<usize>)> {
        let height = node.level % HEIGHT;
        let first = node.index << height;
        let tile = Self::in_tree(size, node.level / HEIGHT, first / WIDTH)?;
        let begin = (first % WIDTH) as usize;
        let end = begin + (1 << height);
        (end <= usize::from(tile.width)).then_some((tile, begin..end))
    }
}

/// Three digits an element, all but the last with an `x`: `x001/x234/067`.
fn place(index: u64, width: u16) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if u64::from(width) < WIDTH {
        path.push_str(&format!(".p/{width}"));
    }
    path
}

/// The right edge of a growing log: at each level the hashes of the tile that
/// is not full yet. All that is needed to make the next tiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    /// # Invariant
    /// `levels[l].len() == (size >> 8 l) % 256`; no trailing empty level.
    levels: Vec<Vec<Digest>>,
}

impl Edge {
    pub fn new() -> Self {
        Self::default()
    }

    /// The partial tiles that [`Edge::from_tiles`] wants.
    pub fn tiles(size: u64) -> Vec<Tile> {
        (0..HEIGHT)
            .filter_map(|level| {
                let index = size >> (u32::from(level) * 8) >> 8;
                Tile::in_tree(size, level, index)
            })
            .collect()
    }

    /// The edge of a log that was published at `size`.
    pub fn from_tiles(size: u64, tiles: &Tiles) -> Result<Self, TileError> {
        let mut levels = Vec::new();
        for tile in Self::tiles(size) {
            levels.resize(usize::from(tile.level), Vec::new());
            levels.push(tiles.hashes(tile)?.to_vec());
        }
        Ok(Self { size, levels })
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// The leaves' hashes in the unfinished tile of level 0.
    pub fn tail(&self) -> &[Digest] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }

    /// Appends a leaf; tiles that it fills go to `full`.
    pub fn push(&mut self, leaf: Digest, full: &mut Vec<(Tile, Vec<u8>)>) {
        let index = |size: u64, level: u8| size >> (u32::from(level) * 8) >> 8;
        let mut hash = leaf;
        for level in 0..HEIGHT {
            if self.levels.len() == usize::from(level) {
                self.levels.push(Vec::new());
            }
            let row = &mut self.levels[usize::from(level)];
            row.push(hash);
            if (row.len() as u64) < WIDTH {
                break;
            }
            let tile = Tile { level, index: index(self.size, level), width: WIDTH as u16 };
            full.push((tile, to_bytes(row)));
            hash = tree::fold(row);
            row.clear();
        }
        self.size += 1;
    }

    /// The tiles that are not full at this size.
    pub fn partial(&self) -> Vec<(Tile, Vec<u8>)> {
        Self::tiles(self.size)
            .into_iter()
            .map(|tile| (tile, to_bytes(&self.levels[usize::from(tile.level)])))
            .collect()
    }

    pub fn root(&self) -> Digest {
        // Of full subtrees left of the edge only whole tiles' roots are asked
        // for, and those are hashes of the level above.
        let read = |node: Node| {
            let row = &self.levels[usize::from(node.level / HEIGHT)];
            let height = node.level % HEIGHT;
            let begin = ((node.index << height) % WIDTH) as usize;
            Ok::<_, std::convert::Infallible>(tree::fold(&row[begin..begin + (1 << height)]))
        };
        match tree::root(self.size, read) {
            Ok(root) => root,
            Err(never) => match never {},
        }
    }
}

fn to_bytes(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Tiles of a tree of one size that have been fetched.
#[derive(Clone, Debug)]
pub struct Tiles {
    size: u64,
    tiles: BTreeMap<Tile, Vec<Digest>>,
}

impl Tiles {
    pub fn new(size: u64) -> Self {
        Self { size, tiles: BTreeMap::new() }
    }

    pub fn insert(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), TileError> {
        if bytes.len() != tile.bytes() {
            return Err(TileError::Length { tile, found: bytes.len() });
        }
        let (hashes, _) = bytes.as_chunks();
        self.tiles.insert(tile, hashes.iter().copied().map(Digest).collect());
        Ok(())
    }

    fn hashes(&self, tile: Tile) -> Result<&[Digest], TileError> {
        self.tiles.get(&tile).map(Vec::as_slice).ok_or(TileError::Missing(tile))
    }

    /// Reads a node of the tree, as the functions of `tree` ask for it.
    pub fn read(&self, node: Node) -> Result<Digest, TileError> {
        let unknown = Tile { level: node.level / HEIGHT, index: node.index, width: 1 };
        let (tile, range) = Tile::holding(self.size, node).ok_or(TileError::Missing(unknown))?;
        Ok(tree::fold(&self.hashes(tile)?[range]))
    }
}

/// The tiles from which the path of leaf `index` in the tree of `size` is read.
pub fn tiles_of_inclusion(size: u64, index: u64) -> BTreeSet<Tile> {
    let mut tiles = BTreeSet::new();
    let _ = tree::inclusion_proof(size, index, |node| note_tile(&mut tiles, size, node));
    tiles
}

/// The tiles from which the tree of `new` leaves is shown to extend that of `old`.
pub fn tiles_of_consistency(old: u64, new: u64) -> BTreeSet<Tile> {
    let mut tiles = BTreeSet::new();
    let _ = tree::consistency_proof(old, new, |node| note_tile(&mut tiles, new, node));
    tiles
}

fn note_tile(
    tiles: &mut BTreeSet<Tile>,
    size: u64,
    node: Node,
) -> Result<Digest, std::convert::Infallible> {
    tiles.extend(Tile::holding(size, node).map(|(tile, _)| tile));
    Ok(Digest([0; HASH_BYTES]))
}

/// An entry bundle: each entry after its length, 16 bits, big-endian.
pub fn encode_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bundle = Vec::new();
    for entry in entries {
        debug_assert!(entry.len() <= LEAF_BYTES_MAX);
        bundle.extend((entry.len() as u16).to_be_bytes());
        bundle.extend(entry);
    }
    bundle
}

pub fn decode_bundle(bundle: &[u8]) -> Result<Vec<&[u8]>, TileError> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        if entries.len() as u64 == WIDTH {
            return Err(TileError::Bundle("it holds more than 256 entries"));
        }
        let (length, tail) =
            rest.split_first_chunk().ok_or(TileError::Bundle("a length is cut"))?;
        let (entry, tail) = tail
            .split_at_checked(usize::from(u16::from_be_bytes(*length)))
            .ok_or(TileError::Bundle("an entry is cut"))?;
        entries.push(entry);
        rest = tail;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaf(i: u64) -> Digest {
        tree::hash_leaf(format!("entry {i}").as_bytes())
    }

    /// Everything that a log of `size` leaves has published, had it published
    /// once at that size.
    fn grown(size: u64) -> (Edge, BTreeMap<Tile, Vec<u8>>) {
        let mut edge = Edge::new();
        let mut tiles = Vec::new();
        for i in 0..size {
            edge.push(leaf(i), &mut tiles);
        }
        tiles.extend(edge.partial());
        (edge, tiles.into_iter().collect())
    }

    fn fetched(size: u64, wanted: &BTreeSet<Tile>, all: &BTreeMap<Tile, Vec<u8>>) -> Tiles {
        let mut tiles = Tiles::new(size);
        for tile in wanted {
            tiles.insert(*tile, &all[tile]).unwrap();
        }
        tiles
    }

    #[test]
    fn names_are_those_of_the_specification() {
        let tile = |index, width| Tile { level: 0, index, width };
        assert_eq!(tile(1_234_067, 256).path(), "tile/0/x001/x234/067");
        assert_eq!(tile(0, 1).path(), "tile/0/000.p/1");
        assert_eq!(tile(999, 255).entries_path(), "tile/entries/999.p/255");
        assert_eq!(Tile { level: 2, index: 1000, width: 256 }.path(), "tile/2/x001/000");
        for index in [0, 999, 1000, 1_234_067] {
            for width in [1, 255, 256] {
                let tile = tile(index, width);
                assert_eq!(Tile::read_path(&tile.path()), Some(Named::Hashes(tile)));
                assert_eq!(Tile::read_path(&tile.entries_path()), Some(Named::Entries(tile)));
            }
        }
        for path in ["tile/0/0", "tile/9/000", "tile/0/000.p/0", "tile/0/000.p/256", "tile/a/000"] {
            assert_eq!(Tile::read_path(path), None, "{path}");
        }
    }

    #[test]
    fn the_specifications_example_of_70_000_leaves() {
        let (edge, tiles) = grown(70_000);
        let count = |level, is_full: bool| {
            let these = tiles.keys().filter(|tile| tile.level == level);
            these.filter(|tile| (tile.width == 256) == is_full).count()
        };
        assert_eq!((count(0, true), count(0, false)), (273, 1));
        assert_eq!((count(1, true), count(1, false)), (1, 1));
        assert_eq!((count(2, true), count(2, false)), (0, 1));
        let widths: Vec<_> = edge.partial().iter().map(|(tile, _)| tile.width).collect();
        assert_eq!(widths, [112, 17, 1]);
    }

    #[test]
    fn roots_proofs_and_edges_across_the_boundaries() {
        let all: Vec<_> = (0..65_800).map(leaf).collect();
        for size in [1, 2, 3, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_800] {
            let (edge, tiles) = grown(size);
            let root = tree::root_of(&all[..size as usize]);
            assert_eq!(edge.root(), root, "root of {size}");

            let partial = Edge::tiles(size).into_iter().collect();
            let again = Edge::from_tiles(size, &fetched(size, &partial, &tiles)).unwrap();
            assert_eq!(again, edge, "edge of {size}");

            for index in [0, 1, 254, 255, 256, 257, 65_279, 65_280, 65_535, 65_536, size - 1] {
                if index >= size {
                    continue;
                }
                let some = fetched(size, &tiles_of_inclusion(size, index), &tiles);
                let path =
                    tree::inclusion_proof(size, index, |node| some.read(node)).unwrap().unwrap();
                let holds = tree::verify_inclusion(size, index, &all[index as usize], &path, &root);
                assert!(holds, "{index} of {size}");
            }
            for old in [1, 2, 200, 255, 256, 257, 600, 65_535, 65_536] {
                if old > size {
                    continue;
                }
                let some = fetched(size, &tiles_of_consistency(old, size), &tiles);
                let proof =
                    tree::consistency_proof(old, size, |node| some.read(node)).unwrap().unwrap();
                let old_root = tree::root_of(&all[..old as usize]);
                let holds = tree::verify_consistency(old, &old_root, size, &root, &proof);
                assert!(holds, "{old} to {size}");
            }
        }
    }

    /// `name sha256` of every file of a log of 600 entries, then its root;
    /// made by a separate program.
    #[test]
    fn golden_tiles_of_600_entries() {
        let (edge, tiles) = grown(600);
        let mut lines: Vec<_> = tiles
            .iter()
            .map(|(tile, bytes)| format!("{} {}", tile.path(), Digest::of(bytes)))
            .collect();
        for index in 0..3 {
            let tile = Tile::in_tree(600, 0, index).unwrap();
            let first = index * WIDTH;
            let entries: Vec<_> = (first..first + u64::from(tile.width))
                .map(|i| format!("entry {i}").into_bytes())
                .collect();
            let bundle = encode_bundle(entries.iter().map(Vec::as_slice));
            lines.push(format!("{} {}", tile.entries_path(), Digest::of(&bundle)));
        }
        lines.push(format!("root {}", edge.root()));
        let golden = include_str!("../../tests/fixtures/ledger/tiles-600.txt");
        assert_eq!(golden.lines().collect::<Vec<_>>(), lines);
    }

    #[test]
    fn a_tile_of_another_length_is_refused() {
        let tile = Tile { level: 0, index: 0, width: 2 };
        let refused = Tiles::new(2).insert(tile, &[0; 63]).unwrap_err();
        assert_eq!(refused.to_string(), "read tile tile/0/000.p/2: it is 63 bytes long, not 64");
        let missing = Tiles::new(2).read(Node { level: 0, index: 1 }).unwrap_err();
        assert_eq!(missing, TileError::Missing(tile));
        assert!(Tiles::new(2).read(Node { level: 0, index: 2 }).is_err());
    }

    #[test]
    fn bundles_with_a_cut_are_refused() {
        let bundle = encode_bundle([&b"a"[..], b"", b"bcd"]);
        assert_eq!(bundle, b"\x00\x01a\x00\x00\x00\x03bcd");
        assert_eq!(decode_bundle(&bundle).unwrap(), [&b"a"[..], b"", b"bcd"]);
        for end in [1, 2, 4, 6, 8, 9] {
            assert!(decode_bundle(&bundle[..end]).is_err(), "{end}");
        }
        assert!(decode_bundle(&[0; 2 * 256]).is_ok());
        assert!(decode_bundle(&[0; 2 * 257]).is_err());
    }

    proptest! {
        #[test]
        fn any_bundle_decodes_to_itself_or_fails(
            bytes in proptest::collection::vec(0_u8..4, 0..400),
        ) {
            if let Ok(entries) = decode_bundle(&bytes) {
                prop_assert_eq!(encode_bundle(entries), bytes);
            }
        }

        #[test]
        fn a_place_in_any_tree_has_a_sound_width(
            size: u64, level: u8, index: u64, node_level in 0_u8..64, node_index: u64,
        ) {
            if let Some(tile) = Tile::in_tree(size, level, index) {
                prop_assert!((1..=256).contains(&tile.width));
            }
            let index = node_index >> node_level;
            let _ = Tiles::new(size).read(Node { level: node_level, index });
            prop_assert!(Edge::tiles(size).len() <= 8);
        }
    }
}

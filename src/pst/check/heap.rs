//! Heaps, B-trees on them, and property contexts (2.3.1 to 2.3.3).

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read, Seek};

use super::form;
use super::image::{u16_at, u32_at, u64_at};
use super::ndb::{Database, Node};
use super::rule::{Report, Rule, hold};

/// A heap id has 16 bits for the block (2.3.1.1).
const BLOCKS_MAX: usize = 1 << 16;

/// A heap and the nodes that its ids may name instead.
pub struct Heap {
    blocks: Vec<Vec<u8>>,
    pub root: u32,
    pub client: u8,
    pub subnodes: Vec<Node>,
    /// How many names of properties the file has.
    names: usize,
    /// Bytes of values that were copied.
    copied: Cell<usize>,
    place: String,
}

impl Heap {
    pub fn read<R: Read + Seek>(
        database: &mut Database<R>,
        data: u64,
        subnodes: Vec<Node>,
        place: &str,
        report: &mut Report,
    ) -> io::Result<Option<Self>> {
        if database.leaf_count(data)? > BLOCKS_MAX {
            report.broke(Rule::HeapBlocks, place);
            return Ok(None);
        }
        let blocks = database.leaves(data)?;
        let Some(first) = blocks.first().filter(|first| first.len() >= 12) else {
            report.broke(Rule::HeapLength, place);
            return Ok(None);
        };
        let rules = [
            (first[2] == 0xEC, Rule::HeapSignature),
            (matches!(first[3], 0xBC | 0x7C), Rule::HeapClient),
        ];
        if !hold(&rules, place, report) {
            return Ok(None);
        }
        let (root, client) = (u32_at(first, 4), first[3]);
        let (names, place) = (database.names, place.to_owned());
        let copied = Cell::new(0);
        let heap = Self { blocks, root, client, subnodes, names, copied, place };
        heap.check_maps(report);
        Ok(Some(heap))
    }

    fn check_maps(&self, report: &mut Report) {
        for (index, block) in self.blocks.iter().enumerate() {
            let header = if index == 0 {
                12
            } else if index % 128 == 8 {
                66
            } else {
                2
            };
            let map = usize::from(u16_at(block, 0));
            let count = usize::from(u16_at(block, map));
            let end = map + 4 + 2 * (count + 1);
            let place = format_args!("{} block {index}", self.place).to_string();
            // A block has no more allocations than there is room for.
            if end > block.len() {
                report.broke(Rule::HeapMapEnd, place);
                continue;
            }
            let starts: Vec<usize> =
                (0..=count).map(|at| usize::from(u16_at(block, map + 4 + 2 * at))).collect();
            let sizes = || starts.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
            let free = sizes().filter(|size| *size == 0).count();
            let rules = [
                (map % 2 == 0, Rule::HeapMapPlace),
                (starts[0] == header, Rule::HeapMapStart),
                (starts.is_sorted(), Rule::HeapMapOrder),
                (matches!(map.checked_sub(starts[count]), Some(0 | 1)), Rule::HeapMapGap),
                (usize::from(u16_at(block, map + 2)) == free, Rule::HeapMapFree),
                (sizes().all(|size| size <= 3580), Rule::HeapAllocation),
            ];
            if hold(&rules, place, report) {
                self.check_fill(index, 8176 - end.min(8176), report);
            }
        }
        self.check_absent(report);
    }

    /// Levels of blocks that are not there say nothing.
    fn check_absent(&self, report: &mut Report) {
        let (last, count) = match self.blocks.len() {
            blocks @ ..=8 => (0, blocks),
            blocks => ((blocks - 9) / 128 * 128 + 8, (blocks - 9) % 128 + 1),
        };
        let place = format_args!("{} block {last}", self.place).to_string();
        let levels = match last {
            0 => &self.blocks[0][8..12],
            _ => self.blocks[last].get(2..66).unwrap_or_default(),
        };
        let absent = (count..2 * levels.len()).map(|at| levels[at / 2] >> (at % 2 * 4) & 0xF);
        report.expect(absent.into_iter().all(|level| level == 0), Rule::HeapFillAlone, place);
    }

    /// A level says how much is free; Outlook lets old levels stand, so only one
    /// that promises more than there is breaks the rule.
    fn check_fill(&self, index: usize, free: usize, report: &mut Report) {
        let (holder, at, rule) = match index {
            0..8 => (0, 8 + index / 2, Rule::HeapFill),
            _ => ((index - 8) / 128 * 128 + 8, 2 + (index - 8) % 128 / 2, Rule::HeapBitmapFill),
        };
        let nibble = index % 2 * 4;
        let level = self.blocks[holder].get(at).map_or(0, |byte| byte >> nibble & 0xF);
        let promised = match level {
            0 => 3584,
            1 => 2560,
            2..=5 => 2560 - 256 * usize::from(level),
            6..=9 => 1024 - 256 * (usize::from(level) - 6),
            10..=14 => 128 >> (level - 10),
            _ => 0,
        };
        let place = format_args!("{} block {index}: level {level}", self.place).to_string();
        report.expect(promised <= free, rule, place);
    }

    /// The allocation of a heap id; the empty one for zero.
    pub fn get(&self, hid: u32) -> Option<&[u8]> {
        if hid == 0 {
            return Some(&[]);
        }
        let (block, index) = ((hid >> 16) as usize, (hid >> 5 & 0x7FF) as usize);
        let bytes = self.blocks.get(block)?;
        let map = usize::from(u16_at(bytes, 0));
        if hid & 0x1F != 0 || index == 0 || index > usize::from(u16_at(bytes, map)) {
            return None;
        }
        let start = usize::from(u16_at(bytes, map + 4 + 2 * (index - 1)));
        let end = usize::from(u16_at(bytes, map + 4 + 2 * index));
        bytes.get(start..end)
    }

    /// The same as a value, which a small heap may name again and again.
    pub fn copy(&self, hid: u32, report: &mut Report) -> Option<Vec<u8>> {
        const TIMES_MAX: usize = 8;
        const BESIDES: usize = 1 << 20;
        let bytes = self.get(hid)?;
        let before = self.copied.get();
        let most = TIMES_MAX * self.blocks.iter().map(Vec::len).sum::<usize>() + BESIDES;
        if before > most {
            return Some(Vec::new());
        }
        self.copied.set(before + bytes.len());
        report.expect(before + bytes.len() <= most, Rule::NamedAgain, &self.place);
        Some(bytes.to_vec())
    }

    /// A value in a subnode.
    pub fn node(&self, nid: u32, sizes: &BTreeMap<u32, u64>) -> Option<Held> {
        Some(Held::Node(self.subnode(nid)?.data, *sizes.get(&nid)?))
    }

    /// Whether a property has a number of its own, or one that stands for a name.
    pub fn knows(&self, id: u16) -> bool {
        usize::from(id) < 0x8000 + self.names
    }

    pub fn subnode(&self, nid: u32) -> Option<Node> {
        let at = self.subnodes.binary_search_by_key(&nid, |node| node.nid).ok()?;
        Some(self.subnodes[at])
    }

    /// Records of the B-tree whose header is at `hid`: key and data of each.
    pub fn tree(&self, hid: u32, sizes: (u8, u8), report: &mut Report) -> Vec<Vec<u8>> {
        let header = self.get(hid).unwrap_or_default();
        let rules = [
            (header.len() == 8, Rule::HeapTreeLength),
            (header.first() == Some(&0xB5), Rule::HeapTreeType),
            (header.get(1) == Some(&sizes.0), Rule::HeapTreeKeySize),
            (header.get(2) == Some(&sizes.1), Rule::HeapTreeDataSize),
        ];
        if !hold(&rules, &self.place, report) {
            return Vec::new();
        }
        let (key, data) = (usize::from(sizes.0), usize::from(sizes.1));
        let mut out = Vec::new();
        let root = u32_at(header, 4);
        report.expect(root != 0 || header[3] == 0, Rule::HeapTreeDepth, &self.place);
        if root != 0 {
            let mut seen = HashSet::new();
            self.tree_level(root, header[3], (key, data), (&mut out, &mut seen), report);
        }
        let number = |record: &Vec<u8>| {
            record[..key].iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let is_rising = out.windows(2).all(|pair| number(&pair[0]) < number(&pair[1]));
        report.expect(is_rising, Rule::HeapTreeOrder, &self.place);
        out
    }

    fn tree_level(
        &self,
        hid: u32,
        level: u8,
        (key, data): (usize, usize),
        (out, seen): (&mut Vec<Vec<u8>>, &mut HashSet<u32>),
        report: &mut Report,
    ) {
        let each = if level == 0 { key + data } else { key + 4 };
        let bytes = self.get(hid).unwrap_or_default();
        let rules = [
            (!bytes.is_empty(), Rule::HeapId),
            (level <= 8, Rule::HeapTreeDepth),
            (seen.insert(hid), Rule::HeapTreeLoop),
            (bytes.len().is_multiple_of(each), Rule::HeapTreeRecords),
        ];
        if !hold(&rules, format_args!("{} tree at {hid:#x}", self.place), report) {
            return;
        }
        for record in bytes.chunks(each) {
            if level == 0 {
                out.push(record.to_vec());
                continue;
            }
            let before = out.len();
            self.tree_level(u32_at(record, key), level - 1, (key, data), (out, seen), report);
            let is_first = out.get(before).is_some_and(|first| first[..key] == record[..key]);
            report.expect(is_first, Rule::HeapTreeFirstKey, &self.place);
        }
    }
}

/// A property's value as the file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    Fixed(u64),
    Bytes(Vec<u8>),
    /// In a subnode: its data, and its size.
    Node(u64, u64),
}

impl Held {
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Fixed(value) => Some(*value),
            _ => None,
        }
    }

    pub fn size(&self) -> u64 {
        match self {
            Self::Fixed(_) => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Node(_, size) => *size,
        }
    }
}

/// Properties by id: type and value.
pub type Properties = BTreeMap<u16, (u16, Held)>;

/// Bytes of values that are no pointers; none for the others.
pub fn fixed_width(kind: u16) -> Option<usize> {
    match kind {
        0x000B => Some(1),
        0x0002 => Some(2),
        0x0003 | 0x0004 | 0x000A => Some(4),
        0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => Some(8),
        _ => None,
    }
}

/// Reads a property context; values in subnodes by name and size only.
pub fn properties(
    heap: &Heap,
    sizes: &BTreeMap<u32, u64>,
    place: &str,
    report: &mut Report,
) -> Properties {
    let mut out = Properties::new();
    report.expect(heap.client == 0xBC, Rule::PropertyClient, place);
    for record in heap.tree(heap.root, (2, 6), report) {
        let (id, kind, value) = (u16_at(&record, 0), u16_at(&record, 2), u32_at(&record, 4));
        let (held, rule) = match fixed_width(kind) {
            Some(width @ 1..=4) => {
                let mask = u32::MAX >> (32 - 8 * width);
                (Some(Held::Fixed(u64::from(value & mask))), Rule::PropertyWidth)
            }
            Some(_) => match heap.get(value) {
                Some(bytes) if bytes.len() == 8 => {
                    (Some(Held::Fixed(u64_at(bytes, 0))), Rule::PropertyWidth)
                }
                Some(_) => (None, Rule::PropertyWidth),
                None => (None, Rule::PropertyHeapValue),
            },
            None if value & 0x1F == 0 => {
                (heap.copy(value, report).map(Held::Bytes), Rule::PropertyHeapValue)
            }
            None => (heap.node(value, sizes), Rule::PropertyNodeValue),
        };
        let is_known = matches!(
            kind,
            0x0001..=0x0007 | 0x000A | 0x000B | 0x000D | 0x0014 | 0x001E | 0x001F | 0x0040 | 0x0048
            | 0x0102 | 0x1002..=0x1007 | 0x1014 | 0x101E | 0x101F | 0x1040 | 0x1048 | 0x1102
        );
        let of = format_args!("{place}: property {id:04x}{kind:04x}").to_string();
        let rules = [
            (is_known, Rule::PropertyType),
            (heap.knows(id), Rule::NameKnown),
            (held.is_some(), rule),
        ];
        hold(&rules, &of, report);
        if let Some(held) = held {
            hold(&form::rules(kind, &held), &of, report);
            out.insert(id, (kind, held));
        }
    }
    out
}

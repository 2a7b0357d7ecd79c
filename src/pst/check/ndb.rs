//! The node database as read: header, both trees, blocks and their references.

use std::collections::HashMap;
use std::io::{self, Read, Seek};

use thiserror::Error;

use super::image::{self, Image, u16_at, u32_at, u64_at};
use super::maps::Map;
use super::rule::{Report, Rule, hold};
use super::{maps, pages};

pub struct Header {
    pub next_page: u64,
    pub next_block: u64,
    pub highest: Vec<u32>,
    pub end: u64,
    pub last_map: u64,
    pub free: u64,
    pub page_free: u64,
    pub nodes: (u64, u64),
    pub blocks: (u64, u64),
    is_encoded: bool,
}

#[derive(Clone, Copy)]
pub struct Block {
    pub id: u64,
    pub offset: u64,
    pub length: u16,
    pub stated: u16,
    pub found: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub nid: u32,
    pub data: u64,
    pub subnodes: u64,
    pub parent: u32,
    /// Of a block of subnodes that was gone through: what they name was counted then.
    pub is_counted: bool,
}

/// More is named again than a check can go through.
#[derive(Debug, Error)]
#[error("blocks are named again too often")]
pub struct TooMuch;

pub struct Database<R> {
    pub image: Image<R>,
    pub header: Header,
    blocks: Vec<Block>,
    pub nodes: Vec<Node>,
    /// Of data trees that were gone through, which a file may name any number of times:
    /// the level and the bytes.
    trees: HashMap<u64, (u8, u64)>,
    /// Bytes of what is below blocks of subnodes that were gone through.
    pub below: HashMap<u64, u64>,
    /// How many names the map of named properties has.
    pub names: usize,
    /// What may still be read of blocks: a small file can name its own again and again.
    bytes_left: u64,
}

/// A file may be read so many times over, and so much besides. Each block is read some
/// four times where nothing is shared, and counts for eight of its kind at the least.
const TIMES_READ_MAX: u64 = 64;
const READ_BESIDES: u64 = 16 << 20;
/// What a block costs besides its bytes.
const PER_BLOCK: u64 = 512;

const PAYLOAD: usize = 8176;

impl<R: Read + Seek> Database<R> {
    /// Reads header, maps, trees and every block; none if that makes no sense.
    pub fn open(mut image: Image<R>, report: &mut Report) -> io::Result<Option<Self>> {
        let Some(header) = read_header(&mut image, report)? else { return Ok(None) };
        let mut map = Map::read(&mut image, &header, report)?;
        let (mut blocks, mut nodes) = (Vec::new(), Vec::new());
        let ids = header.next_page;
        pages::walk(&mut image, header.blocks, 0x80, ids, &mut map, report, &mut |entry| {
            blocks.push(Block {
                id: u64_at(entry, 0),
                offset: u64_at(entry, 8),
                length: u16_at(entry, 16),
                stated: u16_at(entry, 18),
                found: 0,
            });
        })?;
        pages::walk(&mut image, header.nodes, 0x81, ids, &mut map, report, &mut |entry| {
            nodes.push(Node {
                nid: u32_at(entry, 0),
                data: u64_at(entry, 8),
                subnodes: u64_at(entry, 16),
                parent: u32_at(entry, 24),
                is_counted: false,
            });
        })?;
        for block in &blocks {
            check_block(&mut image, &header, block, &mut map, report)?;
        }
        map.finish(&header, report);
        maps::density_list(&mut image, header.next_page, report)?;
        report.blocks = blocks.len() as u64;
        report.nodes = nodes.len() as u64;
        let bytes_left = image.size.saturating_mul(TIMES_READ_MAX).saturating_add(READ_BESIDES);
        Ok(Some(Self {
            image,
            header,
            blocks,
            nodes,
            trees: HashMap::new(),
            below: HashMap::new(),
            names: 0,
            bytes_left,
        }))
    }

    pub fn node(&self, nid: u32) -> Option<Node> {
        let at = self.nodes.binary_search_by_key(&nid, |node| node.nid).ok()?;
        Some(self.nodes[at])
    }

    /// The leaves of a data tree, decoded.
    pub fn leaves(&mut self, id: u64) -> io::Result<Vec<Vec<u8>>> {
        let mut out = Vec::new();
        let ids = self.leaf_ids(id)?;
        // No tree has more leaves than there are blocks, whatever it says.
        for leaf in ids.into_iter().take(self.blocks.len()) {
            if let Some(mut bytes) = self.raw(leaf)? {
                if self.header.is_encoded {
                    image::decode(&mut bytes);
                }
                out.push(bytes);
            }
        }
        Ok(out)
    }

    /// How many blocks of data there are.
    pub fn leaf_count(&mut self, id: u64) -> io::Result<usize> {
        Ok(self.leaf_ids(id)?.len())
    }

    fn leaf_ids(&mut self, id: u64) -> io::Result<Vec<u64>> {
        if id & 2 == 0 {
            return Ok(if id == 0 { Vec::new() } else { vec![id] });
        }
        let mut out = Vec::new();
        for child in self.children(id)? {
            if child & 2 == 0 {
                out.push(child);
            } else {
                // Two levels at most; a third was reported when it was counted.
                let below = self.children(child)?;
                out.extend(below.into_iter().filter(|id| id & 2 == 0));
            }
        }
        Ok(out)
    }

    fn children(&mut self, id: u64) -> io::Result<Vec<u64>> {
        let Some(bytes) = self.raw(id)? else { return Ok(Vec::new()) };
        let count = usize::from(u16_at(&bytes, 2)).min(bytes.len().saturating_sub(8) / 8);
        Ok((0..count).map(|at| u64_at(&bytes, 8 + 8 * at)).collect())
    }

    /// Bytes of a node's data tree; each reference is counted once.
    pub fn refer_data(&mut self, node: &Node, report: &mut Report) -> io::Result<u64> {
        self.data_size(node.data, 2, !node.is_counted, report)
    }

    fn data_size(
        &mut self,
        id: u64,
        levels: u8,
        counts: bool,
        report: &mut Report,
    ) -> io::Result<u64> {
        if id == 0 {
            return Ok(0);
        }
        let Some(at) = self.refer(id, counts, report) else { return Ok(0) };
        if id & 2 == 0 {
            return Ok(u64::from(self.blocks[at].length));
        }
        // A shared tree refers to its children once.
        if let Some(&(level, total)) = self.trees.get(&id) {
            let is_level = (1..=levels).contains(&level);
            report.expect(is_level, Rule::DataTreeLevel, format_args!("block {id:#x}"));
            return Ok(total);
        }
        let Some(bytes) = self.raw(id)? else { return Ok(0) };
        // It may be of no bytes at all.
        let [kind, level] = u16_at(&bytes, 0).to_le_bytes();
        let count = usize::from(u16_at(&bytes, 2));
        let rules = [
            (kind == 1, Rule::DataTreeType),
            ((1..=levels).contains(&level), Rule::DataTreeLevel),
            (count > 0, Rule::DataTreeEmpty),
            (bytes.len() == 8 + 8 * count, Rule::DataTreeEntries),
        ];
        if !hold(&rules, format_args!("block {id:#x}"), report) {
            return Ok(0);
        }
        let mut total = 0;
        for place in 0..count {
            let child = u64_at(&bytes, 8 + 8 * place);
            let is_leaf = child & 2 == 0;
            let child_place = format_args!("child {child:#x} of block {id:#x}").to_string();
            report.expect(child != 0, Rule::DataTreeNull, &child_place);
            report.expect(is_leaf == (level == 1), Rule::DataTreeChild, &child_place);
            let size = self.data_size(child, level - 1, counts, report)?;
            let (full, rule) = match level {
                1 => (PAYLOAD, Rule::ShortLeaf),
                _ => (1021 * PAYLOAD, Rule::ShortBranch),
            };
            report.expect(place + 1 == count || size == full as u64, rule, &child_place);
            total += size;
        }
        report.expect(
            total == u64::from(u32_at(&bytes, 4)),
            Rule::DataTreeTotal,
            format_args!("block {id:#x}"),
        );
        self.trees.insert(id, (level, total));
        Ok(total)
    }

    /// Counts one more reference to a block whose own were counted.
    pub fn refer_again(&mut self, node: &Node, report: &mut Report) {
        self.refer(node.subnodes, !node.is_counted, report);
    }

    /// The nodes of a subnode tree that was visited before.
    pub fn refer_subnodes_again(&mut self, id: u64) -> io::Result<Vec<Node>> {
        let mut nodes = Vec::new();
        let mut silent = Report::default();
        if id != 0 {
            self.subnode_block(id, true, false, &mut nodes, &mut silent)?;
        }
        Ok(nodes)
    }

    /// The nodes of a node's subnode tree; each reference is counted once (2.2.2.7.7.3.1).
    pub fn refer_subnodes(&mut self, node: &Node, report: &mut Report) -> io::Result<Vec<Node>> {
        let (mut nodes, id) = (Vec::new(), node.subnodes);
        if id != 0 {
            self.subnode_block(id, true, !node.is_counted, &mut nodes, report)?;
        }
        let is_rising = nodes.windows(2).all(|pair| pair[0].nid < pair[1].nid);
        report.expect(is_rising, Rule::SubnodeOrder, format_args!("below block {id:#x}"));
        Ok(nodes)
    }

    fn subnode_block(
        &mut self,
        id: u64,
        may_branch: bool,
        counts: bool,
        nodes: &mut Vec<Node>,
        report: &mut Report,
    ) -> io::Result<()> {
        let Some(at) = self.refer(id, counts, report) else { return Ok(()) };
        // A block that several name refers to what it holds once.
        let is_counted = !counts || self.blocks[at].found > 1;
        let bytes = self.raw(id)?.unwrap_or_default();
        let (level, count) = (bytes.get(1).copied().unwrap_or(9), usize::from(u16_at(&bytes, 2)));
        let each = if level == 0 { 24 } else { 16 };
        let rules = [
            (id & 2 == 2, Rule::SubnodeInternal),
            (bytes.first() == Some(&2), Rule::SubnodeType),
            (level <= u8::from(may_branch), Rule::SubnodeLevel),
            (count > 0, Rule::SubnodeEmpty),
            (bytes.len() == 8 + each * count, Rule::SubnodeEntries),
        ];
        if !hold(&rules, format_args!("block {id:#x}"), report) {
            return Ok(());
        }
        report.expect(u32_at(&bytes, 4) == 0, Rule::SubnodePadding, format_args!("block {id:#x}"));
        for place in 0..count {
            let at = 8 + each * place;
            let nid = u32_at(&bytes, at);
            let child = u64_at(&bytes, at + 8);
            if level == 0 {
                let subnodes = u64_at(&bytes, at + 16);
                nodes.push(Node { nid, data: child, subnodes, parent: 0, is_counted });
                continue;
            }
            let before = nodes.len();
            self.subnode_block(child, false, !is_counted, nodes, report)?;
            let first = nodes.get(before).map(|node| node.nid);
            report.expect(
                first == Some(nid),
                Rule::SubnodeFirstKey,
                format_args!("block {child:#x}"),
            );
        }
        Ok(())
    }

    fn refer(&mut self, id: u64, counts: bool, report: &mut Report) -> Option<usize> {
        match self.blocks.binary_search_by_key(&(id & !1), |block| block.id & !1) {
            Ok(at) => {
                self.blocks[at].found += u32::from(counts);
                Some(at)
            }
            Err(_) => {
                report.broke(Rule::DanglingBlock, format_args!("block {id:#x}"));
                None
            }
        }
    }

    fn raw(&mut self, id: u64) -> io::Result<Option<Vec<u8>>> {
        let Ok(at) = self.blocks.binary_search_by_key(&(id & !1), |block| block.id & !1) else {
            return Ok(None);
        };
        let Block { offset, length, .. } = self.blocks[at];
        let left = self.bytes_left.checked_sub(PER_BLOCK + u64::from(length));
        self.bytes_left = left.ok_or_else(|| io::Error::other(TooMuch))?;
        self.image.bytes(offset, usize::from(length))
    }

    /// After all nodes were visited.
    pub fn check_references(&self, report: &mut Report) {
        for block in &self.blocks {
            report.expect(
                u32::from(block.stated) == block.found + 1,
                Rule::ReferenceCount,
                format_args!("block {:#x}: {} for {}", block.id, block.stated, block.found),
            );
            report.expect(
                block.found > 0,
                Rule::BlockUnused,
                format_args!("block {:#x}", block.id),
            );
        }
    }
}

fn read_header<R: Read + Seek>(
    image: &mut Image<R>,
    report: &mut Report,
) -> io::Result<Option<Header>> {
    let Some(bytes) = image.bytes(0, 564)? else {
        report.broke(Rule::HeaderLength, "shorter than a header");
        return Ok(None);
    };
    let rules = [
        (&bytes[0..4] == b"!BDN", Rule::HeaderMagic),
        (&bytes[8..10] == b"SM", Rule::HeaderClientMagic),
        (u16_at(&bytes, 10) == 23, Rule::HeaderVersion),
    ];
    if !hold(&rules, "not a Unicode PST", report) {
        return Ok(None);
    }
    let partial = image::checksum(&bytes[8..479]) == u32_at(&bytes, 4);
    report.expect(partial, Rule::HeaderPartialChecksum, "dwCRCPartial");
    let full = image::checksum(&bytes[8..524]) == u32_at(&bytes, 524);
    report.expect(full, Rule::HeaderFullChecksum, "dwCRCFull");
    report.expect(bytes[512] == 0x80, Rule::HeaderSentinel, "bSentinel");
    report.expect(u16_at(&bytes, 12) == 19, Rule::HeaderClientVersion, "wVerClient");
    report.expect(bytes[14..16] == [1, 1], Rule::HeaderPlatform, "bPlatformCreate and Access");
    let is_filled = |at: usize| bytes[at..at + 128].iter().all(|byte| *byte == 0xFF);
    report.expect(is_filled(256), Rule::HeaderFreeMap, "rgbFM");
    report.expect(is_filled(384), Rule::HeaderFreePageMap, "rgbFP");
    report.expect(bytes[513] <= 1, Rule::HeaderEncoding, "bCryptMethod");
    report.expect(bytes[248] == 2, Rule::MapsValid, "fAMapValid");
    let header = Header {
        next_page: u64_at(&bytes, 32),
        next_block: u64_at(&bytes, 516),
        highest: (0..32).map(|kind| u32_at(&bytes, 44 + 4 * kind)).collect(),
        end: u64_at(&bytes, 184),
        last_map: u64_at(&bytes, 192),
        free: u64_at(&bytes, 200),
        page_free: u64_at(&bytes, 208),
        nodes: (u64_at(&bytes, 216), u64_at(&bytes, 224)),
        blocks: (u64_at(&bytes, 232), u64_at(&bytes, 240)),
        is_encoded: bytes[513] == 1,
    };
    Ok(Some(header))
}

fn check_block<R: Read + Seek>(
    image: &mut Image<R>,
    header: &Header,
    block: &Block,
    map: &mut Map,
    report: &mut Report,
) -> io::Result<()> {
    let Block { id, offset, length, .. } = *block;
    let length = usize::from(length);
    let size = (length + 16).div_ceil(64) * 64;
    let place = format_args!("block {id:#x} at {offset:#x}").to_string();
    report.expect(offset % 64 == 0, Rule::BlockPlace, &place);
    report.expect(length <= PAYLOAD, Rule::BlockSize, &place);
    report.expect(length > 0, Rule::BlockEmpty, &place);
    map.take(offset, size as u64, &format_args!("block {id:#x}"), report);
    let Some(bytes) = image.bytes(offset, size)? else {
        report.broke(Rule::BlockBeyondEnd, &place);
        return Ok(());
    };
    let trailer = &bytes[size - 16..];
    let own = u64_at(trailer, 8);
    report.expect(usize::from(u16_at(trailer, 0)) == length, Rule::BlockLength, &place);
    let signature = image::signature(offset, own);
    report.expect(u16_at(trailer, 2) == signature, Rule::BlockSignature, &place);
    let checksum = image::checksum(&bytes[..length]);
    report.expect(u32_at(trailer, 4) == checksum, Rule::BlockChecksum, &place);
    report.expect(own & !1 == id & !1, Rule::BlockId, &place);
    report.expect(id & !3 < header.next_block & !3, Rule::BlockIdNext, &place);
    Ok(())
}

//! The file as it grows: one section of an allocation map at a time is in
//! memory, and each is written once, whole, in order.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::index::Index;
use super::spool::Spool;
use super::{BLOCK_PAYLOAD, Bid, Nid, Stored, codec, header};

/// Bytes that one allocation map answers for (MS-PST 2.2.2.7.2).
pub const SECTION_BYTES: usize = 0x3E000;
/// Where the first of them begins.
pub const SECTIONS_START: u64 = 0x4400;

const PAGE: usize = 512;
const SLOT: usize = 64;
const MAP_BYTES: usize = 496;

/// Page types (MS-PST 2.2.2.7.1).
mod page {
    pub const BLOCKS: u8 = 0x80;
    pub const NODES: u8 = 0x81;
    pub const FREE_MAP: u8 = 0x82;
    pub const PAGE_MAP: u8 = 0x83;
    pub const ALLOCATION_MAP: u8 = 0x84;
    pub const FREE_PAGE_MAP: u8 = 0x85;
}

/// The database under construction.
///
/// # Invariant
/// Every block that was written is referred to exactly once by the time of
/// `finish`, so that its reference count is two (MS-PST 2.2.2.7.7.3.1).
pub struct Ndb<W> {
    sink: W,
    section: Vec<u8>,
    /// The number of the section in memory; those before it are on disk.
    number: u64,
    cursor: usize,
    map: [u8; MAP_BYTES],
    free_bytes: u64,
    next_block: u64,
    next_page: u64,
    /// The highest index given out of each node type.
    highest: [u32; 32],
    blocks: Spool,
    messages: Spool,
    nodes: BTreeMap<Nid, (Stored, Nid)>,
}

impl<W: Write + Seek> Ndb<W> {
    /// Starts a file at the beginning of `sink`; `scratch` takes what must wait.
    pub fn create(mut sink: W, scratch: &Path) -> io::Result<Self> {
        sink.seek(SeekFrom::Start(0))?;
        // The header stays zero until the end: an interrupted file has no magic.
        sink.write_all(&[0; SECTIONS_START as usize])?;
        let mut highest = [0x400; 32];
        highest[0x03] = 0x4000;
        highest[0x04] = 0x1_0000;
        highest[0x08] = 0x8000;
        let mut ndb = Self {
            sink,
            section: vec![0; SECTION_BYTES],
            number: 0,
            cursor: 0,
            map: [0; MAP_BYTES],
            free_bytes: 0,
            next_block: 4,
            next_page: 1,
            highest,
            blocks: Spool::create(scratch, 24)?,
            messages: Spool::create(scratch, 32)?,
            nodes: BTreeMap::new(),
        };
        ndb.begin_section();
        Ok(ndb)
    }

    /// Bytes that the file would take if it ended here, trees included.
    pub fn projected_bytes(&self) -> u64 {
        let trees = self.blocks.len() * 27 + (self.messages.len() + self.nodes.len() as u64) * 37;
        SECTIONS_START + self.number * SECTION_BYTES as u64 + self.cursor as u64 + trees
    }

    /// A data block: encoded, at most `BLOCK_PAYLOAD` bytes.
    pub fn write_data(&mut self, payload: &[u8]) -> io::Result<Bid> {
        let bid = Bid(self.next_block);
        self.write_block(payload, bid)
    }

    /// An internal block (XBLOCK, SLBLOCK and their parents): not encoded.
    pub fn write_internal(&mut self, payload: &[u8]) -> io::Result<Bid> {
        let bid = Bid(self.next_block | 2);
        self.write_block(payload, bid)
    }

    /// Names a message's node; they must come in rising order.
    pub fn add_message(&mut self, nid: Nid, stored: Stored, parent: Nid) -> io::Result<()> {
        self.note(nid);
        self.messages.push(&node_entry(nid, stored, parent))
    }

    /// Names any other node.
    pub fn add_node(&mut self, nid: Nid, stored: Stored, parent: Nid) {
        self.note(nid);
        self.nodes.insert(nid, (stored, parent));
    }

    /// Remembers that an index of a node type is taken, in a subnode tree too.
    pub fn note(&mut self, nid: Nid) {
        let highest = &mut self.highest[nid.kind()];
        *highest = (*highest).max(nid.index());
    }

    /// Writes the trees, the last maps and, after `sync`, the header.
    ///
    /// A crash before the last write leaves a file without magic.
    pub fn finish(
        mut self,
        sync: &mut dyn FnMut(&mut W) -> io::Result<()>,
    ) -> io::Result<(W, u64)> {
        let nodes = self.write_node_tree()?;
        let blocks = self.write_block_tree()?;
        self.end_section()?;
        let sections = self.number;
        let end = SECTIONS_START + sections * SECTION_BYTES as u64;
        let list_bid = self.next_page;
        self.next_page += 1;
        self.sink.seek(SeekFrom::Start(header::DENSITY_LIST_OFFSET))?;
        self.sink.write_all(&header::density_list(list_bid))?;
        self.sink.flush()?;
        sync(&mut self.sink)?;
        let header = header::Header {
            next_page: self.next_page,
            next_block: self.next_block,
            highest: self.highest,
            end,
            last_map: end - SECTION_BYTES as u64,
            free_bytes: self.free_bytes,
            nodes,
            blocks,
        };
        self.sink.seek(SeekFrom::Start(0))?;
        self.sink.write_all(&header.encode())?;
        self.sink.flush()?;
        sync(&mut self.sink)?;
        Ok((self.sink, end))
    }

    /// Passes over sections without writing more than their maps.
    #[cfg(test)]
    pub fn leave_empty(&mut self, sections: u64) -> io::Result<()> {
        self.end_section()?;
        for _ in 0..sections {
            self.begin_section();
            self.seal_maps();
            self.sink.write_all(&self.section[..4 * PAGE])?;
            self.sink.seek(SeekFrom::Current((SECTION_BYTES - 4 * PAGE) as i64))?;
            self.number += 1;
        }
        self.begin_section();
        Ok(())
    }

    fn write_block(&mut self, payload: &[u8], bid: Bid) -> io::Result<Bid> {
        debug_assert!(!payload.is_empty() && payload.len() <= BLOCK_PAYLOAD);
        let size = (payload.len() + 16).next_multiple_of(SLOT);
        let at = self.allocate(size, SLOT)?;
        let offset = self.offset(at);
        let block = &mut self.section[at..at + size];
        block[..payload.len()].copy_from_slice(payload);
        if bid.0 & 2 == 0 {
            codec::permute(&mut block[..payload.len()]);
        }
        let length = payload.len() as u16;
        let crc = codec::crc(&block[..payload.len()]);
        let trailer = &mut block[size - 16..];
        trailer[0..2].copy_from_slice(&length.to_le_bytes());
        trailer[2..4].copy_from_slice(&codec::signature(offset, bid.0).to_le_bytes());
        trailer[4..8].copy_from_slice(&crc.to_le_bytes());
        trailer[8..16].copy_from_slice(&bid.0.to_le_bytes());
        let mut entry = [0; 24];
        entry[0..8].copy_from_slice(&bid.0.to_le_bytes());
        entry[8..16].copy_from_slice(&offset.to_le_bytes());
        entry[16..18].copy_from_slice(&length.to_le_bytes());
        entry[18..20].copy_from_slice(&2_u16.to_le_bytes());
        self.blocks.push(&entry)?;
        self.next_block += 4;
        Ok(bid)
    }

    /// A page of a tree; its name and place.
    pub(super) fn write_page(
        &mut self,
        body: &[u8; MAP_BYTES],
        kind: u8,
    ) -> io::Result<(u64, u64)> {
        let at = self.allocate(PAGE, PAGE)?;
        let offset = self.offset(at);
        let bid = self.next_page;
        self.next_page += 1;
        let page = &mut self.section[at..at + PAGE];
        page[..MAP_BYTES].copy_from_slice(body);
        seal_page(page, kind, codec::signature(offset, bid), bid);
        Ok((bid, offset))
    }

    fn offset(&self, at: usize) -> u64 {
        SECTIONS_START + self.number * SECTION_BYTES as u64 + at as u64
    }

    /// Room for `size` bytes that crosses no map (MS-PST 2.6.1.1.2).
    fn allocate(&mut self, size: usize, align: usize) -> io::Result<usize> {
        if self.cursor.next_multiple_of(align) + size > SECTION_BYTES {
            self.end_section()?;
            self.begin_section();
        }
        let at = self.cursor.next_multiple_of(align);
        self.mark(at, size);
        self.cursor = at + size;
        Ok(at)
    }

    fn mark(&mut self, at: usize, size: usize) {
        for slot in at / SLOT..(at + size) / SLOT {
            self.map[slot / 8] |= 0x80 >> (slot % 8);
        }
    }

    fn begin_section(&mut self) {
        self.section.fill(0);
        self.map = [0; MAP_BYTES];
        let pages = map_pages(self.number).len();
        self.mark(0, pages * PAGE);
        self.cursor = pages * PAGE;
    }

    fn end_section(&mut self) -> io::Result<()> {
        self.seal_maps();
        self.sink.write_all(&self.section)?;
        self.number += 1;
        Ok(())
    }

    fn seal_maps(&mut self) {
        for (place, kind) in map_pages(self.number).iter().enumerate() {
            let offset = self.offset(place * PAGE);
            let page = &mut self.section[place * PAGE..(place + 1) * PAGE];
            // The other maps are not used to find room since 2007, but must be
            // there with their checksums (MS-PST 2.2.2.7.3 to .6).
            match *kind {
                page::ALLOCATION_MAP => page[..MAP_BYTES].copy_from_slice(&self.map),
                _ => page[..MAP_BYTES].fill(0xFF),
            }
            seal_page(page, *kind, 0, offset);
        }
        let taken: u32 = self.map.iter().map(|byte| byte.count_ones()).sum();
        self.free_bytes += SECTION_BYTES as u64 - u64::from(taken) * SLOT as u64;
    }

    fn write_node_tree(&mut self) -> io::Result<(u64, u64)> {
        let mut messages = self.messages.read()?;
        let mut others = std::mem::take(&mut self.nodes).into_iter().peekable();
        let mut tree = Index::new(page::NODES, 32);
        while let Some(message) = messages.next()? {
            let key = u32::from_le_bytes([message[0], message[1], message[2], message[3]]);
            let message: [u8; 32] = message.try_into().map_err(io::Error::other)?;
            while let Some((nid, (stored, parent))) = others.next_if(|(nid, _)| nid.0 < key) {
                tree.push(self, &node_entry(nid, stored, parent))?;
            }
            tree.push(self, &message)?;
        }
        for (nid, (stored, parent)) in others {
            tree.push(self, &node_entry(nid, stored, parent))?;
        }
        tree.finish(self)
    }

    fn write_block_tree(&mut self) -> io::Result<(u64, u64)> {
        let mut blocks = self.blocks.read()?;
        let mut tree = Index::new(page::BLOCKS, 24);
        while let Some(entry) = blocks.next()? {
            let entry: [u8; 24] = entry.try_into().map_err(io::Error::other)?;
            tree.push(self, &entry)?;
        }
        tree.finish(self)
    }
}

/// Reads exactly what is asked for, or less at the end of `source`.
pub fn read_full(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The map pages at the head of a section, in their order.
///
/// The first free map is that of section 128 and the first free page map that
/// of section 8192: the header's own fields stand for those before.
fn map_pages(section: u64) -> &'static [u8] {
    use page::{ALLOCATION_MAP, FREE_MAP, FREE_PAGE_MAP, PAGE_MAP};
    let has_pages = section.is_multiple_of(8);
    let has_free = section >= 128 && (section - 128).is_multiple_of(496);
    let has_free_pages = section >= 8192 && (section - 8192).is_multiple_of(496 * 64);
    match (has_pages, has_free, has_free_pages) {
        (true, true, true) => &[ALLOCATION_MAP, PAGE_MAP, FREE_MAP, FREE_PAGE_MAP],
        (true, true, false) => &[ALLOCATION_MAP, PAGE_MAP, FREE_MAP],
        (true, false, true) => &[ALLOCATION_MAP, PAGE_MAP, FREE_PAGE_MAP],
        (true, false, false) => &[ALLOCATION_MAP, PAGE_MAP],
        // 128, 496 and 8192 are multiples of eight, so the others come with it.
        (false, ..) => &[ALLOCATION_MAP],
    }
}

fn seal_page(page: &mut [u8], kind: u8, signature: u16, bid: u64) {
    let crc = codec::crc(&page[..MAP_BYTES]);
    page[496] = kind;
    page[497] = kind;
    page[498..500].copy_from_slice(&signature.to_le_bytes());
    page[500..504].copy_from_slice(&crc.to_le_bytes());
    page[504..512].copy_from_slice(&bid.to_le_bytes());
}

fn node_entry(nid: Nid, stored: Stored, parent: Nid) -> [u8; 32] {
    let mut entry = [0; 32];
    entry[0..4].copy_from_slice(&nid.0.to_le_bytes());
    entry[8..16].copy_from_slice(&stored.data.0.to_le_bytes());
    entry[16..24].copy_from_slice(&stored.subnodes.0.to_le_bytes());
    entry[24..28].copy_from_slice(&parent.0.to_le_bytes());
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_where_the_format_has_them() {
        assert_eq!(map_pages(0), [0x84, 0x83]);
        assert_eq!(map_pages(1), [0x84]);
        assert_eq!(map_pages(128), [0x84, 0x83, 0x82]);
        assert_eq!(map_pages(8192), [0x84, 0x83, 0x85]);
        let offset = SECTIONS_START + 8192 * SECTION_BYTES as u64 + 0x400;
        assert_eq!(offset, 0x7C00_4800);
    }
}

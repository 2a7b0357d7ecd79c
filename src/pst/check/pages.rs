//! The pages of the two B-trees (2.2.2.7.7).

use std::io::{self, Read, Seek};

use super::image::{self, Image, u16_at, u32_at, u64_at};
use super::maps::Map;
use super::rule::{Report, Rule, hold};

/// Deeper than any file of 64 bits could need: stops loops.
const LEVELS_MAX: u8 = 16;

/// What a parent says of a page.
struct Expected {
    id: u64,
    offset: u64,
    level: Option<u8>,
    first: Option<u64>,
}

struct Walk<'w, R> {
    image: &'w mut Image<R>,
    kind: u8,
    next_id: u64,
    map: &'w mut Map,
    report: &'w mut Report,
    last_key: Option<u64>,
}

/// Hands every leaf entry of the tree at `root` to `each`, in order.
pub fn walk<R: Read + Seek>(
    image: &mut Image<R>,
    root: (u64, u64),
    kind: u8,
    next_id: u64,
    map: &mut Map,
    report: &mut Report,
    each: &mut dyn FnMut(&[u8]),
) -> io::Result<()> {
    let mut walk = Walk { image, kind, next_id, map, report, last_key: None };
    walk.page(&Expected { id: root.0, offset: root.1, level: None, first: None }, each)
}

impl<R: Read + Seek> Walk<'_, R> {
    fn page(&mut self, expected: &Expected, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let Expected { id, offset, level, first } = *expected;
        let place = format!("page {id:#x} at {offset:#x}");
        if offset % 512 != 0 {
            self.report.broke(Rule::PagePlace, &place);
            return Ok(());
        }
        let Some(bytes) = self.image.bytes(offset, 512)? else {
            self.report.broke(Rule::PageBeyondEnd, &place);
            return Ok(());
        };
        // A page that another names too would be visited without end.
        if !self.map.take(offset, 512, &place, self.report) {
            return Ok(());
        }
        let own = u64_at(&bytes, 504);
        let is_typed = bytes[496] == self.kind && bytes[497] == self.kind;
        let checksum = image::checksum(&bytes[..496]);
        self.report.expect(u32_at(&bytes, 500) == checksum, Rule::PageChecksum, &place);
        let signature = image::signature(offset, own);
        self.report.expect(u16_at(&bytes, 498) == signature, Rule::PageSignature, &place);
        self.report.expect(own == id, Rule::PageId, &place);
        self.report.expect(own < self.next_id, Rule::PageIdNext, &place);
        let is_new = self.map.page_ids.insert(own);
        self.report.expect(is_new, Rule::PageIdAgain, &place);
        let (count, most, each_bytes, at_level) =
            (usize::from(bytes[488]), usize::from(bytes[489]), usize::from(bytes[490]), bytes[491]);
        let wanted = if at_level == 0 && self.kind == 0x81 { 32 } else { 24 };
        let rules = [
            (is_typed, Rule::PageType),
            (level.is_none_or(|level| level == at_level), Rule::TreeLevel),
            (at_level < LEVELS_MAX, Rule::TreeDepth),
            (each_bytes == wanted, Rule::TreeEntrySize),
            (most == 488 / wanted, Rule::TreeEntriesMax),
            (count <= most, Rule::TreeEntries),
            (count > 0 || level.is_none(), Rule::TreeEmpty),
        ];
        if !hold(&rules, &place, self.report) {
            return Ok(());
        }
        for (index, entry) in bytes[..count * wanted].chunks(wanted).enumerate() {
            // Bit 0 of a block id is reserved and not part of the key.
            let key = u64_at(entry, 0) & if self.kind == 0x80 { !1 } else { !0 };
            if index == 0 {
                let is_first = first.is_none_or(|first| first == key);
                self.report.expect(is_first, Rule::TreeFirstKey, &place);
            }
            if at_level > 0 {
                let child = Expected {
                    id: u64_at(entry, 8),
                    offset: u64_at(entry, 16),
                    level: Some(at_level - 1),
                    first: Some(key),
                };
                self.page(&child, each)?;
                continue;
            }
            let is_rising = self.last_key.is_none_or(|last| last < key);
            self.report.expect(is_rising, Rule::TreeOrder, &place);
            self.last_key = Some(key);
            each(entry);
        }
        Ok(())
    }
}

//! The allocation map and the pages beside it (2.2.2.7.2 to 2.2.2.7.6).

use std::collections::HashSet;
use std::fmt::Display;
use std::io::{self, Read, Seek};

use super::image::{self, Image, u16_at, u32_at, u64_at};
use super::ndb::Header;
use super::rule::{Report, Rule};

const START: u64 = 0x4400;
const EACH: u64 = 0x3E000;
const SLOT: u64 = 64;
const PAGE: u64 = 512;

/// What the file marks as used, and what was found to be used.
pub struct Map {
    marked: Vec<u8>,
    used: Vec<u8>,
    /// Of the pages of both trees.
    pub page_ids: HashSet<u64>,
}

impl Map {
    pub fn read<R: Read + Seek>(
        image: &mut Image<R>,
        header: &Header,
        report: &mut Report,
    ) -> io::Result<Self> {
        let size = image.size;
        let place = format_args!("{:#x} stated, {size:#x} there", header.end).to_string();
        report.expect(header.end == size, Rule::FileEnd, &place);
        let is_whole = size > START && (size - START).is_multiple_of(EACH);
        report.expect(is_whole, Rule::FileWhole, &place);
        let count = size.saturating_sub(START) / EACH;
        let last = START + count.saturating_sub(1) * EACH;
        report.expect(header.last_map == last, Rule::LastMap, format_args!("{last:#x}"));
        let mut map = Self {
            marked: Vec::new(),
            used: vec![0; count as usize * 496],
            page_ids: HashSet::new(),
        };
        for number in 0..count {
            let at = START + number * EACH;
            let body = map.page(image, at, 0x84, Rule::AllocationMap, report)?;
            map.marked.extend_from_slice(&body[..496]);
            let mut place = at + PAGE;
            for (kind, rule, is_here) in [
                (0x83, Rule::PageMap, number % 8 == 0),
                (0x82, Rule::FreeMap, number >= 128 && (number - 128) % 496 == 0),
                (0x85, Rule::FreePageMap, number >= 8192 && (number - 8192) % (496 * 64) == 0),
            ] {
                if is_here {
                    let body = map.page(image, place, kind, rule, report)?;
                    let is_unused = body[..496].iter().all(|byte| *byte == 0xFF);
                    report.expect(is_unused, Rule::MapUnused, format_args!("page at {place:#x}"));
                    place += PAGE;
                }
            }
        }
        Ok(map)
    }

    /// A page in the place of a map: its id is its place, its signature zero.
    fn page<R: Read + Seek>(
        &mut self,
        image: &mut Image<R>,
        at: u64,
        kind: u8,
        rule: Rule,
        report: &mut Report,
    ) -> io::Result<Vec<u8>> {
        let bytes = image.bytes(at, PAGE as usize)?.unwrap_or_else(|| vec![0; PAGE as usize]);
        let place = format_args!("page at {at:#x}").to_string();
        report.expect(bytes[496..498] == [kind, kind], rule, &place);
        report.expect(u16_at(&bytes, 498) == 0, Rule::MapSignature, &place);
        let checksum = image::checksum(&bytes[..496]);
        report.expect(u32_at(&bytes, 500) == checksum, Rule::MapChecksum, &place);
        report.expect(u64_at(&bytes, 504) == at, Rule::MapId, &place);
        self.take(at, PAGE, &format_args!("map page {kind:#x}"), report);
        Ok(bytes)
    }

    /// Notes that `what` uses so many bytes; whether they are its own.
    pub fn take(&mut self, at: u64, size: u64, what: &dyn Display, report: &mut Report) -> bool {
        let Some(from) = at.checked_sub(START).map(|at| at / SLOT) else {
            report.broke(Rule::InHeader, what);
            return false;
        };
        let slots = size / SLOT;
        let per_map = EACH / SLOT;
        if slots > 0 && from / per_map != (from + slots - 1) / per_map {
            report.broke(Rule::CrossesMap, format_args!("{what} at {at:#x}"));
        }
        for slot in from..from + slots {
            let Some(byte) = self.used.get_mut((slot / 8) as usize) else {
                // Beyond the end: reported by whoever reads it.
                return false;
            };
            let bit = 0x80 >> (slot % 8);
            if *byte & bit != 0 {
                report.broke(Rule::Overlap, format_args!("{what} at {at:#x}"));
                return false;
            }
            *byte |= bit;
        }
        true
    }

    /// After all pages and blocks were taken.
    pub fn finish(&self, header: &Header, report: &mut Report) {
        let (mut free, mut missing, mut unused) = (0, 0, 0);
        for (marked, used) in self.marked.iter().zip(&self.used) {
            free += u64::from(marked.count_zeros());
            missing += u64::from((used & !marked).count_ones());
            unused += u64::from((marked & !used).count_ones());
        }
        report.expect(
            free * SLOT == header.free,
            Rule::FreeBytes,
            format_args!("{:#x} stated, {:#x} counted", header.free, free * SLOT),
        );
        report.expect(missing == 0, Rule::UsedMarkedFree, format_args!("{missing} slots"));
        report.expect(
            unused * SLOT == header.page_free,
            Rule::FreeMarkedUsed,
            format_args!("{unused} slots for {} bytes", header.page_free),
        );
    }
}

/// The page at 0x4200, where it is in use.
pub fn density_list<R: Read + Seek>(
    image: &mut Image<R>,
    next_page: u64,
    report: &mut Report,
) -> io::Result<()> {
    let Some(bytes) = image.bytes(0x4200, PAGE as usize)? else { return Ok(()) };
    // Files from before it have none.
    if bytes[496..498] == [0, 0] {
        return Ok(());
    }
    let place = "page at 0x4200";
    report.expect(bytes[496..498] == [0x86, 0x86], Rule::DensityListType, place);
    let checksum = image::checksum(&bytes[..496]);
    report.expect(u32_at(&bytes, 500) == checksum, Rule::DensityListChecksum, place);
    let signature = image::signature(0x4200, u64_at(&bytes, 504));
    report.expect(u16_at(&bytes, 498) == signature, Rule::DensityListSignature, place);
    report.expect(u64_at(&bytes, 504) <= next_page, Rule::DensityListId, place);
    Ok(())
}

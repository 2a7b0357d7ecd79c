//! The map of named properties (2.4.7).

use super::heap::Properties;
use super::image::{checksum, u16_at, u32_at};
use super::object::{bytes, number};
use super::rule::{Report, Rule};

const FIRST_BUCKET: u16 = 0x1000;

pub fn check(properties: &Properties, report: &mut Report) {
    let buckets = number(properties, 0x0001).unwrap_or_default() as u32;
    if buckets == 0 {
        return report.broke(Rule::NameMap, "no bucket count");
    }
    let (guids, entries, strings) =
        (bytes(properties, 0x0002), bytes(properties, 0x0003), bytes(properties, 0x0004));
    let is_whole = guids.len() % 16 == 0 && entries.len() % 8 == 0;
    report.expect(is_whole, Rule::NameMap, "streams");
    for (index, entry) in entries.chunks_exact(8).enumerate() {
        let (id, kind, number) = (u32_at(entry, 0), u16_at(entry, 4), u16_at(entry, 6));
        let guid = usize::from(kind >> 1);
        let mut is_sound = usize::from(number) == index && guid <= 2 + guids.len() / 16;
        let hash = if kind & 1 == 1 {
            // A name: its offset here, its checksum in the bucket.
            let at = id as usize;
            let length = u32_at(strings, at) as usize;
            let name = strings.get(at + 4..at + 4 + length);
            is_sound &= at + 4 <= strings.len() && length.is_multiple_of(2) && name.is_some();
            checksum(name.unwrap_or_default())
        } else {
            id
        };
        let bucket = (hash ^ u32::from(kind)) % buckets;
        let record = [&hash.to_le_bytes()[..], &entry[4..8]].concat();
        let held = bytes(properties, FIRST_BUCKET + bucket as u16);
        is_sound &= held.chunks_exact(8).any(|found| found == record);
        report.expect(is_sound, Rule::NameMap, format_args!("entry {index}"));
    }
    let hashed: usize = properties
        .keys()
        .filter(|id| {
            (u32::from(FIRST_BUCKET)..u32::from(FIRST_BUCKET) + buckets).contains(&u32::from(**id))
        })
        .map(|id| bytes(properties, *id).len())
        .sum();
    report.expect(hashed == entries.len(), Rule::NameMap, "buckets hold what the entries do");
}

//! The map of named properties (2.4.7).

use std::collections::HashSet;
use std::io;

use super::heap::Properties;
use super::image::{checksum, u16_at, u32_at};
use super::ndb::TooMuch;
use super::object::{bytes, number};
use super::rule::{Report, Rule};

const BUCKETS: u32 = 251;
const FIRST_BUCKET: u16 = 0x1000;

/// Names lie behind each other; so many times over, one may be named again.
const TIMES_READ_MAX: usize = 64;

pub fn check(properties: &Properties, report: &mut Report) -> io::Result<()> {
    let buckets = number(properties, 0x0001).unwrap_or_default() as u32;
    let is_integer = properties.get(&0x0001).is_some_and(|(kind, _)| *kind == 3);
    let is_it = is_integer && buckets == BUCKETS;
    report.expect(is_it, Rule::NameBuckets, format_args!("{buckets} buckets"));
    let of_map = |id: u16| matches!(id, 0x0002..=0x0004) || is_bucket(id, BUCKETS);
    for (id, (kind, _)) in properties.iter().filter(|(id, _)| of_map(**id)) {
        report.expect(*kind == 0x102, Rule::NameType, format_args!("{id:04x}"));
    }
    if buckets == 0 {
        return Ok(());
    }
    let (guids, entries, strings) =
        (bytes(properties, 0x0002), bytes(properties, 0x0003), bytes(properties, 0x0004));
    report.expect(guids.len() % 16 == 0, Rule::NameGuids, "GUIDs");
    report.expect(entries.len() % 8 == 0, Rule::NameEntries, "entries");
    let of_buckets = || properties.iter().filter(|(id, _)| is_bucket(**id, buckets));
    let held: HashSet<(u16, &[u8])> = of_buckets()
        .flat_map(|(id, _)| bytes(properties, *id).chunks_exact(8).map(|record| (*id, record)))
        .collect();
    let mut bytes_left = strings.len() * TIMES_READ_MAX;
    for (index, entry) in entries.chunks_exact(8).enumerate() {
        let (id, kind, number) = (u32_at(entry, 0), u16_at(entry, 4), u16_at(entry, 6));
        let place = format!("entry {index}");
        report.expect(usize::from(number) == index, Rule::NameNumber, &place);
        let is_guid = usize::from(kind >> 1) <= 2 + guids.len() / 16;
        report.expect(is_guid, Rule::NameGuid, &place);
        let hash = if kind & 1 == 1 {
            // A name: its offset here, its checksum in the bucket.
            let at = id as usize;
            let length = u32_at(strings, at) as usize;
            let is_counted = at + 4 <= strings.len();
            let name = strings.get(at + 4..at + 4 + length).filter(|_| is_counted);
            report.expect(name.is_some(), Rule::NameString, &place);
            report.expect(length.is_multiple_of(2), Rule::NameText, &place);
            let name = name.unwrap_or_default();
            let left = bytes_left.checked_sub(name.len());
            bytes_left = left.ok_or_else(|| io::Error::other(TooMuch))?;
            checksum(name)
        } else {
            id
        };
        let bucket = (hash ^ u32::from(kind)) % buckets;
        let record = [&hash.to_le_bytes()[..], &entry[4..8]].concat();
        let is_held = held.contains(&(FIRST_BUCKET + bucket as u16, &record[..]));
        report.expect(is_held, Rule::NameBucket, &place);
    }
    let hashed: usize = of_buckets().map(|(id, _)| bytes(properties, *id).len()).sum();
    report.expect(hashed == entries.len(), Rule::NameHashed, "buckets hold what the entries do");
    Ok(())
}

/// Whether a property is one of so many buckets.
fn is_bucket(id: u16, buckets: u32) -> bool {
    id.checked_sub(FIRST_BUCKET).is_some_and(|bucket| u32::from(bucket) < buckets)
}

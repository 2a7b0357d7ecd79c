//! The named properties that we write, and the map that names them (MS-PST 2.4.7).

use std::io::{self, Seek, Write};

use crate::pst::ltp::{Property, text_bytes, write_properties};
use crate::pst::ndb::{Ndb, Stored, codec};

/// `PS_INTERNET_HEADERS`, {00020386-0000-0000-C000-000000000046}.
const INTERNET_HEADERS: [u8; 16] = [0x86, 0x03, 0x02, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46];

/// Names in the order of their ids, from 0x8000 up.
const NAMES: [&str; 6] = [
    "x-muniment-record-id",
    "x-muniment-sha256",
    "x-muniment-recipient-source",
    "x-muniment-exceptions",
    "x-muniment-mime-structure",
    "content-type",
];
pub const RECORD_ID: u16 = 0x8000;
pub const SHA256: u16 = 0x8001;
/// On recipients: `envelope` where no header names this one.
pub const RECIPIENT_SOURCE: u16 = 0x8002;
/// What could not be carried, a line each.
pub const EXCEPTIONS: u16 = 0x8003;
/// Bytes of the message that are in none of its parts, as they came.
pub const STRUCTURE: u16 = 0x8004;
/// PidNameContentType, of what is signed or encrypted (MS-OXOSMIME 2.1.3.2).
pub const CONTENT_TYPE: u16 = 0x8005;

const BUCKETS: u32 = 251;
const BUCKET_COUNT: u16 = 0x0001;
const GUIDS: u16 = 0x0002;
const ENTRIES: u16 = 0x0003;
const STRINGS: u16 = 0x0004;
const FIRST_BUCKET: u16 = 0x1000;
/// The first GUID of the stream, and the bit that says that the name is a string.
const GUID_AND_KIND: u16 = 3 << 1 | 1;

pub fn write_map<W: Write + Seek>(ndb: &mut Ndb<W>) -> io::Result<Stored> {
    let mut entries = Vec::new();
    let mut strings = Vec::new();
    let mut buckets: std::collections::BTreeMap<u16, Vec<u8>> = std::collections::BTreeMap::new();
    for (index, name) in NAMES.iter().enumerate() {
        let name = text_bytes(name);
        entries.extend(nameid(strings.len() as u32, index));
        strings.extend((name.len() as u32).to_le_bytes());
        strings.extend(&name);
        strings.resize(strings.len().next_multiple_of(4), 0);
        // In a bucket the checksum stands in the place of the offset (2.4.7.6).
        let hash = codec::crc(&name);
        let bucket = (hash ^ u32::from(GUID_AND_KIND)) % BUCKETS;
        buckets.entry(FIRST_BUCKET + bucket as u16).or_default().extend(nameid(hash, index));
    }
    let mut properties = vec![
        Property::integer(BUCKET_COUNT, BUCKETS as i32),
        Property::binary(GUIDS, INTERNET_HEADERS),
        Property::binary(ENTRIES, entries),
        Property::binary(STRINGS, strings),
    ];
    properties.extend(buckets.into_iter().map(|(id, bytes)| Property::binary(id, bytes)));
    write_properties(ndb, properties)
}

fn nameid(id: u32, index: usize) -> [u8; 8] {
    let mut out = [0; 8];
    out[0..4].copy_from_slice(&id.to_le_bytes());
    out[4..6].copy_from_slice(&GUID_AND_KIND.to_le_bytes());
    out[6..8].copy_from_slice(&(index as u16).to_le_bytes());
    out
}

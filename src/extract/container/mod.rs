//! Files that hold files. Each reader gives what it finds to the family's walk
//! and asks it for room; none keeps more than one document in memory.

pub(super) mod mbox;
pub(super) mod packed;
pub(super) mod pst;
pub(super) mod sevenz;
pub(super) mod tar;
pub(super) mod tnef;
pub(super) mod zip;

use std::io::Read;

use super::Reason;
use super::family::Walk;

/// What could be unpacked, and why it ends early if it does.
pub(super) struct Unpacked {
    pub bytes: Vec<u8>,
    pub problem: Option<(Reason, &'static str)>,
}

/// Reads to the end or as far as there is room, and counts it.
pub(super) fn unpack(walk: &mut Walk<'_>, source: impl Read) -> Unpacked {
    let room = walk.room();
    let unpacked = read_within(source, room);
    walk.expanded(unpacked.bytes.len());
    unpacked
}

pub(super) fn read_within(source: impl Read, room: usize) -> Unpacked {
    let mut bytes = Vec::new();
    let read = source.take(room as u64 + 1).read_to_end(&mut bytes);
    let problem = if bytes.len() > room {
        bytes.truncate(room);
        Some((Reason::TooLarge, "it unpacks to more than is read"))
    } else if read.is_err() {
        Some((Reason::Damaged, "it is cut off or damaged"))
    } else {
        None
    };
    Unpacked { bytes, problem }
}

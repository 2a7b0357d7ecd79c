//! Zip archives (APPNOTE 6.3), by the central directory; where that is gone, by
//! the headers before each entry, so that what is cut off is still read.

use std::ops::Range;

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::super::bytes::{u16_at, u32_at, u64_at};
use super::super::family::{self, Named, Place, Walk};
use super::super::locked::zip::Lock;
use super::super::locked::{self, Passwords};
use super::super::sink::Sink;
use super::super::{Reason, charset};
use super::{Unpacked, read_within};
use crate::base::limits;

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";

pub(in crate::extract) struct Archive<'a> {
    bytes: &'a [u8],
    pub entries: Vec<Entry>,
    pub comment: &'a [u8],
    /// Read without its directory.
    pub is_recovered: bool,
    /// It has more entries than are read.
    pub is_cut: bool,
}

#[derive(Clone, Debug)]
pub(in crate::extract) struct Entry {
    pub name: String,
    raw_name: Vec<u8>,
    method: u16,
    pub is_encrypted: bool,
    /// How, where we know the way.
    lock: Option<Lock>,
    is_utf8: bool,
    crc: Option<u32>,
    stored: Range<usize>,
    pub size: u64,
}

impl Entry {
    pub fn is_directory(&self) -> bool {
        self.name.ends_with('/') && self.size == 0
    }
}

impl<'a> Archive<'a> {
    pub fn open(bytes: &'a [u8]) -> Option<Self> {
        let mut archive =
            Self { bytes, entries: Vec::new(), comment: &[], is_recovered: false, is_cut: false };
        if !archive.by_directory() {
            archive.entries.clear();
            archive.is_recovered = true;
            archive.by_headers();
        }
        archive.name_entries();
        (!archive.entries.is_empty() || !archive.is_recovered).then_some(archive)
    }

    pub fn named(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// What lies in the archive for `entry`.
    pub fn stored(&self, entry: &Entry) -> &'a [u8] {
        self.bytes.get(entry.stored.clone()).unwrap_or_default()
    }

    /// The entry's content, if it is packed in a way that we know.
    pub fn unpack(&self, entry: &Entry, room: usize) -> Option<Unpacked> {
        Self::unpack_stored(entry, self.stored(entry), room)
    }

    /// The content of an encrypted entry, if one of the passwords opens it.
    fn unlock(&self, entry: &Entry, passwords: &Passwords, room: usize) -> Option<Unpacked> {
        let (lock, stored) = (entry.lock?, self.stored(entry));
        passwords.iter().find_map(|password| {
            let open = lock.open(stored, password)?;
            let unpacked = Self::unpack_stored(entry, &open, room)?;
            // A wrong password may pass the lock; what is damaged then may be not.
            let is_wrong = matches!(unpacked.problem, Some((Reason::Damaged, _)));
            (!is_wrong).then_some(unpacked)
        })
    }

    fn unpack_stored(entry: &Entry, stored: &[u8], room: usize) -> Option<Unpacked> {
        let mut unpacked = match entry.method {
            0 => read_within(stored, room),
            8 => read_within(DeflateDecoder::new(stored), room),
            12 => read_within(bzip2::read::BzDecoder::new(stored), room),
            93 => match zstd::stream::read::Decoder::new(stored) {
                Ok(decoder) => read_within(decoder, room),
                Err(_) => return None,
            },
            _ => return None,
        };
        if unpacked.problem.is_none()
            && entry.crc.is_some_and(|crc| crc != checksum(&unpacked.bytes))
        {
            unpacked.problem = Some((Reason::Damaged, "its checksum is another"));
        }
        Some(unpacked)
    }

    fn by_directory(&mut self) -> bool {
        let Some((end_at, mut count, mut size, mut offset)) = self.end() else { return false };
        if count == 0xffff || offset == 0xffff_ffff || size == 0xffff_ffff {
            let start = end_at.saturating_sub(limits::HEADER_BYTES_MAX);
            let Some(at) = memchr::memmem::rfind(&self.bytes[start..end_at], END_64) else {
                return false;
            };
            let record = &self.bytes[start + at..];
            let long = |at| u64_at(record, at).and_then(|value| usize::try_from(value).ok());
            let (Some(a), Some(b), Some(c)) = (long(32), long(40), long(48)) else { return false };
            (count, size, offset) = (a, b, c);
        }
        // Something may stand before the archive.
        let directory = match self.bytes.get(offset..).is_some_and(|at| at.starts_with(CENTRAL)) {
            true => offset,
            false => end_at.saturating_sub(size),
        };
        let shift = directory.saturating_sub(offset);
        let mut at = directory;
        for _ in 0..count {
            if self.entries.len() == limits::ARCHIVE_ENTRIES_MAX {
                self.is_cut = true;
                return true;
            }
            let Some(next) = self.central(at, shift) else { return false };
            at = next;
        }
        true
    }

    /// Where the end record is; count, size and offset of the directory.
    fn end(&mut self) -> Option<(usize, usize, usize, usize)> {
        const COMMENT_BYTES_MAX: usize = 0xffff + 22;
        let start = self.bytes.len().saturating_sub(COMMENT_BYTES_MAX);
        let at = start + memchr::memmem::rfind(&self.bytes[start..], END)?;
        let record = &self.bytes[at..];
        let long = |at| Some(u32_at(record, at)? as usize);
        let found = (at, u16_at(record, 10)? as usize, long(12)?, long(16)?);
        self.comment = record.get(22..22 + u16_at(record, 20)? as usize).unwrap_or_default();
        Some(found)
    }

    fn central(&mut self, at: usize, shift: usize) -> Option<usize> {
        let head = self.bytes.get(at..)?;
        if !head.starts_with(CENTRAL) {
            return None;
        }
        let (name_len, extra_len, comment_len) =
            (u16_at(head, 28)? as usize, u16_at(head, 30)? as usize, u16_at(head, 32)? as usize);
        let raw_name = head.get(46..46 + name_len)?.to_vec();
        let extra = head.get(46 + name_len..46 + name_len + extra_len)?;
        let flags = u16_at(head, 8)?;
        let mut sizes = [
            u64::from(u32_at(head, 24)?),
            u64::from(u32_at(head, 20)?),
            u64::from(u32_at(head, 42)?),
        ];
        wide(extra, &mut sizes);
        let [size, stored, offset] = sizes;
        let offset = usize::try_from(offset).ok()?;
        let at_local = |at: &usize| self.bytes.get(*at..).is_some_and(|it| it.starts_with(LOCAL));
        let local = [offset, offset.checked_add(shift)?].into_iter().find(at_local);
        let local = local.unwrap_or(self.bytes.len());
        let header = self.bytes.get(local..).filter(|header| !header.is_empty());
        let data = match header {
            Some(header) => {
                local + 30 + u16_at(header, 26)? as usize + u16_at(header, 28)? as usize
            }
            None => self.bytes.len(),
        };
        let end = data.saturating_add(usize::try_from(stored).ok()?).min(self.bytes.len());
        let crc = u32_at(head, 16)?;
        let (lock, method) = lock(flags, u16_at(head, 10)?, extra, crc, u16_at(head, 12)?);
        self.entries.push(Entry {
            name: String::new(),
            raw_name,
            method,
            is_encrypted: flags & 1 != 0,
            lock,
            is_utf8: flags & 0x800 != 0,
            // AE-2 leaves it out, and has a code of its own.
            crc: (flags & 1 == 0 || crc != 0).then_some(crc),
            stored: data.min(end)..end,
            size,
        });
        Some(at + 46 + name_len + extra_len + comment_len)
    }

    fn by_headers(&mut self) {
        let finder = memchr::memmem::Finder::new(LOCAL);
        let mut at = 0;
        while let Some(found) = finder.find(&self.bytes[at..]) {
            if self.entries.len() == limits::ARCHIVE_ENTRIES_MAX {
                self.is_cut = true;
                return;
            }
            let start = at + found;
            at = start + LOCAL.len();
            if let Some(next) = self.local(start) {
                at = next.max(at);
            }
        }
    }

    fn local(&mut self, start: usize) -> Option<usize> {
        let head = &self.bytes[start..];
        let flags = u16_at(head, 6)?;
        let name_len = u16_at(head, 26)? as usize;
        let raw_name = head.get(30..30 + name_len)?.to_vec();
        let data = start + 30 + name_len + u16_at(head, 28)? as usize;
        let (stored, size) = (u32_at(head, 18)? as usize, u64::from(u32_at(head, 22)?));
        // Sizes may come after the data only; a decoder finds the end itself.
        let is_known = flags & 8 == 0 && stored != 0xffff_ffff;
        let extra = head.get(30 + name_len..data - start).unwrap_or_default();
        let (lock, method) =
            lock(flags, u16_at(head, 8)?, extra, u32_at(head, 14)?, u16_at(head, 10)?);
        let end = if is_known { data.saturating_add(stored) } else { self.bytes.len() };
        let end = end.min(self.bytes.len());
        self.entries.push(Entry {
            name: String::new(),
            raw_name,
            method,
            is_encrypted: flags & 1 != 0,
            lock,
            is_utf8: flags & 0x800 != 0,
            crc: None,
            stored: data.min(end)..end,
            size,
        });
        is_known.then_some(end)
    }

    /// Names without a charset are read by a guess over all of them.
    fn name_entries(&mut self) {
        let unknown: Vec<&[u8]> = self
            .entries
            .iter()
            .filter(|entry| !entry.is_utf8)
            .map(|entry| entry.raw_name.as_slice())
            .collect();
        let joined = unknown.join(&b'\n');
        let guessed = charset::decode(&joined, None);
        let mut guessed = guessed.split('\n');
        for entry in &mut self.entries {
            let raw = std::mem::take(&mut entry.raw_name);
            let name = if entry.is_utf8 || raw.contains(&b'\n') {
                String::from_utf8_lossy(&raw).into_owned()
            } else {
                guessed.next().unwrap_or_default().to_owned()
            };
            entry.name = name.replace('\\', "/");
        }
    }
}

/// Unpacks an archive that is only that.
pub(in crate::extract) fn unpack(
    walk: &mut Walk<'_>,
    bytes: &[u8],
    inside: Place,
    sink: &mut Sink,
) {
    let Some(archive) = Archive::open(bytes) else {
        sink.gap(Reason::Damaged, "it has no directory that can be read");
        return;
    };
    sink.is_container = true;
    sink.push(&charset::decode(archive.comment, None));
    if archive.is_recovered {
        sink.gap(Reason::Damaged, "its directory is gone; what was found without it is listed");
    }
    if archive.is_cut {
        sink.gap(Reason::TooLarge, "it has more entries than are read");
    }
    for entry in archive.entries.iter().filter(|entry| !entry.is_directory()) {
        if !walk.has_room() {
            sink.gap(Reason::TooLarge, "it has more documents than are read");
            return;
        }
        give(walk, &archive, entry, inside);
    }
}

/// Gives one entry to the walk.
pub(in crate::extract) fn give(
    walk: &mut Walk<'_>,
    archive: &Archive<'_>,
    entry: &Entry,
    inside: Place,
) {
    let named = Named { name: &entry.name, ..Named::default() };
    let stored = archive.stored(entry);
    let refuse = |walk: &mut Walk<'_>, reason, why: &str| {
        walk.closed(stored, named, entry.size, inside, (reason, why));
    };
    let unpacked = match entry.is_encrypted {
        true => match archive.unlock(entry, walk.passwords(), walk.room()) {
            None => {
                let why = locked::closed(walk.passwords());
                return refuse(walk, Reason::Encrypted, why);
            }
            unpacked => unpacked,
        },
        false => archive.unpack(entry, walk.room()),
    };
    let Some(unpacked) = unpacked else {
        let why = format!("it is packed by method {}, which is not known", entry.method);
        return refuse(walk, Reason::UnknownType, &why);
    };
    walk.expanded(unpacked.bytes.len());
    match unpacked.problem {
        Some((Reason::TooLarge, why)) => refuse(walk, Reason::TooLarge, why),
        Some((reason, why)) => {
            let ordinal = walk.document(&unpacked.bytes, named, inside);
            walk.parsed.gaps.push(family::gap(Some(ordinal), reason, why));
        }
        None => {
            walk.document(&unpacked.bytes, named, inside);
        }
    }
}

/// The bytes of one entry, counted; none if there are none to be had.
pub(in crate::extract) fn content(
    walk: &mut Walk<'_>,
    archive: &Archive<'_>,
    entry: &Entry,
    sink: &mut Sink,
) -> Option<Vec<u8>> {
    if entry.is_encrypted {
        sink.gap(Reason::Encrypted, "it opens with a password");
        return None;
    }
    let Some(unpacked) = archive.unpack(entry, walk.room()) else {
        sink.gap(Reason::UnknownType, "a part of it is packed in a way that is not known");
        return None;
    };
    walk.expanded(unpacked.bytes.len());
    if let Some((reason, why)) = unpacked.problem {
        sink.gap(reason, format!("{}: {why}", entry.name));
    }
    Some(unpacked.bytes)
}

/// How an entry is locked, and how it is packed within.
fn lock(flags: u16, method: u16, extra: &[u8], crc: u32, time: u16) -> (Option<Lock>, u16) {
    match (flags & 1, method) {
        (0, method) => (None, method),
        (_, 99) => match locked::zip::aes(extra) {
            Some((lock, method)) => (Some(lock), method),
            None => (None, method),
        },
        // APPNOTE 6.1.6: where the check sum was not known yet, it is the time.
        _ if flags & 8 != 0 => (Some(Lock::Old { check: (time >> 8) as u8 }), method),
        _ => (Some(Lock::Old { check: (crc >> 24) as u8 }), method),
    }
}

/// Zip64 sizes stand in the extra field, those that do not fit, in this order.
fn wide(extra: &[u8], sizes: &mut [u64; 3]) {
    let mut rest = extra;
    while let (Some(id), Some(len)) = (u16_at(rest, 0), u16_at(rest, 2)) {
        let Some(field) = rest.get(4..4 + len as usize) else { return };
        if id == 1 {
            let mut at = 0;
            for size in sizes.iter_mut().filter(|size| **size == 0xffff_ffff) {
                let Some(value) = u64_at(field, at) else { return };
                *size = value;
                at += 8;
            }
            return;
        }
        rest = &rest[4 + len as usize..];
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

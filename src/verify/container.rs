//! That a zip is its files, their directory and its end, and nothing else: of a
//! file with more in it, two programs can see two different bundles.

use std::io::{self, Read, Seek, SeekFrom};

use zip::ZipArchive;

/// The end record of a zip without a comment, APPNOTE.TXT section 4.3.16.
const END_BYTES: u64 = 22;
const END_SIGNATURE: &[u8] = b"PK\x05\x06";
/// What stands before it where sizes need 64 bits, sections 4.3.14 and 4.3.15.
const LOCATOR_BYTES: u64 = 20;
const LOCATOR_SIGNATURE: &[u8] = b"PK\x06\x07";
const END64_BYTES: u64 = 56;
const END64_SIGNATURE: &[u8] = b"PK\x06\x06";

/// Where the directory lies, as the end of the file says it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Directory {
    pub start: u64,
    pub entries: u64,
}

/// Reads the end of the file. `None` where the file does not end exactly with
/// its directory and its end record.
pub(super) fn directory<R: Read + Seek>(file: &mut R) -> io::Result<Option<Directory>> {
    let size = file.seek(SeekFrom::End(0))?;
    let Some(at) = size.checked_sub(END_BYTES) else { return Ok(None) };
    let end: [u8; END_BYTES as usize] = read_at(file, at)?;
    // One disk, and no comment.
    let is_plain = end.starts_with(END_SIGNATURE)
        && end[4..8] == [0; 4]
        && end[8..10] == end[10..12]
        && end[20..22] == [0; 2];
    if !is_plain {
        return Ok(None);
    }
    let (found, until) = match end64(file, at)? {
        Some(Some((found, record))) => (found, record),
        Some(None) => return Ok(None),
        None => {
            let start = u64::from(u32_at(&end, 16));
            let entries = u64::from(u16::from_le_bytes([end[10], end[11]]));
            (Directory { start, entries }, at)
        }
    };
    // Each field says the same, or that the 64-bit record says it.
    let says = |field: &[u8], value: u64| {
        field == &value.to_le_bytes()[..field.len()] || field.iter().all(|byte| *byte == 0xFF)
    };
    let length = until.saturating_sub(found.start);
    let agrees = found.start.checked_add(length) == Some(until)
        && says(&end[10..12], found.entries)
        && says(&end[12..16], length)
        && says(&end[16..20], found.start);
    Ok(agrees.then_some(found))
}

/// The 64-bit end record and its place, where its locator stands before the end
/// record; `Some(None)` where it is not exactly between directory and locator.
fn end64<R: Read + Seek>(file: &mut R, end: u64) -> io::Result<Option<Option<(Directory, u64)>>> {
    let Some(at) = end.checked_sub(LOCATOR_BYTES) else { return Ok(None) };
    let locator: [u8; LOCATOR_BYTES as usize] = read_at(file, at)?;
    if !locator.starts_with(LOCATOR_SIGNATURE) {
        return Ok(None);
    }
    let Some(record) = at.checked_sub(END64_BYTES) else { return Ok(Some(None)) };
    let bytes: [u8; END64_BYTES as usize] = read_at(file, record)?;
    let (length, start) = (u64_at(&bytes, 40), u64_at(&bytes, 48));
    let is_plain = bytes.starts_with(END64_SIGNATURE)
        && u64_at(&bytes, 4) == END64_BYTES - 12
        && bytes[16..24] == [0; 8]
        && bytes[24..32] == bytes[32..40]
        && u32_at(&locator, 4) == 0
        && u64_at(&locator, 8) == record
        && u32_at(&locator, 16) == 1
        && start.checked_add(length) == Some(record);
    let found = Directory { start, entries: u64_at(&bytes, 32) };
    Ok(Some(is_plain.then_some((found, record))))
}

/// Whether the files follow each other from the first byte to the directory.
pub(super) fn is_gapless<R: Read + Seek>(zip: &mut ZipArchive<R>) -> bool {
    let mut spans = Vec::with_capacity(zip.len());
    for index in 0..zip.len() {
        let Ok(entry) = zip.by_index_raw(index) else { return false };
        let Some(data) = entry.data_start() else { return false };
        spans.push((entry.header_start(), data.saturating_add(entry.compressed_size())));
    }
    spans.sort_unstable();
    let end = spans.iter().try_fold(0, |at, (start, end)| (at == *start).then_some(*end));
    end == Some(zip.central_directory_start())
}

fn read_at<const N: usize>(file: &mut (impl Read + Seek), at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write as _};
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    /// More files than the end record of 1989 can count.
    #[test]
    fn a_zip_with_a_64_bit_end_is_read_to_its_last_byte() {
        const FILES: u64 = 70_000;
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for number in 0..FILES {
            zip.start_file(number.to_string(), options).unwrap();
            zip.write_all(b"x").unwrap();
        }
        let good = zip.finish().unwrap().into_inner();
        let mut read = ZipArchive::new(Cursor::new(&good)).unwrap();
        let start = read.central_directory_start();
        let found = directory(&mut Cursor::new(&good)).unwrap();
        assert_eq!(found, Some(Directory { start, entries: FILES }));
        assert!(is_gapless(&mut read));
        // Every byte of both end records but their versions counts.
        for at in good.len() - 98..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            let changed = directory(&mut Cursor::new(bad)).unwrap() != found;
            let from_end = good.len() - at;
            let is_free = (83..=86).contains(&from_end);
            assert!(changed || is_free, "{from_end} bytes before the end");
        }
    }
}

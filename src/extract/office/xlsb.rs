//! Binary workbooks (MS-XLSB): records of texts and cells.

use super::super::bytes::{slice_at, u8_at, u16_at, u32_at, utf16};
use super::super::container::zip::{self, Archive, Entry};
use super::super::family::Walk;
use super::super::sink::Sink;
use super::Format;
use super::sheet::{self, Book};

pub(super) fn read(walk: &mut Walk<'_>, archive: &Archive<'_>, sink: &mut Sink) {
    let mut book = Book::default();
    let mut entries: Vec<&Entry> =
        archive.entries.iter().filter(|entry| entry.name.ends_with(".bin")).collect();
    entries.sort_by_key(|entry| {
        let name = entry.name.to_ascii_lowercase();
        let rank = ["workbook.bin", "styles.bin", "sharedstrings.bin", "/worksheets/", "/comments"];
        let place = rank.iter().position(|part| name.contains(part)).unwrap_or(rank.len());
        (place, name.len(), name)
    });
    for entry in entries {
        let name = entry.name.to_ascii_lowercase();
        let is_other = ["embeddings", "printersettings", "vbaproject", "activex", "media"];
        if is_other.iter().any(|part| name.contains(part)) {
            continue;
        }
        let Some(content) = zip::content(walk, archive, entry, sink) else { continue };
        let mut own = Vec::new();
        each_record(&content, |kind, record| {
            record_of(kind, record, &mut book, &mut own, sink);
            !sink.is_full()
        });
        sink.line();
    }
    sheet::beside(walk, archive, sink);
}

/// MS-XLSB 2.1.4: type and size in 7-bit groups.
fn each_record(bytes: &[u8], mut each: impl FnMut(u16, &[u8]) -> bool) {
    let mut at = 0;
    while let Some(first) = u8_at(bytes, at) {
        let mut kind = u16::from(first);
        at += 1;
        if first & 0x80 != 0 {
            kind = u16::from(first & 0x7f) | u16::from(u8_at(bytes, at).unwrap_or(0) & 0x7f) << 7;
            at += 1;
        }
        let mut size = 0usize;
        for shift in [0, 7, 14, 21] {
            let byte = u8_at(bytes, at).unwrap_or(0);
            at += 1;
            size |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let Some(record) = slice_at(bytes, at, size) else { return };
        at += size;
        if !each(kind, record) {
            return;
        }
    }
}

fn record_of(
    kind: u16,
    record: &[u8],
    book: &mut Book,
    own: &mut Vec<(u16, Format)>,
    sink: &mut Sink,
) {
    match kind {
        0 => sink.line(),
        // Text with formatting runs: a flag, then the text.
        19 => book.add_string(&wide(record, 1).unwrap_or_default()),
        44 => {
            if let (Some(id), Some(code)) = (u16_at(record, 0), wide(record, 2)) {
                own.push((id, Format::new(&code)));
            }
        }
        47 => {
            let is_cell = u16_at(record, 0) != Some(0xffff);
            if let Some(id) = u16_at(record, 2).filter(|_| is_cell) {
                let found = own.iter().find(|(known, _)| *known == id);
                let format = found.map(|(_, format)| format.clone());
                book.formats.push(format.unwrap_or_else(|| Format::builtin(u32::from(id))));
            }
        }
        153 => book.is_1904 = u32_at(record, 0).is_some_and(|flags| flags & 1 != 0),
        156 => {
            let name = u32_at(record, 8).and_then(|len| {
                slice_at(record, 16 + len as usize * 2, 0)?;
                wide(record, 12 + len as usize * 2)
            });
            sink.push_line(&name.unwrap_or_default());
        }
        1..=11 => cell(kind, record, book, sink),
        // A comment's author and its text.
        632 => sink.push_line(&wide(record, 0).unwrap_or_default()),
        637 => sink.push_line(&wide(record, 1).unwrap_or_default()),
        _ => {}
    }
}

fn cell(kind: u16, record: &[u8], book: &Book, sink: &mut Sink) {
    let style = u32_at(record, 4).unwrap_or(0) as usize & 0xff_ffff;
    let text = match kind {
        2 => u32_at(record, 8).map(|packed| book.number(packed_number(packed), style)),
        4 | 10 => u8_at(record, 8).map(|bit| if bit == 1 { "TRUE" } else { "FALSE" }.to_owned()),
        5 | 9 => slice_at(record, 8, 8)
            .and_then(|bytes| bytes.try_into().ok())
            .map(|bytes| book.number(f64::from_le_bytes(bytes), style)),
        6 | 8 => wide(record, 8),
        7 => u32_at(record, 8).and_then(|at| book.string(at as usize)).map(str::to_owned),
        _ => None,
    };
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        sink.push(&text);
        sink.push("\t");
    }
}

/// MS-XLSB 2.5.122: the upper 30 bits of an integer or of a double, perhaps of
/// hundredths.
pub(in crate::extract) fn packed_number(packed: u32) -> f64 {
    let value = match packed & 2 {
        0 => f64::from_bits(u64::from(packed & !3) << 32),
        _ => f64::from(packed.cast_signed() >> 2),
    };
    if packed & 1 == 0 { value } else { value / 100.0 }
}

/// A text with its length in characters before it.
fn wide(record: &[u8], at: usize) -> Option<String> {
    let len = u32_at(record, at)? as usize;
    slice_at(record, at + 4, len.checked_mul(2)?).map(utf16)
}

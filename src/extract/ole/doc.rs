//! Word documents of 6 to 2003 (MS-DOC): the whole text by its pieces, so body,
//! notes, headers, comments and text boxes, deleted passages included.

use super::super::Reason;
use super::super::bytes::{slice_at, u8_at, u16_at, u32_at, utf16};
use super::super::sink::Sink;
use super::Compound;
use super::art::Pictures;

const ENCRYPTED: u16 = 0x0100;
const OTHER_TABLE: u16 = 0x0200;
const WORD_97: u16 = 0x00c1;

pub(super) fn read(file: &Compound<'_>, prefix: &str, sink: &mut Sink) {
    let Some(main) = file.stream(&format!("{prefix}/WordDocument")) else {
        return sink.gap(Reason::Damaged, "its main stream is gone");
    };
    let (Some(version), Some(flags)) = (u16_at(&main, 2), u16_at(&main, 10)) else {
        return sink.gap(Reason::Damaged, "its main stream is cut off");
    };
    if flags & ENCRYPTED != 0 {
        return sink.gap(Reason::Encrypted, "it opens with a password");
    }
    if version < WORD_97 {
        sink.pictures += old_pictures(&main);
        return old(&main, sink);
    }
    // Those in the text have a stream of their own; those that float lie with it.
    let data = file.stream(&format!("{prefix}/Data")).unwrap_or_default();
    let mut pictures = Pictures::default();
    for stream in [&data, &main] {
        pictures.of(stream, sink);
    }
    let table = if flags & OTHER_TABLE != 0 { "1Table" } else { "0Table" };
    let table = file.stream(&format!("{prefix}/{table}")).unwrap_or_default();
    let pieces = u32_at(&main, 0x1a2).zip(u32_at(&main, 0x1a6));
    let pieces = pieces.and_then(|(at, len)| slice_at(&table, at as usize, len as usize));
    let read = pieces.and_then(|pieces| by_pieces(&main, pieces, sink));
    if read.is_none() {
        sink.gap(Reason::Damaged, "the table of its pieces is damaged");
        old(&main, sink);
    }
}

/// One stretch of text, in the charset of the system that wrote it.
fn old(main: &[u8], sink: &mut Sink) {
    let bounds = u32_at(main, 0x18).zip(u32_at(main, 0x1c));
    let text = bounds.and_then(|(from, until)| main.get(from as usize..until as usize));
    match text {
        Some(text) => push(&super::super::charset::decode(text, Some("windows-1252")), sink),
        None => sink.gap(Reason::Damaged, "its text is not where it should be"),
    }
}

/// Pictures that lie in bytes as they are, where no record says how long they are.
fn old_pictures(bytes: &[u8]) -> usize {
    const MAGIC: [&[u8]; 3] = [b"\x89PNG\r\n", b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe1"];
    MAGIC.iter().map(|magic| memchr::memmem::find_iter(bytes, magic).count()).sum()
}

/// MS-DOC 2.4.1: `Clx`, its `Prc`s skipped, then the `PlcPcd`.
fn by_pieces(main: &[u8], clx: &[u8], sink: &mut Sink) -> Option<()> {
    let mut at = 0;
    while u8_at(clx, at)? == 1 {
        at += 3 + usize::from(u16_at(clx, at + 1)?);
    }
    let table = slice_at(clx, at + 5, u32_at(clx, at + 1)? as usize)?;
    let count = table.len().checked_sub(4)? / 12;
    let mut is_short = false;
    for piece in 0..count {
        let (from, until) = (u32_at(table, piece * 4)?, u32_at(table, piece * 4 + 4)?);
        let chars = until.checked_sub(from)? as usize;
        let place = u32_at(table, (count + 1) * 4 + piece * 8 + 2)?;
        let is_narrow = place & 0x4000_0000 != 0;
        let place = (place & 0x3fff_ffff) as usize;
        let text = if is_narrow {
            slice_at(main, place / 2, chars)
                .map(|bytes| encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0)
        } else {
            slice_at(main, place, chars.checked_mul(2)?).map(|bytes| utf16(bytes).into())
        };
        match text {
            Some(text) => push(&text, sink),
            None => is_short = true,
        }
        if sink.is_full() {
            break;
        }
    }
    if is_short {
        sink.gap(Reason::Damaged, "it is cut off");
    }
    Some(())
}

/// Marks of Word's own as the blanks and lines that they are.
fn push(text: &str, sink: &mut Sink) {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\r' | '\u{b}' | '\u{c}' | '\u{e}' => out.push('\n'),
            '\u{7}' => out.push('\t'),
            '\u{13}' | '\u{14}' | '\u{15}' => out.push(' '),
            '\u{1e}' => out.push('-'),
            '\u{1f}' | '\0'..='\u{8}' => {}
            character => out.push(character),
        }
    }
    sink.push(&out);
}

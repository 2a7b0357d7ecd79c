//! Excel workbooks of 5 to 2003 (MS-XLS): records of texts and cells.

use std::collections::HashMap;

use encoding_rs::Encoding;

use super::super::Reason;
use super::super::bytes::{slice_at, u8_at, u16_at, u32_at, u64_at, utf16};
use super::super::office::{Format, packed_number};
use super::super::rtf::code_page;
use super::super::sink::Sink;
use super::art::Pictures;

const CONTINUE: u16 = 0x3c;

struct Book {
    is_wide: bool,
    encoding: &'static Encoding,
    strings: Vec<String>,
    own_formats: HashMap<u16, Format>,
    formats: Vec<Format>,
    is_1904: bool,
    row: u16,
    pictures: Pictures,
    /// What the book draws; a record of it goes on in the next of its kind.
    drawn: Vec<u8>,
}

pub(super) fn read(bytes: &[u8], sink: &mut Sink) {
    let mut book = Book {
        is_wide: true,
        encoding: encoding_rs::WINDOWS_1252,
        strings: Vec::new(),
        own_formats: HashMap::new(),
        formats: Vec::new(),
        is_1904: false,
        row: 0,
        pictures: Pictures::default(),
        drawn: Vec::new(),
    };
    book.records(bytes, sink);
    book.pictures.of(&std::mem::take(&mut book.drawn), sink);
}

impl Book {
    fn records(&mut self, bytes: &[u8], sink: &mut Sink) {
        let mut at = 0;
        while let (Some(kind), Some(len)) = (u16_at(bytes, at), u16_at(bytes, at + 2)) {
            let Some(first) = slice_at(bytes, at + 4, usize::from(len)) else {
                return sink.gap(Reason::Damaged, "it is cut off");
            };
            at += 4 + first.len();
            let mut record = vec![first];
            while u16_at(bytes, at) == Some(CONTINUE) {
                let Some(len) = u16_at(bytes, at + 2) else { break };
                let Some(more) = slice_at(bytes, at + 4, usize::from(len)) else { break };
                record.push(more);
                at += 4 + more.len();
            }
            if kind == 0x2f {
                return sink.gap(Reason::Encrypted, "it opens with a password");
            }
            self.record(kind, &record, sink);
            if sink.is_full() {
                return;
            }
        }
    }

    fn record(&mut self, kind: u16, record: &[&[u8]], sink: &mut Sink) {
        let first = record[0];
        match kind {
            0x809 => {
                self.is_wide = u16_at(first, 0) == Some(0x600);
                sink.line();
            }
            0x42 => {
                let page = u16_at(first, 0).map_or(0, i64::from);
                let page = if page == 0x8000 { 10000 } else { page };
                self.encoding = code_page(page).unwrap_or(self.encoding);
            }
            0x22 => self.is_1904 = u16_at(first, 0) == Some(1),
            0x41e => {
                let code =
                    if self.is_wide { self.text(first, 2, 2) } else { self.text(first, 2, 1) };
                if let (Some(id), Some(code)) = (u16_at(first, 0), code) {
                    self.own_formats.insert(id, Format::new(&code));
                }
            }
            0xe0 => {
                let id = u16_at(first, 2).unwrap_or(0);
                let own = self.own_formats.get(&id).cloned();
                self.formats.push(own.unwrap_or_else(|| Format::builtin(u32::from(id))));
            }
            0x85 => sink.push_line(&self.text(first, 6, 1).unwrap_or_default()),
            0xfc => self.strings = shared(record),
            0x14 | 0x15 => {
                let text = self.text(first, 0, if self.is_wide { 2 } else { 1 });
                let text = text.unwrap_or_default();
                let plain = ["&L", "&C", "&R"].iter().fold(text, |it, mark| it.replace(mark, " "));
                sink.push_line(&plain);
            }
            // A comment's author; a text box, whose text comes in what continues it.
            0x1c if self.is_wide => sink.push_line(&self.text(first, 8, 2).unwrap_or_default()),
            0x1c => sink.push_line(&self.narrow(first.get(6..).unwrap_or_default())),
            0x1b6 => self.text_box(record, sink),
            0x100d => sink.push_line(&self.text(first, 2, 1).unwrap_or_default()),
            0x1b8 => link(first, sink),
            0xeb => record.iter().for_each(|piece| self.drawn.extend_from_slice(piece)),
            0x7f | 0xe9 => self.pictures.image_data(&record.concat(), sink),
            _ => self.cell(kind, first, sink),
        }
    }

    fn cell(&mut self, kind: u16, record: &[u8], sink: &mut Sink) {
        let (row, style) = (u16_at(record, 0).unwrap_or(0), u16_at(record, 4).unwrap_or(0));
        let text = match kind {
            0xfd => u32_at(record, 6).and_then(|at| self.strings.get(at as usize)).cloned(),
            0x204 | 0xd6 => self.text(record, 6, 2),
            0x27e => u32_at(record, 6).map(|packed| self.number(packed_number(packed), style)),
            0x203 => u64_at(record, 6).map(|bits| self.number(f64::from_bits(bits), style)),
            0x205 => Some(truth(u8_at(record, 6))),
            0x06 => match (u16_at(record, 12), u8_at(record, 6)) {
                (Some(0xffff), Some(1)) => Some(truth(u8_at(record, 8))),
                // Its text comes in the next record.
                (Some(0xffff), _) => None,
                _ => u64_at(record, 6).map(|bits| self.number(f64::from_bits(bits), style)),
            },
            0x207 => {
                sink.push(&self.text(record, 0, 2).unwrap_or_default());
                return sink.push("\t");
            }
            0xbd => return self.numbers(record, sink),
            _ => return,
        };
        self.begin(row, sink);
        if let Some(text) = text {
            sink.push(&text);
            sink.push("\t");
        }
    }

    fn begin(&mut self, row: u16, sink: &mut Sink) {
        if std::mem::replace(&mut self.row, row) != row {
            sink.line();
        }
    }

    /// Several packed numbers in a row.
    fn numbers(&mut self, record: &[u8], sink: &mut Sink) {
        self.begin(u16_at(record, 0).unwrap_or(0), sink);
        let mut at = 4;
        while let (Some(style), Some(packed)) = (u16_at(record, at), u32_at(record, at + 2)) {
            sink.push(&self.number(packed_number(packed), style));
            sink.push("\t");
            at += 6;
        }
    }

    fn number(&self, value: f64, style: u16) -> String {
        let format = self.formats.get(usize::from(style)).unwrap_or(&Format::General);
        format.shown(value, self.is_1904)
    }

    /// A text whose length, of `len_bytes`, stands before it.
    fn text(&self, record: &[u8], at: usize, len_bytes: usize) -> Option<String> {
        let len = match len_bytes {
            1 => usize::from(u8_at(record, at)?),
            _ => usize::from(u16_at(record, at)?),
        };
        let at = at + len_bytes;
        if !self.is_wide {
            return Some(self.narrow(slice_at(record, at, len).or(record.get(at..))?));
        }
        if len == 0 {
            return Some(String::new());
        }
        let flags = u8_at(record, at)?;
        let runs = if flags & 8 != 0 { 2 } else { 0 } + if flags & 4 != 0 { 4 } else { 0 };
        let bytes = record.get(at + 1 + runs..)?;
        Some(match flags & 1 {
            0 => latin(bytes.get(..len).unwrap_or(bytes)),
            _ => utf16(bytes.get(..len * 2).unwrap_or(bytes)),
        })
    }

    fn narrow(&self, bytes: &[u8]) -> String {
        self.encoding.decode_without_bom_handling(bytes).0.into_owned()
    }

    fn text_box(&self, record: &[&[u8]], sink: &mut Sink) {
        let Some(mut left) = u16_at(record[0], 10).map(usize::from).filter(|len| *len > 0) else {
            return;
        };
        sink.line();
        for piece in &record[1..] {
            let Some((flags, bytes)) = piece.split_first() else { continue };
            let width = if flags & 1 == 0 { 1 } else { 2 };
            let taken = &bytes[..bytes.len().min(left * width)];
            sink.push(&if width == 1 { latin(taken) } else { utf16(taken) });
            left -= (taken.len() / width).min(left);
            if left == 0 {
                break;
            }
        }
        sink.line();
    }
}

fn truth(bit: Option<u8>) -> String {
    if bit == Some(1) { "TRUE" } else { "FALSE" }.to_owned()
}

/// Characters below 256 in one byte each.
fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// MS-XLS 2.4.153: a link's address among its monikers.
fn link(record: &[u8], sink: &mut Sink) {
    const URL: &[u8] = b"\xe0\xc9\xea\x79\xf9\xba\xce\x11\x8c\x82\x00\xaa\x00\x4b\xa9\x0b";
    let Some(at) = memchr::memmem::find(record, URL) else { return };
    let len = u32_at(record, at + 16).unwrap_or(0) as usize;
    if let Some(bytes) = slice_at(record, at + 20, len) {
        let text = utf16(bytes);
        sink.push_line(text.split('\0').next().unwrap_or_default());
    }
}

/// The shared texts, which may run over from one record into what continues it.
fn shared(record: &[&[u8]]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut cursor = Cursor { pieces: record, at: 8 };
    while let Some(text) = cursor.text() {
        texts.push(text);
    }
    texts
}

struct Cursor<'a> {
    pieces: &'a [&'a [u8]],
    at: usize,
}

impl Cursor<'_> {
    /// The bytes left in this piece; goes on to the next where none are.
    fn rest(&mut self) -> Option<&[u8]> {
        while self.at >= self.pieces.first()?.len() {
            self.pieces = &self.pieces[1..];
            self.at = 0;
        }
        self.pieces.first()?.get(self.at..)
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.rest()?.first()?;
        self.at += 1;
        Some(byte)
    }

    fn number(&mut self, bytes: u32) -> Option<u32> {
        let mut value = 0;
        for shift in 0..bytes {
            value |= u32::from(self.byte()?) << (8 * shift);
        }
        Some(value)
    }

    fn text(&mut self) -> Option<String> {
        let mut left = self.number(2)? as usize;
        let mut flags = self.byte()?;
        let runs = if flags & 8 != 0 { self.number(2)? as usize * 4 } else { 0 };
        let more = if flags & 4 != 0 { self.number(4)? as usize } else { 0 };
        let mut text = String::new();
        while left > 0 {
            // Each piece that continues a text says anew how wide it is.
            let is_next = self.at >= self.pieces.first()?.len();
            self.rest()?;
            if is_next {
                flags = self.byte()?;
            }
            let width = if flags & 1 == 0 { 1 } else { 2 };
            let rest = self.rest()?;
            let taken = rest.len().min(left * width) / width * width;
            if taken == 0 {
                return None;
            }
            let bytes = &rest[..taken];
            text.push_str(&if width == 1 { latin(bytes) } else { utf16(bytes) });
            self.at += taken;
            left -= taken / width;
        }
        self.skip(runs.saturating_add(more));
        Some(text)
    }

    fn skip(&mut self, mut count: usize) {
        while count > 0 {
            let Some(rest) = self.rest() else { return };
            let taken = rest.len().min(count);
            self.at += taken;
            count -= taken;
        }
    }
}

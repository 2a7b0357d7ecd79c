//! Pictures that programs of before 2007 keep (MS-ODRAW, MS-XLS): found by the heads of
//! their records, wherever in a stream these lie, so that what is damaged around them
//! hides none.

use std::collections::HashSet;

use super::super::bytes::{u16_at, u32_at};
use super::super::picture::{bitmap, is_readable};
use super::super::sink::Sink;
use crate::base::hash::Digest;
use crate::base::limits::DOCUMENT_PICTURES_MAX;

/// MS-ODRAW 2.2.23 to 2.2.33: the type of a record, the instances that it has with one
/// identifier (each other has two), and what is in it.
const BLIPS: [(u16, &[u16], Content); 8] = [
    (0xf01a, &[0x3d4], Content::Drawing),
    (0xf01b, &[0x216], Content::Drawing),
    (0xf01c, &[0x542], Content::Drawing),
    (0xf01d, &[0x46a, 0x6e2], Content::Picture),
    (0xf01e, &[0x6e0], Content::Picture),
    (0xf01f, &[0x7a8], Content::Bitmap),
    (0xf029, &[0x6e4], Content::Picture),
    (0xf02a, &[0x46a, 0x6e2], Content::Picture),
];

const HEAD: usize = 8;
const IDENTIFIER: usize = 16;

#[derive(Clone, Copy)]
enum Content {
    /// A metafile: nobody reads it by its looks.
    Drawing,
    Picture,
    /// A picture of Windows' own without the head that a file has.
    Bitmap,
}

/// The pictures of one document, each once: a letterhead stands on every page.
#[derive(Default)]
pub(super) struct Pictures {
    seen: HashSet<Digest>,
}

impl Pictures {
    /// Gives the pictures in a stream to the sink.
    pub fn of(&mut self, stream: &[u8], sink: &mut Sink) {
        let mut at = 0;
        // Every type has the same upper byte, the fourth of its head.
        while let Some(found) = stream.get(at + 3..).and_then(|rest| memchr::memchr(0xf0, rest)) {
            at += found;
            let Some((content, bytes)) = blip(stream, at) else {
                at += 1;
                continue;
            };
            let len = u32_at(stream, at + 4).unwrap_or(0) as usize;
            at = at.saturating_add(HEAD).saturating_add(len);
            if at <= stream.len() {
                self.put(content, bytes, sink);
            } else {
                // What follows may be whole, if the length is not true.
                at -= len;
                sink.pictures += usize::from(is_readable(bytes));
            }
        }
    }

    /// A picture of the kind that Excel 5 has, and sheets for their background: MS-XLS
    /// 2.4.19.
    pub fn image_data(&mut self, record: &[u8], sink: &mut Sink) {
        const BITMAP: u16 = 9;
        let content = match u16_at(record, 0) {
            Some(BITMAP) => Content::Bitmap,
            _ => Content::Drawing,
        };
        self.put(content, record.get(8..).unwrap_or_default(), sink);
    }

    fn put(&mut self, content: Content, bytes: &[u8], sink: &mut Sink) {
        if self.seen.len() >= DOCUMENT_PICTURES_MAX {
            sink.pictures += 1;
        } else if self.seen.insert(Digest::of(bytes)) {
            match content {
                Content::Drawing => sink.pictures += 1,
                Content::Picture => sink.picture(bytes),
                Content::Bitmap => match bitmap(bytes) {
                    Some(file) => sink.picture(&file),
                    None => sink.pictures += 1,
                },
            }
        }
    }
}

/// What the record at `at` holds, as far as it is there, if it is one of a picture.
fn blip(stream: &[u8], at: usize) -> Option<(Content, &[u8])> {
    let (version, kind) = (u16_at(stream, at)?, u16_at(stream, at + 2)?);
    let (_, instances, content) = BLIPS.iter().find(|(known, ..)| *known == kind)?;
    let instance = version >> 4;
    if version & 0xf != 0 || !instances.contains(&(instance & !1)) {
        return None;
    }
    let rest = stream.get(at + HEAD..)?;
    let record = &rest[..rest.len().min(u32_at(stream, at + 4)? as usize)];
    let identifiers = IDENTIFIER * (1 + usize::from(instance & 1));
    // Before the bytes of a picture stands one of no meaning.
    let tag = usize::from(!matches!(content, Content::Drawing));
    let bytes = record.get(identifiers + tag..).filter(|bytes| !bytes.is_empty())?;
    Some((*content, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0";

    fn record(kind: u16, instance: u16, content: &[u8]) -> Vec<u8> {
        let mut record = (instance << 4).to_le_bytes().to_vec();
        record.extend(kind.to_le_bytes());
        record.extend((content.len() as u32).to_le_bytes());
        record.extend(content);
        record
    }

    fn png(identifiers: usize, content: &[u8]) -> Vec<u8> {
        let body = [&[7; IDENTIFIER].repeat(identifiers)[..], &[0xff], content].concat();
        record(0xf01e, 0x6e0 + identifiers as u16 - 1, &body)
    }

    fn found(stream: &[u8]) -> (Vec<Vec<u8>>, usize) {
        let mut sink = Sink::new(true);
        Pictures::default().of(stream, &mut sink);
        (sink.scans.into_iter().map(|(_, bytes)| bytes).collect(), sink.pictures)
    }

    #[test]
    fn a_picture_is_found_wherever_it_lies_and_once() {
        let other = [PNG, b"another"].concat();
        let drawing = record(0xf01a, 0x3d4, &[7; 60]);
        let stream = [
            &b"\xf0\xf0\xf0before"[..],
            &png(1, PNG),
            b"\x1e\xf0",
            &png(2, &other),
            &drawing,
            &png(2, PNG),
        ]
        .concat();
        assert_eq!(found(&stream), (vec![PNG.to_vec(), other], 1));
        for end in 0..stream.len() {
            found(&stream[..end]);
        }
    }

    #[test]
    fn what_only_looks_like_a_record_is_none() {
        let mut another_instance = png(1, PNG);
        another_instance[0] ^= 0x20;
        let mut longer = png(1, PNG);
        longer[4] += 1;
        for stream in [another_instance, record(0xf01e, 0x6e0, &[7; 16])] {
            assert_eq!(found(&stream), (Vec::new(), 0));
        }
        // One that is cut off is there, and cannot be read.
        assert_eq!(found(&longer), (Vec::new(), 1));
        longer[6] = 1;
        let other = [PNG, b"another"].concat();
        let stream = [longer, png(1, &other)].concat();
        assert_eq!(found(&stream), (vec![other], 1), "nor does it hide the next one");
    }

    #[test]
    fn a_bitmap_is_given_as_a_file() {
        let mut header = vec![0; 40];
        header[0] = 40;
        (header[4], header[8], header[12], header[14]) = (64, 64, 1, 1);
        let body = [&[7; IDENTIFIER][..], &[0xff], &header, &[0; 8 + 64 * 8]].concat();
        let (pictures, left) = found(&record(0xf01f, 0x7a8, &body));
        assert_eq!((pictures.len(), left), (1, 0));
        assert_eq!(&pictures[0][..2], b"BM");
        // Its pixels come after both heads and two colours.
        assert_eq!(pictures[0][10], 14 + 40 + 8);
    }
}

//! Pictures and pages that are pictures: which of them may hold words, and what
//! becomes of a document when somebody has read them (OCR is no work for this
//! room: programs of the system's do it).

use serde::{Deserialize, Serialize};

use super::bytes::{u16_at, u32_at};
use super::{Parsed, Reason, family, text};
use crate::base::limits;

/// What of one document is to be read by its looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    /// The document.
    pub ordinal: u32,
    /// Of a PDF, which pages, from 1 on; the whole picture if there are none.
    pub pages: Vec<u32>,
    /// They travel apart from the rest, since they are no text: only their number is
    /// written with it.
    #[serde(skip)]
    pub bytes: Vec<u8>,
    pub size: u64,
}

/// What came of reading all of one document's scans.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    pub words: String,
    /// What could not be read.
    pub gaps: Vec<(Reason, String)>,
}

/// Whether a picture of these bytes can have words: a line needs some height.
pub(super) fn may_have_words(bytes: &[u8]) -> bool {
    let side_min = limits::OCR_SIDE_PIXELS_MIN;
    size(bytes).is_none_or(|(width, height)| width >= side_min && height >= side_min)
}

/// Whether tesseract reads the format: not metafiles, and not what cameras of
/// telephones make.
pub(super) fn is_readable(bytes: &[u8]) -> bool {
    const MAGIC: [&[u8]; 6] = [b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM"];
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    is_webp || MAGIC.iter().any(|magic| bytes.starts_with(magic))
}

/// A file of what Windows keeps of a bitmap in memory: none if that is none.
pub(super) fn bitmap(bytes: &[u8]) -> Option<Vec<u8>> {
    const FILE_HEAD: u32 = 14;
    const OLD_HEAD: u32 = 12;
    const MASKS: u32 = 3;
    let head = u32_at(bytes, 0).filter(|head| *head == OLD_HEAD || (40..=124).contains(head))?;
    let bits = u16_at(bytes, if head == OLD_HEAD { 10 } else { 14 })?;
    let colours = match (head, bits) {
        (_, 0 | 33..) => return None,
        (OLD_HEAD, _) => 0,
        // More than its bits can tell apart are none.
        _ => u32_at(bytes, 32)?.min(256),
    };
    let colours = if colours == 0 && bits <= 8 { 1 << bits } else { colours };
    let colour_bytes = if head == OLD_HEAD { 3 } else { 4 };
    let masks = if head == 40 && u32_at(bytes, 16)? == MASKS { 12 } else { 0 };
    let pixels = FILE_HEAD + head + masks + colours * colour_bytes;
    let size = FILE_HEAD.checked_add(u32::try_from(bytes.len()).ok()?)?;
    let mut file = b"BM".to_vec();
    file.extend(size.to_le_bytes());
    file.extend([0; 4]);
    file.extend(pixels.to_le_bytes());
    file.extend(bytes);
    Some(file)
}

/// Width and height in pixels, where the format says so at its start.
fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let big = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some((big(16)?, big(20)?));
    }
    if bytes.starts_with(b"GIF8") {
        return Some((u16_at(bytes, 6)?.into(), u16_at(bytes, 8)?.into()));
    }
    if bytes.starts_with(b"\xff\xd8") {
        return jpeg_size(bytes);
    }
    if bytes.starts_with(b"BM") {
        // Of a height below zero the first line is the uppermost.
        return match u32_at(bytes, 14)? {
            12 => Some((u16_at(bytes, 18)?.into(), u16_at(bytes, 20)?.into())),
            _ => Some((u32_at(bytes, 18)?, (u32_at(bytes, 22)? as i32).unsigned_abs())),
        };
    }
    None
}

/// ITU-T T.81, B.2.2: in the frame header, after segments of stated lengths.
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    const SEGMENTS_MAX: usize = 1000;
    let word = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let mut at = 2;
    for _ in 0..SEGMENTS_MAX {
        let [0xff, marker] = *bytes.get(at..at + 2)? else { return None };
        let is_frame = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if is_frame {
            return Some((word(at + 7)?.into(), word(at + 5)?.into()));
        }
        at += 2 + usize::from(word(at + 2)?);
    }
    None
}

/// Adds what was read of one document's pictures.
pub fn settle(parsed: &mut Parsed, ordinal: u32, seen: Seen) {
    let Seen { words, gaps } = seen;
    let texts = parsed.attachments.iter().filter_map(|file| file.text.as_deref());
    let used = parsed.text.len() + parsed.other_text.len() + texts.map(str::len).sum::<usize>();
    let Some(file) = parsed.attachments.get_mut(ordinal as usize) else { return };
    let (mut words, mut is_cut) = text::normalise(&words);
    let room = limits::TEXT_TOTAL_BYTES_MAX.saturating_sub(used);
    if words.len() > room {
        words.truncate(text::prefix(&words, room).len());
        is_cut = true;
    }
    let is_blank = words.trim().is_empty();
    if !is_blank {
        file.is_ocred = true;
        let text = file.text.get_or_insert_default();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(words.trim());
        text.push('\n');
    }
    let has_text = file.text.as_deref().is_some_and(|text| !text.trim().is_empty());
    let at = Some(ordinal);
    if is_cut {
        parsed.gaps.push(family::gap(at, Reason::TooLarge, &text::cut(words.len())));
    }
    if is_blank && !has_text && gaps.is_empty() {
        parsed.gaps.push(family::gap(at, Reason::NoText, "no words are seen in it"));
    }
    let gaps = gaps.into_iter().map(|(reason, detail)| family::gap(at, reason, &detail));
    parsed.gaps.extend(gaps);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_too_small_for_a_line_has_no_words() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend([0, 0, 0, 1, 0, 0, 0, 1]);
        assert_eq!((size(&png), may_have_words(&png)), (Some((1, 1)), false));
        assert!(!may_have_words(b"GIF89a\x01\0\x01\0"));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\x01\0\x02\0\x03";
        assert_eq!(size(jpeg), Some((512, 256)));
        assert!(may_have_words(jpeg) && may_have_words(b"\xff\xd8\xff\xe0\0\0"));
        for end in 0..jpeg.len() {
            size(&jpeg[..end]);
        }
    }
}

//! Property sets (MS-OLEPS): title, authors, dates, and what people added.

use super::super::bytes::{file_time, slice_at, u16_at, u32_at, u64_at, utf16};
use super::super::charset;
use super::super::rtf::code_page;
use super::super::sink::Sink;

const NAMES: [(u32, &str); 10] = [
    (2, "Title"),
    (3, "Subject"),
    (4, "Author"),
    (5, "Keywords"),
    (6, "Comments"),
    (8, "Last author"),
    (12, "Created"),
    (13, "Modified"),
    (14, "Manager"),
    (15, "Company"),
];
const SETS_MAX: u32 = 2;
const PROPERTIES_MAX: u32 = 1000;

pub(super) fn read(stream: &[u8], sink: &mut Sink) {
    let sets = u32_at(stream, 24).unwrap_or(0).min(SETS_MAX);
    for set in 0..sets as usize {
        let Some(offset) = u32_at(stream, 44 + set * 20) else { return };
        let Some(section) = stream.get(offset as usize..) else { return };
        // The first set of the second stream has other meanings for most ids.
        let is_document = u32_at(stream, 28) == Some(0xd5cd_d502);
        let is_own = set == 1;
        set_of(section, is_document, is_own, sink);
    }
}

fn set_of(section: &[u8], is_document: bool, is_own: bool, sink: &mut Sink) {
    let count = u32_at(section, 4).unwrap_or(0).min(PROPERTIES_MAX) as usize;
    let place = |at: usize| Some((u32_at(section, 8 + at * 8)?, u32_at(section, 12 + at * 8)?));
    let places: Vec<(u32, u32)> = (0..count).map_while(place).collect();
    let value = |id: u32| places.iter().find(|(known, _)| *known == id).map(|(_, at)| *at as usize);
    let page = value(1).and_then(|at| u16_at(section, at + 4)).unwrap_or(1252);
    let own = value(0).filter(|_| is_own).map(|at| names(section, at, page)).unwrap_or_default();
    for (id, at) in &places {
        let name = match (is_own, is_document, id) {
            (true, ..) => own.iter().find(|(known, _)| known == id).map(|(_, name)| name.as_str()),
            (false, true, 14 | 15) | (false, false, 2..=13) => {
                NAMES.iter().find(|(known, _)| known == id).map(|(_, name)| *name)
            }
            (false, true, 2) => Some("Category"),
            _ => None,
        };
        if let Some(name) = name
            && let Some(text) = text_of(section, *at as usize, page)
        {
            sink.about(name, &text);
        }
    }
}

/// The dictionary of a set with names of its own.
fn names(section: &[u8], at: usize, page: u16) -> Vec<(u32, String)> {
    let count = u32_at(section, at).unwrap_or(0).min(PROPERTIES_MAX);
    let mut names = Vec::new();
    let mut at = at + 4;
    for _ in 0..count {
        let (Some(id), Some(len)) = (u32_at(section, at), u32_at(section, at + 4)) else { break };
        let size = if page == 1200 { len as usize * 2 } else { len as usize };
        let Some(raw) = slice_at(section, at + 8, size) else { break };
        names.push((id, decoded(raw, page)));
        at += 8 + if page == 1200 { size.next_multiple_of(4) } else { size };
    }
    names
}

fn text_of(section: &[u8], at: usize, page: u16) -> Option<String> {
    let len = || Some(u32_at(section, at + 4)? as usize);
    Some(match u16_at(section, at)? {
        30 => decoded(slice_at(section, at + 8, len()?)?, page),
        31 => utf16(slice_at(section, at + 8, len()?.checked_mul(2)?)?),
        64 => file_time(u64_at(section, at + 4)?)?,
        2 => u16_at(section, at + 4)?.cast_signed().to_string(),
        3 => u32_at(section, at + 4)?.cast_signed().to_string(),
        5 => f64::from_bits(u64_at(section, at + 4)?).to_string(),
        11 => (u16_at(section, at + 4)? != 0).to_string(),
        _ => return None,
    })
}

fn decoded(raw: &[u8], page: u16) -> String {
    let raw = raw.split(|byte| *byte == 0 && page != 1200).next().unwrap_or_default();
    match code_page(i64::from(page)) {
        Some(encoding) => encoding.decode_without_bom_handling(raw).0.into_owned(),
        None => charset::decode(raw, None).into_owned(),
    }
}

//! Whether a value has the form of its type (2.3.3.4, and MS-OXCDATA 2.11.1).

use super::heap::Held;
use super::image::u32_at;
use super::rule::Rule;

/// What is asked of a value of this type, and whether it holds. Of a value that is a node
/// the size alone is known.
pub fn rules(kind: u16, held: &Held) -> [(bool, Rule); 4] {
    let size = held.size();
    let is_text = kind != 0x001F || size.is_multiple_of(2);
    let is_boolean = kind != 0x000B || matches!(held, Held::Fixed(0 | 1));
    let is_guid = kind != 0x0048 || size == 16;
    let is_multiple = match kind {
        0x1002 => size.is_multiple_of(2),
        0x1003 | 0x1004 => size.is_multiple_of(4),
        0x1005..=0x1007 | 0x1014 | 0x1040 => size.is_multiple_of(8),
        0x1048 => size.is_multiple_of(16),
        0x101E | 0x101F | 0x1102 => match held {
            Held::Bytes(bytes) => is_list(bytes, kind == 0x101F),
            _ => size >= 4,
        },
        _ => true,
    };
    [
        (is_text, Rule::PropertyText),
        (is_boolean, Rule::PropertyBoolean),
        (is_guid, Rule::PropertyGuid),
        (is_multiple, Rule::PropertyMultiple),
    ]
}

/// 2.3.3.4.2: how many, where each begins, and then the values up to the end.
fn is_list(bytes: &[u8], is_text: bool) -> bool {
    if bytes.is_empty() {
        return true;
    }
    let count = u32_at(bytes, 0) as usize;
    let first = 4 + 4 * count;
    if bytes.len() < first {
        return false;
    }
    let mut starts: Vec<usize> = (0..count).map(|at| u32_at(bytes, 4 + 4 * at) as usize).collect();
    let is_first = starts.first().is_none_or(|start| *start == first);
    starts.push(bytes.len());
    let is_whole = |pair: &[usize]| !is_text || (pair[1] - pair[0]).is_multiple_of(2);
    is_first && starts.is_sorted() && starts.windows(2).all(is_whole)
}

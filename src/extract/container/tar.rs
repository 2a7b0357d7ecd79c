//! Tar archives: ustar, with the long names of GNU and of pax.

use super::super::Reason;
use super::super::charset;
use super::super::family::{Named, Place, Walk};
use super::super::sink::Sink;

const BLOCK: usize = 512;

pub(in crate::extract) fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar") && bytes.get(..BLOCK).is_some_and(is_checksum_right)
}

/// The sum of the header's bytes, its own field taken for blanks.
fn is_checksum_right(header: &[u8]) -> bool {
    let sum: u64 = header
        .iter()
        .enumerate()
        .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) })
        .sum();
    number(&header[148..156]) == Some(sum)
}

fn number(field: &[u8]) -> Option<u64> {
    // GNU writes large numbers in binary.
    if field.first().is_some_and(|first| first & 0x80 != 0) {
        return Some(
            field[field.len() - 8..].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        );
    }
    let digits = field.iter().copied().skip_while(|byte| *byte == b' ');
    let digits: Vec<u8> = digits.take_while(u8::is_ascii_digit).collect();
    u64::from_str_radix(std::str::from_utf8(&digits).ok()?, 8).ok()
}

fn until_nul(field: &[u8]) -> &[u8] {
    &field[..memchr::memchr(0, field).unwrap_or(field.len())]
}

pub(in crate::extract) fn unpack(
    walk: &mut Walk<'_>,
    bytes: &[u8],
    inside: Place,
    sink: &mut Sink,
) {
    sink.is_container = true;
    let mut at = 0;
    let mut long_name = None;
    while let Some(header) = bytes.get(at..at + BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            return;
        }
        let size = number(&header[124..136]).filter(|_| is_checksum_right(header));
        let Some(size) = size.and_then(|size| usize::try_from(size).ok()) else {
            sink.gap(Reason::Damaged, "a header in it is damaged");
            return;
        };
        let start = at + BLOCK;
        let end = start.saturating_add(size).min(bytes.len());
        let content = &bytes[start.min(end)..end];
        at = start.saturating_add(size.div_ceil(BLOCK).saturating_mul(BLOCK));
        match header[156] {
            b'L' => long_name = Some(until_nul(content).to_vec()),
            b'x' => long_name = pax_path(content).or(long_name),
            b'0' | 0 | b'7' => {
                if !walk.has_room() {
                    sink.gap(Reason::TooLarge, "it has more documents than are read");
                    return;
                }
                let name = long_name.take().unwrap_or_else(|| name(header));
                let name = charset::decode(&name, None);
                walk.expanded(content.len());
                walk.document(content, Named { name: &name, ..Named::default() }, inside);
                if content.len() < size {
                    sink.gap(Reason::Damaged, "it is cut off");
                }
            }
            _ => long_name = None,
        }
    }
    sink.gap(Reason::Damaged, "it is cut off");
}

fn name(header: &[u8]) -> Vec<u8> {
    let (name, prefix) = (until_nul(&header[..100]), until_nul(&header[345..500]));
    // GNU's header has times where POSIX has a prefix.
    if prefix.is_empty() || &header[257..263] != b"ustar\0" {
        return name.to_vec();
    }
    [prefix, b"/", name].concat()
}

/// The `path` record of a pax header: `LENGTH path=VALUE\n`.
fn pax_path(content: &[u8]) -> Option<Vec<u8>> {
    content.split(|byte| *byte == b'\n').find_map(|line| {
        let (_, record) = line.split_at(memchr::memchr(b' ', line)?);
        record.strip_prefix(b" path=").map(<[u8]>::to_vec)
    })
}

//! One file packed by itself: gzip, bzip2, zstd, xz.

use flate2::bufread::MultiGzDecoder;

use super::super::Reason;
use super::super::family::{Named, Place, Walk};
use super::super::kind::Kind;
use super::super::sink::Sink;
use super::super::{bytes, charset};
use super::unpack as unpack_within;

pub(in crate::extract) fn unpack(
    walk: &mut Walk<'_>,
    content: &[u8],
    (kind, name): (Kind, &str),
    inside: Place,
    sink: &mut Sink,
) {
    sink.is_container = true;
    let unpacked = match kind {
        Kind::Gzip => unpack_within(walk, MultiGzDecoder::new(content)),
        Kind::Bzip2 => unpack_within(walk, bzip2::read::MultiBzDecoder::new(content)),
        Kind::Zstd => match zstd::stream::read::Decoder::new(content) {
            Ok(decoder) => unpack_within(walk, decoder),
            Err(_) => return sink.gap(Reason::Damaged, "its header is damaged"),
        },
        _ => unpack_within(walk, lzma_rust2::XzReader::new(content, true)),
    };
    if let Some((reason, why)) = unpacked.problem {
        sink.gap(reason, why);
    }
    if unpacked.bytes.is_empty() {
        return;
    }
    let own = (kind == Kind::Gzip).then(|| gzip_name(content)).flatten();
    let name = own.unwrap_or_else(|| without_suffix(name));
    walk.document(&unpacked.bytes, Named { name: &name, ..Named::default() }, inside);
}

/// The name in a gzip header (RFC 1952 section 2.3).
fn gzip_name(content: &[u8]) -> Option<String> {
    let flags = bytes::u8_at(content, 3)?;
    let mut at = 10;
    if flags & 4 != 0 {
        at += 2 + usize::from(bytes::u16_at(content, 10)?);
    }
    let rest = content.get(at..).filter(|_| flags & 8 != 0)?;
    let name = &rest[..memchr::memchr(0, rest)?];
    (!name.is_empty()).then(|| charset::decode(name, None).into_owned())
}

fn without_suffix(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, suffix)) if suffix.eq_ignore_ascii_case("tgz") => format!("{stem}.tar"),
        Some((stem, _)) => stem.to_owned(),
        None => name.to_owned(),
    }
}

//! 7z archives, by `sevenz-rust2`.

use std::io::{Cursor, Read};

use sevenz_rust2::{ArchiveEntry, ArchiveReader, Error, Password};

use super::super::Reason;
use super::super::family::{Named, Place, Walk};
use super::super::sink::Sink;
use super::unpack as unpack_within;

pub(in crate::extract) fn unpack(
    walk: &mut Walk<'_>,
    bytes: &[u8],
    inside: Place,
    sink: &mut Sink,
) {
    let mut reader = match ArchiveReader::new(Cursor::new(bytes), Password::empty()) {
        Ok(reader) => reader,
        Err(error) => {
            let (reason, why) = why(&error);
            return sink.gap(reason, why);
        }
    };
    sink.is_container = true;
    let mut is_full = false;
    let read = reader.for_each_entries(|entry: &ArchiveEntry, content: &mut dyn Read| {
        if entry.is_directory() {
            return Ok(true);
        }
        is_full = !walk.has_room() || walk.room() == 0;
        if is_full {
            return Ok(false);
        }
        let named = Named { name: entry.name(), ..Named::default() };
        let unpacked = unpack_within(walk, content);
        match unpacked.problem {
            None => {
                walk.document(&unpacked.bytes, named, inside);
            }
            Some((reason, why)) => {
                walk.closed(&unpacked.bytes, named, entry.size(), inside, (reason, why));
            }
        }
        Ok(true)
    });
    if let Err(error) = read {
        let (reason, why) = why(&error);
        sink.gap(reason, why);
    }
    if is_full {
        sink.gap(Reason::TooLarge, "it has more documents than are read");
    }
}

fn why(error: &Error) -> (Reason, &'static str) {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => {
            (Reason::Encrypted, "it opens with a password")
        }
        Error::UnsupportedCompressionMethod(_) | Error::Unsupported(_) => {
            (Reason::UnknownType, "it is packed in a way that is not known")
        }
        _ => (Reason::Damaged, "it is cut off or damaged"),
    }
}

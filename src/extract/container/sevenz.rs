//! 7z archives, by `sevenz-rust2`.

use std::io::{self, Cursor, Read};

use sevenz_rust2::{ArchiveEntry, ArchiveReader, Error, Password};

use super::super::Reason;
use super::super::family::{Named, Place, Walk};
use super::super::locked::{self, Passwords};
use super::super::sink::Sink;
use super::unpack as unpack_within;

pub(in crate::extract) fn unpack(
    walk: &mut Walk<'_>,
    bytes: &[u8],
    inside: Place,
    sink: &mut Sink,
) {
    let mut reader = match open(bytes, walk.passwords()) {
        Ok(reader) => reader,
        Err(error) => {
            let (reason, why) = why(&error, walk.passwords());
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
        let (reason, why) = why(&error, walk.passwords());
        sink.gap(reason, why);
    }
    if is_full {
        sink.gap(Reason::TooLarge, "it has more documents than are read");
    }
}

type Reader<'a> = ArchiveReader<Cursor<&'a [u8]>>;

/// With the first password that opens it; where none does, what is open is listed.
fn open<'a>(bytes: &'a [u8], passwords: &Passwords) -> Result<Reader<'a>, Error> {
    let with = |password| ArchiveReader::new(Cursor::new(bytes), password);
    for password in passwords.iter() {
        // Only content shows whether a password is right; names may be open.
        let opens = with(Password::from(password)).and_then(|mut reader| {
            reader.for_each_entries(|entry, content| {
                let is_empty = entry.is_directory() || entry.size() == 0;
                if !is_empty {
                    io::copy(&mut content.take(FIRST_BYTES), &mut io::sink())?;
                }
                Ok(is_empty)
            })
        });
        if opens.is_ok() {
            return with(Password::from(password));
        }
    }
    with(Password::empty())
}

/// What is read of a first entry to see whether a password opens it.
const FIRST_BYTES: u64 = 1 << 20;

fn why(error: &Error, passwords: &Passwords) -> (Reason, &'static str) {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => {
            (Reason::Encrypted, locked::closed(passwords))
        }
        Error::UnsupportedCompressionMethod(_) | Error::Unsupported(_) => {
            (Reason::UnknownType, "it is packed in a way that is not known")
        }
        _ => (Reason::Damaged, "it is cut off or damaged"),
    }
}

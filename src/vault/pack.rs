//! zstd, with a dictionary for what is small.
//!
//! A mail of a few kilobytes holds little that repeats within itself, and much
//! that every mail has. What that is, two dictionaries know: one of mail, one of
//! the metadata beside it. They were made from mail that this project wrote
//! (`tests/it/dictionary.rs`), never from anyone's. A frame names the one that it
//! needs, and each is in the bucket too, so that an archive can be read without
//! this program.

use std::cell::RefCell;
use std::io;
use std::sync::LazyLock;

use bytes::Bytes;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::stream::raw;

use super::bucket::{Bucket, BucketError};

/// Of zstd: the fastest level whose ratio on mail is near the best.
pub const LEVEL: i32 = 3;

/// Published dictionaries, by what they are for. None of them ever changes: a
/// better one comes with another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dictionary {
    Mail,
    Metadata,
}

impl Dictionary {
    pub const ALL: [Self; 2] = [Self::Mail, Self::Metadata];

    /// Its dictionary id (RFC 8878 section 5), from the range that is free for
    /// private use.
    pub const fn id(self) -> u32 {
        match self {
            Self::Mail => 33_001,
            Self::Metadata => 33_002,
        }
    }

    /// In the format of RFC 8878 section 5.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Mail => include_bytes!("dictionary/33001.dict"),
            Self::Metadata => include_bytes!("dictionary/33002.dict"),
        }
    }

    /// Where it lies in the bucket.
    pub fn object_name(self) -> String {
        format!("{PREFIX}/{}.dict", self.id())
    }

    fn prepared(self) -> &'static Prepared {
        static MAIL: LazyLock<Prepared> = LazyLock::new(|| Prepared::new(Dictionary::Mail));
        static METADATA: LazyLock<Prepared> = LazyLock::new(|| Prepared::new(Dictionary::Metadata));
        match self {
            Self::Mail => &MAIL,
            Self::Metadata => &METADATA,
        }
    }
}

/// What the names of dictionaries in the bucket begin with.
pub const PREFIX: &str = "format";

struct Prepared {
    encoder: EncoderDictionary<'static>,
    decoder: DecoderDictionary<'static>,
}

impl Prepared {
    fn new(dictionary: Dictionary) -> Self {
        let bytes = dictionary.bytes();
        let (encoder, decoder) =
            (EncoderDictionary::copy(bytes, LEVEL), DecoderDictionary::copy(bytes));
        Self { encoder, decoder }
    }
}

/// Puts the dictionaries beside what was packed with them.
pub async fn publish(bucket: &Bucket) -> Result<(), BucketError> {
    for dictionary in Dictionary::ALL {
        let name = dictionary.object_name();
        match bucket.get(&name).await {
            Ok(_) => {}
            Err(BucketError::Missing(_)) => {
                bucket.put_new(&name, Bytes::from_static(dictionary.bytes())).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// One frame, with the dictionary.
pub fn pack(dictionary: Dictionary, bytes: &[u8]) -> io::Result<Vec<u8>> {
    thread_local! {
        /// Making a compressor costs more than compressing a small message.
        static COMPRESSORS: RefCell<[Option<Compressor<'static>>; 2]> =
            const { RefCell::new([None, None]) };
    }
    COMPRESSORS.with_borrow_mut(|compressors| {
        let slot = &mut compressors[dictionary as usize];
        let compressor = match slot {
            Some(compressor) => compressor,
            None => {
                slot.insert(Compressor::with_prepared_dictionary(&dictionary.prepared().encoder)?)
            }
        };
        compressor.compress(bytes)
    })
}

/// The dictionary that the frame at the start of `bytes` was packed with; an error
/// where it is one that this program has not.
fn dictionary_of(bytes: &[u8]) -> io::Result<Option<Dictionary>> {
    let Some(id) = zstd::zstd_safe::get_dict_id_from_frame(bytes) else { return Ok(None) };
    let known = Dictionary::ALL.into_iter().find(|known| known.id() == id.get());
    known.map(Some).ok_or_else(|| io::Error::other("a frame needs a dictionary that is not known"))
}

/// Unpacks one frame to exactly `size` bytes.
pub fn unpack(packed: &[u8], size: u64) -> Option<Vec<u8>> {
    let size = usize::try_from(size).ok()?;
    let decompressor = match dictionary_of(packed).ok()? {
        Some(known) => Decompressor::with_prepared_dictionary(&known.prepared().decoder),
        None => Decompressor::new(),
    };
    let plain = decompressor.ok()?.decompress(packed, size).ok()?;
    (plain.len() == size).then_some(plain)
}

/// Unpacks the frame that begins with `start`, piece by piece.
pub fn unpacker(start: &[u8]) -> io::Result<raw::Decoder<'static>> {
    match dictionary_of(start)? {
        Some(known) => raw::Decoder::with_prepared_dictionary(&known.prepared().decoder),
        None => raw::Decoder::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dictionary_is_what_its_frames_name() {
        for dictionary in Dictionary::ALL {
            let found = zstd::zstd_safe::get_dict_id_from_dict(dictionary.bytes()).unwrap();
            assert_eq!(found.get(), dictionary.id());
            for size in [0, 1, 300, 1 << 20] {
                let plain: Vec<u8> = (0..size).map(|at: usize| (at / 7) as u8).collect();
                let packed = pack(dictionary, &plain).unwrap();
                assert_eq!(dictionary_of(&packed).unwrap(), Some(dictionary));
                assert_eq!(unpack(&packed, size as u64).unwrap(), plain);
                assert!(unpack(&packed, size as u64 + 1).is_none());
            }
        }
    }

    #[test]
    fn a_frame_without_a_dictionary_is_read_and_one_of_another_is_refused() {
        let plain = b"Received: from a by b; Received: from b by c".repeat(20);
        let bare = zstd::bulk::compress(&plain, LEVEL).unwrap();
        assert_eq!(unpack(&bare, plain.len() as u64).unwrap(), plain);

        let mut other = Dictionary::Mail.bytes().to_vec();
        other[4..8].copy_from_slice(&40_000u32.to_le_bytes());
        let mut compressor = Compressor::with_dictionary(LEVEL, &other).unwrap();
        let foreign = compressor.compress(&plain).unwrap();
        assert!(unpack(&foreign, plain.len() as u64).is_none());
        assert!(unpacker(&foreign).is_err());
    }
}

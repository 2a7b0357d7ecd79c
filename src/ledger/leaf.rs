//! The log's entries as bytes. A leaf says that something exists and binds its
//! exact content, and tells no one who lacks the keys what it is: no address,
//! no subject, no place in storage. Order is the log's business.
//!
//! Layout, all integers big-endian; `text` is a length byte and that many
//! bytes. The first byte is the format (1), the second the kind:
//!
//! ```text
//! 1 delivery  record id (16)  received-at µs (i64)  class (text)
//!             SHA-256 of the ciphertext (32)  commitments (u32 ≥ 1)  their root (32)
//! 2 event     at µs (i64)  action (text)  SHA-256 of the sealed object (32)
//!             salted commitment to its content (32)
//! 3 seal      at µs (i64)  rows (u32)  SHA-256 of the sealed object (32)
//!             salted commitment to its content (32)
//! ```

use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::ids::RecordId;

use super::tree;

const FORMAT: u8 = 1;
const DELIVERY: u8 = 1;
const EVENT: u8 = 2;
const SEAL: u8 = 3;

/// Longest class or action name.
pub const NAME_BYTES_MAX: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// A delivery was sealed.
    Delivery {
        record: RecordId,
        received_at: Timestamp,
        class: String,
        /// Of the sealed record as it lies in its segment.
        ciphertext: Digest,
        /// How many things the record commits to: itself, messages, attachments.
        commitments: u32,
        commitment_root: Digest,
    },
    /// Something was decided about records: a hold, a disposition, an erasure.
    /// What exactly stands in a sealed object.
    Event { at: Timestamp, action: String, object: Digest, commitment: Digest },
    /// A minute's audit and changes of policy tables, sealed as one object.
    Seal { at: Timestamp, rows: u32, object: Digest, commitment: Digest },
}

/// The bytes are no leaf.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    #[error("read leaf: it ends early")]
    Short,
    #[error("read leaf: {0} bytes follow its end")]
    Long(usize),
    #[error("read leaf: format {0} is not known to this version; a newer one wrote it")]
    Format(u8),
    #[error("read leaf: kind {0} is not known to this version; a newer one wrote it")]
    Kind(u8),
    #[error("read leaf: its {0} is not valid")]
    Field(&'static str),
}

impl Leaf {
    /// # Panics
    /// Where a class or action is no name of at most 32 lower-case letters,
    /// digits, dots and hyphens: both come from configuration or code, checked there.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        match self {
            Self::Delivery {
                record,
                received_at,
                class,
                ciphertext,
                commitments,
                commitment_root,
            } => {
                out.push(DELIVERY);
                out.extend(record.as_bytes());
                out.extend(received_at.0.to_be_bytes());
                put_name(&mut out, class);
                out.extend(ciphertext.as_bytes());
                out.extend(commitments.to_be_bytes());
                out.extend(commitment_root.as_bytes());
            }
            Self::Event { at, action, object, commitment } => {
                out.push(EVENT);
                out.extend(at.0.to_be_bytes());
                put_name(&mut out, action);
                out.extend(object.as_bytes());
                out.extend(commitment.as_bytes());
            }
            Self::Seal { at, rows, object, commitment } => {
                out.push(SEAL);
                out.extend(at.0.to_be_bytes());
                out.extend(rows.to_be_bytes());
                out.extend(object.as_bytes());
                out.extend(commitment.as_bytes());
            }
        }
        out
    }

    /// Accepts exactly what [`Leaf::encode`] makes: one leaf, one encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, LeafError> {
        let mut input = Input(bytes);
        let [format] = input.take()?;
        if format != FORMAT {
            return Err(LeafError::Format(format));
        }
        let [kind] = input.take()?;
        let leaf = match kind {
            DELIVERY => Self::Delivery {
                record: RecordId(input.take()?),
                received_at: input.timestamp()?,
                class: input.name("class")?,
                ciphertext: Digest(input.take()?),
                commitments: match u32::from_be_bytes(input.take()?) {
                    0 => return Err(LeafError::Field("number of commitments")),
                    count => count,
                },
                commitment_root: Digest(input.take()?),
            },
            EVENT => Self::Event {
                at: input.timestamp()?,
                action: input.name("action")?,
                object: Digest(input.take()?),
                commitment: Digest(input.take()?),
            },
            SEAL => Self::Seal {
                at: input.timestamp()?,
                rows: u32::from_be_bytes(input.take()?),
                object: Digest(input.take()?),
                commitment: Digest(input.take()?),
            },
            unknown => return Err(LeafError::Kind(unknown)),
        };
        match input.0.len() {
            0 => Ok(leaf),
            left => Err(LeafError::Long(left)),
        }
    }

    /// RFC 6962 section 2.1: SHA-256(0x00 ‖ bytes).
    pub fn hash(&self) -> Digest {
        tree::hash_leaf(&self.encode())
    }
}

fn put_name(out: &mut Vec<u8>, name: &str) {
    assert!(is_name(name.as_bytes()), "{name:?} is no name of a class or an action");
    out.push(name.len() as u8);
    out.extend(name.as_bytes());
}

fn is_name(bytes: &[u8]) -> bool {
    (1..=NAME_BYTES_MAX).contains(&bytes.len())
        && bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], LeafError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(LeafError::Short)?;
        self.0 = rest;
        Ok(*head)
    }

    fn timestamp(&mut self) -> Result<Timestamp, LeafError> {
        Ok(Timestamp(i64::from_be_bytes(self.take()?)))
    }

    fn name(&mut self, field: &'static str) -> Result<String, LeafError> {
        let [length] = self.take()?;
        let (name, rest) = self.0.split_at_checked(usize::from(length)).ok_or(LeafError::Short)?;
        self.0 = rest;
        if !is_name(name) {
            return Err(LeafError::Field(field));
        }
        Ok(String::from_utf8_lossy(name).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn samples() -> Vec<(&'static str, Leaf)> {
        let digest = |text: &str| Digest::of(text.as_bytes());
        let at = Timestamp(1_700_000_000_123_456);
        vec![
            (
                "delivery",
                Leaf::Delivery {
                    record: RecordId(std::array::from_fn(|i| i as u8)),
                    received_at: at,
                    class: "standard".into(),
                    ciphertext: digest("ciphertext"),
                    commitments: 3,
                    commitment_root: digest("root"),
                },
            ),
            (
                "event",
                Leaf::Event {
                    at,
                    action: "hold.place".into(),
                    object: digest("object"),
                    commitment: digest("commitment"),
                },
            ),
            (
                "seal",
                Leaf::Seal {
                    at: Timestamp(-1),
                    rows: 17,
                    object: digest("object"),
                    commitment: digest("commitment"),
                },
            ),
        ]
    }

    /// Every line of the file, `name hex hash`, stays readable for ever.
    #[test]
    fn golden_leaves_of_format_1() {
        let golden = include_str!("../../tests/fixtures/ledger/leaves-1.txt");
        let samples = samples();
        assert_eq!(golden.lines().count(), samples.len());
        for (line, (name, leaf)) in golden.lines().zip(samples) {
            let ours = format!("{name} {} {}", hex::encode(leaf.encode()), leaf.hash());
            assert_eq!(line, ours);
            let bytes = hex::decode(line.split(' ').nth(1).unwrap()).unwrap();
            assert_eq!(Leaf::decode(&bytes), Ok(leaf));
        }
    }

    #[test]
    fn a_leaf_cut_short_or_followed_is_none() {
        for (name, leaf) in samples() {
            let bytes = leaf.encode();
            for end in 0..bytes.len() {
                assert_eq!(Leaf::decode(&bytes[..end]), Err(LeafError::Short), "{name} at {end}");
            }
            let longer = [bytes.as_slice(), b"x"].concat();
            assert_eq!(Leaf::decode(&longer), Err(LeafError::Long(1)));
        }
    }

    #[test]
    fn bad_fields_are_named() {
        let bytes = samples()[0].1.encode();
        let changed = |at: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            Leaf::decode(&bytes)
        };
        assert_eq!(changed(0, 2), Err(LeafError::Format(2)));
        assert_eq!(changed(1, 9), Err(LeafError::Kind(9)));
        assert_eq!(changed(27, b'S'), Err(LeafError::Field("class")));
        assert_eq!(changed(27, 0xff), Err(LeafError::Field("class")));
        let count = 26 + 1 + 8 + 32;
        assert_eq!(changed(count + 3, 0), Err(LeafError::Field("number of commitments")));
    }

    proptest! {
        #[test]
        fn any_bytes_decode_to_one_encoding_or_an_error(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
            kind in 0_u8..5,
        ) {
            if bytes.len() > 1 {
                bytes[0] = FORMAT;
                bytes[1] = kind;
            }
            if let Ok(leaf) = Leaf::decode(&bytes) {
                prop_assert_eq!(leaf.encode(), bytes);
            }
        }
    }
}

//! Typed identities. Records, segments and archives carry 128-bit ids that any
//! node can make alone; rows that only the catalog knows carry its integers.

use std::fmt;
use std::str::FromStr;

use super::clock::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text was not 32 hex digits.
#[derive(Debug, thiserror::Error)]
#[error("an id is 32 hex digits")]
pub struct ParseIdError;

macro_rules! wide_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// A new id: UUID version 7 (RFC 9562 section 5.7), so that ids made
            /// later sort later and no two nodes make the same one.
            pub fn generate() -> Self {
                Self(uuid::Uuid::now_v7().into_bytes())
            }

            pub fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; 16];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseIdError)?;
                Ok(Self(bytes))
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = ParseIdError;

            fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
                bytes.try_into().map(Self).map_err(|_| ParseIdError)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

wide_id!(
    /// One record: the sealed form of one delivery.
    RecordId
);
wide_id!(
    /// One segment: a vault object that holds records.
    SegmentId
);
wide_id!(
    /// One archive: everything under one master key and one log.
    ArchiveId
);

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

impl SegmentId {
    /// When it was made, to the millisecond: the first 48 bits (RFC 9562 section 5.7).
    pub fn created_at(&self) -> Timestamp {
        let millis = self.0[..6].iter().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
        Timestamp(millis * 1000)
    }
}

row_id!(
    /// A delivery's place in commit order; what followers' cursors count.
    DeliverySeq
);
row_id!(
    /// A message set: copies of one message, as `similar::set_key` decides.
    SetId
);
row_id!(UserId);
row_id!(MatterId);
row_id!(CustodianId);
row_id!(HoldId);
row_id!(JobId);
row_id!(DispositionId);
row_id!(ErasureId);

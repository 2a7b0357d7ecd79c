//! Properties and their values as the format stores them.

use crate::pst::ndb::Nid;

/// A property: its tag (id above, type below) and its value.
#[derive(Clone, Debug)]
pub struct Property {
    pub tag: u32,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    Integer(i32),
    Boolean(bool),
    /// A FILETIME: 100 ns since 1601-01-01 UTC.
    Time(u64),
    Text(String),
    Binary(Vec<u8>),
    /// Bytes that already are in a subnode of this node.
    Stored {
        nid: Nid,
        size: u64,
    },
    /// An embedded message: the subnode and the size that it states (2.3.3.5).
    Object {
        nid: Nid,
        size: u64,
    },
}

/// Property types (MS-OXCDATA 2.11.1).
pub mod kind {
    pub const INTEGER: u16 = 0x0003;
    pub const BOOLEAN: u16 = 0x000B;
    pub const OBJECT: u16 = 0x000D;
    pub const LONG: u16 = 0x0014;
    pub const TEXT: u16 = 0x001F;
    pub const TIME: u16 = 0x0040;
    pub const BINARY: u16 = 0x0102;
}

impl Property {
    pub fn integer(id: u16, value: i32) -> Self {
        Self::of(id, kind::INTEGER, Value::Integer(value))
    }

    pub fn boolean(id: u16, value: bool) -> Self {
        Self::of(id, kind::BOOLEAN, Value::Boolean(value))
    }

    pub fn time(id: u16, value: u64) -> Self {
        Self::of(id, kind::TIME, Value::Time(value))
    }

    pub fn text(id: u16, value: impl Into<String>) -> Self {
        Self::of(id, kind::TEXT, Value::Text(value.into()))
    }

    pub fn binary(id: u16, value: impl Into<Vec<u8>>) -> Self {
        Self::of(id, kind::BINARY, Value::Binary(value.into()))
    }

    pub fn stored(id: u16, nid: Nid, size: u64) -> Self {
        Self::of(id, kind::BINARY, Value::Stored { nid, size })
    }

    pub fn object(id: u16, nid: Nid, size: u64) -> Self {
        Self::of(id, kind::OBJECT, Value::Object { nid, size })
    }

    pub fn id(&self) -> u16 {
        (self.tag >> 16) as u16
    }

    fn of(id: u16, kind: u16, value: Value) -> Self {
        Self { tag: u32::from(id) << 16 | u32::from(kind), value }
    }
}

impl Value {
    /// Bytes of the value itself: what PidTagAttachSize adds up.
    pub fn size(&self) -> u64 {
        match self {
            Self::Integer(_) => 4,
            Self::Boolean(_) => 1,
            Self::Time(_) => 8,
            Self::Text(text) => 2 * text.encode_utf16().count() as u64,
            Self::Binary(bytes) => bytes.len() as u64,
            Self::Stored { size, .. } | Self::Object { size, .. } => *size,
        }
    }
}

/// UTF-16LE without a terminator, as Outlook stores strings.
pub fn text_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 * text.len());
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

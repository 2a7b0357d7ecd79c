//! The node database layer (MS-PST 2.2): blocks, pages, allocation maps, the
//! two B-trees and the header. It knows bytes and ids, not what they mean.

pub mod codec;
mod file;
mod header;
mod index;
mod spool;
mod tree;

pub use file::Ndb;
pub use tree::{DataTree, Subnode, write_subnodes};

/// A node id (MS-PST 2.2.2.1): five bits of type below 27 of index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nid(pub u32);

impl Nid {
    pub const fn new(kind: u32, index: u32) -> Self {
        Self(index << 5 | kind)
    }

    pub const fn kind(self) -> usize {
        (self.0 & 0x1F) as usize
    }

    pub const fn index(self) -> u32 {
        self.0 >> 5
    }

    /// The node of another type that shares this one's index.
    pub const fn sibling(self, kind: u32) -> Self {
        Self(self.0 & !0x1F | kind)
    }
}

/// Node types (MS-PST 2.2.2.1).
pub mod kind {
    pub const FOLDER: u32 = 0x02;
    pub const MESSAGE: u32 = 0x04;
    pub const ATTACHMENT: u32 = 0x05;
    pub const HIERARCHY: u32 = 0x0D;
    pub const CONTENTS: u32 = 0x0E;
    pub const ASSOCIATED: u32 = 0x0F;
    pub const VALUE: u32 = 0x1F;
}

/// A block or page id; zero means that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bid(pub u64);

impl Bid {
    pub const NONE: Self = Self(0);
}

/// What a node is made of, and the bytes of it and of all below it.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    pub data: Bid,
    pub subnodes: Bid,
    pub size: u64,
}

impl Stored {
    pub const EMPTY: Self = Self { data: Bid::NONE, subnodes: Bid::NONE, size: 0 };
}

/// Bytes that one block can carry (MS-PST 2.2.2.8.1).
pub const BLOCK_PAYLOAD: usize = 8176;

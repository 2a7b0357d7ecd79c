//! Data trees (MS-PST 2.2.2.8.3.2) and subnode trees (2.2.2.8.3.3).

use std::io::{self, Read, Seek, Write};

use super::file::{Ndb, read_full};
use super::{BLOCK_PAYLOAD, Bid, Nid, Stored};

/// Block ids that one XBLOCK or XXBLOCK holds.
const BRANCHES: usize = 1021;
const SUBNODES_PER_LEAF: usize = (BLOCK_PAYLOAD - 8) / 24;
const LEAVES_PER_BRANCH: usize = (BLOCK_PAYLOAD - 8) / 16;

/// Subnodes that one node can have: the format has one level above the leaves.
pub const SUBNODES_MAX: usize = SUBNODES_PER_LEAF * LEAVES_PER_BRANCH;

/// Bytes in a row, laid out as they come; holds at most two blocks of ids.
#[derive(Default)]
pub struct DataTree {
    leaves: Vec<u64>,
    leaf_bytes: u64,
    branches: Vec<u64>,
    total: u64,
}

impl DataTree {
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes `size` bytes of `source`; a source of another length is an error.
    pub fn copy<W: Write + Seek>(
        ndb: &mut Ndb<W>,
        source: &mut dyn Read,
        size: u64,
    ) -> io::Result<Stored> {
        let mut tree = Self::new();
        let mut buffer = [0; BLOCK_PAYLOAD];
        loop {
            let count = read_full(source, &mut buffer)?;
            if tree.total + count as u64 > size || count == 0 && tree.total < size {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("content is not of the {size} bytes that were declared"),
                ));
            }
            if count == 0 {
                return tree.finish(ndb);
            }
            tree.write(ndb, &buffer[..count])?;
        }
    }

    /// Writes one leaf; all but the last must be full.
    pub fn write<W: Write + Seek>(&mut self, ndb: &mut Ndb<W>, leaf: &[u8]) -> io::Result<()> {
        let bid = ndb.write_data(leaf)?;
        self.push(ndb, bid, leaf.len())
    }

    /// Takes a leaf that was written before.
    pub fn push<W: Write + Seek>(
        &mut self,
        ndb: &mut Ndb<W>,
        leaf: Bid,
        bytes: usize,
    ) -> io::Result<()> {
        if self.leaves.len() == BRANCHES {
            self.close_branch(ndb)?;
        }
        self.leaves.push(leaf.0);
        self.leaf_bytes += bytes as u64;
        self.total += bytes as u64;
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    pub fn finish<W: Write + Seek>(mut self, ndb: &mut Ndb<W>) -> io::Result<Stored> {
        let size = self.total;
        let data = match (self.branches.len(), self.leaves.as_slice()) {
            (0, []) => Bid::NONE,
            (0, [only]) => Bid(*only),
            (0, _) => {
                self.close_branch(ndb)?;
                Bid(self.branches[0])
            }
            _ => {
                self.close_branch(ndb)?;
                if self.branches.len() > BRANCHES {
                    return Err(io::Error::other("a data tree has room for 8.5 GB"));
                }
                ndb.write_internal(&ids_block(2, &self.branches, self.total))?
            }
        };
        Ok(Stored { data, subnodes: Bid::NONE, size })
    }

    fn close_branch<W: Write + Seek>(&mut self, ndb: &mut Ndb<W>) -> io::Result<()> {
        let bid = ndb.write_internal(&ids_block(1, &self.leaves, self.leaf_bytes))?;
        self.branches.push(bid.0);
        self.leaves.clear();
        self.leaf_bytes = 0;
        Ok(())
    }
}

fn ids_block(level: u8, ids: &[u64], total: u64) -> Vec<u8> {
    let mut block = Vec::with_capacity(8 + 8 * ids.len());
    block.extend([1, level]);
    block.extend((ids.len() as u16).to_le_bytes());
    block.extend((total as u32).to_le_bytes());
    block.extend(ids.iter().flat_map(|id| id.to_le_bytes()));
    block
}

/// A node inside a node.
#[derive(Clone, Copy, Debug)]
pub struct Subnode {
    pub nid: Nid,
    pub stored: Stored,
}

/// The tree over `subnodes`, in order of their ids; its block, if there are any.
pub fn write_subnodes<W: Write + Seek>(
    ndb: &mut Ndb<W>,
    subnodes: &mut [Subnode],
) -> io::Result<Bid> {
    if subnodes.len() > SUBNODES_MAX {
        return Err(io::Error::other("a node has room for 173,400 subnodes"));
    }
    subnodes.sort_unstable_by_key(|subnode| subnode.nid);
    let mut leaves = Vec::new();
    for chunk in subnodes.chunks(SUBNODES_PER_LEAF) {
        let mut block = Vec::with_capacity(8 + 24 * chunk.len());
        block.extend([2, 0]);
        block.extend((chunk.len() as u16).to_le_bytes());
        block.extend([0; 4]);
        for subnode in chunk {
            ndb.note(subnode.nid);
            block.extend(u64::from(subnode.nid.0).to_le_bytes());
            block.extend(subnode.stored.data.0.to_le_bytes());
            block.extend(subnode.stored.subnodes.0.to_le_bytes());
        }
        leaves.push((chunk[0].nid, ndb.write_internal(&block)?));
    }
    match leaves.as_slice() {
        [] => Ok(Bid::NONE),
        [(_, only)] => Ok(*only),
        _ => {
            let mut block = Vec::with_capacity(8 + 16 * leaves.len());
            block.extend([2, 1]);
            block.extend((leaves.len() as u16).to_le_bytes());
            block.extend([0; 4]);
            for (nid, bid) in leaves {
                block.extend(u64::from(nid.0).to_le_bytes());
                block.extend(bid.0.to_le_bytes());
            }
            ndb.write_internal(&block)
        }
    }
}

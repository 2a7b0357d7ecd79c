//! The append-only log: leaves, salted commitments, Merkle trees (RFC 6962),
//! tiles, signed notes and checkpoints (C2SP). Everything here works on bytes;
//! buckets and catalogs are other rooms' business.

pub mod checkpoint;
pub mod commitment;
pub mod leaf;
pub mod note;
pub mod tile;
pub mod tree;

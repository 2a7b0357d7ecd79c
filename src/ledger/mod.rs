//! The append-only log: leaves, salted commitments, Merkle trees (RFC 6962),
//! tiles, signed notes and checkpoints (C2SP), and their time stamps (RFC 3161). Everything here works on bytes;
//! buckets and catalogs are other rooms' business.

pub mod checkpoint;
pub mod commitment;
mod der;
pub mod leaf;
pub mod note;
pub mod stamp;
pub mod tile;
pub mod tree;

//! The bucket and the keys: segments, key pages, keyring, log objects.
//!
//! `FORMAT.md` is the public layout. Nothing here knows of the catalog.

pub mod bucket;
mod chunk;
pub mod keyring;
pub mod keys;
mod page;
pub mod segment;
mod wire;

//! What every room stands on: configuration, ids, hashes, time, durable files
//! and the limits. Nothing here knows of mail, buckets or people.

pub mod chain;
pub mod clock;
pub mod config;
pub mod crash;
pub mod durable;
pub mod hash;
pub mod ids;
pub mod limits;
pub mod number;
pub mod port;
pub mod priority;
pub mod writable;

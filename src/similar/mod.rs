//! Which messages are the same message. Threads and near-duplicates come later.

pub mod set_key;

pub use set_key::set_key;

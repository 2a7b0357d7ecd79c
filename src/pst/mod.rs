//! PST: Microsoft's file of folders and messages, written by us from MS-PST.
//!
//! `model` is what is written, `mime` makes it from an RFC 5322 message,
//! `split` spreads it over files. Below are the three layers of the format:
//! `store` (messaging), `ltp` (lists, tables, properties) and `ndb` (nodes).
//! `check` verifies a file against the format and shares no code with them.
//! `mend` puts right what keeps `outlook-pst` from reading some stores.
//! Nothing here knows of archives, rights or jobs.

pub mod check;
mod ltp;
pub mod mend;
pub mod mime;
pub mod model;
mod ndb;
#[cfg(test)]
mod sparse;
pub mod split;
mod store;

pub use store::{FolderId, ITEMS_PER_FOLDER, Options, Summary, Writer, bound};

//! Mail as bytes: the one-pass reader that runs before the 250, headers,
//! journal reports and mailboxes.
//!
//! Nothing here knows of the network, the catalog or keys. Every function takes
//! hostile bytes: bounded by `base::limits`, linear in the input, and doubt is a
//! [`defect::Defect`], never a failure.

pub mod address;
pub mod around;
pub mod charset;
mod code_page;
pub mod compose;
pub mod date;
pub mod decode;
pub mod defect;
pub mod delivery;
pub mod encoded_word;
pub mod enriched;
pub mod header;
pub mod idn;
pub mod journal;
mod labels;
pub mod mailbox;
pub mod maildir;
pub mod mbox;
mod mended;
mod notice;
mod outside;
pub mod parameters;
mod part;
mod scan;
pub mod shifted;
pub mod transaction;
mod utf7;
pub mod uuencode;
pub mod wrap;

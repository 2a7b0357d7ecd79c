//! Mail as bytes: the one-pass reader, headers, journal reports, mailboxes.

pub mod delivery;
pub mod transaction;

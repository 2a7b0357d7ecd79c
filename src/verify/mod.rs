//! Checking: export bundles, without trusting the archive, needing neither server
//! nor catalog; and the whole archive, each part against the others.

pub mod bundle;
mod container;
mod exceptions;
mod proof;
pub mod report;
pub mod scrub;
mod source;
mod stamped;
#[cfg(test)]
mod tests;
mod unquote;

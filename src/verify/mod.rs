//! Checking, without trusting the archive: export bundles now; the bucket's
//! scrub belongs here too. Needs neither server nor catalog.

pub mod bundle;
mod container;
mod exceptions;
mod proof;
pub mod report;
mod source;
#[cfg(test)]
mod tests;
mod unquote;

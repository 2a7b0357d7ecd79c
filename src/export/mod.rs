//! Exports: a frozen result, a bundle, its manifest and proofs.

pub mod bundle;
pub mod manifest;
pub mod mbox;

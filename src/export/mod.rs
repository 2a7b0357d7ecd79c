//! Exports: a frozen result, a bundle, its manifest and proofs.

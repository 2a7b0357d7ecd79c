//! Matters and their custodians.

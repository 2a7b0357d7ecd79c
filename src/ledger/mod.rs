//! The append-only log: leaves, commitments, trees, tiles, signed checkpoints.

//! Checking a bundle or the archive without trusting its owner.

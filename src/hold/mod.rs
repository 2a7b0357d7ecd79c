//! Holds: placed, seen, released.

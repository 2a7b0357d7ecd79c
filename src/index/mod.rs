//! Full-text search over tantivy; nothing above it knows the engine.

pub mod doc;

//! Full-text search over tantivy; nothing above it knows the engine.
//!
//! One tantivy document is a family. [`Index::all`] gives every hit of a query,
//! with no cap: `plan` turns the AST into fields and terms, `eval` yields the
//! matching documents of each segment, `spans` decides phrases and proximity on
//! positions. `token` is the one rule of what a term is.
//!
//! The index can be lost: it holds nothing that the vault and the catalog do
//! not, and its cursor says how far the follower that fills it has come. For
//! now it lies unencrypted on the node's disk; encrypting it comes with shards.

mod bits;
mod clear;
pub mod doc;
mod eval;
mod glob;
mod plan;
mod results;
mod schema;
mod snippet;
mod spans;
mod store;
#[cfg(test)]
mod tests;
mod token;

use crate::base::clock::Timestamp;
use crate::base::ids::SetId;

pub use schema::VERSION;
pub use snippet::Snippet;
pub use store::Index;

/// One family that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    pub set: SetId,
    pub received_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    /// Distinct messages in it, byte for byte.
    pub messages: u32,
    /// Something of it could not be indexed.
    pub is_partial: bool,
}

impl Hit {
    /// The instant by which it is ordered; without a usable date, a message was
    /// sent when it was received.
    pub fn at(&self, order: Order) -> Timestamp {
        match order {
            Order::Received => self.received_at,
            Order::Sent => self.sent_at.unwrap_or(self.received_at),
        }
    }
}

/// By which date a result is ordered, newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Received,
    Sent,
}

/// What is searched, apart from the query, and in which order it is given: by
/// default, everything by receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only families in which any of these took part; an empty list lets
    /// nothing pass.
    pub addresses: Option<Vec<String>>,
    pub order: Order,
}

#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The query asks for what the engine will not answer in part.
    #[error("{message}")]
    Refused { message: String, hint: String },
    /// Mended by `Index::reset` and filling it again.
    #[error("the search index is damaged: {0}")]
    Corrupt(String),
    #[error("another process writes the search index in {0}")]
    Busy(String),
    #[error(
        "{path} holds {found}, which is no part of a search index; give [index] path a directory \
         of its own"
    )]
    NotAnIndex { path: String, found: String },
    #[error("{operation} the search index")]
    File { operation: &'static str, source: std::io::Error },
    #[error("search index: {0}")]
    Engine(tantivy::TantivyError),
}

impl From<tantivy::TantivyError> for IndexError {
    fn from(error: tantivy::TantivyError) -> Self {
        use tantivy::TantivyError as Engine;
        match error {
            Engine::LockFailure(_, path) => Self::Busy(path.unwrap_or_default()),
            Engine::DataCorruption(error) => Self::Corrupt(format!("{error:?}")),
            Engine::OpenReadError(error) => Self::Corrupt(error.to_string()),
            Engine::IncompatibleIndex(error) => Self::Corrupt(format!("{error:?}")),
            Engine::SchemaError(error) => Self::Corrupt(error),
            error => Self::Engine(error),
        }
    }
}

impl From<std::io::Error> for IndexError {
    fn from(source: std::io::Error) -> Self {
        Self::File { operation: "read", source }
    }
}

//! Full-text search over tantivy; nothing above it knows the engine.
//!
//! A family is a block of tantivy documents, its message and each attachment.
//! [`Index::all`] gives every hit of a query, with no cap: `plan` turns the AST into
//! fields and terms, `eval` yields the matching documents of each segment, `near`
//! decides phrases and proximity on positions, which `spans` reads from the index and
//! `snippet` from a text. `token` is the one rule of what a term is, `slot` of what
//! terms a word of a query stands for.
//!
//! The index can be lost: it holds nothing that the vault and the catalog do
//! not, and its cursor says how far the follower that fills it has come. For
//! now it lies unencrypted on the node's disk; encrypting it comes with shards.

mod bits;
mod blocks;
mod clear;
pub mod doc;
mod eval;
mod expansion;
mod facets;
mod glob;
mod near;
mod plan;
pub mod report;
mod results;
mod schema;
mod sharing;
mod slot;
mod snippet;
mod spans;
mod store;
#[cfg(test)]
mod tests;
mod token;
mod versions;

use crate::base::clock::Timestamp;
use crate::base::ids::SetId;
use crate::query::ast::Text;

pub use expansion::Expansion;
pub use facets::{Facet, Facets, Values};
pub use schema::VERSION;
pub use sharing::{Keys, Sharing};
pub use snippet::Snippet;
pub use store::Index;
pub use token::VERSION as TOKENIZER_VERSION;

/// One family that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    pub set: SetId,
    pub received_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    /// Distinct messages in it, byte for byte.
    pub messages: u32,
    /// Its documents that match; all of them where the query joins words of a family.
    pub documents: u32,
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// Only families in which any of these took part; an empty list lets
    /// nothing pass.
    pub addresses: Option<Vec<String>>,
    pub order: Order,
    /// What parts of the query mean of which the index knows nothing: custodians,
    /// matters and holds.
    pub bound: Vec<(Text, Bound)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// Families in which any of these took part.
    Addresses(Vec<String>),
    Sets(Vec<SetId>),
}

#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The query asks for what the engine will not answer in part.
    #[error("{message}")]
    Refused { message: String, hint: String },
    /// Mended by `Index::reset` and filling it again.
    #[error("the search index is damaged: {0}")]
    Corrupt(String),
    #[error("another process writes the search index; stop it, or wait until it ends")]
    Busy,
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
            Engine::LockFailure(..) => Self::Busy,
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

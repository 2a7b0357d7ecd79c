//! The query language: dialects, one AST, a printer. Knows no engine, no
//! catalog and no clock; works on text alone and is total: any input gives a
//! query or an error with a place, a reason and a way to mend it.
//!
//! A dialect is a lexer and a parser of its own that end in the one AST of
//! [`ast`]. KQL is the first; dtSearch becomes a second [`Dialect`], with its
//! stemmed, fuzzy and regular-expression words as further forms of
//! [`ast::Word`] and `pre/n` as an ordered [`ast::Near`].

pub mod ast;
pub mod date;
pub mod error;
pub mod field;
mod kql;
mod lexer;
mod print;
mod value;

use serde::{Deserialize, Serialize};

pub use error::{QueryError, Span, Warning};

/// How a query's text is read. Always stated, never guessed from the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Keyword Query Language as Microsoft Purview documents it.
    Kql,
}

/// A query that was understood, and what its writer should know of the reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub query: ast::Query,
    pub warnings: Vec<Warning>,
}

/// Words for a field from a form's input, where nothing is an operator: a whole
/// address or domain, or a phrase.
pub fn words(field: field::Field, text: &str) -> Result<ast::Node, QueryError> {
    let text = lexer::unquoted(text);
    let span = Span::new(0, text.len());
    let words = value::words(&text, span, &mut value::Remarks::default())?;
    if words.is_empty() {
        return Err(QueryError::new(span, "there is nothing to search for here"));
    }
    Ok(ast::Node::Text(ast::Text { field, words }))
}

/// Reads a query. Dates without an offset are meant in `zone`.
pub fn parse(
    text: &str,
    dialect: Dialect,
    zone: &jiff::tz::TimeZone,
) -> Result<Parsed, QueryError> {
    match dialect {
        Dialect::Kql => kql::parse(text, zone),
    }
}

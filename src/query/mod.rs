//! The query language: dialects, one AST, a printer. Knows no engine, no
//! catalog and no clock; works on text alone and is total: any input gives a
//! query or an error with a place, a reason and a way to mend it.
//!
//! A dialect is a lexer and a parser of its own that end in the one AST of
//! [`ast`]: KQL as Purview documents it, and dtSearch as Relativity does.

pub mod ast;
pub mod date;
mod dtsearch;
pub mod error;
pub mod field;
mod kql;
mod lexer;
mod people;
mod print;
mod reading;
pub mod tree;
mod value;

use serde::{Deserialize, Serialize};

pub use error::{QueryError, Span, Warning};

use crate::base::limits;

/// How a query's text is read. Always stated, never guessed from the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Keyword Query Language as Microsoft Purview documents it.
    Kql,
    /// dtSearch's as Relativity documents it.
    DtSearch,
}

impl Dialect {
    /// KQL joins words of a family, as Purview finds messages with what is attached
    /// to them; dtSearch joins words of one document.
    pub fn unit(self) -> ast::Unit {
        match self {
            Self::Kql => ast::Unit::Family,
            Self::DtSearch => ast::Unit::Document,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Kql => "kql",
            Self::DtSearch => "dtsearch",
        }
    }
}

/// A query that was understood, and what its writer should know of the reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub query: ast::Query,
    pub warnings: Vec<Warning>,
}

/// What a form's input asks of a field of people, where nothing is an operator:
/// whole addresses or domains, a phrase, or mailboxes as mail writes them; and a
/// remark where it was read otherwise than as it stands. `name` is what the form
/// calls it.
pub fn people(
    field: field::Field,
    name: &str,
    text: &str,
) -> Result<(ast::Node, Option<String>), QueryError> {
    let span = Span::new(0, text.len());
    let mut remarks = value::Remarks::default();
    let (asked, remark) = match people::read(name, text, true) {
        Some(people) => {
            (people.asked.iter().map(|it| it.text().to_owned()).collect(), Some(people.remark))
        }
        None => (vec![lexer::unquoted(text)], None),
    };
    if asked.len() > limits::QUERY_TERMS_MAX {
        let message = format!("more than {} people are named", limits::QUERY_TERMS_MAX);
        return Err(QueryError::new(span, message).hint("split it into several searches"));
    }
    let mut any = Vec::new();
    for text in asked {
        let words = value::words(&text, span, &mut remarks)?;
        if !words.is_empty() {
            any.push(ast::Node::Text(ast::Text { field, words }));
        }
    }
    match ast::Node::any_of(any) {
        Some(node) => Ok((node, remark)),
        None => Err(QueryError::new(span, "there is nothing to search for here")),
    }
}

/// Reads a query. Dates without an offset are meant in `zone`.
pub fn parse(
    text: &str,
    dialect: Dialect,
    zone: &jiff::tz::TimeZone,
) -> Result<Parsed, QueryError> {
    read(text, dialect, zone).map_err(|mut error| {
        let whole = error.rewrite.take().and_then(|part| {
            let Span { start, end } = error.span;
            Some([text.get(..start)?, &part, text.get(end..)?].concat())
        });
        error.rewrite = whole.filter(|whole| read(whole, dialect, zone).is_ok());
        error
    })
}

fn read(text: &str, dialect: Dialect, zone: &jiff::tz::TimeZone) -> Result<Parsed, QueryError> {
    match dialect {
        Dialect::Kql => kql::parse(text, zone),
        Dialect::DtSearch => dtsearch::parse(text, zone),
    }
}

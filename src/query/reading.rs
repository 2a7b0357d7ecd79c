//! What both dialects read alike: fields with their values, and what may stand
//! beside a proximity.

use super::Dialect;
use super::ast::{Has, Near, Node, Relation};
use super::error::{QueryError, Span};
use super::field::{self, Field, Kind, Name};
use super::print;
use super::value::{self, shortened};
use crate::base::limits::QUERY_NEAR_MAX;

/// A longer suggestion helps nobody.
pub(super) const SUGGESTION_BYTES_MAX: usize = 300;

/// The value of a field that is not of text.
pub(super) fn valued(
    meaning: Name,
    operator: &str,
    value: &str,
    span: Span,
) -> Result<Node, QueryError> {
    Ok(match meaning {
        Name::Date(field) => Node::Date(field, value::date_test(operator, value, span)?),
        Name::Size => Node::Size(value::size_test(operator, value, span)?),
        Name::Has if value.eq_ignore_ascii_case("attachment") => Node::Has(Has::Attachment),
        Name::Has if value.eq_ignore_ascii_case("unproven") => Node::Has(Has::Unproven),
        Name::HasAttachment => match value.to_ascii_lowercase().as_str() {
            "true" | "yes" => Node::Has(Has::Attachment),
            "false" | "no" => Node::Not(Box::new(Node::Has(Has::Attachment))),
            _ => {
                return Err(
                    QueryError::new(span, "this is true or false").hint("write hasattachment:true")
                );
            }
        },
        Name::Has | Name::Text(_) | Name::Later => {
            let message = format!("`has:{}` is not known", shortened(value));
            return Err(QueryError::new(span, message).hint("write has:attachment or has:unproven"));
        }
    })
}

pub(super) fn refuse_later(name: &str, operator: &str, span: Span) -> QueryError {
    let message = format!("`{name}{operator}` cannot be searched yet");
    QueryError::new(span, message)
        .hint(format!("to search for the text, write \"{name}{operator}…\""))
}

/// A proximity's distance, as the operator `written` says it.
pub(super) fn distance(number: u32, written: &str, span: Span) -> Result<u32, QueryError> {
    if (1..=QUERY_NEAR_MAX).contains(&number) {
        return Ok(number);
    }
    let (name, example) = match written.split_once('/') {
        Some((name, _)) => (written, format!("{name}/5")),
        None => (written, format!("{written}(5)")),
    };
    let message = format!("{name} takes a distance from 1 to {QUERY_NEAR_MAX} words");
    Err(QueryError::new(span, message).hint(format!("write for example {example}")))
}

/// Two sides and what joins them, which must be words of one field. `written` is the
/// operator.
pub(super) fn near(
    (left, left_span): (Node, Span),
    (right, right_span): (Node, Span),
    (distance, relation): (u32, Relation),
    written: &str,
    dialect: Dialect,
) -> Result<(Node, Span), QueryError> {
    let span = left_span.to(right_span);
    let near = Near { distance, relation, left, right };
    let sides = near_field(&near.left, left_span, written)
        .and_then(|field| Ok((field, near_field(&near.right, right_span, written)?)));
    let (left_field, right_field) = sides.map_err(|error| match distributed(&near, dialect) {
        Some(rewrite) => {
            let rest = error.hint.as_deref().unwrap_or_default().to_owned();
            error.hint(format!("write {rewrite}; {rest}"))
        }
        None => error,
    })?;
    if right_field != left_field {
        return Err(QueryError::new(span, format!("{written} joins two fields"))
            .hint("name the same field on both its sides"));
    }
    Ok((Node::Near(Box::new(near)), span))
}

/// `(a AND b) NEAR c` as what it most likely means.
fn distributed(near: &Near, dialect: Dialect) -> Option<String> {
    let spread = |all: &[Node], of: &dyn Fn(Node) -> Near| {
        let each = all.iter().map(|node| Node::Near(Box::new(of(node.clone()))));
        print::text(&Node::And(each.collect()), dialect)
    };
    let Near { left, right, .. } = near;
    let rewrite = match (left, right) {
        (Node::And(_), Node::And(_)) => return None,
        (Node::And(all), _) => spread(all, &|left| Near { left, ..near.clone() }),
        (_, Node::And(all)) => spread(all, &|right| Near { right, ..near.clone() }),
        _ => return None,
    };
    (rewrite.len() <= SUGGESTION_BYTES_MAX).then_some(rewrite)
}

/// The field that all of a side is in.
fn near_field(node: &Node, span: Span, written: &str) -> Result<Field, QueryError> {
    let refuse = |what: &str| {
        let message = format!("{what} cannot stand beside {written}");
        Err(QueryError::new(span, message)
            .hint("only words, phrases, groups of them with OR, and other proximities can"))
    };
    match node {
        Node::Text(text) if text.field.kind() == Kind::Whole => refuse("this field"),
        Node::Text(text) => Ok(text.field),
        Node::Near(near) => near_field(&near.left, span, written),
        Node::Or(any) => {
            let mut fields = any.iter().map(|node| near_field(node, span, written));
            let first = fields.next().unwrap_or(Ok(Field::Anywhere))?;
            for field in fields {
                if field? != first {
                    return refuse("a group of several fields");
                }
            }
            Ok(first)
        }
        Node::And(_) => refuse("AND (also words that only follow each other)"),
        Node::Not(_) => refuse("NOT"),
        Node::Date(..) | Node::Size(_) | Node::Has(_) => refuse("a test of a value"),
    }
}

/// Mixed AND and OR, with parentheses where they most likely belong: each of `runs` is
/// joined by AND.
pub(super) fn mixed(runs: Vec<Vec<Node>>, span: Span, dialect: Dialect) -> QueryError {
    let run = |mut run: Vec<Node>| match run.len() {
        1 => run.remove(0),
        _ => Node::And(run),
    };
    let either = Node::Or(runs.into_iter().map(run).collect());
    let suggestion = print::text(&either, dialect);
    let message = "AND and OR are mixed, and it is not clear which comes first";
    let error = QueryError::new(span, message);
    match suggestion.len() {
        0..=SUGGESTION_BYTES_MAX => {
            error.hint(format!("use parentheses, for example {suggestion}")).rewrite(suggestion)
        }
        _ => error.hint("use parentheses, for example (a AND b) OR c"),
    }
}

pub(super) fn nothing_to_search(span: Span) -> QueryError {
    QueryError::new(span, "there is nothing to search for here").hint("write a word or a phrase")
}

pub(super) fn unknown_field(name: &str, span: Span) -> QueryError {
    let error = QueryError::new(span, format!("there is no field `{}`", shortened(name)));
    match field::nearest(name) {
        Some(near) => error.hint(format!("did you mean {near}: ?")),
        None => error.hint(format!(
            "the fields are {}; to search for text with a colon, put it in quotation marks",
            field::searchable().join(", ")
        )),
    }
}

pub(super) fn refuse_comparison(operator: &str, name: &str, span: Span) -> Result<(), QueryError> {
    match operator {
        ":" => Ok(()),
        "<>" => {
            Err(QueryError::new(span, "`<>` is not known here").hint(format!("write NOT {name}:…")))
        }
        _ => {
            Err(QueryError::new(span, format!("`{name}` has no order"))
                .hint(format!("write {name}:…")))
        }
    }
}

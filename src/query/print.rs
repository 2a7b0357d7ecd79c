//! The printer: any AST as KQL that is read again as the same AST.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{Has, Near, Node, Piece, Query, Test, Text, Word};
use super::field::Field;

pub(super) fn text(node: &Node) -> String {
    node.to_string()
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.root {
            Some(root) => root.fmt(f),
            None => Ok(()),
        }
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(all) => list(f, all, " AND "),
            Self::Or(any) => list(f, any, " OR "),
            Self::Not(node) => {
                f.write_str("NOT ")?;
                grouped(f, node)
            }
            Self::Near(near) => near.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Date(field, test) => comparison(f, field.name(), test),
            Self::Size(test) => comparison(f, "size", test),
            Self::Has(Has::Attachment) => f.write_str("has:attachment"),
            Self::Has(Has::Unproven) => f.write_str("has:unproven"),
        }
    }
}

impl Display for Near {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        grouped(f, &self.left)?;
        let name = if self.is_ordered { "ONEAR" } else { "NEAR" };
        write!(f, " {name}({}) ", self.distance)?;
        grouped(f, &self.right)
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.field != Field::Anywhere {
            write!(f, "{}:", self.field.name())?;
        }
        match self.words.as_slice() {
            [word] if is_plain(word) => word.fmt(f),
            words => {
                f.write_char('"')?;
                for (at, word) in words.iter().enumerate() {
                    if at > 0 {
                        f.write_char(' ')?;
                    }
                    word.fmt(f)?;
                }
                f.write_char('"')
            }
        }
    }
}

impl Display for Word {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.pattern.iter().try_for_each(|piece| match piece {
            Piece::Literal(literal) => f.write_str(literal),
            Piece::AnyChars => f.write_char('*'),
            Piece::OneChar => f.write_char('?'),
        })
    }
}

/// Nothing in it could be taken for anything but a word.
fn is_plain(word: &Word) -> bool {
    let text = word.to_string();
    let is_operator =
        ["and", "or", "not", "near", "onear"].contains(&text.to_ascii_lowercase().as_str());
    let is_harmless = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '@' | '*' | '?');
    !is_operator
        && text.starts_with(is_harmless)
        && text.chars().all(|c| is_harmless(c) || matches!(c, '-' | '\''))
}

fn list(f: &mut Formatter<'_>, nodes: &[Node], between: &str) -> fmt::Result {
    for (at, node) in nodes.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        match node {
            Node::Not(_) => node.fmt(f)?,
            _ => grouped(f, node)?,
        }
    }
    Ok(())
}

/// In parentheses where it is more than one thing.
fn grouped(f: &mut Formatter<'_>, node: &Node) -> fmt::Result {
    match node {
        Node::Text(_) | Node::Date(..) | Node::Size(_) | Node::Has(_) => node.fmt(f),
        _ => write!(f, "({node})"),
    }
}

fn comparison<T: Display>(f: &mut Formatter<'_>, name: &str, test: &Test<T>) -> fmt::Result {
    match test {
        Test::At(value) => write!(f, "{name}:{value}"),
        Test::Before(value) => write!(f, "{name}<{value}"),
        Test::UpTo(value) => write!(f, "{name}<={value}"),
        Test::After(value) => write!(f, "{name}>{value}"),
        Test::From(value) => write!(f, "{name}>={value}"),
        Test::Between(from, until) => write!(f, "{name}:{from}..{until}"),
    }
}

#[cfg(test)]
#[path = "print_tests.rs"]
mod tests;

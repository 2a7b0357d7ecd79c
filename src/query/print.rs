//! The printer: any AST in a dialect, so that it is read again as the same AST.

use std::fmt::{self, Display, Formatter, Write};

use super::Dialect;
use super::ast::{Edge, Has, Near, Node, Piece, Query, Relation, Test, Text, Word};
use super::field::Field;

pub(super) fn text(node: &Node, dialect: Dialect) -> String {
    Printed { node, dialect }.to_string()
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.root {
            Some(root) => Printed { node: root, dialect: self.dialect }.fmt(f),
            None => Ok(()),
        }
    }
}

#[derive(Clone, Copy)]
struct Printed<'a> {
    node: &'a Node,
    dialect: Dialect,
}

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let is_kql = self.dialect == Dialect::Kql;
        match self.node {
            Node::And(all) => self.list(f, all, if is_kql { " AND " } else { " and " }),
            Node::Or(any) => self.list(f, any, if is_kql { " OR " } else { " or " }),
            Node::Not(node) => {
                f.write_str(if is_kql { "NOT " } else { "not " })?;
                self.grouped(f, node)
            }
            Node::Near(near) => self.near(f, near),
            Node::Text(text) => self.text(f, text),
            Node::Date(field, test) => comparison(f, field.name(), test),
            Node::Size(test) => comparison(f, "size", test),
            Node::Has(Has::Attachment) => f.write_str("has:attachment"),
            Node::Has(Has::Unproven) => f.write_str("has:unproven"),
        }
    }
}

impl Printed<'_> {
    fn list(self, f: &mut Formatter<'_>, nodes: &[Node], between: &str) -> fmt::Result {
        for (at, node) in nodes.iter().enumerate() {
            if at > 0 {
                f.write_str(between)?;
            }
            match node {
                Node::Not(_) => Printed { node, ..self }.fmt(f)?,
                _ => self.grouped(f, node)?,
            }
        }
        Ok(())
    }

    /// In parentheses where it is more than one thing.
    fn grouped(self, f: &mut Formatter<'_>, node: &Node) -> fmt::Result {
        let inner = Printed { node, ..self };
        match node {
            Node::Text(_) | Node::Date(..) | Node::Size(_) | Node::Has(_) => inner.fmt(f),
            _ => write!(f, "({inner})"),
        }
    }

    fn near(self, f: &mut Formatter<'_>, near: &Near) -> fmt::Result {
        self.grouped(f, &near.left)?;
        let distance = near.distance;
        match (self.dialect, near.relation) {
            (Dialect::Kql, Relation::Within) => write!(f, " NEAR({distance}) ")?,
            (Dialect::Kql, Relation::Before) => write!(f, " ONEAR({distance}) ")?,
            (Dialect::DtSearch, Relation::Within) => write!(f, " w/{distance} ")?,
            (Dialect::DtSearch, Relation::Before) => write!(f, " pre/{distance} ")?,
            // KQL's parser makes none.
            (_, Relation::NotWithin) => write!(f, " not w/{distance} ")?,
        }
        self.grouped(f, &near.right)
    }

    fn text(self, f: &mut Formatter<'_>, text: &Text) -> fmt::Result {
        if text.field != Field::Anywhere {
            write!(f, "{}:", text.field.name())?;
        }
        match text.words.as_slice() {
            [word] if is_plain(word, self.dialect) => word.fmt(f),
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
        match self {
            Self::Pattern(pieces) => pieces.iter().try_for_each(|piece| match piece {
                Piece::Literal(literal) => f.write_str(literal),
                Piece::AnyChars => f.write_char('*'),
                Piece::OneChar => f.write_char('?'),
                Piece::OneDigit => f.write_char('='),
            }),
            Self::Stem(word) => write!(f, "{word}~"),
            Self::Fuzzy { text, exact_chars, edits } => {
                let at = text.char_indices().nth(*exact_chars).map_or(text.len(), |(at, _)| at);
                write!(f, "{}{}{}", &text[..at], "%".repeat(*edits), &text[at..])
            }
            Self::Number { from, until } => write!(f, "{from}~~{until}"),
            Self::Regex(pattern) => write!(f, "##{pattern}"),
            Self::Edge(Edge::First) => f.write_str("xfirstword"),
            Self::Edge(Edge::Last) => f.write_str("xlastword"),
        }
    }
}

/// Nothing in it could be taken for anything but a word.
fn is_plain(word: &Word, dialect: Dialect) -> bool {
    let text = word.to_string();
    let lower = text.to_ascii_lowercase();
    let is_operator = match dialect {
        Dialect::Kql => ["and", "or", "not", "near", "onear"].contains(&lower.as_str()),
        Dialect::DtSearch => {
            ["and", "or", "not", "contains", "xor", "andany", "xfilter"].contains(&lower.as_str())
                || matches!(word, Word::Regex(_))
        }
    };
    let is_mark = |c: char| matches!(c, '.' | '_' | '@' | '*' | '?');
    let is_inner = |c: char| {
        matches!(c, '-' | '\'') || (dialect == Dialect::DtSearch && matches!(c, '%' | '~'))
    };
    let is_harmless = |c: char| c.is_alphanumeric() || is_mark(c);
    !is_operator
        && (text.starts_with(is_harmless) || matches!(word, Word::Fuzzy { .. }))
        && text.chars().all(|c| is_harmless(c) || is_inner(c))
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

//! The parsed query as rows for people: each part below what joins it, and what is
//! meant by each.

use super::ast::{Near, Node, Query, Relation, Text, Unit, Word};
use super::field::Kind;
use super::print;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub depth: u32,
    pub text: String,
}

/// None where everything is asked for.
pub fn rows(query: &Query) -> Vec<Row> {
    let mut tree = Tree { query, rows: Vec::new() };
    if let Some(root) = &query.root {
        tree.node(root, 0);
    }
    tree.rows
}

/// The part of the query that each row tells of.
pub fn parts(query: &Query) -> Vec<&Node> {
    let mut parts = Vec::new();
    let mut waiting: Vec<&Node> = query.root.iter().collect();
    while let Some(node) = waiting.pop() {
        parts.push(node);
        match node {
            Node::And(nodes) | Node::Or(nodes) => waiting.extend(nodes.iter().rev()),
            Node::Not(node) => waiting.push(node),
            Node::Near(near) => waiting.extend([&near.right, &near.left]),
            Node::Text(_) | Node::Date(..) | Node::Size(_) | Node::Has(_) => {}
        }
    }
    parts
}

struct Tree<'a> {
    query: &'a Query,
    rows: Vec<Row>,
}

impl Tree<'_> {
    fn node(&mut self, node: &Node, depth: u32) {
        let unit = match self.query.dialect.unit() {
            Unit::Family => "message or its attachments",
            Unit::Document => "document",
        };
        match node {
            Node::And(all) => self.list(format!("all of these in one {unit}"), all, depth),
            Node::Or(any) => self.list("any of these".to_owned(), any, depth),
            Node::Not(node) => {
                self.row(format!("this is not in the {unit}"), depth);
                self.node(node, depth + 1);
            }
            Node::Near(near) => self.near(near, depth),
            Node::Text(text) => {
                let printed = print::text(node, self.query.dialect);
                self.row(format!("{printed}{}", meaning(text)), depth);
            }
            Node::Date(..) | Node::Size(_) | Node::Has(_) => {
                self.row(print::text(node, self.query.dialect), depth);
            }
        }
    }

    fn list(&mut self, text: String, nodes: &[Node], depth: u32) {
        self.row(text, depth);
        nodes.iter().for_each(|node| self.node(node, depth + 1));
    }

    fn near(&mut self, near: &Near, depth: u32) {
        let n = near.distance;
        self.row(
            match near.relation {
                Relation::Within => format!("these within {n} words of each other"),
                Relation::Before => format!("the first at most {n} words before the second"),
                Relation::NotWithin => {
                    format!("the first where the second is not within {n} words")
                }
            },
            depth,
        );
        self.node(&near.left, depth + 1);
        self.node(&near.right, depth + 1);
    }

    fn row(&mut self, text: String, depth: u32) {
        self.rows.push(Row { depth, text });
    }
}

/// What is not plain to see in what is printed.
fn meaning(text: &Text) -> String {
    let mut said = Vec::new();
    if text.words.len() > 1 && text.field.kind() != Kind::Whole {
        said.push("in a row".to_owned());
    }
    said.extend(text.words.iter().filter_map(|word| match word {
        Word::Stem(word) => Some(format!("words with the stem of {word}")),
        Word::Fuzzy { text, exact_chars, edits } => {
            let begin: String = text.chars().take(*exact_chars).collect();
            Some(format!(
                "words that begin with {begin:?} and differ from {text} in at most {edits}"
            ))
        }
        Word::Number { from, until } => Some(format!("whole numbers from {from} to {until}")),
        Word::Regex(pattern) => Some(format!("words that fit {pattern}")),
        Word::Pattern(_) | Word::Edge(_) => None,
    }));
    if said.is_empty() { String::new() } else { format!(" ({})", said.join("; ")) }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::query::{Dialect, parse};

    #[test]
    fn each_part_stands_below_what_joins_it() {
        let text = "(apply~ w/5 \"last will\") and not (subject:a or 12~~24)";
        let query = parse(text, Dialect::DtSearch, &TimeZone::UTC).expect("a query").query;
        let shown: Vec<String> = rows(&query)
            .iter()
            .map(|row| format!("{}{}", "  ".repeat(row.depth as usize), row.text))
            .collect();
        let expected = "all of these in one document
  these within 5 words of each other
    apply~ (words with the stem of apply)
    \"last will\" (in a row)
  this is not in the document
    any of these
      subject:a
      12~~24 (whole numbers from 12 to 24)";
        assert_eq!(shown.join("\n"), expected);
        let parts = parts(&query);
        assert_eq!(parts.len(), shown.len());
        for (part, row) in
            parts.iter().zip(&shown).filter(|(part, _)| matches!(part, Node::Text(_)))
        {
            let printed = print::text(part, Dialect::DtSearch);
            assert!(row.trim().starts_with(&printed), "{printed} is not {row}");
        }
        let query = parse("a b", Dialect::Kql, &TimeZone::UTC).expect("a query").query;
        assert_eq!(rows(&query)[0].text, "all of these in one message or its attachments");
    }
}

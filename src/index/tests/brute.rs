//! Brute force: the texts as lists of words, the definitions word for word.

use std::collections::BTreeSet;

use super::*;

pub struct Doc {
    pub set: i64,
    pub subject: Vec<String>,
    pub body: Vec<String>,
    pub attachments: Vec<Vec<String>>,
}

impl Doc {
    /// The texts that a field looks into: the message's, then each attachment's; and
    /// whether they have ends, which a subject has not.
    fn texts(&self, field: crate::query::field::Field) -> Vec<Vec<(&[String], bool)>> {
        use crate::query::field::Field;
        let (of_message, of_attachment): (Vec<(&[String], bool)>, bool) = match field {
            Field::Subject => (vec![(&self.subject, false)], false),
            Field::Body => (vec![(&self.body, true)], false),
            Field::AttachmentText => (vec![], true),
            _ => (vec![(&self.subject, false), (&self.body, true)], true),
        };
        let attachment = |words| if of_attachment { vec![(words, true)] } else { vec![] };
        let attachments = self.attachments.iter().map(Vec::as_slice).map(attachment);
        std::iter::once(of_message).chain(attachments).collect()
    }

    /// How many documents match: none where the family does not.
    pub fn matching(&self, query: &ast::Query) -> u32 {
        let root = query.root.as_ref().expect("a query");
        let documents = 1 + self.attachments.len();
        match query.dialect.unit() {
            ast::Unit::Family if self.family(root) => documents as u32,
            ast::Unit::Family => 0,
            ast::Unit::Document => {
                (0..documents).filter(|document| self.document(root, *document)).count() as u32
            }
        }
    }

    fn family(&self, node: &ast::Node) -> bool {
        match node {
            ast::Node::And(all) => all.iter().all(|node| self.family(node)),
            ast::Node::Or(any) => any.iter().any(|node| self.family(node)),
            ast::Node::Not(node) => !self.family(node),
            _ => (0..=self.attachments.len()).any(|document| self.document(node, document)),
        }
    }

    fn document(&self, node: &ast::Node, at: usize) -> bool {
        match node {
            ast::Node::And(all) => all.iter().all(|node| self.document(node, at)),
            ast::Node::Or(any) => any.iter().any(|node| self.document(node, at)),
            ast::Node::Not(node) => !self.document(node, at),
            ast::Node::Has(_) => !self.attachments.is_empty(),
            ast::Node::Text(_) | ast::Node::Near(_) => {
                let texts = &self.texts(field(node))[at];
                texts.iter().any(|text| !places(node, *text).is_empty())
            }
            ast::Node::Date(..) | ast::Node::Size(_) => unreachable!("not generated"),
        }
    }
}

fn field(node: &ast::Node) -> crate::query::field::Field {
    match node {
        ast::Node::Text(text) => text.field,
        ast::Node::Near(near) => field(&near.left),
        ast::Node::Or(any) => field(&any[0]),
        _ => unreachable!("not beside NEAR"),
    }
}

/// The words of the text that each place uses; the ends of the text are -1 and its
/// length.
fn places(node: &ast::Node, text: (&[String], bool)) -> BTreeSet<BTreeSet<i64>> {
    let (words, has_ends) = text;
    match node {
        ast::Node::Text(asked) => {
            let (end, length) = (words.len() as i64, asked.words.len() as i64);
            let fits = |start: &i64| {
                (*start..).zip(&asked.words).all(|(at, word)| match word {
                    ast::Word::Edge(ast::Edge::First) => has_ends && at == -1,
                    ast::Word::Edge(ast::Edge::Last) => has_ends && at == end,
                    word => (0..end).contains(&at) && is_word(word, &words[at as usize]),
                })
            };
            (-1..=end).filter(fits).map(|start| (start..start + length).collect()).collect()
        }
        ast::Node::Or(any) => any.iter().flat_map(|node| places(node, text)).collect(),
        ast::Node::Near(near) => {
            let (left, right) = (places(&near.left, text), places(&near.right, text));
            let distance = i64::from(near.distance);
            let is_near = |left: &BTreeSet<i64>, right: &BTreeSet<i64>| {
                let (left, right) = ((left.first(), left.last()), (right.first(), right.last()));
                let (Some(a), Some(b), Some(c), Some(d)) = (left.0, left.1, right.0, right.1)
                else {
                    return false;
                };
                match near.relation {
                    ast::Relation::Before => b < c && c - b <= distance,
                    _ => c - b <= distance && a - d <= distance,
                }
            };
            if near.relation == ast::Relation::NotWithin {
                let is_apart = |place: &BTreeSet<i64>| {
                    !right.iter().any(|other| is_near(place, other) && place.is_disjoint(other))
                };
                return left.into_iter().filter(is_apart).collect();
            }
            let mut found = BTreeSet::new();
            for place in &left {
                let near = right.iter().filter(|it| is_near(place, it) && place.is_disjoint(it));
                found.extend(near.map(|other| place | other));
            }
            found
        }
        _ => unreachable!("not beside NEAR"),
    }
}

/// The texts are ASCII; the definitions of each form of a word.
fn is_word(asked: &ast::Word, word: &str) -> bool {
    match asked {
        ast::Word::Pattern(_) => is_pattern(&asked.to_string(), word),
        // Of the words that are generated only these have a form with another stem.
        ast::Word::Stem(stem) => {
            word == stem || (stem.len() > 2 && word.strip_suffix("s") == Some(stem.as_str()))
        }
        ast::Word::Fuzzy { text, exact_chars, edits } => {
            word.starts_with(&text[..*exact_chars])
                && edited(text.as_bytes(), word.as_bytes()) <= *edits
        }
        ast::Word::Number { from, until } => {
            word.parse().is_ok_and(|number: u64| from <= &number && &number <= until)
        }
        ast::Word::Regex(pattern) => {
            let whole = regex::Regex::new(&format!("^(?:{pattern})$")).expect("an expression");
            whole.is_match(word)
        }
        ast::Word::Edge(_) => unreachable!("no word"),
    }
}

fn edited(a: &[u8], b: &[u8]) -> usize {
    match (a, b) {
        ([], rest) | (rest, []) => rest.len(),
        ([x, a_rest @ ..], [y, b_rest @ ..]) => (edited(a_rest, b_rest) + usize::from(x != y))
            .min(edited(a_rest, b) + 1)
            .min(edited(a, b_rest) + 1),
    }
}

fn is_pattern(pattern: &str, word: &str) -> bool {
    let (pattern, word): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), word.chars().collect());
    fn rest(pattern: &[char], word: &[char]) -> bool {
        match pattern.split_first() {
            None => word.is_empty(),
            Some(('*', after)) => (0..=word.len()).any(|skip| rest(after, &word[skip..])),
            Some(('?', after)) => !word.is_empty() && rest(after, &word[1..]),
            Some(('=', after)) => {
                word.first().is_some_and(char::is_ascii_digit) && rest(after, &word[1..])
            }
            Some((c, after)) => word.first() == Some(c) && rest(after, &word[1..]),
        }
    }
    rest(&pattern, &word)
}

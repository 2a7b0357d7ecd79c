//! Brute force: the texts as lists of words, the definitions word for word.

use super::*;

pub struct Doc {
    pub set: i64,
    pub subject: Vec<String>,
    pub body: Vec<String>,
    pub attachments: Vec<Vec<String>>,
}

impl Doc {
    fn documents(&self, field: crate::query::field::Field) -> Vec<&[String]> {
        use crate::query::field::Field;
        let attachments = self.attachments.iter().map(Vec::as_slice);
        match field {
            Field::Subject => vec![&self.subject],
            Field::Body => vec![&self.body],
            Field::AttachmentText => attachments.collect(),
            _ => [self.subject.as_slice(), &self.body].into_iter().chain(attachments).collect(),
        }
    }

    pub fn matches(&self, node: &ast::Node) -> bool {
        match node {
            ast::Node::And(all) => all.iter().all(|node| self.matches(node)),
            ast::Node::Or(any) => any.iter().any(|node| self.matches(node)),
            ast::Node::Not(node) => !self.matches(node),
            ast::Node::Has(_) => !self.attachments.is_empty(),
            ast::Node::Text(_) | ast::Node::Near(_) => {
                let words = self.documents(field(node));
                words.into_iter().any(|words| !spans(node, words).is_empty())
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

fn spans(node: &ast::Node, words: &[String]) -> Vec<(usize, usize)> {
    match node {
        ast::Node::Text(text) => (0..words.len())
            .filter(|start| {
                text.words.iter().enumerate().all(|(at, word)| {
                    words.get(start + at).is_some_and(|it| is_word(&word.to_string(), it))
                })
            })
            .map(|start| (start, start + text.words.len() - 1))
            .collect(),
        ast::Node::Or(any) => any.iter().flat_map(|node| spans(node, words)).collect(),
        ast::Node::Near(near) => {
            let mut found = Vec::new();
            for left in spans(&near.left, words) {
                for right in spans(&near.right, words) {
                    let before = left.1 < right.0 && right.0 - left.1 <= near.distance as usize;
                    let after = right.1 < left.0 && left.0 - right.1 <= near.distance as usize;
                    if before || (after && !near.is_ordered) {
                        found.push((left.0.min(right.0), left.1.max(right.1)));
                    }
                }
            }
            found
        }
        _ => unreachable!("not beside NEAR"),
    }
}

fn is_word(pattern: &str, word: &str) -> bool {
    let (pattern, word): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), word.chars().collect());
    fn rest(pattern: &[char], word: &[char]) -> bool {
        match pattern.split_first() {
            None => word.is_empty(),
            Some(('*', after)) => (0..=word.len()).any(|skip| rest(after, &word[skip..])),
            Some(('?', after)) => !word.is_empty() && rest(after, &word[1..]),
            Some((c, after)) => word.first() == Some(c) && rest(after, &word[1..]),
        }
    }
    rest(&pattern, &word)
}

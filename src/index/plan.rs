//! The query's AST turned into what this engine evaluates: fields of the schema
//! and terms as `token` cuts them. Pure; refuses what the engine cannot answer.

use tantivy::schema::Field;

use super::IndexError;
use super::Scope;
use super::glob::{self, Glob};
use super::schema::{self, Fields, People, address_key};
use super::token::{ANY_CHARS, Cutter, ONE_CHAR, cleaned};
use crate::query::ast::{Has, Near, Node, Piece, Query, Test, Text, Word};
use crate::query::field::{DateField, Field as Named, Kind};

#[derive(Clone, Debug)]
pub(super) enum Expr {
    All,
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// In any of the fields.
    Words(Vec<Field>, Spans),
    Whole(Vec<Field>, Slot),
    /// Any of the terms.
    AnyOf(Field, Vec<String>),
    /// A value from `from` up to, not including, `until`.
    Column {
        name: &'static str,
        from: Option<i64>,
        until: Option<i64>,
    },
}

/// Places in one field of one document.
#[derive(Clone, Debug)]
pub(super) enum Spans {
    /// Terms that follow each other. Never empty.
    Slots(Vec<Slot>),
    Or(Vec<Spans>),
    Near {
        distance: u32,
        is_ordered: bool,
        sides: Box<(Spans, Spans)>,
    },
}

#[derive(Clone, Debug)]
pub(super) enum Slot {
    Exact(String),
    Glob(Glob),
}

/// Longer patterns could meet the end of a term.
const PATTERN_CHARS_MAX: usize = 500;

pub(super) fn plan(fields: &Fields, query: &Query, scope: &Scope) -> Result<Expr, IndexError> {
    let planner = Planner { fields, query };
    let mut all = Vec::new();
    if let Some(addresses) = &scope.addresses {
        let addresses = addresses.iter().map(|it| address_key(it)).collect();
        all.push(Expr::AnyOf(fields.everyone.whole, addresses));
    }
    match &query.root {
        Some(root) => all.push(planner.node(root)?),
        None => all.push(Expr::All),
    }
    Ok(Expr::And(all))
}

struct Planner<'a> {
    fields: &'a Fields,
    query: &'a Query,
}

impl Planner<'_> {
    fn node(&self, node: &Node) -> Result<Expr, IndexError> {
        let each = |nodes: &[Node]| -> Result<Vec<Expr>, IndexError> {
            nodes.iter().map(|node| self.node(node)).collect()
        };
        Ok(match node {
            Node::And(nodes) => Expr::And(each(nodes)?),
            Node::Or(nodes) => Expr::Or(each(nodes)?),
            Node::Not(node) => Expr::Not(Box::new(self.node(node)?)),
            Node::Near(near) => {
                let fields = self.words_fields(near_field(&near.left));
                Expr::Words(fields, self.near(near)?)
            }
            Node::Text(text) => self.text(text)?,
            Node::Date(field, test) => {
                let (from, until) = test.instants(&self.query.zone);
                let name = match field {
                    DateField::Sent => schema::SENT,
                    DateField::Received => schema::RECEIVED,
                };
                Expr::Column { name, from: from.map(|it| it.0), until: until.map(|it| it.0) }
            }
            Node::Size(test) => size(test),
            Node::Has(has) => {
                let name = match has {
                    Has::Attachment => schema::ATTACHMENTS,
                    Has::Unproven => schema::UNPROVEN,
                };
                Expr::Column { name, from: Some(1), until: None }
            }
        })
    }

    fn text(&self, text: &Text) -> Result<Expr, IndexError> {
        match text.field.kind() {
            Kind::Words => {}
            Kind::Whole => return self.whole(text),
            Kind::People => {
                if let [word] = text.words.as_slice()
                    && let Some(address) = address(word)
                {
                    let fields = self.people(text.field).iter().map(|it| it.whole).collect();
                    return Ok(Expr::Whole(fields, address));
                }
            }
        }
        Ok(Expr::Words(self.words_fields(text.field), Spans::Slots(slots(text)?)))
    }

    fn whole(&self, text: &Text) -> Result<Expr, IndexError> {
        let field = match text.field {
            Named::Source => self.fields.source,
            Named::Class => self.fields.class,
            Named::Hash => self.fields.hash,
            _ => self.fields.message_id,
        };
        let mut pieces = Vec::new();
        for (at, word) in text.words.iter().enumerate() {
            if at > 0 {
                pieces.push(glob::Piece::Literal(" ".to_owned()));
            }
            pieces.extend(word.pattern.iter().map(lower));
        }
        if text.field == Named::MessageId {
            if let Some(glob::Piece::Literal(first)) = pieces.first_mut() {
                *first = first.trim_start_matches('<').to_owned();
            }
            if let Some(glob::Piece::Literal(last)) = pieces.last_mut() {
                *last = last.trim_end_matches('>').to_owned();
            }
        }
        Ok(Expr::Whole(vec![field], slot(pieces)))
    }

    fn near(&self, near: &Near) -> Result<Spans, IndexError> {
        let sides = Box::new((self.spans(&near.left)?, self.spans(&near.right)?));
        Ok(Spans::Near { distance: near.distance, is_ordered: near.is_ordered, sides })
    }

    fn spans(&self, node: &Node) -> Result<Spans, IndexError> {
        match node {
            Node::Text(text) => Ok(Spans::Slots(slots(text)?)),
            Node::Near(near) => self.near(near),
            Node::Or(nodes) => {
                let each: Result<_, _> = nodes.iter().map(|node| self.spans(node)).collect();
                Ok(Spans::Or(each?))
            }
            _ => Err(refused("this cannot stand beside NEAR", "use words and phrases there")),
        }
    }

    fn people(&self, field: Named) -> Vec<People> {
        let fields = self.fields;
        match field {
            Named::From => vec![fields.from],
            Named::To => vec![fields.to],
            Named::Cc => vec![fields.cc],
            Named::Bcc => vec![fields.bcc],
            Named::Recipients => vec![fields.to, fields.cc, fields.bcc, fields.other],
            _ => vec![fields.everyone],
        }
    }

    fn words_fields(&self, field: Named) -> Vec<Field> {
        let fields = self.fields;
        match field {
            Named::Subject => vec![fields.subject],
            Named::Body => vec![fields.body],
            Named::Header => vec![fields.headers],
            Named::AttachmentName => vec![fields.attachment_name],
            Named::AttachmentText => vec![fields.attachment_text],
            Named::Attachment => vec![fields.attachment_name, fields.attachment_text],
            Named::Anywhere => vec![
                fields.subject,
                fields.body,
                fields.attachment_name,
                fields.attachment_text,
                fields.everyone.words,
            ],
            people => self.people(people).iter().map(|it| it.words).collect(),
        }
    }
}

/// The one field of a NEAR's side.
fn near_field(node: &Node) -> Named {
    match node {
        Node::Text(text) => text.field,
        Node::Near(near) => near_field(&near.left),
        Node::Or(nodes) => nodes.first().map_or(Named::Anywhere, near_field),
        _ => Named::Anywhere,
    }
}

fn size(test: &Test<u64>) -> Expr {
    let value = |size: u64| i64::try_from(size).unwrap_or(i64::MAX);
    let after = |size: u64| value(size.saturating_add(1));
    let (from, until) = match *test {
        Test::At(size) => (Some(value(size)), Some(after(size))),
        Test::Before(size) => (None, Some(value(size))),
        Test::UpTo(size) => (None, Some(after(size))),
        Test::After(size) => (Some(after(size)), None),
        Test::From(size) => (Some(value(size)), None),
        Test::Between(from, until) => (Some(value(from)), Some(after(until))),
    };
    Expr::Column { name: schema::SIZE, from, until }
}

/// A whole address or domain: what has `@` in it. `@x.com` is everyone there,
/// `anna@` every Anna.
fn address(word: &Word) -> Option<Slot> {
    let text = word.to_string();
    let (local, domain) = text.rsplit_once('@')?;
    let mut pieces: Vec<_> = word.pattern.iter().map(lower).collect();
    match (local.is_empty(), domain.is_empty()) {
        (true, true) => return None,
        (false, true) => pieces.push(glob::Piece::AnyChars),
        _ => {}
    }
    Some(slot(pieces))
}

fn lower(piece: &Piece) -> glob::Piece {
    match piece {
        Piece::Literal(literal) => glob::Piece::Literal(literal.to_lowercase()),
        Piece::AnyChars => glob::Piece::AnyChars,
        Piece::OneChar => glob::Piece::OneChar,
    }
}

fn slot(pieces: Vec<glob::Piece>) -> Slot {
    let is_literal = |piece: &glob::Piece| matches!(piece, glob::Piece::Literal(_));
    if !pieces.iter().all(is_literal) {
        return Slot::Glob(Glob(pieces));
    }
    let literals = pieces.iter().map(|piece| match piece {
        glob::Piece::Literal(literal) => literal.as_str(),
        glob::Piece::AnyChars | glob::Piece::OneChar => "",
    });
    Slot::Exact(literals.collect())
}

/// The terms of a phrase, in a row.
pub(super) fn slots(text: &Text) -> Result<Vec<Slot>, IndexError> {
    let mut slots = Vec::new();
    for word in &text.words {
        let of_word = word_slots(word)?;
        if of_word.is_empty() {
            let message = format!("there is nothing to search for in `{}`", shown(word));
            return Err(refused(&message, "write a word with letters or digits"));
        }
        slots.extend(of_word);
    }
    Ok(slots)
}

fn word_slots(word: &Word) -> Result<Vec<Slot>, IndexError> {
    let mut text = String::new();
    for piece in &word.pattern {
        match piece {
            Piece::Literal(literal) => text.push_str(&cleaned(literal)),
            Piece::AnyChars => text.push(ANY_CHARS),
            Piece::OneChar => text.push(ONE_CHAR),
        }
    }
    if word.has_wildcard() && text.chars().count() > PATTERN_CHARS_MAX {
        let message =
            format!("a word with wildcards is longer than {PATTERN_CHARS_MAX} characters");
        return Err(refused(&message, "shorten it"));
    }
    let mut terms = Vec::new();
    let mut cutter = Cutter::new(&text);
    while cutter.next() {
        terms.push(cutter.token.text.clone());
    }
    // A star that stands alone at an end asks for what is there anyway.
    let is_star = |term: &String| term.chars().all(|c| c == ANY_CHARS);
    while terms.last().is_some_and(is_star) {
        terms.pop();
    }
    let stars = terms.iter().take_while(|term| is_star(term)).count();
    terms.drain(..stars);
    terms.iter().map(|term| term_slot(term, word)).collect()
}

fn term_slot(term: &str, word: &Word) -> Result<Slot, IndexError> {
    let is_wild = |c: char| c == ANY_CHARS || c == ONE_CHAR;
    if term.chars().all(is_wild) {
        let message = format!("in `{}` a wildcard stands alone between symbols", shown(word));
        return Err(refused(&message, "write NEAR between the parts that are known"));
    }
    let mut pieces: Vec<glob::Piece> = Vec::new();
    for c in term.chars() {
        match (c, pieces.last_mut()) {
            (ANY_CHARS, Some(glob::Piece::AnyChars)) => {}
            (ANY_CHARS, _) => pieces.push(glob::Piece::AnyChars),
            (ONE_CHAR, _) => pieces.push(glob::Piece::OneChar),
            (c, Some(glob::Piece::Literal(literal))) => literal.push(c),
            (c, _) => pieces.push(glob::Piece::Literal(c.into())),
        }
    }
    Ok(slot(pieces))
}

fn shown(word: &Word) -> String {
    word.to_string().chars().take(40).collect()
}

pub(super) fn refused(message: &str, hint: &str) -> IndexError {
    IndexError::Refused { message: message.to_owned(), hint: hint.to_owned() }
}

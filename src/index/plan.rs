//! The query's AST turned into what this engine evaluates: fields of the schema
//! and terms as `token` cuts them. Pure; refuses what the engine cannot answer.

use tantivy::schema::Field;
use unicode_normalization::UnicodeNormalization;

use super::doc::DOCUMENT_KINDS;
use super::glob::{self, Glob};
use super::near::Tree;
use super::schema::{self, Fields, People, address_key};
use super::slot::{Many, Slot};
use super::token::{ANY_CHARS, Cutter, FIRST, LAST, ONE_CHAR, ONE_DIGIT, cleaned};
use super::{Bound, IndexError, Scope};
use crate::base::ids::SetId;
use crate::base::limits::ADDRESS_BYTES_MAX;
use crate::extract::{Reason, languages};
use crate::mail::idn;
use crate::query::ast::{Edge, Has, Near, Node, Piece, Query, Test, Text, Unit, Word};
use crate::query::field::{DateField, Field as Named, Kind};

#[derive(Clone, Debug)]
pub(super) enum Expr {
    All,
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// What the message carries, for all documents of its family.
    Family(Box<Expr>),
    /// In any of the fields.
    Words(Vec<Field>, Spans),
    Whole(Vec<Field>, Slot),
    /// Any of the terms.
    AnyOf(Field, Vec<String>),
    /// Any of the families, ascending.
    Sets(Vec<SetId>),
    /// A value from `from` up to, not including, `until`.
    Column {
        name: &'static str,
        from: Option<i64>,
        until: Option<i64>,
    },
}

/// Places in one field of one document: words in a row, never none.
pub(super) type Spans = Tree<Vec<Slot>>;

pub(super) struct Plan {
    pub expr: Expr,
    pub unit: Unit,
}

impl Plan {
    /// What was asked, without the scope that it is asked in.
    pub fn asked(&self) -> &Expr {
        match &self.expr {
            Expr::And(all) => all.last().unwrap_or(&self.expr),
            expr => expr,
        }
    }
}

/// Longer patterns could meet the end of a term.
const PATTERN_CHARS_MAX: usize = 500;

pub(super) fn plan(fields: &Fields, query: &Query, scope: &Scope) -> Result<Plan, IndexError> {
    let planner = Planner { fields, query, scope };
    let mut all = vec![within(fields, scope)];
    match &query.root {
        Some(root) => all.push(planner.node(root)?),
        None => all.push(Expr::All),
    }
    Ok(Plan { expr: Expr::And(all), unit: query.dialect.unit() })
}

/// The families that the scope lets pass.
pub(super) fn within(fields: &Fields, scope: &Scope) -> Expr {
    match &scope.addresses {
        None => Expr::All,
        Some(addresses) => took_part(fields, addresses),
    }
}

pub(super) fn took_part(fields: &Fields, addresses: &[String]) -> Expr {
    let addresses = addresses.iter().map(|it| address_key(it)).collect();
    Expr::Family(Box::new(Expr::AnyOf(fields.everyone.whole, addresses)))
}

struct Planner<'a> {
    fields: &'a Fields,
    query: &'a Query,
    scope: &'a Scope,
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
                let field = near_field(&near.left);
                level(field, Expr::Words(words_fields(self.fields, field), near_spans(near)?))
            }
            Node::Text(text) => self.text(text)?,
            Node::Date(field, test) => {
                let (from, until) = test.instants(&self.query.zone);
                let name = match field {
                    DateField::Sent => schema::SENT,
                    DateField::Received => schema::RECEIVED,
                };
                let (from, until) = (from.map(|it| it.0), until.map(|it| it.0));
                Expr::Family(Box::new(Expr::Column { name, from, until }))
            }
            Node::Size(test) => Expr::Family(Box::new(size(test))),
            Node::Has(has) => {
                let name = match has {
                    Has::Attachment => schema::ATTACHMENTS,
                    Has::Unproven => schema::UNPROVEN,
                };
                Expr::Family(Box::new(Expr::Column { name, from: Some(1), until: None }))
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
                    let fields =
                        people(self.fields, text.field).iter().map(|it| it.whole).collect();
                    return Ok(level(text.field, Expr::Whole(fields, address)));
                }
            }
        }
        let spans = Spans::Row(slots(text)?);
        Ok(level(text.field, Expr::Words(words_fields(self.fields, text.field), spans)))
    }

    fn whole(&self, text: &Text) -> Result<Expr, IndexError> {
        let field = match text.field {
            Named::Source => self.fields.source,
            Named::Class => self.fields.class,
            Named::Hash => self.fields.hash,
            Named::Type => self.fields.media_type,
            Named::DocumentKind => self.fields.kind,
            Named::Language => self.fields.language,
            Named::Gap => self.fields.gap,
            Named::Custodian | Named::Matter | Named::Hold => return self.bound(text),
            _ => self.fields.message_id,
        };
        let mut pieces = Vec::new();
        for (at, word) in text.words.iter().enumerate() {
            if at > 0 {
                pieces.push(glob::Piece::Literal(" ".to_owned()));
            }
            let Word::Pattern(pattern) = word else {
                return Err(refused("this field is compared as a whole", "write its value"));
            };
            pieces.extend(pattern.iter().map(lower));
        }
        if text.field == Named::MessageId {
            if let Some(glob::Piece::Literal(first)) = pieces.first_mut() {
                *first = first.trim_start_matches('<').to_owned();
            }
            if let Some(glob::Piece::Literal(last)) = pieces.last_mut() {
                *last = last.trim_end_matches('>').to_owned();
            }
        }
        let slot = slot(pieces, &shown_text(text));
        if let (Some((what, known)), Slot::Exact(value)) = (values(text.field), &slot)
            && !known.contains(&value.as_str())
        {
            let message = format!("there is no {what} `{}`", shown_text(text));
            let hint = format!("each {what} is one of {}", known.join(", "));
            return Err(refused(&message, &hint));
        }
        Ok(level(text.field, Expr::Whole(vec![field], slot)))
    }

    /// What the catalog said of a custodian, a matter or a hold.
    fn bound(&self, text: &Text) -> Result<Expr, IndexError> {
        let found = self.scope.bound.iter().find(|(named, _)| named == text);
        match found.map(|(_, bound)| bound) {
            Some(Bound::Addresses(addresses)) => Ok(took_part(self.fields, addresses)),
            Some(Bound::Sets(sets)) => {
                let mut sets = sets.clone();
                sets.sort_unstable();
                Ok(Expr::Family(Box::new(Expr::Sets(sets))))
            }
            None => {
                let message = format!("{}: cannot be searched here", text.field.name());
                Err(refused(&message, "search in a matter"))
            }
        }
    }
}

/// What a field's value is called, and all that it can be: another is a slip, and would
/// read as "nothing is so".
fn values(field: Named) -> Option<(&'static str, Vec<&'static str>)> {
    match field {
        Named::DocumentKind => Some(("kind", DOCUMENT_KINDS.to_vec())),
        Named::Gap => Some(("gap", Reason::ALL.map(Reason::as_str).to_vec())),
        Named::Language => Some(("language", languages().collect())),
        _ => None,
    }
}

fn people(fields: &Fields, field: Named) -> Vec<People> {
    match field {
        Named::From => vec![fields.from],
        Named::To => vec![fields.to],
        Named::Cc => vec![fields.cc],
        Named::Bcc => vec![fields.bcc],
        Named::Recipients => vec![fields.to, fields.cc, fields.bcc, fields.other],
        _ => vec![fields.everyone],
    }
}

pub(super) fn words_fields(fields: &Fields, field: Named) -> Vec<Field> {
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
        named => people(fields, named).iter().map(|it| it.words).collect(),
    }
}

/// A part of a query as places in a text.
pub(super) fn spans(node: &Node) -> Result<Spans, IndexError> {
    match node {
        Node::Text(text) => Ok(Spans::Row(slots(text)?)),
        Node::Near(near) => near_spans(near),
        Node::Or(nodes) => Ok(Spans::Or(nodes.iter().map(spans).collect::<Result<_, _>>()?)),
        _ => Err(refused("this cannot stand beside a distance", "use words and phrases there")),
    }
}

fn near_spans(near: &Near) -> Result<Spans, IndexError> {
    let sides = Box::new((spans(&near.left)?, spans(&near.right)?));
    Ok(Spans::Near { distance: near.distance, relation: near.relation, sides })
}

/// Whether the field is of the document that has it, or counts for its family.
fn level(field: Named, expr: Expr) -> Expr {
    match field {
        Named::Anywhere
        | Named::Subject
        | Named::Body
        | Named::Attachment
        | Named::AttachmentName
        | Named::AttachmentText
        | Named::Hash
        | Named::Type
        | Named::DocumentKind => expr,
        _ => Expr::Family(Box::new(expr)),
    }
}

/// The one field of a NEAR's side.
pub(super) fn near_field(node: &Node) -> Named {
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
    let Word::Pattern(pattern) = word else { return None };
    let text = word.to_string();
    let (local, domain) = text.rsplit_once('@')?;
    let mut pieces: Vec<_> = pattern.iter().map(lower).collect();
    // As it is in the index.
    if let Some(glob::Piece::Literal(last)) = pieces.last_mut().filter(|_| !domain.is_empty()) {
        *last = idn::in_ascii(std::mem::take(last));
    }
    for piece in &mut pieces {
        if let glob::Piece::Literal(literal) = piece {
            *literal = literal.nfc().collect();
        }
    }
    match (local.is_empty(), domain.is_empty()) {
        (true, true) => return None,
        (false, true) => pieces.push(glob::Piece::AnyChars),
        _ => {}
    }
    Some(match slot(pieces, &text) {
        // A longer one is in the index by its key.
        Slot::Exact(text) if text.len() > ADDRESS_BYTES_MAX => Slot::Exact(address_key(&text)),
        slot => slot,
    })
}

fn lower(piece: &Piece) -> glob::Piece {
    match piece {
        Piece::Literal(literal) => glob::Piece::Literal(literal.to_lowercase()),
        Piece::AnyChars => glob::Piece::AnyChars,
        Piece::OneChar => glob::Piece::OneChar,
        Piece::OneDigit => glob::Piece::OneDigit,
    }
}

fn slot(pieces: Vec<glob::Piece>, written: &str) -> Slot {
    let is_literal = |piece: &glob::Piece| matches!(piece, glob::Piece::Literal(_));
    if !pieces.iter().all(is_literal) {
        return Slot::Many(Many::Glob(Glob(pieces)), written.to_owned());
    }
    let literals = pieces.iter().map(|piece| match piece {
        glob::Piece::Literal(literal) => literal.as_str(),
        glob::Piece::AnyChars | glob::Piece::OneChar | glob::Piece::OneDigit => "",
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

pub(super) fn word_slots(word: &Word) -> Result<Vec<Slot>, IndexError> {
    let many = match word {
        Word::Pattern(pattern) => return pattern_slots(pattern, word),
        Word::Edge(Edge::First) => return Ok(vec![Slot::Exact(FIRST.into())]),
        Word::Edge(Edge::Last) => return Ok(vec![Slot::Exact(LAST.into())]),
        Word::Stem(text) => Many::stem(&one_term(text, word)?),
        Word::Fuzzy { text, exact_chars, edits } => {
            Many::fuzzy(&one_term(text, word)?, *exact_chars, *edits)
        }
        Word::Number { from, until } => Many::Number { from: *from, until: *until },
        Word::Regex(pattern) => Many::regex(pattern)?,
    };
    Ok(vec![Slot::Many(many, word.to_string())])
}

/// A word that is no phrase, as terms are compared.
fn one_term(text: &str, word: &Word) -> Result<String, IndexError> {
    let text = cleaned(text);
    let mut cutter = Cutter::new(&text);
    let term = cutter.next().then(|| cutter.token.text.clone());
    match term {
        Some(term) if !cutter.next() => Ok(term),
        _ => {
            let message = format!("`{}` is not one word of letters and digits", shown(word));
            Err(refused(&message, "write it without ~ or %, or with * for what is open"))
        }
    }
}

fn pattern_slots(pattern: &[Piece], word: &Word) -> Result<Vec<Slot>, IndexError> {
    let mut text = String::new();
    for piece in pattern {
        match piece {
            Piece::Literal(literal) => text.push_str(&cleaned(literal)),
            Piece::AnyChars => text.push(ANY_CHARS),
            Piece::OneChar => text.push(ONE_CHAR),
            Piece::OneDigit => text.push(ONE_DIGIT),
        }
    }
    if word.is_expanded() && text.chars().count() > PATTERN_CHARS_MAX {
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
        return Err(refused(&message, "write a distance between the parts that are known"));
    }
    let mut pieces: Vec<glob::Piece> = Vec::new();
    for c in term.chars() {
        match (c, pieces.last_mut()) {
            (ANY_CHARS, Some(glob::Piece::AnyChars)) => {}
            (ANY_CHARS, _) => pieces.push(glob::Piece::AnyChars),
            (ONE_CHAR, _) => pieces.push(glob::Piece::OneChar),
            (ONE_DIGIT, _) => pieces.push(glob::Piece::OneDigit),
            (c, Some(glob::Piece::Literal(literal))) => literal.push(c),
            (c, _) => pieces.push(glob::Piece::Literal(c.into())),
        }
    }
    Ok(slot(pieces, &word.to_string()))
}

fn shown_text(text: &Text) -> String {
    let words: Vec<String> = text.words.iter().map(shown).collect();
    words.join(" ")
}

fn shown(word: &Word) -> String {
    word.to_string().chars().take(40).collect()
}

pub(super) fn refused(message: &str, hint: &str) -> IndexError {
    IndexError::Refused { message: message.to_owned(), hint: hint.to_owned() }
}

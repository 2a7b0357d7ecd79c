//! The KQL parser: AND between words that merely follow each other, as Purview
//! reads them; operators in capitals; mixed AND and OR only with parentheses.
//!
//! Extensions beyond Purview: `?`, and `*` anywhere but at a word's end (both
//! with a warning), ONEAR, units of size, open ranges.

use jiff::tz::TimeZone;

use crate::base::limits::{QUERY_CHARS_MAX, QUERY_DEPTH_MAX, QUERY_NEAR_MAX, QUERY_TERMS_MAX};

use super::ast::{Has, Near, Node, Query, Text};
use super::error::{QueryError, Span, Warning};
use super::field::{self, Field, Kind, Name};
use super::lexer::{Lexeme, Token, lex};
use super::value::{self, Remarks, shortened};
use super::{Parsed, print};

/// Purview's distance when NEAR is written without one.
const NEAR_DEFAULT: u32 = 8;

pub(super) fn parse(text: &str, zone: &TimeZone) -> Result<Parsed, QueryError> {
    if let Some((start, _)) = text.char_indices().nth(QUERY_CHARS_MAX) {
        let span = Span::new(start, text.len());
        let message = format!("the query is longer than {QUERY_CHARS_MAX} characters");
        return Err(QueryError::new(span, message).hint("split it into several searches"));
    }
    let mut warnings = Vec::new();
    let lexemes = lex(text, &mut warnings)?;
    let mut parser = Parser {
        lexemes: &lexemes,
        at: 0,
        end: Span::new(text.len(), text.len()),
        depth: 0,
        terms: 0,
        remarks: Remarks::default(),
        warnings,
    };
    let root = match lexemes.is_empty() {
        true => None,
        false => Some(parser.expression(Field::Anywhere)?.0),
    };
    if let Some(lexeme) = parser.peek() {
        return Err(QueryError::new(lexeme.span, "this parenthesis closes nothing")
            .hint("take it away, or open one before it"));
    }
    parser.remarks.finish(&mut parser.warnings);
    Ok(Parsed { query: Query { root, zone: zone.clone() }, warnings: parser.warnings })
}

struct Parser<'a> {
    lexemes: &'a [Lexeme],
    at: usize,
    /// Just behind the text.
    end: Span,
    depth: usize,
    terms: usize,
    remarks: Remarks,
    warnings: Vec<Warning>,
}

/// How an operand joins those before it.
#[derive(Clone, Copy, PartialEq)]
enum Join {
    And,
    Or,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Lexeme> {
        self.lexemes.get(self.at)
    }

    /// The next lexeme where it follows the last without a blank.
    fn glued(&self) -> Option<&'a Lexeme> {
        self.peek().filter(|lexeme| lexeme.is_glued)
    }

    fn take(&mut self) -> Option<&'a Lexeme> {
        let lexeme = self.peek()?;
        self.at += 1;
        Some(lexeme)
    }

    /// One level down, refused where the nesting is too deep for the stack.
    fn nested<T>(
        &mut self,
        span: Span,
        inside: impl FnOnce(&mut Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        if self.depth == QUERY_DEPTH_MAX {
            let message = format!("the query is nested more than {QUERY_DEPTH_MAX} deep");
            return Err(QueryError::new(span, message).hint("take parentheses away"));
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    /// Operands up to a closing parenthesis or the end.
    fn expression(&mut self, field: Field) -> Result<(Node, Span), QueryError> {
        let mut operands: Vec<(Join, Node)> = Vec::new();
        let mut whole: Option<Span> = None;
        // The operator that waits for its right side.
        let mut waiting: Option<(Join, &Lexeme)> = None;
        while let Some(lexeme) = self.peek() {
            let join = match lexeme.token {
                Token::Close => break,
                Token::And => Join::And,
                Token::Or => Join::Or,
                _ => {
                    let operand = self.operand(field)?;
                    let join = waiting.map_or(Join::And, |(join, _)| join);
                    match operand {
                        Some((node, span)) => {
                            operands.push((join, node));
                            whole = Some(whole.map_or(span, |whole| whole.to(span)));
                            waiting = None;
                        }
                        // Symbols alone, between words: read as a blank.
                        None if waiting.is_none() => {}
                        None => return Err(nothing_to_search(lexeme.span)),
                    }
                    continue;
                }
            };
            if operands.is_empty() || waiting.is_some() {
                return Err(missing_side(lexeme, "before"));
            }
            waiting = Some((join, lexeme));
            self.at += 1;
        }
        if let Some((_, lexeme)) = waiting {
            return Err(missing_side(lexeme, "after"));
        }
        let Some(span) = whole else {
            let span = self.peek().map_or(self.end, |lexeme| lexeme.span);
            return Err(nothing_to_search(span));
        };
        Ok((joined(operands, span)?, span))
    }

    /// NOT, NEAR and what they bind. None where it was symbols alone.
    fn operand(&mut self, field: Field) -> Result<Option<(Node, Span)>, QueryError> {
        let Some(lexeme) = self.peek() else { return Err(nothing_to_search(self.end)) };
        if lexeme.token == Token::Not {
            self.at += 1;
            let negated = self.nested(lexeme.span, |parser| match parser.peek() {
                None => Err(missing_side(lexeme, "after")),
                Some(next) if matches!(next.token, Token::And | Token::Or | Token::Close) => {
                    Err(missing_side(lexeme, "after"))
                }
                Some(next) => parser.operand(field)?.ok_or_else(|| nothing_to_search(next.span)),
            })?;
            let (node, span) = negated;
            return Ok(Some((Node::Not(Box::new(node)), lexeme.span.to(span))));
        }
        let left = self.primary(field)?;
        let Some(near) = self.peek() else { return Ok(left) };
        let Token::Near { distance, is_ordered } = near.token else { return Ok(left) };
        self.at += 1;
        let (left, left_span) = left.ok_or_else(|| missing_side(near, "before"))?;
        let distance = distance.unwrap_or(NEAR_DEFAULT);
        if distance == 0 || distance > QUERY_NEAR_MAX {
            let message = format!("NEAR takes a distance from 1 to {QUERY_NEAR_MAX} words");
            return Err(QueryError::new(near.span, message).hint("write for example NEAR(5)"));
        }
        let next = self.peek().ok_or_else(|| missing_side(near, "after"))?;
        if matches!(next.token, Token::And | Token::Or | Token::Not | Token::Close) {
            return Err(missing_side(near, "after"));
        }
        let right = self.primary(field)?;
        let (right, right_span) = right.ok_or_else(|| nothing_to_search(next.span))?;
        if let Some(more) = self.peek()
            && matches!(more.token, Token::Near { .. })
        {
            return Err(QueryError::new(more.span, "it is not clear what this NEAR joins")
                .hint("put one of the NEARs in parentheses: (a NEAR(5) b) NEAR(5) c"));
        }
        let left_field = near_field(&left, left_span)?;
        if near_field(&right, right_span)? != left_field {
            return Err(QueryError::new(left_span.to(right_span), "NEAR joins two fields")
                .hint("name the same field on both its sides"));
        }
        let near = Near { distance, is_ordered, left, right };
        Ok(Some((Node::Near(Box::new(near)), left_span.to(right_span))))
    }

    /// A group, a phrase, a word, or a field with any of them.
    fn primary(&mut self, field: Field) -> Result<Option<(Node, Span)>, QueryError> {
        let Some(lexeme) = self.take() else { return Err(nothing_to_search(self.end)) };
        let span = lexeme.span;
        match &lexeme.token {
            Token::Open => self.group(lexeme, field).map(Some),
            Token::Quote(inside) => {
                self.refuse_glued()?;
                self.words(field, inside, span)
            }
            Token::Word(word) => self.word(word, lexeme, field),
            Token::Near { .. } => Err(missing_side(lexeme, "before")),
            Token::And | Token::Or | Token::Not | Token::Close => {
                Err(QueryError::new(span, "a word or phrase is missing here")
                    .hint("put an operator that is meant as a word in quotation marks"))
            }
        }
    }

    fn group(&mut self, open: &Lexeme, field: Field) -> Result<(Node, Span), QueryError> {
        let (node, _) = self.nested(open.span, |parser| parser.expression(field))?;
        match self.take() {
            Some(close) => Ok((node, open.span.to(close.span))),
            None => Err(QueryError::new(open.span, "this parenthesis is never closed")
                .hint("add a closing parenthesis")),
        }
    }

    fn word(
        &mut self,
        word: &str,
        lexeme: &Lexeme,
        field: Field,
    ) -> Result<Option<(Node, Span)>, QueryError> {
        let span = lexeme.span;
        refuse_foreign(word, span)?;
        let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (name, rest) = word.split_at(letters);
        let operator =
            [":", ">=", "<=", "<>", ">", "<", "="].into_iter().find(|it| rest.starts_with(it));
        if let Some(operator) = operator
            && !name.is_empty()
            && !rest.starts_with("://")
        {
            let value = &rest[operator.len()..];
            // Invisible characters that were left out make the span longer.
            let at = match span.end - span.start == word.len() {
                true => Span::new(span.start, span.start + letters),
                false => span,
            };
            match field::lookup(name) {
                Some(meaning) if field == Field::Anywhere => {
                    return self.field(meaning, name, operator, value, lexeme);
                }
                Some(_) => {
                    return Err(QueryError::new(at, "a field inside another field's parentheses")
                        .hint("close the parenthesis before it"));
                }
                None if operator == ":" => return Err(unknown_field(name, at)),
                None => {}
            }
        }
        self.refuse_glued()?;
        if matches!(word.to_ascii_lowercase().as_str(), "and" | "or" | "not" | "near") {
            let message = format!("`{word}` is searched as a word; operators are in capitals");
            self.warnings.push(Warning { span, message });
        }
        self.words(field, word, span)
    }

    fn field(
        &mut self,
        meaning: Name,
        name: &str,
        operator: &str,
        value: &str,
        lexeme: &Lexeme,
    ) -> Result<Option<(Node, Span)>, QueryError> {
        let span = lexeme.span;
        if meaning == Name::Later {
            let message = format!("`{name}{operator}` cannot be searched yet");
            return Err(QueryError::new(span, message)
                .hint(format!("to search for the text, write \"{name}{operator}…\"")));
        }
        if value.is_empty()
            && let Some(Lexeme { token: Token::Open, .. }) = self.glued()
        {
            return self.field_group(meaning, name, operator, lexeme).map(Some);
        }
        let (value, span) = match self.glued() {
            Some(Lexeme { token: Token::Quote(inside), span: quoted, .. }) if value.is_empty() => {
                self.at += 1;
                (inside.as_str(), span.to(*quoted))
            }
            _ if value.is_empty() => {
                return Err(QueryError::new(span, format!("nothing follows `{name}{operator}`"))
                    .hint("write the value without a blank before it"));
            }
            _ => (value, span),
        };
        self.refuse_glued()?;
        let node = match meaning {
            Name::Text(field) => {
                refuse_comparison(operator, name, span)?;
                let words = self.words(field, value, span)?;
                return words.map(Some).ok_or_else(|| nothing_to_search(span));
            }
            Name::Date(field) => Node::Date(field, value::date_test(operator, value, span)?),
            Name::Size => Node::Size(value::size_test(operator, value, span)?),
            Name::Has if value.eq_ignore_ascii_case("attachment") => Node::Has(Has::Attachment),
            Name::Has if value.eq_ignore_ascii_case("unproven") => Node::Has(Has::Unproven),
            Name::HasAttachment => match value.to_ascii_lowercase().as_str() {
                "true" | "yes" => Node::Has(Has::Attachment),
                "false" | "no" => Node::Not(Box::new(Node::Has(Has::Attachment))),
                _ => {
                    return Err(QueryError::new(span, "this is true or false")
                        .hint("write hasattachment:true"));
                }
            },
            Name::Has | Name::Later => {
                let message = format!("`has:{}` is not known", shortened(value));
                return Err(
                    QueryError::new(span, message).hint("write has:attachment or has:unproven")
                );
            }
        };
        self.count(1, span)?;
        Ok(Some((node, span)))
    }

    fn field_group(
        &mut self,
        meaning: Name,
        name: &str,
        operator: &str,
        lexeme: &Lexeme,
    ) -> Result<(Node, Span), QueryError> {
        let Name::Text(field) = meaning else {
            return Err(QueryError::new(lexeme.span, format!("`{name}` takes one value"))
                .hint("write it without parentheses"));
        };
        refuse_comparison(operator, name, lexeme.span)?;
        let Some(open) = self.take() else { return Err(nothing_to_search(self.end)) };
        let (node, span) = self.group(open, field)?;
        Ok((node, lexeme.span.to(span)))
    }

    /// None where there is nothing but symbols.
    fn words(
        &mut self,
        field: Field,
        text: &str,
        span: Span,
    ) -> Result<Option<(Node, Span)>, QueryError> {
        let words = value::words(text, span, &mut self.remarks)?;
        self.count(words.len(), span)?;
        Ok((!words.is_empty()).then_some((Node::Text(Text { field, words }), span)))
    }

    fn count(&mut self, terms: usize, span: Span) -> Result<(), QueryError> {
        self.terms += terms;
        if self.terms > QUERY_TERMS_MAX {
            let message = format!("the query has more than {QUERY_TERMS_MAX} words");
            return Err(QueryError::new(span, message).hint("split it into several searches"));
        }
        Ok(())
    }

    /// A word and a quotation mark that touch: one cannot tell what is meant.
    fn refuse_glued(&self) -> Result<(), QueryError> {
        match self.glued() {
            Some(Lexeme { token: Token::Quote(_) | Token::Word(_), span, .. }) => {
                Err(QueryError::new(*span, "a blank is missing before this")
                    .hint("a wildcard belongs inside the quotation marks"))
            }
            _ => Ok(()),
        }
    }
}

/// One node of many operands; refused where AND and OR are mixed.
fn joined(mut operands: Vec<(Join, Node)>, span: Span) -> Result<Node, QueryError> {
    if operands.len() == 1
        && let Some((_, node)) = operands.pop()
    {
        return Ok(node);
    }
    let ors = operands[1..].iter().filter(|(join, _)| *join == Join::Or).count();
    let is_mixed = ors != 0 && ors != operands.len() - 1;
    if !is_mixed {
        let nodes = operands.into_iter().map(|(_, node)| node).collect();
        return Ok(if ors == 0 { Node::And(nodes) } else { Node::Or(nodes) });
    }
    let mut runs: Vec<Vec<Node>> = Vec::new();
    for (join, node) in operands {
        match runs.last_mut() {
            Some(run) if join == Join::And => run.push(node),
            _ => runs.push(vec![node]),
        }
    }
    let run = |mut run: Vec<Node>| match run.len() {
        1 => run.remove(0),
        _ => Node::And(run),
    };
    let suggestion = print::text(&Node::Or(runs.into_iter().map(run).collect()));
    let message = "AND and OR are mixed, and it is not clear which comes first";
    let hint = match suggestion.len() {
        0..=300 => format!("use parentheses, for example {suggestion}"),
        _ => "use parentheses, for example (a AND b) OR c".to_owned(),
    };
    Err(QueryError::new(span, message).hint(hint))
}

/// The field that all of a side of NEAR is in.
fn near_field(node: &Node, span: Span) -> Result<Field, QueryError> {
    let refuse = |what: &str| {
        Err(QueryError::new(span, format!("{what} cannot stand beside NEAR"))
            .hint("only words, phrases, groups of them with OR, and other NEARs can"))
    };
    match node {
        Node::Text(text) if text.field.kind() == Kind::Whole => refuse("this field"),
        Node::Text(text) => Ok(text.field),
        Node::Near(near) => near_field(&near.left, span),
        Node::Or(any) => {
            let mut fields = any.iter().map(|node| near_field(node, span));
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

fn nothing_to_search(span: Span) -> QueryError {
    QueryError::new(span, "there is nothing to search for here").hint("write a word or a phrase")
}

fn missing_side(operator: &Lexeme, side: &str) -> QueryError {
    let name = match operator.token {
        Token::And => "AND",
        Token::Or => "OR",
        Token::Not => "NOT",
        _ => "NEAR",
    };
    QueryError::new(operator.span, format!("{name} needs a word or phrase {side} it"))
        .hint(format!("to search for the word itself, write \"{}\"", name.to_lowercase()))
}

fn unknown_field(name: &str, span: Span) -> QueryError {
    let error = QueryError::new(span, format!("there is no field `{}`", shortened(name)));
    match field::nearest(name) {
        Some(near) => error.hint(format!("did you mean {near}: ?")),
        None => error.hint(format!(
            "the fields are {}; to search for text with a colon, put it in quotation marks",
            field::searchable().join(", ")
        )),
    }
}

fn refuse_comparison(operator: &str, name: &str, span: Span) -> Result<(), QueryError> {
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

/// What means something in other dialects and would be read as words here.
fn refuse_foreign(word: &str, span: Span) -> Result<(), QueryError> {
    let mut chars = word.chars();
    if let Some(sign @ ('-' | '+')) = chars.next()
        && let Some(next) = chars.next()
        && next != sign
    {
        let hint = match sign {
            '-' => "to exclude it write NOT and a blank; to search for the text, quote it",
            _ => "every word must be found anyway; to search for the text, quote it",
        };
        return Err(
            QueryError::new(span, format!("`{sign}` at the start of a word is unclear")).hint(hint)
        );
    }
    if let Some((operator, number)) = word.split_once('/')
        && ["w", "pre", "near", "onear"].contains(&operator.to_ascii_lowercase().as_str())
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        let kql = if operator.eq_ignore_ascii_case("pre") { "ONEAR" } else { "NEAR" };
        return Err(QueryError::new(span, format!("`{word}` is no operator of KQL"))
            .hint(format!("write {kql}({})", shortened(number))));
    }
    Ok(())
}

#[cfg(test)]
#[path = "kql_tests.rs"]
mod tests;

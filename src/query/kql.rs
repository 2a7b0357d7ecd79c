//! The KQL parser: AND between words that merely follow each other, as Purview
//! reads them; operators in capitals; mixed AND and OR only with parentheses.
//!
//! Extensions beyond Purview: `?`, and `*` anywhere but at a word's end (both
//! with a warning), ONEAR, units of size, open ranges.

use jiff::tz::TimeZone;

use crate::base::limits::{QUERY_CHARS_MAX, QUERY_DEPTH_MAX, QUERY_TERMS_MAX};

use super::ast::{Node, Query, Relation, Text};
use super::error::{QueryError, Span, Warning};
use super::field::{self, Field, Kind, Name};
use super::lexer::{Lexeme, Token, lex};
use super::reading::{self, nothing_to_search, refuse_comparison, unknown_field};
use super::value::{self, Remarks, shortened};
use super::{Dialect, Parsed, people};

/// Purview's distance when NEAR is written without one.
const NEAR_DEFAULT: u32 = 8;

/// How far behind a name its address is looked for.
const MAILBOX_WORDS_MAX: usize = 8;

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
    parser.remarks.finish(Dialect::Kql, &mut parser.warnings);
    let query = Query { root, zone: zone.clone(), dialect: Dialect::Kql };
    Ok(Parsed { query, warnings: parser.warnings })
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
        let written = if is_ordered { "ONEAR" } else { "NEAR" };
        if is_ordered {
            self.remarks.extension(written, near.span);
        }
        let distance = reading::distance(distance.unwrap_or(NEAR_DEFAULT), written, near.span)?;
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
        let relation = if is_ordered { Relation::Before } else { Relation::Within };
        let sides = ((left, left_span), (right, right_span));
        reading::near(sides.0, sides.1, (distance, relation), written, Dialect::Kql).map(Some)
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
            return Err(reading::refuse_later(name, operator, span));
        }
        if !field::is_of_purview(name) {
            self.remarks.extension(&format!("{}:", name.to_ascii_lowercase()), span);
        }
        if value.is_empty()
            && let Some(Lexeme { token: Token::Open, .. }) = self.glued()
        {
            return self.field_group(meaning, name, operator, lexeme).map(Some);
        }
        let mut is_quoted = false;
        let (value, span) = match self.glued() {
            Some(Lexeme { token: Token::Quote(inside), span: quoted, .. }) if value.is_empty() => {
                self.at += 1;
                is_quoted = true;
                (inside.as_str(), span.to(*quoted))
            }
            _ if value.is_empty() => {
                return Err(QueryError::new(span, format!("nothing follows `{name}{operator}`"))
                    .hint("write the value without a blank before it"));
            }
            _ => (value, span),
        };
        if let Name::Text(field) = meaning
            && field.kind() == Kind::People
            && let count @ 1.. = self.rest_of_mailboxes(value)
        {
            refuse_comparison(operator, name, span)?;
            let begun = if is_quoted { format!("\"{value}\"") } else { value.to_owned() };
            let (value, span) = self.take_text(begun, span, count);
            self.refuse_glued()?;
            return self.words(field, &value, span);
        }
        self.refuse_glued()?;
        let node = match meaning {
            Name::Text(field) => {
                refuse_comparison(operator, name, span)?;
                let words = self.words(field, value, span)?;
                return words.map(Some).ok_or_else(|| nothing_to_search(span));
            }
            meaning => reading::valued(meaning, operator, value, span)?,
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
        let people = match field.kind() {
            Kind::People => people::read(&format!("{}:", field.name()), text, false),
            Kind::Words | Kind::Whole => None,
        };
        let Some(people) = people else {
            let words = value::words(text, span, &mut self.remarks)?;
            self.count(words.len(), span)?;
            return Ok((!words.is_empty()).then_some((Node::Text(Text { field, words }), span)));
        };
        let mut any = Vec::new();
        for asked in &people.asked {
            let words = value::words(asked.text(), span, &mut self.remarks)?;
            self.count(words.len(), span)?;
            if !words.is_empty() {
                any.push(Node::Text(Text { field, words }));
            }
        }
        if !any.is_empty() {
            self.warnings.push(Warning { span, message: people.remark });
        }
        Ok(Node::any_of(any).map(|node| (node, span)))
    }

    /// How many of the lexemes that follow belong to the mailboxes that `value`
    /// begins: `from:"Wu, Carol" <carol@corp.test>; bob@corp.test`.
    fn rest_of_mailboxes(&self, value: &str) -> usize {
        let rest = &self.lexemes[self.at..];
        let (mut taken, mut last) = (0, value);
        loop {
            let is_listed = last.ends_with([';', ',']);
            if last.contains('@') && !is_listed {
                return taken;
            }
            let mut found = None;
            for (ahead, lexeme) in rest[taken..].iter().take(MAILBOX_WORDS_MAX).enumerate() {
                match &lexeme.token {
                    Token::Word(word) if word.contains(':') => break,
                    Token::Word(word) if word.contains('@') => {
                        let is_its = word.starts_with('<') || (ahead == 0 && is_listed);
                        found = is_its.then_some((ahead, word.as_str()));
                        break;
                    }
                    Token::Word(_) | Token::Quote(_) => {}
                    _ => break,
                }
            }
            let Some((ahead, word)) = found else { return taken };
            taken += ahead + 1;
            last = word;
        }
    }

    /// Takes `count` lexemes as the text that they were.
    fn take_text(&mut self, mut text: String, mut span: Span, count: usize) -> (String, Span) {
        for lexeme in self.lexemes.iter().skip(self.at).take(count) {
            match &lexeme.token {
                Token::Quote(inside) => text.push_str(&format!(" \"{inside}\"")),
                Token::Word(word) => text.push_str(&format!(" {word}")),
                _ => {}
            }
            span = span.to(lexeme.span);
        }
        self.at += count;
        (text, span)
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
    Err(reading::mixed(runs, span, Dialect::Kql))
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

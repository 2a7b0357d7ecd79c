//! The dtSearch parser, as Relativity documents the syntax: words that follow each
//! other are a phrase; operators in any case; AND with OR, and OR with a
//! proximity, only with parentheses. What is not offered (phonic and synonym
//! searches, `date(…)`) is refused by name and never guessed.
//!
//! Extensions beyond dtSearch: `field:value`, and tests of dates and sizes.

mod lexer;
#[cfg(test)]
mod tests;
mod word;

use jiff::tz::TimeZone;

use crate::base::limits::{QUERY_CHARS_MAX, QUERY_DEPTH_MAX, QUERY_TERMS_MAX};

use super::ast::{Edge, Node, Query, Relation, Text, Word};
use super::error::{QueryError, Span, Warning};
use super::field::{self, Field, Kind, Name};
use super::reading::{self, nothing_to_search, refuse_comparison, unknown_field};
use super::value::{self, Remarks, shortened};
use super::{Dialect, Parsed, people, print};
use lexer::{Lexeme, Token, lex};

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
    parser.remarks.finish(Dialect::DtSearch, &mut parser.warnings);
    let query = Query { root, zone: zone.clone(), dialect: Dialect::DtSearch };
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

/// A node, where it stands, and whether it is a proximity without parentheses.
struct Operand {
    node: Node,
    span: Span,
    is_open_near: bool,
}

/// A field and how its value is compared.
struct Asked<'a> {
    meaning: Name,
    name: &'a str,
    operator: &'static str,
    span: Span,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Lexeme> {
        self.lexemes.get(self.at)
    }

    fn ahead(&self, by: usize) -> Option<&'a Token> {
        self.lexemes.get(self.at + by).map(|lexeme| &lexeme.token)
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
        let first = self.operand(field)?;
        let mut span = first.span;
        let mut operands = vec![(Join::And, first)];
        while let Some(lexeme) = self.peek() {
            let join = match lexeme.token {
                Token::Close => break,
                Token::And => Join::And,
                Token::Or => Join::Or,
                Token::Not => {
                    return Err(QueryError::new(lexeme.span, "an operator is missing before NOT")
                        .hint("write and not, or a distance: not w/5"));
                }
                _ => return Err(missing_operator(lexeme.span)),
            };
            self.at += 1;
            match self.peek().map(|next| &next.token) {
                None | Some(Token::Close | Token::And | Token::Or) => {
                    return Err(missing_side(lexeme, "after"));
                }
                _ => {}
            }
            let operand = self.operand(field)?;
            span = span.to(operand.span);
            operands.push((join, operand));
        }
        Ok((joined(operands, span)?, span))
    }

    /// NOT, a proximity, and what they bind.
    fn operand(&mut self, field: Field) -> Result<Operand, QueryError> {
        let Some(lexeme) = self.peek() else { return Err(nothing_to_search(self.end)) };
        if lexeme.token == Token::Not {
            self.at += 1;
            let negated = self.nested(lexeme.span, |parser| match parser.ahead(0) {
                None | Some(Token::And | Token::Or | Token::Close | Token::Within { .. }) => {
                    Err(missing_side(lexeme, "after"))
                }
                Some(_) => parser.operand(field),
            })?;
            let span = lexeme.span.to(negated.span);
            let node = Node::Not(Box::new(negated.node));
            return Ok(Operand { node, span, is_open_near: negated.is_open_near });
        }
        let left = self.primary(field)?;
        let Some((near, relation)) = self.proximity()? else {
            let (node, span) = left;
            return Ok(Operand { node, span, is_open_near: false });
        };
        let Token::Within { distance, written, .. } = &near.token else {
            return Err(missing_side(near, "before"));
        };
        let distance = reading::distance(*distance, written, near.span)?;
        match self.ahead(0) {
            None | Some(Token::And | Token::Or | Token::Not | Token::Close) => {
                return Err(missing_side(near, "after"));
            }
            _ => {}
        }
        let right = self.primary(field)?;
        let is_not_near = self.ahead(0) == Some(&Token::Not)
            && matches!(self.ahead(1), Some(Token::Within { .. }));
        if let Some(more) = self.peek()
            && (matches!(more.token, Token::Within { .. }) || is_not_near)
        {
            let message = "it is not clear what this distance joins";
            return Err(QueryError::new(more.span, message)
                .hint("put one of them in parentheses: (a w/5 b) w/5 c"));
        }
        let (node, span) =
            reading::near(left, right, (distance, relation), written, Dialect::DtSearch)?;
        Ok(Operand { node, span, is_open_near: true })
    }

    /// `w/n`, `pre/n` or `not w/n`, if one is next.
    fn proximity(&mut self) -> Result<Option<(&'a Lexeme, Relation)>, QueryError> {
        let Some(first) = self.peek() else { return Ok(None) };
        match (&first.token, self.ahead(1)) {
            (Token::Within { is_ordered, .. }, _) => {
                self.at += 1;
                let relation = if *is_ordered { Relation::Before } else { Relation::Within };
                Ok(Some((first, relation)))
            }
            (Token::Not, Some(Token::Within { is_ordered, .. })) => {
                self.at += 1;
                let Some(within) = self.take() else { return Ok(None) };
                if *is_ordered {
                    let message = "not pre/n is not known";
                    return Err(QueryError::new(first.span.to(within.span), message)
                        .hint("write not w/5, or and not with the phrase in parentheses"));
                }
                Ok(Some((within, Relation::NotWithin)))
            }
            _ => Ok(None),
        }
    }

    /// A group, words in a row, or a field with any of them.
    fn primary(&mut self, field: Field) -> Result<(Node, Span), QueryError> {
        let Some(lexeme) = self.take() else { return Err(nothing_to_search(self.end)) };
        match &lexeme.token {
            Token::Open => self.group(lexeme, field),
            Token::Quote(inside) => {
                self.refuse_row()?;
                self.text(field, inside, true, lexeme.span)
            }
            Token::Word(word) => self.word(word, lexeme, field),
            Token::Within { .. } | Token::And | Token::Or | Token::Not => {
                Err(missing_side(lexeme, "before"))
            }
            Token::Contains => {
                Err(QueryError::new(lexeme.span, "contains needs a field before it").hint(
                    "write for example subject contains budget; to search for the word, quote it",
                ))
            }
            Token::Close => Err(nothing_to_search(lexeme.span)),
        }
    }

    fn group(&mut self, open: &Lexeme, field: Field) -> Result<(Node, Span), QueryError> {
        let (node, _) = self.nested(open.span, |parser| parser.expression(field))?;
        let Some(close) = self.take() else {
            return Err(QueryError::new(open.span, "this parenthesis is never closed")
                .hint("add a closing parenthesis"));
        };
        self.refuse_row()?;
        Ok((node, open.span.to(close.span)))
    }

    fn word(
        &mut self,
        word: &'a str,
        lexeme: &Lexeme,
        field: Field,
    ) -> Result<(Node, Span), QueryError> {
        if let Some(Token::Contains) = self.ahead(0) {
            let asked = self.field_of(word, "contains", place(word, word, lexeme.span), field)?;
            self.at += 1;
            return self.contained(asked, field);
        }
        let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (name, rest) = word.split_at(letters);
        let operator =
            [":", ">=", "<=", "<>", ">", "<", "="].into_iter().find(|it| rest.starts_with(it));
        if let Some(operator) = operator
            && !name.is_empty()
            && !rest.starts_with("://")
            && (operator == ":" || field::lookup(name).is_some_and(|it| !is_text(it)))
        {
            let mut asked = self.field_of(name, operator, place(name, word, lexeme.span), field)?;
            asked.span = lexeme.span;
            self.remarks.extension(&format!("{}:", name.to_ascii_lowercase()), lexeme.span);
            return self.compared(asked, &rest[operator.len()..]);
        }
        if let Some(Lexeme { token: Token::Open, span, .. }) = self.glued() {
            let known =
                ["date", "mail", "creditcard"].contains(&word.to_ascii_lowercase().as_str());
            return Err(match known {
                true => QueryError::new(lexeme.span, format!("{word}(…) is not offered"))
                    .hint("for dates of a message write sent:2020-01-01..2020-02-29"),
                false => missing_operator(*span),
            });
        }
        let mut row = word.to_owned();
        let mut span = lexeme.span;
        while let Some(Lexeme { token: Token::Word(next), span: next_span, .. }) = self.peek()
            && self.ahead(1) != Some(&Token::Contains)
            && !begins_field(next)
        {
            row.push(' ');
            row.push_str(next);
            span = span.to(*next_span);
            self.at += 1;
        }
        self.refuse_row()?;
        self.text(field, &row, false, span)
    }

    fn field_of<'b>(
        &self,
        name: &'b str,
        operator: &'static str,
        span: Span,
        within: Field,
    ) -> Result<Asked<'b>, QueryError> {
        let Some(meaning) = field::lookup(name) else { return Err(unknown_field(name, span)) };
        if within != Field::Anywhere {
            return Err(QueryError::new(span, "a field inside another field's parentheses")
                .hint("close the parenthesis before it"));
        }
        if meaning == Name::Later {
            return Err(reading::refuse_later(name, operator, span));
        }
        Ok(Asked { meaning, name, operator, span })
    }

    /// `subject contains …`.
    fn contained(&mut self, asked: Asked<'_>, within: Field) -> Result<(Node, Span), QueryError> {
        let Name::Text(field) = asked.meaning else {
            let message = format!("`{}` does not contain words", asked.name);
            return Err(
                QueryError::new(asked.span, message).hint(format!("write {}:…", asked.name))
            );
        };
        debug_assert!(within == Field::Anywhere);
        let (node, span) = match self.peek().map(|next| &next.token) {
            Some(Token::Open | Token::Quote(_)) => self.primary(field)?,
            Some(Token::Word(word)) if !begins_field(word) => self.primary(field)?,
            _ => {
                let message = format!("nothing follows `{} contains`", asked.name);
                return Err(QueryError::new(asked.span, message)
                    .hint("write a word, a phrase, or several in parentheses"));
            }
        };
        Ok((node, asked.span.to(span)))
    }

    /// `subject:…`, `sent>=…`.
    fn compared(&mut self, asked: Asked<'_>, value: &str) -> Result<(Node, Span), QueryError> {
        let Asked { meaning, name, operator, span } = asked;
        let (value, is_quoted, span) = match self.glued() {
            Some(open @ Lexeme { token: Token::Open, .. }) if value.is_empty() => {
                let Name::Text(field) = meaning else {
                    let message = format!("`{name}` takes one value");
                    return Err(QueryError::new(span, message).hint("write it without parentheses"));
                };
                self.at += 1;
                let (node, group) = self.group(open, field)?;
                return Ok((node, span.to(group)));
            }
            Some(Lexeme { token: Token::Quote(inside), span: quoted, .. }) if value.is_empty() => {
                self.at += 1;
                (inside.as_str(), true, span.to(*quoted))
            }
            _ if value.is_empty() => {
                return Err(QueryError::new(span, format!("nothing follows `{name}{operator}`"))
                    .hint("write the value without a blank before it"));
            }
            _ => (value, false, span),
        };
        self.refuse_row()?;
        if let Name::Text(field) = meaning {
            refuse_comparison(operator, name, span)?;
            return self.text(field, value, is_quoted, span);
        }
        self.count(1, span)?;
        Ok((reading::valued(meaning, operator, value, span)?, span))
    }

    /// Words in a row, or people as mail writes them.
    fn text(
        &mut self,
        field: Field,
        text: &str,
        is_quoted: bool,
        span: Span,
    ) -> Result<(Node, Span), QueryError> {
        let people = match field.kind() {
            Kind::People => people::read(&format!("{}:", field.name()), text, false),
            Kind::Words | Kind::Whole => None,
        };
        let Some(people) = people else {
            if field.kind() == Kind::People && text.contains('@') && text.contains('=') {
                let message = format!(
                    "= stands for one digit in {}; for the sign itself write \"<{}>\"",
                    shortened(text),
                    shortened(text)
                );
                self.warnings.push(Warning { span, message });
            }
            // In `cn=alice` no digit stands for the sign.
            let is_x500 = field.kind() == Kind::People && people::begins_x500(text);
            let words = match is_x500 {
                true => value::words(text, span, &mut self.remarks)?,
                false => word::words(text, is_quoted, span, &mut self.remarks)?,
            };
            return Ok((
                self.row(field, words, span)?.ok_or_else(|| nothing_to_search(span))?,
                span,
            ));
        };
        let mut any = Vec::new();
        for asked in &people.asked {
            let words = match asked {
                people::Asked::Address(text) => value::words(text, span, &mut self.remarks)?,
                people::Asked::Name(text) => word::words(text, true, span, &mut self.remarks)?,
            };
            any.extend(self.row(field, words, span)?);
        }
        self.warnings.push(Warning { span, message: people.remark });
        Node::any_of(any).map(|node| (node, span)).ok_or_else(|| nothing_to_search(span))
    }

    fn row(
        &mut self,
        field: Field,
        words: Vec<Word>,
        span: Span,
    ) -> Result<Option<Node>, QueryError> {
        self.count(words.len(), span)?;
        let has_edge = words.iter().any(|word| matches!(word, Word::Edge(_)));
        let is_text = matches!(
            field,
            Field::Anywhere | Field::Body | Field::Attachment | Field::AttachmentText
        );
        if has_edge && !is_text {
            let message = "xfirstword and xlastword are of a document's text";
            return Err(QueryError::new(span, message)
                .hint("use them without a field, or in body: and attachmenttext:"));
        }
        let last = words.len().saturating_sub(1);
        let is_misplaced = |(at, word): (usize, &Word)| match word {
            Word::Edge(Edge::First) => at != 0,
            Word::Edge(Edge::Last) => at != last,
            _ => false,
        };
        if words.iter().enumerate().any(is_misplaced) {
            return Err(QueryError::new(
                span,
                "nothing stands before xfirstword or behind xlastword",
            )
            .hint("write it at that end of the phrase, or with a distance: w/5 xfirstword"));
        }
        let is_pattern = |word: &Word| matches!(word, Word::Pattern(_));
        if field.kind() == Kind::Whole && !words.iter().all(is_pattern) {
            let message = format!("{}: is compared as a whole", field.name());
            return Err(QueryError::new(span, message)
                .hint("* and ? can stand in it, and nothing else for characters"));
        }
        Ok((!words.is_empty()).then_some(Node::Text(Text { field, words })))
    }

    fn count(&mut self, terms: usize, span: Span) -> Result<(), QueryError> {
        self.terms += terms;
        if self.terms > QUERY_TERMS_MAX {
            let message = format!("the query has more than {QUERY_TERMS_MAX} words");
            return Err(QueryError::new(span, message).hint("split it into several searches"));
        }
        Ok(())
    }

    /// What ends with a parenthesis or a quotation mark is followed by an operator.
    fn refuse_row(&self) -> Result<(), QueryError> {
        match self.peek() {
            Some(Lexeme {
                token: Token::Quote(_) | Token::Word(_) | Token::Open, span, ..
            }) => Err(missing_operator(*span)),
            _ => Ok(()),
        }
    }
}

fn is_text(meaning: Name) -> bool {
    matches!(meaning, Name::Text(_))
}

/// The place of a word's beginning; of all of it where invisible characters were left
/// out, which make its span longer.
fn place(beginning: &str, word: &str, span: Span) -> Span {
    match span.end - span.start == word.len() {
        true => Span::new(span.start, span.start + beginning.len()),
        false => span,
    }
}

/// Whether a word is `name:…` or a comparison, which is not a part of a phrase.
fn begins_field(word: &str) -> bool {
    let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, rest) = word.split_at(letters);
    let is_field = rest.starts_with(':') && !rest.starts_with("://");
    let is_comparison = rest.starts_with(['<', '>', '='])
        && field::lookup(name).is_some_and(|meaning| !is_text(meaning));
    !name.is_empty() && (is_field || is_comparison)
}

/// One node of many operands; refused where it is not clear which come first.
fn joined(mut operands: Vec<(Join, Operand)>, span: Span) -> Result<Node, QueryError> {
    if operands.len() == 1
        && let Some((_, operand)) = operands.pop()
    {
        return Ok(operand.node);
    }
    let ors = operands[1..].iter().filter(|(join, _)| *join == Join::Or).count();
    let has_open_near = operands.iter().any(|(_, operand)| operand.is_open_near);
    if ors != 0 && ors != operands.len() - 1 {
        let mut runs: Vec<Vec<Node>> = Vec::new();
        for (join, operand) in operands {
            match runs.last_mut() {
                Some(run) if join == Join::And => run.push(operand.node),
                _ => runs.push(vec![operand.node]),
            }
        }
        return Err(reading::mixed(runs, span, Dialect::DtSearch));
    }
    let nodes: Vec<Node> = operands.into_iter().map(|(_, operand)| operand.node).collect();
    if ors == 0 {
        return Ok(Node::And(nodes));
    }
    let node = Node::Or(nodes);
    if has_open_near {
        let message = "or and a distance are mixed, and it is not clear which comes first";
        let suggestion = print::text(&node, Dialect::DtSearch);
        let error = QueryError::new(span, message);
        return Err(match suggestion.len() {
            0..=reading::SUGGESTION_BYTES_MAX => error
                .hint(format!("use parentheses, for example {suggestion}, or (a or b) w/5 c"))
                .rewrite(suggestion),
            _ => error.hint("use parentheses, for example a or (b w/5 c), or (a or b) w/5 c"),
        });
    }
    Ok(node)
}

fn missing_operator(span: Span) -> QueryError {
    QueryError::new(span, "an operator is missing before this")
        .hint("write and, or or a distance (w/5); put a phrase in quotation marks as a whole")
}

fn missing_side(operator: &Lexeme, side: &str) -> QueryError {
    let name = match &operator.token {
        Token::And => "and",
        Token::Or => "or",
        Token::Not => "not",
        Token::Within { written, .. } => written,
        _ => "the operator",
    };
    QueryError::new(operator.span, format!("{name} needs a word or phrase {side} it"))
        .hint(format!("to search for the word itself, write \"{name}\""))
}

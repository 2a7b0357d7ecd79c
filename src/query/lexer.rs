//! KQL's tokens. Blanks separate; parentheses and quotation marks stand alone;
//! everything else runs on as one word, whose inside `value` reads.

use std::iter::Peekable;
use std::str::CharIndices;

use super::error::{QueryError, Span, Warning};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    /// Without a distance in parentheses, none.
    Near {
        distance: Option<u32>,
        is_ordered: bool,
    },
    /// What stood between quotation marks.
    Quote(String),
    Word(String),
}

#[derive(Clone, Debug)]
pub(super) struct Lexeme {
    pub token: Token,
    pub span: Span,
    /// No blank before it, and it is not the first.
    pub is_glued: bool,
}

pub(super) fn lex(text: &str, warnings: &mut Vec<Warning>) -> Result<Vec<Lexeme>, QueryError> {
    let mut lexer = Lexer { text, rest: text.char_indices().peekable(), invisible: None };
    let mut lexemes = Vec::new();
    let mut last_end = None;
    while let Some((start, token)) = lexer.next()? {
        let end = lexer.at();
        let is_glued = last_end == Some(start);
        last_end = Some(end);
        lexemes.push(Lexeme { token, span: Span::new(start, end), is_glued });
    }
    if let Some(span) = lexer.invisible {
        let message = "an invisible character was left out of the query".to_owned();
        warnings.push(Warning { span, message });
    }
    Ok(lexemes)
}

/// A text without quotation marks and invisible characters.
pub(super) fn unquoted(text: &str) -> String {
    visible(text).chars().map(|c| if is_quote(c) { ' ' } else { c }).collect()
}

/// A text without invisible characters.
pub(super) fn visible(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).collect()
}

/// Quotation marks as typed, and as word processors turn them.
pub(super) fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '‟' | '＂')
}

/// Marks of direction and breaking that come along when text is copied. Joiners
/// (U+200C, U+200D) belong to words in several scripts and stay.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{61C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

struct Lexer<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
    /// The first invisible character left out.
    invisible: Option<Span>,
}

impl Lexer<'_> {
    fn at(&mut self) -> usize {
        self.rest.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn next(&mut self) -> Result<Option<(usize, Token)>, QueryError> {
        loop {
            let Some(&(start, c)) = self.rest.peek() else { return Ok(None) };
            if c.is_whitespace() {
                self.rest.next();
            } else if is_invisible(c) {
                self.leave_out();
            } else {
                return self.token(start, c).map(|token| Some((start, token)));
            }
        }
    }

    fn leave_out(&mut self) {
        if let Some((at, c)) = self.rest.next() {
            self.invisible.get_or_insert(Span::new(at, at + c.len_utf8()));
        }
    }

    fn token(&mut self, start: usize, c: char) -> Result<Token, QueryError> {
        match c {
            '(' => {
                self.rest.next();
                Ok(Token::Open)
            }
            ')' => {
                self.rest.next();
                Ok(Token::Close)
            }
            c if is_quote(c) => self.quote(start),
            _ => self.word(),
        }
    }

    fn quote(&mut self, start: usize) -> Result<Token, QueryError> {
        self.rest.next();
        let mut inside = String::new();
        while let Some(&(_, c)) = self.rest.peek() {
            if is_invisible(c) {
                self.leave_out();
                continue;
            }
            self.rest.next();
            if is_quote(c) {
                return Ok(Token::Quote(inside));
            }
            inside.push(c);
        }
        let span = Span::new(start, self.text.len());
        Err(QueryError::new(span, "this quotation mark is never closed")
            .hint("add a quotation mark at the end of the phrase"))
    }

    fn word(&mut self) -> Result<Token, QueryError> {
        let start = self.at();
        let mut word = String::new();
        while let Some(&(_, c)) = self.rest.peek() {
            if is_invisible(c) {
                self.leave_out();
            } else if c.is_whitespace() || matches!(c, '(' | ')') || is_quote(c) {
                break;
            } else {
                self.rest.next();
                word.push(c);
            }
        }
        let is_ordered = word == "ONEAR";
        Ok(match word.as_str() {
            "AND" => Token::And,
            "OR" => Token::Or,
            "NOT" => Token::Not,
            "NEAR" | "ONEAR" => Token::Near { distance: self.distance(start)?, is_ordered },
            _ => Token::Word(word),
        })
    }

    /// `(n)` right after NEAR.
    fn distance(&mut self, start: usize) -> Result<Option<u32>, QueryError> {
        let at = self.at();
        let Some(inside) = self.text[at..].strip_prefix('(') else { return Ok(None) };
        let end = inside.find(')').unwrap_or(inside.len());
        let span = Span::new(start, (at + end + 2).min(self.text.len()));
        let Ok(distance) = inside[..end].trim().parse() else {
            return Err(QueryError::new(span, "NEAR takes a number of words")
                .hint("write for example NEAR(5); or put a blank before the parenthesis"));
        };
        while self.at() < span.end {
            self.rest.next();
        }
        Ok(Some(distance))
    }
}

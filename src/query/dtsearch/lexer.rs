//! dtSearch's tokens. Operators in any case; blanks separate; parentheses and
//! quotation marks stand alone; everything else runs on as one word.

use crate::query::error::{QueryError, Span, Warning};
use crate::query::lexer::{is_invisible, is_quote};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    /// `w/n` and `pre/n`, as written.
    Within {
        distance: u32,
        is_ordered: bool,
        written: String,
    },
    /// Between a field and what is looked for in it.
    Contains,
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
    let mut lexer = Lexer { text, at: 0, invisible: None };
    let mut lexemes = Vec::new();
    let mut last_end = None;
    while let Some(start) = lexer.skip_blanks() {
        let token = lexer.token(start)?;
        let is_glued = last_end == Some(start);
        last_end = Some(lexer.at);
        lexemes.push(Lexeme { token, span: Span::new(start, lexer.at), is_glued });
    }
    if let Some(span) = lexer.invisible {
        let message = "an invisible character was left out of the query".to_owned();
        warnings.push(Warning { span, message });
    }
    Ok(lexemes)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// The first invisible character left out.
    invisible: Option<Span>,
}

impl Lexer<'_> {
    /// The next character that can be seen, and where it stands.
    fn peek(&mut self) -> Option<char> {
        loop {
            let c = self.text[self.at..].chars().next()?;
            if !is_invisible(c) {
                return Some(c);
            }
            let end = self.at + c.len_utf8();
            self.invisible.get_or_insert(Span::new(self.at, end));
            self.at = end;
        }
    }

    fn skip_blanks(&mut self) -> Option<usize> {
        loop {
            let c = self.peek()?;
            if !c.is_whitespace() {
                return Some(self.at);
            }
            self.at += c.len_utf8();
        }
    }

    fn token(&mut self, start: usize) -> Result<Token, QueryError> {
        match self.peek() {
            Some(c @ ('(' | ')')) => {
                self.at += 1;
                Ok(if c == '(' { Token::Open } else { Token::Close })
            }
            Some(c) if is_quote(c) => self.quote(start, c),
            _ => self.word(start),
        }
    }

    fn quote(&mut self, start: usize, mark: char) -> Result<Token, QueryError> {
        self.at += mark.len_utf8();
        let mut inside = String::new();
        while let Some(c) = self.peek() {
            self.at += c.len_utf8();
            if is_quote(c) {
                return Ok(Token::Quote(inside));
            }
            inside.push(c);
        }
        let span = Span::new(start, self.text.len());
        Err(QueryError::new(span, "this quotation mark is never closed")
            .hint("add a quotation mark at the end of the phrase"))
    }

    fn word(&mut self, start: usize) -> Result<Token, QueryError> {
        let mut word = String::new();
        while let Some(c) = self.peek() {
            if c.is_whitespace() || matches!(c, '(' | ')') || is_quote(c) {
                break;
            }
            self.at += c.len_utf8();
            word.push(c);
        }
        let lower = word.to_ascii_lowercase();
        Ok(match lower.as_str() {
            "and" => Token::And,
            "or" => Token::Or,
            "not" => Token::Not,
            "contains" => Token::Contains,
            "xor" | "andany" | "xfilter" => {
                let span = Span::new(start, self.at);
                let said = format!("`{lower}` is an operator of dtSearch that is not offered");
                return Err(QueryError::new(span, said).hint(format!(
                    "write it with and, or, not; to search for the word: \"{lower}\""
                )));
            }
            _ => match within(&lower, Span::new(start, self.at))? {
                Some((distance, is_ordered)) => {
                    Token::Within { distance, is_ordered, written: lower }
                }
                None => Token::Word(word),
            },
        })
    }
}

/// `w/5` or `pre/5`; what only looks like one is refused.
fn within(lower: &str, span: Span) -> Result<Option<(u32, bool)>, QueryError> {
    let (number, is_ordered) = match (lower.strip_prefix("w/"), lower.strip_prefix("pre/")) {
        (Some(number), _) => (number, false),
        (_, Some(number)) => (number, true),
        _ => return Ok(None),
    };
    let name = if is_ordered { "pre" } else { "w" };
    if let Ok(distance) = number.parse()
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Ok(Some((distance, is_ordered)));
    }
    Err(QueryError::new(span, format!("{name}/ takes a number of words"))
        .hint(format!("write for example {name}/5; to search for the text, quote it")))
}

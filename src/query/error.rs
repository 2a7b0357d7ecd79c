//! Errors and warnings, each with the place in the query that caused it.

use std::fmt;

/// Bytes `start..end` of the query's text, on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The same place in UTF-16 units, as a browser counts.
    pub fn utf16_in(self, text: &str) -> (usize, usize) {
        let units = |end: usize| {
            text.char_indices()
                .take_while(|(at, _)| *at < end)
                .map(|(_, character)| character.len_utf16())
                .sum()
        };
        (units(self.start), units(self.end))
    }
}

/// Why a query was refused. A reading is never guessed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    pub span: Span,
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// What would be understood: in place of the span while it is parsed, the whole query
    /// when it comes back.
    pub rewrite: Option<String>,
}

impl QueryError {
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None, rewrite: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn rewrite(mut self, rewrite: impl Into<String>) -> Self {
        self.rewrite = Some(rewrite.into());
        self
    }

    /// The error on a terminal: the query around the place, and carets under it.
    pub fn caret<'a>(&'a self, text: &'a str) -> impl fmt::Display + 'a {
        Caret { error: self, text }
    }
}

/// The query was understood, but not as its writer may think.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub span: Span,
    pub message: String,
}

/// Characters shown on each side of the place.
const CARET_CONTEXT: usize = 40;

struct Caret<'a> {
    error: &'a QueryError,
    text: &'a str,
}

impl fmt::Display for Caret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Span { start, end } = self.error.span;
        let before: Vec<char> = self.text[..start].chars().rev().take(CARET_CONTEXT).collect();
        let within: Vec<char> = self.text[start..end].chars().take(CARET_CONTEXT).collect();
        let after = self.text[end..].chars().take(CARET_CONTEXT);
        let visible = |c: char| if c.is_control() { ' ' } else { c };
        for c in before.iter().rev().copied().chain(within.iter().copied()).chain(after) {
            write!(f, "{}", visible(c))?;
        }
        writeln!(f)?;
        writeln!(f, "{}{}", " ".repeat(before.len()), "^".repeat(within.len().max(1)))?;
        write!(f, "{}", self.error.message)?;
        match &self.error.hint {
            Some(hint) => write!(f, "\n{hint}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_counts_as_a_browser_does() {
        assert_eq!(Span::new(4, 5).utf16_in("😀a"), (2, 3));
        assert_eq!(Span::new(2, 3).utf16_in("éa"), (1, 2));
    }

    #[test]
    fn caret_stands_under_the_place() {
        let error = QueryError::new(Span::new(2, 4), "no").hint("do this");
        assert_eq!(error.caret("a OR").to_string(), "a OR\n  ^^\nno\ndo this");
    }
}

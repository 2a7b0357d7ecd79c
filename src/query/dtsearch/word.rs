//! One word of dtSearch: `*` `?` `=` stand for characters, `apply~` for a stem,
//! `ba%nana` for what is written nearly so, `12~~24` for numbers, `##…` for a
//! regular expression.

use crate::base::limits::{QUERY_EDITS_MAX, QUERY_REGEX_CHARS_MAX};
use crate::query::Dialect;
use crate::query::ast::{Edge, Word};
use crate::query::error::{QueryError, Span};
use crate::query::value::{self, Remarks, shortened};

/// The words between blanks. Those of symbols alone are left out with a remark.
pub(super) fn words(
    text: &str,
    is_quoted: bool,
    span: Span,
    remarks: &mut Remarks,
) -> Result<Vec<Word>, QueryError> {
    let mut words = Vec::new();
    for piece in text.split_whitespace() {
        words.extend(word(piece, is_quoted, span, remarks)?);
    }
    Ok(words)
}

fn word(
    text: &str,
    is_quoted: bool,
    span: Span,
    remarks: &mut Remarks,
) -> Result<Option<Word>, QueryError> {
    let refuse =
        |message: String, hint: &str| Err(QueryError::new(span, message).hint(hint.to_owned()));
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "xfirstword" => return Ok(Some(Word::Edge(Edge::First))),
        "xlastword" => return Ok(Some(Word::Edge(Edge::Last))),
        _ => {}
    }
    if let Some(pattern) = text.strip_prefix("##") {
        return match is_quoted {
            true => regex(pattern, span).map(Some),
            false => refuse(
                "a regular expression stands in quotation marks".to_owned(),
                "write for example \"##199[0-9]\"",
            ),
        };
    }
    if value::is_link(text) {
        return Ok(value::pattern(text, Dialect::DtSearch, span, remarks)?.map(Word::Pattern));
    }
    let has_letters = text.chars().any(char::is_alphanumeric);
    if text.starts_with('#') && has_letters {
        return refuse(
            format!("`{}` asks for words that sound alike, which is not offered", shortened(text)),
            "write the spellings with or between them, or use fuzzy letters: sm%ith",
        );
    }
    if text.ends_with('&') && has_letters {
        return refuse(
            format!("`{}` asks for synonyms, which are not offered", shortened(text)),
            "write the synonyms with or between them",
        );
    }
    if let Some((from, until)) = text.split_once("~~") {
        return numbers(text, from, until, span).map(Some);
    }
    if text.contains('~') {
        return stem(text, span).map(Some);
    }
    if text.contains('%') && has_letters {
        return fuzzy(text, span).map(Some);
    }
    for c in text.chars() {
        if !c.is_alphanumeric() && c.is_ascii() && !"*?=._-@'/:".contains(c) {
            remarks.symbol(c, span);
        }
    }
    Ok(value::pattern(text, Dialect::DtSearch, span, remarks)?.map(Word::Pattern))
}

/// Whether a text is one term: no symbol and no wildcard in it.
fn is_bare(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
        && !text.chars().any(|c| c.is_ascii() && !c.is_ascii_alphanumeric())
}

fn numbers(text: &str, from: &str, until: &str, span: Span) -> Result<Word, QueryError> {
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().ok()).flatten()
    };
    let (Some(from), Some(until)) = (number(from), number(until)) else {
        let message = format!("`{}` is no range of whole numbers", shortened(text));
        return Err(QueryError::new(span, message).hint("write for example 12~~24"));
    };
    if from > until {
        return Err(QueryError::new(span, "the range ends before it begins")
            .hint(format!("write {until}~~{from}")));
    }
    Ok(Word::Number { from, until })
}

fn stem(text: &str, span: Span) -> Result<Word, QueryError> {
    match text.strip_suffix('~') {
        Some(word) if is_bare(word) => Ok(Word::Stem(word.to_owned())),
        _ => {
            let message = format!("`{}` is not the stem of one word", shortened(text));
            Err(QueryError::new(span, message)
                .hint("write ~ behind a word of letters alone, for example apply~"))
        }
    }
}

fn fuzzy(text: &str, span: Span) -> Result<Word, QueryError> {
    let edits = text.matches('%').count();
    let exact_chars = text.chars().take_while(|c| *c != '%').count();
    let bare = text.replace('%', "");
    let hint = "each % behind the first letters allows one letter more, less or other: ba%nana";
    if !is_bare(&bare) || bare.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = format!("`{}` is not one word with % in it", shortened(text));
        return Err(QueryError::new(span, message).hint(hint));
    }
    if edits > QUERY_EDITS_MAX || edits >= bare.chars().count() {
        let message =
            format!("`{}` allows so many differences that anything fits", shortened(text));
        return Err(QueryError::new(span, message)
            .hint(format!("use fewer %, at most {QUERY_EDITS_MAX} and fewer than letters")));
    }
    Ok(Word::Fuzzy { text: bare, exact_chars, edits })
}

/// Whether the expression can be read the engine says, which has to run it.
fn regex(pattern: &str, span: Span) -> Result<Word, QueryError> {
    if pattern.is_empty() {
        return Err(QueryError::new(span, "a regular expression is missing behind ##")
            .hint("write for example \"##199[0-9]\""));
    }
    if pattern.chars().count() > QUERY_REGEX_CHARS_MAX {
        let message =
            format!("a regular expression is longer than {QUERY_REGEX_CHARS_MAX} characters");
        return Err(QueryError::new(span, message).hint("shorten it"));
    }
    Ok(Word::Regex(pattern.to_owned()))
}

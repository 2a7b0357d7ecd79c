//! What stands in one place of a phrase: a term, or the terms that something fits.
//! Texts and terms are compared with it by the same rule, so that what is found is
//! what is marked.

use frostem::{Algorithm, Stemmer};
use regex::{Regex, RegexBuilder};

use super::IndexError;
use super::glob::Glob;
use super::plan::refused;
use super::token::{FIRST, LAST, folded};
use crate::base::limits::QUERY_REGEX_BYTES_MAX;

#[derive(Clone, Debug)]
pub(super) enum Slot {
    Exact(String),
    /// With the word as it was asked for.
    Many(Many, String),
}

/// Terms that are looked up in the dictionary.
#[derive(Clone, Debug)]
pub(super) enum Many {
    Glob(Glob),
    Stem { stem: String, first: String },
    Fuzzy { text: Vec<char>, prefix: String, edits: usize },
    Number { from: u64, until: u64 },
    Regex(Box<Regex>),
}

impl Many {
    /// A folded word's stem. The words of one stem share their first letter.
    pub fn stem(word: &str) -> Self {
        let first = word.chars().take(1).collect();
        Self::Stem { stem: stem_of(word), first }
    }

    pub fn fuzzy(word: &str, exact_chars: usize, edits: usize) -> Self {
        let text: Vec<char> = word.chars().collect();
        let prefix = text.iter().take(exact_chars).collect();
        Self::Fuzzy { text, prefix, edits }
    }

    /// An expression that a whole term fits. Capitals and accents do not count in it,
    /// as in terms.
    pub fn regex(pattern: &str) -> Result<Self, IndexError> {
        let plain: String = pattern.chars().flat_map(plain_char).collect();
        let build = |pattern: &str| {
            RegexBuilder::new(pattern)
                .case_insensitive(true)
                .size_limit(QUERY_REGEX_BYTES_MAX)
                .dfa_size_limit(QUERY_REGEX_BYTES_MAX)
                .nest_limit(50)
                .build()
        };
        // By itself first: `a)|(b` would get around what is put around it.
        let error = match build(&plain).and_then(|_| build(&format!("^(?:{plain})$"))) {
            Ok(regex) => return Ok(Self::Regex(Box::new(regex))),
            Err(error) => error,
        };
        let shown: String = pattern.chars().take(40).collect();
        Err(match error {
            regex::Error::CompiledTooBig(_) => refused(
                &format!("the regular expression ##{shown} becomes too large"),
                "use smaller counts of repetition",
            ),
            error => {
                // The library draws the place over several lines; the last says what.
                let text = error.to_string();
                let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                let message = format!("the regular expression ##{shown} cannot be read: {why}");
                refused(&message, "mend it, or write the text without ##")
            }
        })
    }

    /// What every term begins with.
    pub fn prefix(&self) -> &str {
        match self {
            Self::Glob(glob) => glob.prefix(),
            Self::Stem { first, .. } => first,
            Self::Fuzzy { prefix, .. } => prefix,
            Self::Number { .. } | Self::Regex(_) => "",
        }
    }

    /// The first and the last byte that a term can begin with, where there is no prefix.
    pub fn first_bytes(&self) -> (u8, u8) {
        match self {
            Self::Number { .. } => (b'0', b'9'),
            _ => (0, u8::MAX),
        }
    }

    /// Whether the prefix is all that is asked for.
    pub fn is_prefix(&self) -> bool {
        matches!(self, Self::Glob(glob) if glob.is_prefix())
    }

    pub fn matches(&self, term: &str) -> bool {
        // The ends of texts are no words.
        if term.starts_with([FIRST, LAST]) {
            return false;
        }
        match self {
            Self::Glob(glob) => glob.matches(term),
            Self::Stem { stem, first } => {
                term.starts_with(first.as_str()) && stem_of(term) == *stem
            }
            Self::Fuzzy { text, prefix, edits } => {
                term.starts_with(prefix.as_str()) && is_within(text, term, *edits)
            }
            Self::Number { from, until } => {
                let is_number = term.bytes().all(|byte| byte.is_ascii_digit());
                // What does not fit is larger than any bound.
                is_number && term.parse().is_ok_and(|number| (*from..=*until).contains(&number))
            }
            Self::Regex(regex) => regex.is_match(term),
        }
    }
}

fn stem_of(word: &str) -> String {
    Stemmer::new(Algorithm::English).stem(word).to_string()
}

/// A letter of an expression without its accent. What would become several letters
/// stays, since it can be one of a set.
fn plain_char(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c);
    }
    let folded = folded(&c.to_string());
    let mut chars = folded.chars();
    match (chars.next(), chars.next()) {
        (Some(plain), None) if plain.is_alphanumeric() => Some(plain),
        _ => Some(c),
    }
}

/// Whether at most `edits` letters put in, left out or replaced lie between two words.
fn is_within(text: &[char], term: &str, edits: usize) -> bool {
    let length = term.chars().count();
    if length.abs_diff(text.len()) > edits {
        return false;
    }
    let mut row: Vec<usize> = (0..=text.len()).collect();
    for (at, c) in term.chars().enumerate() {
        let mut before = row[0];
        row[0] = at + 1;
        let mut least = row[0];
        for (column, expected) in text.iter().enumerate() {
            let replaced = before + usize::from(*expected != c);
            before = row[column + 1];
            row[column + 1] = replaced.min(before + 1).min(row[column] + 1);
            least = least.min(row[column + 1]);
        }
        if least > edits {
            return false;
        }
    }
    row[text.len()] <= edits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stem_stands_for_its_forms() {
        let apply = Many::stem("apply");
        for form in ["apply", "applies", "applied", "applying"] {
            assert!(apply.matches(form), "{form}");
        }
        for other in ["apple", "application", "applications", "reapply", "东"] {
            assert!(!apply.matches(other), "{other}");
        }
        assert!(Many::stem("dying").matches("die"));
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        let range = Many::Number { from: 9, until: 120 };
        for (term, is_in) in [
            ("9", true),
            ("009", true),
            ("120", true),
            ("121", false),
            ("1200", false),
            ("12a", false),
            ("99999999999999999999999", false),
        ] {
            assert_eq!(range.matches(term), is_in, "{term}");
        }
        assert!(Many::Number { from: 0, until: u64::MAX }.matches("18446744073709551615"));
    }

    #[test]
    fn an_expression_fits_a_whole_term() {
        let fits = |pattern: &str, term: &str| Many::regex(pattern).expect(pattern).matches(term);
        assert!(fits("199[0-9]", "1995") && !fits("199[0-9]", "11995") && !fits("19", "1995"));
        assert!(fits("199[0-9]$", "1995") && fits("^[A-Z]+", "abc") && fits("caf[éè]", "cafe"));
        assert!(!fits(".", "\u{FDD3}"));
        // What makes others backtrack for years.
        assert!(!fits("(a*)*b", &"a".repeat(1000)));
        for wrong in ["(", "[a", "a)|(b", "a{1000}{1000}{1000}", "(?<x", "\\p{No such}"] {
            assert!(matches!(Many::regex(wrong), Err(IndexError::Refused { .. })), "{wrong}");
        }
        assert!(Many::regex(&"(".repeat(200)).is_err());
    }

    /// The definition.
    fn distance(a: &[char], b: &[char]) -> usize {
        match (a, b) {
            ([], rest) | (rest, []) => rest.len(),
            ([x, a_rest @ ..], [y, b_rest @ ..]) => (distance(a_rest, b_rest)
                + usize::from(x != y))
            .min(distance(a_rest, b) + 1)
            .min(distance(a, b_rest) + 1),
        }
    }

    proptest! {
        #[test]
        fn fuzzy_agrees_with_the_definition(
            text in "[abé]{1,6}", term in "[abé]{0,6}", exact_chars in 0..3_usize, edits in 1..4_usize,
        ) {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let prefix: String = text.chars().take(exact_chars).collect();
            let expected =
                term.starts_with(&prefix) && distance(&chars(&text), &chars(&term)) <= edits;
            prop_assert_eq!(Many::fuzzy(&text, exact_chars, edits).matches(&term), expected);
        }
    }
}

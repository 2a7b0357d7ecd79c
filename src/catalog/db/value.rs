//! A value that is bound to a statement: an integer, a text or bytes, or none of
//! its type.
//!
//! PostgreSQL keeps no U+0000 in a text, and headers of mail can have it. There it
//! is written as two characters, of which the first is never used alone, so that
//! texts differ there exactly where they differ, and come back as they were.

use std::borrow::Cow;

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, Error};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Integer(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! from {
    ($($type:ty, $value:ident => $made:expr;)+) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        })+
    };
}

from! {
    i64, value => Self::Integer(Some(value));
    Option<i64>, value => Self::Integer(value);
    String, value => Self::Text(Some(value));
    &str, value => Self::Text(Some(value.to_owned()));
    &String, value => Self::Text(Some(value.clone()));
    Option<String>, value => Self::Text(value);
    Option<&str>, value => Self::Text(value.map(str::to_owned));
    &Option<String>, value => Self::Text(value.clone());
    Vec<u8>, value => Self::Bytes(Some(value));
    &[u8], value => Self::Bytes(Some(value.to_vec()));
    &Vec<u8>, value => Self::Bytes(Some(value.clone()));
    Option<Vec<u8>>, value => Self::Bytes(value);
}

pub(super) fn for_sqlite(values: Vec<Value>) -> Result<SqliteArguments, Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        match value {
            Value::Integer(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
        }
        .map_err(Error::Encode)?;
    }
    Ok(arguments)
}

pub(super) fn for_postgres(values: Vec<Value>) -> Result<PgArguments, Error> {
    let mut arguments = PgArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        match value {
            Value::Integer(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value.as_deref().map(without_nul)),
            Value::Bytes(value) => arguments.add(value),
        }
        .map_err(Error::Encode)?;
    }
    Ok(arguments)
}

/// Never assigned to a character; of those that Unicode leaves to programs.
const ESCAPE: char = '\u{10fffe}';
const NUL: &str = "\u{10fffe}0";
const ESCAPED: &str = "\u{10fffe}1";

fn without_nul(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(ESCAPE, ESCAPED).replace('\0', NUL))
}

/// The text that [`without_nul`] was given.
pub(super) fn with_nul(text: String) -> String {
    match text.contains(ESCAPE) {
        true => text.replace(NUL, "\0").replace(ESCAPED, "\u{10fffe}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back_and_none_has_a_nul() {
        let texts =
            ["", "plain", "a\0b", "\0", "\u{10fffe}", "\u{10fffe}0", "\u{10fffe}1\0", "0\0one"];
        let mut seen = std::collections::HashSet::new();
        for text in texts {
            let written = without_nul(text).into_owned();
            assert!(!written.contains('\0'), "{text:?}");
            assert_eq!(with_nul(written.clone()), text);
            assert!(seen.insert(written), "{text:?} is not told from another");
        }
    }
}

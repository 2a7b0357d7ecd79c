//! What a bundle says of itself is not in it, counted without holding the list.

use std::fmt;
use std::io::{BufReader, Read};

use serde::Deserialize;
use serde::de::{Deserializer as _, SeqAccess, Visitor};

#[derive(Deserialize)]
struct Exception {
    #[serde(default)]
    is_missing: bool,
}

/// How many exceptions there are, and how many of them are messages that are
/// missing.
pub(super) fn count(reader: &mut dyn Read) -> serde_json::Result<(u64, u64)> {
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(reader));
    let counted = json.deserialize_seq(Counter)?;
    json.end()?;
    Ok(counted)
}

struct Counter;

impl<'de> Visitor<'de> for Counter {
    type Value = (u64, u64);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of exceptions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let (mut all, mut missing) = (0, 0);
        while let Some(exception) = list.next_element::<Exception>()? {
            all += 1;
            missing += u64::from(exception.is_missing);
        }
        Ok((all, missing))
    }
}

//! What the attributes of HTML elements say: addresses, and words that show only
//! when a pointer rests on them.

use std::collections::HashSet;

use super::entity;

const ADDRESSES: [&str; 12] = [
    "action",
    "background",
    "cite",
    "data",
    "formaction",
    "href",
    "longdesc",
    "poster",
    "src",
    "srcset",
    "usemap",
    "xlink:href",
];
const WORDS: [&str; 7] =
    ["aria-label", "label", "placeholder", "summary", "title", "value", "aria-description"];

/// An address may be in another one, escaped, and that in a third.
const ESCAPED_TIMES_MAX: usize = 3;

/// Each value once, on a line of its own.
#[derive(Default)]
pub(super) struct Attributes {
    pub lines: String,
    seen: HashSet<String>,
}

impl Attributes {
    pub fn add(&mut self, name: &str, raw: &str) {
        let is_address = ADDRESSES.contains(&name);
        if !is_address && !WORDS.contains(&name) {
            return;
        }
        let mut value = String::new();
        entity::push_decoded(&mut value, raw.trim());
        if is_address && let Some(head) = without_content(&value) {
            value.truncate(head);
        }
        self.line(&value);
        for _ in 0..ESCAPED_TIMES_MAX {
            match unescaped(&value).filter(|_| is_address) {
                Some(meant) => value = meant,
                None => return,
            }
            self.line(&value);
        }
    }

    pub fn line(&mut self, value: &str) {
        if !value.is_empty() && self.seen.insert(value.to_owned()) {
            self.lines.push_str(value);
            self.lines.push('\n');
        }
    }
}

/// Where the content begins of a `data:` address that is encoded: a picture, as
/// a rule, and no words.
fn without_content(address: &str) -> Option<usize> {
    let is_data = address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
    let comma = address.find(',').filter(|_| is_data)?;
    address[..comma].to_ascii_lowercase().ends_with(";base64").then_some(comma)
}

/// The address with its percent signs resolved; none if it has none.
fn unescaped(address: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let is_escape = |pair: &&[u8]| *byte == b'%' && pair.iter().all(u8::is_ascii_hexdigit);
        let pair = after.get(..2).filter(is_escape);
        let escaped = pair
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match escaped {
            Some(escaped) => {
                bytes.push(escaped);
                rest = &after[2..];
            }
            None => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    (bytes.len() < address.len()).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(attributes: &[(&str, &str)], expected: &[&str]) {
        let mut found = Attributes::default();
        attributes.iter().for_each(|(name, value)| found.add(name, value));
        assert_eq!(found.lines.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn addresses_are_kept_as_written_and_as_meant() {
        check(
            &[("href", " https://a.example/?b=1&amp;c "), ("class", "big")],
            &["https://a.example/?b=1&c"],
        );
        let wrapped = "https://safe.example/?url=https%3A%2F%2Fb.example%2F%253F";
        check(
            &[("href", wrapped), ("href", wrapped)],
            &[
                wrapped,
                "https://safe.example/?url=https://b.example/%3F",
                "https://safe.example/?url=https://b.example/?",
            ],
        );
        check(&[("src", "100%"), ("src", "%zz%e9")], &["100%", "%zz%e9", "%zz\u{fffd}"]);
    }

    #[test]
    fn pictures_within_are_no_words() {
        check(&[("src", "data:image/png;base64,AAAA")], &["data:image/png;base64"]);
        check(
            &[("href", "data:text/html,a%20word")],
            &["data:text/html,a%20word", "data:text/html,a word"],
        );
    }

    #[test]
    fn tooltips_are_words() {
        check(&[("title", "see &lt;this&gt;"), ("value", "50%25")], &["see <this>", "50%25"]);
    }
}

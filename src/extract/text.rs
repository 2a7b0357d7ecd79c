//! The normal form of text: lines end with LF, no NUL, bounded.

use crate::base::limits;

/// Brings `text` into normal form. The flag says that it was cut.
pub fn normalise(text: &str) -> (String, bool) {
    let mut out = String::with_capacity(text.len().min(limits::TEXT_BYTES_MAX));
    let kept = prefix(text, limits::TEXT_BYTES_MAX);
    let mut rest = kept.strip_prefix('\u{feff}').unwrap_or(kept);
    while let Some(at) = rest.find(['\r', '\0']) {
        out.push_str(&rest[..at]);
        let bytes = rest.as_bytes();
        if bytes[at] == b'\r' {
            out.push('\n');
        }
        let is_crlf = bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n');
        rest = &rest[at + 1 + usize::from(is_crlf)..];
    }
    out.push_str(rest);
    (out, kept.len() < text.len())
}

/// The longest prefix of at most `bytes_max` bytes that ends between characters.
pub fn prefix(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Whether `other` has a word that `text` has not.
pub fn has_new_words(text: &str, other: &str) -> bool {
    fn words(text: &str) -> impl Iterator<Item = &str> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
    }
    let known: std::collections::HashSet<&str> = words(text).collect();
    words(other).any(|word| !known.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_lf() {
        assert_eq!(normalise("\u{feff}a\r\nb\rc\n\0d\r").0, "a\nb\nc\nd\n");
    }

    #[test]
    fn a_prefix_ends_between_characters() {
        assert_eq!(prefix("aé", 2), "a");
        assert_eq!(prefix("aé", 3), "aé");
    }

    #[test]
    fn new_words_are_seen() {
        assert!(has_new_words("good day", "good night"));
        assert!(!has_new_words("Good, day", "day \n Good"));
    }
}

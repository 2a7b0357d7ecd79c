//! The normal form of text: lines end with LF, no NUL, bounded.

use crate::base::limits;

/// Brings `text` into normal form. The flag says that it was cut.
pub fn normalise(text: &str) -> (String, bool) {
    let mut out = String::with_capacity(text.len().min(limits::TEXT_BYTES_MAX));
    let kept = prefix(text, limits::TEXT_BYTES_MAX);
    let mut rest = kept.strip_prefix('\u{feff}').unwrap_or(kept);
    // A few stand between words; many are the other half of each character.
    let is_apart = kept.matches('\0').count() * 4 < kept.len();
    while let Some(at) = rest.find(['\r', '\0']) {
        out.push_str(&rest[..at]);
        let bytes = rest.as_bytes();
        match bytes[at] {
            b'\r' => out.push('\n'),
            _ if is_apart => out.push(' '),
            _ => {}
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

/// As much of `text` as is shown where there is no room for all of it.
pub fn shortened(text: &str, bytes_max: usize) -> String {
    match text.len() <= bytes_max {
        true => text.to_owned(),
        false => format!("{}…", prefix(text, bytes_max)),
    }
}

/// The language of a text, as ISO 639-3 has it, where its start leaves no doubt.
pub fn language(text: &str) -> Option<String> {
    let start = prefix(text, limits::LANGUAGE_BYTES_MAX);
    let found = whatlang::detect(start).filter(whatlang::Info::is_reliable)?;
    Some(found.lang().code().to_owned())
}

/// What [`language`] can answer.
pub fn languages() -> impl Iterator<Item = &'static str> {
    whatlang::Lang::all().iter().map(|language| language.code())
}

/// Whether `other` has a word that `text` has not.
pub fn has_new_words(text: &str, other: &str) -> bool {
    fn words(text: &str) -> impl Iterator<Item = &str> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
    }
    let known: std::collections::HashSet<&str> = words(text).collect();
    words(other).any(|word| !known.contains(word))
}

/// What is said of a text of which no more than the first `bytes` are indexed.
pub fn cut(bytes: usize) -> String {
    match bytes {
        0 => "none of its text is indexed, because what comes before it is as much as is read"
            .to_owned(),
        _ => format!("only the first {bytes} bytes of its text are indexed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_lf() {
        assert_eq!(normalise("\u{feff}a\r\nb\rc\nd\r").0, "a\nb\nc\nd\n");
    }

    #[test]
    fn words_with_a_nul_between_them_stay_two() {
        assert_eq!(normalise("alpha\0beta\0").0, "alpha beta ");
        assert_eq!(normalise("a\0l\0p\0h\0a\0").0, "alpha");
    }

    #[test]
    fn a_prefix_ends_between_characters() {
        assert_eq!(prefix("aé", 2), "a");
        assert_eq!(prefix("aé", 3), "aé");
    }

    #[test]
    fn what_is_cut_is_said_plainly() {
        assert!(cut(0).starts_with("none of its text is indexed"));
        assert!(cut(7).contains("first 7 bytes"));
    }

    #[test]
    fn new_words_are_seen() {
        assert!(has_new_words("good day", "good night"));
        assert!(!has_new_words("Good, day", "day \n Good"));
    }
}

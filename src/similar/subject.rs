//! What a subject is about, whoever answers or forwards it in whatever language.
//!
//! Programs put a mark before it: a short word and a colon, `Re:`, `AW:`, `回复：`,
//! `RE[2]:`. Any word of up to four letters is taken for one; no list of languages
//! would be whole. Lists put their names in brackets there, which stay.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Without marks, in lower case; empty where nothing is left that says anything.
    pub base: String,
    /// A mark says that it answers or forwards something.
    pub is_answer: bool,
}

const MARK_LETTERS_MAX: usize = 4;
const TAG_CHARS_MAX: usize = 60;
/// Longer subjects are cut.
const CHARS_MAX: usize = 1000;

impl Subject {
    pub fn of(text: &str) -> Self {
        let text: String = text.nfkc().take(CHARS_MAX).collect::<String>().to_lowercase();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (mut rest, mut tags, mut is_answer) = (text.as_str(), Vec::new(), false);
        loop {
            rest = rest.trim_start();
            if let Some(after) = after_mark(rest) {
                (rest, is_answer) = (after, true);
            } else if let Some((tag, after)) = tag(rest) {
                if !tags.contains(&tag) {
                    tags.push(tag);
                }
                rest = after;
            } else {
                break;
            }
        }
        tags.push(rest.trim());
        let base = tags.join(" ");
        let says_something = rest.contains(char::is_alphanumeric);
        Self { base: if says_something { base } else { String::new() }, is_answer }
    }

    /// Under what messages of this subject are found.
    pub fn name(&self) -> Option<String> {
        (!self.base.is_empty()).then(|| format!("subject {}", self.base))
    }
}

/// What follows a mark: letters, perhaps how many times, a colon.
fn after_mark(text: &str) -> Option<&str> {
    let after = text.trim_start_matches(char::is_alphabetic);
    let letters = text[..text.len() - after.len()].chars().count();
    if !(1..=MARK_LETTERS_MAX).contains(&letters) {
        return None;
    }
    let times = |open: &str, close: &str| {
        let digits = after.strip_prefix(open)?;
        let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        (rest.len() < digits.len()).then(|| rest.strip_prefix(close)).flatten()
    };
    let counted = times("[", "]").or_else(|| times("(", ")")).or_else(|| times("^", ""));
    counted.unwrap_or(after).trim_start().strip_prefix(':')
}

/// The name of a list, in brackets, and what follows it.
fn tag(text: &str) -> Option<(&str, &str)> {
    let end = text.strip_prefix('[')?.find(']')? + 2;
    let (tag, after) = text.split_at(end);
    let is_tag = tag.chars().count() <= TAG_CHARS_MAX && !after.trim().is_empty();
    is_tag.then_some((tag, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_the_same_however_it_is_answered() {
        for text in [
            "Re: Budget 2026",
            "RE: AW: SV: budget  2026",
            "Fwd: Budget\r\n 2026",
            "回复：Budget 2026",
            "답장: Budget 2026",
            "Antw: WG: Budget 2026",
            "RE[2]: Budget 2026",
            "Re(3): Re^2: Budget 2026",
            "RE : Budget 2026",
            "ΑΠ: Budget 2026",
            "Răsp: Ｂudget 2026",
        ] {
            let subject = Subject::of(text);
            assert_eq!(subject, Subject { base: "budget 2026".into(), is_answer: true }, "{text}");
        }
        assert!(!Subject::of("Budget 2026").is_answer);
    }

    #[test]
    fn the_name_of_a_list_stays_and_stands_for_no_answer() {
        let of = |text| Subject::of(text).base;
        assert_eq!(of("[USRP-users] Re: FFT"), "[usrp-users] fft");
        assert_eq!(of("Re: [USRP-users] FFT"), "[usrp-users] fft");
        assert_eq!(of("Re: [USRP-users] Re: [USRP-users] FFT"), "[usrp-users] fft");
        assert!(!Subject::of("[USRP-users] FFT").is_answer);
        assert_ne!(of("[JIRA-1] Open"), of("[JIRA-2] Open"));
        assert_eq!(of("[only a tag]"), "[only a tag]");
    }

    #[test]
    fn longer_words_and_what_only_looks_alike_are_no_marks() {
        let of = |text| Subject::of(text).base;
        assert_eq!(of("Agenda: board"), "agenda: board");
        assert_eq!(of("Re: Agenda: board"), "agenda: board");
        assert_eq!(of("10:30 with Ann"), "10:30 with ann");
        assert_eq!(of("Re(x): a"), "re(x): a");
    }

    #[test]
    fn a_subject_that_says_nothing_has_no_name() {
        for text in ["", "Re:", "Fwd: Re: --", "[ ] ...", ":"] {
            assert_eq!(Subject::of(text).name(), None, "{text}");
        }
        assert_eq!(Subject::of(&"a".repeat(5000)).base.len(), 1000);
    }
}

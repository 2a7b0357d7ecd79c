//! Single words before and behind base64: each letter of them can be base64, and where
//! they stand tells that they are none of it.

use std::ops::Range;

/// Where a body's first and last lines are single words beside base64.
#[derive(Debug)]
pub struct Labels {
    /// The body without them.
    code: Range<usize>,
}

/// Lines of words on either side.
const LINES_MAX: usize = 3;
/// Writers of base64 break lines at 60, 64, 72 or 76 characters: behind a line that is
/// shorter nothing goes on.
const FULL_LINE_MIN: usize = 56;
/// No word of a label is so long.
const WORD_MAX: usize = 20;
/// Words that stand behind a full line too, where base64 could go on. Random letters
/// make one of these less often than disks err.
const MARKS: [&str; 6] =
    ["confidential", "external", "internal", "restricted", "classified", "proprietary"];

struct Line<'a> {
    text: &'a [u8],
    range: Range<usize>,
    /// An empty line is before it.
    is_set_off: bool,
}

impl Labels {
    pub fn of(body: &[u8]) -> Self {
        let mut code = 0..body.len();
        let first: Vec<Line<'_>> = lines(body).take(LINES_MAX + 1).collect();
        // What is all words says nothing of where base64 is.
        let Some(start) = first.iter().find(|line| !is_word(line.text)) else {
            return Self { code };
        };
        if is_word(first[0].text) {
            code.start = start.range.start;
        }
        let mut last = last_lines(&body[code.clone()], LINES_MAX + 2);
        last.reverse();
        // As many words as there are, behind base64 that has ended.
        for at in 1..last.len() {
            let (before, word) = (&last[at - 1], &last[at]);
            let full = at.checked_sub(2).map_or(FULL_LINE_MIN, |at| last[at].text.len());
            let is_ended = word.is_set_off
                || before.text.ends_with(b"=")
                || before.text.len() < full.max(FULL_LINE_MIN)
                || MARKS.iter().any(|mark| word.text.eq_ignore_ascii_case(mark.as_bytes()));
            if is_ended && last[at..].iter().all(|line| is_word(line.text)) {
                code.end = code.start + word.range.start;
                break;
            }
        }
        Self { code }
    }

    pub fn is_none(&self, body: &[u8]) -> bool {
        self.code == (0..body.len())
    }

    /// Whether what begins at `at` is none of the base64.
    pub fn have(&self, at: usize) -> bool {
        !self.code.contains(&at)
    }
}

/// Letters as a word has them: a piece of base64 of that form is rare, and of one that
/// also stands alone before or behind the rest hardly one is known.
fn is_word(text: &[u8]) -> bool {
    let rest = text.get(1..).unwrap_or_default();
    let is_cased = rest.iter().all(u8::is_ascii_lowercase) && text.is_ascii()
        || text.iter().all(u8::is_ascii_uppercase);
    text.len() <= WORD_MAX && text.first().is_some_and(u8::is_ascii_alphabetic) && is_cased
}

/// The lines that are not empty.
fn lines(body: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let (mut at, mut is_set_off) = (0, false);
    body.split_inclusive(|byte| *byte == b'\n').filter_map(move |line| {
        let range = at..at + line.len();
        at = range.end;
        let text = line.trim_ascii();
        let is_empty = text.is_empty();
        let was_set_off = std::mem::replace(&mut is_set_off, is_empty);
        (!is_empty).then_some(Line { text, range, is_set_off: was_set_off })
    })
}

/// The last lines that are not empty, the last first.
fn last_lines(body: &[u8], count: usize) -> Vec<Line<'_>> {
    let mut found: Vec<Line<'_>> = Vec::new();
    let mut end = body.len();
    while end > 0 && found.len() <= count {
        let start = body[..end - 1].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let text = body[start..end].trim_ascii();
        match text.is_empty() {
            true => {
                if let Some(last) = found.last_mut() {
                    last.is_set_off = true;
                }
            }
            false if found.len() == count => break,
            false => found.push(Line { text, range: start..end, is_set_off: false }),
        }
        end = start;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> &str {
        &body[Labels::of(body.as_bytes()).code]
    }

    #[test]
    fn words_at_either_end_are_labels() {
        let line = "QUJDREVGR0hJ".repeat(5);
        for (before, behind) in [
            ("CAUTION\n", ""),
            ("CAUTION\n\nlist\n\n", ""),
            ("", "\nlist\n"),
            ("", "EXTERNAL\nConfidential\n"),
            ("list\n", "\nlist"),
        ] {
            let body = format!("{before}{line}\n{behind}");
            assert_eq!(code(&body).trim_end(), line, "{body}");
        }
    }

    #[test]
    fn base64_has_no_labels() {
        let line = "QUJDREVGR0hJ".repeat(5);
        for body in [
            "".into(),
            "list".into(),
            "ABCD\nABCD\nABCD".into(),
            format!("{line}\nABCD\n"),
            format!("{line}\n{line}\nlist"),
            format!("{line}\n{line}"),
        ] {
            assert_eq!(code(&body), body);
        }
        let random = format!("{line}\n{line}\nABCD\nheron\n");
        assert!(code(&random).ends_with("ABCD\n"));
    }
}

//! Text in a base64 body that is no base64: gateways and list servers put it there
//! without a part of its own, and some mailers call base64 what is none.

use super::labels::Labels;
use crate::mail::decode::is_base64;

/// A body in which text stands that is no base64.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Apart {
    /// The lines of base64.
    pub coded: Vec<u8>,
    /// The other lines.
    pub words: Vec<u8>,
    /// Some of these stand where base64 should go on.
    pub is_damaged: bool,
}

/// Takes both apart; none where all of `body` can be base64.
pub fn apart(body: &[u8]) -> Option<Apart> {
    let is_text = |byte: &u8| !(is_base64(*byte) || byte.is_ascii_whitespace());
    let has_blanks = |line: &[u8]| line.trim_ascii().iter().any(u8::is_ascii_whitespace);
    // Base64 may be of lines of any length, where nothing else is there.
    let is_mixed = body.iter().any(is_text) || body.split(|byte| *byte == b'\n').any(has_blanks);
    let labels = Labels::of(body);
    let start = || Lines { is_mixed, ..Lines::default() };
    let mut lines = start();
    let is_apart = !labels.is_none(body)
        || body.split_inclusive(|byte| *byte == b'\n').any(|line| !lines.is_coded(line));
    if !is_apart {
        return None;
    }
    let (mut lines, mut found) = (start(), Apart::default());
    let (mut has_broken, mut at) = (false, 0);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let is_within = lines.end == End::None && lines.full.is_some();
        let is_label = !line.trim_ascii().is_empty() && labels.have(at);
        at += line.len();
        if !is_label && lines.is_coded(line) {
            found.is_damaged |= has_broken && !line.trim_ascii().is_empty();
            found.coded.extend_from_slice(line);
        } else {
            has_broken |= is_within && !is_label;
            found.words.extend_from_slice(line);
        }
    }
    Some(found)
}

/// What is known of the lines so far.
#[derive(Default)]
struct Lines {
    /// The length of the first line of base64.
    full: Option<usize>,
    end: End,
    /// Some line of the body is no base64.
    is_mixed: bool,
    /// Text came behind base64 that has ended: a word there is most likely one.
    is_beyond: bool,
}

/// How the base64 before a line has ended, if it has: by a line that is shorter than
/// the first or by an empty one, or by its padding.
#[derive(Clone, Copy, Default, PartialEq)]
enum End {
    #[default]
    None,
    Natural,
    Padding,
}

impl Lines {
    /// Whether the next line can be base64; an empty one goes with either.
    fn is_coded(&mut self, line: &[u8]) -> bool {
        let text = line.trim_ascii();
        if text.is_empty() {
            if self.full.is_some() && self.end == End::None {
                self.end = End::Natural;
            }
            return true;
        }
        let is_clean = text.iter().all(|byte| is_base64(*byte));
        let is_coded = match self.end {
            _ if !is_clean => false,
            End::None if self.full.is_none() => !self.is_mixed || is_start(text),
            _ if self.is_beyond => is_start(text),
            End::None => true,
            End::Natural if !self.is_mixed => true,
            End::Natural | End::Padding => {
                text.len().is_multiple_of(4) || text.ends_with(b"=") || text.len() >= LONG
            }
        };
        self.is_beyond |= !is_coded && self.end != End::None;
        if is_coded {
            let full = *self.full.get_or_insert(text.len());
            self.end = match text.last() {
                Some(b'=') => End::Padding,
                _ if text.len() < full => End::Natural,
                _ => End::None,
            };
        }
        is_coded
    }
}

/// Whether base64 can begin with a line, and no single word is that.
fn is_start(line: &[u8]) -> bool {
    const CHARACTERS_MIN: usize = 16;
    let is_group = line.len() >= CHARACTERS_MIN || line.ends_with(b"=");
    line.len().is_multiple_of(4) && is_group || line.len() >= LONG
}

/// No word is so long.
const LONG: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, coded: &str, words: &str) -> bool {
        let found = apart(body.as_bytes()).unwrap();
        let text = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).unwrap();
            text.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
        };
        assert_eq!((text(&found.coded).as_str(), text(&found.words).as_str()), (coded, words));
        found.is_damaged
    }

    #[test]
    fn text_behind_base64_is_found() {
        for (coded, words) in [
            ("QUJDREVGR0g=", "____\nlist heron"),
            ("QUJDREVGR0g=", "____\nlist\nheron"),
            ("QUJDREVGR0hJQUJD\nQUJD", "the heron list"),
            ("QUJDREVGR0hJQUJD\n", "-- \nheron"),
            ("QUI=", "heron"),
            ("QUI=\n", "heron!"),
            ("QUJDREVGR0hJQUJD", "Confidential heron"),
        ] {
            assert!(!check(&format!("{coded}\n{words}\n"), coded.trim_end(), words));
        }
    }

    #[test]
    fn text_before_base64_is_found() {
        let banner = "[EXTERNAL] heron\nCAUTION";
        for coded in ["QUJDREVGR0g=", "QUJDREVGR0hJQUJDREVGR0hJ\nQUI2"] {
            assert!(!check(&format!("{banner}\n\n{coded}\n"), coded, banner));
            assert!(!check(&format!("{banner}\n{coded}"), coded, banner));
        }
        let words = format!("{banner}\n-- \nend");
        assert!(!check(&format!("\n{banner}\n\nQUI=\n-- \nend"), "QUI=", &words));
    }

    #[test]
    fn one_word_beside_base64_is_found() {
        let long = "QUJDREVGR0hJ".repeat(6);
        let codes = [format!("{long}\n{long}\nQUI="), format!("{long}\n{long}\nQUI2"), long];
        for word in ["CAUTION", "Warning", "CONFIDENTIAL", "EXTERNAL", "Internal", "list"] {
            for code in &codes {
                check(&format!("{word}\n\n{code}\n"), code, word);
                check(&format!("{word}\n{code}"), code, word);
                check(&format!("{code}\n\n{word}\n"), code, word);
            }
            check(&format!("{}\n{word}\n", codes[0]), &codes[0], word);
            check(&format!("QUI2\n{word}\n"), "QUI2", word);
        }
        for code in &codes {
            check(&format!("{code}\nCONFIDENTIAL\n"), code, "CONFIDENTIAL");
        }
    }

    #[test]
    fn text_that_is_called_base64_is_words() {
        let text = "Dear Bob,\nplease shred it all\nAnn";
        assert!(!check(text, "", text));
    }

    #[test]
    fn base64_that_is_broken_is_told() {
        let lines = ["QUJDREVGR0hJQUJD", "!!damaged!!==", "QUJDREVGR0hJQUJD"];
        assert!(check(&lines.join("\n"), "QUJDREVGR0hJQUJD\nQUJDREVGR0hJQUJD", lines[1]));
    }

    #[test]
    fn base64_is_base64() {
        let odd = ["QUJDREVGR0hJQUJDR".repeat(3), "QUJDR".into(), "EVGR0hJQUJDREV".into()];
        assert_eq!(apart(odd.join("\n").as_bytes()), None);
        assert!(!check(
            &format!("{}\nQUJD\nthe heron list\n", odd[0]),
            &format!("{}\nQUJD", odd[0]),
            "the heron list"
        ));
        for body in [
            "",
            "\n\n",
            "QUJD",
            "QUJDREVGR0hJQUJD\nQUI2\n\n",
            "QUI=\nQUI2\n",
            "QUJDREVGR0hJQUJD\nQU2",
        ] {
            assert_eq!(apart(body.as_bytes()), None, "{body:?}");
        }
    }
}

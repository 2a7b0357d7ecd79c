//! Texts that say nearly the same: shingles of five words, a MinHash of them in bands
//! by which candidates are found (Broder 1997), and the share of shingles that two
//! texts have in common (Jaccard), which decides.
//!
//! The share is exact: shingles are compared word by word, never by what was hashed.
//! Nothing here knows a language: where a script has no blanks between words, each
//! character is one.

use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::base::limits::NEAR_TEXT_BYTES_MAX;

/// Words of one shingle.
const SHINGLE: usize = 5;
/// Bands, and hashes in each. Two texts with four fifths of their shingles in common
/// share a band but once in 20 million times, with seven tenths once in 6500.
pub const BANDS: usize = 32;
const ROWS: usize = 4;

/// The shingles of a text, to compare others with. A text of fewer words than one has
/// is one shingle; a text without words has none.
pub struct Shingles {
    numbers: HashMap<String, u32>,
    all: HashSet<Shingle>,
}

/// Numbers of words.
type Shingle = [u32; SHINGLE];
/// Stands where a shingle has no word.
const NONE: u32 = u32::MAX;

impl Shingles {
    pub fn of(text: &str) -> Self {
        let mut numbers = HashMap::new();
        let mut all = HashSet::new();
        each_shingle(
            text,
            |word| number(&mut numbers, 0, word),
            |shingle| {
                all.insert(shingle);
            },
        );
        Self { numbers, all }
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many there are of both texts, and how many of either: their quotient is the
    /// share that they have in common.
    pub fn common(&self, text: &str) -> (usize, usize) {
        let mut others: HashMap<String, u32> = HashMap::new();
        let mut seen = HashSet::new();
        let known = self.numbers.len() as u32;
        let numbered = |word: &str| match self.numbers.get(word) {
            Some(number) => *number,
            None => number(&mut others, known, word),
        };
        each_shingle(text, numbered, |shingle| {
            seen.insert(shingle);
        });
        let both = seen.iter().filter(|shingle| self.all.contains(*shingle)).count();
        (both, self.all.len() + seen.len() - both)
    }
}

fn number(numbers: &mut HashMap<String, u32>, first: u32, word: &str) -> u32 {
    if let Some(number) = numbers.get(word) {
        return *number;
    }
    let next = first + numbers.len() as u32;
    numbers.insert(word.to_owned(), next);
    next
}

fn each_shingle(text: &str, mut number: impl FnMut(&str) -> u32, mut found: impl FnMut(Shingle)) {
    let mut last = [NONE; SHINGLE];
    let mut words = 0;
    each_word(text, |word| {
        last.rotate_left(1);
        last[SHINGLE - 1] = number(word);
        words += 1;
        if words >= SHINGLE {
            found(last);
        }
    });
    if (1..SHINGLE).contains(&words) {
        found(last);
    }
}

/// The bands of a text: texts that are nearly the same have at least one in common.
/// None where there are no words, and of a text that is too long to be compared.
pub fn bands(text: &str) -> Vec<u64> {
    if text.len() > NEAR_TEXT_BYTES_MAX {
        return Vec::new();
    }
    let mut least = [u64::MAX; BANDS * ROWS];
    let mut is_any = false;
    let mut seen = HashSet::new();
    each_hashed(text, |shingle| {
        is_any = true;
        if !seen.insert(shingle) {
            return;
        }
        // Each of the hash functions is another step from the same start.
        let mut state = shingle;
        for least in &mut least {
            state = state.wrapping_add(STEP);
            *least = (*least).min(mixed(state));
        }
    });
    if !is_any {
        return Vec::new();
    }
    let bands = least.chunks(ROWS).zip(0u64..);
    bands.map(|(rows, band)| rows.iter().fold(mixed(band), |sum, row| mixed(sum ^ row))).collect()
}

fn each_hashed(text: &str, mut found: impl FnMut(u64)) {
    let mut last = [0; SHINGLE];
    let mut words = 0;
    each_word(text, |word| {
        last.rotate_left(1);
        last[SHINGLE - 1] = word.chars().fold(SEED, |sum, c| mixed(sum ^ u64::from(c)));
        words += 1;
        if words >= SHINGLE {
            found(last.iter().fold(SEED, |sum, word| mixed(sum ^ word)));
        }
    });
    if (1..SHINGLE).contains(&words) {
        let whole = &last[SHINGLE - words..];
        found(whole.iter().fold(SEED, |sum, word| mixed(sum ^ word)));
    }
}

const SEED: u64 = 0x6d75_6e69_6d65_6e74;
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finisher of SplitMix64: every bit of the input changes half of those of the
/// output. What comes of it is stored, so it must stay the same everywhere.
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Words in lower case: runs of letters and digits, composed.
fn each_word(text: &str, mut found: impl FnMut(&str)) {
    let mut word = String::new();
    let mut end = |word: &mut String| {
        if !word.is_empty() {
            found(word);
            word.clear();
        }
    };
    for piece in text.split_inclusive(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()) {
        if piece.is_ascii() {
            word.extend(piece.chars().filter(char::is_ascii_alphanumeric));
            word.make_ascii_lowercase();
            end(&mut word);
            continue;
        }
        for c in piece.nfkc().flat_map(char::to_lowercase) {
            if is_word_alone(c) {
                end(&mut word);
                word.push(c);
                end(&mut word);
            } else if c.is_alphanumeric() || (is_combining_mark(c) && !word.is_empty()) {
                word.push(c);
            } else if !is_invisible(c) {
                end(&mut word);
            }
        }
        end(&mut word);
    }
}

/// Scripts that are written without blanks between words: Thai, Lao, Burmese, Khmer,
/// kana, Han.
fn is_word_alone(c: char) -> bool {
    matches!(
        c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
            | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3fffd}'
    ) && c.is_alphanumeric()
}

/// What hides in a word without a trace.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(a: &str, b: &str) -> (usize, usize) {
        let common = Shingles::of(a).common(b);
        assert_eq!(common, Shingles::of(b).common(a));
        common
    }

    fn shares_a_band(a: &str, b: &str) -> bool {
        bands(a).iter().zip(bands(b)).any(|(a, b)| *a == b)
    }

    fn text(from: usize, to: usize) -> String {
        (from..to).map(|number| format!("word{number} ")).collect()
    }

    #[test]
    fn the_same_words_are_the_same_text() {
        for (a, b) in [
            ("The heron, again:\r\n stands there.", "the HERON again stands\nthere"),
            ("un café à midi, donc: oui", "Un cafe\u{301} a\u{300} midi donc oui"),
            (
                "an in\u{ad}visible hy\u{200b}phen in these words",
                "an invisible hyphen in these words",
            ),
        ] {
            assert_eq!(bands(a), bands(b));
            let (both, either) = common(a, b);
            assert!(both > 0 && both == either, "{a}");
        }
        assert_eq!(common("one", "one"), (1, 1));
        assert_eq!(common("one", "two"), (0, 2));
        assert_eq!(common("one two", "one two three four five"), (0, 2));
        assert_eq!(common("", "-- \n"), (0, 0));
        assert!(bands(" -- ").is_empty() && Shingles::of(" -- ").is_empty());
        assert!(bands(&"word ".repeat(NEAR_TEXT_BYTES_MAX / 5 + 1)).is_empty());
    }

    #[test]
    fn a_text_with_a_change_is_near_and_another_is_not() {
        let first = text(0, 200);
        let changed = first.replace("word100 ", "other ");
        assert_eq!(common(&first, &changed), (191, 201));
        assert!(shares_a_band(&first, &changed));
        assert_eq!(common(&first, &text(200, 400)), (0, 392));
        assert!(!shares_a_band(&first, &text(200, 400)));
        // What is said twice counts once.
        assert_eq!(common(&first, &first.repeat(3)), (196, 200));
    }

    #[test]
    fn scripts_without_blanks_have_words() {
        let first = "这只苍鹭站在芦苇丛中一动不动地等待着鱼儿游过来";
        assert_eq!(common(first, &first.replace('鱼', "蛙")), (14, 24));
        assert!(shares_a_band(first, &format!("{first}。")));
    }

    /// They are in indexes: another rule is another version of those.
    #[test]
    fn bands_stay_the_same() {
        let bands = bands("The heron stands among the reeds and waits; 这只苍鹭");
        assert_eq!(bands.len(), BANDS);
        let sum = bands.iter().fold(0u64, |sum, band| sum.rotate_left(5) ^ band);
        assert_eq!(sum, GOLDEN, "{sum:#x}");
    }

    /// By another program that does the same.
    const GOLDEN: u64 = 0x99c5_7ec2_0bf7_aa99;
}

//! Text cut into terms: the one rule for what is indexed, what is searched and
//! what is highlighted.
//!
//! - A term is a run of letters, digits and their combining marks; everything
//!   else only separates. So `jeff.skilling@enron.com` is four terms in a row,
//!   and any part of it, or all of it, is found as a phrase. There are no stop
//!   words, and no term is too long: beyond [`TERM_CHARS_MAX`] a run goes on as
//!   the next term, in queries as in texts.
//! - In scripts that do not put blanks between words (Chinese, Japanese, Thai,
//!   Lao, Khmer, Burmese, and Korean, whose endings cling to their words) every
//!   character is a term, so that any stretch of such text is found as a
//!   phrase, without a dictionary. Distances there count characters.
//! - Terms are compared after NFKC and full Unicode case folding, and without the
//!   accents of Latin and Greek letters, which writers put or omit: `cafe` finds
//!   `café`, and the other way round. Letters that only look like accented ones stay
//!   (Cyrillic й), as do the vowel signs of Indic scripts. The four Turkish letters i
//!   are one. Hebrew points and Arabic vowel signs are left out, as are soft hyphens
//!   and other invisible characters.
//!
//! Any change here is a new [`VERSION`] and a new `schema::VERSION`.

use std::collections::VecDeque;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Of this rule, for the record of a search.
pub const VERSION: u32 = 3;

/// A run longer than this goes on as the next term; tantivy drops terms beyond
/// 65,530 bytes, and NFKC makes at most 33 bytes of a character.
const TERM_CHARS_MAX: usize = 1000;

/// Stands between documents that share a field. A noncharacter, which texts
/// are cleaned of.
pub(super) const BOUNDARY: char = '\u{FDD0}';
/// In a pattern, `*` and `?`.
pub(super) const ANY_CHARS: char = '\u{FDD1}';
pub(super) const ONE_CHAR: char = '\u{FDD2}';
/// Before the first and behind the last word of a document's text; terms of their own.
pub(super) const FIRST: char = '\u{FDD3}';
pub(super) const LAST: char = '\u{FDD4}';
/// In a pattern, `=`.
pub(super) const ONE_DIGIT: char = '\u{FDD5}';

/// Positions skipped between documents: more than any phrase or NEAR reaches.
pub(super) const BOUNDARY_POSITIONS: u32 = 10_000;
const _: () = assert!(crate::base::limits::QUERY_NEAR_MAX < BOUNDARY_POSITIONS);

/// A text without the characters that mean something to this room.
pub(super) fn cleaned(text: &str) -> std::borrow::Cow<'_, str> {
    let is_ours = |c| ('\u{FDD0}'..='\u{FDD5}').contains(&c);
    match text.contains(is_ours) {
        // As many bytes as before: places in the one are places in the other.
        true => text.replace(is_ours, "   ").into(),
        false => text.into(),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Separator,
    Boundary,
    /// Nothing, wherever it stands.
    Invisible,
    /// Goes on with the term before it, and begins none.
    Mark,
    Letter,
    /// A term of its own.
    Single,
    /// Belongs to the single character before it.
    SingleMark,
}

fn class(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Class::Letter } else { Class::Separator };
    }
    match c {
        BOUNDARY => Class::Boundary,
        ANY_CHARS | ONE_CHAR | ONE_DIGIT => Class::Letter,
        FIRST | LAST => Class::Single,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{640}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}' => Class::Invisible,
        '\u{3099}' | '\u{309A}' | '\u{FF9E}' | '\u{FF9F}'
        | '\u{1160}'..='\u{11FF}' | '\u{D7B0}'..='\u{D7FF}' => Class::SingleMark,
        // Thai and Lao; Burmese; Hangul letters; Khmer; Khmer and Tai signs.
        '\u{E00}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1100}'..='\u{115F}'
        | '\u{1780}'..='\u{17FF}' | '\u{1950}'..='\u{19FF}' | '\u{AA60}'..='\u{AA7F}'
        // Ideographs, kana, bopomofo, Hangul, and what goes with them.
        | '\u{2E80}'..='\u{2FDF}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}'
        | '\u{3031}'..='\u{3035}' | '\u{303B}' | '\u{3041}'..='\u{318F}' | '\u{31A0}'..='\u{31BF}'
        | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{A960}'..='\u{A97F}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}'
        | '\u{FF66}'..='\u{FF9D}' | '\u{FFA0}'..='\u{FFDC}' | '\u{1B000}'..='\u{1B16F}'
        | '\u{20000}'..='\u{3FFFD}'
            if c.is_alphanumeric() || is_combining_mark(c) =>
        {
            Class::Single
        }
        _ if is_combining_mark(c) => Class::Mark,
        _ if c.is_alphanumeric() => Class::Letter,
        _ => Class::Separator,
    }
}

/// A term and where it came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Token {
    pub text: String,
    pub position: u32,
    /// Bytes of the text.
    pub place: Range<usize>,
}

/// Cuts a text; each call of `next` fills `token`.
pub(super) struct Cutter<'a> {
    text: &'a str,
    at: usize,
    position: u32,
    pub token: Token,
    /// Terms that one run gave beyond its first.
    more: VecDeque<(String, Range<usize>)>,
}

impl<'a> Cutter<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, position: 0, token: Token::default(), more: VecDeque::new() }
    }

    /// False at the end.
    pub fn next(&mut self) -> bool {
        loop {
            if let Some((text, place)) = self.more.pop_front() {
                self.token.text = text;
                self.found(place);
                return true;
            }
            let Some(c) = self.text[self.at..].chars().next() else { return false };
            match class(c) {
                Class::Letter => {
                    if self.run() {
                        return true;
                    }
                }
                Class::Single | Class::SingleMark => self.single(c),
                Class::Boundary => {
                    self.position = self.position.saturating_add(BOUNDARY_POSITIONS);
                    self.at += c.len_utf8();
                }
                Class::Separator | Class::Invisible | Class::Mark => self.at += c.len_utf8(),
            }
        }
    }

    fn found(&mut self, place: Range<usize>) {
        self.token.place = place;
        self.token.position = self.position;
        self.position = self.position.saturating_add(1);
    }

    /// A run of letters. True where the token is filled; else `more` may be.
    fn run(&mut self) -> bool {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start;
        while bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
            end += 1;
        }
        let is_ascii = bytes.get(end).is_none_or(u8::is_ascii);
        if is_ascii && end - start <= TERM_CHARS_MAX {
            self.at = end;
            self.token.text.clear();
            self.token.text.push_str(&self.text[start..end]);
            self.token.text.make_ascii_lowercase();
            self.found(start..end);
            return true;
        }
        let mut raw = String::new();
        let mut end = start;
        for c in self.text[start..].chars() {
            match class(c) {
                Class::Letter | Class::Mark => raw.push(c),
                Class::Invisible => {}
                _ => break,
            }
            end += c.len_utf8();
        }
        self.at = end;
        self.cut(&folded(&raw), start..end);
        false
    }

    fn cut(&mut self, folded: &str, place: Range<usize>) {
        let mut rest = folded;
        while !rest.is_empty() {
            let end = rest.char_indices().nth(TERM_CHARS_MAX).map_or(rest.len(), |(at, _)| at);
            let (term, after) = rest.split_at(end);
            self.more.push_back((term.to_owned(), place.clone()));
            rest = after;
        }
    }

    /// A character that is a term, with the marks that change it.
    fn single(&mut self, first: char) {
        let start = self.at;
        let mut end = start + first.len_utf8();
        while let Some(c) = self.text[end..].chars().next()
            && matches!(class(c), Class::SingleMark | Class::Invisible)
        {
            end += c.len_utf8();
        }
        self.at = end;
        let raw = self.text[start..end].chars().filter(|c| class(*c) != Class::Invisible);
        for c in folded(&raw.collect::<String>()).chars() {
            self.more.push_back((c.into(), start..end));
        }
    }
}

/// What a run is compared as.
pub(super) fn folded(raw: &str) -> String {
    let mut folded = String::with_capacity(raw.len());
    for c in raw.nfkc().flat_map(fold).nfkc() {
        let is_left_out = matches!(c,
            '\u{591}'..='\u{5C7}' | '\u{64B}'..='\u{652}' | '\u{656}'..='\u{65F}' | '\u{670}');
        if !is_left_out {
            push_plain(c, &mut folded);
        }
    }
    folded
}

/// Adds a character without its accents.
fn push_plain(c: char, to: &mut String) {
    if let Some(plain) = plain_letter(c) {
        to.push_str(plain);
        return;
    }
    if is_accent(c) {
        // It has no letter that holds both.
        if !to.chars().next_back().is_some_and(|base| is_accent_omitted(base, c)) {
            to.push(c);
        }
        return;
    }
    let mut parts = std::iter::once(c).nfd();
    let base = parts.next().unwrap_or(c);
    match parts.all(|accent| is_accent(accent) && is_accent_omitted(base, accent)) {
        true => to.push(base),
        false => to.push(c),
    }
}

/// Letters of Latin that Unicode does not take apart.
fn plain_letter(c: char) -> Option<&'static str> {
    Some(match c {
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'þ' => "th",
        'ħ' => "h",
        _ => return None,
    })
}

fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

/// In Cyrillic only the stress, and what makes ё of е.
fn is_accent_omitted(base: char, accent: char) -> bool {
    match base {
        '\u{400}'..='\u{52F}' => {
            matches!(accent, '\u{300}' | '\u{301}') || (base == 'е' && accent == '\u{308}')
        }
        _ => {
            base.is_ascii_alphanumeric() || matches!(base, 'À'..='\u{24F}' | '\u{370}'..='\u{3FF}')
        }
    }
}

/// Unicode's full case folding (C and F of CaseFolding.txt), by way of capitals:
/// ß, ẞ and SS become ss, final sigma becomes sigma. Both İ and ı become i.
fn fold(c: char) -> impl Iterator<Item = char> {
    let c = if matches!(c, 'İ' | 'ı') { 'i' } else { c };
    c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// The rule as tantivy asks for it.
#[derive(Clone, Default)]
pub(super) struct Terms;

pub(super) struct TermStream<'a> {
    cutter: Cutter<'a>,
    token: tantivy::tokenizer::Token,
}

impl tantivy::tokenizer::Tokenizer for Terms {
    type TokenStream<'a> = TermStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> TermStream<'a> {
        TermStream { cutter: Cutter::new(text), token: tantivy::tokenizer::Token::default() }
    }
}

impl tantivy::tokenizer::TokenStream for TermStream<'_> {
    fn advance(&mut self) -> bool {
        if !self.cutter.next() {
            return false;
        }
        let found = &mut self.cutter.token;
        std::mem::swap(&mut self.token.text, &mut found.text);
        self.token.position = found.position as usize;
        self.token.offset_from = found.place.start;
        self.token.offset_to = found.place.end;
        true
    }

    fn token(&self) -> &tantivy::tokenizer::Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut tantivy::tokenizer::Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let mut cutter = Cutter::new(text);
        let mut terms = Vec::new();
        while cutter.next() {
            assert!(text.get(cutter.token.place.clone()).is_some());
            terms.push(cutter.token.text.clone());
        }
        terms
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(terms(text).join("|"), expected, "{text}");
    }

    #[test]
    fn symbols_separate() {
        check("Jeff.Skilling@Enron.COM", "jeff|skilling|enron|com");
        check("it's 1,234.50€ a_b/c-d", "it|s|1|234|50|a|b|c|d");
        check("", "");
        check("\u{301}\u{200b} --", "");
    }

    #[test]
    fn case_and_accents_are_folded() {
        check("STRASSE Straße STRAẞE", "strasse|strasse|strasse");
        check("ΟΔΟΣ οδος οδός ΐ", "οδοσ|οδοσ|οδοσ|ι");
        check("İstanbul ISPARTA ısparta i\u{307}z I\u{307}z", "istanbul|isparta|isparta|iz|iz");
        check("Résumé re\u{301}sume\u{301} resume", "resume|resume|resume");
        check(
            "Übung Łódź Ørsted cœur Æsir naïve x\u{301}",
            "ubung|lodz|orsted|coeur|aesir|naive|x",
        );
        check("Tiếng Việt", "tieng|viet");
        check("ﬁnal ＡＢＣ１２ m²", "final|abc12|m2");
        check("ДОГОВОР мо\u{301}й Ёлка", "договор|мой|елка");
        check("мой мои", "мой|мои");
    }

    #[test]
    fn marks_that_writers_omit_are_left_out() {
        check("שָׁלוֹם שלום", "שלום|שלום");
        check("مُحَمَّد محمد محـــمد", "محمد|محمد|محمد");
        check("أحمد احمد", "أحمد|احمد");
        check("con\u{ad}fiden\u{200b}tial", "confidential");
        check("हिन्दी", "हिन्दी");
    }

    #[test]
    fn characters_of_scripts_without_blanks_stand_alone() {
        check("東京tower開發", "東|京|tower|開|發");
        check("ｶﾞｲド か\u{3099}", "ガ|イ|ド|が");
        check("한국어 \u{1112}\u{1161}\u{11ab}", "한|국|어|한");
        check("ภาษาไทย", "ภ|า|ษ|า|ไ|ท|ย");
        check("น้ำ", "น|\u{e49}|\u{e4d}|\u{e32}");
        check("、。「」", "");
    }

    #[test]
    fn no_term_is_too_long() {
        let lengths = |text: &str| -> Vec<usize> { terms(text).iter().map(String::len).collect() };
        assert_eq!(lengths(&"a".repeat(2500)), [1000, 1000, 500]);
        assert_eq!(lengths(&"ж".repeat(1001)), [2000, 2]);
        assert!(terms(&"\u{FDFA}".repeat(3000)).iter().all(|term| term.len() < 65_000));
    }

    #[test]
    fn ends_of_a_text_are_terms() {
        check("\u{FDD3}a b\u{FDD4}", "\u{FDD3}|a|b|\u{FDD4}");
        assert_eq!(cleaned("a\u{FDD3}\u{FDD5}"), "a      ");
    }

    #[test]
    fn documents_are_far_apart() {
        let mut cutter = Cutter::new("a\u{FDD0}b");
        assert!(cutter.next());
        assert!(cutter.next());
        assert_eq!(cutter.token.position, BOUNDARY_POSITIONS + 1);
        assert_eq!(cleaned("a\u{FDD0}b"), "a   b");
    }
}

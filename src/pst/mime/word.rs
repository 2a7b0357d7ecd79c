//! Encoded words (RFC 2047) of a header block in one charset, so that what could
//! not be read of them is known, and a character that two words share is one.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::decode::{self, Fidelity};
use crate::mail::encoded_word::Word;
use crate::pst::model::Exception;

const PEOPLE: [&str; 6] = ["From", "Sender", "Reply-To", "To", "Cc", "Bcc"];

/// The fields with every encoded word in UTF-8.
pub fn in_utf8(fields: &str, exceptions: &mut Vec<Exception>) -> String {
    let mut out = String::with_capacity(fields.len());
    let mut open = None::<Run<'_>>;
    let mut field = Field { fields, start: 0, seen: 0 };
    let mut at = 0;
    while let Some(found) = fields[at..].find("=?").map(|found| at + found) {
        let word = Word::parse(&fields.as_bytes()[found..]);
        // In a list of people a word is no longer than a name.
        let is_list = |name: &str| PEOPLE.iter().any(|it| it.eq_ignore_ascii_case(name));
        let is_over = |word: &Word<'_>| word.text.iter().any(|byte| b"<>\"".contains(byte));
        let word = word.filter(|word| !(is_over(word) && is_list(field.name_at(found))));
        let Some(word) = word else {
            close(open.take(), &mut out, exceptions);
            out.push_str(&fields[at..found + 2]);
            at = found + 2;
            continue;
        };
        let between = &fields[at..found];
        let follows = between.trim().is_empty();
        // What is text already, against the rules, is in no other charset.
        let label = if word.text.is_ascii() { word.label } else { b"utf-8" };
        let (bytes, is_whole) = bytes(&word);
        match &mut open {
            Some(run) if follows && run.label.eq_ignore_ascii_case(label) => {
                run.words.push(bytes);
                run.is_whole &= is_whole;
            }
            _ => {
                close(open.take(), &mut out, exceptions);
                out.push_str(between);
                let field = field.name_at(found);
                open = Some(Run { field, label, words: vec![bytes], is_whole });
            }
        }
        at = found + word.len;
    }
    close(open, &mut out, exceptions);
    out.push_str(&fields[at..]);
    out
}

/// Words after each other in the same charset.
struct Run<'f> {
    field: &'f str,
    label: &'f [u8],
    words: Vec<Vec<u8>>,
    is_whole: bool,
}

fn bytes(word: &Word<'_>) -> (Vec<u8>, bool) {
    if word.is_base64 { decode::word_base64(&word.text) } else { decode::word_quoted(&word.text) }
}

fn close(run: Option<Run<'_>>, out: &mut String, exceptions: &mut Vec<Exception>) {
    let Some(run) = run else { return };
    // A language may follow the charset (RFC 2231 section 5).
    let label = run.label.split(|byte| *byte == b'*').next().unwrap_or_default();
    let charset = String::from_utf8_lossy(label).into_owned();
    let (text, fidelity) = text(&run.words, &charset);
    let part = run.field.to_owned();
    if !run.is_whole {
        exceptions.push(Exception::DamagedEncoding { part: part.clone() });
    }
    exceptions.extend(fidelity.of_text(&part, &charset));
    // One of nothing is written too: blanks beside it are none of the text.
    out.push_str("=?utf-8?B?");
    BASE64_STANDARD.encode_string(text, out);
    out.push_str("?=");
}

/// Words share characters in some mail, and each begins anew in other: what reads
/// without a fault is what was meant.
fn text(words: &[Vec<u8>], charset: &str) -> (String, Fidelity) {
    let joined = decode::text(&words.concat(), charset);
    if joined.1 != Fidelity::Broken {
        return joined;
    }
    let each: Vec<_> = words.iter().map(|word| decode::text(word, charset)).collect();
    if each.iter().any(|(_, fidelity)| *fidelity == Fidelity::Broken) {
        return joined;
    }
    (each.into_iter().map(|(text, _)| text).collect(), Fidelity::Exact)
}

/// The field that a place is in, where places are asked for in order: words are as
/// many as there is room for, and each looks at no more than what is new.
struct Field<'f> {
    fields: &'f str,
    start: usize,
    seen: usize,
}

impl<'f> Field<'f> {
    fn name_at(&mut self, place: usize) -> &'f str {
        const NAME_BYTES_MAX: usize = 100;
        let fields = self.fields.as_bytes();
        for at in memchr::memchr_iter(b'\n', &fields[self.seen..place]) {
            let next = self.seen + at + 1;
            // A line that begins with blanks goes on with the field before it.
            if fields.get(next).is_some_and(|byte| !byte.is_ascii_whitespace()) {
                self.start = next;
            }
        }
        self.seen = place;
        let end = self.fields.floor_char_boundary(place.min(self.start + NAME_BYTES_MAX));
        self.fields[self.start..end].split(':').next().unwrap_or_default().trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_joined_and_their_faults_named() {
        let check = |fields: &str, expected: &str, named: &[&str]| {
            let mut exceptions = Vec::new();
            let out = in_utf8(fields, &mut exceptions);
            let mut seen = String::new();
            for piece in out.split_inclusive("?=") {
                let (before, word) = piece.split_once("=?utf-8?B?").unwrap_or((piece, ""));
                seen.push_str(before);
                let text = BASE64_STANDARD.decode(word.trim_end_matches("?=")).unwrap();
                seen.push_str(&String::from_utf8(text).unwrap());
            }
            assert_eq!(seen, expected);
            let said: Vec<String> = exceptions.iter().map(ToString::to_string).collect();
            assert_eq!(said.len(), named.len(), "{said:?}");
            for (said, named) in said.iter().zip(named) {
                assert!(said.contains(named), "{said}");
            }
        };
        check("Subject: =?utf-8?B?4pw=?=\r\n =?utf-8?B?kw==?= x", "Subject: \u{2713} x", &[]);
        check("A: =?koi8-r*ru?B?8NLJ18XU?=\r\nB: =?x?q?a?q?", "A: Привет\r\nB: =?x?q?a?q?", &[]);
        check("A: =?utf-8?q?a?= =?us-ascii?q?b?=", "A: a b", &[]);
        check("A: b\r\n =?utf-8?q?=E9?=", "A: b\r\n \u{FFFD}", &["A: bytes"]);
        check("From: =?klingon?q?a?= <a@b>", "From: a <a@b>", &["From: the charset \"klingon\""]);
        let list = "To: =?utf-8?Q?Bob <b@x>, Who?= <w@x>";
        check(list, list, &[]);
        check("From: =?utf-8?b?YQ*=?=", "From: a", &["From: its encoding"]);
        check(
            "Subject: =?utf-8?Q?1+1=?= is two",
            "Subject: 1+1= is two",
            &["Subject: its encoding"],
        );
        let japanese = "Subject: =?iso-2022-jp?B?GyRCJS0lOCVIJWkhJiVVJWklQyU3JWUbKEIvGyRCJUsl?=\r\n \
            =?iso-2022-jp?B?YyE8JXMbKEIK?=\r\n";
        // Each word ends in ASCII and the next begins with an escape.
        let whole = "A: =?iso-2022-jp?B?GyRCMnEbKEI=?= =?iso-2022-jp?B?GyRCNUQbKEI=?=";
        check(whole, "A: 会議", &[]);
        check("A: =?iso-8859-1?Q?Fr\u{F6}sche=21?=", "A: Fr\u{F6}sche!", &[]);
        check(japanese, "Subject: キジトラ・フラッシュ/ニャーン\n\r\n", &[]);
    }
}

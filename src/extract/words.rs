//! Encoded words (RFC 2047) that follow each other, made one. Mailers split a
//! character between two of them, and leave the second one without the shift of its
//! charset; mail-parser reads each by itself.

use std::borrow::Cow;

use encoding_rs::Encoding;
use memchr::memmem;

use super::charset;
use crate::mail::charset as known;
use crate::mail::compose;
use crate::mail::encoded_word::{self, Word};

/// A header block without runs of encoded words; the flag says that some word holds
/// bytes that are no characters.
pub fn joined(block: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let mut out: Option<Vec<u8>> = None;
    let (mut kept, mut at, mut is_lossy) = (0, 0, false);
    while let Some(found) = memmem::find(&block[at..], b"=?") {
        let start = at + found;
        let Some(run) = run(block, start) else {
            at = start + 2;
            continue;
        };
        at = run.end;
        is_lossy |= run.is_lossy;
        if run.words > 1 || run.is_lossy || run.is_foreign {
            let out = out.get_or_insert_default();
            out.extend_from_slice(&block[kept..start]);
            out.extend_from_slice(&compose::one_word(&run.text));
            kept = at;
        }
    }
    let joined = match out {
        Some(mut out) => {
            out.extend_from_slice(&block[kept..]);
            Cow::Owned(out)
        }
        None => Cow::Borrowed(block),
    };
    (joined, is_lossy)
}

/// Words with only white space between them.
#[derive(Default)]
struct Run {
    text: String,
    end: usize,
    words: usize,
    /// Some bytes are no characters of the charset that is named with them, or nobody
    /// knows it.
    is_lossy: bool,
    /// Some charset is known here alone.
    is_foreign: bool,
}

/// The words from `start` on.
fn run(block: &[u8], start: usize) -> Option<Run> {
    let mut word = Word::parse(&block[start..])?;
    let mut run = Run { end: start, ..Run::default() };
    let mut bytes = Vec::new();
    loop {
        let label = word.label;
        encoded_word::append(&mut bytes, encoded_word::charset(label), word.bytes());
        run.end += word.len;
        run.words += 1;
        let next = blank(&block[run.end..]).and_then(|len| {
            let next = Word::parse(&block[run.end + len..])?;
            Some((len, next))
        });
        let is_same = next.as_ref().is_some_and(|(_, next)| next.is_of(label));
        if !is_same {
            let label = encoded_word::bare_label(label);
            let named = known::for_label(label);
            run.is_foreign |= Encoding::for_label_no_replacement(label).is_none();
            let label = std::str::from_utf8(label).ok();
            let text = charset::decode(&bytes, label);
            run.is_lossy |= text.contains(char::REPLACEMENT_CHARACTER)
                || charset::guess_told(&bytes, label).is_some()
                || named.is_some_and(|it| it.decode_without_bom_handling(&bytes).1);
            run.text.push_str(&text);
            bytes.clear();
        }
        let Some((len, next)) = next else { return Some(run) };
        run.end += len;
        word = next;
    }
}

/// The length of the white space that `bytes` begins with, folds included; none
/// where it ends the field.
fn blank(bytes: &[u8]) -> Option<usize> {
    let len = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let is_fold = |at: usize| matches!(bytes.get(at + 1), Some(b' ' | b'\t'));
    let is_one_field = (0..len).all(|at| bytes[at] != b'\n' || is_fold(at));
    is_one_field.then_some(len)
}

#[cfg(test)]
mod tests {
    use super::super::header;

    #[track_caller]
    fn check(subject: &str, expected: &str) {
        let block = format!("Subject: {subject}\r\nX-T: a\r\n\r\n");
        let parsed = header::parse(block.as_bytes());
        assert_eq!((parsed.subject.as_str(), parsed.is_lossy), (expected, false));
        assert_eq!(header::fields(block.as_bytes()).0[0].value, expected);
    }

    #[test]
    fn a_character_may_be_split_between_words() {
        check("=?utf-8?B?bcM=?= =?utf-8?B?vG5jaGVu?=", "münchen");
        check("=?utf-8?B?bcM=?=\r\n =?UTF-8?Q?=BCnchen_?=\r\n =?utf-8?q?b?= c", "münchen b c");
        check("=?gb18030?B?1g==?= =?gb18030?B?0A==?=", "中");
        check("=?shift_jis?Q?=93?= =?shift_jis?Q?=FA?=", "日");
        check("=?iso-2022-jp?B?GyRCMnE=?= =?iso-2022-jp?B?NUQbKEI=?=", "会議");
        check("=?iso-2022-jp?B?GyRCMnEbKEI=?= =?iso-2022-jp?B?GyRCNUQbKEI=?=", "会議");
    }

    #[test]
    fn charsets_of_no_browser_are_read() {
        check("=?ibm862?Q?=80?=", "א");
        check("=?cp437?Q?na=8Bve?= =?cp437?Q?_=9B?=", "naïve ¢");
        check("=?latin-1?Q?caf=E9?=", "café");
        check("=?iso-2022-kr?B?GyQpQw4+SDNnDw==?=", "안녕");
    }

    #[test]
    fn words_of_two_charsets_and_of_two_fields_are_not_mixed() {
        check("=?utf-8?Q?=C3=A9?= =?iso-8859-1?Q?=E9?=", "éé");
        let (fields, _) = header::fields(b"A: =?utf-8?Q?a?=\r\nB: b\r\n\r\n");
        assert_eq!((fields[0].value.as_str(), fields[1].value.as_str()), ("a", "b"));
    }

    #[test]
    fn names_of_people_are_joined_too() {
        let from = header::parse(
            b"From: =?utf-8?B?SsO=?= =?utf-8?B?tnJn?= =?utf-8?Q?=2C_K?= <j@x.test>\r\n\r\n",
        )
        .from;
        assert_eq!((from[0].name.as_str(), from[0].address.as_str()), ("Jörg, K", "j@x.test"));
    }

    #[test]
    fn bytes_that_are_no_characters_are_told() {
        assert!(header::parse(b"Subject: =?utf-8?B?bcM=?= x\r\n\r\n").is_lossy);
        assert!(header::parse(b"Subject: =?shift_jis?B?kw==?=\r\n\r\n").is_lossy);
        assert!(header::parse(b"Subject: =?x-user-defined?Q?=E9?=\r\n\r\n").is_lossy);
    }
}

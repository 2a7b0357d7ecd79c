//! Files in the text of a message, as uuencode writes them (POSIX `uuencode`): a line
//! `begin <mode> <name>`, lines of up to 45 bytes each, a line `end`; or `begin-base64`,
//! base64, and a line `====`. Some mailers have
//! it for a transfer encoding, of one file.

use crate::mail::decode::{self, Encoding};

/// One file.
#[derive(Debug, PartialEq, Eq)]
pub struct Coded {
    pub name: String,
    pub content: Vec<u8>,
    /// Some line of it does not hold what it says.
    pub is_damaged: bool,
}

/// Whether it is what a Content-Transfer-Encoding is called that is none of MIME's.
pub fn is_named(encoding: &str) -> bool {
    let names = ["uuencode", "x-uuencode", "uue", "x-uue"];
    names.iter().any(|name| encoding.eq_ignore_ascii_case(name))
}

/// The file that a body in this encoding is, damaged where there is more than it; none
/// where none begins.
pub fn body(bytes: &[u8]) -> Option<Coded> {
    let Split { files, outside } = split(&String::from_utf8_lossy(bytes));
    let is_alone = files.len() == 1 && outside.trim().is_empty();
    let mut first = files.into_iter().next()?;
    first.is_damaged |= !is_alone;
    Some(first)
}

/// A text as the files in it, in order, and the lines that are of none.
#[derive(Debug, Default)]
pub struct Split {
    pub files: Vec<Coded>,
    pub outside: String,
}

pub fn split(text: &str) -> Split {
    let mut outside = String::new();
    let files = walk(text, |line| {
        outside.push_str(line);
        outside.push('\n');
    });
    Split { files, outside }
}

/// The files in `text`, in order. What only begins like one is none.
pub fn files(text: &str) -> Vec<Coded> {
    walk(text, |_| {})
}

fn walk(text: &str, mut outside: impl FnMut(&str)) -> Vec<Coded> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut rest = lines.clone();
        let coded = match begin(line) {
            Some((name, Form::Lines)) => file(name, &mut rest),
            Some((name, Form::Base64)) => base64(name, &mut rest),
            None => None,
        };
        match coded {
            Some(coded) => {
                found.push(coded);
                lines = rest;
            }
            None => outside(line),
        }
    }
    found
}

/// How the lines of a file are coded.
enum Form {
    Lines,
    Base64,
}

fn begin(line: &str) -> Option<(&str, Form)> {
    let (rest, form) = match line.strip_prefix("begin-base64 ") {
        Some(rest) => (rest, Form::Base64),
        None => (line.strip_prefix("begin ")?, Form::Lines),
    };
    let (mode, name) = rest.trim_start().split_once(' ')?;
    let is_mode = matches!(mode.len(), 3 | 4) && mode.bytes().all(|b| matches!(b, b'0'..=b'7'));
    let name = name.trim();
    (is_mode && !name.is_empty()).then_some((name, form))
}

/// Up to a line of `====`.
fn base64<'a>(name: &str, lines: &mut (impl Iterator<Item = &'a str> + Clone)) -> Option<Coded> {
    let mut text = String::new();
    let mut is_damaged = true;
    let mut next = lines.clone();
    while let Some(line) = next.next() {
        let line = line.trim();
        let is_end = line == "====";
        if !is_end && !line.bytes().all(decode::is_base64) {
            // Text goes on: it is no file, or one that was cut.
            break;
        }
        *lines = next.clone();
        if is_end {
            is_damaged = false;
            break;
        }
        text.push_str(line);
    }
    let content = decode::decode(Encoding::Base64, text.as_bytes());
    (!content.is_empty()).then(|| Coded { name: name.to_owned(), content, is_damaged })
}

fn file<'a>(name: &str, lines: &mut (impl Iterator<Item = &'a str> + Clone)) -> Option<Coded> {
    let mut coded = Coded { name: name.to_owned(), content: Vec::new(), is_damaged: false };
    let mut is_ended = false;
    let mut next = lines.clone();
    while let Some(line) = next.next() {
        let line = line.trim_end();
        if line == "end" {
            is_ended = true;
            *lines = next;
            break;
        }
        let Some(first) = line.bytes().next() else { continue };
        if !(b' '..=b'`').contains(&first) {
            // Text goes on: it is no file, or one that was cut.
            break;
        }
        let size = usize::from((first - b' ') & 0x3F);
        coded.is_damaged |= !decode(&line.as_bytes()[1..], size, &mut coded.content);
        *lines = next.clone();
    }
    coded.is_damaged |= !is_ended;
    (!coded.content.is_empty()).then_some(coded)
}

/// Adds `size` bytes; false where the line has fewer, of which blanks at its end that
/// were lost on the way are none.
fn decode(line: &[u8], size: usize, out: &mut Vec<u8>) -> bool {
    let characters = size.div_ceil(3) * 4;
    let mut is_whole = line.len() + 4 >= characters;
    let (mut bits, mut left) = (0_u32, size);
    for at in 0..characters {
        let character = line.get(at).copied().unwrap_or(b' ');
        is_whole &= (b' '..=b'`').contains(&character);
        bits = bits << 6 | u32::from(character.wrapping_sub(b' ') & 0x3F);
        if at % 4 == 3 {
            let bytes = &bits.to_be_bytes()[1..];
            out.extend_from_slice(&bytes[..left.min(3)]);
            left = left.saturating_sub(3);
            bits = 0;
        }
    }
    is_whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(name: &str, content: &[u8], is_damaged: bool) -> Coded {
        Coded { name: name.into(), content: content.into(), is_damaged }
    }

    #[test]
    fn files_are_found_in_text() {
        let text = "Hello,\nbegin 644 a b.txt\n$=V]R9\n#86YD\n`\nend\nbye\n\
                    begin 600 c\n%:&5L;&\\\n \nend\n";
        let found = split(text);
        let files = [coded("a b.txt", b"wordand", false), coded("c", b"hello", false)];
        assert_eq!((found.files.as_slice(), &*found.outside), (&files[..], "Hello,\nbye\n"));
    }

    #[test]
    fn base64_is_the_other_form() {
        let found = split("see\nbegin-base64 644 a b.txt\naGVy\nb24=\n====\nbye\n");
        let file = coded("a b.txt", b"heron", false);
        assert_eq!((found.files.as_slice(), &*found.outside), (&[file][..], "see\nbye\n"));
        let found = split("begin-base64 644 a\naGVy\nand so on\n");
        let file = coded("a", b"her", true);
        assert_eq!((found.files.as_slice(), &*found.outside), (&[file][..], "and so on\n"));
        assert_eq!(files("begin-base64 644 a\n\n====\n"), []);
    }

    #[test]
    fn a_body_is_the_first_file() {
        let found = body(b"\r\nbegin 644 a b.txt\r\n$=V]R9\r\n`\r\nend\r\n");
        assert_eq!(found, Some(coded("a b.txt", b"word", false)));
        let beside = body(b"words\nbegin 644 a b.txt\n$=V]R9\n`\nend\n");
        assert_eq!(beside, Some(coded("a b.txt", b"word", true)));
        assert_eq!(body(b"word"), None);
        assert!(is_named("X-UUencode") && !is_named("base64"));
    }

    #[test]
    fn blanks_lost_at_the_end_are_zeros() {
        assert_eq!(files("begin 644 a\n#\nend\n"), [coded("a", b"\0\0\0", false)]);
    }

    #[test]
    fn what_is_cut_is_damaged() {
        assert_eq!(files("begin 644 a\n#86YD\n")[0], coded("a", b"and", true));
        let cut = split("begin 644 a\n#86YD\n\nwords go on\n");
        assert_eq!((cut.files[0].is_damaged, cut.outside.trim()), (true, "words go on"));
        assert!(files("begin 644 a\n/86YD\nend\n")[0].is_damaged);
    }

    #[test]
    fn words_are_no_file() {
        for text in ["begin the work\nend", "begin 644 a\n", "begin 644\nx\nend", "begin 944 a\nx"]
        {
            assert_eq!(files(text), [], "{text}");
        }
        assert_eq!(files("begin 644 meetings today\nplease come\nend\n"), []);
    }
}

//! Message sets: copies of one message, however they travelled.
//!
//! A key that is too strict lists a message twice; one that is too lax hides
//! one message behind another. So it is strict. It is the SHA-256 over, each
//! with its length, in this order:
//!
//! 1. for each of From, Sender, Reply-To, To, Cc, Bcc, Subject, Comments and
//!    Keywords, every field of that name as it is written, display names
//!    included, with folds undone and encoded words decoded;
//! 2. the Date, to the second;
//! 3. every field whose name begins with `Content-` or `Resent-`, with folds
//!    undone;
//! 4. the body's bytes, its line ends LF and those at its end left out.
//!
//! A message without one usable From and one usable Date, or whose header has
//! lines that are no fields, says too little of itself: its key is the SHA-256
//! of its exact bytes, and it is a copy only of what is the same byte for byte.
//!
//! No Message-ID, since the same message is found under several and different
//! ones under the same; no trace or authentication fields (Received, DKIM, ARC,
//! X-MS-…), since they differ from copy to copy. They are read and searched in
//! every copy, and every copy can be seen.

use std::borrow::Cow;

use jiff::fmt::rfc2822::DateTimeParser;

use crate::base::hash::{Digest, Hasher};
use crate::extract::Parsed;
use crate::extract::header::block_len;
use crate::mail::encoded_word;
use crate::mail::header::{Field, fields};

/// Changes with the rule, and with it comes a migration that has the derived
/// rows made again, as `0006_set_key.sql` does.
const DOMAIN: &[u8] = b"muniment message set v2";
const WHOLE: &[u8] = b"muniment message set v2, whole";

const NAMES: [&str; 9] =
    ["From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "Comments", "Keywords"];

/// The key of the set that a message belongs to; `message` is what was read of
/// `bytes`.
pub fn set_key(bytes: &[u8], message: &Parsed) -> Digest {
    let mut hasher = Hasher::new();
    let (block, body) = bytes.split_at(block_len(bytes));
    match date(block, message).filter(|_| is_author_known(block, message) && is_regular(block)) {
        None => {
            put(&mut hasher, WHOLE);
            put(&mut hasher, Digest::of(bytes).as_bytes());
        }
        Some(date) => {
            put(&mut hasher, DOMAIN);
            for name in NAMES {
                put_fields(&mut hasher, fields(block).filter(|field| field.is(name)), text);
            }
            put(&mut hasher, &date);
            let others = fields(block).filter(|field| is_prefixed(field.name));
            put_fields(&mut hasher, others, |value| unfolded(value).into_owned());
            put(&mut hasher, &normal(body));
        }
    }
    hasher.finish()
}

fn is_author_known(block: &[u8], message: &Parsed) -> bool {
    fields(block).filter(|field| field.is("From")).count() == 1
        && message.from.iter().any(|author| !author.address.is_empty())
}

/// The one Date, if it is one: its second, or its text where RFC 5322 does not
/// say which second it means or more than that stands there.
fn date(block: &[u8], message: &Parsed) -> Option<Vec<u8>> {
    message.date?;
    let mut dates = fields(block).filter(|field| field.is("Date"));
    let (first, None) = (dates.next()?, dates.next()) else { return None };
    let text = unfolded(first.value);
    match DateTimeParser::new().parse_timestamp(&text) {
        Ok(instant) if !text.contains(&b'(') => Some(instant.as_second().to_string().into_bytes()),
        _ => Some([b"as written ", &*text].concat()),
    }
}

/// Every line is a field or goes on with one, and nothing but LF ends it: no
/// two readers can see different headers in it.
fn is_regular(block: &[u8]) -> bool {
    let mut is_first = true;
    block.split_inclusive(|byte| *byte == b'\n').all(|line| {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let goes_on = matches!(text.first(), Some(b' ' | b'\t')) && !is_first;
        let name = text.split(|byte| *byte == b':').next().unwrap_or_default();
        let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
        let is_field = name.len() < text.len() && is_name;
        is_first = false;
        !text.contains(&b'\r') && !text.contains(&0) && (text.is_empty() || goes_on || is_field)
    })
}

fn is_prefixed(name: &[u8]) -> bool {
    ["Content-", "Resent-"].iter().any(|prefix| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    })
}

fn put(hasher: &mut Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

fn put_fields<'a>(
    hasher: &mut Hasher,
    fields: impl Iterator<Item = Field<'a>>,
    form: impl Fn(&[u8]) -> Vec<u8>,
) {
    let fields: Vec<_> = fields.collect();
    put(hasher, &(fields.len() as u64).to_be_bytes());
    for field in fields {
        put(hasher, &field.name.to_ascii_lowercase());
        put(hasher, &form(field.value));
    }
}

/// The value's text; its bytes where a character of it was lost in reading.
fn text(value: &[u8]) -> Vec<u8> {
    let flat = unfolded(value);
    if std::str::from_utf8(&flat).is_err() {
        return flat.into_owned();
    }
    match encoded_word::decode(&flat) {
        lossy if lossy.contains(char::REPLACEMENT_CHARACTER) => flat.into_owned(),
        text => text.into_bytes(),
    }
}

/// Each fold, with the white space that follows it, is one blank: relays fold
/// anew. Other white space is kept.
fn unfolded(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if !value.contains(&b'\n') {
        return Cow::Borrowed(value);
    }
    let mut flat = Vec::with_capacity(value.len());
    for line in value.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !flat.is_empty() {
            flat.push(b' ');
        }
        flat.extend_from_slice(line.trim_ascii_start());
    }
    Cow::Owned(flat)
}

/// With LF for CRLF, and without line ends at the end. Bytes that are no lines
/// of text stay as they are.
fn normal(body: &[u8]) -> Cow<'_, [u8]> {
    let trimmed = |text: &[u8]| text.iter().rposition(|byte| *byte != b'\n').map_or(0, |at| at + 1);
    if body.contains(&0) {
        return Cow::Borrowed(body);
    }
    if !body.contains(&b'\r') {
        return Cow::Borrowed(&body[..trimmed(body)]);
    }
    let mut text = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\r\n") {
            Some(line) => {
                text.extend_from_slice(line);
                text.push(b'\n');
            }
            None => text.extend_from_slice(line),
        }
    }
    text.truncate(trimmed(&text));
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::parse_message;

    const COPY: &str = "Received: from a by b\r\nFrom: Ann <ann@example.com>\r\n\
        To: b@example.com, c@example.com\r\nReply-To: ann@example.com\r\nSubject: the plan\r\n\
        Date: Tue, 1 Jul 2025 10:00:00 +0200\r\nMessage-ID: <1@a>\r\n\
        Content-Type: text/html\r\n\r\nWe meet <a href=\"http://a.example\">here</a>.\r\n";

    fn key(message: impl AsRef<[u8]>) -> Digest {
        set_key(message.as_ref(), &parse_message(message.as_ref()))
    }

    #[track_caller]
    fn apart(changes: &[(&str, &str)]) {
        for (old, new) in changes {
            assert!(COPY.contains(old), "{old}");
            assert_ne!(key(COPY), key(COPY.replace(old, new)), "{old} -> {new}");
        }
    }

    #[test]
    fn copies_by_other_ways_share_a_key() {
        let head = "Received: from x by y\r\nReceived: from z\r\n\tby x; 1 Jul\r\n\
            DKIM-Signature: v=1; b=abc\r\nARC-Seal: i=1\r\nAuthentication-Results: mx; spf=pass\r\n\
            X-MS-Exchange-Organization-SCL: 1\r\nDelivered-To: c@example.com\r\n\
            Return-Path: <ann@example.com>\r\nX-Google-Smtp-Source: g\r\n";
        let other = COPY.replace("Received: from a by b\r\n", head);
        assert_eq!(key(COPY), key(&other));
        assert_eq!(key(COPY), key(COPY.replace("<1@a>", "<2@b>")));
    }

    #[test]
    fn folding_encoding_and_line_ends_make_no_other_message() {
        let lf = COPY.replace("\r\n", "\n") + "\n";
        assert_eq!(key(COPY), key(lf));
        let folded = COPY
            .replace("the plan", "=?utf-8?q?the?=\r\n =?utf-8?q?_plan?=")
            .replace("b@example.com, ", "b@example.com,\r\n\t")
            .replace("10:00:00 +0200", "08:00:00 GMT");
        assert_eq!(key(COPY), key(folded));
    }

    #[test]
    fn another_field_or_word_is_another_message() {
        apart(&[
            ("meet", "part"),
            ("the plan", "the plans"),
            ("the plan", "the  plan"),
            ("10:00:00", "10:00:01"),
            ("b@example.com, ", ""),
            ("To: b@", "Cc: b@"),
            ("text/html", "text/plain"),
            ("Content-Type", "Content-Transfer-Encoding: base64\r\nContent-Type"),
            ("Message-ID", "Bcc: d@example.com\r\nMessage-ID"),
            ("Message-ID", "Comments: for you only\r\nMessage-ID"),
            ("Message-ID", "Resent-To: eve@example.com\r\nMessage-ID"),
            ("We meet", "We  meet"),
        ]);
    }

    #[test]
    fn another_reply_to_is_another_message() {
        apart(&[
            ("Reply-To: ann@", "Reply-To: eve@"),
            ("Reply-To: ann@example.com\r\n", ""),
            ("Reply-To: ann@example.com\r\n", "Reply-To: ann@example.com\r\nSender: s@e.com\r\n"),
        ]);
    }

    #[test]
    fn another_display_name_is_another_message() {
        apart(&[("Ann <", "Eve <"), ("Ann <", "\"Ann (Finance)\" <"), ("Ann <", "<")]);
    }

    #[test]
    fn another_link_target_is_another_message() {
        apart(&[("http://a.example", "http://b.example")]);
    }

    #[test]
    fn text_in_an_html_comment_is_not_lost() {
        apart(&[("We meet", "<!-- not at all -->We meet")]);
    }

    #[test]
    fn another_preamble_or_epilogue_is_another_message() {
        let with = |preamble: &str, epilogue: &str| {
            key(COPY.split_once("Content-Type").unwrap().0.to_owned()
                + &format!(
                    "Content-Type: multipart/mixed; boundary=x\r\n\r\n{preamble}\r\n--x\r\n\r\n\
                     a\r\n--x--\r\n{epilogue}\r\n"
                ))
        };
        assert_eq!(with("p", "e"), with("p", "e"));
        assert_ne!(with("p", "e"), with("q", "e"));
        assert_ne!(with("p", "e"), with("p", "f"));
    }

    #[test]
    fn messages_without_a_header_are_copies_only_byte_for_byte() {
        let bare = ["", "one", "two", "one\r\ntwo", "one\rtwo", "\r\n", "\r\n\r\none"];
        let headless = ["Subject: s\r\n\r\na", "Subject: s\r\n\r\na\r\n", "Subject: s\n\na"];
        let no_date = COPY.replace("Date:", "X-Date:");
        let no_from = COPY.replace("From:", "X-From:");
        let cr = COPY.replace("\r\n", "\r");
        let other_cr = cr.replace("meet", "part");
        let junk = COPY.replace("Subject:", "some words\r\nSubject:");
        let other_junk = COPY.replace("Subject:", "other words\r\nSubject:");
        let more = [no_date, no_from, cr, other_cr, junk, other_junk, COPY.to_owned()];
        let all: Vec<&str> =
            bare.into_iter().chain(headless).chain(more.iter().map(String::as_str)).collect();
        for (at, one) in all.iter().enumerate() {
            assert_eq!(key(one), key(one));
            for other in &all[at + 1..] {
                assert_ne!(key(one), key(other), "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn bytes_that_cannot_be_read_are_compared_as_bytes() {
        let with = |subject: &[u8]| {
            let (before, after) = COPY.split_once("the plan").unwrap();
            key([before.as_bytes(), subject, after.as_bytes()].concat())
        };
        assert_ne!(with(b"\xff\xfe"), with(b"\xfe\xff"));
        assert_ne!(with(b"=?utf-8?q?=FF?="), with(b"=?utf-8?q?=FE?="));
    }

    #[test]
    fn an_attachment_of_other_content_or_name_is_another_message() {
        let with = |name: &str, content: &str| {
            key(COPY.split_once("Content-Type").unwrap().0.to_owned()
                + &format!(
                    "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\
                     Content-Type: image/png; name={name}\r\n\r\n{content}\r\n--x--\r\n"
                ))
        };
        assert_eq!(with("a", "a"), with("a", "a"));
        assert_ne!(with("a", "a"), with("a", "b"));
        assert_ne!(with("a", "a"), with("b", "a"));
    }
}

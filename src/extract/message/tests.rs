use super::*;
use crate::base::hash::Digest;

fn parse(message: &str) -> Parsed {
    parse_message(message.replace('\n', "\r\n").as_bytes())
}

#[test]
fn plain_text_is_preferred_and_no_word_is_lost() {
    let head = "Content-Type: multipart/alternative; boundary=x\n\n--x\n\n";
    let tail = "\n--x\nContent-Type: text/html\n\n<p>Good <b>night</b></p>\n--x--\n";
    let parsed = parse(&format!("{head}Good night{tail}"));
    assert_eq!((parsed.text.as_str(), parsed.other_text.as_str()), ("Good night", ""));
    assert!(parsed.has_html);
    let parsed = parse(&format!("{head}See the HTML{tail}"));
    assert_eq!(parsed.text, "See the HTML");
    assert_eq!(parsed.other_text, "Good night\n");
    let parsed = parse(&format!("{head}{tail}"));
    assert_eq!((parsed.text.as_str(), parsed.other_text.as_str()), ("Good night\n", ""));
}

#[test]
fn words_before_and_after_the_parts_are_other_text() {
    let parsed = parse(
        "Content-Type: multipart/mixed; boundary=x\n\nhidden heron\n--x\n\nbody\n--x--\nlast\n",
    );
    assert_eq!((parsed.text.as_str(), parsed.other_text.as_str()), ("body", "hidden heron\nlast"));
    let parsed = parse(
        "Content-Type: multipart/mixed; boundary=x\n\n--x\n\
         Content-Type: multipart/alternative; boundary=y\n\nbefore\n--y\n\na\n--y--\n\n\
         after\n--x--\n",
    );
    assert_eq!((parsed.text.as_str(), parsed.other_text.as_str()), ("a", "before\n\nafter"));
}

#[test]
fn what_is_called_base64_and_is_none_is_found() {
    let base64 = "Content-Transfer-Encoding: base64\n\n";
    let parsed = parse(&format!("{base64}Dear Bob,\n\nplease shred the heron files.\n"));
    assert!(parsed.other_text.contains("shred the heron files"), "{parsed:?}");
    assert!(parsed.gaps.is_empty());
    // And base64 that is broken: what each way of reading it gives.
    let parsed =
        parse(&format!("{base64}aGVyb24gaGVyZSwg\nd2FkZ!XIgdGhlcmUs\nIGFuZCBl\nZ3JldHM=\n"));
    let all = format!("{} {}", parsed.text, parsed.other_text);
    for word in ["heron", "here", "egrets"] {
        assert!(all.contains(word), "{word} in {all}");
    }
    assert_eq!(parsed.gaps.len(), 1);
    // Behind an attachment's banner a reader sees the file.
    let parsed = parse(&format!(
        "Content-Type: text/plain; name=a.txt\n{base64}[EXTERNAL] beware\n\n{}\n",
        "aGVyb24gaGVyZSwgYW5kIGVncmV0cyB0b28="
    ));
    let texts: Vec<_> = parsed.attachments.iter().filter_map(|it| it.text.as_deref()).collect();
    assert!(texts.contains(&"heron here, and egrets too"), "{texts:?}");
    assert_eq!(parsed.other_text.trim(), "[EXTERNAL] beware");
}

#[test]
fn parts_are_told_apart_however_their_boundary_is_named() {
    let parts = "--x\nContent-Transfer-Encoding: base64\n\naGVyb24gaGVyZQ==\n--x--\n";
    for (value, gaps) in [
        ("multipart/mixed; boundary=x", 0),
        ("multipart/mixed;\n\tboundary=\n \"x\"", 0),
        ("multipart/mixed boundary=x", 0),
        ("multipart/mixed, boundary=x", 0),
        ("multipart/mixed; boundary*0=x", 0),
        ("multipart/mixed", 1),
        ("multipart/mixed; boundary=y", 1),
    ] {
        let parsed = parse(&format!("Content-Type: {value}\n\n{parts}"));
        let is_found = parsed.text.contains("heron here");
        assert_eq!((is_found, parsed.gaps.len()), (true, gaps), "{value}: {parsed:?}");
    }
}

#[test]
fn the_first_of_several_fields_counts() {
    let parsed = parse(
        "Subject: heron\nSubject: egret\nContent-Type: text/plain\nContent-Type: image/png\n\
         Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\naGVyb24gaGVyZQ==\n",
    );
    assert_eq!((parsed.subject.as_str(), parsed.text.as_str()), ("heron", "heron here"));
    assert_eq!(parsed.other_text.trim(), "egret");
    assert_eq!(parsed.gaps.len(), 1);
    let twice = "Content-Type: text/plain; charset=utf-8\n".repeat(2);
    assert!(parse(&format!("{twice}\nheron\n")).gaps.is_empty());
    for (first, second, gaps) in [("base64", "BASE64", 0), ("base64", "7bit", 1)] {
        let field = "Content-Transfer-Encoding: ";
        let parsed = parse(&format!("{field}{first}\n{field}{second}\n\naGVyb24gaGVyZQ==\n"));
        assert_eq!((parsed.text.as_str(), parsed.gaps.len()), ("heron here", gaps));
    }
}

#[test]
fn text_is_read_as_mailers_mean_it() {
    let parsed = parse("Content-Type: text/plain; format=Flowed; DelSp=Yes\n\nher \non here\n");
    assert_eq!(parsed.text, "heron here\n");
    let parsed = parse("Content-Type: text/enriched\n\n<bold>her</bold>on here\n");
    assert_eq!((parsed.text.trim(), parsed.attachments.len()), ("heron here", 1));
    let parsed = parse("heron here\nand there\n\nend\n");
    assert_eq!((parsed.text.as_str(), parsed.headers.len()), ("heron here\nand there\n\nend\n", 0));
}

#[test]
fn text_around_base64_is_other_text() {
    let base64 = "Content-Transfer-Encoding: base64\n\naGVyb24gaGVyZQ==\n";
    let parsed = parse(&format!("{base64}____\nlist footer\n"));
    assert_eq!(
        (parsed.text.as_str(), parsed.other_text.trim()),
        ("heron here", "____\nlist footer")
    );
    let parsed = parse(
        "Content-Transfer-Encoding: base64\n\n[EXTERNAL] beware\n\naGVyb24gaGVyZQ==\n-- \nend\n",
    );
    assert_eq!(
        (parsed.text.as_str(), parsed.other_text.trim()),
        ("heron here", "[EXTERNAL] beware\n-- \nend")
    );
    let parsed = parse(&format!("Content-Type: text/plain; name=a\n{base64}list footer\n"));
    assert_eq!(parsed.other_text.trim(), "list footer");
}

#[test]
fn files_in_the_text_are_documents() {
    let parsed = parse("\nsee below\nbegin 644 notes.txt\n%:&5L;&\\\n`\nend\n");
    assert!(parsed.text.starts_with("see below\n"));
    let file = &parsed.attachments[0];
    assert_eq!((file.name.as_str(), file.text.as_deref()), ("notes.txt", Some("hello")));
    assert!(!file.is_part && parsed.gaps.is_empty());
    // As a transfer encoding, of text and of what is attached, which is kept as it came.
    let coded = "begin 644 a\n%:&5L;&\\\n`\nend\n";
    let parsed = parse(&format!("Content-Transfer-Encoding: x-uuencode\n\n{coded}"));
    assert_eq!((parsed.text.as_str(), parsed.attachments.len()), ("hello", 0));
    let parsed = parse(&format!("Content-Transfer-Encoding: x-uuencode\n\nheron\n{coded}{coded}"));
    assert_eq!((parsed.text.as_str(), parsed.other_text.as_str()), ("hello", "heron"));
    assert_eq!(parsed.attachments[0].name, "a");
    let parsed = parse(&format!(
        "Content-Type: image/x-any; name=b\nContent-Transfer-Encoding: uuencode\n\n{coded}"
    ));
    let files: Vec<_> = parsed.attachments.iter().map(|it| (&*it.name, it.parent)).collect();
    assert_eq!(files, [("b", None), ("a", Some(parsed.attachments[0].ordinal))]);
    assert_eq!(parsed.attachments[1].text.as_deref(), Some("hello"));
    let many = "begin 644 a\n#86YD\nend\n".repeat(limits::DOCUMENTS_MAX + 1);
    let parsed = parse(&format!("\n{many}"));
    assert_eq!(parsed.attachments.len(), limits::DOCUMENTS_MAX);
    assert_eq!(parsed.gaps.last().map(|gap| gap.reason), Some(Reason::TooDeep));
}

#[test]
fn a_charset_that_nobody_knows_is_a_gap() {
    let gaps = |label: &str, bytes: &[u8]| {
        let head = format!("Content-Type: text/plain; charset={label}\r\n\r\n");
        parse_message(&[head.as_bytes(), bytes].concat()).gaps.len()
    };
    assert_eq!(gaps("johab", b"caf\xe9"), 1);
    assert_eq!(gaps("johab", b"cafe"), 0);
    assert_eq!(gaps("cp437", b"caf\x82"), 0);
}

#[test]
fn a_header_that_is_no_text_is_a_gap() {
    let parsed = parse("Subject: =?utf-8?Q?m=C3?= x\n\nbody\n");
    assert_eq!(parsed.gaps.len(), 1);
    assert_eq!((parsed.gaps[0].ordinal, parsed.gaps[0].reason), (None, Reason::Damaged));
}

#[test]
fn attachments_are_listed_with_text_or_reason() {
    let parsed = parse(
        "Content-Type: multipart/mixed; boundary=x\n\n--x\n\nbody\n\
         --x\nContent-Type: text/csv; name=a.csv\nContent-Transfer-Encoding: base64\n\nYSxiCg==\n\
         --x\nContent-Type: image/png; name=b.png\n\n\x01\x02\n\
         --x\nContent-Type: application/zip; name=c.zip\n\n\x01\x02\n--x--\n",
    );
    assert_eq!(parsed.text, "body");
    let names: Vec<_> = parsed.attachments.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["a.csv", "b.png", "c.zip"]);
    assert_eq!(parsed.attachments[0].text.as_deref(), Some("a,b\n"));
    assert_eq!(parsed.attachments[0].sha256, Digest::of(b"a,b\n"));
    let reasons: Vec<_> = parsed.gaps.iter().map(|g| (g.ordinal, g.reason)).collect();
    assert_eq!(reasons, [(Some(1), Reason::NotOcred), (Some(2), Reason::UnknownType)]);
}

#[test]
fn a_forwarded_message_is_text_and_holds_attachments() {
    let parsed = parse(
        "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: message/rfc822\n\n\
         From: Ann <a@b.c>\nSubject: inner\nContent-Type: multipart/mixed; boundary=y\n\n\
         --y\n\nhello\n--y\nContent-Type: text/calendar; name=d.ics\n\nBEGIN\n--y--\n--x--\n",
    );
    let forwarded = &parsed.attachments[0];
    assert_eq!(forwarded.text.as_deref(), Some("From: Ann <a@b.c>\nSubject: inner\n\nhello"));
    let inner = &parsed.attachments[1];
    assert_eq!((inner.parent, inner.text.as_deref()), (Some(0), Some("BEGIN")));
}

#[test]
fn headers_of_parts_and_of_messages_within_are_kept() {
    let parsed = parse(
        "X-Own: a\nContent-Type: multipart/mixed; boundary=x\n\n--x\nX-Part: b\n\nbody\n\
         --x\nContent-Type: message/rfc822\n\nX-Within: c\n\ntext\n--x--\n",
    );
    assert_eq!(parsed.headers[0].name, "X-Own");
    let inner: Vec<_> = parsed.inner_headers.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(inner, ["X-Part", "Content-Type", "X-Within"]);
    let part = format!("--x\nX-Large: {}\n\nbody\n", "a".repeat(600 << 10));
    let head = "Content-Type: multipart/mixed; boundary=x\n\n".to_owned();
    let parsed = parse(&(head + &part + &part + &part + "--x--\n"));
    assert_eq!(parsed.inner_headers.len(), 1);
    assert_eq!(parsed.gaps.len(), 1, "{:?}", parsed.gaps);
}

#[test]
fn where_links_lead_is_other_text() {
    let parsed = parse(
        "Content-Type: text/html\n\n<a href='https://a.example/x?u=b%2Fc'>https://d.example</a>\n",
    );
    assert_eq!(parsed.text.trim(), "https://d.example");
    assert_eq!(parsed.other_text, "https://a.example/x?u=b%2Fc\nhttps://a.example/x?u=b/c\n");
}

#[test]
fn deep_nesting_is_bounded_and_declared() {
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(50_000) + "\r\nword";
    let parsed = parse_message(nested.as_bytes());
    assert_eq!(parsed.attachments.len(), limits::MIME_DEPTH_MAX + 1);
    assert!(parsed.gaps.iter().any(|gap| gap.reason == Reason::TooDeep));
}

#[test]
fn anything_at_all_is_read() {
    for bytes in [&b""[..], b"\r\n", b":", b"Content-Type: multipart/mixed; boundary=x", b"\0"] {
        parse_message(bytes);
    }
    let parsed = parse("Content-Type: multipart/mixed; boundary=x\n\nno part\n");
    assert_eq!(parsed.text, "no part\n");
    let parsed = parse("Content-Type: multipart/mixed\n\nno part\n");
    assert_eq!(parsed.text, "no part\n");
    assert_eq!(parsed.attachments[0].text.as_deref(), Some("no part\n"));
}

//! Which part is the text and what the others are, where mailers leave it open.

use muniment::pst::mime;
use muniment::pst::model::{Content, Exception, Message};

const TEXT: &str = "Content-Type: text/plain; name=\"message.txt\"\r\n\r\nthe text\r\n";
const PAGE: &str = "Content-Type: text/html; name=page.html\r\n\r\n<p>the page</p>\r\n";

fn multipart(kind: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--{kind}\r\n{part}")).collect();
    format!("Content-Type: multipart/{kind}; boundary={kind}\r\n\r\n{parts}--{kind}--\r\n")
}

/// Text, HTML and attachments, the last by name and type.
fn outline(message: &Message<'_>) -> (String, String, String) {
    let text = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_owned();
    let attached = message.attachments.iter().map(|one| format!("{} {}", one.name, one.media_type));
    let attached: Vec<String> = attached.collect();
    (text(&message.text), text(&message.html), attached.join(", "))
}

/// MS-OXCMAIL 2.2.3.3.2.
#[test]
fn a_text_with_a_name_is_the_text_where_it_comes_first() {
    let inline =
        TEXT.replace("\r\n\r\n", "\r\nContent-Disposition: inline; filename=b.log\r\n\r\n");
    let attached = inline.replace("inline", "attachment");
    let plain = "\r\nplain\r\n";
    let bytes = "Content-Type: image/png; name=a.png\r\n\r\nPNG\r\n";
    let footer = "\r\nfooter\r\n";
    let alternative = multipart("alternative", &[TEXT, PAGE]);
    let related = multipart("related", &[PAGE, &inline]);
    for (raw, text, html, files) in [
        (TEXT.to_owned(), "the text", "", ""),
        (PAGE.to_owned(), "", "<p>the page</p>", ""),
        (inline.clone(), "the text", "", ""),
        (attached.clone(), "", "", "b.log text/plain"),
        (multipart("mixed", &[TEXT, bytes]), "the text", "", "a.png image/png"),
        (multipart("mixed", &[bytes, TEXT]), "the text", "", "a.png image/png"),
        (multipart("mixed", &[&attached, TEXT]), "the text", "", "b.log text/plain"),
        (multipart("mixed", &[TEXT, &inline]), "the text", "", "b.log text/plain"),
        (multipart("mixed", &[plain, TEXT]), "plain", "", "message.txt text/plain"),
        (multipart("mixed", &[plain, PAGE]), "plain", "", "page.html text/html"),
        (multipart("mixed", &[TEXT, footer]), "the text\r\nfooter", "", ""),
        (alternative.clone(), "the text", "<p>the page</p>", ""),
        (multipart("alternative", &[plain, PAGE]), "plain", "<p>the page</p>", ""),
        (
            multipart("mixed", &[&alternative, TEXT]),
            "the text",
            "<p>the page</p>",
            "message.txt text/plain",
        ),
        (related.clone(), "", "<p>the page</p>", "b.log text/plain"),
        (
            multipart("alternative", &[plain, &related]),
            "plain",
            "<p>the page</p>",
            "b.log text/plain",
        ),
        (multipart("signed", &[TEXT, bytes]), "the text", "", "smime.p7m multipart/signed"),
    ] {
        let message = mime::message(raw.as_bytes());
        let expected = (text.to_owned(), html.to_owned(), files.to_owned());
        assert_eq!(outline(&message), expected, "{raw}");
        assert_eq!(message.exceptions, [], "{raw}");
    }
}

#[test]
fn a_file_that_is_called_text_and_is_none_keeps_its_bytes() {
    for bytes in [&b"PK\x03\x04\0\0"[..], b"\xFF\xD8\xFF"] {
        let raw = [b"Content-Type: text/plain; charset=utf-8; name=a.zip\r\n\r\n", bytes].concat();
        let message = mime::message(&raw);
        assert_eq!(outline(&message).2, "a.zip text/plain");
        assert_eq!((message.text, message.exceptions.len()), (None, 0));
    }
}

#[test]
fn enriched_text_is_read_and_attached() {
    let enriched = "Content-Type: text/enriched\r\n\r\n<bold>Now</bold> is\r\nthe time\r\n";
    let seen = |raw: &str| outline(&mime::message(raw.as_bytes()));
    let file = |number: usize| format!("attachment-{number}.txt text/enriched");
    assert_eq!(seen(enriched), ("Now is the time".to_owned(), String::new(), file(1)));
    let page = "Content-Type: text/html\r\n\r\n<p>page</p>\r\n";
    let both = multipart("alternative", &[enriched, page]);
    assert_eq!(seen(&both), ("Now is the time".to_owned(), "<p>page</p>".to_owned(), file(1)));
    let second = multipart("alternative", &["\r\nplain\r\n", enriched]);
    assert_eq!(seen(&second), ("plain".to_owned(), String::new(), file(1)));
}

#[test]
fn a_multipart_that_is_not_divided_is_named() {
    let source = "--a\r\n\r\ntext\r\n--a--\r\n";
    for (parameter, boundary) in [("boundary=b", "b"), ("boundary=\"\"", ""), ("x=y", "")] {
        let raw = format!("Content-Type: multipart/mixed; {parameter}\r\n\r\n{source}");
        let message = mime::message(raw.as_bytes());
        assert_eq!(message.text.as_deref(), Some(source), "{parameter}");
        assert_eq!(message.exceptions, [Exception::Undivided { boundary: boundary.to_owned() }]);
    }
    // Blanks at its end are none of it, and where there is nothing, nothing is missing.
    for raw in [
        format!("Content-Type: multipart/mixed; boundary=\"a \"\r\n\r\n{source}"),
        "Content-Type: multipart/mixed; boundary=a\r\n\r\n\r\n".to_owned(),
    ] {
        let message = mime::message(raw.as_bytes());
        assert_eq!(
            message.text.unwrap_or_default().trim(),
            if raw.contains("text") { "text" } else { "" }
        );
        assert_eq!(message.exceptions, [], "{raw}");
    }
}

#[test]
fn a_multipart_of_its_end_alone_is_named() {
    for (body, text) in [("--a--\r\n", "--a--"), ("words\r\n--a--\r\nmore", "words")] {
        let raw = format!("Content-Type: multipart/mixed; boundary=a\r\n\r\n{body}");
        let message = mime::message(raw.as_bytes());
        assert!(message.text.unwrap_or_default().contains(text), "{body}");
        assert_eq!(message.exceptions, [Exception::NoParts { boundary: "a".to_owned() }]);
        assert!(message.exceptions[0].to_string().contains("is its end"));
    }
}

/// RFC 2387: what is beside the root is there for it, and no text of its own.
#[test]
fn only_the_root_of_related_parts_is_the_text() {
    let page = "Content-Type: text/html\r\n\r\n<p>page</p>\r\n";
    let plain = "Content-Type: text/plain\r\n\r\nplain\r\n";
    let style = "Content-Type: text/html\r\nContent-ID: <s@x>\r\n\r\n<b>style</b>\r\n";
    let file = |number: usize, kind: &str| {
        let extension = if kind == "text/html" { "html" } else { "txt" };
        format!("attachment-{number}.{extension} {kind}")
    };
    let both = multipart("alternative", &[plain, page]);
    let started = multipart("related", &[plain, style])
        .replace("boundary=related", "boundary=related; start=\"<s@x>\"");
    for (raw, text, html, files) in [
        (multipart("related", &[page, plain]), "", "<p>page</p>", file(1, "text/plain")),
        (multipart("related", &[plain, page]), "plain", "", file(1, "text/html")),
        (
            multipart("related", &[page, style, plain]),
            "",
            "<p>page</p>",
            [file(1, "text/html"), file(2, "text/plain")].join(", "),
        ),
        (
            multipart("related", &[page, &both]),
            "",
            "<p>page</p>",
            [file(1, "text/plain"), file(2, "text/html")].join(", "),
        ),
        (multipart("related", &[&both, plain]), "plain", "<p>page</p>", file(1, "text/plain")),
        (
            multipart("mixed", &[&multipart("related", &[page, plain]), "\r\nfooter\r\n"]),
            "page\r\nfooter",
            "<p>page</p><pre>footer</pre>",
            file(1, "text/plain"),
        ),
        (started, "", "<b>style</b>", file(1, "text/plain")),
    ] {
        let message = mime::message(raw.as_bytes());
        assert_eq!(outline(&message), (text.to_owned(), html.to_owned(), files), "{raw}");
        assert_eq!(message.exceptions, [], "{raw}");
    }
}

#[test]
fn what_is_in_uuencode_is_decoded() {
    let body = "begin 644 a.txt\r\n$=V]R9\r\n`\r\nend\r\n";
    let raw = format!(
        "Content-Type: application/pdf; name=a.pdf\r\n\
         Content-Transfer-Encoding: x-uuencode\r\n\r\n{body}"
    );
    let message = mime::message(raw.as_bytes());
    let Content::Bytes(bytes) = &message.attachments[0].content else { panic!("no bytes") };
    assert_eq!((&**bytes, &*message.exceptions), (&b"word"[..], &[][..]));
}

/// RFC 2045 section 5.2, RFC 2046 section 5.1.5.
#[test]
fn what_says_no_type_is_of_the_one_that_it_has_by_default() {
    let file = "Content-Disposition: attachment; filename=a.txt\r\n\r\nbytes\r\n";
    let mail = "\r\nSubject: inner\r\n\r\ntext\r\n";
    for (raw, files) in [
        (multipart("mixed", &[file]), "a.txt text/plain"),
        (multipart("digest", &[mail]), "inner message/rfc822"),
        (multipart("mixed", &[&format!("Content-Type: foo\r\n{file}")]), "a.txt text/plain"),
        (multipart("mixed", &[&format!("Content-Type: A/b\r\n{file}")]), "a.txt a/b"),
    ] {
        assert_eq!(outline(&mime::message(raw.as_bytes())).2, files, "{raw}");
    }
}

#[test]
fn ids_are_without_their_comments() {
    for (written, id) in [
        ("<img1@x> (first)", "img1@x"),
        ("(first) < img1@x >", "img1@x"),
        ("img1@x (first)", "img1@x"),
        ("<img1@x", "img1@x"),
    ] {
        let picture =
            format!("Content-Type: image/gif; name=a.gif\r\nContent-ID: {written}\r\n\r\nGIF\r\n");
        let page = "Content-Type: text/html\r\n\r\n<img src=\"cid:img1@x\">\r\n";
        let raw = multipart("related", &[page, &picture]);
        let message = mime::message(raw.as_bytes());
        assert_eq!(message.attachments[0].content_id.as_deref(), Some(id), "{written}");
        assert!(message.attachments[0].is_inline, "{written}");
    }
}

/// MS-OXCMSG 2.2.2.29: the base MUST be there, and RFC 2557 section 5 has it.
#[test]
fn a_relative_location_has_a_base() {
    for (location, base) in [
        ("a.gif", Some("thismessage:/")),
        ("http://x.example/a.gif", None),
        ("a.gif\r\nContent-Base: http://x.example/", Some("http://x.example/")),
    ] {
        let raw = format!("Content-Type: image/gif\r\nContent-Location: {location}\r\n\r\nGIF");
        let message = mime::message(raw.as_bytes());
        assert_eq!(message.attachments[0].base.as_deref(), base, "{location}");
    }
}

#[test]
fn a_second_field_of_those_that_are_read_is_named() {
    for field in ["Content-Type: a/b", "Content-Transfer-Encoding: 8bit", "Importance: low"] {
        let (name, value) = field.split_once(": ").unwrap();
        let head =
            "Content-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\nImportance: high";
        let raw = format!("{head}\r\n{field}\r\n\r\ntext");
        let message = mime::message(raw.as_bytes());
        let told: Vec<String> = message.exceptions.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains(&format!("another {name}")) && told[0].contains(value),
            "{told:?}"
        );
        if !name.starts_with("Imp") {
            // Nor does a part have two.
            let raw = multipart("mixed", &[&raw]);
            assert_eq!(mime::message(raw.as_bytes()).exceptions, message.exceptions);
        }
    }
}

#[test]
fn nobody_is_made_of_a_comment_or_loses_an_address() {
    let raw = "To: unlisted-recipients:; (no To-header on input)\r\nCc: Bob <>\r\n\
        Bcc: =?utf-8?Q?jo=C3=A9?=@x.example\r\n\r\ntext";
    let mut message = mime::message(raw.as_bytes());
    mime::add_envelope(&mut message, &["jo\u{e9}@x.example"]);
    let seen: Vec<_> = message
        .recipients
        .iter()
        .map(|one| (one.kind as i32, one.address.name.as_str(), one.address.address.as_str()))
        .collect();
    assert_eq!(seen, [(1, "Bob", ""), (2, "", "jo\u{e9}@x.example")]);
}

#[test]
fn who_is_out_of_form_in_a_header_is_not_added_as_blind() {
    let raw = "To: <<eve@x.example>>, \"Bob <bob@x.example>, 'carol@x.example'\r\n\
        Cc: dave@d.example>, \"fay@x.example\"\r\n\r\ntext";
    let mut message = mime::message(raw.as_bytes());
    let people =
        ["eve@x.example", "bob@x.example", "carol@x.example", "dave@d.example", "fay@x.example"];
    mime::add_envelope(&mut message, &people);
    let seen: Vec<_> = message.recipients.iter().map(|one| one.address.address.as_str()).collect();
    assert_eq!(seen, people);
}

use super::*;
use crate::pst::model::{Importance, Sensitivity};

#[test]
fn only_whom_no_header_names_is_added() {
    let mut message = message(b"To: Alice <alice@a.example>, <BOB@b.example>\r\n\r\n");
    let envelope = ["Alice@A.example", "bob@b.example", "EX:/o=Corp/cn=Eve", "/O=Corp/CN=Eve"];
    add_envelope(&mut message, &envelope);
    let added: Vec<_> =
        message.recipients.iter().filter(|one| one.source == Source::Envelope).collect();
    assert_eq!(added.len(), 1, "{added:?}");
    assert_eq!(added[0].kind, RecipientKind::Bcc);
    assert_eq!(added[0].address.address, "/o=Corp/cn=Eve");
}

#[test]
fn what_no_property_has_is_named() {
    let raw = b"From: Bob <b@x.example>, Eve <e@x.example>\r\nReply-To: r@x.example, \
        Ann <a@x.example>\r\nSubject: one\r\nSubject: two\r\nDate: Tue, 1 Jul 2025 \
        10:00:00 +0200\r\nDate: never\r\nKeywords: a, b\r\nReturn-Receipt-To: b@x.example\r\n\
        Message-ID: <1@x>\r\nMessage-ID: <2@x>\r\nReferences: <3@x>\r\nReferences: <4@x>\r\n\
        Sender: s@x.example\r\nSender: t@x.example\r\nIn-Reply-To: <5@x>\r\n\
        In-Reply-To: <6@x>\r\nThread-Index: !!\r\n\r\n";
    let message = message(raw);
    let reply_to: Vec<_> = message.reply_to.iter().map(Address::display).collect();
    assert_eq!(reply_to, ["r@x.example", "Ann"]);
    let named = |field, value: &str| Exception::OnlyInHeaders { field, value: value.to_owned() };
    let expected = [
        named("another author", "Eve <e@x.example>"),
        named("another Sender", "t@x.example"),
        named("another Subject", "two"),
        named("another Date", "never"),
        named("another Message-ID", "<2@x>"),
        named("another In-Reply-To", "<6@x>"),
        named("another References", "<4@x>"),
        named("Keywords", "a, b"),
        named("Return-Receipt-To", "b@x.example"),
        named("Thread-Index", "!!"),
    ];
    assert_eq!(message.exceptions, expected);
}

/// RFC 2387 section 3.2.
#[test]
fn the_root_of_related_parts_may_not_be_the_first() {
    let of = |start: &str| {
        let raw = format!(
            "Content-Type: multipart/related; boundary=b{start}\r\n\r\n--b\r\n\
             Content-Type: image/png\r\nContent-ID: <p@x>\r\n\r\npng\r\n--b\r\n\
             Content-Type: text/html; name=mail.html\r\nContent-ID: <root@x>\r\n\r\n\
             <img src=cid:p@x>heron\r\n--b--\r\n"
        );
        let message = message(raw.as_bytes());
        let inline = message.attachments.iter().filter(|one| one.is_inline).count();
        (message.html.is_some(), message.attachments.len(), inline)
    };
    assert_eq!(of("; start=\"<root@x>\""), (true, 1, 1));
    assert_eq!(of("; start=\"<p@x>\""), (false, 2, 0));
    assert_eq!(of(""), (false, 2, 0));
}

#[test]
fn fields_are_as_they_were_written() {
    let raw = b"In-Reply-To: =?iso-8859-1?Q?Ihre_=FC?= <a@x>\r\n\
        Keywords: =?iso-8859-1?Q?=FC?=\r\nThread-Topic: =?iso-8859-1?Q?=FC?=\r\n\r\n";
    let message = message(raw);
    let reply = message.in_reply_to.as_deref();
    assert_eq!(reply, Some("=?iso-8859-1?Q?Ihre_=FC?= <a@x>"));
    assert_eq!(message.topic.as_deref(), Some("\u{fc}"));
    let value = "=?iso-8859-1?Q?=FC?=".to_owned();
    assert_eq!(message.exceptions, [Exception::OnlyInHeaders { field: "Keywords", value }]);
}

#[test]
fn a_mail_of_broken_text_with_a_name_has_a_body_and_its_bytes() {
    let raw = b"Content-Type: text/plain; name=log.txt; charset=utf-8\r\n\r\ncaf\xe9 the text";
    let message = message(raw);
    assert_eq!(message.text.as_deref(), Some("caf\u{fffd} the text"));
    assert_eq!(message.attachments.len(), 1);
    assert!(matches!(&message.exceptions[..], [Exception::BrokenCharset { .. }]));
}

/// RFC 5322 section 2.2: a CR alone ends no line.
#[test]
fn a_return_within_a_header_names_nobody() {
    let raw = b"To: bob@x.example\r\nSubject: hi\rTo: ghost@x.example\rBcc: g@x.example\r\n\r\nhi";
    let message = message(raw);
    let to: Vec<_> = message.recipients.iter().map(|it| it.address.address.as_str()).collect();
    assert_eq!(to, ["bob@x.example"]);
    assert_eq!(message.subject, "hi To: ghost@x.example Bcc: g@x.example");
    assert_eq!(message.exceptions, [Exception::HeaderReturns]);
}

#[test]
fn a_type_without_its_semicolon_is_read() {
    let message = message(b"Content-Type: text/plain charset=koi8-r\r\n\r\n\xF0");
    assert_eq!((message.text.as_deref(), message.attachments.len()), (Some("\u{41F}"), 0));
    assert_eq!(message.exceptions, []);
}

#[test]
fn an_encoded_word_that_is_not_closed_takes_no_other_field() {
    let fields = [
        "Subject: =?utf-8?Q?Agreed",
        "To: Bob <bob@b.example>",
        "Message-ID: <1@x>",
        "X-Mailer: =?utf-8?B?Y3V0",
        "Cc: eve@b.example",
        "Content-Type: application/pdf; name=\"=?utf-8?Q?k",
        "Content-Disposition: attachment",
        "X-Ref: <http://x.example/?=1>",
    ];
    let raw = format!("{}\r\n\r\nbytes", fields.join("\r\n"));
    let message = message(raw.as_bytes());
    assert_eq!(message.subject, "=?utf-8?Q?Agreed");
    assert_eq!(message.message_id.as_deref(), Some("<1@x>"));
    let people: Vec<&str> = message.recipients.iter().map(|it| &*it.address.address).collect();
    assert_eq!(people, ["bob@b.example", "eve@b.example"]);
    assert_eq!(message.attachments.len(), 1);
}

#[test]
fn text_beside_base64_is_not_in_the_file() {
    use crate::pst::model::Content;
    let head = "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let raw = format!("{head}YWJjYWJjYWJjYWJj\r\nQQ==\r\nScanned by mail gateway\r\n");
    let message = message(raw.as_bytes());
    let Content::Bytes(bytes) = &message.attachments[0].content else { panic!() };
    assert_eq!(**bytes, *b"abcabcabcabcA");
    let part = "attachment-1.pdf".to_owned();
    assert_eq!(message.exceptions, [Exception::DamagedEncoding { part }]);
}

#[test]
fn classes_are_those_of_s_mime_by_type_or_name() {
    for (field, class) in [
        ("application/pkcs7-mime; name=smime.p7m", "IPM.Note.SMIME"),
        ("application/octet-stream; name=smime.P7M", "IPM.Note.SMIME"),
        // A signature apart from what it signs is no message (MS-OXOSMIME 2.1.3).
        ("application/octet-stream; name=\"smime.p7s\"", ""),
        ("application/octet-stream; name=p7m", ""),
        ("application/pdf; name=smime.p7m", ""),
    ] {
        let raw = format!("Content-Type: {field}\r\n\r\nbytes");
        let message = message(raw.as_bytes());
        assert_eq!((message.class.as_ref(), message.attachments.len()), (class, 1), "{field}");
        let content_type = (!class.is_empty()).then_some(field);
        assert_eq!(message.content_type.as_deref(), content_type);
    }
}

#[test]
fn a_type_that_is_none_is_text() {
    for field in ["foo", "text", "\"\"", "foo; charset=utf-8"] {
        let raw = format!("Content-Type: {field}\r\n\r\nhello");
        assert_eq!(message(raw.as_bytes()).text.as_deref(), Some("hello"), "{field}");
    }
}

#[test]
fn multiparts_are_followed_as_deep_as_they_go() {
    let mut raw = "Content-Type: text/plain\r\n\r\ninnermost".to_owned();
    for level in 0..150 {
        raw = format!(
            "Content-Type: multipart/mixed; boundary=\"b{level}\"\r\n\r\n--b{level}\r\n{raw}\r\n\
             --b{level}--\r\n"
        );
    }
    let message = message(raw.as_bytes());
    assert_eq!((message.text.as_deref(), &*message.exceptions), (Some("innermost"), &[][..]));
}

#[test]
fn html_is_in_utf_8_and_says_so() {
    for (field, body, html) in [
        ("text/html", &b"<meta charset=koi8-r>\xF0"[..], "<meta charset=utf-8>\u{41F}"),
        ("text/html; charset=koi8-r", b"<meta charset=l1>\xF0", "<meta charset=utf-8>\u{41F}"),
        ("text/html; charset=koi8-r", b"\xF0", "\u{41F}"),
    ] {
        let raw = [b"Content-Type: ", field.as_bytes(), b"\r\n\r\n", body].concat();
        let message = message(&raw);
        assert_eq!((message.html.as_deref(), &*message.exceptions), (Some(html), &[][..]));
    }
}

#[test]
fn text_beside_html_is_not_all_the_text() {
    let html = "--x\r\nContent-Type: text/html\r\n\r\n<p>the <b>text</b></p>\r\n";
    let footer = "--x\r\n\r\nfooter\r\n";
    let read = |kind: &str, parts: &str| {
        let raw = format!("Content-Type: multipart/{kind}; boundary=x\r\n\r\n{parts}--x--\r\n");
        let message = owned(message(raw.as_bytes()));
        (message.text.unwrap_or_default(), message.html.unwrap_or_default())
    };
    let (text, whole) = read("mixed", &format!("{html}{footer}"));
    assert_eq!(text, "the text\r\nfooter");
    assert_eq!(whole, "<p>the <b>text</b></p><pre>footer</pre>");
    assert_eq!(read("alternative", &format!("{footer}{html}")).0, "footer");
    assert_eq!(read("mixed", html).0, "");
}

#[test]
fn resent_mail_and_groups_are_named() {
    let raw = b"To: Team: a@x.example, b@x.example;\r\nCc: undisclosed-recipients:;\r\n\
        Resent-From: r@x.example\r\nResent-Date: Tue, 1 Jul 2025 10:00:00 Z\r\n\
        Apparently-To: c@x.example\r\nExpires: Tue, 1 Jul 2025 10:00:00 Z\r\n\
        X-Message-Flag: Call\r\nSubject: s\r\n\r\n";
    let message = message(raw);
    assert_eq!((message.recipients.len(), message.subject.as_str()), (2, "s"));
    let named: Vec<_> = message.exceptions.iter().map(ToString::to_string).collect();
    for name in ["Team", "undisclosed-recipients", "Resent-From", "Resent-Date", "Apparently-To"] {
        assert!(named.iter().any(|line| line.contains(name)), "{name}: {named:?}");
    }
    assert_eq!(named.len(), 7, "{named:?}");
}

#[test]
fn conversations_are_those_that_the_sender_names() {
    let index = |bytes: usize| {
        use base64::Engine as _;
        let text = base64::prelude::BASE64_STANDARD.encode(vec![1; bytes]);
        let raw = format!("Subject: RE: a\r\nThread-Topic: b\r\nThread-Index: {text}\r\n\r\n");
        let message = owned(message(raw.as_bytes()));
        (message.topic, message.thread_index.map(|it| it.len()), message.exceptions.len())
    };
    let topic = || Some("b".to_owned());
    assert_eq!(index(22), (topic(), Some(22), 0));
    assert_eq!(index(32), (topic(), Some(32), 0));
    assert_eq!(index(1), (topic(), None, 1));
    assert_eq!(index(24), (topic(), None, 1));
}

#[test]
fn sensitivity_and_importance_are_of_the_header() {
    for (header, sensitivity, importance) in [
        ("Sensitivity: Personal", Sensitivity::Personal, Importance::Normal),
        ("Sensitivity: private", Sensitivity::Private, Importance::Normal),
        ("Sensitivity: Company-Confidential", Sensitivity::Confidential, Importance::Normal),
        ("Sensitivity: other", Sensitivity::Normal, Importance::Normal),
        ("Importance: high", Sensitivity::Normal, Importance::High),
        ("Priority: non-urgent", Sensitivity::Normal, Importance::Low),
        ("X-Priority: 1 (Highest)", Sensitivity::Normal, Importance::High),
    ] {
        let raw = format!("{header}\r\n\r\n");
        let message = message(raw.as_bytes());
        assert_eq!((message.sensitivity, message.importance), (sensitivity, importance));
    }
}

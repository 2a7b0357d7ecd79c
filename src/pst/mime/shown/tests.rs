use std::borrow::Cow;

use super::*;

fn with_id(id: &str, media_type: &str, bytes: &'static [u8]) -> Attachment<'static> {
    Attachment {
        content_id: Some(id.to_owned()),
        location: None,
        media_type: media_type.to_owned(),
        content: Content::Bytes(Cow::Borrowed(bytes)),
        ..located("", None)
    }
}

fn is_marked(mut attachment: Attachment<'_>, text: &str) -> bool {
    let html = [Html { text, base: NOWHERE }];
    mark(std::slice::from_mut(&mut attachment), &html, &mut 10);
    attachment.is_inline
}

#[test]
fn only_what_the_html_shows_is_inline() {
    let picture = |id: &str| with_id(id, "image/png", b"PNG");
    for (id, html) in [
        ("image10@x", "<img src=\"cid:image10@x\">"),
        ("a+b@x", "<IMG src=CID:a%2bb@x>"),
        ("a%2bb@x", "<img src=cid:a+b@x>"),
        ("a@b", "<img src='cid:a&#64;b'>"),
        ("a@b", "<img src='cid:a&#x40;b'>"),
        ("c@x", "<p style='background: url(cid:c@x)'>"),
        ("c@x", "<style>p { background: url('cid:c@x') }</style>"),
        ("c@x", "<table background='cid:c@x'>"),
        ("c@x", "<picture><source srcset='cid:c@x 2x'></picture>"),
        ("c@x", "<video poster=cid:c@x></video>"),
        ("c@x", "<object data=cid:c@x></object>"),
        ("c@x", "<!--[if gte vml 1]><v:imagedata src='cid:c@x'/><![endif]-->"),
        ("c@x", "<!-- one --><img src='cid:c@x'>"),
        ("c@x", "<title>a</title><img src='cid:c@x'>"),
        ("c@x", "<noscript><img src='cid:c@x'></noscript>"),
    ] {
        assert!(is_marked(picture(id), html), "{html}");
    }
    for html in [
        "<p>hi</p><!-- cid:a@b -->",
        "<!-- <img src='cid:a@b'> -->",
        "<!-- <img src='cid:a@b'>",
        "<p>see cid:a@b and url(cid:a@b)</p>",
        "<a href=\"cid:a@b\">the contract</a>",
        "<p title='cid:a@b' src='cid:a@b' data='cid:a@b'>",
        "<img alt='cid:a@b' src='cid:a'>",
        "<template><p><img src='cid:a@b'></p></template>",
        "<TEXTAREA><img src='cid:a@b'></TextArea>",
        "<title><img src='cid:a@b'></title>",
        "<script>'<img src=\"cid:a@b\">'</script>",
        "<script>'<img src=\"cid:a@b\">'",
        "<img src='cid:'>",
    ] {
        assert!(!is_marked(picture("a@b"), html), "{html}");
    }
}

/// What is no picture is seen nowhere but in the list.
#[test]
fn no_document_and_no_message_is_hidden() {
    let html = "<img src='cid:a@b'><embed src='cid:a@b'><object data='cid:a@b'>";
    for (media_type, bytes, is_inline) in [
        ("image/png", &b"PNG"[..], true),
        ("application/octet-stream", b"\x89PNG\r\n", true),
        ("application/octet-stream", b"contract", false),
        ("application/pdf", b"%PDF-1.7", false),
        ("image/png", b"%PDF-1.7", false),
        ("text/html", b"<p>", false),
    ] {
        assert_eq!(is_marked(with_id("a@b", media_type, bytes), html), is_inline);
    }
    let mut message = with_id("a@b", "image/png", b"");
    message.content = Content::Message(Box::default());
    assert!(!is_marked(message, html));
}

/// The examples of RFC 3986 section 5.4 that name something.
#[test]
fn references_are_resolved() {
    for (reference, url) in [
        ("g:h", "g:h"),
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y#s", "http://a/b/c/g?y"),
        ("", "http://a/b/c/d;p?q"),
        ("../g", "http://a/b/g"),
        ("../../../../g", "http://a/g"),
        ("g/./h/../i", "http://a/b/c/g/i"),
        ("HTTP://A/g", "http://a/g"),
    ] {
        assert_eq!(resolve("http://a/b/c/d;p?q", reference), url, "{reference}");
    }
    assert_eq!(resolve(NOWHERE, "a/b.gif"), "thismessage:/a/b.gif");
    assert_eq!(resolve("http://a", "b.gif"), "http://a/b.gif");
    assert_eq!(base_within(Some(&"x/".repeat(1024)), "http://a/"), "http://a/");
}

fn located(location: &str, base: Option<&str>) -> Attachment<'static> {
    Attachment {
        name: String::new(),
        media_type: "image/gif".to_owned(),
        content_id: None,
        location: Some(location.to_owned()),
        base: base.map(str::to_owned),
        is_inline: false,
        content: Content::Bytes(Cow::Borrowed(b"")),
    }
}

#[test]
fn what_is_embedded_is_shown_and_what_is_linked_is_not() {
    let is_shown = |html: &str| {
        let mut attachments = [located("images/a%20b.gif", Some("http://X.example/mail/"))];
        let html = [Html { text: html, base: "http://x.example/mail/index.html" }];
        mark(&mut attachments, &html, &mut 10);
        attachments[0].is_inline
    };
    for html in [
        "<img src=\"images/a%20b.gif\">",
        "<IMG alt='>' SRC='http://X.EXAMPLE/mail/images/a%20b.gif'/>",
        "<img src=../mail/./images/a%20b.gif>",
        "<td background = \"images\\a b.gif\">",
        "<p style=\"background: URL( 'images/a%20b.gif' )\">",
        "<p style=\"background: url(&quot;images/a%20b.gif&quot;)\">",
        "<source srcset='big.gif 2x, images/a%20b.gif 1x'>",
        "<base href='http://x.example/mail/images/'><base href='/'><img src='a%20b.gif'>",
        "<base href='http://elsewhere.example/'><img src='images/a%20b.gif'>",
        "<!--[if gte vml 1]><v:imagedata src=\"images/a%20b.gif\"/><![endif]-->",
        "a < b <img\nsrc\n=\nimages/a%20b.gif\n>",
        "<image xlink:href='x' href='images/a%20b.gif'>",
    ] {
        assert!(is_shown(html), "{html}");
    }
    for html in [
        "images/a%20b.gif",
        "<a href=\"images/a%20b.gif\">",
        "<img alt=\"images/a%20b.gif\">",
        "<img src=\"images/a%20b.gif",
        "<img src=\"other.gif\"> src=\"images/a%20b.gif\"",
        "<img src=\"a%20b.gif\">",
        "<img src=\"http://y.example/mail/images/a%20b.gif\">",
        "<img src=",
        "<img src",
        "<img",
        "<",
        "<img =\u{e9}",
        "<i\u{e9} \u{e9}=\u{e9}>",
        "url(",
    ] {
        assert!(!is_shown(html), "{html}");
    }
}

#[test]
fn what_is_beyond_the_bounds_stays_listed() {
    let mut left = 2;
    let html = [Html { text: "<img src=x><img src=x><img src=a.gif>", base: NOWHERE }];
    let mut attachments = [located("a.gif", None)];
    mark(&mut attachments, &html, &mut left);
    assert!(!attachments[0].is_inline && left == 0);
    mark(&mut attachments, &html, &mut 3);
    assert!(attachments[0].is_inline);
    let long = "x".repeat(URL_BYTES_MAX + 1);
    let text = format!("<img src={long}>");
    let mut attachments = [located(&long, None)];
    mark(&mut attachments, &[Html { text: &text, base: NOWHERE }], &mut 3);
    assert!(!attachments[0].is_inline);
}

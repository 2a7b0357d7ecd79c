//! Attachments that the HTML of a mail shows are marked, so that readers show them
//! there and do not list them.

use std::path::Path;

use muniment::pst::mime;
use outlook_pst::ltp::prop_context::PropertyValue;
use outlook_pst::messaging::attachment::{Attachment, UnicodeAttachment};
use outlook_pst::messaging::message::Message;
use outlook_pst::ndb::node_id::NodeId;

use super::{assert_sound, outlook_pst as reader, samples};

/// What a reader is told of an attachment.
#[derive(Debug, Default, PartialEq)]
struct Told {
    name: String,
    id: String,
    location: String,
    base: String,
    is_shown: bool,
}

fn told(file: &Path) -> Vec<Told> {
    let mut seen = Vec::new();
    reader::each(file, &mut |_, message| {
        for row in message.attachment_table().unwrap().rows_matrix() {
            let node = NodeId::from(u32::from(row.id()));
            let one = UnicodeAttachment::read(message.clone(), node, None).unwrap();
            let get = |id| one.properties().get(id);
            let text = |id| reader::string(get(id)).unwrap_or_default();
            let is_hidden = matches!(get(0x7FFE), Some(PropertyValue::Boolean(true)));
            let is_in_body = matches!(get(0x3714), Some(PropertyValue::Integer32(4)));
            assert_eq!(is_hidden, is_in_body);
            seen.push(Told {
                name: text(0x3707),
                id: text(0x3712),
                location: text(0x3713),
                base: text(0x3711),
                is_shown: is_hidden,
            });
        }
    });
    seen.sort_by(|a, b| a.name.cmp(&b.name));
    seen
}

/// A page as mailers sent it, with pictures by each of the ways that there are.
const PAGE: &str = "Subject: page\r\nMIME-Version: 1.0\r\n\
    Content-Base: http://www.example.org/mail/\r\n\
    Content-Type: multipart/related; boundary=x; type=\"text/html\"\r\n\r\n\
    --x\r\nContent-Type: text/html; charset=us-ascii\r\n\
    Content-Location: index.html\r\n\r\n\
    <body background=\"http://www.example.org/mail/absolute.gif\">\
    <img src=\"images/relative.gif\"><img src=\"cid:by.id@example.org\">\
    <img src=\"http://www.example.org/other/own-base.gif\">\
    <img src=\"very/long/name/that/is/folded.gif\">\
    <a href=\"linked.pdf\">the contract</a></body>\r\n\
    --x\r\nContent-Type: image/gif; name=absolute.gif\r\n\
    Content-Location: http://www.example.org/mail/absolute.gif\r\n\r\nGIF\r\n\
    --x\r\nContent-Type: image/gif; name=by-id.gif\r\nContent-Base: http://elsewhere.example/\r\n\
    Content-ID: <by.id@example.org>\r\n\r\nGIF\r\n\
    --x\r\nContent-Type: image/gif; name=folded.gif\r\n\
    Content-Location: very/long/\r\n name/that/is/\r\n folded.gif\r\n\r\nGIF\r\n\
    --x\r\nContent-Type: application/pdf; name=linked.pdf\r\n\
    Content-Location: linked.pdf\r\n\r\nPDF\r\n\
    --x\r\nContent-Type: image/gif; name=own-base.gif\r\n\
    Content-Base: http://www.example.org/other/\r\nContent-Location: own-base.gif\r\n\r\nGIF\r\n\
    --x\r\nContent-Type: image/gif; name=relative.gif\r\n\
    Content-Location: images/relative.gif\r\n\r\nGIF\r\n\
    --x\r\nContent-Type: image/gif; name=unshown.gif\r\n\
    Content-Location: unshown.gif\r\n\r\nGIF\r\n--x--\r\n";

#[test]
fn what_the_html_shows_by_any_url_is_marked() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("inline.pst");
    samples::write(&[(vec!["F".to_owned()], PAGE.as_bytes().to_vec())], &file);
    assert_sound(&file);
    let mail = "http://www.example.org/mail/";
    let absolute = "http://www.example.org/mail/absolute.gif";
    let one = |name: &str, location: &str, base: &str, is_shown| Told {
        name: name.to_owned(),
        id: String::new(),
        location: location.to_owned(),
        base: base.to_owned(),
        is_shown,
    };
    let by_id = Told { id: "by.id@example.org".to_owned(), ..one("by-id.gif", "", "", true) };
    let expected = [
        one("absolute.gif", absolute, mail, true),
        by_id,
        one("folded.gif", "very/long/name/that/is/folded.gif", mail, true),
        one("linked.pdf", "linked.pdf", mail, false),
        one("own-base.gif", "own-base.gif", "http://www.example.org/other/", true),
        one("relative.gif", "images/relative.gif", mail, true),
        one("unshown.gif", "unshown.gif", mail, false),
    ];
    assert_eq!(told(&file), expected);
    let mut base = None;
    reader::each(&file, &mut |_, message| {
        base = reader::string(message.properties().get(0x1014));
    });
    assert_eq!(base.as_deref(), Some("http://www.example.org/mail/index.html"));
}

#[test]
fn bases_are_of_the_html_or_of_what_is_around_it() {
    for (around, of_html, html, location) in [
        ("", "", "<img src=a.gif>", "a.gif"),
        (
            "",
            "Content-Location: http://x.example/m/\r\n",
            "<img src=a.gif>",
            "http://x.example/m/a.gif",
        ),
        (
            "",
            "Content-Base: http://x.example/m/\r\n",
            "<img src=a.gif>",
            "http://x.example/m/a.gif",
        ),
        ("Content-Location: http://x.example/m/\r\n", "", "<img src=../a.gif>", "/a.gif"),
        ("", "", "<base href=http://x.example/m/><img src=a.gif>", "http://x.example/m/a.gif"),
        ("", "Content-Base: http://x.example/\r\n", "<img src=cid:a>", "cid:a"),
        ("", "", "<img src=\"file:///C:/My%20Files/a.gif\">", "file:///C:\\My Files\\a.gif"),
        ("", "", "<img src='\u{e9}.gif'>", "=?iso-8859-1?q?=E9=2Egif?="),
    ] {
        let raw = format!(
            "{around}Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\n{of_html}\
             Content-Type: text/html\r\n\r\n{html}\r\n--x\r\nContent-Type: image/gif\r\n\
             Content-Location: {location}\r\n\r\nGIF\r\n--x--\r\n"
        );
        let message = mime::message(raw.as_bytes());
        assert!(message.attachments[0].is_inline, "{raw}");
        let other = raw.replace("src=", "alt=");
        assert!(!mime::message(other.as_bytes()).attachments[0].is_inline, "{other}");
    }
}

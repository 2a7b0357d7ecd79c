//! Properties that no view of a mailbox shows, and searches, rules and reviewers go by:
//! of one message, written here as the header has them.

use muniment::pst::mime;

use super::fields::{Mail, More};
use super::{assert_sound, outlook_pst, pst_extractor, samples};

const RAW: &[u8] = b"From: Ann <ann@a.example>\r\nSender: Sam <sam@s.example>\r\n\
    Reply-To: Rita <rita@r.example>, desk@r.example\r\nTo: Bob <bob@b.example>\r\n\
    Subject: AW: the offer\r\nThread-Topic: an offer\r\nMessage-ID: <3@a.example>\r\n\
    In-Reply-To: <2@b.example>\r\nReferences: <1@a.example>\r\n <2@b.example>\r\n\
    Thread-Index: AQIDBAUGBwgJCgsMDQ4PEBESExQVFg==\r\nImportance: High\r\n\
    Sensitivity: Company-Confidential\r\n\
    Content-Type: multipart/signed; boundary=x; protocol=\"application/pkcs7-signature\"\r\n\r\n\
    --x\r\n\r\ntext\r\n--x\r\nContent-Type: application/pkcs7-signature\r\n\r\ns\r\n--x--\r\n";

fn written(raws: &[&[u8]]) -> (Vec<Mail>, Option<Vec<Mail>>) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("named.pst");
    let mail: Vec<_> = raws.iter().map(|raw| (vec!["F".to_owned()], raw.to_vec())).collect();
    samples::write(&mail, &file);
    assert_sound(&file);
    let all = |mut seen: super::fields::Seen| seen.remove("F").unwrap();
    (all(outlook_pst::read(&file)), pst_extractor::read(&file).map(all))
}

#[test]
fn what_the_header_says_is_in_its_properties() {
    let pair = |name: &str, address: &str| [name.to_owned(), address.to_owned()];
    let expected = More {
        class: "IPM.Note.SMIME.MultipartSigned".to_owned(),
        content_type: "multipart/signed; boundary=x; protocol=\"application/pkcs7-signature\""
            .to_owned(),
        importance: 2,
        priority: 1,
        sensitivity: 3,
        has_attachments: true,
        sender: pair("Sam", "sam@s.example"),
        reply_to: vec![pair("Rita", "rita@r.example"), pair("desk@r.example", "desk@r.example")],
        reply_names: "Rita;desk@r.example".to_owned(),
        references: "<1@a.example> <2@b.example>".to_owned(),
        in_reply_to: "<2@b.example>".to_owned(),
        topic: "an offer".to_owned(),
        thread_index: (1..=22).collect(),
        address_keys: ["SAM@S", "ANN@A", "BOB@B"].map(|it| format!("SMTP:{it}.EXAMPLE\0")).to_vec(),
        search_key: Vec::new(),
    };
    let (mut seen, other) = written(&[RAW]);
    seen[0].more.search_key.clear();
    assert_eq!(seen[0].more, expected);
    assert_eq!(
        (seen[0].from_name.as_str(), seen[0].from_address.as_str()),
        ("Ann", "ann@a.example")
    );
    assert_eq!(seen[0].attachments[0].media_type, "multipart/signed");
    if let Some(other) = other {
        let of_more = |more: &More| (more.class.clone(), more.importance, more.sender.clone());
        assert_eq!(of_more(&other[0].more), of_more(&expected));
    }
}

#[test]
fn low_and_plain_mail_is_neither_important_nor_sensitive() {
    for (field, importance, priority) in [
        ("X-MSMail-Priority: Low", 0, -1),
        ("X-MSMail-Priority: High\r\nX-Priority: 3", 1, 0),
        ("X-MSMail-Priority: High", 2, 1),
        ("Subject: none", 1, 0),
    ] {
        let raw = format!("From: a@a.example\r\n{field}\r\n\r\ntext");
        let (seen, _) = written(&[raw.as_bytes()]);
        let More { class, sensitivity, has_attachments, sender, .. } = &seen[0].more;
        assert_eq!((seen[0].more.importance, seen[0].more.priority), (importance, priority));
        assert_eq!((class.as_str(), *sensitivity, *has_attachments), ("IPM.Note", 0, false));
        assert_eq!(*sender, ["a@a.example", "a@a.example"]);
    }
}

#[test]
fn messages_are_found_by_keys_of_their_own() {
    let (seen, _) = written(&[RAW, b"Subject: a\r\n\r\none", b"Subject: a\r\n\r\ntwo"]);
    let mut keys: Vec<_> = seen.iter().map(|mail| mail.more.search_key.clone()).collect();
    assert!(keys.iter().all(|key| key.len() == 16), "{keys:?}");
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3);
    assert_eq!(mime::message(RAW).thread_index.map(|index| index.len()), Some(22));
}

//! Properties that no view of a mailbox shows, and searches, rules and reviewers go by:
//! of one message, written here as the header has them.

use ::outlook_pst::ltp::prop_context::PropertyValue;
use ::outlook_pst::messaging::message::Message as _;
use muniment::base::clock::Clock;
use muniment::pst::mime;
use muniment::pst::model::Address;

use super::entry::OneOff;
use super::fields::{Mail, More};
use super::{assert_sound, outlook_pst, pst_extractor, samples};

const RAW: &[u8] = b"From: Ann <ann@a.example>\r\nSender: Sam <sam@s.example>\r\n\
    Reply-To: Rita <rita@r.example>, desk@r.example\r\nTo: Bob <bob@b.example>\r\n\
    Subject: AW: the offer\r\nThread-Topic: an offer\r\nMessage-ID: <3@a.example>\r\n\
    In-Reply-To: <2@b.example>\r\nReferences: <1@a.example>\r\n <2@b.example>\r\n\
    Date: Tue, 1 Jul 2025 10:00:00 +0200\r\nThread-Index: AQIDBAUGBwgJCgsMDQ4PEBESExQVFg==\r\nImportance: High\r\n\
    Sensitivity: Company-Confidential\r\n\
    Content-Type: multipart/signed; boundary=x; protocol=\"application/pkcs7-signature\"\r\n\r\n\
    --x\r\n\r\ntext\r\n--x\r\nContent-Type: application/pkcs7-signature\r\n\r\ns\r\n--x--\r\n";

fn file(raws: &[&[u8]]) -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("named.pst");
    let mail: Vec<_> = raws.iter().map(|raw| (vec!["F".to_owned()], raw.to_vec())).collect();
    samples::write(&mail, &file);
    assert_sound(&file);
    (directory, file)
}

fn written(raws: &[&[u8]]) -> (Vec<Mail>, Option<Vec<Mail>>) {
    let (_directory, file) = file(raws);
    let all = |mut seen: super::fields::Seen| seen.remove("F").unwrap();
    (all(outlook_pst::read(&file)), pst_extractor::read(&file).map(all))
}

#[test]
fn what_the_header_says_is_in_its_properties() {
    let pair = |name: &str, address: &str| [name.to_owned(), address.to_owned()];
    let entry = |name: &str, address: &str| {
        OneOff::of(&Address { name: name.to_owned(), address: address.to_owned() })
    };
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
        native_body: 1,
        code_page: 65_001,
        made: [Some(1_751_356_800); 2],
        smtp_addresses: ["sam@s.example", "ann@a.example"].map(str::to_owned),
        sender_entries: vec![entry("Sam", "sam@s.example"), entry("Ann", "ann@a.example")],
        recipient_entries: vec![entry("Bob", "bob@b.example"); 2],
        ascii_names: vec!["Bob".to_owned()],
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
        let entries = |more: &More| (more.smtp_addresses.clone(), more.sender_entries.clone());
        assert_eq!(entries(&other[0].more), entries(&expected));
        let rest = |more: &More| (more.native_body, more.code_page, more.made);
        assert_eq!(rest(&other[0].more), rest(&expected));
    }
}

/// MS-OXCDATA 2.2.5.1, byte by byte.
#[test]
fn people_are_in_one_off_entries() {
    let raw = b"From: \xC3\x89va <e@x>\r\nTo: /o=Corp/cn=Eve\r\n\r\n";
    let (_directory, file) = file(&[raw]);
    let mut seen = Vec::new();
    outlook_pst::each(&file, &mut |_, message| {
        for id in [0x0C19, 0x0041] {
            let Some(PropertyValue::Binary(bytes)) = message.properties().get(id) else {
                panic!("{id:04X}");
            };
            seen.push(bytes.buffer().to_vec());
        }
    });
    let expected = [
        &b"\0\0\0\0"[..],
        b"\x81\x2B\x1F\xA4\xBE\xA3\x10\x19\x9D\x6E\x00\xDD\x01\x0F\x54\x02",
        b"\0\0\x01\x80",
        b"\xC9\0v\0a\0\0\0",
        b"S\0M\0T\0P\0\0\0",
        b"e\0@\0x\0\0\0",
    ];
    assert_eq!(seen, [expected.concat(), expected.concat()]);
    let mail = &outlook_pst::read(&file)["F"][0];
    let eve = &mail.more.recipient_entries[0];
    assert_eq!((eve.kind.as_str(), eve.address.as_str()), ("EX", "/o=Corp/cn=Eve"));
}

#[test]
fn names_that_old_programs_read_are_short_and_in_ascii() {
    let raw = b"From: a@x\r\nTo: \xC3\x89va <e@x>, b@x\r\nDate: 1 Jul 2025 10:00 +0200\r\n\
        Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n\
        <p>page</p>\r\n--x\r\n\
        Content-Disposition: attachment; filename=\"Quarterly report.final.docx\"\r\n\r\na\r\n\
        --x\r\nContent-Disposition: attachment; filename=README\r\n\r\nb\r\n--x--\r\n";
    let (seen, other) = written(&[raw]);
    for mail in [Some(&seen[0]), other.as_ref().map(|other| &other[0])].into_iter().flatten() {
        let extensions = mail.attachments.iter().map(|one| one.extension.as_str());
        assert_eq!(extensions.collect::<Vec<_>>(), [".docx", ""]);
        assert_eq!((mail.more.native_body, mail.more.code_page), (3, 65_001));
        assert_eq!(mail.more.made, [Some(1_751_356_800); 2]);
    }
    let names = seen[0].attachments.iter().map(|one| one.short_name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["Quarterl.doc", "README"]);
    assert_eq!(seen[0].more.ascii_names, ["?va", "b@x"]);
}

/// MS-PST 2.4.5.1.1 has them in every message.
#[test]
fn a_message_without_a_date_was_made_when_it_was_written() {
    let before = Clock::System.now().seconds();
    let (seen, _) = written(&[b"Subject: none\r\n\r\ntext"]);
    let [made, changed] = seen[0].more.made;
    assert!(made.is_some_and(|made| (before..before + 600).contains(&made)), "{made:?}");
    assert_eq!((made, seen[0].sent, seen[0].received), (changed, None, None));
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

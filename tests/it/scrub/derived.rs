//! Rows of what was derived, changed one by one, each in a copy of its own of the same
//! archive: each is named, and nothing else is.

use std::fs;

use super::copy::{Copy, check, found};
use crate::support::served::{Made, Sender, Served, init};
use crate::support::{attach, note, until};
use muniment::verify::scrub::finding::FAULTS;

fn fixture_mail(name: &str) -> Vec<u8> {
    let text = fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    match name.ends_with(".eml") && !text.contains(&b'\r') {
        true => String::from_utf8(text).unwrap().replace('\n', "\r\n").into_bytes(),
        false => text,
    }
}

/// By the number of its delivery: a message; one with a document; a report; the same
/// message reported for somebody else; the message again by another way; one with closed
/// documents.
fn mail() -> Vec<Vec<u8>> {
    let headers = |number: u32| {
        format!(
            "From: Ann <ann@example.com>\r\nTo: bob@example.com\r\nSubject: number {number}\r\n\
             Message-ID: <{number}@example.com>\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n"
        )
    };
    let report = fixture_mail("journal/typed.eml");
    let other = String::from_utf8(report.clone()).unwrap();
    assert!(other.contains("Bcc: hidden@contoso.com"));
    let inner = other.split("Content-Type: message/rfc822\r\n\r\n").nth(1).unwrap();
    let inner = inner.split("\r\n--_1d193813").next().unwrap();
    let again = inner.replace("192.0.2.7", "192.0.2.8");
    assert_ne!(again, inner);
    vec![
        format!("{}\r\nThe paper boat sails.\r\n", headers(1)).into_bytes(),
        attach(&headers(2), "A note.", &note(1)),
        report,
        other.replace("hidden@contoso.com", "secret@contoso.com").into_bytes(),
        again.into_bytes(),
        attach(&headers(6), "Closed.", &fixture_mail("locked/aes256.zip")),
    ]
}

async fn fixture() -> Made {
    let made = init();
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    for message in mail() {
        sender.send(&made.said["journal"], &message).unwrap();
    }
    until("all is derived", || served.is_settled());
    served.stop();
    let report = check(&made.config).await;
    assert_eq!((report.result, found(&report)), ("whole", Vec::new()), "{report:#?}");
    assert!(report.notes.iter().all(|note| note.kind != "derived-not-compared"), "{report:#?}");
    let copy = Copy::of(&made);
    for (what, sql) in [
        (
            "two versions of a message",
            "SELECT CAST(COUNT(*) = 2 AS TEXT) FROM set_message WHERE set_id = {s3}",
        ),
        (
            "three deliveries",
            "SELECT CAST(COUNT(*) = 3 AS TEXT) FROM set_delivery WHERE set_id = {s3}",
        ),
        (
            "documents in one",
            "SELECT CAST(COUNT(*) > 1 AS TEXT) FROM attachment WHERE set_id = {s6}",
        ),
        ("gaps of a set", "SELECT CAST(COUNT(*) > 0 AS TEXT) FROM gap WHERE set_id = {s6}"),
        ("parts", "SELECT CAST(COUNT(*) > 0 AS TEXT) FROM part"),
    ] {
        assert_eq!(copy.ask(&filled(&copy, sql).await).await, "1", "{what}");
    }
    made
}

/// What differs where nobody did anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_with_other_line_ends_and_mail_that_is_too_large_are_whole() {
    let header = |number: u32| {
        format!(
            "From: Ann <ann@example.com>\r\nMessage-ID: <{number}@example.com>\r\nSubject: {number}\r\n\
             Date: Mon, 5 Jan 2026 10:00:00 +0000\r\n"
        )
    };
    let twin = format!(
        "{}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nA list.\r\n--b\r\n\
         Content-Type: text/plain; name=a.txt\r\n\r\none\r\ntwo\r\n--b--\r\n",
        header(1)
    );
    let long = format!("X-Long: {}\r\n{}\r\nToo long.\r\n", "a".repeat(3 << 20), header(2));
    let made = init();
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    for message in [&twin, &format!("{}\r\n", twin.replace("\r\n", "\n")), &long] {
        sender.send(&made.said["journal"], message.as_bytes()).unwrap();
    }
    until("all is derived", || served.is_settled());
    served.stop();
    let report = check(&made.config).await;
    assert_eq!((report.result, found(&report)), ("whole", Vec::new()), "{report:#?}");
    let copy = Copy::of(&made);
    for sql in [
        "SELECT CAST(COUNT(*) = 2 AS TEXT) FROM set_message WHERE set_id = {s1}",
        "SELECT CAST(COUNT(*) > 0 AS TEXT) FROM gap WHERE seq = 3",
    ] {
        assert_eq!(copy.ask(&filled(&copy, sql).await).await, "1", "{sql}");
    }
}

/// `{s3}` is the set of the third delivery, `{r3}` its record, `{a:x}` the number of an
/// address, `{g6}` the last gap of the sixth, `{p}` the segment that brings parts.
async fn filled(copy: &Copy, text: &str) -> String {
    let mut text = text.to_owned();
    for seq in 1..=6 {
        let marks = [
            (
                format!("{{s{seq}}}"),
                format!("SELECT CAST(set_id AS TEXT) FROM set_delivery WHERE seq = {seq}"),
            ),
            (
                format!("{{r{seq}}}"),
                format!("SELECT lower(hex(record_id)) FROM delivery WHERE seq = {seq}"),
            ),
            (
                format!("{{g{seq}}}"),
                format!("SELECT CAST(MAX(gap_id) AS TEXT) FROM gap WHERE seq = {seq}"),
            ),
        ];
        for (mark, sql) in marks {
            if text.contains(&mark) {
                text = text.replace(&mark, &copy.ask(&sql).await);
            }
        }
    }
    if text.contains("{p}") {
        text = text.replace("{p}", &copy.ask("SELECT lower(hex(segment_id)) FROM part").await);
    }
    while let Some(at) = text.find("{a:") {
        let end = at + text[at..].find('}').unwrap();
        let sql = format!(
            "SELECT CAST(address_id AS TEXT) FROM address WHERE address = '{}'",
            &text[at + 3..end]
        );
        let id = copy.ask(&sql).await;
        text.replace_range(at..=end, &id);
    }
    text
}

const CHANGED: &str = "derived-row-changed";
const MISSING: &str = "derived-row-missing";
const EXTRA: &str = "derived-row-extra";

const SET_1: &[(&str, &str)] = &[(CHANGED, "message_set {s1}")];
const FILE_2: &[(&str, &str)] = &[(CHANGED, "attachment {s2} 0")];

const DERIVED: &[(&str, &[(&str, &str)])] = &[
    // Who took part.
    (
        "UPDATE participant SET role = 'cc' WHERE seq = 1 AND role = 'to'",
        &[
            (MISSING, "participant {s1} {a:bob@example.com} to header 1"),
            (EXTRA, "participant {s1} {a:bob@example.com} cc header 1"),
        ],
    ),
    (
        "UPDATE participant SET address_id = {a:ann@example.com} WHERE seq = 1 AND role = 'to'",
        &[
            (MISSING, "participant {s1} {a:bob@example.com} to header 1"),
            (EXTRA, "participant {s1} {a:ann@example.com} to header 1"),
        ],
    ),
    (
        "UPDATE participant SET source = 'envelope' WHERE seq = 1 AND role = 'to'",
        &[
            (MISSING, "participant {s1} {a:bob@example.com} to header 1"),
            (EXTRA, "participant {s1} {a:bob@example.com} to envelope 1"),
        ],
    ),
    (
        "UPDATE participant SET source = 'hearsay' WHERE seq = 1 AND role = 'to'",
        &[
            (MISSING, "participant {s1} {a:bob@example.com} to header 1"),
            (EXTRA, "participant {s1} {a:bob@example.com} to hearsay 1"),
        ],
    ),
    (
        "UPDATE participant SET name = 'Eve' WHERE seq = 1 AND role = 'from'",
        &[(CHANGED, "participant {s1} {a:ann@example.com} from header 1")],
    ),
    (
        "DELETE FROM participant WHERE seq = 1 AND role = 'to'",
        &[(MISSING, "participant {s1} {a:bob@example.com} to header 1")],
    ),
    (
        "UPDATE participant SET seq = 2 WHERE seq = 1 AND role = 'to'",
        &[(EXTRA, "participant {s1} {a:bob@example.com} to header 2")],
    ),
    (
        "UPDATE participant SET set_id = {s2} WHERE seq = 1 AND role = 'to'",
        &[
            (MISSING, "participant {s1} {a:bob@example.com} to header 1"),
            (EXTRA, "participant {s2} {a:bob@example.com} to header 1"),
        ],
    ),
    (
        "DELETE FROM participant WHERE role = 'bcc' AND seq = 3",
        &[(MISSING, "participant {s3} {a:hidden@contoso.com} bcc envelope 3")],
    ),
    (
        "INSERT INTO participant VALUES ({s1}, {a:ann@example.com}, 'bcc', 'envelope', 1, '')",
        &[(EXTRA, "participant {s1} {a:ann@example.com} bcc envelope 1")],
    ),
    (
        "INSERT INTO participant VALUES ({s1}, {a:ann@example.com}, 'bcc', 'header', 99, '')",
        &[(EXTRA, "participant {s1} {a:ann@example.com} bcc header 99")],
    ),
    (
        "UPDATE address SET address = 'eve@example.com' WHERE address = 'hidden@contoso.com'",
        &[(CHANGED, "address {a:hidden@contoso.com}")],
    ),
    (
        "DELETE FROM address WHERE address = 'hidden@contoso.com'",
        &[(MISSING, "address {a:hidden@contoso.com}")],
    ),
    // What lists show.
    ("UPDATE message_set SET subject = 'other' WHERE set_id = {s1}", SET_1),
    ("UPDATE message_set SET from_text = 'Eve' WHERE set_id = {s1}", SET_1),
    ("UPDATE message_set SET message_id = 'other' WHERE set_id = {s1}", SET_1),
    ("UPDATE message_set SET sent_at = sent_at - 1 WHERE set_id = {s1}", SET_1),
    ("UPDATE message_set SET sent_at = NULL WHERE set_id = {s1}", SET_1),
    ("UPDATE message_set SET received_at = received_at - 1 WHERE set_id = {s1}", SET_1),
    ("UPDATE message_set SET size_bytes = size_bytes + 1 WHERE set_id = {s1}", SET_1),
    ("UPDATE message_set SET attachment_count = 7 WHERE set_id = {s1}", SET_1),
    ("UPDATE message_set SET is_proven = 1 - is_proven WHERE set_id = {s1}", SET_1),
    ("UPDATE message_set SET first_seq = 2 WHERE set_id = {s1}", SET_1),
    ("UPDATE message_set SET message_sha256 = zeroblob(32) WHERE set_id = {s1}", SET_1),
    ("UPDATE message_set SET set_key = zeroblob(32) WHERE set_id = {s1}", SET_1),
    ("UPDATE message_set SET subject = x'00', sent_at = 'text' WHERE set_id = {s1}", SET_1),
    ("DELETE FROM message_set WHERE set_id = {s1}", &[(MISSING, "message_set {s1}")]),
    (
        "INSERT INTO message_set SELECT 900, zeroblob(32), message_sha256, first_seq, subject,
             from_text, message_id, sent_at, received_at, size_bytes, attachment_count, is_proven
         FROM message_set WHERE set_id = {s1}",
        &[(EXTRA, "message_set 900")],
    ),
    // In which set a message is.
    (
        "DELETE FROM set_message WHERE set_id = {s1}",
        &[(MISSING, "set_message {s1} of record {r1}")],
    ),
    (
        "UPDATE set_message SET set_id = {s2} WHERE set_id = {s1}",
        &[(CHANGED, "set_message {s1} of record {r1}"), (EXTRA, "set_message {s2}")],
    ),
    ("INSERT INTO set_message VALUES (randomblob(32), {s1})", &[(EXTRA, "set_message {s1}")]),
    ("INSERT INTO set_message VALUES (randomblob(32), 900)", &[(EXTRA, "set_message 900")]),
    (
        "DELETE FROM set_delivery WHERE seq = 1",
        &[(MISSING, "set_delivery of record {r1} 0"), (EXTRA, "message_set {s1}")],
    ),
    (
        "UPDATE set_delivery SET set_id = {s2} WHERE seq = 1",
        &[(CHANGED, "set_delivery {s2} 1 0"), (EXTRA, "message_set {s1}")],
    ),
    ("INSERT INTO set_delivery VALUES ({s2}, 1, 0)", &[(EXTRA, "set_delivery {s2} 1 0")]),
    ("INSERT INTO set_delivery VALUES ({s1}, 1, 9)", &[(EXTRA, "set_delivery {s1} 1 9")]),
    (
        "INSERT INTO set_delivery VALUES ({s1}, 5000, 0); UPDATE cursor SET position = 5000
         WHERE follower = 'derive'",
        &[(EXTRA, "set_delivery {s1} 5000 0")],
    ),
    // Documents.
    ("UPDATE attachment SET name = 'other.txt' WHERE set_id = {s2}", FILE_2),
    ("UPDATE attachment SET path = 'other.txt' WHERE set_id = {s2}", FILE_2),
    ("UPDATE attachment SET media_type = 'image/png' WHERE set_id = {s2}", FILE_2),
    ("UPDATE attachment SET size_bytes = 1 WHERE set_id = {s2}", FILE_2),
    ("UPDATE attachment SET sha256 = zeroblob(32) WHERE set_id = {s2}", FILE_2),
    ("UPDATE attachment SET md5 = zeroblob(16) WHERE set_id = {s2}", FILE_2),
    (
        "UPDATE attachment SET is_part = 0 WHERE set_id = {s2}",
        &[(CHANGED, "attachment {s2} 0"), (CHANGED, "message_set {s2}")],
    ),
    (
        "UPDATE attachment SET has_text = 0 WHERE set_id = {s2}",
        &[(MISSING, "gap of attachment {s2} 0")],
    ),
    ("DELETE FROM attachment WHERE set_id = {s2}", &[(MISSING, "attachment {s2}")]),
    (
        "INSERT INTO attachment SELECT set_id, 1, parent, name, path, media_type, size_bytes,
             sha256, has_text, is_part, language, is_ocred, about, md5
         FROM attachment WHERE set_id = {s2}",
        &[(EXTRA, "attachment {s2} 1")],
    ),
    (
        "UPDATE attachment SET ordinal = 7 WHERE set_id = {s6} AND ordinal = 1",
        &[
            (MISSING, "attachment {s6} 1"),
            (MISSING, "gap of attachment {s6} 7"),
            (CHANGED, "gap {g6}"),
        ],
    ),
    (
        "UPDATE attachment SET parent = NULL WHERE set_id = {s6} AND ordinal = 1",
        &[(CHANGED, "attachment {s6} 1"), (EXTRA, "attachment {s6} 1")],
    ),
    (
        "UPDATE attachment SET name = 'other' WHERE set_id = {s6} AND ordinal = 1",
        &[(CHANGED, "attachment {s6} 1")],
    ),
    // What could not be read.
    ("DELETE FROM gap WHERE gap_id = {g6}", &[(MISSING, "gap of attachment {s6} 1")]),
    ("UPDATE gap SET path = 'other' WHERE gap_id = {g6}", &[(CHANGED, "gap {g6}")]),
    ("UPDATE gap SET media_type = 'other/other' WHERE gap_id = {g6}", &[(CHANGED, "gap {g6}")]),
    (
        "UPDATE gap SET ordinal = 0 WHERE gap_id = {g6}",
        &[(CHANGED, "gap {g6}"), (MISSING, "gap of attachment {s6} 1")],
    ),
    ("UPDATE gap SET seq = 1 WHERE gap_id = {g6}", &[(EXTRA, "gap {g6}")]),
    (
        "INSERT INTO gap VALUES (900, 1, NULL, NULL, '', 'message/rfc822', 'damaged', '')",
        &[(EXTRA, "gap 900")],
    ),
    (
        "INSERT INTO gap VALUES (900, 1, {s1}, NULL, '', 'message/rfc822', 'crashed', '')",
        &[(EXTRA, "gap 900")],
    ),
    (
        "INSERT INTO gap VALUES (900, 99, NULL, NULL, '', 'message/rfc822', 'damaged', '')",
        &[(EXTRA, "gap 900")],
    ),
    // Parts, erased records, and how far followers are.
    ("DELETE FROM part", &[(MISSING, "part of segment {p}")]),
    (
        "UPDATE part SET name = zeroblob(32)",
        &[(EXTRA, "part of segment {p}"), (MISSING, "part of segment {p}")],
    ),
    ("UPDATE part SET entry = entry + 7", &[(EXTRA, "part of segment {p}")]),
    (
        "INSERT INTO erased SELECT record_id, 1 FROM delivery WHERE seq = 1",
        &[(EXTRA, "erased {r1}")],
    ),
    ("UPDATE cursor SET position = 3 WHERE follower = 'derive'", &[(CHANGED, "cursor derive")]),
    ("UPDATE cursor SET position = 5000 WHERE follower = 'seal'", &[(CHANGED, "cursor seal")]),
    // What hides what is missing.
    (
        "DELETE FROM participant WHERE seq = 1 AND role = 'to';
         INSERT INTO pending_reading (seq, entry, set_id, node) VALUES (1, 0, NULL, '')",
        &[(MISSING, "participant {s1} {a:bob@example.com} to header 1")],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_row_that_no_record_gives_is_named_and_nothing_else() {
    let made = fixture().await;
    let mut otherwise = Vec::new();
    for (sql, expected) in DERIVED {
        let copy = Copy::of(&made);
        let mut named = Vec::new();
        for (kind, object) in *expected {
            assert!(FAULTS.contains(kind), "{kind}");
            named.push(((*kind).to_owned(), filled(&copy, object).await));
        }
        named.sort();
        let sql = filled(&copy, sql).await;
        copy.sql(&sql).await;
        let found = found(&check(&copy.config).await);
        if found != named {
            otherwise.push(format!("{sql}: {found:?} and not {named:?}"));
        }
    }
    assert!(otherwise.is_empty(), "{otherwise:#?}");
}

/// What is made in the catalog beside its rows, and what of it is named.
const STRUCTURE: &[(&str, &str, &str)] = &[
    (
        "CREATE TRIGGER hook AFTER INSERT ON hold BEGIN UPDATE hold SET released_at = 1; END",
        "structure-extra",
        "trigger hook",
    ),
    ("CREATE VIEW window AS SELECT * FROM person", "structure-extra", "view window"),
    ("CREATE TABLE shadow (a)", "structure-extra", "table shadow"),
    ("CREATE INDEX aside ON person (role)", "structure-extra", "index aside"),
    ("ALTER TABLE person ADD COLUMN secret TEXT", "structure-extra", "column person.secret"),
    ("DROP INDEX disposition_open", "structure-missing", "index disposition_open"),
    (
        "DROP INDEX disposition_open;
         CREATE UNIQUE INDEX disposition_open ON disposition (class, epoch)
             WHERE state IN ('destroying')",
        "structure-changed",
        "index disposition_open",
    ),
    ("DROP TABLE login_failure", "structure-missing", "table login_failure"),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_made_in_the_catalog_is_named() {
    let made = init();
    Served::start(&made.config, &[]).unwrap().stop();
    let report = check(&made.config).await;
    assert_eq!(found(&report), [], "{report:#?}");
    for (sql, kind, object) in STRUCTURE {
        let copy = Copy::of(&made);
        copy.define(sql).await;
        let report = check(&copy.config).await;
        let named = found(&report);
        assert!(named.contains(&((*kind).to_owned(), (*object).to_owned())), "{sql}: {report:#?}");
        let table = object.split_once(' ').map_or("", |(_, name)| name.split('.').next().unwrap());
        let is_its = |(kind, object): &(String, String)| {
            kind.starts_with("structure-") && object.contains(table)
        };
        assert!(named.iter().all(is_its), "{sql}: {report:#?}");
    }
}

//! Journal reports: every variant under `tests/fixtures/journal` is read as the
//! JSON beside it says, and the captured reports of the corpus as they look.

use std::path::{Path, PathBuf};

use muniment::base::config::Sends;
use muniment::base::hash::Digest;
use muniment::mail::delivery::{self, Delivery, Form, Role, entry_bytes};
use muniment::mail::journal::{Envelope, Kind, Recipient, Via};
use muniment::mail::wrap::{self, Original, Style};
use serde_json::{Value, json};

use crate::support::corpus;

/// What the JSON beside a fixture says of a delivery. Defects are their kinds;
/// places are left to the hashes.
fn summary(delivery: &Delivery) -> Value {
    let mut value = serde_json::to_value(delivery).unwrap();
    let fields = value.as_object_mut().unwrap();
    fields.remove("sha256");
    fields.remove("size");
    for entry in fields["entries"].as_array_mut().unwrap() {
        entry.as_object_mut().unwrap().remove("place");
    }
    let defects = fields["defects"].as_array().unwrap();
    let kinds: Vec<_> = defects.iter().map(|defect| defect["kind"].clone()).collect();
    fields.insert("defects".into(), kinds.into());
    value
}

/// Reads one fixture whole and in pieces.
fn check(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    let read = delivery::read(&bytes);
    let expected = std::fs::read(path.with_extension("json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    assert_eq!(summary(&read), expected, "{}", path.display());
    check_entries(&bytes, &read);
    for step in [1, 2, 7, 64, 999] {
        assert_eq!(in_pieces(&bytes, step), read, "{} in steps of {step}", path.display());
    }
    let stored = serde_json::to_string(&read).unwrap();
    assert_eq!(serde_json::from_str::<Delivery>(&stored).unwrap(), read);
}

fn in_pieces(bytes: &[u8], step: usize) -> Delivery {
    let mut reader = delivery::Reader::new(Sends::Reports);
    bytes.chunks(step).for_each(|piece| reader.push(piece));
    reader.finish()
}

/// The places lead to bytes with the hashes that were found on the way.
pub fn check_entries(bytes: &[u8], read: &Delivery) {
    assert_eq!(read.sha256, Digest::of(bytes));
    assert_eq!(read.size, bytes.len() as u64);
    for (index, entry) in read.entries.iter().enumerate() {
        let content = entry_bytes(bytes, &read.entries, index).unwrap();
        assert_eq!(entry.size, content.len() as u64, "entry {index}");
        assert_eq!(entry.sha256, Digest::of(&content), "entry {index}");
    }
}

#[test]
fn every_variant_is_read_as_its_json_says() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|e| e == "eml") {
            check(&path);
            count += 1;
        }
    }
    assert!(count >= 72, "only {count} fixtures");
}

#[test]
fn captured_reports_are_read() {
    let Some(folder) = corpus("journal") else { return };
    for (file, recipients) in [
        ("ace/o365_journaled.email.rfc822", 1),
        ("ace/splunk_logging.email.rfc822", 1),
        ("ace3/nested_rfc822_pdf.email.rfc822", 1),
        ("ace3/o365_journaled_expanded_rcpt.email.rfc822", 3),
        ("ace3/o365_journaled_multi_rcpt.email.rfc822", 3),
    ] {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let read = delivery::read(&bytes);
        assert_eq!(read.form, Form::Report, "{file}");
        let envelope = read.envelope.as_ref().unwrap();
        assert_eq!(envelope.recipients.len(), recipients, "{file}");
        assert!(envelope.message_id.is_some() && envelope.sender.contains('@'), "{file}");
        let messages = read.entries.iter().filter(|e| e.role == Role::Message);
        assert_eq!(messages.count(), 1, "{file}");
        assert_eq!(read.defects, [], "{file}");
        check_entries(&bytes, &read);
    }
}

fn recipient(kind: Kind, address: String, via: Option<(Via, String)>) -> Recipient {
    Recipient { kind, address, via }
}

#[test]
fn ten_thousand_recipients_are_all_kept() {
    let member = |n| {
        let via = Some((Via::Expanded, "everyone@contoso.com".to_owned()));
        recipient(Kind::To, format!("member.{n}@department.contoso.com"), via)
    };
    let envelope = Envelope {
        sender: "alice@contoso.com".into(),
        recipients: (0..10_000).map(member).collect(),
        ..Envelope::default()
    };
    let original = b"Subject: all hands\r\n\r\nHello, everyone.\r\n";
    let bytes = wrap::report(&envelope, &[Original::message(original)], &Style::default());
    let read = delivery::read(&bytes);
    assert_eq!(read.envelope.unwrap(), envelope);
    assert_eq!(read.entries[0].sha256, Digest::of(original));
}

/// Every way that `wrap` writes a report is read back as it was meant.
#[test]
fn written_reports_are_read_back() {
    let envelope = Envelope {
        sender: "jörg@contoso.com".into(),
        on_behalf_of: Some("chef@contoso.com".into()),
        subject: Some("Größe: naïve café".into()),
        message_id: Some("<1@contoso.com>".into()),
        recipients: vec![
            recipient(Kind::Cc, "a@x.example".into(), None),
            recipient(
                Kind::Bcc,
                "b@x.example".into(),
                Some((Via::Forwarded, "c@x.example".into())),
            ),
        ],
        ..Envelope::default()
    };
    let original = b"From: a@x\r\nSubject: s\r\n\r\nbody without an end";
    for charset in ["utf-8", "iso-8859-1"] {
        for encoding in ["identity", "base64", "quoted-printable"] {
            for is_message_id_first in [false, true] {
                let encoding = serde_json::from_value(json!(encoding)).unwrap();
                let style = Style { charset, encoding, is_message_id_first, ..Style::default() };
                let originals = [Original { encoding, ..Original::message(original) }];
                let bytes = wrap::report(&envelope, &originals, &style);
                let read = delivery::read(&bytes);
                assert_eq!(read.envelope.as_ref(), Some(&envelope), "{style:?}");
                assert_eq!(read.entries[0].sha256, Digest::of(original), "{style:?}");
                assert_eq!(read.defects, [], "{style:?}");

                let notice = wrap::failure_notice(&bytes, &style);
                let read = delivery::read(&notice);
                assert_eq!(read.form, Form::WrappedReport);
                assert_eq!(read.envelope.as_ref(), Some(&envelope), "{style:?}");
            }
        }
    }
    let bytes = wrap::report_2003(&envelope, original, true);
    let read = delivery::read(&bytes);
    assert_eq!(read.form, Form::Report2003);
    assert_eq!(read.envelope.unwrap().recipients.len(), 2);
}

/// A list longer than is kept is cut, and said so; the bytes are kept whole.
#[test]
fn a_boundless_envelope_is_bounded() {
    let mut bytes =
        b"X-MS-Journal-Report:\r\nContent-Type: text/plain\r\n\r\nSender: a@x\r\n".to_vec();
    for n in 0..150_000 {
        bytes.extend_from_slice(
            format!("To: recipient.number.{n:060}@x.example, Expanded: l@x.example\r\n").as_bytes(),
        );
    }
    let read = delivery::read(&bytes);
    assert_eq!(read.form, Form::Report);
    assert_eq!(read.envelope.unwrap().recipients.len(), 100_000);
    let defects: Vec<_> = read.defects.iter().map(ToString::to_string).collect();
    assert_eq!(defects.len(), 2 + 1, "{defects:?}");
}

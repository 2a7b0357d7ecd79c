use super::*;
use crate::base::clock::Timestamp;
use crate::extract::{Reason, parse_message};
use crate::mail::delivery::{Kind, Recipient};
use crate::similar::set_key;

fn item(message: &str, recipients: &[(Kind, &str)]) -> Item {
    let parsed = parse_message(message.as_bytes());
    Item {
        seq: DeliverySeq(1),
        entry: 0,
        sha256: Digest::of(message.as_bytes()),
        size_bytes: message.len() as u64,
        source: "exchange".into(),
        class: "standard".into(),
        received_at: Timestamp(5),
        is_proven: true,
        envelope: Some(Envelope {
            sender: "a@b.c".into(),
            subject: Some("said outside".into()),
            recipients: recipients
                .iter()
                .map(|(kind, address)| Recipient {
                    kind: *kind,
                    address: (*address).into(),
                    via: None,
                })
                .collect(),
            ..Envelope::default()
        }),
        found: Ok(Found {
            set_key: set_key(message.as_bytes(), &parsed),
            message: parsed,
            scans: Vec::new(),
        }),
    }
}

const MESSAGE: &str = "From: Ann <A@b.c>\r\nTo: d@e.f\r\nSubject: s\r\n\r\nbody\r\n";

#[test]
fn participants_of_two_reports_meet_in_one_family() {
    let first = item(MESSAGE, &[(Kind::To, "d@e.f")]);
    let second = item(MESSAGE, &[(Kind::Bcc, "blind@e.f")]);
    let family = first.family(SetId(1), None).unwrap();
    let merged = second.family(SetId(1), Some(family.clone())).unwrap();
    let has = |role, address: &str| {
        merged.participants.iter().any(|p| p.role == role && p.address == address)
    };
    assert!(has(Role::To, "d@e.f") && has(Role::Bcc, "blind@e.f") && has(Role::From, "A@b.c"));
    assert_eq!(second.family(SetId(1), Some(merged.clone())), None, "nothing is new");
    assert_eq!(merged.body, "body\n\nsaid outside");
}

#[test]
fn one_proven_delivery_proves_the_family() {
    let proven = item(MESSAGE, &[(Kind::To, "d@e.f")]);
    let doubtful = Item { is_proven: false, ..item(MESSAGE, &[(Kind::To, "d@e.f")]) };
    let family = doubtful.family(SetId(1), None).unwrap();
    assert!(!family.is_proven);
    let merged = proven.family(SetId(1), Some(family)).unwrap();
    assert!(merged.is_proven && merged.has_unproven, "that one did not is not forgotten");
    assert_eq!(doubtful.family(SetId(1), Some(merged)), None, "proof is not taken back");
}

#[test]
fn headers_of_all_versions_meet_and_what_is_too_much_is_declared() {
    let first = item(MESSAGE, &[]);
    let second = item(&format!("X-Way: other\r\n{MESSAGE}"), &[]);
    let family = first.family(SetId(1), None).unwrap();
    let merged = second.family(SetId(1), Some(family.clone())).unwrap();
    assert_eq!(merged.headers.len(), family.headers.len() + 1);
    assert!(merged.headers.contains(&"X-Way: other".to_owned()) && !merged.is_partial);
    let long = "a".repeat(limits::VERSION_HEADER_BYTES_MAX);
    let large = item(&format!("X-Way: {long}\r\n{MESSAGE}"), &[]);
    let merged = large.family(SetId(1), Some(merged)).unwrap();
    assert!(merged.is_partial);
    assert_eq!(merged.headers.len(), family.headers.len() + 1);
}

/// What was read at last takes the place of what was read at first, and keeps
/// what other deliveries and versions said meanwhile.
#[test]
fn a_late_reading_replaces_what_was_read_and_keeps_what_was_joined() {
    let late = item(MESSAGE, &[(Kind::To, "d@e.f")]);
    let mut stored = late.family(SetId(1), None).unwrap();
    stored.body = "half".into();
    stored.is_partial = true;
    let other = item(&format!("X-Way: other\r\n{MESSAGE}"), &[(Kind::Bcc, "blind@e.f")]);
    let mut joined = other.family(SetId(1), Some(stored)).unwrap();
    joined.add_received(Timestamp(3));
    let family = late.late_family(SetId(1), Some(joined.clone()));
    assert!(family.body == "body\n\nsaid outside" && !family.is_partial);
    assert!(family.participants.iter().any(|person| person.address == "blind@e.f"));
    assert!(family.headers.contains(&"X-Way: other".to_owned()));
    assert_eq!((family.messages.len(), family.received_at), (2, Timestamp(3)));
    // Headers that were left out are still declared.
    joined.are_headers_cut = true;
    assert!(late.late_family(SetId(1), Some(joined.clone())).is_partial);
    // Where nothing could be read in the end, what was known stays.
    let failure = Failure { reason: Reason::TimedOut, detail: "slow".into() };
    let unread = Item { found: Err(failure), ..item(MESSAGE, &[]) };
    assert_eq!(unread.late_family(SetId(1), Some(joined.clone())), joined);
}

#[test]
fn addresses_are_rows_in_lower_case() {
    let rows = item(MESSAGE, &[(Kind::Bcc, "Blind@E.F")]).rows();
    assert_eq!(rows.header[0].address, "a@b.c");
    assert_eq!(rows.envelope[1].address, "blind@e.f");
    assert_eq!(rows.set.from_text, "Ann <A@b.c>");
}

#[test]
fn a_copy_of_googles_says_whom_it_was_for() {
    let copy = item(&format!("X-Gm-Original-To: Blind@E.F\r\n{MESSAGE}"), &[]);
    let rows = copy.rows();
    let blind = rows.header.iter().find(|person| person.address == "blind@e.f").unwrap();
    assert_eq!(blind.role, "recipient");
    let family = copy.family(SetId(1), None).unwrap();
    assert!(family.participants.iter().any(|p| p.address == "Blind@E.F"));
}

#[test]
fn who_passed_a_message_on_and_to_whom_took_part() {
    let again = format!("Resent-From: Rita <r@e.f>\r\nResent-To: Last@E.F\r\n{MESSAGE}");
    let again = item(&again, &[(Kind::Recipient, "last@e.f")]);
    let rows = again.rows();
    let roles = |address: &str| -> Vec<&str> {
        let of = rows.header.iter().filter(|person| person.address == address);
        of.map(|person| person.role).collect()
    };
    assert_eq!((roles("r@e.f"), roles("last@e.f")), (vec!["sender"], vec!["to"]));
    let family = again.family(SetId(1), None).unwrap();
    assert!(family.participants.iter().all(|person| person.role != Role::Bcc));
}

#[test]
fn what_the_envelope_alone_says_is_found() {
    let mut item = item(MESSAGE, &[(Kind::To, "a@e.f")]);
    let Some(envelope) = &mut item.envelope else { panic!() };
    envelope.subject = Some("=?utf-8?Q?secret_h=C3=A9ron?=".into());
    envelope.label = Some("Company Confidential".into());
    envelope.mailbox = Some("A@E.F".into());
    let family = item.family(SetId(1), None).unwrap();
    assert!(family.body.ends_with("\nsecret héron\nCompany Confidential"));
    let Some(envelope) = &mut item.envelope else { panic!() };
    envelope.mailbox = Some("fax@e.f".into());
    let family = item.family(SetId(1), Some(family)).unwrap();
    let owners = family.participants.iter().filter(|person| person.address == "fax@e.f");
    assert_eq!(owners.map(|person| person.role).collect::<Vec<_>>(), [Role::Recipient]);
    // The same again is no news.
    assert_eq!(item.family(SetId(1), Some(family)), None);
}

#[test]
fn an_x500_address_is_one_however_it_is_written() {
    let written = ["[EX:/O=Corp/CN=Alice]", "EX:/o=corp/cn=alice", "/o=Corp/cn=ALICE"];
    let rows = item(MESSAGE, &written.map(|address| (Kind::Recipient, address))).rows();
    let recipients = rows.envelope.iter().filter(|person| person.role == "recipient");
    assert!(recipients.clone().count() == 3);
    assert!(recipients.clone().all(|person| person.address == "/o=corp/cn=alice"));
}

#[test]
fn a_recipient_is_a_row_however_long_its_address() {
    let long = format!("{}@e.f", "Blind".repeat(2_000));
    let rows = item(MESSAGE, &[(Kind::Bcc, &long)]).rows();
    let blind = rows.envelope.iter().find(|person| person.role == "bcc").unwrap();
    assert_eq!(blind.address, address::key(&long));
    assert!(blind.address.ends_with("@e.f") && blind.address.len() <= 1024);
}

#[test]
fn an_unread_message_is_listed_by_its_envelope() {
    let mut unread = item(MESSAGE, &[(Kind::To, "d@e.f")]);
    unread.found = Err(Failure { reason: Reason::TimedOut, detail: "slow".into() });
    let rows = unread.rows();
    assert_eq!(rows.set.subject, "said outside");
    assert_eq!(rows.set.from_text, "a@b.c");
    assert_eq!(rows.gaps[0].reason, "timed-out");
    let family = unread.family(SetId(1), None).unwrap();
    assert!(family.participants.iter().any(|p| p.address == "d@e.f"));
}

use crate::catalog::db::query;

use super::*;
use crate::access::Role;
use crate::base::ids::UserId;
use crate::catalog::tests::scratch;
use crate::matter::custodian;

const DAY: i64 = 86_400;

struct Fixture {
    catalog: Catalog,
    clock: Clock,
    legal: Actor,
    matter: MatterId,
    deliveries: i64,
    _directory: tempfile::TempDir,
}

/// A matter in Berlin, whose legal member is the only person.
async fn fixture() -> Fixture {
    let (catalog, directory) = scratch().await;
    let clock = Clock::fixed(at("2026-11-24T12:00:00Z"));
    let mut tx = catalog.write().await.unwrap();
    query(
        "INSERT INTO person (user_id, name, display_name, password_hash, role, is_archive_wide,
             must_change, is_disabled, created_at) VALUES (1, 'ada', 'Ada', '', 'legal', 0, 0, 0, 0)",
    )
    .execute(&mut tx)
    .await
    .unwrap();
    query("INSERT INTO segment VALUES ($1, 'standard', '2026-01', 'o', 'p', 1, $1, 0, NULL, NULL)")
        .bind(vec![0])
        .execute(&mut tx)
        .await
        .unwrap();
    catalog.commit(tx, "lay a scene").await.unwrap();
    let legal = Actor {
        user_id: UserId(1),
        name: "ada".to_owned(),
        role: Role::Legal,
        is_archive_wide: false,
    };
    let new = matter::New {
        name: "Ito v. Lay".to_owned(),
        reference: "1 O 23/26".to_owned(),
        zone: "Europe/Berlin".to_owned(),
    };
    let matter = matter::create(&legal, &catalog, &clock, new).await.unwrap().row.matter_id;
    Fixture { catalog, clock, legal, matter, deliveries: 0, _directory: directory }
}

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

impl Fixture {
    async fn delivery(&mut self, received: &str) -> DeliverySeq {
        self.deliveries += 1;
        let mut tx = self.catalog.write().await.unwrap();
        query(
            "INSERT INTO delivery VALUES ($1, $2, $4, $1, 's', $3, 'standard', '2026-01', 10,
                 $4, 'report', 1, '{}', NULL, '[]')",
        )
        .bind(self.deliveries)
        .bind(self.deliveries.to_be_bytes().to_vec())
        .bind(at(received).0)
        .bind(vec![0])
        .execute(&mut tx)
        .await
        .unwrap();
        self.catalog.commit(tx, "deliver").await.unwrap();
        DeliverySeq(self.deliveries)
    }

    /// What the follower makes of the last delivery.
    async fn derive(&mut self, sent: Option<&str>, addresses: &[&str]) -> SetId {
        let seq = self.deliveries;
        let mut tx = self.catalog.write().await.unwrap();
        query(
            "INSERT INTO message_set SELECT $1, record_id, $3, seq, 'subject', 'from', '', $2,
                 received_at, 100, 0, 1 FROM delivery WHERE seq = $1",
        )
        .bind(seq)
        .bind(sent.map(|text| at(text).0))
        .bind(vec![0])
        .execute(&mut tx)
        .await
        .unwrap();
        query("INSERT INTO set_message SELECT record_id, seq FROM delivery WHERE seq = $1")
            .bind(seq)
            .execute(&mut tx)
            .await
            .unwrap();
        query("INSERT INTO set_delivery VALUES ($1, $1, 0)")
            .bind(seq)
            .execute(&mut tx)
            .await
            .unwrap();
        for address in addresses {
            let (source, address) = match address.strip_prefix("envelope:") {
                Some(address) => ("envelope", address),
                None => ("header", *address),
            };
            query("INSERT INTO address (address) VALUES ($1) ON CONFLICT DO NOTHING")
                .bind(address)
                .execute(&mut tx)
                .await
                .unwrap();
            query(
                "INSERT INTO participant
                 SELECT $1, address_id, 'to', $2, $1, '' FROM address WHERE address = $3",
            )
            .bind(seq)
            .bind(source)
            .bind(address)
            .execute(&mut tx)
            .await
            .unwrap();
        }
        crate::catalog::cursor::set(&mut tx, crate::catalog::cursor::DERIVE, seq).await.unwrap();
        self.catalog.commit(tx, "derive").await.unwrap();
        SetId(seq)
    }

    async fn message(&mut self, received: &str, sent: Option<&str>, to: &[&str]) -> SetId {
        self.delivery(received).await;
        self.derive(sent, to).await
    }

    async fn gap(&self, seq: i64, set: Option<i64>, reason: &str) {
        let mut tx = self.catalog.write().await.unwrap();
        query(
            "INSERT INTO gap (seq, set_id, ordinal, path, media_type, reason, detail)
             VALUES ($1, $2, NULL, '', '', $3, '')",
        )
        .bind(seq)
        .bind(set)
        .bind(reason)
        .execute(&mut tx)
        .await
        .unwrap();
        self.catalog.commit(tx, "declare a gap").await.unwrap();
    }

    async fn custodian(&self, addresses: &[&str]) -> CustodianId {
        let addresses: Vec<String> = addresses.iter().map(|a| (*a).to_owned()).collect();
        custodian::add(&self.legal, &self.catalog, &self.clock, self.matter, "Alice", &addresses)
            .await
            .unwrap()
            .custodian_id
    }

    async fn place(&self, new: &New) -> Hold {
        place(&self.legal, &self.catalog, &self.clock, self.matter, new).await.unwrap()
    }

    async fn held(&self, sets: &[SetId]) -> Vec<bool> {
        let mut held = Vec::new();
        for set in sets {
            held.push(is_held(&self.catalog, *set).await.unwrap());
        }
        held
    }
}

fn new(custodian: CustodianId, kind: DateKind, days: Option<(&str, &str)>) -> New {
    New {
        name: "first".to_owned(),
        custodians: vec![custodian],
        date_kind: kind,
        from: days.map(|(from, _)| from.parse().unwrap()),
        until: days.map(|(_, until)| until.parse().unwrap()),
        is_ongoing: false,
    }
}

#[tokio::test]
async fn a_hold_covers_every_address_from_headers_and_envelopes() {
    let mut f = fixture().await;
    let day = "2026-03-02T10:00:00Z";
    let by_header = f.message(day, Some(day), &["alice@a.example", "bob@a.example"]).await;
    let by_envelope = f.message(day, Some(day), &["envelope:alias@a.example"]).await;
    let other = f.message(day, Some(day), &["bob@a.example"]).await;
    let alice = f.custodian(&["Alice@A.example", "alias@a.example"]).await;
    let sets = [by_header, by_envelope, other];
    assert_eq!(f.held(&sets).await, [false, false, false]);
    let hold = f.place(&new(alice, DateKind::Sent, None)).await;
    assert_eq!(f.held(&sets).await, [true, true, false]);
    assert_eq!(hold.sum, Sum { families: 2, messages: 2, bytes: 200, not_indexed: 0 });
    for (seq, is_held) in [(1, true), (2, true), (3, false)] {
        assert_eq!(is_delivery_held(&f, DeliverySeq(seq)).await, is_held);
    }
    assert_eq!(all_sets(&f.catalog, hold.row.hold_id).await.unwrap(), [by_envelope, by_header]);
}

#[tokio::test]
async fn days_are_the_matters_and_both_are_included() {
    let mut f = fixture().await;
    let alice = f.custodian(&["alice@a.example"]).await;
    let mut sets = Vec::new();
    // Berlin is one hour ahead in winter, two in summer.
    for sent in [
        "2026-02-28T22:59:59Z",
        "2026-02-28T23:00:00Z",
        "2026-03-31T21:59:59Z",
        "2026-03-31T22:00:00Z",
    ] {
        sets.push(f.message("2026-06-01T00:00:00Z", Some(sent), &["alice@a.example"]).await);
    }
    let days = Some(("2026-03-01", "2026-03-31"));
    let hold = f.place(&new(alice, DateKind::Sent, days)).await;
    assert_eq!(f.held(&sets).await, [false, true, true, false]);
    assert_eq!(hold.from.unwrap().to_string(), "2026-03-01");
    assert_eq!(hold.until.unwrap().to_string(), "2026-03-31");
    let june = Some(("2026-06-01", "2026-06-01"));
    f.place(&new(alice, DateKind::Received, june)).await;
    assert_eq!(f.held(&sets).await, [true; 4]);
}

#[tokio::test]
async fn another_zone_of_the_matter_changes_no_hold() {
    let mut f = fixture().await;
    let alice = f.custodian(&["alice@a.example"]).await;
    let mut sets = Vec::new();
    for sent in ["2026-02-28T22:59:59Z", "2026-02-28T23:00:00Z"] {
        sets.push(f.message("2026-06-01T00:00:00Z", Some(sent), &["alice@a.example"]).await);
    }
    let days = Some(("2026-03-01", "2026-03-31"));
    let hold = f.place(&new(alice, DateKind::Sent, days)).await;
    assert!(hold.is_of_whole_days);
    let change = matter::Change { zone: Some("UTC".to_owned()), ..matter::Change::default() };
    matter::change(&f.legal, &f.catalog, &f.clock, f.matter, change).await.unwrap();
    assert_eq!(f.held(&sets).await, [false, true]);
    let hold = get(&f.legal, &f.catalog, f.matter, hold.row.hold_id).await.unwrap();
    assert!(!hold.is_of_whole_days);
    assert_eq!(hold.row.extent.from_at, Some(at("2026-02-28T23:00:00Z")));
    assert_eq!(hold.row.extent.until_at, Some(at("2026-03-31T22:00:00Z")));
}

#[tokio::test]
async fn an_undated_message_was_sent_no_later_than_received() {
    let mut f = fixture().await;
    let alice = f.custodian(&["alice@a.example"]).await;
    let before = f.message("2026-02-01T00:00:00Z", None, &["alice@a.example"]).await;
    let after = f.message("2026-09-01T00:00:00Z", None, &["alice@a.example"]).await;
    f.place(&new(alice, DateKind::Sent, Some(("2026-03-01", "2026-03-31")))).await;
    assert_eq!(f.held(&[before, after]).await, [false, true]);
}

#[tokio::test]
async fn what_is_not_known_in_full_is_held_too() {
    let mut f = fixture().await;
    let alice = f.custodian(&["alice@a.example"]).await;
    let crashed =
        f.message("2026-03-05T00:00:00Z", Some("2026-03-05T00:00:00Z"), &["bob@a.example"]).await;
    let headless = f.message("2026-03-06T00:00:00Z", None, &["envelope:bob@a.example"]).await;
    let textless =
        f.message("2026-03-07T00:00:00Z", Some("2026-03-07T00:00:00Z"), &["bob@a.example"]).await;
    f.gap(crashed.0, Some(crashed.0), "crashed").await;
    f.gap(headless.0, Some(headless.0), "damaged").await;
    f.gap(textless.0, Some(textless.0), "no-text").await;
    let blind =
        f.message("2026-03-07T00:00:00Z", Some("2026-03-07T00:00:00Z"), &["bob@a.example"]).await;
    f.gap(blind.0, Some(blind.0), "unknown-recipients").await;
    let unreadable = f.message("2026-03-08T00:00:00Z", None, &[]).await;
    f.gap(unreadable.0, None, "damaged").await;
    let waiting = f.delivery("2026-03-09T00:00:00Z").await;
    let hold = f.place(&new(alice, DateKind::Received, Some(("2026-03-01", "2026-03-31")))).await;
    assert_eq!(f.held(&[crashed, headless, textless]).await, [true, true, false]);
    assert_eq!(f.held(&[blind]).await, [true]);
    assert_eq!(hold.sum.not_indexed, 2, "the unreadable and the waiting one");
    assert!(is_delivery_held(&f, DeliverySeq(unreadable.0)).await);
    assert!(is_delivery_held(&f, waiting).await);
    // Once read, it is decided exactly.
    f.derive(Some("2026-03-09T00:00:00Z"), &["bob@a.example"]).await;
    assert!(!is_delivery_held(&f, waiting).await);
    let late = f.delivery("2026-04-09T00:00:00Z").await;
    assert!(!is_delivery_held(&f, late).await, "received beyond the days");
}

#[tokio::test]
async fn only_an_ongoing_hold_takes_in_what_comes_later() {
    let mut f = fixture().await;
    let alice = f.custodian(&["alice@a.example"]).await;
    let day = "2026-03-05T00:00:00Z";
    let early = f.message(day, Some(day), &["alice@a.example"]).await;
    f.place(&new(alice, DateKind::Sent, None)).await;
    let late = f.message(day, Some(day), &["alice@a.example"]).await;
    assert_eq!(f.held(&[early, late]).await, [true, false]);
    f.place(&New { is_ongoing: true, ..new(alice, DateKind::Sent, None) }).await;
    let later = f.message(day, Some(day), &["alice@a.example"]).await;
    assert_eq!(f.held(&[early, late, later]).await, [true, true, true]);
}

#[tokio::test]
async fn a_preview_says_what_placing_will_hold() {
    let mut f = fixture().await;
    let alice = f.custodian(&["alice@a.example"]).await;
    for day in 1..=25 {
        let received = Timestamp(at("2026-03-01T00:00:00Z").0).plus_seconds(day * DAY).to_string();
        f.message(&received, Some(&received), &["alice@a.example"]).await;
    }
    let new = new(alice, DateKind::Sent, Some(("2026-03-10", "2026-03-20")));
    let seen = preview(&f.legal, &f.catalog, &f.clock, f.matter, &new).await.unwrap();
    let hold = f.place(&new).await;
    assert_eq!(seen.sum, hold.sum);
    assert_eq!(seen.sum.families, 11);
    assert_eq!(seen.sample.len(), limits::HOLD_SAMPLE_ROWS);
    assert_eq!(seen.sample[0].to, ["alice@a.example"]);

    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let id = (f.matter, hold.row.hold_id);
        let page = items(&f.legal, &f.catalog, &f.clock, id, after, 4).await.unwrap();
        assert!(page.hits.iter().all(|hit| hit.is_held));
        paged.extend(page.hits.iter().map(|hit| hit.set));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(paged, all_sets(&f.catalog, hold.row.hold_id).await.unwrap());
}

#[tokio::test]
async fn a_released_hold_stays_on_record() {
    let mut f = fixture().await;
    let alice = f.custodian(&["alice@a.example"]).await;
    let day = "2026-03-05T00:00:00Z";
    let set = f.message(day, Some(day), &["alice@a.example"]).await;
    let hold = f.place(&new(alice, DateKind::Sent, None)).await;
    let id = (f.matter, hold.row.hold_id);
    let without = release(&f.legal, &f.catalog, &f.clock, id, "  ").await;
    assert!(matches!(without, Err(HoldError::Refused(Refused::Invalid(_)))));
    let released = release(&f.legal, &f.catalog, &f.clock, id, "settled").await.unwrap();
    assert_eq!(released.row.release_reason.as_deref(), Some("settled"));
    assert!(!is_held(&f.catalog, set).await.unwrap());
    let again = release(&f.legal, &f.catalog, &f.clock, id, "settled").await;
    assert!(matches!(again, Err(HoldError::Refused(Refused::Conflict(_)))));
    assert_eq!(list(&f.legal, &f.catalog, f.matter).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_hold_in_force_keeps_its_addresses_and_its_matter_open() {
    let f = fixture().await;
    let alice = f.custodian(&["alice@a.example"]).await;
    f.place(&new(alice, DateKind::Sent, None)).await;
    let id = (f.matter, alice);
    let other = ["other@a.example".to_owned()];
    let fewer = custodian::change(&f.legal, &f.catalog, &f.clock, id, None, Some(&other)).await;
    assert!(matches!(fewer, Err(MatterError::Refused(Refused::Conflict(_)))));
    let more = ["other@a.example".to_owned(), "alice@a.example".to_owned()];
    custodian::change(&f.legal, &f.catalog, &f.clock, id, None, Some(&more)).await.unwrap();
    let gone = custodian::remove(&f.legal, &f.catalog, &f.clock, f.matter, alice).await;
    assert!(matches!(gone, Err(MatterError::Refused(Refused::Conflict(_)))));
    let close = matter::Change { is_closed: Some(true), ..Default::default() };
    let closed = matter::change(&f.legal, &f.catalog, &f.clock, f.matter, close).await;
    assert!(matches!(closed, Err(MatterError::Refused(Refused::Conflict(_)))));
}

#[tokio::test]
async fn a_matter_is_hidden_from_those_outside_it() {
    let f = fixture().await;
    let alice = f.custodian(&["alice@a.example"]).await;
    let stranger = Actor { user_id: UserId(2), name: "eve".to_owned(), ..f.legal.clone() };
    let hold = new(alice, DateKind::Sent, None);
    let refused = place(&stranger, &f.catalog, &f.clock, f.matter, &hold).await;
    assert!(matches!(refused, Err(HoldError::Refused(Refused::Hidden("matter")))));
    assert!(matter::list(&stranger, &f.catalog).await.unwrap().is_empty());
    let administrator = Actor::operator(Role::Administrator);
    let refused = matter::list(&administrator, &f.catalog).await;
    assert!(matches!(refused, Err(MatterError::Refused(Refused::Forbidden(_)))));
    let refused = matter::reach(&stranger, &f.catalog, None).await;
    assert!(matches!(refused, Err(MatterError::Refused(Refused::Forbidden(_)))));
    // Who may search all mail is no member by that, and a reviewer who is one only reads.
    let wide = Actor { is_archive_wide: true, ..stranger };
    assert!(matter::list(&wide, &f.catalog).await.unwrap().is_empty());
    assert!(matter::open(&wide, &f.catalog, f.matter).await.is_err());
    let reviewer = Actor { role: Role::Reviewer, ..f.legal.clone() };
    assert_eq!(matter::list(&reviewer, &f.catalog).await.unwrap().len(), 1);
    let refused = place(&reviewer, &f.catalog, &f.clock, f.matter, &hold).await;
    assert!(matches!(refused, Err(HoldError::Refused(Refused::Forbidden(_)))));
}

async fn is_delivery_held(f: &Fixture, seq: DeliverySeq) -> bool {
    held_among(&f.catalog, &[seq]).await.unwrap().contains(&seq)
}

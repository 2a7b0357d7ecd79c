//! The search verb on a catalog and an index that were filled by hand.

use sqlx::query;

use super::*;
use crate::access::Role;
use crate::base::clock::Timestamp;
use crate::base::ids::{CustodianId, UserId};
use crate::catalog::audit::{self as audit_rows, Filter, Visible};
use crate::catalog::tests::scratch;
use crate::index::doc::{FamilyDoc, Participant, Role as Part};
use crate::matter::custodian;
use crate::query::Dialect;

struct Fixture {
    search: Search,
    ada: Actor,
    matter: MatterId,
    _directories: (tempfile::TempDir, tempfile::TempDir),
}

fn actor(id: i64, name: &str, role: Role, is_archive_wide: bool) -> Actor {
    Actor { user_id: UserId(id), name: name.to_owned(), role, is_archive_wide }
}

/// A matter in Berlin without custodians, and no mail.
async fn fixture() -> Fixture {
    let (catalog, directory) = scratch().await;
    let mut tx = catalog.write().await.unwrap();
    for sql in [
        "INSERT INTO person (user_id, name, display_name, password_hash, role, is_archive_wide,
             must_change, is_disabled, created_at) VALUES (1, 'ada', 'Ada', '', 'legal', 0, 0, 0, 0)",
        "INSERT INTO segment VALUES (x'00', 'standard', '2026-01', 'o', 'p', 1, x'00', 0, NULL, NULL)",
    ] {
        query(sql).execute(&mut *tx).await.unwrap();
    }
    catalog.commit(tx, "lay a scene").await.unwrap();
    let place = tempfile::tempdir().unwrap();
    let index = Index::open(&place.path().join("index"), 0).unwrap();
    let clock = Clock::fixed(Timestamp::from_seconds(1_800_000_000));
    let ada = actor(1, "ada", Role::Legal, false);
    let new = matter::New {
        name: "Ito v. Lay".to_owned(),
        reference: String::new(),
        zone: "Europe/Berlin".to_owned(),
    };
    let matter = matter::create(&ada, &catalog, &clock, new).await.unwrap().row.matter_id;
    let search = Search::new(catalog, index, clock);
    Fixture { search, ada, matter, _directories: (directory, place) }
}

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

impl Fixture {
    /// A family from one delivery; searchable after `commit`.
    async fn put(&self, set: i64, received: &str, from: &str, to: &str, text: &str) {
        let mut tx = self.search.catalog.write().await.unwrap();
        let received_at = at(received);
        query(
            "INSERT INTO delivery (seq, record_id, segment_id, entry, source, received_at, class,
                 epoch, size_bytes, sha256, form, is_proven, transaction_, defects)
             VALUES ($1, CAST($1 AS BLOB), x'00', 0, 's', $2, 'standard', '2026-01', 1, x'00',
                 'bare', 1, '{}', '[]')",
        )
        .bind(set)
        .bind(received_at.0)
        .execute(&mut *tx)
        .await
        .unwrap();
        query(
            "INSERT INTO message_set VALUES ($1, CAST($1 AS BLOB), x'00', $1, 'subject', $3, '',
                 NULL, $2, 1, 0, 1)",
        )
        .bind(set)
        .bind(received_at.0)
        .bind(from)
        .execute(&mut *tx)
        .await
        .unwrap();
        for (role, address) in [("from", from), ("to", to)] {
            query("INSERT INTO address (address) VALUES ($1) ON CONFLICT DO NOTHING")
                .bind(address)
                .execute(&mut *tx)
                .await
                .unwrap();
            query(
                "INSERT INTO participant SELECT $1, address_id, $2, 'header', $1, '' FROM address
                 WHERE address = $3",
            )
            .bind(set)
            .bind(role)
            .bind(address)
            .execute(&mut *tx)
            .await
            .unwrap();
        }
        self.search.catalog.commit(tx, "lay a scene").await.unwrap();
        let person = |role, address: &str| Participant {
            role,
            address: address.to_owned(),
            name: String::new(),
        };
        let doc = FamilyDoc {
            set: SetId(set),
            received_at,
            sent_at: None,
            size_bytes: 1,
            message_id: String::new(),
            subject: String::new(),
            body: text.to_owned(),
            headers: Vec::new(),
            participants: vec![person(Part::From, from), person(Part::To, to)],
            attachments: Vec::new(),
            sources: Vec::new(),
            classes: Vec::new(),
            messages: vec!["aa".to_owned(), format!("{set}")],
            hashes: Vec::new(),
            is_partial: set % 2 == 0,
            are_headers_cut: false,
            is_proven: true,
        };
        self.search.index.put(doc).unwrap();
    }

    async fn custodian(&self, name: &str, address: &str) -> CustodianId {
        let Search { catalog, clock, .. } = &self.search;
        let addresses = [address.to_owned()];
        let added = custodian::add(&self.ada, catalog, clock, self.matter, name, &addresses);
        added.await.unwrap().custodian_id
    }

    fn ask(&self, query: &str) -> Ask {
        Ask::new(Some(self.matter), query, Dialect::Kql)
    }

    async fn sets(&self, ask: &Ask) -> Vec<i64> {
        let page = run(&self.ada, &self.search, ask, None, 50).await.unwrap();
        page.hits.iter().map(|(row, _)| row.set.0).collect()
    }

    async fn audited(&self) -> Vec<(String, String)> {
        let filter = Filter { limit: 100, ..Filter::default() };
        let rows = audit_rows::list(&self.search.catalog, &Visible::Everything, &filter).await;
        let rows = rows.unwrap().into_iter().filter(|row| row.action == "search.run");
        rows.map(|row| (row.subject, row.detail)).collect()
    }
}

#[tokio::test]
async fn members_find_only_their_custodians_mail() {
    let fixture = fixture().await;
    fixture.put(1, "2026-01-01T00:00:00Z", "anna@x.com", "bob@x.com", "merger plan").await;
    fixture.put(2, "2026-01-02T00:00:00Z", "carl@x.com", "bob@x.com", "merger plan").await;
    fixture.put(3, "2026-01-03T00:00:00Z", "dora@y.org", "emil@y.org", "merger plan").await;
    fixture.search.index.commit(3).unwrap();

    let nothing = run(&fixture.ada, &fixture.search, &fixture.ask("merger"), None, 50).await;
    let nothing = nothing.unwrap();
    assert_eq!(nothing.families, 0);
    assert!(nothing.warnings[0].contains("no custodians"));

    let anna = fixture.custodian("Anna", "anna@x.com").await;
    fixture.custodian("Carl", "carl@x.com").await;
    let page = run(&fixture.ada, &fixture.search, &fixture.ask("merger"), None, 50).await.unwrap();
    assert_eq!((page.families, page.messages, page.gaps, page.behind), (2, 4, 1, 0));
    assert_eq!(page.hits[0].0.set, SetId(2));
    assert_eq!(page.hits[0].1.marks.first(), Some(&(0..6)));
    assert_eq!(fixture.sets(&Ask { custodian_id: Some(anna), ..fixture.ask("plan") }).await, [1]);
    let foreign = Ask { custodian_id: Some(CustodianId(99)), ..fixture.ask("plan") };
    let foreign = run(&fixture.ada, &fixture.search, &foreign, None, 50).await;
    assert!(matches!(foreign, Err(SearchError::Matter(MatterError::Refused(Refused::Hidden(_))))));

    let complete = async |prefix| {
        complete(&fixture.ada, &fixture.search, Some(fixture.matter), prefix).await.unwrap()
    };
    assert_eq!(complete("B").await, ["bob@x.com"]);
    assert_eq!(complete("d").await, [""; 0]);
    assert_eq!(complete(" ").await, [""; 0]);
}

#[tokio::test]
async fn rights_decide_before_anything_is_looked_up() {
    let fixture = fixture().await;
    let wide = Ask::new(None, "merger", Dialect::Kql);
    let within = fixture.ask("merger");
    let stranger = actor(2, "sam", Role::Legal, false);
    let administrator = actor(3, "root", Role::Administrator, true);
    let counsel = actor(4, "cleo", Role::Legal, true);
    for (actor, ask, is_allowed) in [
        (&fixture.ada, &wide, false),
        (&fixture.ada, &within, true),
        (&stranger, &within, false),
        (&administrator, &wide, false),
        (&administrator, &within, false),
        (&counsel, &wide, true),
        (&counsel, &within, true),
    ] {
        let found = run(actor, &fixture.search, ask, None, 50).await;
        assert_eq!(found.is_ok(), is_allowed, "{} {:?}", actor.name, ask.matter_id);
        assert_eq!(ids(actor, &fixture.search, ask).await.is_ok(), is_allowed);
        let completed = complete(actor, &fixture.search, ask.matter_id, "a").await;
        assert_eq!(completed.is_ok(), is_allowed);
    }
    assert_eq!(fixture.audited().await.len(), 3);
}

#[tokio::test]
async fn every_page_is_a_slice_and_on_record() {
    let fixture = fixture().await;
    for set in 1..=7 {
        // Two of each second, so that the set id decides.
        let received = format!("2026-01-01T00:00:0{}Z", set / 2);
        fixture.put(set, &received, "anna@x.com", "bob@x.com", "word").await;
    }
    fixture.search.index.commit(5).unwrap();
    let counsel = actor(4, "cleo", Role::Legal, true);
    let ask = Ask::new(None, "word", Dialect::Kql);
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = run(&counsel, &fixture.search, &ask, after, 3).await.unwrap();
        assert_eq!((page.families, page.behind), (7, 2));
        found.extend(page.hits.iter().map(|(row, _)| row.set.0));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, [7, 6, 5, 4, 3, 2, 1]);
    let ids = ids(&counsel, &fixture.search, &ask).await.unwrap();
    assert_eq!(ids.iter().map(|set| set.0).collect::<Vec<_>>(), found);
    let audited = fixture.audited().await;
    assert_eq!(audited.len(), 3);
    assert!(
        audited
            .iter()
            .all(|(subject, detail)| { subject == "word" && detail.contains("\"families\":7") })
    );
}

#[tokio::test]
async fn filters_are_part_of_the_parsed_query() {
    let fixture = fixture().await;
    fixture.put(1, "2026-01-01T22:59:00Z", "anna@x.com", "bob@x.com", "word").await;
    fixture.put(2, "2026-01-01T23:01:00Z", "anna@x.com", "carl@x.com", "word").await;
    fixture.search.index.commit(2).unwrap();
    fixture.custodian("Anna", "anna@x.com").await;
    // The zone is the matter's: Berlin is an hour ahead.
    let day = |day| Some(jiff::civil::date(2026, 1, day));
    let until = Ask { until: day(1), ..fixture.ask("") };
    assert_eq!(fixture.sets(&until).await, [1]);
    assert_eq!(fixture.sets(&Ask { from: day(2), ..fixture.ask("") }).await, [2]);
    let asked = Ask {
        from: day(1),
        until: day(2),
        sender: Some("anna@x.com".to_owned()),
        recipient: Some("carl".to_owned()),
        ..fixture.ask("word OR other")
    };
    let page = run(&fixture.ada, &fixture.search, &asked, None, 50).await.unwrap();
    assert_eq!(
        page.parsed,
        "(word OR other) AND from:anna@x.com AND recipients:carl AND received:2026-01-01..2026-01-02"
    );
    assert_eq!(page.warnings, ["dates are days of the zone Europe/Berlin"]);
    assert_eq!(page.hits.len(), 1);
    for wrong in [
        Ask { from: day(2), until: day(1), ..fixture.ask("") },
        Ask { sender: Some("&&".to_owned()), ..fixture.ask("") },
        Ask { recipient: Some("*".to_owned()), ..fixture.ask("") },
        fixture.ask("a OR b c"),
    ] {
        assert!(run(&fixture.ada, &fixture.search, &wrong, None, 50).await.is_err());
    }
}

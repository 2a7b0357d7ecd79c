//! The search verb on a catalog and an index that were filled by hand.

use crate::catalog::db::{Query, query};

use super::report::Terms;
use super::*;
use crate::access::Role;
use crate::base::clock::Timestamp;
use crate::base::ids::{CustodianId, UserId};
use crate::catalog::audit::{self as audit_rows, Filter, Visible};
use crate::catalog::tests::scratch;
use crate::hold;
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
        "INSERT INTO segment VALUES ($1, 'standard', '2026-01', 'o', 'p', 1, $1, 0, NULL, NULL)",
    ] {
        let bytes = sql.contains("$1").then(|| vec![0]);
        bytes.into_iter().fold(query(sql), Query::bind).execute(&mut tx).await.unwrap();
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
             VALUES ($1, $3, $4, 0, 's', $2, 'standard', '2026-01', 1, $4, 'bare', 1, '{}', '[]')",
        )
        .bind(set)
        .bind(received_at.0)
        .bind(set.to_string().into_bytes())
        .bind(vec![0])
        .execute(&mut tx)
        .await
        .unwrap();
        query(
            "INSERT INTO message_set VALUES ($1, $4, $5, $1, 'subject', $3, '', NULL, $2, 1, 0, 1)",
        )
        .bind(set)
        .bind(received_at.0)
        .bind(from)
        .bind(set.to_string().into_bytes())
        .bind(vec![0])
        .execute(&mut tx)
        .await
        .unwrap();
        for (role, address) in [("from", from), ("to", to)] {
            query("INSERT INTO address (address) VALUES ($1) ON CONFLICT DO NOTHING")
                .bind(address)
                .execute(&mut tx)
                .await
                .unwrap();
            query(
                "INSERT INTO participant SELECT $1, address_id, $2, 'header', $1, '' FROM address
                 WHERE address = $3",
            )
            .bind(set)
            .bind(role)
            .bind(address)
            .execute(&mut tx)
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
            received_again: Vec::new(),
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
            gaps: Vec::new(),
            languages: Vec::new(),
            versions: Vec::new(),
            links: Vec::new(),
            are_headers_cut: false,
            is_proven: true,
            has_unproven: false,
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
        self.audited_as("search.run").await
    }

    async fn audited_as(&self, action: &str) -> Vec<(String, String)> {
        let filter = Filter { limit: 100, ..Filter::default() };
        let rows = audit_rows::list(&self.search.catalog, &Visible::Everything, &filter).await;
        let rows = rows.unwrap().into_iter().filter(|row| row.action == action);
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
        (&counsel, &within, false),
    ] {
        let found = run(actor, &fixture.search, ask, None, 50).await;
        assert_eq!(found.is_ok(), is_allowed, "{} {:?}", actor.name, ask.matter_id);
        assert_eq!(ids(actor, &fixture.search, ask).await.is_ok(), is_allowed);
        let counted = facets::facets(actor, &fixture.search, ask).await;
        assert_eq!(counted.is_ok(), is_allowed);
        let completed = complete(actor, &fixture.search, ask.matter_id, "a").await;
        assert_eq!(completed.is_ok(), is_allowed);
    }
    assert_eq!(fixture.audited().await.len(), 2);
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
    assert_eq!((page.zone.as_deref(), page.warnings), (Some("Europe/Berlin"), vec![]));
    assert_eq!(page.hits.len(), 1);
    for (sender, recipient) in [
        ("Anna <anna@x.com>", "Carl, C <carl@x.com>; \"Dora, D\" <nobody@x.com>"),
        ("anna@x.com;", "nobody@x.com, carl@x.com"),
    ] {
        let asked = Ask {
            sender: Some(sender.to_owned()),
            recipient: Some(recipient.to_owned()),
            ..asked.clone()
        };
        let page = run(&fixture.ada, &fixture.search, &asked, None, 50).await.unwrap();
        assert_eq!(page.hits.len(), 1, "{}", page.parsed);
        let said = "sender is read as the address anna@x.com";
        assert!(page.warnings.iter().any(|it| it.starts_with(said)), "{:?}", page.warnings);
    }
    for wrong in [
        Ask { from: day(2), until: day(1), ..fixture.ask("") },
        Ask { sender: Some("&&".to_owned()), ..fixture.ask("") },
        Ask { recipient: Some("*".to_owned()), ..fixture.ask("") },
        fixture.ask("a OR b c"),
    ] {
        assert!(run(&fixture.ada, &fixture.search, &wrong, None, 50).await.is_err());
    }
}

#[tokio::test]
async fn custodians_are_known_by_name_and_by_any_address() {
    let fixture = fixture().await;
    fixture.put(1, "2026-01-01T00:00:00Z", "anna@x.com", "bob@x.com", "merger plan").await;
    fixture.put(2, "2026-01-02T00:00:00Z", "al@home.net", "bob@x.com", "merger plan").await;
    fixture.put(3, "2026-01-03T00:00:00Z", "bob@x.com", "carl@x.com", "merger plan").await;
    fixture.search.index.commit(3).unwrap();
    let Search { catalog, clock, .. } = &fixture.search;
    let addresses = ["anna@x.com".to_owned(), "al@home.net".to_owned()];
    let name = "Anna Lee";
    custodian::add(&fixture.ada, catalog, clock, fixture.matter, name, &addresses).await.unwrap();
    fixture.custodian("Bob", "bob@x.com").await;
    let sets = async |query: &str, dialect| {
        let ask = Ask::new(Some(fixture.matter), query, dialect);
        let page = run(&fixture.ada, &fixture.search, &ask, None, 50).await.unwrap();
        (page.hits.iter().map(|(row, _)| row.set.0).collect::<Vec<_>>(), page.warnings)
    };
    assert_eq!(sets("custodian:\"anna lee\"", Dialect::Kql).await.0, [2, 1]);
    assert_eq!(sets("custodian:al@home.net and merger", Dialect::DtSearch).await.0, [2, 1]);
    assert_eq!(sets("NOT custodian:\"Anna Lee\"", Dialect::Kql).await.0, [3]);
    assert_eq!(sets("from:anna@x.com", Dialect::Kql).await.0, [1]);
    for query in ["participants:anna@x.com", "participants:\"Anna Lee\""] {
        let (found, warnings) = sets(query, Dialect::Kql).await;
        assert_eq!(found, [2, 1]);
        assert!(warnings.iter().any(|it| it.contains("custodian Anna Lee")), "{warnings:?}");
    }
    assert_eq!(sets("matter:\"Ito v. Lay\"", Dialect::Kql).await.0, [3, 2, 1]);
    for wrong in ["custodian:Nobody", "hold:none", "matter:other", "custodian:An*"] {
        let found = run(&fixture.ada, &fixture.search, &fixture.ask(wrong), None, 50).await;
        assert!(found.is_err(), "{wrong}");
    }
    let counsel = actor(4, "cleo", Role::Legal, true);
    let wide = Ask::new(None, "custodian:Bob", Dialect::Kql);
    assert!(run(&counsel, &fixture.search, &wide, None, 50).await.is_err());
}

#[tokio::test]
async fn a_hold_is_searched_and_a_released_one_with_a_remark() {
    let fixture = fixture().await;
    fixture.put(1, "2026-01-01T00:00:00Z", "anna@x.com", "bob@x.com", "merger").await;
    fixture.put(2, "2026-01-02T00:00:00Z", "dora@y.org", "bob@x.com", "merger").await;
    fixture.search.index.commit(2).unwrap();
    let anna = fixture.custodian("Anna", "anna@x.com").await;
    fixture.custodian("Bob", "bob@x.com").await;
    let Search { catalog, clock, .. } = &fixture.search;
    let new = hold::New {
        name: "Hers".to_owned(),
        custodians: vec![anna],
        date_kind: hold::DateKind::Received,
        from: None,
        until: None,
        is_ongoing: true,
    };
    let placed = hold::place(&fixture.ada, catalog, clock, fixture.matter, &new).await.unwrap();
    let ask = fixture.ask("hold:hers");
    let found = async || run(&fixture.ada, &fixture.search, &ask, None, 50).await.unwrap();
    let page = found().await;
    assert_eq!((page.hits.len(), page.warnings.len()), (1, 1), "only that Purview knows no hold:");
    let id = (fixture.matter, placed.row.hold_id);
    hold::release(&fixture.ada, catalog, clock, id, "settled").await.unwrap();
    let page = found().await;
    assert_eq!(page.hits.len(), 1);
    assert!(page.warnings[1].starts_with("hold:hers was released on 2027-01-15"), "{page:?}");
}

#[tokio::test]
async fn how_a_query_was_read_is_shown_and_kept() {
    let fixture = fixture().await;
    fixture.put(1, "2026-01-01T00:00:00Z", "anna@x.com", "bob@x.com", "merger applied").await;
    fixture.put(2, "2026-01-02T00:00:00Z", "dora@y.org", "emil@y.org", "mergers applies").await;
    fixture.search.index.commit(2).unwrap();
    fixture.custodian("Anna", "anna@x.com").await;
    let ask = Ask::new(Some(fixture.matter), "merg* w/3 apply~ and hash:aa", Dialect::DtSearch);
    let page = run(&fixture.ada, &fixture.search, &ask, None, 50).await.unwrap();
    assert_eq!((page.families, page.documents), (1, 1));
    assert_eq!(page.parsed, "(merg* w/3 apply~) and hash:aa");
    assert_eq!(page.tree[1].text, "these within 3 words of each other");
    // Only words that are in sight of the matter.
    assert_eq!(page.expansions[0].words, [("merger".to_owned(), 1)]);
    assert_eq!(page.expansions[1].words, [("applied".to_owned(), 1)]);
    assert_eq!(page.warnings, ["understood here and not by dtSearch: hash:"]);
    let (_, detail) = fixture.audited().await.pop().unwrap();
    let kept: serde_json::Value = serde_json::from_str(&detail).unwrap();
    assert_eq!(kept["ask"]["dialect"], "dtsearch");
    assert_eq!(kept["parsed"], page.parsed);
    assert_eq!(kept["expansions"][0]["stands_for"], json!([["merger", 1]]));
    assert_eq!(kept["warnings"], json!(page.warnings));
    assert_eq!(kept["index"]["tokenizer"], index::TOKENIZER_VERSION);
    assert_eq!(kept["index"]["cursor"], 2);
}

#[tokio::test]
async fn counts_tell_of_the_matters_mail_and_of_no_other() {
    let fixture = fixture().await;
    fixture.put(1, "2025-12-31T23:30:00Z", "anna@x.com", "bob@x.com", "merger plan").await;
    fixture.put(2, "2026-02-02T00:00:00Z", "carl@x.com", "anna@x.com", "merger plan").await;
    fixture.put(3, "2026-03-03T00:00:00Z", "dora@y.org", "emil@y.org", "merger plan").await;
    fixture.put(4, "2026-04-04T00:00:00Z", "anna@x.com", "bob@x.com", "lunch").await;
    fixture.search.index.commit(4).unwrap();
    let Search { catalog, clock, .. } = &fixture.search;
    let counted = async |ask: &Ask| facets::facets(&fixture.ada, &fixture.search, ask).await;
    let asked = fixture.ask("merger");
    let nothing = counted(&asked).await.unwrap();
    assert_eq!((nothing.facets.families, nothing.facets.months.len()), (0, 0));
    assert!(nothing.facets.values.iter().all(|(_, values)| values.shown.is_empty()));

    fixture.custodian("Anna", "anna@x.com").await;
    // A closed matter has the other mail.
    let new =
        matter::New { name: "Ended".to_owned(), reference: String::new(), zone: "UTC".to_owned() };
    let closed = matter::create(&fixture.ada, catalog, clock, new).await.unwrap().row.matter_id;
    let dora = ["dora@y.org".to_owned()];
    custodian::add(&fixture.ada, catalog, clock, closed, "Dora", &dora).await.unwrap();
    let change = matter::Change { is_closed: Some(true), ..matter::Change::default() };
    matter::change(&fixture.ada, catalog, clock, closed, change).await.unwrap();

    let spread = counted(&asked).await.unwrap();
    assert_eq!((spread.zone.as_str(), spread.date_kind), ("Europe/Berlin", DateKind::Received));
    assert_eq!(spread.facets.families, 2);
    // In Berlin it was January already.
    let months = [("2026-01".to_owned(), 1), ("2026-02".to_owned(), 1)];
    assert_eq!(spread.facets.months, months);
    let values = |at: usize| spread.facets.values[at].1.shown.clone();
    assert_eq!(values(0), [("anna@x.com".to_owned(), 1), ("carl@x.com".to_owned(), 1)]);
    assert_eq!(values(1), [("anna@x.com".to_owned(), 1), ("bob@x.com".to_owned(), 1)]);
    assert_eq!(values(2), [("x.com".to_owned(), 2)]);
    let spread = counted(&Ask { matter_id: Some(closed), ..asked.clone() }).await.unwrap();
    assert_eq!(spread.facets.values[2].1.shown, [("y.org".to_owned(), 1)]);
    let wide = Ask { matter_id: None, ..asked.clone() };
    assert!(counted(&wide).await.is_err());
    assert!(counted(&fixture.ask("a OR b c")).await.is_err());
}

#[tokio::test]
async fn a_report_counts_within_the_matter_and_tells_what_it_cannot_read() {
    let fixture = fixture().await;
    fixture.put(1, "2026-01-01T00:00:00Z", "anna@x.com", "bob@x.com", "merger plan").await;
    fixture.put(2, "2026-02-02T00:00:00Z", "carl@x.com", "anna@x.com", "merger merger").await;
    fixture.put(3, "2026-03-03T00:00:00Z", "dora@y.org", "emil@y.org", "merger plan").await;
    fixture.search.index.commit(3).unwrap();
    fixture.custodian("Anna", "anna@x.com").await;
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let mut terms = Terms {
        within: fixture.ask(""),
        first: texts(&["merger", "plan a OR b", "plan", "custodian:Nobody", "(", ""]),
        second: texts(&["plan"]),
        sample: 5,
        seed: 1,
    };
    let reported =
        async |actor: &Actor, terms: &Terms| report::report(actor, &fixture.search, terms).await;
    let counted = reported(&fixture.ada, &terms).await.unwrap();
    let told: Vec<_> = counted
        .first
        .iter()
        .map(|line| {
            let found = line.found.as_ref().ok()?;
            let counts = &found.counts;
            Some((
                counts.spread.hits.documents,
                counts.unique,
                counts.occurrences,
                found.sample.len(),
            ))
        })
        .collect();
    let none = None;
    assert_eq!(told, [Some((2, 1, Some(3), 2)), none, Some((1, 0, Some(1), 1)), none, none, none]);
    assert_eq!(counted.custodians, ["Anna"]);
    assert_eq!(counted.totals[0].custodians, [2]);
    assert_eq!(counted.compared.map(|sizes| sizes.documents), [1, 0, 1]);
    assert_eq!(counted.zone, "Europe/Berlin");
    assert_eq!(fixture.audited_as("search.report").await.len(), 1);

    // The days of the filters are no part of a term.
    terms.within.until = "2026-01-15".parse().ok();
    let counted = reported(&fixture.ada, &terms).await.unwrap();
    assert_eq!(counted.totals[0].hits.documents, 1);
    terms.first.clear();
    assert!(reported(&fixture.ada, &terms).await.is_err());
    terms.first = vec!["a".to_owned(); 501];
    assert!(reported(&fixture.ada, &terms).await.is_err());
    let outsider = actor(4, "cleo", Role::Legal, false);
    assert!(reported(&outsider, &terms).await.is_err());
    let wide = Terms { within: Ask::new(None, "", Dialect::Kql), ..terms };
    assert!(reported(&fixture.ada, &wide).await.is_err());
}

#[tokio::test]
async fn counts_are_on_record_once_with_their_search_or_alone() {
    let fixture = fixture().await;
    fixture.put(1, "2026-01-01T00:00:00Z", "anna@x.com", "bob@x.com", "merger plan").await;
    fixture.search.index.commit(1).unwrap();
    let counsel = actor(4, "cleo", Role::Legal, true);
    let other = actor(5, "otto", Role::Legal, true);
    let ask = Ask::new(None, "merger", Dialect::Kql);
    let alone = async || fixture.audited_as("search.facets").await;

    // Right after the search they belong to it.
    run(&counsel, &fixture.search, &ask, None, 50).await.unwrap();
    facets::facets(&counsel, &fixture.search, &ask).await.unwrap();
    assert_eq!((fixture.audited().await.len(), alone().await.len()), (1, 0));
    // Another's search, another search and one of long ago stand for nothing.
    facets::facets(&other, &fixture.search, &ask).await.unwrap();
    assert_eq!(alone().await.len(), 1);
    facets::facets(&counsel, &fixture.search, &Ask::new(None, "plan", Dialect::Kql)).await.unwrap();
    let rows = alone().await;
    let (subject, detail) = rows.iter().find(|(subject, _)| subject == "plan").unwrap();
    let kept: serde_json::Value = serde_json::from_str(detail).unwrap();
    assert_eq!((rows.len(), subject.as_str(), &kept["families"]), (2, "plan", &json!(1)));
    let later = fixture.search.clock.now().plus_seconds(limits::SEARCH_REMEMBERED_SECONDS);
    let later = Search { clock: Clock::fixed(later), ..fixture.search.clone() };
    facets::facets(&counsel, &later, &ask).await.unwrap();
    assert_eq!(alone().await.len(), 3);
    // Nothing is told of a query that was not answered.
    assert!(
        facets::facets(&other, &fixture.search, &Ask::new(None, "(", Dialect::Kql)).await.is_err()
    );
    assert_eq!(alone().await.len(), 3);
}

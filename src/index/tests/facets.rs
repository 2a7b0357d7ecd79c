//! Counts of facets against the families themselves, and against what a search for
//! each value finds.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::base::limits::FACET_VALUES_MAX;

const BERLIN: &str = "Europe/Berlin";

fn zone() -> TimeZone {
    TimeZone::get(BERLIN).expect("a zone the system knows")
}

/// Families that differ in all that is counted.
fn archive() -> Vec<FamilyDoc> {
    let one_of = |set: i64, salt: i64, many: i64| (set * 7 + salt).rem_euclid(many);
    (1..=60)
        .map(|set| {
            let mut doc = body(set, if set % 2 == 0 { "merger plan" } else { "lunch plan" });
            // Hours around the turn of a month, which is earlier in Berlin.
            let hours = 3600 * (set % 5 - 2);
            let month = 1_767_225_600 + 31 * 86_400 * one_of(set, 0, 4);
            doc.received_at = Timestamp::from_seconds(month + hours);
            doc.sent_at = (set % 6 != 0).then(|| Timestamp::from_seconds(month - hours));
            doc.participants = vec![
                person(Role::From, "", &format!("P{}@X.com", one_of(set, 1, 5))),
                person(Role::Sender, "", &format!("p{}@x.com", one_of(set, 2, 3))),
                person(Role::To, "", &format!("q{}@y.org", one_of(set, 3, 4))),
                person(Role::Bcc, "", &format!("hidden{}@z.net", one_of(set, 4, 9))),
                person(Role::Expanded, "", "list@x.com"),
            ];
            doc.attachments = (0..set % 4)
                .map(|at| AttachmentDoc {
                    media_type: ["application/PDF", "text/plain", "message/rfc822"]
                        [one_of(set, at, 3) as usize]
                        .into(),
                    ..attachment(
                        ["a.pdf", "b.txt", "c"][one_of(set, at, 3) as usize],
                        if at == 1 { "merger" } else { "alpha" },
                    )
                })
                .collect();
            doc.languages = ["eng", "deu", "eng"][..one_of(set, 5, 4) as usize]
                .iter()
                .map(|it| (*it).to_owned())
                .collect();
            doc.gaps = vec!["encrypted".into(); usize::from(set % 7 == 0)];
            doc.sources = vec![format!("Exchange {}", one_of(set, 6, 2))];
            doc.classes = vec!["standard".into(), "trading".into()];
            doc
        })
        .collect()
}

/// What a family counts for, by its facet. Types are of documents: see the other test.
fn values_of(doc: &FamilyDoc) -> BTreeSet<(usize, String)> {
    let at = |facet| Facet::ALL.iter().position(|it| *it == facet).expect("a facet");
    let mut values = BTreeSet::new();
    for participant in &doc.participants {
        let address = participant.address.to_lowercase();
        let domain = address.rsplit('@').next().unwrap_or_default().to_owned();
        values.insert((at(Facet::Domain), domain));
        let is_sender = matches!(participant.role, Role::From | Role::Sender);
        values.insert((at(if is_sender { Facet::Sender } else { Facet::Recipient }), address));
    }
    for attachment in doc.attachments.iter().filter(|it| it.media_type != "message/rfc822") {
        values.extend(attachment.types().into_iter().map(|it| (at(Facet::Type), it)));
    }
    for (facet, all) in [
        (Facet::Language, &doc.languages),
        (Facet::Gap, &doc.gaps),
        (Facet::Source, &doc.sources),
        (Facet::Class, &doc.classes),
    ] {
        values.extend(all.iter().map(|it| (at(facet), it.to_lowercase())));
    }
    values
}

fn month_of(at: Timestamp) -> String {
    zone().to_datetime(at.to_jiff()).strftime("%Y-%m").to_string()
}

/// Put in several segments, some of it twice.
fn filled(docs: &[FamilyDoc]) -> Fixture {
    let found = Fixture::new(docs[..20].iter().cloned());
    for (at, some) in (2u64..).zip(docs[15..].chunks(20)) {
        some.iter().for_each(|doc| found.index.put(doc.clone()).expect("put"));
        found.index.commit(at).expect("commit");
    }
    found
}

fn in_berlin(text: &str, dialect: Dialect) -> ast::Query {
    parse(text, dialect, &zone()).expect(text).query
}

#[test]
fn counts_are_those_of_the_families() {
    let docs = archive();
    let found = filled(&docs);
    let anna = Scope { addresses: Some(vec!["p1@x.com".to_owned()]), ..Scope::default() };
    let by_sent = Scope { order: Order::Sent, ..Scope::default() };
    for (text, scope) in [
        ("", &Scope::default()),
        ("merger", &by_sent),
        ("plan AND NOT has:attachment", &anna),
        ("nothing of it", &by_sent),
    ] {
        let query = in_berlin(text, Dialect::Kql);
        let hits = found.index.all(&query, scope).expect(text);
        let facets = found.index.facets(&query, scope).expect(text);
        let mut values: BTreeMap<(usize, String), u64> = BTreeMap::new();
        let (mut months, mut undated) = (BTreeMap::new(), 0);
        for hit in hits.iter() {
            let doc = docs.iter().find(|doc| doc.set == hit.set).expect("a family");
            values_of(doc).into_iter().for_each(|it| *values.entry(it).or_default() += 1);
            let date = match scope.order {
                Order::Received => Some(doc.received_at),
                Order::Sent => doc.sent_at,
            };
            match date {
                Some(date) => *months.entry(month_of(date)).or_default() += 1,
                None => undated += 1,
            }
        }
        assert_eq!(facets.families, hits.len() as u64, "{text}");
        assert_eq!(facets.months, months.into_iter().collect::<Vec<_>>(), "{text}");
        assert_eq!(facets.undated, undated, "{text}");
        let counted: BTreeMap<(usize, String), u64> = facets
            .values
            .iter()
            .enumerate()
            .flat_map(|(at, (facet, values))| {
                assert_eq!((*facet, values.more), (Facet::ALL[at], 0));
                assert!(values.shown.is_sorted_by(|a, b| a.1 >= b.1));
                values.shown.iter().map(move |(value, count)| ((at, value.clone()), *count))
            })
            .collect();
        assert_eq!(counted, values, "{text}");
    }
}

#[test]
fn a_count_is_what_the_value_joined_by_and_finds() {
    let found = filled(&archive());
    let scope = Scope { order: Order::Sent, ..Scope::default() };
    for (dialect, text, and) in
        [(Dialect::Kql, "(merger)", "AND"), (Dialect::DtSearch, "(merger or alpha)", "and")]
    {
        let facets = found.index.facets(&in_berlin(text, dialect), &scope).expect("counts");
        let mut terms: Vec<(String, u64)> =
            facets.months.iter().map(|(month, count)| (format!("sent:{month}"), *count)).collect();
        for (facet, values) in &facets.values {
            let name = match facet {
                Facet::Sender => "from:",
                Facet::Recipient => "recipients:",
                Facet::Domain => "participants:@",
                Facet::Type => "type:",
                Facet::Language => "language:",
                Facet::Gap => "gap:",
                Facet::Source => "source:",
                Facet::Class => "class:",
            };
            let quoted = |value: &str| match name {
                "participants:@" => format!("{name}{value}"),
                _ => format!("{name}\"{value}\""),
            };
            terms.extend(values.shown.iter().map(|(value, count)| (quoted(value), *count)));
        }
        assert!(terms.len() > 30, "{terms:?}");
        for (term, count) in terms {
            let query = in_berlin(&format!("{text} {and} {term}"), dialect);
            let hits = found.index.all(&query, &scope).expect(&term);
            assert_eq!(hits.len() as u64, count, "{query}");
        }
    }
}

#[test]
fn the_most_are_told_and_how_many_more_there_are() {
    let extra = 7;
    let many = FACET_VALUES_MAX as i64 + extra;
    let docs = (1..=2 * many).map(|set| {
        let mut doc = body(set, "plan");
        let sender = if set > many { set - many } else { set };
        // The last of them only once.
        let sender = sender.min(many - 1);
        doc.participants = vec![person(Role::From, "", &format!("p{sender:03}@x.com"))];
        doc
    });
    let found = Fixture::new(docs);
    let facets = found.index.facets(&read("plan"), &Scope::default()).expect("counts");
    let (facet, senders) = &facets.values[0];
    assert_eq!((*facet, senders.more), (Facet::Sender, extra as u64 - 1));
    assert_eq!(senders.shown.len(), FACET_VALUES_MAX);
    assert_eq!(senders.shown[0], (format!("p{:03}@x.com", many - 1), 4));
    assert_eq!(senders.shown[1], ("p001@x.com".to_owned(), 2));
}

#[test]
fn counts_are_kept_until_the_next_commit_and_forgotten_with_what_is_taken_out() {
    let docs = archive();
    let found = filled(&docs);
    let (query, scope) = (read("merger"), Scope::default());
    let first = found.index.facets(&query, &scope).expect("counts");
    let again = found.index.facets(&query, &scope).expect("counts");
    assert!(std::sync::Arc::ptr_eq(&first, &again));
    let gone = found.index.all(&query, &scope).expect("hits")[0].set;
    found.index.diminish(gone, None).expect("taken out");
    found.index.commit_removed().expect("commit");
    let left = found.index.facets(&query, &scope).expect("counts");
    assert_eq!(left.families, first.families - 1);
}

#[test]
fn each_part_of_a_query_is_counted_by_itself() {
    let found = filled(&archive());
    let anna = Scope { addresses: Some(vec!["p1@x.com".to_owned()]), ..Scope::default() };
    for (dialect, text) in [
        (Dialect::Kql, "merger AND NOT (lunch OR from:p1@x.com) AND (alpha OR plan)"),
        (Dialect::DtSearch, "(merger w/3 (plan or alpha)) and not gap:encrypted"),
    ] {
        for scope in [&Scope::default(), &anna] {
            let query = in_berlin(text, dialect);
            let facets = found.index.facets(&query, scope).expect("counts");
            let parts = crate::query::tree::parts(&query);
            assert_eq!(parts.len(), facets.parts.len());
            for (part, count) in parts.into_iter().zip(&facets.parts) {
                let query = ast::Query { root: Some(part.clone()), ..query.clone() };
                let hits = found.index.all(&query, scope).expect("hits");
                assert_eq!(*count, Some(hits.len() as u64), "{query}");
            }
        }
    }
}

#[test]
fn languages_and_gaps_are_found() {
    let mut locked = body(1, "plan");
    locked.gaps = vec!["encrypted".into(), "not-ocred".into()];
    locked.attachments = vec![attachment("a.txt", "alpha")];
    let mut german = body(2, "plan");
    german.languages = vec!["deu".into()];
    let found = Fixture::new([locked, german]);
    assert_eq!(found.find("gap:Encrypted"), [1]);
    assert_eq!(found.find("gap:not-ocred AND plan"), [1]);
    assert_eq!(found.find("language:deu"), [2]);
    assert_eq!(found.find("NOT language:de*"), [1]);
    // What the message carries counts for what is attached to it.
    assert_eq!(found_by(&found, Dialect::DtSearch, "gap:encrypted and alpha"), [(1, 1)]);
}

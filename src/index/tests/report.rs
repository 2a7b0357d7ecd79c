//! The report of terms against counts made by hand and by brute force.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::index::report::{Asked, Counts, Report, Sizes};
use crate::query::ast::Query;

fn scoped(queries: impl IntoIterator<Item = Query>) -> Vec<(Query, Scope)> {
    queries.into_iter().map(|query| (query, Scope::default())).collect()
}

fn asked(first: Vec<Query>, second: Vec<Query>) -> Asked {
    Asked {
        base: (read(""), Scope::default()),
        first: first.len(),
        terms: scoped(first.into_iter().chain(second)),
        custodians: Vec::new(),
        sample: 0,
        seed: 0,
    }
}

fn counts(report: &Report, at: usize) -> &Counts {
    report.terms[at].as_ref().expect("counts")
}

fn dt(text: &str) -> Query {
    parse(text, Dialect::DtSearch, &TimeZone::UTC).expect(text).query
}

/// A message with a text of its own and those of its attachments.
fn letter(set: i64, text: &str, attachments: &[&str]) -> FamilyDoc {
    let attachments = attachments.iter().map(|text| attachment("x", text)).collect();
    FamilyDoc { attachments, ..body(set, text) }
}

#[test]
fn a_document_is_a_hit_where_a_part_of_the_term_stands_in_it() {
    let mut by_anna = letter(3, "nothing", &["nothing"]);
    by_anna.participants = vec![person(Role::From, "", "anna@x.com")];
    let found = Fixture::new([
        letter(1, "red red", &["blue", "green"]),
        letter(2, "blue", &["blue red", "blue"]),
        by_anna,
    ]);
    let terms = ["red", "red AND blue", "from:anna@x.com", "red NOT green", "NOT red"];
    let report = found.index.report(&asked(terms.map(read).to_vec(), Vec::new())).expect("counts");
    let of = |at: usize| {
        let spread = &counts(&report, at).spread;
        (spread.hits.documents, spread.with_family, spread.hits.families)
    };
    assert_eq!(of(0), (2, 6, 2));
    assert_eq!(of(1), (5, 6, 2), "a family is joined; the green one has no part of it");
    assert_eq!(of(2), (2, 2, 1), "who sent it sent all of it");
    assert_eq!(of(3), (1, 3, 1));
    assert_eq!(of(4), (2, 2, 1), "what is absent is absent from each");
    assert_eq!(counts(&report, 0).occurrences, Some(3));
    assert_eq!(counts(&report, 1).occurrences, Some(7));
    assert_eq!(counts(&report, 1).unique, 3);
    assert_eq!(counts(&report, 0).unique, 0);

    // Joined within a document.
    let report = found.index.report(&asked(vec![dt("red and blue")], vec![dt("red")]));
    let report = report.expect("counts");
    assert_eq!(counts(&report, 0).spread.hits, Sizes { documents: 1, families: 1 });
    assert_eq!(counts(&report, 1).unique, 2, "lists are apart");
    let sizes = |documents, families| Sizes { documents, families };
    assert_eq!(report.compared, [sizes(0, 0), sizes(1, 1), sizes(1, 1)]);
}

#[test]
fn one_term_that_cannot_be_counted_leaves_the_others() {
    let found = Fixture::new([body(1, "red")]);
    let mut asked = asked(vec![read("kind:nonsense"), read("red")], Vec::new());
    let report = found.index.report(&asked).expect("counts");
    assert!(matches!(report.terms[0], Err(IndexError::Refused { .. })));
    assert_eq!(counts(&report, 1).unique, 1);
    asked.base.0 = read("kind:nonsense");
    assert!(found.index.report(&asked).is_err());
}

#[test]
fn years_are_those_of_the_zone_and_custodians_those_who_took_part() {
    let at = |set: i64, time: &str, address: &str| FamilyDoc {
        received_at: Timestamp(time.parse::<jiff::Timestamp>().expect("a time").as_microsecond()),
        sent_at: None,
        participants: vec![person(Role::Bcc, "", address)],
        ..letter(set, "red", &["red"])
    };
    let found = Fixture::new([
        at(1, "2025-12-31T23:30:00Z", "anna@x.com"),
        at(2, "2026-02-01T00:00:00Z", "bob@x.com"),
    ]);
    let mut asked = asked(vec![read("red")], Vec::new());
    asked.base.0.zone = TimeZone::get("Europe/Berlin").expect("a zone");
    asked.custodians =
        vec![vec!["anna@x.com".into()], vec!["ANNA@x.com".into(), "bob@x.com".into()]];
    let report = found.index.report(&asked).expect("counts");
    assert_eq!(counts(&report, 0).spread.years, BTreeMap::from([(2026, 4)]));
    assert_eq!(counts(&report, 0).spread.custodians, [2, 4]);
    assert_eq!(report.totals[0], counts(&report, 0).spread);
    asked.base.1.order = Order::Sent;
    let report = found.index.report(&asked).expect("counts");
    assert_eq!(counts(&report, 0).spread.undated, 4);
    // What is outside of the filters is in no count.
    asked.base.0 = read("participants:bob@x.com");
    let report = found.index.report(&asked).expect("counts");
    assert_eq!(counts(&report, 0).spread.hits, Sizes { documents: 2, families: 1 });
}

#[test]
fn samples_are_drawn_evenly_and_again_by_their_seed() {
    let found = Fixture::new((1..=100).map(|set| body(set, "red")));
    let mut asked = asked(vec![read("red"), read("NOT red")], Vec::new());
    let mut drawn = [0; 101];
    for seed in 0..500 {
        (asked.sample, asked.seed) = (10, seed);
        let sample = |asked: &Asked| {
            let report = found.index.report(asked).expect("counts");
            assert!(counts(&report, 1).sample.is_empty());
            counts(&report, 0).sample.clone()
        };
        let sets = sample(&asked);
        assert_eq!((sets.len(), &sets), (10, &sample(&asked)));
        sets.iter().for_each(|set| drawn[usize::try_from(set.0).expect("small")] += 1);
    }
    // Fifty times each, give or take five times the deviation.
    assert!(drawn[1..].iter().all(|times| (17..=83).contains(times)), "{drawn:?}");
}

const WORDS: [&str; 4] = ["red", "blue", "green", "grey"];

fn text() -> impl Strategy<Value = Vec<usize>> {
    vec(0..WORDS.len(), 0..5)
}

fn written(words: &[usize]) -> String {
    words.iter().map(|word| WORDS[*word]).collect::<Vec<_>>().join(" ")
}

/// A term: one word, or two in a row.
fn terms() -> impl Strategy<Value = Vec<Vec<usize>>> {
    vec(vec(0..WORDS.len(), 1..3), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    #[test]
    fn counts_are_those_of_brute_force(
        families in vec(vec(text(), 1..4), 1..12),
        (first, second) in (terms(), terms()),
        pause in 0usize..12,
    ) {
        let found = Fixture::new([]);
        for (at, family) in families.iter().enumerate() {
            let texts: Vec<String> = family.iter().map(|it| written(it)).collect();
            let attached: Vec<&str> = texts[1..].iter().map(String::as_str).collect();
            found.index.put(letter(at as i64 + 1, &texts[0], &attached)).expect("put");
            if at == pause {
                found.index.commit(2).expect("commit");
            }
        }
        found.index.commit(3).expect("commit");
        let quoted = |term: &Vec<usize>| dt(&format!("\"{}\"", written(term)));
        let asked =
            asked(first.iter().map(quoted).collect(), second.iter().map(quoted).collect());
        let report = found.index.report(&asked).expect("counts");

        let documents: Vec<(usize, &Vec<usize>)> = families
            .iter()
            .enumerate()
            .flat_map(|(at, family)| family.iter().map(move |text| (at, text)))
            .collect();
        let times = |term: &Vec<usize>, text: &[usize]| {
            text.windows(term.len()).filter(|words| *words == &term[..]).count() as u64
        };
        let of_list = |list: &[Vec<usize>], (_, text): &(usize, &Vec<usize>)| {
            list.iter().filter(|term| times(term, text) > 0).count()
        };
        for (list, from) in [(&first, 0), (&second, first.len())] {
            for (at, term) in list.iter().enumerate() {
                let hits: Vec<_> =
                    documents.iter().filter(|it| times(term, it.1) > 0).collect();
                let mut of: Vec<usize> = hits.iter().map(|it| it.0).collect();
                of.dedup();
                let counted = counts(&report, from + at);
                let sizes =
                    Sizes { documents: hits.len() as u64, families: of.len() as u64 };
                prop_assert_eq!(counted.spread.hits, sizes);
                let whole: usize = of.iter().map(|at| families[*at].len()).sum();
                prop_assert_eq!(counted.spread.with_family, whole as u64);
                let alone = hits.iter().filter(|it| of_list(list, it) == 1).count();
                prop_assert_eq!(counted.unique, alone as u64);
                let places: u64 = hits.iter().map(|it| times(term, it.1)).sum();
                prop_assert_eq!(counted.occurrences, Some(places));
            }
        }
        let is_in = |list: &[Vec<usize>]| {
            documents.iter().map(|it| of_list(list, it) > 0).collect::<Vec<_>>()
        };
        let both: Vec<_> = is_in(&first).into_iter().zip(is_in(&second)).collect();
        for (at, want) in [(true, false), (false, true), (true, true)].into_iter().enumerate() {
            let count = both.iter().filter(|it| **it == want).count() as u64;
            prop_assert_eq!(report.compared[at].documents, count);
        }
    }
}

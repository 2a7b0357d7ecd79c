//! The index on real mail, against a plain reading of the same texts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use muniment::base::clock::Timestamp;
use muniment::base::ids::SetId;
use muniment::extract::parse_message;
use muniment::index::doc::{FamilyDoc, Participant, Role};
use muniment::index::{Facet, Index, Order, Scope, Values};
use muniment::mail::address;
use muniment::query::ast::Query;
use muniment::query::{self, Dialect};

use super::support::corpus;
use super::support::random::Random;

pub fn family(set: usize, body: &str) -> FamilyDoc {
    FamilyDoc {
        set: SetId(set as i64),
        received_at: Timestamp::from_seconds(set as i64),
        received_again: Vec::new(),
        sent_at: None,
        size_bytes: 0,
        message_id: String::new(),
        subject: String::new(),
        body: body.to_owned(),
        headers: Vec::new(),
        participants: Vec::new(),
        attachments: Vec::new(),
        sources: Vec::new(),
        classes: Vec::new(),
        messages: Vec::new(),
        hashes: Vec::new(),
        is_partial: false,
        gaps: Vec::new(),
        languages: Vec::new(),
        versions: Vec::new(),
        links: Vec::new(),
        are_headers_cut: false,
        is_proven: true,
        has_unproven: false,
    }
}

/// The texts of the messages under `part`, and an index of them.
fn indexed(part: &str, most: usize) -> Option<(Vec<String>, Index, tempfile::TempDir)> {
    let messages = corpus::messages(part);
    if messages.is_empty() {
        return None;
    }
    let step = messages.len().div_ceil(most);
    let texts: Vec<String> =
        messages.iter().step_by(step).map(|bytes| parse_message(bytes).text).collect();
    let directory = tempfile::tempdir().unwrap();
    let index = Index::open(directory.path(), 0).unwrap();
    for (set, text) in texts.iter().enumerate() {
        index.put(family(set, text)).unwrap();
        if set % 100 == 0 {
            index.commit(set as u64).unwrap();
        }
    }
    index.commit(texts.len() as u64).unwrap();
    Some((texts, index, directory))
}

fn find(index: &Index, query: &Query) -> BTreeSet<usize> {
    let hits = index.all(query, &Scope::default()).unwrap();
    hits.iter().map(|hit| hit.set.0 as usize).collect()
}

#[test]
fn any_stretch_of_any_text_is_found() {
    let Some((texts, index, _directory)) = indexed("bulk/lists-nonascii", 400) else { return };
    let seed = Random::seed();
    println!("MUNIMENT_TEST_SEED={seed}");
    let mut random = Random::new(seed);
    let mut pick = |below: usize| (random.next() % below.max(1) as u64) as usize;
    let mut asked = 0;
    for _ in 0..2000 {
        let set = pick(texts.len());
        let words: Vec<&str> = texts[set].split_whitespace().collect();
        let start = pick(words.len());
        let end = (start + 1 + pick(6)).min(words.len());
        let phrase = words.get(start..end).unwrap_or_default().join(" ");
        // Wildcards and quotation marks mean something of their own.
        let plain = phrase.replace(['*', '?', '"', '“', '”', '„', '‟', '＂'], " ");
        let asked_for = format!("body:\"{plain}\"");
        let Ok(parsed) = query::parse(&asked_for, Dialect::Kql, &TimeZone::UTC) else { continue };
        asked += 1;
        assert!(find(&index, &parsed.query).contains(&set), "{phrase}");
    }
    assert!(asked > 1000, "only {asked} phrases were asked for");
}

#[test]
fn hits_on_real_mail_are_exactly_those_of_a_plain_reading() {
    let Some((mut texts, index, _directory)) = indexed("bulk/linux-parisc", 400) else { return };
    // A plain reading knows no more than ASCII.
    texts.iter_mut().filter(|text| !text.is_ascii()).for_each(String::clear);
    let read: Vec<Vec<String>> = texts
        .iter()
        .map(|text| {
            let words = text.split(|c: char| !c.is_ascii_alphanumeric());
            words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect()
        })
        .collect();
    let seed = Random::seed();
    println!("MUNIMENT_TEST_SEED={seed}");
    let mut random = Random::new(seed);
    let mut pick = |below: usize| (random.next() % below.max(1) as u64) as usize;
    let mut found_any = 0;
    for round in 0..800 {
        let words = &read[pick(read.len())];
        if words.len() < 20 {
            continue;
        }
        let at = pick(words.len() - 10);
        let (a, b, distance) = (&words[at], &words[at + 1 + pick(8)], 1 + pick(12));
        let is_near = |words: &[String], is_ordered: bool| {
            words.iter().enumerate().filter(|(_, word)| *word == a).any(|(i, _)| {
                let from = if is_ordered { i + 1 } else { i.saturating_sub(distance) };
                let until = (i + distance + 1).min(words.len());
                (from..until).any(|j| j != i && words[j] == *b)
            })
        };
        let follows = |words: &[String]| words.windows(2).any(|two| two[0] == *a && two[1] == *b);
        let prefix = &a[..a.len().min(3)];
        let begins = |words: &[String]| words.iter().any(|word| word.starts_with(prefix));
        type Expected<'a> = Box<dyn Fn(&[String]) -> bool + 'a>;
        let (text, expected): (String, Expected<'_>) = match round % 5 {
            0 => (format!("body:\"{a}\""), Box::new(|words| words.contains(a))),
            1 => (format!("body:\"{a} {b}\""), Box::new(follows)),
            2 => (
                format!("body:(\"{a}\" NEAR({distance}) \"{b}\")"),
                Box::new(move |words| is_near(words, false)),
            ),
            3 => (
                format!("body:(\"{a}\" ONEAR({distance}) \"{b}\")"),
                Box::new(move |words| is_near(words, true)),
            ),
            _ => (format!("body:{prefix}*"), Box::new(begins)),
        };
        let query = query::parse(&text, Dialect::Kql, &TimeZone::UTC).unwrap().query;
        let found: BTreeSet<usize> =
            find(&index, &query).into_iter().filter(|set| !texts[*set].is_empty()).collect();
        let expected: BTreeSet<usize> =
            (0..read.len()).filter(|set| expected(&read[*set])).collect();
        assert_eq!(found, expected, "{text}");
        found_any += usize::from(!found.is_empty());
    }
    assert!(found_any > 400, "only {found_any} queries found anything");
}

#[test]
fn counts_over_real_mail_are_those_of_its_families() {
    let messages = corpus::messages("bulk/linux-parisc");
    if messages.is_empty() {
        return;
    }
    let step = messages.len().div_ceil(600);
    let docs: Vec<FamilyDoc> = messages
        .iter()
        .step_by(step)
        .enumerate()
        .map(|(set, bytes)| {
            let parsed = parse_message(bytes);
            let person = |mailbox: &muniment::extract::Mailbox| Participant {
                role: Role::From,
                address: mailbox.address.clone(),
                name: mailbox.name.clone(),
            };
            FamilyDoc {
                participants: parsed.from.iter().map(person).collect(),
                languages: parsed.language.clone().into_iter().collect(),
                sent_at: parsed.date,
                ..family(set, &parsed.text)
            }
        })
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let index = Index::open(directory.path(), 0).unwrap();
    for doc in &docs {
        index.put(doc.clone()).unwrap();
        if doc.set.0 % 150 == 0 {
            index.commit(doc.set.0 as u64).unwrap();
        }
    }
    index.commit(docs.len() as u64).unwrap();
    let scope = Scope { order: Order::Sent, ..Scope::default() };
    for text in ["", "kernel", "kernel OR patch"] {
        let query = query::parse(text, Dialect::Kql, &TimeZone::UTC).unwrap().query;
        let hits = find(&index, &query);
        assert!(hits.len() > 10, "{text} finds too little to count");
        let facets = index.facets(&query, &scope).unwrap();
        let hit = || docs.iter().filter(|doc| hits.contains(&(doc.set.0 as usize)));
        let mut senders: BTreeMap<String, u64> = BTreeMap::new();
        let mut languages: BTreeMap<String, u64> = BTreeMap::new();
        for doc in hit() {
            let of: BTreeSet<String> =
                doc.participants.iter().map(|it| address::key(&it.address)).collect();
            for sender in of.into_iter().filter(|it| !it.is_empty()) {
                *senders.entry(sender).or_default() += 1;
            }
            doc.languages.iter().for_each(|it| *languages.entry(it.clone()).or_default() += 1);
        }
        let check = |facet: Facet, expected: &BTreeMap<String, u64>| {
            let (_, Values { shown, more }) =
                facets.values.iter().find(|(it, _)| *it == facet).unwrap();
            assert_eq!(shown.len() as u64 + more, expected.len() as u64, "{text} {facet:?}");
            for (value, count) in shown {
                assert_eq!(expected.get(value), Some(count), "{text} {facet:?} {value}");
            }
            let least = shown.last().map_or(0, |(_, count)| *count);
            let above = expected.values().filter(|count| **count > least).count();
            assert!(above <= shown.len(), "{text} {facet:?}: a greater one is not told");
        };
        check(Facet::Sender, &senders);
        check(Facet::Language, &languages);
        let dated = hit().filter(|doc| doc.sent_at.is_some()).count() as u64;
        assert_eq!(facets.months.iter().map(|(_, count)| count).sum::<u64>(), dated);
        assert_eq!(
            (facets.families, facets.undated),
            (hits.len() as u64, hits.len() as u64 - dated)
        );
    }
}

//! What is asked too much, and what is kept and told of expansions.

use super::*;

#[test]
fn too_many_expansions_are_refused() {
    let words = |from: usize, to: usize| (from..to).map(|n| format!("w{n:x} ")).collect::<String>();
    let docs = (0..11).map(|n| body(n as i64 + 1, &words(n * 20_000, (n + 1) * 20_000)));
    // All in one segment, as the limit counts.
    let found = Fixture::with_memory(docs, 256 << 20);
    let refused = found.find_in("w*", &Scope::default());
    assert!(matches!(refused, Err(IndexError::Refused { .. })));
    assert_eq!(found.find("w1234*").len(), 2);
}

/// On a part of the stack that the server's threads have.
#[test]
fn what_nests_is_answered_or_refused_within_the_stack() {
    let found = Fixture::new([body(1, "word")]);
    let nests = |depth: usize| {
        let around = |before: &str, within: &str, after: &str| {
            format!("{}{within}{}", before.repeat(depth), after.repeat(depth))
        };
        [
            around("(", "word", ")"),
            around("(a OR ", "word", ")"),
            around("NOT ", "word", ""),
            around("-", "word", ""),
            around("NOT (", "word", ")"),
            around("subject:(", "word", ")"),
            around("(word NEAR(3) ", "word", ")"),
            around("(word w/3 ", "word", ")"),
            around("word NEAR(3) ", "word", ""),
            around("word w/3 ", "word", ""),
            around("word or ", "word", ""),
        ]
    };
    let ask = move || {
        for depth in [50, 99, 100, 101, 150, 199, 1000, 5000] {
            for text in nests(depth) {
                for dialect in [Dialect::Kql, Dialect::DtSearch] {
                    let Ok(read) = parse(&text, dialect, &TimeZone::UTC) else { continue };
                    let _ = found.index.all(&read.query, &Scope::default());
                    let _ = (read.query.to_string(), crate::query::tree::rows(&read.query));
                }
            }
        }
        parse(&nests(100)[0], Dialect::Kql, &TimeZone::UTC).map(|read| read.warnings.len())
    };
    let stack = crate::base::limits::SERVER_STACK_BYTES / 4;
    let thread = std::thread::Builder::new().stack_size(stack).spawn(ask).expect("a thread");
    assert_eq!(thread.join().expect("no panic"), Ok(0));
}

/// What is written to break a search costs a bounded time, and says what to mend.
#[test]
fn hostile_queries_end_soon_with_a_reason() {
    let text: String = (0..3000).map(|n| format!("a{n} a a b ")).collect();
    let found = Fixture::new([body(1, &text), body(2, &"a ".repeat(20_000))]);
    let ask = |dialect, text: &str| {
        let query = parse(text, dialect, &TimeZone::UTC).expect("it can be read").query;
        found.index.all(&query, &Scope::default()).map(|hits| hits.len())
    };
    let begun = std::time::Instant::now();
    let letter = |n: u32| char::from_digit(10 + n % 26, 36).expect("a letter");
    let any: Vec<String> =
        (0..10_000).map(|n| format!("{}{}", letter(n), letter(n / 26))).collect();
    assert!(matches!(ask(Dialect::Kql, &any.join(" OR ")), Ok(0)));
    assert!(matches!(ask(Dialect::DtSearch, "\"##(a|a)*(a|a)*(a|a)*b\""), Ok(1)));
    assert!(matches!(ask(Dialect::DtSearch, "\"##(.*.*.*)*x\""), Ok(0)));
    for refused in ["\"##a{1000}{1000}\"", "\"##[\"", "((a w/900 a) w/900 a) w/900 a", "x.*.y"] {
        let dialect = Dialect::DtSearch;
        assert!(matches!(ask(dialect, refused), Err(IndexError::Refused { .. })), "{refused}");
    }
    let deep = format!("{}a{}", "not (".repeat(46), ")".repeat(46));
    assert!(matches!(ask(Dialect::DtSearch, &deep), Ok(2)));
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn lists_are_kept_until_the_next_commit() {
    let found = Fixture::new([body(1, "word")]);
    let list = |query: &str| found.index.all(&read(query), &Scope::default()).expect("an answer");
    assert!(std::sync::Arc::ptr_eq(&list("word"), &list("word")));
    found.index.put(body(2, "word")).expect("put");
    found.index.commit(2).expect("commit");
    assert_eq!(list("word").len(), 2);
}

#[test]
fn expansions_are_told_as_far_as_the_reader_sees() {
    let mut doc = body(1, "merger mergers 12 applied");
    doc.participants = vec![person(Role::From, "", "ann@x.org")];
    doc.attachments = vec![attachment("-", "mergers 15 applying")];
    let found = Fixture::new([doc, body(2, "merging 13 applies")]);
    let told = |text: &str, scope: &Scope| -> Vec<String> {
        let query = parse(text, Dialect::DtSearch, &TimeZone::UTC).expect(text).query;
        let expansions = found.index.expansions(&query, scope).expect(text);
        let shown = |it: &Expansion| {
            let words: Vec<_> = it.words.iter().map(|(word, n)| format!("{word} {n}")).collect();
            format!("{}: {}{}", it.written, words.join(", "), if it.is_cut { "…" } else { "" })
        };
        expansions.iter().map(shown).collect()
    };
    let all = Scope::default();
    assert_eq!(
        told("merg* w/9 apply~ and not 10~~14 and plain", &all),
        [
            "merg*: merger 1, mergers 2, merging 1",
            "apply~: applied 1, applies 1, applying 1",
            "10~~14: 12 1, 13 1",
        ]
    );
    let ann = Scope { addresses: Some(vec!["ann@x.org".to_owned()]), ..Scope::default() };
    assert_eq!(told("merg*", &ann), ["merg*: merger 1, mergers 2"]);
    assert_eq!(told("body:merg*", &ann), ["body:merg*: merger 1, mergers 1"]);
    let many: String = (100..400).map(|n| format!("w{n} ")).collect();
    let found = Fixture::new([body(1, &many)]);
    let query = read("w*");
    let told = found.index.expansions(&query, &Scope::default()).expect("expansions");
    assert!(told[0].is_cut && told[0].words.len() == 200);
}

#[test]
fn text_since_the_last_commit_is_counted() {
    let found = Fixture::new([]);
    let text = "word ".repeat(1 << 20);
    let mut put = 0;
    while !found.index.is_full() {
        put += 1;
        found.index.put(body(put, &text)).unwrap();
        assert!(put < 10, "{MEMORY} bytes are to be in memory");
    }
    assert!(put as usize * text.len() > MEMORY);
    found.index.commit(1).unwrap();
    assert!(!found.index.is_full());
}

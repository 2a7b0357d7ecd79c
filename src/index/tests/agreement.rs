//! Queries that are made up, over texts that are made up, against brute force.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn words() -> impl Strategy<Value = Vec<String>> {
    let word = prop_oneof![8 => "[ab]{1,2}", 1 => "[1-3]{1,2}", 1 => "cart", 1 => "carts"];
    vec(word, 0..14)
}

/// What only dtSearch says.
fn dtsearch_word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("cart~".to_owned()),
        Just("ca%rs".to_owned()),
        Just("a%bb".to_owned()),
        Just("2~~21".to_owned()),
        Just("\"##[ab]b?\"".to_owned()),
        Just("\"##(cart|b)s*\"".to_owned()),
        Just("\"a ##[0-9]+\"".to_owned()),
        Just("1=".to_owned()),
        Just("xfirstword".to_owned()),
        Just("xlastword".to_owned()),
        Just("\"xfirstword a\"".to_owned()),
        Just("\"b xlastword\"".to_owned()),
    ]
}

fn leaf(dialect: Dialect) -> BoxedStrategy<String> {
    let word = prop_oneof![
        6 => "[ab]{1,2}",
        1 => "[ab]\\*", 1 => "\\*[ab]", 1 => "[ab]\\?", 1 => "\\?[ab]", 1 => "[ab]\\*[ab]",
    ];
    let plain = prop_oneof![
        3 => word.clone(),
        2 => vec(word, 1..4).prop_map(|words| format!("\"{}\"", words.join(" "))),
    ];
    match dialect {
        Dialect::Kql => plain.boxed(),
        Dialect::DtSearch => prop_oneof![3 => plain, 1 => dtsearch_word()].boxed(),
    }
}

fn near(leaf: BoxedStrategy<String>, dialect: Dialect) -> BoxedStrategy<String> {
    let near = leaf.prop_recursive(3, 8, 2, move |inner| {
        let operator = (0..3, 1..6_u32).prop_map(move |(kind, n)| match (dialect, kind) {
            (Dialect::Kql, 0) => format!("ONEAR({n})"),
            (Dialect::Kql, _) => format!("NEAR({n})"),
            (Dialect::DtSearch, 0) => format!("pre/{n}"),
            (Dialect::DtSearch, 1) => format!("not w/{n}"),
            (Dialect::DtSearch, _) => format!("w/{n}"),
        });
        prop_oneof![
            3 => (inner.clone(), operator, inner.clone())
                .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
            1 => vec(inner, 2..4).prop_map(|any| format!("({})", any.join(" OR "))),
        ]
    });
    near.boxed()
}

fn query(dialect: Dialect) -> BoxedStrategy<String> {
    let field = proptest::sample::select(vec!["", "body:", "attachmenttext:"]);
    let plain = leaf(Dialect::Kql);
    let leaf = prop_oneof![
        4 => (field, near(leaf(dialect), dialect))
            .prop_map(|(field, near)| format!("{field}{near}")),
        1 => near(plain, dialect).prop_map(|near| format!("subject:{near}")),
        2 => leaf(dialect),
        1 => Just("has:attachment".to_owned()),
    ];
    let query = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" AND "))),
            vec(inner.clone(), 2..4).prop_map(|any| format!("({})", any.join(" OR "))),
            inner.prop_map(|node| format!("(NOT {node})")),
        ]
    });
    query.boxed()
}

type Texts = (Vec<String>, Vec<String>, Vec<Vec<String>>);

fn agrees(dialect: Dialect, texts: Vec<Texts>, queries: Vec<String>) -> Result<(), TestCaseError> {
    let docs: Vec<brute::Doc> = (1..)
        .zip(texts)
        .map(|(set, (subject, body, attachments))| brute::Doc { set, subject, body, attachments })
        .collect();
    let found = Fixture::new([body(3, "to be replaced"), body(12, "a b")]);
    for part in docs.chunks(4) {
        for doc in part {
            let mut put = body(doc.set, &doc.body.join(" "));
            put.subject = doc.subject.join(", ");
            put.attachments =
                doc.attachments.iter().map(|words| attachment("-", &words.join("\n"))).collect();
            found.index.put(put).expect("put");
        }
        found.index.commit(1).expect("commit");
    }
    for text in queries {
        let query = parse(&text, dialect, &TimeZone::UTC)
            .map_err(|error| TestCaseError::fail(error.caret(&text).to_string()))?
            .query;
        let expected: Vec<(i64, u32)> = docs
            .iter()
            .rev()
            .map(|doc| (doc.set, doc.matching(&query)))
            .filter(|(_, documents)| *documents > 0)
            .collect();
        let hits = found.index.all(&query, &Scope::default()).expect("an answer");
        let hits: Vec<(i64, u32)> = hits.iter().map(|hit| (hit.set.0, hit.documents)).collect();
        prop_assert_eq!(hits, expected, "{}", text);
    }
    Ok(())
}

fn family_texts() -> impl Strategy<Value = Vec<Texts>> {
    vec((words(), words(), vec(words(), 0..3)), 12)
}

proptest! {
    // Each case is 40 queries over 12 families in up to four segments: 1200 queries of
    // each dialect in a run.
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn kql_agrees_with_brute_force(
        texts in family_texts(), queries in vec(query(Dialect::Kql), 40),
    ) {
        agrees(Dialect::Kql, texts, queries)?;
    }

    #[test]
    fn dtsearch_agrees_with_brute_force(
        texts in family_texts(), queries in vec(query(Dialect::DtSearch), 40),
    ) {
        agrees(Dialect::DtSearch, texts, queries)?;
    }
}

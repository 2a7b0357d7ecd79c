//! Words of every language, numbers and addresses, whole and in part.

use super::*;

#[test]
fn every_language_is_found_in_part_and_whole() {
    let texts = [
        "会議の議事録を送ります。東京都庁で",
        "请查收附件中的合同副本",
        "กรุณาตรวจสอบสัญญาฉบับนี้",
        "계약서를 서울에서 검토했습니다",
        "يرجى مراجعة العَقْد المرفق",
        "אנא עיינו בחוֹזה המצורף",
        "SÖZLEŞME İstanbul'da ISPARTA ile imzalandı",
        "Die Straßenverkehrsordnung in GROẞBUCHSTABEN, Maß und Übung",
        "Le résumé de l'été à Orléans: cœur, naïve",
        "Договор подписан в Москве",
        "Συμφωνία στην οδό ΑΘΗΝΑΣ",
        "हिन्दी में अनुबंध",
    ];
    let docs = (1..).zip(texts).map(|(set, text)| body(set, text));
    let found = Fixture::new(docs);
    for (set, queries) in [
        (1, &["議事録", "東京", "京都庁", "事", "\"送ります\"", "ＴＯＫＹＯ OR 都庁"][..]),
        (2, &["合同", "附件中", "本"]),
        (3, &["สัญญา", "ฉบับ", "ตรวจสอบ", "ญา"]),
        (4, &["계약서", "서울", "검토", "계약*"]),
        (5, &["العقد", "العَقْد", "مراجعة", "المرف*"]),
        (6, &["בחוזה", "חוֹזה OR בחוֹזה", "המצורף"]),
        (7, &["sözleşme", "istanbul", "İSTANBUL", "ısparta", "isparta", "IMZALANDI"]),
        (8, &["strassenverkehrsordnung", "STRAßEN*", "großbuchstaben", "mass", "übung"]),
        (9, &["RÉSUMÉ", "re\u{301}sume\u{301}", "été", "l'été", "orléans", "naïve"]),
        (10, &["договор", "МОСКВЕ", "подпис*"]),
        (11, &["συμφωνία", "ΟΔΌ", "αθηνασ", "αθηνας"]),
        (12, &["हिन्दी", "अनुबंध"]),
    ] {
        for query in queries {
            assert_eq!(found.find(query), [set], "{query}");
        }
    }
    for (set, plain) in [(9, "resume"), (9, "ete"), (9, "coeur"), (8, "ubung"), (11, "οδο")] {
        assert_eq!(found.find(plain), [set], "{plain}");
    }
    for miss in ["京東", "同合"] {
        assert_eq!(found.find(miss), [0; 0], "{miss}");
    }
}

#[test]
fn any_stretch_of_text_without_blanks_is_found() {
    let texts =
        ["東京都庁で会議を開く。次回は大阪", "กรุณาตรวจสอบสัญญาฉบับนี้ด้วย", "계약서를검토했습니다"];
    let found = Fixture::new((1..).zip(texts).map(|(set, text)| body(set, text)));
    for (set, text) in (1..).zip(texts) {
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        for (at, start) in ends.iter().enumerate() {
            for end in &ends[at + 1..] {
                let part = &text[*start..*end];
                if part.chars().any(char::is_alphanumeric) {
                    assert!(found.find(&format!("\"{part}\"")).contains(&set), "{part}");
                }
            }
        }
    }
}

#[test]
fn words_of_any_length_are_found() {
    let long = "x".repeat(70_000);
    let found = Fixture::new([body(1, &format!("a {long} b")), body(2, &"x".repeat(69_999))]);
    let query = format!("\"a {} b\"", &long[..60_000]);
    assert_eq!(found.find(&query), [0; 0]);
    assert_eq!(found.find(&"x".repeat(60_000)), [2, 1]);
    assert_eq!(found.find("\"a xxx*\""), [1]);
}

#[test]
fn ends_of_a_text_are_places() {
    let mut doc = body(1, "dear sir the end");
    doc.attachments = vec![attachment("-", "end of dear")];
    let found = Fixture::new([doc, body(2, "sir dear")]);
    let sets = |text| found_by(&found, Dialect::DtSearch, text);
    assert_eq!(sets("\"xfirstword dear\""), [(1, 1)]);
    assert_eq!(sets("dear w/1 xfirstword"), [(1, 1)]);
    assert_eq!(sets("dear w/2 xfirstword"), [(2, 1), (1, 1)]);
    assert_eq!(sets("dear w/1 xlastword"), [(2, 1), (1, 1)]);
    assert_eq!(sets("xfirstword pre/3 end"), [(1, 1)]);
    assert_eq!(sets("attachmenttext:(end w/1 xfirstword)"), [(1, 1)]);
}

#[test]
fn numbers_addresses_and_links_are_found_whole_and_in_part() {
    let text = "pay 1,234.50 to https://pay.corp.example/a/b?id=77 or jo.lee@sub.corp.example, \
                tel. +49 (30) 901820";
    let found = Fixture::new([body(1, text)]);
    for query in [
        "\"1,234.50\"",
        "234",
        "https://pay.corp.example/a/b?id=77",
        "pay.corp.example",
        "corp.example",
        "\"https://pay.corp.example/a/b?id=77\"",
        "id=77",
        "jo.lee@sub.corp.example",
        "lee@sub",
        "9018*",
        "\"+49 (30) 901820\"",
    ] {
        assert_eq!(found_by(&found, Dialect::Kql, query).len(), 1, "{query}");
    }
    let link = "\"https://pay.corp.example/a/b?id=77\"";
    assert_eq!(found_by(&found, Dialect::DtSearch, link).len(), 1);
    assert_eq!(found_by(&found, Dialect::DtSearch, "900000~~999999").len(), 1);
    assert_eq!(found_by(&found, Dialect::DtSearch, "78~~200").len(), 0);
}

#[test]
fn an_address_of_any_length_is_found_by_its_own_text() {
    let long = |name: &str| format!("{}{name}@x.example", "Long.".repeat(600));
    let mut docs = [body(1, "a"), body(2, "b")];
    for (doc, name) in docs.iter_mut().zip(["ann", "bob"]) {
        doc.participants = vec![person(Role::Bcc, "", &long(name))];
    }
    let found = Fixture::new(docs);
    for dialect in [Dialect::Kql, Dialect::DtSearch] {
        let hits = found_by(&found, dialect, &format!("recipients:{}", long("bob")));
        assert_eq!(hits.iter().map(|hit| hit.0).collect::<Vec<_>>(), [2]);
    }
}

#[test]
fn a_domain_in_other_letters_is_found_in_both_spellings() {
    let mut docs = [body(1, "a"), body(2, "b"), body(3, "c")];
    docs[0].participants = vec![person(Role::Bcc, "", "ann@xn--bcher-kva.example")];
    docs[1].participants = vec![person(Role::Bcc, "", "Ann@Bücher.example")];
    docs[2].participants = vec![person(Role::Bcc, "", "ann@buecher.example")];
    let found = Fixture::new(docs);
    for dialect in [Dialect::Kql, Dialect::DtSearch] {
        for domain in ["bücher.example", "xn--bcher-kva.example"] {
            for query in [format!("ann@{domain}"), format!("@{domain}"), domain.to_owned()] {
                let hits = found_by(&found, dialect, &format!("bcc:{query}"));
                let mut sets: Vec<_> = hits.iter().map(|hit| hit.0).collect();
                sets.sort_unstable();
                assert_eq!(sets, [1, 2], "{query}");
            }
        }
    }
}

/// RFC 6530 section 10.1.
#[test]
fn a_local_part_is_found_composed_or_not() {
    let mut docs = [body(1, "a"), body(2, "b"), body(3, "c")];
    docs[0].participants = vec![person(Role::Bcc, "", "jos\u{e9}@x.example")];
    docs[1].participants = vec![person(Role::Bcc, "", "jose\u{301}@x.example")];
    docs[2].participants = vec![person(Role::Bcc, "", "jose@x.example")];
    let found = Fixture::new(docs);
    for dialect in [Dialect::Kql, Dialect::DtSearch] {
        for local_part in ["jos\u{e9}", "jose\u{301}", "Jose\u{301}"] {
            let hits = found_by(&found, dialect, &format!("bcc:{local_part}@x.example"));
            let mut sets: Vec<_> = hits.iter().map(|hit| hit.0).collect();
            sets.sort_unstable();
            assert_eq!(sets, [1, 2], "{local_part}");
        }
    }
}

//! The index against brute force over the texts, and in many languages.

mod brute;

use jiff::tz::TimeZone;
use proptest::collection::vec;
use proptest::prelude::*;

use super::doc::{AttachmentDoc, FamilyDoc, Participant, Role};
use super::*;
use crate::query::{Dialect, ast, parse};

const MEMORY: usize = 16 << 20;

fn family(set: i64) -> FamilyDoc {
    FamilyDoc {
        set: SetId(set),
        received_at: Timestamp::from_seconds(set * 1000),
        sent_at: Some(Timestamp::from_seconds(set * 1000 - 10)),
        size_bytes: 1000 + set.unsigned_abs(),
        message_id: format!("M{set}@mail.example"),
        subject: String::new(),
        body: String::new(),
        headers: Vec::new(),
        participants: Vec::new(),
        attachments: Vec::new(),
        sources: vec!["exchange".into()],
        classes: vec!["default".into()],
        messages: vec![format!("{set:064x}")],
        hashes: vec![format!("{:064x}", set + 100)],
        is_partial: false,
        are_headers_cut: false,
        is_proven: true,
    }
}

fn body(set: i64, text: &str) -> FamilyDoc {
    FamilyDoc { body: text.into(), ..family(set) }
}

fn person(role: Role, name: &str, address: &str) -> Participant {
    Participant { role, name: name.into(), address: address.into() }
}

fn attachment(name: &str, text: &str) -> AttachmentDoc {
    AttachmentDoc { name: name.into(), media_type: "text/plain".into(), text: Some(text.into()) }
}

struct Fixture {
    index: Index,
    _directory: tempfile::TempDir,
}

impl Fixture {
    fn new(docs: impl IntoIterator<Item = FamilyDoc>) -> Self {
        Self::with_memory(docs, MEMORY)
    }

    fn with_memory(docs: impl IntoIterator<Item = FamilyDoc>, bytes: usize) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let index = Index::open(directory.path(), bytes).expect("an index");
        for doc in docs {
            index.put(doc).expect("put");
        }
        index.commit(1).expect("commit");
        Self { index, _directory: directory }
    }

    fn find_in(&self, text: &str, scope: &Scope) -> Result<Vec<i64>, IndexError> {
        let query = read(text);
        let hits = self.index.all(&query, scope)?;
        Ok(hits.iter().map(|hit| hit.set.0).collect())
    }

    /// Sets, newest first.
    fn find(&self, text: &str) -> Vec<i64> {
        self.find_in(text, &Scope::default()).expect(text)
    }
}

fn read(text: &str) -> ast::Query {
    match parse(text, Dialect::Kql, &TimeZone::UTC) {
        Ok(parsed) => parsed.query,
        Err(error) => panic!("{}", error.caret(text)),
    }
}

#[test]
fn unproven_families_are_found_apart() {
    let unproven = FamilyDoc { is_proven: false, ..body(2, "plan") };
    let found = Fixture::new([body(1, "plan"), unproven]);
    assert_eq!(found.find("plan AND has:unproven"), [2]);
    assert_eq!(found.find("NOT has:unproven"), [1]);
}

#[test]
fn fields_hold_what_they_say() {
    let mut doc = family(1);
    doc.subject = "Q3 budget".into();
    doc.body = "see the forecast, visit http://www.enron.com/gas?x=1".into();
    doc.participants = vec![
        person(Role::From, "Skilling, Jeff", "Jeff.Skilling@Enron.com"),
        person(Role::To, "Ann Lee", "ann@x.org"),
        person(Role::Bcc, "", "hidden@blind.net"),
        person(Role::Recipient, "", "member@list.example"),
    ];
    doc.attachments =
        vec![attachment("plan final.xls", "alpha beta"), attachment("b.txt", "gamma")];
    let found = Fixture::new([doc, body(2, "nothing of it")]);
    for hit in [
        "budget",
        "subject:\"q3 budget\"",
        "body:forecast",
        "enron.com",
        "www.enron.com",
        "jeff.skilling@enron.com",
        "skilling@enron.com",
        "from:jeff.skilling@enron.com",
        "from:skilling",
        "from:enron.com",
        "from:@enron.com",
        "from:jeff.skilling@",
        "from:*@enron.com",
        "from:\"skilling jeff\"",
        "to:ann@x.org",
        "bcc:hidden@blind.net",
        "bcc:hidden",
        "recipients:hidden@blind.net",
        "recipients:member@list.example",
        "participants:member",
        "participants:*@list.*",
        "attachmentname:plan",
        "attachment:\"plan final.xls\"",
        "attachmenttext:gamma",
        "attachment:alpha",
        "alpha",
        "has:attachment",
        "messageid:<m1@Mail.example>",
        "messageid:m1*",
        "source:Exchange",
        "class:default",
        "size:1001",
        "size>1000 size<=1001",
        "hash:0000000000000000000000000000000000000000000000000000000000000001",
        "to:a?n",
        "hidden NEAR(3) blind",
    ] {
        assert!(found.find(hit).contains(&1), "{hit}");
    }
    for miss in [
        "from:skilling@enron.com",
        "from:ann",
        "to:hidden",
        "cc:ann",
        "recipients:skilling",
        "\"beta gamma\"",
        "\"q3 budget see\"",
        "beta NEAR(1000) gamma",
        "\"lee hidden\"",
        "ann NEAR(100) hidden",
        "subject:forecast",
        "attachmentname:alpha",
        "to:member",
        "from:@nron.com",
    ] {
        assert!(!found.find(miss).contains(&1), "{miss}");
    }
    assert_eq!(found.find("NOT has:attachment"), [2]);
    assert_eq!(found.find(""), [2, 1]);
}

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
    for miss in ["resume", "京東", "ete", "ubung", "同合"] {
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
fn hits_are_ordered_by_the_date_that_was_asked_for() {
    let mut docs: Vec<FamilyDoc> = (1..=3).map(|set| body(set, "word")).collect();
    docs[0].sent_at = Some(Timestamp::from_seconds(9_000_000));
    docs[1].sent_at = None;
    docs[2].sent_at = Some(Timestamp::from_seconds(1));
    let found = Fixture::new(docs);
    let in_order = |order| {
        let scope = Scope { order, ..Scope::default() };
        found.find_in("word", &scope).expect("an answer")
    };
    assert_eq!(in_order(Order::Received), [3, 2, 1]);
    assert_eq!(in_order(Order::Sent), [1, 2, 3]);
}

#[test]
fn dates_and_scope_narrow() {
    let mut docs: Vec<FamilyDoc> = (1..=4).map(|set| body(set, "word")).collect();
    docs[3].sent_at = None;
    docs[0].participants = vec![person(Role::Expanded, "", "Anna@X.com")];
    docs[1].participants = vec![person(Role::From, "", "bob@x.com")];
    let found = Fixture::new(docs);
    assert_eq!(found.find("received>=1970-01-01T00:33:20"), [4, 3, 2]);
    assert_eq!(found.find("received<1970-01-01T00:33:20"), [1]);
    assert_eq!(found.find("sent:1970-01-01"), [3, 2, 1]);
    assert_eq!(found.find("NOT sent:1970"), [4]);
    assert_eq!(found.find("sent:1970-01-01T00:33:10Z"), [2]);
    let scope = |addresses: &[&str]| Scope {
        addresses: Some(addresses.iter().map(|it| (*it).to_owned()).collect()),
        ..Scope::default()
    };
    let within = |scope: &Scope| found.find_in("word", scope).expect("an answer");
    assert_eq!(within(&scope(&[])), [0; 0]);
    assert_eq!(within(&scope(&["anna@x.com"])), [1]);
    assert_eq!(within(&scope(&["anna@x.com", "BOB@x.com", "c@x.com"])), [2, 1]);
    assert_eq!(within(&scope(&["x.com", "na@x.com"])), [0; 0]);
}

#[test]
fn a_family_put_again_replaces_itself() {
    let found = Fixture::new([body(1, "first"), body(2, "other")]);
    found.index.put(body(1, "second")).expect("put");
    assert_eq!(found.find("first"), [1]);
    let stored = found.index.stored(SetId(1)).expect("a look").expect("there");
    assert_eq!(stored.body, "second");
    found.index.put(body(1, "third")).expect("put");
    found.index.commit(7).expect("commit");
    assert_eq!(found.find("first OR second"), [0; 0]);
    assert_eq!(found.find("third"), [1]);
    assert_eq!(found.find("NOT third"), [2]);
    assert_eq!(found.index.cursor(), 7);
    assert_eq!(found.index.families(), 2);
    assert_eq!(found.index.stored(SetId(9)).expect("a look"), None);
}

#[test]
fn stored_family_is_as_it_was_put() {
    let mut doc = body(1, "line\r\n\u{FDD0} \u{0}end");
    doc.attachments = vec![attachment("a", "+text"), attachment("b", "")];
    doc.attachments.push(AttachmentDoc { text: None, ..attachment("c", "") });
    doc.participants = vec![person(Role::OnBehalfOf, "N", "a@b")];
    let found = Fixture::new([doc.clone()]);
    assert_eq!(found.index.stored(SetId(1)).expect("a look"), Some(doc));
}

#[test]
fn reopened_index_is_the_same() {
    let Fixture { index, _directory: directory } = Fixture::new([body(1, "word")]);
    index.put(body(2, "never committed")).expect("put");
    assert!(matches!(Index::open(directory.path(), MEMORY), Err(IndexError::Busy(_))));
    drop(index);
    let index = Index::open(directory.path(), MEMORY).expect("an index");
    assert_eq!((index.cursor(), index.families(), index.emptied()), (1, 1, None));
}

#[test]
fn damaged_or_foreign_index_is_emptied_and_says_why() {
    type Damage = fn(&std::path::Path);
    let damage: [(&str, Damage); 4] = [
        ("version", |path| std::fs::write(path.join("version"), "0").expect("write")),
        ("json", |path| std::fs::write(path.join("meta.json"), "{").expect("write")),
        ("not as written", |path| {
            let file = file_of(path, "store");
            let mut bytes = std::fs::read(&file).expect("read");
            bytes[0] ^= 1;
            std::fs::write(file, bytes).expect("write");
        }),
        ("", |path| std::fs::remove_file(file_of(path, "pos")).expect("remove")),
    ];
    for (why, damage) in damage {
        let Fixture { index, _directory: directory } = Fixture::new([body(1, "word")]);
        drop(index);
        damage(directory.path());
        let index = Index::open(directory.path(), MEMORY).expect("an index");
        let emptied = index.emptied().expect("a reason");
        assert!(emptied.to_lowercase().contains(why), "{emptied}");
        assert_eq!((index.cursor(), index.families()), (0, 0));
        index.put(body(1, "word")).expect("put");
        index.commit(3).expect("commit");
        index.reset("because").expect("reset");
        assert_eq!((index.cursor(), index.families()), (0, 0));
        index.put(body(1, "word")).expect("put");
        index.commit(3).expect("commit");
        drop(index);
        assert_eq!(Index::open(directory.path(), MEMORY).expect("an index").cursor(), 3);
    }
}

#[test]
fn after_a_failure_filling_goes_on_from_the_last_commit() {
    let Fixture { index, _directory: directory } = Fixture::new([body(1, "word")]);
    let elsewhere = directory.path().with_extension("away");
    std::fs::rename(directory.path(), &elsewhere).expect("rename");
    let failed = index.put(body(2, "word")).and_then(|()| index.commit(2));
    assert!(matches!(failed, Err(IndexError::Corrupt(_))), "{failed:?}");
    assert_eq!((index.cursor(), index.families()), (1, 1));
    assert!(index.commit(2).is_err());
    std::fs::rename(&elsewhere, directory.path()).expect("rename");
    index.put(body(2, "word")).expect("put");
    index.commit(2).expect("commit");
    assert_eq!((index.cursor(), index.families()), (2, 2));

    std::fs::remove_dir_all(directory.path()).expect("remove");
    let failed = index.put(body(3, "word")).and_then(|()| index.commit(3));
    assert!(matches!(failed, Err(IndexError::Corrupt(_))), "{failed:?}");
    let list =
        |index: &Index| index.all(&read("word"), &Scope::default()).expect("an answer").len();
    assert_eq!(list(&index), 2);
    index.reset("it was lost").expect("reset");
    assert_eq!((index.cursor(), list(&index)), (0, 0));
    index.put(body(3, "word")).expect("put");
    index.commit(3).expect("commit");
    assert_eq!(list(&index), 1);
}

fn file_of(path: &std::path::Path, extension: &str) -> std::path::PathBuf {
    std::fs::read_dir(path)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|it| it == extension))
        .expect("such a file")
}

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

#[test]
fn headers_are_searched_when_they_are_asked_for() {
    let mut doc = body(1, "text");
    doc.headers = ["X-Priority: 1", "Received-SPF: fail by mx.example", "X-Last: spam"]
        .map(str::to_owned)
        .to_vec();
    let found = Fixture::new([doc, body(2, "spf text")]);
    for query in
        ["header:\"X-Priority: 1\"", "header:spf", "headers:mx.example", "header:(fail NEAR(3) mx)"]
    {
        assert_eq!(found.find(query), [1], "{query}");
    }
    assert_eq!(found.find("spf"), [2], "words alone are not looked for in headers");
    assert!(found.find("header:\"1 Received\"").is_empty(), "no phrase crosses fields");
    assert!(found.find("header:(priority NEAR(1000) spam)").is_empty());
    let read = read("header:fail");
    let snippets = found.index.snippets(&read, &[SetId(1)]).expect("snippets");
    assert!(snippets[0].text.starts_with("Received-SPF: fail"), "{snippets:?}");
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
fn snippets_mark_what_was_asked_for() {
    let mut doc =
        body(1, &format!("{} the 😀 Last  Will\nand Testament of x", "filler ".repeat(50)));
    doc.attachments = vec![attachment("a.txt", "Nothing but codicils here")];
    let found = Fixture::new([doc]);
    let show = |query: &str| {
        let snippet = found.index.snippets(&read(query), &[SetId(1)]).expect("a snippet").remove(0);
        let marked = snippet.marks.iter().map(|mark| snippet.text[mark.clone()].to_owned());
        (marked.collect::<Vec<_>>(), snippet.text.clone())
    };
    let (marked, text) = show("\"last will and test*\"");
    assert_eq!(marked, ["Last", "Will", "and", "Testament"]);
    assert!(text.starts_with('…') && text.ends_with("Testament of x"), "{text}");
    assert_eq!(show("codicil*").0, ["codicils"]);
    assert_eq!(show("NOT will").0, [""; 0]);
    assert!(show("from:x").1.starts_with("filler filler"));
    assert_eq!(show("will NEAR(9) of").0, ["Will", "of"]);
}

fn words() -> impl Strategy<Value = Vec<String>> {
    vec("[ab]{1,2}", 0..14)
}

fn leaf() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        6 => "[ab]{1,2}",
        1 => "[ab]\\*", 1 => "\\*[ab]", 1 => "[ab]\\?", 1 => "\\?[ab]", 1 => "[ab]\\*[ab]",
    ];
    prop_oneof![
        3 => word.clone(),
        2 => vec(word, 1..4).prop_map(|words| format!("\"{}\"", words.join(" "))),
    ]
}

fn near() -> impl Strategy<Value = String> {
    leaf().prop_recursive(3, 8, 2, |inner| {
        let operator = (any::<bool>(), 1..6_u32)
            .prop_map(|(is_ordered, n)| format!("{}NEAR({n})", if is_ordered { "O" } else { "" }));
        prop_oneof![
            3 => (inner.clone(), operator, inner.clone())
                .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
            1 => vec(inner, 2..4).prop_map(|any| format!("({})", any.join(" OR "))),
        ]
    })
}

fn query() -> impl Strategy<Value = String> {
    let field = proptest::sample::select(vec!["", "", "subject:", "body:", "attachmenttext:"]);
    let leaf = prop_oneof![
        4 => (field, near()).prop_map(|(field, near)| format!("{field}{near}")),
        2 => leaf(),
        1 => Just("has:attachment".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" AND "))),
            vec(inner.clone(), 2..4).prop_map(|any| format!("({})", any.join(" OR "))),
            inner.prop_map(|node| format!("(NOT {node})")),
        ]
    })
}

proptest! {
    // Each case is 40 queries over 12 families in up to four segments.
    #![proptest_config(ProptestConfig::with_cases(25))]

    #[test]
    fn agrees_with_brute_force(
        texts in vec((words(), words(), vec(words(), 0..3)), 12),
        queries in vec(query(), 40),
    ) {
        let docs: Vec<brute::Doc> = (1..).zip(texts)
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
            let root = read(&text).root.expect("a query");
            let mut expected: Vec<i64> =
                docs.iter().filter(|doc| doc.matches(&root)).map(|doc| doc.set).collect();
            expected.reverse();
            prop_assert_eq!(found.find(&text), expected, "{}", text);
        }
    }
}

//! The index against brute force over the texts, and in many languages.

mod brute;
mod facets;
mod report;
mod sharing;

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
        gaps: Vec::new(),
        languages: Vec::new(),
        versions: Vec::new(),
        links: Vec::new(),
        are_headers_cut: false,
        is_proven: true,
        has_unproven: false,
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
    let unproven = FamilyDoc { has_unproven: true, ..body(2, "plan") };
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
    assert_eq!(found.index.families().expect("a count"), 2);
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
    assert_eq!((index.cursor(), index.families().expect("a count"), index.emptied()), (1, 1, None));
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
        assert_eq!((index.cursor(), index.families().expect("a count")), (0, 0));
        index.put(body(1, "word")).expect("put");
        index.commit(3).expect("commit");
        index.reset("because").expect("reset");
        assert_eq!((index.cursor(), index.families().expect("a count")), (0, 0));
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
    assert_eq!((index.cursor(), index.families().expect("a count")), (1, 1));
    assert!(index.commit(2).is_err());
    std::fs::rename(&elsewhere, directory.path()).expect("rename");
    index.put(body(2, "word")).expect("put");
    index.commit(2).expect("commit");
    assert_eq!((index.cursor(), index.families().expect("a count")), (2, 2));

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

/// Of a commit that takes something out, files are there before it is one; the same
/// commit after a restart is to write them again.
#[test]
fn a_commit_that_was_cut_off_is_made_again() {
    // So many that what is taken out is not merged away at once.
    let Fixture { index, _directory: directory } =
        Fixture::new((1..=12).map(|set| body(set, "word")));
    let meta = directory.path().join("meta.json");
    let before = std::fs::read(&meta).expect("read");
    index.diminish(SetId(1), None).expect("take out");
    index.commit(2).expect("commit");
    drop(index);
    let left = file_of(directory.path(), "del");
    std::fs::write(&meta, before).expect("write");

    let index = Index::open(directory.path(), MEMORY).expect("an index");
    assert_eq!((index.cursor(), index.emptied()), (1, None));
    assert!(!left.exists(), "it is kept, and nothing names it");
    index.diminish(SetId(1), None).expect("take out");
    index.commit(2).expect("commit");
    index.expunge().expect("expunge");
    assert_eq!(index.families().expect("a count"), 11);
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
    let snippets = found.index.snippets(&read, &[(SetId(1), String::new())]).expect("snippets");
    assert!(snippets[0].text.starts_with("Received-SPF: fail"), "{snippets:?}");
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
        let shown = [(SetId(1), "The Will: a codicil".to_owned())];
        let snippet = found.index.snippets(&read(query), &shown).expect("a snippet").remove(0);
        let subject = &shown[0].1;
        let in_subject = snippet.in_subject.iter().map(|mark| &subject[mark.clone()]);
        let in_subject = in_subject.collect::<Vec<_>>().join(" ");
        let marked = snippet.marks.iter().map(|mark| snippet.text[mark.clone()].to_owned());
        (marked.collect::<Vec<_>>(), snippet.text.clone(), in_subject)
    };
    let (marked, text, in_subject) = show("\"last will and test*\"");
    assert_eq!(marked, ["Last", "Will", "and", "Testament"]);
    assert!(text.starts_with('…') && text.ends_with("Testament of x"), "{text}");
    assert_eq!(in_subject, "", "the phrase is not in it");
    assert_eq!(show("will AND codicil").2, "Will codicil");
    assert_eq!(show("subject:codicil* AND body:will").2, "codicil");
    assert_eq!(show("codicil*").0, ["codicils"]);
    assert_eq!(show("NOT will").0, [""; 0]);
    assert!(show("from:x").1.starts_with("filler filler"));
    assert_eq!(show("will NEAR(9) of").0, ["Will", "of"]);
}

/// Sets and how many of their documents, newest first.
fn found_by(found: &Fixture, dialect: Dialect, text: &str) -> Vec<(i64, u32)> {
    let query = parse(text, dialect, &TimeZone::UTC).expect(text).query;
    let hits = found.index.all(&query, &Scope::default()).expect(text);
    hits.iter().map(|hit| (hit.set.0, hit.documents)).collect()
}

#[test]
fn dtsearch_joins_words_of_a_document_and_kql_of_a_family() {
    let mut apart = body(1, "merger");
    apart.attachments = vec![attachment("a.txt", "budget plan"), attachment("b.txt", "lunch")];
    apart.participants = vec![person(Role::From, "Ann", "ann@x.org")];
    let mut together = body(2, "nothing");
    together.attachments = vec![attachment("c.txt", "the merger has a budget")];
    let found = Fixture::new([apart, together]);
    let kql = |text| found_by(&found, Dialect::Kql, text);
    let dtsearch = |text| found_by(&found, Dialect::DtSearch, text);
    assert_eq!(kql("merger AND budget"), [(2, 2), (1, 3)]);
    assert_eq!(dtsearch("merger and budget"), [(2, 1)]);
    assert_eq!(dtsearch("merger or budget"), [(2, 1), (1, 2)]);
    assert_eq!(kql("budget AND NOT merger"), []);
    assert_eq!(dtsearch("budget and not merger"), [(1, 1)]);
    assert_eq!(dtsearch("not merger"), [(2, 1), (1, 2)]);
    // What the message carries counts for all documents of its family.
    assert_eq!(dtsearch("from:ann@x.org and budget"), [(1, 1)]);
    assert_eq!(dtsearch("has:attachment and received>=1970-01-01 and lunch"), [(1, 1)]);
    assert_eq!(dtsearch("from:ann@x.org"), [(1, 3)]);
    assert_eq!(dtsearch("merger w/500 budget"), [(2, 1)], "no distance crosses documents");
    assert_eq!(kql("merger NEAR(500) budget"), [(2, 2)]);
    let scope = Scope { addresses: Some(vec!["ann@x.org".to_owned()]), ..Scope::default() };
    let query = parse("budget", Dialect::DtSearch, &TimeZone::UTC).expect("a query").query;
    assert_eq!(found.index.all(&query, &scope).expect("an answer").len(), 1);
}

#[test]
fn families_stay_whole_when_they_are_replaced_and_merged() {
    let family = |set: i64, round: i64| {
        let mut doc = body(set, &format!("body{round}"));
        doc.attachments =
            (0..set % 4).map(|at| attachment("-", &format!("part{at} round{round}"))).collect();
        doc
    };
    let found = Fixture::new((1..=9).map(|set| family(set, 0)));
    for round in 1..=12 {
        for set in (1..=9).filter(|set| (set + round) % 3 == 0) {
            found.index.put(family(set, round)).expect("put");
        }
        found.index.commit(round as u64).expect("commit");
    }
    found.index.expunge().expect("merged");
    let last = |set: i64| (1..=12).rev().find(|round| (set + round) % 3 == 0).expect("a round");
    for set in 1..=9 {
        for at in 0..set % 4 {
            let text = format!("part{at} and round{}", last(set));
            let hits = found_by(&found, Dialect::DtSearch, &text);
            assert!(hits.contains(&(set, 1)), "{text} {set} {hits:?}");
            let text = format!("body{} AND part{at}", last(set));
            let hits = found_by(&found, Dialect::Kql, &text);
            assert!(hits.contains(&(set, 1 + (set % 4) as u32)), "{text} {set} {hits:?}");
        }
    }
    assert_eq!(found.find("round0"), [0; 0]);
    assert_eq!(found.index.families().expect("a count"), 9);
}

#[test]
fn kinds_types_and_hashes_are_of_documents() {
    let mut doc = body(1, "see it");
    let typed = |name: &str, media_type: &str, text: &str| AttachmentDoc {
        media_type: media_type.into(),
        ..attachment(name, text)
    };
    doc.attachments = vec![
        typed("plan.XLSX", "application/vnd.ms-excel", "alpha"),
        typed("p.pdf", "application/pdf", "beta"),
    ];
    doc.hashes = vec!["aa11".into(), "bb22".into()];
    let found = Fixture::new([doc, body(2, "other")]);
    let dtsearch = |text| found_by(&found, Dialect::DtSearch, text);
    assert_eq!(dtsearch("kind:spreadsheet"), [(1, 1)]);
    assert_eq!(dtsearch("kind:docs"), [(1, 2)]);
    assert_eq!(dtsearch("kind:email"), [(2, 1), (1, 1)]);
    assert_eq!(dtsearch("type:pdf and beta"), [(1, 1)]);
    assert_eq!(dtsearch("type:\"application/pdf\" and alpha"), []);
    assert_eq!(dtsearch("type:xls* and alpha"), [(1, 1)]);
    assert_eq!(dtsearch("hash:bb22 and beta"), [(1, 1)]);
    assert_eq!(dtsearch("hash:bb22 and alpha"), []);
    assert_eq!(found.find("type:pdf AND alpha"), [1], "KQL joins over the family");
    for (wrong, right) in
        [("kind:sheet", "spreadsheet"), ("gap:encypted", "encrypted"), ("language:english", "eng")]
    {
        let refused = found.find_in(wrong, &Scope::default());
        assert!(
            matches!(&refused, Err(IndexError::Refused { hint, .. }) if hint.contains(right)),
            "{wrong}"
        );
    }
}

#[test]
fn what_the_catalog_says_is_bound() {
    let mut docs = [body(1, "word"), body(2, "word"), body(3, "word")];
    docs[0].participants = vec![person(Role::To, "", "ann@x.org")];
    let found = Fixture::new(docs);
    let query = read("hold:notice OR custodian:Ann");
    let Some(ast::Node::Or(asked)) = &query.root else { panic!("{query}") };
    let text = |at: usize| match &asked[at] {
        ast::Node::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let bound = vec![
        (text(0), Bound::Sets(vec![SetId(3), SetId(9)])),
        (text(1), Bound::Addresses(vec!["Ann@x.org".to_owned()])),
    ];
    let scope = Scope { bound, ..Scope::default() };
    let hits = found.index.all(&query, &scope).expect("an answer");
    assert_eq!(hits.iter().map(|hit| hit.set.0).collect::<Vec<_>>(), [3, 1]);
    assert!(found.index.all(&query, &Scope::default()).is_err());
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
fn snippets_mark_the_places_that_matched_and_no_others() {
    let mut doc = body(1, "will you, will they? the last will and a testament. will");
    doc.attachments = vec![attachment("a.txt", "one codicil two codicils")];
    let found = Fixture::new([doc]);
    let show = |text: &str| {
        let query = parse(text, Dialect::DtSearch, &TimeZone::UTC).expect(text).query;
        let snippet = found
            .index
            .snippets(&query, &[(SetId(1), String::new())])
            .expect("a snippet")
            .remove(0);
        let at = |mark: &std::ops::Range<usize>| {
            format!("{}:{}", mark.start, &snippet.text[mark.clone()])
        };
        snippet.marks.iter().map(at).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(show("will pre/3 testament"), "30:will 41:testament");
    assert_eq!(show("will not w/8 testament"), "0:will");
    assert_eq!(show("attachmenttext:(two w/1 codicil~)"), "4:codicil 12:two 16:codicils");
    assert_eq!(show("will w/1 xlastword"), "52:will");
    assert_eq!(show("\"##w.ll\" pre/1 you"), "0:will 5:you");
    assert_eq!(show("téstament"), "41:testament");
}

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

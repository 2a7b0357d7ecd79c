//! The index against brute force over the texts, and in many languages.

mod agreement;
mod brute;
mod copies;
mod durable;
mod facets;
mod limits;
mod report;
mod sharing;
mod snippets;
mod words;

use jiff::tz::TimeZone;

use super::doc::{AttachmentDoc, FamilyDoc, Participant, Role};
use super::*;
use crate::query::{Dialect, ast, parse};

const MEMORY: usize = 16 << 20;

fn family(set: i64) -> FamilyDoc {
    FamilyDoc {
        set: SetId(set),
        received_at: Timestamp::from_seconds(set * 1000),
        received_again: Vec::new(),
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

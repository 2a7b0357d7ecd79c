//! Documents that open with a password: what opens them, and how people get there.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use muniment::access::Role;
use muniment::base::config;
use muniment::base::ids::DeliverySeq;
use muniment::extract::{Attachment, Parsed, Passwords, Reason};
use muniment::index::Scope;
use muniment::ingest::follow::Progress;
use muniment::jobs::retry::Retries;
use muniment::query::{Dialect, parse};
use muniment::worker::Pool;
use serde_json::{Value, json};

use super::documents::mail;
use super::support::laid::laid;
use super::support::web::{Browser, Web};
use super::support::{Scratch, binary, corpus, deliver};

const HERON: &str = "the locked heron";

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/locked");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_none_or(|it| it != "md")).collect();
    files.sort();
    assert_eq!(files.len(), 8);
    files
}

fn fixture(name: &str) -> Vec<u8> {
    let path = fixtures().into_iter().find(|path| path.ends_with(name)).unwrap();
    std::fs::read(path).unwrap()
}

async fn read(pool: &Pool, path: &Path, passwords: &[&str]) -> Parsed {
    let name = path.file_name().unwrap().to_str().unwrap();
    let message = Bytes::from(mail(&[(name, &std::fs::read(path).unwrap())]));
    let passwords = Passwords::new(passwords.iter().map(ToString::to_string).collect());
    pool.parse_in_full(&message.into(), passwords).await.unwrap().unwrap().message
}

fn text(parsed: &Parsed) -> String {
    parsed.attachments.iter().filter_map(|file| file.text.as_deref()).collect()
}

fn is_closed(parsed: &Parsed) -> bool {
    parsed.gaps.iter().any(|gap| gap.reason == Reason::Encrypted)
}

#[tokio::test]
async fn what_others_lock_opens_with_its_password_and_no_other() {
    let pool = Pool::new(binary().into(), config::Worker::default());
    for path in fixtures() {
        let name = path.display();
        let (none, wrong): (&[&str], &[&str]) = (&[], &["Heron", "", "heron ", "1"]);
        for passwords in [none, wrong] {
            let parsed = read(&pool, &path, passwords).await;
            assert!(is_closed(&parsed) && !text(&parsed).contains(HERON), "{name}: {parsed:?}");
        }
        let parsed = read(&pool, &path, &["wrong", "heron", "later"]).await;
        assert!(text(&parsed).contains(HERON), "{name}: {parsed:?}");
        assert!(parsed.gaps.is_empty(), "{name}: {:?}", parsed.gaps);
    }
}

#[tokio::test]
async fn what_office_locked_opens() {
    const KNOWN: &[(&str, &str)] = &[
        ("tika/testWORD_protected_passtika.docx", "tika"),
        ("tika/testEXCEL_protected_passtika.xlsx", "tika"),
        ("tika/testEXCEL_protected_passtika_2.xlsx", "tika"),
        ("tika/testPPT_protected_passtika.pptx", "tika"),
        ("tika/protected_upper_case.docx", "password"),
        ("tika/testPassword4Spaces.pdf", "    "),
        ("tika/test7Z_protected_passTika.7z", "Tika"),
    ];
    let Some(folder) = corpus("attachments") else { return };
    let pool = Pool::new(binary().into(), config::Worker::default());
    for (name, password) in KNOWN {
        let parsed = read(&pool, &folder.join(name), &[*password]).await;
        assert!(!is_closed(&parsed) && text(&parsed).len() > 20, "{name}: {:?}", parsed.gaps);
    }
}

/// Every byte of a locked document cut off or changed: nothing but a gap.
#[test]
fn damaged_locks_are_gaps() {
    for path in fixtures().iter().filter(|path| path.extension().is_some_and(|it| it != "pdf")) {
        let content = std::fs::read(path).unwrap();
        let care = muniment::extract::Care {
            passwords: Passwords::new(vec!["heron".into()]),
            ..Default::default()
        };
        // Office has the password hashed a hundred thousand times.
        let tries = if path.ends_with("agile.docx") { 8 } else { 300 };
        let step = (content.len() / tries).max(1);
        for at in (0..content.len()).step_by(step) {
            let mut changed = content.clone();
            changed[at] ^= 0x55;
            for content in [&content[..at], &changed] {
                let message = mail(&[("a", content)]);
                let parsed = muniment::extract::read_message(&message, &care, &mut |_| {});
                let of = |at| parsed.gaps.iter().any(|gap| gap.ordinal == Some(at));
                let is_silent = |file: &&Attachment| file.text.is_none() && !of(file.ordinal);
                let silent = parsed.attachments.iter().find(is_silent);
                assert!(silent.is_none(), "{} at {at}: {silent:?}", path.display());
            }
        }
    }
}

struct Matter {
    web: Web,
    legal: Browser,
    id: i64,
    progress: Progress,
}

impl Matter {
    fn path(&self, path: &str) -> String {
        format!("/api/v1/matters/{}{path}", self.id)
    }

    async fn retry(&self, reason: &str) -> Value {
        let body = json!({ "matter_id": self.id, "reason": reason });
        let asked = self.web.post(&self.legal, "/api/v1/gaps/retries", body).await;
        assert_eq!(asked.status.as_u16(), 200, "{:?}", asked.body);
        let id = asked.json()["id"].as_i64().unwrap();
        let path = format!("/api/v1/gaps/retries?matter={}", self.id);
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let listed = self.web.get(&self.legal, &path).await.json();
            let all = listed["retries"].as_array().unwrap().clone();
            let last = all.into_iter().find(|it| it["id"] == id).unwrap();
            if last["state"] == "done" {
                return last;
            }
            assert!(Instant::now() < until, "the reading does not end: {last}");
            self.progress.moved(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_becomes_known_opens_what_is_archived() {
    let scratch = Scratch::new().await;
    let (context, _) = laid(&scratch).await;
    let retries = Retries::new(context.review.clone(), context.progress.clone());
    tokio::spawn(retries.run(std::future::pending()));
    let (zip, docx) = (fixture("old.zip"), fixture("agile.docx"));
    let of_alice = |content: &[u8]| {
        let message = String::from_utf8(mail(&[("locked", content)])).unwrap();
        message.replace("a@b.example", "alice@a.example")
    };
    for content in [&zip, &docx] {
        deliver(&scratch.archive, &context.ingest, of_alice(content).as_bytes()).await;
    }
    let (progress, search, ingest) =
        (context.progress.clone(), context.search.clone(), context.ingest.clone());
    assert!(progress.settled(DeliverySeq(4)).await.unwrap());
    let web = Web::new(context);
    let legal = web.signed_in("grace", Role::Legal, true).await;
    let made = web.post(&legal, "/api/v1/matters", json!({ "name": "Locks" })).await.json();
    let matter =
        Matter { web, legal, id: made["id"].as_i64().unwrap(), progress: progress.clone() };
    let body = json!({ "name": "Alice", "addresses": ["alice@a.example"] });
    matter.web.post(&matter.legal, &matter.path("/custodians"), body).await;

    let found = || {
        let query = parse(HERON, Dialect::Kql, &jiff::tz::TimeZone::UTC).unwrap().query;
        search.index.all(&query, &Scope::default()).unwrap().len()
    };
    let ended = matter.retry("encrypted").await;
    assert_eq!((&ended["total"], &ended["gaps_after"]), (&2.into(), &2.into()));
    assert_eq!(found(), 0);

    for password in ["wrong one", "heron"] {
        let body = json!({ "password": password });
        let added = matter.web.post(&matter.legal, &matter.path("/passwords"), body).await;
        assert_eq!(added.status.as_u16(), 200);
        assert!(!String::from_utf8_lossy(&added.body).contains(password));
    }
    let ended = matter.retry("encrypted").await;
    let figures = (&ended["done"], &ended["total"], &ended["gaps_before"], &ended["gaps_after"]);
    assert_eq!(figures, (&2.into(), &2.into(), &2.into(), &0.into()), "{ended}");
    assert_eq!((&ended["reason"], &ended["source"]), (&"encrypted".into(), &Value::Null));
    assert_eq!(found(), 2);

    // What comes later is tried with it by itself.
    deliver(&scratch.archive, &ingest, of_alice(&fixture("aes128.zip")).as_bytes()).await;
    assert!(progress.settled(DeliverySeq(5)).await.unwrap());
    assert_eq!(found(), 3);

    // A document that it opened comes out of its archive.
    let sets = matter.web.get(&matter.legal, "/api/v1/gaps").await.json();
    assert!(sets["counts"].as_array().unwrap().iter().all(|it| it["reason"] != "encrypted"));
    let taken = matter.web.get(&matter.legal, "/api/v1/messages/3/attachments/1").await;
    assert_eq!((taken.status.as_u16(), &taken.body[..]), (200, &b"the locked heron\n"[..]));

    // No word of it is in the catalog, the audit or an answer.
    let audit = matter.web.get(&matter.legal, "/api/v1/audit").await;
    let listed = matter.web.get(&matter.legal, &matter.path("/passwords")).await;
    for answer in [&audit.body, &listed.body] {
        assert!(!String::from_utf8_lossy(answer).contains("wrong one"));
    }
    for file in ["catalog.db", "catalog.db-wal"] {
        let bytes = std::fs::read(scratch.directory.path().join(file)).unwrap_or_default();
        assert!(!bytes.windows(9).any(|it| it == b"wrong one"), "{file}");
    }
    let first = listed.json()["passwords"][0]["id"].as_i64().unwrap();
    let path = matter.path(&format!("/passwords/{first}"));
    let gone = matter.web.send(&matter.legal, "DELETE", &path, None).await;
    assert_eq!(gone.status.as_u16(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_are_counted_by_source_and_custodian_and_leave_as_a_table() {
    let scratch = Scratch::new().await;
    let (context, _) = laid(&scratch).await;
    let progress = context.progress.clone();
    for author in ["alice@a.example", "carol@c.example"] {
        let message = String::from_utf8(mail(&[("=1+1.bin", &b"\x01\x02\x03"[..])])).unwrap();
        let message = message.replace("a@b.example", author);
        deliver(&scratch.archive, &context.ingest, message.as_bytes()).await;
    }
    assert!(progress.settled(DeliverySeq(4)).await.unwrap());
    let web = Web::new(context);
    let legal = web.signed_in("grace", Role::Legal, true).await;
    let made = web.post(&legal, "/api/v1/matters", json!({ "name": "Gaps" })).await.json();
    let id = made["id"].as_i64().unwrap();
    let body = json!({ "name": "Alice", "addresses": ["alice@a.example"] });
    let path = format!("/api/v1/matters/{id}/custodians");
    let alice = web.post(&legal, &path, body).await.json()["id"].as_i64().unwrap();
    let all = web.get(&legal, "/api/v1/gaps").await.json();
    // What was laid has one of its own, Alice's: a script that says nothing.
    assert_eq!(all["sources"], json!([{ "source": "default", "gaps": 3 }]));
    let of_matter = web.get(&legal, &format!("/api/v1/gaps?matter={id}")).await.json();
    let expected = json!([{ "id": alice, "name": "Alice", "gaps": 2 }]);
    assert_eq!(of_matter["custodians"], expected);
    let none = web.get(&legal, "/api/v1/gaps?source=other").await.json();
    assert_eq!(
        (&none["gaps"], &none["counts"], &none["total"]),
        (&json!([]), &json!([]), &0.into())
    );
    assert_eq!(none["sources"], all["sources"], "what could be chosen instead");
    let narrowed = format!("/api/v1/gaps?matter={id}&reason=unknown-type");
    let narrowed = web.get(&legal, &narrowed).await.json();
    assert_eq!((&narrowed["total"], &narrowed["custodians"][0]["gaps"]), (&1.into(), &1.into()));
    assert_eq!(narrowed["counts"], of_matter["counts"], "another reason could be chosen");
    let path = format!("/api/v1/gaps/list?matter={id}&custodian={alice}&reason=unknown-type");
    let table = web.get(&legal, &path).await;
    let table = String::from_utf8(table.body.to_vec()).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[1].contains("\"'=1+1.bin\""), "{table}");
}

//! Statements told, sealed, and written back into another catalog.

use super::restore::{Restored, restore};
use super::*;
use crate::catalog::tests::scratch;
use crate::catalog::{leaf, meta};
use crate::ledger::leaf::Leaf;
use crate::vault::bucket::Bucket;
use crate::vault::master::MasterKey;

struct Fixture {
    catalog: Catalog,
    /// Empty.
    other: Catalog,
    vault: Vault,
    directory: tempfile::TempDir,
    _files: (tempfile::TempDir, tempfile::TempDir),
}

async fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("bucket")).unwrap();
    let bucket = Bucket::local(&directory.path().join("bucket")).unwrap();
    let vault = Vault::create(bucket, MasterKey::generate(), Timestamp(5)).await.unwrap();
    let ((catalog, first), (other, second)) = (scratch().await, scratch().await);
    Fixture { catalog, other, vault, directory, _files: (first, second) }
}

impl Fixture {
    fn teller(&self) -> Teller {
        let recorder = Recorder::new(self.catalog.clone());
        Teller::new(self.vault.clone(), recorder, Clock::fixed(Timestamp(7)))
    }
}

/// As a start does whose rules are others.
async fn set(catalog: &Catalog, value: &str) {
    let mut tx = catalog.write().await.unwrap();
    meta::set_in(&mut tx, meta::RULES, &json!(value).to_string()).await.unwrap();
    let act = Act::new("class.rules", None, "rules").with(json!({ "rules": value }));
    record_in(&mut tx, Timestamp(6), "system", &act, Outcome::Done).await.unwrap();
    catalog.commit(tx, "test").await.unwrap();
}

async fn leaves(catalog: &Catalog) -> Vec<Leaf> {
    let rows = leaf::from(catalog, 0, 1000).await.unwrap();
    rows.iter().map(|row| Leaf::decode(&row.body).unwrap()).collect()
}

/// What the log says, and not the rows of deliveries, of which there are none.
async fn restored(fixture: &Fixture) -> (Catalog, Restored) {
    let other = fixture.other.clone();
    crate::catalog::rebuild::begin(&other).await.unwrap();
    let rows = leaf::from(&fixture.catalog, 0, 1000).await.unwrap();
    let published: Vec<_> = rows
        .into_iter()
        .map(|row| crate::catalog::rebuild::PublishedLeaf {
            hash: row.hash,
            body: row.body,
            record: None,
        })
        .collect();
    crate::catalog::rebuild::add_leaves(&other, 0, &published).await.unwrap();
    let restored = restore(&fixture.vault, &other, Timestamp(9), &mut |_, _| ()).await.unwrap();
    (other, restored)
}

async fn word(catalog: &Catalog) -> Option<String> {
    let text = meta::get(catalog, meta::RULES).await.unwrap()?;
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn a_seal_tells_what_changed_and_nothing_when_nothing_did() {
    let fixture = fixture().await;
    let mut teller = fixture.teller();
    set(&fixture.catalog, "first").await;
    teller.tell(true).await.unwrap();
    assert_eq!(leaves(&fixture.catalog).await.len(), 1);
    teller.tell(true).await.unwrap();
    assert_eq!(leaves(&fixture.catalog).await.len(), 1, "nothing was new");
    set(&fixture.catalog, "second").await;
    teller.tell(true).await.unwrap();
    let all = leaves(&fixture.catalog).await;
    assert!(matches!(all[1], Leaf::Seal { rows: 2, .. }), "{all:?}");
    let (other, restored) = restored(&fixture).await;
    assert_eq!(word(&other).await.as_deref(), Some("second"));
    assert_eq!((restored.statements, restored.faults), (2, Vec::<String>::new()));
}

#[tokio::test]
async fn what_a_failed_put_left_is_told_later_and_once() {
    let fixture = fixture().await;
    let mut teller = fixture.teller();
    set(&fixture.catalog, "first").await;
    let policy = fixture.directory.path().join("bucket/policy");
    // A file where the directory should be.
    std::fs::write(&policy, "").unwrap();
    teller.tell(true).await.unwrap_err();
    assert_eq!(teller.recorder.waiting().await.unwrap(), 1);
    std::fs::remove_file(&policy).unwrap();
    teller.tell(true).await.unwrap();
    assert_eq!(teller.recorder.waiting().await.unwrap(), 0);
    let (other, _) = restored(&fixture).await;
    assert_eq!(word(&other).await.as_deref(), Some("first"));
}

#[tokio::test]
async fn a_missing_statement_is_named_and_the_others_come_back() {
    let fixture = fixture().await;
    let mut teller = fixture.teller();
    for value in ["first", "second"] {
        set(&fixture.catalog, value).await;
        teller.tell(true).await.unwrap();
    }
    let names = fixture.vault.bucket().list("policy/").await.unwrap();
    assert_eq!(names.len(), 2);
    let all = leaves(&fixture.catalog).await;
    let Leaf::Seal { at, object, .. } = all[1] else { panic!("{all:?}") };
    let name = crate::vault::statement::object_name(at, &object);
    std::fs::remove_file(fixture.directory.path().join("bucket").join(&name)).unwrap();
    let (other, restored) = restored(&fixture).await;
    assert_eq!(word(&other).await.as_deref(), Some("first"));
    assert!(restored.faults.len() == 1 && restored.faults[0].contains(&name), "{restored:?}");
}

/// Rows and audit as of the next seal, by statements in SQL.
async fn then(catalog: &Catalog, sql: &str) {
    let mut tx = catalog.write().await.unwrap();
    let sql = crate::catalog::db::AssertSqlSafe(sql.to_owned());
    crate::catalog::db::raw_sql(sql, &mut tx).await.unwrap();
    catalog.commit(tx, "test").await.unwrap();
}

/// An act's row in the audit, by person 7.
fn act(action: &str, subject: &str, detail: &str) -> String {
    format!(
        "INSERT INTO audit (at, actor, action, matter_id, subject, detail, outcome)
         VALUES (9, 'ann', '{action}', 3, '{subject}', '{detail}', 'done');"
    )
}

const START: &str = "INSERT INTO person VALUES (7, 'ann', 'Ann', 'h', 'legal', 0, 0, 0, 5);
    INSERT INTO matter VALUES (3, 'm', '', 'UTC', 0, 6, 7);
    INSERT INTO custodian VALUES (9, 3, 'c');
    INSERT INTO custodian_address VALUES (9, 'a@b.c');
    INSERT INTO hold VALUES (2, 3, 'h', 'sent', NULL, 8, 1, 9, 7, 0, NULL, NULL, NULL);
    INSERT INTO hold_custodian VALUES (2, 9);";

/// What a seal cannot explain after this.
async fn unexplained(sql: &str) -> Vec<String> {
    let (catalog, _directory) = scratch().await;
    then(&catalog, START).await;
    let whole = async |since| {
        let found = state::snapshot(&catalog, since, 1000).await.unwrap();
        let whole = |(table, rows): (&'static state::Table, _)| Rows {
            is_whole: !table.is_appended,
            ..table.rows(rows)
        };
        found.tables.into_iter().map(whole).collect::<Vec<_>>()
    };
    let mut account = account::Account::from(&whole(0).await);
    then(&catalog, sql).await;
    let played = account.seal(1, &whole(account.last_audit()).await, true);
    assert!(played.without_audit.is_empty());
    played.unexplained.iter().map(ToString::to_string).collect()
}

/// What each act makes, nothing else does: neither another act, nor the same of another
/// row, nor one that says something else.
#[tokio::test]
async fn a_change_is_explained_by_an_act_that_makes_exactly_it() {
    let none = Vec::<String>::new();
    for (change, of, acts) in [
        (
            "UPDATE person SET is_disabled = 1 WHERE user_id = 7;",
            "person 7",
            vec![
                act("person.change", "ann", r#"{"is_disabled":true,"is_archive_wide":false}"#),
                act("person.change", "bob", r#"{"is_disabled":true,"is_archive_wide":false}"#),
                act("person.change", "ann", r#"{"is_disabled":true,"is_archive_wide":true}"#),
                act("person.reset", "ann", "{}"),
                act("search.run", "ann", "{}"),
            ],
        ),
        (
            "UPDATE person SET password_hash = 'other', must_change = 0 WHERE user_id = 7;",
            "person 7",
            vec![
                act("session.password", "ann", "{}"),
                act("session.password", "bob", "{}"),
                act("session.begin", "ann", "{}"),
            ],
        ),
        (
            "UPDATE matter SET name = 'n' WHERE matter_id = 3;",
            "matter 3",
            vec![
                act(
                    "matter.change",
                    "n",
                    r#"{"name":"n","reference":"","zone":"UTC","is_closed":false,"members":null}"#,
                ),
                act(
                    "matter.change",
                    "n",
                    r#"{"name":"o","reference":"","zone":"UTC","is_closed":false,"members":null}"#,
                ),
            ],
        ),
        (
            "INSERT INTO custodian_address VALUES (9, 'd@e.f');",
            "custodian_address 9 d@e.f",
            vec![
                act("custodian.change", "c", r#"{"custodian":9,"addresses":["a@b.c","d@e.f"]}"#),
                act("custodian.change", "c", r#"{"custodian":9,"addresses":["a@b.c"]}"#),
                act("custodian.change", "c", r#"{"custodian":10,"addresses":["a@b.c","d@e.f"]}"#),
            ],
        ),
        (
            "UPDATE hold SET released_at = 9, released_by = 7, release_reason = 'r';",
            "hold 2",
            vec![
                act("hold.release", "h", r#"{"hold":2,"reason":"r"}"#),
                act("hold.release", "h", r#"{"hold":2,"reason":"s"}"#),
                act("hold.release", "h", r#"{"hold":3,"reason":"r"}"#),
                act("hold.items", "h", r#"{"hold":2,"shown":1}"#),
            ],
        ),
        (
            "INSERT INTO job VALUES (1, 'export', 3, 'ann', '{\"a\":1}', 'done', 0, 4, 4, '', 9, 9,
                 9, NULL, NULL);",
            "job 1",
            vec![
                act("export.ask", "e", r#"{"job":1,"request":{"a":1}}"#),
                act("export.ask", "e", r#"{"job":1,"request":{"a":2}}"#),
                act("export.ask", "e", r#"{"job":2,"request":{"a":1}}"#),
            ],
        ),
        (
            "INSERT INTO meta VALUES ('class:a', '7 strict');",
            "meta class:a",
            vec![
                act("class.set", "a", r#"{"years":7,"mode":"strict"}"#),
                act("class.set", "a", r#"{"years":7,"mode":"erasable"}"#),
                act("class.set", "b", r#"{"years":7,"mode":"strict"}"#),
            ],
        ),
    ] {
        assert_eq!(unexplained(change).await, [of], "{change}");
        assert_eq!(unexplained(&format!("{change}{}", acts[0])).await, none, "{change}");
        for act in &acts[1..] {
            let found = unexplained(&format!("{change}{act}")).await;
            assert!(found.iter().any(|row| row == of), "{change} {act}: {found:?}");
        }
    }
}

/// An act whose work somebody took back before the seal is as much a change by nobody.
#[tokio::test]
async fn what_an_act_made_and_is_not_there_is_named() {
    for (act, of) in [
        (act("hold.release", "h", r#"{"hold":2,"reason":"r"}"#), &["hold 2"][..]),
        (
            act("custodian.remove", "c", r#"{"custodian":9}"#),
            &["custodian 9", "custodian_address 9 a@b.c"],
        ),
        (
            act("custodian.add", "d", r#"{"custodian":10,"addresses":["d@e.f"]}"#),
            &["custodian 10", "custodian_address 10 d@e.f"],
        ),
        (
            act("person.change", "ann", r#"{"is_disabled":true,"is_archive_wide":false}"#),
            &["person 7"],
        ),
    ] {
        assert_eq!(unexplained(&act).await, of, "{act}");
    }
    // The last of several acts counts.
    let twice = [true, false].map(|is_disabled| {
        let detail = format!(r#"{{"is_disabled":{is_disabled},"is_archive_wide":false}}"#);
        act("person.change", "ann", &detail)
    });
    assert_eq!(unexplained(&twice.concat()).await, Vec::<String>::new());
}

/// What a server seals that nobody did, it says, and seals no second time.
#[tokio::test]
async fn a_seal_names_what_nobody_did() {
    let fixture = fixture().await;
    let mut teller = fixture.teller();
    set(&fixture.catalog, "first").await;
    teller.tell(true).await.unwrap();
    meta::set(&fixture.catalog, meta::RULES, "\"second\"").await.unwrap();
    for _ in 0..3 {
        teller.tell(true).await.unwrap();
    }
    let named = statement::count_of(&fixture.catalog, UNEXPLAINED).await.unwrap();
    let acts: Vec<String> = leaves(&fixture.catalog)
        .await
        .into_iter()
        .filter_map(|leaf| match leaf {
            Leaf::Event { action, .. } => Some(action),
            _ => None,
        })
        .collect();
    assert_eq!((named, &acts[..]), (1, &[UNEXPLAINED.to_owned()][..]));
    let (other, restored) = restored(&fixture).await;
    assert_eq!(word(&other).await.as_deref(), Some("second"));
    assert_eq!(restored.faults, Vec::<String>::new());
}

//! What people decided, changed past the program beside a running server: the next seal
//! shows it as it is now, and it is named all the same, then and for ever. What people do
//! is named never, however much of it there is while a check runs.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use muniment::access::person::{self, Change};
use muniment::access::second;
use muniment::access::{Actor, Role};
use muniment::app::Archive;
use muniment::matter::{self, custodian, password};

use super::copy::{Copy, check, fixture, found};
use super::{said, verify};
use crate::rebuild::{Desk, send};
use crate::support::served::{Served, init};
use crate::support::until;

/// Seals that are in the bucket.
async fn seals(copy: &Copy) -> i64 {
    let sql = "SELECT CAST(COUNT(*) AS TEXT) FROM statement
               WHERE action = 'seal' AND object IS NOT NULL";
    copy.ask(sql).await.parse().unwrap()
}

/// A change of each table, and what it must be named as.
const CHANGES: &[(&str, &str)] = &[
    ("UPDATE person SET role = 'administrator' WHERE name = 'alice'", "person {alice}"),
    ("UPDATE matter SET zone = 'UTC' WHERE matter_id = 1", "matter 1"),
    ("INSERT INTO matter_member VALUES (1, 1)", "matter_member 1 1"),
    ("UPDATE custodian SET name = 'Eve' WHERE custodian_id = 1", "custodian 1"),
    (
        "DELETE FROM custodian_address WHERE address = 'bob0@example.com'",
        "custodian_address 1 bob0@example.com",
    ),
    (
        "UPDATE hold SET released_at = 5, released_by = 1, release_reason = 'x' WHERE hold_id = 2",
        "hold 2",
    ),
    ("DELETE FROM hold_custodian WHERE hold_id = 2 AND custodian_id = 2", "hold_custodian 2 2"),
    ("UPDATE document_password SET sealed = 'aa' WHERE password_id = 1", "document_password 1"),
    (
        "INSERT INTO disposition VALUES (1, 'standard', '2020-01', 1, 'approved', '{}', 1, 1, 2, 2,
             'x', NULL, NULL)",
        "disposition 1",
    ),
    (
        "INSERT INTO erasure VALUES (1, 'approved', 'x', '{}', 1, 1, 2, 2, 'x', NULL, NULL)",
        "erasure 1",
    ),
    (
        "INSERT INTO job VALUES (1, 'export', NULL, 'alice', '{}', 'done', 0, 0, 0, '', 1, 1, 1,
             NULL, NULL)",
        "job 1",
    ),
    ("UPDATE meta SET value = '1 erasable' WHERE name = 'class:standard'", "meta class:standard"),
];

const UNEXPLAINED: &str = "state-change-unexplained";

async fn named(copy: &Copy) -> Vec<(String, String)> {
    let alice = copy.ask("SELECT CAST(user_id AS TEXT) FROM person WHERE name = 'alice'").await;
    let name = |object: &str| (UNEXPLAINED.to_owned(), object.replace("{alice}", &alice));
    let mut named: Vec<_> = CHANGES.iter().map(|(_, object)| name(object)).collect();
    named.sort();
    named
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_a_seal_shows_is_named_for_every_table() {
    let made = fixture().await;
    for is_served in [true, false] {
        let copy = Copy::of(&made);
        let before = seals(&copy).await;
        let mut served = None;
        if is_served {
            served = Served::start(&copy.config, &[]);
            while seals(&copy).await == before {
                tokio::task::yield_now().await;
            }
        }
        for (sql, _) in CHANGES {
            copy.sql(sql).await;
        }
        // Acts of the same minute that have to do with none of it.
        look(&copy.config).await;
        // A class that is changed keeps the next start from it: what is laundered then is
        // the rest.
        if !is_served {
            copy.sql("UPDATE meta SET value = '7 strict' WHERE name = 'class:standard'").await;
            served = Served::start(&copy.config, &[]);
        }
        served.unwrap().stop();
        let mut expected = named(&copy).await;
        if !is_served {
            expected.retain(|(_, object)| !object.starts_with("meta"));
        }
        let report = check(&copy.config).await;
        assert_eq!(found(&report), expected, "{is_served}: {:#?}", report.faults);

        // A later start tells all anew, and changes nothing of what the log has.
        if is_served {
            let told = copy
                .ask("SELECT CAST(COUNT(*) AS TEXT) FROM statement WHERE action = 'archive.unexplained'")
                .await;
            assert_eq!(told, "1");
            let audited =
                copy.ask("SELECT detail FROM audit WHERE action = 'archive.unexplained'").await;
            let audited: serde_json::Value = serde_json::from_str(&audited).unwrap();
            assert_eq!(audited["rows"].as_array().unwrap().len(), CHANGES.len(), "{audited}");
            copy.sql("UPDATE meta SET value = '7 strict' WHERE name = 'class:standard'").await;
            let served = Served::start(&copy.config, &[]).unwrap();
            let ready = served.get("/readyz");
            assert!(ready.contains("rows were changed by nobody's act"), "{ready}");
            served.stop();
            let report = check(&copy.config).await;
            assert_eq!(found(&report), expected, "{:#?}", report.faults);
        }
    }
}

/// A row that is changed and put back beside the server is in no seal, and one that an act
/// tells meanwhile is.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_act_tells_of_a_changed_row_is_named() {
    let made = fixture().await;
    let copy = Copy::of(&made);
    copy.sql("UPDATE custodian SET name = 'Eve' WHERE custodian_id = 1").await;
    let desk = Desk::open(&copy.config).await;
    desk.hold("third").await;
    desk.close().await;
    copy.sql("UPDATE custodian SET name = 'Bob 0' WHERE custodian_id = 1").await;
    Served::start(&copy.config, &[]).unwrap().stop();
    let report = check(&copy.config).await;
    assert_eq!(
        found(&report),
        [(UNEXPLAINED.to_owned(), "custodian 1".to_owned())],
        "{:#?}",
        report.faults
    );
}

/// What somebody writes into the table of statements, the server tells as an act.
#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_nobody_did_is_named() {
    let made = fixture().await;
    let copy = Copy::of(&made);
    copy.sql(
        "INSERT INTO statement (follows, at, action, row_count, content)
         SELECT MAX(statement_id) + 1, 5, 'hold.release', 0, CAST('{\"tables\":[]}' AS BLOB)
         FROM statement",
    )
    .await;
    Served::start(&copy.config, &[]).unwrap().stop();
    let id = copy
        .ask("SELECT CAST(statement_id AS TEXT) FROM statement WHERE action = 'hold.release' AND at = 5")
        .await;
    let report = check(&copy.config).await;
    let expected = ("statement-without-audit".to_owned(), format!("statement {id}"));
    assert_eq!(found(&report), [expected], "{:#?}", report.faults);
}

/// Rows of the audit that the server does not tell, since its cursor was put past them.
#[tokio::test(flavor = "multi_thread")]
async fn an_audit_that_is_passed_over_is_named() {
    let made = fixture().await;
    let copy = Copy::of(&made);
    look(&copy.config).await;
    let last = copy.ask("SELECT CAST(MAX(audit_id) AS TEXT) FROM audit").await;
    copy.sql(&format!("UPDATE cursor SET position = {last} WHERE follower = 'seal'")).await;
    let report = check(&copy.config).await;
    assert_eq!(found(&report), [("derived-row-changed".to_owned(), "cursor seal".to_owned())]);
    look(&copy.config).await;
    Served::start(&copy.config, &[]).unwrap().stop();
    let report = check(&copy.config).await;
    let expected = [
        ("audit-row-extra".to_owned(), format!("audit {last}")),
        // Of what the act made, nothing tells that it was one.
        (UNEXPLAINED.to_owned(), "document_password 2".to_owned()),
    ];
    assert_eq!(found(&report), expected, "{:#?}", report.faults);
}

/// A search, and what has to do with other rows.
async fn look(config: &Path) {
    let desk = Desk::open(config).await;
    let room = (&desk.archive.catalog, &desk.archive.clock, &desk.archive.vault);
    password::add(&desk.actor, room, desk.matter, "egret").await.unwrap();
    desk.close().await;
}

/// Everything that people do, over and over, while the archive is checked and mail comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_a_busy_archive_finds_nothing() {
    let made = init();
    let served = Served::start(&made.config, &[]).unwrap();
    send(&made, &served, 0..40);
    let mut desk = Desk::set_up(&made).await;
    let is_over = AtomicBool::new(false);
    let acting = async {
        let mut rounds = 0;
        while !is_over.load(Ordering::Relaxed) {
            act(&mut desk, rounds).await;
            rounds += 1;
        }
        rounds
    };
    let checking = tokio::task::spawn_blocking({
        let config = made.config.clone();
        move || (0..3).map(|_| verify(&config, &[])).collect::<Vec<_>>()
    });
    let sending = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 100;
            while !is_over.load(Ordering::Relaxed) {
                send(&made, &served, number..number + 10);
                number += 10;
                // No faster than it is read: the checks go through all of it.
                until("all is derived", || served.is_settled());
            }
        });
        let runtime = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| {
            runtime.block_on(async {
                let ended = async {
                    let outputs = checking.await.unwrap();
                    is_over.store(true, Ordering::Relaxed);
                    outputs
                };
                tokio::join!(ended, acting)
            })
        })
    });
    let (outputs, rounds) = sending;
    for output in outputs {
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    assert!(rounds > 2, "nothing was done meanwhile: {rounds}");
    until("all is derived", || served.is_settled());
    desk.close().await;
    served.stop();
    let report = check(&made.config).await;
    assert_eq!(found(&report), [], "{:#?}", report.faults);
}

async fn act(desk: &mut Desk, round: usize) {
    let Archive { catalog, clock, vault, .. } = desk.archive.clone();
    let first = desk.custodians[0];
    let hold = desk.hold(&format!("hold {round}")).await;
    desk.release(hold).await;
    desk.add_custodian(round + 2).await;
    let last = desk.custodians.pop().unwrap();
    let addresses = [format!("other{round}@example.com")];
    let of = (desk.matter, last);
    let name = format!("Other {round}");
    custodian::change(&desk.actor, &catalog, &clock, of, Some(&name), Some(&addresses))
        .await
        .unwrap();
    if round.is_multiple_of(2) {
        custodian::remove(&desk.actor, &catalog, &clock, desk.matter, last).await.unwrap();
    }
    custodian::change(&desk.actor, &catalog, &clock, (desk.matter, first), Some(&name), None)
        .await
        .unwrap();
    let room = (&catalog, &clock, &vault);
    let row = password::add(&desk.actor, room, desk.matter, "heron").await.unwrap();
    let of = (desk.matter, row.password_id);
    password::remove(&desk.actor, &catalog, &clock, of).await.unwrap();
    let new = matter::New {
        name: format!("matter {round}"),
        reference: String::new(),
        zone: "UTC".into(),
    };
    let other = matter::create(&desk.actor, &catalog, &clock, new).await.unwrap().row.matter_id;
    let change = matter::Change { is_closed: Some(true), ..matter::Change::default() };
    matter::change(&desk.actor, &catalog, &clock, other, change).await.unwrap();
    let operator = Actor::operator(Role::Administrator);
    let new = person::New {
        name: format!("person{round}"),
        display_name: "Person".into(),
        role: Role::Legal,
        is_archive_wide: false,
    };
    let access = desk.archive.access();
    let (row, _) = person::create(&operator, &access, new).await.unwrap();
    let change = Change { is_disabled: Some(true), is_archive_wide: None };
    person::change(&operator, &access, row.user_id, change).await.unwrap();
    person::reset(&operator, &access, row.user_id).await.unwrap();
    let of = |name: &str, role| person::New {
        name: format!("{name}{round}"),
        display_name: name.to_owned(),
        role,
        is_archive_wide: false,
    };
    let (root, _) =
        person::create(&operator, &access, of("root", Role::Administrator)).await.unwrap();
    let root = Actor { user_id: root.user_id, name: root.name, ..operator };
    let (asked, _) = second::create(&root, &access, of("otto", Role::Auditor)).await.unwrap();
    second::grant(&desk.actor, &access, asked.user_id).await.unwrap();
    let wide = Change { is_disabled: None, is_archive_wide: Some(true) };
    second::change(&root, &access, asked.user_id, wide).await.unwrap();
    second::grant(&desk.actor, &access, asked.user_id).await.unwrap();
    second::reset(&root, &access, asked.user_id).await.unwrap();
    second::deny(&desk.actor, &access, asked.user_id).await.unwrap();
    // One that waits.
    second::reset(&root, &access, asked.user_id).await.unwrap();
}

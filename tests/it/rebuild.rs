//! A lost catalog, made again from the bucket and the master key: the same rows in
//! every table that cannot be derived, whatever was cut off and wherever the bucket
//! was copied to.

use std::path::Path;
use std::process::{Command, Output};

use muniment::access::person::{self, New};
use muniment::access::second;
use muniment::access::{Actor, Role};
use muniment::app::Archive;
use muniment::base::config::Config;
use muniment::base::ids::{CustodianId, MatterId, SetId};
use muniment::hold::{self, DateKind};
use muniment::matter::{self, custodian, password};
use muniment::vault::bucket::Bucket;
use sqlx::{AssertSqlSafe, SqlitePool};

use super::support::s3::{Kind, Service};
use super::support::served::{Made, Sender, Served, init};
use super::support::{attach, binary, note, until};

/// What is made again from records, or lasts for a while only.
const NOT_COMPARED: &[&str] = &[
    "cursor",
    "address",
    "message_set",
    "set_message",
    "set_delivery",
    "participant",
    "attachment",
    "gap",
    "scrub",
    "scrub_finding",
    "pending_reading",
    "damage",
    "session",
    "login_failure",
    "job_start",
    "known_peer",
    "condemned",
    "spare_page",
    "flag",
    "hold_flag",
    "diminished",
    "lease",
    "node",
    "roll",
    "outside",
    "_sqlx_migrations",
    "sqlite_sequence",
];

/// That they come back, others show.
const EMPTY_HERE: [&str; 4] = ["job", "disposition", "erasure", "erased"];

/// Every row of every table that must come back, as SQLite writes values.
async fn dump(catalog: &Path) -> Vec<String> {
    let pool = SqlitePool::connect(&format!("sqlite://{}", catalog.display())).await.unwrap();
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            .fetch_all(&pool)
            .await
            .unwrap();
    let mut rows = Vec::new();
    for table in tables.iter().filter(|table| !NOT_COMPARED.contains(&table.as_str())) {
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&pool).await.unwrap();
        // Versions are the bucket's, and a copy of it has others.
        let columns = columns.iter().filter(|name| !name.ends_with("_version"));
        let quoted: Vec<_> = columns.map(|name| format!("quote({name})")).collect();
        let sql = format!("SELECT {} FROM {table}", quoted.join(" || '|' || "));
        let mut found: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&pool).await.unwrap();
        found.retain(|row| !row.contains("'archive.rebuild'"));
        found.sort();
        assert!(
            !found.is_empty() || EMPTY_HERE.contains(&table.as_str()),
            "{table} is empty: it shows nothing"
        );
        rows.extend(found.into_iter().map(|row| format!("{table}: {row}")));
    }
    pool.close().await;
    rows
}

fn same(lost: &[String], found: &[String]) {
    let missing: Vec<_> = lost.iter().filter(|row| !found.contains(row)).take(5).collect();
    let more: Vec<_> = found.iter().filter(|row| !lost.contains(row)).take(5).collect();
    assert!(missing.is_empty() && more.is_empty(), "not there: {missing:#?}\nmore: {more:#?}");
    assert_eq!(lost.len(), found.len());
}

/// The first with the note that others share.
pub(super) const WITH_NOTE: usize = 17;

fn message(number: usize) -> Vec<u8> {
    let headers = format!(
        "From: ann@example.com\r\nTo: bob{}@example.com\r\nSubject: number {number}\r\n\
         Date: Mon, 5 Jan 2026 10:00:00 +0000\r\n",
        number % 3
    );
    let text = format!("The paper boat {number} sails.");
    match number {
        WITH_NOTE | 18 => attach(&headers, &text, &note(1)),
        _ if number >= 30 && number.is_multiple_of(10) => attach(&headers, &text, &note(1)),
        _ => format!("{headers}\r\n{text}\r\n").into_bytes(),
    }
}

pub(super) fn send(made: &Made, served: &Served, numbers: std::ops::Range<usize>) {
    let mut sender = Sender::connect(served.smtp).unwrap();
    for number in numbers {
        sender.send(&made.said["journal"], &message(number)).unwrap();
    }
}

pub(super) struct Desk {
    pub archive: Archive,
    pub actor: Actor,
    pub matter: MatterId,
    pub custodians: Vec<CustodianId>,
}

impl Desk {
    /// People, a matter and two custodians, one of whom is changed again.
    pub async fn set_up(made: &Made) -> Self {
        let archive = Archive::open(Config::load(&made.config).unwrap()).await.unwrap();
        let operator = Actor::operator(Role::Administrator);
        let new = New {
            name: "alice".into(),
            display_name: "Alice Ó \"Ito\"".into(),
            role: Role::Legal,
            is_archive_wide: true,
        };
        let (row, _) = person::create(&operator, &archive.access(), new).await.unwrap();
        let actor = Actor {
            user_id: row.user_id,
            name: row.name,
            role: Role::Legal,
            is_archive_wide: true,
        };
        let new = matter::New {
            name: "Ann v. Bob".into(),
            reference: "26-1".into(),
            zone: "Europe/Berlin".into(),
        };
        // One that waits for somebody from legal to agree.
        let root = person::named(&archive.access(), "admin").await.unwrap();
        let root = Actor { user_id: root.user_id, name: root.name, ..operator };
        let otto = New {
            name: "otto".into(),
            display_name: "Otto".into(),
            role: Role::Auditor,
            is_archive_wide: false,
        };
        second::create(&root, &archive.access(), otto).await.unwrap();
        let matter = matter::create(&actor, &archive.catalog, &archive.clock, new)
            .await
            .unwrap()
            .row
            .matter_id;
        let mut desk = Self { archive, actor, matter, custodians: Vec::new() };
        for number in 0..2 {
            desk.add_custodian(number).await;
        }
        let room = (&desk.archive.catalog, &desk.archive.clock, &desk.archive.vault);
        password::add(&desk.actor, room, matter, "heron").await.unwrap();
        desk
    }

    /// The same, of an archive in which they are.
    pub async fn open(config: &Path) -> Self {
        let archive = Archive::open(Config::load(config).unwrap()).await.unwrap();
        let row = person::named(&archive.access(), "alice").await.unwrap();
        let actor = Actor {
            user_id: row.user_id,
            name: row.name,
            role: Role::Legal,
            is_archive_wide: true,
        };
        let custodians = [1, 2].map(CustodianId).into();
        Self { archive, actor, matter: MatterId(1), custodians }
    }

    pub async fn add_custodian(&mut self, number: usize) {
        let Self { archive, actor, matter, .. } = &*self;
        let addresses = [format!("bob{number}@example.com"), format!("b{number}@example.org")];
        let (catalog, clock) = (&archive.catalog, &archive.clock);
        let name = format!("Bob {number}");
        let added = custodian::add(actor, catalog, clock, *matter, &name, &addresses);
        self.custodians.push(added.await.unwrap().custodian_id);
    }

    pub async fn hold(&self, name: &str) -> muniment::base::ids::HoldId {
        let new = hold::New {
            name: name.into(),
            custodians: self.custodians.clone(),
            date_kind: DateKind::Sent,
            from: Some("2026-01-01".parse().unwrap()),
            until: None,
            is_ongoing: true,
        };
        let Self { archive, actor, matter, .. } = self;
        let placed = hold::place(actor, &archive.catalog, &archive.clock, *matter, &new);
        placed.await.unwrap().row.hold_id
    }

    pub async fn release(&self, id: muniment::base::ids::HoldId) {
        let Self { archive, actor, matter, .. } = self;
        let (catalog, clock) = (&archive.catalog, &archive.clock);
        hold::release(actor, catalog, clock, (*matter, id), "settled").await.unwrap();
    }

    pub async fn close(self) {
        self.archive.catalog.close().await;
    }
}

/// An archive that was used: mail before and after two runs, holds placed and one
/// released, and what was decided when no server ran.
pub(super) async fn used(made: &Made) {
    let served = Served::start(&made.config, &[]).unwrap();
    send(made, &served, 0..150);
    let desk = Desk::set_up(made).await;
    let first = desk.hold("first").await;
    desk.hold("second").await;
    served.stop();
    desk.release(first).await;
    desk.close().await;
    let served = Served::start(&made.config, &[]).unwrap();
    send(made, &served, 150..200);
    served.stop();
}

pub(super) fn lose(config: &Path) {
    for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let _ = std::fs::remove_file(config.with_file_name(name));
    }
}

pub(super) fn rebuild(config: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(["rebuild", "--config"]).arg(config).args(arguments);
    command.output().unwrap()
}

pub(super) fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(text).unwrap()
}

fn until_indexed(served: &Served) {
    until("it is indexed again", || served.is_settled());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_catalog_comes_back_whole() {
    let made = init();
    used(&made).await;
    let catalog = made.config.with_file_name("catalog.db");
    let lost = dump(&catalog).await;

    // A whole one is not replaced.
    let refused = rebuild(&made.config, &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("a rebuild is for a lost one"), "{}", said(&refused));

    lose(&made.config);
    let output = rebuild(&made.config, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("200 records"), "{}", said(&output));
    same(&lost, &dump(&catalog).await);

    // The old index is of another catalog; mail is found, held and proved again.
    let served = Served::start(&made.config, &[]).unwrap();
    until_indexed(&served);
    send(&made, &served, 200..210);
    until_indexed(&served);
    served.stop();
    let archive = Archive::open(Config::load(&made.config).unwrap()).await.unwrap();
    let index = archive.open_index().unwrap();
    let dialect = muniment::query::Dialect::Kql;
    let query = muniment::query::parse("\"paper boat\"", dialect, &jiff::tz::TimeZone::UTC);
    let hits = index.all(&query.unwrap().query, &muniment::index::Scope::default()).unwrap();
    assert_eq!(hits.len(), 210);
    let mut held = 0;
    for hit in hits.iter() {
        // The old ids are nobody's.
        assert!(hit.set > SetId(1_000_000), "{}", hit.set);
        held += u32::from(hold::is_held(&archive.catalog, hit.set).await.unwrap());
    }
    assert_eq!(held, 140, "to two of three");
}

/// Whatever was done is gone on with, at every step.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_is_cut_off_goes_on() {
    let made = init();
    used(&made).await;
    let catalog = made.config.with_file_name("catalog.db");
    let lost = dump(&catalog).await;
    lose(&made.config);
    for point in ["rebuild.after_leaves", "rebuild.after_segments", "rebuild.before_policy"] {
        let mut command = Command::new(binary());
        command.env(muniment::base::crash::CRASH_AT, format!("{point}:1"));
        let output = command.args(["rebuild", "--config"]).arg(&made.config).output().unwrap();
        assert_eq!(output.status.code(), None, "{point}: {}", said(&output));
        assert!(!catalog.exists(), "{point}: half a catalog would be served");
        let mut serve = Command::new(binary());
        let refused = serve.args(["serve", "--config"]).arg(&made.config).output().unwrap();
        assert!(said(&refused).contains("rebuild"), "{}", said(&refused));
    }
    let output = rebuild(&made.config, &["--json"]);
    assert!(output.status.success(), "{}", said(&output));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["deliveries"], &told["faults"]), (&200.into(), &serde_json::json!([])));
    same(&lost, &dump(&catalog).await);
}

/// An archive that nothing is published of any more, as if its machine had been
/// lost before the publisher came to it.
async fn unpublished(made: &Made) -> (MatterId, muniment::base::ids::HoldId) {
    let served = Served::start(&made.config, &[]).unwrap();
    send(made, &served, 0..20);
    let desk = Desk::set_up(made).await;
    let hold = desk.hold("first").await;
    let matter = desk.matter;
    desk.close().await;
    served.stop();
    (matter, hold)
}

/// What was acknowledged, and in force, and in no part of the log.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_published_comes_back_too() {
    let made = init();
    let (matter, hold) = unpublished(&made).await;
    std::fs::remove_dir_all(made.config.with_file_name("bucket/log")).unwrap();
    lose(&made.config);
    let output = rebuild(&made.config, &[]);
    assert!(output.status.success(), "{}", said(&output));
    let text = said(&output);
    assert!(text.contains("20 records") && text.contains("1 hold had been placed"), "{text}");
    let desk = Desk::open(&made.config).await;
    let held = hold::get(&desk.actor, &desk.archive.catalog, matter, hold).await.unwrap();
    assert!(held.row.released_at.is_none());
    desk.close().await;
    serve_and_publish(&made).await;
}

/// The crash came between tiles and checkpoint: they are gone on with.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_its_checkpoint_is_gone_on_with() {
    let made = init();
    unpublished(&made).await;
    let catalog = made.config.with_file_name("catalog.db");
    let lost = dump(&catalog).await;
    std::fs::remove_dir_all(made.config.with_file_name("bucket/log/checkpoint")).unwrap();
    lose(&made.config);
    let output = rebuild(&made.config, &[]);
    assert!(output.status.success(), "{}", said(&output));
    same(&lost, &dump(&catalog).await);
    serve_and_publish(&made).await;
}

/// A server that indexes and publishes all that there is.
async fn serve_and_publish(made: &Made) {
    let served = Served::start(&made.config, &[]).unwrap();
    until_indexed(&served);
    served.stop();
    let bucket = Bucket::local(&made.config.with_file_name("bucket")).unwrap();
    let last = bucket.list("log/checkpoint").await.unwrap().pop().unwrap();
    let archive = Archive::open(Config::load(&made.config).unwrap()).await.unwrap();
    let leaves = muniment::catalog::leaf::count(&archive.catalog).await.unwrap();
    assert!(last.ends_with(&format!("/{leaves:020}")), "{last} of {leaves}");
}

/// A segment that is gone, and one that was changed: named, and all else is there.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_damaged_is_named() {
    let made = init();
    used(&made).await;
    let bucket = Bucket::local(&made.config.with_file_name("bucket")).unwrap();
    let names = bucket.list("seg").await.unwrap();
    let path = |name: &str| made.config.with_file_name("bucket").join(name);
    std::fs::remove_file(path(&names[0])).unwrap();
    let mut bytes = std::fs::read(path(&names[1])).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path(&names[1]), bytes).unwrap();
    lose(&made.config);
    let output = rebuild(&made.config, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let text = said(&output);
    assert!(text.contains(&format!("fault: {}", names[1])), "{text}");
    assert!(text.contains("is in the log and in no segment"), "{text}");
    let served = Served::start(&made.config, &[]).unwrap();
    until_indexed(&served);
    served.stop();
}

/// From a copy of the bucket, whose versions are called otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_comes_back_from_a_replica() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let Some(other) = Service::with_bucket(Kind::WithLock).await else { return };
    let made = service.init(&service.config.endpoint);
    let served = Served::start(&made.config, &[]).unwrap();
    send(&made, &served, 0..40);
    let desk = Desk::set_up(&made).await;
    desk.hold("first").await;
    desk.close().await;
    served.stop();
    let catalog = made.config.with_file_name("catalog.db");
    let lost = dump(&catalog).await;
    let (from, to) = (service.open(), other.open());
    for prefix in ["keyring", "seg", "key", "log", "policy"] {
        for name in from.list(&format!("{prefix}/")).await.unwrap() {
            to.put_new(&name, from.get(&name).await.unwrap()).await.unwrap();
        }
    }
    // Only the copy is left to the operator.
    let text = std::fs::read_to_string(&made.config).unwrap();
    let text = text.replace(&service.config.name, &other.config.name);
    std::fs::write(&made.config, text).unwrap();
    lose(&made.config);
    let output = rebuild(&made.config, &[]);
    assert!(output.status.success(), "{}", said(&output));
    same(&lost, &dump(&catalog).await);
    let served = Served::start(&made.config, &[]).unwrap();
    until_indexed(&served);
    served.stop();
}

//! The bucket's flags of holds: what is held has them, what is not loses them, what
//! could go soonest comes first, and a million segments are planned for.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures::FutureExt as _;
use muniment::access::{Actor, Role};
use muniment::base::clock::{Clock, Timestamp};
use muniment::base::config::{Class, ClassMode};
use muniment::base::ids::{HoldId, MatterId, SegmentId};
use muniment::catalog::{Catalog, flag};
use muniment::hold::flags::{Flags, SetHeld, Step};
use muniment::hold::{self, DateKind};
use muniment::matter::{self, custodian};
use muniment::vault::bucket::BucketError;
use muniment::vault::retention::Schedule;
use sqlx::{AssertSqlSafe, SqlitePool};

use super::erasure::Laid;
use super::retention::add;
use super::support::Scratch;
use super::support::s3::{Kind, Service};

/// Objects by name, with whether they have the flag, and the order of changes.
#[derive(Default)]
struct Store {
    held: HashMap<String, bool>,
    changes: Vec<String>,
}

fn simulated(store: &Arc<Mutex<Store>>) -> SetHeld {
    let store = store.clone();
    Arc::new(move |place, is_held| {
        let mut store = store.lock().unwrap();
        store.held.insert(place.name.clone(), is_held);
        store.changes.push(place.name);
        async { Ok::<(), BucketError>(()) }.boxed()
    })
}

fn schedule() -> Arc<Schedule> {
    let class = |name: &str, mode| Class { name: name.into(), years: 7, mode };
    Arc::new(Schedule::new(&[
        class("standard", ClassMode::Strict),
        class("hr", ClassMode::Erasable),
    ]))
}

/// Segments of one record each, in two classes and from one of ten people each.
async fn fill(path: &Path, count: usize) {
    let pool = SqlitePool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
    );
    let id = "CAST(printf('%016d', i) AS BLOB)";
    let class = "CASE WHEN i % 4 = 0 THEN 'hr' ELSE 'standard' END";
    for sql in [
        format!(
            "INSERT INTO segment (segment_id, class, epoch, object, page, size_bytes, sha256,
                 created_at)
             {numbers} SELECT {id}, {class}, '2026-01', 'seg/' || i, 'key/' || i, 1, x'00', 1 FROM n"
        ),
        format!(
            "INSERT INTO delivery (seq, record_id, segment_id, entry, source, received_at, class,
                 epoch, size_bytes, sha256, form, is_proven, transaction_, envelope, defects)
             {numbers} SELECT i, {id}, {id}, 0, 's', 1, {class}, '2026-01', 1, x'00', 'bare', 1,
                 '{{}}', NULL, '[]' FROM n"
        ),
        format!(
            "INSERT INTO message_set (set_id, set_key, message_sha256, first_seq, subject,
                 from_text, message_id, sent_at, received_at, size_bytes, attachment_count,
                 is_proven)
             {numbers} SELECT i, {id}, {id}, i, '', '', '', 1, 1, 1, 0, 1 FROM n"
        ),
        format!("INSERT INTO set_delivery (set_id, seq, entry) {numbers} SELECT i, i, 0 FROM n"),
        "INSERT INTO address (address_id, address)
         VALUES (1, 'p1@a.example'), (2, 'p2@a.example'), (3, 'p3@a.example'),
             (4, 'p4@a.example'), (5, 'p5@a.example'), (6, 'p6@a.example'),
             (7, 'p7@a.example'), (8, 'p8@a.example'), (9, 'p9@a.example'),
             (10, 'p10@a.example')"
            .to_owned(),
        format!(
            "INSERT INTO participant (set_id, address_id, role, source, seq, name)
             {numbers} SELECT i, i % 10 + 1, 'from', 'header', i, '' FROM n"
        ),
        format!("INSERT INTO cursor (follower, position) VALUES ('derive', {count})"),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(&pool).await.unwrap();
    }
    pool.close().await;
}

struct Matter {
    lea: Actor,
    matter: MatterId,
    clock: Clock,
}

impl Matter {
    async fn hold(&self, catalog: &Catalog, addresses: &[&str]) -> HoldId {
        let (lea, clock) = (&self.lea, &self.clock);
        let addresses: Vec<String> = addresses.iter().map(|it| (*it).to_owned()).collect();
        let name = addresses.join(" ");
        let who = custodian::add(lea, catalog, clock, self.matter, &name, &addresses);
        let new = hold::New {
            name: "h".into(),
            custodians: vec![who.await.unwrap().custodian_id],
            date_kind: DateKind::Sent,
            from: None,
            until: None,
            is_ongoing: true,
        };
        hold::place(lea, catalog, clock, self.matter, &new).await.unwrap().row.hold_id
    }

    async fn release(&self, catalog: &Catalog, id: HoldId) {
        let which = (self.matter, id);
        hold::release(&self.lea, catalog, &self.clock, which, "settled").await.unwrap();
    }
}

/// Steps until nothing is left; begins anew, as after a kill, now and then. How many.
async fn follow(catalog: &Catalog, clock: &Clock, set_held: &SetHeld, restart: usize) -> usize {
    let begin = || Flags::with(catalog.clone(), clock.clone(), schedule(), set_held.clone());
    let mut flags = begin();
    for step in 1.. {
        if flags.step().await.unwrap() == Step::Nothing {
            return step;
        }
        if step % restart == 0 {
            flags = begin();
        }
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_segments_are_flagged_and_unflagged_in_bounded_steps() {
    let count = if std::env::var_os("MUNIMENT_TEST_LONG").is_some() { 1_000_000 } else { 20_000 };
    let scratch = Scratch::new().await;
    let (archive, clock) = (&scratch.archive, Clock::fixed(Timestamp::from_seconds(1_780_000_000)));
    let lea = add(archive, "lea", Role::Legal).await;
    let new = matter::New { name: "M".into(), reference: "".into(), zone: "UTC".into() };
    let matter = matter::create(&lea, &archive.catalog, &clock, new).await.unwrap();
    let matter = Matter { lea, matter: matter.row.matter_id, clock: clock.clone() };
    let path = scratch.directory.path().join("catalog.db");
    fill(&path, count).await;
    let catalog = &archive.catalog;
    let store = Arc::new(Mutex::new(Store::default()));
    let set_held = simulated(&store);

    // A half of all people, and one of them again.
    let first = matter.hold(catalog, &["p1@a.example", "p2@a.example"]).await;
    let second = matter.hold(catalog, &["p2@a.example", "p3@a.example"]).await;
    let begun = Instant::now();
    let steps = follow(catalog, &clock, &set_held, 100).await;
    println!("{count} segments flagged in {steps} steps, {:?}", begun.elapsed());
    let held = |number: usize| number % 10 < 3;
    let wanted = (1..=count).filter(|number| held(*number)).count();
    {
        let store = store.lock().unwrap();
        assert_eq!(store.held.values().filter(|is_held| **is_held).count(), 2 * wanted);
        assert!(
            store.held.keys().all(|name| {
                held(name.split('/').next_back().unwrap().parse::<usize>().unwrap())
            })
        );
        // What can be erased came first; a step or two sets some at once.
        let is_first = |name: &String| {
            name.split('/').next_back().unwrap().parse::<usize>().unwrap().is_multiple_of(4)
        };
        let last = store.changes.iter().rposition(is_first).unwrap();
        let others = store.changes[..last].iter().filter(|name| !is_first(name)).count();
        assert!(others <= 400, "{others}");
    }
    let counted = flag::counted(catalog, first).await.unwrap().unwrap();
    let of_first = (1..=count).filter(|number| number % 10 < 2).count() as u64;
    assert_eq!((counted.flagged, counted.segments), (of_first, of_first));
    // A pass of 500 deliveries and 200 flags in each step, and nothing that grows.
    assert!(steps <= count / 500 + wanted / 200 + 20, "{steps} steps");

    // Released, the first lets go of what the second does not hold.
    matter.release(catalog, first).await;
    let begun = Instant::now();
    let steps = follow(catalog, &clock, &set_held, 100).await;
    println!("and what one of two holds kept let go in {steps} steps, {:?}", begun.elapsed());
    let left = (1..=count).filter(|number| (1..3).contains(&(number % 10))).count();
    let still = |store: &Store| store.held.values().filter(|is_held| **is_held).count();
    assert_eq!(still(&store.lock().unwrap()), 2 * left);
    assert!(flag::counted(catalog, first).await.unwrap().is_none());
    matter.release(catalog, second).await;
    follow(catalog, &clock, &set_held, 100).await;
    assert_eq!(still(&store.lock().unwrap()), 0);
    assert!(flag::due(catalog, flag::Wanted::Lifted, 1).await.unwrap().is_empty());
}

/// Segments whose pages are in one object: the page keeps its flag for the last.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_many_keeps_its_flag_for_the_last_that_is_held() {
    let scratch = Scratch::new().await;
    let (archive, clock) = (&scratch.archive, Clock::fixed(Timestamp::from_seconds(1_780_000_000)));
    let lea = add(archive, "lea", Role::Legal).await;
    let new = matter::New { name: "M".into(), reference: "".into(), zone: "UTC".into() };
    let matter = matter::create(&lea, &archive.catalog, &clock, new).await.unwrap();
    let matter = Matter { lea, matter: matter.row.matter_id, clock: clock.clone() };
    let path = scratch.directory.path().join("catalog.db");
    fill(&path, 10).await;
    let catalog = &archive.catalog;
    let pool = SqlitePool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query("UPDATE segment SET page = 'key/many'").execute(&pool).await.unwrap();
    pool.close().await;
    let store = Arc::new(Mutex::new(Store::default()));
    let set_held = simulated(&store);
    let first = matter.hold(catalog, &["p1@a.example"]).await;
    let second = matter.hold(catalog, &["p2@a.example"]).await;
    follow(catalog, &clock, &set_held, 1).await;
    let held = || {
        let store = store.lock().unwrap();
        let mut held: Vec<String> =
            store.held.iter().filter(|(_, is)| **is).map(|(name, _)| name.clone()).collect();
        held.sort();
        held
    };
    assert_eq!(held(), ["key/many", "seg/1", "seg/10"]);
    matter.release(catalog, first).await;
    follow(catalog, &clock, &set_held, 1).await;
    assert_eq!(held(), ["key/many", "seg/1"]);
    matter.release(catalog, second).await;
    follow(catalog, &clock, &set_held, 1).await;
    assert_eq!(held(), Vec::<String>::new());
}

/// In a real bucket, by the server's own step, and lifted by the other credentials.
#[tokio::test(flavor = "multi_thread")]
async fn flags_follow_holds_in_a_bucket_that_locks() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let laid = Laid::on(&service).await;
    let archive = laid.archive();
    let (catalog, bucket) = (archive.catalog.clone(), archive.vault.bucket().clone());
    let schedule = Arc::new(Schedule::new(&archive.config.class));
    let flags = Flags::of(catalog.clone(), archive.clock.clone(), &bucket, schedule).await;
    let mut flags = flags.unwrap().expect("the bucket locks");
    let hold = laid.hold(0).await;
    assert!(flag::counted(&catalog, hold).await.unwrap().is_none());
    while flags.step().await.unwrap() == Step::More {}
    let counted = flag::counted(&catalog, hold).await.unwrap().unwrap();
    let covered = laid.segments_with(0).await;
    assert_eq!((counted.flagged, counted.segments), (covered.len() as u64, covered.len() as u64));
    let check = async |wanted: &[SegmentId]| {
        for row in laid.rows().await {
            let is_wanted = wanted.contains(&row.segment);
            assert_eq!(bucket.is_held(&row.object).await.unwrap(), is_wanted, "{}", row.object);
            assert_eq!(bucket.is_held(&row.page).await.unwrap(), is_wanted, "{}", row.page);
        }
    };
    check(&covered).await;
    // One that somebody lifts is named, and set again.
    let rows = laid.rows().await;
    let lifted = &rows.iter().find(|row| row.segment == covered[0]).unwrap().page;
    bucket.set_held(lifted, false).await.unwrap();
    laid.publish().await;
    assert_eq!(laid.faults().await, [("hold-flag-off".to_owned(), lifted.name.clone())]);
    while flags.step().await.unwrap() == Step::More {}
    check(&covered).await;
    assert!(laid.faults().await.is_empty());
    laid.release(hold).await;
    while flags.step().await.unwrap() == Step::More {}
    check(&[]).await;
    assert!(flag::counted(&catalog, hold).await.unwrap().is_none());
}

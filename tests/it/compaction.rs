//! Key pages put together: the same keys in fewer objects, whatever is cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use muniment::app::Archive;
use muniment::base::clock::Clock;
use muniment::base::crash::{CRASH_AT, POINTS};
use muniment::base::ids::DeliverySeq;
use muniment::catalog::lease::Turn;
use muniment::catalog::{db, delivery, spare};
use muniment::retention::Retention;
use muniment::retention::compact::{self, Compacted};
use sqlx::SqlitePool;

use super::erasure::Laid;
use super::erasure_served::erasable;
use super::retention_served::{opened, serve};
use super::support::random::Random;
use super::support::served::{Made, Served, init};
use super::support::{deliver, until};

const DAY: i64 = 24 * 3600;

pub(super) async fn compacted(retention: &Retention, days: i64, hours: i64) -> Compacted {
    let at = Clock::System.now().plus_seconds(days * DAY + hours * 3600);
    let mut later = retention.clone();
    later.clock = Clock::fixed(at);
    let mut turn = Turn::new(retention.catalog.clone(), "compact");
    compact::run(&later, &mut turn).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_past_days_become_one_object_and_nothing_else_changes() {
    let laid = Laid::alone(20).await;
    let before = laid.contents().await;
    assert_eq!(laid.names("key/hr").await.len(), 20);
    // What is of today stays.
    assert_eq!(compacted(&laid.retention, 0, 0).await, Compacted::default());
    let done = compacted(&laid.retention, 2, 0).await;
    assert_eq!(done, Compacted { pages: 20, objects: 1, deleted: 0 });
    // Who has just read where a page was still finds it.
    assert_eq!(laid.names("key/hr").await.len(), 21);
    assert_eq!(laid.contents().await, before);
    let done = compacted(&laid.retention, 2, 2).await;
    assert_eq!(done, Compacted { pages: 0, objects: 0, deleted: 20 });
    assert_eq!(laid.names("key/hr").await.len(), 1);
    assert_eq!(laid.contents().await, before);
    laid.publish().await;
    laid.check_whole().await;
    let (again, _) = laid.rebuilt("again.db").await;
    let rows = delivery::after(&again, DeliverySeq(0), 1000).await.unwrap();
    assert_eq!(super::erasure::places(&rows), super::erasure::places(&laid.rows().await));

    // One of them is erased out of it.
    laid.erased(3).await;
    assert_eq!(laid.contents().await.len(), 19);
    assert_eq!(laid.names("key/hr").await.len(), 1);
    laid.check_whole().await;
    laid.is_whole_to_the_second_reader().await;
    let (again, count) = laid.rebuilt("without.db").await;
    assert_eq!(count, 0);
    let rows = delivery::after(&again, DeliverySeq(0), 1000).await.unwrap();
    assert_eq!(super::erasure::places(&rows), super::erasure::places(&laid.rows().await));
}

/// Dropped anywhere, beside erasures: each record that is left can always be read, and
/// no page has a key of one that was erased.
#[tokio::test(flavor = "multi_thread")]
async fn a_compaction_that_is_cut_off_anywhere_loses_no_key() {
    let seed = Random::seed();
    println!("seed {seed} (set MUNIMENT_TEST_SEED to repeat)");
    let mut random = Random::new(seed);
    let laid = Laid::alone(20).await;
    let mut expected: BTreeMap<Vec<u8>, usize> = laid.contents().await;
    for round in 0..12_i64 {
        let patience = Duration::from_micros(random.next() % 20_000);
        tokio::select! {
            _ = compacted(&laid.retention, 2 + round, 0) => {}
            () = tokio::time::sleep(patience) => {}
        }
        assert_eq!(laid.contents().await, expected, "seed {seed}, round {round}");
        if round % 4 == 3 {
            let number = round as usize / 4;
            laid.erased(number).await;
            expected.remove(&super::erasure::version(number, "a"));
            laid.no_key_is_left().await;
        }
    }
    compacted(&laid.retention, 40, 0).await;
    compacted(&laid.retention, 41, 0).await;
    assert_eq!(laid.names("key/hr").await.len(), 1);
    assert_eq!(laid.contents().await, expected);
    laid.no_key_is_left().await;
    laid.publish().await;
    laid.check_whole().await;
    laid.rebuilt("again.db").await;
}

/// Rows that somebody put into the catalog delete no page that has a record's only key.
#[tokio::test(flavor = "multi_thread")]
async fn no_row_of_the_catalog_deletes_a_page_that_is_needed() {
    let laid = Laid::alone(4).await;
    let (archive, rows) = (laid.archive(), laid.rows().await);
    let before = laid.contents().await;
    let pages = laid.names("key/hr").await;
    // A segment's own page; and one that another replaced, with fewer keys or with none
    // that is in the bucket.
    let [live, poorer, nowhere, _] = &rows[..] else { panic!() };
    let gone = BTreeSet::from([poorer.record]);
    let new = archive.vault.page_without(&poorer.page, &gone).await.unwrap();
    let put = archive.vault.put_page(&new).await.unwrap();
    let missing = format!("{}.left", nowhere.page.name.replace(".page", "-0"));
    let has = async |row: &delivery::Delivery, page: &str| {
        let mut tx = archive.catalog.write().await.unwrap();
        db::query("UPDATE segment SET page = $1 WHERE segment_id = $2")
            .bind(page)
            .bind(row.segment.0.to_vec())
            .execute(&mut tx)
            .await
            .unwrap();
        archive.catalog.commit(tx, "change a row").await.unwrap();
    };
    has(poorer, &put.name).await;
    has(nowhere, &missing).await;
    for row in [live, poorer, nowhere] {
        spare::give_up_now(&archive.catalog, &row.page.name).await.unwrap();
    }
    let done = compacted(&laid.retention, 0, 2).await;
    assert_eq!(done, Compacted::default());
    for page in &pages {
        assert!(laid.names("key/hr").await.contains(page), "{page} is gone");
    }
    // An erasure that comes by them does its own work, and they stay.
    let ended = laid.erasing(3).await;
    assert!(ended.contains("key pages that the catalog says go stay"), "{ended}");
    for row in [live, poorer, nowhere] {
        has(row, &row.page.name).await;
    }
    assert_eq!(laid.contents().await.len(), before.len() - 1);
    let kinds: Vec<String> = laid.faults().await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["spare-page-live"; 3]);
}

/// Has every segment be of long ago by the catalog.
async fn aged(made: &Made, archive: &Archive) {
    let path = made.config.parent().unwrap().join("catalog.db");
    assert!(Path::new(&path).exists());
    let pool = SqlitePool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    for row in delivery::after(&archive.catalog, DeliverySeq(0), 1000).await.unwrap() {
        let sql = "UPDATE segment SET created_at = 0 WHERE segment_id = $1";
        let query = sqlx::query(sql).bind(row.segment.0.to_vec());
        query.execute(&pool).await.unwrap();
    }
    sqlx::query("UPDATE spare_page SET at = 0").execute(&pool).await.unwrap();
    pool.close().await;
}

async fn contents(archive: &Archive) -> Vec<Vec<u8>> {
    let mut contents = Vec::new();
    for row in delivery::after(&archive.catalog, DeliverySeq(0), 1000).await.unwrap() {
        let record = archive.vault.open_record(&row.at()).await.unwrap();
        contents.push(record.bytes().await.unwrap().to_vec());
    }
    contents
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compaction_that_is_killed_at_any_step_is_done_by_the_next() {
    let made = init();
    erasable(&made.config);
    let archive = opened(&made).await;
    {
        let lock = archive.lock().unwrap();
        let ingest = archive.start_ingest(&lock).await.unwrap();
        for number in 0..16 {
            let text = format!("From: a@b.example\r\nSubject: {number}\r\n\r\nboat\r\n");
            deliver(&archive, &ingest, text.as_bytes()).await;
        }
    }
    let before = contents(&archive).await;
    let pages = async || archive.vault.bucket().list("key/standard").await.unwrap().len();
    assert_eq!(pages().await, 16);
    aged(&made, &archive).await;
    for (point, expected) in POINTS.iter().filter(|it| it.starts_with("compact.")).zip([17, 17, 1])
    {
        // It is done at each start.
        let at = format!("{point}:1");
        if let Some(mut served) = Served::start(&made.config, &[(CRASH_AT, &at)]) {
            until("it dies there", || !served.is_alive());
            served.died();
        }
        assert_eq!(contents(&archive).await, before, "{point}");
        assert_eq!(pages().await, expected, "{point}");
        aged(&made, &archive).await;
    }
    let served = serve(&made, None);
    served.stop();
    assert_eq!(contents(&archive).await, before);
    archive.catalog.close().await;
    let mut verify = std::process::Command::new(super::support::binary());
    let verified = verify.arg("verify").env("MUNIMENT_CONFIG", &made.config).output().unwrap();
    // It finds the age that this test gave the segments, and nothing else.
    let said = String::from_utf8(verified.stdout).unwrap();
    let faults: Vec<&str> = said.lines().filter(|line| line.starts_with("fault: ")).collect();
    assert!(faults.iter().all(|fault| fault.contains(": created_at (")), "{said}");
    assert!(said.contains("16 segments, 16 records"), "{said}");
}

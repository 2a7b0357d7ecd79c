//! A delivery's number is given once: followers and holds go by it after the delivery was
//! destroyed, and a catalog that is made again has the same.

use std::collections::BTreeMap;
use std::path::Path;

use muniment::access::Actor;
use muniment::app::Archive;
use muniment::base::config::Config;
use muniment::base::ids::{DeliverySeq, HoldId, MatterId, RecordId};
use muniment::catalog::delivery;
use muniment::hold::{self, DateKind};
use muniment::matter::custodian;

use super::rebuild::{lose, rebuild, said};
use super::retention_served::{Browser, MONTHS, approve, laid, opened, serve};
use super::support::deliver;
use super::support::served::init;

async fn numbers(archive: &Archive) -> BTreeMap<RecordId, DeliverySeq> {
    let rows = delivery::after(&archive.catalog, DeliverySeq(0), 100).await.unwrap();
    rows.iter().map(|row| (row.record, row.seq)).collect()
}

/// The subjects of what a hold covers.
async fn covered(archive: &Archive, lea: &Actor, of: (MatterId, HoldId)) -> Vec<String> {
    let items =
        hold::items(lea, &archive.catalog, &archive.clock, of, None, 100).await.unwrap().hits;
    let mut subjects: Vec<String> = items.into_iter().map(|hit| hit.subject).collect();
    subjects.sort();
    subjects
}

async fn archive(config: &Path) -> Archive {
    Archive::open(Config::load(config).unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_the_newest_was_destroyed_is_found_and_held() {
    let made = init();
    let laid = laid(&made, &MONTHS[..1]).await;
    let (made, laid) = tokio::task::spawn_blocking(move || {
        let served = serve(&made, None);
        let [rita, ron, _] = &laid.people[..] else { panic!() };
        let [rita, ron] = [rita, ron].map(|who| Browser::sign_in(&served, who));
        let id = rita.propose(&served, MONTHS[0].0);
        approve(&ron, &served, id);
        assert_eq!(rita.done(&served, id)["destroyed"], 4);
        served.stop();
        (made, laid)
    })
    .await
    .unwrap();

    let before = opened(&made).await;
    let last = delivery::last_seq(&before.catalog).await.unwrap();
    assert!(last < DeliverySeq(6), "the newest is gone");
    let lock = before.lock().unwrap();
    let ingest = before.start_ingest(&lock).await.unwrap();
    for number in 0..3 {
        let message = format!(
            "From: ann@example.com\r\nTo: carol@example.com\r\nSubject: new {number}\r\n\r\nx\r\n"
        );
        deliver(&before, &ingest, message.as_bytes()).await;
    }
    drop((ingest, lock));
    let given: Vec<_> = numbers(&before).await.into_values().filter(|seq| seq.0 > 6).collect();
    assert_eq!(given.len(), 3, "each has a number that none had before");
    before.catalog.close().await;
    let made = tokio::task::spawn_blocking(move || (serve(&made, None).stop(), made).1);
    let made = made.await.unwrap();

    let archive = archive(&made.config).await;
    let (catalog, clock, matter) = (&archive.catalog, &archive.clock, laid.hold.0);
    let addresses = ["carol@example.com".to_owned()];
    let carol =
        custodian::add(&laid.lea, catalog, clock, matter, "Carol", &addresses).await.unwrap();
    let new = hold::New {
        name: "so far".into(),
        custodians: vec![carol.custodian_id],
        date_kind: DateKind::Received,
        from: None,
        until: None,
        is_ongoing: false,
    };
    let placed = hold::place(&laid.lea, catalog, clock, matter, &new).await.unwrap();
    let of = (matter, placed.row.hold_id);
    let all = ["new 0", "new 1", "new 2"];
    assert_eq!(covered(&archive, &laid.lea, of).await, all);
    let numbered = numbers(&archive).await;
    archive.catalog.close().await;

    // The machine is lost: all comes back, under the same numbers.
    let made = tokio::task::spawn_blocking(move || {
        serve(&made, None).stop();
        lose(&made.config);
        std::fs::remove_dir_all(made.config.with_file_name("index")).unwrap();
        let output = rebuild(&made.config, &[]);
        assert!(output.status.success(), "{}", said(&output));
        serve(&made, None).stop();
        made
    });
    let made = made.await.unwrap();
    let again = self::archive(&made.config).await;
    assert_eq!(numbers(&again).await, numbered);
    assert_eq!(covered(&again, &laid.lea, of).await, all);
    again.catalog.close().await;
}

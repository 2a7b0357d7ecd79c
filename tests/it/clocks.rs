//! Clocks that disagree: mail is taken all the same, locks follow the bucket's clock,
//! nothing is destroyed, and everybody who looks is told.

use muniment::app::Archive;
use muniment::base::clock::{Clock, Timestamp};
use muniment::base::config::Config;
use muniment::base::ids::DeliverySeq;
use muniment::catalog::delivery;
use muniment::ingest::clocks::Clocks;
use muniment::vault::bucket::Bucket;
use muniment::vault::master::MasterKey;

use super::support::laid::laid;
use super::support::s3::{Kind, Service};
use super::support::served::{Sender, Served};
use super::support::web::{Browser, Web};
use super::support::{Scratch, deliver};

const DAY: i64 = 86_400;
/// So that a month lies between.
const FORTY_DAYS: i64 = 40 * DAY;

/// The archive as a machine sees it whose clock is off by so many seconds.
async fn seen_from(scratch: &Scratch, seconds: i64) -> Archive {
    let config: Config = (*scratch.archive.config).clone();
    let master = MasterKey::load(&config.archive.master_key).unwrap();
    let now = Clock::System.now().plus_seconds(seconds);
    Archive::open_by(config, master, Clock::fixed(now)).await.unwrap()
}

async fn disagreement(archive: &Archive) -> Option<String> {
    let bucket = archive.vault.bucket();
    Clocks::look(bucket, &archive.catalog, &archive.clock).await.unwrap().disagreement()
}

#[tokio::test(flavor = "multi_thread")]
async fn receipt_and_lock_follow_the_buckets_clock_and_ingest_goes_on() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let scratch = Scratch::with(|config| config.bucket = service.config.clone()).await;
    assert_eq!(disagreement(&scratch.archive).await, None);
    let lock = scratch.archive.lock().unwrap();
    for (number, (off, words)) in (0..).zip([
        (-DAY, "s behind the bucket's"),
        (DAY, "s ahead of the bucket's"),
        (-FORTY_DAYS, "s behind the bucket's"),
        (FORTY_DAYS, "s ahead of the bucket's"),
    ]) {
        let archive = seen_from(&scratch, off).await;
        let said = disagreement(&archive).await.unwrap();
        assert!(said.contains(words), "{off}: {said}");
        let ingest = archive.start_ingest(&lock).await.unwrap();
        let before = Clock::System.now();
        deliver(&archive, &ingest, b"Subject: kept\r\n\r\nboat\r\n").await;
        let after = Clock::System.now();

        let rows = delivery::after(&archive.catalog, DeliverySeq(number), 1).await.unwrap();
        let row = &rows[0];
        // As the bucket told it last.
        let early = before.plus_seconds(-60);
        assert!(row.received_at >= early && row.received_at <= after.plus_seconds(2), "{off}");
        assert_eq!(row.epoch, row.received_at.month());
        let wanted = scratch.archive.vault.bucket().lock_of(&row.object.name, after).await.unwrap();
        for place in [&row.object, &row.page] {
            let found = archive.vault.bucket().retention(place).await.unwrap();
            assert_eq!(found.unwrap().until, wanted.unwrap().until, "{off}");
        }
    }
}

/// The server itself on a machine whose clock is set while it works, and is off when it
/// begins; beyond a quarter of an hour the service takes nothing that is signed by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_moves_no_receipt_and_keeps_no_mail_out() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
    if !std::path::Path::new(library).exists() {
        eprintln!("SKIPPED: no {library}; install what deploy/deps.sh test names");
        return;
    }
    let made = service.init(&service.config.endpoint);
    let hand = made.config.with_file_name("hand");
    let set = |offset: &str| {
        let new = hand.with_extension("new");
        std::fs::write(&new, offset).unwrap();
        std::fs::rename(&new, &hand).unwrap();
    };
    let environment = [
        ("LD_PRELOAD", library),
        ("FAKETIME_TIMESTAMP_FILE", hand.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let before = Clock::System.now().plus_seconds(-310);
    let mut sent = Vec::new();
    for begun in ["+0", "-1d", "+20m"] {
        set(begun);
        let served = Served::start(&made.config, &environment).unwrap();
        for step in [begun, "+10m", "-10m", "+20m", "+31d", "-1d", "+0"] {
            set(step);
            let mut sender = Sender::connect(served.smtp).unwrap();
            let message = format!("Subject: {begun} {step}\r\n\r\nboat\r\n");
            let receipt = sender.send(&made.said["journal"], message.as_bytes());
            sent.push(receipt.unwrap_or_else(|error| panic!("{begun} {step}: {error}")).record);
        }
        served.stop();
    }
    let after = Clock::System.now().plus_seconds(310);
    let archive = Archive::open(Config::load(&made.config).unwrap()).await.unwrap();
    let rows = delivery::after(&archive.catalog, DeliverySeq(0), 100).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.record).collect::<Vec<_>>(), sent);
    for row in rows {
        assert!(row.received_at > before && row.received_at < after, "{}", row.received_at);
        assert_eq!(row.epoch, row.received_at.month());
        let wanted = archive.vault.bucket().lock_of(&row.object.name, after).await.unwrap();
        let found = archive.vault.bucket().retention(&row.object).await.unwrap();
        assert_eq!(found.unwrap().until, wanted.unwrap().until);
    }
}

/// What is put there in a month's time is locked a month longer, whatever the machine
/// believes: so is the log.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_no_month_is_locked_by_the_buckets_clock_too() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let mut config = Config { bucket: service.config.clone(), ..Config::default() };
    config.vault.path = "unused".into();
    let right = Bucket::open(&config, Clock::System).unwrap();
    let now = Clock::System.now();
    for off in [-FORTY_DAYS, FORTY_DAYS] {
        let wrong = Bucket::open(&config, Clock::fixed(now.plus_seconds(off))).unwrap();
        wrong.ask_time().await.unwrap();
        for name in ["log/tile/a", "keyring/epoch/policy/2020-01/00000001"] {
            let name = format!("{name}{off}");
            let place = wrong.put_new(&name, "x".into()).await.unwrap();
            let found = right.retention(&place).await.unwrap().unwrap();
            assert_eq!(Some(found), right.lock_of(&name, now).await.unwrap(), "{name}");
        }
    }
}

/// A directory has no clock of its own; the log's newest entry tells.
#[tokio::test]
async fn a_clock_that_is_behind_the_log_is_told_and_ingest_goes_on() {
    let scratch = Scratch::new().await;
    let archive = &scratch.archive;
    {
        let (ingest, _lock) = scratch.ingest().await;
        deliver(archive, &ingest, b"Subject: first\r\n\r\nboat\r\n").await;
    }
    for (off, is_told) in [(-DAY, true), (-400, true), (-60, false), (DAY, false)] {
        let archive = seen_from(&scratch, off).await;
        let said = disagreement(&archive).await;
        assert_eq!(said.is_some(), is_told, "{off}: {said:?}");
        if let Some(said) = said {
            assert!(said.contains("behind the newest entry of the log; set it right"), "{said}");
            let lock = archive.lock().unwrap();
            let ingest = archive.start_ingest(&lock).await.unwrap();
            deliver(&archive, &ingest, b"Subject: behind\r\n\r\nboat\r\n").await;
        }
    }
    assert_eq!(delivery::totals(&archive.catalog).await.unwrap().deliveries, 3);
}

/// It is ready all the same, and says what is wrong.
#[tokio::test]
async fn readiness_metrics_and_status_tell_of_clocks_that_disagree() {
    let scratch = Scratch::new().await;
    let (mut context, _) = laid(&scratch).await;
    let web = Web::new(context.clone());
    let ready = web.get(&Browser::default(), "/readyz").await;
    assert_eq!((ready.status.as_u16(), &ready.body[..]), (200, &b"ready\n"[..]));

    context.clock = Clock::fixed(Timestamp(Clock::System.now().0).plus_seconds(-DAY));
    let web = Web::new(context);
    let ready = web.get(&Browser::default(), "/readyz").await;
    let said = String::from_utf8(ready.body).unwrap();
    assert_eq!(ready.status, 200);
    assert!(said.starts_with("ready\nclocks: this machine's clock is 86,"), "{said}");
    let metrics = web.get(&Browser::default(), "/metrics").await;
    assert_eq!(metrics.status, 200);
    let admin = web.signed_in("root", muniment::access::Role::Administrator, false).await;
    let status = web.get(&admin, "/api/v1/status").await.json();
    assert_eq!(status["clocks"]["agree"], serde_json::json!(false));
    assert!(status["clocks"]["log_ahead_seconds"].as_i64().unwrap() > DAY - 60, "{status}");
}

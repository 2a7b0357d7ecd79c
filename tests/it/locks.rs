//! Locks that roll on, on a real service: of a class that was lengthened or made strict,
//! and of what the archive is proved and opened with.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use muniment::app::Archive;
use muniment::base::clock::{Clock, Timestamp};
use muniment::base::config::{Class, ClassMode, Config};
use muniment::base::crash::CRASH_AT;
use muniment::catalog::roll;
use muniment::retention::locks::Roller;
use muniment::vault::bucket::{Bucket, Place};
use muniment::vault::retention::{Lock, Mode, rolls};
use serde_json::{Value, json};

use super::support::s3::{Kind, Service};
use super::support::served::{Made, Sender, Served};
use super::support::{Scratch, binary, deliver};

fn change(made: &Made, from: &str, to: &str) {
    let text = fs::read_to_string(&made.config).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(&made.config, text.replace(from, to)).unwrap();
}

fn status(config: &Path) -> Value {
    let mut command = Command::new(binary());
    let output = command.args(["status", "--json", "--config"]).arg(config).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Polls until nothing is to be done any more.
fn until_done(config: &Path) {
    let end = Instant::now() + Duration::from_secs(120);
    loop {
        let locks = &status(config)["locks"];
        if locks["parts"] == json!(0) {
            return;
        }
        assert!(Instant::now() < end, "{locks}");
    }
}

/// Every object of an archive, and its lock.
async fn locks(bucket: &Bucket) -> Vec<(Place, Lock)> {
    let mut found = Vec::new();
    for prefix in ["format", "key", "keyring", "log", "policy", "seg"] {
        for seen in bucket.look(prefix).await.unwrap() {
            let place = seen.first();
            let lock = bucket.retention(&place).await.unwrap();
            found.push((place.clone(), lock.unwrap_or_else(|| panic!("{place} is not locked"))));
        }
    }
    found
}

/// Whether all is locked as it would be if it were put now.
async fn is_locked_as_now(bucket: &Bucket) -> bool {
    let now = Clock::System.now();
    for (place, lock) in locks(bucket).await {
        let wanted = bucket.lock_of(&place.name, now).await.unwrap().unwrap();
        if !lock.holds(&wanted) {
            println!("{place}: {lock:?} for {wanted:?}");
            return false;
        }
    }
    true
}

/// Killed in the middle, it goes on at the next start; and nothing is shortened by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_is_lengthened_locks_its_old_mail_for_longer() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let made = service.init(&service.config.endpoint);
    change(&made, "mode = \"strict\"", "mode = \"erasable\"");
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    for number in 0..3 {
        let message = format!("Subject: {number}\r\n\r\nThe paper boat sails.\r\n");
        sender.send(&made.said["journal"], message.as_bytes()).unwrap();
    }
    until_done(&made.config);
    served.stop();
    let bucket = |config: &Config| Bucket::open(config, Clock::System).unwrap();
    let before = locks(&bucket(&Config::load(&made.config).unwrap())).await;
    let is_soft = |(_, lock): &&(Place, Lock)| lock.mode == Mode::Governance;
    assert!(before.iter().filter(is_soft).count() >= 2, "pages and keys of the class");

    change(&made, "years = 7", "years = 9");
    change(&made, "mode = \"erasable\"", "mode = \"strict\"");
    let config = Config::load(&made.config).unwrap();
    // It dies of the first page, and of the second.
    for at in ["locks.after_page:1", "locks.after_page:2"] {
        if let Some(served) = Served::start(&made.config, &[(CRASH_AT, at)]) {
            served.died();
        }
    }
    let pending = status(&made.config)["locks"].clone();
    assert!(pending["parts"].as_u64().unwrap() > 0, "{pending}");
    let served = Served::start(&made.config, &[]).unwrap();
    until_done(&made.config);
    served.stop();
    assert!(is_locked_as_now(&bucket(&config)).await);
    let after = locks(&bucket(&config)).await;
    for (place, was) in &before {
        let (_, is) = after.iter().find(|(other, _)| other == place).unwrap();
        let is_longer = is.until.to_jiff().strftime("%Y").to_string()
            == (was.until.to_jiff().strftime("%Y").to_string().parse::<i32>().unwrap() + 2)
                .to_string();
        assert!(is_longer && is.mode == Mode::Compliance, "{place}: {was:?}, {is:?}");
    }
    // A check of everything finds nothing wrong with that.
    let mut command = Command::new(binary());
    let output = command.args(["verify", "--config"]).arg(&made.config).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!([Some(0), Some(3)].contains(&output.status.code()), "{said}");
}

/// A year behind the longest class, and not before.
#[tokio::test(flavor = "multi_thread")]
async fn what_proves_the_archive_rolls_on_once_it_is_a_year_behind() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let scratch = Scratch::with(|config| config.bucket = service.config.clone()).await;
    {
        let (ingest, _lock) = scratch.ingest().await;
        deliver(&scratch.archive, &ingest, b"Subject: one\r\n\r\nboat\r\n").await;
    }
    let archive = &scratch.archive;
    let roller = |archive: &Archive| {
        let bucket = archive.vault.bucket().clone();
        Roller::new(bucket, archive.catalog.clone(), archive.clock.clone())
    };
    // At first all is looked at.
    roller(archive).work().await.unwrap();
    let longest = archive.vault.bucket().lock_of("log", Clock::System.now()).await.unwrap();
    let longest = longest.unwrap().until;
    let row = roll::find(&archive.catalog, "keyring").await.unwrap().unwrap();
    assert_eq!((row.ends_at, row.target, row.error.is_none()), (longest, None, true));
    assert!(row.done >= 1, "{row:?}");

    let set = async |ends_at: Timestamp| {
        let mut tx = archive.catalog.write().await.unwrap();
        for root in ["format", "keyring", "log", "policy"] {
            let (unit, target) = (root.to_owned(), Some(ends_at));
            let row = roll::RollRow { unit, target, done: 0, ..row.clone() };
            roll::want(&mut tx, root, ends_at, ends_at).await.unwrap();
            assert!(roll::end(&mut tx, &row).await.unwrap());
        }
        archive.catalog.commit(tx, "test").await.unwrap();
    };
    for (days, is_due) in [(-300, false), (-400, true)] {
        set(longest.plus_seconds(days * 86_400)).await;
        roller(archive).work().await.unwrap();
        let row = roll::find(&archive.catalog, "keyring").await.unwrap().unwrap();
        assert_eq!((row.ends_at == longest, row.done > 0), (is_due, is_due), "{days}");
    }

    // Another class without mail lengthens all of it, and no mail.
    let mut config = (*archive.config).clone();
    config.class.push(Class { name: "long".into(), years: 10, mode: ClassMode::Strict });
    let bucket = Bucket::open(&config, Clock::System).unwrap();
    let mut roller = Roller::new(bucket.clone(), archive.catalog.clone(), Clock::System);
    roller.work().await.unwrap();
    assert!(is_locked_as_now(&bucket).await);
    let ten = bucket.lock_of("log", Clock::System.now()).await.unwrap().unwrap().until;
    for (place, lock) in locks(&bucket).await {
        assert_eq!(lock.until == ten, rolls(&place.name), "{place}: {lock:?}");
    }
    // Where clocks disagree nothing is made longer, since it could not be undone.
    config.class[1].years = 12;
    let clock = Clock::fixed(Clock::System.now().plus_seconds(86_400));
    let bucket = Bucket::open(&config, clock.clone()).unwrap();
    let mut roller = Roller::new(bucket.clone(), archive.catalog.clone(), clock);
    roller.work().await.unwrap();
    assert!(locks(&bucket).await.iter().all(|(_, lock)| lock.until <= ten));
}

/// Objects come page by page, with all of their versions.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_listing_leaves_nothing_out() {
    let Some(service) = Service::with_bucket(Kind::WithVersions).await else { return };
    let bucket = service.open();
    let names: Vec<String> = (0..1200).map(|number| format!("log/tile/{number:05}")).collect();
    for names in names.chunks(40) {
        let puts = names.iter().map(|name| bucket.put_new(name, "x".into()));
        futures::future::try_join_all(puts).await.unwrap();
    }
    // Versions on both sides of where the first page ends.
    for name in &names[995..1003] {
        service.put_on_top(name, "other").await;
    }
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = bucket.look_after("log", &after).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.name.clone();
        found.extend(page);
    }
    assert_eq!(found.iter().map(|seen| seen.name.clone()).collect::<Vec<_>>(), names);
    assert_eq!(found, bucket.look("log").await.unwrap());
}

/// Beyond 2038, 2100 and 2106, over leap days: what the service keeps is what it was
/// told, or it is said in one sentence.
#[tokio::test(flavor = "multi_thread")]
async fn far_dates_are_kept_or_refused_and_never_wrapped() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    for years in [1, 12, 74, 80, 100] {
        let class = Class { name: "far".into(), years, mode: ClassMode::Strict };
        let bucket = service.open_with(|config| config.class = vec![class]);
        let name = format!("log/tile/{years}");
        let wanted = bucket.lock_of(&name, Clock::System.now()).await.unwrap().unwrap();
        match bucket.put_new(&name, "x".into()).await {
            Ok(place) => {
                assert_eq!(bucket.retention(&place).await.unwrap(), Some(wanted), "{years}");
            }
            // RGW 16 counts seconds in 32 bits, without a sign.
            Err(error) => {
                let said = error.to_string();
                assert!(years > 75 && said.contains(&wanted.until.to_string()), "{said}");
                assert!(said.contains("cannot keep the class's date"), "{said}");
                assert_eq!(bucket.list("log").await.unwrap().len(), 3, "it was put all the same");
            }
        }
    }
}

/// RGW 16 would unlock it: it takes the later date and keeps one that is long past.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_not_made_longer_to_a_date_that_the_service_does_not_keep() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let bucket = service.open();
    let place = bucket.put_new("log/tile/a", "x".into()).await.unwrap();
    let lock = bucket.retention(&place).await.unwrap().unwrap();
    // 2127-01-01.
    let far = Lock { until: Timestamp::from_seconds(4_954_435_200), ..lock };
    let lengthened = bucket.lengthen(&place, &far).await;
    let extended = bucket.extend(&place, &far).await;
    let found = bucket.retention(&place).await.unwrap().unwrap();
    assert!(found.holds(&lock), "{found:?}");
    assert_eq!(lengthened.is_ok(), found == far);
    assert_eq!(extended.is_ok(), found == far);
}

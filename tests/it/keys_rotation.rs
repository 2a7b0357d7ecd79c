//! Rotation of the master key: beside a server that goes on, and killed at each of
//! its steps.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use muniment::app::Archive;
use muniment::base::config::Config;
use muniment::base::crash::{CRASH_AT, POINTS};
use muniment::base::hash::Digest;
use muniment::ingest::Receipt;
use muniment::vault::Vault;
use muniment::vault::bucket::Bucket;
use muniment::vault::master::MasterKey;

use super::keys::{audited, done, key_file, keys, refused, said, text};
use super::support::binary;
use super::support::s3::{Kind, Service};
use super::support::served::{Made, Sender, Served, init};

fn deliver(made: &Made, served: &Served, subject: &str) -> Receipt {
    let message = format!("Subject: {subject}\r\n\r\nkeep {subject}\r\n");
    let mut sender = Sender::connect(served.smtp).unwrap();
    sender.send(&made.said["journal"], message.as_bytes()).unwrap()
}

/// Every record in the bucket, opened with this key and nothing else: its hash.
async fn opened(made: &Made, key: &Path) -> Vec<Digest> {
    let bucket = Bucket::local(&made.config.with_file_name("bucket")).unwrap();
    let vault = Vault::open(bucket, MasterKey::load(key).unwrap()).await.unwrap();
    let mut found = Vec::new();
    for object in vault.bucket().list("seg").await.unwrap() {
        let (place, file) = object.strip_prefix("seg/").unwrap().rsplit_once('/').unwrap();
        let page = format!("key/{place}/{}.page", file.split_once('-').unwrap().0);
        let object = vault.bucket().find(&object).await.unwrap();
        let page = vault.bucket().find(&page).await.unwrap();
        let Ok(open) = vault.open_segment(&object, &page).await else { continue };
        for entry in 0..open.entries().len() as u32 {
            let bytes = open.record(entry).await.unwrap().bytes().await.unwrap();
            found.push(Digest::of(&bytes));
        }
    }
    found.sort();
    found
}

fn hashes(subjects: &[&str]) -> Vec<Digest> {
    let text = |subject| format!("Subject: {subject}\r\n\r\nkeep {subject}\r\n");
    let mut hashes: Vec<_> =
        subjects.iter().map(|subject| Digest::of(text(subject).as_bytes())).collect();
    hashes.sort();
    hashes
}

fn rotate(made: &Made, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(binary());
    command.args(["keys", "rotate"]).env("MUNIMENT_CONFIG", &made.config);
    command.envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_key_is_replaced_beside_a_running_server() {
    let made = init();
    let served = Served::start(&made.config, &[]).unwrap();
    deliver(&made, &served, "before");
    let told = done(rotate(&made, &[]));
    assert!(told.contains("Stale since the master key was replaced: the recovery copy."), "{told}");
    assert!(told.contains("muniment keys recovery --out FILE"), "{told}");
    let old = said(&told, "old key").to_owned();
    // It has the old master in memory, and goes on.
    deliver(&made, &served, "after");
    served.stop();
    let served = Served::start(&made.config, &[]).unwrap();
    deliver(&made, &served, "later");
    served.stop();
    let all = hashes(&["after", "before", "later"]);
    assert_eq!(opened(&made, &key_file(&made)).await, all);
    // In the month of the rotation the old one opens the same epoch.
    assert_eq!(opened(&made, Path::new(&old)).await, all);

    let mut verify = Command::new(binary());
    let verified = verify.arg("verify").env("MUNIMENT_CONFIG", &made.config).output().unwrap();
    assert_eq!(verified.status.code(), Some(0), "old numbers are no faults: {verified:?}");

    let status = Command::new(binary()).arg("status").env("MUNIMENT_CONFIG", &made.config).output();
    let status = done(status.unwrap());
    assert!(status.contains("recovery copy: STALE"), "{status}");
    let mut open = Command::new(binary());
    open.args(["keys", "check", "--recovery", &made.said["recovery"], "--passphrase-file"]);
    let passphrase = made.config.with_file_name("passphrase");
    fs::write(&passphrase, &made.said["recovery passphrase"]).unwrap();
    let stale = open.arg(&passphrase).env("MUNIMENT_CONFIG", &made.config).output().unwrap();
    assert_eq!(stale.status.code(), Some(1), "{stale:?}");
    let stale = String::from_utf8(stale.stdout).unwrap();
    assert!(stale.contains("is stale: a rotation replaced it by"), "{stale}");

    let rows = audited(&made).await;
    let rotation: Vec<_> = rows.iter().filter(|row| row.action == "keys.rotate").collect();
    assert_eq!(rotation.len(), 2);
    assert_eq!((&*rotation[0].outcome, &*rotation[1].outcome), ("begun", "done"));
}

/// The old key in the place of the new one: one sentence, and nothing is served.
#[test]
fn a_stale_master_key_is_refused() {
    let made = init();
    let told = done(rotate(&made, &[]));
    let new = fs::read(key_file(&made)).unwrap();
    fs::rename(said(&told, "old key"), key_file(&made)).unwrap();
    let serve = ["serve", "--config", text(&made.config)];
    let stale = refused(Command::new(binary()).args(serve).output().unwrap(), 1);
    assert!(stale.contains("is stale") && stale.contains(said(&told, "master key")), "{stale}");
    assert!(refused(rotate(&made, &[]), 1).contains("is stale"));
    // The new one is lost with all its copies, and what it alone opens with it.
    let again = done(keys(&made, &["rotate", "--newer-is-lost"]));
    assert_ne!(said(&again, "master key"), said(&told, "master key"));
    Served::start(&made.config, &[]).unwrap().stop();
    assert_ne!(fs::read(key_file(&made)).unwrap(), new);
}

/// Killed at each step while a server runs, then finished; the server is killed and
/// started in between too.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_killed_at_any_step_is_finished_by_the_next() {
    let made = init();
    let mut subjects = Vec::new();
    let mut files = vec![fs::read(key_file(&made)).unwrap()];
    let steps: Vec<_> = POINTS.iter().filter(|point| point.starts_with("rotate.")).collect();
    assert_eq!(steps.len(), 5);
    for step in steps {
        let served = Served::start(&made.config, &[]).unwrap();
        subjects.push(format!("{step} before"));
        deliver(&made, &served, subjects.last().unwrap());
        let killed = rotate(&made, &[(CRASH_AT, &format!("{step}:1"))]);
        assert_eq!(killed.status.code(), None, "{step} was not reached: {killed:?}");
        subjects.push(format!("{step} half-way"));
        deliver(&made, &served, subjects.last().unwrap());
        served.kill();
        let served = Served::start(&made.config, &[]).expect("it starts half-way");
        subjects.push(format!("{step} started"));
        deliver(&made, &served, subjects.last().unwrap());
        let told = done(rotate(&made, &[]));
        subjects.push(format!("{step} after"));
        deliver(&made, &served, subjects.last().unwrap());
        served.stop();
        done(keys(&made, &["check"]));

        let file = fs::read(key_file(&made)).unwrap();
        assert!(!files.contains(&file), "{step}: the key is a new one");
        files.push(file);
        // Killed once and finished once, it was one rotation.
        let held = fs::read_dir(made.config.with_file_name("bucket/keyring/archive")).unwrap();
        assert_eq!(held.count(), files.len(), "{step}: {told}");
        let beside = fs::read_dir(key_file(&made).parent().unwrap()).unwrap();
        assert_eq!(beside.count(), files.len(), "{step}: the old keys and the new one");
    }
    let subjects: Vec<_> = subjects.iter().map(String::as_str).collect();
    assert_eq!(opened(&made, &key_file(&made)).await, hashes(&subjects));
    let rows = audited(&made).await;
    let ends = rows.iter().filter(|row| row.action == "keys.rotate" && row.outcome == "done");
    assert_eq!(ends.count(), 5);
}

/// Where objects have versions and locks.
#[tokio::test(flavor = "multi_thread")]
async fn the_master_key_is_replaced_on_s3() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let made = service.init(&service.config.endpoint);
    let made = tokio::task::spawn_blocking(move || {
        let served = Served::start(&made.config, &[]).unwrap();
        deliver(&made, &served, "before");
        let killed = rotate(&made, &[(CRASH_AT, "rotate.after_announced:1")]);
        assert_eq!(killed.status.code(), None, "{killed:?}");
        done(rotate(&made, &[]));
        deliver(&made, &served, "after");
        served.stop();
        Served::start(&made.config, &[]).unwrap().stop();
        done(keys(&made, &["check"]));
        made
    });
    let made = made.await.unwrap();
    let archive = Archive::open(Config::load(&made.config).unwrap()).await.unwrap();
    let bucket = archive.vault.bucket();
    let mut locks = Vec::new();
    for name in bucket.list("keyring").await.unwrap() {
        let place = bucket.find(&name).await.unwrap();
        locks.push((name, bucket.retention(&place).await.unwrap()));
    }
    assert!(locks.len() >= 4 && locks.iter().all(|(_, lock)| lock.is_some()), "{locks:?}");
}

//! Erasures by the real binary, over HTTP: killed at each of their steps, and in a
//! bucket that locks.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use muniment::access::person::{self, New};
use muniment::access::{Actor, Role};
use muniment::app::Archive;
use muniment::base::clock::Timestamp;
use muniment::base::crash::POINTS;
use muniment::base::ids::{DeliverySeq, RecordId};
use muniment::catalog::{db, delivery};
use muniment::vault::bucket::Place;
use muniment::vault::retention::{Lock, Mode};
use serde_json::{Value, json};

use super::retention_served::{Browser, opened, serve};
use super::support::s3::{Kind, Service};
use super::support::served::{Made, Served, init};
use super::support::{binary, deliver, until};

/// Has the archive's only class be one that can be erased; nothing is in it yet.
pub(super) fn erasable(config: &Path) {
    let text = std::fs::read_to_string(config).unwrap();
    assert_eq!(text.matches("\nmode = \"strict\"").count(), 1);
    std::fs::write(config, text.replace("\nmode = \"strict\"", "\nmode = \"erasable\"")).unwrap();
}

fn message(number: usize) -> Vec<u8> {
    format!(
        "From: ann@example.com\r\nTo: bob{number}@example.com\r\nSubject: heron{number}\r\n\
         Date: Mon, 15 Jan 2018 10:00:00 +0000\r\n\r\nboat {number}\r\n"
    )
    .into_bytes()
}

/// Messages 0 to `count`, each twice: beside the one after it, and beside the one before.
async fn laid(made: &Made, count: usize) -> [(&'static str, String); 2] {
    let archive = opened(made).await;
    let lock = archive.lock().unwrap();
    let ingest = archive.start_ingest(&lock).await.unwrap();
    for number in 0..count {
        let (first, second) = (message(number), message((number + 1) % count));
        let both = [deliver(&archive, &ingest, &first), deliver(&archive, &ingest, &second)];
        futures::future::join_all(both).await;
    }
    let operator = Actor::operator(Role::Administrator);
    let mut people = Vec::new();
    for name in ["rita", "ron"] {
        let role = Role::Records;
        let new =
            New { name: name.into(), display_name: name.into(), role, is_archive_wide: false };
        let (_, one_time) = person::create(&operator, &archive.access(), new).await.unwrap();
        people.push((name, one_time));
    }
    archive.catalog.close().await;
    people.try_into().unwrap()
}

async fn contents(archive: &Archive) -> Vec<(RecordId, Vec<u8>)> {
    let rows = delivery::after(&archive.catalog, DeliverySeq(0), 100).await.unwrap();
    let mut contents = Vec::new();
    for row in &rows {
        let record = archive.vault.open_record(&row.at()).await.unwrap();
        contents.push((row.record, record.bytes().await.unwrap().to_vec()));
    }
    contents
}

/// The records that carry a message.
async fn records_of(made: &Made, number: usize) -> Vec<RecordId> {
    let archive = opened(made).await;
    let found = contents(&archive).await;
    archive.catalog.close().await;
    let of = found.into_iter().filter(|(_, bytes)| *bytes == message(number));
    of.map(|(record, _)| record).collect()
}

fn propose(browser: &Browser, served: &Served, record: RecordId) -> i64 {
    let body = json!({ "record": record.to_string(), "ground": "Art. 17 GDPR" });
    let row = browser.json(served, "POST", "/erasures", Some(body));
    assert_eq!((&row["state"], &row["records"]), (&json!("proposed"), &json!(2)));
    row["id"].as_i64().unwrap()
}

fn approve(browser: &Browser, served: &Served, id: i64) -> Option<(String, String)> {
    let path = format!("/api/v1/erasures/{id}/approve");
    browser.send(served, "POST", &path, Some(json!({ "reason": "checked" })))
}

fn show(browser: &Browser, served: &Served, id: i64) -> Value {
    browser.json(served, "GET", &format!("/erasures/{id}"), None)
}

fn done(browser: &Browser, served: &Served, id: i64) -> Value {
    until("the erasure is done", || {
        let row = show(browser, served, id);
        assert_eq!(row["stopped"], Value::Null);
        row["state"] == "done"
    });
    show(browser, served, id)
}

fn verified(made: &Made) {
    let mut verify = Command::new(binary());
    let verified = verify.arg("verify").env("MUNIMENT_CONFIG", &made.config).output().unwrap();
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_is_killed_at_any_step_goes_on_and_loses_nothing_else() {
    let made = init();
    erasable(&made.config);
    let points: Vec<_> = POINTS.iter().filter(|point| point.starts_with("erasure.")).collect();
    let count = points.len() + 2;
    let people = laid(&made, count).await;
    let mut gone = BTreeSet::new();
    let served = serve(&made, None);
    let [rita, ron] = people.each_ref().map(|who| Browser::sign_in(&served, who));
    served.stop();
    for (number, point) in points.into_iter().enumerate() {
        let records = records_of(&made, number).await;
        let mut served = serve(&made, Some(&format!("{point}:1")));
        let id = propose(&rita, &served, records[0]);
        approve(&ron, &served, id);
        until("it dies there", || !served.is_alive());
        served.died();
        let served = serve(&made, None);
        let row = done(&rita, &served, id);
        let erased: Vec<RecordId> = serde_json::from_value(row["erased"].clone()).unwrap();
        assert_eq!(erased, records, "{point}");
        let path = format!("/api/v1/erasures/{id}/certificate");
        until("its end is in the log", || {
            let (head, body) = rita.send(&served, "GET", &path, None).unwrap();
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            body.contains("entry: ") && body.contains("Art. 17 GDPR")
        });
        served.stop();
        gone.extend(records);
    }
    let archive = opened(&made).await;
    let left = contents(&archive).await;
    assert_eq!(left.len(), 2 * count - gone.len());
    for number in count - 2..count {
        assert_eq!(left.iter().filter(|(_, bytes)| *bytes == message(number)).count(), 2);
    }
    // Whatever a kill left, no page has a key of it.
    for name in archive.vault.bucket().list("key").await.unwrap() {
        let place = archive.vault.bucket().find(&name).await.unwrap();
        let found = archive.vault.keys_among(&place, &gone).await.unwrap();
        assert!(found.is_empty(), "{name} has keys of {found:?}");
    }
    archive.catalog.close().await;
    verified(&made);
}

/// Governance is bypassed for pages by the credentials for disposition; what is locked
/// so that nobody can is left, with the rule named.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_locks_lets_keys_go_where_the_class_says_so() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let made = service.init(&service.config.endpoint);
    erasable(&made.config);
    let people = laid(&made, 4).await;
    let served = serve(&made, None);
    let [rita, ron] = people.each_ref().map(|who| Browser::sign_in(&served, who));
    let archive = opened(&made).await;
    let bucket = archive.vault.bucket().clone();
    let first = records_of(&made, 0).await;
    let second = records_of(&made, 2).await;
    let row = delivery::with_record(&archive.catalog, first[0]).await.unwrap().unwrap();
    let lock = bucket.retention(&row.page).await.unwrap().unwrap();
    assert_eq!(lock.mode, Mode::Governance);
    // The flag of a hold on what stays goes along.
    bucket.set_held(&row.page, true).await.unwrap();

    let id = propose(&rita, &served, first[0]);
    approve(&ron, &served, id).unwrap();
    done(&rita, &served, id);
    let gone: BTreeSet<RecordId> = first.iter().copied().collect();
    let versions = service.owner.versions_below("key/").await.unwrap();
    let rows = delivery::after(&archive.catalog, DeliverySeq(0), 100).await.unwrap();
    // Also of segments of which nothing is left.
    let known: Vec<(String, Option<String>)> =
        db::query_as("SELECT DISTINCT page, page_version FROM segment")
            .fetch_all(archive.catalog.read())
            .await
            .unwrap();
    let known = known.into_iter().map(|(name, version)| Place { name, version });
    let known: Vec<Place> = known.collect();
    for version in versions.iter().filter(|version| version.name.starts_with("key/standard")) {
        let page = known.iter().find(|page| page.name == version.name);
        let page = page.unwrap_or_else(|| panic!("{version:?} is left over"));
        assert_eq!(page.version.as_ref(), Some(&version.id));
        let left = archive.vault.keys_among(page, &gone).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
        let lock = bucket.retention(page).await.unwrap().unwrap();
        assert_eq!(lock.mode, Mode::Governance);
    }
    let mut held = Vec::new();
    for row in rows.iter().filter(|it| it.segment == row.segment) {
        held.push(bucket.is_held(&row.page).await.unwrap());
    }
    assert!(held.iter().all(|is_held| *is_held), "{held:?}");
    assert_eq!(contents(&archive).await.len(), 6);

    // Locked for all: nothing of it is touched.
    let row = delivery::with_record(&archive.catalog, second[1]).await.unwrap().unwrap();
    let until_at = Timestamp::from_seconds(lock.until.seconds());
    let firm = Lock { mode: Mode::Compliance, until: until_at };
    // To the firmer mode only the credentials for disposition may bring it.
    bucket.lengthen(&row.page, &firm).await.unwrap();
    let id = propose(&rita, &served, second[0]);
    approve(&ron, &served, id).unwrap();
    until("it stops", || show(&rita, &served, id)["stopped"].is_string());
    let said = show(&rita, &served, id);
    let why = said["stopped"].as_str().unwrap();
    assert!(why.contains(&row.page.name) && why.contains("COMPLIANCE mode until"), "{why}");
    assert_eq!(said["state"], "approved");
    let refused = archive.vault.destroy_page(&row.page.name).await.unwrap_err().to_string();
    assert!(refused.contains("nobody can delete it before"), "{refused}");
    assert_eq!(contents(&archive).await.len(), 6);
    served.stop();
    archive.catalog.close().await;
    verified(&made);
}

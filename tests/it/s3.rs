//! An S3 bucket against those who write to it too, and against a network that
//! loses things.

use std::io::{Seek as _, Write as _};

use bytes::Bytes;
use http::Method;
use muniment::access::Role;
use muniment::base::clock::{Clock, Timestamp};
use muniment::base::config::Config;
use muniment::base::hash::Digest;
use muniment::vault::bucket::{Bucket, BucketError, Place};
use muniment::vault::retention::{Lock, Mode};
use muniment::vault::s3::client::Call;

use super::support::Scratch;
use super::support::laid::laid;
use super::support::proxy::{Fault, Proxy};
use super::support::s3::{Kind, RIGHTS, Service, write_credentials};
use super::support::web::Web;

const SEGMENT: &str = "seg/standard/2026-01/id-hash.seg";
const PAGE: &str = "key/standard/2026-01/id.page";
const TILE: &str = "log/tile/0/000";
const CONTENT: Bytes = Bytes::from_static(b"content");

/// A bucket behind a proxy.
async fn proxied() -> Option<(Service, Proxy, Bucket)> {
    let service = Service::with_bucket(Kind::WithLock).await?;
    let proxy = Proxy::before(&service.config.endpoint);
    let bucket = service.open_with(|config| {
        config.bucket.endpoint = proxy.endpoint();
        config.bucket.request_seconds = 5;
    });
    Some((service, proxy, bucket))
}

async fn versions(service: &Service, name: &str) -> usize {
    service.owner.versions_of(name).await.unwrap().len()
}

#[tokio::test]
async fn objects_are_locked_by_their_put() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let bucket = service.open();
    let until = |text: &str| {
        let at: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_seconds(at.as_second())
    };
    let locked = Lock { mode: Mode::Compliance, until: until("2033-02-01T00:00:00Z") };
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"large").unwrap();
    file.rewind().unwrap();
    let large = format!("seg/standard/2026-01/large-{}.seg", Digest::of(b"large"));
    for place in [
        bucket.put_new(SEGMENT, CONTENT).await.unwrap(),
        bucket.put_new(PAGE, CONTENT).await.unwrap(),
        bucket.put_file(&large, file).await.unwrap(),
    ] {
        assert!(place.version.is_some());
        assert_eq!(bucket.retention(&place).await.unwrap(), Some(locked), "{place}");
        // Nobody gets rid of it, whatever rights he has.
        let query = [("versionId", place.version.as_deref().unwrap())];
        for headers in [&[][..], &[("x-amz-bypass-governance-retention", "true")]] {
            let delete = Call {
                method: Method::DELETE,
                key: &place.name,
                query: &query,
                headers,
                body: String::new(),
            };
            let answer = service.owner.call(&delete).await.unwrap();
            assert_eq!(answer.code(), "AccessDenied", "{place}");
        }
    }
    let tile = bucket.put_new(TILE, CONTENT).await.unwrap();
    let lock = bucket.retention(&tile).await.unwrap().unwrap();
    assert!(lock.mode == Mode::Compliance && lock.until >= locked.until);
}

/// The rule of a bucket may be longer than ours, and weaker.
#[tokio::test]
async fn a_buckets_own_rule_is_no_substitute() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    service.govern_by_default().await;
    let bucket = service.open();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"large").unwrap();
    file.rewind().unwrap();
    let large = format!("seg/standard/2026-01/large-{}.seg", Digest::of(b"large"));
    let place = bucket.put_new(SEGMENT, CONTENT).await.unwrap();
    assert_eq!(bucket.retention(&place).await.unwrap().unwrap().mode, Mode::Compliance);
    // A service that keeps to the lock of an upload, or one that gives its own and
    // lets nobody change it; never a record under a weaker lock.
    match bucket.put_file(&large, file).await {
        Ok(place) => {
            let lock = bucket.retention(&place).await.unwrap().unwrap();
            assert_eq!(lock.mode, Mode::Compliance, "{place}");
        }
        Err(error) => {
            assert!(error.to_string().contains("set its mode to COMPLIANCE"), "{error}");
        }
    }
}

#[tokio::test]
async fn keys_of_erasable_classes_are_governed() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let bucket = service.open_with(|config| {
        config.class[0].mode = muniment::base::config::ClassMode::Erasable;
    });
    let mode = async |place: &Place| bucket.retention(place).await.unwrap().unwrap().mode;
    let page = bucket.put_new(PAGE, CONTENT).await.unwrap();
    assert_eq!(mode(&page).await, Mode::Governance);
    let segment = bucket.put_new(SEGMENT, CONTENT).await.unwrap();
    assert_eq!(mode(&segment).await, Mode::Compliance);
}

#[tokio::test]
async fn locks_are_lengthened_and_never_shortened() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let bucket = service.open();
    let place = bucket.put_new(PAGE, CONTENT).await.unwrap();
    let lock = bucket.retention(&place).await.unwrap().unwrap();
    let longer = Lock { until: lock.until.plus_seconds(3600), ..lock };
    bucket.extend(&place, &longer).await.unwrap();
    assert_eq!(bucket.retention(&place).await.unwrap(), Some(longer));
    bucket.extend(&place, &lock).await.unwrap_err();
    assert_eq!(bucket.retention(&place).await.unwrap(), Some(longer));
}

#[tokio::test]
async fn holds_are_set_and_lifted_by_disposition_alone() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let bucket = service.open();
    let place = bucket.put_new(PAGE, CONTENT).await.unwrap();
    assert!(!bucket.is_held(&place).await.unwrap());
    bucket.set_held(&place, true).await.unwrap();
    assert!(bucket.is_held(&place).await.unwrap());
    let without = service.open_with(|config| config.bucket.disposition_credentials = None);
    // Ingest's own, taken for the others.
    let ingest = service.open_with(|config| {
        config.bucket.disposition_credentials = config.bucket.credentials.clone();
    });
    for is_held in [true, false] {
        let refused = without.set_held(&place, is_held).await.unwrap_err().to_string();
        assert!(refused.contains("set [bucket] disposition_credentials"), "{refused}");
        let refused = ingest.set_held(&place, is_held).await.unwrap_err();
        assert!(refused.is_refusal(), "{refused}");
    }
    assert!(bucket.is_held(&place).await.unwrap());
    bucket.set_held(&place, false).await.unwrap();
    assert!(!bucket.is_held(&place).await.unwrap());
}

#[tokio::test]
async fn markers_and_shadows_change_nothing() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let bucket = service.open();
    for name in [PAGE, TILE] {
        let place = bucket.put_new(name, CONTENT).await.unwrap();
        service.put_on_top(name, "evil").await;
        service.put_marker(name).await;
        service.put_on_top(name, "worse").await;
        service.put_marker(name).await;
        assert_eq!(bucket.get(name).await.unwrap(), CONTENT);
        assert_eq!(bucket.get_at(&place).await.unwrap(), CONTENT);
        assert_eq!(bucket.size(&place).await.unwrap(), CONTENT.len() as u64);
        assert_eq!(bucket.find(name).await.unwrap(), place);
        let below = name.rsplit_once('/').unwrap().0;
        assert_eq!(bucket.list(below).await.unwrap(), [name]);
    }
    assert_eq!(bucket.put_new(TILE, CONTENT).await.unwrap(), bucket.find(TILE).await.unwrap());
}

/// A segment's name says what is in it, whoever was first.
#[tokio::test]
async fn a_segment_is_the_version_that_its_name_speaks_of() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let bucket = service.open();
    let name = format!("seg/standard/2026-01/id-{}.seg", Digest::of(&CONTENT));
    service.put_on_top(&name, "before").await;
    bucket.put_new(&name, CONTENT).await.ok();
    service
        .done(Call { method: Method::PUT, key: &name, body: "content".into(), ..Call::default() })
        .await;
    service.put_on_top(&name, "after").await;
    assert_eq!(bucket.get(&name).await.unwrap(), CONTENT);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_has_happened() {
    let Some((service, proxy, bucket)) = proxied().await else { return };
    let faults = [Fault::LoseAnswer, Fault::Stall, Fault::LoseAnswer];
    for (name, fault) in [SEGMENT, PAGE, TILE].into_iter().zip(faults) {
        proxy.next("PUT", name, fault);
        let place = bucket.put_new(name, CONTENT).await.unwrap();
        assert!(proxy.is_done());
        assert_eq!(bucket.find(name).await.unwrap(), place);
        assert_eq!(bucket.get_at(&place).await.unwrap(), CONTENT);
        assert!(bucket.retention(&place).await.unwrap().is_some());
        assert_eq!(versions(&service, name).await, 1);
    }
}

#[tokio::test]
async fn a_create_that_is_lost_or_in_conflict_is_tried_again() {
    let Some((service, proxy, bucket)) = proxied().await else { return };
    for (name, fault) in
        [(SEGMENT, Fault::Conflict), (PAGE, Fault::LoseRequest), (TILE, Fault::Conflict)]
    {
        proxy.next("PUT", name, fault);
        let place = bucket.put_new(name, CONTENT).await.unwrap();
        assert!(proxy.is_done());
        assert_eq!(bucket.get_at(&place).await.unwrap(), CONTENT);
        assert_eq!(versions(&service, name).await, 1);
    }
}

/// What another node made meanwhile under the name stays.
#[tokio::test]
async fn a_conflict_with_other_bytes_is_told() {
    let Some((service, proxy, bucket)) = proxied().await else { return };
    service.put_on_top(TILE, "other").await;
    proxy.next("PUT", TILE, Fault::Conflict);
    let put = bucket.put_new(TILE, CONTENT).await;
    assert!(matches!(put, Err(BucketError::Differs(name)) if name == TILE));
    assert_eq!(bucket.get(TILE).await.unwrap(), "other");
}

#[tokio::test]
async fn an_upload_survives_lost_answers() {
    let Some((_service, proxy, bucket)) = proxied().await else { return };
    let content = vec![7; 9 << 20];
    let name = format!("seg/standard/2026-01/id-{}.seg", Digest::of(&content));
    let upload = async || {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        file.rewind().unwrap();
        bucket.put_file(&name, file).await
    };
    // To begin it, a part of it, and to complete it.
    proxy.next("POST", "uploads", Fault::LoseAnswer);
    proxy.next("PUT", "partNumber=2", Fault::LoseAnswer);
    proxy.next("POST", "uploadId=", Fault::LoseAnswer);
    let place = upload().await.unwrap();
    assert!(proxy.is_done());
    assert_eq!(bucket.get_at(&place).await.unwrap(), content);
    assert!(bucket.retention(&place).await.unwrap().is_some());
}

#[tokio::test]
async fn an_outage_is_an_error_and_ends_with_it() {
    let Some((_service, proxy, bucket)) = proxied().await else { return };
    bucket.probe().await.unwrap();
    let place = bucket.put_new(PAGE, CONTENT).await.unwrap();
    proxy.set_down(true);
    assert!(matches!(bucket.put_new(TILE, CONTENT).await, Err(BucketError::Store { .. })));
    assert!(matches!(bucket.get_at(&place).await, Err(BucketError::Store { .. })));
    assert!(matches!(bucket.probe().await, Err(BucketError::Store { .. })));
    proxy.set_down(false);
    bucket.put_new(TILE, CONTENT).await.unwrap();
    assert_eq!(bucket.get_at(&place).await.unwrap(), CONTENT);
    bucket.probe().await.unwrap();
}

/// Only with the authority that is named for it.
#[tokio::test]
async fn the_service_is_reached_by_tls() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let bucket = |has_authority: bool| {
        service.open_with(|config| {
            config.bucket.endpoint = service.tls_endpoint.clone();
            config.bucket.ca_file = has_authority.then(|| service.authority.clone());
        })
    };
    let place = bucket(true).put_new(PAGE, CONTENT).await.unwrap();
    assert_eq!(bucket(true).get_at(&place).await.unwrap(), CONTENT);
    let refused = bucket(false).check_reach().await.unwrap_err().to_string();
    for words in ["cannot reach the bucket t-", &service.tls_endpoint, "or ca_file"] {
        assert!(refused.contains(words), "{refused}");
    }
    let none = Bucket::open(
        &Config {
            bucket: muniment::base::config::Bucket {
                ca_file: service.config.credentials.clone(),
                ..service.config.clone()
            },
            ..Config::default()
        },
        Clock::System,
    );
    let refused = none.unwrap_err().to_string();
    assert!(refused.starts_with("[bucket] ca_file: /"), "{refused}");
    assert!(refused.ends_with("holds no certificate; give authorities in PEM"), "{refused}");
}

/// Where the API tells it, and with it the status page.
#[tokio::test(flavor = "multi_thread")]
async fn the_api_says_what_is_enforced() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let mut texts = Vec::new();
    for (config, is_enforced) in
        [(service.config.clone(), true), (muniment::base::config::Bucket::default(), false)]
    {
        let scratch = Scratch::with(|changed| changed.bucket = config).await;
        let (context, _) = laid(&scratch).await;
        let web = Web::new(context);
        let browser = web.signed_in("grace", Role::Legal, false).await;
        let worm = web.get(&browser, "/api/v1/status").await.json()["worm"].clone();
        assert_eq!(worm["enforced"], is_enforced, "{worm}");
        texts.push(worm["text"].as_str().unwrap().to_owned());
    }
    assert!(texts[0].starts_with("The bucket t-"), "{}", texts[0]);
    assert!(texts[1].contains("a local directory"), "{}", texts[1]);
}

#[tokio::test]
async fn new_credentials_need_no_restart() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let bucket = service.open();
    bucket.put_new(PAGE, CONTENT).await.unwrap();
    let file = service.config.credentials.clone().unwrap();
    let right = std::fs::read_to_string(&file).unwrap();
    let first = std::fs::metadata(&file).unwrap().modified().unwrap();
    let touch = |seconds| {
        let opened = std::fs::File::options().write(true).open(&file).unwrap();
        opened.set_modified(first + std::time::Duration::from_secs(seconds)).unwrap();
    };
    write_credentials(&file, "expired", "expired");
    touch(1);
    let refused = bucket.put_new(TILE, CONTENT).await;
    assert!(matches!(refused, Err(BucketError::Store { .. })), "{refused:?}");
    std::fs::write(&file, right).unwrap();
    touch(2);
    bucket.put_new(TILE, CONTENT).await.unwrap();
}

#[tokio::test]
async fn a_bucket_with_locks_is_found_to_enforce() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let bucket = service.open();
    assert!(!bucket.enforcement().is_enforced, "it is said before it was tried");
    let found = bucket.check_enforcement().await.unwrap();
    assert!(found.is_enforced, "{}", found.words);
    let words = "granted to the ingest and the disposition credentials";
    assert!(found.words.contains(words), "{}", found.words);
    assert!(!found.words.contains("bypass"), "{}", found.words);
    assert_eq!(bucket.enforcement(), found);
    // With one of them only, it says so.
    let without = service.open_with(|config| config.bucket.disposition_credentials = None);
    let found = without.check_enforcement().await.unwrap();
    assert!(found.words.ends_with("granted to the ingest credentials"), "{}", found.words);
}

#[tokio::test]
async fn credentials_that_may_too_much_are_told() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let more = ["DeleteObjectVersion", "BypassGovernanceRetention"];
    service.allow(&[RIGHTS, &more].concat()).await;
    let found = service.open().check_enforcement().await.unwrap();
    assert!(found.is_enforced, "{}", found.words);
    assert!(found.words.contains("can bypass governance"), "{}", found.words);
    assert!(!found.words.contains("legal holds"), "{}", found.words);
    service.allow(&[RIGHTS, &["PutObjectLegalHold"]].concat()).await;
    let found = service.open().check_enforcement().await.unwrap();
    assert!(found.is_enforced, "{}", found.words);
    assert!(found.words.contains("ingest credentials can lift legal holds"), "{}", found.words);
    assert!(found.words.contains("take s3:PutObjectLegalHold away"), "{}", found.words);
    assert!(!found.words.contains("governance"), "{}", found.words);
}

/// Each trial leaves its own for as long as they are locked.
#[tokio::test]
async fn canaries_that_are_not_locked_any_more_are_removed() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let bucket = service.open();
    service.put_on_top("canary/before", "canary").await;
    service.put_on_top("canary/before-governed", "canary").await;
    bucket.check_enforcement().await.unwrap();
    let own = bucket.list("canary").await.unwrap();
    assert_eq!(own.len(), 2, "{own:?}");
    assert!(own.iter().all(|name| !name.starts_with("canary/before")), "{own:?}");
    bucket.check_enforcement().await.unwrap();
    let left = bucket.list("canary").await.unwrap();
    assert!(own.iter().all(|name| left.contains(name)), "{left:?}");
    // Who may not delete removes none, and is not stopped by it.
    service.put_on_top("canary/before", "canary").await;
    let without = service.open_with(|config| config.bucket.disposition_credentials = None);
    assert!(without.check_enforcement().await.unwrap().is_enforced);
    assert!(bucket.list("canary").await.unwrap().contains(&"canary/before".to_owned()));
}

#[tokio::test]
async fn a_bucket_that_enforces_nothing_is_told() {
    for (made, words) in
        [(Kind::WithVersions, "has no Object Lock"), (Kind::Plain, "keeps no versions")]
    {
        let Some(service) = Service::with_bucket(made).await else { return };
        let found = service.open().check_enforcement().await.unwrap();
        assert!(!found.is_enforced);
        assert!(found.words.starts_with("write-once not enforced: "), "{}", found.words);
        assert!(found.words.contains(words), "{}", found.words);
    }
}

/// What may not be asked is not claimed.
#[tokio::test]
async fn a_bucket_that_does_not_say_is_not_claimed_to_enforce() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let fewer: Vec<_> = RIGHTS
        .iter()
        .copied()
        .filter(|right| *right != "GetBucketObjectLockConfiguration")
        .collect();
    service.allow(&fewer).await;
    let found = service.open().check_enforcement().await.unwrap();
    assert!(!found.is_enforced);
    assert!(found.words.contains("could not be found out"), "{}", found.words);
}

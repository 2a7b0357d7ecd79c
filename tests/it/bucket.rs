//! What every kind of bucket must do, in one suite.

use std::io::{Seek as _, Write as _};

use bytes::Bytes;
use muniment::base::hash::Digest;
use muniment::vault::bucket::{Bucket, BucketError, Place};

use super::support::s3::{Kind, Service};

#[tokio::test]
async fn a_directory_is_a_bucket() {
    let directory = tempfile::tempdir().unwrap();
    suite(&Bucket::local(directory.path()).unwrap()).await;
}

#[tokio::test]
async fn an_s3_bucket_with_locks_is_a_bucket() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    suite(&service.open()).await;
    // Two prefixes are two buckets.
    suite(&service.open_with(|config| config.bucket.prefix = "other/archive".into())).await;
}

/// One that keeps versions without locking them is used all the same.
#[tokio::test]
async fn an_s3_bucket_with_versions_is_a_bucket() {
    let Some(service) = Service::with_bucket(Kind::WithVersions).await else { return };
    suite(&service.open()).await;
}

#[tokio::test]
async fn an_s3_bucket_without_versions_is_a_bucket() {
    let Some(service) = Service::with_bucket(Kind::Plain).await else { return };
    suite(&service.open()).await;
}

/// An emulated service that minds If-None-Match where versions are kept: there a name is
/// taken once, and the archive's bytes are never a version among others. It answers a part
/// of a version with the whole, which is never taken for the part.
#[tokio::test]
async fn a_service_that_minds_if_none_match_is_a_bucket() {
    for kind in [Kind::WithLock, Kind::WithVersions, Kind::Plain] {
        let Some(service) = Service::emulated(kind).await else { return };
        let bucket = service.open();
        whole_objects(&bucket).await;
        if kind == Kind::Plain {
            parts_are_read(&bucket).await;
            continue;
        }
        let place = bucket.put_new("log/parts", Bytes::from_static(b"0123456789")).await.unwrap();
        let part = bucket.get_range(&place, 3..6).await;
        assert!(matches!(part, Err(BucketError::Store { operation: "read", .. })), "{part:?}");
        for name in bucket.list("").await.unwrap() {
            let versions = service.owner.versions_of(&name).await.unwrap();
            assert_eq!(versions.len(), 1, "{name}, where {kind:?}");
        }
    }
}

async fn suite(bucket: &Bucket) {
    whole_objects(bucket).await;
    parts_are_read(bucket).await;
}

async fn whole_objects(bucket: &Bucket) {
    objects_are_created_once(bucket).await;
    of_two_creators_one_wins(bucket).await;
    objects_are_listed_below_a_prefix(bucket).await;
    files_are_put(bucket).await;
    probes_leave_nothing_that_grows(bucket).await;
    what_is_missing_is_said(bucket).await;
}

async fn objects_are_created_once(bucket: &Bucket) {
    for name in ["log/tile/0/000", "seg/standard/2026-01/a-b.seg"] {
        let (one, two) = (Bytes::from_static(b"one"), Bytes::from_static(b"two"));
        let place = bucket.put_new(name, one.clone()).await.unwrap();
        assert_eq!(place.name, name);
        assert_eq!(bucket.get(name).await.unwrap(), "one");
        // A second time is another version where the service does not care, and
        // the archive's is the first.
        if !name.starts_with("seg/") {
            assert_eq!(bucket.put_new(name, one).await.unwrap(), place);
            let other = bucket.put_new(name, two).await;
            assert!(matches!(other, Err(BucketError::Differs(found)) if found == name));
        }
        assert_eq!(bucket.get(name).await.unwrap(), "one");
        assert_eq!(bucket.get_at(&place).await.unwrap(), "one");
    }
    let empty = bucket.put_new("log/empty", Bytes::new()).await.unwrap();
    assert_eq!(bucket.get_at(&empty).await.unwrap(), "");
}

/// As two nodes do that make the key of the same month.
async fn of_two_creators_one_wins(bucket: &Bucket) {
    for round in 0..8 {
        let name = format!("keyring/epoch/standard/2026-01/{round:08}");
        let put = |text: &'static str| bucket.put_new(&name, Bytes::from_static(text.as_bytes()));
        let (one, two) = tokio::join!(put("one"), put("two"));
        let won = bucket.get(&name).await.unwrap();
        for (put, text) in [(one, "one"), (two, "two")] {
            match put {
                Ok(_) => assert_eq!(won, text),
                Err(BucketError::Differs(_)) => assert_ne!(won, text),
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

async fn objects_are_listed_below_a_prefix(bucket: &Bucket) {
    for name in ["list/b/2", "list/a/1", "list/a/1.p/2", "listed/3"] {
        bucket.put_new(name, Bytes::from_static(b"x")).await.unwrap();
    }
    assert_eq!(bucket.list("list").await.unwrap(), ["list/a/1", "list/a/1.p/2", "list/b/2"]);
    assert_eq!(bucket.list("list/a").await.unwrap(), ["list/a/1", "list/a/1.p/2"]);
    assert!(bucket.list("nothing").await.unwrap().is_empty());
}

async fn parts_are_read(bucket: &Bucket) {
    let place = bucket.put_new("log/parts", Bytes::from_static(b"0123456789")).await.unwrap();
    assert_eq!(bucket.size(&place).await.unwrap(), 10);
    assert_eq!(bucket.get_range(&place, 3..6).await.unwrap(), "345");
    // As rows have it that are older than versions are recorded.
    let unknown = Place { version: None, ..place };
    assert_eq!(bucket.get_range(&unknown, 9..10).await.unwrap(), "9");
    assert_eq!(bucket.size(&unknown).await.unwrap(), 10);
}

/// Of more than one part, the last shorter than a service lets others be.
async fn files_are_put(bucket: &Bucket) {
    let content: Vec<u8> = (0..(17 << 20) + 5).map(|at: u32| (at >> 7) as u8).collect();
    let sha256 = Digest::of(&content);
    let name = format!("seg/standard/2026-01/file-{sha256}.seg");
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&content).unwrap();
    file.rewind().unwrap();
    let place = bucket.put_file(&name, file).await.unwrap();
    assert_eq!(bucket.size(&place).await.unwrap(), content.len() as u64);
    assert_eq!(Digest::of(&bucket.get_at(&place).await.unwrap()), sha256);
    assert_eq!(bucket.find(&name).await.unwrap(), place);
}

async fn probes_leave_nothing_that_grows(bucket: &Bucket) {
    for _ in 0..3 {
        bucket.probe().await.unwrap();
    }
    assert!(bucket.list("probe").await.unwrap().len() <= 1);
}

async fn what_is_missing_is_said(bucket: &Bucket) {
    let missing = |error| matches!(error, BucketError::Missing(name) if name == "log/none");
    assert!(missing(bucket.get("log/none").await.unwrap_err()));
    let place = bucket.find("log/none").await.unwrap_or_else(|error| {
        assert!(missing(error));
        Place { name: "log/none".into(), version: None }
    });
    assert!(missing(bucket.size(&place).await.unwrap_err()));
    assert!(missing(bucket.get_range(&place, 0..1).await.unwrap_err()));
}

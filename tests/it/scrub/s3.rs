//! What someone with the keys of an S3 bucket can do to it.

use http::Method;
use muniment::vault::s3::client::Call;

use super::copy::{check, found};
use crate::rebuild::send;
use crate::support::s3::{Kind, Service};
use crate::support::served::Served;

#[tokio::test(flavor = "multi_thread")]
async fn markers_shadows_and_locks_are_named() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let made = service.init(&service.config.endpoint);
    let served = Served::start(&made.config, &[]).unwrap();
    send(&made, &served, 0..12);
    served.stop();
    let report = check(&made.config).await;
    assert_eq!(found(&report), [], "{:#?}", report.faults);
    assert!(report.is_enforced, "{}", report.enforcement);

    let bucket = service.open();
    let segments = bucket.list("seg").await.unwrap();
    let pages = bucket.list("key").await.unwrap();
    service.put_marker(&segments[0]).await;
    service.put_on_top(&pages[1], "other bytes").await;
    // Someone put it there without a lock, and under a weaker one.
    service.put_on_top("policy/2026-01/notes", "unlocked").await;
    service
        .done(Call {
            method: Method::PUT,
            key: "keyring/weak",
            headers: &[
                ("x-amz-object-lock-mode", "GOVERNANCE"),
                ("x-amz-object-lock-retain-until-date", "2099-01-01T00:00:00Z"),
            ],
            body: "weak".into(),
            ..Call::default()
        })
        .await;
    service
        .done(Call {
            method: Method::PUT,
            key: "log/short",
            headers: &[
                ("x-amz-object-lock-mode", "COMPLIANCE"),
                ("x-amz-object-lock-retain-until-date", "2027-01-01T00:00:00Z"),
            ],
            body: "short".into(),
            ..Call::default()
        })
        .await;
    let report = check(&made.config).await;
    let expected = [
        ("delete-marker", segments[0].as_str()),
        ("lock-missing", "policy/2026-01/notes"),
        ("lock-short", "log/short"),
        ("lock-weak", "keyring/weak"),
        ("shadow-version", pages[1].as_str()),
        ("stray-object", "keyring/weak"),
        ("stray-object", "log/short"),
        ("stray-object", "policy/2026-01/notes"),
    ];
    let mut expected = expected.map(|(kind, object)| (kind.to_owned(), object.to_owned()));
    expected.sort();
    assert_eq!(found(&report), expected, "{:#?}", report.faults);
}

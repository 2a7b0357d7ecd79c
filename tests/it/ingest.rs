//! A delivery's way into bucket and catalog, and back, byte for byte.

use futures::TryStreamExt;
use muniment::base::hash::Digest;
use muniment::base::ids::DeliverySeq;
use muniment::catalog::delivery;
use muniment::ingest::IngestError;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

use super::support::{Scratch, deliver, transaction};

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_comes_back() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let archive = &scratch.archive;
    // Around the sizes at which memory, chunk and file change places.
    let sizes = [0, 1, 100, (1 << 20) + 1, (8 << 20) - 1, 8 << 20, (8 << 20) + 1, 30 << 20];
    for size in sizes {
        let bytes: Vec<u8> = (0..size).map(|i: u32| (i % 253) as u8 ^ (i >> 13) as u8).collect();
        let receipt = deliver(archive, &ingest, &bytes).await;
        let row = delivery::with_record(&archive.catalog, receipt.record).await.unwrap().unwrap();
        assert_eq!(row.sha256, Digest::of(&bytes));
        let record = archive.vault.open_record(&row.at()).await.unwrap();
        assert_eq!(record.bytes().await.unwrap(), bytes, "{size} at once");
        let pieces: Vec<_> = record.chunks().try_collect().await.unwrap();
        assert_eq!(pieces.concat(), bytes, "{size} in pieces");
    }
    let all = delivery::after(&archive.catalog, DeliverySeq(0), 100).await.unwrap();
    assert_eq!(all.len(), sizes.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_a_delivery_leaves_nothing() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let mut incoming = ingest.begin(transaction(&scratch.archive)).unwrap();
    let piece = vec![b'x'; 16 << 20];
    let refused = loop {
        if let Err(error) = incoming.write(&piece).await {
            break error;
        }
    };
    assert!(matches!(refused, IngestError::TooLarge(_)));
    drop(incoming);
    assert!(scratch.archive.vault.bucket().list("seg").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_kept_away() {
    let scratch = Scratch::new().await;
    let (_ingest, _lock) = scratch.ingest().await;
    let refused = scratch.archive.lock().err().unwrap().to_string();
    assert!(refused.contains("another muniment process"), "{refused}");
}

/// A disposition takes the rows away before the objects, and may be cut off between.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_destroyed_does_not_come_back_by_a_start() {
    let scratch = Scratch::new().await;
    let (ingest, lock) = scratch.ingest().await;
    let (archive, bytes) = (&scratch.archive, b"Subject: over\r\n\r\ngone\r\n");
    let kept = deliver(archive, &ingest, b"Subject: kept\r\n\r\nkept\r\n").await;
    let gone = deliver(archive, &ingest, bytes).await;
    drop((ingest, lock));
    let options = SqliteConnectOptions::new().filename(archive.config.archive.catalog.to_string());
    let rows = SqlitePool::connect_with(options.foreign_keys(false)).await.unwrap();
    let records = [kept.record, gone.record].map(|record| hex::encode(record.0));
    let sql = format!(
        "DELETE FROM segment WHERE segment_id =
             (SELECT segment_id FROM delivery WHERE record_id = x'{}');
         DELETE FROM delivery WHERE record_id = x'{}';",
        records[1], records[1]
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&rows).await.unwrap();
    rows.close().await;

    let (_ingest, _lock) = scratch.ingest().await;
    let left = delivery::after(&archive.catalog, DeliverySeq(0), 100).await.unwrap();
    let left: Vec<_> = left.iter().map(|row| row.record).collect();
    assert_eq!(left, [kept.record]);
    assert_eq!(archive.vault.bucket().list("seg").await.unwrap().len(), 2);
}

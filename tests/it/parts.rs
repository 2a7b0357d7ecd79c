//! Attachments that are kept decoded, and parts that records share: what was received
//! comes back byte for byte, and what one record needs is there.

use std::collections::HashMap;

use futures::{StreamExt as _, TryStreamExt as _};
use muniment::app::Archive;
use muniment::base::clock::{Clock, Timestamp};
use muniment::base::config::ClassMode;
use muniment::base::hash::Digest;
use muniment::base::ids::{DeliverySeq, RecordId};
use muniment::catalog::delivery::{self, Delivery};
use muniment::catalog::part;
use muniment::ingest::{Ingest, IngestError, Receipt};
use muniment::vault::open::OpenSegment;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

use super::support::random::Random;
use super::support::{Scratch, attach, corpus, deliver, note, transaction};

const HEADERS: &str = "From: a@example.com\r\nTo: b@example.com\r\nSubject: s\r\n";

/// Bytes that do not pack.
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    std::iter::repeat_with(|| random.next().to_be_bytes()).flatten().take(size).collect()
}

async fn rows(archive: &Archive) -> Vec<Delivery> {
    delivery::after(&archive.catalog, DeliverySeq(0), 100_000).await.unwrap()
}

/// How many other segments each delivery needs, in commit order.
async fn needs(archive: &Archive) -> Vec<usize> {
    let found = part::needs(&archive.catalog, DeliverySeq(0), DeliverySeq(i64::MAX)).await.unwrap();
    let of = |row: &Delivery| found.get(&row.seq.0).map_or(0, Vec::len);
    rows(archive).await.iter().map(of).collect()
}

/// Reads all that the archive has, at once and in pieces, and compares it.
async fn check(archive: &Archive, received: &HashMap<RecordId, Digest>) {
    let mut open: Option<(String, OpenSegment)> = None;
    let rows = rows(archive).await;
    assert_eq!(rows.len(), received.len());
    for row in &rows {
        if open.as_ref().is_none_or(|(object, _)| *object != row.object.name) {
            let segment = archive.vault.open_segment(&row.object, &row.page).await.unwrap();
            open = Some((row.object.name.clone(), segment));
        }
        let record = open.as_ref().unwrap().1.record(row.entry).await.unwrap();
        let bytes = record.bytes().await.unwrap();
        assert_eq!(Digest::of(&bytes), received[&row.record], "at once");
        let pieces: Vec<_> = record.chunks().try_collect().await.unwrap();
        assert_eq!(pieces.concat(), bytes, "in pieces");
        for (index, entry) in record.meta().delivery.entries.iter().enumerate().take(4) {
            let content = record.entry_bytes(index).await.unwrap();
            assert_eq!(Digest::of(&content), entry.sha256, "the entry {index}");
        }
    }
}

/// Files of the corpus, those of attachments in a message around them.
fn received(parts: &[&str]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for part in parts {
        let files = super::support::corpus::messages(part);
        let wrapped = |file: Vec<u8>| match *part {
            "attachments" => attach(HEADERS, "see the file", &file),
            _ => file,
        };
        all.extend(files.into_iter().map(wrapped));
    }
    all
}

async fn deliver_all(scratch: &Scratch, mail: &[Vec<u8>]) -> HashMap<RecordId, Digest> {
    let (ingest, _lock) = scratch.ingest().await;
    let (archive, ingest) = (&scratch.archive, &ingest);
    futures::stream::iter(mail)
        .map(|bytes| async move { (deliver(archive, ingest, bytes).await.record, Digest::of(bytes)) })
        .buffer_unordered(8)
        .collect()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_corpus_comes_back_in_a_strict_class() {
    if corpus("mime").is_none() {
        return;
    }
    let mail = received(&[
        "mime",
        "hostile",
        "journal",
        "attachments",
        "crypto",
        "reports",
        "bulk/usrp-users",
    ]);
    let scratch = Scratch::new().await;
    let known = deliver_all(&scratch, &mail).await;
    assert!(known.len() > 2000, "only {} deliveries", known.len());
    check(&scratch.archive, &known).await;
    // What comes again adds a record, and hardly any bytes.
    let before = delivery::totals(&scratch.archive.catalog).await.unwrap();
    let large: Vec<_> = mail
        .into_iter()
        .filter(|bytes| (100_000..8 << 20).contains(&bytes.len()) && attached(bytes))
        .collect();
    assert!(large.len() > 30, "only {}", large.len());
    let mut known = known;
    known.extend(deliver_all(&scratch, &large).await);
    check(&scratch.archive, &known).await;
    let after = delivery::totals(&scratch.archive.catalog).await.unwrap();
    let (received, stored) =
        (after.bytes_received - before.bytes_received, after.bytes_stored - before.bytes_stored);
    assert!(stored * 100 < received, "{stored} for {received}");
}

/// One of the messages that were made around a file.
fn attached(bytes: &[u8]) -> bool {
    bytes.starts_with(HEADERS.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_come_back_in_an_erasable_class() {
    if corpus("mime").is_none() {
        return;
    }
    let scratch = Scratch::with(|config| config.class[0].mode = ClassMode::Erasable).await;
    let known = deliver_all(&scratch, &received(&["attachments", "mime", "journal"])).await;
    check(&scratch.archive, &known).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_shared_within_a_month_of_a_strict_class_and_nowhere_else() {
    let file = noise(1, 100_000);
    for (mode, is_strict) in [(ClassMode::Strict, true), (ClassMode::Erasable, false)] {
        let mut scratch = Scratch::with(|config| config.class[0].mode = mode).await;
        let mut known = HashMap::new();
        for seconds in [1_767_900_000, 1_770_500_000] {
            scratch.archive.clock = Clock::fixed(Timestamp::from_seconds(seconds));
            let (ingest, _lock) = scratch.ingest().await;
            for number in 0..4 {
                // Other messages, other lines around it, and once it comes twice.
                let mut mail = attach(HEADERS, &format!("number {number}"), &file);
                if number == 2 {
                    mail.extend(attach("", "once more", &file));
                }
                let receipt = deliver(&scratch.archive, &ingest, &mail).await;
                known.insert(receipt.record, Digest::of(&mail));
            }
        }
        check(&scratch.archive, &known).await;
        let needed = needs(&scratch.archive).await;
        let stored = delivery::totals(&scratch.archive.catalog).await.unwrap().bytes_stored;
        match is_strict {
            true => {
                assert_eq!(needed, [0, 1, 1, 1, 0, 1, 1, 1]);
                assert!((200_000..216_000).contains(&stored), "{stored}");
            }
            false => {
                assert_eq!(needed, [0; 8]);
                // Decoded all the same; the second in one message is a repetition.
                assert!((800_000..1_020_000).contains(&stored), "{stored}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_at_once_is_shared_in_its_segment() {
    let scratch = Scratch::new().await;
    let file = noise(2, 50_000);
    let mail: Vec<_> =
        (0..24).map(|number| attach(HEADERS, &format!("number {number}"), &file)).collect();
    let known = deliver_all(&scratch, &mail).await;
    check(&scratch.archive, &known).await;
    let rows = rows(&scratch.archive).await;
    let mut segments: Vec<_> = rows.iter().map(|row| row.segment).collect();
    segments.dedup();
    let stored = delivery::totals(&scratch.archive.catalog).await.unwrap().bytes_stored;
    // At most once for each segment that was written before the first was committed.
    assert!(stored < 24 * 2000 + 50_500 * segments.len() as u64, "{stored}, {segments:?}");
}

/// With the bucket as the process before left it.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_an_earlier_run_is_read_before_it_is_relied_on() {
    let scratch = Scratch::new().await;
    let archive = &scratch.archive;
    let mut known = HashMap::new();
    let file = noise(3, 30_000);
    let send = async |known: &mut HashMap<RecordId, Digest>, numbers: std::ops::Range<usize>| {
        let (ingest, _lock) = scratch.ingest().await;
        for number in numbers {
            let mail = attach(HEADERS, &format!("number {number}"), &file);
            known.insert(deliver(archive, &ingest, &mail).await.record, Digest::of(&mail));
        }
    };
    send(&mut known, 0..1).await;
    send(&mut known, 1..2).await;
    assert_eq!(needs(archive).await, [0, 1]);
    check(archive, &known).await;

    let first = rows(archive).await[0].clone();
    let path = archive.config.vault.path.join(&first.object.name);
    let good = std::fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[500] ^= 1;
    std::fs::write(&path, bad).unwrap();
    send(&mut known, 2..4).await;
    assert_eq!(needs(archive).await, [0, 1, 0, 1], "it was stored again");
    let of_third = rows(archive).await[2].segment;
    let seq = rows(archive).await[3].seq;
    assert_eq!(part::needs(&archive.catalog, seq, seq).await.unwrap()[&seq.0], [of_third]);
    let second = rows(archive).await[1].clone();
    for hurt in [&first, &second] {
        let read = async { archive.vault.open_record(&hurt.at()).await?.bytes().await };
        assert!(read.await.unwrap_err().is_damage());
    }
    std::fs::write(&path, good).unwrap();
    check(archive, &known).await;
}

/// As a disposition takes them, between the look for a part and the commit.
#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_part_that_went_meanwhile_is_refused_and_then_brings_it() {
    let scratch = Scratch::new().await;
    let archive = &scratch.archive;
    let (ingest, lock) = scratch.ingest().await;
    let file = noise(4, 30_000);
    let first = deliver(archive, &ingest, &attach(HEADERS, "first", &file)).await;
    let options = SqliteConnectOptions::new().filename(archive.config.archive.catalog.to_string());
    let catalog = SqlitePool::connect_with(options.foreign_keys(false)).await.unwrap();
    let record = hex::encode(first.record.0);
    let sql = format!(
        "DELETE FROM part;
         DELETE FROM segment WHERE segment_id =
             (SELECT segment_id FROM delivery WHERE record_id = x'{record}');
         DELETE FROM delivery_message; DELETE FROM delivery WHERE record_id = x'{record}';"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&catalog).await.unwrap();
    catalog.close().await;

    let mail = attach(HEADERS, "second", &file);
    let refused = try_deliver(archive, &ingest, &mail).await.unwrap_err();
    assert!(matches!(&refused, IngestError::Unavailable(why) if why.contains("sent again")));
    let again = deliver(archive, &ingest, &mail).await;
    let known = HashMap::from([(again.record, Digest::of(&mail))]);
    check(archive, &known).await;
    assert_eq!(needs(archive).await, [0]);
    // What was refused is an orphan, which a start leaves alone.
    drop((ingest, lock));
    let _started = scratch.ingest().await;
    check(archive, &known).await;
}

async fn try_deliver(
    archive: &Archive,
    ingest: &Ingest,
    bytes: &[u8],
) -> Result<Receipt, IngestError> {
    let mut incoming = ingest.begin(transaction(archive)).unwrap();
    incoming.write(bytes).await.unwrap();
    incoming.finish().await
}

/// In one pass, in windows that end anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_for_memory_is_kept_decoded_too() {
    let scratch = Scratch::new().await;
    let mut mail = attach(HEADERS, "a large file", &noise(5, 12_000_000));
    mail.extend(attach("\r\n", "a small one", &note(1)));
    // What only looks like it, and lines that are longer than any window.
    mail.extend("QUJD".repeat(19).as_bytes().repeat(30_000));
    mail.extend(b"\r\n".repeat(2));
    for (at, line) in "QUJD".repeat(19).as_bytes().repeat(30_000).chunks(75).enumerate() {
        mail.extend_from_slice(line);
        mail.extend_from_slice(if at % 3 == 0 { b"\n" } else { b"\r\n" });
    }
    let known = deliver_all(&scratch, std::slice::from_ref(&mail)).await;
    check(&scratch.archive, &known).await;
    let stored = delivery::totals(&scratch.archive.catalog).await.unwrap().bytes_stored;
    assert!(stored < 12_200_000, "{stored} of {}", mail.len());
}

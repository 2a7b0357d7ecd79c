//! Mail that takes longer to read than its neighbours can wait.

use std::time::{Duration, Instant};

use muniment::base::ids::{DeliverySeq, SetId};
use muniment::catalog::db::{self, AssertSqlSafe};
use muniment::catalog::{delivery, pending};
use muniment::index::Index;
use muniment::similar::Links;

use super::follow::{Following, INDEX_MEMORY_BYTES, lose, message, path};
use super::support::{Scratch, deliver, hanging_mail};

const SECONDS: u64 = 2;

/// Every row of a table, without its number.
async fn rows(scratch: &Scratch, query: &str) -> Vec<(i64, Option<i64>, Option<i64>, String)> {
    let query = AssertSqlSafe(query.to_owned());
    db::query_as(query).fetch_all(scratch.archive.catalog.read()).await.unwrap()
}

async fn gaps(scratch: &Scratch) -> Vec<(i64, Option<i64>, Option<i64>, String)> {
    rows(scratch, "SELECT seq, set_id, ordinal, reason FROM gap ORDER BY seq, ordinal").await
}

async fn attachments(scratch: &Scratch) -> Vec<(i64, Option<i64>, Option<i64>, String)> {
    let query = "SELECT set_id, ordinal, has_text, path FROM attachment ORDER BY set_id, ordinal";
    rows(scratch, query).await
}

async fn change(scratch: &Scratch, statements: &'static str) {
    let mut tx = scratch.archive.catalog.write().await.unwrap();
    db::raw_sql(statements, &mut tx).await.unwrap();
    scratch.archive.catalog.commit(tx, "change").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_hang_hold_up_nothing_and_are_gaps_in_the_end() {
    const COUNT: usize = 4;
    let scratch = Scratch::with(|config| config.worker.seconds_max = SECONDS).await;
    let (ingest, _lock) = scratch.ingest().await;
    for number in 0..COUNT {
        let hangs = hanging_mail(&format!("hangs{number}"), 1);
        deliver(&scratch.archive, &ingest, &hangs).await;
    }
    deliver(&scratch.archive, &ingest, &message("plain", "found at once")).await;
    let begun = Instant::now();
    let following = Following::start(&scratch, &ingest);
    let last = DeliverySeq(COUNT as i64 + 1);
    assert!(following.progress.reached(last).await);
    // Each of them is tried twice; here they were waited for one after the other.
    let all = Duration::from_secs(2 * SECONDS) * COUNT as u32;
    assert!(begun.elapsed() < all / 2, "{:?}", begun.elapsed());
    assert_eq!(following.find("found").len(), 1);
    // What was read of the others is there, and what was not is no silence.
    assert_eq!(following.find("subject:hangs* AND beside").len(), COUNT);
    let lag = following.progress.lag().await.unwrap();
    assert_eq!((lag.behind, lag.pending), (0, COUNT as u64));
    let pending: Vec<_> = gaps(&scratch).await;
    assert!(pending.iter().all(|row| row.3 == "pending" && row.1.is_some()), "{pending:?}");

    following.catch_up(&scratch).await;
    let expected: Vec<_> =
        (1..=COUNT as i64).map(|seq| (seq, Some(seq), Some(0), "timed-out".to_owned())).collect();
    assert_eq!(gaps(&scratch).await, expected);
    assert_eq!(following.progress.lag().await.unwrap(), Default::default());
    assert_eq!(following.find("subject:hangs* AND beside").len(), COUNT);
    let listed = attachments(&scratch).await;
    assert_eq!(listed.len(), 2 * COUNT);

    // A lost index needs their text again, and comes to the same end.
    following.stop().await;
    lose(&scratch);
    let following = Following::start(&scratch, &ingest);
    assert!(following.progress.reached(last).await);
    assert_eq!(following.progress.lag().await.unwrap().pending, COUNT as u64);
    following.catch_up(&scratch).await;
    assert_eq!(gaps(&scratch).await, expected);
    assert_eq!(attachments(&scratch).await, listed);
    assert_eq!(following.find("subject:hangs* AND beside").len(), COUNT);
}

/// Killed between the index's commit and the catalog's: only the rows are old.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_settled_is_read_again_and_replaces_what_was_known() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    let text = String::from_utf8(hanging_mail("slow", 0)).unwrap();
    deliver(&scratch.archive, &ingest, text.as_bytes()).await;
    following.catch_up(&scratch).await;
    let (listed, known) = (attachments(&scratch).await, gaps(&scratch).await);
    following.stop().await;

    // As if the document had taken too long, and another version had come since.
    let index = Index::open(&path(&scratch), INDEX_MEMORY_BYTES).unwrap();
    let mut family = index.stored(SetId(1)).unwrap().unwrap();
    family.attachments[0].text = None;
    family.is_partial = true;
    family.sources.push("other".into());
    family.add_version("other", &Links::default(), ["X-Way: other".to_owned()].into_iter());
    index.put(family).unwrap();
    index.commit(1).unwrap();
    drop(index);
    change(
        &scratch,
        "UPDATE attachment SET has_text = 0;
         INSERT INTO gap (seq, set_id, ordinal, path, media_type, reason, detail)
             VALUES (1, 1, 0, 'note.txt', 'text/plain', 'pending', '');
         INSERT INTO pending_reading (seq, entry, set_id, node) VALUES (1, 0, 1, '');",
    )
    .await;
    let following = Following::start(&scratch, &ingest);
    following.catch_up(&scratch).await;
    assert_eq!(attachments(&scratch).await, listed);
    assert_eq!(gaps(&scratch).await, known);
    let family = following.index.stored(SetId(1)).unwrap().unwrap();
    assert_eq!(family.attachments[0].text.as_deref(), Some("word beside"));
    assert!(!family.is_partial);
    assert!(family.sources.contains(&"other".to_owned()));
    assert!(family.headers.contains(&"X-Way: other".to_owned()));
    assert_eq!(following.find("beside").len(), 1);
}

fn large(version: &str, subject: &str) -> Vec<u8> {
    let text = "many words of a large message\r\n".repeat(300_000);
    let first = String::from_utf8(message(subject, &text)).unwrap();
    format!("X-Version: {version}\r\n{first}").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn large_messages_are_read_after_those_that_came_later_as_if_before() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let archive = &scratch.archive;
    for bytes in [large("one", "large"), message("plain", "found at once"), large("two", "large")] {
        deliver(archive, &ingest, &bytes).await;
    }
    let following = Following::start(&scratch, &ingest);
    following.catch_up(&scratch).await;
    assert_eq!(following.find("found").len(), 1);
    let both = following.find("subject:large AND header:one AND header:two");
    assert_eq!(both.len(), 1, "two versions of one message");
    let sets = "SELECT first_seq, NULL, NULL, subject FROM message_set ORDER BY first_seq";
    let sets = rows(&scratch, sets).await;
    let said: Vec<_> = sets.iter().map(|row| (row.0, row.3.as_str())).collect();
    assert_eq!(said, [(1, "large"), (2, "plain")]);
    let deliveries = "SELECT seq, NULL, NULL, '' FROM set_delivery ORDER BY seq";
    assert_eq!(rows(&scratch, deliveries).await.len(), 3);
    assert_eq!(gaps(&scratch).await, []);
    following.stop().await;

    // Lost and made again: the same, also where they were read early then.
    lose(&scratch);
    let following = Following::start(&scratch, &ingest);
    following.catch_up(&scratch).await;
    let again = following.find("subject:large AND header:one AND header:two");
    assert_eq!(again, both);
    assert_eq!(following.find("").len(), 2);
    assert_eq!(gaps(&scratch).await, []);
}

/// The follower is stopped wherever it is; what waits is on record the whole time.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_survives_being_stopped_anywhere() {
    let scratch = Scratch::with(|config| config.worker.seconds_max = 5).await;
    let (ingest, _lock) = scratch.ingest().await;
    let archive = &scratch.archive;
    for bytes in [hanging_mail("hangs", 1), large("one", "large"), message("plain", "words")] {
        deliver(archive, &ingest, &bytes).await;
    }
    let last = delivery::last_seq(&archive.catalog).await.unwrap();
    for reached in 0..=last.0 {
        let following = Following::start(&scratch, &ingest);
        following.progress.reached(DeliverySeq(reached)).await;
        following.stop().await;
        let waits = pending::unsettled(&archive.catalog, last).await.unwrap();
        let derived = "SELECT position, NULL, NULL, '' FROM cursor WHERE follower = 'derive'";
        let is_derived = !rows(&scratch, derived).await.is_empty();
        assert!(!is_derived || waits > 0, "nothing waits, and nothing was read");
    }
    let following = Following::start(&scratch, &ingest);
    following.catch_up(&scratch).await;
    let expected = (1, Some(0), "timed-out");
    let found = gaps(&scratch).await;
    let found: Vec<_> = found.iter().map(|row| (row.0, row.2, row.3.as_str())).collect();
    assert_eq!(found, [expected]);
    assert_eq!(following.find("").len(), 3);
    assert_eq!(following.find("large").len(), 1);
}

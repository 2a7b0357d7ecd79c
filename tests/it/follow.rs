//! From a committed delivery to a hit: the follower, its cursors, its gaps.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use muniment::base::config::Sends;
use muniment::base::hash::Digest;
use muniment::base::ids::{DeliverySeq, SetId};
use muniment::catalog::{damage, delivery, review};
use muniment::extract::parse_message;
use muniment::index::{Index, Scope};
use muniment::ingest::Ingest;
use muniment::ingest::follow::{Follower, Lag, Progress};
use muniment::mail::delivery::{Envelope, Form, Kind, Recipient};
use muniment::mail::wrap::{Original, Style, report};
use muniment::query::{Dialect, parse};
use muniment::worker::Pool;
use tokio::task::JoinHandle;

use super::support::{Scratch, binary, corpus, deliver, hanging};

pub const INDEX_MEMORY_BYTES: usize = 32 << 20;

/// A follower at work, with the index it fills.
pub struct Following {
    pub index: Index,
    pub progress: Progress,
    task: JoinHandle<()>,
}

impl Following {
    pub fn start(scratch: &Scratch, ingest: &Ingest) -> Self {
        Self::start_with(scratch, ingest, binary().into())
    }

    /// With `program` as the worker.
    fn start_with(scratch: &Scratch, ingest: &Ingest, program: PathBuf) -> Self {
        let archive = &scratch.archive;
        let index = Index::open(&path(scratch), INDEX_MEMORY_BYTES).unwrap();
        let pool = Arc::new(Pool::new(program, archive.config.worker.clone()));
        let follower = Follower::new(
            archive.vault.clone(),
            archive.catalog.clone(),
            archive.clock.clone(),
            index.clone(),
            pool,
            ingest.committed(),
        );
        let progress = follower.progress();
        Self { index, progress, task: tokio::spawn(follower.run()) }
    }

    /// Waits until everything that is committed is searchable and nothing of it is
    /// still being read.
    pub async fn catch_up(&self, scratch: &Scratch) {
        let last = delivery::last_seq(&scratch.archive.catalog).await.unwrap();
        let settled = self.progress.settled(last);
        assert!(tokio::time::timeout(Duration::from_secs(180), settled).await.unwrap().unwrap());
    }

    pub fn find(&self, query: &str) -> Vec<SetId> {
        let query = parse(query, Dialect::Kql, &jiff::tz::TimeZone::UTC).unwrap().query;
        let hits = self.index.all(&query, &Scope::default()).unwrap();
        hits.iter().map(|hit| hit.set).collect()
    }

    /// Stops it at once, wherever it is.
    pub async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

pub fn path(scratch: &Scratch) -> PathBuf {
    scratch.directory.path().join("index")
}

/// The index is gone. It is moved away, since a merge that was under way when its
/// writer stopped may still make a file beside the others.
pub fn lose(scratch: &Scratch) {
    std::fs::rename(path(scratch), scratch.directory.path().join("index-lost")).unwrap();
}

pub fn message(subject: &str, text: &str) -> Vec<u8> {
    format!(
        "Received: from a by b\r\nFrom: Ann <ann@corp.example>\r\nTo: team@corp.example\r\n\
         Subject: {subject}\r\nDate: Tue, 1 Jul 2025 10:00:00 +0200\r\n\
         Message-ID: <{subject}@corp.example>\r\n\r\n{text}\r\n"
    )
    .into_bytes()
}

fn reported(message: &[u8], recipients: &[(Kind, &str)]) -> Vec<u8> {
    let recipients = recipients.iter().map(|(kind, address)| Recipient {
        kind: *kind,
        address: (*address).into(),
        via: None,
    });
    let envelope = Envelope {
        sender: "ann@corp.example".into(),
        subject: Some("s".into()),
        message_id: Some("<s@corp.example>".into()),
        recipients: recipients.collect(),
        ..Envelope::default()
    };
    report(&envelope, &[Original::message(message)], &Style::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_found_soon_after_its_receipt() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    for number in 0..50 {
        let bytes = message(&format!("n{number}"), &format!("body of number{number}"));
        deliver(&scratch.archive, &ingest, &bytes).await;
    }
    following.catch_up(&scratch).await;
    assert_eq!(following.find("number7").len(), 1);
    assert_eq!(following.find("from:ann@corp.example").len(), 50);
    assert_eq!(following.find("subject:n49").len(), 1);
    assert_eq!(following.progress.lag().await.unwrap(), Lag::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn recipients_from_two_reports_meet_in_one_message() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    let message = message("split", "for some eyes only");
    let archive = &scratch.archive;
    deliver(archive, &ingest, &reported(&message, &[(Kind::To, "a@corp.example")])).await;
    following.catch_up(&scratch).await;
    assert!(following.find("to:a@corp.example AND bcc:b@corp.example").is_empty());

    // The other copy took another way.
    let copy = String::from_utf8(message.clone()).unwrap().replace("from a by b", "from x by y");
    let second = reported(copy.as_bytes(), &[(Kind::Bcc, "b@corp.example")]);
    deliver(archive, &ingest, &second).await;
    following.catch_up(&scratch).await;
    let found = following.find("to:a@corp.example AND bcc:b@corp.example");
    assert_eq!(found.len(), 1);
    assert_eq!(following.find("eyes").len(), 1, "one family");

    let rows = review::participants(&archive.catalog, found[0], 100).await.unwrap();
    let blind: Vec<_> = rows.iter().filter(|row| row.role == "bcc").collect();
    assert_eq!((blind[0].source.as_str(), blind[0].seq), ("envelope", DeliverySeq(2)));
    assert_eq!(review::carried(&archive.catalog, found[0]).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn untyped_recipients_that_nothing_shows_are_found_as_blind() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    let message = message("untyped", "text");
    let untyped = [(Kind::Recipient, "team@corp.example"), (Kind::Recipient, "b@corp.example")];
    deliver(&scratch.archive, &ingest, &reported(&message, &untyped)).await;
    following.catch_up(&scratch).await;
    assert_eq!(following.find("bcc:b@corp.example").len(), 1);
    assert_eq!(following.find("recipients:b@corp.example").len(), 1);
    assert!(following.find("bcc:team@corp.example").is_empty(), "the header shows it");
}

/// What an insider would send who knows how reports look.
fn forged() -> Vec<u8> {
    let decoy = String::from_utf8(message("lunch", "an innocent decoy")).unwrap();
    format!(
        "From: insider@corp.example\r\nTo: rival@else.example\r\nSubject: plan\r\n\
         X-MS-Journal-Report:\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nSender: ann@corp.example\r\n\
         Subject: lunch\r\nBcc: framed@corp.example\r\n\
         --b\r\nContent-Type: message/rfc822\r\n\r\n{decoy}\
         --b\r\nContent-Type: text/csv; name=\"secret.csv\"\r\n\r\nundercut,seventeen\r\n--b--\r\n"
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_claims_to_be_a_report_hides_nothing() {
    let scratch = Scratch::with(|config| config.source[0].sends = Sends::Copies).await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    deliver(&scratch.archive, &ingest, &forged()).await;
    following.catch_up(&scratch).await;
    let hidden = ["from:insider@corp.example", "to:rival@else.example", "subject:plan", "undercut"];
    for query in hidden {
        assert_eq!(following.find(query).len(), 1, "{query}");
    }
    assert!(following.find("bcc:framed@corp.example").is_empty(), "no one is framed");
    let kept = delivery::after(&scratch.archive.catalog, DeliverySeq(0), 10).await.unwrap();
    assert_eq!(kept[0].form, "bare");
    assert!(kept[0].defects.contains("report-from-copies"), "{}", kept[0].defects);
}

/// Whom it went to is not known, and that is said; what it says itself is found.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_with_an_envelope_that_is_not_read_hides_no_message() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    let name = "tests/fixtures/journal/envelope-of-another-type.eml";
    let report = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    deliver(&scratch.archive, &ingest, &report).await;
    following.catch_up(&scratch).await;
    for query in ["from:alice@contoso.com subject:plan", "to:bob@contoso.com", "hidden@contoso.com"]
    {
        assert_eq!(following.find(query).len(), 1, "{query}");
    }
    assert_eq!(following.find("gap:unknown-recipients").len(), 2, "it and the report");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_report_holds_beside_its_message_is_found() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    deliver(&scratch.archive, &ingest, &forged()).await;
    following.catch_up(&scratch).await;
    for query in ["from:insider@corp.example", "undercut", "subject:lunch"] {
        assert_eq!(following.find(query).len(), 1, "{query}");
    }
    let kept = delivery::after(&scratch.archive.catalog, DeliverySeq(0), 10).await.unwrap();
    assert!(kept[0].defects.contains("more-than-report"), "{}", kept[0].defects);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_never_hidden_behind_another() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    let html = String::from_utf8(message("m", "<a href=\"http://a.example\">here</a>")).unwrap();
    let html = html.replace("Message-ID", "Content-Type: text/html\r\nMessage-ID");
    let others = [
        html.replace("a.example", "b.example"),
        html.replace("Message-ID", "Reply-To: eve@corp.example\r\nMessage-ID"),
        html.replace("Ann <", "Eve <"),
        html.replace("here", "here<!-- not -->"),
        "Subject: m\r\n\r\nhere\r\n".to_owned(),
        "Subject: m\r\rhere\r".to_owned(),
        "Subject: m\r\rhere now\r".to_owned(),
    ];
    for message in [&html].into_iter().chain(&others) {
        deliver(&scratch.archive, &ingest, message.as_bytes()).await;
    }
    let copy = html.replace("from a by b", "from x by y").replace("<m@", "<n@");
    deliver(&scratch.archive, &ingest, copy.as_bytes()).await;
    following.catch_up(&scratch).await;
    assert_eq!(following.find("").len(), 1 + others.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_every_version_and_targets_of_links_are_found() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    let html = "<a href=\"https://safe.example/?url=https%3A%2F%2Fevil.example%2Fsteal\">bank</a>";
    let first = String::from_utf8(message("m", html)).unwrap();
    let first = first.replace("Message-ID", "Content-Type: text/html\r\nMessage-ID");
    let second = format!("X-Priority: 1\r\nX-Note: =?utf-8?q?caf=C3=A9?=\r\n{first}");
    for message in [&first, &second] {
        deliver(&scratch.archive, &ingest, message.as_bytes()).await;
        following.catch_up(&scratch).await;
    }
    for query in [
        "header:\"X-Priority: 1\"",
        "header:café",
        "header:\"from a by b\"",
        "evil.example",
        "\"https://evil.example/steal\"",
        "body:safe.example",
    ] {
        assert_eq!(following.find(query).len(), 1, "{query}");
    }
    assert!(following.find("café").is_empty());
}

/// Every header of other parsers' hard cases, by one of its words.
#[tokio::test(flavor = "multi_thread")]
async fn real_messages_are_found_by_each_of_their_headers() {
    let messages = corpus::messages("mime");
    if messages.is_empty() {
        return;
    }
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    let bare = |bytes: &&Vec<u8>| muniment::mail::delivery::read(bytes).form == Form::Bare;
    let messages: Vec<&Vec<u8>> = messages.iter().step_by(10).filter(bare).collect();
    for message in &messages {
        deliver(&scratch.archive, &ingest, message).await;
    }
    following.catch_up(&scratch).await;
    let mut asked = 0;
    for message in messages {
        let sha256 = Digest::of(message);
        for field in parse_message(message).headers {
            let line = format!("{} {}", field.name, field.value);
            let words = line.split(|c: char| !c.is_alphanumeric());
            let Some(word) = words.max_by_key(|word| word.len()).filter(|word| !word.is_empty())
            else {
                continue;
            };
            let found = following.find(&format!("header:\"{word}\" AND hash:{sha256}"));
            assert_eq!(found.len(), 1, "{word} of {line}");
            asked += 1;
        }
    }
    assert!(asked > 1000, "only {asked} headers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_index_is_filled_again() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    let original = message("kept", "the word");
    let archive = &scratch.archive;
    deliver(archive, &ingest, &reported(&original, &[(Kind::To, "a@corp.example")])).await;
    following.catch_up(&scratch).await;
    deliver(archive, &ingest, &reported(&original, &[(Kind::Bcc, "b@corp.example")])).await;
    following.catch_up(&scratch).await;
    let before = following.find("word");
    following.stop().await;

    let damage = |name: &str| match name {
        "lost" => lose(&scratch),
        _ => {
            for entry in std::fs::read_dir(path(&scratch)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "store") {
                    std::fs::write(path, b"not a store").unwrap();
                }
            }
        }
    };
    for name in ["lost", "damaged"] {
        damage(name);
        let following = Following::start(&scratch, &ingest);
        following.catch_up(&scratch).await;
        assert_eq!(following.find("word"), before, "{name}");
        let both = following.find("to:a@corp.example AND bcc:b@corp.example");
        assert_eq!(both, before, "{name}");
        following.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_stops_anywhere_takes_up_again() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    for number in 0..300 {
        let bytes = message(&format!("n{number}"), "the same words");
        deliver(&scratch.archive, &ingest, &bytes).await;
    }
    // Stopped at once, then after ever more deliveries.
    for reached in [0, 1, 100, 200] {
        let following = Following::start(&scratch, &ingest);
        following.progress.reached(DeliverySeq(reached)).await;
        following.stop().await;
    }
    let following = Following::start(&scratch, &ingest);
    following.catch_up(&scratch).await;
    assert_eq!(following.find("words").len(), 300);
    let catalog = &scratch.archive.catalog;
    let sets: i64 = muniment::catalog::db::query_scalar("SELECT COUNT(*) FROM message_set")
        .fetch_one(catalog.read())
        .await
        .unwrap();
    let deliveries: i64 = muniment::catalog::db::query_scalar("SELECT COUNT(*) FROM set_delivery")
        .fetch_one(catalog.read())
        .await
        .unwrap();
    assert_eq!((sets, deliveries), (300, 300));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_a_gap_and_the_rest_goes_on() {
    let scratch = Scratch::with(|config| config.worker.memory_bytes_max = 200 << 20).await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    let archive = &scratch.archive;
    let mut poison = message("poison", "");
    poison.resize(150 << 20, b'x');
    deliver(archive, &ingest, &poison).await;
    deliver(archive, &ingest, &message("after", "found all the same")).await;
    following.catch_up(&scratch).await;
    assert_eq!(following.find("found").len(), 1);
    let gaps: Vec<(i64, String)> =
        muniment::catalog::db::query_as("SELECT seq, reason FROM gap ORDER BY seq")
            .fetch_all(archive.catalog.read())
            .await
            .unwrap();
    assert_eq!(gaps, [(1, "crashed".into())]);
}

/// The worker's silence costs its deadline, and the delivery nothing but its
/// place in the index.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_hanging_worker_was_given_is_a_gap_and_is_kept() {
    let scratch = Scratch::with(|config| config.worker.seconds_max = 1).await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start_with(&scratch, &ingest, hanging(scratch.directory.path()));
    let bytes = message("hung", "never read");
    deliver(&scratch.archive, &ingest, &bytes).await;
    following.catch_up(&scratch).await;
    let archive = &scratch.archive;
    let gaps: Vec<(i64, String)> =
        muniment::catalog::db::query_as("SELECT seq, reason FROM gap ORDER BY seq")
            .fetch_all(archive.catalog.read())
            .await
            .unwrap();
    assert_eq!(gaps, [(1, "timed-out".into())]);
    let rows = delivery::after(&archive.catalog, DeliverySeq(0), 10).await.unwrap();
    let record = archive.vault.open_record(&rows[0].at()).await.unwrap();
    assert_eq!(record.bytes().await.unwrap(), bytes);
}

/// It had no message, so no set: in no search, no hold's list, no export.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_an_original_is_found_by_its_envelope() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let following = Following::start(&scratch, &ingest);
    let archive = &scratch.archive;
    let whole = reported(&message("m", "m"), &[(Kind::Bcc, "blind@corp.example")]);
    let whole = String::from_utf8(whole).unwrap();
    let at = whole.find("Content-Type: message/rfc822").unwrap();
    let part = "Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\nxx";
    let no_part = &whole[..at];
    let other = [(Kind::Bcc, "blind@corp.example"), (Kind::To, "cut@corp.example")];
    let other = String::from_utf8(reported(&message("n", "n"), &other)).unwrap();
    let in_envelope = &other[..other.find("@corp.example\r\n\r\n--").unwrap()];
    let tnef = format!("{no_part}{part}\r\n");
    for bytes in [no_part, in_envelope, &tnef] {
        deliver(archive, &ingest, bytes.as_bytes()).await;
    }
    following.catch_up(&scratch).await;
    for query in ["bcc:blind@corp.example", "recipients:blind@corp.example", "blind"] {
        assert_eq!(following.find(query).len(), 3, "{query}");
    }
    let found = following.find("attachment:winmail.dat");
    let carried = review::carried(&archive.catalog, found[0]).await.unwrap();
    assert_eq!(carried[0].sha256, Digest::of(tnef.as_bytes()), "the report is the message");
    let lost = "SELECT COUNT(*) FROM gap WHERE set_id IS NULL";
    let lost: i64 =
        muniment::catalog::db::query_scalar(lost).fetch_one(archive.catalog.read()).await.unwrap();
    assert_eq!(lost, 0, "nothing is without a set");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_segment_is_a_gap_for_its_deliveries() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let archive = &scratch.archive;
    deliver(archive, &ingest, &message("lost", "lost words")).await;
    let first = delivery::after(&archive.catalog, DeliverySeq(0), 1).await.unwrap().remove(0);
    deliver(archive, &ingest, &message("kept", "kept words")).await;
    std::fs::remove_file(archive.config.vault.path.join(&first.object.name)).unwrap();
    let following = Following::start(&scratch, &ingest);
    following.catch_up(&scratch).await;
    assert_eq!(following.find("words").len(), 1);
    let (seq, detail): (i64, String) =
        muniment::catalog::db::query_as("SELECT seq, detail FROM gap")
            .fetch_one(archive.catalog.read())
            .await
            .unwrap();
    assert!(seq == 1 && detail.contains("not in the bucket"), "{detail}");
    let damaged = damage::newest(&archive.catalog, 10).await.unwrap();
    assert_eq!(damaged.iter().map(|row| row.record).collect::<Vec<_>>(), [first.record]);
}

//! Buckets that earlier versions wrote stay readable: golden files of each
//! version of the format, opened with their key and nothing else.

use std::path::{Path, PathBuf};

use muniment::base::clock::Clock;
use muniment::base::hash::Digest;
use muniment::base::ids::DeliverySeq;
use muniment::base::limits::COMPACT_PAGES_MIN;
use muniment::catalog::{Catalog, delivery};
use muniment::ingest::rebuild::{self, rebuild};
use muniment::ingest::stamps;
use muniment::ledger::commitment::{self, ROLE_DELIVERY};
use muniment::ledger::leaf::Leaf;
use muniment::ledger::stamp::{Authorities, Stamp};
use muniment::policy::restore::restore;
use muniment::retention::erasure;
use muniment::vault::Vault;
use muniment::vault::bucket::Bucket;
use muniment::vault::master::MasterKey;

use super::compaction::compacted;
use super::erasure::Laid;
use super::second::{Used, names};
use super::support::{Scratch, attach, deliver, note};

/// The first was packed without dictionaries, the second had no parts.
const FIXTURES: [&str; 3] = ["v1", "v1-dictionaries", "v1-parts"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vault").join(name)
}

fn deliveries() -> Vec<Vec<u8>> {
    let report = concat!(
        "From: Microsoft Outlook <MicrosoftExchange@example.com>\r\n",
        "To: journal@archive.example\r\nX-MS-Journal-Report:\r\n",
        "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n",
        "--b\r\nContent-Type: text/plain; charset=\"utf-8\"\r\n\r\n",
        "Sender: alice@example.com\r\nSubject: Golden\r\nMessage-Id: <1@example.com>\r\n",
        "To: bob@example.com\r\nBcc: hidden@example.com\r\n\r\n",
        "--b\r\nContent-Type: message/rfc822\r\n\r\n",
        "From: alice@example.com\r\nTo: bob@example.com\r\nSubject: Golden\r\n",
        "Message-Id: <1@example.com>\r\n\r\nKeep this readable.\r\n--b--\r\n",
    );
    vec![b"Subject: bare\r\n\r\nno newline at the end".to_vec(), report.into(), Vec::new()]
}

/// Those that are kept in another way than they came: base64 within the record, a part
/// in the same segment, and one in another.
fn with_parts() -> Vec<Vec<u8>> {
    let headers = "From: alice@example.com\r\nTo: bob@example.com\r\nSubject: Golden\r\n";
    let small = attach(headers, "small", &note(1)[..1000]);
    vec![small, attach(headers, "first", &note(2)), attach(headers, "second", &note(2))]
}

#[tokio::test(flavor = "multi_thread")]
async fn version_1_opens_with_bucket_and_master_key() {
    if std::env::var_os("MUNIMENT_WRITE_GOLDEN").is_some() {
        write(FIXTURES[2]).await;
    }
    for name in FIXTURES {
        let has_parts = name == FIXTURES[2];
        let more = if has_parts { with_parts() } else { Vec::new() };
        opens(&fixture(name), [deliveries(), more].concat()).await;
    }
}

async fn opens(fixture: &Path, mut expected: Vec<Vec<u8>>) {
    // Keys in a checkout are readable by all, which the program refuses.
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("master.key");
    let text = std::fs::read(fixture.join("master.key.txt")).unwrap();
    muniment::base::durable::create(&key, &text, 0o600).unwrap();
    let bucket = Bucket::local(&fixture.join("bucket")).unwrap();
    let vault = Vault::open(bucket, MasterKey::load(&key).unwrap()).await.unwrap();

    let mut found = Vec::new();
    for object in vault.bucket().list("seg").await.unwrap() {
        let (place, file) = object.strip_prefix("seg/").unwrap().rsplit_once('/').unwrap();
        let segment = file.split_once('-').unwrap().0;
        let page = format!("key/{place}/{segment}.page");
        let object = vault.bucket().find(&object).await.unwrap();
        let page = vault.bucket().find(&page).await.unwrap();
        let open = vault.open_segment(&object, &page).await;
        let open = open.unwrap();
        for entry in 0..open.entries().len() as u32 {
            let record = open.record(entry).await.unwrap();
            let bytes = record.bytes().await.unwrap();
            let Leaf::Delivery { ciphertext, commitment_root, .. } =
                Leaf::decode(record.leaf()).unwrap()
            else {
                panic!("the leaf of a record is a delivery's")
            };
            assert_eq!(record.ciphertext_sha256().await.unwrap(), ciphertext);
            assert_eq!(commitment::root(&record.commitments()), commitment_root);
            let own = commitment::commit(
                &record.salt(0),
                ROLE_DELIVERY,
                &Digest::of(&bytes),
                bytes.len() as u64,
            );
            assert_eq!(record.commitments()[0], own);
            found.push(bytes.to_vec());
        }
    }
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let mut records: Vec<_> =
        found.iter().map(|it| format!("{} {}\n", Digest::of(it), it.len())).collect();
    records.sort();
    let told = std::fs::read_to_string(fixture.join("records.txt")).unwrap();
    assert_eq!(records.concat(), told);
}

/// Writes the fixture; only a new version of the format has a reason to.
async fn write(name: &str) {
    let fixture = fixture(name);
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    let all = [deliveries(), with_parts()].concat();
    for delivery in &all {
        deliver(&scratch.archive, &ingest, delivery).await;
    }
    let config = &scratch.archive.config;
    let _ = std::fs::remove_dir_all(&fixture);
    copy(&config.vault.path, &fixture.join("bucket"));
    std::fs::copy(&config.archive.master_key, fixture.join("master.key.txt")).unwrap();
    let mut records: Vec<_> =
        all.iter().map(|it| format!("{} {}\n", Digest::of(it), it.len())).collect();
    records.sort();
    std::fs::write(fixture.join("records.txt"), records.concat()).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// An archive with every kind of object in it, whose master key was replaced.
const WHOLE: &str = "v1-whole";

/// The catalog comes back from it, nothing is missing, and each master key opens what
/// was there in its time.
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_archive_of_version_1_comes_back() {
    let fixture = fixture(WHOLE);
    if std::env::var_os("MUNIMENT_WRITE_GOLDEN").is_some() {
        write_whole(&fixture).await;
    }
    has_one_of_each(&fixture, KINDS);
    let directory = tempfile::tempdir().unwrap();
    let vault = opened(&fixture, "master.key.txt", directory.path()).await;
    let catalog = rebuilt(&vault, directory.path()).await;
    let rows = delivery::after(&catalog, DeliverySeq(0), 1000).await.unwrap();
    are_told(&fixture, &vault, &rows).await;
    stamp_is_good(&fixture, vault.bucket()).await;

    // All but one were sealed in months that had keys before the rotation.
    let older = opened(&fixture, "older.key.txt", directory.path()).await;
    let mut closed = 0;
    for row in &rows {
        closed += usize::from(older.open_record(&row.at()).await.is_err());
    }
    assert_eq!(closed, 1);
}

/// The catalog, made again from the bucket without a fault.
async fn rebuilt(vault: &Vault, directory: &Path) -> Catalog {
    let catalog = Catalog::create(&directory.join("catalog.db")).await.unwrap();
    let rebuilt = rebuild(vault, &catalog, &mut |_, _, _| ()).await.unwrap();
    let restored = restore(vault, &catalog, Clock::System.now(), &mut |_, _| ()).await.unwrap();
    let again = erasure::after_rebuild(&catalog, Clock::System.now()).await.unwrap();
    assert_eq!(again, 0, "records to be erased again");
    let missing = rebuild::missing(&catalog).await.unwrap();
    assert_eq!([rebuilt.faults, restored.faults, missing].concat(), Vec::<String>::new());
    catalog
}

/// The records are those that the fixture names, byte for byte.
async fn are_told(fixture: &Path, vault: &Vault, rows: &[delivery::Delivery]) {
    let mut records = Vec::new();
    for row in rows {
        let bytes = vault.open_record(&row.at()).await.unwrap().bytes().await.unwrap();
        assert_eq!((Digest::of(&bytes), bytes.len() as u64), (row.sha256, row.size_bytes));
        records.push(format!("{} {}\n", row.sha256, row.size_bytes));
    }
    records.sort();
    assert_eq!(records.concat(), std::fs::read_to_string(fixture.join("records.txt")).unwrap());
}

fn has_one_of_each(fixture: &Path, kinds: &[&str]) {
    let names = names(&fixture.join("bucket"));
    for kind in kinds {
        let (start, end) = kind.split_once('*').unwrap();
        let is_one = |name: &String| name.starts_with(start) && name.ends_with(end);
        assert!(names.iter().any(is_one), "there is no {kind}");
    }
}

async fn opened(fixture: &Path, key: &str, directory: &Path) -> Vault {
    // Keys in a checkout are readable by all, which the program refuses.
    let text = std::fs::read(fixture.join(key)).unwrap();
    let file = directory.join(key);
    muniment::base::durable::create(&file, &text, 0o600).unwrap();
    let bucket = Bucket::local(&fixture.join("bucket")).unwrap();
    Vault::open(bucket, MasterKey::load(&file).unwrap()).await.unwrap()
}

/// One of each kind that the format names; probes and canaries are no part of it.
const KINDS: &[&str] = &[
    "keyring/archive/*1",
    "keyring/archive/*2",
    "keyring/epoch/standard/2*1",
    "keyring/epoch/standard/2*2",
    "keyring/epoch/standard/held/*",
    "keyring/epoch/policy/*1",
    "seg/*.seg",
    "key/*.held",
    "key/*.page",
    "policy/*.policy",
    "log/tile/0/*",
    "log/tile/entries/*",
    "log/checkpoint/*",
    "log/stamp/*.tsr",
    "format/*.dict",
];

async fn stamp_is_good(fixture: &Path, bucket: &Bucket) {
    let stamped = stamps::newest(bucket).await.unwrap().unwrap();
    let stamp = Stamp::read(&stamped.stamp).unwrap();
    stamp.is_of(&stamped.checkpoint).unwrap();
    let root = std::fs::read(fixture.join("authority.pem")).unwrap();
    stamp.verify(&Authorities::from_pem(&root).unwrap()).unwrap();
}

async fn write_whole(fixture: &Path) {
    let used = Used::new().await;
    let _ = std::fs::remove_dir_all(fixture);
    copy(&used.bucket, &fixture.join("bucket"));
    let [newest, older] = &used.masters[..] else { panic!() };
    std::fs::copy(newest, fixture.join("master.key.txt")).unwrap();
    std::fs::copy(older, fixture.join("older.key.txt")).unwrap();
    std::fs::copy(used.authority.root(), fixture.join("authority.pem")).unwrap();
    tell(fixture, &used.kept.archive().catalog).await;
}

async fn tell(fixture: &Path, catalog: &Catalog) {
    let rows = delivery::after(catalog, DeliverySeq(0), 1000).await.unwrap();
    let mut records: Vec<_> =
        rows.iter().map(|row| format!("{} {}\n", row.sha256, row.size_bytes)).collect();
    records.sort();
    std::fs::write(fixture.join("records.txt"), records.concat()).unwrap();
}

/// An archive with erasures in pages of one segment and of many.
const ERASED: &str = "v1-erased";

/// What is left of it comes back, and nothing of what was erased.
#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_version_1_with_erasures_comes_back() {
    let fixture = fixture(ERASED);
    if std::env::var_os("MUNIMENT_WRITE_GOLDEN").is_some() {
        write_erased(&fixture).await;
    }
    has_one_of_each(
        &fixture,
        &["key/hr/*.pages", "key/hr/*.left", "key/hr/*.page", "key/standard/*.page"],
    );
    let directory = tempfile::tempdir().unwrap();
    let vault = opened(&fixture, "master.key.txt", directory.path()).await;
    let catalog = rebuilt(&vault, directory.path()).await;
    let rows = delivery::after(&catalog, DeliverySeq(0), 1000).await.unwrap();
    assert_eq!(rows.len(), COMPACT_PAGES_MIN + 3);
    are_told(&fixture, &vault, &rows).await;
    let erased = muniment::catalog::erasure::list(&catalog).await.unwrap();
    assert_eq!(erased.len(), 2);
}

async fn write_erased(fixture: &Path) {
    // As many as are put together, the first of two records.
    let mut groups: Vec<_> =
        (1..=COMPACT_PAGES_MIN).map(|number| vec![(number, "a", "default")]).collect();
    groups[0].push((0, "a", "default"));
    groups.push(vec![(90, "a", "strict")]);
    let laid = Laid::of(&groups).await;
    for hours in [0, 2] {
        compacted(&laid.retention, 2, hours).await;
    }
    let [erased, beside, whole] = [91, 92, 93].map(|number| (number, "a", "default"));
    laid.deliver(&[vec![erased, beside], vec![whole]]).await;
    laid.erased(0).await;
    laid.erased(91).await;
    laid.publish().await;
    let config = &laid.archive().config;
    let _ = std::fs::remove_dir_all(fixture);
    copy(&config.vault.path, &fixture.join("bucket"));
    std::fs::copy(&config.archive.master_key, fixture.join("master.key.txt")).unwrap();
    tell(fixture, &laid.archive().catalog).await;
}

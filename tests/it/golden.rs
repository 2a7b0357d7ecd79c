//! Buckets that earlier versions wrote stay readable: golden files of each
//! version of the format, opened with their key and nothing else.

use std::path::{Path, PathBuf};

use muniment::base::hash::Digest;
use muniment::ledger::commitment::{self, ROLE_DELIVERY};
use muniment::ledger::leaf::Leaf;
use muniment::vault::Vault;
use muniment::vault::bucket::Bucket;
use muniment::vault::keys::MasterKey;

use super::support::{Scratch, deliver};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vault/v1")
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

#[tokio::test(flavor = "multi_thread")]
async fn version_1_opens_with_bucket_and_master_key() {
    if std::env::var_os("MUNIMENT_WRITE_GOLDEN").is_some() {
        write().await;
    }
    // Keys in a checkout are readable by all, which the program refuses.
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("master.key");
    let text = std::fs::read(fixture().join("master.key.txt")).unwrap();
    muniment::base::durable::create(&key, &text, 0o600).unwrap();
    let bucket = Bucket::local(&fixture().join("bucket")).unwrap();
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
    let mut expected = deliveries();
    expected.sort();
    assert_eq!(found, expected);
}

/// Writes the fixture; only a new version of the format has a reason to.
async fn write() {
    let scratch = Scratch::new().await;
    let (ingest, _lock) = scratch.ingest().await;
    for delivery in deliveries() {
        deliver(&scratch.archive, &ingest, &delivery).await;
    }
    let config = &scratch.archive.config;
    let _ = std::fs::remove_dir_all(fixture());
    copy(&config.vault.path, &fixture().join("bucket"));
    std::fs::copy(&config.archive.master_key, fixture().join("master.key.txt")).unwrap();
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

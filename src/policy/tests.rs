//! Statements told, sealed, and written back into another catalog.

use super::restore::{Restored, restore};
use super::*;
use crate::catalog::tests::scratch;
use crate::catalog::{leaf, meta};
use crate::ledger::leaf::Leaf;
use crate::vault::bucket::Bucket;
use crate::vault::master::MasterKey;

struct Fixture {
    catalog: Catalog,
    /// Empty.
    other: Catalog,
    vault: Vault,
    directory: tempfile::TempDir,
    _files: (tempfile::TempDir, tempfile::TempDir),
}

async fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("bucket")).unwrap();
    let bucket = Bucket::local(&directory.path().join("bucket")).unwrap();
    let vault = Vault::create(bucket, MasterKey::generate(), Timestamp(5)).await.unwrap();
    let ((catalog, first), (other, second)) = (scratch().await, scratch().await);
    Fixture { catalog, other, vault, directory, _files: (first, second) }
}

impl Fixture {
    fn teller(&self) -> Teller {
        let recorder = Recorder::new(self.catalog.clone());
        Teller::new(self.vault.clone(), recorder, Clock::fixed(Timestamp(7)))
    }
}

async fn set(catalog: &Catalog, value: &str) {
    meta::set(catalog, "word", value).await.unwrap();
}

async fn leaves(catalog: &Catalog) -> Vec<Leaf> {
    let rows = leaf::from(catalog, 0, 1000).await.unwrap();
    rows.iter().map(|row| Leaf::decode(&row.body).unwrap()).collect()
}

/// What the log says, and not the rows of deliveries, of which there are none.
async fn restored(fixture: &Fixture) -> (Catalog, Restored) {
    let other = fixture.other.clone();
    crate::catalog::rebuild::begin(&other).await.unwrap();
    let rows = leaf::from(&fixture.catalog, 0, 1000).await.unwrap();
    let published: Vec<_> = rows
        .into_iter()
        .map(|row| crate::catalog::rebuild::PublishedLeaf {
            hash: row.hash,
            body: row.body,
            record: None,
        })
        .collect();
    crate::catalog::rebuild::add_leaves(&other, 0, &published).await.unwrap();
    let restored = restore(&fixture.vault, &other, Timestamp(9), &mut |_, _| ()).await.unwrap();
    (other, restored)
}

async fn word(catalog: &Catalog) -> Option<String> {
    meta::get(catalog, "word").await.unwrap()
}

#[tokio::test]
async fn a_seal_tells_what_changed_and_nothing_when_nothing_did() {
    let fixture = fixture().await;
    let mut teller = fixture.teller();
    set(&fixture.catalog, "first").await;
    teller.tell(true).await.unwrap();
    assert_eq!(leaves(&fixture.catalog).await.len(), 1);
    teller.tell(true).await.unwrap();
    assert_eq!(leaves(&fixture.catalog).await.len(), 1, "nothing was new");
    set(&fixture.catalog, "second").await;
    teller.tell(true).await.unwrap();
    let all = leaves(&fixture.catalog).await;
    assert!(matches!(all[1], Leaf::Seal { rows: 1, .. }), "{all:?}");
    let (other, restored) = restored(&fixture).await;
    assert_eq!(word(&other).await.as_deref(), Some("second"));
    assert_eq!((restored.statements, restored.faults), (2, Vec::<String>::new()));
}

#[tokio::test]
async fn what_a_failed_put_left_is_told_later_and_once() {
    let fixture = fixture().await;
    let mut teller = fixture.teller();
    set(&fixture.catalog, "first").await;
    let policy = fixture.directory.path().join("bucket/policy");
    // A file where the directory should be.
    std::fs::write(&policy, "").unwrap();
    teller.tell(true).await.unwrap_err();
    assert_eq!(teller.recorder.waiting().await.unwrap(), 1);
    std::fs::remove_file(&policy).unwrap();
    teller.tell(true).await.unwrap();
    assert_eq!(teller.recorder.waiting().await.unwrap(), 0);
    let (other, _) = restored(&fixture).await;
    assert_eq!(word(&other).await.as_deref(), Some("first"));
}

#[tokio::test]
async fn a_missing_statement_is_named_and_the_others_come_back() {
    let fixture = fixture().await;
    let mut teller = fixture.teller();
    for value in ["first", "second"] {
        set(&fixture.catalog, value).await;
        teller.tell(true).await.unwrap();
    }
    let names = fixture.vault.bucket().list("policy/").await.unwrap();
    assert_eq!(names.len(), 2);
    let all = leaves(&fixture.catalog).await;
    let Leaf::Seal { at, object, .. } = all[1] else { panic!("{all:?}") };
    let name = crate::vault::statement::object_name(at, &object);
    std::fs::remove_file(fixture.directory.path().join("bucket").join(&name)).unwrap();
    let (other, restored) = restored(&fixture).await;
    assert_eq!(word(&other).await.as_deref(), Some("first"));
    assert!(restored.faults.len() == 1 && restored.faults[0].contains(&name), "{restored:?}");
}

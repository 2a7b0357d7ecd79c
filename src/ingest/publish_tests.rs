//! The publisher against a catalog and a local bucket.

use std::path::Path;

use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::ids::{RecordId, SegmentId};
use crate::catalog::Catalog;
use crate::catalog::delivery::{NewDelivery, NewSegment, commit};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::leaf::Leaf;
use crate::ledger::note::Signer;
use crate::ledger::tree;
use crate::vault::bucket::{Bucket, Place};

use super::log::{Log, LogError};
use super::publish::{PublishError, Publisher, check_published};

fn signer() -> Signer {
    Signer::from_seed("muniment.example/log", &[7; 32]).unwrap()
}

struct Archive {
    directory: tempfile::TempDir,
    catalog: Catalog,
    leaves: Vec<Digest>,
    _other: tempfile::TempDir,
}

impl Archive {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("bucket")).unwrap();
        let (catalog, other) = crate::catalog::tests::scratch().await;
        Self { directory, catalog, leaves: Vec::new(), _other: other }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join("bucket/log").join(name)
    }

    async fn start(&self) -> Result<Publisher, PublishError> {
        let bucket = Bucket::local(&self.directory.path().join("bucket")).unwrap();
        check_published(self.catalog.clone(), bucket, signer()).await
    }

    /// Commits deliveries whose leaves no other archive has.
    async fn receive(&mut self, count: u64) {
        let first = self.leaves.len() as u64;
        let deliveries: Vec<_> = (first..first + count).map(delivery).collect();
        self.leaves.extend(deliveries.iter().map(|delivery| delivery.leaf_hash));
        commit(&self.catalog, &[segment(deliveries)]).await.unwrap();
    }
}

pub(super) fn segment(deliveries: Vec<NewDelivery>) -> NewSegment {
    NewSegment {
        segment: SegmentId::generate(),
        class: "standard".into(),
        epoch: "2026-01".into(),
        object: Place { name: "object".into(), version: None },
        page: Place { name: "page".into(), version: None },
        size_bytes: 0,
        sha256: Digest::of(b""),
        created_at: Timestamp(0),
        deliveries,
        parts: Vec::new(),
    }
}

pub(super) fn delivery(number: u64) -> NewDelivery {
    let record = RecordId::generate();
    let leaf = Leaf::Delivery {
        record,
        received_at: Timestamp(number as i64),
        class: "standard".into(),
        ciphertext: Digest::of(record.as_bytes()),
        commitments: 1,
        commitment_root: Digest::of(b"root"),
    };
    NewDelivery {
        record,
        entry: 0,
        source: "test".into(),
        received_at: Timestamp(0),
        size_bytes: 0,
        sha256: Digest::of(b""),
        form: "bare".into(),
        is_proven: true,
        transaction: "{}".into(),
        envelope: None,
        defects: "[]".into(),
        messages: Vec::new(),
        needs: Vec::new(),
        leaf: leaf.encode(),
        leaf_hash: leaf.hash(),
    }
}

#[tokio::test]
async fn what_is_published_proves_and_extends_across_restarts() {
    let mut archive = Archive::new().await;
    let mut publisher = archive.start().await.unwrap();
    publisher.publish().await.unwrap();
    assert_eq!(publisher.log().published(), None, "an empty log has no checkpoint");
    let mut roots: Vec<(u64, Digest)> = Vec::new();
    for count in [1, 1, 253, 1, 1, 300, 211] {
        archive.receive(count).await;
        publisher.publish().await.unwrap();
        let log = publisher.log();
        let published = log.published().unwrap();
        assert_eq!(published.size, archive.leaves.len() as u64);
        assert_eq!(published.root, tree::root_of(&archive.leaves));
        let opened = Checkpoint::open(published.note.as_bytes(), log.verifier()).unwrap();
        assert_eq!((opened.size, opened.root), (published.size, published.root));
        for position in [0, 1, 254, 255, 256, published.size - 1] {
            let proof = log.prove(position).await.unwrap();
            assert_eq!(proof.is_some(), position < published.size);
            if let Some(proof) = proof {
                assert!(proof.verify(&archive.leaves[position as usize]));
                assert!(!proof.verify(&Digest::of(b"other")));
            }
        }
        for (old, old_root) in &roots {
            let proof = log.prove_consistency(*old, published.size).await.unwrap();
            let (size, root) = (published.size, published.root);
            assert!(tree::verify_consistency(*old, old_root, size, &root, &proof));
        }
        roots.push((published.size, published.root));
        // Every second time, another process goes on from the bucket.
        if count % 2 == 1 {
            publisher = archive.start().await.unwrap();
            assert_eq!(publisher.log().published(), Some(published));
        }
    }
}

#[tokio::test]
async fn a_catalog_older_than_the_published_log_refuses_to_start() {
    let mut archive = Archive::new().await;
    archive.receive(3).await;
    archive.start().await.unwrap().publish().await.unwrap();
    let old = Archive::new().await;
    let stale = Archive { catalog: old.catalog.clone(), ..archive };
    let refused = stale.start().await.unwrap_err();
    assert!(matches!(refused, PublishError::CatalogBehind { catalog: 0, published: 3 }));
    assert!(refused.to_string().contains("put the newest copy"), "{refused}");
}

#[tokio::test]
async fn a_catalog_with_other_leaves_refuses_to_start() {
    let mut archive = Archive::new().await;
    archive.receive(256).await;
    archive.start().await.unwrap().publish().await.unwrap();
    let mut other = Archive::new().await;
    other.receive(300).await;
    let mixed = Archive { catalog: other.catalog.clone(), ..archive };
    let refused = mixed.start().await.unwrap_err();
    assert!(matches!(refused, PublishError::CatalogDiffers { position: 0 }), "{refused}");
}

#[tokio::test]
async fn another_archives_log_or_a_damaged_one_refuses_to_start() {
    let mut archive = Archive::new().await;
    archive.receive(3).await;
    archive.start().await.unwrap().publish().await.unwrap();
    let bucket = || Bucket::local(&archive.directory.path().join("bucket")).unwrap();
    let stranger = Signer::from_seed("muniment.example/log", &[8; 32]).unwrap();
    let refused = check_published(archive.catalog.clone(), bucket(), stranger).await.unwrap_err();
    assert!(matches!(refused, PublishError::Log(LogError::Checkpoint { .. })), "{refused}");

    let change = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes[5] ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    let tile = archive.path("tile/0/000.p/3");
    change(&tile);
    let refused = archive.start().await.unwrap_err();
    assert!(matches!(refused, PublishError::Log(LogError::Corrupt(_))), "{refused}");
    change(&tile);
    let checkpoint = archive.path("checkpoint/00000000000000000003");
    change(&checkpoint);
    let refused = archive.start().await.unwrap_err();
    assert!(refused.to_string().contains("checkpoint/00000000000000000003"), "{refused}");
    change(&checkpoint);
    std::fs::remove_file(&tile).unwrap();
    assert!(!archive.start().await.unwrap_err().is_transient());
}

#[tokio::test]
async fn tiles_without_a_checkpoint_are_put_again() {
    let mut archive = Archive::new().await;
    archive.receive(300).await;
    archive.start().await.unwrap().publish().await.unwrap();
    // As a crash between tiles and checkpoint leaves it, with more since.
    std::fs::remove_file(archive.path("checkpoint/00000000000000000300")).unwrap();
    archive.receive(5).await;
    let mut publisher = archive.start().await.unwrap();
    assert_eq!(publisher.log().published(), None);
    publisher.publish().await.unwrap();
    assert_eq!(publisher.log().size(), 305);
}

#[tokio::test]
async fn other_bytes_under_a_tiles_name_are_corruption() {
    let mut archive = Archive::new().await;
    archive.receive(2).await;
    let tile = archive.path("tile/0/000.p/2");
    std::fs::create_dir_all(tile.parent().unwrap()).unwrap();
    std::fs::write(&tile, [0; 64]).unwrap();
    let refused = archive.start().await.unwrap().publish().await.unwrap_err();
    assert!(!refused.is_transient());
    assert!(!archive.path("checkpoint").exists(), "nothing was signed");
}

#[tokio::test]
async fn those_who_wait_are_told() {
    let mut archive = Archive::new().await;
    let mut publisher = archive.start().await.unwrap();
    let log = publisher.log();
    archive.receive(2).await;
    let patience = std::time::Duration::from_secs(60);
    let waiting = tokio::spawn({
        let log = log.clone();
        async move { log.wait_for(2, patience).await }
    });
    publisher.publish().await.unwrap();
    assert!(waiting.await.unwrap());
    assert!(!log.wait_for(3, std::time::Duration::ZERO).await);

    let bucket = Bucket::local(&archive.directory.path().join("bucket")).unwrap();
    let beside = Log::open(bucket, signer().verifier().clone()).await.unwrap();
    archive.receive(1).await;
    publisher.publish().await.unwrap();
    assert_eq!(beside.size(), 2);
    beside.refresh().await.unwrap();
    assert_eq!(beside.size(), 3);
}

#[tokio::test]
async fn a_commit_repeated_with_more_adds_only_what_is_new() {
    let (catalog, _directory) = crate::catalog::tests::scratch().await;
    let first = segment(vec![delivery(0), delivery(1)]);
    let second = segment(vec![delivery(2)]);
    assert_eq!(commit(&catalog, std::slice::from_ref(&first)).await.unwrap().0, 2);
    let both = [first, second];
    for _ in 0..2 {
        assert_eq!(commit(&catalog, &both).await.unwrap().0, 3);
    }
    let leaves = crate::catalog::leaf::from(&catalog, 0, 10).await.unwrap();
    let expected: Vec<_> = both.iter().flat_map(|segment| &segment.deliveries).collect();
    assert_eq!(leaves.len(), 3);
    for (leaf, delivery) in leaves.iter().zip(expected) {
        assert_eq!((leaf.hash, &leaf.body), (delivery.leaf_hash, &delivery.leaf));
    }
}

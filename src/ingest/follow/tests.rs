//! The two lanes of the follower, where no mail comes.

use super::*;
use crate::base::config::Worker;
use crate::base::ids::SetId;
use crate::catalog::set::NewGap;
use crate::catalog::tests::scratch;
use crate::vault::bucket::Bucket;
use crate::vault::master::MasterKey;

/// A backlog of large mail brings one after the other, and no pause to commit in.
#[tokio::test]
async fn a_due_commit_does_not_wait_for_the_end_of_the_second_lane() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("bucket")).unwrap();
    let bucket = Bucket::local(&directory.path().join("bucket")).unwrap();
    let vault = Vault::create(bucket, MasterKey::generate(), Timestamp(5)).await.unwrap();
    let (catalog, _files) = scratch().await;
    let index = Index::open(&directory.path().join("index"), 0).unwrap();
    let pool = Arc::new(Pool::new("/nonexistent".into(), Worker::default()));
    let (_mail, committed) = watch::channel(DeliverySeq(0));
    let clock = Clock::fixed(Timestamp(6));
    let mut follower = Follower::new(vault, catalog, clock, index, pool, committed);
    let late = |id| {
        let waiting = Waiting { id, seq: DeliverySeq(1), entry: 0, set: Some(SetId(1)) };
        Box::new(Late { waiting, found: Err(NewGap::of_message("crashed", String::new())) })
    };
    follower.take_late(late(1), Written::default()).await.unwrap();
    assert_eq!(follower.unsettled.len(), 1, "commits are not made for each");
    follower.index_committed_at -= COMMIT_EVERY;
    follower.take_late(late(2), Written::default()).await.unwrap();
    assert!(follower.unsettled.is_empty());
    assert_eq!(*follower.settled.borrow(), 2);
}

//! Time stamps of checkpoints, as they lie in the bucket beside the log: one for a
//! size, never replaced. Asking for one is `jobs`' business, what one says `ledger`'s.

use bytes::Bytes;

use super::log::{LogError, PREFIX};
use crate::vault::bucket::{Bucket, BucketError};

const STAMPS: &str = "log/stamp";

/// A stamp that is in the bucket, and the checkpoint that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped {
    pub size: u64,
    pub stamp: Bytes,
    /// The signed note.
    pub checkpoint: Bytes,
}

pub fn object_of(size: u64) -> String {
    format!("{STAMPS}/{size:020}.tsr")
}

/// The size that the name of a stamp says.
pub fn size_in(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(STAMPS)?.strip_prefix('/')?.strip_suffix(".tsr")?;
    let size = digits.parse().ok()?;
    (object_of(size) == name).then_some(size)
}

/// The newest, if there is any.
pub async fn newest(bucket: &Bucket) -> Result<Option<Stamped>, LogError> {
    let names = bucket.list(STAMPS).await?;
    match names.iter().filter_map(|name| size_in(name)).max() {
        Some(size) => of_size(bucket, size).await,
        None => Ok(None),
    }
}

pub async fn of_size(bucket: &Bucket, size: u64) -> Result<Option<Stamped>, LogError> {
    let stamp = match bucket.get(&object_of(size)).await {
        Err(BucketError::Missing(_)) => return Ok(None),
        found => found?,
    };
    let checkpoint = bucket.get(&super::log::object_of(size)).await?;
    Ok(Some(Stamped { size, stamp, checkpoint }))
}

/// Puts a stamp. Where there is one of the checkpoint, by another node or from before a
/// crash, that one stays: it says as much.
pub async fn put(bucket: &Bucket, size: u64, stamp: Bytes) -> Result<(), LogError> {
    debug_assert!(object_of(size).starts_with(PREFIX));
    match bucket.put_new(&object_of(size), stamp).await {
        Ok(_) | Err(BucketError::Differs(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_has_one_name() {
        assert_eq!(object_of(7), "log/stamp/00000000000000000007.tsr");
        assert_eq!(size_in(&object_of(7)), Some(7));
        for name in ["log/stamp/7.tsr", "log/stamp/00000000000000000007", "log/checkpoint/7"] {
            assert_eq!(size_in(name), None, "{name}");
        }
    }

    #[tokio::test]
    async fn the_newest_comes_with_its_checkpoint_and_none_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let bucket = Bucket::local(directory.path()).unwrap();
        assert_eq!(newest(&bucket).await.unwrap(), None);
        for size in [9, 10] {
            let checkpoint = Bytes::from(format!("checkpoint {size}"));
            bucket.put_new(&super::super::log::object_of(size), checkpoint).await.unwrap();
            put(&bucket, size, Bytes::from(format!("stamp {size}"))).await.unwrap();
        }
        put(&bucket, 10, Bytes::from_static(b"another")).await.unwrap();
        let found = newest(&bucket).await.unwrap().unwrap();
        assert_eq!((found.size, &found.stamp[..]), (10, &b"stamp 10"[..]));
        assert_eq!(&found.checkpoint[..], b"checkpoint 10");
        assert_eq!(of_size(&bucket, 11).await.unwrap(), None);
    }
}

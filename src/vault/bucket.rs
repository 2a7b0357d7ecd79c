//! The bucket: `object_store`, wrapped once.
//!
//! Objects are created and read, never replaced. The one door that deletes is
//! not built yet; nothing here can.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use super::staging;
use crate::base::hash::Digest;

#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    #[error("cannot use {path} as the bucket")]
    Open { path: String, source: object_store::Error },
    /// A directory in it, or the whole.
    #[error("cannot write to {} in the bucket", path.display())]
    Unwritable { path: PathBuf, source: std::io::Error },
    #[error("{operation} {name} in the bucket")]
    Store { operation: &'static str, name: String, source: object_store::Error },
    #[error("{0} is not in the bucket")]
    Missing(String),
    /// Another writer, or someone's hand, put other bytes under the name.
    #[error("{0} is in the bucket already, with other contents")]
    Differs(String),
    #[error("read the spooled segment")]
    Spool(#[source] std::io::Error),
}

/// What a bucket promises about its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enforcement {
    pub is_enforced: bool,
    pub words: &'static str,
}

#[derive(Clone, Debug)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    root: Arc<Path>,
}

impl Bucket {
    /// A directory of this machine. Every put is fsynced with its directory.
    pub fn local(path: &Path) -> Result<Self, BucketError> {
        let store = LocalFileSystem::new_with_prefix(path)
            .map_err(|source| BucketError::Open { path: path.display().to_string(), source })?;
        Ok(Self { store: Arc::new(store.with_fsync(true)), root: path.into() })
    }

    /// Whether someone with access to the storage could change a record.
    pub fn enforcement(&self) -> Enforcement {
        Enforcement {
            is_enforced: false,
            words: "write-once not enforced: the bucket is a local directory, whose owner can \
                    change files; a change would show in every proof",
        }
    }

    /// Creates an object. An object that is there already with the same bytes
    /// is success, since a put whose answer was lost may have happened.
    pub async fn put_new(&self, name: &str, bytes: Bytes) -> Result<(), BucketError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&path(name), bytes.clone().into(), options).await {
            Ok(_) => Ok(()),
            Err(object_store::Error::AlreadyExists { .. }) => {
                if self.get(name).await? == bytes {
                    Ok(())
                } else {
                    Err(BucketError::Differs(name.to_owned()))
                }
            }
            Err(source) => Err(failed("create", name, source)),
        }
    }

    /// Creates an object from a file, in pieces. The name must hold the hash of
    /// the contents and an id of its own: uploads in parts know no create-only.
    pub async fn put_file(&self, name: &str, file: std::fs::File) -> Result<(), BucketError> {
        const PIECE_BYTES: usize = 8 << 20;
        let mut upload = self
            .store
            .put_multipart(&path(name))
            .await
            .map_err(|source| failed("create", name, source))?;
        let mut file = Some(file);
        loop {
            let mut taken = file.take().expect("put back below");
            let (back, piece) = tokio::task::spawn_blocking(move || {
                let mut piece = Vec::with_capacity(PIECE_BYTES);
                let read = std::io::Read::read_to_end(
                    &mut std::io::Read::take(&mut taken, PIECE_BYTES as u64),
                    &mut piece,
                );
                (taken, read.map(|_| piece))
            })
            .await
            .map_err(|error| BucketError::Spool(std::io::Error::other(error)))?;
            let piece = piece.map_err(BucketError::Spool)?;
            file = Some(back);
            if piece.is_empty() {
                break;
            }
            if let Err(source) = upload.put_part(Bytes::from(piece).into()).await {
                // The parts of an abandoned upload are no object; the failure
                // that counts is the first.
                let _ = upload.abort().await;
                return Err(failed("write", name, source));
            }
        }
        upload.complete().await.map_err(|source| failed("complete", name, source))?;
        Ok(())
    }

    pub async fn get(&self, name: &str) -> Result<Bytes, BucketError> {
        let got = match self.store.get_opts(&path(name), Default::default()).await {
            Ok(got) => got,
            Err(object_store::Error::NotFound { .. }) => {
                return Err(BucketError::Missing(name.to_owned()));
            }
            Err(source) => return Err(failed("read", name, source)),
        };
        got.bytes().await.map_err(|source| failed("read", name, source))
    }

    pub async fn get_range(
        &self,
        name: &str,
        range: std::ops::Range<u64>,
    ) -> Result<Bytes, BucketError> {
        match self.store.get_range(&path(name), range).await {
            Ok(bytes) => Ok(bytes),
            Err(object_store::Error::NotFound { .. }) => Err(BucketError::Missing(name.to_owned())),
            Err(source) => Err(failed("read", name, source)),
        }
    }

    pub async fn size(&self, name: &str) -> Result<u64, BucketError> {
        match self.store.head(&path(name)).await {
            Ok(meta) => Ok(meta.size),
            Err(object_store::Error::NotFound { .. }) => Err(BucketError::Missing(name.to_owned())),
            Err(source) => Err(failed("look at", name, source)),
        }
    }

    /// The names below `prefix`, sorted.
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>, BucketError> {
        let mut names: Vec<String> = self
            .store
            .list(Some(&path(prefix)))
            .map_ok(|meta| meta.location.to_string())
            .try_collect()
            .await
            .map_err(|source| failed("list", prefix, source))?;
        names.sort();
        Ok(names)
    }

    /// Removes what a killed writer left half-written; how many files. Only for
    /// who holds the archive's lock: nobody else may be writing.
    pub async fn sweep(&self) -> Result<u64, BucketError> {
        let root = self.root.clone();
        let swept = tokio::task::spawn_blocking(move || staging::sweep(&root)).await;
        swept
            .unwrap_or_else(|error| Err((self.root.to_path_buf(), std::io::Error::other(error))))
            .map_err(|(path, source)| BucketError::Unwritable { path, source })
    }

    /// Proves that the bucket can be written, by creating an object whose name
    /// is its content's hash (so that repeating it adds nothing).
    pub async fn probe(&self) -> Result<(), BucketError> {
        const CONTENT: &[u8] = b"ready";
        let name = format!("probe/{}", Digest::of(CONTENT));
        self.put_new(&name, Bytes::from_static(CONTENT)).await
    }
}

fn path(name: &str) -> ObjectPath {
    ObjectPath::from(name)
}

fn failed(operation: &'static str, name: &str, source: object_store::Error) -> BucketError {
    BucketError::Store { operation, name: name.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn objects_are_created_once() {
        let directory = tempfile::tempdir().unwrap();
        let bucket = Bucket::local(directory.path()).unwrap();
        bucket.put_new("a/b", Bytes::from_static(b"one")).await.unwrap();
        bucket.put_new("a/b", Bytes::from_static(b"one")).await.unwrap();
        let other = bucket.put_new("a/b", Bytes::from_static(b"two")).await;
        assert!(matches!(other, Err(BucketError::Differs(name)) if name == "a/b"));
        assert_eq!(bucket.get("a/b").await.unwrap(), "one");
        assert_eq!(bucket.list("a").await.unwrap(), ["a/b"]);
        assert!(matches!(bucket.get("a/c").await, Err(BucketError::Missing(_))));
    }
}

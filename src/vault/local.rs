//! A bucket that is a directory of this machine: every put is fsynced with its
//! directory, and nothing is enforced.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use super::bucket::{BucketError, PIECE_BYTES, failed, next_piece, path};
use super::staging;
use crate::base::durable;

#[derive(Clone, Debug)]
pub(super) struct Local {
    store: Arc<LocalFileSystem>,
    root: Arc<Path>,
}

impl Local {
    pub(super) fn open(path: &Path) -> Result<Self, BucketError> {
        let store = LocalFileSystem::new_with_prefix(path)
            .map_err(|source| BucketError::Open { path: path.display().to_string(), source })?;
        Ok(Self { store: Arc::new(store.with_fsync(true)), root: path.into() })
    }

    /// Creates an object. An object that is there already with the same bytes
    /// is success, since a put whose answer was lost may have happened.
    pub(super) async fn put_new(&self, name: &str, bytes: Bytes) -> Result<(), BucketError> {
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
    pub(super) async fn put_file(
        &self,
        name: &str,
        file: std::fs::File,
    ) -> Result<(), BucketError> {
        let mut upload = self
            .store
            .put_multipart(&path(name))
            .await
            .map_err(|source| failed("create", name, source))?;
        let mut file = file;
        loop {
            let (back, piece) = next_piece(file, PIECE_BYTES).await?;
            file = back;
            if piece.is_empty() {
                break;
            }
            if let Err(source) = upload.put_part(piece.into()).await {
                // The parts of an abandoned upload are no object; the failure
                // that counts is the first.
                let _ = upload.abort().await;
                return Err(failed("write", name, source));
            }
        }
        upload.complete().await.map_err(|source| failed("complete", name, source))?;
        Ok(())
    }

    pub(super) async fn get(&self, name: &str) -> Result<Bytes, BucketError> {
        let got = match self.store.get_opts(&path(name), Default::default()).await {
            Ok(got) => got,
            Err(object_store::Error::NotFound { .. }) => {
                return Err(BucketError::Missing(name.to_owned()));
            }
            Err(source) => return Err(failed("read", name, source)),
        };
        got.bytes().await.map_err(|source| failed("read", name, source))
    }

    pub(super) async fn get_range(
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

    pub(super) async fn size(&self, name: &str) -> Result<u64, BucketError> {
        match self.store.head(&path(name)).await {
            Ok(meta) => Ok(meta.size),
            Err(object_store::Error::NotFound { .. }) => Err(BucketError::Missing(name.to_owned())),
            Err(source) => Err(failed("look at", name, source)),
        }
    }

    pub(super) async fn delete(&self, name: &str) -> Result<(), BucketError> {
        let file = self.root.join(name);
        let directory = file.parent().map(Path::to_owned);
        let deleted = tokio::task::spawn_blocking(move || {
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
                done => done?,
            }
            // Gone for good: what a power cut brings back was not destroyed.
            directory.map_or(Ok(()), |directory| durable::sync_directory(&directory))
        });
        let io = match deleted.await {
            Ok(done) => done,
            Err(error) => Err(std::io::Error::other(error)),
        };
        io.map_err(|source| BucketError::Unwritable { path: self.root.join(name), source })
    }

    /// The names below `prefix`, sorted.
    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<String>, BucketError> {
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
    pub(super) async fn sweep(&self) -> Result<u64, BucketError> {
        let root = self.root.clone();
        let swept = tokio::task::spawn_blocking(move || staging::sweep(&root)).await;
        swept
            .unwrap_or_else(|error| Err((self.root.to_path_buf(), std::io::Error::other(error))))
            .map_err(|(path, source)| BucketError::Unwritable { path, source })
    }
}

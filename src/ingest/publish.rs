//! The follower that publishes the log: about once a second, when something
//! new was committed, the tiles and entries go to the bucket and then the
//! checkpoint that commits to them.
//!
//! A checkpoint is signed only after its tiles are in the bucket and have been
//! read back as an extension of the last one there. The bucket is the truth:
//! the catalog only tells other nodes how far one of them has come.
//!
//! One node at a time publishes. Should two, since the first stood still: tiles and
//! checkpoints are made of the catalog's leaves alone, so that both put the same
//! bytes under the same names, and each starts from the last checkpoint in the bucket
//! when its turn begins.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use super::log::{self, Log, LogError, Published};
use crate::base::crash;
use crate::base::limits::PUBLISH_LEAVES_MAX;
use crate::catalog::lease::{Standing, Turn};
use crate::catalog::{Catalog, CatalogError, cursor, leaf};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::note::{NoteError, Signer};
use crate::ledger::tile::{self, Edge, Tile};
use crate::ledger::tree;
use crate::vault::bucket::{Bucket, BucketError};

/// The cursor that tells nodes which do not publish how far the log is.
const CURSOR: &str = "published";

/// How often the catalog is asked for new leaves.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often in a row something else is found under a name before it is given up: who
/// has put it puts the checkpoint that tells of it at once.
const DIFFERING_MAX: u32 = 5;

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error(
        "the catalog has {catalog} entries of the log and {published} are published: it is older \
         than the archive; put the newest copy of the catalog back"
    )]
    CatalogBehind { catalog: u64, published: u64 },
    #[error(
        "the catalog's entry {position} of the log is not the published one: it is the catalog of \
         another time or archive; put the right one back"
    )]
    CatalogDiffers { position: u64 },
    #[error("the log's leaf {position} in the catalog does not have the hash beside it")]
    Leaf { position: u64 },
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("publish the log")]
    Bucket(#[from] BucketError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("sign a checkpoint")]
    Sign(#[from] NoteError),
}

impl PublishError {
    /// Whether trying again could succeed. Corruption is never retried.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Bucket(BucketError::Store { .. }) | Self::Catalog(CatalogError::Query { .. }) => {
                true
            }
            Self::Log(error) => !error.is_corruption(),
            _ => false,
        }
    }

    /// Whether the catalog is not the one that the log in the bucket is of: what it
    /// takes will be in no log.
    pub fn is_of_another_catalog(&self) -> bool {
        matches!(self, Self::CatalogBehind { .. } | Self::CatalogDiffers { .. })
    }
}

/// Checks at start that the catalog is not older than the published log and
/// speaks of the same one.
pub async fn check_published(
    catalog: Catalog,
    bucket: Bucket,
    signer: Signer,
) -> Result<Publisher, PublishError> {
    let log = Log::open(bucket.clone(), signer.verifier().clone()).await?;
    let edge = match log.published() {
        None => Edge::new(),
        Some(published) => {
            let count = leaf::count(&catalog).await?;
            if count < published.size {
                return Err(PublishError::CatalogBehind {
                    catalog: count,
                    published: published.size,
                });
            }
            let edge = log.edge(&published).await?;
            compare_last_leaves(&catalog, &log, published.size).await?;
            edge
        }
    };
    let turn = Turn::new(catalog.clone(), "publish");
    Ok(Publisher { catalog, turn, bucket, signer, log, edge })
}

async fn compare_last_leaves(catalog: &Catalog, log: &Log, size: u64) -> Result<(), PublishError> {
    let (first, published) = log.last_leaves(size).await?;
    let ours = leaf::from(catalog, first, tile::WIDTH as u32).await?;
    match ours.iter().zip(&published).find(|(ours, theirs)| ours.hash != **theirs) {
        None => Ok(()),
        Some((ours, _)) => Err(PublishError::CatalogDiffers { position: ours.position }),
    }
}

/// Grows the published log. One per node runs, and takes turns with the others.
#[derive(Debug)]
pub struct Publisher {
    catalog: Catalog,
    turn: Turn,
    bucket: Bucket,
    signer: Signer,
    log: Log,
    /// # Invariant
    /// The edge of what `log` has published.
    edge: Edge,
}

impl Publisher {
    /// The log as readers and provers see it.
    pub fn log(&self) -> Log {
        self.log.clone()
    }

    /// Publishes until `stop` is ready, and once more then. Returns early only
    /// with what must not be tried again.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), PublishError> {
        let mut stop = std::pin::pin!(stop);
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut differing = 0;
        loop {
            let is_last = tokio::select! {
                _ = ticks.tick() => false,
                () = &mut stop => true,
            };
            let published = match self.publish().await {
                // Another may have come first, with what it has.
                Err(PublishError::Bucket(error @ BucketError::Differs(_))) => {
                    differing += 1;
                    match self.take_over().await {
                        Ok(()) if differing < DIFFERING_MAX => Ok(()),
                        Ok(()) => Err(error.into()),
                        Err(other) => Err(other),
                    }
                }
                done => {
                    differing = 0;
                    done
                }
            };
            match published {
                Ok(()) => {}
                Err(error) if error.is_transient() => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "publish the log: will try again"
                    );
                }
                Err(error) => return Err(error),
            }
            if is_last {
                return Ok(self.turn.give_up().await?);
            }
        }
    }

    /// Publishes all that is committed now, or learns what another node published.
    pub async fn publish(&mut self) -> Result<(), PublishError> {
        match self.turn.take().await? {
            Standing::Mine => {}
            Standing::Begun => self.take_over().await?,
            Standing::Others => {
                let size = cursor::get(&self.catalog, CURSOR).await?.max(0) as u64;
                if size > self.log.size() {
                    self.log.heard_of(size).await?;
                }
                return Ok(());
            }
        }
        let count = leaf::count(&self.catalog).await?;
        if count < self.edge.size() {
            return Err(PublishError::CatalogBehind {
                catalog: count,
                published: self.edge.size(),
            });
        }
        while self.edge.size() < count {
            let mut size = count.min(self.edge.size() + u64::from(PUBLISH_LEAVES_MAX));
            // The edge moves only when the checkpoint is in the bucket, so that
            // a failure half-way is tried again from the same place.
            let (edge, published) = loop {
                let edge = self.put_tiles(size).await?;
                // A crash here leaves tiles that no checkpoint speaks of; the next
                // start puts the same ones again, or larger ones beside them.
                crash::point("publish.after_tiles");
                match self.put_checkpoint(&edge).await? {
                    Some(published) => break (edge, published),
                    None if size < count => size += 1,
                    // The next entry, a minute from now at the latest, makes it larger.
                    None => return Ok(()),
                }
            };
            // A crash here leaves nothing undone: the bucket says what is published.
            crash::point("publish.after_checkpoint");
            self.edge = edge;
            self.log.advance(published);
            if self.catalog.is_shared() {
                self.tell_others(size).await?;
            }
        }
        Ok(())
    }

    /// Starts from what is in the bucket, whoever put it there.
    async fn take_over(&mut self) -> Result<(), PublishError> {
        self.log.refresh().await?;
        if let Some(published) = self.log.published()
            && published.size > self.edge.size()
        {
            let count = leaf::count(&self.catalog).await?;
            if count < published.size {
                let published = published.size;
                return Err(PublishError::CatalogBehind { catalog: count, published });
            }
            compare_last_leaves(&self.catalog, &self.log, published.size).await?;
            self.edge = self.log.edge(&published).await?;
        }
        Ok(())
    }

    async fn tell_others(&self, size: u64) -> Result<(), PublishError> {
        let mut tx = self.catalog.write_derived().await?;
        cursor::set(&mut tx, CURSOR, size as i64).await?;
        Ok(self.catalog.commit(tx, "say how far the log is published").await?)
    }

    /// Puts all tiles and bundles by which a log of `size` differs from the
    /// published one.
    async fn put_tiles(&self, size: u64) -> Result<Edge, PublishError> {
        let old = self.edge.size();
        let first = old - old % tile::WIDTH;
        let leaves =
            leaf::from(&self.catalog, first, (size - first).try_into().unwrap_or(u32::MAX)).await?;
        let mut edge = self.edge.clone();
        let mut full = Vec::new();
        for leaf in &leaves {
            if tree::hash_leaf(&leaf.body) != leaf.hash {
                return Err(PublishError::Leaf { position: leaf.position });
            }
            if leaf.position >= old {
                edge.push(leaf.hash, &mut full);
            } else if self.edge.tail()[(leaf.position - first) as usize] != leaf.hash {
                return Err(PublishError::CatalogDiffers { position: leaf.position });
            }
        }
        for (bundle, index) in leaves.chunks(tile::WIDTH as usize).zip(first / tile::WIDTH..) {
            let tile = Tile { level: 0, index, width: bundle.len() as u16 };
            let bytes = tile::encode_bundle(bundle.iter().map(|leaf| leaf.body.as_slice()));
            self.bucket.put_new(&log::object_of_entries(&tile), Bytes::from(bytes)).await?;
        }
        for (tile, bytes) in full.into_iter().chain(edge.partial()) {
            self.bucket.put_new(&log::object_of_tile(&tile), Bytes::from(bytes)).await?;
        }
        Ok(edge)
    }

    /// Signs the log at `edge`, once what is in the bucket has proved to extend
    /// the last checkpoint there. None where something is called so that the archive
    /// did not sign: then there is none of this size.
    async fn put_checkpoint(&self, edge: &Edge) -> Result<Option<Published>, PublishError> {
        let (size, root) = (edge.size(), edge.root());
        let (old, old_root) = (self.edge.size(), self.edge.root());
        let proof = self.log.prove_consistency(old, size).await?;
        if old > 0 && !tree::verify_consistency(old, &old_root, size, &root, &proof) {
            return Err(LogError::Corrupt(format!(
                "its tiles at size {size} do not extend its checkpoint of size {old}"
            ))
            .into());
        }
        let origin = self.signer.verifier().name().to_owned();
        let note = Checkpoint { origin, size, root }.sign(&self.signer)?;
        match self.bucket.put_new(&log::object_of(size), Bytes::from(note.clone())).await {
            Ok(_) => Ok(Some(Published { size, root, note })),
            Err(BucketError::Differs(name)) if !self.log.is_signed(size).await? => {
                tracing::warn!(name, "it is in the way of a checkpoint, and was not signed");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

//! The published log, as it lies in the bucket: the last checkpoint, and
//! proofs read from tiles. Growing it is `publish`'s.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use crate::base::chain::chain;
use crate::base::hash::Digest;
use crate::ledger::checkpoint::{Checkpoint, CheckpointError};
use crate::ledger::note::Verifier;
use crate::ledger::tile::{self, Edge, Tile, TileError, Tiles};
use crate::ledger::tree;
use crate::vault::bucket::{Bucket, BucketError};

/// Where the log's objects are in the bucket.
pub const PREFIX: &str = "log/";
pub const CHECKPOINTS: &str = "log/checkpoint";

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("read the published log")]
    Bucket(#[from] BucketError),
    #[error("the published log's {name} is damaged or of another archive")]
    Checkpoint { name: String, source: CheckpointError },
    #[error("the published log is damaged")]
    Tile(#[from] TileError),
    #[error("the published log is damaged: {0}")]
    Corrupt(String),
}

impl LogError {
    /// Whether the store answered and what it holds is wrong: never retried.
    pub fn is_corruption(&self) -> bool {
        !matches!(self, Self::Bucket(BucketError::Store { .. }))
    }
}

/// A checkpoint that is in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub size: u64,
    pub root: Digest,
    /// The signed note.
    pub note: String,
}

/// That a leaf is in the log that a checkpoint commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    pub position: u64,
    pub path: Vec<Digest>,
    pub checkpoint: Published,
}

impl Inclusion {
    pub fn verify(&self, leaf: &Digest) -> bool {
        let Published { size, root, .. } = &self.checkpoint;
        tree::verify_inclusion(*size, self.position, leaf, &self.path, root)
    }
}

/// The published log. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Log {
    bucket: Bucket,
    verifier: Arc<Verifier>,
    latest: Arc<watch::Sender<Option<Published>>>,
    /// Named as checkpoints are, and signed by nobody.
    strangers: Arc<Mutex<Vec<String>>>,
    stopped: Arc<OnceLock<String>>,
}

impl Log {
    /// Finds and checks the last checkpoint in the bucket.
    pub async fn open(bucket: Bucket, verifier: Verifier) -> Result<Self, LogError> {
        let log = Self {
            bucket,
            verifier: Arc::new(verifier),
            latest: Arc::new(watch::Sender::new(None)),
            strangers: Arc::default(),
            stopped: Arc::default(),
        };
        log.refresh().await?;
        Ok(log)
    }

    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The last checkpoint that this process knows to be in the bucket.
    pub fn published(&self) -> Option<Published> {
        self.latest.borrow().clone()
    }

    /// How many leaves the last checkpoint covers.
    pub fn size(&self) -> u64 {
        self.latest.borrow().as_ref().map_or(0, |published| published.size)
    }

    /// Waits until a checkpoint covers the first `size` leaves; gives up after
    /// `patience`. Whether one does.
    pub async fn wait_for(&self, size: u64, patience: Duration) -> bool {
        let mut latest = self.latest.subscribe();
        let covers = |latest: &Option<Published>| {
            size == 0 || latest.as_ref().is_some_and(|published| published.size >= size)
        };
        matches!(tokio::time::timeout(patience, latest.wait_for(covers)).await, Ok(Ok(_)))
    }

    /// Looks for the last checkpoint in the bucket again: for a process beside
    /// the one that publishes.
    ///
    /// Whoever can write to the bucket can lock anything there under any name, so what
    /// the archive has not signed is no checkpoint: the highest that it signed counts,
    /// under whatever name it lies. That hides no more than a checkpoint that is gone
    /// would, and a check names it.
    pub async fn refresh(&self) -> Result<(), LogError> {
        let (mut strangers, mut why) = (Vec::new(), None);
        for name in self.bucket.list(CHECKPOINTS).await?.into_iter().rev() {
            match self.read(&name).await {
                Err(error @ (LogError::Checkpoint { .. } | LogError::Corrupt(_))) => {
                    if !self.strangers().contains(&name) {
                        tracing::error!(error = chain(&error), "it is left out; run a check");
                    }
                    strangers.push(name);
                    why.get_or_insert(error);
                }
                done => {
                    done?;
                    why = None;
                    break;
                }
            }
        }
        *self.strangers.lock().unwrap_or_else(PoisonError::into_inner) = strangers;
        match why {
            // All of them: it is another's log, or nothing of this one is left.
            Some(error) if self.published().is_none() => Err(error),
            _ => Ok(()),
        }
    }

    /// What is called a checkpoint after the last one, and is none.
    pub fn strangers(&self) -> Vec<String> {
        self.strangers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// This process publishes nothing any more.
    pub fn stop(&self, why: String) {
        let _ = self.stopped.set(why);
    }

    /// Why nothing is published any more, if that is so.
    pub fn stopped(&self) -> Option<&str> {
        self.stopped.get().map(String::as_str)
    }

    /// Whether the archive signed what is in the bucket as the checkpoint of a size.
    pub(super) async fn is_signed(&self, size: u64) -> Result<bool, LogError> {
        let note = self.bucket.get(&object_of(size)).await?;
        Ok(Checkpoint::open(&note, &self.verifier).is_ok())
    }

    /// Reads the checkpoint of a size that another node says it has published.
    pub(super) async fn heard_of(&self, size: u64) -> Result<(), LogError> {
        self.read(&object_of(size)).await
    }

    /// The checkpoint of a size, as it is in the bucket; none of a size that has none.
    pub async fn note_of(&self, size: u64) -> Result<Option<Bytes>, LogError> {
        match self.bucket.get(&object_of(size)).await {
            Ok(note) => Ok(Some(note)),
            Err(BucketError::Missing(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn read(&self, name: &str) -> Result<(), LogError> {
        let note = self.bucket.get(name).await?;
        let damaged = |source| LogError::Checkpoint { name: name.to_owned(), source };
        let checkpoint = Checkpoint::open(&note, &self.verifier).map_err(damaged)?;
        let note = String::from_utf8_lossy(&note).into_owned();
        // What was signed was published, under whatever name it lies.
        self.advance(Published { size: checkpoint.size, root: checkpoint.root, note });
        if name != object_of(checkpoint.size) {
            return Err(LogError::Corrupt(format!(
                "{name} holds the checkpoint of size {}",
                checkpoint.size
            )));
        }
        Ok(())
    }

    /// The proof of the leaf at `position` under the last checkpoint; `None`
    /// where it does not cover the leaf yet.
    pub async fn prove(&self, position: u64) -> Result<Option<Inclusion>, LogError> {
        match self.published() {
            Some(checkpoint) => self.prove_under(&checkpoint, position).await,
            None => Ok(None),
        }
    }

    /// The proof under a given published checkpoint.
    pub async fn prove_under(
        &self,
        checkpoint: &Published,
        position: u64,
    ) -> Result<Option<Inclusion>, LogError> {
        let size = checkpoint.size;
        let tiles = self.fetch(size, &tile::tiles_of_inclusion(size, position)).await?;
        let path = tree::inclusion_proof(size, position, |node| tiles.read(node))?;
        Ok(path.map(|path| Inclusion { position, path, checkpoint: checkpoint.clone() }))
    }

    /// The proof that the log of `new` leaves extends that of `old`; both have
    /// been published.
    pub async fn prove_consistency(&self, old: u64, new: u64) -> Result<Vec<Digest>, LogError> {
        let tiles = self.fetch(new, &tile::tiles_of_consistency(old, new)).await?;
        let proof = tree::consistency_proof(old, new, |node| tiles.read(node))?;
        proof.ok_or_else(|| LogError::Corrupt(format!("a log of {new} cannot extend {old}")))
    }

    /// The right edge of the log at a published size.
    pub(super) async fn edge(&self, published: &Published) -> Result<Edge, LogError> {
        let size = published.size;
        let tiles = self.fetch(size, &Edge::tiles(size).into_iter().collect()).await?;
        let edge = Edge::from_tiles(size, &tiles)?;
        if edge.root() != published.root {
            return Err(LogError::Corrupt(format!(
                "the tiles at size {size} do not give the root of their checkpoint"
            )));
        }
        Ok(edge)
    }

    /// The hashes of the last leaves at a published size: those in the tile
    /// that holds the last one.
    pub(super) async fn last_leaves(&self, size: u64) -> Result<(u64, Vec<Digest>), LogError> {
        let index = size.saturating_sub(1) / tile::WIDTH;
        let Some(tile) = Tile::in_tree(size, 0, index) else { return Ok((0, Vec::new())) };
        let bytes = self.bucket.get(&object_of_tile(&tile)).await?;
        let mut tiles = Tiles::new(size);
        tiles.insert(tile, &bytes)?;
        let first = index * tile::WIDTH;
        let leaves = (first..size)
            .map(|index| tiles.read(tree::Node { level: 0, index }))
            .collect::<Result<_, _>>()?;
        Ok((first, leaves))
    }

    /// Tells those who wait; an older checkpoint than the known one is nothing.
    pub(super) fn advance(&self, published: Published) {
        self.latest.send_if_modified(|latest| {
            let is_newer = latest.as_ref().is_none_or(|known| known.size < published.size);
            if is_newer {
                *latest = Some(published);
            }
            is_newer
        });
    }

    async fn fetch(&self, size: u64, wanted: &BTreeSet<Tile>) -> Result<Tiles, LogError> {
        let mut tiles = Tiles::new(size);
        for tile in wanted {
            tiles.insert(*tile, &self.bucket.get(&object_of_tile(tile)).await?)?;
        }
        Ok(tiles)
    }
}

pub fn object_of(size: u64) -> String {
    format!("{CHECKPOINTS}/{size:020}")
}

pub fn object_of_tile(tile: &Tile) -> String {
    format!("{PREFIX}{}", tile.path())
}

pub fn object_of_entries(tile: &Tile) -> String {
    format!("{PREFIX}{}", tile.entries_path())
}

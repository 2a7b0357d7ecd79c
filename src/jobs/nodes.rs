//! Being one of several nodes: saying so, doing in one's own index what another did
//! to the archive, and adopting what a node left that died.

use std::future::Future;
use std::time::Duration;

use super::rounds::Rounds;
use crate::base::chain::chain;
use crate::base::clock::{Clock, Timestamp};
use crate::base::config::Config;
use crate::base::durable;
use crate::catalog::lease::{Standing, Turn};
use crate::catalog::{Catalog, CatalogError, node};
use crate::ingest::adopt::adopt;
use crate::ingest::{Cause, Ingest, StartError};
use crate::retention::{Retention, RetentionError};
use crate::vault::Vault;

const INTERVAL: Duration = Duration::from_secs(5);
/// In the directory of the node's data: its name. A copy of it is the same node.
const NAME: &str = "node";

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Adopt(#[from] StartError),
    #[error(transparent)]
    Retention(#[from] RetentionError),
    #[error("cannot keep this node's name in {path}: {source}; check [archive] data")]
    Name { path: String, source: std::io::Error },
}

/// The catalog as this node's, and whether its index can be what it was: a node that
/// the catalog does not know missed what was destroyed.
pub async fn join(catalog: &Catalog, config: &Config) -> Result<(Catalog, bool), NodeError> {
    if !catalog.is_shared() {
        return Ok((catalog.clone(), true));
    }
    let path = config.archive.data.join(NAME);
    let unkept = |source| NodeError::Name { path: path.display().to_string(), source };
    let name = match std::fs::read_to_string(&path) {
        Ok(name) => name.trim().to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let name = uuid::Uuid::now_v7().to_string();
            durable::create(&path, format!("{name}\n").as_bytes(), 0o600).map_err(unkept)?;
            name
        }
        Err(error) => return Err(unkept(error)),
    };
    let catalog = catalog.as_node(&name);
    let now = catalog.now(&Clock::System).await?;
    let is_known = node::join(&catalog, now).await?;
    Ok((catalog, is_known))
}

pub struct Nodes {
    vault: Vault,
    catalog: Catalog,
    ingest: Ingest,
    retention: Retention,
    turn: Turn,
}

impl Nodes {
    pub fn new((vault, catalog, ingest): (Vault, Catalog, Ingest), retention: Retention) -> Self {
        let turn = Turn::new(catalog.clone(), "adopt");
        Self { vault, catalog, ingest, retention, turn }
    }

    /// Runs until `stop` is ready; at once, where there is one node only.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        if !self.catalog.is_shared() {
            return;
        }
        let mut rounds = Rounds::new(INTERVAL, stop);
        while rounds.next().await {
            let Some(worked) = rounds.finish(self.work()).await else { break };
            if let Err(error) = worked {
                tracing::warn!(error = chain(&error), "being one of the nodes: tried again");
            }
        }
        let _ = self.turn.give_up().await;
    }

    async fn work(&mut self) -> Result<(), NodeError> {
        self.look_at_server().await?;
        let now = self.catalog.now(&Clock::System).await?;
        if !node::beat(&self.catalog, now).await? {
            tracing::error!("this node was forgotten; start it again, and it fills its index anew");
        }
        self.retention.clear_index().await?;
        if self.turn.take().await? != Standing::Others {
            self.adopt(now).await?;
        }
        Ok(())
    }

    /// A server can be told at any time to lose what it says is committed.
    async fn look_at_server(&self) -> Result<(), NodeError> {
        match self.catalog.check_durable().await? {
            Some(why) if self.ingest.close(Cause::Catalog, why.clone()) => {
                tracing::error!("no mail is taken: {why}");
            }
            Some(_) => {}
            None if self.ingest.open(Cause::Catalog) => {
                tracing::info!("the catalog's server keeps what it commits again; mail is taken");
            }
            None => {}
        }
        Ok(())
    }

    /// A segment that another node is just committing may be adopted too: the second
    /// of both commits finds it there, and its senders hear their 250.
    async fn adopt(&self, now: Timestamp) -> Result<(), NodeError> {
        let silent = node::silent(&self.catalog, now).await?;
        if silent.is_empty() {
            return Ok(());
        }
        adopt(&self.vault, &self.catalog).await?;
        for node in silent {
            tracing::warn!(node, "a node is silent; what it left without a commit was adopted");
            node::mark_gone(&self.catalog, &node).await?;
        }
        Ok(node::forget(&self.catalog, now).await?)
    }
}

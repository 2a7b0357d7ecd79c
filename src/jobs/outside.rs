//! Checkpoints outside of the archive, every so many hours: the newest one is stamped
//! by an authority of time stamps, and mailed to who keeps one. One node at a time
//! does it for all. What fails is told by the status and tried again, and nothing
//! waits for it.
//!
//! What a crash leaves: after the put of a stamp and before its row, a stamp that is
//! as good as any, beside which the next is asked for at once; after a mail and before
//! its row, a mail that is sent twice.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::rounds::Rounds;
use crate::base::chain::chain;
use crate::base::clock::{Clock, Timestamp};
use crate::base::config::{Checkpoint, Config, Post};
use crate::base::crash;
use crate::base::hash::Digest;
use crate::base::limits::OUTSIDE_RETRY_SECONDS;
use crate::catalog::lease::{Standing, Turn};
use crate::catalog::outside::{self, MAIL, Row, STAMP};
use crate::catalog::{Catalog, CatalogError};
use crate::ingest::log::{Log, LogError, Published};
use crate::ingest::stamps;
use crate::ledger::stamp::{self, Authorities, Stamp, StampError};
use crate::post::mail::{self, MailError, Notice};
use crate::post::timestamp::{self, TimestampError};
use crate::vault::bucket::Bucket;
use crate::vault::keys::random;

/// How often it is asked whether something is due.
const INTERVAL: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("[checkpoint] timestamp_ca_file: cannot read {}", path.display())]
    Authorities { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Ask(#[from] TimestampError),
    #[error(transparent)]
    Stamp(#[from] StampError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

pub struct Outside {
    catalog: Catalog,
    clock: Clock,
    bucket: Bucket,
    log: Log,
    checkpoint: Checkpoint,
    post: Post,
    turn: Turn,
}

fn read_authorities(path: &Path) -> Result<Authorities, OutsideError> {
    let wrong = |source| OutsideError::Authorities { path: path.to_owned(), source };
    Ok(Authorities::from_pem(&std::fs::read(path).map_err(wrong)?)?)
}

impl Outside {
    pub fn new(
        catalog: Catalog,
        clock: Clock,
        (bucket, log): (Bucket, Log),
        config: &Config,
    ) -> Self {
        let turn = Turn::new(catalog.clone(), "outside");
        let (checkpoint, post) = (config.checkpoint.clone(), config.post.clone());
        Self { catalog, clock, bucket, log, checkpoint, post, turn }
    }

    /// Runs until `stop` is ready; at once, where nothing is to go outside.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        if self.checkpoint.timestamp_url.is_empty() && self.checkpoint.mail_to.is_empty() {
            return;
        }
        let mut stop = Box::pin(stop);
        // Not before there is a checkpoint at all.
        tokio::select! {
            _ = self.log.wait_for(1, Duration::MAX) => {}
            () = &mut stop => return,
        }
        let mut rounds = Rounds::new(INTERVAL, stop);
        while rounds.next().await {
            let Some(worked) = rounds.finish(self.work()).await else { break };
            if let Err(error) = worked {
                tracing::warn!(error = chain(&error), "checkpoints outside: tried again");
            }
        }
        let _ = self.turn.give_up().await;
    }

    /// Does what is due, where it is this node's turn.
    pub async fn work(&mut self) -> Result<(), CatalogError> {
        if self.turn.take().await? == Standing::Others {
            return Ok(());
        }
        if !self.checkpoint.timestamp_url.is_empty() {
            self.attempt(STAMP).await?;
        }
        if !self.checkpoint.mail_to.is_empty() {
            self.attempt(MAIL).await?;
        }
        Ok(())
    }

    /// Does one of both, if it is due, and notes what came of it.
    async fn attempt(&self, name: &str) -> Result<(), CatalogError> {
        let row = outside::get(&self.catalog, name).await?;
        let now = self.catalog.now(&self.clock).await?;
        let Some(published) = self.log.published().filter(|_| self.is_due(&row, now)) else {
            return Ok(());
        };
        // A stamp says when something was there at the latest: a second one of the same
        // checkpoint says nothing new.
        if name == STAMP && row.size == published.size && row.error.is_empty() {
            return Ok(());
        }
        let done = match name {
            STAMP => self.stamp(&published).await,
            _ => self.mail(&published).await,
        };
        crash::point("outside.after_sent");
        let row = match done {
            Ok(()) => {
                tracing::info!(size = published.size, "a checkpoint went outside: {name}");
                Row { size: published.size, done_at: now, tried_at: now, error: String::new() }
            }
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::from(error));
                tracing::warn!(error, "a checkpoint did not go outside: {name}");
                Row { tried_at: now, error, ..row }
            }
        };
        outside::set(&self.catalog, name, &row).await
    }

    fn is_due(&self, row: &Row, now: Timestamp) -> bool {
        let hours = i64::try_from(self.checkpoint.every_hours).unwrap_or(i64::MAX / 3600);
        let is_over = |since: Timestamp, seconds| since.plus_seconds(seconds) <= now;
        match row.error.is_empty() {
            true => is_over(row.done_at, hours.saturating_mul(3600)),
            false => is_over(row.tried_at, OUTSIDE_RETRY_SECONDS),
        }
    }

    async fn stamp(&self, published: &Published) -> Result<(), OutsideError> {
        let path = self.checkpoint.timestamp_ca_file.as_ref();
        let path = path.ok_or(StampError::Authorities)?;
        let authorities = read_authorities(path)?;
        let nonce: [u8; 8] = random();
        let request = stamp::request(&Digest::of(published.note.as_bytes()), nonce);
        let answer = timestamp::ask(&self.checkpoint.timestamp_url, request).await?;
        let stamp = Stamp::read(&answer)?;
        stamp.is_of(published.note.as_bytes())?;
        stamp.answers(nonce)?;
        stamp.verify(&authorities)?;
        Ok(stamps::put(&self.bucket, published.size, answer).await?)
    }

    async fn mail(&self, published: &Published) -> Result<(), OutsideError> {
        let Published { size, note, .. } = published;
        let origin = self.log.verifier().name();
        let mut files =
            vec![(format!("checkpoint-{size}.txt"), "text/plain", note.clone().into_bytes())];
        let mut text = format!(
            "The newest checkpoint of the archive's log, to be kept where nobody of the archive \
             can change it:\n\n{note}\nThat the log still extends it, shows\n\n    muniment verify \
             --since checkpoint-{size}.txt\n"
        );
        if let Some(stamped) = stamps::newest(&self.bucket).await? {
            let kept = stamped.size;
            text += &format!(
                "\nstamp-{kept}.tsr is a time stamp (RFC 3161) of checkpoint-{kept}.txt. When it \
                 was made, and that it is of this file, shows\n\n    openssl ts -verify -data \
                 checkpoint-{kept}.txt -in stamp-{kept}.tsr -CAfile AUTHORITIES.pem\n"
            );
            if kept != *size {
                let name = format!("checkpoint-{kept}.txt");
                files.push((name, "text/plain", stamped.checkpoint.to_vec()));
            }
            files.push((format!("stamp-{kept}.tsr"), timestamp::REPLY, stamped.stamp.to_vec()));
        }
        let subject = format!("Checkpoint {size} of {origin}");
        let notice = Notice { to: &self.checkpoint.mail_to, subject, text, files };
        Ok(mail::send(&self.post, notice).await?)
    }
}

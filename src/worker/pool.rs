//! The pool: hands requests to children, keeps what they answer.

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::Semaphore;

use super::process::Process;
use super::protocol::{Found, Request, Response};
use crate::base::config;
use crate::base::limits;
use crate::extract::{Reason, Rendered};

/// Nothing to do with the mail: there are no children to give it to.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("start the worker process {program}; check that the file is there and may be run")]
    Start { program: PathBuf, source: io::Error },
    #[error("the worker pool is closed")]
    Closed,
}

/// Why a message could not be read: it failed in two children.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}: {detail}", reason.as_str())]
pub struct Failure {
    pub reason: Reason,
    pub detail: String,
}

pub struct Pool {
    program: PathBuf,
    settings: config::Worker,
    /// Children that wait for work; short locks only.
    idle: Mutex<Vec<Process>>,
    /// One permit for each child that may live.
    permits: Semaphore,
}

impl Pool {
    /// A pool of children of `program`, this binary; they start when needed.
    pub fn new(program: PathBuf, settings: config::Worker) -> Self {
        let permits = Semaphore::new(settings.processes.max(1));
        Self { program, settings, idle: Mutex::default(), permits }
    }

    /// Reads messages; the answers are in their order. Small ones travel
    /// together, and when such a batch fails, each is tried alone.
    pub async fn parse(
        &self,
        messages: &[Bytes],
    ) -> Result<Vec<Result<Found, Failure>>, WorkerError> {
        let work: Vec<_> =
            batches(messages).into_iter().map(|batch| self.parse_batch(batch).boxed()).collect();
        let answers: Vec<_> = stream::iter(work)
            .buffered(self.settings.processes.max(1))
            .try_collect::<Vec<_>>()
            .await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// The HTML of one message, safe to show.
    pub async fn render(&self, message: Bytes) -> Result<Result<Rendered, Failure>, WorkerError> {
        Ok(match self.ask(&Request::Render, &[message]).await? {
            Ok(Response::Rendered(rendered)) => Ok(rendered),
            Ok(_) => Err(wrong_answer()),
            Err(failure) => Err(failure),
        })
    }

    async fn parse_batch(
        &self,
        batch: &[Bytes],
    ) -> Result<Vec<Result<Found, Failure>>, WorkerError> {
        if let [_, _, ..] = batch
            && let Ok(found) = self.parse_once(batch).await?
        {
            return Ok(found.into_iter().map(Ok).collect());
        }
        let mut answers = Vec::with_capacity(batch.len());
        for message in batch {
            let request = parse_request(std::slice::from_ref(message));
            let answer = self.ask(&request, std::slice::from_ref(message)).await?;
            answers.push(answer.and_then(|response| match response {
                Response::Parsed(mut found) if found.len() == 1 => Ok(found.remove(0)),
                _ => Err(wrong_answer()),
            }));
        }
        Ok(answers)
    }

    async fn parse_once(
        &self,
        batch: &[Bytes],
    ) -> Result<Result<Vec<Found>, Failure>, WorkerError> {
        let request = parse_request(batch);
        Ok(match self.attempt(&request, batch, false).await? {
            Ok(Response::Parsed(found)) if found.len() == batch.len() => Ok(found),
            Ok(_) => Err(wrong_answer()),
            Err(failure) => Err(failure),
        })
    }

    /// One request, tried again in a fresh child if the first one failed: that
    /// one may have been worn by earlier mail.
    async fn ask(
        &self,
        request: &Request,
        pieces: &[Bytes],
    ) -> Result<Result<Response, Failure>, WorkerError> {
        if let Ok(response) = self.attempt(request, pieces, false).await? {
            return Ok(Ok(response));
        }
        self.attempt(request, pieces, true).await
    }

    async fn attempt(
        &self,
        request: &Request,
        pieces: &[Bytes],
        is_fresh: bool,
    ) -> Result<Result<Response, Failure>, WorkerError> {
        let _permit = self.permits.acquire().await.map_err(|_| WorkerError::Closed)?;
        let idle = if is_fresh { None } else { self.with_idle(Vec::pop) };
        let mut process = match idle {
            Some(process) => process,
            None => Process::start(&self.program, &self.settings)
                .map_err(|source| WorkerError::Start { program: self.program.clone(), source })?,
        };
        match process.exchange(request, pieces, self.deadline(pieces)).await {
            Ok(response) => {
                self.with_idle(|idle| {
                    // A fresh child may be one too many.
                    if idle.len() < self.settings.processes.max(1) {
                        idle.push(process);
                    }
                });
                Ok(Ok(response))
            }
            Err(reason) => Ok(Err(process.end(reason).await)),
        }
    }

    fn with_idle<T>(&self, change: impl FnOnce(&mut Vec<Process>) -> T) -> T {
        let mut idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut idle)
    }

    /// Reading takes milliseconds; a small message must not hold up the rest
    /// for the whole time that a large one may take.
    fn deadline(&self, pieces: &[Bytes]) -> Duration {
        const BASE_SECONDS: u64 = 10;
        let size: usize = pieces.iter().map(Bytes::len).sum();
        let seconds = BASE_SECONDS + (size >> 20) as u64;
        Duration::from_secs(seconds.min(self.settings.seconds_max.max(1)))
    }
}

fn parse_request(messages: &[Bytes]) -> Request {
    let sizes = messages.iter().map(|message| message.len() as u64).collect();
    Request::Parse { sizes }
}

fn wrong_answer() -> Failure {
    Failure { reason: Reason::Crashed, detail: "the worker gave another answer".into() }
}

/// Cuts `messages` into runs that are small enough to travel together.
fn batches(messages: &[Bytes]) -> Vec<&[Bytes]> {
    let mut batches = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (at, message) in messages.iter().enumerate() {
        let is_full = at - start >= limits::WORKER_BATCH_MESSAGES_MAX
            || size + message.len() > limits::WORKER_BATCH_BYTES_MAX;
        if at > start && is_full {
            batches.push(&messages[start..at]);
            (start, size) = (at, 0);
        }
        size += message.len();
    }
    if start < messages.len() {
        batches.push(&messages[start..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded_and_complete() {
        let small = vec![Bytes::from_static(b"m"); 70];
        let sizes: Vec<usize> = batches(&small).iter().map(|batch| batch.len()).collect();
        assert_eq!(sizes, [32, 32, 6]);
        let large = vec![Bytes::from(vec![0; 700 << 10]); 3];
        assert_eq!(batches(&large).len(), 3);
        assert!(batches(&[]).is_empty());
    }
}

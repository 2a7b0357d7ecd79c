//! The pool: hands requests to children, keeps what they answer.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::{OnceCell, Semaphore};

use super::input::Input;
use super::ocr::Ocr;
use super::process::{Ended, Process, Times};
use super::protocol::{Found, Request, Response};
use super::trial::Trial;
use crate::base::config;
use crate::base::limits;
use crate::extract::{Care, Passwords, Reason, Rendered};

/// Nothing to do with the mail: there are no children to give it to.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("start the worker process {program}; check that the file is there and may be run")]
    Start { program: PathBuf, source: io::Error },
    #[error("[worker] ocr is true, but {0}; or set ocr = false")]
    Ocr(String),
    #[error("the worker pool is closed")]
    Closed,
    #[error("a worker process cannot say what it is kept from: {0}")]
    Untried(Failure),
}

/// Why a message could not be read: it failed in two children, or is pending.
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
    trial: OnceCell<Trial>,
    /// None where nothing is read by its looks.
    ocr: Option<Ocr>,
}

impl Pool {
    /// A pool of children of `program`, this binary; they start when needed.
    pub fn new(program: PathBuf, settings: config::Worker) -> Self {
        let permits = Semaphore::new(settings.processes.max(1));
        let ocr = settings.ocr.then(|| Ocr::new(program.clone(), settings.clone()));
        let (idle, trial) = (Mutex::default(), OnceCell::new());
        Self { program, settings, idle, permits, trial, ocr }
    }

    /// A pool of its own for `processes` children of the same program.
    pub fn beside(&self, processes: usize) -> Self {
        let settings = config::Worker { processes, ..self.settings.clone() };
        Self::new(self.program.clone(), settings)
    }

    /// Reads messages in the short time that those behind them can wait; the
    /// answers are in their order. Small ones travel together. A document that
    /// takes longer, or ends its child, is a gap that says it is pending, and so
    /// is a message that does outside of its documents. [`parse_one`] has the time
    /// for them.
    ///
    /// [`parse_one`]: Pool::parse_one
    pub async fn parse(
        &self,
        messages: &[Bytes],
    ) -> Result<Vec<Result<Found, Failure>>, WorkerError> {
        let messages: Vec<Input> = messages.iter().cloned().map(Input::from).collect();
        let work: Vec<_> =
            batches(&messages).into_iter().map(|batch| self.parse_batch(batch).boxed()).collect();
        let answers: Vec<_> = stream::iter(work)
            .buffered(self.settings.processes.max(1))
            .try_collect::<Vec<_>>()
            .await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// Reads one message, of any size.
    pub async fn parse_one(&self, message: &Input) -> Result<Result<Found, Failure>, WorkerError> {
        self.parse_alone(message, Care::default()).await
    }

    /// Reads one message in full, however long that takes: what is closed by these
    /// passwords, and pictures by their looks.
    pub async fn parse_in_full(
        &self,
        message: &Input,
        passwords: Passwords,
    ) -> Result<Result<Found, Failure>, WorkerError> {
        let care = Care { has_ocr: self.ocr.is_some(), passwords, ..Care::default() };
        self.parse_alone(message, care).await
    }

    /// Whether pictures can be read, where the configuration says that they are.
    pub async fn check_ocr(&self) -> Result<(), WorkerError> {
        match &self.ocr {
            Some(ocr) => ocr.check().await.map_err(WorkerError::Ocr),
            None => Ok(()),
        }
    }

    /// Reads one message; its documents are listed, not read.
    pub async fn outline(&self, message: &Input) -> Result<Result<Found, Failure>, WorkerError> {
        self.parse_alone(message, Care::outside()).await
    }

    /// The HTML of one message, safe to show.
    pub async fn render(&self, message: Input) -> Result<Result<Rendered, Failure>, WorkerError> {
        Ok(match self.ask(&Request::Render, &message).await? {
            Ok((Response::Rendered(rendered), _)) => Ok(rendered),
            Ok(_) => Err(wrong_answer()),
            Err(failure) => Err(failure),
        })
    }

    /// What a child can do beside reading, as one found out when this was first
    /// asked.
    pub async fn trial(&self) -> Result<&Trial, WorkerError> {
        let tried = self.trial.get_or_try_init(|| async {
            match self.ask(&Request::Try, &Input::from(Bytes::new())).await? {
                Ok((Response::Tried(trial), _)) => Ok(trial),
                Ok(_) => Err(WorkerError::Untried(wrong_answer())),
                Err(failure) => Err(WorkerError::Untried(failure)),
            }
        });
        tried.await
    }

    /// The bytes of one document of a message; none if it has no such document.
    pub async fn take(
        &self,
        message: Input,
        ordinal: u32,
        passwords: Passwords,
    ) -> Result<Result<Option<Vec<u8>>, Failure>, WorkerError> {
        let care = Care { passwords, ..Care::default() };
        Ok(match self.ask(&Request::Take { ordinal, care }, &message).await? {
            Ok((Response::Taken(is_there), bytes)) => Ok(is_there.then_some(bytes)),
            Ok(_) => Err(wrong_answer()),
            Err(failure) => Err(failure),
        })
    }

    /// Each failure leaves one document out, or takes the batch apart; so this ends.
    async fn parse_batch(
        &self,
        batch: &[Input],
    ) -> Result<Vec<Result<Found, Failure>>, WorkerError> {
        let care = Care { has_ocr: self.ocr.is_some(), ..Care::short() };
        let mut cares = vec![care; batch.len()];
        let mut answers: Vec<_> = batch.iter().map(|_| Err(pending())).collect();
        let mut failures = 0;
        let mut waiting = VecDeque::new();
        waiting.push_back(0..batch.len());
        while let Some(now) = waiting.pop_front() {
            let inputs = &batch[now.clone()];
            let request = parse_request(inputs, &cares[now.clone()]);
            let times = self.first_times(inputs, failures);
            let document = match self.attempt(&request, inputs, false, times).await? {
                Ok((Response::Parsed(found), _)) if found.len() == inputs.len() => {
                    for (answer, found) in answers[now].iter_mut().zip(found) {
                        *answer = Ok(found);
                    }
                    continue;
                }
                Ok(_) => None,
                Err(ended) => ended.document,
            };
            failures += 1;
            let care = document.and_then(|(message, ordinal)| {
                let care = cares[now.clone()].get_mut(message)?;
                care.unread_from.is_none().then_some((care, ordinal))
            });
            match care {
                Some((care, ordinal)) => {
                    care.postpone(ordinal);
                    waiting.push_front(now);
                }
                None if inputs.len() > 1 => waiting.extend(now.map(|at| at..at + 1)),
                None => {}
            }
        }
        Ok(answers)
    }

    /// A document that fails twice is left alone, and the rest is read without
    /// it; a message that fails outside of its documents is tried once more.
    async fn parse_alone(
        &self,
        message: &Input,
        mut care: Care,
    ) -> Result<Result<Found, Failure>, WorkerError> {
        const ATTEMPTS_MAX: usize = 2 * limits::DOCUMENT_FAILURES_MAX + 2;
        let inputs = std::slice::from_ref(message);
        let mut suspect = None;
        let mut last = wrong_answer();
        for attempt in 0..ATTEMPTS_MAX {
            let request = parse_request(inputs, std::slice::from_ref(&care));
            let times = self.times(inputs);
            let ended = match self.attempt(&request, inputs, attempt > 0, times).await? {
                Ok((Response::Parsed(mut found), pictures)) if found.len() == 1 => {
                    let mut found = found.remove(0);
                    if let Some(ocr) = self.ocr.as_ref().filter(|_| care.has_ocr) {
                        ocr.read(&mut found, &pictures).await;
                    }
                    return Ok(Ok(found));
                }
                Ok(_) => return Ok(Err(wrong_answer())),
                Err(ended) => ended,
            };
            let is_again = attempt > 0 && suspect == ended.document;
            suspect = ended.document;
            last = ended.failure;
            match ended.document {
                Some((_, ordinal)) if is_again => {
                    care.failed.push((ordinal, last.reason));
                    if care.failed.len() == limits::DOCUMENT_FAILURES_MAX {
                        care.unread_from = Some(ordinal);
                    }
                }
                None if is_again => break,
                _ => {}
            }
        }
        Ok(Err(last))
    }

    /// One request, tried again in a fresh child if the first one failed: that
    /// one may have been worn by earlier mail.
    async fn ask(
        &self,
        request: &Request,
        message: &Input,
    ) -> Result<Result<(Response, Vec<u8>), Failure>, WorkerError> {
        let inputs = std::slice::from_ref(message);
        let times = self.times(inputs);
        if let Ok(response) = self.attempt(request, inputs, false, times).await? {
            return Ok(Ok(response));
        }
        Ok(self.attempt(request, inputs, true, times).await?.map_err(|ended| ended.failure))
    }

    async fn attempt(
        &self,
        request: &Request,
        inputs: &[Input],
        is_fresh: bool,
        times: Times,
    ) -> Result<Result<(Response, Vec<u8>), Ended>, WorkerError> {
        let _permit = self.permits.acquire().await.map_err(|_| WorkerError::Closed)?;
        let idle = if is_fresh { None } else { self.with_idle(Vec::pop) };
        let mut process = match idle {
            Some(process) => process,
            None => Process::start(&self.program, &self.settings)
                .map_err(|source| WorkerError::Start { program: self.program.clone(), source })?,
        };
        match process.exchange(request, inputs, times).await {
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
    fn times(&self, inputs: &[Input]) -> Times {
        let size: u64 = inputs.iter().map(Input::size_bytes).sum();
        let seconds = limits::DOCUMENT_SECONDS_MAX + (size >> 20);
        let silence = Duration::from_secs(seconds.min(self.settings.seconds_max.max(1)));
        let family = Duration::from_secs(limits::FAMILY_SECONDS_MAX) + silence;
        let whole = family * inputs.len().max(1) as u32;
        Times { silence, whole, is_patient: true }
    }

    /// Shorter the more failed of those that travel together: however many there
    /// are, their neighbours wait for seconds.
    fn first_times(&self, inputs: &[Input], failures: u32) -> Times {
        let size: u64 = inputs.iter().map(Input::size_bytes).sum();
        let longest = limits::DOCUMENT_FIRST_MS_MAX >> failures.min(8);
        let longest = longest.max(limits::DOCUMENT_FIRST_MS_MIN);
        // A large message takes a while to be sent.
        let silence = longest + (size >> 20) * limits::DOCUMENT_FIRST_MS_MIN;
        let full = self.settings.seconds_max.max(1) * 1000;
        let silence = Duration::from_millis(silence.min(full));
        let each = Duration::from_millis(limits::DOCUMENT_FIRST_MS_MIN) * inputs.len() as u32;
        let family = Duration::from_secs(limits::FAMILY_FIRST_SECONDS_MAX);
        Times { silence, whole: family + silence + each, is_patient: false }
    }
}

fn parse_request(messages: &[Input], cares: &[Care]) -> Request {
    let sized = |(message, care): (&Input, &Care)| (message.size_bytes(), care.clone());
    Request::Parse { messages: messages.iter().zip(cares).map(sized).collect() }
}

fn pending() -> Failure {
    let detail = "it takes longer than others, and is read again".into();
    Failure { reason: Reason::Pending, detail }
}

fn wrong_answer() -> Failure {
    Failure { reason: Reason::Crashed, detail: "the worker gave another answer".into() }
}

/// Cuts `messages` into runs that are small enough to travel together.
fn batches(messages: &[Input]) -> Vec<&[Input]> {
    let mut batches = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (at, message) in messages.iter().enumerate() {
        let is_full = at - start >= limits::WORKER_BATCH_MESSAGES_MAX
            || size + message.size_bytes() > limits::WORKER_BATCH_BYTES_MAX as u64;
        if at > start && is_full {
            batches.push(&messages[start..at]);
            (start, size) = (at, 0);
        }
        size += message.size_bytes();
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
        let small = vec![Input::from(Bytes::from_static(b"m")); 70];
        let sizes: Vec<usize> = batches(&small).iter().map(|batch| batch.len()).collect();
        assert_eq!(sizes, [32, 32, 6]);
        let large = vec![Input::from(Bytes::from(vec![0; 700 << 10])); 3];
        assert_eq!(batches(&large).len(), 3);
        assert!(batches(&[]).is_empty());
    }
}

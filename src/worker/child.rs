//! The child's side: takes limits on itself, then answers requests until its
//! input ends. It is given hostile bytes; whatever happens, only it dies.
//!
//! A child has no use for the network or for files. Taking them away (own user,
//! Landlock, seccomp) is later work; today it has the parent's user, an empty
//! environment and the limits below.

use std::io::{self, BufReader};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::protocol::{self, Found, Request, Response};
use crate::base::{limits, priority};
use crate::extract::{read_message, render_html, take_document};
use crate::similar::set_key;

/// Environment that the parent sets: bytes of address space, and seconds of
/// processor time for one request.
pub const MEMORY: &str = "MUNIMENT_WORKER_MEMORY_BYTES";
pub const SECONDS: &str = "MUNIMENT_WORKER_SECONDS";

#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    #[error("{0} is not set: this command is started by the archive itself")]
    Environment(&'static str),
    #[error("limit the worker's {what}")]
    Limit { what: &'static str, source: io::Error },
    #[error("exchange a frame with the archive")]
    Frame(#[source] io::Error),
    #[error("the parsing thread ended early")]
    Thread,
}

/// Runs the child until its standard input ends.
pub fn run() -> Result<(), ChildError> {
    let number = |name: &'static str| {
        let value = std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
        value.ok_or(ChildError::Environment(name))
    };
    let (memory, seconds) = (number(MEMORY)?, number(SECONDS)?);
    priority::yield_to_ingest();
    limit("memory", Resource::As, memory)?;
    limit("files", Resource::Nofile, limits::WORKER_FILES_MAX)?;
    limit("file size", Resource::Fsize, 0)?;
    limit("core dumps", Resource::Core, 0)?;
    // A panic's text can quote the mail it choked on; the parent learns enough
    // from the end of the process.
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::Builder::new()
        .stack_size(limits::WORKER_STACK_BYTES)
        .spawn(move || answer_all(seconds))
        .map_err(ChildError::Frame)?
        .join()
        .map_err(|_| ChildError::Thread)?
}

fn answer_all(seconds: u64) -> Result<(), ChildError> {
    let mut input = BufReader::with_capacity(256 << 10, io::stdin().lock());
    let mut output = io::stdout().lock();
    loop {
        limit_processor(seconds)?;
        let Some((request, body)) = protocol::read(&mut input).map_err(ChildError::Frame)? else {
            return Ok(());
        };
        let (response, bytes) = answer(request, &body, &mut output);
        protocol::write(&mut output, &response, &bytes).map_err(ChildError::Frame)?;
    }
}

fn answer(request: Request, body: &[u8], output: &mut impl io::Write) -> (Response, Vec<u8>) {
    // A parent that is gone ends this child at its next answer.
    let mut watch = |message, ordinal| {
        let _ = protocol::write(output, &Response::Reading { message, ordinal }, &[]);
    };
    match request {
        Request::Parse { messages } => {
            let mut rest = body;
            let found = messages.into_iter().enumerate().map(|(at, (size, care))| {
                let (bytes, after) = rest.split_at((size as usize).min(rest.len()));
                rest = after;
                let message = read_message(bytes, &care, &mut |ordinal| watch(at, ordinal));
                Found { set_key: set_key(bytes, &message), message }
            });
            (Response::Parsed(found.collect()), Vec::new())
        }
        Request::Take { ordinal } => {
            match take_document(body, ordinal, &mut |ordinal| watch(0, ordinal)) {
                Some(bytes) => (Response::Taken(true), bytes),
                None => (Response::Taken(false), Vec::new()),
            }
        }
        Request::Render => (Response::Rendered(render_html(body)), Vec::new()),
    }
}

fn limit(what: &'static str, resource: Resource, value: u64) -> Result<(), ChildError> {
    let both = Rlimit { current: Some(value), maximum: Some(value) };
    setrlimit(resource, both).map_err(|error| ChildError::Limit { what, source: error.into() })
}

/// Allows `seconds` more of processor time than was used so far. The parent's
/// deadline comes first; this ends a child whose parent is gone.
fn limit_processor(seconds: u64) -> Result<(), ChildError> {
    let what = "processor time";
    let used = processor_seconds().unwrap_or(u64::from(u32::MAX));
    let next = Rlimit { current: Some(used.saturating_add(seconds)), maximum: None };
    setrlimit(Resource::Cpu, next).map_err(|error| ChildError::Limit { what, source: error.into() })
}

/// User and system time of this process, from proc(5); ticks are 100 a second.
fn processor_seconds() -> Option<u64> {
    const TICKS_PER_SECOND: u64 = 100;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some((user + system).div_ceil(TICKS_PER_SECOND) + 1)
}

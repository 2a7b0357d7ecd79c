//! The child's side: takes limits on itself, then answers requests until its
//! input ends. It is given hostile bytes; whatever happens, only it dies.
//!
//! A child has no use for the network, for files or for other processes: what it
//! gives up is in [`super::confine`]. Here are the limits of what is left to it.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::confine::Confinement;
use super::protocol::{self, Found, Request, Response};
use super::trial::Trial;
use crate::base::{config, limits, priority};
use crate::extract::{Reading, read_whole, render_html, take_document};
use crate::similar::set_key;

/// Environment that the parent sets: bytes of address space, and seconds of
/// processor time for one request.
pub const MEMORY: &str = "MUNIMENT_WORKER_MEMORY_BYTES";
pub const SECONDS: &str = "MUNIMENT_WORKER_SECONDS";
/// Whom to become where the server is root's.
pub const USER: &str = "MUNIMENT_WORKER_USER";

/// A family may take longer than each of its documents, which the parent waits for; this
/// only bounds a child whose parent is gone.
const FAMILY_TIMES: u64 = 8;

/// What may be run in a child's stead.
const PROGRAMS: [&str; 2] = ["tesseract", "pdftoppm"];

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
    #[error("there is no program {0} that could be run")]
    NoProgram(String),
    #[error("run {}", program.display())]
    Program { program: PathBuf, source: io::Error },
}

/// What a child is started with.
pub(super) fn environment(settings: &config::Worker, seconds: u64) -> [(&'static str, String); 3] {
    [
        (MEMORY, settings.memory_bytes_max.to_string()),
        (SECONDS, seconds.to_string()),
        (USER, settings.user_id.to_string()),
    ]
}

/// Runs the child until its standard input ends.
pub fn run() -> Result<(), ChildError> {
    let (seconds, user) = take_limits(limits::WORKER_FILES_MAX)?;
    let usage = Usage::of_this();
    let confinement = Confinement::of_reader(user);
    // A panic's text can quote the mail it choked on; the parent learns enough
    // from the end of the process.
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::Builder::new()
        .stack_size(limits::WORKER_STACK_BYTES)
        .spawn(move || answer_all(seconds, usage, &confinement.filtered()))
        .map_err(ChildError::Frame)?
        .join()
        .map_err(|_| ChildError::Thread)?
}

/// Limits this process; returns the seconds of one request, and whom to become.
fn take_limits(files: u64) -> Result<(u64, u32), ChildError> {
    let number = |name: &'static str| {
        let value = std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
        value.ok_or(ChildError::Environment(name))
    };
    let (memory, seconds) = (number(MEMORY)?, number(SECONDS)?);
    let user = u32::try_from(number(USER)?).map_err(|_| ChildError::Environment(USER))?;
    priority::yield_to_ingest();
    limit("memory", Resource::As, memory)?;
    limit("files", Resource::Nofile, files)?;
    limit("file size", Resource::Fsize, 0)?;
    limit("core dumps", Resource::Core, 0)?;
    Ok((seconds, user))
}

/// Becomes one of the system's programs, with less of everything. Returns only if
/// that fails.
pub fn become_program(name: &str, arguments: &[String]) -> Result<Infallible, ChildError> {
    const FOLDERS: [&str; 3] = ["/usr/bin", "/usr/local/bin", "/bin"];
    let program = PROGRAMS.iter().find(|known| **known == name).and_then(|name| {
        FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())
    });
    let program = program.ok_or_else(|| ChildError::NoProgram(name.to_owned()))?;
    let (seconds, user) = take_limits(limits::OCR_FILES_MAX)?;
    // It has only just begun.
    limit_processor(0, seconds)?;
    Confinement::of_program(user);
    let source = Command::new(&program)
        .args(arguments)
        .env_clear()
        // It would start threads, and may not.
        .env("OMP_THREAD_LIMIT", "1")
        .env("LC_ALL", "C.UTF-8")
        .exec();
    Err(ChildError::Program { program, source })
}

fn answer_all(seconds: u64, mut usage: Usage, confinement: &Confinement) -> Result<(), ChildError> {
    let mut input = BufReader::with_capacity(256 << 10, io::stdin().lock());
    let mut output = io::stdout().lock();
    loop {
        limit_processor(usage.seconds(), seconds.saturating_mul(FAMILY_TIMES))?;
        let Some((request, body)) = protocol::read(&mut input).map_err(ChildError::Frame)? else {
            return Ok(());
        };
        let (response, bytes) = answer(request, &body, confinement, &mut output);
        protocol::write(&mut output, &response, &bytes).map_err(ChildError::Frame)?;
    }
}

fn answer(
    request: Request,
    body: &[u8],
    confinement: &Confinement,
    output: &mut impl io::Write,
) -> (Response, Vec<u8>) {
    // A parent that is gone ends this child at its next answer.
    let mut watch = |message, ordinal| {
        let _ = protocol::write(output, &Response::Reading { message, ordinal }, &[]);
    };
    match request {
        Request::Parse { messages } => {
            let mut rest = body;
            let mut pictures = Vec::new();
            let found = messages.into_iter().enumerate().map(|(at, (size, care))| {
                let (bytes, after) = rest.split_at((size as usize).min(rest.len()));
                rest = after;
                let Reading { message, mut scans } =
                    read_whole(bytes, &care, &mut |ordinal| watch(at, ordinal));
                for scan in &mut scans {
                    pictures.append(&mut scan.bytes);
                }
                Found { set_key: set_key(bytes, &message), message, scans }
            });
            let found = found.collect();
            (Response::Parsed(found), pictures)
        }
        Request::Take { ordinal, care } => {
            match take_document(body, ordinal, &care, &mut |ordinal| watch(0, ordinal)) {
                Some(bytes) => (Response::Taken(true), bytes),
                None => (Response::Taken(false), Vec::new()),
            }
        }
        Request::Render => (Response::Rendered(render_html(body)), Vec::new()),
        Request::Try => (Response::Tried(Trial::run(confinement.clone())), Vec::new()),
    }
}

fn limit(what: &'static str, resource: Resource, value: u64) -> Result<(), ChildError> {
    let both = Rlimit { current: Some(value), maximum: Some(value) };
    setrlimit(resource, both).map_err(|error| ChildError::Limit { what, source: error.into() })
}

/// Allows `seconds` more of processor time than was used so far. The parent's
/// deadline comes first; this ends a child whose parent is gone.
fn limit_processor(used: u64, seconds: u64) -> Result<(), ChildError> {
    let what = "processor time";
    let next = Rlimit { current: Some(used.saturating_add(seconds)), maximum: None };
    setrlimit(Resource::Cpu, next).map_err(|error| ChildError::Limit { what, source: error.into() })
}

/// What proc(5) says of this process. It is opened before no file can be any more.
struct Usage(Option<File>);

impl Usage {
    fn of_this() -> Self {
        Self(File::open("/proc/self/stat").ok())
    }

    /// User and system time; ticks are 100 a second. Where it cannot be read, there
    /// is no limit.
    fn seconds(&mut self) -> u64 {
        self.read().unwrap_or(u64::from(u32::MAX))
    }

    fn read(&mut self) -> Option<u64> {
        const TICKS_PER_SECOND: u64 = 100;
        let file = self.0.as_mut()?;
        let mut stat = String::new();
        file.rewind().ok()?;
        file.read_to_string(&mut stat).ok()?;
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut times = fields.split(' ').skip(11);
        let user: u64 = times.next()?.parse().ok()?;
        let system: u64 = times.next()?.parse().ok()?;
        Some((user + system).div_ceil(TICKS_PER_SECOND) + 1)
    }
}

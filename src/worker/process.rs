//! One child process as the parent holds it.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::input::Input;
use super::protocol::{self, Request, Response};
use super::{Failure, child};
use crate::base::config;
use crate::extract::Reason;

pub struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// The document that it said it is reading, and of which message.
    document: Option<(usize, u32)>,
}

/// How a process ended, and at which document of which message.
pub struct Ended {
    pub failure: Failure,
    pub document: Option<(usize, u32)>,
}

impl Process {
    /// Starts one, in a process group of its own.
    pub fn start(program: &Path, settings: &config::Worker) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg("worker")
            .env_clear()
            .env(child::MEMORY, settings.memory_bytes_max.to_string())
            .env(child::SECONDS, settings.seconds_max.to_string())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (stdin, stdout) = pipes.ok_or_else(|| io::Error::other("a child without pipes"))?;
        Ok(Self { child, stdin, stdout, document: None })
    }

    /// One request. After an error the process is of no more use: [`end`] it.
    ///
    /// [`end`]: Process::end
    pub async fn exchange(
        &mut self,
        request: &Request,
        inputs: &[Input],
        times: Times,
    ) -> Result<(Response, Vec<u8>), Reason> {
        self.document = None;
        let whole = async {
            let send = protocol::send(&mut self.stdin, request, inputs);
            in_time(times.silence, send).await?;
            loop {
                let answer = protocol::receive(&mut self.stdout);
                match in_time(times.silence, answer).await? {
                    (Response::Reading { message, ordinal }, _) => {
                        self.document = Some((message, ordinal));
                    }
                    answer => return Ok(answer),
                }
            }
        };
        let ended = tokio::time::timeout(times.whole, whole).await;
        ended.unwrap_or(Err(Reason::TimedOut))
    }

    /// Kills the process with its group and says how it ended.
    pub async fn end(mut self, reason: Reason) -> Ended {
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id as i32)) {
            // It may be gone already; then there is nothing to kill.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let detail = match self.child.wait().await {
            Ok(status) if reason == Reason::Crashed => format!("the worker ended: {status}"),
            _ => String::from("the worker was ended at its deadline"),
        };
        Ended { failure: Failure { reason, detail }, document: self.document }
    }
}

/// How long a child may be silent, and how long it may take with all.
#[derive(Clone, Copy)]
pub struct Times {
    pub silence: Duration,
    pub whole: Duration,
}

async fn in_time<T>(
    time: Duration,
    exchange: impl Future<Output = io::Result<T>>,
) -> Result<T, Reason> {
    match tokio::time::timeout(time, exchange).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(Reason::Crashed),
        Err(_) => Err(Reason::TimedOut),
    }
}

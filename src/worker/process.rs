//! One child process as the parent holds it.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::confine::as_user;
use super::input::Input;
use super::protocol::{self, Request, Response};
use super::{Failure, child};
use crate::base::{config, limits};
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
        let mut child = as_user(settings.user_id, || {
            let mut command = Command::new(program);
            command
                .arg("worker")
                .env_clear()
                .envs(child::environment(settings, settings.seconds_max))
                .current_dir("/")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .process_group(0)
                .kill_on_drop(true);
            command
        })?;
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
        let watch = Watch { child: self.child.id(), is_patient: times.is_patient };
        let whole = async {
            let send = protocol::send(&mut self.stdin, request, inputs);
            watch.in_time(times.silence, send).await?;
            loop {
                let answer = protocol::receive(&mut self.stdout);
                match watch.in_time(times.silence, answer).await? {
                    (Response::Reading { message, ordinal }, _) => {
                        self.document = Some((message, ordinal));
                    }
                    answer => return Ok(answer),
                }
            }
        };
        watch.in_time(times.whole, async { Ok(whole.await) }).await?
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
    /// Whether time counts less in which others keep the child from running.
    pub is_patient: bool,
}

/// What a child does with its time.
struct Watch {
    child: Option<u32>,
    is_patient: bool,
}

impl Watch {
    async fn in_time<T>(
        &self,
        time: Duration,
        exchange: impl Future<Output = io::Result<T>>,
    ) -> Result<T, Reason> {
        let mut exchange = std::pin::pin!(exchange);
        let begun = self.used();
        for _ in 0..limits::STARVED_WAITS_MAX {
            match tokio::time::timeout(time, &mut exchange).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(_)) => return Err(Reason::Crashed),
                Err(_) if self.is_patient && self.is_starved(begun, time) => {}
                Err(_) => break,
            }
        }
        Err(Reason::TimedOut)
    }

    /// Whether it would run, and had the processor for less than half of `time`.
    fn is_starved(&self, begun: Option<Used>, time: Duration) -> bool {
        let (Some(begun), Some(now)) = (begun, self.used()) else { return false };
        now.would_run && now.time.saturating_sub(begun.time) < time / 2
    }

    fn used(&self) -> Option<Used> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child?)).ok()?;
        let each = tasks.filter_map(|task| Used::of_task(&task.ok()?.path()));
        each.reduce(|one, other| Used {
            would_run: one.would_run || other.would_run,
            time: one.time + other.time,
        })
    }
}

#[derive(Clone, Copy)]
struct Used {
    would_run: bool,
    /// Of the processor.
    time: Duration,
}

impl Used {
    /// A thread's state, and fields 14 and 15 of its `stat`: proc(5).
    fn of_task(task: &Path) -> Option<Self> {
        let stat = std::fs::read_to_string(task.join("stat")).ok()?;
        // Its name may have blanks and parentheses of its own.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let would_run = fields.next()? == "R";
        let mut ticks = fields.skip(10).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
        let ticks = ticks.next()? + ticks.next()?;
        let time = Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second());
        Some(Self { would_run, time })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spun() -> std::process::Child {
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", "while :; do :; done"]).spawn().unwrap()
    }

    /// Who spins has the processor, or waits for it; who sleeps does neither.
    #[tokio::test]
    async fn a_child_that_is_kept_from_running_is_known_from_one_that_hangs() {
        let mut spinning = spun();
        let mut sleeping = std::process::Command::new("/bin/sleep").arg("1000").spawn().unwrap();
        let of = |child: &std::process::Child| Watch { child: Some(child.id()), is_patient: true };
        let (spins, sleeps) = (of(&spinning), of(&sleeping));
        let (begun, slept) = (spins.used(), sleeps.used());
        while !spins.used().is_some_and(|used| used.would_run && used.time.as_millis() > 200) {
            tokio::task::yield_now().await;
        }
        let had = spins.used().unwrap().time;
        assert!(spins.is_starved(begun, had * 4), "it would have run for longer");
        assert!(!spins.is_starved(begun, had), "it had what it may have");
        assert!(!sleeps.is_starved(slept, Duration::from_secs(10)));
        for child in [&mut spinning, &mut sleeping] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(spins.used().is_none() && !spins.is_starved(begun, had * 4));
    }
}

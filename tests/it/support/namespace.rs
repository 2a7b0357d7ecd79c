//! A mount namespace of its own, so that a test can have a small disk, fill it,
//! and take the right to write away, also from root.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Its mounts go away with it.
pub struct Namespace {
    /// Holds it open until its input ends.
    holder: Child,
    is_user: bool,
}

impl Namespace {
    /// None, said loudly, where the kernel allows no such thing.
    pub fn new() -> Option<Self> {
        let tries = [&["--mount"][..], &["--mount", "--map-root-user"]];
        for flags in tries {
            let mut command = Command::new("unshare");
            command.args(flags).args(["--propagation", "private", "sh", "-c", "echo in; exec cat"]);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let Ok(mut holder) = command.spawn() else { break };
            let mut said = String::new();
            let _ = BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said);
            if said == "in\n" {
                return Some(Self { holder, is_user: flags.len() > 1 });
            }
            holder.wait().unwrap();
        }
        eprintln!("SKIPPED: this kernel gives no mount namespace (unshare --mount)");
        None
    }

    /// A command that runs `program` inside.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string(), "--mount"]);
        if self.is_user {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg("--").arg(program);
        command
    }

    /// Runs a line of shell inside; whether it succeeded.
    pub fn sh(&self, line: &str) -> bool {
        self.command("sh").args(["-c", line]).status().unwrap().success()
    }

    /// How a path inside is reached from outside.
    pub fn outside(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(path.strip_prefix("/").unwrap())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Its input ends, and with it the last process inside.
        let mut stdin = self.holder.stdin.take().unwrap();
        let _ = stdin.flush();
        drop(stdin);
        let _ = self.holder.wait();
    }
}

//! What a child can still do when it tries: not what the kernel is said to
//! enforce, but what it does. A child that was asked does it in its own skin.

use std::fs;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::confine::Confinement;

/// What a child found out about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    pub confinement: Confinement,
    /// What it could do all the same.
    pub open: Vec<Act>,
}

/// What nobody who reads mail needs to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    OpenSocket,
    OpenLocalSocket,
    WriteFile,
    ReadFile,
    StartProcess,
    StartThread,
    SignalServer,
}

impl Act {
    pub fn words(self) -> &'static str {
        match self {
            Self::OpenSocket => "open a socket",
            Self::OpenLocalSocket => "open a local socket",
            Self::WriteFile => "write a file",
            Self::ReadFile => "read a file",
            Self::StartProcess => "start a process",
            Self::StartThread => "start a thread",
            Self::SignalServer => "signal the server",
        }
    }

    fn is_possible(self) -> bool {
        match self {
            Self::OpenSocket => UdpSocket::bind("127.0.0.1:0").is_ok(),
            Self::OpenLocalSocket => UnixDatagram::unbound().is_ok(),
            Self::WriteFile => can_write(),
            Self::ReadFile => fs::read("/proc/self/status").is_ok() || fs::read_dir("/").is_ok(),
            Self::StartProcess => can_start(),
            Self::StartThread => {
                std::thread::Builder::new().spawn(|| {}).is_ok_and(|it| it.join().is_ok())
            }
            Self::SignalServer => rustix::process::getppid()
                .is_some_and(|parent| rustix::process::test_kill_process(parent).is_ok()),
        }
    }
}

impl Trial {
    /// Tries each act in this process.
    pub fn run(confinement: Confinement) -> Self {
        const ACTS: [Act; 7] = [
            Act::OpenSocket,
            Act::OpenLocalSocket,
            Act::WriteFile,
            Act::ReadFile,
            Act::StartProcess,
            Act::StartThread,
            Act::SignalServer,
        ];
        Self { confinement, open: ACTS.into_iter().filter(|act| act.is_possible()).collect() }
    }

    /// In words, as the status has it.
    pub fn words(&self) -> String {
        let confinement = self.confinement.words();
        let open: Vec<&str> = self.open.iter().map(|act| act.words()).collect();
        match open.as_slice() {
            [] => format!("{confinement}; refused all that was tried"),
            open => format!("{confinement}; they can {}", open.join(", ")),
        }
    }
}

fn can_write() -> bool {
    let path = std::env::temp_dir().join(format!("muniment-trial-{}", std::process::id()));
    let is_possible = fs::File::create_new(&path).is_ok();
    if is_possible {
        // It was empty; a later trial makes another one.
        let _ = fs::remove_file(&path);
    }
    is_possible
}

fn can_start() -> bool {
    // What is inherited needs no file to be opened: only the start is tried.
    let own = Stdio::inherit;
    let started = Command::new("/bin/true").stdin(own()).stdout(own()).stderr(own()).spawn();
    started.is_ok_and(|mut child| child.wait().is_ok())
}

//! Subcommands: reading arguments, one file for each command, exit codes.
//!
//! Exit codes: 0 done; 1 the command failed or a check found a fault; 2 wrong
//! arguments, or nothing could be checked; 3 a check found all good that can be
//! checked, but not all can.

mod ask;
mod check_pst;
mod classes;
pub mod demo;
mod export;
mod init;
mod keys;
mod master;
mod rebuild;
mod serve;
mod status;
mod user;
mod verify;
mod verify_export;
mod worker;

use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::base::config::Config;
use crate::base::limits::SERVER_STACK_BYTES;

/// Compliance archive and eDiscovery appliance for email.
#[derive(Parser)]
#[command(name = "muniment", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create an archive: configuration, keys, catalog, log and local bucket.
    Init(init::Arguments),
    /// Receive, index, and serve the web app and the API until stopped.
    Serve(serve::Arguments),
    /// Make an archive with mail in it and serve it, to try things out.
    Demo(demo::Arguments),
    /// Make a lost catalog again from the bucket and the master key.
    Rebuild(rebuild::Arguments),
    /// Check the whole archive: every object, row and leaf against the others.
    Verify(verify::Arguments),
    /// How the archive is, and whether its bucket enforces write-once.
    Status(status::Arguments),
    /// Copies of the master key, proofs that they open, and its rotation.
    #[command(subcommand)]
    Keys(keys::Command),
    /// The retention classes, and the trial of rules that give them.
    #[command(subcommand)]
    Classes(classes::Command),
    /// People who can sign in.
    #[command(subcommand)]
    User(user::Command),
    /// Export the hits of a search into a bundle with proofs.
    Export(export::Arguments),
    /// Check an export bundle with nothing but the bundle and the public key.
    VerifyExport(verify_export::Arguments),
    /// Check the structure of a PST against Microsoft's format, MS-PST.
    CheckPst(check_pst::Arguments),
    /// Print the version.
    Version,
    /// Read mail for the archive that started this process.
    #[command(hide = true)]
    Worker(worker::Arguments),
}

/// The archive that a command works on.
#[derive(Args)]
pub(crate) struct ConfigArgument {
    /// The archive's configuration file, as `init` wrote it.
    #[arg(long, value_name = "FILE", env = "MUNIMENT_CONFIG", default_value = "muniment.toml")]
    config: PathBuf,
}

impl ConfigArgument {
    pub(crate) fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&self.config)?)
    }
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("muniment: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Init(arguments) => block_on(init::run(arguments))?,
        Command::Serve(arguments) => block_on(serve::run(arguments))?,
        Command::Demo(arguments) => block_on(demo::run(arguments))?,
        Command::Rebuild(arguments) => return block_on(rebuild::run(arguments)),
        Command::Verify(arguments) => {
            return block_on(async { Ok(verify::run(arguments).await) });
        }
        Command::Status(arguments) => block_on(status::run(arguments))?,
        Command::Keys(command) => return block_on(keys::run(command)),
        Command::Classes(command) => block_on(classes::run(command))?,
        Command::User(command) => block_on(user::run(command))?,
        Command::Export(arguments) => block_on(export::run(arguments))?,
        Command::VerifyExport(arguments) => return Ok(verify_export::run(&arguments)),
        Command::CheckPst(arguments) => return Ok(check_pst::run(&arguments)),
        Command::Version => print(concat!("muniment ", env!("CARGO_PKG_VERSION"), "\n"))?,
        Command::Worker(arguments) => worker::run(&arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(SERVER_STACK_BYTES)
        .enable_all()
        .build()?;
    let result = runtime.block_on(future);
    // Blocking work that is still under way has nothing to say any more.
    runtime.shutdown_background();
    result
}

/// Writes to standard output. A reader that has gone, as `head` does, has had
/// enough; any other trouble is an error.
fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

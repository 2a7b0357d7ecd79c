//! `muniment verify-export`: checks a bundle. Needs no configuration, archive
//! or network.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use crate::ledger::note::Verifier;
use crate::ledger::stamp::Authorities;
use crate::verify::bundle::{verify_file, verify_with};
use crate::verify::report::{EXIT_UNCHECKED, Report};

use super::print;

/// Exit codes: 0 everything holds; 1 something does not, and is named; 2 nothing
/// could be checked; 3 everything holds, but some items carry no proof, since
/// the log had not been published that far.
#[derive(clap::Args)]
pub struct Arguments {
    /// The bundle: a zip, or the directory that it was unpacked into.
    bundle: PathBuf,
    /// The log's public key as `init` printed it, or a file with it.
    #[arg(long, value_name = "KEY|FILE")]
    key: String,
    /// A loose copy of one message or attachment: checks it alone.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Authorities (PEM): the bundle's time stamp must be by one of them.
    #[arg(long, value_name = "FILE")]
    timestamp_ca: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> ExitCode {
    match check(arguments) {
        Ok(report) => {
            let text = match serde_json::to_string_pretty(&report) {
                Ok(json) if arguments.json => json + "\n",
                _ => report.to_string(),
            };
            match print(&text) {
                Ok(()) => ExitCode::from(report.exit_code()),
                Err(error) => {
                    eprintln!("muniment: cannot write the report: {error}");
                    ExitCode::from(EXIT_UNCHECKED)
                }
            }
        }
        Err(error) => {
            eprintln!("muniment: {error:#}");
            ExitCode::from(EXIT_UNCHECKED)
        }
    }
}

fn check(arguments: &Arguments) -> anyhow::Result<Report> {
    let key = read_key(&arguments.key)?;
    let authorities = arguments.timestamp_ca.as_deref().map(read_authorities).transpose()?;
    Ok(match &arguments.file {
        Some(file) => verify_file(&arguments.bundle, &key, file)?,
        None => verify_with(&arguments.bundle, &key, authorities.as_ref())?,
    })
}

fn read_authorities(path: &Path) -> anyhow::Result<Authorities> {
    let pem = std::fs::read(path)
        .with_context(|| format!("cannot read the authorities in {}", path.display()))?;
    Authorities::from_pem(&pem).with_context(|| path.display().to_string())
}

fn read_key(given: &str) -> anyhow::Result<Verifier> {
    let path = Path::new(given);
    if path.is_file() {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the key in {}", path.display()))?;
        return text.trim().parse().with_context(|| format!("the key in {}", path.display()));
    }
    given.trim().parse().with_context(|| format!("{given:?} is no file and no key"))
}

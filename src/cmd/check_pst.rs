//! `muniment check-pst`: whether a PST is as MS-PST has it. Needs nothing but the
//! file, whoever wrote it.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::pst::check::{Report, check};

use super::print;

/// Exit codes: 0 every structure is as MS-PST has it; 1 some are not, and are named;
/// 2 the file could not be read.
#[derive(clap::Args)]
pub struct Arguments {
    /// The file: Unicode, as Outlook 2003 and later write them.
    file: PathBuf,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

const EXIT_UNCHECKED: u8 = 2;

pub fn run(arguments: &Arguments) -> ExitCode {
    let said = report(arguments).and_then(|report| {
        let text = match arguments.json {
            true => serde_json::to_string_pretty(&report)? + "\n",
            false => format!("{}: {report}", arguments.file.display()),
        };
        print(&text).context("write the report")?;
        Ok(ExitCode::from(u8::from(!report.findings.is_empty())))
    });
    said.unwrap_or_else(|error| {
        eprintln!("muniment: {error:#}");
        ExitCode::from(EXIT_UNCHECKED)
    })
}

fn report(arguments: &Arguments) -> anyhow::Result<Report> {
    let name = || format!("read {}", arguments.file.display());
    check(File::open(&arguments.file).with_context(name)?).with_context(name)
}

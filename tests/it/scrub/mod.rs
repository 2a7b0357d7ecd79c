//! The check of the whole archive: every fault that someone with the bucket or the
//! catalog can make is found and named, and nothing else.

mod acts;
mod copy;
mod derived;
mod faults;
mod kills;
mod postgres;
mod s3;
mod since;

use std::path::Path;
use std::process::{Command, Output};

use super::support::binary;

pub(super) fn verify(config: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(["verify", "--config"]).arg(config).args(arguments);
    command.output().unwrap()
}

pub(super) fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap()
}

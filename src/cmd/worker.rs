//! `muniment worker`: hidden; the archive starts it to read mail apart from itself.

use crate::worker::child;

#[derive(clap::Args)]
pub struct Arguments {
    /// Become this program instead, limited as a worker is.
    #[arg(long, value_name = "PROGRAM")]
    run: Option<String>,
    #[arg(last = true)]
    arguments: Vec<String>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.run {
        None => child::run()?,
        Some(program) => match child::become_program(program, &arguments.arguments)? {},
    }
    Ok(())
}

//! `muniment user`: people, from the command line of the machine.

use crate::access::person::{self, New};
use crate::access::{Access, Actor, Role};
use crate::app::Archive;

use super::ConfigArgument;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Add a person; prints a password for the first sign-in.
    Add {
        #[command(flatten)]
        config: ConfigArgument,
        /// The name to sign in with.
        name: String,
        #[arg(long, value_enum)]
        role: RoleArgument,
        /// The name that others see; by default the sign-in name.
        #[arg(long, value_name = "NAME")]
        display_name: Option<String>,
        /// May search outside a matter (legal only).
        #[arg(long)]
        archive_wide: bool,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum RoleArgument {
    Administrator,
    Legal,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    let Command::Add { config, name, role, display_name, archive_wide } = command;
    let archive = Archive::open(config.load()?).await?;
    let new = New {
        display_name: display_name.unwrap_or_else(|| name.clone()),
        name,
        role: match role {
            RoleArgument::Administrator => Role::Administrator,
            RoleArgument::Legal => Role::Legal,
        },
        is_archive_wide: archive_wide,
    };
    let (login, password) = add(&archive, new).await?;
    println!("login: {login}");
    println!("password: {password}");
    Ok(())
}

/// Adds a person as the operator; gives the sign-in name and the password for
/// the first sign-in.
pub async fn add(archive: &Archive, new: New) -> anyhow::Result<(String, String)> {
    let access = Access::new(
        archive.catalog.clone(),
        archive.clock.clone(),
        archive.config.http.session_idle_minutes,
    );
    let operator = Actor::operator(Role::Administrator);
    let (person, password) = person::create(&operator, &access, new).await?;
    Ok((person.name, password))
}

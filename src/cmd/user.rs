//! `muniment user`: people, from the command line of the machine.

use anyhow::Context as _;

use crate::access::person::{self, New};
use crate::access::{Actor, Role};
use crate::app::Archive;

use super::{ConfigArgument, print};

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
        /// Searches and reads all mail, outside matters too (legal and auditors only).
        #[arg(long)]
        archive_wide: bool,
    },
    /// Give a person a new password for the next sign-in; ends their sessions.
    Reset {
        #[command(flatten)]
        config: ConfigArgument,
        /// The name to sign in with.
        name: String,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum RoleArgument {
    Administrator,
    Legal,
    Reviewer,
    Records,
    Auditor,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    let (login, password) = match command {
        Command::Add { config, name, role, display_name, archive_wide } => {
            let archive = Archive::open(config.load()?).await?;
            let new = New {
                display_name: display_name.unwrap_or_else(|| name.clone()),
                name,
                role: match role {
                    RoleArgument::Administrator => Role::Administrator,
                    RoleArgument::Legal => Role::Legal,
                    RoleArgument::Reviewer => Role::Reviewer,
                    RoleArgument::Records => Role::Records,
                    RoleArgument::Auditor => Role::Auditor,
                },
                is_archive_wide: archive_wide,
            };
            add(&archive, new).await?
        }
        Command::Reset { config, name } => {
            let access = Archive::open(config.load()?).await?.access();
            let person = person::named(&access, &name)
                .await
                .with_context(|| format!("cannot reset the password of {name:?}"))?;
            let operator = Actor::operator(Role::Administrator);
            (person.name, person::reset(&operator, &access, person.user_id).await?)
        }
    };
    print(&format!("login: {login}\npassword: {password}\n"))?;
    Ok(())
}

/// Adds a person as the operator; gives the sign-in name and the password for
/// the first sign-in.
pub async fn add(archive: &Archive, new: New) -> anyhow::Result<(String, String)> {
    let operator = Actor::operator(Role::Administrator);
    let (person, password) = person::create(&operator, &archive.access(), new).await?;
    Ok((person.name, password))
}

//! `muniment init`: creation, which no other command does.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::access::person::{self, New};
use crate::access::{Actor, Role};
use crate::app::Archive;
use crate::base::config::{Config, TEMPLATE};
use crate::base::durable;
use crate::vault::keys::{MasterKey, random};

use super::print;

#[derive(clap::Args)]
pub struct Arguments {
    /// The directory of the new archive; created if absent.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Where to put the recovery copy of the master key; by default beside the
    /// archive, to be moved off this machine.
    #[arg(long, value_name = "FILE")]
    pub recovery: Option<PathBuf>,
}

const ADVICE: &str = "\
Keep the recovery copy of the master key off this machine, in two places: whoever
has it and the bucket has the archive, and without it the bucket is noise.
Note the log key outside too: with it anyone can check an export offline.
";

/// What `init` made, for those who go on from there.
pub struct Made {
    pub config: PathBuf,
    pub login: String,
    pub password: String,
    pub journal: String,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let recovery =
        arguments.recovery.clone().unwrap_or_else(|| arguments.data.join("RECOVERY-KEY.txt"));
    let (made, archive) = create(&arguments.data, &recovery, None).await?;
    let Made { config, login, password, journal } = &made;
    let (config, recovery) = (config.display(), recovery.display());
    print(&format!(
        "archive: {}\nconfig: {config}\nlog key: {}\njournal: {journal}\nlogin: {login}\n\
         password: {password}\nrecovery: {recovery}\n\n{ADVICE}\n\
         Start with: muniment serve --config {config}\n",
        archive.vault.archive(),
        archive.vault.log_signer().verifier(),
    ))?;
    // So that the catalog is one file, whole, from its first copy on.
    archive.catalog.close().await;
    Ok(())
}

/// Creates an archive in `data`, which must hold none. `originator_org` is what
/// its source's reports must show.
///
/// A crash in the middle leaves a directory that `init` refuses to reuse, and
/// in which nothing has been received.
pub async fn create(
    data: &Path,
    recovery: &Path,
    originator_org: Option<&str>,
) -> anyhow::Result<(Made, Archive)> {
    let path = data.join("muniment.toml");
    if path.exists() {
        anyhow::bail!(
            "{} exists: there is an archive in {}; choose another directory",
            path.display(),
            data.display()
        );
    }
    // The catalog holds addresses and subjects: nobody else looks in.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("cannot create {}; check its parent", data.display()))?;
    let token: [u8; 10] = random();
    let journal = format!("journal-{}@archive.invalid", hex::encode(token));
    let mut text = TEMPLATE.replace("{address}", &journal);
    if let Some(org) = originator_org {
        text = text
            .replace("# originator_org = \"example.com\"", &format!("originator_org = \"{org}\""));
    }
    durable::create(&path, text.as_bytes(), 0o640)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let config = Config::load(&path)?;
    let archive = Archive::create(config).await?;
    let master = MasterKey::load(&archive.config.archive.master_key)?;
    durable::create(recovery, format!("{}\n", master.to_text()).as_bytes(), 0o600)
        .with_context(|| format!("cannot write the recovery copy {}", recovery.display()))?;
    let administrator = New {
        name: "admin".into(),
        display_name: "Administrator".into(),
        role: Role::Administrator,
        is_archive_wide: false,
    };
    let operator = Actor::operator(Role::Administrator);
    let (person, password) = person::create(&operator, &archive.access(), administrator).await?;
    Ok((Made { config: path, login: person.name, password, journal }, archive))
}

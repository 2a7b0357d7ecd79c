//! The master key from wherever it is: the key file, the recovery copy with its
//! passphrase, or an escrow file with the identity of one who holds it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::base::config::Config;
use crate::vault::copy::{self, Passphrase};
use crate::vault::master::MasterKey;

use super::ask;

#[derive(clap::Args)]
pub(crate) struct MasterArguments {
    /// The key file to take the master key from [default: [archive] master_key].
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recovery", "escrow"])]
    key_file: Option<PathBuf>,
    /// A recovery copy to take the master key from; its passphrase is asked for.
    #[arg(long, value_name = "FILE", conflicts_with = "escrow")]
    recovery: Option<PathBuf>,
    /// An escrow file to take the master key from.
    #[arg(long, value_name = "FILE", requires = "identity")]
    escrow: Option<PathBuf>,
    /// The private key that opens the escrow file: of age, or of SSH.
    #[arg(long, value_name = "FILE", requires = "escrow")]
    identity: Option<PathBuf>,
    /// A file with the passphrase of the recovery copy, or of the identity; - is
    /// standard input.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl MasterArguments {
    /// Reads the master key; whether it is one of the archive, its vault says.
    pub fn load(&self, config: &Config) -> anyhow::Result<MasterKey> {
        let passphrase = self.passphrase_file.as_deref();
        if let Some(path) = &self.recovery {
            let file = ask::small_file(path, "the recovery copy")?;
            let prompt = format!("passphrase of {}", path.display());
            let passphrase = Passphrase::of(ask::passphrase(passphrase, &prompt)?);
            return copy::open(&file, passphrase)
                .with_context(|| format!("the recovery copy {}", path.display()));
        }
        if let (Some(path), Some(identity)) = (&self.escrow, &self.identity) {
            return open_escrow(path, identity, passphrase)
                .with_context(|| format!("the escrow file {}", path.display()));
        }
        Ok(MasterKey::load(self.key_file.as_ref().unwrap_or(&config.archive.master_key))?)
    }

    /// What it is read from, if not from the key file of the archive.
    pub fn copy(&self) -> Option<(&'static str, &Path)> {
        let files =
            [("key file", &self.key_file), ("recovery", &self.recovery), ("escrow", &self.escrow)];
        files.into_iter().find_map(|(kind, path)| Some((kind, path.as_deref()?)))
    }
}

fn open_escrow(
    path: &Path,
    identity: &Path,
    passphrase: Option<&Path>,
) -> anyhow::Result<MasterKey> {
    let file = ask::small_file(path, "the escrow file")?;
    let key = ask::small_file(identity, "the identity")?;
    let prompt = format!("passphrase of {}", identity.display());
    let passphrase = passphrase.map(Path::to_owned);
    let ask = move || ask::passphrase(passphrase.as_deref(), &prompt).ok();
    Ok(copy::open_with(&file, &key, ask)?)
}

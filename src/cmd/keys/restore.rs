//! `muniment keys restore`: the key file again, from a copy.

use anyhow::bail;
use serde_json::json;

use crate::access::audit::Outcome;
use crate::app::Archive;

use super::record;
use crate::cmd::master::MasterArguments;
use crate::cmd::{ConfigArgument, print};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    master: MasterArguments,
}

/// Writes a key file only where none is, and only one that the archive goes on with.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let config = arguments.config.load()?;
    let path = config.archive.master_key.clone();
    let Some((kind, _)) = arguments.master.copy() else {
        bail!("name the copy to restore from, with --recovery, --escrow or --key-file");
    };
    if path.exists() {
        bail!("there is a key file, {}; move it away first", path.display());
    }
    let master = arguments.master.load(&config)?;
    let id = master.id();
    let archive = Archive::open_with(config, master).await?;
    archive.vault.check_newest().await?;
    archive.store_master().await?;
    let detail = json!({ "key": id.to_string(), "copy": kind });
    record(&archive, "keys.restore", "the key file", detail, Outcome::Done).await?;
    print(&format!("key file: {}\nmaster key: {id}\n", path.display()))?;
    archive.catalog.close().await;
    Ok(())
}

//! `muniment status`: how the archive is, for whoever is at its machine. What the
//! bucket enforces is tried anew.

use serde_json::json;

use crate::app::Archive;
use crate::catalog::{delivery, status};
use crate::vault::VaultError;

use super::{ConfigArgument, print};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let archive = Archive::open(arguments.config.load()?).await?;
    let enforcement = archive.vault.bucket().check_enforcement().await.map_err(VaultError::from)?;
    let totals = delivery::totals(&archive.catalog).await?;
    let status::Counts { leaves, damaged, .. } = status::counts(&archive.catalog).await?;
    let id = archive.vault.archive();
    let text = match arguments.json {
        true => {
            let status = json!({
                "archive_id": id.to_string(),
                "worm": { "enforced": enforcement.is_enforced, "text": enforcement.words },
                "deliveries": totals.deliveries,
                "bytes_received": totals.bytes_received,
                "bytes_stored": totals.bytes_stored,
                "log_size": leaves,
                "damaged_records": damaged,
            });
            format!("{status}\n")
        }
        false => format!(
            "archive: {id}\nwrite-once: {}\n{}\ndeliveries: {}\nbytes received: {}\n\
             bytes stored: {}\nlog: {leaves} leaves\ndamaged records: {damaged}\n",
            if enforcement.is_enforced { "enforced" } else { "not enforced" },
            enforcement.words,
            totals.deliveries,
            totals.bytes_received,
            totals.bytes_stored,
        ),
    };
    print(&text)?;
    archive.catalog.close().await;
    Ok(())
}

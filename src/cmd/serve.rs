//! `muniment serve`: every part of the archive in one process, until stopped.

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::app::Archive;
use crate::base::config::Log;

use super::ConfigArgument;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let config = arguments.config.load()?;
    start_log(&config.log)?;
    let archive = Archive::open(config).await?;
    let (_ingest, _lock) = archive.start_ingest().await?;
    tracing::info!(archive = %archive.vault.archive(), "serving");
    stopped().await?;
    tracing::info!("stopping");
    Ok(())
}

pub(crate) fn start_log(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.level)?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.json {
        true => subscriber.json().init(),
        false => subscriber.init(),
    }
    Ok(())
}

/// Returns when the process is asked to stop.
pub(crate) async fn stopped() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

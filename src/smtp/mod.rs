//! The SMTP server: the door that journal mail comes in by.
//!
//! `listener` accepts and bounds connections, `connection` moves bytes for one
//! of them, `session` decides what each command is answered, `data` and `bdat`
//! find where a message ends, `pace` bounds the time it takes, and `body` hands its
//! bytes to `ingest`. Nothing
//! here keeps mail, judges it or passes it on: whom to accept from is
//! `ingest::Sources`, what is kept and when is `ingest`.
//!
//! # Invariant
//! `250` after the data is written only after `Incoming::finish` returned a
//! receipt. Every other outcome of a message that was admitted is a `4xx`, or
//! `552` when it is larger than the announced SIZE.

mod bdat;
mod body;
mod command;
mod connection;
mod data;
mod line;
pub mod listener;
mod pace;
mod reply;
mod session;
mod tls;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use crate::base::config::{Smtp, StartTls};
use crate::base::port::Unbound;

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    #[error(transparent)]
    Listen(#[from] Unbound),
    #[error("smtp.tls needs smtp.tls_certificate and smtp.tls_key; set both, or tls = \"off\"")]
    TlsFilesMissing,
    #[error("cannot read {key} from {path}; it must be a PEM file that this user may read")]
    TlsFile {
        key: &'static str,
        path: PathBuf,
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    #[error(
        "smtp.tls_certificate and smtp.tls_key are not a usable pair; give a certificate and its own key"
    )]
    TlsPair(#[source] rustls::Error),
    #[error(
        "smtp.tls_client_ca {path} holds no usable authority; give a PEM file of CA certificates"
    )]
    TlsClientCa { path: PathBuf },
}

/// What a connection needs of the configuration.
#[derive(Clone, Debug)]
struct Settings {
    hostname: String,
    size_bytes_max: u64,
    tls: StartTls,
    commands_max: usize,
    idle: Duration,
}

impl Settings {
    fn of(config: &Smtp) -> Self {
        Self {
            hostname: hostname(&config.hostname),
            size_bytes_max: config.size_bytes_max,
            tls: config.tls,
            commands_max: config.commands_max,
            idle: Duration::from_secs(config.idle_seconds),
        }
    }
}

fn hostname(configured: &str) -> String {
    if !configured.is_empty() {
        return configured.to_owned();
    }
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let own = own.trim();
    if own.is_empty() { "localhost".to_owned() } else { own.to_owned() }
}

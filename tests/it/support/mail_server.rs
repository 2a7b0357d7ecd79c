//! A running SMTP server over a temporary archive.

use std::net::SocketAddr;
use std::path::PathBuf;

use muniment::app::{Archive, ServeLock};
use muniment::base::clock::Clock;
use muniment::base::config::{Config, Sends, Smtp, Source};
use muniment::base::ids::DeliverySeq;
use muniment::catalog::delivery;
use muniment::ingest::Ingest;
use muniment::mail::transaction::Transaction;
use muniment::smtp::listener::Server;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Scratch;

pub const JOURNAL: &str = "journal@archive.example";

pub struct MailServer {
    pub scratch: Scratch,
    pub ingest: Ingest,
    pub address: SocketAddr,
    _lock: ServeLock,
    stopping: watch::Sender<bool>,
    running: JoinHandle<()>,
}

impl MailServer {
    /// `settings` are lines of the `[smtp]` table.
    pub async fn start(settings: &str) -> Self {
        Self::start_with(settings, |_| ()).await
    }

    /// `change` gets at the rest of the configuration.
    pub async fn start_with(settings: &str, change: impl FnOnce(&mut Config)) -> Self {
        let scratch = Scratch::with(|config| {
            config.smtp = smtp(settings);
            config.source = sources();
            change(config);
        })
        .await;
        let (ingest, lock) = scratch.ingest().await;
        let config = &scratch.archive.config;
        let server = Server::bind(config, ingest.clone(), Clock::System).await.unwrap();
        let address = server.addresses()[0];
        let (stopping, is_stopping) = watch::channel(false);
        let running = tokio::spawn(server.run(is_stopping));
        Self { scratch, ingest, address, _lock: lock, stopping, running }
    }

    /// Asks it to stop; [`Self::stopped`] waits until it has.
    pub fn stop(&self) {
        let _ = self.stopping.send(true);
    }

    /// Stops it and reads back what it kept, in the order of the commits.
    pub async fn deliveries(mut self) -> Vec<(Transaction, Vec<u8>)> {
        self.stop();
        (&mut self.running).await.unwrap();
        deliveries(&self.scratch.archive).await
    }

    /// The content of every delivery.
    pub async fn kept(self) -> Vec<Vec<u8>> {
        self.deliveries().await.into_iter().map(|(_, content)| content).collect()
    }
}

/// Every delivery with its transaction, read from the vault.
pub async fn deliveries(archive: &Archive) -> Vec<(Transaction, Vec<u8>)> {
    let mut found = Vec::new();
    let rows = delivery::after(&archive.catalog, DeliverySeq(0), 100_000).await.unwrap();
    for row in rows {
        let record = archive.vault.open_record(&row.at()).await.unwrap();
        let content = record.bytes().await.unwrap();
        found.push((record.meta().transaction.clone(), content.to_vec()));
    }
    found
}

/// The file `name` among the test certificates.
pub fn tls_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

/// The `[smtp]` table of `settings`, whose words need no quotes, on any port.
fn smtp(settings: &str) -> Smtp {
    let mut table = toml::Table::new();
    for line in settings.lines() {
        let (key, value) = line.split_once(" = ").unwrap();
        let value = match value.parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => value.into(),
        };
        table.insert(key.into(), value);
    }
    let defaults = format!(
        "hostname = 'mx.test'\nlisten = ['127.0.0.1:0']\nsize_bytes_max = {}\n\
         tls_certificate = {:?}\ntls_key = {:?}",
        1 << 20,
        tls_file("server.pem"),
        tls_file("server.key"),
    );
    for (key, value) in toml::from_str::<toml::Table>(&defaults).unwrap() {
        table.entry(key).or_insert(value);
    }
    table.try_into().unwrap()
}

/// Two that loopback may send for, one that it may not, and one that is known
/// by its certificate alone.
fn sources() -> Vec<Source> {
    let source = |name: &str, peers: &[&str]| Source {
        name: name.into(),
        address: format!("{name}@archive.example"),
        peers: peers.iter().map(|peer| peer.parse().unwrap()).collect(),
        client_certificates: Vec::new(),
        sends: Sends::default(),
        originator_org: None,
        class: None,
    };
    let mut pinned = source("pinned", &[]);
    pinned.client_certificates.push(certificate_digest("client.pem"));
    vec![
        source("journal", &["127.0.0.0/8"]),
        source("google", &["127.0.0.0/8"]),
        source("elsewhere", &["192.0.2.0/24"]),
        pinned,
    ]
}

fn certificate_digest(name: &str) -> muniment::base::hash::Digest {
    use rustls_pki_types::pem::PemObject;
    let certificate = rustls_pki_types::CertificateDer::from_pem_file(tls_file(name)).unwrap();
    muniment::base::hash::Digest::of(&certificate)
}

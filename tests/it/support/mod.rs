//! What several subjects need: a temporary archive and the binary.

pub mod authority;
pub mod compound;
pub mod contract;
pub mod corpus;
pub mod dialogue;
pub mod laid;
pub mod mail_server;
pub mod mail_sink;
pub mod munverify;
pub mod namespace;
pub mod postgres;
pub mod proxy;
pub mod random;
pub mod relay;
pub mod s3;
pub mod samples;
pub mod served;
mod until;
pub mod web;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use muniment::app::{Archive, ServeLock};
use muniment::base::config::{Config, TEMPLATE};
use muniment::catalog::{Catalog, db};
use muniment::ingest::{Ingest, Receipt};
use muniment::mail::transaction::Transaction;

pub use self::until::until;

pub const JOURNAL: &str = "journal-1@archive.example";

/// The program under test.
pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_muniment")
}

/// A program in `folder` that is no worker: it never answers.
pub fn hanging(folder: &std::path::Path) -> PathBuf {
    let program = folder.join("hang");
    std::fs::write(&program, "#!/bin/sh\nexec /bin/sleep 1000\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&program, executable).unwrap();
    program
}

/// A page tree that is its own branch, for ever.
const LOOP_PDF: &str = "%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n\
    <</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000000>>\nendobj\nxref\n0 3\n\
    0000000000 65535 f \n0000000009 00000 n \n0000000054 00000 n \n\
    trailer<</Size 3/Root 1 0 R>>\nstartxref\n120\n%%EOF";

/// A message with documents that hang the worker's child, and one beside them
/// that does not.
pub fn hanging_mail(subject: &str, documents: usize) -> Vec<u8> {
    let hangs =
        format!("--b\r\nContent-Type: application/pdf; name=loop.pdf\r\n\r\n{LOOP_PDF}\r\n");
    format!(
        "From: Ann <ann@corp.example>\r\nTo: team@corp.example\r\nSubject: {subject}\r\n\
         Date: Tue, 1 Jul 2025 10:00:00 +0200\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee it\r\n{}\
         --b\r\nContent-Type: text/plain; name=note.txt\r\n\r\nword beside\r\n--b--\r\n",
        hangs.repeat(documents)
    )
    .into_bytes()
}

/// A message with a text and a file, which is in base64 in lines as mail has them.
pub fn attach(headers: &str, text: &str, content: &[u8]) -> Vec<u8> {
    let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, content);
    let lines: Vec<_> =
        encoded.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line)).collect();
    format!(
        "{headers}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n\
         --=_b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n\
         --=_b\r\nContent-Type: text/plain; name=\"note.txt\"\r\n\
         Content-Disposition: attachment; filename=\"note.txt\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--=_b--\r\n",
        lines.join("\r\n")
    )
    .into_bytes()
}

/// A text file that is large enough to be a part, another for each number.
pub fn note(number: u64) -> Vec<u8> {
    let mut random = random::Random::new(number);
    let line = |at| format!("the note {number} says {:x} on line {at}\n", random.next());
    (0..300).map(line).collect::<String>().into_bytes()
}

/// The corpus of real mail beside the project, where there is one.
pub fn corpus(part: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus").join(part);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is not here", path.display());
    None
}

/// An archive in a directory that goes away with it.
pub struct Scratch {
    pub archive: Archive,
    pub directory: tempfile::TempDir,
}

impl Scratch {
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// An archive whose configuration is first changed.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("muniment.toml");
        std::fs::write(&path, TEMPLATE.replace("{address}", JOURNAL)).unwrap();
        let mut config = Config::load(&path).unwrap();
        change(&mut config);
        let archive = Archive::create(config).await.unwrap();
        Self { archive, directory }
    }

    pub async fn ingest(&self) -> (Ingest, ServeLock) {
        let lock = self.archive.lock().unwrap();
        (self.archive.start_ingest(&lock).await.unwrap(), lock)
    }
}

pub fn transaction(archive: &Archive) -> Transaction {
    Transaction {
        source: "default".into(),
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        helo: "test.example".into(),
        tls: None,
        reverse_path: String::new(),
        recipients: vec![JOURNAL.into()],
        received_at: archive.clock.now(),
    }
}

/// As somebody changes the catalog who has it.
pub async fn change_rows(catalog: &Catalog, text: &str) {
    let mut tx = catalog.write().await.unwrap();
    let query = db::query(db::AssertSqlSafe(text.to_owned()));
    assert!(query.execute(&mut tx).await.unwrap().rows_affected() > 0, "{text}");
    catalog.commit(tx, "change rows").await.unwrap();
}

/// Delivers as the SMTP server would.
pub async fn deliver(archive: &Archive, ingest: &Ingest, bytes: &[u8]) -> Receipt {
    let mut incoming = ingest.begin(transaction(archive)).unwrap();
    for piece in bytes.chunks(64 << 10) {
        incoming.write(piece).await.unwrap();
    }
    incoming.finish().await.unwrap()
}

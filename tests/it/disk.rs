//! A disk that fills up and a bucket that turns read-only, under the running
//! product: the sender hears 451 and keeps its copy, and deliveries go on
//! without a restart when the trouble is over.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use muniment::app::Archive;
use muniment::base::config::Config;

use super::support::binary;
use super::support::dialogue::Client;
use super::support::mail_server::deliveries;
use super::support::namespace::Namespace;
use super::support::served::{Served, init_by};

const LARGE_BYTES: usize = 9 << 20;

/// An archive on a disk of its own, served.
struct Small {
    served: Option<Served>,
    namespace: Namespace,
    directory: tempfile::TempDir,
    journal: String,
    acknowledged: Vec<Vec<u8>>,
    sent: usize,
}

impl Small {
    fn start() -> Option<Self> {
        let namespace = Namespace::new()?;
        let directory = tempfile::tempdir().unwrap();
        let disk = directory.path().display();
        if !namespace.sh(&format!("mount -t tmpfs -o size=96m none {disk}")) {
            eprintln!("SKIPPED: a tmpfs cannot be mounted here");
            return None;
        }
        let data = directory.path().join("archive");
        let said = init_by(namespace.command(binary()), &data);
        let mut small = Self {
            served: None,
            namespace,
            directory,
            journal: said["journal"].clone(),
            acknowledged: Vec::new(),
            sent: 0,
        };
        let config = small.config();
        let command: Command = small.namespace.command(binary());
        small.served = Served::start_by(command, &config, &[("MUNIMENT__LOG__LEVEL", "off")]);
        assert!(small.served.is_some(), "it does not start");
        Some(small)
    }

    fn config(&self) -> PathBuf {
        self.directory.path().join("archive/muniment.toml")
    }

    fn served(&self) -> &Served {
        self.served.as_ref().unwrap()
    }

    /// Delivers a message of `size`; the answer's code.
    fn deliver(&mut self, size: usize) -> String {
        self.sent += 1;
        let mut content = format!("Subject: {}\r\n\r\n", self.sent).into_bytes();
        // That does not compress.
        let mut random = super::support::random::Random::new(self.sent as u64);
        while content.len() < size {
            content.extend_from_slice(format!("{:016x}\r\n", random.next()).as_bytes());
        }
        let mut client = Client::connect(self.served().smtp);
        client.open_transaction(&self.journal);
        client.send(format!("BDAT {} LAST\r\n", content.len()).as_bytes());
        client.send(&content);
        let reply = client.reply();
        if reply.starts_with("250") {
            self.acknowledged.push(content);
        }
        reply[..3].to_owned()
    }

    fn is_ready(&self) -> bool {
        let said = self.served().get("/readyz");
        let is_ready = said.starts_with("HTTP/1.1 200");
        assert!(is_ready || said.starts_with("HTTP/1.1 503"), "{said}");
        is_ready
    }

    fn is_refused(&mut self) {
        assert_eq!(self.deliver(100), "451");
        assert_eq!(self.deliver(LARGE_BYTES), "451");
        assert!(!self.is_ready());
    }

    /// What failed is retried by the product itself now and then.
    fn is_taken_again(&mut self) {
        let end = Instant::now() + Duration::from_secs(60);
        while self.deliver(100) != "250" {
            assert!(Instant::now() < end, "nothing is taken any more");
        }
        assert_eq!(self.deliver(LARGE_BYTES), "250");
        assert!(self.is_ready());
        while !self.served().is_settled() {
            assert!(Instant::now() < end, "the index does not go on");
        }
    }

    /// Every acknowledged delivery is there, byte for byte.
    fn check(mut self) {
        self.served.take().unwrap().stop();
        // A copy outside, since the bucket's path is resolved.
        let copy = tempfile::tempdir().unwrap();
        let data = self.namespace.outside(self.config().parent().unwrap());
        let copied = Command::new("cp").arg("-a").arg(data).arg(copy.path()).status();
        assert!(copied.unwrap().success());
        let config = Config::load(&copy.path().join("archive/muniment.toml")).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let archive = Archive::open(config).await.unwrap();
            let kept: Vec<Vec<u8>> =
                deliveries(&archive).await.into_iter().map(|(_, content)| content).collect();
            for content in &self.acknowledged {
                assert!(kept.contains(content), "an acknowledged delivery is gone");
            }
            archive.catalog.close().await;
        });
    }
}

#[test]
fn a_full_disk_answers_451_and_takes_mail_again() {
    let Some(mut small) = Small::start() else { return };
    assert_eq!(small.deliver(100), "250");
    assert_eq!(small.deliver(LARGE_BYTES), "250");
    assert!(small.is_ready());
    let filler = small.directory.path().join("filler").display().to_string();
    // To the last byte; that it ends with an error is its use.
    assert!(!small.namespace.sh(&format!("cat /dev/zero > {filler} 2>/dev/null")));
    small.is_refused();
    small.is_refused();
    assert!(small.namespace.sh(&format!("rm {filler}")));
    small.is_taken_again();
    small.check();
}

#[test]
fn a_read_only_bucket_answers_451_and_takes_mail_again() {
    let Some(mut small) = Small::start() else { return };
    assert_eq!(small.deliver(100), "250");
    let bucket = small.directory.path().join("archive/bucket").display().to_string();
    assert!(small.namespace.sh(&format!("mount --bind {bucket} {bucket}")));
    let remount = |small: &Small, mode: &str| {
        // Busy while a file in it is being written.
        let end = Instant::now() + Duration::from_secs(20);
        while !small.namespace.sh(&format!("mount -o remount,bind,{mode} {bucket} 2>/dev/null")) {
            assert!(Instant::now() < end, "it cannot be mounted {mode}");
        }
    };
    assert_eq!(small.deliver(LARGE_BYTES), "250");
    remount(&small, "ro");
    small.is_refused();
    remount(&small, "rw");
    small.is_taken_again();
    small.check();
}

//! Mail clients that others wrote: swaks and Postfix's smtp-source.

use std::process::Command;

use crate::smtp::client;
use crate::support::mail_server::{JOURNAL, MailServer};

/// Debian puts smtp-source where users' paths may not look.
const SBIN: &str = "/usr/sbin/smtp-source";

#[tokio::test(flavor = "multi_thread")]
async fn swaks_delivers_plain_and_over_tls() {
    let server = MailServer::start("tls = optional").await;
    let address = server.address;
    client(move || {
        for extra in [&[][..], &["--tls"][..], &["--tls", "--pipeline"][..]] {
            let output = Command::new("swaks")
                .args(["--server", &address.ip().to_string()])
                .args(["--port", &address.port().to_string()])
                .args(["--to", JOURNAL, "--from", "sender@example.com"])
                .args(["--header", "Subject: from swaks", "--body", ".\n..\nbody"])
                .args(extra)
                .output()
                .expect("swaks is installed");
            assert!(output.status.success(), "{extra:?}: {output:?}");
        }
    })
    .await;
    let kept = server.deliveries().await;
    assert_eq!(kept.len(), 3);
    for (_, content) in &kept {
        let text = String::from_utf8_lossy(content);
        assert!(text.contains("Subject: from swaks\r\n"), "{text}");
        assert!(text.contains("\r\n.\r\n..\r\nbody\r\n"), "{text}");
    }
    let secured = kept.iter().filter(|(transaction, _)| transaction.tls.is_some());
    assert_eq!(secured.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn smtp_source_delivers_from_many_connections() {
    if !std::path::Path::new(SBIN).exists() {
        eprintln!("SKIPPED: {SBIN} is not here; another mail server took Postfix's place");
        return;
    }
    let server = MailServer::start("").await;
    let address = server.address;
    client(move || {
        let output = Command::new(SBIN)
            .args(["-s", "16", "-m", "200", "-l", "20000", "-d"])
            .args(["-f", "sender@example.com", "-t", JOURNAL])
            .arg(format!("{}:{}", address.ip(), address.port()))
            .output()
            .expect("postfix is installed");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    })
    .await;
    assert_eq!(server.kept().await.len(), 200);
}

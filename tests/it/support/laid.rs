//! Two messages in an archive, one of them Alice's, and the API over them.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusBuilder;
use muniment::base::config::Worker;
use muniment::base::hash::Digest;
use muniment::base::ids::SetId;
use muniment::catalog::cursor;
use muniment::http::Context;
use muniment::ingest::log::Log;
use muniment::worker::Pool;
use sqlx::query;

use super::{Scratch, binary, deliver};

pub struct Sets {
    /// To alice@a.example, with HTML and an attachment.
    pub with_alice: SetId,
    pub without_alice: SetId,
}

pub const WITH_ALICE: &str = "From: Bob Lay <bob@b.example>\r\n\
    To: Alice Ito <alice@a.example>\r\n\
    Subject: Term sheet\r\n\
    Date: Mon, 2 Mar 2026 10:00:00 +0000\r\n\
    Message-ID: <1@b.example>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
    <p onclick=\"steal()\">hello</p><script>steal()</script>\
    <img src=\"http://tracker.example/1.gif\">\r\n\
    --b\r\nContent-Type: text/plain; name=notes.html\r\n\
    Content-Disposition: attachment; filename=\"notes.html\"\r\n\
    Content-Transfer-Encoding: base64\r\n\r\n\
    PHNjcmlwdD5zdGVhbCgpPC9zY3JpcHQ+\r\n\
    --b--\r\n";
pub const ATTACHED: &str = "<script>steal()</script>";

pub const WITHOUT_ALICE: &str = "From: bob@b.example\r\nTo: carol@c.example\r\n\
    Subject: Elsewhere\r\nDate: Tue, 3 Mar 2026 10:00:00 +0000\r\n\r\nhello\r\n";

pub async fn laid(scratch: &Scratch) -> (Context, Sets) {
    let archive = &scratch.archive;
    let (ingest, _lock) = scratch.ingest().await;
    for message in [WITH_ALICE, WITHOUT_ALICE] {
        deliver(archive, &ingest, message.as_bytes()).await;
    }
    derive(scratch, 1, &["bob@b.example", "alice@a.example"]).await;
    derive(scratch, 2, &["bob@b.example", "carol@c.example"]).await;
    let signer = archive.vault.log_signer();
    let log = Log::open(archive.vault.bucket().clone(), signer.verifier().clone()).await.unwrap();
    let settings = Worker { processes: 1, ..archive.config.worker.clone() };
    let workers = Arc::new(Pool::new(binary().into(), settings));
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let sets = Sets { with_alice: SetId(1), without_alice: SetId(2) };
    (archive.web(ingest, log, workers, metrics), sets)
}

/// What the follower makes of a delivery.
async fn derive(scratch: &Scratch, seq: i64, addresses: &[&str]) {
    let mut tx = scratch.archive.catalog.write().await.unwrap();
    let statements = [
        "INSERT INTO message_set SELECT $1, sha256, sha256, seq, 'subject', 'bob@b.example', '',
             received_at, received_at, size_bytes, 0, 1 FROM delivery WHERE seq = $1",
        "INSERT INTO set_message SELECT sha256, $1 FROM delivery WHERE seq = $1",
        "INSERT INTO set_delivery VALUES ($1, $1, 0)",
    ];
    for statement in statements {
        query(statement).bind(seq).execute(&mut *tx).await.unwrap();
    }
    for address in addresses {
        query("INSERT INTO address (address) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(address)
            .execute(&mut *tx)
            .await
            .unwrap();
        query(
            "INSERT INTO participant SELECT $1, address_id, 'to', 'header', $1, ''
             FROM address WHERE address = $2",
        )
        .bind(seq)
        .bind(address)
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    query("INSERT INTO attachment VALUES ($1, 0, 'notes.html', 'text/plain', 24, $2, 1)")
        .bind(seq)
        .bind(Digest::of(ATTACHED.as_bytes()).0.to_vec())
        .execute(&mut *tx)
        .await
        .unwrap();
    cursor::set(&mut tx, cursor::DERIVE, seq).await.unwrap();
    tx.commit().await.unwrap();
}

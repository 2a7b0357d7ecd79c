//! Two messages in an archive, one of them Alice's, and the API over them.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusBuilder;
use muniment::app::Parts;
use muniment::base::config::Worker;
use muniment::base::ids::{DeliverySeq, SetId};
use muniment::http::Context;
use muniment::index::Index;
use muniment::ingest::follow::Follower;
use muniment::ingest::log::Log;
use muniment::policy::{Recorder, Teller};
use muniment::worker::Pool;

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
    let settings = Worker { processes: 1, ..archive.config.worker.clone() };
    let workers = Arc::new(Pool::new(binary().into(), settings));
    let index = Index::open(&scratch.directory.path().join("index"), 32 << 20).unwrap();
    let follower = Follower::new(
        archive.vault.clone(),
        archive.catalog.clone(),
        archive.clock.clone(),
        index.clone(),
        workers.clone(),
        ingest.committed(),
    );
    let progress = follower.progress();
    tokio::spawn(follower.run());
    assert!(progress.settled(DeliverySeq(2)).await.unwrap());
    let signer = archive.vault.log_signer();
    let log = Log::open(archive.vault.bucket().clone(), signer.verifier().clone()).await.unwrap();
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let sets = Sets { with_alice: SetId(1), without_alice: SetId(2) };
    let recorder = Recorder::new(archive.catalog.clone());
    let teller = Teller::new(archive.vault.clone(), recorder.clone(), archive.clock.clone());
    tokio::spawn(teller.run(std::future::pending()));
    let parts = Parts { ingest, log, index, progress, recorder, workers, metrics };
    (archive.web(parts), sets)
}

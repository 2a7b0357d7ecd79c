//! Checkpoints outside of the archive: stamped by an authority, downloaded, mailed.

use std::process::Command;

use muniment::access::Role;
use muniment::app::Archive;
use muniment::base::clock::{Clock, Timestamp};
use muniment::base::config::{Config, PostTls};
use muniment::base::crash::CRASH_AT;
use muniment::catalog::Catalog;
use muniment::catalog::outside::{self, MAIL, Row, STAMP};
use muniment::ingest::log::Log;
use muniment::ingest::publish::check_published;
use muniment::ingest::stamps;
use muniment::jobs::outside::Outside;
use muniment::ledger::stamp::{Authorities, Stamp};
use serde_json::Value;

use crate::export::{Exports, add_person};
use crate::support::authority::{Authority, Manner};
use crate::support::laid::WITH_ALICE;
use crate::support::mail_sink::MailSink;
use crate::support::postgres::Server;
use crate::support::served::{Sender, Served, init};
use crate::support::web::Web;
use crate::support::{Scratch, binary, deliver, until};

const HOUR: i64 = 3600;

fn ask_for_stamps(config: &mut Config, authority: &Authority) {
    config.checkpoint.timestamp_url = authority.url.clone();
    config.checkpoint.timestamp_ca_file = Some(authority.root());
}

/// An archive with a published log, at a fixed time.
struct Published {
    scratch: Scratch,
    log: Log,
}

impl Published {
    async fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut scratch = Scratch::with(change).await;
        scratch.archive.clock = Clock::fixed(Clock::System.now());
        let archive = &scratch.archive;
        let verifier = archive.vault.log_signer().verifier().clone();
        let log = Log::open(archive.vault.bucket().clone(), verifier).await.unwrap();
        let published = Self { scratch, log };
        published.grow().await;
        published
    }

    /// A delivery more, published.
    async fn grow(&self) {
        let archive = &self.scratch.archive;
        let (ingest, _lock) = self.scratch.ingest().await;
        deliver(archive, &ingest, b"Subject: one\r\n\r\ntext\r\n").await;
        drop(ingest);
        let (catalog, bucket) = (archive.catalog.clone(), archive.vault.bucket().clone());
        let signer = archive.vault.log_signer();
        check_published(catalog, bucket, signer).await.unwrap().publish().await.unwrap();
        self.log.refresh().await.unwrap();
    }

    /// What is due goes outside, so long after the beginning.
    async fn work_after(&self, seconds: i64) {
        let Archive { catalog, vault, clock, config, .. } = &self.scratch.archive;
        let clock = Clock::fixed(clock.now().plus_seconds(seconds));
        let outward = (vault.bucket().clone(), self.log.clone());
        Outside::new(catalog.clone(), clock, outward, config).work().await.unwrap();
    }

    async fn row(&self, name: &str) -> Row {
        outside::get(&self.scratch.archive.catalog, name).await.unwrap()
    }

    async fn stamped(&self) -> Option<stamps::Stamped> {
        stamps::newest(self.scratch.archive.vault.bucket()).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_checkpoint_is_stamped_once_a_day() {
    let authority = Authority::start();
    let published = Published::new(|config| ask_for_stamps(config, &authority)).await;
    published.work_after(0).await;
    let stamped = published.stamped().await.unwrap();
    let newest = published.log.published().unwrap();
    assert_eq!((stamped.size, &stamped.checkpoint[..]), (newest.size, newest.note.as_bytes()));
    assert_eq!(published.row(STAMP).await.size, newest.size);

    // As another program sees it, and this one; a checkpoint that was tampered with is not
    // what was stamped.
    assert!(authority.verifies(&stamped.stamp, newest.note.as_bytes()));
    let tampered = newest.note.replace('\n', "\nx");
    assert!(!authority.verifies(&stamped.stamp, tampered.as_bytes()));
    let stamp = Stamp::read(&stamped.stamp).unwrap();
    let root = std::fs::read(authority.root()).unwrap();
    stamp.verify(&Authorities::from_pem(&root).unwrap()).unwrap();
    assert!(
        stamp.is_of(newest.note.as_bytes()).is_ok() && stamp.is_of(tampered.as_bytes()).is_err()
    );

    published.grow().await;
    published.work_after(23 * HOUR).await;
    assert_eq!(authority.requests(), 1, "one a day");
    published.work_after(24 * HOUR).await;
    assert_eq!(published.stamped().await.unwrap().size, newest.size + 1);
    published.work_after(48 * HOUR).await;
    assert_eq!(authority.requests(), 2, "the log has not grown");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_fails_is_told_of_and_stops_nothing() {
    let authority = Authority::start();
    let published = Published::new(|config| ask_for_stamps(config, &authority)).await;
    authority.stamp(b"anything");
    let mut after = 0;
    for (manner, words) in [
        (Manner::Fails, "answered 503"),
        (Manner::Usurps, "not signed by an authority that is trusted"),
        (Manner::Refuses, "the authority refused, with status 2"),
        // Of the request before.
        (Manner::Replays, "the authority refused, with status 2"),
    ] {
        authority.answers(manner);
        published.work_after(after).await;
        let row = published.row(STAMP).await;
        assert!(row.error.contains(words), "{manner:?}: {}", row.error);
        assert_eq!((row.size, published.stamped().await), (0, None));
        // Mail is taken meanwhile, and no try follows at once.
        published.grow().await;
        let before = authority.requests();
        published.work_after(after + 60).await;
        assert_eq!(authority.requests(), before);
        after += 600;
    }
    authority.answers(Manner::Stamps);
    published.work_after(after).await;
    let row = published.row(STAMP).await;
    assert_eq!((row.error.as_str(), row.size), ("", published.log.size()));

    // An answer to an earlier request: of another checkpoint, and of the same.
    authority.answers(Manner::Replays);
    published.grow().await;
    published.work_after(after + 25 * HOUR).await;
    assert_eq!(published.row(STAMP).await.error, "the time stamp is of something else");
}

/// Nobody there at all; and with a wrong file of authorities, nobody is asked.
#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_not_there_is_told_of() {
    let authority = Authority::start();
    let published = Published::new(|config| {
        ask_for_stamps(config, &authority);
        config.checkpoint.timestamp_url = "http://user:secret@127.0.0.1:9/tsa".into();
    })
    .await;
    published.work_after(0).await;
    let error = published.row(STAMP).await.error;
    assert!(error.contains("cannot be asked") && !error.contains("secret"), "{error}");
    let published = Published::new(|config| {
        ask_for_stamps(config, &authority);
        config.checkpoint.timestamp_ca_file = Some("/nowhere/ca.pem".into());
    })
    .await;
    published.work_after(0).await;
    let error = published.row(STAMP).await.error;
    assert!(error.contains("timestamp_ca_file: cannot read /nowhere/ca.pem"), "{error}");
    assert_eq!(authority.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_and_stamps_are_downloaded_and_the_status_tells_of_them() {
    let authority = Authority::start();
    let exports = Exports::new(true).await;
    let (archive, log) = (&exports.scratch.archive, exports.context.exports.log.clone());
    let mut config = (*archive.config).clone();
    ask_for_stamps(&mut config, &authority);
    let newest = log.published().unwrap();
    let mut context = exports.context.clone();
    context.config = std::sync::Arc::new(config.clone());
    let web = Web::new(context);
    let rita = web.signed_in("rita", Role::Records, false).await;
    let none = web.get(&rita, "/api/v1/log/stamp").await;
    assert_eq!(none.status, 404);
    let status = web.get(&rita, "/api/v1/status").await.json();
    assert_eq!(status["log"]["stamps"]["done_at"], Value::Null);
    assert_eq!(status["log"]["mail"], Value::Null);

    let outward = (archive.vault.bucket().clone(), log);
    let mut outside =
        Outside::new(archive.catalog.clone(), archive.clock.clone(), outward, &config);
    outside.work().await.unwrap();
    let size = newest.size;
    for path in ["/api/v1/log/checkpoint", &format!("/api/v1/log/checkpoint?size={size}")] {
        let note = web.get(&rita, path).await;
        assert_eq!(note.body, newest.note.as_bytes());
        let name = note.header("content-disposition");
        assert!(name.contains(&format!("checkpoint-{size}.txt")), "{name}");
        let stamp = web.get(&rita, &path.replace("checkpoint", "stamp")).await;
        assert!(authority.verifies(&stamp.body, &note.body));
        assert_eq!(stamp.header("content-type"), "application/timestamp-reply");
    }
    assert_eq!(web.get(&rita, "/api/v1/log/checkpoint?size=77").await.status, 404);
    assert_eq!(web.get(&rita, "/api/v1/log/stamp?size=77").await.status, 404);
    let status = web.get(&rita, "/api/v1/status").await.json();
    assert_eq!(status["log"]["stamps"]["size"], size);
    assert_eq!(status["log"]["stamps"]["error"], Value::Null);
}

/// In a bundle the stamp comes with its checkpoint, and the proof that the log of the
/// bundle extends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_brings_the_stamp_along() {
    let authority = Authority::start();
    let made = init();
    add_person(&made.config).await;
    let environment = [
        ("MUNIMENT__CHECKPOINT__TIMESTAMP_URL", authority.url.as_str()),
        ("MUNIMENT__CHECKPOINT__TIMESTAMP_CA_FILE", authority.root().to_str().unwrap()),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let served = Served::start(&made.config, &environment).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    sender.send(&made.said["journal"], WITH_ALICE.as_bytes()).unwrap();
    wait_for_stamp(&made.config).await;
    sender.send(&made.said["journal"], b"Subject: later\r\n\r\nhello\r\n").unwrap();
    until("all can be found", || served.is_settled());
    served.stop();

    let bundle = made.config.with_file_name("bundle.zip");
    let mut export = Command::new(binary());
    export.args(["export", "--dialect", "kql", "--query", "hello", "--user", "alice"]);
    export.args(["--format", "eml"]);
    export.arg("--config").arg(&made.config).arg("--out").arg(&bundle);
    let output = export.env("MUNIMENT_PASSWORD", crate::export::PASSWORD).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let verify = |bundle: &std::path::Path, more: &[&str]| {
        let mut verify = Command::new(binary());
        verify.arg("verify-export").arg(bundle).args(["--key", &made.said["log key"]]);
        let output = verify.args(more).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = verify(&bundle, &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("--timestamp-ca FILE checks"), "{text}");
    let root = authority.root();
    let trusted = ["--timestamp-ca", root.to_str().unwrap()];
    let (code, text) = verify(&bundle, &trusted);
    assert!(code == 0 && text.contains("by an authority that you trust"), "{text}");
    let other = root.with_file_name("other.pem");
    let (code, text) = verify(&bundle, &["--timestamp-ca", other.to_str().unwrap()]);
    assert!(code == 1 && text.contains("stamped-checkpoint.tsr: the time stamp is not"), "{text}");
}

async fn wait_for_stamp(config: &std::path::Path) {
    let archive = Archive::open(Config::load(config).unwrap()).await.unwrap();
    let mut moments = tokio::time::interval(std::time::Duration::from_millis(100));
    while outside::get(&archive.catalog, STAMP).await.unwrap().size == 0 {
        moments.tick().await;
    }
    archive.catalog.close().await;
}

/// Killed between the stamp and its row: the next start finds one there, and goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_a_stamp_and_its_row_costs_a_stamp() {
    let authority = Authority::start();
    let made = init();
    let root = authority.root();
    let environment = [
        ("MUNIMENT__CHECKPOINT__TIMESTAMP_URL", authority.url.as_str()),
        ("MUNIMENT__CHECKPOINT__TIMESTAMP_CA_FILE", root.to_str().unwrap()),
    ];
    let armed = [&environment[..], &[(CRASH_AT, "outside.after_sent:1")]].concat();
    let served = Served::start(&made.config, &armed);
    if let Some(served) = served {
        let mut sender = Sender::connect(served.smtp).unwrap();
        // The kill may come before the answer.
        let _ = sender.send(&made.said["journal"], b"Subject: one\r\n\r\ntext\r\n");
        served.died();
    }
    assert_eq!(authority.requests(), 1);
    let served = Served::start(&made.config, &environment).unwrap();
    wait_for_stamp(&made.config).await;
    served.stop();
    assert_eq!(authority.requests(), 2);
    let verify = Command::new(binary()).arg("verify").arg("--config").arg(&made.config).output();
    let verify = verify.unwrap();
    assert_eq!(verify.status.code(), Some(0), "{verify:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_stamp_once() {
    let Some(server) = Server::find() else { return };
    let authority = Authority::start();
    let made = server.init(&server.database().await);
    let mut config = Config::load(&made.config).unwrap();
    ask_for_stamps(&mut config, &authority);
    let archive = Archive::open(config.clone()).await.unwrap();
    let scratch = Scratch { archive, directory: tempfile::tempdir().unwrap() };
    let verifier = scratch.archive.vault.log_signer().verifier().clone();
    let bucket = scratch.archive.vault.bucket().clone();
    let log = Log::open(bucket, verifier).await.unwrap();
    let published = Published { scratch, log };
    published.grow().await;
    let node = async || {
        let catalog = Catalog::open(&config.archive.catalog).await.unwrap();
        let bucket = published.scratch.archive.vault.bucket().clone();
        Outside::new(catalog, Clock::System, (bucket, published.log.clone()), &config)
    };
    let (mut first, mut second) = (node().await, node().await);
    let (first, second) = tokio::join!(first.work(), second.work());
    first.unwrap();
    second.unwrap();
    assert_eq!(authority.requests(), 1);
    assert!(published.stamped().await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoint_and_stamp_are_mailed_to_who_keeps_them() {
    let Some(sink) = MailSink::start() else { return };
    let authority = Authority::start();
    let published = Published::new(|config| {
        ask_for_stamps(config, &authority);
        config.checkpoint.mail_to = vec!["audit@firm.example".into(), "law@firm.example".into()];
        config.post.relay = format!("127.0.0.1:{}", sink.port);
        config.post.from = "archive@corp.example".into();
        config.post.ca_file = Some(sink.root());
        config.post.credentials = Some(sink.credentials());
    })
    .await;
    published.work_after(0).await;
    assert_eq!(published.row(MAIL).await.error, "");
    let (envelope, message) = sink.message(1).expect("a mail");
    assert_eq!(envelope["from"], "archive@corp.example");
    assert_eq!(envelope["to"], serde_json::json!(["audit@firm.example", "law@firm.example"]));
    assert_eq!((&envelope["is_tls"], &envelope["is_signed_in"]), (&true.into(), &true.into()));

    let read = mail_parser::MessageParser::default().parse(&message).unwrap();
    let note = published.log.published().unwrap().note;
    let (size, text) = (published.log.size(), read.body_text(0).unwrap());
    assert!(text.replace("\r\n", "\n").contains(&note), "{text}");
    assert!(read.subject().unwrap().starts_with(&format!("Checkpoint {size} of muniment/")));
    let attached: Vec<_> = read.attachments().map(|part| part.contents().to_vec()).collect();
    assert_eq!(attached.len(), 2);
    assert_eq!(attached[0], note.as_bytes());
    assert!(authority.verifies(&attached[1], note.as_bytes()));

    published.work_after(HOUR).await;
    assert!(sink.message(2).is_none(), "one a day");
    // The next day without the authority: the last stamp, with the checkpoint that it is of.
    published.grow().await;
    authority.answers(Manner::Fails);
    published.work_after(25 * HOUR).await;
    let (_, message) = sink.message(2).expect("the mail of the second day");
    let read = mail_parser::MessageParser::default().parse(&message).unwrap();
    let attached: Vec<_> = read.attachments().map(|part| part.contents().to_vec()).collect();
    assert_eq!((attached.len(), &attached[1][..]), (3, note.as_bytes()));
    assert!(authority.verifies(&attached[2], note.as_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_refuses_is_told_of() {
    let Some(sink) = MailSink::start() else { return };
    for (tls, with_root, words) in [
        (PostTls::Off, true, "530"),
        (PostTls::StartTls, false, "certificate"),
        (PostTls::Implicit, true, "send the notice by the relay"),
    ] {
        let published = Published::new(|config| {
            config.checkpoint.mail_to = vec!["audit@firm.example".into()];
            config.post.relay = format!("127.0.0.1:{}", sink.port);
            config.post.from = "archive@corp.example".into();
            config.post.tls = tls;
            config.post.ca_file = with_root.then(|| sink.root());
        })
        .await;
        published.work_after(0).await;
        let row = published.row(MAIL).await;
        assert!(row.error.contains(words), "{tls:?}: {}", row.error);
        assert_eq!((row.size, row.done_at), (0, Timestamp(0)));
    }
    assert!(sink.message(1).is_none());
}

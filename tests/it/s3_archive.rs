//! An archive whose bucket is on S3, as operators and senders meet it.

use std::fs;
use std::path::Path;
use std::process::Command;

use muniment::app::Archive;
use muniment::base::config::Config;
use muniment::base::ids::DeliverySeq;
use muniment::catalog::delivery;

use super::export::{PASSWORD, add_person};
use super::support::mail_server::deliveries;
use super::support::proxy::Proxy;
use super::support::s3::{Kind, Service, write_credentials};
use super::support::served::{Made, Sender, Served, init};
use super::support::{binary, until};

/// What a command said that failed, in one sentence.
fn refused(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "it was not refused: {said}");
    assert!(said.starts_with("muniment: ") && said.lines().count() == 1, "{said}");
    said
}

fn check(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

fn serve(config: &Path) -> Command {
    let mut command = Command::new(binary());
    command.args(["serve", "--config"]).arg(config);
    command.env("MUNIMENT__LOG__LEVEL", "off");
    command.env("MUNIMENT__SMTP__LISTEN", "[\"127.0.0.1:0\"]");
    command.env("MUNIMENT__HTTP__LISTEN", "127.0.0.1:0");
    command
}

fn status(config: &Path) -> String {
    let output = Command::new(binary()).args(["status", "--config"]).arg(config).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn message(number: u32, lines: usize) -> Vec<u8> {
    let mut text = format!(
        "From: ada@example.com\r\nTo: bob@example.com\r\nSubject: number {number}\r\n\
         Date: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\nThe paper boat sails.\r\n"
    );
    for line in 0..lines {
        let word = (line as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        text.push_str(&format!("{word:016x} {:016x}\r\n", word.rotate_left(29)));
    }
    text.into_bytes()
}

/// Mail in, found, out again, and proved; large mail as well; and the bucket is
/// told to enforce, wherever one looks.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_kept_found_exported_and_proved() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let made = service.init(&service.config.endpoint);
    add_person(&made.config).await;
    // Nothing of it is in a local bucket.
    assert!(!made.config.with_file_name("bucket").exists());
    let said = status(&made.config);
    check(&said, &["write-once: enforced", "The bucket t-", "deliveries: 0"]);

    let (messages, bundle) = (
        vec![message(1, 3), message(2, 0), message(3, 300_000)],
        made.config.with_file_name("bundle.zip"),
    );
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    for message in &messages {
        sender.send(&made.said["journal"], message).unwrap();
    }
    until("the index", || {
        let metrics = served.get("/metrics");
        served.is_settled()
            && metrics.contains("muniment_smtp_deliveries_total{outcome=\"kept\"} 3")
    });
    let config = made.config.to_str().unwrap();
    let run = |arguments: &[&str], password: &str| {
        let mut command = Command::new(binary());
        let output = command.args(arguments).env("MUNIMENT_PASSWORD", password).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let out = bundle.to_str().unwrap();
    let mut export = vec!["export", "--config", config, "--user", "alice", "--dialect", "kql"];
    export.extend(["--format", "eml", "--query", "\"paper boat\"", "--out", out]);
    run(&export, PASSWORD);
    let report = run(&["verify-export", out, "--key", &made.said["log key"]], "");
    check(&report, &["3 messages", "everything holds"]);
    served.stop();

    let archive = Archive::open(Config::load(&made.config).unwrap()).await.unwrap();
    let kept: Vec<_> = deliveries(&archive).await.into_iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(kept.len(), messages.len());
    assert!(messages.iter().all(|message| kept.contains(message)));
    let rows = delivery::after(&archive.catalog, DeliverySeq(0), 10).await.unwrap();
    for row in rows {
        assert!(row.object.version.is_some() && row.page.version.is_some());
        // Whatever someone lays on top of it, it is read.
        service.put_on_top(&row.object.name, "evil").await;
        service.put_marker(&row.page.name).await;
    }
    assert_eq!(deliveries(&archive).await.len(), messages.len());
}

/// Rather no large mail than mail that its lock does not keep.
#[tokio::test(flavor = "multi_thread")]
async fn mail_that_a_buckets_rule_keeps_too_weakly_is_refused_and_stops_no_start() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    service.govern_by_default().await;
    let made = service.init(&service.config.endpoint);
    let journal = &made.said["journal"];
    let served = Served::start(&made.config, &[]).unwrap();
    let large = Sender::connect(served.smtp).unwrap().send(journal, &message(1, 300_000));
    served.stop();
    let served = Served::start(&made.config, &[]).expect("what was refused stops no start");
    Sender::connect(served.smtp).unwrap().send(journal, &message(2, 0)).unwrap();
    served.stop();
    // RGW 16 drops the lock of an upload; another service may keep to it.
    let kept = deliveries(&Archive::open(Config::load(&made.config).unwrap()).await.unwrap()).await;
    assert_eq!(kept.len(), if large.is_ok() { 2 } else { 1 });
}

/// Mail is deferred while the service is away, and taken when it is back.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_defers_mail_and_needs_no_restart() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let proxy = Proxy::before(&service.config.endpoint);
    let made = service.init(&proxy.endpoint());
    let served = Served::start(&made.config, &[]).unwrap();
    let journal = &made.said["journal"];
    let mut sender = Sender::connect(served.smtp).unwrap();
    sender.send(journal, &message(1, 0)).unwrap();
    proxy.set_down(true);
    let deferred = sender.send(journal, &message(2, 0)).unwrap_err().to_string();
    assert!(deferred.starts_with("451 4.3.1"), "{deferred}");
    check(&served.get("/readyz"), &["503", "not ready: the bucket cannot be written"]);
    proxy.set_down(false);
    let mut sender = Sender::connect(served.smtp).unwrap();
    sender.send(journal, &message(2, 0)).unwrap();
    until("readiness", || served.get("/readyz").contains("200"));
    let published = || {
        let metrics = served.get("/metrics");
        let value = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.map(str::to_owned)
        };
        let size = value("muniment_log_entries");
        size.is_some() && size == value("muniment_log_published")
    };
    until("the log", published);
    served.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_enforces_nothing_is_refused_where_it_must() {
    for (kind, words) in
        [(Kind::WithVersions, "has no Object Lock"), (Kind::Plain, "keeps no versions")]
    {
        let Some(service) = Service::with_bucket(kind).await else { return };
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("archive");
        let endpoint = &service.config.endpoint;
        let said = refused(service.init_command(&data, endpoint).arg("--worm-required"));
        check(&said, &["[vault] worm = \"required\"", words, "worm = \"optional\""]);
        assert!(!data.exists(), "something was written before it was refused");
        // Where it need not, it is used, and told.
        assert!(service.init_command(&data, endpoint).output().unwrap().status.success());
        let config = data.join("muniment.toml");
        check(&status(&config), &["write-once: not enforced", words]);
        let said = refused(serve(&config).env("MUNIMENT__VAULT__WORM", "required"));
        check(&said, &["[vault] worm = \"required\"", words]);
        let served = Served::start(&config, &[]).unwrap();
        served.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_bucket_is_refused_with_its_mend() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let made = service.init(&service.config.endpoint);
    let with = |name: &str, value: &str| {
        let variable = format!("MUNIMENT__BUCKET__{name}");
        refused(serve(&made.config).env(variable, value))
    };
    let said = with("ENDPOINT", "http://127.0.0.1:1");
    check(&said, &["cannot reach the bucket t-", "http://127.0.0.1:1", "[bucket] endpoint"]);
    let said = with("NAME", "no-such-bucket");
    check(&said, &["there is no bucket no-such-bucket", "Object Lock", "[bucket] name"]);
    check(&with("PREFIX", "elsewhere"), &["holds no archive", "[bucket] name and prefix"]);

    let other = made.config.with_file_name("other.credentials");
    for (id, secret) in [("owner-key", "wrong"), ("nobody", "owner-secret")] {
        write_credentials(&other, id, secret);
        let path = other.to_str().unwrap();
        for name in ["CREDENTIALS", "DISPOSITION_CREDENTIALS"] {
            let key = format!("[bucket] {} (", name.to_lowercase());
            check(&with(name, path), &["does not accept", &key, "put the right ones there"]);
        }
    }
    // Another program answers there.
    let served = Served::start(&init().config, &[]).unwrap();
    let said = with("ENDPOINT", served.http.trim_end_matches('/'));
    check(&said, &["is no S3 service", "[bucket] endpoint"]);
    served.stop();
    // A system without authorities.
    let mut bare = serve(&made.config);
    let said =
        refused(bare.env("SSL_CERT_FILE", "/nonexistent").env("SSL_CERT_DIR", "/nonexistent"));
    check(&said, &["no authorities could be loaded", "ca-certificates", "[bucket] ca_file"]);
    // No credentials at all.
    let text = fs::read_to_string(&made.config).unwrap();
    let without = text.lines().filter(|line| !line.starts_with("credentials = "));
    fs::write(&made.config, without.collect::<Vec<_>>().join("\n")).unwrap();
    let said = refused(&mut serve(&made.config));
    check(&said, &["[bucket] credentials: there are none", "MUNIMENT_INGEST_ACCESS_KEY_ID"]);
    // From the environment they do as well.
    let environment = [
        ("MUNIMENT_INGEST_ACCESS_KEY_ID", "ingest-key"),
        ("MUNIMENT_INGEST_SECRET_ACCESS_KEY", "ingest-secret"),
    ];
    Served::start(&made.config, &environment).unwrap().stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_has_one_archive_for_each_prefix() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let endpoint = &service.config.endpoint;
    let first = service.init(endpoint);
    let data = |made: &Made, name: &str| made.config.parent().unwrap().with_file_name(name);
    let again = data(&first, "again");
    let said = refused(&mut service.init_command(&again, endpoint));
    check(&said, &["holds an archive already", &first.said["archive"], "[bucket] prefix"]);
    assert!(!again.exists(), "something was written before it was refused");

    // Objects of one would be strangers in the other.
    let within = data(&first, "within");
    let mut command = service.init_command(&within, endpoint);
    let said = refused(command.args(["--prefix", "tenant/seg"]));
    check(&said, &["\"tenant/seg\"", "\"seg\"", "choose another"]);
    assert!(!within.exists(), "something was written before it was refused");

    let second = data(&first, "second");
    let mut command = service.init_command(&second, endpoint);
    assert!(command.args(["--prefix", "second"]).output().unwrap().status.success());
    let second = second.join("muniment.toml");
    let said = refused(serve(&second).env("MUNIMENT__BUCKET__PREFIX", ""));
    check(&said, &["belongs to archive", &first.said["archive"], "[bucket] name and prefix"]);
    // Each in its place, at the same time.
    let (one, two) =
        (Served::start(&first.config, &[]).unwrap(), Served::start(&second, &[]).unwrap());
    one.stop();
    two.stop();
}

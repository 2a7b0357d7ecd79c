//! What goes wrong around a running archive: it is degraded with one clear sentence,
//! nothing is lost, readiness tells, and recovery needs no hand.
//!
//! What is refused at a start is in `refusals`, `s3_archive` (a bucket without versions
//! or locks, another archive's, one prefix for two) and `postgres`; missing and damaged
//! objects, key pages among them, in `scrub` and `rebuild`; clocks in `clocks`; full and
//! read-only disks in `disk`; kills in `crash` and `nodes`.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;

use muniment::app::Archive;
use muniment::base::config::Config;

use super::crash::{Load, has_each};
use super::support::postgres::Server;
use super::support::proxy::Proxy;
use super::support::random::Random;
use super::support::relay::Relay;
use super::support::s3::{Kind, Service, write_credentials};
use super::support::served::{Made, Sender, Served};
use super::support::{binary, until};

const SENDERS: usize = 4;
/// How often something goes away under load.
const OUTAGES: usize = 3;

fn check(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

fn is_ready(served: &Served) -> bool {
    served.get("/readyz").starts_with("HTTP/1.1 200")
}

/// The metric's value, where it is told.
fn metric(served: &Served, name: &str) -> Option<String> {
    let said = served.get("/metrics");
    let line = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(str::to_owned)
}

/// Under load something goes away and comes back, and nobody does anything else.
async fn survive(made: Made, set_down: impl Fn(bool), words: &[&str]) {
    let seed = Random::seed();
    println!("seed {seed} (set MUNIMENT_TEST_SEED to repeat)");
    let served = Served::start(&made.config, &[]).unwrap();
    let load = Load::start(&made.said["journal"], SENDERS, seed);
    load.place.set(Some(served.smtp));
    let more = |count: u64| {
        let wanted = load.count.load(Ordering::Relaxed) + count;
        until("mail", || load.count.load(Ordering::Relaxed) >= wanted);
    };
    for _ in 0..OUTAGES {
        more(20);
        set_down(true);
        until("a word of it", || !is_ready(&served));
        let said = served.get("/readyz");
        check(&said, &["503", "not ready: "]);
        check(&said, words);
        assert_eq!(said.trim_end().lines().last().unwrap().matches("not ready").count(), 1);
        set_down(false);
        until("readiness", || is_ready(&served));
    }
    more(20);
    let acknowledged = load.finish();
    until("the index", || served.is_settled());
    until("the log", || {
        let size = metric(&served, "muniment_log_entries");
        size.is_some() && size == metric(&served, "muniment_log_published")
    });
    served.stop();
    let archive = Archive::open(Config::load(&made.config).unwrap()).await.unwrap();
    has_each(&archive, &acknowledged).await;
    archive.catalog.close().await;
    verified(&made.config);
}

fn verified(config: &Path) {
    let output = Command::new(binary()).args(["verify", "--config"]).arg(config).output().unwrap();
    let said = String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap();
    assert!([Some(0), Some(3)].contains(&output.status.code()), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_goes_away_under_load_loses_nothing() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let proxy = Proxy::before(&service.config.endpoint);
    let made = service.init(&proxy.endpoint());
    let words = ["the bucket cannot be written", "cannot reach the bucket", "start that service"];
    survive(made, |is_down| proxy.set_down(is_down), &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogs_server_that_goes_away_under_load_loses_nothing() {
    let Some(server) = Server::find() else { return };
    let database = server.database().await;
    let relay = Relay::before(&server.address());
    let made = server.init_at(&server.url_at(relay.address, &database));
    survive(made, |is_down| relay.set_down(is_down), &["the catalog"]).await;
}

/// Mail is deferred, readiness names the key and the mend, and new ones are taken up
/// without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_expire_in_the_middle_are_named_and_new_ones_taken_up() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let made = service.init(&service.config.endpoint);
    let file = service.config.credentials.clone().unwrap();
    let good = std::fs::read_to_string(&file).unwrap();
    let served = Served::start(&made.config, &[]).unwrap();
    let journal = &made.said["journal"];
    let message = |number| format!("Subject: {number}\r\n\r\nboat\r\n").into_bytes();
    Sender::connect(served.smtp).unwrap().send(journal, &message(1)).unwrap();

    write_credentials(&file, "ingest-key", "expired");
    let deferred = Sender::connect(served.smtp).unwrap().send(journal, &message(2)).unwrap_err();
    assert!(deferred.to_string().starts_with("451 4.3.1"), "{deferred}");
    let said = served.get("/readyz");
    check(&said, &["503", "does not accept [bucket] credentials (", "put the right ones there"]);

    let secret = good.split("secret_access_key = \"").nth(1).unwrap().split('"').next().unwrap();
    write_credentials(&file, "ingest-key", secret);
    until("readiness", || is_ready(&served));
    Sender::connect(served.smtp).unwrap().send(journal, &message(2)).unwrap();
    until("the index", || served.is_settled());
    served.stop();
    let archive = Archive::open(Config::load(&made.config).unwrap()).await.unwrap();
    let totals = muniment::catalog::delivery::totals(&archive.catalog).await.unwrap();
    assert_eq!(totals.deliveries, 2);
    archive.catalog.close().await;
    verified(&made.config);
}

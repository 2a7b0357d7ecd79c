//! Two nodes on one PostgreSQL and one bucket: both take mail at once, either is
//! killed at any moment, and there is one log, without a gap and without a fork.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use muniment::app::Archive;
use muniment::base::config::Config;
use muniment::catalog::db;
use muniment::catalog::{delivery, leaf};
use muniment::index::Scope;
use muniment::query::{self, Dialect};

use super::crash::{Acknowledged, Load, has_each, random_kills};
use super::support::postgres::Server;
use super::support::random::Random;
use super::support::s3::{Kind, Service};
use super::support::served::{Made, Served, said_by};
use super::support::{binary, until};

/// Of each node: what they send, both nodes read.
const SENDERS: usize = 1;

/// A second node of an archive: its configuration and keys, and nothing else.
fn second(made: &Made) -> PathBuf {
    let first = made.config.parent().unwrap();
    let data = first.with_file_name("second");
    std::fs::create_dir(&data).unwrap();
    let copied = Command::new("cp").arg("-rp").arg(first.join("keys")).arg(&data).status();
    assert!(copied.unwrap().success());
    let text = std::fs::read_to_string(&made.config).unwrap();
    let bucket = format!("path = \"{}\"", first.join("bucket").display());
    std::fs::write(data.join("muniment.toml"), text.replace("path = \"bucket\"", &bucket)).unwrap();
    data.join("muniment.toml")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_keep_one_log_whichever_is_killed() {
    let Some(server) = Server::find() else { return };
    let made = server.init(&server.database().await);
    tokio::task::spawn_blocking(move || kill_either(&made, random_kills() / 2)).await.unwrap();
}

/// Where a bucket keeps versions and locks.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_keep_one_log_on_s3() {
    let Some(server) = Server::find() else { return };
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("archive");
    let mut command = service.init_command(&data, &service.config.endpoint);
    command.arg("--worm-required");
    command.args(server.arguments(&server.url(&server.database().await)));
    let said = said_by(&mut command);
    let made = Made { config: data.join("muniment.toml"), said, _directory: directory };
    tokio::task::spawn_blocking(move || kill_either(&made, 2 + random_kills() / 20)).await.unwrap();
}

fn kill_either(made: &Made, kills: usize) {
    let seed = Random::seed();
    println!("seed {seed} (set MUNIMENT_TEST_SEED to repeat)");
    let mut random = Random::new(seed);
    let configs = [made.config.clone(), second(made)];
    let journal = &made.said["journal"];
    let loads = [seed, seed ^ 0x5eed].map(|seed| Load::start(journal, SENDERS, seed));
    let start = |node: usize| {
        let served = Served::start(&configs[node], &[]).expect("it starts after any crash");
        loads[node].place.set(Some(served.smtp));
        Some(served)
    };
    let mut nodes = [start(0), start(1)];
    for _ in 0..kills {
        // Now one, now the other, now both at once.
        let dying: &[usize] = match random.next() % 5 {
            0 | 1 => &[0],
            2 | 3 => &[1],
            _ => &[0, 1],
        };
        for &node in dying {
            let wanted = loads[node].count.load(Ordering::Relaxed) + 1 + random.next() % 20;
            until("mail is taken", || loads[node].count.load(Ordering::Relaxed) >= wanted);
        }
        for &node in dying {
            nodes[node].take().unwrap().kill();
            loads[node].place.set(None);
        }
        for &node in dying {
            nodes[node] = start(node);
        }
    }
    let [first, second] = loads;
    let mut acknowledged = first.finish();
    acknowledged.extend(second.finish());
    println!("{} deliveries were acknowledged", acknowledged.len());
    assert!(acknowledged.len() > 20, "there was hardly any load");
    let served = nodes.map(Option::unwrap);
    let metric = |node: &Served, name: &str| {
        let said = node.get("/metrics");
        said.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
    };
    for node in &served {
        let (mut behind, mut since) = (String::new(), Instant::now());
        while !node.is_settled() {
            let now = metric(node, "muniment_index_behind ");
            if now != behind {
                (behind, since) = (now, Instant::now());
            }
            let stands = since.elapsed();
            assert!(stands < Duration::from_secs(180), "a node does not index the last {behind}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    for node in served {
        node.stop();
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(check(&configs, &acknowledged));
    verified(&made.config);
}

/// The catalog has each of them once, and each node finds each of them once.
async fn check(configs: &[PathBuf], acknowledged: &[Acknowledged]) {
    for config in configs {
        let archive = Archive::open(Config::load(config).unwrap()).await.unwrap();
        has_each(&archive, acknowledged).await;
        let index = archive.open_index().unwrap();
        let last = delivery::last_seq(&archive.catalog).await.unwrap().0;
        assert_eq!(index.cursor(), last as u64, "the index is behind");
        for heard in acknowledged {
            let text = format!("subject:{}", heard.token);
            let query = query::parse(&text, Dialect::Kql, &TimeZone::UTC).unwrap().query;
            let hits = index.all(&query, &Scope::default()).unwrap();
            assert_eq!(hits.len(), 1, "{} is not found by its subject", heard.token);
        }
        // The numbers of deliveries and leaves are without a gap, and each record is
        // in one delivery and one leaf.
        let leaves = leaf::count(&archive.catalog).await.unwrap() as i64;
        let counted: (i64, i64, i64, i64) = db::query_as(
            "SELECT (SELECT COUNT(*) FROM delivery), (SELECT MAX(seq) FROM delivery),
                    (SELECT COUNT(*) FROM leaf), (SELECT COUNT(record_id) FROM leaf)",
        )
        .fetch_one(archive.catalog.read())
        .await
        .unwrap();
        assert_eq!(counted, (last, last, leaves, last));
        archive.catalog.close().await;
    }
}

/// Every object, row and leaf, and every checkpoint against those before it.
fn verified(config: &Path) {
    let output = Command::new(binary()).args(["verify", "--config"]).arg(config).output().unwrap();
    let said = String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap();
    assert!([Some(0), Some(3)].contains(&output.status.code()), "{said}");
}

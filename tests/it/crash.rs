//! Nothing acknowledged is lost: the process is killed at every durable step
//! and at random moments under load, and what the clients heard 250 for is
//! compared, byte for byte, with what the archive has afterwards.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use jiff::tz::TimeZone;
use muniment::app::Archive;
use muniment::base::config::Config;
use muniment::base::crash::{CRASH_AT, POINTS};
use muniment::base::hash::Digest;
use muniment::base::ids::{DeliverySeq, RecordId};
use muniment::catalog::{delivery, leaf};
use muniment::index::Scope;
use muniment::query::{self, Dialect};
use muniment::vault::open::OpenSegment;

use super::support::random::Random;
use super::support::s3::{Kind, Service};
use super::support::served::{Made, Sender, Served, init};
use super::support::{attach, note, until};

const SENDERS: usize = 6;

/// Kills at random moments: a few in `make test`, many in `make test-long`.
pub(super) fn random_kills() -> usize {
    if std::env::var_os("MUNIMENT_TEST_LONG").is_some() { 300 } else { 12 }
}

/// Where the server is, if it is; senders wait for it.
#[derive(Default)]
pub(super) struct Place {
    address: Mutex<Option<SocketAddr>>,
    changed: Condvar,
    is_over: AtomicBool,
}

impl Place {
    pub(super) fn set(&self, address: Option<SocketAddr>) {
        *self.address.lock().unwrap() = address;
        self.changed.notify_all();
    }

    fn wait(&self) -> Option<SocketAddr> {
        let mut address = self.address.lock().unwrap();
        loop {
            if self.is_over.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(address) = *address {
                return Some(address);
            }
            address = self.changed.wait(address).unwrap();
        }
    }

    fn end(&self) {
        let _address = self.address.lock().unwrap();
        self.is_over.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }
}

/// A 250 that was heard.
pub(super) struct Acknowledged {
    record: RecordId,
    leaf: Digest,
    sha256: Digest,
    pub(super) token: String,
}

pub(super) struct Load {
    pub(super) place: Arc<Place>,
    acknowledged: Arc<Mutex<Vec<Acknowledged>>>,
    pub(super) count: Arc<AtomicU64>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Load {
    pub(super) fn start(journal: &str, senders: usize, seed: u64) -> Self {
        let place = Arc::new(Place::default());
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let count = Arc::new(AtomicU64::new(0));
        let threads = (0..senders)
            .map(|number| {
                let (place, acknowledged, count, journal) =
                    (place.clone(), acknowledged.clone(), count.clone(), journal.to_owned());
                std::thread::spawn(move || {
                    let mut random = Random::new(seed ^ (number as u64 + 1));
                    while let Some(address) = place.wait() {
                        let Ok(mut sender) = Sender::connect(address) else {
                            // It is dying or not up yet; the next look waits.
                            std::thread::sleep(Duration::from_millis(1));
                            continue;
                        };
                        for sent in 0.. {
                            // What is not reached soon does not need ever more mail.
                            if sent > 100 {
                                std::thread::sleep(Duration::from_millis(50));
                            }
                            let (token, text) = message(&mut random);
                            let Ok(receipt) = sender.send(&journal, &text) else { break };
                            let heard = Acknowledged {
                                record: receipt.record,
                                leaf: receipt.leaf,
                                sha256: Digest::of(&text),
                                token,
                            };
                            acknowledged.lock().unwrap().push(heard);
                            count.fetch_add(1, Ordering::Relaxed);
                            if place.is_over.load(Ordering::Relaxed) {
                                break;
                            }
                        }
                    }
                })
            })
            .collect();
        Self { place, acknowledged, count, threads }
    }

    pub(super) fn finish(self) -> Vec<Acknowledged> {
        self.place.end();
        for thread in self.threads {
            thread.join().unwrap();
        }
        Arc::into_inner(self.acknowledged).unwrap().into_inner().unwrap()
    }
}

/// A message that no other is equal to; one in three hundred is too large for memory,
/// and one in four has a note that others have too.
fn message(random: &mut Random) -> (String, Vec<u8>) {
    let number = random.next();
    let token = format!("token{number:016x}");
    let lines = if random.next().is_multiple_of(300) { 260_000 } else { random.next() % 60 };
    let mut text = format!(
        "From: a{}@example.com\r\nTo: b@example.com\r\nSubject: {token}\r\n\
         Date: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\n",
        number % 7
    );
    if number.is_multiple_of(4) {
        let headers = text.trim_end_matches("\r\n").to_owned() + "\r\n";
        return (token.clone(), attach(&headers, &token, &note(number / 4 % 5)));
    }
    for _ in 0..lines {
        text.push_str(&format!("{:016x} {:016x} .\r\n", random.next(), random.next()));
    }
    (token, text.into_bytes())
}

#[test]
fn nothing_acknowledged_is_lost_by_kills() {
    // Those of a rebuild, a disposition, an erasure, a check, a rotation, of longer locks and of
    // what goes outside have tests of their own; that something is read late and settled is too
    // seldom to wait for.
    let points: Vec<_> = POINTS
        .iter()
        .copied()
        .filter(|point| {
            let elsewhere = [
                "rebuild.",
                "retention.",
                "erasure.",
                "compact.",
                "rotate.",
                "locks.",
                "scrub.",
                "outside.",
                "follow.before_settling",
            ];
            !elsewhere.iter().any(|start| point.starts_with(start))
        })
        .collect();
    kill_and_check(&init(), &points, random_kills());
}

/// Where each put is a round trip and another version.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_kills_on_s3() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let made = service.init(&service.config.endpoint);
    let points = ["seal.after_segment", "seal.after_page", "commit.before", "publish.after_tiles"];
    let kills = random_kills() / 4;
    tokio::task::spawn_blocking(move || kill_and_check(&made, &points, kills)).await.unwrap();
}

/// Kills under load at each of the points, then at random moments.
pub(super) fn kill_and_check(made: &Made, points: &[&str], random_kills: usize) {
    let seed = Random::seed();
    println!("seed {seed} (set MUNIMENT_TEST_SEED to repeat)");
    let load = Load::start(&made.said["journal"], SENDERS, seed);
    let mut random = Random::new(seed);

    for point in points {
        // A start tells once what was decided; nobody decides anything here.
        let passages = if point.starts_with("policy.") { 1 } else { 1 + random.next() % 3 };
        let at = format!("{point}:{passages}");
        match Served::start(&made.config, &[(CRASH_AT, &at)]) {
            Some(served) => {
                load.place.set(Some(served.smtp));
                dies(served, &at);
                load.place.set(None);
            }
            None => println!("{at}: died before it listened"),
        }
    }
    for _ in 0..random_kills {
        let served = Served::start(&made.config, &[]).expect("it starts after any crash");
        let before = load.count.load(Ordering::Relaxed);
        load.place.set(Some(served.smtp));
        let wanted = before + 1 + random.next() % 60;
        until("mail is taken", || load.count.load(Ordering::Relaxed) >= wanted);
        served.kill();
        load.place.set(None);
    }
    let acknowledged = load.finish();
    println!("{} deliveries were acknowledged", acknowledged.len());
    assert!(acknowledged.len() > 20, "there was hardly any load");
    check(made, &acknowledged);
}

/// Waits for a crash that was asked for.
fn dies(mut served: Served, at: &str) {
    until(&format!("{at} is reached under load"), || !served.is_alive());
    served.died();
}

/// Catalog, log and bucket have each of them; so does the index, once it has
/// caught up.
fn check(made: &Made, acknowledged: &[Acknowledged]) {
    let served = Served::start(&made.config, &[]).expect("it starts after any crash");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let archive = Archive::open(Config::load(&made.config).unwrap()).await.unwrap();
        has_each(&archive, acknowledged).await;
    });
    // The catalog's cursor runs ahead of the index's: this counts from the slower one.
    until("all can be found", || served.is_settled());
    served.stop();
    runtime.block_on(async {
        let archive = Archive::open(Config::load(&made.config).unwrap()).await.unwrap();
        let index = archive.open_index().unwrap();
        let last = delivery::last_seq(&archive.catalog).await.unwrap().0;
        assert_eq!(index.cursor(), last as u64, "the index is behind");
        for heard in acknowledged {
            let text = format!("subject:{}", heard.token);
            let query = query::parse(&text, Dialect::Kql, &TimeZone::UTC).unwrap().query;
            let hits = index.all(&query, &Scope::default()).unwrap();
            assert_eq!(hits.len(), 1, "{} is not found by its subject", heard.token);
        }
    });
}

pub(super) async fn has_each(archive: &Archive, acknowledged: &[Acknowledged]) {
    let mut wanted: HashMap<_, _> =
        acknowledged.iter().map(|heard| (heard.record, heard)).collect();
    let mut at = DeliverySeq(0);
    let mut segment: Option<(String, OpenSegment)> = None;
    loop {
        let rows = delivery::after(&archive.catalog, at, 500).await.unwrap();
        let Some(last) = rows.last() else { break };
        at = last.seq;
        for row in &rows {
            if segment.as_ref().is_none_or(|(object, _)| *object != row.object.name) {
                let open = archive.vault.open_segment(&row.object, &row.page).await.unwrap();
                segment = Some((row.object.name.clone(), open));
            }
            let (_, open) = segment.as_ref().unwrap();
            // Also those that nobody heard of: what is committed can be read.
            let bytes = open.record(row.entry).await.unwrap().bytes().await.unwrap();
            let Some(heard) = wanted.remove(&row.record) else { continue };
            assert_eq!(Digest::of(&bytes), heard.sha256, "{} came back changed", heard.record);
            let leaf = leaf::of_record(&archive.catalog, heard.record).await.unwrap().unwrap();
            assert_eq!(leaf.hash, heard.leaf, "the receipt of {} names another leaf", heard.record);
        }
    }
    assert!(wanted.is_empty(), "not in the catalog: {:?}", wanted.keys());
}

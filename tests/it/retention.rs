//! Dispositions: who may, when, what goes, and that nothing held ever does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use muniment::access::person::{self, New};
use muniment::access::{Actor, Role};
use muniment::app::Archive;
use muniment::base::clock::{Clock, Timestamp};
use muniment::base::config::Worker;
use muniment::base::ids::{DeliverySeq, DispositionId, HoldId, MatterId, RecordId};
use muniment::catalog::disposition::State;
use muniment::catalog::{Catalog, delivery, job, leaf};
use muniment::hold::{self, DateKind};
use muniment::index::{Index, Scope};
use muniment::ingest::follow::Follower;
use muniment::ingest::log::Log;
use muniment::ingest::publish::check_published;
use muniment::ingest::rebuild;
use muniment::matter::{self, custodian};
use muniment::policy::{Recorder, Teller, restore};
use muniment::query::{self, Dialect};
use muniment::retention::{self, Retention, RetentionError, certificate};
use muniment::vault::bucket::Place;
use muniment::worker::Pool;

use super::support::random::Random;
use super::support::{Scratch, binary, deliver};

/// Received in January 2026 and in February; over after seven years.
const JANUARY: i64 = 1_767_900_000;
const FEBRUARY: i64 = 1_770_500_000;
const AFTER: i64 = 1_991_000_000;

fn at(seconds: i64) -> Clock {
    Clock::fixed(Timestamp::from_seconds(seconds))
}

struct Kept {
    scratch: Scratch,
    retention: Retention,
    index: Index,
    log: Log,
    people: Vec<Actor>,
    matter: MatterId,
}

fn message(number: usize) -> Vec<u8> {
    format!(
        "From: ann@example.com\r\nTo: bob{}@example.com\r\nSubject: number {number}\r\n\
         Date: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\nThe paper boat {number} sails.\r\n",
        number % 3
    )
    .into_bytes()
}

impl Kept {
    /// Twelve messages of January, four to each of three people, two in each segment
    /// or more; and one of February that repeats the first.
    async fn new() -> Self {
        let mut scratch = Scratch::new().await;
        for (clock, numbers) in [(at(JANUARY), 0..12), (at(FEBRUARY), 12..14)] {
            scratch.archive.clock = clock;
            let (ingest, _lock) = scratch.ingest().await;
            for number in numbers.step_by(2) {
                let second = if number == 12 { message(0) } else { message(number + 1) };
                let first = message(number);
                let archive = &scratch.archive;
                let both = [deliver(archive, &ingest, &first), deliver(archive, &ingest, &second)];
                futures::future::join_all(both).await;
            }
        }
        scratch.archive.clock = at(AFTER);
        let archive = &scratch.archive;
        let index = Index::open(&scratch.directory.path().join("index"), 32 << 20).unwrap();
        derive(archive, &index).await;
        let signer = archive.vault.log_signer();
        let bucket = archive.vault.bucket().clone();
        let log = Log::open(bucket, signer.verifier().clone()).await.unwrap();
        let published = log.clone();
        let parts = (archive.vault.clone(), archive.catalog.clone(), archive.clock.clone());
        let retention =
            Retention::new(parts, index.clone(), &archive.config.class, move || published.size());
        let mut people = Vec::new();
        for (name, role) in [("rita", Role::Records), ("ron", Role::Records), ("lea", Role::Legal)]
        {
            people.push(add(archive, name, role).await);
        }
        let new = matter::New { name: "M".into(), reference: "".into(), zone: "UTC".into() };
        let lea = &people[2];
        let matter = matter::create(lea, &archive.catalog, &archive.clock, new).await.unwrap();
        let matter = matter.row.matter_id;
        let kept = Self { scratch, retention, index, log, people, matter };
        kept.publish().await;
        kept
    }

    fn archive(&self) -> &Archive {
        &self.scratch.archive
    }

    /// Tells what was decided, and publishes the log.
    async fn publish(&self) {
        let Archive { catalog, vault, clock, .. } = self.archive();
        let recorder = Recorder::new(catalog.clone());
        let teller = Teller::new(vault.clone(), recorder.clone(), clock.clone());
        teller.run(std::future::ready(())).await;
        assert_eq!(recorder.waiting().await.unwrap(), 0);
        let signer = vault.log_signer();
        let mut publisher =
            check_published(catalog.clone(), vault.bucket().clone(), signer).await.unwrap();
        publisher.publish().await.unwrap();
        self.log.refresh().await.unwrap();
    }

    async fn hold(&self, number: usize) -> HoldId {
        let (archive, lea) = (self.archive(), &self.people[2]);
        let (catalog, clock) = (&archive.catalog, &archive.clock);
        let addresses = [format!("bob{number}@example.com")];
        let name = format!("Bob {number}");
        let bob = custodian::add(lea, catalog, clock, self.matter, &name, &addresses);
        let new = hold::New {
            name: "h".into(),
            custodians: vec![bob.await.unwrap().custodian_id],
            date_kind: DateKind::Sent,
            from: None,
            until: None,
            is_ongoing: true,
        };
        hold::place(lea, catalog, clock, self.matter, &new).await.unwrap().row.hold_id
    }

    async fn release(&self, id: HoldId) {
        let (archive, lea) = (self.archive(), &self.people[2]);
        let (catalog, clock) = (&archive.catalog, &archive.clock);
        hold::release(lea, catalog, clock, (self.matter, id), "settled").await.unwrap();
    }

    async fn approved(&self) -> DispositionId {
        let [rita, ron, _] = &self.people[..] else { panic!() };
        let row = retention::propose(rita, &self.retention, "standard", "2026-01").await.unwrap();
        let id = row.disposition_id;
        let row = retention::approve(ron, &self.retention, id, "seven years").await.unwrap();
        assert_eq!(row.state, State::Approved);
        self.publish().await;
        id
    }

    /// Does the job that waits.
    async fn work(&self) -> Result<(), RetentionError> {
        let lease = retention::run::lease(&self.retention, "serve");
        let catalog = &self.archive().catalog;
        let found = job::lease(catalog, &lease, self.archive().clock.now()).await.unwrap();
        let found = found.expect("a job waits");
        let id = found.job_id;
        retention::run::run(&self.retention, found, "serve").await?;
        let ended = job::by_id(catalog, id).await.unwrap().unwrap();
        assert_eq!(ended.state, job::State::Done, "{}", ended.result);
        Ok(())
    }

    async fn state(&self, id: DispositionId) -> State {
        retention::get(&self.people[0], &self.retention, id).await.unwrap().state
    }

    async fn rows(&self) -> Vec<delivery::Delivery> {
        delivery::after(&self.archive().catalog, DeliverySeq(0), 1000).await.unwrap()
    }

    /// What each record that the catalog has says, read from the vault.
    async fn contents(&self) -> Vec<Vec<u8>> {
        let mut contents = Vec::new();
        for row in self.rows().await {
            let record = self.archive().vault.open_record(&row.at()).await.unwrap();
            contents.push(record.bytes().await.unwrap().to_vec());
        }
        contents
    }

    fn found(&self, text: &str) -> usize {
        let query = query::parse(text, Dialect::Kql, &jiff::tz::TimeZone::UTC).unwrap().query;
        self.index.all(&query, &Scope::default()).unwrap().len()
    }

    async fn names(&self, below: &str) -> Vec<String> {
        self.archive().vault.bucket().list(below).await.unwrap()
    }
}

async fn add(archive: &Archive, name: &str, role: Role) -> Actor {
    let operator = Actor::operator(Role::Administrator);
    let is_archive_wide = role == Role::Legal;
    let new = New { name: name.into(), display_name: name.into(), role, is_archive_wide };
    let (row, _) = person::create(&operator, &archive.access(), new).await.unwrap();
    Actor { user_id: row.user_id, name: row.name, role, is_archive_wide }
}

async fn derive(archive: &Archive, index: &Index) {
    let settings = Worker { processes: 1, ..archive.config.worker.clone() };
    let workers = Arc::new(Pool::new(binary().into(), settings));
    let last = delivery::last_seq(&archive.catalog).await.unwrap();
    let (_committed, committing) = tokio::sync::watch::channel(last);
    let (vault, catalog) = (archive.vault.clone(), archive.catalog.clone());
    let follower =
        Follower::new(vault, catalog, archive.clock.clone(), index.clone(), workers, committing);
    let progress = follower.progress();
    let running = tokio::spawn(follower.run());
    assert!(progress.reached(last).await);
    running.abort();
}

fn refused<T: std::fmt::Debug>(result: Result<T, RetentionError>, words: &str) {
    let error = result.unwrap_err().to_string();
    assert!(error.contains(words), "{words:?} is not in: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_goes_by_two_people_and_what_is_held_stays() {
    let kept = Kept::new().await;
    let (rita, lea) = (&kept.people[0], &kept.people[2]);
    let retention = &kept.retention;
    kept.hold(0).await;
    let before = kept.rows().await;
    let january: Vec<_> = before.iter().filter(|row| row.epoch == "2026-01").collect();
    assert_eq!((january.len(), before.len()), (12, 14));
    let pages: BTreeSet<String> = january.iter().map(|row| row.page.name.clone()).collect();
    let mut copies = Vec::new();
    for page in &pages {
        copies.push((page.clone(), kept.archive().vault.bucket().get(page).await.unwrap()));
    }
    let leaves = leaf::count(&kept.archive().catalog).await.unwrap();

    // Who may, and when.
    refused(retention::propose(lea, retention, "standard", "2026-01").await, "records manager");
    refused(
        retention::propose(rita, retention, "standard", "2026-02").await,
        "is kept until 2033-03",
    );
    refused(retention::propose(rita, retention, "standard", "2020-01").await, "no such epoch");
    let row = retention::propose(rita, retention, "standard", "2026-01").await.unwrap();
    let figures: retention::Figures = serde_json::from_str(&row.figures).unwrap();
    assert_eq!((figures.deliveries, figures.held), (12, 4));
    let again = retention::propose(rita, retention, "standard", "2026-01").await;
    refused(again, "another proposal");
    let own = retention::approve(rita, retention, row.disposition_id, "yes").await;
    refused(own, "a second person");
    retention::refuse(rita, retention, row.disposition_id, "a mistake").await.unwrap();
    let late = retention::approve(&kept.people[1], retention, row.disposition_id, "yes").await;
    refused(late, "decided already");

    let id = kept.approved().await;
    kept.work().await.unwrap();
    assert_eq!(kept.state(id).await, State::Done);
    let row = retention::get(rita, retention, id).await.unwrap();
    let outcomes: retention::Outcomes = serde_json::from_str(row.result.as_ref().unwrap()).unwrap();
    assert_eq!((outcomes.destroyed, outcomes.kept.len()), (8, 4));

    // Held mail and later mail are there, byte for byte; the rest is nowhere.
    let mut expected: Vec<_> = [0, 3, 6, 9, 12].map(message).to_vec();
    expected.push(message(0));
    let mut contents = kept.contents().await;
    contents.sort();
    expected.sort();
    assert_eq!(contents, expected);
    let rows = kept.rows().await;
    let objects: BTreeSet<String> = rows.iter().map(|row| row.object.name.clone()).collect();
    let january = kept.names("seg/standard/2026-01/").await;
    assert!(january.iter().all(|name| objects.contains(name)), "{january:?}");
    let held = kept.names("key/standard/2026-01/").await;
    assert_eq!(held.len(), january.len());
    assert!(held.iter().all(|name| name.ends_with(".held")), "{held:?}");
    assert_eq!(kept.names("keyring/epoch/standard/2026-01/").await, Vec::<String>::new());
    assert_eq!((kept.found("\"paper boat\""), kept.found("subject:1")), (5, 0));

    // A check of everything finds nothing wrong, and a lost catalog comes back.
    kept.publish().await;
    let scrubber = kept.archive().scrubber("test", None);
    let report = scrubber.run("system", &mut |_, _, _| ()).await.unwrap();
    assert_eq!(format!("{:?}", report.faults), "[]");
    let scratch = Catalog::create(&kept.scratch.directory.path().join("again.db")).await.unwrap();
    let vault = &kept.archive().vault;
    let rebuilt = rebuild::rebuild(vault, &scratch, &mut |_, _, _| ()).await.unwrap();
    let now = kept.archive().clock.now();
    let restored = restore::restore(vault, &scratch, now, &mut |_, _| ()).await.unwrap();
    let missing = rebuild::missing(&scratch).await.unwrap();
    assert_eq!([rebuilt.faults, restored.faults, missing].concat(), Vec::<String>::new());
    let again = delivery::after(&scratch, DeliverySeq(0), 1000).await.unwrap();
    let places = |rows: &[delivery::Delivery]| {
        rows.iter().map(|row| (row.seq, row.record, row.page.clone())).collect::<Vec<_>>()
    };
    assert_eq!(places(&again), places(&rows));

    // A copy of an old page opens nothing.
    for (name, bytes) in copies {
        let bucket = kept.archive().vault.bucket();
        let page = bucket.put_new(&format!("{name}.copy"), bytes).await.unwrap();
        let segment = name.trim_end_matches(".page");
        for row in rows.iter().filter(|row| row.page.name.starts_with(segment)) {
            let at: Place = row.object.clone();
            assert!(kept.archive().vault.open_segment(&at, &page).await.is_err());
        }
    }

    // The log still shows that all of it existed, and what became of it.
    kept.publish().await;
    assert!(leaf::count(&kept.archive().catalog).await.unwrap() > leaves);
    for row in before {
        let leaf = leaf::of_record(&kept.archive().catalog, row.record).await.unwrap().unwrap();
        let proof = kept.log.prove(leaf.position).await.unwrap().unwrap();
        assert!(proof.verify(&leaf.hash));
    }
    let page = certificate::html("archive", "key", &row, None).unwrap();
    assert!(page.contains("8 records") && page.contains("ron") && page.contains("seven years"));
    for record in &outcomes.kept {
        assert!(page.contains(&record.to_string()));
    }
}

/// What a hold kept goes when it is released and the epoch is disposed of again.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_goes_when_it_is_released() {
    let kept = Kept::new().await;
    let (first, second) = (kept.hold(0).await, kept.hold(1).await);
    kept.approved().await;
    kept.work().await.unwrap();
    assert_eq!(kept.rows().await.len(), 8 + 2);
    kept.release(first).await;
    kept.approved().await;
    kept.work().await.unwrap();
    assert_eq!(kept.contents().await.len(), 4 + 2);
    kept.release(second).await;
    kept.approved().await;
    kept.work().await.unwrap();
    assert_eq!(kept.contents().await.len(), 2);
    for below in ["seg/standard/2026-01/", "key/standard/2026-01/"] {
        assert_eq!(kept.names(below).await, Vec::<String>::new());
    }
}

/// Cut off anywhere, with holds placed and released meanwhile: what a hold in force
/// covers can always be read, and in the end everything else is gone.
#[tokio::test(flavor = "multi_thread")]
async fn no_race_destroys_what_is_held() {
    let rounds = if std::env::var_os("MUNIMENT_TEST_LONG").is_some() { 300 } else { 2 };
    let seed = Random::seed();
    println!("seed {seed} (set MUNIMENT_TEST_SEED to repeat)");
    let mut random = Random::new(seed);
    for _ in 0..rounds {
        let kept = Kept::new().await;
        let id = kept.approved().await;
        let mut placed = Vec::new();
        let mut held: BTreeSet<RecordId> = BTreeSet::new();
        while kept.state(id).await != State::Done {
            // Dropped at some point, as a crash would end it.
            let patience = Duration::from_micros(random.next() % 30_000);
            let cut = async {
                tokio::time::sleep(patience).await;
            };
            let placing = async {
                match random.next() % 3 {
                    0 if placed.len() < 3 => Some(kept.hold(placed.len()).await),
                    _ => None,
                }
            };
            let (new, _) = tokio::join!(placing, async {
                tokio::select! {
                    done = kept.work() => done.unwrap(),
                    () = cut => {}
                }
            });
            if let Some(new) = new {
                placed.push(new);
            }
            // Whatever is covered now was not destroyed, and never will be.
            for row in kept.rows().await {
                let covered = hold::held_among(&kept.archive().catalog, &[row.seq]).await.unwrap();
                if !covered.is_empty() && row.epoch == "2026-01" {
                    held.insert(row.record);
                }
            }
        }
        let rows = kept.rows().await;
        kept.contents().await;
        let left: BTreeSet<RecordId> =
            rows.iter().filter(|row| row.epoch == "2026-01").map(|row| row.record).collect();
        assert_eq!(left, held, "seed {seed}");
        for name in kept.names("key/standard/2026-01/").await {
            assert!(rows.iter().any(|row| row.page.name == name), "{name} is left over");
        }
    }
}

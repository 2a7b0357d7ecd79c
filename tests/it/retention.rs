//! Dispositions: who may, when, what goes, and that nothing held ever does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use muniment::access::person::{self, New};
use muniment::access::{Actor, Role};
use muniment::app::Archive;
use muniment::base::clock::{Clock, Timestamp};
use muniment::base::config::Worker;
use muniment::base::hash::Digest;
use muniment::base::ids::{DeliverySeq, DispositionId, HoldId, JobId, MatterId, RecordId};
use muniment::catalog::audit::{self, Filter, Visible};
use muniment::catalog::disposition::State;
use muniment::catalog::epoch;
use muniment::catalog::job::{Lease, NewJob};
use muniment::catalog::{Catalog, db, delivery, job, leaf, part, set};
use muniment::export;
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
use super::support::{Scratch, attach, binary, change_rows, deliver, note};

/// Received in January 2026 and in February; over after seven years.
const JANUARY: i64 = 1_767_900_000;
const FEBRUARY: i64 = 1_770_500_000;
const AFTER: i64 = 1_991_000_000;

pub(super) fn at(seconds: i64) -> Clock {
    Clock::fixed(Timestamp::from_seconds(seconds))
}

pub struct Kept {
    pub scratch: Scratch,
    retention: Retention,
    index: Index,
    log: Log,
    people: Vec<Actor>,
    matter: MatterId,
}

fn message(number: usize) -> Vec<u8> {
    version(number, "january")
}

/// As it came by one way: the same message to a reader, in other bytes.
fn version(number: usize, way: &str) -> Vec<u8> {
    let headers = format!(
        "X-Way: {way}\r\nMessage-ID: <{number}@{way}.example>\r\nFrom: ann@example.com\r\n\
         To: bob{}@example.com\r\nSubject: number {number}\r\n\
         Date: Mon, 5 Jan 2026 10:00:00 +0000\r\n",
        number % 3
    );
    // Each note comes to three people, in different segments or the same.
    let note = note(number as u64 / 4);
    attach(&headers, &format!("The paper boat {number} sails."), &note)
}

impl Kept {
    /// Twelve messages of January, four to each of three people, two in each segment
    /// or more; and one of February that repeats the first.
    pub async fn new() -> Self {
        let mut scratch = Scratch::new().await;
        for (clock, numbers) in [(at(JANUARY), 0..12), (at(FEBRUARY), 12..14)] {
            scratch.archive.clock = clock;
            let (ingest, _lock) = scratch.ingest().await;
            for number in numbers.step_by(2) {
                let (first, second) = match number {
                    12 => (version(12, "february"), version(0, "february")),
                    _ => (message(number), message(number + 1)),
                };
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
        let parts = (archive.vault.clone(), archive.catalog.clone(), archive.clock.clone());
        let outward = (log.clone(), Recorder::new(archive.catalog.clone()));
        let retention =
            Retention::new(parts, index.clone(), outward, workers(archive), &archive.config);
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

    pub fn archive(&self) -> &Archive {
        &self.scratch.archive
    }

    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Tells what was decided, and publishes the log.
    pub async fn publish(&self) {
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

    /// As the server would, while it runs.
    pub async fn deliver(&self, bytes: &[u8]) {
        let (ingest, _lock) = self.scratch.ingest().await;
        deliver(self.archive(), &ingest, bytes).await;
    }

    pub async fn hold(&self, number: usize) -> HoldId {
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

    pub async fn approved(&self) -> DispositionId {
        let [rita, ron, _] = &self.people[..] else { panic!() };
        let row = retention::propose(rita, &self.retention, "standard", "2026-01").await.unwrap();
        let id = row.disposition_id;
        let row = retention::approve(ron, &self.retention, id, "seven years").await.unwrap();
        assert_eq!(row.state, State::Approved);
        self.publish().await;
        id
    }

    /// Does the job that waits.
    pub async fn work(&self) -> Result<(), RetentionError> {
        let (catalog, now) = (&self.archive().catalog, self.archive().clock.now());
        let found = job::lease(catalog, &Lease::from("serve", now), now).await.unwrap();
        let found = found.expect("a job waits");
        let id = found.job_id;
        retention::run::run(&self.retention, found, "serve").await?;
        let ended = job::by_id(catalog, id).await.unwrap().unwrap();
        assert_eq!(ended.state, job::State::Done, "{}", ended.result);
        Ok(())
    }

    /// Does the job that waits, which stops: why.
    async fn stops(&self) -> String {
        let (catalog, now) = (&self.archive().catalog, self.archive().clock.now());
        let found = job::lease(catalog, &Lease::from("serve", now), now).await.unwrap();
        let found = found.expect("a job waits");
        let id = found.job_id;
        retention::run::run(&self.retention, found, "serve").await.unwrap();
        let ended = job::by_id(catalog, id).await.unwrap().unwrap();
        assert_eq!(ended.state, job::State::Failed);
        ended.result
    }

    async fn sql(&self, text: &str) {
        change_rows(&self.archive().catalog, text).await;
    }

    async fn outcomes(&self, id: DispositionId) -> retention::Outcomes {
        let row = retention::get(&self.people[0], &self.retention, id).await.unwrap();
        serde_json::from_str(row.result.as_ref().unwrap()).unwrap()
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

    /// The segments of January with their pages, as the catalog has them: those that
    /// hold a part of what is kept have no delivery of their own.
    async fn january(&self) -> BTreeSet<String> {
        let catalog = &self.archive().catalog;
        let names = epoch::objects_of(catalog, "standard", "2026-01").await.unwrap();
        names.into_iter().collect()
    }

    async fn names(&self, below: &str) -> Vec<String> {
        self.archive().vault.bucket().list(below).await.unwrap()
    }
}

pub(super) async fn add(archive: &Archive, name: &str, role: Role) -> Actor {
    let operator = Actor::operator(Role::Administrator);
    let is_archive_wide = role == Role::Legal;
    let new = New { name: name.into(), display_name: name.into(), role, is_archive_wide };
    let (row, _) = person::create(&operator, &archive.access(), new).await.unwrap();
    Actor { user_id: row.user_id, name: row.name, role, is_archive_wide }
}

pub(super) fn workers(archive: &Archive) -> Arc<Pool> {
    let settings = Worker { processes: 1, ..archive.config.worker.clone() };
    Arc::new(Pool::new(binary().into(), settings))
}

pub(super) async fn derive(archive: &Archive, index: &Index) {
    let workers = workers(archive);
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

pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, RetentionError>, words: &str) {
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
    let sample: BTreeSet<_> = figures.sample.iter().map(|it| it.record).collect();
    assert_eq!((sample.len(), figures.sample.len()), (4, 4), "every second of what is not held");
    for sampled in &figures.sample {
        let row = january.iter().find(|row| row.record == sampled.record).unwrap();
        assert_eq!((row.size_bytes, row.received_at), (sampled.size_bytes, sampled.received_at));
    }
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
    let outcomes = kept.outcomes(id).await;
    assert_eq!((outcomes.destroyed, outcomes.kept.len()), (8, 4));

    // Held mail and later mail are there, byte for byte; the rest is nowhere.
    let mut expected: Vec<_> = [0, 3, 6, 9].map(message).to_vec();
    expected.extend([version(12, "february"), version(0, "february")]);
    let mut contents = kept.contents().await;
    contents.sort();
    expected.sort();
    assert_eq!(contents, expected);
    let rows = kept.rows().await;
    let known = kept.january().await;
    let january = kept.names("seg/standard/2026-01/").await;
    let held = kept.names("key/standard/2026-01/").await;
    assert_eq!(held.len(), january.len());
    let left: BTreeSet<String> = january.iter().chain(&held).cloned().collect();
    assert_eq!(left, known);
    assert!(held.iter().all(|name| name.ends_with(".held")), "{held:?}");
    assert_eq!(kept.names("keyring/epoch/standard/2026-01/").await, Vec::<String>::new());
    assert_eq!((kept.found("\"paper boat\""), kept.found("subject:1")), (5, 0));

    // A check of everything finds nothing wrong, and a lost catalog comes back.
    kept.publish().await;
    let scrubber = kept.archive().scrubber("test", workers(kept.archive()), None);
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
    assert_eq!((kept.found("header:january"), kept.found("header:february")), (12, 2));
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
    // A message that came again later is there, and what only its first version had
    // is not.
    assert_eq!((kept.found("subject:0"), kept.found("header:february")), (1, 2));
    assert_eq!(
        (kept.found("header:january"), kept.found("messageid:\"0@january.example\"")),
        (0, 0)
    );
    assert_eq!(kept.found("messageid:\"0@february.example\""), 1);
    for below in ["seg/standard/2026-01/", "key/standard/2026-01/"] {
        assert_eq!(kept.names(below).await, Vec::<String>::new());
    }
}

/// Bundles with messages in them that are destroyed leave the server; others stay.
#[tokio::test(flavor = "multi_thread")]
async fn exports_of_what_is_destroyed_go_with_it() {
    let kept = Kept::new().await;
    let archive = kept.archive();
    let exports = export::directory(&archive.config.archive.work);
    std::fs::create_dir_all(&exports).unwrap();
    for (job, of) in [(1, message(4)), (2, version(12, "february"))] {
        let sha256 = Digest::of(&of);
        let sets = set::lookup(&archive.catalog, &[sha256]).await.unwrap();
        std::fs::write(exports.join(format!("{job}.list")), format!("{}\n", sets[&sha256]))
            .unwrap();
        std::fs::write(export::bundle_of(&exports, JobId(job)), of).unwrap();
    }
    kept.approved().await;
    kept.work().await.unwrap();
    let mut left: Vec<_> = std::fs::read_dir(&exports)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["2.list", "2.zip"]);
}

/// It is not tried again for ever, and is there to be seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_says_no_disposition_fails_once() {
    let kept = Kept::new().await;
    let (catalog, now) = (&kept.archive().catalog, kept.archive().clock.now());
    for request in ["{}", "not even JSON", "{\"disposition\":77}"] {
        let mut tx = catalog.write().await.unwrap();
        let new = NewJob { kind: retention::KIND, matter_id: None, asked_by: "ron", request };
        let id = job::insert(&mut tx, &new, now, None).await.unwrap();
        catalog.commit(tx, "queue").await.unwrap();
        let lease = Lease::from("serve", now);
        let found = job::lease(catalog, &lease, now).await.unwrap().unwrap();
        retention::run::run(&kept.retention, found, "serve").await.unwrap();
        let ended = job::by_id(catalog, id).await.unwrap().unwrap();
        assert_eq!(ended.state, job::State::Failed);
        assert!(ended.result.contains("disposition"), "{}", ended.result);
        assert!(job::lease(catalog, &lease, now).await.unwrap().is_none(), "once is enough");
    }
    let filter = Filter { action: Some("disposition".into()), limit: 10, ..Filter::default() };
    let found = audit::list(catalog, &Visible::Everything, &filter).await.unwrap();
    let failed = found.iter().filter(|row| row.action == "disposition.run");
    assert_eq!(failed.filter(|row| row.outcome == "failed").count(), 3);
}

/// A segment of January without a delivery is there for a part of one that is left.
async fn needed_alone(kept: &Kept, rows: &[delivery::Delivery]) {
    let catalog = &kept.archive().catalog;
    for id in epoch::segments_backwards(catalog, "standard", "2026-01").await.unwrap() {
        let has_own = rows.iter().any(|row| row.segment == id);
        assert!(has_own || part::is_needed(catalog, id).await.unwrap(), "{id} is left over");
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
        let mut most = Duration::from_millis(30);
        while kept.state(id).await != State::Done {
            // Dropped at some point, as a crash would end it. A machine may be so slow that
            // no step of it is done by then: it is given more and more.
            let patience = most.mul_f64(random.next() as f64 / u64::MAX as f64);
            most += most / 16;
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
        // However often it was cut off, it says all that it destroyed.
        let outcomes = kept.outcomes(id).await;
        assert_eq!(outcomes.destroyed as usize, 12 - left.len(), "seed {seed}");
        assert_eq!(outcomes.kept.into_iter().collect::<BTreeSet<_>>(), left);
        let known = kept.january().await;
        for name in kept.names("key/standard/2026-01/").await {
            assert!(known.contains(&name), "{name} is left over");
        }
        needed_alone(&kept, &rows).await;
    }
}

/// What one person wrote into the catalog is no second person's approval, also when the
/// minute's seal has told the row.
#[tokio::test(flavor = "multi_thread")]
async fn a_disposition_that_the_catalog_alone_approves_destroys_nothing() {
    let kept = Kept::new().await;
    let [rita, ron, _] = &kept.people[..] else { panic!() };
    let retention = &kept.retention;
    let row = retention::propose(rita, retention, "standard", "2026-01").await.unwrap();
    let id = row.disposition_id;
    kept.publish().await;
    for by in ["proposed_by".to_owned(), ron.user_id.0.to_string()] {
        kept.sql(&format!(
            "UPDATE disposition SET state = 'approved', decided_by = {by},
                 decided_at = proposed_at + 1, reason = 'x'"
        ))
        .await;
        kept.publish().await;
        retention::resume(rita, retention, id).await.unwrap();
        let why = kept.stops().await;
        assert!(why.contains("no approval of the disposition 1"), "{why}");
    }
    // Who proposed it by the log is not another because the row says so.
    kept.sql("UPDATE disposition SET state = 'proposed', proposed_by = decided_by").await;
    let own = retention::approve(rita, retention, id, "yes").await;
    refused(own, "by the log another proposed it");
    kept.sql(&format!("UPDATE disposition SET proposed_by = {}", rita.user_id.0)).await;
    retention::refuse(ron, retention, id, "no").await.unwrap();

    // An approval is of what was proposed.
    let id = kept.approved().await;
    kept.sql("UPDATE disposition SET figures = '{}' WHERE disposition_id = 2").await;
    let why = kept.stops().await;
    assert!(why.contains("was proposed with another figures"), "{why}");
    assert_eq!(kept.contents().await.len(), 14);
    kept.sql(
        "UPDATE disposition SET figures =
             (SELECT figures FROM disposition WHERE disposition_id = 1) WHERE disposition_id = 2",
    )
    .await;
    retention::resume(rita, retention, id).await.unwrap();
    kept.work().await.unwrap();
    kept.publish().await;
    assert!(retention::done(rita, retention, id).await.is_ok());
    kept.sql("UPDATE disposition SET decided_by = 1 + decided_by WHERE disposition_id = 2").await;
    refused(retention::done(rita, retention, id).await, "there is no certificate");
}

/// Rows by which holds are decided, changed: the record itself says what they said, and
/// nothing that is held goes.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_hold_covers_by_the_record_is_not_destroyed_by_the_catalog() {
    let changes = [
        (
            "DELETE FROM participant WHERE address_id =
                 (SELECT address_id FROM address WHERE address = 'bob0@example.com')",
            "that bob0@example.com took part in it",
        ),
        (
            "UPDATE address SET address = 'other@example.com' WHERE address = 'bob0@example.com'",
            "that bob0@example.com took part in it",
        ),
        ("DELETE FROM set_delivery WHERE seq <= 12", "to which messages it belongs"),
        ("UPDATE message_set SET sent_at = 5 WHERE first_seq <= 12", "when it was sent"),
        ("UPDATE message_set SET first_seq = 100000", "to which messages it belongs"),
        ("UPDATE delivery SET received_at = 5 WHERE seq <= 12", "when it was received"),
        ("DELETE FROM part_need", "which parts it needs"),
    ];
    for (change, what) in changes {
        let kept = Kept::new().await;
        kept.hold(0).await;
        let held = [0, 3, 6, 9].map(message);
        kept.approved().await;
        kept.sql(change).await;
        let why = kept.stops().await;
        assert!(why.contains(what), "{change}: {why}");
        let left = kept.contents().await;
        assert!(held.iter().all(|message| left.contains(message)), "{change}");
    }
    // A record that has no row any more.
    let kept = Kept::new().await;
    kept.hold(0).await;
    kept.approved().await;
    for table in ["set_delivery", "delivery_message", "part_need", "delivery"] {
        let sql = format!(
            "DELETE FROM {table} WHERE seq IN (SELECT d.seq FROM delivery d
                 WHERE d.segment_id = (SELECT segment_id FROM delivery WHERE seq = 3))"
        );
        let mut tx = kept.archive().catalog.write().await.unwrap();
        db::query(db::AssertSqlSafe(sql)).execute(&mut tx).await.unwrap();
        kept.archive().catalog.commit(tx, "delete rows").await.unwrap();
    }
    let why = kept.stops().await;
    assert!(why.contains("has no row of it"), "{why}");
}

/// The same bytes came again in another month: what their header says is known of those
/// too when the first are destroyed.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_again_is_held_when_the_first_is_destroyed() {
    let kept = Kept::new().await;
    kept.deliver(&message(1)).await;
    derive(kept.archive(), &kept.index).await;
    kept.approved().await;
    kept.work().await.unwrap();
    let hold = kept.hold(1).await;
    let rows = kept.rows().await;
    let again = rows.iter().find(|row| row.sha256 == Digest::of(&message(1))).unwrap();
    let held = hold::held_among(&kept.archive().catalog, &[again.seq]).await.unwrap();
    assert_eq!(held, BTreeSet::from([again.seq]), "by hold {hold}");
}

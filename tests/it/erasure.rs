//! Erasures: who may, on which ground, what goes and what stays, and that nothing
//! brings it back.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;

use muniment::access::{Actor, Role};
use muniment::app::Archive;
use muniment::base::config::{Class, ClassMode, Config};
use muniment::base::hash::Digest;
use muniment::base::ids::{DeliverySeq, ErasureId, HoldId, JobId, MatterId, RecordId, SegmentId};
use muniment::catalog::audit::{self, Filter, Visible};
use muniment::catalog::erasure::State;
use muniment::catalog::job::Lease;
use muniment::catalog::{Catalog, db, delivery, erasure as rows, job, leaf, set};
use muniment::hold::{self, DateKind};
use muniment::index::{Index, Scope};
use muniment::ingest::log::Log;
use muniment::ingest::publish::check_published;
use muniment::ingest::rebuild;
use muniment::matter::{self, custodian};
use muniment::policy::{Recorder, Teller, restore};
use muniment::query::{self, Dialect};
use muniment::retention::erasure::{self, Target};
use muniment::retention::{Retention, RetentionError, certificate, erase};
use muniment::{export, vault};

use super::retention::{add, at, derive, refused, workers};
use super::support::munverify::munverify;
use super::support::s3::Service;
use super::support::{Scratch, change_rows, transaction};

const NOW: i64 = 1_767_900_000;
const GROUND: &str = "Art. 17(1)(b) GDPR, request 12";

pub(super) struct Laid {
    pub scratch: Scratch,
    pub retention: Retention,
    index: Index,
    log: Log,
    recorder: Recorder,
    pub people: Vec<Actor>,
    matter: MatterId,
    addresses: std::cell::Cell<usize>,
}

/// The same message to a reader, in other bytes for each way.
pub(super) fn version(number: usize, way: &str) -> Vec<u8> {
    format!(
        "X-Way: {way}\r\nMessage-ID: <{number}@{way}.example>\r\nFrom: ann@example.com\r\n\
         To: bob{number}@example.com\r\nSubject: heron{number}\r\n\
         Date: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\nThe paper boat{number} sails.\r\n"
    )
    .into_bytes()
}

/// Two classes: what comes by `default` can be erased, what comes by `strict` not.
pub(super) fn classes(config: &mut Config) {
    config.class.push(Class { name: "hr".into(), years: 3, mode: ClassMode::Erasable });
    let strict =
        muniment::base::config::Source { name: "strict".into(), ..config.source[0].clone() };
    config.source[0].class = Some("hr".into());
    config.source.push(strict);
}

async fn deliver(scratch: &Scratch, groups: &[Vec<(usize, &str, &str)>]) {
    let archive = &scratch.archive;
    let (ingest, _lock) = scratch.ingest().await;
    for group in groups {
        let all = group.iter().map(|&(number, way, source)| {
            let mut transaction = transaction(archive);
            transaction.source = source.into();
            let mut incoming = ingest.begin(transaction).unwrap();
            async move {
                incoming.write(&version(number, way)).await.unwrap();
                incoming.finish().await.unwrap()
            }
        });
        futures::future::join_all(all).await;
    }
}

impl Laid {
    /// Messages, each in a segment of its own.
    pub async fn alone(count: usize) -> Self {
        let groups: Vec<_> = (0..count).map(|number| vec![(number, "a", "default")]).collect();
        Self::of(&groups).await
    }

    /// In a bucket that locks: message 0 with each of three others.
    pub async fn on(service: &Service) -> Self {
        let scratch = Scratch::with(|config| {
            classes(config);
            config.bucket = service.config.clone();
        });
        let groups = [1, 2, 3].map(|number| vec![(0, "a", "default"), (number, "a", "default")]);
        Self::in_scratch(scratch.await, &groups).await
    }

    /// Message 0 in three deliveries, one of another version, each in a segment with
    /// another message; messages 4 and 5 together; message 6 in the strict class too.
    pub async fn new() -> Self {
        Self::of(&[
            vec![(0, "a", "default"), (1, "a", "default")],
            vec![(0, "a", "default"), (2, "a", "default")],
            vec![(0, "b", "default"), (3, "a", "default")],
            vec![(4, "a", "default"), (5, "a", "default")],
            vec![(6, "a", "default"), (6, "a", "strict")],
        ])
        .await
    }

    /// Deliveries of messages by their number, way and source; those of a group at once.
    pub async fn of(groups: &[Vec<(usize, &str, &str)>]) -> Self {
        Self::in_scratch(Scratch::with(classes).await, groups).await
    }

    async fn in_scratch(mut scratch: Scratch, groups: &[Vec<(usize, &str, &str)>]) -> Self {
        scratch.archive.clock = at(NOW);
        deliver(&scratch, groups).await;
        let archive = &scratch.archive;
        let index = Index::open(&scratch.directory.path().join("index"), 32 << 20).unwrap();
        derive(archive, &index).await;
        let signer = archive.vault.log_signer();
        let bucket = archive.vault.bucket().clone();
        let log = Log::open(bucket, signer.verifier().clone()).await.unwrap();
        let recorder = Recorder::new(archive.catalog.clone());
        let parts = (archive.vault.clone(), archive.catalog.clone(), archive.clock.clone());
        let outward = (log.clone(), recorder.clone());
        let retention =
            Retention::new(parts, index.clone(), outward, workers(archive), &archive.config);
        let mut people = Vec::new();
        for (name, role) in [("rita", Role::Records), ("ron", Role::Records), ("lea", Role::Legal)]
        {
            people.push(add(archive, name, role).await);
        }
        let new = matter::New { name: "M".into(), reference: "".into(), zone: "UTC".into() };
        let matter = matter::create(&people[2], &archive.catalog, &archive.clock, new).await;
        let matter = matter.unwrap().row.matter_id;
        let addresses = std::cell::Cell::new(0);
        let laid = Self { scratch, retention, index, log, recorder, people, matter, addresses };
        laid.publish().await;
        laid
    }

    pub fn archive(&self) -> &Archive {
        &self.scratch.archive
    }

    /// More messages, as [`Laid::of`] has them.
    pub async fn deliver(&self, groups: &[Vec<(usize, &str, &str)>]) {
        deliver(&self.scratch, groups).await;
        derive(self.archive(), &self.index).await;
        self.publish().await;
    }

    /// Tells what was decided, and publishes the log.
    pub async fn publish(&self) {
        let Archive { catalog, vault, clock, .. } = self.archive();
        let teller = Teller::new(vault.clone(), self.recorder.clone(), clock.clone());
        teller.run(std::future::ready(())).await;
        let signer = vault.log_signer();
        let mut publisher =
            check_published(catalog.clone(), vault.bucket().clone(), signer).await.unwrap();
        publisher.publish().await.unwrap();
        self.log.refresh().await.unwrap();
    }

    pub async fn hold(&self, number: usize) -> HoldId {
        let (archive, lea) = (self.archive(), &self.people[2]);
        let (catalog, clock) = (&archive.catalog, &archive.clock);
        let addresses = [format!("bob{number}@example.com")];
        let name = format!("Bob {}", self.addresses.replace(self.addresses.get() + 1));
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

    pub async fn release(&self, id: HoldId) {
        let (archive, lea) = (self.archive(), &self.people[2]);
        let (catalog, clock) = (&archive.catalog, &archive.clock);
        hold::release(lea, catalog, clock, (self.matter, id), "settled").await.unwrap();
    }

    pub async fn propose(&self, number: usize) -> Result<ErasureId, RetentionError> {
        let target = Target::Message(Digest::of(&version(number, "a")));
        let row = erasure::propose(&self.people[0], &self.retention, target, GROUND).await?;
        Ok(row.erasure_id)
    }

    async fn approved(&self, number: usize) -> ErasureId {
        let id = self.propose(number).await.unwrap();
        let row = erasure::approve(&self.people[1], &self.retention, id, "checked").await.unwrap();
        assert_eq!(row.state, State::Approved);
        id
    }

    /// Does the job that waits, while the server's others tell and publish; what
    /// became of the job.
    async fn work(&self) -> job::JobRow {
        let (catalog, now) = (&self.archive().catalog, self.archive().clock.now());
        let found = job::lease(catalog, &Lease::from("serve", now), now).await.unwrap();
        let found = found.expect("a job waits");
        let id = found.job_id;
        let others = async {
            loop {
                self.publish().await;
            }
        };
        tokio::select! {
            done = erase::run(&self.retention, found, "serve") => done.unwrap(),
            () = others => {}
        }
        job::by_id(catalog, id).await.unwrap().unwrap()
    }

    pub async fn erased(&self, number: usize) -> ErasureId {
        let id = self.approved(number).await;
        let ended = self.work().await;
        assert_eq!(ended.state, job::State::Done, "{}", ended.result);
        assert_eq!(self.state(id).await, State::Done);
        self.publish().await;
        id
    }

    /// Why an erasure of a message stopped.
    pub async fn erasing(&self, number: usize) -> String {
        self.approved(number).await;
        let ended = self.work().await;
        assert_eq!(ended.state, job::State::Failed);
        ended.result
    }

    /// Kind and object of each fault that a check finds.
    pub async fn faults(&self) -> Vec<(String, String)> {
        let scrubber = self.archive().scrubber("test", workers(self.archive()), None);
        let report = scrubber.run("system", &mut |_, _, _| ()).await.unwrap();
        report.faults.into_iter().map(|it| (it.kind, it.object)).collect()
    }

    async fn sql(&self, text: &'static str) {
        change_rows(&self.archive().catalog, text).await;
    }

    /// The segments with a delivery of a message.
    pub async fn segments_with(&self, number: usize) -> Vec<SegmentId> {
        let sha256 = Digest::of(&version(number, "a"));
        let rows = self.rows().await.into_iter().filter(|row| row.sha256 == sha256);
        let segments: BTreeSet<SegmentId> = rows.map(|row| row.segment).collect();
        segments.into_iter().collect()
    }

    /// No page has a key of what erasures that are done erased.
    pub async fn no_key_is_left(&self) {
        let archive = self.archive();
        let mut gone = BTreeSet::new();
        for row in rows::list(&archive.catalog).await.unwrap() {
            if row.state == State::Done {
                let result: erasure::Gone = serde_json::from_str(&row.result.unwrap()).unwrap();
                gone.extend(result.records);
            }
        }
        for page in self.names("key").await {
            let place = archive.vault.bucket().find(&page).await.unwrap();
            match archive.vault.keys_among(&place, &gone).await {
                Ok(left) => assert!(left.is_empty(), "{page} has keys of {left:?}"),
                // Its month's key is destroyed: it opens nothing.
                Err(vault::VaultError::Keyring(_)) => {}
                Err(error) => panic!("{page}: {error}"),
            }
        }
    }

    async fn state(&self, id: ErasureId) -> State {
        erasure::get(&self.people[0], &self.retention, id).await.unwrap().state
    }

    pub async fn rows(&self) -> Vec<delivery::Delivery> {
        delivery::after(&self.archive().catalog, DeliverySeq(0), 1000).await.unwrap()
    }

    /// What each record that the catalog has says, read from the vault.
    pub async fn contents(&self) -> BTreeMap<Vec<u8>, usize> {
        let mut contents = BTreeMap::new();
        for row in self.rows().await {
            let record = self.archive().vault.open_record(&row.at()).await.unwrap();
            *contents.entry(record.bytes().await.unwrap().to_vec()).or_default() += 1;
        }
        contents
    }

    fn found(&self, text: &str) -> usize {
        let query = query::parse(text, Dialect::Kql, &jiff::tz::TimeZone::UTC).unwrap().query;
        self.index.all(&query, &Scope::default()).unwrap().len()
    }

    pub async fn names(&self, below: &str) -> Vec<String> {
        self.archive().vault.bucket().list(below).await.unwrap()
    }

    pub async fn check_whole(&self) {
        let scrubber = self.archive().scrubber("test", workers(self.archive()), None);
        let report = scrubber.run("system", &mut |_, _, _| ()).await.unwrap();
        assert_eq!(format!("{:?}", report.faults), "[]");
    }

    /// The second reader finds all that is left, and nothing wrong.
    pub async fn is_whole_to_the_second_reader(&self) {
        self.publish().await;
        let config = &self.archive().config;
        let (bucket, key) = (config.vault.path.as_os_str(), config.archive.master_key.as_os_str());
        let arguments = [OsStr::new("archive"), bucket, OsStr::new("--master-key"), key];
        let Some(said) = munverify(&arguments) else { return };
        said.assert_whole();
        assert_eq!(said.json["records"].as_array().unwrap().len(), self.rows().await.len());
        assert!(!said.json["erased"].as_array().unwrap().is_empty());
    }

    /// A catalog that is made again from the bucket, and how many records had to be
    /// erased again in it.
    pub async fn rebuilt(&self, name: &str) -> (Catalog, u64) {
        let path = self.scratch.directory.path().join(name);
        let again = Catalog::create(&path).await.unwrap();
        let (vault, now) = (&self.archive().vault, self.archive().clock.now());
        let rebuilt = rebuild::rebuild(vault, &again, &mut |_, _, _| ()).await.unwrap();
        let restored = restore::restore(vault, &again, now, &mut |_, _| ()).await.unwrap();
        let count = erasure::after_rebuild(&again, now).await.unwrap();
        let missing = rebuild::missing(&again).await.unwrap();
        assert_eq!([rebuilt.faults, restored.faults, missing].concat(), Vec::<String>::new());
        (again, count)
    }
}

/// Whether some file below a directory has these bytes.
fn has_bytes(directory: &Path, bytes: &[u8]) -> Option<String> {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if let Some(found) = has_bytes(&path, bytes) {
                return Some(found);
            }
            continue;
        }
        let content = std::fs::read(&path).unwrap();
        if content.windows(bytes.len()).any(|part| part == bytes) {
            return Some(path.display().to_string());
        }
    }
    None
}

pub(super) fn places(rows: &[delivery::Delivery]) -> Vec<(DeliverySeq, RecordId, String)> {
    rows.iter().map(|row| (row.seq, row.record, row.page.name.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_erased_by_two_people_in_all_its_deliveries_and_stays_so() {
    let laid = Laid::new().await;
    let (rita, ron, lea) = (&laid.people[0], &laid.people[1], &laid.people[2]);
    let (retention, archive) = (&laid.retention, laid.archive());
    let before = laid.rows().await;
    let page_of = |row: &delivery::Delivery| row.page.name.clone();
    let pages: BTreeSet<String> = before.iter().map(page_of).collect();
    let mut copies = Vec::new();
    for page in &pages {
        copies.push((page.clone(), archive.vault.bucket().get(page).await.unwrap()));
    }
    assert_eq!(laid.found("subject:heron0"), 1);
    assert!(has_bytes(laid.scratch.directory.path(), b"heron0").is_some());

    // Who may, and on what.
    let by_hash = Target::Message(Digest::of(&version(0, "a")));
    refused(erasure::propose(lea, retention, by_hash, GROUND).await, "records manager");
    refused(erasure::propose(rita, retention, by_hash, " ").await, "on which ground");
    let nobody = Target::Record(RecordId([9; 16]));
    refused(erasure::propose(rita, retention, nobody, GROUND).await, "no such message");
    // By the record of another version it is the same message.
    let other = before.iter().find(|row| row.sha256 == Digest::of(&version(0, "b"))).unwrap();
    let row = erasure::propose(rita, retention, Target::Record(other.record), GROUND).await;
    let row = row.unwrap();
    let figures: erasure::Figures = serde_json::from_str(&row.figures).unwrap();
    assert_eq!((figures.records, figures.classes), (3, vec!["hr".to_owned()]));
    refused(erasure::propose(rita, retention, by_hash, GROUND).await, "decide it first");
    refused(erasure::approve(rita, retention, row.erasure_id, "yes").await, "a second person");
    refused(erasure::refuse(ron, retention, row.erasure_id, "").await, "say why");
    erasure::refuse(ron, retention, row.erasure_id, "not proved").await.unwrap();
    refused(erasure::approve(ron, retention, row.erasure_id, "yes").await, "decided already");
    refused(erasure::resume(ron, retention, row.erasure_id).await, "nothing to go on with");

    let id = laid.erased(0).await;
    let row = erasure::get(rita, retention, id).await.unwrap();
    let gone: erasure::Gone = serde_json::from_str(row.result.as_ref().unwrap()).unwrap();
    assert_eq!((gone.records.len(), gone.segments.len()), (3, 3));

    // The others are there, byte for byte; of this one nothing is.
    let expected: BTreeMap<Vec<u8>, usize> = [1, 2, 3, 4, 5]
        .map(|number| (version(number, "a"), 1))
        .into_iter()
        .chain([(version(6, "a"), 2)])
        .collect();
    assert_eq!(laid.contents().await, expected);
    let rows = laid.rows().await;
    // Also of segments of which nothing is left.
    let known: Vec<String> = db::query_scalar("SELECT page FROM segment")
        .fetch_all(archive.catalog.read())
        .await
        .unwrap();
    for page in laid.names("key").await {
        let place = archive.vault.bucket().find(&page).await.unwrap();
        let all: BTreeSet<RecordId> = gone.records.iter().copied().collect();
        let left = archive.vault.keys_among(&place, &all).await.unwrap();
        assert_eq!(left, BTreeSet::new(), "{page}");
        assert!(known.contains(&page), "{page} is left over");
    }
    assert_eq!((laid.found("subject:heron0"), laid.found("\"paper boat1\"")), (0, 1));
    assert_eq!(has_bytes(laid.scratch.directory.path(), b"heron0"), None);
    let hash = Digest::of(&version(0, "a"));
    assert_eq!(has_bytes(laid.scratch.directory.path(), &hash.0), None, "nor its hash");
    assert_eq!(has_bytes(laid.scratch.directory.path(), hash.to_string().as_bytes()), None);

    // The log shows that it existed, and what became of it.
    for row in &before {
        let leaf = leaf::of_record(&archive.catalog, row.record).await.unwrap().unwrap();
        let proof = laid.log.prove(leaf.position).await.unwrap().unwrap();
        assert!(proof.verify(&leaf.hash));
    }
    let (row, told) = erasure::done(rita, retention, id).await.unwrap();
    assert!(told.is_some());
    let page = certificate::of_erasure("archive", "key", &row, None).unwrap();
    for word in ["3 records", "rita", "ron", "request 12", "checked"] {
        assert!(page.contains(word), "{word}: {page}");
    }
    for record in &gone.records {
        assert!(page.contains(&record.to_string()));
    }
    let filter = Filter { action: Some("erasure".into()), limit: 50, ..Filter::default() };
    let acts = audit::list(&archive.catalog, &Visible::Everything, &filter).await.unwrap();
    let acts: BTreeSet<String> = acts.into_iter().map(|row| row.action).collect();
    let expected =
        ["erasure.approve", "erasure.erase", "erasure.propose", "erasure.refuse", "erasure.run"];
    assert_eq!(acts.into_iter().collect::<Vec<_>>(), expected);

    // A check finds nothing wrong, and a lost catalog does not bring it back.
    laid.check_whole().await;
    let (again, count) = laid.rebuilt("again.db").await;
    assert_eq!(count, 0);
    let rebuilt = delivery::after(&again, DeliverySeq(0), 1000).await.unwrap();
    assert_eq!(places(&rebuilt), places(&rows));

    // Nor do pages that survived, as in a copy of the bucket from before.
    for (name, bytes) in copies.iter().filter(|(name, _)| name.starts_with("key/hr/")) {
        archive.vault.bucket().put_new(name, bytes.clone()).await.unwrap();
    }
    let (again, count) = laid.rebuilt("once-more.db").await;
    assert_eq!(count, 3);
    let rebuilt = delivery::after(&again, DeliverySeq(0), 1000).await.unwrap();
    let records =
        |rows: &[delivery::Delivery]| rows.iter().map(|row| row.record).collect::<Vec<_>>();
    assert_eq!(records(&rebuilt), records(&rows));
    for record in &gone.records {
        assert_ne!(rows::is_erased(&again, *record).await.unwrap(), rows::Erased::No);
    }
    // Its keys go once more.
    let now = archive.clock.now();
    let waiting = job::lease(&again, &Lease::from("serve", now), now).await.unwrap().unwrap();
    assert_eq!(waiting.kind, erasure::KIND);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_strict_class_is_not_erased_and_the_rule_is_named() {
    let laid = Laid::new().await;
    let before = laid.rows().await.len();
    refused(laid.propose(6).await, "\"standard\", which is strict: nobody can erase");
    assert_eq!(laid.rows().await.len(), before);
    // That it was asked for is on record.
    let filter = Filter { action: Some("erasure".into()), limit: 50, ..Filter::default() };
    let acts = audit::list(&laid.archive().catalog, &Visible::Everything, &filter).await.unwrap();
    assert_eq!((acts.len(), acts[0].outcome.as_str()), (1, "refused"));
    assert!(acts[0].detail.contains("request 12"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_wins_over_an_erasure_until_its_commit() {
    let laid = Laid::new().await;
    let retention = &laid.retention;
    let before = laid.contents().await;
    let first = laid.hold(0).await;
    refused(laid.propose(0).await, "a hold covers 3 records of it");
    laid.release(first).await;
    // Placed between the proposal and the approval, and then after the approval.
    let id = laid.propose(0).await.unwrap();
    let second = laid.hold(0).await;
    let ron = &laid.people[1];
    refused(erasure::approve(ron, retention, id, "yes").await, "a hold covers");
    laid.release(second).await;
    erasure::approve(ron, retention, id, "yes").await.unwrap();
    let third = laid.hold(0).await;
    let ended = laid.work().await;
    assert_eq!(ended.state, job::State::Failed);
    assert!(ended.result.contains("a hold covers 3 records"), "{}", ended.result);
    assert_eq!(laid.state(id).await, State::Approved);
    let stops = erasure::stops(ron, retention).await.unwrap();
    assert!(stops[&id].contains("a hold"), "{stops:?}");
    assert_eq!(laid.contents().await, before, "all of it is there");
    laid.check_whole().await;
    // Released, it can be gone on with.
    laid.release(third).await;
    erasure::resume(ron, retention, id).await.unwrap();
    assert_eq!(laid.work().await.state, job::State::Done);
    assert_eq!((laid.state(id).await, laid.contents().await.len()), (State::Done, 6));
    // And what was approved and is held after all can be refused.
    let id = laid.approved(4).await;
    laid.hold(4).await;
    assert_eq!(laid.work().await.state, job::State::Failed);
    erasure::refuse(&laid.people[0], retention, id, "it is held").await.unwrap();
    assert_eq!(laid.state(id).await, State::Refused);
    laid.check_whole().await;
}

/// A segment of which nothing is left stays until its date, and is known.
#[tokio::test(flavor = "multi_thread")]
async fn a_segment_without_keys_is_no_fault_and_comes_back() {
    let laid = Laid::new().await;
    laid.erased(4).await;
    laid.erased(5).await;
    laid.check_whole().await;
    laid.is_whole_to_the_second_reader().await;
    let (again, count) = laid.rebuilt("again.db").await;
    assert_eq!(count, 0);
    let rebuilt = delivery::after(&again, DeliverySeq(0), 1000).await.unwrap();
    assert_eq!(places(&rebuilt), places(&laid.rows().await));
    let segments = async |catalog: &Catalog| {
        let found = muniment::catalog::disposition::epochs(catalog).await.unwrap();
        found.into_iter().map(|row| (row.class, row.segments)).collect::<Vec<_>>()
    };
    assert_eq!(segments(&again).await, segments(&laid.archive().catalog).await);
}

/// Bundles with the message in them leave the server; others stay.
#[tokio::test(flavor = "multi_thread")]
async fn exports_of_what_is_erased_go_with_it() {
    let laid = Laid::new().await;
    let archive = laid.archive();
    let exports = export::directory(&archive.config.archive.work);
    std::fs::create_dir_all(&exports).unwrap();
    for (job, number) in [(1, 0), (2, 1)] {
        let sha256 = Digest::of(&version(number, "a"));
        let sets = set::lookup(&archive.catalog, &[sha256]).await.unwrap();
        std::fs::write(exports.join(format!("{job}.list")), format!("{}\n", sets[&sha256]))
            .unwrap();
        std::fs::write(export::bundle_of(&exports, JobId(job)), version(number, "a")).unwrap();
    }
    laid.erased(0).await;
    let left = std::fs::read_dir(&exports).unwrap();
    let mut left: Vec<_> =
        left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["2.list", "2.zip"]);
}

/// A key that is found where it was erased is a fault, until it is erased again.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_comes_back_is_found_and_erased_again() {
    let laid = Laid::new().await;
    let archive = laid.archive();
    let before = laid.rows().await;
    let page = before.iter().find(|row| row.sha256 == Digest::of(&version(4, "a"))).unwrap();
    let (old, segment) = (page.page.clone(), page.segment);
    let bytes = archive.vault.bucket().get(&old.name).await.unwrap();
    let id = laid.erased(4).await;
    // Somebody puts the old page back and has the catalog name it.
    archive.vault.bucket().put_new(&old.name, bytes).await.unwrap();
    let mut tx = archive.catalog.write().await.unwrap();
    muniment::catalog::epoch::set_page(&mut tx, segment, &old).await.unwrap();
    archive.catalog.commit(tx, "test").await.unwrap();
    let scrubber = archive.scrubber("test", workers(archive), None);
    let report = scrubber.run("system", &mut |_, _, _| ()).await.unwrap();
    let kinds: Vec<_> = report.faults.iter().map(|fault| fault.kind.as_str()).collect();
    assert_eq!(kinds, ["key-not-erased"]);
    erasure::resume(&laid.people[1], &laid.retention, id).await.unwrap();
    assert_eq!(laid.work().await.state, job::State::Done);
    assert!(!laid.names("key").await.contains(&old.name));
    laid.publish().await;
    laid.check_whole().await;
    let at = vault::open::RecordAt { record: page.record, ..page.at() };
    assert!(archive.vault.open_record(&at).await.is_err());
}

/// What one person wrote into the catalog is no second person's approval.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_the_catalog_alone_approves_erases_nothing() {
    let laid = Laid::alone(2).await;
    let id = laid.propose(0).await.unwrap();
    laid.publish().await;
    laid.sql(
        "UPDATE erasure SET state = 'approved', decided_by = proposed_by,
             decided_at = proposed_at + 1, reason = 'x'",
    )
    .await;
    erasure::resume(&laid.people[0], &laid.retention, id).await.unwrap();
    let ended = laid.work().await;
    assert!(ended.result.contains("no approval of the erasure 1"), "{}", ended.result);
    // What was approved and then refused is not approved by a row either.
    erasure::refuse(&laid.people[1], &laid.retention, id, "no").await.unwrap();
    let id = laid.approved(0).await;
    erasure::refuse(&laid.people[1], &laid.retention, id, "no").await.unwrap();
    laid.publish().await;
    laid.sql("UPDATE erasure SET state = 'approved', reason = 'checked' WHERE erasure_id = 2")
        .await;
    erasure::resume(&laid.people[0], &laid.retention, id).await.unwrap();
    // The first job is of the approval that was refused.
    for _ in 0..2 {
        let ended = laid.work().await;
        assert!(ended.result.contains("no approval of the erasure 2"), "{}", ended.result);
    }
    assert_eq!(laid.contents().await.len(), 2);
}

/// Where who took part was taken out of the catalog, the record says it.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_erases_nothing_that_a_hold_covers_by_the_record() {
    let laid = Laid::alone(2).await;
    laid.hold(0).await;
    laid.sql(
        "DELETE FROM participant WHERE address_id =
             (SELECT address_id FROM address WHERE address = 'bob0@example.com')",
    )
    .await;
    let why = laid.erasing(0).await;
    assert!(why.contains("that bob0@example.com took part in it"), "{why}");
    assert_eq!(laid.contents().await.len(), 2);
    laid.erased(1).await;
}

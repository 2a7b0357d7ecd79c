//! Dispositions by the real binary, over HTTP: of mail that is old by the machine's
//! own clock, killed at each of their steps, and in a bucket that locks.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use muniment::access::person::{self, New};
use muniment::access::{Actor, Role};
use muniment::app::Archive;
use muniment::base::clock::{Clock, Timestamp};
use muniment::base::config::Config;
use muniment::base::crash::{CRASH_AT, POINTS};
use muniment::base::hash::Digest;
use muniment::base::ids::{DeliverySeq, HoldId, MatterId};
use muniment::catalog::{delivery, epoch};
use muniment::hold::{self, DateKind};
use muniment::ledger::checkpoint::Checkpoint;
use muniment::ledger::leaf::Leaf;
use muniment::ledger::note::Verifier;
use muniment::ledger::tree;
use muniment::matter::{self, custodian};
use muniment::vault::bucket::Place;
use muniment::vault::retention::{Lock, Mode};
use serde_json::{Value, json};

use super::support::s3::{Kind, Service};
use super::support::served::{Made, Served, init};
use super::support::web::PASSWORD;
use super::support::{attach, binary, deliver, note, until};

/// In the middle of each of these months, and longer ago than the class keeps mail.
pub(super) const MONTHS: [(&str, i64); 4] = [
    ("2018-01", 1_515_974_400),
    ("2018-02", 1_518_652_800),
    ("2018-03", 1_521_072_000),
    ("2018-04", 1_523_750_400),
];

/// Six messages of each month, two to each of three people.
fn message(month: &str, number: usize) -> Vec<u8> {
    let headers = format!(
        "From: ann@example.com\r\nTo: bob{}@example.com\r\nSubject: {month} {number}\r\n\
         Date: Mon, 15 Jan 2018 10:00:00 +0000\r\n",
        number % 3
    );
    // What is held needs what comes with others.
    attach(&headers, &format!("boat {number}"), &note([1, 2, 1, 2, 2, 1][number]))
}

/// Who may sign in, with a first password, and the hold that keeps bob0's mail.
pub(super) struct Laid {
    pub people: Vec<(&'static str, String)>,
    pub lea: Actor,
    pub hold: (MatterId, HoldId),
}

pub(super) async fn opened(made: &Made) -> Archive {
    Archive::open(Config::load(&made.config).unwrap()).await.unwrap()
}

pub(super) async fn laid(made: &Made, months: &[(&str, i64)]) -> Laid {
    let mut archive = opened(made).await;
    let now = archive.clock.clone();
    for (month, seconds) in months {
        archive.clock = Clock::fixed(Timestamp::from_seconds(*seconds));
        let lock = archive.lock().unwrap();
        let ingest = archive.start_ingest(&lock).await.unwrap();
        for number in [0, 2, 4] {
            let (first, second) = (message(month, number), message(month, number + 1));
            let both = [deliver(&archive, &ingest, &first), deliver(&archive, &ingest, &second)];
            futures::future::join_all(both).await;
        }
    }
    archive.clock = now;
    let operator = Actor::operator(Role::Administrator);
    let mut people = Vec::new();
    let mut lea = None;
    for (name, role) in [("rita", Role::Records), ("ron", Role::Records), ("lea", Role::Legal)] {
        let is_archive_wide = role == Role::Legal;
        let new = New { name: name.into(), display_name: name.into(), role, is_archive_wide };
        let (row, one_time) = person::create(&operator, &archive.access(), new).await.unwrap();
        lea = Some(Actor { user_id: row.user_id, name: row.name, role, is_archive_wide });
        people.push((name, one_time));
    }
    let lea = lea.unwrap();
    let (catalog, clock) = (&archive.catalog, &archive.clock);
    let new = matter::New { name: "M".into(), reference: "".into(), zone: "UTC".into() };
    let matter = matter::create(&lea, catalog, clock, new).await.unwrap().row.matter_id;
    let addresses = ["bob0@example.com".to_owned()];
    let bob = custodian::add(&lea, catalog, clock, matter, "Bob", &addresses).await.unwrap();
    let new = hold::New {
        name: "h".into(),
        custodians: vec![bob.custodian_id],
        date_kind: DateKind::Sent,
        from: None,
        until: None,
        is_ongoing: true,
    };
    let hold = hold::place(&lea, catalog, clock, matter, &new).await.unwrap().row.hold_id;
    archive.catalog.close().await;
    Laid { people, lea, hold: (matter, hold) }
}

/// A browser, whichever process answers it.
#[derive(Clone, Default)]
pub(super) struct Browser {
    cookie: String,
    csrf: String,
}

impl Browser {
    /// Signs in with a first password, and takes one of one's own.
    pub(super) fn sign_in(served: &Served, (name, one_time): &(&'static str, String)) -> Self {
        let mut browser = Self::default();
        let session = "/api/v1/session";
        browser.begin(served, session, json!({ "name": name, "password": one_time }));
        let own = json!({ "current": one_time, "new": PASSWORD });
        browser.begin(served, &format!("{session}/password"), own);
        browser
    }

    fn begin(&mut self, served: &Served, path: &str, body: Value) {
        let (head, body) = self.send(served, "POST", path, Some(body)).unwrap();
        let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        let cookie = cookie.unwrap_or_else(|| panic!("{head}\n{body}"));
        self.cookie = cookie.split(';').next().unwrap().to_owned();
        let body: Value = serde_json::from_str(&body).unwrap();
        self.csrf = body["csrf"].as_str().unwrap().to_owned();
    }

    /// The head and the body of the answer; none where the server dies over it.
    pub(super) fn send(
        &self,
        served: &Served,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Option<(String, String)> {
        let host = served.http.trim_start_matches("http://").trim_end_matches('/');
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Cookie: {}\r\nX-Muniment-Csrf: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.cookie,
            self.csrf,
            body.len()
        );
        let mut stream = TcpStream::connect(host).ok()?;
        stream.write_all(request.as_bytes()).ok()?;
        let mut said = String::new();
        stream.read_to_string(&mut said).ok()?;
        let (head, body) = said.split_once("\r\n\r\n")?;
        Some((head.to_owned(), body.to_owned()))
    }

    pub(super) fn json(
        &self,
        served: &Served,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Value {
        let path = format!("/api/v1{path}");
        let (head, body) = self.send(served, method, &path, body).unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {head}\n{body}");
        serde_json::from_str(&body).unwrap()
    }

    pub(super) fn propose(&self, served: &Served, month: &str) -> i64 {
        let body = json!({ "class": "standard", "epoch": month });
        let row = self.json(served, "POST", "/dispositions", Some(body));
        assert_eq!((&row["state"], &row["deliveries"]), (&json!("proposed"), &json!(6)));
        row["id"].as_i64().unwrap()
    }

    fn show(&self, served: &Served, id: i64) -> Value {
        self.json(served, "GET", &format!("/dispositions/{id}"), None)
    }

    pub(super) fn done(&self, served: &Served, id: i64) -> Value {
        until("the disposition is done", || {
            let row = self.show(served, id);
            assert_eq!(row["stopped"], Value::Null);
            row["state"] == "done"
        });
        self.show(served, id)
    }
}

pub(super) fn approve(browser: &Browser, served: &Served, id: i64) -> Option<(String, String)> {
    let path = format!("/api/v1/dispositions/{id}/approve");
    browser.send(served, "POST", &path, Some(json!({ "reason": "it is time" })))
}

pub(super) fn serve(made: &Made, crash_at: Option<&str>) -> Served {
    let environment: Vec<_> = crash_at.map(|at| (CRASH_AT, at)).into_iter().collect();
    let served = Served::start(&made.config, &environment).expect("it starts");
    until("all mail is read", || served.is_settled());
    served
}

/// The months with names of all kinds below them, and what is held is read.
async fn check_left(made: &Made, months: &[&str]) {
    let archive = opened(made).await;
    let rows = delivery::after(&archive.catalog, DeliverySeq(0), 100).await.unwrap();
    let mut contents = BTreeSet::new();
    for row in &rows {
        let record = archive.vault.open_record(&row.at()).await.unwrap();
        contents.insert(record.bytes().await.unwrap().to_vec());
    }
    let held = months.iter().flat_map(|month| [message(month, 0), message(month, 3)]);
    assert_eq!((contents, rows.len()), (held.collect(), months.len() * 2));
    let bucket = archive.vault.bucket();
    for (month, _) in MONTHS {
        let known = epoch::objects_of(&archive.catalog, "standard", month).await.unwrap();
        for room in ["seg", "key"] {
            let names = bucket.list(&format!("{room}/standard/{month}")).await.unwrap();
            assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
        }
        let keys = bucket.list(&format!("keyring/epoch/standard/{month}")).await.unwrap();
        assert_eq!(keys, Vec::<String>::new());
    }
    archive.catalog.close().await;
    let mut verify = Command::new(binary());
    let verified = verify.arg("verify").env("MUNIMENT_CONFIG", &made.config).output().unwrap();
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}

/// What was counted before a kill is in the certificate too, and anyone can check it.
#[tokio::test(flavor = "multi_thread")]
async fn a_disposition_that_is_killed_at_any_step_goes_on_and_says_all_that_it_destroyed() {
    let made = init();
    let laid = laid(&made, &MONTHS).await;
    let made = tokio::task::spawn_blocking(move || {
        let served = serve(&made, None);
        let [rita, ron, lea] = &laid.people[..] else { panic!() };
        let [rita, ron, lea] = [rita, ron, lea].map(|who| Browser::sign_in(&served, who));
        served.stop();
        let points: Vec<_> =
            POINTS.iter().filter(|point| point.starts_with("retention.")).collect();
        assert_eq!(points.len(), MONTHS.len());
        for (point, (month, _)) in points.into_iter().zip(MONTHS) {
            let passage = if *point == "retention.after_key" { 1 } else { 2 };
            let mut served = serve(&made, Some(&format!("{point}:{passage}")));
            let id = rita.propose(&served, month);
            let refused = rita.send(&served, "GET", &certificate(id), None).unwrap();
            assert!(refused.0.starts_with("HTTP/1.1 409"), "{refused:?}");
            approve(&ron, &served, id);
            until("it dies there", || !served.is_alive());
            served.died();
            let served = serve(&made, None);
            let row = rita.done(&served, id);
            assert_eq!((&row["destroyed"], &row["kept"]), (&json!(4), &json!(2)), "{point}");
            check_certificate(&rita, &served, id);
            let hidden = lea.send(&served, "GET", &certificate(id), None).unwrap();
            assert!(hidden.0.starts_with("HTTP/1.1 403"), "{hidden:?}");
            served.stop();
        }
        made
    });
    let made = made.await.unwrap();
    check_left(&made, &MONTHS.map(|(month, _)| month)).await;
}

fn certificate(id: i64) -> String {
    format!("/api/v1/dispositions/{id}/certificate")
}

/// Reads the page as an examiner would, with nothing but what it says.
fn check_certificate(browser: &Browser, served: &Served, id: i64) {
    let mut page = String::new();
    until("its end is in the log", || {
        let (head, body) = browser.send(served, "GET", &certificate(id), None).unwrap();
        assert!(head.contains("content-type: text/html"), "{head}");
        page = body;
        page.contains("entry: ")
    });
    for word in ["rita", "ron", "it is time", "4 records; ", "2 records"] {
        assert!(page.contains(word), "{word}: {page}");
    }
    let between = |start: &str, end: &str| {
        let (_, rest) = page.split_once(start).unwrap_or_else(|| panic!("{start}: {page}"));
        rest.split_once(end).unwrap().0.replace("&lt;", "<").replace("&gt;", ">")
    };
    let position: u64 = between("<p>Entry ", " of").parse().unwrap();
    let entry = hex::decode(between("entry: ", "\n")).unwrap();
    assert!(matches!(Leaf::decode(&entry), Ok(Leaf::Event { .. })), "{page}");
    let path = between("path:\n", "\n\n");
    let path: Vec<Digest> =
        path.lines().filter(|line| !line.is_empty()).map(|line| line.parse().unwrap()).collect();
    let (_, after) = page.split_once("path:\n").unwrap();
    let (_, note) = after.split_once("\n\n").unwrap();
    let (note, _) = note.split_once("\nkey: ").unwrap();
    let key: Verifier = between("\nkey: ", "</pre>").parse().unwrap();
    let checkpoint = Checkpoint::open(note.as_bytes(), &key).unwrap();
    let leaf = tree::hash_leaf(&entry);
    assert!(tree::verify_inclusion(checkpoint.size, position, &leaf, &path, &checkpoint.root));
    assert!(!tree::verify_inclusion(checkpoint.size, position + 1, &leaf, &path, &checkpoint.root));
}

/// Locks an object of the archive for a while, as whoever may lock could.
async fn locked(archive: &Archive, place: &Place) -> Timestamp {
    let bucket = archive.vault.bucket();
    let until = archive.clock.now().plus_seconds(15);
    let until = Timestamp::from_seconds(until.seconds());
    bucket.extend(place, &Lock { mode: Mode::Compliance, until }).await.unwrap();
    until
}

/// The segments and pages that the bucket has any version of.
async fn versions(service: &Service) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for room in ["seg/", "key/"] {
        let found = service.owner.versions_below(room).await.unwrap();
        names.extend(found.into_iter().map(|version| version.name));
    }
    names
}

/// What is refused names the object and the date; afterwards it can be gone on with.
fn stops_and_goes_on(
    browser: &Browser,
    served: &Served,
    id: i64,
    locked: (&str, Timestamp),
) -> Value {
    let (name, end) = locked;
    until("it stops", || browser.show(served, id)["stopped"].is_string());
    let row = browser.show(served, id);
    let why = row["stopped"].as_str().unwrap();
    assert!(why.contains(name) && why.contains(&end.to_string()), "{why}");
    until("the lock ends", || Clock::System.now().seconds() > end.seconds() + 1);
    browser.json(served, "POST", &format!("/dispositions/{id}/resume"), None);
    assert_eq!(browser.done(served, id)["stopped"], Value::Null);
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_locks_loses_what_is_over_and_nothing_before() {
    let Some(service) = Service::with_bucket(Kind::WithLock).await else { return };
    let made = service.init(&service.config.endpoint);
    let laid = laid(&made, &MONTHS[..2]).await;
    let served = serve(&made, None);
    let [rita, ron, _] = &laid.people[..] else { panic!() };
    let [rita, ron] = [rita, ron].map(|who| Browser::sign_in(&served, who));

    // Locked from the start: nothing goes.
    let archive = opened(&made).await;
    let bucket = archive.vault.bucket().clone();
    let rows = delivery::after(&archive.catalog, DeliverySeq(0), 100).await.unwrap();
    let end = locked(&archive, &rows[3].page).await;
    // At the door it is refused too, and keeps the flag of its hold.
    bucket.set_held(&rows[3].page, true).await.unwrap();
    let refused = archive.vault.destroy_object(&rows[3].page.name).await.unwrap_err();
    let said = format!("locks {} until {end}", rows[3].page.name);
    assert!(refused.to_string().contains(&said), "{refused}");
    assert!(bucket.is_held(&rows[3].page).await.unwrap());
    bucket.set_held(&rows[3].page, false).await.unwrap();
    let before = bucket.list("seg/standard").await.unwrap();
    let id = rita.propose(&served, "2018-01");
    approve(&ron, &served, id).unwrap();
    let row = stops_and_goes_on(&rita, &served, id, (&rows[3].page.name, end));
    assert_eq!((&row["state"], &row["destroyed"]), (&json!("approved"), &Value::Null));
    assert!(before.len() > bucket.list("seg/standard").await.unwrap().len());
    served.stop();

    // Locked half-way: it says how far it came.
    let mut served = serve(&made, Some("retention.after_commit:2"));
    let id = rita.propose(&served, "2018-02");
    approve(&ron, &served, id);
    until("it dies there", || !served.is_alive());
    served.died();
    let rows = delivery::after(&archive.catalog, DeliverySeq(0), 100).await.unwrap();
    let left = rows.iter().filter(|row| row.epoch == "2018-02").count();
    let condemned =
        epoch::condemned(&archive.catalog, "standard", "2018-02", 1).await.unwrap().remove(0);
    let end = locked(&archive, &bucket.find(&condemned).await.unwrap()).await;
    let served = serve(&made, None);
    let row = stops_and_goes_on(&rita, &served, id, (&condemned, end));
    assert_eq!(row["state"], "destroying");
    assert_eq!(row["destroyed"], json!(6 - left), "{row}");
    let row = rita.show(&served, id);
    assert_eq!((&row["destroyed"], &row["kept"]), (&json!(4), &json!(2)));
    check_certificate(&rita, &served, id);
    served.stop();
    check_left(&made, &["2018-01", "2018-02"]).await;

    // What is held has its flags, and nothing that was destroyed has a version left.
    let rows = delivery::after(&archive.catalog, DeliverySeq(0), 100).await.unwrap();
    for row in &rows {
        assert!(bucket.is_held(&row.object).await.unwrap(), "{}", row.object);
        assert!(bucket.is_held(&row.page).await.unwrap(), "{}", row.page);
    }
    // Segments that have parts of what is held are there for these.
    let mut known = BTreeSet::new();
    for month in ["2018-01", "2018-02"] {
        known.extend(epoch::objects_of(&archive.catalog, "standard", month).await.unwrap());
    }
    assert_eq!(versions(&service).await, known);

    // Released, it goes too: the flags are lifted by the other credentials.
    let (catalog, clock) = (&archive.catalog, &archive.clock);
    hold::release(&laid.lea, catalog, clock, laid.hold, "settled").await.unwrap();
    let served = serve(&made, None);
    for month in ["2018-01", "2018-02"] {
        let body = json!({ "class": "standard", "epoch": month });
        let row = rita.json(&served, "POST", "/dispositions", Some(body));
        let id = row["id"].as_i64().unwrap();
        approve(&ron, &served, id).unwrap();
        let row = rita.done(&served, id);
        assert_eq!((&row["destroyed"], &row["kept"]), (&json!(2), &json!(0)));
    }
    served.stop();
    archive.catalog.close().await;
    check_left(&made, &[]).await;
    assert_eq!(versions(&service).await, BTreeSet::new());
}

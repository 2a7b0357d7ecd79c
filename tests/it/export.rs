//! Exports end to end: asked for over the API, done as jobs, downloaded, and
//! checked by the program that needs nothing but the bundle and the key.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use muniment::access::person::{self, New};
use muniment::access::{Actor, Role};
use muniment::app::Archive;
use muniment::base::config::Config;
use muniment::base::ids::{DeliverySeq, JobId};
use muniment::base::limits;
use muniment::catalog::{Catalog, cursor, job, status};
use muniment::export::run;
use muniment::http::Context;
use muniment::ingest::publish::check_published;
use muniment::jobs::Runner;
use muniment::verify::bundle::{verify, verify_file};
use muniment::verify::report::{EXIT_GOOD, EXIT_INCOMPLETE, EXIT_UNPROVEN, Report};
use serde_json::{Value, json};

use crate::support::laid::{ATTACHED, Sets, WITH_ALICE, WITHOUT_ALICE, laid};
use crate::support::served::{Sender, Served, init};
use crate::support::web::{Browser, Web};
use crate::support::{Scratch, binary, change_rows, deliver};

pub struct Exports {
    pub web: Web,
    pub context: Context,
    pub scratch: Scratch,
    pub sets: Sets,
    pub alice: Browser,
}

impl Exports {
    pub async fn new(is_published: bool) -> Self {
        let scratch = Scratch::new().await;
        let (mut context, sets) = laid(&scratch).await;
        context.exports.patience = Duration::ZERO;
        if is_published {
            let archive = &scratch.archive;
            let (catalog, bucket) = (archive.catalog.clone(), archive.vault.bucket().clone());
            let signer = archive.vault.log_signer();
            check_published(catalog, bucket, signer).await.unwrap().publish().await.unwrap();
            context.exports.log.refresh().await.unwrap();
        }
        let web = Web::new(context.clone());
        let alice = web.signed_in("alice", Role::Legal, true).await;
        Self { web, context, scratch, sets, alice }
    }

    async fn ask(&self, scope: Value, format: &str) -> i64 {
        self.ask_as(json!({ "scope": scope, "format": format, "with_attachments": true })).await
    }

    pub async fn ask_as(&self, mut body: Value) -> i64 {
        body["name"] = json!("For the court");
        let answer = self.web.post(&self.alice, "/api/v1/exports", body).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.json()["state"], "queued");
        answer.json()["id"].as_i64().unwrap()
    }

    pub async fn work(&self) {
        Runner::of_server(self.context.exports.clone(), self.context.retention.clone())
            .work()
            .await
            .unwrap();
    }

    pub async fn show(&self, id: i64) -> Value {
        self.web.get(&self.alice, &format!("/api/v1/exports/{id}")).await.json()
    }

    pub async fn download(&self, id: i64) -> PathBuf {
        let path = format!("/api/v1/exports/{id}/download");
        let answer = self.web.get(&self.alice, &path).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/zip");
        let file = self.scratch.directory.path().join(format!("{id}.zip"));
        std::fs::write(&file, answer.body).unwrap();
        file
    }

    fn key(&self) -> String {
        self.scratch.archive.vault.log_signer().verifier().to_string()
    }

    pub fn check(&self, bundle: &Path) -> Report {
        verify(bundle, self.scratch.archive.vault.log_signer().verifier()).unwrap()
    }

    pub fn unpacked(&self, bundle: &Path) -> PathBuf {
        let directory = bundle.with_extension("unpacked");
        let mut zip = zip::ZipArchive::new(std::fs::File::open(bundle).unwrap()).unwrap();
        zip.extract(&directory).unwrap();
        directory
    }
}

/// Every object whose name ends so is harmed.
fn harm(bucket: &Path, ending: &str, how: &dyn Fn(&Path)) {
    for entry in std::fs::read_dir(bucket).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            harm(&path, ending, how);
        } else if path.to_str().unwrap().ends_with(ending) {
            how(&path);
        }
    }
}

type Harm<'h> = (&'h str, &'h dyn Fn(&Path));

fn turn_a_bit(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() * 2 / 3;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_cannot_be_read_are_missed_aloud() {
    let remove = |path: &Path| std::fs::remove_file(path).unwrap();
    let harms: [Harm<'_>; 4] =
        [(".seg", &turn_a_bit), (".seg", &remove), (".page", &turn_a_bit), (".page", &remove)];
    for (ending, how) in harms {
        let exports = Exports::new(true).await;
        harm(&exports.scratch.directory.path().join("bucket"), ending, how);
        let id = exports.ask(json!({ "search": { "query": "hello" } }), "eml").await;
        exports.work().await;
        let job = exports.show(id).await;
        assert_eq!((&job["state"], &job["missing"]), (&json!("done"), &json!(2)), "{job}");
        assert!(job["exceptions"].as_u64().unwrap() >= 2, "{job}");
        let damaged = status::counts(&exports.scratch.archive.catalog).await.unwrap().damaged;
        assert_eq!(damaged, 2, "the status tells of them");
        let report = exports.check(&exports.download(id).await);
        assert_eq!((report.exit_code(), report.missing), (EXIT_INCOMPLETE, 2), "{report}");
        assert!(report.to_string().contains("INCOMPLETE: 2 messages"), "{report}");
        let message = exports.web.get(&exports.alice, "/api/v1/messages/1").await;
        assert_eq!((message.status.as_u16(), message.code().as_str()), (500, "damaged"));
    }
}

/// What is signed with a message is as leaf and record have it.
#[tokio::test(flavor = "multi_thread")]
async fn what_rows_say_otherwise_is_neither_exported_nor_proved() {
    let exports = Exports::new(true).await;
    let recorded = async || {
        let id = exports.ask(json!({ "search": { "query": "hello" } }), "eml").await;
        exports.work().await;
        let bundle = exports.download(id).await;
        assert_eq!(exports.check(&bundle).exit_code(), EXIT_GOOD);
        let manifest = std::fs::read(exports.unpacked(&bundle).join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let items = manifest["items"].as_array().unwrap().iter();
        let of = |item: &Value| item["proofs"].as_array().unwrap()[0]["recorded"].clone();
        items.map(of).collect::<Vec<Value>>()
    };
    let proof = async || {
        let proof = exports.web.get(&exports.alice, "/api/v1/messages/1/proof").await.json();
        let checks = proof["checks"].as_array().unwrap().iter();
        let failed = checks.filter(|check| check["ok"] == false);
        failed.map(|check| check["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let before = recorded().await;
    assert_eq!(proof().await, Vec::<String>::new());
    let catalog = &exports.scratch.archive.catalog;
    let later = "UPDATE delivery SET received_at = received_at + 86400000000, source = 'other', \
                 is_proven = 1 - is_proven";
    change_rows(catalog, later).await;
    assert_eq!(recorded().await, before);
    assert_eq!(proof().await, ["received"]);
    change_rows(catalog, "UPDATE delivery SET sha256 = zeroblob(32)").await;
    assert_eq!(proof().await, ["received", "content"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_exported_byte_for_byte_and_verifies() {
    let exports = Exports::new(true).await;
    for format in ["eml", "mbox"] {
        let id = exports.ask(json!({ "search": { "query": "hello" } }), format).await;
        exports.work().await;
        let job = exports.show(id).await;
        assert_eq!(
            (&job["state"], &job["done"], &job["total"]),
            (&json!("done"), &json!(2), &json!(2)),
            "{job}"
        );
        assert_eq!(job["missing"], 0, "{job}");
        let bundle = exports.download(id).await;
        assert_eq!(job["size"], std::fs::metadata(&bundle).unwrap().len());
        let report = exports.check(&bundle);
        assert_eq!(report.findings, [], "{format}");
        assert_eq!(report.exit_code(), EXIT_GOOD);
        assert_eq!((report.messages, report.attachments, report.proofs), (2, 1, 3));
        let files = exports.unpacked(&bundle);
        if format == "eml" {
            for (name, message) in [("000001", WITH_ALICE), ("000002", WITHOUT_ALICE)] {
                let path = files.join(format!("messages/{name}.eml"));
                assert_eq!(std::fs::read_to_string(&path).unwrap(), message);
                let verifier = exports.scratch.archive.vault.log_signer().verifier().clone();
                let report = verify_file(&bundle, &verifier, &path).unwrap();
                assert_eq!((report.exit_code(), report.matches.len()), (EXIT_GOOD, 1));
            }
            let attached = std::fs::read_dir(files.join("attachments/000001")).unwrap();
            let attached: Vec<_> = attached.map(|entry| entry.unwrap().path()).collect();
            assert_eq!(std::fs::read_to_string(&attached[0]).unwrap(), ATTACHED);
        } else {
            let mbox = std::fs::File::open(files.join("messages.mbox")).unwrap();
            let mbox = muniment::mail::mbox::Reader::new(std::io::BufReader::new(mbox));
            let read: Vec<_> = mbox.map(|message| message.unwrap().bytes).collect();
            assert_eq!(read, [WITH_ALICE.as_bytes(), WITHOUT_ALICE.as_bytes()]);
        }
        let account = std::fs::read(files.join("account.json")).unwrap();
        let account: Value = serde_json::from_slice(&account).unwrap();
        assert_eq!(
            (&account["asked_by"], &account["counts"]["messages"]),
            (&json!("alice"), &json!(2))
        );
        assert_eq!(account["scope"]["search"]["query"], "hello");
    }
}

/// A number of a hold, or of a custodian, says nothing to whoever has the bundle alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_account_says_whose_mail_and_which_hold_it_was() {
    let exports = Exports::new(true).await;
    let post = async |path: &str, body: Value| {
        let answer =
            exports.web.post(&exports.alice, &format!("/api/v1/matters{path}"), body).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()["id"].clone()
    };
    let matter = post("", json!({ "name": "Ito v. Lay" })).await;
    let person = async |name: &str, address: &str| {
        let custodian = json!({ "name": name, "addresses": [address] });
        post(&format!("/{matter}/custodians"), custodian).await
    };
    let alice = person("Alice", "alice@a.example").await;
    let carol = person("Carol", "carol@c.example").await;
    let hold = json!({
        "name": "Term sheets", "custodian_ids": [alice], "date_kind": "sent",
        "from": "2026-03-01", "until": "2026-03-02",
    });
    let hold = post(&format!("/{matter}/holds"), hold).await;
    let message = exports.sets.with_alice.0;
    let search =
        |custodian: &Value| json!({ "search": { "query": "hello", "custodian_id": custodian } });
    for (scope, hold_name, names) in [
        (json!({ "hold_id": hold }), json!("Term sheets"), vec!["Alice"]),
        (search(&Value::Null), Value::Null, vec!["Alice", "Carol"]),
        (search(&carol), Value::Null, vec!["Carol"]),
        (json!({ "message_ids": [message] }), Value::Null, vec![]),
    ] {
        let ask = json!({ "scope": scope, "format": "eml", "matter_id": matter });
        let id = exports.ask_as(ask).await;
        exports.work().await;
        let files = exports.unpacked(&exports.download(id).await);
        let account = std::fs::read(files.join("account.json")).unwrap();
        let account: Value = serde_json::from_slice(&account).unwrap();
        assert_eq!(account["hold"]["name"], hold_name, "{account:#}");
        let custodians = account["custodians"].as_array().unwrap();
        let named: Vec<_> = custodians.iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(named, names, "{account:#}");
        if hold_name.is_string() {
            assert_eq!(account["custodians"][0]["addresses"], json!(["alice@a.example"]));
            assert_eq!(account["hold"]["before"], "2026-03-03T00:00:00Z", "{account:#}");
            assert_eq!(account["hold"]["placed_by"], "alice", "{account:#}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_says_by_its_exit_code_what_it_found() {
    let exports = Exports::new(true).await;
    let scope = json!({ "message_ids": [exports.sets.with_alice.0] });
    let id = exports.ask(scope, "eml").await;
    exports.work().await;
    let bundle = exports.download(id).await;
    let files = exports.unpacked(&bundle);
    let run = |bundle: &Path, key: &str| {
        let output = Command::new(binary())
            .arg("verify-export")
            .arg(bundle)
            .args(["--key", key])
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let key = exports.key();
    assert_eq!(run(&bundle, &key).0, 0);
    assert_eq!(run(&files, files.join("key.txt").to_str().unwrap()).0, 0);
    assert_eq!(run(&bundle, "no key").0, 2);
    assert_eq!(run(Path::new("/nowhere.zip"), &key).0, 2);
    let message = files.join("messages/000001.eml");
    std::fs::write(&message, WITH_ALICE.replace("hello", "hallo")).unwrap();
    let (code, text) = run(&files, &key);
    assert_eq!(code, 1);
    assert!(text.contains("messages/000001.eml: it was changed"), "{text}");
    let other = Scratch::new().await;
    let other = other.archive.vault.log_signer().verifier().to_string();
    let (code, text) = run(&bundle, &other);
    assert_eq!(code, 1);
    assert!(text.contains("not by the expected key"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_does_not_cover_yet_is_stated() {
    let exports = Exports::new(false).await;
    let id = exports.ask(json!({ "search": { "query": "hello" } }), "eml").await;
    exports.work().await;
    let report = exports.check(&exports.download(id).await);
    assert_eq!(report.findings, []);
    assert_eq!((report.exit_code(), report.unproven), (EXIT_UNPROVEN, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_cut_off_is_done_again_from_its_frozen_list() {
    let exports = Exports::new(true).await;
    let id = exports.ask(json!({ "search": { "query": "hello" } }), "eml").await;
    // As a kill in the middle leaves it: leased, its list written, a part of
    // the bundle on disk.
    let lease = job::Lease::from("serve", exports.context.exports.clock.now());
    let now = exports.context.clock.now();
    job::lease(&exports.context.catalog, &lease, now).await.unwrap().unwrap();
    let bundle = exports.context.exports.path(JobId(id));
    std::fs::create_dir_all(bundle.parent().unwrap()).unwrap();
    std::fs::write(bundle.with_extension("list"), format!("{}\n", exports.sets.without_alice))
        .unwrap();
    std::fs::write(bundle.with_extension("zip.part"), b"half a bundle").unwrap();
    exports.work().await;
    assert_eq!(exports.show(id).await["state"], "done");
    let report = exports.check(&exports.download(id).await);
    assert_eq!((report.exit_code(), report.messages), (EXIT_GOOD, 1));
    let left = std::fs::read_dir(bundle.parent().unwrap()).unwrap().count();
    assert_eq!(left, 2, "only the bundle is left, and the list of what is in it");
}

/// What ends the server each time is not begun for ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_at_which_the_server_ended_often_fails() {
    let exports = Exports::new(true).await;
    let id = exports.ask(json!({ "search": { "query": "hello" } }), "eml").await;
    let exporter = &exports.context.exports;
    for _ in 0..limits::JOB_STARTS_MAX {
        let now = exports.context.clock.now();
        let lease = job::Lease::from(exporter.catalog.owner(), now);
        job::lease(&exporter.catalog, &lease, now).await.unwrap().unwrap();
    }
    exports.work().await;
    let failed = exports.show(id).await;
    assert_eq!(failed["state"], "failed");
    assert!(failed.to_string().contains("the server ended 5 times"), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_of_the_matter_that_its_search_is_in() {
    let exports = Exports::new(true).await;
    let body = json!({ "scope": { "search": { "query": "hello", "matter_id": 1 } }, "format": "eml",
        "name": "For the court" });
    let answer = exports.web.post(&exports.alice, "/api/v1/exports", body).await;
    let said = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(answer.status == 422 && said.contains("scope.search.matter_id"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_refused_cancelled_and_on_record() {
    let exports = Exports::new(true).await;
    let Exports { web, alice, .. } = &exports;
    let body = |scope: Value| json!({ "scope": scope, "format": "eml" });
    let search = || json!({ "search": { "query": "hello" } });
    let administrator = web.signed_in("root", Role::Administrator, false).await;
    let member = web.signed_in("bob", Role::Legal, false).await;
    for (browser, scope, status) in [
        (&administrator, search(), 403),
        (&member, search(), 403),
        (alice, json!({ "message_ids": [999] }), 404),
        (alice, json!({ "message_ids": [] }), 422),
        (alice, json!({ "search": { "query": "(" } }), 422),
        (alice, json!({ "hold_id": 1 }), 422),
        (alice, json!({}), 422),
    ] {
        let answer = web.post(browser, "/api/v1/exports", body(scope.clone())).await;
        assert_eq!(answer.status, status, "{scope}");
    }
    let id = exports.ask(search(), "eml").await;
    let path = format!("/api/v1/exports/{id}");
    assert_eq!(web.get(&member, &path).await.status, 404);
    assert_eq!(web.get(alice, &format!("{path}/download")).await.status, 409);
    let answer = web.post(alice, &format!("{path}/cancel"), json!({})).await;
    assert_eq!(answer.json()["state"], "cancelled");
    exports.work().await;
    assert_eq!(exports.show(id).await["state"], "cancelled");
    let done = exports.ask(search(), "eml").await;
    exports.work().await;
    exports.download(done).await;
    let rows = web.get(alice, "/api/v1/audit?action=export").await.json();
    let actions: Vec<_> =
        rows["rows"].as_array().unwrap().iter().map(|row| &row["action"]).collect();
    for action in ["export.ask", "export.cancel", "export.run", "export.download"] {
        assert!(actions.contains(&&json!(action)), "{action} is not in {actions:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_cancelled_under_way_is_not_on_record_as_done() {
    let exports = Exports::new(true).await;
    let id = exports.ask(json!({ "search": { "query": "hello" } }), "eml").await;
    let exporter = &exports.context.exports;
    let now = exporter.clock.now();
    let lease = job::Lease::from("here", now);
    let row = job::lease(&exporter.catalog, &lease, now).await.unwrap().unwrap();
    let path = format!("/api/v1/exports/{id}/cancel");
    let answer = exports.web.post(&exports.alice, &path, json!({})).await;
    assert_eq!(answer.json()["state"], "running");
    run::run(exporter, row, "here").await.unwrap();
    assert_eq!(exports.show(id).await["state"], "cancelled");
    let rows = exports.web.get(&exports.alice, "/api/v1/audit?action=export.run").await.json();
    let outcomes: Vec<_> = rows["rows"].as_array().unwrap().iter().map(|r| &r["outcome"]).collect();
    assert_eq!(outcomes.first(), Some(&&json!("cancelled")), "{rows}");
}

pub const PASSWORD: &str = "a password of one's own";

/// Adds a person who may search everything and has chosen a password.
pub async fn add_person(config: &Path) {
    let archive = Archive::open(Config::load(config).unwrap()).await.unwrap();
    let access = archive.access();
    let operator = Actor::operator(Role::Administrator);
    let new = New {
        name: "alice".into(),
        display_name: "Alice".into(),
        role: Role::Legal,
        is_archive_wide: true,
    };
    let one_time = person::create(&operator, &access, new).await.unwrap().1;
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let session = access.sign_in("alice", &one_time, here).await.unwrap().session;
    access.change_password(&session, &one_time, PASSWORD, here).await.unwrap();
    archive.catalog.close().await;
}

/// Waits until so many deliveries can be found.
pub async fn indexed(config: &Path, deliveries: i64) {
    let catalog = Catalog::open(&Config::load(config).unwrap().archive.catalog).await.unwrap();
    let derived = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while cursor::get(&catalog, cursor::DERIVE).await.unwrap() < deliveries {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), derived).await.expect("all is indexed");
    catalog.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_exports_beside_a_server_and_without_one() {
    let made = init();
    add_person(&made.config).await;
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    sender.send(&made.said["journal"], WITHOUT_ALICE.as_bytes()).unwrap();
    indexed(&made.config, 1).await;
    let export_in = |dialect: &str, out: &str, query: &str, password: &str| {
        let out = made.config.with_file_name(out);
        let output = Command::new(binary())
            .args(["export", "--dialect", dialect, "--format", "eml", "--user", "alice"])
            .arg("--config")
            .arg(&made.config)
            .args(["--query", query])
            .arg("--out")
            .arg(&out)
            .env("MUNIMENT_PASSWORD", password)
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap(), out)
    };
    let export = |out: &str, query: &str, password: &str| export_in("kql", out, query, password);
    let check = |bundle: &Path| {
        let key = &made.said["log key"];
        let output =
            Command::new(binary()).arg("verify-export").arg(bundle).args(["--key", key]).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let (code, said, bundle) = export("beside.zip", "subject:elsewhere", PASSWORD);
    assert_eq!(code, 0, "{said}");
    let text = check(&bundle);
    assert!(
        text.contains("\n1 message, 0 attachments, 1 proof of delivery\n")
            && text.contains("everything holds"),
        "{text}"
    );
    let (code, said, _) = export("refused.zip", "subject:(", PASSWORD);
    assert_eq!(code, 1, "{said}");
    served.stop();
    let query = "subject contains else* or subject:(a w/2 b)";
    let (code, said, bundle) = export_in("dtsearch", "without.zip", query, PASSWORD);
    assert_eq!(code, 0, "{said}");
    let text = check(&bundle);
    assert!(
        text.contains("\n1 message, 0 attachments, 1 proof of delivery\n")
            && text.contains("everything holds"),
        "{text}"
    );
    let (code, said, _) = export("wrong.zip", "subject:elsewhere", "another password");
    assert_eq!((code, said.contains("name or password is wrong")), (1, true), "{said}");
    let (code, said, _) = export("without.zip", "subject:elsewhere", PASSWORD);
    assert_eq!((code, said.contains("exists already")), (1, true), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_that_its_server_ended() {
    let made = init();
    add_person(&made.config).await;
    let config = Config::load(&made.config).unwrap();
    // As a server has it.
    let archive = Archive::open(config.clone()).await.unwrap();
    let index = archive.open_index().unwrap();
    let command = Command::new(binary())
        .args(["export", "--dialect", "kql", "--format", "eml", "--user", "alice"])
        .arg("--config")
        .arg(&made.config)
        .args(["--query", "", "--out"])
        .arg(made.config.with_file_name("never.zip"))
        .env("MUNIMENT_PASSWORD", PASSWORD)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let catalog = archive.catalog.clone();
    let asked = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            let jobs = (1..5).map(|id| job::by_id(&catalog, JobId(id)));
            let jobs = futures::future::try_join_all(jobs).await.unwrap();
            if jobs.iter().flatten().any(|job| job.kind == "export") {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asked).await.expect("it is asked for");
    drop(index);
    let output = command.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the server ended before export"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

/// Held, listed and exported as it came: it was in none of these.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_an_original_is_read_and_exported() {
    let exports = Exports::new(true).await;
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal");
    let report = std::fs::read(fixture.join("tnef-second-part.eml")).unwrap();
    deliver(&exports.scratch.archive, &exports.context.ingest, &report).await;
    assert!(exports.context.progress.settled(DeliverySeq(3)).await.unwrap());

    let query = "to:bob@contoso.com";
    let search = json!({ "matter_id": null, "query": query, "dialect": "kql" });
    let found = exports.web.post(&exports.alice, "/api/v1/search", search).await.json();
    assert_eq!(found["total_families"], 1, "{found}");
    let search =
        json!({ "query": "(to:bob@contoso.com) and b?b w/9 contoso", "dialect": "dtsearch" });
    let read = exports.web.post(&exports.alice, "/api/v1/search", search).await.json();
    assert_eq!((&read["total_families"], &read["unit"]), (&json!(1), &json!("document")), "{read}");
    assert_eq!(read["total_documents"], 1, "{read}");
    assert_eq!(
        read["tree"][2],
        json!({ "depth": 1, "text": "these within 9 words of each other" })
    );
    // Whom a message names is said of each document that it carries.
    assert_eq!(read["expansions"][0]["stands_for"][0], json!({ "word": "bob", "documents": 3 }));
    assert!(read["snapshot"]["tokenizer_version"].is_u64(), "{read}");
    let mixed = json!({ "query": "a and b or c", "dialect": "dtsearch" });
    let refused = exports.web.post(&exports.alice, "/api/v1/search", mixed).await;
    assert_eq!(refused.status, 422);
    assert!(refused.json().to_string().contains("(a and b) or c"));
    let message = format!("/api/v1/messages/{}", found["hits"][0]["id"]);
    let shown = exports.web.get(&exports.alice, &message).await.json();
    assert_eq!(shown["attachments"][0]["name"], "winmail.dat");
    assert_eq!(shown["deliveries"][0]["form"], "report");
    let defects = shown["deliveries"][0]["defects"].to_string();
    assert!(defects.contains("the report carries no message"), "{defects}");
    let source = exports.web.get(&exports.alice, &format!("{message}/source")).await;
    assert_eq!(source.body, report);
    let attached = exports.web.get(&exports.alice, &format!("{message}/attachments/0")).await;
    assert_eq!(attached.status, 200);
    assert_eq!(attached.body.len(), 124);

    let id = exports.ask(json!({ "search": { "query": query } }), "eml").await;
    exports.work().await;
    let bundle = exports.download(id).await;
    let checked = exports.check(&bundle);
    assert_eq!((checked.findings.len(), checked.messages, checked.attachments), (0, 1, 1));
    let exported = exports.unpacked(&bundle).join("messages/000001.eml");
    assert_eq!(std::fs::read(exported).unwrap(), report);
}

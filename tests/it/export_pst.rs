//! Exports as PST end to end: journal mail in over SMTP, a bundle out, its PST
//! read by other programs, and what the bundle proves of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use muniment::base::hash::Digest;
use muniment::base::ids::JobId;
use muniment::catalog::job;
use muniment::mail::journal::{Envelope, Kind, Recipient};
use muniment::mail::wrap::{Original, Style, report};
use muniment::verify::bundle::verify_file;
use muniment::verify::report::EXIT_GOOD;
use serde_json::{Value, json};

use crate::export::{Exports, PASSWORD, add_person, indexed};
use crate::pst::samples::walk;
use crate::pst::{assert_sound, outlook_pst, pffexport, pst_extractor, readpst};
use crate::support::binary;
use crate::support::laid::{WITH_ALICE, WITHOUT_ALICE};
use crate::support::served::{Made, Sender, Served, init};

const BLIND: &str = "blind@elsewhere.example";

/// A report of the message, which went to one more than its header says.
fn journaled(message: &str) -> Vec<u8> {
    let to =
        |address: &str| Recipient { kind: Kind::Recipient, address: address.to_owned(), via: None };
    let envelope = Envelope {
        sender: "bob@b.example".to_owned(),
        recipients: vec![to("Alice@A.example"), to("carol@c.example"), to(BLIND)],
        ..Envelope::default()
    };
    report(&envelope, &[Original::message(message.as_bytes())], &Style::default())
}

fn export(made: &Made, out: &str, more: &[&str]) -> (Output, PathBuf) {
    let out = made.config.with_file_name(out);
    let output = command(Command::new(binary()), made, &out).args(more).output().unwrap();
    (output, out)
}

fn command(mut program: Command, made: &Made, out: &Path) -> Command {
    program
        .args(["export", "--dialect", "kql", "--query", "hello", "--user", "alice"])
        .args(["--name", "Lay / Ito"])
        .arg("--config")
        .arg(&made.config)
        .arg("--out")
        .arg(out)
        .env("MUNIMENT_PASSWORD", PASSWORD);
    program
}

fn verify_export(bundle: &Path, key: &str) -> (i32, String) {
    let output =
        Command::new(binary()).arg("verify-export").arg(bundle).args(["--key", key]).output();
    let output = output.unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn unpacked(bundle: &Path) -> PathBuf {
    let directory = bundle.with_extension("unpacked");
    let mut zip = zip::ZipArchive::new(std::fs::File::open(bundle).unwrap()).unwrap();
    zip.extract(&directory).unwrap();
    directory
}

fn json_of(file: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn journal_mail_comes_out_as_pst_that_others_read() {
    let made = init();
    add_person(&made.config).await;
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    for message in [WITH_ALICE, WITHOUT_ALICE] {
        sender.send(&made.said["journal"], &journaled(message)).unwrap();
    }
    indexed(&made.config, 2).await;
    let (output, bundle) = export(&made, "court.zip", &["--format", "pst", "--with-attachments"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let (code, text) = verify_export(&bundle, &made.said["log key"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("2 messages are here as conversions in a PST"), "{text}");
    assert!(text.contains("everything that is here holds"), "{text}");
    let files = unpacked(&bundle);
    let pst = files.join("pst/Lay _ Ito.pst");
    assert_sound(&pst);

    let mut readers = vec![("outlook-pst", outlook_pst::read(&pst))];
    readers.extend(readpst::read(&pst).map(|seen| ("readpst", seen)));
    readers.extend(pffexport::read(&pst).map(|seen| ("pffexport", seen)));
    readers.extend(pst_extractor::read(&pst).map(|seen| ("pst-extractor", seen)));
    for (reader, seen) in readers {
        // Some print folder names with the stroke replaced.
        assert_eq!(seen.len(), 1, "{reader}");
        let mails = seen.values().next().unwrap();
        let subjects: Vec<&str> = mails.iter().map(|mail| mail.subject.as_str()).collect();
        assert_eq!(subjects, ["Term sheet", "Elsewhere"], "{reader}");
        assert_eq!(mails[0].attachments.len(), 1, "{reader}");
        // It prints the headers as they came, and the envelope is not in them.
        if reader == "readpst" {
            continue;
        }
        let of = |mail: usize| -> BTreeSet<String> {
            mails[mail].recipients.iter().map(|one| one.to_lowercase()).collect()
        };
        let is_blind =
            |mail| of(mail).iter().any(|one| one.starts_with("bcc") && one.contains(BLIND));
        assert!(is_blind(0) && is_blind(1), "{reader}: {:?}", mails[0].recipients);
        assert_eq!((of(0).len(), of(1).len()), (3, 3), "{reader}: no one twice");
    }

    let manifest = json_of(files.join("manifest.json"));
    let items = manifest["items"].as_array().unwrap();
    let messages: Vec<_> = items.iter().filter(|item| item["role"] == "message").collect();
    for (item, message) in messages.iter().zip([WITH_ALICE, WITHOUT_ALICE]) {
        assert_eq!(item["sha256"], Digest::of(message.as_bytes()).to_string());
        let place = json!({ "path": "pst/Lay _ Ito.pst", "folder": "Lay / Ito" });
        assert_eq!((&item["converted"], &item["path"]), (&place, &Value::Null));
    }
    // The header of each names one of the three.
    let unnamed = [["carol@c.example", BLIND], ["Alice@A.example", BLIND]];
    let expected = messages.iter().zip(unnamed).map(|(item, unnamed)| outlook_pst::Marks {
        record_id: item["proofs"][0]["record_id"].as_str().unwrap().to_owned(),
        sha256: item["sha256"].as_str().unwrap().to_owned(),
        envelope: unnamed.map(str::to_owned).to_vec(),
    });
    assert_eq!(outlook_pst::marks(&pst), expected.collect::<Vec<_>>());
    let listed = manifest["files"].as_array().unwrap();
    let listed = listed.iter().find(|file| file["path"] == "pst/Lay _ Ito.pst").unwrap();
    let bytes = std::fs::read(&pst).unwrap();
    assert_eq!(listed["size"], bytes.len());
    assert_eq!(listed["sha256"], Digest::of(&bytes).to_string());

    for at in [0, bytes.len() / 2, bytes.len() - 1] {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        std::fs::write(&pst, bad).unwrap();
        let (code, text) = verify_export(&files, &made.said["log key"]);
        assert_eq!(code, 1);
        assert!(text.contains("pst/Lay _ Ito.pst: it was changed"), "{text}");
    }
    served.stop();
}

/// A file that may grow no further stands for a disk that is full: the job says
/// so, leaves nothing, and can be asked for again.
#[tokio::test(flavor = "multi_thread")]
async fn export_onto_a_full_disk_fails_whole() {
    const FILE_KB_MAX: usize = 16 << 10;
    let made = init();
    add_person(&made.config).await;
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    let body = "a line of a long message\r\n".repeat((FILE_KB_MAX << 10) / 26);
    let long = format!("Subject: hello\r\nFrom: bob@b.example\r\n\r\n{body}");
    sender.send(&made.said["journal"], &journaled(&long)).unwrap();
    // Beside the server, which waits until all can be found.
    let (output, _) = export(&made, "before.zip", &["--format", "eml"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    served.stop();

    let out = made.config.with_file_name("full.zip");
    let mut bounded = Command::new("bash");
    let script = format!("trap '' XFSZ; ulimit -f {FILE_KB_MAX}; exec \"$0\" \"$@\"");
    bounded.arg("-c").arg(script).arg(binary());
    let output = command(bounded, &made, &out).args(["--format", "pst"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(".pst.partial: is there room, and may we write there?"), "{said}");
    assert!(!out.exists());
    let mut left = Vec::new();
    walk(made.config.parent().unwrap(), &mut left);
    left.retain(|path| path.to_string_lossy().contains(".pst") || path.ends_with(".part"));
    assert_eq!(left, Vec::<PathBuf>::new());

    let (output, bundle) = export(&made, "room.zip", &["--format", "pst"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_sound(&unpacked(&bundle).join("pst/Lay _ Ito.pst"));
}

#[tokio::test(flavor = "multi_thread")]
async fn options_of_a_pst_are_for_a_pst() {
    let made = init();
    for (option, value) in [("--with-eml", None), ("--pst-bytes-max", Some("200000000"))] {
        let more: Vec<&str> = ["--format", "eml", option].into_iter().chain(value).collect();
        let (output, _) = export(&made, "no.zip", &more);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1));
        assert!(said.contains(&format!("{option} is for --format pst")), "{said}");
    }
    let exports = Exports::new(true).await;
    for (format, pst) in [
        ("eml", json!({})),
        ("pst", json!({ "file_bytes_max": 45_000_000_001_u64 })),
        ("pst", json!({ "file_bytes_max": 1 })),
        ("pst", json!({ "folder_items_max": 50_001 })),
        ("pst", json!({ "other": 1 })),
    ] {
        let body =
            json!({ "scope": { "search": { "query": "hello" } }, "format": format, "pst": pst });
        let answer = exports.web.post(&exports.alice, "/api/v1/exports", body.clone()).await;
        assert_eq!(answer.status, 422, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eml_beside_the_pst_is_byte_for_byte_and_proved() {
    let exports = Exports::new(true).await;
    let body = json!({ "scope": { "search": { "query": "hello" } }, "format": "pst",
        "pst": { "with_eml": true }, "with_attachments": true });
    let id = exports.ask_as(body).await;
    exports.work().await;
    let job = exports.show(id).await;
    assert_eq!((&job["state"], &job["format"]), (&json!("done"), &json!("pst")), "{job}");
    let bundle = exports.download(id).await;
    let report = exports.check(&bundle);
    assert_eq!(report.findings, []);
    assert_eq!((report.exit_code(), report.converted, report.proofs), (EXIT_GOOD, 0, 3));
    let files = exports.unpacked(&bundle);
    assert_sound(&files.join("pst/For the court.pst"));
    for (name, message) in [("000001", WITH_ALICE), ("000002", WITHOUT_ALICE)] {
        let path = files.join(format!("messages/{name}.eml"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), message);
    }
    let account = json_of(files.join("account.json"));
    assert_eq!(account["format"]["pst"]["with_eml"], true);
}

/// Without the EML copy in the bundle, one that comes later still proves by it.
#[tokio::test(flavor = "multi_thread")]
async fn eml_that_comes_later_is_proved_by_the_bundle() {
    let exports = Exports::new(true).await;
    let scope = json!({ "message_ids": [exports.sets.with_alice.0] });
    let id = exports.ask_as(json!({ "scope": scope, "format": "pst" })).await;
    exports.work().await;
    let bundle = exports.download(id).await;
    assert_eq!(exports.check(&bundle).converted, 1);
    let loose = exports.scratch.directory.path().join("later.eml");
    std::fs::write(&loose, WITH_ALICE).unwrap();
    let key = exports.scratch.archive.vault.log_signer().verifier().clone();
    let report = verify_file(&bundle, &key, &loose).unwrap();
    assert_eq!((report.exit_code(), report.matches.len()), (EXIT_GOOD, 1));
    assert_eq!(report.matches[0].path, "pst/For the court.pst");
    assert!(report.matches[0].is_proven);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pst_job_cut_off_is_done_again_and_one_cancelled_leaves_nothing() {
    let exports = Exports::new(true).await;
    let ask = || {
        let scope = json!({ "search": { "query": "hello" } });
        exports.ask_as(json!({ "scope": scope, "format": "pst" }))
    };
    let id = ask().await;
    let lease = job::Lease::from("serve", exports.context.exports.clock.now());
    let now = exports.context.clock.now();
    job::lease(&exports.context.catalog, &lease, now).await.unwrap().unwrap();
    // As a kill leaves it: one file whole, the next begun.
    let half = |bundle: &Path| {
        let beside = bundle.with_extension("zip.pst");
        std::fs::create_dir_all(&beside).unwrap();
        std::fs::write(bundle.with_extension("zip.part"), b"half a bundle").unwrap();
        std::fs::write(beside.join("For the court.pst"), b"whole").unwrap();
        std::fs::write(beside.join("For the court-2.pst.partial"), b"half").unwrap();
    };
    let bundle = exports.context.exports.path(JobId(id));
    half(&bundle);
    exports.work().await;
    assert_eq!(exports.show(id).await["state"], "done");
    assert_eq!(exports.check(&exports.download(id).await).exit_code(), EXIT_GOOD);
    let left = || std::fs::read_dir(bundle.parent().unwrap()).unwrap().count();
    assert_eq!(left(), 2, "only the bundle is left, and the list of what is in it");

    let id = ask().await;
    let now = exports.context.clock.now();
    job::lease(&exports.context.catalog, &lease, now).await.unwrap().unwrap();
    half(&exports.context.exports.path(JobId(id)));
    let path = format!("/api/v1/exports/{id}/cancel");
    exports.web.post(&exports.alice, &path, json!({})).await;
    exports.work().await;
    assert_eq!(exports.show(id).await["state"], "cancelled");
    assert_eq!(left(), 2, "nothing is left of it");
}

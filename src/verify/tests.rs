//! Bundles made by the writer, broken in every way, and checked.

use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::bundle::{verify, verify_file};
use super::report::{EXIT_BAD, EXIT_GOOD, EXIT_UNPROVEN, Kind, Report};
use crate::base::clock::Timestamp;
use crate::base::hash::Digest;
use crate::base::ids::{ArchiveId, RecordId};
use crate::export::bundle::{About, BundleWriter, Closing, Exception, Format, Outgoing};
use crate::export::convert::Pst;
use crate::export::manifest::{
    CHECKPOINT, EXCEPTIONS, FORMAT, Head, Inclusion, KEY, MANIFEST, MANIFEST_NOTE, MBOX, Proof,
    Seal,
};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::commitment::{self, Opening};
use crate::ledger::leaf::Leaf;
use crate::ledger::note::{self, Signer};
use crate::ledger::tree;

const ORIGIN: &str = "muniment.example/log";

fn signer() -> Signer {
    Signer::from_seed(ORIGIN, &[7; 32]).unwrap()
}

const MESSAGES: [&[u8]; 3] = [
    b"Subject: one\r\n\r\nFrom the start\r\n>From quoted\r\nlast\r\n",
    b"Subject: two\n\nno newline at the end",
    b"Subject: three\r\n\r\n\xff\x00 bytes\r\n",
];
const PST: &str = "pst/For the court.pst";

fn formats() -> [Format; 4] {
    let with_eml = Pst { with_eml: true, ..Pst::default() };
    [Format::Eml, Format::Mbox, Format::Pst(Pst::default()), Format::Pst(with_eml)]
}

const ATTACHMENT: &[u8] = b"%PDF-1.7 not really";

/// What one delivery of a message with an attachment committed to.
fn opened(number: u64) -> (Leaf, Vec<Opening>) {
    let contents = [
        (0, Digest::of(b"the report"), 10),
        (1, Digest::of(MESSAGES[number as usize]), MESSAGES[number as usize].len() as u64),
        (2, Digest::of(ATTACHMENT), ATTACHMENT.len() as u64),
    ];
    let salt = |role: u8| Digest::of(&[number as u8, role]).0;
    let commitments: Vec<_> = contents
        .iter()
        .map(|(role, content, size)| commitment::commit(&salt(*role), *role, content, *size))
        .collect();
    let leaf = Leaf::Delivery {
        record: RecordId([number as u8; 16]),
        received_at: Timestamp(1_700_000_000_000_000),
        class: "standard".into(),
        ciphertext: Digest::of(&[number as u8]),
        commitments: 3,
        commitment_root: commitment::root(&commitments),
    };
    let openings = (0..3_u8)
        .map(|role| Opening {
            index: role.into(),
            count: 3,
            role,
            salt: salt(role),
            path: commitment::path(&commitments, role.into()).unwrap(),
        })
        .collect();
    (leaf, openings)
}

/// A bundle of all messages, each with the attachment; the log has nine leaves.
/// Of the last message the leaf is not published where `is_pending`.
fn write(path: &Path, format: Format, is_pending: bool) {
    let mut hashes: Vec<_> = (0..6_u8).map(|i| tree::hash_leaf(&[i])).collect();
    hashes.extend((0..3).map(|number| opened(number).0.hash()));
    let size = if is_pending { 8 } else { 9 };
    let hashes = &hashes[..size];
    let checkpoint =
        Checkpoint { origin: ORIGIN.into(), size: size as u64, root: tree::root_of(hashes) };
    let checkpoint = checkpoint.sign(&signer()).unwrap();
    let mut writer = BundleWriter::create(path, format, "For the court").unwrap();
    for (number, message) in (0..).zip(MESSAGES) {
        let (leaf, openings) = opened(number);
        let about = |role: usize| About {
            set: number as i64,
            proofs: vec![Proof {
                record_id: RecordId([number as u8; 16]),
                leaf: hex::encode(leaf.encode()),
                opening: openings[role].clone(),
                inclusion: tree::inclusion_proof_of(hashes, 6 + number)
                    .map(|path| Inclusion { position: 6 + number, path }),
                recorded: serde_json::json!({"source": "exchange"}),
            }],
        };
        let outgoing = Outgoing {
            bytes: message,
            separator: b"From a@b.example Tue Nov 14 22:13:20 2023",
            recipients: &["blind@b.example".to_owned()],
        };
        let number = writer.message(&outgoing, about(1)).unwrap();
        writer
            .attachment(ATTACHMENT, (number, 1), ("../plan.pdf", "application/pdf"), about(2))
            .unwrap();
    }
    let finished = writer.finish(&closing(format, &checkpoint), &signer()).unwrap();
    let bytes = std::fs::read(path).unwrap();
    assert_eq!((finished.size, finished.sha256), (bytes.len() as u64, Digest::of(&bytes)));
}

fn closing(format: Format, checkpoint: &str) -> Closing<'_> {
    Closing {
        head: Head {
            format: FORMAT.into(),
            version: format.version(),
            origin: ORIGIN.into(),
            archive_id: ArchiveId([1; 16]),
            made_at: "2026-01-01T00:00:00Z".into(),
        },
        account: b"{\"asked_by\":\"alice\"}",
        checkpoint: Some(checkpoint),
        stamped: None,
        readme: "Check it with muniment verify-export.\n",
    }
}

struct Case {
    directory: tempfile::TempDir,
}

impl Case {
    fn new(format: Format) -> Self {
        let case = Self { directory: tempfile::tempdir().unwrap() };
        write(&case.zip(), format, false);
        let file = std::fs::File::open(case.zip()).unwrap();
        zip::ZipArchive::new(file).unwrap().extract(case.unpacked()).unwrap();
        case
    }

    fn zip(&self) -> PathBuf {
        self.directory.path().join("bundle.zip")
    }

    fn unpacked(&self) -> PathBuf {
        self.directory.path().join("bundle")
    }

    fn names(&self) -> Vec<String> {
        let file = std::fs::File::open(self.zip()).unwrap();
        let zip = zip::ZipArchive::new(file).unwrap();
        zip.file_names().map(|name| name.unwrap().into_owned()).collect()
    }

    fn check(&self) -> Report {
        verify(&self.unpacked(), signer().verifier()).unwrap()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.unpacked().join(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.unpacked().join(name), bytes).unwrap();
    }

    /// Changes the manifest as someone with the log's key could.
    fn resign(&self, change: impl FnOnce(&mut Value)) {
        let mut manifest: Value = serde_json::from_slice(&self.read(MANIFEST)).unwrap();
        change(&mut manifest);
        let bytes = ordered(&manifest);
        let seal = Seal { size: bytes.len() as u64, sha256: Digest::of(&bytes) };
        self.write(MANIFEST, &bytes);
        self.write(MANIFEST_NOTE, note::sign(&seal.text(), &[&signer()]).unwrap().as_bytes());
    }
}

/// The manifest's three parts in their order.
fn ordered(manifest: &Value) -> Vec<u8> {
    let part = |name: &str| manifest[name].to_string();
    let (head, items, files) = (part("head"), part("items"), part("files"));
    format!("{{\"head\":{head},\"items\":{items},\"files\":{files}}}").into_bytes()
}

fn assert_names(report: &Report, file: &str, kind: Kind) {
    assert_eq!(report.exit_code(), EXIT_BAD);
    let named = report.findings.iter().any(|found| found.file == file && found.kind == kind);
    assert!(named, "{file} {kind:?} is not in {:#?}", report.findings);
}

#[test]
fn a_sound_bundle_holds_zipped_and_unpacked() {
    for format in formats() {
        let case = Case::new(format);
        for path in [case.zip(), case.unpacked()] {
            let report = verify(&path, signer().verifier()).unwrap();
            assert_eq!(report.findings, []);
            assert_eq!((report.messages, report.attachments, report.proofs), (3, 3, 6));
            assert_eq!((report.exit_code(), report.log_size), (EXIT_GOOD, Some(9)));
            let is_converted = matches!(format, Format::Pst(Pst { with_eml: false, .. }));
            assert_eq!(report.converted, if is_converted { 3 } else { 0 });
            let text = report.to_string();
            assert_eq!(text.contains("3 messages are here as conversions"), is_converted, "{text}");
        }
    }
    let case = Case::new(Format::Eml);
    assert_eq!(case.read("messages/000002.eml"), MESSAGES[1]);
    assert_eq!(case.read("attachments/000001/01-_plan.pdf"), ATTACHMENT);
}

/// Bundles of every version stay checkable for ever.
#[test]
fn golden_bundles() {
    let names =
        ["bundle-1-eml.zip", "bundle-1-mbox.zip", "bundle-2-pst.zip", "bundle-2-pst-eml.zip"];
    for name in names {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/export");
        let report = verify(&fixtures.join(name), signer().verifier()).unwrap();
        assert_eq!(report.findings, [], "{name}");
        assert_eq!((report.exit_code(), report.messages, report.proofs), (EXIT_GOOD, 3, 6));
    }
}

#[test]
fn a_changed_byte_in_any_file_is_named() {
    for format in formats() {
        let case = Case::new(format);
        for name in case.names() {
            let good = case.read(&name);
            let step = (good.len() / 40).max(1);
            for at in (0..good.len()).step_by(step) {
                let mut bad = good.clone();
                bad[at] ^= 1;
                case.write(&name, &bad);
                let report = case.check();
                assert_eq!(report.exit_code(), EXIT_BAD, "{name} at {at}");
                // The first finding names it; for notes the kind depends on
                // which part of them was hit.
                assert_eq!(report.findings[0].file, name, "byte {at}: {:?}", report.findings);
            }
            for bad in [&good[..good.len() - 1], &[good.as_slice(), b"x"].concat()] {
                case.write(&name, bad);
                let report = case.check();
                assert!(report.findings.iter().any(|found| found.file == name), "{name}");
            }
            case.write(&name, &good);
        }
        assert_eq!(case.check().findings, []);
    }
}

/// Who holds the key can list other bytes, but not prove them.
#[test]
fn a_conversion_is_bound_to_what_was_delivered() {
    for (file, kind, change) in [
        (PST, Kind::Proof, "/items/0/sha256"),
        ("elsewhere.pst", Kind::Format, "/items/0/converted/path"),
    ] {
        let case = Case::new(Format::Pst(Pst::default()));
        let value = if kind == Kind::Proof { hex::encode([1; 32]) } else { file.to_owned() };
        case.resign(|manifest| *manifest.pointer_mut(change).unwrap() = value.into());
        assert_names(&case.check(), file, kind);
    }
}

#[test]
fn pst_files_enter_the_bundle_as_they_become_whole() {
    let case = Case::new(Format::Pst(Pst { file_bytes_max: 1, ..Pst::default() }));
    let manifest: Value = serde_json::from_slice(&case.read(MANIFEST)).unwrap();
    for (number, name) in ["", "-2", "-3"].iter().enumerate() {
        let name = format!("pst/For the court{name}.pst");
        let converted = &manifest["items"][2 * number]["converted"];
        assert_eq!(converted, &serde_json::json!({"path": name, "folder": "For the court"}));
        let report = crate::pst::check::check(Cursor::new(case.read(&name))).unwrap();
        assert_eq!((report.findings.len(), report.messages), (0, 1));
    }
    let left = std::fs::read_dir(case.directory.path()).unwrap().count();
    assert_eq!(left, 2, "the zip and what was unpacked of it");
}

#[test]
fn what_a_pst_cannot_carry_is_listed() {
    let case = Case::new(Format::Pst(Pst::default()));
    let exceptions: Value = serde_json::from_slice(&case.read(EXCEPTIONS)).unwrap();
    let exceptions = exceptions.as_array().unwrap();
    assert!(!exceptions.is_empty());
    for exception in exceptions {
        assert_eq!(exception["subject"], "three");
        assert_eq!(exception["sha256"], Digest::of(MESSAGES[2]).to_string());
        assert!(exception["reason"].as_str().unwrap().starts_with("in the PST: "), "{exception}");
    }
    let all = format!("{exceptions:?}");
    assert!(all.contains("NUL") && all.contains("U+FFFD"), "{all}");
}

#[test]
fn exceptions_are_a_list_without_an_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bundle.zip");
    let mut writer = BundleWriter::create(&path, Format::Eml, "x").unwrap();
    for number in 0..3 {
        let reason = format!("number {number}");
        writer.except(&Exception { reason, ..Exception::default() }).unwrap();
    }
    assert_eq!(writer.exceptions(), 3);
    writer.finish(&closing(Format::Eml, "note"), &signer()).unwrap();
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    zip.by_name(EXCEPTIONS).unwrap().read_to_string(&mut text).unwrap();
    let list: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!((list.len(), &list[2]["reason"]), (3, &Value::from("number 2")));
}

#[test]
fn a_changed_message_in_an_mbox_is_told_by_its_number() {
    let case = Case::new(Format::Mbox);
    let mut mbox = case.read(MBOX);
    let at = mbox.windows(3).position(|window| window == b"two").unwrap();
    mbox[at] = b'T';
    case.write(MBOX, &mbox);
    let text = case.check().to_string();
    assert!(text.contains("messages.mbox: message 2 in it"), "{text}");
    assert!(!text.contains("message 1 in it") && !text.contains("message 3 in it"), "{text}");
}

#[test]
fn missing_and_added_files_are_named() {
    for format in formats() {
        let case = Case::new(format);
        for name in case.names() {
            let good = case.read(&name);
            std::fs::remove_file(case.unpacked().join(&name)).unwrap();
            assert_names(&case.check(), &name, Kind::Missing);
            case.write(&name, &good);
        }
        case.write(".DS_Store", b"");
        assert_names(&case.check(), ".DS_Store", Kind::Added);
        std::os::unix::fs::symlink("/etc/passwd", case.unpacked().join("link")).unwrap();
        assert_names(&case.check(), "link", Kind::Added);
        std::fs::create_dir_all(case.unpacked().join("more/of/it")).unwrap();
        assert_names(&case.check(), "more/of/it/", Kind::Added);
    }
}

#[test]
fn the_files_that_all_hangs_on_are_named_whatever_else_is_wrong() {
    let mut report = Report::default();
    for at in 0..2000 {
        report.find(&format!("messages/{at:06}.eml"), Kind::Proof, "no");
    }
    report.find("README.txt", Kind::Changed, "other bytes");
    report.find("checkpoint", Kind::Missing, "gone");
    let first: Vec<_> = report.findings.iter().take(3).map(|it| it.file.as_str()).collect();
    assert_eq!(first, ["README.txt", "checkpoint", "messages/000000.eml"]);
    assert_eq!((report.findings.len(), report.findings_more), (1002, 1000));
}

#[test]
fn another_key_is_refused_by_name() {
    let case = Case::new(Format::Eml);
    let stranger = Signer::from_seed(ORIGIN, &[8; 32]).unwrap();
    let report = verify(&case.zip(), stranger.verifier()).unwrap();
    assert_names(&report, MANIFEST_NOTE, Kind::Key);
    assert!(report.to_string().contains("not by the expected key"), "{report}");
    assert_eq!(report.messages, 0, "nothing unsigned was believed");
    let elsewhere = Signer::from_seed("elsewhere.example", &[7; 32]).unwrap();
    let report = verify(&case.zip(), elsewhere.verifier()).unwrap();
    assert_names(&report, MANIFEST_NOTE, Kind::Key);
}

/// Even who holds the log's key cannot make the bundle say something else of
/// an item: the log proves otherwise.
#[test]
fn a_manifest_signed_anew_does_not_prove() {
    let item = "messages/000001.eml";
    let hex = |byte: u8| hex::encode([byte; 32]);
    let set = |pointer: &'static str, value: Value| {
        move |manifest: &mut Value| *manifest.pointer_mut(pointer).unwrap() = value
    };
    type Change = Box<dyn FnOnce(&mut Value)>;
    let cases: Vec<(&str, Kind, Change)> = vec![
        (item, Kind::Changed, Box::new(set("/items/0/sha256", hex(1).into()))),
        (item, Kind::Proof, Box::new(set("/items/0/sha256", hex(1).into()))),
        (item, Kind::Changed, Box::new(set("/items/0/size", 1.into()))),
        (item, Kind::Proof, Box::new(set("/items/0/size", 1.into()))),
        (item, Kind::Proof, Box::new(set("/items/0/role", "attachment".into()))),
        (item, Kind::Proof, Box::new(set("/items/0/role", "delivery".into()))),
        (item, Kind::Proof, Box::new(set("/items/0/proofs", Value::Array(vec![])))),
        (
            item,
            Kind::Proof,
            Box::new(set(
                "/items/0/proofs/0/record_id",
                "00".repeat(16).replace("00", "0f").into(),
            )),
        ),
        (item, Kind::Proof, Box::new(set("/items/0/proofs/0/leaf", "0101".into()))),
        (item, Kind::Proof, Box::new(set("/items/0/proofs/0/leaf", "x".into()))),
        (
            item,
            Kind::Proof,
            Box::new(set("/items/0/proofs/0/leaf", hex::encode(opened(1).0.encode()).into())),
        ),
        (item, Kind::Proof, Box::new(set("/items/0/proofs/0/opening/index", 2.into()))),
        (item, Kind::Proof, Box::new(set("/items/0/proofs/0/opening/count", 4.into()))),
        (item, Kind::Proof, Box::new(set("/items/0/proofs/0/opening/role", 0.into()))),
        (item, Kind::Proof, Box::new(set("/items/0/proofs/0/opening/salt", hex(2).into()))),
        (item, Kind::Proof, Box::new(set("/items/0/proofs/0/opening/path/0", hex(2).into()))),
        (item, Kind::Proof, Box::new(set("/items/0/proofs/0/inclusion/position", 7.into()))),
        (item, Kind::Proof, Box::new(set("/items/0/proofs/0/inclusion/path/0", hex(2).into()))),
        (
            "messages/000009.eml",
            Kind::Missing,
            Box::new(set("/items/0/path", "messages/000009.eml".into())),
        ),
        (item, Kind::Added, Box::new(set("/items/0/path", "messages/000009.eml".into()))),
        (
            "messages/000003.eml",
            Kind::Format,
            Box::new(set("/items/0/path", "messages/000003.eml".into())),
        ),
        (MANIFEST, Kind::Key, Box::new(set("/head/origin", "elsewhere".into()))),
        (MANIFEST, Kind::Format, Box::new(set("/head/version", 3.into()))),
        (MANIFEST, Kind::Format, Box::new(set("/items/0/path", Value::Null))),
        (
            MANIFEST,
            Kind::Format,
            Box::new(|manifest| {
                let converted = serde_json::json!({"path": "README.txt", "folder": "x"});
                manifest["items"][0]["converted"] = converted;
            }),
        ),
        (MANIFEST, Kind::Format, Box::new(set("/head/format", "other".into()))),
        (MANIFEST, Kind::Format, Box::new(set("/items/0/proofs/0/opening", Value::Null))),
        (MANIFEST, Kind::Format, Box::new(|manifest| manifest["items"][0]["extra"] = 1.into())),
        (
            CHECKPOINT,
            Kind::Added,
            Box::new(|manifest| {
                let files = manifest["files"].as_array_mut().unwrap();
                files.retain(|file| file["path"] != CHECKPOINT);
            }),
        ),
        (
            MBOX,
            Kind::Format,
            Box::new(|manifest| {
                manifest["items"][0]["path"] = MBOX.into();
                manifest["items"][0]["span"] = serde_json::json!({"offset": 0, "length": 1});
            }),
        ),
    ];
    for (number, (file, kind, change)) in cases.into_iter().enumerate() {
        let case = Case::new(Format::Eml);
        case.resign(change);
        let report = case.check();
        let named = report.findings.iter().any(|f| f.file == file && f.kind == kind);
        assert!(named, "case {number}: {file} {kind:?} is not in {:#?}", report.findings);
        assert_eq!(report.exit_code(), EXIT_BAD);
    }
}

#[test]
fn a_checkpoint_of_another_size_or_key_does_not_prove() {
    let case = Case::new(Format::Eml);
    let root = tree::hash_leaf(b"other");
    for (key, kind) in [(7, Kind::Proof), (8, Kind::Key)] {
        let signer = Signer::from_seed(ORIGIN, &[key; 32]).unwrap();
        let note = Checkpoint { origin: ORIGIN.into(), size: 9, root }.sign(&signer).unwrap();
        case.write(CHECKPOINT, note.as_bytes());
        case.resign(|manifest| {
            let files = manifest["files"].as_array_mut().unwrap();
            let file = files.iter_mut().find(|file| file["path"] == CHECKPOINT).unwrap();
            file["size"] = note.len().into();
            file["sha256"] = Digest::of(note.as_bytes()).to_string().into();
        });
        let file = if kind == Kind::Key { CHECKPOINT } else { "messages/000001.eml" };
        assert_names(&case.check(), file, kind);
    }
}

#[test]
fn a_key_file_that_misleads_is_named() {
    let case = Case::new(Format::Eml);
    let other = Signer::from_seed(ORIGIN, &[8; 32]).unwrap().verifier().to_string();
    case.write(KEY, other.as_bytes());
    case.resign(|manifest| {
        let files = manifest["files"].as_array_mut().unwrap();
        let file = files.iter_mut().find(|file| file["path"] == KEY).unwrap();
        file["size"] = other.len().into();
        file["sha256"] = Digest::of(other.as_bytes()).to_string().into();
    });
    assert_names(&case.check(), KEY, Kind::Key);
}

#[test]
fn what_was_not_published_is_said_to_be_unproven() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bundle.zip");
    write(&path, Format::Eml, true);
    let report = verify(&path, signer().verifier()).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!((report.proofs, report.unproven), (4, 2));
    assert_eq!(report.exit_code(), EXIT_UNPROVEN);
}

#[test]
fn one_message_or_attachment_alone_is_proved() {
    for format in formats() {
        let case = Case::new(format);
        let loose = case.directory.path().join("loose");
        let check = |bytes: &[u8]| {
            std::fs::write(&loose, bytes).unwrap();
            verify_file(&case.zip(), signer().verifier(), &loose).unwrap()
        };
        let report = check(MESSAGES[1]);
        assert_eq!((report.exit_code(), report.matches.len()), (EXIT_GOOD, 1));
        assert!(report.matches[0].is_proven);
        assert_eq!(report.matches[0].records, [RecordId([1; 16])]);
        assert_eq!(check(ATTACHMENT).matches.len(), 3);
        let report = check(&MESSAGES[1][..10]);
        assert_names(&report, &loose.display().to_string(), Kind::Changed);
    }
}

fn check_bytes(case: &Case, bytes: &[u8]) -> Report {
    let path = case.directory.path().join("changed.zip");
    std::fs::write(&path, bytes).unwrap();
    verify(&path, signer().verifier()).unwrap()
}

#[test]
fn a_changed_byte_of_the_zip_itself_never_panics_nor_hides_a_change() {
    let case = Case::new(Format::Eml);
    let good = std::fs::read(case.zip()).unwrap();
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[at] ^= 0x21;
        // Where it still holds, only what is no content was hit, as a time.
        let report = check_bytes(&case, &bad);
        if report.exit_code() == EXIT_GOOD {
            assert_eq!((report.messages, report.attachments, report.proofs), (3, 3, 6));
        }
    }
    for end in (0..good.len()).step_by(37) {
        assert_eq!(check_bytes(&case, &good[..end]).exit_code(), EXIT_BAD, "cut at {end}");
    }
}

#[test]
fn bytes_around_the_zip_and_hostile_names_are_refused() {
    let case = Case::new(Format::Eml);
    let good = std::fs::read(case.zip()).unwrap();
    let other = [0; 30];
    let behind = [&good[..], &other].concat();
    let before = [b"MZ", &good[..]].concat();
    // A second zip behind the first, whose end one reader takes for the end and
    // another passes over; the same with what the end record says of disks.
    let mut second = [&good[..], &good[..]].concat();
    let comment = second.len() - 2;
    second[comment] = 1;
    let mut disk = good.clone();
    let end = disk.len() - 22;
    disk[end + 4] = 1;
    let mut count = good.clone();
    count[end + 8] += 1;
    count[end + 10] += 1;
    let directory = u32::from_le_bytes(good[end + 16..end + 20].try_into().unwrap()) as usize;
    // Bytes between the last file and the directory.
    let mut between = [&good[..directory], b"junk", &good[directory..]].concat();
    let end = between.len() - 22;
    between[end + 16..end + 20].copy_from_slice(&(directory as u32 + 4).to_le_bytes());
    for bad in [behind, before, second, disk, count, between] {
        assert_names(&check_bytes(&case, &bad), "changed.zip", Kind::Format);
    }
    for name in ["../evil", "/etc/evil", "a//b", "a\\b", "messages/../x"] {
        let mut zip = zip::ZipWriter::new_append(Cursor::new(good.clone())).unwrap();
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(name, options).unwrap();
        zip.write_all(b"x").unwrap();
        let report = check_bytes(&case, &zip.finish().unwrap().into_inner());
        assert_names(&report, name, Kind::Added);
    }
}

/// A file that unpacks to far more than is listed is read no further.
#[test]
fn a_bomb_is_read_no_further_than_the_manifest_says() {
    let case = Case::new(Format::Eml);
    let mut from = zip::ZipArchive::new(std::fs::File::open(case.zip()).unwrap()).unwrap();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..from.len() {
        let mut entry = from.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        zip.write_all(&bytes).unwrap();
        if name == "messages/000001.eml" || name == MANIFEST {
            let zeros = vec![0; 1 << 20];
            for _ in 0..64 {
                zip.write_all(&zeros).unwrap();
            }
        }
    }
    let report = check_bytes(&case, &zip.finish().unwrap().into_inner());
    assert_names(&report, MANIFEST, Kind::Changed);
}

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

mod conversions;
mod hostile;
mod proofs;

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

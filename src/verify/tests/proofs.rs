//! Other keys, other checkpoints, and items that the log does not have so.

use super::*;

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

//! What was converted, bound to what was delivered.

use super::*;

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

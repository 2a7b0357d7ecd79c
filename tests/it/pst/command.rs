//! The checker as a command, for whoever is handed a file.

use std::path::Path;
use std::process::{Command, Output};

use muniment::pst::model::Message;
use muniment::pst::{Options, Writer};
use serde_json::Value;

use crate::support::binary;

fn check_pst(file: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(binary()).arg("check-pst").arg(file).args(more).output();
    let Output { status, stdout, stderr } = output.unwrap();
    (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[test]
fn check_pst_names_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.pst");
    let sink = std::fs::File::create(&file).unwrap();
    let mut writer = Writer::create(sink, Options::new("A", directory.path())).unwrap();
    let folder = writer.folder(&["F"]);
    writer.add(folder, Message::default()).unwrap();
    writer.finish(|_| Ok(())).unwrap();
    let (code, said) = check_pst(&file, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" 1 messages") && said.contains("all is as MS-PST has it"), "{said}");

    let mut bytes = std::fs::read(&file).unwrap();
    bytes[0x4400 + 500] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let (code, said) = check_pst(&file, &[]);
    assert_eq!(code, Some(1), "{said}");
    let named = "page at 0x4400: MapChecksum (2.2.2.7.1: a map's checksum)";
    assert!(said.contains(named), "{said}");
    let (code, said) = check_pst(&file, &["--json"]);
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &report["findings"][0]["rule"]), (Some(1), &Value::from("MapChecksum")));

    let (code, said) = check_pst(&directory.path().join("none.pst"), &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("none.pst: No such file"), "{said}");
}

//! npm's `pst-extractor`, through a small script that prints what it sees.

use std::path::Path;
use std::process::Command;

use super::fields::{Mail, Seen};
use super::has;

/// None where it is not installed (`npm ci` in `tests/tools/pst-extractor`).
pub fn read(file: &Path) -> Option<Seen> {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/pst-extractor");
    if !has("node") {
        return None;
    }
    if !tool.join("node_modules").exists() {
        eprintln!("SKIPPED: {} has no node_modules: run npm ci there", tool.display());
        return None;
    }
    let output = Command::new("node").arg(tool.join("read.js")).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut seen = Seen::new();
    // Those within a message come before it.
    let mut nested: Vec<Mail> = Vec::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let (folder, mut mail): (Option<String>, Mail) = serde_json::from_slice(line).unwrap();
        for one in mail.attachments.iter_mut().rev().filter_map(|one| one.nested.as_deref_mut()) {
            *one = nested.pop().unwrap();
        }
        match folder {
            Some(folder) => seen.entry(folder).or_default().push(mail),
            None => nested.push(mail),
        }
    }
    Some(seen)
}

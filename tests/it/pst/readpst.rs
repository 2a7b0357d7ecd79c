//! libpst's `readpst`: RFC 5322 files, which our own mapping reads back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use muniment::pst::mime;

use super::fields::{Mail, Seen};
use super::has;

pub fn read(file: &Path) -> Option<Seen> {
    if !has("readpst") {
        return None;
    }
    let target = file.with_extension("readpst");
    fs::create_dir(&target).unwrap();
    let mut command = Command::new("readpst");
    command.args(["-q", "-D", "-e", "-8", "-j0", "-o"]).arg(&target).arg(file);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let mut seen = Seen::new();
    // The file's own name is the only folder above.
    let top = fs::read_dir(&target).unwrap().next().unwrap().unwrap().path();
    for folder in fs::read_dir(top).unwrap().map(Result::unwrap) {
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort_by_key(|path| {
            path.file_stem().and_then(|name| name.to_str()?.parse::<u32>().ok())
        });
        let mails: Vec<Mail> =
            files.iter().map(|path| Mail::of(&mime::message(&without_separators(path)))).collect();
        if !mails.is_empty() {
            seen.insert(folder.file_name().into_string().unwrap(), mails);
        }
    }
    Some(seen)
}

/// It begins each embedded message with an mbox separator.
fn without_separators(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines.filter(|line| !line.starts_with(b">From \"")).flatten().copied().collect()
}

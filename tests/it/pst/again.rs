//! Mail with attachments out of a PST that Outlook wrote, written again by us.

use std::process::Command;

use muniment::pst::mime;
use muniment::pst::model::Content;

use super::{assert_sound, has, round_trip, samples};
use crate::support::corpus;

/// `outlook-pst` reads no message of this file, so `readpst` takes them out.
#[test]
fn attachments_out_of_an_enron_pst_come_out_of_every_reader() {
    let Some(source) = corpus("attachments/pst-extractor/enron-mlokay-nonpriv.pst") else { return };
    if !has("readpst") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let taken = directory.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    let mut command = Command::new("readpst");
    command.args(["-q", "-D", "-e", "-8", "-j0", "-o"]).arg(&taken).arg(&source);
    assert!(command.status().unwrap().success());
    let mut paths = Vec::new();
    samples::walk(&taken, &mut paths);
    paths.sort();
    let (mut mail, mut bytes) = (Vec::new(), 0);
    for path in paths {
        let raw = std::fs::read(&path).unwrap();
        let sizes: Vec<u64> =
            mime::message(&raw).attachments.iter().map(|one| size(&one.content)).collect();
        bytes += sizes.iter().sum::<u64>();
        if !sizes.is_empty() {
            let folder = path.parent().unwrap().file_name().unwrap();
            mail.push((vec![folder.to_string_lossy().into_owned()], raw));
        }
    }
    eprintln!("{} messages with attachments of {bytes} bytes", mail.len());
    assert!(mail.len() > 20 && bytes > 5_000_000, "{} messages, {bytes} bytes", mail.len());
    let file = directory.path().join("again.pst");
    let written = samples::write(&mail, &file);
    assert_sound(&file);
    round_trip::compare_all(&file, &written);
}

fn size(content: &Content<'_>) -> u64 {
    match content {
        Content::Bytes(bytes) => bytes.len() as u64,
        Content::Stream { size, .. } => *size,
        Content::Message(message) => message.bytes(),
    }
}

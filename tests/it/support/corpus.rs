//! Real mail from the corpus beside the project, where there is one.

use std::path::{Path, PathBuf};

/// The content of every file under `part`, in the order of their paths. Packed
/// mailboxes are left out; without a corpus there is nothing, said loudly.
pub fn messages(part: &str) -> Vec<Vec<u8>> {
    let Some(root) = super::corpus(part) else { return Vec::new() };
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// The messages of one mailbox, packed or not; without it none, said loudly.
pub fn mailbox(part: &str) -> Vec<Vec<u8>> {
    let Some(path) = super::corpus(part) else { return Vec::new() };
    let packed = std::fs::read(path).unwrap();
    let content = match part.strip_suffix(".zst") {
        Some(_) => zstd::decode_all(&packed[..]).unwrap(),
        None => packed,
    };
    let messages = muniment::mail::mbox::Reader::new(&content[..]);
    messages.map(|message| message.unwrap().bytes).collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_none_or(|extension| extension != "zst") {
            files.push(path);
        }
    }
}

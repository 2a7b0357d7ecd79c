//! Real mail of the corpus, as messages in folders.

use std::path::{Path, PathBuf};

use muniment::pst::model::Message;
use muniment::pst::{Options, Writer, mime};

use super::fields::{Mail, Seen};
use super::is_long;
use crate::support::corpus;

/// Each message of the named parts of the corpus with its folder; in a short run
/// some of them.
pub fn mail(parts: &[&str]) -> Vec<(Vec<String>, Vec<u8>)> {
    let mut mail = Vec::new();
    for part in parts {
        let Some(root) = corpus(part) else { continue };
        let mut files = Vec::new();
        walk(&root, &mut files);
        files.sort();
        for file in files {
            let relative = file.strip_prefix(&root).unwrap();
            let mut folder = vec![(*part).to_owned()];
            let parents = relative.parent().into_iter().flat_map(Path::iter);
            folder.extend(parents.map(|name| name.to_string_lossy().into_owned()));
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let mut bytes = std::fs::read(&file).unwrap();
            if name.ends_with(".zst") {
                bytes = zstd::decode_all(&bytes[..]).unwrap();
            }
            if !name.contains(".mbox") {
                mail.push((folder, bytes));
                continue;
            }
            folder.push(name);
            mail.extend(messages(&bytes).into_iter().map(|bytes| (folder.clone(), bytes)));
        }
    }
    if is_long() {
        return mail;
    }
    // A seventh of the hard cases and a seventieth of the bulk.
    let each = |folder: &[String]| if folder[0].starts_with("bulk") { 71 } else { 7 };
    mail.into_iter()
        .enumerate()
        .filter(|(at, one)| at % each(&one.0) == 0)
        .map(|(_, one)| one)
        .collect()
}

/// Writes all of it; what it should look like.
pub fn write(mail: &[(Vec<String>, Vec<u8>)], file: &Path) -> Seen {
    let mapped = mail.iter().map(|(folder, bytes)| (folder.join("/"), mime::message(bytes)));
    write_messages(mapped, file)
}

/// Each message into one folder, called as its whole path.
pub fn write_messages<'m>(
    mail: impl IntoIterator<Item = (String, Message<'m>)>,
    file: &Path,
) -> Seen {
    let directory = file.parent().unwrap();
    let options = Options::new("Round trip", directory);
    let mut writer = Writer::create(std::fs::File::create(file).unwrap(), options).unwrap();
    let mut written = Seen::new();
    for (folder, message) in mail {
        let folder = folder.replace('/', "_");
        written.entry(folder.clone()).or_default().push(Mail::of(&message));
        let id = writer.folder(&[folder]);
        writer.add(id, message).unwrap();
    }
    writer.finish(|file| file.sync_all()).unwrap();
    written
}

fn messages(mbox: &[u8]) -> Vec<Vec<u8>> {
    let mut out: Vec<Vec<u8>> = Vec::new();
    let mut after_empty = true;
    for line in mbox.split_inclusive(|byte| *byte == b'\n') {
        if after_empty && line.starts_with(b"From ") {
            out.push(Vec::new());
        } else if let Some(last) = out.last_mut() {
            last.extend_from_slice(line);
        }
        after_empty = line.trim_ascii().is_empty();
    }
    out
}

pub fn walk(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            walk(&entry.unwrap().path(), files);
        }
    } else {
        files.push(path.to_owned());
    }
}

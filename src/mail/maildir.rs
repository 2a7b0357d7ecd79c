//! Maildirs: one file for each message, below `cur` and `new`.

use std::io;
use std::path::{Path, PathBuf};

/// Whether `directory` is laid out as a Maildir.
pub fn is_maildir(directory: &Path) -> bool {
    directory.join("cur").is_dir() && directory.join("new").is_dir()
}

/// The messages' files of a Maildir and of the folders in it (`.Name`), in a
/// stable order. Files in `tmp` are deliveries in progress and no messages.
pub fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut maildirs = vec![directory.to_owned()];
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let is_folder = path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
        if is_folder && is_maildir(&path) {
            maildirs.push(path);
        }
    }
    for maildir in maildirs {
        for part in ["cur", "new"] {
            for entry in std::fs::read_dir(maildir.join(part))? {
                let entry = entry?;
                let is_hidden = entry.file_name().as_encoded_bytes()[0] == b'.';
                if entry.file_type()?.is_file() && !is_hidden {
                    files.push(entry.path());
                }
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_read_and_unfinished_files_are_not() {
        let dir = tempfile::tempdir().unwrap();
        for sub in ["cur", "new", "tmp", ".Sent/cur", ".Sent/new", "other"] {
            std::fs::create_dir_all(dir.path().join(sub)).unwrap();
        }
        for file in ["cur/1:2,S", "new/2", "tmp/3", ".Sent/cur/4", "other/5", "cur/.hidden"] {
            std::fs::write(dir.path().join(file), "x").unwrap();
        }
        assert!(is_maildir(dir.path()));
        let files = files(dir.path()).unwrap();
        let names: Vec<_> = files.iter().map(|f| f.strip_prefix(dir.path()).unwrap()).collect();
        assert_eq!(names, [".Sent/cur/4", "cur/1:2,S", "new/2"].map(Path::new));
    }
}

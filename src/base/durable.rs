//! Files that survive a power cut: write, fsync, rename, fsync the directory.
//!
//! For the few files outside the bucket (keys, configuration); vault objects go
//! through `vault::bucket`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Creates `path` with exactly `bytes`, mode `mode`; fails if it exists.
///
/// A crash leaves either no file of that name or the whole one.
pub fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let directory = parent(path);
    let mut staged = path.as_os_str().to_owned();
    staged.push(format!(".{}.tmp", std::process::id()));
    let staged = Path::new(&staged);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(staged)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // A hard link, unlike a rename, refuses to replace an existing file.
        fs::hard_link(staged, path)
    })();
    let _ = fs::remove_file(staged);
    written?;
    sync_directory(directory)
}

/// Gives a file another name in the same directory, durably.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_directory(parent(to))
}

/// Makes the names in `directory` durable.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        create(&path, b"first", 0o600).unwrap();
        let error = create(&path, b"second", 0o600).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}

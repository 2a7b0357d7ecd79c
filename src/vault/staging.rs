//! What a killed writer leaves in a local bucket: `object_store` writes each
//! file as `NAME#N` and then gives it its name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Removes the staging files below `root`, and nothing else; how many there were.
/// Nobody may be writing. Fails with the directory in which nothing can be
/// written, if there is one: deliveries would fail there later.
pub(super) fn sweep(root: &Path) -> Result<u64, (PathBuf, io::Error)> {
    let mut removed = 0;
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let failed = |error| (directory.clone(), error);
        let writing = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        rustix::fs::access(&directory, writing).map_err(|error| failed(error.into()))?;
        for entry in fs::read_dir(&directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // Of a link, that of the link: what it points to is not the bucket's.
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                directories.push(entry.path());
            } else if kind.is_file() && entry.file_name().to_str().is_some_and(is_staging) {
                fs::remove_file(entry.path()).map_err(failed)?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// No object has such a name: the library refuses it.
fn is_staging(name: &str) -> bool {
    name.split_once('#').is_some_and(|(base, number)| {
        !base.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_staging_files_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("seg/standard");
        fs::create_dir_all(below.join("directory#1")).unwrap();
        let kept = ["a.seg", "a.seg#", "a.seg#1x", "a#b#1", "#1", "a#1.seg", "directory#1/a.page"];
        for name in kept.iter().chain(&["a.seg#1", "a.page#27"]) {
            fs::write(below.join(name), name).unwrap();
        }
        fs::write(root.path().join("outside"), "").unwrap();
        std::os::unix::fs::symlink(root.path().join("outside"), below.join("link#1")).unwrap();
        assert_eq!(sweep(root.path()).unwrap(), 2);
        assert!(kept.iter().all(|name| below.join(name).exists()));
        assert!(!below.join("a.seg#1").exists() && !below.join("a.page#27").exists());
        assert!(below.join("link#1").exists());
        assert_eq!(sweep(root.path()).unwrap(), 0);
    }
}

//! Emptying an index's directory, and nothing else: a configuration that points
//! at another directory must not cost what lies there.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::IndexError;

/// Names that the engine gives its files beside `<segment>.<kind>`.
const NAMES: [&str; 5] =
    ["version", "meta.json", ".managed.json", ".tantivy-writer.lock", ".tantivy-meta.lock"];

fn is_of_an_index(name: &str) -> bool {
    // A segment's file: 32 hex digits, perhaps a dot and an opstamp, a kind.
    let is_segment = name.split_once('.').is_some_and(|(segment, _)| {
        segment.len() == 32 && segment.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    // What an atomic write leaves when it is cut off.
    is_segment || NAMES.contains(&name) || name.starts_with(".tmp")
}

/// Whether there is nothing at `path` yet.
pub fn is_absent(path: &Path) -> bool {
    fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none())
}

/// Removes an index's files; refuses, before touching any, a directory that
/// holds something else.
pub fn clear(path: &Path) -> Result<(), IndexError> {
    let failed = |operation| move |source| IndexError::File { operation, source };
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return fs::create_dir_all(path).map_err(failed("create"));
        }
        entries => entries.map_err(failed("read"))?,
    };
    let entries = entries.collect::<Result<Vec<_>, _>>().map_err(failed("read"))?;
    for entry in &entries {
        let name = entry.file_name();
        let is_file = entry.file_type().map_err(failed("read"))?.is_file();
        if !is_file || !name.to_str().is_some_and(is_of_an_index) {
            return Err(IndexError::NotAnIndex {
                path: path.display().to_string(),
                found: name.to_string_lossy().into_owned(),
            });
        }
    }
    for entry in entries {
        match fs::remove_file(entry.path()) {
            // The engine's last thread may have cleaned up after itself meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed.map_err(failed("remove"))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_holds_something_else_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str| fs::write(directory.path().join(name), "x").expect("write");
        write("meta.json");
        write("0123456789abcdef0123456789abcdef.store");
        write("catalog.db");
        let refused = clear(directory.path()).expect_err("refused").to_string();
        assert!(refused.contains("catalog.db"), "{refused}");
        assert_eq!(fs::read_dir(directory.path()).expect("read").count(), 3);
        fs::remove_file(directory.path().join("catalog.db")).expect("remove");
        clear(directory.path()).expect("cleared");
        assert!(is_absent(directory.path()));
        fs::create_dir(directory.path().join("bucket")).expect("create");
        assert!(clear(directory.path()).is_err());
    }
}

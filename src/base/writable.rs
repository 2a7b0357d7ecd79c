//! Whether files can be made in a directory, found out by making one; and what
//! to tell the operator of one where they cannot.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Creates `directory` if it is absent, and a file in it, which goes away again.
/// A crash in between leaves an empty file that begins with `.tmp`.
pub fn try_directory(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    // Where there is no room, a small file may still be made.
    file.write_all(&[0; 64 << 10])?;
    file.close()
}

/// A directory of the archive that cannot be written.
#[derive(Debug)]
pub struct Unwritable {
    /// As `the spool`.
    pub what: &'static str,
    pub path: PathBuf,
    /// The key that names it, as `[archive] spool`.
    pub setting: &'static str,
    pub error: io::Error,
}

impl Error for Unwritable {}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, path, setting, error } = self;
        let (why, mend) = match error.kind() {
            ErrorKind::PermissionDenied => {
                (denied(path), "give it to the user that muniment runs as (chown -R, chmod u+rwx)")
            }
            ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                ("a file is where a directory should be".into(), "move that file away")
            }
            ErrorKind::NotFound => ("it is not there".into(), "mount it or put it back"),
            ErrorKind::ReadOnlyFilesystem => {
                ("its file system is read-only".into(), "mount it for writing")
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                ("there is no space left".into(), "make room on its disk")
            }
            _ => (error.to_string(), "see to its disk"),
        };
        let path = path.display();
        write!(f, "cannot write to {what} {path}: {why}; {mend}, or correct {setting}")
    }
}

fn denied(path: &Path) -> String {
    let user = rustix::process::geteuid().as_raw();
    // What is not there yet would be made in the nearest that is.
    let nearest = path.ancestors().find_map(|place| Some((place, fs::metadata(place).ok()?)));
    match nearest {
        Some((place, found)) => format!(
            "{} belongs to user {} with mode {:o}, and muniment runs as user {user}",
            if place == path { "it".into() } else { place.display().to_string() },
            found.uid(),
            found.mode() & 0o7777
        ),
        None => format!("user {user}, as whom muniment runs, may not reach it"),
    }
}

/// The operating system's error among the causes of another.
pub fn io_error(error: &(dyn Error + 'static)) -> Option<io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        let found = error.downcast_ref::<io::Error>();
        if let Some(code) = found.and_then(io::Error::raw_os_error) {
            return Some(io::Error::from_raw_os_error(code));
        }
        next = match found.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// The innermost cause of an error; for errors that repeat their causes.
pub fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_made_and_left_empty() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/spool");
        try_directory(&path).unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    }

    #[test]
    fn the_mend_is_that_of_the_error() {
        let said = |code: rustix::io::Errno| {
            let error = io::Error::from_raw_os_error(code.raw_os_error());
            let (what, setting) = ("the spool", "[archive] spool");
            Unwritable { what, path: "/".into(), setting, error }.to_string()
        };
        assert!(said(rustix::io::Errno::ROFS).contains("read-only; mount it for writing"));
        assert!(said(rustix::io::Errno::NOSPC).contains("no space left; make room"));
        assert!(said(rustix::io::Errno::NOTDIR).contains("a file is where"));
        assert!(said(rustix::io::Errno::ACCESS).contains("it belongs to user 0 with mode"));
        assert!(said(rustix::io::Errno::IO).contains("Input/output error"));
    }

    #[test]
    fn the_systems_error_is_found_among_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] io::Error);
        let inner = io::Error::from_raw_os_error(rustix::io::Errno::ROFS.raw_os_error());
        let outer = Outer(io::Error::other(inner));
        assert_eq!(io_error(&outer).unwrap().kind(), ErrorKind::ReadOnlyFilesystem);
        assert!(io_error(&Outer(io::Error::other("no"))).is_none());
    }
}

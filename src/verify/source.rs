//! The files of a bundle, in a zip or a directory. Nothing is ever extracted,
//! no link is followed, and a file is read no further than its caller allows.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::container::{self, Directory};
use super::report::{Kind, Report};
use crate::base::limits::{VERIFY_DEPTH_MAX, VERIFY_FILES_MAX};

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} has more than {VERIFY_FILES_MAX} files")]
    TooMany { path: PathBuf },
}

pub(super) struct Source {
    names: BTreeSet<String>,
    kind: Files,
}

enum Files {
    Zip(Box<ZipArchive<BufReader<File>>>),
    Directory(PathBuf),
}

impl Source {
    /// Opens a bundle. What is wrong with the container goes to `report`;
    /// `None` where nothing in it can be read.
    pub fn open(path: &Path, report: &mut Report) -> Result<Option<Self>, SourceError> {
        let failed = |source| SourceError::Read { path: path.to_owned(), source };
        if std::fs::metadata(path).map_err(failed)?.is_dir() {
            let mut names = BTreeSet::new();
            walk(path, "", 0, &mut names, report)?;
            return Ok(Some(Self { names, kind: Files::Directory(path.to_owned()) }));
        }
        let mut file = File::open(path).map_err(failed)?;
        let container = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let directory = container::directory(&mut file).map_err(failed)?;
        let zip = match ZipArchive::new(BufReader::new(file)) {
            Ok(zip) => zip,
            Err(error) => {
                report.find(&container, Kind::Format, format!("it is not a sound zip: {error}"));
                return Ok(None);
            }
        };
        if zip.len() > VERIFY_FILES_MAX {
            return Err(SourceError::TooMany { path: path.to_owned() });
        }
        Ok(Some(Self::of_zip(zip, directory, &container, report)))
    }

    fn of_zip(
        mut zip: ZipArchive<BufReader<File>>,
        directory: Option<Directory>,
        container: &str,
        report: &mut Report,
    ) -> Self {
        let format = |report: &mut Report, problem: &str| {
            report.find(container, Kind::Format, problem);
        };
        if zip.has_duplicate_names() {
            format(report, "it holds two files of one name");
        }
        let read = Directory { start: zip.central_directory_start(), entries: zip.len() as u64 };
        if directory != Some(read) || !container::is_gapless(&mut zip) {
            format(report, "it holds bytes that belong to none of its files");
        }
        // Other programs may read the local headers and see other files.
        if zip.validate_header_consistency().is_err() {
            format(report, "its headers contradict its directory");
        }
        if zip.has_overlapping_files().unwrap_or(true) {
            format(report, "files in it overlap");
        }
        let mut names = BTreeSet::new();
        for index in 0..zip.len() {
            let Ok(entry) = zip.by_index_raw(index) else {
                format(report, "an entry of its directory cannot be read");
                continue;
            };
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            if entry.is_file() && !entry.encrypted() && is_plain(&name) {
                names.insert(name);
            } else {
                report.find(&name, Kind::Added, "it is no plain file of a bundle");
            }
        }
        Self { names, kind: Files::Zip(Box::new(zip)) }
    }

    pub fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// Hands the file to `with`; `None` where there is none of that name.
    pub fn read<T>(
        &mut self,
        name: &str,
        with: impl FnOnce(&mut dyn Read) -> io::Result<T>,
    ) -> Option<io::Result<T>> {
        if !self.names.contains(name) {
            return None;
        }
        Some(match &mut self.kind {
            Files::Zip(zip) => match zip.by_name(name) {
                Ok(mut file) => with(&mut file),
                Err(error) => Err(io::Error::other(error)),
            },
            Files::Directory(root) => {
                File::open(root.join(name)).and_then(|file| with(&mut BufReader::new(file)))
            }
        })
    }

    /// A small file as a whole.
    pub fn read_small(&mut self, name: &str, bytes_max: usize) -> Option<io::Result<Vec<u8>>> {
        self.read(name, |reader| {
            let mut bytes = Vec::new();
            reader.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
            if bytes.len() > bytes_max {
                return Err(io::Error::other("it is longer than any that is written"));
            }
            Ok(bytes)
        })
    }
}

/// A relative path without tricks.
fn is_plain(name: &str) -> bool {
    !name.contains(['\\', '\0'])
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

fn walk(
    directory: &Path,
    prefix: &str,
    depth: usize,
    names: &mut BTreeSet<String>,
    report: &mut Report,
) -> Result<(), SourceError> {
    let failed = |source| SourceError::Read { path: directory.to_owned(), source };
    let mut is_empty = true;
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        is_empty = false;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        // The entry's own type: links are not followed.
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() && depth < VERIFY_DEPTH_MAX {
            walk(&entry.path(), &format!("{name}/"), depth + 1, names, report)?;
        } else if kind.is_file() {
            if names.len() == VERIFY_FILES_MAX {
                return Err(SourceError::TooMany { path: directory.to_owned() });
            }
            names.insert(name);
        } else {
            report.find(&name, Kind::Added, "it is no plain file of a bundle");
        }
    }
    if is_empty && depth > 0 {
        report.find(prefix, Kind::Added, "it is a directory with nothing in it");
    }
    Ok(())
}

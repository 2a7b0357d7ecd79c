//! Bundles that hold what a disposition destroyed: they leave the directory for work,
//! and can be asked for again, of what is left.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::bundle::discard;
use super::frozen::{self, failed};
use super::{ExportError, bundle_of, directory, list_of};
use crate::base::durable;
use crate::base::ids::{JobId, SetId};

/// The bundles in a directory for work, done or under way, with what is in each.
pub struct Bundles {
    directory: PathBuf,
    /// None where a bundle has no list.
    lists: BTreeMap<JobId, Option<Vec<SetId>>>,
}

impl Bundles {
    pub fn new(work: &Path) -> Self {
        Self { directory: directory(work), lists: BTreeMap::new() }
    }

    /// Removes every bundle with one of these sets in it, and those of which that is
    /// not known. One under way fails then: it can be asked for again. A crash before
    /// the end leaves lists, so that the next call removes the rest.
    pub fn purge(&mut self, sets: &[SetId]) -> Result<Vec<JobId>, ExportError> {
        let mut gone = Vec::new();
        for job in self.found()? {
            let list = list_of(&self.directory, job);
            let known = match self.lists.entry(job) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(frozen::read(&list)?),
            };
            let has = |list: &Vec<SetId>| sets.iter().any(|set| list.binary_search(set).is_ok());
            if !known.as_ref().is_none_or(has) {
                continue;
            }
            let bundle = bundle_of(&self.directory, job);
            remove(&bundle)?;
            discard(&bundle);
            durable::sync_directory(&self.directory)
                .map_err(|source| failed("remove an export from", &self.directory, source))?;
            remove(&list)?;
            self.lists.remove(&job);
            gone.push(job);
        }
        Ok(gone)
    }

    /// The jobs that have a bundle or a list.
    fn found(&self) -> Result<Vec<JobId>, ExportError> {
        let failed = |source| failed("look for exports in", &self.directory, source);
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut jobs = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_string_lossy();
            let job = name.strip_suffix(".zip").or_else(|| name.strip_suffix(".list"));
            jobs.extend(job.and_then(|job| job.parse().ok()).map(JobId));
        }
        jobs.sort_unstable();
        jobs.dedup();
        Ok(jobs)
    }
}

fn remove(path: &Path) -> Result<(), ExportError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bundles_without_destroyed_messages_stay() {
        let work = tempfile::tempdir().unwrap();
        let mut bundles = Bundles::new(work.path());
        assert_eq!(bundles.purge(&[SetId(1)]).unwrap(), []);
        let exports = directory(work.path());
        fs::create_dir(&exports).unwrap();
        for (job, sets) in [(1, vec![1, 2]), (2, vec![3]), (4, vec![2, 9])] {
            let sets = sets.into_iter().map(SetId).collect();
            frozen::write(&list_of(&exports, JobId(job)), sets).unwrap();
            fs::write(bundle_of(&exports, JobId(job)), b"mail").unwrap();
        }
        // From before lists were kept, one that is being written, and a stranger.
        fs::write(bundle_of(&exports, JobId(3)), b"mail").unwrap();
        frozen::write(&list_of(&exports, JobId(5)), vec![SetId(2)]).unwrap();
        fs::write(exports.join("5.zip.part"), b"mail").unwrap();
        fs::write(exports.join("notes.txt"), b"mine").unwrap();
        let gone = bundles.purge(&[SetId(7), SetId(2)]).unwrap();
        assert_eq!(gone, [1, 3, 4, 5].map(JobId));
        let mut left: Vec<_> = fs::read_dir(&exports)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["2.list", "2.zip", "notes.txt"]);
        assert_eq!(bundles.purge(&[SetId(3)]).unwrap(), [JobId(2)]);
    }
}

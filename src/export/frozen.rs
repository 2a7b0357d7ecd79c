//! The list of what a job exports, written down when it starts: whatever
//! changes while it runs, or before it is done again, the list stays.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::ExportError;
use crate::base::durable;
use crate::base::ids::SetId;

/// The list of an earlier try, if there was one.
pub(super) fn read(path: &Path) -> Result<Option<Vec<SetId>>, ExportError> {
    let failed = |source| failed("read the export's list", path, source);
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let sets: Result<Vec<_>, _> = text.lines().map(|line| line.parse().map(SetId)).collect();
    sets.map(Some).map_err(|error| failed(io::Error::other(error)))
}

/// Writes the list; a crash leaves it whole or not at all. In order of the sets'
/// numbers, so that messages that came together are read together.
pub(super) fn write(path: &Path, mut sets: Vec<SetId>) -> Result<Vec<SetId>, ExportError> {
    sets.sort_unstable();
    sets.dedup();
    let text: String = sets.iter().map(|set| format!("{set}\n")).collect();
    durable::create(path, text.as_bytes(), 0o600)
        .map_err(|source| failed("write the export's list", path, source))?;
    Ok(sets)
}

pub(super) fn failed(operation: &'static str, path: &Path, source: io::Error) -> ExportError {
    ExportError::File { operation, path: PathBuf::from(path), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_fixed_once_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1.list");
        assert!(read(&path).unwrap().is_none());
        write(&path, vec![SetId(3), SetId(1), SetId(3)]).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), [SetId(1), SetId(3)]);
        assert!(write(&path, vec![SetId(9)]).is_err());
        assert_eq!(read(&path).unwrap().unwrap(), [SetId(1), SetId(3)]);
    }
}

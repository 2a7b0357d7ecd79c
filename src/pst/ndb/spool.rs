//! Records that wait on disk, in the order in which they came, so that memory
//! does not grow with the file being written.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// An unnamed temporary file of records of one fixed length.
pub struct Spool {
    file: BufWriter<File>,
    record_bytes: usize,
    records: u64,
}

impl Spool {
    pub fn create(directory: &Path, record_bytes: usize) -> io::Result<Self> {
        let file = tempfile::tempfile_in(directory)?;
        Ok(Self { file: BufWriter::with_capacity(64 << 10, file), record_bytes, records: 0 })
    }

    pub fn push(&mut self, record: &[u8]) -> io::Result<()> {
        debug_assert_eq!(record.len(), self.record_bytes);
        self.records += 1;
        self.file.write_all(record)
    }

    pub fn len(&self) -> u64 {
        self.records
    }

    /// Hands the records back, first to last; nothing may be written after.
    pub fn read(&mut self) -> io::Result<Records> {
        self.file.flush()?;
        let mut file = self.file.get_ref().try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        let record = vec![0; self.record_bytes];
        Ok(Records { file: BufReader::with_capacity(64 << 10, file), record, left: self.records })
    }
}

pub struct Records {
    file: BufReader<File>,
    record: Vec<u8>,
    left: u64,
}

impl Records {
    pub fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.file.read_exact(&mut self.record)?;
        Ok(Some(&self.record))
    }
}

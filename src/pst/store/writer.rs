//! The writer of one file: folders are named, messages added one by one, and
//! the whole is closed by its header.

use std::io::{self, Seek, Write};
use std::path::PathBuf;

use super::folder::{FolderId, Folders};
use super::message::{self, Family};
use super::rows::Rows;
use super::{bound, skeleton};
use crate::base::clock::{Clock, Timestamp};
use crate::base::ids::RecordId;
use crate::pst::model::{Exception, Message};
use crate::pst::ndb::{Ndb, Nid, kind};

/// Items of one folder; more go into `Name (2)`.
pub const ITEMS_PER_FOLDER: u32 = 50_000;
/// Large cells of one table, each a subnode, of which 173,400 fit.
const LARGE_CELLS_MAX: usize = 150_000;
/// Blocks of small cells of one table: its heap has 65,536, of which some are for
/// the index of its rows.
const HEAP_BLOCKS_MAX: u64 = 64_000;
/// The first index of a message that Outlook gives out.
const FIRST_MESSAGE: u32 = 0x1_0001;

#[derive(Clone, Debug)]
pub struct Options {
    /// What Outlook shows as the name of the file.
    pub name: String,
    pub items_per_folder: u32,
    /// Where indexes wait while the file is written; about 1% of its size.
    pub scratch: PathBuf,
    /// The store's identity: another for every file.
    pub key: [u8; 16],
    /// The time of writing, which stands in where a message bears no date.
    pub written_at: Timestamp,
}

impl Options {
    pub fn new(name: impl Into<String>, scratch: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            items_per_folder: ITEMS_PER_FOLDER,
            scratch: scratch.into(),
            key: RecordId::generate().0,
            written_at: Clock::System.now(),
        }
    }
}

/// What a finished file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub messages: u64,
    pub bytes: u64,
}

pub struct Writer<W> {
    ndb: Ndb<W>,
    folders: Folders,
    rows: Rows,
    options: Options,
    next_message: u32,
    messages: u64,
    /// What the contents tables of all folders will take.
    table_bytes: u64,
}

impl<W: Write + Seek> Writer<W> {
    pub fn create(sink: W, options: Options) -> io::Result<Self> {
        Ok(Self {
            ndb: Ndb::create(sink, &options.scratch)?,
            folders: Folders::new(),
            rows: Rows::create(&options.scratch)?,
            options,
            next_message: FIRST_MESSAGE,
            messages: 0,
            table_bytes: 0,
        })
    }

    /// The folder at `path`, below the top; an empty path is the top itself.
    pub fn folder(&mut self, path: &[impl AsRef<str>]) -> FolderId {
        self.folders.at(path)
    }

    /// Writes a message; what could not be carried is named.
    ///
    /// After an error the file cannot be finished: drop the writer, and the
    /// file has no magic.
    pub fn add(&mut self, folder: FolderId, message: Message<'_>) -> io::Result<Vec<Exception>> {
        let mut exceptions = Vec::new();
        let mut at = folder.0;
        while self.is_full(at) {
            at = self.folders.roll(at);
        }
        let target = self.folders.get_mut(at);
        exceptions.extend(target.exception.clone());
        let parent = target.nid;
        let nid = Nid::new(kind::MESSAGE, self.next_message);
        self.next_message += 1;
        let mut family =
            Family::new(&mut self.next_message, &mut exceptions, self.options.written_at);
        let written = message::write(&mut self.ndb, message, &mut family)?;
        self.ndb.add_message(nid, written.stored, parent)?;
        let target = self.folders.get_mut(at);
        target.items += 1;
        self.table_bytes -= target.table.bytes();
        target.table.add(&written.row);
        self.table_bytes += target.table.bytes();
        self.rows.push(at, nid.0, &written.row)?;
        self.messages += 1;
        Ok(exceptions)
    }

    /// Bytes that the file would take at most if it were finished now, but for what
    /// every file has.
    pub fn projected_bytes(&self) -> u64 {
        let folders = self.folders.all().len() as u64 * bound::FOLDER;
        self.ndb.projected_bytes() + bound::with_maps(folders + self.table_bytes)
    }

    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Writes what remains, the header last; `sync` is called before it and
    /// after it, and must make durable what was written so far.
    pub fn finish(
        mut self,
        mut sync: impl FnMut(&mut W) -> io::Result<()>,
    ) -> io::Result<(W, Summary)> {
        let Options { name, key, .. } = &self.options;
        skeleton::write(&mut self.ndb, &self.folders, &mut self.rows, *key, name)?;
        let (sink, bytes) = self.ndb.finish(&mut sync)?;
        Ok((sink, Summary { messages: self.messages, bytes }))
    }

    /// Leaves so many sections of the file empty, for tests of sparse files.
    #[cfg(test)]
    pub fn leave_empty(&mut self, sections: u64) -> io::Result<()> {
        self.ndb.leave_empty(sections)
    }

    fn is_full(&self, folder: usize) -> bool {
        let folder = &self.folders.all()[folder];
        folder.items >= self.options.items_per_folder.max(1)
            || folder.table.large_cells() >= LARGE_CELLS_MAX
            || folder.table.heap_blocks() >= HEAP_BLOCKS_MAX
    }
}

//! A bundle on its way to the disk: the zip under its staged name, and the
//! temporary files whose content enters it when it is whole.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::bundle::{BundleError, Finished};
use super::manifest::Listed;
use crate::base::durable;
use crate::base::hash::Hasher;

/// The name under which a bundle is written before it is whole.
pub(super) fn staged(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

/// Ends the writing of a bundle from another thread, in the middle of a file.
#[derive(Clone, Default)]
pub struct Stopper(Arc<AtomicBool>);

impl Stopper {
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn check(&self) -> io::Result<()> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(io::Error::other("it was stopped")),
            false => Ok(()),
        }
    }
}

/// Deflated, what cannot be made smaller grows by less than a thousandth.
const SMALL_BYTES_MAX: u64 = 4_000_000_000;

pub(super) struct Out {
    path: PathBuf,
    /// Goes before the zip does, which writes its end when it goes.
    given_up: GivenUp,
    zip: ZipWriter<Sink>,
    pub stopper: Stopper,
}

impl Out {
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::create(staged(path))?;
        let given_up = GivenUp::default();
        let zip = ZipWriter::new(Sink::new(BufWriter::new(file), given_up.0.clone()));
        Ok(Self { path: path.to_owned(), given_up, zip, stopper: Stopper::default() })
    }

    /// `is_large` where it may pass 4 GiB: its header then has room for its size.
    fn start(&mut self, name: &str, is_large: bool) -> Result<(), BundleError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .large_file(is_large)
            .unix_permissions(0o644);
        self.zip
            .start_file(name, options)
            .map_err(|source| BundleError::Zip { path: self.path.clone(), source })
    }

    pub fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        self.start(name, bytes.len() as u64 > SMALL_BYTES_MAX)?;
        let copied = copy(&mut &bytes[..], &mut self.zip, &self.stopper, |_| {});
        copied.map_err(|error| self.failed(error))
    }

    /// A file of all that `from` gives.
    pub fn copy(&mut self, name: &str, from: &mut dyn Read) -> Result<Listed, BundleError> {
        self.start(name, true)?;
        let (mut size, mut hasher) = (0, Hasher::new());
        let copied = copy(from, &mut self.zip, &self.stopper, |piece| {
            size += piece.len() as u64;
            hasher.update(piece);
        });
        copied.map_err(|error| self.failed(error))?;
        Ok(Listed { path: name.to_owned(), size, sha256: hasher.finish() })
    }

    pub fn finish(self) -> Result<Finished, BundleError> {
        let Self { path, given_up, zip, stopper } = self;
        let Sink { file, .. } =
            zip.finish().map_err(|source| BundleError::Zip { path: path.clone(), source })?;
        if given_up.is_so() {
            let source = io::Error::other("a part of it could not be written");
            return Err(BundleError::Write { path, source });
        }
        give_name(&path, file, &stopper).map_err(|source| BundleError::Write { path, source })
    }

    pub fn failed(&self, source: io::Error) -> BundleError {
        BundleError::Write { path: self.path.clone(), source }
    }
}

/// Whether a bundle will never be whole: a write failed, or it was dropped before its
/// end.
#[derive(Default)]
struct GivenUp(Arc<AtomicBool>);

impl GivenUp {
    fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A file that fails once. A zip that is given up writes its end all the same, and
/// prints what it cannot write or finds in the wrong place: from then on nothing is
/// written, and places are as if it were.
struct Sink {
    file: BufWriter<File>,
    is_given_up: Arc<AtomicBool>,
    at: u64,
    end: u64,
}

impl Sink {
    fn new(file: BufWriter<File>, is_given_up: Arc<AtomicBool>) -> Self {
        Self { file, is_given_up, at: 0, end: 0 }
    }

    /// What `done` gives, or `instead` once it is given up.
    fn unless_given_up<T>(
        &mut self,
        done: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
        instead: T,
    ) -> io::Result<T> {
        if self.is_given_up.load(Ordering::Relaxed) {
            return Ok(instead);
        }
        let done = done(&mut self.file);
        if done.is_err() {
            self.is_given_up.store(true, Ordering::Relaxed);
        }
        done
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.unless_given_up(|file| file.write(bytes), bytes.len())?;
        self.at += written as u64;
        self.end = self.end.max(self.at);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_given_up(Write::flush, ())
    }
}

impl Seek for Sink {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        let place = place.ok_or(io::ErrorKind::InvalidInput)?;
        self.at = self.unless_given_up(|file| file.seek(SeekFrom::Start(place)), place)?;
        Ok(self.at)
    }
}

/// A temporary file without a name: gone with the process.
pub(super) struct Spool {
    pub file: BufWriter<File>,
    pub size: u64,
}

impl Spool {
    pub fn new(directory: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile_in(directory)?), size: 0 })
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.size += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    /// One element of a JSON list, on a line of its own.
    pub fn element(&mut self, json: &[u8]) -> io::Result<()> {
        let separator: &[u8] = if self.size == 0 { b"\n" } else { b",\n" };
        self.write(separator)?;
        self.write(json)
    }

    pub fn rewound(&mut self) -> io::Result<BufReader<&mut File>> {
        self.file.flush()?;
        let file = self.file.get_mut();
        file.seek(SeekFrom::Start(0))?;
        Ok(BufReader::new(file))
    }
}

/// fsync, rename, fsync the directory.
fn give_name(
    path: &Path,
    mut buffered: BufWriter<File>,
    stopper: &Stopper,
) -> io::Result<Finished> {
    buffered.flush()?;
    let mut file = File::open(staged(path))?;
    let (mut size, mut hasher) = (0, Hasher::new());
    copy(&mut file, &mut io::sink(), stopper, |piece| {
        size += piece.len() as u64;
        hasher.update(piece);
    })?;
    buffered.get_ref().sync_all()?;
    std::fs::rename(staged(path), path)?;
    durable::sync_directory(path.parent().unwrap_or(Path::new(".")))?;
    Ok(Finished { size, sha256: hasher.finish() })
}

const PIECE_BYTES: usize = 64 << 10;

fn copy(
    from: &mut dyn Read,
    to: &mut impl Write,
    stopper: &Stopper,
    mut each: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        stopper.check()?;
        match from.read(&mut piece)? {
            0 => return Ok(()),
            read => {
                each(&piece[..read]);
                to.write_all(&piece[..read])?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_ends_the_copying_of_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let mut out = Out::create(&directory.path().join("bundle.zip")).unwrap();
        let stopper = out.stopper.clone();
        let mut pieces = 0;
        let endless = std::iter::from_fn(|| {
            pieces += 1;
            if pieces == 3 {
                stopper.stop();
            }
            Some(())
        });
        let mut from = Endless(endless);
        assert!(out.copy("large", &mut from).is_err());
        assert_eq!(pieces, 3);
    }

    /// A sink on a disk that is full.
    fn full() -> Sink {
        let file = File::options().write(true).open("/dev/full").unwrap();
        Sink::new(BufWriter::new(file), Arc::default())
    }

    #[test]
    fn only_the_first_failure_of_a_file_is_told() {
        let mut sink = full();
        sink.write_all(b"bytes").unwrap();
        assert!(sink.flush().is_err());
        sink.write_all(b"bytes").unwrap();
        assert!(sink.flush().is_ok() && sink.is_given_up.load(Ordering::Relaxed));
        assert_eq!(sink.stream_position().unwrap(), 10);
        assert_eq!(sink.seek(SeekFrom::End(-2)).unwrap(), 8);
    }

    /// What a zip says when it is dropped goes past whoever tests it: its end, which is
    /// written then, is asked for here.
    #[test]
    fn a_zip_that_failed_ends_without_another_failure() {
        let options = SimpleFileOptions::default();
        let mut zip = ZipWriter::new(full());
        assert!(zip.start_file("first", options).is_err());
        assert!(zip.finish().is_ok());
        // And in the middle of a file.
        let sink = Sink::new(BufWriter::new(tempfile::tempfile().unwrap()), Arc::default());
        let is_given_up = sink.is_given_up.clone();
        let mut zip = ZipWriter::new(sink);
        zip.start_file("first", options).unwrap();
        zip.write_all(&[7; 1 << 20]).unwrap();
        is_given_up.store(true, Ordering::Relaxed);
        zip.write_all(&[7; 1 << 20]).unwrap();
        assert!(zip.finish().is_ok());
    }

    #[test]
    fn a_bundle_that_is_given_up_writes_nothing_more() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bundle.zip");
        let mut out = Out::create(&path).unwrap();
        out.file("first", b"bytes").unwrap();
        drop(out);
        let bytes = std::fs::read(staged(&path)).unwrap();
        assert!(!bytes.windows(4).any(|at| at == b"PK\x05\x06"), "{}", bytes.len());
    }

    #[test]
    fn what_is_copied_may_pass_4_gib() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bundle.zip");
        let mut out = Out::create(&path).unwrap();
        out.copy("large", &mut &b"bytes"[..]).unwrap();
        out.file("small", b"bytes").unwrap();
        out.finish().unwrap();
        let bytes = std::fs::read(path).unwrap();
        // Version 4.5 has the fields for it (APPNOTE 4.4.3.2).
        let small = bytes.windows(4).skip(1).position(|at| at == b"PK\x03\x04").unwrap() + 1;
        assert_eq!((bytes[4], bytes[small + 4]), (45, 20));
    }

    struct Endless<I>(I);

    impl<I: Iterator<Item = ()>> Read for Endless<I> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.next();
            buffer.fill(7);
            Ok(buffer.len())
        }
    }
}

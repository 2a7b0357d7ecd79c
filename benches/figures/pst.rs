//! Writing PST files: mapping, writing and making durable, beside a plain copy
//! of the outcome on the same disk and beside `readpst`, which reads it back.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use muniment::base::config::Sends;
use muniment::cmd::demo::source::Mail;
use muniment::mail::delivery::{Reader, Role, entry_bytes};
use muniment::mail::wrap::Style;
use muniment::pst::split::{FILE_BYTES, Files, Plan};
use muniment::pst::{ITEMS_PER_FOLDER, bound, mime};

/// Written by going over the mail again and again.
const BYTES: u64 = 1_000_000_000;

pub struct Figures {
    pub bytes: u64,
    pub messages: u64,
    pub write: Duration,
    /// Of this process while it wrote; it holds the mail too.
    pub peak_mebibytes: f64,
    pub copy: Duration,
    /// Where there is a `readpst`.
    pub read: Option<Duration>,
}

/// The messages under `path`, as they were before anything wrapped them.
pub fn messages(path: &Path, most: usize) -> Vec<Vec<u8>> {
    let trouble = |_| ();
    let mail = Mail::new(&[path.to_owned()], Style::default(), &trouble).expect("read the corpus");
    let original = |report: Vec<u8>| {
        let mut reader = Reader::new(Sends::Reports);
        reader.push(&report);
        let entries = reader.finish().entries;
        let at = entries.iter().position(|entry| entry.role == Role::Message)?;
        entry_bytes(&report, &entries, at).map(Cow::into_owned)
    };
    mail.take(most).filter_map(|outgoing| original(outgoing.bytes)).collect()
}

pub fn measure(messages: &[Vec<u8>], directory: &Path) -> io::Result<Figures> {
    // Resets the peak of this process (proc(5)).
    fs::write("/proc/self/clear_refs", "5")?;
    let begin = Instant::now();
    let plan = Plan {
        directory: directory.to_owned(),
        stem: "bench".to_owned(),
        file_bytes: FILE_BYTES,
        items_per_folder: ITEMS_PER_FOLDER,
    };
    let mut files =
        Files::create(plan, std::sync::Arc::new(|| Ok(()))).map_err(io::Error::other)?;
    let mut sum = 0;
    for bytes in messages.iter().cycle() {
        let message = mime::message(bytes);
        sum += bound::file_bytes(&message);
        files.add(&["Export"], message).map_err(io::Error::other)?;
        if sum > BYTES {
            break;
        }
    }
    let written = files.finish().map_err(io::Error::other)?.remove(0);
    let write = begin.elapsed();
    let peak_mebibytes = peak_mebibytes();
    Ok(Figures {
        bytes: written.bytes,
        messages: written.messages,
        write,
        peak_mebibytes,
        copy: copy(&written.path, &directory.join("copy"))?,
        read: read(&written.path, &directory.join("read"))?,
    })
}

/// As durable as the file was.
fn copy(from: &Path, to: &Path) -> io::Result<Duration> {
    let begin = Instant::now();
    io::copy(&mut File::open(from)?, &mut File::create(to)?)?;
    File::open(to)?.sync_all()?;
    let elapsed = begin.elapsed();
    fs::remove_file(to)?;
    Ok(elapsed)
}

/// In one process, each message into a file of its own.
fn read(file: &Path, to: &PathBuf) -> io::Result<Option<Duration>> {
    fs::create_dir(to)?;
    let begin = Instant::now();
    let mut command = Command::new("readpst");
    command.args(["-q", "-D", "-e", "-8", "-j0", "-o"]).arg(to).arg(file);
    match command.stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(Some(begin.elapsed())),
        Ok(status) => Err(io::Error::other(format!("readpst: {status}"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn peak_mebibytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kibibytes.unwrap_or(f64::NAN) / 1024.0
}

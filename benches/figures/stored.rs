//! What is stored of what was received, all that lies in the bucket counted, against
//! zstd and restic over the same messages in the same run.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use muniment::mail::compose;
use serde_json::{Value, json};

use crate::{archive, load};

const CONNECTIONS: usize = 16;

/// One set of mail, and what became of it.
pub struct Stored {
    name: &'static str,
    run: load::Run,
    received: u64,
    ours: u64,
    zstd: u64,
    restic: Option<u64>,
    cpu: Duration,
    peak_mebibytes: f64,
}

/// Mail that is mostly text; and attachments, each in a mail of its own, with mail
/// that is hard to read beside them, once and as if each had come three times.
pub fn measure(corpus: &Path, scratch: &Path) -> Vec<Stored> {
    let office = office(corpus, &scratch.join("office"));
    let office = load::reports(&[office, corpus.join("mime")], usize::MAX);
    let thrice: Vec<_> = std::iter::repeat_n(office.clone(), 3).flatten().collect();
    let bulk = load::reports(&[corpus.join("bulk")], 6000);
    [("bulk", bulk), ("office", office), ("office, three times", thrice)]
        .into_iter()
        .map(|(name, reports)| one(name, reports, &scratch.join(name.replace([',', ' '], "-"))))
        .collect()
}

/// Each file of the corpus as the attachment of a mail.
pub fn office(corpus: &Path, folder: &Path) -> PathBuf {
    fs::create_dir_all(folder).expect("a directory");
    let files = crate::corpus::files(&corpus.join("attachments"));
    for (number, file) in files.iter().enumerate() {
        let content = fs::read(file).expect("read the corpus");
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let head = format!(
            "From: ann{}@example.com\r\nTo: bob@example.com\r\nSubject: file {number}\r\n\
             Message-ID: <{number}@example.com>\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n--=_b\r\n\
             Content-Type: text/plain\r\n\r\nSee {number}.\r\n--=_b\r\n\
             Content-Type: application/octet-stream; name=\"{}\"\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n",
            number % 7,
            name.replace(['"', '\\'], "_")
        );
        let mail = [head.as_bytes(), &compose::base64(&content), b"\r\n--=_b--\r\n"].concat();
        fs::write(folder.join(format!("{number}.eml")), mail).expect("write the mail");
    }
    folder.to_owned()
}

fn one(name: &'static str, reports: Vec<Vec<u8>>, scratch: &Path) -> Stored {
    let messages: Vec<Vec<u8>> = reports.iter().map(|report| load::received(report)).collect();
    let received = messages.iter().map(|message| message.len() as u64).sum();
    fs::create_dir_all(scratch).expect("a directory");
    let archive = archive::Archive::start(&scratch.join("archive"), &[]);
    let cpu = archive.cpu();
    let run = load::send(archive.smtp, &archive.journal, &reports, CONNECTIONS);
    let cpu = (archive.cpu() - cpu) / run.sent as u32;
    archive.searchable();
    let peak_mebibytes = archive.peak_mebibytes();
    // Stopped, so that all is told and published.
    let bucket = archive.stop().with_file_name("bucket");
    // What comes again packs as it did.
    let mut packed: HashMap<&[u8], u64> = HashMap::new();
    let pack = |bytes: &[u8]| zstd::bulk::compress(bytes, 19).expect("it packs").len() as u64;
    let zstd = messages.iter().map(|it| *packed.entry(it).or_insert_with(|| pack(it))).sum();
    let restic = restic(&messages, scratch);
    let stored =
        Stored { name, run, received, ours: size(&bucket), zstd, restic, cpu, peak_mebibytes };
    fs::remove_dir_all(scratch).expect("remove what was made");
    stored
}

/// Each message a file, in one backup.
fn restic(messages: &[Vec<u8>], scratch: &Path) -> Option<u64> {
    let (files, repository) = (scratch.join("files"), scratch.join("restic"));
    fs::create_dir_all(&files).expect("a directory");
    for (number, message) in messages.iter().enumerate() {
        fs::write(files.join(format!("{number}.eml")), message).expect("write the mail");
    }
    let run = |arguments: &[&str]| {
        let mut command = Command::new("restic");
        command.arg("--repo").arg(&repository).env("RESTIC_PASSWORD", "bench").args(arguments);
        command.env("RESTIC_CACHE_DIR", scratch.join("cache"));
        command.output().is_ok_and(|output| output.status.success())
    };
    let files = files.to_str().expect("a path of ours");
    let is_done = run(&["init", "--repository-version", "2"])
        && run(&["--compression", "max", "backup", files]);
    is_done.then(|| size(&repository))
}

/// Bytes of all files below.
fn size(folder: &Path) -> u64 {
    let files = crate::corpus::files(folder);
    files.iter().map(|file| fs::metadata(file).map_or(0, |meta| meta.len())).sum()
}

impl Stored {
    pub fn show(&self) -> Value {
        let ratio = |bytes: u64| bytes as f64 / self.received as f64;
        let restic = self.restic.map_or("-".to_owned(), |bytes| format!("{:.3}", ratio(bytes)));
        println!(
            "{:20} {:>7} {:>9.1} {:>7.3} {:>7.3} {restic:>7} {:>8.0} {:>7.1} {:>8} {:>8.0}",
            self.name,
            self.run.sent,
            self.received as f64 / 1e6,
            ratio(self.ours),
            ratio(self.zstd),
            self.run.per_second(),
            self.run.megabytes_per_second(),
            self.cpu.as_micros(),
            self.peak_mebibytes,
        );
        json!({
            "what": "stored", "set": self.name, "deliveries": self.run.sent,
            "received": self.received, "ours": self.ours, "zstd_19": self.zstd,
            "restic": self.restic, "per_second": self.run.per_second(),
            "mb_per_second": self.run.megabytes_per_second(),
            "server_cpu_us": self.cpu.as_micros() as u64, "peak_mib": self.peak_mebibytes,
        })
    }
}

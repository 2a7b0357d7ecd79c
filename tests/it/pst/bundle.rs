//! A large export as a bundle: PST files enter the zip one after another, and
//! neither memory nor the disk beside the zip grows with them.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use muniment::base::ids::ArchiveId;
use muniment::export::bundle::{About, BundleWriter, Closing, Format, Outgoing};
use muniment::export::convert::Pst;
use muniment::export::manifest::{FORMAT, Head};
use muniment::ledger::note::Signer;

use super::large::{MEMORY_KB_MAX, peak_kb};
use super::{assert_sound, is_long};

const ORIGIN: &str = "muniment.example/log";

/// Beyond 4 GiB a file in a zip needs the larger fields, and so do both ends.
#[test]
fn large_export_is_split_and_streams_into_its_zip() {
    let (bytes, file_bytes_max) =
        if is_long() { (20_000_000_000, 9_000_000_000) } else { (60_000_000, 34_000_000) };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bundle.zip");
    let format = Format::Pst(Pst { file_bytes_max, ..Pst::default() });
    let before = peak_kb();
    let mut writer = BundleWriter::create(&path, format, "Large").unwrap();
    let raw = raw();
    let count = bytes / ATTACHED_BYTES as u64;
    let mut beside_max = 0;
    for set in 0..count as i64 {
        let outgoing = Outgoing { bytes: &raw, separator: b"", recipients: &[] };
        writer.message(&outgoing, About { set, proofs: Vec::new() }).unwrap();
        beside_max = beside_max.max(bytes_in(&directory.path().join("bundle.zip.pst")));
    }
    let head = Head {
        format: FORMAT.into(),
        version: format.version(),
        origin: ORIGIN.into(),
        archive_id: ArchiveId([1; 16]),
        made_at: "2026-01-01T00:00:00Z".into(),
    };
    let closing = Closing { head, account: b"{}", checkpoint: None, stamped: None, readme: "" };
    let signer = Signer::from_seed(ORIGIN, &[7; 32]).unwrap();
    let finished = writer.finish(&closing, &signer).unwrap();
    let after = peak_kb();
    eprintln!(
        "{count} messages, zip of {} bytes, {beside_max} beside it, {after} kB",
        finished.size
    );
    assert!(after.max(before) - before <= MEMORY_KB_MAX, "{after} kB");
    assert!(beside_max <= file_bytes_max, "{beside_max} bytes beside the zip");

    let mut zip = zip::ZipArchive::new(File::open(&path).unwrap()).unwrap();
    let (mut messages, mut sizes) = (0, 0);
    for name in ["pst/Large.pst", "pst/Large-2.pst", "pst/Large-3.pst"] {
        let taken = directory.path().join("taken.pst");
        let size = io::copy(&mut zip.by_name(name).unwrap(), &mut File::create(&taken).unwrap());
        let size = size.unwrap();
        assert!(size <= file_bytes_max, "{name}: {size} bytes");
        messages += assert_sound(&taken).messages;
        sizes += size;
        fs::remove_file(taken).unwrap();
    }
    assert_eq!(messages, count);
    assert!(sizes >= bytes, "{sizes} bytes");
}

const ATTACHED_BYTES: usize = 1_000_000;

/// A message that compresses well, so that the zip stays small.
fn raw() -> Vec<u8> {
    let mut raw = b"From: a@a.example\r\nTo: b@b.example\r\nSubject: one of many\r\n\
        Message-ID: <1@a.example>\r\nContent-Type: application/octet-stream; name=\"file.bin\"\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n"
        .to_vec();
    let line = [b'Q'; 76];
    for _ in 0..ATTACHED_BYTES.div_ceil(57) {
        raw.extend_from_slice(&line);
        raw.extend_from_slice(b"\r\n");
    }
    raw
}

fn bytes_in(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

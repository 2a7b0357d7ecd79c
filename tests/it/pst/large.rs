//! Large files in little memory.

use std::fs::File;
use std::io::{self, Read};
use std::time::Instant;

use muniment::base::clock::Timestamp;
use muniment::pst::model::{Attachment, Content, Message};
use muniment::pst::{Options, Writer};

use super::{assert_sound, is_long};

pub const MEMORY_KB_MAX: u64 = 256 << 10;

#[test]
fn gigabyte_takes_little_memory() {
    export(1_000_000_000);
}

#[test]
fn twenty_gigabytes_take_little_memory() {
    if !is_long() {
        eprintln!("SKIPPED: 20 GB are written with MUNIMENT_TEST_LONG=1");
        return;
    }
    export(20_000_000_000);
}

fn export(bytes: u64) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large.pst");
    let options = Options::new("Large", directory.path());
    let mut writer = Writer::create(File::create(&path).unwrap(), options).unwrap();
    let started = Instant::now();
    let before = peak_kb();
    let mut number = 0_u64;
    while writer.projected_bytes() < bytes {
        let folder = writer.folder(&[format!("Folder {}", number % 50)]);
        writer.add(folder, message(number)).unwrap();
        number += 1;
    }
    let (_, summary) = writer.finish(|file| file.sync_all()).unwrap();
    let (elapsed, after) = (started.elapsed(), peak_kb());
    let speed = summary.bytes as f64 / 1e6 / elapsed.as_secs_f64();
    eprintln!(
        "{} bytes, {} messages, {speed:.0} MB/s, peak {after} kB (before {before} kB)",
        summary.bytes, summary.messages
    );
    assert!(after.max(before) - before <= MEMORY_KB_MAX, "{after} kB");
    assert!(summary.bytes.abs_diff(bytes) < bytes / 10, "{} bytes", summary.bytes);
    assert_eq!(assert_sound(&path).messages, summary.messages);
}

/// Mail of 8 kB in the mean, an attachment of a megabyte to each fiftieth.
fn message(number: u64) -> Message<'static> {
    let mut attachments = Vec::new();
    if number.is_multiple_of(50) {
        let size = 1_000_000;
        attachments.push(Attachment {
            name: "file.bin".to_owned(),
            media_type: "application/octet-stream".to_owned(),
            content_id: None,
            location: None,
            base: None,
            is_inline: false,
            content: Content::Stream {
                size,
                source: Box::new(io::repeat(number as u8).take(size)),
            },
        });
    }
    Message {
        subject: format!("Message {number}"),
        sent: Some(Timestamp::from_seconds(1_500_000_000 + number as i64)),
        text: Some("A line of text as it stands in a message.\r\n".repeat((number % 180) as usize)),
        attachments,
        ..Message::default()
    }
}

/// The most memory that this process has had.
pub fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

//! The whole program as one process: both doors open, and an orderly end.

use std::fs::File;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use muniment::app::Archive;
use muniment::base::config::Config;
use muniment::catalog::{delivery, leaf};

use super::support::dialogue::Client;
use super::support::served::{Sender, Served, init};
use super::support::{binary, until};

#[test]
fn one_process_takes_mail_answers_the_web_and_stops() {
    let made = init();
    let served = Served::start(&made.config, &[]).unwrap();
    let mut sender = Sender::connect(served.smtp).unwrap();
    sender.send(&made.said["journal"], b"Subject: one\r\n\r\ntext\r\n").unwrap();
    for (path, answer) in
        [("/healthz", "200"), ("/readyz", "200"), ("/api/v1/status", "401"), ("/metrics", "200")]
    {
        let said = served.get(path);
        assert!(said.starts_with(&format!("HTTP/1.1 {answer}")), "{path}: {said}");
    }
    let metrics = served.get("/metrics");
    assert!(metrics.contains("muniment_smtp_deliveries_total{outcome=\"kept\"} 1"), "{metrics}");
    served.stop();
}

/// Every line of the log fails; the mail does not.
#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let made = init();
    let mut command = Command::new(binary());
    command.stderr(File::options().write(true).open("/dev/full").unwrap());
    let served = Served::start_by(command, &made.config, &[("MUNIMENT__LOG__LEVEL", "debug")]);
    let served = served.unwrap();
    for _ in 0..3 {
        // Broken off in the middle of a command, which is logged.
        Client::connect(served.smtp).send(b"MAIL");
        let mut sender = Sender::connect(served.smtp).unwrap();
        sender.send(&made.said["journal"], b"Subject: one\r\n\r\ntext\r\n").unwrap();
    }
    served.stop();
}

/// Two deliveries fill the memory that is allowed; the third is told to come
/// again, and is taken when one of them is gone.
#[test]
fn a_full_pipeline_answers_451_and_takes_mail_again() {
    const HALF: usize = 6 << 20;
    let made = init();
    let bound = [("MUNIMENT__SMTP__MEMORY_BYTES_MAX", "16777216")];
    let served = Served::start(&made.config, &bound).unwrap();
    let journal = &made.said["journal"];
    let chunk = vec![b'x'; HALF];
    let begin = |is_room: bool| {
        let mut client = Client::connect(served.smtp);
        client.open_transaction(journal);
        client.send(format!("BDAT {HALF}\r\n").as_bytes());
        client.send(&chunk);
        let reply = client.reply();
        assert!(reply.starts_with(if is_room { "250" } else { "451 4.3.1" }), "{reply}");
        client
    };
    let (mut first, second) = (begin(true), begin(true));
    let mut third = begin(false);
    // Its session goes on, and so do the others.
    assert!(third.ask("RSET").starts_with("250"));
    assert!(first.ask("BDAT 0 LAST").starts_with("250 2.0.0"));
    third.deliver(journal, b"small, and there is room for it\r\n");
    drop(second);
    served.stop();
}

/// Under load too, every 250 was true and the goodbye is said.
#[test]
fn a_stop_under_load_is_clean() {
    const SENDERS: usize = 6;
    let made = init();
    let served = Served::start(&made.config, &[]).unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..SENDERS)
        .map(|number| {
            let (count, journal) = (count.clone(), made.said["journal"].clone());
            let mut sender = Sender::connect(served.smtp).unwrap();
            std::thread::spawn(move || {
                let mut receipts = Vec::new();
                loop {
                    let text = format!("Subject: {number}/{}\r\n\r\ntext\r\n", receipts.len());
                    match sender.send(&journal, text.as_bytes()) {
                        Ok(receipt) => receipts.push(receipt),
                        Err(error) => return (receipts, error.to_string()),
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    until("mail is taken", || count.load(Ordering::Relaxed) >= 100);
    served.stop();
    let (receipts, goodbyes): (Vec<_>, Vec<_>) =
        threads.into_iter().map(|thread| thread.join().unwrap()).unzip();
    let receipts = receipts.concat();
    // One that was slow to read may find its connection gone.
    assert!(goodbyes.iter().any(|last| last.starts_with("421 4.3.2")), "{goodbyes:?}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let archive = Archive::open(Config::load(&made.config).unwrap()).await.unwrap();
        for receipt in &receipts {
            let row = leaf::of_record(&archive.catalog, receipt.record).await.unwrap().unwrap();
            assert_eq!(row.hash, receipt.leaf);
        }
        let kept = delivery::totals(&archive.catalog).await.unwrap().deliveries;
        assert_eq!(kept, receipts.len() as u64, "kept and not acknowledged, or otherwise");
    });
}

#[test]
fn half_written_files_of_the_bucket_go_at_the_next_start() {
    let made = init();
    let bucket = made.config.parent().unwrap().join("bucket");
    std::fs::create_dir_all(bucket.join("seg/standard/2026-01")).unwrap();
    let left = bucket.join("seg/standard/2026-01/cut.seg#1");
    let other = bucket.join("seg/standard/2026-01/cut.seg#1.note");
    std::fs::write(&left, "half").unwrap();
    std::fs::write(&other, "not ours").unwrap();
    Served::start(&made.config, &[]).unwrap().stop();
    assert!(!left.exists() && other.exists());
}

#[test]
fn a_log_in_a_file_has_no_colours() {
    let made = init();
    let log = made.config.parent().unwrap().join("log");
    let mut command = std::process::Command::new(super::support::binary());
    command.stderr(std::fs::File::create(&log).unwrap());
    let environment = [("MUNIMENT__LOG__LEVEL", "info")];
    Served::start_by(command, &made.config, &environment).unwrap().stop();
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(said.contains("serving") && !said.contains('\x1b'), "{said:?}");
}

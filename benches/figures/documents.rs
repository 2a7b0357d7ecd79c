//! How fast documents are read, by format, and how far the index falls behind while
//! a flood of them comes in.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use muniment::base::config;
use muniment::worker::Pool;
use serde_json::{Value, json};

use crate::{archive, corpus, load};

/// A document on each processor.
const AT_ONCE: usize = 2;
/// Each file this often, so that what starts a child weighs little.
const TIMES: usize = 3;
const CONNECTIONS: usize = 16;

/// Reads each file of the corpus in the children of a pool, format by format.
pub fn measure(folder: &Path) -> Vec<Value> {
    let mut formats: BTreeMap<String, Vec<(usize, Bytes)>> = BTreeMap::new();
    for path in corpus::files(&folder.join("attachments")) {
        let content = std::fs::read(&path).expect("read the corpus");
        let mail = corpus::attached(&path, &content);
        formats.entry(corpus::format(&path)).or_default().push((content.len(), mail));
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let settings = config::Worker { processes: AT_ONCE, ..config::Worker::default() };
    let pool = Pool::new(archive::binary(), settings);
    println!(
        "\ndocuments read, {AT_ONCE} at once\n{:20} {:>7} {:>9} {:>12} {:>8}",
        "", "files", "MB", "documents/s", "MB/s"
    );
    formats.iter().map(|(format, files)| one(&runtime, &pool, format, files)).collect()
}

fn one(
    runtime: &tokio::runtime::Runtime,
    pool: &Pool,
    format: &str,
    files: &[(usize, Bytes)],
) -> Value {
    let begun = Instant::now();
    runtime.block_on(async {
        let all = (0..TIMES).flat_map(|_| files).map(|(_, mail)| async move {
            // What cannot be read is part of the time.
            pool.parse_one(&mail.clone().into()).await.expect("a child starts")
        });
        let read = futures::stream::iter(all).buffer_unordered(AT_ONCE);
        read.for_each(|_| std::future::ready(())).await;
    });
    let seconds = begun.elapsed().as_secs_f64() / TIMES as f64;
    let megabytes = files.iter().map(|(bytes, _)| *bytes as f64 / 1e6).sum::<f64>();
    let (rate, speed) = (files.len() as f64 / seconds, megabytes / seconds);
    println!("{format:20} {:>7} {megabytes:>9.2} {rate:>12.1} {speed:>8.2}", files.len());
    json!({
        "what": "documents", "format": format, "files": files.len(), "mb": megabytes,
        "per_second": rate, "mb_per_second": speed,
    })
}

/// Sends mail with a document each as fast as it is taken. Of what was acknowledged at
/// any moment it is seen when all of it could be found.
pub fn flood(folder: &Path, scratch: &Path) -> Value {
    let mails = scratch.join("mails");
    let office = crate::stored::office(folder, &mails);
    let reports = load::reports(&[office, folder.join("mime")], usize::MAX);
    let archive = archive::Archive::start(&scratch.join("archive"), &[]);
    let is_sent = AtomicBool::new(false);
    let (run, lags, peak) = std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let run = load::send(archive.smtp, &archive.journal, &reports, CONNECTIONS);
            is_sent.store(true, Ordering::Release);
            run
        });
        let (lags, peak) = watch(&archive, &is_sent);
        (sender.join().expect("every report is acknowledged"), lags, peak)
    });
    let in_full = archive.searchable();
    let server = archive.peak_mebibytes();
    archive.stop();
    std::fs::remove_dir_all(scratch).expect("remove what was made");
    let seconds = |time: Duration| time.as_secs_f64();
    let at = |share: f64| seconds(lags[((lags.len() - 1) as f64 * share) as usize]);
    println!(
        "\na flood of {} mails with documents, {:.1} MB, {:.0}/s, {:.1} MB/s: found {:.1} s after \
         its 250 (half of the time; 95 of 100 {:.1} s, at most {:.1} s), documents that take long \
         {:.1} s after the last; memory at the peak {server:.0} MiB, and {peak:.0} MiB of the \
         processes that read",
        run.sent,
        run.bytes as f64 / 1e6,
        run.per_second(),
        run.megabytes_per_second(),
        at(0.5),
        at(0.95),
        at(1.0),
        seconds(in_full),
    );
    json!({
        "what": "flood", "deliveries": run.sent, "per_second": run.per_second(),
        "mb_per_second": run.megabytes_per_second(), "lag_p50_s": at(0.5), "lag_p95_s": at(0.95),
        "lag_max_s": at(1.0), "in_full_s": seconds(in_full), "peak_mib": server,
        "readers_peak_mib": peak,
    })
}

/// How long what was there at each look took until all of it could be found, from the
/// shortest; and the most memory that all processes that read had together, in MiB.
fn watch(archive: &archive::Archive, is_sent: &AtomicBool) -> (Vec<Duration>, f64) {
    let mut waiting = std::collections::VecDeque::new();
    let (mut lags, mut peak) = (Vec::new(), 0.0_f64);
    loop {
        let was_sent = is_sent.load(Ordering::Acquire);
        if let Some((deliveries, behind)) = archive.progress() {
            while let Some((_, since)) = waiting
                .pop_front_if(|(count, _): &mut (f64, Instant)| *count <= deliveries - behind)
            {
                lags.push(Instant::elapsed(&since));
            }
            waiting.push_back((deliveries, Instant::now()));
            if was_sent && behind == 0.0 {
                break;
            }
        }
        peak = peak.max(archive.readers_mebibytes());
        std::thread::sleep(Duration::from_millis(100));
    }
    lags.sort_unstable();
    (lags, peak)
}

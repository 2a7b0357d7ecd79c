//! The figures in the README: `make bench`.
//!
//! Real SMTP into the real binary, and the same mail in the same run on the
//! same disk into Postfix's hold queue. Prints a table, and the same as JSON to
//! `target/figures.json`. `make bench ONLY=documents` measures that alone.

mod archive;
#[path = "../common/corpus.rs"]
mod corpus;
mod documents;
mod load;
mod parts;
mod postfix;
mod pst;
mod queries;
mod s3;
mod stored;

use std::path::{Path, PathBuf};

use muniment::app;
use muniment::base::config::Config;
use serde_json::{Value, json};

const CONNECTIONS: [usize; 3] = [4, 16, 64];
const POSTFIX_PORT: u16 = 26_250;
/// Of the corpus's mail.
const MESSAGES: usize = 6000;

/// What is measured, in this order: one thing's memory is not in another's peak.
const SECTIONS: [&str; 4] = ["stored", "pst", "ingest", "documents"];

fn main() {
    let only: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    if let Some(unknown) = only.iter().find(|it| !SECTIONS.contains(&it.as_str())) {
        eprintln!("{unknown:?} is not measured; there are {}", SECTIONS.join(", "));
        std::process::exit(2);
    }
    let is_wanted = |section| only.is_empty() || only.iter().any(|it| it == section);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mail = std::env::var_os("MUNIMENT_BENCH_MAIL").map(PathBuf::from);
    let mail = mail.unwrap_or_else(|| root.join("../shared/corpus/bulk"));
    if !mail.exists() {
        eprintln!("SKIPPED: {} is not here; set MUNIMENT_BENCH_MAIL", mail.display());
        return;
    }
    let corpus = root.join("../shared/corpus");
    if !corpus.exists() {
        println!("stored bytes and documents are not measured: {} is not here", corpus.display());
    }
    let scratch = tempfile::Builder::new()
        .prefix("figures-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir_in(std::env::temp_dir())
        .expect("a directory for the run");
    let mut figures = Vec::new();
    if is_wanted("stored") && corpus.exists() {
        figures.extend(stored(&corpus, scratch.path()));
    }
    if is_wanted("pst") {
        match pst::measure(&pst::messages(&mail, MESSAGES), scratch.path()) {
            Ok(measured) => figures.push(show_pst(&measured)),
            Err(why) => println!("\nPST was not measured: {why}"),
        }
    }
    if is_wanted("ingest") {
        figures.extend(mail_in(&mail, scratch.path()));
    }
    if is_wanted("documents") && corpus.exists() {
        figures.extend(documents::measure(&corpus));
        figures.push(documents::flood(&corpus, &scratch.path().join("flood")));
    }
    let path = root.join("target/figures.json");
    let text = serde_json::to_string_pretty(&Value::Array(figures)).expect("JSON");
    match std::fs::create_dir_all(root.join("target")).and_then(|()| std::fs::write(&path, text)) {
        Ok(()) => println!("\n{}", path.display()),
        Err(error) => eprintln!("cannot write {}: {error}", path.display()),
    }
}

/// The same mail into Postfix, into an archive on S3 and into one on the disk, what each
/// part of the work costs, and queries over what came in.
fn mail_in(mail: &Path, scratch: &Path) -> Vec<Value> {
    let mut figures = Vec::new();
    let reports = load::reports(&[mail.to_owned()], MESSAGES);
    let bytes: usize = reports.iter().map(Vec::len).sum();
    println!("\n{} reports, {:.1} MB, from {}", reports.len(), bytes as f64 / 1e6, mail.display());
    println!(
        "\nacknowledged deliveries, durable\n{:24} {:>5} {:>9} {:>8} {:>9} {:>9}",
        "", "conn", "msg/s", "MB/s", "p50 ms", "p99 ms"
    );
    match postfix::Postfix::start(&scratch.join("postfix"), POSTFIX_PORT) {
        Ok(postfix) => {
            for connections in CONNECTIONS {
                let run =
                    load::send(postfix.address, "journal@archive.invalid", &reports, connections);
                figures.push(show("Postfix, hold queue", &run));
            }
        }
        Err(why) => println!("Postfix was not measured: {why}"),
    }
    match s3::start(scratch) {
        Ok(archive) => {
            ingest("Muniment, Object Lock", &archive, &reports, &mut figures);
            archive.stop();
        }
        Err(why) => println!("Muniment on S3 was not measured: {why}"),
    }
    let archive = archive::Archive::start(&scratch.join("archive"), &[]);
    let sent = ingest("Muniment", &archive, &reports, &mut figures);
    let (ratio, peak) = (archive.stored_ratio(), archive.peak_mebibytes());
    println!(
        "\nstored / received {ratio:.3}; peak memory of the server {peak:.0} MiB; {sent} deliveries"
    );
    figures.push(json!({"what": "size", "stored_over_received": ratio, "peak_mib": peak}));

    println!("\none message's work, each part alone");
    for (part, time) in parts::parts(&reports) {
        println!("{part:32} {:>8.1} µs", time.as_secs_f64() * 1e6);
        figures.push(json!({"what": "part", "part": part, "us": time.as_secs_f64() * 1e6}));
    }
    figures.extend(queries(&archive.stop()));
    figures
}

fn queries(config: &Path) -> Vec<Value> {
    let config = Config::load(config).expect("its own configuration");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let opened = runtime.block_on(app::Archive::open(config)).expect("it opens");
    let index = opened.open_index().expect("its index opens");
    println!(
        "\nevery hit of a query\n{:20} {:>8} {:>9} {:>9}  query",
        "", "hits", "p50 ms", "p95 ms"
    );
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let kinds = queries::measure(&index).into_iter().map(|kind| {
        println!(
            "{:20} {:>8} {:>9.2} {:>9.2}  {}",
            kind.name,
            kind.hits,
            ms(kind.p50),
            ms(kind.p95),
            kind.query
        );
        json!({"what": "query", "kind": kind.name, "query": kind.query, "hits": kind.hits, "p50_ms": ms(kind.p50), "p95_ms": ms(kind.p95)})
    });
    kinds.collect()
}

/// Sends all reports over more and more connections; how many were sent.
fn ingest(
    what: &str,
    archive: &archive::Archive,
    reports: &[Vec<u8>],
    figures: &mut Vec<Value>,
) -> usize {
    let mut sent = 0;
    for connections in CONNECTIONS {
        let (cpu, begin) = (archive.cpu(), std::time::Instant::now());
        let run = load::send(archive.smtp, &archive.journal, reports, connections);
        figures.push(show(what, &run));
        let lag = archive.searchable();
        let rate = run.sent as f64 / begin.elapsed().as_secs_f64();
        let cpu = (archive.cpu() - cpu) / run.sent as u32;
        println!(
            "{:24} all searchable {:.1} s after the last 250: {rate:.0}/s searchable; {} µs CPU/message",
            "",
            lag.as_secs_f64(),
            cpu.as_micros()
        );
        figures.push(json!({"what": "searchable", "of": what, "connections": connections, "lag_s": lag.as_secs_f64(), "per_second": rate, "server_cpu_us": cpu.as_micros() as u64}));
        sent += run.sent;
    }
    sent
}

fn stored(corpus: &Path, scratch: &Path) -> Vec<Value> {
    println!(
        "\nstored / received\n{:20} {:>7} {:>9} {:>7} {:>7} {:>7} {:>8} {:>7} {:>8} {:>8}",
        "", "mails", "MB", "here", "zstd", "restic", "msg/s", "MB/s", "cpu µs", "MiB"
    );
    stored::measure(corpus, scratch).iter().map(stored::Stored::show).collect()
}

fn show(what: &str, run: &load::Run) -> Value {
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    println!(
        "{what:24} {:>5} {:>9.0} {:>8.1} {:>9.1} {:>9.1}",
        run.connections,
        run.per_second(),
        run.megabytes_per_second(),
        ms(run.p50),
        ms(run.p99)
    );
    json!({
        "what": what, "connections": run.connections, "per_second": run.per_second(),
        "mb_per_second": run.megabytes_per_second(), "p50_ms": ms(run.p50), "p99_ms": ms(run.p99),
    })
}

fn show_pst(pst: &pst::Figures) -> Value {
    let speed = |time: std::time::Duration| pst.bytes as f64 / 1e6 / time.as_secs_f64();
    println!(
        "\na PST of {} messages, {:.0} MB, durable\n{:24} {:>8.1} MB/s, memory {:.0} MiB at the peak, the mail in it\n\
         {:24} {:>8.1} MB/s",
        pst.messages,
        pst.bytes as f64 / 1e6,
        "written",
        speed(pst.write),
        pst.peak_mebibytes,
        "copied",
        speed(pst.copy)
    );
    match pst.read {
        Some(read) => println!("{:24} {:>8.1} MB/s", "read by readpst", speed(read)),
        None => println!("readpst is not here"),
    }
    json!({
        "what": "pst", "messages": pst.messages, "bytes": pst.bytes,
        "write_mb_per_second": speed(pst.write), "copy_mb_per_second": speed(pst.copy),
        "readpst_mb_per_second": pst.read.map(speed), "peak_mib": pst.peak_mebibytes,
    })
}

//! The load: the corpus's messages as journal reports, sent over N connections,
//! each transaction timed from its first byte to its acknowledgement.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use muniment::cmd::demo::source::Mail;
use muniment::mail::wrap::Style;

/// Every message under `paths`, wrapped as Exchange would, dots stuffed, with
/// its final dot.
pub fn reports(paths: &[PathBuf], most: usize) -> Vec<Vec<u8>> {
    let trouble = |_| ();
    let mail = Mail::new(paths, Style::default(), &trouble).expect("read the corpus");
    mail.take(most).map(|outgoing| stuffed(&outgoing.bytes)).collect()
}

fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(bytes.len() + 64);
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b".") {
            data.push(b'.');
        }
        data.extend_from_slice(line);
    }
    if !data.ends_with(b"\r\n") {
        data.extend_from_slice(b"\r\n");
    }
    data.extend_from_slice(b".\r\n");
    data
}

/// What a server receives of it: without the dots and the end.
pub fn received(data: &[u8]) -> Vec<u8> {
    let content = data.strip_suffix(b".\r\n").unwrap_or(data);
    let mut out = Vec::with_capacity(content.len());
    for line in content.split_inclusive(|&byte| byte == b'\n') {
        out.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    out
}

/// What one run measured.
pub struct Run {
    pub connections: usize,
    pub sent: usize,
    pub bytes: usize,
    pub elapsed: Duration,
    pub p50: Duration,
    pub p99: Duration,
}

impl Run {
    pub fn per_second(&self) -> f64 {
        self.sent as f64 / self.elapsed.as_secs_f64()
    }

    pub fn megabytes_per_second(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.elapsed.as_secs_f64()
    }
}

/// Sends all reports; every one must be acknowledged.
pub fn send(to: SocketAddr, journal: &str, reports: &[Vec<u8>], connections: usize) -> Run {
    let next = AtomicUsize::new(0);
    let times = Mutex::new(Vec::with_capacity(reports.len()));
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut mine = Vec::new();
                let mut line = Line::open(to).expect("connect");
                while let Some(report) = reports.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let at = Instant::now();
                    line.deliver(journal, report).expect("every report is acknowledged");
                    mine.push(at.elapsed());
                }
                times.lock().expect("no sender panics while it holds this").extend(mine);
            });
        }
    });
    let elapsed = begin.elapsed();
    let mut times = times.into_inner().expect("no sender panicked");
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    Run {
        connections,
        sent: times.len(),
        bytes: reports.iter().map(Vec::len).sum(),
        elapsed,
        p50: at(0.5),
        p99: at(0.99),
    }
}

struct Line {
    stream: BufReader<TcpStream>,
}

impl Line {
    fn open(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        let mut line = Self { stream: BufReader::new(stream) };
        line.expect("220")?;
        line.stream.get_mut().write_all(b"EHLO bench.example\r\n")?;
        line.expect("250")?;
        Ok(line)
    }

    fn deliver(&mut self, journal: &str, data: &[u8]) -> io::Result<()> {
        let head = format!("MAIL FROM:<>\r\nRCPT TO:<{journal}>\r\nDATA\r\n");
        self.stream.get_mut().write_all(head.as_bytes())?;
        self.expect("250")?;
        self.expect("250")?;
        self.expect("354")?;
        self.stream.get_mut().write_all(data)?;
        self.expect("250")
    }

    fn expect(&mut self, code: &str) -> io::Result<()> {
        loop {
            let mut reply = String::new();
            self.stream.read_line(&mut reply)?;
            if !reply.starts_with(code) {
                return Err(io::Error::other(format!("{code} expected, heard {reply:?}")));
            }
            if reply.as_bytes().get(3) != Some(&b'-') {
                return Ok(());
            }
        }
    }
}

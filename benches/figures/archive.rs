//! The archive under measurement: the real binary in a directory of its own,
//! seen from outside.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program, or another version of it to compare with.
pub fn binary() -> PathBuf {
    let other = std::env::var_os("MUNIMENT_BENCH_BINARY").map(PathBuf::from);
    other.unwrap_or_else(|| env!("CARGO_BIN_EXE_muniment").into())
}

pub struct Archive {
    child: Child,
    pub config: PathBuf,
    pub journal: String,
    pub smtp: SocketAddr,
    http: String,
}

impl Archive {
    /// Makes one at `data` with these options of `init`, and serves it.
    pub fn start(data: &Path, options: &[&str]) -> Self {
        let mut init = Command::new(binary());
        let made = init.args(["init", "--data"]).arg(data).args(options).output();
        let made = made.expect("run init");
        let said = String::from_utf8_lossy(&made.stdout).into_owned();
        let journal = said.lines().find_map(|line| line.strip_prefix("journal: "));
        let config = data.join("muniment.toml");
        let mut child = Command::new(binary())
            .args(["serve", "--config"])
            .arg(&config)
            .env("MUNIMENT__SMTP__LISTEN", "[\"127.0.0.1:0\"]")
            .env("MUNIMENT__HTTP__LISTEN", "127.0.0.1:0")
            .env("MUNIMENT__LOG__LEVEL", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .expect("run serve");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut said = |name: &str| {
            lines
                .by_ref()
                .map_while(Result::ok)
                .find_map(|line| Some(line.strip_prefix(name)?.to_owned()))
                .expect("serve says where it listens")
        };
        let smtp = said("smtp: ").parse().expect("an address");
        let http = said("http: http://");
        let journal = journal.expect("init says the journal address").to_owned();
        Self { child, config, journal, smtp, http }
    }

    /// The value of a metric.
    fn metric(&self, name: &str) -> Option<f64> {
        value(&self.metrics()?, name)
    }

    /// Deliveries, and how many of them cannot be found yet.
    pub fn progress(&self) -> Option<(f64, f64)> {
        let said = self.metrics()?;
        Some((value(&said, "muniment_deliveries")?, value(&said, "muniment_index_behind")?))
    }

    fn metrics(&self) -> Option<String> {
        let mut stream = TcpStream::connect(&self.http).ok()?;
        let request =
            format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.http);
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// Waits until everything acknowledged can be found.
    pub fn searchable(&self) -> Duration {
        let begin = Instant::now();
        let waits = |name| self.metric(name) != Some(0.0);
        while waits("muniment_index_behind") || waits("muniment_index_pending") {
            std::thread::sleep(Duration::from_millis(20));
        }
        begin.elapsed()
    }

    pub fn stored_ratio(&self) -> f64 {
        let metric = |name| self.metric(name).unwrap_or(f64::NAN);
        metric("muniment_bytes_stored") / metric("muniment_bytes_received")
    }

    /// Peak resident memory, in MiB (proc(5), VmHWM); without the workers.
    pub fn peak_mebibytes(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let kibibytes = status.ok().and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmHWM:"))?.to_owned();
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        });
        kibibytes.unwrap_or(f64::NAN) / 1024.0
    }

    /// Resident memory of the processes that read documents, now (proc(5)), in MiB.
    pub fn readers_mebibytes(&self) -> f64 {
        let parent = self.child.id().to_string();
        let processes = fs::read_dir("/proc").expect("proc is there").flatten();
        let kibibytes = processes.filter_map(|process| {
            let status = fs::read_to_string(process.path().join("status")).ok()?;
            let field =
                |name| Some(status.lines().find_map(|line| line.strip_prefix(name))?.trim());
            (field("PPid:")? == parent).then_some(())?;
            field("VmRSS:")?.split_whitespace().next()?.parse::<f64>().ok()
        });
        kibibytes.sum::<f64>() / 1024.0
    }

    /// Processor time of the server itself so far (proc(5), stat: ticks of 10 ms).
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let ticks = stat.ok().and_then(|stat| {
            let fields: Vec<u64> = stat
                .rsplit_once(')')?
                .1
                .split_whitespace()
                .filter_map(|f| f.parse().ok())
                .collect();
            // After the command: state, then numbers; utime and stime are the
            // 11th and 12th of those.
            Some(fields.get(10)? + fields.get(11)?)
        });
        Duration::from_millis(ticks.unwrap_or(0) * 10)
    }

    pub fn stop(mut self) -> PathBuf {
        let id = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _ = self.child.wait();
        self.config.clone()
    }
}

fn value(metrics: &str, name: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

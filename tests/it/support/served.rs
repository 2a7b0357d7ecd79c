//! The real binary, serving an archive in a directory, and a client that
//! survives its death.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use muniment::ingest::Receipt;

use super::binary;

/// An archive made by `init`.
pub struct Made {
    pub _directory: tempfile::TempDir,
    pub config: PathBuf,
    /// What `init` printed as `name: value`.
    pub said: HashMap<String, String>,
}

pub fn init() -> Made {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("archive");
    let said = init_by(Command::new(binary()), &data);
    Made { config: data.join("muniment.toml"), said, _directory: directory }
}

/// Makes an archive in `data` with a command that runs the binary.
pub fn init_by(mut command: Command, data: &Path) -> HashMap<String, String> {
    said_by(command.args(["init", "--data"]).arg(data))
}

/// What a command that makes an archive printed as `name: value`.
pub fn said_by(command: &mut Command) -> HashMap<String, String> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A process that serves.
pub struct Served {
    child: Child,
    pub smtp: SocketAddr,
    pub http: String,
}

impl Served {
    /// Starts `serve` on free ports; `None` if it died before it listened.
    pub fn start(config: &Path, environment: &[(&str, &str)]) -> Option<Self> {
        Self::start_by(Command::new(binary()), config, environment)
    }

    /// With a command that runs the binary.
    pub fn start_by(
        mut command: Command,
        config: &Path,
        environment: &[(&str, &str)],
    ) -> Option<Self> {
        let mut child = command
            .args(["serve", "--config"])
            .arg(config)
            .env("MUNIMENT__SMTP__LISTEN", "[\"127.0.0.1:0\"]")
            .env("MUNIMENT__HTTP__LISTEN", "127.0.0.1:0")
            .env("MUNIMENT__LOG__LEVEL", "warn")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = |name: &str| {
            lines
                .by_ref()
                .map_while(Result::ok)
                .find_map(|line| Some(line.strip_prefix(name)?.to_owned()))
        };
        match (said("smtp: "), said("http: ")) {
            (Some(smtp), Some(http)) => Some(Self { child, smtp: smtp.parse().unwrap(), http }),
            _ => {
                child.wait().unwrap();
                None
            }
        }
    }

    /// The whole answer to a GET of `path`, headers and all.
    pub fn get(&self, path: &str) -> String {
        let host = self.http.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(host).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        said
    }

    /// Whether all that is committed can be found, and nothing is still being read.
    pub fn is_settled(&self) -> bool {
        let metrics = self.get("/metrics");
        ["muniment_index_behind", "muniment_index_pending"]
            .iter()
            .all(|name| metrics.contains(&format!("\n{name} 0\n")))
    }

    /// Its workers, by their ids.
    pub fn children(&self) -> Vec<i32> {
        let own = self.child.id();
        let Ok(threads) = std::fs::read_dir(format!("/proc/{own}/task")) else { return Vec::new() };
        let lists = threads.filter_map(|thread| {
            std::fs::read_to_string(thread.ok()?.path().join("children")).ok()
        });
        lists
            .flat_map(|list| {
                list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has died by itself.
    pub fn died(mut self) {
        self.child.wait().unwrap();
    }

    /// Whether it is still there.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Asks it to stop and waits.
    pub fn stop(mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success(), "serve stopped badly");
    }
}

/// One that a failed test leaves behind is no load for the others.
impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection for many messages. Any error means: connect again.
pub struct Sender {
    stream: BufReader<TcpStream>,
}

impl Sender {
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_nodelay(true)?;
        let mut sender = Self { stream: BufReader::new(stream) };
        sender.reply("220")?;
        sender.ask("EHLO test.example\r\n", "250")?;
        Ok(sender)
    }

    /// Sends one message; its lines must end in CRLF.
    pub fn send(&mut self, journal: &str, message: &[u8]) -> io::Result<Receipt> {
        let head = format!("MAIL FROM:<>\r\nRCPT TO:<{journal}>\r\nDATA\r\n");
        self.stream.get_mut().write_all(head.as_bytes())?;
        self.reply("250")?;
        self.reply("250")?;
        self.reply("354")?;
        let mut data = Vec::with_capacity(message.len() + 64);
        for line in message.split_inclusive(|&byte| byte == b'\n') {
            if line.starts_with(b".") {
                data.push(b'.');
            }
            data.extend_from_slice(line);
        }
        data.extend_from_slice(b".\r\n");
        self.stream.get_mut().write_all(&data)?;
        let reply = self.reply("250")?;
        let mut words = reply.split_whitespace().skip(2);
        let wrong = || io::Error::other(format!("no receipt in {reply:?}"));
        let record = words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
        let leaf = words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
        Ok(Receipt { record, leaf })
    }

    fn ask(&mut self, command: &str, expected: &str) -> io::Result<String> {
        self.stream.get_mut().write_all(command.as_bytes())?;
        self.reply(expected)
    }

    /// The last line of a reply with the expected code.
    fn reply(&mut self, expected: &str) -> io::Result<String> {
        loop {
            let mut line = String::new();
            if self.stream.by_ref().take(4096).read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if !line.starts_with(expected) {
                return Err(io::Error::other(line));
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line);
            }
        }
    }
}

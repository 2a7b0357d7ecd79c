//! An authority of time stamps: `openssl ts` behind a small HTTP server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Stamps,
    /// With the answer to the request before.
    Replays,
    /// As another authority, which nobody trusts.
    Usurps,
    /// With a refusal.
    Refuses,
    /// With a page.
    Fails,
}

pub struct Authority {
    directory: tempfile::TempDir,
    pub url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    manner: Manner,
    requests: usize,
    last: Vec<u8>,
}

impl Authority {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["authority", "other"] {
            make(directory.path(), name);
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/tsa", listener.local_addr().unwrap());
        let state = State { manner: Manner::Stamps, requests: 0, last: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let (home, shared) = (directory.path().to_owned(), state.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                // A client that is gone is not answered.
                let _ = answer(client.unwrap(), &home, &shared);
            }
        });
        Self { directory, url, state }
    }

    /// The certificate that its stamps lead to.
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    pub fn answers(&self, manner: Manner) {
        self.state.lock().unwrap().manner = manner;
    }

    pub fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }

    /// A stamp of these bytes, without asking over HTTP.
    pub fn stamp(&self, bytes: &[u8]) -> Vec<u8> {
        let imprint = muniment::base::hash::Digest::of(bytes);
        let request = muniment::ledger::stamp::request(&imprint, [7; 8]);
        reply(self.directory.path(), "authority", &request)
    }

    /// Whether `openssl` finds that the stamp is of the bytes.
    pub fn verifies(&self, stamp: &[u8], bytes: &[u8]) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let (data, answer) = (folder.path().join("data"), folder.path().join("stamp.tsr"));
        std::fs::write(&data, bytes).unwrap();
        std::fs::write(&answer, stamp).unwrap();
        let mut verify = Command::new("openssl");
        verify.args(["ts", "-verify", "-data"]).arg(data).arg("-in").arg(answer);
        verify.arg("-CAfile").arg(self.root()).output().unwrap().status.success()
    }
}

fn openssl(home: &Path, line: &str) {
    let output = Command::new("sh").args(["-c", line]).current_dir(home).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A root, and a certificate below it for stamps.
fn make(home: &Path, name: &str) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(
        home,
        &format!(
            "openssl req -x509 {key} -days 2 -subj '/CN=The {name}' -keyout {name}.key \
             -out {name}.pem -addext basicConstraints=critical,CA:true"
        ),
    );
    let uses = "extendedKeyUsage=critical,timeStamping\nbasicConstraints=CA:false\n";
    std::fs::write(home.join("uses"), uses).unwrap();
    openssl(
        home,
        &format!(
            "openssl req {key} -subj '/CN=Stamps of {name}' -keyout {name}-tsa.key -out csr && \
             openssl x509 -req -in csr -CA {name}.pem -CAkey {name}.key -CAcreateserial -days 2 \
             -extfile uses -out {name}-tsa.pem"
        ),
    );
    let settings = format!(
        "[tsa]\nserial = {}/{name}.serial\nsigner_digest = sha256\ndefault_policy = 1.2.3.4\n\
         digests = sha256\ness_cert_id_alg = sha256\n",
        home.display()
    );
    std::fs::write(home.join(format!("{name}.cnf")), settings).unwrap();
    std::fs::write(home.join(format!("{name}.serial")), "01\n").unwrap();
}

fn reply(home: &Path, name: &str, request: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (query, answer) = (folder.path().join("query"), folder.path().join("answer"));
    std::fs::write(&query, request).unwrap();
    openssl(
        home,
        &format!(
            "openssl ts -reply -config {name}.cnf -section tsa -queryfile {} -signer \
             {name}-tsa.pem -inkey {name}-tsa.key -out {}",
            query.display(),
            answer.display()
        ),
    );
    std::fs::read(answer).unwrap()
}

fn answer(client: TcpStream, home: &Path, state: &Mutex<State>) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    let (mut length, mut kind, mut line) = (0, String::new(), String::new());
    loop {
        line.clear();
        client.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-type") => {
                kind = value.to_owned();
            }
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    assert_eq!(kind, "application/timestamp-query");
    let mut request = vec![0; length];
    client.read_exact(&mut request)?;
    let mut state = state.lock().unwrap();
    state.requests += 1;
    let stamped = match state.manner {
        Manner::Usurps => reply(home, "other", &request),
        // A hash that it does not take.
        Manner::Refuses => reply(home, "authority", &request[..20]),
        _ => reply(home, "authority", &request),
    };
    let stamped = match state.manner {
        Manner::Replays => state.last.clone(),
        _ => stamped,
    };
    state.last = stamped.clone();
    let (status, kind, body) = match state.manner {
        Manner::Fails => ("503 Service Unavailable", "text/html", b"<h1>Later</h1>".to_vec()),
        _ => ("200 OK", "application/timestamp-reply", stamped),
    };
    drop(state);
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let out = client.get_mut();
    out.write_all(head.as_bytes())?;
    out.write_all(&body)
}

//! A relay for outgoing mail: `tests/tools/mail-sink`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

pub struct MailSink {
    child: Child,
    directory: tempfile::TempDir,
    pub port: u16,
}

impl MailSink {
    /// None, said loudly, where no Python has what it needs.
    pub fn start() -> Option<Self> {
        let has = |python: &&str| {
            let tried = Command::new(python).args(["-c", "import aiosmtpd"]).output();
            tried.is_ok_and(|output| output.status.success())
        };
        let Some(python) = ["python3", "/usr/bin/python3"].into_iter().find(has) else {
            eprintln!("SKIPPED: no Python has aiosmtpd for a relay (deploy/deps.sh test)");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        make_certificate(directory.path());
        let file = |name: &str| directory.path().join(name);
        let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/mail-sink");
        let mut child = Command::new(python)
            .arg(tool)
            .arg(directory.path())
            .args([file("server.pem"), file("server.key")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut port).unwrap();
        Some(Self { port: port.trim().parse().unwrap(), child, directory })
    }

    /// Who says that the relay is who it is.
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("root.pem")
    }

    /// A file with the name and password that it takes.
    pub fn credentials(&self) -> PathBuf {
        let path = self.directory.path().join("credentials");
        std::fs::write(&path, "archive\nrelay-password\n").unwrap();
        path
    }

    /// The envelope and the bytes of the nth message.
    pub fn message(&self, number: usize) -> Option<(Value, Vec<u8>)> {
        let path = |end| self.directory.path().join(format!("{number}.{end}"));
        let bytes = std::fs::read(path("eml")).ok()?;
        Some((serde_json::from_slice(&std::fs::read(path("json")).unwrap()).unwrap(), bytes))
    }
}

fn make_certificate(home: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    let line = format!(
        "openssl req -x509 {key} -days 2 -subj '/CN=Root of the relay' -keyout root.key -out \
         root.pem -addext basicConstraints=critical,CA:true && \
         openssl req {key} -subj '/CN=relay' -keyout server.key -out csr && \
         echo 'subjectAltName = IP:127.0.0.1' > names && \
         openssl x509 -req -in csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 \
         -extfile names -out server.pem"
    );
    let output = Command::new("sh").args(["-c", &line]).current_dir(home).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl Drop for MailSink {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

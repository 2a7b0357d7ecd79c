//! SMTP dialogues as data files.
//!
//! ```text
//! # what the dialogue shows
//! ! idle_seconds = 1     a key of [smtp] to change
//! C: text                sent with CRLF
//! C< text\r\n            sent as written, with escapes \r \n \t \0 \\ \xHH
//! S: prefix              the next line received begins with this
//! S* code                a whole reply, of any number of lines
//! END                    the server closes
//! KEPT text              the next delivery that is kept holds exactly this
//! ```

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any answer takes on a loaded machine; a test that waits for it fails.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Dialogue {
    pub settings: String,
    steps: Vec<String>,
    pub kept: Vec<Vec<u8>>,
}

impl Dialogue {
    pub fn parse(text: &str) -> Self {
        let mut dialogue = Self { settings: String::new(), steps: Vec::new(), kept: Vec::new() };
        for line in text.lines() {
            if let Some(setting) = line.strip_prefix("! ") {
                dialogue.settings += &format!("{setting}\n");
            } else if let Some(content) = line.strip_prefix("KEPT") {
                dialogue.kept.push(unescape(content.strip_prefix(' ').unwrap_or(content)));
            } else if !line.is_empty() && !line.starts_with('#') {
                dialogue.steps.push(line.to_owned());
            }
        }
        dialogue
    }

    /// Speaks it; panics with the step at which the server answered otherwise.
    pub fn speak(&self, address: SocketAddr) {
        let mut client = Client::connect(address);
        for (index, step) in self.steps.iter().enumerate() {
            let at = format!("step {}: {step}", index + 1);
            match (step.get(..3), step.get(3..)) {
                (Some("C: "), Some(text)) => client.send(format!("{text}\r\n").as_bytes()),
                (Some("C< "), Some(text)) => client.send(&unescape(text)),
                (Some("S: "), Some(prefix)) => {
                    let line = client.line();
                    assert!(line.starts_with(prefix), "{at}\nreceived: {line}");
                }
                (Some("S* "), Some(code)) => {
                    let reply = client.reply();
                    assert!(reply.starts_with(code), "{at}\nreceived: {reply}");
                }
                (Some("END"), _) => assert_eq!(client.rest(), "", "{at}"),
                _ => panic!("{at}\nis no step"),
            }
        }
    }
}

/// A client that waits for answers and knows nothing of SMTP.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    pub fn into_stream(self) -> TcpStream {
        self.stream.into_inner()
    }

    pub fn send(&mut self, bytes: &[u8]) {
        // The server may have closed: its answer, not this, is what is checked.
        let _ = self.stream.get_mut().write_all(bytes);
    }

    /// One line without its CRLF; empty at the end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("the server answers in time");
        line.trim_end_matches("\r\n").to_owned()
    }

    /// The last line of a reply, whose other lines must have the same code.
    pub fn reply(&mut self) -> String {
        loop {
            let line = self.line();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    /// Sends a command and returns its reply.
    pub fn ask(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n").as_bytes());
        self.reply()
    }

    /// Greets and opens a transaction with one recipient.
    pub fn open_transaction(&mut self, recipient: &str) {
        assert!(self.reply().starts_with("220"));
        assert!(self.ask("EHLO client.test").starts_with("250"));
        assert!(self.ask("MAIL FROM:<sender@example.com>").starts_with("250"));
        assert!(self.ask(&format!("RCPT TO:<{recipient}>")).starts_with("250"));
    }

    /// Delivers `content` exactly, in a session that was greeted, and returns
    /// the answer, which must be a receipt.
    pub fn deliver(&mut self, recipient: &str, content: &[u8]) -> String {
        let chunk = format!("BDAT {} LAST\r\n", content.len());
        let envelope = format!("MAIL FROM:<>\r\nRCPT TO:<{recipient}>\r\n");
        self.send(&[envelope.as_bytes(), chunk.as_bytes(), content].concat());
        assert!(self.reply().starts_with("250 2.1.0"));
        assert!(self.reply().starts_with("250 2.1.5"));
        let receipt = self.reply();
        assert!(receipt.starts_with("250 2.0.0"), "{receipt}");
        receipt
    }

    /// Sends `content`, which ends in CRLF, by DATA, with the periods that
    /// RFC 5321 section 4.5.2 asks for.
    pub fn send_data(&mut self, content: &[u8]) {
        assert!(content.ends_with(b"\r\n"), "DATA cannot carry another end");
        assert!(self.ask("DATA").starts_with("354"));
        let mut wire = Vec::with_capacity(content.len() + 3);
        for &byte in content {
            if byte == b'.' && (wire.is_empty() || wire.ends_with(b"\r\n")) {
                wire.push(b'.');
            }
            wire.push(byte);
        }
        wire.extend_from_slice(b".\r\n");
        self.send(&wire);
    }

    /// Whatever comes until the server closes.
    pub fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("the server did not close")
            }
            _ => String::from_utf8_lossy(&rest).into_owned(),
        }
    }
}

pub fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut left = text.bytes();
    while let Some(byte) = left.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match left.next() {
            Some(b'r') => bytes.push(b'\r'),
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'0') => bytes.push(0),
            Some(b'\\') => bytes.push(b'\\'),
            Some(b'x') => {
                let digits = [left.next().unwrap(), left.next().unwrap()];
                bytes.extend(hex::decode(digits).unwrap());
            }
            other => panic!("no escape: {other:?} in {text}"),
        }
    }
    bytes
}

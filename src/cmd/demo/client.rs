//! An SMTP client that sends deliveries over several connections and counts
//! what was acknowledged.
//!
//! Each transaction goes out in one write (RFC 2920 and, for the data, BDAT of
//! RFC 3030), as Exchange does. A `4xx` and a lost connection are tried again with growing
//! pauses; a delivery whose acknowledgement was lost is sent twice, which the
//! archive keeps as two deliveries.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures::future::join_all;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Attempts for one delivery; with the pauses between them about a minute.
const ATTEMPTS_MAX: u32 = 12;
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);
const REPLY_BYTES_MAX: u64 = 8192;
const REPLY_TIME_MAX: Duration = Duration::from_secs(120);

/// One delivery to send.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Without angle brackets; empty for the null reverse-path.
    pub reverse_path: String,
    pub bytes: Vec<u8>,
}

/// What became of the deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub acknowledged: u64,
    pub acknowledged_bytes: u64,
    /// Refused for good.
    pub refused: u64,
    pub first_refusal: Option<String>,
}

/// Sends `mail` to the journal address over `connections` connections;
/// `progress` is told how many are acknowledged.
pub async fn send(
    mail: impl Iterator<Item = Outgoing>,
    to: SocketAddr,
    journal_address: &str,
    connections: usize,
    progress: &dyn Fn(u64),
) -> anyhow::Result<Summary> {
    let mail = RefCell::new(mail);
    let acknowledged = Cell::new(0);
    let lanes = (0..connections.max(1)).map(|_| async {
        let mut lane = Lane { to, journal_address, connection: None, summary: Summary::default() };
        loop {
            // Borrowed only between two awaits.
            let Some(outgoing) = mail.borrow_mut().next() else { break };
            if lane.deliver(&outgoing).await? {
                acknowledged.set(acknowledged.get() + 1);
                progress(acknowledged.get());
            }
        }
        lane.quit().await;
        anyhow::Ok(lane.summary)
    });
    let mut total = Summary::default();
    for lane in join_all(lanes).await {
        let lane = lane?;
        total.acknowledged += lane.acknowledged;
        total.acknowledged_bytes += lane.acknowledged_bytes;
        total.refused += lane.refused;
        total.first_refusal = total.first_refusal.or(lane.first_refusal);
    }
    Ok(total)
}

/// One connection's worth of sending, over as many connections as it takes.
struct Lane<'a> {
    to: SocketAddr,
    journal_address: &'a str,
    connection: Option<Connection>,
    summary: Summary,
}

impl Lane<'_> {
    /// Delivers one; false if it was refused for good.
    async fn deliver(&mut self, outgoing: &Outgoing) -> anyhow::Result<bool> {
        let mut pause = PAUSE_MIN;
        let mut last = String::new();
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(outgoing).await {
                Ok(Reply { code: 200..=299, .. }) => {
                    self.summary.acknowledged += 1;
                    self.summary.acknowledged_bytes += outgoing.bytes.len() as u64;
                    return Ok(true);
                }
                Ok(reply) if reply.code >= 500 => {
                    self.summary.refused += 1;
                    self.summary.first_refusal.get_or_insert(reply.text);
                    return Ok(false);
                }
                Ok(reply) => last = reply.text,
                Err(error) => {
                    self.connection = None;
                    last = format!("{error:#}");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        bail!("{} does not take mail after {ATTEMPTS_MAX} attempts; it last said: {last}", self.to)
    }

    async fn attempt(&mut self, outgoing: &Outgoing) -> anyhow::Result<Reply> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => self.connection.insert(Connection::open(self.to).await?),
        };
        let reply = connection.transaction(outgoing, self.journal_address).await?;
        if reply.code == 421 {
            self.connection = None;
        }
        Ok(reply)
    }

    async fn quit(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            // Everything is acknowledged; how the connection ends is no matter.
            let _ = connection.stream.write_all(b"QUIT\r\n").await;
            let _ = connection.reply().await;
        }
    }
}

struct Reply {
    code: u16,
    text: String,
}

struct Connection {
    stream: BufReader<TcpStream>,
    has_chunking: bool,
}

impl Connection {
    async fn open(to: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(to).await.with_context(|| format!("connect to {to}"))?;
        stream.set_nodelay(true)?;
        let mut connection = Self { stream: BufReader::new(stream), has_chunking: false };
        connection.reply().await?.expect(220)?;
        connection.stream.write_all(b"EHLO demo.muniment.example\r\n").await?;
        let greeting = connection.reply().await?.expect(250)?;
        connection.has_chunking = greeting.text.contains("CHUNKING");
        Ok(connection)
    }

    /// One mail transaction; the reply that settles it.
    async fn transaction(&mut self, mail: &Outgoing, to: &str) -> anyhow::Result<Reply> {
        let size = mail.bytes.len();
        let mut batch =
            format!("MAIL FROM:<{}> SIZE={size}\r\nRCPT TO:<{to}>\r\n", mail.reverse_path);
        if self.has_chunking {
            batch.push_str(&format!("BDAT {size} LAST\r\n"));
            let mut batch = batch.into_bytes();
            batch.extend_from_slice(&mail.bytes);
            self.stream.write_all(&batch).await?;
            return self.settle(3).await;
        }
        batch.push_str("DATA\r\n");
        self.stream.write_all(batch.as_bytes()).await?;
        let reply = self.settle(3).await?;
        if reply.code != 354 {
            return Ok(reply);
        }
        self.stream.write_all(&stuffed(&mail.bytes)).await?;
        self.reply().await
    }

    /// Reads `count` replies; the first that is no success, or the last.
    async fn settle(&mut self, count: usize) -> anyhow::Result<Reply> {
        let mut first_bad = None;
        for left in (0..count).rev() {
            let reply = self.reply().await?;
            if reply.code == 421 {
                return Ok(reply);
            }
            if left == 0 && first_bad.is_none() {
                return Ok(reply);
            }
            if reply.code >= 400 {
                first_bad.get_or_insert(reply);
            }
        }
        self.stream.write_all(b"RSET\r\n").await?;
        self.reply().await?;
        first_bad.context("the server answered out of turn")
    }

    /// One reply of one or more lines (RFC 5321 section 4.2).
    async fn reply(&mut self) -> anyhow::Result<Reply> {
        let reading = async {
            let mut text = String::new();
            loop {
                let mut line = String::new();
                let bounded = &mut (&mut self.stream).take(REPLY_BYTES_MAX);
                if bounded.read_line(&mut line).await? == 0 {
                    bail!("the server closed the connection");
                }
                text.push_str(line.trim_end());
                if line.as_bytes().get(3) != Some(&b'-') {
                    let code = line.get(..3).and_then(|code| code.parse().ok());
                    let code = code.context("the server's reply has no code")?;
                    return Ok(Reply { code, text });
                }
                text.push('\n');
            }
        };
        tokio::time::timeout(REPLY_TIME_MAX, reading).await.context("the server does not reply")?
    }
}

impl Reply {
    fn expect(self, code: u16) -> anyhow::Result<Self> {
        if self.code != code {
            bail!("the server said: {}", self.text);
        }
        Ok(self)
    }
}

/// The data with its dots doubled and its end (RFC 5321 section 4.5.2).
fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 64 + 8);
    let mut is_line_start = true;
    for line in bytes.split_inclusive(|c| *c == b'\n') {
        if is_line_start && line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
        is_line_start = line.ends_with(b"\r\n");
    }
    let end: &[u8] =
        if bytes.ends_with(b"\r\n") || bytes.is_empty() { b".\r\n" } else { b"\r\n.\r\n" };
    out.extend_from_slice(end);
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn dots_are_doubled_at_line_starts_only() {
        assert_eq!(super::stuffed(b".a\r\nb.\r\n..\r\n"), b"..a\r\nb.\r\n...\r\n.\r\n");
        assert_eq!(super::stuffed(b"a\n.b"), b"a\n.b\r\n.\r\n");
        assert_eq!(super::stuffed(b""), b".\r\n");
    }
}

//! A connection's bytes, both ways, in plain text or over TLS.
//!
//! Replies gather in a buffer and go out when the peer is waited for, so that
//! pipelined commands share a packet (RFC 2920 section 3.2).

use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::server::TlsStream;

use super::line::{Input, Line};
use super::pace::Pace;
use super::reply::Reply;
use crate::base::limits;

/// Why a connection ends without a QUIT.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("the peer closed the connection")]
    Closed,
    #[error("the peer was idle too long")]
    Idle,
    #[error("the peer's message came too slowly")]
    Slow,
    #[error("the server is stopping")]
    Stopping,
    #[error("the connection broke")]
    Broken(#[from] io::Error),
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

pub(super) struct Wire {
    stream: Stream,
    input: Input,
    out: Vec<u8>,
    idle: Duration,
    /// Of the commands since the last message that was kept.
    commands: Pace,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, idle: Duration) -> Self {
        Self::of(Stream::Plain(stream), idle)
    }

    pub(super) fn tls(stream: TlsStream<TcpStream>, idle: Duration) -> Self {
        Self::of(Stream::Tls(Box::new(stream)), idle)
    }

    fn of(stream: Stream, idle: Duration) -> Self {
        let commands = commands_pace(idle);
        Self { stream, input: Input::default(), out: Vec::new(), idle, commands }
    }

    /// The socket alone, for the handshake. What came before it is dropped.
    pub(super) fn into_plain(self) -> Option<TcpStream> {
        match self.stream {
            Stream::Plain(stream) => Some(stream),
            Stream::Tls(_) => None,
        }
    }

    pub(super) fn answer(&mut self, reply: &Reply) {
        reply.write(&mut self.out);
    }

    pub(super) fn pending(&self) -> &[u8] {
        self.input.pending()
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.input.consume(count);
    }

    /// A message was kept: the peer has earned its seat again.
    pub(super) fn delivered(&mut self) {
        self.commands = commands_pace(self.idle);
    }

    /// The next command line. The whole line must come within the idle time.
    pub(super) async fn line(&mut self) -> Result<Line, Ended> {
        let patience = self.idle.min(self.commands.left());
        let begun = Instant::now();
        let line = async {
            loop {
                match self.input.line() {
                    Line::Partial => self.read().await?,
                    line => return Ok(line),
                }
            }
        };
        let line = timeout(patience, line).await.unwrap_or(Err(Ended::Idle));
        self.commands.spent(begun.elapsed(), 0);
        line
    }

    /// Waits until something of a message is pending, as long as `pace` allows.
    pub(super) async fn fill(&mut self, pace: &mut Pace) -> Result<(), Ended> {
        if !self.pending().is_empty() {
            return Ok(());
        }
        let patience = self.idle.min(pace.left());
        let begun = Instant::now();
        let read = timeout(patience, self.read()).await;
        pace.spent(begun.elapsed(), self.pending().len());
        match read {
            Ok(read) => read,
            Err(_) if patience < self.idle => Err(Ended::Slow),
            Err(_) => Err(Ended::Idle),
        }
    }

    /// For content that nothing is known of yet.
    pub(super) fn pace(&self) -> Pace {
        Pace::new(self.idle)
    }

    async fn read(&mut self) -> Result<(), Ended> {
        self.write().await?;
        let room = self.input.room();
        let count = match &mut self.stream {
            Stream::Plain(stream) => stream.read_buf(room).await,
            Stream::Tls(stream) => stream.read_buf(room).await,
        };
        match count {
            Ok(0) => Err(Ended::Closed),
            Ok(_) => Ok(()),
            // Many a client closes without the alert of RFC 8446 section 6.1. Nothing
            // is taken for whole because a connection ended.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(Ended::Closed),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn flush(&mut self) -> Result<(), Ended> {
        let idle = self.idle;
        timeout(idle, self.write()).await.unwrap_or(Err(Ended::Idle))
    }

    async fn write(&mut self) -> Result<(), Ended> {
        if self.out.is_empty() {
            return Ok(());
        }
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(&self.out).await?,
            Stream::Tls(stream) => {
                stream.write_all(&self.out).await?;
                stream.flush().await?;
            }
        }
        self.out.clear();
        Ok(())
    }

    /// Sends what is left and says goodbye to the transport.
    ///
    /// What the peer still sends is read for a moment: closing over unread
    /// bytes resets the connection, and the last reply may never be seen.
    pub(super) async fn close(mut self) {
        let linger = Duration::from_secs(limits::SMTP_LINGER_SECONDS);
        let goodbye = async {
            self.write().await?;
            match &mut self.stream {
                Stream::Plain(stream) => stream.shutdown().await?,
                Stream::Tls(stream) => stream.shutdown().await?,
            }
            for _ in 0..limits::SMTP_LINGER_READS_MAX {
                self.input.discard();
                self.read().await?;
            }
            Ok::<(), Ended>(())
        };
        // However it ends, the connection is over.
        let _ = timeout(linger, goodbye).await;
    }
}

fn commands_pace(idle: Duration) -> Pace {
    Pace::new(idle * limits::SMTP_IDLE_TIMES_MAX)
}

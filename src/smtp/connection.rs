//! One connection from greeting to goodbye: moves bytes between the wire, the
//! session's dialogue and ingest.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::bdat::Chunk;
use super::body::Body;
use super::data::Data;
use super::line::Line;
use super::listener::{Shared, stopped};
use super::reply::Reply;
use super::session::{Act, Session, too_large};
use super::wire::{Ended, Wire};

/// Whether the dialogue goes on after a command.
enum Next {
    Command,
    StartTls,
    Close,
}

struct Connection {
    shared: Arc<Shared>,
    wire: Wire,
    session: Session,
    /// The last DATA was refused, and no command has come since.
    is_data_refused: bool,
}

/// Serves one connection to its end.
pub(super) async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: IpAddr,
    mut stopping: watch::Receiver<bool>,
) {
    let wire = Wire::new(stream, shared.settings.idle);
    let session = Session::new(shared.settings.clone(), peer);
    let mut connection = Connection { shared, wire, session, is_data_refused: false };
    connection.wire.answer(&connection.session.greeting());
    let ended = loop {
        match connection.dialogue(&mut stopping).await {
            Ok(Next::StartTls) => match connection.start_tls().await {
                Ok(secured) => connection = secured,
                Err(ended) => return log(peer, &ended),
            },
            Ok(_) => break None,
            Err(ended) => break Some(ended),
        }
    };
    let host = connection.shared.settings.hostname.clone();
    match &ended {
        Some(Ended::Idle) => {
            connection.wire.answer(&Reply::new(421, "4.4.2", format!("{host} Idle too long")));
        }
        Some(Ended::Slow) => {
            connection.wire.answer(&Reply::new(421, "4.4.2", format!("{host} Too slow")));
        }
        Some(Ended::Stopping) => {
            connection.wire.answer(&Reply::new(421, "4.3.2", format!("{host} Shutting down")));
        }
        _ => {}
    }
    if let Some(ended) = ended {
        log(peer, &ended);
    }
    connection.wire.close().await;
}

fn log(peer: IpAddr, ended: &Ended) {
    match ended {
        Ended::Broken(error) => tracing::info!(%peer, %error, "{ended}"),
        _ => tracing::debug!(%peer, "{ended}"),
    }
}

impl Connection {
    /// Commands and their answers, until TLS begins or the session ends.
    async fn dialogue(&mut self, stopping: &mut watch::Receiver<bool>) -> Result<Next, Ended> {
        loop {
            let line = tokio::select! {
                biased;
                () = stopped(stopping) => return Err(Ended::Stopping),
                line = self.wire.line() => line?,
            };
            let act = match line {
                Line::Whole(line) => self.session.command(&line, self.shared.ingest.sources()),
                Line::Endless => Act::Close(Reply::new(500, "5.5.2", "Line without end, closing")),
                Line::TooLong => Act::Answer(Reply::new(500, "5.5.2", "Line too long")),
                // What follows was perhaps one line to whoever relayed it.
                _ => Act::Close(Reply::new(521, "5.5.2", "Lines end with CR LF, closing")),
            };
            let act = match act {
                // Content that comes although it was refused is not read as commands.
                Act::Answer(reply) if self.is_data_refused && reply.is_unrecognized() => {
                    Act::Close(reply)
                }
                act => act,
            };
            self.is_data_refused = false;
            match self.act(act).await? {
                Next::Command => {}
                next => return Ok(next),
            }
        }
    }

    async fn act(&mut self, act: Act) -> Result<Next, Ended> {
        match act {
            Act::Answer(reply) => Ok(self.answer(&reply)),
            Act::Close(reply) => {
                self.wire.answer(&reply);
                Ok(Next::Close)
            }
            Act::StartTls => Ok(Next::StartTls),
            Act::Data => self.data().await,
            Act::RefuseData(reply) => Ok(self.refuse_data(&reply)),
            Act::Chunk { size, is_last } => self.chunk(size, is_last).await,
            Act::SkipChunk { size, reply } => self.skip_chunk(size, &reply).await,
        }
    }

    fn answer(&mut self, reply: &Reply) -> Next {
        self.wire.answer(reply);
        match self.session.after(reply) {
            Some(last) => {
                self.wire.answer(&last);
                Next::Close
            }
            None => Next::Command,
        }
    }

    fn open(&self) -> Result<Body, Reply> {
        let now = self.shared.clock.now();
        match self.session.transaction(now) {
            Some(transaction) => {
                let size_bytes_max = self.shared.settings.size_bytes_max;
                Body::open(&self.shared.ingest, transaction, size_bytes_max, self.wire.pace())
            }
            None => Err(Reply::new(503, "5.5.1", "Say MAIL and RCPT first")),
        }
    }

    async fn data(&mut self) -> Result<Next, Ended> {
        let mut body = match self.open() {
            Ok(body) => body,
            Err(reply) => {
                self.session.end_transaction();
                return Ok(self.refuse_data(&reply));
            }
        };
        self.wire.answer(&Reply::plain(354, "End with <CRLF>.<CRLF>"));
        self.wire.flush().await?;
        let mut data = Data::new();
        let mut content = Vec::new();
        loop {
            self.wire.fill(&mut body.pace).await?;
            content.clear();
            let ended = data.push(self.wire.pending(), &mut content);
            self.wire.consume(ended.unwrap_or(usize::MAX));
            if !content.is_empty() {
                body.write(&content).await;
            }
            if ended.is_some() {
                break;
            }
            if body.is_flood() {
                return Ok(self.flood());
            }
        }
        Ok(self.finish(body).await)
    }

    async fn finish(&mut self, body: Body) -> Next {
        let reply = body.finish().await;
        self.session.end_transaction();
        if reply.code == 250 {
            self.session.delivered();
            self.wire.delivered();
        }
        self.answer(&reply)
    }

    /// DATA is the last of a pipelined group (RFC 2920 section 3.1): whoever
    /// sent more did not wait for 354, and it would be read as commands.
    fn refuse_data(&mut self, reply: &Reply) -> Next {
        self.is_data_refused = true;
        let next = self.answer(reply);
        if self.wire.pending().is_empty() { next } else { Next::Close }
    }

    async fn chunk(&mut self, size: u64, is_last: bool) -> Result<Next, Ended> {
        let mut body = match self.session.take_chunks() {
            Some(body) => body,
            None => match self.open() {
                Ok(body) => body,
                Err(reply) => {
                    self.session.end_transaction();
                    return self.skip_chunk(size, &reply).await;
                }
            },
        };
        let mut chunk = Chunk::new(size);
        while !chunk.is_complete() {
            self.wire.fill(&mut body.pace).await?;
            let taken = chunk.take(self.wire.pending());
            let count = taken.len();
            body.write(taken).await;
            self.wire.consume(count);
            if body.is_flood() {
                return Ok(self.flood());
            }
        }
        if is_last {
            return Ok(self.finish(body).await);
        }
        let reply = match body.refusal() {
            // Said again to every further chunk: they may be pipelined already.
            Some(refusal) => refusal.clone(),
            None => Reply::new(250, "2.0.0", format!("{size} octets received")),
        };
        self.session.keep_chunks(body);
        Ok(self.answer(&reply))
    }

    /// Reads past a chunk that was refused, since its octets are not commands.
    async fn skip_chunk(&mut self, size: u64, reply: &Reply) -> Result<Next, Ended> {
        if size > self.shared.settings.size_bytes_max {
            return Ok(self.flood());
        }
        let mut chunk = Chunk::new(size);
        let mut pace = self.wire.pace();
        while !chunk.is_complete() {
            self.wire.fill(&mut pace).await?;
            let count = chunk.take(self.wire.pending()).len();
            self.wire.consume(count);
        }
        Ok(self.answer(reply))
    }

    fn flood(&mut self) -> Next {
        self.wire.answer(&too_large());
        Next::Close
    }

    /// Answers STARTTLS and shakes hands. The new connection starts with an
    /// empty input: commands injected in plain text behind STARTTLS are gone.
    async fn start_tls(mut self) -> Result<Self, Ended> {
        self.wire.answer(&Reply::new(220, "2.0.0", "Ready to start TLS"));
        self.wire.flush().await?;
        let (Some(tls), Some(stream)) = (&self.shared.tls, self.wire.into_plain()) else {
            return Err(Ended::Closed);
        };
        let idle: Duration = self.shared.settings.idle;
        let stream = match timeout(idle, tls.accept(stream)).await {
            Ok(stream) => stream?,
            Err(_) => return Err(Ended::Idle),
        };
        let secured = tls.secured(stream.get_ref().1, self.shared.clock.now());
        metrics::counter!("muniment_smtp_tls_total").increment(1);
        self.session.secured(secured);
        let wire = Wire::tls(stream, idle);
        Ok(Self { wire, session: self.session, shared: self.shared, is_data_refused: false })
    }
}

//! One session's dialogue: which command is allowed when, and what it is
//! answered. No input or output happens here.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use super::Settings;
use super::body::Body;
use super::command::{self, Command, ParseError};
use super::reply::Reply;
use super::tls::Secured;
use crate::base::clock::Timestamp;
use crate::base::config::StartTls;
use crate::base::limits;
use crate::ingest::sources::{Refused, Sources};
use crate::mail::transaction::Transaction;

/// What the connection does next.
pub(super) enum Act {
    Answer(Reply),
    /// Answers and ends the connection.
    Close(Reply),
    StartTls,
    Data,
    /// DATA was refused: what is pipelined behind it is content, not commands.
    RefuseData(Reply),
    Chunk {
        size: u64,
        is_last: bool,
    },
    /// A chunk that is not wanted must still be read past (RFC 3030 section 2).
    SkipChunk {
        size: u64,
        reply: Reply,
    },
}

/// A transaction between MAIL and the end of its data.
struct Envelope {
    reverse_path: String,
    /// The source that every recipient belongs to.
    source: Option<String>,
    recipients: Vec<String>,
    /// What BDAT brought so far. Dropped with the transaction, which discards it.
    chunks: Option<Body>,
}

pub(super) struct Session {
    settings: Arc<Settings>,
    peer: IpAddr,
    secured: Option<Secured>,
    helo: Option<String>,
    envelope: Option<Envelope>,
    commands: usize,
    /// Since the last message that was kept, those that are of no message.
    idle_commands: usize,
    errors: usize,
}

impl Session {
    pub(super) fn new(settings: Arc<Settings>, peer: IpAddr) -> Self {
        Self {
            settings,
            peer,
            secured: None,
            helo: None,
            envelope: None,
            commands: 0,
            idle_commands: 0,
            errors: 0,
        }
    }

    pub(super) fn greeting(&self) -> Reply {
        Reply::plain(220, format!("{} ESMTP Muniment", self.settings.hostname))
    }

    /// TLS begins: all that was said before is forgotten (RFC 3207 section 4.2).
    pub(super) fn secured(&mut self, secured: Secured) {
        self.secured = Some(secured);
        self.helo = None;
        self.envelope = None;
    }

    pub(super) fn has_tls(&self) -> bool {
        self.secured.is_some()
    }

    /// What ingest is to know of the transaction whose data now comes.
    pub(super) fn transaction(&self, received_at: Timestamp) -> Option<Transaction> {
        let envelope = self.envelope.as_ref()?;
        Some(Transaction {
            source: envelope.source.clone()?,
            peer: self.peer,
            helo: self.helo.clone().unwrap_or_default(),
            tls: self.secured.as_ref().map(|secured| secured.text.clone()),
            reverse_path: envelope.reverse_path.clone(),
            recipients: envelope.recipients.clone(),
            received_at,
        })
    }

    pub(super) fn take_chunks(&mut self) -> Option<Body> {
        self.envelope.as_mut()?.chunks.take()
    }

    pub(super) fn keep_chunks(&mut self, body: Body) {
        if let Some(envelope) = &mut self.envelope {
            envelope.chunks = Some(body);
        }
    }

    pub(super) fn end_transaction(&mut self) {
        self.envelope = None;
    }

    /// A message was kept: the peer has earned its seat again.
    pub(super) fn delivered(&mut self) {
        self.idle_commands = 0;
    }

    /// Counts an answer that was an error; the last one allowed ends the session.
    pub(super) fn after(&mut self, reply: &Reply) -> Option<Reply> {
        self.errors += usize::from(reply.is_error());
        (self.errors >= limits::SMTP_ERRORS_MAX)
            .then(|| Reply::new(421, "4.7.0", "Too many errors, closing"))
    }

    pub(super) fn command(&mut self, line: &[u8], sources: &Sources) -> Act {
        self.commands += 1;
        if self.commands > self.settings.commands_max {
            return Act::Close(Reply::new(421, "4.7.0", "Too many commands, connect again"));
        }
        let command = match command::parse(line) {
            Ok(command) => command,
            Err(error) => return refuse_line(error),
        };
        self.idle_commands += usize::from(is_idle(&command));
        if self.idle_commands > limits::SMTP_IDLE_COMMANDS_MAX {
            let text = "Too many commands without mail, connect again";
            return Act::Close(Reply::new(421, "4.7.0", text));
        }
        if self.settings.tls == StartTls::Required && !self.has_tls() && needs_tls(&command) {
            let reply = Reply::new(530, "5.7.0", "Issue STARTTLS first");
            return match command {
                Command::Bdat { size, .. } => Act::SkipChunk { size, reply },
                Command::Data => Act::RefuseData(reply),
                _ => Act::Answer(reply),
            };
        }
        match command {
            Command::Helo(name) => self.helo(name),
            Command::Ehlo(name) => self.ehlo(name),
            Command::Mail { reverse_path, size } => Act::Answer(self.mail(reverse_path, size)),
            Command::Rcpt { forward_path } => Act::Answer(self.rcpt(forward_path, sources)),
            Command::Data => self.data(),
            Command::Bdat { size, is_last } => self.bdat(size, is_last),
            Command::Rset => {
                self.envelope = None;
                Act::Answer(Reply::new(250, "2.0.0", "Reset"))
            }
            Command::Noop => Act::Answer(Reply::new(250, "2.0.0", "OK")),
            Command::Quit => Act::Close(Reply::new(221, "2.0.0", "Goodbye")),
            Command::StartTls => self.start_tls(),
            // Journal addresses are secrets: nothing confirms or denies one.
            Command::Vrfy => {
                Act::Answer(Reply::new(252, "2.5.2", "Not verified; try to send to it"))
            }
            Command::Help => Act::Answer(Reply::new(
                214,
                "2.0.0",
                "This server takes journal mail of configured sources only",
            )),
        }
    }

    fn helo(&mut self, name: String) -> Act {
        self.helo = Some(name);
        self.envelope = None;
        Act::Answer(Reply::plain(250, self.settings.hostname.clone()))
    }

    fn ehlo(&mut self, name: String) -> Act {
        self.helo = Some(name);
        self.envelope = None;
        let mut lines: Vec<Cow<'static, str>> = vec![
            self.settings.hostname.clone().into(),
            "PIPELINING".into(),
            format!("SIZE {}", self.settings.size_bytes_max).into(),
            "8BITMIME".into(),
            "SMTPUTF8".into(),
            "CHUNKING".into(),
            "ENHANCEDSTATUSCODES".into(),
        ];
        if self.settings.tls != StartTls::Off && !self.has_tls() {
            lines.push("STARTTLS".into());
        }
        Act::Answer(Reply::lines(250, lines))
    }

    fn start_tls(&self) -> Act {
        if self.settings.tls == StartTls::Off {
            return Act::Answer(Reply::new(502, "5.5.1", "STARTTLS is not offered"));
        }
        if self.has_tls() {
            return Act::Answer(Reply::new(503, "5.5.1", "TLS is already in use"));
        }
        Act::StartTls
    }

    fn mail(&mut self, reverse_path: String, size: Option<u64>) -> Reply {
        if self.helo.is_none() {
            return Reply::new(503, "5.5.1", "Say EHLO first");
        }
        if self.envelope.is_some() {
            return Reply::new(503, "5.5.1", "A transaction is open already");
        }
        if size.is_some_and(|size| size > self.settings.size_bytes_max) {
            return too_large();
        }
        let envelope =
            Envelope { reverse_path, source: None, recipients: Vec::new(), chunks: None };
        self.envelope = Some(envelope);
        Reply::new(250, "2.1.0", "Sender OK")
    }

    fn rcpt(&mut self, forward_path: String, sources: &Sources) -> Reply {
        let Some(envelope) = &mut self.envelope else {
            return Reply::new(503, "5.5.1", "Say MAIL first");
        };
        if envelope.chunks.is_some() {
            return Reply::new(503, "5.5.1", "BDAT has begun");
        }
        let certificate = self.secured.as_ref().and_then(|secured| secured.certificate.as_ref());
        let source = match sources.admit(&forward_path, self.peer, certificate) {
            Ok(source) => source,
            Err(Refused::UnknownAddress) => {
                return Reply::new(550, "5.1.1", "No such journal address");
            }
            Err(Refused::PeerNotAllowed) => {
                return Reply::new(550, "5.7.1", "This peer may not send to this address");
            }
        };
        // One delivery belongs to one source; a client that is told 452 sends
        // to the others in a transaction of their own (RFC 5321 section 4.5.3.1.10).
        if envelope.source.as_ref().is_some_and(|first| *first != source.name) {
            return Reply::new(452, "4.5.3", "Send to this recipient separately");
        }
        if envelope.recipients.len() >= limits::SMTP_RECIPIENTS_MAX {
            return Reply::new(452, "4.5.3", "Too many recipients");
        }
        envelope.source = Some(source.name.clone());
        envelope.recipients.push(forward_path);
        Reply::new(250, "2.1.5", "Recipient OK")
    }

    /// Why data cannot come now, if it cannot.
    fn refuse_data(&self) -> Option<Reply> {
        match &self.envelope {
            None => Some(Reply::new(503, "5.5.1", "Say MAIL and RCPT first")),
            Some(envelope) if envelope.recipients.is_empty() => {
                Some(Reply::new(554, "5.5.1", "No valid recipients"))
            }
            Some(_) => None,
        }
    }

    fn data(&self) -> Act {
        if let Some(reply) = self.refuse_data() {
            return Act::RefuseData(reply);
        }
        if self.envelope.as_ref().is_some_and(|envelope| envelope.chunks.is_some()) {
            return Act::RefuseData(Reply::new(503, "5.5.1", "BDAT has begun"));
        }
        Act::Data
    }

    fn bdat(&mut self, size: u64, is_last: bool) -> Act {
        match self.refuse_data() {
            Some(reply) => Act::SkipChunk { size, reply },
            None => Act::Chunk { size, is_last },
        }
    }
}

pub(super) fn too_large() -> Reply {
    Reply::new(552, "5.3.4", "Message exceeds the announced SIZE")
}

/// Brings no message nearer. QUIT is heard at any time.
fn is_idle(command: &Command) -> bool {
    match command {
        Command::Mail { .. } | Command::Rcpt { .. } | Command::Data | Command::Quit => false,
        Command::Bdat { size, is_last } => *size == 0 && !is_last,
        _ => true,
    }
}

/// RFC 3207 section 4: what may be said before TLS where TLS is required.
fn needs_tls(command: &Command) -> bool {
    !matches!(
        command,
        Command::Ehlo(_) | Command::Helo(_) | Command::Noop | Command::StartTls | Command::Quit
    )
}

fn refuse_line(error: ParseError) -> Act {
    let reply = match error {
        ParseError::Unknown => Reply::new(500, "5.5.1", "Command not recognized"),
        ParseError::NotDone => Reply::new(502, "5.5.1", "Command not implemented"),
        ParseError::Octets => Reply::new(500, "5.5.2", "Line holds octets that no command has"),
        ParseError::Arguments => Reply::new(501, "5.5.4", "Syntax error in arguments"),
        ParseError::Parameter => Reply::new(555, "5.5.4", "Parameter not recognized"),
        ParseError::Value => Reply::new(501, "5.5.4", "Parameter value not accepted"),
        ParseError::Foreign => {
            return Act::Close(Reply::new(521, "5.5.1", "This is an SMTP server"));
        }
        // The octets behind it would be read as commands.
        ParseError::ChunkSize => {
            return Act::Close(Reply::new(501, "5.5.4", "Chunk size not readable, closing"));
        }
    };
    Act::Answer(reply)
}

//! What the parent and a child say to each other: frames of a JSON head and a
//! body of bytes, both with their length before them, both bounded.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::input::Input;
use super::trial::Trial;
use crate::base::hash::Digest;
use crate::base::limits;
use crate::extract::{Care, Parsed, Reason, Rendered, Scan};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// The body is messages, one after the other, of these sizes, each with what
    /// is said of its documents.
    Parse { messages: Vec<(u64, Care)> },
    /// The body is one message; the bytes of one document in it are wanted.
    Take { ordinal: u32, care: Care },
    /// The body is one message; its HTML is wanted, safe to show.
    Render,
    /// There is no body; what the child can do beside reading is wanted.
    Try,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// Not the answer yet: which document of which message is being read.
    Reading {
        message: usize,
        ordinal: u32,
    },
    /// The bytes of their scans are the body, in their order.
    Parsed(Vec<Found>),
    /// Whether it is there; its bytes are the body.
    Taken(bool),
    Rendered(Rendered),
    Tried(Trial),
}

/// A message as it was read, and the set it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    pub message: Parsed,
    pub set_key: Digest,
    /// What is to be read by its looks.
    pub scans: Vec<Scan>,
}

impl Found {
    /// Says of closed documents that they are to be read again, with passwords.
    pub fn postpone_closed(&mut self) {
        let gaps = self.message.gaps.iter_mut();
        for gap in gaps.filter(|gap| gap.reason == Reason::Encrypted && gap.ordinal.is_some()) {
            gap.reason = Reason::Pending;
            gap.detail = "it opens with a password, and is read again with those known".into();
        }
    }
}

/// Lengths of head and body, little-endian, 4 bytes each.
const PREFIX_BYTES: usize = 8;

fn prefix(head: usize, body: usize) -> io::Result<[u8; PREFIX_BYTES]> {
    check(head, body)?;
    let mut prefix = [0; PREFIX_BYTES];
    prefix[..4].copy_from_slice(&(head as u32).to_le_bytes());
    prefix[4..].copy_from_slice(&(body as u32).to_le_bytes());
    Ok(prefix)
}

fn lengths(prefix: [u8; PREFIX_BYTES]) -> io::Result<(usize, usize)> {
    let [a, b, c, d, e, f, g, h] = prefix;
    let lengths =
        (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]) as usize);
    check(lengths.0, lengths.1)?;
    Ok(lengths)
}

fn check(head: usize, body: usize) -> io::Result<()> {
    let is_bounded =
        head <= limits::WORKER_FRAME_BYTES_MAX && body <= limits::WORKER_FRAME_BYTES_MAX;
    is_bounded.then_some(()).ok_or_else(|| io::Error::other("a frame larger than its limit"))
}

/// Reads one frame; none at the end of input.
pub fn read(input: &mut impl Read) -> io::Result<Option<(Request, Vec<u8>)>> {
    let mut prefix = [0; PREFIX_BYTES];
    match input.read(&mut prefix[..1])? {
        0 => return Ok(None),
        _ => input.read_exact(&mut prefix[1..])?,
    }
    let (head_len, body_len) = lengths(prefix)?;
    let mut head = vec![0; head_len];
    input.read_exact(&mut head)?;
    let mut body = vec![0; body_len];
    input.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&head)?, body)))
}

pub fn write(output: &mut impl Write, response: &Response, body: &[u8]) -> io::Result<()> {
    let head = serde_json::to_vec(response)?;
    let mut start = prefix(head.len(), body.len())?.to_vec();
    start.extend_from_slice(&head);
    output.write_all(&start)?;
    output.write_all(body)?;
    output.flush()
}

/// Sends a request whose body is `inputs`, one after the other.
pub async fn send(
    output: &mut (impl AsyncWrite + Unpin),
    request: &Request,
    inputs: &[Input],
) -> io::Result<()> {
    let head = serde_json::to_vec(request)?;
    let body_len: u64 = inputs.iter().map(Input::size_bytes).sum();
    let body_len = usize::try_from(body_len).map_err(io::Error::other)?;
    let mut start = prefix(head.len(), body_len)?.to_vec();
    start.extend_from_slice(&head);
    // Small frames leave in one write: each write wakes the child.
    if body_len <= limits::WORKER_BATCH_BYTES_MAX {
        for input in inputs {
            input.send(&mut start).await?;
        }
        output.write_all(&start).await?;
    } else {
        output.write_all(&start).await?;
        for input in inputs {
            input.send(output).await?;
        }
    }
    output.flush().await
}

pub async fn receive(input: &mut (impl AsyncRead + Unpin)) -> io::Result<(Response, Vec<u8>)> {
    let mut prefix = [0; PREFIX_BYTES];
    input.read_exact(&mut prefix).await?;
    let (head_len, body_len) = lengths(prefix)?;
    let head = receive_exactly(input, head_len).await?;
    let body = receive_exactly(input, body_len).await?;
    Ok((serde_json::from_slice(&head)?, body))
}

/// Grows as bytes arrive: a length alone must not cost memory.
async fn receive_exactly(input: &mut (impl AsyncRead + Unpin), len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(len as u64).read_to_end(&mut bytes).await?;
    if bytes.len() < len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_beyond_its_limit_is_refused() {
        let frame = [0xff; 16];
        assert!(read(&mut &frame[..]).is_err());
    }

    #[test]
    fn a_cut_frame_is_an_error_and_no_frame_an_end() {
        assert!(read(&mut &b""[..]).unwrap().is_none());
        assert!(read(&mut &b"\x05\0\0\0\0\0\0\0{"[..]).is_err());
    }
}

//! A message on its way to a child: at hand, or read from elsewhere as it is
//! sent, so that a large one is never whole in this process.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Cloning shares it. It can be sent more than once.
#[derive(Clone)]
pub struct Input {
    size_bytes: u64,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Whole(Bytes),
    Streamed(Arc<Streamed>),
}

struct Streamed {
    open: Box<dyn Fn() -> BoxStream<'static, io::Result<Bytes>> + Send + Sync>,
    /// Why it could not be read when it was last tried.
    trouble: Mutex<Option<io::Error>>,
}

impl From<Bytes> for Input {
    fn from(bytes: Bytes) -> Self {
        Self { size_bytes: bytes.len() as u64, content: Content::Whole(bytes) }
    }
}

impl Input {
    /// What `open` gives, from its beginning each time; `size_bytes` in all.
    pub fn streamed(
        size_bytes: u64,
        open: impl Fn() -> BoxStream<'static, io::Result<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        let streamed = Streamed { open: Box::new(open), trouble: Mutex::default() };
        Self { size_bytes, content: Content::Streamed(Arc::new(streamed)) }
    }

    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Where a child failed: whether that was because this could not be read.
    pub fn trouble(&self) -> Option<io::Error> {
        match &self.content {
            Content::Whole(_) => None,
            Content::Streamed(streamed) => streamed.trouble().take(),
        }
    }

    /// Exactly its size in bytes, or an error.
    pub(super) async fn send(&self, output: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let streamed = match &self.content {
            Content::Whole(bytes) => return output.write_all(bytes).await,
            Content::Streamed(streamed) => streamed,
        };
        *streamed.trouble() = None;
        let mut pieces = (streamed.open)();
        let mut left = self.size_bytes;
        while let Some(piece) = pieces.next().await {
            let piece = match piece {
                Ok(piece) if piece.len() as u64 <= left => piece,
                Ok(_) => return Err(streamed.failed(io::Error::other("it is longer than said"))),
                Err(error) => return Err(streamed.failed(error)),
            };
            left -= piece.len() as u64;
            output.write_all(&piece).await?;
        }
        match left {
            0 => Ok(()),
            _ => Err(streamed.failed(io::Error::other("it is shorter than said"))),
        }
    }
}

impl Streamed {
    fn trouble(&self) -> std::sync::MutexGuard<'_, Option<io::Error>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: io::Error) -> io::Error {
        *self.trouble() = Some(error);
        io::Error::other("the message could not be read")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sent(said: u64, pieces: &'static [&'static str]) -> (io::Result<()>, Input, Vec<u8>) {
        let input = Input::streamed(said, move || {
            let pieces = pieces.iter().map(|piece| match *piece {
                "!" => Err(io::Error::other("gone")),
                piece => Ok(Bytes::from_static(piece.as_bytes())),
            });
            futures::stream::iter(pieces.collect::<Vec<_>>()).boxed()
        });
        let mut out = Vec::new();
        (input.send(&mut out).await, input, out)
    }

    #[tokio::test]
    async fn exactly_what_was_said_is_sent() {
        let (done, input, out) = sent(4, &["ab", "cd"]).await;
        assert!(done.is_ok() && input.trouble().is_none());
        assert_eq!(out, b"abcd");
        for (said, pieces, why) in [
            (3, &["ab", "cd"][..], "longer"),
            (5, &["ab", "cd"], "shorter"),
            (4, &["ab", "!"], "gone"),
        ] {
            let (done, input, _) = sent(said, pieces).await;
            assert!(done.is_err());
            assert!(input.trouble().unwrap().to_string().contains(why));
        }
    }
}

//! One message or attachment out of a record, decoded piece by piece: of any
//! size, in the memory of a few chunks.

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};

use super::VaultError;
use super::open::OpenRecord;
use crate::base::hash::{Digest, Hasher};
use crate::base::limits;
use crate::mail::decode::Decoder;
use crate::mail::delivery::Entry;

impl OpenRecord {
    /// The decoded bytes of the entry at `index`. The last step fails if they are
    /// not the ones that were recorded.
    pub fn entry(
        &self,
        index: usize,
    ) -> impl Stream<Item = Result<Bytes, VaultError>> + Send + 'static {
        let object = self.object().to_owned();
        let damaged = move |what| VaultError::Damaged { object: object.clone(), what };
        let chunks = self.chunks().boxed();
        let reading = EntryReader::new(&self.meta().delivery.entries, index)
            .ok_or_else(|| damaged("an entry lies nowhere in its record"))
            .map(|reader| Some((reader, chunks)));
        let start = futures::stream::once(async { reading });
        start
            .map_ok(move |state| {
                let damaged = damaged.clone();
                futures::stream::try_unfold(state, move |state| {
                    let damaged = damaged.clone();
                    async move {
                        let Some((mut reader, mut chunks)) = state else { return Ok(None) };
                        while !reader.is_past() {
                            let Some(chunk) = chunks.try_next().await? else { break };
                            let piece = reader.push(&chunk);
                            if !piece.is_empty() {
                                return Ok(Some((piece, Some((reader, chunks)))));
                            }
                            // Skipping is work for the processor; let others have a turn.
                            tokio::task::yield_now().await;
                        }
                        let what = "an entry in it is not the one that was recorded";
                        let last = reader.finish().ok_or_else(|| damaged(what))?;
                        Ok((!last.is_empty()).then_some((last, None)))
                    }
                })
            })
            .try_flatten()
    }

    /// All of it at once, for those who have room for it.
    pub async fn entry_bytes(&self, index: usize) -> Result<Bytes, VaultError> {
        let size = self.meta().delivery.entries.get(index).map_or(0, |entry| entry.size);
        gather(self.entry(index), size).await
    }
}

/// Joins pieces without holding them twice.
pub(super) async fn gather(
    pieces: impl Stream<Item = Result<Bytes, VaultError>>,
    size_bytes: u64,
) -> Result<Bytes, VaultError> {
    let mut whole = Vec::with_capacity(usize::try_from(size_bytes).unwrap_or(0));
    let mut pieces = std::pin::pin!(pieces);
    while let Some(piece) = pieces.try_next().await? {
        whole.extend_from_slice(&piece);
    }
    Ok(whole.into())
}

/// Takes the delivery in pieces, gives the entry's.
struct EntryReader {
    /// From the delivery inwards.
    stages: Vec<Stage>,
    hasher: Hasher,
    size: u64,
    sha256: Digest,
    size_expected: u64,
}

/// A range of what is outside of it, and its decoding.
struct Stage {
    skip: u64,
    left: u64,
    decoder: Decoder,
    is_done: bool,
}

impl EntryReader {
    fn new(entries: &[Entry], index: usize) -> Option<Self> {
        let entry = entries.get(index)?;
        let mut stages = Vec::new();
        let mut next = Some(index);
        while let Some(at) = next {
            let place = &entries.get(at)?.place;
            let decoder = Decoder::new(place.encoding);
            stages.push(Stage { skip: place.offset, left: place.len, decoder, is_done: false });
            next = place.within.map(|within| within as usize);
            // An entry lies only within one before it, so this ends.
            if next.is_some_and(|next| next >= at) || stages.len() > limits::MIME_DEPTH_MAX {
                return None;
            }
        }
        stages.reverse();
        let (sha256, size_expected) = (entry.sha256, entry.size);
        Some(Self { stages, hasher: Hasher::new(), size: 0, sha256, size_expected })
    }

    fn push(&mut self, bytes: &[u8]) -> Bytes {
        let mut out = Vec::new();
        feed(&mut self.stages, bytes, &mut out);
        self.hasher.update(&out);
        self.size += out.len() as u64;
        out.into()
    }

    /// Nothing more of the delivery is needed.
    fn is_past(&self) -> bool {
        self.stages.first().is_none_or(|stage| stage.is_done)
    }

    /// What an empty rest of the delivery still gives; none if the entry is not
    /// the one that was recorded.
    fn finish(mut self) -> Option<Bytes> {
        let last = self.push(&[]);
        let is_whole = self.stages.iter().all(|stage| stage.is_done);
        let is_same = self.size == self.size_expected && self.hasher.finish() == self.sha256;
        (is_whole && is_same).then_some(last)
    }
}

fn feed(stages: &mut [Stage], bytes: &[u8], out: &mut Vec<u8>) {
    let Some((stage, inner)) = stages.split_first_mut() else {
        return out.extend_from_slice(bytes);
    };
    if stage.is_done {
        return;
    }
    let skipped = stage.skip.min(bytes.len() as u64);
    stage.skip -= skipped;
    let rest = &bytes[skipped as usize..];
    let taken = stage.left.min(rest.len() as u64);
    stage.left -= taken;
    let mut decoded = Vec::new();
    stage.decoder.push(&rest[..taken as usize], &mut decoded);
    if stage.skip == 0 && stage.left == 0 {
        stage.decoder.finish(&mut decoded);
        stage.is_done = true;
    }
    feed(inner, &decoded, out);
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::mail::delivery::{self, entry_bytes};

    fn read_in(pieces: usize, mail: &[u8], entries: &[Entry], index: usize) -> Option<Vec<u8>> {
        let mut reader = EntryReader::new(entries, index)?;
        let mut out = Vec::new();
        for piece in mail.chunks(pieces) {
            out.extend_from_slice(&reader.push(piece));
        }
        out.extend_from_slice(&reader.finish()?);
        Some(out)
    }

    #[test]
    fn an_entry_comes_out_of_pieces_as_out_of_the_whole() {
        let inner = "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\nContent-Type: \
                     application/x; name=q\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
                     a=3D=\r\nb  \r\n--i\r\nContent-Type: application/x; name=empty\r\n\r\n\r\n--i--\r\n";
        let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, inner);
        let mail = format!(
            "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: \
             message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--o\r\n\
             Content-Type: application/y; name=last\r\n\r\nlast\r\n--o--\r\n"
        );
        let found = delivery::read(mail.as_bytes());
        assert!(found.entries.iter().any(|entry| entry.place.within.is_some()));
        for index in 0..found.entries.len() {
            let expected = entry_bytes(mail.as_bytes(), &found.entries, index).map(Cow::into_owned);
            for pieces in [1, 2, 7, 4096] {
                let read = read_in(pieces, mail.as_bytes(), &found.entries, index);
                assert_eq!(read, expected, "entry {index} in pieces of {pieces}");
            }
        }
    }

    #[test]
    fn what_was_not_recorded_is_refused() {
        let mail = b"Subject: s\r\n\r\nbody\r\n";
        let mut found = delivery::read(mail);
        assert!(read_in(4, &mail[..10], &found.entries, 0).is_none(), "cut");
        assert!(read_in(4, b"Subject: s\r\n\r\nBODY\r\n", &found.entries, 0).is_none(), "changed");
        found.entries[0].place.within = Some(0);
        assert!(read_in(4, mail, &found.entries, 0).is_none(), "within itself");
        assert!(read_in(4, mail, &found.entries, 9).is_none(), "no such entry");
    }
}

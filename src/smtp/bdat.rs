//! A BDAT chunk (RFC 3030): so many octets, whatever they are.
//!
//! No octet in a chunk ends it and none is changed; only the count matters.

/// What is left of a chunk.
pub(super) struct Chunk {
    left: u64,
}

impl Chunk {
    pub(super) fn new(size: u64) -> Self {
        Self { left: size }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// The part of `input` that belongs to the chunk.
    pub(super) fn take<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let count = usize::try_from(self.left).map_or(input.len(), |left| left.min(input.len()));
        self.left -= count as u64;
        &input[..count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_ends_a_chunk_but_its_size() {
        let mut chunk = Chunk::new(7);
        assert_eq!(chunk.take(b"\r\n.\r\n"), b"\r\n.\r\n");
        assert!(!chunk.is_complete());
        assert_eq!(chunk.take(b"..QUIT\r\n"), b"..");
        assert!(chunk.is_complete());
        assert_eq!(chunk.take(b"QUIT"), b"");
    }

    #[test]
    fn empty_chunk_is_complete() {
        assert!(Chunk::new(0).is_complete());
    }

    proptest! {
        #[test]
        fn cutting_the_wire_changes_nothing(wire in prop::collection::vec(any::<u8>(), 0..200), size in 0..250u64, cut in 1..9usize) {
            let mut chunk = Chunk::new(size);
            let taken: Vec<u8> = wire.chunks(cut).flat_map(|piece| chunk.take(piece).to_vec()).collect();
            let expected = (size as usize).min(wire.len());
            prop_assert_eq!(taken, &wire[..expected]);
            prop_assert_eq!(chunk.is_complete(), size as usize <= wire.len());
        }
    }
}

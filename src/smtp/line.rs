//! Bytes from the peer that were not consumed yet, and command lines among them.
//!
//! A command line ends with CRLF and with nothing else. A bare LF is reported
//! and not read as an end: what one server takes for two commands and another
//! for one is how commands are smuggled.

use crate::base::limits;

/// Bytes asked of the socket at once; also bounds what [`Input`] holds.
pub(super) const READ_BYTES: usize = 32 << 10;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A command without its CRLF.
    Whole(Vec<u8>),
    /// More bytes are needed.
    Partial,
    /// A line was longer than the limit; it was dropped.
    TooLong,
    /// So much was dropped of a line that its end is not waited for.
    Endless,
    /// A line feed without its carriage return.
    BareLf,
}

/// What was read and not consumed.
#[derive(Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    start: usize,
    /// Set while the rest of a line that is too long is dropped.
    is_dropping: bool,
    /// How much of that line was dropped.
    dropped: usize,
}

impl Input {
    pub(super) fn pending(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count.min(self.bytes.len() - self.start);
    }

    /// Forgets everything: what follows STARTTLS in plain text is not to be
    /// read as if it had come over TLS (RFC 3207 section 4.2).
    pub(super) fn discard(&mut self) {
        *self = Self::default();
    }

    /// Where the next read from the socket goes; what it reads is appended.
    pub(super) fn room(&mut self) -> &mut Vec<u8> {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.reserve(READ_BYTES);
        &mut self.bytes
    }

    pub(super) fn line(&mut self) -> Line {
        let pending = self.pending();
        let Some(at) = memchr::memchr(b'\n', pending) else {
            if self.is_dropping || pending.len() > limits::SMTP_LINE_BYTES_MAX {
                // A CR may be the first half of the end that is looked for.
                let dropped = pending.len() - usize::from(pending.last() == Some(&b'\r'));
                self.is_dropping = true;
                self.dropped += dropped;
                self.consume(dropped);
                if self.dropped > limits::SMTP_LINE_DROPPED_BYTES_MAX {
                    return Line::Endless;
                }
            }
            return Line::Partial;
        };
        let line = match pending[..at].strip_suffix(b"\r") {
            None => Line::BareLf,
            Some(_) if self.is_dropping || at >= limits::SMTP_LINE_BYTES_MAX => Line::TooLong,
            Some(command) => Line::Whole(command.to_vec()),
        };
        self.is_dropping = false;
        self.dropped = 0;
        self.consume(at + 1);
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Line> {
        let mut input = Input::default();
        let mut found = Vec::new();
        for piece in pieces {
            input.room().extend_from_slice(piece);
            loop {
                match input.line() {
                    Line::Partial => break,
                    line => found.push(line),
                }
            }
            assert!(input.pending().len() <= limits::SMTP_LINE_BYTES_MAX + READ_BYTES);
        }
        found
    }

    fn whole(line: &[u8]) -> Line {
        Line::Whole(line.to_vec())
    }

    #[test]
    fn all_that_is_pending_can_be_consumed_after_a_line() {
        let mut input = Input::default();
        input.room().extend_from_slice(b"DATA\r\nearly");
        assert_eq!(input.line(), whole(b"DATA"));
        input.consume(usize::MAX);
        assert_eq!(input.pending(), b"");
        input.room().extend_from_slice(b"late\r\n");
        assert_eq!(input.line(), whole(b"late"));
    }

    #[test]
    fn lines_end_with_crlf() {
        assert_eq!(
            lines(&[b"NOOP\r\nQU", b"IT\r", b"\n\r\n"]),
            [whole(b"NOOP"), whole(b"QUIT"), whole(b"")]
        );
    }

    #[test]
    fn bare_cr_does_not_end_a_line() {
        assert_eq!(lines(&[b"NOOP\rRSET\r\n"]), [whole(b"NOOP\rRSET")]);
    }

    #[test]
    fn bare_lf_is_reported() {
        assert_eq!(lines(&[b"NOOP\nRSET\r\n"]), [Line::BareLf, whole(b"RSET")]);
    }

    #[test]
    fn long_line_is_dropped_and_reported_once() {
        let long = vec![b'a'; 3 * limits::SMTP_LINE_BYTES_MAX];
        assert_eq!(lines(&[&long, &long, b"\r", b"\nNOOP\r\n"]), [Line::TooLong, whole(b"NOOP")]);
        assert_eq!(
            lines(&[&[&long[..], b"\r\nNOOP\r\n"].concat()]),
            [Line::TooLong, whole(b"NOOP")]
        );
    }

    #[test]
    fn line_without_end_is_given_up() {
        let mut input = Input::default();
        let piece = vec![b'a'; READ_BYTES];
        let reads = (0..1000).find(|_| {
            input.room().extend_from_slice(&piece);
            input.line() == Line::Endless
        });
        let bytes = (reads.unwrap() + 1) * READ_BYTES;
        assert!(bytes <= limits::SMTP_LINE_DROPPED_BYTES_MAX + 2 * READ_BYTES, "{bytes}");
    }

    #[test]
    fn longest_line_is_read() {
        let line = vec![b'a'; limits::SMTP_LINE_BYTES_MAX - 2];
        assert_eq!(lines(&[&[&line[..], b"\r\n"].concat()]), [whole(&line)]);
    }

    proptest! {
        #[test]
        fn cutting_changes_nothing(
            bytes in prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), any::<u8>()], 0..200),
            size in 1..9usize,
        ) {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            prop_assert_eq!(lines(&pieces), lines(&[&bytes]));
        }
    }
}

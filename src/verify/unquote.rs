//! Taking the mboxrd quoting off a message: one `>` off every line that begins
//! with one or more of them and `From `. Line ends stay as they are.

/// Takes the quoting off a stream of pieces of one quoted message.
#[derive(Default)]
pub struct Unquoter {
    /// At the start of a line: what may turn out to be quoting, held back.
    held: Vec<u8>,
    is_within_line: bool,
}

const FROM: &[u8] = b"From ";

impl Unquoter {
    /// Hands the unquoted bytes of `piece` to `out`.
    pub fn push(&mut self, piece: &[u8], out: &mut impl FnMut(&[u8])) {
        let mut rest = piece;
        while !rest.is_empty() {
            if self.is_within_line {
                let end = rest.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
                let (line, tail) = rest.split_at(end.unwrap_or(rest.len()));
                out(line);
                self.is_within_line = end.is_none();
                rest = tail;
            } else {
                self.held.push(rest[0]);
                rest = &rest[1..];
                self.decide(out);
            }
        }
    }

    /// Lets go of what is held when the line's start is understood.
    fn decide(&mut self, out: &mut impl FnMut(&[u8])) {
        let marks = self.held.iter().take_while(|byte| **byte == b'>').count();
        let bare = &self.held[marks..];
        if bare.len() < FROM.len() && FROM.starts_with(bare) {
            return;
        }
        let quoting = usize::from(marks > 0 && bare == FROM);
        out(&self.held[quoting..]);
        self.is_within_line = self.held.last() != Some(&b'\n');
        self.held.clear();
    }

    /// At the end of the message.
    pub fn finish(self, out: &mut impl FnMut(&[u8])) {
        out(&self.held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::mbox::write_quoted;
    use proptest::prelude::*;

    fn quoted(message: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let written = write_quoted(&mut out, message).unwrap();
        assert_eq!(written, out.len() as u64);
        out
    }

    fn unquoted(quoted: &[u8], piece: usize) -> Vec<u8> {
        let (mut out, mut unquoter) = (Vec::new(), Unquoter::default());
        for piece in quoted.chunks(piece) {
            unquoter.push(piece, &mut |bytes| out.extend_from_slice(bytes));
        }
        unquoter.finish(&mut |bytes| out.extend_from_slice(bytes));
        out
    }

    #[test]
    fn from_lines_are_quoted_and_nothing_else() {
        let message = b"From a\r\n>From b\n>>From c\nFrom\n From d\n>To\r\n\n>";
        let expected = b">From a\r\n>>From b\n>>>From c\nFrom\n From d\n>To\r\n\n>";
        assert_eq!(quoted(message), expected);
        assert_eq!(unquoted(expected, 1), message);
    }

    proptest! {
        #[test]
        fn every_message_comes_back(
            message in proptest::collection::vec(
                prop_oneof![Just(b'>'), Just(b'\n'), Just(b'\r'), Just(b'F'), any::<u8>()], 0..80),
            from in proptest::collection::vec((0_usize..80, 0_usize..4), 0..6),
            piece in 1_usize..9,
        ) {
            let mut message = message;
            for (at, marks) in from {
                let line = format!("\n{}From x", ">".repeat(marks));
                let at = at.min(message.len());
                message.splice(at..at, line.bytes());
            }
            let quoted = quoted(&message);
            prop_assert!(!quoted.windows(6).any(|window| window == b"\nFrom "));
            prop_assert_eq!(unquoted(&quoted, piece), message);
        }
    }
}

//! The end of DATA and its transparency dots: a pure state machine.
//!
//! Only `<CRLF>.<CRLF>` ends a message (RFC 5321 section 4.1.1.4). A bare CR, a
//! bare LF and a NUL are content and are kept exactly: reading any of them as a
//! line end would let a sender smuggle a second transaction through a relay
//! that reads them otherwise. A line's first period is removed only after a
//! CRLF, and at the very start of the data (section 4.5.2).

use memchr::memmem::Finder;

/// What was read just before the next byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// A CRLF, or the DATA command's own.
    LineEnd,
    Text,
    Cr,
    /// A period at the start of a line, withheld until it is known for what it is.
    Dot,
    /// The same and a CR, both withheld.
    DotCr,
}

/// One message's data as it comes.
pub(super) struct Data {
    after: After,
    line_with_dot: Finder<'static>,
}

impl Data {
    pub(super) fn new() -> Self {
        Self { after: After::LineEnd, line_with_dot: Finder::new(b"\r\n.") }
    }

    /// Reads `input` and appends what is content to `content`.
    ///
    /// Returns how many bytes of `input` belonged to the message when it ends
    /// here; what follows them is the next command.
    pub(super) fn push(&mut self, input: &[u8], content: &mut Vec<u8>) -> Option<usize> {
        let mut next = 0;
        while let Some(&byte) = input.get(next) {
            match (self.after, byte) {
                (After::DotCr, b'\n') => return Some(next + 1),
                (After::DotCr, _) => {
                    // A period, a bare CR and more: a stuffed line after all.
                    content.push(b'\r');
                    self.after = After::Cr;
                }
                (After::Dot, b'\r') => {
                    self.after = After::DotCr;
                    next += 1;
                }
                (After::Dot, _) => self.after = After::Text,
                (After::LineEnd, b'.') => {
                    self.after = After::Dot;
                    next += 1;
                }
                (After::Cr, b'\n') => {
                    content.push(b'\n');
                    self.after = After::LineEnd;
                    next += 1;
                }
                (After::LineEnd | After::Text | After::Cr, _) => {
                    next += self.text(&input[next..], content);
                }
            }
        }
        None
    }

    /// Copies up to and with the next line end that a period follows.
    fn text(&mut self, run: &[u8], content: &mut Vec<u8>) -> usize {
        let length = match self.line_with_dot.find(run) {
            Some(at) => at + 2,
            None => run.len(),
        };
        let run = &run[..length];
        content.extend_from_slice(run);
        self.after = match run {
            [.., b'\r', b'\n'] => After::LineEnd,
            [.., b'\r'] => After::Cr,
            _ => After::Text,
        };
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The content, and how much of `wire` the message took.
    fn read(wire: &[u8]) -> (Vec<u8>, Option<usize>) {
        let mut content = Vec::new();
        let ended = Data::new().push(wire, &mut content);
        (content, ended)
    }

    /// What a careful client sends for `content`, which ends in CRLF or is empty.
    fn stuff(content: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        let mut at_line_start = true;
        for (index, &byte) in content.iter().enumerate() {
            if at_line_start && byte == b'.' {
                wire.push(b'.');
            }
            wire.push(byte);
            at_line_start = content[..=index].ends_with(b"\r\n");
        }
        wire.extend_from_slice(b".\r\n");
        wire
    }

    #[test]
    fn empty_message_ends_at_once() {
        assert_eq!(read(b".\r\n"), (b"".to_vec(), Some(3)));
    }

    #[test]
    fn final_crlf_is_content() {
        assert_eq!(read(b"a\r\n.\r\nQUIT\r\n"), (b"a\r\n".to_vec(), Some(6)));
    }

    #[test]
    fn first_period_of_a_line_is_removed() {
        let (content, ended) = read(b"..\r\n..a\r\n.b\r\n...\r\n.\r\n");
        assert_eq!(content, b".\r\n.a\r\nb\r\n..\r\n");
        assert!(ended.is_some());
    }

    #[test]
    fn period_after_a_bare_line_end_is_kept() {
        assert_eq!(read(b"a\n.b\r.c\r\n.\r\n").0, b"a\n.b\r.c\r\n");
    }

    #[test]
    fn line_that_trims_to_a_period_does_not_end() {
        for line in [". ", " .", ".\t", "\t.", ".\x0b", "\u{a0}.", ".\u{feff}"] {
            let wire = [b"a\r\n", line.as_bytes(), b"\r\nb\r\n.\r\n"].concat();
            let (content, ended) = read(&wire);
            assert_eq!(ended, Some(wire.len()), "{line:?}");
            assert!(content.ends_with(b"b\r\n"), "{line:?}");
        }
    }

    /// The published variants (SEC Consult 2023, Postfix, Sendmail, Exim and
    /// their follow-ups), each with the content that it must leave.
    #[test]
    fn no_other_sequence_ends_data() {
        let variants: &[(&[u8], &[u8])] = &[
            (b"\n.\n", b"\n.\n"),
            (b"\n.\r\n", b"\n.\r\n"),
            (b"\n.\r", b"\n.\r"),
            (b"\r.\r", b"\r.\r"),
            (b"\r.\r\n", b"\r.\r\n"),
            (b"\r.\n", b"\r.\n"),
            (b"\r\n.\r", b"\r\n\r"),
            (b"\r\n.\n", b"\r\n\n"),
            (b"\r\n.\r\r\n", b"\r\n\r\r\n"),
            (b"\r\n\r.\r\n", b"\r\n\r.\r\n"),
            (b"\r\n\n.\r\n", b"\r\n\n.\r\n"),
            (b"\n\n.\r\n", b"\n\n.\r\n"),
            (b"\r\r.\r\n", b"\r\r.\r\n"),
            (b"\n\r.\r\n", b"\n\r.\r\n"),
            (b"\r\n.\n\r\n", b"\r\n\n\r\n"),
            (b"\r\n.\r\0\n", b"\r\n\r\0\n"),
            (b"\r\n\0.\r\n", b"\r\n\0.\r\n"),
            (b"\r\n.\0\r\n", b"\r\n\0\r\n"),
            (b"\r\0\n.\r\n", b"\r\0\n.\r\n"),
            (b"\0\n.\r\n", b"\0\n.\r\n"),
            (b"\r\n. \r\n", b"\r\n \r\n"),
            (b"\r\n .\r\n", b"\r\n .\r\n"),
            (b"\r\n..\r\n", b"\r\n.\r\n"),
            (b"\x85.\x85", b"\x85.\x85"),
            (b"\xc2\x85.\xc2\x85", b"\xc2\x85.\xc2\x85"),
            (b"\xe2\x80\xa8.\xe2\x80\xa8", b"\xe2\x80\xa8.\xe2\x80\xa8"),
            (b"\x0b.\x0b", b"\x0b.\x0b"),
            (b"\x0c.\x0c", b"\x0c.\x0c"),
        ];
        for (variant, kept) in variants {
            let smuggled = b"MAIL FROM:<evil@example.com>\r\n";
            let wire = [b"first", *variant, smuggled, b".\r\n"].concat();
            let expected = [b"first", *kept, smuggled].concat();
            assert_eq!(read(&wire), (expected, Some(wire.len())), "{:?}", variant.escape_ascii());
        }
    }

    /// Bytes among which line ends and periods are common.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            3 => Just(b'\r'), 3 => Just(b'\n'), 3 => Just(b'.'), 1 => Just(0), 2 => any::<u8>()
        ];
        let piece = prop_oneof![
            2 => Just(b"\r\n".to_vec()), 1 => Just(b"\r\n.\r\n".to_vec()),
            4 => byte.prop_map(|b| vec![b])
        ];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn cutting_the_wire_changes_nothing(wire in bytes(), cuts in prop::collection::vec(1..7usize, 1..20)) {
            let (whole, ended) = read(&wire);
            let mut data = Data::new();
            let mut content = Vec::new();
            let mut at = 0;
            let mut sizes = cuts.iter().cycle();
            let mut end = None;
            while at < wire.len() && end.is_none() {
                let until = wire.len().min(at + sizes.next().copied().unwrap_or(1));
                end = data.push(&wire[at..until], &mut content).map(|used| at + used);
                at = until;
            }
            prop_assert_eq!(content, whole);
            prop_assert_eq!(end, ended);
        }

        #[test]
        fn stuffed_content_comes_back(mut content in bytes()) {
            if !content.is_empty() {
                content.extend_from_slice(b"\r\n");
            }
            let wire = stuff(&content);
            let length = wire.len();
            prop_assert_eq!(read(&wire), (content, Some(length)));
        }

        #[test]
        fn ends_exactly_at_the_first_lone_period(wire in bytes()) {
            let framed = [b"\r\n", wire.as_slice()].concat();
            let expected = framed.windows(5).position(|w| w == b"\r\n.\r\n").map(|at| at + 3);
            prop_assert_eq!(read(&wire).1, expected);
        }
    }
}

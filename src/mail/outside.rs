//! What stands before and after the parts of a report. No mail program shows it, so
//! words there would be out of sight.

/// What senders say there to programs that know nothing of parts, its blanks made one
/// and its dots left out.
const NOTES: [&str; 6] = [
    "This is a multi-part message in MIME format",
    "This is a multipart message in MIME format",
    "This is a MIME-encapsulated message",
    "This is a multi-part MIME message",
    "This message is in MIME format",
    "This is a message with multiple parts in MIME format",
];

/// No note is longer.
const NOTE_BYTES_MAX: usize = 128;

/// The beginning of such a text.
#[derive(Default)]
pub(super) struct Outside {
    text: Vec<u8>,
}

impl Outside {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let bytes = if self.text.is_empty() { bytes.trim_ascii_start() } else { bytes };
        let room = (NOTE_BYTES_MAX + 1).saturating_sub(self.text.len());
        self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Whether it says more than that the message has parts.
    pub(super) fn has_words(&self) -> bool {
        let text = String::from_utf8_lossy(&self.text);
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let said = words.join(" ");
        let is_note = NOTES.contains(&said.trim_end_matches(['.', '-']).trim_end());
        !(said.is_empty() || is_note && self.text.len() <= NOTE_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::Outside;

    fn has_words(pieces: &[&[u8]]) -> bool {
        let mut outside = Outside::default();
        pieces.iter().for_each(|piece| outside.push(piece));
        outside.has_words()
    }

    #[test]
    fn a_note_to_old_programs_is_none() {
        assert!(!has_words(&[]));
        assert!(!has_words(&[b"\r\n", b" \r\n"]));
        assert!(!has_words(&[b"\r\nThis is a multi-part", b"\r\nmessage in MIME format.\r\n"]));
        assert!(has_words(&[b"This is a multi-part message in MIME format. heron"]));
        assert!(has_words(&[b"\r\n", b"heron"]));
        assert!(has_words(&[&b" ".repeat(300), b"heron"]));
        let far = [&b"This is a MIME-encapsulated message"[..], &b" ".repeat(300), b"heron"];
        assert!(has_words(&far));
    }
}

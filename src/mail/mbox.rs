//! Mailboxes in one file, read and written in the mboxrd form.
//!
//! A separator is a `From ` line at the start or after an empty line that looks
//! like one (it holds a time and a year), so that mail which was never quoted
//! is not cut at a paragraph that begins with "From ". On reading one `>` is taken off every line that
//! matches `^>+From `; on writing one is put before every `^>*From `.
//!
//! A message comes back byte for byte: the writer ends it with its own last LF and
//! an empty line. One that does not end with LF gets an LF and an empty line
//! written as CRLF (CR CR LF if the message ends with CR), which the reader
//! takes as the sign to drop that LF again.

use std::io::{self, BufRead, Write};

use crate::base::limits;

/// Reads messages one after the other.
pub struct Reader<R> {
    source: R,
    line: Vec<u8>,
    /// The separator of the message that comes next.
    separator: Option<Vec<u8>>,
    has_begun: bool,
}

/// One message of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The separator line without its line ending.
    pub separator: Vec<u8>,
    pub bytes: Vec<u8>,
}

impl<R: BufRead> Reader<R> {
    pub fn new(source: R) -> Self {
        Self { source, line: Vec::new(), separator: None, has_begun: false }
    }

    /// Begins at the first separator; false at the end.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.has_begun {
            if self.next_line()? == 0 {
                return Ok(false);
            }
            if is_separator(&self.line) {
                self.has_begun = true;
                self.separator = Some(trimmed(&self.line).to_vec());
            } else if !self.line.trim_ascii().is_empty() {
                let text = "read mailbox: it does not begin with a \"From \" line; \
                            give a file in the mbox form";
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
        Ok(true)
    }

    fn next_line(&mut self) -> io::Result<usize> {
        self.line.clear();
        let room = limits::DELIVERY_BYTES_MAX + 1;
        io::Read::take(&mut self.source, room).read_until(b'\n', &mut self.line)
    }

    fn message(&mut self) -> io::Result<Option<Message>> {
        if !self.begin()? {
            return Ok(None);
        }
        let Some(separator) = self.separator.take() else { return Ok(None) };
        let mut bytes = Vec::new();
        let mut is_after_empty = false;
        while self.next_line()? > 0 {
            if is_after_empty && is_separator(&self.line) {
                self.separator = Some(trimmed(&self.line).to_vec());
                break;
            }
            let line = &self.line[usize::from(is_quoted(&self.line))..];
            if bytes.len() + line.len() > limits::DELIVERY_BYTES_MAX as usize {
                let text = format!(
                    "read mailbox: a message is longer than {} bytes",
                    limits::DELIVERY_BYTES_MAX
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            is_after_empty = line.trim_ascii().is_empty() && line.ends_with(b"\n");
            bytes.extend_from_slice(line);
        }
        end_of_message(&mut bytes);
        Ok(Some(Message { separator, bytes }))
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = io::Result<Message>;

    fn next(&mut self) -> Option<Self::Item> {
        self.message().transpose()
    }
}

/// Takes off the empty line that separates, and the LF that was added.
fn end_of_message(bytes: &mut Vec<u8>) {
    let (empty, added): (&[u8], &[u8]) = if bytes.ends_with(b"\r\n\r\r\n") {
        (b"\r\r\n", b"\n")
    } else if bytes.ends_with(b"\n\r\n") && !bytes.ends_with(b"\r\n\r\n") {
        (b"\r\n", b"\n")
    } else if bytes.ends_with(b"\r\n\r\n") {
        (b"\r\n", b"")
    } else if bytes.ends_with(b"\n\n") || bytes == b"\n" {
        (b"\n", b"")
    } else {
        (b"", b"")
    };
    bytes.truncate(bytes.len() - empty.len() - added.len());
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

/// Whether `line` begins with `From ` and is not the field of that name with white
/// space before its colon (RFC 5322 section 4.5.3).
pub fn may_separate(line: &[u8]) -> bool {
    let rest = line.strip_prefix(b"From ");
    rest.is_some_and(|rest| !rest.trim_ascii_start().starts_with(b":"))
}

/// Whether `line` begins a message in a mailbox: `From `, an address, and a date
/// with a time and a year.
pub fn is_separator(line: &[u8]) -> bool {
    if !may_separate(line) {
        return false;
    }
    let rest = &line[b"From ".len()..];
    let mut words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let is_time = |word: &[u8]| {
        word.len() >= 4
            && word.contains(&b':')
            && word.iter().all(|c| c.is_ascii_digit() || *c == b':')
    };
    let is_year = |word: &[u8]| word.len() == 4 && word.iter().all(u8::is_ascii_digit);
    let (has_time, has_year) = words
        .by_ref()
        .take(16)
        .fold((false, false), |(t, y), word| (t || is_time(word), y || is_year(word)));
    has_time && has_year
}

fn is_quoted(line: &[u8]) -> bool {
    let behind = line.iter().position(|c| *c != b'>').unwrap_or(line.len());
    behind > 0 && line[behind..].starts_with(b"From ")
}

/// Writes one message: a separator (`From ` line without its ending), the
/// message with its `From ` lines quoted, and an empty line.
pub fn write(out: &mut impl Write, separator: &[u8], message: &[u8]) -> io::Result<()> {
    out.write_all(separator)?;
    out.write_all(b"\n")?;
    write_quoted(out, message)?;
    out.write_all(end_of(message))
}

/// Writes a message with one more `>` before every line that begins with any
/// number of them and `From `; returns how many bytes that took.
pub fn write_quoted(out: &mut impl Write, message: &[u8]) -> io::Result<u64> {
    let mut written = message.len() as u64;
    for line in message.split_inclusive(|c| *c == b'\n') {
        let behind = line.iter().position(|c| *c != b'>').unwrap_or(line.len());
        if line[behind..].starts_with(b"From ") {
            out.write_all(b">")?;
            written += 1;
        }
        out.write_all(line)?;
    }
    Ok(written)
}

/// What stands between a message and the next separator: an empty line, in a
/// form that tells whether the message ended with a line end of its own.
pub fn end_of(message: &[u8]) -> &'static [u8] {
    match message {
        [.., b'\n'] | [] => b"\n",
        [.., b'\r'] => b"\n\r\r\n",
        _ => b"\n\r\n",
    }
}

/// The separator line for a message received from `sender` at `at`.
pub fn separator(sender: &str, at: crate::base::clock::Timestamp) -> Vec<u8> {
    let is_plain = !sender.is_empty() && sender.bytes().all(|c| c.is_ascii_graphic());
    let sender = if is_plain { sender } else { "MAILER-DAEMON" };
    let date = at.to_jiff().strftime("%a %b %e %H:%M:%S %Y");
    format!("From {sender} {date}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(messages: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for message in messages {
            write(&mut out, b"From a@x Thu Jan  1 00:00:00 1970", message).unwrap();
        }
        out
    }

    fn read(mailbox: &[u8]) -> Vec<Vec<u8>> {
        Reader::new(mailbox).map(|message| message.unwrap().bytes).collect()
    }

    proptest! {
        #[test]
        fn messages_come_back_byte_for_byte(
            messages in prop::collection::vec("((>{0,2}From |a|:|1999|\r|\n| ){0,12})", 0..5)
        ) {
            let messages: Vec<_> = messages.into_iter().map(String::into_bytes).collect();
            prop_assert_eq!(read(&written(&messages)), messages);
        }
    }

    #[test]
    fn a_field_is_no_separator() {
        assert!(is_separator(b"From a@x Thu Oct 26 08:13:00 2000"));
        assert!(!is_separator(b"From \t: Ann at 08:13:00 2000 <a@x>"));
    }

    #[test]
    fn paragraphs_that_begin_with_from_do_not_cut() {
        let mailbox = b"From MAILER-DAEMON Thu Oct 26 08:13:00 2000\nA: b\n\nHi\n\n\
            From here on all is well.\n>From me\n\nFrom b@x  Fri Oct 27 08:13:00 2000\nC: d\n\nx\n";
        let expected = [
            b"A: b\n\nHi\n\nFrom here on all is well.\nFrom me\n".to_vec(),
            b"C: d\n\nx\n".to_vec(),
        ];
        assert_eq!(read(mailbox), expected);
    }
}

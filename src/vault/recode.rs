//! Base64 that can be kept decoded, because encoding it again gives the same bytes.
//!
//! In mail it stands in lines of one length with one kind of line ending, and the
//! last line may be shorter. Whatever is otherwise, ends a run or begins none: it is
//! kept as it came. Nothing here looks at headers, so that base64 is found wherever
//! it lies, and doubtful MIME hides nothing and breaks nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memchr;

/// Longer lines are kept as they are; bounds what an encoder holds.
pub const LINE_CHARS_MAX: usize = 4096;
/// Shorter first lines are words.
const LINE_CHARS_MIN: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ending {
    Lf = 1,
    CrLf = 2,
}

impl Ending {
    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
        }
    }
}

/// How a run is written: lines of so many characters, the last one without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Divisible by four, at most [`LINE_CHARS_MAX`].
    pub line_chars: u16,
    pub ending: Ending,
}

impl Shape {
    /// None where nothing is written so.
    pub fn new(line_chars: u16, ending: u8) -> Option<Self> {
        let ending = [Ending::Lf, Ending::CrLf].into_iter().find(|known| *known as u8 == ending)?;
        let chars = usize::from(line_chars);
        let is_line = chars > 0 && chars <= LINE_CHARS_MAX && chars.is_multiple_of(4);
        is_line.then_some(Self { line_chars, ending })
    }

    fn line_bytes(self) -> usize {
        usize::from(self.line_chars) / 4 * 3
    }
}

/// A stretch of base64, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub start: usize,
    /// Where its last character ends.
    pub end: usize,
    pub shape: Shape,
    pub decoded: Vec<u8>,
}

/// The runs in `bytes`, in order, that decode to `bytes_min` bytes or more; at most
/// `most` of them.
pub fn runs(bytes: &[u8], bytes_min: usize, most: usize) -> Vec<Run> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() && found.len() < most {
        let line = line_at(bytes, at);
        at = match Run::at(bytes, at, &line) {
            Some(run) => {
                let next = run.end;
                // Doubt is kept as it came: what is found is tried.
                if run.decoded.len() >= bytes_min && run.gives(&bytes[run.start..run.end]) {
                    found.push(run);
                }
                // At the end of its last line.
                line_at(bytes, next).next.max(next + 1)
            }
            None => line.next,
        };
    }
    found
}

struct Line {
    /// Where its characters end, and the next line begins.
    end: usize,
    next: usize,
    ending: Option<Ending>,
}

fn line_at(bytes: &[u8], start: usize) -> Line {
    let Some(length) = memchr(b'\n', &bytes[start..]) else {
        return Line { end: bytes.len(), next: bytes.len(), ending: None };
    };
    let feed = start + length;
    match feed > start && bytes[feed - 1] == b'\r' {
        true => Line { end: feed - 1, next: feed + 1, ending: Some(Ending::CrLf) },
        false => Line { end: feed, next: feed + 1, ending: Some(Ending::Lf) },
    }
}

fn is_alphabet(line: &[u8]) -> bool {
    line.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

impl Run {
    /// The run whose first line is `line`, which begins at `start`.
    fn at(bytes: &[u8], start: usize, line: &Line) -> Option<Self> {
        let chars = line.end - start;
        if !(LINE_CHARS_MIN..=LINE_CHARS_MAX).contains(&chars) || !chars.is_multiple_of(4) {
            return None;
        }
        let ending = line.ending.unwrap_or(Ending::CrLf);
        let shape = Shape { line_chars: u16::try_from(chars).ok()?, ending };
        let mut run = Self { start, end: start, shape, decoded: Vec::new() };
        let (mut from, mut line) = (start, Line { ..*line });
        loop {
            let text = &bytes[from..line.end];
            let is_full = text.len() == chars && is_alphabet(text);
            if !run.take(text) {
                break;
            }
            run.end = line.end;
            // The last line's end is not the run's.
            if !is_full || line.ending != Some(ending) || line.next == bytes.len() {
                break;
            }
            from = line.next;
            line = line_at(bytes, from);
        }
        (run.end > start).then_some(run)
    }

    /// Decodes a line that is exactly what encoding gives; false if it is not.
    fn take(&mut self, text: &[u8]) -> bool {
        if text.is_empty()
            || text.len() > usize::from(self.shape.line_chars)
            || !text.len().is_multiple_of(4)
        {
            return false;
        }
        let at = self.decoded.len();
        self.decoded.resize(at + text.len() / 4 * 3, 0);
        // Strict: of padding and of bits that no byte has.
        let taken = STANDARD.decode_slice(text, &mut self.decoded[at..]);
        self.decoded.truncate(at + taken.as_ref().copied().unwrap_or(0));
        taken.is_ok()
    }

    fn gives(&self, source: &[u8]) -> bool {
        let mut encoder = Encoder::new(self.shape);
        let mut out = Vec::with_capacity(source.len());
        encoder.push(&self.decoded, &mut out);
        encoder.finish(&mut out);
        out == source
    }
}

/// Writes a run again, from bytes that come in pieces.
pub struct Encoder {
    shape: Shape,
    /// Less than a line.
    held: Vec<u8>,
    is_begun: bool,
}

impl Encoder {
    pub fn new(shape: Shape) -> Self {
        Self { shape, held: Vec::new(), is_begun: false }
    }

    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let full = self.shape.line_bytes();
        let mut rest = bytes;
        if !self.held.is_empty() {
            let (taken, after) = rest.split_at(rest.len().min(full - self.held.len()));
            self.held.extend_from_slice(taken);
            rest = after;
            if self.held.len() == full {
                let line = std::mem::take(&mut self.held);
                self.line(&line, out);
            }
        }
        let mut lines = rest.chunks_exact(full);
        for line in &mut lines {
            self.line(line, out);
        }
        self.held.extend_from_slice(lines.remainder());
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.held.is_empty() {
            let line = std::mem::take(&mut self.held);
            self.line(&line, out);
        }
    }

    fn line(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.is_begun {
            out.extend_from_slice(self.shape.ending.bytes());
        }
        self.is_begun = true;
        let at = out.len();
        out.resize(at + bytes.len().div_ceil(3) * 4, 0);
        STANDARD.encode_slice(bytes, &mut out[at..]).expect("there is room for each group");
    }
}

/// How long a run is that says `size` bytes.
#[cfg(test)]
fn encoded_bytes(shape: Shape, size: u64) -> Option<u64> {
    let chars = size.div_ceil(3).checked_mul(4)?;
    let lines = size.div_ceil(shape.line_bytes() as u64);
    chars.checked_add(lines.saturating_sub(1).checked_mul(shape.ending.bytes().len() as u64)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `bytes` with every run taken out and written again.
    fn again(bytes: &[u8], bytes_min: usize) -> (Vec<u8>, usize) {
        let found = runs(bytes, bytes_min, usize::MAX);
        let (mut out, mut at) = (Vec::new(), 0);
        for run in &found {
            assert!(run.start >= at && run.end > run.start, "runs are in order and apart");
            out.extend_from_slice(&bytes[at..run.start]);
            let written = out.len();
            let mut encoder = Encoder::new(run.shape);
            for piece in run.decoded.chunks(7) {
                encoder.push(piece, &mut out);
            }
            encoder.finish(&mut out);
            let length = encoded_bytes(run.shape, run.decoded.len() as u64);
            assert_eq!(length, Some((out.len() - written) as u64));
            at = run.end;
        }
        out.extend_from_slice(&bytes[at..]);
        (out, found.len())
    }

    fn lines(content: &[u8], chars: usize, ending: &str) -> String {
        let text = STANDARD.encode(content);
        let lines: Vec<_> =
            text.as_bytes().chunks(chars).map(|line| std::str::from_utf8(line).unwrap()).collect();
        lines.join(ending)
    }

    #[test]
    fn an_attachment_in_lines_of_any_length_is_one_run() {
        let content: Vec<u8> = (0..5000_u32).map(|at| ((at * at) >> 3) as u8).collect();
        for chars in [60, 64, 72, 76, 4096] {
            for ending in ["\n", "\r\n"] {
                for size in [4999, 5000, 4998, 57 * 60] {
                    let body = lines(&content[..size], chars, ending);
                    let mail = format!("To: b{ending}{ending}{body}{ending}{ending}--b--");
                    let found = runs(mail.as_bytes(), 512, 9);
                    assert_eq!(found.len(), 1, "{chars} {ending:?} {size}");
                    assert_eq!(found[0].decoded, &content[..size]);
                    assert_eq!(again(mail.as_bytes(), 512).0, mail.as_bytes());
                }
            }
        }
    }

    #[test]
    fn what_encoding_would_not_give_is_kept() {
        let good = "QUJD".repeat(19);
        for (what, last) in [
            ("bits that no byte has", "QUJDRB=="),
            ("no padding", "QUJDRA"),
            ("padding within", "QQ==QUJD"),
            ("a foreign character", "QUJDRA-="),
            ("white space", "QUJD "),
        ] {
            let text = format!("{good}\r\n{good}\r\n{last}\r\n");
            let found = runs(text.as_bytes(), 57, 9);
            assert_eq!(found.len(), 1, "{what}");
            assert_eq!(found[0].end, good.len() * 2 + 2, "{what}");
            assert_eq!(again(text.as_bytes(), 57).0, text.as_bytes());
        }
        // Lines that end in different ways are different runs.
        let mixed = format!("{good}\r\n{good}\n{good}\r\n{good}");
        assert_eq!(again(mixed.as_bytes(), 1), (mixed.into_bytes(), 2));
    }

    fn any_line() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => Just("QUJD".repeat(19)),
            2 => Just("AAAA".repeat(4)),
            2 => "[A-Za-z0-9+/]{0,80}={0,3}",
            1 => Just(String::new()),
            1 => "[ -~]{0,90}",
            1 => "\\PC{0,20}",
        ]
    }

    proptest! {
        #[test]
        fn any_text_comes_back(
            parts in proptest::collection::vec((any_line(), 0..4_u8), 0..60),
        ) {
            let mut text = Vec::new();
            for (line, ending) in &parts {
                text.extend_from_slice(line.as_bytes());
                text.extend_from_slice([&b"\r\n"[..], b"\n", b"\r\n", b"\r"][usize::from(*ending)]);
            }
            for bytes_min in [1, 40, 512] {
                prop_assert_eq!(&again(&text, bytes_min).0, &text);
            }
        }

        #[test]
        fn any_content_is_found_and_comes_back(
            content in proptest::collection::vec(any::<u8>(), 1..3000),
            chars in 4..40_usize,
            is_crlf in any::<bool>(),
            head in "[a-z: \r\n]{0,40}",
            change in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let ending = if is_crlf { "\r\n" } else { "\n" };
            let mut text = format!("{head}\n{}\n.", lines(&content, chars * 4, ending)).into_bytes();
            if let Some((at, byte)) = change {
                let at = at.index(text.len());
                text[at] = byte;
            }
            prop_assert_eq!(&again(&text, 12).0, &text);
        }

        #[test]
        fn any_bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(&again(&bytes, 1).0, &bytes);
        }
    }
}

//! Where a format's reader puts what it finds, bounded.

use super::{Field, Reason, charset, picture, text};
use crate::base::limits;

/// What was found in one document.
#[derive(Default)]
pub(super) struct Sink {
    pub text: String,
    pub about: Vec<Field>,
    pub gaps: Vec<(Reason, String)>,
    /// What it says is in its documents.
    pub is_container: bool,
    /// Pictures in it that nobody has read.
    pub pictures: usize,
    /// What of it is read by its looks, where somebody does that: pages of it, and
    /// pictures, which are kept if [`Self::keeps_scans`].
    pub scans: Vec<(Vec<u32>, Vec<u8>)>,
    /// Pictures in it that are too small for words.
    pub small_pictures: usize,
    pub keeps_scans: bool,
    is_cut: bool,
}

impl Sink {
    /// One that keeps what is to be read by its looks, or only counts it.
    pub fn new(keeps_scans: bool) -> Self {
        Self { keeps_scans, ..Self::default() }
    }

    pub fn push(&mut self, text: &str) {
        if self.text.len() + text.len() <= limits::TEXT_BYTES_MAX {
            self.text.push_str(text);
        } else if !std::mem::replace(&mut self.is_cut, true) {
            self.gap(Reason::TooLarge, text::cut(self.text.len()));
        }
    }

    /// Says so where the charset of its bytes is unknown.
    pub fn note_guess(&mut self, bytes: &[u8], label: Option<&str>) {
        if let Some(detail) = charset::guess_told(bytes, label) {
            self.gap(Reason::Damaged, detail);
        }
    }

    /// A picture within it.
    pub fn picture(&mut self, bytes: &[u8]) {
        if !picture::is_readable(bytes) {
            self.pictures += 1;
        } else if picture::may_have_words(bytes) {
            self.scan(Vec::new(), bytes);
        } else {
            self.small_pictures += 1;
        }
    }

    /// Pages that are pictures, or all of it.
    pub fn scan(&mut self, pages: Vec<u32>, bytes: &[u8]) {
        let kept = if self.keeps_scans { bytes.to_vec() } else { Vec::new() };
        self.scans.push((pages, kept));
    }

    /// Whether more would be left out: a reader may stop.
    pub fn is_full(&self) -> bool {
        self.is_cut
    }

    /// Ends the line, if one has begun.
    pub fn line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.push("\n");
        }
    }

    /// `text` on a line of its own.
    pub fn push_line(&mut self, text: &str) {
        let text = text.trim();
        if !text.is_empty() {
            self.line();
            self.push(text);
            self.push("\n");
        }
    }

    /// Parts what comes from the word before it.
    pub fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(char::is_whitespace) {
            self.push(" ");
        }
    }

    pub fn about(&mut self, name: &str, value: &str) {
        let value = value.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let is_known = |field: &Field| field.name == name && field.value == value;
        if !value.is_empty() && !self.about.iter().any(is_known) {
            let value = super::text::prefix(value, limits::HEADER_BYTES_MAX).to_owned();
            self.about.push(Field { name: name.to_owned(), value });
        }
    }

    pub fn gap(&mut self, reason: Reason, detail: impl Into<String>) {
        let gap = (reason, detail.into());
        if !self.gaps.contains(&gap) {
            self.gaps.push(gap);
        }
    }
}

//! Replies: code, enhanced status code (RFC 3463) and text.
//!
//! A reply never repeats what the client sent, so that no input can shape a
//! reply line.

use std::borrow::Cow;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// Empty where RFC 2034 has none: greeting, HELO, EHLO and 3xx.
    enhanced: &'static str,
    lines: Vec<Cow<'static, str>>,
}

impl Reply {
    pub(super) fn new(
        code: u16,
        enhanced: &'static str,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code, enhanced, lines: vec![text.into()] }
    }

    pub(super) fn plain(code: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code, "", text)
    }

    /// The reply to EHLO: the name, then one extension a line.
    pub(super) fn lines(code: u16, lines: Vec<Cow<'static, str>>) -> Self {
        debug_assert!(!lines.is_empty(), "a reply has a line");
        Self { code, enhanced: "", lines }
    }

    /// Whether it says that a line was no command (RFC 5321 section 4.2.4).
    pub(super) fn is_unrecognized(&self) -> bool {
        self.code == 500
    }

    pub(super) fn is_error(&self) -> bool {
        self.code >= 500
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let last = self.lines.len().saturating_sub(1);
        for (index, text) in self.lines.iter().enumerate() {
            let mark = if index == last { ' ' } else { '-' };
            let gap = if self.enhanced.is_empty() { "" } else { " " };
            let line = format!("{}{mark}{}{gap}{text}\r\n", self.code, self.enhanced);
            out.extend_from_slice(line.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(reply: &Reply) -> String {
        let mut out = Vec::new();
        reply.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn last_line_has_a_space() {
        assert_eq!(text(&Reply::new(250, "2.0.0", "OK")), "250 2.0.0 OK\r\n");
        assert_eq!(text(&Reply::plain(354, "go on")), "354 go on\r\n");
        let lines = Reply::lines(250, vec!["host".into(), "PIPELINING".into()]);
        assert_eq!(text(&lines), "250-host\r\n250 PIPELINING\r\n");
    }
}

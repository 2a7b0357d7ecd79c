//! WordprocessingML: body, headers, footers, notes, comments, text boxes, what
//! tracked changes added and what they deleted, and fields' codes.

use super::super::container::zip::{Archive, Entry};
use super::super::family::Walk;
use super::super::sink::Sink;
use super::super::xml::{self, Step};
use super::{numbered, part as text_of};

pub(super) fn read(walk: &mut Walk<'_>, archive: &Archive<'_>, sink: &mut Sink) {
    let mut entries = numbered(archive, "word/");
    let is_main = |entry: &&Entry| entry.name.to_ascii_lowercase().starts_with("word/document");
    entries.sort_by_key(|entry| !is_main(entry));
    for entry in entries {
        let name = entry.name.to_ascii_lowercase();
        // A drawing of what diagrams/data says already.
        if name.starts_with("word/diagrams/drawing") || name.starts_with("word/theme/") {
            continue;
        }
        let Some(source) = text_of(walk, archive, entry, sink) else { continue };
        part(&source, sink);
        sink.line();
    }
}

/// The text of one part, or of a document that is one XML file.
pub(in crate::extract) fn part(source: &str, sink: &mut Sink) {
    let mut words = Words::default();
    let is_whole = xml::walk(source, |step| {
        words.step(step, sink);
        !sink.is_full()
    });
    if !is_whole {
        sink.gap(super::Reason::Damaged, "a part of it is not well-formed");
    }
}

/// Text of DrawingML and WordprocessingML alike: `t` in `p`.
#[derive(Default)]
pub(super) struct Words {
    /// Elements open whose text counts.
    open: u32,
    /// Within an alternative that says the same again.
    skipped: u32,
}

impl Words {
    pub fn step(&mut self, step: Step<'_>, sink: &mut Sink) {
        match step {
            Step::Open("Fallback", _) => self.skipped += 1,
            Step::Close("Fallback") => self.skipped = self.skipped.saturating_sub(1),
            _ if self.skipped > 0 => {}
            Step::Open(name, start) => match name {
                "t" | "delText" | "text" => self.open += 1,
                "instrText" | "delInstrText" | "v" | "f" => {
                    sink.space();
                    self.open += u32::from(name != "f");
                }
                "tab" | "ptab" => sink.push("\t"),
                "br" | "cr" => sink.push("\n"),
                "noBreakHyphen" => sink.push("-"),
                "comment" => {
                    if let Some(author) = xml::attribute(start, "author") {
                        sink.push_line(&author);
                    }
                }
                "ins" | "del" | "moveFrom" | "moveTo" => {
                    if let Some(author) = xml::attribute(start, "author") {
                        sink.about("Changed by", &author);
                    }
                }
                "textpath" => {
                    if let Some(text) = xml::attribute(start, "string") {
                        sink.push_line(&text);
                    }
                }
                "docPr" | "cNvPr" => {
                    for name in ["title", "descr"] {
                        if let Some(text) = xml::attribute(start, name) {
                            sink.push_line(&text);
                        }
                    }
                }
                _ => {}
            },
            Step::Close(name) => match name {
                "t" | "delText" | "text" => self.open = self.open.saturating_sub(1),
                "instrText" | "delInstrText" | "v" => {
                    self.open = self.open.saturating_sub(1);
                    sink.space();
                }
                "p" | "tr" => sink.line(),
                "tc" => sink.push("\t"),
                _ => {}
            },
            Step::Text(text) if self.open > 0 => sink.push(text),
            Step::Text(_) => {}
        }
    }
}

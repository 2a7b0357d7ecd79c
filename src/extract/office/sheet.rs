//! SpreadsheetML: every sheet, hidden ones too, cell by cell as it is written,
//! so that a sheet's size is never what it claims; with results of formulas,
//! comments, drawings, charts, headers, and data that a pivot table keeps.

use super::super::container::zip::Archive;
use super::super::family::Walk;
use super::super::sink::Sink;
use super::super::xml::{self, Step};
use super::word::Words;
use super::{Format, numbered, part, steps};

/// What cells refer to.
#[derive(Default)]
pub(super) struct Book {
    /// One text after the other.
    strings: String,
    ends: Vec<usize>,
    pub formats: Vec<Format>,
    pub is_1904: bool,
}

impl Book {
    pub fn string(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        self.strings.get(start.unwrap_or(0)..end)
    }

    pub fn add_string(&mut self, text: &str) {
        self.strings.push_str(text);
        self.ends.push(self.strings.len());
    }

    pub fn number(&self, value: f64, style: usize) -> String {
        self.formats.get(style).unwrap_or(&Format::General).shown(value, self.is_1904)
    }
}

pub(super) fn read(walk: &mut Walk<'_>, archive: &Archive<'_>, sink: &mut Sink) {
    let mut book = Book::default();
    for entry in numbered(archive, "xl/workbook") {
        if let Some(source) = part(walk, archive, entry, sink) {
            workbook(&source, &mut book, sink);
        }
    }
    for entry in numbered(archive, "xl/styles") {
        if let Some(source) = part(walk, archive, entry, sink) {
            steps(&source, &entry.name, sink, styles(&mut book));
        }
    }
    for entry in numbered(archive, "xl/sharedstrings") {
        if let Some(source) = part(walk, archive, entry, sink) {
            shared_strings(&source, &mut book, sink);
        }
    }
    for folder in ["xl/worksheets/", "xl/chartsheets/", "xl/dialogsheets/", "xl/macrosheets/"] {
        for entry in numbered(archive, folder) {
            let Some(source) = part(walk, archive, entry, sink) else { continue };
            sheet(&source, &entry.name, &book, sink);
        }
    }
    beside(walk, archive, sink);
}

/// Parts beside the sheets, of both kinds of workbook.
pub(super) fn beside(walk: &mut Walk<'_>, archive: &Archive<'_>, sink: &mut Sink) {
    const FOLDERS: [&str; 10] = [
        "xl/comments",
        "xl/threadedcomments/",
        "xl/persons/",
        "xl/drawings/",
        "xl/charts/",
        "xl/diagrams/data",
        "xl/tables/",
        "xl/pivotcache/",
        "xl/externallinks/",
        "xl/connections",
    ];
    for folder in FOLDERS {
        for entry in numbered(archive, folder) {
            let Some(source) = part(walk, archive, entry, sink) else { continue };
            let mut words = Words::default();
            steps(&source, &entry.name, sink, |step, sink| {
                if let Step::Open(name, start) = &step {
                    let wanted: &[&str] = match *name {
                        "s" | "v" | "n" | "d" => &["v"],
                        "table" | "tableColumn" => &["displayName", "name"],
                        "person" => &["displayName"],
                        "sheetName" => &["val"],
                        "connection" => &["name", "description"],
                        "dbPr" => &["connection", "command"],
                        _ => &[],
                    };
                    for name in wanted {
                        if let Some(text) = xml::attribute(start, name) {
                            sink.push_line(&text);
                        }
                    }
                }
                words.step(step, sink);
            });
            sink.line();
        }
    }
}

fn workbook(source: &str, book: &mut Book, sink: &mut Sink) {
    let mut is_name = false;
    steps(source, "the workbook", sink, |step, sink| match step {
        Step::Open("workbookPr", start) => {
            let mark = xml::attribute(start, "date1904").unwrap_or_default();
            book.is_1904 = matches!(mark.as_str(), "1" | "true");
        }
        Step::Open("sheet", start) => {
            sink.push_line(&xml::attribute(start, "name").unwrap_or_default());
        }
        Step::Open("definedName", start) => {
            sink.push_line(&xml::attribute(start, "name").unwrap_or_default());
            is_name = true;
        }
        Step::Close("definedName") => {
            is_name = false;
            sink.line();
        }
        // A name can stand for a text of its own.
        Step::Text(text) if is_name && text.contains('"') => sink.push(text),
        _ => {}
    });
}

fn styles(book: &mut Book) -> impl FnMut(Step<'_>, &mut Sink) {
    let mut own = std::collections::HashMap::new();
    let mut is_cells = false;
    move |step, _| match step {
        Step::Open("numFmt", start) => {
            let id = xml::attribute(start, "numFmtId").and_then(|id| id.parse::<u32>().ok());
            if let (Some(id), Some(code)) = (id, xml::attribute(start, "formatCode")) {
                own.insert(id, Format::new(&code));
            }
        }
        Step::Open("cellXfs", _) => is_cells = true,
        Step::Close("cellXfs") => is_cells = false,
        Step::Open("xf", start) if is_cells => {
            let id = xml::attribute(start, "numFmtId").and_then(|id| id.parse::<u32>().ok());
            let id = id.unwrap_or(0);
            book.formats.push(own.get(&id).cloned().unwrap_or_else(|| Format::builtin(id)));
        }
        _ => {}
    }
}

fn shared_strings(source: &str, book: &mut Book, sink: &mut Sink) {
    let mut text = String::new();
    let mut is_text = false;
    steps(source, "the table of texts", sink, |step, _| match step {
        Step::Open("t", _) => is_text = true,
        Step::Close("t") => is_text = false,
        // How the text before it is pronounced.
        Step::Open("rPh", _) => text.push(' '),
        Step::Text(piece) if is_text => text.push_str(piece),
        Step::Close("si") => {
            book.add_string(&text);
            text.clear();
        }
        _ => {}
    });
}

fn sheet(source: &str, name: &str, book: &Book, sink: &mut Sink) {
    let (mut kind, mut style, mut value) = (String::new(), 0, String::new());
    let mut open = 0u32;
    steps(source, name, sink, |step, sink| match step {
        Step::Open("c", start) => {
            kind = xml::attribute(start, "t").unwrap_or_default();
            let index = xml::attribute(start, "s").and_then(|style| style.parse().ok());
            style = index.unwrap_or(0);
            value.clear();
        }
        Step::Open("v" | "t" | "oddHeader" | "oddFooter" | "evenHeader" | "evenFooter", _)
        | Step::Open("firstHeader" | "firstFooter", _) => open += 1,
        Step::Open("dataValidation", start) => {
            for name in ["promptTitle", "prompt", "errorTitle", "error"] {
                sink.push_line(&xml::attribute(start, name).unwrap_or_default());
            }
        }
        Step::Open("hyperlink", start) => {
            for name in ["display", "tooltip"] {
                sink.push_line(&xml::attribute(start, name).unwrap_or_default());
            }
        }
        Step::Text(text) if open > 0 => value.push_str(text),
        Step::Close("v" | "t") => open = open.saturating_sub(1),
        Step::Close("c") => {
            cell(&kind, style, &value, book, sink);
            value.clear();
        }
        Step::Close("row") => sink.line(),
        Step::Close(name) if name.ends_with("Header") || name.ends_with("Footer") => {
            open = open.saturating_sub(1);
            // &L, &C and &R say where it stands.
            let plain =
                ["&L", "&C", "&R"].iter().fold(value.clone(), |text, mark| text.replace(mark, " "));
            sink.push_line(&plain);
            value.clear();
        }
        _ => {}
    });
    sink.line();
}

fn cell(kind: &str, style: usize, value: &str, book: &Book, sink: &mut Sink) {
    if value.is_empty() {
        return;
    }
    match kind {
        "s" => sink.push(value.parse().ok().and_then(|at| book.string(at)).unwrap_or_default()),
        "b" => sink.push(if value == "1" { "TRUE" } else { "FALSE" }),
        "str" | "inlineStr" | "e" | "d" => sink.push(value),
        _ => match value.parse::<f64>() {
            Ok(number) => sink.push(&book.number(number, style)),
            Err(_) => sink.push(value),
        },
    }
    sink.push("\t");
}

//! Office Open XML (ECMA-376) packages: what kind they are, and their parts read
//! in order. Every part that can hold words is read, hidden or not.

mod numbers;
pub(super) mod opendocument;
mod sheet;
mod slide;
pub(super) mod word;
mod xlsb;

pub(super) use numbers::Format;
pub(super) use xlsb::packed_number;

use super::Reason;
use super::container::zip::{self, Archive, Entry};
use super::family::{Place, Walk};
use super::kind::Kind;
use super::sink::Sink;
use super::xml::{self, Step};

/// What the package is, by its main part.
pub(super) fn kind(archive: &Archive<'_>) -> Kind {
    let has =
        |name: &str| archive.entries.iter().any(|entry| entry.name.eq_ignore_ascii_case(name));
    let has_folder = |folder: &str| {
        let folder = |entry: &&Entry| entry.name.to_ascii_lowercase().starts_with(folder);
        archive.entries.iter().find(folder).is_some()
    };
    if has("xl/workbook.bin") {
        Kind::Xlsb
    } else if has_folder("xl/") {
        Kind::Xlsx
    } else if has_folder("word/") {
        Kind::Docx
    } else if has_folder("ppt/") {
        Kind::Pptx
    } else {
        Kind::Package
    }
}

pub(super) fn read(walk: &mut Walk<'_>, bytes: &[u8], kind: Kind, inside: Place, sink: &mut Sink) {
    let Some(archive) = Archive::open(bytes) else {
        return sink.gap(Reason::Damaged, "it has no directory that can be read");
    };
    if archive.is_recovered {
        sink.gap(Reason::Damaged, "its directory is gone; what was found without it is read");
    }
    properties(walk, &archive, sink);
    match kind {
        Kind::Docx => word::read(walk, &archive, sink),
        Kind::Xlsx => sheet::read(walk, &archive, sink),
        Kind::Xlsb => xlsb::read(walk, &archive, sink),
        Kind::Pptx => slide::read(walk, &archive, sink),
        _ => other(walk, &archive, sink),
    }
    targets(walk, &archive, sink);
    embedded(walk, &archive, inside, sink);
}

/// The text of a part; none if it cannot be had.
fn part(
    walk: &mut Walk<'_>,
    archive: &Archive<'_>,
    entry: &Entry,
    sink: &mut Sink,
) -> Option<String> {
    let bytes = zip::content(walk, archive, entry, sink)?;
    Some(xml::decode(&bytes).into_owned())
}

/// Steps through a part; what is no XML is declared.
fn steps(source: &str, name: &str, sink: &mut Sink, mut each: impl FnMut(Step<'_>, &mut Sink)) {
    let is_whole = xml::walk(source, |step| {
        each(step, sink);
        !sink.is_full()
    });
    if !is_whole {
        sink.gap(Reason::Damaged, format!("{name} is not well-formed"));
    }
}

/// Parts in a folder, in the order of the numbers in their names.
fn numbered<'a>(archive: &'a Archive<'_>, prefix: &str) -> Vec<&'a Entry> {
    let is_in = |entry: &&Entry| {
        let name = entry.name.to_ascii_lowercase();
        name.starts_with(prefix) && name.ends_with(".xml")
    };
    let mut found: Vec<&Entry> = archive.entries.iter().filter(is_in).collect();
    found.sort_by_key(|entry| {
        let digits: String = entry.name.chars().filter(char::is_ascii_digit).collect();
        (digits.parse::<u64>().unwrap_or(0), entry.name.clone())
    });
    found
}

/// Title, authors and dates, and what people added of their own.
fn properties(walk: &mut Walk<'_>, archive: &Archive<'_>, sink: &mut Sink) {
    const NAMES: [(&str, &str); 13] = [
        ("title", "Title"),
        ("subject", "Subject"),
        ("creator", "Author"),
        ("lastModifiedBy", "Last author"),
        ("keywords", "Keywords"),
        ("description", "Comments"),
        ("category", "Category"),
        ("contentStatus", "Status"),
        ("created", "Created"),
        ("modified", "Modified"),
        ("Manager", "Manager"),
        ("Company", "Company"),
        ("HyperlinkBase", "Hyperlink base"),
    ];
    for entry in numbered(archive, "docprops/") {
        let Some(source) = part(walk, archive, entry, sink) else { continue };
        let (mut name, mut value) = (None, String::new());
        let mut own = None;
        steps(&source, &entry.name, sink, |step, sink| match step {
            Step::Open("property", start) => own = xml::attribute(start, "name"),
            Step::Open(local, _) => {
                name = NAMES.iter().find(|(known, _)| *known == local).map(|(_, shown)| *shown);
                value.clear();
            }
            Step::Text(text) => value.push_str(text),
            Step::Close("property") => {
                if let Some(name) = own.take() {
                    sink.about(&name, &value);
                }
                value.clear();
            }
            Step::Close(_) => {
                if let Some(name) = name.take() {
                    sink.about(name, &value);
                }
            }
        });
    }
}

/// Where links lead.
fn targets(walk: &mut Walk<'_>, archive: &Archive<'_>, sink: &mut Sink) {
    let mut seen = std::collections::HashSet::new();
    for entry in archive.entries.iter().filter(|entry| entry.name.ends_with(".rels")) {
        let Some(source) = part(walk, archive, entry, sink) else { continue };
        steps(&source, &entry.name, sink, |step, sink| {
            if let Step::Open("Relationship", start) = step
                && xml::attribute(start, "TargetMode").is_some_and(|mode| mode == "External")
                && let Some(target) = xml::attribute(start, "Target")
                && seen.insert(target.clone())
            {
                sink.push_line(&target);
            }
        });
    }
}

/// Documents within it are of the family; pictures are its own.
fn embedded(walk: &mut Walk<'_>, archive: &Archive<'_>, inside: Place, sink: &mut Sink) {
    for entry in archive.entries.iter().filter(|entry| !entry.is_directory()) {
        let name = entry.name.to_ascii_lowercase();
        let is_document = name.contains("/embeddings/")
            || ["html", "htm", "mht", "mhtml", "rtf", "txt"]
                .iter()
                .any(|suffix| name.rsplit_once('.').is_some_and(|(_, own)| own == *suffix))
            || name.contains("/activex/") && name.ends_with(".bin")
            || name.ends_with("vbaproject.bin");
        if is_document && walk.has_room() {
            zip::give(walk, archive, entry, inside);
        } else if name.contains("/media/") && !name.ends_with(".xml") {
            shown(walk, archive, entry, sink);
        }
    }
}

/// A picture in the package.
fn shown(walk: &mut Walk<'_>, archive: &Archive<'_>, entry: &Entry, sink: &mut Sink) {
    match archive.unpack(entry, walk.room()) {
        Some(unpacked) if unpacked.problem.is_none() => {
            walk.expanded(unpacked.bytes.len());
            sink.picture(&unpacked.bytes);
        }
        _ => sink.pictures += 1,
    }
}

/// Any text of any part: Visio's, and XPS, which keeps it in attributes.
fn other(walk: &mut Walk<'_>, archive: &Archive<'_>, sink: &mut Sink) {
    let is_page = |entry: &&Entry| {
        let name = entry.name.to_ascii_lowercase();
        let is_text = [".xml", ".fpage"].iter().any(|suffix| name.ends_with(suffix));
        is_text && !name.starts_with("docprops/") && name != "[content_types].xml"
    };
    for entry in archive.entries.iter().filter(is_page) {
        let Some(source) = part(walk, archive, entry, sink) else { continue };
        let mut depth = 0u32;
        steps(&source, &entry.name, sink, |step, sink| match step {
            Step::Open("Text", _) => depth += 1,
            Step::Open("Glyphs", start) => {
                if let Some(text) = xml::attribute(start, "UnicodeString") {
                    sink.push_line(&text);
                }
            }
            Step::Text(text) if depth > 0 => sink.push(text),
            Step::Close("Text") => {
                depth = depth.saturating_sub(1);
                sink.line();
            }
            _ => {}
        });
    }
}

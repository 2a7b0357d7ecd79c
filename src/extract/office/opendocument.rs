//! OpenDocument (OASIS ODF 1.3) packages: text, sheets and slides alike.

use super::super::Reason;
use super::super::container::zip::{self, Archive};
use super::super::family::{Place, Walk};
use super::super::sink::Sink;
use super::super::xml::{self, Step};
use super::{part, shown, steps};

/// As the package says itself.
pub(in crate::extract) fn media_type(bytes: &[u8]) -> &'static str {
    const KNOWN: [&str; 4] = [
        "application/vnd.oasis.opendocument.text",
        "application/vnd.oasis.opendocument.spreadsheet",
        "application/vnd.oasis.opendocument.presentation",
        "application/vnd.oasis.opendocument.graphics",
    ];
    let start = &bytes[..bytes.len().min(200)];
    let is_said = |known: &&&str| memchr::memmem::find(start, known.as_bytes()).is_some();
    KNOWN.iter().find(is_said).copied().unwrap_or("application/vnd.oasis.opendocument.text")
}

pub(in crate::extract) fn read(walk: &mut Walk<'_>, bytes: &[u8], inside: Place, sink: &mut Sink) {
    let Some(archive) = Archive::open(bytes) else {
        return sink.gap(Reason::Damaged, "it has no directory that can be read");
    };
    if archive.is_recovered {
        sink.gap(Reason::Damaged, "its directory is gone; what was found without it is read");
    }
    if is_encrypted(walk, &archive, sink) {
        return sink.gap(Reason::Encrypted, "it opens with a password");
    }
    let order = ["meta.xml", "content.xml", "styles.xml"];
    for wanted in order {
        for entry in &archive.entries {
            let name = entry.name.to_ascii_lowercase();
            let is_object = name.ends_with(&format!("/{wanted}")) && wanted == "content.xml";
            if name != wanted && !is_object {
                continue;
            }
            let Some(source) = part(walk, &archive, entry, sink) else { continue };
            if wanted == "meta.xml" {
                about(&source, sink);
            } else {
                text(&source, &entry.name, sink);
            }
        }
    }
    for entry in archive.entries.iter().filter(|entry| !entry.is_directory()) {
        let name = entry.name.to_ascii_lowercase();
        if name.starts_with("pictures/") || name.starts_with("media/") {
            shown(walk, &archive, entry, sink);
        } else if name.starts_with("object ") && !name.contains('/') && walk.has_room() {
            zip::give(walk, &archive, entry, inside);
        }
    }
}

fn is_encrypted(walk: &mut Walk<'_>, archive: &Archive<'_>, sink: &mut Sink) -> bool {
    let Some(entry) = archive.named("META-INF/manifest.xml") else { return false };
    let Some(source) = part(walk, archive, entry, sink) else { return false };
    let mut is_encrypted = false;
    xml::walk(&source, |step| {
        is_encrypted |= matches!(step, Step::Open("encryption-data", _));
        !is_encrypted
    });
    is_encrypted
}

fn about(source: &str, sink: &mut Sink) {
    const NAMES: [(&str, &str); 9] = [
        ("title", "Title"),
        ("subject", "Subject"),
        ("description", "Comments"),
        ("initial-creator", "Author"),
        ("creator", "Last author"),
        ("keyword", "Keywords"),
        ("creation-date", "Created"),
        ("date", "Modified"),
        ("printed-by", "Printed by"),
    ];
    let (mut name, mut value) = (None, String::new());
    steps(source, "meta.xml", sink, |step, sink| match step {
        Step::Open("user-defined", start) => {
            name = xml::attribute(start, "name");
            value.clear();
        }
        Step::Open(local, _) => {
            let known = NAMES.iter().find(|(known, _)| *known == local);
            name = known.map(|(_, shown)| (*shown).to_owned());
            value.clear();
        }
        Step::Text(text) => value.push_str(text),
        Step::Close(_) => {
            if let Some(name) = name.take() {
                sink.about(&name, &value);
            }
        }
    });
}

fn text(source: &str, name: &str, sink: &mut Sink) {
    // Paragraphs open; what stands outside of them is no text.
    let mut open = 0u32;
    steps(source, name, sink, |step, sink| match step {
        Step::Open("p" | "h", _) => open += 1,
        Step::Close("p" | "h") => {
            open = open.saturating_sub(1);
            sink.line();
        }
        Step::Open("s", start) => {
            let count = xml::attribute(start, "c").and_then(|count| count.parse().ok());
            sink.push(&" ".repeat(count.unwrap_or(1usize).min(100)));
        }
        Step::Open("tab", _) => sink.push("\t"),
        Step::Open("line-break", _) => sink.push("\n"),
        Step::Open("annotation" | "note", _) => {
            sink.space();
        }
        Step::Open("creator" | "title" | "desc", _) => {
            sink.line();
            open += 1;
        }
        Step::Close("creator" | "title" | "desc") => {
            open = open.saturating_sub(1);
            sink.line();
        }
        Step::Open("table" | "page" | "section", start) => {
            sink.push_line(&xml::attribute(start, "name").unwrap_or_default());
        }
        Step::Open("a" | "image", start) => {
            let target = xml::attribute(start, "href").unwrap_or_default();
            if target.contains(':') && !target.starts_with("data:") {
                sink.about("Link", &target);
            }
        }
        Step::Open("text-input" | "variable-set", start) => {
            sink.push(&xml::attribute(start, "description").unwrap_or_default());
        }
        Step::Close("table-cell" | "covered-table-cell") => sink.push("\t"),
        Step::Close("table-row") => sink.line(),
        Step::Text(text) if open > 0 => {
            let is_blank = text.trim().is_empty() && text.contains('\n');
            if !is_blank {
                sink.push(text);
            }
        }
        _ => {}
    });
    sink.line();
}

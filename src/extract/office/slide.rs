//! PresentationML: slides in their order, hidden ones too, speaker notes,
//! comments, charts and diagrams, and what masters add of their own.

use super::super::container::zip::Archive;
use super::super::family::Walk;
use super::super::sink::Sink;
use super::super::xml::{self, Step};
use super::word::Words;
use super::{numbered, part, steps};

pub(super) fn read(walk: &mut Walk<'_>, archive: &Archive<'_>, sink: &mut Sink) {
    const FOLDERS: [&str; 9] = [
        "ppt/slides/",
        "ppt/notesslides/",
        "ppt/comments/",
        "ppt/commentauthors",
        "ppt/authors",
        "ppt/charts/",
        "ppt/diagrams/data",
        "ppt/slidemasters/",
        "ppt/slidelayouts/",
    ];
    for folder in FOLDERS.into_iter().chain(["ppt/handoutmasters/", "ppt/notesmasters/"]) {
        let is_master = folder.contains("master") || folder.contains("layout");
        for entry in numbered(archive, folder) {
            let Some(source) = part(walk, archive, entry, sink) else { continue };
            let mut words = Words::default();
            let mut is_prompt = false;
            steps(&source, &entry.name, sink, |step, sink| {
                match &step {
                    // Of a master's placeholder people see only the prompt.
                    Step::Open("ph", start) if is_master => {
                        let kind = xml::attribute(start, "type").unwrap_or_default();
                        is_prompt = !matches!(kind.as_str(), "ftr" | "hdr");
                    }
                    Step::Close("sp") => is_prompt = false,
                    Step::Open("cmAuthor" | "author", start) => {
                        if let Some(name) = xml::attribute(start, "name") {
                            sink.push_line(&name);
                        }
                    }
                    _ => {}
                }
                if !(is_prompt && matches!(step, Step::Text(_))) {
                    words.step(step, sink);
                }
            });
            sink.line();
        }
    }
}

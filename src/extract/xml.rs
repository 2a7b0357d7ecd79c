//! XML as a stream of steps, and the text of XML that is nothing else. Entities
//! that a document defines itself are not expanded; nothing is loaded.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::sink::Sink;
use super::{Reason, charset, entity, office};
use crate::base::limits;

/// One step through a document; names are without their prefix.
pub(super) enum Step<'a> {
    Open(&'a str, &'a BytesStart<'a>),
    Close(&'a str),
    Text(&'a str),
}

/// Steps through `source` until `each` says false; whether it is well-formed as
/// far as that.
pub(super) fn walk(source: &str, mut each: impl FnMut(Step<'_>) -> bool) -> bool {
    let mut reader = Reader::from_str(source);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut depth: usize = 0;
    let mut resolved = String::new();
    loop {
        let goes_on = match reader.read_event() {
            Ok(Event::Start(start)) => {
                depth += 1;
                depth <= limits::ELEMENT_DEPTH_MAX
                    && each(Step::Open(start.local_name().into_inner(), &start))
            }
            Ok(Event::End(end)) => {
                depth = depth.saturating_sub(1);
                each(Step::Close(end.local_name().into_inner()))
            }
            Ok(Event::Text(text)) => each(Step::Text(&text)),
            Ok(Event::CData(text)) => each(Step::Text(&text)),
            Ok(Event::GeneralRef(name)) => {
                resolved.clear();
                entity::push_decoded(&mut resolved, &format!("&{};", &*name));
                each(Step::Text(&resolved))
            }
            Ok(Event::Eof) => return depth == 0,
            Ok(_) => true,
            Err(_) => return false,
        };
        if !goes_on {
            return depth <= limits::ELEMENT_DEPTH_MAX;
        }
    }
}

/// An attribute by its name without prefix, its entities resolved.
pub(super) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = start.attributes();
    let attributes = attributes.with_checks(false);
    let found = attributes.flatten().find(|it| it.key.local_name().into_inner() == name)?;
    let mut value = String::with_capacity(found.value.len());
    entity::push_decoded(&mut value, &found.value);
    Some(value)
}

/// Bytes of XML to text, by the mark at their start or what they declare.
pub(super) fn decode(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    if bytes.starts_with(b"<\0?\0") {
        return encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0;
    }
    let start = &bytes[..bytes.len().min(200)];
    let declared = memchr::memmem::find(start, b"encoding=").and_then(|at| {
        let rest = &start[at + 9..];
        let quote = *rest.first()?;
        let len = memchr::memchr(quote, rest.get(1..)?)?;
        std::str::from_utf8(&rest[1..=len]).ok()
    });
    charset::decode(bytes, declared)
}

/// All text and all words in attributes, but for addresses of namespaces.
pub(super) fn read(bytes: &[u8], sink: &mut Sink) {
    let source = decode(bytes);
    // Word writes its documents as one XML file, too.
    if source.contains("schemas.microsoft.com/office/word/2003/wordml")
        || source.contains("schemas.microsoft.com/office/2006/xmlPackage")
    {
        office::word::part(&source, sink);
        return;
    }
    let mut attributes = String::new();
    let is_whole = walk(&source, |step| {
        match step {
            Step::Open(_, start) => {
                sink.space();
                let mut all = start.attributes();
                for it in all.with_checks(false).flatten() {
                    let is_space = it.key.0 == "xmlns" || it.key.0.starts_with("xmlns:");
                    if !is_space && !it.value.trim().is_empty() && !sink.is_full() {
                        entity::push_decoded(&mut attributes, &it.value);
                        attributes.push('\n');
                    }
                }
            }
            Step::Close(_) => sink.space(),
            Step::Text(text) => sink.push(text),
        }
        !sink.is_full() && attributes.len() < limits::TEXT_BYTES_MAX
    });
    sink.line();
    sink.push(&attributes);
    if !is_whole {
        sink.gap(Reason::Damaged, "it is not well-formed");
        // What follows the damage has words as well.
        sink.push_line(&source);
    }
}

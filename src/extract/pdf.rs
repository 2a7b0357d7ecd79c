//! PDF, by `pdf_oxide`, page by page, so that what was read of a long or damaged
//! file is kept. It can hang or overflow: the child it runs in is the bound.

use std::collections::HashMap;

use pdf_oxide::PdfDocument;
use pdf_oxide::extractors::forms::{FieldValue, FormExtractor};
use pdf_oxide::object::Object;

use super::family::{Named, Place, Walk};
use super::sink::Sink;
use super::{Reason, locked};

pub(super) fn read(walk: &mut Walk<'_>, bytes: &[u8], inside: Place, sink: &mut Sink) {
    let is_encrypted = has_encryption(bytes);
    let passwords = walk.passwords();
    let document = match PdfDocument::from_bytes(bytes.to_vec()) {
        Ok(document) => document,
        Err(_) if is_encrypted => return sink.gap(Reason::Encrypted, locked::closed(passwords)),
        Err(_) => return sink.gap(Reason::Damaged, "its structure cannot be read"),
    };
    let opens = |password: &str| document.authenticate(password.as_bytes()).unwrap_or(false);
    if is_encrypted && !opens("") && !passwords.iter().any(opens) {
        return sink.gap(Reason::Encrypted, locked::closed(passwords));
    }
    about(&document, sink);
    let Ok(pages) = document.page_count() else {
        return sink.gap(Reason::Damaged, "its pages cannot be found");
    };
    let (mut damaged, mut blank) = (0, Vec::new());
    for page in 0..pages {
        if walk.is_late() {
            let detail = format!("{page} of its {pages} pages were read in the time there is");
            sink.gap(walk.late(), detail);
            break;
        }
        match document.extract_text(page) {
            Ok(text) => {
                if text.trim().is_empty() {
                    blank.push(page as u32 + 1);
                }
                sink.push(&text);
                sink.line();
            }
            Err(_) => damaged += 1,
        }
        notes(&document, page, sink);
        if sink.is_full() {
            break;
        }
    }
    fields(&document, sink);
    if damaged > 0 {
        sink.gap(Reason::Damaged, format!("{damaged} of its {pages} pages cannot be read"));
    }
    if !blank.is_empty() && has_pictures(bytes) {
        sink.scan(blank, bytes);
    }
    for (name, content) in document.extract_embedded_files().unwrap_or_default() {
        if !walk.has_room() {
            return sink.gap(Reason::TooLarge, "it has more documents than are read");
        }
        walk.expanded(content.len());
        walk.document(&content, Named { name: &name, ..Named::default() }, inside);
    }
}

/// Title, authors and dates out of the information dictionary.
fn about(document: &PdfDocument, sink: &mut Sink) {
    const NAMES: [(&str, &str); 8] = [
        ("Title", "Title"),
        ("Subject", "Subject"),
        ("Author", "Author"),
        ("Keywords", "Keywords"),
        ("CreationDate", "Created"),
        ("ModDate", "Modified"),
        ("Producer", "Producer"),
        ("Creator", "Program"),
    ];
    let resolved = |object: &Object| match object {
        Object::Reference(reference) => document.load_object(*reference).ok(),
        object => Some(object.clone()),
    };
    let info = document.trailer().as_dict().and_then(|trailer| trailer.get("Info"));
    let Some(info) = info.and_then(resolved) else { return };
    let empty = HashMap::new();
    let info = info.as_dict().unwrap_or(&empty);
    for (key, name) in NAMES {
        let value = info.get(key).and_then(resolved);
        if let Some(Object::String(raw)) = value {
            sink.about(name, &text_string(&raw));
        }
    }
}

/// ISO 32000-1, 7.9.2.2: UTF-16 or UTF-8 with a mark, else PDFDocEncoding, of
/// which letters are those of Windows-1252.
fn text_string(raw: &[u8]) -> String {
    match raw {
        [0xfe, 0xff, rest @ ..] => {
            encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0.into_owned()
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => encoding_rs::WINDOWS_1252.decode_without_bom_handling(raw).0.into_owned(),
    }
}

/// Comments and marks on a page, and where its links lead.
fn notes(document: &PdfDocument, page: usize, sink: &mut Sink) {
    for note in document.get_annotations(page).unwrap_or_default() {
        for text in [&note.author, &note.subject, &note.contents].into_iter().flatten() {
            sink.push_line(text);
        }
        if let Some(pdf_oxide::annotations::LinkAction::Uri(target)) = &note.action {
            sink.push_line(target);
        }
    }
}

/// What was filled in.
fn fields(document: &PdfDocument, sink: &mut Sink) {
    for field in FormExtractor::extract_fields(document).unwrap_or_default() {
        for value in [Some(field.value), field.default_value].into_iter().flatten() {
            match value {
                FieldValue::Text(text) | FieldValue::Name(text) => sink.push_line(&text),
                FieldValue::Array(texts) => texts.iter().for_each(|text| sink.push_line(text)),
                FieldValue::Boolean(_) | FieldValue::None => {}
            }
        }
        sink.push_line(&field.tooltip.unwrap_or_default());
    }
}

/// Whether a trailer or cross-reference stream names an encryption dictionary.
fn has_encryption(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, b"/Encrypt").any(|at| {
        let rest = bytes[at + 8..].trim_ascii_start();
        rest.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'<')
    })
}

fn has_pictures(bytes: &[u8]) -> bool {
    // Objects may be packed: then it cannot be told from outside.
    let has = |what: &[u8]| memchr::memmem::find(bytes, what).is_some();
    has(b"/Image") || has(b"/ObjStm")
}

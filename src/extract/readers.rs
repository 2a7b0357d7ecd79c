//! Every reader by its name, given bytes of any kind and with nothing between: what
//! tests break documents with, and what fuzzers drive (`fuzz/`).

use super::Parsed;
use super::family::{Care, Walk};
use super::kind::Kind;
use super::locked::Passwords;

/// What a document could be taken for, by the name of its fuzz target.
const KINDS: [(&str, Kind); 31] = [
    ("calendar", Kind::Calendar),
    ("cms", Kind::Cms),
    ("compound", Kind::Compound),
    ("doc", Kind::Doc),
    ("docx", Kind::Docx),
    ("encrypted_office", Kind::EncryptedOffice),
    ("html", Kind::Html),
    ("mbox", Kind::Mbox),
    ("message", Kind::Message),
    ("msg", Kind::Msg),
    ("open_document", Kind::OpenDocument),
    ("package", Kind::Package),
    ("packed_bzip2", Kind::Bzip2),
    ("packed_gzip", Kind::Gzip),
    ("packed_xz", Kind::Xz),
    ("packed_zstd", Kind::Zstd),
    ("pdf", Kind::Pdf),
    ("picture", Kind::Picture),
    ("plain", Kind::Plain),
    ("ppt", Kind::Ppt),
    ("pptx", Kind::Pptx),
    ("pst", Kind::Pst),
    ("rtf", Kind::Rtf),
    ("seven_zip", Kind::SevenZip),
    ("tar", Kind::Tar),
    ("tnef", Kind::Tnef),
    ("xls", Kind::Xls),
    ("xlsb", Kind::Xlsb),
    ("xlsx", Kind::Xlsx),
    ("xml", Kind::Xml),
    ("zip", Kind::Zip),
];

/// The names, in their order.
pub fn names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(name, _)| *name)
}

/// A document that this reader takes as it is, whatever it looks like, with pictures
/// kept and with `password` known. A panic of the reader is the caller's; that of one
/// within the document costs that, as ever. None if there is no reader of the name.
pub fn read_as(name: &str, content: &[u8], password: &str) -> Option<Parsed> {
    let (_, kind) = KINDS.iter().find(|(known, _)| *known == name)?;
    let passwords = Passwords::new(vec![password.to_owned()]);
    let care = Care { has_ocr: true, passwords, ..Care::default() };
    let watch = &mut |_| {};
    let mut walk = Walk::new(content.len(), &care, watch);
    walk.taken_for(*kind, content);
    Some(walk.parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_found_by_its_name_and_no_other() {
        for name in names() {
            let read = read_as(name, b"", "").unwrap();
            assert_eq!(read.attachments.len(), 1, "{name}");
        }
        assert!(read_as("none", b"", "").is_none());
        assert!(names().is_sorted());
    }
}

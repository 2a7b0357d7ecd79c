//! What a document is, by its content. What it was sent as decides only between
//! kinds of text, which look alike.

use super::cms;
use super::container::{tar, zip};
use super::office;
use super::ole::Compound;
use crate::mail::mbox;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Empty,
    Plain,
    Html,
    Xml,
    Calendar,
    Message,
    Mbox,
    Zip,
    Tar,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    SevenZip,
    Docx,
    Xlsx,
    Xlsb,
    Pptx,
    /// Another package of Office or Microsoft: Visio, XPS.
    Package,
    OpenDocument,
    Rtf,
    Pdf,
    Doc,
    Xls,
    Ppt,
    Msg,
    /// An OOXML document in an encrypted wrapping.
    EncryptedOffice,
    Compound,
    Tnef,
    Pst,
    Picture,
    Sound,
    Font,
    /// S/MIME: a signature, alone or around what it signs, or what is encrypted.
    Cms,
    Unknown,
}

impl Kind {
    /// Its media type; none where only the sender can say.
    pub fn media_type(self) -> Option<&'static str> {
        Some(match self {
            Self::Html => "text/html",
            Self::Message => "message/rfc822",
            Self::Mbox => "application/mbox",
            Self::Zip => "application/zip",
            Self::Tar => "application/x-tar",
            Self::Gzip => "application/gzip",
            Self::Bzip2 => "application/x-bzip2",
            Self::Xz => "application/x-xz",
            Self::Zstd => "application/zstd",
            Self::SevenZip => "application/x-7z-compressed",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Xlsb => "application/vnd.ms-excel.sheet.binary.macroenabled.12",
            Self::Pptx => {
                "application/vnd.openxmlformats-officedocument.presentationml.presentation"
            }
            Self::Rtf => "application/rtf",
            Self::Pdf => "application/pdf",
            Self::Doc => "application/msword",
            Self::Xls => "application/vnd.ms-excel",
            Self::Ppt => "application/vnd.ms-powerpoint",
            Self::Msg => "application/vnd.ms-outlook",
            Self::EncryptedOffice => "application/x-ole-storage",
            Self::Tnef => "application/vnd.ms-tnef",
            Self::Pst => "application/vnd.ms-outlook-pst",
            _ => return None,
        })
    }
}

/// `declared` is a media type, or empty.
pub(super) fn of(bytes: &[u8], declared: &str, name: &str) -> Kind {
    if bytes.is_empty() {
        return Kind::Empty;
    }
    by_magic(bytes).unwrap_or_else(|| by_words(bytes, declared, name))
}

fn by_magic(bytes: &[u8]) -> Option<Kind> {
    const MAGIC: &[(&[u8], Kind)] = &[
        (b"{\\rtf", Kind::Rtf),
        (b"\x1f\x8b\x08", Kind::Gzip),
        (b"BZh", Kind::Bzip2),
        (b"\xfd7zXZ\0", Kind::Xz),
        (b"\x28\xb5\x2f\xfd", Kind::Zstd),
        (b"7z\xbc\xaf\x27\x1c", Kind::SevenZip),
        (b"\x78\x9f\x3e\x22", Kind::Tnef),
        (b"!BDN", Kind::Pst),
        (b"Rar!\x1a\x07", Kind::Unknown),
        (b"\x7fELF", Kind::Unknown),
        (b"\x89PNG", Kind::Picture),
        (b"GIF8", Kind::Picture),
        (b"\xff\xd8\xff", Kind::Picture),
        (b"II*\0", Kind::Picture),
        (b"MM\0*", Kind::Picture),
        (b"\x01\0\0\0\x6c\0\0\0", Kind::Picture),
        (b"\xd7\xcd\xc6\x9a", Kind::Picture),
        (b"ID3", Kind::Sound),
        (b"OggS", Kind::Sound),
        (b"\0\x01\0\0\0", Kind::Font),
        (b"wOF", Kind::Font),
    ];
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(*kind);
    }
    let start = &bytes[..bytes.len().min(1024)];
    if memchr::memmem::find(start, b"%PDF-").is_some() {
        return Some(Kind::Pdf);
    }
    if cms::is_one(bytes) {
        return Some(Kind::Cms);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Some(of_zip(bytes));
    }
    if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Some(Compound::open(bytes).map_or(Kind::Compound, |file| file.kind()));
    }
    // A workbook without a compound file around it.
    if bytes.starts_with(b"\x09\x08") && matches!(bytes.get(2..4), Some(b"\x10\0" | b"\x08\0")) {
        return Some(Kind::Xls);
    }
    match (bytes.get(..4), bytes.get(8..12), bytes.get(4..8)) {
        (Some(b"RIFF"), Some(b"WEBP"), _) => return Some(Kind::Picture),
        (Some(b"RIFF"), Some(b"WAVE" | b"AVI "), _) => return Some(Kind::Sound),
        (_, Some(b"heic" | b"mif1" | b"avif"), Some(b"ftyp")) => return Some(Kind::Picture),
        (_, _, Some(b"ftyp")) => return Some(Kind::Sound),
        _ => {}
    }
    tar::is_tar(bytes).then_some(Kind::Tar)
}

fn of_zip(bytes: &[u8]) -> Kind {
    let Some(archive) = zip::Archive::open(bytes) else { return Kind::Zip };
    if archive.named("META-INF/manifest.xml").is_some() && archive.named("content.xml").is_some() {
        return Kind::OpenDocument;
    }
    if archive.named("[Content_Types].xml").is_none() {
        return Kind::Zip;
    }
    office::kind(&archive)
}

fn by_words(bytes: &[u8], declared: &str, name: &str) -> Kind {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = start[..start.len().min(4096)].trim_ascii_start();
    let begins =
        |word: &[u8]| start.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let extension = extension.as_deref().unwrap_or_default();
    match declared.split_once('/') {
        Some(("message", "rfc822" | "global" | "news")) => return Kind::Message,
        Some(("text", "html")) | Some(("application", "xhtml+xml")) => return Kind::Html,
        _ => {}
    }
    let is_text = declared.starts_with("text/") || is_text(bytes);
    if begins(b"BEGIN:VCALENDAR") || begins(b"BEGIN:VCARD") {
        return Kind::Calendar;
    }
    // What is called text is shown as text, its tags and scripts too.
    let is_named_text = matches!(extension, "txt" | "csv" | "log" | "md");
    if !is_named_text && (begins(b"<!doctype html") || begins(b"<html")) {
        return Kind::Html;
    }
    if is_text && matches!(extension, "htm" | "html" | "xhtml") {
        return Kind::Html;
    }
    if is_text && (begins(b"<?xml") || is_wide_xml(bytes)) {
        let has_html = memchr::memmem::find(start, b"<html").is_some();
        return if has_html { Kind::Html } else { Kind::Xml };
    }
    let is_plain = is_named_text || declared == "text/plain";
    if mbox::may_separate(start) && has_mail_header(after_line(start)) {
        return Kind::Mbox;
    }
    if extension == "eml" || (!is_plain && has_mail_header(start)) {
        return Kind::Message;
    }
    if is_text || declared.starts_with("message/") || declared.starts_with("multipart/") {
        return Kind::Plain;
    }
    match declared.split_once('/') {
        Some(("image", _)) => Kind::Picture,
        Some(("audio" | "video", _)) => Kind::Sound,
        Some(("font", _)) => Kind::Font,
        _ => Kind::Unknown,
    }
}

fn is_wide_xml(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe<\0?\0x\0") || bytes.starts_with(b"\xfe\xff\0<\0?\0x")
}

fn after_line(text: &[u8]) -> &[u8] {
    memchr::memchr(b'\n', text).map_or(&[], |at| &text[at + 1..])
}

/// Whether `text` begins with several header fields, a known one among them.
fn has_mail_header(text: &[u8]) -> bool {
    const KNOWN: [&[u8]; 7] =
        [b"from", b"date", b"subject", b"received", b"return-path", b"mime-version", b"message-id"];
    let (mut fields, mut known) = (0, 0);
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    for line in text.split(|&byte| byte == b'\n').take(40) {
        if line.trim_ascii().is_empty() {
            break;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) && fields > 0 {
            continue;
        }
        let Some(colon) = memchr::memchr(b':', line) else { return known >= 2 && fields >= 3 };
        let name = line[..colon].trim_ascii_end();
        if !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') {
            return false;
        }
        fields += 1;
        known += usize::from(KNOWN.contains(&name.to_ascii_lowercase().as_slice()));
    }
    known >= 2
}

/// Whether the bytes look like text in some charset.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    const LOOKED_AT: usize = 64 << 10;
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return true;
    }
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    let is_odd = |byte: &&u8| **byte < 0x20 && !b"\t\n\r\x08\x0b\x0c\x1a\x1b".contains(*byte);
    let odd = start.iter().filter(is_odd).count();
    if start.contains(&0) || odd * 100 > start.len() {
        return false;
    }
    let is_utf8 = match std::str::from_utf8(start) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    };
    // In other charsets letters come with blanks and lines among them.
    let high = start.iter().filter(|byte| **byte >= 0x80).count();
    let blanks = start.iter().filter(|byte| byte.is_ascii_whitespace()).count();
    is_utf8 || (odd == 0 && (high * 2 < start.len() || blanks * 40 > start.len()))
}

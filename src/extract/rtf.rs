//! Rich Text Format 1.9.1: the text, with notes, comments and deleted passages,
//! the codes of fields, embedded objects, pictures, and HTML that Outlook wraps in it.

use std::collections::HashMap;

use encoding_rs::Encoding;

use super::family::{Named, Place, Walk};
use super::sink::Sink;
use super::{Reason, html, ole, picture};
use crate::base::limits;

pub(super) fn read(walk: &mut Walk<'_>, bytes: &[u8], inside: Place, sink: &mut Sink) {
    let found = to_text(bytes, sink);
    for (at, object) in found.objects.iter().enumerate() {
        if !walk.has_room() {
            sink.gap(Reason::TooLarge, "it has more documents than are read");
            return;
        }
        let (name, content) = ole::object::unwrapped(object);
        let name = if name.is_empty() { format!("object {}", at + 1) } else { name };
        walk.expanded(content.len());
        walk.document(content, Named { name: &name, ..Named::default() }, inside);
    }
}

/// The text alone, for a message's body.
pub(super) fn body(bytes: &[u8]) -> String {
    let mut sink = Sink::default();
    to_text(bytes, &mut sink);
    sink.text
}

struct Found {
    objects: Vec<Vec<u8>>,
}

fn to_text(bytes: &[u8], sink: &mut Sink) -> Found {
    let mut reader = Reader::new(bytes);
    reader.run();
    reader.flush();
    reader.end();
    let Reader { is_too_deep, is_cut, is_html, .. } = reader;
    let Reader { out, aside, html: markup, objects, about, pictures, unread, .. } = reader;
    if is_html {
        let found = html::to_text(&markup);
        sink.push(&found.text);
        sink.line();
        sink.push(&found.attributes);
    } else {
        sink.push(&out);
    }
    if !aside.is_empty() {
        sink.line();
        sink.push(&aside);
    }
    for (name, value) in about {
        sink.about(name, &value);
    }
    sink.pictures += unread;
    for picture in pictures {
        sink.picture(&picture);
    }
    if is_too_deep {
        sink.gap(Reason::TooDeep, "groups in it are nested deeper than is followed");
    }
    if is_cut {
        sink.gap(Reason::Damaged, "it is cut off");
    }
    Found { objects }
}

#[derive(Clone, Copy, PartialEq)]
enum Destination {
    Text,
    Skipped,
    Fonts,
    /// A property of the document, by its shown name.
    About(&'static str),
    /// Hexadecimal, of an object.
    Object,
    /// Hexadecimal, of a picture; or of a bitmap as Windows has it in memory.
    Picture,
    Bitmap,
    /// Of the HTML that the text was made from.
    Markup,
    /// Notes and comments, which may stand within a word.
    Aside,
}

#[derive(Clone, Copy)]
struct State {
    destination: Destination,
    /// Characters that stand for a Unicode one, for old readers.
    stand_ins: usize,
    font: i32,
    /// Only in RTF, not in the HTML that it was made from.
    is_rtf_only: bool,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    state: State,
    stack: Vec<State>,
    /// Groups open beyond what the stack keeps.
    beyond: usize,
    fonts: HashMap<i32, &'static Encoding>,
    default: &'static Encoding,
    /// Bytes and UTF-16 that wait to be text.
    raw: Vec<u8>,
    wide: Vec<u16>,
    to_skip: usize,
    is_star: bool,
    out: String,
    aside: String,
    html: String,
    is_html: bool,
    hex: Vec<u8>,
    binary: Vec<u8>,
    objects: Vec<Vec<u8>>,
    about: Vec<(&'static str, String)>,
    pictures: Vec<Vec<u8>>,
    /// Pictures that nobody can read by their looks.
    unread: usize,
    is_too_deep: bool,
    is_cut: bool,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            state: State {
                destination: Destination::Text,
                stand_ins: 1,
                font: -1,
                is_rtf_only: false,
            },
            stack: Vec::new(),
            beyond: 0,
            fonts: HashMap::new(),
            default: encoding_rs::WINDOWS_1252,
            raw: Vec::new(),
            wide: Vec::new(),
            to_skip: 0,
            is_star: false,
            out: String::new(),
            aside: String::new(),
            html: String::new(),
            is_html: false,
            hex: Vec::new(),
            binary: Vec::new(),
            objects: Vec::new(),
            about: Vec::new(),
            pictures: Vec::new(),
            unread: 0,
            is_too_deep: false,
            is_cut: false,
        }
    }

    fn run(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'{' => self.open(),
                b'}' => {
                    self.close();
                    if self.stack.is_empty() && self.beyond == 0 {
                        return;
                    }
                }
                b'\\' => self.control(),
                b'\r' | b'\n' | 0 => {}
                byte => self.byte(byte),
            }
            if self.out.len() + self.html.len() + self.aside.len() > 2 * limits::TEXT_BYTES_MAX {
                return;
            }
        }
        self.is_cut = true;
    }

    /// Where it is cut off within a picture, some of that is there.
    fn end(&mut self) {
        let last = self.state.destination;
        if matches!(last, Destination::Picture | Destination::Bitmap) {
            self.picture(last);
        }
    }

    fn open(&mut self) {
        self.flush();
        self.to_skip = 0;
        if self.stack.len() == limits::ELEMENT_DEPTH_MAX {
            self.beyond += 1;
            self.is_too_deep = true;
        } else {
            self.stack.push(self.state);
        }
    }

    fn close(&mut self) {
        self.flush();
        self.to_skip = 0;
        self.is_star = false;
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        let was = self.state.destination;
        self.state = self.stack.pop().unwrap_or(self.state);
        if was == Destination::Aside && self.state.destination != was {
            self.aside.push('\n');
        }
        if self.state.destination == was {
            return;
        }
        match was {
            Destination::Object => {
                let object = unhex(&std::mem::take(&mut self.hex));
                if !object.is_empty() {
                    self.objects.push(object);
                }
            }
            Destination::Picture | Destination::Bitmap => self.picture(was),
            _ => {}
        }
    }

    /// The end of a picture: what came before it as hexadecimal, or as it is.
    fn picture(&mut self, of: Destination) {
        let hex = unhex(&std::mem::take(&mut self.hex));
        let binary = std::mem::take(&mut self.binary);
        let bytes = if binary.is_empty() { hex } else { binary };
        let bytes = match of {
            Destination::Bitmap => picture::bitmap(&bytes).unwrap_or_default(),
            _ => bytes,
        };
        match picture::is_readable(&bytes) && self.pictures.len() < limits::DOCUMENT_PICTURES_MAX {
            true => self.pictures.push(bytes),
            false => self.unread += 1,
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.to_skip > 0 {
            self.to_skip -= 1;
            return;
        }
        match self.state.destination {
            Destination::Skipped | Destination::Fonts => {}
            Destination::Object | Destination::Picture | Destination::Bitmap => self.hex.push(byte),
            _ => {
                self.flush_wide();
                self.raw.push(byte);
            }
        }
    }

    fn control(&mut self) {
        let Some(&first) = self.bytes.get(self.at) else { return };
        if !first.is_ascii_alphabetic() {
            self.at += 1;
            return self.symbol(first);
        }
        let rest = &self.bytes[self.at..];
        let name_len = rest.iter().take(32).take_while(|b| b.is_ascii_alphabetic()).count();
        let name = std::str::from_utf8(&rest[..name_len]).unwrap_or_default();
        let after = &rest[name_len..];
        let is_negative = after.first() == Some(&b'-');
        let digits = &after[usize::from(is_negative)..];
        let digits_len = digits.iter().take(10).take_while(|b| b.is_ascii_digit()).count();
        let number = std::str::from_utf8(&digits[..digits_len]).ok();
        let number = number.and_then(|digits| digits.parse::<i64>().ok());
        let number = number.map(|number| if is_negative { -number } else { number });
        let mut len = name_len;
        if digits_len > 0 {
            len += usize::from(is_negative) + digits_len;
        }
        self.at += len;
        if self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        self.word(name, number);
    }

    fn symbol(&mut self, symbol: u8) {
        match symbol {
            b'\'' => {
                let pair = self.bytes.get(self.at..self.at + 2).unwrap_or_default();
                let pair = std::str::from_utf8(pair).unwrap_or_default();
                self.at = (self.at + 2).min(self.bytes.len());
                if let Ok(byte) = u8::from_str_radix(pair, 16) {
                    self.byte(byte);
                }
            }
            b'*' => self.is_star = true,
            b'{' | b'}' | b'\\' => self.byte(symbol),
            b'~' => self.text("\u{a0}"),
            b'_' => self.text("-"),
            b'\r' | b'\n' => self.text("\n"),
            _ => {}
        }
    }

    fn word(&mut self, name: &str, number: Option<i64>) {
        let is_star = std::mem::take(&mut self.is_star);
        let value = number.unwrap_or(1);
        match name {
            "u" => {
                if self.to_skip == 0 && self.is_kept() {
                    self.flush_raw();
                    self.wide.push(value as u16);
                    self.to_skip = self.state.stand_ins;
                }
            }
            "uc" => self.state.stand_ins = value.clamp(0, 10) as usize,
            "par" | "line" | "sect" | "page" | "row" | "nestrow" => self.text("\n"),
            "tab" | "cell" | "nestcell" => self.text("\t"),
            "lquote" => self.text("‘"),
            "rquote" => self.text("’"),
            "ldblquote" => self.text("“"),
            "rdblquote" => self.text("”"),
            "bullet" => self.text("•"),
            "endash" => self.text("–"),
            "emdash" => self.text("—"),
            "emspace" | "enspace" | "qmspace" => self.text(" "),
            "ansicpg" => {
                self.default = code_page(value).unwrap_or(self.default);
            }
            "mac" => self.default = encoding_rs::MACINTOSH,
            "f" => {
                self.flush();
                self.state.font = value as i32;
            }
            "plain" => {
                self.flush();
                self.state.font = -1;
            }
            "fcharset" if self.state.destination == Destination::Fonts => {
                if let Some(encoding) = font_charset(value) {
                    self.fonts.insert(self.state.font, encoding);
                }
            }
            "bin" => {
                let len = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
                let end = self.at.saturating_add(len).min(self.bytes.len());
                if matches!(self.state.destination, Destination::Picture | Destination::Bitmap) {
                    self.binary.extend_from_slice(&self.bytes[self.at..end]);
                }
                self.at = end;
            }
            "fromhtml" => self.is_html = true,
            "htmlrtf" => {
                self.flush();
                self.state.is_rtf_only = value != 0;
            }
            _ => self.destination(name, is_star),
        }
    }

    fn destination(&mut self, name: &str, is_star: bool) {
        let found = match name {
            "fonttbl" => Destination::Fonts,
            "title" => Destination::About("Title"),
            "subject" => Destination::About("Subject"),
            "author" => Destination::About("Author"),
            "operator" => Destination::About("Last author"),
            "keywords" => Destination::About("Keywords"),
            "doccomm" => Destination::About("Comments"),
            "company" => Destination::About("Company"),
            "manager" => Destination::About("Manager"),
            "revtbl" => Destination::About("Changed by"),
            "objdata" => Destination::Object,
            "htmltag" | "mhtmltag" if self.is_html => Destination::Markup,
            "pict" => Destination::Picture,
            "dibitmap" if self.state.destination == Destination::Picture => Destination::Bitmap,
            "colortbl" | "stylesheet" | "info" | "creatim" | "revtim" | "printim" | "buptim"
            | "listtext" | "pntext" | "nonshppict" | "filetbl" | "bkmkstart" | "bkmkend" | "sn"
            | "sv" | "objclass" | "objname" | "falt" | "panose" | "themedata" | "xmlnstbl" => {
                Destination::Skipped
            }
            "annotation" | "atnauthor" | "atnid" | "footnote" => Destination::Aside,
            // Destinations that an old reader may pass over and we read.
            "shpinst" | "shptxt" | "shppict" | "fldinst" | "object" | "result" | "hlinkbase"
            | "formfield" | "ffdeftext" | "ffhelptext" | "background" | "do" | "xe" | "tc"
            | "ud" => return,
            _ if is_star => Destination::Skipped,
            _ => return,
        };
        let is_entered = match (self.state.destination, found) {
            (Destination::Text, _) => true,
            (Destination::Fonts, _) => false,
            // Properties stand within `info`, which holds nothing else.
            (_, Destination::About(_)) => true,
            // What a picture has beside itself is none of it.
            (Destination::Picture, Destination::Bitmap | Destination::Skipped) => true,
            (Destination::Bitmap, Destination::Skipped) => true,
            (_, Destination::Picture) => self.is_kept(),
            _ => false,
        };
        if is_entered {
            self.flush();
            self.state.destination = found;
        }
    }

    fn is_kept(&self) -> bool {
        use Destination::{About, Aside, Markup, Text};
        matches!(self.state.destination, Text | About(_) | Markup | Aside)
    }

    fn text(&mut self, text: &str) {
        if self.to_skip > 0 {
            self.to_skip -= 1;
            return;
        }
        if self.is_kept() {
            self.flush();
            self.emit(text);
        }
    }

    fn flush(&mut self) {
        self.flush_raw();
        self.flush_wide();
    }

    fn flush_raw(&mut self) {
        if self.raw.is_empty() {
            return;
        }
        let raw = std::mem::take(&mut self.raw);
        let encoding = self.fonts.get(&self.state.font).copied().unwrap_or(self.default);
        let text = encoding.decode_without_bom_handling(&raw).0.into_owned();
        self.emit(&text);
        self.raw = raw;
        self.raw.clear();
    }

    fn flush_wide(&mut self) {
        if !self.wide.is_empty() {
            let text = String::from_utf16_lossy(&std::mem::take(&mut self.wide));
            self.emit(&text);
        }
    }

    fn emit(&mut self, text: &str) {
        match self.state.destination {
            Destination::Text => {
                if self.is_html && !self.state.is_rtf_only {
                    self.html.push_str(text);
                } else if !self.is_html {
                    self.out.push_str(text);
                }
            }
            Destination::Markup => self.html.push_str(text),
            Destination::Aside => self.aside.push_str(text),
            Destination::About(name) => match self.about.last_mut() {
                Some((last, value)) if *last == name => value.push_str(text),
                _ => self.about.push((name, text.to_owned())),
            },
            _ => {}
        }
    }
}

fn unhex(digits: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = digits.iter().copied().filter(u8::is_ascii_hexdigit).collect();
    hex::decode(&digits[..digits.len() & !1]).unwrap_or_default()
}

fn font_charset(number: i64) -> Option<&'static Encoding> {
    Some(match number {
        0 => encoding_rs::WINDOWS_1252,
        77 => encoding_rs::MACINTOSH,
        128 | 78 => encoding_rs::SHIFT_JIS,
        129 | 130 | 79 => encoding_rs::EUC_KR,
        134 | 80 => encoding_rs::GBK,
        136 | 81 => encoding_rs::BIG5,
        161 | 85 => encoding_rs::WINDOWS_1253,
        162 | 86 => encoding_rs::WINDOWS_1254,
        163 => encoding_rs::WINDOWS_1258,
        177 | 83 => encoding_rs::WINDOWS_1255,
        178 | 84 => encoding_rs::WINDOWS_1256,
        186 => encoding_rs::WINDOWS_1257,
        204 | 89 => encoding_rs::WINDOWS_1251,
        222 | 87 => encoding_rs::WINDOWS_874,
        238 | 88 => encoding_rs::WINDOWS_1250,
        _ => return None,
    })
}

/// A Windows code page by its number.
pub(super) fn code_page(number: i64) -> Option<&'static Encoding> {
    let label = match number {
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        866 => "ibm866".to_owned(),
        874 | 1250..=1258 => format!("windows-{number}"),
        10000 => "macintosh".to_owned(),
        20866 => "koi8-r".to_owned(),
        21866 => "koi8-u".to_owned(),
        28591..=28606 => format!("iso-8859-{}", number - 28590),
        50220..=50222 => "iso-2022-jp".to_owned(),
        51932 => "euc-jp".to_owned(),
        54936 => "gb18030".to_owned(),
        65001 => "utf-8".to_owned(),
        1200 => "utf-16le".to_owned(),
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests;

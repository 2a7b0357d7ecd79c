//! Charsets by the names that mail gives them, and those that no browser knows.

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GBK, ISO_2022_JP, KOI8_R, KOI8_U, MACINTOSH, SHIFT_JIS, UTF_8,
    UTF_16BE, UTF_16LE, WINDOWS_874,
};

use crate::mail::shifted;

/// Names that are in use and are none of the Encoding Standard's.
const NAMES: [(&str, &Encoding); 24] = [
    ("cp932", SHIFT_JIS),
    ("windows-932", SHIFT_JIS),
    ("cp943", SHIFT_JIS),
    ("cp936", GBK),
    ("ms936", GBK),
    ("windows-936", GBK),
    ("cp949", EUC_KR),
    ("ms949", EUC_KR),
    ("uhc", EUC_KR),
    ("cp950", BIG5),
    ("ms950", BIG5),
    ("windows-950", BIG5),
    ("cp874", WINDOWS_874),
    ("cp20866", KOI8_R),
    ("cp21866", KOI8_U),
    ("cp65001", UTF_8),
    ("mac-roman", MACINTOSH),
    ("macroman", MACINTOSH),
    ("cp10000", MACINTOSH),
    // Of the later ones of the family, what it has in common is what is written.
    ("iso-2022-jp-1", ISO_2022_JP),
    ("iso-2022-jp-2", ISO_2022_JP),
    ("iso-2022-jp-3", ISO_2022_JP),
    ("cp50220", ISO_2022_JP),
    ("cp50221", ISO_2022_JP),
];

/// The upper half of IBM's code page 437, from 80 to FF.
const CODE_PAGE_437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";

/// The order of bytes of text in UTF-16 without a mark, of which `label` does not tell
/// it: big-endian (RFC 2781 section 4.3), where the zeros of most scripts do not stand
/// as they do in the other; none of other charsets.
pub fn utf_16_order(bytes: &[u8], label: &[u8]) -> Option<&'static Encoding> {
    const SCANNED_BYTES_MAX: usize = 4096;
    let label = label.trim_ascii().to_ascii_lowercase();
    let is_told = [&b"utf-16le"[..], b"utf-16be", b"unicodefffe", b"unicodefeff"];
    if is_told.contains(&label.as_slice()) || for_label(&label) != Some(UTF_16LE) {
        return None;
    }
    let (mut first, mut second) = (0, 0);
    for pair in bytes[..bytes.len().min(SCANNED_BYTES_MAX)].chunks_exact(2) {
        first += usize::from(pair[0] == 0);
        second += usize::from(pair[1] == 0);
    }
    Some(if second > first { UTF_16LE } else { UTF_16BE })
}

/// The charset called `label`; none where browsers have none like it.
pub fn for_label(label: &[u8]) -> Option<&'static Encoding> {
    // Of some charsets the crate makes one character in place of all that there is.
    Encoding::for_label_no_replacement(label).or_else(|| {
        let label = label.trim_ascii();
        let is = |name: &str| label.eq_ignore_ascii_case(name.as_bytes());
        NAMES.iter().find(|(name, _)| is(name)).map(|(_, encoding)| *encoding)
    })
}

/// The text in a charset that no browser knows, and whether all of it could be read;
/// none if `label` is no such charset.
pub fn decode_other(bytes: &[u8], label: &str) -> Option<(String, bool)> {
    const IBM: [&str; 4] = ["cp437", "ibm437", "437", "cspc8codepage437"];
    if IBM.iter().any(|name| label.eq_ignore_ascii_case(name)) {
        let upper: Vec<char> = CODE_PAGE_437.chars().collect();
        let char = |byte: &u8| match byte {
            0..0x80 => char::from(*byte),
            byte => upper.get(usize::from(byte - 0x80)).copied().unwrap_or('\u{FFFD}'),
        };
        return Some((bytes.iter().map(char).collect(), true));
    }
    shifted::decode(bytes, label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets_have_many_names() {
        assert_eq!(for_label(b"CP932"), Some(SHIFT_JIS));
        assert_eq!(for_label(b" mac-roman "), Some(MACINTOSH));
        assert_eq!(for_label(b"windows-1251"), Some(encoding_rs::WINDOWS_1251));
        assert_eq!(for_label(b"iso-2022-kr"), None);
        assert_eq!(for_label(b"johab"), None);
    }

    #[test]
    fn the_order_of_bytes_is_seen() {
        let order = |bytes: &[u8], label: &str| utf_16_order(bytes, label.as_bytes());
        assert_eq!(order(b"\0a\0b", "UTF-16"), Some(UTF_16BE));
        assert_eq!(order(b"a\0b\0", "utf-16"), Some(UTF_16LE));
        assert_eq!(order(b"\x65\xe5", "iso-10646-ucs-2"), Some(UTF_16BE));
        assert_eq!(order(b"\0a", "utf-16le"), None);
        assert_eq!(order(b"\0a", "utf-8"), None);
    }

    #[test]
    fn code_page_437_is_whole() {
        assert_eq!(CODE_PAGE_437.chars().count(), 128);
        let text = decode_other(b"na\x8bve \x9b \xe1 \xfe\xff", "IBM437");
        assert_eq!(text, Some(("naïve ¢ ß ■\u{A0}".to_owned(), true)));
    }
}

//! Charsets by the names that mail gives them, and those that no browser knows.

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GBK, ISO_2022_JP, KOI8_R, KOI8_U, MACINTOSH, SHIFT_JIS, UTF_8,
    UTF_16BE, UTF_16LE, WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253,
    WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258, X_USER_DEFINED,
};

use crate::mail::{code_page, shifted, utf7};

/// Names that are in use and are none of the Encoding Standard's.
const NAMES: [(&str, &Encoding); 35] = [
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
    ("latin-1", WINDOWS_1252),
    ("latin_1", WINDOWS_1252),
    ("windows1250", WINDOWS_1250),
    ("windows1251", WINDOWS_1251),
    ("windows1252", WINDOWS_1252),
    ("windows1253", WINDOWS_1253),
    ("windows1254", WINDOWS_1254),
    ("windows1255", WINDOWS_1255),
    ("windows1256", WINDOWS_1256),
    ("windows1257", WINDOWS_1257),
    ("windows1258", WINDOWS_1258),
    // Of the later ones of the family, what it has in common is what is written.
    ("iso-2022-jp-1", ISO_2022_JP),
    ("iso-2022-jp-2", ISO_2022_JP),
    ("iso-2022-jp-3", ISO_2022_JP),
    ("cp50220", ISO_2022_JP),
    ("cp50221", ISO_2022_JP),
];

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
    // Of some charsets the crate makes one character in place of all that there is, and
    // of one whose characters are its user's, characters of nobody.
    let known = Encoding::for_label_no_replacement(label);
    known.filter(|encoding| *encoding != X_USER_DEFINED).or_else(|| {
        let label = label.trim_ascii();
        let is = |name: &str| label.eq_ignore_ascii_case(name.as_bytes());
        NAMES.iter().find(|(name, _)| is(name)).map(|(_, encoding)| *encoding)
    })
}

/// The text in a charset that no browser knows, and whether all of it could be read;
/// none if `label` is no such charset.
pub fn decode_other(bytes: &[u8], label: &str) -> Option<(String, bool)> {
    let label = label.trim();
    let text = code_page::decode(bytes, label).map(|text| (text, true));
    let text = text.or_else(|| utf7::is_named(label).then(|| utf7::decode(bytes)));
    text.or_else(|| utf_32(bytes, label)).or_else(|| shifted::decode(bytes, label))
}

/// The text in UTF-32, in the order of bytes that its name, its mark or else its zeros
/// tell; none if `label` is something else.
pub fn utf_32(bytes: &[u8], label: &str) -> Option<(String, bool)> {
    const MARK: char = '\u{FEFF}';
    const SCANNED: usize = 1024;
    let is = |names: &[&str]| names.iter().any(|name| label.eq_ignore_ascii_case(name));
    let (units, rest) = bytes.as_chunks::<4>();
    let is_little = if is(&["utf-32le"]) {
        true
    } else if is(&["utf-32be"]) {
        false
    } else if is(&["utf-32", "iso-10646-ucs-4", "ucs-4", "csucs4"]) {
        // No character is above 10FFFF. Without either it is big-endian (Unicode section
        // 3.10).
        let of = |at: usize| units.iter().take(SCANNED).filter(|unit| unit[at] == 0).count();
        of(3) > of(0)
    } else {
        return None;
    };
    let number = |unit: &[u8; 4]| match is_little {
        true => u32::from_le_bytes(*unit),
        false => u32::from_be_bytes(*unit),
    };
    let characters = units.iter().map(|unit| char::from_u32(number(unit)));
    let mut is_whole = rest.is_empty();
    let mut text: String = characters
        .map(|c| {
            is_whole &= c.is_some();
            c.unwrap_or(char::REPLACEMENT_CHARACTER)
        })
        .collect();
    if text.starts_with(MARK) {
        text.drain(..MARK.len_utf8());
    }
    Some((text, is_whole))
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
    fn mailers_have_names_of_their_own() {
        for (label, encoding) in [
            ("latin-1", WINDOWS_1252),
            ("Windows1252", WINDOWS_1252),
            ("windows1251", WINDOWS_1251),
        ] {
            assert_eq!(for_label(label.as_bytes()), Some(encoding), "{label}");
        }
        assert_eq!(decode_other(b"\x80", "ibm862"), Some(("א".to_owned(), true)));
    }

    /// Its characters are what its user and the sender agreed on.
    #[test]
    fn what_users_define_is_unknown() {
        assert_eq!(for_label(b"x-user-defined"), None);
        assert_eq!(decode_other(b"\x80", "x-user-defined"), None);
    }

    #[test]
    fn utf_32_is_read_in_its_order() {
        for (label, bytes, text, is_whole) in [
            ("utf-32le", &b"a\0\0\0\x3D\xF6\x01\0"[..], "a\u{1F63D}", true),
            ("UTF-32BE", b"\0\0\0a", "a", true),
            ("utf-32", b"\xFF\xFE\0\0a\0\0\0", "a", true),
            ("utf-32", b"\0\0\xFE\xFF\0\0\0a", "a", true),
            ("utf-32", b"\0\0\0a", "a", true),
            ("utf-32", b"a\0\0\0", "a", true),
            ("utf-32be", b"\0\0\xD8\0\0\0\0a\0", "\u{FFFD}a", false),
        ] {
            assert_eq!(utf_32(bytes, label), Some((text.to_owned(), is_whole)), "{label}");
        }
        assert_eq!(utf_32(b"a", "utf-16"), None);
    }
}

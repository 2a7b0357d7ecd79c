//! HTML character references.

use mail_parser::decoders::html::add_html_token;

/// Longest name among the named references, with room.
const NAME_BYTES_MAX: usize = 40;

/// Appends `text` to `out` with its character references resolved.
pub fn push_decoded(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'#';
        let name_len = rest.bytes().take(NAME_BYTES_MAX).take_while(is_name).count();
        let name = &rest[..name_len];
        let is_closed = rest.as_bytes().get(name_len) == Some(&b';');
        if push_reference(out, name) {
            rest = &rest[name_len + usize::from(is_closed)..];
        } else {
            out.push('&');
        }
    }
    out.push_str(rest);
}

fn push_reference(out: &mut String, name: &str) -> bool {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        let Ok(code) = code else { return false };
        out.push(numeric(code));
        return true;
    }
    if name.is_empty() {
        return false;
    }
    let before = out.len();
    let token = format!("&{name};");
    add_html_token(out, token.as_bytes(), false);
    if out[before..] == token {
        out.truncate(before);
        return false;
    }
    true
}

/// HTML Living Standard, section "numeric character reference end state":
/// 0x80 to 0x9F mean what they mean in Windows-1252.
fn numeric(code: u32) -> char {
    if let 0x80..=0x9f = code {
        let byte = [code as u8];
        let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte);
        return text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER);
    }
    match char::from_u32(code) {
        Some('\0') | None => char::REPLACEMENT_CHARACTER,
        Some(character) => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved() {
        let mut out = String::new();
        push_decoded(
            &mut out,
            "a &amp; b&nbsp;&eacute;&#146;&#x41; &copy 1 &nosuch; & &; &#x110000;",
        );
        assert_eq!(out, "a & b\u{a0}é’A © 1 &nosuch; & &; \u{fffd}");
    }
}

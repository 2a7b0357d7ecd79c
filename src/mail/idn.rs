//! Domains in other letters than ASCII's: one name with two spellings (RFC 5890).
//! Servers write the one in ASCII (`xn--…`), people the one in their own letters.

/// The same address, or domain, with its domain spelt the other way; none where it has
/// one spelling only.
pub fn other_spelling(address: &str) -> Option<String> {
    let at = address.rfind('@').map_or(0, |at| at + 1);
    let (local_part, domain) = address.split_at(at);
    let other = if domain.is_ascii() {
        let is_encoded =
            |label: &str| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
        if !domain.split('.').any(is_encoded) {
            return None;
        }
        let (unicode, read) = idna::domain_to_unicode(domain);
        read.ok().map(|()| unicode)?
    } else {
        idna::domain_to_ascii(domain).ok()?
    };
    (other != domain).then(|| format!("{local_part}{other}"))
}

#[cfg(test)]
mod tests {
    use super::other_spelling;

    #[test]
    fn each_spelling_gives_the_other() {
        for (letters, ascii) in [
            ("ä@bücher.example", "ä@xn--bcher-kva.example"),
            ("@bücher.example", "@xn--bcher-kva.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("\"a@b\"@почта.рф", "\"a@b\"@xn--80a1acny.xn--p1ai"),
        ] {
            assert_eq!(other_spelling(letters).as_deref(), Some(ascii));
            assert_eq!(other_spelling(ascii).as_deref(), Some(letters));
        }
        assert_eq!(other_spelling("a@BÜCHER.example").as_deref(), Some("a@xn--bcher-kva.example"));
    }

    #[test]
    fn what_has_one_spelling_or_none_has_no_other() {
        for address in [
            "ä@corp.example",
            "corp.example",
            "a@xn--999999999.example",
            "a@[192.0.2.1]",
            "a@b\u{202e}ü c.example",
            "@",
            "",
        ] {
            assert_eq!(other_spelling(address), None, "{address}");
        }
    }
}
